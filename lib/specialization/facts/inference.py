"""Standard errors and tests for zones that are neighbours and share industries.

Own code where no package serves; robust and clustered errors are those of statsmodels. Controls
are (N, K), K >= 0, without constant, which is added. `DataError` for NaN, arrays of another
length, and a regressor that is constant or collinear with the controls.
"""

import numpy as np
import pandas as pd
from scipy.linalg import lstsq, qr
from scipy.stats import norm, t

from ..errors import DataError
from ..measures import finite

EARTH_KM = 6371.0088  # mean radius (IUGG)
COLLINEAR = 1e-6  # share of a column's length that the others must leave unexplained
Z95 = norm.ppf(0.975)


def great_circle(lat, lon):
    """Distances in km on the sphere, (N,) and (N,) degrees to (N, N).

    From the chord between the places p on the unit sphere: 2R arcsin(|p_r - p_q| / 2)."""
    φ, λ = np.radians(finite(lat=lat, lon=lon))
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
    dimensions the kernel does not rule out a negative variance: that raises `DataError`."""
    X, u, lat, lon = finite(X=X, residuals=residuals, lat=lat, lon=lon)
    if np.linalg.matrix_rank(X) < X.shape[1]:
        raise DataError("X: a column is constant twice or collinear with the others")
    scores = (X * u[:, None]) @ np.linalg.inv(X.T @ X)
    V = scores.T @ bartlett(great_circle(lat, lon), cutoff_km) @ scores
    _not_negative(np.diag(V), cutoff_km)
    return len(X) / (len(X) - X.shape[1]) * V


def _not_negative(variance, cutoff_km):
    if (variance < 0).any():
        raise DataError(f"conley: negative variance with cutoff_km={cutoff_km}; take a smaller")


def akm(y, shares, shocks, controls):
    r"""AKM, AKM0 and BHJ inference on the coefficient of a shift-share variable, shares @ shocks.

    With w the shares and a dot for residuals of the controls,

    .. math:: \hat\beta = \frac{\dot x'\dot y}{\dot x'\dot x},\quad
              \hat h = (W'W)^{-1} W'\dot x,\quad
              se = \frac{\sqrt{\sum_s \hat h_s^2 (\sum_r w_{rs} \hat e_r)^2}}{\dot x'\dot x}.

    AKM takes the residuals at the estimate, AKM0 those at the null; its interval holds every null
    that is not rejected, and is the whole line where these are no interval: Adao, Kolesár and
    Morales (2019, Quarterly Journal of Economics). BHJ is the robust error of an equivalent
    regression across shocks (Borusyak, Hull and Jaravel 2022, Review of Economic Studies), which
    amounts to shocks less their mean, weighted by the shares, in place of h. It needs the sum of
    the shares among the controls, unless that is one, and is NaN without.

    y is (N,); shares (N, S) >= 0; shocks (S,). Of collinear columns of shares the smallest are
    left out: this choice moves the standard error a little. Returns a dict: beta; its standard
    errors robust (HC1), akm, bhj; and of AKM0 p0 (of zero), low0, high0, se0 (length of the
    interval over that of a standard normal)."""
    y, W, Z = finite(y=y, shares=shares, controls=controls)
    g, = finite(shocks=shocks)
    if W.shape[1:] != g.shape or (W < 0).any():
        raise DataError(f"shares {W.shape} from {W.min():.3g}, shocks {g.shape}; valid: shares "
                        ">= 0, a shock for each of their columns")
    Z, total = np.column_stack([np.ones(len(y)), Z]), W.sum(axis=1)
    y, x = residualise(np.column_stack([y, W @ g]), Z, "shift-share").T
    xy, xx = x @ y, x @ x
    beta = xy / xx
    e = y - beta * x
    whole = np.allclose(Z @ np.linalg.lstsq(Z, total, rcond=None)[0], total, atol=1e-5)
    bhj = np.linalg.norm((g - np.average(g, weights=W.sum(axis=0))) * (e @ W)) / xx
    W = W[:, _basis(W)]
    h = lstsq(W, x, lapack_driver="gelsy")[0]
    sy, sx = h * (y @ W), h * (x @ W)
    # nulls b with a b² - 2 m b + c <= 0 are not rejected
    a, m, c = xx**2 - Z95**2 * sx @ sx, xy * xx - Z95**2 * sx @ sy, xy**2 - Z95**2 * sy @ sy
    half = np.sqrt(max(m**2 - a * c, 0))
    low0, high0 = ((m - half) / a, (m + half) / a) if a > 0 else (-np.inf, np.inf)
    robust = np.linalg.norm(x * e) / xx * np.sqrt(len(y) / (len(y) - Z.shape[1] - 1))
    return {"beta": beta, "robust": robust, "akm": np.linalg.norm(sy - beta * sx) / xx,
            "bhj": bhj if whole else np.nan, "p0": 2 * norm.sf(abs(xy) / np.linalg.norm(sy)),
            "low0": low0, "high0": high0, "se0": (high0 - low0) / (2 * Z95)}


def wild_cluster(y, x, controls, cluster, draws=999, seed=0):
    """P value of a zero coefficient of x by the wild cluster bootstrap, null imposed.

    Rademacher signs by cluster: Cameron, Gelbach and Miller (2008, Review of Economics and
    Statistics). It is that of wildboottest, whose compiled step starts anew at each call. A draw
    that ties counts against the null's rejection. y and x are (N,); cluster (N,) labels of at
    least two groups, all signs of which are tried where they are fewer than `draws`."""
    from wildboottest.weights import draw_weights  # slow to import

    y, x, Z = finite(y=y, x=x, controls=controls)
    D, Z = _members(cluster, len(y)), np.column_stack([np.ones(len(y)), Z])
    signs, _ = draw_weights("rademacher", 2**D.shape[1] < draws, D.shape[1], draws,
                            np.random.default_rng(seed))
    y, x = residualise(np.column_stack([y, x]), Z, "regressor").T
    Q = np.linalg.qr(np.column_stack([Z, x]))[0]
    own = D.T @ (x * y)     # the residuals under the null are y: their scores, and those of draws
    scores = own[:, None] * signs - D.T @ (Q * x[:, None]) @ ((D.T @ (Q * y[:, None])).T @ signs)
    t = abs(x @ y) / np.linalg.norm(D.T @ (x * (y - x @ y / (x @ x) * x)))
    bound = t * np.linalg.norm(scores, axis=0) * (1 - 1e-9)  # ties count, rounded or not
    return np.mean(np.abs(own @ signs) >= bound)


def placebo(y, lat, lon, cluster, length_km, cutoff_km, controls, draws=500, bootstrap=199,
            seed=0):
    r"""How often regressions of y on noise that is correlated in space reject zero at 5%.

    Each draw is a Gaussian field with covariance :math:`\exp(-d_{rq} / \ell)` on the zones.
    Kelly (2019) did so for regressions of persistence.

    y, lat, lon (degrees) and cluster (labels of groups) are (N,); length_km is the correlation
    length of the noise, cutoff_km the cutoff of the Conley errors (bartlett); bootstrap is the
    number of sign vectors of each regression.

    Returns a dict: rates hc1 (t with N - K degrees of freedom), cluster (CR1, t with G - 1),
    conley (normal), wild; error (simulation standard error of a rate of 5%); draws."""
    if not length_km > 0:
        raise DataError(f"placebo: length_km={length_km}; valid: > 0")
    y, lat, lon, Z = finite(y=y, lat=lat, lon=lon, controls=controls)
    D, Z = _members(cluster, len(y)), np.column_stack([np.ones(len(y)), Z])
    distance = great_circle(lat, lon)
    root = np.linalg.cholesky(np.exp(-distance / length_km) + 1e-9 * np.eye(len(y)))
    noise = root @ np.random.default_rng(seed).standard_normal((len(y), draws))
    e, x = residualise(y[:, None], Z, "y"), residualise(noise, Z, "noise")
    s = x * (e - (x * e).sum(axis=0) / (x**2).sum(axis=0) * x)
    (N, K), G = (len(y), Z.shape[1] + 1), D.shape[1]
    hc0, near = (s**2).sum(axis=0), (s * (bartlett(distance, cutoff_km) @ s)).sum(axis=0)
    _not_negative(near, cutoff_km)
    crossed = ((D.T @ s) ** 2).sum(axis=0) * (N - 1) / (N - K) * G / (G - 1)
    kinds = {"hc1": (hc0 * N / (N - K), t(N - K)), "conley": (near * N / (N - K), norm),
             "cluster": (crossed, t(G - 1))}
    rates = {kind: np.mean(np.abs((x * e).sum(axis=0)) > law.ppf(0.975) * np.sqrt(v))
             for kind, (v, law) in kinds.items()}
    rates["wild"] = np.mean([wild_cluster(y, field, controls, cluster, bootstrap, seed) < 0.05
                             for field in noise.T])
    return rates | {"error": np.sqrt(0.05 * 0.95 / draws), "draws": draws}


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


def _members(labels, n):
    """Groups (N, G) as columns of ones and zeros."""
    D = pd.get_dummies(np.asarray(labels), dtype=float).to_numpy()
    if D.shape[1] < 2 or len(D) != n:
        raise DataError(f"cluster: {D.shape[1]} groups of {len(D)}; valid: 2 or more of {n}")
    return D
