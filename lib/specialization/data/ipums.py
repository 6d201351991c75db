"""The `ipums` vintage: the paper's own design, from the reader's own IPUMS USA extract.

IPUMS forbids redistribution, so the project holds no extract. The reader puts into `data/ipums`,
which git ignores, by hand or through `download`: one codebook, .xml; its data, .dat.gz of the same
name, fixed-width and rectangular on persons; and crosswalk_1950 and so on, .csv or .dta, from the
census areas of a year to zones, with columns area, zone and weight, the share of an area's
population that lives in a zone. data/ipums.toml lists samples, variables, areas, and the column
names of Dorn's and of Rose's crosswalks.

Persons are read, summed and forgotten; the sums by area are kept beside the extract, since reading
takes about half an hour. Cells may rest on few persons: publish measures of whole zones, never
cells. Whoever uses an extract cites IPUMS USA as its codebook asks.
"""

import os
import tempfile
import tomllib
import warnings
import zlib
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import ParseError

import numpy as np
import pandas as pd
from ipumspy import IpumsApiClient, MicrodataExtract, readers
from ipumspy.api.exceptions import IpumsApiException
from requests import RequestException

from ..errors import DataError
from ..store import IPUMS, TABLES, kept
from . import schema
from .topcode import replace_topcodes

FOLDER = IPUMS
SETUP = tomllib.loads((TABLES / "ipums.toml").read_text())
YEARS = {int(year): setup for year, setup in SETUP["years"].items()}
OF_YEAR = {t: {*SETUP["required"], y["area"], y["weight"], *y["earnings"]}
           for t, y in YEARS.items()}
VARIABLES = set().union(*OF_YEAR.values())
OUTSIDE = (*range(34101, 34116), *range(34701, 34704), 35600)   # zones of Alaska and Hawaii
INDUSTRIES = schema.industry_table(*pd.read_csv(TABLES / "industries_ind1950.csv").to_numpy().T)
"""Industries of the 1950 Census classification, IND1950, as a table of `Panel`."""
LOST = 0.05     # largest share of a year's population that may live in areas without a zone


def download(folder=FOLDER, base_url=None):
    """Ask the IPUMS API for the extract of data/ipums.toml, wait, and store it in `folder`.

    The key is that of the environment variable IPUMS_API_KEY. Raises `DataError` without a key,
    for a key that is refused and without a network; no file is then left behind.
    """
    if not (api_key := os.environ.get("IPUMS_API_KEY")):
        raise DataError("IPUMS_API_KEY: not set; valid: the key of your IPUMS account")
    client = IpumsApiClient(api_key, **({"base_url": base_url} if base_url else {}))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as part:
        try:
            extract = client.submit_extract(MicrodataExtract(
                "usa", [s for y in YEARS.values() for s in y["samples"]],
                ["SERIAL", *sorted(VARIABLES)], description="Regional specialization"))
            client.wait_for_extract(extract)
            client.download_extract(extract, download_dir=part)
        except (IpumsApiException, RequestException, ValueError, KeyError) as error:
            raise DataError(f"no extract from {client.base_url} with the key of IPUMS_API_KEY: "
                            f"{error or type(error).__name__}") from None
        ddi, data = _files(part)
        _codebook(ddi)
        os.replace(data, folder / "extract.dat.gz")
        os.replace(ddi, folder / "extract.xml")


def _files(folder):
    """Paths of the codebook and the data of an extract."""
    folder = Path(folder)
    if len(found := [*folder.glob("*.xml")]) != 1:
        raise DataError(f"{folder.name}: {len(found)} codebooks (.xml); valid: one")
    if not (data := found[0].with_suffix(".dat.gz")).is_file():
        raise DataError(f"{folder.name}: no {data.name}, the data of {found[0].name}")
    return found[0], data


def _codebook(ddi):
    try:
        with warnings.catch_warnings():
            # the reminder to cite stands in the module's docstring
            warnings.simplefilter("ignore", readers.CitationWarning)
            return readers.read_ipums_ddi(ddi)
    except (OSError, ParseError, AttributeError, KeyError, NotImplementedError) as error:
        raise DataError(f"{ddi.name}: no IPUMS codebook ({error})") from None


def _chunks(ddi, data, rows):
    """Persons of an extract, `rows` at a time, as frames of floats."""
    codebook = _codebook(ddi)
    wanted = sorted(VARIABLES & {v.name for v in codebook.data_description})
    try:
        for chunk in readers.read_microdata_chunked(codebook, data, subset=wanted, chunksize=rows,
                                                    dtype=dict.fromkeys(wanted, np.float64)):
            whole = chunk.reindex(columns=["YEAR", "STATEFIP", "AGE", "SEX"]).notna().all(axis=1)
            if not whole.all():
                raise DataError(f"person {whole.idxmin() + 1} lacks year, state, age or sex")
            yield chunk
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataError(f"{data.name}: {error}") from None


