"""Keeping a day's total budget, on simulated days that do not go as planned.

    python benchmarks/pacing.py --days 100

Customers come over a day of 24 hours, in 40 clusters with 3 coupons each. The plan of the day is
learnt from 28 past days. The day itself has another number of individuals (standard deviation
20 %), another shape over the day, on every second day an hour of doubled traffic, and coupons that
are redeemed up to 20 % more or less often than expected. Half of the redemptions come within an
hour, the others later, until three hours after midnight. Every 5 minutes each rule says which of
101 plans is used. All rules know the account of a `BudgetPacer`, and the same customers come.
The columns:

off, worst
    Median and largest distance of the final spend from the budget, in percent of it.
above, most
    Days of 100 whose final spend is above the budget, and by how much at most in percent.
noise
    Standard deviation of the final spend, in percent of the budget, that is due to the chance of
    the offers which are open at the day's end: what no rule can foresee.
gain, least
    Response above that of control as a share of that of the best fixed price in hindsight, at
    which the day would have spent the budget: mean and least day. A rule that spends more than
    the budget may be above 1.
"""

import argparse
import sys
from functools import partial
from heapq import heappop, heappush
from time import process_time
from typing import NamedTuple

import numpy as np
from pacing_days import (
    N_PLANS,
    PARTS,
    arms_of,
    best_fixed,
    costs_of,
    learn,
    make_day,
    make_world,
)

from sklearn_hrc.serving import BudgetPacer

TICKS = 288


class Now(NamedTuple):
    """What a rule may look at."""

    time: float
    individuals: int
    account: BudgetPacer

    @property
    def committed(self):
        """True cost of redeemed offers and expected cost of open ones."""
        return self.account.spent + self.account.pending(self.time)


def fixed(world, planned, step, plan, *, stops=True):
    """One plan, until the money is gone."""
    return lambda now: plan if not stops or now.committed < planned.total else 0


def equal_split(world, planned, step, **stops):
    """The plan of the planned day."""
    plan = dearest_within(world, planned.total / planned.individuals)
    return fixed(world, planned, step, plan, **stops)


def greedy(world, planned, step):
    """The dearest plan, until the money is gone."""
    return fixed(world, planned, step, N_PLANS - 1)


def pacer(world, planned, step):
    """The budget that the pacer gives."""
    return lambda now: dearest_within(world, now.account.budget(now.time))


def descent(world, planned, step, *, resolves=False):
    """Dual mirror descent on the shadow price, until the money is gone.

    The target is the spend that past days had by this time, or what is left for those who are
    still expected.
    """
    upto = np.append(0.0, np.cumsum(planned.spend)) / planned.spend.sum()

    def spend_by(time):
        return np.interp(time * PARTS / 24, np.arange(PARTS + 1), upto)

    first = world.prices[dearest_within(world, planned.total / planned.individuals)]
    price, committed, budget, before = first, 0.0, 0.0, Now(0.0, 0, None)

    def rule(now):
        nonlocal price, committed, budget, before
        if resolves:
            target = budget * (now.individuals - before.individuals)
            budget = now.account.budget(now.time)
        else:
            target = planned.total * (spend_by(now.time) - spend_by(before.time))
        past, committed, before = committed, now.committed, now
        price = max(0.0, price - step * first * (target - committed + past) / planned.total)
        return int(np.argmax(world.prices <= price)) if committed < planned.total else 0

    return rule


RULES = {
    "pacer": pacer,
    "pacer, delay not known": pacer,
    "descent, planned spend": descent,
    "descent, what is left": partial(descent, resolves=True),
    "equal split": partial(equal_split, stops=False),
    "equal split that stops": equal_split,
    "greedy": greedy,
}


def dearest_within(world, budget):
    """Place of the dearest plan within a budget."""
    return max(int(np.searchsorted(world.budgets, budget * (1 + 1e-9), side="right")) - 1, 0)


def run_day(world, planned, day, name, step):
    """Run a rule over a day; return the final spend, the response and the noise of open offers."""
    delay = None if "not known" in name else planned.delay
    account = BudgetPacer(
        planned.total,
        0.0,
        24.0,
        planned.traffic,
        spend=planned.spend,
        delay=delay,
        budget_range=(world.budgets[0], world.budgets[-1]),
    )
    rule = RULES[name](world, planned, step)
    starts = np.searchsorted(day.time, np.arange(TICKS + 1) * 24 / TICKS)
    chosen, queue = np.zeros(len(day.time), dtype=int), []
    for tick in range(TICKS):
        at = tick * 24 / TICKS
        while queue and queue[0][0] <= at:
            _, row, cost = heappop(queue)
            account.redeemed(row, cost)
        rows = np.arange(*starts[tick : tick + 2])
        arms = arms_of(world, rule(Now(at, int(starts[tick]), account)), day, rows)
        chosen[rows] = arms
        costs = world.cost[day.cluster[rows], arms]
        for row, time, cost in zip(rows.tolist(), day.time[rows].tolist(), costs.tolist()):
            account.decided(row, time, cost)
        final = costs_of(world, day, rows, arms)
        for place in np.flatnonzero(final).tolist():
            row = int(rows[place])
            heappush(queue, (day.time[row] + day.delay[row], row, float(final[place])))
    rows = np.arange(len(day.time))
    open_cost = np.array([cost for _, _, cost in queue])
    spent = costs_of(world, day, rows, chosen).sum()
    return spent, world.response[day.cluster, chosen].sum(), np.sqrt((open_cost**2).sum())


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--individuals", type=int, default=15_000)
    parser.add_argument("--first-seed", type=int, default=1_000)
    parser.add_argument("--budget", type=float, default=0.4, help="share of the dearest plan's")
    parser.add_argument("--step", type=float, default=60.0, help="of the descents")
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES))
    options = parser.parse_args()
    print("$ python", *sys.argv)
    begun = process_time()
    found = {name: [] for name in options.rules}
    for seed in range(options.first_seed, options.first_seed + options.days):
        rng = np.random.default_rng(seed)
        # Ten days share a world and its past.
        if seed % 10 == 0 or seed == options.first_seed:
            world = make_world(seed)
            planned = learn(world, options.individuals, options.budget, rng)
        day = make_day(world, options.individuals, rng)
        best = best_fixed(world, day, planned.total)
        for name, rows in found.items():
            spent, gain, noise = run_day(world, planned, day, name, options.step)
            rows.append((spent / planned.total, gain / best, noise / planned.total))
    print_table(found)
    print(f"{process_time() - begun:.0f} s of one core")


def print_table(found):
    """Print the measures of each rule."""
    heads = ("off %", "worst %", "above", "most %", "noise %", "gain", "least")
    print(f"{'':24}" + "".join(f"{head:>9}" for head in heads))
    for name, rows in found.items():
        spent, gain, noise = np.transpose(rows)
        off, over = 100 * np.abs(spent - 1), 100 * np.maximum(spent - 1, 0)
        print(
            f"{name:24}{np.median(off):>9.2f}{off.max():>9.2f}{100 * (over > 0).mean():>9.0f}"
            f"{over.max():>9.2f}{100 * noise.mean():>9.2f}{gain.mean():>9.3f}{gain.min():>9.3f}"
        )


if __name__ == "__main__":
    main()
