"""Where rows stand on a line, so that the members of a split cluster can be told apart.

The side of a row must be the same alone and in a batch, in every process and after
pickling. It must not depend on the last bits of the covariates, which differ between
batch sizes. So rows are put on a line by a random projection that no data have
shaped: positions of chunks that were seen at different times merge. The inverse hyperbolic sine
keeps columns of any unit comparable, and is linear for small values.

Rows that stand at the same place, but for rounding, cannot be told apart. They are
one unit, and get one arm.
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

# Places closer than so many roundings of the numbers are one. Sums of many columns in
# float64 round to some 1e-14.
ROUNDINGS, LEAST_ROUNDING = 8, 1e-14


class Positions(NamedTuple):
    """Rows on the line, by cluster.

    Attributes
    ----------
    label : ndarray of shape (n_places,), float64
        Cluster, sorted.
    place : ndarray of shape (n_places,), float64
        Sorted within a cluster.
    weight : ndarray of shape (n_places,), float64
        Sum of the weights of the rows that stand there.
    rounding : float
        Rounding of the numbers that places were made of, as a share.
    """

    label: np.ndarray
    place: np.ndarray
    weight: np.ndarray
    rounding: float


class Units(NamedTuple):
    """Rows that cannot be told apart, in the order of clusters and places.

    Attributes
    ----------
    cluster : ndarray of shape (n_units,), int
        Index of the cluster.
    low, high : ndarray of shape (n_units,)
        First and last place.
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
        Covariates.
    rng : RandomState
        Source of the draws.

    Returns
    -------
    direction : ndarray of shape (n_columns,)
        Uniform on the sphere.
    """
    draws = rng.normal(size=n_columns)
    return draws / max(np.linalg.norm(draws), np.finfo(float).tiny)


def project(covariates, direction):
    """Return the place of each row on the line, float64.

    Parameters
    ----------
    covariates : ndarray of shape (n_samples, n_columns)
        In any units.
    direction : ndarray of shape (n_columns,)
        From `draw_direction`.

    Returns
    -------
    place : ndarray of shape (n_samples,)
        Continuous in the covariates.
    """
    return np.arcsinh(covariates).astype(np.float64, copy=False) @ direction


def positions_of_rows(labels, covariates, weight, direction):
    """Put rows on the line.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        Cluster of each row.
    covariates : ndarray of shape (n_samples, n_columns)
        What tells its members apart.
    weight : ndarray of shape (n_samples,)
        Rows without weight have no place.
    direction : ndarray of shape (n_columns,)
        From `draw_direction`.

    Returns
    -------
    positions : Positions
        The same in any order of the rows.
    """
    kept = weight > 0
    place = project(covariates[kept], direction)
    rounding = max(float(np.finfo(covariates.dtype).eps), LEAST_ROUNDING)
    return _sorted(labels[kept].astype(np.float64), place, weight[kept], rounding)


def merge_positions(first, second):
    """Return the positions of the rows of both."""
    columns = (np.concatenate(pair) for pair in zip(first[:3], second[:3]))
    return _sorted(*columns, max(first.rounding, second.rounding))


def units_of(positions, clusters):
    """Gather places that cannot be told apart.

    Parameters
    ----------
    positions : Positions
        Of the rows of a fit.
    clusters : ndarray of shape (n_clusters,)
        Sorted labels.

    Returns
    -------
    units : Units
        All rows of a unit stand within the rounding of each other.
    """
    label, place, weight, rounding = positions
    reach = ROUNDINGS * rounding * (1 + np.abs(place).max(initial=0.0))
    is_first = np.r_[True, (np.diff(label) != 0) | (np.diff(place) > reach)][: len(place)]
    # Where rows stand densely, a chain of neighbours is cut into pieces of this length.
    start = place[is_first][np.cumsum(is_first) - 1]
    piece = np.floor((place - start) / reach)
    is_first |= np.r_[True, np.diff(piece) != 0][: len(place)]
    first = np.flatnonzero(is_first)
    last = np.r_[first[1:], len(place)][: len(first)] - 1
    return Units(
        np.searchsorted(clusters, label[first]),
        place[first],
        place[last],
        np.add.reduceat(weight, first) if len(first) else weight,
    )


def _sorted(label, place, weight, rounding):
    """Sort by cluster and place, and add up the weights of equal places."""
    order = np.lexsort((weight, place, label))
    label, place, weight = label[order], place[order], weight[order]
    first = np.flatnonzero(np.r_[True, (np.diff(label) != 0) | (np.diff(place) != 0)][: len(place)])
    total = np.add.reduceat(weight, first) if len(first) else weight
    return Positions(label[first], place[first], total, rounding)
