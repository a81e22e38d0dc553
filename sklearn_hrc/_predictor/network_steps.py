"""Steps of networks that train side by side: they share batches, each learns from its rows."""

from typing import NamedTuple

import skorch
import torch

__all__ = ["Batch", "Net", "Rows", "SlicingIterator"]


class Batch(NamedTuple):
    """Rows of a step."""

    features: torch.Tensor
    arm: torch.Tensor
    target_and_weight: torch.Tensor
    folds: torch.Tensor


class Rows(torch.utils.data.Dataset):
    """Tensors of all rows."""

    def __init__(self, *tensors):
        self.tensors = Batch(*tensors)

    @property
    def folds(self):
        """Fold of each row."""
        return self.tensors.folds

    def __len__(self):
        return len(self.folds)

    def batch(self, index):
        """Return some of the rows."""
        return Batch(*(tensor.index_select(0, index) for tensor in self.tensors))


class SlicingIterator:
    """Shuffled batches by slices of tensors. The default loader collates row by row."""

    def __init__(self, dataset, batch_size, generator):
        self.dataset, self.batch_size, self.generator = dataset, batch_size, generator

    def __iter__(self):
        return map(self.dataset.batch, self.indices())

    def indices(self):
        """Return the indices of the rows of each batch."""
        # Drawn on the CPU, so that a seed means the same order on every device.
        order = torch.randperm(len(self.dataset), generator=self.generator)
        return order.to(self.dataset.folds.device).split(self.batch_size)


class Net(skorch.NeuralNet):
    """skorch's net with steps of several networks, and no callbacks but those given.

    `n_learning` is the number of rows that each network learns from.
    """

    def __init__(self, *args, n_learning, **kwargs):
        super().__init__(*args, **kwargs)
        self.n_learning = n_learning

    @property
    def _default_callbacks(self):
        # Timers and printing cost as much as a small batch.
        return []

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Put on the device what all steps share."""
        super().on_train_begin(net, X, y, **kwargs)
        self.n_learning_ = torch.tensor(self.n_learning, dtype=torch.float32, device=self.device)
        self.networks_ = torch.arange(len(self.n_learning), device=self.device)[:, None]
        self.shares_ = self.n_learning_ / len(X)
        self.total_ = torch.zeros_like(self.shares_)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Train on the batches, and record the mean loss of each network in its rows.

        skorch's own writes down the loss of each batch, for which a device has to wait.
        """
        if iterator is None:
            return
        self.total_.zero_()
        for batch in iterator:
            self.train_step(batch)
            self.notify("on_batch_end")
        self.history.record("train_loss", (self.total_ / self.n_learning_).tolist())

    def train_step(self, batch):
        """Take a step of all networks, and add up their losses."""
        self.optimizer_.zero_grad()
        links = self.module_(batch.features, batch.arm)
        learns = batch.folds != self.networks_
        sums = (self.criterion_(links, batch.target_and_weight) * learns).sum(dim=1)
        # Each network has the gradient of its own loss, as they share no weights.
        (sums / (len(batch.arm) * self.shares_)).sum().backward()
        self.optimizer_.step()
        self.total_ += sums.detach()
