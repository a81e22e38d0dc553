"""Cuts of an effect tree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.tree import DecisionTreeRegressor

from sklearn_hrc._predictor import effect_cuts as module
from sklearn_hrc._predictor.effect_cuts import cut


def rows(n_rows=2000, n_features=5, n_contrasts=2, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.integers(0, 8, (n_rows, n_features)).astype(np.float32)
    return features, rng.normal(size=(n_rows, n_contrasts)), rng.uniform(0.5, 1.5, n_rows)


def variance_of(leaf, outcome, mass):
    """Weighted squares about the means of leaves, mean over contrasts."""
    left = 0.0
    for node in np.unique(leaf):
        inside, weight = outcome[leaf == node], mass[leaf == node]
        left += weight @ np.square(inside - weight @ inside / weight.sum()).mean(axis=1)
    return left


def random_state():
    return np.random.RandomState(0)


def test_sides_of_two_features_make_four_leaves():
    features, outcome, mass = rows()
    together = (features[:, 1] > 3.5) == (features[:, 3] > 3.5)
    outcome[:, 1] += 2 * together
    tree = cut(features, outcome, mass, random_state())
    assert {1, 3} == set(tree.feature[tree.left >= 0])
    assert_allclose(tree.threshold[tree.left >= 0], 3.5)
    quarter = 2 * (features[:, 1] > 3.5) + (features[:, 3] > 3.5)
    size = np.unique(tree.leaves(features), return_counts=True)[1]
    assert sorted(size) == sorted(np.bincount(quarter))


def test_gain_of_a_pair_by_hand():
    # four rows of each pair of flags; the outcome is high where the first and the last are alike
    flags = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T
    features = np.repeat(flags, 4, axis=0).astype(np.float32)
    outcome = np.where(features[:, 0] == features[:, 2], 1.0, -1.0)[:, None]
    feature, border = module._first_cut(features, outcome, np.ones(32), random_state())
    assert feature in (0, 2)
    assert border == 0.5


def test_what_each_feature_says_alone_is_not_told_together():
    # two rare flags that add up; their product goes with either, but adds nothing
    rng = np.random.default_rng(0)
    features = (rng.random((4000, 4)) < [0.1, 0.1, 0.5, 0.5]).astype(np.float32)
    outcome = features[:, :1] + features[:, 1:2] + 0.5 * (features[:, 2:3] == features[:, 3:])
    feature, _ = module._first_cut(features, outcome, np.ones(4000), random_state())
    assert feature in (2, 3)


@given(seed=st.integers(0, 50), n_features=st.integers(1, 4), n_bins=st.integers(1, 6))
def test_a_pair_is_taken_only_if_it_explains_more_by_the_margin(seed, n_features, n_bins):
    rng = np.random.default_rng(seed)
    features = rng.integers(0, n_bins, (300, n_features)).astype(np.float32)
    outcome, mass = rng.normal(size=(300, 2)), rng.uniform(0.5, 1.5, 300)
    tree = cut(features, outcome, mass, random_state())
    greedy = DecisionTreeRegressor(
        max_leaf_nodes=4, min_samples_leaf=40, max_features=n_features,
        random_state=random_state().randint(np.iinfo(np.int32).max),
    )  # fmt: skip
    leaf = greedy.fit(features, outcome, sample_weight=mass).apply(features)
    whole = variance_of(np.zeros(300), outcome, mass)
    gain, usual = (
        whole - variance_of(each, outcome, mass) for each in (tree.leaves(features), leaf)
    )
    assert gain > 1.3 * usual or abs(gain - usual) <= 1e-9 * whole
    leaf, size = np.unique(tree.leaves(features), return_counts=True)
    assert len(leaf) <= 4
    assert size.min() >= 40 or len(leaf) == 1
    # children have larger numbers than their parent
    inner = np.flatnonzero(tree.left >= 0)
    assert (tree.left[inner] > inner).all()
    assert (tree.right[inner] > inner).all()


@pytest.mark.parametrize("scale", [1, 1e-6, 1e6])
def test_scale_of_outcomes_and_mass_changes_no_cut(scale):
    features, outcome, mass = rows(seed=1)
    outcome[:, 0] += (features[:, 0] > 3.5) == (features[:, 2] > 3.5)
    tree, other = (
        cut(features, outcome * a, mass * b, random_state()) for a, b in [(1, 1), (scale, scale)]
    )
    for mine, its in zip(tree, other, strict=True):
        assert_allclose(mine, its)


def test_few_rows_and_constant_features_are_not_cut():
    features, outcome, mass = rows(60)
    assert len(cut(features, outcome, mass, random_state()).feature) == 1
    features, outcome, mass = rows()
    assert len(cut(features * 0, outcome, mass, random_state()).feature) == 1
    assert len(cut(features[:, :1], outcome, mass, random_state()).feature) > 1


def test_of_very_many_features_some_are_tried(monkeypatch):
    monkeypatch.setattr(module, "MOST_FEATURES", 2)
    features, outcome, mass = rows()
    seen = {
        module._first_cut(features, outcome, mass, np.random.RandomState(seed))[0]
        for seed in range(20)
    }
    assert len(seen) > 2
