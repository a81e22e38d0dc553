"""Means of simulated cells against an allocator that was fitted to the same rows."""

import numpy as np
from numpy.testing import assert_allclose

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.design._cell_means import pooled_means


def test_means_are_those_of_the_allocator_for_each_of_several_experiments():
    rng = np.random.default_rng(0)
    truth = rng.normal(2, 0.3, (4, 3, 2))
    # An arm of a constant cost has no spread.
    truth[:, 0, 1] = 0.0
    all_sums, expected = [], []
    for n in (60, 400):
        cluster, arm = rng.integers(0, 4, n), rng.integers(0, 3, n)
        error = rng.normal(size=(n, 2)) * [[1.0, 0.5]] * np.stack([np.ones(n), arm > 0], axis=1)
        y, cost = (truth[cluster, arm] + error).T
        terms = [np.ones(n), *error.T, error[:, 0] ** 2, error.prod(axis=1), error[:, 1] ** 2]
        sums = np.stack([np.bincount(cluster * 3 + arm, term, 12) for term in terms], axis=-1)
        all_sums.append(sums.reshape(4, 3, 6))
        fitted = ClusterBudgetAllocator().fit(cluster[:, None], y, treatment=arm, cost=cost)
        expected.append(np.stack([fitted.response_, fitted.cost_], axis=-1))
    assert_allclose(pooled_means(np.array(all_sums), truth), expected, rtol=1e-9, atol=1e-12)
