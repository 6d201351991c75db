import gzip
import json
import shutil
import subprocess
import sys
import threading
from collections import Counter
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ipums_extract import frame, person, write_extract
from specialization import store
from specialization.data import download, ipums, schema
from specialization.data.topcode import replace_topcodes
from specialization.errors import DataError

ROOT = Path(__file__).parents[2]

ZONES = pd.DataFrame(
    {
        "name": ["a", "b", "c"],
        "state": "AL",
        "division": "x",
        "rustbelt": False,
        "lat": 33.0,
        "lon": -87.0,
    },
    index=pd.Index([100, 200, 300], name="zone"),
)
CROSSWALK = {
    1950: [(1, 100, 1.0), (2, 100, 0.25), (2, 200, 0.75), (3, 300, 1.0)],
    1980: [(1001, 100, 1.0), (1002, 200, 0.4), (1002, 300, 0.6)],
    2000: [(10001, 100, 0.5), (10001, 200, 0.5), (10002, 300, 1.0)],
}


def write_crosswalks(folder, crosswalk=CROSSWALK):
    for year, rows in crosswalk.items():
        table = pd.DataFrame(rows, columns=["area", "zone", "weight"])
        table.to_csv(folder / f"crosswalk_{year}.csv", index=False)


@cache
def population(size=800):
    """Persons of three years, their incomes topcoded as the years' codes say."""
    rng, rows = np.random.default_rng(0), []
    for year, sample, area, areas, wage, business in (
        (1950, 195001, "SEA", 3, 2000, "INCBUSFM"),
        (1980, 198001, "CNTYGP98", 2, 15000, "INCBUS"),
        (2000, 200001, "PUMA", 2, 30000, "INCBUS00"),
    ):
        code = ipums.YEARS[year]["topcodes"].get("INCWAGE", 900_000)
        for k in range(size):
            fields = {
                area: 1 + k % areas,
                "AGE": rng.integers(10, 75),
                "SEX": rng.integers(1, 3),
                "EDUC": rng.integers(0, 12),
                "EMPSTAT": rng.choice([1, 1, 1, 1, 1, 3]),
                "IND1950": rng.choice([105, 376, 869, 999]),
                "PERWT": rng.integers(0, 4) * 1.5,
                "INCWAGE": min(code, round(wage * (1 + rng.pareto(1.8)))),
                business: min(code, round(wage * (1 + rng.pareto(1.8)))) * (k % 5 > 0),
                "PERNUM": rng.integers(1, 3),
            }
            if year == 1980:
                fields["INCFARM"] = round(wage * rng.pareto(1.8) / 9)
            if year == 1950:
                fields |= {"SLWT": rng.choice([0.0, 330.0, 340.0])}
            rows.append(person(year, sample, **fields))
    return frame(rows)


@pytest.fixture
def folder(tmp_path):
    write_extract(tmp_path, population())
    write_crosswalks(tmp_path)
    return tmp_path


def expected(persons, crosswalk=CROSSWALK):
    """Cells and controls, one person at a time: another path to the same numbers."""
    persons = persons.copy()
    persons["w"] = np.where(persons["YEAR"] == 1950, persons["SLWT"], persons["PERWT"])
    names = ["INCWAGE", "INCBUSFM", "INCBUS", "INCFARM", "INCBUS00"]
    parts = persons.reindex(columns=names)
    persons["known"] = parts.notna().any(axis=1)
    persons["raw"] = parts.sum(axis=1)
    persons["worker"] = (
        (persons["EMPSTAT"] == 1)
        & (persons["AGE"] >= 15)
        & (persons["w"] > 0)
        & (persons["AGE"] <= 60)
        & (persons["raw"] > 0)
        & (persons["IND1950"] < 990)
    )
    for year, codes in ((t, y["topcodes"]) for t, y in ipums.YEARS.items()):
        for name, code in codes.items():
            of_year = persons["YEAR"] == year
            tail = of_year & persons["worker"] & (parts[name] > 0)
            if tail.any():
                x, w = parts.loc[tail, name], persons.loc[tail, "w"]
                mean = np.max(replace_topcodes(x, x >= code, w), initial=code)
                parts.loc[of_year & (parts[name] >= code), name] = mean
    persons["earnings"] = parts.sum(axis=1)
    cells, people = {}, {}
    for row in persons.to_dict("records"):
        year = int(row["YEAR"])
        area = {1950: row["SEA"], 1980: 1000 + row["CNTYGP98"], 2000: 10000 + row["PUMA"]}[year]
        for a, zone, share in crosswalk[year]:
            if a != area:
                continue
            if row["worker"]:
                cell = cells.setdefault((year, zone, int(row["IND1950"])), [0.0, 0.0])
                cell[0] += share * row["w"] * row["earnings"]
                cell[1] += share * row["w"]
            count = people.setdefault((zone, year), np.zeros(7))
            earner = row["earnings"] * (row["raw"] > 0)
            age, college = row["AGE"], row["EDUC"] >= 10
            count += share * np.array(
                [
                    row["PERWT"],
                    row["w"] * earner,
                    row["PERWT"] * (age >= 65),
                    row["PERWT"] * (15 <= age < 65),
                    row["w"] * (age >= 25),
                    row["w"] * (age >= 25) * college,
                    row["PERWT"] * (row["SEX"] == 2),
                ]
            )
    return cells, people


