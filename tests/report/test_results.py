import json
import os
import re

import numpy as np
import pandas as pd
import pytest
from specialization.data import vintages
from specialization.errors import DataError
from specialization.facts import describe
from specialization.measures import gini
from specialization.report import results, tables
from specialization.store import dependencies


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store, one result, and the synthetic panel in the place of the public one."""
    monkeypatch.setattr(results, "STORE", tmp_path / "results")
    monkeypatch.setattr(
        results,
        "RESULTS",
        {
            "moments": {"compute": "describe.gini_moments"},
            "switches": {"compute": "describe.gini_switches"},
        },
    )
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(vintages, "available", lambda: ["synthetic", "public"])
    monkeypatch.setattr(vintages, "load", lambda *_: synthetic_panel())
    return tmp_path / "results"


def synthetic_panel():
    from specialization.data import synthetic

    return synthetic.panel()


def offline(monkeypatch):
    monkeypatch.setattr(vintages, "available", lambda: ["synthetic"])


def test_stored_and_read_again(store, monkeypatch):
    results.store()
    computed = results.get("moments", "public")
    offline(monkeypatch)
    stored = results.get("moments", "public")
    pd.testing.assert_frame_equal(stored, computed, rtol=1e-5, check_dtype=False)
    assert results.check() == []
    assert sorted(p.name for p in store.iterdir()) == ["keys.json", "moments.csv", "switches.csv"]


def test_what_is_not_there_is_said(store, monkeypatch):
    offline(monkeypatch)
    with pytest.raises(DataError, match="moments.csv: no stored result; `make results`"):
        results.get("moments", "public")
    with pytest.raises(DataError, match="moments: no data of vintage 'ipums' here"):
        results.get("moments", "ipums")
    with pytest.raises(DataError, match="unknown result 'wages'; valid: moments, switches"):
        results.get("wages", "synthetic")
    with pytest.raises(DataError, match="moments: no source 'real'; valid: synthetic, public"):
        results.get("moments", "real")


def test_parameters_are_checked_where_nothing_is_computed(store, monkeypatch):
    results.store()
    offline(monkeypatch)
    assert len(results.get("switches", "public", variable="employment"))  # as stored
    with pytest.raises(DataError, match="switches: no parameter 'varable'; valid: variable"):
        results.get("switches", "public", varable="income")
    words = "switches: the public data are not here, .* variable = 'employment', not 'income'"
    with pytest.raises(DataError, match=words):
        results.get("switches", "public", variable="income")


def test_changed_parameters_data_or_code_are_stale(store, monkeypatch):
    results.store()
    other = results.RESULTS["switches"] | {"variable": "income"}
    monkeypatch.setitem(results.RESULTS, "switches", other)
    assert results.stale("switches") == "parameters" and results.check() == ["switches"]
    monkeypatch.setattr(results.download, "data_hash", lambda: "other")
    assert results.stale("moments") == "data"
    keys = json.loads((store / "keys.json").read_text())
    keys["moments"]["code"] = "0"
    (store / "keys.json").write_text(json.dumps(keys))
    assert results.stale("moments") == "code, data"


def test_a_stale_result_is_an_error_in_ci_only(store, monkeypatch):
    results.store()
    monkeypatch.setattr(results.download, "data_hash", lambda: "other")
    offline(monkeypatch)
    assert len(results.get("moments", "public"))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(DataError, match="is stale: data changed; run `make results`"):
        results.check()


def test_code_a_result_depends_on():
    found = dependencies("specialization.facts.describe")
    assert "specialization.measures" in found
    assert not any(m.startswith(("specialization.model", "specialization.report")) for m in found)


def test_a_table_changed_by_hand_is_stale(store):
    results.store()
    table = store / "moments.csv"
    table.write_text(table.read_text().replace("0.4", "0.5", 1))
    assert results.check() == ["moments"] and results.stale("moments") == "table"


def test_broken_keys_are_named(store):
    results.store()
    (store / "keys.json").write_text("{")
    with pytest.raises(DataError, match="results/keys.json: not JSON"):
        results.check()


def test_compare_names_what_differs(store):
    results.store()
    results.compare()
    table = pd.read_csv(store / "moments.csv")
    table.loc[3, "cv"] *= 1.001
    table.to_csv(store / "moments.csv", index=False)
    with pytest.raises(DataError, match='moments.csv.*column name="cv".*At positional index 3'):
        results.compare()
    table.iloc[:-1].to_csv(store / "moments.csv", index=False)
    words = r"moments.csv shape mismatch \[left\]: \(20, 8\) \[right\]: \(21, 8\)"
    with pytest.raises(DataError, match=words):
        results.compare()


def test_interrupted_store_leaves_the_old_table(store, monkeypatch):
    results.store()
    before = (store / "moments.csv").read_text()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DataError, match="No space"):
        results.store(["moments"])
    assert (store / "moments.csv").read_text() == before


def test_main_says_what_is_wrong(store, monkeypatch):
    with pytest.raises(DataError, match="'moments' is stale"):
        results.main(["--check"])
    results.main([])
    results.main(["--check"])
    offline(monkeypatch)
    with pytest.raises(DataError, match="run `make data` first"):
        results.main([])


def test_common_industries(panel):
    moments = describe.gini_moments(panel, common=True)
    assert (moments["industries"] == 150).all()
    cubes = {"income": np.array([[[1.0, 2, 3], [2, 1, 1]], [[1.0, 2, 0], [2, 1, 0]]])}
    part = type("Part", (), {"cubes": cubes, "years": np.array([1, 2])})()
    common = describe.gini_moments(part, common=True)
    assert (common["industries"] == 2).all()
    assert common["mean"].tolist() == pytest.approx([gini([[1, 2], [2, 1]]).mean()] * 2)


def test_switches_agree_with_the_moments(panel):
    switches = describe.gini_switches(panel, "income")
    base = switches[(switches["zeros"] == "counted") & (switches["reference"] == "equal")]
    moments = describe.gini_moments(panel).query("variable == 'income'")
    np.testing.assert_allclose(base["mean"], moments["mean"])
    np.testing.assert_allclose(base["baseline"], 1)
    assert len(switches) == 4 * len(panel.years)


def test_zone_measures_carry_place_and_controls(panel):
    table = describe.zone_measures(panel, "income")
    assert len(table) == 7 * 722
    assert table.notna().all(axis=None)
    row = table[(table["year"] == 1990) & (table["zone"] == 5)].iloc[0]
    y = panel.cube("income", 1990)
    assert row["gini"] == pytest.approx(gini(y[4]))
    national = y.sum(axis=0) / y.sum()
    assert row["krugman"] == pytest.approx(np.abs(y[4] / y[4].sum() - national).sum())
    assert row["population"] == pytest.approx(panel.control("population", 1990)[4])


def test_further_bases_are_shown_only_by_results_that_list_them():
    shown = results.choose("synthetic,public")
    assert shown.sources("bases") == ["synthetic", "public", "public, sectors", *results.BASES]
    states = {"dynamics_comovement", "dynamics_trend", "persistence"}
    for name in states:
        assert shown.sources(name)[3:] == ["states", "states, naics"]
    more = {"bases", "bases_horizons", "gini_moments", "tradeoff_lagged"}
    for name in set(results.RESULTS) - more - states:
        assert not set(shown.sources(name)) & set(results.BASES)
    assert results.public_sources("persistence_paths") == ["public, sectors"]
    with pytest.raises(DataError, match="persistence_cloud: no source 'states'; valid"):
        results.parameters_of("persistence_cloud", "states")


def test_each_public_source_has_a_file_of_its_own():
    files = {file for file, (name, _) in results._stored().items() if name == "bases"}
    assert files == {
        "bases",
        "bases_sectors",
        "bases_groups",
        "bases_groups_from_1969",
        "bases_states_sic",
        "bases_states_naics",
    }
    assert "persistence_paths" in results._stored() and "gini_moments_sectors" in results._stored()
    assert results.parameters_of("bases", "public, 1960 from 1969")["since"] == 1969
    assert results.parameters_of("bases", "states")["variable"] == "value_added"


def test_without_files_of_a_base_its_result_is_read_as_stored(monkeypatch):
    monkeypatch.setattr(vintages, "available", lambda: ["synthetic", "public"])
    monkeypatch.setattr("specialization.data.public.available", lambda: False)
    monkeypatch.setattr(vintages, "load", lambda *_: pytest.fail("the files are not here"))
    pd.testing.assert_frame_equal(
        results.get("bases", "states"), results.stored("bases", "states")
    )


@pytest.mark.public
@pytest.mark.slow
def test_the_stored_results_are_those_of_the_public_data():
    if "public" not in vintages.available():
        pytest.skip("the public data are not here: make data, or set SPECIALIZATION_MIRROR")
    results.check(strict=True)
    results.compare()


def test_no_stored_result_is_stale():
    assert results.check() == []


def test_published_tables():
    with pytest.raises(DataError, match="no table 'wages'; has \\["):
        tables.published("wages")
    t = tables.published_gini_moments().set_index(["variable", "year"])
    assert len(t) == 10
    assert t.loc[("employment", 2010)].to_dict() == {"mean": 0.50, "cv": 0.073, "p90_p10": 1.20}


def test_table_as_html_and_latex():
    table = tables.Table(pd.DataFrame({"x": [1.23456, np.nan]}), "Made up <data>", digits=3)
    page = table._repr_html_()
    assert "<figcaption>Made up &lt;data&gt;</figcaption>" in page
    assert re.search(r'<td class="[^"]*number[^"]*" *>1.235</td>', page) and "–" in page
    assert "<style" not in page and " id=" not in page
    named = tables.Table(pd.DataFrame({"x": [1]}, index=pd.Index(["a"], name="zone")), "Made up")
    assert named._repr_html_().count("<tr>") == 2 and ">zone</th>" in named._repr_html_()
    assert "\\caption{Made up <data>}" in table.to_latex() and "1.235" in table.to_latex()


@pytest.mark.parametrize("wanted", ["synthetic,synthetic", " synthetic , synthetic"])
def test_a_vintage_named_twice_is_shown_once(wanted):
    assert results.choose(wanted).names == ("synthetic",)
    assert results.choose("all ").names == results.choose("all").names


@pytest.mark.parametrize("there", [True, False])
def test_earnings_are_a_source_where_their_files_are(monkeypatch, there):
    monkeypatch.setattr(results.vintages, "available", lambda: ["synthetic", "public"])
    monkeypatch.setattr(
        results.vintages, "at_hand", lambda c: there or not c.startswith("earnings")
    )
    shown = results.choose("public")
    for name in ("gini_moments", "bases", "dynamics_comovement", "persistence"):
        found = [s for s in shown.sources(name) if s in results.EARNINGS]
        assert found == (list(results.EARNINGS) if there else [])
        assert not set(results.public_sources(name)) & set(results.EARNINGS)  # never stored
    for source in results.EARNINGS:
        assert not results.has("tradeoff_columns", source)
    assert not set(results.choose("synthetic").sources("bases")) & set(results.EARNINGS)
