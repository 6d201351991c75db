"""Equations of the model, for any number of industries: the last axis runs over industries.

A region holds capital k_i, Σ k_i = K̄ = 1, and produces one good in industries i. Letters are
those of the book; `p` is a `Parameters`.
"""

import warnings
from functools import reduce

import numpy as np

from ..errors import DataError


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
    from quantecon import markov  # slow to import

    chains = []
    for n, ρ, σ in zip(p.states, p.ρ, p.σ, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # each call of rouwenhorst announces an old change
            chain = getattr(markov, p.method)(n, ρ, σ) if n > 1 and σ > 0 else None
        chains.append((chain.state_values, chain.P) if chain else (np.zeros(1), np.ones((1, 1))))
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
