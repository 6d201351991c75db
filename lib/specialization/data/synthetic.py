r"""The synthetic vintage: a made-up economy whose true coefficients are the published ones.

It says nothing about the world; it checks estimators. The truths are properties of the cells, not
of finished columns: industry shares come from persistent latent advantages, income per head from
the Gini *measured on those shares*, and the cells add up to that income. With G, G^T, G^N the
total, tradable and non-tradable Gini of 1950 and Z the controls,

.. math::
    \log y_{1950} &= a_0 + b_0 G + c_0 G^T + n_0 G^N + \gamma_0' Z + \epsilon_0 \\
    \log y_{1950+h} - \log y_{1950} &= a_h + \lambda_h G^T + w_h (b_1 G + n_1 G^N
        + \delta \log y_{1950} + \gamma_1' Z) + N_h + u_h

with the coefficients of columns (4) and (2) of the published table, and w_70 = 1. The short
regressions, on G alone, have those of columns (3) and (1): long and short hold together through
the omitted-variable formula, which fixes n_0 and n_1. Left out are structural change of the
nation, correlation among the controls, and most of the absent industries of real zones.
"""

import tomllib
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import gamma
from scipy.stats import norm

from ..errors import DataError
from ..measures import group_gini
from ..store import TABLES
from .schema import CONTROLS, Panel, industry_table
from .topcode import weighted_quantile

SETUP = tomllib.loads((TABLES / "synthetic.toml").read_text(encoding="utf-8"))
"""Parameters that are not published; the comments of data/synthetic.toml give their sources."""
YEARS = np.array([int(year) for year in SETUP["income_path"]])
SEED, TAIL_INDEX, PERMANENT = (SETUP[k] for k in ("seed", "tail_index", "permanent"))
DEMOGRAPHY = ("high_skill_share", "old_age_dependency", "female_share")

_published = pd.read_csv(TABLES / "published.csv", index_col="table")
_columns = [
    t.set_index("row")["value"].to_dict()
    for _, t in _published.loc["tradeoff_controls"].groupby("column")
]
SHORT, LONG = ({"level": _columns[i + 2], "growth": _columns[i]} for i in (0, 1))
"""Published coefficients by regressor: columns (3) and (1), with total specialization alone; (4)
and (2), with tradable and non-tradable specialization beside it."""
HORIZON = {
    int(t.column[:2]): t.value
    for t in _published.loc["tradeoff_horizons"].itertuples()
    if t.row.startswith("tradable")
}
"""Published coefficient on tradable specialization by horizon: the lambda_h."""
_moments = _published.loc["gini_over_time"].pivot(index="column", columns="row", values="value")
GINI_MOMENTS = {
    v: _moments.filter(like=v)
    .rename(index=int, columns=lambda c: c.split("_", 1)[1])
    .reindex(YEARS)
    .interpolate()
    for v in ("income", "employment")
}
"""Mean, cv and p90_p10 of the Gini by year (Table 1); 1980 and 2000, which it does not print,
halfway between their neighbours."""


