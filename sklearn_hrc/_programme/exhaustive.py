"""Exhaustive search among the allocations that several constraints leave, in float64.

A solver breaks or tightens constraints by a little, so it cannot tell what happens at the
edge of a limit. If few allocations can still be better than the best known allocation,
this search looks at all of them.
"""

import itertools

import numpy as np

__all__ = ["search_moves"]

# Largest number of partial allocations that are followed at once. Beyond, the search gives up.
_MAX_STATES = 20_000


def search_moves(loss, most, cluster, units, change, left, gap):
    """Find all moves away from the best arms that may be better than the best known moves.

    Parameters
    ----------
    loss : ndarray of shape (n_moves,)
        Loss of one unit that moves, not negative.
    most : ndarray of shape (n_moves,), int
        Largest number of units.
    cluster : ndarray of shape (n_moves,), int
        Sorted cluster of each move.
    units : ndarray of shape (n_moves,), int
        Units of the cluster of each move.
    change : ndarray of shape (n_constraints, n_moves)
        Amount that a unit adds to each constraint.
    left : ndarray of shape (n_constraints,)
        Amount that all units together may add.
    gap : float
        Loss that moves must stay below.

    Returns
    -------
    moves : ndarray of shape (n_found, n_moves), int, or None
        All sets of moves, or None if there are too many to follow.

    Examples
    --------
    Two clusters may move one unit each, and the constraint leaves room for one of them.

    >>> import numpy as np
    >>> search_moves(
    ...     np.array([0.1, 0.2]), np.array([1, 1]), np.array([0, 1]), np.array([1, 1]),
    ...     np.array([[1.0, 1.0]]), np.array([1.0]), 1.0).tolist()
    [[0, 0], [0, 1], [1, 0]]
    """
    # The most that later moves can give back to each constraint.
    relief = np.minimum(change * most, 0.0)
    later = np.cumsum(relief[:, ::-1], axis=1)[:, ::-1]
    later = np.column_stack([later, np.zeros(len(left))])
    found, lost = np.zeros((1, 0), dtype=np.int64), np.zeros(1)
    room, used = np.tile(left, (1, 1)), np.zeros(1, dtype=np.int64)
    for move, (here, before) in enumerate(itertools.pairwise([*cluster.tolist(), -1])):
        largest = np.minimum(most[move], units[move] - used)
        if np.sum(largest + 1) > _MAX_STATES:
            return None
        parent = np.repeat(np.arange(len(found)), largest + 1)
        times = np.arange(len(parent)) - np.repeat(
            np.cumsum(largest + 1) - largest - 1, largest + 1
        )
        lost = lost[parent] + times * loss[move]
        room = room[parent] - times[:, None] * change[:, move]
        keep = (lost < gap) & (room >= later[:, move + 1]).all(axis=1)
        found = np.column_stack([found[parent[keep]], times[keep]])
        lost, room = lost[keep], room[keep]
        used = used[parent[keep]] + times[keep] if here == before else np.zeros(len(lost), int)
    return found
