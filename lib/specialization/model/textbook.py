"""The competitive equilibrium by fixed-point iteration in plain NumPy, a line an equation.

Slow beside `equilibrium.solve`, and for economies with one solution in every state only. It shares
the equations with it and nothing else, so that each checks the other.
"""

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from ..errors import DataError, NotConverged
from . import equations
from .equilibrium import Grid
from .parameters import Parameters

NAMES = ("c", "q", "b", "k", "η")
"""Policies: consumption, price of capital, b', k' in A, multiplier in units of u'."""


def pair(k_A: np.ndarray) -> np.ndarray:
    """Capital in both industries.

    Parameters
    ----------
    k_A : (...) array

    Returns
    -------
    (..., 2) array

    Examples
    --------
    >>> pair(np.array([0.25, 0.5]))
    array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    return np.stack([k_A, 1 - k_A], axis=-1)


def states(p: Parameters, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All states of the economy, in shapes that broadcast to (S, nB, nK).

    Returns
    -------
    z : (S, 1, 1, 2) array, levels of productivity
    b : (nB, 1) array
    k : (nK, 2) array

    Examples
    --------
    >>> [x.shape for x in states(Parameters(), Grid([-0.1, 0, 0.1], [0.4, 0.6]))]
    [(9, 1, 1, 2), (3, 1), (2, 2)]
    """
    return equations.productivity_chain(p)[0][:, None, None], grid.b[:, None], pair(grid.k)


def guess(p: Parameters, grid: Grid) -> dict[str, np.ndarray]:
    """Policies if nobody moved: b' = b, k' = k, and q the present value of what capital earns.

    Returns
    -------
    dict of (S, nB, nK) arrays, by `NAMES`

    Examples
    --------
    >>> first = guess(Parameters(), Grid([-0.1, 0, 0.1], [0.4, 0.6]))
    >>> first["k"][0, 0].tolist(), first["η"].max().item()
    ([0.4, 0.6], 0.0)
    """
    z, b, k = states(p, grid)
    income = equations.resources(z, k, k, 0 * b, p)
    values = (income + b - b / p.R, p.α * income * p.β / (1 - p.β), b, k[:, 0], 0.0)
    return dict(zip(NAMES, map(np.array, np.broadcast_arrays(*values)), strict=True))


def expect(grid: Grid, P: np.ndarray, W: np.ndarray, b1: np.ndarray, k1: np.ndarray) -> np.ndarray:
    """Expected payoffs at the choices, given each state's productivity; linear between nodes.

    Parameters
    ----------
    grid : Grid
    P : (S, S) array
    W : (S, nB, nK, n) array, payoffs next year at the nodes
    b1, k1 : (S, nB, nK) arrays, next year's bonds and capital in A

    Returns
    -------
    (S, nB, nK, n) array

    Examples
    --------
    >>> grid = Grid([0.0, 1.0], [0.2, 0.4])
    >>> W = grid.b[None, :, None, None] + np.zeros((1, 2, 2, 1))
    >>> expect(grid, np.eye(1), W, np.full((1, 2, 2), 0.3), np.full((1, 2, 2), 0.25))[0, 0, 0]
    array([0.3])
    """
    return np.stack(
        [
            RegularGridInterpolator((grid.b, grid.k), E, bounds_error=False, fill_value=None)(
                np.stack([x, y], axis=-1)
            )
            for E, x, y in zip(np.tensordot(P, W, 1), b1, k1, strict=True)
        ]
    )


def step(p: Parameters, grid: Grid, old: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What people choose at every state who expect `old` next year, and start from it.

    Parameters
    ----------
    p : Parameters
    grid : Grid
    old : dict of (S, nB, nK) arrays, by `NAMES`

    Returns
    -------
    dict like old

    Examples
    --------
    >>> p, grid = Parameters(γ=2.0, θ=0.1), Grid([-0.2, 0, 0.2], [0.4, 0.5, 0.6])
    >>> new = step(p, grid, guess(p, grid))
    >>> (new["η"] * equations.collateral(new["b"], guess(p, grid)["q"], p)).round(12).max().item()
    0.0
    """
    (z, b, k), P = states(p, grid), equations.productivity_chain(p)[1]
    c, q, b1, k1, η = (old[name] for name in NAMES)
    # expectations at the choices
    W = equations.payoffs(z, k, pair(k1), c, q, η, p)
    E = expect(grid, P, W, b1, k1)
    Eu, Euz, held = E[..., 0], E[..., 1:3], E[..., 3:]
    # slack: the bond equation gives c, resources give b'
    spend = equations.resources(z, k, pair(k1), b, p)
    b1 = p.R * (spend - equations.bonds(Eu, 0.0, p))
    # where that breaks the constraint it gives b', resources give c, the bond equation η
    m = equations.collateral(b1, q, p)
    b1 = np.where(m < 0, b1 - p.R * m, b1)
    c = spend - b1 / p.R
    η = np.where(m < 0, equations.marginal_utility(c, p) - p.β * p.R * Eu, 0.0)
    # capital gives a price in each industry, and moves to where it is higher
    Q = equations.capital(pair(k1), Euz, held, p)
    prices = equations.price(Q, k, pair(k1), c, p)
    slope = 2 * (np.asarray(p.φ) / k).sum(axis=-1)
    k1 = k1 + (prices[..., 0] - prices[..., 1]) / slope
    return dict(zip(NAMES, (c, prices.mean(axis=-1), b1, k1, η), strict=True))


def solve(
    p: Parameters, grid: Grid, tolerance: float = 1e-6, damping: float = 0.6, steps: int = 3000
) -> dict[str, np.ndarray]:
    """The competitive equilibrium: `step` again and again, a part of the way each time.

    Parameters
    ----------
    p : Parameters
        Two industries, production with the capital of the year before, a unique solution.
    grid : Grid
    tolerance : float
        Largest change of c, q, b' and k' that a last step proposes.
    damping : float
        Part of the way to what a step proposes; high adjustment costs want less.
    steps : int
        Most steps.

    Returns
    -------
    dict of (S, nB, nK) arrays, by `NAMES`

    Raises
    ------
    DataError
        Another kind of economy.
    NotConverged

    Examples
    --------
    >>> p = Parameters(γ=2.0, θ=0.1)
    >>> policies = solve(p, Grid(np.linspace(-0.4, 0.4, 9), [0.4, 0.5, 0.6]), tolerance=1e-3)
    >>> policies["q"].shape
    (9, 9, 3)

    References
    ----------
    The iteration is that of Mendoza and Villalvazo (2020), "FiPIt: A simple, fast global method
    for solving models with two endogenous states and occasionally binding constraints".
    """
    if len(p.φ) != 2 or p.timing != "predetermined" or p.selection != "unique" or min(p.φ) <= 0:
        raise DataError(
            "textbook.solve: valid: two industries, φ > 0, timing = 'predetermined', "
            "selection = 'unique'"
        )
    policies, changes = guess(p, grid), []
    for _ in range(steps):
        new = step(p, grid, policies)
        changes.append(max(np.abs(new[name] - policies[name]).max() for name in "cqbk"))
        if not changes[-1] > tolerance:
            break
        policies = {name: x + damping * (new[name] - x) for name, x in policies.items()}
    if not changes[-1] <= tolerance:
        raise NotConverged(
            f"textbook.solve: policies still move {changes[-1]:.1e} after {len(changes)} steps",
            changes,
        )
    return policies
