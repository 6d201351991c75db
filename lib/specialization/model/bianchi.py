"""Bianchi (2011) by the methods of this book: one good sold abroad, one that is not, one bond.

The income that backs debt is worth more where people consume more, so each person's debt moves
the limit of all, as the price of capital does in `equations`. A benchmark with published numbers:
the choice at a state closes the lesser of two gaps by the search of `choice`, values are the
cubics of `planner`, and `regret` asks of a plan what is asked of a `planner.Plan`.

The conventions are those of the paper: b pays R b, and c_T + b' = y_T + R b.
"""

from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..errors import DataError, NotConverged
from .choice import Bracket, hermite, inward, narrowed, outward, unbounded
from .compiled import jit
from .conditions import locate
from .grid import Grid
from .planner import slopes

A = ((0.901009, -0.45321), (0.495189, 0.22513))
"""Persistence of (y_T, y_N) in Argentina, 1965-2007; printed as .901, -.453, .495, .225. The
digits beyond are those behind the chain of the author's programs, see `quadrature`."""

Σ = ((0.00219105027, 0.00162283373), (0.00162283373, 0.00169597631))
"""Variance of its innovations."""

OWNERS = ("market", "planner")
"""Whose policies `solve` finds."""

Problem = namedtuple("Problem", "σ η ω κ β R y_T y_N bonds ahead cubic")
"""What the compiled functions take. ahead (S, n, 2): expectation of tomorrow's worth of a bond,
times βR; or, where cubic, β E V' with its slope in b'."""


def quadrature(A: ArrayLike = A, Σ: ArrayLike = Σ, n: int = 4) -> tuple[np.ndarray, np.ndarray]:
    r"""A chain for :math:`y' - 1 = A (y - 1) + ε`, :math:`ε \sim N(0, Σ)`, by Gauss-Hermite rules.

    States are the nodes of an innovation around one; the probability of a node is its weight times
    the density of y' given y over that of an innovation, normalised to one.

    Parameters
    ----------
    A, Σ : (2, 2) array_like
    n : int
        Nodes in each direction.

    Returns
    -------
    y : (n², 2) array
        The first varies fastest.
    P : (n², n²) array

    Examples
    --------
    >>> y, P = quadrature()
    >>> y[0].round(5), P[0, :2].round(5)
    (array([0.89073, 0.86718]), array([0.18641, 0.50209]))

    References
    ----------
    Tauchen and Hussey (1991), "Quadrature-based methods for obtaining approximate solutions to
    nonlinear asset pricing models".
    """
    A, L = np.asarray(A), np.linalg.cholesky(np.asarray(Σ))
    x, w = np.polynomial.hermite_e.hermegauss(n)
    nodes = np.stack([np.tile(x, n), np.repeat(x, n)], -1)
    means = np.linalg.solve(L, A @ L @ nodes.T).T  # of y' - 1, in units of the innovations
    P = np.tile(w, n) * np.repeat(w, n) * np.exp(means @ nodes.T)
    return 1 + nodes @ L.T, P / P.sum(1, keepdims=True)


@dataclass(frozen=True)
class Economy:
    """Bianchi's economy; the defaults are those of the author's programs, a year the unit of time.

    Attributes
    ----------
    σ, η, ω, κ, β, R : float
        Risk aversion; the elasticity of substitution is 1/(1+η); weight of tradables; share of
        income that backs debt; discount factor; gross interest rate.
    y : (S, 2) array
        Endowments of tradables and nontradables by state, mean 1; `quadrature` where None.
    P : (S, S) array
        Transition probabilities.

    Raises
    ------
    DataError
        βR of 1 or more, weights or shares outside (0, 1).

    Examples
    --------
    >>> p = Economy()
    >>> p.y.shape, round(1 / (1 + p.η), 2)
    ((16, 2), 0.83)
    """

    σ: float = 2.0
    η: float = 1 / 0.83 - 1
    ω: float = 0.307
    κ: float = 0.3235
    β: float = 0.906
    R: float = 1.04
    y: np.ndarray = None  # type: ignore[assignment]
    P: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self):
        if not self.β * self.R < 1:
            raise DataError(f"Economy: βR = {self.β * self.R:.4g}; valid: below 1")
        for name in ("ω", "κ"):
            if not 0 < getattr(self, name) < 1:
                raise DataError(f"Economy: {name} = {getattr(self, name)}; valid: 0 < {name} < 1")
        if self.y is None:
            for name, x in zip(("y", "P"), quadrature(), strict=True):
                object.__setattr__(self, name, x)


