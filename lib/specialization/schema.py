"""One schema for every vintage of the data: a panel of zones, industries and years."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pandera.pandas as pa

from . import DataError

VARIABLES = ("income", "employment", "value_added")
"""What a cube can hold; a vintage has at least one of them."""

SECTORS = (
    "agriculture", "mining", "construction", "manufacturing", "transport", "wholesale",
    "retail", "finance", "business services", "personal services", "entertainment",
    "professional services", "public administration", "military", "other",
)
"""Sectors that industries of every classification are sorted into. Transport includes
communication and utilities."""

TRADABLE = {
    "tradable": {"agriculture", "mining", "manufacturing"},
    "tradable_narrow": {"manufacturing"},
    "tradable_wide": {"agriculture", "mining", "manufacturing", "transport", "wholesale",
                      "finance", "business services"},
}
"""The slides do not list the tradables: the baseline and two alternatives, by sector."""

CONTROLS = ("income_per_head", "population", "high_skill_share", "old_age_dependency",
            "female_share")
"""Columns of the controls; income in current dollars, dependency in persons of 65 and over
per 100 of 15 to 64, shares between 0 and 1. A vintage that lacks one holds NaN."""

RUSTBELT = frozenset({"IL", "IN", "MI", "NY", "OH", "PA", "WV", "WI"})
"""States of the Rustbelt. The slides do not define it: the states of Alder, Lagakos and
Ohanian (2023)."""


def _positive(nullable=False):
    return pa.Column(float, pa.Check.gt(0), nullable=nullable, coerce=True)


def _share():
    return pa.Column(float, pa.Check.in_range(0, 1), nullable=True, coerce=True)


ZONES = pa.DataFrameSchema(
    {
        "name": pa.Column(str),
        "state": pa.Column(str),
        "division": pa.Column(str),
        "rustbelt": pa.Column(bool),
        "lat": pa.Column(float, pa.Check.in_range(-90, 90), nullable=True),
        "lon": pa.Column(float, pa.Check.in_range(-180, 180), nullable=True),
    },
    index=pa.Index(int, unique=True, name="zone"),
    strict=True,
)
INDUSTRIES = pa.DataFrameSchema(
    {
        "label": pa.Column(str),
        "sector": pa.Column(str, pa.Check.isin(SECTORS)),
        **{name: pa.Column(bool) for name in TRADABLE},
    },
    index=pa.Index(int, unique=True, name="industry"),
    strict=True,
)
CONTROL_TABLE = pa.DataFrameSchema(
    {
        "income_per_head": _positive(),
        "population": _positive(),
        "high_skill_share": _share(),
        "old_age_dependency": _positive(nullable=True),
        "female_share": _share(),
    },
    index=pa.MultiIndex([pa.Index(int, name="zone"), pa.Index(int, name="year")],
                        unique=["zone", "year"]),
    strict=True,
)


@dataclass(frozen=True)
class Panel:
    """Zones, industries and years of one vintage in one classification of industries.

    Attributes
    ----------
    vintage : str
        "synthetic", "public" or "ipums".
    label : str
        How captions name it.
    years : (T,) int array
    zones : DataFrame, R rows
        Indexed by zone: name, state, division, rustbelt, lat, lon (degrees).
    industries : DataFrame, I rows
        Indexed by industry: label, sector and the tradable definitions of `TRADABLE`.
    cubes : dict of (T, R, I) float arrays
        By variable of `VARIABLES`: income and value_added in current dollars, employment in
        persons. All entries are finite and non-negative, and no zone-year is empty.
    controls : DataFrame
        Indexed by (zone, year), columns `CONTROLS`; may hold more years than the cubes.
    notes : dict
        Counts of what the construction had to change, for the chapter to print.
    """

    vintage: str
    label: str
    years: np.ndarray
    zones: pd.DataFrame
    industries: pd.DataFrame
    cubes: dict
    controls: pd.DataFrame
    notes: dict = field(default_factory=dict)

    def __post_init__(self):
        _validate(self, "zones", ZONES)
        _validate(self, "industries", INDUSTRIES)
        _validate(self, "controls", CONTROL_TABLE)
        self._check_coverage()
        if not self.cubes:
            raise DataError(f"{self.vintage}: no cube; expected some of {VARIABLES}")
        for name, cube in self.cubes.items():
            self._check_cube(name, cube)

    def _check_coverage(self):
        every = pd.MultiIndex.from_product([self.zones.index, self.years])
        missing = every.difference(self.controls.index)
        if len(missing):
            raise DataError(f"{self.vintage}, table controls: no row for zone {missing[0][0]} in "
                            f"{missing[0][1]} ({len(missing)} such zone-years)")

    def _check_cube(self, name, cube):
        if name not in VARIABLES:
            raise DataError(f"{self.vintage}: unknown variable {name!r}; valid: {VARIABLES}")
        shape = (len(self.years), len(self.zones), len(self.industries))
        if cube.shape != shape:
            raise DataError(f"{self.vintage}, {name}: shape {cube.shape}, expected {shape}")
        bad = ~np.isfinite(cube) | (cube < 0)
        if bad.any():
            t, r, i = np.argwhere(bad)[0]
            raise DataError(
                f"{self.vintage}, {name}: {cube[t, r, i]} in year {self.years[t]}, zone "
                f"{self.zones.index[r]}, industry {self.industries.index[i]} ({bad.sum()} such "
                "cells); valid: finite and >= 0")
        empty = cube.sum(axis=2) == 0
        if empty.any():
            t, r = np.argwhere(empty)[0]
            raise DataError(f"{self.vintage}, {name}: zone {self.zones.index[r]} has no industry "
                            f"in {self.years[t]} ({empty.sum()} such zone-years)")

    def cube(self, variable, year=None):
        """The cube of a variable (T, R, I), or its slice (R, I) in one year."""
        if variable not in self.cubes:
            raise DataError(f"{self.vintage}: no variable {variable!r}; has {list(self.cubes)}")
        if year is None:
            return self.cubes[variable]
        t = np.flatnonzero(self.years == year)
        if not t.size:
            raise DataError(f"{self.vintage}: no year {year!r}; has {self.years.tolist()}")
        return self.cubes[variable][t[0]]

    def control(self, name, year):
        """One control in one year, (R,) in the order of the zones."""
        if name not in CONTROLS:
            raise DataError(f"{self.vintage}: unknown control {name!r}; valid: {CONTROLS}")
        if year not in self.controls.index.unique("year"):
            raise DataError(f"{self.vintage}: no controls in year {year!r}")
        return self.controls[name].xs(year, level="year").reindex(self.zones.index).to_numpy()

    def position(self, zone):
        """Row of a zone in the cubes."""
        if zone not in self.zones.index:
            raise DataError(f"{self.vintage}: unknown zone {zone!r}")
        return self.zones.index.get_loc(zone)


def _validate(panel, name, schema):
    """Check one table of a panel and turn pandera's report into one sentence."""
    try:
        schema.validate(getattr(panel, name), lazy=False)
    except pa.errors.SchemaError as error:
        detail = error.failure_cases
        value = detail["failure_case"].iloc[0] if isinstance(detail, pd.DataFrame) else detail
        column = getattr(error.schema, "name", None)
        check = getattr(error.check, "error", None) or error.check
        plain = {"column_in_dataframe": f"no column {value!r}",
                 "multiindex_unique": f"zone-year {value} stands twice",
                 "field_uniqueness": f"{value} stands twice"}
        what = plain.get(str(check), f"column {column!r}: {value}; valid: {check}")
        raise DataError(f"{panel.vintage}, table {name}, {what}") from None


