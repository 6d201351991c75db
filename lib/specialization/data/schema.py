"""One schema for every vintage of the data: a panel of zones, industries and years."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TypeAlias

import numpy as np
import pandas as pd

from ..errors import DataError
from ..store import TABLES

Labels: TypeAlias = Sequence[int] | np.ndarray | pd.Index
"""Years, zones or industries."""

VINTAGES = {
    "synthetic": "synthetic data (simulated, not evidence)",
    "public": "public data (real)",
    "ipums": "IPUMS extract (real)",
}
"""How captions name them: made-up data that check the estimators; public data; the reader's own
IPUMS extract."""

VARIABLES = ("income", "employment", "value_added")
SECTORS = pd.read_csv(TABLES / "sectors.csv", index_col="sector", encoding="utf-8")
"""Sectors of the industries of every classification; communication and utilities are in transport.
Which are tradable the slides do not say: a baseline and two alternatives, `TRADABLE`."""

TRADABLE = tuple(SECTORS)

ZONES = pd.read_csv(TABLES / "zones.csv", index_col="zone", encoding="utf-8")
"""The 722 zones of 1990 of the real vintages, without Alaska and Hawaii. The slides do not define
the Rustbelt: the states of Alder, Lagakos and Ohanian (2023)."""


# Tables of a panel. A rule: which entries of a column are good, and what is valid in words.


def _elements(kind):
    return lambda column: column.map(lambda x: isinstance(x, kind)).astype(bool)


def _numbers(good):
    """Entries that are numbers and good, or missing."""

    def rule(column):
        number = _elements(Real)(column)
        return column.isna() | number & good(column.where(number).astype(float))

    return rule


_TEXT = _elements(str), "text"
_FLAG = _elements(bool | np.bool_), "True or False"
_SHARE = _numbers(lambda x: x.between(0, 1)), "0 to 1, or NaN"
_POSITIVE = _numbers(lambda x: (x > 0) & (x < np.inf)), "finite, > 0, or NaN"
_LEVEL = (lambda x: x.notna() & _POSITIVE[0](x)), "finite, > 0"
_KEY = (lambda x: _elements(Integral)(x) & ~_elements(bool)(x)), "integers"

COLUMNS = {
    "zones": {
        "zone": _KEY,
        "name": _TEXT,
        "state": _TEXT,
        "division": _TEXT,
        "rustbelt": _FLAG,
        "lat": (_numbers(lambda x: x.between(-90, 90)), "-90 to 90, or NaN"),
        "lon": (_numbers(lambda x: x.between(-180, 180)), "-180 to 180, or NaN"),
    },
    "industries": {
        "industry": _KEY,
        "label": _TEXT,
        "sector": (lambda x: x.isin(SECTORS.index), f"one of {', '.join(SECTORS.index)}"),
        **dict.fromkeys(TRADABLE, _FLAG),
    },
    "controls": {
        "zone": _KEY,
        "year": _KEY,
        "income_per_head": _LEVEL,
        "population": _LEVEL,
        "high_skill_share": _SHARE,
        "old_age_dependency": _POSITIVE,
        "female_share": _SHARE,
    },
}
"""Columns of each table of a panel, keys included, and the rule of each. Units: degrees; current
dollars, persons, persons of 65 and over per 100 of 15 to 64. A control that a vintage lacks is
NaN."""

KEYS = {"zones": ["zone"], "industries": ["industry"], "controls": ["zone", "year"]}
"""Names of the index of each table."""

CONTROLS = tuple(c for c in COLUMNS["controls"] if c not in KEYS["controls"])


def _check_table(source, table, frame):
    """Raise `DataError` for the first column, key or entry that breaks the rules of `COLUMNS`."""
    keys, columns = KEYS[table], COLUMNS[table]
    source = f"{source}, table {table}"
    if not isinstance(frame, pd.DataFrame) or list(frame.index.names) != keys:
        names = getattr(getattr(frame, "index", None), "names", None)
        raise DataError(
            f"{source}: {type(frame).__name__} with index {list(names or [])}; valid: "
            f"a DataFrame with index {keys}"
        )
    wanted = [c for c in columns if c not in keys]
    if odd := [*(c for c in wanted if c not in frame), *(c for c in frame if c not in wanted)]:
        what = "unknown" if odd[0] in frame else "missing"
        raise DataError(f"{source}, column {odd[0]!r}: {what}; valid: {', '.join(wanted)}")
    if not frame.columns.is_unique:
        raise DataError(
            f"{source}, column {frame.columns[frame.columns.duplicated()][0]!r}: "
            "stands twice; valid: once"
        )
    flat = frame.reset_index()
    for column, (rule, valid) in columns.items():
        check_rows(
            flat[list(dict.fromkeys([*keys, column]))], source, (column, rule(flat[column]), valid)
        )
    check_rows(flat[keys], source, (keys[0], ~flat.duplicated(keys), "each key once"))


@dataclass(frozen=True)
class Panel:
    """Zones, industries and years of one vintage in one classification of industries.

    Parameters
    ----------
    vintage : str
        Its name, as in `VINTAGES`.
    years : ndarray of int, (T,)
        Increasing.
    zones, industries, controls : DataFrame
        R zones, I industries, and zone-years, with the columns of `COLUMNS`. Controls may hold
        more years than `years`.
    cubes : dict of ndarray, (T, R, I)
        By variable of `VARIABLES`: income and value added in current dollars, employment in
        persons. Finite and not negative; no zone-year is empty.
    notes : dict
        Counts of what the construction changed.

    Raises
    ------
    DataError
        Names the table or cube, its column, the value and its row, and what is valid.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> panel = synthetic.panel()
    >>> panel.cube("income").shape == (len(panel.years), len(panel.zones), len(panel.industries))
    True
    >>> panel.cube("income", 1960)              # doctest: +ELLIPSIS
    Traceback (most recent call last):
    specialization.errors.DataError: synthetic: no 'income' in year 1960; valid: ...
    """

    vintage: str
    years: np.ndarray
    zones: pd.DataFrame
    industries: pd.DataFrame
    cubes: dict[str, np.ndarray]
    controls: pd.DataFrame
    notes: dict = field(default_factory=dict)

    def __post_init__(self):
        for table in COLUMNS:
            _check_table(self.vintage, table, getattr(self, table))
        self._check_years()
        for name, cube in self.cubes.items():
            self._check_cube(name, cube)

    def _check_years(self):
        years = np.asarray(self.years)
        if not (
            years.ndim == 1
            and years.size
            and np.issubdtype(years.dtype, np.integer)
            and (np.diff(years) > 0).all()
        ):
            raise DataError(
                f"{self.vintage}, years: {years.tolist()}; valid: integers, "
                "increasing, at least one"
            )
        every = pd.MultiIndex.from_product([self.zones.index, years])
        if len(missing := every.difference(self.controls.index)):
            raise DataError(
                f"{self.vintage}, table controls: no row for zone {missing[0][0]} in "
                f"{missing[0][1]} ({len(missing)} such zone-years)"
            )

    def _check_cube(self, name, cube):
        axes = {"year": self.years, "zone": self.zones.index, "industry": self.industries.index}
        shape = tuple(map(len, axes.values()))
        if name not in VARIABLES or np.shape(cube) != shape:
            raise DataError(
                f"{self.vintage}: variable {name!r} of shape {np.shape(cube)}; valid: "
                f"{VARIABLES} of shape {shape}"
            )
        if not (isinstance(cube, np.ndarray) and np.issubdtype(cube.dtype, np.number)):
            raise DataError(
                f"{self.vintage}, {name}: {type(cube).__name__} of "
                f"{np.asarray(cube).dtype}; valid: an array of numbers"
            )
        sums = cube.sum(axis=2)
        for values, good, valid in (
            (cube, np.isfinite(cube) & (cube >= 0), "finite, >= 0"),
            (sums, sums > 0, "some industry in every zone-year"),
        ):
            if not good.all():
                at = np.argwhere(~good)[0]
                where = ", ".join(f"{k} {axes[k][j]}" for k, j in zip(axes, at, strict=False))
                raise DataError(
                    f"{self.vintage}, {name}: {values[tuple(at)]} in {where} "
                    f"({(~good).sum()} such); valid: {valid}"
                )

    def cube(self, variable: str, year: int | None = None) -> np.ndarray:
        """The cube of a variable (T, R, I), or its slice (R, I) in one year.

        Raises
        ------
        DataError
            A variable or year that the panel lacks.
        """
        if variable not in self.cubes or not (year is None or year in self.years):
            raise DataError(
                f"{self.vintage}: no {variable!r} in year {year!r}; valid: "
                f"{list(self.cubes)} in {self.years.tolist()}"
            )
        cube = self.cubes[variable]
        return cube if year is None else cube[self.years.tolist().index(year)]

    def control(self, name: str, year: int) -> np.ndarray:
        """One control in one year, (R,) in the order of the zones.

        Raises
        ------
        DataError
            A control or year that the panel lacks.
        """
        years = self.controls.index.unique("year")
        if name not in CONTROLS or year not in years:
            raise DataError(
                f"{self.vintage}: no control {name!r} in year {year!r}; valid: "
                f"{CONTROLS} in {years.tolist()}"
            )
        return self.controls[name].xs(year, level="year").reindex(self.zones.index).to_numpy()


def check_rows(frame: pd.DataFrame, source: str, *rules: tuple[str, pd.Series, str]) -> None:
    """Raise `DataError`, naming `source`, for the first row that breaks a rule.

    Parameters
    ----------
    frame : DataFrame
    source : str
        File or table.
    *rules : (str, Series of bool, str)
        A column, which rows are good, and what is valid in words.

    Examples
    --------
    >>> frame = pd.DataFrame({"area": [1, 2], "weight": [1.0, 1.5]})
    >>> check_rows(frame, "made up", ("weight", frame["weight"] <= 1, "at most 1"))
    Traceback (most recent call last):
    specialization.errors.DataError: made up, column 'weight': area 2, weight 1.5 (1 such rows); \
