"""Zones in 1960, on a made-up file in the source's format and on the real one."""

import numpy as np
import pandas as pd
import pytest
from specialization.data import county_book, download, public, schema, vintages
from specialization.errors import DataError
from specialization.facts import tradeoff

NUMBERS = {
    "var1": 100,
    "var3": 1000,
    "var6": 50,
    "var9": 10,
    "var10": 12,
    "var11": 60,
    "var12": 9,
    "var21": 250,
    "var22": 5000,
    "var25": 2,
    "var28": 40,
    "var37": 300,
}
GROUPS = {f"var{code}": 10 * k for k, code in enumerate(range(38, 47), 1)}  # 450 in all


def county_file(path, rows):
    """A file in Stata's format with variables as in the source; gaps are NaN."""
    frame = pd.DataFrame([NUMBERS | GROUPS | {"var37": 500} | row for row in rows], dtype=float)
    names = [c if c == "fips" else f"{c}_county62" for c in frame]
    frame.set_axis(names, axis=1).astype({"fips": np.float32}).to_stata(path, write_index=False)
    return path


def test_counties_of_a_made_up_file(tmp_path):
    path = county_file(
        tmp_path / "book.dta",
        [
            {"level": 1, "fips": 1001},
            {"level": 1, "fips": 16019, "var28": 5908},
            {"level": 1, "fips": 6003, "var22": np.nan, "var25": np.nan},
            {"level": 1, "fips": 11000},
            {"level": 2, "fips": 1000},
            {"level": 3, "fips": np.nan},
        ],
    )
    table, notes = county_book.read_counties(path)
    assert table["county"].tolist() == [1001, 16019, 6003]  # no state, no nation, DC once
    assert notes == {"missing cells": 2, "lost decimal points": 1}
    one = table.iloc[0]
    assert (one["adults"], one["old"], one["children"]) == (600, 90, 120)
    assert (one["urban"], one["nonwhite"], one["high_school"]) == (500, 100, 240)
    assert (one["family_income"], one["median_times_families"]) == (2e6, 1.25e6)
    assert one[[*range(38, 47)]].tolist() == [*range(10, 91, 10)] and one[99] == 50
    assert table["high_school"].tolist() == pytest.approx([240, 354.48, 240])
    assert table["families"].tolist() == [250, 250, 0] and table["family_income"][2] == 0


def test_county_twice_and_too_many_workers(tmp_path):
    twice = county_file(tmp_path / "a.dta", [{"level": 1, "fips": 1001}] * 2)
    with pytest.raises(DataError, match="county62_1.dta, column 'fips': fips 1001.*once"):
        county_book.read_counties(twice)
    many = county_file(tmp_path / "b.dta", [{"level": 1, "fips": 1003, "var37": 400}])
    with pytest.raises(DataError, match="fips 1003.*at most the employed"):
        county_book.read_counties(many)


def test_characteristics_of_two_counties_are_those_of_their_sum(tmp_path):
    path = county_file(
        tmp_path / "book.dta",
        [
            {"level": 1, "fips": 1001},
            {
                "level": 1,
                "fips": 1003,
                "var3": 3000,
                "var11": 50,
                "var12": 20,
                "var1": 60,
                "var28": 10,
                "var21": 750,
                "var22": 4000,
            },
        ],
    )
    sums = county_book.read_counties(path)[0].drop(columns="county").sum().to_frame().T
    found = county_book.characteristics(sums).iloc[0]
    assert found["family_income_per_head"] == 4e6 / 4000
    assert found["median_family_income"] == pytest.approx((250 * 5000 + 750 * 4000) / 1000)
    assert found["density"] == 4000 / 160
    assert found["high_skill_share"] == pytest.approx((0.4 * 600 + 0.1 * 1500) / 2100)
    assert found["old_age_dependency"] == pytest.approx(100 * (90 + 600) / (510 + 900))
    assert found["manufacturing_share"] == 2 * (30 + 40) / 1000


def test_unknown_income():
    with pytest.raises(DataError, match="'wages'; valid: .'family', 'personal'"):
        county_book.panel("wages")


# Real data


@pytest.fixture(scope="module")
def counties(need):
    need()
    return county_book.read_counties(download.fetch(county_book.FILE))[0]


