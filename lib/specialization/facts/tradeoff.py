r"""Fact 1, the trade-off: specialized zones were richer, and have grown less since.

.. math:: Y_r = \alpha + \beta\, \mathrm{Gini}_{rb} + \gamma' Z_r + \delta \hat g_r + \epsilon_r

for zones r with controls Z and a base year b; Y is log income per head in b, or its growth to an
end year. Tables are flat, one row per coefficient, so that they can be stored.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import ArrayLike
from scipy.stats import t as student
from statsmodels.regression.linear_model import OLSResults, RegressionResultsWrapper
from statsmodels.stats.multitest import multipletests

from .. import measures
from ..data import county_book, public
from ..data.schema import TRADABLE, ZONES, Panel
from ..errors import DataError, count
from ..measures import finite, lasting, shares
from . import inference

SPECIALIZATION = ("total", "tradable", "nontradable")
CONTROLS = ("high_skill_share", "old_age_dependency", "female_share", "population", "rustbelt")
COLUMNS = {
    "(1)": ("growth", SPECIALIZATION[:1]),
    "(2)": ("growth", SPECIALIZATION),
    "(3)": ("log_income", SPECIALIZATION[:1]),
    "(4)": ("log_income", SPECIALIZATION),
}
"""Outcome and specialization of the published columns; those of growth add log income."""
MEASURES = {
    "gini": measures.gini,
    "hhi": measures.hhi,
    "max share": measures.max_share,
    "theil": measures.theil,
    "krugman": measures.krugman,
}
OWN, NEAREST = "base year", "nearest year"
"""A control that a vintage lacks in the base year is left out (OWN), or taken from the nearest
year that has it (NEAREST): if that lies after the base, a bad control, shown as a check."""


def specialize(
    y: ArrayLike, measure: str = "gini", zeros: bool = True, reference: str = "equal"
) -> np.ndarray:
    """Specialization by zone, with a measure and switches named.

    Parameters
    ----------
    y : array_like (R, I)
        Cells of one year.
    measure : str
        A key of `MEASURES`.
    zeros : bool
        Of the Gini: whether absent industries count.
    reference : {"equal", "national"}
        Of the Gini.

    Returns
    -------
    array (R,)
        NaN where a zone has none of the industries.

    Raises
    ------
    DataError
        A measure or reference that there is not; negative or missing cells.

    Examples
    --------
    >>> specialize([[1, 3], [0, 0], [0, 1]])
    array([0.25,  nan, 0.5 ])
    """
    if measure not in MEASURES or reference not in ("equal", "national"):
        raise DataError(
            f"measure={measure!r}, reference={reference!r}; valid: "
            f"{', '.join(MEASURES)}; equal, national"
        )
    y = _cells(cells=y)[0]
    out, some = np.full(len(y), np.nan), y.sum(axis=1) > 0
    switches = (zeros, measures.national_shares(y) if reference == "national" else None)
    out[some] = MEASURES[measure](y[some], *switches if measure == "gini" else ())
    return out


def _cells(**arrays):
    # arrays of cells of one year, of one shape
    found = finite(2, **arrays)
    for name, y in zip(arrays, found, strict=True):
        if (y < 0).any() or y.shape != found[0].shape:
            raise DataError(
                f"{name}: shape {y.shape}, from {y.min():.3g}; valid: shape {found[0].shape}, >= 0"
            )
    return found


def shift_share(start: ArrayLike, end: ArrayLike, leave_out: bool = True) -> np.ndarray:
    r"""Growth that the industries of a zone predict.

    .. math:: \hat g_r = \sum_i s_{ir}\, g_{i,-r}

    with g the log growth of industry i over all other zones, or over all.

    Parameters
    ----------
    start, end : array_like (R, I)
        Cells of the base year and of a later one.
    leave_out : bool
        Whether the zone itself is left out.

    Returns
    -------
    array (R,)

    Raises
    ------
    DataError
        A zone has an industry that the others lack in one of the years; negative or missing cells.

    Examples
    --------
    >>> shift_share([[1, 1], [1, 3]], [[1, 2], [2, 3]]).round(4)
    array([0.3466, 0.5199])
    """
    start, end = _cells(start=start, end=end)
    s = shares(start)
    first, last = (y.sum(axis=0) - y * leave_out for y in (start, end))
    lost = (s > 0) & ~((first > 0) & (last > 0))
    if lost.any():
        r, i = np.argwhere(lost)[0]
        raise DataError(f"shift_share: no growth of industry {i} outside zone {r} (positions)")
    for name, y in (("start", first), ("end", last)):
        measures.sized(**{f"shift_share, {name}": y.max(initial=0)})
    g = np.log(np.divide(last, first, out=np.ones_like(first), where=s > 0))
    return (s * g).sum(axis=1)


def control_table(panel: Panel, base: int, controls: str = OWN) -> tuple[pd.DataFrame, dict]:
    """Log income and controls by zone in a base year.

    Population is in billions, as its published coefficient implies.

    Parameters
    ----------
    panel : Panel
    base : int
        Year.
    controls : str
        `OWN` or `NEAREST`: what happens to those that the panel lacks in the base year.

    Returns
    -------
    table : DataFrame
        By zone: log_income, those of `CONTROLS` that there are.
    notes : dict
        Which are "left out", and which of an "other year".

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> table, notes = control_table(synthetic.panel(), 1950)
    >>> list(table)[:3], notes
    (['log_income', 'high_skill_share', 'old_age_dependency'], {'left out': [], 'other year': {}})
    """
    if controls not in (OWN, NEAREST):
        raise DataError(f"controls={controls!r}; valid: {OWN!r}, {NEAREST!r}")
    log_income = np.log(panel.control("income_per_head", base))
    table = pd.DataFrame({"log_income": log_income}, index=panel.zones.index)
    left_out: list[str] = []
    other_year: dict[str, int] = {}
    for name in CONTROLS[:-1]:
        whole = panel.controls[name].unstack("year").reindex(panel.zones.index).notna().all()
        year = min(whole.index[whole], key=lambda t: abs(t - base), default=None)
        if year is None or (year != base and controls == OWN):
            left_out.append(name)
            continue
        table[name] = panel.control(name, year) / (1e9 if name == "population" else 1)
        other_year |= {name: year} if year != base else {}
    notes = {"left out": left_out, "other year": other_year}
    return table.assign(rustbelt=panel.zones["rustbelt"].astype(float)), notes


def indices(
    panel: Panel, variable: str, base: int, definition: str = "tradable", **switches
) -> pd.DataFrame:
    """Specialization by zone over all industries, tradables and non-tradables.

    Parameters
    ----------
    panel : Panel
    variable : str
        Whose shares: a cube of the panel.
    base : int
        Year.
    definition : str
        What is tradable: a key of `TRADABLE`.
    **switches
        Of `specialize`.

    Returns
    -------
    DataFrame
        total, tradable, nontradable, over the `lasting` industries; no column for a group of
        fewer than two.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> indices(synthetic.panel(), "income", 1950).mean().round(2).to_dict()
    {'total': 0.46, 'tradable': 0.37, 'nontradable': 0.38}
    """
    if definition not in TRADABLE:
        raise DataError(f"definition={definition!r}; valid: {', '.join(TRADABLE)}")
    used = lasting(panel.cube(variable))
    y, group = panel.cube(variable, base)[:, used], panel.industries[definition].to_numpy()[used]
    members = zip(SPECIALIZATION, (group | True, group, ~group), strict=True)
    columns = {name: specialize(y[:, m], **switches) for name, m in members if m.sum() > 1}
    return pd.DataFrame(columns, index=panel.zones.index)


def design(
    panel: Panel, variable: str, base: int, end: int, controls: str = OWN
) -> tuple[pd.DataFrame, dict]:
    """Table of the regressions, one row per zone.

    Parameters
    ----------
    panel : Panel
    variable : str
        Whose shares make the Gini: a cube of the panel.
    base, end : int
        Years of the level, and to which income grows.
    controls : str
        `OWN` or `NEAREST`.

    Returns
    -------
    table : DataFrame
        Columns of `control_table` and `indices`, state, division, growth; and where the cube has
        a year in (base, end], to the last of these, shift_share (leave-one-out) and
        shift_share_all.
    notes : dict
        Those of `control_table`, and `used` (I,), which industries are.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> table, notes = design(synthetic.panel(), "income", 1950, 2020)
    >>> len(table), int(notes["used"].sum()), float(table["growth"].mean().round(2))
    (722, 150, 3.67)
    """
    if end <= base:
        raise DataError(f"end year {end} is not after base year {base}")
    table, notes = control_table(panel, base, controls)
    table = table.join(indices(panel, variable, base)).join(panel.zones[["state", "division"]])
    table["growth"] = np.log(panel.control("income_per_head", end)) - table["log_income"]
    used, last = lasting(panel.cube(variable)), panel.years[panel.years <= end].max()
    if last > base:
        start, later = (panel.cube(variable, t)[:, used] for t in (base, last))
        table["shift_share"] = shift_share(start, later)
        table["shift_share_all"] = shift_share(start, later, leave_out=False)
    return table, notes | {"used": used}


def regressors(
    table: pd.DataFrame, outcome: str, first: Sequence[str], extra: Sequence[str] = ()
) -> list[str]:
    """Names of an equation: `first`, log income if the outcome is growth, controls, `extra`.

    Examples
    --------
    >>> regressors(pd.DataFrame(columns=["population", "rustbelt"]), "growth", ["total"])
    ['total', 'log_income', 'population', 'rustbelt']
    """
    lagged = ["log_income"] if outcome == "growth" else []
    return [*first, *lagged, *(c for c in CONTROLS if c in table), *extra]


def sample(
    table: pd.DataFrame, outcome: str, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome and regressors as arrays, of the rows that have them all.

    Parameters
    ----------
    table : DataFrame
        Such as `design`.
    outcome : str
    names : sequence of str
        Of the regressors, without a constant.

    Returns
    -------
    y : array (N,)
    X : array (N, K)
    rows : array of bool
        Which rows of the table.

    Raises
    ------
    DataError
        A column that is not there, infinite or no number, too few rows, an outcome that is
        constant, a regressor that is constant or collinear with those before it, in whatever
        units.

    Examples
    --------
    >>> table = pd.DataFrame({"y": [1, 4, 2, 5.0], "x": [0, 1, np.nan, 1], "z": [1, 2, 3, 5.0]})
    >>> y, X, rows = sample(pd.concat([table] * 2), "y", ["x", "z"])
    >>> X.shape, rows[:4]
    ((6, 2), array([ True,  True, False,  True]))
    """
    if missing := [n for n in (outcome, *names) if n not in table]:
        raise DataError(f"the design has no column {missing[0]!r}; has {list(table)}")
    rows = table[[outcome, *names]].notna().all(axis=1).to_numpy()
    finite(1, **{v: table.loc[rows, v] for v in (outcome, *names)})
    y, X = (table.loc[rows, v].to_numpy(dtype=float) for v in (outcome, list(names)))
    if len(X) < X.shape[1] + 3:
        raise DataError(f"{len(X)} observations for {X.shape[1] + 1} coefficients")
    if (y == y[0]).all():
        raise DataError(f"outcome {outcome!r} is constant over {len(y)} rows")
    measures.sized(
        **{outcome: y}, **{f"regressor {n}": x for n, x in zip(names, X.T, strict=True)}
    )
    Z = np.column_stack([np.ones(len(X)), X / _size(X)])
    # what is nearly collinear has the right coefficient, and a standard error of rounding
    if (rank := inference.rank(Z)) <= X.shape[1]:
        j = next(j for j in range(rank + 1) if inference.rank(Z[:, : j + 2]) < j + 2)
        raise DataError(
            f"regressor {names[j]!r} is constant over {len(X)} rows or collinear "
            f"with others of {list(names)}"
        )
    return y, X, rows


