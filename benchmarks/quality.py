"""Quality of decisions on simulated experiments with known truth.

    python benchmarks/quality.py --seeds 3 --jobs 2 --output figures.json

For every setting (`quality_settings.py`) and seed, each method is fitted on one
sample and judged on another of the same population, at six budgets between a
tenth and four fifths of what the dearest arm would cost if everyone received it.
The columns:

efficiency
    The policy's true gain over control on new individuals, as a share of what
    an oracle that knows every individual's expected response and cost gains
    for the same true spend, mean over the budgets. Everyone's efficiency rises
    with the spend, so that who overspends looks better than he is.
+-
    Standard deviation of the efficiency over the seeds.
violation
    By how much the policy's true mean cost on the rows of fit exceeds the
    budget, as a share of the budget: positive part of the mean over budgets
    and seeds.
used
    Utilisation: that cost as a share of the budget, with the same mean. A policy
    that finds nobody left for whom an arm is worth something leaves money.
regret ratio
    Regret is 1 - efficiency; the ratio is to the regret of the best rival of
    the setting, both from means over the seeds.
equal spend
    The same ratio with efficiencies at equal true spends, the budgets: each
    policy's efficiency is interpolated between what it really spends.
fit s
    Seconds to fit on one thread, with those of the networks that a method uses,
    although methods share them.

The summaries of the families (`quality_tables.py`) are means and extremes over
settings. Long runs can be split by settings, methods or seeds, and their files be
read together:

    python benchmarks/quality.py --read one.json two.json
"""

import argparse
import functools
import inspect
import itertools
import json
import shlex
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import sklearn
import torch
from compare_methods import BEST_MIX, HRC, METHODS, best_mix
from individual import individual
from quality_raw import features_of_hrc, on_numbers
from quality_settings import (
    DEVELOPMENT,
    FIRST_SEEDS,
    MAKERS,
    REPORTED,
    choose_settings,
    samples,
)
from quality_tables import print_setting, print_summaries, read_measures
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import oracle_budget_curve, oracle_policy_value
from sklearn_hrc.exceptions import BudgetWarning
from sklearn_hrc.metrics import predict_budgets

BUDGET_SHARES = (0.1, 0.2, 0.3, 0.45, 0.6, 0.8)


class World(NamedTuple):
    """What a method is fitted on; `networks(**parameters)` trains once for all methods."""

    train: Bunch
    seed: int
    networks: Callable


def main():
    """Print a table for each setting, and the summary of each family."""
    options = parse_options()
    print("$ python", shlex.join(sys.argv))
    if options.read:
        measures = read_measures(options.read)
        for setting, of_setting in measures.items():
            print_setting(setting, of_setting)
    else:
        measures = run_settings(options)
    print_summaries(measures)


def parse_options():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    parts = {"nargs": "+", "default": [""], "metavar": "PART"}
    add("--development", action="store_true", help="the settings on which defaults are chosen")
    add("--family", choices=MAKERS, help="settings of one family of worlds only")
    add("--settings", **parts, help="only those whose name contains one of these")
    add("--methods", **parts, help="only those whose name contains one of these")
    add("--quick", action="store_true", help="HRC, its predictions individually, and simple rivals")
    add("--rows", type=int, help="instead of each setting's own number")
    add("--seeds", type=int, default=3, help="number of samples of each setting")
    add("--first-seed", type=int, help="default: 0, or 50 with --development")
    add("--jobs", type=int, default=1, help="processes, one for each sample; each has one thread")
    add("--output", type=Path, help="JSON file of the raw measures, written after each setting")
    add("--read", type=Path, nargs="+", metavar="FILE", help="show such files; run nothing")
    options = parser.parse_args()
    if options.first_seed is None:
        options.first_seed = FIRST_SEEDS["development" if options.development else "reported"]
    return options


def run_settings(options):
    """Run and print one setting after the other, {setting: {method: runs of the seeds}}."""
    settings = choose_settings(
        DEVELOPMENT if options.development else REPORTED,
        family=options.family,
        parts=options.settings,
        n_rows=options.rows,
    )
    names = [
        name
        for name in COMPARED
        if any(part in name for part in options.methods)
        and (name.startswith(QUICK) or not options.quick)
    ]
    if not (settings and names):
        sys.exit("No setting, or no method, has such a name.")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    # In this order, and without a wait for the last seed of a setting.
    runs = joblib.Parallel(options.jobs, return_as="generator")(
        joblib.delayed(run_world)(setting, seed, names)
        for setting in settings.values()
        for seed in seeds
    )
    measures = {}
    for setting in settings:
        worlds = list(itertools.islice(runs, len(seeds)))
        measures[setting] = {name: [world[name] for world in worlds] for name in names}
        print_setting(setting, measures[setting])
        if options.output:
            options.output.write_text(json.dumps(measures, indent=1))
    return measures


