"""How specialization moves with relative income: local linear regression, transitions, paths.

A sample of zones is a vector of counts: ones for the data, a bootstrap draw, all zones but one.
Estimates are ratios of sums over zones, so that many samples are the rows of one matrix product.
"""

from itertools import combinations_with_replacement, product

import numpy as np
import pandas as pd
from scipy.integrate import cumulative_trapezoid
from scipy.stats import norm, rankdata

from ..errors import DataError
from ..measures import finite, gini, lasting, national_shares
from .describe import SHOWN

KERNELS = {"tricube": lambda u: (v := np.maximum(1 - u * u * u, 0)) * v * v,
           "rectangular": lambda u: (u <= 1).astype(float),
           "gaussian": lambda u: np.exp(-2 * u**2)}
"""Weights by distance over bandwidth; the bandwidth of the Gaussian is two standard deviations."""
BANDWIDTHS = {"span": (0.1, 0.2, 0.3, 0.5, 0.9), "width": (0.25, 0.5, 1.0, 2.0, 3.0)}
"""What cross-validation chooses from: spans, shares of the sample; widths, in units of sd(x)."""
DEFINITIONS = {"gini": (True, False), "gini_present": (False, False),
               "gini_national": (True, True), "gini_present_national": (False, True)}
"""The switches: do absent industries count, is the reference national."""


def local_linear(x, y, zone, grid, *, span=None, width=None, kernel="tricube", controls=(),
                 within=False):
    r"""Local linear regression of y on x, ready for any sample of whole zones.

    .. math:: (\hat\alpha, \hat\beta)(x) = \arg\min_{\alpha, \beta}
              \sum_j w_j(x) (y_j - \alpha - \beta x_j)^2

    With controls, less :math:`\gamma(x)' z_j` in the bracket, and the curve is at their means.
    With `within`, less an intercept for each zone and window, the local within transformation of
    Lee, Mukherjee and Ullah (2019): the slope is that of zones over time; the level, its integral.

    x, y, zone and each of the controls are (n,); grid (G,) increases. The bandwidth is `width`, or
    the distance to the nearest `span` of all points.

    Returns a function of counts (B, Z) of the zones, ones where None: level and slope (B, G), or
    (G,). `DataError` for NaN, constant x, fewer than two zones, an unknown kernel, an impossible
    bandwidth; and, from that function, where x or a control does not vary within the bandwidth."""
    zone, x, y, *controls = finite(zone=zone, x=x, y=y, **{
        f"control {k}": z for k, z in enumerate(controls)})
    order = np.argsort(zone, kind="stable")
    first = np.unique(zone[order], return_index=True)[1]
    if first.size < 2 or np.ptp(x) == 0 or kernel not in KERNELS:
        raise DataError(f"local regression: {first.size} zones, x up to {x.max():.4g}, kernel "
                        f"{kernel!r}; valid: 2 or more, not constant, one of {list(KERNELS)}")
    d = x[order, None] - grid
    h = _bandwidth(np.abs(d), span, width)
    w = KERNELS[kernel](np.abs(d) / h)
    # moments by zone: weighted cross products of 1 (not if within), u = d / h, controls and y
    V = [np.ones_like(d), d / h, *((z - z.mean())[order, None] for z in controls), y[order, None]]
    M = np.empty((first.size, grid.size, len(V), len(V)))
    for a, b in combinations_with_replacement(range(len(V)), 2):
        M[..., a, b] = M[..., b, a] = np.add.reduceat(w * V[b] * V[a], first, axis=0)
    if within:
        s, n = M[..., 0], M[..., :1, :1]
        M = (M - s[..., None] * s[..., None, :] / np.where(n > 0, n, 1))[..., 1:, 1:]
    mean = _hats(x, grid).mean(axis=0) if within else None

    def curves(counts=None):
        A = np.tensordot(np.ones(first.size) if counts is None else counts, M, 1)
        flat = np.linalg.eigvalsh(A[..., :-1, :-1])[..., 0] < 1e-10
        if flat.any():
            at = grid[np.atleast_2d(flat).any(axis=0)]
            raise DataError(f"local regression: x does not vary within the bandwidth of "
                            f"{at[0]:.4g} ({len(at)} of {grid.size} points); valid: a wider one")
        b = np.linalg.solve(A[..., :-1, :-1], A[..., :-1, -1:])[..., 0]
        if not within:
            return b[..., 0], b[..., 1] / h
        level = cumulative_trapezoid(b[..., 0] / h, grid, initial=0)
        return level - (level @ mean)[..., None] + y.mean(), b[..., 0] / h

    return curves


