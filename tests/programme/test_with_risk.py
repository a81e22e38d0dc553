"""Programmes whose budget must hold in spite of errors, against enumeration and fresh draws."""

import numpy as np
import pytest
from helpers.programmes import all_allocations, random_programme
from helpers.risks import dense_covariance, excess_cases, mean_of_worst, random_errors
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_hrc._programme.constraints import (
    are_kept,
    dense_constraint,
    join_constraints,
    no_constraints,
)
from sklearn_hrc._programme.relaxation import Infeasible, relieve
from sklearn_hrc._programme.risk import BudgetRisk, CostErrors, risk_factor
from sklearn_hrc._programme.with_constraints import solve_constrained
from sklearn_hrc._programme.with_risk import solve_convex

thorough = settings(deadline=None, derandomize=True, max_examples=60)
RISKS = ("chance", "cvar", "robust")


@st.composite
def risky_programmes(draw):
    """Small programmes with up to two rows, and a budget that may be out of reach."""
    split = draw(st.booleans())
    n_clusters, n_arms = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = rng.integers(0, 5 if split else 200, n_clusters)
    sizes[0] += not sizes.sum()
    shape = n_clusters, n_arms
    value, cost = rng.normal(size=shape), np.sort(rng.gamma(2, 1, shape), axis=1)
    errors = random_errors(rng, *shape)
    # Small errors, some of which are none.
    scale = draw(st.sampled_from([0.0, 1e-6, 0.1, 1.0]))
    errors = CostErrors(errors.own * scale**2, errors.level * scale, errors.factors * scale)
    every = all_allocations(sizes, n_arms, split)
    rows = []
    for _ in range(draw(st.integers(0, 2))):
        coefficients = rng.normal(size=shape)
        totals = (every * coefficients).sum(axis=(1, 2))
        rows.append(dense_constraint(coefficients, rng.choice(totals)))
    rows = join_constraints(rows) if rows else no_constraints(value.size)
    risk, level = draw(st.sampled_from(RISKS)), draw(st.sampled_from([0.5, 0.7, 0.9, 0.99]))
    low, high = np.sum(sizes * cost.min(axis=1)), np.sum(sizes * cost.max(axis=1))
    budget = (low + rng.uniform(-0.1, 1.1) * (high - low)) / sizes.sum()
    if draw(st.booleans()) and risk != "chance":
        budgets = budget * rng.uniform(0.8, 1.2, 3)
        weights = rng.dirichlet(np.ones(3))
    else:
        budgets, weights = np.array([budget]), np.ones(1)
    rule = BudgetRisk(cost, errors, sizes, risk, level, budgets, weights)
    return value, sizes, rows, rule, split


def excesses(rule, every):
    """By how much the mean cost of each allocation is too large, from dense covariances."""
    flat, population = every.reshape(len(every), rule.cost.size), rule.sizes.sum()
    variance = np.einsum("ai,ij,aj->a", flat, dense_covariance(rule.errors), flat)
    deviation = np.sqrt(np.maximum(variance, 0.0))
    mean = flat @ rule.cost.ravel()
    if rule.risk == "robust" or len(rule.budgets) == 1:
        factor = risk_factor(rule.risk, rule.level, rule.errors.n_shared)
        return mean + factor * deviation - population * rule.budgets.min()
    totals = []
    for one, spread in zip(mean, deviation):
        cases = excess_cases(one, spread, population * rule.budgets, rule.weights, 401)
        totals.append(mean_of_worst(*cases, 1 - rule.level))
    return np.array(totals)


@thorough
@given(risky_programmes())
def test_optimum_of_small_programmes(programme):
    value, sizes, rows, rule, split = programme
    every = all_allocations(sizes, value.shape[1], split)
    totals = every.reshape(len(every), -1) @ rows.matrix.toarray().T
    in_rows = (totals <= rows.limit).all(axis=1)
    # Sampling of several budgets is exact to this only.
    doubt = 1e-9 if len(rule.budgets) == 1 or rule.risk == "robust" else 3e-3
    moved = (every * np.abs(rule.cost)).sum(axis=(1, 2))
    excess = np.full(len(every), np.inf)
    excess[in_rows] = excesses(rule, every[in_rows])
    worth = (every * value).sum(axis=(1, 2))
    surely = excess <= -doubt * moved
    try:
        solution = solve_convex(value, sizes, rows, rule, split_clusters=split)
    except Infeasible as error:
        wrong = error.reason == "time" or surely.any()
        assert not wrong
        return
    counts = solution.counts
    np.testing.assert_array_equal(counts.sum(axis=1), sizes)
    assert split or np.isin(counts, [0, *sizes]).all()
    assert are_kept(counts, rows).all()
    broken, coefficients, _ = rule.cut(counts)
    assert broken <= 1e-9 * np.abs(coefficients * counts).sum()
    assert excesses(rule, counts[None])[0] <= doubt * (1 + np.abs(coefficients * counts).sum())
    assert solution.value == pytest.approx(np.sum(counts * value), rel=1e-9, abs=1e-9)
    assert solution.proven
    assert solution.convex_price >= 0
    stake = sizes @ np.ptp(value, axis=1)
    if surely.any():
        assert solution.value >= worth[surely].max() - 1.001e-5 * stake
        assert solution.bound >= worth[surely].max() - 1.001e-5 * stake


def business(seed=0, n_individuals=30_000):
    """64 clusters, four dear arms and a control that costs nothing for sure."""
    value, cost, sizes = random_programme(seed, 64, 5, n_individuals)
    rng = np.random.default_rng(seed + 100)
    cost[:, 0] = 0.0
    own = (0.1 * cost) ** 2 * rng.gamma(1, 1, cost.shape)
    factors = 0.05 * cost[:, :, None] * rng.normal(size=(*cost.shape, 2))
    errors = CostErrors(own, np.array([0.0, 0.1, 0.2, 0.3, 0.4]), factors)
    return value, cost, sizes, errors


