"""The planner against the market, symmetry, simulation, and the equations written again."""

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq
from specialization.errors import DataError
from specialization.model import choice, conditions, equations, equilibrium, planner, simulation
from specialization.model.equilibrium import Grid, NotConverged
from specialization.model.parameters import SMOOTH
from test_equilibrium import conditions_again

SMALL = SMOOTH.but(states=(2, 2))
FIXED = SMALL.but(ξ=0.0, collateral="fixed price", q_bar=3.0)
GRID = planner.default_grid(SMALL, 24, 9)
SWAP = [0, 2, 1, 3]

both = pytest.mark.parametrize("reading", planner.READINGS)


@pytest.fixture(scope="module")
def market():
    return equilibrium.solve(SMALL, GRID, 1e-8)


@pytest.fixture(scope="module")
def plans(market):
    return {r: planner.solve(market, r, tolerance=1e-7) for r in planner.READINGS}


def choices(plan, count=None, seed=0):
    """State, branch and its five policies at some nodes, all where count is None."""
    every = list(np.ndindex(plan.π.shape))
    pick = (
        range(len(every))
        if count is None
        else np.random.default_rng(seed).choice(len(every), count, replace=False)
    )
    for n in pick:
        s, i, j = every[n]
        r = int(plan.π[s, i, j] > 0.5)
        yield s, i, j, r, plan.policies[s, i, j, r]


def untaxed(plan):
    """The planner's own problem: what `arrays` gives has the instruments of the market."""
    return plan.arrays()[0]._replace(rates=np.zeros_like(plan.rates))


def apart(a, b, name):
    return np.abs(a.policy(name) - b.policy(name)).max()


def without_reason(size):
    """Largest distance of planner and market where nothing is external to the individual."""
    grid = planner.default_grid(FIXED, *size)
    eq = equilibrium.solve(FIXED, grid, 1e-8)
    plan = planner.solve(eq, taxed=False)
    assert 0.05 < eq.π.mean() < 0.95
    return eq, plan, {name: apart(eq, plan, name) for name in "cbk"}


@pytest.mark.slow
def test_no_externality_the_planner_does_what_the_market_does():
    (_, _, coarse), (eq, plan, fine) = without_reason((16, 7)), without_reason((24, 25))
    assert all(fine[name] < coarse[name] / 3 for name in "cbk")
    assert max(fine.values()) < 6e-3
    binding = (eq.π == 1) & (plan.π == 1)
    assert np.abs(eq.policy("b") - plan.policy("b"))[binding].max() < 1e-9
    tax, subsidies = np.abs(plan.rates[..., 0]), np.abs(plan.rates[..., 1:])
    assert tax.max() < 5e-3 and subsidies.mean() < 5e-3  # beside a price of 4.5; φ/k at the edge
    assert np.abs(planner.gain(plan.V, planner.value(eq), FIXED)).max() < 1e-5


def test_without_shocks_the_planner_rests_where_social_products_are_equal():
    """Closed form: collateral at a fixed price binds at rest, and capital no longer moves."""
    p = SMOOTH.but(σ=0.0, ξ=(0.29, 0.10), collateral="fixed price", q_bar=3.0)
    grid, one = planner.default_grid(p, 24, 25), np.ones(2)
    plan = planner.solve(equilibrium.solve(p, grid, 1e-8), tolerance=1e-7)
    k = brentq(
        lambda k: np.subtract(*equations.social_marginal_product(one, np.array([k, 1 - k]), p)),
        0.3,
        0.95,
    )
    b = -p.R * p.θ * p.q_bar
    c = equations.production(one, np.array([k, 1 - k]), p).sum() + b * (1 - 1 / p.R)
    last = {n: x[-1, 0] for n, x in simulation.simulate(plan, 300, 1, (0, -0.2, 0.3)).items()}
    assert np.isclose(last["b"], b, atol=1e-9) and np.isclose(last["c"], c, atol=1e-6)
    assert abs(last["k"] - k) < 1e-3
    V = grid.interpolate(plan.V, Grid([b, 0.0], [k, 0.9]))[0, 0, 0]
    assert abs(planner.gain(V, equations.utility(c, p) / (1 - p.β), p)) < 5e-5


@both
def test_symmetric_industries(plans, reading):
    """At equal capital and productivity two mirrored k' are worth the same to the planner of
    allocations: he takes one of them, and the nodes from which one comes there feel it a little.
    """
    plan = plans[reading]
    share, bound = (1, 1e-9) if reading == "debt" else (0.99, 2e-4)
    for name in equilibrium.POLICIES:
        x = plan.policy(name)
        mirror = x[SWAP][:, :, ::-1]
        d = np.abs(x - (1 - mirror if name == "k" else mirror))
        assert np.quantile(d, share) < bound
    assert np.allclose(plan.V, plan.V[SWAP][:, :, ::-1], atol=0.1 * bound, rtol=0)


