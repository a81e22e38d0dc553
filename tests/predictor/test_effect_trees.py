"""Boosted effect trees as a member of the predictor."""

import numpy as np
import pytest
from helpers.training_rows import KINDS, draw, rows_of
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc._predictor import effect_cuts
from sklearn_hrc._predictor import effect_trees as module
from sklearn_hrc._predictor.effect_trees import LEAST_ROWS, fit_effect_trees
from sklearn_hrc._predictor.encoding import encode
from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.tasks import CONTINUOUS, INDICATOR, POSITIVE

N_ARMS = 3


class Base:
    """Networks that know what is the same under all arms, by the last feature."""

    def links(self, columns):
        base = 0.5 * columns[:, -1] - 1
        return np.broadcast_to(base[None, :, None, None], (2, len(columns), N_ARMS, 1)).copy()


def segment(kind, n_rows=12_000, seed=0, size=2.0):
    """Rows of which an eighth, where three features meet, is moved by the last arm."""
    rng = np.random.default_rng(seed)
    features = np.column_stack([rng.normal(size=(n_rows, 3)), rng.integers(0, 2, n_rows)])
    arm = rng.integers(0, N_ARMS, n_rows)
    found = (features[:, :3] > 0).all(axis=1)
    links = np.tile(features[:, 3:] - 1.5, (1, N_ARMS))
    links[found, 2] += size
    return features, arm, draw(links[np.arange(n_rows), arm], kind, rng), found


def fit(rows, seed=0):
    return fit_effect_trees(rows, Base(), seed)


def links_of(rows, seed=0):
    return fit(rows, seed).links(encode(rows.features, rows.encoding))


@pytest.mark.parametrize("kind", KINDS)
def test_a_segment_where_features_meet_is_found(kind):
    features, arm, targets, found = segment(kind)
    links = links_of(rows_of(features, arm, targets, kind)).mean(axis=0)[..., 0]
    # less the arms' levels; few trees, and an early end: they get most of it
    effect = links[:, 2] - links[:, :2].mean(axis=1)
    assert 1 < effect[found].mean() - effect[~found].mean() < 2.2
    assert_allclose(links[:, 0] - links[:, 1], 0, atol=0.4)
    assert_allclose(links[~found].std(axis=0), 0, atol=0.2)


def test_features_that_tell_only_together_are_found():
    # of each alone the arms say nothing, so that the best first cut is one of chance
    features = np.random.default_rng(1).normal(size=(12_000, 12))
    rng = np.random.default_rng(0)
    features, arm = np.column_stack([features, np.zeros(12_000)]), rng.integers(0, N_ARMS, 12_000)
    together = np.sign(features[:, 0] * features[:, 1])
    links = 1.5 * together * (arm == 2) - 1
    rows = rows_of(features, arm, draw(links, INDICATOR, rng), INDICATOR)
    links = links_of(rows).mean(axis=0)[..., 0]
    effect = links[:, 2] - links[:, :2].mean(axis=1)
    assert 0.8 < (effect[together > 0].mean() - effect[together < 0].mean()) / 2 < 1.7


def kept(rows, seeds=range(6)):
    """How many of the folds of several experiments keep trees; two in each."""
    return sum(bool(trees) for seed in seeds for (trees,) in fit(rows(seed)).trees)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", ["levels differ", "uneven weights"])
def test_where_there_is_nothing_nothing_is_kept(kind, case):
    # neither levels of arms that the base does not have are effects, nor a few heavy rows
    def rows(seed):
        features, arm, _, _ = segment(kind, 2000, seed)
        rng = np.random.default_rng(seed)
        level = np.array([-0.8, 0.0, 0.8]) * (case == "levels differ")
        targets = draw(features[:, 3] - 1.5 + level[arm], kind, rng)
        weights = np.exp(1.5 * rng.normal(size=(2000, 1))) if case == "uneven weights" else None
        return rows_of(features, arm, targets, kind, weights=weights)

    assert kept(rows) <= 2


def test_folds_stop_together():
    rows = [segment(INDICATOR, 4000, seed)[:3] for seed in range(4)]
    numbers = [[len(trees) for (trees,) in fit(rows_of(*own, INDICATOR)).trees] for own in rows]
    assert all(first == second for first, second in numbers)
    assert max(first for first, _ in numbers) > 1


