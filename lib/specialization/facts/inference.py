"""Standard errors and tests for zones that are neighbours and share industries.

Own code where no package serves; robust and clustered errors are those of statsmodels. Controls
are (N, K), K >= 0, without constant, which is added. Nothing depends on the units of a regressor:
what counts as collinear is a share of its own length.
"""

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.linalg import lstsq, qr
from scipy.stats import norm, t

from ..errors import DataError, count, positive
from ..measures import finite, floats, sized, unit

EARTH_KM = 6371.0088
"""Mean radius of the earth in km (IUGG)."""
COLLINEAR = 1e-6
"""Share of a column's length that the others must leave unexplained."""
Z95 = norm.ppf(0.975)


def group_codes(labels: ArrayLike, what: str = "cluster") -> np.ndarray:
    """Labels of groups as numbers from zero, in the order of the labels.

    Parameters
    ----------
    labels : array_like (N,)
        Numbers or texts.
    what : str
        What an error calls them.

    Raises
    ------
    DataError
        A missing label; fewer than two groups.

    Examples
    --------
    >>> group_codes(["OH", "NY", "OH"])
    array([1, 0, 1])
    >>> group_codes(["OH", None, "NY"], "state")
    Traceback (most recent call last):
    specialization.errors.DataError: state: 1 of 3 labels missing, the first in row 1; valid: ...
    """
    labels = np.asarray(labels, dtype=object)
    if labels.ndim != 1:
        raise DataError(f"{what}: labels of {labels.ndim} dimensions; valid: 1")
    blank = np.array([isinstance(x, str) and not x.strip() for x in labels], dtype=bool)
    if (gone := pd.isna(labels) | blank).any():
        raise DataError(
            f"{what}: {gone.sum()} of {len(labels)} labels missing, the first in row "
            f"{gone.argmax()}; valid: a label in every row"
        )
    try:
        codes, groups = pd.factorize(labels, sort=True)
    except TypeError:
        raise DataError(f"{what}: labels that are lists; valid: numbers or texts") from None
    if len(groups) < 2:
        raise DataError(f"{what}: {len(groups)} groups of {len(labels)}; valid: 2 or more")
    return codes


def great_circle(lat: ArrayLike, lon: ArrayLike) -> np.ndarray:
    r"""Distances in km on the sphere, from the chord between places p of the unit sphere.

    .. math:: d_{rq} = 2 R \arcsin(|p_r - p_q| / 2)

    Parameters
    ----------
    lat, lon : array_like (N,)
        Degrees, from -90 to 90 and from -180 to 180.

    Returns
    -------
    array (N, N)

    Raises
    ------
    DataError
        A latitude or longitude that is missing or beyond its range.

    Examples
    --------
    >>> great_circle([0, 0], [0, 90]).round()
    array([[    0., 10008.],
           [10008.,     0.]])
    """
    lat, lon = finite(1, lat=lat, lon=lon)
    for name, v, end in (("lat", lat, 90), ("lon", lon, 180)):
        if (far := np.abs(v) > end).any():
            raise DataError(f"{name}: {v[far][0]:g} in row {far.argmax()}; valid: -{end} to {end}")
    φ, λ = np.radians([lat, lon])
    places = np.cos(φ) * np.cos(λ), np.cos(φ) * np.sin(λ), np.sin(φ)
    half = sum((p[:, None] - p) ** 2 for p in places) / 4
    return 2 * EARTH_KM * np.arcsin(np.sqrt(half.clip(0, 1)))


def bartlett(distance: ArrayLike, cutoff_km: float) -> np.ndarray:
    """Weights of pairs of zones: 1 - d / cutoff up to the cutoff, then 0.

    Examples
    --------
    >>> bartlett([0, 50, 200], 100)
    array([1. , 0.5, 0. ])
    """
    return (1 - floats("distance", distance) / positive("cutoff_km", cutoff_km)).clip(0)


