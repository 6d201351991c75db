"""The planner: time-consistent allocation of capital and debt, and what it is worth.

State and notation of `nodes`. The planner takes next period's planner as given; the choice
(x, y) = (b', k') maximises u(c) + β E V' subject to resources, to collateral b'/R + θ q >= 0, to
the price at which private holders are content on average,

    q = Σ k_i' (Q_i / u'(c) - Φ_2,i),   Q_i = β E[u'(c') (z_i' f'(k_i') + q' - Φ_1,i') + θ q' η'],

and, where debt can be taxed but not subsidised, to u'(c) >= β R E u'(c'). Expectations of marginal
utilities are linear between nodes as in the market; those of V are cubic.
"""

import time
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from ..errors import DataError
from ..store import kept
from . import equilibrium, nodes
from .nodes import jit

READINGS = ("allocation", "debt")
"""Who picks k': the planner, or private portfolios."""

UNIQUE, SLACK, BINDING = range(3)
"""Kinds of solution: the only one, and the two between which a sunspot chooses."""

FOLLOW = 10
"""Periods for which choices stay between two steps, while their value and their price settle."""

PATIENCE = 20
"""Steps after which nodes that turn back are slowed down; see `_iterate`."""

NEAR, FAR, SHRINK = 1e-7, 1e-2, 0.8
"""First step of a search for b' and k': its bounds, and how fast it falls from step to step."""


@jit
def continuation(m, V, s, x, y, w):
    """Value and slopes in x and y of V (S, nB, nK, 3), cubic in the cell that `w` holds."""
    i, j = w[0]
    h, l = m.B[i + 1] - m.B[i], m.K[j + 1] - m.K[j]
    u, r = (x - m.B[i]) / h, (y - m.K[j]) / l
    v, v_x, v_y = 0.0, 0.0, 0.0
    for a in range(2):
        ua, da = (u, 1.0) if a else (1 - u, -1.0)
        A, A_x = ua * ua * (3 - 2 * ua), da * 6 * ua * (1 - ua) / h
        B, B_x = da * ua * ua * (ua - 1) * h, ua * (3 * ua - 2)
        for b in range(2):
            rb, db = (r, 1.0) if b else (1 - r, -1.0)
            C, C_y = rb * rb * (3 - 2 * rb), db * 6 * rb * (1 - rb) / l
            D, D_y = db * rb * rb * (rb - 1) * l, rb * (3 * rb - 2)
            f, f_x, f_y = V[s, i + a, j + b]
            v += f * A * C + f_x * B * C + f_y * A * D
            v_x += f * A_x * C + f_x * B_x * C + f_y * A_x * D
            v_y += f * A * C_y + f_x * B * C_y + f_y * A * D_y
    return v, v_x, v_y


@jit
def utility(m, c):
    """u(c)."""
    return np.log(c) if m.γ == 1 else (c ** (1 - m.γ) - 1) / (1 - m.γ)


@jit
def evaluate(m, V, rules, s, cash, k, x, y, kind, ruin, w):
    """The problem at (x, y): the objective J, its slopes, and the gaps that b' must close.

    rules: whether portfolios are private (then y only starts the search for the k' they want, and
    slopes in x follow it), and whether debt may only be taxed. `ruin`: value of the binding
    solution that a sunspot may pick instead of a slack one, NaN where there is none.

    Returns y; J, its slopes in x and y; the gaps of the private bond equation, of the collateral
    constraint, of the planner's bond equation, negative where b' is too low and infinite where
    they do not count; the slopes of the first two in x and y; c, u'(c), q.
    """
    private, taxed = rules
    if private:
        y = nodes.portfolio(m, s, cash, k, x, y, w)[0]
    c, u, q, bond, _, slack, bond_x, bond_y, gap_x, gap_y, slack_x, slack_y = nodes.conditions(
        m, s, cash, k, x, y, w)
    v, v_x, v_y = continuation(m, V, s, x, y, w)
    v += utility(m, c)
    v_x -= u / m.R
    v_y += u * (m.φ_B * (k - y) / (1 - k) - m.φ_A * (y / k - 1))
    if m.now:
        v_y += u * ((m.α + m.ξ_A) * m.z[s, 0] * m.a_A * y ** (m.α + m.ξ_A - 1)
                    - (m.α + m.ξ_B) * m.z[s, 1] * m.a_B * (1 - y) ** (m.α + m.ξ_B - 1))
    if private:
        t = -gap_x / gap_y
        v_x, bond_x, slack_x = v_x + t * v_y, bond_x + t * bond_y, slack_x + t * slack_y
    if kind == SLACK and ruin == ruin and 0 <= slack < m.δ:
        r = slack / m.δ
        π, slope = nodes.odds(slack, m.δ), -6 * r * (1 - r) / m.δ
        v_x = (1 - π) * v_x - slope * slack_x * (v - ruin)
        v_y = (1 - π) * v_y - slope * slack_y * (v - ruin)
        v = (1 - π) * v + π * ruin
    own = -v_x * m.R / u
    if kind == SLACK:
        own, slack = (own if slack > 0 else np.inf), np.inf
    if kind == BINDING:
        own = np.inf
    if kind == BINDING or not taxed:
        bond = np.inf
    return y, v, v_x, v_y, bond, slack, own, bond_x, bond_y, slack_x, slack_y, c, u, q