def _size(X):
    return measures.unit(X, 0)[0]


def _ols(y, X, weights=None, **errors):
    """Least squares of statsmodels, whose rank would depend on the units of the columns of X."""
    size = _size(np.asarray(X))
    root = 1.0 if weights is None else np.sqrt(weights)
    scaled = sm.OLS(y * root, ((np.asarray(X) / size).T * root).T)
    fit = scaled.fit()
    if scaled.rank < scaled.exog.shape[1]:
        raise DataError(
            f"{scaled.exog.shape[1]} regressors have rank {scaled.rank}: one is "
            "constant or collinear with others"
        )
    model = sm.OLS(y * root, X if weights is None else (np.asarray(X).T * root).T)
    model.pinv_wexog, model.rank = (scaled.pinv_wexog.T / size).T, scaled.rank
    return RegressionResultsWrapper(
        OLSResults(
            model, fit.params / size, fit.normalized_cov_params / np.outer(size, size), **errors
        )
    )


def regress(
    table: pd.DataFrame, outcome: str, names: Sequence[str], cluster: str | None = None
) -> RegressionResultsWrapper:
    """OLS by statsmodels with HC1 errors, or clustered.

    Rows with a missing value are left out. Tests and intervals use Student's t, with G - 1
    degrees of freedom for G clusters.

    Parameters
    ----------
    table : DataFrame
        Such as `design`.
    outcome : str
    names : sequence of str
        Of the regressors, without a constant.
    cluster : str, optional
        A column of labels of groups.

    Returns
    -------
    RegressionResultsWrapper
        Of statsmodels: params, bse, pvalues and so on by name.

    Raises
    ------
    DataError
        Input that `sample` refuses; a missing label of a group.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> table, _ = design(synthetic.panel(), "income", 1950, 2020)
    >>> names = regressors(table, "growth", ["total"])
    >>> regress(table, "growth", names, "state").params[["total", "log_income"]].round(3).to_list()
    [-0.254, -0.841]
    """
    y, X, rows = sample(table, outcome, names)
    X = pd.DataFrame(sm.add_constant(X), columns=["const", *names])
    if cluster is None:
        return _ols(y, X, cov_type="HC1", use_t=True)
    if cluster not in table:
        raise DataError(f"the design has no column {cluster!r}; has {list(table)}")
    groups = inference.group_codes(table.loc[rows, cluster], cluster)
    return _ols(y, X, cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)


