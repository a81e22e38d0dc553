"""Variances of bases and effects, against loops and exact Gaussian posteriors."""

import numpy as np
import pytest
from helpers.cell_worlds import draw, rows, table
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sklearn_hrc._cells import shrinkage
from sklearn_hrc._cells.estimates import pooled_estimates
from sklearn_hrc._cells.shrinkage import (
    Spread,
    cell_noise,
    level_error,
    predict_base,
    row_spread,
    spread_of_cells,
    with_correlation,
)


def der_simonian_laird(values, precision, left=1.0):
    """Estimate and error of one column, written out group by group."""
    heterogeneity = freedom = scale = 0.0
    for group, weight in zip(values, precision):
        group, weight = group[weight > 0], weight[weight > 0]
        if len(group) == 0:
            continue
        mean = np.average(group, weights=weight)
        heterogeneity += (weight * (group - mean) ** 2).sum()
        freedom += left * (len(group) - 1)
        scale += left * (weight.sum() - (weight**2).sum() / weight.sum())
    if scale <= 1e-9 * precision.max(initial=0):
        return 0.0
    mean, error = (heterogeneity - freedom) / scale, np.sqrt(2 * freedom) / scale
    return stats.truncnorm.mean(-mean / error, np.inf, loc=mean, scale=error)


@st.composite
def deviations(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 8)), draw(st.integers(1, 5)), 2)
    precision = rng.integers(0, 50, shape) * rng.choice([0.0, 1.0], shape, p=[0.2, 0.8])
    values = draw(st.sampled_from([0.0, 0.3, 3.0])) * rng.normal(size=shape)
    values += rng.normal(size=shape) / np.sqrt(np.maximum(precision, 1))
    return np.where(precision > 0, values, 0.0), precision


@settings(max_examples=80, deadline=None, derandomize=True)
@given(deviations())
def test_variances_equal_a_loop(case):
    values, precision = case
    spread = spread_of_cells(values, precision)
    for column in range(2):
        weight = precision[..., column]
        clusters = max((weight > 0).any(axis=1).sum(), 1)
        effect = der_simonian_laird(values[..., column], weight, left=1 - 1 / clusters)
        assert_allclose(spread.effect[column], effect, rtol=1e-6, atol=1e-12)
        combined = weight / (1 + effect * weight)
        total = combined.sum(axis=1)
        seen = total > 0
        base = (combined * values[..., column]).sum(axis=1)[seen] / total[seen]
        expected = der_simonian_laird(base[None], total[None, seen])
        assert_allclose(spread.base[column], expected, rtol=1e-5, atol=1e-12)


def dense_posterior(values, precision, effect, base):
    """Mean and covariance of base plus effect of every cell, given the noisy values."""
    n_clusters, n_arms = values.shape
    prior = np.kron(np.eye(n_clusters), base * np.ones((n_arms, n_arms)) + effect * np.eye(n_arms))
    seen = precision.ravel() > 0
    observed = prior[np.ix_(seen, seen)] + np.diag(1 / precision.ravel()[seen])
    gain = np.linalg.solve(observed, prior[seen]).T
    return gain @ values.ravel()[seen], prior - gain @ prior[seen]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(deviations(), st.floats(1e-3, 10), st.floats(1e-3, 10))
def test_base_is_the_gaussian_posterior(case, effect, base):
    values, precision = case
    spread = Spread(precision, np.full(2, effect), np.full(2, base))
    mean, error = predict_base(values, spread)
    for k, column in np.ndindex(mean.shape):
        seen = precision[k, :, column] > 0
        noise = np.diag(effect + 1 / precision[k, seen, column])
        gain = base * np.linalg.solve(base + noise, np.ones(seen.sum()))
        assert_allclose(mean[k, column], gain @ values[k, seen, column], rtol=1e-8, atol=1e-10)
        assert_allclose(error[k, column], base * (1 - gain.sum()), rtol=1e-6)


