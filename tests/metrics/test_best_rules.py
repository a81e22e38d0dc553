"""The best single arm and the best mix of arms, with hindsight and on other rows."""

import numpy as np
import pytest
from helpers.evaluation_cases import METHODS, curve_case, random_case, random_policy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linprog
from sklearn.model_selection import LeaveOneGroupOut

from sklearn_hrc.metrics import best_mix, best_single_arm, budget_curve, policy_value
from sklearn_hrc.metrics._curves import gain_at_spend
from sklearn_hrc.metrics._shares import mix_shares, single_arm_shares

RULES = [best_single_arm, best_mix]
seeds = st.integers(0, 2**32 - 1)


def four_arms():
    """Two rows of each of four arms, whose means are plain numbers."""
    treatment = np.repeat([0, 1, 2, 3], 2)
    return {
        "y": np.repeat([0.0, 2.0, 3.0, -1.0], 2),
        "treatment": treatment,
        "cost": np.repeat([1.0, 2.0, 5.0, 1.5], 2),
        "control": 0,
    }


def noisy(seed, n=300, groups=None):
    """Three arms that do nothing, whose prices are known."""
    rng = np.random.default_rng(seed)
    return {
        "y": rng.normal(size=n),
        "treatment": rng.integers(0, 3, n),
        "arm_cost": [0.0, 1.0, 2.0],
        "control": 0,
    }


# Shares


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_mix_is_the_linear_programme(seed):
    rng = np.random.default_rng(seed)
    points = np.round(rng.normal(size=(5, 2)), 1)
    points[0] = 0
    spend = np.abs(np.round(rng.normal(size=4), 1))
    shares = mix_shares(points, spend)
    assert_allclose(shares.sum(axis=1), 1)
    assert (shares >= 0).all()
    assert (shares @ points[:, 1] <= spend + 1e-9).all()
    assert ((shares > 0).sum(axis=1) <= 2).all()
    for at, gain in zip(spend, shares @ points[:, 0]):
        best = linprog(-points[:, 0], points[None, :, 1], [at], np.ones((1, 5)), [1.0])
        assert gain == pytest.approx(-best.fun, abs=1e-9)


def test_single_arm_shares_by_hand():
    points = np.array([[0.0, 0.0], [2.0, 1.0], [3.0, 4.0], [-1.0, -0.5]])
    shares, best = single_arm_shares(points, np.array([0.0, 0.5, 4.0]), 0)
    assert_array_equal(best[1:], [1, 2])
    assert_allclose(shares[1:], [[0.5, 0.5, 0, 0], [0, 0, 1, 0]])
    assert shares[0] @ points[:, 0] == 0


# With hindsight


def test_rules_by_hand():
    rows = four_arms()
    mix = best_mix([0.0, 0.5, 2.5, 9.0], **rows, cv=None)
    assert_allclose(mix.gain, [0, 1, 2.5, 3])
    assert_allclose(mix.shares, [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 1, 0]])
    assert_allclose(mix.spend, [0, 0.5, 2.5, 4])
    assert_allclose(mix.cost, [1, 1.5, 3.5, 5])
    assert mix.gain_se is None
    single = best_single_arm([0.5, 2.5], **rows)
    assert_allclose(single.gain, [1, 2])
    assert_allclose(single.shares, [[0.5, 0.5, 0, 0], [0, 1, 0, 0]])


def test_best_single_arm_by_hand():
    y, treatment = [0.0, 0.0, 2.0, 2.0, 3.0, 3.0, -1.0, -1.0], [0, 0, 1, 1, 2, 2, 3, 3]
    cost = [0.0, 0.0, 1.0, 1.0, 4.0, 4.0, 0.5, 0.5]
    best = best_single_arm(
        [0.0, 0.5, 1.0, 2.0, 4.0, 9.0], y, treatment=treatment, cost=cost, control=0
    )
    assert_allclose(best.gain, [0, 1, 2, 2, 3, 3])
    assert_array_equal(best.treatment[1:], [1, 1, 1, 2, 2])


def test_best_single_arm_gives_a_free_arm_to_everyone():
    best = best_single_arm(
        [0.0], [0.0, 5.0, 1.0], treatment=["no", "mail", "call"], cost=[0, 0, 1], control="no"
    )
    assert (best.gain[0], best.treatment[0]) == (5.0, "mail")


