"""Empirical Bayes for effects of arms that share a covariance.

The coefficients of column k, one of each arm, have the prior

    theta_.k ~ N(0, base_g 11' + effect_g Omega),

with g the feature of the column. The first term is what the arms have in common. The second is how
the arms differ, along the contrasts of `Omega`, whose rows sum to zero and whose trace is J - 1.
The variances of bases and effects and the pattern `Omega` are learnt by maximum evidence. MacKay's
fixed point (1992, doi:10.1162/neco.1992.4.3.415) gives the variances, and expectation maximisation
gives `Omega`.

The exact posterior has the size arms x columns. In a randomised experiment the arms
have the same features, but for chance. So the information of the arms is nearly
proportional, `A_j ~ s_j A`. Then arms and columns separate in a basis of the contrasts, and all
variances follow from one eigendecomposition of the size of the columns. The separated form serves
the variances, and preconditions the exact equations of the means.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

__all__ = ["Prior", "first_prior", "prior_precision", "solve", "update_prior"]

# Starting values of the variances, for links with a spread of the order of one.
BASE_VARIANCE, EFFECT_VARIANCE, LEVEL_VARIANCE = 0.02, 0.002, 0.02
# The level that all arms share is free.
FREE = 1e4
# Weak hyperpriors: a variance is pulled to these values with few degrees of freedom.
BASE_FLOOR, BASE_DEGREES = 1e-4, 0.5
EFFECT_FLOOR, EFFECT_DEGREES = 2e-5, 1.0
LEAST_DEGREES = 0.05
BASE_RANGE, EFFECT_RANGE = (1e-5, 10.0), (1e-6, 5.0)
# Weight of the prior that arms differ without a pattern, in columns for each contrast.
PATTERN_COLUMNS = 10.0
# Contrasts whose variance is below this share of the largest variance do not occur.
RANK = 1e-5
CG_STEPS, CG_TOLERANCE = 60, 1e-5


class Prior(NamedTuple):
    """Variances of bases and effects.

    Attributes
    ----------
    base, effect : ndarray of shape (n_groups,)
        Variances for the columns of each group. Group 0 is the level.
    pattern : ndarray of shape (n_arms, n_arms)
        The matrix Omega.
    """

    base: np.ndarray
    effect: np.ndarray
    pattern: np.ndarray


class _Separated(NamedTuple):
    """Posterior covariance as if the arms' information were proportional.

    Attributes
    ----------
    contrasts : ndarray of shape (n_arms, n_contrasts)
        Basis in which the effects are independent, with prior variances `effect`.
    balanced : ndarray of shape (n_arms, n_contrasts)
        The contrasts less their mean over the rows of the arms.
    vectors : ndarray of shape (n_columns, n_columns)
        Eigenvectors, scaled by the prior.
    shrunken : ndarray of shape (n_contrasts, n_columns)
        Posterior variance along each contrast and vector, as a share of the prior variance.
    base_factor : tuple
        Cholesky factor of the precision of the bases.
    """

    contrasts: np.ndarray
    balanced: np.ndarray
    vectors: np.ndarray
    shrunken: np.ndarray
    base_factor: tuple


def first_prior(n_groups, n_arms):
    """Return a prior under which effects are small beside bases."""
    base, effect = np.full(n_groups, BASE_VARIANCE), np.full(n_groups, EFFECT_VARIANCE)
    base[0], effect[0] = FREE, LEVEL_VARIANCE
    return Prior(base, effect, np.eye(n_arms) - 1 / n_arms)


def prior_precision(theta, prior, group, inverse=None):
    """Return the prior's precision matrix times coefficients of shape (n_arms, n_columns).

    `inverse` is the inverse of the pattern, if the caller has it.
    """
    inverse = _inverse(prior.pattern) if inverse is None else inverse
    common = theta.sum(axis=0) / (len(theta) ** 2 * prior.base[group])
    return common + inverse @ theta / prior.effect[group]


def _inverse(pattern):
    """Inverse of the pattern along the contrasts that occur."""
    return np.linalg.pinv(pattern, rcond=RANK, hermitian=True)


def solve(information, right, prior, group, start):
    """Return the posterior mean and the covariance that the update of the prior needs.

    Parameters
    ----------
    information : ndarray of shape (n_arms, n_columns, n_columns)
        Curvature of the loss of each arm.
    right : ndarray of shape (n_arms, n_columns)
        Information times coefficients less the slope of the loss.
    prior : Prior
        Variances.
    group : ndarray of shape (n_columns,), int
        Group of each column.
    start : ndarray of shape (n_arms, n_columns)
        Starting point of the iterations.

    Returns
    -------
    theta : ndarray of shape (n_arms, n_columns)
        Solution of `(information + prior precision) theta = right`, by conjugate gradients.
    separated : _Separated
        The approximate posterior covariance.
    """
    separated = _separate(information, prior, group)
    inverse = _inverse(prior.pattern)

    def precision(theta):
        product = np.matmul(information, theta[..., None])[..., 0]
        return product + prior_precision(theta, prior, group, inverse)

    # Contrasts beyond the pattern's rank have no variance, so they must start and stay at zero.
    start = start.mean(axis=0) + prior.pattern @ inverse @ start
    return _conjugate_gradients(precision, right, start, separated), separated


def update_prior(theta, separated, prior, group):
    """Return the prior after one step towards the largest evidence.

    Parameters
    ----------
    theta : ndarray of shape (n_arms, n_columns)
        Posterior mean.
    separated : _Separated
        Posterior covariance. `solve` gives both.
    prior : Prior
        Prior under which both were found.
    group : ndarray of shape (n_columns,), int
        Group of each column.

    Returns
    -------
    prior : Prior
        Prior with variances closer to those that make the data most likely.
    """
    base = _update_base(theta, separated, prior, group)
    n_arms, n_groups = len(theta), len(prior.base)
    # A single arm has no effects.
    if n_arms == 1:
        return prior._replace(base=base)
    # MacKay: a variance is the size of the effects over the degrees of freedom that rows determine.
    effects = theta - theta.mean(axis=0)
    inverse = _inverse(prior.pattern)
    size = np.einsum("jk,jl,lk->k", effects, inverse, effects)
    size = np.bincount(group, size, n_groups)
    unshrunken = (1 - separated.shrunken).sum(axis=0)
    # Rows of the eigenvectors have unit length before the prior scales them.
    share = separated.vectors**2 / prior.effect[group][:, None]
    degrees = np.bincount(group, share @ unshrunken, n_groups)
    effect = (size + EFFECT_DEGREES * EFFECT_FLOOR) / np.maximum(
        degrees + EFFECT_DEGREES, LEAST_DEGREES
    )
    effect = np.clip(effect, *EFFECT_RANGE)
    # The prior must not oppose arms: an arm without rows does not do the reverse of the others.
    base = np.maximum(base, effect / n_arms)
    # Expectation maximisation. Only effect times pattern is determined, so the trace is fixed.
    pattern = (effects / prior.effect[group]) @ effects.T
    pattern += (separated.contrasts * separated.shrunken.sum(axis=1)) @ separated.contrasts.T
    pattern += PATTERN_COLUMNS * (n_arms - 1) * (np.eye(n_arms) - 1 / n_arms)
    pattern *= (n_arms - 1) / np.trace(pattern)
    return Prior(base, effect, pattern)


def _update_base(theta, separated, prior, group):
    """MacKay's step for the variances of the bases. The level stays free."""
    n_groups = len(prior.base)
    variance = np.diag(cho_solve(separated.base_factor, np.eye(theta.shape[1])))
    # Precision that the rows add to that of the prior.
    known = np.maximum(1 / variance - 1 / prior.base[group], 0)
    # So much is known of the mean over rows. Less is known of the mean over arms if an arm has few
    # rows, since the effects of this arm are uncertain.
    shift = (separated.contrasts - separated.balanced)[0]
    known = known / (1 + known * (separated.vectors**2 @ (shift**2 @ separated.shrunken)))
    size = np.bincount(group, theta.mean(axis=0) ** 2, n_groups)
    degrees = np.bincount(group, known / (known + 1 / prior.base[group]), n_groups)
    base = (size + BASE_FLOOR) / np.maximum(degrees + BASE_DEGREES, LEAST_DEGREES)
    base = np.clip(base, *BASE_RANGE)
    base[0] = prior.base[0]
    return base


