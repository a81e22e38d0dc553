"""Tasks, their link scale, masks and weights in the loss."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit

from sklearn_hrc._components import (
    ENTROPY_FLOOR,
    describe_tasks,
    loss_weights,
    to_link_targets,
    to_outcomes,
)

# two arms: a binary task, a continuous one, and a cost that is free in arm 0
ARM = np.array([0, 0, 0, 1, 1, 1])
TASKS = np.array(
    [[2.0, 1.0, 0.0], [5, 3, 0], [2, 5, 0], [2, 7, 1], [5, 9, 2], [5, 11, 6]],
)
ONES = np.ones(6)


def test_describe_by_hand():
    tasks = describe_tasks(TASKS, ARM, 2, ONES)
    assert_array_equal(tasks.binary, [True, False, False])
    assert_array_equal(tasks.masked, [[False, False, True], [False, False, False]])
    assert_array_equal(tasks.constant, np.zeros((2, 3)))
    # the free control does not enter the scale of the cost: mean and sd of 1, 2, 6
    assert_allclose(tasks.location, [2, 6, 3])
    assert_allclose(tasks.scale, [3, np.std(TASKS[:, 1]), np.std([1, 2, 6])])
    assert_allclose(tasks.importance, [0.5 / np.log(2), 1, 1])


def test_weights_count_like_repeated_rows():
    weight = np.array([1, 2, 3, 1, 1, 2])
    repeated = np.repeat(np.arange(6), weight)
    weighted = describe_tasks(TASKS, ARM, 2, weight.astype(float))
    expected = describe_tasks(TASKS[repeated], ARM[repeated], 2, np.ones(10))
    for value, other in zip(weighted, expected):
        assert_allclose(value, other)


def test_importance_of_rare_outcomes_has_a_limit():
    rare = np.zeros((10_000, 1))
    rare[0] = 1
    tasks = describe_tasks(rare, np.zeros(10_000, dtype=int), 1, np.ones(10_000))
    assert tasks.binary[0]
    assert tasks.importance[0] == 0.5 / ENTROPY_FLOOR


def test_one_row_is_no_constant():
    tasks = describe_tasks(np.array([[1.0], [2.0], [3.0]]), np.array([0, 0, 1]), 3, np.ones(3))
    assert not tasks.masked.any()


def test_loss_weights():
    tasks = describe_tasks(TASKS, ARM, 2, ONES)
    weight = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    weights = loss_weights(ARM, weight, tasks)
    # a mean of one, times the importance, where nothing is masked
    assert_allclose(weights[:, :2].mean(axis=0), tasks.importance[:2])
    assert_array_equal(weights[ARM == 0, 2], 0)
    assert (weights[ARM == 1] > 0).all()
    assert_allclose(loss_weights(ARM, 7 * weight, tasks), weights)


def test_link_targets():
    targets = to_link_targets(TASKS, describe_tasks(TASKS, ARM, 2, ONES))
    assert_array_equal(targets[:, 0], [0, 1, 0, 0, 1, 1])
    assert_allclose(targets[:, 1].mean(), 0, atol=1e-15)
    assert_allclose(targets[:, 1].std(), 1)
    assert_allclose(targets[ARM == 1, 2].mean(), 0, atol=1e-15)


def test_link_round_trip():
    tasks = describe_tasks(TASKS, ARM, 2, ONES)
    rng = np.random.default_rng(0)
    outcomes = rng.normal(5, 20, size=(50, 2, 3))
    outcomes[..., 0] = rng.uniform(2.01, 4.99, size=(50, 2))
    outcomes[:, 0, 2] = 0  # masked
    link = to_link_targets(outcomes, tasks)
    link[..., 0] = logit(link[..., 0])
    assert_allclose(to_outcomes([link], tasks), outcomes, rtol=1e-12)


def test_mean_over_networks_is_taken_of_outcomes():
    tasks = describe_tasks(TASKS, ARM, 2, ONES)
    links = list(np.random.default_rng(0).normal(size=(3, 7, 2, 3)))
    expected = np.mean([to_outcomes([link], tasks) for link in links], axis=0)
    assert_allclose(to_outcomes(links, tasks), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_networks", [1, 3, 5])
def test_constants_are_exact(dtype, n_networks):
    values = np.tile([[0.1, 1e9]], (6, 1))
    tasks = describe_tasks(values, ARM, 2, ONES)
    assert tasks.masked.all()
    assert_array_equal(loss_weights(ARM, ONES, tasks), np.zeros((6, 2)))
    assert np.isfinite(to_link_targets(values, tasks)).all()
    links = list(np.random.default_rng(0).normal(size=(n_networks, 4, 2, 2)).astype(dtype))
    outcomes = to_outcomes(links, tasks)
    assert outcomes.dtype == dtype
    assert_array_equal(outcomes, np.broadcast_to(np.array([0.1, 1e9], dtype=dtype), (4, 2, 2)))


@settings(derandomize=True, deadline=None)
@given(
    hnp.arrays(float, (4, 2, 3), elements=st.floats(-1e3, 1e3)),
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e6),
)
def test_binary_outcomes_stay_between_their_two_values(link, low, gap):
    values = TASKS.copy()
    values[:, 0] = np.where(values[:, 0] == 2, low, low + gap)
    tasks = describe_tasks(values, ARM, 2, ONES)
    outcomes = to_outcomes([link], tasks)
    low, high = values[:, 0].min(), values[:, 0].max()
    slack = 1e-9 * (1 + abs(low) + abs(high))
    assert ((outcomes[..., 0] >= low - slack) & (outcomes[..., 0] <= high + slack)).all()
    assert np.isfinite(outcomes).all()
    assert (outcomes[:, 0, 2] == 0).all()
