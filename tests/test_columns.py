"""Deviations of networks are found by their sums, and nothing else is taken for them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sklearn_hrc._columns import CHUNK_ROWS, count_networks
from sklearn_hrc._predictor.predictor import deviations

DTYPES = st.sampled_from([np.float32, np.float64])


def with_deviations(hidden, outcomes):
    """Columns as the representer lays them out, of outcomes networks x rows x columns."""
    return np.hstack([hidden, *deviations(outcomes)])


@st.composite
def expectations(draw):
    """Hidden columns and what networks expect, of any size, some of it known, some constant."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_networks, n_rows = draw(st.integers(2, 10)), draw(st.sampled_from([1, 2, 50]))
    n_outcomes, dtype = draw(st.integers(2, 15)), draw(DTYPES)
    shape = n_networks, n_rows, n_outcomes
    outcomes = rng.lognormal(sigma=draw(st.sampled_from([0.01, 1.0, 5.0])), size=shape)
    outcomes *= 10.0 ** draw(st.integers(-12, 12))
    known = rng.random(n_outcomes) < draw(st.sampled_from([0.0, 0.5]))
    known[0] = False
    outcomes[:, :, known] = 0.1
    if draw(st.booleans()):  # one network is far from the others
        outcomes[0] *= 1000
    hidden = rng.normal(size=(n_rows, draw(st.integers(0, 40))))
    if draw(st.booleans()):
        hidden[:] = 0.0  # all units are dead
    return hidden.astype(dtype), outcomes.astype(dtype)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(expectations(), st.booleans())
def test_networks_are_counted(world, as_double):
    hidden, outcomes = world
    n_networks, n_rows, n_outcomes = outcomes.shape
    columns = with_deviations(hidden, outcomes)
    if as_double:  # as of float32 columns beside float64 labels
        columns = columns.astype(np.float64)
    assert count_networks(columns, n_outcomes, np.ones(n_rows)) == n_networks


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 50), st.integers(0, 60), DTYPES)
def test_other_columns_are_no_deviations(seed, n_rows, n_columns, dtype):
    rng = np.random.default_rng(seed)
    kinds = (
        rng.normal(size=(n_rows, n_columns)),
        rng.integers(0, 2, (n_rows, n_columns)),  # dummies
        np.zeros((n_rows, n_columns)),
        np.full((n_rows, n_columns), -3.5),
    )
    for columns in kinds:
        for n_outcomes in (4, 9):
            found = count_networks(columns.astype(dtype), n_outcomes, np.ones(n_rows))
            if columns[:, -2 * n_outcomes :].any():
                assert found == 0


def test_zeros_are_no_evidence():
    assert count_networks(np.zeros((20, 30)), 5, np.ones(20)) == 0
    same = np.tile(np.random.default_rng(0).random((1, 20, 5)), (4, 1, 1))
    columns = with_deviations(np.ones((20, 3)), same)
    assert not columns[:, 3:].any()
    assert count_networks(columns, 5, np.ones(20)) == 0


def test_every_row_with_weight_counts():
    rng = np.random.default_rng(0)
    columns = with_deviations(np.ones((2 * CHUNK_ROWS, 3)), rng.random((3, 2 * CHUNK_ROWS, 4)))
    weight = np.ones(len(columns))
    assert count_networks(columns, 4, weight) == 3
    columns[CHUNK_ROWS + 7, -1] += 0.1
    assert count_networks(columns, 4, weight) == 0
    weight[CHUNK_ROWS + 7] = 0.0
    assert count_networks(columns, 4, weight) == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_subnormal_rows_do_not_hide_networks(dtype):
    outcomes = np.random.default_rng(0).random((5, 40, 6)).astype(dtype)
    outcomes[:, ::2] *= dtype(1e-40)
    assert count_networks(with_deviations(np.ones((40, 2)), outcomes), 6, np.ones(40)) == 5


def test_deviations_by_hand():
    found = deviations(np.array([[1.0, 0.1], [2.0, 0.1], [6.0, 0.1]]))
    assert_allclose(found, [[-2, 0], [-1, 0], [3, 0]])
    assert found[:, 1].tolist() == [0, 0, 0]  # 0.1 + 0.1 + 0.1 is not 0.3
