"""A simulated A/B test of four weeks: the policy as it is served, beside what a shop may use.

    python benchmarks/ab_test.py --seeds 20 --settings coupons customers

All policies are fitted on the same randomised experiment. Then customers come for four weeks
(`ab_days.py`), with drift that no policy knows of. Each customer is assigned at random to one of
the policies, and each policy has the same money for each individual that is expected on a day:
three tenths of what the dearest arm costs on average.

current rule
    The best single arm of the experiment, for those who come first until the day's money is gone.
ridge, boosting
    Ridge regressions for each arm, and boosted trees whose losses suit the outcome, predict the
    response and cost of each individual, as in `individual.py`. The arm is that of the largest
    response less its priced cost. Every morning the price is set anew, to spend the day's money
    on customers like those of the past four days. Predicted costs are corrected by what the
    offers of the past week cost in the end. Nothing stops them when the money is gone, so they
    spend more on days with more customers than expected.
ridge, capped, and boosting, capped
    The same decisions for the same customers, with control from when the day's money is gone.
HRC
    The pipeline of the README with 64 clusters, distilled, exported and loaded. A `BudgetPacer`
    gives the mean budget every five minutes.

The columns, means over seeds:

true
    Lift of orders or GMV against the current rule, in percent, by the expected outcomes of the
    arms given: gain over control of the policy's own customers, added to what all customers
    would bring under control. Its standard error over the seeds stands under +-.
test
    The same as an A/B test sees it: ratio of the means of what the customers brought.
half
    Half the width of its 95 % interval, by the delta method.
>0, <0
    Percent of the seeds whose interval lies above or below 0.
spend, all and worst
    Final cost of the offers in percent of the money: of all days, and of the dearest day.

The last lines have the lifts of HRC against each rival, in percent of the rival. A rival that
spends more than its money is helped by that.
"""

import argparse
import json
import sys
import tempfile
import time
from heapq import heappop, heappush
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import sklearn
import torch
from ab_days import (
    PARTS,
    SETTINGS,
    Weeks,
    known_delays,
    make_experiment,
    make_weeks,
    shape_of_day,
)
from ab_tables import judge, print_setting, read_runs
from individual import arm_means, individual, ridge_outcomes, typed_boosting_outcomes
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.export import export_policy
from sklearn_hrc.serving import BudgetPacer, load

BUDGET_SHARE, TICKS = 0.3, 288


class Day(NamedTuple):
    """A day of a policy: its customers in order, those of the days before, and its money."""

    weeks: Weeks
    rows: np.ndarray
    recent: np.ndarray
    individuals: float
    money: float

    def account(self, budget_range=(0.0, np.inf)):
        """Return a pacer that keeps the account of the day."""
        traffic = self.individuals * shape_of_day().reshape(PARTS, -1).sum(axis=1)
        delays = known_delays()
        return BudgetPacer(self.money, 0.0, 24.0, traffic, delay=delays, budget_range=budget_range)


def through_day(day, account, decide):
    """Return arms and expected costs of a day; the account hears of decisions and redemptions.

    `decide(rows, now)` gives both for those who come in five minutes.
    """
    weeks, queue, decided = day.weeks, [], [(np.empty(0, dtype=int), np.empty(0))]
    parts = np.searchsorted(weeks.time[day.rows], np.arange(1, TICKS) * 24 / TICKS)
    for tick, rows in enumerate(np.split(day.rows, parts)):
        now = tick * 24 / TICKS
        while queue and queue[0][0] <= now:
            account.redeemed(*heappop(queue)[1:])
        if not len(rows):
            continue
        arms, costs = decide(rows, now)
        decided.append((arms, costs))
        final = weeks.drawn["cost"][rows, arms]
        times = weeks.time[rows]
        for row, at, cost in zip(rows.tolist(), times.tolist(), costs.tolist()):
            account.decided(row, at, cost)
        for place in np.flatnonzero(final).tolist():
            row = int(rows[place])
            heappush(queue, (times[place] + weeks.delay[row], row, float(final[place])))
    return [np.concatenate(parts) for parts in zip(*decided)]


def until_money_is_gone(day, arms, costs):
    """Return arms and expected costs of a day, with control from when the money is gone."""
    account = day.account()

    def decide(rows, now):
        left = account.spent + account.pending(now) < day.money
        places = np.searchsorted(day.rows, rows)
        return arms[places] * left, costs[places] * left

    return through_day(day, account, decide)


def current_rule(experiment, weeks, mine, budget, seed):
    """Give the best single arm to those who come first."""
    response, cost = arm_means(experiment)
    share = np.minimum(1.0, budget / np.maximum(cost, 1e-12))
    best = int((share * (response - response[0])).argmax())

    def decide_day(day):
        arms = np.full(len(day.rows), best)
        return until_money_is_gone(day, arms, cost[arms])

    return decide_day


