"""Fact 1: against statsmodels, pyfixest and hand computations, and the truths of 200 panels.

`python tests/test_tradeoff.py` computes the Monte Carlo table of the chapter again (5 minutes).
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyfixest
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student
from specialization.data import synthetic, vintages
from specialization.data.schema import Panel, industry_table
from specialization.errors import DataError
from specialization.facts import inference, power
from specialization.facts import tradeoff as T
from specialization.measures import group_gini, krugman, theil
from specialization.report import results
from specialization.report.tables import published
from specialization.store import TABLES

MONTE_CARLO = TABLES / "monte_carlo_tradeoff.csv"
DRAWS, FIRST_SEED = 200, 7000


@pytest.fixture(scope="module")
def table(panel):
    return T.design(panel, "income", 1950, 2020)[0]


@pytest.fixture
def small():
    """Forty zones in eight states, four industries, three years, by hand."""
    rng = np.random.default_rng(1)
    zones = pd.DataFrame(
        {
            "name": "z",
            "state": [f"S{j % 8}" for j in range(40)],
            "division": "D",
            "rustbelt": np.arange(40) % 3 == 0,
            "lat": rng.uniform(30, 45, 40),
            "lon": rng.uniform(-110, -80, 40),
        },
        index=pd.RangeIndex(1, 41, name="zone"),
    )
    years = np.array([1980, 1990, 2000])
    cube = rng.lognormal(0, 1, (3, 40, 4)) * 100
    index = pd.MultiIndex.from_product(
        [zones.index, [1980, 1990, 2000, 2018]], names=["zone", "year"]
    )
    controls = pd.DataFrame(
        {
            "income_per_head": rng.lognormal(9, 0.3, 160),
            "population": rng.lognormal(11, 1, 160),
            "high_skill_share": rng.uniform(0.1, 0.3, 160),
            "old_age_dependency": np.nan,
            "female_share": np.nan,
        },
        index=index,
    )
    controls.loc[(slice(None), [1990]), "old_age_dependency"] = rng.uniform(10, 25, 40)
    industries = industry_table(
        [1, 2, 3, 4], list("abcd"), ["manufacturing", "mining", "retail", "finance"]
    )
    return Panel("public", years, zones, industries, {"employment": cube}, controls)


# The design


def test_design_is_what_its_columns_say(panel, table):
    y, tradable = panel.cube("income", 1950), panel.industries["tradable"].to_numpy()
    np.testing.assert_allclose(table["tradable"], group_gini(y, tradable))
    np.testing.assert_allclose(table["nontradable"], group_gini(y, ~tradable))
    people = {t: panel.control("population", t) for t in (1950, 2020)}
    head = {t: panel.cube("income", t).sum(axis=1) / people[t] for t in people}
    np.testing.assert_allclose(table["growth"], np.log(head[2020] / head[1950]))
    np.testing.assert_allclose(table["population"], people[1950] / 1e9)
    other = T.indices(panel, "employment", 1970, "tradable_narrow", measure="theil")
    narrow = panel.industries["tradable_narrow"].to_numpy()
    np.testing.assert_allclose(other["tradable"], theil(panel.cube("employment", 1970)[:, narrow]))


def test_leave_one_out_shift_share_by_hand(panel):
    start, end = panel.cube("income", 1950), panel.cube("income", 2020)
    for r in (0, 300):
        others = np.arange(len(start)) != r
        g = np.log(end[others].sum(axis=0) / start[others].sum(axis=0))
        assert T.shift_share(start, end)[r] == pytest.approx(start[r] / start[r].sum() @ g)
    g = np.log(end.sum(axis=0) / start.sum(axis=0))
    np.testing.assert_allclose(
        T.shift_share(start, end, leave_out=False), start / start.sum(axis=1, keepdims=True) @ g
    )


def test_an_industry_of_one_zone_has_no_leave_one_out_growth():
    start = np.array([[1.0, 1.0], [1.0, 0.0]])
    with pytest.raises(DataError, match="no growth of industry 1 outside zone 0"):
        T.shift_share(start, start)
    np.testing.assert_allclose(T.shift_share(start, 2 * start, leave_out=False), np.log(2))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 50))
def test_equal_growth_of_all_industries_is_every_zones_growth(seed, factor):
    start = np.random.default_rng(seed).uniform(0.1, 1, (6, 4))
    for leave_out in (True, False):
        np.testing.assert_allclose(
            T.shift_share(start, factor * start, leave_out), np.log(factor), atol=1e-9
        )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(list(T.MEASURES)), st.booleans())
def test_specialization_ignores_scale_and_marks_empty_rows(seed, measure, zeros):
    y = np.random.default_rng(seed).uniform(0.1, 1, (5, 6))
    scale = 1.0 if measure == "krugman" else np.arange(1, 6)[:, None]  # it has national shares
    before = T.specialize(y, measure, zeros)
    np.testing.assert_allclose(T.specialize(3.7 * scale * y, measure, zeros), before)
    with_empty = T.specialize(np.vstack([y, np.zeros(6)]), measure, zeros)
    assert np.isnan(with_empty[-1]) and np.isfinite(with_empty[:-1]).all()
    np.testing.assert_allclose(with_empty[:-1], before)


def test_a_control_that_the_base_lacks_is_left_out_or_taken_from_the_nearest_year(small):
    own, notes = T.control_table(small, 1980)
    assert "old_age_dependency" not in own and "female_share" not in own
    assert notes == {"left out": ["old_age_dependency", "female_share"], "other year": {}}
    near, notes = T.control_table(small, 1980, T.NEAREST)
    np.testing.assert_array_equal(
        near["old_age_dependency"], small.control("old_age_dependency", 1990)
    )
    np.testing.assert_array_equal(
        near["high_skill_share"], small.control("high_skill_share", 1980)
    )
    assert notes == {"left out": ["female_share"], "other year": {"old_age_dependency": 1990}}


def test_a_retired_industry_is_left_out_and_counted(small):
    cube = small.cube("employment").copy()
    cube[2, :, 3] = 0
    gone = replace(small, cubes={"employment": cube})
    table, notes = T.design(gone, "employment", 1980, 2018)
    assert notes["used"].tolist() == [True, True, True, False]
    np.testing.assert_allclose(table["total"], T.specialize(cube[0, :, :3]))
    assert "nontradable" not in table  # a single industry is left in that group


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda p: T.design(p, "employment", 1980, 1980),
            "end year 1980 is not after base year 1980",
        ),
        (lambda p: T.design(p, "employment", 1980, 2020), "no control.* in year 2020"),
        (lambda p: T.design(p, "employment", 1985, 2000), "1985"),
        (lambda p: T.design(p, "employment", 1980, 2000, controls="mine"), "controls='mine'"),
        (lambda p: T.pooled(p, "employment", 17), "no two years 17 apart"),
    ],
)
def test_what_a_vintage_lacks_is_one_clear_error(small, call, message):
    with pytest.raises(DataError, match=message):
        call(small)


# Regressions


def test_too_few_constant_collinear_and_missing(table):
    with pytest.raises(DataError, match="4 observations for 3 coefficients"):
        T.regress(table.head(4), "growth", ["total", "population"])
    with pytest.raises(DataError, match="'one' is constant over 722 rows"):
        T.regress(table.assign(one=3.0), "growth", ["total", "one"])
    both = table.assign(both=2 * table["total"] - 3 * table["population"])
    with pytest.raises(DataError, match="'both' is constant over 722 rows or collinear"):
        T.regress(both, "growth", ["total", "population", "both"])
    with pytest.raises(DataError, match="no column 'mine'"):
        T.regress(table, "growth", ["mine"])
    with pytest.raises(DataError, match="outcome 'flat' is constant over 722 rows"):
        T.regress(table.assign(flat=0.1), "flat", ["total"])
    holes = table.assign(tradable=table["tradable"].where(table.index > 10))
    assert T.regress(holes, "growth", ["tradable"]).nobs == 712


def test_a_missing_label_of_a_group_is_refused_by_name(table):
    state = table["state"].where(table["state"] != table["state"].iloc[3])
    gone, first = state.isna().sum(), state.isna().to_numpy().argmax()
    with pytest.raises(DataError, match=f"state: {gone} of 722 labels missing, .* row {first}"):
        T.regress(table.assign(state=state), "growth", ["total"], "state")
    with pytest.raises(DataError, match="no column 'county'"):
        T.regress(table, "growth", ["total"], "county")
    with pytest.raises(DataError, match="state: 1 groups of 722; valid: 2 or more"):
        T.regress(table.assign(state="OH"), "growth", ["total"], "state")
    # a missing label where the row is left out anyway is none
    holes = table.assign(state=state, total=table["total"].where(state.notna()))
    assert T.regress(holes, "growth", ["total"], "state").nobs == 722 - gone


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["total", "population", "rustbelt", "log_income"]),
    st.integers(-14, 14).map(lambda k: 10.0**k),
    st.sampled_from([None, "state"]),
)
def test_rescaling_a_regressor_rescales_its_coefficient_and_nothing_else(
    table, name, scale, cluster
):
    names = T.regressors(table, "growth", ("total",))
    before = T.regress(table, "growth", names, cluster)
    after = T.regress(table.assign(**{name: scale * table[name]}), "growth", names, cluster)
    unit = np.where(before.params.index == name, scale, 1.0)
    for part in ("params", "bse"):
        np.testing.assert_allclose(getattr(after, part) * unit, getattr(before, part), rtol=1e-6)
    np.testing.assert_allclose(after.pvalues, before.pvalues, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(after.resid, before.resid, atol=1e-9)
    assert (after.df_resid, after.nobs) == (before.df_resid, before.nobs)
    assert after.rsquared_adj == pytest.approx(before.rsquared_adj)
    twice = table.assign(**{name: scale * table[name], "twice": table[name]})
    with pytest.raises(DataError, match="'twice' is constant over 722 rows or collinear"):
        T.regress(twice, "growth", [*names, "twice"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(-14, 14).map(lambda k: 10.0**k))
def test_units_of_controls_change_neither_bins_nor_effects(seed, scale):
    rng = np.random.default_rng(seed)
    x, W, y = rng.standard_normal(80), rng.standard_normal((80, 2)), rng.standard_normal(80)
    before, after = (T.binned_scatter(y, x, W * [1, s], bins=5) for s in (1, scale))
    pd.testing.assert_frame_equal(after, before, rtol=1e-6, atol=1e-9)
    state = np.arange(80) % 10
    before, after = (T._effect(y, np.column_stack([x, W]) * [s, 1, s], state) for s in (1, scale))
    np.testing.assert_allclose(after, before, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:The design matrix is rank-deficient")  # refused just after
def test_weighted_effects_are_those_of_statsmodels():
    rng = np.random.default_rng(0)
    X, y, w = rng.standard_normal((60, 2)), rng.standard_normal(60), rng.uniform(1, 9, 60)
    state = np.arange(60) % 12
    fit = sm.WLS(y, sm.add_constant(X), weights=w).fit(
        cov_type="cluster", cov_kwds={"groups": state}
    )
    effect, se, p, n = T._effect(y, X, state, 1, w)
    spread = X[:, 1].std(ddof=1)
    assert (effect, se) == pytest.approx((fit.params[2] * spread, fit.bse[2] * spread))
    assert p == inference.wild_cluster(y, X[:, 1], X[:, :1], state, 999, weights=w) and n == 60
    with pytest.raises(DataError, match="regressor 1 of 2 is constant"):
        T._effect(y, np.column_stack([X[:, 0], np.ones(60)]), state)
    with pytest.raises(DataError, match="regressors have rank 3"):
        T._effect(y, np.column_stack([X, X[:, 0] - X[:, 1]]), state)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: T.specialize([[1, 2]], "entropy"), "measure='entropy'.*valid: gini, hhi"),
        (lambda: T.specialize([[1, 2]], reference="regional"), "reference='regional'.*national"),
        (lambda: T.specialize([[1, np.nan]]), "cells: 1 rows, 1 entries NaN"),
        (lambda: T.specialize([[1, -2]]), "cells: shape .* from -2; valid: .*>= 0"),
        (lambda: T.shift_share([[1, 2]], [[1, np.nan]]), "end: 1 rows, 1 entries NaN"),
        (
            lambda: T.shift_share([[1, 2]], [[1, 2, 3]]),
            r"end: shape \(1, 3\).*valid: shape \(1, 2\)",
        ),
    ],
)
def test_cells_that_cannot_be_used_are_refused_by_name(call, message):
    with pytest.raises(DataError, match=message):
        call()


@pytest.mark.parametrize("column", T.COLUMNS)
def test_columns_agree_with_pyfixest(panel, table, column):
    found = T.columns_table(panel, "income", [[1950, 2020]])
    found = found[(found["column"] == column) & (found["shift_share"] == "shift_share")]
    formula = f"{T.COLUMNS[column][0]} ~ " + " + ".join(found["row"])
    for vcov, errors in (("HC1", "hc1"), ({"CRV1": "state"}, "clustered")):
        fit = pyfixest.feols(formula, table, vcov=vcov)
        np.testing.assert_allclose(found["estimate"], fit.coef()[found["row"]], rtol=1e-7)
        np.testing.assert_allclose(found[errors], fit.se()[found["row"]], rtol=1e-6)
    np.testing.assert_allclose(
        found["p_clustered"], fit.pvalue()[found["row"]], rtol=1e-5, atol=1e-14
    )
    names = [T.COLUMNS[column][0], *found["row"]]
    scaled = table[names] / table[names].std()
    beta = sm.OLS(scaled[names[0]], sm.add_constant(scaled[names[1:]])).fit().params
    np.testing.assert_allclose(found["standardised"], beta[found["row"]], rtol=1e-7)


def test_published_columns_are_the_seventy_year_column_of_the_horizons(panel):
    columns = T.columns_table(panel, "income", [[1950, 2020]])
    two = columns[(columns["column"] == "(2)") & (columns["shift_share"] == "none")].iloc[:3]
    seventy = T.horizons_table(panel, "income", [70])
    for effects in (True, False):
        here = seventy[seventy["year_effects"] == effects]
        np.testing.assert_allclose(here["estimate"], two["estimate"])


def test_pooled_horizons_agree_with_pyfixest(panel):
    here = T.horizons_table(panel, "income", [30]).set_index(["year_effects", "row"])
    stacked = T.pooled(panel, "income", 30)
    assert len(stacked) == 4 * 722 and set(stacked["base"]) == {1950, 1970, 1980, 1990}
    names = " + ".join([*T.SPECIALIZATION, "log_income", *T.CONTROLS])
    for effects, formula in ((True, f"growth ~ {names} + C(base)"), (False, f"growth ~ {names}")):
        fit = pyfixest.feols(formula, stacked, vcov={"CRV1": "zone"})
        rows = here.loc[effects]
        np.testing.assert_allclose(rows["estimate"], fit.coef()[rows.index], rtol=1e-6)
        np.testing.assert_allclose(rows["clustered"], fit.se()[rows.index], rtol=1e-5)


# Extensions


def test_binned_scatter_is_exact_on_a_line_and_its_line_is_the_regression():
    rng = np.random.default_rng(3)
    x, W = rng.standard_normal(400), rng.standard_normal((400, 2))
    x += W[:, 0]
    noise = rng.standard_normal(400)
    bins = T.binned_scatter(1 + 2 * x + W @ [3, -1] + noise, x, W, bins=10)
    fit = sm.OLS(1 + 2 * x + W @ [3, -1] + noise, sm.add_constant(np.column_stack([x, W]))).fit()
    assert bins["slope"].iloc[0] == pytest.approx(fit.params[1])
    assert len(bins) == 10 and bins["x"].is_monotonic_increasing
    # without controls: plain means
    plain = T.binned_scatter(noise, x, W[:, :0], bins=4)
    cut = pd.qcut(x, 4, labels=False)
    np.testing.assert_allclose(plain["y"], pd.Series(noise).groupby(cut).mean())
    # y that bins and controls explain: the bins at the mean of the controls, exactly
    steps = np.searchsorted(np.quantile(x, [0.25, 0.5, 0.75]), x, side="right")
    exact = T.binned_scatter(steps + W @ [3, -1], x, W, bins=4)
    np.testing.assert_allclose(exact["y"], np.arange(4) + W.mean(axis=0) @ [3, -1], atol=1e-9)
    with pytest.raises(DataError, match="fewer than 2"):
        T.binned_scatter(noise, np.zeros(400), W)


def test_industry_by_industry_against_one_regression_at_a_time(small):
    found = T.by_industry(small, "employment", 1980, 2018, smallest=10, draws=199)
    table, _ = T.design(small, "employment", 1980, 2018)
    s = small.cube("employment", 1980)
    s = s / s.sum(axis=1, keepdims=True)
    x = s[:, 2]
    names = ["x", "log_income", "high_skill_share", "population", "rustbelt"]
    fit = T.regress(table.assign(x=x), "growth", names)
    row = found[(found["outcome"] == "growth") & (found["on"] == "share")].iloc[2]
    assert row["effect"] == pytest.approx(fit.params["x"] * x.std(ddof=1))
    y, X, _ = T.sample(table.assign(x=x), "growth", names)
    assert row["p"] == inference.wild_cluster(y, X[:, 0], X[:, 1:], table["state"], 199)
    assert row["se"] == pytest.approx(
        T.regress(table.assign(x=x), "growth", names, "state").bse["x"] * x.std(ddof=1)
    )
    assert (found["of"] == 4).all() and len(found) == 16
    for _, part in found.groupby(["outcome", "on"]):
        assert (part["holm"] >= part["p"]).all() and (part["bh"] >= part["p"]).all()
        assert (part["bh"] <= part["holm"] + 1e-12).all()
        assert part["holm"].min() == pytest.approx(min(1, 4 * part["p"].min()))


def test_findings_and_both_significant_count_what_is_there(small):
    found = T.by_industry(small, "employment", 1980, 2018, smallest=10)
    found["bh"] = np.where(found["industry"] < 3, 0.01, 0.2)  # made up: two of four
    counts = T.findings(found)
    assert (counts["industries"] == 4).all() and (counts["left out"] == 0).all()
    assert (counts["BH"] == 2).all()
    for (outcome, on), row in counts.iterrows():
        part = found[(found["outcome"] == outcome) & (found["on"] == on)]
        assert row["p < 5%"] == sum(part["p"] < 0.05)
        assert row["BH, negative"] == sum(part["effect"].iloc[:2] < 0)
    both = T.both_significant(found)
    assert both["label"].tolist() == ["a", "b"]
    rca = found[found["on"] == "log rca"].set_index(["outcome", "label"])["effect"]
    assert both["growth"].tolist() == rca["growth"][["a", "b"]].tolist()
    found.loc[(found["industry"] == 1) & (found["outcome"] == "growth"), "bh"] = 0.9
    assert T.both_significant(found)["label"].tolist() == ["b"]
    assert T.both_significant(found.iloc[:0]).empty


def test_signs_are_shares_of_each_group_in_order():
    p = [0.01, 0.2, 1, 0.04, 0.06]
    curve = pd.DataFrame({"source": list("bbbba"), "effect": [-3, -1, 0, 2.0, 1], "p": p})
    found = T.signs(curve, "source")
    assert found.index.tolist() == ["b", "a"]
    assert found.loc["b"].tolist() == [4, -0.5, 0.5, 0.25, 0.25]
    assert found.loc["a"].tolist() == [1, 1, 0, 0, 0]


def test_specification_curve_holds_the_columns(panel, table):
    curve = T.specification_curve(panel, ["income"], [[1950, 2000], [1950, 2020]], draws=19)
    assert not curve.isna().any().any() and not curve.duplicated(list(curve)[:10]).any()
    # 8 measures, 5 definitions, 6 sets of controls, 2 weights; 2 windows of growth, 1 level
    assert curve["outcome"].value_counts().to_dict() == {"growth": 960, "log_income": 480}
    baseline = curve.query(
        "measure == 'gini' and zeros and reference == 'equal' and end == 2020"
        " and weights == 'none'"
    )
    columns = T.columns_table(panel, "income", [[1950, 2020]])
    for column, (outcome, _) in T.COLUMNS.items():
        row, definition = (
            ("total", "total") if column in ("(1)", "(3)") else ("tradable", "tradable")
        )
        decades = 7 if outcome == "growth" else 1
        for controls, shift_share in (
            ("published", "none"),
            ("shift-share", "shift_share"),
        ):
            here = baseline[
                (baseline["outcome"] == outcome)
                & (baseline["controls"] == controls)
                & (baseline["definition"] == definition)
            ].iloc[0]
            there = columns[
                (columns["column"] == column)
                & (columns["row"] == row)
                & (columns["shift_share"] == shift_share)
            ].iloc[0]
            sd = table[row].std()
            assert here["effect"] == pytest.approx(there["estimate"] * sd / decades)
            assert here["se"] == pytest.approx(there["clustered"] * sd / decades)


def test_the_curve_counts_significance_as_the_bases_do(panel):
    curve = T.specification_curve(panel, ["income"], [[1950, 2020]], draws=99)
    bases = power.bases_table(panel, "income", [[1950, 2020]], draws=99)
    plain = curve.query(
        "measure == 'gini' and zeros and reference == 'equal' and controls == 'published'"
        " and weights == 'none'"
    ).set_index(["outcome", "definition"])["p"]
    p = bases.set_index(["column", "row"])["p"]
    for column, (outcome, first) in T.COLUMNS.items():
        row = first[len(first) > 1]
        assert plain[outcome, row] == p[column, row]


def test_curve_with_other_measures_weights_and_controls_by_hand(panel, table):
    curve = T.specification_curve(panel, ["income"], [[1950, 2020]], draws=19)
    here = curve.query(
        "outcome == 'growth' and measure == 'krugman' and definition == 'total' and"
        " controls == 'divisions' and weights == 'population'"
    )
    x = krugman(panel.cube("income", 1950))
    divisions = pd.get_dummies(panel.zones["division"], dtype=float).iloc[:, 1:]
    X = np.column_stack([x, table[["log_income", *T.CONTROLS]], divisions, np.ones(722)])
    fit = sm.WLS(table["growth"], X, weights=table["population"]).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(table["state"])[0]}
    )
    assert here["effect"].item() == pytest.approx(fit.params.iloc[0] * x.std(ddof=1) / 7)
    assert here["se"].item() == pytest.approx(fit.bse.iloc[0] * x.std(ddof=1) / 7)
    # tradable and non-tradable without total
    here = curve.query(
        "outcome == 'log_income' and measure == 'gini' and zeros and reference == 'equal'"
        f" and definition == '{T.WITHOUT_TOTAL}' and controls == 'manufacturing'"
        " and weights == 'none'"
    )
    made = (panel.industries["sector"] == "manufacturing").to_numpy()
    y = panel.cube("income", 1950)
    design = table.assign(share=y[:, made].sum(axis=1) / y.sum(axis=1))
    fit = T.regress(design, "log_income", ["tradable", "nontradable", *T.CONTROLS, "share"])
    assert here["effect"].item() == pytest.approx(fit.params["tradable"] * table["tradable"].std())


def test_nearest_controls_are_in_the_curve_only_where_some_are_left_out(small):
    windows = [[1980, 2018], [1990, 2018]]
    curve = T.specification_curve(small, ["employment"], windows, draws=19)
    assert "nearest year" in set(curve["controls"])
    assert "log density" not in set(curve["controls"])  # no areas of made-up zones
    # the others have one industry
    assert set(curve["definition"]) == {"total", "tradable", T.WITHOUT_TOTAL}


def test_lagged_income_removes_the_bias_of_errors_in_income(panel):
    rng, zones = np.random.default_rng(0), panel.zones.index
    truth = T.lagged_income_table(panel, "income", [[1970, 2020]], 20).set_index("row")
    noisy = panel.controls.copy()
    for year in (1950, 1970):
        noise = np.exp(rng.normal(0, 0.15, len(zones)))
        at = pd.MultiIndex.from_product([zones, [year]])
        noisy.loc[at, "income_per_head"] = noisy.loc[at, "income_per_head"].to_numpy() * noise
    found = T.lagged_income_table(
        replace(panel, controls=noisy), "income", [[1970, 2020]], 20
    ).set_index("row")
    gap = (found - truth).loc["log_income"]
    assert gap["ols"] < -3 * truth.loc["log_income", "ols_se"]
    assert abs(gap["iv"]) < 2 * found.loc["log_income", "iv_se"]
    table, _ = T.design(panel, "income", 1970, 2020)
    fit = T.regress(table, "growth", T.regressors(table, "growth", ["total"]), "state")
    np.testing.assert_allclose(truth["ols"], fit.params[["total", "log_income"]])
    np.testing.assert_allclose(truth["ols_se"], fit.bse[["total", "log_income"]])


def test_copied_zones_count_once(panel, table):
    cube = panel.cubes["income"].copy()
    cube[:, 1:4] = cube[:, [0]] * np.array([2.0, 3, 0.5])[:, None]
    doubled = replace(panel, cubes={"income": cube})
    found = T.copies_table(doubled, "income", [[1950, 2020]]).iloc[0]
    assert found[["zones", "copied", "distinct"]].to_list() == [722, 4, 719]
    group = T.copies(cube[0])
    assert len(set(group[:4])) == 1 and np.unique(group).size == 719
    design, _ = T.design(doubled, "income", 1950, 2020)
    names = T.regressors(design, "growth", ["total"])
    fit = T.regress(design.assign(copy=group), "growth", names, "copy")
    assert found["by_copies"] == pytest.approx(fit.bse["total"])
    one = pd.concat([design.iloc[:4][["growth", *names]].mean().to_frame().T, design.iloc[4:]])
    merged = T.regress(one[["growth", *names]].astype(float), "growth", names)
    assert found["merged"] == pytest.approx(merged.params["total"])
    assert found["merged_hc1"] == pytest.approx(merged.bse["total"])


def test_standard_errors_side_by_side(panel, table):
    found = T.inference_table(panel, "income", [[1950, 2020]], cutoffs=(1e-3, 300), draws=99)
    columns = T.columns_table(panel, "income", [[1950, 2020]])
    for (column, row), part in found.groupby(["column", "row"]):
        kind = row if row == "shift_share_all" else "none"
        there = columns[
            (columns["column"] == column)
            & (columns["row"] == row)
            & (columns["shift_share"] == kind)
        ].iloc[0]
        np.testing.assert_allclose(part["estimate"], there["estimate"])
        part = part.set_index("method")
        if kind == "none":
            assert part.loc["HC1", "se"] == pytest.approx(there["hc1"])
            assert part.loc["state clusters", "p"] == pytest.approx(there["p_clustered"])
            # nobody is within a metre: Conley is HC1
            np.testing.assert_allclose(part.loc["Conley", "se"].iloc[0], there["hc1"])
        else:
            assert set(part.index) == {"HC1", "AKM", "AKM0", "BHJ"}
            assert part.loc["HC1", "se"] == pytest.approx(there["hc1"])
    ratios = T.over_hc1(found[found["row"] != "shift_share_all"]).set_index(["column", "km"])
    two = columns[(columns["column"] == "(2)") & (columns["row"] == "tradable")].iloc[0]
    assert ratios.loc[("(2)", 0), "conley"] == pytest.approx(1)
    np.testing.assert_allclose(ratios.loc["(2)", "clustered"], two["clustered"] / two["hc1"])
    assert len(ratios) == 8
    found = found[~found["method"].str.startswith("wild")]  # a p-value without an interval
    assert (found["low"] < found["estimate"]).all() and (found["estimate"] < found["high"]).all()


def test_placebo_regressions_are_of_growth_given_the_controls(panel):
    found = T.placebo_table(panel, "income", [[1950, 2020]], [20], draws=60, bootstrap=19)
    rates = found[["hc1", "cluster", "conley", "wild"]].to_numpy()
    assert (rates >= 0).all() and (rates < 0.25).all()  # nearly independent noise


# Known truth


def headline_truths():
    t = published("tradeoff_controls")
    t = t[t["row"].isin(["total_specialization", "tradable_specialization"])]
    out = {
        f"{c[:3]} {r.split('_')[0]}": v
        for c, r, v in zip(t["column"], t["row"], t["value"], strict=True)
    }
    h = published("tradeoff_horizons").query("row == 'tradable_specialization'")
    return out | {f"{c[:2]} years": v for c, v in zip(h["column"], h["value"], strict=True)}


def one_panel(seed):
    """Headline coefficients of one synthetic panel with their errors."""
    panel = synthetic.panel.__wrapped__(seed)
    table, _ = T.design(panel, "income", 1950, 2020)
    rows = []
    for column, (outcome, first) in T.COLUMNS.items():
        part = T.coefficients(table, outcome, T.regressors(table, outcome, first)).iloc[:2]
        part = part[part["row"].isin(SPECIAL)]
        rows.append(part.assign(coefficient=column + " " + part["row"], clusters=48))
    horizons = T.horizons_table(panel, "income", synthetic.HORIZON)
    horizons = horizons[(horizons["row"] == "tradable") & horizons["year_effects"]]
    rows.append(
        horizons.assign(coefficient=horizons["horizon"].astype(str) + " years", clusters=722)
    )
    return pd.concat(rows)[["coefficient", "estimate", "hc1", "clustered", "clusters", "n"]]


SPECIAL = ("total", "tradable")


def monte_carlo(draws=DRAWS):
    """Bias in simulation standard errors and coverage of 95% intervals, by coefficient."""
    truth = headline_truths()
    d = pd.concat([one_panel(FIRST_SEED + k) for k in range(draws)], ignore_index=True)
    d["error"] = d["estimate"] - d["coefficient"].map(truth)
    d["in_hc1"] = d["error"].abs() <= student.ppf(0.975, d["n"] - 10) * d["hc1"]
    d["in_clustered"] = d["error"].abs() <= student.ppf(0.975, d["clusters"] - 1) * d["clustered"]
    g = d.groupby("coefficient", sort=False)
    out = pd.DataFrame(
        {
            "truth": pd.Series(truth),
            "mean": g["estimate"].mean(),
            "sd": g["estimate"].std(),
            "hc1": g["hc1"].mean(),
            "clustered": g["clustered"].mean(),
            "coverage_hc1": g["in_hc1"].mean(),
            "coverage_clustered": g["in_clustered"].mean(),
        }
    )
    out["z"] = g["error"].mean() / (out["sd"] / np.sqrt(draws))
    out["draws"] = draws
    out["first"] = g["estimate"].first()  # a quick look at whether this is stale
    return out.rename_axis("coefficient").reset_index()


def test_the_stored_monte_carlo_is_of_this_economy():
    stored = pd.read_csv(MONTE_CARLO)
    assert set(stored["draws"]) == {DRAWS}
    np.testing.assert_allclose(
        stored["first"],
        one_panel(FIRST_SEED)["estimate"],
        rtol=1e-6,
        err_msg="run python tests/test_tradeoff.py",
    )
    np.testing.assert_allclose(stored["truth"], list(headline_truths().values()))


@pytest.mark.slow
def test_headline_coefficients_of_200_panels():
    here, stored = monte_carlo(), pd.read_csv(MONTE_CARLO)
    pd.testing.assert_frame_equal(here, stored, rtol=1e-4, atol=1e-6, check_dtype=False)
    # 13 correlated z values: 3.5 for the largest; coverage within three binomial errors above
    assert (here["z"].abs() < 3.5).all(), here
    assert (here["coverage_clustered"] < 0.95 + 3 * np.sqrt(0.95 * 0.05 / DRAWS)).all(), here


# Results


@pytest.mark.public
@pytest.mark.skipif("public" not in vintages.available(), reason="the public data are not here")
def test_public_design_says_what_it_lacks():
    panel = vintages.load("public")
    _, notes = T.design(panel, "employment", 1980, 2018)
    assert notes["left out"] == ["high_skill_share", "old_age_dependency", "female_share"]
    assert (notes["used"].sum(), (~notes["used"]).sum()) == (210, 18)
    _, notes = T.design(panel, "employment", 1980, 2018, T.NEAREST)
    assert set(notes["other year"].values()) == {1990} and not notes["left out"]
    sectors = vintages.load("public", "sectors")
    _, notes = T.design(sectors, "employment", 1975, 2000)
    assert sectors.industries.index[~notes["used"]].tolist() == [92]


@pytest.mark.parametrize(
    "name", [n for n in results.RESULTS if n.startswith("tradeoff") and results.has(n, "public")]
)
def test_stored_results_are_small_and_whole(name):
    path = results.STORE / f"{name}.csv"
    assert path.stat().st_size < 600_000
    assert len(pd.read_csv(path)) > 0


if __name__ == "__main__":
    monte_carlo().to_csv(MONTE_CARLO, index=False, float_format="%.8g")


@pytest.mark.parametrize("change", [{"x": 1e-200}, {"y": 1e200}])
def test_units_beyond_variances_are_refused(change):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(40, 3)), columns=["y", "x", "z"]).mul(
        pd.Series({"y": 1.0, "x": 1.0, "z": 1.0} | change)
    )
    with pytest.raises(DataError, match="entries up to .* in other units"):
        T.regress(table, "y", ["x", "z"])


def test_a_regressor_far_from_zero_is_refused_before_its_error_is_rounding():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(40, 2)), columns=["y", "x"])
    assert np.isfinite(T.regress(table.assign(x=table["x"] + 1e4), "y", ["x"]).bse["x"])
    with pytest.raises(DataError, match="'x' is constant .* or collinear"):
        T.regress(table.assign(x=table["x"] + 1e12), "y", ["x"])


@pytest.mark.parametrize("bins", [0, -1, 2.5, "4", True])
def test_bins_are_whole(bins):
    x = np.arange(20.0)
    with pytest.raises(DataError, match="bins = "):
        T.binned_scatter(x, x, np.empty((20, 0)), bins)