@jit
def best_bonds(m, V, rules, s, cash, k, x, y, kind, ruin, reach, w):
    """b' for given k' (or along private portfolios): where the least of the three gaps is zero.

    Sought from x on in growing steps, `reach` at first. Returns b', `evaluate` there, the slope of
    J in y along that b', and the gap that is closed: 0 private bonds, 1 collateral, 2 the
    planner's own, 3 none (the edge of the box). b' is NaN where nothing is left to consume.
    """
    low = m.B[0]
    high = min(m.B[-1], m.R * (1 - 1e-9) * nodes.consumption(
        m, s, cash, k, 0.0, k if rules[0] else y))
    x = min(max(x, low), high) if high > low else np.nan
    state = evaluate(m, V, rules, s, cash, k, x, y, kind, ruin, w)
    f = min(state[4], state[5], state[6])
    last, h, step, precision = x, f, reach, max(1e-13, 1e-7 * reach)
    while f * h > 0 and (h > 0 and x > low or h < 0 and x < high):
        last, f = x, h
        x = max(low, x - step) if h > 0 else min(high, x + step)
        state = evaluate(m, V, rules, s, cash, k, x, state[0], kind, ruin, w)
        h, step = min(state[4], state[5], state[6]), 4 * step
    for i in range(100):  # false position, the value of an end that stays is halved
        if not f * h < 0 or abs(x - last) < precision or abs(h) < precision:
            break
        z = (x * f - last * h) / (f - h) if i % 6 < 5 and abs(f - h) < 1e9 else (x + last) / 2
        state = evaluate(m, V, rules, s, cash, k, z, state[0], kind, ruin, w)
        g = min(state[4], state[5], state[6])
        last, f = (x, h) if g * h < 0 else (last, f / 2)
        x, h = z, g
    closed = 0 if state[4] <= min(state[5], state[6]) else 1 if state[5] <= state[6] else 2
    slope = state[3]
    if abs(h) > 1e-3 and (x == low or x == high):
        closed = 3
    elif closed < 2:
        slope -= state[2] * state[8 + 2 * closed] / state[7 + 2 * closed]
    return x, state, slope, closed


@jit
def choose(m, V, rules, s, b, k, x, y, kind, ruin, reach, w, out):
    """The planner's choice at a state, from a guess; returns J and which gap is closed.

    k' is where the slope of J along the best b' changes sign from plus to minus. J is NaN where
    there is no choice. `out` takes the policies; the multiplier is the private one.
    """
    cash, low, high = nodes.funds(m, s, b, k), m.K[0], m.K[-1]
    y = min(max(y, low), high)
    x, state, f, closed = best_bonds(m, V, rules, s, cash, k, x, y, kind, ruin, reach, w)
    last, slope, step = y, f, reach
    while rules[0] == 0 and f * slope > 0 and (f > 0 and y < high or f < 0 and y > low):
        last, f = y, slope
        y = min(high, y + step) if f > 0 else max(low, y - step)
        x, state, slope, closed = best_bonds(m, V, rules, s, cash, k, x, y, kind, ruin, step, w)
        step *= 4
    for i in range(100):
        if not f * slope < 0 or abs(y - last) < max(1e-12, 1e-6 * reach):
            break
        z = (y * f - last * slope) / (f - slope) if i % 6 < 5 else (y + last) / 2
        x, state, g, closed = best_bonds(m, V, rules, s, cash, k, x, z, kind, ruin,
                                         abs(y - last), w)
        last, f = (y, slope) if g * slope < 0 else (last, f / 2)
        y, slope = z, g
        if abs(slope) < 1e-9 * state[12] * reach:
            break
    out[:] = state[11], state[13], x, state[0], 0.0
    if kind == BINDING or closed == 1:
        out[nodes.η] = state[12] - m.β * m.R * w[1][0, 0]
    return (state[1] if x == x else np.nan), closed


