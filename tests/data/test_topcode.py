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


@settings(max_examples=25)
@given(st.floats(1.2, 4.0), st.floats(1.5, 5.0), st.integers(0, 10_000))
def test_estimate_maximises_the_likelihood(a, code, seed):
    rng = np.random.default_rng(seed)
    y, coded = sample(rng, a, 500, code)
    w = rng.random(y.size) + 0.5

    def minus_log_likelihood(a):
        density = np.log(a) - (a + 1) * np.log(y)
        return -(w * np.where(coded, -a * np.log(y), density)).sum()

    best = minimize_scalar(minus_log_likelihood, bounds=(0.05, 20), method="bounded",
                           options={"xatol": 1e-8}).x
    assert topcode.pareto_tail(y, coded, w, threshold=1.0)[0] == pytest.approx(best, rel=1e-5)


def test_unbiased_with_the_right_standard_error():
    rng = np.random.default_rng(1)
    draws = np.array([topcode.pareto_tail(*sample(rng, 1.62), threshold=1.0) for _ in range(400)])
    estimate, se = draws.T
    assert abs(estimate.mean() - 1.62) < 3 * estimate.std() / 20
    assert estimate.std() == pytest.approx(se.mean(), rel=0.12)


def test_weights_count_like_repeated_rows():
    rng = np.random.default_rng(2)
    y, coded = sample(rng, 2.0, 300)
    w = rng.integers(1, 4, y.size)
    weighted = topcode.pareto_tail(y, coded, w, 1.0)[0]
    assert weighted == pytest.approx(
        topcode.pareto_tail(np.repeat(y, w), np.repeat(coded, w), threshold=1.0)[0])


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


def test_negative_income():
    with pytest.raises(DataError, match="income: negative or NaN"):
        topcode.pareto_tail([-1.0, 2.0], [False, True], threshold=0.5)


def test_weighted_quantile():
    x = np.array([3.0, 1.0, 2.0])
    assert topcode.weighted_quantile(x, 0.5, np.ones(3)) == 2.0
    assert topcode.weighted_quantile(x, 0.5, np.array([10.0, 1.0, 1.0])) == 3.0
