from dataclasses import replace

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specialization.data.schema import ZONES
from specialization.errors import DataError
from specialization.facts import dynamics, inference
from specialization.facts.dynamics import bands, cluster_draws, local_linear
from statsmodels.nonparametric.smoothers_lowess import lowess


def sample(seed=0, zones=40, years=5, noise=0.1):
    """Clustered data: x, y and zone; zone effects in both."""
    rng = np.random.default_rng(seed)
    zone = np.repeat(np.arange(zones), years)
    x = rng.normal(size=zones)[zone] + 0.7 * rng.normal(size=zone.size)
    y = np.sin(x) + noise * (rng.normal(size=zones)[zone] + rng.normal(size=zone.size))
    return x, y, zone


GRID = np.linspace(-1, 1, 9)
seeds = st.integers(0, 10**6)
kernels = st.sampled_from(sorted(dynamics.KERNELS))


@given(seeds, st.sampled_from([0.2, 0.5, 1.0]))
@settings(max_examples=20, deadline=None)
def test_tricube_nearest_neighbours_is_lowess(seed, span):
    x, y, zone = sample(seed)
    level, _ = local_linear(x, y, zone, GRID, span=span)()
    oracle = lowess(y, x, frac=span, it=0, xvals=GRID)
    np.testing.assert_allclose(level, oracle, atol=1e-6)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_rectangular_window_is_a_straight_line_through_its_points(seed):
    x, y, zone = sample(seed)
    fit = local_linear(x, y, zone, GRID, width=0.6, kernel="rectangular")
    for at, level, slope in zip(GRID, *fit(), strict=True):
        near = np.abs(x - at) <= 0.6
        b, a = np.polyfit(x[near] - at, y[near], 1)
        assert (level, slope) == (pytest.approx(a), pytest.approx(b))


def test_gaussian_weights_are_those_of_weighted_least_squares():
    x, y, zone = sample()
    level, slope = local_linear(x, y, zone, GRID, width=0.8, kernel="gaussian")()
    b, a = np.polyfit(x - GRID[3], y, 1, w=np.exp(-(((x - GRID[3]) / 0.4) ** 2) / 4))
    assert level[3] == pytest.approx(a) and slope[3] == pytest.approx(b)


@given(seeds, kernels, st.booleans(), st.floats(-5, 5), st.floats(-5, 5))
@settings(max_examples=25, deadline=None)
def test_exact_on_lines(seed, kernel, within, a, b):
    x, _, zone = sample(seed)
    fit = local_linear(x, a + b * x, zone, GRID, span=0.5, kernel=kernel, within=within)
    level, slope = fit()
    np.testing.assert_allclose(slope, b, atol=1e-8)
    if not within:  # with zone effects the level is known up to a constant
        np.testing.assert_allclose(level, a + b * GRID, atol=1e-8)
    np.testing.assert_allclose(np.diff(level), b * np.diff(GRID), atol=1e-8)


@given(seeds, kernels, st.booleans(), st.floats(0.1, 10), st.floats(-10, 10))
@settings(max_examples=25, deadline=None)
def test_equivariant_under_shift_and_scale(seed, kernel, within, scale, shift):
    x, y, zone = sample(seed)
    options = {"span": 0.4, "kernel": kernel, "within": within}
    level, slope = local_linear(x, y, zone, GRID, **options)()
    moved = local_linear(scale * x + shift, 3 * y - 1, zone, scale * GRID + shift, **options)
    np.testing.assert_allclose(moved()[0], 3 * level - 1, atol=1e-6)
    np.testing.assert_allclose(moved()[1], 3 * slope / scale, atol=1e-6 / scale)


@given(seeds, st.booleans())
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_rows_does_not_matter(seed, within):
    x, y, zone = sample(seed)
    order = np.random.default_rng(seed).permutation(x.size)
    here = local_linear(x, y, zone, GRID, span=0.4, within=within)()
    there = local_linear(x[order], y[order], zone[order], GRID, span=0.4, within=within)()
    np.testing.assert_allclose(there, here, atol=1e-9)