@jit
def solve_state(m, V, rules, s, b, k, guess, π, reach, w, out):
    """Both branches of the planner's choice, J, and the probability of the binding one.

    guess, out (2, 5) as in `nodes.solve_state`. Where a sunspot can strike, the planner weighs the
    value of the binding solution by its odds, which fall with the slack he leaves.
    """
    g, nan = (1 if π > 0.5 or guess[0, nodes.X] != guess[0, nodes.X] else 0), np.nan
    x, y = guess[g, nodes.X], guess[g, nodes.Y]
    out[:] = nan
    if m.rule == nodes.UNIQUE:
        v, closed = choose(m, V, rules, s, b, k, x, y, UNIQUE, nan, reach, w, out[0])
        if closed == 1:
            out[1], out[0] = out[0], nan
        return v, (1.0 if closed == 1 else 0.0) if abs(v) < np.inf else nan
    v, _ = choose(m, V, rules, s, b, k, x, y, SLACK, nan, reach, w, out[0])
    slack = out[0, nodes.X] / m.R + m.θ * m.market * out[0, nodes.Q] + m.limit
    if slack >= m.δ:
        return v, 0.0
    cash, ruin = nodes.funds(m, s, b, k), nan
    if guess[1, nodes.X] == guess[1, nodes.X]:
        ruin, _ = choose(m, V, rules, s, b, k, guess[1, nodes.X], guess[1, nodes.Y], BINDING, nan,
                         reach, w, out[1])
    if not (ruin == ruin and out[1, nodes.η] >= 0):
        ruin = nan
        if nodes.search(m, s, cash, k, m.B[0] if not slack > 0 else out[0, nodes.X], True, w,
                        out[1]):
            ruin, _ = choose(m, V, rules, s, b, k, out[1, nodes.X], out[1, nodes.Y], BINDING, nan,
                             reach, w, out[1])
    if not ruin == ruin:
        out[1] = nan
        return (v, 0.0) if slack > 0 else (nan, nan)
    if slack > 0:
        v, _ = choose(m, V, rules, s, b, k, out[0, nodes.X], out[0, nodes.Y], SLACK, ruin, reach,
                      w, out[0])
        slack = out[0, nodes.X] / m.R + m.θ * m.market * out[0, nodes.Q] + m.limit
    if not slack > 0:
        out[0] = nan
        return ruin, 1.0
    return v, (nodes.odds(slack, m.δ) if m.rule == nodes.SUNSPOT else 0.0)


@jit
def part_way(m, s, b, k, old, was, out, now, pace, w):
    """Put `out` only a part of the way from `old` to itself; returns the probability of binding.

    Where the regime changes it is the probability that moves, between the solution of either.
    """
    for r in range(2):
        if out[r, nodes.X] != out[r, nodes.X]:
            out[r] = old[r]
        elif old[r, nodes.X] == old[r, nodes.X]:
            x, y = old[r, 2:4] + pace * (out[r, 2:4] - old[r, 2:4])
            point = nodes.conditions(m, s, nodes.funds(m, s, b, k), k, x, y, w)
            η = point[1] * point[3] if out[r, nodes.η] > 0 else 0.0
            out[r] = point[0], point[2], x, y, η
    return was + pace * (now - was)


