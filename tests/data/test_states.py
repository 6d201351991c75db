"""States: made-up tables in BEA's format, and the real files."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from specialization.data import bea, download, states, vintages
from specialization.data.schema import ZONES
from specialization.errors import DataError

HEAD = "GeoFIPS,GeoName,TableName,LineCode,IndustryClassification,Description,Unit,1963,1964"
CELLS = {
    (1000, 1): (100, 120),
    (1000, 4): (30.02, 50),
    (1000, 5): (70, "(L)"),
    (1000, 11): (0, 70),
    (56000, 1): (10, 10),
    (56000, 4): (11, 4),
    (56000, 5): (-1, 6),
    (56000, 11): (0, 0),
    (0, 1): (1, 1),
    (11000, 4): (5, 5),
    (98000, 4): (7, 7),
}


def rows(**changes):
    cells = CELLS | {(1000, 5): changes["cell"]} if changes else CELLS
    text = "\n".join(
        [
            HEAD,
            *(
                f' "{place:05}","x",SAGDP2S,{line},"..","y","Millions of current dollars",{a},{b}'
                for (place, line), (a, b) in cells.items()
            ),
            '"Note: footnotes"',
        ]
    )
    return bea.read_table(io.StringIO(text))


def test_industries_of_a_made_up_table():
    cells, notes = states.industries(rows(), [4, 5, 11], 1964)
    cells = cells.set_index(["zone", "year", "industry"])["value_added"]
    assert len(cells) == 12 and cells.index.unique("zone").tolist() == [1, 56]
    assert cells[1, 1963, 4] == 30.02e6 and cells[1, 1964, 5] == 25_000
    assert cells[56, 1963, 5] == 0  # -1 million, set to zero
    assert notes == {"small cells": 1, "negative cells": 1, "largest negative share": 0.1}
    first, _ = states.industries(rows(), [4, 5, 11], 1963)
    assert first["year"].tolist() == [1963] * 6


def test_hidden_cell_and_wrong_sum_are_errors():
    with pytest.raises(DataError, match="zone 1, year 1963, line 5.*valid: no cell"):
        states.industries(rows(cell=("(D)", 1)), [4, 5, 11], 1964)
    with pytest.raises(DataError, match="column 'sum': zone 1, year 1963, sum 1.005.*sum to the"):
        states.industries(rows(cell=(70.5, 0)), [4, 5, 11], 1964)


def test_years_after_the_last_may_be_missing():
    cells, _ = states.industries(rows(cell=(70, "(NA)")), [4, 5, 11], 1963)
    assert len(cells) == 6


def test_incomes_of_a_made_up_table():
    frame = pd.DataFrame(
        {
            "stabbr": ["WY"] * 3 + ["US", "AK"],
            "year": [1929] * 5,
            "line": [1, 2, 3, 1, 1],
            "value": [150.5, 224_000, 672, 85151, 1],
        }
    )
    found = states.incomes(frame)
    assert found.index.tolist() == [(56, 1929)]
    assert found.iloc[0].tolist() == pytest.approx([150.5e6 / 224_000, 224_000])


def test_table_of_states():
    table = states.STATES
    assert len(table) == 48 and table["state"].is_unique and table["division"].nunique() == 9
    zones = ZONES[ZONES["state"] != "DC"].groupby("state")[["division", "rustbelt"]].first()
    ours = table.set_index("state").loc[zones.index, ["division", "rustbelt"]]
    pd.testing.assert_frame_equal(ours, zones)
    box = table.set_index("state")
    assert box["lon"].idxmin() in ("OR", "WA", "CA") and box["lon"].idxmax() == "ME"
    assert box["lat"].idxmin() == "FL" and box["lat"].idxmax() in ("WA", "ND")


def test_unknown_classification():
    with pytest.raises(DataError, match="'isic'; valid: .'sic', 'naics'"):
        states.panel("isic")


# Real data


@pytest.fixture(scope="module")
def panels(need):
    need()
    return {c: vintages.load("public", f"states, {c}") for c in states.TABLES}


def printed(file, place, line, year):
    """A cell as text, found by nothing but the csv module."""
    with open(download.fetch(file), encoding="latin-1") as source:
        for row in csv.DictReader(source, skipinitialspace=True):
            if row["GeoFIPS"] == f"{place:02}000" and row["LineCode"] == str(line):
                return row[str(year)]
    raise AssertionError


@pytest.mark.public
@pytest.mark.parametrize(
    "which, years, number, small, negative",
    [("sic", (1963, 1997), 60, 832, 21), ("naics", (1997, 2019), 65, 38, 0)],
)
def test_panels(panels, which, years, number, small, negative):
    panel = panels[which]
    assert (panel.years[0], panel.years[-1]) == years
    assert panel.cube("value_added").shape == (years[1] - years[0] + 1, 48, number)
    assert panel.notes["small cells"] == small and panel.notes["negative cells"] == negative
    assert panel.notes["largest negative share"] < 0.012


@pytest.mark.public
@pytest.mark.parametrize("which, last", [("sic", 1997), ("naics", 2019)])
def test_industries_sum_to_the_total_of_each_state(panels, which, last):
    file, first = states.TABLES[which][0], panels[which].years[0]
    for place, year in [(1, first), (36, last), (56, last), (6, first), (48, 1997)]:
        total = 1e6 * float(printed(file, place, 1, year))
        ours = panels[which].cube("value_added", year)[states.STATES.index.get_loc(place)].sum()
        assert ours == pytest.approx(total, rel=1e-3)


@pytest.mark.public
def test_cells_by_hand(panels):
    cube = panels["sic"].cube("value_added", 1963)[0]  # Alabama
    codes = panels["sic"].industries.index
    assert cube[codes.get_loc(4)] == 304.2e6 and cube[codes.get_loc(8)] == 61.8e6
    assert cube[codes.get_loc(76)] == 29.6e6 == pytest.approx((27.6 + 2.0) * 1e6)
    cube = panels["naics"].cube("value_added", 1997)[0]
    codes = panels["naics"].industries.index
    assert cube[codes.get_loc(4)] == 1365.4e6 and cube[codes.get_loc(86)] == 10_677.5e6


@pytest.mark.public
@pytest.mark.parametrize(
    "which, pairs", [("sic", {20: 76, 23: 76, 50: 77, 51: 77, 60: 78, 70: 78}), ("naics", {})]
)
def test_industries_are_the_leaves_of_the_table(panels, which, pairs):
    """Leaves by indentation; the pairs that 1987 changed are replaced by BEA's sums of them."""
    with open(download.fetch(states.TABLES[which][0]), encoding="latin-1") as source:
        lines = {
            int(r["LineCode"]): len(r["Description"]) - len(r["Description"].lstrip())
            for r in csv.DictReader(source, skipinitialspace=True)
            if r["GeoFIPS"] == "01000"
        }
    order = [*lines]
    leaves = {a for a, b in zip(order, order[1:], strict=False) if lines[b] <= lines[a]}
    extra = {k for k in order if k > {"sic": 75, "naics": 86}[which]}  # sums listed below
    assert {pairs.get(k, k) for k in leaves - extra} == set(panels[which].industries.index)
    assert len(leaves - extra) == {"sic": 63, "naics": 65}[which]


