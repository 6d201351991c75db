"""The 48 contiguous states: value added by industry from 1963, income from 1929.

The only public value added by area and industry of half a century. It comes in two
classifications of industries, which share 1997 and no industry: a panel for each, and no level is
to be compared across them.
"""

import numpy as np
import pandas as pd

from .. import store
from ..errors import DataError
from ..store import kept
from . import bea, county_book, public, schema
from .download import fetch

INCOMES = "spi.a.rda"

TABLES = {
    "sic": ("SAGDP2S__ALL_AREAS_1963_1997.csv", "industries_states_sic.csv", 1997, 1960),
    "naics": ("SAGDP2N__ALL_AREAS_1997_2020.csv", "industries_states_naics.csv", 2019, 1990),
}
"""By classification: BEA's file; the table of industries, whose code is BEA's line; the last year
with that detail; and the census with the controls.

BEA changed the standard industrial classification in 1987: instruments, credit institutions and
other services jump, ninefold in one state. The lines that BEA adds up over the change replace
their three pairs of parts, which leaves 60 of 63 industries."""

STATES = pd.read_csv(store.TABLES / "states.csv", index_col="zone")
"""The states as zones of a panel, by FIPS code. Divisions of the Census Bureau; the Rustbelt of
`schema.ZONES`; centroids of `boundaries.states` in an equal-area projection."""

ROUNDING = 1e-3
"""Largest distance of the sum of industries from BEA's total of a state, as a share of it."""


def incomes(frame: pd.DataFrame) -> pd.DataFrame:
    """Income per head and population of the states from a long table.

    Parameters
    ----------
    frame : DataFrame
        Columns stabbr, year, line (1: personal income in million dollars, 2: persons), value;
        rows of other areas and lines are left out.

    Returns
    -------
    DataFrame
        Columns income_per_head (current dollars) and population, indexed by zone and year.

    Examples
    --------
    >>> frame = pd.DataFrame({"stabbr": ["AL", "AL", "US"], "year": [1929] * 3,
    ...                       "line": [1, 2, 1], "value": [843.2, 2644000, 85151]})
    >>> incomes(frame).round(1).to_dict("index")
    {(1, 1929): {'income_per_head': 318.9, 'population': 2644000.0}}
    """
    codes = pd.Series(STATES.index, STATES["state"])
    if missing := [c for c in ("stabbr", "year", "line", "value") if c not in frame]:
        raise DataError(f"{INCOMES}: no column {missing[0]!r}; has {[*frame]}")
    rows = frame[frame["stabbr"].isin(codes.index)]
    rows = rows.assign(line=pd.to_numeric(rows["line"], errors="coerce"))
    rows = rows[rows["line"].isin([1, 2])]
    rows = rows.assign(zone=rows["stabbr"].map(codes)).astype(
        {"zone": int, "year": int, "line": int, "value": float}
    )
    keys = ["stabbr", "year", "line"]
    pair = rows.groupby(["zone", "year"])["line"].transform("size")
    schema.check_rows(
        rows[[*keys, "value"]],
        INCOMES,
        ("line", ~rows.duplicated(keys), "each line once"),
        ("line", pair == 2, "income, 1, and persons, 2"),
        ("value", rows["value"].notna() & ((rows["line"] == 1) | (rows["value"] > 0)), "> 0"),
    )
    wide = rows.pivot(index=["zone", "year"], columns="line", values="value")
    return pd.DataFrame({"income_per_head": 1e6 * wide[1] / wide[2], "population": wide[2]})


