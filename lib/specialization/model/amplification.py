"""What the price of collateral does to a shock: regions, and economies without the amplifier."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..errors import DataError
from . import equations, equilibrium, simulation
from .equilibrium import Equilibrium
from .parameters import Parameters, number

VARIANTS = {
    "market price": "market",
    "fixed price": "fixed price",
    "fixed limit": "fixed limit",
    "no constraint": "none",
}
"""Economies to compare, and their `collateral`."""


def region(p: Parameters, k_A: float) -> Parameters:
    r"""A region that rests at k_A, with the mean output of an even one at unit productivities.

    .. math:: \mu_i = Y k_i^{1 - \alpha - \xi_i}, \qquad Y = \sum_i (1/2)^{\alpha + \xi_i}

    makes private marginal products equal at k, and an industry's share of output its share of
    capital. Shocks keep their size relative to the mean.

    Parameters
    ----------
    p : Parameters
        Of two industries.
    k_A : float
        Share of the region's capital that rests in industry A, inside (0, 1).

    Returns
    -------
    Parameters

    Raises
    ------
    DataError
        k_A outside (0, 1), or no number.

    Examples
    --------
    >>> [round(x, 3) for x in region(Parameters(ξ=0.2), 0.75).μ]
    [1.317, 0.624]
    """
    if not 0 < number("region: k_A", k_A) < 1:
        raise DataError(f"region: k_A = {k_A}; valid: between 0 and 1")
    k = np.array([k_A, 1 - k_A])
    Y = (0.5 ** (p.α + np.asarray(p.ξ))).sum()
    μ = Y * k ** (1 - p.α - np.asarray(p.ξ))
    return p.but(μ=tuple(μ), σ=tuple(np.asarray(p.σ) * μ))


def without(eq: Equilibrium, variant: str, tolerance: float = 1e-3, **options) -> Equilibrium:
    """The economy of `eq` with another of the `VARIANTS` of collateral and the same mean debt.

    Taxes and subsidies stay; on the larger grid without a constraint, beyond the edges as at them.
    The fixed price, or the fixed limit, is found by the secant method on mean debt over mean
    output, with common random numbers. Without a constraint nothing is left to match.

    Parameters
    ----------
    eq : Equilibrium
        With collateral at the market price; returned as it is for that variant. Its instruments
        are those of the others too.
    variant : str
        One of `VARIANTS`.
    tolerance : float
        Of mean debt over mean output.
    **options
        Of `simulation.ergodic`.

    Returns
    -------
    Equilibrium
        With the price or limit in its parameters.

    Raises
    ------
    DataError
        Unknown variant; the secant method does not find the price or limit.
    NotConverged
        The economy at some price or limit on the way.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = equilibrium.solve(SMOOTH, equilibrium.default_grid(SMOOTH, 24, 6))
    >>> other = without(eq, "fixed limit", regions=4, periods=20)
    >>> debt = [simulation.moments(e, regions=4, periods=20)["NFA/Y"] for e in (eq, other)]
    >>> bool(abs(debt[0] - debt[1]) < 1e-3)
    True
    """
    if variant not in VARIANTS:
        raise DataError(f"without: variant {variant!r}; valid: {', '.join(VARIANTS)}")
    p = eq.p.but(collateral="none", selection="unique", δ=0.0)
    if variant == "market price":
        return eq
    if variant == "no constraint":
        grid = equilibrium.default_grid(p, eq.grid.b.size, eq.grid.k.size)
        return equilibrium.solve(p, grid, rates=eq.grid.interpolate(eq.rates, grid, flat=True))
    path = simulation.ergodic(eq, **options)
    target, Y = simulation.moments(eq, path)["NFA/Y"], path["y"].mean()
    field, unit = ("q_bar", eq.p.θ) if variant == "fixed price" else ("limit", 1.0)
    x, gaps, solution = [-1.05 * target * Y / unit], [], eq
    for _ in range(8):
        now = p.but(collateral=VARIANTS[variant], **{field: x[-1]})
        solution = equilibrium.solve(now, eq.grid, start=solution, rates=eq.rates)
        gaps.append(simulation.moments(solution, **options)["NFA/Y"] - target)
        if abs(gaps[-1]) < tolerance:
            return solution
        slope = -unit / Y if len(x) < 2 else (gaps[-1] - gaps[-2]) / (x[-1] - x[-2])
        x.append(x[-1] - gaps[-1] / slope)
    raise DataError(
        f"without: {variant}: debt over output stays {gaps[-1]:+.3g} away from "
        f"{target:.3g} at {field} = {x[-2]:.3g}"
    )


def drawn(
    eq: Equilibrium, path: dict[str, np.ndarray], n: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States of n regions, drawn from an ergodic path.

    Parameters
    ----------
    eq : Equilibrium
    path : dict of arrays, as `simulation.ergodic` gives
    n, seed : int

    Returns
    -------
    s, b, k : (n,) arrays

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = equilibrium.solve(SMOOTH, equilibrium.default_grid(SMOOTH, 24, 6))
    >>> s, b, k = drawn(eq, simulation.ergodic(eq, 2, 20), n=3)
    >>> s.shape, bool((b >= eq.grid.b[0]).all())
    ((3,), True)
    """
    pick = np.random.default_rng(seed).integers(path["s"].size, size=n)
    # debt at the edge of the box may lie a rounding error outside
    return path["s"][pick], np.clip(path["b"][pick], *eq.grid.b[[0, -1]]), path["k"][pick]


