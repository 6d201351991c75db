"""Compiled code: the equilibrium conditions at one state, given expectations of the next period.

Two industries, state (s, b, k): productivities z̄[s], bonds, k = k_A and k_B = 1 - k. The choice is
x = b' and y = k'. Five expectations stand on a grid `E[s, b', k', :]`, s today's productivity,

    E u',  E u' z̄_A',  E u' z̄_B',  E[u' (q' - Φ_1,i') + θ q' η'] for i = A, B

(u' is marginal utility next period), linear between nodes: at a jump of the policies that is a
lottery between its two sides. Marginal products are exact functions of k' and need no grid.
`m` is a `Problem`; `w` holds scratch numbers: a cell of the grid, values with slopes, and the
instruments in force at the state: a tax on debt τ and subsidies s_A, s_B to capital, with

    u' = (1 + τ) β R E u'' + η,     u' (q + Φ_2,i - s_i) = β E[...]
"""

from collections import namedtuple

import numpy as np
from numba import njit

from .parameters import CHOICES, Scalars

Problem = namedtuple("Problem", [*Scalars._fields, "E", "z", "B", "K", "rates"])
"""Parameters, expectations, levels of productivity, nodes of b and k, instruments at the nodes."""

jit = njit(cache=True, error_model="numpy")
"""Compiled once a machine; a division by zero gives inf or NaN, which the callers look for."""

UNIQUE, SUNSPOT, SLACK, BINDING = range(len(CHOICES["selection"]))

C, Q, X, Y, η = range(5)
"""Policies of a branch: consumption, price, b', k', multiplier."""

EDGE = 1e-4
"""k' stays between this and one minus this."""

SCAN = 60
"""Points at which a binding solution is sought where none is known."""


@jit
def scratch():
    """Scratch numbers for the functions below."""
    return np.zeros(2, np.int64), np.empty((3, 5)), np.empty((2, 5)), np.zeros(3)


@jit
def locate(grid, x, i):
    """Cell i of an increasing grid that holds x, searched from i on; the end cells are open."""
    while i < grid.size - 2 and x >= grid[i + 1]:
        i += 1
    while i > 0 and x < grid[i]:
        i -= 1
    return i


@jit
def expect(m, s, x, y, w):
    """Bilinear values w[1][0] of the expectations at (x, y), slopes w[1][1] in x, w[1][2] in y."""
    cell, e = w[0], w[1]
    i, j = locate(m.B, x, cell[0]), locate(m.K, y, cell[1])
    cell[0], cell[1] = i, j
    h, l = m.B[i + 1] - m.B[i], m.K[j + 1] - m.K[j]
    u, r = (x - m.B[i]) / h, (y - m.K[j]) / l
    for n in range(5):
        low, high = m.E[s, i, j, n], m.E[s, i, j + 1, n]
        rise, rise_high = m.E[s, i + 1, j, n] - low, m.E[s, i + 1, j + 1, n] - high
        low, high = low + u * rise, high + u * rise_high
        e[0, n] = low + r * (high - low)
        e[1, n] = (rise + r * (rise_high - rise)) / h
        e[2, n] = (high - low) / l


@jit
def output(m, s, k):
    """Output of both industries."""
    return (m.z[s, 0] * m.a_A * k ** (m.α + m.ξ_A)
            + m.z[s, 1] * m.a_B * (1 - k) ** (m.α + m.ξ_B))


@jit
def funds(m, s, b, k):
    """What is given before the choice: bonds, and output where it is made with today's k."""
    return b if m.now else b + output(m, s, k)


@jit
def consumption(m, s, cash, k, x, y):
    """Consumption from the resource constraint; cash from `funds`."""
    costs = m.φ_A * (y / k - 1) ** 2 * k + m.φ_B * ((k - y) / (1 - k)) ** 2 * (1 - k)
    return cash - x / m.R - costs / 2 + (output(m, s, y) if m.now else 0.0)


