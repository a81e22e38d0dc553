"""Sums of drawn rows: exact where all values are alike, right in mean and spread."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc.design import _noise
from sklearn_hrc.design._noise import NormalNoise, values_by_cell, zero_or_gamma
from sklearn_hrc.design._world import draw_means, exact_estimates


def test_rows_of_a_cell_have_the_values_of_the_cell():
    noise = values_by_cell([[np.array([[1.0, 2.0]]), np.array([[-3.0, 0.5], [-3.0, 0.5]])]])
    sums = noise.draw(np.array([[[0, 4]], [[5, 1]]]), np.random.default_rng(0))
    assert_array_equal(sums[0, 0], [[0] * 6, [4, -12, 2, 36, -6, 1]])
    assert_array_equal(sums[1, 0], [[5, 5, 10, 5, 10, 20], [1, -3, 0.5, 9, -1.5, 0.25]])
    assert_array_equal(noise.expected()[0], [[1, 1, 2, 1, 2, 4], [1, -3, 0.5, 9, -1.5, 0.25]])


def test_many_rows_are_drawn_in_parts(monkeypatch):
    monkeypatch.setattr(_noise, "_ROWS_AT_ONCE", 10)
    noise = values_by_cell([[np.array([[1.0, 2.0]])]])
    sums = noise.draw(np.array([[77]]), np.random.default_rng(0))
    assert_array_equal(sums[0, 0], [77, 77, 154, 77, 154, 308])


def test_sums_of_normal_rows_have_their_mean_and_variance():
    noise = NormalNoise(np.full((1, 1), 3.0))
    counts = np.full((4000, 1, 1), 5)
    sums = noise.draw(counts, np.random.default_rng(0))[:, 0, 0]
    assert sums[:, 1].var() == pytest.approx(5 * 9, rel=0.1)
    assert sums[:, 3].mean() == pytest.approx(5 * 9, rel=0.05)
    assert (sums[:, 3] >= sums[:, 1] ** 2 / 5).all()
    assert_allclose(noise.draw(np.zeros((1, 1), int), np.random.default_rng(0)), 0.0)


def test_values_have_the_given_zeros_and_deviation():
    response, cost = zero_or_gamma(2.0, 5.0, 0.8).T
    assert response.mean() == pytest.approx(0, abs=1e-12)
    assert response.std() == pytest.approx(5.0)
    assert np.isclose(response, response.min()).mean() == pytest.approx(0.8)
    assert not cost.any()


def test_outcomes_of_0_and_1_have_two_values():
    response = zero_or_gamma(0.25, np.sqrt(0.25 * 0.75), 0.75)[:, 0]
    assert_allclose(np.unique(response.round(9)), [-0.25, 0.75])


def test_drawn_truth_has_the_errors_of_the_estimates():
    estimates = exact_estimates(np.ones((2, 2, 2)))
    estimates.own[..., 0, 0] = 4.0
    estimates.shared[0] = [[1.0, 0.0], [0.0, 0.0]]
    rng = np.random.default_rng(0)
    drawn = np.array([draw_means(estimates, rng) for _ in range(3000)])
    assert_allclose(drawn[..., 0].var(axis=0), [[5, 4], [5, 4]], rtol=0.12)
    assert np.cov(drawn[:, 0, 0, 0], drawn[:, 1, 0, 0])[0, 1] == pytest.approx(1, abs=0.4)
    assert_array_equal(drawn[..., 1], 1.0)
