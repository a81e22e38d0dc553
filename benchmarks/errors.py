"""Honesty of the standard errors, on simulated experiments with known truth.

    python benchmarks/errors.py --worlds 20

In every setting the steps are fitted to several samples (worlds) of one
population, and each estimate is compared with the truth of the individuals that
it is for: z = (estimate - truth) / standard error. The truth of a cell (cluster x
arm) is the mean of the expected response or cost over all members of the
cluster; an arm's effect is its cell less that of control, with the errors of both;
a plan is the allocation of one of three budgets, from a tenth to a half of what the
dearest arm would cost if everyone received it. The columns:

rms z
    Root of the mean squared z over cells, weighted by the size of the cluster
    (or over budgets), and worlds: 1 if errors are as large as they are said to
    be, above it if they are larger.
+-
    Its own standard error, from the spread of the mean squares over the worlds.
bias
    Mean over cells and worlds of estimate less truth, as a share of the mean
    truth. In a plan it shows the optimism of choosing what looks best.

Below, the largest error of those cells that are said to be known exactly, such as
the cost of a free control: it has to be zero.
"""

import argparse
import sys

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import make_coupon_experiment, make_customer_experiment

SETTINGS = {
    "default": (make_coupon_experiment, {}),
    "heavy tails": (make_coupon_experiment, {"basket_noise": 1.2}),
    "share of basket": (
        make_coupon_experiment,
        {"cost_type": "basket_share", "amount_effect": 0.1},
    ),
    "customers, different": (make_customer_experiment, {"kind": "different"}),
    "customers, grid": (make_customer_experiment, {"kind": "grid"}),
    "customers, margin": (make_customer_experiment, {"kind": "margin"}),
    "customers, nothing": (make_customer_experiment, {"kind": "nothing"}),
}
CLUSTERS = (64, 256)
BUDGET_SHARES = (0.1, 0.25, 0.5)


def main():
    """Print a table for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--networks", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("$ python", *sys.argv)
    for setting in options.settings:
        make, parameters = SETTINGS[setting]
        seeds = range(options.first_seed, options.first_seed + options.worlds)
        with threadpool_limits(1):
            worlds = [
                run_world(
                    make(options.rows, random_state=seed, **parameters), options.networks, seed
                )
                for seed in seeds
            ]
        print(
            f"\n{setting}, {options.rows:,} rows, {options.networks} networks, "
            f"{options.worlds} worlds"
        )
        for place, n_clusters in enumerate(CLUSTERS):
            print_table(n_clusters, [world[place] for world in worlds])


def run_world(experiment, n_networks, seed):
    """Fit the networks once, then cluster and allocate; return what `compare` does for each K."""
    rows = {"treatment": experiment.treatment, "cost": experiment.cost}
    X = StandardScaler().fit_transform(experiment.data)
    networks = MultiTaskRepresenter(n_networks=n_networks, random_state=seed)
    Z = networks.fit(X, experiment.target, **rows).transform(X)
    compared = []
    for n_clusters in CLUSTERS:
        clusterer = HiddenClusterer(n_clusters, random_state=seed)
        clustered = clusterer.fit(Z, experiment.target, **rows).transform(Z)
        allocator = ClusterBudgetAllocator(control=experiment.treatments[0], random_state=seed)
        allocator.fit(clustered, experiment.target, **rows)
        compared.append(compare(allocator, clustered[:, 0], experiment))
    return compared


def compare(allocator, labels, experiment):
    """Return estimate, truth, standard error and weight of each measure."""
    cluster = np.searchsorted(allocator.clusters_, labels)
    sizes = np.bincount(cluster)
    control = np.flatnonzero(allocator.treatments_ == allocator.control_)[0]
    weight = np.repeat(sizes[:, None], len(allocator.treatments_), axis=1)
    budgets = np.array(BUDGET_SHARES) * experiment.expected_cost.mean(axis=0).max()
    curve = allocator.budget_curve(budgets)
    plans = [allocator.set_budget(budget).allocation_ / sizes.sum() for budget in budgets]
    measures = {"cells": {}, "effects": {}, "plans": {}}
    for name in ("response", "cost"):
        truth = cell_means(experiment[f"expected_{name}"], cluster, sizes)
        estimate, error = (getattr(allocator, name + end) for end in ("_", "_se_"))
        measures["cells"][name] = estimate, truth, error, weight
        measures["effects"][name] = (
            *(
                np.delete(values - values[:, [control]], control, axis=1)
                for values in (estimate, truth)
            ),
            np.delete(np.hypot(error, error[:, [control]]), control, axis=1),
            np.delete(weight, control, axis=1),
        )
        true_plans = np.array([(plan * truth).sum() for plan in plans])
        measures["plans"][name] = curve[name], true_plans, curve[f"{name}_se"], np.ones(len(plans))
    return {f"{kind}: {name}": measures[kind][name] for kind in measures for name in measures[kind]}


def cell_means(values, cluster, sizes):
    """Means over the members of each cluster."""
    sums = [np.bincount(cluster, column, len(sizes)) for column in values.T]
    return np.transpose(sums) / sizes[:, None]


def print_table(n_clusters, worlds):
    """Print the measures of one number of clusters."""
    print(f"{f'K = {n_clusters}':20} {'rms z':>6} {'+-':>6} {'bias':>7}")
    for name in worlds[0]:
        squares = np.array([mean_square(*world[name]) for world in worlds])
        rms = np.sqrt(squares.mean())
        error = squares.std(ddof=min(1, len(squares) - 1)) / np.sqrt(len(squares)) / (2 * rms)
        print(f"{name:20} {rms:>6.2f} {error:>6.2f} {bias(worlds, name):>7.1%}")
    print(
        f"{'largest error of what is said to be exact':>41} {largest_exact(worlds):.1g}", flush=True
    )


def mean_square(estimate, truth, error, weight):
    """Weighted mean of the squared z where there is an error; NaN where all is exact."""
    known = error == 0
    if known.all():
        return np.nan
    z = (estimate - truth)[~known] / error[~known]
    return np.average(z**2, weights=weight[~known])


def bias(worlds, name):
    """Mean deviation as a share of the mean truth."""
    estimate, truth, _, weight = map(np.concatenate, zip(*(world[name] for world in worlds)))
    return (weight * (estimate - truth)).sum() / (weight * truth).sum()


def largest_exact(worlds):
    """Largest deviation where the error is zero."""
    cells = [world[name] for world in worlds for name in world]
    return max(np.abs(e - t)[s == 0].max(initial=0.0) for e, t, s, _ in cells)


if __name__ == "__main__":
    main()