def accounting(
    eq: Equilibrium,
    industry: int = 0,
    size_in_sd: float = 2.0,
    periods: int = 20,
    paths: int = 20_000,
    seed: int = 0,
    regions: int = 200,
) -> pd.DataFrame:
    r"""Where the fall in consumption after a shock comes from, as shares of mean consumption.

    .. math:: \Delta c = \underbrace{\Delta y}_{\text{exposure}}
              - \underbrace{\Delta \Phi}_{\text{adjustment}}
              + \underbrace{\Delta (b - b'/R)}_{\text{borrowing}}

    Means over ergodic bonds and capital, with productivity at its mean before the shock, and over
    later shocks; see `simulation.impulse_response`.

    Parameters
    ----------
    eq : Equilibrium
    industry : int
        The one that is hit.
    size_in_sd : float
        Fall of its productivity, in standard deviations of its shock.
    periods, paths, seed : int
        As in `simulation.impulse_response`.
    regions : int
        Whose paths make the ergodic distribution.

    Returns
    -------
    DataFrame
        By year from that of the shock: consumption, exposure, adjustment, borrowing; price (over
        its mean), capital (change of k_A), binding (change of the share of regions).

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = equilibrium.solve(SMOOTH, equilibrium.default_grid(SMOOTH, 24, 6))
    >>> first = accounting(eq, size_in_sd=1.0, paths=100, regions=2).iloc[0]
    >>> parts = first[["exposure", "adjustment", "borrowing"]].sum()
    >>> bool(first["consumption"] < 0), bool(abs(parts - first["consumption"]) < 1e-12)
    (True, True)
    """
    x = simulation.ergodic(eq, regions, periods=100, seed=seed + 1)
    start = len(eq.z) // 2, *drawn(eq, x, paths, seed)[1:]
    r = simulation.impulse_response(eq, start, industry, size_in_sd, periods, paths, seed)
    borrowing = r["b"] - r["b_next"] / eq.p.R
    table = pd.DataFrame(
        {
            "consumption": r["c"],
            "exposure": r["y"],
            "adjustment": r["c"] - r["y"] - borrowing,
            "borrowing": borrowing,
        }
    )
    return (table / x["c"].mean()).assign(
        price=r["q"] / x["q"].mean(), capital=r["k"], binding=r["binding"]
    )


