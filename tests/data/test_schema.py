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
    zones = pd.DataFrame(
        {
            "name": ["A", "B"],
            "state": ["OH", "NY"],
            "division": ["x", "y"],
            "rustbelt": [True, True],
            "lat": [40.0, 43.0],
            "lon": [-84.0, -77.0],
        },
        index=pd.Index([1, 2], name="zone"),
    )
    industries = schema.industry_table(
        [10, 20, 30], ["farms", "cars", "shops"], ["agriculture", "manufacturing", "retail"]
    )
    index = pd.MultiIndex.from_product([[1, 2], [1980, 1990]], names=["zone", "year"])
    controls = pd.DataFrame(
        {
            "income_per_head": 100.0,
            "population": 10.0,
            "high_skill_share": 0.2,
            "old_age_dependency": 15.0,
            "female_share": np.nan,
        },
        index=index,
    )
    return {
        "vintage": "synthetic",
        "years": np.array([1980, 1990]),
        "zones": zones,
        "industries": industries,
        "cubes": {"income": np.arange(1.0, 13.0).reshape(2, 2, 3)},
        "controls": controls,
    }


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


@pytest.mark.parametrize(
    "table, column, value, row, valid",
    [
        ("zones", "lat", 120.0, "zone 1, lat 120.0", "-90 to 90, or NaN"),
        ("zones", "lat", np.inf, "zone 1, lat inf", "-90 to 90, or NaN"),
        ("zones", "lat", "north", "zone 1, lat north", "-90 to 90, or NaN"),
        ("zones", "lon", -181.0, "zone 1, lon -181.0", "-180 to 180, or NaN"),
        ("zones", "name", 7, "zone 1, name 7", "text"),
        ("zones", "rustbelt", "yes", "zone 1, rustbelt yes", "True or False"),
        ("industries", "sector", "magic", "industry 10, sector magic", "one of agriculture, "),
        ("industries", "label", np.nan, "industry 10, label nan", "text"),
        ("controls", "population", -5.0, "zone 1, year 1980, population -5.0", "finite, > 0"),
        ("controls", "population", np.inf, "zone 1, year 1980, population inf", "finite, > 0"),
        ("controls", "population", "many", "zone 1, year 1980, population many", "finite, > 0"),
        (
            "controls",
            "income_per_head",
            -1.0,
            "zone 1, year 1980, income_per_head -1.0",
            "finite, > 0",
        ),
        (
            "controls",
            "income_per_head",
            np.nan,
            "zone 1, year 1980, income_per_head nan",
            "finite, > 0",
        ),
        ("controls", "female_share", 1.5, "zone 1, year 1980, female_share 1.5", "0 to 1, or NaN"),
    ],
)
def test_bad_table_entry_is_named(table, column, value, row, valid):
    parts = small()
    parts[table] = parts[table].astype({column: object})
    parts[table].loc[parts[table].index[0], column] = value
    with pytest.raises(DataError) as caught:
        Panel(**parts)
    assert str(caught.value).startswith(
        f"synthetic, table {table}, column '{column}': {row} (1 such rows); valid: {valid}"
    )


def test_zones_named_by_strings():
    words = "table {}, column 'zone': zone a.*valid: integers"
    zones, controls = (small()[k].rename({1: "a"}, level="zone") for k in ("zones", "controls"))
    for name, parts in {
        "zones": {"zones": zones, "controls": controls},
        "controls": {"controls": controls},
    }.items():
        with pytest.raises(DataError, match=words.format(name)):
            Panel(**small() | parts)
    with pytest.raises(DataError, match="industries, column 'industry': industry cars.*integers"):
        schema.industry_table(["cars"], ["cars"], ["manufacturing"])
    with pytest.raises(DataError, match="2 codes, 1 labels, 1 sectors; valid: as many of each"):
        schema.industry_table([1, 2], ["cars"], ["manufacturing"])


@pytest.mark.parametrize(
    "years", [[1990, 1980], [1980, 1980], ["1980", "1990"], [1980.5, 1990], []]
)
def test_years_are_integers_in_order(years):
    with pytest.raises(DataError, match="synthetic, years: .*valid: integers, increasing"):
        Panel(**small() | {"years": np.array(years)})


