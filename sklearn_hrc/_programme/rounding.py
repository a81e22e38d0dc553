"""Rounding of a relaxation's counts to whole units, within a convex constraint.

Rounded counts are repaired move by move. While the constraint is broken, the next move is the one
that loses least value for the room it makes. Then moves that gain most use the room that is left.
"""

import time

import numpy as np

__all__ = ["round_within"]

# Largest number of moves that are tried. More than a few for each cluster never pay.
_MOVES = 400


def round_within(counts, gain, units, per_unit, convex, deadline):
    """Round counts to whole units that keep a convex constraint.

    Parameters
    ----------
    counts : ndarray of shape (n_clusters, n_arms)
        Individuals, possibly fractional.
    gain : ndarray of shape (n_clusters, n_arms)
        Value of a unit.
    units : ndarray of shape (n_clusters,), int
        Units of each cluster.
    per_unit : ndarray of shape (n_clusters, 1)
        Individuals of a unit.
    convex : object
        As in `solve_convex`.
    deadline : float
        Time of `time.monotonic` after which no more room is filled.

    Returns
    -------
    rounded : ndarray of shape (n_clusters, n_arms), int64, or None
        Units, or None if the moves were not enough.
    """
    rounded = _nearest(counts / np.where(per_unit > 0, per_unit, 1), units)
    refused = np.zeros((*rounded.shape, rounded.shape[1]), dtype=bool)
    excess, coefficients, _ = convex.cut(rounded * per_unit)
    for _ in range(_MOVES):
        if excess <= 0:
            return _fill(rounded, gain, per_unit, convex, deadline)
        move = _best_saving(rounded, gain, coefficients * per_unit, excess, refused)
        if move is None:
            return None
        further = _moved(rounded, *move)
        answer = convex.cut(further * per_unit)
        # The slope of the constraint holds only near these counts, so check the move.
        if answer[0] < excess:
            rounded, (excess, coefficients, _) = further, answer
        else:
            refused[move[:3]] = True
    return None


def _nearest(counts, units):
    """Whole numbers near counts, by the largest remainders within each cluster."""
    whole = np.floor(counts + 1e-9).astype(np.int64)
    order = np.argsort(whole - counts, axis=1, kind="stable")
    missing = np.clip(units - whole.sum(axis=1), 0, None)
    rank = np.argsort(order, axis=1)
    whole += rank < missing[:, None]
    return whole


def _best_saving(rounded, gain, price, excess, refused):
    """Move (cluster, source, target, units) that loses least for the room it makes."""
    cluster, source = np.nonzero(rounded)
    saved = price[cluster, source][:, None] - price[cluster]
    saved = np.where(refused[cluster, source], 0.0, saved)
    lost = gain[cluster, source][:, None] - gain[cluster]
    # Only the room that is needed counts in favour of a move.
    useful = np.minimum(saved * rounded[cluster, source][:, None], excess)
    taken = np.ceil(useful / np.where(saved > 0, saved, 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(saved > 0, lost * taken / useful, np.inf)
    if not np.isfinite(rate).any():
        return None
    place, target = np.unravel_index(rate.argmin(), rate.shape)
    return cluster[place], source[place], target, int(taken[place, target])


def _fill(rounded, gain, per_unit, convex, deadline):
    """Use the room that is left by the moves that gain most."""
    refused = np.zeros((*rounded.shape, rounded.shape[1]), dtype=bool)
    for _ in range(_MOVES):
        excess, coefficients, _ = convex.cut(rounded * per_unit)
        price = coefficients * per_unit
        cluster, source = np.nonzero(rounded)
        more = gain[cluster] - gain[cluster, source][:, None]
        used = price[cluster] - price[cluster, source][:, None]
        most = rounded[cluster, source][:, None]
        fits = np.where(used > 0, np.floor(-excess / np.where(used > 0, used, 1.0)), most)
        taken = np.minimum(fits, most) * (more > 0) * ~refused[cluster, source]
        worth = more * taken
        if not worth.any() or time.monotonic() > deadline:
            break
        place, target = np.unravel_index(worth.argmax(), worth.shape)
        move = cluster[place], source[place], target
        further = _moved(rounded, *move, int(taken[place, target]))
        if convex.cut(further * per_unit)[0] <= 0:
            rounded = further
        else:
            refused[move] = True
    return rounded


def _moved(rounded, cluster, source, target, units):
    rounded = rounded.copy()
    rounded[cluster, source] -= units
    rounded[cluster, target] += units
    return rounded
