"""The public vintage: county repairs on made-up frames, the panels on the real files."""

import os
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xlrd
from specialization import store
from specialization.data import download, public
from specialization.data.schema import SECTORS, ZONES
from specialization.errors import DataError
from specialization.store import TABLES

ZONE_OF = pd.Series({12025: 7000, 8013: 28900, 8001: 28900, 2020: 34111})
REPAIRS = pd.read_csv(TABLES / "county_repairs.csv", index_col="county", encoding="utf-8")[
    "county_1990"
]


# Counties


def test_new_codes_go_to_the_zone_of_the_old():
    frame = pd.DataFrame({"county": [12086, 8014, 8001], "people": [1, 2, 3]})
    matched, notes = public.match_zones(frame, ZONE_OF, "made up")
    assert matched["zone"].tolist() == [7000, 28900, 28900]
    assert matched["people"].tolist() == [1, 2, 3]
    assert notes == {"repaired counties": [8014, 12086], "counties outside": []}


def test_alaska_and_hawaii_are_left_out_and_listed():
    frame = pd.DataFrame({"county": [15003, 8001, 2020, 2020]})
    matched, notes = public.match_zones(frame, ZONE_OF, "made up")
    assert matched["zone"].tolist() == [28900]
    assert notes["counties outside"] == [2020, 15003]


def test_county_without_a_zone_is_an_error():
    frame = pd.DataFrame({"county": [8001, 51901]})  # repaired to a county that is not there
    with pytest.raises(DataError, match="made up, column 'county': county 51901 .*1 such.*valid"):
        public.match_zones(frame, ZONE_OF, "made up")


def test_bea_quotes_gaps_and_footnotes(tmp_path):
    path = tmp_path / "bea.csv"
    path.write_text(
        "GeoFIPS,GeoName,Region,LineCode,Unit,1969,1970\n"
        ' """12086""",Miami,5,1,x,500,600\n ""12086"",Miami,5,2,x,50,60\n'
        ' "08014",Broomfield,7,1,x,(NA),7\n "08014",Broomfield,7,2,x,(NA),2\n'
        ' "08014",Broomfield,7,3,x,(NA),3500\n'
        '"Note: see the footnotes, really",,,,,,\n',
        encoding="latin-1",
    )
    table = public.read_bea(path)
    assert table.to_dict("list") == {
        "county": [8014, 12086, 12086],
        "year": [1970, 1969, 1970],
        "income": [7000, 500_000, 600_000],
        "population": [2, 50, 60],
    }


