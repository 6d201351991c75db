"""Simulation, moments, impulse responses and accuracy of a solved economy."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numba import prange
from numpy.typing import ArrayLike

from ..errors import DataError
from . import equilibrium
from .branches import interpolate, mean, payoffs, solve_at
from .compiled import jit
from .conditions import (
    BINDING,
    SLACK,
    UNIQUE,
    Φ_2,
    A,
    B,
    consumption,
    growth,
    locate,
    output,
    production,
    read,
    state,
    write,
)
from .equilibrium import Equilibrium
from .grid import Grid

SERIES = ("c", "q", "b_next", "k_next", "η", "binding", "y")
"""What a step records beside the state s, b, k."""

CHUNK = 256
"""Regions that one thread takes at a time."""


@jit
def uniform(seed, region, t):
    """A number in [0, 1) that depends on its three whole arguments only (splitmix64)."""
    x = np.uint64(0)
    for n in (np.uint64(seed), np.uint64(region), np.uint64(t)):
        x = (x ^ n) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)) / 9007199254740992.0


@jit
def _between(m, policies, π, s, b, k, draw, room, out):
    """Policies between nodes: means where the solution is unique, otherwise of the branch drawn.

    Consumption follows from resources. Returns whether the constraint binds.
    """
    odds = interpolate(m, policies, π, s, b, k, room)
    binding = 1.0 if odds > (0.5 if m.rule == UNIQUE else draw) else 0.0
    write(out, mean(room, odds if m.rule == UNIQUE else binding))
    out[0] = consumption(m, state(m, s, b, k), out[2], out[3])
    return binding


@jit
def _region(m, policies, π, exact, s, b, k, draw, room, out):
    # a region's policies, whether the constraint binds (NaN: no solution), and its output
    if exact:
        here = solve_at(m, policies, π, s, b, k, room)
        write(out, here.binding if draw < here.π else here.slack)
        binds = 1.0 if draw < here.π else here.π * 0.0
    else:
        binds = _between(m, policies, π, s, b, k, draw, room, out)
    out[5], out[6] = binds, output(m, s, out[3] if m.now else k)


@jit(parallel=True)
def _step(m, policies, π, cumulative, exact, s, b, k, seed, t, out, s_next):
    for chunk in prange((s.size + CHUNK - 1) // CHUNK):
        room = np.empty((2, 5))
        for n in range(chunk * CHUNK, min((chunk + 1) * CHUNK, s.size)):
            _region(
                m,
                policies,
                π,
                exact,
                s[n],
                b[n],
                k[n],
                uniform(seed, n, 2 * t + 1),
                room,
                out[:, n],
            )
            row, draw = cumulative[s[n]], uniform(seed, n, 2 * t + 2)
            s_next[n] = min(np.searchsorted(row, draw, side="right"), row.size - 1)


def simulate(
    eq: Equilibrium | list,
    periods: int,
    regions: int = 1,
    start: tuple | None = None,
    seed: int = 0,
    shocks: ArrayLike | None = None,
    exact: bool = False,
    record: Sequence[int] | None = None,
) -> dict[str, np.ndarray]:
    """Paths of many regions.

    Parameters
    ----------
    eq : Equilibrium, or a list of them, one for each period (`equilibrium.transition`)
    periods, regions : int
    start : (s, b, k), optional
        State in the first period, numbers or arrays (regions,); s is an index of productivity.
        Mean productivity, the middle of the box and equal capital where None.
    seed : int
        The draws of a region depend on it and the region's number only, not on threads.
    shocks : (periods, regions) array of int, optional
        Productivity states to follow instead of drawing them.
    exact : bool
        True: every state is solved anew. False: policies are interpolated (ten times faster).
    record : sequence of int, optional
        Periods to keep; all where None.

    Returns
    -------
    dict of arrays (periods kept, regions): "s", "b", "k" and `SERIES`

    Raises
    ------
    DataError
        A start outside the box; a state on the path that has no solution.

    Examples
    --------
    >>> from specialization.model.equilibrium import default_grid, solve
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = solve(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> x = simulate(eq, 5, regions=3)
    >>> x["c"].shape, bool((x["b"][1:] == x["b_next"][:-1]).all())
    ((5, 3), True)
    """
    path = eq if isinstance(eq, list) else [eq] * periods
    first, record = path[0], range(periods) if record is None else record
    grid, middle = first.grid, (len(first.P) - 1) // 2
    s, b, k = start or (middle, grid.b.mean(), 0.5)
    s, b, k = (
        np.array(np.broadcast_to(x, regions), dtype=d)
        for x, d in ((s, np.int64), (b, float), (k, float))
    )
    _check_start(first, s, b, k)
    kept = {name: np.empty((len(record), regions)) for name in ("s", "b", "k", *SERIES)}
    cumulative, out, row = first.P.cumsum(axis=1), np.empty((len(SERIES), regions)), 0
    s_next = s.copy()
    for t in range(periods):
        if shocks is not None:
            s = np.asarray(shocks)[t].astype(np.int64)
        _step(*path[t].arrays(), cumulative, exact, s, b, k, seed, t, out, s_next)
        if not np.isfinite(out).all():
            n = int(np.argmin(np.isfinite(out).all(axis=0)))
            raise DataError(f"simulate: no solution at s = {s[n]}, b = {b[n]:.4g}, k = {k[n]:.4g}")
        if t in record:
            for name, x in zip(kept, (s, b, k, *out), strict=True):
                kept[name][row] = x
            row += 1
        b, k, s, s_next = out[2].copy(), out[3].copy(), s_next, s
    return kept


def _check_start(eq, s, b, k):
    for name, x, low, high in (
        ("s", s, 0, len(eq.P) - 1),
        ("b", b, *eq.grid.b[[0, -1]]),
        ("k", k, *eq.grid.k[[0, -1]]),
    ):
        if not ((x >= low) & (x <= high)).all():
            raise DataError(
                f"simulate: start {name} from {x.min():.4g} to {x.max():.4g}; "
                f"valid: {low:.4g} to {high:.4g}"
            )


def ergodic(
    eq: Equilibrium, regions: int = 200, periods: int = 250, burn: int = 150, seed: int = 0
) -> dict[str, np.ndarray]:
    """Solved paths of `simulate` after `burn` periods, flattened.

    Parameters
    ----------
    eq : Equilibrium
    regions, periods, burn : int
        Paths; years that are kept of each, after those that are not.
    seed : int

    Returns
    -------
    dict of arrays (periods * regions,), as of `simulate`

    Examples
    --------
    >>> from specialization.model.equilibrium import default_grid, solve
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = solve(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> ergodic(eq, regions=3, periods=4, burn=20)["q"].size
    12
    """
    path = simulate(
        eq, burn + periods, regions, seed=seed, exact=True, record=range(burn, burn + periods)
    )
    return {name: x.ravel() for name, x in path.items()}


def moments(eq: Equilibrium, path: dict | None = None, **options) -> pd.Series:
    """Moments of the ergodic distribution; sd of c and y in logs.

    Parameters
    ----------
    eq : Equilibrium
    path : dict, optional
        Of `ergodic(eq, **options)`.

    Returns
    -------
    Series

    Examples
    --------
    >>> from specialization.model.equilibrium import default_grid, solve
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = solve(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> bool(-0.3 < moments(eq, regions=20, periods=20)["NFA/Y"] < 0)
    True
    """
    x = ergodic(eq, **options) if path is None else path
    return pd.Series(
        {
            "NFA/Y": (x["b_next"] / eq.p.R / x["y"]).mean(),
            "mean q": x["q"].mean(),
            "sd q": x["q"].std(),
            "sd log c": np.log(x["c"]).std(),
            "sd log y": np.log(x["y"]).std(),
            "mean k_A": x["k"].mean(),
            "sd k_A": x["k"].std(),
            "binding": x["binding"].mean(),
            "min b": x["b"].min(),
            "max b": x["b"].max(),
            "near edge": eq.near_edge(x["b"], x["k"]).mean(),
        }
    )


def impulse_response(
    eq: Equilibrium,
    start: tuple | None = None,
    industry: int = 0,
    size_in_sd: float = 2.0,
    periods: int = 30,
    paths: int = 20000,
    seed: int = 0,
    exact: bool = False,
) -> pd.DataFrame:
    """Generalised impulse response to lower productivity of one industry in period 0.

    Mean over paths of the shocked less the unshocked series, both with the same later draws. The
    shock lowers z̄_i by size_in_sd σ_i: a lottery between the two states of its chain on either
    side of that level, or the lowest state.

    Parameters
    ----------
    eq : Equilibrium
    start : (s, b, k), optional
        State before the shock; the ergodic distribution where None.
    industry : int
        0 for A, 1 for B.
    size_in_sd : float

    Returns
    -------
    DataFrame
        By period, in units of the series: "z" and "c", "y", "b", "b_next", "q", "k", "binding";
        `attrs["size"]`: the mean fall of z̄_i in units of σ_i that the chain allowed.

    Raises
    ------
    DataError
        An industry without shocks, σ = 0 or one state.

    Examples
    --------
    >>> from specialization.model.equilibrium import default_grid, solve
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = solve(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> r = impulse_response(eq, (3, -0.2, 0.5), periods=3, paths=50)
    >>> bool(r["y"][0] < 0)
    True
    """
    if industry not in (0, 1):
        raise DataError(f"impulse_response: industry = {industry}; valid: 0 (A) or 1 (B)")
    levels, name = np.unique(eq.z[:, industry]), "AB"[industry]
    if len(levels) < 2:
        raise DataError(
            f"impulse_response: industry {name} has no shock: σ = "
            f"{eq.p.σ[industry]:g}, {eq.p.states[industry]} states; valid: σ > 0 and "
            "at least 2 states"
        )
    if start is None:
        x = ergodic(eq, regions=200, periods=100, seed=seed + 1)
        pick = np.random.default_rng(seed).integers(x["s"].size, size=paths)
        start = tuple(x[name][pick] for name in ("s", "b", "k"))
    s = np.broadcast_to(np.asarray(start[0], dtype=np.int64), paths)
    stride = len(np.unique(eq.z[:, 1])) if industry == 0 else 1
    own = np.searchsorted(levels, eq.z[s, industry] - 1e-12)
    aim = np.maximum(eq.z[s, industry] - size_in_sd * eq.p.σ[industry], levels[0])
    low = np.clip(np.searchsorted(levels, aim + 1e-12) - 1, 0, len(levels) - 2)
    draw = np.random.default_rng(seed + 1).random(paths)
    hit = low + (draw < (aim - levels[low]) / (levels[low + 1] - levels[low]))
    base, shocked = (
        simulate(eq, periods, paths, (state, *start[1:]), seed, exact=exact)
        for state in (s, s + (hit - own) * stride)
    )
    frame = {"z": tuple(eq.z[x["s"].astype(int), industry] for x in (shocked, base))}
    frame |= {
        name: (shocked[name], base[name])
        for name in ("c", "y", "b", "b_next", "q", "k", "binding")
    }
    result = pd.DataFrame({name: np.subtract(*pair).mean(axis=1) for name, pair in frame.items()})
    result.attrs["size"] = -result["z"][0] / eq.p.σ[industry]
    return result


@jit
def _errors(m, policies, π, P, now, s, b, k, room, total, errors):
    # Euler errors (4,) of the choice `now` at a state; room (2, 5) and total (5,) to work in
    total[:], errors[3] = 0, 0
    i, j = locate(m.bonds, now.b), locate(m.capital, now.k)
    for n in range(len(P)):
        here = solve_at(m, policies, π, n, now.b, now.k, room)
        write(room[SLACK], here.slack)
        write(room[BINDING], here.binding)
        payoffs(m, n, now.k, room, here.π, P[s, n], total)
        around = π[n, i : i + 2, j : j + 2]
        if m.rule != UNIQUE and around.max() > 0 and around.min() < 1:
            errors[3] += P[s, n]
    z, k1, taxes, later = m.z[s], now.k, state(m, s, b, k).instruments, 1 - m.now
    f_A, f_B = (
        m.α * production(m, A(m), 1.0, k1) / k1,
        m.α * production(m, B(m), 1.0, 1 - k1) / (1 - k1),
    )
    g_A, g_B = growth(k, k1)
    cost_A = now.q + Φ_2(A(m), g_A) - m.now * z[0] * f_A - taxes.s_A
    cost_B = now.q + Φ_2(B(m), g_B) - m.now * z[1] * f_B - taxes.s_B
    u = (
        (1 + taxes.τ) * m.β * m.R * total[0] + now.η,
        m.β * (later * total[1] * f_A + total[3]) / cost_A,
        m.β * (later * total[2] * f_B + total[4]) / cost_B,
    )
    for n in range(3):
        errors[n] = abs(u[n] ** (-1 / m.γ) / now.c - 1)


@jit(parallel=True)
def _euler(m, policies, π, P, s, b, k, choices, errors):
    for chunk in prange((s.size + CHUNK - 1) // CHUNK):
        room, total = np.empty((2, 5)), np.empty(5)
        for t in range(chunk * CHUNK, min((chunk + 1) * CHUNK, s.size)):
            _errors(m, policies, π, P, read(choices[t]), s[t], b[t], k[t], room, total, errors[t])


def euler_errors(eq: Equilibrium, path: dict) -> pd.DataFrame:
    """Unit-free Euler errors off the grid: ``abs(c implied by the equation / c - 1)``.

    Tomorrow's policies are solved anew at every productivity, not interpolated.

    Parameters
    ----------
    eq : Equilibrium
    path : dict of arrays (T,), as `ergodic` gives

    Returns
    -------
    DataFrame
        "bonds", "capital A", "capital B", and "threshold": the probability that tomorrow's state
        lies in a cell where the sunspot, or a change of regime beside it, has its say.

    Examples
    --------
    >>> from specialization.model.equilibrium import default_grid, solve
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = solve(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> path = ergodic(eq, regions=5, periods=5)
    >>> list(euler_errors(eq, path))
    ['bonds', 'capital A', 'capital B', 'threshold']
    """
    s, b, k = path["s"].astype(np.int64), path["b"], path["k"]
    choices = np.column_stack([path[n] for n in SERIES[:5]])
    errors = np.empty((s.size, 4))
    _euler(*eq.arrays(), eq.P, s, b, k, choices, errors)
    return pd.DataFrame(errors, columns=["bonds", "capital A", "capital B", "threshold"])


def accuracy(eq: Equilibrium, path: dict | None = None, **options) -> pd.DataFrame:
    """Accuracy of a solution along its ergodic path, for the chapter's table.

    Parameters
    ----------
    eq : Equilibrium
    path : dict, optional
        Of `ergodic(eq, **options)`.

    Returns
    -------
    DataFrame
        A row for each equation and kind of state (slack, binding, and "away": no threshold
        tomorrow): log10 of Euler errors, mean, 99th percentile and largest, and the share of the
        path. `attrs`: smallest slack and multiplier, largest product of both, share near an edge.

    Examples
    --------
    >>> from specialization.model.equilibrium import default_grid, solve
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = solve(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> accuracy(eq, regions=5, periods=5).attrs["near edge"].item()
    0.0
    """
    x = ergodic(eq, **options) if path is None else path
    errors, binding = euler_errors(eq, x), x["binding"] > 0.5
    kinds = {
        "all": np.full(binding.size, True),
        "slack": ~binding,
        "binding": binding,
        "away": errors["threshold"].to_numpy() == 0,
    }
    table = pd.DataFrame(
        [
            (
                name,
                kind,
                *(
                    f(np.log10(np.maximum(errors[name][which], 1e-16)))
                    for f in (np.mean, lambda e: np.quantile(e, 0.99), np.max)
                ),
                which.mean(),
            )
            for name in errors.columns[:3]
            for kind, which in kinds.items()
            if which.any()
        ],
        columns=["equation", "states", "mean", "p99", "max", "share"],
    )
    slack = eq.slack(x["b_next"], x["q"])
    table.attrs |= {
        "min slack": slack.min(),
        "min multiplier": x["η"].min(),
        "max product": np.abs(slack * x["η"]).max(),
        "near edge": eq.near_edge(x["b"], x["k"]).mean(),
    }
    return table


def robustness(eq: Equilibrium, tolerance: float = 1e-6, **options) -> pd.DataFrame:
    """Moments on two coarser grids, in a wider box, and at a tolerance ten times tighter.

    Returns
    -------
    DataFrame
        A column for each; "largest move" of policies inside the box is in the last row.

    Examples
    --------
    >>> from specialization.model.equilibrium import default_grid, solve
    >>> from specialization.model.parameters import SMOOTH
    >>> eq = solve(SMOOTH.but(states=(2, 2)), default_grid(SMOOTH, 12, 6))
    >>> list(robustness(eq, regions=5, periods=5))
    ['this', 'quarter', 'half', 'wider box', 'tighter']
    """
    grid, inside = eq.grid, (slice(None), slice(1, -1), slice(1, -1))
    wide = Grid(
        np.r_[grid.b[0] - (grid.b[1] - grid.b[0]), grid.b, grid.b[-1] + (grid.b[-1] - grid.b[-2])],
        np.r_[grid.k[0] * 0.8, grid.k, 1 - (1 - grid.k[-1]) * 0.8],
    )
    half = grid.coarser()
    others = {
        "quarter": (half.coarser(), tolerance),
        "half": (half, tolerance),
        "wider box": (wide, tolerance),
        "tighter": (grid, tolerance / 10),
    }
    columns = {"this": moments(eq, **options)}
    for name, (other, precision) in others.items():
        solution = equilibrium.solve(
            eq.p, other, precision, rates=grid.interpolate(eq.rates, other, flat=True)
        )
        columns[name] = moments(solution, **options)
        if name in ("wider box", "tighter"):
            new = [
                solution.policy(n)[inside] if name == "wider box" else solution.policy(n)
                for n in equilibrium.POLICIES
            ]
            columns[name]["largest move"] = max(
                np.abs(a - eq.policy(n)).max()
                for a, n in zip(new, equilibrium.POLICIES, strict=True)
            )
    return pd.DataFrame(columns)
