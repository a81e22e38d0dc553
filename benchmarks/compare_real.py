"""HRC beside its rivals on real experiments, cross-fitted, at equal spend.

    python benchmarks/compare_real.py --repeats 5 --jobs 2 --save real.json

Every method is fitted to the other folds of three and decides for the fold, at ten budgets. All
methods get the numbers that the first steps of `make_policy` make of the table. A repeat has other
folds. `compare_budget_curves` estimates the gain of HRC less that of the method at equal realised
spends, doubly robust, with 95 % intervals by resampling rows.

difference [low, high]
    Mean over repeats of the difference, and of the ends of the intervals: repeats share their
    rows, so they make an interval steadier, not shorter. Positive: HRC gains more.

"best mix" gives everybody one of two arms by lot. "best single arm" gives an arm to a random
share. Both are chosen on the rows that judge them, which flatters them.
"""

import argparse
import functools
import json
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import sklearn
import torch
from compare_methods import BEST_MIX, HRC, METHODS
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from sklearn_hrc.datasets import fetch_hillstrom, fetch_karlan_list, load_thornton_hiv
from sklearn_hrc.metrics import best_mix, compare_budget_curves
from sklearn_hrc.model_selection import cross_fit_arms
from sklearn_hrc.tables import make_policy

N_FOLDS = 3
BEST_ARM = "best single arm"


class Real(NamedTuple):
    """An experiment: features, response, arrays with an entry for each row, and what is shown."""

    X: object
    y: np.ndarray
    rows: dict
    control: object
    spends: list


@functools.cache
def experiments():
    """Real experiments by name."""
    mails, cash, gifts = fetch_hillstrom(target="visit"), load_thornton_hiv(), fetch_karlan_list()
    sent = (np.asarray(mails.treatment) != "No E-Mail").astype(float)
    # Nobody knew the results of the tests when vouchers were drawn.
    known = cash.data[["age", "distance", "second_lottery"]]
    villages = rows_of(cash, cash.cost) | {"groups": np.asarray(cash.groups)}
    amount = np.asarray(gifts.target["amount"])
    return {
        "Hillstrom, visits": Real(
            mails.data, np.ravel(mails.target), rows_of(mails, sent), "No E-Mail", [0.25, 0.5, 0.75]
        ),
        "Thornton, results": Real(
            known, np.asarray(cash.target["got"]), villages, 0.0, [0.15, 0.3, 0.6]
        ),
        "Karlan-List, US$": Real(
            gifts.data, amount, rows_of(gifts, gifts.cost), "none", [0.25, 0.5, 1.0]
        ),
    }


def rows_of(bunch, cost):
    """Arm, cost and known propensity of each row."""
    rows = {"treatment": np.asarray(bunch.treatment), "cost": np.asarray(cost)}
    return rows | ({"propensity": np.asarray(bunch.propensity)} if "propensity" in bunch else {})


def main():
    """Print a table for each experiment."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parts = {"nargs": "+", "default": [""], "metavar": "PART"}
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--experiments", **parts)
    parser.add_argument("--methods", **parts)
    parser.add_argument("--save", type=Path, help="JSON file of the differences")
    options = parser.parse_args()
    print("$ python", shlex.join(sys.argv))
    names = [name for name in METHODS if any(part in name for part in options.methods)]
    shown = {}
    for title in experiments():
        if any(part in title for part in options.experiments):
            repeats = joblib.Parallel(options.jobs)(
                joblib.delayed(run)(title, names, seed) for seed in range(options.repeats)
            )
            shown[title] = {name: [repeat[name] for repeat in repeats] for name in repeats[0]}
            print_table(title, shown[title])
            if options.save:
                options.save.write_text(json.dumps(shown, indent=1))


def run(title, names, seed):
    """Differences of HRC to each method, {method: (3, n_spends)} with the ends of intervals."""
    torch.set_num_threads(1)
    sklearn.set_config(enable_metadata_routing=True)
    X, y, rows, control, spends = experiments()[title]
    arms = np.unique(rows["treatment"])
    dearest = max(rows["cost"][rows["treatment"] == arm].mean() for arm in arms)
    budgets = np.linspace(0, dearest, 11)[1:]
    with threadpool_limits(1):
        X = numbers(X, control, y)
        chosen = {}
        for name in {HRC: None} | dict.fromkeys(names):
            policy = METHODS[name](control, X.shape[1], seed)
            chosen[name] = cross_fit_arms(
                policy, X, y, budgets=budgets, cv=N_FOLDS, random_state=seed, **rows
            )
        chosen[BEST_MIX] = mixed_arms(arms, y, rows, control, budgets)
        chosen[BEST_ARM] = best_single_arm(arms, chosen[HRC], y, rows, control, spends)
        return {
            name: difference(chosen[HRC], decided, X, y, rows, control, spends, seed)
            for name, decided in chosen.items()
            if name != HRC
        }


def numbers(table, control, y):
    """Numbers that the first steps of `make_policy` make of a table."""
    policy = make_policy(control=control, random_state=0)
    steps = policy[: list(policy.named_steps).index("represent")]
    return np.asarray(make_pipeline(*(step for _, step in steps.steps)).fit_transform(table, y))


def mixed_arms(arms, y, rows, control, budgets):
    """Everybody's arms between which the best mix draws: a curve of them is that of the mix."""
    shares = best_mix(budgets, y, control=control, cv=None, **rows).shares
    drawn = arms[shares.any(axis=0)]
    return np.tile(drawn[:, None], len(y))


def best_single_arm(arms, ours, y, rows, control, spends):
    """Everybody's arm that gains most on these rows, at the spends that are shown."""
    gains = {}
    for arm in set(arms) - {control}:
        everyone = np.full((1, len(y)), arm)
        curve = compare_budget_curves(
            everyone, ours, y, control=control, spend=spends, n_resamples=2, random_state=0, **rows
        )
        gains[arm] = curve.gain.mean()
    return np.full((1, len(y)), max(gains, key=gains.get))


def difference(ours, theirs, X, y, rows, control, spends, seed):
    """Gain of HRC less that of another method, with the ends of its interval, (3, n_spends)."""
    compared = compare_budget_curves(
        ours,
        theirs,
        y,
        control=control,
        spend=spends,
        method="doubly-robust",
        X=X,
        random_state=seed,
        **rows,
    )
    return np.vstack([compared.gain_difference, compared.gain_difference_interval]).tolist()


def print_table(title, measured):
    """Print the differences of HRC to each method."""
    spends = experiments()[title].spends
    print(f"\n{title}: HRC less the method, at spends of {', '.join(map(str, spends))}")
    for name, repeats in measured.items():
        center, low, high = np.mean(repeats, axis=0)
        cells = [f"{c:+.4f} [{a:+.4f}, {b:+.4f}]" for c, a, b in zip(center, low, high)]
        print(f"{name:26} {'   '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
