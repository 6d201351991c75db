r"""Equilibrium conditions and policies with three endogenous states; compiled. See `three`.

The state is (s, b, N, w): productivity z̄[s], bonds, capital N in the first two industries
together, and the share w of the first in it: :math:`k_1 = wN`, :math:`k_2 = (1-w)N`. Two models
differ in where capital comes from that these two industries add, and so in a third price:

* *three industries*: from the third, :math:`k_3 = 1 - N`, whose own condition gives the price;
* *capital that is built*: from producers, who sell at
  :math:`\bar q (1 + ψ (N'/N - 1))`, where N is all capital.

The choice is (b', N', w'). Expectations stand on a grid `E[s, b', N', w', :]`, linear between
nodes: E u', then for each industry E u' z̄_i' and E[u' (q' - Φ_1,i') + θ q' η'].
"""

from collections import namedtuple

import numpy as np
from numba import parallel_chunksize, prange

from .branches import EDGE, LOOSE
from .compiled import CHUNK, jit
from .conditions import Φ, Φ_1, Φ_2, Industry, locate, production

Problem = namedtuple(
    "Problem",
    "α β γ R built cost ψ pledged fixed limit φ_1 ξ_1 a_1 φ_2 ξ_2 a_2 φ_3 ξ_3 a_3 "
    "E z bonds total share",
)
"""Parameters, those of the third industry unused where capital is built; expectations, levels of
productivity, nodes. -b'/R is at most (pledged q + fixed) K + limit; `cost` is q̄."""

State = namedtuple("State", "s b N w cash")
"""A state, and what is given before the choice: bonds and output."""

Cell = namedtuple("Cell", "i j l u v r h_b h_N h_w")
"""Where (b', N', w') lies: cell i, j, l of the grid, at shares u, v, r of its sides h."""

Term = namedtuple("Term", "value x N w")
"""A number that depends on the choice, and its slopes in x = b', N' and w'."""

Conditions = namedtuple("Conditions", "c u q bond slack gap_1 gap_2")
"""c, u'(c), q; and four `Term`: the gap of the bond equation, 1 - βR E u' / u'(c); the slack of
the constraint; the prices that the first two industries imply less the third price."""

Policy = namedtuple("Policy", "c q b N w η")
"""What is chosen at a state: consumption, price, b', N', w', multiplier."""

SIZE = len(Policy._fields)

NONE = Policy(np.nan, np.nan, np.nan, np.nan, np.nan, np.nan)
"""Where there is no solution."""


@jit
def first(m):
    """Parameters of the first `Industry`."""
    return Industry(m.φ_1, m.ξ_1, m.a_1)


@jit
def second(m):
    """Parameters of the second `Industry`."""
    return Industry(m.φ_2, m.ξ_2, m.a_2)


@jit
def third(m):
    """Parameters of the third `Industry`."""
    return Industry(m.φ_3, m.ξ_3, m.a_3)


@jit
def read(row):
    """The `Policy` in a row."""
    return Policy(row[0], row[1], row[2], row[3], row[4], row[5])


@jit
def write(row, policy):
    """Put a `Policy` into a row."""
    for n in range(SIZE):
        row[n] = policy[n]


@jit
def cell(m, x, N, w):
    """The `Cell` of (b', N', w'); the end cells are open."""
    i, j, l = locate(m.bonds, x), locate(m.total, N), locate(m.share, w)
    h_b = m.bonds[i + 1] - m.bonds[i]
    h_N = m.total[j + 1] - m.total[j]
    h_w = m.share[l + 1] - m.share[l]
    return Cell(
        i,
        j,
        l,
        (x - m.bonds[i]) / h_b,
        (N - m.total[j]) / h_N,
        (w - m.share[l]) / h_w,
        h_b,
        h_N,
        h_w,
    )


