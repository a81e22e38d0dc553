"""Expected beside observed means, by hand."""

import numpy as np
import pytest

from sklearn_hrc.metrics._calibration import calibration_points, calibration_slope

EXPECTED = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0])
OBSERVED = np.array([0.0, 2.0, 1.0, 5.0, 4.0, 4.0])
ONES = np.ones(6)


def test_bins_by_hand():
    points = calibration_points(EXPECTED, OBSERVED, np.zeros(6, int), 1, ONES, n_bins=3)
    assert points.arm.tolist() == [0, 0, 0]
    assert points.expected.tolist() == [1.0, 2.0, 3.0]
    assert points.observed.tolist() == [1.0, 3.0, 4.0]
    np.testing.assert_allclose(points.standard_error, [1.0, 2.0, 0.0])
    np.testing.assert_allclose(points.weight, 1 / 3)


def test_rows_of_one_cell_stay_together():
    points = calibration_points(np.full(6, 2.0), OBSERVED, np.zeros(6, int), 1, ONES, n_bins=3)
    assert len(points.arm) == 1
    assert points.observed[0] == pytest.approx(OBSERVED.mean())


def test_arms_apart_and_an_arm_without_rows_has_no_point():
    arm = np.array([0, 2, 0, 2, 0, 2])
    points = calibration_points(EXPECTED, OBSERVED, arm, 3, ONES, n_bins=1)
    assert points.arm.tolist() == [0, 2]
    np.testing.assert_allclose(points.observed, [5 / 3, 11 / 3])


def test_weights_are_repeated_rows():
    weight = np.array([1.0, 3.0, 2.0, 1.0, 1.0, 0.0])
    arm = np.zeros(6, int)
    weighted = calibration_points(EXPECTED, OBSERVED, arm, 1, weight, n_bins=3)
    again = np.repeat(np.arange(6), weight.astype(int))
    repeated = calibration_points(
        EXPECTED[again], OBSERVED[again], arm[again], 1, np.ones(8), n_bins=3
    )
    np.testing.assert_allclose(weighted.observed, repeated.observed)
    np.testing.assert_allclose(weighted.weight, repeated.weight)


def test_a_group_counts_once():
    twice = np.repeat(np.arange(6), 2)
    arm = np.zeros(12, int)
    grouped = calibration_points(
        EXPECTED[twice], OBSERVED[twice], arm, 1, np.ones(12), unit=twice, n_bins=3
    )
    single = calibration_points(EXPECTED, OBSERVED, arm[:6], 1, ONES, n_bins=3)
    np.testing.assert_allclose(grouped.standard_error, single.standard_error)


def test_slope_by_hand():
    rng = np.random.default_rng(0)
    expected = np.repeat([1.0, 2.0, 4.0], 2000)
    observed = 1 + 0.5 * expected + rng.normal(size=6000)
    points = calibration_points(expected, observed, np.zeros(6000, int), 1, np.ones(6000))
    slope, error = calibration_slope(points, 0)
    assert slope == pytest.approx(0.5, abs=3 * error)
    # As of a regression: 1 / sqrt(n var(x)) with a noise of 1.
    assert error == pytest.approx(1 / np.sqrt(6000 * expected.var()), rel=0.05)


@pytest.mark.parametrize("expected", [np.full(6, 2.0), EXPECTED])
def test_no_slope_where_nothing_differs_or_a_bin_has_no_error(expected):
    points = calibration_points(expected, OBSERVED, np.zeros(6, int), 1, ONES, n_bins=3)
    assert np.isnan(calibration_slope(points, 0)).all()
