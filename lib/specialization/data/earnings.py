"""Earnings by industry and zone: tables CAINC5S and CAINC5N of the Bureau of Economic Analysis.

Earnings are wages, supplements and income of proprietors, by place of work: shares of *income*, as
the slides measure them. The files of all counties are too large for the manifest; they come from
BEA's zip files, which `make earnings` fetches on request, or from a folder. **The
real files have not been read here**: the reader is written after the format of the other tables
of BEA (`bea`), and tested on made-up files in that format.
"""

import io
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from .. import store
from ..errors import DataError, Unreachable
from ..store import CACHE, kept, named_folder, write
from . import bea, public, schema
from .download import TIMEOUT

FILES = {"sic": "CAINC5S", "naics": "CAINC5N"}
"""BEA's table by classification of industries: 1969 to 2000, and 2001 on."""

ADDRESS = "https://apps.bea.gov/regional/zip/{}.zip"

INDUSTRIES = pd.read_csv(store.TABLES / "industries_earnings.csv", index_col="code")
"""Industries of both tables. `key` is BEA's code of the industry, or the description of the line:
thirteen divisions, or twenty sectors and three kinds of government. Finer lines are hidden in most
counties."""

TOTAL = "earnings by place of work"

ROUNDING = 1e-3
"""Largest distance of the sum of industries from the nation's total, as a share of it."""


def folder() -> Path:
    """Where the files lie: the folder that the variable SPECIALIZATION_BEA names, else the
    cache's own."""
    return named_folder("SPECIALIZATION_BEA") or CACHE / "bea"


def available(classification: str = "sic") -> bool:
    """Whether the file of a classification is at hand."""
    return _file(classification) is not None


def _file(classification):
    name = FILES[classification]
    return next(
        (
            p
            for pattern in (f"{name}__ALL_AREAS_*.csv", f"{name}*.zip")
            for p in sorted(folder().glob(pattern))
        ),
        None,
    )


def fetch_zip(classification: str) -> Path:
    """Download BEA's zip file of a table, some 30 MB, into `folder`; returns its path.

    BEA revises the table every year: there is no sha256 to check, and results are those of the
    edition that was fetched. This could not be tried against BEA's server.

    Raises
    ------
    Unreachable
        The address does not answer or refuses.
    DataError
        What it sends is no zip file.
    """
    import requests  # slow to import, and seldom needed

    name = FILES[classification]
    try:
        answer = requests.get(ADDRESS.format(name), timeout=TIMEOUT)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise Unreachable(
            f"{name}.zip cannot be downloaded ({type(error).__name__}): put it, or "
            f"the file of all areas in it, into {folder()}"
        ) from error
    if not zipfile.is_zipfile(io.BytesIO(answer.content)):
        raise DataError(f"{name}.zip at its address: no zip file")
    write(folder() / f"{name}.zip", answer.content)
    return folder() / f"{name}.zip"


def read(path: str | os.PathLike) -> pd.DataFrame:
    """`bea.read_table` of the file of all areas, plain or in BEA's zip file.

    Raises
    ------
    DataError
        A zip file without one file of all areas.
    """
    if not zipfile.is_zipfile(path):
        return bea.read_table(path)
    with zipfile.ZipFile(path) as archive:
        # an archive that a Mac packed again has a shadow of each file
        names = [
            n for n in archive.namelist() if re.search(r"(^|/)[^._/][^/]*ALL_AREAS.*\.csv$", n)
        ]
        if len(names) != 1:
            raise DataError(f"{path}: {len(names)} files of all areas; valid: one")
        with archive.open(names[0]) as source:
            return bea.read_table(source)


