"""How specialized is a zone? Measures on the last axis of a cube of shares.

Arrays (..., I) of income or employment by industry become arrays (...), so that a whole (year,
zone, industry) cube is one pass. Bounds of the measures hold exactly, whatever is rounded.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from .errors import DataError


def finite(ndim: int | None = None, /, **arrays: ArrayLike) -> list[np.ndarray]:
    """Arrays of floats in their order, of one length and without gaps.

    Parameters
    ----------
    ndim : int, optional
        Number of dimensions of each.
    **arrays : array_like
        By the name that an error gives them.

    Returns
    -------
    list of array

    Raises
    ------
    DataError
        NaN, infinite or masked entries, what is no number, other dimensions, lengths that differ
        from that of the first.

    Examples
    --------
    >>> y, x = finite(y=[1, 2], x=[0.5, 0.25])
    >>> x
    array([0.5 , 0.25])
    >>> finite(y=[1, 2], x=[0.5, np.nan])
    Traceback (most recent call last):
    specialization.errors.DataError: x: 2 rows, 1 entries NaN or infinite; valid: 2 rows, finite
    """
    found = {name: np.atleast_1d(floats(name, v, ndim)) for name, v in arrays.items()}
    n = len(next(iter(found.values())))
    for name, v in found.items():
        if len(v) != n or not np.isfinite(v).all():
            raise DataError(
                f"{name}: {len(v)} rows, {(~np.isfinite(v)).sum()} entries NaN or "
                f"infinite; valid: {n} rows, finite"
            )
    return list(found.values())


def floats(name: str, v: ArrayLike, ndim: int | None = None) -> np.ndarray:
    """An array of floats; what is masked is NaN.

    Parameters
    ----------
    name : str
        What an error calls it.
    v : array_like
    ndim : int, optional
        Number of its dimensions; where negative, at least so many.

    Raises
    ------
    DataError
        Texts, dates, rows of several lengths; other dimensions.

    Examples
    --------
    >>> floats("income", ["a", "b"])
    Traceback (most recent call last):
    specialization.errors.DataError: income: entries that are no numbers; valid: finite numbers
    """
    try:
        if np.ma.isMaskedArray(v):
            v = np.ma.filled(np.ma.asarray(v).astype(float), np.nan)
        if np.asarray(v).dtype.kind not in "biufO":
            raise TypeError
        x = np.asarray(v, dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"{name}: entries that are no numbers; valid: finite numbers") from None
    if ndim is not None and (x.ndim < -ndim or 0 <= ndim != x.ndim):
        raise DataError(
            f"{name}: {x.ndim} dimensions; valid: {abs(ndim)}{' or more' * (ndim < 0)}"
        )
    return x


def unit(x: ArrayLike, axis: int | tuple[int, ...] | None = None) -> np.ndarray:
    """A power of two near the largest finite size of entries, 1 for zeros.

    To divide by it rounds nothing, and squares of what is left neither vanish nor overflow.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        Along which the largest is taken, and which stay as one; None for all of x.

    Examples
    --------
    >>> unit([[3.0, 1e-200], [4.0, 0.0]], axis=0)[0].tolist() == [4.0, 2.0**-664]
    True
    """
    size = np.abs(np.asarray(x, dtype=float))
    largest = size.max(axis=axis, initial=0, where=np.isfinite(size), keepdims=axis is not None)
    return np.exp2(np.clip(np.round(np.log2(np.where(largest > 0, largest, 1))), -1022, 1023))


SMALLEST, LARGEST = 1e-75, 1e75
"""Sizes of numbers whose variances and their products a float can hold."""


def sized(**arrays: np.ndarray) -> None:
    """Raise `DataError` for columns too small or too large for variances.

    Examples
    --------
    >>> sized(x=np.array([1e-200]))
    Traceback (most recent call last):
    specialization.errors.DataError: x: entries up to 1e-200; valid: 1e-75 to 1e+75, in other units
    """
    for name, x in arrays.items():
        largest = np.abs(x).max(axis=0, initial=0)
        if (odd := (largest > 0) & ~((largest >= SMALLEST) & (largest <= LARGEST))).any():
            raise DataError(
                f"{name}: entries up to {np.atleast_1d(largest)[np.atleast_1d(odd)][0]:.3g}; "
                f"valid: {SMALLEST:g} to {LARGEST:g}, in other units"
            )


def membership(name: str, v: ArrayLike, n: int) -> np.ndarray:
    """Which of n industries are in a group, as an array of bool (n,).

    Raises
    ------
    DataError
        Another length; entries that are neither true nor false.

    Examples
    --------
    >>> membership("tradable", [1, 0], 2)
    array([ True, False])
    """
    x = floats(name, v, 1)
    if x.shape != (n,) or not np.isin(x, (0, 1)).all():
        raise DataError(f"{name}: {x.size} entries; valid: {n}, true or false")
    return x.astype(bool)


def lasting(y: np.ndarray) -> np.ndarray:
    """Industries that some zone has in every year.

    Any other, such as a retired code, is a zero everywhere: it raises every Gini and has no RCA
    and no growth.

    Parameters
    ----------
    y : array (T, R, I)

    Returns
    -------
    array of bool (I,)

    Examples
    --------
    >>> lasting(np.array([[[1, 2, 0], [0, 1, 3]], [[1, 2, 0], [1, 1, 0]]]))
    array([ True,  True, False])
    """
    return (floats("lasting", y, 3).sum(axis=1) > 0).all(axis=0)


def shares(y: ArrayLike) -> np.ndarray:
    r"""Shares :math:`s_i = y_i / \sum_j y_j`.

    Parameters
    ----------
    y : array_like (..., I)
        Income or employment by industry.

    Returns
    -------
    array (..., I)

    Raises
    ------
    DataError
        A negative entry or NaN; a sum of zero or infinity.

    Examples
    --------
    >>> shares([1, 2, 1])
    array([0.25, 0.5 , 0.25])
    """
    y = floats("shares", y, -1)
    if not (y >= 0).all():
        raise DataError("shares: negative or NaN entry; valid: finite and >= 0")
    if not y.shape[-1]:
        raise DataError("shares: no industry; valid: one or more")
    y = y / unit(y, -1)
    total = y.sum(axis=-1, keepdims=True)
    if not (np.isfinite(total) & (total > 0)).all():
        raise DataError("shares: a row sums to zero or infinity; valid: at least one industry")
    return y / total


def gini(y: ArrayLike, zeros: bool = True, reference: ArrayLike | None = None) -> np.ndarray:
    r"""Gini coefficient of the industry shares.

    .. math:: G = 1 - \sum_j (2 S_j - s_j)\, w_j, \quad S_j = \sum_{k \le j} s_k,

    one minus twice the area below the Lorenz curve of s against weights w, the industries sorted
    by s / w. With equal weights it is :math:`\sum_j (2j - n - 1) s_j / n`, and 1 - 1/n where one
    of n industries earns everything.

    Parameters
    ----------
    y : array_like (..., I)
        Income or employment by industry.
    zeros : bool
        Whether absent industries count.
    reference : array_like (I,) or (..., I), optional
        Weights such as national shares, in place of equal ones.

    Returns
    -------
    array (...)
        From 0 to one less the smallest weight.

    Raises
    ------
    DataError
        Bad shares; a reference that is zero where an industry is present.

    Examples
    --------
    >>> gini([[1, 1, 1, 1], [1, 2, 3, 4], [0, 0, 0, 1]])
    array([0.  , 0.25, 0.75])
    >>> float(gini([0, 0, 0, 1], zeros=False))
    0.0
    """
    s = shares(y)
    w = np.ones(s.shape[-1]) if reference is None else floats("reference", reference, -1)
    if s.shape[-1:] != w.shape[-1:]:
        raise DataError(f"gini: {w.shape[-1]} reference shares for {s.shape[-1]} industries")
    if not (w >= 0).all() or ((w == 0) & (s > 0)).any():
        raise DataError("gini: reference shares must be positive wherever the industry is present")
    w = np.broadcast_to(w, s.shape)
    w = shares(w if zeros else np.where(s > 0, w, 0.0))
    order = np.argsort(np.divide(s, w, out=np.zeros_like(s), where=w > 0), axis=-1)
    s, w = np.take_along_axis(s, order, -1), np.take_along_axis(w, order, -1)
    found = 1.0 - ((2.0 * np.cumsum(s, axis=-1) - s) * w).sum(axis=-1)
    return np.clip(found, 0.0, 1.0 - np.where(w > 0, w, 1.0).min(axis=-1))


def group_gini(y: ArrayLike, member: np.ndarray) -> np.ndarray:
    """Gini over the industries of one group.

    Parameters
    ----------
    y : array_like (..., I)
    member : array of bool (I,)

    Returns
    -------
    array (...)
        NaN where a zone has none of them.

    Examples
    --------
    >>> group_gini([[1, 3, 5], [0, 0, 5]], np.array([True, True, False]))
    array([0.25,  nan])
    """
    y = floats("group_gini", y, -1)
    part = y[..., membership("group_gini, member", member, y.shape[-1])]
    if not part.shape[-1]:
        return np.full(part.shape[:-1], np.nan)
    some = part.sum(axis=-1) > 0
    out = np.full(some.shape, np.nan)
    out[some] = gini(part[some])
    return out


def hhi(y: ArrayLike) -> np.ndarray:
    r"""Herfindahl-Hirschman index, :math:`\sum_i s_i^2`, from 1/n to 1.

    Parameters
    ----------
    y : array_like (..., I)
        Income or employment by industry.

    Returns
    -------
    array (...)

    Examples
    --------
    >>> float(hhi([1, 1, 1, 1]))
    0.25
    """
    s = shares(y)
    return np.clip((s**2).sum(axis=-1), 1 / s.shape[-1], 1.0)


def max_share(y: ArrayLike) -> np.ndarray:
    """Share of the largest industry, from 1/n to 1.

    Parameters
    ----------
    y : array_like (..., I)
        Income or employment by industry.

    Returns
    -------
    array (...)

    Examples
    --------
    >>> float(max_share([1, 2, 1]))
    0.5
    """
    return shares(y).max(axis=-1)


def theil(y: ArrayLike) -> np.ndarray:
    r"""Theil index, :math:`\sum_i s_i \log(n s_i)`, from 0 to log n; 0 log 0 is 0.

    Parameters
    ----------
    y : array_like (..., I)
        Income or employment by industry.

    Returns
    -------
    array (...)

    Examples
    --------
    >>> theil([[1, 1], [0, 1]]).round(4)
    array([0.    , 0.6931])
    """
    s = shares(y)
    return np.clip(_divergence(s, 1 / s.shape[-1]), 0.0, np.log(s.shape[-1]))


def _divergence(s, w):
    return (s * np.log(np.divide(s, w, out=np.ones_like(s), where=s > 0))).sum(axis=-1)


def theil_decomposition(y: ArrayLike, group: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    r"""Theil index within and between two groups of industries; the two sum to `theil`.

    .. math:: T = \sum_g S_g T_g + \sum_g S_g \log\frac{S_g}{n_g / n},

    with :math:`S_g` the share of group g, :math:`n_g` its number of industries and :math:`T_g`
    its Theil index.

    Parameters
    ----------
    y : array_like (..., I)
    group : array_like of bool (I,)
        Who is in one of the two.

    Returns
    -------
    within, between : arrays (...)

    Examples
    --------
    >>> within, between = theil_decomposition([0, 0, 2, 2], [True, True, False, False])
    >>> float(within), float(between.round(4))
    (0.0, 0.6931)
    """
    total = theil(y)
    group = membership("theil_decomposition, group", group, np.shape(y)[-1])
    member = np.column_stack([group, ~group])
    between = np.clip(_divergence(shares(y) @ member, member.mean(axis=0)), 0.0, total)
    return total - between, between


def krugman(y: ArrayLike) -> np.ndarray:
    r"""Krugman index, :math:`\sum_i |s_i - w_i|` against the national shares w, from 0 to 2.

    Parameters
    ----------
    y : array_like (..., R, I)

    Returns
    -------
    array (..., R)

    Examples
    --------
    >>> krugman([[1, 0], [0, 1]])
    array([1., 1.])
    """
    y = floats("krugman", y, -2)
    gap = np.abs(shares(y) - national_shares(y)[..., None, :]).sum(axis=-1)
    return np.minimum(gap, 2.0)


def national_shares(y: ArrayLike) -> np.ndarray:
    """Industry shares of all zones together.

    Parameters
    ----------
    y : array_like (..., R, I)

    Returns
    -------
    array (..., I)

    Examples
    --------
    >>> national_shares([[1, 0], [2, 1]])
    array([0.75, 0.25])
    """
    y = floats("national_shares", y, -2)
    return shares((y / unit(y, (-2, -1))).sum(axis=-2))


def revealed_comparative_advantage(y: ArrayLike) -> np.ndarray:
    r"""Shares of zones over national shares.

    .. math:: RCA_{irt} = \frac{Y_{irt} / Y_{rt}}{Y^{US}_{it} / Y^{US}_t}.

    Parameters
    ----------
    y : array_like (..., R, I)

    Returns
    -------
    array (..., R, I)
        NaN for industries that no zone has.

    Examples
    --------
    >>> revealed_comparative_advantage([[3, 1], [1, 3]])
    array([[1.5, 0.5],
           [0.5, 1.5]])
    """
    s, w = shares(y), national_shares(y)[..., None, :]
    return np.divide(s, w, out=np.full_like(s, np.nan), where=w > 0)


RANK_WITHIN = {"year": -1, "industry": -2, "region": -1}
"""What is ranked against what, and the axis: all region-industries of a year (once flat), the
regions of an industry, or the industries of a region."""


def rank(
    x: ArrayLike, within: str = "year", ties: str = "average", descending: bool = True
) -> np.ndarray:
    """Rank of the entries of a cube, from 1.

    Parameters
    ----------
    x : array_like (..., R, I)
    within : str
        A key of `RANK_WITHIN`.
    ties : {"average", "min"}
    descending : bool
        Whether the largest has rank 1.

    Returns
    -------
    array (..., R, I)
        NaN where x is NaN.

    Examples
    --------
    >>> rank([[3, 1], [2, 5]])
    array([[2., 4.],
           [3., 1.]])
    """
    if within not in RANK_WITHIN or ties not in ("average", "min"):
        raise DataError(
            f"rank: within={within!r}, ties={ties!r}; valid: {list(RANK_WITHIN)}, average or min"
        )
    x = floats("rank", x, -2) * (-1 if descending else 1)
    flat = x.reshape(*x.shape[:-2], -1) if within == "year" else x
    return rankdata(flat, method=ties, axis=RANK_WITHIN[within], nan_policy="omit").reshape(
        x.shape
    )


def dispersion(x: ArrayLike) -> dict[str, float]:
    """Mean, coefficient of variation and p90/p10, as in Table 1.

    Parameters
    ----------
    x : array_like
        Taken as one sample, whatever its shape.

    Returns
    -------
    dict
        mean, cv, p90_p10.

    Raises
    ------
    DataError
        NaN or infinite entries, or fewer than two; a tenth percentile of zero or less.

    Examples
    --------
    >>> {name: float(v) for name, v in dispersion([1, 2, 3]).items()}
    {'mean': 2.0, 'cv': 0.5, 'p90_p10': 2.3333333333333335}
    """
    x = finite(dispersion=x)[0].ravel()
    if len(x) < 2:
        raise DataError(f"dispersion: {len(x)} entries; valid: 2 or more")
    x, size = x / unit(x), unit(x)
    p10, p90 = np.quantile(x, [0.1, 0.9])
    if not p10 > 0:
        raise DataError(
            f"dispersion: tenth percentile {p10 * size:.4g}; valid: > 0, as it divides"
        )
    return {"mean": x.mean() * size, "cv": x.std(ddof=1) / x.mean(), "p90_p10": p90 / p10}
