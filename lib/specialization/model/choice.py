"""What the planner does at one state and at all nodes, given the next period; compiled.

The planner takes next period's planner as given; his choice (x, y) = (b', k') maximises
u(c) + β E V' subject to resources, to collateral b'/R + θ q >= 0, to the price at which private
holders are content on average,

    q = Σ k_i' (Q_i / u'(c) - Φ_2,i),   Q_i = β E[u'(c') (z_i' f'(k_i') + q' - Φ_1,i') + θ q' η'],

and, where debt can be taxed but not subsidised, to u'(c) >= β R E u'(c'). Expectations of marginal
utilities are linear between nodes as in the market; those of V are cubic. State, notation and
order of policies are those of `conditions` and `branches`; there are no instruments here.
"""

from collections import namedtuple

import numpy as np
from numba import parallel_chunksize, prange

from .branches import Branches, note_change, odds, portfolio, search
from .compiled import CHUNK, jit
from .conditions import (
    BINDING,
    NONE,
    SLACK,
    SUNSPOT,
    UNIQUE,
    Policy,
    Term,
    cell,
    conditions,
    consumed,
    consumption,
    found,
    read,
    slack,
    state,
    write,
)

Rules = namedtuple("Rules", "private taxed")
"""Whether portfolios are private (then k' is what they want at each b'), and whether debt may be
taxed, not subsidised."""

Objective = namedtuple("Objective", "y c u q η V floor limit own")
"""The planner's problem at a choice: k'; c, u'(c), q and the private multiplier; the `Term` V of
what he maximises; and the gaps that b' must close, negative where it is too low and infinite where
they do not count: the `Term` of the private bond equation, the floor of the tax, that of the
constraint, and his own bond equation."""

Choice = namedtuple("Choice", "x slope closed here")
"""The best b' for given k', the slope of V in k' along it, the gap closed, and `Objective`."""

FLOOR, LIMIT, OWN, BOX = range(4)
"""Gaps that may be closed: of the private bond equation, of the constraint, of the planner's own
bond equation, or none, at the edge of the box."""

NEAR, FAR, SHRINK = 1e-7, 1e-2, 0.8
"""First step of a search for b' and k': its bounds, and how fast it falls from step to step."""

Bracket = namedtuple("Bracket", "x f last f_last")
"""A search for the zero of a rising function: newest point, value there, the other end."""


@jit
def outward(a, step, low, high):
    """Next point of a search that has no bracket yet, within bounds."""
    return max(low, a.x - step) if a.f > 0 else min(high, a.x + step)


@jit
def unbounded(a, low, high):
    """Whether there is no bracket yet, and room to go on."""
    return a.f * a.f_last > 0 and (a.f > 0 and a.x > low or a.f < 0 and a.x < high)


@jit
def inward(a, n):
    """Next point inside a bracket: false position, every sixth time the middle."""
    if n % 6 < 5 and abs(a.f_last - a.f) < 1e9:
        return (a.x * a.f_last - a.last * a.f) / (a.f_last - a.f)
    return (a.x + a.last) / 2


@jit
def narrowed(a, x, f):
    """The bracket with a new point; the value of an end that stays is halved."""
    return Bracket(x, f, a.x, a.f) if f * a.f < 0 else Bracket(x, f, a.last, a.f_last / 2)


@jit
def utility(m, c):
    """u(c)."""
    return np.log(c) if m.γ == 1 else (c ** (1 - m.γ) - 1) / (1 - m.γ)


@jit
def hermite(u, h, end):
    """Cubics in u of [0, 1], a side of length h, for value and slope at an end; their slopes."""
    v, d = (u, 1.0) if end else (1 - u, -1.0)
    return (v * v * (3 - 2 * v), d * 6 * v * (1 - v) / h, d * v * v * (v - 1) * h, v * (3 * v - 2))


@jit
def continuation(V, at):
    """`Term` of V (nB, nK, 3), values and slopes at the nodes, cubic in a cell."""
    v, v_x, v_y = 0.0, 0.0, 0.0
    for a in range(2):
        X, X_x, dX, dX_x = hermite(at.u, at.h, a)
        for b in range(2):
            Y, Y_y, dY, dY_y = hermite(at.r, at.l, b)
            f, f_x, f_y = V[at.i + a, at.j + b]
            v += f * X * Y + f_x * dX * Y + f_y * X * dY
            v_x += f * X_x * Y + f_x * dX_x * Y + f_y * X_x * dY
            v_y += f * X * Y_y + f_x * dX * Y_y + f_y * X * dY_y
    return Term(v, v_x, v_y)