def check(panel, cells, people):
    for name, k in (("income", 0), ("employment", 1)):
        cube = np.zeros_like(panel.cubes[name])
        for (year, zone, industry), cell in cells.items():
            cube[
                panel.years.tolist().index(year),
                panel.zones.index.get_loc(zone),
                panel.industries.index.get_loc(industry),
            ] = cell[k]
        np.testing.assert_allclose(panel.cubes[name], cube, rtol=1e-10)
    for key, (all_, income, old, work, adults, college, female) in people.items():
        row = panel.controls.loc[key]
        np.testing.assert_allclose(
            row, [income / all_, all_, college / adults, 100 * old / work, female / all_]
        )


def test_panel_equals_a_sum_person_by_person(folder):
    panel = ipums.panel(ZONES, folder)
    assert panel.vintage == "ipums"
    assert panel.years.tolist() == [1950, 1980, 2000]
    assert panel.industries.index.tolist() == [105, 376, 869]
    check(panel, *expected(population()))
    topcoded = [n for what, n in panel.notes.items() if "INCWAGE topcoded" in what]
    assert len(topcoded) == 2 and min(topcoded) > 0


@pytest.mark.parametrize("rows", [799, 900])
def test_chunks_do_not_matter(folder, rows):
    (one, counts), (many, again) = ipums.totals(folder), ipums.totals(folder, rows=rows)
    assert counts == again
    for key, table in one.items():
        pd.testing.assert_frame_equal(table, many[key].sort_index())


@pytest.fixture(scope="module")
def extract(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extract")
    write_extract(folder, population())
    write_crosswalks(folder)
    return folder, ipums.panel(ZONES, folder)


@settings(max_examples=10, deadline=None)
@given(share=st.floats(min_value=0.01, max_value=0.99))
def test_any_crosswalk_adds_up_to_the_nation(share, extract):
    folder, nation = extract
    write_crosswalks(folder, {1980: [(1001, 100, share), (1001, 300, 1 - share), (1002, 200, 1)]})
    panel = ipums.panel(ZONES, folder)
    for name, cube in nation.cubes.items():
        np.testing.assert_allclose(panel.cubes[name].sum(axis=1), cube.sum(axis=1))
    assert panel.control("population", 1980).sum() == pytest.approx(
        population().query("YEAR == 1980")["PERWT"].sum()
    )


def write_2000(folder, rows, crosswalk=((10001, 100, 1.0), (10002, 200, 1.0), (10003, 300, 1.0))):
    """One worker in every area, then `rows`; wages in 2000 are never topcoded."""
    everywhere = [{"PUMA": k, "INCWAGE": 1000} for k in (1, 2, 3)]
    base = {"INCBUS00": 0, "INCWAGE": 0}
    write_extract(folder, frame([person(2000, 200001, **(base | r)) for r in everywhere + rows]))
    write_crosswalks(folder, {2000: crosswalk})
    return ipums.panel(ZONES, folder)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"EMPSTAT": 2}, "not employed or not of age 15-60"),
        ({"AGE": 14}, "not employed or not of age 15-60"),
        ({"AGE": 61}, "not employed or not of age 15-60"),
        ({"PERWT": 0}, "of weight zero"),
        ({"INCWAGE": 999_999, "INCBUS00": 999_999}, "earnings not in universe or missing"),
        ({"INCWAGE": 999_998, "INCBUS00": np.nan}, "earnings not in universe or missing"),
        ({"INCWAGE": 0}, "earnings not positive"),
        ({"INCWAGE": 500, "INCBUS00": -900}, "earnings not positive"),
        ({"IND1950": 0}, "industry not classified"),
        ({"IND1950": 997}, "industry not classified"),
        ({"IND1950": np.nan}, "industry not classified"),
    ],
)
def test_who_is_left_out_is_counted_by_reason(tmp_path, fields, reason):
    panel = write_2000(tmp_path, [{"PUMA": 1, "INCWAGE": 700, **fields}])
    assert panel.notes[f"2000: {reason}"] == 1
    assert panel.notes["2000: in the sample"] == 3
    assert panel.cube("income", 2000).sum() == 3000


@pytest.mark.parametrize(
    "fields",
    [
        {"AGE": 15},
        {"AGE": 60},
        {"INCBUS00": 999_999},
        {"INCWAGE": 999_999, "INCBUS00": 700},
        {"INCWAGE": 900, "INCBUS00": -200},
    ],
)
def test_who_counts(tmp_path, fields):
    panel = write_2000(tmp_path, [{"PUMA": 1, "INCWAGE": 700, **fields}])
    assert panel.cube("income", 2000).tolist() == [[1700.0], [1000.0], [1000.0]]
    assert panel.cube("employment", 2000).tolist() == [[2.0], [1.0], [1.0]]


