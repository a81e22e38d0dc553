"""Training of one multi-task network, with skorch and torch.

The only file that imports them; it is imported when a representer is fitted.
"""

import contextlib
import itertools

import numpy as np
import skorch
import torch
from scipy.special import logit
from skorch.callbacks import Callback, EarlyStopping, LRScheduler, PassthroughScoring
from skorch.helper import predefined_split
from torch import nn

from sklearn_hrc._predictor.forward import Network
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR, POSITIVE
from sklearn_hrc.exceptions import DivergenceError

__all__ = ["train_network"]

# Epochs without a better held-out loss before the learning rate is halved and
# before training stops.
RATE_PATIENCE = 2
STOP_PATIENCE = 6
# Effects of the arms are small beside the base: the heads are shrunk more, and most
# of all what is particular to an arm.
TRUNK_DECAY = 1e-4
HEAD_DECAY = 1e-2
OWN_DECAY = 1.0
# With more rows to learn from, the common effect goes as far in an epoch as with these:
# faster than that it fits the large effects and blurs the many small ones.
COMMON_ROWS = 24_000
# The weights that are judged and kept are moving averages over some hundred steps.
AVERAGE_DECAY = 0.99
HELD_OUT_BATCH = 16_384


class BaseAndEffects(nn.Module):
    """Shared trunk, then `base(h) + direction_j * common(h) + own_j(h)` for the received arm j.

    Mostly, arms move an individual in proportion: rows of all arms teach
    `common`, but only those of an arm its `own_j`. `direction` is where the
    proportions start, an array of shape (n_treatments, n_components).
    """

    def __init__(self, n_features, hidden_layer_sizes, direction):
        super().__init__()
        widths = [n_features, *hidden_layer_sizes]
        layers = [nn.Linear(*pair) for pair in itertools.pairwise(widths)]
        self.trunk = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))
        n_treatments, n_components = direction.shape
        self.base = nn.Linear(widths[-1], n_components)
        self.direction = nn.Parameter(torch.tensor(direction, dtype=torch.float32))
        self.common = nn.Linear(widths[-1], n_components, bias=False)
        self.own = nn.Linear(widths[-1], n_treatments * n_components)
        # No arm has an effect until the data says so.
        for parameter in (self.common.weight, self.own.weight, self.own.bias):
            nn.init.zeros_(parameter)

    def forward(self, features, arm):
        """Return link-scale predictions of shape (n_samples, n_components)."""
        hidden = self.trunk(features)
        base = self.base(hidden)
        own = self.own(hidden).view(len(base), -1, base.shape[1])
        own = own[torch.arange(len(base), device=base.device), arm]
        return base + self.direction[arm] * self.common(hidden) + own


def logistic_loss(link, target):
    """Loss of an indicator, 0 or 1."""
    return nn.functional.softplus(link) - target * link


def gamma_loss(link, target):
    """Half the deviance of a positive amount, up to a constant."""
    return target * torch.exp(-link) + link


def poisson_loss(link, target):
    """Half the deviance of a non-negative value, up to a constant."""
    return torch.exp(link) - target * link


def squared_loss(link, target):
    """Half the squared error."""
    return 0.5 * (link - target).square()


LOSSES = {
    INDICATOR: logistic_loss,
    AMOUNT: gamma_loss,
    POSITIVE: poisson_loss,
    CONTINUOUS: squared_loss,
}


class ComponentLoss(nn.Module):
    """Weighted losses of the components, each by its kind."""

    def __init__(self, kind):
        super().__init__()
        # Components of a kind stand side by side.
        kinds, starts = np.unique(kind, return_index=True)
        stops = [*starts[1:], len(kind)]
        self.parts = [
            (LOSSES[kind], slice(start, stop)) for kind, start, stop in zip(kinds, starts, stops)
        ]

    def forward(self, link, target_and_weight):
        """Return the loss summed over components, averaged over rows."""
        target, weight = target_and_weight.chunk(2, dim=1)
        losses = [loss(link[:, part], target[:, part]) for loss, part in self.parts]
        return (weight * torch.cat(losses, dim=1)).sum() / len(link)


class Rows(torch.utils.data.Dataset):
    """Some rows of tensors that all networks share."""

    def __init__(self, features, arm, target_and_weight, index):
        self.features, self.arm = features, arm
        self.target_and_weight, self.index = target_and_weight, index

    def __len__(self):
        return len(self.index)

    def batch(self, rows):
        """Return rows of the tensors, as skorch expects a batch."""
        inputs = {
            "features": self.features.index_select(0, rows),
            "arm": self.arm.index_select(0, rows),
        }
        return inputs, self.target_and_weight.index_select(0, rows)


class SlicingIterator:
    """Batches by slices of tensors; the default loader collates row by row, 4 times slower."""

    def __init__(self, dataset, batch_size, generator=None):
        self.dataset, self.batch_size, self.generator = dataset, batch_size, generator

    def __iter__(self):
        index = self.dataset.index
        if self.generator is not None:
            # Drawn on the CPU, so that a seed means the same order on every device.
            order = torch.randperm(len(index), generator=self.generator)
            index = index[order.to(index.device)]
        for rows in index.split(self.batch_size):
            yield self.dataset.batch(rows)