def totals(folder=FOLDER, rows=200_000):
    """Sums over the persons of the extract in `folder`, read `rows` at a time.

    Returns tables by (name, year): workers by (area, industry), people by area, samples, and the
    distribution of each topcoded variable; and counts of why persons are in the sample or not.
    `DataError`, naming the file, for a variable that is missing, an entry that is no number, a
    person without year, state, age or sex, and a file that breaks off.
    """
    ddi, data = _files(folder)
    tables, counts = {}, Counter()
    for chunk in _chunks(ddi, data, rows):
        for year, part in chunk.groupby(chunk["YEAR"].astype(int)):
            if year not in YEARS:
                counts["persons of other years"] += len(part)
                continue
            if missing := sorted(OF_YEAR[year] - {*part}):
                raise DataError(f"{ddi.name}: no variable {missing[0]!r}, needed in {year}")
            for name, table in _reduce(part, year, counts).items():
                before = tables.get((name, year))
                tables[name, year] = table if before is None else before.add(table, fill_value=0)
    if not tables:
        raise DataError(f"{data.name}, column YEAR: no person of a year in {list(YEARS)}")
    return tables, counts


def kept_totals(folder=FOLDER):
    """`totals`, kept in the folder, and read again only if the extract or this code changes."""
    made_of = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in _files(folder)]
    return kept(totals, Path(folder).absolute().as_posix(), folder=folder, inputs=(made_of, SETUP))


def _reduce(part, year, counts):
    """Tables of `totals` for some persons of one year."""
    setup, topcode = YEARS[year], YEARS[year]["topcodes"]
    area = (setup["state"] * part["STATEFIP"] + part[setup["area"]]).fillna(-1).astype(int)
    keys = [area.rename("area"), part["IND1950"].fillna(0).astype(int).rename("industry")]
    weight = part[setup["weight"]].fillna(0)
    earned = pd.DataFrame({v: part[v].mask(part[v].isin(SETUP["missing"][v])).clip(
        upper=topcode.get(v)) for v in setup["earnings"]})
    total = earned.sum(axis=1)
    # beside income with topcodes in place, the weight of those topcoded: `_uncensor` adds the rest
    income = pd.DataFrame({"income": total, **{v: earned[v] >= topcode[v] for v in topcode}})
    income = income.mul(weight.where(total > 0, 0.0), axis=0)
    # whoever is no worker of the sample is counted under the first reason that holds
    worker = pd.Series(True, index=part.index)
    for reason, holds in {
        "not employed or not of age 15-60": (part["EMPSTAT"] == 1) & part["AGE"].between(15, 60),
        "of weight zero": weight > 0,
        "earnings not in universe or missing": earned.notna().any(axis=1),
        "earnings not positive": total > 0,
        "industry not classified": part["IND1950"].isin(INDUSTRIES.index),
    }.items():
        counts[f"{year}: {reason}"] += (worker & ~holds).sum()
        worker &= holds
    counts[f"{year}: in the sample"] += worker.sum()
    tails = {v: worker & (earned[v] > 0) for v in topcode}
    for v in topcode:
        counts[f"{year}: {v} topcoded"] += (tails[v] & (earned[v] >= topcode[v])).sum()
    age, everyone = part["AGE"], part["PERWT"]      # people count whether they work or not
    adults = weight.where((age >= 25) & (part["EDUC"] < 99), 0)
    people = income.assign(persons=1.0, population=everyone, adults=adults,
                           working_age=everyone.where(age.between(15, 64), 0),
                           old=everyone.where(age >= 65, 0),
                           female=everyone.where(part["SEX"] == 2, 0),
                           college=adults.where(part["EDUC"] >= 10, 0))
    return {
        "workers": income.assign(employment=weight)[worker].groupby(keys).sum(),
        "people": people.groupby(keys[0]).sum(),
        "samples": part.groupby("SAMPLE")[["PERNUM"]].count(),
        **{v: weight[tail].groupby(earned[v]).sum().to_frame("weight")
           for v, tail in tails.items()},
    }


