"""Places of rows on a line, which tell the members of a split cluster apart.

The arm of a row must be the same alone and in a batch, in every process and after
pickling. It must not depend on the last bits of the covariates, which differ between
batch sizes. A random projection puts rows on a line. No data shape this projection, so
positions of chunks that were seen at different times can be merged. The inverse hyperbolic sine
keeps columns of any unit comparable, and is linear for small values.

Rows at the same place, but for rounding, cannot be told apart. They are
one unit, and get one arm. If there are very many places, neighbours share a bin of a grid
and are one unit, too. The widths of bins are powers of two. The grid is the finest one
with few enough bins, so the bins of merged chunks are those of all rows.
"""

from typing import NamedTuple

import numpy as np

__all__ = [
    "Positions",
    "Units",
    "draw_direction",
    "merge_positions",
    "positions_of_rows",
    "project",
    "units_of",
]

# Places closer than this many roundings of the numbers are one place. Sums of many columns in
# float64 round to some 1e-14.
ROUNDINGS, LEAST_ROUNDING = 8, 1e-14
# Number of places that are kept in all clusters together, about, and in each cluster, at least.
MOST_PLACES, LEAST_PLACES = 2**17, 256
# Rows that are put on the line at once: bounds the memory of the copies.
CHUNK_ROWS = 16_384
# Range of the exponents of bins. It covers all places, as `arcsinh` ends at 710.
FINEST, COARSEST = -60, 20


class Positions(NamedTuple):
    """Rows on the line, by cluster.

    Attributes
    ----------
    label : ndarray of shape (n_places,), float64
        Cluster, sorted.
    low, high : ndarray of shape (n_places,), float64
        First and last place of the rows of a bin, sorted within a cluster. Without bins both are
        the same.
    weight : ndarray of shape (n_places,), float64
        Sum of the weights of the rows at the place.
    rounding : float
        Relative rounding of the numbers that places were made of.
    """

    label: np.ndarray
    low: np.ndarray
    high: np.ndarray
    weight: np.ndarray
    rounding: float


class Units(NamedTuple):
    """Rows that cannot be told apart, in the order of clusters and places.

    Attributes
    ----------
    cluster : ndarray of shape (n_units,), int
        Index of the cluster.
    low, high : ndarray of shape (n_units,)
        First and last place of the rows.
    weight : ndarray of shape (n_units,)
        Sum of the weights of the rows.
    """

    cluster: np.ndarray
    low: np.ndarray
    high: np.ndarray
    weight: np.ndarray


def draw_direction(n_columns, rng):
    """Draw a direction of unit length.

    Parameters
    ----------
    n_columns : int
        Number of covariates.
    rng : RandomState
        Source of the draws.

    Returns
    -------
    direction : ndarray of shape (n_columns,)
        Direction, uniform on the sphere.
    """
    draws = rng.normal(size=n_columns)
    return draws / max(np.linalg.norm(draws), np.finfo(float).tiny)


