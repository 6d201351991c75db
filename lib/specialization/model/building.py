"""What the price of collateral adds to growth where capital can be built.

The experiments of `regions` on the solver of `three`: zones that differ in specialization, with
the limit on debt at the market price of capital, and with a fixed limit and the same mean debt.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from ..errors import DataError
from . import equations, three
from .amplification import region
from .parameters import Parameters
from .regions import YEARS, compare, drift
from .three import Cube, Equilibrium

VARIANTS = ("market price", "fixed limit")
"""Economies to compare."""


def without(eq: Equilibrium, tolerance: float = 1e-3, **options: int) -> Equilibrium:
    """The economy of `eq` with a fixed limit on debt and the same mean debt over mean output.

    Parameters
    ----------
    eq : Equilibrium
        With collateral at the market price.
    tolerance : float
        Of mean debt over mean output.
    **options
        Of `three.ergodic`.

    Returns
    -------
    Equilibrium

    Raises
    ------
    DataError
        The secant method does not find the limit.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> eq = three.solve(p, three.default_cube(p, 10, 3, 3), ψ=10.0)
    >>> without(eq, regions=2).p.collateral
    'fixed limit'
    """

    def debt(solution):
        path = three.ergodic(solution, **options)
        return -(path["b_next"] / eq.p.R).mean() / path["y"].mean(), path["y"].mean()

    target, Y = debt(eq)
    x, gaps, solution = [1.05 * target * Y], [], eq
    for _ in range(8):
        p = eq.p.but(collateral="fixed limit", limit=x[-1])
        solution = three.solve(p, eq.grid, eq.ψ, eq.cost, start=solution)
        gaps.append(debt(solution)[0] - target)
        if abs(gaps[-1]) < tolerance:
            return solution
        slope = 1 / Y if len(x) < 2 else (gaps[-1] - gaps[-2]) / (x[-1] - x[-2])
        x.append(x[-1] - gaps[-1] / slope)
    raise DataError(
        f"building.without: debt over output stays {gaps[-1]:+.3g} away from {target:.3g}"
    )


def by_chance(
    p: Parameters,
    ψ: float,
    zones: int = 722,
    histories: int = 10,
    grid: Cube | None = None,
) -> pd.DataFrame:
    """`regions.compare` of zones with the same two industries, specialized by accident.

    In the first year the share of the first industry in capital is uniform between 0.1 and 0.9;
    all else is drawn from the ergodic distribution at the market price, the same in both.

    Parameters
    ----------
    p : Parameters
        Of two industries.
    ψ : float
    zones, histories : int
    grid : Cube, optional

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> grid = three.default_cube(SMOOTH, 16, 4, 5)
    >>> table = by_chance(SMOOTH.but(states=(2, 1)), 5.0, 50, 2, grid)
    >>> table.shape
    (40, 5)
    """
    market = three.solve(p, grid, ψ)
    found, rng = three.ergodic(market), np.random.default_rng(2)
    luck = rng.integers(found["s"].size, size=zones * histories)
    w = rng.uniform(0.1, 0.9, luck.size)
    start = found["s"][luck], found["b"][luck], found["N"][luck], w
    return compare(
        {
            variant: _panel([eq] * (YEARS[-1] + 1), zones, histories, start, 1)
            for variant, eq in zip(VARIANTS, (market, without(market)), strict=True)
        }
    )


def _panel(path, zones, histories, start, seed):
    """A panel of `regions`: arrays (years, histories, zones)."""
    x = three.simulate(path, len(path), zones * histories, start, seed)
    return {
        n: x[n][list(YEARS)].reshape(len(YEARS), histories, zones)
        for n in ("y", "c", "q", "N", "gini", "edge")
    }


def box(p: Parameters, rate: float, bonds: int = 24, total: int = 7, share: int = 7) -> Cube:
    """A box that holds the path of a zone from before a drift to its end.

    Parameters
    ----------
    p : Parameters
        Of the zone before the drift, such as `amplification.region` gives.
    rate : float
        Of the drift, a year.
    bonds, total, share : int
        Numbers of nodes.

    Returns
    -------
    Cube

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> box(region(SMOOTH, 0.8), -0.005).N[[0, -1]].round(2)
    array([0.53, 1.28])
    """
    cost = three.rest(p)["q"]
    ends = [three.rest(x, cost) for x in (p, p.but(μ=drift(p, rate)[-1]))]
    K, k = (np.array(x) for x in ([e["k"].sum() for e in ends], [e["k"] for e in ends]))
    w = np.log(k[:, 0] / k[:, 1])
    N = np.exp(np.linspace(np.log(K.min()) - 0.25, np.log(K.max()) + 0.25, total))
    # a quarter of an industry's capital, or four times as much of it, is inside
    w = 1 / (1 + np.exp(-np.linspace(w.min() - 1.0, w.max() + 1.0, share)))
    least = equations.production(
        equations.productivity_chain(p.but(μ=drift(p, min(rate, 0.0))[-1]))[0].min(0),
        three.industries(*np.meshgrid(N, w, indexing="ij"), p),
        p,
    ).sum(-1)
    b = three.default_cube(p, bonds, total).b
    return Cube(np.where(b < 0, b * min(1, -0.8 * least.min() / b[0]), b), N, w)


def drifting(
    p: Parameters,
    ψ: float,
    sizes: Iterable[float] = (0.5, 0.7, 0.9),
    rate: float = -0.005,
    zones: int = 100,
    histories: int = 10,
    **nodes: int,
) -> tuple[pd.DataFrame, Mapping[str, Mapping[str, np.ndarray]]]:
    """`regions.compare` of zones whose first industry declines, as everybody foresees.

    A zone of size k_A rests there before the drift, with the output of an even one
    (`amplification.region`).

    Parameters
    ----------
    p : Parameters
        Of an even zone.
    ψ : float
    sizes : sequence of float
        k_A of the zones.
    rate : float
        Of the drift of its mean productivity, a year.
    zones, histories : int
        Of each size.
    **nodes
        Of `box`.

    Returns
    -------
    table : DataFrame
    panels : dict of dicts of arrays (years, histories, zones), by variant

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> table, panels = drifting(SMOOTH.but(σ=0.0, states=1), 5.0, (0.5, 0.8), 0.0, 3, 2, bonds=16,
    ...                          total=4, share=4)
    >>> panels["fixed limit"]["y"].shape
    (11, 2, 6)
    """
    pooled: dict = {variant: [] for variant in VARIANTS}
    for n, k_A in enumerate(sizes):
        home = region(p, k_A)
        market = three.solve(home, box(home, rate, **nodes), ψ)
        for variant, first in zip(VARIANTS, (market, without(market)), strict=True):
            means = equations.mean_path(home, drift(home, rate))
            last = three.solve(first.p.but(μ=means[-1]), first.grid, ψ, first.cost, start=first)
            path = [first, *three.transition(last, means[1:])]
            found = three.ergodic(market, seed=3)
            luck = np.random.default_rng(n).integers(found["s"].size, size=zones * histories)
            start = tuple(found[name][luck] for name in ("s", "b", "N", "w"))
            pooled[variant].append(_panel(path, zones, histories, start, 10 + n))
    panels = {
        variant: {name: np.concatenate([x[name] for x in parts], axis=-1) for name in parts[0]}
        for variant, parts in pooled.items()
    }
    return compare(panels), panels
