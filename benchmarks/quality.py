"""Quality of decisions on simulated experiments with known truth.

    python benchmarks/quality.py --seeds 3

For every setting and seed, each method is fitted on one sample and judged on
another of the same population, at six budgets between a tenth and four fifths
of what the dearest arm would cost if everyone received it. The columns:

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
    Utilisation: that cost as a share of the budget, with the same mean.
regret ratio
    Regret is 1 - efficiency; the ratio is to the regret of the best rival of
    the setting, both from means over the seeds.
equal spend
    The same ratio with efficiencies at equal true spends, the budgets: each
    policy's efficiency is interpolated between what it really spends.
fit s
    Seconds to fit on one thread, with those of the networks that a method uses,
    although methods share them.

The summary averages over settings the ratios to the best rival's regret and to
that of our own networks used for each individual without clusters, and shows
the worst violation and the least utilisation of any setting.
"""

import argparse
import copy
import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import sklearn
import torch
from rivals import RIVALS, individual
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import (
    make_coupon_experiment,
    oracle_budget_curve,
    oracle_policy_value,
)

SETTINGS = {
    "default": {"n_samples": 30_000},
    "many rows": {"n_samples": 100_000},
    "noisy features": {"n_samples": 30_000, "feature_noise": 1.0},
    "rare orders": {"n_samples": 30_000, "order_rate": 0.02},
    "heavy tails": {"n_samples": 30_000, "basket_noise": 1.2},
    "share of basket": {"n_samples": 30_000, "cost_type": "basket_share", "amount_effect": 0.1},
}
BUDGET_SHARES = (0.1, 0.2, 0.3, 0.45, 0.6, 0.8)


class World(NamedTuple):
    """What a method is fitted on; `networks(**parameters)` trains once for all methods."""

    train: Bunch
    seed: int
    networks: Callable