def run_world(setting, seed, names):
    """Fit methods on one sample and judge them on another, {method: measures}."""
    # Here, since this may run in a process of its own.
    sklearn.set_config(enable_metadata_routing=True)
    torch.set_num_threads(1)
    # "used" says how much of a budget is left.
    warnings.simplefilter("ignore", BudgetWarning)
    with threadpool_limits(1):
        train, test = samples(setting, seed)
        budgets = np.array(BUDGET_SHARES) * train.expected_cost.mean(axis=0).max()
        world = World(train, seed, functools.cache(functools.partial(fit_networks, train, seed)))
        measures = {}
        for name in names:
            decide, seconds = COMPARED[name](world)
            measures[name] = {
                "seed": seed,
                "rows": len(train.data),
                **judge(decide, budgets, train, test),
                "seconds": seconds,
            }
    return measures


def judge(decide, budgets, train, test):
    """Measure efficiency on new rows and utilisation on those of fit at each budget."""
    control = test.expected_response[:, 0].mean()
    values = [true_value(arms, test) for arms in decide(test.data, budgets)]
    # No policy costs less than the cheapest arms, but its mean may round to less.
    cheapest = test.expected_cost.min(axis=1).mean()
    spend = np.maximum([value.cost for value in values], cheapest)
    oracle = oracle_budget_curve(spend, test.expected_response, test.expected_cost) - control
    gain = np.array([value.response for value in values]) - control
    spent = np.array([true_value(arms, train).cost for arms in decide(train.data, budgets)])
    # Who spends nothing gains nothing, as an oracle would: that earns no merit.
    efficiency = np.divide(gain, oracle, out=np.zeros_like(gain), where=oracle > 0)
    order = np.argsort(spend)
    return {
        "efficiency": efficiency.tolist(),
        "at equal spend": np.interp(budgets, spend[order], efficiency[order]).tolist(),
        "used": (spent / budgets).tolist(),
    }


def true_value(arms, experiment):
    """True mean response and cost of arms."""
    return oracle_policy_value(
        arms,
        experiment.expected_response,
        experiment.expected_cost,
        treatments=experiment.treatments,
    )


def timed(function, *arguments):
    """Return the result and the seconds it took."""
    start = time.perf_counter()
    return function(*arguments), time.perf_counter() - start


def fit_networks(train, seed, **parameters):
    """Scale the features and train networks; return the pipeline and the seconds."""
    features = features_of_hrc(train, seed)
    representer = MultiTaskRepresenter(random_state=seed, **parameters)
    rows = {"treatment": train.treatment, "cost": train.cost}
    # Members of a household are alike, so that they should share a fold.
    if "groups" in train and "groups" in inspect.signature(representer.fit).parameters:
        rows["groups"] = train.groups

    def fit():
        representer.fit(features.fit_transform(train.data), train.target, **rows)

    seconds = timed(fit)[1]
    return make_pipeline(features, representer), seconds


def own_predictions(world):
    """Our predictions, used for each individual without clusters."""
    networks, seconds = world.networks()

    def predict(X):
        outcomes = networks[-1].predict_outcomes(networks[0].transform(X))
        return outcomes[..., 0], outcomes[..., -1]

    return individual(predict, world.train), seconds


def rival(make):
    """Make a method of a rival of compare.py."""

    def fit(train, seed):
        policy = make(train.treatments[0], train.data.shape[1], seed)
        rows = {"treatment": train.treatment, "cost": train.cost}
        if "groups" in train:
            rows["groups"] = train.groups
        return functools.partial(predict_budgets, policy.fit(train.data, train.target, **rows))

    return lambda world: timed(on_numbers, fit, world.train, world.seed)


def hrc(n_clusters, *, networks=None, clusterer=None, **allocator):
    """Clusters of the hidden representation, with parameters of the steps."""

    def method(world):
        train, seed = world.train, world.seed
        representer, trained = world.networks(**(networks or {}))
        policy = make_pipeline(
            HiddenClusterer(n_clusters, random_state=seed, **(clusterer or {})),
            ClusterBudgetAllocator(control=train.treatments[0], random_state=seed, **allocator),
        )

        def fit():
            rows = {"treatment": train.treatment, "cost": train.cost}
            policy.fit(representer.transform(train.data), train.target, **rows)

        def decide(X, budgets):
            Z = policy[0].transform(representer.transform(X))
            return [policy[1].set_budget(budget).predict(Z) for budget in budgets]

        return decide, trained + timed(fit)[1]

    return method


# Filters of --methods are parts of these names; quality_tables.py knows some of them.
COMPARED = {
    "HRC, K = 64": hrc(64),
    "HRC, K = 256": hrc(256),
    "K = 64, decision metric": hrc(64, clusterer={"metric": "decision"}),
    "K = 64, effects metric": hrc(64, clusterer={"metric": "effects"}),
    "K = 64, euclidean metric": hrc(64, clusterer={"metric": "euclidean"}),
    "K = 64, pooled cells": hrc(64, estimation="pooled"),
    "K = 64, raw cells": hrc(64, estimation="raw"),
    "K = 256, one network": hrc(256, networks={"n_networks": 1}),
    "K = 256, networks alone": hrc(256, networks={"members": ()}),
    "its predictions, individually": own_predictions,
    **{f"rival: {name}": rival(make) for name, make in METHODS.items() if name != HRC},
    f"rival: {BEST_MIX}": rival(best_mix),
}
QUICK = ("HRC", "its predictions", "rival: two-stage", f"rival: {BEST_MIX}")


if __name__ == "__main__":
    main()
