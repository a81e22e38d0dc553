"""Prior of the coefficients of the partially pooled model, arms that share a covariance.

The coefficients of column k, one of each arm, have the prior

    theta_.k ~ N(0, base_g 11' + effect_g bend_k Omega),

with g the feature of the column. The first term is what the arms have in common. The second is how
the arms differ, along the contrasts of `Omega`, whose rows sum to zero and whose trace is J - 1.
The factor `bend_k` is one number for all columns by which effects bend, and 1 for the others: where
effects are linear, no feature needs its bends. `evidence.py` learns all of it from the data.
"""

from typing import NamedTuple

import numpy as np

__all__ = [
    "RANK",
    "Layout",
    "Prior",
    "effect_variances",
    "first_prior",
    "hyperprior_share",
    "pattern_inverse",
    "prior_precision",
]

# Starting values of the variances, for links with a spread of the order of one.
BASE_VARIANCE, EFFECT_VARIANCE, LEVEL_VARIANCE, BEND = 0.02, 0.002, 0.02, 1.0
# The level that all arms share is free.
FREE = 1e4
# Contrasts whose variance is below this share of the largest variance do not occur.
RANK = 1e-5
# From this many contrasts on, priors of the variances of effects count in full.
ALL_CONTRASTS = 4


class Layout(NamedTuple):
    """What the columns are.

    Attributes
    ----------
    group : ndarray of shape (n_columns,), int
        Group of each column. Group 0 is the level, and others are features.
    bends : ndarray of shape (n_columns,), bool
        Whether the column is one by which effects of its feature bend.
    """

    group: np.ndarray
    bends: np.ndarray


class Prior(NamedTuple):
    """Variances of bases and effects.

    Attributes
    ----------
    base, effect : ndarray of shape (n_groups,)
        Variances for the columns of each group. Group 0 is the level.
    pattern : ndarray of shape (n_arms, n_arms)
        The matrix Omega.
    bend : float
        Variance of effects in columns that bend, as a multiple of `effect`.
    """

    base: np.ndarray
    effect: np.ndarray
    pattern: np.ndarray
    bend: float


def first_prior(n_groups, n_arms):
    """Return a prior under which effects are small beside bases."""
    base, effect = np.full(n_groups, BASE_VARIANCE), np.full(n_groups, EFFECT_VARIANCE)
    base[0], effect[0] = FREE, LEVEL_VARIANCE
    return Prior(base, effect, np.eye(n_arms) - 1 / n_arms, BEND)


def hyperprior_share(n_arms):
    """Return the share of its degrees of freedom with which a variance's prior counts.

    With two arms an effect is a single contrast. The same degrees that are few beside the seven
    contrasts of eight arms would hide it.
    """
    return min((n_arms - 1) / ALL_CONTRASTS, 1.0)


def prior_precision(theta, prior, layout, inverse=None):
    """Return the prior's precision matrix times coefficients of shape (n_arms, n_columns).

    `inverse` is the inverse of the pattern, if the caller has it.
    """
    inverse = pattern_inverse(prior) if inverse is None else inverse
    common = theta.sum(axis=0) / (len(theta) ** 2 * prior.base[layout.group])
    return common + inverse @ theta / effect_variances(prior, layout)


def effect_variances(prior, layout):
    """Return the variance of the effects in each column."""
    return prior.effect[layout.group] * np.where(layout.bends, prior.bend, 1.0)


def pattern_inverse(prior):
    """Return the inverse of the pattern along the contrasts that occur."""
    return np.linalg.pinv(prior.pattern, rcond=RANK, hermitian=True)
