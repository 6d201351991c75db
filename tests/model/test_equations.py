"""The equations against numerical derivatives and closed forms."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from specialization.errors import DataError
from specialization.model import equations
from specialization.model.parameters import PUBLISHED, SMOOTH, Parameters, within

P = Parameters(φ=(0.5, 3.0), ξ=(0.29, 0.1), k_bar=(0.3, 0.7))
CAPITAL = st.floats(0.05, 0.95)


def slope(f, x, h=1e-6):
    return (f(x + h) - f(x - h)) / (2 * h)


@given(CAPITAL, CAPITAL)
def test_derivatives_of_adjustment_costs(k, k1):
    a, b = np.array([k, 1 - k]), np.array([k1, 1 - k1])
    assert np.allclose(
        equations.Φ_1(a, b, P), slope(lambda x: equations.Φ(x, b, P), a), rtol=1e-4, atol=1e-6
    )
    assert np.allclose(
        equations.Φ_2(a, b, P), slope(lambda x: equations.Φ(a, x, P), b), rtol=1e-4, atol=1e-6
    )
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
    assert np.allclose(
        equations.utility(c, SMOOTH.but(γ=1.0)),
        equations.utility(c, SMOOTH.but(γ=1 + 1e-9)),
        atol=1e-6,
    )
    assert np.allclose(
        equations.marginal_utility(c, SMOOTH),
        slope(lambda x: equations.utility(x, SMOOTH), c),
        rtol=1e-8,
    )


@given(st.integers(2, 9), st.floats(0, 0.95), st.floats(0.001, 0.2))
@settings(deadline=None)
def test_rouwenhorst_has_the_moments_of_the_process(n, ρ, σ):
    z, matrix = equations.productivity_chain(P.but(states=(n, 1), ρ=ρ, σ=(σ, 0), μ=5))
    x, stationary = z[:, 0] - 5, np.linalg.matrix_power(matrix, 2**12)[0]
    assert np.allclose(matrix.sum(axis=1), 1)
    assert np.isclose(stationary @ x**2, σ**2 / (1 - ρ**2), rtol=1e-8)
    assert np.allclose(matrix @ x, ρ * x, atol=1e-10)


def moments_of(chain, mean):
    """Standard deviation and autocorrelation of industry A, from the stationary distribution."""
    z, matrix = chain
    x, odds = z[:, 0] - mean, np.linalg.matrix_power(matrix, 2**14)[0]
    return np.sqrt(odds @ x**2), (odds * x) @ matrix @ x / (odds @ x**2)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 9, 25])
@pytest.mark.parametrize("ρ", [0.0, 0.3, 0.5, 0.7, 0.85])
def test_tauchen_has_the_standard_deviation_asked_for(n, ρ):
    p = P.but(states=(n, 1), ρ=ρ, method="tauchen")
    sd, persistence = moments_of(equations.productivity_chain(p), 1)
    assert sd == pytest.approx(0.06 / np.sqrt(1 - ρ**2), rel=1e-8)
    assert persistence == pytest.approx(ρ, abs=0.08 if n == 2 else 0.055)


def test_tauchen_is_the_mass_between_midpoints():
    z, matrix = equations.productivity_chain(P.but(states=(5, 1), method="tauchen"))
    x = z[:, 0] - 1
    assert np.allclose(np.diff(x), x[1] - x[0])
    edges = np.r_[-np.inf, (x[1:] + x[:-1]) / 2, np.inf]
    assert np.allclose(matrix[1], np.diff(norm.cdf((edges - 0.5 * x[1]) / 0.06)))


def test_tauchen_refuses_a_persistence_that_it_cannot_have():
    for n, ρ in ((2, 0.95), (2, 0.99), (3, 0.99)):
        with pytest.raises(DataError, match=f"{n} states has a persistence of .* ρ = {ρ}"):
            equations.productivity_chain(P.but(states=n, ρ=ρ, method="tauchen", μ=5))


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
    p = Parameters(
        φ=(1.0,) * 3,
        ξ=(0.1,) * 3,
        ρ=(0.5,) * 3,
        σ=(0.05,) * 3,
        μ=(1.0,) * 3,
        states=(2,) * 3,
        k_bar=(0.3,) * 3,
    )
    z, matrix = equations.productivity_chain(p)
    y = equations.production(z, np.array([0.2, 0.3, 0.5]), p)
    assert z.shape == (8, 3) and y.shape == (8, 3)
    assert np.allclose(matrix.sum(axis=1), 1)


def test_drifting_means():
    assert np.allclose(equations.mean_path(P, np.ones((5, 2))), 1)
    m = equations.mean_path(P, np.array([[1, 1], [2, 1], [2, 1], [2, 1]]))
    assert np.allclose(m[:, 0], 2 - P.ρ[0] ** np.arange(4)) and np.allclose(m[:, 1], 1)
    assert np.allclose(equations.mean_path(P, np.ones((3, 2)), [0, 1])[:, 0], [0, 0.5, 0.75])


# The conditions of equilibrium


def at_rest(p, n):
    """An economy without shocks whose constraint binds, in closed form: (z, k), (c, q, b, η)."""
    z, k = np.ones(n), np.full(n, 1 / n)
    mpk = equations.marginal_product(z, k, p)[0]
    q = p.β * mpk / (1 - p.β - p.β * p.θ * (1 - p.β * p.R))
    b = -p.R * p.θ * q
    c = equations.production(z, k, p).sum() + b - b / p.R
    return (z, k), (c, q, b, (1 - p.β * p.R) * c**-p.γ)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_conditions_hold_at_rest_for_any_number_of_industries(n):
    p = Parameters(
        γ=2.0,
        θ=0.05,
        **dict.fromkeys(("φ", "μ"), (1.0,) * n),
        **dict.fromkeys(("ξ", "ρ", "σ", "k_bar"), (0.1,) * n),
        states=(1,) * n,
    )
    (z, k), (c, q, b, η) = at_rest(p, n)
    W = equations.payoffs(z, k, k, c, q, η, p)  # tomorrow is as today
    Eu, Euz, held = W[0], W[1 : n + 1], W[n + 1 :]
    assert equations.bonds(Eu, η, p) == pytest.approx(c)
    assert equations.price(equations.capital(k, Euz, held, p), k, k, c, p) == pytest.approx(q)
    assert equations.resources(z, k, k, b, p) == pytest.approx(c + b / p.R)
    assert equations.collateral(b, q, p) == pytest.approx(0, abs=1e-15)


def test_equations_of_the_chapter_are_functions_of_their_names():
    chapter = Path(__file__).parents[2] / "notebooks" / "05_model.md"
    labels = re.findall(r"^\$\$ \((\w+)\)$", chapter.read_text(encoding="utf-8"), re.MULTILINE)
    assert {
        "production",
        "marginal_product",
        "bonds",
        "capital",
        "resources",
        "price",
        "collateral",
        "feedback",
        "sunspot",
        "payoffs",
    } <= set(labels)
    for label in set(labels) - {"costs", "ar1", "problem"}:  # Φ, Φ_1, Φ_2; a process; a whole
        assert callable(getattr(equations, label)), label


def test_price_falls_short_by_what_the_next_unit_costs():
    k, moved = np.array([0.3, 0.7]), np.array([0.35, 0.65])
    Q, c = np.array([1.0, 1.0]), 0.8
    gap = equations.price(Q, k, k, c, P) - equations.price(Q, k, moved, c, P)
    assert gap == pytest.approx(slope(lambda x: equations.Φ(k, x, P), moved), rel=1e-6)
    assert equations.price(Q, k, k, c, P) == pytest.approx(np.full(2, c**P.γ))


def test_resources_by_timing():
    z, k, moved = np.ones(2), np.array([0.3, 0.7]), np.array([0.4, 0.6])
    for timing, used in (("predetermined", k), ("current", moved)):
        spend = equations.resources(z, k, moved, -0.1, P.but(timing=timing))
        y = used[0] ** (0.12 + 0.29) + used[1] ** (0.12 + 0.1)
        costs = 0.25 * (0.1 / 0.3) ** 2 * 0.3 + 1.5 * (0.1 / 0.7) ** 2 * 0.7
        assert spend == pytest.approx(y - costs - 0.1)


def test_collateral_of_each_kind():
    p = SMOOTH.but(R=1.02, θ=0.1)
    for change, limit in (
        ({}, 0.2),
        ({"collateral": "fixed price", "q_bar": 3.0}, 0.3),
        ({"collateral": "fixed limit", "limit": 0.25}, 0.25),
    ):
        slack = equations.collateral(np.array([-1.02 * limit, 0.0]), 2.0, p.but(**change))
        assert slack == pytest.approx([0, limit])
    assert np.isinf(equations.collateral(-5.0, 2.0, p.but(collateral="none")))


def test_feedback_is_the_slope_of_the_slack_in_debt():
    # m(d) = θ Q (Y + d)^γ - d
    p, Q, Y, d = SMOOTH.but(γ=3.0, θ=0.2), 1.3, 0.9, 0.4

    def m(d):
        return equations.collateral(-p.R * d, Q * (Y + d) ** p.γ, p)

    assert slope(m, d) == pytest.approx(
        equations.feedback(Y + d, Q * (Y + d) ** p.γ, p) - 1, rel=1e-8
    )


def test_sunspot_falls_from_one_to_zero_smoothly():
    p = PUBLISHED.but(δ=0.2)
    m = np.linspace(0, 0.3, 301)
    odds = equations.sunspot(m, p)
    assert odds[0] == 1 and (odds[200:] == 0).all() and (np.diff(odds) <= 0).all()
    flat = slope(lambda x: equations.sunspot(x, p), np.array([1e-5, 0.2]))
    assert flat == pytest.approx(0, abs=1e-2)
    assert equations.sunspot(0.05, p) + equations.sunspot(0.15, p) == pytest.approx(1)
    assert (equations.sunspot(m, SMOOTH) == 0).all()


# Parameters


@pytest.mark.parametrize(
    "change, word",
    [
        ({"β": 1.0}, "β"),
        ({"β": 0.99, "R": 1.02}, "βR"),
        ({"α": 0.8, "ξ": 0.2}, "α + ξ"),
        ({"θ": -0.1}, "θ"),
        ({"ρ": 1.0}, "ρ"),
        ({"ρ": (0.5, -0.1)}, "ρ"),
        ({"σ": np.nan}, "σ"),
        ({"γ": 0.0}, "γ"),
        ({"states": (3, 0)}, "states"),
        ({"timing": "past"}, "timing"),
        ({"φ": (1.0, 1.0, 1.0)}, "industry"),
        ({"collateral": "fixed price"}, "q_bar"),
        ({"collateral": "fixed limit"}, "limit"),
        ({"selection": "sunspot", "δ": 0.0}, "δ"),
        ({"zeta": 1}, "zeta"),
        ({"limit": -1.0}, "limit = -1.0"),
        ({"method": 3}, "method = 3"),
        ({"timing": None}, "timing = None"),
        ({"θ": "0.1"}, "θ = '0.1' is no number"),
        ({"γ": True}, "γ = True is no"),
        ({"γ": np.nan}, "γ = nan is no"),
        ({"φ": "4"}, "φ = '4'"),
        ({"φ": (1.0, "4")}, "φ = '4' is no"),
        ({"ρ": ["0.5", "0.5"]}, "ρ = '0.5' is no"),
        ({"ρ": (0.5, np.nan)}, "ρ = nan is no"),
        ({"μ": None}, "μ = None is no"),
        ({"α": np.array(0.1)}, "α = array(0.1) is no"),
        ({"ξ": np.zeros((2, 2))}, "ξ = array([0., "),
        ({"σ": {"A": 0.1}}, "σ = {'A': 0.1} is no"),
        ({"φ": {1, 4}}, "φ = {1, 4} is no"),
        ({"k_bar": np.bool_(True)}, "k_bar = np.True_ is no"),
        ({"limit": np.nan}, "limit = nan is no"),
        ({"q_bar": "2"}, "q_bar = '2' is no"),
        ({"states": 3.5}, "states = 3.5 is no whole number"),
        ({"states": True}, "states = True"),
        ({"states": "3"}, "states = '3' is no whole number"),
    ],
)
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


def test_whole_numbers_become_floats_where_these_are_meant():
    p = Parameters(γ=2, φ=1, ρ=np.zeros(2), μ=np.int64(1), states=np.array([3, 5]))
    assert p == Parameters(γ=2.0, φ=(1.0, 1.0), ρ=0.0, μ=1.0, states=(3, 5))
    assert [type(x) for x in (p.γ, *p.φ, *p.ρ, *p.μ)] == [float] * 7
    assert [type(n) for n in p.states] == [int, int]


@pytest.mark.parametrize(
    "value, whole",
    [
        ("2", False),
        (True, False),
        (np.nan, False),
        (None, False),
        (0.99, False),
        (3.01, False),
        (1.5, True),
        (2.0, True),
    ],
)
def test_parameters_of_chapters_keep_within_their_range(value, whole):
    with pytest.raises(DataError, match="^γ = "):
        within("γ", value, 1, 3, whole)


def test_ends_of_a_range_are_in_it():
    assert within("γ", 1, 1, 3) == 1.0 and within("γ", 3.0, 1, 3) == 3.0
    assert isinstance(within("γ", 1, 1, 3), float)
    assert isinstance(within("industry", 1, 0, 1, whole=True), int)


def test_letters_that_look_alike_and_names_nearby():
    assert SMOOTH.but(**{"\u03d5": 4, "\u03d1": 0.2}) == SMOOTH.but(φ=4, θ=0.2)
    with pytest.raises(DataError, match="stands twice"):
        SMOOTH.but(**{"\u03d5": 4, "φ": 3})
    with pytest.raises(DataError, match="no field theta; near: θ; valid: γ, "):
        SMOOTH.but(theta=0.2)


@pytest.mark.parametrize("change", [{"states": 10**9}, {"γ": 10**400}, {"φ": b"4"}])
def test_numbers_nobody_means(change):
    with pytest.raises(DataError, match=next(iter(change))):
        SMOOTH.but(**change)
