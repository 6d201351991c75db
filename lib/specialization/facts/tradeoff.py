r"""Fact 1, the trade-off: specialized zones were richer, and have grown less since.

.. math:: Y_r = \alpha + \beta\, \mathrm{Gini}_{rb} + \gamma' Z_r + \delta \hat g_r + \epsilon_r

for zones r with controls Z and a base year b; Y is log income per head in b, or its growth to an
end year. Tables are flat, one row per coefficient, so that they can be stored.
"""

from itertools import product

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

from .. import measures
from ..data.schema import TRADABLE
from ..errors import DataError
from ..measures import lasting, shares
from . import inference

SPECIALIZATION = ("total", "tradable", "nontradable")
CONTROLS = ("high_skill_share", "old_age_dependency", "female_share", "population", "rustbelt")
COLUMNS = {"(1)": ("growth", SPECIALIZATION[:1]), "(2)": ("growth", SPECIALIZATION),
           "(3)": ("log_income", SPECIALIZATION[:1]), "(4)": ("log_income", SPECIALIZATION)}
"""Outcome and specialization of the published columns; those of growth add log income."""
MEASURES = {"gini": measures.gini, "hhi": measures.hhi, "max share": measures.max_share,
            "theil": measures.theil, "krugman": measures.krugman}
OWN, NEAREST = "base year", "nearest year"
"""A control that a vintage lacks in the base year is left out (OWN), or taken from the nearest
year that has it (NEAREST): if that lies after the base, a bad control, shown as a check."""


def specialize(y, measure="gini", zeros=True, reference="equal"):
    """Specialization (R,) by a key of `MEASURES`, NaN where a row of y (R, I) is empty; `zeros`
    and `reference` ("equal" or "national") are the switches of the Gini."""
    out, some = np.full(len(y), np.nan), y.sum(axis=1) > 0
    switches = (zeros, measures.national_shares(y) if reference == "national" else None)
    out[some] = MEASURES[measure](y[some], *switches if measure == "gini" else ())
    return out


def shift_share(start, end, leave_out=True):
    r"""Growth that a zone's industries predict, :math:`\hat g_r = \sum_i s_{ir} g_{i,-r}`.

    start, end : (R, I) cells of the base year and of a later one; g is log growth over all other
    zones, or over all. `DataError` if a zone has an industry that the others lack in one year."""
    s = shares(start)
    first, last = (y.sum(axis=0) - y * leave_out for y in (start, end))
    lost = (s > 0) & ~((first > 0) & (last > 0))
    if lost.any():
        r, i = np.argwhere(lost)[0]
        raise DataError(f"shift_share: no growth of industry {i} outside zone {r} (positions)")
    g = np.log(np.divide(last, first, out=np.ones_like(first), where=s > 0))
    return (s * g).sum(axis=1)


def control_table(panel, base, controls=OWN):
    """Log income and controls by zone, population in billions, as its published coefficient
    implies; and notes: which are left out or of another year."""
    if controls not in (OWN, NEAREST):
        raise DataError(f"controls={controls!r}; valid: {OWN!r}, {NEAREST!r}")
    log_income = np.log(panel.control("income_per_head", base))
    table = pd.DataFrame({"log_income": log_income}, index=panel.zones.index)
    notes = {"left out": [], "other year": {}}
    for name in CONTROLS[:-1]:
        whole = panel.controls[name].unstack("year").reindex(panel.zones.index).notna().all()
        year = min(whole.index[whole], key=lambda t: abs(t - base), default=None)
        if year is None or (year != base and controls == OWN):
            notes["left out"].append(name)
            continue
        table[name] = panel.control(name, year) / (1e9 if name == "population" else 1)
        notes["other year"] |= {name: year} if year != base else {}
    return table.assign(rustbelt=panel.zones["rustbelt"].astype(float)), notes


