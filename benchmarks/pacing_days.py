"""Simulated days for `pacing.py`: cells and plans, who comes when, and what past days teach."""

from bisect import bisect_right
from typing import NamedTuple

import numpy as np

from sklearn_hrc._programme.budget_path import path_allocation, path_shares
from sklearn_hrc._programme.hull import hull_path

N_CLUSTERS, FACES = 40, np.array([0.0, 4.0, 8.0, 16.0])
N_PLANS, PARTS, NIGHT = 101, 96, 27.0
AGES = np.array([0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 27])


class World(NamedTuple):
    """Cells, and plans along the budget."""

    response: np.ndarray
    chance: np.ndarray
    cost: np.ndarray
    shares: np.ndarray
    budgets: np.ndarray
    prices: np.ndarray
    first: np.ndarray
    second: np.ndarray
    upto: np.ndarray
    tilt: np.ndarray


class Day(NamedTuple):
    """Who comes when, and what each of them would do."""

    time: np.ndarray
    cluster: np.ndarray
    place: np.ndarray
    chance: np.ndarray
    delay: np.ndarray
    drift: np.ndarray


class Planned(NamedTuple):
    """What past days say of a day."""

    total: float
    individuals: float
    traffic: np.ndarray
    spend: np.ndarray
    delay: np.ndarray


def make_world(seed):
    """Draw cells with falling returns, and plan for equal steps of the budget."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.1, 0.4, (N_CLUSTERS, 1)) * (FACES > 0) * (0.7 + 0.03 * FACES)
    strength = rng.lognormal(0.5, 0.8, (N_CLUSTERS, 1))
    response = strength * (1 - np.exp(-FACES / rng.uniform(3, 12, (N_CLUSTERS, 1))))
    cost, shares = chance * FACES, rng.dirichlet(np.full(N_CLUSTERS, 5.0))
    path = hull_path(response, cost, shares)
    budgets = np.linspace(path.cost[0], path.cost[-1], N_PLANS)
    allocation = path_allocation(path, budgets)
    arms = path_shares(allocation, len(FACES))
    first = allocation.arms.astype(int)
    second, upto = first.copy(), np.zeros(first.shape)
    for plan in np.flatnonzero(allocation.cluster >= 0):
        cluster, target = allocation.cluster[plan], allocation.target[plan]
        second[plan, cluster], upto[plan, cluster] = target, arms[plan, cluster, target]
    edge = np.searchsorted(path.cost[1:], budgets, side="right")
    prices = np.append(path.slope, 0.0)[edge]
    tilt = rng.normal(0, 0.5, N_CLUSTERS)
    return World(response, chance, cost, shares, budgets, prices, first, second, upto, tilt)


def make_day(world, individuals, rng, *, as_planned=False):
    """Draw a day; one as planned has the planned shape over the day and expected costs."""
    at = (np.arange(1440) + 0.5) / 60
    shape = 0.15 + np.exp(-(((at - 13) / 4) ** 2)) + 0.8 * np.exp(-(((at - 20) / 2) ** 2))
    level, ends, doubled = 1 + 0.2 * rng.standard_normal(), np.ones(2), 0
    if not as_planned:
        turns = np.outer([1, 2, 3], at / 24) + rng.random((3, 1))
        shape *= np.exp(rng.normal(0, 0.2, 3) @ np.sin(2 * np.pi * turns))
        ends, doubled = rng.uniform(0.8, 1.2, 2), rng.integers(0, 2)
    shape /= shape.sum()
    shock = rng.integers(8 * 60, 22 * 60)
    shape[shock : shock + 60] *= 1 + doubled
    time = np.repeat(at, rng.poisson(individuals * max(level, 0.3) * shape))
    n = len(time)
    tail = 1 + rng.exponential(3, n)
    late = np.where(tail < NIGHT - time, tail, 1 + rng.random(n) * (NIGHT - 1 - time))
    delay = np.where(rng.random(n) < 0.5, rng.random(n), late)
    cluster = clusters(world, time, rng)
    drift = np.interp(time, [0, 24], ends)
    return Day(time, cluster, rng.random(n), rng.random(n), delay, drift)


def clusters(world, time, rng):
    """Draw clusters, some of which come rather in the morning and some in the evening."""
    found = np.empty(len(time), dtype=int)
    for hour in range(24):
        shares = world.shares * np.exp(world.tilt * (hour - 12) / 12)
        mine = np.flatnonzero(time.astype(int) == hour)
        found[mine] = rng.choice(N_CLUSTERS, len(mine), p=shares / shares.sum())
    return found


def arms_of(world, plan, day, rows):
    """Arms of rows by a plan."""
    cluster = day.cluster[rows]
    is_second = day.place[rows] < world.upto[plan, cluster]
    return np.where(is_second, world.second[plan, cluster], world.first[plan, cluster])


def costs_of(world, day, rows, arms):
    """What rows cost in the end, by night."""
    chance = world.chance[day.cluster[rows], arms] * day.drift[rows]
    return np.where(day.chance[rows] < chance, FACES[arms], 0.0)


def learn(world, individuals, share, rng):
    """Learn the plan of a day from 28 past days, which used one plan."""
    plan = int(share * N_PLANS)
    traffic, spend = np.zeros((2, PARTS))
    ages = []
    for _ in range(28):
        day = make_day(world, individuals, rng, as_planned=True)
        rows = np.arange(len(day.time))
        arms = arms_of(world, plan, day, rows)
        bins = (day.time * PARTS / 24).astype(int)
        traffic += np.bincount(bins, minlength=PARTS) / 28
        spend += np.bincount(bins, world.cost[day.cluster, arms], PARTS) / 28
        ages.append(day.delay[costs_of(world, day, rows, arms) > 0])
    come = np.searchsorted(np.sort(np.concatenate(ages)), AGES) / sum(map(len, ages))
    return Planned(spend.sum(), traffic.sum(), traffic, spend, np.transpose([AGES, come]))


def best_fixed(world, day, total):
    """Gain of the fixed price that spends the budget, known only when the day is over."""
    rows = np.arange(len(day.time))

    def figures(plan):
        arms = arms_of(world, plan, day, rows)
        gain = world.response[day.cluster, arms].sum()
        return costs_of(world, day, rows, arms).sum(), gain

    below = bisect_right(range(N_PLANS - 1), total, key=lambda plan: figures(plan)[0]) - 1
    (less, gain), (more, further) = figures(below), figures(below + 1)
    return gain + min((total - less) / (more - less), 1.0) * (further - gain)