def conley(
    X: ArrayLike, residuals: ArrayLike, lat: ArrayLike, lon: ArrayLike, cutoff_km: float
) -> np.ndarray:
    r"""Covariance of OLS coefficients where the errors of near zones are correlated.

    .. math:: V = \tfrac{N}{N-K} (X'X)^{-1} \big[\sum_{r,q} w(d_{rq})\, x_r u_r u_q x_q'\big]
              (X'X)^{-1}

    with w of `bartlett`. Below the smallest distance V is HC1.

    Parameters
    ----------
    X : array_like (N, K)
        Regressors with the constant.
    residuals : array_like (N,)
        u, of OLS on X.
    lat, lon : array_like (N,)
        Degrees.
    cutoff_km : float

    Returns
    -------
    array (K, K)

    Raises
    ------
    DataError
        A variance that is negative, which the kernel does not rule out in two dimensions, or
        zero, where all zones are near each other; collinear columns; input that is missing or
        out of range.

    References
    ----------
    Conley, T. (1999), Journal of Econometrics 92.

    Examples
    --------
    >>> u = [1.0, -1.0, 2.0, -2.0]
    >>> far = conley(np.ones((4, 1)), u, [40, 41, 45, 46], [-80, -80, -90, -90], 100)
    >>> float(far.item().__round__(4))
    0.8333
    >>> conley(np.ones((4, 1)), u, [40, 40, 45, 45], [-80, -80, -90, -90], 100)
    Traceback (most recent call last):
    specialization.errors.DataError: conley: negative or zero variance with cutoff_km=100; ...
    """
    u, lat, lon = finite(1, residuals=residuals, lat=lat, lon=lon)
    _, X = finite(2, residuals=u[:, None], X=X)
    sized(residuals=u, X=X)
    (N, K), (X, size) = X.shape, _unit(X)
    if N <= K:
        raise DataError(f"X: {N} rows for {K} columns; valid: more rows than columns")
    if np.linalg.matrix_rank(X) < K:
        raise DataError("X: a column is constant twice or collinear with the others")
    scores = (X * u[:, None]) @ np.linalg.inv(X.T @ X)
    V = scores.T @ bartlett(great_circle(lat, lon), cutoff_km) @ scores
    _positive(np.diag(V), (scores**2).sum(axis=0), cutoff_km)
    return N / (N - K) * V / np.outer(size, size)


def _positive(variance, own, cutoff_km):
    # beside that of independent errors; where all weights are one the scores sum to zero
    if ((variance <= 1e-12 * own) & (own > 0)).any():
        raise DataError(
            f"conley: negative or zero variance with cutoff_km={cutoff_km}; take a smaller"
        )


