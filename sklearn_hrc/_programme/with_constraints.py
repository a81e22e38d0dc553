"""Allocation under several linear rules, and a convex one.

With one budget constraint the programme has a shape of its own (`one_budget`). With
more constraints, the linear relaxation is solved first. Its dual prices give a bound
and the loss of every arm against the best one of its cluster. Arms that lose
more than the gap between the bound and the best allocation so far drop out,
and the core that is left goes to CBC.
"""

import time
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from sklearn_hrc._programme.constraints import are_kept, scale_constraints
from sklearn_hrc._programme.diffusion import near_relaxation
from sklearn_hrc._programme.enumeration import unit_limits
from sklearn_hrc._programme.exhaustive import search_moves
from sklearn_hrc._programme.one_budget import units_and_sizes
from sklearn_hrc._programme.relaxation import Infeasible, is_long, relax
from sklearn_hrc._programme.solution import Solution
from sklearn_hrc._programme.solver import CONSTRAINT_TOLERANCE, ask_solver

__all__ = ["Core", "search_core", "solve_constrained", "to_core"]

# Loss against the bound, as a share of what is at stake, that counts as none.
_GAP = 1e-7
# Arms beside the best ones that the first core holds, by how much a core grows, and the most
# that it holds: to build a larger one for the solver takes longer than any time limit.
_CORE, _GROWTH, _MOST = 200, 4, 20_000


class Core(NamedTuple):
    """The programme in units: individuals, or whole clusters."""

    gain: np.ndarray  # (n_clusters, n_arms) value of a unit
    loss: np.ndarray  # (n_clusters, n_arms) of a unit against the best arm, at the prices
    units: np.ndarray  # (n_clusters,)
    per_unit: np.ndarray  # (n_clusters, 1) individuals of a unit
    stake: float  # difference between the largest and the smallest value
    accepted: float  # gap that counts as none


def solve_constrained(value, sizes, constraints, *, split_clusters=True, time_limit=10.0):
    """Allocate individuals to arms for the largest value within linear rules.

    Parameters
    ----------
    value : ndarray of shape (n_clusters, n_arms)
        Value per individual.
    sizes : ndarray of shape (n_clusters,), int
        Individuals of each cluster.
    constraints : LinearConstraints
        Linear rules. May be empty.
    split_clusters : bool or ndarray of shape (n_clusters,), int, default=True
        Whether the individuals of a cluster may receive different arms, or its number of units.
    time_limit : float, default=10.0
        Seconds.

    Returns
    -------
    solution : Solution
        Feasible, and proven optimal unless `proven` is false.

    Raises
    ------
    Infeasible
        If no allocation keeps the rules, or none was found in time.
    """
    deadline = time.monotonic() + time_limit
    price = relax(value, sizes, constraints).price
    core, bound = to_core(value, sizes, constraints, price, split_clusters, _GAP)
    start = None
    if is_long(len(sizes), len(constraints.limit)):
        start = near_relaxation(value, sizes, constraints, core.units, core.per_unit)
    return search_core(core, bound, constraints, price, deadline, start)


def to_core(value, sizes, constraints, price, split_clusters, tolerance):
    """State the programme in units, and bound its value by prices of its constraints.

    Parameters
    ----------
    value, sizes, constraints, split_clusters
        As in `solve_constrained`.
    price : ndarray of shape (n_constraints,)
        Not negative. The bound holds for any.
    tolerance : float
        Gap, as a share of what is at stake, that counts as none.

    Returns
    -------
    core : Core
        Units, their values and losses.
    bound : float
        No allocation within the constraints has a larger value.
    """
    units, per_unit = units_and_sizes(sizes, split_clusters)
    per_unit = per_unit[:, None]
    gain = value * per_unit
    prices = (price @ constraints.matrix).reshape(gain.shape) * per_unit
    worth = gain - prices
    bound = float(units @ worth.max(axis=1) + price @ constraints.limit)
    stake = float(units @ np.ptp(gain, axis=1)) or 1.0
    loss = worth.max(axis=1, keepdims=True) - worth
    return Core(gain, loss, units, per_unit, stake, tolerance * stake), bound


