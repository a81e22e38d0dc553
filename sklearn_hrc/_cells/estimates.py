"""Statistics of cells -> expected response and cost of each cell, with errors.

Two variables, response and cost, in this order: the outcomes are combined into
the response first. Errors have three parts: the level of an arm, which all
clusters share; factors, such as what a network got wrong, which move many cells
at once, each by its loading; and what is a cell's own. The distinction matters
for the error of a total: own errors cancel over clusters, shared ones do not.
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
from sklearn_hrc._predictor.folds import MIN_FOLDS, count_folds

__all__ = ["CellEstimates", "estimate_cells", "to_response_and_cost"]

# The variance of an expected outcome, in units of the variance between networks: what
# is common to the cells, and what is each cell's own. With five networks these are
# half of the jackknife variance and all of it. A jackknife grows with the number of
# folds; since networks also differ by their initial weights, here its root is
# taken. All this was fitted to simulated experiments with known truth
# (benchmarks/errors.py).
COMMON_VARIANCE = 1.9
OWN_VARIANCE = 3.8


class CellEstimates(NamedTuple):
    """Expected response and cost of each cell, per individual.

    Attributes
    ----------
    mean : ndarray of shape (n_clusters, n_treatments, 2)
        Response and cost.
    shared : ndarray of shape (n_treatments, 2, 2)
        Error covariance of an arm's level, common to all its cells.
    own : ndarray of shape (n_clusters, n_treatments, 2, 2)
        Error covariance of the cell beside that.
    factors : ndarray of shape (n_clusters, n_treatments, 2, n_factors)
        Loadings on independent standard normals, each of them common to all
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

    def total_covariance(self, share):
        """Return the error covariance of the mean response and cost of an allocation.

        Parameters
        ----------
        share : ndarray of shape (n_clusters, n_treatments)
            Share of all individuals in each cell.

        Returns
        -------
        covariance : ndarray of shape (2, 2)
            Of the mean over individuals.
        """
        own = np.einsum("kj,kjab->ab", share**2, self.own)
        shared = np.einsum("j,jab->ab", share.sum(axis=0) ** 2, self.shared)
        loading = np.einsum("kj,kjaf->af", share, self.factors)
        return own + shared + loading @ loading.T


