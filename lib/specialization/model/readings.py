"""One printed share, many questions: what the moving price of collateral adds, reading by reading.

The slides print that amplification accounts for about 41 percent of the effect of specialization
on growth, and neither the growth of what, nor over which years, against which economy, from which
states. Each function answers one family of questions in the same columns.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..store import kept
from . import amplification, equilibrium, regions
from .equilibrium import Equilibrium
from .parameters import Parameters

COLUMNS = ("outcome", "horizon", "against", "with", "without", "share", "error")
"""Of a reading: what changes, years, the economy without; the effect in percent with the moving
price and without; the share in percent, and its simulation error."""


def economies(p: Parameters, variants: tuple, bonds: int, capital: int) -> dict[str, Equilibrium]:
    """The economy at the market price, and the same without the moving price, by variant.

    Parameters
    ----------
    p : Parameters
    variants : tuple of str
        Of `amplification.VARIANTS`.
    bonds, capital : int
        Nodes of the grid.

    Returns
    -------
    dict of Equilibrium, "market price" first

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> list(economies(SMOOTH.but(σ=0.0, states=1), ("no constraint",), 12, 6))
    ['market price', 'no constraint']
    """
    eq = equilibrium.stored(p, equilibrium.default_grid(p, bonds, capital))
    return {"market price": eq} | {v: kept(amplification.without, eq, v) for v in variants}


def same_state(
    solved: Mapping[str, Equilibrium], b: float, k: float, draws: int = 10, paths: int = 2_000
) -> pd.DataFrame:
    """What a shock of two standard deviations does from one state, `amplification.from_state`.

    Parameters
    ----------
    solved : dict of Equilibrium
        Of `economies`.
    b, k : float
        Bonds, and capital in the industry that is hit.
    draws, paths : int
        Independent simulations, and paths of each: the error is that of a mean over draws.

    Returns
    -------
    DataFrame
        `COLUMNS`, for consumption and output in the year of the shock.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> solved = economies(SMOOTH, ("no constraint",), 24, 6)
    >>> table = same_state(solved, -0.2, 0.5, draws=2, paths=50)
    >>> table["outcome"].to_list(), bool((table["with"] < 0).all())
    (['consumption', 'output'], True)
    """
    found = pd.concat(
        [
            amplification.from_state(solved, b, k, periods=1, paths=paths, seed=seed)
            for seed in range(draws)
        ],
        keys=range(draws),
        names=["draw"],
    )
    rows = []
    for outcome in ("consumption", "output"):
        t = found.xs((outcome, 0), level=("series", "year"))
        for v in solved:
            if v != "market price":
                share = t[f"share: {v}"]
                effect = t["market price"].mean(), t[v].mean()
                rows.append((outcome, 0, v, *effect, share.mean(), share.sem()))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def growth(
    panels: Mapping[str, Mapping], horizons: tuple, given_income: bool = True
) -> pd.DataFrame:
    """Slopes of growth on initial specialization, `regions.compare`, in percent of growth.

    Parameters
    ----------
    panels : dict of two panels
        At the market price and without, with the same luck.
    horizons : tuple of int
        Years.
    given_income : bool
        Of `regions.slopes`.

    Returns
    -------
    DataFrame
        `COLUMNS`, and t: of the slope at the market price, in simulation errors.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> gini, y = rng.uniform(0, 0.4, (3, 500)), np.exp(rng.normal(size=(3, 500)))
    >>> def panel(slope):
    ...     grown = np.stack([y] + [y * np.exp(slope * gini)] * (len(regions.YEARS) - 1))
    ...     return {"y": grown, "c": grown, "gini": np.stack([gini] * len(regions.YEARS))}
    >>> table = growth({"market price": panel(-0.5), "fixed limit": panel(-0.3)}, (70,))
    >>> table["share"].round(6).to_list()
    [40.0, 40.0]
    """
    other = [name for name in panels if name != "market price"][0]
    table = regions.compare(panels, given_income).xs("log points", level="unit")
    table = table.rename(columns={"share, %": "share"}).reset_index()
    table = table[table["horizon"].isin(horizons)].assign(against=other)
    return table[[*COLUMNS, "t"]].reset_index(drop=True)


def by_chance(
    p: Parameters,
    against: str,
    k: tuple[float, float],
    b: tuple[float, float] | None,
    horizons: tuple,
    given_income: bool,
    **options: int,
) -> pd.DataFrame:
    """`growth` of zones with the same industries that differ by accident, `regions.by_chance`.

    Parameters
    ----------
    p, against, k, b
        Of `regions.by_chance`; `against` is its variant without the moving price.
    horizons, given_income
        Of `growth`.
    **options
        histories, zones, bonds, capital of `regions.by_chance`.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> table = by_chance(SMOOTH.but(states=(2, 2)), "no constraint", (0.1, 0.9), None, (10,),
    ...                   False, histories=2, zones=50, bonds=20, capital=8)
    >>> table.shape
    (2, 8)
    """
    panels = {
        v: kept(regions.by_chance, p, v, k=k, b=b, **options) for v in ("market price", against)
    }
    return growth(panels, horizons, given_income)


def resting(
    p: Parameters, k_A: float, bonds: int = 80, capital: int = 20, paths: int = 20_000
) -> pd.DataFrame:
    """What a shock does to a region that rests at k_A, each economy from where it lives.

    Parameters
    ----------
    p : Parameters
        Of an even region.
    k_A : float
    bonds, capital : int
        Nodes of the grid.
    paths : int
        Of `amplification.accounting`.

    Returns
    -------
    DataFrame
        `COLUMNS`, in the year of the shock and over twenty years, against a fixed limit.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> resting(SMOOTH, 0.5, bonds=24, capital=6, paths=100)["horizon"].to_list()
    [0, 19]
    """
    solved = economies(amplification.region(p, k_A), ("fixed limit",), bonds, capital)
    c = {
        v: 100 * kept(amplification.accounting, eq, paths=paths)["consumption"]
        for v, eq in solved.items()
    }
    rows = []
    for last in (0, 19):
        with_, without = (x[: last + 1].sum() for x in c.values())
        share = 100 * amplification.share(without, with_)
        rows.append(("consumption", last, "fixed limit", with_, without, share, np.nan))
    return pd.DataFrame(rows, columns=list(COLUMNS))
