"""How far the mean of a cell can be trusted, from the moments of all cells.

The mean of a cell less a prediction of this mean is modelled as base of the cluster
plus effect of the cell plus noise. The unit is the standard deviation of the
arm's rows, so that dear and cheap arms are comparable. The noise variance of a
cell is then one over its rows. It is deliberately not estimated cell by cell.
If a few large values make up the mean, cells that happen to have no large value have
a small mean and a small spread. They would pull all estimates down by a precision that
they do not have. The variances of bases and effects come from the method of
moments of DerSimonian and Laird (1986, doi:10.1016/0197-2456(86)90046-2).
Arrays have the shape (n_clusters, n_treatments, 2), for response and cost.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from sklearn_hrc._cells.moments import effective_rows, pool

__all__ = [
    "RowSpread",
    "Spread",
    "arm_moments",
    "by_cell",
    "cell_noise",
    "level_error",
    "predict_base",
    "ratio",
    "row_spread",
    "spread_of_cells",
    "with_correlation",
]

# A variance is averaged with that of the next larger group, which counts as this many
# further rows. Twenty customers who bought nothing do not have a variance of zero.
PRIOR_ROWS = 5.0
# A standard deviation below this share of the largest mean is rounding. The arm
# is then constant (a free control, a fixed price), and its cells are known.
ROUNDING = 1e-10


class RowSpread(NamedTuple):
    """Spread of the rows of each arm.

    Attributes
    ----------
    within : ndarray of shape (n_treatments, 2, 2)
        Covariance of a row about the mean of its cell.
    total : ndarray of shape (n_treatments, 2, 2)
        Covariance of a row about the mean of its arm.
    scale : ndarray of shape (n_treatments, 2)
        Standard deviation of a row about the mean of its cell. Zero in an arm
        that is constant.
    """

    within: np.ndarray
    total: np.ndarray
    scale: np.ndarray


class Spread(NamedTuple):
    """Variances of the means of cells, in units of the arms' scales.

    Attributes
    ----------
    precision : ndarray of shape (n_clusters, n_treatments, 2)
        Inverse noise variance. Zero for cells without rows and constant arms.
    effect : ndarray of shape (2,)
        Variance of effects between the arms of a cluster.
    base : ndarray of shape (2,)
        Variance of bases between clusters.
    """

    precision: np.ndarray
    effect: np.ndarray
    base: np.ndarray


def by_cell(values, n_treatments):
    """Return an array by cell as an array by cluster and arm."""
    return values.reshape(len(values) // n_treatments, n_treatments, *values.shape[1:])


def arm_moments(cells, n_treatments):
    """Return the statistics of the arms, over all clusters."""
    return pool(cells, np.arange(len(cells.count)) % n_treatments, n_treatments)


def row_spread(cells, n_treatments):
    """Return the spread of the rows of each arm.

    An arm without two rows in any cell has its total spread. An arm without two rows
    has the spread of all rows.

    Parameters
    ----------
    cells : Moments of n_clusters * n_treatments groups
        Response and cost of received arms.
    n_treatments : int
        Number of arms.

    Returns
    -------
    rows : RowSpread
        Covariances and scales.
    """
    everything, all_freedom = _squares(pool(cells, np.zeros(len(cells.count), dtype=np.intp), 1))
    arms, arm_freedom = _squares(arm_moments(cells, n_treatments))
    inner, freedom = (by_cell(array, n_treatments).sum(axis=0) for array in _squares(cells))
    total = np.where(arm_freedom > 0, ratio(arms, arm_freedom), ratio(everything, all_freedom))
    within = (inner + PRIOR_ROWS * total) / (freedom + PRIOR_ROWS)
    scale = np.sqrt(np.diagonal(within, axis1=1, axis2=2))
    scale = np.where(scale > ROUNDING * np.abs(cells.mean).max(axis=0), scale, 0.0)
    varies = _varies(scale)
    return RowSpread(within * varies, total * varies, scale)


def cell_noise(cells, n_treatments, rows):
    """Return the error covariance of each cell's own mean.

    Parameters
    ----------
    cells : Moments of n_clusters * n_treatments groups
        Response and cost of received arms.
    n_treatments : int
        Number of arms.
    rows : RowSpread
        Spread of the rows of each arm.

    Returns
    -------
    noise : ndarray of shape (n_clusters, n_treatments, 2, 2)
        Error covariances. A cell without rows has that of a single row drawn from the arm.
    """
    n_rows = by_cell(effective_rows(cells), n_treatments)[..., None, None]
    inner, freedom = (by_cell(array, n_treatments) for array in _squares(cells))
    inner = inner * _varies(rows.scale)
    variance = (inner + PRIOR_ROWS * rows.within) / (freedom + PRIOR_ROWS)
    return np.where(n_rows > 0, variance / np.maximum(n_rows, 1.0), rows.total)


def level_error(cells, n_treatments, rows):
    """Return the error covariance of each arm's mean, of shape (n_treatments, 2, 2)."""
    n_rows = effective_rows(arm_moments(cells, n_treatments))
    return rows.total / np.maximum(n_rows, 1.0)[:, None, None]


