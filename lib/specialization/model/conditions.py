"""The equilibrium conditions at one state, given expectations of the next period; compiled.

Two industries, state (s, b, k): productivities z̄[s], bonds, k = k_A and k_B = 1 - k. The choice is
x = b' and y = k'. Five expectations stand on a grid `E[s, b', k', :]`, s today's productivity,

    E u',  E u' z̄_A',  E u' z̄_B',  E[u' (q' - Φ_1,i') + θ q' η'] for i = A, B

(u' is marginal utility next period), linear between nodes: at a jump of the policies that is a
lottery between its two sides. Marginal products are exact functions of k' and need no grid.
With the instruments, a tax on debt τ and subsidies s_A, s_B to capital, the conditions are

    u'(c) = (1 + τ) β R E u'(c') + η,     u'(c) (q + Φ_2,i - s_i) = β E[...]

and η >= 0, b'/R + θ q >= 0, one of them with equality. The functions are pure: what is found at a
state does not depend on what was solved before.
"""

from collections import namedtuple

import numpy as np

from .compiled import jit
from .parameters import CHOICES, Scalars

Problem = namedtuple("Problem", (*Scalars._fields, "E", "z", "bonds", "capital", "rates"))  # type: ignore[misc]
"""Parameters, expectations, levels of productivity, nodes of b and k, instruments at the nodes."""

Industry = namedtuple("Industry", "φ ξ a")
"""Adjustment cost, agglomeration and scale of z̄ of one industry; `A` and `B` give them."""

Instruments = namedtuple("Instruments", "τ s_A s_B")
"""Tax on debt and subsidies to capital; the last axis of `Problem.rates`."""

State = namedtuple("State", "s b k cash instruments")
"""A state; what is given before the choice, bonds and output with today's k; the instruments."""

Cell = namedtuple("Cell", "i j u r h l")
"""Where (b', k') lies: cell i, j of the grid, at shares u, r of its sides h, l."""

Term = namedtuple("Term", "value x y")
"""A number that depends on the choice, and its slopes in x = b' and y = k'."""

Expected = namedtuple("Expected", "u z_A z_B rest_A rest_B")
"""The five expectations, each a `Term`."""

Conditions = namedtuple("Conditions", "c u later q bond gap slack")
"""c, u'(c), (1 + τ) β R E u' and q, the mean of both prices weighted by k'; and three `Term`: the
gap of the bond equation, 1 - (1 + τ) β R E u' / u'(c); the gap of the portfolio condition, the
price that industry B implies minus that of A; the slack of the constraint."""

Policy = namedtuple("Policy", "c q b k η")
"""What is chosen at a state: consumption, price, b', k', multiplier."""

C, Q, BONDS, CAPITAL, η = range(5)
"""Where these stand in arrays of policies."""

NONE = Policy(np.nan, np.nan, np.nan, np.nan, np.nan)
"""Where there is no solution."""

SLACK, BINDING, UNIQUE, SUNSPOT = map(
    CHOICES["selection"].index, ("slack", "binding", "unique", "sunspot")
)
"""Kinds of solution, with the constraint slack, with it binding, or the only one. The first two
are also the order of the branches in arrays, and all four are the rules of selection."""


@jit
def A(m):
    """Parameters of industry A."""
    return Industry(m.φ_A, m.ξ_A, m.a_A)


@jit
def B(m):
    """Parameters of industry B."""
    return Industry(m.φ_B, m.ξ_B, m.a_B)


@jit
def found(policy):
    """Whether there is a solution."""
    return policy.c == policy.c


@jit
def read(row):
    """The `Policy` in a row (5,)."""
    return Policy(row[0], row[1], row[2], row[3], row[4])


@jit
def write(row, policy):
    """Put a `Policy` into a row (5,)."""
    for n in range(5):
        row[n] = policy[n]


@jit
def locate(grid, x):
    """Cell of an increasing grid that holds x; the end cells are open."""
    i, n = 0, grid.size - 1
    while n > 1:
        half = n // 2
        i = i + half if grid[i + half] <= x else i
        n -= half
    return i


@jit
def cell(m, x, y):
    """The `Cell` of (b', k')."""
    i, j = locate(m.bonds, x), locate(m.capital, y)
    h, l = m.bonds[i + 1] - m.bonds[i], m.capital[j + 1] - m.capital[j]
    return Cell(i, j, (x - m.bonds[i]) / h, (y - m.capital[j]) / l, h, l)


@jit
def bilinear(values, at, n):
    """`Term` of values[:, :, n], (nB, nK), in a cell."""
    i, j = at.i, at.j
    low, high = values[i, j, n], values[i, j + 1, n]
    rise, rise_high = values[i + 1, j, n] - low, values[i + 1, j + 1, n] - high
    low, high = low + at.u * rise, high + at.u * rise_high
    return Term(
        low + at.r * (high - low), (rise + at.r * (rise_high - rise)) / at.h, (high - low) / at.l
    )


@jit
def expect(m, s, x, y):
    """The five expectations at (b', k')."""
    E, at = m.E[s], cell(m, x, y)
    return Expected(
        bilinear(E, at, 0),
        bilinear(E, at, 1),
        bilinear(E, at, 2),
        bilinear(E, at, 3),
        bilinear(E, at, 4),
    )


