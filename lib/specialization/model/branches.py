"""From conditions to policies: both branches at a state, the sunspot, and all nodes; compiled.

A solution with the constraint slack solves the bond equation and the portfolio condition, one with
it binding the constraint and the portfolio condition. Where both exist the rule of selection gives
the odds π of the binding one. Arrays of policies are (S, nB, nK, 2, 5): branch, then `Policy`.
"""

from collections import namedtuple

import numpy as np
from numba import parallel_chunksize, prange

from .compiled import CHUNK, jit
from .conditions import (
    BINDING,
    NONE,
    SLACK,
    SUNSPOT,
    UNIQUE,
    Φ_1,
    A,
    B,
    Policy,
    cell,
    conditions,
    consumption,
    found,
    output,
    read,
    slack,
    state,
    write,
    η,
)

Branches = namedtuple("Branches", "slack binding π")
"""Policies with the constraint slack and with it binding, and the odds of the latter: NaN where
there is no solution at all."""

EDGE = 1e-4
"""k' stays between this and one minus this."""

SCAN = 60
"""Points at which a binding solution is sought where none is known."""

LOOSE = 100
"""A constraint or a multiplier counts as violated beyond so many times the tolerance, where the
regime of the guess has just failed: near the kink neither regime is exact before convergence."""


@jit
def newton(m, at, x, y, binding, tolerance):
    """Solve one branch from (x, y) by Newton's method; `NONE` where it fails.

    Steps that leave 0 < k' < 1 or make c fall by more than 90 percent are halved. A root counts
    only where its gap rises with b': a binding one is an up-crossing of the slack.
    """
    for i in range(30):
        here = conditions(m, at, x, y)
        r, gap = here.slack if binding else here.bond, here.gap
        det = r.x * gap.y - r.y * gap.x
        dx = (gap.value * r.y - r.value * gap.y) / det
        dy = (r.value * gap.x - gap.value * r.x) / det
        if not (abs(dx) < np.inf and abs(dy) < np.inf):
            return NONE
        if max(abs(dx), abs(dy)) < tolerance:
            if not (gap.y > 0 and det > 0):
                return NONE
            return Policy(here.c, here.q, x, y, here.u * here.bond.value if binding else 0.0)
        t = 1.0 if i < 12 else 0.5  # a full step that goes round is shortened
        for _ in range(40):
            if (
                EDGE <= y + t * dy <= 1 - EDGE
                and consumption(m, at, x + t * dx, y + t * dy) > 0.1 * here.c
            ):
                break
            t /= 2
        x, y = x + t * dx, y + t * dy
    return NONE


@jit
def portfolio(m, at, x, y):
    """k' that solves the portfolio condition at given b', and the `Conditions` there.

    Newton's method from y within a bracket; consumption must be positive at k' = k.
    """
    low, high = EDGE, 1 - EDGE
    for _ in range(100):
        while consumption(m, at, x, y) <= 0:
            low, high = (low, y) if y > at.k else (y, high)
            y = (y + at.k) / 2
        here, last = conditions(m, at, x, y), y
        low, high = (low, y) if here.gap.value > 0 else (y, high)
        y -= here.gap.value / here.gap.y
        if not low < y < high:
            y = (low + high) / 2
        if abs(y - last) < 1e-13:
            break
    return y, here


@jit
def search(m, at, start, binding):
    """Solve one branch without a guess, along the portfolio condition in b' >= start.

    Slack: the bond equation, whose gap rises with b'. Binding: the first up-crossing of the slack
    from below zero; it lies below b' = 0, or where the limit is. `NONE` where there is none.
    """
    top = m.R * (at.cash + (output(m, at.s, at.k) if m.now else 0.0)) * (1 - 1e-9)
    if binding:
        top = min(top, 0.0)
    if start >= top:
        return NONE
    y, here = portfolio(m, at, start, at.k)
    if binding:
        low, high, y = up_crossing(m, at, start, top, y, here.slack.value)
    else:
        low, high = (start, top) if not here.bond.value > 0 else (np.nan, np.nan)
    for _ in range(60 if low < high else 0):
        middle = (low + high) / 2
        y, here = portfolio(m, at, middle, y)
        low, high = (
            (middle, high)
            if (here.slack.value if binding else here.bond.value) < 0
            else (low, middle)
        )
        policy = newton(m, at, middle, y, binding, 1e-12)
        if found(policy) and low <= policy.b <= high:
            return policy if not binding or policy.η >= 0 else NONE
    return NONE


