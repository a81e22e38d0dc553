"""How a budget holds in spite of errors, against covariances, sampling and finite differences."""

import numpy as np
import pytest
from helpers.risks import (
    dense_covariance,
    excess_cases,
    mean_of_worst,
    random_budgets,
    random_errors,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sklearn_hrc._programme.risk import (
    BudgetRisk,
    CostErrors,
    affordable_cost,
    deviation_and_slope,
    risk_factor,
)

thorough = settings(deadline=None, derandomize=True, max_examples=150)
MODES = ("mean", "cvar", "chance", "robust")
seeds = st.integers(0, 2**32 - 1)


@thorough
@given(seeds, st.integers(1, 4), st.integers(1, 4))
def test_deviation_is_that_of_the_dense_covariance(seed, n_clusters, n_arms):
    rng = np.random.default_rng(seed)
    errors = random_errors(rng, n_clusters, n_arms)
    counts, others = rng.integers(0, 9, (2, n_clusters, n_arms)).astype(float)
    deviation, slope = deviation_and_slope(counts, errors)
    flat = counts.ravel()
    expected = np.sqrt(flat @ dense_covariance(errors) @ flat)
    assert deviation == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert np.sum(slope * counts) == pytest.approx(deviation, rel=1e-9, abs=1e-9)
    other, _ = deviation_and_slope(others, errors)
    assert np.sum(slope * others) <= other * (1 + 1e-9) + 1e-9
    assert deviation_and_slope(3 * counts, errors)[0] == pytest.approx(3 * deviation)


@thorough
@given(seeds)
def test_slope_of_the_deviation(seed):
    rng = np.random.default_rng(seed)
    errors = random_errors(rng, 3, 2)
    counts = rng.uniform(1, 5, (3, 2))
    deviation, slope = deviation_and_slope(counts, errors)
    if deviation < 1e-3:
        assert deviation == 0
        return
    for cell in np.ndindex(counts.shape):
        step = np.zeros(counts.shape)
        step[cell] = 1e-5
        ends = [deviation_and_slope(counts + sign * step, errors)[0] for sign in (1, -1)]
        assert slope[cell] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-4)


def test_deviation_by_hand():
    # Two cells of one arm share its level; a factor of opposite signs cancels.
    errors = CostErrors(
        np.array([[0.0, 4.0], [0.0, 9.0]]),
        np.array([0.0, 1.0]),
        np.array([[[0], [1]], [[0], [-1]]]),
    )
    deviation, slope = deviation_and_slope(np.array([[7, 1], [7, 1]]), errors)
    assert deviation == pytest.approx(np.sqrt(4 + 9 + 4))
    np.testing.assert_allclose(slope * deviation, [[0, 6], [0, 11]])
    assert errors.n_shared == 2


def test_no_errors_no_deviation():
    errors = CostErrors(np.zeros((2, 2)), np.zeros(2), np.zeros((2, 2, 0)))
    deviation, slope = deviation_and_slope(np.ones((2, 2)), errors)
    assert deviation == 0
    assert not slope.any()
    assert errors.n_shared == 0


@pytest.mark.parametrize(
    ("risk", "level", "n_shared", "expected"),
    [
        ("mean", 0.9, 3, 0.0),
        ("chance", 0.5, 3, 0.0),
        ("chance", 0.975, 0, 1.959963984540054),
        ("cvar", 0.95, 0, 2.0627128075074257),
        # Of one dimension, the two-sided normal quantile; of two, by hand.
        ("robust", 0.95, 1, 1.959963984540054),
        ("robust", 0.95, 0, 1.959963984540054),
        ("robust", 0.9, 2, np.sqrt(-2 * np.log(0.1))),
    ],
)
def test_factors(risk, level, n_shared, expected):
    assert risk_factor(risk, level, n_shared) == pytest.approx(expected, rel=1e-12)


def test_robust_ellipsoid_holds_the_shared_errors():
    drawn = np.random.default_rng(0).normal(size=(100_000, 4))
    inside = np.sum(drawn**2, axis=1) <= risk_factor("robust", 0.8, 4) ** 2
    assert inside.mean() == pytest.approx(0.8, abs=0.005)


@settings(thorough, max_examples=40)
@given(seeds, st.booleans(), st.sampled_from([0.0, 1e-15, 1e-6, 0.1, 1.0, 30.0]))
def test_affordable_cost_against_all_cases(seed, several, deviation):
    rng = np.random.default_rng(seed)
    budgets, weights = random_budgets(rng, several)
    level = rng.uniform(0.5, 0.99)
    cost, _ = affordable_cost(deviation, "mean", level, budgets, weights, 1)
    assert cost == pytest.approx(budgets @ weights)
    cost, _ = affordable_cost(deviation, "robust", level, budgets, weights, 2)
    reserve = np.sqrt(-2 * np.log(1 - level)) * deviation
    assert cost == pytest.approx(budgets.min() - reserve)
    # The chance: a hair less holds with the probability, a hair more does not.
    cost, _ = affordable_cost(deviation, "chance", level, budgets[:1], np.ones(1), 1)
    hair = 1e-3 * deviation + 1e-9
    for change, holds in ((-hair, True), (hair, False)) if not several else ():
        cases, chances = excess_cases(cost + change, deviation, budgets, weights)
        assert (chances[cases <= 0].sum() >= level - 1e-6) or not holds
        assert (chances[cases <= 0].sum() < level) or holds
    cost, _ = affordable_cost(deviation, "cvar", level, budgets, weights, 1)
    cases, chances = excess_cases(cost, deviation, budgets, weights)
    assert mean_of_worst(cases, chances, 1 - level) == pytest.approx(0, abs=2e-3 * deviation + 1e-9)


