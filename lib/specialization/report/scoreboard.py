"""A verdict beside each of the printed numbers, by one set of rules.

Numbers of public data are those stored in data/results, those of the model's chapters those of
data/model_numbers.csv. `scoreboard_page` stores the scoreboard and writes its page.
"""

import numpy as np
import pandas as pd

from ..data.schema import ZONES
from ..data.synthetic import YEARS
from ..facts import power
from ..facts.tradeoff import CONTROLS
from ..store import TABLES
from . import results
from .tables import published_columns, published_gini_moments

VERDICTS = {
    "reproduced": "every public source that can tell finds the printed number: it lies in the 95% "
    "interval, and zero is rejected if it has stars; if it has none, zero is not, "
    "and the interval is no wider than the printed one. Of a number printed without "
    "error: all its digits agree.",
    "same sign": "every public source that can tell has the printed sign and rejects zero, but "
    "one or more reject the printed size, or it has no stars. Of a number of the "
    "model: every reading has its sign.",
    "different": "a public source rejects the printed number without rejecting zero on its side. "
    "Of a number printed without error: a digit differs, unless it is one of the "
    "model. Of a number of the model: every reading has another sign.",
    "not identified": "no public source can tell: none has the number, or none rejects zero or "
    "the printed value. Of a number of the model: its readings disagree in "
    "sign.",
    "put in by construction": "only the synthetic data have it, and were made to; or it counts "
    "zones and years of the same design.",
    "an input": "the model takes it over.",
    "an oddity of print": "what else is printed contradicts it.",
}
"""The fixed list, each with its rule."""

SOURCES = {
    "synthetic": ("synthetic", 1950),
    "1960": ("public, 1960", 1960),
    "1960, from 1969": ("public, 1960 from 1969", 1960),
    "states 1963": ("states", 1963),
    "sectors 1975": ("public, sectors", 1975),
    "industries 1980": ("public", 1980),
    "industries 1990": ("public", 1990),
}
"""Columns of the scoreboard: a source of `results` and a base year. Growth is to the last year."""

OTHER_MEANING = {
    "public, 1960": ("high_skill_share", "old_age_dependency"),
    "public, 1960 from 1969": ("high_skill_share", "old_age_dependency"),
    "states": ("high_skill_share", "old_age_dependency", "population"),
}
"""Regressors that mean something else there: high school, other ages, persons of a state."""

STANDS_FOR = {38: 40, 58: 60}
"""Horizons in years that stand beside printed ones which no public data have."""

LETTERS = {"reproduced": "r", "same sign": "s", "different": "d", "not identified": "·"}
KEYS = ["table", "column", "row"]
COMPARED = ("estimate", "se", "distance", "same sign", "same significance", "reading")


# The printed numbers


def printed() -> pd.DataFrame:
    """All rows of published.csv, with `digits` printed and what is `odd` about them.

    Examples
    --------
    >>> printed().groupby("odd").size().drop("").to_dict()["stars do not fit the t statistic"]
    2
    """
    t = pd.read_csv(TABLES / "published.csv", dtype={"value": str}).fillna(
        {"stars": "", "note": ""}
    )
    t["digits"] = t["value"].str.partition(".")[2].str.len()
    t["value"] = t["value"].astype(float)
    return t.assign(odd=_odd(t))


def stars_of(value: float, se: float) -> str:
    """Stars by the thresholds that all but two of the printed coefficients follow.

    Examples
    --------
    >>> stars_of(-0.188, 0.0901), stars_of(-0.142, 0.0147)
    ('*', '***')
    """
    return "*" * sum(abs(value / se) > z for z in (1.960, 2.576, 3.291))


def pairs(horizon: int) -> int:
    """Pairs of zones and census years a horizon apart.

    Examples
    --------
    >>> pairs(10), pairs(60)
    (3610, 722)
    """
    return len(ZONES) * sum(int(year) + horizon in YEARS for year in YEARS)


def adjusted_r2_room(r2: float, n: int = 722, few: int = 6, more: int = 8) -> float:
    """By how much adjusted R² can fall when regressors that explain nothing are added.

    Examples
    --------
    >>> round(adjusted_r2_room(0.433), 4)
    0.0016
    """
    return (1 - r2) * ((n - 1 - few) / (n - 1 - more) - 1)