def industry_cells(rows: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Earnings by area, year and industry, and their total as industry 0.

    Parameters
    ----------
    rows : DataFrame
        As of `bea.read_table`.
    names : DataFrame
        Of `INDUSTRIES`, those of one classification.

    Returns
    -------
    DataFrame
        Columns place, industry, year, value (dollars, NaN where hidden or missing) and mark.
        An area in a year without total, such as a county not yet made, is left out.

    Raises
    ------
    DataError
        An industry that no line of the table, or more than one, belongs to.
    """
    words = rows["description"].str.lower().str.replace(",", "")
    keys = pd.Series(names.index, names["key"])
    code = words.map({TOTAL: 0}).fillna(words.map(keys)).fillna(rows["classification"].map(keys))
    lines = rows.assign(industry=code)[code.notna()].astype({"industry": int})
    found = lines.groupby("industry")["line"].nunique().reindex([0, *names.index], fill_value=0)
    if (found != 1).any():
        raise DataError(
            f"BEA, earnings: {found[found != 1].iloc[0]} lines for industry "
            f"{found.index[found != 1][0]}; valid: one"
        )
    table = bea.cells(lines[["place", "industry", *rows.columns[4:]]], "BEA, earnings")
    whole = table[(table["industry"] == 0) & table["value"].notna()]
    there = pd.MultiIndex.from_frame(table[["place", "year"]]).isin(
        pd.MultiIndex.from_frame(whole[["place", "year"]])
    )
    return table[there].reset_index(drop=True)


def fill_hidden(cells: pd.DataFrame) -> tuple[pd.DataFrame, dict]:
    r"""Earnings of counties by year and industry, those hidden filled from the county's total.

    What the known industries leave of the total is spread over the hidden ones H in proportion to
    the nation's earnings,

    .. math:: \hat y_{ci} = \max\Big(0, y_c - \sum_{j \notin H} y_{cj}\Big)
              \frac{y_i^{US}}{\sum_{j \in H} y_j^{US}}, \quad i \in H.

    Parameters
    ----------
    cells : DataFrame
        As of `industry_cells`, with the nation, place 0.

    Returns
    -------
    DataFrame
        Index place and year of the counties, a column for each industry.
    dict
        "hidden cells", "hidden share" (of all earnings, what was spread), "small cells".

    Raises
    ------
    DataError
        The nation's industries do not sum to its total within `ROUNDING`.

    Examples
    --------
    >>> cells = pd.DataFrame({"place": [0] * 4 + [1001] * 4, "industry": [0, 1, 2, 3] * 2,
    ...     "year": 1969, "value": [100, 50, 30, 20, 10, 5, np.nan, np.nan], "mark": ""})
    >>> fill_hidden(cells)[0].loc[1001, 1969].tolist()
    [5.0, 3.0, 2.0]
    """
    keys = ["place", "industry", "year"]
    schema.check_rows(
        cells[keys], "BEA, earnings", ("place", ~cells.duplicated(keys), "each cell once")
    )
    if not (cells["place"] == 0).any():
        raise DataError("BEA, earnings: no rows of the nation, place 00000; valid: all areas")
    table = cells.pivot(index=["place", "year"], columns="industry", values="value")
    total, table = table[0], table.drop(columns=0)
    nation = table.loc[[0]].droplevel("place")
    gap = nation.sum(axis=1) / total.loc[0] - 1
    schema.check_rows(
        gap.rename("gap").reset_index(),
        "BEA, earnings of the nation",
        (
            "gap",
            gap.abs().le(ROUNDING).reset_index(drop=True),
            "industries that sum to the total, none hidden",
        ),
    )
    county = table[table.index.get_level_values("place") % 1000 != 0]
    hidden, rest = county.isna(), (total.loc[county.index] - county.sum(axis=1)).clip(lower=0)
    weight = nation.loc[county.index.get_level_values("year")].set_axis(county.index) * hidden
    spread = weight.div(weight.sum(axis=1).replace(0, np.nan), axis=0).mul(rest, axis=0)
    return county.fillna(spread).fillna(0), {
        "hidden cells": int(hidden.to_numpy().sum()),
        "hidden share": float(spread.to_numpy()[hidden].sum() / total.loc[county.index].sum()),
        "small cells": int((cells["mark"] == "L").sum()),
    }


def panel(classification: str = "sic") -> schema.Panel:
    """Panel of earnings by industry in one classification.

    Parameters
    ----------
    classification : str
        "sic": 13 divisions, 1969 to 2000; "naics": 23 sectors, 2001 to 2018, where the incomes of
        the public vintage end.

    Returns
    -------
    Panel
        Cube "income" in current dollars; controls as in the other panels of zones.

    Raises
    ------
    DataError
        Another classification; a file that is not at hand.
    """
    if classification not in FILES:
        raise DataError(
            f"earnings: unknown classification {classification!r}; valid: {list(FILES)}"
        )
    if (path := _file(classification)) is None:
        raise DataError(
            f"{FILES[classification]}: not in {folder()}; `python -m specialization earnings` "
            "fetches it"
        )
    return kept(_build, classification, path)


def _build(classification, path):
    names = INDUSTRIES[INDUSTRIES["classification"] == classification]
    county, notes = fill_hidden(industry_cells(read(path), names))
    county = county.rename_axis(["county", "year"]).reset_index()
    county, matched = public.match_zones(county, public.county_zones(), FILES[classification])
    controls = public.panel("sectors").controls
    known = controls.index.unique("year")
    zones = county[county["year"].isin(known)].groupby(["year", "zone"])[[*names.index]].sum()
    years = zones.index.unique("year").to_numpy()
    zones = zones.reindex(pd.MultiIndex.from_product([years, schema.ZONES.index]), fill_value=0)
    notes |= matched | {"negative cells": int((zones < 0).to_numpy().sum())}  # losses of farms
    cube = zones.clip(lower=0).to_numpy().reshape(len(years), len(schema.ZONES), -1)
    return schema.Panel(
        "public",
        years,
        schema.ZONES,
        schema.industry_table(names.index, names["label"], names["sector"]),
        {"income": cube},
        controls,
        notes,
    )