@jit
def production(m, i, z, k):
    """z̄ k^ξ f(k) of industry i."""
    return z * i.a * k ** (m.α + i.ξ)


@jit
def output(m, s, k):
    """Output of both industries."""
    return production(m, A(m), m.z[s, 0], k) + production(m, B(m), m.z[s, 1], 1 - k)


@jit
def growth(k, k1):
    """k_i'/k_i - 1 of industries A and B, from k and k'."""
    return k1 / k - 1, (k - k1) / (1 - k)


@jit
def Φ(i, k, g):
    """Adjustment cost φ/2 (k'/k - 1)² k of an industry, g its `growth`."""
    return i.φ / 2 * g**2 * k


@jit
def Φ_1(i, k, k1):
    """∂Φ/∂k; k1 stands for k'."""
    return -i.φ / 2 * ((k1 / k) ** 2 - 1)


@jit
def Φ_2(i, g):
    """∂Φ/∂k'."""
    return i.φ * g


@jit
def state(m, s, b, k):
    """The `State` (s, b, k), with instruments bilinear between the nodes."""
    rates, at = m.rates[s], cell(m, b, k)
    return State(
        s,
        b,
        k,
        b if m.now else b + output(m, s, k),
        Instruments(
            bilinear(rates, at, 0).value,
            bilinear(rates, at, 1).value,
            bilinear(rates, at, 2).value,
        ),
    )


@jit
def consumption(m, at, x, y):
    """Consumption from the resource constraint."""
    g_A, g_B = growth(at.k, y)
    costs = Φ(A(m), at.k, g_A) + Φ(B(m), 1 - at.k, g_B)
    return at.cash - x / m.R - costs + (output(m, at.s, y) if m.now else 0.0)


@jit
def slack(m, b, q):
    """Slack of the collateral constraint at b' and q: b'/R + θ q, or with another limit."""
    return b / m.R + m.market * m.θ * q + m.limit


@jit
def consumed(m, at, x, y):
    """Consumption, a `Term`."""
    g_A, g_B = growth(at.k, y)
    rise = Φ_2(B(m), g_B) - Φ_2(A(m), g_A)
    if m.now:
        z = m.z[at.s]
        rise += (m.α + m.ξ_A) * production(m, A(m), z[0], y) / y - (m.α + m.ξ_B) * production(
            m, B(m), z[1], 1 - y
        ) / (1 - y)
    return Term(consumption(m, at, x, y), -1 / m.R, rise)


@jit
def discounted(d, worth, c, curve):
    """d worth, a `Term` of two, where d falls in u'(c) one for one; curve: u''/u'."""
    return Term(
        d * worth.value,
        d * (worth.x - worth.value * curve * c.x),
        d * (worth.y - worth.value * curve * c.y),
    )


@jit
def price(m, i, z, k, k1, g, sign, subsidy, z_later, rest, c, u):
    """Price of capital that one industry implies, a `Term`: its own condition, solved for q.

    z, k, k1, g: its productivity, its capital today and tomorrow and that one's growth; sign: 1 or
    -1 as it rises or falls with k'; z_later, rest: its two expectations; c, u: consumption, u'(c).
    """
    power, later, z = m.α + i.ξ - 1, 1 - m.now, m.now * z
    f = m.α * i.a * k1**power  # marginal product per unit of productivity
    worth = Term(
        later * z_later.value * f + rest.value,
        later * z_later.x * f + rest.x,
        later * f * (z_later.y + sign * z_later.value * power / k1) + rest.y,
    )
    q = discounted(m.β / u, worth, c, -m.γ / c.value)
    return Term(
        q.value - Φ_2(i, g) + z * f + subsidy, q.x, q.y + sign * (z * f * power / k1 - i.φ / k)
    )


@jit
def conditions(m, at, x, y):
    """The `Conditions` at a state and a choice."""
    E, z, k, taxes = expect(m, at.s, x, y), m.z[at.s], at.k, at.instruments
    c, (g_A, g_B), R = consumed(m, at, x, y), growth(k, y), (1 + taxes.τ) * m.R
    u, curve = c.value**-m.γ, -m.γ / c.value
    d = R * (m.β / u)
    ratio = d * E.u.value
    bond = Term(1 - ratio, -(d * E.u.x - ratio * curve * c.x), -(d * E.u.y - ratio * curve * c.y))
    q_A = price(m, A(m), z[0], k, y, g_A, 1.0, taxes.s_A, E.z_A, E.rest_A, c, u)
    q_B = price(m, B(m), z[1], 1 - k, 1 - y, g_B, -1.0, taxes.s_B, E.z_B, E.rest_B, c, u)
    q, share = y * q_A.value + (1 - y) * q_B.value, m.market * m.θ
    return Conditions(
        c.value,
        u,
        (1 + taxes.τ) * m.β * m.R * E.u.value,
        q,
        bond,
        Term(q_B.value - q_A.value, q_B.x - q_A.x, q_B.y - q_A.y),
        Term(
            slack(m, x, q),
            1 / m.R + share * (y * q_A.x + (1 - y) * q_B.x),
            share * (q_A.value - q_B.value + y * q_A.y + (1 - y) * q_B.y),
        ),
    )
