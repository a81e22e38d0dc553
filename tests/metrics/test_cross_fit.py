"""What is behind a value: models of outcomes, and rows that match."""

import numpy as np
import pytest
from helpers.evaluation_cases import four_rows, random_case
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression, LogisticRegression

from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.metrics import budget_curve, cross_fit_outcomes, policy_overlap, policy_value

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=30, deadline=None)


@pytest.fixture
def rows():
    return four_rows()


# Expected outcomes


def test_models_have_not_seen_the_row():
    rng = np.random.default_rng(16)
    X, treatment = rng.normal(size=(30, 2)), np.tile([5, 0, 9], 10)
    y, cost = rng.normal(size=30), rng.random(30)
    folds = [(np.arange(15, 30), np.arange(15)), (np.arange(15), np.arange(15, 30))]
    model = LinearRegression()
    expected = cross_fit_outcomes(X, y, treatment=treatment, cost=cost, estimator=model, cv=folds)
    assert not hasattr(model, "coef_")
    assert expected.shape == (30, 3, 2)
    for train, test in folds:
        for j, arm in enumerate([0, 5, 9]):
            rows = train[treatment[train] == arm]
            for k, column in enumerate((y, cost)):
                # Least squares by the normal equations.
                design = np.column_stack([np.ones(30), X])
                part = design[rows]
                coefficient = np.linalg.solve(part.T @ part, part.T @ column[rows])
                assert_allclose(expected[test, j, k], design[test] @ coefficient)


def test_own_outcome_does_not_reach_the_expectation():
    rng = np.random.default_rng(17)
    X, treatment, y = rng.normal(size=(40, 2)), np.tile([0, 1], 20), rng.normal(size=40)
    groups = np.repeat(np.arange(10), 4)
    for keywords in ({}, {"groups": groups}, {"groups": groups, "cv": None}):
        given = {"treatment": treatment, "random_state": 0, **keywords}
        before = cross_fit_outcomes(X, y, **given)
        moved = y.copy()
        moved[0] += 100
        changed = (before != cross_fit_outcomes(X, moved, **given)).any(axis=(1, 2))
        assert changed.any()
        assert not changed[0]
        if "groups" in keywords:
            assert not changed[:4].any()
        assert_array_equal(before, cross_fit_outcomes(X, y, **given))
        assert_array_equal(before, cross_fit_outcomes(X, y, **{**given, "cv": 5}))


def test_default_models_are_the_same_in_other_units():
    rng = np.random.default_rng(18)
    X, treatment = rng.normal(size=(200, 3)), np.tile([0, 1], 100)
    rows = {"y": X[:, 0] + rng.normal(size=200), "treatment": treatment, "random_state": 0}
    scaled = cross_fit_outcomes(X * [1000, 1, 0.001] + 5, **rows)
    assert_allclose(cross_fit_outcomes(X, **rows), scaled)
    # Folds are shuffled: rows in order of a feature do not make folds of it.
    moved = {**rows, "y": rows["y"] + 100 * (np.arange(200) == 0)}
    changed = (cross_fit_outcomes(X, **rows) != cross_fit_outcomes(X, **moved)).any(axis=(1, 2))
    together = np.flatnonzero(~changed)
    assert len(together) == 40
    assert together.max() > 100


def test_few_rows_of_an_arm_have_their_mean_and_others_a_slope():
    X, treatment = np.arange(16.0)[:, None], np.tile([0, 0, 0, 1], 4)
    expected = cross_fit_outcomes(X, X[:, 0], treatment=treatment, cv=2, random_state=0)[..., 0]
    # Two training rows of the second arm, six of the first.
    assert len(np.unique(expected[:, 1])) <= 2
    assert np.corrcoef(expected[:, 0], X[:, 0])[0, 1] > 0.9


def test_frames_and_outcomes_of_several_columns():
    e = make_coupon_experiment(300, n_treatments=3, as_frame=True, random_state=0)
    expected = cross_fit_outcomes(e.data, e.target, treatment=e.treatment, random_state=0)
    assert expected.shape == (300, 3, 2)
    plain = cross_fit_outcomes(
        e.data.to_numpy(), e.target.to_numpy(), treatment=e.treatment, random_state=0
    )
    assert_allclose(expected, plain)
    value = policy_value(
        e.treatment,
        e.target,
        treatment=e.treatment,
        method="doubly-robust",
        X=e.data,
        random_state=0,
    )
    assert value.response.shape == (2,)


