"""Designs: power against a closed form, nothing to target, pilots, random shares, bad input."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.design import design_experiment
from sklearn_hrc.design._pilot import _design_effect, _equal_chances
from sklearn_hrc.exceptions import BudgetError
from sklearn_hrc.rules import MaxShare

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "designing.md"
# One coupon, which one half of the people likes.
PAIR = {"effects": [[1.0, 1.0], [1.0, 1.4]], "noise": 2.0, "cost": [0, 1], "budget": 0.5}


def design(**parameters):
    return design_experiment(**{"random_state": 0, "n_simulations": 40, **PAIR, **parameters})


@pytest.fixture(scope="module")
def pair():
    return design(n_simulations=60, rows=[1600, 3200, 6400, 12800])


@pytest.fixture(scope="module")
def pilot():
    rng = np.random.default_rng(0)
    segment, arm = rng.integers(0, 3, 1500), rng.integers(0, 2, 1500)
    y = 1 + 0.5 * arm * segment + rng.gamma(0.5, 2, 1500)
    given = {"y": y, "treatment": arm, "cost": arm * rng.gamma(4, 0.25, 1500)}
    return segment[:, None], given


def of_pilot(pilot, policy=None, **parameters):
    X, given = pilot
    policy = ClusterBudgetAllocator(0.4) if policy is None else policy
    rows = {name: values for name, values in given.items() if name != "y"}
    policy.fit(X, given["y"], **rows)
    options = {"rows": [2000, 4000], "n_simulations": 20, "random_state": 0, **parameters}
    return design_experiment(policy, X, **{**given, **options})


# What is found.


@pytest.mark.slow
@pytest.mark.parametrize("rows", [3000, 6000])
def test_power_is_that_of_a_z_test(rows):
    # The policy brings 0.2, and a coin for everybody 0.1 at the same spend. A row that agrees
    # with the policy adds its response less the price of 0.2, and others subtract it.
    effect = 0.4
    found = design(rows=[rows], n_simulations=500)
    error = np.sqrt((2.0**2 + effect**2 / 8) / (rows / 2))
    assert found.possible_gain == pytest.approx(effect / 4)
    power = norm.cdf(effect / 4 / error - norm.ppf(0.975))
    # A policy that is not learnt for certain has a little less.
    learnt = found.by_rows.gain[0] / found.possible_gain
    assert learnt > 0.95
    assert found.by_rows.power[0] == pytest.approx(power, abs=0.07)
    assert found.by_rows.width[0] == pytest.approx(2 * 1.96 * error, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("effects", [[[1.0, 1.0, 1.0]] * 2, [[1.0, 1.2, 1.4]] * 2])
def test_nothing_to_target_is_found_by_chance_alone(effects):
    found = design(effects=effects, cost=[0, 1, 2], rows=[900, 3000], n_simulations=400)
    # A one-sided level of 2.5 %, by 400 experiments of two sizes.
    assert found.by_rows.power.max() < 0.06


def test_nothing_to_target_is_told():
    found = design(effects=[[1.0, 1.2]] * 2, rows=[900], n_simulations=10)
    assert found.possible_gain == pytest.approx(0, abs=1e-12)
    assert found.rows_needed(0.01) is None
    assert "There is nothing to target" in found.sentences()[0]


def test_rows_are_tried_around_those_that_a_z_test_asks_for():
    needed = (1.96 + 0.8416) ** 2 * (2.0**2 + 0.4**2 / 8) / 0.1**2
    rows = design(n_simulations=10).by_rows.rows
    # Half of the rows judge, and numbers are rounded up to two digits.
    assert_allclose(rows, 2 * needed * 2.0 ** np.arange(-2, 4), rtol=0.07)


def test_power_and_gain_rise_with_rows(pair):
    powers = pair.by_rows.power
    assert powers[0] < 0.5 < powers[-1]
    assert (np.diff(powers) > -2 * pair.by_rows.power_se[1:]).all()
    assert (np.diff(pair.by_rows.gain) > -3 * pair.by_rows.gain_se[:-1]).all()
    assert (pair.by_rows.gain <= pair.possible_gain + 1e-3).all()
    assert (np.diff(pair.by_rows.width) < 0).all()
    low, needed, high = (pair.rows_needed(power) for power in (0.7, 0.8, 0.9))
    assert low < needed < high
    # The closed form asks for 6,300 rows.
    assert needed == pytest.approx(6300, rel=0.4)


def test_more_than_the_largest_tried_is_said(pair):
    found = design(rows=[400, 600])
    assert found.rows_needed() is None
    assert str(found).startswith("More than 600 rows, the largest number tried, are needed")
    assert found.held_back(0.1, 100).sentences()[1].endswith("than the largest number tried.")
    assert pair.rows_needed(0.01) == pair.by_rows.rows[0]
    assert pair.sentences(0.01)[0].startswith("Already with ")


@pytest.mark.slow
def test_folds_tell_more_than_halves(pair):
    rows = pair.by_rows.rows[1:3]
    folds, halves = (design(rows=rows, cv=cv, n_simulations=200) for cv in (5, None))
    assert (folds.by_rows.power > halves.by_rows.power).all()
    assert "in 5 folds" in str(folds)


@pytest.mark.slow
def test_zeros_and_a_tail_ask_for_the_rows_of_their_deviation():
    heavy = design(zeros=0.5, rows=[6400], n_simulations=200)
    assert heavy.by_rows.power[0] == pytest.approx(0.8, abs=0.12)
    orders = {"effects": [[0.2, 0.2], [0.2, 0.3]], "noise": "chance"}
    chance = design(**orders, rows=[6000], n_simulations=20)
    deviation = np.sqrt(np.mean([0.16, 0.16, 0.16, 0.21]))
    assert chance.by_rows.width[0] == pytest.approx(2 * 1.96 * deviation / np.sqrt(3000), rel=0.03)


def test_a_seed_gives_the_same_design():
    first, second = (design(rows=[500], n_simulations=10) for _ in range(2))
    assert_array_equal(first.by_rows.width, second.by_rows.width)
    other = design(rows=[500], n_simulations=10, random_state=1)
    assert first.by_rows.width[0] != other.by_rows.width[0]


def test_names_of_arms_and_rows_of_arms():
    effects = pd.DataFrame({"none": [1.0, 1.0], "mail": [1.0, 1.4]})
    shares = {"mail": 0.25, "none": 0.75}
    found = design(
        effects=effects, cost={"mail": 1, "none": 0}, control="none", arm_shares=shares, rows=[800]
    )
    assert found.arm_rows(800) == {"none": 600, "mail": 200}
    assert (found.control, found.best_arm.treatment, found.best_arm.share) == ("none", "mail", 0.5)
    assert "mail for 50 % of individuals" in str(found)


# Random shares.


def test_random_share_by_hand(pair):
    # The plan brings 0.2 and costs 0.5. A coin between the arms brings 0.1 at the same cost.
    table = pair.held_back([0.02, 0.1], 1000).by_share
    assert_allclose(table.lost, [0.002, 0.01])
    assert_allclose(table.lost_share, [0.01, 0.05])
    assert_allclose(table.total_lost, [2, 10])
    assert_allclose(table.saved, 0.0, atol=1e-12)
    assert_array_equal(table.lost_se, 0.0)
    assert_array_equal(table.rows, [20, 100])
    assert_allclose(table.periods, pair.rows_needed() / np.array([20, 100]))


def test_random_share_of_a_pilot_has_an_error(pilot):
    found = of_pilot(pilot).held_back(0.05, 2000)
    assert found.by_share.lost_se[0] > 0
    assert found.to_frame().shape == (1, 10)
    assert re.search(r"\d \+- \d", str(found))


# Pilots.


def test_a_pilot_gives_clusters_estimates_and_budget(pilot):
    found = of_pilot(pilot)
    assert (found.n_clusters, found.budget, found.from_pilot) == (3, 0.4, True)
    assert found.by_rows.gain[-1] <= found.possible_gain
    assert "estimates of the pilot are taken for true" in str(found)
    drawn = of_pilot(pilot, draw_effects=True)
    assert "drawn anew" in str(drawn)
    assert drawn.by_rows.gain_se[-1] > found.by_rows.gain_se[-1]


def test_raw_estimates_are_shrunken(pilot):
    raw = of_pilot(pilot, ClusterBudgetAllocator(0.4, estimation="raw"))
    pooled = of_pilot(pilot)
    assert raw.possible_gain == pytest.approx(pooled.possible_gain, rel=1e-9)


def test_groups_count_for_less(pilot):
    X, given = pilot
    twice = np.repeat(X, 2, axis=0), {name: np.repeat(v, 2) for name, v in given.items()}
    found = of_pilot(twice, groups=np.arange(3000) // 2, rows=[2000])
    # Each row stands there twice.
    assert found.design_effect == pytest.approx(2.0)
    assert "2 rows are worth one independent row" in str(found)
    alone = of_pilot(twice, rows=[1000, 2000])
    assert found.by_rows.width[0] == pytest.approx(alone.by_rows.width[0], rel=0.1)


def test_design_effect_by_hand():
    residual, arm = np.array([1.0, 1.0, -1.0, -1.0]), np.zeros(4, dtype=int)
    everyone = np.ones(4, dtype=bool)
    assert _design_effect(residual, np.array([0, 0, 1, 1]), arm, everyone) == 2.0
    assert _design_effect(residual, np.array([0, 1, 0, 1]), arm, everyone) == 1.0
    apart = np.array([0, 1, 0, 1])
    assert _design_effect(residual, np.array([0, 0, 1, 1]), apart, everyone) == 1.0


def test_values_have_the_chances_of_their_weights():
    values = _equal_chances(np.array([[0.0, 0.0], [4.0, 1.0]]), np.array([3.0, 1.0]))
    assert_allclose(np.unique(values[:, 0]), [-1.0, 3.0])
    assert (values[:, 0] > 0).mean() == 0.25


def test_what_the_policy_keeps_is_named(pilot):
    policy = ClusterBudgetAllocator(0.4, rules=[MaxShare(1, 0.9)])
    found = of_pilot(pilot, policy)
    assert "without the rules of the policy" in str(found)


def test_figures_in_a_notebook_and_as_text(pair):
    assert "<table>" in pair._repr_html_()
    assert f"{pair.by_rows.rows[0]:,}" in pair._repr_html_()
    assert repr(pair).startswith("ExperimentDesign(rows=")
    assert pair.to_frame().shape == (len(pair.by_rows.rows), 8)


@pytest.mark.slow
def test_the_page_prints_what_it_says(capsys):
    text = PAGE.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    (printed,) = re.findall(r"```text\n(.*?)```", text, re.S)
    exec(compile(code, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.split() == printed.split()


# Bad input.


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"effects": None}, "policy of a pilot is expected, or effects .* got neither"),
        ({"policy": ClusterBudgetAllocator()}, "got both"),
        ({"X": [[1]]}, "X is expected to be None where effects is given"),
        ({"noise": None}, "noise is expected where effects is given"),
        ({"effects": [[1.0], [2.0]]}, "effects is expected .* at least two arms"),
        ({"effects": [1.0, 2.0]}, "effects is expected .* at least two arms"),
        ({"sizes": [1, 2, 3]}, "sizes is expected to have a share .* 2 segments"),
        ({"sizes": [1, -1]}, "sizes is expected to have a share of at least 0"),
        ({"cost": None}, "cost is expected to have the mean cost of each arm"),
        ({"cost": [1.0]}, "cost is expected to have the shape of effects"),
        ({"budget": None}, "budget is expected where effects is given"),
        ({"control": 7}, "control is expected to be one of"),
        ({"effects": pd.DataFrame({"a": [1, 1], "b": [1, 2]})}, "control is expected to name"),
        ({"noise": -1.0}, "noise is expected to be a positive standard deviation"),
        ({"noise": "normal"}, 'noise is expected to be a standard deviation, or "chance"'),
        ({"noise": "chance"}, "effects is expected to hold chances between 0 and 1"),
        ({"noise": [1, 2, 3]}, "noise is expected to be a number, or to have the shape"),
        ({"zeros": 1.0}, "zeros is expected to be in"),
        ({"zeros": 0.99}, "noise is expected to be at least .* got 2"),
        ({"arm_shares": [0.5, 0.4]}, "arm_shares is expected .* the total 1"),
        ({"arm_shares": [0.99, 0.01]}, "arm_shares is expected to give every arm at least 0.1"),
        ({"rows": [10]}, "rows is expected to hold whole numbers of at least 40"),
        ({"rows": [100.5]}, "rows is expected to hold whole numbers"),
        ({"rows": []}, "rows is expected to hold whole numbers"),
    ],
)
def test_bad_input(parameters, words):
    with pytest.raises(ValueError, match=words):
        design(**parameters)


def test_a_budget_below_the_cheapest_plan():
    with pytest.raises(BudgetError, match="budget is expected to be at least .* 0.5, got 0.4"):
        design(cost=[0.5, 1], budget=0.4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: d.rows_needed(1.0), "power is expected to be between 0 and 1"),
        (lambda d: d.arm_rows(0), "rows is expected to be a whole number of at least 1"),
        (lambda d: d.at_rows("luck", 1000), "name is expected to be one of"),
        (lambda d: d.at_rows("gain", 1), "rows is expected to be a whole number from"),
        (lambda d: d.held_back(1.0, 10), "random_share is expected to hold shares between"),
        (lambda d: d.held_back(0.1, 0), "n_individuals is expected to be a whole number"),
    ],
)
def test_bad_questions(pair, call, words):
    with pytest.raises(ValueError, match=words):
        call(pair)
