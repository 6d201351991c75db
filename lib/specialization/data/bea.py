"""Regional tables of the Bureau of Economic Analysis (BEA): one format for states and counties.

A file has one row for each area and line of the table and one column for each year. Areas are
FIPS codes in quotation marks, footnotes follow the rows, and a cell may hold a mark:
"(D)" hidden so as not to disclose a firm, "(NA)" not available, "(NM)" not meaningful, "(L)" less
than $50,000.
"""

import zipfile
import zlib
from os import PathLike
from pathlib import Path
from typing import IO

import pandas as pd

from ..errors import DataError
from . import schema

SMALL = 25_000.0
"""Dollars in a cell marked "(L)": half of the limit below which BEA prints no number."""

VALID = 'a number, "(D)", "(NA)", "(NM)" or "(L)"'

COLUMNS = ("GeoFIPS", "LineCode", "IndustryClassification", "Description", "Unit")

UNITS = {"Millions": 1e6, "Thousands": 1e3}
"""Dollars in a unit, by the first word of its name."""


def read_table(source: str | PathLike | IO) -> pd.DataFrame:
    """Rows of a regional table, without footnotes, as printed.

    Parameters
    ----------
    source : path or file
        A comma-separated file as BEA publishes it, in latin-1.

    Returns
    -------
    DataFrame
        Columns place (FIPS code, 1000 divides those of states), line (code of the line),
        classification (codes of the industry), description (without indentation and marks of
        footnotes), scale (dollars in the unit, NaN for persons) and one for each year, an
        integer, of text.

    Examples
    --------
    >>> import io
    >>> text = '''GeoFIPS,GeoName,LineCode,IndustryClassification,Description,Unit,1963
    ...  "01000",Alabama,7,"10","   Metal mining 2/","Millions of current dollars",(L)
    ... "Note: see the footnotes."'''
    >>> print(*read_table(io.StringIO(text)).iloc[0], sep=", ")
    1000, 7, 10, Metal mining, 1000000.0, (L)
    """
    file = Path(str(getattr(source, "name", source))).name
    try:
        raw = pd.read_csv(
            source, encoding="latin-1", dtype=str, skipinitialspace=True, keep_default_na=False
        )
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{file}: {error}") from None
    # a byte order mark, which latin-1 reads as three letters
    names = {c.lower(): c for c in COLUMNS}
    plain = raw.columns.str.removeprefix("ï»¿").str.strip(' "')
    raw.columns = pd.Index([names.get(c.lower(), c) for c in plain])
    if missing := [c for c in COLUMNS if c not in raw]:
        raise DataError(f"{file}: no column {missing[0]!r}; valid: {', '.join(COLUMNS)}, years")
    raw = raw[raw["LineCode"].str.fullmatch(r"\d+", na=False)]  # footnotes have none
    places = raw["GeoFIPS"].str.strip(' "')
    schema.check_rows(
        raw[["GeoFIPS", "LineCode"]],
        file,
        ("GeoFIPS", places.str.fullmatch(r"\d{1,5}", na=False), "a code of up to five digits"),
    )
    names = raw["Description"].str.strip().str.replace(r"( \d+/)+$", "", regex=True)
    keys = pd.DataFrame(
        {
            "place": places.astype(int),
            "line": raw["LineCode"].astype(int),
            "classification": raw["IndustryClassification"].str.strip(),
            "description": names,
            "scale": raw["Unit"].str.split().str[0].str.capitalize().map(UNITS),
        }
    )
    return keys.join(raw.filter(regex=r"^\d{4}$").rename(columns=int)).reset_index(drop=True)


def cells(rows: pd.DataFrame, source: str) -> pd.DataFrame:
    """One row for each cell, in dollars.

    Parameters
    ----------
    rows : DataFrame
        Some rows of `read_table`.
    source : str
        Name of the table, for errors.

    Returns
    -------
    DataFrame
        The columns of `rows` that say what the row is, year, value (dollars, `SMALL` where marked
        "(L)", NaN where marked otherwise) and mark ("D", "NA", "NM", "L" or
        empty).

    Raises
    ------
    DataError
        A row that is not in dollars; a cell that is neither a number nor one of the four marks.

    Examples
    --------
    >>> rows = pd.DataFrame({"place": [1000], "line": [7], "scale": [1e6], 1963: ["(L)"],
    ...                      1964: ["1.5"], 1965: ["(D)"]})
    >>> found = cells(rows, "made up")
    >>> found["value"].tolist(), found["mark"].tolist()
    ([25000.0, 1500000.0, nan], ['L', '', 'D'])
    """
    years = [c for c in rows if isinstance(c, int)]
    schema.check_rows(
        rows.drop(columns=years),
        source,
        ("scale", rows["scale"].notna(), "millions or thousands of dollars"),
    )
    table = rows.melt([c for c in rows if c not in years], years, "year", "text")
    text = table.pop("text").str.strip()
    mark = text.str.extract(r"^\((\w+)\)$")[0].fillna("")
    value = pd.to_numeric(text.where(mark == ""), errors="coerce") * table.pop("scale")
    schema.check_rows(
        table.assign(value=text),
        source,
        ("value", value.notna() | mark.isin(["D", "NA", "NM", "L"]), VALID),
    )
    return table.assign(
        year=table["year"].astype(int), value=value.mask(mark == "L", SMALL), mark=mark
    )