@thorough
@given(seeds, st.booleans(), st.sampled_from(MODES))
def test_slope_of_what_is_affordable(seed, several, risk):
    rng = np.random.default_rng(seed)
    budgets, weights = random_budgets(rng, several)
    assume(not (several and risk == "chance"))
    deviation, level = rng.uniform(0.3, 3), rng.uniform(0.5, 0.99)
    rest = risk, level, budgets, weights, 2
    _, slope = affordable_cost(deviation, *rest)
    ends = [affordable_cost(deviation + step, *rest)[0] for step in (1e-5, -1e-5)]
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-5)
    assert slope <= 0


@thorough
@given(seeds, st.booleans(), st.sampled_from(MODES), st.sampled_from([0.0, 1e-9, 0.1, 2.0]))
def test_a_higher_level_affords_less(seed, several, risk, deviation):
    rng = np.random.default_rng(seed)
    budgets, weights = random_budgets(rng, several)
    assume(not (several and risk == "chance"))
    levels = [0.5, 0.6, 0.9, 0.99, 0.9999]
    costs = [affordable_cost(deviation, risk, level, budgets, weights, 1)[0] for level in levels]
    assert np.all(np.diff(costs) <= 1e-9)
    assert risk in ("chance", "mean") or costs[0] <= budgets @ weights + 1e-9


@pytest.mark.parametrize("level", [0.5, 0.75, 0.9, 0.99])
@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e9])
def test_equal_or_impossible_budgets_are_as_good_as_one(level, unit):
    one = affordable_cost(0.7 * unit, "cvar", level, np.array([5.0]) * unit, np.ones(1), 1)
    for budgets, weights in (
        ([5.0, 5.0], [0.5, 0.5]),
        ([5.0, 8.0], [1.0, 0.0]),
        ([5.0, 2.0], [1.0, 0.0]),
        ([5.0, 5.0 + 1e-15], [0.3, 0.7]),
    ):
        several = affordable_cost(
            0.7 * unit, "cvar", level, np.array(budgets) * unit, np.array(weights), 1
        )
        assert several[0] == pytest.approx(one[0], rel=1e-9)
        assert several[1] == pytest.approx(one[1], rel=1e-6)


@pytest.mark.parametrize(
    ("risk", "level", "expected"),
    [
        ("cvar", 0.9, 1.0),
        ("cvar", 0.5, (0.25 * 1 + 0.25 * 2) / 0.5),
        ("robust", 0.5, 1.0),
        ("mean", 0.5, 0.25 * 1 + 0.5 * 2 + 0.25 * 4),
    ],
)
@pytest.mark.parametrize("deviation", [0.0, 1e-14, 1e-9])
def test_uncertain_budget_without_errors(risk, level, expected, deviation):
    budgets, weights = np.array([4.0, 1.0, 2.0]), np.array([0.25, 0.25, 0.5])
    cost, slope = affordable_cost(deviation, risk, level, budgets, weights, 1)
    assert cost == pytest.approx(expected, abs=1e-7)
    assert np.isfinite(slope)


def random_risk(rng, risk, several):
    shape = 3, 3
    sizes = rng.integers(0, 6, 3)
    sizes[0] += not sizes.sum()
    budgets, weights = random_budgets(rng, several)
    level = rng.uniform(0.5, 0.99)
    cost, errors = 5 + 3 * rng.normal(size=shape), random_errors(rng, *shape)
    return BudgetRisk(cost, errors, sizes, risk, level, budgets, weights)


def random_counts(rng, sizes, n_arms):
    """Allocations of whole and of divided individuals."""
    shares = rng.dirichlet(np.full(n_arms, 0.3), len(sizes))
    if rng.integers(2):
        return np.array([rng.multinomial(size, share) for size, share in zip(sizes, shares)])
    return sizes[:, None] * shares


@thorough
@given(seeds, st.booleans(), st.sampled_from(MODES))
def test_cuts(seed, several, risk):
    """What is demanded holds wherever the budget does, and cuts off what breaks it."""
    rng = np.random.default_rng(seed)
    rule = random_risk(rng, risk, several and risk != "chance")
    points = [random_counts(rng, rule.sizes, 3) for _ in range(25)]
    cuts = [rule.cut(counts) for counts in points]
    population = rule.sizes.sum()
    for counts, (excess, coefficients, limit) in zip(points, cuts):
        deviation, _ = deviation_and_slope(counts, rule.errors)
        affordable, _ = affordable_cost(deviation / population, *rule[3:], rule.errors.n_shared)
        assert excess == pytest.approx(np.sum(counts * rule.cost) - population * affordable)
        assert np.sum(coefficients * counts) - limit == pytest.approx(excess, abs=1e-8)
        for others, (kept, _, _) in zip(points, cuts):
            if kept <= 0:
                assert np.sum(coefficients * others) <= limit + 1e-8


def test_allowed_is_the_cheapest():
    rule = random_risk(np.random.default_rng(0), "cvar", False)
    np.testing.assert_array_equal(rule.allowed.sum(axis=1), rule.sizes)
    assert np.sum(rule.allowed * rule.cost) == pytest.approx(rule.sizes @ rule.cost.min(axis=1))
