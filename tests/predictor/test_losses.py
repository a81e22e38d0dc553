"""Losses of the kinds of components: by hand, their derivatives, numpy beside torch."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc._predictor.losses import LOSSES, Functions
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR, POSITIVE

KINDS = [INDICATOR, AMOUNT, POSITIVE, CONTINUOUS]
TORCH = Functions(torch.exp, torch.nn.functional.softplus)
LINKS = np.linspace(-3, 3, 25)
TARGETS = {
    INDICATOR: np.array([0.0, 1.0, 1.0]),
    AMOUNT: np.array([0.5, 1.0, 4.5]),
    POSITIVE: np.array([0.0, 1.5, 4.5]),
    CONTINUOUS: np.array([-2.0, 1.0, 4.0]),
}


def test_every_kind_has_its_loss():
    assert list(LOSSES) == KINDS


@pytest.mark.parametrize(
    ("kind", "loss", "slope", "curvature"),
    [
        (INDICATOR, np.log(3) - 3 * np.log(2), 2 / 3 - 3, 2 / 9),
        (AMOUNT, 3 / 2 + np.log(2), 1 - 3 / 2, 1),
        (POSITIVE, 2 - 3 * np.log(2), 2 - 3, 2),
        (CONTINUOUS, 0.5 * (3 - np.log(2)) ** 2, np.log(2) - 3, 1),
    ],
)
def test_values_by_hand(kind, loss, slope, curvature):
    link, target = np.array([np.log(2)]), np.array([3.0])
    assert_allclose(LOSSES[kind].loss(link, target), [loss])
    assert_allclose(LOSSES[kind].slope(link, target), [slope])
    assert_allclose(LOSSES[kind].curvature(link, target), [curvature])


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_equals_torch(kind):
    target = TARGETS[kind][:, None]
    loss, slope = (part(LINKS, target) for part in (LOSSES[kind].loss, LOSSES[kind].slope))
    link = torch.tensor(LINKS, requires_grad=True)
    by_torch = LOSSES[kind].loss(link, torch.from_numpy(target), TORCH)
    by_torch.sum().backward()
    assert_allclose(by_torch.detach().numpy(), loss, rtol=1e-7)
    assert_allclose(link.grad.numpy(), slope.sum(axis=0), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_slope_is_a_difference_quotient(kind):
    target, h = TARGETS[kind][:, None], 1e-6
    above, below = (LOSSES[kind].loss(LINKS + step, target) for step in (h, -h))
    assert_allclose(
        (above - below) / (2 * h), LOSSES[kind].slope(LINKS, target), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("kind", [INDICATOR, POSITIVE, CONTINUOUS])
def test_curvature_is_a_difference_quotient(kind):
    target, h = TARGETS[kind][:, None], 1e-6
    above, below = (LOSSES[kind].slope(LINKS + step, target) for step in (h, -h))
    curvature = np.broadcast_to(LOSSES[kind].curvature(LINKS, target), above.shape)
    assert_allclose((above - below) / (2 * h), curvature, rtol=1e-6, atol=1e-8)


def test_curvature_of_an_amount_is_the_expected_one():
    mean = np.exp(LINKS)
    amounts = mean * np.array([[0.2], [0.8], [2.0]])  # with that mean
    slopes = [LOSSES[AMOUNT].slope(LINKS + step, amounts).mean(axis=0) for step in (1e-6, -1e-6)]
    assert_allclose((slopes[0] - slopes[1]) / 2e-6, LOSSES[AMOUNT].curvature(LINKS, amounts))


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_least_at_the_mean(kind):
    target = TARGETS[kind]
    at = LOSSES[kind].link_of_mean(target.mean())
    assert_allclose(LOSSES[kind].slope(at, target).sum(), 0, atol=1e-12)
    for other in (at - 0.1, at + 0.1):
        assert LOSSES[kind].loss(other, target).sum() > LOSSES[kind].loss(at, target).sum()


@pytest.mark.parametrize("kind", KINDS)
def test_link_and_mean_are_inverse(kind):
    means = LOSSES[kind].mean_of_link(LINKS)
    assert_allclose(LOSSES[kind].link_of_mean(means), LINKS, rtol=1e-12, atol=1e-12)
    assert (np.diff(means) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_variance_is_that_of_the_likelihood(kind):
    # With a canonical link the curvature is the variance; with the log the amount's is its square.
    means = LOSSES[kind].mean_of_link(LINKS)
    variance = LOSSES[kind].variance(means)
    expected = means**2 if kind == AMOUNT else LOSSES[kind].curvature(LINKS, means)
    assert_allclose(variance, expected)


def test_logistic_loss_does_not_overflow():
    link, target = np.array([-1e4, 1e4]), np.array([0.0, 1.0])
    assert_array_equal(LOSSES[INDICATOR].loss(link, target), 0)
    assert_array_equal(LOSSES[INDICATOR].slope(link, target), 0)
