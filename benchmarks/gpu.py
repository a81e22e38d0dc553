"""Networks on a GPU: a captured graph beside steps launched one by one, and the CPU.

    python benchmarks/gpu.py --rows 30000 100000 1000000
    python benchmarks/gpu.py --representer 100000 --cpu-rows 100000

Five networks are trained on coupons of 30 features and 5 arms, as the representer does. Steps are
timed without held-out rows, as the difference between trainings of six epochs and of one; in
*sent*, rows stay in the host's memory. Trainings stop early. Their loss is the mean over the
networks of the least held-out one. Memory is the most that torch had on the device. The first
training starts the device and is not timed. `--representer` fits the whole of it instead. Without a
GPU there is nothing to measure, and the status is 2.
"""

import argparse
import sys
import time
from contextlib import ExitStack
from unittest import mock

import numpy as np
import torch

from sklearn_hrc import MultiTaskRepresenter
from sklearn_hrc._predictor import network_graph, networks
from sklearn_hrc._predictor.folds import deal_folds
from sklearn_hrc._predictor.network_steps import Net
from sklearn_hrc._predictor.tasks import describe_tasks, targets_and_weights
from sklearn_hrc.datasets import make_coupon_experiment

N_FEATURES = 30
N_NETWORKS = 5
STEP_ROWS = 100_000
BATCH_SIZE = 1024
# No network leaves out this fold.
NO_FOLD = N_NETWORKS


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[30_000, 100_000, 1_000_000])
    parser.add_argument("--batches", type=int, nargs="+", default=[512, 1024, 4096, 16_384])
    parser.add_argument("--eager-rows", type=int, default=100_000, help="at most, for whole ones")
    parser.add_argument("--cpu-rows", type=int, default=30_000, help="at most, on the CPU")
    parser.add_argument("--representer", type=int, nargs="+", metavar="ROWS")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("There is no CUDA device that torch can use here.", file=sys.stderr)
        sys.exit(2)
    print("$ python", *sys.argv)
    print(torch.cuda.get_device_name(), "torch", torch.__version__, flush=True)
    train(rows_of(2000), epochs=1)
    if options.representer:
        compare_representers(options.representer, options.cpu_rows)
        return
    compare_steps(options.batches)
    compare_trainings(options.rows, options.eager_rows, options.cpu_rows)


def rows_of(n_rows):
    """Return features, arms, targets and weights, and folds, as the representer makes them."""
    experiment = make_coupon_experiment(n_rows, n_features=N_FEATURES, random_state=0)
    features = experiment.data - experiment.data.mean(axis=0)
    features = (features / features.std(axis=0)).astype(np.float32)
    arm = np.searchsorted(experiment.treatments, experiment.treatment)
    tasks = np.column_stack([experiment.target, experiment.cost])
    weight, n_arms = np.ones(n_rows), len(experiment.treatments)
    components = describe_tasks(tasks, arm, n_arms, weight, has_cost=True)
    targets, weights = targets_and_weights(tasks, arm, weight, components)
    learnt = np.hstack([targets, weights * components.importance]).astype(np.float32)
    folds = deal_folds(arm, N_NETWORKS, np.random.RandomState(0))
    return (features, arm, learnt, folds), n_arms, components.kind


def train(data, *, device="cuda", kind="graph", epochs=60, batch_size=BATCH_SIZE, held_out=True):
    """Train on a device; return seconds and the history."""
    (*arrays, folds), n_arms, components = data
    if not held_out:
        folds = np.full_like(folds, NO_FOLD)
    with ExitStack() as changes:
        if kind == "eager":
            changes.enter_context(mock.patch.object(networks, "GraphNet", Net))
        if kind == "sent":
            changes.enter_context(mock.patch.object(network_graph, "ROWS_SHARE", 0.0))
        start = time.perf_counter()
        _, history, _ = networks.train_side_by_side(
            *arrays, folds, n_treatments=n_arms, kind=components, hidden_layer_sizes=(64, 32),
            max_epochs=epochs, batch_size=batch_size, lr=2e-3, device=device,
            seeds=range(N_NETWORKS + 1),
        )  # fmt: skip
    return time.perf_counter() - start, history