def project(covariates, direction):
    """Return the place of each row on the line, in float64.

    Parameters
    ----------
    covariates : ndarray of shape (n_samples, n_columns)
        Covariates in any units.
    direction : ndarray of shape (n_columns,)
        From `draw_direction`.

    Returns
    -------
    place : ndarray of shape (n_samples,)
        Places, continuous in the covariates.
    """
    place = np.empty(len(covariates))
    for start in range(0, len(covariates), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        place[rows] = np.arcsinh(covariates[rows]).astype(np.float64, copy=False) @ direction
    return place


def positions_of_rows(labels, covariates, weight, direction):
    """Put rows on the line.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        Cluster of each row.
    covariates : ndarray of shape (n_samples, n_columns)
        Covariates that tell the members of a cluster apart.
    weight : ndarray of shape (n_samples,)
        Weights. Rows of weight zero have no place.
    direction : ndarray of shape (n_columns,)
        From `draw_direction`.

    Returns
    -------
    positions : Positions
        Positions, which do not depend on the order of the rows.
    """
    kept = weight > 0
    # The covariates are large, so the places are selected, not the covariates.
    place = project(covariates, direction)[kept]
    rounding = max(float(np.finfo(covariates.dtype).eps), LEAST_ROUNDING)
    positions = Positions(labels[kept].astype(np.float64), place, place, weight[kept], rounding)
    return _in_bins(_sorted(positions))


def merge_positions(first, second):
    """Return the positions of the rows of both arguments."""
    columns = (np.concatenate(pair) for pair in zip(first[:4], second[:4]))
    return _in_bins(_sorted(Positions(*columns, max(first.rounding, second.rounding))))


def units_of(positions, clusters):
    """Gather places that cannot be told apart.

    Parameters
    ----------
    positions : Positions
        Positions of the rows of a fit.
    clusters : ndarray of shape (n_clusters,)
        Sorted labels.

    Returns
    -------
    units : Units
        Units, whose rows stand within the rounding of each other or in one bin.
    """
    label, low, high, weight, rounding = positions
    reach = ROUNDINGS * rounding * (1 + np.abs(low).max(initial=0.0))
    close = (np.diff(label) == 0) & (low[1:] - high[:-1] <= reach)
    is_first = np.r_[True, ~close][: len(low)]
    # Where rows stand densely, a chain of neighbours is cut into pieces of this length.
    start = low[is_first][np.cumsum(is_first) - 1]
    piece = np.floor((low - start) / reach)
    is_first |= np.r_[True, np.diff(piece) != 0][: len(low)]
    first = np.flatnonzero(is_first)
    last = np.r_[first[1:], len(low)][: len(first)] - 1
    cluster = np.searchsorted(clusters, label[first])
    return Units(cluster, low[first], high[last], _sums(weight, first))


def _sorted(positions):
    """Sort by cluster and place, and add up the weights of equal places."""
    label, low, high, weight, rounding = positions
    order = np.lexsort((weight, high, low, label))
    label, low, high, weight = label[order], low[order], high[order], weight[order]
    same = (np.diff(label) == 0) & (np.diff(low) == 0) & (np.diff(high) == 0)
    first = np.flatnonzero(np.r_[True, ~same][: len(low)])
    return Positions(label[first], low[first], high[first], _sums(weight, first), rounding)


def _in_bins(positions):
    """Gather the places of a cluster in bins if there are too many places, or bins already."""
    label, low, high, weight, rounding = positions
    _, begin = np.unique(label, return_index=True)
    most = max(MOST_PLACES // max(len(begin), 1), LEAST_PLACES)
    is_first = np.ones(len(low), dtype=bool)
    for place in map(slice, begin, np.r_[begin[1:], len(low)][: len(begin)]):
        binned = np.any(low[place] < high[place])
        if binned or len(low[place]) > most:
            exponent = _finest_exponent(low[place], high[place], most)
            is_first[place] = np.r_[True, np.diff(_bins(low[place], exponent)) != 0]
    first = np.flatnonzero(is_first)
    high = np.maximum.reduceat(high, first) if len(first) else high
    return Positions(label[first], low[first], high, _sums(weight, first), rounding)


def _finest_exponent(low, high, most):
    """Return the exponent of the finest grid with few enough bins, each place in one bin."""
    # A coarser grid merges bins of a finer one, so bisection finds the finest that fits.
    fine, coarse = FINEST, COARSEST
    while coarse - fine > 1:
        middle = (fine + coarse) // 2
        bins = _bins(low, middle)
        fits = len(np.unique(bins)) <= most and np.array_equal(bins, _bins(high, middle))
        fine, coarse = (fine, middle) if fits else (middle, coarse)
    return coarse


def _bins(place, exponent):
    return np.floor(np.ldexp(place, -exponent))


def _sums(values, first):
    return np.add.reduceat(values, first) if len(first) else values
