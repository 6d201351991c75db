"""Parameters of the model, with unit, source and published value of each."""

import unicodedata
from collections import namedtuple
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches

import numpy as np

from ..errors import DataError, number
from ..errors import within as within  # chapters have it from here

CHOICES = {
    "method": ("rouwenhorst", "tauchen"),
    "timing": ("predetermined", "current"),
    "agglomeration": ("plain", "normalised"),
    "collateral": ("market", "fixed price", "fixed limit", "none"),
    "selection": ("slack", "binding", "unique", "sunspot"),
}

VALID = {
    "γ": "0 < x <= 50",
    "α": "0 < x < 1",
    "β": "0 < x < 1",
    "R": "0 < x <= 10",
    "θ": "0 <= x <= 10",
    "φ": "0 <= x < inf",
    "ξ": "0 <= x < 1",
    "ρ": "0 <= x < 1",
    "σ": "0 <= x <= 1",
    "μ": "0 < x <= 100",
    "k_bar": "0 < x < 1",
    "δ": "0 <= x <= 1",
    "states": "1 <= x <= 50",
    "q_bar": "0 <= x < inf",
    "limit": "0 <= x < inf",
}
"""Range of each number."""

PER_INDUSTRY = ("φ", "ξ", "ρ", "σ", "μ", "states", "k_bar")
"""Fields with one entry per industry."""

Scalars = namedtuple("Scalars", "α β γ θ R φ_A φ_B ξ_A ξ_B a_A a_B market fixed limit now δ rule")
"""What the compiled code reads. a_i scales z̄_i; -b'/R is at most θ q market + limit, and a unit of
capital adds θ q market + fixed to that; now is 1 where production is with k', else 0."""


def _inside(valid, value):
    low, left, _, right, high = valid.split()
    x = np.asarray(value)
    return np.all(x > float(low) if left == "<" else x >= float(low)) and np.all(
        x < float(high) if right == "<" else x <= float(high)
    )


