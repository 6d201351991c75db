"""Bianchi (2011): closed forms, a brute-force planner, finer grids, and the published numbers."""

import numpy as np
import pytest
from specialization.errors import DataError, NotConverged
from specialization.model import bianchi
from specialization.model.bianchi import Economy


@pytest.fixture(scope="module")
def solved():
    return {owner: bianchi.solve(owner=owner) for owner in bianchi.OWNERS}


def test_the_chain_has_the_printed_persistence_and_variance():
    y, P = bianchi.quadrature(n=9)
    x = y - 1
    assert P.sum(1) == pytest.approx(1)
    inner = np.abs(x).max(1) < 0.1  # the chain follows the rule well near its mean
    assert (P @ x)[inner] == pytest.approx(x[inner] @ np.array(bianchi.A).T, abs=0.005)
    middle = len(x) // 2
    spread = (P[middle, :, None, None] * x[:, :, None] * x[:, None, :]).sum(0)
    assert spread == pytest.approx(np.array(bianchi.Σ))


def test_price_and_feedback_are_derivatives():
    m, c, y_N, h = (
        bianchi._problem(Economy(), np.zeros(2), np.zeros((1, 1, 2)), False),
        0.9,
        1.1,
        1e-6,
    )
    u = [bianchi.utility(m, c + d, y_N) for d in (-h, h)]
    assert np.diff(u)[0] / (2 * h) == pytest.approx(bianchi.marginal_utility(m, c, y_N), rel=1e-7)
    v = [bianchi.utility(m, c, y_N + d) for d in (-h, h)]
    assert np.diff(v)[0] / np.diff(u)[0] == pytest.approx(bianchi.price(m, c, y_N), rel=1e-7)
    room = [bianchi.limit(m, c + d, 1.0, y_N) for d in (-h, h)]
    assert np.diff(room)[0] / (2 * h) == pytest.approx(bianchi.feedback(m, c, y_N), rel=1e-7)


def test_without_shocks_people_owe_all_they_can():
    p = Economy(y=np.ones((1, 2)), P=np.ones((1, 1)))
    # c = 1 + (R - 1) b and b = -κ (1 + (1 - ω)/ω c^(1+η)) at rest
    b = -0.9
    for _ in range(200):
        b = -p.κ * (1 + (1 - p.ω) / p.ω * (1 + (p.R - 1) * b) ** (1 + p.η))
    bonds = np.linspace(-1.1, -0.6, 400)
    at = bianchi.solve(p, bonds=bonds).table(0, [b]).iloc[0]
    assert at["binds"] and at["b'"] == pytest.approx(b, abs=1e-9)
    # the planner rests there too, where the limit just begins to bind: a step more costs a crisis
    at = bianchi.solve(p, "planner", bonds).table(0, [b]).iloc[0]
    assert at["b'"] == pytest.approx(b, abs=0.005)


def test_choices_are_complementary_and_euler_errors_small(solved):
    bound = 0
    for s in range(16):
        b = np.linspace(-1, -0.6, 41)
        at, p = solved["market"].table(s, b), solved["market"].p
        bound += (at["binds"] == 1).sum()
        assert at["slack"].min() > -1e-10 and (at["slack"] * at["binds"]).max() < 1e-10
        later = sum(
            P * np.array([solved["market"].table(t, [x])["u_T"].iloc[0] for x in at["b'"]])
            for t, P in enumerate(p.P[s])
        )
        error = (at["u_T"] - p.β * p.R * later) / at["u_T"]
        assert np.abs(error[at["binds"] == 0]).mean() < 2e-4
        assert (error * at["binds"]).min() > -1e-3  # the multiplier
    assert bound > 20  # both kinds of state are compared


def test_a_planner_by_brute_force_has_the_same_value(solved):
    """The best of all nodes at which the limit holds, again and again; interpolates nothing."""
    plan, p = solved["planner"], solved["planner"].p
    bonds, m = plan.bonds, plan.problem()
    y_T, y_N = p.y[:, 0, None, None], p.y[:, 1, None, None]
    c = y_T + p.R * bonds[:, None] - bonds
    fits = (c > 0) & (bonds + bianchi.limit(m, np.maximum(c, 1e-9), y_T, y_N) >= 0)
    u = np.where(fits, bianchi.utility(m, np.maximum(c, 1e-9), y_N), -np.inf)
    best = (u + p.β * (p.P @ plan.V)[:, None]).max(-1)
    for _ in range(120):
        best = (u + p.β * (p.P @ best)[:, None]).max(-1)
    live = (bonds > -0.95) & (bonds < -0.6)
    gap = (1 - p.σ) * (1 - p.β)
    equivalent = ((1 + gap * best) / (1 + gap * plan.V)) ** (1 / (1 - p.σ)) - 1
    assert np.abs(equivalent[:, live]).max() < 2e-4
    assert bianchi.regret(plan).max() < 1e-5


def test_gains_settle_as_the_grid_is_refined(solved):
    walk = bianchi.simulate(solved["market"], 20_000)
    fine = [bianchi.solve(owner=o, bonds=np.linspace(-1.02, -0.2, 799)) for o in bianchi.OWNERS]
    coarse = bianchi.gain(solved["planner"], solved["market"])
    a, b = (
        bianchi.average(walk, solved["market"], coarse),
        bianchi.average(walk, fine[0], bianchi.gain(fine[1], fine[0])),
    )
    assert a == pytest.approx(b, abs=2e-6)
    assert coarse.min() > 0


def test_the_tax_makes_nothing_of_the_market_and_something_of_the_plan(solved):
    assert np.abs(bianchi.tax(solved["market"])).max() < 1e-6
    assert bianchi.tax(solved["planner"]).min() > -1e-6
    assert 0.03 < bianchi.tax(solved["planner"]).max() < 0.5


def test_the_published_numbers_come_out(solved):
    walks = {owner: bianchi.simulate(x, 100_000) for owner, x in solved.items()}
    cut = bianchi.threshold(walks["market"])
    market, plan = (bianchi.moments(walks[o], cut) for o in bianchi.OWNERS)
    G = bianchi.gain(solved["planner"], solved["market"])
    assert 100 * bianchi.average(walks["market"], solved["market"], G) == pytest.approx(
        0.135, abs=0.001
    )
    tax = bianchi.tax(solved["planner"])
    assert 100 * bianchi.average(walks["planner"], solved["planner"], tax) == pytest.approx(
        5.0, abs=0.1
    )
    published = bianchi.PUBLISHED.loc[market.index]
    assert market.to_numpy() == pytest.approx(published["market"], abs=0.3)
    assert plan.to_numpy() == pytest.approx(published["planner"], abs=0.1)


def test_refuses_what_it_cannot_solve():
    with pytest.raises(DataError, match="βR"):
        Economy(β=0.97)
    with pytest.raises(DataError, match="κ = 1.2"):
        Economy(κ=1.2)
    with pytest.raises(DataError, match="valid: market, planner"):
        bianchi.solve(owner="nobody")
    with pytest.raises(NotConverged, match="after 2 steps"):
        bianchi.solve(bonds=np.linspace(-1.02, -0.2, 50), steps=2)
