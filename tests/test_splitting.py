"""The side of a row in a split cluster: exact shares, stable, uniform."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

from sklearn_hrc._splitting import (
    SplitRule,
    arms_of_rows,
    fit_split_rule,
    has_spread,
    head_keys,
    uniforms,
)
from sklearn_hrc._statistics import add, empty


def rule_of(covariates, labels, seed=0):
    members = add(
        empty(labels.max() + 1, covariates.shape[1], cross=False),
        labels,
        covariates,
        np.ones(len(labels)),
    )
    direction = np.random.default_rng(seed).normal(size=covariates.shape[1])
    return fit_split_rule(members, direction)


def test_hand_computed():
    rule = SplitRule(np.array([1.0]), np.array([0.5]))
    # 3 * (x - 1) * 0.5, fractional part
    assert_array_equal(uniforms(np.array([[1.0], [1.5], [0.0], [3.0]]), rule), [0, 0.75, 0.5, 0])


def test_arms_of_rows_hand_computed():
    allocation = np.array([[0, 3, 1], [5, 0, 0], [0, 0, 0]])
    cost = np.array([[0.0, 2.0, 1.0], [0.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
    cluster = np.array([0, 0, 0, 0, 1, 2, -1])
    uniform = np.array([0.0, 0.24, 0.25, 0.99, 0.5, 0.5, 0.5])
    # cluster 0: arm 2 is the cheaper and comes first, up to a quarter
    arms = arms_of_rows(cluster, uniform, allocation, cost, control=1)
    assert_array_equal(arms, [2, 2, 1, 1, 0, 1, 1])
    assert_array_equal(
        arms_of_rows(cluster, None, allocation, cost, control=1), [2, 2, 2, 2, 0, 1, 1]
    )


@pytest.mark.parametrize("n_covariates", [1, 2, 30])
def test_uniform_within_clusters_and_uncorrelated(n_covariates):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 5, 20_000)
    covariates = rng.normal(size=(20_000, n_covariates)) * 7 + 3 * labels[:, None]
    uniform = uniforms(covariates, rule_of(covariates, labels))
    for k in range(5):
        rows = labels == k
        assert stats.kstest(uniform[rows], "uniform").pvalue > 1e-3
        assert abs(stats.pearsonr(uniform[rows], covariates[rows, 0])[0]) < 0.06


def test_rounding_of_the_covariates_moves_almost_no_row():
    rng = np.random.default_rng(2)
    n_rows = 200_000
    labels = rng.integers(0, 2, n_rows)
    covariates = rng.normal(size=(n_rows, 32)).astype(np.float32)
    rule = rule_of(covariates, labels)
    noisy = covariates * (1 + 4e-7 * rng.uniform(-1, 1, covariates.shape)).astype(np.float32)
    allocation, cost = np.array([[3, 7], [5, 5]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    sides = [
        arms_of_rows(labels, uniforms(values, rule), allocation, cost, 0)
        for values in (covariates, noisy)
    ]
    assert (sides[0] != sides[1]).sum() <= n_rows / 100_000
    assert abs(sides[0][labels == 0].mean() - 0.7) < 0.01


def test_constant_covariates_have_no_part():
    covariates = np.column_stack([np.full(100, 0.1), np.arange(100.0)])
    rule = rule_of(covariates, np.zeros(100, dtype=int))
    assert rule.direction[0] == 0
    assert abs(rule.direction[1]) > 0


def test_has_spread():
    assert not has_spread(np.empty((10, 0)))
    assert not has_spread(np.tile([[0.0], [1.0]], (50, 1)))
    assert has_spread(np.random.default_rng(0).normal(size=(100, 1)))


def test_uniform_is_below_one_just_below_a_whole_turn():
    rule = SplitRule(np.array([0.1]), np.array([1.0]))
    uniform = uniforms(np.array([[np.nextafter(0.1, 0)], [0.1]]), rule)
    assert_array_equal(uniform, [0, 0])
    allocation, cost = np.array([[1, 1]]), np.array([[0.0, 1.0]])
    assert_array_equal(arms_of_rows(np.zeros(2, int), uniform, allocation, cost, 0), [0, 0])


def test_head_keys_tell_rows_apart():
    few = np.random.default_rng(0).integers(0, 3, (2000, 2)).astype(float)
    keys = head_keys(few)
    assert keys.shape == (1000, 1)
    assert len(np.unique(keys)) == 9
    # whatever the dtype, the order in memory and the sign of zero
    for same in (few.astype(np.float32), np.asfortranarray(few), np.where(few == 0, -0.0, few)):
        assert_array_equal(head_keys(same), keys)
    assert head_keys(few[:, :0]).shape == (1000, 0)