@lru_cache(maxsize=1)
def panel(seed: int = SEED) -> Panel:
    """The synthetic panel, with all variables.

    Parameters
    ----------
    seed : int
        Another seed is another draw from the same economy.

    Returns
    -------
    Panel
        722 zones, 150 industries, seven years; the last one made is kept.

    Examples
    --------
    >>> made_up = panel()
    >>> made_up.years.tolist()
    [1950, 1970, 1980, 1990, 2000, 2010, 2020]
    >>> made_up.cube("income", 1950).shape
    (722, 150)
    """
    rng = np.random.default_rng(seed)
    # zones and states are places of a grid that means no place
    zones = pd.read_csv(TABLES / "synthetic_zones.csv", index_col="zone")
    names = [
        (f"synthetic {sector} {j + 1}", sector)
        for sector, n in SETUP["industries"].items()
        for j in range(n)
    ]
    industries = industry_table(range(101, 101 + len(names)), *zip(*names, strict=True))
    tradable = industries["tradable"].to_numpy()
    Z = _controls(rng, zones)
    u = _income_noise(rng, zones)
    z = _latent_specialization(rng, Z, zones, u)
    x = _latent_advantage(rng, Z, tradable)
    s = _shares(x, _target_gini(z["income"], "income"))
    tilt = 0.15 * _persistent(rng, x.shape, 0.9, 0.5)
    n = _shares(x + tilt, _target_gini(z["employment"], "employment"))
    income = s * (np.exp(_log_income(s, tradable, Z, zones, u)) * Z["population"])[..., None]
    employment = n * (0.4 * Z["population"])[..., None]
    labour_share = industries["sector"].map(SETUP["labour_share"]).fillna(0.60).to_numpy()
    Z["income_per_head"] = income.sum(axis=-1) / Z["population"]
    index = pd.MultiIndex.from_product([YEARS, zones.index], names=["year", "zone"]).swaplevel()
    return Panel(
        "synthetic",
        YEARS,
        zones,
        industries,
        {"income": income, "employment": employment, "value_added": income / labour_share},
        pd.DataFrame({k: Z[k].ravel() for k in CONTROLS}, index=index),
    )


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
    size = np.clip(rng.standard_normal(shape[1]), -2.7, 2.7)  # none so large that it leads alone
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
    common, level, growth = (SETUP["noise"][k] for k in ("state_share", "level", "growth"))

    def draw(sd):
        own, shared = rng.standard_normal(len(zones)), rng.standard_normal(states.max() + 1)
        return sd * (np.sqrt(1 - common) * own + np.sqrt(common) * shared[states])

    rho = 0.8 ** (np.diff(YEARS) / 10)
    unit = np.sqrt(1 - rho**2)  # innovations of an AR(1) that starts at zero in 1950
    final = sum((np.prod(rho[j + 1 :]) * unit[j]) ** 2 for j in range(rho.size))
    u = np.array([draw(level), *(draw(growth * sd / np.sqrt(final)) for sd in unit)])
    for t in range(2, len(u)):
        u[t] = rho[t - 1] * u[t - 1] + u[t]
    return u


def _latent_specialization(rng, Z, zones, u):
    """Standard normal specialization (T, R) behind the Gini of income and of employment. In 1950
    it leans on size and the Rustbelt only, later also on the zone's relative income (Fact 2)."""
    rust = zones["rustbelt"].to_numpy()
    lean = -0.3 * Z["size"] + 0.3 * (rust - rust.mean()) / rust.std()
    z = lean + np.sqrt(1 - 0.18) * _persistent(rng, u.shape, 0.85, 0.4)
    luck = u[1:] / u[1:].std(axis=1, keepdims=True)
    z[1:] = np.sqrt(1 - 0.3**2) * z[1:] + 0.3 * luck
    other = _persistent(rng, u.shape, 0.85, 0.4)
    return {"income": z, "employment": 0.97 * z + np.sqrt(1 - 0.97**2) * other}


def _latent_advantage(rng, Z, tradable):
    """Latent log size x (T, R, I) of industries, -inf where a zone lacks one; a factor of the
    dispersion of tradables makes their Gini move apart from the total."""
    shape = (*Z["population"].shape, tradable.size)
    advantage = np.where(
        tradable, _persistent(rng, shape, 0.85, PERMANENT), _persistent(rng, shape, 0.85, 0.4)
    )
    stretch = np.exp(1.0 * _persistent(rng, shape[:2], 0.9, 0.5))[..., None]
    absent = tradable & (advantage < -2.0 - 0.35 * Z["size"][:, None])
    national = 0.6 * _persistent(rng, (shape[0], shape[2]), 0.9, 0.6)[:, None, :]
    weight = -1.2 - 0.9 * _persistent(rng, shape[:2], 0.9, 0.5)[..., None]
    x = np.where(tradable, weight + 0.5 * stretch * advantage, 0.8 * advantage) + national
    return np.where(absent, -np.inf, x)