@jit
def along(t, a):
    """A `Term` where k' follows b' with slope a."""
    return Term(t.value, t.x + a * t.y, t.y)


@jit
def welfare(m, V, at, x, y, here):
    """`Term` of u(c) + β E V', V as in `continuation`; here: `Conditions` at (x, y)."""
    v = continuation(V[at.s], cell(m, x, y))
    c, u = consumed(m, at, x, y), here.u
    return Term(v.value + utility(m, here.c), v.x - u / m.R, v.y + u * c.y)


@jit
def weighed(m, v, slack, ruin):
    """v where a sunspot picks the binding solution, worth `ruin`, by the odds at a slack."""
    r, π = slack.value / m.δ, odds(slack.value, m.δ)
    slope = -6 * r * (1 - r) / m.δ
    return Term(
        (1 - π) * v.value + π * ruin,
        (1 - π) * v.x - slope * slack.x * (v.value - ruin),
        (1 - π) * v.y - slope * slack.y * (v.value - ruin),
    )


@jit
def evaluate(m, V, rules, at, x, y, kind, ruin):
    """The `Objective` at (x, y).

    Where portfolios are private y only starts the search for the k' they want, and slopes in x
    follow it. `ruin`: value of the binding solution that a sunspot may pick instead of a slack
    one, NaN where there is none.
    """
    if rules.private:
        y = portfolio(m, at, x, y)[0]
    here = conditions(m, at, x, y)
    v, bond, limit = welfare(m, V, at, x, y, here), here.bond, here.slack
    if rules.private:
        a = -here.gap.x / here.gap.y
        v, bond, limit = along(v, a), along(bond, a), along(limit, a)
    if kind == SLACK and ruin == ruin and 0 <= limit.value < m.δ:
        v = weighed(m, v, limit, ruin)
    own = -v.x * m.R / here.u
    if kind == BINDING or kind == SLACK and not limit.value > 0:
        own = np.inf
    if kind == BINDING or not rules.taxed:
        bond = Term(np.inf, bond.x, bond.y)
    if kind == SLACK:
        limit = Term(np.inf, limit.x, limit.y)
    return Objective(y, here.c, here.u, here.q, here.u - here.later, v, bond, limit, own)


@jit
def least(here):
    """The gap that b' must close."""
    return min(here.floor.value, here.limit.value, here.own)


@jit
def closest(here):
    """Which gap that is."""
    if here.floor.value <= min(here.limit.value, here.own):
        return FLOOR
    return LIMIT if here.limit.value <= here.own else OWN


@jit
def best_bonds(m, V, rules, at, x, y, kind, ruin, reach):
    """The `Choice` of b' for given k' (or along private portfolios).

    The least of the three gaps is zero there. Sought from x on in growing steps, `reach` at first.
    b' is NaN where nothing is left to consume.
    """
    low = m.bonds[0]
    high = min(
        m.bonds[-1], m.R * (1 - 1e-9) * consumption(m, at, 0.0, at.k if rules.private else y)
    )
    x = min(max(x, low), high) if high > low else np.nan
    here = evaluate(m, V, rules, at, x, y, kind, ruin)
    a, step, precision = Bracket(x, least(here), x, least(here)), reach, max(1e-13, 1e-7 * reach)
    while unbounded(a, low, high):
        x = outward(a, step, low, high)
        here = evaluate(m, V, rules, at, x, here.y, kind, ruin)
        a, step = Bracket(x, least(here), a.x, a.f), 4 * step
    for n in range(100):
        if not a.f_last * a.f < 0 or abs(a.x - a.last) < precision or abs(a.f) < precision:
            break
        x = inward(a, n)
        here = evaluate(m, V, rules, at, x, here.y, kind, ruin)
        a = narrowed(a, x, least(here))
    closed, slope = closest(here), here.V.y
    if abs(a.f) > 1e-3 and (x == low or x == high):
        closed = BOX
    elif closed == FLOOR:
        slope -= here.V.x * here.floor.y / here.floor.x
    elif closed == LIMIT:
        slope -= here.V.x * here.limit.y / here.limit.x
    return Choice(x, slope, closed, here)


