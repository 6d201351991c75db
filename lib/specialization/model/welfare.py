"""What a plan, a better start or a simple rule is worth beside the market, and where they lead.

Gains are in percent of consumption for ever, over the market at the same state.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..errors import NotConverged
from ..store import kept
from . import equilibrium, planner, simulation
from .equilibrium import Equilibrium, Grid
from .parameters import Parameters
from .planner import Plan


class Economy(NamedTuple):
    """A market, its value at the nodes (S, nB, nK), and a plan on the same grid."""

    market: Equilibrium
    value: np.ndarray
    plan: Plan


class States(NamedTuple):
    """Bonds and capital at which values are read."""

    b: np.ndarray
    k: np.ndarray


def planned(
    p: Parameters,
    reading: str = "allocation",
    grid: Grid | None = None,
    tolerance: float = 1e-4,
    **options,
) -> Economy:
    """A market and a planner, solved or from the store.

    Parameters
    ----------
    p : Parameters
    reading : str
        One of `planner.READINGS`.
    grid : Grid, optional
        `planner.default_grid(p)` where None.
    tolerance : float
        Last move of the planner's policies.
    **options
        Of `planner.solve`.

    Returns
    -------
    Economy

    Raises
    ------
    NotConverged

    Examples
    --------
    With agglomeration in one industry only a planner has something to do.

    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(ξ=(0.2, 0.0), σ=0.0, states=1)
    >>> eq, V, plan = planned(p, grid=planner.default_grid(p, 12, 8))
    >>> bool((planner.gain(plan.V, V, p) > 0).all())
    True
    """
    grid = grid or planner.default_grid(p)
    market = equilibrium.stored(p, grid)
    return Economy(
        market, kept(planner.value, market), planner.stored(p, reading, grid, tolerance, **options)
    )


def at_mean(
    eq: Equilibrium, values: np.ndarray, b: ArrayLike, k: ArrayLike
) -> pd.DataFrame | pd.Series | float:
    """Values at the nodes read at mean productivity.

    Parameters
    ----------
    eq : Equilibrium
    values : (S, nB, nK) array
    b, k : numbers, or increasing sequences

    Returns
    -------
    DataFrame
        By b (rows) and k_A (columns); a Series where one of them is a number, a number where both
        are.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(σ=0.0, states=1)
    >>> eq = equilibrium.solve(p, equilibrium.default_grid(p, 12, 5))
    >>> values = np.broadcast_to(eq.grid.k, (1, 12, 5))
    >>> {k: round(float(x), 3) for k, x in at_mean(eq, values, -0.1, [0.4, 0.6]).items()}
    {0.4: 0.4, 0.6: 0.6}
    """
    where = States(np.atleast_1d(b), np.atleast_1d(k))
    there = eq.grid.interpolate(values, where)[len(eq.z) // 2]
    table = pd.DataFrame(there, pd.Index(where.b, name="b"), where.k)
    table = table.iloc[:, 0] if np.ndim(k) == 0 else table
    return table.iloc[0] if np.ndim(b) == 0 else table


def gains(
    plan: Plan, value: np.ndarray, b: ArrayLike, k: ArrayLike
) -> pd.DataFrame | pd.Series | float:
    """Gain of a plan over the market in percent, at mean productivity.

    Parameters
    ----------
    plan : Plan
    value : (S, nB, nK) array
        Of the market.
    b, k : as in `at_mean`

    Returns
    -------
    As `at_mean`

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(ξ=(0.2, 0.0), σ=0.0, states=1)
    >>> _, V, plan = planned(p, grid=planner.default_grid(p, 12, 8))
    >>> bool(0 < gains(plan, V, -0.2, [0.3]).iloc[0] < 5)
    True
    """
    return at_mean(plan, 100 * planner.gain(plan.V, value, plan.p), b, k)


def head_start(
    market: Equilibrium, value: np.ndarray, b: ArrayLike, k: ArrayLike
) -> pd.DataFrame | pd.Series | float:
    """Percent that moving capital once, to where the market's value is highest, is worth.

    Parameters
    ----------
    market : Equilibrium
    value : (S, nB, nK) array
        Of the market.
    b, k : as in `at_mean`

    Returns
    -------
    As `at_mean`

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(σ=0.0, states=1)
    >>> eq = equilibrium.solve(p, equilibrium.default_grid(p, 12, 5))
    >>> head = head_start(eq, planner.value(eq), 0.0, [0.3, 0.5])
    >>> bool(0 <= head[0.5] < head[0.3])
    True
    """
    best = value.max(-1, keepdims=True)
    return at_mean(market, 100 * planner.gain(best, value, market.p), b, k)


def worst_regret(plan: Plan, value: np.ndarray) -> float:
    """The most that a planner's last search found to add to the market's value, in percent.

    Parameters
    ----------
    plan : Plan
    value : (S, nB, nK) array
        Of the market.

    Returns
    -------
    float

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(ξ=(0.2, 0.0), σ=0.0, states=1)
    >>> _, V, plan = planned(p, grid=planner.default_grid(p, 12, 8))
    >>> bool(worst_regret(plan, V) < 0.01)
    True
    """
    return 100 * planner.gain(value + plan.regret, value, plan.p).max()


def long_run(eq: Equilibrium) -> pd.Series:
    """Moments and crises of the long run, on interpolated paths of 200 regions and 250 years.

    Parameters
    ----------
    eq : Equilibrium

    Returns
    -------
    Series
        `simulation.moments`, "mean c", and "crises, %": years with consumption a tenth below its
        mean.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(σ=0.0, states=1)
    >>> x = long_run(equilibrium.solve(p, equilibrium.default_grid(p, 12, 5)))
    >>> x[["mean k_A", "crises, %"]].round(2).to_dict()
    {'mean k_A': 0.5, 'crises, %': 0.0}
    """
    x = simulation.simulate(eq, 400, 200, record=range(150, 400))
    x = {name: v.ravel() for name, v in x.items()}
    m, c = simulation.moments(eq, x), x["c"]
    m["mean c"], m["crises, %"] = c.mean(), 100 * (c / c.mean() < 0.9).mean()
    return m


def rule_gain(
    market: Equilibrium, value: np.ndarray, tax: float = 0.0, wedge: float = 0.0
) -> np.ndarray:
    r"""Gain of constant instruments over the market without them.

    Either a tax on debt, or subsidies :math:`s_A - s_B = w` with :math:`k_A s_A + k_B s_B = 0` at
    today's capital. They are commitments, and the market takes them as given.

    Parameters
    ----------
    market : Equilibrium
    value : (S, nB, nK) array
        Of the market.
    tax : float
        On debt, a share.
    wedge : float
        w, units of output per unit of capital.

    Returns
    -------
    (S, nB, nK) array
        Percent.

    Examples
    --------
    A rule without instruments is the market.

    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(σ=0.0, states=1)
    >>> eq = equilibrium.solve(p, equilibrium.default_grid(p, 12, 5))
    >>> bool(np.abs(rule_gain(eq, planner.value(eq))).max() < 1e-3)
    True
    """
    rates = np.zeros((*value.shape, 3))
    rates[..., 0] = tax
    rates[..., 1], rates[..., 2] = wedge * (1 - market.grid.k), -wedge * market.grid.k
    eq = equilibrium.solve(market.p, market.grid, start=market, rates=rates)
    return 100 * planner.gain(planner.value(eq), value, market.p)


def by_change(
    p: Parameters,
    changes: Mapping[str, Mapping],
    readings: Mapping[str, Iterable[str]],
    b: float,
    k: Sequence[float],
    tolerance: float = 1e-4,
) -> pd.DataFrame:
    """Gains of plans and of the efficient start where one parameter is another.

    Parameters
    ----------
    p : Parameters
    changes : dict
        Parameters that differ, by the name of the change.
    readings : dict
        The planners of each change, by its name; those of `planner.READINGS`.
    b, k : state of the region, bonds and k_A
    tolerance : float
        Last move of a planner's policy.

    Returns
    -------
    DataFrame
        A row for each change; columns (reading or "efficient start", k_A). Missing where it was
        not asked for or did not converge.

    Examples
    --------
    ``by_change(p, {"φ = 4": {"φ": 4.0}}, {"φ = 4": ["allocation"]}, -0.3, [0.1, 0.5])`` has four
    gains: the planner's, and of the start, at each capital.
    """
    rows: dict[str, dict] = {}
    for name, change in changes.items():
        row = rows[name] = {}
        for reading in readings[name]:
            try:
                market, value, plan = planned(p.but(**change), reading, tolerance=tolerance)
            except NotConverged:
                continue
            row |= {(reading, x): g for x, g in pd.Series(gains(plan, value, b, k)).items()}
            row |= {
                ("efficient start", x): g
                for x, g in pd.Series(head_start(market, value, b, k)).items()
            }
    return pd.DataFrame(rows).T
