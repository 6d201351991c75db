import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from specialization.data import synthetic, topcode
from specialization.errors import DataError


def sample(rng, a, n=4000, code=3.0):
    y = (1 - rng.random(n)) ** (-1 / a)
    return np.minimum(y, code), y > code


@settings(max_examples=25, deadline=None)
@given(st.floats(1.2, 4.0), st.floats(1.5, 5.0), st.integers(0, 10_000))
def test_estimate_maximises_the_likelihood(a, code, seed):
    rng = np.random.default_rng(seed)
    y, coded = sample(rng, a, 500, code)
    w = rng.random(y.size) + 0.5

    def minus_log_likelihood(a):
        density = np.log(a) - (a + 1) * np.log(y)
        return -(w * np.where(coded, -a * np.log(y), density)).sum()

    best = minimize_scalar(
        minus_log_likelihood, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-8}
    ).x
    assert topcode.pareto_tail(y, coded, w, threshold=1.0)[0] == pytest.approx(best, rel=1e-5)


def test_unbiased_with_the_right_standard_error():
    rng = np.random.default_rng(1)
    draws = np.array([topcode.pareto_tail(*sample(rng, 1.62), threshold=1.0) for _ in range(400)])
    estimate, se = draws.T
    assert abs(estimate.mean() - 1.62) < 3 * estimate.std() / 20
    assert estimate.std() == pytest.approx(se.mean(), rel=0.12)


def test_regression_finds_the_tail_and_varies_more():
    """It is consistent too; the likelihood uses the same rows better."""
    rng = np.random.default_rng(2)
    samples = [sample(rng, 1.62) for _ in range(300)]
    slopes = np.array([topcode.regression_tail(*s, threshold=1.0) for s in samples])
    likely = np.array([topcode.pareto_tail(*s, threshold=1.0)[0] for s in samples])
    assert slopes.mean() == pytest.approx(1.62, rel=0.01)
    assert slopes.std() > likely.std()


def test_regression_is_least_squares_on_log_shares_above():
    y = np.append(np.linspace(1.1, 2.9, 20), [3.0, 3.0])
    coded = y == 3.0
    share = np.array([(y >= v).mean() for v in y])
    slope = np.polyfit(np.log(y[~coded]), np.log(share[~coded]), 1)[0]
    assert topcode.regression_tail(y, coded, threshold=1.0) == pytest.approx(-slope)


def test_weights_count_like_repeated_rows():
    rng = np.random.default_rng(2)
    y, coded = sample(rng, 2.0, 300)
    w = rng.integers(1, 4, y.size)
    weighted = topcode.pareto_tail(y, coded, w, 1.0)[0]
    assert weighted == pytest.approx(
        topcode.pareto_tail(np.repeat(y, w), np.repeat(coded, w), threshold=1.0)[0]
    )


def test_replacement_has_the_mean_above_the_code():
    y, coded = sample(np.random.default_rng(3), 2.5, 200_000)
    fixed = topcode.replace_topcodes(y, coded, threshold=1.0)
    assert fixed.mean() == pytest.approx(2.5 / 1.5, rel=0.01)
    np.testing.assert_array_equal(fixed[~coded], y[~coded])


def test_nothing_topcoded_nothing_changed():
    y = np.arange(1.0, 5.0)
    np.testing.assert_array_equal(topcode.replace_topcodes(y, np.zeros(4, bool)), y)


def test_dropping_topcoded_rows_is_biased_and_the_estimator_is_not(panel):
    people = synthetic.earnings(panel)
    y, coded, w = (people[c].to_numpy() for c in ("reported", "topcoded", "weight"))
    a, se = topcode.pareto_tail(y, coded, w)
    u = topcode.weighted_quantile(y[~coded], 0.9, w[~coded])
    dropped, _ = topcode.pareto_tail(y[~coded], coded[~coded], w[~coded], u)
    assert abs(a - synthetic.TAIL_INDEX) < 3 * se
    assert dropped > synthetic.TAIL_INDEX + 20 * se


@pytest.mark.parametrize("a, words", [(0.8, "tail index"), (None, "at least 10 are needed")])
def test_no_finite_mean_and_too_few(a, words):
    y, coded = sample(np.random.default_rng(4), a or 2.0, 4000 if a else 5)
    with pytest.raises(DataError, match=words):
        topcode.replace_topcodes(y, coded | (y > 2.9), threshold=1.0)


NONE, MANY = np.zeros(20, bool), np.arange(1.0, 21.0)


