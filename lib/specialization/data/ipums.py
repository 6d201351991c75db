"""The `ipums` vintage: the paper's own design, from the reader's own IPUMS USA extract.

IPUMS forbids redistribution, so the project holds no extract. The reader puts into `data/ipums`,
which git ignores, by hand or through `download`: one codebook, .xml; its data of the same name,
rectangular on persons, .dat.gz or .csv.gz; and the crosswalks from the census areas of a year to
zones, .csv or .dta, as Rose and Dorn publish them or as crosswalk_1950 and so on, with columns
area, zone and weight, the share of an area's population that lives in a zone. data/ipums.toml
lists samples, variables, areas, and the names of crosswalks and of their columns.

Persons are read, summed and forgotten; the sums by area are kept beside the extract, since reading
takes about half an hour. Cells may rest on few persons: publish measures of whole zones, never
cells. Whoever uses an extract cites IPUMS USA as its codebook asks.
"""

import os
import struct
import tempfile
import tomllib
import warnings
import zlib
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..errors import DataError
from ..store import IPUMS, TABLES, kept
from . import schema
from .download import codebooks
from .topcode import replace_topcodes

FOLDER = IPUMS
SETUP = tomllib.loads((TABLES / "ipums.toml").read_text(encoding="utf-8"))
YEARS = {int(year): setup for year, setup in SETUP["years"].items()}
OF_YEAR = {
    t: {*SETUP["required"], y["area"], y["weight"], *y["earnings"]} for t, y in YEARS.items()
}
VARIABLES = set().union(*OF_YEAR.values())
OUTSIDE = (*range(34101, 34116), *range(34701, 34704), 35600)  # zones of Alaska and Hawaii
INDUSTRIES = schema.industry_table(
    *pd.read_csv(TABLES / "industries_ind1950.csv", encoding="utf-8").to_numpy().T
)
"""Industries of the 1950 Census classification, IND1950, as a table of `Panel`."""
LOST = 0.05  # largest share of a year's population that may live in areas without a zone
DATA = (".dat.gz", ".dat", ".csv.gz", ".csv")
"""Endings of the data of an extract; the first that is there is read."""
OLDEST = 150  # larger values of AGE are codes


def _ipumspy():
    try:
        import ipumspy
        import ipumspy.api.exceptions
        import ipumspy.readers
    except ImportError:
        raise DataError(
            "ipums: the package ipumspy is not installed; valid: pip install "
            "'regional-specialization[ipums]'"
        ) from None
    return ipumspy


def download(folder: Path = FOLDER, base_url: str | None = None) -> None:
    """Ask the IPUMS API for the extract of data/ipums.toml, wait, and store it in `folder`.

    The key is that of the environment variable IPUMS_API_KEY.

    Parameters
    ----------
    folder : Path
    base_url : str, optional
        Address of the API, where it is not that of IPUMS.

    Raises
    ------
    DataError
        No key, a key that is refused, no network, another extract in the folder; no file is then
        left behind.
    """
    if not (api_key := os.environ.get("IPUMS_API_KEY")):
        raise DataError("IPUMS_API_KEY: not set; valid: the key of your IPUMS account")
    folder = Path(folder)
    if other := [p.name for p in codebooks(folder) if p.name != "extract.xml"]:
        raise DataError(
            f"{folder.name}: holds another extract, {other[0]}; valid: none, or "
            "extract.xml, which is replaced"
        )
    ipumspy = _ipumspy()
    from requests import RequestException  # comes with ipumspy

    client = ipumspy.IpumsApiClient(api_key, **({"base_url": base_url} if base_url else {}))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as part:
        try:
            extract = client.submit_extract(
                ipumspy.MicrodataExtract(
                    "usa",
                    [s for y in YEARS.values() for s in y["samples"]],
                    ["SERIAL", *sorted(VARIABLES)],
                    description="Regional specialization",
                )
            )
            client.wait_for_extract(extract)
            client.download_extract(extract, download_dir=part)
        except (
            ipumspy.api.exceptions.IpumsApiException,
            RequestException,
            ValueError,
            KeyError,
        ) as error:
            raise DataError(
                f"no extract from {client.base_url} with the key of IPUMS_API_KEY: "
                f"{error or type(error).__name__}"
            ) from None
        ddi, data = _files(part)
        _codebook(ddi)
        os.replace(data, folder / "extract.dat.gz")
        os.replace(ddi, folder / "extract.xml")