@jit
def conditions(m, s, cash, k, x, y, w):
    """Residuals at (x, y) and their slopes.

    Returns c, u'(c), q; the gaps of the bond equation 1 - βR E u'/u'(c), of the portfolio
    condition (the price industry B implies minus that of A) and of the collateral constraint
    b'/R + θq; and the slopes of the three gaps in x and in y. q is the mean of both prices,
    weighted by k'.
    """
    expect(m, s, x, y, w)
    τ, s_A, s_B = w[3]
    e, z_A, z_B, later = w[1], m.now * m.z[s, 0], m.now * m.z[s, 1], 1 - m.now
    p_A, p_B = m.α + m.ξ_A - 1, m.α + m.ξ_B - 1
    f_A, f_B = m.α * m.a_A * y ** p_A, m.α * m.a_B * (1 - y) ** p_B
    Φ2_A, Φ2_B = m.φ_A * (y / k - 1), m.φ_B * (k - y) / (1 - k)
    c = consumption(m, s, cash, k, x, y)
    c_x, c_y = -1 / m.R, (z_A * f_A * (p_A + 1) - z_B * f_B * (p_B + 1)) / m.α - Φ2_A + Φ2_B
    u, curve = c ** -m.γ, -m.γ / c
    d = m.β / u
    bond = (1 + τ) * m.R * d * e[0, 0]
    bond_x = (1 + τ) * m.R * d * e[1, 0] - bond * curve * c_x
    bond_y = (1 + τ) * m.R * d * e[2, 0] - bond * curve * c_y
    A, D = later * e[0, 1] * f_A + e[0, 3], later * e[0, 2] * f_B + e[0, 4]
    A_x, D_x = later * e[1, 1] * f_A + e[1, 3], later * e[1, 2] * f_B + e[1, 4]
    A_y = later * f_A * (e[2, 1] + e[0, 1] * p_A / y) + e[2, 3]
    D_y = later * f_B * (e[2, 2] - e[0, 2] * p_B / (1 - y)) + e[2, 4]
    q_A, q_B = d * A - Φ2_A + z_A * f_A + s_A, d * D - Φ2_B + z_B * f_B + s_B
    q_A_x, q_B_x = d * (A_x - A * curve * c_x), d * (D_x - D * curve * c_x)
    q_A_y = d * (A_y - A * curve * c_y) - m.φ_A / k + z_A * f_A * p_A / y
    q_B_y = d * (D_y - D * curve * c_y) + m.φ_B / (1 - k) - z_B * f_B * p_B / (1 - y)
    q, limit = y * q_A + (1 - y) * q_B, m.market * m.θ
    return (c, u, q, 1 - bond, q_B - q_A, x / m.R + m.market * m.θ * q + m.limit,
            -bond_x, -bond_y, q_B_x - q_A_x, q_B_y - q_A_y,
            1 / m.R + limit * (y * q_A_x + (1 - y) * q_B_x),
            limit * (q_A - q_B + y * q_A_y + (1 - y) * q_B_y))


@jit
def newton(m, s, cash, k, x, y, binding, tolerance, w, out):
    """Solve one branch from (x, y) by Newton's method; True where it converged.

    `out` takes the policies. Steps that leave 0 < k' < 1 or make c fall by more than 90 percent
    are halved. A root counts only where its gap rises with b': a binding one is an up-crossing.
    """
    for i in range(30):
        c, u, q, bond, gap, slack, bond_x, bond_y, gap_x, gap_y, slack_x, slack_y = conditions(
            m, s, cash, k, x, y, w)
        r, r_x, r_y = (slack, slack_x, slack_y) if binding else (bond, bond_x, bond_y)
        det = r_x * gap_y - r_y * gap_x
        dx, dy = (gap * r_y - r * gap_y) / det, (r * gap_x - gap * r_x) / det
        if not (abs(dx) < np.inf and abs(dy) < np.inf):
            return False
        if max(abs(dx), abs(dy)) < tolerance:
            out[C], out[Q], out[X], out[Y], out[η] = c, q, x, y, u * bond if binding else 0.0
            return gap_y > 0 and det > 0
        t = 1.0 if i < 12 else 0.5
        for _ in range(40):
            if EDGE <= y + t * dy <= 1 - EDGE and consumption(
                    m, s, cash, k, x + t * dx, y + t * dy) > 0.1 * c:
                break
            t /= 2
        x, y = x + t * dx, y + t * dy
    return False


@jit
def portfolio(m, s, cash, k, x, y, w):
    """k' that solves the portfolio condition at given b', by Newton's method within a bracket.

    Returns (k', gap of the bond equation, slack); consumption must be positive at k' = k.
    """
    low, high = EDGE, 1 - EDGE
    for _ in range(100):
        while consumption(m, s, cash, k, x, y) <= 0:
            low, high = (low, y) if y > k else (y, high)
            y = (y + k) / 2
        state = conditions(m, s, cash, k, x, y, w)
        gap, gap_y, last = state[4], state[9], y
        low, high = (low, y) if gap > 0 else (y, high)
        y -= gap / gap_y
        if not low < y < high:
            y = (low + high) / 2
        if abs(y - last) < 1e-13:
            break
    return y, state[3], state[5]