def task_of(own, place, targets, base, weight=None):
    """Rows of which every second one is seen."""
    weight = np.ones(len(place)) if weight is None else weight
    return module._Task(own, place, targets, weight, base, np.arange(len(place)) % 2 == 0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_moves_all_arms_alike_is_not_cut(kind):
    # although the arms have levels of their own, and steps and curvatures of other sizes
    rng = np.random.default_rng(0)
    own = rng.integers(0, 2, (30_000, 2)).astype(np.float32)
    place = rng.integers(0, N_ARMS, len(own))
    level = np.array([-3.0, 0.0, 0.0])
    truth = level[place] + 1.0 * own[:, 0] + 0.5 * own[:, 1] * (place == 2)
    targets = draw(truth, kind, rng)
    loss = LOSSES[kind]
    task = task_of(own, place, targets, np.zeros(len(own)))
    links = module._levels(task, loss, N_ARMS)[place]
    tree, _ = module._effect_tree(task, links, loss, 1.0, N_ARMS, np.random.RandomState(0))
    assert tree.feature[0] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_levels_and_leaves_by_hand(kind):
    features, arm, targets, _ = segment(kind)
    weight = np.random.default_rng(0).integers(1, 4, len(arm)).astype(float)
    own = np.column_stack([features[:, 0] > 0, features[:, 3]]).astype(np.float32)
    loss, base = LOSSES[kind], features[:, 3] - 1.0
    task = task_of(own, arm, targets, base, weight)
    seen = task.seen
    links = base + module._levels(task, loss, N_ARMS)[arm]
    for j in range(N_ARMS):
        cell = seen & (arm == j)
        assert_allclose(weight[cell] @ loss.slope(links[cell], targets[cell]), 0, atol=1e-6)
    rng = np.random.RandomState(0)
    tree, effects = module._effect_tree(task, links, loss, 1.5, N_ARMS, rng)
    assert tree.feature[0] == 0
    leaf = tree.leaves(own)
    for node in np.unique(leaf):
        slopes, curvatures = np.zeros((2, N_ARMS))
        for j in range(N_ARMS):
            cell = (leaf == node) & seen & (arm == j)
            slopes[j] = -weight[cell] @ loss.slope(links[cell], targets[cell])
            curvatures[j] = weight[cell] @ loss.curvature(links[cell], targets[cell])
        step = slopes - curvatures * slopes.sum() / curvatures.sum()
        expected = module.RATE * step / (curvatures + 1.5 * module.LEAF_PRIOR)
        assert_allclose(effects[node], expected, rtol=1e-9, atol=1e-12)


def test_gain_of_a_cut_is_that_of_effects_of_its_own():
    # weighted squared length of a leaf's mean outcome = likelihood gained by its effects
    rng = np.random.default_rng(0)
    share = np.array([0.5, 0.3, 0.2])
    arm = np.repeat(np.arange(3), [50, 30, 20])
    step = rng.normal(size=100)
    contrasts = module._contrasts(share, np.random.RandomState(0))
    mean = (step[:, None] * contrasts[arm]).mean(axis=0)
    means = np.array([step[arm == j].mean() for j in range(3)])
    common = share @ means
    assert_allclose(mean @ mean, share @ (means - common) ** 2)
    # of many arms random directions are taken, right in the mean
    share = np.full(30, 1 / 30)
    whole = np.diag(1 / np.sqrt(share)) - np.sqrt(share)
    rng = np.random.RandomState(0)
    drawn = [np.square(module._contrasts(share, rng)[3]).sum() for _ in range(2000)]
    assert module._contrasts(share, rng).shape == (30, module.MOST_CONTRASTS)
    assert_allclose(np.mean(drawn), whole[3] @ whole[3], rtol=0.05)


def test_held_out_targets_change_only_when_growing_stops():
    features, arm, targets, _ = segment(CONTINUOUS, 3000)
    rows = rows_of(features, arm, targets, CONTINUOUS)
    other = rows._replace(targets=np.where((rows.fold == 1)[:, None], 5.0, rows.targets))
    first, second = (fit(each).trees[1][0] for each in (rows, other))
    assert len(first) > len(second)
    weaker = np.where((rows.fold == 1)[:, None], rows.targets / 5, rows.targets)
    other = rows._replace(targets=weaker)
    second = fit(other).trees[1][0]
    assert 0 < len(second) < len(first)
    for (tree, effects), (another, others) in zip(first, second, strict=False):
        assert_array_equal(tree.threshold, another.threshold)
        assert_array_equal(effects, others)


def test_few_rows_and_constants_teach_nothing():
    features, arm, targets, _ = segment(CONTINUOUS, 3000)
    assert links_of(rows_of(features, arm, targets, CONTINUOUS)).any()
    few = slice(LEAST_ROWS - 10)
    nothing = [
        rows_of(features[few], arm[few], targets[few], CONTINUOUS, fold=np.arange(few.stop) // 150),
        rows_of(features, arm, np.ones(3000), INDICATOR),
        # no rows that stop the trees
        rows_of(features, arm, targets, CONTINUOUS, fold=np.full(3000, 2)),
        # one arm
        rows_of(
            features, arm, targets, CONTINUOUS, weights=(arm == 1)[:, None] * 1.0,
            known=[(0, 0), (2, 0)],
        ),
    ]  # fmt: skip
    for rows in nothing:
        assert_array_equal(links_of(rows), 0)


def test_an_arm_that_teaches_nothing_has_no_effect():
    features, arm, targets, found = segment(INDICATOR)
    weights = (arm > 0)[:, None] * 1.0
    links = links_of(rows_of(features, arm, targets, INDICATOR, weights=weights, known=[(0, 0)]))
    assert_array_equal(links[:, :, 0], 0)
    assert_allclose(links[:, found, 2].mean() - links[:, ~found, 2].mean(), 1, atol=0.4)


def test_rounding_of_features_changes_no_bin():
    features, arm, targets, _ = segment(INDICATOR, 4000)
    features[:, 1] = np.round(features[:, 1], 1)
    rows = rows_of(features, arm, targets, INDICATOR)
    model = fit(rows)
    assert any(trees for (trees,) in model.trees)
    columns = encode(features, rows.encoding)
    expected = model.links(columns)
    for sign in (1, -1):
        near = columns * (1 + 2e-7 * sign)
        # values that no other row has may be beside a cut
        assert np.mean(model.links(near) == expected) > 0.995


def test_a_rare_value_is_cut_off_at_either_end():
    values = np.repeat([0.0, 1.0], [100, 9900]).astype(np.float32)
    for sign in (1, -1):
        assert_allclose(module._cuts(sign * values), [sign * 0.5])


def test_rows_are_drawn_among_those_that_teach(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 300)
    features, arm, targets, _ = segment(CONTINUOUS, 4000)
    weights = np.ones((4000, 2))
    weights[400:, 1] = 0
    rows = rows_of(
        features, arm, np.column_stack([targets, targets]), [CONTINUOUS] * 2, weights=weights
    )
    rng = np.random.RandomState(0)
    for c, last in ((0, 4000), (1, 400)):
        index = module._draw(rows, c, rng)
        assert len(np.unique(index)) == 300
        assert index.max() < last


def test_float32_weights_and_seed(monkeypatch):
    features, arm, targets, _ = segment(INDICATOR, 4000)
    rows = rows_of(features.astype(np.float32), arm, targets, INDICATOR)
    links = links_of(rows)
    assert links.dtype == np.float32
    assert links.any()
    # rows without weight say nothing
    silent = np.arange(4000) % 4 == 0
    loud = rows._replace(weights=np.where(silent, 0.0, 1.0)[:, None])
    changed = loud._replace(targets=np.where(silent[:, None], 1 - rows.targets, rows.targets))
    assert_array_equal(links_of(loud), links_of(changed))
    # of many rows some are taken, the same for the same seed
    monkeypatch.setattr(module, "MOST_ROWS", 3000)
    some = links_of(rows)
    assert some.any()
    assert_array_equal(some, links_of(rows))
    assert not np.array_equal(some, links_of(rows, seed=1))
    assert not np.array_equal(some, links)


def test_more_arms_than_contrasts_and_more_features_than_are_tried(monkeypatch):
    monkeypatch.setattr(module, "MOST_CONTRASTS", 1)
    monkeypatch.setattr(effect_cuts, "MOST_FEATURES", 3)
    features, arm, targets, found = segment(POSITIVE)
    links = links_of(rows_of(features, arm, targets, POSITIVE)).mean(axis=0)[..., 0]
    assert links[found, 2].mean() - links[~found, 2].mean() > 0.7
    assert_allclose(links[~found].std(axis=0), 0, atol=0.25)
