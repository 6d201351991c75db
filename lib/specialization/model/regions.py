"""Zones that differ in specialization over seventy years, and what the amplifier adds to growth.

In the first year a zone rests at k_A with output shares (k_A, 1 - k_A); then mean productivity of
its industry A changes at a constant rate, relative to the mean of all industries. Panels of zones
are dicts of arrays (years, histories, zones).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import pandas as pd

from .. import measures
from ..errors import DataError
from . import equations, equilibrium, simulation
from .amplification import region, without
from .equilibrium import Equilibrium, Grid
from .parameters import Parameters

YEARS = (0, 1, 2, 5, *range(10, 71, 10))
"""Years that a panel keeps; the first is the base year."""

BURN = 40
"""Years at rest before the first, which make it a draw from the ergodic distribution."""

OUTCOMES = {"output": "y", "consumption": "c"}
"""What grows, and its name in a panel."""

UNITS = ("standardised", "log points")
"""Of slopes: standard deviations of growth, or percent, for one standard deviation of the Gini."""

Panel = Mapping[str, np.ndarray]
Kind = tuple[float, float]


def drift(p: Parameters, rate: float) -> np.ndarray:
    r"""Means of productivity :math:`(\mu_A e^{g t}, \mu_B)` by year.

    Parameters
    ----------
    p : Parameters
    rate : float
        g, a year.

    Returns
    -------
    (71, 2) array

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> drift(SMOOTH, -0.01)[[0, 70]].round(3)
    array([[1.   , 1.   ],
           [0.497, 1.   ]])
    """
    return np.asarray(p.μ) * np.exp(np.outer(np.arange(YEARS[-1] + 1), [rate, 0]))


def box(p: Parameters, rate: float, bonds: int = 28, capital: int = 7) -> Grid:
    """A grid that holds the paths of a zone from before the drift to its end.

    Debt reaches what the larger of the two economies carries, or 0.8 of the lowest output of the
    smaller; capital is even in log k_A / k_B, in which a constant drift is a straight line.

    Parameters
    ----------
    p : Parameters
        Of the zone before the drift, such as `amplification.region` gives.
    rate : float
        Of the drift, a year.
    bonds, capital : int
        Number of nodes.

    Returns
    -------
    Grid

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> box(region(SMOOTH, 0.8), -0.01).k.round(2)
    array([0.39, 0.5 , 0.61, 0.71, 0.79, 0.85, 0.9 ])
    """
    ends = [p, p.but(μ=drift(p, rate)[-1])]
    x = np.array([equilibrium.steady_capital(x) for x in ends])
    x = np.log(x / (1 - x))
    # an even allocation, from which simulations start where nothing else is said, is inside
    k = 1 / (1 + np.exp(-np.linspace(min(*x, 0.4) - 0.8, max(*x, -0.4) + 0.8, capital)))
    least = min(
        equations.production(
            equations.productivity_chain(x)[0].min(0), np.stack([k, 1 - k], -1), x
        )
        .sum(-1)
        .min()
        for x in ends
    )
    b = min((equilibrium.default_grid(x, bonds, low=0.01).b for x in ends), key=np.min)
    return Grid(np.where(b < 0, b * min(1, -0.8 * least / b[0]), b), k)


def first_economy(
    p: Parameters, k_A: float, rate: float, variant: str = "market price", **nodes: int
) -> Equilibrium:
    """The economy of a zone that rests at k_A, before a drift.

    Parameters
    ----------
    p : Parameters
        Of an even zone.
    k_A : float
    rate : float
        Of the drift that follows: `box` holds its path.
    variant : str
        One of `amplification.VARIANTS`, with the same mean debt as at the market price.
    **nodes
        Of `box`.

    Returns
    -------
    Equilibrium

    Raises
    ------
    DataError
        k_A outside (0, 1); an unknown variant.
    NotConverged

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = first_economy(SMOOTH.but(σ=0.0, states=1), 0.7, 0.0, bonds=8, capital=5)
    >>> round(float(equilibrium.steady_capital(eq.p)), 3)
    0.7
    """
    p = region(p, k_A)
    if variant == "no constraint":  # in this box, and with nothing to match
        p, variant = p.but(collateral="none", selection="unique", δ=0.0), "market price"
    eq = equilibrium.stored(p, box(p, rate, **nodes))
    return without(eq, variant, regions=100, periods=100, burn=60)


def foreseen(first: Equilibrium, rate: float) -> list[Equilibrium]:
    """Equilibria by year if everybody learns of the drift, and of its end, after the first.

    Parameters
    ----------
    first : Equilibrium
        Of `first_economy`.
    rate : float
        Of the drift, a year.

    Returns
    -------
    list of 71 Equilibrium

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = first_economy(SMOOTH.but(σ=0.0, states=1), 0.7, -0.01, bonds=8, capital=5)
    >>> path = foreseen(eq, -0.01)
    >>> len(path), round(float(np.log(path[70].z[0, 0] / path[0].z[0, 0])), 2)
    (71, -0.69)
    """
    means = equations.mean_path(first.p, drift(first.p, rate))
    last = equilibrium.solve(first.p.but(μ=means[-1]), first.grid)
    return [first, *equilibrium.transition(last, means[1:])]


def unforeseen(first: Equilibrium, rate: float, every: int = 10) -> list[Equilibrium]:
    """Equilibria by year if each change is a surprise, and taken for the last one.

    Stationary economies are solved `every` so many years; policies between are linear in time.

    Parameters
    ----------
    first : Equilibrium
        Of `first_economy`.
    rate : float
        Of the drift, a year.
    every : int

    Returns
    -------
    list of 71 Equilibrium

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = first_economy(SMOOTH.but(σ=0.0, states=1), 0.7, -0.01, bonds=8, capital=5)
    >>> path = unforeseen(eq, -0.01, every=35)
    >>> len(path), round(float(np.log(path[70].z[0, 0] / path[0].z[0, 0])), 2)
    (71, -0.7)
    """
    means, path = drift(first.p, rate), [first]
    knots = [equilibrium.solve(first.p.but(μ=μ), first.grid) for μ in means[::every]]
    policies = [np.stack([eq.policy(n) for n in equilibrium.POLICIES], -1) for eq in knots]
    for t, μ in enumerate(means[1:], 1):
        i = min(t // every, len(knots) - 2)
        π, mean = (
            (1 + i - t / every) * x[i] + (t / every - i) * x[i + 1]
            for x in ([eq.π for eq in knots], policies)
        )
        path.append(
            replace(first, z=first.z - first.p.μ + μ, π=π, policies=np.stack([mean, mean], -2))
        )
    return path


NEWS = {"foreseen": foreseen, "unforeseen": unforeseen}
"""How a drift becomes known."""


def simulate(
    path: Sequence[Equilibrium],
    zones: int,
    histories: int,
    seed: int = 1,
    start: tuple | None = None,
) -> dict[str, np.ndarray]:
    """Panel of zones of one kind.

    Parameters
    ----------
    path : list of Equilibrium, by year from 0 to 70
    zones, histories : int
    seed : int below 2³⁰
        The same seed is the same luck, whatever the economy.
    start : (s, b, k), optional
        State of the first year, after `BURN` years of the first economy where None.

    Returns
    -------
    dict of arrays (years, histories, zones): y, c, q; share of A in output, gini of the two
    shares, edge (whether near the edge of the box)

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = first_economy(SMOOTH.but(σ=0.0, states=1), 0.7, 0.0, bonds=8, capital=5)
    >>> panel = simulate([eq] * 71, zones=3, histories=2)
    >>> panel["y"].shape, panel["share"][0, 0, 0].round(2)
    ((11, 2, 3), np.float64(0.7))
    """
    first, burn = path[0], 0 if start else BURN
    begin = (len(first.P) // 2, 0.5 * first.grid.b[0], equilibrium.steady_capital(first.p))
    x = simulation.simulate(
        [first] * burn + list(path),
        burn + len(path),
        zones * histories,
        start or begin,
        seed,
        record=[burn + t for t in YEARS],
    )
    z = np.stack([path[t].z[s.astype(int)] for t, s in zip(YEARS, x["s"], strict=True)])
    y = equations.production(z, np.stack([x["k"], 1 - x["k"]], -1), first.p)
    panel = {name: x[name] for name in ("y", "c", "q")} | {
        "share": y[..., 0] / y.sum(-1),
        "gini": measures.gini(y),
        "edge": first.near_edge(x["b"], x["k"]),
    }
    return {name: v.reshape(len(YEARS), histories, zones) for name, v in panel.items()}


def experiment(
    p: Parameters,
    kinds: Mapping[Kind, int],
    variant: str = "market price",
    news: str = "foreseen",
    histories: int = 40,
    **nodes: int,
) -> dict[Kind, dict[str, np.ndarray]]:
    """Panels of zones that decline or rise, by kind.

    Parameters
    ----------
    p : Parameters
        Of an even zone.
    kinds : dict
        Number of zones by kind, (k_A, rate a year). As many zones of a kind have the same luck
        everywhere.
    variant : str
        One of `amplification.VARIANTS`.
    news : str
        One of `NEWS`.
    histories : int
    **nodes
        Of `box`.

    Returns
    -------
    dict of panels, see `simulate`

    Raises
    ------
    DataError
        Unknown variant or news; k_A outside (0, 1).
    NotConverged

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> panels = experiment(SMOOTH.but(σ=0.0, states=1), {(0.7, 0.0): 3}, histories=2,
    ...                     bonds=8, capital=5)
    >>> panels[0.7, 0.0]["y"].shape
    (11, 2, 3)
    """
    if news not in NEWS:
        raise DataError(f"experiment: news {news!r}; valid: {', '.join(NEWS)}")
    panels = {}
    for (k_A, rate), zones in kinds.items():
        first = first_economy(p, k_A, rate, variant, **nodes)
        path = NEWS[news](first, rate) if rate else [first] * (YEARS[-1] + 1)
        seed = crc32(f"{k_A:g} {rate:g}".encode()) // 4
        panels[k_A, rate] = simulate(path, zones, histories, seed)
    return panels


def by_chance(
    p: Parameters,
    variant: str = "market price",
    zones: int = 722,
    histories: int = 40,
    bonds: int = 40,
    capital: int = 12,
    k: tuple[float, float] = (0.1, 0.9),
    b: tuple[float, float] | None = None,
) -> dict[str, np.ndarray]:
    """Panel of zones with the same two industries, specialized by accident.

    In the first year capital is uniform between the ends of `k`, and bonds between those of `b`.
    Productivities, and bonds where `b` is None, are drawn from the ergodic distribution at the
    market price, the same in every variant.

    Parameters
    ----------
    p : Parameters
    variant : str
        One of `amplification.VARIANTS`.
    zones, histories : int
    bonds, capital : int
        Nodes of the grid.
    k, b : (low, high)
        Of capital in A, and of bonds, in the first year.

    Returns
    -------
    Panel, see `simulate`

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> panel = by_chance(SMOOTH.but(σ=0.0, states=1), zones=200, histories=1, bonds=20, capital=8)
    >>> bool(panel["gini"][0].mean() > 20 * panel["gini"][-1].mean())
    True
    """
    eq = equilibrium.stored(p, equilibrium.default_grid(p, bonds, capital))
    rest = simulation.ergodic(eq, regions=100, periods=100)
    rng, n = np.random.default_rng(2), zones * histories
    luck = rng.integers(rest["s"].size, size=n)
    start = (rest["s"][luck], rest["b"][luck], rng.uniform(*k, n))
    if b is not None:
        start = (start[0], rng.uniform(*b, n), start[2])
    eq = without(eq, variant, regions=100, periods=100)
    return simulate([eq] * (YEARS[-1] + 1), zones, histories, start=start)


def mix(
    sizes: Sequence[float], rate: float, mean: float, sd: float, zones: int = 722
) -> dict[Kind, int]:
    """Zones of each kind so that the rates of the drift have this mean and standard deviation.

    Rates are -rate, 0 and rate, with the same odds at every size.

    Parameters
    ----------
    sizes : sequence of float
        k_A of the zones.
    rate, mean, sd : float
        A year.
    zones : int
        In all.

    Returns
    -------
    dict of int, by (k_A, rate)

    Raises
    ------
    DataError
        No such odds.

    Examples
    --------
    >>> mix([0.9], 0.01, -0.005, 0.005, zones=20)
    {(0.9, -0.01): 10, (0.9, 0.0): 10, (0.9, 0.01): 0}
    """
    total = (mean**2 + sd**2) / rate**2
    odds = [(total - mean / rate) / 2, 1 - total, (total + mean / rate) / 2]
    if min(odds) < 0:
        raise DataError(
            f"mix: mean {mean:.4g} and sd {sd:.4g} of rates ±{rate:g} and 0; valid: "
            f"|mean| {rate:g} <= mean² + sd² <= {rate**2:.4g}"
        )
    ends = np.round(zones / len(sizes) * np.cumsum(np.tile(odds, len(sizes))))
    kinds = [(k, g) for k in sizes for g in (-rate, 0.0, rate)]
    return dict(zip(kinds, np.diff(ends, prepend=0).astype(int).tolist(), strict=True))


def pool(panels: Mapping[Kind, Panel], counts: Mapping[Kind, int]) -> dict[str, np.ndarray]:
    """One panel, of the first `counts[kind]` zones of each kind.

    Parameters
    ----------
    panels : dict of panels
        Of `experiment`.
    counts : dict of int

    Returns
    -------
    Panel

    Raises
    ------
    DataError
        A kind with fewer zones than asked for, or that is not there.

    Examples
    --------
    >>> one, two = {"y": np.zeros((11, 2, 3))}, {"y": np.ones((11, 2, 3))}
    >>> pool({"one": one, "two": two}, {"one": 2, "two": 3})["y"][0, 0]
    array([0., 0., 1., 1., 1.])
    """
    for kind, n in counts.items():
        here = panels[kind]["y"].shape[-1] if kind in panels else 0
        if n > here:
            raise DataError(f"pool: {n} zones of kind {kind}; valid: at most {here}")
    return {
        name: np.concatenate([panels[kind][name][..., :n] for kind, n in counts.items()], -1)
        for name in next(iter(panels.values()))
    }


def slopes(
    panel: Panel, outcome: str = "y", given_income: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Growth from the first year on initial Gini given initial log income, by OLS.

    Parameters
    ----------
    panel : dict of arrays (years, histories, zones)
        With the outcome, y and gini.
    outcome : str
    given_income : bool
        False: on the Gini alone.

    Returns
    -------
    two arrays (years - 1, histories)
        Slopes for one standard deviation of the Gini, in standard deviations of growth and in log
        points.

    Raises
    ------
    DataError
        All zones have the same initial Gini.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> gini, y = rng.uniform(0, 0.4, (1, 500)), np.exp(rng.normal(size=(1, 500)))
    >>> panel = {"y": np.stack([y, y * np.exp(-0.5 * gini)]), "gini": np.stack([gini, gini])}
    >>> bool(np.isclose(slopes(panel)[1][0, 0], -0.5 * gini.std()))
    True
    """
    growth, gini = np.log(panel[outcome][1:] / panel[outcome][0]), panel["gini"][0]
    if np.ptp(gini, axis=-1).min() == 0:
        raise DataError("slopes: all zones have the same initial Gini; valid: some that differ")
    g, G, y = (
        (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)
        for x in (growth, gini, np.log(panel["y"][0]))
    )
    r = (G * y).mean(axis=-1) * given_income
    slope = ((g * G).mean(axis=-1) - r * (g * y).mean(axis=-1)) / (1 - r**2)
    return slope, slope * growth.std(axis=-1)