def test_losses_do_not_count_as_income_per_head(tmp_path):
    panel = write_2000(tmp_path, [{"PUMA": 1, "INCWAGE": 0, "INCBUS00": -800}])
    assert panel.control("income_per_head", 2000).tolist() == [500, 1000, 1000]


def test_few_people_in_unknown_areas_are_counted(tmp_path):
    rows = [{"PUMA": 1, "INCWAGE": 1}] * 60 + [{"PUMA": 9, "INCWAGE": 10}] * 3
    panel = write_2000(tmp_path, rows)
    assert panel.notes["2000: in areas without a zone"] == 3
    assert panel.cube("income", 2000).sum() == 3060


def test_many_people_in_unknown_areas_are_an_error(tmp_path):
    with pytest.raises(DataError, match="crosswalk_2000.csv, column 'area': 25.0%.*of 10009"):
        write_2000(tmp_path, [{"PUMA": 9, "INCWAGE": 10}])


def test_alaska_may_stand_in_a_crosswalk_and_stays_outside(tmp_path):
    rows = [{"PUMA": 1, "INCWAGE": 1}] * 60 + [{"STATEFIP": 2, "PUMA": 100, "INCWAGE": 10}]
    panel = write_2000(
        tmp_path, rows, [(10001, 100, 1), (10002, 200, 1), (10003, 300, 1), (20100, 34101, 1)]
    )
    assert panel.zones.index.tolist() == [100, 200, 300]
    assert panel.notes["2000: in areas without a zone"] == 1


def test_a_zone_without_workers_is_left_out_of_all_years(folder):
    write_crosswalks(folder, {2000: [(10001, 100, 1.0), (10002, 300, 1.0)]})
    panel = ipums.panel(ZONES, folder)
    assert panel.zones.index.tolist() == [100, 300]
    assert panel.notes["zones left out, empty in some year"] == 1


def test_two_samples_of_a_year_are_halved(tmp_path):
    rows = [
        person(1970, sample, CNTYGP97=k, INCWAGE=100 * k, INCBUS=0, INCFARM=0)
        for sample in (197003, 197004)
        for k in (1, 2, 3)
    ]
    write_extract(tmp_path, frame(rows))
    write_crosswalks(tmp_path, {1970: [(1, 100, 1), (2, 200, 1), (3, 300, 1)]})
    panel = ipums.panel(ZONES, tmp_path)
    assert panel.cube("employment", 1970).ravel().tolist() == [1, 1, 1]
    assert panel.cube("income", 1970).ravel().tolist() == [100, 200, 300]
    assert panel.control("population", 1970).tolist() == [1, 1, 1]


def test_areas_of_each_year():
    """State codes go in front where areas are numbered within states."""
    assert {t: y["state"] for t, y in ipums.YEARS.items()} == {
        1950: 0,
        1970: 0,
        1980: 1000,
        1990: 10000,
        2000: 10000,
        2010: 10000,
        2020: 100000,
    }
    rows = [person(2020, 202003, STATEFIP=48, PUMA=101, INCWAGE=5, INCBUS00=0)]
    tables = ipums._reduce(frame(rows), 2020, Counter())
    assert tables["workers"].index.tolist() == [(4800101, 105)]


def test_a_tail_that_cannot_be_fitted_names_year_and_variable(tmp_path):
    rows = [
        person(1980, 198001, CNTYGP98=1, INCWAGE=75_000, INCBUS=0, INCFARM=0),
        person(1980, 198001, CNTYGP98=2, INCWAGE=100, INCBUS=0, INCFARM=0),
    ]
    write_extract(tmp_path, frame(rows))
    write_crosswalks(tmp_path, {1980: CROSSWALK[1980]})
    with pytest.raises(DataError, match="1980, INCWAGE: pareto_tail"):
        ipums.panel(ZONES, tmp_path)


def test_topcodes_of_1990_are_medians_above_the_code(tmp_path):
    wages = [20_000 + 1_000 * k for k in range(120)] + [155_000] * 2 + [171_000]
    rows = [
        person(1990, 199001, PUMA=1 + k % 3, INCWAGE=w, INCBUS=0, INCFARM=0)
        for k, w in enumerate(wages)
    ]
    write_extract(tmp_path, frame(rows))
    tables, _ = ipums.totals(tmp_path)
    income = ipums._uncensor(tables, "people", 1990)["income"].sum()
    capped = np.minimum(wages, 140_000)
    assert income == pytest.approx(replace_topcodes(capped, capped >= 140_000).sum())


def test_other_years_are_counted(tmp_path):
    row = {"PUMA": 1, "INCWAGE": 1000, "INCBUS00": 0}
    write_extract(tmp_path, frame([person(2000, 200001, **row), person(1960, 196001, **row)]))
    assert ipums.totals(tmp_path)[1]["persons of other years"] == 1


# files that cannot be used


def test_a_missing_variable_is_named(tmp_path):
    write_extract(tmp_path, population().drop(columns="IND1950"))
    with pytest.raises(DataError, match="extract.xml: no variable 'IND1950'"):
        ipums.totals(tmp_path)


