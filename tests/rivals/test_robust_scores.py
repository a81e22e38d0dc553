"""Doubly robust scores."""

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

from sklearn_hrc._allocator_rows import first_rows
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.metrics import policy_value
from sklearn_hrc.rivals import TwoStagePolicy
from sklearn_hrc.rivals._held_out import deal_folds
from sklearn_hrc.rivals._robust_scores import robust_scores
from sklearn_hrc.rivals._rows import experiment_rows


def rows_of(X, y, arm, cost, sample_weight=None):
    experiment = first_rows(
        len(X), y, arm, cost, None, sample_weight, has_prices=False, aligned_with={"X": X}
    )
    return experiment_rows(X, experiment, np.array([1.0]), None, 0)


def scores(rows, estimator, n_folds=2):
    predictor = TwoStagePolicy(estimator, learner="t")
    return robust_scores(predictor, rows, n_folds, np.random.RandomState(0))


def test_scores_by_hand():
    # In each fold the mean of an arm is the outcome of its one row in the other fold.
    arm, y = np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 10.0, 14.0])
    rows = rows_of(np.zeros((4, 1)), y, arm, 2.0 * arm)
    response, cost = scores(rows, DummyRegressor())
    received = response[np.arange(4), arm]
    # The expected outcome, and twice its error, since half of the rows have the arm.
    np.testing.assert_allclose(received, [3 - 2 * 2, 1 + 2 * 2, 14 - 2 * 4, 10 + 2 * 4])
    assert set(response[[0, 1], 1]) == {10.0, 14.0}
    # The costs are the same in all rows of an arm.
    np.testing.assert_array_equal(cost, [[0, 2]] * 4)


def test_the_mean_of_scores_is_the_doubly_robust_value():
    world = make_coupon_experiment(400, n_treatments=3, random_state=0)
    weight = np.random.default_rng(0).integers(0, 3, 400).astype(float)
    y, arm = world.target[:, 0], np.searchsorted(world.treatments, world.treatment)
    given = rows_of(world.data, y, arm, world.cost, weight)
    predictor, expected = TwoStagePolicy(LinearRegression(), learner="t"), np.empty((400, 3, 2))
    found = robust_scores(predictor, given, 3, np.random.RandomState(5))
    fold = deal_folds(arm, weight > 0, 3, np.random.RandomState(5))
    for k in range(3):
        for j in range(3):
            learn = (fold != k) & (arm == j) & (weight > 0)
            for column, values in enumerate((y, world.cost)):
                model = LinearRegression().fit(world.data[learn], values[learn], weight[learn])
                expected[fold == k, j, column] = model.predict(world.data[fold == k])
    expected[:, 0, 1] = 0.0
    for j in range(3):
        value = policy_value(
            np.full(400, j),
            y,
            treatment=arm,
            cost=world.cost,
            sample_weight=weight,
            method="doubly-robust",
            outcomes=expected,
        )
        got = [score[:, j].mean() for score in found]
        np.testing.assert_allclose(got, [value.response, value.cost])


def test_folds_share_the_rows_of_every_arm():
    arm = np.random.default_rng(0).integers(0, 3, 100)
    has_weight = np.random.default_rng(1).random(100) < 0.6
    fold = deal_folds(arm, has_weight, 4, np.random.RandomState(0))
    for rows in (arm == 1, (arm == 2) & has_weight):
        counts = np.bincount(fold[rows], minlength=4)
        assert np.ptp(counts) <= 1


@pytest.mark.parametrize("n_folds", [2, 7])
def test_an_arm_of_one_row_is_known(n_folds):
    rng = np.random.default_rng(0)
    arm = np.append(np.tile([0, 1], 8), 2)
    rows = rows_of(rng.normal(size=(17, 2)), np.append(rng.normal(size=16), 5.0), arm, 1.0 * arm)
    response, _ = scores(rows, LinearRegression(), n_folds)
    np.testing.assert_allclose(response[:, 2], 5.0)
