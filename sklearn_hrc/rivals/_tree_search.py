"""Trees of arms with the largest total of scores, by an exact search that looks two splits ahead.

For each pair of features, the sums of the scores of every arm are kept for all pairs of
thresholds. All trees of depth two can be told from them.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc.rivals._binned_scores import BinnedScores, pair_sums, single_sums

__all__ = ["Tree", "arms_of_tree", "grow_tree", "screen"]

# Share of a total by which sums of its parts may differ from it.
ROUNDING = 1e-10


class Tree(NamedTuple):
    """A tree of arms. The root is the first node, and a child stands after its parent.

    Attributes
    ----------
    feature : ndarray of shape (n_nodes,), intp
        Column that a node splits by, -1 for a leaf.
    threshold : ndarray of shape (n_nodes,)
        Rows whose entry is at most the threshold go to the left.
    left, right : ndarray of shape (n_nodes,), intp
        Children, -1 for a leaf.
    arm : ndarray of shape (n_nodes,), intp
        Index of the arm of a leaf, -1 for other nodes.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    arm: np.ndarray


def screen(binned, prices, most):
    """Keep the features whose best single splits gain most.

    Parameters
    ----------
    binned : BinnedScores
        From `bin_scores`.
    prices : sequence of float
        Prices of the budget. The gains at these are added up.
    most : int
        Features to keep.

    Returns
    -------
    binned : BinnedScores
        With the kept features, in the order of their columns.
    """
    if len(binned.feature) <= most:
        return binned
    sums = single_sums(binned.codes, binned.values)
    gain = np.zeros(len(binned.feature))
    for price in prices:
        net = _net(sums, price)
        gain += _best_second(net, sums[-1], 1) - net[..., -1].max(axis=0)
    kept = np.sort(np.argsort(-gain, kind="stable")[:most])
    codes = np.asfortranarray(binned.codes[:, kept])
    return BinnedScores(codes, binned.values, binned.feature[kept], [binned.cuts[k] for k in kept])


def grow_tree(binned, sums, price, depth, min_leaf):
    """Grow the tree of the largest total of response scores less priced cost scores.

    To depth two it is the best of all trees. A deeper tree takes, from the root on, the first
    split of the best tree of depth two, and goes on in its children.

    Parameters
    ----------
    binned : BinnedScores
        Scores.
    sums : ndarray or None
        `pair_sums` of all rows, needed from a depth of two on.
    price : float
        Of a unit of cost.
    depth : int
        Splits on the way to a leaf, at most.
    min_leaf : int
        Rows of a leaf, at least.

    Returns
    -------
    tree : Tree
        No split of it is without a difference.
    """
    root = _grow(binned.codes, binned.values, sums, price, depth, min_leaf)
    nodes: list[list] = []
    _flatten(root, binned, nodes)
    feature, threshold, left, right, arm = zip(*nodes)
    indices = (np.array(x, dtype=np.intp) for x in (feature, left, right, arm))
    feature, left, right, arm = indices
    return Tree(feature, np.array(threshold, dtype=np.float64), left, right, arm)


def arms_of_tree(tree, X):
    """Return the arm of each row.

    Parameters
    ----------
    tree : Tree
        From `grow_tree`.
    X : ndarray of shape (n_samples, n_features)
        Features.

    Returns
    -------
    arm : ndarray of shape (n_samples,), intp
        Indices.
    """
    node = np.zeros(len(X), dtype=np.intp)
    for parent in np.flatnonzero(tree.feature >= 0):
        rows = np.flatnonzero(node == parent)
        goes_left = X[rows, tree.feature[parent]] <= tree.threshold[parent]
        node[rows] = np.where(goes_left, tree.left[parent], tree.right[parent])
    return tree.arm[node]


def _grow(codes, values, sums, price, depth, min_leaf):
    """Return the arm of a leaf, or (column of codes, bin, left, right)."""
    total = values.sum(axis=0)
    leaf, worth = _best_arm(total, price)
    if depth == 0 or total[-1] < 2 * min_leaf or codes.shape[1] == 0:
        return leaf
    if depth == 1:
        gain, f, a = _best_split(single_sums(codes, values), price, min_leaf)
    else:
        gain, f, a = _best_first_split(sums, price, min_leaf)
    if gain <= worth + ROUNDING * np.abs(values[:, :-1]).sum():
        return leaf
    goes_left = codes[:, f] <= a
    sides = (goes_left, ~goes_left)
    left, right = (
        _grow(codes[side], values[side], part, price, depth - 1, min_leaf)
        for side, part in zip(sides, _sums_of_children(codes, values, sums, sides, depth - 1))
    )
    # The same arm on both sides is no split.
    return left if isinstance(left, int) and left == right else (f, a, left, right)


def _sums_of_children(codes, values, sums, sides, depth):
    """Sums of both sides. Those of the larger one are what the smaller one leaves."""
    if depth < 2:
        return None, None
    small = int(np.argmin([side.sum() for side in sides]))
    part = pair_sums(codes[sides[small]], values[sides[small]], sums.shape[-1])
    other = sums - part
    return (part, other) if small == 0 else (other, part)


def _net(sums, price):
    n_arms = len(sums) // 2
    return sums[:n_arms] - price * sums[n_arms:-1]


def _best_arm(total, price):
    """Arm of the largest net total, the cheapest of equal ones, and the total."""
    net = _net(total, price)
    cost = total[len(net) : -1]
    arm = int(np.where(net == net.max(), cost, np.inf).argmin())
    return arm, net[arm]


def _best_second(net, rows, min_leaf):
    """Largest total by one split of the last axis, or by none, of shape (...,)."""
    split = net.max(axis=0) + (net[..., -1:] - net).max(axis=0)
    is_small = (rows < min_leaf) | (rows[..., -1:] - rows < min_leaf)
    split[is_small] = -np.inf
    return np.maximum(split.max(axis=-1), net[..., -1].max(axis=0))


def _best_split(sums, price, min_leaf):
    """Largest total by one split, its column and its bin."""
    net, rows = _net(sums, price), sums[-1]
    worth = net.max(axis=0) + (net[..., -1:] - net).max(axis=0)
    worth[(rows < min_leaf) | (rows[..., -1:] - rows < min_leaf)] = -np.inf
    f, a = np.unravel_index(worth.argmax(), worth.shape)
    return worth[f, a], int(f), int(a)


def _best_first_split(sums, price, min_leaf):
    """Largest total by two levels of splits, and the column and the bin of the first split."""
    best = (-np.inf, 0, 0)
    for f in range(sums.shape[1]):
        net, rows = _net(sums[:, f], price), sums[-1, f]
        below = _best_second(net, rows, min_leaf)
        above = _best_second(net[:, :, -1:] - net, rows[:, -1:] - rows, min_leaf)
        # Every second feature has the same rows on each side of the first split.
        count = rows[0, :, -1]
        is_small = (count < min_leaf) | (count[-1] - count < min_leaf)
        worth = np.where(is_small, -np.inf, below.max(axis=0) + above.max(axis=0))
        a = int(worth.argmax())
        if worth[a] > best[0]:
            best = (worth[a], f, a)
    return best


def _flatten(node, binned, nodes):
    """Append a node and those below it, and return its place."""
    place = len(nodes)
    if isinstance(node, int):
        nodes.append([-1, np.nan, -1, -1, node])
        return place
    f, a, left, right = node
    nodes.append([binned.feature[f], binned.cuts[f][a], -1, -1, -1])
    nodes[place][2] = _flatten(left, binned, nodes)
    nodes[place][3] = _flatten(right, binned, nodes)
    return place
