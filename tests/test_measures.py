import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from inequality.gini import Gini
from inequality.theil import TheilD
from specialization import measures
from specialization.errors import DataError
from specialization.measures import gini, hhi, krugman, max_share, national_shares, rank, theil

positive = st.floats(1e-3, 1e3)
rows = arrays(float, st.integers(2, 30), elements=positive)
sparse = arrays(float, st.integers(2, 30), elements=st.one_of(st.just(0.0), positive)).filter(
    lambda y: y.sum() > 0
)
cubes = arrays(float, st.tuples(st.integers(2, 8), st.integers(2, 8)), elements=positive)


@given(rows)
def test_gini_is_that_of_pysal(y):
    assert gini(y) == pytest.approx(Gini(y).g, abs=1e-10)


@given(rows, st.floats(1e-3, 1e3))
def test_measures_do_not_depend_on_the_unit(y, scale):
    for f in (gini, hhi, max_share, theil):
        assert f(scale * y) == pytest.approx(f(y), rel=1e-9, abs=1e-12)


@given(sparse)
def test_bounds(y):
    n = y.size
    assert 0 <= gini(y) <= 1 - 1 / n
    assert 0 <= gini(y, zeros=False) <= gini(y) + 1e-12
    assert 1 / n <= hhi(y) <= 1
    assert 0 <= theil(y) <= np.log(n)
    assert hhi(y) - 1e-12 <= max_share(y) <= 1


