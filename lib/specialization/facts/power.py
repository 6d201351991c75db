r"""What public data can tell of the published trade-off: one inference for every base year.

The wild cluster bootstrap by state, which rejects spatial noise least often over its size among
the methods that `tradeoff.placebo_table` compares; it still rejects too often where the noise
reaches far. Its 95% interval holds every value that it does not reject at 5%. Panels of states
are clustered by division: nine groups, all of whose signs are tried.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from ..data.schema import Panel
from ..errors import number, positive
from . import inference, tradeoff

LEVEL = 0.05
YEARS = 70
"""Over which the published growth is: other windows are set against their share of it."""
TOLERANCE = 0.02
"""Precision of the ends of an interval, in standard errors."""


def least_rejecting(placebo: pd.DataFrame) -> str:
    """The method that rejects noise least often, on average over its correlation lengths.

    Parameters
    ----------
    placebo : DataFrame
        Such as `tradeoff.placebo_table`.

    Examples
    --------
    >>> least_rejecting(pd.DataFrame({"hc1": [0.2], "conley": [0.1], "cluster": [0.09],
    ...                               "wild": [0.07]}))
    'wild'
    """
    return str(placebo[["hc1", "conley", "cluster", "wild"]].mean().idxmin())


def clusters(panel: Panel) -> tuple[str, float]:
    """By which column of its zones a panel is clustered, and cut-off in km of the Conley errors.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> clusters(synthetic.panel())
    ('state', 300)
    """
    column = tradeoff.cluster_column(panel)
    return column, {"division": 500, "state": 300}[column]


def not_rejected(
    rejects: Callable[[float], bool], estimate: float, se: float
) -> tuple[float, float]:
    """Ends of the interval around an estimate in which a test does not reject.

    Parameters
    ----------
    rejects : callable
        Whether the test rejects a value.
    estimate : float
        Which it does not reject.
    se : float
        A scale: the ends are found to within `TOLERANCE` of it.

    Returns
    -------
    low, high : float
        Infinite where nothing within 64 scales is rejected.

    Examples
    --------
    >>> low, high = not_rejected(lambda b: abs(b - 1) > 0.5, 1.0, 0.2)
    >>> round(low, 2), round(high, 2)
    (0.5, 1.5)
    """
    ends, estimate, se = [], number("estimate", estimate), positive("se", se)
    for side in (-se, se):
        near, far = 0.0, 2.0
        while far <= 64 and not rejects(estimate + far * side):
            near, far = far, 2 * far
        while far - near > TOLERANCE and far <= 64:
            middle = (near + far) / 2
            near, far = (near, middle) if rejects(estimate + middle * side) else (middle, far)
        ends.append(estimate + (near + far) / 2 * side if far <= 64 else np.sign(side) * np.inf)
    low, high = ends
    return low, high


def wild_interval(
    y: ArrayLike,
    x: ArrayLike,
    controls: ArrayLike,
    cluster: ArrayLike,
    estimate: float,
    se: float,
    draws: int = 999,
) -> tuple[float, float]:
    """95% interval of the coefficient of x by inversion of `inference.wild_cluster`.

    Parameters
    ----------
    y, x, controls, cluster, draws
        Of `inference.wild_cluster`.
    estimate, se : float
        The coefficient of x, and a scale.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, e = rng.normal(size=(2, 200))
    >>> low, high = wild_interval(x + e, x, np.empty((200, 0)), np.arange(200) % 20, 1.0, 0.07)
    >>> bool(0.7 < low < 1 < high < 1.3)
    True
    """
    y, x = np.asarray(y, dtype=float), np.asarray(x, dtype=float)
    return not_rejected(
        lambda b: inference.wild_cluster(y - b * x, x, controls, cluster, draws) < LEVEL,
        estimate,
        se,
    )


def estimates(
    table: pd.DataFrame,
    outcome: str,
    names: Sequence[str],
    cluster: str,
    km: float,
    rows: Sequence[str] | None = None,
    draws: int = 999,
) -> pd.DataFrame:
    """Coefficients of a regression with the one inference, and Conley errors beside it.

    Parameters
    ----------
    table : DataFrame
        Such as `tradeoff.design`, with lat and lon.
    outcome, names, cluster
        Of `tradeoff.regress`.
    km : float
        Cut-off of the Conley errors.
    rows : sequence of str, optional
        Of these regressors only.
    draws : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        row, estimate, se (clustered, a measure of distance: test and interval are those of the
        bootstrap), p, low, high, conley (standard error), sd (of the regressor), n, adj_r2.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> panel = synthetic.panel()
    >>> table = tradeoff.design(panel, "income", 1950, 2020)[0].join(panel.zones[["lat", "lon"]])
    >>> found = estimates(table, "log_income", ["total"], "state", 300, draws=99)
    >>> bool(found["low"].item() < found["estimate"].item() < found["high"].item())
    True
    """
    y, X, use = tradeoff.sample(table, outcome, names)
    fit = tradeoff.regress(table, outcome, names, cluster)
    groups, lat, lon = (table.loc[use, name].to_numpy() for name in (cluster, "lat", "lon"))
    near = np.diag(inference.conley(fit.model.exog, fit.resid, lat, lon, km))[1:]
    found = []
    for k, name in enumerate(names):
        if rows is not None and name not in rows:
            continue
        b, se = fit.params[name], fit.bse[name]
        one = X[:, k], np.delete(X, k, axis=1), groups
        low, high = wild_interval(y, *one, b, se, draws)
        found.append(
            (
                name,
                b,
                se,
                inference.wild_cluster(y, *one, draws),
                low,
                high,
                np.sqrt(near[k]),
                X[:, k].std(ddof=1),
            )
        )
    columns = ["row", "estimate", "se", "p", "low", "high", "conley", "sd"]
    return pd.DataFrame(found, columns=columns).assign(n=len(y), adj_r2=fit.rsquared_adj)


def bases_table(
    panel: Panel,
    variable: str,
    windows: Sequence[Sequence[int]],
    controls: str = tradeoff.OWN,
    since: int | None = None,
    draws: int = 999,
) -> pd.DataFrame:
    """The published columns for windows of a panel, with the one inference.

    Parameters
    ----------
    panel, variable, windows
        Of `tradeoff.columns_table`.
    controls : str
        Of `tradeoff.design`.
    since : int, optional
        Year of the income of the base year, where it is another one.
    draws : int

    Returns
    -------
    DataFrame
        `estimates` of every regressor, and base, end (of the level the base year), years (of
        growth), column.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> found = bases_table(synthetic.panel(), "income", [[1950, 2020]], draws=9)
    >>> found.groupby("column")["row"].count().to_dict()
    {'(1)': 7, '(2)': 9, '(3)': 6, '(4)': 8}
    """
    cluster, km = clusters(panel)
    parts, levels = [], set()
    for base, end in windows:
        table = tradeoff.design(panel, variable, base, end, controls)[0].join(
            panel.zones[["lat", "lon"]]
        )
        for column, (outcome, first) in tradeoff.COLUMNS.items():
            growth = outcome == "growth"
            if not growth and (base, column) in levels:
                continue  # the level knows no end
            levels.add((base, column))
            names = tradeoff.regressors(table, outcome, [f for f in first if f in table])
            parts.append(
                estimates(table, outcome, names, cluster, km, draws=draws).assign(
                    base=base,
                    end=end if growth else base,
                    years=end - (since or base) if growth else 0,
                    column=column,
                )
            )
    return pd.concat(parts, ignore_index=True)


def horizons_table(
    panel: Panel,
    variable: str,
    horizons: Sequence[int],
    bases: Sequence[int] | None = None,
    draws: int = 999,
) -> pd.DataFrame:
    """`tradeoff.horizons_table` with year effects and the one inference.

    Parameters
    ----------
    panel, variable, horizons, bases
        Of `tradeoff.horizons_table`.
    draws : int

    Returns
    -------
    DataFrame
        `estimates` of specialization, and horizon, years (the same), pairs (number of base years),
        within (adjusted R² of what year effects leave).

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> found = horizons_table(synthetic.panel(), "income", [60], draws=9)
    >>> found.groupby("row")["pairs"].first().to_dict()
    {'nontradable': 1, 'total': 1, 'tradable': 1}
    """
    cluster, km = clusters(panel)
    parts = []
    for horizon in horizons:
        table = tradeoff.pooled(panel, variable, horizon, bases).dropna(
            subset=tradeoff.SPECIALIZATION
        )
        table = table.join(panel.zones[["lat", "lon"]], on="zone")
        years = pd.get_dummies(table["base"], prefix="base", dtype=float).iloc[:, 1:]
        names = tradeoff.regressors(
            table, "growth", tradeoff.SPECIALIZATION, years.columns.to_list()
        )
        spread = tradeoff.horizons_table(panel, variable, [horizon], bases)
        parts.append(
            estimates(
                table.join(years), "growth", names, cluster, km, tradeoff.SPECIALIZATION, draws
            ).assign(
                horizon=horizon,
                years=horizon,
                pairs=table["base"].nunique(),
                within=spread.loc[spread["year_effects"], "within"].iloc[0],
            )
        )
    return pd.concat(parts, ignore_index=True)


def against(found: pd.DataFrame, published: ArrayLike, sd: ArrayLike) -> pd.DataFrame:
    """What estimates say of published coefficients, in raw and in common units.

    The published coefficient on growth is over `YEARS`: it is set against an estimate over fewer
    years as its share of them. In common units both are effects of one standard deviation of the
    regressor, on growth per decade or on the level.

    Parameters
    ----------
    found : DataFrame
        Such as `bases_table`: estimate, se, p, low, high, sd, years (0 for the level).
    published : array_like
        Coefficients, by row.
    sd : array_like
        Published standard deviations of the regressors, NaN where none is printed.

    Returns
    -------
    DataFrame
        The same rows: published (for these years), distance (of the estimate from it, in standard
        errors), same_sign, rejects_published, rejects_zero; effect, effect_se, effect_low,
        effect_high, published_effect, rejects_effect (missing without a published sd).

    Examples
    --------
    >>> found = pd.DataFrame({"estimate": [0.1], "se": [0.2], "p": [0.6], "low": [-0.3],
    ...                       "high": [0.5], "sd": [0.05], "years": [35]})
    >>> against(found, [-0.8], [0.1])[["published", "distance", "rejects_published"]].values[0]
    array([-0.4, 2.5, True], dtype=object)
    """
    years, published = found["years"], np.asarray(published, dtype=float)
    value = np.where(years > 0, published * years / YEARS, published)
    decades = np.where(years > 0, years / 10, 1)
    effects = found[["estimate", "se", "low", "high"]].mul(found["sd"] / decades, axis=0)
    printed = value * np.asarray(sd, dtype=float) / decades
    return found.assign(
        published=value,
        distance=(found["estimate"] - value) / found["se"],
        same_sign=np.sign(found["estimate"]) == np.sign(value),
        rejects_published=_outside(value, found),
        rejects_zero=found["p"] < LEVEL,
        effect=effects["estimate"],
        effect_se=effects["se"],
        effect_low=effects["low"],
        effect_high=effects["high"],
        published_effect=printed,
        rejects_effect=pd.Series(_outside(printed, effects), found.index, dtype=object).where(
            ~np.isnan(printed), None
        ),
    )


def summary(board: pd.DataFrame) -> pd.DataFrame:
    """What all designs together say of each published coefficient.

    Parameters
    ----------
    board : DataFrame
        Such as `against`, with column and row.

    Returns
    -------
    DataFrame
        By column and row of print: designs; how many of them reject the printed value (for their
        years), zero on its side, zero on the other side, neither the printed value nor zero; and
        the median over designs of `power`.

    Examples
    --------
    >>> board = pd.DataFrame({"column": "(1)", "row": "total", "published": [-0.1, -0.1],
    ...                       "se": [0.05, 0.05], "same_sign": [True, False],
    ...                       "rejects_published": [False, True], "rejects_zero": [False, True]})
    >>> summary(board)[["rejects print", "zero, its sign", "zero, other sign"]].values.tolist()
    [[1, 0, 1]]
    """
    zero, same = board["rejects_zero"], board["same_sign"]
    words = board[["column", "row"]].assign(
        **{
            "designs": 1,
            "rejects print": board["rejects_published"],
            "zero, its sign": zero & same,
            "zero, other sign": zero & ~same,
            "neither": ~zero & ~board["rejects_published"],
        }
    )
    groups = ["column", "row"]
    found = words.groupby(groups, sort=False).sum().astype(int)
    chance = board.assign(chance=power(board["published"], board["se"]))
    return found.assign(power=chance.groupby(groups)["chance"].median()).reset_index()


def power(value: ArrayLike, se: ArrayLike) -> np.ndarray:
    r"""Chance that a test at 5% rejects zero if the true coefficient is a given value.

    .. math:: \Phi(|b|/s - 1.96) + \Phi(-|b|/s - 1.96)

    that of a normal estimate with its standard error: an optimistic one, as it takes s as known.

    Parameters
    ----------
    value, se : array_like
        b and s.

    Examples
    --------
    >>> power([0.0, 2.8], 1.0).round(2)
    array([0.05, 0.8 ])
    """
    z = np.abs(np.asarray(value, dtype=float)) / np.asarray(se, dtype=float)
    return norm.cdf(z - inference.Z95) + norm.cdf(-z - inference.Z95)


def _outside(value, interval):
    return (value < interval["low"]) | (value > interval["high"])