def akm(
    y: ArrayLike, shares: ArrayLike, shocks: ArrayLike, controls: ArrayLike
) -> dict[str, float]:
    r"""AKM, AKM0 and BHJ inference on the coefficient of a shift-share variable, shares @ shocks.

    With w the shares and a dot for residuals of the controls,

    .. math:: \hat\beta = \frac{\dot x'\dot y}{\dot x'\dot x},\quad
              \hat h = (W'W)^{-1} W'\dot x,\quad
              se = \frac{\sqrt{\sum_s \hat h_s^2 (\sum_r w_{rs} \hat e_r)^2}}{\dot x'\dot x}.

    AKM takes the residuals at the estimate, AKM0 those at the null; its interval holds every null
    that is not rejected, and is the whole line where these are no interval. BHJ is the robust
    error of an equivalent regression across shocks, which amounts to shocks less their mean,
    weighted by the shares, in place of h. It needs the sum of the shares among the controls,
    unless that is one, and is NaN without.

    Parameters
    ----------
    y : array_like (N,)
    shares : array_like (N, S)
        At least zero. Of collinear columns the smallest are left out: this choice moves the
        standard error a little.
    shocks : array_like (S,)
    controls : array_like (N, K)
        Without constant.

    Returns
    -------
    dict
        beta; its standard errors robust (HC1), akm, bhj; and of AKM0 p0 (of zero), low0, high0,
        se0 (length of the interval over that of a standard normal).

    Raises
    ------
    DataError
        Shares of which the controls leave one combination, as two that sum to one: residuals are
        orthogonal to that one, and no error can be told.

    References
    ----------
    Adao, R., M. Kolesár and E. Morales (2019), Quarterly Journal of Economics 134.
    Borusyak, K., P. Hull and X. Jaravel (2022), Review of Economic Studies 89.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> W, g = rng.dirichlet(np.ones(5), 50), rng.normal(size=5)
    >>> found = akm(W @ g + rng.normal(size=50), W, g, np.empty((50, 0)))
    >>> bool(found["low0"] < found["beta"] < found["high0"])
    True
    """
    (y,), (g,) = finite(1, y=y), finite(1, shocks=shocks)
    _, W, Z = finite(y=y, shares=shares, controls=controls)
    if W.shape[1:] != g.shape or (W < 0).any():
        raise DataError(
            f"shares {W.shape} from {W.min():.3g}, shocks {g.shape}; valid: shares "
            ">= 0, a shock for each of their columns"
        )
    scale = unit(y) / (unit(W) * unit(g))  # that of the coefficient
    y, W, g = y / unit(y), W / unit(W), g / unit(g)
    Q, total = _span(_with_constant(Z)), W.sum(axis=1)
    y, x = residualise(np.column_stack([y, W @ g]), Z, "y or shift-share").T
    xy, xx = x @ y, x @ x
    beta = xy / xx
    e = y - beta * x
    rest = total - Q @ (Q.T @ total)
    whole = np.linalg.norm(rest) <= 1e-5 * np.linalg.norm(total)  # sums rounded in print
    bhj = np.linalg.norm((g - np.average(g, weights=W.sum(axis=0))) * (e @ W)) / xx
    W = _unit(W[:, _basis(W)])[0]  # h_s w_s is the same in all units
    if _rank(W - Q @ (Q.T @ W)) < 2:
        raise DataError(
            f"shares: the controls leave one combination of {W.shape[1]} columns, and "
            "no standard error; valid: 2 or more"
        )
    h = lstsq(W, x, lapack_driver="gelsy")[0]
    sy, sx = h * (y @ W), h * (x @ W)
    # nulls b with a b² - 2 m b + c <= 0 are not rejected
    a, m, c = xx**2 - Z95**2 * sx @ sx, xy * xx - Z95**2 * sx @ sy, xy**2 - Z95**2 * sy @ sy
    half = np.sqrt(max(m**2 - a * c, 0))
    low0, high0 = ((m - half) / a, (m + half) / a) if a > 0 else (-np.inf, np.inf)
    robust = np.linalg.norm(x * e) / xx * np.sqrt(len(y) / (len(y) - Q.shape[1] - 1))
    return {
        "beta": scale * beta,
        "robust": scale * robust,
        "akm": scale * np.linalg.norm(sy - beta * sx) / xx,
        "bhj": scale * bhj if whole else np.nan,
        "p0": 2 * norm.sf(abs(xy) / np.linalg.norm(sy)),
        "low0": scale * low0,
        "high0": scale * high0,
        "se0": scale * (high0 - low0) / (2 * Z95),
    }


