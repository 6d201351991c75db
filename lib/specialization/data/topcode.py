"""Topcoded incomes: a Pareto tail fitted by censored maximum likelihood."""

import numpy as np

from ..errors import DataError


def pareto_tail(income, topcoded, weight=None, threshold=None):
    r"""Tail index of a Pareto tail from incomes of which the largest are topcoded.

    Above the threshold u, P(Y > y) = (y/u)^(-a). A topcoded income says only that Y exceeds the
    code: its likelihood is that of survival, and the maximum (Beirlant et al. 2007; Hill 1975) is

    .. math:: \hat a = \frac{\sum_{\text{not topcoded}} w_j}{\sum_j w_j \log (y_j / u)},
        \quad y_j > u.

    Arrays are (N,): incomes, of which a topcoded one holds its code, and person weights, one where
    None. Where None, u is the weighted 90th percentile of the incomes that are not topcoded.
    Returns a and its standard error for independent draws, a sqrt(sum w_j^2) / sum w_j over the
    uncensored incomes above u.
    """
    income, topcoded = np.asarray(income, dtype=float), np.asarray(topcoded, dtype=bool)
    weight = np.ones_like(income) if weight is None else np.asarray(weight, dtype=float)
    for name, values in {"income": income, "weight": weight}.items():
        if not (values >= 0).all():
            raise DataError(f"pareto_tail, {name}: negative or NaN value; valid: >= 0")
    if threshold is None:
        threshold = weighted_quantile(income[~topcoded], 0.9, weight[~topcoded])
    above = income > threshold
    seen = above & ~topcoded
    if seen.sum() < 10:
        raise DataError(f"pareto_tail: {seen.sum()} incomes between the threshold {threshold:g} "
                        "and the topcode; at least 10 are needed")
    excess = (weight[above] * np.log(income[above] / threshold)).sum()
    a = weight[seen].sum() / excess
    return float(a), float(a * np.sqrt((weight[seen] ** 2).sum()) / weight[seen].sum())


def replace_topcodes(income, topcoded, weight=None, threshold=None):
    """Incomes (N,), each topcoded one replaced by the tail's mean above its code, c a / (a - 1).

    Arguments as in `pareto_tail`. `DataError` where a <= 1: the mean is then infinite.
    """
    income, topcoded = np.asarray(income, dtype=float), np.asarray(topcoded, dtype=bool)
    if not topcoded.any():
        return income.copy()
    a, _ = pareto_tail(income, topcoded, weight, threshold)
    if a <= 1:
        raise DataError(f"replace_topcodes: tail index {a:.3f}; valid: > 1 (a finite mean)")
    return np.where(topcoded, income * a / (a - 1), income)


def weighted_quantile(x, p, weight):
    """Smallest x whose share of the weight at or below it reaches p."""
    order = np.argsort(x)
    below = np.cumsum(weight[order])
    return float(x[order][np.searchsorted(below, p * below[-1])])
