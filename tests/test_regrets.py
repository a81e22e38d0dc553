"""Regrets at prices of the budget, and what clusters choose by them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from sklearn_hrc._regrets import (
    CLOSENESS,
    RegretScale,
    choice_scores,
    fit_regret_scale,
    regrets,
)

BOTH = np.ones(2)


def units_of(*outcomes):
    return np.array([np.abs(each - each.mean(axis=1, keepdims=True)).mean() for each in outcomes])


def fitted_scale(response, cost, weight=None, n_clusters=4):
    weight = np.ones(len(response)) if weight is None else weight
    return fit_regret_scale(response, cost, weight, units_of(response, cost), n_clusters)


def experiment(n_samples=500, n_treatments=4, seed=0):
    rng = np.random.default_rng(seed)
    response = np.cumsum(rng.random((n_samples, n_treatments)), axis=1)
    return response, np.cumsum(rng.random((n_samples, n_treatments)), axis=1)


def test_regrets_by_hand():
    # at price 1 the arms are worth 0, 2 and 1; at price 3, with half the weight, 0, -1 and -2.5
    response, cost = np.array([[0.0, 4.0, 4.0]]), np.array([[0.0, 2.0, 3.0]])
    scale = RegretScale(np.array([1.0, 0.5]), np.array([1.0, 1.5]), np.array([1.5, 9.0]))
    assert_allclose(regrets(response, cost, scale), [[1.5, 0.0, 1.0, 0.0, 1.0, 2.5]])


def test_prices_spend_budgets_that_grow_with_the_square():
    response, cost = experiment(4_000)
    scale = fitted_scale(response, cost)
    price = scale.of_cost / scale.of_response
    arms = (response[:, None] - price[:, None] * cost[:, None]).argmax(axis=2)
    spend = np.take_along_axis(cost, arms, axis=1).mean(axis=0)
    least = cost.min(axis=1).mean()
    most = np.take_along_axis(cost, response.argmax(axis=1)[:, None], axis=1).mean()
    share = np.sort((spend - least) / (most - least))
    assert_allclose(share, ((np.arange(16) + 0.5) / 16) ** 2, atol=0.002)
    # and what is lost counts by the root of what can be gained
    gain = np.take_along_axis(response, arms, axis=1).mean(axis=0) - response[:, 0].mean()
    counts = scale.of_response * np.sqrt(gain)
    assert_allclose(counts, counts[0], rtol=0.02)


def test_mean_square_length_is_one_whatever_the_units():
    response, cost = experiment()
    weight = np.random.default_rng(1).random(len(cost)) + 0.5
    rows = regrets(response, cost, fitted_scale(response, cost, weight))
    assert_allclose(np.average((rows**2).sum(axis=1), weights=weight), 1)
    other = 1000 * response, cost / 7
    assert_allclose(regrets(*other, fitted_scale(*other, weight)), rows, rtol=1e-9, atol=1e-12)


def test_weights_are_rows():
    response, cost = experiment(60)
    weight = np.random.default_rng(0).integers(1, 4, 60)
    repeated = fitted_scale(np.repeat(response, weight, axis=0), np.repeat(cost, weight, axis=0))
    for ours, theirs in zip(fitted_scale(response, cost, weight.astype(float)), repeated):
        assert_allclose(ours, theirs)


@pytest.mark.parametrize(
    ("n_treatments", "n_clusters", "n_prices"),
    [(2, 64, 64), (3, 64, 32), (4, 64, 21), (5, 64, 16), (2, 256, 64), (2, 8, 16)],
)
def test_few_arms_have_more_prices(n_treatments, n_clusters, n_prices):
    response, cost = experiment(2_000, n_treatments)
    assert len(fitted_scale(response, cost, n_clusters=n_clusters).of_cost) == n_prices


def test_a_dear_arm_that_is_good_for_nobody_sets_no_scale():
    response, cost = experiment(1_000, 3)
    size = np.sqrt(np.square(regrets(response, cost, fitted_scale(response, cost))).sum(axis=1))
    useless = np.column_stack([response, response[:, 0]])
    dear = np.column_stack([cost, 1e5 * cost[:, 2]])
    rows = regrets(useless, dear, fitted_scale(useless, dear)).reshape(1_000, -1, 4)
    others = np.sqrt(np.square(rows[:, :, :3]).sum(axis=(1, 2)))
    assert 0.2 < others.mean() / size.mean() < 1
    # and regrets count up to three times the mean of the arm that is lost most by
    mean = rows.mean(axis=0)
    assert_allclose(rows.max(axis=(0, 2)), 3 * mean[:, :3].max(axis=1), rtol=0.2)


def test_rounding_makes_no_regrets():
    rng = np.random.default_rng(0)
    response = ([0, 1, 1.5, 2] + 1e3 * rng.normal(size=(500, 1))).astype(np.float32)
    cost = np.tile(np.arange(4.0, dtype=np.float32), (500, 1))
    rows = regrets(response, cost, fitted_scale(response, cost))
    assert rows.max() > 0
    assert np.ptp(rows, axis=0).max() < 1e-2 * rows.max()


@pytest.mark.parametrize("size", [1e-80, 1e100])
def test_size_of_the_weights_does_not_matter(size):
    response, cost = (each.astype(np.float32) for each in experiment())
    ours = fitted_scale(response, cost, np.full(500, size))
    for each, other in zip(ours, fitted_scale(response, cost)):
        assert_allclose(each, other)


def test_money_decides_nothing():
    response, same = experiment(50)[0], np.ones((50, 4))
    rows = regrets(response, same, fitted_scale(response, same))
    expected = response.max(axis=1, keepdims=True) - response
    # The last arm is the best for all, and the one before it is in use, too.
    expected = np.minimum(expected, 3 * expected[:, 2].mean())
    assert_allclose(rows / rows.max(), expected / expected.max())
    rows = regrets(same, response, fitted_scale(same, response))
    expected = response - response.min(axis=1, keepdims=True)
    expected = np.minimum(expected, 3 * expected[:, 1].mean())
    assert_allclose(rows / rows.max(), expected / expected.max())
    # and where the cheapest arm is the best one of everybody
    worse = -np.cumsum(np.ones((50, 4)), axis=1) * (1 + response[:, :1])
    cost = np.tile(np.arange(4.0), (50, 1))
    rows = regrets(worse, cost, fitted_scale(worse, cost))
    assert rows.shape == (50, 4)
    assert (rows.argmin(axis=1) == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_that_of_the_response(dtype):
    response, cost = (each.astype(dtype) for each in experiment())
    rows = regrets(response, cost, fitted_scale(response, cost))
    slopes, bias = choice_scores(rows[:3], 4)
    assert rows.dtype == slopes.dtype == bias.dtype == dtype


@given(
    arrays(np.float64, (6, 6), elements=st.floats(0, 10)),
    arrays(np.float64, (4, 6), elements=st.floats(0, 10)),
)
def test_score_is_least_regret_and_a_little_distance(rows, centres):
    slopes, bias = choice_scores(centres, 3)
    score = rows @ slopes + bias
    for z, of_row in zip(rows, score):
        lost = []
        for c in centres:
            arms = c[:3].argmin(), 3 + c[3:].argmin()
            lost.append(z[arms[0]] + z[arms[1]] + CLOSENESS * ((z - c) ** 2).sum())
        # what all scores of a row have in common decides nothing
        assert_allclose(of_row - of_row[0], lost[0] - np.array(lost), atol=1e-9)
