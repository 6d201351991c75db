"""Earnings by industry, on made-up files in BEA's format; no real file is at hand."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from specialization import __main__
from specialization.data import download, earnings, public
from specialization.errors import DataError, Unreachable

LINES = {
    "sic": [
        (10, "...", "Personal income"),
        (20, "...", "Population (persons) 1/"),
        (35, "...", "Earnings by place of work"),
        (50, "...", "  Wages and salaries"),
        (71, "[01-02]", "  Farm proprietors' income"),
        (81, "[01-02]", "  Farm earnings"),
        (82, "...", "  Nonfarm earnings"),
        (90, "...", "   Private earnings"),
        (100, "[07-09]", "    Ag. services, forestry, fishing, and other 3/"),
        (200, "B", "    Mining"),
        (220, "12", "     Coal mining"),
        (300, "C", "    Construction"),
        (400, "D", "    Manufacturing"),
        (410, "...", "     Durable goods"),
        (500, "E", "    Transportation and public utilities"),
        (610, "F", "    Wholesale trade"),
        (620, "G", "    Retail trade"),
        (700, "H", "    Finance, insurance, and real estate"),
        (800, "I", "    Services"),
        (900, "...", "   Government and government enterprises"),
        (910, "...", "    Federal, civilian"),
        (920, "...", "    Military"),
        (930, "...", "    State and local"),
        (931, "...", "     State government"),
    ]
}
"""The lines of the table around those that are used. Their numbers are not relied upon."""

NAMES = earnings.INDUSTRIES[earnings.INDUSTRIES["classification"] == "sic"]
AMOUNTS = dict(
    zip(
        [81, 100, 200, 300, 400, 500, 610, 620, 700, 800, 910, 920, 930],
        [50, 5, 10, 60, 250, 70, 65, 100, 70, 200, 40, 20, 60],
        strict=True,
    )
)
"""Earnings of the nation by line, 1,000 in all."""


def bea_text(areas, years=(1969, 1970), marks=None):
    """A file in BEA's format: `areas` has the scale of each, `marks` replaces cells."""
    head = "GeoFIPS,GeoName,Region,TableName,LineCode,IndustryClassification,Description,Unit"
    rows = [",".join([head, *map(str, years)])]
    for place, scale in areas.items():
        for line, code, words in LINES["sic"]:
            unit = "Number of persons" if line == 20 else "Thousands of dollars"
            amount = 1000 if line in (10, 20, 35, 82, 90) else AMOUNTS.get(line, 3)
            cells = [
                (marks or {}).get(
                    (place, line, y), str(round(amount * scale * (1 + (y == years[-1]) / 2)))
                )
                for y in years
            ]
            rows.append(
                f' "{place:05}","Somewhere, ñ *",5,CAINC5S,{line},"{code}","{words}",'
                f'"{unit}",{",".join(cells)}'
            )
    return "\n".join(
        [
            *rows,
            '"Note: See the included footnote file."',
            '"CAINC5S: Personal income by major component"',
            '"Last updated: ..."',
        ]
    )


def cells_of(tmp_path, *arguments, **options):
    path = tmp_path / "CAINC5S__ALL_AREAS_1969_2000.csv"
    path.write_text(bea_text(*arguments, **options), encoding="latin-1")
    return earnings.industry_cells(earnings.read(path), NAMES)


def test_each_industry_has_its_line(tmp_path):
    cells = cells_of(tmp_path, {0: 100, 1001: 1})
    one = cells[(cells["place"] == 1001) & (cells["year"] == 1969)].set_index("industry")["value"]
    assert one[0] == 1e6  # thousands of dollars
    assert one[[*NAMES.index]].tolist() == [1e3 * v for v in AMOUNTS.values()]
    assert len(cells) == 2 * 2 * 14