@jit
def trilinear(values, at, n):
    """`Term` of values[:, :, :, n] in a cell."""
    i, j, l = at.i, at.j, at.l
    # along w at the four edges of the cell, then along N, then along b
    a, da = along(values[i, j, l, n], values[i, j, l + 1, n], at.r)
    b, db = along(values[i, j + 1, l, n], values[i, j + 1, l + 1, n], at.r)
    c, dc = along(values[i + 1, j, l, n], values[i + 1, j, l + 1, n], at.r)
    d, dd = along(values[i + 1, j + 1, l, n], values[i + 1, j + 1, l + 1, n], at.r)
    low, rise_low = along(a, b, at.v)
    high, rise_high = along(c, d, at.v)
    value, rise = along(low, high, at.u)
    return Term(
        value,
        rise / at.h_b,
        along(rise_low, rise_high, at.u)[0] / at.h_N,
        along(along(da, db, at.v)[0], along(dc, dd, at.v)[0], at.u)[0] / at.h_w,
    )


@jit
def along(low, high, share):
    """Value at a share of the way from low to high, and the rise."""
    return low + share * (high - low), high - low


@jit
def output(m, s, N, w):
    """Output of all industries."""
    z = m.z[s]
    y = production(m, first(m), z[0], w * N) + production(m, second(m), z[1], (1 - w) * N)
    return y if m.built else y + production(m, third(m), z[2], 1 - N)


@jit
def state(m, s, b, N, w):
    """The `State` (s, b, N, w)."""
    return State(s, b, N, w, b + output(m, s, N, w))


@jit
def industry_cost(i, k, k1):
    """Adjustment cost of an industry, and its slope in k'."""
    g = k1 / k - 1
    return Φ(i, k, g), Φ_2(i, g)


@jit
def supply_cost(m, N, N1):
    """Goods that producers turn into capital, and their price, which is its slope in N'."""
    g = N1 / N - 1
    return m.cost * N * (g + m.ψ / 2 * g**2), m.cost * (1 + m.ψ * g)


@jit
def consumed(m, at, x, N, w):
    """Consumption from the resource constraint, a `Term`."""
    cost_1, rise_1 = industry_cost(first(m), at.w * at.N, w * N)
    cost_2, rise_2 = industry_cost(second(m), (1 - at.w) * at.N, (1 - w) * N)
    if m.built:
        cost_3, rise_3 = supply_cost(m, at.N, N)
    else:
        cost_3, rise = industry_cost(third(m), 1 - at.N, 1 - N)
        rise_3 = -rise
    return Term(
        at.cash - x / m.R - cost_1 - cost_2 - cost_3,
        -1 / m.R,
        -w * rise_1 - (1 - w) * rise_2 - rise_3,
        N * (rise_2 - rise_1),
    )


@jit
def price(m, i, z, rest, c, u, k, k1, k_N, k_w):
    """Price of capital that an industry implies, Q_i / u'(c) - Φ_2,i, a `Term`.

    z, rest: its two expectations; c, u: consumption and u'(c); k, k1: its capital now and next
    year; k_N, k_w: slopes of the latter.
    """
    power = m.α + i.ξ - 1
    f = m.α * i.a * k1**power  # marginal product per unit of productivity
    bend = z.value * f * power / k1
    d, curve = m.β / u, -m.γ / c.value
    worth, fall = z.value * f + rest.value, i.φ / k
    return Term(
        d * worth - Φ_2(i, k1 / k - 1),
        d * (z.x * f + rest.x - worth * curve * c.x),
        d * (z.N * f + rest.N + bend * k_N - worth * curve * c.N) - fall * k_N,
        d * (z.w * f + rest.w + bend * k_w - worth * curve * c.w) - fall * k_w,
    )


