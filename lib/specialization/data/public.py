"""The `public` vintage: real data that anyone may download, checked by sha256.

Sources, addresses and licences stand in `data/manifest.csv`. The panels of this
module hold employment; BEA's earnings by county and industry are income (`earnings`).
"""

import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import store
from ..errors import DataError
from ..store import kept
from . import schema
from .download import at_hand, fetch

SHAPES = "cz1990_shapes.zip"
SOURCES = (
    "ers_county_cz90.xls",
    "bea_cainc1_1969_2018.csv",
    "adh_cz_workfile.rda",
    "census_county_age_sex_1990.csv.zip",
    SHAPES,
    "gpss_cz_industry_shares.rda",
    "efsy_county_sector_employment.csv.xz",
    "ev_industry_productivity_1947_2023.xlsx",
    "county62_1.dta",
    "spi.a.rda",
    "SAGDP2S__ALL_AREAS_1963_1997.csv",
    "SAGDP2N__ALL_AREAS_1997_2020.csv",
)
"""Files of the manifest that panels, shapes and productivity are made of."""

TABLES = (
    "zones.csv",
    "county_repairs.csv",
    "sectors.csv",
    "industries_ind1990.csv",
    "industries_naics.csv",
    "industries_census1960.csv",
    "states.csv",
    "industries_states_sic.csv",
    "industries_states_naics.csv",
    "industries_earnings.csv",
)
"""Committed tables that the panels are made of."""

if TYPE_CHECKING:
    import geopandas as gpd

EFSY_LAST = 2016  # manufacturing halves in 2017: the last two years of the file are broken


def available() -> bool:
    """Whether panels and shapes can be had without a network, by existence and size only.

    Raises
    ------
    DataError
        SPECIALIZATION_MIRROR names no folder.
    """
    return at_hand(SOURCES)


def county_zones() -> pd.Series:
    """Zone (delineation of 1990) of each county of 1990, by FIPS code, in all states."""
    import xlrd

    sheet = xlrd.open_workbook(fetch("ers_county_cz90.xls")).sheet_by_name("CZLMA903")
    names, *rows = (sheet.row_values(r) for r in range(sheet.nrows))
    table = pd.DataFrame(rows, columns=names)[["County FIPS Code", "CZ90"]].astype(int)
    return table.set_axis(["county", "zone"], axis=1).set_index("county")["zone"]


