"""Conflicts of rules, against all their subsets and by hand."""

import itertools
import re

import numpy as np
import pytest
from helpers.rule_settings import ARMS, setting_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from sklearn_hrc._programme.conflicts import describe_conflict, least_relief, smallest_conflict
from sklearn_hrc._programme.constraints import Requirement, at_most, dense_constraint
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

thorough = settings(deadline=None, derandomize=True, max_examples=25)
SIZES = np.array([40, 60])
COST = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 4.0]])
SETTING = setting_of(SIZES, COST, clusters=np.array(["a", "b"]))


def stated(*rules, **changes):
    """What rules demand in the setting."""
    return [rule.requirement(SETTING._replace(**changes)) for rule in rules]


def budget_of(value, cost=COST):
    return at_most("budget", value, cost, SIZES.sum().item())


def is_feasible(sizes, requirements):
    """Whether shares of the clusters keep requirements, by a programme of its own.

    It makes the largest excess as small as possible.
    """
    parts = [one.constraints for one in requirements]
    n_columns = parts[0].matrix.shape[1] if parts else len(sizes)
    n_arms = n_columns // len(sizes)
    matrix = np.vstack([np.zeros((1, n_columns)), *(part.matrix.toarray() for part in parts)])
    limit = np.concatenate([[0.0], *(part.limit for part in parts)])
    weighted = matrix * np.repeat(sizes, n_arms)
    scale = np.maximum(np.abs(weighted).max(axis=1), 1e-300)
    result = linprog(
        np.append(np.zeros(n_columns), 1.0),
        A_ub=np.column_stack([weighted / scale[:, None], -np.ones(len(limit))]),
        b_ub=limit / scale,
        A_eq=np.column_stack([np.kron(np.eye(len(sizes)), np.ones(n_arms)), np.zeros(len(sizes))]),
        b_eq=np.ones(len(sizes)),
        bounds=[(0, None)] * n_columns + [(0, None)],
        method="highs-ds",
    )
    return result.fun <= 1e-7


def relaxed(one, relief, sizes=SIZES):
    """The requirement with limits that give by a relief per individual."""
    limit = one.constraints.limit + relief * sizes.sum()
    return one._replace(constraints=one.constraints._replace(limit=limit))


def assert_relief(rules, rule, expected):
    """The relief is the one computed by hand, enough, and no more than enough."""
    relief = least_relief(SIZES, rules, rule)
    assert relief == pytest.approx(expected, rel=1e-6, abs=1e-9)
    others = [other for other in rules if other is not rule]
    assert is_feasible(SIZES, [relaxed(rule, relief * (1 + 1e-6) + 1e-7), *others])
    assert not is_feasible(SIZES, [relaxed(rule, relief * 0.999), *others])


def named(conflict):
    return {rule.name for rule in conflict}


def figure(sentence):
    """What a sentence says that a single rule should be."""
    return float(re.search(r"at (?:least|most) (-?[\d.e+-]+), got", sentence).group(1))


def test_budget_against_a_share():
    # The cheapest 50 calls: 40 at 2 and 10 at 4 cost 120, or 1.2 per individual.
    budget, (least,) = budget_of(1.0), stated(MinShare("call", 0.5))
    others = stated(MaxShare("none", 0.9), Forbid("mail", clusters="a"))
    rules = [others[0], budget, least, others[1]]
    conflict = smallest_conflict(SIZES, rules)
    assert named(conflict) == {"budget", "MinShare of call"}
    assert_relief(conflict, budget, 0.2)
    # A budget of 100 is enough for 45 calls.
    assert_relief(conflict, least, 0.05)
    sentence = describe_conflict(SIZES, rules)
    assert sentence.startswith(
        "budget (1), MinShare of call (0.5) are expected to be kept by some allocation, but are "
        "in conflict: "
    )
    assert "budget at least 1.2" in sentence
    assert "MinShare of call at most 0.45" in sentence
    assert "MaxShare" not in sentence
    assert "Forbid" not in sentence


def test_shares_that_sum_to_more_than_one():
    rules = stated(MinShare("none", 0.3), MinShare("mail", 0.3), MinShare("call", 0.5))
    conflict = smallest_conflict(SIZES, rules)
    assert named(conflict) == {f"MinShare of {arm}" for arm in ARMS}
    for rule in conflict:
        assert_relief(conflict, rule, 0.1)
    sentence = describe_conflict(SIZES, rules)
    assert "MinShare of none (0.3), MinShare of mail (0.3), MinShare of call (0.5)" in sentence
    assert "MinShare of none at most 0.2 or " in sentence
    assert "MinShare of mail at most 0.2 or " in sentence
    assert sentence.endswith("MinShare of call at most 0.4.")