def test_a_variable_missing_for_its_year_is_named(tmp_path):
    write_extract(tmp_path, population().drop(columns="SLWT"))
    with pytest.raises(DataError, match="extract.xml: no variable 'SLWT', needed in 1950"):
        ipums.totals(tmp_path)


def test_a_truncated_file_is_an_error(folder):
    whole = (folder / "extract.dat.gz").read_bytes()
    (folder / "extract.dat.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="extract.dat.gz: "):
        ipums.panel(ZONES, folder)


def test_a_line_cut_short_is_an_error(folder):
    with gzip.open(folder / "extract.dat.gz", "rt", encoding="latin-1") as file:
        text = file.read()
    with gzip.open(folder / "extract.dat.gz", "wt", encoding="latin-1") as file:
        file.write(text[:-50])
    with pytest.raises(DataError, match="extract.dat.gz: person 2400 lacks"):
        ipums.totals(folder)


def test_letters_are_an_error(folder):
    with gzip.open(folder / "extract.dat.gz", "rt", encoding="latin-1") as file:
        text = file.read()
    with gzip.open(folder / "extract.dat.gz", "wt", encoding="latin-1") as file:
        file.write(text.replace("1950", "19x0", 1))
    with pytest.raises(DataError, match="extract.dat.gz: column 'YEAR': '19x0' of person 1; "):
        ipums.totals(folder)


def test_a_broken_codebook_is_an_error(folder):
    for content in ("<codeBook>", "<codeBook/>", "", "text", "<html><body/></html>"):
        (folder / "extract.xml").write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match="extract.xml: no IPUMS codebook"):
            ipums.totals(folder)


def test_names_of_files(tmp_path):
    with pytest.raises(DataError, match="nowhere: 0 codebooks"):
        ipums.totals(tmp_path / "nowhere")
    write_extract(tmp_path, population(size=3), name="usa_00007")
    assert ipums.totals(tmp_path)[0]["samples", 1980]["PERNUM"].tolist() == [3]
    (tmp_path / "usa_00007.dat.gz").unlink()
    with pytest.raises(DataError, match="no usa_00007.dat.gz, the data of usa_00007.xml"):
        ipums.totals(tmp_path)


def test_two_codebooks_are_an_error(tmp_path):
    for name in ("usa_00001", "usa_00002"):
        write_extract(tmp_path, population(size=3), name=name)
    with pytest.raises(DataError, match="2 codebooks .*usa_00001.xml, usa_00002.xml; valid"):
        ipums.totals(tmp_path)


def test_a_missing_crosswalk_is_named(folder):
    (folder / "crosswalk_1980.csv").unlink()
    with pytest.raises(DataError, match="no crosswalk_1980.csv or .dta, needed for 1980"):
        ipums.panel(ZONES, folder)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([(1, 100, 0.5), (1, 200, 0.3), (2, 100, 1.0)], "area 1, .* total 0.8 .2 such"),
        ([(1, 100, 0.5), (1, 200, 0.498)], "area 1, .* total 0.998"),
        ([(1, 100, 0.5), (1, 100, 0.5)], "stand once"),
        ([(1, 101, 1.0)], "zone 101, .* valid: the zones of the design"),
        ([(1, 100, 1.5), (1, 200, -0.5)], "column 'weight': .*valid: 0 to 1"),
        ([(1, 100, np.nan)], "column 'weight': .*valid: 0 to 1"),
        ([("x", 100, 1.0)], "column 'area': area x, zone 100, .*valid: integers"),
        ([(1.5, 100, 1.0)], "column 'area': area 1.5, .*valid: integers"),
        ([(-1, 100, 1.0)], "column 'area': area -1, .*valid: integers, >= 0"),
        ([(1, "a", 1.0)], "column 'zone': area 1, zone a, .*valid: integers"),
        ([(1, 100.5, 1.0)], "column 'zone': .*zone 100.5, .*valid: integers"),
        ([(np.nan, 100, 1.0), (1, 100, 1.0)], "column 'area': area nan, .*valid: integers"),
        ([(1, 100, "half")], "column 'weight': .*weight half .*valid: 0 to 1"),
        ([(1, 100, 1.002)], "column 'weight': .*weight 1.002 .*valid: 0 to 1"),
        ([(1, 100, 1.0), (1, 200, -1e-9)], "column 'weight': .*valid: 0 to 1"),
        ([(1, 100, 0.998)], "column 'weight': .*total 0.998 "),
    ],
)
def test_a_wrong_crosswalk_is_an_error(tmp_path, rows, error):
    path = tmp_path / "crosswalk.csv"
    pd.DataFrame(rows, columns=["area", "zone", "weight"]).to_csv(path, index=False)
    with pytest.raises(DataError, match=error):
        ipums.zone_weights(path, ZONES.index)


