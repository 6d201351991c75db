import numpy as np
import pytest
from specialization.errors import DataError
from specialization.model import amplification, equilibrium, readings, regions, simulation
from specialization.model.parameters import SMOOTH


@pytest.fixture(scope="module")
def solved():
    return readings.economies(SMOOTH, ("fixed limit", "no constraint"), 24, 6)


def test_a_response_from_one_state_is_that_of_the_paths(solved):
    start, paths = (len(solved["market price"].z) // 2, -0.3, 0.6), 400
    table = amplification.from_state(solved, -0.3, 0.6, periods=2, paths=paths)
    for variant, eq in solved.items():
        calm = simulation.simulate(eq, 2, paths, start)["c"].mean(axis=1)
        fall = simulation.impulse_response(eq, start, 0, 2.0, 2, paths)["c"]
        np.testing.assert_allclose(
            table.loc["consumption", variant], 100 * fall / calm, rtol=1e-12
        )
    # capital is in place: output of the first year cannot depend on who lends
    first = table.loc[("output", 0), list(solved)]
    np.testing.assert_allclose(first, first.iloc[0], rtol=1e-9)


def test_without_luck_in_the_first_year_draws_agree(solved):
    # two standard deviations are the lowest of three states, and there is one equilibrium
    one, many = (readings.same_state(solved, -0.3, 0.6, n, 50) for n in (2, 5))
    np.testing.assert_allclose(many["share"], one["share"], atol=1e-9)
    np.testing.assert_allclose(many["error"], 0, atol=1e-9)


def test_a_state_outside_the_box_is_refused(solved):
    with pytest.raises(DataError, match="start b"):
        readings.same_state(solved, -9.0, 0.5, 1, 10)


def test_zones_start_where_they_are_told():
    p = SMOOTH.but(σ=0.0, states=1)
    panel = regions.by_chance(
        p, zones=300, histories=1, bonds=20, capital=8, k=(0.1, 0.29), b=(-0.3, -0.1)
    )
    whole = regions.by_chance(p, zones=300, histories=1, bonds=20, capital=8)
    # shares of output rise with capital: A is the smaller industry, by much
    assert panel["share"][0].max() < 0.5 < whole["share"][0].max()
    assert panel["gini"][0].min() > whole["gini"][0].min()


def test_given_income_or_alone_are_the_two_regressions():
    rng = np.random.default_rng(3)
    gini = rng.uniform(0, 0.4, (2, 400))
    income = 2.0 * gini + rng.normal(0, 0.1, gini.shape)
    growth = -0.5 * gini + 0.3 * income
    panel = {"y": np.exp(np.stack([income, income + growth])), "gini": np.stack([gini, gini])}
    for given in (True, False):
        X = [np.ones(400), gini[0]] + [income[0]] * given
        b = np.linalg.lstsq(np.column_stack(X), growth[0], rcond=None)[0][1]
        found = regions.slopes(panel, given_income=given)[1][0, 0]
        assert found == pytest.approx(b * gini[0].std(), rel=1e-9)


def test_a_resting_region_is_that_of_the_accounting():
    table = readings.resting(SMOOTH, 0.5, bonds=24, capital=6, paths=200)
    eq = equilibrium.stored(
        amplification.region(SMOOTH, 0.5), equilibrium.default_grid(SMOOTH, 24, 6)
    )
    c = amplification.accounting(eq, paths=200)["consumption"]
    assert table["with"][0] == pytest.approx(100 * c[0])
    assert table["with"][1] == pytest.approx(100 * c.sum())
