"""Who is alike on a list: people, or households, that a plan need not tell apart.

A unit is what gets one arm: a person, or a household. Units are interchangeable if their
members are in the same clusters and may get the same arms. So the programme counts such
units, and its size hardly grows with the list.
"""

import numpy as np
from scipy.sparse import csr_array

from sklearn_hrc._eligibility import stand_ins
from sklearn_hrc._programme.blocks import Blocks

__all__ = ["cells_of_units", "undivided"]


def cells_of_units(cluster, unit, allowed, cost):
    """Count the units of a list that are alike.

    Parameters
    ----------
    cluster : ndarray of shape (n_samples,), int
        Cluster of each row.
    unit : ndarray of shape (n_samples,), int
        Unit of each row: 0, 1, ...
    allowed : ndarray of shape (n_units, n_treatments), bool
        At least one arm of each unit.
    cost : ndarray of shape (n_clusters, n_treatments)
        Expected cost per individual.

    Returns
    -------
    blocks : Blocks
        A block for each cell.
    cell : ndarray of shape (n_units,), int
        Cell of each unit.
    """
    order = np.lexsort((cluster, unit))
    sorted_cluster, size = cluster[order], np.bincount(unit)
    cell = _types(sorted_cluster, size, _number_patterns(allowed), len(cost))
    example = np.unique(cell, return_index=True)[1]
    members = _members(sorted_cluster, size, example, len(cost))
    n_units = np.bincount(cell)
    sizes = n_units * size[example]
    stand_in = stand_ins(allowed[example], members @ cost)
    one_cluster = np.where(np.diff(members.indptr) == 1, members.indices[members.indptr[:-1]], -1)
    return Blocks(one_cluster, n_units, sizes, stand_in, members), cell


def undivided(blocks):
    """Return cells of a list that get one arm each.

    Parameters
    ----------
    blocks : Blocks
        From `cells_of_units`.

    Returns
    -------
    blocks : Blocks
        All individuals of a cell are one unit.
    """
    members = csr_array(blocks.members.multiply(blocks.units[:, None]))
    return blocks._replace(units=np.ones_like(blocks.units), members=members)


def _number_patterns(allowed):
    """Number sets of arms in an order that does not depend on that of the units."""
    number = np.zeros(len(allowed), dtype=np.int64)
    for arm in allowed.T:
        number = np.unique(2 * number + arm, return_inverse=True)[1]
    return number


def _types(cluster, size, pattern, n_clusters):
    """Number units by size, pattern and the clusters of their members.

    Clusters are sorted by unit, and within a unit. Each member refines the numbers of the
    members before, so that there is one sort of whole numbers a member, and no sort of rows.
    """
    first = np.cumsum(size) - size
    cell, n_cells = np.empty(len(size), dtype=np.int64), 0
    for n_members in np.unique(size).tolist():
        units = np.flatnonzero(size == n_members)
        if len(units) == 1:
            cell[units], n_cells = n_cells, n_cells + 1
            continue
        number = pattern[units]
        for member in range(n_members):
            joint = number * n_clusters + cluster[first[units] + member]
            number = np.unique(joint, return_inverse=True)[1]
        cell[units] = n_cells + number
        n_cells += int(number.max()) + 1
    return cell


def _members(cluster, size, units, n_clusters):
    """Count the members of some units in each cluster, (len(units), n_clusters)."""
    first = np.cumsum(size) - size
    row = np.repeat(np.arange(len(units)), size[units])
    member = np.arange(len(row)) - np.repeat(np.cumsum(size[units]) - size[units], size[units])
    column = cluster[first[units][row] + member]
    counts = csr_array((np.ones(len(row), dtype=np.int64), (row, column)), (len(units), n_clusters))
    counts.sum_duplicates()
    return counts
