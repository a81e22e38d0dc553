"""Expected response and cost of each cell, with errors, from statistics of cells.

There are two variables in this order, response and cost. The outcomes are combined into
the response first. Errors have three parts. The error of an arm's level is shared by all
clusters. Factors, such as the error of one network, move many cells at once, each by its
loading. The third part is a cell's own error. The distinction matters for the error of a
total: own errors cancel over clusters, but shared errors do not.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._cells.moments import effective_rows
from sklearn_hrc._cells.ridge import regression_predictions
from sklearn_hrc._cells.shrinkage import (
    arm_moments,
    by_cell,
    cell_noise,
    level_error,
    predict_base,
    ratio,
    row_spread,
    spread_of_cells,
    with_correlation,
)
from sklearn_hrc._columns import take_apart
from sklearn_hrc._predictor.folds import MIN_FOLDS, count_folds

__all__ = ["CellEstimates", "estimate_cells", "to_response_and_cost"]

# Variances of an expected outcome in units of the variance between networks: the part that is
# common to the cells, and each cell's own part. With five networks these are some half of
# the jackknife variance and a little more than all of it. A jackknife grows with the number of
# folds. Here only the root of this number counts, since networks also differ by their initial
# weights. Both values were fitted to simulated experiments with known truth
# (benchmarks/errors.py).
COMMON_VARIANCE = 1.9
OWN_VARIANCE = 3.8


class CellEstimates(NamedTuple):
    """Expected response and cost of each cell, per individual.

    Attributes
    ----------
    mean : ndarray of shape (n_clusters, n_treatments, 2)
        Expected response and cost.
    shared : ndarray of shape (n_treatments, 2, 2)
        Error covariance of an arm's level, common to all cells of the arm.
    own : ndarray of shape (n_clusters, n_treatments, 2, 2)
        Error covariance of the cell's own error.
    factors : ndarray of shape (n_clusters, n_treatments, 2, n_factors)
        Loadings on independent standard normals. Each normal is common to all
        cells of all arms.
    """

    mean: np.ndarray
    shared: np.ndarray
    own: np.ndarray
    factors: np.ndarray

    def standard_error(self):
        """Return standard errors, of shape (n_clusters, n_treatments, 2)."""
        variance = np.diagonal(self.own + self.shared, axis1=-2, axis2=-1)
        return np.sqrt(variance + np.square(self.factors).sum(axis=-1))

    def with_average(self, share):
        """Add a cluster that is the average of all others.

        Parameters
        ----------
        share : ndarray of shape (n_clusters,)
            Share of each cluster in the average.

        Returns
        -------
        estimates : CellEstimates
            Estimates of `n_clusters + 1` clusters, the average as the last one. The own error of
            the average counts as independent of the other clusters.
        """

        def average(values, weight):
            return np.concatenate([values, np.tensordot(weight, values, 1)[None]])

        return self._replace(
            mean=average(self.mean, share),
            own=average(self.own, np.square(share)),
            factors=average(self.factors, share),
        )

    def total_covariance(self, share):
        """Return the error covariance of the mean response and cost of an allocation.

        Parameters
        ----------
        share : ndarray of shape (n_clusters, n_treatments)
            Share of all individuals in each cell.

        Returns
        -------
        covariance : ndarray of shape (2, 2)
            Error covariance of the mean over individuals.
        """
        own = np.einsum("kj,kjab->ab", share**2, self.own)
        shared = np.einsum("j,jab->ab", share.sum(axis=0) ** 2, self.shared)
        loading = np.einsum("kj,kjaf->af", share, self.factors)
        return own + shared + loading @ loading.T


def estimate_cells(table, objective, estimation, *, arm_cost=None, columns=None):
    """Estimate every cell of a table.

    Parameters
    ----------
    table : CellTable
        Statistics of the experiment.
    objective : ndarray of shape (n_outcomes,)
        Weight of each outcome in the response.
    estimation : {"raw", "pooled", "outcomes"}
        Cell means of the rows, cell means shrunken towards a regression, or cell
        means of expected outcomes.
    arm_cost : ndarray of shape (n_treatments,), default=None
        Known price of each arm, instead of the estimated cost.
    columns : Columns, default=None
        Layout of the covariates, if they hold expected outcomes.

    Returns
    -------
    estimates : CellEstimates
        Means and errors.
    """
    matrix = to_response_and_cost(objective)
    n_treatments = len(table.treatments)
    if estimation == "outcomes":
        residuals = _combine(table.cells, np.hstack([np.zeros_like(matrix), matrix]))
        expected, deviations = _mean_outcomes(table, columns, matrix)
        estimates = outcome_estimates(expected, residuals)
        if columns.n_networks:
            estimates = with_disagreement(estimates, deviations)
    else:
        cells = _combine(table.cells, matrix)
        if estimation == "raw":
            estimates = raw_estimates(cells, n_treatments)
        else:
            estimates = pooled_estimates(cells, *_cell_predictions(table, matrix))
    return estimates if arm_cost is None else _with_fixed_cost(estimates, arm_cost)


def raw_estimates(cells, n_treatments):
    """Take the cell means of the rows.

    A cell without rows takes the mean of its arm, with the error of a single
    row drawn from this arm.

    Parameters
    ----------
    cells : Moments of n_clusters * n_treatments groups
        Response and cost of received arms.
    n_treatments : int
        Number of arms.

    Returns
    -------
    estimates : CellEstimates
        Estimates whose errors are all the cells' own.
    """
    seen = by_cell(cells.weight, n_treatments)[..., None] > 0
    arm_mean = arm_moments(cells, n_treatments).mean
    mean = np.where(seen, by_cell(cells.mean, n_treatments), arm_mean)
    own = cell_noise(cells, n_treatments, row_spread(cells, n_treatments))
    return CellEstimates(mean, np.zeros((n_treatments, 2, 2)), own, _no_factors(mean))


def pooled_estimates(cells, prediction, received_prediction):
    """Shrink cell means towards a prediction, by how far each can be trusted.

    The base of the cluster and the effect of the cell are predicted as in Fay and
    Herriot (1979, doi:10.1080/01621459.1979.10482505). A cell without rows takes
    its prediction plus the base, with the larger error.

    Parameters
    ----------
    cells : Moments of n_clusters * n_treatments groups
        Response and cost of received arms.
    prediction : ndarray of shape (n_clusters, n_treatments, 2)
        Prediction for all members of the cluster.
    received_prediction : ndarray of shape (n_clusters, n_treatments, 2)
        Prediction for the rows that received the arm.

    Returns
    -------
    estimates : CellEstimates
        Shrunken means. A cell shares the error of its arm's level only as far
        as its own rows are not trusted.
    """
    n_treatments = prediction.shape[1]
    rows = row_spread(cells, n_treatments)
    deviation, spread = _standardised(cells, received_prediction, rows)
    base, base_error = predict_base(deviation, spread)
    trust = spread.effect * spread.precision / (1 + spread.effect * spread.precision)
    shrunken = base[:, None] + trust * (deviation - base[:, None])
    # The spread of effects that is left, and the error of the base as far as the cell relies on it.
    variance = spread.effect * (1 - trust) + (1 - trust) ** 2 * base_error[:, None]
    mean = prediction + rows.scale * shrunken
    own = with_correlation(rows.scale**2 * variance, rows.within)
    # Share of an arm's level that its cells rely on.
    n_rows = by_cell(effective_rows(cells), n_treatments)[..., None]
    kept = 1 - ratio((n_rows * trust).sum(axis=0), n_rows.sum(axis=0))
    shared = level_error(cells, n_treatments, rows) * kept[:, :, None] * kept[:, None, :]
    return CellEstimates(mean, shared, own, _no_factors(mean))


def outcome_estimates(expected, residuals):
    """Take the cell means of expected outcomes, with errors from the residuals.

    Parameters
    ----------
    expected : ndarray of shape (n_clusters, n_treatments, 2)
        Mean expected response and cost over all members of the cluster.
    residuals : Moments of n_clusters * n_treatments groups
        Response and cost of received arms less the expected values.

    Returns
    -------
    estimates : CellEstimates
        Estimates with the mean `expected`. An arm's shared error is the mean
        residual of the arm, at least its error by chance. A cell's own error is
        the spread of the cells' residuals beyond their noise: base of the
        cluster plus effect.
    """
    n_treatments = expected.shape[1]
    rows = row_spread(residuals, n_treatments)
    level = arm_moments(residuals, n_treatments).mean
    _, spread = _standardised(residuals, level, rows)
    own = with_correlation(rows.scale**2 * (spread.effect + spread.base), rows.within)
    chance = level_error(residuals, n_treatments, rows)
    variance = np.maximum(level**2, np.diagonal(chance, axis1=1, axis2=2))
    own = np.broadcast_to(own, (*expected.shape, 2))
    shared = with_correlation(variance, chance)
    return CellEstimates(expected, shared, own, _no_factors(expected))


def with_disagreement(estimates, deviations):
    """Take a cell's own error from the disagreement of networks, not from residuals.

    Each network did without one fold of the rows. The disagreement of networks says
    how uncertain an expected outcome is in this cell. Residuals give one error for
    all cells, and this error is too large, since clusters are fitted to the rows
    whose residuals they collect.

    Parameters
    ----------
    estimates : CellEstimates
        Estimates from expected outcomes and residuals.
    deviations : ndarray of shape (n_clusters, n_treatments, 2, n_networks)
        Response and cost that each network expects, less the mean over networks.

    Returns
    -------
    estimates : CellEstimates
        Estimates with a factor for each network, since a network errs in many
        cells at once, and with an own error of each cell. The sizes of both in units
        of the variance between networks, `COMMON_VARIANCE` and `OWN_VARIANCE`,
        were fitted to simulated experiments. The errors of arms' levels are as before.
    """
    n_networks = deviations.shape[-1]
    n_folds = count_folds(n_networks)
    # Scaled so that squares sum to the variance between networks, times the root of M / 5.
    deviations = deviations * np.sqrt(np.sqrt(n_folds / MIN_FOLDS) / (n_networks - 1))
    own = OWN_VARIANCE * np.einsum("kjaf,kjbf->kjab", deviations, deviations)
    return estimates._replace(own=own, factors=np.sqrt(COMMON_VARIANCE) * deviations)


def _no_factors(mean):
    return np.zeros((*mean.shape, 0))


def _standardised(cells, prediction, rows):
    """Deviations of the cells in units of the arms' scales, and their variances."""
    n_treatments = len(rows.scale)
    precision = by_cell(effective_rows(cells), n_treatments)[..., None] * (rows.scale > 0)
    deviation = ratio(by_cell(cells.mean, n_treatments) - prediction, rows.scale)
    deviation = np.where(precision > 0, deviation, 0.0)
    return deviation, spread_of_cells(deviation, precision)


