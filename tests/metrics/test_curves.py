"""Budget curves of one policy: points, areas, errors and intervals."""

import itertools

import numpy as np
import pytest
from helpers.evaluation_cases import (
    METHODS,
    assert_same,
    curve_case,
    permuted,
    random_policy,
    random_rows,
    targeted,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.stats import norm

from sklearn_hrc.datasets import make_coupon_experiment, oracle_policy_value
from sklearn_hrc.metrics import best_single_arm, budget_curve, compare_policies, policy_value
from sklearn_hrc.metrics._curves import area_under_curve, gain_at_spend

# Random policies of few rows: now and then nobody received an arm that one of them gives.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.OverlapWarning")

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=30, deadline=None)

# By hand


def test_budget_curve_by_hand():
    y, treatment = [1.0, 3.0, 2.0, 8.0], [0, 0, 1, 1]
    rows = {"treatment": treatment, "cost": [0.0, 0.0, 1.0, 3.0], "control": 0}
    curve = budget_curve([[0, 0, 0, 0], [0, 0, 1, 0], [1, 1, 1, 1]], y, **rows)
    # The second matches in rows 0 to 2, each of weight 2.
    assert_allclose(curve.spend, [0, 1 / 3, 2])
    assert_allclose(curve.gain, [0, 2 - 2, 5 - 2])
    base = np.array([-1, 1, 0, 0]) / 2
    own = np.array([[1 - 2, 3 - 2, 2 - 2, 0], [0, 0, -3 * 1.5, 3 * 1.5]]) / 3
    variance = ((own - base) ** 2).sum(axis=1)
    # Three rows match the second or the control, four the third.
    assert_allclose(curve.gain_se, [0, *np.sqrt(variance * [3 / 2, 4 / 3])])
    assert curve.max_spend == 2
    # Nothing up to 1/3, then a line to (2, 3).
    assert curve.area == pytest.approx((2 - 1 / 3) * 3 / 2 / 2)


def test_arm_whose_rows_all_have_weight_zero():
    rows = {"treatment": [0, 0, 1, 2], "cost": [0, 0, 1, 2], "sample_weight": [1, 1, 1, 0]}
    y = [1.0, 3.0, 4.0, 9.0]
    assert policy_value([0, 0, 0, 0], y, **rows).response == 2
    curve = budget_curve([[1, 1, 1, 1]], y, **rows, control=0)
    assert (curve.gain[0], curve.max_spend, curve.area) == (2, 1, 1)
    assert best_single_arm([5.0], y, **rows, control=0).treatment[0] == 1
    with pytest.raises(ValueError, match=r"^arms is expected to agree with treatment"):
        policy_value([2, 2, 2, 2], y, **rows)
    with pytest.raises(ValueError, match=r"^control is expected to be one of .* got 2\.$"):
        budget_curve([[1, 1, 1, 1]], y, **rows, control=2)


def test_control_is_found_beside_an_arm_without_weight():
    rows = {
        "treatment": [0, 1, 1, 2, 2],
        "cost": [5.0, 1, 1, 2, 2],
        "sample_weight": [0, 1, 1, 1, 1],
    }
    curve = budget_curve([[2] * 5], [9.0, 1, 3, 4, 8], **rows, control=1)
    assert (curve.gain[0], curve.spend[0], curve.max_spend) == (4, 1, 1)


@pytest.mark.parametrize(
    ("spend", "gain", "max_spend", "area"),
    [
        ([2.0], [6.0], 2.0, 3.0),  # a triangle
        ([1.0], [6.0], 4.0, (3 + 18) / 4),  # flat after the last point
        ([1.0, 2.0], [1.0, 0.0], 2.0, 0.5),  # a tent
        ([4.0], [4.0], 2.0, 1.0),  # cut off at the end of the range
        ([1.0, 1.0], [2.0, 4.0], 1.0, 1.5),  # the mean where spends coincide
        ([-1.0, 0.0, 1.0], [4.0, 9.0, 2.0], 1.0, 5.5),  # the best of what costs nothing
        ([0.0], [9.0], 1.0, 9.0),
        ([-1.0, 1.0], [-3.0, 2.0], 1.0, 1.0),  # nobody has to save
        ([0.0, 1.0], [-3.0, 2.0], 1.0, 1.0),  # nor to take what is free and harms
        ([1.0], [2.0], 0.0, 0.0),  # nothing to spend
        ([1.0], [2.0], -1.0, 0.0),
    ],
)
def test_area_in_closed_form(spend, gain, max_spend, area):
    assert area_under_curve(np.array(spend), np.array(gain), max_spend) == pytest.approx(area)


