"""Trees for all budgets: those on the upper hull of what trees give for what they cost."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sklearn_hrc.rivals._binned_scores import bin_scores, pair_sums
from sklearn_hrc.rivals._tree_search import Tree, arms_of_tree, grow_tree, screen

__all__ = ["TreePath", "grow_path", "one_leaf", "prices_of_arms"]

# Trees that are grown at most, and the part of the largest gain that further ones must promise.
MOST_TREES, LEAST_PROMISE = 24, 0.002
# Pairs of more features would take too long.
MOST_FEATURES = 30


class TreePath(NamedTuple):
    """Trees in the order of their costs. Further cost buys less and less response.

    Attributes
    ----------
    trees : list of Tree
        Trees.
    response, cost : ndarray of shape (n_trees,)
        What a tree gives and costs per individual, by the scores.
    """

    trees: list
    response: np.ndarray
    cost: np.ndarray


class _Point(NamedTuple):
    """A tree, and the price that it was grown for."""

    cost: float
    response: float
    price: float
    tree: Tree


def grow_path(X, response, cost, *, depth, min_leaf, n_bins):
    """Grow trees for prices until further ones promise little.

    The first tree is one leaf with the cheapest arm. The last one has no price of the cost. Between
    two trees that are neighbours on the hull, the price at which they are worth the same is
    tried next.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features.
    response, cost : ndarray of shape (n_samples, n_treatments)
        Scores of each row under every arm.
    depth : int
        Splits on the way to a leaf, at most.
    min_leaf : int
        Rows of a leaf, at least.
    n_bins : int
        Bins of a feature, at most.

    Returns
    -------
    path : TreePath
        Neighbours can be mixed, so a mixture is planned for a budget between them.
    """
    binned = bin_scores(X, response, cost, n_bins)
    means = response.mean(axis=0), cost.mean(axis=0)
    binned = screen(binned, prices_of_arms(*means), MOST_FEATURES)
    sums = pair_sums(binned.codes, binned.values, n_bins) if depth > 1 else None

    def point(tree, price):
        arm = arms_of_tree(tree, X)[:, None]
        gives, costs = (np.take_along_axis(y, arm, axis=1).mean() for y in (response, cost))
        return _Point(float(costs), float(gives), price, tree)

    def grow(price):
        return point(grow_tree(binned, sums, price, depth, min_leaf), price)

    cheapest = np.lexsort((-means[0], means[1]))[0]
    # Where everybody's cheapest cost is known, as that of a free control is, a tree that seems to
    # cost less has noise for luck.
    is_known = np.ptp(cost[:, cheapest]) == 0
    points = _refine([point(one_leaf(cheapest), np.inf), grow(0.0)], grow, is_known)
    return TreePath(
        [p.tree for p in points],
        np.array([p.response for p in points]),
        np.array([p.cost for p in points]),
    )


def one_leaf(arm):
    """Return the tree that gives everyone an arm."""
    none = np.array([-1], dtype=np.intp)
    return Tree(none, np.array([np.nan]), none, none, np.array([arm], dtype=np.intp))


def prices_of_arms(response, cost):
    """Return the prices at which the best arm for everyone changes, and zero.

    Parameters
    ----------
    response, cost : ndarray of shape (n_treatments,)
        Means of each arm.

    Returns
    -------
    prices : list of float
        Falling.
    """
    arms = [_Point(c, r, 0.0, None) for c, r in zip(cost, response)]
    hull = _upper_hull(arms, _cheapest(arms, min(cost)))
    return [_slope(*pair) for pair in pairwise(hull)] + [0.0]


def _refine(points, grow, starts_at_first):
    """Grow trees where most may be missing, and return the hull."""

    def hull_of(points):
        return _upper_hull(points, first if starts_at_first else _cheapest(points, first.cost))

    first = points[0]
    hull = hull_of(points)
    scale = hull[-1].response - hull[0].response
    tried = {0.0}
    for _ in range(MOST_TREES):
        gaps = [
            (_promise(first, second), _slope(first, second)) for first, second in pairwise(hull)
        ]
        promise, price = max((gap for gap in gaps if gap[1] not in tried), default=(0.0, 0.0))
        if promise <= LEAST_PROMISE * scale:
            return hull
        tried.add(price)
        hull = hull_of([*hull, grow(price)])
    return hull


def _cheapest(points, floor):
    """The best point that costs no more than the floor."""
    return max((p for p in points if p.cost <= floor), key=lambda p: (p.response, -p.cost))


def _upper_hull(points, start):
    """Points that no mixture beats, from a start on."""
    hull = [start]
    for p in sorted(points, key=lambda p: (p.cost, -p.response)):
        if p.cost <= hull[0].cost or p.response <= hull[-1].response:
            continue
        while len(hull) > 1 and _slope(hull[-1], p) >= _slope(hull[-2], hull[-1]):
            hull.pop()
        hull.append(p)
    return hull


def _slope(first, second):
    return (second.response - first.response) / (second.cost - first.cost)


def _promise(first, second):
    """How far above the chord of two points the hull could rise, by their prices."""
    width, height = second.cost - first.cost, second.response - first.response
    at_second = height - second.price * width
    if first.price == np.inf:
        return at_second
    if first.price <= second.price:
        return 0.0
    meet = at_second / (first.price - second.price)
    return meet * (first.price - height / width)
