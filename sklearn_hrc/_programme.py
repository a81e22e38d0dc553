"""Allocation of individuals to treatment arms under a budget, as an integer programme.

The programme maximises the total response of integer counts subject to one budget row, a
multiple-choice knapsack. The hulls of the arms give a bound, a shadow price and a first
allocation. At that price most arms lose more than the gap between the two and drop out; the
core that is left goes to CBC, and an enumeration in float64 settles what CBC's tolerances hide.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from sklearn_hrc._enumeration import Core, enumerate_moves, unit_limits
from sklearn_hrc._hull import cheapest_arms, greedy_counts, hull_path
from sklearn_hrc.exceptions import BudgetError

__all__ = ["Allocation", "cheapest_cost", "is_within_budget", "solve"]

# Share of the money moved by which rounding may take an allocation over its budget.
_TOLERANCE = 1e-12
# Twice the violation of a row that CBC lets pass.
_ROW_TOLERANCE = 2e-6
# Gap, as a share of the gain, below which the enumeration alone is faster than CBC.
_NARROW_GAP = 1e-5
# The enumeration goes on from CBC's best answer: more time here rarely pays.
_MAX_SECONDS = 1


class Allocation(NamedTuple):
    """Integer allocation of the individuals of every cluster to treatment arms.

    Attributes
    ----------
    counts : (n_clusters, n_arms) array of int64
        Individuals of every cluster in every arm; rows sum to the sizes of the clusters.
    response, cost : float
        Expected totals.
    shadow_price : float
        Response per unit of cost in the linear relaxation; 0 where the budget does not bind.
    bound : float
        Upper bound of the total response, from the linear relaxation.
    proven : bool
        Whether it is proven that no allocation within the budget has a larger response.
    """

    counts: np.ndarray
    response: float
    cost: float
    shadow_price: float
    bound: float
    proven: bool


class _Problem(NamedTuple):
    """Allocation of units relative to the cheapest allocation, in numbers of moderate size.

    A unit is an individual, or a whole cluster where clusters must not be split.
    """

    gain: np.ndarray  # (n_clusters, n_arms) response per unit above the cheapest arm
    extra: np.ndarray  # (n_clusters, n_arms) cost per unit above the cheapest arm
    forgiven: np.ndarray  # (n_clusters, n_arms) tolerance of the budget that extra makes use of
    units: np.ndarray  # (n_clusters,) units to allocate
    room: float  # budget above the cheapest allocation


def cheapest_cost(cost, sizes):
    """Lowest total cost of any allocation."""
    return math.fsum(np.asarray(sizes) * np.min(cost, axis=1))


def is_within_budget(counts, cost, n_individuals, budget):
    """Whether an allocation keeps the budget, up to rounding in float64.

    The rule is `sum(counts * cost) <= budget * n_individuals + 1e-12 * sum(abs(counts * cost))`
    with exact sums. Whatever is said to be within its budget has passed it.
    """
    spent = (counts * cost)[counts > 0]
    tolerance = _TOLERANCE * math.fsum(np.abs(spent))
    return math.fsum(spent) <= float(budget) * int(n_individuals) + tolerance


def solve(response, cost, sizes, budget, *, split_clusters=True):
    """Allocate individuals to arms for the largest response within a budget.

    The allocation is optimal, to within 2e-12 of what the budget gains, at every size, unless
    `proven` is false: then a limit on time or memory ended the search, and the allocation is the
    best that was seen, at least as good as the greedy walk along the hulls.

    Parameters
    ----------
    response, cost : (n_clusters, n_arms) arrays
        Expected response and cost per individual, of any sign and scale.
    sizes : (n_clusters,) array of int
        Number of individuals of each cluster; clusters may be empty, but not all of them.
    budget : float
        Largest mean cost per individual.
    split_clusters : bool, default=True
        Whether the individuals of one cluster may receive different arms.

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
    >>> allocation.counts.tolist(), allocation.response, round(allocation.bound, 6)
    ([[8, 2]], 6.0, 7.5)
    """
    response, cost = np.asarray(response, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    sizes, budget = np.asarray(sizes, dtype=np.int64), float(budget)
    _check(response, cost, sizes, budget)
    counts = np.zeros(cost.shape, dtype=np.int64)
    counts[np.arange(len(sizes)), cheapest_arms(response, cost)] = sizes
    total = int(sizes.sum())
    if not is_within_budget(counts, cost, total, budget):
        raise BudgetError(
            f"budget is expected to be at least {cheapest_cost(cost, sizes) / total}, the cost per "
            f"individual of the cheapest allocation, got {budget}."
        )
    cheapest, live, relaxation = counts.copy(), sizes > 0, None
    problem, exponents = _normalise(
        response[live], cost[live], sizes[live], budget, split_clusters=split_clusters
    )
    # Where costs cancel, the sums are less exact than the rule: keep clear of the limit then.
    for kept in (1.0, *(1 - 10.0 ** np.arange(-15, 0)), 0.0):
        units, *found, proven = _solve_units(problem._replace(room=kept * problem.room))
        relaxation = relaxation or found
        counts[live] = units * (sizes[live] // problem.units)[:, None]
        if is_within_budget(counts, cost, total, budget):
            break
    else:
        counts = cheapest
    bound, price = relaxation
    with np.errstate(over="ignore"):
        bound = _total(cheapest, response) + float(np.ldexp(bound, exponents[0]))
        price = float(np.ldexp(price, exponents[0] - exponents[1]))
    value, proven = _total(counts, response), proven and kept > 1 - _TOLERANCE
    return Allocation(counts, value, _total(counts, cost), price, max(bound, value), proven)


def _total(counts, value):
    """Exact sum of `counts * value`."""
    return math.fsum((counts * value)[counts > 0])


def _check(response, cost, sizes, budget):
    """Refuse what is not finite: the solver would take it for no limit at all."""
    for name, value in (("response", response), ("cost", cost), ("budget", budget)):
        if not np.all(np.isfinite(value)):
            raise ValueError(f"{name} must be finite")
    if not np.any(sizes):
        raise ValueError("sizes must hold at least one individual")


def _normalise(response, cost, sizes, budget, *, split_clusters):
    """State the problem relative to its cheapest allocation, scaled by powers of two."""
    units = sizes if split_clusters else np.ones_like(sizes)
    per_unit = (sizes // units)[:, None]
    start = np.arange(len(sizes)), cheapest_arms(response, cost)
    # The tolerance of the budget is linear in the counts: what is forgiven comes off the costs.
    # A hundredth of it is held back for the rounding of the sums.
    forgiven = 0.99 * _TOLERANCE * np.abs(cost)
    charged = cost - forgiven
    room = math.fsum([budget * int(sizes.sum()), *(-sizes * charged[start])])
    gain = per_unit * (response - response[start][:, None])
    extra = per_unit * (charged - charged[start][:, None])
    # Neither more money than any allocation costs nor a larger harm changes the optimum.
    room = min(max(room, 0.0), 2 * float(np.sum(units * extra.max(axis=1))))
    gain = np.maximum(gain, -(gain.max() or 1.0))
    exponents = [int(np.frexp(value.max())[1]) for value in (gain, extra)]
    gain, extra, forgiven, room = (
        np.ldexp(value, -exponent)
        for value, exponent in zip(
            (gain, extra, per_unit * forgiven, room), exponents[:1] + 3 * exponents[1:]
        )
    )
    return _Problem(gain, extra, forgiven, units, float(room)), exponents


def _solve_units(problem):
    """Counts of units, bound of their gain, shadow price, and whether the counts are optimal."""
    gain, extra, forgiven, units, room = problem
    path = hull_path(gain, extra, units)
    counts = greedy_counts(path, extra, units, room)
    bound = float(np.interp(room, path.cost, path.response))
    edge = np.searchsorted(path.cost[1:], room, side="right")
    if edge == len(path.slope):
        return counts, bound, 0.0, True
    price = float(path.slope[edge])
    worth = gain - price * extra
    loss = worth.max(axis=1, keepdims=True) - worth
    of_arms, left = float(np.sum(counts * loss)), room - float(np.sum(counts * extra))
    noise = 2 * _TOLERANCE * bound
    # What only the tolerance of the budget would pay for need not be bought.
    if of_arms + price * max(left - float(np.sum(counts * forgiven)), 0.0) <= noise:
        return counts, bound, price, True
    gap = of_arms + price * max(left, 0.0)
    core = _core(problem, loss, price, gap + noise)
    moves, proven = _solve_core(core, counts[core.cluster, core.arm], gap, bound)
    if moves is not None:
        counts = _apply(core, moves, loss.argmin(axis=1), units, counts.shape)
    return counts, bound, price, proven


def _core(problem, loss, price, gap):
    """Moves that an allocation within `gap` of the bound can hold."""
    gain, extra, _, units, room = problem
    rows, best = np.arange(len(loss)), loss.argmin(axis=1)
    limit = unit_limits(loss, units[:, None], gap)
    keep = (limit > 0) & (extra <= room) & ~_dominated(gain, extra)
    keep[rows, best] = False
    cluster, arm = np.nonzero(keep)
    return Core(
        cluster=cluster,
        arm=arm,
        extra=extra[keep] - extra[rows, best][cluster],
        loss=loss[keep],
        limit=limit[keep],
        units=units[cluster],
        room=room - float(np.sum(units * extra[rows, best])),
        grain=max(1e-15 * room, 1e-300),
        price=price,
    )


def _dominated(gain, extra):
    """Arms that give no more than another arm of the cluster and cost no less."""
    dominated = np.zeros(gain.shape, dtype=bool)
    for arm in range(gain.shape[1]):
        g, e = gain[:, [arm]], extra[:, [arm]]
        twin = (gain == g) & (extra == e) & (np.arange(gain.shape[1]) <= arm)
        dominated |= (gain <= g) & (extra >= e) & ~twin
    return dominated


def _apply(core, moves, best, units, shape):
    """Counts of units after moves away from the best arms."""
    counts = np.zeros(shape, dtype=np.int64)
    counts[np.arange(len(units)), best] = units
    np.subtract.at(counts, (core.cluster, best[core.cluster]), moves)
    counts[core.cluster, core.arm] += moves
    return counts


def _solve_core(core, greedy, gap, bound):
    """Best moves with a loss below `gap`, None if there are none, and whether they are optimal.

    Where the gap is narrow, as it is with many individuals in clusters that may be split, the
    enumeration is done before CBC would have built its model; otherwise, or where the
    enumeration runs out of memory, CBC's answer narrows the gap first.
    """
    noise, best, narrow = 2 * _TOLERANCE * bound, None, gap <= _NARROW_GAP * bound
    if narrow:
        best, gap, complete = enumerate_moves(core, None, gap, noise)
        if complete:
            return best, True
    candidate = _solver_moves(core, greedy if best is None else best, gap)
    if candidate is not None and (loss := _loss(core, candidate)) < gap - noise:
        best, gap = candidate, loss
    elif narrow:
        return best, False
    best, _, complete = enumerate_moves(core, best, gap, noise)
    return best, complete


def _loss(core, moves):
    """Loss of moves; infinite where they break the budget or take more units than there are."""
    left = core.room - float(np.sum(core.extra * moves))
    taken = np.bincount(core.cluster, weights=moves)[core.cluster]
    if left < 0 or np.any(moves < 0) or np.any(taken > core.units):
        return np.inf
    return float(np.sum(core.loss * moves)) + core.price * left


def _solver_moves(core, start, gap):
    """Moves that CBC finds optimal; None if it has no answer.

    The objective, the response up to a constant, is scaled so that the gap is far above CBC's
    smallest improvement of 1e-5. The budget row is scaled by its largest coefficient and
    tightened by more than the violation that CBC lets pass, so that its answer is within the
    budget; a row without that slack also makes CBC call feasible programmes infeasible.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        harm = (core.loss - core.price * core.extra) * (1e4 / gap)
    if not len(harm) or not np.all(np.isfinite(harm)):
        return None
    import mip

    model = mip.Model(sense=mip.MINIMIZE, solver_name=mip.CBC)
    model.verbose, model.threads, model.seed = 0, 1, 1
    model.max_mip_gap = model.max_mip_gap_abs = 0.0
    moves = [
        model.add_var(var_type=mip.INTEGER, ub=limit, obj=value)
        for limit, value in zip(core.limit.tolist(), harm.tolist())
    ]
    unit = float(np.abs(core.extra).max())
    row = mip.LinExpr(moves, (core.extra / unit).tolist())
    model.add_constr(row <= core.room / unit - _ROW_TOLERANCE)
    edges = [0, *(np.flatnonzero(np.diff(core.cluster)) + 1).tolist(), len(moves)]
    for first, last in itertools.pairwise(edges):
        if core.limit[first:last].sum() > core.units[first]:
            row = mip.LinExpr(moves[first:last], [1.0] * (last - first))
            model.add_constr(row <= float(core.units[first]))
    model.start = list(zip(moves, start.astype(np.float64).tolist()))
    model.optimize(max_seconds=_MAX_SECONDS)
    if not model.num_solutions:
        return None
    return np.array([round(move.x) for move in moves], dtype=np.int64)
