"""Parameters that were changed after a fit, and plans that other threads read."""

import threading
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator, HiddenClusterer
from sklearn_hrc._changes import fingerprints
from sklearn_hrc.exceptions import BudgetWarning, RuleConflictError
from sklearn_hrc.goals import Profit
from sklearn_hrc.rules import Forbid, MaxShare, MaxSpend, MinShare


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 4, 2000), rng.normal(size=(2000, 2))])
    treatment = rng.integers(0, 3, 2000)
    y = rng.normal(size=2000) + treatment * (1 + X[:, 0])
    return X, y, {"treatment": treatment, "cost": treatment * rng.uniform(0.5, 1.5, 2000)}


def fitted(rows, **parameters):
    X, y, arrays = rows
    allocator = ClusterBudgetAllocator(
        0.7, estimation="raw", random_state=np.random.RandomState(0), **parameters
    )
    return allocator.fit(X, y, **arrays)


@pytest.mark.parametrize(
    "change",
    [
        {"rules": [MaxShare(2, 0.05)]},
        {"rules": [MinShare(1, 0.5)]},
        {"risk": "cvar", "risk_level": 0.95},
        {"split_clusters": False},
        {"rules": [Forbid(2, clusters=3)]},
        {"goal": Profit(0.9)},
        {"rules": [MaxSpend(1, 0.1)]},
    ],
)
def test_the_next_plan_has_what_was_changed(rows, change):
    allocator = fitted(rows)
    before = allocator.allocation_
    allocator.set_params(**change)
    assert_array_equal(allocator.allocation_, before)
    at_once = fitted(rows, **change)
    assert_array_equal(allocator.predict_budgets(rows[0], [0.7])[0], at_once.predict(rows[0]))
    assert allocator.budget_curve([0.7]).response == at_once.expected_response_
    assert_array_equal(allocator.set_budget(0.7).allocation_, at_once.allocation_)
    assert (allocator.allocation_ != before).any()


def test_a_rule_that_is_changed_in_place_counts(rows):
    rules = [MaxShare(2, 0.5)]
    allocator = fitted(rows, rules=rules)
    rules[0] = MaxShare(2, 0.01)
    share = allocator.set_budget(0.7).allocation_[:, 2].sum() / 2000
    assert share <= 0.01


@pytest.mark.parametrize(
    "change",
    [
        {"control": 1},
        {"objective": {0: 2.0}},
        {"arm_cost": {0: 0, 1: 1, 2: 2}},
        {"estimation": "pooled"},
        {"population": 10},
        {"random_state": 3},
    ],
)
def test_what_cells_were_estimated_with_needs_a_fit(rows, change):
    allocator = fitted(rows).set_params(**change)
    name = next(iter(change))
    for ask in (
        lambda: allocator.set_budget(0.5),
        lambda: allocator.budget_curve([0.5]),
        lambda: allocator.budget_path(),
        lambda: allocator.predict_budgets(rows[0], [0.5]),
        lambda: allocator.explain_budget(0.5),
    ):
        with pytest.raises(ValueError, match=rf"^{name} is expected to be as in fit.*call fit"):
            ask()
    assert allocator.budget_ == 0.7


def test_a_bad_change_leaves_the_plan_as_it_is(rows):
    allocator = fitted(rows)
    before = allocator.allocation_
    with pytest.raises(RuleConflictError):
        allocator.set_params(rules=[MinShare(2, 0.9)]).set_budget(0.5)
    with pytest.raises(ValueError, match="risk"):
        allocator.set_params(rules=[], risk="none").set_budget(0.5)
    assert_array_equal(allocator.allocation_, before)
    assert allocator.set_params(risk="mean").set_budget(0.5).budget_ == 0.5


def test_a_teacher_that_is_changed_needs_a_fit(rows):
    X, y, arrays = rows
    teacher = make_pipeline(
        HiddenClusterer(3, outcomes=False, random_state=0),
        ClusterBudgetAllocator(0.5, estimation="pooled", random_state=0),
    )
    policy = DistilledAllocator(teacher, random_state=0).fit(X, y, **arrays)
    policy.set_budget(0.4)
    policy.set_params(estimator__clusterbudgetallocator__rules=[MaxShare(2, 0.1)])
    for ask in (policy.set_budget, lambda budget: policy.budget_curve([budget])):
        with pytest.raises(ValueError, match="^rules of the teacher .* call fit again"):
            ask(0.4)
    assert clone(policy).fit(X, y, **arrays).set_budget(0.4).allocator_.budget_ == 0.4