@both
def test_prices_and_multipliers_by_the_equations_written_a_second_time(plans, reading):
    plan, p, seen = plans[reading], SMALL, set()
    for s, i, j, r, (c, q, x, y, η) in choices(plan, 60):
        seen.add(r)
        last, c2, mean, η2 = conditions_again(plan, s, GRID.b[i], GRID.k[j], (x, y), bool(r))
        weighted = mean + (y - 0.5) * last[1]
        assert np.allclose([c2, weighted, η2 if r else 0.0], [c, q, η], atol=2e-5)
        slack = x / p.R + p.θ * q
        assert abs(slack) < 1e-7 if r else slack > -1e-9
        assert η2 > -1e-5  # no subsidy to debt
        if reading == "debt":
            assert abs(last[1]) < 1e-5
    assert seen == {0, 1}


def test_debt_planner_leaves_portfolios_private(plans):
    plan = plans["debt"]
    m = untaxed(plan)
    gaps = [
        conditions.conditions(
            m, conditions.state(m, s, GRID.b[i], GRID.k[j]), out[2], out[3]
        ).gap.value
        for s, i, j, _, out in choices(plan)
    ]
    assert np.abs(gaps).max() < 1e-7
    assert np.abs(plan.rates[..., 1:]).max() < 1e-7
    assert np.abs(plans["allocation"].rates[..., 1]).max() > 0.01


@both
def test_instruments_raise_nothing_and_tax_only_where_slack(plans, reading):
    plan = plans[reading]
    τ, s_A, s_B = np.moveaxis(plan.rates, -1, 0)
    y = plan.policy("k")
    assert np.abs(s_A * y + s_B * (1 - y)).max() < 1e-12
    assert τ.min() > -1e-9 and (τ[plan.π == 1] == 0).all() and τ.max() > 1e-3


@both
def test_the_market_under_the_instruments_chooses_the_plan(plans, reading):
    plan = plans[reading]
    there = equilibrium.solve(SMALL, GRID, 1e-9, start=plan, rates=plan.rates)
    assert np.array_equal(there.π, plan.π)
    for name in equilibrium.POLICIES:
        d = np.abs(there.policy(name) - plan.policy(name))
        assert d.max() < (5e-6 if name == "q" else 1e-6)


@both
def test_value_by_simulation(plans, reading):
    plan, s, i, j = plans[reading], 1, 12, 4
    path = simulation.simulate(plan, 300, 3000, (s, GRID.b[i], GRID.k[j]), seed=2)
    c, β, γ = path["c"], SMALL.β, SMALL.γ
    V = β ** np.arange(300) @ ((c ** (1 - γ) - 1) / (1 - γ))
    V += β**300 / (1 - β) * ((c[-1] ** (1 - γ) - 1) / (1 - γ))
    error = V.std() / np.sqrt(V.size)
    assert abs(V.mean() - plan.V[s, i, j]) < 3 * error + 2e-3
    assert abs(planner.gain(V.mean(), plan.V[s, i, j], SMALL)) < 5e-4


@both
def test_no_single_deviation_pays(plans, reading):
    """Feasible choices on a lattice around the plan's, which keeps to its resources."""
    plan, rules = plans[reading], choice.Rules(reading == "debt", True)
    m, best, tried = untaxed(plan), -np.inf, 0
    ahead = planner.slopes(SMALL.β * np.tensordot(plan.P, plan.V, 1), GRID)
    steps = np.r_[-np.geomspace(0.3, 1e-5, 15), 0, np.geomspace(1e-5, 0.3, 15)]
    for s, i, j, _, out in choices(plan, 60):
        at = conditions.state(m, s, GRID.b[i], GRID.k[j])

        def value(x, y, at=at):
            return choice.evaluate(m, ahead, rules, at, x, y, choice.UNIQUE, np.nan)

        chosen = value(out[2], out[3])
        for dx in steps:
            for dy in steps if reading == "allocation" else [0.0]:
                x, y = out[2] + dx, out[3] + 0.5 * dy
                if not (GRID.b[0] <= x <= GRID.b[-1] and GRID.k[0] <= y <= GRID.k[-1]) or (
                    conditions.consumption(m, at, x, y) <= 0
                ):
                    continue
                here = value(x, y)
                if here.floor.value >= 0 and here.limit.value >= 0:
                    tried += 1
                    best = max(best, (here.V.value - chosen.V.value) / chosen.u / chosen.c)
    assert tried > 500 and best < 2e-5


