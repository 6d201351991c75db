r"""Fact 1, the trade-off: specialized zones were richer, and have grown less since.

For zones r with controls Z and a base year b,

.. math:: Y_r = \alpha + \beta\, \mathrm{Gini}_{rb} + \gamma' Z_r + \delta \hat g_r + \epsilon_r,

where Y is log income per head in b, or its growth to an end year. Tables are flat, one row per
coefficient, so that they can be stored.
"""

from itertools import product

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

from . import DataError, inference, measures
from .measures import shares
from .schema import TRADABLE

SPECIALIZATION = ("total", "tradable", "nontradable")
CONTROLS = ("high_skill_share", "old_age_dependency", "female_share", "population", "rustbelt")
COLUMNS = {"(1)": ("growth", SPECIALIZATION[:1]), "(2)": ("growth", SPECIALIZATION),
           "(3)": ("log_income", SPECIALIZATION[:1]), "(4)": ("log_income", SPECIALIZATION)}
"""Outcome and specialization of the published columns; those of growth add log income."""
MEASURES = {"hhi": measures.hhi, "max share": measures.max_share, "theil": measures.theil,
            "krugman": measures.krugman}
OWN, NEAREST = "base year", "nearest year"
"""A control that a vintage lacks in the base year is left out (OWN), or taken from the nearest
year that has it (NEAREST): if that lies after the base, a bad control, shown as a check."""


def specialize(y, measure="gini", zeros=True, reference="equal"):
    """Specialization of each row of y (R, I), NaN where it is empty.

    `measure` is "gini" or a key of `MEASURES`; `zeros` and `reference` ("equal" or "national")
    are the switches of the Gini.
    """
    if measure not in ("gini", *MEASURES) or reference not in ("equal", "national"):
        raise DataError(f"specialize: measure={measure!r}, reference={reference!r}; valid: "
                        f"{['gini', *MEASURES]}, ['equal', 'national']")
    out, some = np.full(len(y), np.nan), y.sum(axis=1) > 0
    if measure == "gini":
        weights = measures.national_shares(y) if reference == "national" else None
        out[some] = measures.gini(y[some], zeros, weights)
    else:
        out[some] = MEASURES[measure](y[some])
    return out


def usable(panel, variable):
    """Mask (I,) of the industries that some zone has in every year of the cube.

    A retired code would be a zero in every zone and a growth of minus infinity. Leaves out 18 of
    the 228 public industries, and of the sectors public administration, lost in 1998.
    """
    return (panel.cube(variable).sum(axis=1) > 0).all(axis=0)


def shocks(start, end, leave_out=True):
    """Log growth of the industries over the zones: (I,), or (R, I) over all other zones.

    Where an industry is in one zone only, in either year, the other zones have none: NaN.
    """
    own = start * leave_out, end * leave_out
    first, last = (y.sum(axis=0) - o for y, o in zip((start, end), own, strict=True))
    some = (first > 0) & (last > 0)
    g = np.log(np.divide(last, first, out=np.ones_like(first), where=some))
    return np.where(some, g, np.nan) if leave_out else np.where(some, g, np.nan)[0]


def shift_share(start, end, leave_out=True):
    r"""Growth that a zone's industries predict, :math:`\hat g_r = \sum_i s_{ir} g_{i,-r}`.

    start, end : (R, I) cells of the base year and of a later one. Raises `DataError` if a zone
    has an industry without growth elsewhere.
    """
    s = shares(start)
    g = np.where(s > 0, shocks(start, end, leave_out), 0.0)
    if np.isnan(g).any():
        r, i = np.argwhere(np.isnan(g))[0]
        raise DataError(f"shift_share: no growth of industry {i} outside zone {r} (positions)")
    return (s * g).sum(axis=1)