@pytest.mark.public
def test_sums_over_the_change_of_1987_do_not_jump(panels):
    cube, years = panels["sic"].cube("value_added"), panels["sic"].years.tolist()
    industry = panels["sic"].industries.index.get_indexer([76, 77, 78])
    nation = cube.sum(axis=1)[:, industry]
    growth = nation[years.index(1987)] / nation[years.index(1986)]
    assert ((1.04 < growth) & (growth < 1.15)).all()


@pytest.mark.public
def test_incomes_and_controls(panels):
    controls = panels["sic"].controls
    assert controls.index.unique("year").tolist() == list(range(1929, 2022))
    assert controls.loc[(1, 1929), "income_per_head"] == pytest.approx(319, abs=0.5)
    known = controls["high_skill_share"].dropna()
    assert known.index.unique("year").tolist() == [1960] and len(known) == 48
    naics = panels["naics"].controls["female_share"].dropna()
    assert naics.index.unique("year").tolist() == [1990] and naics.between(0.48, 0.53).all()


@pytest.mark.public
def test_value_added_and_income_agree(panels):
    """Two sources of the same states: richer by value added, richer by income."""
    added = panels["sic"].cube("value_added", 1963).sum(axis=1)
    head = added / panels["sic"].control("population", 1963)
    income = panels["sic"].control("income_per_head", 1963)
    assert np.corrcoef(head, income)[0, 1] > 0.75
    assert added.sum() / (
        income * panels["sic"].control("population", 1963)
    ).sum() == pytest.approx(1.3, abs=0.15)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"line": [1, 1]}, "each line once"),
        ({"value": [1.0, 0.0]}, "column 'value'"),
        ({"line": [1, 3]}, "income, 1, and persons, 2"),
    ],
)
def test_bad_incomes(change, words):
    frame = {"stabbr": ["AL"] * 2, "year": [1929] * 2, "line": [1, 2], "value": [1.0, 2.0]}
    with pytest.raises(DataError, match=words):
        states.incomes(pd.DataFrame(frame | change))
    with pytest.raises(DataError, match="no column 'value'"):
        states.incomes(pd.DataFrame(frame).drop(columns="value"))
