"""Productivity processes from total factor productivity (TFP) of US industries.

Least squares on detrended logs is biased: short samples and the trend both take persistence away.
The bias is removed by simulating the whole procedure.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..data import download
from ..errors import DataError
from ..measures import finite, floats

SOURCE = "ev_industry_productivity_1947_2023.xlsx"
"""File of the production accounts by Elbadri and Vizcaino."""

SHEETS = {"44 industries": "Data_44Ind_1947to2023", "63 industries": "Data_63Ind_1963to2023"}
MEASURES = {"gross output": "TFPGO", "value added": "TFPVA"}
TRENDS = ("HP 100", "linear", "quadratic")
GRID = np.append(np.arange(-0.5, 0.89, 0.05), [0.9, 0.93, 0.96, 0.99])
"""True ρ at which the estimator is simulated; estimates end where it does."""


def load(industries: str = "44 industries", measure: str = "gross output") -> pd.DataFrame:
    """Log TFP of the production accounts.

    Parameters
    ----------
    industries : str
        One of `SHEETS`.
    measure : str
        One of `MEASURES`, of what is produced.

    Returns
    -------
    DataFrame
        By year (rows) and industry (columns).

    Raises
    ------
    DataError
        Unknown industries or measure.
    Unreachable
        The public file is not here and cannot be downloaded.

    Examples
    --------
    ``load().loc[2023, "Farms"]`` is the log of TFP of farms relative to 1947.
    """
    for what, name, valid in (("industries", industries, SHEETS), ("measure", measure, MEASURES)):
        if name not in valid:
            raise DataError(f"productivity: {what} {name!r}; valid: {', '.join(valid)}")
    book = pd.read_excel(download.fetch(SOURCE), sheet_name=[SHEETS[industries], "Info"])
    data, info = book.values()
    start = list(SHEETS).index(industries) * 4 + 4  # the two lists of names stand side by side
    names = dict(info.iloc[:, [start, start + 1]].dropna().to_numpy())
    table = data.pivot(index="year", columns="industry_id", values=MEASURES[measure])
    return np.log(table).rename(columns=names).rename_axis(columns="industry")


def smoother(T: int, trend: str) -> np.ndarray:
    r"""Matrix that takes a series to its trend.

    :math:`(I + λ D'D)^{-1}`, D second differences, for the filter of Hodrick and Prescott with λ =
    100; the projection on a straight line or a parabola for the others.

    Parameters
    ----------
    T : int
        Length of the series.
    trend : str
        One of `TRENDS`.

    Returns
    -------
    (T, T) array

    Raises
    ------
    DataError
        Unknown trend.

    Examples
    --------
    >>> (smoother(4, "linear") @ [1.0, 2.0, 3.0, 4.0]).round(6)
    array([1., 2., 3., 4.])
    """
    if T < 3:
        raise DataError(f"smoother: {T} years; valid: 3 or more")
    if trend == "HP 100":
        D = np.diff(np.eye(T), n=2, axis=0)
        return np.linalg.inv(np.eye(T) + 100 * D.T @ D)
    if trend not in TRENDS:
        raise DataError(f"trend {trend!r}; valid: {', '.join(TRENDS)}")
    X = np.vander(np.linspace(-1, 1, T), 2 + (trend == "quadratic"))
    return X @ np.linalg.pinv(X)


def ar1(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Least squares of a series on its value a year before.

    .. math:: \hat ρ = \sum_t x_t x_{t-1} / \sum_t x_{t-1}^2

    Parameters
    ----------
    x : (T, n) array
        Series with mean zero, in columns.

    Returns
    -------
    ρ : (n,) array
    residuals : (T - 1, n) array

    Examples
    --------
    >>> ρ, residuals = ar1(np.array([[1.0], [0.5], [0.25]]))
    >>> ρ, residuals.ravel()
    (array([0.5]), array([0., 0.]))
    """
    x = finite(x=x)[0]
    ρ = (x[:-1] * x[1:]).sum(axis=0) / (x[:-1] ** 2).sum(axis=0)
    return ρ, x[1:] - ρ * x[:-1]


