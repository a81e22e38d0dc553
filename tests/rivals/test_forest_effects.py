"""Levels and effects of outcomes, from means and from trees that have not seen the row."""

import numpy as np
from sklearn.linear_model import LinearRegression

from sklearn_hrc.rivals._forest_effects import (
    ForestModel,
    centred_arms,
    expect_by_forest,
    fit_forest,
    held_out_mean,
)
from sklearn_hrc.rivals._rows import ExperimentRows

NAN = np.nan


class Effects:
    """Stands for a forest: the same effects for all rows, and others for rows out of the bag."""

    def __init__(self, effects, out_of_bag=None):
        self.effects, self.out_of_bag = np.array(effects), np.array(out_of_bag)

    def fit(self, X, T, y, sample_weight):
        self.seen = X, T, y, sample_weight
        return self

    def predict(self, X):
        return np.tile(self.effects, (len(X), 1))

    def oob_predict(self, X):
        found = np.tile(self.out_of_bag, (len(X), 1))
        found[0] = NAN
        return found


class Mean:
    def predict(self, X):
        return np.full(len(X), 6.0)


def test_the_level_is_the_mean_over_arms_less_the_mean_effect():
    # Outcomes of 5, 6 and 7 have a mean of 6, and effects of 1 and 2.
    model = ForestModel(np.full(3, NAN), 0, np.array([1, 2]), Mean(), Effects([1.0, 2.0]))
    np.testing.assert_allclose(expect_by_forest(model, np.zeros((2, 1))), [[5, 6, 7]] * 2)


def test_what_is_known_stays():
    known = np.array([3.0, 9.0, NAN])
    model = ForestModel(known, 0, np.array([2]), None, Effects([4.0]))
    np.testing.assert_array_equal(expect_by_forest(model, np.zeros((1, 1))), [[3, 9, 7]])
    all_known = ForestModel(np.array([3.0, 9.0]), 0, np.array([], dtype=int), None, None)
    np.testing.assert_array_equal(expect_by_forest(all_known, np.zeros((1, 1))), [[3, 9]])


def test_rows_of_known_arms_are_left_out_and_others_not_predicted_by_what_has_seen_them():
    arm = np.tile([0, 1, 2], 10)
    rows = ExperimentRows(
        np.zeros((30, 1)),
        arm,
        np.zeros(30),
        np.zeros(30),
        np.ones(30),
        np.full(30, 3.0),
        np.zeros((2, 3)),
        0,
    )
    forest = Effects([4.0], out_of_bag=[8.0])
    known = np.array([1.0, 5.0, NAN])
    model, expected = fit_forest(
        LinearRegression(),
        forest,
        np.where(arm == 2, 9.0, 1.0),
        known,
        rows,
        np.random.RandomState(0),
    )
    X, T, error, weight = forest.seen
    assert len(X) == 20
    np.testing.assert_allclose(np.unique(T), [-0.5, 0.5])
    # Each fold has as many rows of both arms, so that the mean is 5 in all.
    np.testing.assert_allclose(np.unique(np.round(error, 9)), [-4, 4])
    np.testing.assert_array_equal(weight, np.ones(20))
    assert model.level is None
    # The first row was in all trees, and the second is of an arm that is known.
    np.testing.assert_array_equal(expected[:3, 2], [5.0, 5.0, 9.0])
    np.testing.assert_array_equal(expected[:, :2], [[1.0, 5.0]] * 30)


def test_outcomes_are_centred_by_regressions_that_have_not_seen_the_row():
    X, fold = np.arange(6.0)[:, None], np.array([0, 0, 0, 1, 1, 1])
    y = np.array([0.0, 1.0, 2.0, 13.0, 14.0, 15.0])
    # Each half is a line, which the other one is ten above or below.
    mean = held_out_mean(LinearRegression(), X, y, np.ones(6), fold)
    np.testing.assert_allclose(y - mean, [-10, -10, -10, 10, 10, 10])


def test_indicators_are_centred_by_inverse_propensities():
    arm, weight = np.array([0, 2, 2, 4]), np.array([6.0, 3.0, 3.0, 6.0])
    centred = centred_arms(arm, np.array([2, 4]))
    np.testing.assert_allclose(centred[0], [-1 / 3, -1 / 3])
    np.testing.assert_allclose(centred[1], [2 / 3, -1 / 3])
    np.testing.assert_allclose(weight @ centred, 0, atol=1e-12)
