"""Simulated zones: known slopes and shares, and economies in which the answer is known."""

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specialization.errors import DataError
from specialization.facts import tradeoff
from specialization.model import equations, equilibrium, regions
from specialization.model.parameters import SMOOTH

pytestmark = pytest.mark.usefixtures("cache")

P = SMOOTH.but(states=(2, 2))
SIZE = {"bonds": 20, "capital": 5}
RATE = -0.01


@pytest.fixture(scope="module")
def first():
    return regions.first_economy(P, 0.8, RATE, **SIZE)


def made_up(slope, noise=0.02, histories=3, zones=400, seed=0):
    """Panel in which growth is slope · Gini - log income + noise, by year."""
    rng = np.random.default_rng(seed)
    gini, noise = (
        rng.uniform(0, 0.4, (histories, zones)),
        noise * rng.standard_normal((len(slope), histories, zones)),
    )
    income = 0.2 * rng.standard_normal((histories, zones)) + 0.5 * gini
    growth = np.asarray(slope)[:, None, None] * gini - income + noise
    y = np.exp(income + np.concatenate([np.zeros((1, histories, zones)), growth]))
    return {"y": y, "c": y**2, "gini": np.broadcast_to(gini, y.shape)}


def test_slopes_are_those_of_the_estimator_of_fact_1():
    panel = made_up([-0.5, 0.3])
    standardised, raw = regions.slopes(panel)
    for t, h in np.ndindex(standardised.shape):
        table = pd.DataFrame(
            {
                "gini": panel["gini"][0, h],
                "log_income": np.log(panel["y"][0, h]),
                "growth": np.log(panel["y"][t + 1, h] / panel["y"][0, h]),
                "state": np.arange(400) // 20,
            }
        )
        found = tradeoff.coefficients(table, "growth", ["gini", "log_income"]).iloc[0]
        assert standardised[t, h] == pytest.approx(found["standardised"])
        assert raw[t, h] == pytest.approx(found["estimate"] * panel["gini"][0, h].std())


def test_slopes_recover_the_truth_and_consumption_has_its_own():
    panel = made_up([-0.5], noise=0)
    raw = regions.slopes(panel)[1]
    assert raw[0] == pytest.approx(-0.5 * panel["gini"][0].std(axis=-1))
    # given log income y, growth of y² is twice that of y
    assert regions.slopes(panel, "c")[1] == pytest.approx(2 * raw)


@settings(max_examples=15, deadline=None)
@given(share=st.floats(-2, 2), scale=st.floats(0.1, 10))
def test_share_of_a_made_up_panel(share, scale):
    with_it, without_it = (
        regions.slopes(made_up([-scale * x], noise=0))[1] for x in (1, 1 - share)
    )
    found, error, t = regions.amplification_share(with_it, without_it)
    assert found == pytest.approx(share, abs=1e-9) and error < 1e-9 and t > 2


def test_error_of_the_share_is_its_spread_over_repetitions():
    # ratio of means of correlated draws, many times over
    rng, found = np.random.default_rng(3), []
    for _ in range(400):
        x = rng.normal(-1, 0.4, (1, 60))
        found.append(regions.amplification_share(x, 0.7 * x + rng.normal(0, 0.2, (1, 60))))
    share, error, t = np.array(found)[..., 0].T
    assert share.mean() == pytest.approx(0.3, abs=0.01)
    assert error.mean() == pytest.approx(share.std(), rel=0.1)
    assert t.mean() == pytest.approx(np.sqrt(60) / 0.4, rel=0.05)


def test_no_slope_where_zones_are_identical():
    with pytest.raises(DataError, match="all zones have the same initial Gini"):
        regions.slopes(made_up([0.0]) | {"gini": np.full((2, 3, 400), 0.2)})


def test_zones_of_one_kind_have_no_slope_at_rest(first):
    # kinds differ in nothing but luck: over histories the slope is zero, given income
    panel = regions.simulate([first] * 71, 100, 60)
    slope = regions.slopes(panel)[0][-1]
    assert abs(slope.mean()) < 4 * slope.std() / np.sqrt(60)


