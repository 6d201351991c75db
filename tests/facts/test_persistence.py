"""Persistence of ranks: closed form against packages, truths recovered, bad input."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyfixest
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from linearmodels.iv.absorbing import AbsorbingLS
from specialization.data import public, synthetic
from specialization.errors import DataError
from specialization.facts import persistence as p
from specialization.facts.inference import wild_cluster
from specialization.measures import rank
from specialization.measures import revealed_comparative_advantage as rca
from specialization.report.tables import published

YEARS = [1980, 1990, 2000]


def random_panel(seed=0, shape=(3, 12, 7)):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape[1:]) + rng.standard_normal(shape)


def small(panel, zones=40):
    """The first zones of a panel."""
    kept = panel.zones.index[:zones]
    return replace(
        panel,
        zones=panel.zones.loc[kept],
        controls=panel.controls.loc[kept],
        cubes={"income": panel.cube("income")[:, :zones]},
    )


def frozen(panel):
    """A panel in which nothing ever changes."""
    part = small(panel)
    cube = np.broadcast_to(part.cube("income")[:1], part.cube("income").shape).copy()
    return replace(part, cubes={"income": cube})


# The estimator against others


def by_dummies(x, years, h):
    """The slope by least squares on dummies of every zone-year and industry-year."""
    rows = [
        (x[s, r, i], x[t, r, i], f"z{s}-{r}", f"i{s}-{i}")
        for s, t in p.pairs(years, h)
        for r in range(x.shape[1])
        for i in range(x.shape[2])
    ]
    f = pd.DataFrame(rows, columns=["before", "now", "zone", "industry"])
    X = np.column_stack([f["before"], pd.get_dummies(f[["zone", "industry"]]).to_numpy(float)])
    return np.linalg.lstsq(X, f["now"].to_numpy(), rcond=None)[0][0]


def absorbed(x, years, h):
    """The slope by linearmodels, on the cells that are not missing."""
    s, t = p.pairs(years, h).T
    base, zone, industry = (a.ravel() for a in np.indices((s.size, *x.shape[1:])))
    f = pd.DataFrame(
        {
            "before": x[s].ravel(),
            "now": x[t].ravel(),
            "zone": pd.Categorical(base * 1000 + zone),
            "industry": pd.Categorical(base * 1000 + industry),
        }
    ).dropna()
    fit = AbsorbingLS(f["now"], f[["before"]], absorb=f[["zone", "industry"]]).fit()
    return fit.params.iloc[0]


@pytest.mark.parametrize("h", [10, 20])
def test_closed_form_dummies_pyfixest_and_linearmodels_agree(h):
    x = random_panel()
    own = p.persistence(x, YEARS).loc[h]
    package = p.two_way(x, YEARS, h).loc[h]
    assert own["beta"] == pytest.approx(by_dummies(x, YEARS, h), abs=1e-12)
    assert own["beta"] == pytest.approx(absorbed(x, YEARS, h), abs=1e-8)
    assert own["beta"] == pytest.approx(package["beta"], abs=1e-10)
    assert own["se"] == pytest.approx(package["se"], rel=1e-8)
    assert own["n"] == package["n"] == (3 - h // 10) * 12 * 7


def test_closed_form_and_pyfixest_agree_on_the_synthetic_panel(panel):
    y, members = p.groups(panel, "income")
    x = p.log_rank(y, members["tradables"])
    own = p.persistence(x, panel.years)
    package = p.two_way(x, panel.years, [50, 70])
    own = own.loc[package.index]
    np.testing.assert_allclose(own["beta"], package["beta"], atol=1e-10)
    np.testing.assert_allclose(own["se"], package["se"], rtol=1e-8)


def test_clusters_of_zones_agree_with_pyfixest():
    x, state = random_panel(4), np.repeat(list("abcd"), 3)
    own = p.persistence(x, YEARS, [10], clusters={"zone": np.arange(12), "state": state}).loc[10]
    s, t = p.pairs(YEARS, 10).T
    base, zone, industry = (a.ravel() for a in np.indices(x[s].shape))
    f = pd.DataFrame(
        {
            "before": x[s].ravel(),
            "now": x[t].ravel(),
            "zone": zone,
            "state": state[zone],
            "zy": base * 12 + zone,
            "iy": base * 7 + industry,
        }
    )
    for name in ("zone", "state"):
        fit = pyfixest.feols("now ~ before | zy + iy", f, vcov={"CRV1": name})
        assert own[f"se_{name}"] == pytest.approx(fit.se().iloc[0], rel=1e-6)


def test_missing_cells_are_dropped_and_counted_as_linearmodels_drops_them():
    x = random_panel(1)
    x[0, 3, 2] = x[1, 5, 5] = x[2, 5, 5] = np.nan
    out = p.two_way(x, YEARS, 10).loc[10]
    assert out["beta"] == pytest.approx(absorbed(x, YEARS, 10), abs=1e-8)
    assert out["dropped"] == 3 and out["n"] == 2 * 12 * 7 - 3


def test_singletons_are_dropped_and_counted():
    x = random_panel(2)
    x[1, 3, 1:] = np.nan  # a zone of one industry, and then an industry of that zone alone
    x[1, [0, 1, 2, *range(4, 12)], 0] = np.nan
    out = p.two_way(x, YEARS, 10).loc[10]
    assert out["dropped"] == 2 * (6 + 11 + 1) and out["n"] == 2 * 12 * 7 - out["dropped"]
    assert out["beta"] == pytest.approx(absorbed(x, YEARS, 10), abs=1e-8)
    smaller = np.delete(np.delete(x, 3, axis=1), 0, axis=2)[1:]  # what is left, balanced
    again = p.persistence(smaller, YEARS[1:], [10]).loc[10]
    assert p.two_way(x[1:], YEARS[1:], 10).loc[10, "beta"] == pytest.approx(again["beta"])
    assert p.two_way(x[1:], YEARS[1:], 10).loc[10, "se"] == pytest.approx(again["se"])


units = st.integers(-12, 12).map(lambda k: 10.0**k)


@given(st.integers(0, 1000), units, units)
@settings(max_examples=25, deadline=None)
def test_units_do_not_matter(seed, a, b):
    x, z = random_panel(seed), random_panel(seed + 1)
    closed = p.persistence(x, YEARS), p.persistence(x, YEARS, instrument=z + x)
    np.testing.assert_allclose(p.persistence(a * x, YEARS), closed[0], rtol=1e-9)
    np.testing.assert_allclose(
        p.persistence(a * x, YEARS, instrument=b * (z + x)), closed[1], rtol=1e-7
    )


@pytest.mark.parametrize("unit", [1e-12, 1e-7, 1e7, 1e12])
def test_units_do_not_matter_to_the_package(unit):
    x = random_panel(3)
    x[0, 3, 2] = np.nan
    one, other = p.two_way(x, YEARS, [10, 20]), p.two_way(unit * x, YEARS, [10, 20])
    np.testing.assert_allclose(other, one, rtol=1e-9)


@given(st.integers(0, 1000), units)
@settings(max_examples=25, deadline=None)
def test_a_path_in_other_units_decays_as_fast(seed, unit):
    h, rng = np.arange(1, 42), np.random.default_rng(seed)
    beta = 0.3 + 0.5 * rng.uniform(0.8, 0.97) ** h + 0.01 * rng.standard_normal(h.size)
    one, other = p.fit_decay(h, beta), p.fit_decay(h, unit * beta)
    np.testing.assert_allclose(other[["permanent", "decaying"]] / unit, one[:2], rtol=1e-4)
    np.testing.assert_allclose(other[["rho", "half_life"]], one[2:], rtol=1e-4)


def test_pooled_horizons_use_every_pair_of_years():
    assert p.all_horizons(synthetic.YEARS) == [10, 20, 30, 40, 50, 60, 70]
    found = [synthetic.YEARS[pair].tolist() for pair in p.pairs(synthetic.YEARS, 50)]
    assert found == [[1950, 2000], [1970, 2020]]


effects = arrays(float, (2, 6, 5), elements=st.floats(-5, 5))


@given(effects, st.floats(-1, 1), st.integers(0, 100))
def test_an_exact_relation_is_found_whatever_the_effects(e, beta, seed):
    before = np.random.default_rng(seed).standard_normal((6, 5))
    now = beta * before + e[0][:, :1] + e[1][:1]
    x = np.stack([before + e[0][:, 1:2] + e[1][1:2], now])
    assert p.persistence(x, [0, 1])["beta"][1] == pytest.approx(beta, abs=1e-9)


cubes = arrays(float, (2, 6, 5), elements=st.integers(1, 10**6).map(float), unique=True)
everything = np.ones(5, dtype=bool)


@given(cubes, st.permutations(range(6)), st.permutations(range(5)))
def test_the_order_of_zones_and_industries_does_not_matter(y, zones, industries):
    one = p.persistence(p.log_rank(y, everything), [0, 1])
    two = p.persistence(p.log_rank(y[:, zones][:, :, industries], everything), [0, 1])
    np.testing.assert_allclose(one, two, atol=1e-9)


@given(cubes, st.sampled_from(["year", "industry", "region"]), st.booleans())
def test_ranks_do_not_feel_a_monotone_map_of_rca(y, within, descending):
    option = {"within": within, "descending": descending}
    _, order = np.unique(rca(y), return_inverse=True)  # a map without rounding
    other = np.log(rank(order.reshape(y.shape) ** 2, **option))
    np.testing.assert_array_equal(p.log_rank(y, everything, **option), other)


def test_min_and_average_ties_differ_only_at_ties():
    y = np.array([[[4.0, 0, 2], [0, 5, 1], [3, 1, 9]]])
    m = np.ones(3, dtype=bool)
    gap = p.log_rank(y, m, ties="average") - p.log_rank(y, m, ties="min")
    np.testing.assert_array_equal(gap != 0, y == 0)
    assert np.isnan(p.log_rank(y, m, zeros=False)[y == 0]).all()


# Truths


def test_the_published_elasticity_is_found_on_synthetic_data(panel):
    table = p.group_effects(panel, "income").set_index(["group", "horizon"])["beta"]
    assert table["tradables", 70] == pytest.approx(
        published("rank_persistence")["value"][0], abs=0.04
    )
    assert (table["tradables"].diff().dropna() < 0).all()


def test_an_ar1_with_a_permanent_part_decays_as_it_should():
    rng, T, permanent, rho = np.random.default_rng(5), 12, 0.4, 0.8
    ar = [rng.standard_normal((300, 60))]
    for _ in range(T - 1):
        ar.append(rho * ar[-1] + np.sqrt(1 - rho**2) * rng.standard_normal((300, 60)))
    x = np.sqrt(permanent) * rng.standard_normal((300, 60)) + np.sqrt(1 - permanent) * np.array(ar)
    beta = p.persistence(x, np.arange(T))["beta"]
    np.testing.assert_allclose(beta, permanent + (1 - permanent) * rho**beta.index, atol=0.02)
    fit = p.fit_decay(beta.index, beta)
    assert fit["permanent"] == pytest.approx(permanent, abs=0.05)
    assert fit["rho"] == pytest.approx(rho, abs=0.05)


@pytest.mark.parametrize("truth", [(0.3, 0.5, 0.95), (0.0, 0.9, 0.98), (0.6, 0.4, 0.7)])
def test_the_fit_of_an_exact_path_is_exact(truth):
    permanent, decaying, rho = truth
    h = np.arange(1, 42)
    fit = p.fit_decay(h, permanent + decaying * rho**h)
    assert fit[["permanent", "decaying", "rho"]].tolist() == pytest.approx(truth, abs=1e-4)
    assert fit["half_life"] == pytest.approx(np.log(0.5) / np.log(rho), rel=1e-3)


def test_fitted_paths_stand_beside_their_groups():
    h = np.arange(1, 9)
    paths = {"a": 0.2 + 0.6 * 0.9**h, "b": 0.5 + 0.4 * 0.7**h}
    table = pd.concat(
        [pd.DataFrame({"group": g, "horizon": h, "beta": b}) for g, b in paths.items()]
    ).sort_values(["horizon", "group"])
    few = pd.DataFrame({"group": "c", "horizon": [10, 20], "beta": [0.9, 0.8]})
    np.testing.assert_allclose(p.decay(table)["permanent"], [0.2, 0.5], atol=1e-3)
    both = p.with_decay(pd.concat([few, table]))
    assert both["fit"].isna().tolist() == [True] * 2 + [False] * 16
    np.testing.assert_allclose(both["fit"][2:], both["beta"][2:], atol=1e-4)
    assert p.with_decay(few)["fit"].isna().all()


def test_extrapolation_is_a_parabola_through_what_was_seen():
    rows = [
        (g, z, f"SIMEX {a:g}", h, c * (a - 3) ** 2 + 9 * (a < 0))
        for g, c in (("tradables", 1), ("all", 2))
        for z in ("all", "largest fifth")
        for h in (10, 70)
        for a in (-1, 0, 0.5, 1.0, 1.5, 2)
    ]
    table = pd.DataFrame(
        rows + [("all", "all", "truth", 70, 0.0)],
        columns=["group", "zones", "method", "horizon", "beta"],
    )
    out = p.extrapolation(table.sample(frac=1, random_state=0))
    assert out["noise"].tolist() == 2 * [-1, 0, 0.5, 1, 1.5, 2] and set(out["horizon"]) == {70}
    np.testing.assert_allclose(out["fit"], (out["noise"] - 3) ** 2 * np.repeat([2, 1], 6))


def test_where_nothing_changes_every_measure_and_convention_is_one(panel):
    still = frozen(panel)
    assert p.other_measures(still, "income", [10, 70])["beta"].to_numpy() == pytest.approx(1)
    table = p.conventions(still, "income", [10, 70])
    assert table["beta"].to_numpy() == pytest.approx(1) and len(table) == 2 * (12 + 6)
    assert p.by_size(still, "income", [70])["beta"].to_numpy() == pytest.approx(1)


def test_the_tables_agree_with_each_other(panel):
    part = small(panel)
    effects = p.group_effects(part, "income").set_index(["group", "horizon"])
    base = effects["beta"]
    table = p.conventions(part, "income", [70])
    first = table[(table["within"] == "year") & (table["first"] == "largest")]
    assert first["beta"].iloc[0] == pytest.approx(base["tradables", 70])
    assert first["dropped"].iloc[-1] > 0
    other = p.other_measures(part, "income", [70]).set_index("measure")["beta"]
    assert other["log rank"] == pytest.approx(base["tradables", 70])
    assert (effects[["se_zone", "se"]] > 0).all(axis=None)
    assert (effects["industries_dropped"] == 0).all()
    assert effects["beta"].between(effects["low"], effects["high"], inclusive="neither").all()
    cloud = p.binned(part, "income", 70)
    assert len(cloud) == 40 and cloud["before"].is_monotonic_increasing


def test_an_industry_that_nobody_has_in_a_year_goes_in_all_years(panel):
    part = small(panel)
    cube = part.cube("income").copy()
    cube[2, :, 5] = 0
    part = replace(part, cubes={"income": cube})
    y, members = p.groups(part, "income")
    assert y.shape[2] == members["all"].sum() == 149
    np.testing.assert_array_equal(y, np.delete(cube, 5, axis=2))
    assert (p.group_effects(part, "income", [70])["industries_dropped"] == 1).all()


# Sampling noise


def test_an_instrument_removes_independent_errors():
    rng = np.random.default_rng(2)
    truth = random_panel(9, (2, 600, 120))
    noisy, again = (truth + rng.standard_normal(truth.shape) for _ in range(2))
    beta = [
        p.persistence(x, [0, 1], instrument=z)["beta"][1]
        for x, z in ((truth, None), (noisy, None), (noisy, again))
    ]
    assert beta[1] == pytest.approx(beta[0] * 2 / 3, abs=0.02)  # two of three parts are signal
    assert beta[2] == pytest.approx(beta[0], abs=0.02)


def test_halves_add_up_and_both_serve_as_instrument():
    counts = np.random.default_rng(0).integers(0, 50, (2, 4, 3)).astype(float)
    seen = []

    def beta(a, b):
        np.testing.assert_array_equal(a + b, counts)
        seen.append(a.sum())
        return [a.sum()]

    out = p.split_sample(np.random.default_rng(1), counts, beta, repeats=3)
    assert len(seen) == 6 and out[0] == pytest.approx(counts.sum() / 2)


def test_simex_undoes_an_effect_that_is_linear_in_the_noise():
    # the expected sum of squared sample shares is linear in 1/n, in sample and in resample
    rng, truth = np.random.default_rng(3), np.tile([0.5, 0.3, 0.2], (1, 4000, 1))
    n = np.full((1, 4000), 40)

    def squares(y):
        return [((y / y.sum(axis=2, keepdims=True)) ** 2).sum(axis=2).mean()]

    sample = rng.multinomial(n, truth).astype(float)
    table = p.simex(rng, sample, n, squares)
    assert table.index.tolist() == [-1, 0, *p.LAMBDAS]
    assert table.loc[0.0, 0] == squares(sample)[0]
    assert table.loc[-1.0, 0] == pytest.approx(0.38, abs=0.003)


@given(arrays(int, 8, elements=st.integers(0, 4000)), st.integers(4001, 9000))
@settings(max_examples=50)
def test_the_sample_behind_shares_is_found(counts, most):
    counts = np.concatenate([counts, [1, most]])
    assert p.implied_sample(counts / counts.sum()) == pytest.approx(counts.sum())


@given(units, st.integers(0, 1000))
def test_shares_may_come_in_any_unit(unit, seed):
    counts = np.append(np.random.default_rng(seed).integers(0, 400, 8), 1)
    assert p.implied_sample(unit * counts) == pytest.approx(counts.sum())


@pytest.mark.parametrize("s", [[0.5, np.nan], [0.0, 0.0], [1.5, -0.5]])
def test_shares_that_are_none_are_refused(s):
    with pytest.raises(DataError, match="shares: "):
        p.implied_sample(s)


def test_weighted_shares_reveal_no_sample():
    s = np.random.default_rng(0).random(50)
    assert np.isnan(p.implied_sample(s / s.sum()))


def test_zones_of_one_area_share_its_sample():
    assert p.sample_size(np.array([500, 100_000, 1_000_000])).tolist() == [2000, 2000, 20000]


@pytest.mark.slow
def test_both_corrections_recover_the_noiseless_beta():
    # limits fixed beforehand: 0.03 for split halves, 0.05 for SIMEX, whose parabola is too flat
    tables = []
    for seed in range(3):
        made = synthetic.panel.__wrapped__(700 + seed)
        tables.append(p.noise_table(made, "income", [10, 70], sampled=False, seed=seed))
    mean = pd.concat(tables).groupby(["group", "zones", "method", "horizon"])["beta"].mean()
    for key in mean.xs("truth", level="method").index:
        group, zones, h = key
        got = {
            m: mean[group, zones, m, h]
            for m in ("truth", "as sampled", "split halves", "SIMEX -1")
        }
        assert got["as sampled"] < got["truth"] - 0.005, key
        assert abs(got["split halves"] - got["truth"]) < 0.03, (key, got)
        assert abs(got["SIMEX -1"] - got["truth"]) < 0.05, (key, got)
        assert abs(got["SIMEX -1"] - got["truth"]) < got["truth"] - got["as sampled"], (key, got)


# Bad input


def test_a_horizon_the_years_lack_names_those_they_have():
    with pytest.raises(DataError, match=r"no two years are 30 apart; valid: \[10, 20\]"):
        p.persistence(random_panel(), YEARS, [10, 30])
    for h in (0, -10):
        with pytest.raises(DataError, match=r"valid: \[10, 20\]"):
            p.pairs(YEARS, h)


@pytest.mark.parametrize(
    "x, words",
    [
        (np.ones((3, 12, 7)), "no variation at horizon 10"),
        (np.arange(12.0)[None, :, None] + np.zeros((3, 12, 7)), "not all ties"),
        (random_panel(0, (3, 1, 7)), "1 zones and 7 industries; valid: at least 2"),
        (random_panel(0, (3, 12, 1)), "12 zones and 1 industries; valid: at least 2"),
        (np.full((3, 12, 7), np.nan), "252 entries NaN"),
    ],
)
def test_what_cannot_be_estimated_says_why(x, words):
    with pytest.raises(DataError, match=words):
        p.persistence(x, YEARS)


@pytest.mark.parametrize(
    "x",
    [
        np.ones((3, 12, 7)),
        np.full((3, 12, 7), np.nan),
        np.where(np.eye(12, 7, dtype=bool), random_panel(), np.nan),
        np.arange(12.0)[None, :, None] + np.arange(7.0) + np.zeros((3, 12, 7)),
    ],
)
def test_where_nothing_is_left_the_package_is_not_asked(x):
    with pytest.raises(DataError, match="no variation at horizon 10 in .* cells"):
        p.two_way(x, YEARS, 10)


@pytest.mark.parametrize(
    "labels, words",
    [
        ([None, *"abcdefghijk"], "cluster state: 1 of 12 labels missing"),
        ([np.nan, *range(11)], "cluster state: 1 of 12 labels missing"),
        ([*"abcdefghijk", np.nan], "cluster state: 1 of 12 labels missing"),
        (list("abc"), "3 labels for se_state; valid: 12"),
        (["a"] * 12, "cluster state: 1 groups of 12; valid: 2 or more"),
    ],
)
def test_clusters_that_cannot_be_used_are_named(labels, words):
    with pytest.raises(DataError, match=words):
        p.persistence(random_panel(), YEARS, clusters={"state": labels})


@pytest.mark.parametrize("with_control", [False, True])
def test_the_wild_test_is_that_of_the_regression_with_dummies(with_control):
    rng = np.random.default_rng(1)
    pairs, zones, industries = 2, 30, 4
    shape = pairs, zones, industries
    x, y, z = rng.normal(size=(3, *shape))
    pair, zone, industry = (a.ravel() for a in np.indices(shape))
    dummies = np.column_stack(
        [
            pd.get_dummies(pd.Series(labels), dtype=float).iloc[:, 1:]
            for labels in (pair * industries + industry, pair * zones + zone)
        ]
    )
    dx, dy, dz = (p.demean(v) for v in (x, y, z))
    controls, columns = [], dummies
    if with_control:
        dx, dy = (v - (v * dz).sum() / (dz * dz).sum() * dz for v in (dx, dy))
        controls, columns = [dz], np.column_stack([dummies, z.ravel()])
    test = p.wild_test(dx, dy, np.arange(zones) // 3, controls, draws=499)
    for b in (0.0, 0.1, -0.2):
        oracle = wild_cluster((y - b * x).ravel(), x.ravel(), columns, zone // 3, 499)
        assert test(b) == pytest.approx(oracle)


def test_a_path_of_three_horizons_is_too_short():
    with pytest.raises(DataError, match="3 horizons; valid: at least 4"):
        p.fit_decay([1, 2, 3, 3], [0.9, 0.8, 0.7, 0.7])


# Public data


@pytest.mark.public
def test_public_data_drop_retired_industries_and_reveal_their_samples():
    if not public.available():
        pytest.skip("the public data are not here: make data, or SPECIALIZATION_MIRROR")
    panel = public.panel()
    assert p.groups(panel, "employment")[0].shape == (3, 722, 210)
    sectors, members = p.groups(public.panel("sectors"), "employment")
    assert sectors.shape[2] == 19 and members["tradables"].sum() == 3
    s = p.samples(panel, "employment", 1980)
    own = s[(s["twins"] == 1) & s["implied"].notna() & (s["population"] > 2 * p.SMALLEST_AREA)]
    assert len(own) > 20
    assert (own["implied"] / own["assumed"]).median() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    "shape, years",
    [
        ((2, 6, 5), [1980]),
        ((3, 6, 5), [1980, 1990]),
        ((2, 6, 5), [1980, 1980]),
        ((6, 5), [1980, 1990]),
        ((2, 6, 5), ["1980", "1990"]),
        ((2, 6, 5), [1980, np.nan]),
    ],
)
def test_there_is_a_cube_for_each_year(shape, years):
    x = np.random.default_rng(0).normal(size=shape)
    for estimate in (p.persistence, p.two_way):
        with pytest.raises(DataError):
            estimate(x, years, [10])


def test_no_horizon_no_members_and_no_persons_are_refused():
    x = np.random.default_rng(0).normal(size=(2, 6, 5))
    for call in (
        lambda: p.persistence(x, [1980, 1990], []),
        lambda: p.persistence(x, [1980, 1990], instrument=x[:, 1:]),
        lambda: p.log_rank(abs(x), np.array([True])),
        lambda: p.sample_size([-1]),
        lambda: p.sample_size([np.nan]),
    ):
        with pytest.raises(DataError):
            call()


@pytest.mark.parametrize("unit", [1e-300, 1e-150, 1e150, 1e300])
def test_persistence_in_any_unit(unit):
    x = np.random.default_rng(0).normal(size=(2, 8, 5))
    plain = p.persistence(x, [1980, 1990])
    np.testing.assert_allclose(p.persistence(x * unit, [1980, 1990]), plain)
    np.testing.assert_allclose(p.persistence(x, [1980, 1990], instrument=x * unit), plain)


def test_two_zones_have_no_error():
    x = np.random.default_rng(0).normal(size=(2, 2, 5))
    assert np.isnan(p.persistence(x, [1980, 1990])["se"].iloc[0])


def test_years_of_small_integers_and_years_twice():
    assert p.all_horizons(np.array([1, 11], dtype="uint8")) == [10]
    with pytest.raises(DataError, match="each once"):
        p.all_horizons([1980, 1980])


@pytest.mark.parametrize("beta", [0.0, 0.4])
def test_what_does_not_decay_has_no_half_life(beta):
    found = p.fit_decay([1, 10, 20, 30], [beta] * 4)
    assert found["permanent"] == pytest.approx(beta) and found["decaying"] == 0
    assert np.isnan(found[["rho", "half_life"]]).all()
    with pytest.raises(DataError, match="valid: 0 to 1000 years"):
        p.fit_decay([-1, 10, 20, 30], [beta] * 4)