def _odd(t):
    # what the other printed numbers contradict, by row; "" where nothing
    odd = pd.Series("", t.index)
    has = t["se"].notna()
    fits = pd.Series(
        [stars_of(v, s) for v, s in t.loc[has, ["value", "se"]].to_numpy()], t.index[has]
    )
    odd[has & (fits.reindex(t.index) != t["stars"])] = "stars do not fit the t statistic"
    counts = t[(t["table"] == "tradeoff_horizons") & (t["row"] == "n")]
    many = counts["value"] > counts["column"].str[:2].astype(int).map(pairs)
    odd[counts.index[many]] = "more pairs of years and zones than there are"
    r2 = t[t["row"] == "adj_r2"].set_index("column")["value"]
    short, long = "(3) log_income_1950", "(4) log_income_1950"
    if r2[long] < r2[short] - adjusted_r2_room(r2[short]):
        odd[(t["column"] == long) & (t["row"] == "adj_r2")] = "falls although regressors are added"
    return odd


def auxiliary_slopes() -> pd.Series:
    """Slopes of tradable and non-tradable on total specialization that the printed columns imply.

    Short and long regressions differ by the omitted-variable formula, total in (1) less total in
    (2) = c δ_T + n δ_N with the coefficients of (2), and so (3) and (4): two equations for δ_T and
    δ_N, if the slopes are those of the same zones.

    Returns
    -------
    Series
        tradable, nontradable.

    Examples
    --------
    >>> auxiliary_slopes().round(2).to_list()
    [-1.06, -0.76]
    """
    b = published_columns().set_index(["column", "row"])["estimate"]
    parts = ["tradable", "nontradable"]
    long = np.array([[b[column, part] for part in parts] for column in ("(2)", "(4)")])
    gap = [b["(1)", "total"] - b["(2)", "total"], b["(3)", "total"] - b["(4)", "total"]]
    return pd.Series(np.linalg.solve(long, gap), parts)


# Ours


def ours() -> pd.DataFrame:
    """Our numbers by printed row and source, in the units and years of each source.

    Returns
    -------
    DataFrame
        `KEYS`, source, estimate, and for coefficients se, p, low, high, years (0 for a level).
    """
    parts = [
        part.assign(source=label)
        for label, (source, base) in SOURCES.items()
        for part in _of_source(source, base)
    ]
    return pd.concat(parts, ignore_index=True)[
        [*KEYS, "source", "estimate", "se", "p", "low", "high", "years"]
    ]


def _of_source(source, base):
    yield _columns(source, base)
    if base != 1990 and results.has("bases_horizons", source):
        yield _horizons(source)
    if results.has("gini_moments", source) and base != 1990:
        yield _moments(source)
    if source == "synthetic":
        beta = results.get("persistence", source).query("group == 'tradables' and horizon == 70")
        yield pd.DataFrame(
            {
                "table": "rank_persistence",
                "column": "70-year tradables 1950-2020",
                "row": "beta",
                "estimate": beta["beta"],
            }
        )


def _get(name, source):
    # as stored: the same with and without the public data
    return results.get(name, source) if source == "synthetic" else results.stored(name, source)


def _columns(source, base):
    t = _get("bases", source).query("base == @base")
    t = t[(t["years"] == 0) | (t["end"] == t["end"].max())]
    t = t[~t["row"].isin(OTHER_MEANING.get(source, ()))]
    whole = t.drop_duplicates("column").assign(row="adj_r2", estimate=lambda d: d["adj_r2"])
    t = pd.concat([t, _without_error(whole)])
    names = {c[:3]: c for c in printed().query("table == 'tradeoff_controls'")["column"]}
    long = {part: f"{part}_specialization" for part in ("total", "tradable", "nontradable")}
    return t.assign(
        table="tradeoff_controls",
        column=t["column"].map(names),
        row=t["row"].replace(long | {"log_income": "log_income_pc"}),
    )


def _horizons(source):
    t = _get("bases_horizons", source).query("row == 'tradable'")
    whole = t.assign(row="adj_r2", estimate=t["within"])
    t = pd.concat([t.assign(row="tradable_specialization"), _without_error(whole)])
    return t.assign(
        table="tradeoff_horizons", column=t["horizon"].replace(STANDS_FOR).astype(str) + "-year"
    )


def _moments(source):
    t = _get("gini_moments", source).melt(
        ["variable", "year"], ["mean", "cv", "p90_p10"], "moment", value_name="estimate"
    )
    return t.assign(
        table="gini_over_time", column=t["year"].astype(str), row=t["variable"] + "_" + t["moment"]
    )[[*KEYS, "estimate"]]


def _without_error(t):
    return t.drop(columns=["se", "p", "low", "high"])


def all_model_numbers() -> pd.DataFrame:
    """Our numbers of the model: table, column, row of print, reading of its words, low, high,
    chapter, and the names under which it keeps both."""
    return pd.read_csv(TABLES / "model_numbers.csv")


