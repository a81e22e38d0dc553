"""Forward pass of fitted networks, in numpy.

A fitted network is a few matrices, so serving needs neither torch nor its threads.
The matrices are stored in float32, as trained, and used in the dtype of the
features. So with float64 features predictions depend on the size of the batch only
by float64 rounding.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Network", "hidden_layer", "link_predictions"]


class Network(NamedTuple):
    """Weights of a fitted network. Every layer is a pair (weights, bias).

    Attributes
    ----------
    trunk : list of (ndarray, ndarray)
        Shared layers, each followed by a ReLU.
    base : (ndarray, ndarray)
        Linear head of what all arms have in common in each component.
    effect : (ndarray, ndarray)
        Linear head of what each arm adds, arms x components.
    """

    trunk: list
    base: tuple
    effect: tuple


def hidden_layer(features, network):
    """Return the last layer of the trunk, of shape (n_samples, n_hidden)."""
    hidden = features
    for layer in network.trunk:
        hidden = _linear(hidden, layer)
        np.maximum(hidden, 0, out=hidden)
    return hidden


def link_predictions(hidden, network):
    """Return link-scale predictions, of shape (n_samples, n_treatments, n_components)."""
    base = _linear(hidden, network.base)
    effect = _linear(hidden, network.effect)
    return base[:, None, :] + effect.reshape(len(hidden), -1, base.shape[1])


def _linear(values, layer):
    weights, bias = (array.astype(values.dtype, copy=False) for array in layer)
    return values @ weights.T + bias
