"""Arms that few rows received: a warning, and effects held back by their own error."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc._cells.estimates import CellEstimates
from sklearn_hrc._cells.rare_arms import hold_back, mean_effects
from sklearn_hrc.exceptions import RareTreatmentWarning

SIZES = np.array([1.0, 3.0])


def estimates_of(response, own=0.0, level=0.0):
    response = np.array(response, dtype=float)
    n_clusters, n_arms = response.shape
    mean = np.stack([response, np.ones_like(response)], axis=-1)
    shared, cells = np.zeros((n_arms, 2, 2)), np.zeros((n_clusters, n_arms, 2, 2))
    shared[:, 0, 0], cells[..., 0, 0] = level, own
    return CellEstimates(mean, shared, cells, np.zeros((n_clusters, n_arms, 2, 0)))


def test_mean_effects_hand_computed():
    estimates = estimates_of([[1.0, 3.0], [1.0, 2.0]], own=0.16, level=0.5)
    effect, error = mean_effects(estimates, SIZES, control=0)
    assert_allclose(effect, [0, 2 / 4 + 3 / 4])
    # Of each of two arms: (1 / 16 + 9 / 16) * 0.16 for its cells, and 0.5 for its level.
    assert_allclose(error, [0, np.sqrt(2 * (0.1 + 0.5))])


def test_effects_shrink_with_their_error():
    rows, labels = np.array([900, 900, 20]), np.array([0, 5, 10])
    estimates = estimates_of([[1.0, 2.0, 3.0], [1.0, 2.0, 5.0]], level=[0.0, 0.0, 0.75])
    held = hold_back(estimates, SIZES, rows, 0, labels)
    # The mean effect is 3.5, so that 1 - 4 * 0.75 / 12.25 of each effect is left.
    kept = 1 - 3 / 12.25
    assert_allclose(held.mean[..., 0], [[1, 2, 1 + 2 * kept], [1, 2, 1 + 4 * kept]])
    assert_array_equal(held.mean[..., 1], estimates.mean[..., 1])
    many = hold_back(estimates, SIZES, np.array([900, 900, 900]), 0, labels)
    assert many is estimates


@pytest.mark.parametrize("level", [3.1, np.nan, np.inf])
def test_nothing_is_left_of_an_effect_below_its_error(level):
    estimates = estimates_of([[1.0, 2.0, 3.0], [1.0, 2.0, 5.0]], level=[0.0, 0.0, level])
    with pytest.warns(RareTreatmentWarning, match=r"treatment 10 was received by 20 rows only"):
        held = hold_back(estimates, SIZES, np.array([900, 900, 20]), 0, np.array([0, 5, 10]))
    assert_array_equal(held.mean[..., 0], [[1, 2, 1], [1, 2, 1]])


def test_rare_control_is_told():
    estimates = estimates_of([[1.0, 2.0], [1.0, 2.0]], level=[4.0, 0.0])
    with pytest.warns(RareTreatmentWarning, match=r"control 0 was received by 20 rows only"):
        held = hold_back(estimates, SIZES, np.array([20, 900]), 0, np.array([0, 5]))
    assert_array_equal(held.mean, estimates.mean)


@pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.RareTreatmentWarning")
@pytest.mark.parametrize("estimation", ["raw", "pooled"])
def test_a_pilot_of_ten_rows_is_given_to_nobody(estimation):
    given = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        segment, treatment = rng.integers(0, 6, 3000), rng.choice([0, 5], 3000)
        treatment[:10] = 10
        order = rng.random(3000) < 0.15 + 0.1 * (treatment == 5)
        allocator = ClusterBudgetAllocator(
            0.3, arm_cost={0: 0, 5: 1.0, 10: 1.0}, estimation=estimation, population=3000
        )
        allocator.fit(segment[:, None], order * 20.0, treatment=treatment)
        given.append(allocator.allocation_[:, 2].sum() / 3000)
    assert np.mean(given) < 0.05