@jit
def choose(m, V, rules, at, x, y, kind, ruin, reach):
    """The planner's choice at a state, from a guess: its value, `Policy` and closed gap.

    k' is where the slope of V along the best b' changes sign from plus to minus. The value is NaN
    where there is no choice; the multiplier is the private one.
    """
    low, high = m.capital[0], m.capital[-1]
    y = min(max(y, low), high)
    best = best_bonds(m, V, rules, at, x, y, kind, ruin, reach)
    a, step = Bracket(y, -best.slope, y, -best.slope), reach
    while not rules.private and unbounded(a, low, high):
        y = outward(a, step, low, high)
        best = best_bonds(m, V, rules, at, best.x, y, kind, ruin, step)
        a, step = Bracket(y, -best.slope, a.x, a.f), 4 * step
    for n in range(100):
        if not a.f_last * a.f < 0 or abs(a.x - a.last) < max(1e-12, 1e-6 * reach):
            break
        y = inward(a, n)
        best = best_bonds(m, V, rules, at, best.x, y, kind, ruin, abs(a.x - a.last))
        a = narrowed(a, y, -best.slope)
        if abs(a.f) < 1e-9 * best.here.u * reach:
            break
    here = best.here
    binds = kind == BINDING or best.closed == LIMIT
    policy = Policy(here.c, here.q, best.x, here.y, here.η if binds else 0.0)
    return (here.V.value if best.x == best.x else np.nan), policy, best.closed


@jit
def only_choice(m, V, rules, at, guess, reach):
    """Value and `Branches` where no sunspot is at work."""
    v, policy, closed = choose(m, V, rules, at, guess.b, guess.k, UNIQUE, np.nan, reach)
    if not abs(v) < np.inf:
        return v, Branches(NONE, NONE, np.nan)
    if closed == LIMIT:
        return v, Branches(NONE, policy, 1.0)
    return v, Branches(policy, NONE, 0.0)


@jit
def binding_choice(m, V, rules, at, guess, start, reach):
    """Value and `Policy` with the constraint binding, from a guess, or else at b' >= start."""
    if found(guess):
        v, policy, _ = choose(m, V, rules, at, guess.b, guess.k, BINDING, np.nan, reach)
        if v == v and policy.η >= 0:
            return v, policy
    guess = search(m, at, start, True)
    if not found(guess):
        return np.nan, NONE
    v, policy, _ = choose(m, V, rules, at, guess.b, guess.k, BINDING, np.nan, reach)
    return v, policy if v == v else NONE


@jit
def solve_state(m, V, rules, at, guess, π, reach):
    """Value and both `Branches` of the planner's choice; guess (2, 5), π to start from.

    Where a sunspot can strike, the planner weighs the value of the binding solution by its odds,
    which fall with the slack he leaves.
    """
    likely, ruined = read(guess[SLACK]), read(guess[BINDING])
    if π > 0.5 or not found(likely):
        likely = ruined
    if m.rule == UNIQUE:
        return only_choice(m, V, rules, at, likely, reach)
    v, free, _ = choose(m, V, rules, at, likely.b, likely.k, SLACK, np.nan, reach)
    room = slack(m, free.b, free.q)
    if room >= m.δ:
        return v, Branches(free, NONE, 0.0)
    ruin, binding = binding_choice(
        m, V, rules, at, ruined, free.b if room > 0 else m.bonds[0], reach
    )
    if not ruin == ruin:
        return v, Branches(free, NONE, 0.0 if room > 0 else np.nan)
    if room > 0:
        v, free, _ = choose(m, V, rules, at, free.b, free.k, SLACK, ruin, reach)
        room = slack(m, free.b, free.q)
    if not room > 0:
        return ruin, Branches(NONE, binding, 1.0)
    return v, Branches(free, binding, odds(room, m.δ) if m.rule == SUNSPOT else 0.0)


@jit
def part_way(m, at, old, was, new, now, pace):
    """Put `new` only a part of the way from `old` to itself; returns the probability of binding.

    Where the regime changes it is the probability that moves, between the solution of either.
    """
    for branch in range(2):
        before, after = read(old[branch]), read(new[branch])
        if not found(after):
            write(new[branch], before)
        elif found(before):
            x = before.b + pace * (after.b - before.b)
            y = before.k + pace * (after.k - before.k)
            here = conditions(m, at, x, y)
            η = here.u * here.bond.value if after.η > 0 else 0.0
            write(new[branch], Policy(here.c, here.q, x, y, η))
    return was + pace * (now - was)


@jit
def _row(m, V, rules, s, i, policies, π, reach, pace, new, π_new, J, change):
    # the nodes (s, b_i, .): returns how many have no choice
    failures = 0
    for j in range(m.capital.size):
        old, out, was = policies[s, i, j], new[s, i, j], π[s, i, j]
        at = state(m, s, m.bonds[i], m.capital[j])
        v, here = solve_state(m, V, rules, at, old, was, reach[s, i, j])
        now = here.π
        if abs(v) < np.inf and now >= 0:
            write(out[SLACK], here.slack)
            write(out[BINDING], here.binding)
            J[s, i, j] = v
        else:
            failures += 1
            out[:] = old
            now = was
        if pace[s, i, j] < 1:
            now = part_way(m, at, old, was, out, now, pace[s, i, j])
        π_new[s, i, j] = now
        move = note_change(m, old, was, out, now, change)
        reach[s, i, j] = max(min(move, SHRINK * reach[s, i, j]), NEAR)
    return failures


