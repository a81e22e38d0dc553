"""Means of the cells of many simulated experiments at once, as an allocator estimates them."""

import numpy as np

from sklearn_hrc._cells.shrinkage import PRIOR_ROWS, ROUNDING, predict_base, ratio, spread_of_cells

__all__ = ["pooled_means"]


def pooled_means(sums, truth):
    """Estimate the cells as `ClusterBudgetAllocator` does from labels alone.

    Only the means are needed here, and not their errors. The experiments stand side by side in the
    last axis, so that one call serves all of them.

    Parameters
    ----------
    sums : ndarray of shape (n_experiments, n_clusters, n_treatments, 6)
        Sums of rows, counted from the truth.
    truth : ndarray of shape (n_clusters, n_treatments, 2)
        Means that the sums are counted from.

    Returns
    -------
    mean : ndarray of shape (n_experiments, n_clusters, n_treatments, 2)
        Response and cost of each cell, drawn towards the mean of the arm.
    """
    n_rows = sums[..., :1]
    error = ratio(sums[..., 1:3], n_rows)
    cell = np.where(n_rows > 0, truth + error, 0.0)
    arm = ratio((n_rows * cell).sum(axis=1), n_rows.sum(axis=1))[:, None]
    inner = sums[..., [3, 5]] - n_rows * error**2
    scale = _scale(n_rows, cell, arm, inner)
    precision = n_rows * (scale > 0)
    deviation = np.where(precision > 0, ratio(cell - arm, scale), 0.0)
    last = [np.moveaxis(array, 0, -1) for array in (deviation, precision)]
    spread = spread_of_cells(*last)
    base, _ = predict_base(last[0], spread)
    certain = spread.effect * spread.precision
    trust = certain / (1 + certain)
    shrunken = base[:, None] + trust * (last[0] - base[:, None])
    return arm + scale * np.moveaxis(shrunken, -1, 0)


def _scale(n_rows, cell, arm, inner):
    """Return standard deviations of rows about their cells, (n_experiments, 1, n_arms, 2)."""
    between = (n_rows * (cell - arm) ** 2).sum(axis=1, keepdims=True)
    within = inner.sum(axis=1, keepdims=True)
    total = ratio(within + between, np.maximum(n_rows.sum(axis=1, keepdims=True) - 1, 0))
    freedom = np.maximum(n_rows - 1, 0).sum(axis=1, keepdims=True)
    scale = np.sqrt(np.maximum((within + PRIOR_ROWS * total) / (freedom + PRIOR_ROWS), 0.0))
    largest = np.abs(cell).max(axis=(1, 2), keepdims=True)
    return np.where(scale > ROUNDING * largest, scale, 0.0)