def test_a_teacher_with_equal_rules_is_the_same(rows):
    X, y, arrays = rows
    teacher = make_pipeline(
        HiddenClusterer(3, outcomes=False, random_state=0),
        ClusterBudgetAllocator(
            0.5, estimation="pooled", rules=[MaxShare(2, 0.3), MinShare(2, 0.1)], random_state=0
        ),
    )
    policy = DistilledAllocator(teacher, random_state=0).fit(X, y, **arrays)
    policy.set_params(estimator__clusterbudgetallocator__rules=[MaxShare(2, 0.3), MinShare(2, 0.1)])
    assert policy.set_budget(0.4).allocator_.budget_ == 0.4


def test_a_total_in_place_of_a_mean_is_told(rows):
    message = (
        r"budget \(1000 per individual, 2e\+06 for 2,000 individuals\) does not bind: the best "
        r"allocation costs .* in all; budget is a mean, so divide a total"
    )
    with pytest.warns(BudgetWarning, match=message):
        allocator = ClusterBudgetAllocator(1000.0).fit(rows[0][:, :1], rows[1], **rows[2])
    with pytest.warns(BudgetWarning, match=message):
        allocator.set_budget(1000)
    allocator.set_budget(0.5)
    allocator.predict_budgets(rows[0][:, :1], [1000])


def test_other_threads_see_whole_plans(rows):
    allocator = fitted(rows)
    expected = {}
    for budget in (0.2, 0.9):
        use = allocator.set_budget(budget)._in_use
        expected[budget] = use.allocation.tolist(), allocator.predict(rows[0]).tolist()
    torn, done = [], threading.Event()

    def read():
        while not done.is_set():
            use = allocator._in_use
            arms = allocator.predict(rows[0]).tolist()
            if use.allocation.tolist() != expected[use.budget][0]:
                torn.append(use.budget)
            if arms not in [arms for _, arms in expected.values()]:
                torn.append(arms)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        allocator.set_budget(0.2)
        allocator.set_budget(0.9)
    done.set()
    for thread in threads:
        thread.join()
    assert not torn


def test_a_changed_teacher_is_told_by_all_that_plans(rows):
    X, y, arrays = rows
    teacher = make_pipeline(
        HiddenClusterer(3, outcomes=False, random_state=0),
        ClusterBudgetAllocator(0.5, estimation="pooled", random_state=0),
    )
    policy = DistilledAllocator(teacher, random_state=0).fit(X, y, **arrays)
    policy.set_params(estimator__clusterbudgetallocator__rules=[MinShare(2, 0.1)])
    for ask in (lambda: policy.predict_budgets(X, [0.4]), lambda: policy.score(X, y, **arrays)):
        with pytest.raises(ValueError, match="^rules of the teacher"):
            ask()


def test_looking_at_a_changed_allocator_changes_nothing(rows):
    allocator = fitted(rows)
    html = allocator._repr_html_()
    moves = allocator.explain_budget()
    allocator.set_params(risk="robust", rules=[MinShare(9, 0.1)], control=1)
    assert "set_budget" in dir(allocator)
    assert "budget 0.7 (1,400 in all)" in html
    assert "budget 0.7 (1,400 in all)" in allocator._repr_html_()
    assert allocator.explain_budget().equals(moves)


def test_a_warning_that_is_an_error_leaves_the_plan(rows):
    allocator = fitted(rows)
    with warnings.catch_warnings(action="error"), pytest.raises(BudgetWarning):
        allocator.set_budget(1e6)
    assert allocator.budget_ == 0.7


def test_equal_rules_have_equal_fingerprints():
    shared = [5, 10]
    one = ClusterBudgetAllocator(rules=[MaxShare(shared, 0.3), MinShare(shared, 0.1)])
    other = ClusterBudgetAllocator(rules=(MaxShare([5, 10], 0.3), MinShare([5, 10], 0.1)))
    assert fingerprints(one, ("rules",)) == fingerprints(other, ("rules",))
    other.rules = [MaxShare([5, 10], 0.3), MinShare([5, 10], 0.2)]
    assert fingerprints(one, ("rules",)) != fingerprints(other, ("rules",))
