"""Tables of the book: published numbers, and published beside computed."""

import html
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError
from ..model.parameters import Parameters
from ..store import TABLES
from .results import SOURCES


def published(table: str) -> pd.DataFrame:
    """Printed numbers of one table of the source.

    Parameters
    ----------
    table : str
        Its name in data/published.csv.

    Returns
    -------
    DataFrame
        column, row, value, se, stars, note.

    Raises
    ------
    DataError
        Another name.

    Examples
    --------
    >>> published("rank_persistence")["value"].to_list()
    [0.57]
    """
    numbers = pd.read_csv(TABLES / "published.csv")
    if table not in set(numbers["table"]):
        raise DataError(f"published.csv: no table {table!r}; has {sorted(set(numbers['table']))}")
    return numbers[numbers["table"] == table].drop(columns="table").reset_index(drop=True)


def published_gini_moments() -> pd.DataFrame:
    """Table 1 as published, in the form of `describe.gini_moments`.

    Returns
    -------
    DataFrame
        variable, year, mean, cv, p90_p10.

    Examples
    --------
    >>> printed = published_gini_moments()
    >>> float(pick(printed, "mean", variable="income", year=1950))
    0.46
    """
    t = published("gini_over_time")
    t[["variable", "moment"]] = t["row"].str.extract(r"^(income|employment)_(\w+)$")
    return (
        t.assign(year=t["column"].astype(int))
        .pivot_table(index=["variable", "year"], columns="moment", values="value")
        .reset_index()
    )


def published_columns() -> pd.DataFrame:
    """The four published columns, by the names of `tradeoff.columns_table`.

    Returns
    -------
    DataFrame
        column, row, estimate, se, stars, note; n and adj_r2 are rows too, as in print.

    Examples
    --------
    >>> float(pick(published_columns(), "estimate", column="(1)", row="total"))
    -0.188
    """
    t = published("tradeoff_controls").rename(columns={"value": "estimate"})
    row = t["row"].str.removesuffix("_specialization").str.removesuffix("_pc")
    return t.assign(column=t["column"].str[:3], row=row)


def published_horizons() -> pd.DataFrame:
    """Growth on tradable specialization as published, by horizon in years.

    Returns
    -------
    DataFrame
        estimate, se, stars, n, adj_r2.

    Examples
    --------
    >>> published_horizons().loc[70, ["estimate", "n"]].to_list()
    [-0.154, 722.0]
    """
    t = published("tradeoff_horizons")
    t = t.assign(horizon=t["column"].str[:2].astype(int)).set_index("horizon")
    of = {row: part for row, part in t.groupby("row")}
    found = of["tradable_specialization"].rename(columns={"value": "estimate"})
    return found[["estimate", "se", "stars"]].assign(
        n=of["n"]["value"].astype(int), adj_r2=of["adj_r2"]["value"]
    )


def wide(
    table: pd.DataFrame, index: str | list[str], columns: str | list[str], values: str
) -> pd.DataFrame:
    """Entries of a long table by row and column, in the order in which their labels appear.

    Sources, where they are among the labels, stay together.

    Parameters
    ----------
    table : DataFrame
    index, columns : str or list of str
        Columns of the table that become labels of rows and of columns; each pair in one row.
    values : str
        The column of the entries.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> long = pd.DataFrame({"row": ["b", "a"], "column": ["(1)", "(1)"], "estimate": [1, 2]})
    >>> wide(long, "row", "column", "estimate").to_dict("index")
    {'b': {'(1)': 1}, 'a': {'(1)': 2}}
    """
    found = table.pivot(index=index, columns=columns, values=values)
    found = found.reindex(index=_appearing(table, index), columns=_appearing(table, columns))
    found.columns.names = [None] * found.columns.nlevels
    return found


def _appearing(table, names):
    # labels in order of appearance, source by source
    names = [names] if isinstance(names, str) else list(names)
    labels = table[names].drop_duplicates()
    if "source" in names:
        order = {s: k for k, s in enumerate(labels["source"].unique())}
        labels = labels.sort_values("source", key=lambda s: s.map(order), kind="stable")
    return labels.set_index(names).index


