"""Two policies on the same rows: at their spends, and at equal spend."""

import numpy as np
import pytest
from helpers.evaluation_cases import METHODS, curve_case, four_rows, random_case, take
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sklearn_hrc.datasets import make_coupon_experiment, oracle_policy_value
from sklearn_hrc.metrics import budget_curve, compare_budget_curves, compare_policies, policy_value
from sklearn_hrc.metrics._curves import gain_at_spend

# Random policies of few rows: now and then nobody received an arm that one of them gives.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.OverlapWarning")

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=30, deadline=None)


@pytest.fixture
def rows():
    return four_rows()


# Two policies


def test_difference_by_hand(rows):
    rows["other_arms"] = ["a", "a", "a", "a"]
    difference = compare_policies(**rows)
    # Terms of the first as above; of the second 0, 0 + 5 / 0.5 and the same two.
    own, other = np.array([4.0, 4.0]), np.array([0.0, 10.0])
    terms, weights = np.r_[own - other, 0, 0], np.array(rows["sample_weight"])
    mean = (weights * terms).sum() / 9
    assert difference.response == pytest.approx(mean)
    error = np.sqrt(((weights * (terms - mean) / 9) ** 2).sum() * 4 / 3)
    assert difference.response_se == pytest.approx(error)
    assert difference.differing_share == pytest.approx(5 / 9)


@pytest.mark.parametrize("method", METHODS)
@quick
@given(seed=seeds)
def test_difference_is_that_of_the_values(method, seed):
    rows = random_case(seed, method=method)
    arms = rows.pop("arms")
    other_arms = np.random.default_rng(seed).permutation(rows["treatment"])
    other_arms[:3] = [0, 1, 2]
    difference = compare_policies(arms, other_arms, **rows)
    value, other = policy_value(arms, **rows), policy_value(other_arms, **rows)
    for name in ("response", "cost"):
        assert difference[name] == pytest.approx(value[name] - other[name])
    given = {**rows, "interval": "bootstrap", "n_resamples": 20, "random_state": 0}
    for keywords in (rows, given):
        difference = compare_policies(arms, other_arms, **keywords)
        reverse = compare_policies(other_arms, arms, **keywords)
        assert reverse.response == pytest.approx(-difference.response)
        assert reverse.response_se == pytest.approx(difference.response_se)
        low, high = difference.response_interval
        assert reverse.response_interval == pytest.approx((-high, -low))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("interval", ["normal", "bootstrap"])
def test_equal_policies_do_not_differ(method, interval):
    rows = {**random_case(10, method=method), "interval": interval}
    difference = compare_policies(other_arms=rows["arms"], **rows)
    assert (difference.response, difference.response_se, difference.cost_se) == (0, 0, 0)
    assert difference.response_interval == (0, 0)
    assert difference.differing_share == 0


@pytest.mark.filterwarnings("ignore:propensity is expected to be the probability of the arm")
def test_error_of_the_difference_is_that_of_the_paired_bootstrap():
    rng = np.random.default_rng(11)
    rows = random_case(11, n=400, method="hajek")
    del rows["groups"]
    rows["other_arms"] = np.where(rng.random(400) < 0.8, rows["arms"], rows["treatment"])
    difference = compare_policies(**rows)
    again = [compare_policies(**take(rows, rng.integers(0, 400, 400))) for _ in range(500)]
    for name in ("response", "cost"):
        spread = np.std([draw[name] for draw in again])
        assert difference[f"{name}_se"] == pytest.approx(spread, rel=0.12)
    alone = policy_value(**{name: rows[name] for name in rows if name != "other_arms"})
    assert difference.response_se < alone.response_se