@given(seeds, st.booleans())
@settings(max_examples=15, deadline=None)
def test_counts_are_repeated_zones(seed, within):
    x, y, zone = sample(seed, zones=12)
    counts = np.random.default_rng(seed).integers(0, 4, 12)
    counts[:4] += 1
    rows = [(x[zone == z], y[zone == z]) for z in range(12) for _ in range(counts[z])]
    copies = np.repeat(np.arange(len(rows)), 5)  # each copy is a zone of its own
    xs, ys = (np.concatenate(v) for v in zip(*rows, strict=True))
    options = {"width": 2.0, "within": within}
    _, slope = local_linear(x, y, zone, GRID, **options)(counts[None])
    _, repeated = local_linear(xs, ys, copies, GRID, **options)()
    np.testing.assert_allclose(slope[0], repeated, atol=1e-8)


def test_leaving_a_zone_out_is_a_count_of_zero():
    x, y, zone = sample(zones=10)
    grid = np.linspace(-2, 2, 2001)
    error = dynamics.cross_validate(x, y, zone, grid, width=1.5, kernel="gaussian")
    inside = (x >= -2) & (x <= 2)
    by_hand = np.concatenate(
        [
            y[here]
            - local_linear(x[~own], y[~own], zone[~own], x[here], width=1.5, kernel="gaussian")()[
                0
            ]
            for z in range(10)
            for own in [zone == z]
            for here in [own & inside]
        ]
    )
    assert error == pytest.approx((by_hand**2).mean(), rel=1e-5)


def test_cross_validation_prefers_a_bandwidth_that_follows_the_curve():
    x, y, zone = sample(zones=400, noise=0.8)
    y = y + np.sin(4 * x)
    grid = np.linspace(-1.5, 1.5, 61)
    errors = [dynamics.cross_validate(x, y, zone, grid, width=w) for w in (0.03, 0.3, 3.0)]
    assert np.argmin(errors) == 1


def test_within_a_window_that_holds_all_is_the_regression_with_zone_effects():
    x, y, zone = sample()
    _, slope = local_linear(x, y, zone, GRID, width=1e4, within=True)()
    fit = pf.feols("y ~ x | zone", pd.DataFrame({"x": x, "y": y, "zone": zone}))
    np.testing.assert_allclose(slope, fit.coef()["x"], rtol=1e-6)


def test_controls_are_held_fixed():
    x, _, zone = sample()
    size = np.random.default_rng(1).normal(3, 1, x.size) + x
    fit = local_linear(x, 2 * x + size, zone, GRID, span=0.5, controls=[size])
    np.testing.assert_allclose(fit()[0], 2 * GRID + size.mean(), atol=1e-9)


def test_local_within_finds_a_curve_that_demeaning_first_does_not():
    # the effect of a zone rises with its x, and the curve is a parabola
    rng = np.random.default_rng(3)
    zone = np.repeat(np.arange(1500), 6)
    centre = rng.uniform(-1, 1, 1500)[zone]
    x = centre + rng.uniform(-0.5, 0.5, zone.size)
    y = x**2 + 2 * centre + 0.05 * rng.normal(size=zone.size)
    grid = np.linspace(-0.9, 0.9, 7)
    _, slope = local_linear(x, y, zone, grid, width=0.25, within=True)()
    np.testing.assert_allclose(slope, 2 * grid, atol=0.1)
    _, pooled = local_linear(x, y, zone, grid, width=0.25)()
    assert (np.abs(pooled - 2 * grid) > 0.5).all()
    mean = pd.DataFrame({"x": x, "y": y}).groupby(zone).transform("mean").to_numpy()
    _, demeaned = local_linear(
        x - mean[:, 0], y - mean[:, 1], zone, np.array([-0.3, 0.3]), width=0.25
    )()
    assert (np.abs(demeaned - [-0.6, 0.6]) > 0.15).all()  # a mixture of slopes at all x