def industry_table(codes, labels, sectors):
    """Industry table of a `Panel` from codes, labels and sectors."""
    table = pd.DataFrame({"label": list(labels), "sector": list(sectors)},
                         index=pd.Index(np.asarray(codes, dtype=int), name="industry"))
    for name, members in TRADABLE.items():
        table[name] = table["sector"].isin(members)
    return table


def cube_from_long(frame, value, years, zones, industries, source):
    """Dense (T, R, I) cube from a long table with columns year, zone, industry and `value`.

    Cells that are not in the table are zero. Raises `DataError`, naming `source`, for a missing
    column, a duplicate cell, a negative or NaN value, and a key outside the given lists.
    """
    keys = {"year": years, "zone": zones, "industry": industries}
    missing = [c for c in (*keys, value) if c not in frame]
    if missing:
        raise DataError(f"{source}: missing column {missing[0]!r}; has {list(frame)}")
    number = pd.to_numeric(frame[value], errors="coerce")
    bad = ~((number >= 0) & np.isfinite(number))
    if bad.any():
        row = frame.loc[bad, list(keys)].iloc[0]
        raise DataError(f"{source}, column {value!r}: {frame.loc[bad, value].iloc[0]} in year "
                        f"{row['year']}, zone {row['zone']}, industry {row['industry']} "
                        f"({bad.sum()} such rows); valid: finite and >= 0")
    twice = frame.duplicated(list(keys))
    if twice.any():
        row = frame.loc[twice, list(keys)].iloc[0]
        raise DataError(f"{source}: year {row['year']}, zone {row['zone']}, industry "
                        f"{row['industry']} stands twice ({twice.sum()} such rows); valid: once")
    position = []
    for name, values in keys.items():
        at = pd.Index(values).get_indexer(frame[name])
        if (at < 0).any():
            unknown = frame[name].to_numpy()[at < 0][0]
            raise DataError(f"{source}, column {name!r}: unknown value {unknown}; "
                            f"valid: {len(values)} values, {values[0]} to {values[-1]}")
        position.append(at)
    cube = np.zeros(tuple(len(v) for v in keys.values()))
    cube[tuple(position)] = frame[value]
    return cube