# Curves


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_bootstrap_of_curves_is_the_curve_on_resampled_rows(method, grouped):
    rows = curve_case(13, method)
    groups = rows.pop("groups")
    groups = groups if grouped else None
    units = np.arange(80) if groups is None else groups
    members = [np.flatnonzero(units == unit) for unit in np.unique(units)]
    rows["other_arms"] = np.full((1, 80), 2)
    spend = np.array([0.1, 0.3, 5.0])
    given = {"n_resamples": 40, "random_state": 3, "confidence": 0.8}
    both = compare_budget_curves(**rows, groups=groups, spend=spend, **given)
    others = rows.pop("other_arms")
    one = budget_curve(**rows, groups=groups, interval="bootstrap", **given)
    random_state = np.random.RandomState(3)
    draws = {name: [] for name in ("gain", "spend", "area", "difference", "area_difference")}
    for _ in range(40):
        drawn = random_state.randint(len(members), size=len(members))
        index = np.concatenate([members[i] for i in drawn])
        keywords = take({name: rows[name] for name in rows if name != "arms"}, index)
        curve = budget_curve(rows["arms"][:, index], **keywords)
        other = budget_curve(others[:, index], **keywords)
        for name in ("gain", "spend", "area"):
            draws[name].append(curve[name])
        at_spend = [gain_at_spend(c.spend, c.gain, spend) for c in (curve, other)]
        draws["difference"].append(at_spend[0] - at_spend[1])
        draws["area_difference"].append(curve.area - other.area)
    bounds = {name: np.percentile(draw, [10, 90], axis=0) for name, draw in draws.items()}
    assert_allclose(one.gain_interval, bounds["gain"])
    assert_allclose(one.spend_interval, bounds["spend"])
    assert_allclose(one.area_interval, bounds["area"])
    assert_allclose(both.gain_difference_interval, bounds["difference"])
    assert_allclose(both.area_difference_interval, bounds["area_difference"])


@pytest.mark.parametrize("price", [-0.01, 0.0, 0.01])
def test_an_arm_that_costs_nothing_is_where_the_curve_starts(price):
    y, treatment = [0.0, 0, 1, 1, 1.2, 1.2], [0, 0, 1, 1, 2, 2]
    rows = {"treatment": treatment, "cost": [0, 0, price, price, 1, 1], "control": 0}
    curve = budget_curve([[1] * 6, [2] * 6], y, **rows)
    # From (0, 1) to (1, 1.2), whatever the sign of a tiny price.
    assert curve.area == pytest.approx(1.1, abs=0.01)
    difference = compare_budget_curves(
        [[1] * 6, [2] * 6], [[2] * 6], y, spend=[0.5], n_resamples=2, random_state=0, **rows
    )
    assert difference.gain[0] == pytest.approx(1.1, abs=0.01)
    assert difference.other_gain[0] == pytest.approx(0.6)


def test_curves_at_equal_spend_by_hand():
    y, treatment = [1.0, 3.0, 2.0, 8.0], [0, 0, 1, 1]
    rows = {"treatment": treatment, "cost": [0.0, 0.0, 1.0, 3.0], "control": 0, "random_state": 0}
    # Points (1/3, 0) and (2, 3), as in the test of the curve; beside (2, 3) alone.
    difference = compare_budget_curves(
        [[0, 0, 1, 0], [1, 1, 1, 1]], [[1, 1, 1, 1]], y, spend=[0, 1 / 3, 1, 2, 3], **rows
    )
    assert_allclose(difference.gain, [0, 0, 3 * (2 / 3) / (5 / 3), 3, 3])
    assert_allclose(difference.other_gain, [0, 0.5, 1.5, 3, 3])
    assert_allclose(difference.gain_difference, difference.gain - difference.other_gain)
    assert difference.area_difference == pytest.approx((2 - 1 / 3) * 3 / 2 / 2 - 1.5)
    assert_allclose(difference.gain_difference_interval[:, 0], 0)
    default = compare_budget_curves([[0, 0, 1, 0]], [[1, 1, 1, 1]], y, **rows)
    assert_allclose(default.spend, np.arange(1, 11) / 30)


