"""Standard errors and tests for zones that are neighbours and share industries.

Own code where no package serves; robust and clustered errors are those of statsmodels.
Intervals are at 95%.
"""

import numpy as np
from scipy.linalg import lstsq, qr
from scipy.stats import norm, t

from . import DataError

EARTH_KM = 6371.0088  # mean radius (IUGG)
COLLINEAR = 1e-6  # share of a column's length that the others must leave unexplained
Z95 = norm.ppf(0.975)


def great_circle(lat, lon):
    """Distances in km on the sphere, (N,) and (N,) degrees to (N, N).

    From the chord between the places p on the unit sphere: 2R arcsin(|p_r - p_q| / 2).
    """
    lat, lon = _array("lat", lat, None), _array("lon", lon, len(lat))
    if (np.abs(lat) > 90).any() or (np.abs(lon) > 360).any():
        raise DataError("lat, lon: outside the valid range of -90..90 and -360..360 degrees")
    φ, λ = np.radians(lat), np.radians(lon)
    places = np.cos(φ) * np.cos(λ), np.cos(φ) * np.sin(λ), np.sin(φ)
    half = sum((p[:, None] - p) ** 2 for p in places) / 4
    return 2 * EARTH_KM * np.arcsin(np.sqrt(half.clip(0, 1)))


def bartlett(distance, cutoff_km):
    """Weights of pairs of zones: 1 - d / cutoff up to the cutoff, then 0."""
    if not cutoff_km > 0:
        raise DataError(f"conley: cutoff_km={cutoff_km}; valid: > 0")
    return (1 - distance / cutoff_km).clip(0)


def conley(X, residuals, lat, lon, cutoff_km):
    r"""Covariance (K, K) of OLS coefficients where the errors of near zones are correlated.

    .. math:: V = \tfrac{N}{N-K} (X'X)^{-1} \big[\sum_{r,q} w(d_{rq})\, x_r u_r u_q x_q'\big]
              (X'X)^{-1}

    Conley (1999, Journal of Econometrics). X is (N, K) with constant; residuals u of OLS on X,
    lat and lon in degrees are (N,); w is `bartlett`. Below the smallest distance V is HC1. In two
    dimensions the kernel does not rule out a negative variance: that raises `DataError`.
    """
    X = _array("X", X, None, None)
    u = _array("residuals", residuals, len(X))
    _full_rank("X", X)
    scores = (X * u[:, None]) @ np.linalg.inv(X.T @ X)
    weights = bartlett(great_circle(_array("lat", lat, len(X)), lon), cutoff_km)
    V = len(X) / (len(X) - X.shape[1]) * scores.T @ weights @ scores
    np.fill_diagonal(V, _not_negative(np.diag(V), (scores**2).sum(axis=0), cutoff_km))
    return V


def _not_negative(variance, scale, cutoff_km):
    if (variance < -1e-9 * scale).any():
        raise DataError(f"conley: negative variance with cutoff_km={cutoff_km}; take a smaller "
                        "cutoff")
    return np.maximum(variance, 0)


def akm(y, shares, shocks, controls=None, null=0.0, treatment=None, weights=None):
    r"""AKM and AKM0 inference on the coefficient of a shift-share variable x = shares @ shocks.

    With w the shares and a dot for residuals of the controls,

    .. math:: \hat\beta = \frac{\dot x'\dot y}{\dot x'\dot x},\quad
              \hat h = (W'W)^{-1} W'\dot x,\quad
              se = \frac{\sqrt{\sum_s \hat h_s^2 (\sum_r w_{rs} \hat e_r)^2}}{|\dot x'\dot x|}.

    AKM takes the residuals at the estimate, AKM0 those at the null; its interval holds every null
    that is not rejected, and is the whole line where these are no interval. Adao, Kolesár and
    Morales (2019, Quarterly Journal of Economics).

    y, treatment (that x is the instrument of; x itself where None) and weights are (N,); controls
    (N, K) without constant, which is added; shares (N, S) >= 0, rows need not sum to one; shocks
    (S,), or (N, S) where each zone leaves itself out. In a panel a column of shares is an
    industry in a year. Of collinear columns the smallest are left out: this choice moves the
    standard error a little.

    Returns a dict: beta, robust (HC1); se, p, low, high (AKM); p0 (of beta = null), low0, high0,
    se0 (length of the interval over that of a standard normal; AKM0); n, sectors, dropped
    (collinear sectors).
    """
    y, d, x, W, Z, w = _shift_share(y, shares, shocks, controls, treatment, weights)
    root = np.sqrt(w)[:, None]
    y, d, x = residualise(np.column_stack([y, d, x]) * root, Z * root, "shift-share").T
    keep = _basis(W * root)
    W = W[:, keep] * root
    h = lstsq(W, x, lapack_driver="gelsy")[0]
    by_sector = h[:, None] * (W.T @ np.column_stack([y, d]))
    xy, xd = x @ y, x @ d
    beta = xy / xd
    se = np.linalg.norm(by_sector @ [1, -beta]) / abs(xd)
    robust = np.linalg.norm(x * (y - beta * d)) / abs(xd)
    t0 = (xy - null * xd) / np.linalg.norm(by_sector @ [1, -null])
    # nulls b with a b² - 2 m b + c <= 0 are not rejected
    (yy, yd), (_, dd) = Z95**2 * by_sector.T @ by_sector
    a, m, c = xd**2 - dd, xy * xd - yd, xy**2 - yy
    half = np.sqrt(max(m**2 - a * c, 0))
    low0, high0 = ((m - half) / a, (m + half) / a) if a > 0 else (-np.inf, np.inf)
    return _normal(beta, se) | {
        "robust": robust * np.sqrt(len(y) / (len(y) - Z.shape[1] - 1)), "p0": 2 * norm.sf(abs(t0)),
        "low0": low0, "high0": high0, "se0": (high0 - low0) / (2 * Z95), "n": len(y),
        "sectors": len(keep), "dropped": np.shape(shares)[1] - len(keep)}


