"""Linear constraints on counts, and what demands them, in exact arithmetic and by hand."""

from fractions import Fraction

import numpy as np
import pytest
from helpers.rule_settings import assert_same, worlds
from hypothesis import given, settings

from sklearn_hrc._programme.constraints import (
    are_kept,
    at_least,
    at_most,
    dense_constraint,
    join_constraints,
    monotone,
    no_constraints,
    scale_constraints,
)

thorough = settings(deadline=None, derandomize=True, max_examples=60)


@thorough
@given(worlds())
def test_a_limit_that_an_allocation_just_keeps(world):
    _, cost, sizes, every, _, rng = world
    n = int(sizes.sum())
    one = every[rng.integers(len(every))]
    # In exact terms, what an allocation costs is within a budget of just that.
    budget = Fraction(int(np.sum(one * cost)), n)
    most = at_most("budget", float(budget), cost, n)
    assert (most.name, most.value, most.easier, most.per_unit) == ("budget", float(budget), 1, n)
    assert_same(most, every, lambda counts: np.sum(counts * cost) <= budget * n)
    least = at_least("response", float(budget), cost, n)
    assert (least.name, least.value, least.easier) == ("response", float(budget), -1)
    assert_same(least, every, lambda counts: np.sum(counts * cost) >= budget * n)
    total = at_most("total", np.sum(one * cost), cost, 1)
    assert_same(total, every, lambda counts: np.sum(counts * cost) <= budget * n)


def test_limits_by_hand():
    ones = np.ones((1, 2))
    for whole, limits in ((False, (3.5, -3.5)), (True, (3, -4))):
        most, least = (demand("n", 0.35, ones, 10, whole=whole) for demand in (at_most, at_least))
        assert (most.constraints.limit[0], least.constraints.limit[0]) == pytest.approx(limits)
        assert most.constraints.whole[0] == least.constraints.whole[0] == whole
        assert most.constraints.matrix.toarray().tolist() == [[1, 1]]
        assert least.constraints.matrix.toarray().tolist() == [[-1, -1]]


def test_rounding_of_sums_is_no_breach():
    cost = np.full((10, 2), 0.1)
    counts = np.tile([1, 0], (10, 1))
    # Ten times 0.1 and one are not the same number in every order of the sum.
    assert are_kept(counts, dense_constraint(cost, 1.0)).all()
    assert are_kept(counts, dense_constraint(-cost, -1.0)).all()
    assert are_kept(counts, dense_constraint(cost, 1.0 - 0.9e-12)).all()
    assert not are_kept(counts, dense_constraint(cost, 1.0 - 1.1e-12)).any()


def test_each_constraint_is_told_alone():
    counts = np.array([[2, 1], [0, 4]])
    first, second = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    parts = [
        dense_constraint(first, 2),
        no_constraints(4),
        dense_constraint(second, 4, whole=True),
        dense_constraint(second, 5),
    ]
    joined = join_constraints(parts)
    assert are_kept(counts, joined).tolist() == [True, False, True]
    assert joined.limit.tolist() == [2, 4, 5]
    assert joined.whole.tolist() == [False, True, False]
    assert are_kept(counts, no_constraints(4)).all()


def test_steps_along_clusters_by_hand():
    # Of clusters of 2, 0 and 6, only the first and the last have anybody.
    constraints = monotone([0, 1, 2], np.array([2, 0, 6]), 3)
    assert constraints.matrix.toarray().tolist() == [
        [0, 3, 3, 0, 0, 0, 0, -1, -1],
        [0, 0, 3, 0, 0, 0, 0, 0, -1],
    ]
    assert constraints.limit.tolist() == [0, 0]
    assert constraints.whole.tolist() == [True, True]
    fractions = monotone([1, 0], np.array([1.5, 3.0]), 2)
    assert fractions.matrix.toarray().tolist() == [[0, -1, 0, 0.5]]
    assert not fractions.whole.any()
    for places in ([], [1], [1, 2]):
        assert monotone(places, np.array([2, 3, 0]), 3).matrix.shape == (0, 9)


def test_constraints_of_any_scale():
    matrix, scale = scale_constraints(
        join_constraints(
            [dense_constraint([[4.0, -8.0]], 1), dense_constraint([[0.0, 0.0]], 1)]
        ).matrix
    )
    assert matrix.toarray().tolist() == [[0.5, -1], [0, 0]]
    assert scale.tolist() == [8, 1]