def test_a_curve_beside_itself_and_the_other_way_round():
    rows = curve_case(14)
    same = compare_budget_curves(other_arms=rows["arms"][::-1], **rows, n_resamples=20)
    assert_allclose(same.gain_difference, 0, atol=1e-12)
    assert_allclose(same.gain_difference_interval, 0, atol=1e-12)
    arms, other_arms = rows.pop("arms"), np.full((1, 80), 1)
    given = {"n_resamples": 20, "random_state": 0, "spend": [0.2, 0.4]}
    difference = compare_budget_curves(arms, other_arms, **rows, **given)
    reverse = compare_budget_curves(other_arms, arms, **rows, **given)
    assert_allclose(reverse.gain_difference, -difference.gain_difference)
    assert_allclose(reverse.gain_difference_interval, -difference.gain_difference_interval[::-1])
    assert_allclose(
        reverse.area_difference_interval, -np.array(difference.area_difference_interval)[::-1]
    )


@pytest.mark.filterwarnings("ignore:propensity is expected to be the probability of the arm")
def test_tossing_between_budgets_is_on_the_line():
    rng = np.random.default_rng(15)
    rows = curve_case(15, n=20_000)
    low, high = rows["arms"][1], rows["arms"][3]
    keywords = {name: rows[name] for name in rows if name not in ("arms", "groups")}
    ends = budget_curve([low, high], **keywords)
    tossed = budget_curve(
        [np.where(rng.random(20_000) < 0.5, low, high) for _ in range(40)], **keywords
    )
    middle = ends.spend.mean()
    assert tossed.spend.mean() == pytest.approx(middle, rel=0.01)
    at_middle = gain_at_spend(ends.spend, ends.gain, np.array([middle]))[0]
    assert abs(tossed.gain.mean() - at_middle) < 4 * tossed.gain.std() / np.sqrt(40)


@pytest.mark.slow
def test_intervals_of_a_difference_at_equal_spend_cover_the_truth():
    covered, repeats = 0, 120
    big = make_coupon_experiment(400_000, n_treatments=3, random_state=999)

    def policies(e):
        """Two rules that are not fitted to anything: by a feature, and the second arm for all."""
        by_feature = [np.where(e.data[:, 0] > cut, e.treatments[2], 0) for cut in (1, 0, -1)]
        return np.stack(by_feature), np.full((1, len(e.data)), e.treatments[1])

    spend, truth = np.array([0.4]), []
    for arms in policies(big):
        values = [
            oracle_policy_value(
                row, big.expected_response, big.expected_cost, treatments=big.treatments
            )
            for row in arms
        ]
        control = big.expected_response[:, 0].mean()
        gain = np.array([value.response - control for value in values])
        truth.append(gain_at_spend(np.array([value.cost for value in values]), gain, spend)[0])
    for seed in range(repeats):
        e = make_coupon_experiment(4000, n_treatments=3, random_state=seed)
        difference = compare_budget_curves(
            *policies(e),
            e.target[:, 0],
            treatment=e.treatment,
            cost=e.cost,
            control=0,
            spend=spend,
            confidence=0.9,
            n_resamples=200,
            random_state=0,
        )
        low, high = difference.gain_difference_interval[:, 0]
        covered += low < truth[0] - truth[1] < high
    assert abs(covered / repeats - 0.9) < 3 * np.sqrt(0.9 * 0.1 / repeats) + 0.01


# What is wrong


def test_bad_other_arms_are_named(rows):
    with pytest.raises(ValueError, match=r"^other_arms is expected to hold labels"):
        compare_policies(other_arms=["b", "c", "a", "a"], **rows)
    with pytest.raises(ValueError, match=r"^other_arms is expected to agree with treatment"):
        compare_policies(other_arms=["a", "b", "b", "b"], **rows)
    keywords = {**rows, "arms": [rows["arms"]], "control": "a"}
    with pytest.raises(ValueError, match=r"^other_arms is expected to have the shape"):
        compare_budget_curves(other_arms=rows["arms"], **keywords)
    with pytest.raises(ValueError, match=r"^spend is expected to be one-dimensional"):
        compare_budget_curves(other_arms=[rows["arms"]], spend=[[1.0]], **keywords)
    with pytest.raises(ValueError, match=r"^spend is expected to be non-negative, got -1"):
        compare_budget_curves(other_arms=[rows["arms"]], spend=[-1.0], **keywords)
    with pytest.raises(ValueError, match=r"^spend is expected to be given .* got -6\.3.* largest"):
        compare_budget_curves(other_arms=[["a"] * 4], **keywords)
