"""Columns of an additive model that may bend: the value, rank and atom of each feature.

A feature of few values stands as it is. Any other feature gives its value within its
inner quantiles, its rank and two hinges of the rank. If many rows share its smallest value, an
indicator of that value is added: spend is often zero, and zero means something else than little.
Values beyond the quantiles change nothing, so a model that is linear in the columns does not
extrapolate.

Networks and trees see one column of each feature, its own: the rank, or the feature of few values.
Ranks press the tails of a feature together, where effects may grow fastest. So its own column is
half the rank and half the normal score of the rank, which has the tails of a normal feature
whatever the feature's distribution.
"""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

__all__ = [
    "Encoding",
    "bending_columns",
    "encode",
    "encode_own",
    "fit_encoding",
    "own_columns",
    "straight_columns",
]

# A feature of at most this many values is one column.
FEW_VALUES = 8
# Knots of the rank, and the quantiles beyond which a value does not count.
KNOTS = np.linspace(0, 1, 201)
# The rank, from -1 to 1, bends at this value. So its outer thirds have slopes of their own.
HINGE = 0.33
# Ranks of the knots. Shares nearer to 0 and 1 than this have the normal score of this share.
RANKS, OUTERMOST = 2 * KNOTS - 1, 0.003
# Half the rank and half its normal score, in units of the rank: for a feature of many values
# both have the standard deviation 1 / sqrt(3). By the standard library, since a policy is also
# applied where there is no scipy.
WITH_TAILS = (
    RANKS
    + np.array([NormalDist().inv_cdf(share) for share in np.clip(KNOTS, OUTERMOST, 1 - OUTERMOST)])
    / np.sqrt(3)
) / 2
# The smallest value has a column of its own if at least this share of the rows has it.
ATOM_SHARE = 0.05
# From this many features on, a feature has no hinges, since cost grows with the square of columns.
MANY_FEATURES = 120
# From this many features on, a feature is its rank alone, or itself where it has few values.
VERY_MANY_FEATURES = 400
# Values that agree in float32 are the same, since fit and prediction may have different dtypes.
SAME = np.finfo(np.float32).eps
# A column whose spread is less than this share of its size counts as constant.
ROUNDING = 1e-9


class Encoding(NamedTuple):
    """Description of how features become columns.

    Attributes
    ----------
    knots : list of ndarray or None
        Quantiles of each feature. None for a feature that stands as it is.
    atom : ndarray of shape (n_features,)
        Smallest value of the feature if this value has a column, else NaN.
    richness : int
        Number of columns of a feature of many values: 1 for its rank, 2 with its value, 4 with
        hinges.
    mean, scale : ndarray of shape (n_columns,)
        Mean and scale of each column before standardisation. The scale of a constant is infinite.
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
        Knots, atoms and units. They depend on no outcome.
    """
    n_features = features.shape[1]
    knots, atom = [], np.full(n_features, np.nan)
    for k, values in enumerate(features.T):
        values = values.astype(np.float64)
        if _has_few_values(values):
            knots.append(None)
            continue
        # Where a share of the rows is met exactly, rounding of the weights must not decide.
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
    """Return one column of each feature: its rank with tails, or itself if it has few values.

    Parameters
    ----------
    columns : ndarray of shape (n_samples, 1 + n_columns)
        Columns of `encode`.
    encoding : Encoding
        As fitted.

    Returns
    -------
    own : ndarray of shape (n_samples, n_features)
        In the units of the standardised columns.
    """
    places = _own_places(encoding)
    own = columns[:, places]
    for k, place in enumerate(places):
        mean, scale = encoding.mean[place - 1], encoding.scale[place - 1]
        if encoding.knots[k] is not None and np.isfinite(scale):
            own[:, k] = (_with_tails(own[:, k] * scale + mean) - mean) / scale
    return own


def encode_own(features, encoding, dtype):
    """Return the own columns of features without making the others.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Finite values.
    encoding : Encoding
        As fitted.
    dtype : dtype
        Type of the result.

    Returns
    -------
    own : ndarray of shape (n_samples, n_features)
        The columns that `own_columns` makes of all columns.
    """
    own = np.empty(features.shape, dtype=dtype)
    for k, place in enumerate(_own_places(encoding)):
        (column, *_) = _columns(features[:, k], encoding.knots[k], np.nan, 1)
        if encoding.knots[k] is not None:
            column = _with_tails(column)
        own[:, k] = (column - encoding.mean[place - 1]) / encoding.scale[place - 1]
    return own


def bending_columns(encoding):
    """Return whether each column bends: hinges and atoms do, ranks and values do not.

    Parameters
    ----------
    encoding : Encoding
        As fitted.

    Returns
    -------
    bends : ndarray of shape (1 + n_columns,), bool
        False for the column of ones and for features of few values.
    """
    return _place_in_feature(encoding) >= min(encoding.richness, 2)


def straight_columns(encoding):
    """Return whether each column belongs to a model that is linear in the features.

    Parameters
    ----------
    encoding : Encoding
        As fitted.

    Returns
    -------
    straight : ndarray of shape (1 + n_columns,), bool
        True for the column of ones and for one column of each feature: its value, or its rank where
        there are too many features for both.
    """
    has_rank = np.array([False, *(knots is not None for knots in encoding.knots)])
    return _place_in_feature(encoding) == has_rank[encoding.group] * (min(encoding.richness, 2) - 1)


def _place_in_feature(encoding):
    """Place of each column among those of its feature: the rank is first, its value second."""
    return np.arange(len(encoding.group)) - np.searchsorted(encoding.group, encoding.group)


def _own_places(encoding):
    """Place of the first column of each feature."""
    return np.searchsorted(encoding.group, np.arange(1, 1 + len(encoding.knots)))


def _has_few_values(values):
    # Mostly the first rows suffice to see many values.
    if len(np.unique(values[:1000])) > FEW_VALUES:
        return False
    return len(np.unique(values)) <= FEW_VALUES


def _columns(values, knots, atom, richness):
    """Columns of one feature in float64, before standardisation."""
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
    """Rank in [-1, 1]. A value that spans several knots has the middle of their ranks."""
    if (np.diff(knots) > 4 * SAME * np.abs(knots).max()).all():
        return np.interp(values, knots, RANKS)
    margin = SAME * np.abs(values)
    last = np.interp(values + margin, knots, RANKS)
    first = -np.interp(margin - values, -knots[::-1], RANKS)
    return (first + last) / 2


def _with_tails(rank):
    return np.interp(rank, RANKS, WITH_TAILS)


def _mean_and_scale(column, weight):
    mean = np.average(column, weights=weight)
    deviation = column - mean
    # Squares of the largest and the smallest floats would overflow or vanish.
    largest = max(np.abs(deviation).max(), np.finfo(float).tiny)
    scale = largest * np.sqrt(np.average((deviation / largest) ** 2, weights=weight))
    # Infinite, so that a constant is a column of zeros.
    return mean, scale if scale > ROUNDING * np.abs(column).max() else np.inf
