"""Regions, economies without the amplifier, and what a shock does in them."""

import numpy as np
import pytest
from specialization.errors import DataError
from specialization.model import equations, equilibrium, simulation
from specialization.model.amplification import (
    VARIANTS,
    accounting,
    crises,
    region,
    share,
    strength,
    without,
)
from specialization.model.parameters import SMOOTH


@pytest.fixture(scope="module")
def market():
    return equilibrium.solve(SMOOTH, equilibrium.default_grid(SMOOTH, 60, 8))


@pytest.fixture(scope="module")
def limited(market):
    return without(market, "fixed limit")


@pytest.mark.parametrize("k", [0.2, 0.5, 0.75])
def test_region_rests_where_it_should_with_the_output_of_an_even_one(k):
    p, both = region(SMOOTH.but(ξ=(0.29, 0.10)), k), np.array([k, 1 - k])
    mpk = equations.marginal_product(np.array(p.μ), both, p)
    assert mpk[0] == pytest.approx(mpk[1])
    y = equations.production(np.array(p.μ), both, p)
    even = equations.production(np.ones(2), np.full(2, 0.5), p)
    assert y.sum() == pytest.approx(even.sum()) and y[0] / y.sum() == pytest.approx(k)
    assert np.divide(p.σ, p.μ) == pytest.approx(SMOOTH.σ)


def test_even_region_is_the_economy_itself():
    assert region(SMOOTH, 0.5).μ == pytest.approx((1, 1))


def test_fixed_price_and_fixed_limit_match_debt_and_agree(market, limited):
    debt = simulation.moments(market)["NFA/Y"]
    price, limit = without(market, "fixed price"), limited
    for eq in (price, limit):
        assert simulation.moments(eq)["NFA/Y"] == pytest.approx(debt, abs=1e-3)
    # the same limit on debt: the same debt, whatever capital is worth as collateral
    assert SMOOTH.θ * price.p.q_bar == pytest.approx(limit.p.limit, rel=1e-6)
    assert price.policy("b") == pytest.approx(limit.policy("b"), abs=2e-3)
    assert without(market, "market price") is market


@pytest.mark.parametrize("variant", VARIANTS)
def test_taxes_and_subsidies_stay(variant):
    p = SMOOTH.but(states=(2, 2))
    grid = equilibrium.default_grid(p, 24, 6)
    rates = np.zeros((4, 24, 6, 3))
    rates[..., 0] = 0.02
    eq = equilibrium.solve(p, grid, rates=rates)
    other = without(eq, variant, regions=10, periods=100)
    assert other.rates[..., 0] == pytest.approx(0.02) and (other.rates[..., 1:] == 0).all()
    # the same economy, solved with the tax from the start
    again = equilibrium.solve(other.p, other.grid, rates=0.02)
    assert other.policy("b") == pytest.approx(again.policy("b"), abs=1e-4)


def test_accounting_adds_up_and_a_fixed_limit_softens_the_fall(market, limited):
    with_price, fixed = (accounting(eq, size_in_sd=1.4, paths=2000) for eq in (market, limited))
    for r in (with_price, fixed):
        parts = r["exposure"] + r["adjustment"] + r["borrowing"]
        assert r["consumption"].to_numpy() == pytest.approx(parts.to_numpy(), abs=1e-12)
        assert r["capital"][0] == 0 and r["capital"][1] < 0
    assert with_price["exposure"][0] == pytest.approx(fixed["exposure"][0], rel=1e-3)
    assert with_price["borrowing"][0] < fixed["borrowing"][0]


def test_exposure_is_the_share_of_the_industry(market):
    # output falls by the share of A times the fall of its productivity
    r = accounting(market, size_in_sd=1.0, paths=2000)
    x = simulation.ergodic(market)
    fall = np.mean(0.06 * x["k"] ** 0.32) / x["c"].mean()
    assert r["exposure"][0] == pytest.approx(-fall, rel=0.05)


def test_strength_is_that_of_both_responses(market, limited):
    found = strength(market, limited, size_in_sd=1.0, regions=20)
    falls = [
        accounting(eq, size_in_sd=1.0, periods=2, regions=20)["consumption"][0]
        for eq in (market, limited)
    ]
    assert found["fall"] == pytest.approx(100 * falls[0])
    assert found["amplification share"] == pytest.approx(100 * (falls[0] - falls[1]) / falls[0])
    x = simulation.ergodic(market, regions=20)
    assert found["feedback"] == pytest.approx(np.mean(0.2 * x["q"] / x["c"]))
    assert found["binding"] == pytest.approx(100 * x["binding"].mean())


def test_share_of_a_fall():
    assert share(-1.0, -4.0) == 0.75 and share(-3.0, -2.0) == -0.5


def test_crises_are_counted_and_measured_against_the_mean():
    # mean 1, sd 0.3: the one year at zero is a crisis, that at 0.4 is none
    c = np.array([0.0, 0.4, *[1.0] * 6, 1.2, 1.4, 1.0, 1.0, 1.0])
    c *= 13 / c.sum()
    q, binding = np.where(c == 0, 0.5, 1.0), np.where(c == 0, 1.0, 0.0)
    found = crises({"c": c, "q": q, "binding": binding})
    assert found["share of years"] == pytest.approx(100 / 13)
    assert found["consumption"] == -100 and found["binding"] == 100
    assert found["price"] == pytest.approx(100 * (0.5 / (12.5 / 13) - 1))
    none = crises({"c": np.ones(5), "q": np.ones(5), "binding": np.ones(5)})
    assert none["share of years"] == 0 and none.isna().sum() == 3


def test_bad_input(market):
    with pytest.raises(DataError, match="k_A = '0.5' is no number"):
        region(SMOOTH, "0.5")
    with pytest.raises(DataError, match="k_A = 1.2; valid: between 0 and 1"):
        region(SMOOTH, 1.2)
    with pytest.raises(DataError, match="'soft'; valid: market price, fixed price"):
        without(market, "soft")