def test_bands_by_hand():
    draws = np.array([[1.0, 0.0], [3.0, 0.0], [2.0, 0.0]])
    b = bands(np.array([2.0, 0.0]), draws, coverage=0.95)
    assert b["high"][0] - 2 == pytest.approx(1.959964)
    assert b["high_uniform"][0] == pytest.approx(3) and b["low_uniform"][1] == 0


def test_uniform_bands_are_wider_and_bootstrap_errors_are_clustered():
    x, y, zone = sample(zones=300)
    fit = local_linear(x, y, zone, GRID, width=1e4)
    draws = fit(cluster_draws(np.arange(300), 2000))[1]
    robust = pf.feols("y ~ x", pd.DataFrame({"x": x, "y": y, "zone": zone}), vcov={"CRV1": "zone"})
    assert draws.std(axis=0)[4] == pytest.approx(robust.se()["x"], rel=0.1)
    level, b = fit()[0], bands(fit()[0], fit(cluster_draws(np.arange(300)))[0])
    assert (b["high_uniform"] > b["high"]).all() and (b["low"] < level).all()


@pytest.mark.slow
def test_coverage_of_both_bands():
    """Clustered data with a known line: the window adds no bias, so that bands should cover.

    Tolerance, fixed before looking: 0.95 less three simulation standard errors and 0.02 for 100
    zones; the uniform band covers the whole curve, the pointwise one each point.
    """
    grid, rng = np.linspace(-1, 1, 15), np.random.default_rng(11)
    runs, pointwise, uniform, joint = 300, [], [], []
    for run in range(runs):
        zone = np.repeat(np.arange(100), 7)
        x = 0.8 * rng.normal(size=100)[zone] + 0.6 * rng.normal(size=zone.size)
        y = 1 + 0.5 * x + 0.3 * rng.normal(size=100)[zone] + 0.3 * rng.normal(size=zone.size)
        fit = local_linear(x, y, zone, grid, width=0.8)
        b = bands(fit()[0], fit(cluster_draws(np.arange(100), 400, run))[0])
        truth = 1 + 0.5 * grid
        inside = (b["low"] <= truth) & (truth <= b["high"])
        pointwise.append(inside.mean())
        joint.append(inside.all())
        uniform.append(((b["low_uniform"] <= truth) & (truth <= b["high_uniform"])).all())
    slack = 0.02 + 3 * np.sqrt(0.95 * 0.05 / runs)
    print(np.mean(pointwise), np.mean(uniform), np.mean(joint))
    assert abs(np.mean(pointwise) - 0.95) < slack and abs(np.mean(uniform) - 0.95) < slack
    assert np.mean(joint) < 0.9  # what the uniform band is for


