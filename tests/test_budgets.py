"""Budgets that are not known yet: one allocation for all of them, in the way of the risk."""

import pickle

import numpy as np
import pytest
from helpers.segment_policies import fitted, segment_experiment
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.exceptions import BudgetError
from sklearn_hrc.rules import MinShare

pytestmark = pytest.mark.filterwarnings("ignore:budget .* does not bind")
RISKS = ["mean", "chance", "cvar", "robust"]


@pytest.fixture(scope="module")
def experiment():
    return segment_experiment()


def test_several_budgets(experiment):
    budget = UncertainBudget([0.3, 0.6, 0.9], weights=[1, 2, 1])
    assert budget.mean == pytest.approx(0.6)
    now, single = fitted(experiment, budget), fitted(experiment, 0.6)
    np.testing.assert_array_equal(now.allocation_, single.allocation_)
    assert now.budget_ == pytest.approx(0.6)
    sure = fitted(experiment, budget, risk="robust", risk_level=0.5)
    assert sure.expected_cost_ < 0.3
    uneven = fitted(experiment, UncertainBudget([0.3, 0.9], weights=[3, 1]))
    np.testing.assert_array_equal(uneven.allocation_, fitted(experiment, 0.45).allocation_)
    assert uneven.budget_ == pytest.approx(0.45)


@pytest.mark.parametrize("risk", RISKS)
def test_set_budget_takes_several(experiment, risk):
    budget = UncertainBudget([0.4, 0.6], weights=[1, 3])
    allocator = fitted(experiment, 0.2, risk=risk)
    at_once = fitted(experiment, budget, risk=risk)
    np.testing.assert_array_equal(allocator.set_budget(budget).allocation_, at_once.allocation_)
    assert allocator.budget == 0.2
    assert allocator.budget_ == at_once.budget_ == pytest.approx(0.55)
    assert allocator.explain_budget().equals(at_once.explain_budget())
    known = allocator.set_budget(0.4)
    np.testing.assert_array_equal(known.allocation_, fitted(experiment, 0.4, risk=risk).allocation_)


def test_what_a_plan_with_a_chance_spends_is_explained(experiment):
    """It is made for one of the budgets: a step is one from what it spends."""
    moves = fitted(experiment, UncertainBudget([0.3, 0.6]), risk="chance").explain_budget(step=0.02)
    assert set(moves.step) == {"last", "next"}
    for _, side in moves.groupby("step"):
        assert side.cost.sum() / 6000 == pytest.approx(0.02, rel=1e-6)


def test_one_budget_is_that_budget(experiment):
    for risk in RISKS:
        one = fitted(experiment, UncertainBudget([0.5]), risk=risk)
        np.testing.assert_array_equal(
            one.allocation_, fitted(experiment, 0.5, risk=risk).allocation_
        )


def test_known_prices_need_no_reserve(experiment):
    X, y, rows = experiment
    prices = {0: 0.0, 5: 5.0, 10: 10.0}

    def spent(budget, **parameters):
        parameters |= {"population": len(X), "random_state": 0}
        allocator = ClusterBudgetAllocator(budget, arm_cost=prices, **parameters)
        return allocator.fit(X, y, **rows).expected_cost_

    # A budget of 2 or more is there with probability 9 / 10.
    budgets = UncertainBudget(list(range(1, 11)))
    assert spent(budgets, risk="chance") == pytest.approx(2.0)
    even = UncertainBudget([2, 3])
    assert spent(even, risk="chance", risk_level=0.5) == pytest.approx(3.0)
    assert spent(2, risk="robust") == pytest.approx(2.0)
    # A budget without a probability counts for nothing.
    assert spent(UncertainBudget([1, 3], weights=[0, 1]), risk="robust") == pytest.approx(3.0)


