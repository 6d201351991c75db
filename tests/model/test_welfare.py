"""Welfare: identities, economies in which the answer is known, and oracles."""

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator
from specialization.errors import NotConverged
from specialization.model import equations, equilibrium, planner, simulation, welfare
from specialization.model.parameters import SMOOTH

pytestmark = pytest.mark.usefixtures("cache")

P = SMOOTH.but(ξ=(0.29, 0.10), states=(2, 2))


@pytest.fixture(scope="module")
def economy():
    return welfare.planned(P, grid=planner.default_grid(P, 16, 10))


def test_values_are_read_as_by_scipy(economy):
    eq, V, _ = economy
    b, k = [-0.31, -0.1, 0.05], [0.12, 0.29, 0.5, 0.88]
    expected = RegularGridInterpolator((eq.grid.b, eq.grid.k), V[len(eq.z) // 2])(
        np.stack(np.meshgrid(b, k, indexing="ij"), -1)
    )
    table = welfare.at_mean(eq, V, b, k)
    assert np.allclose(table, expected) and list(table.index) == b and list(table.columns) == k
    assert np.allclose(welfare.at_mean(eq, V, -0.1, k), expected[1])
    assert np.allclose(welfare.at_mean(eq, V, b, 0.5), expected[:, 2])
    assert np.isclose(welfare.at_mean(eq, V, -0.1, 0.5), expected[1, 2])


def test_gains_are_what_consumption_would_have_to_rise(economy):
    eq, V, plan = economy
    here, there = (welfare.at_mean(eq, x, eq.grid.b[4], eq.grid.k[3]) for x in (V, plan.V))
    # constant consumption c is worth u(c) / (1 - β)
    c, c_plan = (((1 - P.γ) * (1 - P.β) * v + 1) ** (1 / (1 - P.γ)) for v in (here, there))
    g = welfare.gains(plan, V, eq.grid.b[4], eq.grid.k[3])
    assert np.isclose(g, 100 * (c_plan / c - 1)) and g > 0


def test_the_best_start_is_worth_nothing_where_one_is_there(economy):
    eq, V, _ = economy
    table = welfare.head_start(eq, V, eq.grid.b, eq.grid.k)
    assert (table >= 0).all(axis=None) and np.allclose(table.min(axis=1), 0)
    assert list(table.columns[table.to_numpy().argmin(axis=1)]) == list(
        eq.grid.k[V[len(eq.z) // 2].argmax(axis=1)]
    )
    assert welfare.worst_regret(economy.plan, V) < 0.01


def test_rules_without_instruments_are_the_market_and_a_planners_wedge_gains(economy):
    eq, V, _ = economy
    assert np.abs(welfare.rule_gain(eq, V)).max() < 1e-3
    wedge = welfare.rule_gain(eq, V, wedge=0.1)
    assert wedge[:, :, 2].mean() > 0.05
    # where both industries are alike, to favour one from an even start only costs
    even = SMOOTH.but(σ=0.0, states=1)
    still = equilibrium.solve(even, equilibrium.default_grid(even, 16, 9))
    value = planner.value(still)
    assert welfare.rule_gain(still, value, wedge=0.1)[0, :, 4].max() < 0


def test_long_run_of_an_economy_at_rest():
    p = SMOOTH.but(collateral="fixed limit", limit=0.2, σ=0.0, states=1)
    x = welfare.long_run(equilibrium.solve(p, equilibrium.default_grid(p, 20, 9, 0.25)))
    Y = 2 * 0.5**0.32
    assert np.isclose(x["mean c"], Y - 0.2 * (p.R - 1), atol=1e-3)  # interest on the limit
    assert np.isclose(x["NFA/Y"], -0.2 / Y, atol=1e-3) and x["crises, %"] == 0


def test_a_change_that_is_none_has_the_gains_of_the_plan(monkeypatch, economy):
    def solved(p, reading, tolerance):
        if p.φ[0] > 3:
            raise NotConverged("goes round", np.zeros((1, 5)))
        return economy

    monkeypatch.setattr(welfare, "planned", solved)
    table = welfare.by_change(
        P,
        {"as above": {}, "φ = 4": {"φ": 4.0}},
        {"as above": ["allocation"], "φ = 4": ["allocation"]},
        -0.3,
        [0.1, 0.5],
    )
    eq, V, plan = economy
    assert np.allclose(
        table.loc["as above", "allocation"].astype(float), welfare.gains(plan, V, -0.3, [0.1, 0.5])
    )
    assert np.allclose(
        table.loc["as above", "efficient start"].astype(float),
        welfare.head_start(eq, V, -0.3, [0.1, 0.5]),
    )
    assert table.loc["φ = 4"].isna().all()


def test_first_order_conditions_hold_where_they_should():
    eq, _, plan = welfare.planned(P, grid=planner.default_grid(P, 30, 12))
    t = planner.first_order(plan)
    b, k = (t.index.get_level_values(n) for n in "bk")
    assert list(t.index.names) == ["s", "b", "k"] and len(t) == plan.V.size
    t = t[(b > eq.grid.b[1]) & (b < eq.grid.b[-2]) & (k > eq.grid.k[0]) & (k < eq.grid.k[-1])]
    binding, slack = (t[t["regime"] == r] for r in ("limit binds", "slack"))
    assert (binding["λ"] / binding["V_b"] - 1).abs().median() < 0.01
    assert (binding["u'(c)"] / binding["V_b"] - 1).abs().median() > 0.02  # the price matters
    assert np.allclose(slack["λ"], slack["u'(c)"])
    assert (slack["λ"] / slack["V_b"] - 1).abs().median() < 0.005
    # u'(c) is that of the policies
    c = np.where(plan.π > 0.5, plan.policies[..., 1, 0], plan.policies[..., 0, 0])
    u = equations.marginal_utility(c, P).ravel()
    assert np.allclose(planner.first_order(plan)["u'(c)"], u, rtol=1e-6)


def test_paths_of_the_long_run_are_those_of_the_simulation(economy):
    eq = economy.market
    x = simulation.simulate(eq, 400, 200, record=range(150, 400))
    m = welfare.long_run(eq)
    assert np.isclose(m["mean c"], x["c"].mean())
    assert np.isclose(m["crises, %"], 100 * (x["c"] < 0.9 * x["c"].mean()).mean())
