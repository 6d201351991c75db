"""How specialization moves with relative income: local linear regression, transitions, paths.

A sample of zones is a vector of counts: ones for the data, a draw of states, all zones but one.
Estimates are ratios of sums over zones, so that many samples are the rows of one matrix product.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement, product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.integrate import cumulative_trapezoid
from scipy.stats import norm, rankdata

from ..data.schema import CONTROLS, Panel
from ..data.states import STATES
from ..errors import DataError, count, number
from ..measures import finite, floats, gini, lasting, national_shares, sized, unit
from . import power
from .describe import SHOWN
from .inference import group_codes
from .persistence import wild_test

KERNELS = {
    "tricube": lambda u: (v := np.maximum(1 - u * u * u, 0)) * v * v,
    "rectangular": lambda u: (u <= 1).astype(float),
    "gaussian": lambda u: np.exp(-2 * u**2),
}
"""Weights by distance over bandwidth; the bandwidth of the Gaussian is two standard deviations."""
BANDWIDTHS = {"span": (0.1, 0.2, 0.3, 0.5, 0.9), "width": (0.25, 0.5, 1.0, 2.0, 3.0)}
"""What cross-validation chooses from: spans, shares of the sample; widths, in units of sd(x)."""
DEFINITIONS = {
    "gini": (True, False),
    "gini_present": (False, False),
    "gini_national": (True, True),
    "gini_present_national": (False, True),
}
"""The switches: do absent industries count, is the reference national."""
WORDS = {
    "gini": "absent counted, equal",
    "gini_present": "absent left out, equal",
    "gini_national": "absent counted, national",
    "gini_present_national": "absent left out, national",
}
"""How tables and figures name them."""


def local_linear(
    x: ArrayLike,
    y: ArrayLike,
    zone: ArrayLike,
    grid: np.ndarray,
    *,
    span: float | None = None,
    width: float | None = None,
    kernel: str = "tricube",
    controls: Sequence[ArrayLike] = (),
    within: bool = False,
) -> Callable:
    r"""Local linear regression of y on x, ready for any sample of whole zones.

    .. math:: (\hat\alpha, \hat\beta)(x) = \arg\min_{\alpha, \beta}
              \sum_j w_j(x) (y_j - \alpha - \beta x_j)^2

    With controls, less :math:`\gamma(x)' z_j` in the bracket, and the curve is at their means.
    With `within`, less an intercept for each zone and window, the local within transformation of
    Lee, Mukherjee and Ullah (2019): the slope is that of zones over time; the level, its integral.
    Units of x, y and controls do not matter.

    Parameters
    ----------
    x, y : array_like, shape (n,)
    zone : array_like, shape (n,)
        Labels; two or more.
    grid : ndarray, shape (G,)
        Increasing points of the curve, in units of x.
    span : float, optional
        Bandwidth at each point: the distance to the nearest such share of all observations.
    width : float, optional
        Or the same distance everywhere, in units of x.
    kernel : str
        One of `KERNELS`.
    controls : sequence of array_like, shape (n,)
    within : bool

    Returns
    -------
    function
        Of counts (B, Z) of the zones in the order of their labels, or ones where None. It returns
        level and slope, both (B, G), or (G,).

    Raises
    ------
    DataError
        For NaN, a missing label, constant x, fewer than two zones, an unknown kernel, an
        impossible bandwidth; and, from that function, where x or a control does not vary within
        the bandwidth.

    References
    ----------
    Lee, Y., Mukherjee, D. and Ullah, A. (2019), "Nonparametric estimation of the marginal
    effect in fixed-effect panel data models", Journal of Multivariate Analysis 171.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 50)
    >>> zone = np.repeat(["Iowa", "Ohio"], 25)
    >>> fit = local_linear(x, 2 * x + 1, zone, np.array([0, 0.5]), span=0.5)
    >>> level, slope = fit()
    >>> level.round(6).tolist(), slope.round(6).tolist()
    ([1.0, 2.0], [2.0, 2.0])
    """
    x, y, *controls = finite(1, x=x, y=y, **{f"control {k}": z for k, z in enumerate(controls)})
    (grid,) = finite(1, grid=grid)
    zone = group_codes(zone, "zone")
    if zone.size != x.size:
        raise DataError(f"zone: {zone.size} labels; valid: {x.size}, one for each x")
    if np.ptp(x) == 0 or kernel not in [*KERNELS]:
        raise DataError(
            f"local regression: x up to {x.max():.4g}, kernel {kernel!r}; valid: not "
            f"constant, one of {list(KERNELS)}"
        )
    order = np.argsort(zone, kind="stable")
    first = np.unique(zone[order], return_index=True)[1]
    d = x[order, None] - grid
    h = _bandwidth(np.abs(d), span, width)
    M = _moments(
        d / h,
        y[order] / unit(y),
        [_standard(k, z)[order] for k, z in enumerate(controls)],
        first,
        KERNELS[kernel],
    )
    if within:
        s, n = M[..., 0], M[..., :1, :1]
        M = (M - s[..., None] * s[..., None, :] / np.where(n > 0, n, 1))[..., 1:, 1:]
    mean = _hats(x, grid).mean(axis=0) if within else None
    size = unit(y)

    def curves(counts=None):
        counts = np.ones(first.size) if counts is None else floats("counts", counts)
        if not (np.isfinite(counts) & (counts >= 0)).all():
            raise DataError("counts: a negative or missing entry; valid: finite, >= 0")
        if counts.shape[-1:] != first.shape:
            raise DataError(f"counts of shape {counts.shape}; valid: (..., {first.size}), zones")
        A = np.tensordot(counts, M, 1)
        # u, weights and controls have no units, nor has this limit
        flat = np.linalg.eigvalsh(A[..., :-1, :-1])[..., 0] < 1e-10
        if flat.any():
            at = grid[np.atleast_2d(flat).any(axis=0)]
            what = "x or a control" if controls else "x"
            raise DataError(
                f"local regression: {what} does not vary within the bandwidth of "
                f"{at[0]:.4g} ({len(at)} of {grid.size} points); valid: a wider one"
            )
        b = np.linalg.solve(A[..., :-1, :-1], A[..., :-1, -1:])[..., 0]
        if not within:
            return b[..., 0] * size, b[..., 1] / h * size
        level = cumulative_trapezoid(b[..., 0] / h, grid, initial=0)
        level = level - (level @ mean)[..., None] + (y / size).mean()
        return level * size, b[..., 0] / h * size

    return curves


def _moments(u, y, controls, first, kernel):
    """Weighted cross products of 1, u (n, G), controls and y by zone, (Z, G, K, K); the rows of
    each zone begin at `first`."""
    w = kernel(np.abs(u))
    V = [np.ones_like(u), u, *(z[:, None] for z in controls), y[:, None]]
    M = np.empty((first.size, u.shape[1], len(V), len(V)))
    for a, b in combinations_with_replacement(range(len(V)), 2):
        M[..., a, b] = M[..., b, a] = np.add.reduceat(w * V[b] * V[a], first, axis=0)
    return M


def _standard(k, z):
    """A control less its mean, in standard deviations."""
    z = z / unit(z)
    if not z.std() > 1e-14 * np.abs(z).max():
        raise DataError(f"control {k}: does not vary; valid: not constant")
    return (z - z.mean()) / z.std()


def _bandwidth(distance, span, width):
    """Bandwidths (G,) from distances (n, G)."""
    n = len(distance)
    span, width = (v if v is None else number("bandwidth", v) for v in (span, width))
    if span is None and width is not None and width > 0:
        return np.full(distance.shape[1], float(width))
    if width is not None or span is None or not 2 / n <= span <= 1:
        raise DataError(
            f"bandwidth: span {span}, width {width}; valid: one of them, width > 0, "
            f"span at most 1 and two or more of {n} points"
        )
    k = int(span * n + 1e-10)
    h = np.partition(distance, k - 1, axis=0)[k - 1]
    if not h.all():
        raise DataError(f"bandwidth: span {span} holds {k} points of one x; valid: a larger span")
    return h


def _hats(x, grid):
    """Weights (n, G) of linear interpolation between grid points, constant beyond the ends."""
    if not grid.size or (np.diff(grid) <= 0).any():
        raise DataError(f"grid: {grid.size} points; valid: 1 or more, increasing")
    return np.stack([np.interp(x, grid, e) for e in np.eye(grid.size)], axis=1)


def grid_of(x: ArrayLike, points: int = 41) -> np.ndarray:
    """Equally spaced points (points,) between the first and the last percentile of x (n,).

    Examples
    --------
    >>> grid_of(np.arange(101), points=3)
    array([ 1., 50., 99.])
    """
    (x,) = finite(x=x)
    if not x.size:
        raise DataError("grid_of: no x; valid: 1 or more")
    low, high = np.quantile(x, [0.01, 0.99])
    return np.linspace(low, high, count("points", points))


def cluster_draws(cluster: ArrayLike, draws: int = 500, seed: int = 0) -> np.ndarray:
    """Counts of each zone in the draws of a bootstrap of whole clusters of zones.

    Parameters
    ----------
    cluster : array_like, shape (zones,)
        Labels, such as the state of each zone; of two or more clusters.
    draws, seed : int

    Returns
    -------
    ndarray of int, shape (draws, zones)
        Zones of a cluster are drawn together, and so have the same counts.

    Examples
    --------
    >>> counts = cluster_draws(["IA", "OH", "OH"], draws=4)
    >>> bool((counts[:, 1] == counts[:, 2]).all()), set((counts[:, 0] + counts[:, 1]).tolist())
    (True, {2})
    """
    of, draws, seed = (
        group_codes(cluster, "cluster"),
        count("draws", draws),
        count("seed", seed, 0),
    )
    n = of.max() + 1
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), draws)[:, of]


def bands(estimate: np.ndarray, draws: np.ndarray, coverage: float = 0.95) -> dict:
    r"""Pointwise and uniform bands of a curve from its bootstrap draws.

    The uniform (sup-t) band is

    .. math:: \hat m(x) \pm c\, \hat\sigma(x), \qquad
              c = \text{quantile}_{0.95} \max_x |\hat m^*(x) - \hat m(x)| / \hat\sigma(x) .

    Parameters
    ----------
    estimate : ndarray, shape (G,)
    draws : ndarray, shape (B, G)
    coverage : float
        The quantile: .95 is that above.

    Returns
    -------
    dict of ndarray, shape (G,)
        low, high, low_uniform, high_uniform.

    References
    ----------
    Montiel Olea, J. L. and Plagborg-Møller, M. (2019), "Simultaneous confidence bands",
    Journal of Applied Econometrics 34.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(size=(1000, 20))
    >>> b = bands(np.zeros(20), draws)
    >>> float(b["high"].mean().round(1)), float(b["high_uniform"].mean().round(1))
    (2.0, 3.0)
    """
    draws, estimate = finite(2, draws=draws)[0], finite(1, estimate=estimate)[0]
    if len(draws) < 2 or draws.shape[1:] != estimate.shape:
        raise DataError(
            f"bands: draws {draws.shape}, estimate {estimate.shape}; valid: two or "
            "more draws of the same points"
        )
    if not 0 < number("bands: coverage", coverage) < 1:
        raise DataError(f"bands: coverage = {coverage}; valid: between 0 and 1")
    sized(draws=draws.ravel(), estimate=estimate)
    se = draws.std(axis=0, ddof=1)
    t = np.abs(draws - estimate) / np.where(se > 0, se, np.inf)
    a, c = norm.ppf((1 + coverage) / 2) * se, np.quantile(t.max(axis=1), coverage) * se
    return {
        "low": estimate - a,
        "high": estimate + a,
        "low_uniform": estimate - c,
        "high_uniform": estimate + c,
    }


def cross_validate(
    x: ArrayLike, y: ArrayLike, zone: ArrayLike, grid: np.ndarray, **options
) -> float:
    """Mean squared error of predicting each zone from all others.

    Points beyond the grid do not count. With `within`, errors are less their mean over the zone:
    nobody else knows its effect.

    Parameters
    ----------
    x, y, zone, grid, **options
        Those of `local_linear`.

    Returns
    -------
    float

    Examples
    --------
    >>> x = np.linspace(-1, 1, 60)
    >>> wide, narrow = (cross_validate(x, x**2, np.arange(60) % 20, x[5:-5], width=w)
    ...                 for w in (1.0, 0.2))
    >>> bool(narrow < wide)
    True
    """
    x, y = finite(1, x=x, y=y)
    (grid,) = finite(1, grid=grid)
    sized(y=y)
    inside = (x >= grid.min(initial=np.inf)) & (x <= grid.max(initial=-np.inf))
    if not inside.any():
        raise DataError(f"grid: none of {x.size} x within its {grid.size} points")
    at = group_codes(zone, "zone")
    level, _ = local_linear(x, y, at, grid, **options)(1 - np.eye(at.max() + 1))
    e = pd.Series((y - (_hats(x, grid) * level[at]).sum(axis=1))[inside])
    e = e - e.groupby(at[inside]).transform("mean") if options.get("within") else e
    return (e**2).mean()


def transition_matrix(before: ArrayLike, after: ArrayLike, classes: int = 5) -> np.ndarray:
    """Shares of the zones of each quantile class that end in each class.

    Classes hold equally many zones; ties across the border of a class are spread over both, so
    that the order of the zones does not matter.

    Parameters
    ----------
    before, after : array_like, shape (R,)
        The same zones in two years.
    classes : int
        At most R.

    Returns
    -------
    ndarray, shape (classes, classes)
        Rows sum to one.

    Raises
    ------
    DataError
        For NaN, too few zones, or other zones after than before.

    Examples
    --------
    >>> transition_matrix([1, 2, 3, 4], [1, 3, 2, 4], classes=2)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    both, classes = finite(1, before=before, after=after), count("classes", classes)
    if both[0].size < classes:
        raise DataError(f"transitions: {both[0].size} zones; valid: at least {classes}")
    first, last = (_members(v, classes) for v in both)
    P = first.T @ last
    return P / P.sum(axis=1, keepdims=True)