def test_hidden_cells_share_what_the_others_leave(tmp_path):
    marks = {
        (1001, 200, 1969): "(D)",
        (1001, 400, 1969): "(D)",
        (1001, 400, 1970): "(D)",
        (1003, 200, 1969): "(L)",
        (1003, 81, 1970): "-7",
    }
    filled, notes = earnings.fill_hidden(
        cells_of(tmp_path, {0: 100, 1001: 2, 1003: 1, 1000: 3}, marks=marks)
    )
    assert filled.index.tolist() == [(c, y) for c in (1001, 1003) for y in (1969, 1970)]
    one = filled.loc[1001, 1969]
    assert one[[10, 20]].tolist() == pytest.approx([520e3 * 10 / 260, 520e3 * 250 / 260])
    assert filled.loc[(1001, 1970), 20] == pytest.approx(1.5 * 500e3)  # alone: the residual
    assert filled.loc[(1003, 1969), 10] == 25_000 and filled.loc[(1003, 1970), 1] == -7000
    assert notes == {
        "hidden cells": 3,
        "small cells": 1,
        "hidden share": pytest.approx((520 + 750) / (2000 + 3000 + 1000 + 1500)),
    }


def test_more_known_than_the_total_leaves_nothing(tmp_path):
    marks = {(1001, 35, 1969): "900", (1001, 200, 1969): "(D)"}
    filled, _ = earnings.fill_hidden(cells_of(tmp_path, {0: 100, 1001: 1}, marks=marks))
    assert filled.loc[(1001, 1969), 10] == 0


def test_county_not_yet_made_is_left_out(tmp_path):
    marks = {(8014, line, 1969): "(NA)" for line, *_ in LINES["sic"]}
    filled, notes = earnings.fill_hidden(cells_of(tmp_path, {0: 9, 8001: 1, 8014: 1}, marks=marks))
    assert filled.index.tolist() == [(8001, 1969), (8001, 1970), (8014, 1970)]
    assert notes["hidden cells"] == 0


def test_missing_and_doubled_lines_are_errors(tmp_path):
    rows = earnings.read(_written(tmp_path, bea_text({0: 1})))
    with pytest.raises(DataError, match="0 lines for industry 92"):
        earnings.industry_cells(rows[rows["line"] != 920], NAMES)
    with pytest.raises(DataError, match="2 lines for industry 10"):
        earnings.industry_cells(rows.replace({"classification": {"12": "B"}}), NAMES)


def test_nation_that_does_not_add_up_is_an_error(tmp_path):
    cells = cells_of(tmp_path, {0: 100, 1001: 1}, marks={(0, 400, 1970): "(D)"})
    with pytest.raises(DataError, match="year 1970, gap -0.25.*sum to the total, none hidden"):
        earnings.fill_hidden(cells)


def _written(tmp_path, text, name="CAINC5S__ALL_AREAS_1969_2000.csv"):
    (tmp_path / name).write_text(text, encoding="latin-1")
    return tmp_path / name


def test_zip_file_of_bea(tmp_path):
    plain = _written(tmp_path, bea_text({0: 1, 1001: 1}))
    packed = tmp_path / "CAINC5S.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(plain, plain.name)
        archive.writestr("CAINC5S_AL_1969_2000.csv", "other,columns")
        archive.writestr("CAINC5S__definition.xml", "<x/>")
    pd.testing.assert_frame_equal(earnings.read(packed), earnings.read(plain))
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("CAINC5S__definition.xml", "<x/>")
    with pytest.raises(DataError, match="0 files of all areas; valid: one"):
        earnings.read(packed)


