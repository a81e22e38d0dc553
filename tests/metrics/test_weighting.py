"""Doubly robust values, and what a warning says of weights."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from helpers.evaluation_cases import METHODS, four_rows, random_case, take
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from sklearn_hrc.metrics import policy_value

# Random policies of few rows: now and then nobody received an arm that one of them gives.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.OverlapWarning")

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=30, deadline=None)


@pytest.fixture
def rows():
    return four_rows()


# By hand


def test_doubly_robust_by_hand(rows):
    value = policy_value(**rows)
    response = np.array([2 + (3 - 2) / 0.5, 4, 2 + (1 - 2) / 0.25, 1 + (2 - 1) / 0.75])
    cost = np.array([1 + (2 - 1) / 0.5, 3, 1 + (1 - 1) / 0.25, 2 + (0 - 2) / 0.75])
    weights = np.array(rows["sample_weight"])
    for name, terms in (("response", response), ("cost", cost)):
        mean = (weights * terms).sum() / 9
        error = np.sqrt(((weights * (terms - mean) / 9) ** 2).sum() * 4 / 3)
        assert value[name] == pytest.approx(mean)
        assert value[f"{name}_se"] == pytest.approx(error)
        reach = norm.ppf(0.975) * error
        assert value[f"{name}_interval"] == pytest.approx((mean - reach, mean + reach))


def test_one_column_of_outcomes_may_be_a_matrix(rows):
    del rows["cost"]
    rows["outcomes"] = np.array(rows["outcomes"])[..., :1]
    value = policy_value(**rows)
    assert policy_value(**{**rows, "outcomes": rows["outcomes"][..., 0]}) == value
    assert value.cost_interval is None


# By another formula


@quick
@given(seed=seeds)
def test_expectations_of_zero_are_horvitz_thompson(seed):
    rows = random_case(seed)
    value = policy_value(**{**rows, "outcomes": 0 * rows["outcomes"]})
    other = policy_value(**random_case(seed, method="horvitz-thompson"))
    for name in other:
        assert value[name] == pytest.approx(other[name])


@quick
@given(seed=seeds, shift=st.floats(-100, 100))
def test_doubly_robust_moves_with_a_shift_that_is_expected(seed, shift):
    rows = random_case(seed)
    value = policy_value(**rows)
    moved = policy_value(
        **{**rows, "y": rows["y"] + shift, "outcomes": rows["outcomes"] + [shift, 0]}
    )
    assert moved.response == pytest.approx(value.response + shift, abs=1e-8)
    assert moved.response_se == pytest.approx(value.response_se, abs=1e-8)


def test_exact_expectations_leave_the_spread_of_individuals_only():
    rng = np.random.default_rng(0)
    expected, treatment = rng.normal(size=(200, 2)), rng.integers(0, 2, 200)
    arms = rng.integers(0, 2, 200)
    value = policy_value(
        arms,
        expected[range(200), treatment],
        treatment=treatment,
        method="doubly-robust",
        outcomes=expected,
    )
    own = expected[range(200), arms]
    assert value.response == pytest.approx(own.mean())
    assert value.response_se == pytest.approx(own.std(ddof=1) / np.sqrt(200))


def test_means_and_shares_of_strata_give_the_poststratified_mean():
    rng = np.random.default_rng(1)
    stratum, treatment = np.repeat([0, 1, 2], 40), np.tile([0, 1, 1, 1], 30)
    y = rng.normal(size=120) + stratum * treatment
    arms = np.array([1, 0, 1])[stratum]
    mean = np.array(
        [[y[(stratum == s) & (treatment == t)].mean() for t in (0, 1)] for s in (0, 1, 2)]
    )
    value = policy_value(
        arms,
        y,
        treatment=treatment,
        propensity=np.where(treatment == 1, 0.75, 0.25),
        method="doubly-robust",
        outcomes=mean[stratum],
    )
    assert value.response == pytest.approx(np.mean([mean[0, 1], mean[1, 0], mean[2, 1]]))


def test_doubly_robust_is_unbiased_over_all_assignments_whatever_is_expected():
    response = np.array([[1, 4], [0, 2], [5, 5], [2, 7]])
    expected = np.array([[9.0, 1], [0, -3], [4, 5], [2, 2]])
    chance = [Fraction(1, 2), Fraction(1, 3), Fraction(3, 4), Fraction(1, 5)]  # of arm 1
    arms, mean, total = np.array([1, 0, 1, 0]), 0.0, 0.0
    for treatment in itertools.product([0, 1], repeat=4):
        received = np.array([float(p if t else 1 - p) for t, p in zip(treatment, chance)])
        match = arms == np.array(treatment)
        own = response[range(4), treatment]
        if len(set(treatment)) == 1 or not match.any():
            # One arm is no experiment, and no match no estimate: by hand.
            base = expected[range(4), arms]
            value = (base + match / received * (own - base)).mean()
        else:
            value = policy_value(
                arms,
                own,
                treatment=treatment,
                propensity=received,
                method="doubly-robust",
                outcomes=expected,
            ).response
        mean += received.prod() * value
        total += received.prod()
    assert total == pytest.approx(1)
    assert mean == pytest.approx(response[range(4), arms].mean())


# Fitted expectations


def test_models_of_features_make_the_error_smaller():
    rng = np.random.default_rng(2)
    X, treatment = rng.normal(size=(2000, 3)), rng.integers(0, 2, 2000)
    y = X @ [3.0, 1.0, 0.0] + treatment * X[:, 2] + rng.normal(size=2000)
    arms = (X[:, 2] > 0).astype(int)
    plain = policy_value(arms, y, treatment=treatment)
    robust = policy_value(arms, y, treatment=treatment, method="doubly-robust", X=X, random_state=0)
    # Of the variance 2 (10 + 1 + ...) per row, 10 remain of X and 2 of noise.
    assert 0.6 < robust.response_se / plain.response_se < 0.85
    truth = norm.pdf(0)  # of E[x [x > 0]]
    assert abs(robust.response - truth) < 3 * robust.response_se


def test_expectations_are_fitted_without_rows_of_weight_zero():
    rng = np.random.default_rng(4)
    rows = {**random_case(4), "groups": None}
    del rows["outcomes"]
    X, kept = rng.normal(size=(60, 2)), rng.random(60) < 0.7
    kept[:3] = True
    rows["sample_weight"] = rows["sample_weight"] * kept
    value = policy_value(**rows, X=X, random_state=0)
    del rows["groups"]
    assert value == policy_value(**take(rows, kept), X=X[kept], random_state=0)


def test_few_rows_of_an_arm_are_expected_to_have_its_mean():
    rng = np.random.default_rng(0)
    X, treatment = rng.normal(size=(40, 2)), np.r_[np.zeros(34, int), np.ones(4, int), 2, 2]
    rows = {"treatment": treatment, "method": "doubly-robust", "random_state": 0}
    # Two folds, since an arm has two rows; no warning from any model.
    value = policy_value(treatment, rng.normal(size=40), X=X, **rows)
    assert np.isfinite(value.response_se)
    with pytest.raises(ValueError, match=r"two groups of positive weight .* got 1 of 2\.$"):
        policy_value(
            treatment, rng.normal(size=40), X=X, groups=np.r_[np.arange(38), 50, 50], **rows
        )


@pytest.mark.slow
def test_fitted_doubly_robust_covers_at_its_level():
    rng = np.random.default_rng(9)
    covered, repeats, n = 0, 300, 300
    for _ in range(repeats):
        X = rng.normal(size=(n, 2))
        chance = 0.3 + 0.4 * (X[:, 0] > 0)
        treatment = (rng.random(n) < chance).astype(int)
        y = 5 + 2 * X[:, 0] + treatment * (1 + X[:, 0]) + rng.normal(size=n)
        low, high = policy_value(
            (X[:, 0] > 0.3).astype(int),
            y,
            treatment=treatment,
            propensity=np.where(treatment, chance, 1 - chance),
            method="doubly-robust",
            X=X,
            confidence=0.9,
            random_state=0,
        ).response_interval
        # E[(1 + x) [x > 0.3]] is the tail plus the density of the normal.
        covered += low < 5 + norm.sf(0.3) + norm.pdf(0.3) < high
    assert abs(covered / repeats - 0.9) < 3 * np.sqrt(0.9 * 0.1 / repeats) + 0.01


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS[:2])
def test_intervals_cover_at_their_level(method):
    rng = np.random.default_rng(4)
    covered, n, repeats = 0, 500, 1000
    for _ in range(repeats):
        x = rng.normal(size=n)
        chance = 0.3 + 0.4 * (x > 0)
        treatment = (rng.random(n) < chance).astype(int)
        y = 5 + x + treatment * (1 + x) + rng.normal(size=n)
        value = policy_value(
            (x > 0.3).astype(int),
            y,
            treatment=treatment,
            propensity=np.where(treatment, chance, 1 - chance),
            method=method,
        )
        # E[(1 + x) [x > 0.3]] is the tail plus the density of the normal.
        truth = 5 + norm.sf(0.3) + norm.pdf(0.3)
        covered += abs(value.response - truth) < norm.ppf(0.95) * value.response_se
    # Three binomial errors around 90 %.
    assert abs(covered / repeats - 0.9) < 3 * np.sqrt(0.9 * 0.1 / repeats)


# Propensities that are none


@pytest.mark.parametrize("method", METHODS[:2])
def test_propensity_of_one_arm_for_all_rows_is_a_warning(method):
    rows = {"y": np.zeros(1000), "treatment": np.arange(1000) % 10 > 0, "method": method}
    with pytest.warns(UserWarning, match="^propensity is expected to be the probability of the"):
        policy_value(rows["treatment"], propensity=np.full(1000, 0.9), **rows)


def test_chance_imbalance_of_few_groups_is_no_warning():
    # Three of four groups got the arm at even odds, which rows alone never would.
    groups = np.repeat([0, 1, 2, 3], 250)
    rows = {"y": np.zeros(1000), "treatment": groups > 0, "propensity": np.full(1000, 0.5)}
    assert policy_value(rows["treatment"], groups=groups, **rows).response == 0
    with pytest.warns(UserWarning, match="^propensity is expected to be the probability of the"):
        policy_value(rows["treatment"], **rows)