def from_state(
    economies: Mapping[str, Equilibrium],
    b: float,
    k: float,
    industry: int = 0,
    size_in_sd: float = 2.0,
    periods: int = 10,
    paths: int = 20_000,
    seed: int = 0,
) -> pd.DataFrame:
    """A shock in one and the same state, and the share of it that is the moving price.

    `accounting` lets every economy start where it lives; here all start with mean productivity,
    bonds b and capital k in A, wherever that lies in the distribution of each.

    Parameters
    ----------
    economies : dict of Equilibrium
        By variant, "market price" among them.
    b, k : float
        Inside the boxes of all.
    industry, size_in_sd, periods, paths, seed
        As in `simulation.impulse_response`.

    Returns
    -------
    DataFrame
        By series (consumption, output, price) and year from that of the shock: change in percent
        of the level without the shock in the economy itself, by variant; and "share: variant",
        in percent of the change at the market price.

    Raises
    ------
    DataError
        A state outside a box.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = equilibrium.solve(SMOOTH, equilibrium.default_grid(SMOOTH, 24, 6))
    >>> same = {"market price": eq, "fixed limit": eq}
    >>> table = from_state(same, -0.2, 0.5, size_in_sd=1.0, periods=2, paths=100)
    >>> table.loc[("consumption", 0), "share: fixed limit"].item()
    0.0
    """
    names = {"consumption": "c", "output": "y", "price": "q"}
    table = {}
    for variant, eq in economies.items():
        start = (len(eq.z) // 2, b, k)
        r = simulation.impulse_response(eq, start, industry, size_in_sd, periods, paths, seed)
        calm = simulation.simulate(eq, periods, paths, start, seed)
        table[variant] = pd.concat(
            {word: 100 * r[x] / calm[x].mean(axis=1) for word, x in names.items()}
        )
    found = pd.DataFrame(table).rename_axis(["series", "year"])
    others = [v for v in economies if v != "market price"]
    for v in others:
        found[f"share: {v}"] = 100 * share(found[v], found["market price"])
    return found


def share(fixed: pd.Series | float, market: pd.Series | float) -> pd.Series | float:
    """Share of a fall that the moving price of collateral adds, one less fixed over market.

    Parameters
    ----------
    fixed, market : number or array
        Fall with a fixed limit on debt, and with the limit at the market price.

    Returns
    -------
    number or array; negative where the fall is larger with the fixed limit

    Examples
    --------
    >>> share(-1.5, -2.0)
    0.25
    """
    return 1 - fixed / market


def strength(
    market: Equilibrium,
    fixed: Equilibrium,
    industry: int = 0,
    size_in_sd: float = 2.0,
    regions: int = 200,
) -> pd.Series:
    """What amplifies a shock, and by how much it does.

    Parameters
    ----------
    market, fixed : Equilibrium
        The economy with collateral at the market price, and `without` it.
    industry, size_in_sd, regions
        As in `accounting`.

    Returns
    -------
    Series
        feedback, its mean over the ergodic path (`equations.feedback`); in percent: binding, share
        of years; fall of consumption on impact, of its mean; amplification share (`share`).

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = equilibrium.solve(SMOOTH, equilibrium.default_grid(SMOOTH, 24, 6))
    >>> strength(eq, eq, size_in_sd=1.0, regions=2)["amplification share"].item()
    0.0
    """
    c, c_fixed = (
        accounting(eq, industry, size_in_sd, 2, regions=regions)["consumption"][0]
        for eq in (market, fixed)
    )
    x = simulation.ergodic(market, regions)
    return pd.Series(
        {
            "feedback": equations.feedback(x["c"], x["q"], market.p).mean(),
            "binding": 100 * x["binding"].mean(),
            "fall": 100 * c,
            "amplification share": 100 * share(c_fixed, c),
        }
    )


def crises(path: dict[str, np.ndarray]) -> pd.Series:
    """Years in which consumption is more than two standard deviations below its mean.

    Parameters
    ----------
    path : dict of arrays, as `simulation.ergodic` gives
        "c", "q" and "binding" are read.

    Returns
    -------
    Series
        In percent: share of years; in these years consumption and price, against their means, and
        binding, how often the constraint does. NaN where there are none.

    Examples
    --------
    >>> c = np.r_[np.ones(99), 0.5]
    >>> crises({"c": c, "q": c, "binding": 1 - c}).round(1).tolist()
    [1.0, -49.7, -49.7, 50.0]
    """
    c, q = (path[name] / path[name].mean() for name in "cq")
    bad = c < 1 - 2 * c.std()
    here = pd.DataFrame({"consumption": c - 1, "price": q - 1, "binding": path["binding"]})[bad]
    return 100 * pd.concat([pd.Series({"share of years": bad.mean()}), here.mean()])