@jit
def sweep(m, V, rules, policies, π, reach, pace, new, π_new, J, change):
    """The planner's choice at every node given tomorrow; returns the nodes without one.

    Policies go the part `pace` (S, nB, nK) of the way to it; J takes the value of the choice.
    `reach` (S, nB, nK), the first step of a node's search, shrinks: between two choices of nearly
    the same value a long step would find now the one, now the other. Other arguments as in
    `nodes.sweep`.
    """
    w, failures = nodes.scratch(), 0
    change[:] = 0
    for s in range(π.shape[0]):
        for i in range(π.shape[1]):
            for j in range(π.shape[2]):
                old, out, was, b, k = policies[s, i, j], new[s, i, j], π[s, i, j], m.B[i], m.K[j]
                v, now = solve_state(m, V, rules, s, b, k, old, was, reach[s, i, j], w, out)
                if not (abs(v) < np.inf and now >= 0):
                    failures += 1
                    now, out[:] = was, old
                else:
                    J[s, i, j] = v
                if pace[s, i, j] < 1:
                    now = part_way(m, s, b, k, old, was, out, now, pace[s, i, j], w)
                π_new[s, i, j], move = now, 0.0
                for n in range(5):
                    mean = nodes.mixed(out, now, n)
                    size = nodes.mixed(out, now, nodes.C) ** -m.γ if n == nodes.η else abs(mean)
                    d = abs(mean - nodes.mixed(old, was, n)) / max(1.0, size)
                    if d > change[n] or d != d:
                        change[n] = d
                    move = max(move, d)
                reach[s, i, j] = max(min(move, SHRINK * reach[s, i, j]), NEAR)
    return failures


@jit
def follow(m, V, policies, π, out):
    """Value at every node of policies that stay, with V (nodes, values and slopes) tomorrow."""
    w = nodes.scratch()
    for s in range(π.shape[0]):
        for i in range(π.shape[1]):
            for j in range(π.shape[2]):
                out[s, i, j] = 0
                for r in range(2):
                    odds = π[s, i, j] if r else 1 - π[s, i, j]
                    if odds > 0:
                        c, _, x, y, _ = policies[s, i, j, r]
                        w[0][0] = nodes.locate(m.B, x, w[0][0])
                        w[0][1] = nodes.locate(m.K, y, w[0][1])
                        out[s, i, j] += odds * (utility(m, c) + continuation(m, V, s, x, y, w)[0])


@jit
def reprice(m, policies, π):
    """Price and multiplier anew, in place, of choices that stay."""
    w = nodes.scratch()
    for s in range(π.shape[0]):
        for i in range(π.shape[1]):
            for j in range(π.shape[2]):
                for r in range(2):
                    if (π[s, i, j] if r else 1 - π[s, i, j]) > 0:
                        out, k = policies[s, i, j, r], m.K[j]
                        point = nodes.conditions(m, s, nodes.funds(m, s, m.B[i], k), k,
                                                 out[nodes.X], out[nodes.Y], w)
                        out[nodes.Q] = point[2]
                        if out[nodes.η] > 0:
                            out[nodes.η] = max(0.0, point[1] * point[3])


def slopes(V, grid):
    """V (S, nB, nK) with its slopes in b and k: (S, nB, nK, 3).

    Slopes of a parabola through three nodes. Where V bends one way at a node and at both its
    neighbours that is all. Where it does not, the slope is at most three times the smaller of the
    secants on either side, and cubics do not overshoot (Hyman 1983); in between, in between.
    """
    stack = [V]
    for axis, x in ((1, grid.b), (2, grid.k)):
        h, d = np.diff(x), np.diff(np.moveaxis(V, axis, -1)) / np.diff(x)
        left, right = d[..., :-1], d[..., 1:]
        most = 3 * np.minimum(np.abs(left), np.abs(right))
        inner, bend = (h[1:] * left + h[:-1] * right, right - left) / (h[1:] + h[:-1])
        wide = np.concatenate([bend[..., :1], bend, bend[..., -1:]], axis=-1)
        least = np.minimum(wide[..., :-2] * bend, wide[..., 2:] * bend)
        smooth = np.clip(4 * least / np.maximum(bend * bend, 1e-300), 0, 1)
        inner = smooth * inner + (1 - smooth) * np.clip(inner, -most, most)
        ends = 2 * d[..., [0, -1]] - inner[..., [0, -1]]
        whole = np.concatenate([ends[..., :1], inner, ends[..., 1:]], axis=-1)
        stack.append(np.moveaxis(whole, -1, axis))
    return np.stack(stack, axis=-1)


