"""Whole units from shares of very many clusters, whose totals stay where they are.

Clusters of few units stand one after the other. Each rounds in the direction that
makes up for what those before it took too much of a limit, or too little. So the totals
of the limits are off by no more than a few units take, however many clusters there are.
"""

import numpy as np
from scipy.sparse import csr_array

from sklearn_hrc._programme.constraints import are_kept
from sklearn_hrc._programme.relaxation import Infeasible, relax

__all__ = ["diffuse", "largest_take", "near_relaxation"]

# By how many of the largest units limits are lowered, in turn, until rounded shares keep them.
_ROOM = (0.2, 1.0, 4.0)


def near_relaxation(value, sizes, constraints, units, per_unit):
    """Return whole units near a relaxation whose limits are a little lower.

    Where very many clusters are alike, a solver does not see which of them to move.

    Parameters
    ----------
    value, sizes, constraints
        As in `solve_constrained`.
    units : ndarray of shape (n_clusters,), int
        Units of each cluster.
    per_unit : ndarray of shape (n_clusters, 1)
        Individuals of a unit.

    Returns
    -------
    counts : ndarray of shape (n_clusters, n_arms), int64, or None
        Units within the constraints. None where lower limits cannot be kept.
    """
    taken = csr_array(constraints.matrix.multiply(np.repeat(per_unit, value.shape[1])[None, :]))
    room = largest_take(taken)
    for n_units in _ROOM:
        lower = constraints._replace(limit=constraints.limit - n_units * room)
        try:
            shares = relax(value, sizes, lower).counts / np.maximum(sizes, 1)[:, None]
        except Infeasible:
            return None
        counts = diffuse(shares, units, taken)
        if are_kept(counts * per_unit, constraints).all():
            return counts
    return None


def largest_take(taken):
    """Return the most that a unit takes of each limit.

    Parameters
    ----------
    taken : sparse array of shape (n_constraints, n_clusters * n_arms)
        What a unit takes.

    Returns
    -------
    most : ndarray of shape (n_constraints,)
        In the unit of the limits.
    """
    return np.ravel(abs(taken).max(axis=1).toarray())


def diffuse(shares, units, taken):
    """Round shares of clusters to whole units.

    Parameters
    ----------
    shares : ndarray of shape (n_clusters, n_arms)
        Of the units of each cluster. Rows sum to one.
    units : ndarray of shape (n_clusters,), int
        Units of each cluster.
    taken : sparse array of shape (n_constraints, n_clusters * n_arms)
        What a unit takes of each limit.

    Returns
    -------
    counts : ndarray of shape (n_clusters, n_arms), int64
        Units of each arm. Rows sum to `units`.
    """
    wanted = shares * units[:, None]
    counts = np.floor(wanted + 1e-6).astype(np.int64)
    left = wanted - counts
    scale = largest_take(taken)
    taken = (taken.multiply(1 / np.where(scale > 0, scale, 1.0)[:, None])).tocsc()
    too_much, n_arms = np.zeros(taken.shape[0]), shares.shape[1]
    for cluster in np.flatnonzero(counts.sum(axis=1) < units):
        columns = taken[:, cluster * n_arms : (cluster + 1) * n_arms].toarray()
        too_much -= columns @ left[cluster]
        for _ in range(int(units[cluster] - counts[cluster].sum())):
            # Arms that the shares do not want are not looked at.
            arms = np.flatnonzero(left[cluster] > 1e-9)
            off = np.abs(too_much[:, None] + columns[:, arms]).max(axis=0)
            arm = arms[int(off.argmin())] if len(arms) else int(shares[cluster].argmax())
            counts[cluster, arm] += 1
            left[cluster, arm] = 0.0
            too_much += columns[:, arm]
    return counts
