"""Errors and intervals: of groups, from resamples, and where rows say nothing of them."""

import numpy as np
import pytest
from helpers.evaluation_cases import METHODS, curve_case, four_rows, random_case, take
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sklearn_hrc.metrics import budget_curve, compare_budget_curves, compare_policies, policy_value

# Random policies of few rows: now and then nobody received an arm that one of them gives.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.OverlapWarning")

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=30, deadline=None)


@pytest.fixture
def rows():
    return four_rows()


# Groups


def test_error_of_groups_by_hand(rows):
    value = policy_value(
        **{**rows, "method": "hajek", "outcomes": None, "groups": ["x", "y", "x", "y"]}
    )
    # w = 2, 0, 4, 4 and the mean 1.8; rows 0 and 2 are one unit.
    errors = [2 * (3 - 1.8) + 4 * (1 - 1.8), 4 * (2 - 1.8)]
    assert value.response_se == pytest.approx(np.sqrt(np.square(errors).sum() * 2) / 10)
    value = policy_value(
        **{**rows, "method": "horvitz-thompson", "outcomes": None, "groups": [7, 8, 7, 9]}
    )
    terms, weights = np.array([6.0, 0.0, 4.0, 8 / 3]), np.array([1.0, 4.0, 1.0, 3.0])
    errors = weights * (terms - 2.0) / 9
    errors = [errors[0] + errors[2], errors[1], errors[3]]
    assert value.response_se == pytest.approx(np.sqrt(np.square(errors).sum() * 3 / 2))


@pytest.mark.parametrize("method", METHODS)
@quick
@given(seed=seeds)
def test_groups_of_one_are_rows(method, seed):
    rows = random_case(seed, method=method)
    alone = policy_value(**{**rows, "groups": None})
    named = policy_value(**{**rows, "groups": np.random.default_rng(seed).permutation(60)})
    for name in alone:
        assert named[name] == pytest.approx(alone[name])


@pytest.mark.parametrize("interval", ["normal", "bootstrap"])
@pytest.mark.parametrize("method", METHODS)
def test_rows_that_come_twice_in_a_group_count_once(method, interval):
    rows = {**random_case(3, method=method), "groups": np.arange(60)}
    twice = take(rows, np.repeat(np.arange(60), 2))
    given = {"interval": interval, "random_state": 0}
    once, again = policy_value(**rows, **given), policy_value(**twice, **given)
    for name in ("response", "response_se", "response_interval", "cost_interval"):
        assert again[name] == pytest.approx(once[name])


@pytest.mark.parametrize("method", METHODS)
@quick
@given(seed=seeds)
def test_rows_of_weight_zero_do_not_count(method, seed):
    rows = random_case(seed, method=method)
    kept = np.random.default_rng(seed).random(60) < 0.7
    kept[:3] = True  # a row of every arm
    rows["groups"][:2] = [0, 1]
    rows["sample_weight"] = rows["sample_weight"] * kept
    given = {"interval": "bootstrap", "n_resamples": 20, "random_state": 0}
    value, other = policy_value(**rows, **given), policy_value(**take(rows, kept), **given)
    for name in value:
        assert value[name] == pytest.approx(other[name])


def household_experiment(rng, n_households=150):
    """Rows of households that share an arm and a level; the truth of "all get 1" is 1."""
    size = rng.integers(1, 6, n_households)
    household = np.repeat(np.arange(n_households), size)
    treatment = rng.integers(0, 2, n_households)[household]
    y = treatment + rng.normal(size=n_households)[household] + rng.normal(size=len(household))
    return {"y": y, "treatment": treatment, "propensity": np.full(len(y), 0.5)}, household


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "interval"),
    [("hajek", "normal"), ("hajek", "bootstrap"), ("doubly-robust", "normal")],
)
def test_intervals_of_groups_cover_at_their_level(method, interval):
    rng = np.random.default_rng(8)
    covered, covered_by_rows, repeats = 0, 0, 400
    for _ in range(repeats):
        rows, household = household_experiment(rng)
        rows = {**rows, "arms": np.ones(len(household), dtype=int), "method": method}
        if method == "doubly-robust":
            rows["outcomes"] = np.tile([0.2, 0.7], (len(household), 1))
        given = {"confidence": 0.9, "n_resamples": 200, "random_state": 0}
        low, high = policy_value(
            **rows, groups=household, interval=interval, **given
        ).response_interval
        covered += low < 1 < high
        low, high = policy_value(**rows, **given).response_interval
        covered_by_rows += low < 1 < high
    # Three binomial errors and a little for the normal and the ratio.
    assert abs(covered / repeats - 0.9) < 3 * np.sqrt(0.9 * 0.1 / repeats) + 0.01
    # Rows of one household are not independent: to take them so covers too little.
    assert covered_by_rows / repeats < 0.85