def value(eq, start=None, tolerance=1e-9, steps=2000):
    r"""Welfare :math:`V = E \sum_t β^t u(c_t)` of the policies of `eq`, (S, nB, nK).

    Raises `NotConverged` where it still moves by more than tolerance.
    """
    m, policies, π = eq.arrays()
    V, out, β = np.zeros(π.shape) if start is None else start, np.empty(π.shape), eq.p.β
    for _ in range(steps):
        follow(m, slopes(β * np.tensordot(eq.P, V, 1), eq.grid), policies, π, out)
        change = out - V
        V = out + β / (1 - β) * change.mean()  # what a change common to all nodes adds up to
        if np.ptp(change) < tolerance * (1 - β):
            return V
    raise equilibrium.NotConverged(f"value: still moves {np.ptp(change):.1e}", np.array([]))


def gain(V, V0, p):
    r"""Consumption equivalent of V over V0, as a share of consumption.

    .. math:: \left[\frac{(1-γ)(1-β) V + 1}{(1-γ)(1-β) V_0 + 1}\right]^{1/(1-γ)} - 1
    """
    if p.γ == 1:
        return np.exp((1 - p.β) * (V - V0)) - 1
    a, b = (1 + (1 - p.γ) * (1 - p.β) * x for x in (V, V0))
    return (a / b) ** (1 / (1 - p.γ)) - 1


@dataclass(frozen=True)
class Plan(equilibrium.Equilibrium):
    """A planner's solution; `rates` are the instruments that make the market choose it.

    V (S, nB, nK): its value; regret: the most that a last search in wide steps found to add to V
    at a node; unsettled: share of the nodes that it moved by more than ten times the tolerance.
    """

    V: np.ndarray = None
    regret: float = 0.0
    unsettled: float = 0.0


def solve(eq, reading="allocation", taxed=True, multiplier=True, tolerance=1e-5, steps=300,
          progress=False):
    """The planner's Markov equilibrium, from that of the market and on its grid.

    Parameters
    ----------
    eq : Equilibrium
    reading : str
        One of `READINGS`.
    taxed : bool
        True: debt may be taxed, not subsidised. False: either.
    multiplier : bool
        False: θ q' η' is left out of the price of capital.
    tolerance : float
        Largest change of a policy in the last step, as in `equilibrium.solve`.
    steps, progress : as in `equilibrium.solve`

    Returns
    -------
    Plan

    Raises
    ------
    DataError
        Unknown reading.
    NotConverged
    """
    if reading not in READINGS:
        raise DataError(f"planner: reading {reading!r}; valid: {', '.join(READINGS)}")
    clock, p = time.process_time(), eq.p
    rules = float(reading == "debt"), float(taxed)
    with tqdm(disable=not progress, unit=" steps") as bar:
        policies, π, V, E, residuals, regret, unsettled = _iterate(
            eq, rules, multiplier, tolerance, steps, bar)
    # between nodes that all bind the odds are one but for rounding: the slack branch is read too
    policies[..., 0, :] = np.where(π[..., None] == 1, policies[..., 1, :], policies[..., 0, :])
    m = equilibrium._problem(p, eq.z, eq.grid, E, np.zeros_like(eq.rates))
    plan = Plan(p, eq.grid, eq.z, eq.P, policies, π, E, np.array(residuals), 0,
                time.process_time() - clock, instruments(m, policies, π), V, regret, unsettled)
    return replace(plan, V=value(plan, V))


