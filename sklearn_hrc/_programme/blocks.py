"""What the programme counts: units of a cluster that can stand in for each other.

A unit is what `predict` cannot divide: rows that it cannot tell apart, often a single one.
Units of the same cluster and size are interchangeable in the programme, which
gives numbers of them to the arms. So a cluster is one block where all its rows differ and
weigh the same, and further blocks where many of them are alike.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, eye_array, kron

from sklearn_hrc._programme.risk import BudgetRisk

__all__ = [
    "Blocks",
    "RiskOfBlocks",
    "blocks_of_units",
    "constraints_in_blocks",
    "individuals",
    "sum_to_clusters",
    "whole_clusters",
]

# Individuals are whole numbers up to this share.
_ROUNDING = 1e-12
# Among rows of different weights, units of so many times the mean size stand alone.
_HEAVY = 10.0
# More blocks of units of equal size than this cost more time than they are worth.
_MANY = 2000
# Likewise where they are fractions of individuals, whose sums are hard to prove.
_MANY_FRACTIONS, _FEW_FRACTIONS = 500, 50


class Blocks(NamedTuple):
    """Groups of interchangeable units.

    Attributes
    ----------
    cluster : ndarray of shape (n_blocks,), int
        Index of the cluster.
    units : ndarray of shape (n_blocks,), int
        Number of units.
    sizes : ndarray of shape (n_blocks,)
        Individuals of all units together: whole numbers (int64), or floats where rows stand for
        fractions of individuals.
    stand_in : ndarray of shape (n_blocks, n_arms), int, or None
        Arm that is meant where a block is given an arm: another one where the arm is not
        allowed. None: all are.
    members : sparse array of shape (n_blocks, n_clusters), int, or None
        Individuals of each cluster in one unit, where units are households whose members are in
        several clusters. None: all of a block is in one cluster.
    """

    cluster: np.ndarray
    units: np.ndarray
    sizes: np.ndarray
    stand_in: np.ndarray | None = None
    members: csr_array | None = None

    @property
    def per_unit(self):
        """Individuals of a unit, (n_blocks, 1)."""
        return (self.sizes // self.units)[:, None]

    def spread(self, values):
        """Return values of clusters, (n_clusters, n_arms), as those of blocks."""
        if self.members is None:
            values = values[self.cluster]
        else:
            values = self.members @ values / self.per_unit
        if self.stand_in is None:
            return values
        return np.take_along_axis(values, self.stand_in, axis=1)

    def meant(self, counts):
        """Return counts of blocks with the arms that are meant."""
        if self.stand_in is None:
            return counts
        meant = np.zeros_like(counts)
        rows = np.arange(len(counts))
        for arm, stand_in in enumerate(self.stand_in.T):
            np.add.at(meant, (rows, stand_in), counts[:, arm])
        return meant


def whole_clusters(sizes, *, divisible):
    """Return a block for each cluster, whose units are individuals, or itself.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Individuals.
    divisible : bool
        Individuals may get different arms.

    Returns
    -------
    blocks : Blocks
        In the order of the clusters.
    """
    units = sizes if divisible else (sizes > 0).astype(np.int64)
    return Blocks(np.arange(len(sizes)), units, sizes)


def blocks_of_units(cluster, size, *, ruled=False):
    """Gather units of the same cluster and size.

    Units of the same size are interchangeable. Weighted rows all differ in size, and so do the
    bins of very many rows. Where that makes too many blocks, units of a cluster share one as if
    all had their mean size, but for units that are far larger. A rule may be missed by one unit
    then, so that more blocks are kept where there are rules.

    Parameters
    ----------
    cluster : ndarray of shape (n_units,), int
        Index of the cluster.
    size : ndarray of shape (n_units,)
        Individuals.
    ruled : bool, default=False
        There are rules beside a budget.

    Returns
    -------
    blocks : Blocks
        Sorted by cluster and size. The sizes are floats for weighted rows, and where the units of a
        block differ.
    block : ndarray of shape (n_units,), int
        Block of each unit.
    """
    block, first = _groups(cluster, size)
    most = max(_MANY, 2 * len(np.unique(cluster)))
    if size.dtype.kind == "f":
        most = _MANY_FRACTIONS if ruled else _FEW_FRACTIONS
    if len(first) > most:
        mean = np.bincount(cluster, size) / np.maximum(np.bincount(cluster), 1)
        heavy = np.where(size > _HEAVY * mean[cluster], size, 0)
        block, first = _groups(cluster, heavy)
        return Blocks(cluster[first], np.bincount(block), np.bincount(block, size)), block
    sizes = np.bincount(block, size).astype(size.dtype)
    return Blocks(cluster[first], np.bincount(block), sizes), block


def _groups(cluster, size):
    """Number equal pairs in their order, and return the place of one of each."""
    order = np.lexsort((size, cluster))
    changed = (np.diff(cluster[order]) != 0) | (np.diff(size[order]) != 0)
    number = np.empty(len(order), dtype=np.intp)
    number[order] = np.cumsum(np.r_[0, changed])[: len(order)]
    return number, order[np.r_[True, changed][: len(order)]]


def individuals(weight, population, total):
    """Return how many individuals of a population weights stand for.

    Parameters
    ----------
    weight : ndarray
        Of units or clusters.
    population : int
        All individuals.
    total : float
        All weights together.

    Returns
    -------
    number : ndarray
        Whole numbers (int64) where all are, up to rounding.
    """
    number = weight * (population / total)
    whole = np.rint(number)
    is_whole = np.all(np.abs(number - whole) <= _ROUNDING * number)
    return whole.astype(np.int64) if is_whole else number


def sum_to_clusters(counts, blocks, n_clusters):
    """Return counts of clusters, (n_clusters, n_arms), from those of blocks."""
    if blocks.members is not None:
        # A relaxation may divide units.
        divide = np.floor_divide if counts.dtype.kind == "i" else np.divide
        return blocks.members.T @ divide(counts, blocks.per_unit)
    total = np.zeros((n_clusters, counts.shape[1]), dtype=counts.dtype)
    np.add.at(total, blocks.cluster, counts)
    return total


def constraints_in_blocks(constraints, blocks, n_clusters):
    """State linear constraints on counts of clusters as constraints on counts of blocks.

    Parameters
    ----------
    constraints : LinearConstraints
        With columns cluster x arm.
    blocks : Blocks
        Units of the programme.
    n_clusters : int
        Clusters.

    Returns
    -------
    constraints : LinearConstraints
        With columns block x arm.
    """
    n_arms = constraints.matrix.shape[1] // n_clusters
    n_blocks = len(blocks.sizes)
    if blocks.members is None:
        shape = n_clusters, n_blocks
        belongs = csr_array((np.ones(n_blocks), (blocks.cluster, np.arange(n_blocks))), shape)
    else:
        belongs = csr_array((blocks.members / blocks.per_unit).T)
    spread = kron(belongs, eye_array(n_arms), format="csr")
    matrix = csr_array(constraints.matrix @ spread)
    if blocks.stand_in is not None:
        first = np.arange(n_blocks)[:, None] * n_arms
        matrix = csr_array(matrix[:, (first + blocks.stand_in).ravel()])
    whole = constraints.whole & (blocks.sizes.dtype.kind == "i")
    return constraints._replace(matrix=matrix, whole=whole)


class RiskOfBlocks(NamedTuple):
    """A convex rule on counts of clusters, as one on counts of blocks.

    Attributes
    ----------
    rule : BudgetRisk
        On clusters.
    blocks : Blocks
        Units of the programme.
    """

    rule: BudgetRisk
    blocks: Blocks

    @property
    def allowed(self):
        """Counts of the cheapest allocation."""
        cost, sizes = self.blocks.spread(self.rule.cost), self.blocks.sizes
        counts = np.zeros(cost.shape)
        counts[np.arange(len(sizes)), cost.argmin(axis=1)] = sizes
        return counts

    def cut(self, counts):
        """Say what `BudgetRisk.cut` says. Blocks of a cluster have its coefficients."""
        total = sum_to_clusters(self.blocks.meant(counts), self.blocks, len(self.rule.sizes))
        excess, coefficients, limit = self.rule.cut(total)
        return excess, self.blocks.spread(coefficients), limit
