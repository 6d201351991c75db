"""Topcoded incomes: a Pareto tail fitted by censored maximum likelihood."""

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DataError, within
from ..measures import floats, unit

FEWEST = 10
"""Incomes that must lie between the threshold and the topcode."""


def pareto_tail(
    income: ArrayLike,
    topcoded: ArrayLike,
    weight: ArrayLike | None = None,
    threshold: float | None = None,
) -> tuple[float, float]:
    r"""Tail index of a Pareto tail from incomes of which the largest are topcoded.

    Above the threshold u, P(Y > y) = (y/u)^(-a). A topcoded income says only that Y exceeds the
    code: its likelihood is that of survival, and the maximum is

    .. math:: \hat a = \frac{\sum_{\text{not topcoded}} w_j}{\sum_j w_j \log (y_j / u)},
        \quad y_j > u.

    Neither the unit of the incomes nor that of the weights matters.

    Parameters
    ----------
    income : array_like of float, (N,)
        Finite and not negative; a topcoded income holds its code.
    topcoded : array_like of bool, (N,)
    weight : array_like of float, (N,), optional
        Persons that each row stands for; one each where None. Rows of weight zero do not count.
    threshold : float, optional
        u > 0. Where None, the weighted 90th percentile of the incomes that are not topcoded.

    Returns
    -------
    a : float
    standard_error : float
        For independent draws: a sqrt(sum w_j^2) / sum w_j over the uncensored incomes above u.

    Raises
    ------
    DataError
        No row with weight, or none that is not topcoded; an income, weight or threshold out of
        range; fewer than `FEWEST` uncensored incomes above the threshold.

    Examples
    --------
    >>> y = np.arange(1, 1001) ** -0.5          # quantiles of a Pareto tail with a = 2
    >>> a, se = pareto_tail(np.minimum(y, 0.5), y > 0.5, threshold=y.min() * 0.999)
    >>> print(f"{a:.2f} ({se:.2f})")
    2.00 (0.06)

    References
    ----------
    Hill (1975), Annals of Statistics 3; Beirlant, Guillou, Dierckx and Fils-Villetard (2007),
    Extremes 10.
    """
    x, seen, weight = _tail("pareto_tail", income, topcoded, weight, threshold)
    a = weight[seen].sum() / (weight * x).sum()
    return float(a), float(a * np.sqrt((weight[seen] ** 2).sum()) / weight[seen].sum())


def regression_tail(
    income: ArrayLike,
    topcoded: ArrayLike,
    weight: ArrayLike | None = None,
    threshold: float | None = None,
) -> float:
    r"""Tail index from a regression: the log share of persons above an income falls in its log.

    .. math:: \log S(y_j) = \text{const} - a \log y_j + e_j

    by weighted least squares over the incomes above the threshold that are not topcoded; the share
    S counts the topcoded ones. It is the approach that the slides describe and name after David
    Domeij, as we read it: his own code was not at hand.

    Parameters
    ----------
    income, topcoded, weight, threshold
        As in `pareto_tail`.

    Returns
    -------
    float
        Without a standard error: the errors of this regression are not independent.

    Raises
    ------
    DataError
        As `pareto_tail`.

    Examples
    --------
    >>> y = np.arange(1, 1001) ** -0.5
    >>> round(regression_tail(np.minimum(y, 0.5), y > 0.5, threshold=y.min() * 0.999), 2)
    2.01
    """
    x, seen, weight = _tail("regression_tail", income, topcoded, weight, threshold)
    order = np.argsort(x, kind="stable")
    x, seen, weight = x[order], seen[order], weight[order]
    above = weight[::-1].cumsum()[::-1]
    slope, _ = np.polyfit(x[seen], np.log(above[seen]), 1, w=np.sqrt(weight[seen]))
    return float(-slope)


def _tail(caller, income, topcoded, weight, threshold):
    """Log excess over the threshold, whether not topcoded, and weight, of the rows above it."""
    income, topcoded, weight = _rows(caller, income, topcoded, weight)
    if not income.size:
        raise DataError(
            f"{caller}: no income with positive weight; valid: some that are not topcoded"
        )
    if topcoded.all():
        raise DataError(
            f"{caller}: all {income.size} incomes with positive weight are "
            "topcoded; valid: some that are not"
        )
    u = None if threshold is None else float(floats(f"{caller}, threshold", threshold, 0))
    if u is None:
        u = weighted_quantile(income[~topcoded], 0.9, weight[~topcoded])
    if not (np.isfinite(u) and u > 0):
        source = ", the 90th percentile of those not topcoded" if threshold is None else ""
        raise DataError(f"{caller}, threshold: {u:g}{source}; valid: finite, > 0")
    above = income > u
    seen = above & ~topcoded
    if seen.sum() < FEWEST:
        raise DataError(
            f"{caller}: {seen.sum()} incomes between the threshold {u:g} "
            f"and the topcode; at least {FEWEST} are needed"
        )
    return np.log(income[above] / u), seen[above], weight[above]