def test_folder_and_availability(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECIALIZATION_BEA", str(tmp_path))
    assert not earnings.available("sic")
    with pytest.raises(DataError, match="CAINC5S: not in .*specialization earnings` fetches"):
        earnings.panel("sic")
    _written(tmp_path, bea_text({0: 1}))
    assert earnings.available("sic") and not earnings.available("naics")
    with pytest.raises(DataError, match="'isic'; valid: .'sic', 'naics'"):
        earnings.panel("isic")


class Answer:
    """What a server sends."""

    def __init__(self, content):
        self.content = content

    def raise_for_status(self):
        pass


def test_download(tmp_path, monkeypatch):
    import requests

    monkeypatch.setenv("SPECIALIZATION_BEA", str(tmp_path / "bea"))
    asked = []
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("CAINC5N__ALL_AREAS_2001_2022.csv", "")
    content = (tmp_path / "x.zip").read_bytes()
    monkeypatch.setattr(requests, "get", lambda url, **_: asked.append(url) or Answer(content))
    assert earnings.fetch_zip("naics").read_bytes() == content and earnings.available("naics")
    assert asked == ["https://apps.bea.gov/regional/zip/CAINC5N.zip"]
    monkeypatch.setattr(requests, "get", lambda *_, **__: Answer(b"<html>"))
    with pytest.raises(DataError, match="no zip file"):
        earnings.fetch_zip("sic")

    monkeypatch.setattr(requests, "get", lambda *_, **__: Answer(content))
    assert __main__.main(["earnings"]) == 0
    assert {p.name for p in (tmp_path / "bea").iterdir()} == {"CAINC5S.zip", "CAINC5N.zip"}

    def silent(*_, **__):
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", silent)
    with pytest.raises(Unreachable, match="CAINC5S.zip cannot be downloaded.*put it"):
        earnings.fetch_zip("sic")


@pytest.mark.parametrize("classification, number", [("sic", 13), ("naics", 23)])
def test_table_of_industries(classification, number):
    table = earnings.INDUSTRIES[earnings.INDUSTRIES["classification"] == classification]
    assert len(table) == number and table.index.is_unique and table["key"].is_unique
    assert (table["key"] == table["key"].str.strip()).all() and (table.index > 0).all()


@pytest.mark.public
def test_panel_of_all_areas_of_bea(need, tmp_path, monkeypatch):
    """Areas and codes are BEA's own, of table CAINC1; each county earns its population."""
    need()
    people = public.read_bea(download.fetch("bea_cainc1_1969_2018.csv")).query("year == 1970")
    people = people.set_index("county")["population"].astype(int) / 1000
    monkeypatch.setenv("SPECIALIZATION_BEA", str(tmp_path))
    marks = {(36061, 400, 1969): "(D)", (36061, 400, 1970): "(D)"}
    _written(tmp_path, bea_text(people.to_dict(), marks=marks))
    monkeypatch.setattr(earnings, "kept", lambda build, *arguments: build(*arguments))
    panel = earnings.panel("sic")
    assert panel.years.tolist() == [1969, 1970] and panel.cube("income").shape == (2, 722, 13)
    # thousands of dollars: 1,000 for each thousand persons is 1,000 dollars a person
    np.testing.assert_allclose(
        panel.cube("income", 1969).sum(axis=1), 1000 * panel.control("population", 1970), rtol=0.02
    )
    share = panel.cube("income", 1970).sum(axis=0) / panel.cube("income", 1970).sum()
    np.testing.assert_allclose(share, [v / 1000 for v in AMOUNTS.values()], rtol=0.01)
    assert panel.notes["hidden cells"] == 2 and 51901 in panel.notes["repaired counties"]


@pytest.mark.parametrize(
    "change",
    [
        lambda t: "ï»¿" + t,
        lambda t: t.replace("GeoFIPS", "GeoFips"),
        lambda t: t.replace("Thousands", "thousands"),
        lambda t: t.replace("\n", "\r\n"),
    ],
)
def test_forms_of_the_file(tmp_path, change):
    text = bea_text({0: 1, 1001: 1})
    plain = earnings.read(_written(tmp_path, text))
    pd.testing.assert_frame_equal(earnings.read(_written(tmp_path, change(text))), plain)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "CAINC5S.*: No columns"),
        ("<html>404</html>", "no column 'GeoFIPS'"),
        (bea_text({0: 1})[:3000] + '"', "CAINC5S"),
        (bea_text({0: 1}).replace('"00000"', '"0000A"'), "column 'GeoFIPS'.*0000A"),
    ],
)
def test_a_file_that_is_no_table(tmp_path, text, words):
    with pytest.raises(DataError, match=words):
        earnings.industry_cells(earnings.read(_written(tmp_path, text)), NAMES)


def test_not_meaningful_doubled_and_without_the_nation(tmp_path):
    cells = cells_of(tmp_path, {0: 100, 1001: 1}, marks={(1001, 200, 1969): "(NM)"})
    assert earnings.fill_hidden(cells)[1]["hidden cells"] == 1
    with pytest.raises(DataError, match="each cell once"):
        earnings.fill_hidden(pd.concat([cells, cells]))
    with pytest.raises(DataError, match="no rows of the nation"):
        earnings.fill_hidden(cells[cells["place"] != 0])
