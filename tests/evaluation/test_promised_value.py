"""Promises of plans, corrected for the plan having been chosen."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc._cells.error_draws import draw_errors
from sklearn_hrc._cells.estimates import CellEstimates
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.evaluation import promised_value
from sklearn_hrc.evaluation._promised_value import COST_ERRORS, LUCK
from sklearn_hrc.exceptions import BudgetError
from sklearn_hrc.goals import LeastCost, Profit
from sklearn_hrc.rules import MaxShare


def make_rows(seed, n=4000, effect=0.0):
    rng = np.random.default_rng(seed)
    segment, mail = rng.integers(0, 20, n), rng.integers(0, 2, n)
    visits = rng.normal(1.0, 1.0, n) + effect * mail
    return segment[:, None], visits, mail, mail * rng.gamma(2.0, 0.5, n)


def fitted(seed=0, budget=0.3, **parameters):
    X, y, mail, cost = make_rows(seed)
    policy = ClusterBudgetAllocator(budget, estimation="raw", random_state=0, **parameters)
    return policy.fit(X, y, treatment=mail, cost=cost)


def test_errors_are_drawn_with_the_covariance_that_estimates_say():
    rng = np.random.RandomState(0)
    half = rng.normal(size=(2, 2, 2, 2))
    own = half @ half.swapaxes(-1, -2)
    shared = np.array([np.diag([0.5, 0.0]), np.diag([0.0, 2.0])])
    estimates = CellEstimates(np.zeros((2, 2, 2)), shared, own, rng.normal(size=(2, 2, 2, 3)))
    draws = np.array([draw_errors(estimates, rng) for _ in range(8_000)])
    share = np.array([[0.1, 0.4], [0.3, 0.2]])
    totals = np.einsum("kj,nkja->na", share, draws)
    np.testing.assert_allclose(totals.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(np.cov(totals.T), estimates.total_covariance(share), rtol=0.1)


def test_of_one_arm_for_all_nothing_was_chosen():
    X, y, *_ = make_rows(0)
    policy = ClusterBudgetAllocator(estimation="raw", random_state=0)
    with pytest.warns(UserWarning, match="one arm"):
        policy.fit(X, y)
    value = promised_value(policy, n_draws=400, random_state=0)
    error = policy.budget_curve([0.0]).response_se[0]
    assert value.planned_response == pytest.approx(policy.expected_response_)
    assert value.response == pytest.approx(value.planned_response, abs=LUCK * error)
    half = (value.response_interval[1] - value.response_interval[0]) / 2
    assert half == pytest.approx(1.645 * error, rel=0.15)


def test_luck_by_hand():
    # One segment, two arms that are paid for by nobody: the better one is chosen. The luck of the
    # larger of two means with errors e that are alike is e / sqrt(pi).
    _, y, mail, _ = make_rows(0)
    policy = ClusterBudgetAllocator(estimation="raw", arm_cost=[0, 0], random_state=0)
    y = y - np.where(mail == 1, y[mail == 1].mean(), y[mail == 0].mean())
    policy.fit(np.zeros((len(y), 1)), y, treatment=mail)
    value = promised_value(policy, n_draws=1500, random_state=0)
    error = policy.response_se_.mean()
    expected = LUCK * error / np.sqrt(np.pi)
    assert value.planned_response - value.response == pytest.approx(expected, rel=0.15)


def test_what_is_promised_is_nearer_the_truth_where_nothing_works():
    off = []
    for seed in range(8):
        value = promised_value(fitted(seed), n_draws=100, random_state=0)
        off.append([value.planned_response - 1, value.response - 1])
    planned, corrected = np.mean(off, axis=0)
    assert planned > 0.02
    assert abs(corrected) < planned


def test_costs_are_not_corrected_and_have_the_larger_interval():
    policy = fitted()
    value = promised_value(policy, n_draws=400, random_state=0)
    assert value.cost == value.planned_cost == pytest.approx(0.3)
    low, high = value.cost_interval
    error = policy.budget_curve([0.3]).cost_se[0]
    # Choosing changes the spread of the errors a little.
    assert (high - low) / 2 == pytest.approx(1.645 * COST_ERRORS * error, rel=0.3)


def test_a_budget_may_be_given_and_leaves_the_policy_alone():
    policy = fitted()
    value = promised_value(policy, budget=0.1, n_draws=50, random_state=0)
    assert value.planned_cost == pytest.approx(0.1)
    assert policy.budget_ == 0.3
    again = promised_value(policy.set_budget(0.1), n_draws=50, random_state=0)
    assert again == value


@pytest.mark.parametrize(
    "parameters",
    [
        {"rules": [MaxShare(1, 0.2)]},
        {"goal": Profit(50.0)},
        {"goal": LeastCost(1.0), "budget": None},
        {"goal": Profit(2.0), "budget": None},
        {"risk": "cvar"},
        {"split_clusters": False},
        {"budget": UncertainBudget([0.2, 0.4])},
    ],
    ids=lambda parameters: ", ".join(parameters),
)
def test_plans_of_all_kinds(parameters):
    policy = fitted(**parameters)
    value = promised_value(policy, n_draws=20, random_state=0)
    assert value.planned_response == pytest.approx(policy.expected_response_)
    assert value.planned_cost == pytest.approx(policy.expected_cost_)
    if "goal" not in parameters:
        assert value.response < value.planned_response
    assert value.response_interval[0] < value.response < value.response_interval[1]


def test_draws_without_a_plan_do_not_count():
    # What everybody costs at least is uncertain itself, and the budget is just that.
    X, y, mail, cost = make_rows(0)
    policy = ClusterBudgetAllocator(estimation="raw", random_state=0)
    policy.fit(X, y, treatment=mail, cost=cost + 1)
    least = policy.budget_path().budget[0]
    value = promised_value(policy, budget=least, n_draws=100, random_state=0)
    assert value.planned_cost == pytest.approx(least)
    with pytest.raises(BudgetError, match="^budget is expected to be at least"):
        promised_value(policy, budget=least / 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"confidence": 1.0}, r"^confidence is expected to be in \(0, 1\), got 1.0"),
        ({"n_draws": 5}, "^n_draws is expected to be a whole number of at least 20, got 5"),
        ({"budget": "much"}, "^budget is expected to be a finite number"),
        ({"policy": StandardScaler()}, "^policy is expected to end in a policy of clusters"),
    ],
)
def test_refuses(given, message):
    with pytest.raises(ValueError, match=message):
        promised_value(given.pop("policy", None) or fitted(), **given)
