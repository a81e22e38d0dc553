"""Columns in which an additive model bends: what each feature says by value, rank and atom.

A feature of few values stands as it is. Any other gives its value within its
inner quantiles, its rank, two hinges of the rank and, where many rows share its
smallest value, an indicator of that value: spend is often zero, and zero means
something else than little. Values beyond the quantiles change nothing, so that a
model that is linear in the columns does not extrapolate.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Encoding", "encode", "encode_own", "fit_encoding", "own_columns"]

# A feature of at most so many values is one column.
FEW_VALUES = 8
# Knots of the rank, and the quantiles beyond which a value does not count.
KNOTS = np.linspace(0, 1, 201)
# The rank, from -1 to 1, bends here: the outer thirds have slopes of their own.
HINGE = 0.33
# The smallest value has a column of its own if at least this share of the rows has it.
ATOM_SHARE = 0.05
# From so many features on, a feature has no hinges: columns cost their square.
MANY_FEATURES = 120
# From so many on, a feature is its rank alone, or itself where it has few values.
VERY_MANY_FEATURES = 400
# Values are the same if they are in float32: one may serve what the other was fitted to.
SAME = np.finfo(np.float32).eps
# A column that varies less than this beside its size does not vary.
ROUNDING = 1e-9


class Encoding(NamedTuple):
    """How features become columns.

    Attributes
    ----------
    knots : list of ndarray or None
        Quantiles of each feature; None where it stands as it is.
    atom : ndarray of shape (n_features,)
        Smallest value where it has a column, else NaN.
    richness : int
        Columns of a feature of many values: 1 its rank, 2 its value too, 4 hinges too.
    mean, scale : ndarray of shape (n_columns,)
        Of the columns before they are standardised; the scale of a constant is infinite.
    group : ndarray of shape (1 + n_columns,), int
        Feature of each column counted from 1, after a 0 for the column of ones.
    """

    knots: list
    atom: np.ndarray
    richness: int
    mean: np.ndarray
    scale: np.ndarray
    group: np.ndarray


def fit_encoding(features, weight):
    """Learn the columns of features.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Finite values.
    weight : ndarray of shape (n_samples,)
        Positive weights.

    Returns
    -------
    encoding : Encoding
        Knots, atoms and units; no outcome has a say in them.
    """
    n_features = features.shape[1]
    knots, atom = [], np.full(n_features, np.nan)
    for k, values in enumerate(features.T):
        values = values.astype(np.float64)
        if _has_few_values(values):
            knots.append(None)
            continue
        # Where a share of the rows is met exactly, rounding of the weights has no say.
        shares = np.maximum(KNOTS - ROUNDING, 0)
        knots.append(np.quantile(values, shares, weights=weight, method="inverted_cdf"))
        low = values.min()
        if weight @ _is_atom(values, low) > ATOM_SHARE * weight.sum():
            atom[k] = low
    richness = 4 if n_features < MANY_FEATURES else 2 if n_features < VERY_MANY_FEATURES else 1
    group, moments = [], []
    for k in range(n_features):
        for column in _columns(features[:, k], knots[k], atom[k], richness):
            group.append(k + 1)
            moments.append(_mean_and_scale(column, weight))
    mean, scale = np.array(moments).T
    return Encoding(knots, atom, richness, mean, scale, np.array([0, *group]))


def encode(features, encoding):
    """Return a column of ones and the standardised columns.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Finite values.
    encoding : Encoding
        As fitted.

    Returns
    -------
    columns : ndarray of shape (n_samples, 1 + n_columns)
        In the dtype of `features`.
    """
    columns = np.empty((len(features), len(encoding.group)), dtype=features.dtype)
    columns[:, 0] = 1.0
    first = 1
    for k, (knots, atom) in enumerate(zip(encoding.knots, encoding.atom)):
        for column in _columns(features[:, k], knots, atom, encoding.richness):
            columns[:, first] = (column - encoding.mean[first - 1]) / encoding.scale[first - 1]
            first += 1
    return columns


def own_columns(columns, encoding):
    """Return one column of each feature: its rank, or itself where it has few values.

    Parameters
    ----------
    columns : ndarray of shape (n_samples, 1 + n_columns)
        As `encode` gives them.
    encoding : Encoding
        As fitted.

    Returns
    -------
    own : ndarray of shape (n_samples, n_features)
        Standardised.
    """
    return columns[:, _own_places(encoding)]


def encode_own(features, encoding, dtype):
    """Return the own columns of features without making the others.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Finite values.
    encoding : Encoding
        As fitted.
    dtype : dtype
        Of the result.

    Returns
    -------
    own : ndarray of shape (n_samples, n_features)
        As `own_columns` takes them from all.
    """
    own = np.empty(features.shape, dtype=dtype)
    for k, place in enumerate(_own_places(encoding)):
        (column, *_) = _columns(features[:, k], encoding.knots[k], np.nan, 1)
        own[:, k] = (column - encoding.mean[place - 1]) / encoding.scale[place - 1]
    return own


def _own_places(encoding):
    """Place of the first column of each feature."""
    return np.searchsorted(encoding.group, np.arange(1, 1 + len(encoding.knots)))


def _has_few_values(values):
    # Mostly the first rows tell that there are many.
    if len(np.unique(values[:1000])) > FEW_VALUES:
        return False
    return len(np.unique(values)) <= FEW_VALUES


def _columns(values, knots, atom, richness):
    """Columns of one feature, not standardised, in float64."""
    values = values.astype(np.float64)
    if knots is None:
        return [values]
    rank = _rank(values, knots)
    columns = [rank]
    if richness >= 2:
        columns.append(np.clip(values, knots[1], knots[-2]))
    if richness >= 4:
        columns += [np.maximum(rank - HINGE, 0), np.maximum(-HINGE - rank, 0)]
    if not np.isnan(atom):
        columns.append(_is_atom(values, atom).astype(np.float64))
    return columns


def _is_atom(values, atom):
    return np.abs(values - atom) <= SAME * np.abs(atom)


def _rank(values, knots):
    """Rank in [-1, 1]: the middle of its ranks where a value spans several knots."""
    ranks = 2 * KNOTS - 1
    if (np.diff(knots) > 4 * SAME * np.abs(knots).max()).all():
        return np.interp(values, knots, ranks)
    margin = SAME * np.abs(values)
    last = np.interp(values + margin, knots, ranks)
    first = -np.interp(margin - values, -knots[::-1], ranks)
    return (first + last) / 2


def _mean_and_scale(column, weight):
    mean = np.average(column, weights=weight)
    deviation = column - mean
    # Squares of the largest floats, and of the smallest, are none.
    largest = max(np.abs(deviation).max(), np.finfo(float).tiny)
    scale = largest * np.sqrt(np.average((deviation / largest) ** 2, weights=weight))
    # Infinite, so that a constant is a column of zeros.
    return mean, scale if scale > ROUNDING * np.abs(column).max() else np.inf
