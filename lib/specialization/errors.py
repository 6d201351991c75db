"""What goes wrong, in words for the user; checks of single numbers."""

from numbers import Integral, Real

import numpy as np


class DataError(ValueError):
    """Input that cannot be used: says which file, column, value and valid range."""


class Unreachable(DataError):
    """A public file that could not be downloaded; the synthetic data need no network."""


class NotConverged(RuntimeError):
    """An iteration stopped short; `residuals` holds its changes by step."""

    def __init__(self, message, residuals=()):
        super().__init__(message)
        self.residuals = residuals


def number(name: str, value: float, whole: bool = False) -> float | int:
    """A number as it was meant: a float, or where `whole` an int.

    Parameters
    ----------
    name : str
        What the message calls it.
    value : number
    whole : bool

    Raises
    ------
    DataError
        Text, a truth value, NaN, an array; where `whole`, a fraction.

    Examples
    --------
    >>> number("γ", 2)
    2.0
    >>> number("θ", "0.1")
    Traceback (most recent call last):
    specialization.errors.DataError: θ = '0.1' is no number
    """
    kind, word = (Integral, "whole number") if whole else (Real, "number")
    if isinstance(value, bool | np.bool_) or not isinstance(value, kind) or value != value:
        raise DataError(f"{name} = {' '.join(repr(value).split())} is no {word}")
    try:
        return int(value) if whole else float(value) + 0.0  # minus zero is zero
    except OverflowError:
        return float("inf")


def within(name: str, value: float, low: float, high: float, whole: bool = False) -> float | int:
    """A number between low and high, such as a parameter of a chapter.

    Parameters
    ----------
    name : str
        What the message calls it.
    value, low, high : number
    whole : bool
        Whole numbers only.

    Returns
    -------
    float, or where `whole` int

    Raises
    ------
    DataError

    Examples
    --------
    >>> within("γ", 2, 1, 3)
    2.0
    >>> within("γ", 5.0, 1, 3)
    Traceback (most recent call last):
    specialization.errors.DataError: γ = 5.0; valid: 1 to 3
    """
    value = number(name, value, whole)
    if not low <= value <= high:
        raise DataError(f"{name} = {value}; valid: {low} to {high}")
    return value


def positive(name: str, value: float) -> float:
    """A finite number above zero.

    Parameters
    ----------
    name : str
        What the message calls it.
    value : number

    Raises
    ------
    DataError

    Examples
    --------
    >>> positive("cutoff_km", 0)
    Traceback (most recent call last):
    specialization.errors.DataError: cutoff_km = 0.0; valid: finite, > 0
    """
    value = number(name, value)
    if not 0 < value < float("inf"):
        raise DataError(f"{name} = {value}; valid: finite, > 0")
    return value


MANY = 10_000_000
"""The largest number of draws, points or classes that anybody means."""


def count(name: str, value: int, low: int = 1, high: int = MANY) -> int:
    """A whole number of draws, bins and the like.

    Parameters
    ----------
    name : str
        What the message calls it.
    value, low, high : int

    Raises
    ------
    DataError

    Examples
    --------
    >>> count("draws", 0)
    Traceback (most recent call last):
    specialization.errors.DataError: draws = 0; valid: 1 to 10000000
    """
    return int(within(name, value, low, high, whole=True))