def bhj(y, shares, shocks, controls=None, treatment=None, weights=None, shock_controls=None,
        cluster=None):
    r"""The regression across shocks that is equivalent to the shift-share regression of `akm`.

    .. math:: \bar v_s = \frac{\sum_r e_r w_{rs} \dot v_r}{\sum_r e_r w_{rs}},\quad
              \bar y_s = \alpha + \beta \bar x_s + q_s'\tau + \varepsilon_s

    by instrumental variables: the shock is the instrument, :math:`\sum_r e_r w_{rs}` the weight.
    Robust (or clustered) errors without small-sample factor. Borusyak, Hull and Jaravel (2022,
    Review of Economic Studies).

    Arguments as in `akm`, with weights e; shocks are (S,), shock_controls q (S, Q) without
    constant, which is added, and cluster (S,) groups of shocks. Controls must contain the
    products of shares and (1, q), else `DataError`: the sum of the shares, unless that is one.

    Returns a dict: beta, se, p, low, high; n (shocks with a weight), effective (inverse sum of
    squared weights), dropped (shocks of industries that no zone has).
    """
    g = _array("shocks", shocks, None)
    y, d, x, W, Z, w = _shift_share(y, shares, g, controls, treatment, weights)
    Q = _constant_and(shock_controls, len(g), "shock_controls")
    root = np.sqrt(w)[:, None]
    exposure = W @ Q * root
    left = exposure - Z * root @ np.linalg.lstsq(Z * root, exposure, rcond=None)[0]
    if (np.linalg.norm(left, axis=0) > 1e-5 * np.linalg.norm(exposure, axis=0)).any():
        raise DataError("bhj: shares @ (1, shock_controls) must be among the controls: add the "
                        "sum of the shares, by group of shocks")
    v = residualise(np.column_stack([y, d, x]) * root, Z * root, "shift-share")[:, :2]
    size = W.T @ w
    some = size > 0
    means = (W.T @ (v * root))[some] / size[some, None]
    a = np.sqrt(size[some])[:, None]
    ȳ, d̄, g = residualise(np.column_stack([means, g[some]]) * a, Q[some] * a, "shocks").T
    beta = g @ ȳ / (g @ d̄)
    score = g * (ȳ - beta * d̄)
    if cluster is not None:
        score = _sums(score, _codes(cluster, len(some))[some])
    return _normal(beta, np.linalg.norm(score) / abs(g @ d̄)) | {
        "n": int(some.sum()), "effective": size.sum() ** 2 / (size @ size),
        "dropped": int((~some).sum())}