PRINTED = Economy(ω=0.31, κ=0.32, β=0.91)
"""The paper prints these, rounded."""


@jit
def composite(m, c_T, y_N):
    """Consumption of both goods, (ω c_T^-η + (1 - ω) y_N^-η)^(-1/η); Cobb-Douglas where η = 0."""
    if m.η == 0:
        return c_T**m.ω * y_N ** (1 - m.ω)
    return (m.ω * c_T**-m.η + (1 - m.ω) * y_N**-m.η) ** (-1 / m.η)


@jit
def price(m, c_T, y_N):
    """Price of the nontradable, (1 - ω)/ω (c_T / y_N)^(1+η)."""
    return (1 - m.ω) / m.ω * (c_T / y_N) ** (1 + m.η)


@jit
def marginal_utility(m, c_T, y_N):
    """u_T: marginal utility of the tradable, c^-σ ∂c/∂c_T."""
    return m.ω * composite(m, c_T, y_N) ** (1 + m.η - m.σ) * c_T ** -(1 + m.η)


@jit
def limit(m, c_T, y_T, y_N):
    """Most debt, κ (y_T + p y_N)."""
    return m.κ * (y_T + price(m, c_T, y_N) * y_N)


@jit
def feedback(m, c_T, y_N):
    """Ψ: by how much one more c_T raises the limit, κ (1 + η) p y_N / c_T; below one, one root."""
    return m.κ * (1 + m.η) * price(m, c_T, y_N) * y_N / c_T


@jit
def utility(m, c_T, y_N):
    """u(c) of the composite."""
    c = composite(m, c_T, y_N)
    return np.log(c) if m.σ == 1 else (c ** (1 - m.σ) - 1) / (1 - m.σ)


@jit
def expected(m, s, x):
    """Value at b' = x of what lies ahead of state s, and its slope."""
    i = locate(m.bonds, x)
    h = m.bonds[i + 1] - m.bonds[i]
    u, (f, f_x), (g, g_x) = (x - m.bonds[i]) / h, m.ahead[s, i], m.ahead[s, i + 1]
    if not m.cubic:
        return f + u * (g - f), (g - f) / h
    a, a_x, d, d_x = hermite(u, h, False)
    b, b_x, e, e_x = hermite(u, h, True)
    return f * a + f_x * d + g * b + g_x * e, f * a_x + f_x * d_x + g * b_x + g_x * e_x


@jit
def gaps(m, s, b, x):
    """What b' = x must close: the bond equation and the limit; both rise with x.

    The bond equation is u_T = βR E of tomorrow's worth of a bond, or for a planner by value
    u_T = β E ∂V'/∂b'; its gap is in units of u_T.
    """
    y_T, y_N = m.y_T[s], m.y_N[s]
    c = y_T + m.R * b - x
    value, slope = expected(m, s, x)
    worth = slope if m.cubic else value
    return 1 - worth / marginal_utility(m, c, y_N), x + limit(m, c, y_T, y_N)


