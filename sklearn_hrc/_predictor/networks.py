"""Training of multi-task networks side by side, with skorch and torch.

This file and those of its name, `network_*.py`, are the only ones that import them. They
are imported when a representer is fitted.
"""

import contextlib

import numpy as np
import torch

from sklearn_hrc._predictor.network_callbacks import (
    AverageWeights,
    HeldOut,
    KeepBest,
    Progress,
    StopOnDivergence,
    TrainingEnd,
)
from sklearn_hrc._predictor.network_graph import GraphNet, place_rows, training_stream
from sklearn_hrc._predictor.network_module import RowLosses, SideBySide, first_direction, unpack
from sklearn_hrc._predictor.network_steps import Net, Rows, SlicingIterator

__all__ = ["one_thread", "train_side_by_side"]

# Effects of the arms are small beside the base: the heads are shrunk more, and most
# of all what is particular to an arm.
TRUNK_DECAY = 1e-4
HEAD_DECAY = 1e-2
OWN_DECAY = 1.0
# With more rows to learn from, the common effect goes as far in an epoch as with these:
# faster than that it fits the large effects and blurs the many small ones.
COMMON_ROWS = 24_000


def train_side_by_side(
    features,
    arm,
    target_and_weight,
    folds,
    *,
    n_treatments,
    kind,
    hidden_layer_sizes,
    max_epochs,
    batch_size,
    lr,
    device,
    seeds,
    verbose=0,
):
    """Train networks that each leave out one fold, on the same batches.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features), float32
        Scaled features.
    arm : ndarray of shape (n_samples,), int64
        Arm of each row.
    target_and_weight : ndarray of shape (n_samples, 2 * n_components), float32
        Targets of the components, then their weights in the loss.
    folds : ndarray of shape (n_samples,), int
        Network `m` does not learn from fold `m`, whose loss says which weights are
        kept and when to stop. Other folds teach all networks. If these folds have no
        rows, training runs for `max_epochs`.
    n_treatments : int
        Number of arms.
    kind : ndarray of shape (n_components,), int
        Kinds of the components, ascending.
    hidden_layer_sizes : sequence of int
        Widths of the trunk's layers.
    max_epochs, batch_size, lr, device
        As in :class:`~sklearn_hrc.MultiTaskRepresenter`, resolved. `batch_size` is how
        many rows a network learns from in a step, in the mean.
    seeds : sequence of int
        Seed of the order of the rows, then one of each network's initial weights.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    networks : list of Network
        Weights as numpy arrays.
    history : list of list of dict
        `epoch`, `train_loss` and, with held-out rows, `valid_loss` of each network in each
        epoch, to the last one of all networks.
    is_interrupted : bool
        Whether a Ctrl-C ended the training, in the epoch after these.
    """
    device = _resolve_device(device)
    order_seed, *seeds = seeds
    arrays = (features, arm, target_and_weight, folds)
    rows = _rows(arrays, device)
    learns = [folds != m for m in range(len(seeds))]
    directions = [
        first_direction(arm[own], target_and_weight[own], n_treatments, kind) for own in learns
    ]
    n_learning = np.count_nonzero(learns, axis=1)
    callbacks, kept = _callbacks(rows, n_learning, verbose)
    with one_thread(), _stream(device):
        net = _untrained(
            torch.Generator().manual_seed(order_seed),
            module__n_features=features.shape[1],
            module__hidden_layer_sizes=hidden_layer_sizes,
            module__direction=np.array(directions),
            module__seeds=seeds,
            criterion__kind=kind,
            n_learning=n_learning.tolist(),
            common_rate=min(1.0, COMMON_ROWS / n_learning.mean()),
            max_epochs=max_epochs,
            # Of a shared batch a network learns from all rows but those of its fold.
            batch_size=round(batch_size * len(folds) / n_learning.mean()),
            callbacks=callbacks,
            lr=lr,
            device=device,
        ).initialize()
        is_interrupted = _fit(net, rows)
    networks = [unpack(kept.weights_of(m)) for m in range(len(seeds))]
    return networks, _losses(net.history, len(seeds), is_interrupted), is_interrupted


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


def _rows(arrays, device):
    if device.type == "cuda":
        return place_rows(arrays, device)
    return Rows(*(torch.from_numpy(array).to(device) for array in arrays))


def _stream(device):
    return training_stream(device) if device.type == "cuda" else contextlib.nullcontext()


@contextlib.contextmanager
def one_thread():
    """Train on one thread: a step is too short to be shared.

    Two threads gain nothing on an idle machine. Where others use its cores
    they wait for each other, and training takes ten times as long.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def _fit(net, rows):
    """Train, and return whether a user's Ctrl-C ended that. In the first epoch it goes on."""
    is_interrupted = False
    net.notify("on_train_begin", X=rows)
    try:
        net.fit_loop(rows)
    except TrainingEnd:
        pass
    except KeyboardInterrupt:
        if len(net.history) < 2:
            raise
        is_interrupted = True
    net.notify("on_train_end")
    return is_interrupted


def _callbacks(rows, n_learning, verbose):
    """Return the callbacks, and the one of them that keeps the weights."""
    kept = average = AverageWeights()
    callbacks = [("average", average), ("divergence", StopOnDivergence())]
    if verbose:
        callbacks.append(("progress", Progress()))
    if (n_learning < len(rows)).all():
        kept = KeepBest(average, len(n_learning))
        # The last one ends the training; all others have seen the epoch by then.
        callbacks = [
            ("held_out", HeldOut(rows, average, len(n_learning))),
            *callbacks,
            ("best", kept),
        ]
    return callbacks, kept


def _untrained(generator, device, lr, common_rate, **settings):
    net = GraphNet if device.type == "cuda" else Net
    return net(
        SideBySide,
        RowLosses,
        optimizer=torch.optim.AdamW,
        # One kernel a step instead of a dozen.
        optimizer__fused=device.type in ("cpu", "cuda"),
        optimizer__param_groups=[
            ("trunk.*", {"weight_decay": TRUNK_DECAY}),
            ("direction", {"weight_decay": 0.0}),
            ("common", {"weight_decay": HEAD_DECAY, "lr": common_rate * lr}),
            ("own_weight", {"weight_decay": OWN_DECAY}),
            ("*", {"weight_decay": HEAD_DECAY}),
        ],
        iterator_train=SlicingIterator,
        iterator_train__generator=generator,
        train_split=None,
        verbose=0,
        device=device,
        lr=lr,
        **settings,
    )


def _losses(history, n_networks, is_interrupted):
    """Take the history apart by networks, without the epoch that was interrupted."""
    epochs = history.to_list()[: len(history) - is_interrupted]
    names = [name for name in ("train_loss", "valid_loss") if name in epochs[0]]
    return [
        [{"epoch": e["epoch"], **{name: e[name][m] for name in names}} for e in epochs]
        for m in range(n_networks)
    ]