def _target_gini(z, variable):
    """Gini (T, R) with the moments of `GINI_MOMENTS` where z is standard normal."""
    quantile = _tukey(norm.cdf(z), np.array(SETUP["shape"][variable])[:, None])
    mean, cv = (GINI_MOMENTS[variable][k].to_numpy()[:, None] for k in ("mean", "cv"))
    return np.clip(mean * (1 + cv * quantile), 0.2, 0.85)


def _tukey(p, shape):
    """Quantile at p of Tukey's lambda distribution with unit variance."""
    variance = 2 / shape**2 * (1 / (1 + 2 * shape) - gamma(shape + 1) ** 2 / gamma(2 * shape + 2))
    return (p**shape - (1 - p) ** shape) / shape / np.sqrt(variance)


def _shares(x, target):
    """Shares proportional to exp(k x), k in each zone-year such that their Gini is `target`."""
    sorted_x = np.sort(x, axis=-1)  # k keeps the order: one sort serves the whole bisection
    sorted_x -= sorted_x[..., -1:]
    n = x.shape[-1]
    weight = np.column_stack([2.0 * np.arange(1, n + 1) - n - 1, np.ones(n)])
    low, high = np.full(target.shape, 1e-3), np.full(target.shape, 8.0)
    for _ in range(40):
        k = (low + high) / 2
        sums = np.exp(k[..., None] * sorted_x) @ weight
        above = sums[..., 0] / sums[..., 1] / n > target
        high, low = np.where(above, k, high), np.where(above, low, k)
    e = np.exp(k[..., None] * (x - x.max(axis=-1, keepdims=True)))
    return e / e.sum(axis=-1, keepdims=True)


def _log_income(s, tradable, Z, zones, u):
    """Log income per head (T, R) from the shares, the controls and the errors."""
    G = np.stack([group_gini(s, m) for m in (tradable | ~tradable, tradable, ~tradable)], axis=1)
    G = G - G.mean(axis=-1, keepdims=True)  # total, tradable, non-tradable: (T, 3, R)
    rustbelt = zones["rustbelt"].to_numpy()
    # gamma' Z in 1950; the published unit of population is billions
    effect = {
        k: g["rustbelt"] * rustbelt
        + g["population"] * Z["population"][0] / 1e9
        + sum(g[name] * Z[name][0] for name in DEMOGRAPHY)
        for k, g in LONG.items()
    }
    X = np.column_stack([*(Z[k][0] for k in ("population", *DEMOGRAPHY)), rustbelt])
    log_y = np.empty_like(u)
    log_y[0] = _coefficients("level", G[0], X) @ G[0] + effect["level"] + u[0]
    log_y[0] -= log_y[0].mean()
    X = np.column_stack([X, log_y[0]])
    b = _coefficients("growth", G[0], X)
    new = _innovations(G[:, 1], np.column_stack([np.ones(len(X)), X / X.std(axis=0), G[0].T]))
    convergence = LONG["growth"]["log_income_pc"]
    for t, year in enumerate(YEARS[1:], start=1):
        w = (1 - np.exp(np.log(1 + convergence) / 70 * (year - 1950))) / -convergence
        growth = (
            w * (b[[0, 2]] @ G[0, [0, 2]] + convergence * log_y[0] + effect["growth"])
            + HORIZON[year - 1950] * G[0, 1]
            + u[t]
        )
        for j, earlier in enumerate(YEARS[1:t], start=1):
            growth = growth + SETUP["innovation"][str(year - earlier)] * new[j]
        log_y[t] = log_y[0] + growth - growth.mean()
    return log_y + np.log(list(SETUP["income_path"].values()))[:, None]


