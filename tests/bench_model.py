"""Rows of the model for `make bench`: wall time with the threads stated, processor time beside it,
and the ratio to a second method."""

import itertools
import subprocess
import sys
import time

import numba
import numpy as np
from scipy.optimize import root
from specialization.model import branches, conditions, equations, equilibrium, planner, simulation
from specialization.model.parameters import PUBLISHED, SMOOTH

DAMPING = 0.6


def timed(f, repeats=3):
    """Median wall and processor time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter(), time.process_time()
        f()
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return sorted(times)[repeats // 2]


def row(name, f, repeats=3, base=None):
    """A line of the table: name with threads and processor time, wall time, time to compare."""
    wall, processor = timed(f, repeats)
    return f"{name} [{processor:.2f} s CPU]", wall, base


def fixed_point(p, grid, tolerance=1e-6, steps=3000):
    """Fixed-point iteration in the manner of Mendoza and Villalvazo's FiPIt, in NumPy.

    Conjectured b', k' and q give consumption and expectations; the bond equation gives c, or the
    collateral constraint b'; the capital equations give q and k'. Updates are damped.
    """
    z, P = equations.productivity_chain(p)
    b, k = grid.b[:, None], np.stack([grid.k, 1 - grid.k], axis=-1)
    y = equations.production(z[:, None], k, p).sum(-1)[:, None]
    c, q, x, kn, _ = np.moveaxis(equilibrium._first_guess(p, z, grid)[..., 0, :], -1, 0).copy()
    η, s = np.zeros_like(c), np.arange(len(z))[:, None, None]
    for _ in range(steps):
        u, kk = c**-p.γ, np.stack([kn, 1 - kn], axis=-1)
        held = (u * q + p.θ * q * η)[..., None] - u[..., None] * equations.Φ_1(k, kk, p)
        W = np.concatenate([u[..., None], u[..., None] * z[:, None, None], held], axis=-1)
        E = np.tensordot(P, W, 1)
        i = np.clip(np.searchsorted(grid.b, x, side="right") - 1, 0, grid.b.size - 2)
        j = np.clip(np.searchsorted(grid.k, kn, side="right") - 1, 0, grid.k.size - 2)
        w = ((x - grid.b[i]) / (grid.b[i + 1] - grid.b[i]))[..., None]
        r = ((kn - grid.k[j]) / (grid.k[j + 1] - grid.k[j]))[..., None]
        e = (1 - w) * ((1 - r) * E[s, i, j] + r * E[s, i, j + 1]) + w * (
            (1 - r) * E[s, i + 1, j] + r * E[s, i + 1, j + 1]
        )
        value = p.β * (e[..., 1:3] * equations.marginal_product(1.0, kk, p) + e[..., 3:])
        new_c = (p.β * p.R * e[..., 0]) ** (-1 / p.γ)
        cost = equations.Φ(k, kk, p).sum(-1)
        slack_x = p.R * (y + b - cost - new_c)
        bind = slack_x < -p.R * p.θ * q
        new_x = np.where(bind, -p.R * p.θ * q, slack_x)
        new_c = y + b - cost - new_x / p.R
        new_u = new_c**-p.γ
        η = np.where(bind, new_u - p.β * p.R * e[..., 0], 0)
        price = value / new_u[..., None] - equations.Φ_2(k, kk, p)
        slope = p.φ[0] / k[..., 0] + p.φ[1] / k[..., 1]
        new_kn = kn + (price[..., 0] - price[..., 1]) / slope / 2
        moves = [new_c - c, price.mean(-1) - q, new_x - x, new_kn - kn]
        c, q, x, kn = (old + DAMPING * d for old, d in zip((c, q, x, kn), moves, strict=True))
        if max(np.abs(d).max() for d in moves) < tolerance:
            return c, q, x, kn
    raise RuntimeError("fixed-point iteration did not converge")


def difference(eq, other):
    """Largest difference of c, q, b' and k' at the nodes from those of `fixed_point`."""
    return max(np.abs(eq.policy(n) - x).max() for n, x in zip("cqbk", other, strict=True))


def memory(bonds, capital):
    """Peak memory in GiB of a fresh process that solves the smooth calibration; NaN off Linux.

    `getrusage` of a child starts from the peak of its parent.
    """
    code = (
        "from pathlib import Path\n"
        "from specialization.model import equilibrium\n"
        "from specialization.model.parameters import SMOOTH\n"
        f"equilibrium.solve(SMOOTH, equilibrium.default_grid(SMOOTH, {bonds}, {capital}))\n"
        "status = Path('/proc/self/status')\n"
        "print(int(status.read_text().split('VmHWM:')[1].split()[0]) / 2**20\n"
        "      if status.exists() else 'nan')"
    )
    return float(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
    )


def textbook_sweep(eq):
    """One step of time iteration as textbooks write it: SciPy's root finder at every node."""
    m = eq.arrays()[0]
    for s, i, j in np.ndindex(eq.π.shape):
        at = conditions.state(m, s, eq.grid.b[i], eq.grid.k[j])

        def residuals(choice, last, at=at):
            here = conditions.conditions(m, at, *choice)
            return getattr(here, last).value, here.gap.value

        found = root(residuals, [at.b, at.k], args=("bond",))
        if residuals(found.x, "slack")[0] < 0:
            root(residuals, found.x, args=("slack",))


