"""Trees of arms: the exact search against all trees there are, and planted trees."""

import numpy as np
import pytest

from sklearn_hrc.rivals._binned_scores import bin_scores, pair_sums
from sklearn_hrc.rivals._tree_search import Tree, arms_of_tree, grow_tree, screen


def scored_rows(seed, n_samples=40, n_features=3, n_arms=3):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 5, size=(n_samples, n_features)).astype(float)
    response, cost = rng.normal(size=(2, n_samples, n_arms))
    return X, response, cost + 1


def grow(X, response, cost, price, depth, min_leaf=1, n_bins=32):
    binned = bin_scores(X, response, cost, n_bins)
    sums = pair_sums(binned.codes, binned.values, n_bins)
    return grow_tree(binned, sums, price, depth, min_leaf)


def best_total(X, net, depth, min_leaf):
    """Best total over all trees, one by one."""
    best = net.sum(axis=0).max()
    if depth == 0:
        return best
    for feature in X.T:
        for threshold in np.unique(feature)[:-1]:
            left = feature <= threshold
            if min(left.sum(), (~left).sum()) >= min_leaf:
                sides = (best_total(X[s], net[s], depth - 1, min_leaf) for s in (left, ~left))
                best = max(best, sum(sides))
    return best


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize(("price", "min_leaf"), [(0.0, 1), (0.7, 1), (0.7, 7), (-0.4, 12)])
def test_no_tree_is_better(seed, depth, price, min_leaf):
    X, response, cost = scored_rows(seed)
    net = response - price * cost
    arm = arms_of_tree(grow(X, response, cost, price, depth, min_leaf), X)
    total = net[np.arange(len(X)), arm].sum()
    assert total == pytest.approx(best_total(X, net, depth, min_leaf))


@pytest.mark.parametrize("min_leaf", [1, 5, 9])
def test_leaves_have_rows_enough(min_leaf):
    X, response, cost = scored_rows(0)
    tree = grow(X, response, cost, 0.5, 3, min_leaf)
    # The arms of the leaves become their numbers, to tell which leaf a row is in.
    numbered = tree._replace(arm=np.arange(len(tree.arm)))
    assert np.unique(arms_of_tree(numbered, X), return_counts=True)[1].min() >= min_leaf


def test_a_pair_of_features_is_found_neither_of_which_helps_alone():
    X = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)] * 2, dtype=float)
    best = (X[:, 0] != X[:, 2]).astype(int)
    response = np.eye(2)[best]
    tree = grow(X, response, np.zeros_like(response), 0.0, 2)
    np.testing.assert_array_equal(arms_of_tree(tree, X), best)
    np.testing.assert_array_equal(tree.feature, [0, 2, -1, -1, 2, -1, -1])
    assert np.all(tree.threshold[[0, 1, 4]] == 0.5)


def test_a_deeper_tree_looks_two_splits_ahead_in_each_node():
    bits = np.arange(16)[:, None] // 2 ** np.arange(4) % 2
    X = np.tile(bits, (4, 1)).astype(float)
    # Where the first feature is one, the others decide only together.
    best = np.where(X[:, 0] == 1, (X[:, 1] != X[:, 2]).astype(int), 2)
    response = np.eye(3)[best]
    tree = grow(X, response, np.zeros_like(response), 0.0, 3)
    np.testing.assert_array_equal(arms_of_tree(tree, X), best)


def test_a_tree_that_has_no_use_for_splits_has_none():
    X, response = scored_rows(1)[:2]
    response = np.zeros_like(response)
    tree = grow(X, response, np.tile([1.0, 0.5, 2.0], (40, 1)), 1.0, 3)
    np.testing.assert_array_equal(tree.arm, [1])
    # Nothing to choose by: the cheapest arm.
    tree = grow(X, response, np.tile([1.0, 2.0, 0.5], (40, 1)), 0.0, 2)
    np.testing.assert_array_equal(tree.arm, [2])


def test_columns_of_one_value_are_no_features():
    X, response, cost = scored_rows(2)
    X[:, 0] = 3.0
    binned = bin_scores(X, response, cost, 32)
    np.testing.assert_array_equal(binned.feature, [1, 2])
    assert set(grow(X, response, cost, 0.5, 2).feature) <= {-1, 1, 2}
    tree = grow(np.ones_like(X), response, cost, 0.0, 2)
    np.testing.assert_array_equal(tree.arm, [response.sum(axis=0).argmax()])


def test_the_features_that_gain_are_kept():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 12))
    response = np.zeros((400, 2))
    response[:, 1] = np.sign(X[:, 7]) + 0.5 * np.sign(X[:, 3])
    binned = screen(bin_scores(X, response, np.ones((400, 2)), 16), [0.0], 2)
    np.testing.assert_array_equal(binned.feature, [3, 7])
    assert binned.codes.shape == (400, 2)
    assert len(binned.cuts) == 2


def test_a_threshold_itself_goes_to_the_left():
    tree = Tree(
        *(np.array(x) for x in ([0, -1, -1], [2.0, 0, 0], [1, -1, -1], [2, -1, -1], [-1, 0, 1]))
    )
    np.testing.assert_array_equal(arms_of_tree(tree, np.array([[2.0], [2.1]])), [0, 1])