def to_response_and_cost(objective):
    """Return the coefficients of response and cost.

    Parameters
    ----------
    objective : ndarray of shape (n_outcomes,)
        Weight of each outcome in the response.

    Returns
    -------
    matrix : ndarray of shape (2, n_outcomes + 1)
        Coefficients of response and of cost on the outcomes and the cost.
    """
    matrix = np.zeros((2, len(objective) + 1))
    matrix[0, :-1] = objective
    matrix[1, -1] = 1.0
    return matrix


def _combine(moments, matrix):
    """Statistics of linear combinations of the columns."""
    return moments._replace(
        mean=moments.mean @ matrix.T, scatter=matrix @ moments.scatter @ matrix.T
    )


def _mean_outcomes(table, columns, matrix):
    """Cluster means of outcomes and of deviations, as response and cost of every arm."""
    _, deviations, outcomes = take_apart(table.covariates.mean, columns)
    # Without a cost among the tasks, the last coefficients have no task.
    coefficients = matrix[:, : columns.n_tasks].T
    networks_last = np.moveaxis(deviations @ coefficients, 1, -1)
    return outcomes @ coefficients, np.ascontiguousarray(networks_last)


def _cell_predictions(table, matrix):
    """Regression predictions for all members and for the rows that received the arm."""
    n_treatments = len(table.treatments)
    received = by_cell(table.received.mean, n_treatments)
    members = np.broadcast_to(table.covariates.mean[:, None], received.shape)
    n_covariates = received.shape[2]
    columns = np.zeros((n_covariates + 2, n_covariates + matrix.shape[1]))
    columns[:n_covariates, :n_covariates] = np.eye(n_covariates)
    columns[n_covariates:, n_covariates:] = matrix
    return regression_predictions(_combine(table.arms, columns), [members, received])


def _with_fixed_cost(estimates, arm_cost):
    """Replace the estimated cost by a known price of each arm."""
    mean, shared, own, factors = (np.array(array) for array in estimates)
    mean[..., 1] = arm_cost
    for covariance in (shared, own):
        covariance[..., 1, :] = covariance[..., :, 1] = 0.0
    factors[..., 1, :] = 0.0
    return CellEstimates(mean, shared, own, factors)