def model_numbers(line: pd.Series) -> pd.DataFrame:
    """Our numbers of the model that belong to a printed row.

    Parameters
    ----------
    line : Series
        A row of `printed`.

    Returns
    -------
    DataFrame
        By reading of the words: low, high, chapter, and the names under which it keeps both.

    Examples
    --------
    >>> model_numbers(printed().iloc[115])["chapter"].to_list()
    ['07_calibration']
    """
    row = line["row"].removesuffix("_low_percent").removesuffix("_high_percent")
    t = all_model_numbers()
    return t[(t[KEYS] == [line["table"], line["column"], row]).all(axis=1)]


# Verdicts


def put_in(table: str, column: str, row: str) -> bool:
    """Whether the synthetic data were made to have a printed number.

    So were the coefficients of total and tradable specialization, those of the controls in the
    long columns (2) and (4), the horizons, the moments of the Gini, rank persistence, and counts
    of zones and years.

    Examples
    --------
    >>> put_in("tradeoff_controls", "(2) growth_1950_2020", "nontradable_specialization")
    False
    """
    if row == "adj_r2":
        return False
    if table == "tradeoff_controls":
        long = column[:3] in ("(2)", "(4)") and row in ("log_income_pc", *CONTROLS)
        return long or row in ("total_specialization", "tradable_specialization", "n")
    return table in ("tradeoff_horizons", "gini_over_time", "rank_persistence")


def reading(value: float, se: float, significant: bool, found: pd.Series) -> str:
    """What one public source says of a printed number, by the rules of `VERDICTS`.

    Parameters
    ----------
    value, se : float
        As printed, for the years of the source; se is NaN where none is printed.
    significant : bool
        Whether it has stars.
    found : mapping
        estimate, p, low, high.

    Examples
    --------
    >>> reading(-0.2, 0.1, True, {"estimate": 0.1, "p": 0.6, "low": -0.3, "high": 0.5})
    'not identified'
    >>> reading(-0.2, 0.1, True, {"estimate": 0.1, "p": 0.6, "low": -0.1, "high": 0.3})
    'different'
    """
    zero, inside = found["p"] < power.LEVEL, found["low"] <= value <= found["high"]
    same = zero and np.sign(found["estimate"]) == np.sign(value)
    if not inside:
        return "same sign" if same else "different"
    if zero:
        return "reproduced" if significant else "same sign"
    narrow = found["high"] - found["low"] <= 2 * 1.96 * se
    return "reproduced" if not significant and narrow else "not identified"


def over_sources(readings: list[str]) -> str:
    """One verdict from the readings of all sources: those that cannot tell do not count.

    Examples
    --------
    >>> over_sources(["reproduced", "not identified", "same sign"])
    'same sign'
    """
    return next(
        (verdict for verdict in ("different", "same sign", "reproduced") if verdict in readings),
        "not identified",
    )


def of_model(value: float, readings: pd.DataFrame) -> str:
    """Verdict on a number of the model, from the lowest and highest of ours by reading.

    Examples
    --------
    >>> of_model(1.2, pd.DataFrame({"low": [1.9, -0.1], "high": [2.3, 0.0]}))
    'not identified'
    """
    sign = np.sign(value)
    same = (np.sign(readings["low"]) == sign) & (np.sign(readings["high"]) == sign)
    other = (np.sign(readings["low"]) == -sign) & (np.sign(readings["high"]) == -sign)
    if (np.abs(readings[["low", "high"]] - value) < 0.05).all(axis=None):
        return "reproduced"
    return "same sign" if same.all() else "different" if other.all() else "not identified"


def verdict(line: pd.Series, readings: list[str], model: pd.DataFrame) -> str:
    """The verdict on a printed row: an oddity, an input, a number of the model, or the sources.

    Parameters
    ----------
    line : Series
        A row of `printed`.
    readings : list of str
        Of the public sources.
    model : DataFrame
        Rows of `model_numbers` that belong to it.

    Returns
    -------
    str
        A key of `VERDICTS`.
    """
    if line["odd"]:
        return "an oddity of print"
    if len(model):
        return of_model(line["value"], model)
    if line["table"] in ("calibration", "irf"):
        return "an input"
    if line["row"] == "n":
        there = pairs(70 if line["table"] == "tradeoff_controls" else int(line["column"][:2]))
        return "put in by construction" if there == line["value"] else "different"
    if not readings and put_in(*line[KEYS]):
        return "put in by construction"
    return over_sources(readings)


