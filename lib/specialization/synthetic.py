r"""The synthetic vintage: a made-up economy whose true coefficients are the published ones.

It says nothing about the world. It checks estimators: what they should find is known. The truths
are properties of the cells, not of finished columns. Industry shares come from persistent latent
advantages; their dispersion in a zone is what makes its Gini; income per head follows from the
Gini *measured on those shares*; and the cells of the cube add up to that income.

Level and growth equations (columns (4) and (2) of the published table), with G, G^T, G^N the
total, tradable and non-tradable Gini of 1950 and Z the controls:

.. math::
    \log y_{1950} &= a_0 + 0.780\, G + 0.152\, G^T + n_0 G^N + \gamma_0' Z + \epsilon_0 \\
    \log y_{1950+h} - \log y_{1950} &= a_h + \lambda_h G^T + w_h (-0.021\, G + n_1 G^N
        - 0.863 \log y_{1950} + \gamma_1' Z) + N_h + u_h

The short regressions, columns (3) and (1), have 0.805 and -0.188 on G. Long and short hold
together through the omitted-variable formula: it fixes the non-tradable coefficients n_0 and n_1,
which are therefore not the published -0.244 and 0.433 (neither differs from zero there).

What it leaves out: structural change of the nation, correlation among the controls, and most of
the absent industries of real zones.
"""

from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import gamma
from scipy.stats import norm

from .measures import group_gini
from .schema import Panel, industry_table
from .topcode import weighted_quantile

YEARS = np.array([1950, 1970, 1980, 1990, 2000, 2010, 2020])
N_ZONES = 722
SEED = 1950
LABEL = "synthetic data (simulated, not evidence)"

INDUSTRY_COUNT = {
    "agriculture": 4, "mining": 5, "construction": 1, "manufacturing": 70, "transport": 16,
    "wholesale": 10, "retail": 18, "finance": 5, "business services": 4, "personal services": 6,
    "entertainment": 3, "professional services": 8,
}
"""150 made-up industries, about as many to a sector as three-digit classifications have."""

GINI_MOMENTS = pd.DataFrame(
    {
        "income": [(0.46, 0.162, 1.55), (0.48, 0.123, 1.35), (0.475, 0.106, 1.29),
                   (0.47, 0.089, 1.23), (0.50, 0.089, 1.26), (0.53, 0.089, 1.29),
                   (0.53, 0.089, 1.24)],
        "employment": [(0.45, 0.152, 1.50), (0.47, 0.116, 1.35), (0.465, 0.099, 1.305),
                       (0.46, 0.082, 1.26), (0.48, 0.0775, 1.23), (0.50, 0.073, 1.20),
                       (0.51, 0.068, 1.20)],
    },
    index=pd.Index(YEARS, name="year"),
)
"""Mean, coefficient of variation and p90/p10 of the Gini: Table 1; 1980 and 2000, which it does
not print, halfway between their neighbours."""

SHORT = {"level": 0.805, "growth": -0.188}
"""Coefficient on total specialization, columns (3) and (1)."""
LONG = {"level": (0.780, 0.152), "growth": (-0.021, -0.154)}
"""Coefficients on total and tradable specialization, columns (4) and (2)."""
CONTROLS = {
    "level": {"high_skill_share": 6.160, "old_age_dependency": -0.007, "female_share": -0.0445,
              "population": 136.8, "rustbelt": 0.149},
    "growth": {"high_skill_share": 1.204, "old_age_dependency": 0.0177, "female_share": 0.951,
               "population": 158.5, "rustbelt": 0.00368},
}
"""Coefficients on the controls, columns (4) and (2); population in billions."""
CONVERGENCE = -0.863
"""Coefficient on log income per head over 70 years, column (2)."""
HORIZON = {10: 0.00152, 20: -0.0747, 30: -0.106, 40: -0.162, 50: -0.142, 60: -0.152, 70: -0.154}
"""Coefficient on tradable specialization by horizon: the lambda_h of growth since 1950."""
INNOVATION = {10: 0.384, 20: 0.172, 30: 0.140, 40: -0.166, 50: -0.092}
"""Effect on later income of what is new in a zone's tradable Gini after 1950, by lag. Solved by
simulation so that the *pooled* regressions find `HORIZON` at 10 to 50 years in expectation."""
RANK_PERSISTENCE = 0.57
"""Tradables, 1950 to 2020; ranks within the year, largest first."""
PERMANENT = 0.529
"""Share of the variance of a tradable industry's latent advantage that never changes: solved by
simulation so that the rank regression finds `RANK_PERSISTENCE`."""