def zone_weights(path, zones):
    """Crosswalk of a .csv or .dta file, with columns area, zone and weight, Alaska and Hawaii left
    out; `DataError` names what is wrong with a column, a zone, or the weights of an area."""
    names = ["area", "zone", "weight"]
    try:
        table = pd.read_stata(path) if path.suffix == ".dta" else pd.read_csv(path)
        table = table.rename(columns=SETUP["crosswalk_columns"])
        if missing := [name for name in names if name not in table]:
            raise ValueError(f"no column {missing[0]!r}; has {list(table)}")
        table = table[names].astype({"area": int, "zone": int, "weight": float})
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name}: {error}") from None
    sums = table.groupby("area")["weight"].transform("sum")
    schema.check_rows(
        table.assign(total=sums), path.name,
        ("area", ~table.duplicated(["area", "zone"]), "an area and zone stand once"),
        ("zone", table["zone"].isin({*zones, *OUTSIDE}), "the zones of the design"),
        ("weight", table["weight"].between(0, 1), "0 to 1"),
        ("weight", (sums - 1).abs() <= 1e-3, "weights of an area sum to 1"))
    return table[table["zone"].isin(zones)]


def _crosswalk(folder, year, people, zones, counts):
    """Weights of one year; people in areas that they lack are counted, up to `LOST`."""
    stem = f"crosswalk_{YEARS[year]['crosswalk']}"
    path = next((p for p in (folder / f"{stem}.csv", folder / f"{stem}.dta") if p.is_file()), None)
    if path is None:
        raise DataError(f"{folder.name}: no {stem}.csv or .dta, needed for {year}")
    weights = zone_weights(path, zones.index)
    lost = people[~people.index.isin(weights["area"])]
    share = lost["population"].sum() / people["population"].sum()
    if share > LOST:
        raise DataError(f"{path.name}, column 'area': {share:.1%} of the people of {year} have no "
                        f"zone, such as those of {lost.index[0]}; valid: at most {LOST:.0%}")
    counts[f"{year}: in areas without a zone"] += int(lost["persons"].sum())
    return weights


def _uncensor(tables, name, year):
    """A table with each topcoded amount of its income moved to the mean above its code."""
    table = tables[name, year] / len(tables["samples", year])
    for variable, code in YEARS[year]["topcodes"].items():
        tail = tables[variable, year]["weight"]
        amount = tail.index.to_numpy()
        try:
            full = replace_topcodes(amount, amount >= code, tail.to_numpy())
        except DataError as error:
            raise DataError(f"{year}, {variable}: {error}") from None
        # zero where nobody is topcoded
        table["income"] += table.pop(variable) * (full - amount).max(initial=0)
    return table


def panel(zones=schema.ZONES, folder=FOLDER):
    """Panel of the extract in `folder` on `zones` (as in a `Panel`), by IND1950 industry.

    Income is the sum of weight times earnings, employment the sum of weights, over employed
    persons of age 15 to 60 with positive earnings and a classified industry, each in a zone with
    the weight of the area there. Zones that are empty in some year, and industries that are in
    all, are left out; `notes` counts both. income_per_head is earnings of all earners over all
    persons, high_skill_share four years of college among those of 25 and over.
    """
    (tables, counts), workers, people = kept_totals(folder), {}, {}
    for year in sorted({year for _, year in tables}):
        weights = _crosswalk(Path(folder), year, tables["people", year], zones, counts)
        for name, by, parts in (("workers", ["zone", "industry"], workers),
                                ("people", ["zone"], people)):
            table = _uncensor(tables, name, year).reset_index().merge(weights, on="area")
            values = table.drop(columns=["area", "weight", *by]).mul(table["weight"], axis=0)
            parts[year] = values.groupby([table[key] for key in by]).sum()
    workers = pd.concat(workers, names=["year"]).query("employment > 0").reset_index()
    years = np.unique(workers["year"])
    full = workers.groupby("zone")["year"].nunique() == len(years)
    there = zones[zones.index.isin(full.index[full])]
    found = INDUSTRIES[INDUSTRIES.index.isin(workers["industry"])]
    counts["zones left out, empty in some year"] = len(zones) - len(there)
    counts["industries left out, empty in all years"] = len(INDUSTRIES) - len(found)
    workers = workers[workers["zone"].isin(there.index)]
    cubes = {name: schema.cube_from_long(workers, name, years, there.index, found.index,
                                         "IPUMS extract") for name in ("income", "employment")}
    people = pd.concat(people, names=["year"]).swaplevel().sort_index().loc[there.index]
    ratio = 100 * people["old"] / people["working_age"]
    controls = people.assign(income_per_head=people["income"] / people["population"],
                             high_skill_share=people["college"] / people["adults"],
                             old_age_dependency=ratio.where(ratio > 0),
                             female_share=people["female"] / people["population"])
    return schema.Panel("ipums", years, there, found, cubes, controls[list(schema.CONTROLS)],
                        {why: int(n) for why, n in counts.items()})