def coefficients(
    table: pd.DataFrame, outcome: str, names: Sequence[str], cluster: str = "state"
) -> pd.DataFrame:
    """Coefficients of a regression with both errors, one row each.

    Parameters
    ----------
    table, outcome, names, cluster
        Of `regress`.

    Returns
    -------
    DataFrame
        row, estimate, hc1, clustered, p_clustered, standardised (in standard deviations of the
        outcome per one of the regressor), n, adj_r2.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> table, _ = design(synthetic.panel(), "income", 1950, 2020)
    >>> found = coefficients(table, "log_income", ["total", "population"])
    >>> found[["row", "n"]].to_dict("list")
    {'row': ['total', 'population'], 'n': [722, 722]}
    """
    fit, grouped = (regress(table, outcome, names, c) for c in (None, cluster))
    spread = np.std(fit.model.exog, axis=0, ddof=1) / np.std(fit.model.endog, ddof=1)
    return pd.DataFrame(
        {
            "row": fit.params.index,
            "estimate": fit.params,
            "hc1": fit.bse,
            "clustered": grouped.bse,
            "p_clustered": grouped.pvalues,
            "standardised": fit.params * spread,
            "n": int(fit.nobs),
            "adj_r2": fit.rsquared_adj,
        }
    ).iloc[1:]


def columns_table(
    panel: Panel, variable: str, windows: Sequence[Sequence[int]], controls: Sequence[str] = (OWN,)
) -> pd.DataFrame:
    """Columns (1) to (4), without and with either shift-share.

    Parameters
    ----------
    panel : Panel
    variable : str
        Whose shares make the Gini.
    windows : sequence of (base, end)
        Years.
    controls : sequence of str
        Some of `OWN`, `NEAREST`.

    Returns
    -------
    DataFrame
        `coefficients`, and base, end, controls, shift_share ("none" or which), column, industries.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> found = columns_table(synthetic.panel(), "income", [[1950, 2020]])
    >>> float(found["estimate"].iloc[0].round(3))
    -0.254
    """
    parts = []
    for (base, end), kind in product(windows, controls):
        table, notes = design(panel, variable, base, end, kind)
        if kind == NEAREST and not notes["other year"]:
            continue  # nothing to take from another year
        extras = [[], *([c] for c in table if c.startswith("shift_share"))]
        for extra, (column, (outcome, first)) in product(extras, COLUMNS.items()):
            names = regressors(table, outcome, [f for f in first if f in table], extra)
            parts.append(
                coefficients(table, outcome, names).assign(
                    base=base,
                    end=end,
                    controls=kind,
                    shift_share=extra[0] if extra else "none",
                    column=column,
                    industries=int(notes["used"].sum()),
                )
            )
    return pd.concat(parts, ignore_index=True)


