"""Search for the best allocation of units, and for the proof that there is no better one.

At the shadow price every arm has a loss against the best arm of its cluster. An allocation
stays below the bound of the linear relaxation by the losses of its units plus the worth of the
unspent money. The search enumerates allocations of ever larger losses until it finds one. Few
arms have losses so small, whatever the size of the programme. If memory does not suffice,
CBC looks for a better allocation among the arms that lose less than the best known allocation.
"""

import time
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from sklearn_hrc._programme.budget_path import greedy_counts
from sklearn_hrc._programme.enumeration import Core, enumerate_moves, unit_limits
from sklearn_hrc._programme.hull import hull_path
from sklearn_hrc._programme.solver import CONSTRAINT_TOLERANCE, ask_solver

__all__ = ["TOLERANCE", "Found", "Problem", "search_units"]

# Share of the money moved by which rounding may take an allocation over its budget.
TOLERANCE = 1e-12
# Number of moves in the first enumeration.
_FIRST_MOVES = 12
# Factor by which the largest loss grows from one enumeration to the next.
_GROWTH = 2.0
# Gap, as a share of the gain, that is so narrow that CBC's tolerances hide it.
_NARROW_GAP = 1e-9
# CBC's seconds without a time limit. More seconds rarely pay.
_SOLVER_SECONDS = 1.0
# Shares of the time left for an enumeration and for CBC. The last enumeration gets the rest.
_LEVEL_SHARE = 0.5
_SOLVER_SHARE = 0.8
# Moves per second of CBC's time above which CBC would find nothing.
_SOLVER_MOVES = 20_000


class Problem(NamedTuple):
    """Allocation of units relative to the cheapest allocation, in numbers of moderate size.

    A unit is an individual, or a whole cluster if clusters must not be split.
    """

    gain: np.ndarray  # (n_clusters, n_arms) response per unit above the cheapest arm
    extra: np.ndarray  # (n_clusters, n_arms) cost per unit above the cheapest arm
    forgiven: np.ndarray  # (n_clusters, n_arms) tolerance of the budget that extra makes use of
    units: np.ndarray  # (n_clusters,) units to allocate
    room: float  # budget above the cheapest allocation
    usable: float  # most of it that an allocation can use


class Found(NamedTuple):
    """Result of a search."""

    counts: np.ndarray  # (n_clusters, n_arms) units
    price: float  # response per unit of cost in the linear relaxation
    linear_bound: float  # its gain
    bound: float  # upper bound of the gain
    optimal: bool


def search_units(problem, deadline=None):
    """Find the best allocation of units, and bounds of its gain.

    Parameters
    ----------
    problem : Problem
    deadline : float, default=None
        Time of `time.monotonic` at which the search ends.

    Returns
    -------
    found : Found
    """
    gain, extra, forgiven, units, room, usable = problem
    path = hull_path(gain, extra, units)
    edge = np.searchsorted(path.cost[1:], room, side="right")
    linear = float(np.interp(room, path.cost, path.response))
    if edge == len(path.slope):
        return Found(greedy_counts(path, extra, units, room), 0.0, linear, linear, True)
    shadow_price, usable = float(path.slope[edge]), min(usable, room)
    counts = greedy_counts(path, extra, units, usable)
    price = float(path.slope[np.searchsorted(path.cost[1:], usable, side="right")])
    bound = float(np.interp(usable, path.cost, path.response))
    best, loss = _losses(gain, extra, price, counts)
    of_arms, left = float(np.sum(counts * loss)), usable - float(np.sum(counts * extra))
    noise = 2 * TOLERANCE * bound
    # Money that only the tolerance of the budget provides need not be spent.
    if of_arms + price * max(left - float(np.sum(counts * forgiven)), 0.0) <= noise:
        return Found(counts, shadow_price, linear, bound, True)
    gap = of_arms + price * max(left, 0.0)
    core = _core(problem._replace(usable=usable), best, loss, price, gap + noise)
    greedy = counts[core.cluster, core.arm]
    moves, floor = _search_core(core, greedy, gap, noise, _NARROW_GAP * bound, deadline)
    if moves is not None:
        counts = _apply(core, moves, best, units, counts.shape)
    return Found(counts, shadow_price, linear, bound - (floor or 0.0), floor is None)