NOISE = {"level": 0.166, "growth": 0.16}
"""Standard deviation of the errors of log income: those behind the published standard errors."""
STATE_NOISE = 0.15
"""Share of the error variance that is common to a state."""
INCOME_PATH = np.array([1500, 4200, 10200, 19600, 30600, 40500, 59000])
"""Level of income per head by year, current dollars (of this order in US accounts)."""
LABOUR_SHARE = {"agriculture": 0.45, "mining": 0.40, "manufacturing": 0.65, "finance": 0.50}
"""Income over value added by sector, 0.60 elsewhere: made up."""
TAIL_INDEX = 2.0
"""Pareto index of individual earnings above twice their mean."""


@lru_cache(maxsize=1)
def panel(seed=SEED):
    """The synthetic panel: 722 zones, 150 industries, seven census years.

    Parameters
    ----------
    seed : int
        Another seed is another draw from the same economy.

    Returns
    -------
    Panel
        Cubes income, employment and value_added.
    """
    rng = np.random.default_rng(seed)
    zones, industries = geography(), _industries()
    tradable = industries["tradable"].to_numpy()
    Z = _controls(rng, zones)
    u = _income_noise(rng, zones)
    z = _latent_specialization(rng, Z, zones, u)
    x = _latent_advantage(rng, Z, tradable)
    s = _shares(x, _target_gini(z["income"], "income"))
    tilt = 0.15 * _persistent(rng, x.shape, 0.9, 0.5)
    n = _shares(x + tilt, _target_gini(z["employment"], "employment"))
    log_y = _log_income(s, tradable, Z, zones, u)
    income = s * (np.exp(log_y) * Z["population"])[..., None]
    employment = n * (0.4 * Z["population"])[..., None]
    labour_share = industries["sector"].map(LABOUR_SHARE).fillna(0.60).to_numpy()
    return Panel("synthetic", LABEL, YEARS, zones, industries,
                 {"income": income, "employment": employment,
                  "value_added": income / labour_share},
                 _control_table(Z, income, zones))


def geography():
    """Zone table of 722 made-up zones in 48 made-up states on a grid; no place is meant."""
    rng = np.random.default_rng(722)
    lat, lon = rng.uniform(26, 49, N_ZONES), rng.uniform(-124, -68, N_ZONES)
    row, column = ((lat - 26) / 23 * 6).astype(int), ((lon + 124) / 56 * 8).astype(int)
    return pd.DataFrame(
        {
            "name": [f"Synthetic zone {j:03d}" for j in range(1, N_ZONES + 1)],
            "state": [f"S{r}{c}" for r, c in zip(row, column, strict=True)],
            "division": [f"D{r // 2}{c * 3 // 8}" for r, c in zip(row, column, strict=True)],
            "rustbelt": (row >= 3) & (row <= 4) & (column >= 5) & (column <= 7),
            "lat": lat.round(2),
            "lon": lon.round(2),
        },
        index=pd.RangeIndex(1, N_ZONES + 1, name="zone"),
    )


def _industries():
    sector = np.repeat(list(INDUSTRY_COUNT), list(INDUSTRY_COUNT.values()))
    labels = [f"synthetic {name} {j + 1}" for name, n in INDUSTRY_COUNT.items() for j in range(n)]
    return industry_table(np.arange(101, 101 + sector.size), labels, sector)


def _persistent(rng, shape, decay, permanent):
    """Standard normal draws with variance share `permanent` fixed over the first axis (the years)
    and the rest an AR(1) with coefficient `decay` a decade."""
    ar = rng.standard_normal(shape)
    for t in range(1, shape[0]):
        rho = decay ** ((YEARS[t] - YEARS[t - 1]) / 10)
        ar[t] = rho * ar[t - 1] + np.sqrt(1 - rho**2) * ar[t]
    fixed = rng.standard_normal(shape[1:])
    return np.sqrt(permanent) * fixed + np.sqrt(1 - permanent) * ar


