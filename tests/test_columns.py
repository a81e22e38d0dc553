"""Layouts by hand; deviations are found by their sums, and nothing else is taken for them."""

import numpy as np
import pytest
from helpers.cell_worlds import rows
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc._columns import (
    CHUNK_ROWS,
    Columns,
    column_names,
    count_networks,
    find_columns,
    take_apart,
)
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


# A hidden column, two networks, two arms, and two tasks.
COLUMNS = Columns(1, 2, 2, 2)
MATRIX = np.array(
    [
        [7.0, 1, 2, 3, 4, -1, -2, -3, -4, 10, 20, 30, 40],
        [8.0, 5, 0, 0, 0, -5, 0, 0, 0, 50, 60, 70, 80],
    ]
)


def test_layout_by_hand():
    hidden, deviations, outcomes = take_apart(MATRIX, COLUMNS)
    assert hidden.tolist() == [[7], [8]]
    assert deviations[0].tolist() == [[[1, 2], [3, 4]], [[-1, -2], [-3, -4]]]
    assert outcomes[1].tolist() == [[50, 60], [70, 80]]
    assert (COLUMNS.n_outcomes, COLUMNS.n_predicted) == (4, 12)
    assert COLUMNS.n_columns == MATRIX.shape[1]


def test_parts_are_views():
    matrix = np.asfortranarray(MATRIX)
    for part in take_apart(matrix, COLUMNS):
        part[:] = 0.5
    assert_array_equal(matrix, 0.5)


def test_hidden_columns_alone():
    hidden, deviations, outcomes = take_apart(MATRIX, Columns(13))
    assert_array_equal(hidden, MATRIX)
    assert deviations.size == outcomes.size == 0
    assert Columns(13).n_columns == 13
    assert column_names(Columns(2), ["a"], ["y"]) == ["hidden0", "hidden1"]


def test_names_by_hand():
    assert column_names(Columns(1, 2, 2, 1), np.array(["a", "b"]), ["y"]) == [
        "hidden0",
        *("y@a-network0", "y@b-network0", "y@a-network1", "y@b-network1"),
        *("y@a", "y@b"),
    ]


@pytest.mark.parametrize(
    ("n_columns", "cost", "columns"),
    [
        (13, [0.0, 1.0], COLUMNS),
        (13, None, Columns(11, 0, 2, 1)),  # 50 and 70 are no deviations from anything
        (3, [0.0, 1.0], Columns(-1, 0, 2, 2)),
    ],
)
def test_layout_is_found(n_columns, cost, columns):
    assert find_columns(MATRIX[:, :n_columns], rows([1.0, 2.0], [0, 1], cost)) == columns
