"""Cuts of an effect tree: the best one after another, or first by a pair of features.

The best first cut says nothing of features that tell only together: where arms differ by whether
two features are on the same side, no cut by one of the two gains anything, and chance picks the
first cut. So a second tree is made. It starts with the pair of features whose sides tell most
beyond what each says alone: with z the centred sides, o the centred outcome and m the mass,

    gain of features f and g = (sum of m o z_f z_g)^2 / sum of m z_f^2 z_g^2,

for all pairs by matrix products. This tree cuts by one of the pair, then each side as it is best.
It is the best of very many, and so has to explain more than the first tree by a margin.
"""

import numpy as np

from sklearn_hrc._predictor.fitted_trees import PlainTree, plain_tree

__all__ = ["cut"]

# With four leaves a tree can cut by three features.
MOST_LEAVES, LEAST_IN_LEAF = 4, 40
# Largest number of features that a cut or pair is sought among.
MOST_FEATURES = 64
# Gain of a tree that starts with a pair, at least, in gains of the other.
MARGIN = 1.3


def cut(features, outcome, mass, rng):
    """Return a tree that explains outcomes.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features), float32
        Numbers of bins.
    outcome : ndarray of shape (n_rows, n_contrasts)
        What leaves shall differ in.
    mass : ndarray of shape (n_rows,)
        Weights of rows.
    rng : RandomState
        Says which features are tried where there are very many.

    Returns
    -------
    tree : PlainTree
        At most four leaves. One node if nothing was cut.
    """
    greedy, left = _greedy(features, outcome, mass, MOST_LEAVES, rng)
    paired, less = _paired(features, outcome, mass, rng)
    variance = mass @ np.square(outcome - _mean(outcome, mass)).mean(axis=1)
    return paired if variance - less > MARGIN * (variance - left) else greedy


def _greedy(features, outcome, mass, n_leaves, rng):
    """Cut where it is best, one cut after another; return the tree and the variance left."""
    # Where a policy is only applied there is no scikit-learn.
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(
        max_leaf_nodes=n_leaves,
        min_samples_leaf=LEAST_IN_LEAF,
        max_features=min(features.shape[1], MOST_FEATURES),
        random_state=rng.randint(np.iinfo(np.int32).max),
    )
    fitted = tree.fit(features, outcome, sample_weight=mass).tree_
    leaf = fitted.children_left < 0
    return plain_tree(fitted), fitted.weighted_n_node_samples[leaf] @ fitted.impurity[leaf]


def _paired(features, outcome, mass, rng):
    """Cut by one of the best pair of features, then each side; as `_greedy`."""
    feature, threshold = _first_cut(features, outcome, mass, rng)
    below = features[:, feature] <= threshold
    if min(below.sum(), (~below).sum()) < LEAST_IN_LEAF:
        return None, np.inf
    (first, left), (second, right) = (
        _greedy(features[side], outcome[side], mass[side], 2, rng) for side in (below, ~below)
    )
    return _joined(feature, threshold, first, second), left + right


def _first_cut(features, outcome, mass, rng):
    """Return the first of the pair of features whose sides tell most together, and its border."""
    tried = np.arange(features.shape[1])
    if len(tried) > MOST_FEATURES:
        tried = rng.choice(tried, MOST_FEATURES, replace=False)
    # Between two bins, near the mean: half of the rows if there are many bins, a flag by itself.
    border = np.floor(features[:, tried].mean(axis=0, dtype=np.float64)) + 0.5
    side = (features[:, tried] > border).astype(np.float64)
    side -= _mean(side, mass)
    gain = np.zeros((len(tried), len(tried)))
    for values in (outcome - _mean(outcome, mass)).T:
        gain += np.square((side.T * (mass * values)) @ side)
    spread = (np.square(side).T * mass) @ np.square(side)
    gain = np.divide(gain, spread, out=np.zeros_like(gain), where=spread > 0)
    best, _ = np.unravel_index(np.triu(gain, 1).argmax(), gain.shape)
    return tried[best], border[best]


def _mean(values, mass):
    return mass @ values / mass.sum()


def _joined(feature, threshold, first, second):
    """Return a tree that cuts by a feature and goes on with either tree."""
    start = 1, 1 + len(first.feature)
    left, right = (
        [np.where(child >= 0, child + k, child) for child, k in zip(children, start, strict=True)]
        for children in ((first.left, second.left), (first.right, second.right))
    )
    return PlainTree(
        np.concatenate([[feature], first.feature, second.feature]),
        np.concatenate([[threshold], first.threshold, second.threshold]),
        np.concatenate([[start[0]], *left]),
        np.concatenate([[start[1]], *right]),
    )
