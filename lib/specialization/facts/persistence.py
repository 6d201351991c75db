r"""How long does a zone's specialization last? Persistence of ranks (Fact 3).

.. math:: \log Rank_{irt} = \alpha + \beta_h \log Rank_{ir,t-h}
          + \delta_{rt} + \gamma_{it} + \epsilon_{irt}

Ranks are those of revealed comparative advantage. All pairs of years h apart are pooled, each
with its own zone and industry effects. In a balanced panel these go out with the row and column
means of each year, once for all horizons; pyfixest serves where cells are missing.
"""

from itertools import product

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar, nnls

from ..errors import DataError
from ..measures import RANK_WITHIN, finite, lasting, rank, revealed_comparative_advantage, shares

SMALLEST_AREA = 100_000
"""Inhabitants of the smallest area that census samples identify: zones within one area carry the
shares of its sample."""
LAMBDAS = (0.5, 1.0, 1.5, 2.0)
"""Sampling noise that SIMEX adds, in multiples of the variance that is there."""


def groups(panel, variable):
    """Cube (T, R, I) of the `lasting` industries, and those (I,) of each group, as bool. The
    others go before shares are taken, in all years: in some year they have no RCA."""
    kept = lasting(panel.cube(variable))
    tradable = panel.industries["tradable"].to_numpy()[kept]
    return panel.cube(variable)[..., kept], {
        "tradables": tradable, "non-tradables": ~tradable, "all": tradable | True}


def log_rank(y, members, zeros=True, **convention):
    """Log rank of RCA (T, R, I') among the industries `members` (I,) of a cube (T, R, I), by the
    options of `measures.rank`. Zeros are one giant tie; NaN with `zeros=False`."""
    rca = revealed_comparative_advantage(y)[..., members]
    return np.log(rank(rca if zeros else np.where(rca > 0, rca, np.nan), **convention))


def group_ranks(panel, variable):
    """Log ranks (T, R, I') by group."""
    y, members = groups(panel, variable)
    return {g: log_rank(y, m) for g, m in members.items()}


def all_horizons(years):
    """Every positive distance between two of the years, in order."""
    gap = np.subtract.outer(years, years)
    return np.unique(gap[gap > 0]).tolist()


def pairs(years, h):
    """Positions (k, 2) of the pairs of years h apart; `DataError` if there are none."""
    if h not in all_horizons(years):
        raise DataError(f"persistence: no two years are {h} apart; valid: {all_horizons(years)}")
    return np.argwhere(np.subtract.outer(years, years).T == h)


def demean(x):
    """x (..., R, I) less its zone and industry means; `DataError` for NaN, which `two_way` allows,
    and for fewer than two zones or industries."""
    x, = finite(x=x)
    if min(x.shape[-2:]) < 2:
        raise DataError(f"persistence: {x.shape[-2]} zones and {x.shape[-1]} industries; valid: "
                        "at least 2 of each, or their effects explain everything")
    x = x - x.mean(axis=-1, keepdims=True)
    return x - x.mean(axis=-2, keepdims=True)


def persistence(x, years, horizons=None, instrument=None, clusters=None):
    r"""Coefficient beta_h by horizon, in closed form.

    With residuals of `demean` and sums over pairs (t-h, t), zones and industries,

    .. math:: \beta_h = \frac{\sum \tilde z_{ir,t-h} \tilde x_{irt}}
              {\sum \tilde z_{ir,t-h} \tilde x_{ir,t-h}}, \quad z = x \text{ if no instrument.}

    x and the instrument, a second measurement with its own errors, are (T, R, I); horizons are
    years, all that the `years` (T,) allow where None; clusters are labels (R,) by name, zones
    where None. Returns a table by horizon: beta; errors se, or se_<name> by cluster (CRV1: G/(G-1)
    (N-1)/(N-k), k the slope and the industry effects, since zone effects are nested in the
    clusters); n cells; pairs of years. `DataError` for a horizon the years lack, for no variation
    (all ties), and what `demean` raises."""
    residual = demean(x)
    z = residual if instrument is None else demean(instrument)
    labels = {f"se_{k}": pd.factorize(v)[0] for k, v in (clusters or {}).items()}
    # products of zone r in years s and t: (R, T, T)
    c = z.transpose(1, 0, 2) @ residual.transpose(1, 2, 0)
    rows = {}
    for h in all_horizons(years) if horizons is None else horizons:
        s, t = pairs(years, h).T
        xx, xy = c[:, s, s].sum(axis=1), c[:, s, t].sum(axis=1)
        if not abs(xx.sum()) > 1e-20 * np.square(x[s]).sum():
            raise DataError(f"persistence: no variation at horizon {h}; valid: values that are "
                            "not all ties, nor explained by zone and industry alone")
        beta, n = xy.sum() / xx.sum(), s.size * residual[0].size
        rows[h] = {"beta": beta}
        for name, of in (labels or {"se": np.arange(len(xx))}).items():
            score = np.bincount(of, xy - beta * xx)
            factor = len(score) / (len(score) - 1) * (n - 1) / (n - 1 - s.size * x.shape[2])
            rows[h][name] = np.sqrt(factor * (score**2).sum()) / abs(xx.sum())
        rows[h] |= {"n": n, "pairs": s.size}
    return pd.DataFrame(rows).T.rename_axis("horizon").astype({"n": int, "pairs": int})