@pytest.mark.parametrize(
    "names",
    [
        ("puma2000", "czone", "afactor"),
        ("cty_grp70", "czone", "afact"),
        ("sea1950", "czone", "afactor"),
        ("Area", " Zone ", "WEIGHT"),
        ("PUMA2010", "cz90", "afactor"),
    ],
)
def test_crosswalk_columns(tmp_path, names):
    csv, dta = tmp_path / "a.CSV", tmp_path / "a.dta"
    table = pd.DataFrame([(10001, 100.0, 1.0)], columns=[*names])
    table.to_csv(csv, index=False)
    table.rename(columns=str.strip).to_stata(
        dta, write_index=False, value_labels={names[1].strip(): {100: "a"}}
    )
    for path in (csv, dta):
        out = ipums.zone_weights(path, ZONES.index)
        assert out.to_dict("list") == {"area": [10001], "zone": [100], "weight": [1.0]}
    table.iloc[:, :2].to_csv(csv, index=False)
    with pytest.raises(DataError, match="a.CSV: no column 'weight'; has .*valid: one of"):
        ipums.zone_weights(csv, ZONES.index)
    table.assign(weight=1, afactor=1).to_csv(csv, index=False)
    with pytest.raises(DataError, match="a.CSV: columns .* for 'weight'"):
        ipums.zone_weights(csv, ZONES.index)


@pytest.mark.parametrize("content", [b"", b"area;zone;weight\n1;100;1\n", b"\xff\xfe\x00"])
@pytest.mark.parametrize("name", ["a.csv", "a.dta"])
def test_a_file_that_is_no_crosswalk(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"^{name}: "):
        ipums.zone_weights(tmp_path / name, ZONES.index)


def test_quotes_zeros_in_front_and_byte_order_marks(tmp_path):
    path = tmp_path / "crosswalk.csv"
    path.write_text('area,zone,weight\r\n"0010001","00100","1.0"\r\n', encoding="utf-8-sig")
    out = ipums.zone_weights(path, ZONES.index)
    assert out.to_dict("list") == {"area": [10001], "zone": [100], "weight": [1.0]}


@pytest.mark.parametrize(
    "weights",
    [
        [0.333, 0.333, 0.333],
        [0.667, 0.167, 0.167],
        [0.3335, 0.3335, 0.334],
        [1.0009],
        [1 + 2**-23],
        [0.0005, 1.0, 0.0],
        [0.999],
        [np.float32(0.1)] * 10,
        [1 / 7] * 7,
    ],
)
@pytest.mark.parametrize("name", ["crosswalk.csv", "crosswalk.dta"])
def test_rounded_shares_are_scaled_and_counted(tmp_path, weights, name):
    table = pd.DataFrame({"area": 1, "zone": 100 + np.arange(len(weights)), "weight": weights})
    table = pd.concat([table, pd.DataFrame({"area": [2], "zone": [100], "weight": [1.0]})])
    if name.endswith("csv"):
        table.to_csv(tmp_path / name, index=False)
    else:
        table.astype({"weight": np.float32}).to_stata(tmp_path / name, write_index=False)
    out, changed = ipums._zone_weights(tmp_path / name, [*table["zone"]])
    np.testing.assert_allclose(out.groupby("area")["weight"].sum(), 1, rtol=1e-15)
    np.testing.assert_allclose(
        out["weight"].iloc[:-1], np.array(weights) / np.sum(weights), rtol=1e-6
    )
    if name.endswith("csv"):
        assert changed == (abs(sum(weights) - 1) > 1e-12)


def test_scaled_weights_are_in_the_notes(tmp_path):
    panel = write_2000(
        tmp_path, [], [(10001, 100, 1.0000001), (10002, 200, 0.9995), (10003, 300, 1)]
    )
    assert panel.notes["2000: areas with weights scaled to sum to one"] == 2
    assert panel.cube("income", 2000).ravel().tolist() == [1000, 1000, 1000]


@pytest.mark.public
def test_the_crosswalk_of_1950_as_it_is_published(need):
    need(["sea_to_cz.dta"])
    out, changed = ipums._zone_weights(download.fetch("sea_to_cz.dta"), schema.ZONES.index)
    assert out["zone"].nunique() == 722 and out["area"].nunique() == 467
    np.testing.assert_allclose(out.groupby("area")["weight"].sum(), 1, rtol=1e-15)
    assert 0 < changed < 467


@pytest.mark.parametrize(
    "name", ["cw_ctygrp1980_czone_corr.dta", "crosswalk_1980.dta", "CW_CTYGRP1980_CZONE.DTA"]
)
def test_crosswalks_keep_the_names_of_their_authors(folder, name):
    (folder / "crosswalk_1980.csv").unlink()
    (folder / f"._{name}").write_bytes(b"\0")
    pd.DataFrame(CROSSWALK[1980], columns=["ctygrp1980", "czone", "afactor"]).to_stata(
        folder / name, write_index=False
    )
    check(ipums.panel(ZONES, folder), *expected(population()))


# areas


def people_of(year, sample, area, code, state, count, **fields):
    fields = {"INCWAGE": 1000, "INCBUS00": 0, "INCBUS": 0, "INCFARM": 0} | fields
    return [person(year, sample, STATEFIP=state, **{area: code}, **fields)] * count


NEW_ORLEANS = ZONES.rename(index={300: 3300})


