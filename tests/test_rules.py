"""Rules of a campaign as rows, against what they say in plain terms about every allocation."""

import itertools
import warnings
from fractions import Fraction

import numpy as np
import pytest
from helpers.programmes import all_allocations
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_hrc._programme.relaxation import keeps_rows
from sklearn_hrc._rules import (
    budget_rule,
    forbidden_rule,
    limit_rules,
    monotone_rule,
    outcome_rule,
    resolve_limits,
    return_rule,
)

thorough = settings(deadline=None, derandomize=True, max_examples=60)
ARMS = np.array(["none", "mail", "call"])


@st.composite
def worlds(draw):
    """Small whole costs, so that sums are exact, and every allocation."""
    split, n_clusters = draw(st.booleans()), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = rng.integers(0, 5 if split else 30, n_clusters)
    sizes[0] += not sizes.sum()
    response, cost = rng.integers(-4, 9, (2, n_clusters, 3)).astype(float)
    return response, cost, sizes, all_allocations(sizes, 3, split), split, rng


def assert_same(rule, every, plain):
    """The rows hold for exactly the allocations for which a plain condition does."""
    for counts in every:
        assert keeps_rows(counts, rule.rows).all() == plain(counts), counts


@thorough
@given(worlds())
def test_budget_and_outcomes(world):
    response, cost, sizes, every, _, rng = world
    n = int(sizes.sum())
    one = every[rng.integers(len(every))]
    # In exact terms, what an allocation costs is within a budget of just that.
    budget = Fraction(int(np.sum(one * cost)), n)
    rule = budget_rule(cost, sizes, float(budget))
    assert (rule.name, rule.value, rule.easier) == ("budget", float(budget), 1)
    assert_same(rule, every, lambda counts: np.sum(counts * cost) <= budget * n)
    least = Fraction(int(np.sum(one * response)), n)
    rule = outcome_rule("orders", response, sizes, float(least))
    assert (rule.name, rule.value, rule.easier) == ("min_outcomes of orders", float(least), -1)
    assert_same(rule, every, lambda counts: np.sum(counts * response) >= least * n)


@thorough
@given(worlds())
def test_shares_and_spends(world):
    _, cost, sizes, every, _, rng = world
    n = int(sizes.sum())
    one, arm = every[rng.integers(len(every))], int(rng.integers(3))
    limits = np.full(3, np.nan)
    share = Fraction(int(one[:, arm].sum()), n)
    limits[arm] = float(share)
    for name, keeps in (
        ("min_share", lambda counts: counts[:, arm].sum() >= share * n),
        ("max_share", lambda counts: counts[:, arm].sum() <= share * n),
    ):
        (rule,) = limit_rules(name, limits, ARMS, sizes)
        assert rule.name == f"{name} of {ARMS[arm]}"
        assert rule.value == float(share)
        assert rule.easier == (1 if name == "max_share" else -1)
        assert rule.rows.whole.all()
        assert_same(rule, every, keeps)
    spend = Fraction(int(np.sum(one[:, arm] * cost[:, arm])), n)
    limits[arm] = float(spend)
    (rule,) = limit_rules("max_arm_spend", limits, ARMS, sizes, cost)
    assert rule.name == f"max_arm_spend of {ARMS[arm]}"
    assert_same(rule, every, lambda counts: counts[:, arm] @ cost[:, arm] <= spend * n)


@pytest.mark.parametrize("n", [10, 30, 1000, 30_000, 10**9])
@pytest.mark.parametrize("share", ["0", "0.1", "0.2", "0.3", "0.6", "0.7", "0.9", "1"])
def test_shares_at_knife_edges(n, share):
    """0.3 of 10 individuals are three, although 0.3 * 10 need not be in floating point."""
    exact = int(Fraction(share) * n)
    limits = np.array([np.nan, float(share), np.nan])
    (least,) = limit_rules("min_share", limits, ARMS, np.array([n]))
    (most,) = limit_rules("max_share", limits, ARMS, np.array([n]))
    assert (least.rows.limit[0], most.rows.limit[0]) == (-exact, exact)
    for number in {max(exact - 1, 0), exact, min(exact + 1, n)}:
        counts = np.array([[n - number, number, 0]])
        assert keeps_rows(counts, least.rows).all() == (number >= exact)
        assert keeps_rows(counts, most.rows).all() == (number <= exact)


def test_shares_that_are_no_whole_numbers():
    limits = np.array([np.nan, 0.35, np.nan])
    (least,) = limit_rules("min_share", limits, ARMS, np.array([10]))
    (most,) = limit_rules("max_share", limits, ARMS, np.array([10]))
    assert (least.rows.limit[0], most.rows.limit[0]) == (-4, 3)


