"""Trees as plain arrays."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.tree import DecisionTreeRegressor

from sklearn_hrc._predictor.fitted_trees import PlainTree, plain_tree


def test_leaves_by_hand():
    # the root cuts the second feature, and its right child the first
    tree = PlainTree(
        np.array([1, -2, 0, -2, -2]),
        np.array([0.5, -2, 2.0, -2, -2]),
        np.array([1, -1, 3, -1, -1]),
        np.array([2, -1, 4, -1, -1]),
    )
    rows = np.array([[9, 0.5], [2, 0.6], [2.1, 0.6], [0, -3]], dtype=np.float32)
    assert tree.leaves(rows).tolist() == [1, 3, 4, 1]


@pytest.mark.parametrize("n_leaves", [2, 4, 30])
def test_leaves_are_those_of_scikit_learn(n_leaves):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 6, (500, 3)).astype(np.float32)
    fitted = DecisionTreeRegressor(max_leaf_nodes=n_leaves, random_state=0)
    fitted.fit(rows, rng.normal(size=500))
    new = rng.integers(-1, 8, (500, 3)).astype(np.float32) / 2
    assert_array_equal(plain_tree(fitted.tree_).leaves(new), fitted.apply(new))
    assert len(np.unique(fitted.apply(rows))) == n_leaves


def test_a_tree_without_a_cut_has_one_leaf():
    fitted = DecisionTreeRegressor().fit(np.zeros((3, 1)), np.arange(3.0))
    assert plain_tree(fitted.tree_).leaves(np.zeros((2, 1), dtype=np.float32)).tolist() == [0, 0]