@pytest.mark.parametrize(
    "parts",
    [[(221801, 3300, 1.0), (221802, 3300, 1.0), (221905, 3300, 1.0)], [(221801, 3300, 1.0)]],
)
def test_louisiana_after_katrina(tmp_path, parts):
    """PUMA 77777 of Louisiana joins three of New Orleans, and is not PUMA 7777 of Missouri."""
    rows = [
        *people_of(2010, 201003, "PUMA", 1, 1, 20),
        *people_of(2010, 201003, "PUMA", 2, 1, 20),
        *people_of(2010, 201003, "PUMA", 77777, 22, 5),
        *people_of(2010, 201003, "PUMA", 7777, 29, 3),
    ]
    write_extract(tmp_path, frame(rows))
    write_crosswalks(
        tmp_path, {2000: [(10001, 100, 1.0), (10002, 200, 1.0), (297777, 200, 1.0), *parts]}
    )
    panel = ipums.panel(NEW_ORLEANS, tmp_path)
    assert panel.zones.index.tolist() == [100, 200, 3300]
    assert panel.cube("employment", 2010).ravel().tolist() == [20, 23, 5]
    assert panel.control("population", 2010).tolist() == [20, 23, 5]
    assert panel.notes["2010: in areas joined as 77777 in state 22"] == 5
    assert panel.notes["2010: in areas without a zone"] == 0


def test_joined_areas_count_alike(tmp_path):
    weights = pd.DataFrame(
        [(1, 100, 1.0), (2, 100, 0.5), (2, 200, 0.5), (4, 300, 1.0)],
        columns=["area", "zone", "weight"],
    )
    out = ipums._joined(weights, -7, [1, 2, 3])
    assert out.to_dict("list") == {"zone": [100, 200], "weight": [0.75, 0.25], "area": [-7, -7]}


@pytest.mark.parametrize(
    ("year", "sample", "area", "long", "other", "stands"),
    [
        (2010, 201003, "PUMA", 77777, (29, 7777), 297777),  # of Alabama, not of Louisiana
        (2000, 200001, "PUMA", 77777, (8, 7777), 87777),
        (1990, 199001, "PUMA", 10001, (2, 1), 20001),
        (1980, 198001, "CNTYGP98", 999, (1, 999), 1999),
    ],
)
def test_a_code_never_becomes_an_area_of_another_state(
    tmp_path, year, sample, area, long, other, stands
):
    rows = [
        *people_of(year, sample, area, 1, 1, 60),
        *people_of(year, sample, area, long, 1, 3),
        *people_of(year, sample, area, other[1], other[0], 2),
    ]
    write_extract(tmp_path, frame(rows))
    front = ipums.YEARS[year]["state"]
    write_crosswalks(
        tmp_path, {ipums.YEARS[year]["crosswalk"]: [(front + 1, 100, 1.0), (stands, 200, 1.0)]}
    )
    panel = ipums.panel(ZONES.loc[[100, 200]], tmp_path)
    own = long < front
    assert panel.cube("employment", year).ravel().tolist() == [60, 5 if own else 2]
    assert panel.notes[f"{year}: in areas without a zone"] == 3 * (not own)


def test_the_widest_codes_of_a_year_stay_apart():
    """State and code follow from the area, in every year that puts the state in front."""
    for year, width in {1980: 3, 1990: 5, 2000: 5, 2010: 5, 2020: 5}.items():
        variable = ipums.YEARS[year]["area"]
        states, codes = np.meshgrid(
            [1, 8, 11, 22, 29, 56], [0, 1, 999, 7777, 9999, 10000, 77777, 99999]
        )
        part = (
            pd.DataFrame({"STATEFIP": states.ravel(), variable: codes.ravel()})
            .query(f"{variable} < 10 ** {width}")
            .astype(float)
        )
        assert ipums._areas(part, year).is_unique


def test_many_people_in_areas_that_no_crosswalk_has(tmp_path):
    with pytest.raises(DataError, match="such as those of 88888 in state 5; valid: at most 5%"):
        write_2000(tmp_path, [{"STATEFIP": 5, "PUMA": 88888, "INCWAGE": 10}])
    with pytest.raises(DataError, match="such as those of no area; valid: at most 5%"):
        write_2000(tmp_path, [{"PUMA": np.nan, "INCWAGE": 10}])


# extracts as IPUMS makes them


def test_hierarchical_extracts_are_refused(tmp_path):
    write_extract(tmp_path, population(size=3), structure="hierarchical")
    with pytest.raises(DataError, match="extract.xml: a hierarchical extract.*valid: a rectangul"):
        ipums.totals(tmp_path)


def test_an_extract_of_households_lacks_persons(tmp_path):
    write_extract(tmp_path, population(size=3).drop(columns=["AGE", "SEX", "PERNUM"]))
    with pytest.raises(DataError, match="extract.xml: no variable 'PERNUM', needed in every year"):
        ipums.totals(tmp_path)


