"""What all rules have in common: they are values that can be compared, copied and searched."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ParameterGrid

from sklearn_hrc import ClusterBudgetAllocator, rules
from sklearn_hrc.rules import (
    Forbid,
    MaxIndividuals,
    MaxShare,
    MaxSpend,
    MinOutcome,
    MinReturn,
    MinShare,
    Monotone,
)
from sklearn_hrc.rules._rule import check_rules, columns_of

ONE_OF_EACH = [
    MinShare(10, 0.1),
    MaxShare([5, 10], 0.3),
    MaxIndividuals(10, 300),
    MaxSpend(10, 0.3),
    MaxSpend([5, 10], total_spend=5000),
    MinReturn(0.01),
    MinOutcome("orders", 0.31),
    Forbid([5, 10], clusters=3),
    Forbid("letter", where="age < 18"),
    Monotone([0, 1, 2]),
]


def test_every_rule_is_here():
    assert {type(rule).__name__ for rule in ONE_OF_EACH} == set(rules.__all__)


@pytest.mark.parametrize("rule", ONE_OF_EACH, ids=repr)
def test_a_rule_is_a_value(rule):
    # What is shown can be typed.
    assert eval(repr(rule), vars(rules)) == rule
    for again in (pickle.loads(pickle.dumps(rule)), copy.deepcopy(rule)):
        assert again == rule
        assert joblib.hash(again) == joblib.hash(rule)
    assert [other for other in ONE_OF_EACH if other == rule] == [rule]
    name = next(iter(vars(rule)))
    with pytest.raises(AttributeError, match="cannot assign"):
        setattr(rule, name, None)


def test_equality_by_values():
    assert MaxShare("letter", 0.1) == MaxShare("letter", 0.1)
    assert MaxShare("letter", 0.1) != MaxShare("letter", 0.2)
    assert MaxShare("letter", 0.1) != MinShare("letter", 0.1)
    assert MaxSpend("letter", 0.1) != MaxSpend("letter", total_spend=0.1)


@pytest.mark.parametrize("kind", [np.array, pd.Series, pd.Index])
def test_lists_stand_in_for_arrays(kind):
    """Arrays have no truth as a whole, so that they cannot be compared."""
    rule = Forbid(kind([5, 10]), clusters=kind([3]))
    assert rule == Forbid([5, 10], clusters=[3])
    assert repr(rule) == "Forbid(arm=(5, 10), clusters=(3,), where=None)"
    assert joblib.hash(rule) == joblib.hash(Forbid([5, 10], clusters=[3]))
    assert hash(rule) == hash(Forbid((5, 10), clusters=(3,)))


def test_numbers_of_numpy_are_numbers():
    rule = MaxShare(np.int64(5), np.float64(0.1))
    assert repr(rule) == "MaxShare(arm=5, share=0.1)"
    assert joblib.hash(rule) == joblib.hash(MaxShare(5, 0.1))


@pytest.mark.parametrize("given", [[], (), ONE_OF_EACH, tuple(ONE_OF_EACH)])
def test_rules_in_a_list(given):
    assert check_rules(given) == list(given)


@pytest.mark.parametrize(
    "given",
    [
        MaxShare(5, 0.3),
        "x",
        [1],
        None,
        3,
        {"max_share": 0.3},
        [MaxShare(5, 0.3), "x"],
        [MaxShare],
        pytest.param(map(MinReturn, [0.1]), id="iterator"),
    ],
    ids=str,
)
def test_anything_else_is_refused_in_a_sentence(given):
    match = r"^rules is expected to be a list of rules from sklearn_hrc.rules, such as "
    with pytest.raises(ValueError, match=match) as error:
        check_rules(given)
    assert str(error.value).endswith(f"got {given!r}.")
    arm = [0, 0, 5, 5]
    with pytest.raises(ValueError, match=match):
        ClusterBudgetAllocator(rules=given).fit(np.zeros((4, 1)), arm, treatment=arm, cost=arm)


def segment_rows():
    rng = np.random.default_rng(0)
    segment, coupon = rng.integers(0, 3, 900), rng.choice([0, 5, 10], 900)
    y = rng.normal(size=900) + 0.1 * coupon * segment
    return segment[:, None].astype(float), y, {"treatment": coupon, "cost": coupon}


def test_clones_have_equal_rules_of_their_own():
    given = [MinShare(10, 0.2), MaxShare([5, 10], 0.6), Forbid(10, clusters=[0])]
    allocator = ClusterBudgetAllocator(3.0, rules=given, population=900)
    again = clone(allocator)
    assert again.rules == given
    assert again.rules is not given
    X, y, rows = segment_rows()
    allocation = allocator.fit(X, y, **rows).allocation_
    np.testing.assert_array_equal(clone(allocator).fit(X, y, **rows).allocation_, allocation)
    assert clone(ClusterBudgetAllocator()).rules == ()
    assert "rules=[MinShare(arm=10, share=0.2)," in repr(allocator)


def test_rules_in_a_grid():
    candidates = [[], [MaxShare(10, 0.1)], [MaxShare([5, 10], 0.1), Monotone([0, 1])]]
    grid = ParameterGrid({"rules": candidates, "budget": [0.5, 1.0]})
    assert [point["rules"] for point in grid] == 2 * candidates
    X, y, rows = segment_rows()
    allocator = ClusterBudgetAllocator(estimation="raw", population=900)
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(allocator, {"rules": candidates}, cv=2).fit(X, y, **rows)
    assert [point["rules"] for point in search.cv_results_["params"]] == candidates
    # With fewer coupons less can be gained.
    assert search.best_params_ == {"rules": []}
    assert search.best_estimator_.rules == []
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] > scores[1] > scores[2]


def test_no_treatment_at_all():
    with pytest.raises(ValueError, match="^MinShare is expected to name at least one treatment"):
        columns_of([], np.array([0, 5]), "MinShare")
