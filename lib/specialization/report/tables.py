"""Tables of the book: published numbers, and published beside computed."""

import html
import re

import numpy as np
import pandas as pd

from ..errors import DataError
from ..model.parameters import Parameters
from ..store import TABLES


def published(table):
    """Printed numbers of one table of the source: column, row, value, se, stars, note."""
    numbers = pd.read_csv(TABLES / "published.csv")
    if table not in set(numbers["table"]):
        raise DataError(f"published.csv: no table {table!r}; has {sorted(set(numbers['table']))}")
    return numbers[numbers["table"] == table].drop(columns="table").reset_index(drop=True)


def published_gini_moments():
    """Table 1 in the form of `describe.gini_moments`: variable, year, mean, cv, p90_p10."""
    t = published("gini_over_time")
    t[["variable", "moment"]] = t["row"].str.extract(r"^(income|employment)_(\w+)$")
    return t.assign(year=t["column"].astype(int)).pivot_table(
        index=["variable", "year"], columns="moment", values="value").reset_index()


def published_and_here(printed, here, tolerance):
    """Published values beside those of each vintage, with the difference.

    `printed` is a Series by quantity; `here` and `tolerance` are by vintage: a Series of computed
    values, where those that it cannot have are missing, and what the difference must not exceed
    (float or Series). A vintage without a tolerance is no replication and has no verdict.
    """
    columns = {("", "published"): printed}
    for vintage, values in here.items():
        columns[vintage, "here"] = values.reindex(printed.index)
        gap = columns[vintage, "difference"] = columns[vintage, "here"] - printed
        if vintage in tolerance:
            limit = pd.Series(tolerance[vintage], index=printed.index)
            columns[vintage, "tolerance"] = limit
            columns[vintage, "within"] = (gap.abs() <= limit + 1e-12).map(
                {True: "yes", False: "no"}).mask(gap.isna() | limit.isna(), "")
    return pd.DataFrame(columns)


def keep(name=None, value=None, /, **numbers):
    """Keep numbers or texts for the prose, which shows them with the role `glue:text`.

    Parameters
    ----------
    name : str, optional
        Of a single one, the `value`.
    **numbers
        Others, by name.

    Examples
    --------
    ``keep(slope=0.57, zones=722)`` in a cell, and in the text ``{glue:text}`slope:.2f` ``.
    """
    from myst_nb import glue  # slow to import, and only chapters need it

    for key, x in (({name: value} if name else {}) | numbers).items():
        glue(key, x.item() if isinstance(x, np.generic) else x, display=False)


def keep_table(prefix, table):
    """Keep every number of a table for the prose, under its prefix, row and column.

    Parameters
    ----------
    prefix : str
    table : DataFrame or Series
        Levels of its index and its columns become parts of the name, between dots: the entry of
        row ("public", "(1)") and column "estimate" is ``prefix.public.1.estimate``; lower case,
        what is no letter, digit, sign or decimal point becomes "_" or goes at the ends.
    """
    table = table.to_frame("") if isinstance(table, pd.Series) else table
    for labels, row in table.iterrows():
        labels = labels if isinstance(labels, tuple) else (labels,)
        for column, x in row.items():
            column = column if isinstance(column, tuple) else (column,)
            parts = [re.sub(r"[^\w.+-]+", "_", str(part).lower()).strip("_.")
                     for part in (prefix, *labels, *column)]
            keep(".".join(filter(None, parts)), x)


class Table:
    """A table that notebooks show as HTML, with its caption, and that prints as LaTeX.

    The caption says what it shows and of which vintages; `digits` are decimals, of all columns of
    floats or by column.
    """

    def __init__(self, frame, caption, digits=2):
        self.frame, self.caption, self.digits = frame, caption, digits

    def _style(self, frame):
        digits = self.digits
        if not isinstance(digits, dict):
            digits = dict.fromkeys(frame.select_dtypes("float"), digits)
        return frame.style.format({c: f"{{:.{d}f}}" for c, d in digits.items()}, na_rep="–")

    def _repr_html_(self):
        frame = self.frame
        if frame.index.names != [None]:
            frame = frame.reset_index()     # a named index would need a header row of its own
        kinds = ["number" if pd.api.types.is_numeric_dtype(t) else "" for t in frame.dtypes]
        style = self._style(frame).set_uuid("").set_td_classes(
            pd.DataFrame([kinds] * len(frame), index=frame.index, columns=frame.columns))
        style.cell_ids = False
        if frame.index.equals(pd.RangeIndex(len(frame))):
            style = style.hide(axis="index")
        body = re.sub(r'<style.*?</style>\n| id="T_"', "", style.to_html(), flags=re.DOTALL)
        # the caption stands outside what scrolls on a narrow screen
        return (f'<figure class="table-figure"><figcaption>{html.escape(self.caption)}'
                f'</figcaption><div class="table-scroll" tabindex="0">{body}</div></figure>')

    def to_latex(self):
        """The table as a LaTeX float."""
        return self._style(self.frame).to_latex(caption=self.caption, hrules=True, position="htb")

    def __repr__(self):
        return f"{self.caption}\n{self.frame.to_string()}"


MEANINGS = {"γ": ("gamma", "risk aversion"), "α": ("alpha", "capital share"),
            "β": ("beta", "discount factor"), "R": ("R", "interest rate"),
            "θ": ("theta", "loan to value"), "φ": ("phi", "adjustment cost"),
            "ξ": ("xi", "agglomeration"), "ρ": ("rho", "persistence"),
            "σ": ("sigma", "sd of shocks")}
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
        rows.append((name, meaning, low if low == high else f"{low} to {high}",
                     slides.loc[(row, "low"), "note"],
                     *(f"{x[0] if np.ndim(x) and len(set(x)) == 1 else x}" for x in ours)))
    return pd.DataFrame(rows, columns=["parameter", "meaning", "published", "their source",
                                       *economies])