def wild_cluster(
    y: ArrayLike,
    x: ArrayLike,
    controls: ArrayLike,
    cluster: ArrayLike,
    draws: int = 999,
    seed: int = 0,
    weights: ArrayLike | None = None,
) -> float:
    r"""P value of a zero coefficient of x by the wild cluster bootstrap, null imposed.

    Rademacher signs v by cluster g on the residuals of the null,

    .. math:: y^* = \hat y_0 + v_g \hat u_0, \qquad
              p = \Pr\big(|t^*| \ge |t|\big) ,

    with t clustered. All draws are one product of matrices of sums over clusters, so that a curve
    of thousands of specifications takes seconds; the signs of a seed are drawn once. It is that of
    wildboottest. A draw that ties counts against the null's rejection.

    Parameters
    ----------
    y, x : array_like (N,)
    controls : array_like (N, K)
        Without constant.
    cluster : array_like (N,)
        Labels of at least two groups, all signs of which are tried where they are fewer than
        `draws`.
    draws : int
    seed : int
    weights : array_like (N,), optional
        Of least squares, positive.

    Returns
    -------
    float

    Raises
    ------
    DataError
        A missing label; x constant or collinear with the controls; a weight that is not positive.

    References
    ----------
    Cameron, A. C., J. Gelbach and D. Miller (2008), Review of Economics and Statistics 90.
    Roodman, D., M. Nielsen, J. MacKinnon and M. Webb (2019), Stata Journal 19: the sums.

    Examples
    --------
    >>> x = np.arange(12.0)
    >>> float(wild_cluster(2 * x + x % 3, x, np.empty((12, 0)), x % 4))     # 16 vectors of signs
    0.125
    """
    y, x = finite(1, y=y, x=x)
    Z = finite(y=y, controls=controls)[1]
    D = _members(cluster, len(y))
    signs = _signs(D.shape[1], count("draws", draws), count("seed", seed, 0))
    root = _root(weights, len(y))
    Q = _span(_with_constant(Z) * root[:, None])
    both = np.column_stack([y / unit(y), x / unit(x)]) * root[:, None]
    y, x = _left(both, Q, "y or regressor").T
    Q = np.column_stack([Q, x / np.linalg.norm(x)])
    own = D.T @ (x * y)  # the residuals under the null are y: their scores, and those of draws
    scores = own[:, None] * signs - D.T @ (Q * x[:, None]) @ ((D.T @ (Q * y[:, None])).T @ signs)
    e = y - x @ y / (x @ x) * x
    if np.linalg.norm(e) <= 1e-12 * np.linalg.norm(y):
        raise DataError("wild bootstrap: x explains y exactly; valid: some residual")
    t = abs(x @ y) / np.linalg.norm(D.T @ (x * e))
    bound = t * np.linalg.norm(scores, axis=0) * (1 - 1e-9)  # ties count, rounded or not
    return np.mean(np.abs(own @ signs) >= bound)


@lru_cache(maxsize=8)
def _signs(groups, draws, seed):
    # (groups, draws), or all there are
    from wildboottest.weights import draw_weights  # slow to import

    whole = 2**groups < draws
    signs, _ = draw_weights("rademacher", whole, groups, draws, np.random.default_rng(seed))
    signs.setflags(write=False)
    return signs


def _root(weights, n):
    # what rows are multiplied by
    if weights is None:
        return np.ones(n)
    _, w = finite(1, y=np.ones(n), weights=weights)
    if not (w > 0).all():
        raise DataError(f"weights: {w.min():g} in row {w.argmin()}; valid: > 0")
    return np.sqrt(w)