def search_core(core, bound, constraints, price, deadline, start=None):
    """Find the best whole counts within linear constraints.

    Parameters
    ----------
    core : Core
        The programme in units.
    bound : float
        Upper bound of the value.
    constraints : LinearConstraints
        Rules per individual.
    price : ndarray of shape (n_constraints,)
        Handed on to the solution.
    deadline : float
        On the clock of `time.monotonic`.
    start : ndarray of shape (n_clusters, n_arms), int, default=None
        Units within the constraints.

    Returns
    -------
    solution : Solution
        Best counts found.

    Raises
    ------
    Infeasible
        If there are none, or none was found in time.
    """
    columns = np.repeat(core.per_unit, core.gain.shape[1])
    constraints = constraints._replace(
        matrix=csr_array(constraints.matrix.multiply(columns[None, :]))
    )
    counts, bound, sure = _search(core, constraints, bound, deadline, start)
    if counts is None:
        raise Infeasible("whole" if sure else "time")
    total = float(np.sum(counts * core.gain))
    bound, proven = max(bound, total), bound - total <= core.accepted
    return Solution(counts * core.per_unit, total, bound, price, proven)


def _search(core, constraints, bound, deadline, start):
    """Solve cores until no arm outside can matter.

    Returns the best units, a bound that may be lower now, and whether nothing was cut short.
    """
    others, n_homes = np.sort(core.loss[core.units > 0], axis=None), (core.units > 0).sum()
    best, size = _one_arm_for_all(core, constraints), n_homes + _CORE
    if start is not None:
        best = start if best is None or np.sum((start - best) * core.gain) > 0 else best
    gap = np.inf if best is None else max(bound - float(np.sum(best * core.gain)), 0.0)
    while gap > core.accepted:
        threshold = others[size - 1] if size < len(others) else np.inf
        threshold = min(threshold, gap)
        counts, sure = _solve_core(core, constraints, threshold, best, gap, deadline)
        if counts is not None and (total := float(np.sum(counts * core.gain))) > bound - gap:
            best, gap = counts, max(bound - total, 0.0)
        if gap <= core.accepted or threshold >= min(gap, others[-1]):
            break
        if time.monotonic() > deadline or size >= n_homes + _MOST:
            return best, bound, False
        size = min(size * _GROWTH, n_homes + _MOST)
    if gap <= core.accepted:
        return best, bound, True
    found, exhausted = _look_at_all(core, constraints, best, gap)
    if exhausted:
        return found, bound if found is None else float(np.sum(found * core.gain)), True
    if not sure or best is None:
        return best, bound, sure
    return *_loosened(core, constraints, best, bound, gap, deadline), True


def _one_arm_for_all(core, constraints):
    """The best of the allocations in which everybody gets the same arm; None if none is allowed.

    They keep many a rule that is hard for a solver, and are the answer if time is short.
    """
    order = np.argsort(-(core.units @ core.gain), kind="stable")
    for arm in order:
        counts = np.zeros(core.gain.shape, dtype=np.int64)
        counts[:, arm] = core.units
        if are_kept(counts, constraints).all():
            return counts
    return None


def _loosened(core, constraints, best, bound, gap, deadline):
    """Bound the value by constraints that are loosened as the first answer's were tightened.

    Between the two, an allocation may use a limit to the last digit. It is looked for where
    constraints are as they are.
    """
    for loosen in (CONSTRAINT_TOLERANCE, 0.0):
        counts, sure = _answer(core, constraints, -loosen, gap, best, gap, deadline)
        if counts is None or not sure:
            break
        total = float(np.sum(counts * core.gain))
        if loosen:
            bound = min(bound, total + core.accepted / 2)
        if are_kept(counts, constraints).all() and total > np.sum(best * core.gain):
            best = counts
        if bound - np.sum(best * core.gain) <= core.accepted:
            break
    return best, bound