@jit
def up_crossing(m, at, start, top, y, before):
    """First of `SCAN` steps from start to top in which the slack rises through zero, and k' there.

    From step to step k' follows by one Newton step, or is sought anew. NaN where there is none.
    """
    low, high = start, start
    for i in range(1, SCAN + 1):
        low, high = high, start + (top - start) * i / SCAN
        here = conditions(m, at, high, y)
        step = here.gap.value / here.gap.y
        after, y = here.slack.value - here.slack.y * step, y - step
        if not (EDGE < y < 1 - EDGE and after == after):
            y, here = portfolio(m, at, high, at.k)
            after = here.slack.value
        if before < 0 <= after:
            return low, high, y
        before = after
    return np.nan, np.nan, y


@jit
def odds(slack, δ):
    """Probability of the binding solution beside a slack one: 1 at slack 0, 0 from δ on."""
    r = min(slack / δ, 1.0) if δ > 0 else 1.0
    return 1 - r * r * (3 - 2 * r)


@jit
def slack_branch(m, at, guess, start, tolerance):
    """The solution with the constraint slack, at b' >= start, from a guess."""
    policy = newton(m, at, guess.b, guess.k, False, tolerance)
    return policy if policy.b >= start else search(m, at, start, False)


@jit
def binding_branch(m, at, guess, start, tolerance, alone):
    """The solution with the constraint binding, at b' >= start, the slack one.

    `alone`: there is one solution only, so a guess that leads elsewhere does no harm.
    """
    policy = newton(m, at, guess.b, guess.k, True, tolerance) if found(guess) else NONE
    if policy.η >= 0 and (alone or policy.b >= start):
        return policy
    if alone and policy.η > -LOOSE * tolerance:
        return policy
    return search(m, at, start, True)


@jit
def solve_state(m, at, guess, π, tolerance, every):
    """Both `Branches` at a state.

    guess (2, 5), π: policies and odds to start from. Where the rule says unique the regime of the
    guess comes first and the other is not sought; with `every` both always are. There b' may leave
    the box a little; in the other rules it may not, as a price that feeds on itself finds
    solutions in what is extrapolated. Where π = 1 the slack one may violate the limit, and serves
    as a guess.
    """
    alone, free, binding = m.rule == UNIQUE and not every, read(guess[SLACK]), read(guess[BINDING])
    known, either = found(free), free if found(free) else binding
    start = m.bonds[0] - (0.2 * (m.bonds[-1] - m.bonds[0]) if m.rule == UNIQUE else 0.0)
    if alone:
        binding = binding if found(binding) else free
        if π > 0.5:
            first = newton(m, at, binding.b, binding.k, True, tolerance)
            if first.η >= 0:
                return Branches(NONE, first, 1.0)

    if π < 1 or every or alone or known or portfolio(m, at, start, binding.k)[1].bond.value <= 0:
        free = slack_branch(m, at, either, start, tolerance)
    room = slack(m, free.b, free.q) if found(free) else -1.0
    if room >= 0 and not every and (alone or m.rule == SLACK or m.rule == SUNSPOT and room >= m.δ):
        return Branches(free, NONE, 0.0)

    binding = binding_branch(m, at, binding, free.b if found(free) else start, tolerance, alone)

    if not found(binding):
        nothing = room < 0 and not (alone and room > -LOOSE * tolerance)
        return Branches(free, NONE, np.nan if nothing else 0.0)
    if room < 0 or m.rule == BINDING:
        return Branches(free, binding, 1.0)
    return Branches(free, binding, odds(room, m.δ) if m.rule == SUNSPOT else 0.0)


@jit
def mean(policies, π):
    """Mean over the sunspot of policies (2, 5); a branch that is never drawn may be NaN."""
    free, binding = read(policies[SLACK]), read(policies[BINDING])
    if π == 0:
        return free
    if π == 1:
        return binding
    return Policy(
        (1 - π) * free.c + π * binding.c,
        (1 - π) * free.q + π * binding.q,
        (1 - π) * free.b + π * binding.b,
        (1 - π) * free.k + π * binding.k,
        (1 - π) * free.η + π * binding.η,
    )


@jit
def note_change(m, old, was, new, now, change):
    """Raise `change` (5,) to how far mean policies have moved at a node; returns their largest.

    In units of max(1, size), the multiplier in units of marginal utility. A NaN stays.
    """
    before, after, most = mean(old, was), mean(new, now), 0.0
    for n in range(5):
        size = after.c**-m.γ if n == η else abs(after[n])
        d = abs(after[n] - before[n]) / max(1.0, size)
        if d > change[n] or d != d:
            change[n] = d
        most = max(most, d)
    return most