valid: at most 1
    """
    for column, good, valid in rules:
        if not good.all():
            row = frame.iloc[[good.to_numpy().argmin()]].to_dict("records")[0]
            row = ", ".join(f"{k} {v}" for k, v in row.items())
            raise DataError(
                f"{source}, column {column!r}: {row} ({(~good).sum()} such rows); valid: {valid}"
            )


def industry_table(codes: Labels, labels: Sequence[str], sectors: Sequence[str]) -> pd.DataFrame:
    """Industry table of a `Panel`.

    Parameters
    ----------
    codes, labels, sectors : sequence, (I,)
        Integers, texts, and names of `SECTORS`.

    Raises
    ------
    DataError
        A code that is no integer; lists of unequal lengths.

    Examples
    --------
    >>> industry_table([376], ["motor vehicles"], ["manufacturing"])["tradable"].tolist()
    [True]
    """
    codes = list(codes)
    if not len(codes) == len(list(labels)) == len(list(sectors)):
        raise DataError(
            f"industries: {len(codes)} codes, {len(list(labels))} labels, "
            f"{len(list(sectors))} sectors; valid: as many of each"
        )
    table = pd.DataFrame({"industry": codes, "label": list(labels), "sector": list(sectors)})
    check_rows(table, "industries", ("industry", _KEY[0](table["industry"]), _KEY[1]))
    return table.astype({"industry": int}).set_index("industry").join(SECTORS, on="sector")


def cube_from_long(
    frame: pd.DataFrame, value: str, years: Labels, zones: Labels, industries: Labels, source: str
) -> np.ndarray:
    """Dense cube from a long table.

    Parameters
    ----------
    frame : DataFrame
        Columns year, zone, industry and `value`; cells that are not in it are zero.
    value : str
    years, zones, industries : array_like
        What the axes of the cube stand for.
    source : str
        What messages call the table.

    Returns
    -------
    ndarray of float, (T, R, I)
        Its values are checked by the `Panel` made of it.

    Raises
    ------
    DataError
        A cell that stands twice, or a key outside the given lists.

    Examples
    --------
    >>> cells = pd.DataFrame({"year": [1990], "zone": [100], "industry": [376], "jobs": [5.0]})
    >>> cube_from_long(cells, "jobs", [1980, 1990], [100], [376], "made up").ravel()
    array([0., 5.])
    """
    keys = {"year": years, "zone": zones, "industry": industries}
    check_rows(
        frame[[*keys, value]],
        source,
        (value, ~frame.duplicated([*keys]), "each cell once"),
        *((k, frame[k].isin(v), f"{len(v)} values, {v[0]} to {v[-1]}") for k, v in keys.items()),
    )
    every = pd.MultiIndex.from_product(keys.values(), names=keys)
    cells = frame.set_index([*keys])[value].reindex(every, fill_value=0.0)
    return cells.to_numpy(float).reshape([len(v) for v in keys.values()])