# Resamples


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_bootstrap_is_the_value_on_resampled_rows(method, grouped):
    rows = random_case(5, method=method)
    groups = rows.pop("groups") if grouped else np.arange(60)
    rows.pop("groups", None)
    value = policy_value(
        **rows,
        groups=groups if grouped else None,
        interval="bootstrap",
        confidence=0.8,
        n_resamples=50,
        random_state=7,
    )
    random_state = np.random.RandomState(7)
    units = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    draws = []
    for _ in range(50):
        drawn = random_state.randint(len(units), size=len(units))
        again = policy_value(**take(rows, np.concatenate([units[i] for i in drawn])))
        draws.append([again.response, again.cost])
    bounds = np.percentile(draws, [10, 90], axis=0)
    assert value.response_interval == pytest.approx(tuple(bounds[:, 0]))
    assert value.cost_interval == pytest.approx(tuple(bounds[:, 1]))


def test_resamples_do_not_depend_on_batches(monkeypatch):
    rows = random_case(6, method="hajek")
    given = {"interval": "bootstrap", "n_resamples": 30, "random_state": 0}
    value = policy_value(**rows, **given)
    monkeypatch.setattr("sklearn_hrc.metrics._intervals._BATCH", 50)
    assert policy_value(**rows, **given) == value


def test_resamples_in_which_nobody_matches_are_left_out():
    # Only the first two rows match, and 6 % of the resamples are without them.
    value = policy_value(
        [1, 1, 1, 1],
        [5.0, 5.0, 0, 0],
        treatment=[1, 1, 0, 0],
        interval="bootstrap",
        random_state=0,
    )
    assert value.response_interval == (5, 5)


def test_intervals_of_several_outcomes_are_those_one_by_one():
    rows = random_case(7)
    outcomes = rows.pop("outcomes")
    columns = np.column_stack([rows.pop("y"), np.arange(60.0)])
    expected = np.dstack([outcomes[..., 0], outcomes[..., 0] ** 2, outcomes[..., 1]])
    for interval in ("normal", "bootstrap"):
        given = {**rows, "interval": interval, "random_state": 0}
        both = policy_value(y=columns, outcomes=expected, **given)
        assert both.response_interval.shape == (2, 2)
        for j in range(2):
            single = policy_value(y=columns[:, j], outcomes=expected[..., [j, 2]], **given)
            assert_allclose(both.response_interval[:, j], single.response_interval)
            assert both.cost_interval == pytest.approx(single.cost_interval)


# Resampled curves


@pytest.mark.parametrize("lacking", ["control", "dearest", "assigned"])
def test_resamples_without_an_arm_are_left_out(lacking):
    rng = np.random.default_rng(20)
    rare = {"control": 0, "assigned": 1, "dearest": 2}[lacking]
    treatment = np.r_[np.repeat(np.setdiff1d([0, 1, 2], rare), 30), rare, rare]
    rows = {
        "y": treatment + 0.1 * rng.normal(size=62),
        "treatment": treatment,
        "cost": treatment + 0.1 * rng.uniform(size=62) * (treatment > 0),
        "propensity": np.full(62, 0.3),
    }
    arms = np.full((1, 62), 1)
    given = {"control": 0, "confidence": 0.5, "n_resamples": 60, "random_state": 5}
    assert budget_curve(arms, **rows, control=0).area_interval is None
    curve = budget_curve(arms, **rows, interval="bootstrap", **given)
    random_state, areas = np.random.RandomState(5), []
    for _ in range(60):
        index = random_state.randint(62, size=62)
        if len(np.unique(treatment[index])) == 3:
            areas.append(budget_curve(arms[:, index], **take(rows, index), control=0).area)
    assert 20 < len(areas) < 60
    assert_allclose(curve.area_interval, np.percentile(areas, [25, 75]))


