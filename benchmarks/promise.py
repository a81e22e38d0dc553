"""Whether plans bring and cost what they promise.

    python benchmarks/promise.py --worlds 20 --jobs 2
    python benchmarks/promise.py --worlds 12 --development

The README's pipeline is fitted to samples of the settings of errors.py. Three plans are made of
each, for budgets from a tenth to a half of what the dearest arm would cost for everyone. Their
true mean response and cost are compared with `sklearn_hrc.evaluation.promised_value`. The
columns, for each quantity:

planned, corrected
    What is promised less the truth, mean over worlds, as a share of the true gain over control (of
    the true cost) of the plans: by the estimates, and corrected for having been chosen.
inside
    Share of the 90 % intervals that hold the truth.
rms z
    Root of the mean squared error of the promise over its standard error.
"""

import argparse
import shlex
import sys

import joblib
import numpy as np
import torch
from errors import BUDGET_SHARES, SETTINGS, cell_means
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.evaluation import promised_value

# First of the seeds on which the constants of `promised_value` were fitted.
DEVELOPMENT_SEED = 60
CONFIDENCE, DEVIATIONS = 0.9, 1.644854


def main():
    """Print two rows for each setting, and the means."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--clusters", type=int, default=64)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--development", action="store_true")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    options = parser.parse_args()
    print("$ python", shlex.join(sys.argv))
    first = DEVELOPMENT_SEED if options.development else 0
    print(f"{'':32} {'planned':>8} {'corrected':>9} {'inside':>7} {'rms z':>6}")
    summary = {"response": [], "cost": []}
    for setting in options.settings:
        worlds = joblib.Parallel(options.jobs)(
            joblib.delayed(run_world)(setting, options.rows, options.clusters, seed)
            for seed in range(first, first + options.worlds)
        )
        for name, rows in summary.items():
            rows.append(measure(np.concatenate([world[name] for world in worlds])))
            print_row(f"{setting}: {name}", rows[-1])
    for name, rows in summary.items():
        print_row(f"mean: {name}", np.nanmean(rows, axis=0))


def run_world(setting, n_rows, n_clusters, seed):
    """Fit, plan and compare, {quantity: rows of promises, interval, truth and gain}."""
    torch.set_num_threads(1)
    make, parameters = SETTINGS[setting]
    train = make(n_rows, random_state=seed, **parameters)
    rows = {"treatment": train.treatment, "cost": train.cost}
    scaler = StandardScaler().fit(train.data)
    networks = MultiTaskRepresenter(random_state=seed)
    clusterer = HiddenClusterer(n_clusters, random_state=seed)
    allocator = ClusterBudgetAllocator(control=train.treatments[0], random_state=seed)
    with threadpool_limits(1):
        X = scaler.transform(train.data)
        Z = networks.fit(X, train.target, **rows).transform(X)
        clustered = clusterer.fit(Z, train.target, **rows).transform(Z)
        allocator.fit(clustered, train.target, **rows)
        budgets = np.array(BUDGET_SHARES) * train.expected_cost.mean(axis=0).max()
        return compare(allocator, budgets, clustered[:, 0], train, seed)


def compare(allocator, budgets, labels, experiment, seed):
    """Promises of plans beside truths; one row for each budget."""
    measured = {"response": [], "cost": []}
    cluster = np.searchsorted(allocator.clusters_, labels)
    sizes = np.bincount(cluster)
    for budget in budgets:
        plan = allocator.set_budget(budget).allocation_ / sizes.sum()
        value = promised_value(allocator, confidence=CONFIDENCE, random_state=seed)
        for name, rows in measured.items():
            cells = cell_means(experiment[f"expected_{name}"], cluster, sizes)
            truth = (plan * cells).sum()
            base = experiment.expected_response[:, 0].mean() if name == "response" else 0.0
            promised = value[f"planned_{name}"], value[name], *value[f"{name}_interval"]
            rows.append([*promised, truth, truth - base])
    return measured


def measure(rows):
    """Bias before and after, coverage, and rms z."""
    planned, corrected, low, high, truth, gain = rows.T
    error = (high - low) / 2 / DEVIATIONS
    # Known prices have no error, and nothing but rounding is to be covered.
    slack = 1e-9 * np.abs(truth)
    z = np.divide(corrected - truth, error, out=np.full_like(error, np.nan), where=error > slack)
    return [
        (planned - truth).mean() / gain.mean(),
        (corrected - truth).mean() / gain.mean(),
        np.mean((low - slack <= truth) & (truth <= high + slack)),
        np.sqrt(np.nanmean(z**2)) if np.isfinite(z).any() else np.nan,
    ]


def print_row(name, measures):
    """Print one row."""
    planned, corrected, inside, z = measures
    print(
        f"{name:32} {planned:>+8.1%} {corrected:>+9.1%} {inside:>7.1%} {z:>6.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