# By another formula


def test_gain_over_control_is_a_coefficient_of_least_squares():
    # All of one arm against control: a regression on the arm, by row.
    rng = np.random.default_rng(1)
    rows = random_rows(rng, n_arms=2)
    curve = budget_curve([np.ones(60, dtype=int)], control=0, **rows)
    design = np.column_stack([np.ones(60), rows["treatment"]])
    weight = rows["sample_weight"] / rows["propensity"]
    bread = np.linalg.inv(design.T @ (weight[:, None] * design))
    coefficient = bread @ design.T @ (weight * rows["y"])
    scores = design * (weight * (rows["y"] - design @ coefficient))[:, None]
    covariance = bread @ scores.T @ scores @ bread
    assert_allclose(curve.gain, coefficient[1])
    assert_allclose(curve.gain_se, np.sqrt(covariance[1, 1] * 60 / 59))


def test_error_of_the_gain_is_that_of_the_bootstrap():
    rng = np.random.default_rng(3)
    rows = {"arms": rng.integers(0, 3, (1, 400)), **random_rows(rng, n=400)}
    curve = budget_curve(**rows, control=0)
    again = [
        budget_curve(**permuted(rows, rng.integers(0, 400, 400)), control=0) for _ in range(500)
    ]
    for name in ("gain", "spend"):
        spread = np.std([draw[name][0] for draw in again])
        assert curve[f"{name}_se"][0] == pytest.approx(spread, rel=0.12)


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(0.01, 10), st.floats(-5, 5)), min_size=1, max_size=6),
    max_spend=st.floats(0.1, 12),
)
def test_area_is_the_integral_of_the_curve(points, max_spend):
    knots = dict(points)  # one gain for each spend
    spend = np.array(sorted(knots))
    gain = np.array([knots[x] for x in spend])

    def curve(x):
        return np.interp(x, np.r_[0, spend], np.r_[0, gain])

    pieces = np.unique(np.clip(np.r_[0, spend, max_spend], 0, max_spend))
    expected = sum(quad(curve, a, b)[0] for a, b in itertools.pairwise(pieces)) / max_spend
    assert area_under_curve(spend, gain, max_spend) == pytest.approx(expected, abs=1e-9)


@quick
@given(seed=seeds)
def test_gain_at_spend_is_an_interpolation(seed):
    rng = np.random.default_rng(seed)
    spend, gain = rng.permutation(np.arange(1, 7)) / 3, rng.normal(size=6)
    at, order = rng.uniform(0, 3, 5), np.argsort(spend)
    expected = np.interp(at, np.r_[0, spend[order]], np.r_[0, gain[order]])
    assert_allclose(gain_at_spend(spend, gain, at), expected)


@pytest.mark.parametrize("method", METHODS)
def test_points_of_a_curve_are_differences_of_policies(method):
    rows = curve_case(12, method)
    for interval in ("normal", "bootstrap"):
        curve = budget_curve(**rows, interval=interval, n_resamples=40, random_state=0)
        keywords = {name: rows[name] for name in rows if name not in ("arms", "control")}
        for i, arms in enumerate(rows["arms"]):
            difference = compare_policies(arms, np.zeros(80, dtype=int), **keywords)
            assert curve.gain[i] == pytest.approx(difference.response)
            assert curve.gain_se[i] == pytest.approx(difference.response_se)
            assert curve.spend_se[i] == pytest.approx(difference.cost_se)
            if interval == "normal":
                assert_allclose(curve.gain_interval[:, i], difference.response_interval)
                assert_allclose(curve.spend_interval[:, i], difference.cost_interval)
    assert (curve.gain_interval[0] < curve.gain).all()
    assert (curve.gain_interval[1] > curve.gain).all()
    assert curve.area_interval[0] < curve.area < curve.area_interval[1]