@jit
def choose(m, s, b, x):
    """b' at which the lesser of the two gaps is zero, sought from x on, and whether it binds."""
    low, high = m.bonds[0], min(m.bonds[-1], (m.y_T[s] + m.R * b) * (1 - 1e-9))
    x = min(max(x, low), high)
    f = min(gaps(m, s, b, x))
    a, step = Bracket(x, f, x, f), 1e-3
    while unbounded(a, low, high):
        x = outward(a, step, low, high)
        a, step = Bracket(x, min(gaps(m, s, b, x)), a.x, a.f), 4 * step
    for n in range(100):
        if not a.f_last * a.f < 0 or abs(a.x - a.last) < 1e-13 or a.f == 0:
            break
        x = inward(a, n)
        a = narrowed(a, x, min(gaps(m, s, b, x)))
    bond, room = gaps(m, s, b, a.x)
    return a.x, room < bond


@jit
def sweep(m, guess):
    """`choose` at every node: b' (S, n) and where it binds."""
    new, binds = np.empty(guess.shape), np.empty(guess.shape, np.bool_)
    for s, i in np.ndindex(guess.shape):
        new[s, i], binds[s, i] = choose(m, s, m.bonds[i], guess[s, i])
    return new, binds


@jit
def follow(m, policy):
    """Value at every node of choices that stay; `m` cubic."""
    V = np.empty(policy.shape)
    for s, i in np.ndindex(policy.shape):
        c = m.y_T[s] + m.R * m.bonds[i] - policy[s, i]
        V[s, i] = utility(m, c, m.y_N[s]) + expected(m, s, policy[s, i])[0]
    return V


@dataclass(frozen=True)
class Solution:
    """Policies of the market or of the planner; `solve` makes it.

    Attributes
    ----------
    p : Economy
    owner : str
        One of `OWNERS`.
    bonds : (n,) array
    policy : (S, n) array
        b' at the nodes.
    binds : (S, n) array
        Whether the limit holds there.
    ahead : (S, n, 2) array
        See `Problem`.
    V : (S, n) array
        Welfare.

    Examples
    --------
    >>> eq = solve(Economy(), bonds=np.linspace(-1.02, -0.2, 40))
    >>> eq.table(0, [-0.95]).round(3).to_dict("list")["binds"]
    [1.0]
    """

    p: Economy
    owner: str
    bonds: np.ndarray
    policy: np.ndarray
    binds: np.ndarray
    ahead: np.ndarray
    V: np.ndarray

    def problem(self) -> Problem:
        """What the compiled functions take."""
        return _problem(self.p, self.bonds, self.ahead, False)

    def table(self, s: int, b: ArrayLike) -> pd.DataFrame:
        """The choice in state s at bonds b, solved anew there: b', binds, c_T, p, u_T, slack."""
        m, rows = self.problem(), []
        for x in np.atleast_1d(b):
            b1, binds = choose(m, s, float(x), float(x))
            c = m.y_T[s] + m.R * x - b1
            rows.append((b1, binds, c, price(m, c, m.y_N[s]), marginal_utility(m, c, m.y_N[s])))
        table = pd.DataFrame(rows, np.atleast_1d(b), ["b'", "binds", "c_T", "p", "u_T"], float)
        return table.assign(slack=[gaps(m, s, x, r)[1] for x, r in table["b'"].items()])


def _problem(p, bonds, ahead, cubic):
    numbers = (float(x) for x in (p.σ, p.η, p.ω, p.κ, p.β, p.R))
    y_T, y_N = np.ascontiguousarray(p.y.T)
    return Problem(*numbers, y_T, y_N, bonds, ahead, cubic)


def _cubic(p, bonds, V):
    # the planner's cubics have two dimensions: a capital that does nothing is the other
    line = Grid(bonds, np.array([0.25, 0.5, 0.75]))
    ahead = slopes(np.repeat((p.β * p.P @ V)[..., None], 3, -1), line)[:, :, 1, :2]
    return np.ascontiguousarray(ahead)


