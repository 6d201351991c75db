"""The `public` vintage: real data that anyone may download, checked by sha256.

Sources, addresses and licences stand in `data/manifest.csv`. No public table gives income or
value added by zone and industry, so both panels hold employment.
"""

import io
import json
import os
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from . import CACHE, DATA, DataError
from .download import at_hand, data_hash, fetch, not_writable, sha256
from .schema import RUSTBELT, Panel, cube_from_long, industry_table

SHAPES = "cz1990_shapes.zip"
SOURCES = ("ers_county_cz90.xls", "bea_cainc1_1969_2018.csv", "adh_cz_workfile.rda",
           "census_county_age_sex_1990.csv.zip", SHAPES,
           "gpss_cz_industry_shares.rda", "efsy_county_sector_employment.csv.xz")
"""Files of the manifest that the panels are made of."""

TABLES = ("states.csv", "county_repairs.csv", "industries_ind1990.csv", "industries_naics.csv")
"""Committed tables that the panels are made of."""

OUTSIDE = (2, 15)
"""Alaska and Hawaii: states without a zone of the design."""
ALASKA_AND_HAWAII = (*range(34101, 34116), *range(34701, 34704), 35600)
"""Their zones."""

EFSY_LAST = 2016  # manufacturing halves in 2017: the last two years of the file are broken


def available():
    """Whether panels and shapes can be had without a network, by existence and size only."""
    stored = all((_folder(c) / "index.json").is_file() for c in _BUILDERS)
    return at_hand([SHAPES] if stored else SOURCES)


# Counties and zones

