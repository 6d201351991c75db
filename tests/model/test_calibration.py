"""Calibration: known truth recovered, identities, bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specialization.errors import DataError
from specialization.model import calibration, equations, equilibrium, simulation
from specialization.model.amplification import region
from specialization.model.calibration import at_rest, by_rank, by_value, calibrate, share_of_A
from specialization.model.parameters import PUBLISHED, SMOOTH

pytestmark = pytest.mark.usefixtures("cache")

CALM = SMOOTH.but(collateral="fixed limit", limit=0.2, σ=0.0, states=1)
Y = 2 * 0.5**0.32  # output of an even region


@pytest.fixture(scope="module")
def calm():
    return equilibrium.solve(CALM, equilibrium.default_grid(CALM, 40, 15, 0.25))


within = st.floats(0.02, 0.98)
economies = st.builds(
    lambda α, ξ_A, ξ_B, μ_A: SMOOTH.but(α=α, ξ=(ξ_A, ξ_B), μ=(μ_A, 1.0)),
    st.floats(0.05, 0.4),
    st.floats(0, 0.29),
    st.floats(0, 0.29),
    st.floats(0.3, 3),
)


@given(economies, within)
@settings(max_examples=60, deadline=None)
def test_capital_is_recovered_from_its_share_of_output(p, k):
    assert np.isclose(calibration.k_of_share(p, share_of_A(p, k)), k, atol=1e-4)


@given(economies, within)
@settings(max_examples=60, deadline=None)
def test_a_share_at_rest_is_that_of_capital_and_gives_productivity(p, share):
    k, ratio = at_rest(p, share)
    there = region(p, share)
    assert k == share and np.isclose(share_of_A(there, k), share)
    assert np.isclose(ratio, there.μ[0] / there.μ[1])
    moved = p.but(μ=(ratio, 1.0))
    A, B = equations.marginal_product(np.array(moved.μ), np.array([k, 1 - k]), moved)
    assert np.isclose(A, B) and np.isclose(calibration.k_of_share(moved, share), k, atol=1e-4)


def test_published_capital_alone_moves_shares_little():
    # (k/(1-k))^0.32 at the published ends, by hand
    assert np.allclose(share_of_A(PUBLISHED, [0.1, 0.29]), [0.3311, 0.4288], atol=1e-4)


def test_a_region_at_rest_stays_there():
    p = region(CALM, 0.3)
    eq = equilibrium.solve(p, equilibrium.default_grid(p, 30, 15, 0.2))
    x = simulation.simulate(eq, 30, start=(0, -0.2, 0.3), exact=True)
    assert np.allclose(x["k"], 0.3, atol=2e-3)
    away = simulation.simulate(eq, 30, start=(0, -0.2, 0.6), exact=True)
    assert abs(away["k"][-1] - 0.3) < 0.1 * 0.3


@pytest.mark.parametrize("share", [0.0, 1.0, np.nan, [0.2, -0.1]])
def test_shares_outside_are_one_clear_error(share):
    for f in (at_rest, calibration.k_of_share):
        with pytest.raises(DataError, match="share of A.*valid: in"):
            f(SMOOTH, share)


@given(st.lists(st.integers(100, 10_000), min_size=2, max_size=30), st.randoms())
@settings(max_examples=50, deadline=None)
def test_ranks_of_income_map_in_order(income, random):
    b = by_rank(income, (-0.6, -0.1))
    assert np.isclose(b.mean(), -0.35) and (b > -0.6).all() and (b < -0.1).all()
    assert all(
        (b[i] > b[j]) == (income[i] > income[j]) for i in range(len(b)) for j in range(len(b))
    )
    order = random.sample(range(len(b)), len(b))
    assert np.allclose(by_rank(np.array(income)[order], (-0.6, -0.1)), b[order])
    assert np.allclose(by_rank(np.exp(np.array(income) / 1e3), (-0.6, -0.1)), b)


def test_a_limit_is_recovered_from_the_debt_it_causes():
    # without shocks impatient people live at the limit: NFA/Y = -limit / Y
    curve = by_value(CALM, "limit", (0.1, 0.2, 0.3), bonds=40)
    assert np.allclose(curve["NFA/Y"], -curve.index / Y, atol=1e-4)
    roots = calibrate(CALM, curve, target=-0.15, bonds=40)
    assert len(roots) == 1 and np.isclose(roots[0], 0.15 * Y, atol=1e-4)
    with pytest.raises(DataError, match=r"NFA/Y = -0.5; valid: -0.187 to -0.062, what limit"):
        calibrate(CALM, curve, target=-0.5, bonds=40)


def faked(monkeypatch, moment):
    """Moments that are a known function of the parameters."""
    monkeypatch.setattr(calibration, "solved", lambda p, **_: p)
    monkeypatch.setattr(simulation, "moments", lambda p: pd.Series(moment(p)))


def test_the_size_of_shocks_that_meets_a_target(monkeypatch):
    faked(monkeypatch, lambda p: {"NFA/Y": -0.5 + 2.5 * p.σ[0] / (1 - p.ρ[0]) ** 0.5})
    for ρ in (0.3, 0.5):
        expected = 0.1 * (1 - ρ) ** 0.5
        assert np.isclose(calibration.risk_for(PUBLISHED, ρ), expected, atol=5e-4)
    with pytest.raises(DataError, match="valid: .* what σ from 0.06 to 0.1 reaches"):
        calibration.risk_for(PUBLISHED, 0.9)


@given(st.floats(0.91, 0.93), st.floats(0.95, 0.97))
@settings(max_examples=20, deadline=None)
def test_every_crossing_is_found(low, high):
    with pytest.MonkeyPatch.context() as patch:
        faked(patch, lambda p: {"NFA/Y": (p.β - low) * (p.β - high) - 0.25})
        curve = by_value(SMOOTH, "β", (0.9, 0.94, 0.975))
        assert np.allclose(calibrate(SMOOTH, curve), [low, high], atol=2e-4)


def test_elasticities_of_power_functions(monkeypatch):
    faked(
        monkeypatch,
        lambda p: {
            name: -((1 / p.β - 1) ** (n / 2)) * p.θ**n * p.σ[0] ** (1 - n) * p.σ[1]
            for n, name in enumerate(calibration.SUMMARY[:-1])
        },
    )
    monkeypatch.setattr(calibration, "half_life", lambda p: p.φ[0] ** 0.7)
    table = calibration.elasticities(SMOOTH, ("β", "θ", "σ", "φ"))
    n = np.arange(5)
    assert list(table.index) == list(calibration.SUMMARY)
    assert np.allclose(table.iloc[:5], np.stack([n / 2, n, 2 - n, 0 * n], axis=1))
    assert np.allclose(table.iloc[5], [0, 0, 0, 0.7])


def test_half_life_is_that_of_the_policy_at_rest(calm):
    _, policies = calm.at(0, -0.2 * CALM.R, 0.52)
    slope = (np.nanmax(policies[:, equilibrium.POLICIES.index("k")]) - 0.5) / 0.02
    expected = np.log(0.5) / np.log(slope)
    assert 1 < expected < 20 and np.isclose(calibration.half_life(calm, 0.52), expected, rtol=0.06)


def test_a_tighter_limit_costs_its_fall_once_and_saves_the_interest(calm):
    tight = equilibrium.solve(CALM.but(limit=0.18), calm.grid)
    r = calibration.unexpected(calm, tight, 4, 10)
    assert np.allclose(r["debt"], -2 / Y, atol=1e-3)
    assert np.allclose(r["spending"], [-2 / Y, *[2 * (CALM.R - 1) / Y] * 3], atol=1e-3)
    q = simulation.ergodic(calm)["q"].mean()
    assert np.allclose(r["spending over capital"] * q, r["spending"] * Y, atol=1e-6)
    assert np.allclose(calibration.unexpected(calm, calm, 3, 10), 0)


def test_less_collateral_takes_its_part_of_the_debt():
    # without risk people owe their collateral: a tenth less is a tenth of mean debt, and at a
    # market price more, because the price falls when all have to repay
    p = SMOOTH.but(σ=0.0, states=1)
    table = calibration.less_collateral(p, bonds=20)
    debt = 100 * simulation.moments(calibration.solved(p, bonds=20))["NFA/Y"]
    fixed, market = table["debt"]
    assert np.isclose(fixed, 0.1 * debt, rtol=0.02) and market < 1.2 * fixed
    assert np.allclose(table["reallocation"], 0)


def test_a_grid_on_which_the_iteration_goes_round_is_left(monkeypatch):
    tried = []

    def stored(p, grid, **_):
        tried.append(grid.b.size)
        if len(tried) < 3 or p.β < 0.9:
            raise equilibrium.NotConverged("goes round", np.zeros((1, 5)))
        return "solution"

    monkeypatch.setattr(equilibrium, "stored", stored)
    assert calibration.solved(PUBLISHED) == "solution" and tried == [103, 123, 153]
    monkeypatch.setattr(simulation, "moments", lambda eq: pd.Series({"NFA/Y": -0.3}))
    curve = by_value(PUBLISHED, "β", (0.85, 0.95))
    assert np.isnan(curve.loc[0.85, "NFA/Y"]) and curve.loc[0.95, "NFA/Y"] == -0.3
    with pytest.raises(equilibrium.NotConverged, match="goes round"):
        calibration.solved(PUBLISHED.but(β=0.85))


@pytest.mark.slow
@pytest.mark.parametrize("p", [SMOOTH, PUBLISHED])
def test_the_small_grid_has_the_debt_of_the_full_one(p):
    full = simulation.moments(equilibrium.solve(p))
    small = simulation.moments(calibration.solved(p))
    for name in ("NFA/Y", "mean q", "sd log c", "sd log y"):
        assert np.isclose(small[name], full[name], atol=0.002, rtol=0.002)


@pytest.mark.slow
def test_patience_that_meets_the_target():
    for β in calibrate(SMOOTH, by_value(SMOOTH, "β", (0.95, 0.97, 0.979))):
        p = SMOOTH.but(β=β)
        eq = equilibrium.solve(p, equilibrium.default_grid(p, 120, 14))
        assert abs(simulation.moments(eq, seed=1)["NFA/Y"] + 0.25) < 0.005


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: share_of_A(PUBLISHED, [0.5, 1.1]), "k_A: 0.5 to 1.1"),
        (lambda: share_of_A(PUBLISHED, [np.nan]), "k_A"),
        (lambda: by_rank([1, np.nan], (0, 1)), "income: 2 rows, 1 entries NaN"),
        (lambda: by_rank([1, 2], []), "no values"),
        (lambda: calibrate(SMOOTH, pd.DataFrame({"x": [1.0, 2.0]})), "a curve of"),
        (
            lambda: calibrate(
                SMOOTH, pd.DataFrame({"NFA/Y": [np.nan]}, pd.Index([0.1], name="θ"))
            ),
            "two or more values",
        ),
        (lambda: calibration.elasticities(SMOOTH, ["phi"]), "no parameter 'phi'"),
    ],
)
def test_what_cannot_be_calibrated_is_named(call, words):
    with pytest.raises(DataError, match=words):
        call()


def test_a_value_of_the_curve_that_meets_the_target_counts_once():
    curve = pd.DataFrame({"NFA/Y": [-0.3, -0.25, -0.2]}, pd.Index([0.1, 0.2, 0.3], name="limit"))
    assert calibrate(SMOOTH, curve) == [0.2]
