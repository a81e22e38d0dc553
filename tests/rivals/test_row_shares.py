"""Shares of rows by their features."""

import numpy as np
import pytest

from sklearn_hrc.rivals._row_shares import cut_of_share, draw_circle, on_circle


def below(circle, X, share):
    return on_circle(circle, X) < circle.cut[cut_of_share(circle, share)]


@pytest.fixture(scope="module")
def normal():
    X = np.random.default_rng(0).normal(size=(4000, 3))
    return X, draw_circle(X, np.ones(4000), np.random.RandomState(0))


@pytest.mark.parametrize("share", [0.0, 0.013, 0.3, 0.999, 1.0])
def test_a_share_is_kept_and_all_but_reached(normal, share):
    X, circle = normal
    got = below(circle, X, share).mean()
    assert share - 1.1 / 1024 <= got <= share
    assert got == pytest.approx(circle.share[cut_of_share(circle, share)])


def test_a_share_has_nothing_to_do_with_the_features(normal):
    circle = normal[1]
    new = np.random.default_rng(1).normal(size=(20_000, 3))
    chosen = below(circle, new, 0.4)
    assert chosen.mean() == pytest.approx(0.4, abs=0.02)
    for column in (*new.T, *(new**2).T):
        assert abs(np.corrcoef(column, chosen)[0, 1]) < 0.03


def test_rows_that_are_alike_stay_together():
    X = np.repeat(np.arange(4.0)[:, None], 10, axis=0)
    circle = draw_circle(X, np.ones(40), np.random.RandomState(0))
    np.testing.assert_allclose(np.unique(circle.share) * 4 % 1, 0)
    for share in (0.1, 0.6):
        assert len(np.unique(below(circle, X, share).reshape(4, 10).sum(axis=1) % 10)) == 1
    assert below(circle, X, 0.1).sum() == 0


@pytest.mark.parametrize(("share", "count"), [(0.99, 0), (1.0, 5)])
def test_rows_at_one_place_are_one(share, count):
    X = np.full((5, 2), 1e6)
    circle = draw_circle(X, np.ones(5), np.random.RandomState(0))
    assert below(circle, X, share).sum() == count


def test_weights_count():
    X = np.random.default_rng(0).normal(size=(500, 2))
    weight = np.random.default_rng(1).integers(0, 4, 500).astype(float)
    circle = draw_circle(X, weight, np.random.RandomState(0))
    chosen = below(circle, X, 0.5)
    assert np.average(chosen, weights=weight) == pytest.approx(0.5, abs=0.01)