def two_way(x, years, horizons):
    """The same regression by pyfixest, on the cells of x (T, R, I) that are there in both years.

    Returns a table by horizon: beta; se, clustered by zone; n cells; dropped, those that are NaN.
    """
    import pyfixest  # slow to import

    rows = {}
    for h in np.atleast_1d(horizons):
        s, t = pairs(years, h).T
        base, zone, industry = (a.ravel() for a in np.indices(x[s].shape))
        frame = pd.DataFrame({"before": x[s].ravel(), "now": x[t].ravel(), "zone": zone,
                              "zone_year": base * x.shape[1] + zone,
                              "industry_year": base * x.shape[2] + industry})
        there = frame.dropna()
        fit = pyfixest.feols("now ~ before | zone_year + industry_year", there, vcov={
            "CRV1": "zone"}, demeaner=pyfixest.MapDemeaner(fixef_tol=1e-12))
        rows[h] = {"beta": fit.coef().iloc[0], "se": fit.se().iloc[0], "n": len(there),
                   "dropped": len(frame) - len(there)}
    return pd.DataFrame(rows).T.rename_axis("horizon").astype({"n": int, "dropped": int})


def group_effects(panel, variable, horizons=None):
    """The published regression by group and horizon, with clusters zone and state;
    `industries_dropped` counts those that nobody has in some year."""
    clusters = {"zone": panel.zones.index, "state": panel.zones["state"]}
    gone = int((~lasting(panel.cube(variable))).sum())
    tables = {g: persistence(x, panel.years, horizons, clusters=clusters)
              for g, x in group_ranks(panel, variable).items()}
    return pd.concat(tables, names=["group"]).reset_index().assign(industries_dropped=gone)


def fit_decay(horizon, beta):
    r"""Permanent part and half-life behind a path: :math:`\beta_h = p + d \rho^h`.

    Least squares with p, d >= 0 and 0 < rho < 1: a permanent component, an AR(1), and 1 - p - d
    for what does not last a year. Returns a Series: permanent, decaying, rho (a year), half_life
    (years, of the AR(1)). Raises `DataError` for fewer than four horizons."""
    h, beta = finite(horizon=horizon, beta=beta)
    if np.unique(h).size < 4:
        raise DataError(f"fit_decay: {np.unique(h).size} horizons; valid: at least 4")

    def fit(log_rho):
        return nnls(np.column_stack([np.ones_like(h), np.exp(log_rho * h)]), beta)

    best = minimize_scalar(lambda a: fit(a)[1], bounds=(-0.5, -1e-4), method="bounded",
                           options={"xatol": 1e-9}).x
    p, d = fit(best)[0]
    return pd.Series({"permanent": p, "decaying": d, "rho": np.exp(best),
                      "half_life": -np.log(2) / best})


def conventions(panel, variable, horizons):
    """beta of tradables by what is ranked within what, order, ties, and zeros: one giant tie, or
    dropped before, so that cells positive in both years remain (`dropped` counts the others)."""
    (y, members), tables = groups(panel, variable), {}
    kinds = ("average", "tied"), ("min", "tied"), ("average", "dropped")
    for within, first, (ties, zeros) in product(RANK_WITHIN, ("largest", "smallest"), kinds):
        x = log_rank(y, members["tradables"], zeros == "tied", within=within, ties=ties,
                     descending=first == "largest")
        estimate = persistence if zeros == "tied" else two_way
        tables[within, first, ties, zeros] = estimate(x, panel.years, horizons)
    table = pd.concat(tables, names=["within", "first", "ties", "zeros"]).fillna({"dropped": 0})
    return table[["beta", "dropped"]].reset_index()


def other_measures(panel, variable, horizons):
    """Persistence of tradables by other measures: coefficients of the same regression, and the
    share of the top decile of RCA that is there again (0.1 by chance)."""
    y, members = groups(panel, variable)
    m, years = members["tradables"], panel.years
    rca = revealed_comparative_advantage(y)[..., m]
    logs = np.log(rca, out=np.full_like(rca, np.nan), where=rca > 0)
    top = rca > np.quantile(rca, 0.9, axis=(1, 2), keepdims=True)
    measures = {"log rank": log_rank(y, m), "rank": rank(rca), "log (1 + RCA)": np.log1p(rca),
                "symmetric RCA": (rca - 1) / (rca + 1), "share in the zone": shares(y)[..., m]}
    beta = {k: persistence(x, years, horizons)["beta"] for k, x in measures.items()}
    beta["log RCA, positive in both years"] = two_way(logs, years, horizons)["beta"]
    beta["survival in the top decile"] = pd.Series(
        {h: (top[s] & top[t]).sum() / top[s].sum() for h in horizons
         for s, t in [pairs(years, h).T]})
    return pd.concat(beta, names=["measure", "horizon"]).rename("beta").reset_index()