def test_a_single_plan_that_holds_is_found(experiment):
    rules = [MinShare(10, 1.0)]
    curve = fitted(experiment, budget=99.0, rules=rules).budget_curve([99.0])
    cost, error = curve.cost[0], curve.cost_se[0]
    # Its only allocation is within the budget with probability 0.894.
    budget = UncertainBudget([cost + 0.8 * error, cost + 5 * error])
    allocator = fitted(experiment, budget, risk="chance", risk_level=0.85, rules=rules)
    assert allocator.expected_cost_ == pytest.approx(cost)


def test_a_budget_that_cannot_be_changes_nothing(experiment):
    allocator = fitted(experiment)
    before = dict(vars(allocator))
    with pytest.raises(BudgetError, match="budget is expected to be at least"):
        allocator.set_budget(UncertainBudget([-0.5, 0.1]))
    with pytest.raises(ValueError, match="budget is expected to be a finite number"):
        allocator.set_budget([0.3, 0.6])
    assert vars(allocator) == before


def test_the_student_takes_the_budget_of_its_teacher(experiment):
    X, y, rows = experiment
    budget = UncertainBudget([0.2, 0.4])
    teacher = make_pipeline(ClusterBudgetAllocator(budget, estimation="raw", random_state=0))
    features = np.column_stack([X, X + np.random.default_rng(1).normal(0, 0.05, X.shape)])
    served = DistilledAllocator(teacher, random_state=0).fit(features, y, **rows)
    assert served.allocator_.budget_ == pytest.approx(0.3)
    served.set_budget(UncertainBudget([0.1, 0.2]))
    assert served.allocator_.budget_ == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "a list of finite numbers, got"),
        (0.5, "a list of finite numbers, got"),
        ([[0.5, 0.6]], "a list of finite numbers, got"),
        ([0.5, np.nan], "finite, got NaN or infinity"),
        ([0.5, np.inf], "finite, got NaN or infinity"),
        (["0.5"], "numeric, got"),
        (None, "numeric, got"),
        ([0.5, None], "numeric, got"),
    ],
)
def test_values_that_are_no_budgets(values, message):
    with pytest.raises(ValueError, match=f"^values of UncertainBudget is expected to be {message}"):
        UncertainBudget(values)


@pytest.mark.parametrize(
    "weights", [[1], [1, 1, 1], [1, -1], [0, 0], 1.0, [[1, 1]], [1, np.nan], ["a", "b"], []]
)
def test_weights_that_are_no_probabilities(weights):
    with pytest.raises(ValueError, match=r"^weights of UncertainBudget is expected to "):
        UncertainBudget([0.5, 0.6], weights)


def test_weights_that_overflow():
    with pytest.raises(ValueError, match="weights of UncertainBudget .* a finite sum"):
        UncertainBudget([0.5, 1], weights=[1e308, 1e308])


def test_probabilities_sum_to_one():
    values, weights = UncertainBudget(np.array([1, 2, 5]), weights=(2, 1, 1)).resolve()
    assert (values.tolist(), weights.tolist()) == ([1, 2, 5], [0.5, 0.25, 0.25])
    values, weights = UncertainBudget((1, 2)).resolve()
    assert (values.tolist(), weights.tolist()) == ([1, 2], [0.5, 0.5])
    assert UncertainBudget([1, 2, 5], [2, 1, 1]).mean == 2.25


def test_a_budget_is_a_value(experiment):
    budget = UncertainBudget([0.3, 0.6], weights=[1, 3])
    assert repr(budget) == "UncertainBudget(values=(0.3, 0.6), weights=(1.0, 3.0))"
    assert eval(repr(budget)) == budget == pickle.loads(pickle.dumps(budget))
    assert budget == UncertainBudget(np.array([0.3, 0.6]), weights=(1, 3))
    assert budget not in (UncertainBudget([0.3, 0.6]), UncertainBudget([0.3, 0.5], [1, 3]))
    allocator = fitted(experiment, budget)
    assert clone(allocator).budget == budget
    assert pickle.loads(pickle.dumps(allocator)).set_budget(budget).budget_ == budget.mean