def indices(panel, variable, base, definition="tradable", **switches):
    """Specialization by zone: total, tradable (by `definition`, a key of `TRADABLE`), nontradable,
    by `specialize(**switches)` over `lasting` industries; no column for a group of only one."""
    used = lasting(panel.cube(variable))
    y, group = panel.cube(variable, base)[:, used], panel.industries[definition].to_numpy()[used]
    members = zip(SPECIALIZATION, (group | True, group, ~group), strict=True)
    columns = {name: specialize(y[:, m], **switches) for name, m in members if m.sum() > 1}
    return pd.DataFrame(columns, index=panel.zones.index)


def design(panel, variable, base, end, controls=OWN):
    """Table of the regressions, one row per zone, and notes on what it leaves out.

    Columns: `control_table`, `indices`, state, division, growth; and where the cube has a year in
    (base, end], to the last of these, shift_share (leave-one-out) and shift_share_all. Notes:
    controls left out or of another year, industries `used` (I,)."""
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


def regressors(table, outcome, first, extra=()):
    """Names of an equation: `first`, log income if the outcome is growth, controls, `extra`."""
    lagged = ["log_income"] if outcome == "growth" else []
    return [*first, *lagged, *(c for c in CONTROLS if c in table), *extra]


def sample(table, outcome, names):
    """Outcome (N,), regressors (N, K) without a constant, mask of the rows that have them all.

    `DataError` for a column that is not there, too few rows, and a regressor that is constant or
    collinear with those before it."""
    if missing := [n for n in (outcome, *names) if n not in table]:
        raise DataError(f"the design has no column {missing[0]!r}; has {list(table)}")
    rows = table[[outcome, *names]].notna().all(axis=1).to_numpy()
    y, X = (table.loc[rows, v].to_numpy(dtype=float) for v in (outcome, list(names)))
    if len(X) < X.shape[1] + 3:
        raise DataError(f"{len(X)} observations for {X.shape[1] + 1} coefficients")
    Z = np.column_stack([np.ones(len(X)), X / np.abs(X).max(axis=0).clip(1e-300)])
    if (rank := np.linalg.matrix_rank(Z)) <= X.shape[1]:
        j = next(j for j in range(rank + 1) if np.linalg.matrix_rank(Z[:, :j + 2]) < j + 2)
        raise DataError(f"regressor {names[j]!r} is constant over {len(X)} rows or collinear "
                        f"with others of {list(names)}")
    return y, X, rows


def regress(table, outcome, names, cluster=None):
    """OLS by statsmodels with HC1 errors, or clustered by a column; results object.

    Rows with a missing value are left out. Tests and intervals use Student's t, with G - 1
    degrees of freedom for G clusters."""
    y, X, rows = sample(table, outcome, names)
    model = sm.OLS(y, pd.DataFrame(sm.add_constant(X), columns=["const", *names]))
    if cluster is None:
        return model.fit(cov_type="HC1", use_t=True)
    groups = pd.factorize(table.loc[rows, cluster])[0]
    return model.fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)


def coefficients(table, outcome, names, cluster="state"):
    """Columns row, estimate, hc1, clustered, p_clustered, standardised (in standard deviations of
    the outcome per one of the regressor), n, adj_r2."""
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
        extras = [[], *([c] for c in table if c.startswith("shift_share"))]
        for extra, (column, (outcome, first)) in product(extras, COLUMNS.items()):
            names = regressors(table, outcome, [f for f in first if f in table], extra)
            parts.append(coefficients(table, outcome, names).assign(
                base=base, end=end, controls=kind, shift_share=extra[0] if extra else "none",
                column=column, industries=int(notes["used"].sum())))
    return pd.concat(parts, ignore_index=True)