@pytest.mark.parametrize(
    "change, words",
    [
        ({"x": np.ones(200)}, "x up to 1, .*not constant"),
        ({"y": np.full(200, np.nan)}, "y: 200 rows, 200 entries NaN"),
        ({"y": np.ones(199)}, "y: 199 rows, .*valid: 200 rows"),
        ({"zone": np.arange(3)}, "zone: 3 labels; valid: 200"),
        ({"zone": np.r_[np.nan, np.arange(199)]}, "zone: 1 of 200 labels missing"),
        ({"zone": [None, *"ab" * 99, "c"]}, "zone: 1 of 200 labels missing"),
        ({"controls": [np.full(200, np.inf)]}, "control 0: 200 rows, 200 entries NaN"),
        ({"controls": [np.full(200, 0.1)]}, "control 0: does not vary"),
        ({"zone": np.zeros(200)}, "zone: 1 groups of 200; valid: 2 or more"),
        ({"kernel": "biweight"}, "'biweight'; .*one of .'tricube', 'rectangular', 'gaussian'"),
        ({"span": None, "width": 0.001}, "x does not vary within the bandwidth of"),
        ({"grid": np.array([0.0, 50.0]), "span": None, "width": 1.0}, "of 50 \\(1 of 2 points\\)"),
        ({"width": 1.0}, "valid: one of them"),
        ({"span": None}, "valid: one of them"),
        ({"span": None, "width": np.nan}, "bandwidth = nan is no number"),
        ({"span": 0.001}, "two or more of 200 points"),
        ({"span": np.nan}, "bandwidth = nan is no number"),
        ({"span": 1.2}, "span at most 1"),
        (
            {"x": np.repeat([0.0, 1.0], 100), "grid": np.array([0.0, 1.0])},
            "50 points of one x|one x",
        ),
    ],
)
def test_bad_input(change, words):
    x, y, zone = sample()
    arguments = {"x": x, "y": y, "zone": zone, "grid": GRID, "span": 0.3} | change
    with pytest.raises(DataError, match=words):
        local_linear(**arguments)()


def test_a_control_that_x_explains_is_refused():
    x, y, zone = sample()
    with pytest.raises(DataError, match="x or a control does not vary within"):
        local_linear(x, y, zone, GRID, span=0.3, controls=[2 * x])()


units = st.integers(-12, 12).map(lambda k: 10.0**k)


@given(seeds, units, units, units, st.booleans())
@settings(max_examples=40, deadline=None)
def test_units_of_x_y_and_controls_do_not_matter(seed, a, b, c, within):
    x, y, zone = sample(seed)
    z = np.random.default_rng(seed).normal(5, 1, x.size)
    options = {"span": 0.5, "within": within}
    level, slope = local_linear(x, y + z, zone, GRID, controls=[z], **options)()
    other = local_linear(a * x, b * (y + z), zone, a * GRID, controls=[c * z], **options)()
    np.testing.assert_allclose(other[0] / b, level, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other[1] / b * a, slope, rtol=1e-7, atol=1e-8)


def test_zones_may_have_names():
    x, y, zone = sample()
    named = np.array([f"zone {k:02d}" for k in range(40)])[zone]
    for options in ({}, {"within": True}):
        for f in (
            lambda *a, o=options: local_linear(*a, GRID, span=0.4, **o)()[1],
            lambda *a, o=options: dynamics.cross_validate(*a, GRID, span=0.4, **o),
        ):
            np.testing.assert_array_equal(f(x, y, list(named)), f(x, y, zone))
    with pytest.raises(DataError, match="zone: 1 of 200 labels missing"):
        dynamics.cross_validate(x, y, [None, *named[1:]], GRID, span=0.4)


def test_within_needs_zones_that_are_seen_twice_in_a_window():
    x, y, zone = np.arange(10.0), np.arange(10.0), np.arange(10)
    with pytest.raises(DataError, match="x does not vary within"):
        local_linear(x, y, zone, np.array([3.0, 5.0]), width=4, within=True)()


def test_transition_matrix():
    before = np.arange(10.0)
    np.testing.assert_array_equal(dynamics.transition_matrix(before, before), np.eye(5))
    assert dynamics.mobility(np.eye(5)) == 0
    assert dynamics.mobility(np.full((5, 5), 0.2)) == pytest.approx(1)
    after = before[[1, 0, 2, 3, 4, 5, 6, 7, 9, 8]]
    np.testing.assert_array_equal(dynamics.transition_matrix(before, after), np.eye(5))
    swapped = dynamics.transition_matrix(before, before[::-1], classes=2)
    np.testing.assert_array_equal(swapped, [[0, 1], [1, 0]])
    assert dynamics.mobility(swapped) == 2


