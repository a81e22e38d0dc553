"""Spends, returns and outcomes, against what they say of every allocation."""

from fractions import Fraction

import numpy as np
import pytest
from helpers.rule_settings import ARMS, assert_same, setting_of, worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_hrc._programme.constraints import are_kept
from sklearn_hrc.rules import MaxSpend, MinOutcome, MinReturn

thorough = settings(deadline=None, derandomize=True, max_examples=60)


@thorough
@given(worlds())
def test_spends(world):
    _, cost, sizes, every, _, rng = world
    n, setting = int(sizes.sum()), setting_of(sizes, cost)
    one, arm = every[rng.integers(len(every))], int(rng.integers(3))
    total = int(one[:, arm] @ cost[:, arm])
    mean = MaxSpend(ARMS[arm], float(Fraction(total, n))).requirement(setting)
    in_all = MaxSpend(ARMS[arm], total_spend=total).requirement(setting)
    assert (mean.value, mean.per_unit) == (float(Fraction(total, n)), n)
    assert (in_all.value, in_all.per_unit) == (total, 1)
    for requirement in (mean, in_all):
        assert (requirement.name, requirement.easier) == (f"MaxSpend of {ARMS[arm]}", 1)
        assert_same(requirement, every, lambda counts: counts[:, arm] @ cost[:, arm] <= total)


@thorough
@given(worlds())
def test_spends_on_several_arms_count_together(world):
    _, cost, sizes, every, _, rng = world
    one = every[rng.integers(len(every))]
    total = np.sum(one[:, 1:] * cost[:, 1:])
    rule = MaxSpend(["call", "mail"], total_spend=total)
    requirement = rule.requirement(setting_of(sizes, cost))
    assert_same(requirement, every, lambda counts: np.sum(counts[:, 1:] * cost[:, 1:]) <= total)


@thorough
@given(worlds())
def test_outcomes(world):
    response, _, sizes, every, _, rng = world
    n = int(sizes.sum())
    one = every[rng.integers(len(every))]
    least = Fraction(int(np.sum(one * response)), n)
    setting = setting_of(sizes, outcomes={"sales": 0 * response, "orders": response})
    for name in ("orders", 1, -1):
        requirement = MinOutcome(name, float(least)).requirement(setting)
        assert (requirement.name, requirement.easier) == (f"MinOutcome of {name}", -1)
        assert (requirement.value, requirement.per_unit) == (float(least), n)
        assert_same(requirement, every, lambda counts: np.sum(counts * response) >= least * n)


@thorough
@given(worlds(), st.sampled_from([-1.0, 0.0, 0.5, 2.0]), st.integers(0, 2))
def test_return(world, minimum, control):
    response, cost, sizes, every, _, _ = world
    setting = setting_of(sizes, cost, response, control=control)
    requirement = MinReturn(minimum).requirement(setting)
    assert (requirement.name, requirement.value) == ("MinReturn", minimum)

    def keeps(counts):
        gain = np.sum(counts * response) - sizes @ response[:, control]
        return gain >= minimum * (np.sum(counts * cost) - sizes @ cost[:, control])

    assert_same(requirement, every, keeps)
    # Control for all gains nothing for nothing.
    counts = np.zeros_like(every[0])
    counts[:, control] = sizes
    assert are_kept(counts, requirement.constraints).all()


@pytest.mark.parametrize("value", ["a lot", [0.1], np.nan, np.inf, False])
def test_values_that_are_no_numbers(value):
    for name, make in (
        ("spend of MaxSpend", lambda: MaxSpend("mail", value)),
        ("total_spend of MaxSpend", lambda: MaxSpend("mail", total_spend=value)),
        ("minimum of MinReturn", lambda: MinReturn(value)),
        ("mean of MinOutcome", lambda: MinOutcome("orders", value)),
    ):
        with pytest.raises(ValueError, match=rf"^{name} is expected to be a finite number, got"):
            make()


def test_a_mean_or_a_total():
    with pytest.raises(ValueError, match=r"either spend or total_spend, got neither"):
        MaxSpend("mail")
    with pytest.raises(ValueError, match=r"either spend or total_spend, got both"):
        MaxSpend("mail", 0.1, total_spend=100)
    # Nothing is a spend, too.
    assert MaxSpend("mail", 0).requirement(setting_of([1, 2])).constraints.limit == [0]


def test_unknown_names():
    with pytest.raises(ValueError, match=r"MaxSpend is expected to name treatments.*got 'fax'"):
        MaxSpend("fax", 0.1).check(ARMS, [], True)
    for name in ("profit", 2, -3, ["orders"]):
        with pytest.raises(ValueError, match=r"MinOutcome is expected to name columns of y"):
            MinOutcome(name, 0.1).check(ARMS, ["orders", "sales"], True)
    MinOutcome("orders", 0.1).check(ARMS, ["orders", "sales"], True)
    MinReturn(2.0).check(ARMS, [], True)