def test_zero_drift_is_the_stationary_economy(first):
    for path in (regions.foreseen(first, 0.0), regions.unforeseen(first, 0.0)):
        assert len(path) == 71
        for t in (1, 35, 70):
            assert np.allclose(path[t].z, first.z)
            for name in ("b", "k", "c"):
                assert path[t].policy(name) == pytest.approx(first.policy(name), abs=1e-5)


def test_both_kinds_of_news_end_in_the_economy_after_the_drift(first):
    end = first.p.but(μ=regions.drift(first.p, RATE)[-1])
    assert end.μ == pytest.approx([first.p.μ[0] * np.exp(-0.7), first.p.μ[1]])
    last = equilibrium.solve(end, first.grid)
    # the last year is solved; the 35th lies between two that are
    sudden = regions.unforeseen(first, RATE)
    assert sudden[70].policy("c") == pytest.approx(last.policy("c"), abs=1e-4)
    half = equilibrium.solve(end.but(μ=regions.drift(first.p, RATE)[35]), first.grid)
    assert sudden[35].policy("c") == pytest.approx(half.policy("c"), abs=1e-2)
    known = regions.foreseen(first, RATE)
    # productivity lags its mean by ρ/(1-ρ) years, one at ρ = 1/2
    lagged = known[70].z.mean(0)
    assert lagged[0] == pytest.approx(regions.drift(first.p, RATE)[69, 0], rel=1e-3)
    last = equilibrium.solve(first.p.but(μ=lagged), first.grid)
    assert known[70].policy("c") == pytest.approx(last.policy("c"), abs=1e-4)


def test_region_starts_at_rest_and_its_output_follows_its_share(first):
    panel = regions.simulate(regions.foreseen(first, RATE), 200, 5)
    assert panel["share"][0].mean() == pytest.approx(0.8, abs=0.01)
    assert panel["gini"][0].mean() == pytest.approx(0.3, abs=0.01)
    assert np.abs(panel["share"] - 0.5) == pytest.approx(panel["gini"])
    # to first order, growth is the sum of shares times drift (Hulten)
    growth = np.log(panel["y"][5] / panel["y"][0]).mean()
    between = (panel["share"][0].mean() + panel["share"][5].mean()) / 2
    assert panel["y"].shape == (11, 5, 200) and regions.YEARS[5] == 20
    assert growth == pytest.approx(between * RATE * 19, rel=0.05)  # one year behind


@pytest.mark.slow
def test_between_economies_without_the_amplifier_its_share_is_zero():
    # with a price or a limit that does not move, the limit on debt is the same: so is all but q
    kinds = {(0.5, RATE): 20, (0.8, RATE): 20}
    panels = {
        v: regions.pool(regions.experiment(P, kinds, v, histories=4, **SIZE), kinds)
        for v in ("fixed price", "fixed limit")
    }
    share = regions.compare(panels)["share, %"].unstack("horizon")
    assert share.loc[:, 10:].to_numpy() == pytest.approx(0, abs=0.2)


def test_same_numbers_for_any_number_of_threads_and_same_luck_everywhere(first):
    before = numba.get_num_threads()
    panels = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        panels.append(regions.simulate([first] * 71, 150, 4, seed=2))
    numba.set_num_threads(before)
    assert all((panels[0][name] == panels[1][name]).all() for name in panels[0])
    other = regions.simulate([first] * 71, 150, 4, seed=3)
    assert not np.isin(other["y"][0], panels[0]["y"][0]).any()


@settings(max_examples=20, deadline=None)
@given(k=st.floats(0.5, 0.9), rate=st.floats(-0.01, 0.01))
def test_box_holds_both_ends_and_everybody_can_repay(k, rate):
    p = regions.region(SMOOTH, k)
    grid, end = regions.box(p, rate), p.but(μ=regions.drift(p, rate)[-1])
    for x in (p, end):
        assert grid.k[1] < equilibrium.steady_capital(x) < grid.k[-2]
        lowest = (
            equations.production(
                equations.productivity_chain(x)[0].min(0), np.stack([grid.k, 1 - grid.k], -1), x
            )
            .sum(-1)
            .min()
        )
        assert grid.b[0] > -lowest
    assert grid.k[0] < 0.5 < grid.k[-1]


