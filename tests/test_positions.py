"""Places on the line: the same for the same rows in any order and chunks, and bounded."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc import _positions
from sklearn_hrc._positions import (
    draw_direction,
    merge_positions,
    positions_of_rows,
    project,
    units_of,
)

DIRECTION = np.array([0.6, 0.8])


def assert_same(first, second):
    for one, other in zip(first[:3], second[:3]):
        assert_array_equal(one, other)
    assert_allclose(first.weight, second.weight, rtol=1e-12)


def test_project_hand_computed():
    covariates = np.sinh([[1.0, 2.0], [0.0, -1.0]])
    assert_allclose(project(covariates, DIRECTION), [2.2, -0.8])
    assert project(covariates.astype(np.float32), DIRECTION).dtype == np.float64
    assert_array_equal(project(np.empty((3, 0)), np.empty(0)), [0, 0, 0])
    assert np.linalg.norm(draw_direction(5, np.random.RandomState(0))) == pytest.approx(1)


def test_equal_rows_are_one_place():
    covariates = np.array([[1.0, 0], [2.0, 0], [1.0, 0], [1.0, 0]])
    label, weight = np.array([5, 5, 5, 7]), np.array([1.0, 2, 3, 4])
    positions = positions_of_rows(label, covariates, weight, DIRECTION)
    assert_array_equal(positions.label, [5, 5, 7])
    assert_array_equal(positions.weight, [4, 2, 4])
    units = units_of(positions, np.array([5, 6, 7]))
    assert_array_equal(units.cluster, [0, 0, 2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_tells_no_rows_apart(dtype):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 2)).astype(dtype)
    noisy = rows * (1 + 3 * np.finfo(dtype).eps)
    both = np.concatenate([rows, noisy.astype(dtype)])
    positions = positions_of_rows(np.zeros(100), both, np.ones(100), DIRECTION)
    units = units_of(positions, np.zeros(1))
    assert_array_equal(units.weight, np.full(50, 2.0))


@pytest.mark.parametrize("most", [2**17, 600])
def test_chunks_merge_to_all_rows(monkeypatch, most):
    monkeypatch.setattr(_positions, "MOST_PLACES", most)
    monkeypatch.setattr(_positions, "LEAST_PLACES", 8)
    rng = np.random.default_rng(0)
    label = rng.choice([0.0, 1.0, 5.0], 3000, p=[0.7, 0.28, 0.02])
    covariates = rng.standard_cauchy((3000, 2))
    covariates[:500] = 0.5
    weight = rng.exponential(size=3000)
    whole = positions_of_rows(label, covariates, weight, DIRECTION)
    assert len(whole.low) <= max(most, 3000)
    chunks = np.split(rng.permutation(3000), [1, 40, 900, 2000, 2999])
    merged = None
    for rows in chunks:
        part = positions_of_rows(label[rows], covariates[rows], weight[rows], DIRECTION)
        merged = part if merged is None else merge_positions(merged, part)
    assert_same(merged, whole)
    assert whole.weight.sum() == pytest.approx(weight.sum())
    if most == 600:
        counts = np.unique(whole.label, return_counts=True)[1]
        assert (counts <= 200).all()
        assert counts.max() > 60


def test_places_of_many_rows_are_bounded():
    rng = np.random.default_rng(0)
    covariates = rng.normal(size=(400_000, 2))
    positions = positions_of_rows(np.zeros(400_000), covariates, np.ones(400_000), DIRECTION)
    assert 2**15 < len(positions.low) <= 2**17
    assert positions.weight.sum() == 400_000
    assert positions.weight.max() < 100