class AverageWeights(Callback):
    """Judge, keep and return a moving average of the weights; training goes on without it."""

    def on_train_begin(self, net, **kwargs):
        """Start from the initial weights."""
        self.weights_ = list(net.module_.parameters())
        self.averages_ = [weight.detach().clone() for weight in self.weights_]
        self.n_steps_, self.is_swapped_ = 0, False

    def on_epoch_begin(self, net, **kwargs):
        """Train the weights themselves."""
        if self.is_swapped_:
            self._swap()

    def on_batch_begin(self, net, training, **kwargs):
        """Judge the average."""
        if not training and not self.is_swapped_:
            self._swap()

    def on_batch_end(self, net, training, **kwargs):
        """Move the average towards the weights: quickly at first, when the oldest are the worst."""
        if training:
            share = 1 - min(AVERAGE_DECAY, self.n_steps_ / (9 + self.n_steps_))
            self.n_steps_ += 1
            with torch.no_grad():
                for average, weight in zip(self.averages_, self.weights_):
                    average.lerp_(weight, share)

    def on_train_end(self, net, **kwargs):
        """Return the average, which early stopping replaces by the best one."""
        if not self.is_swapped_:
            self._swap()

    def _swap(self):
        for i, weight in enumerate(self.weights_):
            weight.data, self.averages_[i] = self.averages_[i], weight.data
        self.is_swapped_ = not self.is_swapped_


class StopOnDivergence(Callback):
    """Stop with the cause named where the loss is no number any more."""

    def on_epoch_end(self, net, **kwargs):
        """Look at the losses of the epoch."""
        for name in ("train_loss", "valid_loss"):
            loss = net.history[-1].get(name, 0.0)
            if not np.isfinite(loss):
                raise DivergenceError(
                    f"The {name} became {loss} in epoch {len(net.history)}: scale X (for example "
                    f"with StandardScaler), lower lr, got lr={net.lr:g}, or take heavy-tailed "
                    "outcomes on a lower power."
                )


def train_network(
    features,
    arm,
    target_and_weight,
    train_rows,
    held_out_rows,
    *,
    n_treatments,
    kind,
    hidden_layer_sizes,
    max_epochs,
    batch_size,
    lr,
    device,
    seed,
):
    """Train one network and return its weights and its history.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features), float32
        Scaled features.
    arm : ndarray of shape (n_samples,), int64
        Arm of each row.
    target_and_weight : ndarray of shape (n_samples, 2 * n_components), float32
        Targets of the components, then their weights in the loss.
    train_rows, held_out_rows : ndarray of int64
        Rows to learn from, and rows whose loss stops the training; without
        held-out rows it runs for `max_epochs`.
    n_treatments : int
        Number of arms.
    kind : ndarray of shape (n_components,), int
        Kinds of the components, ascending.
    hidden_layer_sizes : sequence of int
        Widths of the trunk's layers.
    max_epochs, batch_size, lr, device
        As in :class:`~sklearn_hrc.MultiTaskRepresenter`, resolved.
    seed : int
        Seed of the initial weights and of the order of the rows.

    Returns
    -------
    network : Network
        Weights as numpy arrays.
    history : list of dict
        `epoch`, `train_loss` and, with held-out rows, `valid_loss`.
    """
    device = _resolve_device(device)
    arrays = (features, arm, target_and_weight)
    shared = [torch.from_numpy(array).to(device) for array in arrays]
    train, held_out = (
        Rows(*shared, torch.from_numpy(rows).to(device)) for rows in (train_rows, held_out_rows)
    )
    # The initial weights come from the global generator of the CPU: leave it as it was.
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        net = _untrained(
            held_out if len(held_out) else None,
            seed,
            module__n_features=features.shape[1],
            module__hidden_layer_sizes=hidden_layer_sizes,
            module__direction=_first_direction(
                arm[train_rows], target_and_weight[train_rows], n_treatments, kind
            ),
            criterion__kind=kind,
            common_rate=min(1.0, COMMON_ROWS / len(train)),
            max_epochs=max_epochs,
            batch_size=batch_size,
            lr=lr,
            device=device,
        ).initialize()
        _fit(net, train)
    return _weights(net.module_), _losses(net.history)