def written(table: pd.DataFrame, form: str) -> list[str]:
    """The rows of a table as text.

    Parameters
    ----------
    table : DataFrame
    form : str
        With the names of columns in braces.

    Returns
    -------
    list of str

    Examples
    --------
    >>> written(pd.DataFrame({"estimate": [0.123], "se": [0.05]}), "{estimate:.2f} ({se:.2f})")
    ['0.12 (0.05)']
    """
    return [form.format(**row) for row in table.to_dict("records")]


def keep(name: str | None = None, value: Any = None, /, **numbers: Any) -> None:
    """Keep numbers or texts for the prose, which shows them with the role `glue:text`.

    Parameters
    ----------
    name : str, optional
        Of a single one, the `value`.
    **numbers
        Others, by name.

    Examples
    --------
    After ``keep(slope=0.57, zones=722)`` in a cell, the role with the content ``slope:.2f`` shows
    0.57.
    """
    from myst_nb import glue  # slow to import, and only chapters need it

    for key, x in (({name: value} if name else {}) | numbers).items():
        glue(key, x.item() if isinstance(x, np.generic) else x, display=False)


def keep_table(prefix: str, table: pd.DataFrame | pd.Series, rows: Iterable | None = None) -> None:
    """Keep every number of a table for the prose, under its prefix, row and column.

    Parameters
    ----------
    prefix : str
    table : DataFrame or Series
        Levels of its index and its columns become parts of the name, between dots: the entry of
        row ("public", "(1)") and column "estimate" is ``prefix.public.1.estimate``; lower case,
        what is no letter, digit, sign or decimal point becomes "_" or goes at the ends. Where the
        first level is the source, rows that a source lacks, or that is not shown, are NaN.
    rows : iterable of labels, optional
        Only these, NaN where the table lacks them: those that the prose names.
    """
    table = table.to_frame("") if isinstance(table, pd.Series) else table
    table = table if rows is None else table.reindex(list(rows))
    numbers = {
        (*_parts(labels), *_parts(column)): x
        for labels, row in table.iterrows()
        for column, x in row.items()
    }
    sources = [part for s in SOURCES for part in _parts(s)]
    if rows is None and numbers and all(first in sources for first, *_ in numbers):
        numbers = {(s, *rest): np.nan for s in sources for _, *rest in numbers} | numbers
    for name, x in numbers.items():
        keep(".".join(filter(None, (prefix, *name))), x)


def _parts(labels):
    # labels of a row or column as parts of a name
    labels = labels if isinstance(labels, tuple) else (labels,)
    return tuple(re.sub(r"[^\w.+-]+", "_", str(label).lower()).strip("_.") for label in labels)


def rows(table: pd.DataFrame, /, **where: Any) -> pd.DataFrame:
    """Rows of a table that have these values.

    Parameters
    ----------
    table : DataFrame
    **where
        Values by column.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> table = pd.DataFrame({"source": ["synthetic", "public"], "slope": [0.1, -0.2]})
    >>> rows(table, source="public")["slope"].tolist()
    [-0.2]
    """
    for name, value in where.items():
        table = table[table[name] == value]
    return table


def pick(table: pd.DataFrame, column: str, /, **where: Any) -> Any:
    """The entry of a column in the one row that has these values; NaN where no row has them.

    Parameters
    ----------
    table : DataFrame
    column : str
    **where
        Values by column.

    Returns
    -------
    number or str

    Raises
    ------
    DataError
        More than one such row.

    Examples
    --------
    >>> table = pd.DataFrame({"source": ["synthetic", "public"], "slope": [0.1, -0.2]})
    >>> float(pick(table, "slope", source="public"))
    -0.2
    >>> pick(table, "slope", source="ipums")
    nan
    """
    table = rows(table, **where)
    if len(table) > 1:
        raise DataError(f"pick: {len(table)} rows with {where}; valid: one")
    return table[column].iloc[0] if len(table) else np.nan