@settings(max_examples=40, deadline=None)
@given(seed=seeds, spend=hnp.arrays(float, 7, elements=st.floats(0, 5)))
def test_best_single_arm_is_the_upper_hull_of_nothing_worse(seed, spend):
    rows = random_policy(seed)
    del rows["arms"]
    best = best_single_arm(np.sort(spend), **rows, control=0)
    assert (best.gain >= 0).all()  # control is one of the arms
    assert (np.diff(best.gain) >= -1e-12).all()
    everyone = budget_curve(np.repeat([[0], [1], [2]], 60, axis=1), **rows, control=0)
    at_max = best_single_arm([max(everyone.spend)], **rows, control=0)
    assert at_max.gain[0] == pytest.approx(everyone.gain.max())


@pytest.mark.parametrize("method", METHODS)
def test_best_single_arm_has_the_gain_of_its_curve(method):
    rows = curve_case(22, method)
    del rows["groups"], rows["arms"]
    best = best_single_arm([0.0, 0.3, 5.0], **rows)
    curves = [budget_curve(np.full((1, 80), arm), **rows) for arm in (0, 1, 2)]
    gains = [gain_at_spend(c.spend, c.gain, np.array([0.0, 0.3, 5.0])) for c in curves]
    assert_allclose(best.gain, np.max(gains, axis=0))


@pytest.mark.parametrize("cv", [None, 2])
@pytest.mark.parametrize("rule", RULES)
def test_budgets_have_what_control_costs(rule, cv):
    rows = {**four_arms(), "cv": cv, "random_state": 0}
    by_spend = rule([0.5, 2.5], **rows)
    by_budget = rule(None, **rows, budgets=[1.5, 3.5])
    for name in ("gain", "spend", "cost", "shares"):
        assert_allclose(by_budget[name], by_spend[name])
    with pytest.raises(ValueError, match=r"^budgets is .* mean cost of control, 1, got 0\.5"):
        rule(None, **rows, budgets=[0.5])
    assert_allclose(rule(None, **rows, budgets=[1.0]).spend, 0)


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_mix_is_never_worse_than_a_single_arm(seed):
    rows = {**random_case(seed, method="hajek"), "control": 0}
    del rows["arms"]
    spend = [0.0, 0.3, 0.8, 3.0]
    mix = best_mix(spend, **rows, cv=None)
    assert (mix.gain >= best_single_arm(spend, **rows).gain - 1e-9).all()
    assert (np.diff(mix.gain) >= -1e-9).all()
    assert (np.diff(mix.gain, 2)[:0] <= 0).all()


# On other rows


def test_rule_of_arms_that_do_nothing_is_flattered_by_hindsight_only():
    hindsight, judged, errors = [], [], []
    for seed in range(150):
        rows = noisy(seed)
        hindsight.append(best_mix([2.0], **rows, cv=None).gain[0])
        mix = best_mix([2.0], **rows, random_state=0)
        judged.append(mix.gain[0])
        errors.append(mix.gain_se[0])
    assert np.mean(hindsight) > 0.04
    assert abs(np.mean(judged)) < 3 * np.std(judged) / np.sqrt(150) + 0.005
    assert np.mean(errors) == pytest.approx(np.std(judged), rel=0.35)