def test_x_is_cross_fitted_outcomes():
    e = make_coupon_experiment(500, n_treatments=3, random_state=0)
    rows = {"y": e.target[:, 0], "treatment": e.treatment, "cost": e.cost}
    expected = cross_fit_outcomes(e.data, **rows, random_state=5)
    arms = np.where(e.data[:, 0] > 0, e.treatments[2], 0)
    robust = {"method": "doubly-robust", **rows}
    assert policy_value(arms, X=e.data, random_state=5, **robust) == policy_value(
        arms, outcomes=expected, **robust
    )
    groups = np.arange(500) // 5
    expected_of_groups = cross_fit_outcomes(e.data, **rows, groups=groups, random_state=5)
    assert policy_value(arms, X=e.data, groups=groups, random_state=5, **robust) == policy_value(
        arms, outcomes=expected_of_groups, groups=groups, **robust
    )
    curve = budget_curve([arms], X=e.data, random_state=5, control=0, **robust)
    assert curve.gain == budget_curve([arms], outcomes=expected, control=0, **robust).gain


def test_fitted_expectations_follow_an_ordered_categorical():
    pd = pytest.importorskip("pandas")
    e = make_coupon_experiment(300, n_treatments=3, random_state=0)
    order = pd.Categorical(e.treatment, categories=e.treatments[[2, 0, 1]], ordered=True)
    rows = {"y": e.target[:, 0], "X": e.data, "method": "doubly-robust", "random_state": 0}
    arms = np.where(e.data[:, 0] > 0, e.treatments[2], 0)
    by_label = policy_value(arms, treatment=e.treatment, **rows)
    ordered = policy_value(arms, treatment=order, **rows)
    assert ordered.response == pytest.approx(by_label.response)
    assert ordered.response_se == pytest.approx(by_label.response_se)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"estimator": LogisticRegression()}, r"^estimator is expected to be a regressor"),
        ({"cv": [([0, 1, 2, 3], [4, 5])]}, r"^cv is expected to have every row .* got row 0 in 0"),
        (
            {"cv": [([0, 1, 2], [3, 4, 5]), ([0, 1, 2], [3, 4, 5])]},
            r"^cv is expected to have every row .* got row 0 in 0",
        ),
        (
            {"cv": [([3, 4, 5], [0, 1, 2]), ([0, 1, 2], [3, 4, 5, 0])]},
            r"^cv is expected to have every row .* got row 0 in 2",
        ),
        (
            {"cv": [([0, 2, 4], [1, 3, 5]), ([1, 3, 5], [0, 2, 4])]},
            r"^cv is expected to have rows of every treatment .* got one without \[1\]",
        ),
        ({"estimator": 3}, r"^The 'estimator' parameter of cross_fit_outcomes must be"),
        ({"groups": [1, 2]}, r"^groups is expected to have one entry"),
        ({"y": [1, 2]}, r"^y is expected to have one entry"),
    ],
)
def test_bad_input_of_cross_fit_outcomes(change, message):
    given = {"X": np.eye(6), "y": np.arange(6.0), "treatment": [0, 1] * 3, "cv": 3}
    with pytest.raises(ValueError, match=message):
        cross_fit_outcomes(**{**given, **change})


# Overlap


def test_overlap_by_hand(rows):
    overlap = policy_overlap(
        [*rows["arms"], "c", "a"],
        treatment=[*rows["treatment"], "b", "c"],
        propensity=[*rows["propensity"], 0.1, 0.2],
        sample_weight=[*rows["sample_weight"], 1, 1],
    )
    assert overlap.treatment.tolist() == ["a", "b", "c"]
    assert_allclose(overlap.assigned_share, [5 / 11, 5 / 11, 1 / 11])
    # Weights 1 / 0.25 and 3 / 0.75 of arm a, 1 / 0.5 of arm b.
    assert_array_equal(overlap.n_matched, [2, 1, 0])
    assert_allclose(overlap.effective_sample_size, [2, 1, 0])
    assert_allclose(overlap.largest_weight_share, [4 / 10, 2 / 10, 0])
    assert_array_equal(overlap.smallest_propensity, [0.25, 0.5, np.nan])


def test_overlap_without_a_match():
    overlap = policy_overlap([1, 1, 0], treatment=[0, 0, 1])
    assert_array_equal(overlap.n_matched, [0, 0])
    assert_array_equal(overlap.effective_sample_size, [0, 0])
    assert_array_equal(overlap.largest_weight_share, [0, 0])
    assert np.isnan(overlap.smallest_propensity).all()


@quick
@given(seed=seeds)
def test_overlap_adds_up_to_that_of_the_value(seed):
    rows = random_case(seed, method="hajek")
    keywords = {name: rows[name] for name in ("treatment", "propensity", "sample_weight")}
    overlap = policy_overlap(rows["arms"], **keywords)
    match = rows["arms"] == rows["treatment"]
    weight = match * rows["sample_weight"] / rows["propensity"]
    assert overlap.assigned_share.sum() == pytest.approx(1)
    assert overlap.n_matched.sum() == match.sum()
    assert overlap.largest_weight_share.max() == pytest.approx(weight.max() / weight.sum())
    # Sums of squares of the arms add up.
    sums = np.bincount(rows["treatment"], weight)
    total = weight.sum() ** 2 / (sums**2 / overlap.effective_sample_size).sum()
    assert total == pytest.approx(policy_value(**rows).effective_sample_size)
