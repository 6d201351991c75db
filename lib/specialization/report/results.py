"""Results of the facts by source of data: computed where the data are here, else read as stored.

`data/results.toml` lists them. Those of the public sources are stored as tables in data/results,
so that the book can be built without a network. `python -m specialization.report.results` computes
and stores them all, or those named; with `--check` it recomputes and compares. Each carries a key
of its code, its parameters and the hash of the data: a stored result whose key no longer fits is
stale, which is an error where the environment says CI.
"""

import inspect
import io
import json
import os
import re
import sys
import tomllib
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
from tqdm import tqdm

from ..data import download, public, vintages
from ..data.schema import VINTAGES
from ..errors import DataError
from ..facts import describe, dynamics, persistence, power, tradeoff
from ..model import productivity
from ..store import TABLES, code_key, kept, sha256, write

STORE = TABLES / "results"

RESULTS = tomllib.loads((TABLES / "results.toml").read_text(encoding="utf-8"))
"""By name: the function that computes it, its parameters, sub-tables of those of one source."""

SOURCES = {
    "synthetic": ("synthetic", "industries"),
    "public": ("public", "industries"),
    "public, sectors": ("public", "sectors"),
    "ipums": ("ipums", "industries"),
}
"""By name, as tables and figures show it: vintage, and classification of its industries."""

BASES = {
    "public, 1960": ("public", "groups"),
    "public, 1960 from 1969": ("public", "groups, from 1969"),
    "states": ("public", "states, sic"),
    "states, naics": ("public", "states, naics"),
}
"""Sources with few industries, or states for zones: those of results that list them."""

EARNINGS = {
    "earnings": ("public", "earnings, sic"),
    "earnings, naics": ("public", "earnings, naics"),
}
"""Earnings by industry of BEA, where its files are at hand: never stored, never seen by us."""

HEADLINE = {
    "synthetic": "income",
    "public": "employment",
    "public, sectors": "employment",
    "ipums": "income",
    "public, 1960": "employment",
    "public, 1960 from 1969": "employment",
    "states": "value_added",
    "states, naics": "value_added",
    "earnings": "income",
    "earnings, naics": "income",
}
"""The variable whose shares make the Gini: income, as in the slides, where there is one."""

MODULES = {
    m.__name__.rpartition(".")[2]: m
    for m in (describe, dynamics, persistence, power, productivity, tradeoff)
}

_ALL = SOURCES | BASES | EARNINGS


@dataclass(frozen=True)
class Shown:
    """The vintages that a chapter shows; `choose` makes it.

    Examples
    --------
    >>> shown = choose("synthetic")
    >>> list(shown.get("gini_moments"))
    ['synthetic']
    """

    names: tuple

    def __contains__(self, vintage):
        return vintage in self.names

    def __iter__(self):
        return iter(self.names)

    def __getitem__(self, n):
        return self.names[n]

    def sources(self, name=None):
        """Sources by industries of the vintages shown; with a name, those of all `SOURCES` and
        `BASES` that have this result."""
        return [
            s
            for s, (vintage, classification) in _ALL.items()
            if vintage in self.names
            and (classification == "industries" if name is None else has(name, s))
        ]

    def get(self, name, **parameters):
        """A result for every source that has it: dict of DataFrames by source."""
        return {source: get(name, source, **parameters) for source in self.sources(name)}

    def stacked(self, name, **parameters):
        """The same as one DataFrame, with a column `source` in front."""
        parts = self.get(name, **parameters)
        return pd.concat(parts, names=["source"]).reset_index("source").reset_index(drop=True)

    @property
    def caption(self):
        """What captions say of the vintages shown; where results are stored, from which data."""
        return describe_sources(self.names)