def wild_cluster(y, X, names, coefficient, cluster, draws=999, seed=0):
    """Wild cluster bootstrap of one coefficient: null imposed, Rademacher weights.

    Cameron, Gelbach and Miller (2008, Review of Economics and Statistics). Draws and p value are
    those of wildboottest, whose compiled step starts anew at each call; here numerators and
    scores are linear in the null (Roodman, Nielsen, MacKinnon and Webb 2019, Stata Journal), so
    that the inverted test costs no more than one. A draw that ties counts against the null's
    rejection.

    y is (N,); X (N, K) with constant and K names, `coefficient` one of them; cluster (N,) labels
    of at least two groups.

    Returns a dict: beta, se, t (CR1); p; low, high (the nulls around the estimate with p >= 5%;
    infinite where none is rejected); clusters, draws.
    """
    X = _array("X", X, None, len(names))
    y, codes = _array("y", y, len(X)), _codes(cluster, len(X))
    _full_rank("X", X, names)
    if coefficient not in names:
        raise DataError(f"wild_cluster: {coefficient!r}; valid: {', '.join(names)}")
    k = list(names).index(coefficient)
    signs = rademacher(codes.max() + 1, draws, seed)
    beta, se, p_value = _wild(y, np.delete(X, k, axis=1), X[:, k], codes, signs)
    low, high = (_last_kept(p_value, beta, step) for step in (-se, se))
    return {"beta": beta, "se": se, "t": beta / se, "p": p_value(0), "low": low, "high": high,
            "clusters": len(signs), "draws": signs.shape[1]}


def rademacher(groups, draws, seed):
    """Signs (G, B) by group and draw; all 2^G where they are fewer than the draws."""
    from wildboottest.weights import draw_weights  # slow to import

    return draw_weights("rademacher", 2**groups < draws, groups, draws,
                        np.random.default_rng(seed))[0]


def _wild(y, Z, x, codes, signs):
    """Estimate, CR1 standard error, and the p value as a function of the null."""
    X = np.column_stack([Z, x])
    y, x = residualise(np.column_stack([y, x]), Z, "regressor").T
    (N, K), G = X.shape, len(signs)
    factor = np.sqrt((N - 1) / (N - K) * G / (G - 1))
    beta = x @ y / (x @ x)
    se = factor * np.linalg.norm(_sums(x * (y - beta * x), codes)) / (x @ x)
    spread = _sums(X * x[:, None], codes) @ np.linalg.inv(X.T @ X)
    tops, scores = [], []
    for e in (y, x):  # the residuals under a null are y - null x
        own = _sums(x * e, codes)
        tops.append(own @ signs)
        scores.append(own[:, None] * signs - spread @ (_sums(X * e[:, None], codes).T @ signs))

    def p_value(null):
        below = factor * np.linalg.norm(scores[0] - null * scores[1], axis=0)
        bound = abs(beta - null) / se * below * (1 - 1e-9)  # ties count, rounded or not
        return np.mean(np.abs(tops[0] - null * tops[1]) >= bound)

    return beta, se, p_value


def _last_kept(p_value, beta, step):
    """The first null in the direction of the step at which the p value falls below 5%."""
    near, far = 0.0, 1.0
    while p_value(beta + far * step) >= 0.05:
        near, far = far, 2 * far
        if far > 1e6:
            return np.sign(step) * np.inf
    while far - near > 1e-9 * far:
        middle = (near + far) / 2
        near, far = (middle, far) if p_value(beta + middle * step) >= 0.05 else (near, middle)
    return beta + near * step


def placebo(y, lat, lon, cluster, length_km, cutoff_km, controls=None, draws=500, bootstrap=199,
            seed=0):
    r"""How often regressions of y on noise that is correlated in space reject zero at 5%.

    Each draw is a Gaussian field with covariance :math:`\exp(-d_{rq} / \ell)` on the zones.
    Kelly (2019) did so for regressions of persistence.

    y, lat, lon (degrees) and cluster (labels of groups) are (N,); length_km is the correlation
    length of the noise, cutoff_km the cutoff of the Conley errors (bartlett); controls (N, K) are
    without constant, which is added; bootstrap is the number of sign vectors of each regression.

    Returns a dict: rates hc1 (t with N - K degrees of freedom), cluster (CR1, t with G - 1),
    conley (normal), wild; error (simulation standard error of a rate of 5%); draws.
    """
    y = _array("y", y, None)
    if not length_km > 0 or draws < 1:
        raise DataError(f"placebo: length_km={length_km}, draws={draws}; valid: both > 0")
    codes, Z = _codes(cluster, len(y)), _constant_and(controls, len(y))
    distance = great_circle(_array("lat", lat, len(y)), lon)
    root = np.linalg.cholesky(np.exp(-distance / length_km) + 1e-9 * np.eye(len(y)))
    noise = root @ np.random.default_rng(seed).standard_normal((len(y), draws))
    e, x = residualise(y[:, None], Z, "y"), residualise(noise, Z, "noise")
    xx = (x**2).sum(axis=0)
    s = x * (e - (x * e).sum(axis=0) / xx * x)
    (N, K), G = (len(y), Z.shape[1] + 1), codes.max() + 1
    hc, groups = (s**2).sum(axis=0), (_sums(s, codes) ** 2).sum(axis=0)
    near = _not_negative((s * (bartlett(distance, cutoff_km) @ s)).sum(axis=0), hc,
                         cutoff_km)
    kinds = {"hc1": (hc * N / (N - K), t(N - K)), "conley": (near * N / (N - K), norm),
             "cluster": (groups * (N - 1) / (N - K) * G / (G - 1), t(G - 1))}
    rates = {kind: np.mean(np.abs((x * e).sum(axis=0)) > law.ppf(0.975) * np.sqrt(v))
             for kind, (v, law) in kinds.items()}
    signs = rademacher(G, bootstrap, seed)
    p = np.array([_wild(y, Z, field, codes, signs)[2](0) for field in noise.T])
    return rates | {"wild": np.mean(p < 0.05), "error": np.sqrt(0.05 * 0.95 / draws),
                    "draws": draws}


