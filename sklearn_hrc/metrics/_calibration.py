"""Expected beside observed outcomes, arm by arm, in groups of cells that expect alike."""

import numpy as np
from sklearn.utils import Bunch

from sklearn_hrc.metrics._weighting import sum_by_unit

__all__ = ["calibration_points", "calibration_slope"]


def calibration_points(expected, observed, arm, n_arms, weight, unit=None, n_bins=5):
    """Compare expected with observed means in bins of rows that received the same arm.

    Rows of an arm are ordered by what was expected of them and cut into bins of about equal
    weight. Rows of which the same was expected, as those of a cell, stay together.

    Parameters
    ----------
    expected, observed : ndarray of shape (n_samples,), float64
        Of the received arm.
    arm : ndarray of shape (n_samples,), int
        Index of the received arm.
    n_arms : int
        Number of arms.
    weight : ndarray of shape (n_samples,)
        Non-negative weights.
    unit : ndarray of shape (n_samples,), int, default=None
        Index of the independent unit of each row. None makes each row a unit.
    n_bins : int, default=5
        Bins of an arm, at most.

    Returns
    -------
    points : Bunch
        Arrays with an entry for each bin, by arm and rising in `expected`: `arm`, `expected` and
        `observed`, which are weighted means, `standard_error` of their difference and `weight`,
        the share of the bin in the weights of all rows.
    """
    points = []
    for index in range(n_arms):
        rows = np.flatnonzero((arm == index) & (weight > 0))
        bins = _bins(expected[rows], weight[rows], n_bins)
        for number in np.unique(bins):
            at = rows[bins == number]
            units = None if unit is None else np.unique(unit[at], return_inverse=True)[1]
            means = _difference(expected[at], observed[at], weight[at], units)
            points.append((index, *means, weight[at].sum() / weight.sum()))
    names = ("arm", "expected", "observed", "standard_error", "weight")
    columns = np.array(points, dtype=np.float64).reshape(-1, len(names)).T
    return Bunch(**dict(zip(names, columns)) | {"arm": columns[0].astype(np.intp)})


def calibration_slope(points, index):
    """Return the slope of observed on expected means of an arm, and its standard error.

    Parameters
    ----------
    points : Bunch
        From `calibration_points`.
    index : int
        Of the arm.

    Returns
    -------
    slope, error : float
        1 where what was expected to differ does so as much as expected. Weighted by the precision
        of the bins. NaN where nothing is expected to differ, or a bin has no error.
    """
    at = points.arm == index
    x, y, error = points.expected[at], points.observed[at], points.standard_error[at]
    if len(x) < 2 or not np.all(error > 0) or np.ptp(x) <= 1e-9 * np.abs(x).max():
        return np.nan, np.nan
    precision = error**-2.0
    x = x - np.average(x, weights=precision)
    information = precision @ x**2
    return float((precision * x) @ y / information), float(information**-0.5)


def _bins(expected, weight, n_bins):
    """Number of the bin of each row. Equal numbers are in the same bin."""
    place = np.unique(expected, return_inverse=True)[1]
    share = np.bincount(place, weights=weight) / weight.sum()
    # By the middle of what has the same number.
    middle = np.cumsum(share) - share / 2
    return np.minimum((middle * n_bins).astype(int), n_bins - 1)[place]


def _difference(expected, observed, weight, unit):
    """Weighted means, and the standard error of their difference."""
    total = weight.sum()
    means = weight @ expected / total, weight @ observed / total
    residual = observed - expected
    contribution = weight * (residual - weight @ residual / total) / total
    sums = sum_by_unit(contribution[:, None], unit)[:, 0]
    n_units = len(sums)
    if n_units < 2:
        return *means, np.nan
    return *means, np.sqrt(sums @ sums * n_units / (n_units - 1))