def _controls(rng, zones):
    """Controls (T, R) by name, and `size`, standardised log population of 1950."""
    shape, decades = (YEARS.size, len(zones)), (YEARS - 1950)[:, None] / 10
    size = np.clip(rng.standard_normal(shape[1]), -2.7, 2.7)    # none so large that it leads alone
    drift = 0.12 + 0.06 * rng.standard_normal(shape[1])
    skill = -2.88 + 0.29 * decades + 0.28 * _persistent(rng, shape, 0.9, 0.5)
    return {
        "size": size,
        "population": np.exp(11.3 + 1.2 * size + drift * decades),
        "high_skill_share": 1 / (1 + np.exp(-skill)),
        "old_age_dependency": 12.5 + 1.5 * decades + 2.0 * _persistent(rng, shape, 0.9, 0.3),
        "female_share": 0.50 + 0.001 * decades + 0.02 * _persistent(rng, shape, 0.9, 0.3),
    }


def _income_noise(rng, zones):
    """Errors of log income (T, R): of the level in 1950, of growth since then in later years."""
    states = zones["state"].astype("category").cat.codes.to_numpy()

    def draw(sd):
        own = rng.standard_normal(len(zones))
        common = rng.standard_normal(states.max() + 1)[states]
        return sd * (np.sqrt(1 - STATE_NOISE) * own + np.sqrt(STATE_NOISE) * common)

    decades = np.diff(YEARS) / 10
    rho = 0.8**decades
    unit = np.sqrt(1 - rho**2)           # innovations of an AR(1) that starts at zero in 1950
    final = sum((np.prod(rho[j + 1:]) * unit[j]) ** 2 for j in range(rho.size))
    u = [draw(NOISE["level"]), draw(NOISE["growth"] * unit[0] / np.sqrt(final))]
    for j in range(1, rho.size):
        u.append(rho[j] * u[-1] + draw(NOISE["growth"] * unit[j] / np.sqrt(final)))
    return np.array(u)


def _latent_specialization(rng, Z, zones, u):
    """Standard normal specialization (T, R) behind the Gini of income and of employment.

    In 1950 it leans on size and the Rustbelt, never on the income error; later it also moves with
    the zone's relative income (Fact 2).
    """
    rust = zones["rustbelt"].to_numpy()
    lean = -0.3 * Z["size"] + 0.3 * (rust - rust.mean()) / rust.std()
    z = lean + np.sqrt(1 - 0.18) * _persistent(rng, u.shape, 0.85, 0.4)
    luck = u[1:] / u[1:].std(axis=1, keepdims=True)
    z[1:] = np.sqrt(1 - 0.3**2) * z[1:] + 0.3 * luck
    other = _persistent(rng, u.shape, 0.85, 0.4)
    return {"income": z, "employment": 0.97 * z + np.sqrt(1 - 0.97**2) * other}


def _latent_advantage(rng, Z, tradable):
    """Latent log size x (T, R, I) of industries; -inf where a zone lacks one.

    Tradables are more dispersed, by a factor that differs between zones and makes the tradable
    Gini move apart from the total.
    """
    shape = (YEARS.size, N_ZONES, tradable.size)
    advantage = np.where(tradable, _persistent(rng, shape, 0.85, PERMANENT),
                         _persistent(rng, shape, 0.85, 0.4))
    stretch = np.exp(1.0 * _persistent(rng, shape[:2], 0.9, 0.5))[..., None]
    absent = tradable & (advantage < -2.0 - 0.35 * Z["size"][:, None])
    national = 0.6 * _persistent(rng, (shape[0], shape[2]), 0.9, 0.6)[:, None, :]
    weight = -1.2 - 0.9 * _persistent(rng, shape[:2], 0.9, 0.5)[..., None]
    x = np.where(tradable, weight + 0.5 * stretch * advantage, 0.8 * advantage) + national
    return np.where(absent, -np.inf, x)