@given(seeds, st.integers(5, 60), st.integers(2, 5))
@settings(deadline=None)
def test_transition_matrix_rows_and_monotone_maps(seed, n, classes):
    before, after = np.random.default_rng(seed).normal(size=(2, n))
    P = dynamics.transition_matrix(before, after, classes)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    same = dynamics.transition_matrix(np.exp(before), 2 * after, classes)
    np.testing.assert_array_equal(P, same)


@pytest.mark.parametrize(
    "before, after, words",
    [
        (range(4), range(4), "4 zones; valid: at least 5"),
        (range(6), range(5), "after: 5 rows"),
        (range(6), [0, 1, 2, 3, 4, np.nan], "after: 6 rows, 1 entries NaN"),
    ],
)
def test_transition_matrix_of_bad_input(before, after, words):
    with pytest.raises(DataError, match=words):
        dynamics.transition_matrix(list(before), list(after))


def test_observations(panel):
    data = dynamics.observations(panel, "income")
    assert len(data) == 7 * 722 and data.notna().all(axis=None)
    np.testing.assert_allclose(data.groupby("year")["x"].mean(), 0, atol=1e-12)
    first = data.set_index(["year", "zone"]).loc[(1950, 1)]
    assert first["income"] == pytest.approx(panel.control("income_per_head", 1950)[0] / 1000)
    assert first["gini_national"] < first["gini"]


def test_comovement_by_demeaning(panel):
    table = dynamics.comovement(panel, "income").set_index(["definition", "model"])
    data = dynamics.observations(panel, "income")
    x = data["x"] - data.groupby("zone")["x"].transform("mean")
    by_hand = (x * dynamics.less_year(data, "gini")).sum() / (x**2).sum()
    assert table.loc[("gini", "zone effects"), "slope"] == pytest.approx(by_hand)
    # the synthetic vintage leans specialization on income luck after 1950: every version finds it
    assert (table["low"] > 0).all()


@pytest.mark.slow
def test_synthetic_truth_is_found_in_other_draws():
    from specialization.data import synthetic

    for seed in range(3):
        data = dynamics.observations(synthetic.panel.__wrapped__(seed), "income")
        x = (data["x"] - data.groupby("zone")["x"].transform("mean")).to_numpy()
        g = dynamics.less_year(data, "gini")
        assert 0.05 < (x * g).sum() / (x**2).sum() < 0.15


def test_curves_bandwidths_and_the_rest(panel):
    best = dynamics.bandwidths(panel, "income")
    assert best.groupby("curve")["best"].sum().eq(1).all()
    table = dynamics.curves(panel, "income", draws=60)
    assert table.groupby(["definition", "curve"]).size().eq(41).all()
    assert table.notna().all(axis=None) and (table["low_uniform"] <= table["low"]).all()
    P = dynamics.transitions(panel, "income")
    assert set(P["first"]) == {1950, 1980}
    np.testing.assert_allclose(P.filter(like="to_").sum(axis=1), 1)
    t = dynamics.trend(panel, "income").set_index("year")
    assert t["gini"][2020] == pytest.approx(0.53, abs=0.01) and (t["nation"] < t["gini"]).all()


def test_features_of_curves_by_hand():
    one = pd.DataFrame(
        {"definition": "gini", "curve": "tricube", "x": [0.0, 1, 2, 3], "level": [3.0, 1, 2, 4]}
    )
    one = one.assign(
        low_uniform=one["level"] - 0.5,
        high_uniform=one["level"] + 0.5,
        slope_low_uniform=[-3, -1, 0.5, 1],
        slope_high_uniform=[-1, 1.0, 2, 3],
    )
    flat = one.assign(curve="flat", low_uniform=0.0, high_uniform=5.0)
    table = dynamics.features(pd.concat([one, flat])).loc["gini"]
    assert table.loc["tricube"].tolist() == [50, 25, False, 3, 4, 1]
    assert table["horizontal"].tolist() == [False, True]