def _bandwidth(distance, span, width):
    """Bandwidths (G,) from distances (n, G)."""
    n = len(distance)
    if span is None and width is not None and width > 0:
        return np.full(distance.shape[1], float(width))
    if width is not None or span is None or not 2 / n <= span <= 1:
        raise DataError(f"bandwidth: span {span}, width {width}; valid: one of them, width > 0, "
                        f"span at most 1 and two or more of {n} points")
    k = int(span * n + 1e-10)
    h = np.partition(distance, k - 1, axis=0)[k - 1]
    if not h.all():
        raise DataError(f"bandwidth: span {span} holds {k} points of one x; valid: a larger span")
    return h


def _hats(x, grid):
    """Weights (n, G) of linear interpolation between grid points, constant beyond the ends."""
    return np.stack([np.interp(x, grid, e) for e in np.eye(grid.size)], axis=1)


def grid_of(x, points=41):
    """Equally spaced points between the first and the last percentile of x."""
    return np.linspace(*np.quantile(x, [0.01, 0.99]), points)


def cluster_draws(zones, draws=500, seed=0):
    """Counts (draws, zones) of a bootstrap of whole zones."""
    return np.random.default_rng(seed).multinomial(zones, np.full(zones, 1 / zones), draws)


def bands(estimate, draws, coverage=0.95):
    """Pointwise and uniform bands of a curve (G,) from its bootstrap draws (B, G).

    The uniform (sup-t) band is estimate -+ c se, with c the `coverage` quantile over draws of the
    largest |draw - estimate| / se (Montiel Olea and Plagborg-Møller 2019)."""
    se = draws.std(axis=0, ddof=1)
    t = np.abs(draws - estimate) / np.where(se > 0, se, np.inf)
    a, c = norm.ppf((1 + coverage) / 2) * se, np.quantile(t.max(axis=1), coverage) * se
    return {"low": estimate - a, "high": estimate + a,
            "low_uniform": estimate - c, "high_uniform": estimate + c}


def cross_validate(x, y, zone, grid, **options):
    """Mean squared error of predicting each zone from all others, by `local_linear(**options)`.

    Points beyond the grid do not count. With `within`, errors are less their mean over the zone:
    nobody else knows its effect."""
    x, y = finite(x=x, y=y)
    names, at = np.unique(zone, return_inverse=True)
    level, _ = local_linear(x, y, zone, grid, **options)(1 - np.eye(names.size))
    inside = (x >= grid[0]) & (x <= grid[-1])
    e = pd.Series((y - (_hats(x, grid) * level[at]).sum(axis=1))[inside])
    e = e - e.groupby(at[inside]).transform("mean") if options.get("within") else e
    return (e**2).mean()


