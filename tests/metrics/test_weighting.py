"""Doubly robust values, grouped rows and resampling."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from helpers.evaluation_cases import METHODS, four_rows, random_case, take
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import norm

from sklearn_hrc.exceptions import OverlapWarning
from sklearn_hrc.metrics import (
    budget_curve,
    compare_budget_curves,
    compare_policies,
    policy_value,
)

# Random policies of few rows: now and then nobody received an arm that one of them gives.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.OverlapWarning")
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=30, deadline=None)


# Doubly robust


@pytest.fixture
def rows():
    return four_rows()


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


# Resampling


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


def household_experiment(rng, n_households=150):
    """Rows of households that share an arm and a level; the truth of "all get 1" is 1."""
    size = rng.integers(1, 6, n_households)
    household = np.repeat(np.arange(n_households), size)
    treatment = rng.integers(0, 2, n_households)[household]
    y = treatment + rng.normal(size=n_households)[household] + rng.normal(size=len(household))
    return {"y": y, "treatment": treatment, "propensity": np.full(len(y), 0.5)}, household


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


# What the rows cannot say


def test_arm_that_nobody_received_is_named():
    arms, treatment = ["a", "a", "a", "a", "b", "b"], ["a", "a", "b", "b", "a", "a"]
    message = r"^arms gives \['b'\] to 0\.33 of the rows, and none of these received it"
    with pytest.warns(OverlapWarning, match=message):
        policy_value(arms, [1.0, 1, 9, 9, 1, 1], treatment=treatment)
    with pytest.warns(OverlapWarning, match="^other_arms gives"):
        compare_policies(["a"] * 6, arms, np.arange(6.0), treatment=treatment)


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
    assert np.isnan([curve.gain_se[0], *curve.gain_interval[:, 0]]).all()
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


# What is wrong


WRONG = [
    ({"outcomes": None}, r"^method='doubly-robust' is expected with either X.* got neither"),
    ({"X": np.eye(4)}, r"^method='doubly-robust' is expected with either X.* got both"),
    ({"method": "hajek"}, r"^outcomes is expected to be None unless .* method='hajek'"),
    (
        {"method": "hajek", "outcomes": None, "X": np.eye(4)},
        r"^X is expected to be None unless method is 'doubly-robust'",
    ),
    ({"outcomes": np.zeros((4, 2))}, r"^outcomes is expected .* \(4, 2, 2\), got \(4, 2\)"),
    ({"outcomes": np.zeros((3, 2, 2))}, r"^outcomes is expected .* got \(3, 2, 2\)"),
    ({"outcomes": np.full((4, 2, 2), np.nan)}, r"^outcomes is expected to be finite"),
    ({"outcomes": None, "X": np.eye(3)}, r"^X is expected to have one row .* 4 rows, got 3"),
    (
        {"outcomes": None, "X": np.eye(4), "sample_weight": [0, 1, 1, 1]},
        r"^treatment is expected to have at least two rows of positive .*, got 0 of 'b'\.$",
    ),
    ({"groups": [1, 2, 3]}, r"^groups is expected to have one entry"),
    ({"groups": [1, 1, 1, 1]}, r"^groups is expected to have at least two different"),
    ({"groups": [1, np.nan, 2, 2]}, r"^groups is expected to have a label in every row"),
    ({"interval": "exact"}, r"^The 'interval' parameter of policy_value must be"),
    ({"confidence": 1.0}, r"^The 'confidence' parameter of policy_value must be"),
    ({"n_resamples": 1}, r"^The 'n_resamples' parameter of policy_value must be"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_bad_input(change, message, rows):
    with pytest.raises(ValueError, match=message) as caught:
        policy_value(**{**rows, **change})
    assert "np." not in str(caught.value)
