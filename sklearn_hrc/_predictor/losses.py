"""Losses of the kinds of components: half the deviance of a link, up to a constant.

Each formula stands here once. The networks minimise `loss` with torch. The pooled model
and the stack use `slope` and `curvature` with numpy. Only numpy is imported here.
Means are in the units of the targets. Far from the minimum exponentials overflow in numpy.
The result is infinity with numpy's warning, which the caller may silence.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logit

from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR, POSITIVE

__all__ = ["LOSSES", "NUMPY", "Functions"]


class Functions(NamedTuple):
    """Functions of an array library that the losses need, for example `torch.exp`.

    Attributes
    ----------
    exp : callable
        Exponential of each entry.
    softplus : callable
        `log(1 + exp(value))` of each entry, without overflow.
    """

    exp: Callable[[Any], Any]
    softplus: Callable[[Any], Any]


def _softplus(values):
    return np.logaddexp(0, values)


NUMPY = Functions(np.exp, _softplus)


class LogisticLoss:
    """Loss of an indicator, 0 or 1, with the logit as link."""

    def loss(self, link, target, functions=NUMPY):
        """Return the loss of each entry."""
        return functions.softplus(link) - target * link

    def slope(self, link, target):
        """Return the derivative of the loss with respect to the link."""
        return expit(link) - target

    def curvature(self, link, target):
        """Return the second derivative of the loss."""
        return self.variance(expit(link))

    def link_of_mean(self, mean):
        """Return the link at which targets with this mean have the least loss."""
        return logit(mean)

    def mean_of_link(self, link):
        """Return the mean that a link stands for."""
        return expit(link)

    def variance(self, mean):
        """Return the variance of a target with this mean, up to a factor."""
        return mean * (1 - mean)


class _LogLink:
    """Base of the losses with the logarithm of the mean as link."""

    def link_of_mean(self, mean):
        """Return the link at which targets with this mean have the least loss."""
        return np.log(mean)

    def mean_of_link(self, link):
        """Return the mean that a link stands for."""
        return np.exp(link)


class GammaLoss(_LogLink):
    """Loss of a positive amount, whose spread is in proportion to its mean."""

    def loss(self, link, target, functions=NUMPY):
        """Return the loss of each entry."""
        return target * functions.exp(-link) + link

    def slope(self, link, target):
        """Return the derivative of the loss with respect to the link."""
        return 1 - target * np.exp(-link)

    def curvature(self, link, target):
        """Return the expected second derivative of the loss at the link."""
        return np.ones_like(link)

    def variance(self, mean):
        """Return the variance of a target with this mean, up to a factor."""
        return np.square(mean)


class PoissonLoss(_LogLink):
    """Loss of a non-negative value, whose variance is in proportion to its mean."""

    def loss(self, link, target, functions=NUMPY):
        """Return the loss of each entry."""
        return functions.exp(link) - target * link

    def slope(self, link, target):
        """Return the derivative of the loss with respect to the link."""
        return np.exp(link) - target

    def curvature(self, link, target):
        """Return the second derivative of the loss."""
        return np.exp(link)

    def variance(self, mean):
        """Return the variance of a target with this mean, up to a factor."""
        return mean


class SquaredLoss:
    """Loss of a value of either sign with a constant variance, with the mean itself as link."""

    def loss(self, link, target, functions=NUMPY):
        """Return the loss of each entry."""
        return 0.5 * (link - target) ** 2

    def slope(self, link, target):
        """Return the derivative of the loss with respect to the link."""
        return link - target

    def curvature(self, link, target):
        """Return the second derivative of the loss."""
        return np.ones_like(link)

    def link_of_mean(self, mean):
        """Return the link at which targets with this mean have the least loss."""
        return mean

    def mean_of_link(self, link):
        """Return the mean that a link stands for."""
        return link

    def variance(self, mean):
        """Return the variance of a target with this mean, up to a factor."""
        return np.ones_like(mean)


LOSSES = {
    INDICATOR: LogisticLoss(),
    AMOUNT: GammaLoss(),
    POSITIVE: PoissonLoss(),
    CONTINUOUS: SquaredLoss(),
}
