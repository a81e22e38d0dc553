"""Fitted effect trees as plain arrays, which numpy alone applies to individuals."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._predictor.encoding import Encoding, own_columns

__all__ = ["EffectTrees", "PlainTree", "binned", "plain_tree"]


class PlainTree(NamedTuple):
    """Cuts of a tree.

    Attributes
    ----------
    feature : ndarray of shape (n_nodes,), int
        Feature that a node cuts.
    threshold : ndarray of shape (n_nodes,), float64
        Rows up to the threshold go to the left.
    left, right : ndarray of shape (n_nodes,), int
        Children, which have larger numbers than their parent. Both are -1 at a leaf.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray

    def leaves(self, features):
        """Return the leaf of each row.

        Parameters
        ----------
        features : ndarray of shape (n_samples, n_features), float32
            Without gaps.

        Returns
        -------
        leaf : ndarray of shape (n_samples,), intp
            Number of the node.
        """
        inside = {0: np.ones(len(features), dtype=bool)}
        for parent in np.flatnonzero(self.left >= 0):
            rows = inside.pop(parent)
            below = features[:, self.feature[parent]] <= self.threshold[parent]
            inside[self.left[parent]], inside[self.right[parent]] = rows & below, rows & ~below
        leaf = np.empty(len(features), dtype=np.intp)
        for node, rows in inside.items():
            leaf[rows] = node
        return leaf


class EffectTrees(NamedTuple):
    """Fitted trees.

    Attributes
    ----------
    encoding : Encoding
        Says which of the columns are features of the trees.
    cuts : list of ndarray
        Values at which each feature may be cut.
    trees : list of list of list
        A `PlainTree` for each tree of a fold and component, with the effects of the arms in its
        leaves, an array of shape (n_nodes, n_treatments).
    n_treatments : int
        Number of arms.
    """

    encoding: Encoding
    cuts: list
    trees: list
    n_treatments: int

    def prior(self):
        """Return zero prior means of the weights: trees count as far as held-out rows show."""
        return 0.0, 0.0

    def links(self, columns):
        """Return effects of shape (n_models, n_samples, n_treatments, n_components)."""
        features = binned(own_columns(columns, self.encoding), self.cuts)
        shape = len(self.trees), len(features), self.n_treatments, len(self.trees[0])
        links = np.zeros(shape, dtype=columns.dtype)
        for m, by_component in enumerate(self.trees):
            for c, trees in enumerate(by_component):
                for tree, effects in trees:
                    links[m, :, :, c] += effects[tree.leaves(features)]
        return links


def plain_tree(tree):
    """Return a `tree_` of scikit-learn as plain arrays."""
    return PlainTree(
        tree.feature.astype(np.intp),
        tree.threshold.astype(np.float64),
        tree.children_left.astype(np.intp),
        tree.children_right.astype(np.intp),
    )


def binned(own, cuts):
    """Return the number of the bin of each value, float32."""
    number = np.zeros((len(own), own.shape[1]), dtype=np.float32)
    for k, values in enumerate(cuts):
        number[:, k] = np.searchsorted(values, own[:, k])
    return number
