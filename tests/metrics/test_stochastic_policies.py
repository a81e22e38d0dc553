"""Policies that draw arms, and known prices of arms."""

import numpy as np
import pytest
from helpers.evaluation_cases import METHODS, four_rows, random_case, take
from numpy.testing import assert_allclose

from sklearn_hrc.exceptions import OverlapWarning
from sklearn_hrc.metrics import (
    area_under_cost_curve,
    budget_curve,
    compare_budget_curves,
    compare_policies,
    policy_value,
)


@pytest.fixture
def rows():
    """Four rows, and a policy that draws a or b."""
    return {**four_rows(), "arms": [[0.5, 0.5], [0.2, 0.8], [1.0, 0.0], [0.0, 1.0]]}


def plain(rows, method):
    """The same for a method without a model."""
    return {**rows, "method": method, "outcomes": None}


# Probabilities by hand


def test_hajek_by_hand(rows):
    # w = 1/0.5 * 0.5, 4/0.5 * 0.2, 1/0.25 * 1, 3/0.75 * 0 = 1, 1.6, 4, 0
    value = policy_value(**plain(rows, "hajek"))
    mean = (1 * 3 + 1.6 * 5 + 4 * 1) / 6.6
    assert value.response == pytest.approx(mean)
    assert value.cost == pytest.approx((1 * 2 + 1.6 * 9 + 4 * 1) / 6.6)
    errors = [1 * (3 - mean), 1.6 * (5 - mean), 4 * (1 - mean)]
    assert value.response_se == pytest.approx(np.sqrt(np.square(errors).sum() * 3 / 2) / 6.6)
    assert value.effective_sample_size == pytest.approx(6.6**2 / (1 + 1.6**2 + 16))


def test_horvitz_thompson_by_hand(rows):
    value = policy_value(**plain(rows, "horvitz-thompson"))
    assert value.response == pytest.approx((1 * 3 + 1.6 * 5 + 4 * 1) / 9)


def test_doubly_robust_by_hand(rows):
    value = policy_value(**rows)
    # Expected over the draw: 0.5 * 0 + 0.5 * 2, 0.8 * 4, 2 and 0, with weights 1, 4, 1, 3.
    expected = 1 * 1 + 4 * 3.2 + 1 * 2 + 3 * 0
    # The received arms are b, a, a, a, of which 2, 0, 2, 1 was expected.
    correction = 1 * (3 - 2) + 1.6 * (5 - 0) + 4 * (1 - 2)
    assert value.response == pytest.approx((expected + correction) / 9)


@pytest.mark.parametrize("interval", ["normal", "bootstrap"])
@pytest.mark.parametrize("method", METHODS)
def test_certain_probabilities_are_labels(method, interval):
    rows = random_case(0, method=method)
    labels = rows.pop("arms")
    given = {**rows, "interval": interval, "n_resamples": 30, "random_state": 0}
    value = policy_value(labels, **given)
    assert policy_value(np.eye(3)[labels], **given) == value
    other = np.roll(labels, 1)
    difference = compare_policies(labels, other, **given)
    assert compare_policies(np.eye(3)[labels], other, **given) == difference


@pytest.mark.parametrize("method", ["horvitz-thompson", "doubly-robust"])
def test_value_of_a_draw_is_the_mean_over_what_is_drawn(method):
    rows = random_case(1, method=method)
    first, rng = rows.pop("arms"), np.random.default_rng(1)
    second = rng.integers(0, 3, 60)
    values = [policy_value(arms, **rows) for arms in (first, second)]
    mixed = policy_value(0.3 * np.eye(3)[first] + 0.7 * np.eye(3)[second], **rows)
    for name in ("response", "cost"):
        assert mixed[name] == pytest.approx(0.3 * values[0][name] + 0.7 * values[1][name])


def test_rows_of_weight_zero_do_not_count(rows):
    rows["sample_weight"] = [1.0, 0.0, 1.0, 3.0]
    short = take(rows, [0, 2, 3])
    assert policy_value(**rows).response == pytest.approx(policy_value(**short).response)


def test_columns_of_a_frame_are_matched_by_name(rows):
    pd = pytest.importorskip("pandas")
    swapped = pd.DataFrame(rows["arms"], columns=["a", "b"])[["b", "a"]]
    assert policy_value(**{**rows, "arms": swapped}) == policy_value(**rows)


def test_columns_follow_an_ordered_categorical(rows):
    pd = pytest.importorskip("pandas")
    order = pd.Categorical(rows["treatment"], categories=["b", "a"], ordered=True)
    swapped = {**rows, "treatment": order, "arms": np.array(rows["arms"])[:, ::-1]}
    swapped["outcomes"] = np.array(rows["outcomes"])[:, ::-1]
    assert policy_value(**swapped).response == pytest.approx(policy_value(**rows).response)