def industries(rows: pd.DataFrame, lines: pd.Index, last: int) -> tuple[pd.DataFrame, dict]:
    """Value added of states, industries and years from one of BEA's tables.

    Parameters
    ----------
    rows : DataFrame
        As of `bea.read_table`, with line 1, the total of each state.
    lines : sequence of int
        The industries.
    last : int
        The last year.

    Returns
    -------
    DataFrame
        Columns zone, year, industry, value_added (dollars): negative ones are zero, those below
        $50,000 are half of that.
    dict
        Numbers of cells: "small cells", "negative cells" and the largest of these as a share of
        the total of its state.

    Raises
    ------
    DataError
        A cell that is hidden or missing; industries that do not sum to the total within
        `ROUNDING`.
    """
    rows = rows[(rows["place"] // 1000).isin(STATES.index) & rows["line"].isin([1, *lines])]
    table = bea.cells(rows, "BEA, states").query("year <= @last")
    table = table.assign(zone=table["place"] // 1000)[["zone", "year", "line", "value", "mark"]]
    schema.check_rows(
        table, "BEA, states", ("value", table["value"].notna(), 'no cell "(D)" or "(NA)"')
    )
    keys = ["zone", "year"]
    total = table[table["line"] == 1].set_index(keys)["value"]
    table = table[table["line"] != 1].rename(columns={"line": "industry"})
    sums = (table.groupby(keys)["value"].sum() / total).rename("sum").reset_index()
    schema.check_rows(
        sums,
        "BEA, states",
        ("sum", (sums["sum"] - 1).abs() <= ROUNDING, "industries that sum to the total"),
    )
    negative = table[table["value"] < 0].set_index(keys)["value"]
    notes = {
        "small cells": int((table["mark"] == "L").sum()),
        "negative cells": len(negative),
        "largest negative share": float((-negative / total).max()) if len(negative) else 0.0,
    }
    return table.assign(value_added=table["value"].clip(lower=0)).drop(
        columns=["value", "mark"]
    ), notes


def _by_state(counties):
    state = (counties["county"] // 1000).rename("zone")
    return counties.drop(columns="county").groupby(state).sum().loc[STATES.index]


def _census(year):
    # schooling and ages of a census before the value added starts, by state
    if year == county_book.YEAR:
        sums = _by_state(county_book.read_counties(fetch(county_book.FILE))[0])
        found = county_book.characteristics(sums)[["high_skill_share", "old_age_dependency"]]
    else:
        sums = _by_state(public.read_age_sex(fetch("census_county_age_sex_1990.csv.zip")))
        found = pd.DataFrame(
            {
                "old_age_dependency": 100 * sums["old"] / sums["middle"],
                "female_share": sums["female"] / sums["all"],
            }
        )
    return found.assign(year=year).set_index("year", append=True)


def panel(classification: str = "sic") -> schema.Panel:
    """Panel of the states in one classification of industries.

    Parameters
    ----------
    classification : str
        "sic": 60 industries, every year 1963 to 1997; "naics": 65 industries, 1997 to 2019.

    Returns
    -------
    Panel
        Its zones are states. Cube "value_added" in current dollars: gross domestic product by
        state, government included. Controls: income per head and population every year 1929 to
        2021; with "sic" schooling and ages of 1960 (`county_book.characteristics`), with "naics"
        ages and sexes of 1990.

    Raises
    ------
    DataError
        Another classification.
    """
    if classification not in TABLES:
        raise DataError(
            f"states: unknown classification {classification!r}; valid: {list(TABLES)}"
        )
    return kept(_build, classification)


def _build(classification):
    file, names, last, census = TABLES[classification]
    names = pd.read_csv(store.TABLES / names, index_col="code").sort_index()
    cells, notes = industries(bea.read_table(fetch(file)), names.index, last)
    years = np.unique(cells["year"])
    cube = schema.cube_from_long(cells, "value_added", years, STATES.index, names.index, file)
    controls = incomes(public.read_rda(INCOMES, "spi.a")).reindex(columns=[*schema.CONTROLS])
    controls = controls.combine_first(_census(census))[[*schema.CONTROLS]]
    return schema.Panel(
        "public",
        years,
        STATES,
        schema.industry_table(names.index, names["label"], names["sector"]),
        {"value_added": cube},
        controls,
        notes,
    )
