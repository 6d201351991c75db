"""Stored results: small tables of what the public data yield, kept under data/results/.

`python -m specialization.report.results` computes and stores them all, or those named; with `--check` it recomputes
and compares. Each carries a key of its inputs: the code it depends on, its parameters and the hash
of the data. A key that no longer fits is stale: an error where the environment says CI.
"""

import ast
import importlib
import io
import json
import os
import re
import sys
import tomllib
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ..data import download, public, vintages
from ..data.schema import VINTAGES
from ..errors import DataError
from ..store import TABLES, sha256, write

STORE = TABLES / "results"
PACKAGE = Path(__file__).resolve().parents[1]

RESULTS = tomllib.loads((TABLES / "results.toml").read_text())
"""By name: the function that computes a table from a panel, the panel's classification of
industries, and the function's parameters."""


def choose(wanted="all"):
    """Vintages a chapter shows: those named, between commas, or "all" with data or results."""
    here = [name for name in VINTAGES if name == "public" or name in vintages.available()]
    names = here if wanted == "all" else [name.strip() for name in wanted.split(",")]
    if missing := [name for name in names if name not in here]:
        raise DataError(f"no vintage {missing[0]!r} here; valid: {', '.join(here)}; ipums needs "
                        "an extract in data/ipums")
    return names


def describe(names):
    """What captions say of the vintages shown; where results are stored, from which data."""
    words, earlier = VINTAGES, " by an earlier version of the code" if check() else ""
    if "public" not in vintages.available():
        stored = f"public data (real, results stored from data {stored_data()}{earlier})"
        words = words | {"public": stored}
    return "Vintages: " + "; ".join(words[name] for name in names) + "."


def get(name, vintage, **parameters):
    """A result of a vintage: computed where its data are here, read from the store otherwise.

    `parameters` override those of `RESULTS` where it is computed, such as another variable.
    """
    if name not in RESULTS:
        raise DataError(f"unknown result {name!r}; valid: {', '.join(RESULTS)}")
    if vintage in vintages.available():
        parameters = {"classification": "industries"} | RESULTS[name] | parameters
        module, function = parameters.pop("compute").split(".")
        panel = vintages.load(vintage, parameters.pop("classification"))
        compute = getattr(importlib.import_module(f"specialization.{module}"), function)
        return compute(panel, **parameters)
    if vintage != "public":
        raise DataError(f"{name}: no data of vintage {vintage!r} here")
    return _read(name)


def _read(name):
    if not (path := STORE / f"{name}.csv").exists():
        raise DataError(f"{path.name}: no stored result; `make results` computes it")
    return pd.read_csv(path)


def key(name):
    """Hashes of the code and the data that a result depends on and of its table, and parameters.

    How files are fetched is left out of the code: the hash of the data covers what arrives.
    """
    module = RESULTS[name]["compute"].split(".")[0]
    modules = sorted((dependencies(module) | dependencies("public")) - {"download"})
    files = [_path(m) for m in modules] + [TABLES / table for table in public.TABLES]
    table = STORE / f"{name}.csv"
    return {"code": sha256(b"".join(p.read_bytes() for p in files))[:12],
            "parameters": RESULTS[name], "data": download.data_hash(),
            "table": sha256(table.read_bytes())[:12] if table.exists() else None}


def dependencies(module):
    """Modules of the library and of data/ that one imports, directly or not, and itself."""
    found, todo = set(), [module]
    while todo:
        name = todo.pop()
        path = _path(name)
        if name in found or not path.exists():
            continue
        found.add(name)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                package, _, module = ("." * node.level + (node.module or "")).rpartition(".")
                if module in ("specialization", "data", ""):
                    todo += [a.name for a in node.names]
                elif package in ("specialization", "data", ""):
                    todo.append(module)
    return found


def _path(module):
    path = PACKAGE / f"{module}.py"
    return path if path.exists() else TABLES / path.name


def stale(name):
    """Which inputs of a stored result changed since, or its table; empty if none."""
    stored = _keys().get(name, {})
    return ", ".join(part for part, value in key(name).items() if stored.get(part) != value)


def _keys():
    path = STORE / "keys.json"
    try:
        return json.loads(path.read_text()) if path.exists() else {}
    except ValueError as error:
        raise DataError(f"results/{path.name}: not JSON ({error}); run `make results`") from None


def stored_data():
    """Hash of the public data that the stored results were computed from."""
    return ", ".join(sorted({k["data"] for k in _keys().values()}))


def check(strict=False):
    """Names of the stored results that are missing or stale: `DataError` in CI, or if `strict`."""
    found = {name: reason for name in RESULTS if (reason := stale(name))}
    if found and (strict or os.environ.get("CI")):
        name, reason = next(iter(found.items()))
        raise DataError(f"stored result {name!r} is stale: {reason} changed; "
                        "run `make results` with the public data")
    return list(found)


def _csv(name):
    return get(name, "public").to_csv(index=False, float_format="%.6g", lineterminator="\n")


def store(names=None):
    """Compute results of the public vintage and store them, each file whole or not at all."""
    keys = _keys()
    for name in tqdm(names or list(RESULTS), desc="results", unit="table"):
        write(STORE / f"{name}.csv", _csv(name).encode())
        keys[name] = key(name)
        write(STORE / "keys.json",
                       (json.dumps(keys, indent=1, sort_keys=True) + "\n").encode())


def compare(rtol=1e-4):
    """Recompute every stored result and raise `DataError` where one differs by more than rtol."""
    for name in tqdm(RESULTS, desc="results", unit="table"):
        old, new = _read(name), pd.read_csv(io.StringIO(_csv(name)))
        try:
            pd.testing.assert_frame_equal(old, new, check_dtype=False, rtol=rtol, atol=1e-9,
                                          obj=f"{name}.csv")
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
