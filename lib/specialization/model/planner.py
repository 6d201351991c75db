"""The planner: time-consistent allocation of capital and debt, and what it is worth.

What the planner does at a state is in `choice`; here his choices and their value are iterated.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.interpolate import RegularGridInterpolator
from tqdm import tqdm

from ..errors import DataError, NotConverged
from ..store import kept
from . import choice, equations, equilibrium
from .branches import all_payoffs
from .choice import FAR, Rules, follow
from .conditions import BONDS, CAPITAL, Instruments, η
from .equilibrium import Grid, expected, mixed, problem
from .parameters import Parameters

READINGS = ("allocation", "debt")
"""Who picks k': the planner, or private portfolios."""

REGIMES = ("floor of the tax", "limit binds", "slack")
"""Which gap is closed, in the order of `choice`."""

FOLLOW = 10
"""Periods for which choices stay between two steps, while their value and their price settle."""

PATIENCE = 20
"""Steps after which nodes that turn back are slowed down; see `_iterate`."""


def slopes(V: np.ndarray, grid: Grid) -> np.ndarray:
    """V (S, nB, nK) with its slopes in b and k: (S, nB, nK, 3).

    Slopes of a parabola through three nodes. Where V bends one way at a node and at both its
    neighbours that is all. Where it does not, the slope is at most three times the smaller of the
    secants on either side, and cubics do not overshoot (Hyman 1983); in between, in between.
    """
    stack = [V]
    for axis, x in ((1, grid.b), (2, grid.k)):
        h, d = np.diff(x), np.diff(np.moveaxis(V, axis, -1)) / np.diff(x)
        left, right = d[..., :-1], d[..., 1:]
        most = 3 * np.minimum(np.abs(left), np.abs(right))
        inner, bend = (h[1:] * left + h[:-1] * right, right - left) / (h[1:] + h[:-1])
        wide = np.concatenate([bend[..., :1], bend, bend[..., -1:]], axis=-1)
        least = np.minimum(wide[..., :-2] * bend, wide[..., 2:] * bend)
        smooth = np.clip(4 * least / np.maximum(bend * bend, 1e-300), 0, 1)
        inner = smooth * inner + (1 - smooth) * np.clip(inner, -most, most)
        ends = 2 * d[..., [0, -1]] - inner[..., [0, -1]]
        whole = np.concatenate([ends[..., :1], inner, ends[..., 1:]], axis=-1)
        stack.append(np.moveaxis(whole, -1, axis))
    return np.stack(stack, axis=-1)


def value(
    eq: equilibrium.Equilibrium,
    start: np.ndarray | None = None,
    tolerance: float = 1e-9,
    steps: int = 2000,
) -> np.ndarray:
    r"""Welfare :math:`V = E \sum_t β^t u(c_t)` of the policies of `eq`, (S, nB, nK).

    Parameters
    ----------
    eq : Equilibrium or Plan
    start : (S, nB, nK) array, optional
        A guess.
    tolerance : float
        Difference between nodes in the last change, as a share of 1 / (1 - β).
    steps : int
        Most steps.

    Returns
    -------
    (S, nB, nK) array, in units of utility

    Raises
    ------
    NotConverged
        It still moves by more than tolerance.

    Examples
    --------
    >>> from specialization.model.equilibrium import solve as market
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = market(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> value(eq).shape
    (4, 12, 6)
    """
    m, policies, π = eq.arrays()
    V, out, β = np.zeros(π.shape) if start is None else start, np.empty(π.shape), eq.p.β
    for _ in range(steps):
        follow(m, slopes(β * expected(eq.P, V), eq.grid), policies, π, out)
        change = out - V
        V = out + β / (1 - β) * change.mean()  # what a change common to all nodes adds up to
        if np.ptp(change) < tolerance * (1 - β):
            return V
    raise NotConverged(f"value: still moves {np.ptp(change):.1e}", np.array([]))


