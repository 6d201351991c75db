import dataclasses

import numpy as np
import pandas as pd
import pytest
from specialization.data import schema, vintages
from specialization.data.schema import Panel, cube_from_long
from specialization.errors import DataError
from specialization.report import results


def small():
    """A panel of two years, two zones and three industries."""
    zones = pd.DataFrame({"name": ["A", "B"], "state": ["OH", "NY"], "division": ["x", "y"],
                          "rustbelt": [True, True], "lat": [40.0, 43.0], "lon": [-84.0, -77.0]},
                         index=pd.Index([1, 2], name="zone"))
    industries = schema.industry_table([10, 20, 30], ["farms", "cars", "shops"],
                                       ["agriculture", "manufacturing", "retail"])
    index = pd.MultiIndex.from_product([[1, 2], [1980, 1990]], names=["zone", "year"])
    controls = pd.DataFrame({"income_per_head": 100.0, "population": 10.0,
                             "high_skill_share": 0.2, "old_age_dependency": 15.0,
                             "female_share": np.nan}, index=index)
    return {"vintage": "synthetic", "years": np.array([1980, 1990]),
            "zones": zones, "industries": industries,
            "cubes": {"income": np.arange(1.0, 13.0).reshape(2, 2, 3)}, "controls": controls}


def with_cube(value, cell=(1, 0, 2)):
    parts = small()
    parts["cubes"]["income"][cell] = value
    return parts


def test_a_panel_gives_its_parts():
    panel = Panel(**small())
    np.testing.assert_array_equal(panel.cube("income", 1990)[0], [7, 8, 9])
    np.testing.assert_array_equal(panel.control("population", 1980), [10, 10])
    assert panel.industries["tradable"].tolist() == [True, True, False]
    assert panel.industries["tradable_narrow"].tolist() == [False, True, False]
    with pytest.raises(dataclasses.FrozenInstanceError):
        panel.vintage = "other"


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_bad_cell_is_named(value):
    words = f"income: {value} in year 1990, zone 1, industry 30.*valid: finite"
    with pytest.raises(DataError, match=words):
        Panel(**with_cube(value))


def test_zone_without_industry():
    words = "income: 0.0 in year 1980, zone 2 .1 such.; valid: some industry"
    with pytest.raises(DataError, match=words):
        Panel(**with_cube(0.0, (0, 1)))


@pytest.mark.parametrize("table, column, value, words", [
    ("zones", "lat", 120.0, "Column 'lat' .*in_range.-90, 90.* 120.0"),
    ("industries", "sector", "magic", "Column 'sector' .*isin.*agriculture.* magic"),
    ("controls", "population", -5.0, "Column 'population' .*greater_than.0.* -5.0"),
    ("controls", "female_share", 1.5, "Column 'female_share' .*in_range.0, 1.* 1.5"),
    ("controls", "income_per_head", np.nan, ".*'income_per_head' contains null .* 1 1980"),
])
def test_bad_table_entry_is_named(table, column, value, words):
    parts = small()
    parts[table] = parts[table].copy()
    parts[table].loc[parts[table].index[0], column] = value
    with pytest.raises(DataError, match=f"table {table}: {words}"):
        Panel(**parts)


@pytest.mark.parametrize("table", ["zones", "industries", "controls"])
def test_duplicate_key_and_missing_column(table):
    parts = small()
    frame = parts[table]
    with pytest.raises(DataError, match=f"table {table}"):
        Panel(**parts | {table: pd.concat([frame, frame.iloc[:1]])})
    with pytest.raises(DataError, match=f"table {table}"):
        Panel(**parts | {table: frame.drop(columns=frame.columns[1])})
    with pytest.raises(DataError, match=f"table {table}.*extra"):
        Panel(**parts | {table: frame.assign(extra=1)})


def test_wrong_shape_and_unknown_variable():
    parts = small()
    with pytest.raises(DataError, match=r"shape \(1, 2, 3\); valid: .* of shape \(2, 2, 3\)"):
        Panel(**parts | {"cubes": {"income": parts["cubes"]["income"][:1]}})
    with pytest.raises(DataError, match="variable 'wealth' of shape .*; valid: .*income"):
        Panel(**parts | {"cubes": {"wealth": parts["cubes"]["income"]}})
    with pytest.raises(DataError, match="table controls: no row for zone 1 in 1980 \\(1 such"):
        Panel(**parts | {"controls": parts["controls"].iloc[1:]})


@pytest.mark.parametrize("call, words", [
    (lambda p: p.cube("income", 1960), "no 'income' in year 1960; valid: .* in \\[1980, 1990\\]"),
    (lambda p: p.cube("employment"), "no 'employment' in year None; valid: \\['income'\\]"),
    (lambda p: p.control("wealth", 1980), "no control 'wealth' in year 1980; valid: .*population"),
    (lambda p: p.control("population", 1960), "'population' in year 1960; valid: .*1980, 1990"),
])
def test_unknown_keys(call, words):
    with pytest.raises(DataError, match=words):
        call(Panel(**small()))


LONG = pd.DataFrame({"year": [1980, 1980, 1990], "zone": [1, 2, 1], "industry": [10, 20, 10],
                     "y": [1.0, 2.0, 3.0]})


def cube(frame):
    return cube_from_long(frame, "y", [1980, 1990], [1, 2], [10, 20], "file.csv")


def test_cube_from_long():
    expected = np.zeros((2, 2, 2))
    expected[0, 0, 0], expected[0, 1, 1], expected[1, 0, 0] = 1, 2, 3
    np.testing.assert_array_equal(cube(LONG.sample(frac=1, random_state=0)), expected)


@pytest.mark.parametrize("frame, words", [
    (pd.concat([LONG, LONG.iloc[:1]]), "zone 1, industry 10, y 1.0 .*valid: each cell once"),
    (LONG.assign(zone=[1, 2, 7]), "column 'zone': year 1990, zone 7, .*valid: 2 values, 1 to 2"),
    (LONG.assign(year=[1980, 1980, 1991]), "column 'year': year 1991, zone 1, "),
    (LONG.assign(industry=[10, 20, 11]), "column 'industry': year 1990, zone 1, industry 11"),
])
def test_cube_from_long_names_what_is_wrong(frame, words):
    with pytest.raises(DataError, match=f"file.csv.*{words}"):
        cube(frame)


def test_vintages(monkeypatch, tmp_path):
    with pytest.raises(DataError, match="unknown vintage 'real'; valid: synthetic, public, ipums"):
        vintages.load("real")
    with pytest.raises(DataError, match="no classification 'sectors'"):
        vintages.load("synthetic", "sectors")
    with pytest.raises(DataError, match="no vintage 'imagined' here; valid: synthetic, public"):
        results.choose("synthetic,imagined")
    monkeypatch.setenv("SPECIALIZATION_OFFLINE", "1")
    assert vintages.available() == ["synthetic"]
    assert results.choose() == ["synthetic", "public"]      # stored results stand in
    assert "results stored from data" in results.describe(["public"])
    with pytest.raises(DataError, match="no vintage 'ipums' here; .*an extract in data/ipums"):
        results.choose("ipums")
    (tmp_path / "ipums").mkdir()
    (tmp_path / "ipums" / "usa_00001.xml").touch()
    monkeypatch.setattr(vintages, "IPUMS", tmp_path / "ipums")         # an extract needs no public data
    assert vintages.available() == results.choose("synthetic, ipums") == ["synthetic", "ipums"]
