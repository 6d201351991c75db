"""Three endogenous states against the two-state solver, closed forms, and equations of its own."""

import numba
import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator
from scipy.optimize import root
from specialization.errors import DataError, NotConverged
from specialization.model import cube, equations, equilibrium, three
from specialization.model.parameters import PUBLISHED, SMOOTH
from specialization.model.three import Cube, default_cube

TWO = SMOOTH.but(states=(2, 2))


def of_three(p=SMOOTH, **changes):
    """The parameters of two industries with a third like the others, and some changed."""
    fields = {n: (getattr(p, n)[0],) * 3 for n in ("φ", "ξ", "ρ", "σ", "μ")}
    return p.but(**{**fields, "states": (2,) * 3, "k_bar": (1 / 3,) * 3, **changes})


@pytest.fixture(scope="module")
def built():
    return three.solve(TWO, default_cube(TWO, 24, 5, 5), ψ=5.0)


@pytest.fixture(scope="module")
def industries():
    p = of_three(φ=(0.5, 1.0, 2.0), ξ=(0.25, 0.2, 0.1), μ=(1.1, 1.0, 0.95))
    return three.solve(p, default_cube(p, 24, 5, 5))


def equations_again(eq, s, b, N, w, choice, binding):
    """Residuals at a state, of household and producer, from `equations` and SciPy alone."""
    p, grid = eq.p, eq.grid
    x, N1, w1 = choice
    k, k1 = three.industries(N, w, p), three.industries(N1, w1, p)
    nodes = np.meshgrid(grid.N, grid.w, indexing="ij")
    Eu, value = 0.0, np.zeros(len(p.φ))
    for t in range(len(eq.z)):
        C, Q, _, later_N, later_w, H = np.moveaxis(eq.policies[t], -1, 0)
        u = equations.marginal_utility(C, p)
        slope = equations.Φ_1(
            three.industries(*nodes, p), three.industries(later_N, later_w, p), p
        )
        kept = (u * Q + p.θ * Q * H)[..., None] - u[..., None] * slope
        u, kept = (
            RegularGridInterpolator((grid.b, grid.N, grid.w), v)([[x, N1, w1]])[0]
            for v in (u, kept)
        )
        Eu += eq.P[s, t] * u
        value += eq.P[s, t] * (u * equations.marginal_product(eq.z[t], k1, p) + kept)
    goods = q_built = 0.0
    if eq.built:
        g = N1 / N - 1
        goods = eq.cost * N * (g + eq.ψ / 2 * g**2)
        q_built = eq.cost * (1 + eq.ψ * g)
    c = equations.resources(eq.z[s], k, k1, b, p) - x / p.R - goods
    u = equations.marginal_utility(c, p)
    prices = p.β * value / u - equations.Φ_2(k, k1, p)
    q = prices[:2].mean()
    last = x / p.R + p.θ * q * k.sum() if binding else 1 - p.β * p.R * Eu / u
    third = q_built if eq.built else prices[2]
    return np.array([last, *(prices[:2] - third)]), [c, q, u - p.β * p.R * Eu if binding else 0]


@pytest.mark.parametrize("model", ["built", "industries"])
def test_policies_solve_the_equations_written_a_second_time(model, request):
    eq = request.getfixturevalue(model)
    rng, seen = np.random.default_rng(0), set()
    for _ in range(40):
        s = rng.integers(len(eq.z))
        i, j, l = rng.integers(2, 18), rng.integers(1, 4), rng.integers(1, 4)
        c, q, *choice, η = eq.policies[s, i, j, l]
        args = eq, s, eq.grid.b[i], eq.grid.N[j], eq.grid.w[l]
        binding = bool(η > 0)
        seen.add(binding)
        found = root(lambda x, a=args, r=binding: equations_again(*a, x, r)[0], choice)
        assert found.success and np.allclose(found.x, choice, atol=1e-5)
        assert np.allclose(equations_again(*args, choice, binding)[1], [c, q, η], atol=5e-5)
    assert seen == {True, False}