@jit
def search(m, s, cash, k, start, binding, w, out):
    """Solve one branch without a guess, along the portfolio condition in b' >= start.

    Slack: the bond equation, whose gap rises with b'. Binding: the first up-crossing of the slack
    from below zero; it lies below b' = 0. True where there is one; `out` takes the policies.
    """
    top = m.R * (cash + (output(m, s, k) if m.now else 0.0)) * (1 - 1e-9)
    if binding:
        top = min(top, 0.0)
    if start >= top:
        return False
    y, bond, before = portfolio(m, s, cash, k, start, k, w)
    if not binding and bond > 0:
        return False
    low, high, found = start, top, not binding
    for i in range(1, SCAN + 1):
        if found:
            break
        low, high = high if i > 1 else start, start + (top - start) * i / SCAN
        state = conditions(m, s, cash, k, high, y, w)
        step = state[4] / state[9]
        slack, y = state[5] - state[11] * step, y - step
        if not (EDGE < y < 1 - EDGE and slack == slack):
            y, bond, slack = portfolio(m, s, cash, k, high, k, w)
        found, before = before < 0 <= slack, slack
    for _ in range(60 if found else 0):
        middle = (low + high) / 2
        y, bond, slack = portfolio(m, s, cash, k, middle, y, w)
        low, high = (middle, high) if (slack if binding else bond) < 0 else (low, middle)
        if newton(m, s, cash, k, middle, y, binding, 1e-12, w, out) and low <= out[X] <= high:
            return not binding or out[η] >= 0
    return False


@jit
def odds(slack, δ):
    """Probability of the binding solution beside a slack one: 1 at slack 0, 0 from δ on."""
    r = min(slack / δ, 1.0) if δ > 0 else 1.0
    return 1 - r * r * (3 - 2 * r)


@jit
def solve_state(m, s, b, k, guess, π, tolerance, every, w, out):
    """Both branches at a state, and the probability of the binding one by the rule of selection.

    guess, out (2, 5): policies of the slack and the binding branch. A branch that was not found is
    NaN; where π = 1 the slack one may violate the limit, and serves as a guess. Where the rule
    says unique the regime of the guess comes first and the other is not sought; with `every` both
    always are. There b' may leave the box a little, in the other rules it may not: a price that
    feeds on itself finds solutions in what is extrapolated. Returns NaN where none is found.
    """
    cash, slack, there = funds(m, s, b, k), -1.0, False
    start = m.B[0] - (0.2 * (m.B[-1] - m.B[0]) if m.rule == UNIQUE else 0.0)
    g, h = (0 if guess[0, X] == guess[0, X] else 1), (1 if guess[1, X] == guess[1, X] else 0)
    alone = m.rule == UNIQUE and not every
    out[:] = np.nan
    if alone and π > 0.5 and newton(m, s, cash, k, guess[h, X], guess[h, Y], True, tolerance, w,
                                    out[1]) and out[1, η] >= 0:
        return 1.0
    if π < 1 or every or alone or g == 0 or portfolio(m, s, cash, k, start, guess[1, Y],
                                                      w)[1] <= 0:
        there = newton(m, s, cash, k, guess[g, X], guess[g, Y], False, tolerance, w, out[0])
        there = there and out[0, X] >= start or search(m, s, cash, k, start, False, w, out[0])
    if there:
        start = out[0, X]
        slack = start / m.R + m.market * m.θ * out[0, Q] + m.limit
    else:
        out[0] = np.nan
    if slack >= 0 and not every and (
            alone or m.rule == SLACK or m.rule == SUNSPOT and slack >= m.δ):
        out[1] = np.nan
        return 0.0
    found = (h == 1 or alone) and newton(m, s, cash, k, guess[h, X], guess[h, Y], True, tolerance,
                                         w, out[1])
    found = found and (out[1, η] >= 0 or alone and out[1, η] > -100 * tolerance)
    if not (found and (alone or out[1, X] >= start)) and not search(
            m, s, cash, k, start, True, w, out[1]):
        out[1] = np.nan
        if slack < 0:
            return 0.0 if alone and slack > -100 * tolerance else np.nan
        return 0.0
    if slack < 0 or m.rule == BINDING:
        return 1.0
    return odds(slack, m.δ) if m.rule == SUNSPOT else 0.0


@jit
def mixed(policies, π, n):
    """Mean of policy n over the sunspot; a branch that is never drawn may be NaN."""
    if π == 0:
        return policies[0, n]
    return policies[1, n] if π == 1 else (1 - π) * policies[0, n] + π * policies[1, n]