def daily_price(outcomes):
    """Make a policy of predictions: one by one, at a price that is set every morning."""

    def fit(experiment, weeks, mine, budget, seed):
        # Predictions are made for those alone whom the policy sees.
        seen = np.append(np.flatnonzero(weeks.day == 0), mine)
        response, cost = np.full((2, len(weeks.day), len(experiment.treatments)), np.nan)
        response[seen], cost[seen] = outcomes(experiment, seed)(weeks.data[seen])
        arms = np.arange(len(experiment.treatments))
        spent, expected = [], []

        def decide_day(day):
            past = slice(-7, None)
            weight = day.money
            ratio = (sum(spent[past]) + weight) / (sum(expected[past]) + weight)
            known = Bunch(data=day.recent, treatments=arms)
            rule = individual(lambda rows: (response[rows], ratio * cost[rows]), known)
            given = next(iter(rule(day.rows, [budget])))
            spent.append(weeks.drawn["cost"][day.rows, given].sum())
            expected.append(cost[day.rows, given].sum())
            # Regressions may predict costs below 0. No account takes them.
            return given, np.maximum(ratio * cost[day.rows, given], 0)

        return decide_day

    return fit


def hrc(experiment, weeks, mine, budget, seed):
    """Distil the pipeline, serve it from a folder and pace it."""
    rows = {"treatment": experiment.treatment, "cost": experiment.cost}
    policy = make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(random_state=seed),
        HiddenClusterer(n_clusters=64, random_state=seed),
        ClusterBudgetAllocator(budget=budget, control=experiment.treatments[0], random_state=seed),
    ).fit(experiment.data, experiment.target, **rows)
    student = DistilledAllocator(FrozenEstimator(policy), random_state=seed)
    student.fit(experiment.data, experiment.target, **rows)
    with tempfile.TemporaryDirectory() as folder:
        served = load(export_policy(student, Path(folder) / "policy", experiment.data))

    def decide_day(day):
        pacer = day.account(served.budget_range)

        def decide(rows, now):
            served.set_budget(pacer.budget(now))
            decisions = served.decide(weeks.data[rows])
            arms = np.searchsorted(experiment.treatments, decisions.treatment)
            return arms, served.cost_of(decisions)

        return through_day(day, pacer, decide)

    return decide_day


POLICIES = {
    "current rule": current_rule,
    "ridge": daily_price(ridge_outcomes),
    "boosting": daily_price(typed_boosting_outcomes),
    "HRC": hrc,
}
CAPPED = ("ridge", "boosting")


def run_seed(setting, seed, options):
    """Fit all policies, run the test and return its measures."""
    sklearn.set_config(enable_metadata_routing=True)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        begun = time.process_time()
        experiment = make_experiment(setting, options.rows, seed)
        weeks = make_weeks(setting, options.days, options.customers, seed)
        budget = BUDGET_SHARE * max(list(arm_means(experiment))[1])
        policy_of = np.random.default_rng(seed).integers(len(POLICIES), size=len(weeks.day))
        policy_of[weeks.day == 0] = -1
        given = {}
        for place, (name, fit) in enumerate(POLICIES.items()):
            mine = np.flatnonzero(policy_of == place)
            decide_day = fit(experiment, weeks, mine, budget, seed)
            days = days_of(weeks, mine, budget)
            decided = [decide_day(day) for day in days]
            given[name] = totals(days, decided)
            if name in CAPPED:
                capped = [until_money_is_gone(day, *both) for day, both in zip(days, decided)]
                given[f"{name}, capped"] = totals(days, capped)
        measures = judge(given, weeks)
    return {"seed": seed, "seconds": time.process_time() - begun} | measures


def days_of(weeks, mine, budget):
    """The days of a policy, from the rows that are assigned to it; day 0 is seen by all."""
    individuals = weeks.planned / len(POLICIES)
    rows = [np.flatnonzero(weeks.day == 0)]
    rows += np.split(mine, np.searchsorted(weeks.day[mine], np.arange(2, len(individuals))))
    return [
        Day(weeks, rows[day], np.concatenate(rows[max(day - 4, 0) : day]), expected, money)
        for day, (expected, money) in enumerate(zip(individuals, budget * individuals))
        if day > 0
    ]


def totals(days, decided):
    """Rows and arms of all days, and the final spend and the money of each."""
    arms = [arms for arms, _ in decided]
    spend = [
        (day.weeks.drawn["cost"][day.rows, given].sum(), day.money)
        for day, given in zip(days, arms)
    ]
    return np.concatenate([day.rows for day in days]), np.concatenate(arms), np.array(spend)


def main():
    """Run the tests and print a table for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--seeds", type=int, default=20)
    add("--first-seed", type=int, default=0)
    add("--settings", nargs="+", choices=SETTINGS, default=["coupons", "customers"])
    add("--days", type=int, default=28)
    add("--customers", type=int, default=4_000, help="of a weekday, for all policies together")
    add("--rows", type=int, default=20_000, help="of the experiment")
    add("--jobs", type=int, default=1, help="processes, one for each seed")
    add("--save", type=Path, help="JSON file of the measures, written after each seed")
    add("--read", type=Path, nargs="+", metavar="FILE", help="show such files; run nothing")
    options = parser.parse_args()
    print("$ python", *sys.argv)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    found = read_runs(options.read or ())
    tasks = [(setting, seed) for seed in seeds for setting in options.settings]
    tasks = [] if options.read else tasks
    runs = joblib.Parallel(options.jobs, return_as="generator")(
        joblib.delayed(run_seed)(*task, options) for task in tasks
    )
    for (setting, _), measures in zip(tasks, runs):
        found.setdefault(setting, []).append(measures)
        if options.save:
            options.save.write_text(json.dumps(found, indent=1))
    for setting, runs in found.items():
        print_setting(setting, runs)
    print("\n* Theirs on their platform (arXiv:2506.00959), by its abstract.")


if __name__ == "__main__":
    main()
