"""Stored results: small tables of what the public data yield, kept under data/results/.

`python -m specialization.results` computes and stores them all; with `--check` it recomputes them
and compares. Each carries a key of its inputs: the code it depends on, its parameters and the hash
of the data. A key that no longer fits is stale: an error where the environment says CI.
"""

import ast
import hashlib
import inspect
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from . import (
    DATA,
    DataError,
    describe,
    download,
    dynamics,
    persistence,
    public,
    tradeoff,
    vintages,
)

STORE = DATA / "results"
PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Result:
    """How a table is computed: `compute(panel, **parameters)` on a classification."""

    compute: callable
    classification: str = "industries"
    parameters: dict = field(default_factory=dict)


PUBLIC_WINDOWS = {"variable": "employment",
                  "windows": [[1980, 2000], [1980, 2018], [1990, 2000], [1990, 2018]]}
"""Base and end years of the trade-off in the 228 industries."""

TWO_HORIZONS = {"variable": "employment", "horizons": [10, 20]}
"""Horizons of persistence in the 228 industries."""

RESULTS = {
    "gini_moments": Result(describe.gini_moments),
    "gini_moments_common": Result(describe.gini_moments, parameters={"common": True}),
    "gini_moments_sectors": Result(describe.gini_moments, "sectors", {"common": True}),
    "gini_switches": Result(describe.gini_switches, parameters={"variable": "employment"}),
    "zone_measures": Result(describe.zone_measures, parameters={"variable": "employment"}),
    "zone_table": Result(describe.zone_table),
    "largest_industries": Result(describe.largest_industries,
                                 parameters={"variable": "employment"}),
    "notes": Result(describe.notes),
    "notes_sectors": Result(describe.notes, "sectors"),
    "tradeoff_columns": Result(tradeoff.columns_table, parameters=PUBLIC_WINDOWS | {
        "controls": [tradeoff.OWN, tradeoff.NEAREST]}),
    "tradeoff_columns_sectors": Result(tradeoff.columns_table, "sectors", {
        "variable": "employment", "windows": [[1975, 2000], [1975, 2018]],
        "controls": [tradeoff.OWN, tradeoff.NEAREST]}),
    "tradeoff_bins": Result(tradeoff.bins_table, parameters={
        "variable": "employment", "windows": [[1980, 2018]]}),
    "tradeoff_horizons": Result(tradeoff.horizons_table, parameters={
        "variable": "employment", "horizons": [10, 20, 30, 38]}),
    "tradeoff_horizons_sectors": Result(tradeoff.horizons_table, "sectors", {
        "variable": "employment", "horizons": [10, 20, 30, 40],
        "bases": [1975, 1980, 1985, 1990, 1995, 2000, 2005]}),
    "tradeoff_industries": Result(tradeoff.by_industry, parameters={
        "variable": "employment", "base": 1980, "end": 2018}),
    "tradeoff_inference": Result(tradeoff.inference_table, parameters={
        "variable": "employment", "windows": [[1980, 2000], [1980, 2018]]}),
    "tradeoff_placebo": Result(tradeoff.placebo_table, parameters={
        "variable": "employment", "windows": [[1980, 2018]]}),
    "tradeoff_curve": Result(tradeoff.specification_curve, parameters={
        "variables": ["employment"], "windows": PUBLIC_WINDOWS["windows"]}),
    **{f"dynamics_{compute.__name__}{suffix}":
       Result(compute, classification, {"variable": "employment"})
       for compute in (dynamics.comovement, dynamics.bandwidths, dynamics.curves,
                       dynamics.transitions, dynamics.arrows, dynamics.trend)
       for classification, suffix in (("industries", ""), ("sectors", "_sectors"))},
    "persistence": Result(persistence.group_effects, parameters=TWO_HORIZONS),
    "persistence_sectors": Result(persistence.group_effects, "sectors", {
        "variable": "employment", "horizons": [10, 20, 30, 40]}),
    "persistence_paths": Result(persistence.by_horizon, "sectors", {"variable": "employment"}),
    "persistence_cloud": Result(persistence.binned, parameters={
        "variable": "employment", "h": 20}),
    "persistence_samples": Result(persistence.samples, parameters={
        "variable": "employment", "year": 1980}),
    **{f"persistence_{compute.__name__}": Result(compute, parameters=TWO_HORIZONS)
       for compute in (persistence.conventions, persistence.other_measures, persistence.by_size,
                       persistence.noise_table)},
}
"""Results of the public vintage by name."""


