"""Tables of the book: published numbers, and published beside computed."""

import html
import re

import numpy as np
import pandas as pd
from myst_nb import glue

from . import DATA, DataError


def published(table=None):
    """Printed numbers of the source: table, column, row, value, se, stars, note.

    `table` selects one of them; see data/published.csv.
    """
    numbers = pd.read_csv(DATA / "published.csv", keep_default_na=True)
    if table is None:
        return numbers
    if table not in set(numbers["table"]):
        raise DataError(f"published.csv: no table {table!r}; has {sorted(set(numbers['table']))}")
    return numbers[numbers["table"] == table].drop(columns="table").reset_index(drop=True)


def published_gini_moments():
    """Table 1 in the form of `describe.gini_moments`: variable, year, mean, cv, p90_p10."""
    t = published("gini_over_time")
    t[["variable", "moment"]] = t["row"].str.extract(r"^(income|employment)_(\w+)$")
    return t.assign(year=t["column"].astype(int)).pivot_table(
        index=["variable", "year"], columns="moment", values="value").reset_index()


def gini_tolerance(printed, n):
    r"""Three standard errors of the moments of Table 1, and half a unit of the last digit printed.

    For n draws of a normal distribution with coefficient of variation v and mean m: the mean has
    standard error m v / sqrt(n), the CV v sqrt((1/2 + v^2) / n), and the logarithm of p90/p10
    that of two sample quantiles, whose errors have standard deviation 1.709 m v / sqrt(n) and
    correlation 1/9.

    Parameters
    ----------
    printed : DataFrame
        As of `published_gini_moments`.
    n : int
        Zones.
    """
    v, root = printed["cv"], np.sqrt(n)
    a, b = 1 / (1 + 1.2816 * v), 1 / (1 - 1.2816 * v)
    log_ratio = 1.709 * v * np.sqrt(a**2 + b**2 - 2 / 9 * a * b) / root
    return printed.assign(mean=3 * printed["mean"] * v / root + 0.005,
                          cv=3 * v * np.sqrt(0.5 + v**2) / root + 0.0005,
                          p90_p10=3 * printed["p90_p10"] * log_ratio + 0.005)


def published_and_here(printed, here, tolerance):
    """Published values beside those of each vintage, with the difference.

    Parameters
    ----------
    printed : Series
        Published values by quantity.
    here : dict of Series
        Computed values by vintage, indexed like `printed`; a quantity a vintage cannot have is
        missing.
    tolerance : dict of float or Series
        By vintage: what the difference must not exceed. A vintage without one is not a
        replication of the number, and has no verdict.

    Returns
    -------
    DataFrame
        published; for each vintage its value, difference and, with a tolerance, within.
    """
    columns = {("", "published"): printed}
    for vintage, values in here.items():
        values = values.reindex(printed.index)
        columns[vintage, "here"] = values
        columns[vintage, "difference"] = values - printed
        if vintage in tolerance:
            limit = pd.Series(tolerance[vintage], index=printed.index)
            columns[vintage, "tolerance"] = limit
            columns[vintage, "within"] = [
                "" if pd.isna(v) or pd.isna(limit) else "yes" if abs(v) <= limit + 1e-12 else "no"
                for v, limit in zip(values - printed, limit, strict=True)]
    return pd.DataFrame(columns)


def keep(name, value):
    """Keep a number or a text for the prose, which shows it with the role `glue:text`."""
    glue(name, value.item() if isinstance(value, np.generic) else value, display=False)


class Table:
    """A table that notebooks show as HTML, with its caption, and that prints as LaTeX.

    Parameters
    ----------
    frame : DataFrame
    caption : str
        Says what it shows and of which vintages.
    digits : int or dict
        Decimals, for all numeric columns or by column.
    """

    def __init__(self, frame, caption, digits=2):
        self.frame, self.caption, self.digits = frame, caption, digits

    def _format(self, frame):
        numeric = frame.select_dtypes("float").columns
        digits = self.digits if isinstance(self.digits, dict) else dict.fromkeys(
            numeric, self.digits)
        return frame.style.format({c: f"{{:.{d}f}}" for c, d in digits.items()}, na_rep="–")

    def _repr_html_(self):
        frame = self.frame
        if frame.index.names != [None]:
            frame = frame.reset_index()     # a named index would need a header row of its own
        numeric = [pd.api.types.is_numeric_dtype(t) for t in frame.dtypes]
        classes = pd.DataFrame([["number" if n else "" for n in numeric]] * len(frame),
                               index=frame.index, columns=frame.columns)
        style = self._format(frame).set_td_classes(classes).set_uuid("")
        style.cell_ids = False
        if frame.index.equals(pd.RangeIndex(len(frame))):
            style = style.hide(axis="index")
        body = re.sub(r'<style.*?</style>\n| id="T_"', "", style.to_html(), flags=re.DOTALL)
        # the caption stands outside what scrolls on a narrow screen
        return (f'<figure class="table-figure"><figcaption>{html.escape(self.caption)}'
                f'</figcaption><div class="table-scroll" tabindex="0">'
                f'{body}</div></figure>')

    def to_latex(self):
        """The table as a LaTeX float."""
        return self._format(self.frame).to_latex(caption=self.caption, hrules=True, position="htb")

    def __repr__(self):
        return f"{self.caption}\n{self.frame.to_string()}"
