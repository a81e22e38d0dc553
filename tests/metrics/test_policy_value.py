"""Values of policies: by hand, by other formulae, by their symmetries, against the truth."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from helpers.evaluation_cases import (
    assert_same,
    four_rows,
    permuted,
    random_policy,
    random_rows,
    targeted,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from sklearn_hrc.datasets import make_coupon_experiment, oracle_policy_value
from sklearn_hrc.metrics import policy_value

# Random policies of few rows: now and then nobody received an arm that one of them gives.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.OverlapWarning")

PLAIN = ["hajek", "horvitz-thompson"]

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=30, deadline=None)


@pytest.fixture
def rows():
    """Four rows whose policy matches in the first and the last two."""
    rows = four_rows()
    del rows["method"], rows["outcomes"]
    return rows


# By hand


def test_hajek_by_hand(rows):
    # w = 1/0.5, 0, 1/0.25, 3/0.75 = 2, 0, 4, 4
    value = policy_value(**rows)
    assert value.response == pytest.approx((2 * 3 + 4 * 1 + 4 * 2) / 10)
    assert value.cost == pytest.approx((2 * 2 + 4 * 1 + 4 * 0) / 10)
    # Three rows match, which share one mean.
    errors = [2 * (3 - 1.8), 4 * (1 - 1.8), 4 * (2 - 1.8)]
    assert value.response_se == pytest.approx(np.sqrt(np.square(errors).sum() * 3 / 2) / 10)
    errors = [2 * (2 - 0.8), 4 * (1 - 0.8), 4 * (0 - 0.8)]
    assert value.cost_se == pytest.approx(np.sqrt(np.square(errors).sum() * 3 / 2) / 10)
    assert value.effective_sample_size == pytest.approx(10**2 / (2**2 + 4**2 + 4**2))


def test_horvitz_thompson_by_hand(rows):
    value = policy_value(**rows, method="horvitz-thompson")
    assert value.response == pytest.approx(18 / 9)  # the total weight is 9
    assert value.cost == pytest.approx(8 / 9)
    # Each row stands for y / propensity or 0, with its sample weight.
    terms, weights = np.array([6.0, 0.0, 4.0, 8 / 3]), np.array([1.0, 4.0, 1.0, 3.0])
    errors = weights * (terms - 2.0) / 9
    assert value.response_se == pytest.approx(np.sqrt(np.square(errors).sum() * 4 / 3))
    assert value.effective_sample_size == policy_value(**rows).effective_sample_size


def test_horvitz_thompson_error_without_weights_is_that_of_a_mean(rows):
    del rows["sample_weight"]
    value = policy_value(**rows, method="horvitz-thompson")
    terms = np.array([3 / 0.5, 0, 1 / 0.25, 2 / 0.75])
    assert value.response == pytest.approx(terms.mean())
    assert value.response_se == pytest.approx(terms.std(ddof=1) / 2)


def test_propensity_is_the_weighted_share_by_default(rows):
    del rows["propensity"]
    value = policy_value(**rows)
    shares = [1 / 9, 8 / 9, 8 / 9, 8 / 9]
    assert value == policy_value(**rows, propensity=shares)
    assert value.response == pytest.approx((9 * 3 + 9 / 8 * 1 + 27 / 8 * 2) / (9 + 36 / 8))


def test_what_is_not_given_is_not_returned(rows):
    del rows["cost"]
    value = policy_value(**rows)
    assert value.cost is None
    assert value.cost_se is None
    assert isinstance(value.response, float)


def test_several_outcomes_are_those_one_by_one(rows):
    columns = np.column_stack([rows["y"], [0.0, 1.0, 1.0, 0.0]])
    for method in PLAIN:
        both = policy_value(**{**rows, "y": columns}, method=method)
        assert both.response.shape == both.response_se.shape == (2,)
        for j in range(2):
            single = policy_value(**{**rows, "y": columns[:, j]}, method=method)
            assert both.response[j] == pytest.approx(single.response)
            assert both.response_se[j] == pytest.approx(single.response_se)
            assert both.cost == single.cost


# By another formula


def test_hajek_is_weighted_least_squares_on_a_constant():
    rng = np.random.default_rng(0)
    rows = random_rows(rng)
    arms = rng.integers(0, 3, 60)
    value = policy_value(arms, **rows)
    match = arms == rows["treatment"]
    weight = rows["sample_weight"] / rows["propensity"] * match
    nothing = np.zeros((60, 1))
    assert value.response == pytest.approx(
        LinearRegression().fit(nothing, rows["y"], sample_weight=weight).intercept_
    )
    # Its error is the sandwich of that regression, with the factor for one coefficient.
    residual = rows["y"] - value.response
    meat, bread = (weight**2 * residual**2).sum(), 1 / weight.sum()
    factor = match.sum() / (match.sum() - 1)
    assert value.response_se == pytest.approx(np.sqrt(bread * meat * bread * factor))


@pytest.mark.parametrize("method", PLAIN)
def test_standard_error_is_that_of_the_bootstrap(method):
    rng = np.random.default_rng(2)
    rows = {"arms": rng.integers(0, 3, 400), **random_rows(rng, n=400)}
    value = policy_value(**rows, method=method)
    again = [
        policy_value(**permuted(rows, rng.integers(0, 400, 400)), method=method) for _ in range(500)
    ]
    for name in ("response", "cost"):
        spread = np.std([draw[name] for draw in again])
        assert value[f"{name}_se"] == pytest.approx(spread, rel=0.12)


def test_horvitz_thompson_is_unbiased_over_all_assignments():
    response = np.array([[1, 4], [0, 2], [5, 5], [2, 7]])
    chance = [Fraction(1, 2), Fraction(1, 3), Fraction(3, 4), Fraction(1, 5)]  # of arm 1
    arms = np.array([1, 0, 1, 0])
    mean, total = 0.0, 0.0
    for treatment in itertools.product([0, 1], repeat=4):
        received = [p if t else 1 - p for t, p in zip(treatment, chance)]
        probability = float(np.prod(received))
        total += probability
        if len(set(treatment)) == 1 or not (arms == treatment).any():
            # One arm is no experiment, and no match no estimate: by hand.
            match = arms == np.array(treatment)
            own = response[range(4), treatment] * match / np.array(received, dtype=float)
            mean += probability * own.mean()
            continue
        mean += probability * (
            policy_value(
                arms,
                response[range(4), treatment],
                treatment=treatment,
                propensity=[float(p) for p in received],
                method="horvitz-thompson",
            ).response
        )
    assert total == pytest.approx(1)
    assert mean == pytest.approx(response[range(4), arms].mean())


# Symmetries


@quick
@given(seed=seeds, shift=st.floats(-100, 100))
def test_hajek_moves_with_a_shift(seed, shift):
    rows = random_policy(seed)
    value = policy_value(**rows)
    moved = policy_value(**{**rows, "y": rows["y"] + shift})
    assert moved.response == pytest.approx(value.response + shift, abs=1e-9)
    assert moved.response_se == pytest.approx(value.response_se, abs=1e-9)


@pytest.mark.parametrize("method", PLAIN)
@quick
@given(seed=seeds, scale=st.floats(-100, 100))
def test_values_scale_with_the_outcome(method, seed, scale):
    rows = random_policy(seed)
    value = policy_value(**rows, method=method)
    scaled = policy_value(**{**rows, "y": scale * rows["y"]}, method=method)
    assert scaled.response == pytest.approx(scale * value.response, abs=1e-9)
    assert scaled.response_se == pytest.approx(abs(scale) * value.response_se, abs=1e-9)


@pytest.mark.parametrize("method", PLAIN)
@quick
@given(seed=seeds)
def test_order_of_rows_does_not_matter(method, seed):
    rows = random_policy(seed)
    order = np.random.default_rng(seed).permutation(60)
    assert_same(
        policy_value(**rows, method=method), policy_value(**permuted(rows, order), method=method)
    )


@pytest.mark.parametrize("method", PLAIN)
@quick
@given(seed=seeds, scale=st.floats(1e-3, 1e3))
def test_scale_of_weights_does_not_matter(method, seed, scale):
    rows = random_policy(seed)
    scaled = {**rows, "sample_weight": scale * rows["sample_weight"]}
    assert_same(policy_value(**rows, method=method), policy_value(**scaled, method=method))


@pytest.mark.parametrize("method", PLAIN)
@pytest.mark.parametrize("propensity", [True, False])
@quick
@given(seed=seeds)
def test_rows_of_weight_zero_do_not_count(method, propensity, seed):
    rows = random_policy(seed)
    kept = np.random.default_rng(seed).random(60) < 0.7
    kept[:3] = True  # a row of every arm
    rows["arms"][:3] = rows["treatment"][:3]
    rows["sample_weight"] *= kept
    if not propensity:
        del rows["propensity"]
    assert_same(
        policy_value(**rows, method=method), policy_value(**permuted(rows, kept), method=method)
    )


@pytest.mark.parametrize("method", PLAIN)
def test_constant_outcome_where_every_row_matches_has_no_error(method):
    value = policy_value(
        [0, 1, 1],
        [2.0, 2.0, 2.0],
        treatment=[0, 1, 1],
        propensity=[1.0, 1.0, 1.0],
        sample_weight=[1.0, 5.0, 0.2],
        method=method,
    )
    assert value.response == pytest.approx(2)
    assert value.response_se == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("method", PLAIN)
@quick
@given(seed=seeds, arm=st.integers(0, 2))
def test_constant_policy_gets_the_mean_of_its_arm(method, seed, arm):
    rows = random_policy(seed)
    del rows["propensity"]
    value = policy_value(**{**rows, "arms": np.full(60, arm)}, method=method)
    own = rows["treatment"] == arm
    for name, column in (("response", "y"), ("cost", "cost")):
        mean = np.average(rows[column][own], weights=rows["sample_weight"][own])
        assert value[name] == pytest.approx(mean)


def test_tiny_weights_have_an_effective_sample_size():
    weight = np.full(4, 1e-200)
    value = policy_value([0, 1, 0, 1], np.arange(4.0), treatment=[0, 1, 0, 1], sample_weight=weight)
    assert value.effective_sample_size == pytest.approx(4)


@quick
@given(seed=seeds)
def test_labels_do_not_matter(seed):
    rows = random_policy(seed)
    named = np.array(["no", "call", "mail"])  # in another order when sorted
    other = {**rows, "arms": named[rows["arms"]], "treatment": named[rows["treatment"]]}
    assert_same(policy_value(**rows), policy_value(**other))
    objects = {**other, "treatment": other["treatment"].astype(object)}
    assert_same(policy_value(**rows), policy_value(**objects))


# Against the truth


@pytest.fixture(scope="module")
def coupons():
    return make_coupon_experiment(
        30_000, treatment_shares=[0.4, 0.1, 0.2, 0.2, 0.1], amount_effect=0.1, random_state=0
    )


@pytest.mark.parametrize("method", PLAIN)
def test_values_are_near_the_truth(method, coupons):
    arms = targeted(coupons)
    truth = oracle_policy_value(
        arms, coupons.expected_response, coupons.expected_cost, treatments=coupons.treatments
    )
    value = policy_value(
        arms,
        coupons.target[:, 0],
        treatment=coupons.treatment,
        propensity=coupons.propensity,
        cost=coupons.cost,
        method=method,
    )
    assert abs(value.response - truth.response) < 3.5 * value.response_se
    assert abs(value.cost - truth.cost) < 3.5 * value.cost_se
    # An error that says nothing would pass the above.
    assert value.response_se < 0.1 * truth.response
    assert value.cost_se < 0.1 * truth.cost