def control_table(panel, base, controls=OWN):
    """Log income and controls by zone, and notes: which are left out or of another year.

    Population is in billions, as its published coefficient implies.
    """
    if controls not in (OWN, NEAREST):
        raise DataError(f"controls={controls!r}; valid: {OWN!r}, {NEAREST!r}")
    log_income = np.log(panel.control("income_per_head", base))
    table = pd.DataFrame({"log_income": log_income}, index=panel.zones.index)
    dropped, moved = [], {}
    for name in CONTROLS[:-1]:
        whole = panel.controls[name].unstack("year").reindex(panel.zones.index).notna().all()
        years = whole.index[whole].to_numpy()
        year = int(years[np.abs(years - base).argmin()]) if years.size else None
        if year is None or (year != base and controls == OWN):
            dropped.append(name)
            continue
        table[name] = panel.control(name, year) / (1e9 if name == "population" else 1)
        moved |= {name: year} if year != base else {}
    table["rustbelt"] = panel.zones["rustbelt"].astype(float)
    return table, {"left out": dropped, "other year": moved}


def design(panel, variable, base, end=None, controls=OWN, definition="tradable", **switches):
    """Table of the regressions, one row per zone, and notes on what it leaves out.

    Parameters
    ----------
    variable : str
        Cube whose shares make specialization.
    base, end : int
        Year of specialization and controls, in the cube; end of growth, a later year with incomes.
    controls : {OWN, NEAREST}
    definition : str
        A key of `TRADABLE`; a group of a single industry has no specialization and no column.
    switches
        Of `specialize`.

    Returns
    -------
    table : DataFrame
        total, tradable, nontradable, log_income, controls, state, division; with `end` growth;
        and where the cube has a year in (base, end], to the last of these, shift_share
        (leave-one-out) and shift_share_all.
    notes : dict
        Controls left out or of another year, industries used and left out.
    """
    if definition not in TRADABLE:
        raise DataError(f"unknown definition {definition!r}; valid: {list(TRADABLE)}")
    if end is not None and end <= base:
        raise DataError(f"end year {end} is not after base year {base}")
    kept = usable(panel, variable)
    y, group = panel.cube(variable, base)[:, kept], panel.industries[definition].to_numpy()[kept]
    table, notes = control_table(panel, base, controls)
    notes |= {"industries": int(kept.sum()), "industries left out": int((~kept).sum())}
    for name, member in zip(SPECIALIZATION, (group | True, group, ~group), strict=True):
        if member.sum() > 1:
            table[name] = specialize(y[:, member], **switches)
    table[["state", "division"]] = panel.zones[["state", "division"]]
    if end is not None:
        table["growth"] = np.log(panel.control("income_per_head", end)) - table["log_income"]
        last = max(t for t in panel.years if t <= end)
        if last > base:
            later = panel.cube(variable, last)[:, kept]
            table["shift_share"] = shift_share(y, later)
            table["shift_share_all"] = shift_share(y, later, leave_out=False)
    return table, notes


def regressors(table, outcome, first, extra=()):
    """Names of an equation: `first`, log income if the outcome is growth, controls, `extra`."""
    lagged = ["log_income"] if outcome == "growth" else []
    return [*first, *lagged, *(c for c in CONTROLS if c in table), *extra]


def sample(table, outcome, names):
    """Outcome (N,), regressors (N, K) without a constant, mask of the rows that have them all.

    Raises `DataError` for a column that is not there, too few rows, and a regressor that is
    constant or collinear with those before it.
    """
    missing = [n for n in (outcome, *names) if n not in table]
    if missing:
        raise DataError(f"the design has no column {missing[0]!r}; has {list(table)}")
    rows = table[[outcome, *names]].notna().all(axis=1).to_numpy()
    X = table.loc[rows, list(names)].to_numpy(dtype=float)
    if len(X) < X.shape[1] + 3:
        raise DataError(f"{len(X)} observations for {X.shape[1] + 1} coefficients")
    spread = X.std(axis=0)
    constant = spread <= 1e-10 * np.abs(X).max(axis=0)
    if constant.any():
        raise DataError(f"regressor {names[constant.argmax()]!r} is constant over {len(X)} rows")
    left = np.abs(np.diag(np.linalg.qr((X - X.mean(axis=0)) / spread, mode="r")))
    if (left < 1e-7 * np.sqrt(len(X))).any():
        raise DataError(f"regressor {names[left.argmin()]!r} is collinear with {list(names)}")
    return table.loc[rows, outcome].to_numpy(dtype=float), X, rows