def test_one_rule_for_each_limit():
    limits, sizes = np.array([0.1, np.nan, 0.2]), np.array([5, 5])
    names = [rule.name for rule in limit_rules("min_share", limits, ARMS, sizes)]
    assert names == ["min_share of none", "min_share of call"]
    assert limit_rules("max_share", np.full(3, np.nan), ARMS, sizes) == []


@thorough
@given(worlds())
def test_forbidden_arms(world):
    _, _, sizes, every, _, rng = world
    clusters = np.arange(len(sizes)) * 10
    taboo = rng.random((len(sizes), 3)) < 0.3
    forbidden = {int(10 * k): ARMS[taboo[k]].tolist() for k in range(len(sizes))}
    rule = forbidden_rule(forbidden, clusters, ARMS)
    assert (rule.name, rule.easier) == ("forbidden_arms", 0)
    assert np.isnan(rule.value)
    assert_same(rule, every, lambda counts: not counts[taboo].any())


def test_forbidden_arm_without_a_list():
    one = forbidden_rule({"b": "call"}, np.array(["a", "b"]), ARMS)
    listed = forbidden_rule({"b": ("call",)}, np.array(["a", "b"]), ARMS)
    assert one.rows.matrix.toarray().tolist() == [[0, 0, 0, 0, 0, 1]]
    assert listed.rows.matrix.toarray().tolist() == [[0, 0, 0, 0, 0, 1]]


@thorough
@given(worlds(), st.sampled_from([-1.0, 0.0, 0.5, 2.0]), st.integers(0, 2))
def test_return(world, minimum, control):
    response, cost, sizes, every, _, _ = world
    rule = return_rule(response, cost, control, minimum)
    assert (rule.name, rule.value) == ("min_return", minimum)

    def keeps(counts):
        gain = np.sum(counts * response) - sizes @ response[:, control]
        return gain >= minimum * (np.sum(counts * cost) - sizes @ cost[:, control])

    assert_same(rule, every, keeps)
    # Control for all gains nothing for nothing.
    counts = np.zeros_like(every[0])
    counts[:, control] = sizes
    assert keeps_rows(counts, rule.rows).all()


@thorough
@given(worlds())
def test_monotone_clusters(world):
    _, _, sizes, every, split, rng = world
    clusters = np.array(["a", "b", "c"])[: len(sizes)]
    order = rng.permutation(len(sizes))[: rng.integers(1, len(sizes) + 1)]
    rule = monotone_rule(clusters[order].tolist(), clusters, ARMS, sizes)
    assert (rule.name, rule.easier) == ("monotone_clusters", 0)
    assert rule.rows.whole.all()
    inhabited = [k for k in order if sizes[k]]

    def keeps(counts):
        if not split:
            steps = [int(counts[k].argmax()) for k in inhabited]
            return steps == sorted(steps)
        tails = [
            [Fraction(int(counts[k, arm:].sum()), int(sizes[k])) for arm in range(3)]
            for k in inhabited
        ]
        return all(
            before <= after
            for one, two in itertools.pairwise(tails)
            for before, after in zip(one, two)
        )

    assert_same(rule, every, keeps)


def test_monotone_clusters_of_any_size():
    # A third of three million and one, and one individual more or less.
    sizes = np.array([3_000_003, 6_000_006])
    rule = monotone_rule([0, 1], np.array([0, 1]), ARMS[:2], sizes)
    third = np.array([[2_000_002, 1_000_001], [4_000_004, 2_000_002]])
    assert keeps_rows(third, rule.rows).all()
    assert not keeps_rows(third + [[-1, 1], [0, 0]], rule.rows).all()
    assert not keeps_rows(third + [[0, 0], [1, -1]], rule.rows).all()
    assert keeps_rows(third + [[0, 0], [-1, 1]], rule.rows).all()


def test_monotone_clusters_named_twice():
    with pytest.raises(ValueError, match="monotone_clusters is expected to name every cluster"):
        monotone_rule(["a", "b", "a"], np.array(["a", "b"]), ARMS, np.array([1, 1]))