def _target_gini(z, variable):
    """Gini (T, R) with the moments of `GINI_MOMENTS` where z is standard normal.

    Quantiles are Tukey's lambda, Q(p) = (p^l - (1-p)^l) / l: l = 0.14 is nearly normal, l = 1
    uniform. Mean and CV fix location and scale; p90/p10 fixes l. The published p90/p10 of income
    in 2010 is wider, at its CV, than that of any member: there the uniform comes nearest.
    """
    out, p = np.empty_like(z), norm.cdf(z)
    for t, (mean, cv, ratio) in enumerate(GINI_MOMENTS[variable]):
        q90 = (ratio - 1) / (ratio + 1) / cv        # of a symmetric distribution with unit sd
        shape = 1.0 if q90 >= _tukey(0.9, 1.0) else brentq(_excess_q90, -0.3, 1.0, args=(q90,))
        out[t] = mean * (1 + cv * _tukey(p[t], shape))
    return np.clip(out, 0.2, 0.85)


def _tukey(p, shape):
    """Quantile at p of Tukey's lambda distribution with unit variance."""
    variance = 2 / shape**2 * (1 / (1 + 2 * shape)
                               - gamma(shape + 1) ** 2 / gamma(2 * shape + 2))
    return (p**shape - (1 - p) ** shape) / shape / np.sqrt(variance)


def _excess_q90(shape, q90):
    return _tukey(0.9, shape) - q90


def _shares(x, target):
    """Shares proportional to exp(k x), with k in each zone-year such that their Gini is `target`.

    The Gini rises with k and k keeps the order of the industries, so one sort serves the whole
    bisection.
    """
    sorted_x = np.sort(x, axis=-1)
    sorted_x -= sorted_x[..., -1:]
    n = x.shape[-1]
    weight = np.column_stack([2.0 * np.arange(1, n + 1) - n - 1, np.ones(n)])
    low, high = np.zeros(target.shape), np.full(target.shape, 8.0)
    low += 1e-3
    for _ in range(40):
        k = (low + high) / 2
        sums = np.exp(k[..., None] * sorted_x) @ weight
        above = sums[..., 0] / sums[..., 1] / n > target
        high, low = np.where(above, k, high), np.where(above, low, k)
    e = np.exp(k[..., None] * (x - x.max(axis=-1, keepdims=True)))
    return e / e.sum(axis=-1, keepdims=True)


def _log_income(s, tradable, Z, zones, u):
    """Log income per head (T, R) from the shares, the controls and the errors."""
    G = _ginis(s, tradable)
    X = np.column_stack([v[0] for k, v in Z.items() if k != "size"] + [zones["rustbelt"]])
    effect = {k: _control_effect(k, Z, zones) for k in CONTROLS}
    log_y = np.empty_like(u)
    log_y[0] = _long("level", G[0], X) @ G[0] + effect["level"] + u[0]
    log_y[0] -= log_y[0].mean()
    X = np.column_stack([X, log_y[0]])
    b = _long("growth", G[0], X)
    new = _innovations(G[:, 1], np.column_stack([np.ones(len(X)), X / X.std(axis=0), G[0].T]))
    speed = np.log(1 + CONVERGENCE) / 70
    for t, year in enumerate(YEARS[1:], start=1):
        w = (1 - np.exp(speed * (year - 1950))) / -CONVERGENCE
        growth = (w * (b[[0, 2]] @ G[0, [0, 2]] + CONVERGENCE * log_y[0] + effect["growth"])
                  + HORIZON[year - 1950] * G[0, 1] + u[t])
        for j, earlier in enumerate(YEARS[1:t], start=1):
            growth = growth + INNOVATION[year - earlier] * new[j]
        log_y[t] = log_y[0] + growth - growth.mean()
    return log_y + np.log(INCOME_PATH)[:, None]


def _ginis(s, tradable):
    """Total, tradable and non-tradable Gini of the shares, (T, 3, R), less their means."""
    every = np.ones(tradable.size, dtype=bool)
    G = np.stack([group_gini(s, m) for m in (every, tradable, ~tradable)], axis=1)
    return G - G.mean(axis=-1, keepdims=True)


def _control_effect(equation, Z, zones):
    """gamma' Z in 1950, (R,)."""
    g = CONTROLS[equation]
    total = g["rustbelt"] * zones["rustbelt"].to_numpy()
    total = total + g["population"] * Z["population"][0] / 1e9
    return total + sum(g[k] * Z[k][0] for k in g if k not in ("population", "rustbelt"))


