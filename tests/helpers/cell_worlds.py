"""Experiments on clusters, made by hand or drawn with known cell means."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._cells.estimates import estimate_cells
from sklearn_hrc._cells.table import CellTable, table_of_rows
from sklearn_hrc._experiment import Experiment


def rows(y, arm, cost=None, *, treatments=None, propensity=None, weight=None):
    """Return checked rows with one outcome or several."""
    y = np.asarray(y, dtype=np.float64)
    arm = np.asarray(arm, dtype=np.intp)
    return Experiment(
        outcomes=y.reshape(len(y), -1),
        outcome_names=["y"],
        arm=arm,
        treatments=np.arange(arm.max() + 1) if treatments is None else np.asarray(treatments),
        cost=None if cost is None else np.asarray(cost, dtype=np.float64),
        propensity=propensity,
        sample_weight=np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64),
    )


def table(labels, experiment, covariates=None, *, estimation="raw", expected=None):
    """Return the table that an estimation needs."""
    labels = np.asarray(labels, dtype=np.float64)
    covariates = np.empty((len(labels), 0)) if covariates is None else covariates
    cost = experiment.cost
    return table_of_rows(
        labels,
        covariates,
        experiment,
        spent=np.zeros(len(labels)) if cost is None else cost,
        expected=expected,
        regress=estimation == "pooled",
    )


class World(NamedTuple):
    """Rows of an experiment and the truth about its cells."""

    labels: np.ndarray
    covariates: np.ndarray
    experiment: Experiment
    mean: np.ndarray

    def table(self, estimation, expected=None):
        """Return the table of the rows."""
        return table(
            self.labels, self.experiment, self.covariates, estimation=estimation, expected=expected
        )

    def estimate(self, estimation):
        """Return the estimates, the truth of the same cells and the clusters' shares."""
        cells = self.table(estimation)
        estimates = estimate_cells(cells, np.ones(1), estimation)
        return estimates, self.mean[cells.clusters.astype(int)], shares(cells)


def shares(cells: CellTable):
    """Return the share of each cluster."""
    return cells.members.weight / cells.members.weight.sum()


def draw(
    seed,
    kind,
    *,
    n_rows=4000,
    n_clusters=24,
    n_arms=4,
    propensities=False,
    noise=3.0,
    n_covariates=0,
):
    """Draw an experiment whose control is free and whose coupons cost when redeemed.

    Responses are Gaussian, or mostly zero with log-normal amounts. Clusters
    have a base and the arms effects in them. With propensities, two kinds of
    rows in every cluster receive the arms with different probabilities and
    differ in response.
    """
    rng = np.random.default_rng(seed)
    shape = (n_clusters, n_arms)
    level = np.linspace(1.0, 2.0, n_arms)
    inclination = level + rng.normal(size=(n_clusters, 1)) + 0.5 * rng.normal(size=shape)
    label = rng.choice(n_clusters, n_rows, p=rng.dirichlet(np.full(n_clusters, 3.0)))
    half = rng.integers(0, 2, n_rows)
    probability = np.full((2, n_arms), 1 / n_arms)
    if propensities:
        probability = 0.2 / n_arms + 0.8 * rng.dirichlet(np.full(n_arms, 3.0), size=2)
    received = probability[half].cumsum(axis=1) < rng.random((n_rows, 1))
    arm = np.minimum(received.sum(axis=1), n_arms - 1)
    kind_of_row = (half - 0.5) * propensities
    redeemed = 0.3 + 0.4 / (1 + np.exp(-inclination))
    price = np.linspace(0.0, 2.0, n_arms)
    if kind == "gaussian":
        mean = inclination
        y = mean[label, arm] + kind_of_row + noise * rng.normal(size=n_rows)
    else:
        bought, amount = 1 / (1 + np.exp(3 - inclination)), np.exp(0.3 * inclination)
        mean = bought * amount
        spent = amount[label, arm] * np.exp(rng.normal(size=n_rows) - 0.5) * (1 + kind_of_row / 2)
        y = spent * (rng.random(n_rows) < bought[label, arm])
    cost = price[arm] * (rng.random(n_rows) < redeemed[label, arm])
    loadings = rng.normal(size=(2, n_covariates))
    hidden = np.column_stack([inclination.mean(axis=1), inclination[:, -1] - inclination[:, 0]])
    covariates = (hidden @ loadings)[label] + rng.normal(size=(n_rows, n_covariates))
    experiment = rows(
        y,
        arm,
        cost,
        treatments=np.arange(n_arms),
        propensity=probability[half, arm] if propensities else None,
    )
    return World(
        label.astype(float), covariates, experiment, np.stack([mean, redeemed * price], axis=-1)
    )
