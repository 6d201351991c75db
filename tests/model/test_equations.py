"""The equations against numerical derivatives and closed forms."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from specialization.errors import DataError
from specialization.model import equations
from specialization.model.parameters import PUBLISHED, SMOOTH, Parameters

P = Parameters(φ=(0.5, 3.0), ξ=(0.29, 0.1), k_bar=(0.3, 0.7))
CAPITAL = st.floats(0.05, 0.95)


def slope(f, x, h=1e-6):
    return (f(x + h) - f(x - h)) / (2 * h)


@given(CAPITAL, CAPITAL)
def test_derivatives_of_adjustment_costs(k, k1):
    a, b = np.array([k, 1 - k]), np.array([k1, 1 - k1])
    assert np.allclose(equations.Φ_1(a, b, P), slope(lambda x: equations.Φ(x, b, P), a), rtol=1e-4,
                       atol=1e-6)
    assert np.allclose(equations.Φ_2(a, b, P), slope(lambda x: equations.Φ(a, x, P), b), rtol=1e-4,
                       atol=1e-6)
    assert (equations.Φ(a, a, P) == 0).all() and (equations.Φ(a, b, P) >= 0).all()


@pytest.mark.parametrize("variant", ["plain", "normalised"])
def test_marginal_products(variant):
    p = P.but(agglomeration=variant)
    z, k = np.array([0.9, 1.1]), np.array([0.2, 0.8])
    social = slope(lambda x: equations.production(z, x, p), k)
    private = slope(lambda x: z * equations.agglomeration(k, p) * equations.f(x, p), k)
    assert np.allclose(equations.social_marginal_product(z, k, p), social, rtol=1e-8)
    assert np.allclose(equations.marginal_product(z, k, p), private, rtol=1e-8)


def test_normalised_agglomeration_leaves_output_alone_at_k_bar():
    k, z = np.array(P.k_bar), np.array([1.0, 2.0])
    for ξ in ((0.0, 0.0), (0.1, 0.29)):
        p = P.but(ξ=ξ, agglomeration="normalised")
        assert np.allclose(equations.production(z, k, p), z * k**p.α)


def test_utility_is_continuous_at_log_and_has_its_derivative():
    c = np.array([0.5, 1.0, 2.0])
    assert np.allclose(equations.utility(c, SMOOTH.but(γ=1.0)),
                       equations.utility(c, SMOOTH.but(γ=1 + 1e-9)), atol=1e-6)
    assert np.allclose(equations.marginal_utility(c, SMOOTH),
                       slope(lambda x: equations.utility(x, SMOOTH), c), rtol=1e-8)


@given(st.integers(2, 9), st.floats(0, 0.95), st.floats(0.001, 0.2))
@settings(deadline=None)
def test_rouwenhorst_has_the_moments_of_the_process(n, ρ, σ):
    z, matrix = equations.productivity_chain(P.but(states=(n, 1), ρ=ρ, σ=(σ, 0), μ=5))
    x, stationary = z[:, 0] - 5, np.linalg.matrix_power(matrix, 2**12)[0]
    assert np.allclose(matrix.sum(axis=1), 1)
    assert np.isclose(stationary @ x**2, σ**2 / (1 - ρ**2), rtol=1e-8)
    assert np.allclose(matrix @ x, ρ * x, atol=1e-10)


def test_tauchen_is_the_mass_between_midpoints():
    z, matrix = equations.productivity_chain(P.but(states=(5, 1), method="tauchen"))
    x = z[:, 0] - 1
    assert np.allclose(x[[0, -1]], 3 * 0.06 / 0.75**0.5 * np.array([-1, 1]))
    edges = np.r_[-np.inf, (x[1:] + x[:-1]) / 2, np.inf]
    assert np.allclose(matrix[1], np.diff(norm.cdf((edges - 0.5 * x[1]) / 0.06)))


def test_chain_of_two_industries():
    z, matrix = equations.productivity_chain(P.but(states=(2, 3), μ=(1.0, 1.5), ρ=(0.3, 0.7)))
    assert z.shape == (6, 2) and np.allclose(matrix.sum(axis=1), 1)
    assert len(set(z[:3, 0])) == 1 and np.allclose(z.mean(axis=0), [1, 1.5])
    deviation = z - [1, 1.5]
    assert np.allclose(matrix @ deviation, deviation * [0.3, 0.7])


def test_industry_without_shocks_has_one_state():
    z, _ = equations.productivity_chain(P.but(σ=(0.06, 0.0)))
    assert z.shape == (3, 2) and (z[:, 1] == 1).all()


def test_three_industries():
    p = Parameters(φ=(1.0,) * 3, ξ=(0.1,) * 3, ρ=(0.5,) * 3, σ=(0.05,) * 3, μ=(1.0,) * 3,
                   states=(2,) * 3, k_bar=(0.3,) * 3)
    z, matrix = equations.productivity_chain(p)
    assert z.shape == (8, 3) and equations.production(z, np.array([0.2, 0.3, 0.5]), p).shape == (8, 3)
    assert np.allclose(matrix.sum(axis=1), 1)


def test_drifting_means():
    assert np.allclose(equations.mean_path(P, np.ones((5, 2))), 1)
    m = equations.mean_path(P, np.array([[1, 1], [2, 1], [2, 1], [2, 1]]))
    assert np.allclose(m[:, 0], 2 - P.ρ[0] ** np.arange(4)) and np.allclose(m[:, 1], 1)
    assert np.allclose(equations.mean_path(P, np.ones((3, 2)), [0, 1])[:, 0], [0, 0.5, 0.75])


@pytest.mark.parametrize("change, word", [
    ({"β": 1.0}, "β"), ({"β": 0.99, "R": 1.02}, "βR"), ({"α": 0.8, "ξ": 0.2}, "α + ξ"),
    ({"θ": -0.1}, "θ"), ({"ρ": 1.0}, "ρ"), ({"ρ": (0.5, -0.1)}, "ρ"), ({"σ": np.nan}, "σ"),
    ({"γ": 0.0}, "γ"), ({"states": (3, 0)}, "states"), ({"timing": "past"}, "timing"),
    ({"φ": (1.0, 1.0, 1.0)}, "industry"), ({"collateral": "fixed price"}, "q_bar"),
    ({"collateral": "fixed limit"}, "limit"), ({"selection": "sunspot", "δ": 0.0}, "δ"),
    ({"zeta": 1}, "zeta")])
def test_each_bad_parameter_is_one_clear_error(change, word):
    with pytest.raises(DataError, match=re.escape(word)) as caught:
        SMOOTH.but(**change)
    assert "\n" not in str(caught.value)


def test_productivity_must_stay_positive():
    with pytest.raises(DataError, match="productivity falls"):
        equations.productivity_chain(P.but(σ=0.5, states=(9, 9)))


@settings(max_examples=20)
@given(st.floats(0, 0.29), st.floats(0.1, 4))
def test_numbers_stand_for_both_industries(ξ, φ):
    assert PUBLISHED.but(ξ=ξ, φ=φ) == PUBLISHED.but(ξ=(ξ, ξ), φ=(φ, φ))
