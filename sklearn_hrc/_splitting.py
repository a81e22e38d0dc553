"""Which individual of a split cluster gets which of its arms.

The side must be the same alone and in a batch, in every process and after
pickling, and must not depend on the last bits of the covariates, which differ
between batch sizes. So it is a continuous function of them: the fractional
part of a random projection that wraps many within-cluster standard deviations
around the unit interval. It is as good as uniform within a cluster, all but
uncorrelated with anything that matters, and cut at the share itself.
"""

import zlib
from typing import NamedTuple

import numpy as np

from sklearn_hrc._statistics import within_variance

__all__ = [
    "SplitRule",
    "arms_of_rows",
    "fit_split_rule",
    "has_spread",
    "head_keys",
    "uniforms",
]

# Within-cluster standard deviations to one turn: a normal with a standard
# deviation of 3 turns is uniform within 1e-77 of density.
TURNS = 3.0
SPREAD_ROWS = 1000


class SplitRule(NamedTuple):
    """A random projection of covariates in units of their spread within clusters.

    Attributes
    ----------
    mean : ndarray of shape (n_covariates,)
        Overall mean.
    direction : ndarray of shape (n_covariates,)
        Projection, over the within-cluster standard deviation.
    """

    mean: np.ndarray
    direction: np.ndarray


def has_spread(covariates):
    """Tell whether covariates tell rows apart, from the first of them.

    Parameters
    ----------
    covariates : ndarray of shape (n_samples, n_covariates)
        Any columns.

    Returns
    -------
    spread : bool
        Half of the rows or more are different.
    """
    head = covariates[:SPREAD_ROWS]
    if not covariates.shape[1]:
        return False
    return 2 * len(np.unique(head, axis=0)) >= len(head)


def head_keys(covariates):
    """Return a key for each of the first rows, the same for the same row.

    `has_spread` of the keys is that of the rows, at a fraction of their size.

    Parameters
    ----------
    covariates : ndarray of shape (n_samples, n_covariates)
        Any columns.

    Returns
    -------
    keys : ndarray of shape (n_keys, 1) or (n_keys, 0)
        At most `SPREAD_ROWS`; no column where there are no covariates.
    """
    # Adding zero makes the two floating-point zeros the same.
    head = np.ascontiguousarray(covariates[:SPREAD_ROWS], dtype=np.float64) + 0.0
    keys = np.array([zlib.crc32(row) for row in head])
    return keys[:, None][:, : covariates.shape[1]]


def fit_split_rule(members, direction):
    """Scale a direction to the spread of the covariates within clusters.

    Parameters
    ----------
    members : Moments of n_clusters groups
        Covariates of all rows.
    direction : ndarray of shape (n_covariates,)
        Standard normal draws.

    Returns
    -------
    rule : SplitRule
        Projection; covariates that are constant within clusters have no part.
    """
    mean = members.weight @ members.mean / members.weight.sum()
    deviation = np.sqrt(within_variance(members))
    # What rounding leaves of a constant column is no spread.
    varies = deviation > 1e-9 * np.abs(members.mean).max(axis=0, initial=0.0)
    scaled = np.where(varies, direction / np.where(varies, deviation, 1.0), 0.0)
    norm = np.linalg.norm(direction[varies])
    return SplitRule(mean, scaled / norm if norm > 0 else scaled)


def uniforms(covariates, rule):
    """Return a number in [0, 1) for each row, uniform within clusters.

    Parameters
    ----------
    covariates : ndarray of shape (n_samples, n_covariates)
        Columns as in `fit_split_rule`.
    rule : SplitRule
        Projection.

    Returns
    -------
    uniform : ndarray of shape (n_samples,), float64
        Continuous in the covariates but for the jump from 1 to 0.
    """
    turns = TURNS * ((covariates.astype(np.float64) - rule.mean) @ rule.direction)
    uniform = turns - np.floor(turns)
    # Just below a whole number of turns, rounding makes it one.
    return np.where(uniform < 1, uniform, 0.0)


def arms_of_rows(cluster, uniform, allocation, cost, control):
    """Return the arm of each row.

    Parameters
    ----------
    cluster : ndarray of shape (n_samples,), int
        Cluster of each row; -1 for a cluster that fit never saw.
    uniform : ndarray of shape (n_samples,) or None
        Where a row stands in its cluster; None: all of a split cluster take
        the cheapest of its arms.
    allocation : ndarray of shape (n_clusters, n_treatments), int
        Individuals of each cluster that get each arm.
    cost : ndarray of shape (n_clusters, n_treatments)
        Expected cost: the arms of a split cluster follow each other from the
        cheapest.
    control : int
        Arm of a row whose cluster is unknown, or too small to have a single
        individual of the population.

    Returns
    -------
    arm : ndarray of shape (n_samples,), int
        Index of the arm.
    """
    order = np.argsort(cost, axis=1, kind="stable")
    upto = np.cumsum(np.take_along_axis(allocation, order, axis=1), axis=1)
    size = upto[:, -1:]
    first = np.take_along_axis(order, (upto > 0).argmax(axis=1)[:, None], axis=1)[:, 0]
    first = np.where(size[:, 0] > 0, first, control)
    known = cluster >= 0
    arm = np.where(known, first[cluster], control)
    if uniform is not None:
        split = np.flatnonzero(known & ((allocation > 0).sum(axis=1) > 1)[cluster])
        k = cluster[split]
        place = (uniform[split, None] * size[k] >= upto[k]).sum(axis=1)
        arm[split] = order[k, place]
    return arm