def binned_scatter(y, x, W, bins=20):
    """Means of y (N,) by quantile bin of x (N,) at the mean of the controls W (N, K).

    OLS of y on dummies of the bins and centred W (Cattaneo, Crump, Farrell and Feng 2024), not a
    plot of residuals. Columns: x (mean in the bin), y, se (HC1); slope and level of a line."""
    edges = np.quantile(x, np.linspace(0, 1, bins + 1)[1:-1])
    D = np.eye(bins)[np.searchsorted(edges, x, side="right")]
    if (D.sum(axis=0) < 2).any():
        raise DataError(f"binned_scatter: a bin of {bins} has fewer than 2 of {len(x)} points")
    fit, line = (sm.OLS(y, np.column_stack([first, W - W.mean(axis=0)])).fit(cov_type="HC1")
                 for first in (D, sm.add_constant(x)))
    return pd.DataFrame({"x": D.T @ x / D.sum(axis=0), "y": fit.params[:bins],
                         "se": fit.bse[:bins], "slope": line.params[1], "level": line.params[0]})


def bins_table(panel, variable, windows):
    """Binned scatters of columns (3) and (1): Figures 1 and 2."""
    parts = []
    for (base, end), column in product(windows, ("(3)", "(1)")):
        (table, _), (outcome, first) = design(panel, variable, base, end), COLUMNS[column]
        y, X, _ = sample(table, outcome, regressors(table, outcome, first))
        found = binned_scatter(y, X[:, 0], X[:, 1:])
        parts.append(found.assign(base=base, end=end, outcome=outcome))
    return pd.concat(parts, ignore_index=True)


def pooled(panel, variable, horizon, bases=None):
    """Design tables of all pairs of years `horizon` apart, stacked, with columns base and zone; a
    control that one of the base years lacks is left out of all."""
    known = panel.controls["income_per_head"].dropna().index.unique("year")
    starts = [int(t) for t in (panel.years if bases is None else bases) if t + horizon in known]
    if not starts:
        raise DataError(f"{panel.vintage}: no two years {horizon} apart: specialization in "
                        f"{np.asarray(panel.years).tolist()}, incomes to {max(known)}")
    parts = [design(panel, variable, t, t + horizon)[0].assign(base=t) for t in starts]
    return pd.concat(parts, join="inner").reset_index()


def horizons_table(panel, variable, horizons, bases=None):
    """The equation of column (2) pooled over base years, with and without year effects.

    Errors clustered by zone. `pairs` is the number of base years, `within` the adjusted R² of
    what year effects leave."""
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
            parts.append(part.assign(within=within, horizon=horizon, year_effects=effects,
                                     pairs=growth.ngroups))
    return pd.concat(parts, ignore_index=True)


EFFECT = ["effect", "se", "p", "n"]


def _effect(y, X, column=0, weights=1.0):
    """Effect of one standard deviation of a column of X (N, K), without constant: `EFFECT`."""
    X = sm.add_constant(X / X.std(axis=0, ddof=1))
    fit = sm.WLS(y, X, weights).fit(cov_type="HC1", use_t=True)
    return fit.params[1 + column], fit.bse[1 + column], fit.pvalues[1 + column], len(y)


def by_industry(panel, variable, base, end, smallest=100):
    """The trade-off industry by industry, on log RCA (where present) and on the share (zeros in).

    Industries in fewer than `smallest` zones are left out; `of` counts all. `effect`, `se` (HC1):
    of one standard deviation. P-values are adjusted within outcome and regressor: `holm` for any
    false finding, `bh` (Benjamini and Hochberg) for their share."""
    (table, notes), y = design(panel, variable, base, end), panel.cube(variable, base)
    rca = measures.revealed_comparative_advantage(y)
    on = {"log rca": np.log(rca, out=np.full_like(y, np.nan), where=y > 0), "share": shares(y)}
    tried = notes["used"] & ((y > 0).sum(axis=0) >= smallest)
    labels = panel.industries.reset_index()[["industry", "label", "sector"]]
    parts = []
    for outcome, (name, x) in product(("log_income", "growth"), on.items()):
        names = regressors(table, outcome, ["x"])
        fits = [_effect(*sample(table.assign(x=v), outcome, names)[:2]) for v in x.T[tried]]
        part = labels[tried].reset_index(drop=True).join(pd.DataFrame(fits, columns=EFFECT))
        adjusted = {k: multipletests(part["p"], method=m)[1]
                    for k, m in (("holm", "holm"), ("bh", "fdr_bh"))}
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
    counts = table[["outcome", "on"]].assign(**{
        "industries": 1, "left out": table["of"], f"p < {level:.0%}": found["p"],
        "Holm": found["holm"], "BH": found["bh"],
        "BH, negative": found["bh"] & (table["effect"] < 0)})
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
    of = {outcome: t[t["outcome"] == outcome].set_index(["label", "sector"])["effect"]
          for outcome in ("growth", "log_income")}
    return pd.concat(of, axis=1, join="inner").sort_index().reset_index()


