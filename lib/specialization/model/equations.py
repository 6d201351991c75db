"""Equations of the model, for any number of industries: the last axis runs over industries.

A region holds capital k_i, Σ k_i = K̄ = 1, and produces one good in industries i. Letters are
those of the book, and functions bear the names of its equations; `p` is a `Parameters`. Arrays in,
arrays out: what has one value per industry has a last axis more than what has not.
"""

import warnings
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..errors import DataError
from .parameters import Parameters

# Technology and preferences


def utility(c: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Utility of a year's consumption, :math:`u(c) = (c^{1-γ} - 1) / (1-γ)`, log c at γ = 1.

    Parameters
    ----------
    c : array, units of output; NaN comes out where it is negative
    p : Parameters

    Returns
    -------
    array like c

    Examples
    --------
    >>> utility(2.0, Parameters(γ=2.0)).item()
    0.5
    """
    c = np.asarray(c)
    return np.log(c) if p.γ == 1 else (c ** (1 - p.γ) - 1) / (1 - p.γ)


def marginal_utility(c: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Marginal utility, :math:`u'(c) = c^{-γ}`.

    Parameters
    ----------
    c : array, units of output
    p : Parameters

    Returns
    -------
    array like c

    Examples
    --------
    >>> marginal_utility(2.0, Parameters(γ=2.0)).item()
    0.25
    """
    return np.asarray(c) ** -p.γ


def f(k: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Output at productivity one, :math:`f(k) = k^α`.

    Parameters
    ----------
    k : array
    p : Parameters

    Returns
    -------
    array like k

    Examples
    --------
    >>> f(0.25, Parameters(α=0.5, ξ=0.0)).item()
    0.5
    """
    return np.asarray(k) ** p.α


def agglomeration(k: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Productivity that comes from size, :math:`k^ξ`, or :math:`(k/\bar k)^ξ` where normalised.

    Parameters
    ----------
    k : (..., I) array
    p : Parameters

    Returns
    -------
    (..., I) array

    Examples
    --------
    >>> agglomeration([0.25, 0.75], Parameters(ξ=(0.5, 0.0)))
    array([0.5, 1. ])
    """
    base = np.asarray(p.k_bar) if p.agglomeration == "normalised" else 1.0
    return (np.asarray(k) / base) ** np.asarray(p.ξ)


def production(z: ArrayLike, k: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Output by industry, :math:`y_i = \bar z_i k_i^{ξ_i} f(k_i)`.

    Parameters
    ----------
    z : (..., I) array, levels of z̄
    k : (..., I) array
    p : Parameters

    Returns
    -------
    (..., I) array

    Examples
    --------
    >>> production([1.0, 2.0], [0.25, 0.25], Parameters(α=0.5, ξ=0.0))
    array([0.5, 1. ])
    """
    return np.asarray(z) * agglomeration(k, p) * f(k, p)


def marginal_product(z: ArrayLike, k: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Private marginal product, :math:`α \bar z k^{α+ξ-1}`; agglomeration is taken as given.

    Parameters
    ----------
    z : (..., I) array, levels of z̄, or their expectation: the product is linear in them
    k : (..., I) array
    p : Parameters

    Returns
    -------
    (..., I) array

    Examples
    --------
    >>> marginal_product([1.0, 2.0], [0.25, 0.25], Parameters(α=0.5, ξ=0.0))
    array([1., 2.])
    """
    return p.α * production(z, k, p) / np.asarray(k)


def social_marginal_product(z: ArrayLike, k: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Marginal product of the region, :math:`(α+ξ) \bar z k^{α+ξ-1}`.

    Parameters
    ----------
    z : (..., I) array, levels of z̄
    k : (..., I) array
    p : Parameters

    Returns
    -------
    (..., I) array

    Examples
    --------
    >>> social_marginal_product([1.0, 1.0], [0.5, 0.5], Parameters(α=0.5, ξ=0.25)).round(3)
    array([0.892, 0.892])
    """
    return (p.α + np.asarray(p.ξ)) * production(z, k, p) / np.asarray(k)


def Φ(k: ArrayLike, k1: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Costs of adjustment, :math:`Φ_i = \frac{φ_i}{2} (k'/k - 1)^2 k`.

    Parameters
    ----------
    k, k1 : (..., I) arrays, capital now and next year (k')
    p : Parameters

    Returns
    -------
    (..., I) array, units of output

    Examples
    --------
    >>> Φ([0.5, 0.5], [0.4, 0.6], Parameters(φ=1.0)).round(3)
    array([0.01, 0.01])
    """
    k = np.asarray(k)
    return np.asarray(p.φ) / 2 * (k1 / k - 1) ** 2 * k


def Φ_1(k: ArrayLike, k1: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Costs of a unit more in place, :math:`∂Φ/∂k = -\frac{φ}{2} ((k'/k)^2 - 1)`.

    Parameters
    ----------
    k, k1 : (..., I) arrays, capital now and next year (k')
    p : Parameters

    Returns
    -------
    (..., I) array, positive where capital leaves

    Examples
    --------
    >>> Φ_1([0.5, 0.5], [0.4, 0.6], Parameters(φ=1.0)).round(3)
    array([ 0.18, -0.22])
    """
    return -np.asarray(p.φ) / 2 * ((k1 / np.asarray(k)) ** 2 - 1)


def Φ_2(k: ArrayLike, k1: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Costs of a unit more next year, :math:`∂Φ/∂k' = φ (k'/k - 1)`.

    Parameters
    ----------
    k, k1 : (..., I) arrays, capital now and next year (k')
    p : Parameters

    Returns
    -------
    (..., I) array

    Examples
    --------
    >>> Φ_2([0.5, 0.5], [0.4, 0.6], Parameters(φ=1.0)).round(3)
    array([-0.2,  0.2])
    """
    return np.asarray(p.φ) * (k1 / np.asarray(k) - 1)


# What people do


def payoffs(
    z: ArrayLike,
    k: ArrayLike,
    k1: ArrayLike,
    c: ArrayLike,
    q: ArrayLike,
    η: ArrayLike,
    p: Parameters,
) -> np.ndarray:
    r"""What the conditions of the year before take expectations of.

    .. math:: u', \qquad u' \bar z_i, \qquad u' (q - Φ_{1,i}) + θ q η

    Parameters
    ----------
    z, k, k1 : (..., I) arrays, levels of z̄, capital now and next year
    c, q, η : (...) arrays, consumption, price of capital, multiplier in units of u'
    p : Parameters

    Returns
    -------
    (..., 1 + 2 I) array

    Examples
    --------
    >>> payoffs([1.0, 1.0], [0.5, 0.5], [0.5, 0.5], 1.0, 2.0, 0.5, Parameters(θ=0.1))
    array([1. , 1. , 1. , 2.1, 2.1])
    """
    u, q, η = (np.asarray(x)[..., None] for x in (marginal_utility(c, p), q, η))
    pledged = (
        q
        if p.collateral == "market"
        else np.asarray(p.q_bar if p.collateral == "fixed price" else 0.0)
    )
    held = u * (q - Φ_1(k, k1, p)) + p.θ * pledged * η
    return np.concatenate([u, u * np.asarray(z), held], axis=-1)


def bonds(Eu: ArrayLike, η: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Consumption by the bond equation, :math:`u'(c) = βR\, E u'(c') + η`.

    Parameters
    ----------
    Eu : array, expected marginal utility next year
    η : array, multiplier on the collateral constraint, in units of u'; zero where it is slack
    p : Parameters

    Returns
    -------
    array, the c that solves it

    Examples
    --------
    At a constant consumption of one a multiplier of 1 - βR holds people back.

    >>> p = Parameters()
    >>> bonds(1.0, 1 - p.β * p.R, p).item()
    1.0
    """
    return (p.β * p.R * np.asarray(Eu) + np.asarray(η)) ** (-1 / p.γ)


def capital(k1: ArrayLike, Euz: ArrayLike, held: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Value of a unit of capital next year, in units of today's u'.

    .. math:: Q_i = β E \big[ u'(c') (z_i' f'(k_i') + q' - Φ_{1,i}') + θ q' η' \big]

    Parameters
    ----------
    k1 : (..., I) array, capital next year
    Euz : (..., I) array, expectation of u' z̄_i, see `payoffs`
    held : (..., I) array, expectation of u' (q - Φ_1,i) + θ q η
    p : Parameters

    Returns
    -------
    (..., I) array

    Examples
    --------
    >>> p = Parameters(β=0.5, α=0.5, ξ=0.0)
    >>> capital([0.25, 0.25], [1.0, 1.0], [2.0, 2.0], p)
    array([1.5, 1.5])
    """
    return p.β * (marginal_product(Euz, k1, p) + np.asarray(held))


def price(Q: ArrayLike, k: ArrayLike, k1: ArrayLike, c: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Price of capital that each industry implies, :math:`q = Q_i / u'(c) - Φ_{2,i}`.

    In equilibrium all are equal: that is the portfolio condition, which moves k'. For production
    with the capital of the year before, `timing` "predetermined", as in `capital`.

    Parameters
    ----------
    Q : (..., I) array, of `capital`
    k, k1 : (..., I) arrays, capital now and next year
    c : (...) array
    p : Parameters

    Returns
    -------
    (..., I) array

    Examples
    --------
    >>> price([2.0, 2.0], [0.5, 0.5], [0.5, 0.5], 1.0, Parameters())
    array([2., 2.])
    """
    return np.asarray(Q) / marginal_utility(c, p)[..., None] - Φ_2(k, k1, p)


def resources(
    z: ArrayLike, k: ArrayLike, k1: ArrayLike, b: ArrayLike, p: Parameters
) -> np.ndarray:
    r"""What a region can spend, :math:`c + b'/R = \sum_i [z_i f(k_i) - Φ_i] + b`.

    Parameters
    ----------
    z, k, k1 : (..., I) arrays, levels of z̄, capital now and next year
    b : (...) array, bonds
    p : Parameters
        Where its timing is "current", production is with k1.

    Returns
    -------
    (...) array, the right-hand side

    Examples
    --------
    >>> resources([1.0, 2.0], [0.25, 0.25], [0.25, 0.25], -0.5, Parameters(α=0.5, ξ=0.0)).item()
    1.0
    """
    y = production(z, k1 if p.timing == "current" else k, p)
    return (y - Φ(k, k1, p)).sum(axis=-1) + np.asarray(b)


def collateral(b1: ArrayLike, q: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Slack of the collateral constraint, :math:`b'/R + θ q \bar K`.

    Parameters
    ----------
    b1 : array, bonds next year
    q : array, price of capital
    p : Parameters
        Its collateral decides: θ q, θ q_bar, the limit, or infinity without a constraint.

    Returns
    -------
    array, zero where the constraint binds, negative where it is violated

    Examples
    --------
    >>> collateral(-0.102, 1.5, Parameters(θ=0.1, R=1.02)).round(3).item()
    0.05
    """
    limits = {
        "market": p.θ * np.asarray(q),
        "fixed price": p.θ * p.q_bar,
        "fixed limit": p.limit,
        "none": np.inf,
    }
    return np.asarray(b1) / p.R + np.asarray(limits[p.collateral])


def feedback(c: ArrayLike, q: ArrayLike, p: Parameters) -> np.ndarray:
    r"""What a dollar more of debt adds to the value of collateral, :math:`γθq/c`.

    Parameters
    ----------
    c, q : arrays, consumption and price of capital
    p : Parameters

    Returns
    -------
    array; above one there can be several equilibria

    Examples
    --------
    >>> feedback(1.5, 3.0, Parameters(γ=2.0, θ=0.1)).round(3).item()
    0.4
    """
    return p.γ * p.θ * np.asarray(q) / np.asarray(c)


def sunspot(m: ArrayLike, p: Parameters) -> np.ndarray:
    r"""Odds of the binding solution beside one with slack m.

    .. math:: π(m) = 1 - r^2 (3 - 2r), \qquad r = \min(m/δ, 1)

    Parameters
    ----------
    m : array, slack of the slack solution; not negative
    p : Parameters

    Returns
    -------
    array of probabilities, from 1 at m = 0 to 0 from m = δ on; 0 where δ = 0

    Examples
    --------
    >>> sunspot([0.0, 0.1, 0.2], Parameters(δ=0.2)).round(3)
    array([1. , 0.5, 0. ])
    """
    m = np.asarray(m)
    r = np.minimum(m / p.δ, 1) if p.δ > 0 else np.ones(m.shape)
    return 1 - r**2 * (3 - 2 * r)


# Productivity


def _tauchen(n, ρ, σ):
    """Chain of Tauchen's method whose span gives it the standard deviation of the process.

    At the usual three standard deviations two states have three times the one asked for.
    """
    from quantecon import markov  # slow to import

    def chain(span):
        found = markov.tauchen(n, ρ, σ, n_std=span)
        x, P = found.state_values, found.P
        odds = np.linalg.lstsq(np.vstack([P.T - np.eye(n), np.ones(n)]), np.eye(n + 1)[-1])[0]
        variance = odds @ x**2
        return found, variance * (1 - ρ**2) / σ**2, (odds * x) @ P @ x / variance

    # few states too far apart are never reached, so the bracket widens with their number
    span = brentq(lambda span: chain(span)[1] - 1, 0.8, min(1 + n / 2, 6))
    found, _, persistence = chain(span)
    if not 0.5 < (1 - persistence) / (1 - ρ) < 2:
        raise DataError(
            f"productivity: Tauchen's method with {n} states has a persistence of "
            f"{persistence:.3f} where ρ = {ρ}; valid: more states, or "
            "method = 'rouwenhorst'"
        )
    return found


def productivity_chain(p: Parameters, μ: ArrayLike | None = None) -> tuple[np.ndarray, np.ndarray]:
    r"""All industries' productivity as one Markov chain; industries are independent.

    .. math:: \bar z_{t+1} = ρ \bar z_t + (1-ρ) μ + ε_{t+1}

    around a constant mean μ, by `p.method`; an industry with σ = 0 or one state has its mean only.
    Both methods give the chain the standard deviation σ/√(1-ρ²) of the process; its persistence is
    exact with Rouwenhorst's method only. See `mean_path` for means that drift.

    Parameters
    ----------
    p : Parameters
    μ : (I,) sequence, optional
        Means of z̄, those of p where None.

    Returns
    -------
    z : (S, I) array, levels of z̄; the last industry's state runs fastest
    P : (S, S) array

    Raises
    ------
    DataError
        A productivity that is not positive; too few states for Tauchen's method at this ρ.

    Examples
    --------
    >>> z, P = productivity_chain(Parameters(σ=(0.06, 0.0), states=2))
    >>> z.round(3).tolist(), P.tolist()
    ([[0.931, 1.0], [1.069, 1.0]], [[0.75, 0.25], [0.25, 0.75]])

    References
    ----------
    Rouwenhorst (1995) and Tauchen (1986), in quantecon.
    """
    from quantecon import markov  # slow to import

    methods, chains = {"rouwenhorst": markov.rouwenhorst, "tauchen": _tauchen}, []
    for n, ρ, σ in zip(p.states, p.ρ, p.σ, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # each call of rouwenhorst announces an old change
            chain = methods[p.method](n, ρ, σ) if n > 1 and σ > 0 else None
        chains.append((chain.state_values, chain.P) if chain else (np.zeros(1), np.ones((1, 1))))
    x = np.stack(np.meshgrid(*(x for x, _ in chains), indexing="ij"), axis=-1)
    z = x.reshape(-1, len(chains)) + np.asarray(p.μ if μ is None else μ, dtype=float)
    if not (z > 0).all():
        raise DataError(
            f"productivity falls to {z.min():.3g}; valid: above 0. Lower σ = {p.σ} or raise μ"
        )
    return z, reduce(np.kron, (P for _, P in chains))


def mean_path(p: Parameters, μ: ArrayLike, start: ArrayLike | None = None) -> np.ndarray:
    r"""Mean of z̄ where μ drifts, :math:`m_{t+1} = ρ m_t + (1-ρ) μ_{t+1}`.

    The deviation z̄ - m is the chain of `productivity_chain` whatever the drift.

    Parameters
    ----------
    p : Parameters
    μ : (T, I) array
    start : (I,) array, optional
        Mean in the first period; μ_0 where None.

    Returns
    -------
    (T, I) array

    Examples
    --------
    >>> mean_path(Parameters(ρ=0.5), [[1, 1], [2, 1], [2, 1]])
    array([[1.  , 1.  ],
           [1.5 , 1.  ],
           [1.75, 1.  ]])
    """
    m, ρ = np.array(μ, dtype=float), np.asarray(p.ρ)
    if start is not None:
        m[0] = start
    for t in range(1, len(m)):
        m[t] = ρ * m[t - 1] + (1 - ρ) * m[t]
    return m
