"""Compiled code: the equilibrium conditions at one state, given expectations of the next period.

Two industries, state (z̄_A, z̄_B, b, k) with k = k_A and k_B = 1 - k. Choices are x = b' and
y = k'. Five expectations stand on a grid `E[s, b', k', :]`, s today's productivity,

    E u',  E u' z̄_A',  E u' z̄_B',  E[u' (q' - Φ_1,i') + θ q' η'] for i = A, B

(u' is marginal utility next period), and are linear between nodes: at a jump of the policies that
is a lottery between its two sides. Marginal products are exact functions of k' and need no grid.
"""

import numpy as np
from numba import njit

UNIQUE, SUNSPOT, SLACK, BINDING = range(4)
"""Rules of selection."""

C, Q, X, Y, η = range(5)
"""Policies of a branch: consumption, price, b', k', multiplier."""

SCAN = 60
"""Points at which a binding solution is sought where none is known."""

EDGE = 1e-4
"""k' stays between this and one minus this."""


@njit(cache=True)
def locate(grid, x, i):
    """Cell i of an increasing grid that holds x, searched from i on; the end cells are open."""
    while i < grid.size - 2 and x >= grid[i + 1]:
        i += 1
    while i > 0 and x < grid[i]:
        i -= 1
    return i


@njit(cache=True)
def expect(E, s, B, K, x, y, cell, e):
    """Bilinear values e[0] of the expectations at (x, y), slopes e[1] in x and e[2] in y."""
    i, j = locate(B, x, cell[0]), locate(K, y, cell[1])
    cell[0], cell[1] = i, j
    h, l = B[i + 1] - B[i], K[j + 1] - K[j]
    w, r = (x - B[i]) / h, (y - K[j]) / l
    for n in range(E.shape[3]):
        a, b = E[s, i, j, n], E[s, i + 1, j, n]
        low, high = (b - a), E[s, i + 1, j + 1, n] - E[s, i, j + 1, n]
        bottom, top = a + w * low, E[s, i, j + 1, n] + w * high
        e[0, n] = bottom + r * (top - bottom)
        e[1, n] = (low + r * (high - low)) / h
        e[2, n] = (top - bottom) / l


@njit(cache=True)
def costs(v, k, y):
    """Adjustment costs of both industries."""
    return v.φ_A / 2 * (y / k - 1) ** 2 * k + v.φ_B / 2 * ((k - y) / (1 - k)) ** 2 * (1 - k)


@njit(cache=True)
def output(v, z_A, z_B, k):
    """Output of both industries."""
    return (z_A * v.a_A * k ** (v.α + v.ξ_A) + z_B * v.a_B * (1 - k) ** (v.α + v.ξ_B))


@njit(cache=True)
def funds(v, z_A, z_B, b, k):
    """What is given before the choice: bonds, and output where it is made with today's k."""
    return b if v.now else b + output(v, z_A, z_B, k)


@njit(cache=True)
def consumption(v, z_A, z_B, cash, k, x, y):
    """Consumption from the resource constraint; cash from `funds`."""
    return cash - x / v.R - costs(v, k, y) + (output(v, z_A, z_B, y) if v.now else 0.0)


