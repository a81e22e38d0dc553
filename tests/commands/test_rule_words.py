"""Rules typed as words."""

import pytest

pytest.importorskip("pandas")

from sklearn_hrc._commands.rule_words import rules_of
from sklearn_hrc.rules import (
    Forbid,
    MaxIndividuals,
    MaxShare,
    MaxSpend,
    MinOutcome,
    MinReturn,
    MinShare,
)

ARMS = ["none", "10_off", "a letter", 5, 2.5]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("max_share 10_off 0.2", MaxShare("10_off", 0.2)),
        ("min_share 'a letter' 0.05", MinShare("a letter", 0.05)),
        ('max_share 10_off "a letter" 0.2', MaxShare(["10_off", "a letter"], 0.2)),
        ("max_individuals 5 500", MaxIndividuals(5, 500)),
        ("max_individuals 2.50 500", MaxIndividuals(2.5, 500)),
        ("max_spend 10_off 0.5", MaxSpend("10_off", 0.5)),
        ("max_total_spend 10_off 5e3", MaxSpend("10_off", total_spend=5000.0)),
        ("min_return 3", MinReturn(3)),
        ("min_outcome orders 0.31", MinOutcome("orders", 0.31)),
        ("forbid 10_off where country == 'PL'", Forbid("10_off", where="country == 'PL'")),
        ("forbid 10_off 5 where age < 18", Forbid(["10_off", 5], where="age < 18")),
    ],
)
def test_rule_is_what_the_class_makes(text, rule):
    assert rules_of([text], ARMS, ["gmv", "orders"]) == [rule]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mx_share 10_off 0.2", r"max_share 'a letter' 0\.2, .* are 'max_share' and 'min_share'"),
        ("", "names are 'max_share'"),
        ("max_share 10_off", r"like 'max_share ARM \.\.\. SHARE', got 'max_share 10_off'"),
        ("max_share 10_off much", r"like 'max_share ARM \.\.\. SHARE'"),
        ("max_share 10off 0.2", "name an arm, got '10off'; the nearest is '10_off'"),
        ("max_share 7 0.2", "name an arm, got '7'; the arms are 'none', '10_off'"),
        ("max_share 'a letter 0.2", "quotes in pairs"),
        ("max_share 10_off 2", "share from 0 to 1"),
        ("min_return 3 4", "like 'min_return NUMBER'"),
        ("min_outcome order 1", "name an outcome, got 'order'; the nearest is 'orders'"),
        ("forbid 10_off age < 18", "like 'forbid ARM ... where CONDITION'"),
        ("forbid where age < 18", "like 'forbid ARM ... where CONDITION'"),
    ],
)
def test_wrong_rule_is_one_sentence(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        rules_of([text], [str(arm) for arm in ARMS[:3]], ["gmv", "orders"])
    assert "\n" not in str(caught.value)
