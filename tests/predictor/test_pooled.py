"""The partially pooled additive model, beside scikit-learn's models and planted truth."""

import numpy as np
import pytest
from helpers.training_rows import KINDS, draw, rows_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
)

from sklearn_hrc._predictor import pooled
from sklearn_hrc._predictor.encoding import bending_columns, encode
from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.pooled import fit_pooled
from sklearn_hrc._predictor.prior import Layout, prior_precision
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR, POSITIVE

N_ARMS = 3
# Effects of arms on the first and the second feature.
SLOPES = np.array([[-0.3, 0.0], [0.0, 0.3], [0.3, -0.3]])


def experiment(kind, n_rows=2000, seed=0, slopes=SLOPES, n_features=4):
    """Features, arms, targets and true links of all arms."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_rows, n_features))
    arm = rng.permutation(n_rows) % len(slopes)
    links = 0.4 * np.tanh(features[:, [2]]) - 0.2 + 0.1 * np.arange(len(slopes))
    links = links + np.clip(features[:, :2], -2, 2) @ slopes.T
    return features, arm, draw(links[np.arange(n_rows), arm], kind, rng), links


def links_of(rows):
    """Links by all models, (n_models, n_samples, n_treatments, n_components)."""
    return fit_pooled(rows).links(encode(rows.features, rows.encoding))


def all_columns(rows):
    """Coefficients of the models that may bend."""
    return pooled._fit(rows, np.ones(len(rows.encoding.group), dtype=bool))


def effects_of(links):
    effects = links - links.mean(axis=-1, keepdims=True)
    return effects - effects.mean(axis=-2, keepdims=True)


def small(seed=0, n_rows=400):
    """Rows of all kinds, weights of 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    features = np.column_stack([rng.normal(size=(n_rows, 2)), rng.integers(0, 3, n_rows)])
    arm = rng.permutation(n_rows) % N_ARMS
    links = 0.3 * features + 0.2 * arm[:, None] * features[:, [0]]
    columns = [0, 1, 2, 0]
    targets = [draw(links[:, k], kind, rng) for kind, k in zip(KINDS, columns)]
    weights = rng.integers(0, 3, (n_rows, 4)).astype(float)
    return features, arm, np.column_stack(targets), weights


def watch_steps(monkeypatch):
    """Keep what the last steps get and give: place -> (theta before, sums, theta, prior)."""
    kept = {}
    step = pooled._step

    def watched(theta, prior, sums, place, layout, kind):
        new, new_prior = step(theta, prior, sums, place, layout, kind)
        kept[place[:2]] = (theta, sums, new, new_prior)
        return new, new_prior

    monkeypatch.setattr(pooled, "_step", watched)
    return kept


