"""Exact search among the few moves that may improve an allocation, in float64.

A solver's tolerances hide what happens at the edge of the budget. This dynamic
programme has no tolerances. Move by move, it keeps the partial sums of cost and loss
that can still end better than the best known moves, by a bound. When it ends, it has
proven that no better moves exist.
"""

import time
from typing import NamedTuple

import numpy as np

__all__ = ["Core", "enumerate_moves", "unit_limits"]

# Number of partial sums that may be kept in all. A stage takes half of the rest, but never less
# than the minimum. With this minimum the most promising sums go on beyond the total, by up to half.
_MAX_STATES = 2_000_000
_MIN_STATES = 1_000
# Number of partial sums that a slow machine follows in a second.
_STATES_PER_SECOND = 500_000


class Core(NamedTuple):
    """Moves of units away from the best arms at the shadow price, as flat arrays.

    The loss of a set of moves is its distance from the bound of the linear relaxation,
    `loss @ moves + price * (room - extra @ moves)`. The second term is for money that is left over.
    """

    cluster: np.ndarray
    arm: np.ndarray
    extra: np.ndarray  # cost per unit, of any sign
    loss: np.ndarray  # loss per unit, not negative
    limit: np.ndarray  # largest number of units that can be worth moving
    units: np.ndarray  # units of the cluster
    room: float  # budget that the best arms leave, of any sign
    grain: float  # difference in cost that is rounding
    price: float


def unit_limits(loss, units, gap):
    """Largest numbers of units, up to `units`, whose loss does not exceed `gap`."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        worth = np.where(loss > 0, np.floor(gap / loss), np.inf)
    return np.minimum(units, worth).astype(np.int64)


@np.errstate(over="ignore")
def enumerate_moves(core, best, gap, noise, deadline=None):
    """Improve on moves with a loss of `gap` by dynamic programming.

    Move by move, keep the partial sums (cost, loss) that can still end more than `noise` below
    the best loss so far. Moves with the least loss for the money that they shift come first. The
    later moves then balance the budget only at an ever higher loss, so few sums survive. If memory,
    or the time until the `deadline` of `time.monotonic`, does not suffice for all sums, the
    most promising sums go on.

    Returns
    -------
    best : array of int or None
        Better moves, or the given moves.
    gap : float
        Loss of these moves.
    complete : bool
        Whether all sums were followed to their end.
    """
    limit = unit_limits(core.loss, core.limit, gap)
    order = _stages(core, limit)
    sides = [_side(core, limit, order, sign) for sign in (1, -1)]
    ends = np.append(np.diff(core.cluster[order]) != 0, True)
    extra, loss, floor, used = np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(1, dtype=np.int64)
    trail, complete, spare = [], True, _MAX_STATES
    for stage, move in enumerate(order):
        curves = _curves(sides, stage)
        most = np.minimum(
            unit_limits(core.loss[move], limit[move], gap - loss), core.units[move] - used
        )
        least, width = _span(core, curves, move, core.room - extra, gap - loss, most)
        chosen = np.argsort(floor, kind="stable")
        chosen = chosen[np.cumsum(width[chosen]) <= _capacity(spare, deadline)]
        complete &= len(chosen) == len(floor)
        parent, times = _expand(chosen, least, width)
        # Each stage also costs a pass through all moves.
        spare -= len(parent) + len(order) // 20
        if not len(parent):
            break
        extra = extra[parent] + times * core.extra[move]
        loss = loss[parent] + times * core.loss[move]
        left = core.room - extra
        total = np.where(left >= 0, loss + core.price * left, np.inf)
        if total.min() < gap - noise:
            steps = [*trail, (parent, times)]
            best, gap = _trace(order, steps, total.argmin(), len(limit)), float(total.min())
        floor = loss + _rest(core, curves, left)
        keep = np.flatnonzero(floor < gap - noise)
        # Within a cluster a dominated sum may have more units left, so wait for the cluster's end.
        if ends[stage]:
            keep = keep[
                _undominated(extra[keep], loss[keep] - core.price * extra[keep], core.grain)
            ]
        extra, loss, floor = extra[keep], loss[keep], floor[keep]
        used = np.zeros_like(keep) if ends[stage] else used[parent[keep]] + times[keep]
        trail.append((parent[keep], times[keep]))
    return best, gap, complete


def _capacity(spare, deadline):
    """Partial sums that a stage may keep."""
    most = max(spare // 2, _MIN_STATES) if spare > -_MAX_STATES // 2 else 0
    if deadline is None:
        return most
    return min(most, (deadline - time.monotonic()) * _STATES_PER_SECOND)


def _span(core, curves, move, left, gap, most):
    """Least number of units that each sum can move, and the count of possible numbers."""
    (spend, _), (save, _) = curves
    bounds = [(left - spend[-1] - gap / core.price), (left + save[-1])]
    first, last = np.sort(np.array(bounds) / core.extra[move], axis=0)
    # One unit more on either side allows for rounding.
    least = np.clip(np.floor(first), 0, most + 1).astype(np.int64)
    last = np.clip(np.ceil(last), -1, most).astype(np.int64)
    return least, np.maximum(last - least + 1, 0)


def _expand(chosen, least, width):
    """Positions of the chosen sums, repeated for each number of units that a sum may move."""
    width = width[chosen]
    parent = np.repeat(chosen, width)
    return parent, np.arange(len(parent)) - np.repeat(np.cumsum(width) - width, width) + least[
        parent
    ]


def _stages(core, limit):
    """Moves of at least one unit, in the order of their cluster's least loss per money."""
    move = np.flatnonzero(limit > 0)
    rate = core.loss[move] / np.abs(core.extra[move])
    least = np.full(core.cluster.max(initial=0) + 1, np.inf)
    np.minimum.at(least, core.cluster[move], rate)
    return move[np.lexsort((core.cluster[move], least[core.cluster[move]]))]