@njit(cache=True)
def conditions(v, E, s, z_A, z_B, B, K, cash, k, x, y, cell, e):
    """Residuals at (x, y) and their slopes.

    Returns c, u'(c), q; the gaps of the bond equation 1 - βR E u'/u'(c), of the portfolio
    condition (the price industry B implies minus that of A) and of the collateral constraint
    m = b'/R + θq; and the slopes of the three gaps in x and in y.
    """
    expect(E, s, B, K, x, y, cell, e)
    p_A, p_B = v.α + v.ξ_A - 1, v.α + v.ξ_B - 1
    f_A, f_B = v.α * v.a_A * y ** p_A, v.α * v.a_B * (1 - y) ** p_B
    c, c_y = cash - x / v.R - costs(v, k, y), v.φ_B * (k - y) / (1 - k) - v.φ_A * (y / k - 1)
    if v.now:
        c += z_A * f_A * y / v.α + z_B * f_B * (1 - y) / v.α
        c_y += z_A * f_A * (p_A + 1) / v.α - z_B * f_B * (p_B + 1) / v.α
    u, c_x, curve = c ** -v.γ, -1 / v.R, -v.γ / c
    d = v.β / u
    bond = v.R * d * e[0, 0]
    bond_x = v.R * d * e[1, 0] - bond * curve * c_x
    bond_y = v.R * d * e[2, 0] - bond * curve * c_y
    later = 1 - v.now
    A, A_x = later * e[0, 1] * f_A + e[0, 3], later * e[1, 1] * f_A + e[1, 3]
    A_y = later * f_A * (e[2, 1] + e[0, 1] * p_A / y) + e[2, 3]
    D, D_x = later * e[0, 2] * f_B + e[0, 4], later * e[1, 2] * f_B + e[1, 4]
    D_y = later * f_B * (e[2, 2] - e[0, 2] * p_B / (1 - y)) + e[2, 4]
    q_A = d * A - v.φ_A * (y / k - 1) + v.now * z_A * f_A
    q_B = d * D - v.φ_B * (k - y) / (1 - k) + v.now * z_B * f_B
    q_A_x, q_B_x = d * (A_x - A * curve * c_x), d * (D_x - D * curve * c_x)
    q_A_y = d * (A_y - A * curve * c_y) - v.φ_A / k + v.now * z_A * f_A * p_A / y
    q_B_y = d * (D_y - D * curve * c_y) + v.φ_B / (1 - k) - v.now * z_B * f_B * p_B / (1 - y)
    q, weight = (q_A + q_B) / 2, v.market * v.θ / 2
    m = x / v.R + v.market * v.θ * q + v.limit
    return (c, u, q, 1 - bond, q_B - q_A, m, -bond_x, -bond_y, q_B_x - q_A_x, q_B_y - q_A_y,
            1 / v.R + weight * (q_A_x + q_B_x), weight * (q_A_y + q_B_y))


@njit(cache=True)
def newton(v, E, s, z_A, z_B, B, K, cash, k, x, y, binding, tolerance, cell, e, out):
    """Solve one branch from (x, y) by Newton's method; True where it converged.

    `out` takes the policies. Steps that leave 0 < k' < 1 or make c fall by more than 90 percent
    are halved. A binding root must be an up-crossing of the slack m in b'.
    """
    for i in range(30):
        c, u, q, bond, gap, m, bond_x, bond_y, gap_x, gap_y, m_x, m_y = conditions(
            v, E, s, z_A, z_B, B, K, cash, k, x, y, cell, e)
        r, r_x, r_y = (m, m_x, m_y) if binding else (bond, bond_x, bond_y)
        det = r_x * gap_y - r_y * gap_x
        dx, dy = (gap * r_y - r * gap_y) / det, (r * gap_x - gap * r_x) / det
        if not (abs(dx) < np.inf and abs(dy) < np.inf):
            return False
        if max(abs(dx), abs(dy)) < tolerance:
            out[C], out[Q], out[X], out[Y] = c, q, x, y
            out[η] = u * bond if binding else 0.0
            return gap_y > 0 and det > 0
        t = 1.0 if i < 12 else 0.5
        for _ in range(40):
            x_new, y_new = x + t * dx, y + t * dy
            if EDGE <= y_new <= 1 - EDGE:
                if consumption(v, z_A, z_B, cash, k, x_new, y_new) > 0.1 * c:
                    break
            t /= 2
        x, y = x_new, y_new
    return False


