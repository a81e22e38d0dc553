"""Whether a search over the number of clusters finds a good one.

    python benchmarks/number_of_clusters.py --seeds 5 --jobs 2

In each world a search over 4, 16, 64 and 256 clusters scores the README's pipeline by
cross-validation. Then every candidate is fitted to all rows and judged by the truth. The
columns are means over the seeds:

best
    Efficiency of the number that is truly best in a sample: the gain as a share of an
    oracle's gain for the same true spend, mean over six budgets.
search, one error, 64
    Efficiency of the number with the best score, of the fewest clusters within one standard error
    (`sklearn_hrc.model_selection.one_standard_error`), and of the default, over the best.
chosen
    Numbers that both rules choose in the samples.
"""

import argparse
import shlex
import sys
import tempfile

import joblib
import numpy as np
import sklearn
import torch
from compare_methods import hrc
from compare_settings import SETTINGS, draw
from quality import BUDGET_SHARES, judge
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from threadpoolctl import threadpool_limits

from sklearn_hrc.metrics import predict_budgets
from sklearn_hrc.model_selection import one_standard_error

CANDIDATES = (4, 16, 64, 256)
CHOSEN = (
    "coupons, default",
    "coupons, rare orders",
    "different, 10,000 rows",
    "segment, 20,000 rows",
    "margin, 5,000 rows",
    "nothing, 4,000 rows",
)
N_FOLDS = 3
NAME = "hiddenclusterer__n_clusters"


def main():
    """Print a row for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--settings", nargs="+", default=[""], metavar="PART")
    options = parser.parse_args()
    print("$ python", shlex.join(sys.argv))
    settings = [name for name in CHOSEN if any(part in name for part in options.settings)]
    print(f"{'':26} {'best':>6} {'search':>7} {'one error':>9} {'64':>6}   chosen")
    shares = []
    for setting in settings:
        runs = joblib.Parallel(options.jobs)(
            joblib.delayed(run)(setting, seed) for seed in range(options.seeds)
        )
        efficiency, picked = map(np.array, zip(*runs))
        rows = np.arange(len(efficiency))[:, None]
        best = efficiency.max(axis=1).mean()
        share = efficiency[rows, picked].mean(axis=0) / best
        shares.append(share)
        chosen = [" ".join(str(CANDIDATES[i]) for i in column) for column in picked[:, :2].T]
        print(
            f"{setting:26} {best:>6.3f} {share[0]:>7.3f} {share[1]:>9.3f} {share[2]:>6.3f}   "
            + " | ".join(chosen),
            flush=True,
        )
    print(f"{'mean':33} {' '.join(f'{share:>8.3f}' for share in np.mean(shares, axis=0))}")


def run(setting, seed):
    """Efficiency of every candidate, and the indices that both rules and the default choose."""
    sklearn.set_config(enable_metadata_routing=True)
    torch.set_num_threads(1)
    with threadpool_limits(1), tempfile.TemporaryDirectory() as cache:
        train, test = draw(SETTINGS[setting], seed)
        rows = {"treatment": train.treatment, "cost": train.cost}
        policy = hrc(train.treatments[0], train.data.shape[1], seed).set_params(memory=cache)
        codes = np.unique(train.treatment, return_inverse=True)[1]
        folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
        search = GridSearchCV(
            policy,
            {NAME: CANDIDATES},
            cv=list(folds.split(train.data, codes)),
            refit=False,
            error_score="raise",
        )
        results = search.fit(train.data, train.target, **rows).cv_results_
        budgets = np.array(BUDGET_SHARES) * train.expected_cost.mean(axis=0).max()
        efficiency = []
        for n_clusters in CANDIDATES:
            fitted = policy.set_params(**{NAME: n_clusters}).fit(train.data, train.target, **rows)

            def decide(X, at, fitted=fitted):
                return predict_budgets(fitted, X, at)

            efficiency.append(np.mean(judge(decide, budgets, train, test)["efficiency"]))
    by_score = int(np.argmax(results["mean_test_score"]))
    return efficiency, [by_score, one_standard_error(NAME)(results), CANDIDATES.index(64)]


if __name__ == "__main__":
    main()
