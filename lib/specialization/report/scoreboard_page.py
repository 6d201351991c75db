"""The page of the scoreboard: its tables and its figure.

`python -m specialization.report.scoreboard_page` writes data/results/scoreboard.csv, and from it
and the stored results book/tables/scoreboard.md and book/_static/scoreboard_forest.svg.
"""

import re

import pandas as pd

from ..store import CHECKOUT, write
from . import figures, results
from .scoreboard import (
    LETTERS,
    SOURCES,
    VERDICTS,
    bases,
    model_numbers,
    oddities,
    scoreboard,
    stored,
)
from .tables import Table


def summary(board: pd.DataFrame) -> pd.DataFrame:
    """Numbers of rows by verdict: all; coefficients with a printed standard error; and those of
    them on which all public sources that can tell agree.

    Examples
    --------
    >>> int(summary(stored())["numbers"].sum())
    119
    """
    coefficients = board[board["se"].notna()]
    said = coefficients[[f"{source}: reading" for source in SOURCES]]
    agreed = said.where(said != "not identified").nunique(axis=1) == 1
    parts = {
        "numbers": board,
        "of these coefficients": coefficients,
        "whose sources agree": coefficients[agreed],
    }
    return (
        pd.DataFrame({name: t["verdict"].value_counts() for name, t in parts.items()})
        .reindex([*VERDICTS])
        .fillna(0)
        .astype(int)
        .rename_axis("verdict")
        .reset_index()
    )


def readings(board: pd.DataFrame) -> pd.DataFrame:
    """How many coefficients each public source reads how, a row for each source."""
    t = board[board["se"].notna()]
    found = {source: t[f"{source}: reading"].value_counts() for source in [*SOURCES][1:]}
    return (
        pd.DataFrame(found)
        .T.reindex(columns=[*LETTERS])
        .fillna(0)
        .astype(int)
        .rename_axis("from")
        .reset_index()
    )


PARTS = {
    **{
        f"({k}) {outcome}": f"Column ({k}): {words}"
        for k, outcome, words in (
            (1, "growth_1950_2020", "growth on total specialization"),
            (2, "growth_1950_2020", "growth on total, tradable and non-tradable specialization"),
            (3, "log_income_1950", "log income on total specialization"),
            (4, "log_income_1950", "log income on total, tradable and non-tradable"),
        )
    },
    "tradeoff_horizons": "Growth on tradable specialization by horizon",
    "gini_over_time": "Table 1: the Gini over time",
    "rank_persistence": "Rank persistence",
}
"""Tables of the page with numbers by source: a column of print, or one of its tables."""


def written(board: pd.DataFrame, part: str) -> pd.DataFrame:
    """One of `PARTS` as texts: estimate, standard error and letter of the reading by source.

    Examples
    --------
    >>> written(stored(), "(3) log_income_1950").loc[7, ["number", "printed"]].to_list()
    ['adj r2', '0.433']
    """
    t = board[(board["column"] == part) | (board["table"] == part)].reset_index(drop=True)
    one = t["column"].nunique() == 1
    number = t["row"] if one and len(t) > 1 else t["column"] + ", " + t["row"]
    words = {
        "number": number.str.replace("_", " "),
        "printed": [_entry(*x) for x in t[["value", "se", "stars"]].to_numpy()],
        "verdict": t["verdict"],
    }
    for source in SOURCES:
        name = source if one and len(t) > 1 else _without_base(source)
        words[name] = [
            _entry(e, se, LETTERS.get(r, ""))
            for e, se, r in t[[f"{source}: {x}" for x in ("estimate", "se", "reading")]].to_numpy()
        ]
    found = pd.DataFrame(words)
    return found.loc[:, (found != "").any()]


LEGEND = (
    "In brackets: standard errors, clustered. What a public source says alone: r reproduced, "
    "s same sign, d different, · cannot tell."
)
"""What the marks in `beside` mean, for captions."""


def beside(part: str, shown: results.Shown) -> pd.DataFrame:
    """One of `PARTS` as a chapter shows it: printed numbers, those of the vintages shown, verdict.

    Parameters
    ----------
    part : str
    shown : results.Shown

    Returns
    -------
    DataFrame of str
        number, printed, a column for each source shown that has one of the numbers, verdict.

    Examples
    --------
    >>> list(beside("(3) log_income_1950", results.choose("synthetic")))
    ['number', 'printed', 'synthetic', 'verdict']
    """
    table = written(stored(), part)
    of = results.SOURCES | results.BASES
    hidden = {
        heading
        for name, (source, _) in SOURCES.items()
        if of[source][0] not in shown
        for heading in (name, _without_base(name))
    }
    return table[[*(c for c in table if c not in hidden | {"verdict"}), "verdict"]]