def regress(table, outcome, names, cluster=None):
    """OLS by statsmodels with HC1 errors, or clustered by a column; results object.

    Rows with a missing value are left out (`nobs` counts the rest). Tests and intervals use
    Student's t, with G - 1 degrees of freedom for G clusters.
    """
    y, X, rows = sample(table, outcome, names)
    model = sm.OLS(y, pd.DataFrame(sm.add_constant(X), columns=["const", *names]))
    if cluster is None:
        return model.fit(cov_type="HC1", use_t=True)
    groups = pd.factorize(table.loc[rows, cluster])[0]
    if groups.max() < 1:
        raise DataError(f"one cluster of {cluster!r}; valid: at least 2")
    return model.fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)


def ols(y, X, weights=None):
    """Coefficients and HC1 errors, (K,) each: the kernel for many regressions, without checks.

    X (N, K) has its constant; `weights` (N,) make it weighted least squares.
    """
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    y, X = y * root, X * root[:, None]
    inverse = np.linalg.inv(X.T @ X)
    b = inverse @ (X.T @ y)
    score = X * (y - X @ b)[:, None]
    n, k = X.shape
    return b, np.sqrt(np.diag(inverse @ (score.T @ score) @ inverse) * n / (n - k))


def coefficients(table, outcome, names, cluster="state"):
    """Columns row, estimate, hc1, clustered, p_clustered, standardised, n, adj_r2.

    The standardised coefficient is in standard deviations of the outcome per one of the regressor.
    """
    fit, grouped = (regress(table, outcome, names, c) for c in (None, cluster))
    spread = np.std(fit.model.exog, axis=0, ddof=1) / np.std(fit.model.endog, ddof=1)
    return pd.DataFrame({
        "row": fit.params.index, "estimate": fit.params, "hc1": fit.bse, "clustered": grouped.bse,
        "p_clustered": grouped.pvalues, "standardised": fit.params * spread,
        "n": int(fit.nobs), "adj_r2": fit.rsquared_adj}).iloc[1:]


def columns_table(panel, variable, windows, controls=(OWN,)):
    """Columns (1) to (4) by base, end, year of the controls, and shift_share ("none" or which)."""
    parts = []
    for (base, end), kind in product(windows, controls):
        table, notes = design(panel, variable, base, end, kind)
        if kind == NEAREST and not notes["other year"]:
            continue                                    # nothing to take from another year
        for extra in ("none", *(e for e in ("shift_share", "shift_share_all") if e in table)):
            for column, (outcome, first) in COLUMNS.items():
                names = regressors(table, outcome, [f for f in first if f in table],
                                   [extra] if extra != "none" else [])
                part = coefficients(table, outcome, names)
                parts.append(part.assign(base=base, end=end, controls=kind, shift_share=extra,
                                         column=column, industries=notes["industries"]))
    return pd.concat(parts, ignore_index=True)


def binned_scatter(y, x, W, bins=20):
    """Means of y (N,) by quantile bin of x (N,) at the mean of the controls W (N, K).

    OLS of y on dummies of the bins and centred W (Cattaneo, Crump, Farrell and Feng 2024), which
    a plot of residuals is not. Columns: x (mean in the bin), y, se (HC1), and, the same in every
    row, slope and level of the regression on x and centred W.
    """
    edges = np.quantile(x, np.linspace(0, 1, bins + 1)[1:-1])
    D = np.eye(bins)[np.searchsorted(edges, x, side="right")]
    if (D.sum(axis=0) < 2).any():
        raise DataError(f"binned_scatter: a bin of {bins} has fewer than 2 of {len(x)} points")
    W = W - W.mean(axis=0)
    b, se = ols(y, np.column_stack([D, W]))
    line, _ = ols(y, np.column_stack([np.ones(len(x)), x, W]))
    return pd.DataFrame({"x": D.T @ x / D.sum(axis=0), "y": b[:bins], "se": se[:bins],
                         "slope": line[1], "level": line[0]})