def _members(v, classes):
    # shares (R, classes) of each zone in each class: of the positions of its ties
    R = v.size
    place = np.eye(classes)[np.arange(R) * classes // R].cumsum(axis=0)
    place = np.vstack([np.zeros(classes), place])
    first, last = (rankdata(v, method).astype(int) for method in ("min", "max"))
    return (place[last] - place[first - 1]) / (last - first + 1)[:, None]


def mobility(P: np.ndarray) -> float:
    r"""Index of mobility of a transition matrix.

    .. math:: (n - \mathrm{tr}\, P) / (n - 1)

    Parameters
    ----------
    P : ndarray, shape (n, n)
        Rows sum to one.

    Returns
    -------
    float
        0 if all stay, and 1 if the end does not depend on the beginning.

    References
    ----------
    Shorrocks, A. F. (1978), "The measurement of mobility", Econometrica 46.

    Examples
    --------
    >>> float(mobility(np.eye(5))), float(mobility(np.full((5, 5), 0.2)))
    (0.0, 1.0)
    """
    (P,) = finite(2, P=P)
    if len(P) < 2 or len(P) != P.shape[1]:
        raise DataError(f"mobility: a matrix {P.shape}; valid: square, two or more classes")
    if (P < 0).any() or (abs(P.sum(axis=1) - 1) > 0.01).any():
        raise DataError("mobility: negative shares, or a row that does not sum to one")
    return (len(P) - np.trace(P)) / (len(P) - 1)


# Tables of a panel


def less_year(data: pd.DataFrame, column: str | list) -> pd.Series | pd.DataFrame:
    """A column of a table by year, or several, less the mean of its year.

    Examples
    --------
    >>> data = pd.DataFrame({"year": [1950, 1950, 1960], "x": [1.0, 3.0, 7.0]})
    >>> less_year(data, "x").tolist()
    [-1.0, 1.0, 0.0]
    """
    return data[column] - data.groupby("year")[column].transform("mean")


def observations(panel: Panel, variable: str) -> pd.DataFrame:
    """Specialization and relative income of every zone in every year.

    Parameters
    ----------
    panel : Panel
    variable : str
        The Gini is that of its shares, over the `lasting` industries.

    Returns
    -------
    DataFrame
        year; zone; the Gini by its `DEFINITIONS`; x, log income per head less the mean over zones
        of the year; size, log population less that mean; income per head, thousand dollars;
        people, the population; nation, the Gini of the nation as one zone.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> data = observations(synthetic.panel(), "income")
    >>> len(data), bool(abs(data["x"].mean()) < 1e-12)
    (5054, True)
    """
    y = panel.cube(variable)
    y = y[..., lasting(y)]
    w = national_shares(y)[:, None, :]
    income, people = (
        np.stack([panel.control(name, t) for t in panel.years])
        for name in ("income_per_head", "population")
    )
    columns = {
        name: gini(y, zeros, w if national else None)
        for name, (zeros, national) in DEFINITIONS.items()
    }
    columns |= {
        "x": np.log(income),
        "size": np.log(people),
        "income": income / 1000,
        "people": people,
        "nation": np.broadcast_to(gini(w), people.shape),
    }
    index = pd.MultiIndex.from_product([panel.years, panel.zones.index], names=["year", "zone"])
    data = pd.DataFrame({k: v.ravel() for k, v in columns.items()}, index).reset_index()
    return data.assign(**less_year(data, ["x", "size"]))


MODELS: dict[str, tuple[list, bool, bool]] = {
    "pooled": ([], False, False),
    "size held fixed": (["size"], False, False),
    "zone effects": ([], True, False),
    "zone effects, first to last": ([], True, True),
}
"""Specifications of `comovement`: controls; has it zone effects; only the first and last year?"""


def comovement(panel: Panel, variable: str, draws: int = 999) -> pd.DataFrame:
    """Slopes of the Gini on relative income, with year effects.

    Test and interval are those of the wild bootstrap of `power.clusters`, as for Fact 1.

    Parameters
    ----------
    panel, variable
        Those of `observations`.
    draws : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        definition, of the Gini; model, of `MODELS`; slope, per log point; se_zone, clustered by
        zone; se, by state (division, where zones are states); p; low and high, the 95% interval.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from specialization.data import synthetic
    >>> panel = synthetic.panel()
    >>> cubes = {"income": panel.cube("income")[:, :60]}
    >>> few = replace(panel, zones=panel.zones[:60], cubes=cubes)
    >>> comovement(few, "income", draws=19)["model"].unique().tolist()[:3]
    ['pooled', 'size held fixed', 'zone effects']
    """
    cluster, _ = power.clusters(panel)
    data = observations(panel, variable).join(panel.zones[[cluster]], on="zone")
    rows = [
        (name, model, *_slope(data, name, model, cluster, draws))
        for name, model in product(DEFINITIONS, MODELS)
    ]
    columns = ["definition", "model", "slope", "se_zone", "se", "p", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def of_states(panel: Panel, variable: str) -> Panel:
    """The sums of a panel of zones over the contiguous states.

    Parameters
    ----------
    panel : Panel
    variable : str
        The cube that is summed.

    Returns
    -------
    Panel
        Of `data.states.STATES`, with income per head and population for controls. A zone belongs
        to the state that its table says, with all of it.

    Raises
    ------
    DataError
        A zone of no contiguous state, such as the synthetic ones.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> panel = synthetic.panel()    # of made-up states
    >>> from specialization.data.schema import ZONES
    >>> zones = panel.zones.assign(state=ZONES["state"].to_numpy())
    >>> of_states(replace(panel, zones=zones), "income").cube("income").shape
    (7, 48, 150)
    """
    if not (known := panel.zones["state"].isin(STATES["state"])).all():
        raise DataError(
            f"zones: state {panel.zones['state'][~known].iloc[0]!r}; valid: the 48 contiguous"
        )
    names = ["income_per_head", "population"]
    of = panel.zones["state"].map(pd.Series(STATES.index, STATES["state"]))
    D = (of.to_numpy()[:, None] == STATES.index.to_numpy()).astype(float)
    income, people = (np.stack([panel.control(n, t) for t in panel.years]) for n in names)
    index = pd.MultiIndex.from_product([panel.years, STATES.index], names=["year", "zone"])
    values = np.stack([(income * people @ D) / (people @ D), people @ D], axis=-1)
    controls = pd.DataFrame(values.reshape(-1, 2), index, names).swaplevel()
    return replace(
        panel,
        zones=STATES,
        cubes={variable: np.einsum("tri,rs->tsi", panel.cube(variable), D)},
        controls=controls.reindex(columns=[*CONTROLS]).sort_index(),
    )


def comovement_of_states(panel: Panel, variable: str, draws: int = 999) -> pd.DataFrame:
    """`comovement` of the states that zones add up to: the variable of zones, the size of states.

    Parameters
    ----------
    panel, variable, draws
        Those of `comovement`.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> panel = synthetic.panel()    # of made-up states
    >>> from specialization.data.schema import ZONES
    >>> zones = panel.zones.assign(state=ZONES["state"].to_numpy())
    >>> len(comovement_of_states(replace(panel, zones=zones), "income", draws=19))
    16
    """
    return comovement(of_states(panel, variable), variable, draws)


def _slope(data, name, model, cluster, draws):
    # slope, errors by zone and by cluster, p value, and ends of the interval
    import pyfixest as pf  # slow to import

    controls, effects, only_ends = MODELS[model]
    data = ends(data) if only_ends else data
    fixed = "zone + year" if effects else "year"
    fit = pf.feols(f"{name} ~ {' + '.join(['x', *controls])} | {fixed}", data)
    b = fit.coef()["x"]
    by_zone, se = (fit.vcov({"CRV1": of}).se()["x"] for of in ("zone", cluster))
    cells = less_year(data, ["x", name, *controls])
    if effects:  # in a balanced panel exact
        cells = cells - cells.groupby(data["zone"]).transform("mean")
    cube = cells.to_numpy().T.reshape(len(cells.columns), data["year"].nunique(), -1, 1)
    z = cube[2:]
    x, y = (v - (v * z).sum() / (z * z).sum() * z[0] if controls else v for v in cube[:2])
    labels = data[cluster].iloc[: x.shape[1]]
    p = wild_test(x, y, labels, z, draws)
    low, high = power.not_rejected(lambda v: p(v) < power.LEVEL, b, se)
    return b, by_zone, se, p(0.0), low, high


CURVES: dict[str, dict] = {
    "tricube": {},
    "rectangular": {"kernel": "rectangular"},
    "gaussian": {"kernel": "gaussian"},
    "fixed width": {},
    "zone effects": {"within": True},
}
"""Curves whose bandwidth is chosen by cross-validation."""


def _outcome(data, name, options):
    """A Gini; with zone effects less the mean of the year, plus that of all years."""
    return less_year(data, name) + data[name].mean() if "within" in options else data[name]


def bandwidths(panel: Panel, variable: str) -> pd.DataFrame:
    """Errors of predicting left-out zones, by curve and bandwidth.

    Parameters
    ----------
    panel, variable
        Those of `observations`.

    Returns
    -------
    DataFrame
        curve, of `CURVES`; kind, span or width; bandwidth, of `BANDWIDTHS`; error, root of the
        mean square; best, whether it is the smallest of the curve.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from specialization.data import synthetic
    >>> panel = synthetic.panel()
    >>> cubes = {"income": panel.cube("income")[:, :60]}
    >>> few = replace(panel, zones=panel.zones[:60], cubes=cubes)
    >>> bandwidths(few, "income").groupby("curve")["best"].sum().unique().tolist()
    [1]
    """
    data, tables = observations(panel, variable), []
    x, grid = data["x"], grid_of(data["x"], 21)
    for curve, options in CURVES.items():
        kind, scale = ("width", x.std(ddof=0)) if curve == "fixed width" else ("span", 1)
        y, values = _outcome(data, "gini", options), scale * np.array(BANDWIDTHS[kind])
        error = np.sqrt(
            [cross_validate(x, y, data["zone"], grid, **{kind: v}, **options) for v in values]
        )
        tables.append(
            pd.DataFrame(
                {
                    "curve": curve,
                    "kind": kind,
                    "bandwidth": values,
                    "error": error,
                    "best": error == error.min(),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def chosen(table: pd.DataFrame) -> pd.DataFrame:
    """The best bandwidth of each curve, its error, and that of the worst.

    Parameters
    ----------
    table : DataFrame
        Of `bandwidths`.

    Returns
    -------
    DataFrame
        By curve: bandwidth, error, largest error.

    Examples
    --------
    >>> chosen(pd.DataFrame({"curve": "tricube", "bandwidth": [0.1, 0.3], "error": [0.2, 0.1],
    ...                      "best": [False, True]})).loc["tricube"].to_dict()
    {'bandwidth': 0.3, 'error': 0.1, 'largest error': 0.2}
    """
    best = table[table["best"]].set_index("curve")[["bandwidth", "error"]]
    return best.assign(**{"largest error": table.groupby("curve")["error"].max()})


def curves(panel: Panel, variable: str, draws: int = 500) -> pd.DataFrame:
    """Curves of the Gini on relative income, with bands for level and slope.

    Those of `CURVES`; one with log population held fixed and one on dollars per head; and two
    curves of the other definitions of the Gini.

    Parameters
    ----------
    panel, variable
        Those of `observations`.
    draws : int
        Of the bootstrap of `power.clusters`.

    Returns
    -------
    DataFrame
        definition; curve; x, at 41 points; level and slope, each with its `bands`.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from specialization.data import synthetic
    >>> panel = synthetic.panel()
    >>> cubes = {"income": panel.cube("income")[:, :200]}
    >>> part = replace(panel, zones=panel.zones[:200], cubes=cubes)
    >>> table = curves(part, "income", draws=20)
    >>> table["curve"].unique().tolist()[-2:], len(table)
    (['size held fixed', 'dollars'], 533)
    """
    data, tables = observations(panel, variable), []
    best = chosen(bandwidths(panel, variable))["bandwidth"]
    counts = cluster_draws(panel.zones[power.clusters(panel)[0]], draws)
    plan = [("gini", curve, "x", options) for curve, options in CURVES.items()]
    plan += [
        ("gini", "size held fixed", "x", {"controls": [data["size"]]}),
        ("gini", "dollars", "income", {}),
    ]
    plan += [
        (name, curve, "x", CURVES[curve])
        for name in list(DEFINITIONS)[1:]
        for curve in ("tricube", "zone effects")
    ]
    for name, curve, x, options in plan:
        kind = "width" if curve == "fixed width" else "span"
        width = best[curve if curve in CURVES else "tricube"]
        y, grid = _outcome(data, name, options), grid_of(data[x])
        fit = local_linear(data[x], y, data["zone"], grid, **{kind: width}, **options)
        (level, slope), (levels, slopes) = fit(), fit(counts)
        steep = {f"slope_{k}": v for k, v in bands(slope, slopes).items()}
        tables.append(
            pd.DataFrame(
                {
                    "definition": name,
                    "curve": curve,
                    "x": grid,
                    "level": level,
                    **bands(level, levels),
                    "slope": slope,
                    **steep,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def features(table: pd.DataFrame) -> pd.DataFrame:
    """What curves and their uniform bands say.

    Parameters
    ----------
    table : DataFrame
        Of `curves`.

    Returns
    -------
    DataFrame
        By definition and curve: rising and falling, percent of the grid where the band of the
        slope is above and below zero; horizontal, whether a horizontal line fits into that of the
        level; first and last, levels at the ends; lowest, x where the level is lowest.

    Examples
    --------
    >>> one = pd.DataFrame({"definition": "gini", "curve": "tricube", "x": [0, 1],
    ...                     "level": [0.5, 0.6], "low_uniform": [0.4, 0.5],
    ...                     "high_uniform": [0.6, 0.7], "slope_low_uniform": [-1, 0.1],
    ...                     "slope_high_uniform": [1, 0.2]})
    >>> features(one).loc[("gini", "tricube"), ["rising", "falling", "lowest"]].map(float).tolist()
    [50.0, 0.0, 0.0]
    """
    rows = {
        key: {
            "rising": 100 * (t["slope_low_uniform"] > 0).mean(),
            "falling": 100 * (t["slope_high_uniform"] < 0).mean(),
            "horizontal": t["low_uniform"].max() <= t["high_uniform"].min(),
            "first": t["level"].iloc[0],
            "last": t["level"].iloc[-1],
            "lowest": t["x"].loc[t["level"].idxmin()],
        }
        for key, t in table.groupby(["definition", "curve"], sort=False)
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["definition", "curve"])


def transitions(panel: Panel, variable: str) -> pd.DataFrame:
    """Quintile transitions of relative income and of specialization, and their mobility.

    From the first year to the last, and over the twenty years that every vintage has.

    Parameters
    ----------
    panel, variable
        Those of `observations`.

    Returns
    -------
    DataFrame
        first, last; of, x or a definition of the Gini; from, the fifth in the first year; to_1 to
        to_5, the row of the `transition_matrix`; its `mobility`.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> table = transitions(synthetic.panel(), "income")
    >>> table[["first", "last"]].drop_duplicates().to_numpy().tolist()
    [[1950, 2020], [1980, 2000]]
    """
    data, rows = observations(panel, variable).set_index("year"), []
    periods = {(int(panel.years[0]), int(panel.years[-1])), (1980, 2000)}
    for (first, last), name in product(sorted(periods), ("x", *DEFINITIONS)):
        P = transition_matrix(data.loc[first, name], data.loc[last, name])
        rows += [(first, last, name, j, *row, mobility(P)) for j, row in enumerate(P, 1)]
    return pd.DataFrame(
        rows,
        columns=["first", "last", "of", "from", *(f"to_{k}" for k in range(1, 6)), "mobility"],
    )


def quintiles(table: pd.DataFrame, of: str, first: int = 1980, last: int = 2000) -> pd.DataFrame:
    """The transition matrix of one variable in one period.

    Parameters
    ----------
    table : DataFrame
        Of `transitions`.
    of : str
        x, or a definition of the Gini.
    first, last : int
        Years.

    Returns
    -------
    DataFrame, shape (5, 5)
        Fifths of the first year by fifths of the last.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> P = quintiles(transitions(synthetic.panel(), "income"), "gini")
    >>> P.sum(axis=1).round(6).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    t = table[(table["of"] == of) & (table["first"] == first) & (table["last"] == last)]
    return t.set_index("from").filter(like="to_").rename(columns=lambda c: int(c[3:]))


def arrows(panel: Panel, variable: str) -> pd.DataFrame:
    """Positions by year of the zones of `SHOWN` and the means of the Rustbelt and other zones.

    Parameters
    ----------
    panel, variable
        Those of `observations`.

    Returns
    -------
    DataFrame
        place; year; x, log relative income; gini and gini_national, against equal and national
        shares, less the year's mean.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> arrows(synthetic.panel(), "income")["place"].unique().tolist()
    ['other zones', 'Rustbelt']
    """
    data, columns = observations(panel, variable), ["gini", "gini_national"]
    data[columns] = less_year(data, columns)
    rust = panel.zones["rustbelt"].map({True: "Rustbelt", False: "other zones"})
    places = pd.concat([data.assign(place=data["zone"].map(names)) for names in (rust, SHOWN)])
    return places.groupby(["place", "year"], sort=False)[["x", *columns]].mean().reset_index()


def ends(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first and of the last year.

    Examples
    --------
    >>> ends(pd.DataFrame({"year": [1950, 1960, 1970]}))["year"].tolist()
    [1950, 1970]
    """
    return table[table["year"].isin([table["year"].min(), table["year"].max()])]


def trend(panel: Panel, variable: str) -> pd.DataFrame:
    """Specialization of the United States by year.

    Parameters
    ----------
    panel, variable
        Those of `observations`.

    Returns
    -------
    DataFrame
        year; mean Gini of zones: gini, plain; weighted, by their population; gini_national,
        against national shares; and nation, the Gini of the nation as one zone.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> trend(synthetic.panel(), "income")["gini"].round(2).tolist()[::6]
    [0.46, 0.53]
    """
    data = observations(panel, variable)
    weight = data["people"] / data.groupby("year")["people"].transform("mean")
    by = data.assign(weighted=data["gini"] * weight).groupby("year")
    return by[["gini", "weighted", "gini_national", "nation"]].mean().reset_index()


def per_decade(table: pd.DataFrame) -> pd.Series:
    """Changes from the first year to the last, per ten years.

    Parameters
    ----------
    table : DataFrame
        Of `trend`, or others with a column year, in order.

    Examples
    --------
    >>> table = pd.DataFrame({"year": [1950, 1960, 2020], "gini": [0.46, 0.5, 0.53]})
    >>> per_decade(table).round(3).to_dict()
    {'gini': 0.01}
    """
    change = table.iloc[-1] - table.iloc[0]
    return change.drop("year") / change["year"] * 10


def readings(slopes: pd.DataFrame) -> pd.Series:
    """What each slope says of the claim that it is positive, in the words of the scoreboard.

    Parameters
    ----------
    slopes : DataFrame
        Of `comovement`.

    Returns
    -------
    Series of str
        "same sign" or "different" where zero is rejected, else "not identified".

    Examples
    --------
    >>> readings(pd.DataFrame({"slope": [0.3, -0.3, 0.3], "p": [0.01, 0.01, 0.2]})).tolist()
    ['same sign', 'different', 'not identified']
    """
    words = np.where(slopes["slope"] > 0, "same sign", "different")
    return pd.Series(words, slopes.index).where(slopes["p"] < power.LEVEL, "not identified")
