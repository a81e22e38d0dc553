"""Whether a budget holds in truth as often as a risk mode promises.

    python benchmarks/guarantee.py --experiments 200 --pipelines 20

An experiment is simulated again and again, a plan is made for the same budget
from each of them, and the true expected cost of the plan is compared with the
budget. "segments" are made by hand (12 of them, 20,000 rows, 4 arms) and estimated
by the allocator alone; "pipeline" is the whole of representer, clusters and
allocator on 10,000 rows. In "share of basket" the cost is a share of a
heavy-tailed basket (standard deviation of its logarithm 1.2), in "coupon" a price
paid with the order. The columns:

kept
    Share of experiments in which the true cost is within the budget. "chance"
    promises 0.9, "mean" one half at best.
+-
    Its standard error.
tail
    True cost over the budget, mean of the worst tenth of experiments, less 1.
    "cvar" promises that it is not above 0.
used
    True cost over the budget, mean.
response
    True response of the plans, as a share of that of "mean".
"""

import argparse
import sys

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import make_coupon_experiment

RISKS = ("mean", "chance", "cvar", "robust")
LEVEL = 0.9
WORLDS = {
    "coupon": {},
    "share of basket": {"basket_noise": 1.2, "cost_type": "basket_share"},
}
PRICES = np.array([0.0, 2.0, 4.0, 6.0])
RATES = np.array([0.0, 0.05, 0.1, 0.15])
BUDGET_SHARE = 0.3


def main():
    """Print a table for each world."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--experiments", type=int, default=200)
    parser.add_argument("--pipelines", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("$ python", *sys.argv)
    with threadpool_limits(1):
        for world in WORLDS:
            if options.experiments:
                plans = [plan_segments(world, seed) for seed in range(options.experiments)]
                print_table(f"segments, {world}", plans)
            if options.pipelines:
                plans = [plan_pipeline(world, seed) for seed in range(options.pipelines)]
                print_table(f"pipeline, {world}", plans)


def plan_segments(world, seed, n_rows=20_000, n_segments=12):
    """Return true cost over budget and true response for each risk, from one experiment."""
    population = np.random.default_rng(2024)
    base = population.uniform(0.05, 0.3, n_segments)
    lift = np.cumsum(population.exponential(0.06, (n_segments, len(PRICES))), axis=1)
    lift -= lift[:, :1]
    chance = base[:, None] + lift
    basket = population.uniform(20, 60, n_segments)
    rng = np.random.default_rng(seed)
    segment, arm = rng.integers(0, n_segments, n_rows), rng.integers(0, len(PRICES), n_rows)
    order = rng.random(n_rows) < chance[segment, arm]
    noise = rng.lognormal(-0.72, 1.2, n_rows)
    amount = order * basket[segment] * noise
    shares = world == "share of basket"
    cost = RATES[arm] * amount if shares else PRICES[arm] * order
    true_response = chance * basket[:, None] if shares else chance
    true_cost = true_response * RATES if shares else true_response * PRICES
    budget = BUDGET_SHARE * true_cost[:, -1].mean()
    outcome = amount if shares else order.astype(float)
    return [
        _judge(allocator, true_response, true_cost, budget)
        for allocator in _allocators(
            segment[:, None], outcome, {"treatment": arm, "cost": cost}, budget, seed
        )
    ]


def plan_pipeline(world, seed, n_rows=10_000):
    """Do the same with the whole pipeline; truth is that of the individuals of the experiment."""
    experiment = make_coupon_experiment(n_rows, random_state=seed, **WORLDS[world])
    rows = {"treatment": experiment.treatment, "cost": experiment.cost}
    X = StandardScaler().fit_transform(experiment.data)
    Z = MultiTaskRepresenter(random_state=seed).fit_transform(X, experiment.target, **rows)
    Z = HiddenClusterer(64, random_state=seed).fit(Z, experiment.target, **rows).transform(Z)
    labels, cluster = np.unique(Z[:, 0], return_inverse=True)
    sizes = np.bincount(cluster)[:, None]
    response, cost = (
        np.transpose([np.bincount(cluster, column, len(labels)) for column in values.T]) / sizes
        for values in (experiment.expected_response, experiment.expected_cost)
    )
    budget = BUDGET_SHARE * experiment.expected_cost.mean(axis=0).max()
    return [
        _judge(allocator, response, cost, budget)
        for allocator in _allocators(Z, experiment.target, rows, budget, seed)
    ]


def _allocators(Z, outcome, rows, budget, seed):
    """One allocator for each risk."""
    for risk in RISKS:
        allocator = ClusterBudgetAllocator(
            budget, control=0, risk=risk, risk_level=LEVEL, random_state=seed
        )
        yield allocator.fit(Z, outcome, **rows)


def _judge(allocator, response, cost, budget):
    """True cost of a plan over the budget, and its true response."""
    share = allocator.allocation_ / allocator.cluster_sizes_.sum()
    return np.sum(share * cost) / budget, np.sum(share * response)


def print_table(title, plans):
    """Print how often and how well the budget was kept."""
    plans = np.array(plans)
    print(f"\n{title}, {len(plans)} experiments, level {LEVEL:g}")
    print(f"{'risk':10} {'kept':>6} {'+-':>6} {'tail':>7} {'used':>7} {'response':>9}")
    for place, risk in enumerate(RISKS):
        used, response = plans[:, place].T
        kept = np.mean(used <= 1 + 1e-9)
        worst = np.sort(used)[-max(len(used) // 10, 1) :].mean() - 1
        relative = response.mean() / plans[:, 0, 1].mean()
        error = np.sqrt(kept * (1 - kept) / len(used))
        print(
            f"{risk:10} {kept:>6.3f} {error:>6.3f} {worst:>7.1%} {used.mean():>7.3f} "
            f"{relative:>9.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
