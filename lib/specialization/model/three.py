r"""The equilibrium with three endogenous states: three industries, or capital that can be built.

Both models keep households' problem of `equations`, for I industries. With u' = u'(c),

.. math::
    u'(c) &= βR\, E\, u'(c') + η, \qquad η \ge 0, \quad η\,(b'/R + θ q K) = 0 \\
    u'(c)\,(q + Φ_{2,i}) &= β E\big[u'(c') (\bar z_i' α k_i'^{α+ξ_i-1} + q' - Φ_{1,i}')
        + θ q' η'\big] \quad \text{for each } i \\
    c + b'/R &= \sum_i [\bar z_i k_i^{α+ξ_i} - Φ_i(k_i, k_i')] + b - X(K, K')

*Three industries.* I = 3, K = 1 and X = 0. Three capital equations and Σ k_i' = 1 give k' and q.

*Capital that can be built.* I = 2. Competitive producers turn X goods into K' - K of capital,

.. math::
    X(K, K') = \bar q K \big[g + \tfrac{ψ}{2} g^2\big], \quad g = K'/K - 1, \qquad
    q = ∂X/∂K' = \bar q (1 + ψ g)

and turn it back where K' < K; households own them, and take their profit q (K' - K) - X as given.
The profit cancels in the budget, which leaves X. So capital grows by (q/q̄ - 1)/ψ a year: as
ψ → ∞ it stands still, X = q̄ K g + (q - q̄) K g / 2 → 0, and q is free: the model with K fixed at
what it was. As ψ → 0 the price stands still instead, q = q̄. The limit on debt is on the capital
in place, θ q K, as in the model with K = 1; a unit of k' carries the collateral θ q' next year in
whatever industry, so the capital equations stay as they are. Capital does not wear out: X is net
investment. Production is with the capital of the year before; the limit is on debt agreed today
against today's capital at today's price.

Both are one system. N = k_1 + k_2 is capital in the first two industries, w = k_1 / N. The price
q_3 of what these two add comes from industry 3, with k_3 = 1 - N, or from the producers,
q̄ (1 + ψ (N'/N - 1)), and the conditions are q_1 = q_3, q_2 = q_3 and the bond equation, or the
limit with equality. At N = 1 the first is today's model without a third industry, the second
today's model as ψ → ∞.

Time iteration on expectations as in `equilibrium`, trilinear between nodes. For economies with
one solution in every state.

References
----------
Producers of capital as in Bernanke, Gertler and Gilchrist (1999), and Kiyotaki and Moore (1997)
for collateral in assets whose supply moves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..errors import DataError, NotConverged
from . import cube, equations
from .equilibrium import COARSE_STEPS, GATE, STALLED, _Anderson, expected
from .grid import _bonds
from .parameters import Parameters, number

POLICIES = cube.Policy._fields
"""Order of the policies; b, N and w are those of the next period."""

LOST = 1e-9
"""Slack and multiplier that count as none."""


@dataclass(frozen=True)
class Cube:
    """Nodes of bonds b, of capital N in the first two industries, of the first one's share w.

    Examples
    --------
    >>> Cube([-0.5, 0.0, 0.5], [0.5, 0.9], [0.2, 0.8]).shape
    (3, 2, 2)
    """

    b: np.ndarray
    N: np.ndarray
    w: np.ndarray

    def __post_init__(self):
        for name in ("b", "N", "w"):
            x = np.ascontiguousarray(getattr(self, name), dtype=float)
            object.__setattr__(self, name, x)
            if x.ndim != 1 or x.size < 2 or not (np.diff(x) > 0).all():
                raise DataError(f"Cube: {name} is not a row of at least two increasing numbers")
        if not 0 < self.w[0] < self.w[-1] < 1 or self.N[0] <= 0:
            raise DataError("Cube: capital; valid: N above 0 and w inside (0, 1)")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of nodes."""
        return self.b.size, self.N.size, self.w.size

    def coarser(self) -> "Cube":
        """About every second node, both ends included; not below 20, 5 and 5 nodes."""
        sizes = [
            n if n < low else max(n // 2, low)
            for n, low in zip(self.shape, (20, 5, 5), strict=True)
        ]
        return Cube(
            *(
                x[np.linspace(0, x.size - 1, n).round().astype(int)]
                for x, n in zip((self.b, self.N, self.w), sizes, strict=True)
            )
        )

    def interpolate(self, values: np.ndarray, other: "Cube") -> np.ndarray:
        """Values (S, nB, nN, nW, ...) on this grid at the nodes of another; flat beyond it."""
        for axis, name in enumerate("bNw", 1):
            x, y = (
                getattr(self, name),
                np.clip(getattr(other, name), *getattr(self, name)[[0, -1]]),
            )
            i = np.clip(np.searchsorted(x, y, side="right") - 1, 0, x.size - 2)
            u = ((y - x[i]) / (x[i + 1] - x[i])).reshape(-1, *(1,) * (values.ndim - axis - 1))
            low, high = np.take(values, i, axis), np.take(values, i + 1, axis)
            values = low + u * (high - low)
        return values


def industries(N: ArrayLike, w: ArrayLike, p: Parameters) -> np.ndarray:
    """Capital by industry.

    Parameters
    ----------
    N, w : (...) arrays
        Capital in the first two industries, and the share of the first in it.
    p : Parameters
        Of three industries, or of two where capital is built.

    Returns
    -------
    (..., I) array

    Examples
    --------
    >>> industries(0.8, 0.25, Parameters(φ=(1, 1, 1), ξ=(0, 0, 0), ρ=(0, 0, 0), σ=(0, 0, 0),
    ...     μ=(1, 1, 1), states=(1, 1, 1), k_bar=(0.3, 0.3, 0.3))).round(3)
    array([0.2, 0.6, 0.2])
    """
    N, w = np.broadcast_arrays(np.asarray(N, dtype=float), w)
    return np.stack([w * N, (1 - w) * N, 1 - N][: len(p.φ)], axis=-1)


def rest(p: Parameters, cost: float | None = None) -> dict:
    r"""Where a region without shocks rests, its limit binding.

    .. math:: q = \frac{β\, MPK}{1 - β - βθ(1 - βR)}, \qquad b = -Rθ q K

    where marginal products are equal at MPK, and either K = 1 or q = `cost`.

    Parameters
    ----------
    p : Parameters
        With collateral at the market price.
    cost : float, optional
        q̄ where capital is built; None: K = 1.

    Returns
    -------
    dict: "k" (I,) array, "q", "b"

    Examples
    --------
    >>> p = Parameters(γ=2, θ=0.1)
    >>> one = rest(p)
    >>> one["k"].round(3), bool(np.isclose(rest(p, one["q"])["k"].sum(), 1))
    (array([0.5, 0.5]), True)
    """
    ξ, μ, unit = np.asarray(p.ξ), np.asarray(p.μ), 1 / (1 - p.β - p.β * p.θ * (1 - p.β * p.R))
    one = equations.marginal_product(μ, np.ones(len(μ)), p)

    def capital(product):
        return (one / product) ** (1 / (1 - p.α - ξ))

    if cost is None:
        product = np.exp(brentq(lambda x: capital(np.exp(x)).sum() - 1, -30, 30, xtol=1e-14))
    else:
        product = cost / (p.β * unit)
    k, q = capital(product), p.β * product * unit
    return {"k": k, "q": q, "b": -p.R * p.θ * q * k.sum()}


def default_cube(
    p: Parameters,
    bonds: int = 48,
    total: int = 12,
    share: int = 12,
    low: float = 0.05,
    reach: float = 0.3,
) -> Cube:
    """A box and its nodes, most of them where debt lives.

    Parameters
    ----------
    p : Parameters
        Of three industries, or of two where capital is built.
    bonds, total, share : int
        Numbers of nodes.
    low : float
        Least share w of either industry, and with three industries least k_3.
    reach : float
        How far capital that is built goes from 1, in logs.

    Returns
    -------
    Cube

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> default_cube(SMOOTH).N[[0, -1]].round(2)
    array([0.74, 1.35])
    """
    still = rest(p)
    k, built = still["k"], len(p.φ) == 2
    if built:
        N = np.exp(_around(0.0, -reach, reach, total))
    else:
        N = _around(k[0] + k[1], 2 * low, 1 - low, total)
    w = _around(k[0] / (k[0] + k[1]), low, 1 - low, share)
    debt = {
        "market": -still["b"] * max(N[-1], 1.0) ** (p.α + max(p.ξ)),
        "fixed price": p.R * p.θ * p.q_bar,
        "fixed limit": p.R * p.limit,
        "none": 1.0,
    }[p.collateral]
    least = _least(p, Cube(np.array([0.0, 1.0]), N, w))
    return Cube(_bonds(p, debt, -min(1.5 * debt + 0.02, 0.8 * least), bonds), N, w)


def _around(middle, low, high, n):
    """n nodes from low to high, nearer to each other around the middle."""
    x = np.linspace(-1, 1, n)
    return middle + np.where(x < 0, middle - low, high - middle) * (0.25 * x + 0.75 * x**3)


def _least(p, grid, z=None):
    """Least output in a box."""
    z = equations.productivity_chain(p)[0] if z is None else z
    k = industries(*np.meshgrid(grid.N, grid.w, indexing="ij"), p)
    return equations.production(z.min(0), k, p).sum(-1).min()


@dataclass(frozen=True)
class Equilibrium:
    """A solved economy with three endogenous states; `solve` makes it.

    Attributes
    ----------
    p : Parameters
    ψ, cost : float
        How steep the price of capital that is built is, and q̄; NaN with three industries.
    grid : Cube
    z, P : (S, I) and (S, S) arrays
        Levels of productivity, transition probabilities.
    policies : (S, nB, nN, nW, 6) array
        `POLICIES`.
    E : (S, nB, nN, nW, 7 or 5) array
        Expectations, see `cube`.
    residuals : (steps, 6) array
        Largest change of each policy by step, all grids in turn.
    """

    p: Parameters
    ψ: float
    cost: float
    grid: Cube
    z: np.ndarray
    P: np.ndarray
    policies: np.ndarray
    E: np.ndarray
    residuals: np.ndarray

    @property
    def built(self) -> bool:
        """Whether capital is built."""
        return len(self.p.φ) == 2

    def policy(self, name: str) -> np.ndarray:
        """One of `POLICIES` at the nodes, (S, nB, nN, nW)."""
        return self.policies[..., POLICIES.index(name)]

    def problem(self):
        """What the compiled functions take first."""
        return _problem(self.p, self.ψ, self.cost, self.z, self.grid, self.E)

    def at(
        self, s: ArrayLike, b: ArrayLike, N: ArrayLike, w: ArrayLike, exact: bool = True
    ) -> np.ndarray:
        """Policies (..., 6) off the grid, solved anew or interpolated."""
        s, b, N, w = np.broadcast_arrays(s, b, N, w)
        rows = [np.ascontiguousarray(x.ravel(), dtype=float) for x in (b, N, w)]
        found = cube.solve_many(
            self.problem(), self.policies, s.ravel().astype(np.int64), *rows, exact
        )
        return found.reshape(*s.shape, len(POLICIES))

    def slack(self, b: ArrayLike, q: ArrayLike, N: ArrayLike) -> np.ndarray:
        """Slack of the limit at b', q and the capital in place."""
        m = self.problem()
        K = np.asarray(N) if self.built else 1.0
        return np.asarray(b) / m.R + (m.pledged * np.asarray(q) + m.fixed) * K + m.limit


def _problem(p, ψ, cost, z, grid, E):
    """The `cube.Problem` of an economy."""
    a = equations.agglomeration(np.ones(len(p.φ)), p)
    kinds = [float(x) for kind in zip(p.φ, p.ξ, a, strict=True) for x in kind]
    kinds += [1.0] * (9 - len(kinds))
    market, price = p.collateral == "market", p.collateral == "fixed price"
    limit = {"fixed limit": p.limit, "none": -grid.b[0] / p.R}.get(p.collateral, 0.0)
    return cube.Problem(
        p.α,
        p.β,
        p.γ,
        p.R,
        len(p.φ) == 2,
        float(cost),
        float(ψ),
        p.θ * market,
        p.θ * p.q_bar if price else 0.0,
        float(limit),
        *kinds,
        E,
        z,
        grid.b,
        grid.N,
        grid.w,
    )


def _first_guess(p, z, grid):
    """Nobody moves: k' = k, b' = b, q the present value of the mean marginal product."""
    b, N, w = np.meshgrid(grid.b, grid.N, grid.w, indexing="ij")
    k, z = industries(N, w, p), z[:, None, None, None]
    q = p.β / (1 - p.β) * equations.marginal_product(z, k, p).mean(-1)
    c = equations.production(z, k, p).sum(-1) + b * (1 - 1 / p.R)
    q = np.clip(q, 0, 2 * np.median(q))
    return np.stack(np.broadcast_arrays(c, q, b, N, w, 0.0), axis=-1)


def _iterate(make, P, W, policies, tolerance, inner, steps):
    """Time iteration on one grid until a plain step moves every policy by less than tolerance."""
    new, residuals, fast, plain, least = policies.copy(), [], None, False, 0
    for step in range(steps):
        m = make(expected(P, W))
        failures, change = cube.sweep(m, policies, inner, new)
        policies, new = new, policies
        d = change.max()
        residuals.append(change)
        if d < residuals[least].max():
            least = step
        done = d < tolerance and failures == 0
        if done and plain or not d < np.inf or step - least >= STALLED:
            break
        F, plain = cube.all_payoffs(m, policies) - W, done or failures > 0 or d >= GATE
        fast = None if plain else fast or _Anderson(W.size)
        W = W + F if plain else fast.step(W, F)
    return W, policies, m.E, failures, residuals


def _check(p, ψ, grid):
    if len(p.φ) not in (2, 3) or (len(p.φ) == 2) != (ψ is not None):
        raise DataError(f"three.solve: {len(p.φ)} industries; valid: 3, or 2 and ψ")
    if p.selection != "unique" or p.timing != "predetermined":
        raise DataError(
            f"three.solve: selection {p.selection!r}, timing {p.timing!r}; valid: "
            "'unique', 'predetermined'"
        )
    if len(p.φ) == 3 and grid.N[-1] >= 1:
        raise DataError(f"Cube: N up to {grid.N[-1]:.4g}; valid with three industries: below 1")
    least = _least(p, grid)
    if grid.b[0] + least <= 0:
        raise DataError(
            f"Cube: at b = {grid.b[0]:.3g} debt exceeds the lowest output in the box; "
            f"valid: b > {-least:.3g}"
        )


def solve(
    p: Parameters,
    grid: Cube | None = None,
    ψ: float | None = None,
    cost: float | None = None,
    tolerance: float = 1e-6,
    start: Equilibrium | None = None,
    levels: int = 2,
    steps: int = 400,
) -> Equilibrium:
    """The equilibrium with three industries, or with two and capital that can be built.

    Parameters
    ----------
    p : Parameters
        Of three industries; or of two, with ψ. Its solution must be unique.
    grid : Cube, optional
        `default_cube(p)` where None.
    ψ : float, optional
        Slope of the price of capital that is built, in percent for one percent more capital.
    cost : float, optional
        q̄; where None that of `rest`, so that capital of the region without shocks rests at 1.
    tolerance : float
        Largest change of any policy in a last plain step, in units of max(1, its size).
    start : Equilibrium, optional
        Start from this one, on the grid asked for.
    levels, steps : int
        Grids to go through, each with an eighth of the nodes of the next; most steps on each.

    Returns
    -------
    Equilibrium

    Raises
    ------
    DataError
        Another number of industries; a selection other than "unique"; a box where no one can
        repay.
    NotConverged

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> eq = solve(p, default_cube(p, 10, 3, 3), ψ=10.0)
    >>> eq.policy("q").shape
    (1, 10, 3, 3)
    """
    grid = grid or default_cube(p)
    _check(p, ψ, grid)
    if ψ is None:
        ψ = cost = np.nan
    else:
        ψ, cost = number("ψ", ψ), rest(p)["q"] if cost is None else number("cost", cost)
    z, P = equations.productivity_chain(p)
    grids = [grid]
    for _ in range(levels - 1 if start is None else 0):
        grids.insert(0, grids[0].coarser())
    policies, here = (
        (_first_guess(p, z, grids[0]), grids[0]) if start is None else (start.policies, start.grid)
    )
    nothing = np.empty((1, 1, 1, 1, 7))
    W = cube.all_payoffs(_problem(p, ψ, cost, z, here, nothing), policies)
    residuals: list = []
    for level in grids:
        W, policies, here = here.interpolate(W, level), here.interpolate(policies, level), level
        W, policies, E, failures, changes = _iterate(
            lambda E, level=level: _problem(p, ψ, cost, z, level, E),
            P,
            W,
            policies,
            tolerance if level is grid else 1e-3,
            0.01 * tolerance,
            steps if level is grid else COARSE_STEPS,
        )
        residuals += changes
    d = residuals[-1].max()
    if failures or not d < tolerance:
        raise NotConverged(
            f"three.solve: policies still move {d:.1e}, {failures} nodes unsolved, after "
            f"{len(changes)} steps on {grid.shape} nodes (tolerance {tolerance:.0e})",
            np.array(residuals),
        )
    return _finish(p, ψ, cost, grid, z, P, policies, E, np.array(residuals))


def _finish(p, ψ, cost, grid, z, P, policies, E, residuals):
    """Solve every node once more, to full precision."""
    new = policies.copy()
    failures, _ = cube.sweep(_problem(p, ψ, cost, z, grid, E), policies, 1e-12, new)
    if failures:
        raise NotConverged(f"three: {failures} nodes without an exact solution", residuals)
    return Equilibrium(p, ψ, cost, grid, z, P, new, E, residuals)


def transition(last: Equilibrium, means: ArrayLike) -> list[Equilibrium]:
    """Equilibria of T periods in which the means of productivity drift as everybody foresees.

    Parameters
    ----------
    last : Equilibrium
        Holds from period T on.
    means : (T, I) array
        Means of z̄ in each period, as `equations.mean_path` gives them.

    Returns
    -------
    list of T Equilibrium

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> last = solve(p, default_cube(p, 10, 3, 3), ψ=10.0)
    >>> len(transition(last, [[1.0, 1.1], [1.0, 1.0]]))
    2
    """
    after, path = last, list[Equilibrium]()
    for mean in np.asarray(means, dtype=float)[::-1]:
        z = last.z - np.asarray(last.p.μ) + mean
        E = expected(last.P, cube.all_payoffs(after.problem(), after.policies))
        after = _finish(
            last.p, last.ψ, last.cost, last.grid, z, last.P, after.policies, E, last.residuals
        )
        path.insert(0, after)
    return path


def simulate(
    eq: Equilibrium | Sequence[Equilibrium],
    periods: int,
    regions: int,
    start: tuple | None = None,
    seed: int = 0,
    exact: bool = False,
) -> dict[str, np.ndarray]:
    """Paths of many regions.

    Parameters
    ----------
    eq : Equilibrium, or one for each period
    periods, regions : int
    start : (s, b, N, w), optional
        State in the first period; at rest, with half the debt that the box holds, where None.
    seed : int
        The same seed is the same luck, whatever the economy.
    exact : bool
        Solve every state anew instead of interpolating.

    Returns
    -------
    dict of arrays (periods, regions): s, b, N, w; `POLICIES`, those of next year as b_next, ...;
    y output, gini of the industries' outputs, edge (whether outside the box)

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> x = simulate(solve(p, default_cube(p, 10, 3, 3), ψ=10.0), 200, 1)
    >>> bool(abs(x["N"][-1, 0] - 1) < 0.01)
    True
    """
    path = list(eq) if isinstance(eq, Sequence) else [eq] * periods
    first = path[0]
    k = rest(first.p, first.cost if first.built else None)["k"]
    N, w = k[0] + k[1], k[0] / (k[0] + k[1])
    start = start or (len(first.P) // 2, 0.5 * first.grid.b[0], N, w)
    s, b, N, w = (np.broadcast_to(x, regions).astype(float) for x in start)
    draws = np.random.default_rng(seed).random((periods, regions))
    cumulative, rows = first.P.cumsum(axis=1)[:, :-1], []
    for now, draw in zip(path, draws, strict=False):
        x = now.at(s, b, N, w, exact)
        y = equations.production(now.z[s.astype(int)], industries(N, w, now.p), now.p)
        box = now.grid
        edge = (b < box.b[0]) | (b > box.b[-1]) | (w < box.w[0]) | (w > box.w[-1])
        edge |= (N < box.N[0]) | (N > box.N[-1])
        rows.append((s, b, N, w, *x.T, y.sum(-1), _gini(y), edge))
        s = (draw[:, None] >= cumulative[s.astype(int)]).sum(axis=1).astype(float)
        b, N, w = x[:, 2], x[:, 3], x[:, 4]
    names = ("s", "b", "N", "w", "c", "q", "b_next", "N_next", "w_next", "η", "y", "gini", "edge")
    return dict(zip(names, np.stack(rows, axis=1), strict=True))


def _gini(y):
    from .. import measures  # slow to import

    return measures.gini(y)


def ergodic(
    eq: Equilibrium, regions: int = 200, periods: int = 50, burn: int = 100, seed: int = 1
):
    """Pooled paths of regions after a burn-in: dict of arrays (periods · regions,).

    Parameters
    ----------
    eq : Equilibrium
    regions, periods, burn, seed : int

    Returns
    -------
    dict of arrays, as `simulate` gives

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> path = ergodic(solve(p, default_cube(p, 10, 3, 3), ψ=10.0), 2, 5)
    >>> path["c"].shape
    (10,)
    """
    x = simulate(eq, burn + periods, regions, seed=seed)
    return {name: v[burn:].ravel() for name, v in x.items()}


def euler_errors(eq: Equilibrium, path: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Unit-free Euler errors off the grid, tomorrow's policies solved anew.

    Parameters
    ----------
    eq : Equilibrium
    path : dict of arrays (T,), as `ergodic` gives

    Returns
    -------
    DataFrame
        "bonds", "capital 1", "capital 2", "capital 3" (0 where capital is built).

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> eq = solve(p, default_cube(p, 10, 3, 3), ψ=10.0)
    >>> list(euler_errors(eq, ergodic(eq, 2, 5)))
    ['bonds', 'capital 1', 'capital 2', 'capital 3']
    """
    state = [path["s"].astype(np.int64), *(np.ascontiguousarray(path[n]) for n in "bNw")]
    errors = cube.euler(eq.problem(), eq.policies, eq.P, *state)
    return pd.DataFrame(errors, columns=["bonds", *(f"capital {i}" for i in (1, 2, 3))])


def accuracy(eq: Equilibrium, path: Mapping[str, np.ndarray] | None = None) -> pd.Series:
    """Accuracy on an ergodic path: log10 of Euler errors, complementarity, moments.

    Parameters
    ----------
    eq : Equilibrium
    path : dict of arrays (T,), optional
        As `ergodic` gives.

    Returns
    -------
    Series

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=1)
    >>> found = accuracy(solve(p, default_cube(p, 10, 3, 3), ψ=10.0))
    >>> bool(found["least slack"] > -1e-8), bool(found["product"] < 1e-8)
    (True, True)
    """
    path = ergodic(eq) if path is None else path
    errors = euler_errors(eq, path)
    logs = np.log10(np.maximum(errors.iloc[:, : 3 if eq.built else 4], 1e-16))
    c, q, b, N, w, η = np.moveaxis(eq.policies, -1, 0)
    room = eq.slack(b, q, eq.grid.N[:, None])
    slack = path["η"] == 0
    return pd.Series(
        {
            "bonds, mean": logs.loc[slack, "bonds"].mean() if slack.any() else np.nan,
            "bonds, 99%": logs.loc[slack, "bonds"].quantile(0.99) if slack.any() else np.nan,
            "capital, mean": logs.iloc[:, 1:].mean().max(),
            "capital, 99%": logs.iloc[:, 1:].quantile(0.99).max(),
            "capital, max": logs.iloc[:, 1:].max().max(),
            "least slack": room.min(),
            "least multiplier": η.min(),
            "product": np.abs(room * η).max(),
            "NFA/Y": (path["b_next"] / eq.p.R).mean() / path["y"].mean(),
            "binding": (path["η"] > LOST).mean(),
            "K" if eq.built else "k_1 + k_2": path["N"].mean(),
            "sd of c": path["c"].std() / path["c"].mean(),
            "sd of q": path["q"].std() / path["q"].mean(),
            "outside": path["edge"].mean(),
        }
    )