@jit(parallel=True)
def _sweep(m, V, rules, policies, π, reach, pace, new, π_new, J, change, failures):
    for row in prange(len(change)):
        s, i = row % π.shape[0], row // π.shape[0]
        failures[row] = _row(
            m, V, rules, s, i, policies, π, reach, pace, new, π_new, J, change[row]
        )


def sweep(m, V, rules, policies, π, reach, pace, new, π_new, J):
    """The planner's choice at every node given tomorrow; returns failures and `change`.

    Policies go the part `pace` (S, nB, nK) of the way to it; J takes the value of the choice.
    `reach` (S, nB, nK), the first step of a node's search, shrinks: between two choices of nearly
    the same value a long step would find now the one, now the other. The rest is as in
    `branches.sweep`.
    """
    rows = π.shape[0] * π.shape[1]
    change, failures = np.zeros((rows, 5)), np.zeros(rows, np.int64)
    with parallel_chunksize(CHUNK):
        _sweep(m, V, rules, policies, π, reach, pace, new, π_new, J, change, failures)
    return int(failures.sum()), change.max(axis=0)


@jit(parallel=True)
def follow(m, V, policies, π, out):
    """Value at every node of policies that stay, with V (nodes, values and slopes) tomorrow."""
    S, nB, nK = π.shape
    for row in prange(S * nB):
        s, i = row // nB, row % nB
        for j in range(nK):
            total = 0.0
            for branch in range(2):
                share = π[s, i, j] if branch == BINDING else 1 - π[s, i, j]
                if share > 0:
                    here = read(policies[s, i, j, branch])
                    ahead = continuation(V[s], cell(m, here.b, here.k))
                    total += share * (utility(m, here.c) + ahead.value)
            out[s, i, j] = total


@jit
def _reprice(m, at, row):
    # price and multiplier anew of a choice that stays
    before = read(row)
    here = conditions(m, at, before.b, before.k)
    η = max(0.0, here.u * here.bond.value) if before.η > 0 else before.η
    write(row, Policy(before.c, here.q, before.b, before.k, η))


@jit(parallel=True)
def reprice(m, policies, π):
    """Price and multiplier anew, in place, of choices that stay."""
    S, nB, nK = π.shape
    for row in prange(S * nB):
        s, i = row // nB, row % nB
        for j in range(nK):
            at = state(m, s, m.bonds[i], m.capital[j])
            for branch in range(2):
                if (π[s, i, j] if branch == BINDING else 1 - π[s, i, j]) > 0:
                    _reprice(m, at, policies[s, i, j, branch])


@jit
def decentralise(m, policies, π):
    """Instruments (S, nB, nK, 3) under which the market does the same; see `planner.Plan`."""
    rates = np.zeros((*π.shape, 3))
    for s, i, j in np.ndindex(π.shape):
        branch = BINDING if π[s, i, j] > 0.5 else SLACK
        plan = read(policies[s, i, j, branch])
        here = conditions(m, state(m, s, m.bonds[i], m.capital[j]), plan.b, plan.k)
        bond, gap = here.bond.value, here.gap.value
        rates[s, i, j, 0] = bond / (1 - bond) if branch == SLACK else 0.0
        rates[s, i, j, 1], rates[s, i, j, 2] = (1 - plan.k) * gap, -plan.k * gap
    return rates


@jit
def multipliers(m, V, policies, π):
    """What `planner.first_order` is made of, at the likelier choice of every node: (S, nB, nK, 6).

    The gap that is closed; the multiplier of the constraint, zero where that is slack; slope of
    the slack in b'; c, u'(c), q.
    """
    out = np.empty((*π.shape, 6))
    for s, i, j in np.ndindex(π.shape):
        plan = read(policies[s, i, j, BINDING if π[s, i, j] > 0.5 else SLACK])
        here = evaluate(
            m,
            V,
            Rules(False, True),
            state(m, s, m.bonds[i], m.capital[j]),
            plan.b,
            plan.k,
            UNIQUE,
            np.nan,
        )
        closed = closest(here)
        out[s, i, j, 0] = closed
        out[s, i, j, 1] = -here.V.x / here.limit.x if closed == LIMIT else 0.0
        out[s, i, j, 2] = here.limit.x
        out[s, i, j, 3], out[s, i, j, 4], out[s, i, j, 5] = here.c, here.u, here.q
    return out
