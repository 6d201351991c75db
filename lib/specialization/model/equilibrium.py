"""The competitive equilibrium on a grid: time iteration, accelerated, from coarse to fine.

Today's choices at a node solve the conditions of `conditions` given expectations of tomorrow; the
policies give tomorrow's payoffs, and these the expectations. What is iterated is the payoffs:
Anderson's method does it in some forty steps a grid. Sums run in a fixed order, so that the bytes
of a solution do not depend on the number of threads.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from ..errors import DataError, NotConverged
from ..store import kept
from . import branches, conditions, equations
from .branches import all_payoffs
from .grid import Grid, default_grid, steady_capital
from .parameters import Parameters

__all__ = [
    "POLICIES",
    "DataError",
    "Equilibrium",
    "Grid",
    "NotConverged",
    "default_grid",
    "slack_curve",
    "solve",
    "steady_capital",
    "stored",
    "transition",
]

POLICIES = conditions.Policy._fields
"""Order of the policies; b and k are those of the next period."""

MEMORY = 5
"""Steps that Anderson's method looks back on."""

GATE = 0.05
"""Change of the policies below which Anderson's method takes over from plain steps."""

COARSE_STEPS = 150
"""Most steps on a grid that gives a guess only."""

STALLED = 60
"""Steps without a new smallest change after which an iteration is given up, three times that where
all nodes are solved and the change is below `GATE`. Those of the book wait 24 at most."""

EASY_φ = 1.0
"""Adjustment cost up to which a cold start is easy; larger ones are reached from here."""

SHORTEST = 1 / 64
"""Part of a path of parameters below which it is not cut further."""