def simulated_estimates(
    T: int, trend: str, grid: ArrayLike = GRID, draws: int = 2_000, seed: int = 0
) -> np.ndarray:
    """What least squares find in series whose ρ is known.

    Stationary AR(1) series, detrended and estimated as the data, with the same shocks for every ρ.

    Parameters
    ----------
    T : int
        Years.
    trend : str
        One of `TRENDS`.
    grid : (n,) array_like
        True ρ.
    draws, seed : int
        Series for each ρ.

    Returns
    -------
    (3, n) array
        Mean and standard deviation of the estimate of ρ; mean of the estimate of σ = 1.

    Examples
    --------
    >>> mean, sd, scale = simulated_estimates(77, "HP 100", [0.0, 0.9], draws=200)
    >>> bool(mean[1] < 0.6 < 0.9)
    True
    """
    ε = np.random.default_rng(seed).standard_normal((T, draws))
    keep, found = np.eye(T) - smoother(T, trend), []
    for ρ in finite(1, grid=grid)[0]:
        if not abs(ρ) < 1:
            raise DataError(f"simulated_estimates: ρ = {ρ}; valid: between -1 and 1")
        x = ε.copy()
        x[0] /= np.sqrt(1 - ρ**2)
        for t in range(1, T):
            x[t] += ρ * x[t - 1]
        a, e = ar1(keep @ x)
        found.append((a.mean(), a.std(), e.std(axis=0).mean()))
    return np.array(found).T


def processes(logs: pd.DataFrame, trend: str = "HP 100") -> pd.DataFrame:
    """AR(1) by industry around a trend, corrected for the bias of short detrended samples.

    The estimate is the ρ whose simulated series, detrended and estimated like the data, give on
    average what the data give (indirect inference); [low, high] holds every ρ whose estimates have
    the data's within 1.96 sd.

    Parameters
    ----------
    logs : DataFrame
        Log productivity by year (rows) and industry.
    trend : str
        One of `TRENDS`.

    Returns
    -------
    DataFrame
        By industry: ols, uncorrected; ρ, its standard error se (NaN at an end of `GRID`), low,
        high, σ; correlation of residuals, mean over the others; drift, growth of the trend a
        year less its mean over industries.

    Raises
    ------
    DataError
        Unknown trend; gaps, fewer than 20 years, or a constant series.

    References
    ----------
    Gouriéroux, Renault and Touzi (2000), Calibration by simulation for small sample bias
    correction.

    Examples
    --------
    >>> shocks = np.random.default_rng(0).normal(0, 0.03, (40, 2))
    >>> table = processes(pd.DataFrame(shocks, range(1981, 2021), ["Farms", "Mining"]), "linear")
    >>> bool(table["ρ"].abs().max() < 0.5)
    True
    """
    x = floats("productivity", logs, 2)
    logs = pd.DataFrame(logs)
    logs = pd.DataFrame(x, index=logs.index, columns=logs.columns)
    gaps, years = int((~np.isfinite(x)).sum()), floats("productivity, years", logs.index)
    if len(logs) < 20 or not (np.diff(years) == 1).all() or gaps:
        raise DataError(
            f"productivity: {len(logs)} years, {gaps} values missing; valid: at least "
            "20 years in a row without gaps"
        )
    if (logs.std() < 1e-12).any():
        raise DataError(f"productivity: {logs.columns[logs.std() < 1e-12][0]!r} is constant")
    T = len(logs)
    trends = smoother(T, trend) @ x
    ols, residuals = ar1(x - trends)
    mean, sd, scale = simulated_estimates(T, trend)
    ρ, low, high = (
        np.interp(ols, np.maximum.accumulate(mean + side * sd), GRID) for side in (0, 1.96, -1.96)
    )
    inside = (ρ > GRID[0]) & (ρ < GRID[-1])
    drift, R = (trends[-1] - trends[0]) / (T - 1), np.atleast_2d(np.corrcoef(residuals.T))
    return pd.DataFrame(
        {
            "ols": ols,
            "ρ": ρ,
            "se": np.where(inside, np.interp(ρ, GRID, sd / np.gradient(mean, GRID)), np.nan),
            "low": low,
            "high": high,
            "σ": residuals.std(axis=0) / np.interp(ρ, GRID, scale),
            "correlation": (R.sum(axis=0) - 1) / (len(R) - 1 or np.nan),
            "drift": drift - drift.mean(),
        },
        index=logs.columns,
    )


def processes_table(_: pd.DataFrame | None = None) -> pd.DataFrame:
    """`processes` of all `SHEETS`, `MEASURES` and `TRENDS`.

    Parameters
    ----------
    _ : DataFrame, optional
        A panel of zones, as results of the facts take; not used.

    Returns
    -------
    DataFrame
        sheet, measure, trend, industry and the columns of `processes`.

    Examples
    --------
    ``processes_table().groupby(["sheet", "measure", "trend"])["ρ"].median()`` needs the public
    file.
    """
    return pd.concat(
        {
            (s, m, trend): processes(logs, trend)
            for s in SHEETS
            for m in MEASURES
            for logs in [load(s, m)]
            for trend in TRENDS
        },
        names=["sheet", "measure", "trend"],
    ).reset_index()
