"""Multi-task networks side by side in one torch module, and their loss.

Every array of weights has a leading axis of networks, which share nothing but the
rows of a step. Units stand before rows, so that the products of a step need no
transposed copies.
"""

import itertools

import numpy as np
import torch
from torch import nn

from sklearn_hrc._predictor.forward import Network
from sklearn_hrc._predictor.losses import LOSSES, Functions

__all__ = ["RowLosses", "SideBySide", "first_direction", "links_of", "unpack"]

TORCH = Functions(torch.exp, nn.functional.softplus)


class SideBySide(nn.Module):
    """Networks that each have a trunk, and heads of every component for the received arm j.

    The heads are `base(h) + direction_j * common(h) + own_j(h)`. Mostly, arms move an
    individual in proportion: rows of all arms teach `common`, but only those of an
    arm its `own_j`.

    Parameters
    ----------
    n_features : int
        Number of features.
    hidden_layer_sizes : sequence of int
        Widths of the trunk's layers.
    direction : ndarray of shape (n_networks, n_treatments, n_components)
        Where the proportions start.
    seeds : sequence of int
        A seed for the initial weights of each network.
    """

    def __init__(self, n_features, hidden_layer_sizes, direction, seeds):
        super().__init__()
        n_networks, n_treatments, n_components = direction.shape
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        widths = [n_features, *hidden_layer_sizes]

        def zeros(*shape):
            return nn.Parameter(torch.zeros(n_networks, *shape))

        # Weights and biases of the layers, in turn.
        self.trunk = nn.ParameterList(
            values for pair in itertools.pairwise(widths) for values in _linear(*pair, generators)
        )
        self.base_weight, self.base_bias = _linear(widths[-1], n_components, generators)
        self.direction = nn.Parameter(torch.tensor(direction, dtype=torch.float32))
        # No arm has an effect until the data says so.
        self.common = zeros(n_components, widths[-1])
        self.own_weight = zeros(n_treatments, n_components, widths[-1])
        self.own_bias = zeros(n_treatments, n_components, 1)

    def forward(self, features, arm):
        """Return link-scale predictions of shape (n_networks, n_components, n_samples)."""
        return links_of(list(self.parameters()), features, arm)


def _linear(n_inputs, n_outputs, generators):
    """Initial weights and bias of a layer, distributed as those of `torch.nn.Linear`."""
    bound = n_inputs**-0.5

    def drawn(n_columns):
        shape = n_outputs, n_columns
        layers = [torch.empty(shape).uniform_(-bound, bound, generator=g) for g in generators]
        return nn.Parameter(torch.stack(layers))

    return drawn(n_inputs), drawn(1)


def _split(weights):
    """Take weights apart, in the order of the module's parameters, into trunk, base and effect."""
    base_weight, base_bias, direction, common, own_weight, own_bias, *trunk = weights
    # The common and the own effect of an arm are one linear head.
    effect_weight = direction[..., None] * common.unsqueeze(-3) + own_weight
    return list(zip(trunk[::2], trunk[1::2])), (base_weight, base_bias), (effect_weight, own_bias)


def links_of(weights, features, arm):
    """Return what networks predict for the received arms.

    Parameters
    ----------
    weights : list of Tensor
        In the order of the parameters of :class:`SideBySide`.
    features : Tensor of shape (n_samples, n_features)
        Features.
    arm : Tensor of shape (n_samples,), int64
        Received arms.

    Returns
    -------
    links : Tensor of shape (n_networks, n_components, n_samples)
        Predictions on the link scale.
    """
    trunk, base, effect = _split(weights)
    # One product with the first layers of all networks: they have the same inputs.
    (weight, bias), *deeper = trunk
    hidden = torch.addmm(bias.flatten(0, 1), weight.flatten(0, 1), features.T)
    hidden = torch.relu_(hidden).view(len(weight), -1, len(features))
    for weight, bias in deeper:
        hidden = torch.relu_(torch.baddbmm(bias, weight, hidden))
    # The heads are summed as weights, which are few beside the rows.
    weight, bias = (part[:, None] + own for part, own in zip(base, effect))
    links = torch.baddbmm(bias.flatten(1, 2), weight.flatten(1, 2), hidden)
    links = links.view(*bias.shape[:3], -1)
    received = arm.expand(len(links), 1, links.shape[2], -1)
    return links.gather(1, received).squeeze(1)


def unpack(weights):
    """Return the weights of one network, which have no leading axis, as numpy arrays."""
    trunk, base, effect = _split([part.detach().cpu() for part in weights])

    def arrays(layer):
        weight, bias = layer
        return weight.reshape(-1, weight.shape[-1]).numpy().copy(), bias.flatten().numpy().copy()

    return Network([arrays(layer) for layer in trunk], arrays(base), arrays(effect))


class RowLosses(nn.Module):
    """Weighted losses of the components, each by its kind.

    Parameters
    ----------
    kind : ndarray of shape (n_components,), int
        Kinds of the components, ascending.
    """

    def __init__(self, kind):
        super().__init__()
        # Components of a kind stand side by side.
        kinds, starts = np.unique(kind, return_index=True)
        stops = [*starts[1:], len(kind)]
        self.parts = [
            (LOSSES[kind], slice(start, stop)) for kind, start, stop in zip(kinds, starts, stops)
        ]

    def forward(self, links, target_and_weight):
        """Return the loss of every network in every row, summed over the components."""
        target, weight = target_and_weight.T.chunk(2)
        losses = [part.loss(links[:, at], target[at], TORCH) for part, at in self.parts]
        return (torch.cat(losses, dim=1) * weight).sum(dim=1)


def first_direction(arm, target_and_weight, n_treatments, kind):
    """Return where the direction of the common effects starts, for each arm and component.

    It is the mean effects on the link scale, with a mean square of one over
    the arms: an arm that moves people more in the mean will move more whoever
    is moved more. From a random start it does not arrive.

    Parameters
    ----------
    arm : ndarray of shape (n_samples,), int64
        Arm of each row.
    target_and_weight : ndarray of shape (n_samples, 2 * n_components), float32
        Targets of the components, then their weights in the loss.
    n_treatments : int
        Number of arms.
    kind : ndarray of shape (n_components,), int
        Kinds of the components.

    Returns
    -------
    direction : ndarray of shape (n_treatments, n_components)
        Zero for an arm that teaches nothing.
    """
    total, mass = np.zeros((2, n_treatments, len(kind)))
    for j in range(n_treatments):
        target, weight = np.hsplit(target_and_weight[arm == j].astype(np.float64), 2)
        total[j], mass[j] = (weight * target).sum(axis=0), weight.sum(axis=0)
    # An average row in every arm: else an arm without an order would be off by infinity.
    link = _links_of_means(
        total + total.sum(axis=0) / len(arm), mass + mass.sum(axis=0) / len(arm), kind
    )
    learnt = mass > 0
    level = (link * learnt).sum(axis=0) / np.maximum(learnt.sum(axis=0), 1)
    effect = (link - level) * learnt
    size = np.sqrt(np.square(effect).mean(axis=0))
    return np.divide(effect, size, out=np.zeros_like(effect), where=size > 0)


def _links_of_means(total, mass, kind):
    """Links of the components' means; 0 where there is none, as without rows."""
    mean = np.divide(total, mass, out=np.zeros_like(total), where=mass > 0)
    with np.errstate(divide="ignore"):
        links = [LOSSES[k].link_of_mean(column) for k, column in zip(kind, mean.T)]
    return np.nan_to_num(np.transpose(links), nan=0.0, posinf=0.0, neginf=0.0)