def test_forbidden_against_a_share():
    rules = stated(MinShare("mail", 0.8), Forbid("mail", clusters=["a"]))
    conflict = smallest_conflict(SIZES, [budget_of(1.0), *rules])
    assert named(conflict) == {"MinShare of mail", "Forbid of mail"}
    # At most the 60 others.
    assert_relief(conflict, rules[0], 0.2)
    sentence = describe_conflict(SIZES, rules)
    assert "MinShare of mail at most 0.6 or " in sentence
    assert "no Forbid of mail" in sentence


def test_a_single_impossible_rule():
    response = np.array([[1.0, 2.0, 3.0], [0.0, 0.5, 1.0]])
    # At best 40 * 3 + 60 * 1 = 180.
    orders = {"outcome_names": ["orders"], "mean_outcome": lambda index: response}
    (impossible,) = stated(MinOutcome("orders", 2.0), **orders)
    rules = [budget_of(1.0), *stated(MinShare("call", 0.1)), impossible]
    assert smallest_conflict(SIZES, rules) == [impossible]
    assert_relief([impossible], impossible, 0.2)
    assert describe_conflict(SIZES, rules) == (
        "MinOutcome of orders is expected to be at most 1.3, got 2."
    )


def test_forbidden_everything():
    rules = [*stated(Forbid(ARMS, clusters="a")), budget_of(9.0)]
    assert smallest_conflict(SIZES, rules) == rules[:1]
    assert describe_conflict(SIZES, rules) == (
        "Forbid of none + mail + call is expected to leave an allocation, but no allocation "
        "keeps it."
    )


def test_conflict_of_three_without_a_pair():
    # Half may be without; then 50 cost 1 and forty of the calls 2 each.
    rules = [budget_of(0.6), *stated(MaxShare("none", 0.5), MaxShare("mail", 0.3))]
    for pair in itertools.combinations(rules, 2):
        assert is_feasible(SIZES, list(pair))
    conflict = smallest_conflict(SIZES, [*stated(MaxShare("call", 0.9)), *rules])
    assert named(conflict) == {"budget", "MaxShare of none", "MaxShare of mail"}
    # 50 none, 30 mail, 20 calls in the cheaper cluster: 30 + 40.
    assert_relief(conflict, rules[0], 0.1)
    # 20 calls cost 40 and leave 20 for mail: ten more without; or each mail instead of a call
    # saves one: ten of them.
    assert_relief(conflict, rules[1], 0.05)
    assert_relief(conflict, rules[2], 0.1)
    sentence = describe_conflict(SIZES, rules)
    assert "budget at least 0.7 or " in sentence
    assert "MaxShare of none at least 0.55 or " in sentence
    assert "MaxShare of mail at least 0.4." in sentence


def test_conflict_of_four_and_more():
    # Every arm but one full: any three of the four leave room.
    cost = np.tile([0.0, 1.0, 2.0, 3.0], (2, 1))
    most = [MaxShare(arm, 0.3) for arm in "abc"]
    changes = {"treatments": np.array(list("abcd")), "cost": cost}
    rules = [budget_of(1.0, cost), *stated(*most, **changes)]
    conflict = smallest_conflict(SIZES, rules)
    # 0.3 + 0.6 + 0.3 = 1.2 per individual with all of them; without one of them less than 1.
    assert len(conflict) == 4 or not is_feasible(SIZES, conflict)
    for rule in conflict:
        assert is_feasible(SIZES, [other for other in conflict if other is not rule])


def test_monotone_against_forbidden_and_share():
    taboo = Forbid(["mail", "call"], clusters="b")
    rules = stated(MinShare("mail", 0.2), Monotone(["a", "b"]), taboo)
    assert named(smallest_conflict(SIZES, rules)) == named(rules)
    sentence = describe_conflict(SIZES, rules)
    assert "no Monotone" in sentence
    assert "no Forbid of mail + call" in sentence
    assert "MinShare of mail at most 0 " in sentence


def test_return_on_spend():
    rules = stated(MinReturn(0.6), MinShare("mail", 0.1), response=COST * 0.5)
    assert named(smallest_conflict(SIZES, rules)) == {"MinReturn", "MinShare of mail"}
    sentence = describe_conflict(SIZES, rules)
    assert "MinReturn (0.6)" in sentence
    assert "no MinReturn" in sentence


def test_infinite_relief():
    # Whatever the share gives, the forbidden arms stand.
    least, everything = stated(MinShare("mail", 0.2), Forbid(ARMS, clusters="a"))
    assert least_relief(SIZES, [least, everything], least) == np.inf


def test_whole_numbers_alone():
    rules = stated(MinShare("mail", 0.5), MaxShare("mail", 0.5))
    sentence = describe_conflict(SIZES, rules)
    assert sentence.startswith("MinShare of mail, MaxShare of mail are expected to leave")
    assert "only fractions keep all of them" in sentence


