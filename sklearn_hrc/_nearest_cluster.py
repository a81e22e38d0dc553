"""The cluster of a row: the nearest centre in the coordinates of the metric.

All that is needed are plain arrays and numpy, so fitted clusters can be told where there is no
scikit-learn.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._chunks import chunks
from sklearn_hrc._columns import Columns, take_apart
from sklearn_hrc._decision_coordinates import (
    DecisionMap,
    EffectScale,
    decision_directions,
    map_hidden,
)

__all__ = ["Clustering", "cluster_of", "coordinates_of", "nearest_centre", "response_and_cost"]

# Rows whose distances to all centres are in memory at once, so that they stay in the cache.
_DISTANCE_ROWS = 1_024


class Clustering(NamedTuple):
    """Coordinates in which rows are clustered, and the centres of the clusters.

    Attributes
    ----------
    metric : {"decision", "euclidean", "effects"}
        What is clustered: directions as H tells them, H itself, or the directions.
    columns : Columns
        Layout of the rows.
    to_response_and_cost : ndarray of shape (2, n_tasks) or None
        Coefficients of the tasks in response and cost. None for the metrics of H.
    prices : ndarray of shape (n_treatments,) or None
        Known price of each arm, instead of the expected cost. None: there is none.
    scale : EffectScale or None
        Units of effects. None for the metrics of H.
    decision_map : DecisionMap or None
        From H to directions. None for the other metrics.
    centres : ndarray of shape (n_clusters, n_coordinates) or None
        Centres. None: they are still to be found.
    """

    metric: str
    columns: Columns
    to_response_and_cost: np.ndarray | None
    prices: np.ndarray | None
    scale: EffectScale | None
    decision_map: DecisionMap | None
    centres: np.ndarray | None = None


def cluster_of(matrix, clustering):
    """Return the cluster of each row.

    Parameters
    ----------
    matrix : ndarray of shape (n_samples, n_columns)
        Rows `[H | D | Q]`, or other columns.
    clustering : Clustering
        With its centres.

    Returns
    -------
    cluster : ndarray of shape (n_samples,), int32
        Clusters, from 0 on.
    """
    coordinates = coordinates_of(matrix, clustering)
    # Rows of another dtype stand where those of the fit stood.
    return nearest_centre(
        coordinates.astype(clustering.centres.dtype, copy=False), clustering.centres
    )


def coordinates_of(matrix, clustering):
    """Return what is clustered, in contiguous memory as k-means wants it.

    Parameters
    ----------
    matrix : ndarray of shape (n_samples, n_columns)
        Rows `[H | D | Q]`, or other columns.
    clustering : Clustering
        With or without its centres.

    Returns
    -------
    coordinates : ndarray of shape (n_samples, n_coordinates)
        In the dtype of `matrix`.
    """
    if clustering.metric == "effects":
        response, cost = response_and_cost(
            matrix, clustering.columns, clustering.to_response_and_cost, clustering.prices
        )
        return decision_directions(response, cost, clustering.scale)[0]
    hidden = np.ascontiguousarray(take_apart(matrix, clustering.columns)[0])
    if clustering.metric == "decision":
        return map_hidden(hidden, clustering.decision_map)
    return hidden


def response_and_cost(matrix, columns, coefficients, prices):
    """Return expected response and cost of every arm, both of shape (n_samples, n_treatments)."""
    outcomes = take_apart(matrix, columns)[2]
    response, cost = (outcomes @ each for each in coefficients.astype(matrix.dtype))
    if prices is not None:
        cost = np.broadcast_to(prices.astype(matrix.dtype), response.shape)
    return response, cost


def nearest_centre(rows, centres):
    """Return the number of the nearest centre of each row, the first of several.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_coordinates)
        Coordinates, in the dtype of `centres`.
    centres : ndarray of shape (n_clusters, n_coordinates)
        Centres.

    Returns
    -------
    nearest : ndarray of shape (n_samples,), int32
        Numbers of centres.
    """
    # Squared distances less the squared length of the row, summed up as k-means does, so that rows
    # in the middle of two centres are rounded to the same side.
    length = np.einsum("ij,ij->i", centres, centres)
    nearest = np.empty(len(rows), dtype=np.int32)
    for chunk in chunks(len(rows), _DISTANCE_ROWS):
        nearest[chunk] = np.argmin(length - 2 * (rows[chunk] @ centres.T), axis=1)
    return nearest
