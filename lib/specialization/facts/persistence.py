r"""How long does a zone's specialization last? Persistence of ranks (Fact 3).

.. math:: \log Rank_{irt} = \alpha + \beta_h \log Rank_{ir,t-h}
          + \delta_{rt} + \gamma_{it} + \epsilon_{irt}

Ranks are those of revealed comparative advantage. All pairs of years h apart are pooled, each
with its own zone and industry effects. In a balanced panel these go out with the row and column
means of each year, once for all horizons; pyfixest serves where cells are missing.
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar, nnls

from ..data.schema import Panel
from ..errors import DataError, count
from ..measures import (
    RANK_WITHIN,
    finite,
    floats,
    lasting,
    membership,
    rank,
    revealed_comparative_advantage,
    shares,
    unit,
)
from . import power
from .describe import SHOWN
from .inference import group_codes

SMALLEST_AREA = 100_000
"""Inhabitants of the smallest area that census samples identify: zones within one area carry the
shares of its sample."""
LAMBDAS = (0.5, 1.0, 1.5, 2.0)
"""Sampling noise that SIMEX adds, in multiples of the variance that is there."""


def groups(panel: Panel, variable: str) -> tuple[np.ndarray, dict]:
    """Cube of the `lasting` industries, and which of them are in each group.

    The others go before shares are taken, in all years: in some year they have no RCA.

    Parameters
    ----------
    panel : Panel
    variable : str

    Returns
    -------
    cube : ndarray, shape (T, R, I)
    members : dict of ndarray of bool, shape (I,)
        tradables, non-tradables, all.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> cube, members = groups(synthetic.panel(), "income")
    >>> cube.shape, {name: int(m.sum()) for name, m in members.items()}
    ((7, 722, 150), {'tradables': 79, 'non-tradables': 71, 'all': 150})
    """
    kept = lasting(panel.cube(variable))
    tradable = panel.industries["tradable"].to_numpy()[kept]
    return panel.cube(variable)[..., kept], {
        "tradables": tradable,
        "non-tradables": ~tradable,
        "all": tradable | True,
    }


def log_rank(y: np.ndarray, members: np.ndarray, zeros: bool = True, **convention) -> np.ndarray:
    """Log rank of RCA among some industries.

    Parameters
    ----------
    y : ndarray, shape (T, R, I)
    members : ndarray of bool, shape (I,)
        Who is ranked; shares are those of all industries.
    zeros : bool
        Whether absent industries are ranked, as one giant tie; else NaN.
    **convention
        Options of `measures.rank`.

    Returns
    -------
    ndarray, shape (T, R, I')

    Examples
    --------
    >>> y = np.array([[[4.0, 1, 0], [1, 2, 3]]])
    >>> np.exp(log_rank(y, np.array([True, True, False]))).round(1).tolist()
    [[[1.0, 3.0], [4.0, 2.0]]]
    """
    rca = revealed_comparative_advantage(y)
    rca = rca[..., membership("members", members, rca.shape[-1])]
    return np.log(rank(rca if zeros else np.where(rca > 0, rca, np.nan), **convention))


def _group_ranks(panel, variable):
    """Log ranks (T, R, I') by group."""
    y, members = groups(panel, variable)
    return {g: log_rank(y, m) for g, m in members.items()}


def all_horizons(years: ArrayLike) -> list:
    """Every positive distance between two of the years, in order.

    Examples
    --------
    >>> all_horizons([1980, 1990, 2000])
    [10, 20]
    """
    gap = _gaps(years)
    return np.unique(gap[gap > 0]).tolist()


def _gaps(years):
    # years of any type, as small and unsigned integers have no negative distances
    (years,) = finite(1, years=np.atleast_1d(years))
    years = years.astype(int) if (years % 1 == 0).all() else years
    if np.unique(years).size < years.size:
        raise DataError(f"persistence: years {years.tolist()}; valid: each once")
    return np.subtract.outer(years, years)


def pairs(years: ArrayLike, h: int) -> np.ndarray:
    """Positions (k, 2) of the pairs of years h apart.

    Raises
    ------
    DataError
        There are none.

    Examples
    --------
    >>> pairs([1980, 1990, 2000], 10).tolist()
    [[0, 1], [1, 2]]
    """
    if h not in all_horizons(years):
        raise DataError(f"persistence: no two years are {h} apart; valid: {all_horizons(years)}")
    return np.argwhere(_gaps(years).T == h)


def demean(x: ArrayLike) -> np.ndarray:
    r"""What zone and industry means leave of a balanced panel.

    .. math:: \tilde x_{ir} = x_{ir} - \bar x_r - \bar x_i + \bar x

    Parameters
    ----------
    x : array_like, shape (..., R, I)

    Returns
    -------
    ndarray, shape (..., R, I)

    Raises
    ------
    DataError
        For NaN, which `two_way` allows, and for fewer than two zones or industries.

    Examples
    --------
    >>> demean([[1, 2], [3, 8]]).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    x = finite(x=x)[0]
    if x.ndim < 2:
        raise DataError("persistence: 1 dimension; valid: zones by industries, by year")
    if min(x.shape[-2:]) < 2:
        raise DataError(
            f"persistence: {x.shape[-2]} zones and {x.shape[-1]} industries; valid: "
            "at least 2 of each, or their effects explain everything"
        )
    x = x - x.mean(axis=-1, keepdims=True)
    return x - x.mean(axis=-2, keepdims=True)


def persistence(
    x: ArrayLike,
    years: ArrayLike,
    horizons: Sequence[int] | None = None,
    instrument: ArrayLike | None = None,
    clusters: dict | None = None,
) -> pd.DataFrame:
    r"""Coefficient beta_h by horizon, in closed form.

    With residuals of `demean` and sums over pairs (t-h, t), zones and industries,

    .. math:: \beta_h = \frac{\sum \tilde z_{ir,t-h} \tilde x_{irt}}
              {\sum \tilde z_{ir,t-h} \tilde x_{ir,t-h}}, \quad z = x \text{ if no instrument.}

    Standard errors are clustered (CRV1): the factor is G/(G-1) (N-1)/(N-k), with k the slope and
    the industry effects, since zone effects are nested in the clusters.

    Parameters
    ----------
    x : array_like, shape (T, R, I)
        Log ranks, or another measure.
    years : array_like, shape (T,)
    horizons : sequence of int, optional
        Years; all that there are where None.
    instrument : array_like, shape (T, R, I), optional
        A second measurement, with errors of its own.
    clusters : dict of array_like, shape (R,), optional
        Labels of groups of zones by name; each zone its own where None.

    Returns
    -------
    DataFrame
        By horizon: beta; se, or se_<name> by cluster, NaN for two zones; n cells; pairs of years.

    Raises
    ------
    DataError
        A horizon that the years lack, no variation (all ties), a missing label, one cluster only,
        and what `demean` raises.

    Examples
    --------
    >>> before = np.random.default_rng(0).normal(size=(6, 5))
    >>> x = np.stack([before, 0.5 * before + np.arange(5)])
    >>> persistence(x, [1980, 1990])["beta"].round(6).to_dict()
    {10: 0.5}
    """
    x = _by_year(x, years)
    residual, zones = demean(x), x.shape[1]
    other = x if instrument is None else _by_year(instrument, years, x.shape)
    z = residual if instrument is None else demean(other)
    if not isinstance(clusters, dict | None):
        raise DataError(
            f"persistence: clusters of {type(clusters).__name__}; valid: a dict by name"
        )
    labels = {f"se_{k}": group_codes(v, f"cluster {k}") for k, v in (clusters or {}).items()}
    if odd := [k for k, v in labels.items() if v.size != zones]:
        raise DataError(
            f"persistence: {labels[odd[0]].size} labels for {odd[0]}; valid: "
            f"{zones}, one for each zone"
        )
    # products of zone r in years s and t: (R, T, T)
    c = z.transpose(1, 0, 2) @ residual.transpose(1, 2, 0)
    # two zones less their mean are each other's mirror: their scores are zero, and say nothing
    known = 1.0 if zones > 2 else np.nan
    length = [np.square(v).sum(axis=(1, 2)) for v in (x, x if instrument is None else other)]
    rows = {}
    for h in _some(all_horizons(years) if horizons is None else horizons):
        s, t = pairs(years, h).T
        xx, xy = c[:, s, s].sum(axis=1), c[:, s, t].sum(axis=1)
        # against what was there before zone and industry, so that no unit matters
        if not abs(xx.sum()) > 1e-20 * np.sqrt(np.prod([v[s].sum() for v in length])):
            raise DataError(
                f"persistence: no variation at horizon {h}; valid: values that are "
                "not all ties, nor explained by zone and industry alone"
            )
        beta, n = xy.sum() / xx.sum(), s.size * residual[0].size
        rows[h] = {"beta": beta}
        for name, of in (labels or {"se": np.arange(zones)}).items():
            score = np.bincount(of, xy - beta * xx)
            factor = len(score) / (len(score) - 1) * (n - 1) / (n - 1 - s.size * x.shape[2])
            rows[h][name] = known * np.sqrt(factor * (score**2).sum()) / abs(xx.sum())
        rows[h] |= {"n": n, "pairs": s.size}
    return pd.DataFrame(rows).T.rename_axis("horizon").astype({"n": int, "pairs": int})


def _some(horizons):
    if not np.size(horizons):
        raise DataError("persistence: no horizon; valid: one or more")
    return np.atleast_1d(horizons).tolist()


def _by_year(x, years, shape=None):
    # x as floats (T, R, I), a cube for each of the years, of which two differ
    x, years = floats("persistence", x, 3), np.atleast_1d(years)
    if np.isinf(x).any():
        raise DataError(f"persistence: {np.isinf(x).sum()} cells infinite; valid: finite")
    if len(x) != len(years) or shape not in (None, x.shape) or not all_horizons(years):
        raise DataError(
            f"persistence: {x.shape} cells, years {list(years)}; valid: a cube for "
            f"each of two or more years{f', {shape}' if shape else ''}"
        )
    return x / unit(x)  # no coefficient depends on units, and squares must not overflow


def two_way(x: np.ndarray, years: ArrayLike, horizons: int | Sequence[int]) -> pd.DataFrame:
    """The same regression by pyfixest, on the cells that are there in both years.

    A cell whose zone or industry has no other explains nothing and is dropped too.

    Parameters
    ----------
    x : ndarray, shape (T, R, I)
        NaN where a cell is missing.
    years : array_like, shape (T,)
    horizons : int or sequence of int

    Returns
    -------
    DataFrame
        By horizon: beta; se, clustered by zone; n cells that are used; dropped, all others.

    Raises
    ------
    DataError
        A horizon that the years lack, or nothing to be explained in what is left.

    Examples
    --------
    >>> before = np.random.default_rng(0).normal(size=(6, 5))
    >>> x = np.stack([before, 0.5 * before + np.arange(5)])
    >>> x[0, 0, 1:] = np.nan    # the first zone has one industry
    >>> two_way(x, [1980, 1990], 10)[["n", "dropped"]].to_numpy().tolist()
    [[25, 5]]
    """
    import pyfixest  # slow to import

    x, rows = _by_year(x, years), {}
    for h in _some(horizons):
        every = _cells(x, *pairs(years, h).T)
        used = _without_singletons(every.dropna())
        unit = used["before"].std(ddof=0)  # the package's tolerances have units
        try:
            if not unit > 1e-10 * used["before"].abs().max():  # it would end the whole process
                raise ValueError(f"a standard deviation of {unit}")
            used = used.assign(before=used["before"] / unit, now=used["now"] / unit)
            fit = pyfixest.feols(
                "now ~ before | zone_year + industry_year",
                used,
                vcov={"CRV1": "zone"},
                demeaner=pyfixest.MapDemeaner(fixef_tol=1e-12),
            )
        except ValueError as error:
            raise DataError(
                f"persistence: no variation at horizon {h} in {len(used)} cells that "
                "share their zone and industry; valid: values that are not all ties, "
                "nor explained by zone and industry alone"
            ) from error
        rows[h] = {
            "beta": fit.coef().iloc[0],
            "se": fit.se().iloc[0] if used["zone"].nunique() > 2 else np.nan,
            "n": len(used),
            "dropped": len(every) - len(used),
        }
    return pd.DataFrame(rows).T.rename_axis("horizon").astype({"n": int, "dropped": int})


def _cells(x, s, t):
    """Cells of x (T, R, I) in years s and t, with labels of their effects."""
    base, zone, industry = (a.ravel() for a in np.indices(x[s].shape))
    return pd.DataFrame(
        {
            "before": x[s].ravel(),
            "now": x[t].ravel(),
            "zone": zone,
            "zone_year": base * x.shape[1] + zone,
            "industry_year": base * x.shape[2] + industry,
        }
    )


def _without_singletons(cells):
    """Cells less those that are alone in their zone or industry, again until none is."""
    alone = ~(
        cells.duplicated("zone_year", keep=False) & cells.duplicated("industry_year", keep=False)
    )
    return _without_singletons(cells[~alone]) if alone.any() else cells


def wild_test(
    x: np.ndarray,
    y: np.ndarray,
    cluster: ArrayLike,
    controls: ArrayLike = (),
    draws: int = 999,
    seed: int = 0,
) -> Callable[[float], float]:
    r"""P values of values of a slope in a balanced panel by the wild cluster bootstrap.

    Null imposed, as in `inference.wild_cluster`. Effects of industry and year, and controls, are
    taken out of each draw anew; effects of zones are those of their cluster. So the draws need
    sums over the zones of a cluster only, however many cells there are.

    Parameters
    ----------
    x, y : ndarray, shape (P, R, I)
        What all effects and controls leave of them, by pair of years (or year).
    cluster : array_like, shape (R,)
        Labels of groups of zones.
    controls : array_like, shape (K, P, R, I)
        What the effects leave of them.
    draws, seed : int
        Of Rademacher signs; all of them are tried where they are fewer.

    Returns
    -------
    function
        Of a value of the slope.

    Examples
    --------
    >>> x, e = demean(np.random.default_rng(0).normal(size=(2, 1, 40, 5)))
    >>> p = wild_test(x, 0.5 * x + 0.1 * e, np.arange(40) // 2)
    >>> bool(p(0.5) > 0.05), bool(p(0.8) < 0.05)
    (True, True)
    """
    from wildboottest.weights import draw_weights  # slow to import

    D = np.eye(group_codes(cluster, "cluster").max() + 1)[group_codes(cluster, "cluster")]
    n = D.shape[1]
    signs, _ = draw_weights("rademacher", 2**n < draws, n, draws, np.random.default_rng(seed))
    Z = np.reshape(controls, (-1, *x.shape))
    Q = np.linalg.inv(np.einsum("kpri,lpri->kl", Z, Z))
    (X, Y), (ZX, ZY) = (
        [np.einsum(sums, D, *parts, v, optimize=True).reshape(n, -1) for v in (x, y)]
        for sums, parts in (("rg,pri->gpi", ()), ("rg,kpri,pri->gk", (Z,)))
    )
    xx, xy = (np.einsum("rg,pri,pri->g", D, x, v, optimize=True) for v in (x, y))

    def p(b):
        score = xy - b * xx
        t = abs(score.sum()) / np.linalg.norm(score - xx * score.sum() / xx.sum())
        own = score[:, None] * signs
        gap = own.sum(axis=0) / xx.sum()
        means = X @ ((Y - b * X).T @ signs) / len(D) + ZX @ Q @ ((ZY - b * ZX).T @ signs)
        bound = t * np.linalg.norm(own - means - xx[:, None] * gap, axis=0) * (1 - 1e-9)
        return np.mean(np.abs(own.sum(axis=0)) >= bound)  # ties count, rounded or not

    return p


def group_effects(
    panel: Panel, variable: str, horizons: Sequence[int] | None = None
) -> pd.DataFrame:
    """The published regression by group and horizon.

    Parameters
    ----------
    panel : Panel
    variable : str
        RCA is that of its shares.
    horizons : sequence of int, optional
        Years; all that the panel allows where None.

    Returns
    -------
    DataFrame
        group; horizon; beta, se_zone, n and pairs of `persistence`; se, clustered as by
        `power.clusters`; low and high, the 95% interval by `wild_test`; industries_dropped,
        those that nobody has in some year.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> table = group_effects(synthetic.panel(), "income", [70])
    >>> table["group"].tolist(), float(table["beta"][0].round(2))
    (['tradables', 'non-tradables', 'all'], 0.57)
    """
    gone = int((~lasting(panel.cube(variable))).sum())
    tables = {
        g: _with_intervals(x, panel, horizons) for g, x in _group_ranks(panel, variable).items()
    }
    return pd.concat(tables, names=["group"]).reset_index().assign(industries_dropped=gone)


def _with_intervals(x, panel, horizons):
    labels = panel.zones[power.clusters(panel)[0]]
    table = persistence(
        x, panel.years, horizons, clusters={"zone": panel.zones.index, "state": labels}
    )
    table = table.rename(columns={"se_state": "se"})
    residual, intervals = demean(x), {}
    for h, row in table.iterrows():
        s, t = pairs(panel.years, h).T
        p = wild_test(residual[s], residual[t], labels)
        intervals[h] = power.not_rejected(
            lambda b, p=p: p(b) < power.LEVEL, row["beta"], row["se"]
        )
    table[["low", "high"]] = pd.DataFrame(intervals).T
    return table


def fit_decay(horizon: ArrayLike, beta: ArrayLike) -> pd.Series:
    r"""Permanent part and half-life behind a path.

    .. math:: \beta_h = p + d \rho^h

    Least squares with p, d >= 0 and 0 < rho < 1: a permanent component, an AR(1), and 1 - p - d
    for what does not last a year.

    Parameters
    ----------
    horizon : array_like, shape (H,)
        Years.
    beta : array_like, shape (H,)

    Returns
    -------
    Series
        permanent, p; decaying, d; rho, a year; half_life, years, of the AR(1). Where nothing
        decays the last two are NaN.

    Raises
    ------
    DataError
        For NaN, or fewer than four horizons.

    Examples
    --------
    >>> h = np.array([1, 10, 20, 30, 40])
    >>> fit_decay(h, 0.3 + 0.5 * 0.95**h).round(2).to_dict()
    {'permanent': 0.3, 'decaying': 0.5, 'rho': 0.95, 'half_life': 13.51}
    """
    h, beta = finite(1, horizon=horizon, beta=beta)
    if not ((h >= 0) & (h <= 1000)).all():
        raise DataError(f"fit_decay: horizons {h.min():g} to {h.max():g}; valid: 0 to 1000 years")
    if np.unique(h).size < 4:
        raise DataError(f"fit_decay: {np.unique(h).size} horizons; valid: at least 4")

    def fit(log_rho):
        return nnls(np.column_stack([np.ones_like(h), np.exp(log_rho * h)]), beta)

    best = minimize_scalar(
        lambda a: fit(a)[1], bounds=(-0.5, -1e-4), method="bounded", options={"xatol": 1e-9}
    ).x
    p, d = fit(best)[0]
    if d <= 1e-9 * np.abs(beta).max():
        p, d, best = beta.mean().clip(0), 0.0, np.nan
    return pd.Series(
        {"permanent": p, "decaying": d, "rho": np.exp(best), "half_life": -np.log(2) / best}
    )


def decay(table: pd.DataFrame) -> pd.DataFrame:
    """`fit_decay` of each group of a table of `group_effects`, by group.

    Examples
    --------
    >>> h = np.array([1, 10, 20, 30, 40])
    >>> table = pd.DataFrame({"group": "all", "horizon": h, "beta": 0.3 + 0.5 * 0.95**h})
    >>> decay(table)["permanent"].round(2).to_dict()
    {'all': 0.3}
    """
    fits = {g: fit_decay(t["horizon"], t["beta"]) for g, t in table.groupby("group")}
    return pd.DataFrame(fits).T.rename_axis("group")


def with_decay(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `group_effects` with the fitted path of each group.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    DataFrame
        With one more column, fit; NaN where there are fewer than four horizons.

    Examples
    --------
    >>> h = np.array([1, 10, 20, 30, 40])
    >>> table = pd.DataFrame({"group": "all", "horizon": h, "beta": 0.3 + 0.5 * 0.95**h})
    >>> with_decay(table)["fit"].round(3).tolist()
    [0.775, 0.599, 0.479, 0.407, 0.364]
    """
    enough = table.groupby("group")["horizon"].transform("nunique") >= 4
    if not enough.any():
        return table.assign(fit=np.nan)
    f = decay(table[enough]).reindex(table["group"]).to_numpy().T[:3]
    return table.assign(fit=f[0] + f[1] * np.nan_to_num(f[2]) ** table["horizon"])


def conventions(panel: Panel, variable: str, horizons: Sequence[int]) -> pd.DataFrame:
    """Persistence of tradables by convention of ranking.

    Parameters
    ----------
    panel, variable, horizons
        Those of `group_effects`.

    Returns
    -------
    DataFrame
        within, what is ranked within what; first, which cell has rank 1; ties; zeros, tied (one
        giant tie) or dropped before, so that cells positive in both years remain; horizon; beta;
        dropped, cells that are not used.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from specialization.data import synthetic
    >>> panel = synthetic.panel()
    >>> cubes = {"income": panel.cube("income")[:, :40]}
    >>> few = replace(panel, zones=panel.zones[:40], cubes=cubes)
    >>> len(conventions(few, "income", [70]))
    18
    """
    (y, members), tables = groups(panel, variable), {}
    kinds = ("average", "tied"), ("min", "tied"), ("average", "dropped")
    for within, first, (ties, zeros) in product(RANK_WITHIN, ("largest", "smallest"), kinds):
        x = log_rank(
            y,
            members["tradables"],
            zeros == "tied",
            within=within,
            ties=ties,
            descending=first == "largest",
        )
        estimate = persistence if zeros == "tied" else two_way
        tables[within, first, ties, zeros] = estimate(x, panel.years, horizons)
    table = pd.concat(tables, names=["within", "first", "ties", "zeros"]).fillna({"dropped": 0})
    return table[["beta", "dropped"]].reset_index()


def other_measures(panel: Panel, variable: str, horizons: Sequence[int]) -> pd.DataFrame:
    """Persistence of tradables by other measures than the log rank.

    Parameters
    ----------
    panel, variable, horizons
        Those of `group_effects`.

    Returns
    -------
    DataFrame
        measure; horizon; beta, the coefficient of the same regression, or the share of the top
        decile of RCA that is there again (0.1 by chance).

    Examples
    --------
    >>> from dataclasses import replace
    >>> from specialization.data import synthetic
    >>> panel = synthetic.panel()
    >>> cubes = {"income": panel.cube("income")[:, :40]}
    >>> few = replace(panel, zones=panel.zones[:40], cubes=cubes)
    >>> other_measures(few, "income", [70])["measure"].tolist()[:3]
    ['log rank', 'rank', 'log (1 + RCA)']
    """
    y, members = groups(panel, variable)
    m, years = members["tradables"], panel.years
    rca = revealed_comparative_advantage(y)[..., m]
    logs = np.log(rca, out=np.full_like(rca, np.nan), where=rca > 0)
    top = rca > np.quantile(rca, 0.9, axis=(1, 2), keepdims=True)
    measures = {
        "log rank": log_rank(y, m),
        "rank": rank(rca),
        "log (1 + RCA)": np.log1p(rca),
        "symmetric RCA": (rca - 1) / (rca + 1),
        "share in the zone": shares(y)[..., m],
    }
    beta = {k: persistence(x, years, horizons)["beta"] for k, x in measures.items()}
    beta["log RCA, positive in both years"] = two_way(logs, years, horizons)["beta"]
    beta["survival in the top decile"] = pd.Series(
        {
            h: (top[s] & top[t]).sum() / top[s].sum()
            for h in horizons
            for s, t in [pairs(years, h).T]
        }
    )
    return pd.concat(beta, names=["measure", "horizon"]).rename("beta").reset_index()


def by_size(panel: Panel, variable: str, horizons: Sequence[int]) -> pd.DataFrame:
    """Persistence in each fifth of zones by population of the first year.

    Ranks are among all zones.

    Parameters
    ----------
    panel, variable, horizons
        Those of `group_effects`.

    Returns
    -------
    DataFrame
        group; part, 1 the smallest zones; population, its median; and what `persistence` gives.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> by_size(synthetic.panel(), "income", [70])["part"].unique().tolist()
    [1, 2, 3, 4, 5]
    """
    people = panel.control("population", panel.years[0])
    part = pd.qcut(people, 5, labels=False)
    tables = {
        (g, k + 1, np.median(people[part == k])): persistence(
            x[:, part == k], panel.years, horizons
        )
        for g, x in _group_ranks(panel, variable).items()
        for k in range(5)
    }
    return pd.concat(tables, names=["group", "part", "population"]).reset_index()


def binned(panel: Panel, variable: str, h: int) -> pd.DataFrame:
    """Means in 40 bins of the residual log rank of tradables.

    Parameters
    ----------
    panel, variable
        Those of `group_effects`.
    h : int
        Horizon in years.

    Returns
    -------
    DataFrame
        before and now.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> binned(synthetic.panel(), "income", 70).shape
    (40, 2)
    """
    x, (s, t) = demean(_group_ranks(panel, variable)["tradables"]), pairs(panel.years, h).T
    cloud = pd.DataFrame({"before": x[s].ravel(), "now": x[t].ravel()})
    part = pd.qcut(cloud["before"], 40, labels=False)
    return cloud.groupby(part).mean().reset_index(drop=True)


def advantages(panel: Panel, variable: str) -> pd.DataFrame:
    """Revealed comparative advantage of the zones of `SHOWN` in the first and the last year.

    Parameters
    ----------
    panel, variable
        Those of `group_effects`.

    Returns
    -------
    DataFrame
        place; industry, its label; tradable; before and now, its RCA; first and last, the years.
        No rows where the panel has none of these zones.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> len(advantages(synthetic.panel(), "income"))
    0
    """
    y, members = groups(panel, variable)
    rca, kept = revealed_comparative_advantage(y), lasting(panel.cube(variable))
    ends = pd.DataFrame(
        {"industry": panel.industries["label"][kept], "tradable": members["tradables"]}
    )
    parts = [
        ends.assign(place=SHOWN[zone], before=rca[0, at], now=rca[-1, at])
        for at, zone in enumerate(panel.zones.index)
        if zone in SHOWN
    ]
    table = pd.concat(parts or [ends.assign(place="", before=0.0, now=0.0)[:0]])
    table = table.assign(first=panel.years[0], last=panel.years[-1])
    columns = ["place", "industry", "tradable", "before", "now", "first", "last"]
    return table[columns].reset_index(drop=True)


# Sampling noise


def sample_size(population: ArrayLike) -> np.ndarray:
    """Assumed persons behind the shares of a zone, from its inhabitants.

    Five percent of them are sampled, of whom four in ten are employed full time; of a zone smaller
    than `SMALLEST_AREA`, as of an area of that size.

    Examples
    --------
    >>> sample_size([2_000, 1_000_000]).tolist()
    [2000, 20000]
    """
    people = finite(population=population)[0].reshape(np.shape(population))
    if not ((people >= 0) & (people <= 1e12)).all():
        raise DataError(f"population: {people.min():g} to {people.max():g}; valid: 0 to 1e12")
    return np.rint(0.05 * 0.4 * np.maximum(people, SMALLEST_AREA)).astype(int)


def implied_sample(s: ArrayLike, tolerance: float = 1e-3) -> float:
    """Persons behind shares, if of equal weight.

    Parameters
    ----------
    s : array_like, shape (I,)
        Shares, or anything proportional to them.
    tolerance : float
        How far a number of persons may be from a whole one.

    Returns
    -------
    float
        The smallest n for which all n s_i are whole numbers; NaN where no n up to 3 / (smallest
        share) fits.

    Raises
    ------
    DataError
        For NaN, a negative entry or a sum of zero.

    Examples
    --------
    >>> float(implied_sample([0.3, 0.1, 0.6]))
    10.0
    """
    s = shares(floats("implied_sample", s, 1))
    s = s[s > 0]
    fits = (
        n for n in np.arange(1, 4) / s.min() if np.abs(n * s - np.rint(n * s)).max() < tolerance
    )
    return next(fits, np.nan)


def samples(panel: Panel, variable: str, year: int) -> pd.DataFrame:
    """Size of the sample behind the shares of each zone.

    Parameters
    ----------
    panel : Panel
    variable : str
    year : int

    Returns
    -------
    DataFrame
        zone; population; assumed, `sample_size`; twins, how many zones have the very same shares,
        itself included; implied, `implied_sample`, NaN where it cannot be told.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> int(samples(synthetic.panel(), "income", 1950)["twins"].max())
    1
    """
    s, people = shares(panel.cube(variable, year)), panel.control("population", year)
    _, group, size = np.unique(s.round(9), axis=0, return_inverse=True, return_counts=True)
    return pd.DataFrame(
        {
            "zone": panel.zones.index,
            "population": people,
            "assumed": sample_size(people),
            "twins": size[group],
            "implied": [implied_sample(row) for row in s],
        }
    )


def split_sample(
    rng: np.random.Generator, counts: np.ndarray, beta: Callable, repeats: int = 4
) -> np.ndarray:
    """Coefficients with samples split at random: one half is the instrument of the other.

    Parameters
    ----------
    rng : numpy.random.Generator
    counts : ndarray, shape (T, R, I)
        Persons.
    beta : function
        Of the counts of two halves: coefficients (H,) with the second as instrument.
    repeats : int
        Splits.

    Returns
    -------
    ndarray, shape (H,)
        Mean over both roles and all splits.

    Examples
    --------
    >>> def beta(half, other):
    ...     return [half.sum() + other.sum()]
    >>> split_sample(np.random.default_rng(0), np.full((1, 2, 3), 10), beta).tolist()
    [60.0]
    """
    (counts,), repeats = finite(counts=counts), count("repeats", repeats)
    if (counts < 0).any():
        raise DataError(f"split_sample: {counts.min():g} persons; valid: >= 0")
    halves = [rng.binomial(counts.astype(int), 0.5).astype(float) for _ in range(repeats)]
    return np.mean([b for a in halves for b in (beta(a, counts - a), beta(counts - a, a))], axis=0)


def simex(
    rng: np.random.Generator, y: np.ndarray, n: np.ndarray, beta: Callable, repeats: int = 2
) -> pd.DataFrame:
    """Simulation and extrapolation: coefficients with more sampling noise added.

    n / lambda persons, drawn from shares that rest on n, add lambda times their variance. A
    parabola through lambda = 0 and `LAMBDAS` is followed back to -1, no noise.

    Parameters
    ----------
    rng : numpy.random.Generator
    y : ndarray, shape (T, R, I)
    n : ndarray of int, shape (T, R)
    beta : function
        Of such a cube: coefficients (H,).
    repeats : int
        Draws for each lambda.

    Returns
    -------
    DataFrame
        A row for each lambda, the first the extrapolated one; H columns.

    References
    ----------
    Cook, J. R. and Stefanski, L. A. (1994), "Simulation-extrapolation estimation in
    parametric measurement error models", Journal of the American Statistical Association 89.

    Examples
    --------
    >>> y, n = np.full((1, 3, 2), 0.5), np.full((1, 3), 100)
    >>> simex(np.random.default_rng(0), y, n, lambda c: [c.shape[2]])[0].round(6).tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    """
    (n,), repeats = finite(n=n), count("repeats", repeats)
    if not (n >= 1).all():
        raise DataError(f"simex: a sample of {n.min():g} persons; valid: 1 or more")
    rows = {0.0: beta(y)}
    for a in LAMBDAS:
        drawn = [
            rng.multinomial(np.maximum(n // a, 1).astype(int), shares(y)).astype(float)
            for _ in range(repeats)
        ]
        rows[a] = np.mean([beta(d) for d in drawn], axis=0)
    through = np.polyfit(list(rows), list(rows.values()), 2)
    return pd.DataFrame({-1.0: np.polyval(through, -1.0)} | rows).T


def noise_table(
    panel: Panel, variable: str, horizons: Sequence[int], sampled: bool = True, seed: int = 1
) -> pd.DataFrame:
    """Persistence as it is and corrected for sampling noise.

    Parameters
    ----------
    panel, variable, horizons
        Those of `group_effects`.
    sampled : bool
        Whether the shares are those of samples. Else they are the truth: samples of the assumed
        `sample_size` are drawn from them, and the truth stands in the table.
    seed : int

    Returns
    -------
    DataFrame
        group; zones, all or the largest fifth; method: truth, as sampled, split halves, or SIMEX
        and its lambda; horizon; beta.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from specialization.data import synthetic
    >>> panel = synthetic.panel()
    >>> cubes = {"income": panel.cube("income")[:, :40]}
    >>> few = replace(panel, zones=panel.zones[:40], cubes=cubes)
    >>> noise_table(few, "income", [70])["method"].unique().tolist()[:3]
    ['as sampled', 'split halves', 'SIMEX -1']
    """
    rng, (truth, members) = np.random.default_rng(seed), groups(panel, variable)
    people = np.array([panel.control("population", t) for t in panel.years])
    n = sample_size(people)
    y = truth if sampled else rng.multinomial(n, shares(truth)).astype(float)
    counts = np.rint(shares(y) * n[..., None])
    large = people[0] >= np.quantile(people[0], 0.8)
    rows: dict[tuple, pd.Series] = {}
    for g, (zones, chosen) in product(
        list(members)[:2], {"all": large | True, "largest fifth": large}.items()
    ):

        def beta(y, other=None, g=g, chosen=chosen):
            x, z = (c if c is None else log_rank(c, members[g])[:, chosen] for c in (y, other))
            return persistence(x, panel.years, horizons, z)["beta"]

        found = {} if sampled else {"truth": beta(truth)}
        found |= {"as sampled": beta(y), "split halves": split_sample(rng, counts, beta)}
        found |= {f"SIMEX {a:g}": b for a, b in simex(rng, y, n, beta).iterrows()}
        rows |= {(g, zones, method): pd.Series(b, horizons) for method, b in found.items()}
    names = ["group", "zones", "method", "horizon"]
    return pd.concat(rows, names=names).rename("beta").reset_index()


def extrapolation(table: pd.DataFrame) -> pd.DataFrame:
    """The curves that SIMEX follows, over all zones at the longest horizon.

    Parameters
    ----------
    table : DataFrame
        Of `noise_table`.

    Returns
    -------
    DataFrame
        group; horizon; noise, lambda, increasing from -1, the extrapolated one; beta; fit, the
        parabola through the others.

    Examples
    --------
    >>> noise = np.array([-1, 0, 0.5, 1, 1.5, 2])
    >>> table = pd.DataFrame({"group": "all", "zones": "all", "horizon": 70,
    ...                       "method": [f"SIMEX {a:g}" for a in noise], "beta": (noise - 3)**2})
    >>> extrapolation(table)["fit"].round(2).tolist()
    [16.0, 9.0, 6.25, 4.0, 2.25, 1.0]
    """
    t = table[
        table["method"].str.startswith("SIMEX")
        & (table["zones"] == "all")
        & (table["horizon"] == table["horizon"].max())
    ]
    t = t.assign(noise=t["method"].str.removeprefix("SIMEX ").astype(float))
    t = t.sort_values(["group", "noise"])
    seen = t[t["noise"] >= 0].groupby("group")
    through = {g: np.polyfit(s["noise"], s["beta"], 2) for g, s in seen}
    fit = [np.polyval(through[g], noise) for g, noise in zip(t["group"], t["noise"], strict=True)]
    return t.assign(fit=fit)[["group", "horizon", "noise", "beta", "fit"]]
