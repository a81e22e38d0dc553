"""Fit of the whole pipeline beside a hand-written loop of the same arithmetic.

    python benchmarks/fit.py --rows 100000 1000000

The loop slices tensors and trains as many networks for as many epochs with torch
alone, one after the other: the chance of an order and the basket, on moving averages of the
weights that are judged every epoch. It clusters H with k-means and sums with numpy. The
column *networks* is the pipeline whose networks serve alone (`members=()`); the
loop leaves out what that does beside: ranks, weights on held-out rows, coordinates
to cluster in. The column *whole* is the pipeline by default, with all
members. Each side runs in a process of its own, in turn, so that peak memory can be compared.
"""

import argparse
import copy
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

N_FEATURES = 30
N_CLUSTERS = 64
N_NETWORKS = 5
SIDES = ["networks", "whole", "loop"]


def main():
    """Run both sides and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    parser.add_argument("--epochs", type=int, nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(run_side(options.side, options.data, options.epochs)))
        return
    print("$ python", *sys.argv, "   (one thread)")
    names = [f"{name} {unit}" for unit in ("s", "MB") for name in SIDES]
    print(f"{'rows':>10}", *(f"{name:>11}" for name in names), "networks / loop", "whole / loop")
    for n_rows in options.rows:
        compare(n_rows, options.repeats)


def compare(n_rows, repeats):
    """Run the sides in turn on the same data and print a line."""
    from sklearn_hrc.datasets import make_coupon_experiment

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "rows.npz"
        experiment = make_coupon_experiment(n_rows, n_features=N_FEATURES, random_state=0)
        np.savez(
            data,
            X=experiment.data,
            y=experiment.target,
            arm=experiment.treatment,
            cost=experiment.cost,
        )
        del experiment
        runs = {name: [] for name in SIDES}
        for _ in range(repeats):
            for name in SIDES:
                # The loop trains for as many epochs as the networks beside it.
                epochs = runs["networks"][-1]["epochs"] if name == "loop" else ()
                runs[name].append(in_process(name, data, epochs))
    seconds, memory = (
        {name: np.median([run[key] for run in side]) for name, side in runs.items()}
        for key in ("seconds", "peak_mb")
    )
    figures = [f"{seconds[name]:>11.1f}" for name in SIDES]
    figures += [f"{memory[name]:>11.0f}" for name in SIDES]
    ratios = [seconds[name] / seconds["loop"] for name in SIDES[:2]]
    print(
        f"{n_rows:>10,}", *figures, f"{ratios[0]:>15.2f}", f"{ratios[1]:>12.2f}",
        f"  epochs {runs['networks'][-1]['epochs']}", flush=True,
    )  # fmt: skip


def in_process(side, data, epochs=()):
    """Run one side alone and return what it measured."""
    command = [sys.executable, __file__, "--side", side, "--data", str(data)]
    if epochs:
        command += ["--epochs", *map(str, epochs)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def run_side(side, data, epochs):
    """Load the rows, fit, and return seconds and peak memory."""
    with np.load(data) as rows:
        X, y, arm, cost = (rows[name] for name in ("X", "y", "arm", "cost"))
    start = time.perf_counter()
    if side == "loop":
        epochs = fit_loop(X, y, arm, cost, epochs)
    else:
        epochs = fit_pipeline(
            X, y, arm, cost, members=("pooled", "boosted") if side == "whole" else ()
        )
    return {
        "seconds": time.perf_counter() - start,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "epochs": epochs,
    }


def fit_pipeline(X, y, arm, cost, *, members):
    """Fit the estimators; return the epochs of each network."""
    import sklearn
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter

    sklearn.set_config(enable_metadata_routing=True)
    policy = make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(n_networks=N_NETWORKS, members=members, random_state=0),
        HiddenClusterer(n_clusters=N_CLUSTERS, random_state=0),
        ClusterBudgetAllocator(budget=1.2, random_state=0),
    )
    policy.fit(X, y, treatment=arm, cost=cost)
    return [len(history) for history in policy[1].history_]


def fit_loop(X, y, arm, cost, epochs):
    """Do the same by hand, but for ranks, weights and metric; return the epochs."""
    from sklearn.cluster import KMeans

    X = (X - X.mean(axis=0)) / X.std(axis=0)
    values, arm = np.unique(arm, return_inverse=True)
    hidden, outcomes = train_by_hand(X, y[:, 0], arm, values, epochs)
    hidden -= hidden.mean(axis=0)
    _, axes = np.linalg.eigh(hidden.T @ hidden / len(hidden))
    H = hidden @ axes[:, -32:]
    labels = KMeans(N_CLUSTERS, n_init=1, max_iter=50, random_state=0).fit(H).labels_
    sums_by_hand(labels, arm, len(values), np.column_stack([y, cost]), H, outcomes)
    return epochs


def train_by_hand(X, gmv, arm, values, epochs):
    """Train networks with torch; return hidden layers and expected gmv, orders and cost."""
    import torch

    torch.manual_seed(0)
    targets, weights, basket = targets_by_hand(gmv)
    data = [torch.tensor(array, dtype=torch.float32) for array in (X, targets, weights)]
    data.append(torch.tensor(arm))
    batch = 1024 if len(X) >= 60_000 else 512
    fold = np.random.default_rng(0).integers(0, N_NETWORKS, len(X))
    hidden, links = [], 0.0
    for m, n_epochs in enumerate(epochs):
        layers, optimizer = network_by_hand(X.shape[1], len(values))
        average, n_steps = copy.deepcopy(layers), 0
        pair = [list(each.parameters()) for each in (average, layers)]
        train, held_out = (torch.tensor(np.flatnonzero(part)) for part in (fold != m, fold == m))
        for _ in range(n_epochs):
            for rows in train[torch.randperm(len(train))].split(batch):
                optimizer.zero_grad()
                loss_by_hand(layers, *(part.index_select(0, rows) for part in data)).backward()
                optimizer.step()
                with torch.no_grad():
                    torch._foreach_lerp_(*pair, 1 - min(0.99, (1 + n_steps) / (10 + n_steps)))
                n_steps += 1
            with torch.no_grad():
                for rows in held_out.split(16_384):
                    float(loss_by_hand(average, *(part[rows] for part in data)))
        with torch.no_grad():
            trunk, base, effect = average
            h = trunk(data[0])
            every_arm = base(h)[:, None] + effect(h).view(len(h), len(values), 2)
            links = links + every_arm.numpy() / len(epochs)
            hidden.append(h.numpy())
    chance = 1 / (1 + np.exp(-links[..., 0]))
    expected = [chance * basket * np.exp(links[..., 1]), chance, chance * values]
    return np.hstack(hidden), np.stack(expected, axis=2).reshape(len(X), -1)


def targets_by_hand(gmv):
    """Orders and baskets, their weights in the loss, and the mean basket."""
    order = gmv > 0
    rate, basket = order.mean(), gmv[order].mean()
    entropy = -(rate * np.log(rate) + (1 - rate) * np.log1p(-rate))
    dispersion = gmv[order].var() / basket**2
    targets = np.column_stack([order, gmv / basket])
    # Rows without an order say nothing of baskets.
    weights = np.column_stack([np.full(len(gmv), 0.5 / entropy), order * 0.5 / dispersion])
    return targets, weights, basket


def network_by_hand(n_features, n_arms):
    """Two shared layers and linear heads of two components, with their optimiser."""
    from torch import nn, optim

    trunk = nn.Sequential(nn.Linear(n_features, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
    base, effect = nn.Linear(32, 2), nn.Linear(32, n_arms * 2)
    nn.init.zeros_(effect.weight)
    nn.init.zeros_(effect.bias)
    heads = [*base.parameters(), *effect.parameters()]
    groups = [
        {"params": trunk.parameters(), "weight_decay": 1e-4},
        {"params": heads, "weight_decay": 1e-2},
    ]
    return nn.ModuleList([trunk, base, effect]), optim.AdamW(groups, lr=2e-3, fused=True)


def loss_by_hand(layers, x, target, weight, arm):
    """Logistic loss of the order and half the gamma deviance of the basket."""
    import torch

    trunk, base, effect = layers
    h = trunk(x)
    link = base(h) + effect(h).view(len(h), -1, 2)[torch.arange(len(h)), arm]
    chance, amount = link[:, :1], link[:, 1:]
    logistic = torch.nn.functional.softplus(chance) - target[:, :1] * chance
    gamma = target[:, 1:] * torch.exp(-amount) + amount
    return (weight * torch.cat([logistic, gamma], dim=1)).sum() / len(h)


def sums_by_hand(labels, arm, n_arms, tasks, H, outcomes):
    """First and second moments of the cells, means of the clusters."""
    cell = labels * n_arms + arm
    n_cells = N_CLUSTERS * n_arms
    received = outcomes.reshape(len(arm), n_arms, -1)[np.arange(len(arm)), arm]
    columns = np.hstack([tasks, tasks - received])
    for i in range(columns.shape[1]):
        np.bincount(cell, columns[:, i], n_cells)
        for j in range(i, columns.shape[1]):
            np.bincount(cell, columns[:, i] * columns[:, j], n_cells)
    for column in np.hstack([H, outcomes]).T:
        np.bincount(labels, column, N_CLUSTERS)
        np.bincount(labels, column**2, N_CLUSTERS)


if __name__ == "__main__":
    main()
