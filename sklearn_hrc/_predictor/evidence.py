"""Empirical Bayes for effects of arms that share a covariance.

The prior is that of `prior.py`. The variances of bases and effects, `bend` and the pattern `Omega`
are learnt by maximum evidence. MacKay's fixed point (1992, doi:10.1162/neco.1992.4.3.415) gives the
variances, and expectation maximisation gives `Omega`.

Few rows say little of the variance of a single feature. So the variances of effects have a prior
themselves, and all features share its centre. Where every feature has a small effect, as in a
linear model of many features, the centre keeps effects that no feature could show by itself.

The exact posterior has the size arms x columns. In a randomised experiment the arms
have the same features, but for chance. So the information of the arms is nearly
proportional, `A_j ~ s_j A`. Then arms and columns separate in a basis of the contrasts, and all
variances follow from one eigendecomposition of the size of the columns. The separated form serves
the variances, and preconditions the exact equations of the means.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from sklearn_hrc._predictor.prior import (
    RANK,
    Prior,
    effect_variances,
    hyperprior_share,
    pattern_inverse,
    prior_precision,
)

__all__ = ["solve", "update_prior"]

# Weak hyperpriors: a variance is pulled to a value with few degrees of freedom. Effects of features
# are pulled to a learnt centre, with more degrees the more features tell of it.
BASE_FLOOR, BASE_DEGREES = 1e-4, 0.5
EFFECT_FLOOR, EFFECT_DEGREES, CENTRE_DEGREES = 2e-5, 1.0, 2.0
BEND_CENTRE, BEND_DEGREES = 1.0, 1.0
LEAST_DEGREES = 0.05
# Of the features so many, and at least this share, are taken to have no effect. Otherwise noise
# would pass for small effects of all features.
IDLE_FEATURES, IDLE_SHARE = 4, 0.1
BASE_RANGE, EFFECT_RANGE = (1e-5, 10.0), (1e-6, 5.0)
# At most 1, so that bases have at least the variance of effects in columns that bend, too.
BEND_RANGE = (1e-2, 1.0)
# Weight of the prior that arms differ without a pattern, in columns for each contrast.
PATTERN_COLUMNS = 10.0
CG_STEPS, CG_TOLERANCE = 60, 1e-5


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


def solve(information, right, prior, layout, start):
    """Return the posterior mean and the covariance that the update of the prior needs.

    Parameters
    ----------
    information : ndarray of shape (n_arms, n_columns, n_columns)
        Curvature of the loss of each arm.
    right : ndarray of shape (n_arms, n_columns)
        Information times coefficients less the slope of the loss.
    prior : Prior
        Variances.
    layout : Layout
        What the columns are.
    start : ndarray of shape (n_arms, n_columns)
        Starting point of the iterations.

    Returns
    -------
    theta : ndarray of shape (n_arms, n_columns)
        Solution of `(information + prior precision) theta = right`, by conjugate gradients.
    separated : _Separated
        The approximate posterior covariance.
    """
    separated = _separate(information, prior, layout)
    inverse = pattern_inverse(prior)

    def precision(theta):
        product = np.matmul(information, theta[..., None])[..., 0]
        return product + prior_precision(theta, prior, layout, inverse)

    # Contrasts beyond the pattern's rank have no variance, so they must start and stay at zero.
    start = start.mean(axis=0) + prior.pattern @ inverse @ start
    return _conjugate_gradients(precision, right, start, separated), separated


def update_prior(theta, separated, prior, layout):
    """Return the prior after one step towards the largest evidence.

    Parameters
    ----------
    theta : ndarray of shape (n_arms, n_columns)
        Posterior mean.
    separated : _Separated
        Posterior covariance. `solve` gives both.
    prior : Prior
        Prior under which both were found.
    layout : Layout
        What the columns are.

    Returns
    -------
    prior : Prior
        Prior with variances closer to those that make the data most likely.
    """
    base = _update_base(theta, separated, prior, layout.group)
    n_arms = len(theta)
    # A single arm has no effects.
    if n_arms == 1:
        return prior._replace(base=base)
    effects = theta - theta.mean(axis=0)
    effect, bend = _update_effect(effects, separated, prior, layout)
    # The prior must not oppose arms: an arm without rows does not do the reverse of the others.
    base = np.maximum(base, effect / n_arms)
    return Prior(base, effect, _update_pattern(effects, separated, prior, layout), bend)


def _update_effect(effects, separated, prior, layout):
    """MacKay's step for the variances of the effects, and for the factor of columns that bend."""
    group, bends, n_groups = layout.group, layout.bends, len(prior.effect)
    # A variance is the size of the effects over the degrees of freedom that rows determine.
    variance = effect_variances(prior, layout)
    size = np.einsum("jk,jl,lk->k", effects, pattern_inverse(prior), effects) / variance
    # Rows of the eigenvectors have unit length before the prior scales them.
    unshrunken = (1 - separated.shrunken).sum(axis=0)
    degrees = (separated.vectors**2 / variance[:, None]) @ unshrunken
    centre, pull = _hyperprior(prior.effect)
    pull *= hyperprior_share(len(effects))
    effect = prior.effect * np.bincount(group, size, n_groups) + pull * centre
    effect /= np.maximum(np.bincount(group, degrees, n_groups) + pull, LEAST_DEGREES)
    bend = prior.bend * size[bends].sum() + BEND_DEGREES * BEND_CENTRE
    bend /= degrees[bends].sum() + BEND_DEGREES
    return np.clip(effect, *EFFECT_RANGE), np.clip(bend, *BEND_RANGE)


def _hyperprior(effect):
    """Values that the variances of effects are pulled to, and degrees of freedom of the pull."""
    centre, pull = np.full(len(effect), EFFECT_FLOOR), np.full(len(effect), EFFECT_DEGREES)
    n_features = len(effect) - 1
    active = n_features - max(IDLE_FEATURES, IDLE_SHARE * n_features)
    if active > 0:
        # For inverse gamma distributions the most likely centre is the harmonic mean.
        centre[1:] = max(active / np.sum(1 / effect[1:]), EFFECT_FLOOR)
        pull[1:] += CENTRE_DEGREES * active / n_features
    return centre, pull


def _update_pattern(effects, separated, prior, layout):
    """Step of expectation maximisation for the pattern."""
    n_arms = len(effects)
    pattern = (effects / effect_variances(prior, layout)) @ effects.T
    pattern += (separated.contrasts * separated.shrunken.sum(axis=1)) @ separated.contrasts.T
    pattern += PATTERN_COLUMNS * (n_arms - 1) * (np.eye(n_arms) - 1 / n_arms)
    # Only effect times pattern is determined, so the trace is fixed.
    return pattern * (n_arms - 1) / np.trace(pattern)


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


def _separate(information, prior, layout):
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
    scale = np.sqrt(effect_variances(prior, layout))
    eigenvalues, eigenvectors = np.linalg.eigh(scale[:, None] * total * scale)
    # In this basis the posterior precision is 1 + data x eigenvalue, in units of the prior's.
    products = np.maximum(data, 0)[:, None] * np.maximum(eigenvalues, 0)
    return _Separated(
        contrasts,
        contrasts - weight @ contrasts,
        scale[:, None] * eigenvectors,
        1 / (1 + products),
        cho_factor(total + np.diag(1 / prior.base[layout.group])),
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