def counties():
    """Counties of 1990 outside Alaska and Hawaii, indexed by FIPS code.

    Columns: name, zone (ERS 1990), population (1990), place (largest of the zone).
    """
    import xlrd

    sheet = xlrd.open_workbook(fetch("ers_county_cz90.xls")).sheet_by_name("CZLMA903")
    header, *rows = (sheet.row_values(r) for r in range(sheet.nrows))
    names = {"County FIPS Code": "county", "County Name": "name", "CZ90": "zone",
             "Population 1990": "population", "Name of largest place in Commuting Zone": "place"}
    table = pd.DataFrame(rows, columns=header)[list(names)].rename(columns=names)
    table = table.astype({"county": int, "zone": int}).set_index("county")
    return table[~(table.index // 1000).isin(OUTSIDE)]


def county_repairs():
    """County codes that differ from those of 1990 and the 1990 code to use, as a Series.

    New names and codes (Miami-Dade, Oglala Lakota), a county made later (Broomfield), and areas
    that the Bureau of Economic Analysis combines; all parts of an area lie in one zone.
    """
    return pd.read_csv(DATA / "county_repairs.csv", index_col="county")["county_1990"]


def match_zones(frame, county_table, repairs, source):
    """Rows of a county table with their zone.

    Parameters
    ----------
    frame : DataFrame with a column county (FIPS code)
    county_table : DataFrame indexed by county with a column zone
    repairs : Series
        Code of 1990 by code.
    source : str
        Name of the file, for messages.

    Returns
    -------
    frame : DataFrame
        Without the counties outside the zones, with a column zone.
    notes : dict
        Codes that were repaired, and those of Alaska and Hawaii that were left out.

    Raises
    ------
    DataError
        A county outside Alaska and Hawaii has no zone.
    """
    code = frame["county"].map(repairs).fillna(frame["county"]).astype(int)
    zone = code.map(county_table["zone"])
    lost = np.unique(frame.loc[zone.isna(), "county"])
    unknown = lost[~np.isin(lost // 1000, OUTSIDE)]
    if unknown.size:
        raise DataError(f"{source}, column 'county': {unknown[0]} has no zone ({unknown.size} "
                        "such); valid: counties of 1990 and of data/county_repairs.csv")
    repaired = np.unique(frame.loc[frame["county"].isin(repairs.index), "county"])
    notes = {"repaired counties": repaired.tolist(), "counties outside": lost.tolist()}
    return frame.assign(zone=zone)[zone.notna()].astype({"zone": int}), notes


def shapes():
    """Polygons of the 722 zones (degrees), a GeoDataFrame indexed by zone."""
    import geopandas as gpd  # the readers are slow to import, and seldom needed

    path = fetch(SHAPES).resolve()
    frame = gpd.read_file(f"zip://{path}!cz1990_shapefile/cz1990.shp")
    frame = frame.rename(columns={"cz": "zone"}).set_index("zone").sort_index()
    states = frame.index.isin(ALASKA_AND_HAWAII)
    return frame[~states]


def _zones(county_table):
    """Zone table of a `Panel`; the state is that of most of the population of 1990."""
    states = pd.read_csv(DATA / "states.csv", index_col="fips")
    people = county_table.groupby(["zone", county_table.index // 1000])["population"].sum()
    state = people.unstack().idxmax(axis=1).map(states["state"])
    centre = shapes().to_crs(5070).centroid.to_crs(4326)  # 5070: equal area
    return pd.DataFrame({
        "name": zone_names(county_table, state),
        "state": state,
        "division": state.map(states.set_index("state")["division"]),
        "rustbelt": state.isin(RUSTBELT),
        "lat": centre.y.round(2),
        "lon": centre.x.round(2),
    })


def zone_names(county_table, state):
    """Largest place of each zone, without its kind and state.

    The source names some zones after the same place: of those in one state, only the largest
    keeps the name, and the others take that of their largest county.
    """
    ordered = county_table.sort_values("population", ascending=False).groupby("zone")
    name = ordered["place"].first().str.replace(
        r"( city| town| borough| CDP)?( \(.*)?, ..$", "", regex=True)
    names = pd.DataFrame({"name": name, "state": state, "people": ordered["population"].sum()})
    second = names.sort_values("people", ascending=False).duplicated(["name", "state"])
    return name.mask(second.reindex(name.index), ordered["name"].first())


# Controls

def read_bea(path):
    """Personal income and population of table CAINC1.

    Returns a table county, year, income (current dollars), population (persons). States, regions
    and the nation have codes that 1000 divides. Area-years that are "(NA)" are left out.
    """
    raw = pd.read_csv(path, encoding="latin-1", dtype={"GeoFIPS": str}, na_values="(NA)")
    raw = raw[raw["LineCode"].isin([1, 2])]  # footnotes have none, line 3 is the ratio
    keys = [raw["GeoFIPS"].str.strip(' "').astype(int).rename("county"),
            raw["LineCode"].map({1: "income", 2: "population"}).rename("item")]
    values = raw.filter(regex=r"^\d{4}$").rename(columns=int).rename_axis(columns="year")
    table = values.set_index(keys).stack().unstack("item").dropna().reset_index()
    return table.assign(income=1000 * table["income"])


def read_age_sex(path):
    """Population of 1990 by county: all, female, aged 15 to 64, aged 65 and over."""
    with zipfile.ZipFile(path) as archive, archive.open("stch1990.csv") as source:
        raw = pd.read_csv(source, usecols=["county", "agegroup", "racesex", "pop"])
    # groups: 0 and 1 are under five, then five years each up to 18, 85 and over; even: women
    people, age = raw["pop"], raw["agegroup"]
    parts = {"all": people, "female": people.where(raw["racesex"] % 2 == 0, 0),
             "middle": people.where(age.between(4, 13), 0), "old": people.where(age >= 14, 0)}
    return pd.DataFrame(parts).groupby(raw["county"]).sum().reset_index()


def _controls(county_table):
    """Controls of a `Panel` in every year of BEA, and notes on the counties."""
    repairs = county_repairs()
    bea = read_bea(fetch("bea_cainc1_1969_2018.csv"))
    bea, notes = match_zones(bea[bea["county"] % 1000 != 0], county_table, repairs, "BEA")
    sums = bea.groupby(["zone", "year"])[["income", "population"]].sum()
    every = pd.MultiIndex.from_product([np.unique(county_table["zone"]),
                                        np.unique(bea["year"])], names=["zone", "year"])
    if len(sums) != len(every):
        zone, year = every.difference(sums.index)[0]
        raise DataError(f"BEA, column 'income': zone {zone} has none in {year}")
    census = read_age_sex(fetch("census_county_age_sex_1990.csv.zip"))
    census, _ = match_zones(census, county_table, repairs, "Census 1990")
    ages = census.assign(year=1990).groupby(["zone", "year"]).sum()
    college = _read_rda("adh_cz_workfile.rda", "df").astype({"czone": int, "year": int})
    college = college.set_index(["czone", "year"])["l_sh_popedu_c"].rename_axis(every.names)
    return pd.DataFrame({
        "income_per_head": sums["income"] / sums["population"],
        "population": sums["population"],
        "high_skill_share": college / 100,
        "old_age_dependency": 100 * ages["old"] / ages["middle"],
        "female_share": ages["female"] / ages["all"],
    }, index=every), notes


def _read_rda(file, name):
    import rdata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # attributes of R that nothing here uses
        return rdata.read_rda(fetch(file))[name]


# Panels

def panel(classification="industries"):
    """Panel of employment in one classification of industries.

    "industries": 228 industries of the 1990 Census scheme in 1980, 1990 and 2000. The source
    has shares in the employment of full-time adults, from samples. A cell is the share, scaled
    to sum to one, times the population of the zone, so that sums over zones weight them by
    size: **only shares are observed, the level stands for size**. The shares are those of
    Goldsmith-Pinkham, Sorkin and Swift (2020); 18 industries have no code in 2000.

    "sectors": 20 NAICS sectors, every year 1975 to 2016, in persons, from the imputed County
    Business Patterns of Eckert, Fort, Schott and Yang; without farms, self-employed and
    government. Public administration jumps from year to year and ends in 1997. A sector that
    the 1990 Census scheme splits (law and engineering, but also computing; restaurants, but also
    hotels) goes where its larger part belongs.

    Zones, controls and their years are the same. `high_skill_share` is the college share of
    Autor, Dorn and Hanson (2013), in 1990 and 2000; ages and sexes are of 1990; else NaN.
    `notes` counts what the construction changed.

    Parameters
    ----------
    classification : {"industries", "sectors"}

    Raises
    ------
    DataError
        Unknown classification, or a file that `fetch` cannot provide.
    """
    if classification not in _BUILDERS:
        raise DataError(f"unknown classification {classification!r}; valid: {list(_BUILDERS)}")
    stored = _load(_folder(classification))
    if stored is None:
        stored = _build(classification)
        _store(stored, _folder(classification))
    return stored


def _build(classification):
    county_table = counties()
    zones, (controls, notes) = _zones(county_table), _controls(county_table)
    years, names, cube, more = _BUILDERS[classification](county_table, controls)
    industries = industry_table(names.index, names["label"], names["sector"])
    return _panel(years, zones, industries, cube, controls, notes | more)


def _panel(years, zones, industries, cube, controls, notes):
    return Panel("public", "public data (real)", years, zones, industries,
                 {"employment": cube}, controls, notes)


def renormalise(shares, years, zones):
    """Shares (T, R, I) scaled to sum to one over industries, and their raw sums by year.

    Raises `DataError` if a raw sum is outside [0.95, 1.05].
    """
    total = shares.sum(axis=2)
    off = ~((total >= 0.95) & (total <= 1.05))
    if off.any():
        t, r = np.argwhere(off)[0]
        raise DataError(f"industry shares: zone {zones[r]} sums to {total[t, r]:.4f} in "
                        f"{years[t]} ({off.sum()} such zone-years); valid: 0.95 to 1.05")
    sums = {str(year): {"smallest": row.min(), "mean": row.mean(), "largest": row.max()}
            for year, row in zip(years, total, strict=True)}
    return shares / total[:, :, None], sums


def _industries(county_table, controls):
    raw = _read_rda("gpss_cz_industry_shares.rda", "BAR_local")
    raw = raw.rename(columns={"czone": "zone", "ind": "industry", "sh_ind_": "share"})
    raw = raw.astype({"zone": int, "year": int, "industry": int})
    names = pd.read_csv(DATA / "industries_ind1990.csv", index_col="code")
    years, zones = np.unique(raw["year"]), np.unique(county_table["zone"])
    shares = cube_from_long(raw, "share", years, zones, names.index, "industry shares")
    shares, sums = renormalise(shares, years, zones)
    people = controls["population"].unstack("year")[years].to_numpy().T
    notes = {"raw sums of shares": sums, "empty industries": _empty(shares, years, names.index)}
    return years, names, shares * people[:, :, None], notes


def _sectors(county_table, _):
    raw = pd.read_csv(fetch("efsy_county_sector_employment.csv.xz"))
    raw = raw.rename(columns={"ID": "county", "time": "year"}).query("year <= @EFSY_LAST")
    raw, notes = match_zones(raw, county_table, county_repairs(), "EFSY")
    names = pd.read_csv(DATA / "industries_naics.csv", index_col="code")
    cells = raw[names.index.astype(str)].set_axis(names.index, axis=1)
    notes = {"employment: " + key: value for key, value in notes.items()}
    notes["negative cells"] = int((cells < 0).sum().sum())
    notes["missing cells"] = int(cells.isna().sum().sum())
    sums = cells.clip(lower=0).groupby([raw["year"], raw["zone"]]).sum()
    long = sums.rename_axis(columns="industry").stack().rename("employment").reset_index()
    years, zones = np.unique(raw["year"]), np.unique(county_table["zone"])
    cube = cube_from_long(long, "employment", years, zones, names.index, "EFSY")
    notes["empty industries"] = _empty(cube, years, names.index)
    return years, names, cube, notes


_BUILDERS = {"industries": _industries, "sectors": _sectors}
CLASSIFICATIONS = tuple(_BUILDERS)
"""Of the industries: one panel each."""


def _empty(cube, years, codes):
    """Years in which an industry is zero in every zone, by industry: gaps of the coding."""
    gone = cube.sum(axis=1) == 0
    return {str(code): np.asarray(years)[gone[:, i]].tolist()
            for i, code in enumerate(codes) if gone[:, i].any()}


# Processed cache: parquet files and, written last, the index of their sha256

def _folder(classification):
    """Folder of a processed panel, named by everything that it is made of."""
    code = [Path(__file__), Path(__file__).with_name("schema.py")]
    made_of = sha256(b"".join(p.read_bytes() for p in code + [DATA / t for t in TABLES]))[:12]
    return CACHE / "public" / f"{data_hash()}-{made_of}" / classification


def _store(built, folder):
    cube = built.cubes["employment"]
    cells = pd.DataFrame(
        cube.reshape(-1, cube.shape[2]), columns=built.industries.index.astype(str),
        index=pd.MultiIndex.from_product([built.years, built.zones.index], names=["year", "zone"]))
    tables = {"zones": built.zones, "industries": built.industries, "controls": built.controls,
              "cells": cells}
    files = {f"{name}.parquet": table.to_parquet() for name, table in tables.items()}
    files["notes.json"] = json.dumps(built.notes).encode()
    index = {name: sha256(content) for name, content in files.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (files | {"index.json": json.dumps(index).encode()}).items():
            _write(folder / name, content)
    except OSError as error:
        raise not_writable(folder, error) from error


def _write(path, content):
    """Write a file completely or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _load(folder):
    """The processed panel, or None where one of its files is missing or altered."""
    try:
        index = json.loads((folder / "index.json").read_bytes())
        files = {name: (folder / name).read_bytes() for name in index}
        if any(sha256(files[name]) != expected for name, expected in index.items()):
            return None
        zones, industries, controls, cells = (
            pd.read_parquet(io.BytesIO(files[f"{name}.parquet"]))
            for name in ("zones", "industries", "controls", "cells"))
        notes = json.loads(files["notes.json"])
    except (OSError, ValueError, KeyError):
        return None
    years = cells.index.unique("year").to_numpy()
    cube = cells.to_numpy().reshape(len(years), len(zones), len(industries))
    return _panel(years, zones, industries, cube, controls, notes)
