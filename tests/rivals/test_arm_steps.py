"""Means of arms, the steps between them, and how rows count in a step."""

import numpy as np

from sklearn_hrc.rivals._arm_steps import (
    signs_of_steps,
    steps_of_means,
    without_base,
)
from sklearn_hrc.rivals._augmented_totals import augmented_totals
from sklearn_hrc.rivals._rows import ExperimentRows, arm_means


def make_rows(X, arm, response, cost):
    """Rows with weights of one, each arm standing for all rows."""
    n_rows, n_arms = len(arm), arm.max() + 1
    inverse = n_rows / np.bincount(arm)[arm]
    constants = np.full((2, n_arms), np.nan)
    return ExperimentRows(X, arm, response, cost, np.ones(n_rows), inverse, constants, 0)


def test_means_of_arms_by_hand():
    arm, y = np.array([0, 0, 0, 1]), np.array([1.0, 2.0, 6.0, 5.0])
    np.testing.assert_allclose(arm_means(make_rows(y[:, None], arm, y, -y)), [[3, 5], [-3, -5]])


def test_steps_leave_out_what_is_not_on_the_hull():
    # Arm 1 is dearer than arm 3 and gives less. Arm 2 gives less than halves of 3 and 4.
    response, cost = np.array([1.0, 2.0, 5.5, 5.0, 7.0]), np.array([0.0, 3.0, 3.0, 2.0, 4.0])
    steps = steps_of_means(response, cost)
    np.testing.assert_array_equal(steps.arms, [0, 3, 4])
    np.testing.assert_allclose(steps.cost, [0, 2, 4])
    np.testing.assert_allclose(steps.returns, [2, 1])


def test_of_equally_dear_arms_the_best_one_stays():
    steps = steps_of_means(np.array([0.0, 2.0, 3.0]), np.array([0.0, 1.0, 1.0]))
    np.testing.assert_array_equal(steps.arms, [0, 2])


def test_no_step_where_nothing_pays():
    steps = steps_of_means(np.array([1.0, 0.5]), np.array([0.0, 1.0]))
    np.testing.assert_array_equal(steps.arms, [0])
    assert len(steps.returns) == 0


def test_signs_by_hand():
    steps = steps_of_means(np.array([0.0, 4.0, 1.0, 6.0]), np.array([0.0, 1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(steps.arms, [0, 1, 3])
    sign = signs_of_steps(np.array([0, 1, 2, 3]), np.array([2.0, 3.0, 4.0, 5.0]), steps)
    np.testing.assert_array_equal(sign, [[-2, 0], [3, -3], [0, 0], [0, 5]])


def test_the_base_is_taken_away_and_effects_stay():
    rng = np.random.default_rng(0)
    X, arm = rng.normal(size=(3000, 2)), np.arange(3000) % 2
    base, noise = 10 * X[:, 0], rng.normal(size=3000)
    rows = make_rows(X, arm, base + arm + noise, arm * 1.0)
    left = without_base(rows, np.random.RandomState(0))
    np.testing.assert_allclose(left, arm - 0.5 + noise, atol=0.6)
    assert abs(left[arm == 1].mean() - left[arm == 0].mean() - 1) < 0.1
    few = make_rows(X[:10], arm[:10], rows.response[:10], arm[:10] * 1.0)
    expected = few.response - few.response.mean()
    np.testing.assert_allclose(without_base(few, np.random.RandomState(0)), expected)


def test_augmented_totals_by_hand():
    arm, y = np.array([0, 1, 1, 1]), np.array([1.0, 2.0, 3.0, 7.0])
    rows = make_rows(y[:, None], arm, y, y)
    expected = np.array([[0.0, 5.0], [1.0, 4.0], [1.0, 4.0], [1.0, 4.0]])
    # Beyond the predictions: 1 by a weight of 4, and -2, -1 and 3 by weights of 4 / 3.
    beyond = [[4, 0], [0, -8 / 3], [0, -4 / 3], [0, 4]]
    totals = augmented_totals(expected, y, rows)
    np.testing.assert_allclose(totals, expected + beyond)
    # One arm for all: its mean, whatever was predicted.
    np.testing.assert_allclose(totals[:, 1].sum(), 17 + 0)