def by_size(panel, variable, horizons):
    """beta in each fifth of zones by population of the first year; ranks are among all zones."""
    people = panel.control("population", panel.years[0])
    part = pd.qcut(people, 5, labels=False)
    tables = {(g, k + 1, np.median(people[part == k])):
              persistence(x[:, part == k], panel.years, horizons)
              for g, x in group_ranks(panel, variable).items() for k in range(5)}
    return pd.concat(tables, names=["group", "part", "population"]).reset_index()


def binned(panel, variable, h):
    """Means in 40 bins of the residual log rank of tradables, before and now."""
    x, (s, t) = demean(group_ranks(panel, variable)["tradables"]), pairs(panel.years, h).T
    cloud = pd.DataFrame({"before": x[s].ravel(), "now": x[t].ravel()})
    part = pd.qcut(cloud["before"], 40, labels=False)
    return cloud.groupby(part).mean().reset_index(drop=True)


def sample_size(population):
    """Assumed persons behind the shares of a zone, from its inhabitants: five percent of them are
    sampled, of whom four in ten are employed full time."""
    return np.rint(0.05 * 0.4 * np.maximum(population, SMALLEST_AREA)).astype(int)


def implied_sample(s, tolerance=1e-3):
    """Persons behind shares (I,), if of equal weight: the smallest n for which all n s_i are whole
    numbers; NaN where no n up to 3 / (smallest share) fits."""
    s = s[s > 0]
    fits = (n for n in np.arange(1, 4) / s.min()
            if np.abs(n * s - np.rint(n * s)).max() < tolerance)
    return next(fits, np.nan)


def samples(panel, variable, year):
    """Population, assumed and implied sample of the zones whose sample can be told, and
    `twins`: how many zones have the very same shares, itself included."""
    s, people = shares(panel.cube(variable, year)), panel.control("population", year)
    _, group, size = np.unique(s.round(9), axis=0, return_inverse=True, return_counts=True)
    return pd.DataFrame({"zone": panel.zones.index, "population": people,
                         "assumed": sample_size(people), "twins": size[group],
                         "implied": [implied_sample(row) for row in s]})


def split_sample(rng, counts, beta, repeats=4):
    """Coefficients with samples split at random, as their counts (T, R, I) do: one half is the
    instrument of the other. Mean of `beta(half, other half)` over both roles and all splits."""
    halves = [rng.binomial(counts.astype(int), 0.5).astype(float) for _ in range(repeats)]
    return np.mean([b for a in halves for b in (beta(a, counts - a), beta(counts - a, a))], axis=0)


def simex(rng, y, n, beta, repeats=2):
    """Simulation-extrapolation (Cook and Stefanski 1994): coefficients with more noise added.

    n / lambda persons, drawn from shares that rest on n (T, R), add lambda times their variance. A
    parabola through lambda = 0 and `LAMBDAS` is followed back to -1, no noise: the first row."""
    rows = {0.0: beta(y)}
    for a in LAMBDAS:
        drawn = [rng.multinomial(np.maximum(n // a, 1).astype(int), shares(y)).astype(float)
                 for _ in range(repeats)]
        rows[a] = np.mean([beta(d) for d in drawn], axis=0)
    through = np.polyfit(list(rows), list(rows.values()), 2)
    return pd.DataFrame({-1.0: np.polyval(through, -1.0)} | rows).T


def noise_table(panel, variable, horizons, sampled=True, seed=1):
    """beta as it is and corrected for sampling noise, by group, zones, method and horizon.

    Where the shares are not `sampled` they are the truth: samples of the assumed `sample_size`
    are drawn from them, and the truth stands in the table."""
    rng, (truth, members) = np.random.default_rng(seed), groups(panel, variable)
    people = np.array([panel.control("population", t) for t in panel.years])
    n = sample_size(people)
    y = truth if sampled else rng.multinomial(n, shares(truth)).astype(float)
    counts = np.rint(shares(y) * n[..., None])
    large, rows = people[0] >= np.quantile(people[0], 0.8), {}
    for g, (zones, chosen) in product(list(members)[:2], {"all": large | True,
                                                   "largest fifth": large}.items()):
        def beta(y, other=None, g=g, chosen=chosen):
            x, z = (c if c is None else log_rank(c, members[g])[:, chosen] for c in (y, other))
            return persistence(x, panel.years, horizons, z)["beta"]

        found = {} if sampled else {"truth": beta(truth)}
        found |= {"as sampled": beta(y), "split halves": split_sample(rng, counts, beta)}
        found |= {f"SIMEX {a:g}": b for a, b in simex(rng, y, n, beta).iterrows()}
        rows |= {(g, zones, method): pd.Series(b, horizons) for method, b in found.items()}
    names = ["group", "zones", "method", "horizon"]
    return pd.concat(rows, names=names).rename("beta").reset_index()