def test_policy_in_another_order_of_rows(rows):
    pd = pytest.importorskip("pandas")
    arms, y = pd.Series(list("baab"), index=[3, 2, 1, 0]), pd.Series(rows["y"])
    with pytest.raises(ValueError, match=r"^y is expected to have its rows in the order of arms"):
        policy_value(**{**plain(rows, "hajek"), "arms": arms, "y": y})
    groups = pd.Series([1, 2, 3, 4], index=[3, 2, 1, 0])
    with pytest.raises(ValueError, match=r"^y is expected to have its rows in the order of groups"):
        policy_value(**{**plain(rows, "hajek"), "groups": groups, "y": y})


def test_differing_share_of_probabilities(rows):
    del rows["arms"]
    difference = compare_policies([[0.5, 0.5]] * 4, ["a"] * 4, **rows)
    assert difference.differing_share == pytest.approx(0.5)


def test_probability_of_an_arm_that_nobody_received_there():
    chance = np.array([[1.0, 0.0]] * 4 + [[0.5, 0.5]] * 2)
    treatment = ["a", "a", "b", "b", "a", "a"]
    message = r"^arms gives \['b'\] to 0\.17 of the rows"
    with pytest.warns(OverlapWarning, match=message):
        policy_value(chance, np.arange(6.0), treatment=treatment)
    # Half of the last two rows, which have 12 of the weight 16.
    weight = [1, 1, 1, 1, 6, 6]
    with pytest.warns(OverlapWarning, match=r"^arms gives \['b'\] to 0\.38 of the rows"):
        policy_value(chance, np.arange(6.0), treatment=treatment, sample_weight=weight)
    labels = ["a"] * 4 + ["b"] * 2
    with pytest.warns(OverlapWarning, match=r"^arms gives \['b'\] to 0\.75 of the rows"):
        policy_value(labels, np.arange(6.0), treatment=treatment, sample_weight=weight)


def test_few_rows_without_a_match_are_no_warning():
    treatment = np.tile([0, 1], 100)
    rows = {"y": treatment, "treatment": treatment == 1}
    assert policy_value(np.arange(200) == 0, **rows).response == 0
    with pytest.warns(OverlapWarning, match=r"^arms gives \[True\] to 0\.02 of the rows"):
        policy_value(np.isin(np.arange(200), [0, 2, 4, 6]), **rows)


def test_probabilities_of_single_precision_sum_to_one(rows):
    chance = np.random.default_rng(0).dirichlet([1.0, 1.0, 1.0], 1000).astype(np.float32)
    assert (chance.astype(float).sum(axis=1) != 1).any()
    treatment = np.arange(1000) % 3
    assert policy_value(chance, treatment, treatment=treatment).response > 0


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ([[1, 0]] * 4, r"^arms is expected to be one-dimensional, .* got a matrix of type int"),
        ([[1.0, 0.0, 0.0]] * 4, r"^arms is expected .* \(4, 2\) .*\['a', 'b'\], got \(4, 3\)"),
        ([[1.5, -0.5]] * 4, r"^arms is expected to hold probabilities, not negative, got -0\.5"),
        ([[1.0, 0.0]] * 3 + [[0.5, 0.4]], r"^arms is .* sum to 1 in each row, got 0\.9 in row 3"),
        ([[np.nan, 1.0]] * 4, r"^arms is expected to be finite"),
        (np.zeros((4, 2, 1)), r"^arms is expected to be one-dimensional"),
        ([[1.0, 0.0]] * 3, r"^y is expected to have one entry for each of the 3 rows"),
    ],
)
def test_bad_probabilities(arms, message, rows):
    with pytest.raises(ValueError, match=message) as caught:
        policy_value(**{**rows, "arms": arms})
    assert "np." not in str(caught.value)


def test_probabilities_that_match_nobody(rows):
    rows["arms"] = [[1.0, 0.0]] + [[0.0, 1.0]] * 3
    with pytest.raises(ValueError, match=r"^arms is expected to agree with treatment in some rows"):
        policy_value(**rows)


# Known prices


def test_prices_stand_in_the_order_of_a_categorical(rows):
    pd = pytest.importorskip("pandas")
    order = pd.Categorical(rows["treatment"], categories=["b", "a"], ordered=True)
    labels = {**plain(rows, "hajek"), "cost": None, "treatment": order, "arms": list("bbaa")}
    value = policy_value(**labels, arm_cost=[3.0, 1.0])
    assert value == policy_value(**labels, arm_cost={"a": 1.0, "b": 3.0})
    # Weights 1, 4 for b, and 1, 3 for a.
    assert value.cost == pytest.approx((5 * 3 + 4 * 1) / 9)


