"""Zones in 1960: employment in ten groups of the census, family income of 1959, ages, schooling.

The County and City Data Book 1962 of the Census Bureau, in the machine-readable copy of Haines
(ICPSR 2896, part 74) that Kline and Moretti (2014) use. It states no licence: it is downloaded
for the user, and only sums over zones or states are shown.
"""

import struct
from os import PathLike

import numpy as np
import pandas as pd

from .. import store
from ..errors import DataError
from ..store import kept
from . import public, schema
from .download import fetch

FILE = "county62_1.dta"
YEAR = 1960

INCOMES = {
    "family": "money income of families in 1959, over the population of 1960",
    "personal": "personal income by the Bureau of Economic Analysis in 1969, over the population "
    "of that year, in the place of the missing one of 1960",
}
"""What `income_per_head` of 1960 is. From 1969 on it is BEA's personal income in either panel:
growth from "family" mixes two concepts, growth from "personal" starts nine years late."""

GROUPS = pd.read_csv(store.TABLES / "industries_census1960.csv", index_col="code")
"""The ten groups, by number of the variable in the file; the last is the rest of the employed.

Durable and nondurable goods are 27 percent of the employed and only two groups: shares of these
groups say little about specialization among manufactures."""

_COUNTS = {"area": "var1", "population": "var3", "employed": "var37"}
_SHARES = {
    "children": "var10",
    "adults": "var11",
    "old": "var12",
    "urban": "var6",
    "nonwhite": "var9",
}  # percent of the population
USED = [
    *_COUNTS.values(),
    *_SHARES.values(),
    "var21",
    "var22",
    "var25",
    "var28",
    *(f"var{code}" for code in GROUPS.index[:-1]),
]


def read_counties(path: str | PathLike) -> tuple[pd.DataFrame, dict]:
    """Counts of 1960 by county.

    Parameters
    ----------
    path : path
        The file in Stata's format.

    Returns
    -------
    DataFrame
        Columns county (FIPS code), area (square miles), population, employed; persons
        `children` (under 5), `adults` (21 and over), `old` (65 and over), urban, nonwhite;
        high_school (persons with four years of high school: the share of those of 25 and over
        times the adults, of which the file has the number); family_income (dollars, rounded to
        millions, which is much in a county of 2,000 persons); families, where their median income
        is given, and median_times_families, their product in dollars; and one for each of
        `GROUPS`, persons employed. What a tiny county lacks is zero.
    dict
        Numbers of cells: "missing cells", and "lost decimal points", percentages above 100: the
        5908 of Bonneville, Idaho, must be 59.08, as the row of the state has 48.5.

    Raises
    ------
    DataError
        A county twice, or with more workers in the groups than employed.
    """
    try:
        raw = pd.read_stata(path, convert_categoricals=False)
    except (OSError, ValueError, struct.error) as error:
        raise DataError(f"{FILE}: {error}") from None
    raw.columns = raw.columns.str.removesuffix("_county62")
    if missing := [c for c in ("level", "fips", *USED) if c not in raw]:
        raise DataError(f"{FILE}: no column {missing[0]!r}; has {[*raw][:5]} and so on")
    raw = raw[(raw["level"] == 1) & raw["fips"].notna() & (raw["fips"] != 11000)]  # DC is twice
    raw = raw.assign(fips=raw["fips"].round().astype(int)).reset_index(drop=True)
    x = raw[USED].astype(float)
    percent = [*_SHARES.values(), "var28"]
    notes = {
        "missing cells": int(x.isna().to_numpy().sum()),
        "lost decimal points": int((x[percent] > 100).to_numpy().sum()),
    }
    x = x.fillna(0)
    x[percent] = x[percent].where(x[percent] <= 100, x[percent] / 100)
    table = pd.DataFrame(
        {"county": raw["fips"]}
        | {k: x[v] for k, v in _COUNTS.items()}
        | {k: x["var3"] * x[v] / 100 for k, v in _SHARES.items()}
    )
    table["high_school"] = table["adults"] * x["var28"] / 100
    table["family_income"] = 1e6 * x["var25"]
    table["families"] = x["var21"].where(x["var22"] > 0, 0)
    table["median_times_families"] = x["var22"] * x["var21"]
    groups = x[[f"var{code}" for code in GROUPS.index[:-1]]].set_axis(GROUPS.index[:-1], axis=1)
    rest = (x["var37"] - groups.sum(axis=1)).rename(GROUPS.index[-1])
    schema.check_rows(
        raw[["fips"]],
        FILE,
        ("fips", ~raw["fips"].duplicated(), "each county once"),
        ("fips", rest >= 0, "the groups have at most the employed"),
    )
    return table.join(groups).join(rest), notes