def _iterate(eq, rules, multiplier, tolerance, steps, bar):
    """Policies by time iteration; between its steps V and prices follow them.

    Two choices of nearly the same value can take turns for ever. After `PATIENCE` steps the pace
    of a node is halved whenever it turns back half its way; what that leaves undone is measured
    at the end by a wider search at full pace.
    """
    p, P, grid, rates = eq.p, eq.P, eq.grid, np.zeros_like(eq.rates)
    mean = equilibrium._mixed(eq.policies, eq.π)
    policies, π, V = np.stack([mean, mean], axis=-2).copy(), eq.π.copy(), value(eq)
    new, π_new, J, change = policies.copy(), π.copy(), V.copy(), np.zeros(5)
    pace, reach, residuals, move = np.ones(π.shape), np.full(π.shape, FAR), [], 0.0
    m = equilibrium._problem(p, eq.z, grid, eq.E, rates)

    def tomorrow():
        if not multiplier:
            policies[..., nodes.η] = 0
        E = np.tensordot(P, nodes.all_payoffs(m, policies, π), 1)
        return (equilibrium._problem(p, eq.z, grid, E, rates),
                slopes(p.β * np.tensordot(P, V, 1), grid))

    for step in range(steps):
        m, ahead = tomorrow()
        failures = sweep(m, ahead, rules, policies, π, reach, pace, new, π_new, J, change)
        policies, π, new, π_new = new, π_new, policies, π
        d = change.max() if multiplier else change[:4].max()
        residuals.append(change.copy())
        bar.update()
        bar.set_postfix_str(f"change {d:.1e}", refresh=False)
        if not d < np.inf or d < tolerance and failures == 0:
            break
        before, move = move, equilibrium._mixed(policies, π) - equilibrium._mixed(new, π_new)
        if step >= PATIENCE:
            back = -(move * before).sum(-1) > 0.5 * (before * before).sum(-1)
            pace[back & (np.abs(move).max(-1) > tolerance)] /= 2
        V, J = J, V
        for _ in range(FOLLOW):
            m, ahead = tomorrow()
            follow(m, ahead, policies, π, J)
            reprice(m, policies, π)
            V, J = J, V
    if not (d < tolerance and failures == 0):
        raise equilibrium.NotConverged(
            f"planner: {failures} nodes without a choice, policies still move {d:.1e} after "
            f"{len(residuals)} steps on {π.shape} nodes (tolerance {tolerance:.0e})",
            np.array(residuals))
    follow(m, ahead, policies, π, V)
    kept = equilibrium._mixed(policies, π)
    sweep(m, ahead, rules, policies, π, np.full(π.shape, FAR), np.ones(π.shape), new, π_new, J,
          change)
    moved = np.abs(kept - equilibrium._mixed(new, π_new)).max(-1)
    return policies, π, V, m.E, residuals, (J - V).max(), (moved > 10 * tolerance).mean()


@jit
def instruments(m, policies, π):
    r"""Tax on debt and subsidies to capital (S, nB, nK, 3) under which the market does the same.

    .. math:: 1 + τ = u'(c) / (β R E u'(c')), \qquad s_i = q + Φ_{2,i} - Q_i / u'(c)

    The tax is zero where the constraint binds; Σ s_i k_i' = 0. Where a sunspot chooses they are
    those of the likelier solution.
    """
    w, rates = nodes.scratch(), np.zeros((*π.shape, 3))
    for s in range(π.shape[0]):
        for i in range(π.shape[1]):
            for j in range(π.shape[2]):
                r, k = (1 if π[s, i, j] > 0.5 else 0), m.K[j]
                x, y = policies[s, i, j, r, nodes.X], policies[s, i, j, r, nodes.Y]
                point = nodes.conditions(m, s, nodes.funds(m, s, m.B[i], k), k, x, y, w)
                rates[s, i, j, 0] = 0.0 if r else point[3] / (1 - point[3])
                rates[s, i, j, 1], rates[s, i, j, 2] = (1 - y) * point[4], -y * point[4]
    return rates


def stored(p, reading="allocation", grid=None, tolerance=1e-5, folder=None, **options):
    """`solve` from the market's equilibrium on the grid, or what an earlier call left."""
    market = equilibrium.stored(p, grid or default_grid(p), folder=folder)
    return kept(solve, market, reading, tolerance=tolerance, folder=folder, **options)


def default_grid(p, bonds=60, capital=18, low=0.05):
    """`equilibrium.default_grid` with capital spread evenly: the planner goes far."""
    grid = equilibrium.default_grid(p, bonds, capital, low)
    return equilibrium.Grid(grid.b, np.linspace(low, 1 - low, capital))