def scoreboard() -> pd.DataFrame:
    """All printed rows with ours, by source, and their verdicts.

    Returns
    -------
    DataFrame
        `KEYS`, value, se, stars, verdict, odd; and by source, as "1960: estimate", those of
        `COMPARED`: the distance is from the printed value for the years of the source, in standard
        errors; same sign and same significance say yes or no.
    """
    lines, found = printed(), _compared()
    rows = []
    for _, line in lines.iterrows():
        own = found[(found[KEYS] == line[KEYS]).all(axis=1)].set_index("source")
        said = own.loc[own.index != "synthetic", "reading"].to_list()
        entries = {
            f"{source}: {name}": own.at[source, name] for source in own.index for name in COMPARED
        }
        rows.append(
            line[[*KEYS, "value", "se", "stars", "odd"]].to_dict()
            | entries
            | {"verdict": verdict(line, said, model_numbers(line))}
        )
    names = [f"{source}: {name}" for source in SOURCES for name in COMPARED]
    return pd.DataFrame(rows).reindex(
        columns=[*KEYS, "value", "se", "stars", "verdict", "odd", *names]
    )


def _compared():
    # ours with distance, signs and readings; `target` is the printed number for the years of ours
    t = ours().merge(printed(), on=KEYS, suffixes=("", "_printed"))
    tests = t["se"].notna() & t["se_printed"].notna()
    over = t["column"].str.extract(r"^(\d+)-year")[0].astype(float).fillna(power.YEARS)
    share = (t["years"] / over).where(tests & (t["years"] > 0), 1.0)
    t = t.assign(target=t["value"] * share, se_target=t["se_printed"] * share)
    t["distance"] = (t["estimate"] - t["target"]) / t["se"]
    t["same sign"] = _word(np.sign(t["estimate"]) == np.sign(t["value"]), tests)
    t["same significance"] = _word((t["p"] < power.LEVEL) == (t["stars"] != ""), tests)
    t["reading"] = [
        None
        if r.source == "synthetic"
        else reading(r.target, r.se_target, r.stars != "", r._asdict())
        if use
        else _digits(r)
        for r, use in zip(t.itertuples(), tests, strict=True)
    ]
    return t


def _word(yes, where):
    return yes.map({True: "yes", False: "no"}).where(where, None)


def _digits(r):
    return "reproduced" if round(r.estimate, r.digits) == round(r.value, r.digits) else "different"


def stored() -> pd.DataFrame:
    """The scoreboard as stored.

    Examples
    --------
    >>> len(stored())
    119
    """
    return pd.read_csv(results.STORE / "scoreboard.csv").fillna({"stars": "", "odd": ""})


def bases() -> pd.DataFrame:
    """All public estimates of specialization against the published coefficients.

    Returns
    -------
    DataFrame
        `power.against` of the stored results, with source, base, end, column, row.
    """
    parts = [
        results.stored("bases", source).assign(source=source)
        for source in (*results.SOURCES, *results.BASES)
        if source in results.public_sources("bases")
    ]
    t = pd.concat(parts, ignore_index=True)
    t = t[t["row"].isin(["total", "tradable", "nontradable"])].reset_index(drop=True)
    b = published_columns().set_index(["column", "row"])["estimate"]
    spread = published_gini_moments().set_index(["variable", "year"]).loc[("income", 1950)]
    sd = np.where(t["row"] == "nontradable", np.nan, spread["mean"] * spread["cv"])
    return power.against(t, b.loc[pd.MultiIndex.from_frame(t[["column", "row"]])], sd)


def oddities() -> pd.DataFrame:
    """What is odd in print, with the numbers that show it."""
    t = printed()
    rows = [
        (
            f"{r.column}, {r.row}".replace("_", " "),
            f"{r.value:g} {r.stars}".strip(),
            r.odd,
            _evidence(r),
        )
        for r in t[t["odd"] != ""].itertuples()
    ]
    slopes = auxiliary_slopes()
    rows += [
        (
            "horizons, all standard errors",
            "printed with a minus sign",
            "no standard error is negative",
            "read without the sign",
        )
    ]
    rows += [
        (
            "columns (1) to (4)",
            "omitted-variable formula",
            "solved for both slopes on total specialization",
            f"tradable {slopes['tradable']:.2f}, non-tradable "
            f"{slopes['nontradable']:.2f}: the more specialized a zone, the less in each part",
        )
    ]
    return pd.DataFrame(rows, columns=["where", "printed", "what is odd", "computed"])


def _evidence(r):
    if r.row == "n":
        return f"{pairs(int(r.column[:2])):,} pairs of the seven census years"
    if r.row == "adj_r2":
        short = published_columns().set_index(["column", "row"]).at[("(3)", "adj_r2"), "estimate"]
        return f"it can fall by at most {adjusted_r2_room(short):.4f} from {short}"
    return f"t = {abs(r.value / r.se):.1f}, which deserves {stars_of(r.value, r.se)}"