@pytest.mark.parametrize("ending", [".dat", ".csv.gz", ".DAT.GZ", ".CSV"])
def test_forms_of_the_data(tmp_path, ending):
    write_extract(tmp_path, population(), name="usa_00007", ending=ending)
    (tmp_path / "usa_00007.xml").rename(tmp_path / "usa_00007.XML")
    write_crosswalks(tmp_path)
    check(ipums.panel(ZONES, tmp_path), *expected(population()))


def test_files_that_are_no_codebooks(folder):
    for name in (
        "._extract.xml",
        ".extract.xml",
        "._extract.dat.gz",
        "extract.xml~",
        "#extract.xml#",
        "extract.xml.bak",
        ".DS_Store",
        "extract.do",
        "extract.cbk",
    ):
        (folder / name).write_bytes(b"\0\5\x16\7")
    (folder / "zones.shp.xml").write_text("<metadata/>", encoding="utf-8")  # without data
    (folder / "old.xml").mkdir()
    check(ipums.panel(ZONES, folder), *expected(population()))


def test_codes_for_missing_of_any_width(tmp_path):
    wide = {"INCWAGE": 7, "INCBUS00": 7}
    write_extract(
        tmp_path,
        frame(
            [
                person(2000, 200001, PUMA=1, INCWAGE=1000, INCBUS00=9_999_999),
                person(2000, 200001, PUMA=1, INCWAGE=9_999_999, INCBUS00=9_999_998),
            ]
        ),
        widths=wide,
    )
    tables, counts = ipums.totals(tmp_path)
    assert tables["workers", 2000]["income"].tolist() == [1000]
    assert counts["2000: earnings not in universe or missing"] == 1


def test_a_year_without_workers_is_an_error(tmp_path):
    """As with a sample of 1950 that lacks the weight of sample lines."""
    write_extract(tmp_path, population().assign(SLWT=np.nan))
    write_crosswalks(tmp_path)
    with pytest.raises(DataError, match="1950: no worker in any zone; .*'1950: of weight zero': "):
        ipums.panel(ZONES, tmp_path)


def test_no_zone_of_all_years_is_an_error(folder):
    write_crosswalks(
        folder,
        {2000: [(10001, 200, 1.0), (10002, 200, 1.0)], 1980: [(1001, 100, 1.0), (1002, 300, 1.0)]},
    )
    with pytest.raises(DataError, match=r"no zone has workers in each of \[1950, 1980, 2000\]"):
        ipums.panel(ZONES, folder)


def test_an_unknown_age_is_not_old(tmp_path):
    panel = write_2000(tmp_path, [{"PUMA": 1, "INCWAGE": 700, "AGE": 999, "EDUC": 11}])
    assert panel.notes["2000: not employed or not of age 15-60"] == 1
    assert panel.control("population", 2000).tolist() == [2, 1, 1]
    assert np.isnan(panel.control("old_age_dependency", 2000)).all()
    assert panel.control("high_skill_share", 2000).tolist() == [0, 0, 0]


def test_letters_in_a_weight_are_an_error(tmp_path):
    write_extract(
        tmp_path, frame([person(2000, 200001, PUMA=1, INCWAGE=1, INCBUS00=0)]), ending=".dat"
    )
    path = tmp_path / "extract.dat"
    text = path.read_text(encoding="latin-1")
    path.write_text(text.replace("0000000100", "00000001o0"), encoding="latin-1")
    with pytest.raises(DataError, match="extract.dat: column 'PERWT': '00000001o0' of pers"):
        ipums.totals(tmp_path)


def test_the_package_is_asked_for(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipumspy", None)
    with pytest.raises(DataError, match="ipumspy is not installed; valid: pip install"):
        ipums.totals(folder)


# what may not leave


def test_only_sums_by_area_are_written_and_only_beside_the_extract(
    folder, tmp_path_factory, monkeypatch
):
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(store, "CACHE", cache)
    before = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    panel = ipums.panel(ZONES, folder)
    assert not [*cache.iterdir()]
    after = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    (new,) = after.keys() - before.keys()
    assert new.match("ipums.totals.*.pickle") and before.items() <= after.items()
    for table in ipums.kept_totals(folder)[0].values():
        assert (
            not {"SERIAL", "PERNUM", "AGE"} & {*table.columns, *table.index.names}
            or len(table) == 1
        )
    assert all(isinstance(n, int) for n in panel.notes.values())


def test_kept_sums_are_used_until_the_extract_changes(folder, monkeypatch):
    read, reads = ipums.totals, []

    def totals(folder):
        reads.append(folder)
        return read(folder)

    totals.__module__ = ipums.__name__  # where the store looks for the code
    monkeypatch.setattr(ipums, "totals", totals)
    first, again = ipums.panel(ZONES, folder), ipums.panel(ZONES, folder)
    assert len(reads) == 1
    for name, cube in first.cubes.items():
        np.testing.assert_array_equal(again.cubes[name], cube)
    (kept,) = folder.glob("*.pickle")
    kept.write_bytes(b"broken")
    ipums.panel(ZONES, folder)
    assert len(reads) == 2
    next(folder.glob("*.dat.gz")).touch()
    ipums.panel(ZONES, folder)
    assert len(reads) == 3
    monkeypatch.setitem(ipums.SETUP, "missing", ipums.SETUP["missing"] | {"INCFARM": [7]})
    ipums.panel(ZONES, folder)
    assert len(reads) == 4


def test_git_ignores_extracts():
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        pytest.skip("not a git checkout")
    for name in (
        "data/ipums/extract.dat.gz",
        "data/ipums/extract.xml",
        "usa_00001.dat.gz",
        "data/ipums/crosswalk_1950.csv",
    ):
        assert subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT).returncode == 0, name