def match_zones(frame: pd.DataFrame, zone_of: pd.Series, source: str) -> tuple[pd.DataFrame, dict]:
    """Rows of a table of counties, and the zone of each.

    Codes that differ from those of 1990 are repaired by data/county_repairs.csv.

    Parameters
    ----------
    frame : DataFrame
        With a column county, FIPS codes.
    zone_of : Series
        As `county_zones`.
    source : str
        What messages call the table.

    Returns
    -------
    frame : DataFrame
        With a column zone, without Alaska and Hawaii.
    notes : dict
        Codes that were repaired and left out.

    Raises
    ------
    DataError
        Any other county without a zone.

    Examples
    --------
    >>> frame = pd.DataFrame({"county": [12086, 15003]})        # Miami has had a new code
    >>> rows, notes = match_zones(frame, pd.Series({12025: 7000}), "made up")
    >>> rows["zone"].tolist(), notes["counties outside"]
    ([7000], [15003])
    """
    repairs = _table("county_repairs.csv", "county")["county_1990"]
    code, outside = frame["county"], (frame["county"] // 1000).isin([2, 15])
    zone = code.replace(repairs.to_dict()).map(zone_of)
    schema.check_rows(
        frame[["county"]],
        source,
        (
            "county",
            zone.notna() | outside,
            "counties that have a zone, those of 1990 and of data/county_repairs.csv",
        ),
    )
    notes = {
        "repaired counties": np.unique(code[code.isin(repairs.index)]).tolist(),
        "counties outside": np.unique(code[outside]).tolist(),
    }
    return frame.assign(zone=zone)[~outside].astype({"zone": int}), notes


def shapes() -> "gpd.GeoDataFrame":
    """Polygons of the 722 zones, in degrees, indexed by zone.

    Raises
    ------
    DataError, Unreachable
        As `download.fetch`.
    """
    import geopandas as gpd  # slow to import, and seldom needed

    frame = gpd.read_file(f"zip://{fetch(SHAPES).resolve()}!cz1990_shapefile/cz1990.shp")
    frame = frame.rename(columns={"cz": "zone"}).set_index("zone")
    return frame.loc[schema.ZONES.index]


def read_bea(path: Path) -> pd.DataFrame:
    """County, year, income (current dollars) and population of table CAINC1, less "(NA)".

    States, regions and the nation have codes that 1000 divides.
    """
    raw = pd.read_csv(path, encoding="latin-1", dtype={"GeoFIPS": str}, na_values="(NA)")
    raw = raw[raw["LineCode"].isin([1, 2])]  # footnotes have none, line 3 is the ratio
    keys = [
        raw["GeoFIPS"].str.strip(' "').astype(int).rename("county"),
        raw["LineCode"].map({1: "income", 2: "population"}).rename("item"),
    ]
    values = raw.filter(regex=r"^\d{4}$").rename(columns=int).rename_axis(columns="year")
    table = values.set_index(keys).stack().unstack("item").dropna().reset_index()
    return table.assign(income=1000 * table["income"])


def read_age_sex(path: Path) -> pd.DataFrame:
    """Population of 1990 by county: all, female, aged 15 to 64, aged 65 and over."""
    with zipfile.ZipFile(path) as archive, archive.open("stch1990.csv") as source:
        raw = pd.read_csv(source, usecols=["county", "agegroup", "racesex", "pop"])
    # groups: 0 and 1 are under five, then five years each up to 18, 85 and over; even: women
    people, age = raw["pop"], raw["agegroup"]
    parts = {
        "all": people,
        "female": people.where(raw["racesex"] % 2 == 0, 0),
        "middle": people.where(age.between(4, 13), 0),
        "old": people.where(age >= 14, 0),
    }
    return pd.DataFrame(parts).groupby(raw["county"]).sum().reset_index()


def _controls(zone_of):
    """Controls in every year of BEA, and notes on the counties.

    `high_skill_share` is the college share of Autor, Dorn and Hanson (2013), in 1990 and 2000;
    ages and sexes are of 1990; else NaN.
    """
    keys = ["zone", "year"]
    bea = read_bea(fetch("bea_cainc1_1969_2018.csv"))
    bea, notes = match_zones(bea[bea["county"] % 1000 != 0], zone_of, "BEA")
    sums = bea.groupby(keys)[["income", "population"]].sum()
    census = read_age_sex(fetch("census_county_age_sex_1990.csv.zip"))
    census, _ = match_zones(census, zone_of, "Census 1990")
    ages = census.assign(year=1990).groupby(keys).sum()
    college = read_rda("adh_cz_workfile.rda", "df").astype({"czone": int, "year": int})
    college = college.rename(columns={"czone": "zone"}).set_index(keys)["l_sh_popedu_c"]
    return pd.DataFrame(
        {
            "income_per_head": sums["income"] / sums["population"],
            "population": sums["population"],
            "high_skill_share": college / 100,
            "old_age_dependency": 100 * ages["old"] / ages["middle"],
            "female_share": ages["female"] / ages["all"],
        },
        index=sums.index,
    ), notes


def read_rda(file: str, name: str) -> pd.DataFrame:
    """A table of a public file in R's format, by its name there."""
    import rdata  # slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # attributes of R that nothing here uses
        return rdata.read_rda(fetch(file))[name]


def panel(classification: str = "industries") -> schema.Panel:
    """Panel of employment in one classification of industries; controls are the same in both.

    It is kept in the store, and made again when a source, a table or the code changes.

    "industries": 228 industries of the 1990 Census scheme in 1980, 1990 and 2000. The source,
    Goldsmith-Pinkham, Sorkin and Swift (2020), has shares in the employment of full-time adults,
    from samples; 18 industries have no code in 2000. A cell is the share, scaled to sum to one,
    times the population of the zone: **only shares are observed, the level stands for size**.

    "sectors": 20 NAICS sectors, every year 1975 to 2016, in persons, from the imputed County
    Business Patterns of Eckert, Fort, Schott and Yang; without farms, self-employed and
    government. Public administration jumps from year to year and ends in 1997. A sector that
    the 1990 Census scheme splits goes where its larger part belongs.

    Parameters
    ----------
    classification : str
        "industries" or "sectors".

    Raises
    ------
    DataError, Unreachable
        An unknown classification; else as `download.fetch`.

    Examples
    --------
    >>> panel("firms")
    Traceback (most recent call last):
    specialization.errors.DataError: unknown classification 'firms'; valid: ['industries', \
'sectors']
    """
    if classification not in CLASSIFICATIONS:
        raise DataError(
            f"unknown classification {classification!r}; valid: {list(CLASSIFICATIONS)}"
        )
    return kept(_build, classification)


def _table(name, index):
    return pd.read_csv(store.TABLES / name, index_col=index, encoding="utf-8")


def _build(classification):
    zone_of = county_zones()
    controls, notes = _controls(zone_of)
    years, names, cube, more = CLASSIFICATIONS[classification](zone_of, controls)
    gone = cube.sum(axis=1) == 0  # gaps of the coding
    empty = {
        str(code): years[gap].tolist()
        for code, gap in zip(names.index, gone.T, strict=True)
        if gap.any()
    }
    return schema.Panel(
        "public",
        years,
        schema.ZONES,
        schema.industry_table(names.index, names["label"], names["sector"]),
        {"employment": cube},
        controls,
        notes | more | {"empty industries": empty},
    )


def renormalise(
    shares: np.ndarray, years: schema.Labels, zones: schema.Labels
) -> tuple[np.ndarray, dict]:
    """Shares scaled to sum to one in each zone-year.

    Parameters
    ----------
    shares : ndarray, (T, R, I)
    years, zones : array_like, (T,) and (R,)

    Returns
    -------
    shares : ndarray, (T, R, I)
    sums : dict
        By year: smallest, mean and largest raw sum.

    Raises
    ------
    DataError
        A sum that is not between 0.95 and 1.05.

    Examples
    --------
    >>> renormalise(np.array([[[0.49, 0.49]]]), [1990], [100])[0].ravel()
    array([0.5, 0.5])
    """
    total = shares.sum(axis=2)
    index = pd.MultiIndex.from_product([years, zones], names=["year", "zone"])
    sums = pd.DataFrame({"sum": total.ravel()}, index=index).reset_index()
    schema.check_rows(
        sums, "industry shares", ("sum", sums["sum"].between(0.95, 1.05), "0.95 to 1.05")
    )
    return shares / total[:, :, None], {
        str(year): {"smallest": row.min(), "mean": row.mean(), "largest": row.max()}
        for year, row in zip(years, total, strict=True)
    }


def _industries(_, controls):
    raw = read_rda("gpss_cz_industry_shares.rda", "BAR_local").rename(
        columns={"czone": "zone", "ind": "industry", "sh_ind_": "share"}
    )
    raw = raw.astype({"zone": int, "year": int, "industry": int})
    names = _table("industries_ind1990.csv", "code")
    years = np.unique(raw["year"])
    shares = schema.cube_from_long(
        raw, "share", years, schema.ZONES.index, names.index, "industry shares"
    )
    shares, sums = renormalise(shares, years, schema.ZONES.index)
    people = controls["population"].unstack("year")[years].to_numpy().T
    return years, names, shares * people[:, :, None], {"raw sums of shares": sums}


def _sectors(zone_of, _):
    raw = pd.read_csv(fetch("efsy_county_sector_employment.csv.xz"))
    raw = raw.rename(columns={"ID": "county", "time": "year"}).query("year <= @EFSY_LAST")
    raw, notes = match_zones(raw, zone_of, "EFSY")
    names = _table("industries_naics.csv", "code")
    cells = raw[names.index.astype(str)]
    sums = cells.clip(lower=0).groupby([raw["year"], raw["zone"]]).sum()
    years = np.unique(raw["year"])
    cube = sums.to_numpy().reshape(len(years), len(schema.ZONES), -1)
    return (
        years,
        names,
        cube,
        {f"employment: {key}": value for key, value in notes.items()}
        | {
            "negative cells": int((cells < 0).sum().sum()),
            "missing cells": int(cells.isna().sum().sum()),
        },
    )


CLASSIFICATIONS = {"industries": _industries, "sectors": _sectors}
"""Of the industries: one panel each."""