@jit
def _row(m, s, i, policies, π, tolerance, every, new, π_new, change):
    # the nodes (s, b_i, .): returns how many have no solution
    failures = 0
    for j in range(m.capital.size):
        old, was = policies[s, i, j], π[s, i, j]
        here = solve_state(m, state(m, s, m.bonds[i], m.capital[j]), old, was, tolerance, every)
        if here.π >= 0:
            π_new[s, i, j] = here.π
            write(new[s, i, j, SLACK], here.slack)
            write(new[s, i, j, BINDING], here.binding)
        else:
            failures += 1
            π_new[s, i, j] = was
            new[s, i, j] = old
        note_change(m, old, was, new[s, i, j], π_new[s, i, j], change)
    return failures


@jit(parallel=True)
def _sweep(m, policies, π, tolerance, every, new, π_new, change, failures):
    for row in prange(len(change)):
        s, i = row % π.shape[0], row // π.shape[0]
        failures[row] = _row(m, s, i, policies, π, tolerance, every, new, π_new, change[row])


def sweep(m, policies, π, tolerance, every, new, π_new):
    """One step of time iteration at every node, given tomorrow.

    Parameters
    ----------
    m : Problem
    policies, π : arrays (S, nB, nK, 2, 5) and (S, nB, nK)
        The guess, kept where there is no solution.
    tolerance : float
        Of Newton's method, in b' and k'.
    every : bool
        Whether to look for both branches where the rule needs one.
    new, π_new : arrays
        Take the result.

    Returns
    -------
    failures : int
        Nodes without a solution.
    change : (5,) array
        Largest change of each policy, see `note_change`.
    """
    rows = π.shape[0] * π.shape[1]
    change, failures = np.zeros((rows, 5)), np.zeros(rows, np.int64)
    with parallel_chunksize(CHUNK):
        _sweep(m, policies, π, tolerance, every, new, π_new, change, failures)
    return int(failures.sum()), change.max(axis=0)


@jit
def payoffs(m, s, k, policies, π, weight, out):
    """Add weight times the five terms whose expectation is taken, at a state, to `out`."""
    for branch in range(2):
        share = weight * (π if branch == BINDING else 1 - π)
        if share > 0:
            here = read(policies[branch])
            u, z = here.c**-m.γ, m.z[s]
            rest = u * here.q + (m.θ * m.market * here.q + m.fixed) * here.η
            out[0] += share * u
            out[1] += share * u * z[0]
            out[2] += share * u * z[1]
            out[3] += share * (rest - u * Φ_1(A(m), k, here.k))
            out[4] += share * (rest - u * Φ_1(B(m), 1 - k, 1 - here.k))


@jit(parallel=True)
def all_payoffs(m, policies, π):
    """`payoffs` at every node: (S, nB, nK, 5)."""
    S, nB, nK = π.shape
    W = np.zeros((S, nB, nK, 5))
    for row in prange(S * nB):
        s, i = row // nB, row % nB
        for j in range(nK):
            payoffs(m, s, m.capital[j], policies[s, i, j], π[s, i, j], 1.0, W[s, i, j])
    return W


@jit
def interpolate(m, policies, π, s, b, k, out):
    """Bilinear mean of each branch in `out` (2, 5), and of its probability π, which is returned.

    Nodes count by the probability of the branch there; one that is nowhere drawn, by what is left.
    """
    at = cell(m, b, k)
    u, r, mean = min(max(at.u, 0.0), 1.0), min(max(at.r, 0.0), 1.0), 0.0
    out[:] = 0
    for branch in range(2):
        total = 0.0
        for n in range(4):
            i, j = at.i + n // 2, at.j + n % 2
            weight = (u if n // 2 else 1 - u) * (r if n % 2 else 1 - r)
            share = π[s, i, j] if branch == BINDING else 1 - π[s, i, j]
            mean += weight * share * branch
            weight *= share + 1e-12
            if found(read(policies[s, i, j, branch])):
                total += weight
                for c in range(5):
                    out[branch, c] += weight * policies[s, i, j, branch, c]
        for c in range(5):
            out[branch, c] /= total
    return mean


@jit
def solve_at(m, policies, π, s, b, k, guess):
    """The `Branches` at a state off the grid, to 1e-12; `guess` (2, 5) is room to work in."""
    near = interpolate(m, policies, π, s, b, k, guess)
    return solve_state(m, state(m, s, b, k), guess, near, 1e-12, False)


@jit(parallel=True)
def solve_many(m, policies, π, s, b, k):
    """`solve_at` for rows of states: odds (n,), policies (n, 2, 5)."""
    out, odds = np.empty((s.size, 2, 5)), np.empty(s.size)
    for t in prange(s.size):
        here = solve_at(m, policies, π, s[t], b[t], k[t], out[t])
        odds[t] = here.π
        write(out[t, SLACK], here.slack)
        write(out[t, BINDING], here.binding)
    return odds, out