def _look_at_all(core, constraints, best, gap):
    """Improve on the best units by exhaustive search, and whether it came to its end."""
    home = core.loss.argmin(axis=1)
    cluster, arm = _moves_below(core, gap)
    loss, units = core.loss[cluster, arm], core.units[cluster]
    change, left, _ = _in_moves(core, constraints, cluster, arm, home)
    # The rule itself is checked below.
    left = left + 1e-9
    most = unit_limits(loss, units, gap)
    found = search_moves(loss, most, cluster, units, change.toarray(), left, gap)
    if found is None:
        return best, False
    value = found @ (core.gain[cluster, arm] - core.gain[cluster, home[cluster]])
    floor = -np.inf
    if best is not None:
        start = core.gain[np.arange(len(home)), home] @ core.units
        floor = np.sum(best * core.gain) - start + 1e-12 * core.stake
    for moves in found[np.argsort(-value, kind="stable")][: np.sum(value > floor)]:
        counts = _after(core, cluster, arm, home, moves)
        if are_kept(counts, constraints).all():
            return counts, True
    return best, True


def _moves_below(core, threshold):
    """Clusters and arms of the moves away from the best arms that lose no more."""
    inside = (core.loss <= threshold) & (core.units > 0)[:, None]
    inside[np.arange(len(inside)), core.loss.argmin(axis=1)] = False
    return np.nonzero(inside)


def _after(core, cluster, arm, home, moves):
    """Units of every arm after moves away from the best arms."""
    counts = np.zeros(core.gain.shape, dtype=np.int64)
    counts[np.arange(len(home)), home] = core.units
    counts[cluster, arm] = moves
    np.subtract.at(counts, (cluster, home[cluster]), moves)
    return counts


def _solve_core(core, constraints, threshold, start, gap, deadline):
    """Units by CBC, with the arms within a threshold of loss, and whether it was sure.

    The solver is asked twice where need be: constraints tightened by more than the violation
    that it lets pass make its answer sure, but cut off what uses a limit to the last digit.
    """
    for tighten in (CONSTRAINT_TOLERANCE, 0.0):
        counts, sure = _answer(core, constraints, tighten, threshold, start, gap, deadline)
        if counts is not None and are_kept(counts, constraints).all():
            return counts, sure
    return None, sure


def _answer(core, constraints, tighten, threshold, start, gap, deadline):
    """Units by CBC, unchecked; None without an answer. And whether the answer is sure."""
    home = core.loss.argmin(axis=1)
    cluster, arm = _moves_below(core, threshold)
    # So scaled, CBC's smallest improvement of 1e-5 is far below what matters.
    unit = 1e4 / np.clip(gap, core.accepted, core.stake)
    harm = (core.gain[cluster, home[cluster]] - core.gain[cluster, arm]) * unit
    change, left, whole = _in_moves(core, constraints, cluster, arm, home)
    moves, sure = np.zeros(0, dtype=np.int64), True
    if len(cluster):
        tightened = change, left - np.where(whole, 0.0, tighten)
        first = None if start is None else start[cluster, arm]
        options = first, 0.5 * core.accepted * unit, max(deadline - time.monotonic(), 0.1)
        units = core.units[cluster]
        moves, sure = ask_solver(harm, units, cluster, units, tightened, *options)
    return None if moves is None else _after(core, cluster, arm, home, moves), sure


def _in_moves(core, constraints, cluster, arm, best):
    """Constraints on moves away from the best arms, scaled, and what is left for the moves."""
    n_clusters, n_arms = core.gain.shape
    matrix, limit, whole = constraints
    home = np.arange(n_clusters) * n_arms + best
    change, scale = scale_constraints(matrix[:, cluster * n_arms + arm] - matrix[:, home[cluster]])
    # Between two whole numbers no tolerance matters.
    limit = np.where(whole, np.floor(limit) + 0.5, limit)
    return change, (limit - matrix[:, home] @ core.units) / scale, whole
