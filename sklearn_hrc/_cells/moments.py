"""Sufficient statistics of groups of rows that can be added and merged.

A group is a cell (cluster x arm), a cluster or an arm. Its statistics are the
number of rows, the sums of the weights and of their squares, the weighted mean
of some columns and their centred second moments. One rule pools the statistics of
parts into those of the whole. So rows are added in any order and chunking, and
tables made elsewhere are merged. Moments are centred, since raw sums of squares lose
all digits where the mean is large beside the spread.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array

__all__ = ["Moments", "add", "effective_rows", "empty", "merge", "pool", "within_variance"]

# Rows that are reduced at once: so many that their copies, of this many numbers, stay in the cache,
# within limits. With fewer rows, merging tables of many groups would take the time.
CHUNK_NUMBERS, LEAST_ROWS, MOST_ROWS = 2**18, 1_024, 65_536


class Moments(NamedTuple):
    """Statistics of `n_groups` groups over `n_columns` columns.

    Attributes
    ----------
    count : ndarray of shape (n_groups,), int64
        Number of rows of the group.
    weight : ndarray of shape (n_groups,)
        Sum of the weights of the rows.
    weight_square : ndarray of shape (n_groups,)
        Sum of the squared weights of the rows.
    mean : ndarray of shape (n_groups, n_columns)
        Weighted means, zero in a group without weight.
    scatter : ndarray of shape (n_groups, n_columns, n_columns) or (n_groups, n_columns)
        Weighted second moments about the mean, not divided by the weight, of all
        pairs of columns or only the squares.
    """

    count: np.ndarray
    weight: np.ndarray
    weight_square: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray


def empty(n_groups, n_columns, *, cross=True):
    """Return the statistics of groups without rows.

    Parameters
    ----------
    n_groups, n_columns : int
        Size of the table.
    cross : bool, default=True
        Whether to keep the second moments of all pairs of columns, not only the squares.

    Returns
    -------
    moments : Moments
        Statistics that are all zero.
    """
    scatter_shape = (n_groups, n_columns, n_columns) if cross else (n_groups, n_columns)
    return Moments(
        count=np.zeros(n_groups, dtype=np.int64),
        weight=np.zeros(n_groups),
        weight_square=np.zeros(n_groups),
        mean=np.zeros((n_groups, n_columns)),
        scatter=np.zeros(scatter_shape),
    )


def add(moments, groups, values, weight):
    """Return the statistics with further rows added.

    Parameters
    ----------
    moments : Moments
        Statistics so far.
    groups : ndarray of shape (n_samples,), int
        Group of each row.
    values : ndarray of shape (n_samples, n_columns), or list of ndarray
        Columns of the rows. The arrays of a list stand side by side.
    weight : ndarray of shape (n_samples,)
        Non-negative weights.

    Returns
    -------
    moments : Moments
        New statistics. The argument does not change.
    """
    n_groups = len(moments.count)
    blocks = values if isinstance(values, list) else [values]
    chunk_rows = min(max(CHUNK_NUMBERS // max(moments.mean.shape[1], 1), LEAST_ROWS), MOST_ROWS)
    for start in range(0, len(groups), chunk_rows):
        rows = slice(start, start + chunk_rows)
        # A single row is a part without scatter.
        chunk = Moments(
            count=np.ones(len(groups[rows]), dtype=np.int64),
            weight=weight[rows],
            weight_square=weight[rows] ** 2,
            mean=np.column_stack([block[rows] for block in blocks]).astype(np.float64, copy=False),
            scatter=None,
        )
        moments = merge(moments, _pool(chunk, groups[rows], n_groups, moments.scatter.ndim == 3))
    return moments


def merge(first, second):
    """Return the statistics of the rows of both tables, group by group."""
    both = Moments(*(np.concatenate(pair) for pair in zip(first, second)))
    n_groups = len(first.count)
    return pool(both, np.tile(np.arange(n_groups), 2), n_groups)


def pool(moments, groups, n_groups):
    """Return the statistics of coarser, renumbered or further groups.

    Parameters
    ----------
    moments : Moments
        Statistics of the parts.
    groups : ndarray of shape (n_parts,), int
        Group into which each part goes.
    n_groups : int
        Number of groups. A group that gets no part has no rows.

    Returns
    -------
    moments : Moments
        Statistics of the groups.
    """
    return _pool(moments, groups, n_groups, moments.scatter.ndim == 3)


def effective_rows(moments):
    """Return the effective number of rows of each group (Kish): equal weights count fully."""
    square = moments.weight_square
    return np.divide(moments.weight**2, square, out=np.zeros_like(square), where=square > 0)


def within_variance(moments):
    """Return the weighted variance of each column within groups, pooled over the groups."""
    scatter = moments.scatter
    squares = np.diagonal(scatter, axis1=1, axis2=2) if scatter.ndim == 3 else scatter
    return squares.sum(axis=0) / moments.weight.sum()


def _pool(parts, groups, n_groups, cross):
    """Pool parts, whose own scatter is None if the parts are single rows."""

    def total(columns, weight=None):
        data = np.ones(len(groups)) if weight is None else weight
        # A sparse product adds each row to its group in one pass, without sorting.
        summing = csc_array((data, groups, np.arange(len(groups) + 1)), (n_groups, len(groups)))
        return summing @ columns

    weight = total(parts.weight)
    share = np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)
    mean = total(parts.mean, parts.weight) * share[:, None]
    deviation = np.take(mean, groups, axis=0)
    np.subtract(parts.mean, deviation, out=deviation)
    deviation *= np.sqrt(parts.weight)[:, None]
    scatter = (
        _cross_products(deviation, groups, n_groups, total)
        if cross
        else total(np.square(deviation, out=deviation))
    )
    # The scatter of the whole is that between the parts plus those within the parts.
    if parts.scatter is not None:
        inner = parts.scatter.reshape(len(groups), scatter[0].size)
        scatter += total(inner).reshape(scatter.shape)
    count = np.bincount(groups, parts.count, n_groups).astype(np.int64)
    return Moments(count, weight, total(parts.weight_square), mean, scatter)


def _cross_products(deviation, groups, n_groups, total):
    """Sum `deviation[i] deviation[i]'` over the rows of each group."""
    n_columns = deviation.shape[1]
    scatter = np.zeros((n_groups, n_columns, n_columns))
    if n_groups < n_columns:
        # With few groups and many columns, one matrix product a group is fastest.
        for group in range(n_groups):
            rows = deviation[groups == group]
            scatter[group] = rows.T @ rows
        return scatter
    # With many groups and few columns, one pass over the rows a column is faster.
    for first in range(n_columns):
        sums = total(deviation[:, first, None] * deviation[:, first:])
        scatter[:, first, first:] = scatter[:, first:, first] = sums
    return scatter