def test_repairs_change_codes_once():
    assert REPAIRS.index.is_unique and not set(REPAIRS) & set(REPAIRS.index)
    assert (REPAIRS.index // 1000 == REPAIRS // 1000).all()


# Shares and tables


def test_shares_sum_to_one_after_renormalising():
    raw = np.array([[[0.5, 0.48], [0.2, 0.8]]])
    shares, sums = public.renormalise(raw, [1990], [100, 200])
    np.testing.assert_allclose(shares, [[[0.5 / 0.98, 0.48 / 0.98], [0.2, 0.8]]])
    assert sums == {
        "1990": {
            "smallest": pytest.approx(0.98),
            "mean": pytest.approx(0.99),
            "largest": pytest.approx(1.0),
        }
    }


@pytest.mark.parametrize("total", [0.94, 1.06, np.nan, 0.0])
def test_sum_far_from_one_is_an_error(total):
    raw = np.array([[[0.5, 0.5], [total, 0.0]]])
    words = "column 'sum': year 1990, zone 200, sum .*valid: 0.95 to 1.05"
    with pytest.raises(DataError, match=words):
        public.renormalise(raw, [1990], [100, 200])


@pytest.mark.parametrize(
    "file, number", [("industries_ind1990.csv", 228), ("industries_naics.csv", 20)]
)
def test_industry_tables(file, number):
    table = pd.read_csv(TABLES / file, encoding="utf-8")
    assert len(table) == number
    assert table["code"].is_monotonic_increasing and table["code"].is_unique
    assert table["label"].is_unique and set(table["sector"]) <= set(SECTORS.index)


def test_unknown_classification():
    with pytest.raises(DataError, match="'sic'; valid: .'industries', 'sectors'"):
        public.panel("sic")


# Real data


@pytest.fixture(scope="module")
def industries(need, cache):
    need()
    return public.panel("industries")


@pytest.fixture(scope="module")
def sectors(need, cache):
    need()
    return public.panel("sectors")


@pytest.fixture(scope="module")
def counties(need):
    """The sheet of the Economic Research Service, without Alaska and Hawaii."""
    need()
    names = {
        "County FIPS Code": "county",
        "County Name": "name",
        "CZ90": "zone",
        "Population 1990": "people",
        "Name of largest place in Commuting Zone": "place",
    }
    sheet = xlrd.open_workbook(download.fetch("ers_county_cz90.xls")).sheet_by_name("CZLMA903")
    table = pd.DataFrame(
        [sheet.row_values(r) for r in range(1, sheet.nrows)], columns=sheet.row_values(0)
    )[[*names]].rename(columns=names)
    table = table.astype({"county": int, "zone": int}).set_index("county")
    return table[~(table.index // 1000).isin([2, 15])]


@pytest.fixture(scope="module")
def bea(need):
    """The table of the Bureau of Economic Analysis, with its rows for states and nation."""
    need()
    return public.read_bea(download.fetch("bea_cainc1_1969_2018.csv")).set_index("county")


@pytest.mark.public
def test_panel_of_industries(industries):
    assert industries.vintage == "public"
    assert industries.years.tolist() == [1980, 1990, 2000]
    assert industries.cube("employment").shape == (3, 722, 228)
    for year in industries.years:  # the level stands for size: the zone's population
        np.testing.assert_allclose(
            industries.cube("employment", year).sum(axis=1), industries.control("population", year)
        )


@pytest.mark.public
def test_notes_on_shares(industries):
    sums = industries.notes["raw sums of shares"]
    assert [round(sums[str(year)]["mean"], 3) for year in (1980, 1990, 2000)] == [1, 0.989, 0.992]
    gaps = industries.notes["empty industries"]
    assert len(gaps) == 18 and all(years == [2000] for years in gaps.values())


@pytest.mark.public
def test_panel_of_sectors(sectors):
    assert sectors.years.tolist() == list(range(1975, 2017))
    assert sectors.cube("employment").shape == (42, 722, 20)
    assert sectors.notes["negative cells"] == 4
    assert sectors.notes["missing cells"] > 59_000  # 19 years without public administration
    assert sectors.notes["empty industries"] == {"92": list(range(1998, 2017))}
    assert sectors.notes["employment: repaired counties"] == [8014, 12086]
    # an independent sum: the file's own total, column 10, rounds county by county
    raw = pd.read_csv(download.fetch("efsy_county_sector_employment.csv.xz"))
    total = raw.groupby("time")["10"].sum().loc[1975:2016]
    np.testing.assert_allclose(sectors.cube("employment").sum(axis=(1, 2)), total, rtol=2e-4)


@pytest.mark.public
def test_both_panels_share_zones_and_controls(industries, sectors):
    pd.testing.assert_frame_equal(industries.zones, sectors.zones)
    pd.testing.assert_frame_equal(industries.controls, sectors.controls)


@pytest.mark.public
def test_controls_are_complete(industries):
    years = industries.controls.index.unique("year")
    assert years.tolist() == list(range(1969, 2019)) and len(industries.controls) == 722 * 50
    assert industries.controls[["income_per_head", "population"]].notna().all().all()
    assert industries.controls.xs(1990, level="year").notna().all().all()
    assert industries.controls.xs(2000, level="year")["high_skill_share"].notna().all()
    assert industries.controls.xs(1980, level="year")["high_skill_share"].isna().all()


@pytest.mark.public
def test_zones_sum_to_the_nation(industries, bea):
    """A county lost or counted twice in any year would show."""
    by_year = bea.set_index("year", append=True)
    nation = by_year.loc[0] - by_year.loc[2000] - by_year.loc[15000]
    zones = industries.controls
    income = (zones["income_per_head"] * zones["population"]).groupby("year").sum()
    np.testing.assert_array_equal(zones["population"].groupby("year").sum(), nation["population"])
    np.testing.assert_allclose(income, nation["income"], rtol=1e-12)


@pytest.mark.public
def test_age_and_sex_of_the_nation(industries):
    people = industries.control("population", 1990)
    women = np.average(industries.control("female_share", 1990), weights=people)
    assert women == pytest.approx(0.513, abs=0.002)
    raw = public.read_age_sex(download.fetch("census_county_age_sex_1990.csv.zip")).sum()
    assert raw["old"] / raw["all"] == pytest.approx(0.125, abs=0.001)
    assert raw["all"] == pytest.approx(
        industries.controls.loc[(slice(None), 1990), "population"].sum(), rel=0.01
    )
    dependency = np.average(industries.control("old_age_dependency", 1990), weights=people)
    assert dependency == pytest.approx(100 * raw["old"] / raw["middle"], rel=0.02)


@pytest.mark.public
@pytest.mark.parametrize(
    "name, state, lat, lon, rustbelt",
    [
        ("Dayton", "OH", 39.8, -84.2, True),
        ("Buffalo", "NY", 42.9, -77.9, True),
        ("Detroit", "MI", 42.3, -83.0, True),
        ("Miami", "FL", 25.8, -80.2, False),
        ("Los Angeles", "CA", 34.1, -118.2, False),
    ],
)
def test_known_zones(industries, name, state, lat, lon, rustbelt):
    zones = industries.zones
    zone = zones[(zones["name"] == name) & (zones["state"] == state)].iloc[0]
    assert zone["rustbelt"] == rustbelt
    assert abs(zone["lat"] - lat) < 1 and abs(zone["lon"] - lon) < 3


@pytest.mark.public
def test_rochester_new_york_is_in_the_zone_of_buffalo(industries):
    assert industries.zones.loc[public.county_zones()[36055], "name"] == "Buffalo"
    rochester = industries.zones[industries.zones["name"] == "Rochester"]
    assert rochester["state"].tolist() == ["MN"]


def test_zone_names_are_unique_within_states():
    assert not ZONES.duplicated(["name", "state"]).any()
    assert not ZONES["name"].str.contains(r"[(,]|\bcity$", regex=True).any()
    assert ZONES["division"].nunique() == 9
    assert (ZONES.groupby("state")["division"].nunique() == 1).all()
    rustbelt = ["IL", "IN", "MI", "NY", "OH", "PA", "WV", "WI"]
    assert (ZONES["rustbelt"] == ZONES["state"].isin(rustbelt)).all()


@pytest.mark.public
def test_the_table_of_zones_is_that_of_the_sources(counties):
    """State with most people; largest place, but in one state only once; centroid of the shape."""
    fips = counties.groupby(["zone", counties.index // 1000])["people"].sum().unstack()
    state = fips.idxmax(axis=1)
    assert state.index.equals(ZONES.index)
    assert len(set(zip(state, ZONES["state"], strict=True))) == ZONES["state"].nunique()
    assert state.nunique() == ZONES["state"].nunique()
    centre = public.shapes().to_crs(5070).centroid.to_crs(4326)  # 5070: equal area
    np.testing.assert_allclose(ZONES[["lat", "lon"]], np.c_[centre.y, centre.x], atol=0.006)
    place = (
        counties.groupby("zone")["place"]
        .first()
        .str.replace(r"( city| town| borough| CDP)?( \(.*)?, ..$", "", regex=True)
    )
    largest = counties.sort_values("people").groupby("zone")["name"].last()
    people = counties.groupby("zone")["people"].sum()
    others = people.groupby([place, ZONES["state"]]).rank(ascending=False) > 1
    assert ZONES["name"].tolist() == place.mask(others, largest).tolist()


@pytest.mark.public
def test_shapes_have_the_zones_of_the_panel(industries):
    shapes = public.shapes()
    assert isinstance(shapes, gpd.GeoDataFrame)
    assert shapes.index.equals(industries.zones.index)


@pytest.mark.public
def test_combined_areas_lie_in_one_zone(counties, bea):
    """Each county or city that the name of a combined area lists has the area's zone."""
    table, repairs = counties, REPAIRS
    names = pd.read_csv(TABLES / "county_repairs.csv", index_col="county", encoding="utf-8")["why"]
    virginia = table[table.index // 1000 == 51]
    for code in repairs.index[repairs.index // 1000 == 51]:
        zone = table.loc[repairs[code], "zone"]
        for part in re.split(r", | \+ ", names[code].split(":")[0]):
            found = virginia[virginia["name"].str.match(rf"(?i){part}( County| city|$)")]
            assert zone in found["zone"].tolist(), (code, part)
    assert {code for code in repairs.index if 900 < code % 1000} <= set(bea.index)


# The store


@pytest.mark.public
def test_second_reading_is_equal_and_needs_no_source(sectors, monkeypatch):
    monkeypatch.setattr(public, "fetch", None)
    again = public.panel("sectors")
    np.testing.assert_array_equal(again.cube("employment"), sectors.cube("employment"))
    pd.testing.assert_frame_equal(again.zones, sectors.zones)
    pd.testing.assert_frame_equal(again.industries, sectors.industries)
    pd.testing.assert_frame_equal(again.controls, sectors.controls)
    assert again.notes == sectors.notes


@pytest.fixture
def builds(sectors, monkeypatch):
    """Stands in for the building of a panel, and counts how often it is asked for one."""
    calls = []

    def _build(classification):
        calls.append(classification)
        return sectors

    _build.__module__ = public.__name__
    monkeypatch.setattr(public, "_build", _build)
    return calls


@pytest.mark.public
@pytest.mark.parametrize(
    "spoil",
    [lambda b: b[: len(b) // 2], lambda b: b[:-1] + b"?", lambda b: b"", lambda b: b"?" + b[1:]],
)
def test_a_damaged_panel_is_made_again(sectors, builds, tmp_path, monkeypatch, spoil):
    monkeypatch.setattr(store, "CACHE", tmp_path)
    public.panel("sectors")
    (path,) = (tmp_path / "store").iterdir()
    path.write_bytes(spoil(path.read_bytes()))
    for _ in range(2):
        again = public.panel("sectors")
        np.testing.assert_array_equal(again.cube("employment"), sectors.cube("employment"))
    assert len(builds) == 2 and [*path.parent.iterdir()] == [path]


@pytest.mark.public
def test_a_changed_source_or_table_makes_a_panel_again(builds, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "CACHE", tmp_path)
    public.panel("sectors")
    paths = store.tables()
    for name in ("manifest.csv", "county_repairs.csv"):  # the first has the sums of sources
        path = tmp_path / name
        path.write_text((TABLES / name).read_text(encoding="utf-8") + "\n", encoding="utf-8")
        paths = [path if p.name == name else p for p in paths]
        monkeypatch.setattr(store, "tables", lambda paths=paths: paths)
        store._code_key.cache_clear()
        for _ in range(2):
            public.panel("sectors")
    store._code_key.cache_clear()
    assert len(builds) == 3


@pytest.mark.public
def test_full_disk_leaves_nothing_half_written(builds, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "CACHE", tmp_path)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(DataError, match="No space left on device.*SPECIALIZATION_CACHE"):
        public.panel("sectors")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