def _files(folder):
    """Paths of the codebook and the data of the one extract in a folder."""
    folder = Path(folder)
    found = {
        ddi: _in(folder, *(ddi.stem + ending for ending in DATA)) for ddi in codebooks(folder)
    }
    whole = [ddi for ddi in found if found[ddi]]
    if len(found) == 1 and not whole:
        (ddi,) = found
        raise DataError(
            f"{folder.name}: no {ddi.stem}{DATA[0]}, the data of {ddi.name}; valid: "
            f"{', '.join(DATA)}"
        )
    if len(whole) != 1:
        several = whole or [*found]
        names = ": " + ", ".join(ddi.name for ddi in several) if several else ""
        raise DataError(
            f"{folder.name}: {len(several)} codebooks (.xml){names}; valid: one, with "
            "its data beside it"
        )
    return whole[0], found[whole[0]]


def _in(folder, *names):
    """The first of these files that lies in a folder, whatever the case of its name, or None."""
    there = {p.name.lower(): p for p in folder.iterdir() if p.is_file()}
    return next((there[n.lower()] for n in names if n.lower() in there), None)


def _codebook(ddi):
    readers = _ipumspy().readers
    try:
        with warnings.catch_warnings(), open(ddi, "rb") as file:
            # the reminder to cite stands in the module's docstring
            warnings.simplefilter("ignore", readers.CitationWarning)
            codebook = readers.read_ipums_ddi(file)
    except (
        OSError,
        ParseError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        NotImplementedError,
    ) as error:
        raise DataError(f"{ddi.name}: no IPUMS codebook ({error})") from None
    if (structure := codebook.file_description.structure) != "rectangular":
        raise DataError(
            f"{ddi.name}: a {structure} extract, with households and persons on lines "
            "of their own; valid: a rectangular one (persons), which IPUMS makes of "
            "the same request under 'data structure'"
        )
    names = {v.name for v in codebook.data_description}
    if missing := [name for name in SETUP["required"] if name not in names]:
        raise DataError(f"{ddi.name}: no variable {missing[0]!r}, needed in every year")
    return codebook


def _lines(codebook, data, rows):
    """Wanted variables of an extract, `rows` persons at a time, as frames of texts; and by what
    power of ten to divide each."""
    wanted = {v.name: v for v in codebook.data_description if v.name in VARIABLES}
    form = {
        "chunksize": rows,
        "encoding": "latin-1",
        "dtype": str,
        "compression": "gzip" if data.suffix.lower() == ".gz" else None,
    }
    if ".csv" in data.name.lower():
        with pd.read_csv(data, usecols=lambda c: c.upper() in wanted, **form) as chunks:
            for chunk in chunks:
                yield chunk.rename(columns=str.upper), dict.fromkeys(wanted, 0)
        return
    places = [(v.start, v.end) for v in wanted.values()]
    with pd.read_fwf(data, colspecs=places, names=[*wanted], **form) as chunks:
        for chunk in chunks:  # decimals of fixed-width files are implied
            yield chunk, {name: v.shift or 0 for name, v in wanted.items()}


def _number(texts):
    """Texts as floats; blanks are NaN."""
    try:
        return texts.astype(float)
    except ValueError:
        odd = pd.to_numeric(texts, errors="coerce").isna() & texts.notna()
        raise DataError(
            f"column {texts.name!r}: {texts[odd].iloc[0]!r} of person "
            f"{odd.idxmax() + 1}; valid: a number"
        ) from None


