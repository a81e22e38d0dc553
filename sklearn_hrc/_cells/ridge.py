"""Ridge regressions of response and cost on covariates, from their moments alone."""

import numpy as np

from sklearn_hrc._cells.moments import effective_rows
from sklearn_hrc._cells.shrinkage import ratio

__all__ = ["regression_predictions", "ridge_slopes"]

# A spread below this share of the mean comes from rounding and merging a constant.
CONSTANT = 1e-10
PENALTIES = np.logspace(-5, 1, 25)
# Penalties that leave fewer degrees of freedom than this share of the rows are not
# allowed, since generalised cross-validation breaks down near interpolation. If no penalty
# is allowed, there are too few rows for any slope.
LEAST_FREE = 0.3


def regression_predictions(arms, points):
    """Predict response and cost from covariates, by a ridge regression for each arm.

    Penalties are chosen by generalised cross-validation, on covariates scaled
    to unit variance within the arm.

    Parameters
    ----------
    arms : Moments of n_treatments groups
        Covariates, then response and cost, of received arms.
    points : list of ndarray of shape (n_clusters, n_treatments, n_covariates)
        Mean covariates at which to predict.

    Returns
    -------
    predictions : list of ndarray of shape (n_clusters, n_treatments, 2)
        Predictions for each of the points.
    """
    n_covariates = arms.mean.shape[1] - 2
    rows = effective_rows(arms)
    predictions = [np.empty((*point.shape[:2], 2)) for point in points]
    for j, mean in enumerate(arms.mean):
        covariance = ratio(arms.scatter[j], arms.weight[j])
        spread = np.sqrt(np.diagonal(covariance)[:n_covariates])
        spread = np.where(spread > CONSTANT * np.abs(mean[:n_covariates]), spread, 0.0)
        slopes = ridge_slopes(covariance, n_covariates, rows[j], spread)
        for prediction, point in zip(predictions, points):
            deviation = point[:, j] - mean[:n_covariates]
            prediction[:, j] = mean[n_covariates:] + deviation @ slopes
    return predictions


def ridge_slopes(covariance, n_covariates, n_rows, spread=None):
    """Return ridge slopes, with penalties chosen by generalised cross-validation.

    Parameters
    ----------
    covariance : ndarray of shape (n_covariates + n_targets, n_covariates + n_targets)
        Covariance of covariates, then targets.
    n_covariates : int
        Number of covariates.
    n_rows : float
        Effective number of rows.
    spread : ndarray of shape (n_covariates,), default=None
        Units in which slopes are penalised. None stands for the standard deviations.

    Returns
    -------
    slopes : ndarray of shape (n_covariates, n_targets)
        Slopes, zero if there are too few rows for any slope.
    """
    if spread is None:
        spread = np.sqrt(np.diagonal(covariance)[:n_covariates])
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    correlation = scale[:, None] * covariance[:n_covariates, :n_covariates] * scale
    cross = scale[:, None] * covariance[:n_covariates, n_covariates:]
    variance = np.diagonal(covariance)[n_covariates:]
    values, vectors = np.linalg.eigh(correlation)
    values = np.maximum(values, 0.0)
    # One eigendecomposition gives residual variances and degrees of freedom for all penalties.
    rotated = vectors.T @ cross
    shrunken = 1 / (values + PENALTIES[:, None])
    degrees = (values * shrunken).sum(axis=1)
    explained = (2 * shrunken - values * shrunken**2) @ rotated**2
    free = 1 - (degrees + 1) / max(n_rows, 1.0)
    allowed = free >= LEAST_FREE
    if not allowed.any():
        return np.zeros_like(cross)
    errors = (variance - explained[allowed]) / free[allowed, None] ** 2
    shrunken = shrunken[allowed][np.argmin(errors, axis=0)]
    return scale[:, None] * (vectors @ (shrunken.T * rotated))