@pytest.mark.parametrize("interval", ["normal", "bootstrap"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rule", RULES)
def test_judged_rules_have_intervals(rule, method, interval):
    rows = {**random_case(4, n=200, method=method), "control": 0, "propensity": None}
    rows["groups"] = np.arange(200) // 2
    del rows["arms"]
    best = rule([0.3, 1.0], **rows, cv=3, interval=interval, n_resamples=40, random_state=0)
    assert best.gain.shape == best.gain_se.shape == best.spend.shape == best.cost.shape == (2,)
    assert best.gain_interval.shape == best.spend_interval.shape == (2, 2)
    assert (best.gain_interval[0] < best.gain).all()
    assert_allclose(best.shares.sum(axis=1), 1)


def test_two_folds_by_hand():
    # In the first fold arm 1 is good, in the second it is bad: each chooses for the other.
    y = np.array([0.0, 4.0, 0.0, -2.0, 0.0, 4.0, 0.0, -2.0])
    treatment = np.array([0, 1, 0, 1] * 2)
    fold = np.array([0, 0, 1, 1] * 2)
    rows = np.arange(8)
    cv = [(rows[fold != k], rows[fold == k]) for k in (0, 1)]
    given = {"treatment": treatment, "arm_cost": [0.0, 1.0], "control": 0}
    best = best_single_arm([1.0], y, **given, cv=cv)
    # Rows of the first get control, those of the second arm 1.
    arms = fold
    value = policy_value(arms, y, treatment=treatment)
    base = policy_value(0 * arms, y, treatment=treatment)
    assert best.gain[0] == pytest.approx(value.response - base.response)
    assert best.spend[0] == pytest.approx(0.5)
    assert best.treatment[0] == 1  # all rows together: +1


def test_rows_of_a_group_are_judged_together():
    rows = noisy(0, n=120)
    groups = np.arange(120) // 2
    alone = best_mix([1.0], **rows, random_state=0)
    grouped = best_mix([1.0], **rows, groups=groups, random_state=0)
    assert alone.gain_se[0] != grouped.gain_se[0]
    again = best_mix([1.0], **rows, groups=groups, random_state=0)
    assert_array_equal(again.gain, grouped.gain)


def test_arm_whose_rows_have_weight_zero_is_no_choice():
    rows = four_arms()
    weight = np.where(rows["treatment"] == 2, 0.0, 1.0)
    mix = best_mix([2.5], **rows, sample_weight=weight, cv=2, random_state=0)
    assert mix.shares[0, 2] == 0
    assert mix.gain[0] == pytest.approx(2)
    weight = np.where(rows["treatment"] == 1, 0.0, 1.0)
    for rule in RULES:
        best = rule([4.0], **rows, sample_weight=weight, cv=2, random_state=0)
        assert_allclose(best.shares, [[0, 0, 1, 0]])
    assert best_single_arm([4.0], **rows, sample_weight=weight).treatment.tolist() == [2]


@pytest.mark.parametrize("rule", RULES)
def test_control_may_cost_more_than_a_budget_on_other_folds(rule):
    rows = four_arms()
    rows["cost"] = rows["cost"] + np.tile([0.0, 0.2], 4)
    order = np.arange(8)
    cv = [(order[k::2], order[1 - k :: 2]) for k in (0, 1)]
    best = rule(None, **rows, budgets=[1.1], cv=cv)
    # The rows of one fold see a budget of 0.1 above control, those of the other none.
    assert 0 < best.spend[0] < 0.1
    assert best.shares[0, 0] == pytest.approx(1)


@pytest.mark.parametrize("cv", [None, 2])
@pytest.mark.parametrize("rule", RULES)
def test_labels_do_not_matter(rule, cv):
    rows = four_arms()
    order = [3, 1, 0, 2]  # of the old arms, when the new labels are sorted
    named = np.array(["c", "b", "d", "a"])[rows["treatment"]]
    best = rule([0.5, 4.0], **rows, cv=cv, random_state=0)
    other = rule([0.5, 4.0], **{**rows, "treatment": named, "control": "c"}, cv=cv, random_state=0)
    for name in ("gain", "spend", "cost"):
        assert_allclose(other[name], best[name])
    assert_allclose(other.shares, best.shares[:, order])


def test_groups_reach_the_folds():
    rows = noisy(1, n=120)
    best = best_mix([1.0], **rows, groups=np.arange(120) // 30, cv=LeaveOneGroupOut())
    assert best.gain_se[0] > 0


@pytest.mark.parametrize("rule", RULES)
def test_budget_of_control_is_enough_in_spite_of_rounding(rule):
    rows = {**four_arms(), "cost": np.tile([0.1, 0.7], 4)}
    assert_allclose(rule(None, **rows, budgets=[0.4 - 1e-12], cv=None).spend, 0, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budgets": [2.0]}, r"^spend is expected to be given, or budgets, .* got both"),
        ({"spend": None}, r"^spend is expected to be given, or budgets, .* got neither"),
        ({"spend": [-1.0]}, r"^spend is expected to be non-negative"),
        ({"spend": None, "budgets": [[2.0]]}, r"^budgets is expected to be one-dimensional"),
        ({"arm_cost": [0, 1, 2, 3]}, r"^arm_cost is expected to be None where cost is given"),
        ({"cost": None}, r"^cost is expected to be given, .* got neither"),
        ({"control": 9}, r"^control is expected to be one of"),
    ],
)
def test_bad_input(rule, change, message):
    with pytest.raises(ValueError, match=message):
        rule(**{"spend": [1.0], **four_arms(), **change})


@pytest.mark.parametrize(
    ("spend", "message"),
    [
        ([[1.0]], r"^spend is expected to be one-dimensional"),
        ([np.nan], r"(?i)spend contains NaN"),
        (1.0, r"^The 'spend' parameter of best_single_arm must be"),
    ],
)
def test_bad_spend(spend, message):
    with pytest.raises(ValueError, match=message):
        best_single_arm(spend, **four_arms())