def test_figures_are_numbers_of_people():
    rules = stated(MaxIndividuals("call", 30), MinShare("call", 0.5))
    assert describe_conflict(SIZES, rules) == (
        "MaxIndividuals of call (30), MinShare of call (0.5) are expected to be kept by some "
        "allocation, but are in conflict: it takes MaxIndividuals of call at least 50 or MinShare "
        "of call at most 0.3."
    )
    # All of the 40 people in cluster a get a call or a mail.
    rules = stated(MaxIndividuals(["mail", "call"], 39), Forbid("none", clusters="a"))
    sentence = describe_conflict(SIZES, rules)
    assert "MaxIndividuals of mail + call (39)" in sentence
    assert "it takes MaxIndividuals of mail + call at least 40 or no Forbid" in sentence


def test_figures_are_totals():
    # The cheapest 50 calls cost 40 * 2 + 10 * 4; 60 are enough for 30 calls.
    rules = stated(MaxSpend("call", total_spend=60), MinShare("call", 0.5))
    sentence = describe_conflict(SIZES, rules)
    assert sentence.startswith("MaxSpend of call (60), MinShare of call (0.5) are expected")
    assert "it takes MaxSpend of call at least 120 or MinShare of call at most 0.3." in sentence
    total = at_most("total_budget", 60, COST, 1)
    sentence = describe_conflict(SIZES, [total, rules[1]])
    assert "it takes total_budget at least 120 or MinShare of call at most 0.3." in sentence
    alone = at_most("total_budget", -7, COST, 1)
    assert describe_conflict(SIZES, [alone]) == (
        "total_budget is expected to be at least 0, got -7."
    )


@pytest.mark.parametrize("unit", [1e-9, 1e-4, 1.0, 1e6, 1e12])
def test_units_do_not_matter(unit):
    rules = [budget_of(unit, COST * unit), *stated(MinShare("call", 0.5))]
    assert named(smallest_conflict(SIZES, rules)) == {"budget", "MinShare of call"}
    assert least_relief(SIZES, rules, rules[0]) == pytest.approx(0.2 * unit, rel=1e-6)
    sentence = describe_conflict(SIZES, rules)
    needed = float(re.search(r"it takes budget at least (\S+) or", sentence).group(1))
    assert needed == pytest.approx(1.2 * unit, rel=1e-9)
    assert "MinShare of call at most 0.45" in sentence


@pytest.mark.parametrize("least", [0.123456789, 1 / 3, 0.7, 0.99999, 123.456789])
def test_figures_are_enough_as_they_are_rounded(least):
    """Who types what an error says does not run into the next one."""
    cost = COST * 3 * least + least
    rules = [budget_of(least / 2, cost)]
    told = figure(describe_conflict(SIZES, rules))
    assert least <= told <= least * (1 + 1e-5)
    negative = [budget_of(-3 * least, cost - 2 * least)]
    told = figure(describe_conflict(SIZES, negative))
    assert -least <= told <= -least * (1 - 1e-5)
    orders = {"outcome_names": ["orders"], "mean_outcome": lambda index: -cost}
    outcome = stated(MinOutcome("orders", -least / 2), **orders)
    told = figure(describe_conflict(SIZES, outcome))
    assert -least * (1 + 1e-5) <= told <= -least


@thorough
@given(st.integers(0, 2**32 - 1))
def test_smallest_among_all_subsets(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 50, 3)
    sizes[0] += 1
    rules = []
    for number in range(rng.integers(1, 6)):
        coefficients = rng.normal(size=(3, 3))
        low, high = ((sizes * f(coefficients, axis=1)).sum() for f in (np.min, np.max))
        row = dense_constraint(coefficients, low + rng.uniform(-0.03, 0.5) * (high - low))
        rules.append(Requirement(f"rule {number}", 1.0, 1, row, sizes.sum().item()))
    if is_feasible(sizes, rules):
        return
    conflict = smallest_conflict(sizes, rules)
    assert not is_feasible(sizes, conflict)
    smaller = (
        list(subset)
        for size in range(1, len(conflict) if len(conflict) <= 4 else 4)
        for subset in itertools.combinations(rules, size)
    )
    assert all(is_feasible(sizes, subset) for subset in smaller)
    for rule in conflict:
        others = [other for other in conflict if other is not rule]
        assert is_feasible(sizes, others)
        relief = least_relief(sizes, conflict, rule)
        if np.isfinite(relief):
            assert is_feasible(sizes, [relaxed(rule, relief * (1 + 1e-6), sizes), *others])
            assert not is_feasible(sizes, [relaxed(rule, relief * 0.99, sizes), *others])
    sentence = describe_conflict(sizes, rules)
    assert set(re.findall(r"rule \d", sentence)) == named(conflict)
