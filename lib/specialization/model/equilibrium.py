"""The competitive equilibrium on a grid: time iteration, accelerated, from coarse to fine.

Today's choices at a node solve the conditions of `nodes` given expectations of tomorrow; the
policies give tomorrow's payoffs, and these the expectations. What is iterated is the payoffs:
Anderson's method does it in some forty steps a grid.
"""

import time
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from ..errors import DataError, NotConverged
from ..store import kept
from . import equations, nodes
from .parameters import Parameters

POLICIES = ("c", "q", "b", "k", "η")
"""Order of the policies; b and k are those of the next period."""

MEMORY = 5
"""Steps that Anderson's method looks back on."""

GATE = 0.05
"""Change of the policies below which Anderson's method takes over from plain steps."""

COARSE_STEPS = 150
"""Most steps on a grid that gives a guess only."""


@dataclass(frozen=True)
class Grid:
    """Nodes of bonds b and of capital k_A; both increase."""

    b: np.ndarray
    k: np.ndarray

    def __post_init__(self):
        for name in ("b", "k"):
            x = np.ascontiguousarray(getattr(self, name), dtype=float)
            object.__setattr__(self, name, x)
            if x.ndim != 1 or x.size < 2 or not (np.diff(x) > 0).all():
                raise DataError(f"Grid: {name} is not a row of at least two increasing numbers")
        if not nodes.EDGE < self.k[0] < self.k[-1] < 1 - nodes.EDGE:
            raise DataError(f"Grid: k runs from {self.k[0]} to {self.k[-1]}; valid: inside (0, 1)")

    def coarser(self):
        """About every second node, both ends included; not below 20 and 8 nodes."""
        sizes = (x.size if x.size < n else max(x.size // 2, n)
                 for x, n in ((self.b, 20), (self.k, 8)))
        return Grid(*(x[np.linspace(0, x.size - 1, n).round().astype(int)]
                      for x, n in zip((self.b, self.k), sizes, strict=True)))

    def interpolate(self, values, other):
        """Values (S, nB, nK, ...) on this grid, bilinear at the nodes of another."""
        for axis, x, y in ((1, self.b, other.b), (2, self.k, other.k)):
            i = np.clip(np.searchsorted(x, y, side="right") - 1, 0, x.size - 2)
            w = ((y - x[i]) / (x[i + 1] - x[i])).reshape(-1, *(1,) * (values.ndim - axis - 1))
            low, high = np.take(values, i, axis), np.take(values, i + 1, axis)
            values = low + w * (high - low)
        return values


def steady_capital(p):
    """k_A at which private marginal products are equal at mean productivity."""
    k = np.linspace(0, 1, 2001)[1:-1]
    A, B = equations.marginal_product(np.asarray(p.μ), np.stack([k, 1 - k], -1), p).T
    return k[np.abs(np.log(A / B)).argmin()]


def default_grid(p, bonds=158, capital=36, low=None):
    """A box and its nodes, most of them where debt lives and around the steady capital.

    Debt reaches 1.5 times what collateral carries at the deterministic price βMPK/(1-β), or the
    part of the lowest output that leaves something to eat; savings reach what a rule of thumb for
    precaution says, γσ/(1-ρ)/√(1-βR)/2, or 0.4 with a threshold. Capital runs from `low` to
    1 - low: 0.05, or 0.09 with a threshold. Nearer to the edge binding solutions end within δ of
    the threshold, the odds jump there, and the iteration may go round for ever.
    """
    low = low or (0.05 if p.selection == "unique" else 0.09)
    z, k = equations.productivity_chain(p)[0], steady_capital(p)
    price = p.β * equations.marginal_product(np.asarray(p.μ), np.array([k, 1 - k]), p)[0] / (1 - p.β)
    debt = p.R * {"market": p.θ * price, "fixed price": p.θ * p.q_bar, "fixed limit": p.limit,
                  "none": 1.0 / p.R}[p.collateral]
    ends = np.array([[low, 1 - low], [1 - low, low]])
    bottom = -min(1.5 * debt + 0.02, 0.8 * equations.production(z.min(0), ends, p).sum(-1).min())
    risk = max(σ / (1 - ρ) for σ, ρ in zip(p.σ, p.ρ, strict=True))
    top = max(0.4, 0.5 * p.γ * risk / np.sqrt(1 - p.β * p.R))
    share, knots = [0, 0.05, 0.85, 1], [bottom, max(0.9 * bottom, -1.15 * debt), -0.1 * debt, top]
    if p.selection != "unique":
        top, share = 0.4, [0, 0.1, 0.6, 0.9, 1]
        knots = [bottom, *(-min(x * debt, -y * bottom) for x, y in (
            (0.58, 0.9), (0.46, 0.6), (0.04, 0.05))), top]
    b = np.interp(np.linspace(0, 1, bonds), share, knots)
    x = np.linspace(-1, 1, capital)
    sides = np.where(x < 0, k - low, 1 - low - k)
    return Grid(b, k + sides * (0.25 * x + 0.75 * x**3))


@dataclass(frozen=True)
class Equilibrium:
    """A solved economy; `solve` makes it.

    policies (S, nB, nK, 2, 5): `POLICIES` of the slack and of the binding solution, NaN where
    there is none (the slack one may break the limit where π = 1); π (S, nB, nK): probability of
    the binding one; E (S, nB, nK, 5): expectations of `nodes`; z (S, 2), P (S, S): productivity;
    residuals (steps, 5): changes of the policies; several: number of nodes with both solutions;
    rates (S, nB, nK, 3): tax on debt and subsidies to capital, see `nodes`.
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
    seconds: float
    rates: np.ndarray

    def policy(self, name):
        """Mean over the sunspot of one of `POLICIES` at the nodes, (S, nB, nK)."""
        return _mixed(self.policies, self.π)[..., POLICIES.index(name)]

    def arrays(self):
        """What the compiled functions of `nodes` take first: problem, policies, π."""
        return _problem(self.p, self.z, self.grid, self.E, self.rates), self.policies, self.π

    def at(self, s, b, k):
        """Solve at states off the grid: probability of binding (...), policies (..., 2, 5)."""
        s, b, k = np.broadcast_arrays(s, b, k)
        π, policies = nodes.solve_many(*self.arrays(), s.astype(np.int64).ravel(),
                                       b.astype(float).ravel(), k.astype(float).ravel())
        return π.reshape(s.shape), policies.reshape(*s.shape, 2, 5)

    def near_edge(self, b, k):
        """Whether (b, k) lies in the outermost cells of the box, or outside."""
        B, K = self.grid.b, self.grid.k
        return (b < B[1]) | (b > B[-2]) | (k < K[1]) | (k > K[-2])


def _mixed(policies, π):
    slack, binding = (np.where(w[..., None] > 0, policies[..., r, :], 0)
                      for r, w in enumerate((1 - π, π)))
    return (1 - π[..., None]) * slack + π[..., None] * binding


def _first_guess(p, z, grid):
    """Nobody moves: k' = k, b' = b, q the present value of the mean marginal product."""
    k = np.stack([grid.k, 1 - grid.k], axis=-1)
    y = equations.production(z[:, None], k, p).sum(-1)[:, None]
    q = p.β / (1 - p.β) * equations.marginal_product(z[:, None], k, p).mean(-1)[:, None]
    b = grid.b[:, None]
    values = np.broadcast_arrays(y + b * (1 - 1 / p.R), np.clip(q, 0, 2 * np.median(q)), b,
                                 grid.k, 0.0)
    values = np.stack(values, axis=-1)
    return np.stack([values, values], axis=-2)


def _problem(p, z, grid, E, rates):
    return nodes.Problem(*p.scalars(grid.b[0]), E, z, grid.b, grid.k, rates)


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
    new, π_new, change, residuals = policies.copy(), π.copy(), np.zeros(5), []
    fast, plain = None, False
    for _ in range(steps):
        m = _problem(p, z, grid, np.tensordot(P, W, 1), rates)
        failures = nodes.sweep(m, policies, π, inner, False, new, π_new, change)
        policies, π, new, π_new = new, π_new, policies, π
        d = change.max()
        residuals.append(change.copy())
        bar.update()
        bar.set_postfix_str(f"change {d:.1e}", refresh=False)
        done = d < tolerance and failures == 0
        if done and plain or not d < np.inf:
            break
        F, plain = nodes.all_payoffs(m, policies, π) - W, done or failures > 0 or d >= GATE
        fast = None if plain else fast or _Anderson(W.size)
        W = W + F if plain else fast.step(W, F)
    return W, policies, π, m.E, failures, residuals


def solve(p, grid=None, tolerance=1e-6, start=None, levels=3, steps=600, rates=None,
          progress=False):
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

    Raises
    ------
    DataError
        Parameters for another number of industries, or a box where no one can repay.
    NotConverged
    """
    clock = time.process_time()
    if len(p.φ) != 2:
        raise DataError(f"solve: {len(p.φ)} industries; valid: 2")
    z, P = equations.productivity_chain(p)
    grid = grid or default_grid(p)
    _check_box(p, z, grid)
    rates = np.broadcast_to([rates or 0.0, 0, 0] if np.ndim(rates) == 0 else rates,
                            (len(z), grid.b.size, grid.k.size, 3))
    grids = [grid]
    for _ in range(levels - 1 if start is None else 0):
        grids.insert(0, grids[0].coarser())
    if start is None:
        here, policies = grids[0], _first_guess(p, z, grids[0])
        π = np.zeros(policies.shape[:3])
        m = _problem(p, z, here, np.empty((1, 1, 1, 5)), rates)
    else:
        here, (m, policies, π) = start.grid, start.arrays()
    W = nodes.all_payoffs(m, policies, π)
    residuals = []
    with tqdm(disable=not progress, unit=" steps") as bar:
        for level in grids:
            mean = here.interpolate(_mixed(policies, π), level)
            W, π, here = here.interpolate(W, level), here.interpolate(π, level), level
            # where expectations are steep, a node solved less well than this sets off others
            W, policies, π, E, failures, path = _iterate(
                p, z, P, level, grid.interpolate(rates, level), W, np.stack([mean, mean], -2), π,
                tolerance if level is grid else 1e-3, 0.01 * tolerance,
                steps if level is grid else COARSE_STEPS, bar)
            residuals += path
    residuals = np.array(residuals)
    d = residuals[-1].max()
    if failures or not d < tolerance:
        raise NotConverged(f"equilibrium: policies still move {d:.1e}, {failures} nodes unsolved, "
                           f"after {len(path)} steps on {π.shape} nodes (tolerance "
                           f"{tolerance:.0e})", residuals)
    return _finish(p, grid, z, P, policies, π, E, residuals, clock, grid.interpolate(rates, grid))


def _check_box(p, z, grid):
    k = np.stack([grid.k, 1 - grid.k], axis=-1)
    least = equations.production(z[:, None], k, p).sum(-1).min()
    if grid.b[0] + least <= 0:
        raise DataError(f"Grid: at b = {grid.b[0]:.3g} debt exceeds the lowest output in the box; "
                        f"valid: b > {-least:.3g}")


def _finish(p, grid, z, P, policies, π, E, residuals, clock, rates):
    """Solve every node once more to full precision, both branches, and count them."""
    new, π_new, change = policies.copy(), π.copy(), np.zeros(5)
    failures = nodes.sweep(_problem(p, z, grid, E, rates), policies, π, 1e-12, True, new, π_new,
                           change)
    if failures:
        raise NotConverged(f"equilibrium: {failures} nodes without an exact solution", residuals)
    apart = np.abs(new[..., 0, nodes.X] - new[..., 1, nodes.X]) > 1e-6
    return Equilibrium(p, grid, z, P, new, π_new, E, residuals, int((apart & (π_new < 1)).sum()),
                       time.process_time() - clock, rates)


def slack_curve(eq, s, b, k, bonds):
    r"""The collateral constraint along next period's bonds, with k' from the portfolio condition.

    Parameters
    ----------
    eq : Equilibrium
    s, b, k : state
    bonds : (n,) array
        Values of b' at which something is left to consume.

    Returns
    -------
    dict of (n,) arrays: "k" (k'), "gap" (:math:`1 - \beta R E u'(c') / u'(c)`, positive where
    people would borrow more) and "slack" (:math:`b'/R + \theta q`)
    """
    m, w = eq.arrays()[0], nodes.scratch()
    cash = nodes.funds(m, s, b, k)
    rows = [nodes.portfolio(m, s, cash, k, x, k, w) for x in bonds]
    return dict(zip(("k", "gap", "slack"), np.transpose(rows), strict=True))


def transition(last, means):
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
    """
    after, path = last, []
    for mean in np.asarray(means, dtype=float)[::-1]:
        clock, z = time.process_time(), last.z - np.asarray(last.p.μ) + mean
        _check_box(last.p, z, last.grid)
        E = np.tensordot(last.P, nodes.all_payoffs(*after.arrays()), 1)
        after = _finish(last.p, last.grid, z, last.P, after.policies, after.π, E,
                        last.residuals, clock, last.rates)
        path.insert(0, after)
    return path


def stored(p, grid=None, tolerance=1e-6, folder=None, **options):
    """`solve`, or what an earlier call with the same inputs and code left; see `store.kept`."""
    return kept(solve, p, grid or default_grid(p), tolerance, folder=folder, **options)