# Arrays and projections

def residualise(V, Z, what):
    """Residuals of the columns of V (N, M) on Z; `DataError` where Z explains one entirely."""
    left = V - Z @ np.linalg.lstsq(Z, V, rcond=None)[0]
    if (np.linalg.norm(left, axis=0) <= COLLINEAR * np.linalg.norm(V, axis=0)).any():
        raise DataError(f"{what}: constant or collinear with the controls")
    return left


def _basis(W):
    """Columns of W that are linearly independent; of collinear ones the largest."""
    R, order = qr(W, mode="r", pivoting=True)
    order = order[:min(W.shape)]
    size = np.linalg.norm(W[:, order], axis=0)
    return np.sort(order[np.abs(np.diag(R)) > COLLINEAR * size])


def _full_rank(what, X, names=None):
    names = range(X.shape[1]) if names is None else names
    if len(X) <= X.shape[1]:
        raise DataError(f"{what}: {len(X)} rows; valid: more than its {X.shape[1]} columns")
    for lost in np.setdiff1d(np.arange(X.shape[1]), _basis(X)):
        raise DataError(f"{what}, column {names[lost]!r}: constant or collinear with the others")


def _array(what, v, *shape):
    """Finite floats of a shape; None stands for any length."""
    v = np.asarray(v, dtype=float)
    valid = ", ".join("any" if n is None else str(n) for n in shape)
    if v.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, v.shape,
                                                                      strict=True)):
        raise DataError(f"{what}: shape {v.shape}; valid: ({valid})")
    if not np.isfinite(v).all():
        row = int(np.argwhere(~np.isfinite(v))[0, 0])
        raise DataError(f"{what}, row {row}: NaN or infinite; valid: finite numbers")
    return v


def _constant_and(controls, n, what="controls"):
    columns = [] if controls is None else [_array(what, controls, n, None)]
    Z = np.column_stack([np.ones(n), *columns])
    _full_rank(f"constant and {what}", Z)
    return Z


def _shift_share(y, shares, shocks, controls, treatment, weights):
    """Checked outcome, treatment, shift-share, shares, controls with constant, weights."""
    y = _array("y", y, None)
    W = _array("shares", shares, len(y), None)
    g = _array("shocks", shocks, *(W.shape if np.ndim(shocks) == 2 else W.shape[1:]))
    w = np.ones(len(y)) if weights is None else _array("weights", weights, len(y))
    if (W < 0).any() or (w <= 0).any():
        raise DataError(f"shares from {W.min():.3g}, weights from {w.min():.3g}; valid: shares "
                        ">= 0, weights > 0")
    x = (W * g).sum(axis=1)
    d = x if treatment is None else _array("treatment", treatment, len(y))
    return y, d, x, W, _constant_and(controls, len(y)), w


def _codes(labels, length):
    """Group of each observation, 0..G-1."""
    groups, codes = np.unique(np.asarray(labels), return_inverse=True)
    if codes.shape != (length,) or len(groups) < 2:
        raise DataError(f"cluster: shape {codes.shape}, {len(groups)} groups; valid: ({length},) "
                        "and at least two groups")
    return codes


def _sums(V, codes):
    """Sums of the rows of V by group."""
    return np.stack([np.bincount(codes, v) for v in V.T], axis=1) if V.ndim == 2 else \
        np.bincount(codes, V)


def _normal(beta, se):
    return {"beta": beta, "se": se, "p": 2 * norm.sf(abs(beta / se)), "low": beta - Z95 * se,
            "high": beta + Z95 * se}