@njit(cache=True)
def portfolio(v, E, s, z_A, z_B, B, K, cash, k, x, y, cell, e):
    """k' that solves the portfolio condition at given b', by Newton within a bracket.

    Returns (k', gap of the bond equation, slack m); consumption is positive at k' = k.
    """
    low, high = EDGE, 1 - EDGE
    for _ in range(100):
        while consumption(v, z_A, z_B, cash, k, x, y) <= 0:
            low, high = (low, y) if y > k else (y, high)
            y = (y + k) / 2
        state = conditions(v, E, s, z_A, z_B, B, K, cash, k, x, y, cell, e)
        gap, gap_y = state[4], state[9]
        low, high = (low, y) if gap > 0 else (y, high)
        y_new = y - gap / gap_y
        if not low < y_new < high:
            y_new = (low + high) / 2
        if abs(y_new - y) < 1e-13:
            break
        y = y_new
    return y, state[3], state[5]


@njit(cache=True)
def search(v, E, s, z_A, z_B, B, K, cash, k, start, binding, cell, e, out):
    """Solve one branch without a guess, along the portfolio condition in b' >= start.

    Slack: the bond equation, whose gap rises with b'. Binding: the first up-crossing of the slack
    m from below zero; it lies below b' = 0, where m >= 0. True where there is one; `out` takes
    the policies.
    """
    top = v.R * (cash + (output(v, z_A, z_B, k) if v.now else 0.0)) * (1 - 1e-9)
    if binding:
        top = min(top, 0.0)
    if start >= top:
        return False
    y, bond, m = portfolio(v, E, s, z_A, z_B, B, K, cash, k, start, k, cell, e)
    if not binding and bond > 0:
        return False
    low, high, before = start, top, m
    for i in range(1, SCAN + 1 if binding else 1):
        high = start + (top - start) * i / SCAN
        state = conditions(v, E, s, z_A, z_B, B, K, cash, k, high, y, cell, e)
        m, y = state[5] - state[11] * state[4] / state[9], y - state[4] / state[9]
        if not (EDGE < y < 1 - EDGE and m == m):
            y, bond, m = portfolio(v, E, s, z_A, z_B, B, K, cash, k, high, k, cell, e)
        if before < 0 <= m:
            break
        low, before = high, m
    else:
        if binding:
            return False
    for _ in range(60):
        middle = (low + high) / 2
        y, bond, m = portfolio(v, E, s, z_A, z_B, B, K, cash, k, middle, y, cell, e)
        low, high = (middle, high) if (m if binding else bond) < 0 else (low, middle)
        if newton(v, E, s, z_A, z_B, B, K, cash, k, middle, y, binding, 1e-12, cell, e, out):
            if low <= out[X] <= high:
                return not binding or out[η] >= 0
    return False


@njit(cache=True)
def slack_of(v, out):
    """m = b'/R + the limit."""
    return out[X] / v.R + v.market * v.θ * out[Q] + v.limit


@njit(cache=True)
def odds(m, δ):
    """Probability of the binding solution beside a slack one with slack m: 1 at 0, 0 from δ on."""
    r = min(max(m / δ, 0.0), 1.0) if δ > 0 else 1.0
    return 1 - r * r * (3 - 2 * r)


@njit(cache=True)
def solve_one(v, rule, E, s, z_A, z_B, B, K, b, k, guess, π, tolerance, cell, e, out):
    """The regime that holds where the solution is unique; the one of the guess comes first.

    Returns 1 where the constraint binds, 0 where it is slack, NaN where neither solves.
    """
    cash, first = funds(v, z_A, z_B, b, k), 1 if π > 0.5 else 0
    worst = np.array([-np.inf, -np.inf])
    for r in (first, 1 - first):
        g = r if guess[r, X] == guess[r, X] else 1 - r
        if newton(v, E, s, z_A, z_B, B, K, cash, k, guess[g, X], guess[g, Y], r == 1,
                  tolerance, cell, e, out[r]):
            worst[r] = out[r, η] if r else slack_of(v, out[r])
            if r == 0 and out[r, X] < B[0] - 1e-9:
                worst[r] = -np.inf
            if worst[r] >= 0:
                return float(r)
    r = 1 if worst[1] > worst[0] else 0
    return float(r) if worst[r] > -100 * tolerance else np.nan


