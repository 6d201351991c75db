"""Calibration: parameters from moments of the solved model, and initial states from shares."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..errors import DataError
from ..measures import finite, floats
from . import equations, equilibrium, simulation
from .amplification import drawn, region, without
from .equilibrium import Equilibrium
from .parameters import VALID, Parameters

SUMMARY = ("NFA/Y", "sd q", "sd log c", "sd log y", "binding", "half-life of k")
"""Moments that `elasticities` reports."""

SAVINGS = (0.7, 1.2, 2.0)
"""Nodes of bonds beyond the default box, for economies with large shocks."""


def solved(p: Parameters, bonds: int = 100, capital: int = 7, low: float = 0.25) -> Equilibrium:
    """`equilibrium.stored` on a small grid, with k_A from low to 1 - low and `SAVINGS`.

    The iteration of a sunspot may go round on some grids and settle on others: three are tried.

    Parameters
    ----------
    p : Parameters
    bonds, capital : int
        Nodes of the first grid.
    low : float

    Returns
    -------
    Equilibrium

    Raises
    ------
    NotConverged
        On all three grids.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> solved(SMOOTH.but(σ=0.0, states=1), bonds=8, capital=5).policies.shape
    (1, 11, 5, 2, 5)
    """
    for n in (bonds, bonds * 6 // 5, bonds * 3 // 2):
        grid = equilibrium.default_grid(p, n, capital, low)
        b = np.r_[grid.b, [x for x in SAVINGS if x > grid.b[-1]]]
        try:
            return equilibrium.stored(p, equilibrium.Grid(b, grid.k), steps=700)
        except equilibrium.NotConverged as error:
            last = error
    raise last


def half_life(eq: Equilibrium, k: float = 0.7) -> float:
    """Years until half of a distance of k_A from its mean path is gone.

    Parameters
    ----------
    eq : Equilibrium
    k : float
        k_A of regions that start away from rest.

    Returns
    -------
    float
        NaN if over 40.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = solved(SMOOTH.but(σ=0.0, states=1), bonds=8, capital=5)
    >>> bool(1 < half_life(eq) < 5)
    True
    """
    start = len(eq.z) // 2, simulation.ergodic(eq, 50, 50)["b"].mean()
    x, rest = (
        simulation.simulate(eq, 41, 2000, (*start, k_0), seed=1)["k"].mean(axis=1)
        for k_0 in (k, equilibrium.steady_capital(eq.p))
    )
    gap = (x - rest) / (x[0] - rest[0])
    return np.interp(-0.5, -gap, np.arange(41.0), right=np.nan)


def by_value(p: Parameters, name: str, values: Iterable, **options) -> pd.DataFrame:
    """Moments of the model at several values of a parameter, with the same random numbers.

    Parameters
    ----------
    p : Parameters
    name : str
    values : sequence
    **options
        Of `solved`.

    Returns
    -------
    DataFrame
        By value, with the columns of `simulation.moments`; NaN where the iteration did not
        converge.

    Examples
    --------
    People who are never hit by a shock live at their limit on debt.

    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(collateral="fixed limit", limit=0.1, σ=0.0, states=1)
    >>> by_value(p, "limit", (0.1, 0.2), bonds=8, capital=5)["NFA/Y"].round(3).to_dict()
    {0.1: -0.062, 0.2: -0.125}
    """
    values, rows = list(values), []
    for x in values:
        try:
            rows.append(simulation.moments(solved(p.but(**{name: x}), **options)))
        except equilibrium.NotConverged:
            rows.append(pd.Series(dtype=float))
    return pd.DataFrame(rows, index=pd.Index(values, name=name))


def calibrate(
    p: Parameters,
    curve: pd.DataFrame,
    target: float = -0.25,
    moment: str = "NFA/Y",
    tolerance: float = 1e-4,
    **options,
) -> list[float]:
    """Every value of a parameter at which a moment meets its target.

    A moment need not be monotone: wherever two neighbours on a curve lie on either side of the
    target, Brent's method follows.

    Parameters
    ----------
    p : Parameters
    curve : DataFrame
        Of `by_value(p, name, values, **options)`, with increasing values.
    target : float
    moment : str
        A column of the curve.
    tolerance : float
        In units of the parameter.
    **options
        Of `solved`, the same as those of the curve.

    Returns
    -------
    list of float

    Raises
    ------
    DataError
        No such curve; no crossing: names the interval that the moment reaches.

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(collateral="fixed limit", limit=0.1, σ=0.0, states=1)
    >>> size = {"bonds": 8, "capital": 5}
    >>> curve = by_value(p, "limit", (0.1, 0.2), **size)
    >>> [round(x, 2) for x in calibrate(p, curve, target=-0.1, **size)]
    [0.16]
    """
    if moment not in curve or curve.index.name not in VALID or curve[moment].count() < 2:
        raise DataError(
            f"calibrate: a curve of {[*curve]} by {curve.index.name!r}, {len(curve)} "
            f"rows; valid: {moment!r} at two or more values of a parameter"
        )
    name, known = curve.index.name, curve[moment].dropna() - target

    def gap(x):
        return (
            known[x]
            if x in known.index
            else (simulation.moments(solved(p.but(**{name: x}), **options))[moment] - target)
        )

    pairs = zip(known.index[:-1], known.index[1:], np.diff(np.sign(known)), strict=True)
    # a value of the curve that meets the target is the end of two pairs
    roots = [*dict.fromkeys(brentq(gap, a, b, xtol=tolerance) for a, b, turn in pairs if turn)]
    if not roots:
        raise DataError(
            f"calibrate: {moment} = {target}; valid: {target + known.min():.3f} to "
            f"{target + known.max():.3f}, what {name} from {curve.index[0]:.4g} to "
            f"{curve.index[-1]:.4g} reaches"
        )
    return roots


def risk_for(
    p: Parameters, ρ: float, target: float = -0.25, between: Sequence[float] = (0.06, 0.10)
) -> float:
    """The size of shocks at which net foreign assets over output meet a target.

    Parameters
    ----------
    p : Parameters
    ρ : float
        Persistence of productivity.
    target : float
    between : (low, high)
        σ that lie on either side of it.

    Returns
    -------
    float
        σ, to 0.0005.

    Raises
    ------
    DataError
        σ is not between the two.

    Examples
    --------
    ``risk_for(PUBLISHED, 0.5)`` solves some ten economies, and returns about 0.08.
    """
    p = p.but(ρ=ρ)
    return calibrate(p, by_value(p, "σ", between), target, tolerance=5e-4)[0]


def elasticities(p: Parameters, names: Sequence[str], step: float = 0.1) -> pd.DataFrame:
    r"""Elasticities of `SUMMARY`, in absolute value, to parameters: central differences of logs.

    For β to the discount rate 1/β - 1.

    Parameters
    ----------
    p : Parameters
    names : sequence of str
    step : float
        Between the two logs of a parameter.

    Returns
    -------
    DataFrame
        Moments in rows, parameters in columns.

    Examples
    --------
    Where nothing is uncertain debt is θq, so that its elasticity to leverage is about one; the
    other moments but one are zero there.

    >>> from specialization.model.parameters import SMOOTH
    >>> with np.errstate(all="ignore"):
    ...     table = elasticities(SMOOTH.but(σ=0.0, states=1), ("θ",))
    >>> bool(0.8 < table.loc["NFA/Y", "θ"] < 1.2)
    True
    """
    if unknown := set(names) - set(VALID):
        raise DataError(f"elasticities: no parameter {sorted(unknown)[0]!r}; valid: {[*VALID]}")

    def at(name, factor):
        x = np.asarray(getattr(p, name))
        x = 1 / (1 + (1 / x - 1) * factor) if name == "β" else x * factor
        eq = solved(p.but(**{name: tuple(x) if x.ndim else float(x)}))
        m = simulation.moments(eq).reindex(SUMMARY)
        return np.log(m.fillna(half_life(eq)).abs())

    return pd.DataFrame(
        {name: (at(name, np.exp(step / 2)) - at(name, np.exp(-step / 2))) / step for name in names}
    )


def share_of_A(p: Parameters, k_A: ArrayLike) -> np.ndarray:
    r"""Industry A's share of output at mean productivity.

    .. math:: s / (1 - s) = (\mu_A / \mu_B)\, k_A^{\alpha + \xi_A} / (1 - k_A)^{\alpha + \xi_B}

    Parameters
    ----------
    p : Parameters
    k_A : array_like

    Returns
    -------
    array like k_A

    Raises
    ------
    DataError
        k_A outside [0, 1].

    Examples
    --------
    >>> from specialization.model.parameters import PUBLISHED
    >>> share_of_A(PUBLISHED, [0.1, 0.5]).round(3)
    array([0.331, 0.5  ])
    """
    k_A = floats("k_A", k_A)
    if not ((k_A >= 0) & (k_A <= 1)).all():
        raise DataError(f"k_A: {k_A.min():.4g} to {k_A.max():.4g}; valid: 0 to 1")
    y = equations.production(np.asarray(p.μ), np.stack([k_A, 1 - k_A], axis=-1), p)
    return y[..., 0] / y.sum(axis=-1)


def k_of_share(p: Parameters, share: ArrayLike) -> np.ndarray:
    """k_A at which A has this share of output at mean productivity: inverse of `share_of_A`.

    Parameters
    ----------
    p : Parameters
    share : array_like in (0, 1)

    Returns
    -------
    array like share

    Raises
    ------
    DataError
        A share outside (0, 1).

    Examples
    --------
    >>> from specialization.model.parameters import PUBLISHED
    >>> k_of_share(PUBLISHED, [0.2, 0.5]).round(3)
    array([0.013, 0.5  ])
    """
    x = np.linspace(-50, 50, 20_001)
    k = np.stack([1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))], axis=-1)
    y = np.log(equations.production(np.asarray(p.μ), k, p))
    share = _checked(share)
    return 1 / (1 + np.exp(-np.interp(np.log(share / (1 - share)), y[:, 0] - y[:, 1], x)))


def _checked(share):
    share = floats("share of A", share)
    if not ((share > 0) & (share < 1)).all():
        raise DataError(f"share of A: {share.min():.4g} to {share.max():.4g}; valid: in (0, 1)")
    return share


def at_rest(p: Parameters, share: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """k_A and μ_A/μ_B of regions that rest at a share of output.

    k_A is the share, and the means of productivity are those of `amplification.region`.

    Parameters
    ----------
    p : Parameters
    share : array_like in (0, 1)

    Returns
    -------
    k_A, ratio : arrays like share

    Raises
    ------
    DataError
        A share outside (0, 1).

    Examples
    --------
    >>> from specialization.model.parameters import PUBLISHED
    >>> k, ratio = at_rest(PUBLISHED, [0.2, 0.5])
    >>> k, ratio.round(2)
    (array([0.2, 0.5]), array([0.39, 1.  ]))
    """
    k = _checked(share)
    μ = np.array([region(p, x).μ for x in k.ravel()]).reshape(*k.shape, 2)
    return k, μ[..., 0] / μ[..., 1]


def by_rank(income: ArrayLike, values: ArrayLike) -> np.ndarray:
    """A quantile of `values` for each income, by its rank: poorest lowest; an ordinal map only.

    Parameters
    ----------
    income : (n,) array_like
    values : array_like
        Two stand for the uniform distribution between them.

    Returns
    -------
    (n,) array

    Examples
    --------
    >>> by_rank([30, 10, 20, 40], (-0.5, -0.1)).round(2)
    array([-0.25, -0.45, -0.35, -0.15])
    """
    (income,), (values,) = finite(1, income=income), finite(values=values)
    if not values.size:
        raise DataError("by_rank: no values; valid: 1 or more")
    rank = pd.Series(income).rank().to_numpy()
    return np.quantile(values, (rank - 0.5) / rank.size)


def unexpected(
    before: Equilibrium, after: Equilibrium, periods: int = 6, regions: int = 20_000, seed: int = 0
) -> pd.DataFrame:
    """Response of regions, at rest in `before`, to finding themselves in `after` for good.

    Regions start from the ergodic distribution of the first; later shocks are the same in both.

    Parameters
    ----------
    before, after : Equilibrium
        On one grid, such as before and after collateral lost value.
    periods, regions, seed : int

    Returns
    -------
    DataFrame
        By year, means of the differences: debt -b'/R and spending c + Φ in percent of mean output,
        spending also in percent of the mean value of capital; reallocation Σ|k_i' - k_i| in
        percent of capital; price in percent of its mean.

    Examples
    --------
    A limit on debt that falls by 0.02 costs 0.02 of spending once.

    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(collateral="fixed limit", limit=0.2, σ=0.0, states=1)
    >>> eq = equilibrium.solve(p, equilibrium.default_grid(p, 20, 7, 0.25))
    >>> tight = equilibrium.solve(p.but(limit=0.18), eq.grid)
    >>> unexpected(eq, tight, periods=2, regions=10)["debt"].round(2).to_list()
    [-1.25, -1.25]
    """
    x = simulation.ergodic(before, seed=seed + 1)
    start = drawn(before, x, regions, seed)
    new, old = (simulation.simulate(eq, periods, regions, start, seed) for eq in (after, before))
    Y, q, R = x["y"].mean() / 100, x["q"].mean() / 100, before.p.R

    def change(series):
        return (series(new) - series(old)).mean(axis=1)

    spending = change(lambda x: x["y"] + x["b"] - x["b_next"] / R)
    return pd.DataFrame(
        {
            "debt": change(lambda x: -x["b_next"] / R) / Y,
            "spending": spending / Y,
            "spending over capital": spending / q,
            "reallocation": 200 * change(lambda x: np.abs(x["k_next"] - x["k"])),
            "price": change(lambda x: x["q"]) / q,
        }
    )


def less_collateral(p: Parameters, part: float = 0.1, **options) -> pd.DataFrame:
    """First year after a part of collateral is lost, unexpectedly and for good, in two ways.

    The price at which collateral is valued falls in an economy where that price is fixed, and has
    the mean debt of the market's; or θ falls, and the market price answers.

    Parameters
    ----------
    p : Parameters
    part : float
        Of the price, or of θ.
    **options
        Of `solved`.

    Returns
    -------
    DataFrame
        A row for each way, with the columns of `unexpected`.

    Examples
    --------
    Without risk people owe what their collateral is worth, a quarter of output; at a fixed price
    they lose a tenth of it.

    >>> from specialization.model.parameters import SMOOTH
    >>> table = less_collateral(SMOOTH.but(σ=0.0, states=1), bonds=20)
    >>> round(float(table.loc["fixed price, 10% lower", "debt"]), 1)
    -2.4
    """
    eq = solved(p, **options)
    fixed = without(eq, "fixed price")
    cheap = equilibrium.solve(
        fixed.p.but(q_bar=(1 - part) * fixed.p.q_bar), fixed.grid, start=fixed
    )
    tight = equilibrium.solve(p.but(θ=(1 - part) * p.θ), eq.grid, start=eq)
    return pd.DataFrame(
        {
            f"fixed price, {100 * part:g}% lower": unexpected(fixed, cheap).iloc[0],
            f"market price, θ {100 * part:g}% lower": unexpected(eq, tight).iloc[0],
        }
    ).T