def _worth(p, bonds, policy, binds, ahead, owner):
    """Worth of a bond today, u_T, to a planner u_T + Ψ μ; its βR expectation as `ahead`."""
    m = _problem(p, bonds, ahead, False)
    c = p.y[:, :1] + p.R * bonds - policy
    u = marginal_utility(m, c, p.y[:, 1:])
    if owner != "market":
        Ψ = feedback(m, c, p.y[:, 1:])
        later = np.array(
            [np.interp(x, bonds, E) for x, E in zip(policy, ahead[..., 0], strict=True)]
        )
        u = u + np.where(binds, np.maximum(0, u - later), 0) * Ψ / (1 - Ψ)
    E = p.β * p.R * p.P @ u
    return np.stack([E, E], -1)


def solve(
    p: Economy | None = None,
    owner: str = "market",
    bonds: ArrayLike | None = None,
    tolerance: float = 1e-8,
    steps: int = 2000,
) -> Solution:
    r"""The market's equilibrium, or the plan of one who sees that debt moves the limit.

    The market's bonds solve :math:`u_T = βR E u_T' + μ`, the planner's
    :math:`u_T + μ Ψ = βR E (u_T' + μ' Ψ') + μ`, with :math:`Ψ` as in `feedback`.

    Parameters
    ----------
    p : Economy, optional
    owner : str
        One of `OWNERS`.
    bonds : (n,) array_like, optional
        Nodes; 400 from -1.02 to -0.2 where None, the interval of the author.
    tolerance : float
        Largest change of b' in the last step.
    steps : int
        Most steps.

    Returns
    -------
    Solution

    Raises
    ------
    DataError
        Unknown owner.
    NotConverged

    Examples
    --------
    >>> eq = solve(bonds=np.linspace(-1.02, -0.2, 40))
    >>> eq.policy.shape
    (16, 40)
    """
    if owner not in OWNERS:
        raise DataError(f"bianchi: owner {owner!r}; valid: {', '.join(OWNERS)}")
    p = p or Economy()
    bonds = np.linspace(-1.02, -0.2, 400) if bonds is None else np.asarray(bonds, dtype=float)
    start = _start(p, bonds, owner, tolerance)
    policy, binds, ahead, changes = start.policy, start.binds, start.ahead, []
    for _ in range(steps):
        ahead = _worth(p, bonds, policy, binds, ahead, owner)
        new, binds = sweep(_problem(p, bonds, ahead, False), policy)
        changes.append(np.abs(new - policy).max())
        policy = new
        if not changes[-1] > tolerance:
            break
    if not changes[-1] <= tolerance:
        raise NotConverged(
            f"bianchi: b' of the {owner} still moves {changes[-1]:.1e} after {len(changes)} steps",
            np.array(changes),
        )
    found = replace(start, owner=owner, policy=policy, binds=binds, ahead=ahead)
    return replace(found, V=value(found))


def _start(p, bonds, owner, tolerance):
    """The market's solution for a planner; for the market, b' = b."""
    if owner != "market":
        return solve(p, "market", bonds, tolerance)
    policy = np.tile(bonds, (len(p.y), 1))
    nothing = np.zeros(policy.shape)
    ahead = _worth(p, bonds, policy, nothing > 0, np.stack([nothing, nothing], -1), owner)
    return Solution(p, owner, bonds, policy, nothing > 0, ahead, nothing)


def value(solution: Solution, tolerance: float = 1e-11) -> np.ndarray:
    r"""Welfare :math:`V = E \sum_t β^t u(c_t)` of policies that stay, (S, n).

    Parameters
    ----------
    solution : Solution
    tolerance : float
        Difference between nodes in the last change.

    Returns
    -------
    (S, n) array

    Examples
    --------
    >>> eq = solve(bonds=np.linspace(-1.02, -0.2, 40))
    >>> bool(np.abs(value(eq) - eq.V).max() < 1e-9)
    True
    """
    p, V = solution.p, solution.V
    for _ in range(1000):
        m = _problem(p, solution.bonds, _cubic(p, solution.bonds, V), True)
        out = follow(m, solution.policy)
        change = out - V
        V = out + p.β / (1 - p.β) * change.mean()
        if np.ptp(change) < tolerance:
            return V
    raise NotConverged(f"bianchi: value still moves {np.ptp(change):.1e}", np.array([]))


