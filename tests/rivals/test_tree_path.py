"""Trees for all budgets."""

import numpy as np
import pytest

from sklearn_hrc.rivals._tree_path import grow_path, prices_of_arms
from sklearn_hrc.rivals._tree_search import arms_of_tree


def test_prices_of_arms_by_hand():
    # The arm of response 3 is below the line from (0, 0) to (2, 8), and that of 9 costs most.
    assert prices_of_arms(np.array([0.0, 3.0, 8.0, 9.0]), np.array([0.0, 1.0, 2.0, 4.0])) == [
        4.0,
        0.5,
        0.0,
    ]


def test_groups_are_served_in_the_order_of_what_they_give():
    X = np.repeat([[0.0], [1.0], [2.0]], 10, axis=0)
    response = np.zeros((30, 2))
    response[:, 1] = np.repeat([1.0, 6.0, 3.0], 10)
    cost = np.tile([0.0, 1.0], (30, 1))
    path = grow_path(X, response, cost, depth=2, min_leaf=1, n_bins=8)
    np.testing.assert_allclose(path.cost, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(path.response, [0, 2, 3, 10 / 3])
    arms = [arms_of_tree(tree, X)[::10].tolist() for tree in path.trees]
    assert arms == [[0, 0, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_further_cost_buys_less_and_less(depth):
    rng = np.random.default_rng(depth)
    X, response = rng.normal(size=(300, 4)), rng.normal(size=(300, 3))
    cost = rng.random((300, 3)) * [0, 1, 2]
    response += X[:, :3] + [0, 1, 2]
    path = grow_path(X, response, cost, depth=depth, min_leaf=20, n_bins=8)
    slope = np.diff(path.response) / np.diff(path.cost)
    assert len(slope) > 2
    assert np.all(np.diff(path.cost) > 0)
    assert np.all(slope > 0)
    assert np.all(np.diff(slope) < 0)
    assert path.cost[0] <= cost.mean(axis=0).min()
    for tree, *means in zip(*path):
        arm = arms_of_tree(tree, X)
        np.testing.assert_allclose(means, [y[np.arange(300), arm].mean() for y in (response, cost)])


def test_a_cheapest_arm_that_is_best_is_all_there_is():
    response, cost = np.tile([1.0, 0.0], (20, 1)), np.tile([0.0, 1.0], (20, 1))
    path = grow_path(np.arange(20.0)[:, None], response, cost, depth=2, min_leaf=1, n_bins=8)
    assert path.cost.tolist() == [0.0]
    assert path.trees[0].arm.tolist() == [0]


def test_a_tree_that_costs_less_than_the_cheapest_arm_comes_first():
    # Each arm is free where it is best.
    X = np.repeat([[0.0], [1.0]], 10, axis=0)
    response = np.repeat(np.eye(2), 10, axis=0)
    path = grow_path(X, response, 1 - response, depth=1, min_leaf=1, n_bins=8)
    assert (path.cost.tolist(), path.response.tolist()) == ([0.0], [1.0])