def binned_scatter(y: ArrayLike, x: ArrayLike, W: ArrayLike, bins: int = 20) -> pd.DataFrame:
    """Means of y by quantile bin of x, at the mean of the controls.

    OLS of y on dummies of the bins and centred controls, not a plot of residuals.

    Parameters
    ----------
    y, x : array_like (N,)
    W : array_like (N, K)
        Controls.
    bins : int

    Returns
    -------
    DataFrame
        One row per bin: x (mean in the bin), y, se (HC1); slope and level of the line of y on x
        and the controls.

    Raises
    ------
    DataError
        A bin of fewer than two points; a control that is constant or collinear.

    References
    ----------
    Cattaneo, M., R. Crump, M. Farrell and Y. Feng (2024), American Economic Review 114.

    Examples
    --------
    >>> x = np.arange(8.0)
    >>> binned_scatter(2 * x, x, np.empty((8, 0)), bins=2)[["x", "y", "slope"]].round(1)
         x     y  slope
    0  1.5   3.0    2.0
    1  5.5  11.0    2.0
    """
    y, x, W = finite(y=y, x=x, controls=W)
    bins = count("bins", bins)
    if len(y) < 2:
        raise DataError(f"binned_scatter: {len(y)} points; valid: 2 or more")
    measures.sized(y=y, x=x, controls=W)
    edges = np.quantile(x, np.linspace(0, 1, bins + 1)[1:-1])
    D = np.eye(bins)[np.searchsorted(edges, x, side="right")]
    if (D.sum(axis=0) < 2).any():
        raise DataError(f"binned_scatter: a bin of {bins} has fewer than 2 of {len(x)} points")
    fit, line = (
        _ols(y, np.column_stack([first, W - W.mean(axis=0)]), cov_type="HC1")
        for first in (D, sm.add_constant(x))
    )
    return pd.DataFrame(
        {
            "x": D.T @ x / D.sum(axis=0),
            "y": fit.params[:bins],
            "se": fit.bse[:bins],
            "slope": line.params[1],
            "level": line.params[0],
        }
    )


def bins_table(panel: Panel, variable: str, windows: Sequence[Sequence[int]]) -> pd.DataFrame:
    """Binned scatters of columns (3) and (1): Figures 1 and 2.

    Parameters
    ----------
    panel, variable, windows
        Of `columns_table`.

    Returns
    -------
    DataFrame
        `binned_scatter`, and base, end, outcome.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> bins_table(synthetic.panel(), "income", [[1950, 2020]]).groupby("outcome").size().to_dict()
    {'growth': 20, 'log_income': 20}
    """
    parts = []
    for (base, end), column in product(windows, ("(3)", "(1)")):
        (table, _), (outcome, first) = design(panel, variable, base, end), COLUMNS[column]
        y, X, _ = sample(table, outcome, regressors(table, outcome, first))
        found = binned_scatter(y, X[:, 0], X[:, 1:])
        parts.append(found.assign(base=base, end=end, outcome=outcome))
    return pd.concat(parts, ignore_index=True)


def pooled(
    panel: Panel, variable: str, horizon: int, bases: Sequence[int] | None = None
) -> pd.DataFrame:
    """Design tables of all pairs of years one horizon apart, stacked.

    Parameters
    ----------
    panel : Panel
    variable : str
        Whose shares make the Gini.
    horizon : int
        Years.
    bases : sequence of int, optional
        Base years to choose from, if not all.

    Returns
    -------
    DataFrame
        Columns of `design`, base and zone; a control that one of the base years lacks is left out
        of all.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> pooled(synthetic.panel(), "income", 50).groupby("base").size().to_dict()
    {1950: 722, 1970: 722}
    """
    known = panel.controls["income_per_head"].dropna().index.unique("year")
    starts = [int(t) for t in (panel.years if bases is None else bases) if t + horizon in known]
    if not starts:
        raise DataError(
            f"{panel.vintage}: no two years {horizon} apart: specialization in "
            f"{np.asarray(panel.years).tolist()}, incomes to {max(known)}"
        )
    parts = [design(panel, variable, t, t + horizon)[0].assign(base=t) for t in starts]
    return pd.concat(parts, join="inner").reset_index()


def horizons_table(
    panel: Panel, variable: str, horizons: Sequence[int], bases: Sequence[int] | None = None
) -> pd.DataFrame:
    """The equation of column (2) pooled over base years, with and without year effects.

    Errors are clustered by zone.

    Parameters
    ----------
    panel, variable, bases
        Of `pooled`.
    horizons : sequence of int
        Years.

    Returns
    -------
    DataFrame
        `coefficients` of specialization, and within (the adjusted R² of what year effects leave),
        horizon, year_effects, pairs (number of base years).

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> found = horizons_table(synthetic.panel(), "income", [60])
    >>> found.groupby("year_effects")["row"].count().to_dict()
    {False: 3, True: 3}
    """
    parts = []
    for horizon in horizons:
        table = pooled(panel, variable, horizon, bases).dropna(subset=SPECIALIZATION)
        years = pd.get_dummies(table["base"], prefix="base", dtype=float).iloc[:, 1:]
        growth = table.groupby("base")["growth"]
        left = (growth.var() * (growth.size() - 1)).sum() / (len(table) - growth.ngroups)
        for effects in (False, True):
            names = regressors(table, "growth", SPECIALIZATION, list(years) if effects else [])
            part = coefficients(table.join(years), "growth", names, "zone").iloc[:3]
            within = 1 - (1 - part["adj_r2"]) * table["growth"].var() / left
            parts.append(
                part.assign(
                    within=within, horizon=horizon, year_effects=effects, pairs=growth.ngroups
                )
            )
    return pd.concat(parts, ignore_index=True)


EFFECT = ["effect", "se", "p", "n"]
DRAWS = 999
"""Of the bootstrap that counts significance."""


def _effect(y, X, cluster, column=0, weights=None, draws=DRAWS):
    """Effect of one standard deviation of a column of X (N, K), without constant: `EFFECT`."""
    spread = X.std(axis=0, ddof=1)
    if (flat := np.ptp(X, axis=0) == 0).any():
        raise DataError(f"regressor {flat.argmax()} of {X.shape[1]} is constant (position)")
    fit = _ols(
        y,
        sm.add_constant(X / spread),
        weights,
        cov_type="cluster",
        cov_kwds={"groups": inference.group_codes(cluster)},
    )
    p = inference.wild_cluster(
        y, X[:, column], np.delete(X, column, axis=1), cluster, draws, weights=weights
    )
    return fit.params[1 + column], fit.bse[1 + column], p, len(y)