def _losses(gain, extra, price, counts):
    """Best arm of every cluster at a shadow price, and the loss of each arm against it.

    Among arms that are equal up to rounding, the arm with most units counts as the best. So few
    units have to move from the given allocation.
    """
    worth = gain - price * extra
    loss = worth.max(axis=1, keepdims=True) - worth
    even = loss <= 1e-15 * (np.abs(gain) + np.abs(price * extra)).max(axis=1, keepdims=True)
    best = np.where(even, counts, -1).argmax(axis=1)
    loss[np.arange(len(best)), best] = 0.0
    return best, loss


def _core(problem, best, loss, price, gap):
    """Moves that an allocation within `gap` of the bound can contain."""
    gain, extra, units, usable = problem.gain, problem.extra, problem.units, problem.usable
    limit = unit_limits(loss, units[:, None], gap)
    keep = (limit > 0) & (extra <= usable)
    keep[np.arange(len(loss)), best] = False
    rows = np.flatnonzero(keep.any(axis=1))
    keep[rows] &= ~_dominated(gain[rows], extra[rows])
    cluster, arm = np.nonzero(keep)
    of_best = extra[np.arange(len(loss)), best]
    return Core(
        cluster=cluster,
        arm=arm,
        extra=extra[keep] - of_best[cluster],
        loss=loss[keep],
        limit=limit[keep],
        units=units[cluster],
        room=usable - float(np.sum(units * of_best)),
        grain=max(1e-15 * usable, 1e-300),
        price=price,
    )


def _dominated(gain, extra):
    """Arms that gain no more than another arm of the cluster and cost no less."""
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


def _search_core(core, greedy, gap, noise, narrow, deadline):
    """Best moves with a loss below `gap`, or None, and a floor of all losses.

    The floor is None once the returned moves (or the greedy moves, if None is returned) are proven
    optimal. If the gap is down to `narrow` without this proof, CBC is not asked.
    """
    least = np.sort(core.loss)[: _FIRST_MOVES + 1]
    level, floor = max(4 * noise, least.max(initial=0.0)), 0.0
    while True:
        level = min(level, gap)
        until = None if deadline is None else deadline - (1 - _LEVEL_SHARE) * _left(deadline)
        best, found, complete = enumerate_moves(core, None, level, noise, until)
        if complete and (best is not None or level == gap):
            return best, None
        if not complete:
            break
        # No allocation has a loss below an empty level, so the level lowers the bound of the gain.
        floor, level = level, _GROWTH * level
    gap = gap if best is None else found
    if gap - floor <= narrow:
        return best, floor if gap - floor > noise else None
    candidate = _solver_moves(core, greedy if best is None else best, gap, deadline)
    if candidate is not None and (loss := _loss(core, candidate)) < gap - noise:
        best, gap = candidate, loss
    best, gap, complete = enumerate_moves(core, best, gap, noise, deadline)
    return best, None if complete or gap - floor <= noise else floor


def _left(deadline):
    """Seconds until the deadline."""
    return max(deadline - time.monotonic(), 0.0)


def _loss(core, moves):
    """Loss of moves, infinite if they break the budget or move more units than there are."""
    left = core.room - float(np.sum(core.extra * moves))
    taken = np.bincount(core.cluster, weights=moves)[core.cluster]
    if left < 0 or np.any(moves < 0) or np.any(taken > core.units):
        return np.inf
    return float(np.sum(core.loss * moves)) + core.price * left


def _solver_moves(core, start, gap, deadline):
    """Moves that CBC finds optimal, or None if it has no answer.

    The objective, the response up to a constant, is scaled so that the gap is far above CBC's
    smallest improvement of 1e-5. The budget row is scaled by its largest coefficient. CBC accepts
    rows that are violated by 1e-6, so the row is tightened by more than that, and CBC's answer is
    within the budget. Without this slack CBC also calls feasible programmes infeasible.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        harm = (core.loss - core.price * core.extra) * (1e4 / gap)
    seconds = _SOLVER_SECONDS if deadline is None else _SOLVER_SHARE * _left(deadline)
    if not 0 < len(harm) < _SOLVER_MOVES * seconds or not np.all(np.isfinite(harm)):
        return None
    if deadline is not None:
        seconds = min(seconds, _left(deadline))
    unit = float(np.abs(core.extra).max())
    row = csr_array((core.extra / unit)[None, :])
    left = np.array([core.room / unit - CONSTRAINT_TOLERANCE])
    cluster, units = core.cluster, core.units
    return ask_solver(harm, core.limit, cluster, units, (row, left), start, 0.0, seconds)[0]
