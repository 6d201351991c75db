import numpy as np
import pandas as pd
import pytest
from specialization.facts import inference, power, tradeoff
from specialization.report import results, scoreboard


@pytest.fixture
def clustered():
    """Outcome, regressor, control and groups with errors common to a group; slope 1."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(30), 8)
    x, z = rng.normal(size=(2, 240))
    return x + z + rng.normal(size=30)[groups] + rng.normal(size=240), x, z[:, None], groups


def test_the_interval_holds_what_the_test_does_not_reject(clustered):
    y, x, Z, groups = clustered
    b = np.linalg.lstsq(np.column_stack([np.ones(240), x, Z]), y, rcond=None)[0][1]
    low, high = power.wild_interval(y, x, Z, groups, b, 0.1)
    for value, rejected in (
        (low - 0.01, True),
        (low + 0.01, False),
        (high - 0.01, False),
        (high + 0.01, True),
    ):
        p = inference.wild_cluster(y - value * x, x, Z, groups)
        assert (p < 0.05) == rejected


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    groups, covered = np.repeat(np.arange(20), 5), 0
    for _ in range(200):
        x, e = rng.normal(size=(2, 100))
        x, y = x + rng.normal(size=20)[groups], e + rng.normal(size=20)[groups]
        low, high = power.wild_interval(
            y, x, np.empty((100, 0)), groups, x @ y / (x @ x), 0.1, 199
        )
        covered += low <= 0 <= high
    assert covered / 200 == pytest.approx(0.95, abs=0.045)  # three simulation errors


def test_nothing_rejected_is_an_unbounded_interval():
    assert power.not_rejected(lambda b: False, 0.0, 1.0) == (-np.inf, np.inf)


def test_bases_are_the_columns_of_the_trade_off(panel):
    found = power.bases_table(panel, "income", [[1950, 2000], [1950, 2020]], draws=9)
    columns = tradeoff.columns_table(panel, "income", [[1950, 2020]])
    there = columns[columns["shift_share"] == "none"].set_index(["column", "row"])
    here = found[(found["end"] == 2020) | (found["years"] == 0)].set_index(["column", "row"])
    for name, other in (("estimate", "estimate"), ("se", "clustered"), ("adj_r2", "adj_r2")):
        np.testing.assert_allclose(here[name], there.loc[here.index, other])
    level = found[found["years"] == 0]
    assert len(level) == 14 and set(level["end"]) == {1950}  # once, whatever the ends


def test_against_scales_growth_by_years_and_leaves_levels():
    found = pd.DataFrame(
        {
            "estimate": [-0.1, 0.8],
            "se": 0.05,
            "p": [0.04, 0.001],
            "low": [-0.2, 0.7],
            "high": [-0.01, 0.9],
            "sd": [0.1, 0.1],
            "years": [35, 0],
        }
    )
    t = power.against(found, [-0.3, 0.6], [0.05, np.nan])
    assert t["published"].to_list() == [-0.15, 0.6]
    assert t["distance"].to_list() == pytest.approx([1.0, 4.0])
    assert t["rejects_published"].to_list() == [False, True] and t["rejects_zero"].all()
    assert t["effect"].to_list() == pytest.approx([-0.01 / 3.5, 0.08])
    assert t["published_effect"][0] == pytest.approx(-0.15 * 0.05 / 3.5)
    assert t["rejects_effect"].to_list() == [False, None]


def test_the_placebo_chose_the_method():
    placebo = results.stored("tradeoff_placebo")
    assert power.least_rejecting(placebo) == "wild"
    assert (placebo["wild"] < placebo[["hc1", "conley", "cluster"]].min(axis=1)).all()


def test_states_are_clustered_by_division():
    zones = pd.DataFrame({"state": ["OH", "NY"]})
    assert power.clusters(type("Panel", (), {"zones": zones})()) == ("division", 500)


def test_power_is_the_share_of_normal_estimates_that_reject():
    rng = np.random.default_rng(1)
    drawn = np.abs(rng.normal(-0.3, 0.2, 200_000) / 0.2) > inference.Z95
    assert power.power(-0.3, 0.2) == pytest.approx(drawn.mean(), abs=0.005)
    assert power.power(0.0, 0.2) == pytest.approx(0.05)


def test_summary_counts_designs_once_each():
    board = scoreboard.bases()
    found = power.summary(board)
    told = board["rejects_published"] | board["rejects_zero"]
    assert found["designs"].sum() == len(board) == found["neither"].sum() + told.sum()
    signs = found["zero, its sign"] + found["zero, other sign"]
    assert signs.sum() == board["rejects_zero"].sum()
    assert found["rejects print"].sum() == board["rejects_published"].sum()