# Symmetries


@quick
@given(seed=seeds)
def test_gain_is_a_difference_of_values(seed):
    rows = random_policy(seed)
    arms = rows.pop("arms")
    curve = budget_curve([arms], control=1, **rows)
    value, base = policy_value(arms, **rows), policy_value(np.ones(60, dtype=int), **rows)
    assert curve.gain[0] == pytest.approx(value.response - base.response)
    assert curve.spend[0] == pytest.approx(value.cost - base.cost)


@quick
@given(seed=seeds, shift=st.floats(-50, 50))
def test_curve_does_not_move_with_outcome_or_cost(seed, shift):
    rows = random_policy(seed)
    rows["arms"] = np.stack([rows["arms"], rows["treatment"], np.full(60, 2)])
    moved = {**rows, "y": rows["y"] + shift, "cost": rows["cost"] - shift}
    assert_same(budget_curve(**rows, control=0), budget_curve(**moved, control=0), atol=1e-8)


@quick
@given(seed=seeds)
def test_area_does_not_depend_on_the_order_of_budgets(seed):
    rng = np.random.default_rng(seed)
    rows = {**random_rows(rng), "arms": rng.integers(0, 3, (5, 60))}
    order = rng.permutation(5)
    curve = budget_curve(**rows, control=0)
    other = budget_curve(**{**rows, "arms": rows["arms"][order]}, control=0)
    for name in ("spend", "gain", "spend_se", "gain_se"):
        assert_array_equal(curve[name][order], other[name])
    assert other.area == pytest.approx(curve.area)


# Against the truth


@pytest.fixture(scope="module")
def coupons():
    return make_coupon_experiment(
        30_000, treatment_shares=[0.4, 0.1, 0.2, 0.2, 0.1], amount_effect=0.1, random_state=0
    )


def test_curve_is_near_the_truth(coupons):
    arms = np.stack([targeted(coupons), np.full(30_000, 10), np.zeros(30_000, dtype=int)])
    curve = budget_curve(
        arms,
        coupons.target[:, 0],
        treatment=coupons.treatment,
        cost=coupons.cost,
        control=0,
        propensity=coupons.propensity,
    )
    expected = coupons.expected_response, coupons.expected_cost
    truth = [oracle_policy_value(row, *expected, treatments=coupons.treatments) for row in arms]
    for i in range(2):
        gain, spend = truth[i].response - truth[2].response, truth[i].cost - truth[2].cost
        assert abs(curve.gain[i] - gain) < 3.5 * curve.gain_se[i]
        assert abs(curve.spend[i] - spend) < 3.5 * curve.spend_se[i]
    assert curve.gain[2] == curve.gain_se[2] == curve.spend[2] == 0


@pytest.mark.slow
def test_errors_are_those_of_repeated_experiments():
    gains, errors, truths = [], [], []
    for seed in range(200):
        experiment = make_coupon_experiment(3000, n_treatments=3, random_state=seed)
        arms = np.stack([np.minimum(targeted(experiment), 10), np.zeros(3000, dtype=int)])
        rows = {"treatment": experiment.treatment, "cost": experiment.cost, "control": 0}
        curve = budget_curve(
            arms, experiment.target[:, 0], propensity=experiment.propensity, **rows
        )
        expected = experiment.expected_response, experiment.expected_cost
        value = [
            oracle_policy_value(row, *expected, treatments=experiment.treatments).response
            for row in arms
        ]
        gains.append(curve.gain[0])
        errors.append(curve.gain_se[0])
        truths.append(value[0] - value[1])
    gains, errors, truth = np.array(gains), np.array(errors), np.mean(truths)
    assert np.std(gains) == pytest.approx(errors.mean(), rel=0.15)
    assert abs(gains.mean() - truth) < 3.5 * np.std(gains) / np.sqrt(200)
    covered = (np.abs(gains - truth) < norm.ppf(0.95) * errors).mean()
    assert abs(covered - 0.9) < 3.5 * np.sqrt(0.9 * 0.1 / 200)