ALL = slice(None)  # columns


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        (INDICATOR, LogisticRegression(C=1e6, tol=1e-8, max_iter=1000)),
        (AMOUNT, GammaRegressor(alpha=1e-9, tol=1e-8, max_iter=1000)),
        (POSITIVE, PoissonRegressor(alpha=1e-9, tol=1e-8, max_iter=1000)),
        (CONTINUOUS, LinearRegression()),
    ],
)
def test_one_arm_and_many_rows_agree_with_scikit_learn(kind, model):
    rng = np.random.default_rng(0)
    # few values: the columns are the features
    features = rng.integers(0, 3, (20_000, 3)).astype(float)
    links = features @ [0.4, -0.3, 0.2] - 0.3
    targets = draw(links, kind, rng)
    rows = rows_of(features, np.zeros(20_000, dtype=int), targets, kind, n_arms=1)
    found = links_of(rows)[..., 0, 0]
    for m in range(2):
        sees = rows.fold != m
        model.fit(features[sees], targets[sees])
        expected = features @ np.ravel(model.coef_) + model.intercept_
        # what is left is the prior's pull
        assert_allclose(found[m], expected, atol=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_sums_by_another_way(kind):
    features, arm, targets, weights = small()
    fold = np.random.default_rng(4).integers(0, 3, 400)
    rows = rows_of(features, arm, targets, KINDS, fold=fold, weights=weights)
    columns, c, loss = encode(features, rows.encoding), KINDS.index(kind), LOSSES[kind]
    theta = 0.1 * np.random.default_rng(5).normal(size=(2, 4, N_ARMS, columns.shape[1]))
    sums = pooled._add_up(rows, ALL, theta, list(pooled._slices(rows)), None)
    links = np.einsum("ik,mik->im", columns, theta[:, c][:, arm])
    slope = loss.slope(links, targets[:, [c]])
    curvature = loss.curvature(links, targets[:, [c]])
    for m in range(2):
        sees = weights[:, c] * (fold != m)
        assert_allclose(sums.mass[m, c], sees.sum())
        assert_allclose(sums.misfit[m, c], sees @ (slope[:, m] ** 2 / curvature[:, m]))
        for j in range(N_ARMS):
            expected = (sees * slope[:, m] * (arm == j)) @ columns
            assert_allclose(sums.slope[m, c, j], expected, atol=1e-10)
    # curvatures are the mean over the models
    own = weights[:, c] * curvature.mean(axis=1)
    assert sums.gram.shape[:3] == (3, 4, N_ARMS)
    for f in range(3):
        for j in range(N_ARMS):
            seen = (fold == f) & (arm == j)
            expected = (columns[seen] * own[seen, None]).T @ columns[seen]
            assert_allclose(sums.gram[f, c, j], expected, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_last_step_ends_where_slopes_and_prior_balance(kind, monkeypatch):
    features, arm, targets, _ = experiment(kind)
    rows = rows_of(features, arm, targets, kind)
    kept = watch_steps(monkeypatch)
    coefficients = all_columns(rows)
    layout = Layout(rows.encoding.group, bending_columns(rows.encoding))
    for m in range(2):
        _, sums, theta, prior = kept[m, 0]
        assert_array_equal(theta, coefficients[m, 0])
        slope = pooled._add_up(rows, ALL, coefficients, list(pooled._slices(rows)), None).slope
        dispersion = 1.0
        if kind != INDICATOR:
            dispersion = (sums.misfit[m, 0] + 1) / (sums.mass[m, 0] + 1)
        unbalanced = slope[m, 0] / dispersion + prior_precision(theta, prior, layout)
        # beside the same without any fit: the last update moves the prior, not the fit, a little
        start = np.zeros(coefficients.shape)
        start[m, 0, :, 0] = pooled._first_links(rows)[m, 0]
        first = pooled._add_up(rows, ALL, start, list(pooled._slices(rows)), None).slope[m, 0]
        assert np.abs(unbalanced).max() < 0.05 * np.abs(first).max() / dispersion


def test_first_links_are_those_of_the_means_that_a_model_sees():
    targets = np.array([[1.0, 2, 4, -1], [0, 4, 0, 5], [1, 6, 8, 3], [1, 8, 4, 1]])
    weights = np.ones((4, 4))
    weights[3] = [1, 1, 0, 3]
    rows = rows_of(
        np.zeros((4, 1)), np.array([0, 0, 1, 1]), targets, KINDS, weights=weights,
        fold=np.array([0, 1, 2, 9]), n_models=3,
    )  # fmt: skip
    almost = np.log(0.9999 / 0.0001)
    expected = [
        [np.log(2), np.log(6), np.log(4), 11 / 5],
        [almost, np.log(16 / 3), np.log(6), 1.0],
        [np.log(2), np.log(14 / 3), np.log(2), 7 / 5],
    ]
    assert_allclose(pooled._first_links(rows), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_effects_are_found(kind):
    features, arm, targets, links = experiment(kind, n_rows=20_000)
    found = links_of(rows_of(features, arm, targets, kind))[..., 0]
    for m in range(2):
        truth = effects_of(links)
        assert np.corrcoef(effects_of(found[m]).ravel(), truth.ravel())[0, 1] > 0.9
        # nor are they blown up
        slope = np.sum(effects_of(found[m]) * truth) / np.sum(effects_of(found[m]) ** 2)
        assert_allclose(slope, 1, atol=0.15)
        base = found[m].mean(axis=1)
        assert np.corrcoef(base, links.mean(axis=1))[0, 1] > 0.94


@pytest.mark.parametrize("kind", KINDS)
def test_effects_that_are_noise_are_nearly_nothing(kind):
    features, arm, targets, links = experiment(kind, n_rows=20_000, slopes=np.zeros((3, 2)))
    found = links_of(rows_of(features, arm, targets, kind))[..., 0]
    assert effects_of(found).std() < 0.15 * links.mean(axis=1).std()


@pytest.mark.parametrize("kind", [INDICATOR, CONTINUOUS])
def test_where_nothing_bends_columns_that_bend_are_left_out(kind):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(6_000, 6))
    arm = rng.permutation(6_000) % 3
    links = 0.5 * features[:, [0]] + 0.3 * features[:, 1:4]
    rows = rows_of(features, arm, draw(links[np.arange(6_000), arm], kind, rng), kind)
    model, bent = fit_pooled(rows), all_columns(rows)
    columns = encode(rows.features, rows.encoding)
    truth = effects_of(links)
    error = [
        np.square(effects_of(each.links(columns)[..., 0]) - truth).mean()
        for each in (model, model._replace(coefficients=bent))
    ]
    assert error[0] < 0.95 * error[1]
    bends = bending_columns(rows.encoding)
    assert np.abs(model.coefficients[..., bends]).max() < 0.7 * np.abs(bent[..., bends]).max()


def test_where_something_bends_columns_that_bend_are_kept():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(6_000, 4))
    links = np.abs(features[:, [0]]) + np.array([0.0, 0.5, 1.0]) * np.abs(features[:, [1]])
    arm = rng.permutation(6_000) % 3
    rows = rows_of(features, arm, draw(links[np.arange(6_000), arm], CONTINUOUS, rng), CONTINUOUS)
    assert_allclose(fit_pooled(rows).coefficients, all_columns(rows), atol=0.01)


def test_features_of_few_values_need_one_fit():
    rows = rows_of(
        np.tile(np.arange(4.0), 100)[:, None], np.arange(400) % 3, np.arange(400.0), CONTINUOUS
    )
    assert_array_equal(fit_pooled(rows).coefficients, all_columns(rows))


def test_a_feature_without_a_say_is_nearly_left_out():
    features, arm, targets, _ = experiment(CONTINUOUS, n_rows=20_000)
    rows = rows_of(features, arm, targets, CONTINUOUS)
    coefficients = fit_pooled(rows).coefficients[0, 0]
    size = [np.abs(coefficients[:, rows.encoding.group == k]).max() for k in range(1, 5)]
    assert size[3] < 0.05 * max(size)


def replaced_fold(kind, m=1):
    """Coefficients of model m before and after targets of fold m are others."""
    features, arm, targets, _ = experiment(kind, n_rows=600)
    fold = np.random.default_rng(5).permutation(600) % 3
    fitted = []
    for seed in (None, 7):
        if seed is not None:
            others = experiment(kind, n_rows=600, seed=seed)[2]
            targets = np.where(fold == m, others, targets)
        rows = rows_of(features, arm, targets, kind, fold=fold, n_models=3)
        # Only the share of either model knows all held-out rows, as weights of members do.
        fitted.append(all_columns(rows))
    before, after = fitted
    assert np.abs(before[0] - after[0]).max() > 0.01
    return before[m], after[m]


@pytest.mark.parametrize("kind", [AMOUNT, CONTINUOUS])
def test_model_does_not_know_its_fold(kind):
    # their curvatures do not depend on the links
    before, after = replaced_fold(kind)
    assert_allclose(after, before, atol=1e-9)


@pytest.mark.parametrize("kind", [INDICATOR, POSITIVE])
def test_model_nearly_does_not_know_its_fold(kind):
    # of its slopes nothing; curvatures are the mean over the models, which all but it know the
    # fold: that moves its steps, and its prior, but hardly where they end
    before, after = replaced_fold(kind)
    assert np.abs(after - before).max() > 0
    assert_allclose(after, before, atol=0.03 * np.abs(before).max())


def test_folds_that_no_model_leaves_out_teach_all():
    features, arm, targets, _ = experiment(CONTINUOUS, n_rows=600)
    arguments = (features, arm, targets, CONTINUOUS)
    fold = np.arange(600) % 5
    first, both = (all_columns(rows_of(*arguments, fold=fold, n_models=m)) for m in (1, 2))
    assert first.shape[0] == 1
    # of a quadratic loss models do not know of each other
    assert_allclose(first[0], both[0], atol=1e-9)
    # no fold is held out: all rows teach
    none = all_columns(rows_of(*arguments, fold=np.full(600, 1), n_models=1))
    assert np.abs(none - first).max() > 0.01


def test_order_of_rows_does_not_matter():
    features, arm, targets, weights = small()
    fold = np.arange(400) % 2
    order = np.random.default_rng(1).permutation(400)
    rows = rows_of(features, arm, targets, KINDS, fold=fold, weights=weights)
    shuffled = rows_of(
        features[order], arm[order], targets[order], KINDS, fold=fold[order],
        weights=weights[order],
    )  # fmt: skip
    found = fit_pooled(rows).coefficients
    assert_allclose(fit_pooled(shuffled).coefficients, found, atol=1e-7)


def test_chunks_do_not_matter(monkeypatch):
    features, arm, targets, weights = small()
    rows = rows_of(features, arm, targets, KINDS, weights=weights)
    whole = fit_pooled(rows).coefficients
    monkeypatch.setattr(pooled, "CHUNK_ROWS", 7)
    assert_allclose(fit_pooled(rows).coefficients, whole, atol=1e-7)


def test_weights_count_like_repeated_rows():
    features, arm, targets, weights = small()
    fold = np.arange(400) % 2
    weight = np.random.default_rng(1).integers(1, 4, 400)
    index = np.repeat(np.arange(400), weight)
    weighted = rows_of(
        features, arm, targets, KINDS, fold=fold, weights=weights * weight[:, None],
        sample_weight=weight * 1.0,
    )  # fmt: skip
    repeated = rows_of(
        features[index], arm[index], targets[index], KINDS, fold=fold[index],
        weights=weights[index],
    )  # fmt: skip
    found = fit_pooled(weighted).coefficients
    assert_allclose(fit_pooled(repeated).coefficients, found, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_features_twice_and_constant(kind):
    features, arm, targets, _ = experiment(kind)
    alone = links_of(rows_of(features, arm, targets, kind))
    wide = np.column_stack([features, features, np.full(len(arm), 3.0)])
    found = links_of(rows_of(wide, arm, targets, kind))
    assert np.isfinite(found).all()
    # two variances in the place of one, and nothing else
    assert np.corrcoef(found.ravel(), alone.ravel())[0, 1] > 0.97
    # the constant has no coefficients
    assert_array_equal(fit_pooled(rows_of(wide, arm, targets, kind)).coefficients[..., -1], 0)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_alike_have_the_means_of_the_arms(kind):
    _, arm, targets, _ = experiment(kind, n_rows=6000)
    found = links_of(rows_of(np.ones((6000, 1)), arm, targets, kind))[..., 0]
    mean = {INDICATOR: expit, CONTINUOUS: np.asarray}.get(kind, np.exp)
    fold = np.arange(6000) % 2
    for m in range(2):
        means = [targets[(fold != m) & (arm == j)].mean() for j in range(N_ARMS)]
        assert_allclose(mean(found[m, 0]), means, atol=0.05)


def test_outcome_without_noise():
    # the dispersion goes to zero, and what is drawn together stays bounded
    rng = np.random.default_rng(0)
    features = rng.integers(0, 3, (20_000, 3)).astype(float)
    features = np.column_stack([features, features])
    arm = rng.permutation(20_000) % N_ARMS
    targets = features[:, 0] - 0.5 * arm * features[:, 1]
    found = links_of(rows_of(features, arm, targets, CONTINUOUS))[..., 0]
    assert_allclose(found[:, np.arange(20_000), arm], [targets, targets], atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_arm_without_rows_in_a_fold(seed):
    features, arm, targets, weights = small(seed)
    fold = np.where(arm == 1, 0, np.arange(400) % 2)
    found = links_of(rows_of(features, arm, targets, KINDS, fold=fold, weights=weights))
    assert np.isfinite(found).all()
    # model 0 has no rows of arm 1: it expects there nothing or what the others have in common,
    # never the reverse
    for c in range(4):
        others = found[0][:, [0, 2], c].mean(axis=1)
        slope = np.polyfit(others, found[0, :, 1, c], 1)[0]
        assert -0.1 < slope < 1.1


def test_component_that_one_arm_or_none_teaches():
    features, arm, targets, weights = small()
    weights[arm != 1, 1] = 0
    weights[:, 2] = 0
    known = [(0, 1), (2, 1), (0, 2), (1, 2), (2, 2)]
    rows = rows_of(features, arm, targets, KINDS, weights=weights, known=known)
    coefficients = fit_pooled(rows).coefficients
    assert_array_equal(coefficients[:, 1, [0, 2]], 0)
    assert_array_equal(coefficients[:, 2], 0)
    # as a fit to that arm's rows
    own = np.flatnonzero(arm == 1)
    alone = rows_of(
        features[own], 0 * arm[own], targets[own, 1], AMOUNT, fold=rows.fold[own], n_arms=1,
        weights=weights[own, 1:2], encoding=rows.encoding,
    )  # fmt: skip
    assert_allclose(coefficients[:, 1, 1], fit_pooled(alone).coefficients[:, 0, 0], atol=1e-7)


@pytest.mark.parametrize("n_seen", [0, 1, 2, 3])
def test_component_of_few_rows(n_seen):
    # as when nearly nobody buys; all of them may be in one fold
    features, arm, targets, weights = small()
    weights[:] = 0
    weights[np.arange(n_seen) * 2] = 1
    rows = rows_of(features, arm, targets, KINDS, weights=weights)
    coefficients = fit_pooled(rows).coefficients
    assert np.isfinite(coefficients).all()
    assert np.abs(coefficients[..., 1:]).max() < 1
    # model 0 has seen none
    assert_allclose(coefficients[0], 0, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_shape(dtype):
    features, arm, targets, weights = small()
    rows = rows_of(features, arm, targets, KINDS, weights=weights)
    model = fit_pooled(rows)
    links = model.links(encode(features.astype(dtype), rows.encoding))
    assert links.dtype == dtype
    assert links.shape == (2, 400, 3, 4)
    expected = np.einsum("ik,mcjk->mijc", encode(features, rows.encoding), model.coefficients)
    assert_allclose(links, expected, atol=1e-4 if dtype == np.float32 else 1e-12)
    # it is fitted in double precision, whatever the features have
    single = rows_of(features.astype(np.float32), arm, targets, KINDS, weights=weights)
    assert_allclose(fit_pooled(single).coefficients, model.coefficients, atol=1e-3)


@pytest.mark.parametrize("target", [1e200, np.inf, np.nan])
def test_sums_that_are_no_number_raise(target):
    features, arm, targets, _ = experiment(CONTINUOUS, n_rows=200)
    targets[5] = target
    with pytest.raises(np.linalg.LinAlgError, match="pooled model is no number"):
        fit_pooled(rows_of(features, arm, targets, CONTINUOUS))


def test_steps_are_of_limited_length():
    features, arm, targets, _ = experiment(CONTINUOUS)
    # standardised targets do not need it: these are 100 of their units away
    rows = rows_of(features, arm, targets, CONTINUOUS)
    theta = np.zeros((2, 1, N_ARMS, len(rows.encoding.group)))
    theta[..., 0] = 100.0
    sums = pooled._add_up(rows, ALL, theta, list(pooled._slices(rows)), None)
    layout = Layout(rows.encoding.group, bending_columns(rows.encoding))
    prior = pooled.first_prior(5, N_ARMS)
    new, _ = pooled._step(theta[0, 0], prior, sums, (0, 0, np.arange(N_ARMS)), layout, CONTINUOUS)
    columns = encode(features, rows.encoding)[rows.fold != 0]
    step = np.einsum("ik,ik->i", columns, (new - theta[0, 0])[arm[rows.fold != 0]])
    assert_allclose(np.sqrt(np.mean(step**2)), pooled.LONGEST_STEP)
