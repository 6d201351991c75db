"""What the price of collateral does to a shock: regions, and economies without the amplifier."""

import numpy as np
import pandas as pd

from ..errors import DataError
from . import equilibrium, simulation

VARIANTS = {"market price": "market", "fixed price": "fixed price", "fixed limit": "fixed limit",
            "no constraint": "none"}
"""Economies to compare, and their `collateral`."""


def region(p, k_A):
    r"""A region that rests at k_A, with the mean output of an even one at unit productivities.

    .. math:: \mu_i = Y k_i^{1 - \alpha - \xi_i}, \qquad Y = \sum_i (1/2)^{\alpha + \xi_i}

    makes private marginal products equal at k, and an industry's share of output its share of
    capital. Shocks keep their size relative to the mean.
    """
    if not 0 < k_A < 1:
        raise DataError(f"region: k_A = {k_A}; valid: between 0 and 1")
    k = np.array([k_A, 1 - k_A])
    Y = (0.5 ** (p.α + np.asarray(p.ξ))).sum()
    μ = Y * k ** (1 - p.α - np.asarray(p.ξ))
    return p.but(μ=tuple(μ), σ=tuple(np.asarray(p.σ) * μ))


def without(eq, variant, tolerance=1e-3, **options):
    """The economy of `eq` with another `VARIANTS` of collateral and the same mean debt.

    The fixed price, or the fixed limit, is found by the secant method on mean debt over mean
    output, with common random numbers. Without a constraint nothing is left to match.

    Returns
    -------
    Equilibrium, with the price or limit in its parameters

    Raises
    ------
    DataError
        Unknown variant; the secant method does not find the price or limit.
    """
    if variant not in VARIANTS:
        raise DataError(f"without: variant {variant!r}; valid: {', '.join(VARIANTS)}")
    p = eq.p.but(collateral="none", selection="unique", δ=0.0)
    if variant == "market price":
        return eq
    if variant == "no constraint":
        return equilibrium.solve(p, equilibrium.default_grid(p, eq.grid.b.size, eq.grid.k.size))
    path = simulation.ergodic(eq, **options)
    target, Y = simulation.moments(eq, path)["NFA/Y"], path["y"].mean()
    field, unit = ("q_bar", eq.p.θ) if variant == "fixed price" else ("limit", 1.0)
    x, gaps, solution = [-1.05 * target * Y / unit], [], eq
    for _ in range(8):
        now = p.but(collateral=VARIANTS[variant], **{field: x[-1]})
        solution = equilibrium.solve(now, eq.grid, start=solution)
        gaps.append(simulation.moments(solution, **options)["NFA/Y"] - target)
        if abs(gaps[-1]) < tolerance:
            return solution
        slope = -unit / Y if len(x) < 2 else (gaps[-1] - gaps[-2]) / (x[-1] - x[-2])
        x.append(x[-1] - gaps[-1] / slope)
    raise DataError(f"without: {variant}: debt over output stays {gaps[-1]:+.3g} away from "
                    f"{target:.3g} at {field} = {x[-2]:.3g}")


def accounting(eq, industry=0, size_in_sd=2.0, periods=20, paths=20_000, seed=0):
    r"""Where the fall in consumption after a shock comes from, as shares of mean consumption.

    .. math:: \Delta c = \underbrace{\Delta y}_{\text{exposure}}
              - \underbrace{\Delta \Phi}_{\text{adjustment}}
              + \underbrace{\Delta (b - b'/R)}_{\text{borrowing}}

    Means over ergodic bonds and capital, with productivity at its mean before the shock, and over
    later shocks; see `simulation.impulse_response`. Returns a DataFrame by period: consumption,
    exposure, adjustment, borrowing; price (over its mean), capital (k_A), binding (share).
    """
    x = simulation.ergodic(eq, periods=100, seed=seed + 1)
    pick = np.random.default_rng(seed).integers(x["s"].size, size=paths)
    # debt at the edge of the box may lie a rounding error outside
    start = (len(eq.z) // 2, np.clip(x["b"][pick], *eq.grid.b[[0, -1]]), x["k"][pick])
    r = simulation.impulse_response(eq, start, industry, size_in_sd, periods, paths, seed)
    borrowing = r["b"] - r["b_next"] / eq.p.R
    table = pd.DataFrame({"consumption": r["c"], "exposure": r["y"],
                          "adjustment": r["c"] - r["y"] - borrowing, "borrowing": borrowing})
    return (table / x["c"].mean()).assign(price=r["q"] / x["q"].mean(), capital=r["k"],
                                          binding=r["binding"])