def bins_table(panel, variable, windows, bins=20):
    """Binned scatters of columns (3) and (1): Figures 1 and 2."""
    parts = []
    for (base, end), column in product(windows, ("(3)", "(1)")):
        table, _ = design(panel, variable, base, end)
        outcome, first = COLUMNS[column]
        y, X, _ = sample(table, outcome, regressors(table, outcome, first))
        parts.append(binned_scatter(y, X[:, 0], X[:, 1:], bins).assign(
            base=base, end=end, outcome=outcome))
    return pd.concat(parts, ignore_index=True)


def pooled(panel, variable, horizon, bases=None, controls=OWN):
    """Design tables of all pairs of years `horizon` apart, stacked, with columns base and zone.

    A control that one of the base years lacks is left out of all.
    """
    known = panel.controls["income_per_head"].dropna().index.unique("year")
    pairs = [int(t) for t in (panel.years if bases is None else bases) if t + horizon in known]
    if not pairs:
        raise DataError(f"{panel.vintage}: no two years {horizon} apart: specialization in "
                        f"{np.asarray(panel.years).tolist()}, incomes to {max(known)}")
    parts = [design(panel, variable, t, t + horizon, controls)[0].assign(base=t) for t in pairs]
    return pd.concat(parts, join="inner").reset_index()


def horizons_table(panel, variable, horizons, bases=None, controls=(OWN,)):
    """The equation of column (2) pooled over base years, with and without year effects.

    Errors clustered by zone. Columns: those of `coefficients`, horizon, year_effects, controls,
    pairs (the number of base years), and `within`, the adjusted R² of what year effects leave.
    """
    parts = []
    for horizon, kind in product(horizons, controls):
        table = pooled(panel, variable, horizon, bases, kind).dropna(subset=SPECIALIZATION)
        years = pd.get_dummies(table["base"], prefix="base", dtype=float).iloc[:, 1:]
        growth = table.groupby("base")["growth"]
        left = (growth.var() * (growth.size() - 1)).sum() / (len(table) - growth.ngroups)
        for effects in (False, True):
            names = regressors(table, "growth", SPECIALIZATION, list(years) if effects else [])
            part = coefficients(table.join(years), "growth", names, "zone").iloc[:3]
            part["within"] = 1 - (1 - part["adj_r2"]) * table["growth"].var() / left
            parts.append(part.assign(horizon=horizon, year_effects=effects, controls=kind,
                                     pairs=growth.ngroups))
    return pd.concat(parts, ignore_index=True)


def by_industry(panel, variable, base, end, smallest=100):
    """The trade-off industry by industry, on log RCA (where present) and on the share (zeros in).

    Industries in fewer than `smallest` zones are left out; `of` counts all. `effect`, `se` (HC1):
    of one standard deviation. P-values are adjusted within outcome and regressor: `holm` for any
    false finding, `bh` (Benjamini and Hochberg) for their share.
    """
    table, _ = design(panel, variable, base, end)
    y = panel.cube(variable, base)
    rca = measures.revealed_comparative_advantage(y)
    on = {"log rca": np.log(rca, out=np.full_like(y, np.nan), where=y > 0), "share": shares(y)}
    tried = usable(panel, variable) & ((y > 0).sum(axis=0) >= smallest)
    labels = panel.industries.reset_index().loc[tried, ["industry", "label", "sector"]]
    parts = []
    for outcome, (name, x) in product(("log_income", "growth"), on.items()):
        names = regressors(table, outcome, ["x"])
        fits = [_effect(*sample(table.assign(x=x[:, i]), outcome, names)[:2])
                for i in np.flatnonzero(tried)]
        part = labels.reset_index(drop=True).join(pd.DataFrame(fits, columns=EFFECT))
        for method in ("holm", "fdr_bh"):
            part[method[-4:].strip("r_")] = multipletests(part["p"], method=method)[1]
        parts.append(part.assign(outcome=outcome, on=name, of=len(panel.industries)))
    return pd.concat(parts, ignore_index=True)


