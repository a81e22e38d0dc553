"""The protocol of published figures on Criteo's data: one treatment, visits as cost, AUCC.

    python benchmarks/criteo.py --rows 300000 --seeds 3
    python benchmarks/criteo.py --file criteo-uplift-v2.1.csv

The papers on direct and decision-focused learning (arXiv:2211.15728, arXiv:2407.13664,
arXiv:2510.19517) rank individuals by predicted return on spend. Conversions are the response and
visits the cost. 60 % of the rows are to learn from, 10 % to tune, and 30 % to judge. Nothing is
tuned here, so the second part is left out. The score is `area_under_cost_curve` with 200 steps,
as released with arXiv:2407.13664.

Without the file, which has 14 million rows, experiments of its shape are simulated: 12 features,
85 % treated, 4.7 % visits, 0.3 % conversions. Their figures do not compare with published ones.

Rivals with predictions, and the clusters of HRC, rank by the predicted return. Others rank by the
budgets: who is treated from a smaller one on comes first. Ties are broken at random.

AUCC
    Mean over seeds. A random ranking has 0.5.
+-
    Standard deviation over seeds. In the papers it is 0.013 to 0.036 for 700,000 rows of fit, so
    that differences below 0.03 from one run say nothing.
"""

import argparse
import importlib
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import sklearn
import torch
from compare_methods import METHODS
from scipy.special import expit
from sklearn.preprocessing import minmax_scale
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.metrics import area_under_cost_curve, predict_budgets
from sklearn_hrc.rivals._priced import PricedPolicy

# Loaded before fits are timed.
importlib.import_module("econml.grf")

N_STEPS = 200
# As in the released notebooks: the shuffle of the file, and where the parts end.
FILE_SEED, LEARN, TUNE = 20220720, 0.6, 0.7


def main():
    """Print a row for each method."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--file", type=Path, help="the published file")
    parser.add_argument("--methods", nargs="+", default=[""], metavar="PART")
    options = parser.parse_args()
    print("$ python", shlex.join(sys.argv))
    sklearn.set_config(enable_metadata_routing=True)
    torch.set_num_threads(1)
    names = [name for name in METHODS if any(part in name for part in options.methods)]
    seeds = range(options.seeds)
    with threadpool_limits(1):
        worlds = [
            read(options.file, seed) if options.file else draw(options.rows, seed) for seed in seeds
        ]
        print(f"{'':28} {'AUCC':>6} {'+-':>6} {'fit s':>7}")
        if not options.file:
            print_row("the truth", [score(test.true_return, test) for _, test in worlds], [0])
        for name in names:
            scores, seconds = zip(*(run(name, *worlds[seed], seed) for seed in seeds))
            print_row(name, scores, seconds)


def print_row(name, scores, seconds):
    """Print the mean and the spread of the scores of a method."""
    spread = np.std(scores, ddof=min(1, len(scores) - 1))
    print(f"{name:28} {np.mean(scores):>6.3f} {spread:>6.3f} {np.mean(seconds):>7.1f}", flush=True)


def run(name, train, test, seed):
    """Score the ranking of a method, and say how long its fit took."""
    start = time.perf_counter()
    policy = METHODS[name](0, train.data.shape[1], seed)
    policy.fit(train.data, train.target, treatment=train.treatment, cost=train.cost)
    seconds = time.perf_counter() - start
    ranks = ranking(policy, train, test.data)
    # Rows of equal scores stay in their order, so the order is drawn.
    shuffled = np.random.default_rng(seed).permutation(len(ranks))
    columns = {name: values[shuffled] for name, values in test.items()}
    return score(ranks[shuffled], Bunch(**columns)), seconds


def ranking(policy, train, X):
    """Predicted return of each row, or the number of budgets at which it is treated."""
    last = policy[-1] if hasattr(policy, "steps") else policy
    if isinstance(last, ClusterBudgetAllocator):
        cluster = np.searchsorted(last.clusters_, policy[:-1].transform(X)[:, 0])
        return returns(last.response_, last.cost_)[cluster]
    if isinstance(last, PricedPolicy):
        return returns(*last._scores(X))
    return treated_budgets(policy, last, train, X)


def returns(response, cost):
    """Return of the treatment on its cost. A cost of nothing, or less, is next to nothing."""
    gain, spent = (values[:, 1] - values[:, 0] for values in (response, cost))
    return gain / np.maximum(spent, 1e-3 * np.abs(spent).mean())


def treated_budgets(policy, last, train, X):
    """Number of budgets at which each row is treated, from nobody's to everybody's cost."""
    ends = [train.cost[train.treatment == arm].mean() for arm in (0, 1)]
    budgets = np.linspace(*ends, N_STEPS + 2)[1:-1]
    # By what it expects itself, a policy may need a little more for its cheapest plan.
    budgets = np.maximum(budgets, last._cheapest_budget())
    return predict_budgets(policy, X, budgets).sum(axis=0)


def score(return_on_spend, test):
    """AUCC of a ranking on the rows to judge on."""
    return area_under_cost_curve(
        test.target[:, 0],
        return_on_spend,
        treatment=test.treatment,
        cost=test.cost,
        control=0,
        n_steps=N_STEPS,
    )


def parts(data, conversion, visit, treatment, true_return=None):
    """Divide rows by position into those to learn from and those to judge on."""
    ends = [int(share * len(data)) for share in (LEARN, TUNE)]
    columns = {
        "data": data,
        "target": conversion[:, None],
        "cost": visit,
        "treatment": treatment,
        "true_return": true_return if true_return is not None else np.zeros(len(data)),
    }
    return [
        Bunch(**{name: values[rows] for name, values in columns.items()})
        for rows in (slice(0, ends[0]), slice(ends[1], None))
    ]


def read(file, seed):
    """Rows of the published file, shuffled as in the notebooks for the first seed."""
    import pandas as pd

    table = pd.read_csv(file).sample(frac=1, random_state=FILE_SEED + seed)
    features = table[[f"f{number}" for number in range(12)]].to_numpy(np.float32)
    outcomes = (table[name].to_numpy(float) for name in ("conversion", "visit"))
    return parts(minmax_scale(features), *outcomes, table["treatment"].to_numpy())


def draw(n_rows, seed):
    """Rows of an experiment of the same shape."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n_rows, 4))
    skewed = np.exp(latent + 0.5 * rng.normal(size=(n_rows, 4)))
    levels = np.floor(3 * expit(latent @ rng.normal(size=(4, 4)))) / 2
    data = np.column_stack([skewed, levels, rng.normal(size=(n_rows, 4))]).astype(np.float32)
    treatment = (rng.random(n_rows) < 0.85).astype(int)
    lift = 0.25 + 0.25 * np.tanh(latent[:, 1] - latent[:, 2])
    visits = [expit(-4.1 + 1.5 * latent[:, 0] + arm * lift) for arm in (0, 1)]
    after = -3.7 + 0.8 * latent[:, 3] + 0.3 * latent[:, 0]
    more = 0.3 + 0.4 * np.tanh(latent[:, 3] + latent[:, 1])
    conversions = [visit * expit(after + arm * more) for arm, visit in enumerate(visits)]
    true_return = (conversions[1] - conversions[0]) / (visits[1] - visits[0])
    # Who visits and who converts is the same draw, since only visitors convert.
    uniform = rng.random(n_rows)
    received = np.where(treatment, visits[1], visits[0])
    converts = np.where(treatment, conversions[1], conversions[0])
    outcomes = (uniform < converts).astype(float), (uniform < received).astype(float)
    return parts(minmax_scale(data), *outcomes, treatment, true_return)


if __name__ == "__main__":
    main()