def control_sets(panel, variable, base, end):
    """The design, and the sets of controls of the specification curve, tables without income."""
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
    return table, sets


def specification_curve(panel, variables, windows):
    """Every combination of measure, zeros, reference, tradables, controls, weights and window.

    `definition` "total" is the equation of columns (1) and (3); a definition of the tradables that
    of (2) and (4), with its coefficient on tradable specialization. Effects of one standard
    deviation over zones on log income, or on its growth **per decade**; errors HC1."""
    kinds = [("gini", z, w) for z in (True, False) for w in ("equal", "national")]
    kinds += [(m, True, "equal") for m in list(MEASURES)[1:]]
    rows = []
    for variable, (base, end) in product(variables, windows):
        table, sets = control_sets(panel, variable, base, end)
        y = {"growth": table["growth"].to_numpy() / (end - base) * 10,
             "log_income": table["log_income"].to_numpy()}
        once = end == max(e for b, e in windows if b == base)       # the level knows no end
        for kind, definition in product(kinds, ("total", *TRADABLE)):
            first = SPECIALIZATION[:1 if definition == "total" else 3]
            one = indices(panel, variable, base, TRADABLE[0] if definition == "total" else
                          definition, measure=kind[0], zeros=kind[1], reference=kind[2])
            if not set(first) <= set(one):
                continue                            # a group of a single industry
            S = one[list(first)].to_numpy()
            some = ~np.isnan(S).any(axis=1)
            for (controls, Z), weights in product(sets.items(), ("none", "population")):
                X = np.column_stack([S, Z, y["log_income"]])[some]
                w = 1.0 if weights == "none" else table["population"].to_numpy()[some]
                for outcome in list(y)[:1 + once]:
                    found = _effect(y[outcome][some], X if outcome == "growth" else X[:, :-1],
                                    len(first) // 2, w)
                    rows.append((outcome, variable, base, end, *kind, definition, controls,
                                 weights, *found))
    return pd.DataFrame(rows, columns=[
        "outcome", "variable", "base", "end", "measure", "zeros", "reference", "definition",
        "controls", "weights", *EFFECT]).drop(columns="p")


def signs(curve: pd.DataFrame, by: str | list[str] = "outcome") -> pd.DataFrame:
    """Shares of specifications by sign, and by significance at 5%.

    Parameters
    ----------
    curve : DataFrame
        Such as `specification_curve`: effect, se, and the columns of `by`.
    by : str or list of str
        Groups, in order of appearance.

    Returns
    -------
    DataFrame
        specifications, median (of the effects), and the shares negative; negative, significant;
        positive, significant.

    Examples
    --------
    >>> curve = pd.DataFrame({"outcome": "growth", "effect": [-3.0, -1.0, 1.0], "se": 1.0})
    >>> signs(curve).loc["growth"].round(2).to_list()
    [3.0, -1.0, 0.67, 0.33, 0.0]
    """
    z = curve["effect"] / curve["se"]
    groups = curve.assign(**{"negative": z < 0, "negative, significant": z < -1.96,
                             "positive, significant": z > 1.96}).groupby(by, sort=False)
    shares = groups[["negative", "negative, significant", "positive, significant"]].mean()
    return pd.concat([groups.size().rename("specifications"),
                      groups["effect"].median().rename("median"), shares], axis=1)


# Inference beyond HC1 and clusters

def inference_table(panel, variable, windows, cutoffs=(50, 100, 200, 300, 500, 700, 1000),
                    draws=999):
    """Errors of the headline coefficients, side by side, with p-value and 95% interval.

    Total specialization in columns (1) and (3), tradable in (2) and (4): HC1, state clusters, wild
    cluster bootstrap over states (p-value only), Conley (Bartlett) by cutoff in km. And of the
    shift-share in column (1), not leave-one-out: HC1, AKM, AKM0 and BHJ."""
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
        rows += [r | {"column": column, "row": row, "base": base, "end": end}
                 for (column, row), found in errors.items() for r in found]
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
    hc1, state = (table[table["method"] == method].set_index("column")["se"]
                  for method in ("HC1", "state clusters"))
    conley = table[table["method"] == "Conley"]
    return pd.DataFrame({
        "column": conley["column"], "km": conley["km"].astype(int),
        "conley": conley["se"] / conley["column"].map(hc1),
        "clustered": conley["column"].map(state / hc1)}).reset_index(drop=True)


def _by_student(method, b, se, df=np.inf, km=np.nan):
    """A standard error of b, with p-value and interval by Student's t."""
    q = student.ppf(0.975, df) * se
    return {"method": method, "km": km, "se": se, "p": 2 * student.sf(abs(b / se), df),
            "low": b - q, "high": b + q, "estimate": b}


def _errors(table, places, outcome, names, row, cutoffs, draws):
    """Rows of the coefficient `row`, by method and cutoff."""
    fit, grouped = (regress(table, outcome, names, c) for c in (None, "state"))
    y, X, use = sample(table, outcome, names)
    k, b, state = names.index(row), fit.params[row], table.loc[use, "state"]
    states = _by_student("state clusters", b, grouped.bse[row], state.nunique() - 1)
    p = inference.wild_cluster(y, X[:, k], np.delete(X, k, axis=1), state, draws)
    V = {km: inference.conley(fit.model.exog, fit.resid, *places[use].to_numpy().T, km)
         for km in cutoffs}
    return [_by_student("HC1", b, fit.bse[row], fit.df_resid), states,
            states | {"method": "wild bootstrap, states", "p": p, "low": np.nan, "high": np.nan},
            *(_by_student("Conley", b, np.sqrt(v[k + 1, k + 1]), fit.df_resid, km)
              for km, v in V.items())]


def _shift_share_errors(table, start, later):
    """Rows of the coefficient of the shift-share in column (1)."""
    y, X, use = sample(table, "growth", regressors(table, "growth", ("total",)))
    g = np.log(later.sum(axis=0) / start.sum(axis=0))
    found = inference.akm(y, shares(start)[use], g, X)
    hc1, akm, bhj = (_by_student(method, found["beta"], found[key], df) for method, key, df in (
        ("HC1", "robust", len(y) - X.shape[1] - 2), ("AKM", "akm", np.inf),
        ("BHJ", "bhj", np.inf)))
    akm0 = {name: found[name + "0"] for name in ("se", "p", "low", "high")}
    return [hc1, akm, akm | {"method": "AKM0"} | akm0, bhj]


def placebo_table(panel, variable, windows, lengths=(50, 200, 500), draws=500, bootstrap=199):
    """Rejection rates at 5% of growth on noise correlated over `lengths` in km, given the controls
    of column (1), by kind of standard error; Conley at 300 km."""
    rows = []
    for (base, end), km in product(windows, lengths):
        table, _ = design(panel, variable, base, end)
        y, X, use = sample(table, "growth", regressors(table, "growth", ()))
        lat, lon, state = (panel.zones.loc[use, c].to_numpy() for c in ("lat", "lon", "state"))
        found = inference.placebo(y, lat, lon, state, km, 300, X, draws, bootstrap)
        rows.append({"base": base, "end": end, "km": km, **found})
    return pd.DataFrame(rows)
