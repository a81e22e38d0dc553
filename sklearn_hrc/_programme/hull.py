"""Upper hulls of the arms of all clusters, in the order in which a budget buys their edges.

Without integrality the upper concave hulls of the points (cost, response) of all clusters
solve the allocation problem. The edges of all hulls, in decreasing order of slope, are the
cheapest way to buy response.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["HullPath", "cheapest_arms", "hull_path"]

# Largest slope. It keeps products with a slope finite when two costs are nearly equal.
_STEEPEST = 1e200
# Numbers in a block of clusters, so that intermediate results stay in the cache.
_BLOCK = 80_000


class HullPath(NamedTuple):
    """Hull edges of all clusters in decreasing order of slope.

    The total response as a function of the total cost, `LP value function`, is piecewise linear
    through the points (`cost[i]`, `response[i]`). Edge `i` joins point `i` to point `i + 1`.

    Attributes
    ----------
    start : (n_clusters,) array
        Cheapest arm of every cluster, the best one of equally cheap arms.
    cluster, target : (n_edges,) arrays
        Edge `i` moves everyone in `cluster[i]` to arm `target[i]`, from the target of the
        previous edge of the cluster or from its start.
    slope : (n_edges,) array
        Response per unit of cost along the edge. It falls from edge to edge of a cluster.
    cost, response : (n_edges + 1,) arrays
        Totals of cost and response before the first edge and after each edge.
    """

    start: np.ndarray
    cluster: np.ndarray
    target: np.ndarray
    slope: np.ndarray
    cost: np.ndarray
    response: np.ndarray


def cheapest_arms(response, cost):
    """Cheapest arm of every cluster, the one with the best response of equally cheap arms."""
    tied = cost == cost.min(axis=1, keepdims=True)
    return np.where(tied, response, -np.inf).argmax(axis=1)


def hull_path(response, cost, sizes):
    """Follow the linear relaxation from the cheapest allocation to the best one.

    Parameters
    ----------
    response, cost : (n_clusters, n_arms) arrays
        Finite expected response and cost per individual.
    sizes : (n_clusters,) array
        Number of individuals of each cluster.

    Returns
    -------
    path : HullPath
        Path on which `np.interp(c, path.cost, path.response)` is the optimum of the linear
        relaxation for every total cost `c`.

    Examples
    --------
    >>> import numpy as np
    >>> path = hull_path(np.array([[0.0, 3.0, 4.0]]), np.array([[0.0, 1.0, 2.0]]), np.array([10]))
    >>> path.cost.tolist(), path.response.tolist(), path.slope.tolist()
    ([0.0, 10.0, 20.0], [0.0, 30.0, 40.0], [3.0, 1.0])
    """
    n_clusters, n_arms = cost.shape
    n_rows = max(_BLOCK // n_arms, 1)
    starts, totals, steps = [], np.zeros(2), []
    for first in range(0, n_clusters, n_rows):
        rows = slice(first, first + n_rows)
        start, total, block = _block_edges(response[rows], cost[rows], sizes[rows], first)
        starts.append(start)
        totals += total
        steps += block
    cluster, target, slope, d_cost, d_response = map(np.concatenate, zip(*steps))
    order, slope = _descending(slope)
    total_cost, total_response = (
        np.cumsum(np.append(total, edges[order]))
        for total, edges in zip(totals, (d_cost, d_response))
    )
    start = np.concatenate(starts)
    return HullPath(start, cluster[order], target[order], slope, total_cost, total_response)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def _block_edges(response, cost, sizes, first):
    """Starts of the clusters of a block, their total cost and response, and their edges.

    From the cheapest arm of a cluster, the next vertex of its hull is the arm with the largest
    gain of response per unit of cost. All clusters take this step at once. Arms are rows here, so
    that operations over clusters run through memory in order.
    """
    response, cost = np.ascontiguousarray(response.T), np.ascontiguousarray(cost.T)
    tied = np.where(cost == cost.min(axis=0), response, -np.inf)
    start, rows = _first(tied == tied.max(axis=0)), np.arange(cost.shape[1])
    at_cost, at_response = cost[start, rows], response[start, rows]
    total = np.sum(sizes * at_cost), np.sum(sizes * at_response)
    ceiling = np.full(len(start), _STEEPEST)
    steps = []
    for _ in range(len(cost)):
        d_cost = cost - at_cost
        # Equal costs give NaN, which fmax ignores.
        slopes = (response - at_response) / d_cost * (d_cost > 0)
        slope = np.fmax.reduce(slopes, axis=0)
        alive = np.flatnonzero(slope > 0)
        target = _first(slopes == slope)[alive]
        rows, slope, from_cost, from_response, ceiling, cost, response = (
            array.take(alive, axis=-1)
            for array in (rows, slope, at_cost, at_response, ceiling, cost, response)
        )
        places, n = np.arange(len(rows)), sizes[rows]
        at_cost, at_response = cost[target, places], response[target, places]
        # Rounding must not let a later edge of a cluster come before an earlier one.
        ceiling = np.minimum(slope, ceiling)
        steps.append(
            (
                (first + rows).astype(np.int32),
                target,
                ceiling,
                n * (at_cost - from_cost),
                n * (at_response - from_response),
            )
        )
        if not len(rows):
            break
    return start, total, steps


def _first(mask):
    """First true row of each column, in the smallest type of integers."""
    rank = np.arange(len(mask), 0, -1, dtype=np.min_scalar_type(-len(mask) - 1))
    return len(mask) - (mask * rank[:, None]).max(axis=0)


def _descending(slope):
    """Stable order of positive numbers, largest first, and the numbers in this order.

    Sorting numbers is several times faster than sorting indices. The leading bits of positive
    floats compare as the floats do. The trailing bits hold the position. Numbers that differ only
    in these trailing bits are sorted again.
    """
    n_bits = np.uint64(len(slope).bit_length())
    place = (np.uint64(1) << n_bits) - np.uint64(1)
    key = ~slope.view(np.uint64)
    key <<= np.uint64(1)
    key &= ~place
    key |= np.arange(len(key), dtype=np.uint64)
    key.sort()
    order = (key & place).view(np.int64)
    ordered = slope[order]
    if np.any(ordered[1:] > ordered[:-1]):
        key &= ~place
        mixed = np.append(False, key[1:] == key[:-1])
        mixed = np.flatnonzero(mixed | np.append(mixed[1:], False))
        part = order[mixed]
        order[mixed] = part[np.lexsort((part, -slope[part], key[mixed]))]
        ordered[mixed] = slope[order[mixed]]
    return order, ordered