def test_the_chosen_bandwidth_is_that_of_the_smallest_error(panel):
    table = dynamics.bandwidths(panel, "income")
    by_hand = table.loc[table.groupby("curve", sort=False)["error"].idxmin()]
    picked = dynamics.chosen(table)
    assert picked["bandwidth"].tolist() == by_hand["bandwidth"].tolist()
    assert picked["largest error"]["tricube"] == table["error"][:5].max()


def test_readings_of_signs_and_changes_per_decade():
    slopes = pd.DataFrame({"slope": [0.2, -0.2, -0.2], "p": [0.049, 0.049, 0.05]})
    assert dynamics.readings(slopes).tolist() == ["same sign", "different", "not identified"]
    t = pd.DataFrame({"year": [1975, 1990, 2016], "gini": [0.6, 9, 0.5], "nation": [0, 1, 8.2]})
    assert dynamics.per_decade(t).to_dict() == pytest.approx({"gini": -0.1 / 4.1, "nation": 2.0})


def test_comovement_has_the_errors_and_the_test_of_the_regression_with_dummies(panel):
    """Oracle: `inference.wild_cluster` on demeaned columns with dummies of years."""
    zones = panel.zones.index[:90]
    few = replace(
        panel, zones=panel.zones.loc[zones], cubes={"income": panel.cube("income")[:, :90]}
    )
    table = dynamics.comovement(few, "income", draws=199).set_index(["definition", "model"])
    data = dynamics.observations(few, "income").join(few.zones["state"], on="zone")
    years = pd.get_dummies(data["year"], dtype=float).iloc[:, 1:]
    oracle = pf.feols("gini ~ x + size | year", data, vcov={"CRV1": "state"})
    found = table.loc[("gini", "size held fixed")]
    assert (found["slope"], found["se"]) == (oracle.coef()["x"], oracle.se()["x"])
    inside = data[["gini", "x"]] - data.groupby("zone")[["gini", "x"]].transform("mean")
    for model, columns, controls in (
        ("size held fixed", data, np.column_stack([data["size"], years])),
        ("zone effects", inside, years.to_numpy()),
    ):
        low = table.loc[("gini", model), "low"]
        for b, rejects in ((0.0, None), (low - 0.002, True), (low + 0.002, False)):
            p = inference.wild_cluster(
                columns["gini"] - b * columns["x"], columns["x"], controls, data["state"], 199
            )
            if rejects is None:
                assert table.loc[("gini", model), "p"] == pytest.approx(p)
            else:
                assert (p < 0.05) == rejects


def test_states_are_sums_of_their_zones(panel):
    with pytest.raises(DataError, match="state 'S.*valid: the 48"):
        dynamics.of_states(panel, "income")
    panel = replace(panel, zones=panel.zones.assign(state=ZONES["state"].to_numpy()))
    states = dynamics.of_states(panel, "income")
    ohio = (panel.zones["state"] == "OH").to_numpy()
    at = states.zones.index.get_loc(39)
    np.testing.assert_allclose(
        states.cube("income", 1990)[at], panel.cube("income", 1990)[ohio].sum(axis=0)
    )
    income, people = (
        panel.control(name, 1990)[ohio] for name in ("income_per_head", "population")
    )
    assert states.control("population", 1990)[at] == pytest.approx(people.sum())
    assert states.control("income_per_head", 1990)[at] == pytest.approx(
        np.average(income, weights=people)
    )
    assert len(dynamics.comovement_of_states(panel, "income", draws=9)) == 16


def test_quintiles_are_those_of_their_table(panel):
    data = dynamics.observations(panel, "income").set_index("year")
    P = dynamics.quintiles(dynamics.transitions(panel, "income"), "x")
    by_hand = dynamics.transition_matrix(data.loc[1980, "x"], data.loc[2000, "x"])
    np.testing.assert_array_equal(P, by_hand)
    assert P.columns.tolist() == P.index.tolist() == [1, 2, 3, 4, 5]