def two_stage(
    y: ArrayLike, x: ArrayLike, instrument: ArrayLike, controls: ArrayLike, cluster: ArrayLike
) -> tuple[np.ndarray, np.ndarray, float]:
    r"""Two-stage least squares with one instrument for one regressor, errors clustered.

    .. math:: \hat\beta = (\hat X'X)^{-1} \hat X'y, \qquad
              V = c\,(\hat X'\hat X)^{-1} \Big[\sum_g \hat X_g'\hat u_g \hat u_g'\hat X_g\Big]
              (\hat X'\hat X)^{-1}

    with :math:`\hat X` the regressors, x at its fit on the instrument and the controls, residuals
    :math:`\hat u = y - X\hat\beta`, and c = G/(G - 1) (N - 1)/(N - K).

    Parameters
    ----------
    y, x, instrument : array_like (N,)
    controls : array_like (N, K)
        Without constant.
    cluster : array_like (N,)
        Labels of at least two groups.

    Returns
    -------
    estimate, se : array (1 + K,)
        Of x and then the controls.
    first_stage : float
        F statistic of the instrument, with the same errors.

    Raises
    ------
    DataError
        A missing label; x or the instrument constant or collinear with the controls.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth, e, early, late = rng.normal(size=(4, 900))
    >>> estimate, _, F = two_stage(truth + e / 9, truth + late, truth + early,
    ...                            np.empty((900, 0)), np.arange(900) % 30)
    >>> bool(0.9 < estimate[0] < 1.1), bool(F > 100)
    (True, True)
    """
    y, x, z = finite(1, y=y, x=x, instrument=instrument)
    Z, D = finite(y=y, controls=controls)[1], _members(cluster, len(y))
    for name, v in (("regressor", x), ("instrument", z)):
        residualise(v[:, None], Z, name)
    first, scale = _unit(np.column_stack([z, _with_constant(Z)]))
    γ, V = _sandwich(first, first, x, D)
    X, size = _unit(np.column_stack([x, _with_constant(Z)]))
    fitted = X.copy()
    fitted[:, 0] = first @ γ / size[0]
    β, W = _sandwich(fitted, X, y, D)
    se, keep = np.sqrt(np.diag(W)) / size, np.r_[0, 2 : X.shape[1]]
    return (β / size)[keep], se[keep], γ[0] ** 2 / V[0, 0]


def _sandwich(fitted, X, y, D):
    # coefficients and clustered covariance; `fitted` is X itself in the first stage
    (N, K), G = X.shape, D.shape[1]
    bread = np.linalg.inv(fitted.T @ fitted)
    β = bread @ (fitted.T @ y)
    scores = D.T @ (fitted * (y - X @ β)[:, None])
    return β, G / (G - 1) * (N - 1) / (N - K) * bread @ (scores.T @ scores) @ bread


def placebo(
    y: ArrayLike,
    lat: ArrayLike,
    lon: ArrayLike,
    cluster: ArrayLike,
    length_km: float,
    cutoff_km: float,
    controls: ArrayLike,
    draws: int = 500,
    bootstrap: int = 199,
    seed: int = 0,
) -> dict[str, float]:
    r"""How often regressions of y on noise that is correlated in space reject zero at 5%.

    Each draw is a Gaussian field with covariance :math:`\exp(-d_{rq} / \ell)` on the zones.

    Parameters
    ----------
    y : array_like (N,)
    lat, lon : array_like (N,)
        Degrees.
    cluster : array_like (N,)
        Labels of at least two groups.
    length_km : float
        Correlation length of the noise.
    cutoff_km : float
        Of the Conley errors (`bartlett`).
    controls : array_like (N, K)
        Without constant.
    draws, bootstrap : int
        Fields, and vectors of signs for each.
    seed : int

    Returns
    -------
    dict
        Rates hc1 (t with N - K degrees of freedom), cluster (CR1, t with G - 1), conley (normal),
        wild; error (simulation standard error of a rate of 5%); draws.

    References
    ----------
    Kelly, M. (2019), The standard errors of persistence.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> lat, lon = rng.uniform(30, 45, 40), rng.uniform(-110, -80, 40)
    >>> found = placebo(rng.normal(size=40), lat, lon, lon // 5, 50, 100, np.empty((40, 0)),
    ...                 draws=20, bootstrap=9)
    >>> bool(found["hc1"] <= 0.25), found["draws"]
    (True, 20)
    """
    length_km = positive("placebo: length_km", length_km)
    draws, bootstrap = count("draws", draws), count("bootstrap", bootstrap)
    seed = count("seed", seed, 0)
    y, lat, lon, Z = finite(y=y, lat=lat, lon=lon, controls=controls)
    D, distance = _members(cluster, len(y)), great_circle(lat, lon)
    root = np.linalg.cholesky(np.exp(-distance / length_km) + 1e-9 * np.eye(len(y)))
    noise = root @ np.random.default_rng(seed).standard_normal((len(y), draws))
    e, x = residualise(y[:, None] / unit(y), Z, "y"), residualise(noise, Z, "noise")
    s = x * (e - (x * e).sum(axis=0) / (x**2).sum(axis=0) * x)
    (N, G), K = D.shape, _span(_with_constant(Z)).shape[1] + 1
    hc0, near = (s**2).sum(axis=0), (s * (bartlett(distance, cutoff_km) @ s)).sum(axis=0)
    _positive(near, hc0, cutoff_km)
    crossed = ((D.T @ s) ** 2).sum(axis=0) * (N - 1) / (N - K) * G / (G - 1)
    kinds = {
        "hc1": (hc0 * N / (N - K), t(N - K)),
        "conley": (near * N / (N - K), norm),
        "cluster": (crossed, t(G - 1)),
    }
    rates = {
        kind: np.mean(np.abs((x * e).sum(axis=0)) > law.ppf(0.975) * np.sqrt(v))
        for kind, (v, law) in kinds.items()
    }
    rates["wild"] = np.mean(
        [wild_cluster(y, field, controls, cluster, bootstrap, seed) < 0.05 for field in noise.T]
    )
    return rates | {"error": np.sqrt(0.05 * 0.95 / draws), "draws": draws}


