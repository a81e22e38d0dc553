"""Boosted trees as a member of the predictor."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from training_rows import draw, rows_of

from sklearn_hrc._predictor.boosting import LEAST_ROWS, fit_boosted
from sklearn_hrc._predictor.encoding import encode
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR, POSITIVE

N_ARMS = 3


def segment(kind, n_rows=12_000, seed=0):
    """Rows of which an eighth, where three features meet, is moved by the last arm."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_rows, 4))
    arm = rng.integers(0, N_ARMS, n_rows)
    found = (features[:, :3] > 0).all(axis=1)
    links = np.zeros((n_rows, N_ARMS)) - 1.0
    links[found, 2] += 2.0
    return features, arm, draw(links[np.arange(n_rows), arm], kind, rng), links


def links_of(rows):
    return fit_boosted(rows, 0).links(encode(rows.features, rows.encoding))


@pytest.mark.parametrize("kind", [INDICATOR, POSITIVE, CONTINUOUS])
def test_a_segment_where_features_meet_is_found(kind):
    features, arm, targets, truth = segment(kind)
    links = links_of(rows_of(features, arm, targets, kind)).mean(axis=0)[..., 0]
    effect = links[:, 2] - links[:, :2].mean(axis=1)
    found = truth[:, 2] > 0
    # few trees, and early stopping: they get most of it
    assert 1 < effect[found].mean() < 2.2
    assert_allclose(effect[~found].mean(), 0, atol=0.1)
    assert_allclose(links[:, :2].mean(axis=0), -1, atol=0.15)


def test_links_are_those_of_the_trees():
    features, arm, targets, _ = segment(INDICATOR, 2000)
    rows = rows_of(features, arm, targets, INDICATOR)
    model = fit_boosted(rows, 0)
    columns = encode(features, rows.encoding)
    own = columns[:, np.searchsorted(rows.encoding.group, [1, 2, 3, 4])]
    for m in range(2):
        for j in range(N_ARMS):
            chance = model.trees[m][0].predict_proba(np.column_stack([own, np.full(2000, j)]))
            assert_allclose(expit(model.links(columns)[m, :, j, 0]), chance[:, 1], atol=1e-9)


def test_held_out_targets_change_only_when_training_stops():
    features, arm, targets, _ = segment(CONTINUOUS, 2000)
    rows = rows_of(features, arm, targets, CONTINUOUS)
    held_out = rows.fold == 1
    other = rows._replace(targets=np.where(held_out[:, None], -rows.targets, rows.targets))
    first, second = (fit_boosted(each, 0).trees[1][0] for each in (rows, other))
    n_trees = min(first.n_iter_, second.n_iter_)
    assert first.n_iter_ != second.n_iter_
    inputs = np.column_stack([features, arm])
    pairs = zip(first.staged_predict(inputs), second.staged_predict(inputs), strict=False)
    for one, two in list(pairs)[:n_trees]:
        assert_array_equal(one, two)


def test_amounts_few_rows_and_constants_teach_nothing():
    features, arm, targets, _ = segment(AMOUNT, 2000)
    assert_array_equal(links_of(rows_of(features, arm, targets, AMOUNT)), 0)
    few = LEAST_ROWS - 10
    for kind, values in ((CONTINUOUS, targets[:few]), (INDICATOR, np.ones(few))):
        rows = rows_of(features[:few], arm[:few], values, kind)
        assert_array_equal(links_of(rows), 0)
    rows = rows_of(features, arm, np.zeros(2000), INDICATOR)
    assert_array_equal(links_of(rows), 0)


def test_without_held_out_rows_all_trees_are_grown():
    features, arm, targets, _ = segment(INDICATOR, 600)
    rows = rows_of(features, arm, targets, INDICATOR, fold=np.full(600, 2))
    model = fit_boosted(rows, 0)
    assert model.trees[0][0].n_iter_ == 100
    links = model.links(encode(features, rows.encoding))
    assert_array_equal(links[0], links[1])


def test_float32_and_weights():
    features, arm, targets, _ = segment(INDICATOR, 2000)
    single = features.astype(np.float32)
    rows = rows_of(single, arm, targets, INDICATOR)
    assert links_of(rows).dtype == np.float32
    # rows without weight say nothing
    silent = np.arange(2000) % 2 == 0
    weights = np.where(silent, 0.0, 1.0)[:, None]
    loud = rows._replace(weights=weights)
    changed = loud._replace(targets=np.where(silent[:, None], 1 - rows.targets, rows.targets))
    assert_array_equal(links_of(loud), links_of(changed))