def gain(V: ArrayLike, V0: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Consumption equivalent of V over V0, as a share of consumption.

    .. math:: \left[\frac{(1-γ)(1-β) V + 1}{(1-γ)(1-β) V_0 + 1}\right]^{1/(1-γ)} - 1

    Parameters
    ----------
    V, V0 : array_like, same shape
        Welfare, as `value` gives it.
    p : Parameters

    Returns
    -------
    array
        0.01 is one percent of consumption in every year and state.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> V = [float(-1 / c + 1) / (1 - SMOOTH.β) for c in (1.0, 1.1)]    # constant c, γ = 2
    >>> round(float(gain(V[1], V[0], SMOOTH)), 6)
    0.1
    """
    V, V0 = np.asarray(V), np.asarray(V0)
    if p.γ == 1:
        return np.exp((1 - p.β) * (V - V0)) - 1
    a, b = (1 + (1 - p.γ) * (1 - p.β) * x for x in (V, V0))
    return (a / b) ** (1 / (1 - p.γ)) - 1


@dataclass(frozen=True)
class Plan(equilibrium.Equilibrium):
    """A planner's solution; `rates` are the instruments that make the market choose it.

    Attributes
    ----------
    V : (S, nB, nK) array
        Its value.
    regret : float
        The most that a last search in wide steps found to add to V at a node.
    unsettled : float
        Share of the nodes that it moved by more than ten times the tolerance.

    Examples
    --------
    >>> from specialization.model.equilibrium import solve as market
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = market(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> plan = solve(eq, "debt", tolerance=1e-3)
    >>> plan.V.shape, bool(plan.regret < 1)
    ((4, 12, 6), True)
    """

    V: np.ndarray = field(default_factory=lambda: np.empty(0))
    regret: float = 0.0
    unsettled: float = 0.0


def solve(
    eq: equilibrium.Equilibrium,
    reading: str = "allocation",
    taxed: bool = True,
    multiplier: bool = True,
    tolerance: float = 1e-5,
    steps: int = 300,
    progress: bool = False,
) -> Plan:
    """The planner's Markov equilibrium, from that of the market and on its grid.

    Parameters
    ----------
    eq : Equilibrium
    reading : str
        One of `READINGS`.
    taxed : bool
        True: debt may be taxed, not subsidised. False: either.
    multiplier : bool
        False: θ q' η' is left out of the price of capital.
    tolerance : float
        Largest change of a policy in the last step, as in `equilibrium.solve`.
    steps, progress : as in `equilibrium.solve`

    Returns
    -------
    Plan

    Raises
    ------
    DataError
        Unknown reading.
    NotConverged

    Examples
    --------
    >>> from specialization.model.equilibrium import solve as market
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = market(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> plan = solve(eq, "debt", tolerance=1e-3)
    >>> plan.rates[..., 0].min() >= -1e-9      # debt is taxed, not subsidised
    np.True_
    """
    if reading not in READINGS:
        raise DataError(f"planner: reading {reading!r}; valid: {', '.join(READINGS)}")
    p, rules = eq.p, Rules(reading == "debt", bool(taxed))
    with tqdm(disable=not progress, unit=" steps") as bar:
        policies, π, V, E, residuals, regret, unsettled = _iterate(
            eq, rules, multiplier, tolerance, steps, bar
        )
    # between nodes that all bind the odds are one but for rounding: the slack branch is read too
    policies[..., 0, :] = np.where(π[..., None] == 1, policies[..., 1, :], policies[..., 0, :])
    m = problem(p, eq.z, eq.grid, E, np.zeros_like(eq.rates))
    plan = Plan(
        p,
        eq.grid,
        eq.z,
        eq.P,
        policies,
        π,
        E,
        np.array(residuals),
        0,
        choice.decentralise(m, policies, π),
        V=V,
        regret=regret,
        unsettled=unsettled,
    )
    return replace(plan, V=value(plan, V))


def _iterate(eq, rules, multiplier, tolerance, steps, bar):
    """Policies by time iteration; between its steps V and prices follow them.

    Two choices of nearly the same value can take turns for ever. After `PATIENCE` steps the pace
    of a node is halved whenever it turns back half its way; what that leaves undone is measured
    at the end by a wider search at full pace.
    """
    p, P, grid, rates = eq.p, eq.P, eq.grid, np.zeros_like(eq.rates)
    mean = mixed(eq.policies, eq.π)
    policies, π, V = np.stack([mean, mean], axis=-2).copy(), eq.π.copy(), value(eq)
    new, π_new, J = policies.copy(), π.copy(), V.copy()
    pace, reach, residuals, move = np.ones(π.shape), np.full(π.shape, FAR), [], 0.0
    m = problem(p, eq.z, grid, eq.E, rates)

    def tomorrow():
        if not multiplier:
            policies[..., η] = 0
        E = expected(P, all_payoffs(m, policies, π))
        return (problem(p, eq.z, grid, E, rates), slopes(p.β * expected(P, V), grid))

    for step in range(steps):
        m, ahead = tomorrow()
        failures, change = choice.sweep(m, ahead, rules, policies, π, reach, pace, new, π_new, J)
        policies, π, new, π_new = new, π_new, policies, π
        d = change.max() if multiplier else change[:4].max()
        residuals.append(change)
        bar.update()
        bar.set_postfix_str(f"change {d:.1e}", refresh=False)
        if not d < np.inf or d < tolerance and failures == 0:
            break
        before, move = move, mixed(policies, π) - mixed(new, π_new)
        if step >= PATIENCE:
            back = -(move * before).sum(-1) > 0.5 * (before * before).sum(-1)
            pace[back & (np.abs(move).max(-1) > tolerance)] /= 2
        V, J = J, V
        for _ in range(FOLLOW):
            m, ahead = tomorrow()
            follow(m, ahead, policies, π, J)
            choice.reprice(m, policies, π)
            V, J = J, V
    if not (d < tolerance and failures == 0):
        raise NotConverged(
            f"planner: {failures} nodes without a choice, policies still move {d:.1e} after "
            f"{len(residuals)} steps on {π.shape} nodes (tolerance {tolerance:.0e})",
            np.array(residuals),
        )
    follow(m, ahead, policies, π, V)
    kept = mixed(policies, π)
    choice.sweep(
        m, ahead, rules, policies, π, np.full(π.shape, FAR), np.ones(π.shape), new, π_new, J
    )
    moved = np.abs(kept - mixed(new, π_new)).max(-1)
    return policies, π, V, m.E, residuals, (J - V).max(), (moved > 10 * tolerance).mean()


def instruments(plan: Plan) -> pd.DataFrame:
    """The tax and the subsidies of a plan as a table, by node; see `Plan`.

    Returns
    -------
    DataFrame
        Indexed by s, b, k: "τ", "s_A", "s_B".

    Examples
    --------
    >>> from specialization.model.equilibrium import solve as market
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = market(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> list(instruments(solve(eq, "debt", tolerance=1e-3)))
    ['τ', 's_A', 's_B']
    """
    return pd.DataFrame(plan.rates.reshape(-1, 3), _nodes(plan), list(Instruments._fields))


def _nodes(eq):
    return pd.MultiIndex.from_product(
        [range(len(eq.z)), eq.grid.b, eq.grid.k], names=["s", "b", "k"]
    )


def first_order(plan: Plan) -> pd.DataFrame:
    r"""The first-order conditions of a planner who allocates capital, at every node.

    .. math:: λ = u'(c) + θ μ \frac{γ}{c} \Bigl(q + \sum_i k_i' Φ_{2,i}\Bigr), \qquad
              u'(c) - μ - R μ \Bigl(\frac{d\,slack}{d b'} - \frac1R\Bigr) = β R E λ'

    λ is the worth of a bond, :math:`∂V/∂b`, and μ the multiplier of the constraint.

    Returns
    -------
    DataFrame
        Indexed by s, b, k: "λ"; "λ, weights one", in which Φ_2 has weights of one instead of
        k_i'; "u'(c)"; "V_b", the slope of V; "today" and "tomorrow", the sides of the condition
        for b', NaN where the floor of the tax holds; "regime": "slack", "limit binds" or "floor
        of the tax".

    Examples
    --------
    >>> from specialization.model.equilibrium import solve as market
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = market(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> bool((first_order(solve(eq, tolerance=1e-3))["λ"] > 0).all())
    True
    """
    p, grid = plan.p, plan.grid
    m, policies, π = plan.arrays()
    ahead = slopes(p.β * expected(plan.P, plan.V), grid)
    closed, μ, slope, c, u, q = np.moveaxis(choice.multipliers(m, ahead, policies, π), -1, 0)
    likely = np.where(π[..., None] > 0.5, policies[..., 1, :], policies[..., 0, :])
    k, k1 = (np.stack([x, 1 - x], -1) for x in (grid.k, likely[..., CAPITAL]))
    Φ_2 = equations.Φ_2(k, k1, p)
    λ, λ_one = (
        u + m.market * p.θ * μ * p.γ / c * (q + x) for x in ((k1 * Φ_2).sum(-1), Φ_2.sum(-1))
    )
    tomorrow = np.array(
        [
            RegularGridInterpolator((grid.b, grid.k), E)(x[..., [BONDS, CAPITAL]])
            for E, x in zip(p.β * p.R * expected(plan.P, λ), likely, strict=True)
        ]
    )
    free = closed != choice.FLOOR
    return pd.DataFrame(
        {
            "λ": λ.ravel(),
            "λ, weights one": λ_one.ravel(),
            "u'(c)": u.ravel(),
            "V_b": slopes(plan.V, grid)[..., 1].ravel(),
            "today": np.where(free, u - μ - p.R * μ * (slope - 1 / p.R), np.nan).ravel(),
            "tomorrow": np.where(free, tomorrow, np.nan).ravel(),
            "regime": np.array(REGIMES)[closed.astype(int).ravel()],
        },
        _nodes(plan),
    )


def stored(
    p: Parameters,
    reading: str = "allocation",
    grid: Grid | None = None,
    tolerance: float = 1e-5,
    folder=None,
    **options,
) -> Plan:
    """`solve` from the market's equilibrium on the grid, or what an earlier call left.

    Parameters
    ----------
    p : Parameters
    reading, tolerance, **options
        As in `solve`.
    grid : Grid, optional
        `default_grid(p)` where None.
    folder : Path, optional
        Another place than the cache.

    Returns
    -------
    Plan
    """
    market = equilibrium.stored(p, grid or default_grid(p), folder=folder)
    return kept(solve, market, reading, tolerance=tolerance, folder=folder, **options)


def default_grid(p: Parameters, bonds: int = 60, capital: int = 18, low: float = 0.05) -> Grid:
    """`equilibrium.default_grid` with capital spread evenly: the planner goes far."""
    grid = equilibrium.default_grid(p, bonds, capital, low)
    return Grid(grid.b, np.linspace(low, 1 - low, capital))