def test_industries():
    table = ipums.INDUSTRIES
    assert table.index.is_monotonic_increasing and table.index.isin(range(105, 947)).all()
    assert table["label"].is_unique
    assert table.groupby("sector").size()["manufacturing"] == 59
    assert table.loc[246, "sector"] == "construction" and table.loc[105, "tradable"]


# the API, played by a server on this machine


class Api(BaseHTTPRequestHandler):
    """Accepts an extract, calls it queued once, then hands out the files of `server.files`."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], asked))
        self.answer({"number": 7, "status": "queued"})

    def do_GET(self):
        name = self.path.split("/")[-1]
        if name in self.server.files:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.files[name])
            return
        self.server.polls += 1
        here = f"http://127.0.0.1:{self.server.server_port}/files/"
        links = {
            "data": {"url": here + "usa_00007.dat.gz"},
            "ddiCodebook": {"url": here + "usa_00007.xml"},
        }
        status = "queued" if self.server.polls == 1 else "completed"
        self.answer({"number": 7, "status": status, "downloadLinks": links})

    def answer(self, content):
        good = self.server.status == 200
        self.send_response(self.server.status)
        self.end_headers()
        text = json.dumps(content) if good else self.server.refusal
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def api(tmp_path_factory, monkeypatch):
    made = tmp_path_factory.mktemp("made")
    write_extract(made, population(), name="usa_00007")
    monkeypatch.delenv("IPUMS_API_KEY", raising=False)
    monkeypatch.setattr("ipumspy.api.core.time.sleep", lambda seconds: None)
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        server.files = {p.name: p.read_bytes() for p in made.iterdir()}
        server.asked, server.polls, server.status = [], 0, 200
        server.refusal = json.dumps({"error": "no such key"})
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_download(api, tmp_path, monkeypatch):
    monkeypatch.setenv("IPUMS_API_KEY", "secret")
    folder = tmp_path / "ipums"
    ipums.download(folder, base_url=api.url)
    assert sorted(p.name for p in folder.iterdir()) == ["extract.dat.gz", "extract.xml"]
    ((path, key, asked),) = api.asked
    assert "collection=usa" in path and key == "secret"
    assert set(asked["samples"]) == {s for y in ipums.YEARS.values() for s in y["samples"]}
    assert {
        *ipums.SETUP["required"],
        "SEA",
        "CNTYGP97",
        "CNTYGP98",
        "PUMA",
        "SLWT",
        "INCWAGE",
    } <= set(asked["variables"])
    write_crosswalks(folder)
    check(ipums.panel(ZONES, folder), *expected(population()))


@pytest.mark.parametrize(
    ("status", "refusal", "error"),
    [
        (401, '{"error": "no such key"}', "no extract .* the key of IPUMS_API_KEY: .*no such key"),
        (
            403,
            '{"detail": "no such key"}',
            "no extract .* the key of IPUMS_API_KEY: .*no such key",
        ),
        (500, '{"detail": "out of order"}', "no extract from .*out of order"),
        (502, "<html>", "no extract from"),
    ],
)
def test_refusal(api, tmp_path, monkeypatch, status, refusal, error):
    monkeypatch.setenv("IPUMS_API_KEY", "wrong")
    api.status, api.refusal = status, refusal
    with pytest.raises(DataError, match=error):
        ipums.download(tmp_path / "ipums", api.url)
    assert list((tmp_path / "ipums").iterdir()) == []


def test_a_lost_file_leaves_the_folder_as_it_was(api, folder, monkeypatch):
    monkeypatch.setenv("IPUMS_API_KEY", "key")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    api.files["usa_00007.xml"] = b"<html>"
    with pytest.raises(DataError, match="usa_00007.xml: no IPUMS codebook"):
        ipums.download(folder, api.url)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_another_extract_stays(api, tmp_path, monkeypatch):
    monkeypatch.setenv("IPUMS_API_KEY", "key")
    write_extract(tmp_path, population(size=3), name="usa_00001")
    with pytest.raises(DataError, match="holds another extract, usa_00001.xml; valid: none"):
        ipums.download(tmp_path, api.url)
    assert not api.asked


def test_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("IPUMS_API_KEY", "key")
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        url = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(DataError, match="no extract from http://127.0.0.1"):
        ipums.download(tmp_path, url)
    assert list(tmp_path.iterdir()) == []


def test_no_key(api, tmp_path):
    with pytest.raises(DataError, match="IPUMS_API_KEY: not set"):
        ipums.download(tmp_path / "ipums", base_url=api.url)
    assert not (tmp_path / "ipums").exists() and not api.asked
