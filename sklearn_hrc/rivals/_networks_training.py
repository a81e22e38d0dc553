"""Small networks side by side, trained with torch on whole tensors and applied with numpy."""

import copy
import itertools

import numpy as np
import torch
from torch import nn

from sklearn_hrc._predictor.forward import Network
from sklearn_hrc.exceptions import DivergenceError

__all__ = ["SharedLayers", "train_networks"]

# Effects of the arms are small beside what arms have in common: their heads are shrunk most.
TRUNK_DECAY = 1e-4
BASE_DECAY = 1e-2
OWN_DECAY = 1.0
# What is judged and kept is a moving average of the weights over some hundred steps.
AVERAGE_DECAY = 0.99
# Epochs without a better held-out loss before the rate is halved, and before training stops.
RATE_PATIENCE = 2
STOP_PATIENCE = 6
# Rows that are judged at a time.
JUDGED_ROWS = 16_384


class SharedLayers(nn.Module):
    """Networks that each have shared layers, and a linear head for every arm.

    A head is the sum of one that all arms share and of the arm's own, which starts without
    an effect of the features. Every array of weights has a leading axis of networks.

    Parameters
    ----------
    n_features : int
        Number of features.
    hidden_layer_sizes : sequence of int
        Widths of the shared layers.
    start : ndarray of shape (n_heads, n_outputs)
        What the heads say before they learn.
    seeds : sequence of int
        Seed of each network's initial weights.
    """

    def __init__(self, n_features, hidden_layer_sizes, start, seeds):
        super().__init__()
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        widths = [n_features, *hidden_layer_sizes]
        self.weights = nn.ParameterList(
            _draw(pair, pair[0], generators) for pair in itertools.pairwise(widths)
        )
        self.biases = nn.ParameterList(
            _draw((1, n_out), n_in, generators) for n_in, n_out in itertools.pairwise(widths)
        )
        n_heads, n_outputs = start.shape
        self.base = _draw((widths[-1], n_outputs), widths[-1], generators)
        self.own = nn.Parameter(torch.zeros(len(seeds), n_heads, widths[-1], n_outputs))
        start = torch.tensor(start, dtype=torch.float32)
        self.level = nn.Parameter(start.repeat(len(seeds), 1, 1))

    def forward(self, features):
        """Return the outputs of all heads, of shape (n_networks, n_rows, n_heads, n_outputs)."""
        hidden = features
        for weight, bias in zip(self.weights, self.biases):
            hidden = torch.relu(hidden @ weight + bias)
        head = (self.base[:, None] + self.own).transpose(1, 2).flatten(2)
        outputs = hidden @ head + self.level.flatten(1)[:, None]
        return outputs.unflatten(2, self.level.shape[1:])

    def groups(self):
        """Return the parameters in groups with a decay of their own, for an optimiser."""
        return [
            {"params": list(self.weights), "weight_decay": TRUNK_DECAY},
            {"params": [self.base], "weight_decay": BASE_DECAY},
            {"params": [self.own], "weight_decay": OWN_DECAY},
            {"params": [*self.biases, self.level], "weight_decay": 0.0},
        ]

    def unpack(self):
        """Return each network as arrays, which are applied without torch."""
        parts = [
            [weight.detach().numpy().copy() for weight in weights]
            for weights in (self.weights, self.biases)
        ]
        base, own, level = (x.detach().numpy().copy() for x in (self.base, self.own, self.level))
        return [
            Network(
                [(weight[m].T, bias[m, 0]) for weight, bias in zip(*parts)],
                (base[m].T, np.zeros(base.shape[2], dtype=base.dtype)),
                (np.concatenate([head.T for head in own[m]]), level[m].ravel()),
            )
            for m in range(len(base))
        ]


def _draw(shape, n_inputs, generators):
    """Initial weights, distributed as those of `torch.nn.Linear`."""
    bound = n_inputs**-0.5
    drawn = [torch.empty(shape).uniform_(-bound, bound, generator=g) for g in generators]
    return nn.Parameter(torch.stack(drawn))


def train_networks(
    module, features, losses, folds, *, lr, batch_size, max_epochs, seed, judge=None, prepare=None
):
    """Minimise losses by mini-batches, and keep the weights that held-out rows find best.

    Network `m` does not learn from fold `m`. The mean of all networks' losses in their own folds
    says which epoch is kept, that before the first one among them. So all rows speak on it. What
    is judged and kept are moving averages of the weights.

    Parameters
    ----------
    module : SharedLayers
        Trained in place.
    features : Tensor of shape (n_samples, n_features)
        Scaled features.
    losses : callable
        `losses(outputs, index)` gives the loss of every network in every row of a batch, of shape
        (n_networks, n_rows). `index` says which rows these are.
    folds : Tensor of shape (n_samples,), int64
        Fold of each row. Other folds teach all networks. If no fold is left out, all epochs count.
    lr : float
        Rate of AdamW.
    batch_size : int
        Rows in a step.
    max_epochs : int
        Passes at most.
    seed : int
        Of the order of the rows.
    judge : callable, default=None
        Like `losses`, for held-out rows. None is `losses`.
    prepare : callable, default=None
        Called with the averaged networks each time before they are judged, and so before each
        epoch.

    Returns
    -------
    history : list of float
        Mean held-out loss before the first epoch and after each.
    """
    generator = torch.Generator().manual_seed(seed)
    average = copy.deepcopy(module)
    optimizer = torch.optim.AdamW(module.groups(), lr=lr, fused=True)
    # torch's patience is the number of bad epochs that it lets pass.
    rates = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min", 0.5, RATE_PATIENCE - 1)
    own = folds == torch.arange(len(module.level))[:, None]
    has_held_out = bool(own.any(dim=1).all())
    judge = losses if judge is None else judge
    history, n_steps = [], 0
    for epoch in range(max_epochs + 1):
        if epoch:
            order = torch.randperm(len(features), generator=generator)
            for index in order.split(batch_size):
                _step(module, optimizer, features[index], losses, index, ~own[:, index])
                _follow(average, module, n_steps)
                n_steps += 1
        with torch.no_grad():
            if prepare is not None:
                prepare(average)
            loss = _held_out(average, features, judge, own)
        if not has_held_out or loss < min(history, default=np.inf):
            best = copy.deepcopy(average.state_dict())
        history.append(loss)
        if has_held_out:
            rates.step(loss)
            if len(history) - np.argmin(history) > STOP_PATIENCE:
                break
    module.load_state_dict(best)
    return history


def _step(module, optimizer, features, losses, index, learns):
    optimizer.zero_grad()
    total = (losses(module(features), index) * learns).sum() / len(index)
    # Each network has the gradient of its own loss, as they share no weights.
    total.backward()
    optimizer.step()


@torch.no_grad()
def _follow(average, module, n_steps):
    """Move the average towards the weights: quickly at first, when the oldest are the worst."""
    share = 1 - min(AVERAGE_DECAY, n_steps / (9 + n_steps))
    torch._foreach_lerp_(list(average.parameters()), list(module.parameters()), share)


def _held_out(average, features, judge, own):
    """Mean loss of the networks in the rows of their own folds; 0 if there are none."""
    total = 0.0
    for index in torch.arange(len(features)).split(JUDGED_ROWS):
        of_rows = judge(average(features[index]), index)
        total += (of_rows * own[:, index]).sum(dtype=torch.float64).item()
    if not np.isfinite(total):
        raise DivergenceError("The loss of the networks is no number any more: lower lr.")
    return total / max(int(own.sum()), 1)