def amplification_share(
    market: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """1 - slope without the amplifier / slope with it.

    Parameters
    ----------
    market, other : arrays (years, histories)
        Slopes with the amplifier and without, with the same luck.

    Returns
    -------
    three arrays (years,)
        Share, of mean slopes; its simulation error, by the delta method; and t of the slope with
        the amplifier, below 2 of which the share divides by what may be zero.

    Examples
    --------
    >>> with_it = np.array([[-1.0, -1.2, -0.8]])
    >>> share, error, t = amplification_share(with_it, 0.7 * with_it)
    >>> share.round(3), error.round(3), t.round(1)
    (array([0.3]), array([0.]), array([8.7]))
    """
    level, n = market.mean(axis=1), market.shape[1]
    ratio = other.mean(axis=1) / level
    gap, noise = (
        x.std(axis=1, ddof=1) / np.sqrt(n) / np.abs(level)
        for x in (other - ratio[:, None] * market, market)
    )
    return 1 - ratio, gap, 1 / noise


def compare(panels: Mapping[str, Panel], given_income: bool = True) -> pd.DataFrame:
    """Slopes of two economies and the amplification share.

    Parameters
    ----------
    panels : dict of two panels
        With the amplifier and without, in this order, with the same luck.
    given_income : bool
        Of `slopes`.

    Returns
    -------
    DataFrame
        By outcome (`OUTCOMES`), unit (`UNITS`) and horizon in years: slopes "with" and "without",
        means over histories; simulation "t" of the first; "share, %" and its simulation "error".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> gini, y = rng.uniform(0, 0.4, (3, 500)), np.exp(rng.normal(size=(3, 500)))
    >>> def panel(slope):
    ...     grown = np.stack([y] + [y * np.exp(slope * gini)] * (len(YEARS) - 1))
    ...     return {"y": grown, "c": grown, "gini": np.stack([gini] * len(YEARS))}
    >>> table = compare({"market price": panel(-0.5), "fixed limit": panel(-0.4)})
    >>> float(table.loc[("output", "log points", 70), "share, %"].round(6))
    20.0
    """
    tables = {}
    for name, outcome in OUTCOMES.items():
        both = (slopes(x, outcome, given_income) for x in panels.values())
        for unit, a, b in zip(UNITS, *both, strict=True):
            share, error, t = amplification_share(a, b)
            scale = 100 if unit == "log points" else 1
            tables[name, unit] = pd.DataFrame(
                {
                    "with": scale * a.mean(axis=1),
                    "without": scale * b.mean(axis=1),
                    "t": t,
                    "share, %": 100 * share,
                    "error": 100 * error,
                },
                index=list(YEARS[1:]),
            )
    return pd.concat(tables, names=["outcome", "unit", "horizon"])


def experiment_compared(p: Parameters, kinds: Mapping[Kind, int], **options) -> pd.DataFrame:
    """`compare` of an `experiment` at the market price and with a fixed limit.

    Parameters
    ----------
    p, kinds, **options
        Of `experiment`.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> from specialization.model.parameters import SMOOTH
    >>> p = SMOOTH.but(states=(2, 2))
    >>> table = experiment_compared(p, {(0.5, 0.0): 20, (0.8, 0.0): 20}, histories=2, bonds=12,
    ...                             capital=5)
    >>> table.shape
    (40, 5)
    """
    return compare(
        {
            v: pool(experiment(p, kinds, v, **options), kinds)
            for v in ("market price", "fixed limit")
        }
    )
