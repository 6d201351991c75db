"""Simulation against the solution it comes from, and accuracy against the targets of the book."""

from dataclasses import replace

import numba
import numpy as np
import pytest
from scipy.stats import kstest
from specialization.errors import DataError
from specialization.model import equations, simulation
from specialization.model.equilibrium import Grid, default_grid, solve
from specialization.model.parameters import PUBLISHED, SMOOTH

SMALL = SMOOTH.but(states=(2, 2))


@pytest.fixture(scope="module")
def smooth():
    return solve(SMOOTH, default_grid(SMOOTH, 100, 16))


@pytest.fixture(scope="module")
def small():
    return solve(SMALL, default_grid(SMALL, 30, 9))


def test_draws_are_uniform_and_independent():
    x = np.array([[simulation.uniform(7, n, t) for t in range(200)] for n in range(200)])
    assert kstest(x.ravel(), "uniform").pvalue > 0.01
    for a, b in ((x[:, 1:], x[:, :-1]), (x[1:], x[:-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(a.size)
    other = np.array([simulation.uniform(8, n, 0) for n in range(200)])
    assert abs(np.corrcoef(other, x[:, 0])[0, 1]) < 0.3


@pytest.mark.parametrize("exact", [False, True])
def test_same_seed_same_numbers_whatever_the_threads(small, exact):
    before = numba.get_num_threads()
    paths = []
    for threads, regions in ((1, 600), (before, 600), (1, 40)):
        numba.set_num_threads(threads)
        paths.append(simulation.simulate(small, 15, regions, seed=5, exact=exact))
    numba.set_num_threads(before)
    for name, x in paths[0].items():
        assert (x == paths[1][name]).all() and (x[:, :40] == paths[2][name]).all()
    other = simulation.simulate(small, 15, 600, seed=6, exact=exact)
    assert (other["s"] != paths[0]["s"]).any()


def test_productivity_follows_the_chain(small):
    s = simulation.simulate(small, 400, 500, seed=2)["s"].astype(int)
    counts = np.zeros((4, 4))
    np.add.at(counts, (s[:-1].ravel(), s[1:].ravel()), 1)
    assert np.allclose(counts / counts.sum(axis=1, keepdims=True), small.P, atol=0.01)


@pytest.mark.parametrize("exact", [False, True])
def test_every_period_meets_the_resource_constraint(small, exact):
    x = simulation.simulate(small, 30, 50, seed=3, exact=exact, start=(1, -0.3, 0.3))
    k, y = (np.stack([v, 1 - v], axis=-1) for v in (x["k"], x["k_next"]))
    output = equations.production(small.z[x["s"].astype(int)], k, SMALL).sum(axis=-1)
    assert np.allclose(output, x["y"])
    spent = x["c"] + x["b_next"] / SMALL.R + equations.Φ(k, y, SMALL).sum(axis=-1)
    assert np.allclose(spent, output + x["b"], atol=1e-12)
    assert (x["b"][1:] == x["b_next"][:-1]).all() and (x["k"][1:] == x["k_next"][:-1]).all()


def test_interpolated_paths_stay_near_solved_ones(smooth):
    a, b = (
        simulation.simulate(smooth, 60, 100, seed=1, start=(4, -0.25, 0.3), exact=e)
        for e in (True, False)
    )
    for name in ("c", "q", "b", "k"):
        assert np.abs(a[name] - b[name]).max() < 0.02 * np.abs(a[name]).max()
        assert np.abs(a[name] - b[name]).mean() < 1e-3 * np.abs(a[name]).max()


def test_given_shocks_and_recorded_periods(small):
    shocks = np.tile([0, 3, 1], (5, 1))
    x = simulation.simulate(small, 5, 3, shocks=shocks, record=[0, 4])
    assert (x["s"] == shocks[[0, 4]]).all()
    every = simulation.simulate(small, 5, 3, shocks=shocks)
    assert (x["c"] == every["c"][[0, 4]]).all()


def test_a_list_of_equilibria_is_one_for_each_period(small):
    low = solve(SMALL.but(θ=0.05), small.grid)
    x = simulation.simulate([small, low], 2, 50, seed=4, exact=True)
    now = simulation.simulate(small, 2, 50, seed=4, exact=True)
    assert (x["c"][0] == now["c"][0]).all() and (x["c"][1] != now["c"][1]).any()


@pytest.mark.parametrize("start", [(4, 0.0, 0.5), (0, -9.0, 0.5), (0, 0.0, 0.99)])
def test_a_start_outside_the_box_is_one_clear_error(small, start):
    with pytest.raises(DataError, match="start"):
        simulation.simulate(small, 2, 3, start=start)


def test_accuracy_of_the_smooth_calibration(smooth):
    path = simulation.ergodic(smooth, regions=100, periods=60)
    table = simulation.accuracy(smooth, path)
    every = table[table["states"] == "all"]
    assert (every["mean"] <= -4.5).all() and (every["p99"] <= -3).all()
    both = table.set_index(["equation", "states"])["share"]["bonds"]
    assert 0.1 < both["binding"] < 0.4 and np.isclose(both["binding"] + both["slack"], 1)
    assert table.attrs["min slack"] > -1e-8 and table.attrs["min multiplier"] >= 0
    assert table.attrs["max product"] < 1e-8 and table.attrs["near edge"] == 0
    m = simulation.moments(smooth, path)
    assert np.isclose(m["sd q"], path["q"].std()) and m["near edge"] == 0
    assert -0.25 < m["NFA/Y"] < -0.17 and np.isclose(m["mean k_A"], 0.5, atol=0.01)


def test_euler_errors_see_a_wrong_price(smooth):
    path = simulation.ergodic(smooth, regions=20, periods=5, burn=50)
    wrong = path | {"q": path["q"] * 1.01}
    e = simulation.euler_errors(smooth, wrong)
    expected = 1 - 1.01 ** (1 / SMOOTH.γ)
    assert np.allclose(e["capital A"], abs(expected), rtol=0.1)
    assert (e["bonds"] == simulation.euler_errors(smooth, path)["bonds"]).all()


def test_finer_grids_have_smaller_errors():
    means = []
    for n in (25, 50, 100):
        eq = solve(SMALL, default_grid(SMALL, n, n // 4 + 5))
        path = simulation.ergodic(eq, regions=40, periods=20)
        means.append(np.log10(simulation.euler_errors(eq, path)["bonds"]).mean())
    assert means[0] > means[1] + 0.2 and means[1] > means[2] + 0.2


def test_impulse_response(smooth):
    start = (4, -0.25, 0.5)
    none = simulation.impulse_response(smooth, start, size_in_sd=0.0, periods=5, paths=50)
    assert (none == 0).all().all()
    r = simulation.impulse_response(smooth, start, periods=12, paths=20000, size_in_sd=1.0)
    assert np.isclose(r["z"][0], -0.06, atol=2e-3) and np.isclose(r.attrs["size"], 1, atol=0.03)
    assert np.allclose(r["z"], r["z"][0] * 0.5 ** np.arange(12), atol=2e-3)
    k = np.array([0.5, 0.5])
    levels = smooth.z[[4, 1]]
    fall = np.diff(equations.production(levels, k, SMOOTH).sum(axis=-1))[0]
    assert np.isclose(r["y"][0], fall * r["z"][0] / (levels[1, 0] - levels[0, 0]), rtol=1e-6)
    assert r["c"][0] < 0 and r["q"][0] < 0 and r["k"][0] == 0 and r["k"][1] < 0
    other = simulation.impulse_response(smooth, start, 1, 1.0, 12, 20000)
    assert np.allclose(other["y"], r["y"], atol=2e-3) and other["k"][1] > 0


def test_impulse_response_is_cut_at_the_lowest_state(smooth):
    r = simulation.impulse_response(smooth, (1, -0.25, 0.5), size_in_sd=2.0, periods=2, paths=10)
    assert r.attrs["size"] == 0


@pytest.mark.parametrize("change", [{"σ": (0.06, 0.0)}, {"states": (2, 1)}])
def test_an_industry_without_shocks_has_no_impulse_response(change):
    p = SMALL.but(**change)
    eq = solve(p, default_grid(p, 16, 6))
    with pytest.raises(DataError, match="industry B has no shock"):
        simulation.impulse_response(eq, (0, -0.2, 0.5), 1, periods=2, paths=10)
    with pytest.raises(DataError, match="valid: 0"):
        simulation.impulse_response(eq, (0, -0.2, 0.5), 2, periods=2, paths=10)
    r = simulation.impulse_response(eq, (1, -0.2, 0.5), 0, 1.0, periods=2, paths=10)
    assert r["z"][0] < 0


def with_instruments(p, bonds, capital):
    # even nodes: a tax on debt makes people save
    grid = Grid(np.linspace(-0.55, 0.6, bonds), default_grid(p, 20, capital).k)
    return solve(p, grid, rates=np.broadcast_to([0.01, 0.1, -0.1], (4, bonds, capital, 3)))


@pytest.mark.parametrize("timing", ["predetermined", "current"])
def test_euler_errors_and_robustness_know_the_instruments(timing):
    p = SMALL.but(timing=timing)
    taxed = with_instruments(p, 300, 28)
    path = simulation.ergodic(taxed, regions=40, periods=20, burn=80)
    equations = ["bonds", "capital A", "capital B"]
    errors = simulation.euler_errors(taxed, path)[equations].mean()
    untaxed = replace(taxed, rates=0 * taxed.rates)
    blind = simulation.euler_errors(untaxed, path)[equations].mean()
    assert (errors < 1e-3).all() and (blind > 5 * errors).all()
    if timing == "predetermined":
        coarse = with_instruments(p, 100, 14)
        table = simulation.robustness(coarse, regions=40, periods=20, burn=80)
        assert table.loc["NFA/Y"].max() - table.loc["NFA/Y"].min() < 0.01
        assert table.loc["largest move", "tighter"] < 1e-4


def test_robustness_table():
    eq = solve(SMALL, default_grid(SMALL, 60, 12))
    table = simulation.robustness(eq, regions=50, periods=40, burn=60)
    nfa = table.loc["NFA/Y"]
    assert np.abs(nfa - nfa["this"]).max() < 0.005
    assert table.loc["largest move", "tighter"] < 1e-4


@pytest.mark.slow
def test_published_calibration_away_from_the_threshold():
    eq = solve(PUBLISHED, default_grid(PUBLISHED, 100, 9))
    table = simulation.accuracy(eq).set_index(["states", "equation"])
    assert (table.loc["away", "mean"] <= -4.5).all() and (table.loc["away", "p99"] <= -3).all()
    assert eq.several > 0 and table.attrs["min slack"] > -1e-8


def test_regions_near_the_edge_are_counted(small):
    b, k = small.grid.b, small.grid.k
    assert small.near_edge(
        np.array([b[0], b[5], b[-1], b[5]]), np.array([k[4], k[4], k[4], k[0]])
    ).tolist() == [1, 0, 1, 1]