@pytest.mark.parametrize("model", ["built", "industries"])
def test_slopes_of_the_conditions_are_those_of_differences(model, request):
    eq = request.getfixturevalue(model)
    m, rng, h = eq.problem(), np.random.default_rng(0), 1e-6
    for _ in range(20):
        s, n = (
            rng.integers(len(eq.z)),
            [rng.integers(1, len(x) - 2) for x in (m.bonds, m.total, m.share)],
        )
        at, choice = (
            [
                x[i] + rng.uniform(0.1, 0.9) * (x[i + 1] - x[i])
                for x, i in zip((m.bonds, m.total, m.share), n, strict=True)
            ]
            for _ in range(2)
        )
        at, choice = cube.state(m, s, *at), np.array(choice)
        here = cube.conditions(m, at, *choice)
        sides = [
            [cube.conditions(m, at, *(choice + sign * h * e)) for sign in (1, -1)]
            for e in np.eye(3)
        ]
        for name in ("bond", "slack", "gap_1", "gap_2"):
            slopes = [
                (getattr(up, name).value - getattr(down, name).value) / (2 * h)
                for up, down in sides
            ]
            assert np.allclose(getattr(here, name)[1:], slopes, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def fixed():
    return equilibrium.solve(TWO, equilibrium.default_grid(TWO, 30, 7), tolerance=1e-7)


def test_as_capital_gets_hard_to_build_the_model_is_that_of_fixed_capital(fixed):
    grid, gaps = Cube(fixed.grid.b, [0.95, 1.0, 1.05], fixed.grid.k), []
    for ψ in (1e3, 1e5, 1e7):
        eq = three.solve(TWO, grid, ψ=ψ, tolerance=1e-7)
        assert np.abs(eq.policy("N") / grid.N[:, None] - 1).max() < 2 / ψ
        gaps.append(
            max(
                np.abs(eq.policy(a)[:, :, 1] - fixed.policy(b)).max()
                for a, b in zip("cqbwη", "cqbkη", strict=True)
            )
        )
    # the gap falls as 1/ψ, down to what the tolerance leaves
    assert 50 < gaps[0] / gaps[1] < 200 and gaps[2] < 2e-5


def test_a_third_industry_with_no_productivity_gives_the_two_industry_solution(fixed):
    # the third industry is almost nothing: it has productivity z and the capital 1 - N
    gaps = []
    for small in (4e-3, 1e-3):
        p = of_three(μ=(1.0, 1.0, 1e-9), σ=(0.06, 0.06, 0.0), states=(2, 2, 1))
        grid = Cube(fixed.grid.b, 1 - small * np.array([4.0, 2.0, 1.0, 0.1]), fixed.grid.k)
        eq = three.solve(p, grid)
        assert eq.policies.shape[0] == 4
        gaps.append(
            max(
                np.abs(eq.policy(a)[:, :, 2] - fixed.policy(b)).max()
                for a, b in zip("cqbw", "cqbk", strict=True)
            )
        )
    assert gaps[1] < 0.02 and 3 < gaps[0] / gaps[1] < 5


def test_swapping_the_first_two_industries_swaps_the_solution():
    values = {"φ": (0.5, 1.0, 2.0), "ξ": (0.25, 0.2, 0.1), "μ": (1.1, 1.0, 0.95)}
    p = of_three(**values, states=(2, 2, 1))
    other = p.but(**{n: (x[1], x[0], x[2]) for n, x in values.items()})
    w = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    b, N = default_cube(p, 20, 4, 4).b, [0.3, 0.5, 0.7, 0.9]
    eq, swapped = (three.solve(x, Cube(b, N, w), tolerance=1e-8) for x in (p, other))
    order = [0, 2, 1, 3]  # of the states of the chain
    for name in "cqbNη":
        there = swapped.policy(name)[order, ..., ::-1]
        assert np.allclose(eq.policy(name), there, atol=1e-6)
    assert np.allclose(eq.policy("w"), 1 - swapped.policy("w")[order, ..., ::-1], atol=1e-6)


def test_swapping_the_first_and_the_third_swaps_it_up_to_interpolation():
    p = of_three(μ=(1.1, 1.0, 0.95), σ=(0.0,) * 3, states=(1,) * 3)
    other = p.but(μ=(0.95, 1.0, 1.1))
    gaps = []
    for n in (6, 12):
        eq, swapped = (
            three.solve(
                x,
                Cube(
                    default_cube(p, 40, 4, 4).b, np.linspace(0.3, 0.9, n), np.linspace(0.1, 0.9, n)
                ),
            )
            for x in (p, other)
        )
        k = np.random.default_rng(0).dirichlet([20, 20, 20], 50)
        one, two = (
            e.at(0, -0.2, N := x[:, 0] + x[:, 1], x[:, 0] / N)
            for e, x in ((eq, k), (swapped, k[:, ::-1]))
        )
        k1, k2 = (three.industries(x[:, 3], x[:, 4], p) for x in (one, two))
        gaps.append(max(np.abs(k1 - k2[:, ::-1]).max(), np.abs(one[:, 0] - two[:, 0]).max()))
    assert gaps[1] < 1e-3 and gaps[1] < 0.5 * gaps[0]


@pytest.mark.parametrize("ψ", [None, 5.0])
def test_a_region_without_shocks_rests_where_the_closed_form_says(ψ):
    p = SMOOTH.but(θ=0.05)
    p = (
        of_three(p, ξ=(0.25, 0.2, 0.1), μ=(1.1, 1.0, 0.95), σ=(0.0,) * 3, states=(1,) * 3)
        if ψ is None
        else p.but(μ=(1.1, 1.0), σ=0.0, states=1)
    )
    rest = three.rest(p)
    k, q, b = rest["k"], rest["q"], rest["b"]
    assert np.isclose(k.sum(), 1) and np.ptp(equations.marginal_product(p.μ, k, p)) < 1e-9
    N, w = k[0] + k[1], k[0] / (k[0] + k[1])
    # a node at rest: nothing is interpolated there
    grid = Cube(
        np.sort(np.append(np.linspace(2 * b, 0.4, 15), b)),
        N + np.array([-0.1, -0.05, 0, 0.05]),
        w + np.array([-0.1, 0, 0.1]),
    )
    eq = three.solve(p, grid, ψ=ψ, tolerance=1e-9)
    c, price, b1, N1, w1, η = eq.at(0, b, N, w)
    assert np.allclose([price, b1, N1, w1], [q, b, N, w], atol=1e-6)
    y = equations.production(p.μ, k, p).sum()
    assert np.allclose([c, η], [y + b - b / p.R, c**-p.γ * (1 - p.β * p.R)], atol=1e-6)


def test_cheaper_capital_makes_a_region_grow_until_its_price_is_the_cost():
    p = SMOOTH.but(θ=0.05, σ=0.0, states=1)
    cost = 0.97 * three.rest(p)["q"]
    K = three.rest(p, cost)["k"].sum()
    eq = three.solve(p, default_cube(p, 60, 9, 5, reach=0.15), ψ=2.0, cost=cost)
    x = three.simulate(eq, 300, 1, exact=True)
    assert K > 1.03
    assert np.allclose([x["N"][-1, 0] / K, x["q"][-1, 0] / cost], 1, atol=3e-3)


def test_euler_errors_are_small_and_fall_with_the_grid(built):
    fine = three.solve(TWO, default_cube(TWO, 51, 16, 16), ψ=5.0)
    coarse, good = three.accuracy(built), three.accuracy(fine)
    for name in ("bonds, mean", "capital, mean"):
        assert good[name] < coarse[name] - 0.8
    assert good["bonds, mean"] < -4 and good["bonds, 99%"] < -3
    assert good["capital, mean"] < -4 and good["capital, 99%"] < -3.4
    assert min(good["least slack"], good["least multiplier"]) > -1e-8
    assert good["product"] < 1e-8 and 0.1 < good["binding"] < 0.9 and good["outside"] == 0


def test_three_industries_are_as_accurate(industries):
    found = three.accuracy(industries)
    assert found["bonds, mean"] < -3 and found["capital, mean"] < -3.3
    assert min(found["least slack"], found["least multiplier"]) > -1e-8


def test_a_wider_box_leaves_the_policies_inside_alone(built):
    wide = default_cube(TWO, 24, 5, 5, reach=0.3)
    N = np.r_[wide.N[0] * 0.85, wide.N, wide.N[-1] * 1.15]
    w = np.r_[0.035, wide.w, 0.965]
    b = np.r_[wide.b, wide.b[-1] + 0.3]
    other = three.solve(TWO, Cube(b, N, w), ψ=5.0)
    path = three.ergodic(built, 20, 20)
    state = [path["s"].astype(int), *(path[n] for n in "bNw")]
    assert np.abs(built.at(*state) - other.at(*state))[:, :5].max() < 3e-3


def test_what_is_found_does_not_depend_on_threads(built):
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        again = three.solve(TWO, built.grid, ψ=5.0)
    finally:
        numba.set_num_threads(threads)
    assert again.policies.tobytes() == built.policies.tobytes()


def test_a_transition_without_drift_stays(built):
    (first,) = three.transition(built, [TWO.μ])
    assert np.allclose(first.policies, built.policies, atol=1e-4)


@pytest.mark.parametrize(
    ("p", "ψ", "words"),
    [
        (TWO, None, "2 industries; valid: 3, or 2 and ψ"),
        (of_three(), 1.0, "3 industries; valid: 3, or 2 and ψ"),
        (PUBLISHED, 1.0, "selection 'sunspot'"),
        (SMOOTH.but(timing="current"), 1.0, "timing 'current'"),
    ],
)
def test_what_it_cannot_solve_is_refused(p, ψ, words):
    with pytest.raises(DataError, match=words):
        three.solve(p, ψ=ψ)


def test_no_convergence_is_an_error():
    with pytest.raises(NotConverged):
        three.solve(TWO, default_cube(TWO, 12, 3, 3), ψ=5.0, steps=3)