def test_comparison_has_the_slopes_of_both_and_their_share():
    panels = {"with": made_up([-0.5] * 10), "without": made_up([-0.3] * 10)}
    table = regions.compare(panels)
    assert table.index.names == ["outcome", "unit", "horizon"] and len(table) == 40
    assert list(table.index.levels[2]) == list(regions.YEARS[1:])
    for name, outcome in regions.OUTCOMES.items():
        a, b = (regions.slopes(x, outcome)[1] for x in panels.values())
        row = table.loc[(name, "log points", 70)]
        assert row["with"] == pytest.approx(100 * a[-1].mean())
        assert row["without"] == pytest.approx(100 * b[-1].mean())
        assert row["share, %"] == pytest.approx(100 - 100 * b[-1].mean() / a[-1].mean())
    # the noise is the same in both, so that its size moves the standardised slopes alone
    assert table.loc[("output", "log points", 70), "share, %"] == pytest.approx(40, abs=1)


@settings(max_examples=50, deadline=None)
@given(mean=st.floats(-0.006, 0.006), sd=st.floats(0.006, 0.0075))
def test_a_mix_of_zones_has_the_rates_asked_for(mean, sd):
    sizes = np.linspace(0.5, 0.9, 5)
    counts = regions.mix(sizes, 0.01, mean, sd, zones=50_000)
    rates = np.repeat([g for _, g in counts], list(counts.values()))
    assert len(rates) == 50_000 and list(counts)[:2] == [(0.5, -0.01), (0.5, 0.0)]
    assert rates.mean() == pytest.approx(mean, abs=1e-6)
    assert rates.std() == pytest.approx(sd, abs=1e-5)
    by_size = [sum(n for (k, _), n in counts.items() if k == size) for size in sizes]
    assert np.ptp(by_size) <= 1


def test_zones_that_are_specialized_by_chance_forget_it():
    panel = regions.by_chance(P, zones=2000, histories=1, bonds=20, capital=8)
    # with k_A uniform on [0.1, 0.9] and equal productivities the Gini is |s(k) - 1/2|
    k = np.random.default_rng(0).uniform(0.1, 0.9, 100_000)
    s = k**0.32 / (k**0.32 + (1 - k) ** 0.32)
    assert panel["gini"][0].mean() == pytest.approx(np.abs(s - 0.5).mean(), abs=0.01)
    late = panel["share"][[0, -1], 0] - 0.5
    assert abs(np.corrcoef(late)[0, 1]) < 4 / np.sqrt(2000)


def test_pool_takes_the_first_zones_of_each_kind():
    one, two = (np.arange(12.0).reshape(2, 2, 3) + x for x in (0, 100))
    panel = regions.pool({"a": {"y": one}, "b": {"y": two}}, {"a": 2, "b": 1})
    assert panel["y"].shape == (2, 2, 3)
    assert panel["y"][0, 0].tolist() == [0, 1, 100]


def test_bad_input():
    with pytest.raises(DataError, match="k_A = 1.5; valid: between 0 and 1"):
        regions.experiment(P, {(1.5, 0.0): 3})
    with pytest.raises(DataError, match="'soft'; valid: market price"):
        regions.first_economy(P, 0.5, 0.0, "soft", **SIZE)
    with pytest.raises(DataError, match="news 'rumour'; valid: foreseen, unforeseen"):
        regions.experiment(P, {(0.5, 0.0): 3}, news="rumour")
    with pytest.raises(DataError, match=r"mean 0.02 and sd 0 of rates ±0.01 and 0; valid"):
        regions.mix([0.5], 0.01, 0.02, 0.0)


def test_a_pool_takes_no_more_zones_than_there_are():
    panels = {"one": {"y": np.zeros((11, 2, 3))}}
    assert regions.pool(panels, {"one": 3})["y"].shape == (11, 2, 3)
    with pytest.raises(DataError, match="4 zones of kind one; valid: at most 3"):
        regions.pool(panels, {"one": 4})
    with pytest.raises(DataError, match="kind two; valid: at most 0"):
        regions.pool(panels, {"two": 1})