def test_arrows_of_groups_and_named_zones(panel):
    table = dynamics.arrows(panel, "income")
    assert set(table["place"]) == {"Rustbelt", "other zones"}  # no real place is meant
    share = panel.zones["rustbelt"].mean()
    by = table.pivot(index="year", columns="place", values="gini")
    np.testing.assert_allclose(
        share * by["Rustbelt"] + (1 - share) * by["other zones"], 0, atol=1e-12
    )


@pytest.mark.public
def test_public_zones_and_sectors():
    from specialization.data import public

    if not public.available():
        pytest.skip("the public data are not here: `make data`")
    table = dynamics.arrows(public.panel("sectors"), "employment").set_index(["place", "year"])
    assert table.loc[("Detroit, MI", 1975), "x"] == pytest.approx(0.237, abs=0.001)
    assert ("Rochester and Buffalo, NY", 2016) in table.index
    kept = dynamics.observations(public.panel("sectors"), "employment")
    assert kept["year"].nunique() == 42
    assert kept["gini"].max() < 1 - 1 / 19 + 1e-12  # 19 sectors: public administration is out


@pytest.mark.parametrize(
    "call",
    [
        lambda x: dynamics.local_linear(x[:, None], x, x // 2, x[:3], span=0.5),
        lambda x: dynamics.local_linear(x, x, np.c_[x, x], x[:3], span=0.5),
        lambda x: dynamics.local_linear(x, x, x // 2, [np.nan], span=0.5),
        lambda x: dynamics.local_linear(x, x, x // 2, x[:3], span=0.5)(np.ones(3)),
        lambda x: dynamics.local_linear(x, x, x // 2, x[2::-1], span=0.5, within=True),
        lambda x: dynamics.cross_validate(x, x, x // 2, x[2::-1], span=0.5),
        lambda x: dynamics.grid_of([]),
        lambda x: dynamics.grid_of([1, np.nan]),
        lambda x: dynamics.bands(x, np.ones((5, 3))),
        lambda x: dynamics.bands(x[:1], np.ones((1, 1))),
        lambda x: dynamics.mobility(x),
        lambda x: dynamics.mobility(np.eye(1)),
        lambda x: dynamics.transition_matrix(np.c_[x, x], x),
    ],
)
def test_arrays_of_another_shape_are_refused(call):
    with pytest.raises(DataError):
        call(np.arange(12.0))


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_local_regression_in_any_unit(unit):
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 60))
    zone, grid = np.arange(60) % 6, np.linspace(-1, 1, 3)
    plain = dynamics.local_linear(x, y, zone, grid, span=0.5, controls=[z])()
    other = dynamics.local_linear(
        x * unit, y * unit, zone, grid * unit, span=0.5, controls=[z * unit]
    )()
    np.testing.assert_allclose(other[0], plain[0] * unit, rtol=1e-9)
    np.testing.assert_allclose(other[1], plain[1], rtol=1e-9)


def test_ties_do_not_depend_on_the_order_of_zones():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, (2, 40))
    order = rng.permutation(40)
    np.testing.assert_allclose(
        dynamics.transition_matrix(a[order], b[order]), dynamics.transition_matrix(a, b)
    )
    np.testing.assert_allclose(dynamics.transition_matrix(0 * a, b), 0.2)  # nothing is known


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: dynamics.transition_matrix([1, 2], [1, 2], 0), "classes = 0"),
        (lambda: dynamics.cluster_draws([]), "cluster"),
        (lambda: dynamics.cluster_draws([1, 2], -1), "draws = -1"),
        (lambda: dynamics.bands(np.zeros(3), np.eye(3), 95), "coverage = 95"),
        (lambda: dynamics.grid_of([1, 2], 0), "points = 0"),
        (lambda: dynamics.mobility(np.ones((3, 3))), "does not sum to one"),
    ],
)
def test_numbers_out_of_range(call, words):
    with pytest.raises(DataError, match=words):
        call()
