"""Allocation of individuals to treatment arms under a budget, as an integer programme.

The programme maximises the total response of integer counts under one budget constraint. It is a
multiple-choice knapsack. The hulls of the arms give a bound, a shadow price and a first
allocation. `search.py` searches for a better allocation and for the proof that there is none.
"""

import math
import time
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from sklearn_hrc._programme.hull import cheapest_arms
from sklearn_hrc._programme.search import TOLERANCE, Problem, search_units
from sklearn_hrc.exceptions import BudgetError

__all__ = ["Allocation", "cheapest_cost", "is_within_budget", "solve", "units_and_sizes"]

# Largest number of decimals with which costs are read as multiples of a unit.
_MAX_DIGITS = 6


class Allocation(NamedTuple):
    """Integer allocation of the individuals of every cluster to treatment arms.

    Attributes
    ----------
    counts : (n_clusters, n_arms) array of int64
        Individuals of every cluster in every arm. Rows sum to the sizes of the clusters.
    response, cost : float
        Expected totals.
    shadow_price : float
        Response per unit of cost in the linear relaxation, 0 if the budget does not bind.
    linear_bound : float
        Total response of the linear relaxation.
    bound : float
        Lowest upper bound of the total response that was proven. It equals the response if the
        allocation is optimal. Otherwise it is at most `linear_bound`, up to rounding.
    gap : float
        Possible loss `bound - response` as a share of the largest possible gain, which is `bound`
        less the response of the cheapest allocation. It is 0 if the allocation is optimal.
    """

    counts: np.ndarray
    response: float
    cost: float
    shadow_price: float
    linear_bound: float
    bound: float
    gap: float

    @property
    def status(self):
        """Status: "optimal" if no allocation gains more by 2e-12 of the gain, else "feasible"."""
        return "optimal" if self.bound == self.response else "feasible"


def cheapest_cost(cost, sizes):
    """Lowest total cost of any allocation."""
    return math.fsum(np.asarray(sizes) * np.min(cost, axis=1))


def is_within_budget(counts, cost, n_individuals, budget):
    """Whether an allocation keeps the budget, up to rounding in float64.

    The test is `sum(counts * cost) <= budget * n_individuals + 1e-12 * sum(abs(counts * cost))`
    with exact sums. Every allocation that is called within its budget has passed this test.
    """
    spent = (counts * cost)[counts > 0]
    total = moved = math.fsum(spent.tolist())
    if np.any(spent < 0):
        moved = math.fsum(np.abs(spent).tolist())
    return total <= float(budget) * n_individuals + TOLERANCE * moved


def units_and_sizes(sizes, split_clusters):
    """Return the number of units of each cluster, and the individuals of a unit.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster. Weighted rows may stand for fractions of individuals.
    split_clusters : bool or ndarray of shape (n_clusters,), int
        If True, every individual is a unit. If False, every cluster is a unit. An array has the
        number of equal units of each cluster.

    Returns
    -------
    units : ndarray of shape (n_clusters,), int
        Number of units, zero in an empty cluster. All of a unit get the same arm.
    per_unit : ndarray of shape (n_clusters,)
        Individuals of a unit, in the type of `sizes`.
    """
    if np.ndim(split_clusters):
        units = np.asarray(split_clusters)
    else:
        units = sizes if split_clusters else (sizes > 0).astype(np.int64)
    divisor = np.maximum(units, 1)
    return units, sizes // divisor if sizes.dtype.kind == "i" else sizes / divisor