def _long(equation, G, X):
    """Coefficients (3,) on total, tradable and non-tradable Gini in the long regression.

    The last is what gives the short one its coefficient. Omitted variables: short = long + sum
    over parts of (coefficient of the part) x (slope of the part on the total, given controls X).
    """
    W = np.column_stack([G[0], np.ones(G.shape[1]), X / X.std(axis=0)])
    slope_T, slope_N = np.linalg.lstsq(W, G[1:].T, rcond=None)[0][0]
    total, tradable = LONG[equation]
    return np.array([total, tradable, (SHORT[equation] - total - tradable * slope_T) / slope_N])


def _innovations(G, initial):
    """What is new in each year's tradable Gini (T, R), given the regressors of 1950 and the
    earlier years; zero in 1950, so that regressions on 1950 are those of the equations."""
    new, past = np.zeros_like(G), initial
    for t in range(1, len(G)):
        new[t] = G[t] - past @ np.linalg.lstsq(past, G[t], rcond=None)[0]
        past = np.column_stack([past, G[t]])
    return new


def _control_table(Z, income, zones):
    """The controls as a (zone, year) table; income per head is the sum of the cells over heads."""
    columns = {"income_per_head": income.sum(axis=-1) / Z["population"]}
    columns |= {k: v for k, v in Z.items() if k != "size"}
    index = pd.MultiIndex.from_product([YEARS, zones.index], names=["year", "zone"])
    return pd.DataFrame({k: v.ravel() for k, v in columns.items()}, index=index).swaplevel()


def earnings(panel, year=1950, n_zones=12, topcode_at=0.97, seed=SEED):
    """Individual earnings, topcoded, that add up to the income cells of the largest zones.

    Above twice the mean earnings of all persons, in every cell, earnings are Pareto with index
    `TAIL_INDEX`; richer cells have more such persons. Quantiles are spread evenly over the
    persons of a cell, so that no cell owes its income to a lucky draw. Those below are scaled so
    that the weighted sum over a cell's persons is its income. Earnings above the `topcode_at`
    quantile of all report that quantile.

    Parameters
    ----------
    panel : Panel
        The synthetic panel.
    year, n_zones, seed : int
    topcode_at : float
        Between 0 and 1.

    Returns
    -------
    DataFrame
        zone, industry, weight (persons), earnings (dollars, the truth), reported (dollars) and
        topcoded.
    """
    rng = np.random.default_rng(seed)
    rows = np.argsort(-panel.control("population", year))[:n_zones]
    income, persons = panel.cube("income", year)[rows], panel.cube("employment", year)[rows]
    n = np.where(income > 0, 100 + (persons / persons.mean() * 200).astype(int), 0)
    cell = np.repeat(np.arange(n.size), n.ravel())
    weight = (persons.ravel() / np.maximum(n.ravel(), 1))[cell]
    mean = income.sum() / persons.sum()
    relative = (income / np.where(persons > 0, persons, 1) / mean).ravel()[cell]
    # multiples of an irrational number are spread evenly between 0 and 1
    rich = np.arange(cell.size) * np.sqrt(2) % 1 < np.maximum(0.12 * relative,
                                                               (relative - 0.7) / 3.2)
    even = np.cumsum(rich) * (np.sqrt(5) - 1) / 2 % 1
    tail = 2 * mean * (1 - even) ** (-1 / TAIL_INDEX)
    value = _fill(cell, np.where(rich, tail, 0.0), rng.beta(2, 3, cell.size) * ~rich, weight,
                  income.ravel())
    code = weighted_quantile(value, topcode_at, weight)
    zone, industry = np.unravel_index(cell, n.shape)
    return pd.DataFrame({
        "zone": panel.zones.index[rows[zone]], "industry": panel.industries.index[industry],
        "weight": weight, "earnings": value, "reported": np.minimum(value, code),
        "topcoded": value > code,
    })


def _fill(cell, tail, body, weight, income):
    """Earnings tail + c body, with c in each cell such that they sum to its income.

    Where the tail alone comes to nine tenths of a cell's income or more, it is shrunk to that.
    """
    tail_sum = np.bincount(cell, weight * tail, minlength=income.size)
    body_sum = np.bincount(cell, weight * body, minlength=income.size)
    shrink = np.minimum(1.0, 0.9 * income / np.where(tail_sum > 0, tail_sum, 1e-300))
    scale = (income - shrink * tail_sum) / np.where(body_sum > 0, body_sum, 1.0)
    return shrink[cell] * tail + scale[cell] * body
