"""What a larger sample of `fit_large` brings.

    python benchmarks/sample_size.py --settings different segment --seeds 1

Networks and clusters are fitted to samples of several sizes, and cells to all rows of the table.
The policies decide for new individuals at six budgets. Efficiency is the true gain over control, as
a share of what an oracle that knows every individual gains for the same true spend. `cells of
sample` is the same policy with cells of as many rows as the sample has.
"""

import argparse
import time

import numpy as np
import pyarrow as pa
import sklearn
import torch
from quality import BUDGET_SHARES, judge
from quality_settings import REPORTED, samples
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.large import fit_large


def as_table(experiment):
    """An experiment as a table of Arrow, and the names of its columns."""
    features = np.asarray(experiment.data)
    columns = {f"x{k}": features[:, k] for k in range(features.shape[1])}
    target = np.asarray(experiment.target)
    outcomes = {f"y{k}": column for k, column in enumerate(target.reshape(len(target), -1).T)}
    table = pa.table(columns | outcomes | {"arm": experiment.treatment, "paid": experiment.cost})
    roles = {"outcome": list(outcomes), "treatment": "arm", "cost": "paid"}
    return table, {"features": list(columns), **roles}


def policy_of(control, seed):
    """The README's pipeline."""
    return make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(random_state=seed),
        HiddenClusterer(n_clusters=64, random_state=seed),
        ClusterBudgetAllocator(control=control, random_state=seed),
    )


def efficiency(policy, train, test):
    """Efficiency of a policy at six budgets on new rows."""
    budgets = np.array(BUDGET_SHARES) * train.expected_cost.mean(axis=0).max()
    names = list(policy.feature_names_in_)

    def decide(X, wanted):
        rows = pa.table(dict(zip(names, np.asarray(X).T))).to_pandas()
        return policy[-1].predict_budgets(policy[:-1].transform(rows), wanted)

    return np.mean(judge(decide, budgets, train, test)["at equal spend"])


def with_cells_of_sample(policy, train, size):
    """The same networks and clusters, with cells of as many rows as the sample has."""
    rows = np.random.default_rng(0).permutation(len(train.data))[:size]
    X = pa.table(dict(zip(policy.feature_names_in_, np.asarray(train.data)[rows].T))).to_pandas()
    given = {"treatment": train.treatment[rows], "cost": train.cost[rows]}
    Z = policy[:-1].transform(X)
    allocator = sklearn.clone(policy[-1]).fit(Z, np.asarray(train.target)[rows], **given)
    steps = [*policy.steps[:-1], (policy.steps[-1][0], allocator)]
    return type(policy)(steps)


def run(setting, sizes, seed):
    """Efficiency by size, with cells of all rows and of as many as the sample has."""
    train, test = samples(setting, seed)
    table, roles = as_table(train)
    found = []
    for size in sizes:
        start = time.perf_counter()
        policy = policy_of(train.treatments[0], seed)
        policy = fit_large(policy, table, **roles, sample=size, random_state=seed)
        seconds = time.perf_counter() - start
        alone = with_cells_of_sample(policy, train, size)
        found.append([*(efficiency(each, train, test) for each in (policy, alone)), seconds])
    return found


def main():
    """Print a line for each setting and size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--settings", nargs="+", default=["different", "segment"])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 30_000, 100_000, 300_000])
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    kinds = {name.split(",")[0]: setting for name, setting in REPORTED.items()}
    print(f"{'setting':20} {'sample':>9} {'efficiency':>11} {'cells of sample':>16} {'fit s':>7}")
    for name in given.settings:
        setting = kinds[name]._replace(
            parameters=kinds[name].parameters | {"n_samples": given.rows}
        )
        runs = [run(setting, given.sizes, seed) for seed in range(given.seeds)]
        for size, (all_rows, alone, seconds) in zip(given.sizes, np.mean(runs, axis=0)):
            print(f"{name:20} {size:9,} {all_rows:11.3f} {alone:16.3f} {seconds:7.0f}", flush=True)


if __name__ == "__main__":
    sklearn.set_config(enable_metadata_routing=True)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        main()