def one_sweep(eq):
    """The same by the solver's own kernel, from the same start."""
    m, policies, π = eq.arrays()
    start = policies.copy()
    start[..., conditions.BONDS] = eq.grid.b[:, None, None]
    start[..., conditions.CAPITAL] = eq.grid.k[:, None]
    branches.sweep(m, start, π, 1e-8, False, policies.copy(), π.copy())


def rows():
    """Name, seconds and the seconds to compare with (or None) of each line."""
    equilibrium.solve(SMOOTH, equilibrium.default_grid(SMOOTH, 24, 8))
    yield "threads of the rows below", numba.get_num_threads(), None
    for bonds, capital in ((32, 25), (158, 36), (200, 64)):
        grid = equilibrium.default_grid(SMOOTH, bonds, capital)
        own = row(
            f"equilibrium, {9 * bonds * capital:,} nodes",
            lambda grid=grid: equilibrium.solve(SMOOTH, grid),
        )
        yield own
        yield f"  peak memory, GiB, {9 * bonds * capital:,}", memory(bonds, capital), None
        if bonds == 32:
            start = time.perf_counter()
            other = fixed_point(SMOOTH, grid)
            spent = time.perf_counter() - start
            apart = difference(equilibrium.solve(SMOOTH, grid), other)
            yield f"  by fixed-point iteration, apart by {apart:.0e}", spent, own[1]
    yield row("  published values, 51,192", lambda: equilibrium.solve(PUBLISHED), 1)
    eq = equilibrium.solve(SMOOTH, equilibrium.default_grid(SMOOTH, 32, 25))
    own = row("one sweep over 7,200 nodes", lambda: one_sweep(eq))
    yield own
    yield row("  by scipy.optimize.root", lambda: textbook_sweep(eq), 1, own[1])
    eq = equilibrium.solve(SMOOTH, equilibrium.default_grid(SMOOTH, 60, 12))
    own = row(
        "70 years of 72,200 regions", lambda: simulation.simulate(eq, 70, 72200, record=[69])
    )
    yield own
    yield row(
        "  every state solved anew",
        lambda: simulation.simulate(eq, 70, 72200, record=[69], exact=True),
        1,
        own[1],
    )
    yield row(
        "722 regions x 70 years x 1,000 histories",
        lambda: [simulation.simulate(eq, 70, 72200, seed=n, record=[69]) for n in range(10)],
        1,
    )
    s = np.repeat(np.arange(9), 2000)
    yield row(
        "one state off the grid, 18,000x",
        lambda: branches.solve_many(*eq.arrays(), s, np.full(s.size, -0.3), np.full(s.size, 0.5)),
        1,
    )
    p = SMOOTH.but(ξ=(0.29, 0.10))  # chapter 9
    for reading, size in itertools.product(planner.READINGS, ((50, 16), (158, 36))):
        market = equilibrium.solve(p, planner.default_grid(p, *size))
        yield row(
            f"{reading} planner, {market.π.size:,} nodes",
            lambda m=market, r=reading: planner.solve(m, r, tolerance=1e-4),
            1,
        )