@dataclass(frozen=True)
class Parameters:
    """Parameters of the model; a year is the unit of time, K̄ = 1 the unit of capital.

    Fields with one entry per industry take a number (the same for all) or a tuple.

    Raises
    ------
    DataError
        A value that is no number, or lies outside its range of `VALID` or `CHOICES`; values with
        which the problem has no solution.

    Examples
    --------
    >>> p = Parameters(γ=2, φ=(0.5, 4))
    >>> p.γ, p.φ, p.ξ
    (2.0, (0.5, 4.0), (0.2, 0.2))
    >>> Parameters(γ=0)
    Traceback (most recent call last):
    specialization.errors.DataError: Parameters: γ = 0.0; valid: 0 < γ <= 50
    """

    γ: float = 5.0  # risk aversion; published 5 ("standard in literature")
    α: float = 0.12  # share of capital; published .12 (US fixed investment share)
    β: float = 0.95  # discount factor a year; published .95 (NFA of -25% of GDP)
    R: float = 1.02  # gross interest rate a year; published 1.02 (US average)
    θ: float = 0.35  # loan to value; published .35 (Graham et al. 2015, for 1970)
    φ: tuple = (1.0, 1.0)  # adjustment cost; published in [.1, 4] (Hall 2004, Groth 2010)
    ξ: tuple = (0.2, 0.2)  # agglomeration; published in [.1, .29] (Bartelme et al. 2024)
    ρ: tuple = (0.5, 0.5)  # persistence a year; published in [.3, .7] (US industry TFP)
    σ: tuple = (0.06, 0.06)  # sd of shocks, level of z̄; published in [.02, .15]; 0: none
    μ: tuple = (1.0, 1.0)  # mean productivity, units of output; ours, a normalisation
    states: tuple = (3, 3)  # points of each productivity chain; ours
    method: str = "rouwenhorst"  # or "tauchen", its span from the standard deviation
    timing: str = "predetermined"  # production with k; "current": with k' (slides' appendix)
    agglomeration: str = "plain"  # z̄ k^ξ; "normalised": z̄ (k/k_bar)^ξ
    k_bar: tuple = (0.5, 0.5)  # capital at which "normalised" leaves z̄ alone; ours
    collateral: str = "market"  # limit θ q K̄; or one of the variants of `CHOICES`
    q_bar: float = 0.0  # price in a "fixed price" limit θ q_bar K̄; else unused
    limit: float = 0.0  # limit on -b'/R of "fixed limit", output; else unused
    δ: float = 0.0  # slack up to which a sunspot may pick the binding solution
    selection: str = "unique"  # rule where slack and binding solutions both exist

    def __post_init__(self):
        for name in VALID:
            object.__setattr__(self, name, self._numbers(name))
        count = {name: len(getattr(self, name)) for name in PER_INDUSTRY}
        if len({*count.values()}) > 1 or not all(count.values()):
            raise DataError(
                "Parameters: entries per industry differ in number, "
                f"{', '.join(f'{name} {n}' for name, n in count.items())}"
            )
        for name, valid in VALID.items():
            if not _inside(valid, getattr(self, name)):
                raise DataError(
                    f"Parameters: {name} = {getattr(self, name)}; "
                    f"valid: {valid.replace('x', name)}"
                )
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if not isinstance(value, str) or value not in allowed:
                raise DataError(f"Parameters: {name} = {value!r}; valid: {', '.join(allowed)}")
        self._check_combinations()

    def _numbers(self, name):
        # a field as floats, or whole numbers; one value per industry where it has them
        value, whole = getattr(self, name), name == "states"
        if name not in PER_INDUSTRY:
            return number(f"Parameters: {name}", value, whole)
        # sets have no order, and mappings no place for it
        many = isinstance(value, Iterable) and not isinstance(value, str | bytes | Set | Mapping)
        entries = value if many and getattr(value, "ndim", 1) else (value,) * 2
        return tuple(number(f"Parameters: {name}", x, whole) for x in entries)

    def _check_combinations(self):
        if self.β * self.R >= 1:
            raise DataError(
                f"Parameters: βR = {self.β * self.R:.4g}; valid: below 1, otherwise "
                "savings grow without bound"
            )
        if self.α + max(self.ξ) >= 1:
            raise DataError(
                f"Parameters: α + ξ = {self.α + max(self.ξ):.4g}; valid: below 1, "
                "otherwise the private return rises with capital"
            )
        for name, variant in (("q_bar", "fixed price"), ("limit", "fixed limit")):
            if self.collateral == variant and not 0 < getattr(self, name) < np.inf:
                raise DataError(
                    f"Parameters: collateral = {variant!r} needs {name} > 0, "
                    f"not {getattr(self, name)}"
                )
        if self.selection == "sunspot" and self.δ == 0:
            raise DataError("Parameters: selection = 'sunspot' needs δ > 0")

    def but(self, **changes: float | Iterable[float] | str) -> "Parameters":
        """The same parameters with some changed.

        Parameters
        ----------
        **changes
            New values, by field.

        Raises
        ------
        DataError
            A name that is no field, or stands twice; as for new `Parameters`.

        Examples
        --------
        >>> SMOOTH.but(θ=0.05, ξ=(0.29, 0.10)).ξ
        (0.29, 0.1)
        """
        names = [f.name for f in fields(self)]
        # letters that look alike are one to Python's own parser, too
        alike = {unicodedata.normalize("NFKC", name): value for name, value in changes.items()}
        if len(alike) < len(changes):
            raise DataError(f"Parameters: a field stands twice in {', '.join(changes)}")
        for name in alike:
            if name not in names:
                spelt = {
                    unicodedata.name(n[0]).split()[-1].lower(): n for n in names if len(n) == 1
                }
                near = get_close_matches(name.strip().lower(), [*spelt, *names], 1)
                hint = f"; near: {spelt.get(near[0], near[0])}" if near else ""
                raise DataError(f"Parameters: no field {name}{hint}; valid: {', '.join(names)}")
        return replace(self, **alike)  # type: ignore[arg-type]

    def scalars(self, b_min):
        """`Scalars` for two industries; without collateral the limit is the box's edge b_min."""
        market = float(self.collateral == "market")
        fixed = self.θ * self.q_bar if self.collateral == "fixed price" else 0.0
        limit = {
            "market": 0.0,
            "fixed price": fixed,
            "fixed limit": self.limit,
            "none": -b_min / self.R,
        }[self.collateral]
        a = [
            k**-ξ if self.agglomeration == "normalised" else 1.0
            for k, ξ in zip(self.k_bar, self.ξ, strict=True)
        ]
        return Scalars(
            self.α,
            self.β,
            self.γ,
            self.θ,
            self.R,
            *map(float, self.φ),
            *map(float, self.ξ),
            *a,
            market,
            fixed,
            float(limit),
            float(self.timing == "current"),
            self.δ,
            CHOICES["selection"].index(self.selection),
        )


SMOOTH = Parameters(γ=2.0, θ=0.10)
"""Price feedback γθq/c well below one: one solution in every state."""

PUBLISHED = Parameters(δ=0.2, selection="sunspot")
"""The published values, feedback above four; δ is ours."""
