"""The table of cells: hand-computed values, merging and sizes."""

import numpy as np
import pytest
from helpers.cell_worlds import rows, table
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc._cells.table import allotted_sizes, merge_tables, table_of_rows, with_cost
from sklearn_hrc._experiment import take_rows

MOMENTS = ("cells", "members", "received", "arms")


def assert_same_table(actual, expected, size):
    """Agree within 1e-12 of the sum of absolute values."""
    assert_array_equal(actual.clusters, expected.clusters)
    assert_array_equal(actual.treatments, expected.treatments)
    for name in MOMENTS:
        one, other = getattr(actual, name), getattr(expected, name)
        assert_array_equal(one.count, other.count)
        total = 1e-12 * max(other.weight.sum(), 1.0)
        assert_allclose(one.weight, other.weight, rtol=0, atol=total)
        assert_allclose(
            one.weight_square, other.weight_square, rtol=1e-12, atol=total * other.weight.max()
        )
        assert_allclose(
            one.weight[:, None] * one.mean,
            other.weight[:, None] * other.mean,
            rtol=0,
            atol=total * size,
        )
        assert_allclose(one.scatter, other.scatter, rtol=0, atol=total * size**2)


def test_hand_computed():
    experiment = rows(
        [1.0, 3.0, 10.0, 4.0],
        [0, 0, 1, 0],
        [0.0, 2.0, 5.0, 1.0],
        treatments=["a", "b"],
        propensity=np.array([0.5, 0.25, 1.0, 0.5]),
        weight=[1.0, 1.0, 2.0, 3.0],
    )
    covariates = np.array([[1.0], [2.0], [6.0], [-1.0]])
    cells = table([7.0, 7.0, 7.0, -2.0], experiment, covariates, estimation="pooled")
    assert_array_equal(cells.clusters, [-2.0, 7.0])
    assert_array_equal(cells.treatments, ["a", "b"])
    # Cells (-2, a), (-2, b), (7, a), (7, b); weights over propensities.
    assert_array_equal(cells.cells.count, [1, 0, 2, 1])
    assert_array_equal(cells.cells.weight, [6, 0, 6, 2])
    assert_array_equal(cells.cells.weight_square, [36, 0, 20, 4])
    assert_allclose(cells.cells.mean, [[4, 1], [0, 0], [14 / 6, 8 / 6], [10, 5]])
    # 2 (1 - 7/3)^2 + 4 (3 - 7/3)^2 = 16/3, and as much for the cost.
    assert_allclose(cells.cells.scatter[2], np.full((2, 2), 16 / 3))
    # Members are weighted without propensities: (1 + 2 + 12) / 4, (0 + 2 + 10) / 4.
    assert_array_equal(cells.members.weight, [3, 4])
    assert_allclose(cells.members.mean, [[-1, 1], [15 / 4, 3]])
    assert_allclose(cells.received.mean.ravel(), [-1, 0, 10 / 6, 6])
    assert_allclose(cells.arms.mean, [[4 / 12, 38 / 12, 14 / 12], [6, 10, 5]])


def test_expected_outcomes_leave_residuals():
    experiment = rows([1.0, 3.0], [0, 0], [0.0, 1.0])
    cells = table([0, 0], experiment, np.zeros((2, 2)), expected=np.array([[1.0, 1.0], [2.0, 1.0]]))
    assert_allclose(cells.cells.mean, [[2.0, 0.5, 0.5, -0.5]])
    assert cells.received.mean.shape[1] == cells.arms.mean.shape[1] == 0


def test_cost_not_given_is_zero():
    assert_array_equal(with_cost(rows([[1.0, 2.0]], [0])), [[1.0, 2.0, 0.0]])


@st.composite
def experiments(draw):
    """Rows with few or many clusters and arms, weights, propensities, covariates."""
    n_rows = draw(st.integers(1, 60))
    n_arms = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(-2, draw(st.integers(-1, 6)), n_rows).astype(float)
    scale, offset = 10.0 ** draw(st.integers(-6, 6)), draw(st.sampled_from([0.0, 1e3]))
    experiment = rows(
        scale * (offset + rng.lognormal(size=n_rows) * rng.integers(0, 2, n_rows)),
        rng.integers(0, n_arms, n_rows),
        scale * rng.integers(0, 3, n_rows),
        treatments=np.array(list("abcd"))[:n_arms],
        propensity=rng.uniform(0.05, 1, n_rows) if draw(st.booleans()) else None,
        weight=rng.choice([0.5, 1.0, 3.0], n_rows) if draw(st.booleans()) else None,
    )
    covariates = scale * rng.normal(size=(n_rows, draw(st.integers(0, 3))))
    size = scale * (offset + 10)
    return labels, experiment, covariates, size, rng