def residualise(V: np.ndarray, controls: np.ndarray, what: str) -> np.ndarray:
    """Residuals of columns on a constant and controls.

    Parameters
    ----------
    V : array (N, M)
    controls : array (N, K)
        Without constant; what is collinear among them is left out.
    what : str
        What an error calls the columns.

    Returns
    -------
    array (N, M)

    Raises
    ------
    DataError
        NaN; a column that the controls explain but for a share of `COLLINEAR` of its length.

    Examples
    --------
    >>> residualise(np.array([[1.0], [2.0], [6.0]]), np.empty((3, 0)), "y").ravel()
    array([-2., -1.,  3.])
    """
    V, controls = finite(**{what: V, "controls": controls})
    return _left(V, _span(_with_constant(controls)), what)


def _left(V, Q, what):
    # of columns, what orthonormal ones leave
    if len(V) < Q.shape[1] + 2:
        raise DataError(f"{what}: {len(V)} rows for {Q.shape[1] + 1} coefficients; valid: more")
    left, size = V - Q @ (Q.T @ V), unit(V, 0)
    if (np.linalg.norm(left / size, axis=0) <= COLLINEAR * np.linalg.norm(V / size, axis=0)).any():
        raise DataError(f"{what}: constant or collinear with the controls")
    return left


def _with_constant(controls):
    return np.column_stack([np.ones(len(controls)), controls])


def _unit(X):
    # columns of length one, which rank tests need, and their lengths; zeros stay
    size = np.abs(X).max(axis=0, initial=0)  # first, as squares may overflow
    size = size * np.linalg.norm(X / np.where(size > 0, size, 1), axis=0)
    return X / np.where(size > 0, size, 1), size


def _span(X):
    # orthonormal columns (N, rank) with the span of X
    X = _unit(X)[0]
    return np.linalg.qr(X[:, _basis(X)])[0]


def _basis(W):
    # positions of columns that are linearly independent; of collinear ones the largest
    R, order = qr(W, mode="r", pivoting=True)
    order = order[: min(W.shape)]
    size = np.linalg.norm(W[:, order], axis=0)
    return np.sort(order[np.abs(np.diag(R)) > COLLINEAR * size])


def rank(X):
    """Rank of the columns of X, whatever their lengths; near is as collinear."""
    return _rank(_unit(X)[0])


def _rank(W):
    # of columns whose lengths are at most one
    return np.linalg.matrix_rank(W, tol=COLLINEAR)


def _members(labels, n):
    # groups (N, G) as columns of ones and zeros
    labels = np.asarray(labels)
    if not labels.ndim or len(labels) != n:
        raise DataError(f"cluster: labels of {len(np.atleast_1d(labels))}; valid: labels of {n}")
    codes = group_codes(labels)
    return np.eye(codes.max() + 1)[codes]
