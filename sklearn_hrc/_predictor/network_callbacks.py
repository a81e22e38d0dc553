"""What happens after the steps and epochs of networks that train side by side."""

import numpy as np
import torch
from skorch.callbacks import Callback
from tqdm import tqdm

from sklearn_hrc._predictor.network_module import links_of
from sklearn_hrc.exceptions import DivergenceError

__all__ = ["AverageWeights", "HeldOut", "KeepBest", "Progress", "StopOnDivergence", "TrainingEnd"]

# Epochs without a better held-out loss before the learning rate is halved and
# before training stops.
RATE_PATIENCE = 2
STOP_PATIENCE = 6
# The weights that are judged and kept are moving averages over some hundred steps.
AVERAGE_DECAY = 0.99
# Rows that are judged at a time: as many as a cache holds, or as keep a GPU busy.
HELD_OUT_BATCH, GPU_HELD_OUT_BATCH = 16_384, 262_144


class TrainingEnd(Exception):
    """Raised where no network got better for long enough; skorch takes a Ctrl-C for that."""


class AverageWeights(Callback):
    """Keep a moving average of the weights. Training goes on without it."""

    def on_train_begin(self, net, **kwargs):
        """Start from the initial weights."""
        self.weights_ = [weight.detach() for weight in net.module_.parameters()]
        self.averages_ = [weight.clone() for weight in self.weights_]
        self.n_steps_ = 0

    def on_batch_end(self, net, **kwargs):
        """Move the average towards the weights: quickly at first, when the oldest are the worst."""
        share = 1 - min(AVERAGE_DECAY, self.n_steps_ / (9 + self.n_steps_))
        self.n_steps_ += 1
        torch._foreach_lerp_(self.averages_, self.weights_, share)

    def weights_of(self, m):
        """Return the averages of one network, which the next step changes."""
        return [average[m] for average in self.averages_]


class HeldOut(Callback):
    """Judge the averages of each network by the loss of its fold.

    Parameters
    ----------
    rows : Rows
        All rows.
    average : AverageWeights
        Has the weights.
    n_networks : int
        Number of networks. Network `m` holds out fold `m`.
    """

    def __init__(self, rows, average, n_networks):
        self.rows, self.average, self.n_networks = rows, average, n_networks

    def on_train_begin(self, net, **kwargs):
        """Find the rows of the folds."""
        self.index_ = [torch.nonzero(self.rows.folds == m)[:, 0] for m in range(self.n_networks)]

    def on_epoch_end(self, net, **kwargs):
        """Record the losses."""
        losses = [self._loss(net, m) for m in range(self.n_networks)]
        net.history.record("valid_loss", losses)

    @torch.no_grad()
    def _loss(self, net, m):
        weights = [part[None] for part in self.average.weights_of(m)]
        total = 0.0
        size = GPU_HELD_OUT_BATCH if weights[0].is_cuda else HELD_OUT_BATCH
        for index in self.index_[m].split(size):
            batch = self.rows.batch(index)
            links = links_of(weights, batch.features, batch.arm)
            total += net.criterion_(links, batch.target_and_weight).sum().item()
        return total / len(self.index_[m])


class KeepBest(Callback):
    """Keep the best averages of each network, and end the training where none gets better.

    The rate of all networks is halved where the mean of their held-out losses stalls: before
    that most have their best weights, and rates of their own make no difference.

    Parameters
    ----------
    average : AverageWeights
        Has the weights.
    n_networks : int
        Number of networks.
    """

    def __init__(self, average, n_networks):
        self.average, self.n_networks = average, n_networks

    def on_train_begin(self, net, **kwargs):
        """Nothing is good yet."""
        self.losses_ = np.full(self.n_networks, np.inf)
        self.weights_ = [None] * self.n_networks
        self.misses_ = np.zeros(self.n_networks, dtype=int)
        # torch's patience is the number of bad epochs that it lets pass.
        self.rate_ = torch.optim.lr_scheduler.ReduceLROnPlateau(
            net.optimizer_, factor=0.5, patience=RATE_PATIENCE - 1
        )

    def on_epoch_end(self, net, **kwargs):
        """Compare the losses of the epoch with the best ones."""
        losses = np.array(net.history[-1]["valid_loss"])
        self.misses_ += 1
        for m in np.flatnonzero(losses < self.losses_):
            self.weights_[m] = [part.clone() for part in self.average.weights_of(m)]
            self.losses_[m], self.misses_[m] = losses[m], 0
        self.rate_.step(losses.mean())
        if self.misses_.min() >= STOP_PATIENCE:
            raise TrainingEnd

    def weights_of(self, m):
        """Return the best weights of one network."""
        return self.weights_[m]


class StopOnDivergence(Callback):
    """Stop with the cause named where the loss is no number any more."""

    def on_epoch_end(self, net, **kwargs):
        """Look at the losses of the epoch."""
        for name in ("train_loss", "valid_loss"):
            losses = np.asarray(net.history[-1].get(name, 0.0))
            if not np.isfinite(losses).all():
                loss = losses[~np.isfinite(losses)][0]
                raise DivergenceError(
                    f"The {name} became {loss} in epoch {len(net.history)}: lower lr, got "
                    f"lr={net.lr:g}, or take heavy-tailed outcomes on a lower power."
                )


class Progress(Callback):
    """A progress bar over the epochs."""

    def on_train_begin(self, net, **kwargs):
        """Show it."""
        self.bar_ = tqdm(desc="epochs", total=net.max_epochs)

    def on_epoch_end(self, net, **kwargs):
        """Move on."""
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        """Leave it where it is."""
        self.bar_.close()