def by_industry(
    panel: Panel, variable: str, base: int, end: int, smallest: int = 100, draws: int = 9999
) -> pd.DataFrame:
    """The trade-off industry by industry, on log RCA (where present) and on the share (zeros in).

    P-values are of the wild cluster bootstrap by state, adjusted within outcome and regressor.

    Parameters
    ----------
    panel : Panel
    variable : str
        Whose shares.
    base, end : int
        Years.
    smallest : int
        Industries in fewer zones are left out.
    draws : int
        Of the bootstrap: corrections for many tests need small p-values.

    Returns
    -------
    DataFrame
        industry, label, sector; effect of one standard deviation, se (clustered), p, n; holm, the
        p-value adjusted for any false finding, and bh (Benjamini and Hochberg) for their share;
        outcome, on, of (number of all industries).

    References
    ----------
    Holm, S. (1979), Scandinavian Journal of Statistics 6.
    Benjamini, Y. and Y. Hochberg (1995), Journal of the Royal Statistical Society B 57.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> found = by_industry(synthetic.panel(), "income", 1950, 2020, smallest=722, draws=99)
    >>> found.groupby(["outcome", "on"]).ngroups
    4
    """
    (table, notes), y = design(panel, variable, base, end), panel.cube(variable, base)
    rca = measures.revealed_comparative_advantage(y)
    on = {"log rca": np.log(rca, out=np.full_like(y, np.nan), where=y > 0), "share": shares(y)}
    tried = notes["used"] & ((y > 0).sum(axis=0) >= smallest)
    labels = panel.industries.reset_index()[["industry", "label", "sector"]]
    parts = []
    for outcome, (name, x) in product(("log_income", "growth"), on.items()):
        names = regressors(table, outcome, ["x"])
        samples = [sample(table.assign(x=v), outcome, names) for v in x.T[tried]]
        fits = [_effect(y, X, table["state"][use], draws=draws) for y, X, use in samples]
        part = labels[tried].reset_index(drop=True).join(pd.DataFrame(fits, columns=EFFECT))
        adjusted = {
            k: multipletests(part["p"], method=m)[1]
            for k, m in (("holm", "holm"), ("bh", "fdr_bh"))
        }
        parts.append(part.assign(**adjusted, outcome=outcome, on=name, of=len(labels)))
    return pd.concat(parts, ignore_index=True)


def findings(table: pd.DataFrame, level: float = 0.05) -> pd.DataFrame:
    """How many effects of `by_industry` are significant, by outcome and regressor.

    Parameters
    ----------
    table : DataFrame
        Columns outcome, on, of, effect, p, holm, bh.
    level : float
        Of the tests, between 0 and 1.

    Returns
    -------
    DataFrame
        One row per outcome and regressor: industries, left out, p < 5%, Holm, BH, BH negative.

    Examples
    --------
    >>> table = pd.DataFrame({"outcome": "growth", "on": "share", "of": 3, "effect": [-1.0, 1.0],
    ...                       "p": [0.01, 0.04], "holm": [0.02, 0.08], "bh": [0.02, 0.04]})
    >>> findings(table).to_dict("records")
    [{'industries': 2, 'left out': 1, 'p < 5%': 2, 'Holm': 1, 'BH': 2, 'BH, negative': 1}]
    """
    found = table[["p", "holm", "bh"]] < level
    counts = table[["outcome", "on"]].assign(
        **{
            "industries": 1,
            "left out": table["of"],
            f"p < {level:.0%}": found["p"],
            "Holm": found["holm"],
            "BH": found["bh"],
            "BH, negative": found["bh"] & (table["effect"] < 0),
        }
    )
    groups = counts.groupby(["outcome", "on"])
    out = groups.sum()
    return out.assign(**{"left out": groups["left out"].first() - out["industries"]})


def both_significant(table: pd.DataFrame, level: float = 0.05) -> pd.DataFrame:
    """Industries whose log RCA has an effect on both the level and growth, by the BH p-value.

    Parameters
    ----------
    table : DataFrame
        Such as `by_industry` of one panel.
    level : float
        Of the tests, between 0 and 1.

    Returns
    -------
    DataFrame
        label, sector, and the effects growth and log_income.

    Examples
    --------
    >>> table = pd.DataFrame({"on": "log rca", "label": "mining", "sector": "mining",
    ...                       "outcome": ["log_income", "growth"], "effect": [0.1, -0.2],
    ...                       "bh": [0.01, 0.02]})
    >>> both_significant(table).to_dict("records")
    [{'label': 'mining', 'sector': 'mining', 'growth': -0.2, 'log_income': 0.1}]
    """
    t = table[(table["on"] == "log rca") & (table["bh"] < level)]
    of = {
        outcome: t[t["outcome"] == outcome].set_index(["label", "sector"])["effect"]
        for outcome in ("growth", "log_income")
    }
    return pd.concat(of, axis=1, join="inner").sort_index().reset_index()


def log_density(panel: Panel, base: int) -> pd.Series | None:
    """Log of persons per square mile, by zone.

    Areas are those of `county_book.zones`: of the 722 real zones, and only where that file is at
    hand. Synthetic zones have no area.

    Parameters
    ----------
    panel : Panel
    base : int
        Year of the population.

    Returns
    -------
    Series
        None without areas.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> log_density(synthetic.panel(), 1950)
    """
    if not panel.zones.index.equals(ZONES.index) or not public.available():
        return None
    book = county_book.zones()
    population = pd.Series(panel.control("population", base), panel.zones.index)
    return np.log(population * book["density"] / book["population"])