EFFECT = ["effect", "se", "p", "n"]


def _effect(y, X, column=0, weights=None):
    """Effect of one standard deviation of a column of X (N, K), without constant: `EFFECT`."""
    X = X / X.std(axis=0, ddof=1)
    b, se = ols(y, np.column_stack([X, np.ones(len(X))]), weights)
    b, se = b[column], se[column]
    return b, se, 2 * student.sf(abs(b / se), len(X) - X.shape[1] - 1), len(X)


def control_sets(panel, variable, base, end):
    """Sets of controls of the specification curve by name: tables by zone, without log income."""
    table, notes = design(panel, variable, base, end)
    basic = table[regressors(table, "log_income", [])]
    logs = basic.assign(population=np.log(basic["population"]))
    division = pd.get_dummies(table["division"], dtype=float).iloc[:, 1:]
    sets = {"none": basic[[]], "published": basic, "log population": logs,
            "log population, divisions": logs.join(division)}
    if "shift_share" in table:
        sets["published, shift-share"] = basic.join(table["shift_share"])
    if notes["left out"]:
        sets["published, nearest year"] = control_table(panel, base, NEAREST)[0].iloc[:, 1:]
    return table["log_income"].to_numpy(), table["growth"].to_numpy(), sets


def specification_curve(panel, variables, windows):
    """Every combination of measure, zeros, reference, tradables, controls, weights and window.

    `definition` "total" is the equation of columns (1) and (3); a definition of the tradables that
    of (2) and (4), with its coefficient on tradable specialization. Effects of one standard
    deviation over zones on log income, or on its growth **per decade**; errors HC1.
    """
    kinds = [("gini", z, w) for z in (True, False) for w in ("equal", "national")]
    kinds += [(m, True, "equal") for m in MEASURES]
    weights = {"none": None, "population": "population"}
    rows = []
    for variable, (base, end) in product(variables, windows):
        level, growth, sets = control_sets(panel, variable, base, end)
        for kind, definition in product(kinds, ("total", *TRADABLE)):
            long = definition != "total"
            table, _ = design(panel, variable, base, definition=definition if long else "tradable",
                              measure=kind[0], zeros=kind[1], reference=kind[2])
            if long and not set(SPECIALIZATION) <= set(table):
                continue                            # a group of a single industry
            S = table[list(SPECIALIZATION if long else SPECIALIZATION[:1])].to_numpy()
            some = ~np.isnan(S).any(axis=1)
            for (controls, Z), (name, w) in product(sets.items(), weights.items()):
                w = None if w is None else table.loc[some, w].to_numpy()
                choices = (variable, base, end, *kind, definition, controls, name)
                X = np.column_stack([S, Z, level])[some]
                found = _effect(growth[some] / (end - base) * 10, X, int(long), w)
                rows.append(("growth", *choices, *found))
                if end == max(e for b, e in windows if b == base):  # once: it knows no end
                    found = _effect(level[some], X[:, :-1], int(long), w)
                    rows.append(("log_income", *choices, *found))
    return pd.DataFrame(rows, columns=[
        "outcome", "variable", "base", "end", "measure", "zeros", "reference", "definition",
        "controls", "weights", *EFFECT]).drop(columns="p")


# Inference beyond HC1 and clusters