def part_of(experiment, chosen):
    """Rows of a chunk that knows no other arms than its own."""
    part = take_rows(experiment, chosen)
    arms, arm = np.unique(part.arm, return_inverse=True)
    return part._replace(arm=arm, treatments=experiment.treatments[arms])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(experiments(), st.integers(1, 5), st.booleans())
def test_merged_chunks_equal_one_table(world, n_parts, regress):
    labels, experiment, covariates, size, rng = world
    estimation = "pooled" if regress else "raw"
    order = rng.permutation(len(labels))
    experiment = part_of(experiment, np.arange(len(labels)))
    whole = table(labels, experiment, covariates, estimation=estimation)
    merged = None
    for chunk in np.array_split(order, n_parts):
        if len(chunk):
            part = part_of(experiment, chunk)
            part = table(labels[chunk], part, covariates[chunk], estimation=estimation)
            merged = part if merged is None else merge_tables(merged, part)
    assert_same_table(merged, whole, size)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(experiments())
def test_rows_without_weight_change_nothing_but_counts(world):
    labels, experiment, covariates, size, rng = world
    n_rows = len(labels)
    whole = table(labels, experiment, covariates, estimation="pooled")
    again = np.r_[np.arange(n_rows), rng.integers(0, n_rows, 20)]
    more = take_rows(experiment, again)
    more.sample_weight[n_rows:] = 0.0
    more.outcomes[n_rows:] = 1e3 * size
    padded = table(labels[again], more, covariates[again], estimation="pooled")
    counts = {name: getattr(whole, name).count for name in MOMENTS}
    padded = padded._replace(
        **{name: getattr(padded, name)._replace(count=counts[name]) for name in MOMENTS}
    )
    assert_same_table(padded, whole, size)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(experiments())
def test_whole_weights_are_repeated_rows(world):
    labels, experiment, covariates, size, rng = world
    times = rng.integers(1, 4, len(labels))
    weighted = experiment._replace(sample_weight=times.astype(float))
    again = np.repeat(np.arange(len(labels)), times)
    repeated = take_rows(experiment._replace(sample_weight=np.ones(len(labels))), again)
    one = table(labels, weighted, covariates)
    other = table(labels[again], repeated, covariates[again])
    assert_allclose(one.cells.mean, other.cells.mean, rtol=0, atol=1e-12 * size)
    assert_allclose(one.members.mean, other.members.mean, rtol=0, atol=1e-12 * size)
    assert_allclose(one.cells.scatter, other.cells.scatter, rtol=0, atol=1e-9 * size**2)


def test_float32_covariates_are_summed_in_float64():
    values = np.full((70_000, 1), 0.1, dtype=np.float32)
    experiment = rows(np.zeros(70_000), np.zeros(70_000), np.zeros(70_000))
    cells = table_of_rows(
        np.zeros(70_000, dtype=np.float32), values, experiment, spent=experiment.cost
    )
    assert cells.clusters.dtype == cells.members.mean.dtype == np.float64
    assert_allclose(cells.members.mean[0, 0], np.float64(values[0, 0]), rtol=1e-12)


@pytest.mark.parametrize(
    ("weight", "population", "sizes"),
    [
        ([1, 1, 1], 10, [4, 3, 3]),  # ties go to the first
        ([0, 5, 1], 3, [0, 3, 0]),  # a tie again: quotas 2.5 and 0.5
        ([0.5, 0.3, 0.2], 1, [1, 0, 0]),
        ([2], 0, [0]),
    ],
)
def test_allotted_by_hand(weight, population, sizes):
    assert_array_equal(allotted_sizes(np.array(weight, dtype=float), population), sizes)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40),
    st.integers(0, 10**9),
)
def test_allotted_sizes_keep_to_the_quota(weight, population):
    weight = np.array(weight)
    sizes = allotted_sizes(weight, population)
    assert sizes.sum() == population
    quota = weight / weight.sum() * population
    assert (np.abs(sizes - quota) < 1 + 1e-12 * population).all()
