"""Rules that a plan keeps, in the words of the page."""

from types import SimpleNamespace

import pytest

from sklearn_hrc.report._rules import rules_kept
from sklearn_hrc.report._wording import wording_of
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
from sklearn_hrc.rules._rule import Rule

WORDS = wording_of({"cost_unit": "$", "arms": {"5_off": "5 off"}, "people": "members"}, "sales")


class Own(Rule):
    """A rule of a user."""

    def __repr__(self):
        return "Own()"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (MaxShare("5_off", 0.2), "at most 20\xa0% get “5 off”"),
        (MinShare(["5_off", "b"], 0.05), "at least 5\xa0% get “5 off” or “b”"),
        (MaxIndividuals("b", 1500), "at most 1,500 members get “b”"),
        (MaxSpend("b", total_spend=5000), "cost of at most $5,000 in all for “b”"),
        (MaxSpend("b", 0.5), "cost of at most $0.50 per person for “b”"),
        (MinReturn(2.0), "at least 2 more sales for each $1.00"),
        (MinOutcome("orders", 0.31), "orders of at least 0.31 per person"),
        (Forbid("b", where="age < 18"), "nobody with age < 18 gets “b”"),
        (Forbid("b", where=len), "nobody who is ruled out gets “b”"),
        (Forbid("b", clusters=["x", "y"]), "nobody in x, y gets “b”"),
        (Monotone(["x", "y"]), "options never step down along x, y"),
        (Own(), "Own()"),
    ],
)
def test_words(rule, text):
    assert rules_kept(SimpleNamespace(rules=[rule]), None, WORDS) == [text]


def test_rules_of_a_list_take_the_place_of_those_of_the_policy():
    policy = SimpleNamespace(rules=[MaxShare("b", 0.2)])
    plan = SimpleNamespace(rules=(MaxShare("b", 0.2), MaxIndividuals("b", 3)))
    assert len(rules_kept(policy, plan, WORDS)) == 2
    assert rules_kept(SimpleNamespace(rules=()), None, WORDS) == []