@njit(cache=True)
def solve_both(v, rule, δ, E, s, z_A, z_B, B, K, b, k, guess, π, tolerance, every, cell, e, out):
    """Both branches, and the probability of the binding one by the rule of selection.

    With `every` the binding branch is sought also where the rule would not draw it. A branch that
    was not found is NaN; where π = 1 the slack one may violate the limit, and serves as a guess.
    Returns NaN where there is no solution.
    """
    cash = funds(v, z_A, z_B, b, k)
    out[:] = np.nan
    start, m, slack = B[0], -1.0, False
    g = 0 if guess[0, X] == guess[0, X] else 1
    if π < 1 or every or portfolio(v, E, s, z_A, z_B, B, K, cash, k, start, guess[g, Y],
                                   cell, e)[1] <= 0:
        slack = newton(v, E, s, z_A, z_B, B, K, cash, k, guess[g, X], guess[g, Y], False,
                       tolerance, cell, e, out[0])
        slack = (slack and out[0, X] >= start) or search(
            v, E, s, z_A, z_B, B, K, cash, k, start, False, cell, e, out[0])
    if slack:
        start, m = out[0, X], slack_of(v, out[0])
    if m >= 0 and not every and (rule == SLACK or rule != BINDING and m >= δ):
        return 0.0
    found = guess[1, X] == guess[1, X] and newton(
        v, E, s, z_A, z_B, B, K, cash, k, guess[1, X], guess[1, Y], True, tolerance,
        cell, e, out[1])
    found = found and out[1, η] >= 0 and out[1, X] >= start
    if not found:
        found = search(v, E, s, z_A, z_B, B, K, cash, k, start, True, cell, e, out[1])
    if not found:
        out[1] = np.nan
    if not slack:
        out[0] = np.nan
    if m < 0:
        return 1.0 if found else np.nan
    if not found or rule == SLACK:
        return 0.0
    return 1.0 if rule == BINDING else odds(m, δ)


@njit(cache=True)
def solve_state(v, rule, δ, E, s, z_A, z_B, B, K, b, k, guess, π, tolerance, every, cell, e, out):
    """One state: `solve_one` where the rule says unique, otherwise `solve_both`."""
    if rule == UNIQUE and not every:
        r = solve_one(v, rule, E, s, z_A, z_B, B, K, b, k, guess, π, tolerance, cell, e, out)
        if r == r:
            out[1 - int(r)] = np.nan
            return r
    return solve_both(v, rule, δ, E, s, z_A, z_B, B, K, b, k, guess, π, tolerance, every,
                      cell, e, out)


@njit(cache=True)
def mixed(policies, π, n):
    """Mean of policy n over the sunspot; a branch that is never drawn may be NaN."""
    if π == 0:
        return policies[0, n]
    return policies[1, n] if π == 1 else (1 - π) * policies[0, n] + π * policies[1, n]


@njit(cache=True)
def sweep(v, rule, δ, E, z, B, K, policies, π, tolerance, every, new, π_new, change):
    """One step of time iteration at every node; returns the number of nodes without a solution.

    policies (S, nB, nK, 2, 5) and π (S, nB, nK) are the guess, kept where there is no solution;
    `change` (5,) takes the largest change of each policy, in units of max(1, its size), the
    multiplier's in units of marginal utility. A NaN stays in it.
    """
    cell, e, failures = np.zeros(2, np.int64), np.empty((3, 5)), 0
    change[:] = 0
    for s in range(z.shape[0]):
        for i in range(B.size):
            for j in range(K.size):
                old, out = policies[s, i, j], new[s, i, j]
                odds = solve_state(v, rule, δ, E, s, z[s, 0], z[s, 1], B, K, B[i], K[j], old,
                                   π[s, i, j], tolerance, every, cell, e, out)
                if not odds >= 0:
                    failures += 1
                    odds, out[:] = π[s, i, j], old
                π_new[s, i, j] = odds
                for n in range(5):
                    size = max(1.0, abs(mixed(out, odds, n)))
                    if n == η:
                        size = max(1.0, mixed(out, odds, C) ** -v.γ)
                    d = abs(mixed(out, odds, n) - mixed(old, π[s, i, j], n)) / size
                    if d > change[n] or d != d:
                        change[n] = d
    return failures