@jit
def sweep(m, policies, π, tolerance, every, new, π_new, change):
    """One step of time iteration at every node; returns the number of nodes without a solution.

    policies (S, nB, nK, 2, 5) and π (S, nB, nK) are the guess, kept where there is no solution;
    `change` (5,) takes the largest change of each policy, in units of max(1, its size), the
    multiplier's in units of marginal utility. A NaN stays in it.
    """
    w, failures = scratch(), 0
    change[:] = 0
    for s in range(π.shape[0]):
        for i in range(π.shape[1]):
            for j in range(π.shape[2]):
                old, out, was = policies[s, i, j], new[s, i, j], π[s, i, j]
                w[3][:] = m.rates[s, i, j]
                now = solve_state(m, s, m.B[i], m.K[j], old, was, tolerance, every, w, out)
                if not now >= 0:
                    failures += 1
                    now, out[:] = was, old
                π_new[s, i, j] = now
                for n in range(5):
                    size = mixed(out, now, C) ** -m.γ if n == η else abs(mixed(out, now, n))
                    d = abs(mixed(out, now, n) - mixed(old, was, n)) / max(1.0, size)
                    if d > change[n] or d != d:
                        change[n] = d
    return failures


@jit
def payoffs(m, s, k, policies, π, weight, out):
    """Add weight times the five terms whose expectation is taken, at a state, to `out`."""
    for r in range(2):
        odds = weight * (π if r else 1 - π)
        if odds > 0:
            c, q, _, y, multiplier = policies[r]
            u = c ** -m.γ
            common = u * q + (m.θ * m.market * q + m.fixed) * multiplier
            out[0] += odds * u
            out[1] += odds * u * m.z[s, 0]
            out[2] += odds * u * m.z[s, 1]
            out[3] += odds * (common + u * m.φ_A / 2 * ((y / k) ** 2 - 1))
            out[4] += odds * (common + u * m.φ_B / 2 * (((1 - y) / (1 - k)) ** 2 - 1))


@jit
def all_payoffs(m, policies, π):
    """`payoffs` at every node: (S, nB, nK, 5)."""
    W = np.zeros((*π.shape, 5))
    for s in range(π.shape[0]):
        for i in range(π.shape[1]):
            for j in range(π.shape[2]):
                payoffs(m, s, m.K[j], policies[s, i, j], π[s, i, j], 1.0, W[s, i, j])
    return W


@jit
def interpolate(m, policies, π, s, b, k, w):
    """Bilinear mean of each branch in w[2], and of its probability π, which is returned.

    Nodes count by the probability of the branch there; one that is nowhere drawn, by what is left.
    """
    i, j = locate(m.B, b, w[0][0]), locate(m.K, k, w[0][1])
    w[0][0], w[0][1] = i, j
    u = min(max((b - m.B[i]) / (m.B[i + 1] - m.B[i]), 0.0), 1.0)
    r = min(max((k - m.K[j]) / (m.K[j + 1] - m.K[j]), 0.0), 1.0)
    mean, total = 0.0, np.zeros(2)
    w[2][:] = 0
    for n in range(8):
        branch, i_n, j_n = n // 4, i + n // 2 % 2, j + n % 2
        weight = (u if n // 2 % 2 else 1 - u) * (r if n % 2 else 1 - r)
        odds = π[s, i_n, j_n] if branch else 1 - π[s, i_n, j_n]
        mean += weight * odds * branch
        weight *= odds + 1e-12
        if policies[s, i_n, j_n, branch, X] == policies[s, i_n, j_n, branch, X]:
            total[branch] += weight
            for c in range(5):
                w[2][branch, c] += weight * policies[s, i_n, j_n, branch, c]
    for branch in range(2):
        for c in range(5):
            w[2][branch, c] /= total[branch]
    return mean


@jit
def solve_at(m, policies, π, s, b, k, w, out):
    """Both branches at a state off the grid, to 1e-12; returns the probability of binding."""
    mean = interpolate(m, policies, π, s, b, k, w)
    i, j = w[0]
    u, r = (b - m.B[i]) / (m.B[i + 1] - m.B[i]), (k - m.K[j]) / (m.K[j + 1] - m.K[j])
    for n in range(3):
        low, high = m.rates[s, i, j:j + 2, n], m.rates[s, i + 1, j:j + 2, n]
        w[3][n] = ((1 - r) * (low[0] + u * (high[0] - low[0]))
                   + r * (low[1] + u * (high[1] - low[1])))
    return solve_state(m, s, b, k, w[2], mean, 1e-12, False, w, out)


@jit
def solve_many(m, policies, π, s, b, k):
    """`solve_at` for rows of states."""
    w, out, odds = scratch(), np.empty((s.size, 2, 5)), np.empty(s.size)
    for t in range(s.size):
        odds[t] = solve_at(m, policies, π, s[t], b[t], k[t], w, out[t])
    return odds, out
