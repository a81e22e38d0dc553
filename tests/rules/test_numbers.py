"""Shares and numbers of individuals, against what they say of every allocation."""

from fractions import Fraction

import numpy as np
import pytest
from helpers.rule_settings import ARMS, assert_same, coefficients_of, setting_of, worlds
from hypothesis import given, settings

from sklearn_hrc._programme.constraints import are_kept
from sklearn_hrc.rules import MaxIndividuals, MaxShare, MinShare

thorough = settings(deadline=None, derandomize=True, max_examples=60)
ALL_RULES = [MinShare, MaxShare, MaxIndividuals]


@thorough
@given(worlds())
def test_shares_and_numbers(world):
    _, cost, sizes, every, _, rng = world
    n, setting = int(sizes.sum()), setting_of(sizes, cost)
    one, arm = every[rng.integers(len(every))], int(rng.integers(3))
    number = int(one[:, arm].sum())
    share, label = Fraction(number, n), ARMS[arm]
    for rule, value, easier, per_unit, keeps in (
        (MinShare, share, -1, n, lambda counts: counts[:, arm].sum() >= share * n),
        (MaxShare, share, 1, n, lambda counts: counts[:, arm].sum() <= share * n),
        (MaxIndividuals, number, 1, 1, lambda counts: counts[:, arm].sum() <= number),
    ):
        requirement = rule(label, float(value)).requirement(setting)
        assert requirement.name == f"{rule.__name__} of {label}"
        assert requirement.value == float(value)
        assert (requirement.easier, requirement.per_unit) == (easier, per_unit)
        assert requirement.constraints.whole.all()
        assert_same(requirement, every, keeps)


@thorough
@given(worlds())
def test_several_arms_count_together(world):
    _, _, sizes, every, _, rng = world
    n, setting = int(sizes.sum()), setting_of(sizes)
    one = every[rng.integers(len(every))]
    number = int(one[:, 1:].sum())
    share = Fraction(number, n)
    arms = ["mail", "call"]
    least = MinShare(arms, float(share)).requirement(setting)
    assert_same(least, every, lambda counts: counts[:, 1:].sum() >= share * n)
    most = MaxShare(arms, float(share)).requirement(setting)
    assert_same(most, every, lambda counts: counts[:, 1:].sum() <= share * n)
    few = MaxIndividuals(arms, number).requirement(setting)
    assert_same(few, every, lambda counts: counts[:, 1:].sum() <= number)


@pytest.mark.parametrize("n", [10, 30, 1000, 30_000, 10**9])
@pytest.mark.parametrize("share", ["0", "0.1", "0.2", "0.3", "0.6", "0.7", "0.9", "1"])
def test_shares_at_knife_edges(n, share):
    """0.3 of 10 individuals are three, although 0.3 * 10 need not be in floating point."""
    exact, setting = int(Fraction(share) * n), setting_of([n])
    least = MinShare("mail", float(share)).requirement(setting).constraints
    most = MaxShare("mail", float(share)).requirement(setting).constraints
    assert (least.limit[0], most.limit[0]) == (-exact, exact)
    for number in {max(exact - 1, 0), exact, min(exact + 1, n)}:
        counts = np.array([[n - number, number, 0]])
        assert are_kept(counts, least).all() == (number >= exact)
        assert are_kept(counts, most).all() == (number <= exact)


def test_values_that_are_no_whole_numbers():
    setting = setting_of([10])
    rules = [MinShare("mail", 0.35), MaxShare("mail", 0.35), MaxIndividuals("mail", 3.0)]
    limits = [rule.requirement(setting).constraints.limit[0] for rule in rules]
    assert limits == [-4, 3, 3]


def test_individuals_that_are_fractions():
    """Of weighted rows nothing is whole, and a limit is what it says."""
    setting = setting_of([2.5, 7.5])
    for rule, limit in ((MinShare("mail", 0.35), -3.5), (MaxShare("mail", 0.35), 3.5)):
        constraints = rule.requirement(setting).constraints
        assert not constraints.whole.any()
        assert constraints.limit == pytest.approx([limit])


def test_labels_of_numbers():
    setting = setting_of([4], treatments=np.array([0, 5, 10]))
    for label in (10, 10.0, np.int64(10), [10], np.array([10])):
        coefficients = coefficients_of(MaxShare(label, 0.5).requirement(setting))
        assert coefficients.tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("value", ["a lot", None, [0.1], np.nan, np.inf, -np.inf, True])
@pytest.mark.parametrize("rule", ALL_RULES)
def test_values_that_are_no_numbers(rule, value):
    with pytest.raises(ValueError, match=f"of {rule.__name__} is expected to be a finite number"):
        rule("mail", value)


@pytest.mark.parametrize("value", [-0.1, 1.1, 20])
@pytest.mark.parametrize("rule", [MinShare, MaxShare])
def test_shares_that_are_none(rule, value):
    match = rf"share of {rule.__name__} is expected to be a share from 0 to 1, got {value}\.$"
    with pytest.raises(ValueError, match=match):
        rule("mail", value)


def test_numbers_that_are_negative():
    for value in (-1, 2.5):
        message = rf"individuals of MaxIndividuals is expected to be a whole number .* {value}\.$"
        with pytest.raises(ValueError, match=message):
            MaxIndividuals("mail", value)


@pytest.mark.parametrize("label", ["fax", ["mail", "fax"], [["mail"]], None, 0])
@pytest.mark.parametrize("rule", ALL_RULES)
def test_unknown_treatments(rule, label):
    match = rf"{rule.__name__} is expected to name treatments, \['none', 'mail', 'call'\], got"
    with pytest.raises(ValueError, match=match):
        rule(label, 1).check(ARMS, [], True)
    with pytest.raises(ValueError, match=match):
        rule(label, 1).requirement(setting_of([3]))