@njit(cache=True)
def payoffs(v, z_A, z_B, k, policy, weight, out):
    """Add weight times the five terms whose expectation is taken to `out`."""
    u = policy[C] ** -v.γ
    ratio_A, ratio_B = policy[Y] / k, (1 - policy[Y]) / (1 - k)
    common = u * policy[Q] + (v.θ * v.market * policy[Q] + v.fixed) * policy[η]
    out[0] += weight * u
    out[1] += weight * u * z_A
    out[2] += weight * u * z_B
    out[3] += weight * (common + u * v.φ_A / 2 * (ratio_A * ratio_A - 1))
    out[4] += weight * (common + u * v.φ_B / 2 * (ratio_B * ratio_B - 1))


@njit(cache=True)
def all_payoffs(v, z, K, policies, π):
    """`payoffs` at every node, averaged over the sunspot: (S, nB, nK, 5)."""
    W = np.zeros((*π.shape, 5))
    for s in range(π.shape[0]):
        for i in range(π.shape[1]):
            for j in range(π.shape[2]):
                for r in range(2):
                    weight = π[s, i, j] if r else 1 - π[s, i, j]
                    if weight > 0:
                        payoffs(v, z[s, 0], z[s, 1], K[j], policies[s, i, j, r], weight,
                                W[s, i, j])
    return W


@njit(cache=True)
def expectations(P, W):
    """Σ_t P_st W_t for every s."""
    E = np.zeros_like(W)
    for s in range(P.shape[0]):
        for t in range(P.shape[0]):
            E[s] += P[s, t] * W[t]
    return E


@njit(cache=True)
def guess_at(B, K, policies, π, s, b, k, cell, guess):
    """Average of the nodes around (b, k) that have the branch, for each; returns the mean of π."""
    i, j = locate(B, b, cell[0]), locate(K, k, cell[1])
    cell[0], cell[1] = i, j
    w = min(max((b - B[i]) / (B[i + 1] - B[i]), 0.0), 1.0)
    r = min(max((k - K[j]) / (K[j + 1] - K[j]), 0.0), 1.0)
    guess[:], mean = 0, 0.0
    for branch in range(2):
        total = 0.0
        for m in range(2):
            for n in range(2):
                weight = (w if m else 1 - w) * (r if n else 1 - r) + 1e-12
                node = policies[s, i + m, j + n, branch]
                mean += weight * π[s, i + m, j + n] / 2
                if node[X] == node[X]:
                    total += weight
                    guess[branch] += weight * node
        guess[branch] *= 1 / total if total > 0 else np.nan
    return mean


@njit(cache=True)
def solve_at(v, rule, δ, E, z, B, K, policies, π, s, b, k, cell, e, guess, out):
    """Both branches at a state off the grid, to 1e-12; returns the probability of binding."""
    mean = guess_at(B, K, policies, π, s, b, k, cell, guess)
    return solve_state(v, rule, δ, E, s, z[s, 0], z[s, 1], B, K, b, k, guess, mean, 1e-12, False,
                       cell, e, out)


@njit(cache=True)
def solve_many(v, rule, δ, E, z, B, K, policies, π, s, b, k):
    """`solve_at` for rows of states."""
    cell, e, guess = np.zeros(2, np.int64), np.empty((3, 5)), np.empty((2, 5))
    out, odds = np.empty((s.size, 2, 5)), np.empty(s.size)
    for t in range(s.size):
        odds[t] = solve_at(v, rule, δ, E, z, B, K, policies, π, s[t], b[t], k[t], cell, e, guess,
                           out[t])
    return odds, out