def test_value_follows_the_policies_of_the_market(market):
    """V of the market is the discounted utility that a long simulation finds."""
    V = planner.value(market)
    path = simulation.simulate(market, 300, 3000, (2, GRID.b[10], GRID.k[3]), seed=1)
    found = SMALL.β ** np.arange(300) @ equations.utility(path["c"], SMALL)
    assert abs(planner.gain(found.mean(), V[2, 10, 3], SMALL)) < 5e-4


@given(
    st.floats(0.5, 8),
    st.floats(-0.5, 2),
    st.floats(0.8, 0.99),
    arrays(float, 5, elements=st.floats(0.2, 3)),
)
@example(γ=5.0, g=2.0, β=0.99, c=np.full(5, 3.0))
def test_gain_is_the_share_that_scales_consumption(γ, g, β, c):
    weights = β ** np.arange(2000)
    weights /= weights.sum()  # the horizon is cut, and welfare that of one without end
    for p in (SMOOTH.but(γ=γ, β=β, R=1.0), SMOOTH.but(γ=1.0, β=β, R=1.0)):

        def welfare(scale, p=p):
            return weights @ equations.utility(np.resize(scale * c, 2000), p) / (1 - p.β)

        V, V0 = welfare(1 + g), welfare(1.0)
        # `gain` takes powers of 1 + (1-γ)(1-β) V, near zero where c and γ are large, and the
        # power is large where γ is near one
        lost = 0.0
        if p.γ != 1:
            level = 1 + (1 - p.γ) * (1 - p.β) * np.array([V, V0])
            lost = (np.maximum(level, 1) / level).sum() / abs(1 - p.γ)
        rounding = 100 * np.finfo(float).eps * lost
        assert np.isclose(1 + planner.gain(V, V0, p), 1 + g, rtol=1e-8 + rounding, atol=0)


def test_gain_is_continuous_at_logarithmic_utility():
    V, V0 = np.array([-3.0, 2.0]), np.array([-4.0, 2.5])
    near = planner.gain(V, V0, SMOOTH.but(γ=1 + 1e-7))
    assert np.allclose(near, planner.gain(V, V0, SMOOTH.but(γ=1)), atol=1e-5)


def random_grid(steps):
    return np.cumsum(steps) - 1.0


def problem(grid):
    z, P = equations.productivity_chain(SMALL)
    shape = (4, grid.b.size, grid.k.size)
    return conditions.Problem(
        *SMALL.scalars(grid.b[0]), np.zeros((*shape, 5)), z, grid.b, grid.k, np.zeros((*shape, 3))
    )


steps = st.floats(0.02, 0.3)
shares = st.floats(0, 1)


@settings(max_examples=50, deadline=None)
@given(arrays(float, 7, elements=steps), st.integers(2, 5), st.floats(0, 2), st.floats(0, 9))
def test_slopes_do_not_overshoot_at_a_jump(h, n, slope, jump):
    """A line that jumps between two nodes, as V does at a threshold: in inner cells the cubic
    keeps rising.
    """
    grid = Grid(random_grid(h), np.array([0.2, 0.5, 0.8]))
    line = slope * grid.b + jump * (np.arange(7) >= n)
    V = planner.slopes(np.tile(line[:, None], (4, 1, 3)), grid)
    m, x = problem(grid), np.linspace(grid.b[1], grid.b[-2], 300)
    y = [choice.continuation(V[0], conditions.cell(m, v, 0.4)).value for v in x]
    assert np.diff(y).min() > -1e-9
    assert min(y) > line[1] - 1e-9 and max(y) < line[-2] + 1e-9


@settings(max_examples=50, deadline=None)
@given(arrays(float, 8, elements=steps), arrays(float, 4, elements=st.floats(0.3, 3)))
def test_slopes_of_a_parabola_are_exact(h, a):
    """Also at its peak: a bend of one sign is not limited."""
    grid = Grid(random_grid(h), np.linspace(0.1, 0.9, 5))
    b, k = np.meshgrid(grid.b, grid.k, indexing="ij")
    far = -grid.b[3]
    V = np.stack([a[0] * (b + n + far) ** 2 - a[1] * k + a[2] * (k + 3) ** 2 for n in range(4)])
    found = planner.slopes(V, grid)
    n = np.arange(4)[:, None, None]
    assert np.allclose(found[..., 1], 2 * a[0] * (b + n + far), rtol=1e-9)
    assert np.allclose(found[..., 2], -a[1] + 2 * a[2] * (k + 3), rtol=1e-9)


