"""Assignment of arms to the members of a split cluster.

A plan says how many units of each block get each arm. The line on which rows stand is wound
around a circle, several turns for the spread of a cluster. Units get arms in their
order on the circle, those of a block from the cheapest arm to the dearest. Neighbours on the
circle come from many places of the line, so the arm is all but uncorrelated with
anything that matters. The line itself is then cut halfway between neighbours with different
arms. So a row's arm is a function of its place, and every unit of the fit gets its planned
arm. If units of a block differ in size, a unit that would be divided gets the cheaper arm.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._positions import Units, project

__all__ = [
    "Assignment",
    "Members",
    "arms_of_members",
    "arms_of_rows",
    "arms_of_units",
    "assign",
    "assign_whole",
    "stand_before",
]

# Turns for one within-cluster standard deviation. On the circle a normal with a standard
# deviation of 3 turns is uniform within 1e-77 of density.
TURNS = 3.0
# Share of a unit by which sums of sizes may be wrong.
_ROUNDING = 1e-6


class Members(NamedTuple):
    """Units of the programme.

    Attributes
    ----------
    units : Units
        Rows that cannot be told apart.
    block : ndarray of shape (n_units,), int
        Block of each unit.
    size : ndarray of shape (n_units,)
        Individuals of each unit.
    before : ndarray of shape (n_units,)
        Individuals of the same block that stand before the unit, from `stand_before`.
    """

    units: Units
    block: np.ndarray
    size: np.ndarray
    before: np.ndarray


class Assignment(NamedTuple):
    """Arms of places on the line, by cluster.

    Attributes
    ----------
    first : ndarray of shape (n_clusters,), int
        Arm below the first cut. A cluster without cuts has this arm alone.
    start : ndarray of shape (n_clusters + 1,), int
        Index of the first cut of each cluster.
    cut : ndarray of shape (n_cuts,)
        Places of the cuts, rising within a cluster.
    arm : ndarray of shape (n_cuts,), int
        Arm from a cut to the next.
    """

    first: np.ndarray
    start: np.ndarray
    cut: np.ndarray
    arm: np.ndarray

    @property
    def is_split(self):
        """Whether each cluster has cuts, of shape (n_clusters,)."""
        return np.diff(self.start) > 0


def stand_before(units, block, size):
    """Return the number of individuals before each unit on the circle, within its block.

    Parameters
    ----------
    units : Units
        Rows that cannot be told apart.
    block : ndarray of shape (n_units,), int
        Block of each unit.
    size : ndarray of shape (n_units,)
        Individuals of each unit.

    Returns
    -------
    before : ndarray of shape (n_units,)
        Numbers in the type of `size`, zero for the first unit of a block.
    """
    place = (units.low + units.high) / 2
    weight = np.bincount(units.cluster, units.weight)
    share = np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)
    mean = np.bincount(units.cluster, units.weight * place) * share
    centred = place - mean[units.cluster]
    spread = np.sqrt(np.bincount(units.cluster, units.weight * centred**2) * share)
    spread = np.where(spread > 0, spread, 1.0)
    turns = TURNS * centred / spread[units.cluster]
    # The order on the circle, not on the line, keeps the arm apart from the covariates.
    order = np.lexsort((turns - np.floor(turns), block))
    total = np.cumsum(size[order])
    first = np.searchsorted(block[order], np.arange(block.max(initial=-1) + 1))
    start = (total - size[order])[first]
    before = np.empty(len(order), dtype=size.dtype)
    before[order] = total - size[order] - start[block[order]]
    return before


def arms_of_units(members, counts, cost, *, round_up=False):
    """Return the arm of each unit, in the order of a block from the cheapest arm on.

    Parameters
    ----------
    members : Members
        Units of the programme.
    counts : ndarray of shape (n_blocks, n_arms)
        Individuals of each block that get each arm.
    cost : ndarray of shape (n_clusters, n_arms)
        Expected cost.
    round_up : bool, default=False
        Whether a unit that would be divided gets the dearer arm, not the cheaper one. Units are
        divided only if they differ in size.

    Returns
    -------
    arm : ndarray of shape (n_units,), int
        Index of the arm.
    """
    (cluster, *_), block, size, before = members
    of_block = np.zeros(len(counts), dtype=np.intp)
    of_block[block] = cluster
    order = np.argsort(cost, axis=1, kind="stable")[of_block]
    upto = np.cumsum(np.take_along_axis(counts, order, axis=1), axis=1)
    arm = np.take_along_axis(order, (upto > 0).argmax(axis=1)[:, None], axis=1)[block, 0]
    # Only in blocks of several arms the place of a unit matters.
    split = np.flatnonzero(((counts > 0).sum(axis=1) > 1)[block])
    # Sums of fractions are exact but for rounding.
    reached = before[split] + (1 - _ROUNDING if round_up else _ROUNDING) * size[split]
    passed = (reached[:, None] >= upto[block[split]]).sum(axis=1)
    arm[split] = order[block[split], np.minimum(passed, len(order[0]) - 1)]
    return arm


def assign(members, counts, cost, control, *, round_up=False):
    """Cut the line so that every unit gets its planned arm.

    Parameters
    ----------
    members : Members
        Units of the programme.
    counts : ndarray of shape (n_blocks, n_arms)
        Individuals of each block that get each arm.
    cost : ndarray of shape (n_clusters, n_arms)
        Expected cost, which orders the arms of a block.
    control : int
        Arm of a cluster without units.
    round_up : bool, default=False
        As in `arms_of_units`.

    Returns
    -------
    assignment : Assignment
        Cuts that give every unit its planned arm.
    """
    units = members.units
    arm = arms_of_units(members, counts, cost, round_up=round_up)
    n_clusters = len(cost)
    first = np.full(n_clusters, control)
    # The last assignment to an index stands, so reversed order keeps each cluster's first unit.
    first[units.cluster[::-1]] = arm[::-1]
    same = np.diff(units.cluster) == 0
    changes = np.flatnonzero(same & (np.diff(arm) != 0))
    middle = units.high[changes] + (units.low[changes + 1] - units.high[changes]) / 2
    start = np.searchsorted(units.cluster[changes], np.arange(n_clusters + 1))
    return Assignment(first, start, middle, arm[changes + 1])


def assign_whole(counts, cost, control):
    """Give every cluster the cheapest of its arms, since nothing tells its members apart.

    Parameters
    ----------
    counts : ndarray of shape (n_clusters, n_arms)
        Individuals of each cluster that get each arm.
    cost : ndarray of shape (n_clusters, n_arms)
        Expected cost.
    control : int
        Arm of a cluster without individuals.

    Returns
    -------
    assignment : Assignment
        Assignment without cuts.
    """
    cheapest = np.where(counts > 0, cost, np.inf).argmin(axis=1)
    first = np.where(counts.any(axis=1), cheapest, control)
    return Assignment(first, np.zeros(len(cost) + 1, np.intp), np.zeros(0), np.zeros(0, np.intp))


def arms_of_members(cluster, columns, assignments, direction, control):
    """Return the arm of each row by several assignments.

    Parameters
    ----------
    cluster : ndarray of shape (n_samples,), int
        Cluster of each row, or -1 for a cluster that fit never saw.
    columns : ndarray of shape (n_samples, n_columns)
        What tells the members of a cluster apart.
    assignments : list of Assignment
        From `assign`.
    direction : ndarray of shape (n_columns,)
        Of the line on which rows stand.
    control : int
        Arm of a row whose cluster is unknown.

    Returns
    -------
    arms : ndarray of shape (n_assignments, n_samples), int
        Indices of arms.
    """
    split = np.any([assignment.is_split for assignment in assignments], axis=0)
    # Few clusters are split: only their members need a place.
    rows = np.flatnonzero((cluster >= 0) & split[cluster])
    place = np.zeros(len(cluster))
    place[rows] = project(columns[rows], direction)
    return np.stack(
        [arms_of_rows(cluster, place, assignment, control) for assignment in assignments]
    )


def arms_of_rows(cluster, place, assignment, control):
    """Return the arm of each row.

    Parameters
    ----------
    cluster : ndarray of shape (n_samples,), int
        Cluster of each row, or -1 for a cluster that fit never saw.
    place : ndarray of shape (n_samples,)
        Place on the line, which is read in clusters with cuts only.
    assignment : Assignment
        From `assign`.
    control : int
        Arm of a row whose cluster is unknown.

    Returns
    -------
    arm : ndarray of shape (n_samples,), int
        Index of the arm.
    """
    known = cluster >= 0
    arm = np.where(known, assignment.first[cluster], control)
    split = np.flatnonzero(known & assignment.is_split[cluster])
    split = split[np.argsort(cluster[split], kind="stable")]
    present, begin = np.unique(cluster[split], return_index=True)
    for k, rows in zip(present, np.split(split, begin[1:])):
        cuts = slice(assignment.start[k], assignment.start[k + 1])
        passed = np.searchsorted(assignment.cut[cuts], place[rows], side="right")
        arm[rows] = np.r_[assignment.first[k], assignment.arm[cuts]][passed]
    return arm