def _first_direction(arm, target_and_weight, n_treatments, kind):
    """Return where the direction of the common effects starts, for each arm and component.

    It is the mean effects on the link scale, with a mean square of one over
    the arms: an arm that moves people more in the mean will move more whoever
    is moved more. From a random start it does not arrive.
    """
    total, mass = np.zeros((2, n_treatments, len(kind)))
    for j in range(n_treatments):
        target, weight = np.hsplit(target_and_weight[arm == j].astype(np.float64), 2)
        total[j], mass[j] = (weight * target).sum(axis=0), weight.sum(axis=0)
    # An average row in every arm: else an arm without an order would be off by infinity.
    link = _links_of_means(
        total + total.sum(axis=0) / len(arm), mass + mass.sum(axis=0) / len(arm), kind
    )
    # An arm that teaches nothing has no effect.
    learnt = mass > 0
    level = (link * learnt).sum(axis=0) / np.maximum(learnt.sum(axis=0), 1)
    effect = (link - level) * learnt
    size = np.sqrt(np.square(effect).mean(axis=0))
    return np.divide(effect, size, out=np.zeros_like(effect), where=size > 0)


def _links_of_means(total, mass, kind):
    """Links of the components' means; 0 where there is none, as without rows."""
    mean = np.divide(total, mass, out=np.zeros_like(total), where=mass > 0)
    links = np.where(kind == CONTINUOUS, mean, 0.0)
    is_chance = kind == INDICATOR
    is_amount = ~is_chance & (kind != CONTINUOUS)
    with np.errstate(divide="ignore"):
        links[:, is_chance] = logit(mean[:, is_chance])
        links[:, is_amount] = np.log(mean[:, is_amount])
    return np.where(np.isfinite(links), links, 0.0)


def _resolve_device(device):
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        resolved = torch.device(device)
        torch.zeros(1, device=resolved).item()
    # torch asserts that it was built for a device.
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        raise ValueError(
            f"device is expected to be 'auto' or a device that torch can use here, got {device!r}."
        ) from error
    return resolved


@contextlib.contextmanager
def _one_thread():
    """Train on one thread: a step is too short to be shared.

    Two threads gain nothing on an idle machine; where others use its cores
    they wait for each other, and training takes ten times as long.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def _fit(net, train):
    # skorch's own fit takes a user's Ctrl-C for its early stopping.
    net.notify("on_train_begin", X=train, y=None)
    try:
        net.fit_loop(train)
    except KeyboardInterrupt:
        stop = dict(net.callbacks_).get("stop")
        if stop is None or stop.misses_ < stop.patience:
            raise
    net.notify("on_train_end", X=train, y=None)


def _halve_rate_on_plateau():
    # torch's patience is the number of bad epochs that it lets pass; skorch's
    # default is to watch the training loss.
    return LRScheduler(
        "ReduceLROnPlateau", monitor="valid_loss", factor=0.5, patience=RATE_PATIENCE - 1
    )


def _untrained(held_out, seed, device, lr, common_rate, **settings):
    has_held_out = held_out is not None
    callbacks = [
        ("train_loss", PassthroughScoring("train_loss", on_train=True)),
        ("valid_loss", PassthroughScoring("valid_loss")),
        ("divergence", StopOnDivergence()),
        ("average", AverageWeights()),
    ]
    if has_held_out:
        callbacks += [
            ("rate", _halve_rate_on_plateau()),
            ("stop", EarlyStopping(patience=STOP_PATIENCE, threshold=0, load_best=True)),
        ]
    return _Net(
        BaseAndEffects,
        ComponentLoss,
        optimizer=torch.optim.AdamW,
        # One kernel a step instead of a dozen: a quarter of the time of a small network.
        optimizer__fused=device.type in ("cpu", "cuda"),
        optimizer__param_groups=[
            ("trunk.*", {"weight_decay": TRUNK_DECAY}),
            ("direction", {"weight_decay": 0.0}),
            ("common.*", {"weight_decay": HEAD_DECAY, "lr": common_rate * lr}),
            ("own.weight", {"weight_decay": OWN_DECAY}),
            ("*", {"weight_decay": HEAD_DECAY}),
        ],
        iterator_train=SlicingIterator,
        iterator_train__generator=torch.Generator().manual_seed(seed),
        iterator_valid=SlicingIterator,
        iterator_valid__batch_size=HELD_OUT_BATCH,
        train_split=predefined_split(held_out) if has_held_out else None,
        callbacks=callbacks,
        verbose=0,
        device=device,
        lr=lr,
        **settings,
    )


class _Net(skorch.NeuralNet):
    """skorch's net with the callbacks that are given, and no others."""

    @property
    def _default_callbacks(self):
        # Timers and printing cost as much as a small batch.
        return []


def _weights(module):
    def arrays(layer):
        return tuple(
            parameter.detach().cpu().numpy().copy() for parameter in (layer.weight, layer.bias)
        )

    trunk = [arrays(layer) for layer in module.trunk if isinstance(layer, nn.Linear)]
    # The common and the own effect of an arm are one linear head.
    weight, bias = arrays(module.own)
    common = (module.direction[:, :, None] * module.common.weight).detach().cpu().numpy()
    weight += common.reshape(weight.shape)
    return Network(trunk, arrays(module.base), (weight, bias))


def _losses(history):
    names = ("epoch", "train_loss", "valid_loss")
    return [{name: epoch[name] for name in names if name in epoch} for epoch in history]
