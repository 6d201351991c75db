"""Grids of bonds and capital, and the box that an economy needs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from . import equations
from .branches import EDGE
from .parameters import Parameters


@dataclass(frozen=True)
class Grid:
    """Nodes of bonds b and of capital k_A; both increase.

    Examples
    --------
    >>> Grid([-0.5, 0.0, 0.5], [0.2, 0.8]).coarser().b
    array([-0.5,  0. ,  0.5])
    """

    b: np.ndarray
    k: np.ndarray

    def __post_init__(self):
        for name in ("b", "k"):
            x = np.ascontiguousarray(getattr(self, name), dtype=float)
            object.__setattr__(self, name, x)
            if x.ndim != 1 or x.size < 2 or not (np.diff(x) > 0).all():
                raise DataError(f"Grid: {name} is not a row of at least two increasing numbers")
        if not EDGE < self.k[0] < self.k[-1] < 1 - EDGE:
            raise DataError(f"Grid: k runs from {self.k[0]} to {self.k[-1]}; valid: inside (0, 1)")

    def coarser(self) -> "Grid":
        """About every second node, both ends included; not below 20 and 8 nodes."""
        sizes = (
            x.size if x.size < n else max(x.size // 2, n) for x, n in ((self.b, 20), (self.k, 8))
        )
        return Grid(
            *(
                x[np.linspace(0, x.size - 1, n).round().astype(int)]
                for x, n in zip((self.b, self.k), sizes, strict=True)
            )
        )

    def interpolate(self, values: np.ndarray, other: Any, flat: bool = False) -> np.ndarray:
        """Values (S, nB, nK, ...) on this grid, bilinear at the nodes of another.

        Beyond the edges they go on in a straight line, or stay as they are where `flat`.
        """
        for axis, x, y in ((1, self.b, other.b), (2, self.k, other.k)):
            i = np.clip(np.searchsorted(x, y, side="right") - 1, 0, x.size - 2)
            w = (y - x[i]) / (x[i + 1] - x[i])
            w = (np.clip(w, 0, 1) if flat else w).reshape(-1, *(1,) * (values.ndim - axis - 1))
            low, high = np.take(values, i, axis), np.take(values, i + 1, axis)
            values = low + w * (high - low)
        return values


def steady_capital(p: Parameters) -> float:
    """k_A at which private marginal products are equal at mean productivity."""
    k = np.linspace(0, 1, 2001)[1:-1]
    A, B = equations.marginal_product(np.asarray(p.μ), np.stack([k, 1 - k], -1), p).T
    return k[np.abs(np.log(A / B)).argmin()]


def default_grid(
    p: Parameters, bonds: int = 158, capital: int = 36, low: float | None = None
) -> Grid:
    """A box and its nodes, most of them where debt lives and around the steady capital.

    Debt reaches 1.5 times what collateral carries at the deterministic price βMPK/(1-β), or the
    part of the lowest output that leaves something to eat; savings reach what a rule of thumb for
    precaution says, γσ/(1-ρ)/√(1-βR)/2, or 0.4 with a threshold. Capital runs from `low` to
    1 - low: 0.05, or 0.09 with a threshold. Nearer to the edge binding solutions end within δ of
    the threshold, the odds jump there, and the iteration may go round for ever.

    Parameters
    ----------
    p : Parameters
    bonds, capital : int
        Numbers of nodes.
    low : float, optional
        Least capital of an industry.

    Returns
    -------
    Grid

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> grid = default_grid(SMOOTH, 12, 6)
    >>> grid.b.size, grid.k.size, round(float(grid.k[0]), 3)
    (12, 6, 0.05)
    """
    low = low or (0.05 if p.selection == "unique" else 0.09)
    z, k = equations.productivity_chain(p)[0], steady_capital(p)
    product = equations.marginal_product(np.asarray(p.μ), np.array([k, 1 - k]), p)[0]
    price = p.β * product / (1 - p.β)
    debt = (
        p.R
        * {
            "market": p.θ * price,
            "fixed price": p.θ * p.q_bar,
            "fixed limit": p.limit,
            "none": 1.0 / p.R,
        }[p.collateral]
    )  # none: as much as a year's output, about
    ends = np.array([[low, 1 - low], [1 - low, low]])
    # half as much again, as the price in good states exceeds the deterministic one; a little more
    # where there is hardly any debt; and a fifth of the lowest output is left to eat
    bottom = -min(1.5 * debt + 0.02, 0.8 * equations.production(z.min(0), ends, p).sum(-1).min())
    b = _bonds(p, debt, bottom, bonds)
    # a cubic: nodes near the steady capital are a quarter of the mean distance apart
    x = np.linspace(-1, 1, capital)
    sides = np.where(x < 0, k - low, 1 - low - k)
    return Grid(b, k + sides * (0.25 * x + 0.75 * x**3))


def _bonds(p, debt, bottom, n):
    """n nodes of bonds, in straight pieces between knots that have shares of the nodes."""
    if p.selection != "unique" and debt > 0:
        # kinks and jumps of a threshold lie between 46 and 58 percent of the debt, and half the
        # nodes between 4 and 46: the shares of the lowest output keep the order where that
        # cuts the box; few people save beyond 0.4, a sunspot in between
        knots = [
            bottom,
            *(-min(x * debt, -y * bottom) for x, y in ((0.58, 0.9), (0.46, 0.6), (0.04, 0.05))),
            0.4,
        ]
        return np.interp(np.linspace(0, 1, n), [0, 0.1, 0.6, 0.9, 1], knots)
    # saving for precaution, with half the weight of the worst industry: they are two
    risk = max(σ / (1 - ρ) for σ, ρ in zip(p.σ, p.ρ, strict=True))
    top = max(0.4, 0.5 * p.γ * risk / np.sqrt(1 - p.β * p.R))
    # four in five nodes where the constraint is near: from the most debt that good prices carry
    # to a tenth of the debt, or, where there is hardly any debt, to savings of a tenth of output
    knots = [bottom, max(0.9 * bottom, -1.15 * debt), max(-0.1 * debt, 0.1 - debt), top]
    return np.interp(np.linspace(0, 1, n), [0, 0.05, 0.85, 1], knots)
