"""One schema for every vintage of the data: a panel of zones, industries and years."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pandera.pandas as pa

from ..errors import DataError
from ..store import TABLES

VINTAGES = {"synthetic": "synthetic data (simulated, not evidence)",
            "public": "public data (real)", "ipums": "IPUMS extract (real)"}
"""How captions name them: made-up data that check the estimators; public data; the reader's own
IPUMS extract."""

VARIABLES = ("income", "employment", "value_added")
SECTORS = pd.read_csv(TABLES / "sectors.csv", index_col="sector")
"""Sectors of the industries of every classification; communication and utilities are in transport.
Which are tradable the slides do not say: a baseline and two alternatives, `TRADABLE`."""

TRADABLE = tuple(SECTORS)

ZONES = pd.read_csv(TABLES / "zones.csv", index_col="zone")
"""The 722 zones of 1990 of the real vintages, without Alaska and Hawaii. The slides do not define
the Rustbelt: the states of Alder, Lagakos and Ohanian (2023)."""


def _number(low, high=None, nullable=True):
    valid = pa.Check.gt(low) if high is None else pa.Check.in_range(low, high)
    return pa.Column(float, valid, nullable=nullable, coerce=True)


TABLES = {
    "zones": pa.DataFrameSchema(
        {"name": pa.Column(str), "state": pa.Column(str), "division": pa.Column(str),
         "rustbelt": pa.Column(bool), "lat": _number(-90, 90), "lon": _number(-180, 180)},
        index=pa.Index(int, unique=True, name="zone"), strict=True),
    "industries": pa.DataFrameSchema(
        {"label": pa.Column(str), "sector": pa.Column(str, pa.Check.isin([*SECTORS.index])),
         **{name: pa.Column(bool) for name in TRADABLE}},
        index=pa.Index(int, unique=True, name="industry"), strict=True),
    "controls": pa.DataFrameSchema(
        {"income_per_head": _number(0, nullable=False), "population": _number(0, nullable=False),
         "high_skill_share": _number(0, 1), "old_age_dependency": _number(0),
         "female_share": _number(0, 1)},
        index=pa.MultiIndex([pa.Index(int, name="zone"), pa.Index(int, name="year")],
                            unique=["zone", "year"]), strict=True),
}
"""Tables of a panel. Units: degrees; current dollars, persons, persons of 65 and over per 100 of
15 to 64. A control that a vintage lacks is NaN."""

CONTROLS = tuple(TABLES["controls"].columns)


@dataclass(frozen=True)
class Panel:
    """Zones, industries and years of one vintage in one classification of industries.

    `years` is (T,); zones, industries and controls are tables as in `TABLES`, and controls may
    hold more years. `cubes` are (T, R, I) arrays by variable: income and value_added in current
    dollars, employment in persons, finite and non-negative, no zone-year empty. `notes` counts
    what the construction changed. Making a panel checks it: `DataError` names the table or cube,
    the value and what is valid.
    """

    vintage: str
    years: np.ndarray
    zones: pd.DataFrame
    industries: pd.DataFrame
    cubes: dict
    controls: pd.DataFrame
    notes: dict = field(default_factory=dict)

    def __post_init__(self):
        for name, table in TABLES.items():
            try:
                table.validate(getattr(self, name))
            except (pa.errors.SchemaError, pa.errors.SchemaErrors) as error:
                words = " ".join(str(error).split())
                raise DataError(f"{self.vintage}, table {name}: {words}") from None
        every = pd.MultiIndex.from_product([self.zones.index, self.years])
        if len(missing := every.difference(self.controls.index)):
            raise DataError(f"{self.vintage}, table controls: no row for zone {missing[0][0]} in "
                            f"{missing[0][1]} ({len(missing)} such zone-years)")
        axes = {"year": self.years, "zone": self.zones.index, "industry": self.industries.index}
        shape = tuple(map(len, axes.values()))
        for name, cube in self.cubes.items():
            if name not in VARIABLES or cube.shape != shape:
                raise DataError(f"{self.vintage}: variable {name!r} of shape {cube.shape}; valid: "
                                f"{VARIABLES} of shape {shape}")
            sums = cube.sum(axis=2)
            for values, good, valid in ((cube, np.isfinite(cube) & (cube >= 0), "finite, >= 0"),
                                        (sums, sums > 0, "some industry in every zone-year")):
                if not good.all():
                    at = np.argwhere(~good)[0]
                    where = ", ".join(f"{k} {axes[k][j]}" for k, j in zip(axes, at, strict=False))
                    raise DataError(f"{self.vintage}, {name}: {values[tuple(at)]} in {where} "
                                    f"({(~good).sum()} such); valid: {valid}")

    def cube(self, variable, year=None):
        """The cube of a variable (T, R, I), or its slice (R, I) in one year."""
        if variable not in self.cubes or not (year is None or year in self.years):
            raise DataError(f"{self.vintage}: no {variable!r} in year {year!r}; valid: "
                            f"{list(self.cubes)} in {self.years.tolist()}")
        cube = self.cubes[variable]
        return cube if year is None else cube[self.years.tolist().index(year)]

    def control(self, name, year):
        """One control in one year, (R,) in the order of the zones."""
        years = self.controls.index.unique("year")
        if name not in CONTROLS or year not in years:
            raise DataError(f"{self.vintage}: no control {name!r} in year {year!r}; valid: "
                            f"{CONTROLS} in {years.tolist()}")
        return self.controls[name].xs(year, level="year").reindex(self.zones.index).to_numpy()


def check_rows(frame, source, *rules):
    """Raise `DataError`, naming `source`, for the first row that breaks a rule.

    A rule is a column, a bool Series that says which rows are good, and what is valid in words.
    """
    for column, good, valid in rules:
        if not good.all():
            row = frame.iloc[[good.argmin()]].to_dict("records")[0]
            row = ", ".join(f"{k} {v}" for k, v in row.items())
            raise DataError(f"{source}, column {column!r}: {row} ({(~good).sum()} such rows); "
                            f"valid: {valid}")


def industry_table(codes, labels, sectors):
    """Industry table of a `Panel` from codes, labels and sectors."""
    table = pd.DataFrame({"label": list(labels), "sector": list(sectors)},
                         index=pd.Index(np.asarray(codes, dtype=int), name="industry"))
    return table.join(SECTORS, on="sector")


def cube_from_long(frame, value, years, zones, industries, source):
    """Dense (T, R, I) cube from a long table with columns year, zone, industry and `value`.

    Cells that are not in the table are zero. `DataError`, naming `source`, for a duplicate cell
    and a key outside the given lists; the values are checked by the `Panel` made of them.
    """
    keys = {"year": years, "zone": zones, "industry": industries}
    check_rows(frame[[*keys, value]], source,
               (value, ~frame.duplicated([*keys]), "each cell once"),
               *((k, frame[k].isin(v), f"{len(v)} values, {v[0]} to {v[-1]}")
                 for k, v in keys.items()))
    every = pd.MultiIndex.from_product(keys.values(), names=keys)
    cells = frame.set_index([*keys])[value].reindex(every, fill_value=0.0)
    return cells.to_numpy(float).reshape([len(v) for v in keys.values()])
