"""Upper hulls of the treatment arms and the budgeted allocation they give.

Without integrality the allocation problem is solved by the upper concave hull of the
points (cost, response) of every cluster: the edges of all hulls, taken in the order of their
slopes, are the cheapest way to buy response. This file computes those edges for all clusters at
once and walks along them, in whole units, until the budget is spent.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["HullPath", "cheapest_arms", "greedy_counts", "hull_path"]

# Keeps products with a slope finite when two costs differ by next to nothing.
_STEEPEST = 1e200


class HullPath(NamedTuple):
    """Hull edges of all clusters in decreasing order of slope.

    The total response as a function of the total cost, `LP value function`, is piecewise linear
    through the points (`cost[i]`, `response[i]`); edge `i` joins point `i` to point `i + 1`.

    Attributes
    ----------
    start : (n_clusters,) array
        Cheapest treatment arm of every cluster, the best one of equally cheap arms.
    cluster, source, target : (n_edges,) arrays
        Edge `i` moves everyone in `cluster[i]` from arm `source[i]` to arm `target[i]`.
    slope : (n_edges,) array
        Response per unit of cost along the edge.
    cost, response : (n_edges + 1,) arrays
        Totals of cost and response before the first edge and after each one.
    """

    start: np.ndarray
    cluster: np.ndarray
    source: np.ndarray
    target: np.ndarray
    slope: np.ndarray
    cost: np.ndarray
    response: np.ndarray


def cheapest_arms(response, cost):
    """Cheapest arm of every cluster; of equally cheap arms, the one with the best response."""
    tied = cost == cost.min(axis=1, keepdims=True)
    return np.where(tied, response, -np.inf).argmax(axis=1)


def hull_path(response, cost, sizes):
    """Follow the linear relaxation from the cheapest allocation to the best one.

    From the cheapest arm of a cluster, the next vertex of its hull is the arm with the largest
    gain of response per unit of cost. All clusters take that step at once, so that the work
    grows with `n_clusters * n_arms` for every vertex of the longest hull.

    Parameters
    ----------
    response, cost : (n_clusters, n_arms) arrays
        Expected response and cost per individual; finite.
    sizes : (n_clusters,) array
        Number of individuals of each cluster.

    Returns
    -------
    path : HullPath
        The optimum of the linear relaxation for every total cost `c` is
        `np.interp(c, path.cost, path.response)`.

    Examples
    --------
    >>> import numpy as np
    >>> path = hull_path(np.array([[0.0, 3.0, 4.0]]), np.array([[0.0, 1.0, 2.0]]), np.array([10]))
    >>> path.cost.tolist(), path.response.tolist(), path.slope.tolist()
    ([0.0, 10.0, 20.0], [0.0, 30.0, 40.0], [3.0, 1.0])
    """
    start = cheapest_arms(response, cost)
    rows, here = np.arange(len(start)), start
    ceiling = np.full(len(start), _STEEPEST)
    steps = []
    for _ in range(cost.shape[1]):
        slope = _slopes(response[rows], cost[rows], here)
        target = slope.argmax(axis=1)
        # Rounding must not let a later edge of a cluster overtake an earlier one.
        slope = np.minimum(slope[np.arange(len(rows)), target], ceiling)
        steps.append([array[slope > 0] for array in (rows, here, target, slope)])
        rows, _, here, ceiling = steps[-1]
    cluster, source, target, slope = (np.concatenate(parts) for parts in zip(*steps))
    order = np.argsort(-slope, kind="stable")
    cluster, source, target, slope = (a[order] for a in (cluster, source, target, slope))

    def totals(value):
        first = np.sum(sizes * value[np.arange(len(start)), start])
        edges = sizes[cluster] * (value[cluster, target] - value[cluster, source])
        return np.cumsum(np.concatenate([[first], edges]))

    return HullPath(start, cluster, source, target, slope, totals(cost), totals(response))


def _slopes(response, cost, here):
    """Gain of response per unit of cost from arm `here`; 0 where not both of them rise."""
    at = np.arange(len(here)), here
    d_response, d_cost = response - response[at][:, None], cost - cost[at][:, None]
    rising = (d_response > 0) & (d_cost > 0)
    with np.errstate(over="ignore"):
        return np.divide(d_response, d_cost, out=np.zeros_like(cost), where=rising)


@np.errstate(over="ignore")
def greedy_counts(path, cost, sizes, limit):
    """Buy whole units along the hull while the total cost stays within `limit`.

    The edges before the budget is spent are taken in full and the next one as far as whole
    units allow; what is left over then buys units on later edges where it suffices.

    Parameters
    ----------
    path : HullPath
        Edges for `cost` and `sizes`.
    cost : (n_clusters, n_arms) array
        Cost per unit.
    sizes : (n_clusters,) array of int
        Number of units of each cluster.
    limit : float
        Largest total cost; at least that of the cheapest allocation.

    Returns
    -------
    counts : (n_clusters, n_arms) array of int
        Units of every cluster in every arm.
    """
    here = path.start.copy()
    counts = np.zeros(cost.shape, dtype=np.int64)
    counts[np.arange(len(here)), here] = sizes
    done = np.searchsorted(path.cost[1:], limit, side="right")
    _move(counts, here, path.cluster[:done], path.target[:done], sizes[path.cluster[:done]])
    cluster, target, left = path.cluster[done:], path.target[done:], limit - path.cost[done]
    while True:
        price = cost[cluster, target] - cost[cluster, here[cluster]]
        fits = (price > 0) & (price <= left)
        # Later edges of a cluster wait until its first one that fits has been taken.
        cluster, target, price = cluster[fits], target[fits], price[fits]
        if not len(cluster):
            return counts
        first = np.sort(np.unique(cluster, return_index=True)[1])
        k, arm, price = cluster[first], target[first], price[first]
        room = counts[k, here[k]]
        before = np.cumsum(price * room) - price * room
        units = np.clip((left - before) // price, 0, room).astype(np.int64)
        last = np.argmax(units < room) + 1 if np.any(units < room) else len(units)
        _move(counts, here, k[:last], arm[:last], units[:last])
        left -= np.sum(price[:last] * units[:last])


def _move(counts, here, cluster, target, units):
    """Move units of each cluster to `target`; an arm left empty hands its place over."""
    # The last edge of a cluster wins where several of them are taken in full.
    position = np.full(len(here), -1)
    position[cluster] = np.arange(len(cluster))
    k = np.flatnonzero(position >= 0)
    last = position[k]
    counts[k, here[k]] -= units[last]
    counts[k, target[last]] += units[last]
    emptied = counts[k, here[k]] == 0
    here[k[emptied]] = target[last][emptied]