def _rows(caller, income, topcoded, weight):
    """Arrays of the rows with positive weight; `DataError` for a value out of range."""
    income = floats(f"{caller}, income", income)
    weight = np.ones(income.shape) if weight is None else floats(f"{caller}, weight", weight)
    topcoded = floats(f"{caller}, topcoded", topcoded)
    if topcoded.size and not np.isin(topcoded, [0, 1]).all():
        raise DataError(f"{caller}, topcoded: a value that is neither true nor false")
    if not income.ndim == 1 or not income.shape == topcoded.shape == weight.shape:
        raise DataError(
            f"{caller}: income, topcoded and weight of shapes {income.shape}, "
            f"{topcoded.shape}, {weight.shape}; valid: the same, (N,)"
        )
    for name, values in {"income": income, "weight": weight}.items():
        if not (good := np.isfinite(values) & (values >= 0)).all():
            raise DataError(
                f"{caller}, {name}: {values[good.argmin()]} in row {good.argmin()} "
                "is negative or NaN or infinite; valid: finite, >= 0"
            )
    counts = weight > 0
    return income[counts], topcoded[counts].astype(bool), weight[counts] / unit(weight)


def replace_topcodes(
    income: ArrayLike,
    topcoded: ArrayLike,
    weight: ArrayLike | None = None,
    threshold: float | None = None,
) -> np.ndarray:
    """Incomes, each topcoded one replaced by the mean of the tail above its code, c a / (a - 1).

    Parameters
    ----------
    income, topcoded, weight, threshold
        As in `pareto_tail`.

    Returns
    -------
    ndarray of float, (N,)

    Raises
    ------
    DataError
        A tail that cannot be fitted, or one with a <= 1, whose mean is infinite.

    Examples
    --------
    >>> y = np.arange(1, 1001) ** -0.5
    >>> replace_topcodes(np.minimum(y, 0.5), y > 0.5, threshold=y.min() * 0.999)[:5].round(2)
    array([1.  , 1.  , 1.  , 0.5 , 0.45])
    """
    _rows("replace_topcodes", income, topcoded, weight)
    income, topcoded, _ = _rows("replace_topcodes", income, topcoded, None)
    if not topcoded.any():
        return income.copy()
    a, _ = pareto_tail(income, topcoded, weight, threshold)
    if a <= 1:
        raise DataError(f"replace_topcodes: tail index {a:.3f}; valid: > 1 (a finite mean)")
    return np.where(topcoded, income * a / (a - 1), income)


def weighted_quantile(x: ArrayLike, p: float, weight: ArrayLike) -> float:
    """Smallest x whose share of the weight at or below it reaches p.

    Parameters
    ----------
    x : array_like of float, (N,)
    p : float
        0 to 1.
    weight : array_like of float, (N,)
        Not negative; values of weight zero do not count.

    Returns
    -------
    float

    Raises
    ------
    DataError
        No value with weight; a value that is NaN; a weight or p out of range.

    Examples
    --------
    >>> weighted_quantile([3.0, 1.0, 2.0], 0.5, [1, 1, 1])
    2.0
    """
    x, weight = floats("weighted_quantile", x), floats("weighted_quantile, weight", weight)
    if (
        x.ndim != 1
        or x.shape != weight.shape
        or np.isnan(x).any()
        or not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any())
    ):
        raise DataError(
            f"weighted_quantile: {x.size} values, {weight.size} weights; valid: as "
            "many of each, no NaN, weights finite, >= 0 and not all zero"
        )
    within("weighted_quantile, p", p, 0, 1)
    x, weight = x[weight > 0], weight[weight > 0] / unit(weight)
    order = np.argsort(x)
    below = np.cumsum(weight[order])
    # a share that reaches p but for rounding reaches it, in whatever unit weights are
    return float(x[order][np.searchsorted(below, p * below[-1] * (1 - 1e-12))])
