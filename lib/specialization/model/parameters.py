"""Parameters of the model, with unit, source and published value of each."""

from collections import namedtuple
from dataclasses import dataclass, fields, replace

import numpy as np

from ..errors import DataError

CHOICES = {"method": ("rouwenhorst", "tauchen"), "timing": ("predetermined", "current"),
           "agglomeration": ("plain", "normalised"),
           "collateral": ("market", "fixed price", "fixed limit", "none"),
           "selection": ("slack", "binding", "unique", "sunspot")}

VALID = {"γ": "0 < x <= 50", "α": "0 < x < 1", "β": "0 < x < 1", "R": "0 < x <= 10",
         "θ": "0 <= x <= 10", "φ": "0 <= x < inf", "ξ": "0 <= x < 1", "ρ": "0 <= x < 1",
         "σ": "0 <= x <= 1", "μ": "0 < x <= 100", "k_bar": "0 < x < 1", "δ": "0 <= x <= 1"}

Scalars = namedtuple("Scalars", "α β γ θ R φ_A φ_B ξ_A ξ_B a_A a_B market fixed limit now δ rule")
"""What the compiled code reads. a_i scales z̄_i; -b'/R is at most θ q market + limit, and a unit of
capital adds θ q market + fixed to that; now is 1 where production is with k', else 0."""


def _bounds(valid, value):
    low, left, _, right, high = valid.split()
    return float(low), left == "<", np.asarray(value, dtype=float), right == "<", float(high)


@dataclass(frozen=True)
class Parameters:
    """Parameters of the model; a year is the unit of time, K̄ = 1 the unit of capital.

    Fields with one entry per industry take a number (the same for all) or a tuple. Raises
    `DataError` where a value lies outside its range, or where the problem has no solution.
    """

    γ: float = 5.0                # risk aversion; published 5 ("standard in literature")
    α: float = 0.12               # share of capital; published .12 (US fixed investment share)
    β: float = 0.95               # discount factor a year; published .95 (NFA of -25% of GDP)
    R: float = 1.02               # gross interest rate a year; published 1.02 (US average)
    θ: float = 0.35               # loan to value; published .35 (Graham et al. 2015, for 1970)
    φ: tuple = (1.0, 1.0)         # adjustment cost; published in [.1, 4] (Hall 2004, Groth 2010)
    ξ: tuple = (0.2, 0.2)         # agglomeration; published in [.1, .29] (Bartelme et al. 2024)
    ρ: tuple = (0.5, 0.5)         # persistence a year; published in [.3, .7] (US industry TFP)
    σ: tuple = (0.06, 0.06)       # sd of shocks, level of z̄; published in [.02, .15]; 0: none
    μ: tuple = (1.0, 1.0)         # mean productivity, units of output; ours, a normalisation
    states: tuple = (3, 3)        # points of each productivity chain; ours
    method: str = "rouwenhorst"   # or "tauchen", points within 3 standard deviations
    timing: str = "predetermined"       # production with k; "current": with k' (slides' appendix)
    agglomeration: str = "plain"        # z̄ k^ξ; "normalised": z̄ (k/k_bar)^ξ
    k_bar: tuple = (0.5, 0.5)           # capital at which "normalised" leaves z̄ alone; ours
    collateral: str = "market"          # limit θ q K̄; or one of the variants of `CHOICES`
    q_bar: float = 0.0                  # price in a "fixed price" limit θ q_bar K̄; else unused
    limit: float = 0.0                  # limit on -b'/R of "fixed limit", output; else unused
    δ: float = 0.0                      # slack up to which a sunspot may pick the binding solution
    selection: str = "unique"           # rule where slack and binding solutions both exist

    def __post_init__(self):
        count = set()
        for name in ("φ", "ξ", "ρ", "σ", "μ", "states", "k_bar"):
            value = getattr(self, name)
            value = tuple(value) if np.ndim(value) else (value,) * 2
            object.__setattr__(self, name, value)
            count.add(len(value))
        if len(count) > 1:
            raise DataError(f"Parameters: entries per industry differ in number, {sorted(count)}")
        for name, valid in VALID.items():
            low, strict, x, below, high = _bounds(valid, getattr(self, name))
            if not (np.all(x > low if strict else x >= low)
                    and np.all(x < high if below else x <= high)):
                raise DataError(f"Parameters: {name} = {getattr(self, name)}; "
                                f"valid: {valid.replace('x', name)}")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise DataError(f"Parameters: {name} = {getattr(self, name)!r}; "
                                f"valid: {', '.join(allowed)}")
        self._check_combinations()

    def _check_combinations(self):
        if self.β * self.R >= 1:
            raise DataError(f"Parameters: βR = {self.β * self.R:.4g}; valid: below 1, otherwise "
                            "savings grow without bound")
        if self.α + max(self.ξ) >= 1:
            raise DataError(f"Parameters: α + ξ = {self.α + max(self.ξ):.4g}; valid: below 1, "
                            "otherwise the private return rises with capital")
        if any(not isinstance(n, (int, np.integer)) or n < 1 for n in self.states):
            raise DataError(f"Parameters: states = {self.states}; valid: whole numbers from 1")
        for name, variant in (("q_bar", "fixed price"), ("limit", "fixed limit")):
            if self.collateral == variant and not 0 < getattr(self, name) < np.inf:
                raise DataError(f"Parameters: collateral = {variant!r} needs {name} > 0, "
                                f"not {getattr(self, name)}")
        if self.selection == "sunspot" and self.δ == 0:
            raise DataError("Parameters: selection = 'sunspot' needs δ > 0")

    def but(self, **changes):
        """The same parameters with some changed; raises `DataError` for an unknown name."""
        unknown = set(changes) - {f.name for f in fields(self)}
        if unknown:
            raise DataError(f"Parameters: no field {', '.join(sorted(unknown))}")
        return replace(self, **changes)

    def scalars(self, b_min):
        """`Scalars` for two industries; without collateral the limit is the box's edge b_min."""
        market = float(self.collateral == "market")
        fixed = self.θ * self.q_bar if self.collateral == "fixed price" else 0.0
        limit = {"market": 0.0, "fixed price": fixed, "fixed limit": self.limit,
                 "none": -b_min / self.R}[self.collateral]
        a = [k ** -ξ if self.agglomeration == "normalised" else 1.0
             for k, ξ in zip(self.k_bar, self.ξ, strict=True)]
        return Scalars(self.α, self.β, self.γ, self.θ, self.R, *map(float, self.φ),
                       *map(float, self.ξ), *a, market, fixed, float(limit),
                       float(self.timing == "current"), self.δ,
                       CHOICES["selection"].index(self.selection))


SMOOTH = Parameters(γ=2.0, θ=0.10)
"""Price feedback γθq/c well below one: one solution in every state."""

PUBLISHED = Parameters(δ=0.2, selection="sunspot")
"""The published values, feedback above four; δ is ours."""
