"""The table of cells: what an experiment says about each cluster and arm.

Built from rows, merged with tables of other rows. Everything that estimation
and allocation need, and nothing that grows with the number of rows.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._cells.moments import Moments, add, empty, merge, pool
from sklearn_hrc._columns import take_apart, warn_if_far
from sklearn_hrc._experiment import take_rows
from sklearn_hrc._labels import find_labels, unite_labels

__all__ = ["CellTable", "allotted_sizes", "merge_tables", "summarise", "table_of_rows"]


class CellTable(NamedTuple):
    """Statistics of an experiment, by cluster, arm and cell.

    Cells are numbered `cluster * n_treatments + arm`. Sums over received arms
    are weighted by `sample_weight / propensity`, sums over members of a
    cluster by `sample_weight` alone: its size does not depend on what its
    members received.

    Attributes
    ----------
    clusters : ndarray of shape (n_clusters,), float64
        Sorted labels.
    treatments : ndarray of shape (n_treatments,)
        Labels.
    cells : Moments of n_clusters * n_treatments groups
        Received arms. Columns: the outcomes, the cost (zero where none was
        given) and, where outcomes are predicted, the residuals of both.
    members : Moments of n_clusters groups, squares only
        All rows. Columns: the covariates, then what was spent.
    received : Moments of n_clusters * n_treatments groups, squares only
        Received arms. Columns: the covariates. No columns unless the
        covariates predict the cells.
    arms : Moments of n_treatments groups
        Received arms. Columns: the covariates, the outcomes, the cost. No
        columns unless the covariates predict the cells.
    """

    clusters: np.ndarray
    treatments: np.ndarray
    cells: Moments
    members: Moments
    received: Moments
    arms: Moments

    @property
    def covariates(self):
        """Statistics of the covariates of all rows, by cluster."""
        mean, scatter = self.members.mean, self.members.scatter
        return self.members._replace(mean=mean[:, :-1], scatter=scatter[:, :-1])

    @property
    def mean_spent(self):
        """Mean of what was spent, over all rows."""
        return np.average(self.members.mean[:, -1], weights=self.members.weight)


def table_of_rows(labels, covariates, experiment, *, spent, expected=None, regress=False):
    """Summarise rows.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        Cluster of each row.
    covariates : ndarray of shape (n_samples, n_covariates)
        Further columns.
    experiment : Experiment
        Checked rows.
    spent : ndarray of shape (n_samples,)
        Cost of each row as the budget counts it.
    expected : ndarray of shape (n_samples, n_outcomes + 1), default=None
        Predicted outcomes and cost of the received arm.
    regress : bool, default=False
        Keep what a regression of the cells on the covariates needs.

    Returns
    -------
    table : CellTable
        Statistics.
    """
    clusters, cluster = np.unique(labels.astype(np.float64), return_inverse=True)
    n_clusters, n_treatments = len(clusters), len(experiment.treatments)
    cell = cluster * n_treatments + experiment.arm
    received_weight = experiment.sample_weight
    if experiment.propensity is not None:
        received_weight = received_weight / experiment.propensity
    tasks = with_cost(experiment)
    values = [tasks] if expected is None else [tasks, tasks - expected]
    regressors = covariates if regress else covariates[:, :0]
    joint = [regressors, tasks] if regress else [regressors]

    def summary(groups, n_groups, blocks, weight, cross):
        n_columns = sum(block.shape[1] for block in blocks)
        return add(empty(n_groups, n_columns, cross=cross), groups, blocks, weight)

    n_cells = n_clusters * n_treatments
    return CellTable(
        clusters,
        experiment.treatments,
        cells=summary(cell, n_cells, values, received_weight, True),
        members=summary(
            cluster,
            n_clusters,
            [covariates, spent[:, None]],
            experiment.sample_weight,
            False,
        ),
        received=summary(cell, n_cells, [regressors], received_weight, False),
        arms=summary(experiment.arm, n_treatments, joint, received_weight, True),
    )


def summarise(X, experiment, estimation, prices=None, columns=None):
    """Summarise the rows of an allocator.

    Parameters
    ----------
    X : ndarray of shape (n_samples, 1 + n_covariates)
        Cluster label, then covariates.
    experiment : Experiment
        Checked rows. Those without weight are left out.
    estimation : {"raw", "pooled", "outcomes"}
        How the cells will be estimated.
    prices : ndarray of shape (n_treatments,), default=None
        Known price of each arm of the experiment, which the budget counts
        instead of the cost.
    columns : Columns, default=None
        Layout of the covariates, where they predict the cells.

    Returns
    -------
    table : CellTable
        Statistics.
    """
    weighted = experiment.sample_weight > 0
    if not weighted.all():
        X, experiment = X[weighted], take_rows(experiment, weighted)
    labels, covariates = X[:, 0], X[:, 1:]
    tasks, expected = with_cost(experiment), None
    if estimation == "outcomes":
        expected = np.zeros_like(tasks)
        outcomes = take_apart(covariates, columns)[2]
        expected[:, : columns.n_tasks] = outcomes[np.arange(len(X)), experiment.arm]
        if len(experiment.treatments) > 1:
            names = [*experiment.outcome_names, "cost"]
            warn_if_far(tasks, expected, experiment.sample_weight, names)
    return table_of_rows(
        labels,
        covariates,
        experiment,
        spent=tasks[:, -1] if prices is None else prices[experiment.arm],
        expected=expected,
        regress=estimation == "pooled",
    )


def with_cost(experiment):
    """Return outcomes and cost side by side. A cost that was not given is zero."""
    cost = experiment.cost
    if cost is None:
        cost = np.zeros(len(experiment.outcomes))
    return np.column_stack([experiment.outcomes, cost])


def merge_tables(first, second, order=None):
    """Return the statistics of the rows of both tables. Clusters and arms are united.

    Arms are sorted, or stand as in an order of their labels.
    """
    clusters = np.union1d(first.clusters, second.clusters)
    treatments = unite_labels(first.treatments, second.treatments, order)
    grown = [_grow(table, clusters, treatments) for table in (first, second)]
    names = ("cells", "members", "received", "arms")
    merged = {name: merge(*(getattr(table, name) for table in grown)) for name in names}
    return CellTable(clusters, treatments, **merged)


def allotted_sizes(weight, population):
    """Share out a population in proportion to weights, by largest remainder.

    Parameters
    ----------
    weight : ndarray of shape (n_clusters,)
        Non-negative weights, not all zero.
    population : int
        Number of individuals.

    Returns
    -------
    sizes : ndarray of shape (n_clusters,), int64
        Whole numbers that sum to `population`.
    """
    quota = weight * (population / weight.sum())
    sizes = np.floor(quota).astype(np.int64)
    remainder = quota - sizes
    # Ties go to the first cluster, on every machine.
    missing = population - sizes.sum()
    sizes[np.argsort(-remainder, kind="stable")[:missing]] += 1
    return sizes


def _grow(table, clusters, treatments):
    cluster = find_labels(table.clusters, clusters)
    arm = find_labels(table.treatments, treatments)
    n_clusters, n_treatments = len(clusters), len(treatments)
    cell = (cluster[:, None] * n_treatments + arm).ravel()
    n_cells = n_clusters * n_treatments
    return table._replace(
        cells=pool(table.cells, cell, n_cells),
        members=pool(table.members, cluster, n_clusters),
        received=pool(table.received, cell, n_cells),
        arms=pool(table.arms, arm, n_treatments),
    )
