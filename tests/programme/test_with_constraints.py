"""Programmes under several rules, against enumeration and another solver."""

import numpy as np
import pytest
from helpers.programmes import all_allocations, between, random_programme
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_hrc._programme.constraints import (
    are_kept,
    dense_constraint,
    join_constraints,
    no_constraints,
)
from sklearn_hrc._programme.one_budget import solve
from sklearn_hrc._programme.relaxation import Infeasible, relax
from sklearn_hrc._programme.with_constraints import solve_constrained

thorough = settings(deadline=None, derandomize=True, max_examples=300)


@st.composite
def rule_programmes(draw):
    """Small programmes with up to four rows, some of them knife edges of an allocation."""
    split = draw(st.booleans())
    n_clusters, n_arms = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    most = 4 if split else 200
    sizes = draw(st.lists(st.integers(0, most), min_size=n_clusters, max_size=n_clusters))
    sizes = np.array(sizes)
    sizes[0] += not sizes.sum()
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = n_clusters, n_arms
    whole = draw(st.booleans())

    def numbers():
        return rng.integers(-3, 8, shape).astype(float) if whole else rng.normal(size=shape)

    every = all_allocations(sizes, n_arms, split)
    rows = []
    for _ in range(draw(st.integers(0, 4))):
        coefficients = numbers()
        totals = (every * coefficients).sum(axis=(1, 2))
        kind = draw(st.sampled_from(["anywhere", "edge", "below"]))
        limit = rng.choice(totals) if kind != "anywhere" else rng.uniform(*np.sort(totals)[[0, -1]])
        if kind == "below":
            limit -= draw(st.sampled_from([1e-9, 1e-6, 1e-4, 1e-2]))
        rows.append(dense_constraint(coefficients, limit, whole=whole))
    rows = join_constraints(rows) if rows else no_constraints(every[0].size)
    return numbers(), sizes, rows, split


@thorough
@given(rule_programmes())
def test_optimum_of_small_programmes(programme):
    value, sizes, rows, split = programme
    every = all_allocations(sizes, value.shape[1], split)
    totals = every.reshape(len(every), -1) @ rows.matrix.toarray().T
    moved = np.abs(every.reshape(len(every), 1, -1) * rows.matrix.toarray()).sum(axis=-1)
    inside, outside = (
        (totals <= rows.limit + tolerance * moved).all(axis=1) for tolerance in (0.0, 3e-12)
    )
    worth = (every * value).sum(axis=(1, 2))
    try:
        solution = solve_constrained(value, sizes, rows, split_clusters=split)
    except Infeasible:
        assert not inside.any()
        return
    np.testing.assert_array_equal(solution.counts.sum(axis=1), sizes)
    assert solution.counts.dtype == np.int64
    assert split or np.isin(solution.counts, [0, *sizes]).all()
    assert are_kept(solution.counts, rows).all()
    assert solution.value == pytest.approx(np.sum(solution.counts * value), rel=1e-12, abs=1e-12)
    stake = sizes @ np.ptp(value, axis=1)
    assert outside.any()
    assert solution.value <= worth[outside].max() + 1e-9
    if inside.any():
        assert solution.bound >= worth[inside].max() - 1e-9 * (1 + stake)
        if solution.proven:
            assert solution.value >= worth[inside].max() - 1e-6 * stake


@pytest.mark.parametrize("split", [True, False])
def test_one_budget_row_is_the_budget_programme(split):
    response, cost, sizes = random_programme(3, 60, 5, 3000)
    budget = between(cost, sizes, 0.3)
    expected = solve(response, cost, sizes, budget, split_clusters=split)
    solution = solve_constrained(
        response, sizes, dense_constraint(cost, budget * 3000), split_clusters=split
    )
    assert solution.proven
    assert solution.value == pytest.approx(expected.response, rel=1e-7)
    assert solution.price[0] == pytest.approx(expected.shadow_price, rel=1e-6)


def test_relaxation_reports_what_cannot_be():
    with pytest.raises(Infeasible) as error:
        relax(np.zeros((2, 2)), np.array([3, 4]), dense_constraint(np.ones((2, 2)), 6.0))
    assert error.value.reason == "fractions"
    # Half an individual would do.
    rows = join_constraints(
        [dense_constraint([[1.0, 0.0]], 0.5), dense_constraint([[-1.0, 0.0]], -0.5)]
    )
    with pytest.raises(Infeasible) as error:
        solve_constrained(np.zeros((1, 2)), np.array([3]), rows)
    assert error.value.reason == "whole"