def get(name, vintage, **parameters):
    """A result of a vintage: computed where its data are here, read from the store otherwise.

    Parameters
    ----------
    name : str
        A key of `RESULTS`.
    vintage : str
    parameters
        Override those of the registry (a vintage may have another variable); computed only.

    Returns
    -------
    DataFrame
        With `attrs["stored"]`: whether it was read from the store.
    """
    if name not in RESULTS:
        raise DataError(f"unknown result {name!r}; valid: {', '.join(RESULTS)}")
    vintages.check(vintage)
    if vintage in vintages.available():
        result = RESULTS[name]
        panel = vintages.load(vintage, result.classification)
        table = result.compute(panel, **(result.parameters | parameters))
        table.attrs["stored"] = False
        return table
    if vintage != "public":
        raise DataError(f"{name}: the data of vintage {vintage!r} are not here")
    return read(name)


def read(name):
    """A stored table of the public vintage; a stale one is an error in CI."""
    path = STORE / f"{name}.csv"
    if not path.exists():
        raise DataError(f"{path.name}: no stored result; `make results` computes it")
    if stale(name) and os.environ.get("CI"):
        raise DataError(f"{path.name}: stale ({stale(name)} changed); run `make results`")
    table = pd.read_csv(path)
    table.attrs["stored"] = True
    return table


def key(name):
    """Hashes of the inputs of a result: code, parameters, data.

    How files are fetched is left out of the code: the hash of the data covers what arrives.
    """
    result = RESULTS[name]
    modules = sorted((dependencies(inspect.getsourcefile(result.compute))
                      | dependencies(public.__file__)) - {Path(download.__file__)})
    modules += [DATA / table for table in public.TABLES]
    code = hashlib.sha256(b"".join(p.read_bytes() for p in modules)).hexdigest()[:12]
    return {"code": code, "parameters": result.parameters | {"cube": result.classification},
            "data": download.data_hash()}


def dependencies(path):
    """Files of this package that a module imports, directly or not, and the module itself."""
    found, todo = set(), [Path(path)]
    while todo:
        here = todo.pop()
        if here in found:
            continue
        found.add(here)
        for node in ast.walk(ast.parse(here.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                names = [node.module] if node.module else [a.name for a in node.names]
                todo += [p for n in names if (p := PACKAGE / f"{n}.py").exists()]
    return found


def stale(name):
    """Which inputs of a stored result changed since it was stored; empty if none."""
    stored, now = _keys().get(name, {}), key(name) | {"table": _table_hash(name)}
    return ", ".join(part for part, value in now.items() if stored.get(part) != value)


def _table_hash(name):
    path = STORE / f"{name}.csv"
    return download.sha256(path.read_bytes())[:12] if path.exists() else None


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
    """Names of the stored results that are missing or stale.

    In CI, or if `strict`, such a result raises `DataError`.
    """
    found = {name: reason for name in RESULTS if (reason := stale(name))}
    if found and (strict or os.environ.get("CI")):
        name, reason = next(iter(found.items()))
        raise DataError(f"stored result {name!r} is stale: {reason} changed; "
                        "run `make results` with the public data")
    return list(found)


def store(names=None):
    """Compute results of the public vintage and store them, each file whole or not at all."""
    STORE.mkdir(parents=True, exist_ok=True)
    keys = _keys()
    for name in tqdm(names or list(RESULTS), desc="results", unit="table"):
        _write(STORE / f"{name}.csv",
               get(name, "public").to_csv(index=False, float_format="%.6g", lineterminator="\n"))
        keys[name] = key(name) | {"table": _table_hash(name)}
        _write(STORE / "keys.json", json.dumps(keys, indent=1, sort_keys=True) + "\n")


def _write(path, text):
    part = path.with_suffix(".part")
    part.write_text(text)
    os.replace(part, path)


def compare(rtol=1e-4):
    """Recompute every stored result and raise `DataError` where one differs by more than rtol."""
    for name in tqdm(RESULTS, desc="results", unit="table"):
        old, new = read(name), get(name, "public")
        if list(old) != list(new) or len(old) != len(new):
            raise DataError(f"{name}.csv: {old.shape} stored, {new.shape} computed")
        for column in old:
            a, b = old[column].to_numpy(), new[column].to_numpy()
            number = np.issubdtype(b.dtype, np.number)
            same = (np.isclose(a.astype(float), b.astype(float), rtol=rtol, atol=1e-9,
                               equal_nan=True) if number else a.astype(str) == b.astype(str))
            if not same.all():
                j = int(np.flatnonzero(~same)[0])
                raise DataError(f"{name}.csv, column {column!r}, row {j + 2}: {a[j]!r} stored, "
                                f"{b[j]!r} computed")


def main(arguments):
    """Store all results, or with --check compare them; 1 if something is wrong."""
    try:
        if "public" not in vintages.available():
            raise DataError("the public data are not here: run `make data` first")
        if "--check" in arguments:
            check(strict=True)
            compare()
        else:
            store([a for a in arguments if not a.startswith("-")])
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