@pytest.mark.parametrize("n", [1, 2, 3, 7, 49, 150])
def test_equal_shares_and_one_industry_are_at_the_bounds_exactly(n):
    equal, single = np.full(n, 0.1), np.eye(n)[n // 2] * 0.3
    assert gini(equal) == 0 and theil(equal) >= 0 and hhi(equal) >= 1 / n
    assert gini(equal, reference=np.full(n, 0.7)) == 0
    assert gini(single) <= 1 - 1 / n and theil(single) <= np.log(n) and hhi(single) == 1
    assert gini(single) == pytest.approx(1 - 1 / n, abs=1e-15)
    within, between = measures.theil_decomposition(equal, np.arange(n) < 1)
    assert within >= 0 and between >= 0


@given(sparse, st.data())
def test_a_relative_gini_is_within_its_bounds(y, data):
    w = np.array(data.draw(st.lists(positive, min_size=y.size, max_size=y.size)))
    assert 0 <= gini(y, reference=w) <= 1 - w.min() / w.sum() * (1 - 1e-12)
    assert gini(np.eye(y.size)[w.argmin()], reference=w) == pytest.approx(1 - w.min() / w.sum())


@given(rows, st.floats(0.01, 0.49))
def test_gini_falls_when_the_largest_industry_gives_to_the_smallest(y, part):
    low, high = y.argmin(), y.argmax()
    after = y.copy()
    transfer = part * (y[high] - y[low])
    after[high] -= transfer
    after[low] += transfer
    assert gini(after) <= gini(y) + 1e-12
    if y[high] > 1.01 * y[low]:
        assert gini(after) < gini(y)


def test_extremes():
    single = np.eye(5)[2]
    assert gini(single) == pytest.approx(0.8)
    assert gini(single, zeros=False) == 0
    assert gini(np.ones(5)) == 0
    assert hhi(single) == 1 and theil(single) == pytest.approx(np.log(5))


@given(sparse)
def test_absent_industries_left_out_are_as_if_they_were_not_in_the_array(y):
    assert gini(y, zeros=False) == pytest.approx(gini(y[y > 0]), abs=1e-12)


@given(rows)
def test_equal_reference_is_no_reference(y):
    assert gini(y, reference=np.ones(y.size)) == pytest.approx(gini(y), abs=1e-10)
    assert gini(y, reference=y) == pytest.approx(0, abs=1e-10)


@given(st.lists(st.tuples(positive, st.integers(1, 6)), min_size=2, max_size=12))
def test_reference_counts_like_splitting_industries(pairs):
    # an industry of reference weight w is w equal industries of weight one
    y, w = map(np.array, zip(*pairs, strict=True))
    split = np.repeat(y / w, w)
    assert gini(y, reference=w) == pytest.approx(gini(split), abs=1e-10)


def test_gini_of_location_quotients():
    # example of the R package REAT, whose relative Gini weighs all location quotients alike
    e = np.array([700, 600, 500, 10000, 40000.0])
    reference = np.array([30000, 15000, 10000, 60000, 50000.0])
    assert gini(e / reference) == pytest.approx(0.6222222, abs=1e-7)


def test_reference_must_cover_what_is_there():
    with pytest.raises(DataError, match="reference shares must be positive"):
        gini([1.0, 1.0], reference=[1.0, 0.0])
    assert gini([1.0, 1.0, 0.0], reference=[1.0, 1.0, 0.0]) == pytest.approx(0)


@given(
    arrays(float, st.tuples(st.integers(1, 6), st.integers(3, 12)), elements=positive), st.data()
)
def test_theil_decomposition(y, data):
    group = np.array(data.draw(st.lists(st.booleans(), min_size=y.shape[1], max_size=y.shape[1])))
    within, between = measures.theil_decomposition(y, group)
    np.testing.assert_allclose(within + between, theil(y), atol=1e-9)
    oracle = [TheilD(row, group) for row in y]
    np.testing.assert_allclose(between, [np.squeeze(o.bg) for o in oracle], atol=1e-9)
    np.testing.assert_allclose(within, [np.squeeze(o.wg) for o in oracle], atol=1e-9)


def test_theil_decomposition_of_a_zone_without_tradables():
    within, between = measures.theil_decomposition([0, 0, 2, 2], [True, True, False, False])
    assert within == pytest.approx(0) and between == pytest.approx(np.log(2))


@given(cubes)
def test_national_shares_times_rca_sum_to_one(y):
    rca = measures.revealed_comparative_advantage(y)
    np.testing.assert_allclose((national_shares(y) * rca).sum(axis=1), 1)


def test_rca_of_an_industry_nobody_has_is_nan():
    rca = measures.revealed_comparative_advantage([[1.0, 0.0, 3.0], [1.0, 0.0, 1.0]])
    assert np.isnan(rca[:, 1]).all() and np.isfinite(rca[:, [0, 2]]).all()


@given(cubes)
def test_krugman_of_the_nation_is_zero_and_at_most_two(y):
    everywhere = np.broadcast_to(y[0], y.shape)
    np.testing.assert_allclose(krugman(everywhere), 0, atol=1e-12)
    assert (krugman(y) <= 2).all()


@given(
    arrays(float, (4, 5), elements=st.integers(1, 1000).map(float)),
    st.sampled_from(["year", "industry", "region"]),
)
def test_ranks_do_not_change_under_a_monotone_map(y, within):
    np.testing.assert_array_equal(rank(y, within), rank(np.log(y) * 3 + 1, within))


def test_rank_conventions():
    x = np.array([[3.0, 1.0, 1.0], [2.0, 5.0, np.nan]])
    np.testing.assert_array_equal(rank(x), [[2, 4.5, 4.5], [3, 1, np.nan]])
    np.testing.assert_array_equal(rank(x, ties="min"), [[2, 4, 4], [3, 1, np.nan]])
    np.testing.assert_array_equal(
        rank(x, "region", descending=False), [[3, 1.5, 1.5], [1, 2, np.nan]]
    )
    np.testing.assert_array_equal(rank(x, "industry"), [[1, 2, 1], [2, 1, np.nan]])
    with pytest.raises(DataError, match="within='nation'"):
        rank(x, "nation")


def test_rank_of_years_is_that_of_each_year():
    x = np.random.default_rng(0).random((3, 4, 5))
    np.testing.assert_array_equal(rank(x)[1], rank(x[1]))


@pytest.mark.parametrize(
    "bad, words",
    [
        ([-1.0, 2.0], "negative or NaN"),
        ([np.nan, 2.0], "negative or NaN"),
        ([0.0, 0.0], "sums to zero"),
        ([np.inf, 1.0], "zero or infinity"),
    ],
)
def test_bad_shares(bad, words):
    with pytest.raises(DataError, match=words):
        measures.shares(bad)


def test_what_is_no_number_is_refused_by_name():
    with pytest.raises(DataError, match="zone: entries that are no numbers"):
        measures.finite(zone=["Dayton", "Detroit"])
    with pytest.raises(DataError, match="dispersion: 3 rows, 1 entries NaN"):
        measures.dispersion([1, np.nan, 2])
    with pytest.raises(DataError, match="dispersion: 1 entries"):
        measures.dispersion([1.0])


def test_dispersion_by_hand():
    d = measures.dispersion(np.arange(1.0, 12.0))
    assert d["mean"] == 6 and d["p90_p10"] == pytest.approx(10 / 2)
    assert d["cv"] == pytest.approx(np.sqrt(11) / 6)


def test_group_gini_is_nan_without_members():
    y = np.array([[1.0, 3.0, 0.0, 0.0], [1.0, 1.0, 1.0, 5.0]])
    g = measures.group_gini(y, np.array([False, False, True, True]))
    assert np.isnan(g[0]) and g[1] == pytest.approx(gini([1.0, 5.0]))


@pytest.mark.parametrize(
    "bad",
    [
        ["a", "b"],
        [[1.0], [2.0, 3.0]],
        [1j, 2.0],
        ["1", "2"],
        np.array(["2020"], dtype="datetime64[D]"),
        3.0,
    ],
)
@pytest.mark.parametrize(
    "measure",
    [
        measures.shares,
        measures.hhi,
        measures.theil,
        gini,
        measures.krugman,
        measures.rank,
        measures.dispersion,
        measures.national_shares,
        measures.lasting,
    ],
)
def test_what_is_no_cube_of_numbers_is_refused(measure, bad):
    with pytest.raises(DataError):
        measure(bad)


def test_what_is_masked_is_missing():
    with pytest.raises(DataError, match="NaN"):
        measures.shares(np.ma.masked_array([1, 2, 3], [0, 1, 0]))


@pytest.mark.parametrize("member", [[True], [0, 2, 1], [1.0, np.nan, 0.0], ["a", "b", "c"], []])
def test_a_group_is_true_or_false_for_each_industry(member):
    for of_group in (measures.group_gini, measures.theil_decomposition):
        with pytest.raises(DataError):
            of_group([[1, 3, 5]], member)
    counted = measures.group_gini([[1, 3, 5]], [1, 1, 0])  # a mask, no positions
    assert counted == measures.group_gini([[1, 3, 5]], [True, True, False])


def test_what_divides_by_nothing_is_refused():
    with pytest.raises(DataError, match="tenth percentile"):
        measures.dispersion([0.0, 0.0])
    with pytest.raises(DataError, match="2 reference shares for 3"):
        gini([1, 2, 3], reference=[1, 2])
    with pytest.raises(DataError, match="ties='x'"):
        measures.rank([[1, 2]], ties="x")


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e200, 1e307])
def test_no_unit_moves_a_measure(unit):
    y = np.random.default_rng(0).uniform(0.1, 1, (6, 4))
    for f in (measures.gini, measures.hhi, measures.theil, measures.krugman, measures.max_share):
        np.testing.assert_allclose(f(y * unit), f(y), rtol=1e-12)
    plain, other = measures.dispersion(y), measures.dispersion(y * unit)
    assert other["cv"] == pytest.approx(plain["cv"]) and other["mean"] == pytest.approx(
        plain["mean"] * unit
    )


def test_a_unit_is_a_power_of_two_near_the_largest():
    assert measures.unit([3.0, -5.0, np.nan, np.inf]) == 4.0 and measures.unit([0.0]) == 1.0
    assert np.isfinite(measures.unit([1.7e308]))
    with pytest.raises(DataError, match="x: entries up to 1e-80; valid: 1e-75 to"):
        measures.sized(x=np.array([1e-80, 0.0]))


def test_no_industry_at_all():
    with pytest.raises(DataError, match="shares: no industry"):
        measures.gini(np.empty((0, 0)))
