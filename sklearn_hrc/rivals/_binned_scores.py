"""Scores of arms in the bins of features, and their sums up to thresholds.

Sums are linear in the price of the budget, so that sums that were made once serve every price.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

__all__ = ["BinnedScores", "bin_scores", "pair_sums", "single_sums"]


class BinnedScores(NamedTuple):
    """What trees are grown from.

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_features), uint8
        Bin of each entry. An entry is at most `cuts[feature][bin]`.
    values : ndarray of shape (n_samples, 2 * n_treatments + 1)
        Scores of the response under each arm, those of the cost, and ones.
    feature : ndarray of shape (n_features,), intp
        Which column of the features each column of codes is.
    cuts : list of ndarray
        Rising thresholds of each column of codes.
    """

    codes: np.ndarray
    values: np.ndarray
    feature: np.ndarray
    cuts: list

    @property
    def n_arms(self):
        """Number of arms."""
        return self.values.shape[1] // 2


def bin_scores(X, response, cost, n_bins):
    """Bin features at quantiles, and put the scores side by side.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features.
    response, cost : ndarray of shape (n_samples, n_treatments)
        Scores of each row under every arm.
    n_bins : int
        Bins of a feature at most.

    Returns
    -------
    binned : BinnedScores
        Of the features that have more than one value.
    """
    cuts = [_cuts(column, n_bins) for column in X.T]
    feature = np.flatnonzero([len(cut) > 0 for cut in cuts])
    codes = np.empty((len(X), len(feature)), dtype=np.uint8, order="F")
    for k, j in enumerate(feature):
        codes[:, k] = np.searchsorted(cuts[j], X[:, j])
    values = np.column_stack([response, cost, np.ones(len(X))])
    return BinnedScores(codes, values, feature, [cuts[j] for j in feature])


def single_sums(codes, values):
    """Add up values for all thresholds.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_features), uint8
        Bins.
    values : ndarray of shape (n_samples, n_columns)
        What to add up.

    Returns
    -------
    sums : ndarray of shape (n_columns, n_features, n_bins)
        `sums[:, f, a]` is over rows whose bins are at most `a` of `f`.
    """
    n_features, n_bins = codes.shape[1], int(codes.max(initial=0)) + 1
    sums = np.empty((values.shape[1], n_features, n_bins))
    for f in range(n_features):
        sums[:, f] = _sums_of_cells(codes[:, f].astype(np.int32), values, n_bins).cumsum(axis=1)
    return sums


def pair_sums(codes, values, n_bins):
    """Add up values for all pairs of thresholds.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_features), uint8
        Bins.
    values : ndarray of shape (n_samples, n_columns)
        What to add up.
    n_bins : int
        More than the largest bin.

    Returns
    -------
    sums : ndarray of shape (n_columns, n_features, n_features, n_bins, n_bins)
        `sums[:, f, g, a, b]` is over rows whose bins are at most `a` of `f` and `b` of `g`.
    """
    n_features = codes.shape[1]
    sums = np.empty((values.shape[1], n_features, n_features, n_bins, n_bins))
    for f in range(n_features):
        first = codes[:, f].astype(np.int32) * n_bins
        for g in range(f, n_features):
            cells = _sums_of_cells(first + codes[:, g], values, n_bins**2)
            cells = cells.reshape(-1, n_bins, n_bins).cumsum(axis=1).cumsum(axis=2)
            sums[:, f, g] = cells
            sums[:, g, f] = cells.swapaxes(1, 2)
    return sums


def _cuts(column, n_bins):
    """Thresholds halfway between values of the data, near its quantiles."""
    value, count = np.unique(column.astype(np.float64, copy=False), return_counts=True)
    last = np.arange(len(value) - 1)
    if len(value) > n_bins:
        below = np.cumsum(count)[:-1]
        wanted = len(column) * np.arange(1, n_bins) / n_bins
        last = np.unique(np.minimum(np.searchsorted(below, wanted), len(below) - 1))
    return value[last] + (value[last + 1] - value[last]) / 2


def _sums_of_cells(cell, values, n_cells):
    """Sum of the values of each cell, of shape (n_columns, n_cells)."""
    n_samples = len(cell)
    entries = (np.ones(n_samples), cell, np.arange(n_samples + 1, dtype=np.int32))
    return (sparse.csr_array(entries, shape=(n_samples, n_cells)).T @ values).T