def test_without_a_complete_resample_there_is_no_interval():
    treatment, random_state = np.array([0, 0, 1, 1]), np.random.RandomState(46)
    for _ in range(2):
        assert len(np.unique(treatment[random_state.randint(4, size=4)])) == 1
    rows = {"treatment": treatment, "cost": treatment, "control": 0}
    curve = budget_curve(
        [[1, 1, 1, 1]],
        [0.0, 1.0, 2.0, 4.0],
        **rows,
        interval="bootstrap",
        n_resamples=2,
        random_state=46,
    )
    assert curve.gain_se[0] > 0
    assert np.isnan([curve.gain_interval, curve.spend_interval]).all()
    assert np.isnan(curve.area_interval).all()


def test_the_dearest_arm_is_any_of_them():
    rows = curve_case(24)
    given = {"interval": "bootstrap", "n_resamples": 20, "random_state": 0}
    curve = budget_curve(**rows, **given)
    named = np.array(["none", "call", "mail"])  # in another order when sorted
    other = {**rows, **{name: named[rows[name]] for name in ("arms", "treatment", "control")}}
    assert_allclose(budget_curve(**other, **given).area_interval, curve.area_interval)


def test_arm_without_weight_is_not_the_dearest():
    rows = curve_case(21)
    weight = np.where(rows["treatment"] == 1, 0, rows["sample_weight"])
    rows = {**rows, "sample_weight": weight, "arms": rows["arms"] // 2 * 2}
    given = {"interval": "bootstrap", "n_resamples": 20, "random_state": 0}
    kept = weight > 0
    arms = rows.pop("arms")
    without = {**take(rows, kept), "arms": arms[:, kept]}
    rows["arms"] = arms
    curve, other = budget_curve(**rows, **given), budget_curve(**without, **given)
    assert_allclose(curve.area_interval, other.area_interval)
    assert_allclose(curve.gain_interval, other.gain_interval)


# A single match


@pytest.mark.parametrize("interval", ["normal", "bootstrap"])
@pytest.mark.parametrize("groups", [None, [0, 1, 2, 3]])
def test_a_single_match_has_no_error(groups, interval):
    rows = {"treatment": [1, 0, 0, 0], "groups": groups, "interval": interval, "random_state": 0}
    value = policy_value([1, 1, 1, 1], [5.0, 0, 0, 0], **rows)
    assert value.response == 5
    assert np.isnan([value.response_se, *value.response_interval]).all()


def test_a_single_matched_group_has_no_error():
    rows = {"treatment": [1, 1, 0, 0], "groups": [7, 7, 8, 9], "interval": "bootstrap"}
    value = policy_value([1, 1, 1, 1], [5.0, 3.0, 0, 0], random_state=0, **rows)
    assert np.isnan([value.response_se, *value.response_interval]).all()


@pytest.mark.parametrize("interval", ["normal", "bootstrap"])
def test_a_single_match_of_either_policy_leaves_no_error_to_the_difference(interval):
    # Many rows match the control, one the arm: its own noise is in no residual.
    treatment = np.r_[1, np.zeros(20, int)]
    rows = {"treatment": treatment, "interval": interval, "random_state": 0, "n_resamples": 50}
    y, ones = np.arange(21.0), np.ones(21, dtype=int)
    difference = compare_policies(ones, 0 * ones, y, **rows)
    assert np.isnan([difference.response_se, *difference.response_interval]).all()
    curve = budget_curve([ones, 0 * ones], y, cost=1.0 * treatment, control=0, **rows)
    for name in ("gain", "spend"):
        assert np.isnan([curve[f"{name}_se"][0], *curve[f"{name}_interval"][:, 0]]).all()
    assert curve.gain_se[1] == 0
    assert_allclose(curve.gain_interval[:, 1], 0)
    if interval == "bootstrap":
        assert np.isnan(curve.area_interval).all()
        del rows["interval"]
        both = compare_budget_curves(
            [ones], [0 * ones], y, cost=1.0 * treatment, control=0, spend=[0.5], **rows
        )
        assert np.isnan(both.gain_difference_interval).all()
        assert np.isnan(both.area_difference_interval).all()