def choose(wanted: str = "all") -> Shown:
    """The vintages that a chapter shows.

    Parameters
    ----------
    wanted : str
        Names between commas, or "all": every vintage with data or stored results.

    Returns
    -------
    Shown

    Raises
    ------
    DataError
        A vintage that is not here.

    Examples
    --------
    >>> choose("synthetic").names
    ('synthetic',)
    """
    here = [name for name in VINTAGES if name == "public" or name in vintages.available()]
    names = [*dict.fromkeys(name.strip() for name in str(wanted).split(","))]
    names = here if names == ["all"] else names
    if missing := [name for name in names if name not in here]:
        raise DataError(
            f"no vintage {missing[0]!r} here; valid: {', '.join(here)} or all; ipums needs "
            "an extract in data/ipums"
        )
    return Shown(tuple(names))


def describe_sources(names):
    """What captions say of these vintages."""
    words, earlier = VINTAGES, " by an earlier version of the code" if check() else ""
    if "public" not in vintages.available():
        stored = f"public data (real, results stored from data {stored_data()}{earlier})"
        words = words | {"public": stored}
    return "Vintages: " + "; ".join(words[name] for name in names) + "."


def _entry(name):
    if name not in RESULTS:
        raise DataError(f"unknown result {name!r}; valid: {', '.join(RESULTS)}")
    return RESULTS[name]


def has(name, source):
    """Whether one of `SOURCES` or `BASES` has a result, or one of `EARNINGS` at hand."""
    entry = _entry(name)
    if source in EARNINGS and not (
        "public" in vintages.available() and vintages.at_hand(_ALL[source][1])
    ):
        return False
    return source in entry.get(
        "sources",
        [
            s
            for s, (_, classification) in _ALL.items()
            if classification == "industries" or classification in entry
        ],
    )


def function(name):
    """The function that computes a result."""
    module, _, attribute = _entry(name)["compute"].partition(".")
    return getattr(MODULES[module], attribute)


def parameters_of(name, source="public", **changes):
    """Parameters of a result of one of `SOURCES` or `BASES`, with changes.

    Raises
    ------
    DataError
        A source without this result; a parameter that its function does not have.
    """
    if source not in _ALL or not has(name, source):
        raise DataError(
            f"{name}: no source {source!r}; valid: {', '.join(s for s in _ALL if has(name, s))}"
        )
    entry, valid = _entry(name), [*inspect.signature(function(name)).parameters][1:]
    vintage, classification = _ALL[source]
    own = entry.get(
        vintage if classification == "industries" else classification,
        entry.get("synthetic", {}) if source == "ipums" else {},
    )
    found = {
        k: v
        for k, v in entry.items()
        if k not in ("compute", "sources") and not isinstance(v, dict)
    } | own
    if "variable" in valid:
        found = {"variable": HEADLINE[source]} | found
    if unknown := sorted(set(changes) - set(valid)):
        raise DataError(f"{name}: no parameter {unknown[0]!r}; valid: {', '.join(valid)}")
    return found | changes


def get(name, source="public", **changes):
    """A result of one source: computed where its data are here, else read as stored.

    Parameters
    ----------
    name : str
        One of `RESULTS`.
    source : str
        One of `SOURCES` or `BASES`.
    **changes
        Parameters of the function to be other than listed.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        An unknown result, source or parameter; data that are not here, and for a public source
        other parameters than those of the stored result.
    """
    parameters = parameters_of(name, source, **changes)
    vintage, classification = _ALL[source]
    if vintage in vintages.available() and vintages.at_hand(classification):
        return _computed(name, source, parameters)
    if vintage != "public":
        raise DataError(f"{name}: no data of vintage {vintage!r} here")
    listed = parameters_of(name, source)
    if other := [k for k in changes if changes[k] != listed.get(k)]:
        raise DataError(
            f"{name}: the public data are not here, and the stored result has "
            f"{other[0]} = {listed.get(other[0])!r}, not {changes[other[0]]!r}"
        )
    return stored(name, source)


def _computed(name, source, parameters):
    return kept(function(name), vintages.load(*_ALL[source]), **parameters)


def stored(name, source="public"):
    """A result of a public source as stored, whether its data are here or not."""
    return _read(_file(name, source))


