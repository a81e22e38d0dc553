"""Steps of networks that train side by side: they share batches, each learns from its rows."""

from typing import NamedTuple

import skorch
import torch

__all__ = ["Net", "Rows", "SlicingIterator"]


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
    """Shuffled batches by slices of tensors; the default loader collates row by row."""

    def __init__(self, dataset, batch_size, generator):
        self.dataset, self.batch_size, self.generator = dataset, batch_size, generator

    def __iter__(self):
        # Drawn on the CPU, so that a seed means the same order on every device.
        order = torch.randperm(len(self.dataset), generator=self.generator)
        for index in order.to(self.dataset.folds.device).split(self.batch_size):
            yield self.dataset.batch(index)


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

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Train on the batches, and record the mean loss of each network in its rows.

        skorch's own writes down the loss of each batch, for which a device has to wait.
        """
        if iterator is None:
            return
        n_learning = torch.tensor(self.n_learning, dtype=torch.float32, device=self.device)
        networks = torch.arange(len(n_learning), device=self.device)[:, None]
        shares = n_learning / len(iterator.dataset)
        total = torch.zeros_like(shares)
        for batch in iterator:
            total += self.train_step(batch, batch.folds != networks, shares)
            self.notify("on_batch_end")
        self.history.record("train_loss", (total / n_learning).tolist())

    def train_step(self, batch, learns, shares):
        """Take a step of all networks, and return the sums of their losses."""
        self.optimizer_.zero_grad()
        links = self.module_(batch.features, batch.arm)
        sums = (self.criterion_(links, batch.target_and_weight) * learns).sum(dim=1)
        # Each network has the gradient of its own loss, as they share no weights.
        (sums / (len(batch.arm) * shares)).sum().backward()
        self.optimizer_.step()
        return sums.detach()
