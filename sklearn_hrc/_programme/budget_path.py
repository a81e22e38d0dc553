"""Allocations along the hulls: whole units at one budget, or the relaxation at many budgets."""

from typing import NamedTuple

import numpy as np

__all__ = ["PathAllocation", "greedy_counts", "path_allocation", "path_shares"]

# Edges on which leftover money may be spent. Later edges are far below the shadow price.
_LOOK_AHEAD = 65_536


class PathAllocation(NamedTuple):
    """Allocations of the linear relaxation at several budgets.

    At budget `i` everyone in cluster `k` gets arm `arms[i, k]`, except for the share `share[i]` of
    cluster `cluster[i]`, which gets arm `target[i]`.

    Attributes
    ----------
    arms : (n_budgets, n_clusters) array
        Arm of each cluster.
    cluster, target : (n_budgets,) arrays
        Split cluster and its second arm, or -1 if no cluster is split.
    share : (n_budgets,) array
        Share of the split cluster in [0, 1) that gets its second arm.
    """

    arms: np.ndarray
    cluster: np.ndarray
    target: np.ndarray
    share: np.ndarray


def path_allocation(path, totals):
    """Allocate at many budgets along one path, and walk each of its steps once.

    Parameters
    ----------
    path : HullPath
        Edges of `hull_path`.
    totals : (n_budgets,) array
        Total costs, at least that of the cheapest allocation, in any order.

    Returns
    -------
    allocation : PathAllocation
        Allocation with the largest response for each total. At most one cluster is split.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hrc._programme.hull import hull_path
    >>> path = hull_path(np.array([[0.0, 3.0, 4.0]]), np.array([[0.0, 1.0, 2.0]]), np.array([10]))
    >>> allocation = path_allocation(path, [0, 5, 18, 99])
    >>> allocation.arms.ravel().tolist(), allocation.target.tolist()
    ([0, 0, 1, 2], [-1, 1, 2, -1])
    >>> allocation.share.tolist()
    [0.0, 0.5, 0.8, 0.0]
    """
    totals = np.asarray(totals, dtype=np.float64)
    if not np.all(totals >= path.cost[0]):
        raise ValueError(f"totals are expected to be at least {path.cost[0]}, got {totals.min()}")
    done = np.searchsorted(path.cost[1:], totals, side="right")
    arms = np.empty((len(totals), len(path.start)), dtype=path.target.dtype)
    here, before = path.start.astype(arms.dtype), 0
    # Budgets in rising order follow every edge once.
    for place in np.argsort(done, kind="stable"):
        _follow(path, here, before, done[place])
        arms[place], before = here, done[place]
    inside = np.flatnonzero(done < len(path.slope))
    edge = done[inside]
    cluster, target = np.full((2, len(totals)), -1)
    share = np.zeros(len(totals))
    share[inside] = (totals[inside] - path.cost[edge]) / (path.cost[edge + 1] - path.cost[edge])
    split = share[inside] > 0
    cluster[inside[split]] = path.cluster[edge[split]]
    target[inside[split]] = path.target[edge[split]]
    return PathAllocation(arms, cluster, target, share)


def path_shares(allocation, n_arms):
    """Return shares of the clusters by arm, of shape (n_budgets, n_clusters, n_arms)."""
    shares = (allocation.arms[..., None] == np.arange(n_arms)).astype(np.float64)
    split = np.flatnonzero(allocation.cluster >= 0)
    cluster, share = allocation.cluster[split], allocation.share[split]
    shares[split, cluster, allocation.arms[split, cluster]] -= share
    shares[split, cluster, allocation.target[split]] += share
    return shares


def _follow(path, here, first, last):
    """Move clusters along edges `first` to `last`, where the last edge of a cluster counts."""
    here[path.cluster[first:last]] = path.target[first:last]


@np.errstate(over="ignore")
def greedy_counts(path, cost, sizes, limit):
    """Buy whole units along the hull while the total cost stays within `limit`.

    The edges that the budget pays for in full come first. The next edge is taken as far as whole
    units allow. Money that is left over then buys units on later edges.

    Parameters
    ----------
    path : HullPath
        Edges for `cost` and `sizes`.
    cost : (n_clusters, n_arms) array
        Cost per unit.
    sizes : (n_clusters,) array of int
        Number of units of each cluster.
    limit : float
        Largest total cost, at least that of the cheapest allocation.

    Returns
    -------
    counts : (n_clusters, n_arms) array of int
        Units of every cluster in every arm.
    """
    here = path.start.copy()
    counts = np.zeros(cost.shape, dtype=np.int64)
    done = np.searchsorted(path.cost[1:], limit, side="right")
    _follow(path, here, 0, done)
    counts[np.arange(len(here)), here] = sizes
    later = slice(done, done + _LOOK_AHEAD)
    cluster, target, left = path.cluster[later], path.target[later], limit - path.cost[done]
    while True:
        price = cost[cluster, target] - cost[cluster, here[cluster]]
        fits = (price > 0) & (price <= left)
        # Later edges of a cluster wait until its first edge that fits has been taken.
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
    """Move units of distinct clusters to `target`, which replaces an arm that is left empty."""
    counts[cluster, here[cluster]] -= units
    counts[cluster, target] += units
    emptied = counts[cluster, here[cluster]] == 0
    here[cluster[emptied]] = target[emptied]