@pytest.mark.parametrize("method", METHODS)
def test_known_prices_need_no_weights(method, rows):
    rows = {**rows, "method": method, "cost": None}
    rows["outcomes"] = np.array(rows["outcomes"])[..., :1] if method == "doubly-robust" else None
    value = policy_value(**rows, arm_cost={"a": 1.0, "b": 3.0})
    # With weights 1, 4, 1, 3 of 9.
    price = np.array([2.0, 2.6, 1.0, 3.0])
    weight = np.array([1.0, 4.0, 1.0, 3.0]) / 9
    mean = weight @ price
    assert value.cost == pytest.approx(mean)
    error = np.sqrt(np.square(weight * (price - mean)).sum() * 4 / 3)
    assert value.cost_se == pytest.approx(error)
    without = policy_value(**rows)
    assert (value.response, value.response_se) == (without.response, without.response_se)


def test_price_of_one_arm_for_everybody_has_no_error():
    rows = random_case(2, method="hajek")
    del rows["cost"], rows["arms"]
    for interval in ("normal", "bootstrap"):
        value = policy_value(
            np.full(60, 1), **rows, arm_cost=[0.0, 0.7, 2.0], interval=interval, random_state=0
        )
        assert value.cost == pytest.approx(0.7)
        assert value.cost_se == pytest.approx(0, abs=1e-12)
        assert value.cost_interval == pytest.approx((0.7, 0.7))


def test_prices_of_several_outcomes(rows):
    y = np.column_stack([rows["y"], [1.0, 0.0, 1.0, 0.0]])
    given = {**plain(rows, "hajek"), "cost": None, "arm_cost": {"a": 1.0, "b": 3.0}}
    value = policy_value(**{**given, "y": y})
    assert value.response[0] == pytest.approx(policy_value(**given).response)
    assert value.cost == policy_value(**given).cost
    given = {**given, "y": y, "interval": "bootstrap", "n_resamples": 20, "random_state": 0}
    assert policy_value(**given).response_interval.shape == (2, 2)


@pytest.mark.parametrize("method", METHODS)
def test_curves_with_prices(method):
    rows = {**random_case(3, method=method), "control": 0, "arm_cost": [0.5, 1.0, 2.5]}
    del rows["cost"], rows["arms"]
    if method == "doubly-robust":
        rows["outcomes"] = rows["outcomes"][..., 0]
    arms = np.stack([np.repeat([0, 1, 2], 20), np.full(60, 2)])
    weight = rows["sample_weight"]
    spend = [np.average([0.0, 0.5, 2.0], weights=weight.reshape(3, 20).sum(axis=1)), 2.0]
    curve = budget_curve(arms, **rows, interval="bootstrap", n_resamples=30, random_state=0)
    assert_allclose(curve.spend, spend)
    assert curve.max_spend == pytest.approx(2.0)
    assert_allclose(curve.spend_interval[:, 1], 2.0)
    observed = {name: rows[name] for name in rows if name != "arm_cost"}
    if method != "doubly-robust":
        realised = np.array(rows["arm_cost"])[rows["treatment"]]
        assert_allclose(budget_curve(arms, cost=realised, **observed).gain, curve.gain)
    difference = compare_budget_curves(
        arms, arms[1:], **rows, spend=[1.0], n_resamples=20, random_state=0
    )
    assert difference.other_gain[0] == pytest.approx(curve.gain[1] / 2)


def test_area_under_cost_curve_with_prices():
    rows = {"y": [4.0, 0.0, 2.0, 0.0], "return_on_spend": [3, 3, 1, 1], "treatment": [1, 0, 1, 0]}
    given = {"control": 0, "n_steps": 2}
    area = area_under_cost_curve(**rows, **given, cost=[1.0, 0.0, 1.0, 0.0])
    assert area_under_cost_curve(**rows, **given, arm_cost={0: 0.0, 1: 1.0}) == area
    with pytest.raises(ValueError, match=r"^cost is expected to be given, .* got neither"):
        area_under_cost_curve(**rows, **given)


def test_area_with_prices_in_the_order_of_a_categorical():
    pd = pytest.importorskip("pandas")
    labels = ["offer", "none", "offer", "none"]
    order = pd.Categorical(labels, categories=["offer", "none"], ordered=True)
    rows = {"y": [4.0, 0.0, 2.0, 0.0], "return_on_spend": [3, 3, 1, 1], "control": "none"}
    area = area_under_cost_curve(**rows, treatment=labels, arm_cost={"offer": 1.0, "none": 0.0})
    assert area_under_cost_curve(**rows, treatment=order, arm_cost=[1.0, 0.0]) == area


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"cost": np.ones(4), "arm_cost": {"a": 0.0, "b": 1.0}},
            r"^arm_cost is expected to be None where cost is given, got both",
        ),
        ({"arm_cost": {"a": 1.0}}, r"^arm_cost is expected to have a price for each of the"),
        ({"arm_cost": [1.0, 3.0]}, r"^arm_cost is expected to be a dict or a Series by label"),
        ({"arm_cost": {"a": 1.0, "b": np.inf}}, r"arm_cost .*finite"),
    ],
)
def test_bad_prices(change, message, rows):
    given = {**plain(rows, "hajek"), "cost": None}
    with pytest.raises(ValueError, match=message):
        policy_value(**{**given, **change})