def compare_steps(batches):
    """Print the time of a step for each number of rows in it."""
    print(f"{'rows a step':>12} {'eager us':>9} {'graph us':>9} {'ratio':>6} {'sent us':>9}")
    data = rows_of(STEP_ROWS)
    for batch_size in batches:
        eager, graph, sent = (
            1e6 * step_seconds(data, kind, batch_size) for kind in ("eager", "graph", "sent")
        )
        ratio = eager / graph
        print(
            f"{batch_size:>12,} {eager:>9.0f} {graph:>9.0f} {ratio:>6.1f} {sent:>9.0f}", flush=True
        )


def step_seconds(data, kind, batch_size):
    """Return the mean time of a step."""
    few, many = (
        train(data, kind=kind, epochs=epochs, batch_size=batch_size, held_out=False)[0]
        for epochs in (1, 6)
    )
    return (many - few) / (5 * -(-STEP_ROWS // batch_size))


def compare_trainings(numbers, eager_rows, cpu_rows):
    """Print the time and loss of whole trainings, and their memory on the device."""
    names = [f"{name} {unit}" for unit in ("s", "loss") for name in ("eager", "graph", "CPU")]
    print(f"{'rows':>10}", *(f"{name:>10}" for name in names), "eager / graph  epochs  peak MB")
    for n_rows in numbers:
        data = rows_of(n_rows)
        torch.cuda.reset_peak_memory_stats()
        runs = [train(data)]
        peak = torch.cuda.max_memory_allocated() / 2**20
        runs.insert(0, train(data, kind="eager") if n_rows <= eager_rows else None)
        runs.append(train(data, device="cpu") if n_rows <= cpu_rows else None)
        seconds = [np.nan if run is None else run[0] for run in runs]
        losses = [np.nan if run is None else least_loss(run[1]) for run in runs]
        print(
            f"{n_rows:>10,}", *(f"{value:>10.2f}" for value in seconds),
            *(f"{value:>10.5f}" for value in losses), f"{seconds[0] / seconds[1]:>13.1f}",
            f"{len(runs[1][1][0]):>7} {peak:>8.0f}", flush=True,
        )  # fmt: skip


def least_loss(history):
    """Mean over the networks of the least held-out loss."""
    return np.mean([min(epoch["valid_loss"] for epoch in network) for network in history])


def compare_representers(numbers, cpu_rows):
    """Print the time of fits of the whole representer, and of its networks."""
    print(f"{'rows':>10} {'GPU s':>8} {'of networks':>12} {'CPU s':>8} {'of networks':>12}  ratio")
    for n_rows in numbers:
        runs = [fit_seconds(n_rows, "cuda")]
        runs.append(fit_seconds(n_rows, "cpu") if n_rows <= cpu_rows else (np.nan, np.nan))
        (gpu, gpu_networks), (cpu, cpu_networks) = runs
        print(
            f"{n_rows:>10,} {gpu:>8.1f} {gpu_networks:>12.1f} {cpu:>8.1f} {cpu_networks:>12.1f}"
            f" {cpu / gpu:>6.1f}",
            flush=True,
        )


def fit_seconds(n_rows, device):
    """Return the seconds of a fit, and of the networks in it."""
    experiment = make_coupon_experiment(n_rows, n_features=N_FEATURES, random_state=0)
    train_networks, of_networks = networks.train_side_by_side, []

    def timed(*args, **settings):
        start = time.perf_counter()
        trained = train_networks(*args, **settings)
        of_networks.append(time.perf_counter() - start)
        return trained

    with mock.patch.object(networks, "train_side_by_side", timed):
        start = time.perf_counter()
        MultiTaskRepresenter(device=device, random_state=0).fit(
            experiment.data,
            experiment.target,
            treatment=experiment.treatment,
            cost=experiment.cost,
        )
        return time.perf_counter() - start, of_networks[0]


if __name__ == "__main__":
    main()