def _separate(information, prior, group):
    """Separate arms and columns, as the docstring of this module says."""
    total = information.sum(axis=0)
    weight = np.trace(information, axis1=1, axis2=2)
    weight = weight / max(weight.sum(), np.finfo(float).tiny)
    values, vectors = np.linalg.eigh(prior.pattern)
    kept = values > RANK * values[-1]
    root = vectors[:, kept] * np.sqrt(values[kept])
    # Contrasts sum to zero, but for rounding.
    root -= root.mean(axis=0)
    # Information of the arms on contrasts when the base is free.
    between = np.diag(weight) - np.outer(weight, weight)
    data, rotation = np.linalg.eigh(root.T @ between @ root)
    contrasts = root @ rotation
    scale = np.sqrt(prior.effect[group])
    eigenvalues, eigenvectors = np.linalg.eigh(scale[:, None] * total * scale)
    # In this basis the posterior precision is 1 + data x eigenvalue, in units of the prior's.
    products = np.maximum(data, 0)[:, None] * np.maximum(eigenvalues, 0)
    return _Separated(
        contrasts,
        contrasts - weight @ contrasts,
        scale[:, None] * eigenvectors,
        1 / (1 + products),
        cho_factor(total + np.diag(1 / prior.base[group])),
    )


def _precondition(residual, separated):
    """Apply the separated covariance to bases and balanced contrasts, each by itself."""
    base = cho_solve(separated.base_factor, residual.sum(axis=0))
    along = (separated.balanced.T @ residual) @ separated.vectors
    effects = (separated.shrunken * along) @ separated.vectors.T
    return base + separated.balanced @ effects


def _conjugate_gradients(precision, right, theta, separated):
    """Solve `precision(theta) = right` up to a small share of the first residual."""
    # The separated covariance nearly inverts the precision of a randomised experiment.
    residual = right - precision(theta)
    direction = step = _precondition(residual, separated)
    size = first = np.vdot(residual, step)
    for _ in range(CG_STEPS):
        if size <= CG_TOLERANCE**2 * first or size <= 0:
            break
        product = precision(direction)
        length = size / np.vdot(direction, product)
        theta = theta + length * direction
        residual = residual - length * product
        step = _precondition(residual, separated)
        new = np.vdot(residual, step)
        direction = step + (new / size) * direction
        size = new
    return theta