@pytest.mark.parametrize("table", ["zones", "industries", "controls"])
def test_duplicate_key_and_missing_column(table):
    parts = small()
    frame = parts[table]
    key = {"zones": "zone 1", "industries": "industry 10", "controls": "zone 1, year 1980"}[table]
    for changed, words in (
        (pd.concat([frame, frame.iloc[:1]]), f": {key} .1 such rows.; valid: each key once"),
        (frame.drop(columns=frame.columns[1]), f", column '{frame.columns[1]}': missing"),
        (frame.assign(extra=1), ", column 'extra': unknown; valid: "),
        (pd.concat([frame, frame.iloc[:, :1]], axis=1), ": stands twice"),
        (frame.reset_index(), ": DataFrame with index .*valid: a DataFrame with index"),
        (frame.to_numpy(), ": ndarray with index"),
    ):
        with pytest.raises(DataError, match=f"table {table}.*{words}"):
            Panel(**parts | {table: changed})


def test_wrong_shape_and_unknown_variable():
    parts = small()
    with pytest.raises(DataError, match=r"shape \(1, 2, 3\); valid: .* of shape \(2, 2, 3\)"):
        Panel(**parts | {"cubes": {"income": parts["cubes"]["income"][:1]}})
    with pytest.raises(DataError, match="variable 'wealth' of shape .*; valid: .*income"):
        Panel(**parts | {"cubes": {"wealth": parts["cubes"]["income"]}})
    for cube in (parts["cubes"]["income"].astype(str), parts["cubes"]["income"].tolist()):
        with pytest.raises(DataError, match="synthetic, income: .*valid: an array of numbers"):
            Panel(**parts | {"cubes": {"income": cube}})
    with pytest.raises(DataError, match="table controls: no row for zone 1 in 1980 \\(1 such"):
        Panel(**parts | {"controls": parts["controls"].iloc[1:]})


@pytest.mark.parametrize(
    "call, words",
    [
        (
            lambda p: p.cube("income", 1960),
            "no 'income' in year 1960; valid: .* in \\[1980, 1990\\]",
        ),
        (lambda p: p.cube("employment"), "no 'employment' in year None; valid: \\['income'\\]"),
        (
            lambda p: p.control("wealth", 1980),
            "no control 'wealth' in year 1980; valid: .*population",
        ),
        (
            lambda p: p.control("population", 1960),
            "'population' in year 1960; valid: .*1980, 1990",
        ),
    ],
)
def test_unknown_keys(call, words):
    with pytest.raises(DataError, match=words):
        call(Panel(**small()))


LONG = pd.DataFrame(
    {"year": [1980, 1980, 1990], "zone": [1, 2, 1], "industry": [10, 20, 10], "y": [1.0, 2.0, 3.0]}
)


def cube(frame):
    return cube_from_long(frame, "y", [1980, 1990], [1, 2], [10, 20], "file.csv")


def test_cube_from_long():
    expected = np.zeros((2, 2, 2))
    expected[0, 0, 0], expected[0, 1, 1], expected[1, 0, 0] = 1, 2, 3
    np.testing.assert_array_equal(cube(LONG.sample(frac=1, random_state=0)), expected)


@pytest.mark.parametrize(
    "frame, words",
    [
        (pd.concat([LONG, LONG.iloc[:1]]), "zone 1, industry 10, y 1.0 .*valid: each cell once"),
        (
            LONG.assign(zone=[1, 2, 7]),
            "column 'zone': year 1990, zone 7, .*valid: 2 values, 1 to 2",
        ),
        (LONG.assign(year=[1980, 1980, 1991]), "column 'year': year 1991, zone 1, "),
        (LONG.assign(industry=[10, 20, 11]), "column 'industry': year 1990, zone 1, industry 11"),
    ],
)
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
    assert list(results.choose()) == ["synthetic", "public"]  # stored results stand in
    assert "results stored from data" in results.describe_sources(["public"])
    with pytest.raises(DataError, match="no vintage 'ipums' here; .*an extract in data/ipums"):
        results.choose("ipums")
    (tmp_path / "ipums").mkdir()
    (tmp_path / "ipums" / "._usa_00001.xml").touch()
    monkeypatch.setattr(vintages, "IPUMS", tmp_path / "ipums")
    assert vintages.available() == ["synthetic"]
    (tmp_path / "ipums" / "usa_00001.XML").touch()
    assert vintages.available() == ["synthetic", "ipums"]  # an extract needs no public data
    assert list(results.choose("synthetic, ipums")) == ["synthetic", "ipums"]