class Table:
    """A table that notebooks show as HTML, with its caption, and that prints as LaTeX.

    The sources of results are headed vintage; a table without rows says that what it would show
    is not shown.

    Parameters
    ----------
    frame : DataFrame
    caption : str
        What it shows, and of which vintages.
    digits : int or dict of int
        Decimals of all columns of floats, or by column.

    Examples
    --------
    >>> Table(pd.DataFrame({"mean": [0.4581]}, ["1950"]), "Gini. Made up.")
    Gini. Made up.
            mean
    1950  0.4581
    """

    def __init__(self, frame: pd.DataFrame, caption: str, digits: int | dict[str, int] = 2):
        self.frame, self.caption, self.digits = frame, caption, digits

    def _style(self, frame):
        digits = self.digits
        if not isinstance(digits, dict):
            digits = dict.fromkeys(frame.select_dtypes("float"), digits)
        return frame.style.format({c: f"{{:.{d}f}}" for c, d in digits.items()}, na_rep="–")

    def _repr_html_(self):
        frame = self.frame
        if frame.index.names != [None]:
            frame = frame.reset_index()  # a named index would need a header row of its own
        frame = frame.rename(columns={"source": "vintage"})
        if frame.empty:
            frame = pd.DataFrame({"": ["not among the vintages shown"]})
        kinds = ["number" if pd.api.types.is_numeric_dtype(t) else "" for t in frame.dtypes]
        style = (
            self._style(frame)
            .set_uuid("")
            .set_td_classes(
                pd.DataFrame([kinds] * len(frame), index=frame.index, columns=frame.columns)
            )
        )
        style.cell_ids = False
        if frame.index.equals(pd.RangeIndex(len(frame))):
            style = style.hide(axis="index")
        body = re.sub(r'<style.*?</style>\n| id="T_"', "", style.to_html(), flags=re.DOTALL)
        # the caption stands outside what scrolls on a narrow screen
        return (
            f'<figure class="table-figure"><figcaption>{html.escape(self.caption)}'
            f'</figcaption><div class="table-scroll" tabindex="0">{body}</div></figure>'
        )

    def to_latex(self) -> str:
        """The table as a LaTeX float."""
        return self._style(self.frame).to_latex(caption=self.caption, hrules=True, position="htb")

    def __repr__(self):
        return f"{self.caption}\n{self.frame.to_string()}"


MEANINGS = {
    "γ": ("gamma", "risk aversion"),
    "α": ("alpha", "capital share"),
    "β": ("beta", "discount factor"),
    "R": ("R", "interest rate"),
    "θ": ("theta", "loan to value"),
    "φ": ("phi", "adjustment cost"),
    "ξ": ("xi", "agglomeration"),
    "ρ": ("rho", "persistence"),
    "σ": ("sigma", "sd of shocks"),
}
"""Name of a parameter of the model in published.csv, and what it means."""


def parameters_table(economies: dict[str, Parameters]) -> pd.DataFrame:
    """Parameters of the model as the slides print them, beside those of our economies.

    Parameters
    ----------
    economies : dict of Parameters, by name

    Returns
    -------
    DataFrame
        By parameter of `MEANINGS`, texts: parameter, meaning, published (a number, or an
        interval), their source, and a column for each economy: a number, or one per industry where
        these differ.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> parameters_table({"ours": SMOOTH.but(ξ=(0.29, 0.1))}).loc[[0, 6], ["published", "ours"]]
         published         ours
    0            5          2.0
    6  0.1 to 0.29  (0.29, 0.1)
    """
    slides = published("calibration").set_index(["column", "row"])
    rows = []
    for name, (row, meaning) in MEANINGS.items():
        low, high = (f"{slides.loc[(row, end), 'value']:g}" for end in ("low", "high"))
        ours = [getattr(p, name) for p in economies.values()]
        rows.append(
            (
                name,
                meaning,
                low if low == high else f"{low} to {high}",
                slides.loc[(row, "low"), "note"],
                *(f"{x[0] if np.ndim(x) and len(set(x)) == 1 else x}" for x in ours),
            )
        )
    return pd.DataFrame(
        rows, columns=["parameter", "meaning", "published", "their source", *economies]
    )