def estimate_cells(table, objective, estimation, *, arm_cost=None, has_cost=True, n_networks=0):
    """Estimate every cell of a table.

    Parameters
    ----------
    table : CellTable
        Statistics of the experiment.
    objective : ndarray of shape (n_outcomes,)
        Weight of each outcome in the response.
    estimation : {"raw", "pooled", "outcomes"}
        Cell means of the rows; the same shrunken towards a regression; or cell
        means of expected outcomes.
    arm_cost : ndarray of shape (n_treatments,), default=None
        Known price of each arm, instead of the estimated cost.
    has_cost : bool, default=True
        The expected outcomes of an arm include its cost.
    n_networks : int, default=0
        Networks whose deviations stand before the expected outcomes; 0 where
        there are none.

    Returns
    -------
    estimates : CellEstimates
        Means and errors.
    """
    matrix = to_response_and_cost(objective)
    n_treatments = len(table.treatments)
    n_tasks = len(objective) + 1
    if estimation == "outcomes":
        columns = np.zeros((2, 2 * n_tasks))
        columns[:, n_tasks:] = matrix
        *deviations, expected = _mean_outcomes(table, objective, has_cost, n_networks + 1)
        estimates = outcome_estimates(expected, _combine(table.cells, columns))
        if n_networks:
            estimates = with_disagreement(estimates, np.stack(deviations, axis=-1))
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
    row drawn from that arm.

    Parameters
    ----------
    cells : Moments of n_clusters * n_treatments groups
        Response and cost of received arms.
    n_treatments : int
        Number of arms.

    Returns
    -------
    estimates : CellEstimates
        All errors are the cells' own.
    """
    seen = by_cell(cells.weight, n_treatments)[..., None] > 0
    arm_mean = arm_moments(cells, n_treatments).mean
    mean = np.where(seen, by_cell(cells.mean, n_treatments), arm_mean)
    own = cell_noise(cells, n_treatments, row_spread(cells, n_treatments))
    return CellEstimates(mean, np.zeros((n_treatments, 2, 2)), own, _no_factors(mean))


def pooled_estimates(cells, prediction, received_prediction):
    """Shrink cell means towards a prediction, by how much either can be trusted.

    Base of the cluster and effect of the cell are predicted as in Fay and
    Herriot (1979, doi:10.1080/01621459.1979.10482505). A cell without rows is
    its prediction plus the base, with the larger error.

    Parameters
    ----------
    cells : Moments of n_clusters * n_treatments groups
        Response and cost of received arms.
    prediction : ndarray of shape (n_clusters, n_treatments, 2)
        Prediction for all members of the cluster.
    received_prediction : ndarray of shape (n_clusters, n_treatments, 2)
        The same for the rows that received the arm.

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
    variance = spread.effect * (1 - trust) + (1 - trust) ** 2 * base_error[:, None]
    mean = prediction + rows.scale * shrunken
    own = with_correlation(rows.scale**2 * variance, rows.within)
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
        Response and cost of received arms less what was expected.

    Returns
    -------
    estimates : CellEstimates
        The mean is `expected`. An arm's shared error is by how much its
        expectations were off, at least what chance does to them; a cell's own
        error is the spread of the cells' residuals beyond their noise: base of
        the cluster plus effect.
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
    """Take what is a cell's own from the disagreement of networks, not from residuals.

    Networks, each of which did without a fold of the rows, tell by their
    disagreement how uncertain an expected outcome is in this cell. Residuals
    tell it for all cells alike, and say too much: clusters are fitted to the
    rows whose residuals they collect.

    Parameters
    ----------
    estimates : CellEstimates
        From expected outcomes and residuals.
    deviations : ndarray of shape (n_clusters, n_treatments, 2, n_networks)
        Response and cost that each network expects, less the mean over them.

    Returns
    -------
    estimates : CellEstimates
        What a network got wrong, it got wrong in many cells: a factor. Beside
        these each cell has an error of its own. How large both are in units of
        the variance between networks, `COMMON_VARIANCE` and `OWN_VARIANCE`,
        was fitted to simulated experiments. Arms' levels are as before.
    """
    n_networks = deviations.shape[-1]
    n_folds = count_folds(n_networks)
    deviations = deviations * np.sqrt(np.sqrt(n_folds / MIN_FOLDS) / (n_networks - 1))
    own = OWN_VARIANCE * np.einsum("kjaf,kjbf->kjab", deviations, deviations)
    return estimates._replace(own=own, factors=np.sqrt(COMMON_VARIANCE) * deviations)


def _no_factors(mean):
    return np.zeros((*mean.shape, 0))


def _standardised(cells, prediction, rows):
    """Deviations of the cells in units of the arms' scales, and what moves them."""
    n_treatments = len(rows.scale)
    precision = by_cell(effective_rows(cells), n_treatments)[..., None] * (rows.scale > 0)
    deviation = ratio(by_cell(cells.mean, n_treatments) - prediction, rows.scale)
    deviation = np.where(precision > 0, deviation, 0.0)
    return deviation, spread_of_cells(deviation, precision)


def to_response_and_cost(objective):
    """Return what response and cost are made of.

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


def _mean_outcomes(table, objective, has_cost, n_blocks):
    """Cluster means of the last blocks of outcomes, as response and cost of every arm.

    The expected outcomes are the last block, deviations of networks those before it.
    """
    n_clusters, n_treatments = len(table.clusters), len(table.treatments)
    n_tasks = len(objective) + has_cost
    covariates = table.covariates.mean
    outcomes = covariates[:, covariates.shape[1] - n_blocks * n_treatments * n_tasks :]
    outcomes = outcomes.reshape(n_clusters, n_blocks, n_treatments, n_tasks)
    return np.moveaxis(outcomes, 1, 0) @ to_response_and_cost(objective)[:, :n_tasks].T


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