def control_sets(
    panel: Panel, variable: str, base: int, end: int
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """The design, and the sets of controls of the specification curve.

    Parameters
    ----------
    panel, variable, base, end
        Of `design`.

    Returns
    -------
    table : DataFrame
    sets : dict of DataFrame
        By name; without income. The share of manufacturing is that of the variable; density is
        in logs, in the place of population, where there are areas.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> _, sets = control_sets(synthetic.panel(), "income", 1950, 2020)
    >>> list(sets)[:4]
    ['none', 'published', 'log population', 'divisions']
    """
    table, notes = design(panel, variable, base, end)
    basic = table[regressors(table, "log_income", [])]
    division = pd.get_dummies(table["division"], dtype=float).iloc[:, 1:]
    made = (panel.industries["sector"] == "manufacturing").to_numpy()
    share = shares(panel.cube(variable, base))[:, made].sum(axis=1)
    sets = {
        "none": basic[[]],
        "published": basic,
        "log population": basic.assign(population=np.log(basic["population"])),
        "divisions": basic.join(division),
        "manufacturing": basic.assign(manufacturing=share),
    }
    if (density := log_density(panel, base)) is not None:
        sets["log density"] = basic.drop(columns="population").assign(density=density)
    if "shift_share" in table:
        sets["shift-share"] = basic.join(table["shift_share"])
    if notes["left out"]:
        sets["nearest year"] = control_table(panel, base, NEAREST)[0].iloc[:, 1:]
    return table, sets


def specification_curve(
    panel: Panel,
    variables: Sequence[str],
    windows: Sequence[Sequence[int]],
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Every combination of measure, zeros, reference, tradables, controls, weights and window.

    Significance is that of the wild cluster bootstrap by state, as everywhere.

    Parameters
    ----------
    panel : Panel
    variables : sequence of str
        Whose shares.
    windows : sequence of (base, end)
        Years; the level of a base year is estimated once.
    draws : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        The choices. `definition` "total" is the equation of columns (1) and (3); a definition of
        the tradables that of (2) and (4), with its coefficient on tradable specialization;
        `WITHOUT_TOTAL` the same without total specialization. effect of one standard deviation
        over zones on log income, or on its growth **per decade**; se (clustered), p, n.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> specification_curve(synthetic.panel(), ["income"], []).columns[:3].to_list()
    ['outcome', 'variable', 'base']
    """
    rows = []
    for variable, (base, end) in product(variables, windows):
        table, sets = control_sets(panel, variable, base, end)
        state = table["state"].to_numpy()
        y = {
            "growth": table["growth"].to_numpy() / (end - base) * 10,
            "log_income": table["log_income"].to_numpy(),
        }
        once = end == max(e for b, e in windows if b == base)  # the level knows no end
        outcomes = list(y)[: 1 + once]
        for choice, S in _specializations(panel, variable, base):
            some = ~np.isnan(S).any(axis=1)
            for (controls, Z), weights in product(sets.items(), ("none", "population")):
                X = np.column_stack([S, Z, y["log_income"]])[some]
                w = None if weights == "none" else table["population"].to_numpy()[some]
                rows += [
                    (
                        o,
                        variable,
                        base,
                        end,
                        *choice,
                        controls,
                        weights,
                        *_effect(
                            y[o][some],
                            X if o == "growth" else X[:, :-1],
                            state[some],
                            weights=w,
                            draws=draws,
                        ),
                    )
                    for o in outcomes
                ]
    return pd.DataFrame(
        rows,
        columns=[
            "outcome",
            "variable",
            "base",
            "end",
            "measure",
            "zeros",
            "reference",
            "definition",
            "controls",
            "weights",
            *EFFECT,
        ],
    )


WITHOUT_TOTAL = "tradable, without total"
"""The baseline list of tradables in an equation of tradable and non-tradable specialization."""


def _specializations(panel, variable, base):
    # choices of measure, zeros, reference and definition, with specialization (R, 1 to 3), the
    # one whose effect is taken first
    kinds = [("gini", z, w) for z in (True, False) for w in ("equal", "national")]
    kinds += [(m, True, "equal") for m in list(MEASURES)[1:]]
    used = {"total": ["total"], WITHOUT_TOTAL: ["tradable", "nontradable"]}
    for kind, definition in product(kinds, ("total", *TRADABLE, WITHOUT_TOTAL)):
        one = indices(
            panel,
            variable,
            base,
            definition if definition in TRADABLE else TRADABLE[0],
            measure=kind[0],
            zeros=kind[1],
            reference=kind[2],
        )
        names = used.get(definition, ["tradable", "total", "nontradable"])
        if set(names) <= set(one):  # no group of a single industry
            yield (*kind, definition), one[names].to_numpy()


def signs(
    curve: pd.DataFrame, by: str | list[str] = "outcome", level: float = 0.05
) -> pd.DataFrame:
    """Shares of specifications by sign, and by significance.

    Parameters
    ----------
    curve : DataFrame
        Such as `specification_curve`: effect, p, and the columns of `by`.
    by : str or list of str
        Groups, in order of appearance.
    level : float
        Of the tests, between 0 and 1.

    Returns
    -------
    DataFrame
        specifications, median (of the effects), and the shares negative; negative, significant;
        positive, significant.

    Examples
    --------
    >>> curve = pd.DataFrame({"outcome": "growth", "effect": [-3.0, -1.0, 1.0],
    ...                       "p": [0.01, 0.2, 0.3]})
    >>> signs(curve).loc["growth"].round(2).to_list()
    [3.0, -1.0, 0.67, 0.33, 0.0]
    """
    found = curve["p"] < level
    groups = curve.assign(
        **{
            "negative": curve["effect"] < 0,
            "negative, significant": found & (curve["effect"] < 0),
            "positive, significant": found & (curve["effect"] > 0),
        }
    ).groupby(by, sort=False)
    shares = groups[["negative", "negative, significant", "positive, significant"]].mean()
    return pd.concat(
        [
            groups.size().rename("specifications"),
            groups["effect"].median().rename("median"),
            shares,
        ],
        axis=1,
    )


# Errors in income, and zones that share their industries


def lagged_income_table(
    panel: Panel, variable: str, windows: Sequence[Sequence[int]], lag: int | None = None
) -> pd.DataFrame:
    """Column (1) by OLS, and with earlier income as the instrument of that of the base year.

    An error in income of the base year is in growth too, with the other sign. Earlier income
    helps if its error is another one and, given true income of the base year, it tells nothing of
    later growth.

    Parameters
    ----------
    panel, variable, windows
        Of `columns_table`.
    lag : int, optional
        How many years earlier. Without, it is income of families in 1959 by the census
        (`county_book.zones`), another source.

    Returns
    -------
    DataFrame
        row (total, log_income), ols, ols_se, iv, iv_se (both clustered by state, or by division
        where zones are states), first_stage (F of the instrument), n, base, end, earlier (its
        year).

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> found = lagged_income_table(synthetic.panel(), "income", [[1970, 2020]], 20)
    >>> found[["row", "earlier"]].values.tolist()
    [['total', 1950], ['log_income', 1950]]
    """
    cluster, parts = cluster_column(panel), []
    for base, end in windows:
        table, _ = design(panel, variable, base, end, NEAREST if cluster == "division" else OWN)
        if lag is None:
            earlier = county_book.zones()["family_income_per_head"].reindex(table.index)
        else:
            earlier = panel.control("income_per_head", base - lag)
        names = regressors(table, "growth", ["total"])
        y, X, use = sample(table.assign(earlier=np.log(earlier)), "growth", [*names, "earlier"])
        rest = [k for k, name in enumerate(names) if name != "log_income"]
        iv, iv_se, F = inference.two_stage(
            y,
            X[:, names.index("log_income")],
            X[:, -1],
            X[:, rest],
            table.loc[use, cluster].to_numpy(),
        )
        fit = regress(table[use], "growth", names, cluster)
        parts.append(
            pd.DataFrame(
                {
                    "row": ["total", "log_income"],
                    "ols": fit.params[["total", "log_income"]].to_numpy(),
                    "ols_se": fit.bse[["total", "log_income"]].to_numpy(),
                    "iv": iv[[1, 0]],
                    "iv_se": iv_se[[1, 0]],
                    "first_stage": F,
                    "n": len(y),
                    "base": base,
                    "end": end,
                    "earlier": 1959 if lag is None else base - lag,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def cluster_column(panel: Panel) -> str:
    """By which column of its zones a panel is clustered: state, or division if zones are states.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> cluster_column(synthetic.panel())
    'state'
    """
    return "division" if panel.zones["state"].is_unique else "state"


def copies(y: ArrayLike) -> np.ndarray:
    """Groups of zones with the same shares, as numbers from zero.

    Counties below a census's limit of disclosure carry the industries of a larger area; zones made
    of them are copies of each other.

    Parameters
    ----------
    y : array_like (R, I)
        Cells of one year; shares that agree to ten decimals are the same.

    Returns
    -------
    array of int (R,)

    Examples
    --------
    >>> copies([[1, 3], [1, 1], [2, 6]])
    array([0, 1, 0])
    """
    return np.unique(shares(_cells(cells=y)[0]).round(10), axis=0, return_inverse=True)[1].ravel()


def copies_table(panel: Panel, variable: str, windows: Sequence[Sequence[int]]) -> pd.DataFrame:
    """Columns (1) and (3), every zone its own observation, and every group of copies one.

    Parameters
    ----------
    panel, variable, windows
        Of `columns_table`.

    Returns
    -------
    DataFrame
        base, end, column; zones, copied (zones that share), distinct (groups), crossing (groups
        in more than one state: zero means that clusters of states hold all copies); estimate,
        hc1, by_copies and by_state (standard errors); merged and merged_hc1, of one observation
        for each group, its mean.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> found = copies_table(synthetic.panel(), "income", [[1950, 2020]])
    >>> found[["copied", "distinct"]].iloc[0].to_list()
    [0, 722]
    """
    rows = []
    for (base, end), column in product(windows, ("(1)", "(3)")):
        (table, _), (outcome, first) = design(panel, variable, base, end), COLUMNS[column]
        group = copies(panel.cube(variable, base))
        table, sizes = table.assign(copy=group), np.bincount(group)
        names = regressors(table, outcome, first)
        merged = regress(table.groupby("copy")[[outcome, *names]].mean(), outcome, names)
        fits = {c: regress(table, outcome, names, c) for c in (None, "copy", "state")}
        rows.append(
            {
                "base": base,
                "end": end,
                "column": column,
                "zones": len(table),
                "copied": int(sizes[sizes > 1].sum()),
                "distinct": len(sizes),
                "crossing": int((table.groupby("copy")["state"].nunique() > 1).sum()),
                "estimate": fits[None].params["total"],
                "hc1": fits[None].bse["total"],
                "by_copies": fits["copy"].bse["total"],
                "by_state": fits["state"].bse["total"],
                "merged": merged.params["total"],
                "merged_hc1": merged.bse["total"],
            }
        )
    return pd.DataFrame(rows)


# Inference beyond HC1 and clusters


def inference_table(
    panel: Panel,
    variable: str,
    windows: Sequence[Sequence[int]],
    cutoffs: Sequence[float] = (50, 100, 200, 300, 500, 700, 1000),
    draws: int = 999,
) -> pd.DataFrame:
    """Errors of the headline coefficients, side by side, with p-value and 95% interval.

    Total specialization in columns (1) and (3), tradable in (2) and (4): HC1, state clusters, wild
    cluster bootstrap over states (p-value only), Conley (Bartlett) by cutoff. And of the
    shift-share in column (1), not leave-one-out: HC1, AKM, AKM0 and BHJ.

    Parameters
    ----------
    panel, variable, windows
        Of `columns_table`.
    cutoffs : sequence of float
        In km.
    draws : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        method, km, se, p, low, high, estimate, column, row, base, end.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> found = inference_table(synthetic.panel(), "income", [[1950, 2020]], [300], draws=9)
    >>> found["method"].unique()[:3].tolist()
    ['HC1', 'state clusters', 'wild bootstrap, states']
    """
    rows = []
    for base, end in windows:
        table, notes = design(panel, variable, base, end)
        errors, places = {}, panel.zones[["lat", "lon"]]
        for column, (outcome, first) in COLUMNS.items():
            names, row = regressors(table, outcome, first), first[len(first) > 1]
            errors[column, row] = _errors(table, places, outcome, names, row, cutoffs, draws)
        if "shift_share" in table:
            years = base, panel.years[panel.years <= end].max()
            cells = (panel.cube(variable, t)[:, notes["used"]] for t in years)
            errors["(1)", "shift_share_all"] = _shift_share_errors(table, *cells)
        rows += [
            r | {"column": column, "row": row, "base": base, "end": end}
            for (column, row), found in errors.items()
            for r in found
        ]
    return pd.DataFrame(rows)


def over_hc1(table: pd.DataFrame) -> pd.DataFrame:
    """Conley errors and those clustered by state, over HC1.

    Parameters
    ----------
    table : DataFrame
        Such as `inference_table`, of one window, without the shift-share.

    Returns
    -------
    DataFrame
        One row per column and cutoff: column, km, conley, clustered (the same at every cutoff).

    Examples
    --------
    >>> table = pd.DataFrame({"column": "(1)", "method": ["HC1", "state clusters", "Conley"],
    ...                       "km": [np.nan, np.nan, 300], "se": [0.1, 0.2, 0.15]})
    >>> over_hc1(table).round(2).to_dict("records")
    [{'column': '(1)', 'km': 300, 'conley': 1.5, 'clustered': 2.0}]
    """
    hc1, state = (
        table[table["method"] == method].set_index("column")["se"]
        for method in ("HC1", "state clusters")
    )
    conley = table[table["method"] == "Conley"]
    return pd.DataFrame(
        {
            "column": conley["column"],
            "km": conley["km"].astype(int),
            "conley": conley["se"] / conley["column"].map(hc1),
            "clustered": conley["column"].map(state / hc1),
        }
    ).reset_index(drop=True)


def _by_student(method, b, se, df=np.inf, km=np.nan):
    """A standard error of b, with p-value and interval by Student's t."""
    q = student.ppf(0.975, df) * se
    return {
        "method": method,
        "km": km,
        "se": se,
        "p": 2 * student.sf(abs(b / se), df),
        "low": b - q,
        "high": b + q,
        "estimate": b,
    }


def _errors(table, places, outcome, names, row, cutoffs, draws):
    """Rows of the coefficient `row`, by method and cutoff."""
    fit, grouped = (regress(table, outcome, names, c) for c in (None, "state"))
    y, X, use = sample(table, outcome, names)
    k, b, state = names.index(row), fit.params[row], table.loc[use, "state"]
    states = _by_student("state clusters", b, grouped.bse[row], state.nunique() - 1)
    p = inference.wild_cluster(y, X[:, k], np.delete(X, k, axis=1), state, draws)
    V = {
        km: inference.conley(fit.model.exog, fit.resid, *places[use].to_numpy().T, km)
        for km in cutoffs
    }
    return [
        _by_student("HC1", b, fit.bse[row], fit.df_resid),
        states,
        states | {"method": "wild bootstrap, states", "p": p, "low": np.nan, "high": np.nan},
        *(
            _by_student("Conley", b, np.sqrt(v[k + 1, k + 1]), fit.df_resid, km)
            for km, v in V.items()
        ),
    ]


def _shift_share_errors(table, start, later):
    """Rows of the coefficient of the shift-share in column (1)."""
    y, X, use = sample(table, "growth", regressors(table, "growth", ("total",)))
    g = np.log(later.sum(axis=0) / start.sum(axis=0))
    found = inference.akm(y, shares(start)[use], g, X)
    hc1, akm, bhj = (
        _by_student(method, found["beta"], found[key], df)
        for method, key, df in (
            ("HC1", "robust", len(y) - X.shape[1] - 2),
            ("AKM", "akm", np.inf),
            ("BHJ", "bhj", np.inf),
        )
    )
    akm0 = {name: found[name + "0"] for name in ("se", "p", "low", "high")}
    return [hc1, akm, akm | {"method": "AKM0"} | akm0, bhj]


def placebo_table(
    panel: Panel,
    variable: str,
    windows: Sequence[Sequence[int]],
    lengths: Sequence[float] = (50, 200, 500),
    draws: int = 500,
    bootstrap: int = 199,
) -> pd.DataFrame:
    """Rejection rates at 5% of growth on spatial noise, given the controls of column (1).

    Parameters
    ----------
    panel, variable, windows
        Of `columns_table`.
    lengths : sequence of float
        Correlation lengths of the noise in km.
    draws, bootstrap : int
        Of `inference.placebo`.

    Returns
    -------
    DataFrame
        base, end, km, and the rates of `inference.placebo`, Conley at 300 km.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> placebo_table(synthetic.panel(), "income", [[1950, 2020]], [50], 2, 9)["km"].to_list()
    [50]
    """
    rows = []
    for (base, end), km in product(windows, lengths):
        table, _ = design(panel, variable, base, end)
        y, X, use = sample(table, "growth", regressors(table, "growth", ()))
        lat, lon, state = (panel.zones.loc[use, c].to_numpy() for c in ("lat", "lon", "state"))
        found = inference.placebo(y, lat, lon, state, km, 300, X, draws, bootstrap)
        rows.append({"base": base, "end": end, "km": km, **found})
    return pd.DataFrame(rows)