def gain(plan: Solution, market: Solution) -> np.ndarray:
    """Consumption equivalent of the plan over the market at the same node, (S, n).

    Parameters
    ----------
    plan, market : Solution
        On the same nodes.

    Returns
    -------
    (S, n) array
        0.01 is one percent of consumption of both goods, for ever.

    Examples
    --------
    >>> eq = solve(bonds=np.linspace(-1.02, -0.2, 40))
    >>> float(gain(eq, eq).max())
    0.0
    """
    p = plan.p
    if p.σ == 1:
        return np.exp((1 - p.β) * (plan.V - market.V)) - 1
    a, b = (1 + (1 - p.σ) * (1 - p.β) * x.V for x in (plan, market))
    return (a / b) ** (1 / (1 - p.σ)) - 1


def regret(plan: Solution) -> np.ndarray:
    """What the best single deviation from a plan adds, (S, n), as a share of consumption for ever.

    The deviation is chosen by value, u(c) + β E V' with cubic V', not by a multiplier.

    Parameters
    ----------
    plan : Solution

    Returns
    -------
    (S, n) array

    Examples
    --------
    >>> plan = solve(owner="planner", bonds=np.linspace(-1.02, -0.2, 100))
    >>> bool(regret(plan).max() < 1e-5)
    True
    """
    m = _problem(plan.p, plan.bonds, _cubic(plan.p, plan.bonds, plan.V), True)
    best = follow(m, sweep(m, plan.policy)[0])
    return gain(replace(plan, V=np.maximum(best, follow(m, plan.policy))), plan)


def tax(plan: Solution) -> np.ndarray:
    r"""Tax on debt that makes the market choose the plan, :math:`u_T = (1 + τ) βR E u_T'`.

    Parameters
    ----------
    plan : Solution

    Returns
    -------
    (S, n) array
        Zero where the limit binds.

    Examples
    --------
    >>> eq = solve(bonds=np.linspace(-1.02, -0.2, 40))
    >>> bool(np.abs(tax(eq)[~eq.binds]).max() < 1e-6)       # the market itself
    True
    """
    p, m = plan.p, plan.problem()
    u = marginal_utility(m, p.y[:, :1] + p.R * plan.bonds - plan.policy, p.y[:, 1:])
    E = p.β * p.R * p.P @ u
    later = np.array([np.interp(x, plan.bonds, e) for x, e in zip(plan.policy, E, strict=True)])
    return np.where(plan.binds, 0.0, u / later - 1)


PUBLISHED = pd.DataFrame(
    {
        "market": [5.5, 29.2, 5.9, 7.5, 2.8, 0.83, -0.76],
        "planner": [0.4, 28.6, 5.3, 3.4, 0.6, 0.86, -0.05],
    },
    [
        "probability of a crisis",
        "mean debt",
        "sd of consumption",
        "sd of the price index",
        "sd of the current account",
        "correlation of c and y",
        "correlation of the current account and y",
    ],
)
"""What the paper prints, by the labels of `moments`."""

PUBLISHED_GAIN, PUBLISHED_TAX = 0.135, 5.0
"""Mean gain in percent of consumption, and mean tax on debt in percent, as printed."""


def average(walk: pd.DataFrame, solution: Solution, values: np.ndarray) -> float:
    """Mean along a history of values (S, n) at the nodes of a solution.

    Parameters
    ----------
    walk : DataFrame
        As from `simulate`.
    solution : Solution
    values : (S, n) array

    Returns
    -------
    float

    Examples
    --------
    >>> eq = solve(bonds=np.linspace(-1.02, -0.2, 40))
    >>> walk = simulate(eq, 1000)
    >>> bool(abs(average(walk, eq, np.tile(eq.bonds, (16, 1))) - walk["b"].mean()) < 1e-12)
    True
    """
    parts = [np.interp(x, solution.bonds, values[s]).sum() for s, x in walk.groupby("s")["b"]]
    return float(sum(parts) / len(walk))