@pytest.mark.public
def test_totals_of_the_nation(counties):
    inside = counties[~(counties["county"] // 1000).isin([2, 15])]
    assert len(inside) == 3104 and inside["population"].sum() == 178_464_236
    assert inside["employed"].sum() == pytest.approx(64.37e6, rel=1e-4)
    share = inside[[*county_book.GROUPS.index]].sum() / inside["employed"].sum()
    assert share[38] == pytest.approx(0.066, abs=5e-4)
    assert share[40] + share[41] == pytest.approx(0.272, abs=1e-3)
    assert share.sum() == pytest.approx(1)


@pytest.mark.public
def test_counties_sum_to_the_rows_of_states(counties):
    """The file has the states' own numbers: a typing error in a large county would show."""
    raw = pd.read_stata(download.fetch(county_book.FILE), convert_categoricals=False)
    raw = raw.rename(columns=lambda c: c.removesuffix("_county62"))
    state = raw[raw["level"] == 2].assign(state=lambda t: t["statefip"].astype(int))
    state = state.drop_duplicates("state").set_index("state")
    sums = counties.groupby(counties["county"] // 1000).sum()
    state = state.loc[[s for s in sums.index if s not in (2, 11, 15)]]
    sums = sums.loc[state.index]
    for ours, theirs in {
        "population": "var3",
        "employed": "var37",
        38: "var38",
        40: "var40",
        41: "var41",
        43: "var43",
    }.items():
        np.testing.assert_allclose(sums[ours], state[theirs], rtol=0.003)
    np.testing.assert_allclose(sums["family_income"] / 1e6, state["var25"], rtol=0.01)
    np.testing.assert_allclose(100 * sums["old"] / sums["population"], state["var12"], atol=0.1)
    schooling = 100 * sums["high_school"] / sums["adults"]
    np.testing.assert_allclose(schooling, state["var28"], atol=0.5)


@pytest.mark.public
def test_a_county_by_hand(counties):
    blount = counties.set_index("county").loc[1009]
    assert blount[["population", "employed", "area"]].tolist() == [25449, 8098, 640]
    assert blount["median_times_families"] / blount["families"] == 3076
    assert blount[[*range(38, 47)]].tolist() == [2015, 707, 1186, 682, 289, 1363, 112, 408, 228]
    assert blount[99] == 8098 - 6990 and blount["family_income"] == 25e6


@pytest.mark.public
def test_panel_of_groups(counties):
    panel = vintages.load("public", "groups")
    cube = panel.cube("employment", 1960)
    assert cube.shape == (722, 10) and cube.sum() == pytest.approx(64_371_499)
    assert panel.notes["1960: counties"] == 3104 and panel.notes["1960: lost decimal points"] == 1
    assert panel.notes["1960: repaired counties"] == [
        32025,
        46131,
        51123,
        51129,
        51151,
        51785,
        56047,
    ]
    assert panel.control("population", 1960).sum() == 178_464_236
    other = public.panel("sectors").controls
    pd.testing.assert_frame_equal(panel.controls.drop(1960, level="year"), other)


@pytest.mark.public
def test_the_two_incomes_of_the_first_year(counties):
    family, personal = (vintages.load("public", c) for c in ("groups", "groups, from 1969"))
    income = family.control("income_per_head", 1960)
    people = family.control("population", 1960)
    assert income @ people == pytest.approx(329_959e6)  # the counties' own sum, in dollars
    np.testing.assert_array_equal(
        personal.control("income_per_head", 1960), personal.control("income_per_head", 1969)
    )
    # one place's income after ten years: near, but another concept
    later = personal.control("income_per_head", 1960)
    assert 0.8 < np.corrcoef(np.log(income), np.log(later))[0, 1]


@pytest.mark.public
def test_design_of_the_first_base(counties):
    panel = vintages.load("public", "groups")
    table, notes = tradeoff.design(panel, "employment", 1960, 2018)
    assert len(table) == 722 and notes["left out"] == ["female_share"]
    np.testing.assert_allclose(
        table["growth"],
        np.log(panel.control("income_per_head", 2018) / panel.control("income_per_head", 1960)),
    )
    more = county_book.zones()
    assert more.index.equals(schema.ZONES.index)
    workers = panel.cube("employment", 1960)
    np.testing.assert_allclose(
        more["manufacturing_share"], workers[:, 2:4].sum(axis=1) / workers.sum(axis=1)
    )


@pytest.mark.parametrize("content", [b"", b"junk"])
def test_a_file_that_is_no_county_book(tmp_path, content):
    (tmp_path / "x.dta").write_bytes(content)
    with pytest.raises(DataError, match="county62_1.dta"):
        county_book.read_counties(tmp_path / "x.dta")
    pd.DataFrame({"a": [1.0]}).to_stata(tmp_path / "x.dta", write_index=False)
    with pytest.raises(DataError, match="county62_1.dta: no column 'level'"):
        county_book.read_counties(tmp_path / "x.dta")
