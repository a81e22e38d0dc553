"""The cluster of a row: the nearest centre in the coordinates of the metric, or the least regret.

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
from sklearn_hrc._regrets import RegretScale, choice_scores, regrets

__all__ = [
    "Clustering",
    "cluster_of",
    "cluster_scores",
    "coordinates_of",
    "highest_score",
    "response_and_cost",
]

# Rows whose scores for all clusters are in memory at once, so that they stay in the cache, and
# coordinates that are.
_SCORE_ROWS, _COORDINATES = 1_024, 2**20


class Clustering(NamedTuple):
    """Coordinates in which rows are clustered, and the centres of the clusters.

    Attributes
    ----------
    metric : {"regret", "decision", "euclidean", "effects"}
        What is clustered: regrets, directions as H tells them, H itself, or the directions.
    columns : Columns
        Layout of the rows.
    to_response_and_cost : ndarray of shape (2, n_tasks) or None
        Coefficients of the tasks in response and cost. None for the metrics of H.
    prices : ndarray of shape (n_treatments,) or None
        Known price of each arm, instead of the expected cost. None: there is none.
    scale : RegretScale, EffectScale or None
        Prices of regrets, or units of effects. None for the metrics of H.
    decision_map : DecisionMap or None
        From H to directions. None for the other metrics.
    centres : ndarray of shape (n_clusters, n_coordinates) or None
        Centres. None: they are still to be found.
    """

    metric: str
    columns: Columns
    to_response_and_cost: np.ndarray | None
    prices: np.ndarray | None
    scale: RegretScale | EffectScale | None
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
    slopes, bias = cluster_scores(clustering)
    cluster = np.empty(len(matrix), dtype=np.int32)
    for rows in chunks(len(matrix), max(_COORDINATES // len(slopes), 1)):
        # Rows of another dtype stand where those of the fit stood.
        coordinates = coordinates_of(matrix[rows], clustering).astype(slopes.dtype, copy=False)
        cluster[rows] = highest_score(coordinates, slopes, bias)
    return cluster


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
    if clustering.metric in ("regret", "effects"):
        response, cost = response_and_cost(
            matrix, clustering.columns, clustering.to_response_and_cost, clustering.prices
        )
        if clustering.metric == "regret":
            return regrets(response, cost, clustering.scale)
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


def cluster_scores(clustering):
    """Return slopes and bias of a score of coordinates that is largest for the cluster of a row.

    Parameters
    ----------
    clustering : Clustering
        With its centres.

    Returns
    -------
    slopes : ndarray of shape (n_coordinates, n_clusters)
        Of the score, in the dtype of the centres.
    bias : ndarray of shape (n_clusters,)
        Of the score.
    """
    centres = clustering.centres
    if clustering.metric == "regret":
        return choice_scores(centres, clustering.columns.n_treatments)
    # |z - c|^2 is least where c.z - |c|^2 / 2 is largest. Squared lengths are summed up as k-means
    # does, so that rows in the middle of two centres are rounded to the same side.
    return centres.T, -np.einsum("ij,ij->i", centres, centres) / 2


def highest_score(rows, slopes, bias):
    """Return the number of the largest `rows @ slopes + bias` of each row, the first of several.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_coordinates)
        Coordinates.
    slopes : ndarray of shape (n_coordinates, n_clusters)
        Of the scores.
    bias : ndarray of shape (n_clusters,)
        Of the scores.

    Returns
    -------
    highest : ndarray of shape (n_samples,), int32
        Numbers from 0 on.
    """
    highest = np.empty(len(rows), dtype=np.int32)
    for chunk in chunks(len(rows), _SCORE_ROWS):
        highest[chunk] = np.argmax(rows[chunk] @ slopes + bias, axis=1)
    return highest
