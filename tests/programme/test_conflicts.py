"""Conflicts of rules, against all their subsets and by hand."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from sklearn_hrc._programme.conflicts import describe_conflict, least_relief, smallest_conflict
from sklearn_hrc._programme.relaxation import dense_row
from sklearn_hrc._rules import (
    Rule,
    budget_rule,
    forbidden_rule,
    limit_rules,
    monotone_rule,
    outcome_rule,
    return_rule,
)

thorough = settings(deadline=None, derandomize=True, max_examples=25)
ARMS, SIZES, CLUSTERS = np.array(["none", "mail", "call"]), np.array([40, 60]), np.array(["a", "b"])
COST = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 4.0]])


def shares(name, cost=None, **limits):
    given = np.array([limits.get(arm, np.nan) for arm in ARMS.tolist()])
    return limit_rules(name, given, ARMS, SIZES, cost)


def is_feasible(sizes, rules):
    """Whether shares of the clusters keep the rules, by a programme of its own.

    It makes the largest excess as small as possible.
    """
    n_columns = rules[0].rows.matrix.shape[1] if rules else len(sizes)
    n_arms = n_columns // len(sizes)
    matrix = np.vstack([np.zeros((1, n_columns)), *(rule.rows.matrix.toarray() for rule in rules)])
    limit = np.concatenate([[0.0], *(rule.rows.limit for rule in rules)])
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


def relaxed(rule, relief, sizes=SIZES):
    """The rule with its value changed, as its rows promise."""
    rows = rule.rows._replace(limit=rule.rows.limit + relief * sizes.sum())
    return rule._replace(rows=rows)


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
    budget, least = budget_rule(COST, SIZES, 1.0), *shares("min_share", call=0.5)
    others = [*shares("max_share", none=0.9), forbidden_rule({"a": "mail"}, CLUSTERS, ARMS)]
    rules = [others[0], budget, least, others[1]]
    conflict = smallest_conflict(SIZES, rules)
    assert named(conflict) == {"budget", "min_share of call"}
    assert_relief(conflict, budget, 0.2)
    # A budget of 100 is enough for 45 calls.
    assert_relief(conflict, least, 0.05)
    sentence = describe_conflict(SIZES, rules)
    assert sentence.startswith(
        "budget (1), min_share of call (0.5) are expected to be kept by some allocation, but are "
        "in conflict: "
    )
    assert "budget at least 1.2" in sentence
    assert "min_share of call at most 0.45" in sentence
    assert "max_share" not in sentence
    assert "forbidden" not in sentence


def test_shares_that_sum_to_more_than_one():
    rules = shares("min_share", none=0.3, mail=0.3, call=0.5)
    conflict = smallest_conflict(SIZES, rules)
    assert named(conflict) == {f"min_share of {arm}" for arm in ARMS}
    for rule in conflict:
        assert_relief(conflict, rule, 0.1)
    sentence = describe_conflict(SIZES, rules)
    assert "min_share of none (0.3), min_share of mail (0.3), min_share of call (0.5)" in sentence
    assert "min_share of none at most 0.2 or " in sentence
    assert "min_share of mail at most 0.2 or " in sentence
    assert sentence.endswith("min_share of call at most 0.4.")


def test_forbidden_against_a_share():
    rules = [*shares("min_share", mail=0.8), forbidden_rule({"a": ["mail"]}, CLUSTERS, ARMS)]
    conflict = smallest_conflict(SIZES, [budget_rule(COST, SIZES, 1.0), *rules])
    assert named(conflict) == {"min_share of mail", "forbidden_arms"}
    # At most the 60 others.
    assert_relief(conflict, rules[0], 0.2)
    sentence = describe_conflict(SIZES, rules)
    assert "min_share of mail at most 0.6 or " in sentence
    assert "no forbidden_arms" in sentence


def test_a_single_impossible_rule():
    response = np.array([[1.0, 2.0, 3.0], [0.0, 0.5, 1.0]])
    # At best 40 * 3 + 60 * 1 = 180.
    impossible = outcome_rule("orders", response, SIZES, 2.0)
    rules = [budget_rule(COST, SIZES, 1.0), *shares("min_share", call=0.1), impossible]
    assert smallest_conflict(SIZES, rules) == [impossible]
    assert_relief([impossible], impossible, 0.2)
    assert describe_conflict(SIZES, rules) == (
        "min_outcomes of orders is expected to be at most 1.3, got 2."
    )


def test_forbidden_everything():
    rules = [forbidden_rule({"a": ARMS.tolist()}, CLUSTERS, ARMS), budget_rule(COST, SIZES, 9.0)]
    assert smallest_conflict(SIZES, rules) == rules[:1]
    assert describe_conflict(SIZES, rules) == (
        "forbidden_arms is expected to leave an allocation, but no allocation keeps it."
    )


def test_conflict_of_three_without_a_pair():
    # Half may be without; then 50 cost 1 and forty of the calls 2 each.
    rules = [
        budget_rule(COST, SIZES, 0.6),
        *shares("max_share", none=0.5),
        *shares("max_share", mail=0.3),
    ]
    for pair in itertools.combinations(rules, 2):
        assert is_feasible(SIZES, list(pair))
    conflict = smallest_conflict(SIZES, [*shares("max_share", call=0.9), *rules])
    assert named(conflict) == {"budget", "max_share of none", "max_share of mail"}
    # 50 none, 30 mail, 20 calls in the cheaper cluster: 30 + 40.
    assert_relief(conflict, rules[0], 0.1)
    # 20 calls cost 40 and leave 20 for mail: ten more without; or each mail instead of a call
    # saves one: ten of them.
    assert_relief(conflict, rules[1], 0.05)
    assert_relief(conflict, rules[2], 0.1)
    sentence = describe_conflict(SIZES, rules)
    assert "budget at least 0.7 or " in sentence
    assert "max_share of none at least 0.55 or " in sentence
    assert "max_share of mail at least 0.4." in sentence


def test_conflict_of_four_and_more():
    # Every arm but one full: any three of the four leave room.
    cost = np.tile([0.0, 1.0, 2.0, 3.0], (2, 1))
    arms = np.array(list("abcd"))
    rules = [budget_rule(cost, SIZES, 1.0)]
    rules += limit_rules("max_share", np.array([0.3, 0.3, 0.3, np.nan]), arms, SIZES)
    conflict = smallest_conflict(SIZES, rules)
    # .3 + .6 + .3 = 1.2 per individual with all of them; without one of them less than 1.
    assert len(conflict) == 4 or not is_feasible(SIZES, conflict)
    for rule in conflict:
        assert is_feasible(SIZES, [other for other in conflict if other is not rule])


def test_monotone_against_forbidden_and_share():
    monotone = monotone_rule(["a", "b"], CLUSTERS, ARMS, SIZES)
    taboo = forbidden_rule({"b": ["mail", "call"]}, CLUSTERS, ARMS)
    least = shares("min_share", mail=0.2)
    rules = [*least, monotone, taboo]
    assert named(smallest_conflict(SIZES, rules)) == named(rules)
    sentence = describe_conflict(SIZES, rules)
    assert "no monotone_clusters" in sentence
    assert "no forbidden_arms" in sentence
    assert "min_share of mail at most 0 " in sentence


def test_return_on_spend():
    response = COST * 0.5
    rules = [return_rule(response, COST, 0, 0.6), *shares("min_share", mail=0.1)]
    assert named(smallest_conflict(SIZES, rules)) == {"min_return", "min_share of mail"}
    sentence = describe_conflict(SIZES, rules)
    assert "min_return (0.6)" in sentence
    assert "no min_return" in sentence


def test_infinite_relief():
    # Whatever the share gives, the forbidden arms stand.
    everything = forbidden_rule({"a": ARMS.tolist()}, CLUSTERS, ARMS)
    least = shares("min_share", mail=0.2)
    assert least_relief(SIZES, [*least, everything], least[0]) == np.inf


def test_whole_numbers_alone():
    rules = shares("min_share", mail=0.5) + shares("max_share", mail=0.5)
    sentence = describe_conflict(SIZES, rules)
    assert sentence.startswith("min_share of mail, max_share of mail are expected to leave")
    assert "only fractions keep all of them" in sentence


@pytest.mark.parametrize("unit", [1e-9, 1e-4, 1.0, 1e6, 1e12])
def test_units_do_not_matter(unit):
    rules = [budget_rule(COST * unit, SIZES, unit), *shares("min_share", call=0.5)]
    assert named(smallest_conflict(SIZES, rules)) == {"budget", "min_share of call"}
    assert least_relief(SIZES, rules, rules[0]) == pytest.approx(0.2 * unit, rel=1e-6)
    assert f"budget at least {1.2 * unit:.6g}" in describe_conflict(SIZES, rules)
    assert "min_share of call at most 0.45" in describe_conflict(SIZES, rules)


@pytest.mark.parametrize("least", [0.123456789, 1 / 3, 0.7, 0.99999, 123.456789])
def test_figures_are_enough_as_they_are_rounded(least):
    """Who types what an error says does not run into the next one."""
    cost = COST * 3 * least + least
    rules = [budget_rule(cost, SIZES, least / 2)]
    told = figure(describe_conflict(SIZES, rules))
    assert least <= told <= least * (1 + 1e-5)
    negative = [budget_rule(cost - 2 * least, SIZES, -3 * least)]
    told = figure(describe_conflict(SIZES, negative))
    assert -least <= told <= -least * (1 - 1e-5)
    outcome = [outcome_rule("orders", -cost, SIZES, -least / 2)]
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
        row = dense_row(coefficients, low + rng.uniform(-0.03, 0.5) * (high - low))
        rules.append(Rule(f"rule {number}", 1.0, 1, row))
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