def main():
    """Print a table for each setting, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, help="instead of each setting's own number")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument(
        "--methods", nargs="+", default=[""], help="only those whose name contains one of these"
    )
    parser.add_argument("--output", type=Path, help="JSON file of the raw measures")
    options = parser.parse_args()
    names = [name for name in METHODS if any(part in name for part in options.methods)]
    sklearn.set_config(enable_metadata_routing=True)
    torch.set_num_threads(1)
    print("$ python", *sys.argv)
    measures = {}
    for setting in options.settings:
        parameters = SETTINGS[setting] | ({"n_samples": options.rows} if options.rows else {})
        with threadpool_limits(1):
            worlds = [run_world(parameters, seed, names) for seed in range(options.seeds)]
        measures[setting] = {name: [world[name] for world in worlds] for name in names}
        print_setting(f"{setting}, {parameters['n_samples']:,} rows", measures[setting])
        if options.output:
            options.output.write_text(json.dumps(measures, indent=1))
    print_summary(measures)


def run_world(parameters, seed, names):
    """Fit methods on one sample and judge them on another, {method: measures}."""
    train, test = (
        make_coupon_experiment(random_state=seed + 1000 * part, **parameters) for part in range(2)
    )
    budgets = np.array(BUDGET_SHARES) * train.expected_cost.mean(axis=0).max()
    world = World(train, seed, functools.cache(functools.partial(fit_networks, train, seed)))
    measures = {}
    for name in names:
        decide, seconds = METHODS[name](world)
        measures[name] = {**judge(decide, budgets, train, test), "seconds": seconds}
    return measures


def judge(decide, budgets, train, test):
    """Measure efficiency on new rows and utilisation on those of fit at each budget."""
    control = test.expected_response[:, 0].mean()
    values = [true_value(arms, test) for arms in decide(test.data, budgets)]
    spend = [value.cost for value in values]
    oracle = oracle_budget_curve(spend, test.expected_response, test.expected_cost)
    gain = np.array([value.response for value in values]) - control
    spent = np.array([true_value(arms, train).cost for arms in decide(train.data, budgets)])
    efficiency = gain / (oracle - control)
    order = np.argsort(spend)
    return {
        "efficiency": efficiency.tolist(),
        "at equal spend": np.interp(budgets, np.take(spend, order), efficiency[order]).tolist(),
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
    networks = make_pipeline(
        StandardScaler(), MultiTaskRepresenter(random_state=seed, **parameters)
    )

    def fit():
        networks.fit(train.data, train.target, treatment=train.treatment, cost=train.cost)

    return networks, timed(fit)[1]


def own_networks(world):
    """Our networks, used for each individual without clusters."""
    networks, seconds = world.networks()

    def predict(X):
        outcomes = networks[-1].predict_outcomes(networks[0].transform(X))
        return outcomes[..., 0], outcomes[..., -1]

    return individual(predict, world.train), seconds


def rival(fit):
    """Make a method of the function that fits a rival."""
    return lambda world: timed(fit, world.train, world.seed)


def hrc(n_clusters, *, networks=None, calibrated=True, clusterer=None, **allocator):
    """Clusters of the hidden representation, with parameters of the steps."""

    def method(world):
        representer, trained = world.networks(**(networks or {}))
        if not calibrated:
            # Its predictions are then those of the networks as they were trained.
            representer = copy.deepcopy(representer)
            representer[-1]._calibration = None
        policy = make_pipeline(
            HiddenClusterer(n_clusters, random_state=world.seed, **(clusterer or {})),
            ClusterBudgetAllocator(random_state=world.seed, **allocator),
        )

        def fit():
            train = world.train
            rows = {"treatment": train.treatment, "cost": train.cost}
            policy.fit(representer.transform(train.data), train.target, **rows)

        def decide(X, budgets):
            Z = policy[0].transform(representer.transform(X))
            return [policy[1].set_budget(budget).predict(Z) for budget in budgets]

        return decide, trained + timed(fit)[1]

    return method


# Filters of --methods are parts of these names.
OWN_NETWORKS = "its networks, individually"
DEFAULTS = "HRC, K = 64"
BOOSTING = "rival: squared-error boosting"
METHODS = {
    DEFAULTS: hrc(64),
    "HRC, K = 256": hrc(256),
    "K = 256, decision metric": hrc(256, clusterer={"metric": "decision"}),
    "K = 256, euclidean metric": hrc(256, clusterer={"metric": "euclidean"}),
    "K = 256, effects metric": hrc(256, clusterer={"metric": "effects"}),
    "K = 64, pooled cells": hrc(64, estimation="pooled"),
    "K = 64, raw cells": hrc(64, estimation="raw"),
    "K = 256, one network": hrc(256, networks={"n_networks": 1}),
    "K = 256, not calibrated": hrc(256, calibrated=False),
    OWN_NETWORKS: own_networks,
    **{f"rival: {name}": rival(fit) for name, fit in RIVALS.items()},
}


def mean_over_seeds(measures, key):
    """Mean over seeds (and budgets) of each method, {method: mean}."""
    return {name: np.mean([run[key] for run in runs]) for name, runs in measures.items()}


def regret_ratios(measures, references, key="efficiency"):
    """Regret of each method over the least regret of the reference methods."""
    efficiency = mean_over_seeds(measures, key)
    least = min((1 - efficiency[name] for name in references), default=np.nan)
    return {name: (1 - value) / least for name, value in efficiency.items()}


def rivals_of(measures):
    """Names of the rivals among the methods that ran."""
    return [name for name in measures if name.startswith("rival")]


def print_setting(title, measures):
    """Print the measures of each method in one setting."""
    efficiency, used, seconds = (
        mean_over_seeds(measures, key) for key in ("efficiency", "used", "seconds")
    )
    ratios = regret_ratios(measures, rivals_of(measures))
    equal = regret_ratios(measures, rivals_of(measures), "at equal spend")
    print(f"\n{title}")
    print(
        f"{'':30} {'efficiency':>10} {'+-':>6} {'violation':>9} {'used':>6} {'regret ratio':>12} "
        f"{'equal spend':>11} {'fit s':>7}"
    )
    for name, runs in measures.items():
        by_seed = np.mean([run["efficiency"] for run in runs], axis=1)
        spread = by_seed.std(ddof=min(1, len(runs) - 1))
        print(
            f"{name:30} {efficiency[name]:>10.3f} {spread:>6.3f} {max(used[name] - 1, 0):>9.1%} "
            f"{used[name]:>6.1%} {ratios[name]:>12.2f} {equal[name]:>11.2f} {seconds[name]:>7.1f}",
            flush=True,
        )
    if DEFAULTS in measures and BOOSTING in measures:
        ratio = seconds[DEFAULTS] / seconds[BOOSTING]
        print(f"Fit of the default pipeline: {ratio:.1f} times that of squared-error boosting.")


def print_summary(measures):
    """Print for each method its mean ratios and worst spends over the settings."""
    settings = list(measures.values())
    to_rivals = [regret_ratios(setting, rivals_of(setting)) for setting in settings]
    equal = [regret_ratios(setting, rivals_of(setting), "at equal spend") for setting in settings]
    to_own = [regret_ratios(setting, {OWN_NETWORKS} & set(setting)) for setting in settings]
    used = [mean_over_seeds(setting, "used") for setting in settings]
    print(f"\nSummary of {len(settings)} settings")
    print(
        f"{'':30} {'to best rival':>13} {'equal spend':>11} {'to its networks':>15} "
        f"{'worst violation':>15} {'least used':>10}"
    )
    for name in settings[0]:
        rival_ratio, equal_ratio, own_ratio = (
            np.mean([ratios[name] for ratios in table]) for table in (to_rivals, equal, to_own)
        )
        spends = [means[name] for means in used]
        print(
            f"{name:30} {rival_ratio:>13.2f} {equal_ratio:>11.2f} {own_ratio:>15.2f} "
            f"{max(*spends, 1) - 1:>15.1%} {min(spends):>10.1%}"
        )


if __name__ == "__main__":
    main()