@jit
def third_price(m, E, cell, at, c, u, N):
    """Price at which the third industry, or the producers of capital, part with it, a `Term`."""
    if m.built:
        return Term(supply_cost(m, at.N, N)[1], 0.0, m.cost * m.ψ / at.N, 0.0)
    z, rest = trilinear(E, cell, 5), trilinear(E, cell, 6)
    return price(m, third(m), z, rest, c, u, 1 - at.N, 1 - N, -1.0, 0.0)


@jit
def less(a, b):
    """a - b of two `Term`."""
    return Term(a.value - b.value, a.x - b.x, a.N - b.N, a.w - b.w)


@jit
def conditions(m, at, x, N, w):
    """The `Conditions` at a state and a choice."""
    E, place, c = m.E[at.s], cell(m, x, N, w), consumed(m, at, x, N, w)
    u, curve = c.value**-m.γ, -m.γ / c.value
    later, d = trilinear(E, place, 0), m.R * m.β / u
    ratio = d * later.value
    bond = Term(
        1 - ratio,
        ratio * curve * c.x - d * later.x,
        ratio * curve * c.N - d * later.N,
        ratio * curve * c.w - d * later.w,
    )
    z, rest = trilinear(E, place, 1), trilinear(E, place, 2)
    one = price(m, first(m), z, rest, c, u, at.w * at.N, w * N, w, N)
    z, rest = trilinear(E, place, 3), trilinear(E, place, 4)
    two = price(m, second(m), z, rest, c, u, (1 - at.w) * at.N, (1 - w) * N, 1 - w, -N)
    three = third_price(m, E, place, at, c, u, N)
    # equal at a solution; the mean of the two, as the third price may be very steep
    q, K = (one.value + two.value) / 2, at.N if m.built else 1.0
    share = m.pledged * K / 2
    room = Term(
        x / m.R + (m.pledged * q + m.fixed) * K + m.limit,
        1 / m.R + share * (one.x + two.x),
        share * (one.N + two.N),
        share * (one.w + two.w),
    )
    return Conditions(c.value, u, q, bond, room, less(one, three), less(two, three))


@jit
def cross(a, b):
    """Minors of the two rows of slopes a and b."""
    return a.N * b.w - a.w * b.N, a.w * b.x - a.x * b.w, a.x * b.N - a.N * b.x


@jit
def inside(m, at, x, N, w, least):
    """Whether capital is positive everywhere, and consumption above `least`."""
    return (
        EDGE < w < 1 - EDGE
        and N > EDGE
        and (m.built or N < 1 - EDGE * EDGE)
        and consumed(m, at, x, N, w).value > least
    )


@jit
def newton(m, at, x, N, w, binding, tolerance):
    """Solve one regime from (x, N, w) by Newton's method; `NONE` where it fails.

    Steps that leave the domain or make c fall by more than 90 percent are halved. A root counts
    only where its gap rises with b' along the portfolio conditions: a binding one is an
    up-crossing of the slack.
    """
    if not inside(m, at, x, N, w, 0.0):
        return NONE
    for i in range(40):
        here = conditions(m, at, x, N, w)
        r, a, b = here.slack if binding else here.bond, here.gap_1, here.gap_2
        A, B, G = cross(a, b), cross(b, r), cross(r, a)
        det = r.x * A[0] + r.N * A[1] + r.w * A[2]
        dx = -(r.value * A[0] + a.value * B[0] + b.value * G[0]) / det
        dN = -(r.value * A[1] + a.value * B[1] + b.value * G[1]) / det
        dw = -(r.value * A[2] + a.value * B[2] + b.value * G[2]) / det
        size = max(abs(dx), abs(dN), abs(dw))
        if not size < np.inf:
            return NONE
        if size < tolerance:
            # the minor of the portfolio conditions is negative as their slopes in (k_1, k_2) are
            if not (A[0] < 0 and det < 0):
                return NONE
            return Policy(here.c, here.q, x, N, w, here.u * here.bond.value if binding else 0.0)
        t = 1.0 if i < 12 else 0.5  # a full step that goes round is shortened
        for _ in range(40):
            if inside(m, at, x + t * dx, N + t * dN, w + t * dw, 0.1 * here.c):
                break
            t /= 2
        x, N, w = x + t * dx, N + t * dN, w + t * dw
    return NONE


