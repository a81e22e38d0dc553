"""What a student is taught: rows, and where the teacher puts them."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing, check_array

from sklearn_hrc._labels import find_labels
from sklearn_hrc._mixed_rows import mixed_rows
from sklearn_hrc._nearest_cluster import coordinates_of
from sklearn_hrc._unwrap import fitted_clusterer, transform_through

__all__ = [
    "Lessons",
    "as_inputs",
    "further_lessons",
    "join_lessons",
    "lessons_of",
    "n_rows_to_make",
    "rows_to_teach",
]

# Rows below which more are made: the gain of students grew up to here (docs/decisions.md).
ENOUGH_ROWS = 40_000
# Rows made of each row at most, so that training keeps in proportion.
MADE_A_ROW = 4
# Share of values that a made row has from one row.
KEPT = 0.5


class Lessons(NamedTuple):
    """Rows with what the teacher says of them.

    Attributes
    ----------
    inputs : ndarray of shape (n_samples, n_inputs)
        What the student is given.
    codes : ndarray of shape (n_samples,), int
        Place of the cluster among the sorted labels. Classifiers want 0, 1, ...
    coordinates : ndarray of shape (n_samples, n_coordinates) or None
        Where the rows lie among the centres of the clusters. None where there are no centres.
    weight : ndarray of shape (n_samples,)
        Weights of the rows.
    """

    inputs: np.ndarray
    codes: np.ndarray
    coordinates: np.ndarray | None
    weight: np.ndarray


def lessons_of(inputs, Z, labels, weight, steps):
    """Make lessons of rows that the teacher has put into clusters.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_inputs)
        What the student is given.
    Z : ndarray of shape (n_samples, n_columns)
        What the teacher's steps give: `[cluster | columns]`.
    labels : ndarray of shape (n_clusters,)
        Sorted labels of the clusters that have a cell.
    weight : ndarray of shape (n_samples,)
        Weights of the rows.
    steps : list of transformers
        Steps of the teacher.

    Returns
    -------
    lessons : Lessons
        Of the rows with weight in one of these clusters. Without a cell, a cluster has no plan.
    """
    codes = find_labels(Z[:, 0], labels)
    known = (codes >= 0) & (weight > 0)
    clusterer = fitted_clusterer(steps)
    coordinates = None
    if clusterer is not None:
        coordinates = coordinates_of(Z[known, 1:], clusterer._clustering)
    return Lessons(inputs[known], codes[known], coordinates, weight[known])


def further_lessons(X, preprocessing, steps, labels, weight):
    """Let the teacher tell the clusters of further rows, which all have one weight."""
    features = transform_through(preprocessing, X)
    inputs = as_inputs(features)
    Z = check_array(transform_through(steps, features))
    return lessons_of(inputs, Z, labels, np.full(len(inputs), weight), steps)


def join_lessons(first, second):
    """Return the rows of both."""
    return Lessons(
        *(
            None if either is None else np.concatenate([either, other])
            for either, other in zip(first, second)
        )
    )


def n_rows_to_make(n_mixed, n_rows, *, is_default):
    """Return how many rows are to be made for a student."""
    if n_mixed is not None:
        return n_mixed
    return min(max(ENOUGH_ROWS - n_rows, 0), MADE_A_ROW * n_rows) if is_default else 0


def rows_to_teach(X, weight, n_rows, rng):
    """Mix the values of rows with weight. None of what has no columns to mix."""
    if n_rows == 0 or issparse(X):
        return None
    if not hasattr(X, "columns"):
        X = np.asarray(X)
        if X.ndim != 2:
            return None
    if not weight.all():
        X = _safe_indexing(X, np.flatnonzero(weight))
    return mixed_rows(X, n_rows, rng, kept=KEPT)


def as_inputs(features):
    """Return features as a student is given them."""
    return check_array(features, dtype=[np.float64, np.float32], input_name="X")