def test_clusters_without_rows_are_warned_of():
    clusters, sizes = np.array(["a", "b"]), np.array([2, 2])
    with pytest.warns(UserWarning, match=r"forbidden_arms names clusters that no row.*'z'"):
        rule = forbidden_rule({"z": "call", "a": "mail"}, clusters, ARMS)
    assert rule.rows.matrix.toarray().tolist() == [[0, 1, 0, 0, 0, 0]]
    with pytest.warns(UserWarning, match=r"monotone_clusters names clusters that no row.*'z'"):
        rule = monotone_rule(["a", "z", "b"], clusters, ARMS, sizes)
    # As if it were not there.
    expected = monotone_rule(["a", "b"], clusters, ARMS, sizes)
    np.testing.assert_array_equal(rule.rows.matrix.toarray(), expected.rows.matrix.toarray())


@pytest.mark.parametrize("clusters", [np.array([1, 2, 3]), np.array(["1", "2", "3"])])
def test_labels_of_numpy(clusters):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monotone_rule(list(clusters), clusters, ARMS, np.array([1, 1, 1]))
        forbidden_rule({clusters[0]: np.array(["mail"])}, clusters, ARMS)


def test_monotone_clusters_without_others():
    for order in ([], ["a"]):
        rule = monotone_rule(order, np.array(["a", "b"]), ARMS, np.array([2, 2]))
        assert rule.rows.matrix.shape == (0, 6)


def test_limits():
    given = resolve_limits({"call": 0.25}, ARMS, "min_share", share=True)
    np.testing.assert_array_equal(given, [np.nan, np.nan, 0.25])
    given = resolve_limits([None, 1, 0], ARMS, "max_share", share=True, ordered=True)
    np.testing.assert_array_equal(given, [np.nan, 1, 0])
    given = resolve_limits({1: 7, 0: -2.5}, np.array([0, 1]), "max_arm_spend", share=False)
    np.testing.assert_array_equal(given, [-2.5, 7])
    given = resolve_limits({}, ARMS, "min_share", share=True)
    assert np.isnan(given).all()


@pytest.mark.parametrize("limits", [[0.1, 0.2], 0.1, [[0.1, 0.2, 0.3]], []])
def test_limits_of_the_wrong_shape(limits):
    with pytest.raises(ValueError, match="min_share is expected to have 3 entries"):
        resolve_limits(limits, ARMS, "min_share", share=True, ordered=True)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.inf, -np.inf])
def test_shares_that_are_none(value):
    for limits in ([np.nan, value, np.nan], {"mail": value}):
        with pytest.raises(ValueError, match="max_share is expected to hold shares from 0 to 1"):
            resolve_limits(limits, ARMS, "max_share", share=True, ordered=True)


def test_spends_that_are_none():
    with pytest.raises(ValueError, match="max_arm_spend is expected to hold finite numbers"):
        resolve_limits({"mail": np.inf}, ARMS, "max_arm_spend", share=False)


@pytest.mark.parametrize("value", ["a lot", None, [0.1]])
def test_limits_that_are_no_numbers(value):
    with pytest.raises(ValueError, match="min_share is expected to hold numbers"):
        resolve_limits({"mail": value}, ARMS, "min_share", share=True)


@pytest.mark.parametrize("value", ["a lot", [0.1]])
def test_listed_limits_that_are_no_numbers(value):
    with pytest.raises(ValueError, match="min_share"):
        resolve_limits([0.1, value, 0.2], ARMS, "min_share", share=True, ordered=True)


def test_limits_of_a_series_are_read_by_label():
    pd = pytest.importorskip("pandas")
    limits = pd.Series([0.25, np.nan], index=["call", "none"])
    given = resolve_limits(limits, ARMS, "min_share", share=True)
    np.testing.assert_array_equal(given, [np.nan, np.nan, 0.25])
    with pytest.raises(ValueError, match=r"min_share is expected to name treatments.*got 0"):
        resolve_limits(pd.Series([0.1, 0.2, 0.3]), ARMS, "min_share", share=True)


def test_limits_without_labels_of_strings():
    with pytest.raises(ValueError, match="max_share is expected to be a dict or a Series by label"):
        resolve_limits([1, 1, 0.1], ARMS, "max_share", share=True)


def test_unknown_treatments():
    with pytest.raises(ValueError, match=r"min_share is expected to name treatments.*got 'fax'"):
        resolve_limits({"fax": 0.1}, ARMS, "min_share", share=True)
    with pytest.raises(ValueError, match=r"forbidden_arms is expected to name treatments.*'fax'"):
        forbidden_rule({"a": ["mail", "fax"]}, np.array(["a"]), ARMS)


@pytest.mark.parametrize("forbidden", [["mail"], "mail", 3])
def test_forbidden_arms_without_clusters(forbidden):
    with pytest.raises(ValueError, match="forbidden_arms is expected to be a dict"):
        forbidden_rule(forbidden, np.array(["a"]), ARMS)