def inference_table(panel, variable, windows, cutoffs=(50, 100, 200, 300, 500, 700, 1000),
                    draws=999):
    """Errors of the headline coefficients, side by side, with p-value and 95% interval.

    Total specialization in columns (1) and (3), tradable in (2) and (4): HC1, state clusters, wild
    cluster bootstrap over states, Conley (Bartlett) by cutoff in km. And of the shift-share in
    column (1), not leave-one-out: HC1, AKM, AKM0 and BHJ.
    """
    parts = []
    for base, end in windows:
        table, _ = design(panel, variable, base, end)
        for column, (outcome, first) in COLUMNS.items():
            row, names = first[len(first) > 1], regressors(table, outcome, first)
            found = _errors(panel.zones, table, outcome, names, row, cutoffs, draws)
            parts.append(found.assign(column=column, row=row, base=base, end=end))
        if "shift_share" in table:
            found = _shift_share_errors(panel, variable, table, base, end)
            parts.append(found.assign(column="(1)", row="shift_share_all", base=base, end=end))
    return pd.concat(parts, ignore_index=True)


def _errors(zones, table, outcome, names, row, cutoffs, draws):
    out = []
    for method, cluster in (("HC1", None), ("state clusters", "state")):
        fit = regress(table, outcome, names, cluster)
        out.append((method, np.nan, fit.bse[row], fit.pvalues[row], *fit.conf_int().loc[row]))
    y, X, rows = sample(table, outcome, names)
    X, k, b, n = sm.add_constant(X), 1 + names.index(row), fit.params[row], fit.df_resid
    w = inference.wild_cluster(y, X, ["const", *names], row, table.loc[rows, "state"], draws)
    out.append(("wild bootstrap, states", np.nan, w["se"], w["p"], w["low"], w["high"]))
    lat, lon = zones.loc[rows, ["lat", "lon"]].to_numpy().T
    for km in cutoffs:
        se = np.sqrt(inference.conley(X, fit.resid, lat, lon, km)[k, k])
        q = student.ppf(0.975, n) * se
        out.append(("Conley", km, se, 2 * student.sf(abs(b / se), n), b - q, b + q))
    return pd.DataFrame(out, columns=["method", "km", "se", "p", "low", "high"]).assign(estimate=b)


def _shift_share_errors(panel, variable, table, base, end):
    kept, last = usable(panel, variable), max(t for t in panel.years if t <= end)
    start, later = (panel.cube(variable, t)[:, kept] for t in (base, last))
    y, X, rows = sample(table, "growth", regressors(table, "growth", ("total",)))
    exposure, g = shares(start)[rows], shocks(start, later, leave_out=False)
    a, b = inference.akm(y, exposure, g, X), inference.bhj(y, exposure, g, X)
    q = student.ppf(0.975, len(y) - X.shape[1] - 2) * a["robust"]
    p = 2 * student.sf(abs(a["beta"]) / a["robust"], len(y) - X.shape[1] - 2)
    out = [("HC1", a["robust"], p, a["beta"] - q, a["beta"] + q),
           ("AKM", a["se"], a["p"], a["low"], a["high"]),
           ("AKM0", a["se0"], a["p0"], a["low0"], a["high0"]),
           ("BHJ", b["se"], b["p"], b["low"], b["high"])]
    return pd.DataFrame(out, columns=["method", "se", "p", "low", "high"]).assign(
        estimate=a["beta"])


def placebo_table(panel, variable, windows, lengths=(50, 200, 500), draws=500,
                  bootstrap=199):
    """Rejection rates at 5% of growth on noise correlated over `lengths` in km, given the controls
    of column (1), by kind of standard error; Conley at 300 km."""
    rows = []
    for (base, end), km in product(windows, lengths):
        table, _ = design(panel, variable, base, end)
        y, X, use = sample(table, "growth", regressors(table, "growth", ()))
        lat, lon, state = panel.zones.loc[use, ["lat", "lon", "state"]].to_numpy().T
        found = inference.placebo(y, lat.astype(float), lon.astype(float), state, km, 300, X,
                                  draws, bootstrap)
        rows.append({"base": base, "end": end, "km": km, **found})
    return pd.DataFrame(rows)
