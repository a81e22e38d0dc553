"""Comparisons from sums of cells against those of the metrics on the rows themselves."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_hrc.design._judging import measured_gain, net_difference
from sklearn_hrc.evaluation._held_out import HeldOut
from sklearn_hrc.evaluation._rules_to_beat import beat, rules_to_beat
from sklearn_hrc.evaluation._valuation import Valuation
from sklearn_hrc.metrics import compare_policies

N_FOLDS, N_CLUSTERS, N_ARMS = 3, 4, 3


def rows_and_sums(seed):
    """Rows of an experiment, and their sums by fold, cluster and arm."""
    rng = np.random.default_rng(seed)
    n = 900
    fold, cluster, arm = (rng.integers(0, size, n) for size in (N_FOLDS, N_CLUSTERS, N_ARMS))
    cost = arm * rng.gamma(4, 0.25, n)
    y = 1 + 0.3 * cluster * (arm == 1) + 0.5 * cost + rng.normal(size=n)
    terms = np.stack([np.ones(n), y, cost, y**2, y * cost, cost**2])
    place = (fold * N_CLUSTERS + cluster) * N_ARMS + arm
    size = N_FOLDS * N_CLUSTERS * N_ARMS
    sums = np.stack([np.bincount(place, term, size) for term in terms], axis=-1)
    shares = rng.dirichlet(np.ones(N_ARMS), (N_FOLDS, N_CLUSTERS))
    return (fold, cluster, arm, y, cost), sums.reshape(N_FOLDS, N_CLUSTERS, N_ARMS, 6), shares


def test_difference_and_error_are_those_of_compare_policies():
    (fold, cluster, arm, y, cost), sums, given = rows_and_sums(0)
    other = np.array([0.2, 0.5, 0.3])
    difference, variance = net_difference(sums, given, other, 0.7)
    found = compare_policies(
        given[fold, cluster], np.tile(other, (len(y), 1)), y - 0.7 * cost, treatment=arm
    )
    assert_allclose([difference, np.sqrt(variance)], [found.response, found.response_se])


@pytest.mark.parametrize("seed", range(3))
def test_the_rule_at_equal_spend_is_that_of_evaluate(seed):
    (fold, cluster, arm, y, cost), sums, plans = rows_and_sums(seed)
    rows = {"treatment": arm, "propensity": None, "sample_weight": np.ones(len(y)), "groups": None}
    valuation = Valuation(y, rows, cost, None, 0)
    folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(N_FOLDS)]
    means = [cost[arm == j].mean() for j in range(N_ARMS)]
    grid = np.unique([*np.linspace(means[0], max(means), 11)[1:], 0.8])
    expected = np.zeros((len(y), N_ARMS, 2))
    held_out = HeldOut(fold, arm, arm[None], expected, np.zeros((N_FOLDS, 3)))
    single, mix, _ = rules_to_beat(valuation, held_out, folds, grid)
    train = sums.sum(axis=0) - sums
    for rule in (single, mix):
        found = measured_gain(sums, train, plans, 0.8, rule.name, 0)
        assert_allclose(found, beat(valuation, plans[fold, cluster], rule), rtol=1e-9)
