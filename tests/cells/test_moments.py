"""Statistics of groups: hand-computed values and the promise of any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc._cells import moments
from sklearn_hrc._cells.moments import add, empty, merge, pool, within_variance


def one_pass(groups, values, weight, n_groups, cross):
    """Write the definition out group by group, in a loop."""
    moments = empty(n_groups, values.shape[1], cross=cross)
    for group in range(n_groups):
        rows = groups == group
        moments.count[group] = rows.sum()
        moments.weight[group] = weight[rows].sum()
        moments.weight_square[group] = (weight[rows] ** 2).sum()
        if moments.weight[group] > 0:
            mean = weight[rows] @ values[rows] / weight[rows].sum()
            deviation = values[rows] - mean
            scatter = (weight[rows, None] * deviation).T @ deviation
            moments.mean[group] = mean
            moments.scatter[group] = scatter if cross else np.diag(scatter)
    return moments


def assert_same(actual, expected, values, weight):
    """Agree within 1e-12 of the sum of absolute values; counts are exact."""
    assert_array_equal(actual.count, expected.count)
    size = np.abs(values).max(initial=0.0)
    total = weight.sum()
    assert_allclose(actual.weight, expected.weight, rtol=0, atol=1e-12 * total)
    assert_allclose(
        actual.weight_square, expected.weight_square, rtol=0, atol=1e-12 * (weight**2).sum()
    )
    held = expected.weight > 0
    sums = expected.weight[held, None]
    assert_allclose(
        sums * actual.mean[held], sums * expected.mean[held], rtol=0, atol=1e-12 * total * size
    )
    assert_allclose(
        actual.scatter, expected.scatter, rtol=0, atol=1e-12 * max(total * size**2, 1e-300)
    )


def test_hand_computed():
    groups = np.array([0, 0, 2])
    values = np.array([[1.0, 10.0], [4.0, 40.0], [7.0, 0.0]])
    weight = np.array([1.0, 2.0, 3.0])
    moments = add(empty(3, 2), groups, values, weight)
    assert_array_equal(moments.count, [2, 0, 1])
    assert_array_equal(moments.weight, [3, 0, 3])
    assert_array_equal(moments.weight_square, [5, 0, 9])
    assert_allclose(moments.mean, [[3, 30], [0, 0], [7, 0]])
    # deviations -2, 1 with weights 1, 2: 4 + 2 = 6
    assert_allclose(moments.scatter[0], [[6, 60], [60, 600]])
    assert_array_equal(moments.scatter[1:], np.zeros((2, 2, 2)))
    assert_allclose(within_variance(moments), [1, 100])


@st.composite
def tables(draw):
    n_rows = draw(st.integers(0, 40))
    n_groups = draw(st.integers(1, 6))
    n_columns = draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = 10.0 ** draw(st.integers(-6, 6))
    offset = draw(st.sampled_from([0.0, 1.0, 1e4]))
    values = scale * (rng.normal(size=(n_rows, n_columns)) + offset)
    weight = rng.choice([0.0, 0.5, 1.0, 3.0], size=n_rows)
    return rng.integers(0, n_groups, n_rows), values, weight, n_groups, rng


@settings(max_examples=80, deadline=None, derandomize=True)
@given(tables(), st.booleans(), st.integers(1, 7))
def test_any_order_and_chunking_equal_one_pass(table, cross, n_parts):
    groups, values, weight, n_groups, rng = table
    expected = one_pass(groups, values, weight, n_groups, cross)
    start = empty(n_groups, values.shape[1], cross=cross)
    assert_same(add(start, groups, values, weight), expected, values, weight)
    order = rng.permutation(len(groups))
    parts = np.array_split(order, n_parts)
    added = start
    for part in parts:
        added = add(added, groups[part], values[part], weight[part])
    assert_same(added, expected, values, weight)
    tables = [add(start, groups[part], values[part], weight[part]) for part in parts]
    while len(tables) > 1:  # a tree reduction, as a cluster of machines does it
        tables = [merge(*pair) if len(pair) == 2 else pair[0] for pair in _pairs(tables)]
    assert_same(tables[0], expected, values, weight)


def _pairs(items):
    return [items[i : i + 2] for i in range(0, len(items), 2)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tables(), st.booleans())
def test_pool_equals_regrouped_rows(table, cross):
    groups, values, weight, n_groups, rng = table
    coarser = rng.integers(0, 3, n_groups)
    fine = add(empty(n_groups, values.shape[1], cross=cross), groups, values, weight)
    expected = one_pass(coarser[groups], values, weight, 3, cross)
    assert_same(pool(fine, coarser, 3), expected, values, weight)


@pytest.mark.parametrize("cross", [True, False])
def test_chunks_of_rows_and_inputs_left_alone(monkeypatch, cross):
    rng = np.random.default_rng(0)
    groups, weight = rng.integers(0, 4, 1000), rng.random(1000)
    values = rng.lognormal(size=(1000, 3)).astype(np.float32)
    whole = add(empty(4, 3, cross=cross), groups, values, weight)
    copies = [array.copy() for array in (groups, values, weight)]
    monkeypatch.setattr(moments, "MOST_ROWS", 64)
    start = empty(4, 3, cross=cross)
    assert_same(add(start, groups, values, weight), whole, values, weight)
    assert start.count.sum() == 0
    for array, copy in zip((groups, values, weight), copies):
        assert_array_equal(array, copy)
    assert whole.mean.dtype == np.float64


def test_large_offset_keeps_the_spread():
    # The raw sum of squares would leave no digit of a spread of 1 at 1e9.
    values = 1e9 + np.tile([[-1.0], [1.0]], (5000, 1))
    moments = add(empty(1, 1), np.zeros(10_000, dtype=int), values, np.ones(10_000))
    assert_allclose(moments.scatter[0, 0, 0], 10_000, rtol=1e-12)