def _coefficients(equation, G, X):
    """Coefficients (3,) on total, tradable and non-tradable Gini in the long regression; the last
    is what gives the short one its own, by the omitted-variable formula given controls X."""
    W = np.column_stack([G[0], np.ones(G.shape[1]), X / X.std(axis=0)])
    slope_T, slope_N = np.linalg.lstsq(W, G[1:].T, rcond=None)[0][0]
    short = SHORT[equation]["total_specialization"]
    total, tradable = (LONG[equation][f"{k}_specialization"] for k in ("total", "tradable"))
    return np.array([total, tradable, (short - total - tradable * slope_T) / slope_N])


def _innovations(G, initial):
    """What is new in each year's tradable Gini (T, R), given the regressors of 1950 and the
    earlier years; zero in 1950, so that regressions on 1950 are those of the equations."""
    new, past = np.zeros_like(G), initial
    for t in range(1, len(G)):
        new[t] = G[t] - past @ np.linalg.lstsq(past, G[t], rcond=None)[0]
        past = np.column_stack([past, G[t]])
    return new


def earnings(panel: Panel, topcode_at: float = 0.97) -> pd.DataFrame:
    """Individual earnings of 1950, topcoded, that add up to the cells of the 12 largest zones.

    Above twice the mean of all, earnings are Pareto with index `TAIL_INDEX` in every cell; those
    below are scaled so that the weighted sum over a cell's persons is its income.

    Parameters
    ----------
    panel : Panel
        With income and employment of 1950, such as `panel()`.
    topcode_at : float
        Between 0 and 1: earnings above this quantile of all report that quantile.

    Returns
    -------
    DataFrame
        zone, industry, weight (persons), earnings (dollars, the truth), reported (dollars) and
        topcoded.

    Raises
    ------
    DataError
        topcode_at out of range; a panel without 1950.

    Examples
    --------
    >>> people = earnings(panel())
    >>> bool((people["reported"] <= people["earnings"]).all())
    True
    """
    if not 0 < topcode_at < 1:
        raise DataError(f"earnings, topcode_at: {topcode_at}; valid: between 0 and 1")
    rng = np.random.default_rng(SEED)
    rows = np.argsort(-panel.control("population", 1950))[:12]
    income, persons = panel.cube("income", 1950)[rows], panel.cube("employment", 1950)[rows]
    n = np.where(income > 0, 100 + (persons / persons.mean() * 200).astype(int), 0)
    cell = np.repeat(np.arange(n.size), n.ravel())
    weight = (persons.ravel() / np.maximum(n.ravel(), 1))[cell]
    mean = income.sum() / persons.sum()
    relative = (income / np.where(persons > 0, persons, 1) / mean).ravel()[cell]
    # multiples of an irrational number are spread evenly between 0 and 1
    rich = np.arange(cell.size) * np.sqrt(2) % 1 < np.maximum(
        0.12 * relative, (relative - 0.7) / 3.2
    )
    even = np.cumsum(rich) * (np.sqrt(5) - 1) / 2 % 1
    tail = np.where(rich, 2 * mean * (1 - even) ** (-1 / TAIL_INDEX), 0.0)
    body = rng.beta(2, 3, cell.size) * ~rich
    # earnings tail + c body, with c in each cell such that they sum to its income; where the tail
    # alone comes to nine tenths of that or more, it is shrunk to nine tenths
    tail_sum, body_sum = (np.bincount(cell, weight * v, minlength=n.size) for v in (tail, body))
    shrink = np.minimum(1.0, 0.9 * income.ravel() / np.where(tail_sum > 0, tail_sum, 1e-300))
    scale = (income.ravel() - shrink * tail_sum) / np.where(body_sum > 0, body_sum, 1.0)
    value = shrink[cell] * tail + scale[cell] * body
    code = weighted_quantile(value, topcode_at, weight)
    zone, industry = np.unravel_index(cell, n.shape)
    return pd.DataFrame(
        {
            "zone": panel.zones.index[rows[zone]],
            "industry": panel.industries.index[industry],
            "weight": weight,
            "earnings": value,
            "reported": np.minimum(value, code),
            "topcoded": value > code,
        }
    )