@jit
def anew(m, at, guess, binding, tolerance):
    """Solve one regime from the guess, then from where capital stays as it is."""
    policy = newton(m, at, guess.b, guess.N, guess.w, binding, tolerance)
    for n in range(9):
        if policy.c == policy.c:
            break
        x = m.bonds[0] + (m.bonds[-1] - m.bonds[0]) * (n / 8) ** 1.5
        policy = newton(m, at, x, at.N, at.w, binding, tolerance)
    return policy


@jit
def solve_state(m, at, guess, tolerance):
    """The `Policy` at a state; `NONE` where there is none.

    The regime of the guess comes first: where prices feed back on themselves by less than one for
    one there is one solution, and the order does not matter.
    """
    if guess.η > 0:
        same = newton(m, at, guess.b, guess.N, guess.w, True, tolerance)
        if same.η >= 0:
            return same
    free = anew(m, at, guess, False, tolerance)
    room = free.b / m.R + (m.pledged * free.q + m.fixed) * (at.N if m.built else 1.0) + m.limit
    if room >= 0:
        return free
    binding = anew(m, at, guess, True, tolerance)
    # near the kink neither regime is exact before convergence
    if binding.η > -LOOSE * tolerance:
        return binding
    return free if room > -LOOSE * tolerance else NONE


@jit
def _row(m, s, i, policies, tolerance, new, change):
    # the nodes (s, b_i, ., .): returns how many have no solution
    failures = 0
    for j in range(m.total.size):
        for l in range(m.share.size):
            old = read(policies[s, i, j, l])
            at = state(m, s, m.bonds[i], m.total[j], m.share[l])
            here = solve_state(m, at, old, tolerance)
            if not here.c == here.c:
                failures, here = failures + 1, old
            write(new[s, i, j, l], here)
            for n in range(SIZE):
                # the multiplier in units of marginal utility
                size = here.c**-m.γ if n == SIZE - 1 else abs(here[n])
                d = abs(here[n] - old[n]) / max(1.0, size)
                if d > change[n] or d != d:
                    change[n] = d
    return failures