def _without_base(name):
    return name.removesuffix(" 1963").removesuffix(" 1975").removesuffix(" 1980")


def _entry(value, se, mark):
    # in one line, however narrow the column
    if pd.isna(value):
        return ""
    number = f"{value:.4g}" if pd.isna(se) else f"{value:.3g} ({se:.3g})"
    return f"{number} {mark}".strip().replace(" ", "\N{NO-BREAK SPACE}")


def written_model(board: pd.DataFrame) -> pd.DataFrame:
    """Numbers of the model as texts: printed, ours by reading, verdict, chapter."""
    rows = []
    for _, line in board.iterrows():
        for _, r in model_numbers(line).iterrows():
            ends = [f"{x:.3g}" for x in (r["low"], r["high"])]
            rows.append(
                (
                    f"{line['column']}, {line['row']}".replace("_", " "),
                    f"{line['value']:g}",
                    line["verdict"],
                    r["reading"],
                    " to ".join(dict.fromkeys(ends)),
                    r["chapter"][:2],
                )
            )
    return pd.DataFrame(
        rows, columns=["number", "printed", "verdict", "reading", "here", "chapter"]
    )


def written_bases(column: str) -> pd.DataFrame:
    """`bases` of one published column as texts."""
    t = bases().query("column == @column")
    yes = {True: "yes", False: "no", None: ""}
    return pd.DataFrame(
        {
            "source": t["source"],
            "base": t["base"].astype(str),
            "to": t["end"].astype(str),
            "of": t["row"],
            "estimate": [
                f"{b:.3f} ({s:.3f})" for b, s in zip(t["estimate"], t["se"], strict=True)
            ],
            "95% interval": [
                f"{a:.2f} to {b:.2f}" for a, b in zip(t["low"], t["high"], strict=True)
            ],
            "n": t["n"].astype(str),
            "printed, for these years": t["published"].map("{:.3f}".format),
            "distance": t["distance"].map("{:.1f}".format),
            "rejects print": t["rejects_published"].map(yes),
            "rejects zero": t["rejects_zero"].map(yes),
            "effect of one sd": t["effect"].map("{:.4f}".format),
            "printed effect": t["published_effect"].map("{:.4f}".format).replace("nan", ""),
            "rejects it": t["rejects_effect"].map(yes),
        }
    ).reset_index(drop=True)


def page(board: pd.DataFrame) -> str:
    """The tables of the page as Markdown."""
    words = (
        "Estimates with standard errors clustered by state (divisions for states); r: "
        "reproduced, s: same sign, d: different, ·: cannot tell. Synthetic data are "
        "simulated and have no letter."
    )
    rules = "\n".join(f"- *{name}*: {rule}" for name, rule in VERDICTS.items())
    text = [
        _html(summary(board), "The printed numbers by verdict"),
        "The rules:",
        rules,
        _html(readings(board), "The coefficients as each public source reads them"),
        "## Number by number",
        *(_html(written(board, part), f"{title}. {words}") for part, title in PARTS.items()),
        _html(written_model(board), "Numbers of the model, by reading of the words"),
        _html(_inputs(board), "Inputs of the model, taken over"),
        "## Every public base",
        *(
            _html(
                written_bases(column),
                f"Column {column} on every public base. Growth as "
                "printed is for as many of 70 years; effects are of one standard deviation, "
                "on growth per decade or on the level",
            )
            for column in ("(1)", "(2)", "(3)", "(4)")
        ),
        "## Odd in print",
        _html(oddities(), "What the other printed numbers contradict"),
    ]
    return "\n\n".join(text) + "\n"


def _inputs(board):
    t = board[board["verdict"] == "an input"]
    return pd.DataFrame(
        {
            "number": (t["column"] + ", " + t["row"]).str.replace("_", " "),
            "printed": t["value"].map("{:g}".format),
            "verdict": t["verdict"],
        }
    )


def _html(frame, caption):
    # without blank lines, which would end the block of HTML, and names of cells
    table = Table(frame.reset_index(drop=True), caption)._repr_html_()
    table = re.sub(
        r' class="(?:data|col_heading)[^"]*?(number)?"',
        lambda m: m[1] and (' class="number"') or "",
        table,
    )
    return "\n".join(line for line in table.splitlines() if line.strip())


def main():
    """Write the scoreboard, its tables and its figure."""
    write(
        results.STORE / "scoreboard.csv",
        scoreboard().to_csv(index=False, float_format="%.4g", lineterminator="\n").encode(),
    )
    write(CHECKOUT / "book" / "tables" / "scoreboard.md", page(stored()).encode())
    fig = figures.forest_figure(bases())
    write(CHECKOUT / "book" / "_static" / "scoreboard_forest.svg", figures.svg(fig))


if __name__ == "__main__":
    main()