def _chunks(ddi, data, rows):
    """Persons of an extract, `rows` at a time, as frames of floats."""
    codebook = _codebook(ddi)
    try:
        for texts, decimals in _lines(codebook, data, rows):
            chunk = pd.DataFrame({v: _number(texts[v]) / 10 ** decimals[v] for v in texts})
            whole = chunk.reindex(columns=["YEAR", "STATEFIP", "AGE", "SEX"]).notna().all(axis=1)
            if not whole.all():
                raise DataError(f"person {whole.idxmin() + 1} lacks year, state, age or sex")
            yield chunk
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataError(f"{data.name}: {error}") from None


def totals(folder: Path = FOLDER, rows: int = 200_000) -> tuple[dict, Counter]:
    """Sums over the persons of the extract in `folder`.

    Parameters
    ----------
    folder : Path
    rows : int
        Persons read at a time; the sums do not depend on it.

    Returns
    -------
    tables : dict of DataFrame
        By (name, year): workers by (area, industry), people by area, samples, and the
        distribution of each topcoded variable.
    counts : Counter
        Why persons are in the sample or not.

    Raises
    ------
    DataError
        Names the file: a variable that is missing, an entry that is no number, a person without
        year, state, age or sex, a file that breaks off, an extract that is not rectangular.
    """
    ddi, data = _files(folder)
    tables: dict[tuple, pd.DataFrame] = {}
    counts: Counter = Counter()
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


def kept_totals(folder: Path = FOLDER) -> tuple[dict, Counter]:
    """`totals`, kept in the folder, and read again only if the extract or this code changes."""
    made_of = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in _files(folder)]
    return kept(totals, Path(folder).absolute().as_posix(), folder=folder, inputs=(made_of, SETUP))


def _elsewhere(state, code):
    """Area of a code too long for its place behind the state's; no crosswalk has it."""
    return -(100_000 * state + code)


def _areas(part, year):
    """Census area of each person; -1 where it is not known."""
    state, code, front = part["STATEFIP"], part[YEARS[year]["area"]], YEARS[year]["state"]
    area = front * state + code
    if front:
        area = area.mask(code >= front, _elsewhere(state, code))
    return area.fillna(-1).astype(int)