@pytest.mark.parametrize(
    "income, coded, weight, threshold, words",
    [
        ([-1.0, 2.0], [False, True], None, 0.5, "income: -1.0 in row 0 .*finite, >= 0"),
        ([1.0, np.nan], [False, True], None, 0.5, "income: nan in row 1 .*finite, >= 0"),
        ([1.0, np.inf], [False, True], None, 0.5, "income: inf in row 1 .*finite, >= 0"),
        ([1.0, 2.0], [False, True], [1, -1], 0.5, "weight: -1.0 in row 1 .*finite, >= 0"),
        ([1.0, 2.0], [False, True], [1, np.nan], 0.5, "weight: nan in row 1 .*finite, >= 0"),
        ([], [], None, None, "no income with positive weight"),
        (MANY, NONE, np.zeros(20), None, "no income with positive weight"),
        (MANY, ~NONE, None, None, "all 20 incomes with positive weight are topcoded"),
        (MANY, MANY > 1, MANY > 1, 0.5, "all 19 incomes with positive weight are topcoded"),
        (np.where(MANY > 19, MANY, 0), NONE, None, None, "threshold: 0, the 90th percentile"),
        (MANY, NONE, None, 0.0, "threshold: 0; valid: finite, > 0"),
        (MANY, NONE, None, -1.0, "threshold: -1; valid: finite, > 0"),
        (MANY, NONE, None, np.nan, "threshold: nan; valid: finite, > 0"),
        (MANY, NONE, None, 20.0, "0 incomes between the threshold 20 .*at least 10"),
        (np.full(20, 5.0), NONE, None, None, "0 incomes between the threshold 5 .*at least 10"),
        (MANY, NONE, MANY < 10, 0.5, "9 incomes between the threshold 0.5 .*at least 10"),
        (MANY, NONE[1:], None, None, r"shapes \(20,\), \(19,\), \(20,\); valid: the same"),
        (MANY, NONE, np.ones(3), None, r"shapes \(20,\), \(20,\), \(3,\); valid: the same"),
        (MANY, MANY, None, None, "topcoded: a value that is neither true nor false"),
    ],
)
def test_what_gives_no_tail_is_named(income, coded, weight, threshold, words):
    with pytest.raises(DataError, match=f"pareto_tail.*{words}"):
        topcode.pareto_tail(income, coded, weight, threshold)


@settings(max_examples=50, deadline=None)
@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9), st.integers(0, 10_000))
def test_units_do_not_matter(dollar, person, seed):
    rng = np.random.default_rng(seed)
    y, coded = sample(rng, 2.0, 500)
    w = rng.integers(1, 4, y.size).astype(float)
    there = topcode.pareto_tail(dollar * y, coded, person * w)
    # log(y/u) of an income just above u keeps about eps/log(y/u) of its digits, in a sum of many
    assert there == pytest.approx(topcode.pareto_tail(y, coded, w), rel=1e-9)
    quantile = topcode.weighted_quantile(y, 0.9, w)
    assert topcode.weighted_quantile(dollar * y, 0.9, person * w) == pytest.approx(
        dollar * quantile, rel=1e-12
    )
    np.testing.assert_allclose(
        topcode.replace_topcodes(dollar * y, coded, person * w),
        dollar * topcode.replace_topcodes(y, coded, w),
        rtol=1e-9,
    )


def test_rows_of_weight_zero_do_not_count():
    y, coded = sample(np.random.default_rng(5), 2.0, 400)
    w = (np.arange(400) % 2).astype(float)
    assert topcode.pareto_tail(y, coded, w) == topcode.pareto_tail(y[1::2], coded[1::2])


def test_weighted_quantile():
    x = np.array([3.0, 1.0, 2.0])
    assert topcode.weighted_quantile(x, 0.5, np.ones(3)) == 2.0
    assert topcode.weighted_quantile(x, 0.5, np.array([10.0, 1.0, 1.0])) == 3.0
    assert topcode.weighted_quantile(x, 0.0, np.array([1.0, 0.0, 1.0])) == 2.0
    # 0.9 of ten weights is reached at the ninth, whatever their rounding
    for unit in (0.1, 1.0, 0.3, 1 / 7):
        assert topcode.weighted_quantile(np.arange(10.0), 0.9, np.full(10, unit)) == 8.0


@pytest.mark.parametrize(
    "x, p, weight",
    [
        ([], 0.5, []),
        ([1.0], 0.5, [0.0]),
        ([1.0], 0.5, [-1.0]),
        ([np.nan], 0.5, [1.0]),
        ([1.0], 0.5, [np.inf]),
        ([1.0, 2.0], 0.5, [1.0]),
        ([1.0], 1.5, [1.0]),
        ([1.0], np.nan, [1.0]),
    ],
)
def test_weighted_quantile_of_nothing(x, p, weight):
    with pytest.raises(DataError, match="weighted_quantile"):
        topcode.weighted_quantile(x, p, weight)


@pytest.mark.parametrize("unit", [1e-300, 1e200, 1e308])
def test_weights_of_any_size(unit):
    y = np.arange(1, 1001) ** -0.5
    plain = topcode.pareto_tail(np.minimum(y, 0.5), y > 0.5)
    found = topcode.pareto_tail(np.minimum(y, 0.5), y > 0.5, np.full(1000, unit))
    np.testing.assert_allclose(found, plain)