def plan(risk, level, budgets=(1.0,), weights=(1.0,)):
    value, cost, sizes, errors = business()
    rule = BudgetRisk(cost, errors, sizes, risk, level, np.array(budgets), np.array(weights))
    return solve_convex(value, sizes, no_constraints(value.size), rule), rule


def test_answer_moves_smoothly_with_the_level():
    levels = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.995, 0.999]
    plans = [plan("chance", level) for level in levels]
    cost = np.array([np.sum(found.counts * rule.cost) for found, rule in plans]) / 30_000
    value = np.array([found.value for found, _ in plans])
    assert cost[0] == pytest.approx(1.0, abs=1e-3)
    assert np.all(np.diff(cost) <= 1e-4)
    assert np.all(np.diff(value) <= 0)
    assert cost[-1] > 0.5
    # A reserve in proportion to the factor, not a jump to control for all.
    factors = [risk_factor("chance", level, 0) for level in levels]
    slope = np.diff(cost) / np.diff(factors)
    assert slope.min() > -0.2
    assert all(found.proven for found, _ in plans)


def test_level_of_a_half_is_the_budget_in_expectation():
    found, rule = plan("chance", 0.5)
    value, cost, sizes, _ = business()
    expected = solve_constrained(value, sizes, dense_constraint(cost, 30_000.0))
    assert found.value == pytest.approx(expected.value, abs=1e-5 * (sizes @ np.ptp(value, axis=1)))
    assert found.convex_price == pytest.approx(expected.price[0], rel=0.02)
    assert rule.cut(found.counts)[0] <= 1e-9 * 30_000


def fresh_costs(counts, cost, errors, n_draws=20_000):
    """Total cost with errors drawn part by part."""
    rng = np.random.default_rng(7)
    own = rng.normal(size=(n_draws, counts.size)) @ (np.sqrt(errors.own) * counts).ravel()
    level = rng.normal(size=(n_draws, len(errors.level))) @ (errors.level * counts.sum(axis=0))
    loading = (errors.factors * counts[:, :, None]).sum(axis=(0, 1))
    return np.sum(counts * cost) + own + level + rng.normal(size=(n_draws, 2)) @ loading


def test_budget_holds_out_of_sample():
    found, rule = plan("chance", 0.9)
    total = fresh_costs(found.counts, rule.cost, rule.errors)
    assert np.mean(total <= 30_000) == pytest.approx(0.9, abs=0.01)
    found, rule = plan("cvar", 0.9)
    total = np.sort(fresh_costs(found.counts, rule.cost, rule.errors))
    assert total[-2000:].mean() == pytest.approx(30_000, rel=0.005)
    found, rule = plan("robust", 0.9)
    held = np.mean(fresh_costs(found.counts, rule.cost, rule.errors) <= 30_000)
    # Three standard deviations, with six shared errors: far more than promised.
    assert held > 0.995


def test_uncertain_budget_holds_out_of_sample():
    budgets, weights = np.array([0.8, 1.0, 1.3]), np.array([0.2, 0.5, 0.3])
    drawn = 30_000 * np.random.default_rng(3).choice(budgets, 20_000, p=weights)
    found, rule = plan("cvar", 0.9, budgets, weights)
    beyond = np.sort(fresh_costs(found.counts, rule.cost, rule.errors) - drawn)
    assert beyond[-2000:].mean() == pytest.approx(0, abs=0.005 * 30_000)


def test_by_hand():
    # Sure and unsure arm of equal value: 1.2816 standard deviations of 0.5 each are kept back.
    errors = CostErrors(np.zeros((1, 3)), np.array([0.0, 0.0, 0.5]), np.zeros((1, 3, 0)))
    cost, value = np.array([[0.0, 1.0, 0.9]]), np.array([[0.0, 1.0, 1.01]])
    sizes = np.array([100])
    rule = BudgetRisk(cost, errors, sizes, "chance", 0.9, np.array([0.5]), np.ones(1))
    solution = solve_convex(value, sizes, no_constraints(3), rule)
    assert solution.counts.tolist() == [[50, 50, 0]]
    # Without errors, as many as the money reaches.
    sure = rule._replace(errors=errors._replace(level=np.zeros(3)))
    assert solve_convex(value, sizes, no_constraints(3), sure).counts.tolist() == [[45, 0, 55]]


@pytest.mark.slow
def test_figure_of_a_conflict():
    """The cuts say by how much the budget misses, from an independent programme."""
    value, cost, sizes, errors = business(n_individuals=2000)
    rule = BudgetRisk(cost + 1, errors, sizes, "chance", 0.9, np.array([0.9]), np.ones(1))
    rows = dense_constraint(-np.eye(5)[[4]].repeat(64, axis=0), -1000.0)
    with pytest.raises(Infeasible) as error:
        solve_convex(value, sizes, rows, rule)
    relief, counts = relieve(sizes, join_constraints(error.value.cuts), rows)
    assert rule.cut(counts)[0] / 2000 == pytest.approx(relief, rel=1e-4)
    enough = rule._replace(budgets=rule.budgets + relief * (1 + 1e-3))
    assert rule.cut(solve_convex(value, sizes, rows, enough).counts)[0] / 2000 >= relief * 0.9999


def test_no_allocation():
    value, cost, sizes, errors = business()
    rule = BudgetRisk(cost + 1, errors, sizes, "cvar", 0.9, np.array([0.9]), np.ones(1))
    with pytest.raises(Infeasible) as error:
        solve_convex(value, sizes, no_constraints(value.size), rule)
    assert error.value.reason == "fractions"
    assert error.value.cuts