def test_continuation_is_the_cubic_of_scipy_in_each_direction():
    rng = np.random.default_rng(0)
    grid = Grid(random_grid(rng.uniform(0.05, 0.4, 6)), np.sort(rng.uniform(0.1, 0.9, 5)))
    V, m = rng.normal(size=(4, 6, 5, 3)), problem(grid)
    for n in range(5):
        for x in rng.uniform(grid.b[0], grid.b[-1], 10):
            f = CubicHermiteSpline(grid.b, V[1, :, n, 0], V[1, :, n, 1])
            v, v_x, v_y = choice.continuation(V[1], conditions.cell(m, x, grid.k[n]))
            across = CubicHermiteSpline(grid.b, V[1, :, n, 2], np.zeros(6))
            assert np.allclose([v, v_x, v_y], [f(x), f(x, 1), across(x)], atol=1e-10)
    for n in range(6):
        for y in rng.uniform(grid.k[0], grid.k[-1], 10):
            f = CubicHermiteSpline(grid.k, V[1, n, :, 0], V[1, n, :, 2])
            v, v_x, v_y = choice.continuation(V[1], conditions.cell(m, grid.b[n], y))
            across = CubicHermiteSpline(grid.k, V[1, n, :, 1], np.zeros(5))
            assert np.allclose([v, v_x, v_y], [f(y), across(y), f(y, 1)], atol=1e-10)


def test_continuation_has_the_slopes_it_says():
    rng = np.random.default_rng(1)
    grid = Grid(np.linspace(-1, 1, 6), np.linspace(0.1, 0.9, 5))
    V, m, h = rng.normal(size=(4, 6, 5, 3)), problem(grid), 1e-6
    for x, y in rng.uniform([-0.9, 0.15], [0.9, 0.85], (40, 2)):
        v, v_x, v_y = choice.continuation(V[2], conditions.cell(m, x, y))
        there, above = (
            choice.continuation(V[2], conditions.cell(m, *point)).value
            for point in ((x + h, y), (x, y + h))
        )
        assert np.allclose([v_x, v_y], [(there - v) / h, (above - v) / h], atol=1e-3)


def test_what_the_planner_finds_does_not_depend_on_threads(market, plans):
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        again = planner.solve(market, "allocation", tolerance=1e-7)
    finally:
        numba.set_num_threads(before)
    for name in ("policies", "π", "V", "rates", "residuals"):
        assert getattr(again, name).tobytes() == getattr(plans["allocation"], name).tobytes()


def test_first_order_conditions_against_the_slope_of_the_value(plans):
    table = planner.first_order(plans["allocation"])
    b, k = (table.index.get_level_values(n) for n in "bk")
    inner = table[(b > GRID.b[1]) & (b < GRID.b[-2]) & (k > GRID.k[0]) & (k < GRID.k[-1])]
    assert set(inner["regime"]) == set(planner.REGIMES)
    assert (inner["λ"] / inner["V_b"] - 1).abs().median() < 0.005
    sides = (inner["tomorrow"] / inner["today"] - 1).abs()
    assert sides.median() < 0.01 and sides.isna().eq(inner["regime"] == "floor of the tax").all()
    binds = inner[inner["regime"] == "limit binds"]
    assert (binds["λ"] > binds["u'(c)"]).mean() > 0.95


def test_bad_input_and_too_few_steps(market):
    with pytest.raises(DataError, match="reading 'both'; valid: allocation, debt"):
        planner.solve(market, "both")
    with pytest.raises(NotConverged, match="still move") as caught:
        planner.solve(market, steps=3)
    assert caught.value.residuals.shape == (3, 5)


def test_stored_plans_are_identical(tmp_path):
    options = {"grid": planner.default_grid(SMALL, 12, 5), "folder": tmp_path}
    first, again = (planner.stored(SMALL, "debt", **options) for _ in range(2))
    fresh = planner.solve(equilibrium.solve(SMALL, options["grid"]), "debt")
    assert isinstance(again, planner.Plan)
    for name in ("V", "policies", "π", "rates", "E", "regret", "unsettled", "residuals"):
        for other in (again, fresh):
            assert np.array_equal(getattr(first, name), getattr(other, name), equal_nan=True)


@pytest.mark.slow
def test_agglomeration_the_plan_is_decentralised_and_gains():
    """The strong side of agglomeration, where two choices of like value can take turns."""
    p = SMOOTH.but(ξ=(0.29, 0.10))
    eq = equilibrium.solve(p, planner.default_grid(p, 24, 9), 1e-8)
    plan = planner.solve(eq)
    there = equilibrium.solve(p, eq.grid, 1e-7, start=plan, rates=plan.rates)
    far = {
        name: np.quantile(np.abs(there.policy(name) - plan.policy(name)), 0.99) for name in "cqbk"
    }
    assert max(far[n] for n in "cbk") < 1e-3 and far["q"] < 1e-2
    assert plan.unsettled < 0.01 and plan.regret < 1e-4
    gain = planner.gain(plan.V, planner.value(eq), p)
    assert 0.005 < gain.mean() < 0.03
