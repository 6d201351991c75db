"""A made-up extract in IPUMS's own format: a DDI codebook and a fixed-width file."""

import gzip
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd

WIDTHS = {
    "YEAR": 4,
    "SAMPLE": 6,
    "SERIAL": 8,
    "STATEFIP": 2,
    "SEA": 3,
    "CNTYGP97": 5,
    "CNTYGP98": 3,
    "PUMA": 5,
    "PERNUM": 4,
    "PERWT": 10,
    "SLWT": 10,
    "SEX": 1,
    "AGE": 3,
    "EDUC": 2,
    "EMPSTAT": 1,
    "IND1950": 3,
    "INCWAGE": 6,
    "INCBUSFM": 5,
    "INCBUS": 6,
    "INCFARM": 6,
    "INCBUS00": 6,
}
WEIGHTS = ("PERWT", "SLWT")
"""Weights have two implied decimals; every other variable has none."""

CODEBOOK = """<?xml version="1.0" encoding="UTF-8"?>
<codeBook xmlns="ddi:codebook:2_5">
<stdyDscr><citation><serStmt><serName abbr="usa">made up</serName><serInfo>none</serInfo>
</serStmt></citation><stdyInfo><notes>made up: us0000a</notes></stdyInfo>
<dataAccs><useStmt><citReq>none</citReq><conditions>none</conditions></useStmt></dataAccs>
</stdyDscr>
<fileDscr><fileTxt><fileName>{name}.dat</fileName><fileCont>made up</fileCont>
<fileStrc type="{structure}"/><fileType charset="ISO-8859-1"/><format>fixed length fields</format>
<filePlac>nowhere</filePlac></fileTxt></fileDscr>
<dataDscr>{variables}</dataDscr>
</codeBook>
"""
VARIABLE = """<var ID="{name}" name="{name}" intrvl="discrete" dcml="{decimals}">
<location StartPos="{start}" EndPos="{end}" width="{width}"/>
<labl>{label}</labl><txt>{label}</txt><concept>made up</concept><varFormat type="numeric"/></var>
"""


def write_extract(
    folder, persons, name="extract", ending=".dat.gz", structure="rectangular", widths=()
):
    """Write `persons` as `name`.xml and its data, of `ending`; NaN becomes blank.

    Weights of a .csv have their decimals, as IPUMS writes them. `structure` is what the codebook
    says; `widths` changes `WIDTHS`.
    """
    widths = WIDTHS | dict(widths)
    variables, start = [], 1
    for variable in persons:
        width = widths[variable]
        variables.append(
            VARIABLE.format(
                name=variable,
                label=escape(variable.lower()),
                start=start,
                end=start + width - 1,
                width=width,
                decimals=2 if variable in WEIGHTS else 0,
            )
        )
        start += width
    codebook = CODEBOOK.format(name=name, variables="".join(variables), structure=structure)
    (folder / f"{name}.xml").write_text(codebook, encoding="utf-8")
    if "csv" in ending.lower():
        text = persons.to_csv(index=False)
    else:
        lines = zip(*(_field(persons[v], widths[v], v in WEIGHTS) for v in persons), strict=True)
        text = "".join("".join(line) + "\n" for line in lines)
    content = text.encode("latin-1")
    (folder / f"{name}{ending}").write_bytes(
        gzip.compress(content) if ending.lower().endswith("gz") else content
    )


def _field(values, width, weight):
    whole = (values * 100 if weight else values).round()
    texts = [" " * width if np.isnan(v) else f"{v:0{width}.0f}" for v in whole]
    assert all(len(t) == width for t in texts), values.name
    return texts


def person(year, sample, **fields):
    """One employed man of 40 with a wage, unless `fields` say otherwise."""
    base = {
        "YEAR": year,
        "SAMPLE": sample,
        "SERIAL": 1,
        "STATEFIP": 1,
        "PERNUM": 2,
        "PERWT": 1,
        "SEX": 1,
        "AGE": 40,
        "EDUC": 6,
        "EMPSTAT": 1,
        "IND1950": 105,
    }
    return base | fields


def frame(rows):
    """Persons in the order of `WIDTHS`; variables that no row has are left out."""
    table = pd.DataFrame(rows)
    return table[[v for v in WIDTHS if v in table]].astype(float)