def _side(core, limit, order, sign):
    """Stage, money and loss of moves that spend (1) or save (-1), the lowest rate first."""
    stage = np.flatnonzero(sign * core.extra[order] > 0)
    move = order[stage]
    money, loss = np.abs(core.extra[move]) * limit[move], core.loss[move] * limit[move]
    rank = np.argsort(loss / money, kind="stable")
    return stage[rank], money[rank], loss[rank]


def _curves(sides, stage):
    """Cumulated money and loss of the moves after `stage` that spend, and of those that save."""
    return [
        [np.cumsum(np.append(0.0, values[at > stage])) for values in (money, loss)]
        for at, money, loss in sides
    ]


def _rest(core, curves, left):
    """Lower bound of the loss that later moves, possibly fractional, and unspent money add.

    A move that spends loses less than unspent money does, since arms that cost more and give less
    are dominated.
    """
    (spend, spend_loss), (save, save_loss) = curves
    over = np.maximum(left - spend[-1], 0.0)
    surplus = np.interp(left, spend, spend_loss) + core.price * over
    deficit = np.interp(-left, save, save_loss, right=np.inf)
    return np.where(left >= 0, surplus, deficit)


def _undominated(extra, loss, grain):
    """Positions of the sums that no other sum beats in both cost and loss."""
    order = np.lexsort((loss, np.rint(extra / grain)))
    lowest = np.minimum.accumulate(loss[order])
    return order[np.append(True, loss[order][1:] < lowest[:-1])[: len(order)]]


def _trace(order, trail, state, n_moves):
    """Trace back the moves that led to a state of the last stage in the trail."""
    moves = np.zeros(n_moves, dtype=np.int64)
    for move, (parent, times) in zip(order[: len(trail)][::-1], trail[::-1]):
        moves[move] = times[state]
        state = parent[state]
    return moves
