"""Calibration: parameters from moments of the solved model, and initial states from shares."""

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from ..errors import DataError
from . import equations, equilibrium, simulation

SUMMARY = ("NFA/Y", "sd q", "sd log c", "sd log y", "binding", "half-life of k")


SAVINGS = (0.7, 1.2, 2.0)
"""Nodes of bonds beyond the default box, for economies with large shocks."""


def solved(p, bonds=100, capital=7, low=0.25):
    """`equilibrium.stored` on a small grid, with k_A from low to 1 - low and `SAVINGS`.

    The iteration of a sunspot may go round on some grids and settle on others: three are tried.
    """
    for n in (bonds, bonds * 6 // 5, bonds * 3 // 2):
        grid = equilibrium.default_grid(p, n, capital, low)
        b = np.r_[grid.b, [x for x in SAVINGS if x > grid.b[-1]]]
        try:
            return equilibrium.stored(p, equilibrium.Grid(b, grid.k), steps=700)
        except equilibrium.NotConverged as error:
            last = error
    raise last


def half_life(eq, k=0.7):
    """Years until half of a distance of k_A from its mean path is gone, NaN if over 40."""
    start = len(eq.z) // 2, simulation.ergodic(eq, 50, 50)["b"].mean()
    x, rest = (simulation.simulate(eq, 41, 2000, (*start, k_0), seed=1)["k"].mean(axis=1)
               for k_0 in (k, equilibrium.steady_capital(eq.p)))
    gap = (x - rest) / (x[0] - rest[0])
    return np.interp(-0.5, -gap, np.arange(41.0), right=np.nan)


def by_value(p, name, values, **options):
    """Moments of the model at several values of a parameter, with the same random numbers.

    Returns a DataFrame by value with the columns of `simulation.moments`; NaN where the iteration
    did not converge. `options` go to `solved`.
    """
    rows = []
    for x in values:
        try:
            rows.append(simulation.moments(solved(p.but(**{name: x}), **options)))
        except equilibrium.NotConverged:
            rows.append(pd.Series(dtype=float))
    return pd.DataFrame(rows, index=pd.Index(values, name=name))


def calibrate(p, curve, target=-0.25, moment="NFA/Y", tolerance=1e-4, **options):
    """Every value of a parameter at which a moment meets its target.

    A moment need not be monotone: wherever two neighbours on a curve lie on either side of the
    target, Brent's method follows.

    Parameters
    ----------
    p : Parameters
    curve : DataFrame
        Of `by_value(p, name, values, **options)`, with increasing values.
    tolerance : float
        In units of the parameter.

    Returns
    -------
    list of float

    Raises
    ------
    DataError
        No crossing: names the interval that the moment reaches.
    """
    name, known = curve.index.name, curve[moment].dropna() - target

    def gap(x):
        return known[x] if x in known.index else (
            simulation.moments(solved(p.but(**{name: x}), **options))[moment] - target)

    pairs = zip(known.index[:-1], known.index[1:], np.diff(np.sign(known)), strict=True)
    roots = [brentq(gap, a, b, xtol=tolerance) for a, b, turn in pairs if turn]
    if not roots:
        raise DataError(f"calibrate: {moment} = {target}; valid: {target + known.min():.3f} to "
                        f"{target + known.max():.3f}, what {name} from {curve.index[0]:.4g} to "
                        f"{curve.index[-1]:.4g} reaches")
    return roots


def elasticities(p, names, step=0.1):
    r"""Elasticities of `SUMMARY`, in absolute value, to parameters: central differences of logs.

    For β to the discount rate 1/β - 1. Returns a DataFrame, moments in rows.
    """
    def at(name, factor):
        x = np.asarray(getattr(p, name))
        x = 1 / (1 + (1 / x - 1) * factor) if name == "β" else x * factor
        eq = solved(p.but(**{name: tuple(x) if x.ndim else float(x)}))
        m = simulation.moments(eq).reindex(SUMMARY)
        return np.log(m.fillna(half_life(eq)).abs())

    return pd.DataFrame({name: (at(name, np.exp(step / 2)) - at(name, np.exp(-step / 2))) / step
                         for name in names})


def share_of_A(p, k_A):
    """Industry A's share of output at k_A and mean productivity."""
    k_A = np.asarray(k_A, dtype=float)
    y = equations.production(np.asarray(p.μ), np.stack([k_A, 1 - k_A], axis=-1), p)
    return y[..., 0] / y.sum(axis=-1)


def k_of_share(p, share):
    """k_A at which A has this share of output at mean productivity: inverse of `share_of_A`."""
    x = np.linspace(-50, 50, 20_001)
    k = np.stack([1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))], axis=-1)
    y = np.log(equations.production(np.asarray(p.μ), k, p))
    share = _checked(share)
    return 1 / (1 + np.exp(-np.interp(np.log(share / (1 - share)), y[:, 0] - y[:, 1], x)))


def _checked(share):
    share = np.asarray(share, dtype=float)
    if not ((share > 0) & (share < 1)).all():
        raise DataError(f"share of A: {share.min():.4g} to {share.max():.4g}; valid: in (0, 1)")
    return share


def at_rest(p, share):
    r"""k_A and μ_A/μ_B of regions that rest at a share of output.

    Private marginal products α y_i/k_i are equal, so that k_A is the share, and

    .. math:: \mu_A / \mu_B = k_A^{1 - \alpha - \xi_A} / (1 - k_A)^{1 - \alpha - \xi_B}.
    """
    k, e = _checked(share), 1 - p.α - np.asarray(p.ξ)
    return k, k ** e[0] / (1 - k) ** e[1]


def by_rank(income, values):
    """A quantile of `values` for each income, by its rank: poorest lowest; an ordinal map only.

    Two values stand for the uniform distribution between them.
    """
    rank = pd.Series(income).rank().to_numpy()
    return np.quantile(values, (rank - 0.5) / rank.size)


def unexpected(before, after, periods=6, regions=20_000, seed=0):
    """Response of regions, at rest in `before`, to finding themselves in `after` for good.

    Two equilibria on one grid, such as before and after collateral lost value. Regions start from
    the ergodic distribution of the first; later shocks are the same in both.

    Returns
    -------
    DataFrame
        By year, means of the differences: debt -b'/R and spending c + Φ in percent of mean output,
        spending also in percent of the mean value of capital; reallocation Σ|k_i' - k_i| in
        percent of capital; price in percent of its mean.
    """
    x = simulation.ergodic(before, seed=seed + 1)
    pick = np.random.default_rng(seed).integers(x["s"].size, size=regions)
    # debt at the edge of the box may lie a rounding error outside
    start = x["s"][pick], np.clip(x["b"][pick], *before.grid.b[[0, -1]]), x["k"][pick]
    new, old = (simulation.simulate(eq, periods, regions, start, seed) for eq in (after, before))
    Y, q, R = x["y"].mean() / 100, x["q"].mean() / 100, before.p.R

    def change(series):
        return (series(new) - series(old)).mean(axis=1)

    spending = change(lambda x: x["y"] + x["b"] - x["b_next"] / R)
    return pd.DataFrame({
        "debt": change(lambda x: -x["b_next"] / R) / Y, "spending": spending / Y,
        "spending over capital": spending / q,
        "reallocation": 200 * change(lambda x: np.abs(x["k_next"] - x["k"])),
        "price": change(lambda x: x["q"]) / q})