def characteristics(sums: pd.DataFrame) -> pd.DataFrame:
    """Characteristics of areas from sums of `read_counties` over their counties.

    Parameters
    ----------
    sums : DataFrame

    Returns
    -------
    DataFrame
        family_income_per_head (dollars of 1959); median_family_income (mean over counties,
        weighted by families: not rounded, a second reading of the same income); population;
        density (persons per square mile); high_skill_share, here of **high school**, four years
        or more: college is not in the file; old_age_dependency, here persons of 65 and over per
        100 **of 21 to 64**: those of 15 to 20 are not in the file; manufacturing_share, of the
        employed; urban_share; nonwhite_share.

    Examples
    --------
    >>> sums = pd.DataFrame({"population": [100], "area": [20], "adults": [60], "old": [10],
    ...     "urban": [30], "nonwhite": [5], "high_school": [15], "family_income": [2e5],
    ...     "families": [25], "median_times_families": [1.8e5], "employed": [40],
    ...     40: [4], 41: [6]})
    >>> characteristics(sums).loc[0, ["density", "old_age_dependency", "manufacturing_share"]]
    density                 5.00
    old_age_dependency     20.00
    manufacturing_share     0.25
    Name: 0, dtype: float64
    """
    people = sums["population"]
    return pd.DataFrame(
        {
            "family_income_per_head": sums["family_income"] / people,
            "median_family_income": sums["median_times_families"] / sums["families"],
            "population": people,
            "density": people / sums["area"],
            "high_skill_share": sums["high_school"] / sums["adults"],
            "old_age_dependency": 100 * sums["old"] / (sums["adults"] - sums["old"]),
            "manufacturing_share": (sums[40] + sums[41]) / sums["employed"],
            "urban_share": sums["urban"] / people,
            "nonwhite_share": sums["nonwhite"] / people,
        }
    )


def _zone_sums():
    counties, notes = read_counties(fetch(FILE))
    counties, matched = public.match_zones(counties, public.county_zones(), FILE)
    sums = counties.drop(columns="county").groupby("zone").sum().loc[schema.ZONES.index]
    notes = {"counties": len(counties)} | notes | matched
    return sums, {f"1960: {key}": value for key, value in notes.items()}


def zones() -> pd.DataFrame:
    """The `characteristics` of the 722 zones, indexed by zone: what a panel has no room for, such
    as density and the share of manufacturing, can be joined to a design of regressions."""
    return kept(_zones)


def _zones():
    return characteristics(_zone_sums()[0])


def panel(income: str = "family") -> schema.Panel:
    """Panel of employment in ten groups in 1960.

    Parameters
    ----------
    income : str
        A key of `INCOMES`: what the income per head of 1960 is.

    Returns
    -------
    Panel
        Cube "employment" (1, 722, 10), persons. Controls of 1960: income_per_head, population,
        high_skill_share and old_age_dependency as in `characteristics`, no share of women; of
        1969 to 2018 those of the other panels, which mean other things by skill and age.

    Raises
    ------
    DataError
        Another income.
    """
    if income not in INCOMES:
        raise DataError(f"unknown income {income!r}; valid: {list(INCOMES)}")
    return kept(_build, income)


def _build(income):
    sums, notes = _zone_sums()
    found, later = characteristics(sums), public.panel("sectors").controls
    first = found.rename(columns={"family_income_per_head": "income_per_head"}).reindex(
        columns=[*schema.CONTROLS]
    )
    if income == "personal":
        first["income_per_head"] = later["income_per_head"].xs(1969, level="year")
    controls = pd.concat([first.assign(year=YEAR).set_index("year", append=True), later])
    return schema.Panel(
        "public",
        np.array([YEAR]),
        schema.ZONES,
        schema.industry_table(GROUPS.index, GROUPS["label"], GROUPS["sector"]),
        {"employment": sums[[*GROUPS.index]].to_numpy()[None]},
        controls.sort_index(),
        notes | {"income of 1960": INCOMES[income]},
    )
