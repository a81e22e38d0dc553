"""What components learn of each other, where it is known what there is to learn."""

import numpy as np
import pytest
from helpers.training_rows import draw, rows_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize

from sklearn_hrc._predictor import lending as module
from sklearn_hrc._predictor import weights as fitting
from sklearn_hrc._predictor.lending import Lending, fit_lending, lend, no_lending
from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR

KIND = [INDICATOR, AMOUNT, CONTINUOUS]
LEVEL = np.array([[-0.3, 1.0, 2.0], [0.0, 1.2, 1.5], [0.3, 0.8, 2.5]])


def parts_of(n_rows, rng):
    """Bases, and effects of three arms on three components, less their means."""
    base = 0.5 * rng.normal(size=(n_rows, 3))
    effect = 0.5 * rng.normal(size=(n_rows, 3, 3))
    effect -= effect.mean(axis=1, keepdims=True)
    return base - base.mean(axis=0), effect - effect.mean(axis=0)


def experiment(slope, lent, *, seed=0, n_rows=40_000, known=()):
    """Fit to rows whose true links have these slopes of the bases and of the effects."""
    rng = np.random.default_rng(seed)
    base, effect = parts_of(n_rows, rng)
    arm, place = rng.integers(0, 3, n_rows), np.arange(n_rows)
    weights, level = np.ones((n_rows, 3)), LEVEL.copy()
    for j, c in known:
        weights[arm == j, c], level[j, c], effect[:, j, c] = 0, 0, 0
    truth = level + (slope * base)[:, None] + effect @ lent
    targets = [draw(truth[place, arm, c], kind, rng) for c, kind in enumerate(KIND)]
    rows = rows_of(base, arm, np.column_stack(targets), KIND, weights=weights, known=known)
    learnt = rows.components.source >= 0
    share = learnt / np.maximum(learnt.sum(axis=0), 1)
    return base, effect[place, arm], level, share, rows, place


def test_lend_by_hand():
    base = np.array([[2.0, -1]])
    effect = np.array([[[1.0, 3], [-1, 0]]])
    weights = Lending(
        level=np.array([[0.5, 1], [2, 3]]),
        base=np.array([2.0, 0.5]),
        effect=np.array([[1.0, 0.25], [0.5, 2]]),
    )
    # arm 0: 1 * 1 + 3 * 0.5 and 1 * 0.25 + 3 * 2; arm 1: -1 and -0.25
    expected = [[[0.5 + 4 + 2.5, 1 - 0.5 + 6.25], [2 + 4 - 1, 3 - 0.5 - 0.25]]]
    assert_allclose(lend(base, effect, weights), expected)
    assert lend(base.astype(np.float32), effect.astype(np.float32), weights).dtype == np.float32


def test_no_lending_leaves_links_as_they_are():
    links = np.random.default_rng(0).normal(size=(4, 3, 2))
    base = links.mean(axis=1)
    assert_allclose(lend(base, links - base[:, None], no_lending(3, 2)), links)


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_planted_is_found(seed):
    slope = np.array([1.0, 0.8, 1.2])
    lent = np.array([[1.0, 0.4, 0.3], [0, 1, 0], [0, 0.2, 0.7]])
    base, effect, level, *others = experiment(slope, lent, seed=seed)
    # parts are counted from zero in what is returned
    share = others[0]
    mean = (share * level).sum(axis=0)
    found = fit_lending(base, effect, level, *others)
    assert_allclose(found.base, slope, atol=0.07)
    assert_allclose(found.effect, lent, atol=0.07)
    at_means = lend(mean, level - mean, found)
    assert_allclose(at_means, level, atol=0.06)


def test_nothing_is_lent_where_there_is_nothing():
    few = experiment(np.ones(3), np.eye(3), n_rows=600)
    assert_allclose(fit_lending(*few).effect, np.eye(3), atol=0.25)
    none = [few[0][:0], few[1][:0], *few[2:5], few[5][:0]]
    found = fit_lending(*none)
    for part, expected in zip(found, no_lending(3, 3)):
        assert_allclose(part, expected, atol=1e-12)


def test_an_arm_that_teaches_nothing_lends_nothing():
    lent = np.array([[1.0, 0.4, 0.5], [0, 1, 0.5], [0, 0, 1]])
    known = [(0, 1), (1, 0), (2, 0)]
    found = fit_lending(*experiment(np.ones(3), lent, known=known))
    # the first component is learnt in one arm: its effect says nothing
    assert_array_equal(found.effect[0, 1:], 0)
    assert_allclose(found.effect[1:], lent[1:], atol=0.07)
    assert_array_equal(found.level[[0, 1, 2], [1, 0, 0]], 0)
    # known everywhere
    nowhere = fit_lending(*experiment(np.ones(3), lent, known=[(j, 2) for j in range(3)]))
    assert_array_equal(nowhere.effect[:, 2], [0, 0, 1])
    assert_array_equal(nowhere.effect[2], [0, 0, 1])


@pytest.mark.parametrize("c", range(3))
def test_least_of_the_penalised_objective(c, monkeypatch):
    spread = 0.05
    monkeypatch.setattr(fitting, "LEVEL_VARIANCE", spread)
    monkeypatch.setattr(fitting, "_level_variance", lambda level, information, spread: spread)
    lent = np.array([[1.0, 0.3, 0.0], [0.2, 0.8, 0.4], [0.0, 0.0, 1.0]])
    base, effect, level, share, rows, place = experiment(np.ones(3), lent, n_rows=500)
    found = fit_lending(base, effect, level, share, rows, place)
    loss, target = LOSSES[KIND[c]], rows.targets[:, c]
    columns = np.column_stack([base[:, c], effect])
    mean = (share * level).sum(axis=0)
    own = np.zeros(3)
    own[c] = 1
    weights = np.append(found.base[c], found.effect[:, c])
    own_level = found.level[:, c] + found.base[c] * mean[c] + (level - mean) @ found.effect[:, c]
    received = own_level[rows.arm] + columns @ weights
    dispersion = 1.0
    if KIND[c] != INDICATOR:
        misfit = (loss.slope(received, target) ** 2 / loss.curvature(received, target)).sum()
        dispersion = (misfit + 1) / (len(target) + 1)

    def objective(x):
        away = x[:3] - level[:, c]
        away = away - away.mean()
        prior = away @ away / spread + module.BASE_PRECISION * (x[3] - 1) ** 2
        precision = np.where(own == 1, module.OWN_PRECISION, module.LENT_PRECISION)
        prior += precision @ (x[4:] - own) ** 2
        total = loss.loss(x[rows.arm] + columns @ x[3:], target).sum()
        return total / dispersion + 0.5 * prior

    bounds = [(None, None)] * 3 + [(0, None)] * 4
    options = {"ftol": 1e-14, "gtol": 1e-8, "maxiter": 1000}
    start = np.concatenate([level[:, c], [1.0], own])
    best = minimize(objective, start, method="L-BFGS-B", bounds=bounds, options=options).x
    assert_allclose(weights, best[3:], atol=1e-3)
    assert_allclose(own_level, best[:3], atol=2e-3)
