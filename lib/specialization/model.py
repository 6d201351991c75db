"""Equations of the model, for any number of industries: the last axis runs over industries.

A region holds capital k_i, Σ k_i = K̄ = 1, and produces one good in industries i. Letters are
those of the book; `p` is a `Parameters`.
"""

from functools import reduce
from math import erf, sqrt

import numpy as np

from . import DataError


def utility(c, p):
    r"""u(c) = (c^{1-γ} - 1) / (1-γ), log c at γ = 1. NaN where c < 0."""
    return np.log(c) if p.γ == 1 else (c ** (1 - p.γ) - 1) / (1 - p.γ)


def marginal_utility(c, p):
    r"""u'(c) = c^{-γ}."""
    return c ** -p.γ


def f(k, p):
    r"""f(k) = k^α."""
    return k ** p.α


def agglomeration(k, p):
    r"""k^ξ, or (k/k̄)^ξ in the normalised variant: productivity is z = z̄ times this."""
    base = np.asarray(p.k_bar) if p.agglomeration == "normalised" else 1.0
    return (k / base) ** np.asarray(p.ξ)


def production(z, k, p):
    r"""y_i = z̄_i k_i^{ξ_i} f(k_i), with z̄ in z; arrays (..., I)."""
    return z * agglomeration(k, p) * f(k, p)


def marginal_product(z, k, p):
    r"""Private: α z̄ k^{α+ξ-1}, as the individual takes agglomeration as given."""
    return p.α * production(z, k, p) / k


def social_marginal_product(z, k, p):
    r"""Social: (α+ξ) z̄ k^{α+ξ-1}."""
    return (p.α + np.asarray(p.ξ)) * production(z, k, p) / k


def Φ(k, k1, p):
    r"""Adjustment cost φ/2 (k'/k - 1)² k; k1 stands for k'."""
    return np.asarray(p.φ) / 2 * (k1 / k - 1) ** 2 * k


def Φ_1(k, k1, p):
    r"""∂Φ/∂k = -φ/2 ((k'/k)² - 1)."""
    return -np.asarray(p.φ) / 2 * ((k1 / k) ** 2 - 1)


def Φ_2(k, k1, p):
    r"""∂Φ/∂k' = φ (k'/k - 1)."""
    return np.asarray(p.φ) * (k1 / k - 1)


def rouwenhorst(n, ρ, σ):
    r"""Chain for x' = ρ x + ε, ε ~ N(0, σ²), by Rouwenhorst's method.

    Mean, variance and autocorrelation are exact for every n >= 2.

    Returns
    -------
    x : (n,) array, evenly spaced over ± sqrt(n-1) unconditional standard deviations
    P : (n, n) array, rows sum to one
    """
    s, P = (1 + ρ) / 2, np.ones((1, 1))
    for _ in range(n - 1):
        stay, move = s * P, (1 - s) * P
        P = (np.pad(stay, ((0, 1), (0, 1))) + np.pad(move, ((0, 1), (1, 0)))
             + np.pad(move, ((1, 0), (0, 1))) + np.pad(stay, ((1, 0), (1, 0))))
        P /= P.sum(axis=1, keepdims=True)
    return np.linspace(-1, 1, n) * np.sqrt(n - 1) * σ / np.sqrt(1 - ρ**2), P


def tauchen(n, ρ, σ, width=3):
    r"""Chain for x' = ρ x + ε by Tauchen's method: n points within ± width standard deviations.

    P_ij is the mass of N(ρ x_i, σ²) between the midpoints around x_j. Returns as `rouwenhorst`.
    """
    x = np.linspace(-1, 1, n) * width * σ / np.sqrt(1 - ρ**2)
    edge = (x[:-1] + (x[1] - x[0]) / 2 - ρ * x[:, None]) / σ
    normal = np.array([[(1 + erf(e / sqrt(2))) / 2 for e in row] for row in edge])
    return x, np.diff(normal, axis=1, prepend=0, append=1)


def productivity_chain(p, μ=None):
    r"""All industries' productivity as one Markov chain; industries are independent.

    z̄_{t+1} = ρ z̄_t + (1-ρ) μ + ε around a constant mean μ, by `p.method`; an industry with
    σ = 0 or one state has its mean only. See `mean_path` for means that drift.

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
        A productivity that is not positive.
    """
    chains = []
    for n, ρ, σ in zip(p.states, p.ρ, p.σ, strict=True):
        method = rouwenhorst if p.method == "rouwenhorst" else tauchen
        chains.append(method(n, ρ, σ) if n > 1 and σ > 0 else (np.zeros(1), np.ones((1, 1))))
    x = np.stack(np.meshgrid(*(x for x, _ in chains), indexing="ij"), axis=-1)
    z = x.reshape(-1, len(chains)) + np.asarray(p.μ if μ is None else μ, dtype=float)
    if not (z > 0).all():
        raise DataError(f"productivity falls to {z.min():.3g}; valid: above 0. Lower σ = {p.σ} "
                        f"or raise μ")
    return z, reduce(np.kron, (P for _, P in chains))


def mean_path(p, μ, start=None):
    r"""Mean of z̄ where μ drifts: m_{t+1} = ρ m_t + (1-ρ) μ_{t+1}.

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
    """
    m, ρ = np.array(μ, dtype=float), np.asarray(p.ρ)
    if start is not None:
        m[0] = start
    for t in range(1, len(m)):
        m[t] = ρ * m[t - 1] + (1 - ρ) * m[t]
    return m