@jit(parallel=True)
def _sweep(m, policies, tolerance, new, change, failures):
    S = m.z.shape[0]
    for row in prange(len(change)):
        failures[row] = _row(m, row % S, row // S, policies, tolerance, new, change[row])


def sweep(m, policies, tolerance, new):
    """One step of time iteration at every node, given tomorrow.

    Parameters
    ----------
    m : Problem
    policies, new : arrays (S, nB, nN, nW, 6)
        The guess, kept where there is no solution; the result.
    tolerance : float
        Of Newton's method, in the choices.

    Returns
    -------
    failures : int
        Nodes without a solution.
    change : (6,) array
        Largest change of each policy.
    """
    rows = policies.shape[0] * policies.shape[1]
    change, failures = np.zeros((rows, SIZE)), np.zeros(rows, np.int64)
    with parallel_chunksize(CHUNK):
        _sweep(m, policies, tolerance, new, change, failures)
    return int(failures.sum()), change.max(axis=0)


@jit
def payoffs(m, s, N, w, here, weight, out):
    """Add weight times the terms whose expectation is taken, at a state, to `out`."""
    u, z = here.c**-m.γ, m.z[s]
    rest = u * here.q + (m.pledged * here.q + m.fixed) * here.η
    out[0] += weight * u
    out[1] += weight * u * z[0]
    out[2] += weight * (rest - u * Φ_1(first(m), w * N, here.w * here.N))
    out[3] += weight * u * z[1]
    out[4] += weight * (rest - u * Φ_1(second(m), (1 - w) * N, (1 - here.w) * here.N))
    if not m.built:
        out[5] += weight * u * z[2]
        out[6] += weight * (rest - u * Φ_1(third(m), 1 - N, 1 - here.N))


@jit(parallel=True)
def all_payoffs(m, policies):
    """`payoffs` at every node, (S, nB, nN, nW, 5), or 7 with three industries."""
    S, nB, nN, nW, _ = policies.shape
    W = np.zeros((S, nB, nN, nW, 5 if m.built else 7))
    for row in prange(S * nB):
        s, i = row // nB, row % nB
        for j in range(nN):
            for l in range(nW):
                here = read(policies[s, i, j, l])
                payoffs(m, s, m.total[j], m.share[l], here, 1.0, W[s, i, j, l])
    return W


@jit
def between(m, policies, s, b, N, w):
    """The `Policy` between nodes; flat beyond the box."""
    b = min(max(b, m.bonds[0]), m.bonds[-1])
    N = min(max(N, m.total[0]), m.total[-1])
    at, values = cell(m, b, N, min(max(w, m.share[0]), m.share[-1])), policies[s]
    return Policy(
        trilinear(values, at, 0).value,
        trilinear(values, at, 1).value,
        trilinear(values, at, 2).value,
        trilinear(values, at, 3).value,
        trilinear(values, at, 4).value,
        trilinear(values, at, 5).value,
    )


@jit
def solve_at(m, policies, s, b, N, w):
    """The `Policy` at a state off the grid, to 1e-12."""
    return solve_state(m, state(m, s, b, N, w), between(m, policies, s, b, N, w), 1e-12)


@jit(parallel=True)
def solve_many(m, policies, s, b, N, w, exact):
    """Policies (n, 6) for rows of states, solved anew or interpolated."""
    out = np.empty((s.size, SIZE))
    for t in prange(s.size):
        if exact:
            write(out[t], solve_at(m, policies, s[t], b[t], N[t], w[t]))
        else:
            here = between(m, policies, s[t], b[t], N[t], w[t])
            c = consumed(m, state(m, s[t], b[t], N[t], w[t]), here.b, here.N, here.w).value
            write(out[t], Policy(c, here.q, here.b, here.N, here.w, here.η))
    return out


@jit
def implied(m, i, z, rest, k, k1, q):
    """Marginal utility that the condition of an industry's capital implies at a price."""
    f = m.α * i.a * k1 ** (m.α + i.ξ - 1)
    return m.β * (z * f + rest) / (q + Φ_2(i, k1 / k - 1))


@jit(parallel=True)
def euler(m, policies, P, s, b, N, w):
    """Unit-free Euler errors (n, 4) of bonds and capital, tomorrow solved anew."""
    errors = np.zeros((s.size, 4))
    for t in prange(s.size):
        now = solve_at(m, policies, s[t], b[t], N[t], w[t])
        E = np.zeros(7)
        for n in range(len(P)):
            later = solve_at(m, policies, n, now.b, now.N, now.w)
            payoffs(m, n, now.N, now.w, later, P[s[t], n], E)
        k, k1 = w[t] * N[t], now.w * now.N
        u_1 = implied(m, first(m), E[1], E[2], k, k1, now.q)
        u_2 = implied(m, second(m), E[3], E[4], N[t] - k, now.N - k1, now.q)
        u_3 = now.c**-m.γ
        if not m.built:
            u_3 = implied(m, third(m), E[5], E[6], 1 - N[t], 1 - now.N, now.q)
        u_0 = m.β * m.R * E[0] + now.η
        errors[t, 0] = abs(u_0 ** (-1 / m.γ) / now.c - 1)
        errors[t, 1] = abs(u_1 ** (-1 / m.γ) / now.c - 1)
        errors[t, 2] = abs(u_2 ** (-1 / m.γ) / now.c - 1)
        errors[t, 3] = abs(u_3 ** (-1 / m.γ) / now.c - 1)
    return errors
