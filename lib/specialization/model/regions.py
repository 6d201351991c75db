"""Zones that differ in specialization over seventy years, and what the amplifier adds to growth.

In the first year a zone rests at k_A with output shares (k_A, 1 - k_A); then mean productivity of
its industry A changes at a constant rate, relative to the mean of all industries. Panels of zones
are dicts of arrays (years, histories, zones).
"""

from dataclasses import replace
from zlib import crc32

import numpy as np

from .. import measures
from ..errors import DataError
from . import equations, equilibrium, simulation
from .amplification import region, without

YEARS = (0, 1, 2, 5, *range(10, 71, 10))
"""Years that a panel keeps; the first is the base year."""

BURN = 40
"""Years at rest before the first, which make it a draw from the ergodic distribution."""


def drift(p, rate):
    r"""Means of productivity :math:`(\mu_A e^{g t}, \mu_B)`, (71, 2), g = `rate` a year."""
    return np.asarray(p.μ) * np.exp(np.outer(np.arange(YEARS[-1] + 1), [rate, 0]))


def box(p, rate, bonds=28, capital=7):
    """A grid that holds the paths of a zone from before the drift to its end.

    Debt reaches what the larger of the two economies carries, or 0.8 of the lowest output of the
    smaller; capital is even in log k_A / k_B, in which a constant drift is a straight line.
    """
    ends = [p, p.but(μ=drift(p, rate)[-1])]
    x = np.array([equilibrium.steady_capital(x) for x in ends])
    x = np.log(x / (1 - x))
    # an even allocation, from which simulations start where nothing else is said, is inside
    k = 1 / (1 + np.exp(-np.linspace(min(*x, 0.4) - 0.8, max(*x, -0.4) + 0.8, capital)))
    least = min(equations.production(equations.productivity_chain(x)[0].min(0),
                                 np.stack([k, 1 - k], -1), x).sum(-1).min() for x in ends)
    b = min((equilibrium.default_grid(x, bonds, low=0.01).b for x in ends), key=np.min)
    return equilibrium.Grid(np.where(b < 0, b * min(1, -0.8 * least / b[0]), b), k)


def at_rest(p, k_A, rate, variant="market price", **nodes):
    """The economy of the first year, in `box(rate, **nodes)`, of a variant of `without`."""
    p = region(p, k_A)
    if variant == "no constraint":      # in this box, and with nothing to match
        p, variant = p.but(collateral="none", selection="unique", δ=0.0), "market price"
    eq = equilibrium.stored(p, box(p, rate, **nodes))
    return without(eq, variant, regions=100, periods=100, burn=60)


def foreseen(first, rate):
    """Equilibria by year if everybody learns of the drift, and of its end, after the first."""
    means = equations.mean_path(first.p, drift(first.p, rate))
    last = equilibrium.solve(first.p.but(μ=means[-1]), first.grid)
    return [first, *equilibrium.transition(last, means[1:])]


def unforeseen(first, rate, every=10):
    """Equilibria by year if each change is a surprise, and taken for the last one.

    Stationary economies are solved `every` so many years; policies between are linear in time.
    """
    means, path = drift(first.p, rate), [first]
    knots = [equilibrium.solve(first.p.but(μ=μ), first.grid) for μ in means[::every]]
    policies = [np.stack([eq.policy(n) for n in equilibrium.POLICIES], -1) for eq in knots]
    for t, μ in enumerate(means[1:], 1):
        i = min(t // every, len(knots) - 2)
        π, mean = ((1 + i - t / every) * x[i] + (t / every - i) * x[i + 1]
                   for x in ([eq.π for eq in knots], policies))
        path.append(replace(first, z=first.z - first.p.μ + μ, π=π,
                            policies=np.stack([mean, mean], -2)))
    return path


def simulate(path, zones, histories, seed=1, start=None):
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
    dict of arrays (years, histories, zones): y, c, q, b, k; share of A in output, gini of the two
    shares, edge (whether near the edge of the box)
    """
    first, burn = path[0], 0 if start else BURN
    begin = (len(first.P) // 2, 0.5 * first.grid.b[0], equilibrium.steady_capital(first.p))
    x = simulation.simulate([first] * burn + path, burn + len(path), zones * histories,
                            start or begin, seed, record=[burn + t for t in YEARS])
    z = np.stack([path[t].z[s.astype(int)] for t, s in zip(YEARS, x["s"], strict=True)])
    y = equations.production(z, np.stack([x["k"], 1 - x["k"]], -1), first.p)
    panel = {name: x[name] for name in ("y", "c", "q", "b", "k")} | {
        "share": y[..., 0] / y.sum(-1), "gini": measures.gini(y),
        "edge": first.near_edge(x["b"], x["k"])}
    return {name: v.reshape(len(YEARS), histories, zones) for name, v in panel.items()}


def experiment(p, kinds, variant="market price", news=foreseen, histories=40, **nodes):
    """Panels by kind of zone, (k_A, rate): `kinds` has the number of zones of each.

    `news` is `foreseen` or `unforeseen`. As many zones of a kind have the same luck everywhere.
    """
    panels = {}
    for (k_A, rate), zones in kinds.items():
        first = at_rest(p, k_A, rate, variant, **nodes)
        path = news(first, rate) if rate else [first] * (YEARS[-1] + 1)
        seed = crc32(f"{k_A:g} {rate:g}".encode()) // 4
        panels[k_A, rate] = simulate(path, zones, histories, seed)
    return panels


def pool(panels, counts):
    """One panel, of the first `counts[kind]` zones of each kind."""
    return {name: np.concatenate([panels[kind][name][..., :n] for kind, n in counts.items()], -1)
            for name in next(iter(panels.values()))}


def slopes(panel, outcome="y"):
    """Growth from the first year on initial Gini given initial log income, by OLS.

    Returns two arrays (years - 1, histories): slopes for one standard deviation of the Gini, in
    standard deviations of growth and in log points.
    """
    growth, gini = np.log(panel[outcome][1:] / panel[outcome][0]), panel["gini"][0]
    if np.ptp(gini, axis=-1).min() == 0:
        raise DataError("slopes: all zones have the same initial Gini; valid: some that differ")
    g, G, y = ((x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)
               for x in (growth, gini, np.log(panel["y"][0])))
    r = (G * y).mean(axis=-1)
    slope = ((g * G).mean(axis=-1) - r * (g * y).mean(axis=-1)) / (1 - r**2)
    return slope, slope * growth.std(axis=-1)


def amplification_share(market, other):
    """1 - slope without the amplifier / slope with it; slopes (years, histories), same luck.

    Returns arrays (years,): share, of mean slopes; its simulation error, by the delta method; and
    t of the slope with the amplifier, below 2 of which the share divides by what may be zero.
    """
    level, n = market.mean(axis=1), market.shape[1]
    ratio = other.mean(axis=1) / level
    gap, noise = (x.std(axis=1, ddof=1) / np.sqrt(n) / np.abs(level)
                  for x in (other - ratio[:, None] * market, market))
    return 1 - ratio, gap, 1 / noise