@dataclass(frozen=True)
class Equilibrium:
    """A solved economy; `solve` makes it.

    Attributes
    ----------
    p : Parameters
    grid : Grid
    z : (S, 2) array
        Levels of productivity.
    P : (S, S) array
        Their transition probabilities.
    policies : (S, nB, nK, 2, 5) array
        `POLICIES` of the slack and of the binding solution, NaN where there is none (the slack
        one may break the limit where π = 1).
    π : (S, nB, nK) array
        Probability of the binding solution.
    E : (S, nB, nK, 5) array
        Expectations, see `conditions`.
    residuals : (steps, 5) array
        Largest change of each policy by step, all grids in turn.
    several : int
        Number of nodes with both solutions.
    rates : (S, nB, nK, 3) array
        Tax on debt and subsidies to capital, see `conditions`.
    path : tuple of Parameters
        Economies solved on the way to this one; empty where it was solved directly.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> eq = solve(p, default_grid(p, 12, 6))
    >>> eq.policy("b").shape, eq.several
    ((1, 12, 6), 0)
    """

    p: Parameters
    grid: Grid
    z: np.ndarray
    P: np.ndarray
    policies: np.ndarray
    π: np.ndarray
    E: np.ndarray
    residuals: np.ndarray
    several: int
    rates: np.ndarray
    path: tuple = ()

    def policy(self, name: str) -> np.ndarray:
        """Mean over the sunspot of one of `POLICIES` at the nodes, (S, nB, nK)."""
        return mixed(self.policies, self.π)[..., POLICIES.index(name)]

    def arrays(self):
        """What the compiled functions take first: problem, policies, π."""
        return problem(self.p, self.z, self.grid, self.E, self.rates), self.policies, self.π

    def at(self, s: ArrayLike, b: ArrayLike, k: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Solve at states off the grid: probability of binding (...), policies (..., 2, 5)."""
        s, b, k = np.broadcast_arrays(s, b, k)
        π, policies = branches.solve_many(
            *self.arrays(),
            s.astype(np.int64).ravel(),
            b.astype(float).ravel(),
            k.astype(float).ravel(),
        )
        return π.reshape(s.shape), policies.reshape(*s.shape, 2, 5)

    def slack(self, b: ArrayLike, q: ArrayLike) -> np.ndarray:
        """Slack of the collateral constraint at next period's bonds and today's price."""
        return conditions.slack.py_func(self.arrays()[0], np.asarray(b), np.asarray(q))

    def near_edge(self, b: ArrayLike, k: ArrayLike) -> np.ndarray:
        """Whether (b, k) lies in the outermost cells of the box, or outside."""
        B, K = self.grid.b, self.grid.k
        return (b < B[1]) | (b > B[-2]) | (k < K[1]) | (k > K[-2])


def mixed(policies, π):
    """Mean over the sunspot of policies (..., 2, 5): (..., 5)."""
    slack, binding = (
        np.where(w[..., None] > 0, policies[..., r, :], 0) for r, w in enumerate((1 - π, π))
    )
    return (1 - π[..., None]) * slack + π[..., None] * binding


def problem(p, z, grid, E, rates):
    """The `Problem` that compiled functions take."""
    return conditions.Problem(*p.scalars(grid.b[0]), E, z, grid.b, grid.k, rates)


def expected(P, values):
    """Expectation over tomorrow's productivity of values (S, ...), summed in a fixed order."""
    return np.tensordot(P, values, 1)


def _first_guess(p, z, grid):
    """Nobody moves: k' = k, b' = b, q the present value of the mean marginal product."""
    k = np.stack([grid.k, 1 - grid.k], axis=-1)
    y = equations.production(z[:, None], k, p).sum(-1)[:, None]
    q = p.β / (1 - p.β) * equations.marginal_product(z[:, None], k, p).mean(-1)[:, None]
    b = grid.b[:, None]
    values = np.broadcast_arrays(
        y + b * (1 - 1 / p.R), np.clip(q, 0, 2 * np.median(q)), b, grid.k, 0.0
    )
    values = np.stack(values, axis=-1)
    return np.stack([values, values], axis=-2)


class _Anderson:
    """Anderson's method: the next payoffs, by least squares on the changes of the last steps."""

    def __init__(self, size):
        self.dF, self.dX = np.empty((2, MEMORY, size))
        self.count, self.last = 0, None

    def step(self, W, F):
        """From payoffs W whose map moves them by F."""
        f, x = F.ravel(), (W + F).ravel()
        if self.last is not None:
            row = (self.count - 1) % MEMORY
            self.dF[row], self.dX[row] = f - self.last[0], x - self.last[1]
        n, self.last, self.count = min(self.count, MEMORY), (f, x), self.count + 1
        if n >= 2:
            dF = self.dF[:n]
            x = x - np.linalg.lstsq(dF @ dF.T, dF @ f, rcond=1e-12)[0] @ self.dX[:n]
        return x.reshape(W.shape)


def _iterate(p, z, P, grid, rates, W, policies, π, tolerance, inner, steps, bar):
    """Time iteration on one grid until a plain step moves every policy by less than tolerance.

    Returns the last payoffs, policies, π and expectations, the nodes without a solution, and the
    changes of each step.
    """
    new, π_new, residuals = policies.copy(), π.copy(), []
    fast, plain, least, coarse = None, False, 0, tolerance > inner / 0.01
    for step in range(steps):
        m = problem(p, z, grid, expected(P, W), rates)
        failures, change = branches.sweep(m, policies, π, inner, False, new, π_new)
        policies, π, new, π_new = new, π_new, policies, π
        d = change.max()
        residuals.append(change)
        bar.update()
        bar.set_postfix_str(f"change {d:.1e}", refresh=False)
        done = d < tolerance and failures == 0
        if d < residuals[least].max():
            least = step
        hopeless = failures > 0 or residuals[least].max() >= GATE
        stalled = step - least >= STALLED * (1 if hopeless else 3) and (failures > 0 or not coarse)
        if done and plain or not d < np.inf or stalled:
            break
        F, plain = all_payoffs(m, policies, π) - W, done or failures > 0 or d >= GATE
        fast = None if plain else fast or _Anderson(W.size)
        W = W + F if plain else fast.step(W, F)
    return W, policies, π, m.E, failures, residuals


def solve(
    p: Parameters,
    grid: Grid | None = None,
    tolerance: float = 1e-6,
    start: Equilibrium | None = None,
    levels: int = 3,
    steps: int = 600,
    rates: ArrayLike | None = None,
    progress: bool = False,
) -> Equilibrium:
    """The competitive equilibrium of a region with two industries.

    Parameters
    ----------
    p : Parameters
    grid : Grid, optional
        `default_grid(p)` where None.
    tolerance : float
        Largest change of any policy in a last plain step of time iteration, in units of
        max(1, its size). The error that is left in q can be fifty times that.
    start : Equilibrium, optional
        Start from this one, on the grid asked for.
    levels : int
        Grids to go through, each with half the nodes of the next.
    steps : int
        Most steps on each grid.
    rates : float or array (S, nB, nK, 3), optional
        Instruments at the nodes of the grid: tax on debt, subsidies to capital in A and B; a
        number is a constant tax.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Equilibrium
        Where a cold start fails and an adjustment cost is above `EASY_φ`, the economy is reached
        from one with lower costs; `path` has the economies in between.

    Raises
    ------
    DataError
        Parameters for another number of industries, or a box where no one can repay.
    NotConverged

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> eq = solve(p, default_grid(p, 12, 6))
    >>> eq.policies.shape
    (1, 12, 6, 2, 5)
    >>> bool(eq.slack(eq.policy("b"), eq.policy("q")).min() > -1e-9)
    True
    """
    if len(p.φ) != 2:
        raise DataError(f"solve: {len(p.φ)} industries; valid: 2")
    grid = grid or default_grid(p)
    z = equations.productivity_chain(p)[0]
    _check_box(p, z, grid)
    rates = np.asarray(0.0 if rates is None else rates, dtype=float)
    rates = np.broadcast_to(
        [float(rates), 0, 0] if rates.ndim == 0 else rates, (len(z), grid.b.size, grid.k.size, 3)
    )
    with tqdm(disable=not progress, unit=" steps") as bar:
        if start is not None:
            return _settle(p, [grid], start, rates, tolerance, steps, bar)
        grids = [grid]
        for _ in range(levels - 1):
            grids.insert(0, grids[0].coarser())
        easy = p.but(φ=tuple(min(x, EASY_φ) for x in p.φ))
        try:
            return _settle(p, grids, None, rates, tolerance, steps, bar, strict=easy != p)
        except NotConverged as error:
            if easy == p:
                raise
            return _along_path(easy, p, grids, rates, tolerance, steps, bar, error)


def _settle(p, grids, start, rates, tolerance, steps, bar, strict=False):
    """Solve on one grid after the other; from an equilibrium, or from where nobody moves.

    `strict`: give up already where a coarse grid leaves nodes without a solution.
    """
    (z, P), grid, residuals = equations.productivity_chain(p), grids[-1], []
    if start is None:
        here, policies = grids[0], _first_guess(p, z, grids[0])
        π = np.zeros(policies.shape[:3])
        m = problem(p, z, here, np.empty((1, 1, 1, 5)), rates)
    else:
        here, (m, policies, π) = start.grid, start.arrays()
    W = all_payoffs(m, policies, π)
    for level in grids:
        guess = here.interpolate(mixed(policies, π), level)
        W, π, here = here.interpolate(W, level), here.interpolate(π, level), level
        # where expectations are steep, a node solved less well than this sets off others
        W, policies, π, E, failures, changes = _iterate(
            p,
            z,
            P,
            level,
            grid.interpolate(rates, level),
            W,
            np.stack([guess, guess], -2),
            π,
            tolerance if level is grid else 1e-3,
            0.01 * tolerance,
            steps if level is grid else COARSE_STEPS,
            bar,
        )
        residuals += changes
        if failures and strict:
            break
    residuals = np.array(residuals)
    d = residuals[-1].max()
    if failures or not d < tolerance:
        raise NotConverged(
            f"equilibrium: policies still move {d:.1e}, {failures} nodes unsolved, "
            f"after {len(changes)} steps on {π.shape} nodes (tolerance "
            f"{tolerance:.0e})",
            residuals,
        )
    return _finish(p, grid, z, P, policies, π, E, residuals, grid.interpolate(rates, grid))


def _along_path(easy, p, grids, rates, tolerance, steps, bar, error):
    """From an easy economy to the one asked for, in steps that are halved where one fails."""
    bar.set_description(f"path from φ = {easy.φ}")
    try:
        eq = _settle(easy, grids, None, rates, tolerance, steps, bar)
    except NotConverged as other:
        raise NotConverged(f"{error}; nor with φ = {easy.φ}", other.residuals) from error
    path, done, step = [easy], 0.0, 0.25
    while done < 1:
        t = min(1.0, done + step)
        now = (
            p
            if t == 1
            else p.but(
                φ=tuple(
                    float(a) if a == b else float(a ** (1 - t) * b**t)
                    for a, b in zip(easy.φ, p.φ, strict=True)
                )
            )
        )
        bar.set_description(f"φ = {now.φ[0]:.3g}, {now.φ[1]:.3g}")
        try:
            eq = _settle(now, grids[-1:], eq, rates, tolerance, steps, bar)
        except NotConverged as other:
            step /= 2
            if step < SHORTEST:
                raise NotConverged(
                    f"{error}; from φ = {easy.φ} it came as far as {path[-1].φ}", other.residuals
                ) from error
        else:
            done = t
            path.append(now)
    return replace(eq, path=tuple(path[:-1]))


def _check_box(p, z, grid):
    k = np.stack([grid.k, 1 - grid.k], axis=-1)
    least = equations.production(z[:, None], k, p).sum(-1).min()
    if grid.b[0] + least <= 0:
        raise DataError(
            f"Grid: at b = {grid.b[0]:.3g} debt exceeds the lowest output in the box; "
            f"valid: b > {-least:.3g}"
        )


def _finish(p, grid, z, P, policies, π, E, residuals, rates):
    """Solve every node once more to full precision, both branches, and count them."""
    new, π_new = policies.copy(), π.copy()
    failures, _ = branches.sweep(
        problem(p, z, grid, E, rates), policies, π, 1e-12, True, new, π_new
    )
    if failures:
        raise NotConverged(f"equilibrium: {failures} nodes without an exact solution", residuals)
    apart = np.abs(new[..., 0, conditions.BONDS] - new[..., 1, conditions.BONDS]) > 1e-6
    return Equilibrium(
        p, grid, z, P, new, π_new, E, residuals, int((apart & (π_new < 1)).sum()), rates
    )


def slack_curve(eq: Equilibrium, s: int, b: float, k: float, bonds: ArrayLike) -> dict:
    r"""The collateral constraint along next period's bonds, with k' from the portfolio condition.

    Parameters
    ----------
    eq : Equilibrium
    s, b, k : int, float, float
        The state; the instruments are those in force there.
    bonds : (n,) array
        Values of b' at which something is left to consume.

    Returns
    -------
    dict of (n,) arrays: "k" (k'), "gap" (:math:`1 - \beta R E u'(c') / u'(c)`, positive where
    people would borrow more) and "slack" (:math:`b'/R + \theta q`)

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> eq = solve(p, default_grid(p, 12, 6))
    >>> slack_curve(eq, 0, -0.2, 0.5, [-0.4, 0.0])["slack"].round(2)
    array([0.1 , 0.29])
    """
    m = eq.arrays()[0]
    at = conditions.state(m, s, float(b), float(k))
    found = [branches.portfolio(m, at, float(x), float(k)) for x in np.asarray(bonds)]
    return {
        "k": np.array([y for y, _ in found]),
        "gap": np.array([here.bond.value for _, here in found]),
        "slack": np.array([here.slack.value for _, here in found]),
    }


def transition(last: Equilibrium, means: ArrayLike) -> list[Equilibrium]:
    """Equilibria of T periods in which the means of productivity drift as everybody foresees.

    Solved backward, one step of time iteration a period, from the equilibrium after the drift.

    Parameters
    ----------
    last : Equilibrium
        Holds from period T on.
    means : (T, 2) array
        Means of z̄ in each period, as `equations.mean_path` gives them.

    Returns
    -------
    list of T Equilibrium

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> last = solve(p, default_grid(p, 12, 6))
    >>> len(transition(last, [[1.0, 1.1], [1.0, 1.0]]))
    2
    """
    after, path = last, list[Equilibrium]()
    for mean in np.asarray(means, dtype=float)[::-1]:
        z = last.z - np.asarray(last.p.μ) + mean
        _check_box(last.p, z, last.grid)
        E = expected(last.P, all_payoffs(*after.arrays()))
        after = _finish(
            last.p, last.grid, z, last.P, after.policies, after.π, E, last.residuals, last.rates
        )
        path.insert(0, after)
    return path


def stored(
    p: Parameters, grid: Grid | None = None, tolerance: float = 1e-6, folder=None, **options
) -> Equilibrium:
    """`solve`, or what an earlier call with the same inputs and code left; see `store.kept`.

    Parameters
    ----------
    p, grid, tolerance, **options
        As in `solve`; all are part of the key.
    folder : Path, optional
        Another place than the cache.

    Returns
    -------
    Equilibrium
    """
    return kept(solve, p, grid or default_grid(p), tolerance, folder=folder, **options)
