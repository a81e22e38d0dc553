"""Lending of effects between components, fitted to held-out rows.

An arm that raises somebody's chance of an order tends to raise the amount, too. Amounts are seen in
few rows, so their effects alone are shrunk to little. Each combined link therefore gets a second
layer,

    level_j + slope * base + sum over components k of lent_k * effect_jk,

with the base of the component itself and the effects of all components. The weight of the own
effect has the prior mean 1, and the weights of the other effects have the prior mean 0. No weight
is negative, so an effect of the opposite sign is not lent. Without this layer the chosen arms cost
more than expected. Breiman and Friedman (1997, doi:10.1111/1467-9868.00054) predict several
responses together in the same way.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._predictor.weights import Problem, fit_weights

__all__ = ["Lending", "fit_lending", "lend", "no_lending"]

# Prior precisions of the slope of the base, of the own effect's weight and of the other weights.
BASE_PRECISION, OWN_PRECISION, LENT_PRECISION = 1.0, 5.0, 100.0


class Lending(NamedTuple):
    """Weights of the second layer.

    Attributes
    ----------
    level : ndarray of shape (n_treatments, n_components)
        Link of an arm where base and effects are zero.
    base : ndarray of shape (n_components,)
        Slopes of the bases.
    effect : ndarray of shape (n_components, n_components)
        Entry (k, c) is the weight of the effect on component k in component c.
    """

    level: np.ndarray
    base: np.ndarray
    effect: np.ndarray


def no_lending(n_treatments, n_components):
    """Return weights that leave links as they are."""
    level = np.zeros((n_treatments, n_components))
    return Lending(level, np.ones(n_components), np.eye(n_components))


def lend(base, effect, lending):
    """Return links in which components have learnt from each other.

    Parameters
    ----------
    base : ndarray of shape (..., n_components)
        Mean of the combined links over the arms that teach a component.
    effect : ndarray of shape (..., n_treatments, n_components)
        What an arm adds to the base. Zero where an arm does not teach a component.
    lending : Lending
        As fitted.

    Returns
    -------
    links : ndarray of shape (..., n_treatments, n_components)
        In the dtype of `base`.
    """
    level, slope, lent = (part.astype(base.dtype) for part in lending)
    return level + (slope * base)[..., None, :] + effect @ lent


def fit_lending(base, effect, level, share, rows, held_out):
    """Fit the second layer.

    Parameters
    ----------
    base, effect : ndarray of shape (n_held_out, n_components)
        Parts of the combined links of held-out rows, less their means. The effect is that of the
        received arm.
    level : ndarray of shape (n_treatments, n_components)
        Combined link of an arm where base and effect are zero.
    share : ndarray of shape (n_treatments, n_components)
        Weight of an arm in the base. Zero where the arm does not teach the component.
    rows : TrainingRows
        Rows in folds.
    held_out : ndarray of shape (n_held_out,), int
        Indices of the held-out rows.

    Returns
    -------
    lending : Lending
        Weights for bases and effects that are counted from zero.
    """
    fitted = no_lending(*share.shape)
    base_mean = (share * level).sum(axis=0)
    effect_mean = (level - base_mean) * (share > 0)
    for c in np.flatnonzero(share.any(axis=0)):
        arms = np.flatnonzero(share[:, c])
        lenders = _lenders(share, c)
        used = np.flatnonzero(rows.weights[held_out, c] > 0)
        index = held_out[used]
        own = lenders == c
        problem = Problem(
            np.column_stack([base[used, c], effect[np.ix_(used, lenders)]]),
            np.searchsorted(arms, rows.arm[index]),
            rows.targets[index, c],
            rows.weights[index, c],
            rows.components.kind[c],
            np.append(1.0, own),
            np.append(BASE_PRECISION, np.where(own, OWN_PRECISION, LENT_PRECISION)),
            level[arms, c],
        )
        own_level, weights = fit_weights(problem)
        fitted.base[c], fitted.effect[lenders, c] = weights[0], weights[1:]
        # The problem has parts less their means. Shift the levels, so that parts count from zero.
        own_level = own_level - weights[0] * base_mean[c]
        fitted.level[arms, c] = own_level - effect_mean[np.ix_(arms, lenders)] @ weights[1:]
    return fitted


def _lenders(share, c):
    """Components that share at least two arms with component `c`, and `c` itself."""
    together = ((share > 0) & (share[:, [c]] > 0)).sum(axis=0)
    together[c] = len(share) + 1
    return np.flatnonzero(together > 1)
