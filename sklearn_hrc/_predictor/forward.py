"""The forward pass of fitted networks, in numpy.

Serving needs neither torch nor its threads: a fitted network is a few
matrices. They are stored in float32, as trained, and used in the dtype of the
features, so that float64 features give predictions that do not depend on the
size of the batch beyond float64 rounding.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Network", "hidden_layer", "link_predictions"]


class Network(NamedTuple):
    """Weights of a fitted network; every layer is a pair (weights, bias).

    Attributes
    ----------
    trunk : list of (ndarray, ndarray)
        Shared layers, each followed by a ReLU.
    base : (ndarray, ndarray)
        Linear head: what a component has in common over the arms.
    effect : (ndarray, ndarray)
        Linear head: what each arm adds, arms x components.
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