@pytest.mark.parametrize("propensities", [False, True])
def test_pooled_cells_are_the_gaussian_posterior(propensities):
    world = draw(3, "gaussian", n_rows=400, n_clusters=12, propensities=propensities)
    cells = world.table("raw").cells
    shape = (len(cells.count) // 4, 4, 2)
    rng = np.random.default_rng(0)
    prediction = np.broadcast_to(rng.normal(size=(4, 2)), shape) * [1.0, 0.0]
    estimates = pooled_estimates(cells, prediction, prediction)
    scale = row_spread(cells, 4).scale[:, 0]
    n_effective = (cells.weight**2 / np.maximum(cells.weight_square, 1e-300)).reshape(shape[:2])
    values = (cells.mean.reshape(shape) - prediction)[..., 0] / scale
    both = [np.stack([array] * 2, axis=-1) for array in (values, n_effective)]
    spread = spread_of_cells(*both)
    mean, covariance = dense_posterior(values, n_effective, spread.effect[0], spread.base[0])
    error = np.diag(covariance).reshape(shape[:2]) * scale**2
    assert_allclose(estimates.mean[..., 0], prediction[..., 0] + mean.reshape(shape[:2]) * scale)
    assert_allclose(estimates.own[..., 0, 0], error)


def test_mean_above_zero():
    mean = np.array([-30.0, -1.0, 0.0, 2.0])
    error = np.array([2.0, 1.0, 3.0, 0.5])
    expected = stats.truncnorm.mean(-mean / error, np.inf, loc=mean, scale=error)
    assert_allclose(shrinkage._mean_above_zero(mean, error), expected, rtol=1e-9)
    # Far below zero the tail is exponential, far above nothing is cut off.
    far = shrinkage._mean_above_zero(np.array([-1e3, 1e9]), np.ones(2))
    assert_allclose(far, [1e-3, 1e9], rtol=1e-5)
    assert_array_equal(shrinkage._mean_above_zero(np.ones(1), np.zeros(1)), [0.0])


def test_spread_of_rows_by_hand():
    # Arm 0: cells (1, 3) and (5); arm 1: a free control without rows in one cell.
    experiment = rows([1.0, 3.0, 5.0, 2.0, 2.0], [0, 0, 0, 1, 1], [1.0, 1.0, 4.0, 0.0, 0.0])
    cells = table([0, 0, 1, 0, 0], experiment).cells
    spread = row_spread(cells, 2)
    # Total: mean (3, 2), squares 4 + 0 + 4 and 1 + 1 + 4, two degrees of freedom.
    assert_allclose(spread.total[0], [[4.0, 3.0], [3.0, 3.0]])
    # Within: 1 + 1 with one degree, and five rows of the total.
    assert_allclose(spread.within[0], (np.diag([2.0, 0.0]) + 5 * spread.total[0]) / 6)
    assert_array_equal(spread.total[1], np.zeros((2, 2)))
    assert_array_equal(spread.scale[1], [0.0, 0.0])
    assert_allclose(level_error(cells, 2, spread)[0], spread.total[0] / 3)
    noise = cell_noise(cells, 2, spread)
    assert_allclose(noise[0, 0], (np.diag([2.0, 0.0]) + 5 * spread.within[0]) / 6 / 2)
    assert_allclose(noise[1, 0], spread.within[0])
    assert_array_equal(noise[:, 1], np.zeros((2, 2, 2)))


def test_arms_with_a_single_row_are_judged_by_all_rows():
    experiment = rows([1.0, 2.0, 9.0], [0, 1, 1], [0.0, 1.0, 1.0])
    spread = row_spread(table([0, 0, 1], experiment).cells, 2)
    assert_allclose(spread.total[0, 0, 0], np.var([1, 2, 9], ddof=1))
    assert_allclose(spread.total[1, 0, 0], np.var([2, 9], ddof=1))


def test_one_row_a_cell_has_the_spread_of_the_arm():
    y = np.array([0.0, 2.0, 7.0, 3.0, 4.0, 6.0])
    # Weights that make the effective rows of a single row one only up to rounding.
    weight = np.array([0.1, 0.3, 0.7, 0.1, 0.3, 0.7])
    experiment = rows(y, [0, 0, 0, 1, 1, 1], weight=weight)
    cells = table([0, 1, 2, 0, 1, 2], experiment).cells
    spread = row_spread(cells, 2)
    assert_allclose(spread.within, spread.total)
    assert (spread.total[:, 0, 0] > 1).all()


def test_an_arm_of_a_fixed_price_is_constant_in_spite_of_rounding():
    n_rows = 200_000
    rng = np.random.default_rng(0)
    experiment = rows(
        rng.normal(size=n_rows), np.zeros(n_rows), np.full(n_rows, 0.1), weight=rng.random(n_rows)
    )
    cells = table(rng.integers(0, 3, n_rows), experiment).cells
    scale = row_spread(cells, 1).scale
    assert scale[0, 1] == 0.0
    assert_allclose(scale[0, 0], 1.0, rtol=0.01)


def test_with_correlation():
    noise = np.array([[[4.0, 3.0], [3.0, 9.0]], [[0.0, 0.0], [0.0, 1.0]]])
    covariance = with_correlation(np.array([[1.0, 16.0], [1.0, 4.0]]), noise)
    assert_allclose(covariance, [[[1.0, 2.0], [2.0, 16.0]], [[1.0, 0.0], [0.0, 4.0]]])


def test_cells_without_buyers_do_not_pull_the_others_down():
    # Precisions from the cells' own variances would: the fewer buyers a cell
    # happens to have, the smaller its mean and its variance.
    errors = []
    for seed in range(20):
        estimates, truth, share = draw(seed, "zeros", n_clusters=64).estimate("pooled")
        for arm in range(4):
            allotted = np.zeros(truth.shape[:2])
            allotted[:, arm] = share
            gap = (share[:, None] * (estimates.mean - truth)[:, arm]).sum(axis=0)[0]
            errors.append(gap / np.sqrt(estimates.total_covariance(allotted)[0, 0]))
    assert np.sqrt(np.mean(np.square(errors))) < 1.4
