"""Shares of two models, by hand, beside scipy and where nothing can be told."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.training_rows import KINDS, draw, rows_of
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar

from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.mixture import PRECISION, share_of_first
from sklearn_hrc._predictor.tasks import CONTINUOUS, INDICATOR


def shares(first, second, targets, kind, **options):
    """Share of the first of two models that have the same links for all arms."""
    rows = rows_of(
        np.arange(len(targets))[:, None], np.arange(len(targets)) % 3, targets, kind, **options
    )
    models = [
        SimpleNamespace(links=lambda columns, links=links: _spread(links, len(columns)))
        for links in (first, second)
    ]
    return share_of_first(*models, rows)[0]


def _spread(links, n_rows):
    assert len(links) == n_rows  # one chunk
    return np.broadcast_to(links[:, None, None], (2, n_rows, 3, 1))


def two_links(seed=0, n_rows=600):
    return np.random.default_rng(seed).normal(size=(2, n_rows)) * 0.7


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_beside_scipy_and_the_share_that_made_the_data(kind, share):
    first, second = two_links(n_rows=6_000)
    target = draw(share * first + (1 - share) * second, kind, np.random.default_rng(1))
    found = shares(first, second, target, kind)
    assert_allclose(found, share, atol=0.08)
    links = second + found * (first - second)
    slope, curvature = LOSSES[kind].slope(links, target), LOSSES[kind].curvature(links, target)
    dispersion = 1.0 if kind == INDICATOR else (np.sum(slope**2 / curvature) + 1) / (6_000 + 1)

    def objective(share):
        loss = LOSSES[kind].loss(second + share * (first - second), target).sum() / dispersion
        return loss + PRECISION / 2 * (share - 1) ** 2

    best = minimize_scalar(objective, bounds=(0, 1), method="bounded", options={"xatol": 1e-6}).x
    assert_allclose(found, best, atol=2e-3)


def test_by_hand():
    # difference 2 in both rows; the mean wants a share of (1 + 0) / 2, the prior 1
    first, second = np.array([2.0, 2.0]), np.zeros(2)
    targets = np.array([2.0, 0.0])
    found = shares(first, second, targets, CONTINUOUS)
    # at the solution: sum of slopes = 2 * (4 s - 2), over the dispersion, against 5 (1 - s)
    misfit = (2 * found - 2) ** 2 + (2 * found) ** 2
    dispersion = (misfit + 1) / 3
    assert_allclose((8 * found - 4) / dispersion, PRECISION * (1 - found), rtol=1e-2)


def test_equal_models_leave_the_first():
    first, _ = two_links()
    assert shares(first, first, first + 1, CONTINUOUS) == 1.0


def test_links_that_are_no_numbers_leave_the_first():
    first = two_links()[0]
    with np.errstate(invalid="ignore"):
        assert shares(first, np.full(600, np.nan), first, CONTINUOUS) == 1.0


def test_without_held_out_rows_the_first():
    first, second = two_links()
    fold = np.full(600, 9)
    assert shares(first, second, first, CONTINUOUS, fold=fold) == 1.0


def test_rows_without_weight_have_no_say():
    first, second = two_links()
    target = second.copy()
    weights = np.ones((600, 1))
    weights[:300], target[:300] = 0, 1e6
    assert shares(first, second, target, CONTINUOUS, weights=weights) < 0.05
