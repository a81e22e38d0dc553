"""A budget that holds in spite of errors, beside scenarios in an extensive form.

    python benchmarks/risk.py --scenarios 500

Clusters as in `benchmarks/programme.py`, one arm for each; costs are known with errors:
a cell's own, an arm's level and five factors that cells share. Ours takes the normal
distribution of the total as it is. The extensive form draws scenarios of all costs and
gives python-mip a row for each of them, with CBC, a gap of 1e-4 and a time limit. Both
plans are judged by fresh draws. The columns:

s
    Seconds; `>` where the time limit ended the search.
response
    Total, as a share of the best of "mean", which knows of no errors.
kept
    Share of fresh draws in which the cost is within the budget.
tail
    Mean cost over the budget in the worst tenth of fresh draws: "cvar" demands 1.
"""

import argparse
import sys
import time

import mip
import numpy as np
from programme import random_programme

from sklearn_hrc._programme.blocks import whole_clusters
from sklearn_hrc._programme.campaign import Campaign
from sklearn_hrc._programme.plan import plan_budget
from sklearn_hrc._programme.risk import CostErrors

LEVEL = 0.9
N_FACTORS = 5
N_FRESH = 20_000


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clusters", type=int, default=500)
    parser.add_argument("--arms", type=int, default=5)
    parser.add_argument("--scenarios", type=int, default=500)
    parser.add_argument("--time-limit", type=float, default=60.0)
    options = parser.parse_args()
    print("$ python", *sys.argv)
    mip.Model(solver_name=mip.CBC)  # loads the solver
    response, cost, sizes, budget = random_programme(options.clusters, options.arms, 0)
    rng = np.random.default_rng(0)
    errors = CostErrors(
        own=(0.1 * cost) ** 2,
        level=0.02 * cost.mean(axis=0),
        factors=0.03 * cost[:, :, None] * rng.normal(size=(*cost.shape, N_FACTORS)),
    )
    campaign = Campaign(
        response=response,
        cost=cost,
        value=response,
        sizes=sizes,
        blocks=whole_clusters(sizes, divisible=False),
        errors=errors,
        requirements=[],
        risk="mean",
        risk_level=LEVEL,
        time_limit=options.time_limit,
    )
    best = plan_budget(campaign, budget).response
    scenarios = draw_costs(cost, errors, options.scenarios, rng)
    print(f"{'':28} {'s':>8} {'response':>9} {'kept':>6} {'tail':>6}")
    for risk in ("mean", "chance", "cvar", "robust"):
        plan = campaign._replace(risk=risk)
        own = judge(campaign, budget, best, f"ours, {risk}", planned, plan, budget)
        if risk in ("cvar", "robust"):
            extensive = response, scenarios, sizes, budget, risk, options.time_limit
            name = f"extensive form, {risk}"
            other = judge(campaign, budget, best, name, extensive_form, *extensive)
            print(f"{'ratio':28} {other / own:>8.1f}")


def judge(campaign, budget, best, name, solve, *arguments):
    """Time a plan, and print it as fresh draws see it; return the seconds."""
    start = time.perf_counter()
    counts, finished = solve(*arguments)
    seconds = time.perf_counter() - start
    totals = fresh_totals(counts, campaign.cost, campaign.errors, np.random.default_rng(1))
    spent = totals / campaign.sizes.sum()
    worst = np.sort(spent)[-N_FRESH // 10 :].mean()
    mark = " " if finished else ">"
    print(
        f"{name:28} {mark}{seconds:7.2f} {np.sum(counts * campaign.response) / best:>9.4f} "
        f"{np.mean(spent <= budget):>6.3f} {worst / budget:>6.3f}",
        flush=True,
    )
    return seconds


def planned(campaign, budget):
    """Counts of our plan, and whether it is proven."""
    plan = plan_budget(campaign, budget)
    return plan.counts, plan.optimal


def draw_costs(cost, errors, n_draws, rng):
    """Scenarios of the cost of every cell, (n_draws, n_clusters, n_arms)."""
    own = np.sqrt(errors.own) * rng.normal(size=(n_draws, *cost.shape))
    level = errors.level * rng.normal(size=(n_draws, 1, cost.shape[1]))
    return cost + own + level + np.tensordot(rng.normal(size=(n_draws, 5)), errors.factors, (1, 2))


def fresh_totals(counts, cost, errors, rng):
    """Totals of fresh draws, drawn part by part."""
    own = np.sqrt(np.sum(counts**2 * errors.own)) * rng.normal(size=N_FRESH)
    level = rng.normal(size=(N_FRESH, cost.shape[1])) @ (errors.level * counts.sum(axis=0))
    factors = np.einsum("kj,kjf->f", counts, errors.factors)
    return np.sum(counts * cost) + own + level + rng.normal(size=(N_FRESH, N_FACTORS)) @ factors


def extensive_form(response, scenarios, sizes, budget, risk, time_limit):
    """Counts by a model with a row for every scenario."""
    model = mip.Model(sense=mip.MAXIMIZE, solver_name=mip.CBC)
    model.verbose, model.threads, model.max_mip_gap = 0, 1, 1e-4
    n_clusters, n_arms = response.shape
    value = (sizes[:, None] * response).ravel().tolist()
    choices = [model.add_var(var_type=mip.BINARY, obj=v) for v in value]
    for k in range(n_clusters):
        model += mip.xsum(choices[k * n_arms : (k + 1) * n_arms]) == 1
    total = budget * float(sizes.sum())
    share = (sizes[:, None] * scenarios / total).reshape(len(scenarios), -1).tolist()
    if risk == "robust":
        for row in share:
            model.add_constr(mip.LinExpr(choices, row) <= 1 - 1e-6)
    else:
        threshold = model.add_var(lb=-10.0, ub=10.0)
        excess = [model.add_var() for _ in share]
        weight = 1 / ((1 - LEVEL) * len(share))
        model += threshold + mip.xsum(weight * e for e in excess) <= 1 - 1e-6
        for row, e in zip(share, excess):
            model.add_constr(mip.LinExpr([*choices, threshold, e], [*row, -1.0, -1.0]) <= 0)
    status = model.optimize(max_seconds=time_limit)
    if not model.num_solutions:
        return np.zeros(response.shape), False
    chosen = np.array([choice.x for choice in choices]).reshape(response.shape).argmax(axis=1)
    return sizes[:, None] * np.eye(n_arms)[chosen], status == mip.OptimizationStatus.OPTIMAL


if __name__ == "__main__":
    main()
