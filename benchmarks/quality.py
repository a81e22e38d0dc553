"""Quality of decisions on simulated experiments with known truth.

    python benchmarks/quality.py --rows 30000 --seeds 3

For every setting and method the policy is fitted on one sample and judged on
another of the same world. Efficiency is the true gain over control divided by
what an oracle that knows every individual's expected response and cost gains
for the same true spend, mean over six budgets; so overspending is not
rewarded. Violation is the true mean cost on the rows of `fit` over the budget,
its positive part as a share; utilisation is that cost as a share of the
budget. Regret is one less efficiency; the last column is its ratio to that of
the best rival, from means over the seeds.
"""

import argparse
import sys
import time

import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc._programme import solve
from sklearn_hrc.datasets import (
    make_coupon_experiment,
    oracle_budget_curve,
    oracle_policy_value,
)

SETTINGS = {
    "default": {},
    "noisy features": {"feature_noise": 1.0},
    "rare orders": {"order_rate": 0.02},
    "heavy tails": {"basket_noise": 1.2},
    "share of basket": {"cost_type": "basket_share", "amount_effect": 0.1},
}
BUDGET_SHARES = (0.1, 0.2, 0.3, 0.45, 0.6, 0.8)


def main():
    """Print a table for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    options = parser.parse_args()
    sklearn.set_config(enable_metadata_routing=True)
    print("$ python", *sys.argv)
    for setting in options.settings:
        results = [
            run_world(SETTINGS[setting], options.rows, seed) for seed in range(options.seeds)
        ]
        print_setting(setting, results)


def run_world(parameters, n_rows, seed):
    """Fit every method on one sample and judge it on another, {method: measures}."""
    train, test = (
        make_coupon_experiment(n_rows, random_state=seed + 1000 * part, **parameters)
        for part in range(2)
    )
    largest = train.expected_cost.mean(axis=0).max()
    budgets = np.array(BUDGET_SHARES) * largest
    results = {}
    for name, method in methods(train, seed).items():
        start = time.perf_counter()
        decide = method(train)
        seconds = time.perf_counter() - start
        results[name] = [*judge(decide, budgets, train, test), seconds]
    return results


def judge(decide, budgets, train, test):
    """Return mean efficiency on new rows, violation and utilisation on those of fit."""
    efficiency, over, used = [], [], []
    for budget in budgets:
        value = true_value(decide(test.data, budget), test)
        control = test.expected_response[:, 0].mean()
        oracle = oracle_budget_curve([value.cost], test.expected_response, test.expected_cost)
        efficiency.append((value.response - control) / (oracle[0] - control))
        spent = true_value(decide(train.data, budget), train).cost / budget
        over.append(spent - 1)
        used.append(spent)
    return np.mean(efficiency), np.mean(over), np.mean(used)


def true_value(arms, experiment):
    """True mean response and cost of arms."""
    return oracle_policy_value(
        arms,
        experiment.expected_response,
        experiment.expected_cost,
        treatments=experiment.treatments,
    )


def methods(train, seed):
    """Name the methods; each fits an experiment and returns `decide(X, budget)`.

    The networks are trained once and shared by the methods that use them.
    """
    representer = make_pipeline(StandardScaler(), MultiTaskRepresenter(random_state=seed))
    single = clone(representer).set_params(multitaskrepresenter__n_networks=1)
    for networks in (representer, single):
        networks.fit(train.data, train.target, treatment=train.treatment, cost=train.cost)
    return {
        "HRC, K = 64": clustered(representer, 64, seed),
        "HRC, K = 256": clustered(representer, 256, seed),
        "HRC, K = 64, pooled cells": clustered(representer, 64, seed, estimation="pooled"),
        "HRC, K = 64, raw cells": clustered(representer, 64, seed, estimation="raw"),
        "HRC, K = 64, one network": clustered(single, 64, seed),
        "its networks, individually": individual_networks(representer),
        "rival: S-learner boosting": boosting,
        "rival: best single arm": single_arm,
    }


def clustered(representer, n_clusters, seed, **parameters):
    """Cluster, estimate, allocate."""

    def fit(train):
        rows = {"treatment": train.treatment, "cost": train.cost}
        policy = make_pipeline(
            HiddenClusterer(n_clusters=n_clusters, random_state=seed),
            ClusterBudgetAllocator(random_state=seed, **parameters),
        )
        policy.fit(representer.transform(train.data), train.target, **rows)

        def decide(X, budget):
            policy[-1].set_budget(budget)
            return policy.predict(representer.transform(X))

        return decide

    return fit


def individual_networks(representer):
    """Allocate each individual by its own prediction, at the price found on the rows of fit."""

    def fit(train):
        predict = representer[-1].predict_outcomes

        def response_and_cost(X):
            outcomes = predict(representer[0].transform(X))
            return outcomes[..., 0], outcomes[..., -1]

        return individual(response_and_cost, train)

    return fit


def boosting(train):
    """One boosted regression of each of response and cost on features and arm."""
    labels = train.treatments
    models = [
        HistGradientBoostingRegressor(random_state=0).fit(
            np.column_stack([train.data, train.treatment]), target
        )
        for target in (train.target[:, 0], train.cost)
    ]

    def response_and_cost(X):
        return [
            np.column_stack(
                [model.predict(np.column_stack([X, np.full(len(X), label)])) for label in labels]
            )
            for model in models
        ]

    return individual(response_and_cost, train)


def individual(response_and_cost, train):
    """Decide one by one: the arm of the largest response less the priced cost."""
    response, cost = response_and_cost(train.data)
    ones = np.ones(len(response), dtype=np.int64)

    def decide(X, budget):
        price = solve(response, cost, ones, budget, split_clusters=False).shadow_price
        new_response, new_cost = response_and_cost(X)
        return train.treatments[(new_response - price * new_cost).argmax(axis=1)]

    return decide


def single_arm(train):
    """Give the best arm to as many, drawn at random, as the budget pays for."""
    means = np.array(
        [
            [values[train.treatment == label].mean() for values in (train.target[:, 0], train.cost)]
            for label in train.treatments
        ]
    )
    rng = np.random.default_rng(0)

    def decide(X, budget):
        share = np.minimum(1.0, budget / np.maximum(means[:, 1], 1e-12))
        best = (share * (means[:, 0] - means[0, 0])).argmax()
        treated = rng.random(len(X)) < share[best]
        return np.where(treated, train.treatments[best], train.treatments[0])

    return decide


def print_setting(setting, results):
    """Print means over the seeds, the spread of the efficiency, and regret ratios."""
    names = list(results[0])
    values = np.array([[result[name] for name in names] for result in results])
    mean, spread = values.mean(axis=0), values.std(axis=0)
    rivals = [i for i, name in enumerate(names) if name.startswith("rival")]
    best_regret = min(1 - mean[i, 0] for i in rivals)
    print(f"\n{setting}")
    print(
        f"{'':28} {'efficiency':>10} {'+-':>5} {'violation':>9} {'used':>6} {'regret ratio':>12} "
        f"{'fit s':>6}"
    )
    for name, row, sd in zip(names, mean, spread):
        print(
            f"{name:28} {row[0]:>10.3f} {sd[0]:>5.3f} {max(row[1], 0):>9.1%} {row[2]:>6.1%} "
            f"{(1 - row[0]) / best_regret:>12.2f} {row[3]:>6.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
