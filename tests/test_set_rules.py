"""Other rules for an allocator that is fitted: the plan of a fit with them, or no change at all."""

import numpy as np
import pytest
from helpers.segment_policies import fitted, segment_experiment
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.exceptions import RuleConflictError
from sklearn_hrc.goals import LeastCost, Profit
from sklearn_hrc.rules import Forbid, MaxIndividuals, MaxShare, MinShare, Monotone

PLAN = ("allocation_", "budget_", "expected_response_", "expected_cost_", "shadow_price_", "bound_")


@pytest.fixture(scope="module")
def experiment():
    return segment_experiment()


def assert_same_plan(one, other):
    for name in PLAN:
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.explain_budget().equals(other.explain_budget())


RULES = [
    [],
    (),
    [MinShare(10, 0.2)],
    [MaxShare([5, 10], 0.3), Forbid(10, clusters=[0, 1])],
    (Monotone([0, 1, 2]), MaxIndividuals(5, 900)),
]
PROBLEMS = [
    {"risk": "chance"},
    {"budget": None},
    {"budget": UncertainBudget([0.4, 0.8])},
    {"budget": None, "goal": LeastCost(0.18)},
    {"budget": None, "goal": Profit(30.0)},
    {"budget": 0.4, "goal": Profit(30.0)},
]


# Every kind of rules, and every kind of problem with no rule and with two.
@pytest.mark.parametrize(
    ("parameters", "rules"),
    [({}, rules) for rules in RULES]
    + [(problem, rules) for problem in PROBLEMS for rules in (RULES[0], RULES[-1])],
    ids=str,
)
def test_the_plan_is_that_of_a_fit(experiment, parameters, rules):
    allocator = fitted(experiment, rules=[MaxShare(5, 0.1)], **parameters)
    assert allocator.set_rules(rules) is allocator
    assert allocator.rules is rules
    assert_same_plan(allocator, fitted(experiment, rules=rules, **parameters))


def test_predictions_follow(experiment):
    X = experiment[0]
    allocator = fitted(experiment, 2.0)
    assert 10 in allocator.predict(X)
    allocator.set_rules([Forbid(10, clusters=list(range(8)))])
    assert 10 not in allocator.predict(X)
    assert 10 not in allocator.predict_budgets(X, [9.0])
    assert_array_equal(
        allocator.budget_curve([0.6]).response,
        fitted(experiment, rules=allocator.rules).expected_response_,
    )


@pytest.mark.parametrize("budget", [0.3, UncertainBudget([0.2, 0.4])], ids=str)
@pytest.mark.parametrize("goal", [None, Profit(30.0), LeastCost(0.2)], ids=str)
@pytest.mark.parametrize("risk", ["mean", "cvar"])
def test_the_budget_that_was_set_stays(experiment, budget, goal, risk):
    rules = [MaxShare(5, 0.2)]
    allocator = fitted(experiment, 0.6, goal=goal, risk=risk).set_budget(budget)
    allocator.set_rules(rules)
    assert allocator.budget == 0.6
    assert allocator.budget_ == pytest.approx(0.3)
    other = fitted(experiment, 0.6, goal=goal, risk=risk, rules=rules).set_budget(budget)
    assert_same_plan(allocator, other)
    # A second time, too.
    assert allocator.set_rules([]).budget_ == pytest.approx(0.3)


def test_the_target_stays(experiment):
    allocator = fitted(experiment, None, goal=LeastCost(0.2))
    cheap = allocator.expected_cost_
    allocator.set_rules([MinShare(10, 0.3)])
    assert allocator.expected_response_ >= 0.2 * (1 - 1e-9)
    assert allocator.budget_ == allocator.expected_cost_ > cheap
    assert allocator.set_rules([]).expected_cost_ == cheap


@pytest.fixture(scope="module")
def later_plan(experiment):
    return fitted(experiment, 0.5, rules=[MaxShare(5, 0.4)])


@pytest.mark.parametrize("is_set", [True, False])
@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        ([MinShare(10, 0.9)], RuleConflictError, r"budget \(0.3\), MinShare of 10 \(0.9\)"),
        (
            [MaxIndividuals(10, 300), MinShare(10, 0.2)],
            RuleConflictError,
            "MaxIndividuals of 10 at least 1200 or MinShare of 10 at most 0.05",
        ),
        ([MinShare(7, 0.1)], ValueError, "MinShare is expected to name treatments"),
        ([Forbid(10, where="age < 18")], ValueError, "plan_list"),
        (MaxShare(10, 0.1), ValueError, "rules is expected to be a list of rules"),
        ("x", ValueError, "rules is expected to be a list of rules"),
        ([1], ValueError, "rules is expected to be a list of rules"),
    ],
    ids=str,
)
def test_what_cannot_be_changes_nothing(experiment, later_plan, rules, error, message, is_set):
    mine = [MaxShare(5, 0.4)]
    allocator = fitted(experiment, 0.6 if is_set else 0.3, rules=mine)
    if is_set:
        allocator.set_budget(0.3)
    before, arms = dict(vars(allocator)), allocator.predict(experiment[0])
    with pytest.raises(error, match=message):
        allocator.set_rules(rules)
    assert vars(allocator).keys() == before.keys()
    assert all(vars(allocator)[name] is value for name, value in before.items())
    assert allocator.rules is mine
    assert_array_equal(allocator.predict(experiment[0]), arms)
    allocator.set_budget(0.5)
    assert_same_plan(allocator, later_plan)


def test_a_conflict_with_a_target_changes_nothing(experiment):
    allocator = fitted(experiment, None, goal=LeastCost(0.25))
    before = dict(vars(allocator))
    with pytest.raises(RuleConflictError, match=r"target_response \(0.25\), MinShare of 0"):
        allocator.set_rules([MinShare(0, 0.9)])
    assert all(vars(allocator)[name] is value for name, value in before.items())


def test_a_fit_comes_first():
    with pytest.raises(NotFittedError):
        ClusterBudgetAllocator().set_rules([])


def test_what_cells_were_estimated_with_needs_a_fit(experiment):
    allocator = fitted(experiment).set_params(objective=1)
    with pytest.raises(ValueError, match="^objective is expected to be as in fit"):
        allocator.set_rules([MaxShare(5, 0.1)])
    assert allocator.rules == ()
    assert np.isfinite(allocator.set_params(objective=None).set_rules([]).budget_)