@jit
def _walk(m, P, draws, b):
    s, states, bonds, binds = (
        0,
        np.empty(draws.size, np.int64),
        np.empty(draws.size + 1),
        draws > 2,
    )
    bonds[0] = b
    for t in range(draws.size):
        s = min(np.searchsorted(P[s], draws[t]), P.shape[0] - 1)
        states[t] = s
        bonds[t + 1], binds[t] = choose(m, s, bonds[t], bonds[t])
    return states, bonds, binds


def simulate(solution: Solution, periods: int = 200_000, seed: int = 0) -> pd.DataFrame:
    """A long history, each choice solved anew; the first 1,000 years are left out.

    Parameters
    ----------
    solution : Solution
    periods : int
    seed : int
        The same shocks for every solution with the same seed.

    Returns
    -------
    DataFrame
        "s", "b", "b'", "binds", "y" (income in tradables), "c" (both goods), "c_T", "p", "outflow"
        (b' - b) and "P" (price of the composite in tradables) by year.

    Examples
    --------
    >>> eq = solve(bonds=np.linspace(-1.02, -0.2, 40))
    >>> simulate(eq, 100).shape
    (100, 10)
    """
    m, cut = solution.problem(), 1000
    draws = np.random.default_rng(seed).random(periods + cut)
    s, b, binds = _walk(m, solution.p.P.cumsum(1), draws, float(solution.bonds.mean()))
    s, b, b1, binds = s[cut:], b[cut:-1], b[cut + 1 :], binds[cut:]
    y_T, y_N = solution.p.y[s].T
    c_T = y_T + m.R * b - b1
    p, c = price(m, c_T, y_N), composite(m, c_T, y_N)
    return pd.DataFrame(
        {
            "s": s,
            "b": b,
            "b'": b1,
            "binds": binds,
            "y": y_T + p * y_N,
            "c": c,
            "c_T": c_T,
            "p": p,
            "outflow": b1 - b,
            "P": (c_T + p * y_N) / c,
        }
    )


def moments(walk: pd.DataFrame, cut: float) -> pd.Series:
    """What the paper reports of a history, in percent (correlations: between -1 and 1).

    Parameters
    ----------
    walk : DataFrame
        As from `simulate`.
    cut : float
        A crisis is a year in which the limit binds and more than this flows out; the paper takes
        the mean and one standard deviation of the market's, see `threshold`.

    Returns
    -------
    Series

    Examples
    --------
    >>> walk = simulate(solve(bonds=np.linspace(-1.02, -0.2, 40)), 1000)
    >>> moments(walk, threshold(walk)).index[0]
    'probability of a crisis'
    """
    current = walk["outflow"] / walk["y"]
    return pd.Series(
        {
            "probability of a crisis": 100 * (walk["binds"] & (walk["outflow"] > cut)).mean(),
            "mean debt": -100 * (walk["b'"] / walk["y"]).mean(),
            "sd of consumption": 100 * walk["c"].std() / walk["c"].mean(),
            "sd of the price index": 100 * walk["P"].std() / walk["P"].mean(),
            "sd of the current account": 100 * current.std(),
            "correlation of c and y": walk["c"].corr(walk["y"]),
            "correlation of the current account and y": current.corr(walk["y"]),
        }
    )


def threshold(market: pd.DataFrame) -> float:
    """Outflow above which a year in which the limit binds is a crisis: mean and one sd.

    Parameters
    ----------
    market : DataFrame
        The market's history.

    Returns
    -------
    float

    Examples
    --------
    >>> threshold(pd.DataFrame({"outflow": [-1.0, 1.0]})).__round__(3)
    1.414
    """
    return float(market["outflow"].mean() + market["outflow"].std())
