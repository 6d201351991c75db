"""How specialized is a zone? Measures on the last axis of a cube of shares.

Arrays (..., I) of income or employment by industry become arrays (...), so that a whole (year,
zone, industry) cube is one pass.
"""

import numpy as np
from scipy.stats import rankdata

from .errors import DataError


def finite(**arrays):
    """Arrays of floats in their order; `DataError` for NaN and for lengths that differ."""
    arrays = {name: np.asarray(v, dtype=float) for name, v in arrays.items()}
    n = len(next(iter(arrays.values())))
    for name, v in arrays.items():
        if len(v) != n or not np.isfinite(v).all():
            raise DataError(f"{name}: {len(v)} rows, {(~np.isfinite(v)).sum()} entries NaN or "
                            f"infinite; valid: {n} rows, finite")
    return list(arrays.values())


def lasting(y):
    """Industries (I,) of a cube (T, R, I) that some zone has in every year. Any other, such as a
    retired code, is a zero everywhere: it raises every Gini and has no RCA and no growth."""
    return (y.sum(axis=1) > 0).all(axis=0)


def shares(y):
    """Shares s_i = y_i / sum_j y_j; `DataError` for a negative entry, NaN, or a sum of zero."""
    y = np.asarray(y, dtype=float)
    if not (y >= 0).all():
        raise DataError("shares: negative or NaN entry; valid: finite and >= 0")
    total = y.sum(axis=-1, keepdims=True)
    if not (np.isfinite(total) & (total > 0)).all():
        raise DataError("shares: a row sums to zero or infinity; valid: at least one industry")
    return y / total


def gini(y, zeros=True, reference=None):
    r"""Gini coefficient of the industry shares, between 0 and 1.

    One minus twice the area below the Lorenz curve of s against weights w, the industries sorted
    by s_i / w_i. The weights are equal, which makes it :math:`\sum_j (2j - n - 1) s_j / n` and
    1 - 1/n where one of n industries earns everything; or the `reference`, (I,) or (..., I), such
    as national shares. Absent industries count as zeros, unless `zeros` is False."""
    s = shares(y)
    w = np.ones(s.shape[-1]) if reference is None else np.asarray(reference, dtype=float)
    if not (w >= 0).all() or ((w == 0) & (s > 0)).any():
        raise DataError("gini: reference shares must be positive wherever the industry is present")
    w = np.broadcast_to(w, s.shape)
    w = shares(w if zeros else np.where(s > 0, w, 0.0))
    order = np.argsort(np.divide(s, w, out=np.zeros_like(s), where=w > 0), axis=-1)
    s, w = np.take_along_axis(s, order, -1), np.take_along_axis(w, order, -1)
    return 1.0 - ((2.0 * np.cumsum(s, axis=-1) - s) * w).sum(axis=-1)


def group_gini(y, member):
    """Gini over the industries of one group; NaN where a zone has none of them."""
    part = np.asarray(y, dtype=float)[..., member]
    some = part.sum(axis=-1) > 0
    out = np.full(some.shape, np.nan)
    out[some] = gini(part[some])
    return out


def hhi(y):
    """Herfindahl-Hirschman index, sum_i s_i^2, between 1/n and 1."""
    return (shares(y) ** 2).sum(axis=-1)


def max_share(y):
    """Share of the largest industry."""
    return shares(y).max(axis=-1)


def theil(y):
    """Theil index, sum_i s_i log(n s_i), between 0 and log n; 0 log 0 = 0."""
    s = shares(y)
    return _divergence(s, 1 / s.shape[-1])


def _divergence(s, w):
    return (s * np.log(np.divide(s, w, out=np.ones_like(s), where=s > 0))).sum(axis=-1)


def theil_decomposition(y, group):
    r"""Theil index within and between two groups of industries; the two sum to `theil`.

    :math:`T = \sum_g S_g T_g + \sum_g S_g \log\frac{S_g}{n_g / n}`, with S_g the share of group g,
    n_g its number of industries and T_g its Theil index; bool `group` (I,) says who is in one."""
    member = np.column_stack([group, np.logical_not(group)])
    between = _divergence(shares(y) @ member, member.mean(axis=0))
    return theil(y) - between, between


def krugman(y):
    """Krugman index, sum_i |s_i - w_i|, between 0 and 2, against the national shares w."""
    return np.abs(shares(y) - national_shares(y)[..., None, :]).sum(axis=-1)


def national_shares(y):
    """Industry shares of all zones together: (..., R, I) to (..., I)."""
    return shares(np.asarray(y, dtype=float).sum(axis=-2))


def revealed_comparative_advantage(y):
    r"""Shares of a cube (..., R, I) over national shares, NaN for industries that no zone has:
    :math:`RCA_{irt} = (Y_{irt} / Y_{rt}) / (Y^{US}_{it} / Y^{US}_t)`."""
    s, w = shares(y), national_shares(y)[..., None, :]
    return np.divide(s, w, out=np.full_like(s, np.nan), where=w > 0)


RANK_WITHIN = {"year": -1, "industry": -2, "region": -1}
"""What is ranked against what, and the axis: all region-industries of a year (once flat), the
regions of an industry, or the industries of a region."""


def rank(x, within="year", ties="average", descending=True):
    """Rank of the entries of a cube (..., R, I) from 1, the largest if descending, and NaN where x
    is NaN; `within` is a key of `RANK_WITHIN`, `ties` "average" or "min"."""
    if within not in RANK_WITHIN:
        raise DataError(f"rank: within={within!r}; valid: {list(RANK_WITHIN)}")
    x = np.asarray(x, dtype=float) * (-1 if descending else 1)
    flat = x.reshape(*x.shape[:-2], -1) if within == "year" else x
    return rankdata(flat, method=ties, axis=RANK_WITHIN[within],
                    nan_policy="omit").reshape(x.shape)


def dispersion(x):
    """Mean, coefficient of variation and p90/p10 of the entries of x, as in Table 1."""
    x = np.asarray(x, dtype=float)
    p10, p90 = np.quantile(x, [0.1, 0.9])
    return {"mean": x.mean(), "cv": x.std(ddof=1) / x.mean(), "p90_p10": p90 / p10}