def spread_of_cells(deviation, precision):
    """Find the variances of effects and bases.

    Parameters
    ----------
    deviation : ndarray of shape (n_clusters, n_treatments, 2)
        Cell means less their prediction, in units of the arms' scales.
    precision : ndarray of shape (n_clusters, n_treatments, 2)
        Inverse noise variance. Zero where the deviation carries no information.

    Returns
    -------
    spread : Spread
        Variances and precisions.
    """
    n_clusters = np.maximum((precision > 0).any(axis=1).sum(axis=0), 1)
    # The deviations of an arm sum to zero over clusters, which costs a degree of freedom.
    effect = _between_variance(deviation, precision, left=1 - 1 / n_clusters)
    # Effects first, as their variance adds to the noise of the bases.
    combined = _combined(precision, effect)
    total = combined.sum(axis=1)
    base = ratio((combined * deviation).sum(axis=1), total)
    return Spread(precision, effect, _between_variance(base[None], total[None]))


def predict_base(deviation, spread):
    """Return each cluster's base and its error variance, of shape (n_clusters, 2) each."""
    combined = _combined(spread.precision, spread.effect)
    error = spread.base / (1 + combined.sum(axis=1) * spread.base)
    return error * (combined * deviation).sum(axis=1), error


def with_correlation(variance, noise):
    """Return covariances with given variances and the correlation of the noise."""
    deviation = np.sqrt(np.diagonal(noise, axis1=-2, axis2=-1))
    correlation = ratio(noise[..., 0, 1], deviation[..., 0] * deviation[..., 1])
    covariance = np.zeros((*variance.shape, 2))
    covariance[..., 0, 0], covariance[..., 1, 1] = variance[..., 0], variance[..., 1]
    cross = correlation * np.sqrt(variance[..., 0] * variance[..., 1])
    covariance[..., 0, 1] = covariance[..., 1, 0] = cross
    return covariance


def ratio(numerator, denominator):
    """Return the quotient, zero where the denominator is not positive."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)


def _varies(scale):
    """Mask of the variances and covariances that are not mere rounding."""
    return (scale[:, :, None] > 0) & (scale[:, None, :] > 0)


def _squares(moments):
    """Sums of squares for weights with the mean one, and their degrees of freedom."""
    rows = effective_rows(moments)[:, None, None]
    squares = moments.scatter * ratio(rows, moments.weight[:, None, None])
    return squares, np.maximum(rows - 1, 0.0)


def _between_variance(values, precision, left=1.0):
    """DerSimonian-Laird variance of values about the mean of their cluster, pooled.

    `left` is the share of their degrees of freedom that the values still have.
    """
    total = precision.sum(axis=1)
    mean = ratio((precision * values).sum(axis=1), total)
    heterogeneity = (precision * (values - mean[:, None]) ** 2).sum(axis=(0, 1))
    freedom = left * np.maximum((precision > 0).sum(axis=1) - 1, 0).sum(axis=0)
    scale = left * (total - ratio((precision**2).sum(axis=1), total)).sum(axis=0)
    estimate = ratio(heterogeneity - freedom, scale)
    # An estimate cut off at zero would often say that cells do not differ at
    # all, and their errors would be far too small. The mean of the normal above zero
    # is never zero, and equals the estimate if that is large beside its error.
    return _mean_above_zero(estimate, ratio(np.sqrt(2 * freedom), scale))


def _mean_above_zero(mean, error):
    """Mean of a normal distribution truncated at zero, or zero without an error."""
    at = ratio(mean, error)
    hazard = np.exp(-0.5 * at**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(at))
    return np.where(error > 0, np.maximum(mean + error * hazard, 0.0), 0.0)


def _combined(precision, variance):
    """Precision of a mean with a further variance beside its noise."""
    return precision / (1 + variance * precision)