def _reduce(part, year, counts):
    """Tables of `totals` for some persons of one year."""
    setup, topcode = YEARS[year], YEARS[year]["topcodes"]
    area = _areas(part, year)
    keys = [area.rename("area"), part["IND1950"].fillna(0).astype(int).rename("industry")]
    weight, age = part[setup["weight"]].fillna(0), part["AGE"].mask(part["AGE"] > OLDEST)
    earned = pd.DataFrame(
        {
            v: part[v].mask(part[v].isin(SETUP["missing"][v])).clip(upper=topcode.get(v))
            for v in setup["earnings"]
        }
    )
    total = earned.sum(axis=1)
    # beside income with topcodes in place, the weight of those topcoded: `_uncensor` adds the rest
    income = pd.DataFrame({"income": total, **{v: earned[v] >= topcode[v] for v in topcode}})
    income = income.mul(weight.where(total > 0, 0.0), axis=0)
    # whoever is no worker of the sample is counted under the first reason that holds
    worker = pd.Series(True, index=part.index)
    for reason, holds in {
        "not employed or not of age 15-60": (part["EMPSTAT"] == 1) & age.between(15, 60),
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
    everyone = part["PERWT"]  # people count whether they work or not
    adults = weight.where((age >= 25) & (part["EDUC"] < 99), 0)
    people = income.assign(
        persons=1.0,
        population=everyone,
        adults=adults,
        working_age=everyone.where(age.between(15, 64), 0),
        old=everyone.where(age >= 65, 0),
        female=everyone.where(part["SEX"] == 2, 0),
        college=adults.where(part["EDUC"] >= 10, 0),
    )
    return {
        "workers": income.assign(employment=weight)[worker].groupby(keys).sum(),
        "people": people.groupby(keys[0]).sum(),
        "samples": part.groupby("SAMPLE")[["PERNUM"]].count(),
        **{
            v: weight[tail].groupby(earned[v]).sum().to_frame("weight")
            for v, tail in tails.items()
        },
    }


def zone_weights(path: Path, zones: ArrayLike) -> pd.DataFrame:
    """Crosswalk from areas to zones of a .csv or .dta file.

    Shares that are rounded to three decimals, or a little above one as floats, are scaled to sum
    to one in each area.

    Parameters
    ----------
    path : Path
    zones : array_like of int
        Zones of the design; the file may have others only in Alaska and Hawaii, which are left
        out.

    Returns
    -------
    DataFrame
        Columns area, zone and weight.

    Raises
    ------
    DataError
        Names the file, column and value: a column that is missing or stands twice, a code that
        is no integer, a zone that is not known, a weight out of range, weights of an area that
        do not sum to one.
    """
    return _zone_weights(Path(path), zones)[0]


def _zone_weights(path, zones):
    """`zone_weights`, and how many areas had weights that did not sum to one exactly."""
    raw = _read_crosswalk(path)
    table = raw.apply(pd.to_numeric, errors="coerce").astype(float)
    whole = {name: (table[name] % 1 == 0) & (table[name] >= 0) for name in ("area", "zone")}
    schema.check_rows(
        raw,
        path.name,
        *((name, good, "integers, >= 0") for name, good in whole.items()),
        ("area", ~table.duplicated(["area", "zone"]), "an area and zone stand once"),
        ("zone", table["zone"].isin({*zones, *OUTSIDE}), "the zones of the design"),
        ("weight", table["weight"].between(0, 1 + 1e-3), "0 to 1"),
    )
    of_area = table.groupby("area")["weight"]
    sums, parts = of_area.transform("sum"), of_area.transform("size")
    # each share may be off by half of its third decimal
    schema.check_rows(
        raw.assign(total=sums),
        path.name,
        (
            "weight",
            (sums - 1).abs() <= 5e-4 * parts.clip(lower=2) + 1e-6,
            "weights of an area sum to 1",
        ),
    )
    table = table.assign(weight=table["weight"] / sums).astype({"area": int, "zone": int})
    changed = table["area"][(sums - 1).abs() > 1e-12].nunique()
    return table[table["zone"].isin(zones)], changed


def _read_crosswalk(path):
    """Columns area, zone and weight of a file, as they are."""
    names, known = ["area", "zone", "weight"], SETUP["crosswalk_columns"]
    try:
        table = (
            pd.read_stata(path, convert_categoricals=False)
            if path.suffix.lower() == ".dta"
            else pd.read_csv(path, encoding="utf-8-sig", encoding_errors="replace")
        )
    except (OSError, ValueError, struct.error) as error:
        raise DataError(f"{path.name}: {error}") from None
    mine = {c: known.get(n, n) for c in table for n in [str(c).strip().lower()]}
    for name in names:
        if len(these := [c for c in table if mine[c] == name]) != 1:
            raise DataError(
                f"{path.name}: {f'columns {these} for' if these else 'no column'} "
                f"{name!r}; has {[*table]}; valid: one of "
                f"{[name, *(k for k, v in known.items() if v == name)]}"
            )
    return table.rename(columns=mine)[names].dropna(how="all").reset_index(drop=True)


def _crosswalk(folder, year, people, zones, counts):
    """Weights of one year; people in areas that they lack are counted, up to `LOST`."""
    key = YEARS[year]["crosswalk"]
    stems = [f"crosswalk_{key}", *SETUP["crosswalk_files"][str(key)]]
    path = _in(folder, *(stem + ending for stem in stems for ending in (".csv", ".dta")))
    if path is None:
        raise DataError(
            f"{folder.name}: no {stems[0]}.csv or .dta, needed for {year}; valid too: "
            f"{', '.join(stems[1:])}"
        )
    weights, changed = _zone_weights(path, zones.index)
    counts[f"{year}: areas with weights scaled to sum to one"] += changed
    for join in YEARS[year].get("joined", []):
        area = _elsewhere(join["state"], join["code"])
        weights = pd.concat([weights, _joined(weights, area, join["areas"])])
        counts[f"{year}: in areas joined as {_spelt(area)}"] += int(
            people["persons"].reindex([area], fill_value=0).sum()
        )
    lost = people[~people.index.isin(weights["area"])]
    share = lost["population"].sum() / people["population"].sum()
    if share > LOST:
        raise DataError(
            f"{path.name}, column 'area': {share:.1%} of the people of {year} have no "
            f"zone, such as those of {_spelt(lost.index[0])}; valid: at most "
            f"{LOST:.0%}"
        )
    counts[f"{year}: in areas without a zone"] += int(lost["persons"].sum())
    return weights


def _joined(weights, area, areas):
    """Weights of an area that stands for several of the crosswalk, each counting alike."""
    parts = weights[weights["area"].isin(areas)]
    shares = parts.groupby("zone")["weight"].sum() / max(parts["area"].nunique(), 1)
    return shares.reset_index().assign(area=area)


def _spelt(area):
    """An area in words."""
    if area == -1:
        return "no area"
    return str(area) if area >= 0 else f"{-area % 100_000} in state {-area // 100_000}"


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


def panel(zones: pd.DataFrame = schema.ZONES, folder: Path = FOLDER) -> schema.Panel:
    """Panel of the extract in `folder`, by IND1950 industry.

    Income is the sum of weight times earnings, employment the sum of weights, over employed
    persons of age 15 to 60 with positive earnings and a classified industry, each in a zone with
    the weight of the area there. Zones that are empty in some year, and industries that are in
    all, are left out. income_per_head is earnings of all earners over all persons,
    high_skill_share four years of college among those of 25 and over.

    Parameters
    ----------
    zones : DataFrame
        As in a `Panel`.
    folder : Path

    Returns
    -------
    Panel
        Its notes count the persons left out by reason, and what else the construction changed.

    Raises
    ------
    DataError
        As `totals` and `zone_weights`; a crosswalk that is missing, or that lacks areas of more
        than `LOST` of the people; a tail of incomes that cannot be fitted.
    """
    tables, counts = kept_totals(folder)
    workers: Any = {}
    people: Any = {}
    for year in sorted({year for _, year in tables}):
        weights = _crosswalk(Path(folder), year, tables["people", year], zones, counts)
        for name, by, parts in (
            ("workers", ["zone", "industry"], workers),
            ("people", ["zone"], people),
        ):
            table = _uncensor(tables, name, year).reset_index().merge(weights, on="area")
            values = table.drop(columns=["area", "weight", *by]).mul(table["weight"], axis=0)
            parts[year] = values.groupby([table[key] for key in by]).sum()
        if not (workers[year]["employment"] > 0).any():
            why = {k: n for k, n in counts.items() if k.startswith(f"{year}: ") and n}
            raise DataError(f"{year}: no worker in any zone; persons by reason: {why}")
    workers = pd.concat(workers, names=["year"]).query("employment > 0").reset_index()
    years = np.unique(workers["year"])
    full = workers.groupby("zone")["year"].nunique() == len(years)
    there = zones[zones.index.isin(full.index[full])]
    if there.empty:
        raise DataError(f"IPUMS extract: no zone has workers in each of {years.tolist()}")
    found = INDUSTRIES[INDUSTRIES.index.isin(workers["industry"])]
    counts["zones left out, empty in some year"] = len(zones) - len(there)
    counts["industries left out, empty in all years"] = len(INDUSTRIES) - len(found)
    workers = workers[workers["zone"].isin(there.index)]
    cubes = {
        name: schema.cube_from_long(
            workers, name, years, there.index, found.index, "IPUMS extract"
        )
        for name in ("income", "employment")
    }
    people = pd.concat(people, names=["year"]).swaplevel().sort_index().loc[there.index]
    ratio = 100 * people["old"] / people["working_age"]
    controls = people.assign(
        income_per_head=people["income"] / people["population"],
        high_skill_share=people["college"] / people["adults"],
        old_age_dependency=ratio.where(ratio > 0),
        female_share=people["female"] / people["population"],
    )
    return schema.Panel(
        "ipums",
        years,
        there,
        found,
        cubes,
        controls[list(schema.CONTROLS)],
        {why: int(n) for why, n in counts.items()},
    )
