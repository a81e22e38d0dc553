"""What an allocation is for: the lowest cost of a response, or the largest profit."""

import pickle

import numpy as np
import pytest
from helpers.segment_policies import fitted, segment_experiment
from sklearn.base import clone

from sklearn_hrc.goals import LeastCost, Profit
from sklearn_hrc.rules import MinShare

SMALL_STEP = 1e-9


@pytest.fixture(scope="module")
def experiment():
    return segment_experiment()


@pytest.mark.parametrize("rules", [[], [MinShare(5, 0.2)]])
def test_target_is_reached_at_the_lowest_cost(experiment, rules):
    budgeted = fitted(experiment, rules=rules)
    target = budgeted.expected_response_
    allocator = fitted(experiment, budget=None, goal=LeastCost(target), rules=rules)
    assert allocator.expected_response_ >= target * (1 - SMALL_STEP)
    assert allocator.expected_cost_ <= budgeted.expected_cost_ * (1 + SMALL_STEP)
    assert allocator.budget_ == allocator.expected_cost_
    assert allocator.bound_ == pytest.approx(allocator.expected_cost_)
    assert allocator.shadow_price_ == pytest.approx(budgeted.shadow_price_, rel=0.1)


def test_target_counts_whatever_the_budget_and_the_risk(experiment):
    plain = fitted(experiment, budget=None, goal=LeastCost(0.2))
    for budget, risk in ((0.01, "mean"), (9.0, "robust"), (None, "cvar")):
        other = fitted(experiment, budget=budget, risk=risk, goal=LeastCost(0.2))
        np.testing.assert_array_equal(other.allocation_, plain.allocation_)
        assert other.budget_ == plain.budget_


def test_money_decides_without_a_budget(experiment):
    allocator = fitted(experiment, budget=None, goal=Profit(response_value=30.0))
    worth = 30.0 * allocator.response_ - allocator.cost_
    np.testing.assert_array_equal(allocator.allocation_.argmax(axis=1), worth.argmax(axis=1))
    assert (allocator.allocation_.sum(axis=0) > 0).sum() == 2
    assert allocator.shadow_price_ == 0
    assert allocator.budget_ == allocator.expected_cost_
    within = fitted(experiment, budget=0.1, goal=Profit(30.0))
    assert within.expected_cost_ <= 0.1
    ruled = fitted(experiment, budget=None, goal=Profit(30.0), rules=[MinShare(10, 0.7)])
    assert ruled.allocation_[:, 2].sum() >= 0.7 * ruled.allocation_.sum()


def test_worthless_responses_cost_nothing(experiment):
    allocator = fitted(experiment, budget=None, goal=Profit(0))
    assert allocator.expected_cost_ == 0
    assert not allocator.allocation_[:, 1:].any()


@pytest.mark.parametrize("value", [np.nan, np.inf, "much", None, [1.0]])
def test_goals_that_are_no_numbers(value):
    with pytest.raises(
        ValueError, match=r"^response_value of Profit is expected to be a finite number, got"
    ):
        Profit(value)
    with pytest.raises(
        ValueError, match=r"^target_response of LeastCost is expected to be a finite number, got"
    ):
        LeastCost(value)


def test_a_response_is_not_worth_less_than_nothing():
    with pytest.raises(
        ValueError, match=r"^response_value of Profit is expected not to be negative, got -1\.$"
    ):
        Profit(-1)
    # A response may be below zero itself.
    assert LeastCost(-1.0).target_response == -1.0


@pytest.mark.parametrize("goal", [12.0, "profit", Profit, {"response_value": 12.0}])
def test_what_is_no_goal(experiment, goal):
    with pytest.raises(ValueError, match="^The 'goal' parameter of ClusterBudgetAllocator must be"):
        fitted(experiment, goal=goal)


@pytest.mark.parametrize("goal", [Profit(30.0), LeastCost(0.2)], ids=repr)
def test_a_goal_is_a_value(experiment, goal):
    assert eval(repr(goal)) == goal == pickle.loads(pickle.dumps(goal))
    assert goal not in (Profit(0.2), LeastCost(30.0))
    allocator = fitted(experiment, budget=None, goal=goal)
    assert clone(allocator).goal == goal
    again = pickle.loads(pickle.dumps(allocator))
    allocator.set_budget(0.3)
    np.testing.assert_array_equal(again.set_budget(0.3).allocation_, allocator.allocation_)
    assert again.expected_cost_ <= 0.3