def transition_matrix(before, after, classes=5):
    """Shares (classes, classes) of the zones of each quantile class that end in each class.
    Classes hold equally many zones, and ties are split in their order."""
    both = finite(before=before, after=after)
    if both[0].size < classes:
        raise DataError(f"transitions: {both[0].size} zones; valid: at least {classes}")
    i, j = ((rankdata(v, "ordinal").astype(int) - 1) * classes // v.size for v in both)
    P = np.bincount(i * classes + j, minlength=classes**2).reshape(classes, classes)
    return P / P.sum(axis=1, keepdims=True)


def mobility(P):
    """Index of Shorrocks (1978), (n - tr P) / (n - 1): 0 if all stay, 1 if the end does not depend
    on the beginning."""
    return (len(P) - np.trace(P)) / (len(P) - 1)


# Tables of a panel

def less_year(data, column):
    """A column, or several, less the mean of its year."""
    return data[column] - data.groupby("year")[column].transform("mean")


def observations(panel, variable):
    """Zone-years: all definitions of the Gini of `lasting` industries; x, log income per head less
    the year's mean. `people` is population, `size` its log less the year's mean, `income`
    thousand dollars, `nation` the Gini of the nation as one zone."""
    y = panel.cube(variable)
    y = y[..., lasting(y)]
    w = national_shares(y)[:, None, :]
    income, people = (np.stack([panel.control(name, t) for t in panel.years])
                      for name in ("income_per_head", "population"))
    columns = {name: gini(y, zeros, w if national else None)
               for name, (zeros, national) in DEFINITIONS.items()}
    columns |= {"x": np.log(income), "size": np.log(people), "income": income / 1000,
                "people": people, "nation": np.broadcast_to(gini(w), people.shape)}
    index = pd.MultiIndex.from_product([panel.years, panel.zones.index], names=["year", "zone"])
    data = pd.DataFrame({k: v.ravel() for k, v in columns.items()}, index).reset_index()
    return data.assign(**less_year(data, ["x", "size"]))


def comovement(panel, variable):
    """Slopes of the Gini on relative income, by definition of the Gini and by specification; all
    have year effects and errors clustered by zone. "First to last" keeps these two years."""
    import pyfixest as pf  # slow to import

    data, rows = observations(panel, variable), []
    ends = data[data["year"].isin(panel.years[[0, -1]])]
    models = {"pooled": ("x | year", data), "size held fixed": ("x + size | year", data),
              "zone effects": ("x | zone + year", data),
              "zone effects, first to last": ("x | zone + year", ends)}
    for name, (model, (right, sample)) in product(DEFINITIONS, models.items()):
        t = pf.feols(f"{name} ~ {right}", sample, vcov={"CRV1": "zone"}).tidy().loc["x"]
        rows.append((name, model, *t[["Estimate", "Std. Error", "2.5%", "97.5%"]]))
    return pd.DataFrame(rows, columns=["definition", "model", "slope", "se", "low", "high"])


CURVES = {"tricube": {}, "rectangular": {"kernel": "rectangular"},
          "gaussian": {"kernel": "gaussian"}, "fixed width": {}, "zone effects": {"within": True}}
"""Curves whose bandwidth is chosen by cross-validation."""


def _outcome(data, name, options):
    """A Gini; with zone effects less the mean of the year, plus that of all years."""
    return less_year(data, name) + data[name].mean() if "within" in options else data[name]


def bandwidths(panel, variable):
    """Root mean squared error of predicting left-out zones, by curve and bandwidth; the best."""
    data, tables = observations(panel, variable), []
    x, grid = data["x"], grid_of(data["x"], 21)
    for curve, options in CURVES.items():
        kind, scale = ("width", x.std(ddof=0)) if curve == "fixed width" else ("span", 1)
        y, values = _outcome(data, "gini", options), scale * np.array(BANDWIDTHS[kind])
        error = np.sqrt([cross_validate(x, y, data["zone"], grid, **{kind: v}, **options)
                         for v in values])
        tables.append(pd.DataFrame({"curve": curve, "kind": kind, "bandwidth": values,
                                    "error": error, "best": error == error.min()}))
    return pd.concat(tables, ignore_index=True)


def curves(panel, variable, draws=500):
    """Curves of the Gini on relative income with bands for level and slope: those of `CURVES`; one
    with log population held fixed and one on dollars per head; the other definitions."""
    data, tables = observations(panel, variable), []
    best = bandwidths(panel, variable).query("best").set_index("curve")
    counts = cluster_draws(len(panel.zones), draws)
    plan = [("gini", curve, "x", options) for curve, options in CURVES.items()]
    plan += [("gini", "size held fixed", "x", {"controls": [data["size"]]}),
             ("gini", "dollars", "income", {})]
    plan += [(name, curve, "x", CURVES[curve]) for name in list(DEFINITIONS)[1:]
             for curve in ("tricube", "zone effects")]
    for name, curve, x, options in plan:
        kind, width = best.loc[curve if curve in CURVES else "tricube", ["kind", "bandwidth"]]
        y, grid = _outcome(data, name, options), grid_of(data[x])
        fit = local_linear(data[x], y, data["zone"], grid, **{kind: width}, **options)
        (level, slope), (levels, slopes) = fit(), fit(counts)
        steep = {f"slope_{k}": v for k, v in bands(slope, slopes).items()}
        tables.append(pd.DataFrame({"definition": name, "curve": curve, "x": grid, "level":
                                    level, **bands(level, levels), "slope": slope, **steep}))
    return pd.concat(tables, ignore_index=True)


def transitions(panel, variable):
    """Quintile transitions of relative income and of specialization, and their mobility: from the
    first year to the last, and over the twenty years that every vintage has."""
    data, rows = observations(panel, variable).set_index("year"), []
    periods = {(int(panel.years[0]), int(panel.years[-1])), (1980, 2000)}
    for (first, last), name in product(sorted(periods), ("x", *DEFINITIONS)):
        P = transition_matrix(data.loc[first, name], data.loc[last, name])
        rows += [(first, last, name, j, *row, mobility(P)) for j, row in enumerate(P, 1)]
    return pd.DataFrame(rows, columns=["first", "last", "of", "from",
                                       *(f"to_{k}" for k in range(1, 6)), "mobility"])


def arrows(panel, variable):
    """Positions by year of the zones of `SHOWN` and the means of the Rustbelt and other zones: log
    relative income, and Gini against equal and national shares less the year's mean."""
    data, columns = observations(panel, variable), ["gini", "gini_national"]
    data[columns] = less_year(data, columns)
    rust = panel.zones["rustbelt"].map({True: "Rustbelt", False: "other zones"})
    places = pd.concat([data.assign(place=data["zone"].map(names)) for names in (rust, SHOWN)])
    return places.groupby(["place", "year"], sort=False)[["x", *columns]].mean().reset_index()


def trend(panel, variable):
    """Specialization of the United States by year: mean Gini of zones, plain, weighted by their
    population and against national shares, and the Gini of the nation as one zone."""
    data = observations(panel, variable)
    weight = data["people"] / data.groupby("year")["people"].transform("mean")
    by = data.assign(weighted=data["gini"] * weight).groupby("year")
    return by[["gini", "weighted", "gini_national", "nation"]].mean().reset_index()