def solve(response, cost, sizes, budget, *, split_clusters=True, time_limit=None):
    """Allocate individuals to arms for the largest response within a budget.

    The allocation is optimal at every size, to within 2e-12 of the gain from the budget, unless
    `status` is "feasible". Then a limit on time or memory ended the search. The allocation is then
    the best that was found, at least as good as the greedy walk along the hulls.

    Parameters
    ----------
    response, cost : (n_clusters, n_arms) arrays
        Expected response and cost per individual, of any sign and scale.
    sizes : (n_clusters,) array of int, or of float where units are given
        Number of individuals of each cluster. Clusters may be empty, but not all of them.
    budget : float
        Largest mean cost per individual.
    split_clusters : bool or (n_clusters,) array of int, default=True
        Whether the individuals of one cluster may receive different arms. An array has the number
        of equal units of each cluster. All individuals of a unit receive the same arm.
    time_limit : float, default=None
        Seconds after which the search ends. The walk along the hulls is always finished, and takes
        some tenths of a second for a million arms of clusters. With None, memory is limited and
        CBC gets a second. That is seconds in all for programmes whose optimum is hard to prove.

    Returns
    -------
    allocation : Allocation

    Raises
    ------
    BudgetError
        If no allocation is within the budget.

    Examples
    --------
    Ten individuals, two of whom can be moved to the dearer arm.

    >>> allocation = solve([[0.0, 3.0]], [[0.0, 1.0]], [10], budget=0.25)
    >>> allocation.counts.tolist(), allocation.response, allocation.status
    ([[8, 2]], 6.0, 'optimal')
    >>> round(allocation.linear_bound, 6), allocation.bound, allocation.gap
    (7.5, 6.0, 0.0)
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    response, cost = np.asarray(response, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    sizes, budget = np.asarray(sizes), float(budget)
    if sizes.dtype.kind != "f":
        sizes = sizes.astype(np.int64)
    _check(response, cost, sizes, budget, time_limit)
    units, per_unit = units_and_sizes(sizes, split_clusters)
    counts, start = np.zeros(cost.shape, dtype=sizes.dtype), cheapest_arms(response, cost)
    counts[np.arange(len(sizes)), start] = sizes
    total = sizes.sum().item()
    if not is_within_budget(counts, cost, total, budget):
        raise BudgetError(
            f"budget is expected to be at least {cheapest_cost(cost, sizes) / total}, the cost per "
            f"individual of the cheapest allocation, got {budget}."
        )
    cheapest, live, first = counts.copy(), np.flatnonzero(sizes), None
    if len(live) == len(sizes):
        live = slice(None)
    parts = sizes[live], units[live], per_unit[live]
    problem, exponents = _normalise(response[live], cost[live], parts, start[live], budget)
    # Where costs cancel, float sums are less exact than the test of the budget. So retry with ever
    # less room until the test passes.
    for kept in (1.0, *(1 - 10.0 ** np.arange(-15, 0)), 0.0):
        found = search_units(problem._replace(room=kept * problem.room), deadline)
        first = first or found
        counts[live] = found.counts * per_unit[live, None]
        if is_within_budget(counts, cost, total, budget):
            break
    else:
        counts = cheapest
    value, base = _total(counts, response), _total(cheapest, response)
    with np.errstate(over="ignore"):
        linear, bound = base + np.ldexp([first.linear_bound, first.bound], exponents[0])
        price = float(np.ldexp(first.price, exponents[0] - exponents[1]))
    optimal = found.optimal and kept > 1 - TOLERANCE
    bound = value if optimal else max(value, float(bound))
    gap = 0.0 if bound == value else (bound - value) / (bound - base)
    return Allocation(
        counts, value, _total(counts, cost), price, max(value, float(linear)), bound, gap
    )


def _total(counts, value):
    """Exact sum of `counts * value`."""
    return math.fsum((counts * value)[counts > 0].tolist())


def _check(response, cost, sizes, budget, time_limit):
    """Refuse numbers that are not finite, since the solver would take them for no limit."""
    for name, value in (("response", response), ("cost", cost), ("budget", budget)):
        if not np.all(np.isfinite(value)):
            raise ValueError(f"{name} must be finite")
    if not np.any(sizes):
        raise ValueError("sizes must hold at least one individual")
    if time_limit is not None and not time_limit >= 0:
        raise ValueError(f"time_limit is expected to be None or at least 0, got {time_limit}")


def _normalise(response, cost, parts, start, budget):
    """State the problem relative to its cheapest allocation, scaled by powers of two."""
    sizes, units, per_unit = parts
    per_unit = per_unit[:, None]
    start = np.arange(len(sizes)), start
    # The tolerance of the budget is linear in the counts, so it is subtracted from the costs.
    # A hundredth of the tolerance is held back for the rounding of the sums.
    forgiven = 0.99 * TOLERANCE * np.abs(cost)
    charged = cost - forgiven
    least = (-sizes * charged[start]).tolist()
    room = math.fsum([budget * sizes.sum().item(), *least])
    gain = per_unit * (response - response[start][:, None])
    extra = per_unit * (charged - charged[start][:, None])
    # Clip the money and the harm of arms, so that numbers stay moderate. The optimum stays the
    # same: no allocation spends more, and an arm that costs more and harms is never chosen.
    room = min(max(room, 0.0), 2 * float(np.sum(units * extra.max(axis=1))))
    usable = room
    most = _largest_spend(cost, sizes, per_unit, start, budget)
    if most is not None:
        usable = max(0.0, min(room, math.fsum([most, -0.98 * TOLERANCE * abs(most), *least])))
    gain = np.maximum(gain, -(gain.max() or 1.0))
    exponents = [int(np.frexp(value.max())[1]) for value in (gain, extra)]
    gain, extra, forgiven, room, usable = (
        np.ldexp(value, -exponent)
        for value, exponent in zip(
            (gain, extra, per_unit * forgiven, room, usable), exponents[:1] + 4 * exponents[1:]
        )
    )
    return Problem(gain, extra, forgiven, units, float(room), float(usable)), exponents


def _largest_spend(cost, sizes, per_unit, start, budget):
    """Largest cost within the budget if all costs are multiples of a unit, else None.

    Costs that are decimals of few digits, such as prices in cents, are such multiples. The cost of
    an allocation beyond the cheapest allocation is then a multiple of the greatest common divisor.
    The result is also None if no allocation is over the budget.
    """
    if sizes.dtype.kind == "f":
        return None
    for scale in (10**digits for digits in range(_MAX_DIGITS + 1)):
        if all(np.all(np.rint(part * scale) / scale == part) for part in (cost[:9], cost)):
            break
    else:
        return None
    whole, total = np.rint(cost * scale), int(sizes.sum())
    # Larger totals are not exact in float64.
    if np.abs(whole).max() * total >= 2**53:
        return None
    whole = whole.astype(np.int64)
    steps = (whole - whole[start][:, None]) * per_unit
    step = int(np.gcd.reduce(steps, axis=None))
    if not step:
        return None
    least, moved = int(sizes @ whole[start]), int(sizes @ np.abs(whole).max(axis=1))
    limit = Fraction(budget) * total * scale + Fraction(1.01 * TOLERANCE) * moved
    if limit >= moved:
        return None
    return float(Fraction(least + max(math.floor((limit - least) / step), 0) * step, scale))