def public_sources(name):
    """The public sources that have a stored result, in order."""
    return [
        s for s, (vintage, _) in (SOURCES | BASES).items() if vintage == "public" and has(name, s)
    ]


def _file(name, source):
    # the first source needs no name
    classification = re.sub(r"\W+", "_", _ALL[source][1])
    return name if source == public_sources(name)[0] else f"{name}_{classification}"


def _stored():
    # file: result and source, of all results of the public sources
    return {
        _file(name, source): (name, source) for name in RESULTS for source in public_sources(name)
    }


def _read(file):
    if not (path := STORE / f"{file}.csv").exists():
        raise DataError(f"{path.name}: no stored result; `make results` computes it")
    return pd.read_csv(path)


_code_key = lru_cache(code_key)


def key(file):
    """Hashes of the code and the data that a stored result depends on and of its table, and its
    parameters."""
    name, source = _stored()[file]
    table = STORE / f"{file}.csv"
    tables = b"".join((TABLES / t).read_bytes() for t in public.TABLES)
    panel, _ = vintages.PUBLIC.get(_ALL[source][1], (public.panel, None))
    return {
        "code": sha256(_code_key(function(name).__module__, panel.__module__).encode() + tables)[
            :12
        ],
        "parameters": parameters_of(name, source),
        "data": download.data_hash(),
        "table": sha256(table.read_bytes())[:12] if table.exists() else None,
    }


def stale(file):
    """Which inputs of a stored result changed since, or its table; empty if none."""
    stored = _keys().get(file, {})
    return ", ".join(part for part, value in key(file).items() if stored.get(part) != value)


def _keys():
    path = STORE / "keys.json"
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as error:
        raise DataError(f"results/{path.name}: not JSON ({error}); run `make results`") from None


def stored_data():
    """Hash of the public data that the stored results were computed from."""
    return ", ".join(sorted({k["data"] for k in _keys().values()}))


def check(strict=False):
    """Names of the stored results that are missing or stale: `DataError` in CI, or if `strict`."""
    found = {file: reason for file in _stored() if (reason := stale(file))}
    if found and (strict or os.environ.get("CI")):
        file, reason = next(iter(found.items()))
        raise DataError(
            f"stored result {file!r} is stale: {reason} changed; "
            "run `make results` with the public data"
        )
    return list(found)


def _csv(file):
    name, source = _stored()[file]
    table = _computed(name, source, parameters_of(name, source))
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def store(files=None):
    """Compute results of the public sources and store them, each file whole or not at all."""
    keys = _keys()
    for file in tqdm(files or list(_stored()), desc="results", unit="table"):
        if file not in _stored():
            raise DataError(f"unknown result {file!r}; valid: {', '.join(_stored())}")
        write(STORE / f"{file}.csv", _csv(file).encode())
        keys[file] = key(file)
        write(STORE / "keys.json", (json.dumps(keys, indent=1, sort_keys=True) + "\n").encode())


def compare(rtol=1e-4):
    """Recompute every stored result and raise `DataError` where one differs by more than rtol."""
    for file in tqdm(_stored(), desc="results", unit="table"):
        old, new = _read(file), pd.read_csv(io.StringIO(_csv(file)))
        try:
            pd.testing.assert_frame_equal(
                old, new, check_dtype=False, rtol=rtol, atol=1e-9, obj=f"{file}.csv"
            )
        except AssertionError as error:
            words = re.sub(r"\[(index|left|right)\]: +\[.*?\]\n", "", str(error), flags=re.DOTALL)
            raise DataError(f"stored (left) and computed: {' '.join(words.split())}") from None


def main(arguments):
    """Store the results named, or all; with --check compare them instead."""
    if "public" not in vintages.available():
        raise DataError("the public data are not here: run `make data` first")
    if arguments == ["--check"]:
        check(strict=True)
        compare()
    else:
        store(arguments)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except DataError as error:
        sys.exit(f"error: {error}")
