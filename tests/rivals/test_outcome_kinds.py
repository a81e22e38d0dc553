"""Kinds of outcomes, their starts, and the way from outputs to means."""

import numpy as np
import torch

from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS
from sklearn_hrc.rivals._outcome_kinds import describe_outcome, means_of_outputs

ARM = np.array([0, 0, 0, 0, 1, 1, 1, 1])
ONES = np.ones(8)
UNKNOWN = np.full(2, np.nan)


def start_means(kind):
    """Means of the arms before anything is learnt."""
    return means_of_outputs([kind], kind.start)[..., 0]


def test_zeros_and_ones_are_a_chance():
    kind = describe_outcome(np.array([0, 0, 0, 1, 0, 1, 1, 1]) * 5.0, ARM, ONES, UNKNOWN)
    assert (kind.has_chance, kind.amount, kind.scale) == (True, None, 5.0)
    # One average row more in each arm: 1.5 and 3.5 of 5.
    np.testing.assert_allclose(start_means(kind), [5 * 0.3, 5 * 0.7])


def test_amounts_that_are_often_zero_are_a_chance_and_an_amount():
    kind = describe_outcome(np.array([0, 0, 2, 4, 0, 0, 6, 8.0]), ARM, ONES, UNKNOWN)
    assert (kind.has_chance, kind.amount, kind.scale) == (True, AMOUNT, 5.0)
    # One average row more: amounts (2 + 4 + 5) / 3 and (6 + 8 + 5) / 3.
    np.testing.assert_allclose(start_means(kind), [11 / 6, 19 / 6])
    assert means_of_outputs([kind], np.full((2, 2), 50.0)).max() <= 8.0 + 1e-12


def test_other_outcomes_are_amounts_of_either_sign():
    kind = describe_outcome(np.array([-1, 0, 0, 1, 3, 3, 3, 3.0]), ARM, ONES, UNKNOWN)
    assert (kind.has_chance, kind.amount, kind.location) == (False, CONTINUOUS, 1.5)
    # One row of the overall mean more in each arm.
    np.testing.assert_allclose(start_means(kind), [1.5 / 5, 13.5 / 5])


def test_what_is_known_is_given_as_it_is():
    values = np.array([0, 0, 0, 0, 2, 4, 6, 0.0])
    kind = describe_outcome(values, ARM, ONES, np.array([0.0, np.nan]))
    assert kind.has_chance
    np.testing.assert_array_equal(start_means(kind)[0], 0.0)
    kind = describe_outcome(values, ARM, ONES, np.array([0.0, 7.0]))
    np.testing.assert_array_equal(start_means(kind), [0.0, 7.0])


def test_rows_of_weight_zero_do_not_count():
    values, weight = np.array([0, 0, 0, 1, 0, 1, 1, -9.0]), ONES * [1, 1, 1, 1, 1, 1, 1, 0]
    kind = describe_outcome(values, ARM, weight, UNKNOWN)
    assert (kind.has_chance, kind.amount) == (True, None)


def test_torch_and_numpy_give_the_same_means():
    rng = np.random.default_rng(0)
    kinds = [
        describe_outcome(np.array([0, 0, 2, 4, 0, 0, 6, 8.0]), ARM, ONES, np.array([1.0, np.nan])),
        describe_outcome(rng.normal(size=8), ARM, ONES, UNKNOWN),
    ]
    outputs = rng.normal(size=(3, 2, 4)) * 10
    given = means_of_outputs(kinds, torch.from_numpy(outputs), torch)
    np.testing.assert_allclose(given, means_of_outputs(kinds, outputs), rtol=1e-12)
    # A mean whose chance is tiny is a number with a slope, also in float32.
    small = torch.full((1, 2, 4), -200.0, requires_grad=True)
    means_of_outputs(kinds, small, torch).sum().backward()
    assert torch.isfinite(small.grad).all()
