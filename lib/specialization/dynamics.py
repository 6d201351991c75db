"""How specialization moves with relative income: local linear regression, transitions, paths.

A sample of zones is a vector of counts: ones for the data, a bootstrap draw, all zones but one.
Estimates are ratios of sums over zones, so that many samples are the rows of one matrix product.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from . import DataError
from .describe import SHOWN
from .measures import gini, national_shares

KERNELS = {"tricube": lambda u: (v := np.maximum(1 - u * u * u, 0)) * v * v,
           "rectangular": lambda u: (u <= 1).astype(float),
           "gaussian": lambda u: np.exp(-2 * u**2)}
"""Weights by distance over bandwidth; the bandwidth of the Gaussian is two standard deviations."""
BANDWIDTHS = {"span": (0.1, 0.2, 0.3, 0.5, 0.9), "width": (0.25, 0.5, 1.0, 2.0, 3.0)}
"""What cross-validation chooses from: spans, shares of the sample; widths, in units of sd(x)."""
DEFINITIONS = {"gini": (True, False), "gini_present": (False, False),
               "gini_national": (True, True), "gini_present_national": (False, True)}
"""The switches: do absent industries count, is the reference national."""


@dataclass(frozen=True)
class LocalLinear:
    """Local moments by zone; any sample of zones then gives a curve.

    `grid` and bandwidths `h` are (G,). `moments` (Z, G, p, p) holds weighted cross products of 1
    (not if `within`), u = (x - grid) / h, the controls and y. `mean` is that of y; `density` (G,)
    weighs grid points so that a mean over them is one over the sample.
    """

    grid: np.ndarray
    h: np.ndarray
    moments: np.ndarray
    mean: float
    density: np.ndarray | None
    within: bool

    def curves(self, counts=None):
        """Level and slope (B, G) for counts (B, Z) of the zones; (G,) for the data themselves.

        Raises `DataError` where x (or a control) does not vary within the bandwidth.
        """
        Z, G, p, _ = self.moments.shape
        c = np.ones(Z) if counts is None else np.asarray(counts, dtype=float)
        M = (c @ self.moments.reshape(Z, -1)).reshape(*c.shape[:-1], G, p, p)
        flat = np.linalg.eigvalsh(M[..., :-1, :-1])[..., 0] < 1e-10
        if flat.any():
            at = self.grid[flat.reshape(-1, G).any(axis=0)]
            raise DataError(f"local regression: x does not vary within the bandwidth of "
                            f"{at[0]:.4g} ({len(at)} of {G} points); valid: a wider bandwidth")
        coefficients = np.linalg.solve(M[..., :-1, :-1], M[..., :-1, -1:])[..., 0]
        slope = coefficients[..., 0 if self.within else 1] / self.h
        if not self.within:
            return coefficients[..., 0], slope
        steps = np.diff(self.grid) * (slope[..., 1:] + slope[..., :-1]) / 2
        level = np.concatenate([0 * slope[..., :1], steps.cumsum(axis=-1)], axis=-1)
        return level - (level @ self.density)[..., None] + self.mean, slope


def local_linear(x, y, zone, grid, *, span=None, width=None, kernel="tricube", controls=(),
                 within=False):
    r"""Local linear regression of y on x, ready for any sample of whole zones.

    .. math:: (\hat\alpha, \hat\beta)(x) = \arg\min_{\alpha, \beta}
              \sum_j w_j(x) (y_j - \alpha - \beta x_j)^2

    With controls, less :math:`\gamma(x)' z_j` in the bracket, and the curve is at their means.
    With `within`, less an intercept for each zone and window, the local within transformation of
    Lee, Mukherjee and Ullah (2019): the slope is that of zones over time; the level, its integral.

    Parameters
    ----------
    x, y, zone : (n,) arrays
    grid : (G,) array, increasing
    span, width : float
        One of them. The bandwidth is the distance to the nearest `span` of all points, or `width`.
    kernel : {"tricube", "rectangular", "gaussian"}
    controls : sequence of (n,) arrays

    Raises
    ------
    DataError
        NaN, constant x, fewer than two zones, unknown kernel, an impossible bandwidth.
    """
    x, y, grid, *controls = (np.asarray(v, dtype=float) for v in (x, y, grid, *controls))
    zone = np.asarray(zone)
    if any(v.shape != zone.shape or not np.isfinite(v).all() for v in (x, y, *controls)):
        raise DataError("local regression: NaN, infinite or missing entries in x, y or a control; "
                        f"valid: {zone.size} finite entries in each")
    order = np.argsort(zone, kind="stable")
    first = np.unique(zone[order], return_index=True)[1]
    if first.size < 2 or np.ptp(x) == 0 or kernel not in KERNELS:
        raise DataError(f"local regression: {first.size} zones, x from {x.min():.4g} to "
                        f"{x.max():.4g}, kernel {kernel!r}; valid: two zones or more, x not "
                        f"constant, kernel one of {', '.join(KERNELS)}")
    d = x[order, None] - grid
    h = _bandwidth(np.abs(d), span, width)
    w = KERNELS[kernel](np.abs(d) / h)
    V = [np.ones_like(d), d / h, *((z - z.mean())[order, None] for z in controls), y[order, None]]
    M = np.empty((first.size, grid.size, len(V), len(V)))
    for a, left in enumerate(V):
        weighted = w * left
        for b, right in enumerate(V[:a + 1]):
            M[..., a, b] = M[..., b, a] = np.add.reduceat(weighted * right, first, axis=0)
    if within:
        s, n = M[..., 0], M[..., :1, :1]
        M = (M - s[..., None] * s[..., None, :] / np.where(n > 0, n, 1))[..., 1:, 1:]
    return LocalLinear(grid, h, M, y.mean(), _hats(x, grid).mean(axis=0) if within else None,
                       within)


def _bandwidth(distance, span, width):
    """Bandwidths (G,) from distances (n, G)."""
    n = len(distance)
    k = int(span * n + 1e-10) if span and np.isfinite(span) else 0
    if (span is None) == (width is None) or not (2 <= k <= n if width is None else width > 0):
        raise DataError(f"bandwidth: span {span}, width {width}; valid: one of them, width > 0, "
                        f"span at most 1 and two or more of {n} points")
    h = (np.full(distance.shape[1], float(width)) if span is None
         else np.partition(distance, k - 1, axis=0)[k - 1])
    if not h.all():
        raise DataError(f"bandwidth: span {span} holds {k} points of one x; valid: a larger span")
    return h


def _hats(x, grid):
    """Weights (n, G) of linear interpolation between grid points, constant beyond the ends."""
    j = np.clip(np.searchsorted(grid, x) - 1, 0, grid.size - 2)
    share = np.clip((x - grid[j]) / (grid[j + 1] - grid[j]), 0, 1)
    H, row = np.zeros((x.size, grid.size)), np.arange(x.size)
    H[row, j], H[row, j + 1] = 1 - share, share
    return H


def grid_of(x, points=41, trim=0.01):
    """Equally spaced points between the `trim` quantiles of x."""
    return np.linspace(*np.quantile(x, [trim, 1 - trim]), points)


def cluster_draws(zones, draws=500, seed=0):
    """Counts (draws, zones) of a bootstrap that draws whole zones with replacement."""
    return np.random.default_rng(seed).multinomial(zones, np.full(zones, 1 / zones), draws)


def bands(estimate, draws, coverage=0.95):
    """Pointwise and uniform bands of a curve (G,) from its bootstrap draws (B, G).

    The uniform (sup-t) band is estimate -+ c se, with c the `coverage` quantile over draws of the
    largest |draw - estimate| / se (Montiel Olea and Plagborg-Moller 2019). Both cover the smoothed
    curve: they are not widened for smoothing bias.
    """
    se = draws.std(axis=0, ddof=1)
    t = np.abs(draws - estimate) / np.where(se > 0, se, np.inf)
    a, c = norm.ppf((1 + coverage) / 2) * se, np.quantile(t.max(axis=1), coverage) * se
    return {"low": estimate - a, "high": estimate + a,
            "low_uniform": estimate - c, "high_uniform": estimate + c}


def cross_validate(x, y, zone, grid, bandwidth, **options):
    """Mean squared error (B,) of predicting each zone from all others, by bandwidth.

    The left-out curve is interpolated between grid points; points beyond them do not count. With
    `within`, of errors less their mean over the zone: nobody else knows its effect. Each
    bandwidth is {"span": s} or {"width": w}; options are those of `local_linear` except controls.
    """
    names, at = np.unique(zone, return_inverse=True)
    inside = (x >= grid[0]) & (x <= grid[-1])
    hats, at_inside, errors = _hats(x[inside], grid), at[inside], []
    for choice in bandwidth:
        fit = local_linear(x, y, zone, grid, **choice, **options)
        level = fit.curves(1 - np.eye(names.size))[0]
        e = pd.Series(y[inside] - (hats * level[at_inside]).sum(axis=1))
        e = e - e.groupby(at_inside).transform("mean") if fit.within else e
        errors.append((e**2).mean())
    return np.array(errors)


def transition_matrix(before, after, classes=5):
    """Shares (classes, classes) of the zones of each quantile class that end in each class.

    Classes hold equally many zones, and ties are split in their order. Rows sum to one.
    """
    before, after = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if not (before.shape == after.shape and before.size >= classes
            and np.isfinite([before, after]).all()):
        raise DataError(f"transitions: {before.size} and {after.size} zones; valid: the same, at "
                        f"least {classes}, all finite")
    i, j = ((rankdata(v, "ordinal").astype(int) - 1) * classes // v.size for v in (before, after))
    P = np.bincount(i * classes + j, minlength=classes**2).reshape(classes, classes)
    return P / P.sum(axis=1, keepdims=True)


def mobility(P):
    """Index of Shorrocks (1978), (n - tr P) / (n - 1): 0 if all stay, 1 if the end does not depend
    on the beginning."""
    return (len(P) - np.trace(P)) / (len(P) - 1)


# Tables of a panel

def observations(panel, variable):
    """Zone-years: all definitions of the Gini, and x, log income per head less the year's mean.

    Industries that are empty everywhere in some year are left out of all years. `people` is
    population, `size` its log less the year's mean, `income` thousand dollars per head.
    """
    y = panel.cube(variable)
    y = y[..., (y.sum(axis=1) > 0).all(axis=0)]
    w = national_shares(y)[:, None, :]
    income, people = (np.stack([panel.control(name, t) for t in panel.years])
                      for name in ("income_per_head", "population"))
    columns = {name: gini(y, zeros, w if national else None)
               for name, (zeros, national) in DEFINITIONS.items()}
    columns |= {"x": np.log(income), "size": np.log(people), "income": income / 1000,
                "people": people, "nation": np.broadcast_to(gini(w), people.shape)}
    index = pd.MultiIndex.from_product([panel.years, panel.zones.index], names=["year", "zone"])
    data = pd.DataFrame({k: v.ravel() for k, v in columns.items()}, index).reset_index()
    data[["x", "size"]] -= data.groupby("year")[["x", "size"]].transform("mean")
    return data


def less_year(data, column):
    """A column less the mean of its year, plus the mean of all years."""
    return data[column] - data.groupby("year")[column].transform("mean") + data[column].mean()


def comovement(panel, variable):
    """Slopes of the Gini on relative income, by definition of the Gini and by specification.

    All have year effects and errors clustered by zone; "first to last" keeps these two years.
    """
    import pyfixest as pf  # slow to import

    data = observations(panel, variable)
    ends = data[data["year"].isin(panel.years[[0, -1]])]
    models = {"pooled": ("x | year", data), "size held fixed": ("x + size | year", data),
              "zone effects": ("x | zone + year", data),
              "zone effects, first to last": ("x | zone + year", ends)}
    rows = []
    for name, (model, (right, sample)) in itertools.product(DEFINITIONS, models.items()):
        t = pf.feols(f"{name} ~ {right}", sample, vcov={"CRV1": "zone"}).tidy().loc["x"]
        rows.append({"definition": name, "model": model, "slope": t["Estimate"],
                     "se": t["Std. Error"], "low": t["2.5%"], "high": t["97.5%"]})
    return pd.DataFrame(rows)


CURVES = {"tricube": {}, "rectangular": {"kernel": "rectangular"},
          "gaussian": {"kernel": "gaussian"}, "fixed width": {}, "zone effects": {"within": True}}
"""Curves whose bandwidth is chosen by cross-validation."""


def bandwidths(panel, variable):
    """Root mean squared error of predicting left-out zones, by curve and bandwidth; the best."""
    data = observations(panel, variable)
    x, zone, grid = data["x"].to_numpy(), data["zone"].to_numpy(), grid_of(data["x"], 21)
    tables = []
    for curve, options in CURVES.items():
        kind = "width" if curve == "fixed width" else "span"
        y = less_year(data, "gini") if "within" in options else data["gini"]
        values = np.array(BANDWIDTHS[kind]) * (x.std() if kind == "width" else 1)
        error = np.sqrt(cross_validate(x, y.to_numpy(), zone, grid,
                                       [{kind: v} for v in values], **options))
        tables.append(pd.DataFrame({"curve": curve, "kind": kind, "bandwidth": values,
                                    "error": error, "best": error == error.min()}))
    return pd.concat(tables, ignore_index=True)


def curves(panel, variable, draws=500):
    """Curves of the Gini on relative income with bands for level and slope, 41 points each.

    Those of `CURVES`; one with log population held fixed and one on dollars per head; the other
    definitions of the Gini. With zone effects, year effects are taken out as well.
    """
    data = observations(panel, variable)
    best = bandwidths(panel, variable).query("best").set_index("curve")
    counts = cluster_draws(len(panel.zones), draws)
    plan = [("gini", curve, curve, "x", options) for curve, options in CURVES.items()]
    plan += [("gini", "size held fixed", "tricube", "x", {"controls": [data["size"]]}),
             ("gini", "dollars", "tricube", "income", {})]
    plan += [(name, curve, curve, "x", CURVES[curve]) for name in list(DEFINITIONS)[1:]
             for curve in ("tricube", "zone effects")]
    tables = []
    for name, curve, like, x, options in plan:
        y = less_year(data, name) if "within" in options else data[name]
        chosen = {best["kind"][like]: best["bandwidth"][like]}
        fit = local_linear(data[x], y, data["zone"], grid_of(data[x]), **chosen, **options)
        (level, slope), (levels, slopes) = fit.curves(), fit.curves(counts)
        steep = {f"slope_{k}": v for k, v in bands(slope, slopes).items()}
        tables.append(pd.DataFrame({"definition": name, "curve": curve, "x": fit.grid, "level":
                                    level, **bands(level, levels), "slope": slope, **steep}))
    return pd.concat(tables, ignore_index=True)


def transitions(panel, variable):
    """Quintile transitions of relative income and of specialization, and their mobility: from the
    first year to the last, and over the twenty years that every vintage has."""
    data, rows = observations(panel, variable).set_index("year"), []
    periods = {(int(panel.years[0]), int(panel.years[-1])), (1980, 2000)}
    for (first, last), name in itertools.product(sorted(periods), ("x", *DEFINITIONS)):
        P = transition_matrix(data.loc[first, name], data.loc[last, name])
        rows += [{"first": first, "last": last, "of": name, "from": j + 1,
                  **{f"to_{k + 1}": v for k, v in enumerate(row)}, "mobility": mobility(P)}
                 for j, row in enumerate(P)]
    return pd.DataFrame(rows)


def arrows(panel, variable):
    """Positions by year of the zones of `SHOWN` and the means of the Rustbelt and other zones: log
    relative income, and Gini against equal and national shares less the year's mean."""
    data, columns = observations(panel, variable), ["gini", "gini_national"]
    data[columns] -= data.groupby("year")[columns].transform("mean")
    rust = panel.zones["rustbelt"].map({True: "Rustbelt", False: "other zones"})
    tables = [data.assign(place=data["zone"].map(names)) for names in (rust, SHOWN)]
    by = pd.concat(tables).groupby(["place", "year"], sort=False)
    return by[["x", *columns]].mean().reset_index()


def trend(panel, variable):
    """Specialization of the United States by year: mean Gini of zones, plain, weighted by their
    population and against national shares, and the Gini of the nation as one zone."""
    data = observations(panel, variable)
    size = data["people"] / data.groupby("year")["people"].transform("mean")
    columns = ["gini", "weighted", "gini_national", "nation"]
    data = data.assign(weighted=data["gini"] * size)
    return data.groupby("year")[columns].mean().reset_index()
