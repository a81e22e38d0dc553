"""Random programmes, and their optima by enumeration and by another solver."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from sklearn_hrc._programme.one_budget import is_within_budget, solve
from sklearn_hrc.exceptions import BudgetError

KINDS = ("integer", "normal", "correlated", "equal", "cents", "offset")
EPSILONS = (0, 1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 2e-6, 1e-5, 1e-4)
EDGES = ("absolute", "relative", "ulp")


def count_vectors(size, n_arms, split):
    """All ways to give `size` individuals `n_arms` arms."""
    if not split:
        return size * np.eye(n_arms, dtype=int)
    if n_arms == 1:
        return np.array([[size]])
    return np.vstack(
        [
            np.insert(count_vectors(size - first, n_arms - 1, split), 0, first, axis=1)
            for first in range(size + 1)
        ]
    )


def enumerate_all(response, cost, sizes, split):
    """Response, cost and sum of absolute costs of every allocation."""
    totals = np.zeros((3, 1))
    for k, size in enumerate(sizes):
        options = count_vectors(int(size), cost.shape[1], split)
        own = np.stack([options @ response[k], options @ cost[k], options @ np.abs(cost[k])])
        totals = (totals[:, :, None] + own[:, None, :]).reshape(3, -1)
    return totals


def all_allocations(sizes, n_arms, split):
    """Every allocation, (n_allocations, n_clusters, n_arms)."""
    every = np.zeros((1, 0, n_arms), dtype=int)
    for size in sizes:
        options = count_vectors(int(size), n_arms, split)
        every = np.concatenate(
            [
                np.repeat(every, len(options), axis=0),
                np.tile(options, (len(every), 1))[:, None],
            ],
            axis=1,
        )
    return every


def excess(counts, cost, budget):
    """By how much the cost exceeds the budget and its tolerance, in exact arithmetic."""
    spent = [int(n) * Fraction(float(c)) for n, c in zip(counts.ravel(), cost.ravel())]
    tolerance = Fraction(1.001e-12) * sum(map(abs, spent))
    return sum(spent) - Fraction(float(budget)) * int(counts.sum()) - tolerance


def assert_sound(allocation, response, cost, sizes, budget, split):
    counts = allocation.counts
    assert counts.dtype == np.int64
    assert counts.min() >= 0
    np.testing.assert_array_equal(counts.sum(axis=1), sizes)
    assert split or np.all((counts == 0) | (counts == np.reshape(sizes, (-1, 1))))
    assert excess(counts, cost, budget) <= 0
    assert is_within_budget(counts, cost, int(np.sum(sizes)), budget)
    assert allocation.response == pytest.approx(np.sum(counts * response), rel=1e-9, abs=1e-300)
    assert allocation.cost == pytest.approx(np.sum(counts * cost), rel=1e-9, abs=1e-9)
    assert allocation.linear_bound >= allocation.response
    assert allocation.bound >= allocation.response
    assert allocation.shadow_price >= 0
    assert 0 <= allocation.gap <= 1
    assert (allocation.status == "optimal") == (allocation.gap == 0)


def judge(response, cost, sizes, budget, split):
    """Solve, and compare with all allocations: the allocation, if any, and what is wrong.

    Those at the very edge of the tolerance may go either way.
    """
    value, spent, moved = enumerate_all(response, cost, sizes, split)
    limit = budget * int(np.sum(sizes))
    inside, outside = (value[spent <= limit + t * moved] for t in (0.9e-12, 1.1e-12))
    try:
        allocation = solve(response, cost, sizes, budget, split_clusters=split)
    except BudgetError:
        return None, "false infeasible" if len(inside) else ""
    slack = 1e-9 * np.abs(value).max()
    if excess(allocation.counts, cost, budget) > 0:
        return allocation, "over budget"
    if allocation.status != "optimal":
        return allocation, "not proven"
    if len(inside) and allocation.response < inside.max() - slack:
        return allocation, "wrong optimum"
    return allocation, "" if allocation.response <= outside.max() + slack else "wrong response"


def assert_optimal(response, cost, sizes, budget, split):
    allocation, wrong = judge(response, cost, sizes, budget, split)
    assert not wrong
    if allocation is not None:
        assert_sound(allocation, response, cost, sizes, budget, split)


def random_programme(seed, n_clusters, n_arms, n_individuals):
    """Clusters of uneven sizes whose response is concave in the cost up to noise."""
    rng = np.random.default_rng(seed)
    share = rng.lognormal(0, 1, n_clusters)
    sizes = np.floor(share / share.sum() * n_individuals).astype(int)
    sizes[0] += n_individuals - sizes.sum()
    cost = np.sort(rng.gamma(2, 1, (n_clusters, n_arms)), axis=1)
    response = rng.gamma(2, 1, (n_clusters, 1)) * np.sqrt(cost)
    return response + rng.normal(0, 0.3, cost.shape), cost, sizes


def between(cost, sizes, share):
    """Budget that lies `share` of the way from the cheapest to the dearest allocation."""
    low, high = (sizes @ f(cost, axis=1) / sizes.sum() for f in (np.min, np.max))
    return low + share * (high - low)


def coefficients(kind, shape, rng):
    """Responses and costs: integer, decimal, equal, nearly equal, large or any."""
    if kind == "integer":
        response, cost = rng.integers(-5, 10, shape), rng.integers(-3, 8, shape)
    elif kind == "normal":
        response, cost = rng.normal(size=shape), rng.normal(size=shape)
    elif kind == "correlated":
        cost = 10 * rng.random(shape)
        response = cost + 0.1 * rng.normal(size=shape)
    elif kind == "equal":
        cost = rng.integers(0, 100, shape) * 0.25
        response = cost + rng.integers(0, 2)
    elif kind == "cents":
        cost = np.round(20 * rng.random(shape), 2)
        response = np.sqrt(cost) * rng.random((shape[0], 1))
    else:
        cost, response = 1000 + rng.random(shape), 1e-3 * rng.random(shape)
    return response.astype(float), cost.astype(float)


def largest_size(split, n_arms):
    """Size up to which all allocations of a cluster can be enumerated."""
    return 3 if split and n_arms == 4 else 5 if split else 300


@st.composite
def programmes(draw):
    """Small programmes, whether clusters are split, and a generator for what else is random."""
    split = draw(st.booleans())
    n_clusters, n_arms = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    size = st.integers(0, largest_size(split, n_arms))
    sizes = np.array(draw(st.lists(size, min_size=n_clusters, max_size=n_clusters)))
    if not sizes.sum():
        sizes[0] = 1
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(KINDS))
    return *coefficients(kind, (n_clusters, n_arms), rng), sizes, split, rng


def random_small_programme(rng):
    """Like `programmes`, for those who go without hypothesis."""
    split, n_clusters, n_arms = bool(rng.integers(2)), *rng.integers(1, 5, 2).tolist()
    sizes = rng.integers(0, largest_size(split, n_arms) + 1, n_clusters)
    sizes[0] += not sizes.sum()
    return *coefficients(str(rng.choice(KINDS)), (n_clusters, n_arms), rng), sizes, split, rng


def knife_edge(programme, epsilon, kind):
    """Budget at or just under the cost of one of the allocations."""
    response, cost, sizes, split, rng = programme
    _, spent, _ = enumerate_all(response, cost, sizes, split)
    budget = float(rng.choice(spent)) / int(sizes.sum())
    if kind == "ulp":
        return math.nextafter(budget, -math.inf)
    return budget - epsilon * (1.0 if kind == "absolute" else abs(budget))


def milp_response(response, cost, sizes, budget, split):
    """Optimum of HiGHS, with its row tightened by more than the violation that it accepts."""
    n_arms = cost.shape[1]
    weight = np.ones_like(sizes) if split else np.maximum(sizes, 1)
    rows = np.kron(np.eye(len(sizes)), np.ones(n_arms))
    limit = (budget * sizes.sum()) - 1e-6 * np.abs(weight[:, None] * cost).max()
    result = milp(
        -(weight[:, None] * response).ravel(),
        integrality=np.ones(cost.size),
        bounds=Bounds(0, np.repeat(sizes if split else np.ones_like(sizes), n_arms)),
        constraints=[
            LinearConstraint(rows, sizes // weight, sizes // weight),
            LinearConstraint((weight[:, None] * cost).reshape(1, -1), ub=limit),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return -result.fun
