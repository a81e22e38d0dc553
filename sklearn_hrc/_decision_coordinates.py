"""Coordinates of the hidden representation in which what decides lies close together.

Which arm an individual gets at a price of the budget depends on the direction
of its effects, response and cost of each arm relative to the others, and not on
their size: on returns on spend. Directions are regressed on the hidden
representation, on itself and on random features of it, and the fitted
directions are the coordinates. Individuals count by the size of their effects:
where nothing is at stake it does not matter which cluster they are in.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._cells.moments import add, effective_rows, empty
from sklearn_hrc._cells.ridge import ridge_slopes
from sklearn_hrc._chunks import chunks

__all__ = [
    "DecisionMap",
    "EffectScale",
    "decision_directions",
    "fit_decision_map",
    "fit_effect_scale",
    "map_hidden",
]

# Random features of the hidden representation, beside itself.
N_FEATURES = 512
# Effects of this size, as a share of the mean size, have half the length of large
# ones: their directions are noise.
SMALL_EFFECT = 0.02
# Effects below this share of the values are rounding of float32.
ROUNDING = 1e-6
# Random features are penalised as if their spread were at least this share of the usual one.
LEAST_SPREAD = 0.3
# Rows mapped at once: bounds the memory of the features.
MAP_ROWS = 4_096


class EffectScale(NamedTuple):
    """Units of effects.

    Attributes
    ----------
    units : ndarray of shape (2,)
        Mean absolute effect on response and on cost; 0 where arms do not differ.
    size : float
        Mean size of an individual's effects, in these units.
    """

    units: np.ndarray
    size: float


class DecisionMap(NamedTuple):
    """A regression of directions on the hidden representation and random features of it.

    Attributes
    ----------
    weights : ndarray of shape (n_hidden, n_features)
        Of the features `max(0, hidden @ weights + bias)`.
    bias : ndarray of shape (n_features,)
        Of the features.
    slopes : ndarray of shape (n_hidden + n_features, n_directions)
        Of the regression.
    intercept : ndarray of shape (n_directions,)
        Of the regression.
    """

    weights: np.ndarray
    bias: np.ndarray
    slopes: np.ndarray
    intercept: np.ndarray


def fit_effect_scale(response, cost, weight):
    """Measure how large effects are.

    Parameters
    ----------
    response, cost : ndarray of shape (n_samples, n_treatments)
        Expected response and cost of every arm.
    weight : ndarray of shape (n_samples,)
        Positive weights.

    Returns
    -------
    scale : EffectScale
        Units of the effects.
    """
    units = [
        np.average(np.abs(_effects(values)).mean(axis=1), weights=weight)
        for values in (response, cost)
    ]
    rounding = [ROUNDING * np.abs(values).mean() for values in (response, cost)]
    units = np.where(np.greater(units, rounding), units, 0.0)
    size = np.average(_size(_in_units(response, cost, units)), weights=weight)
    return EffectScale(units, size)


def decision_directions(response, cost, scale):
    """Return the direction of the effects of each individual.

    Effects are differences from the mean over the arms, so that the order of
    the arms does not matter. With `F` the effects on response and cost, each
    in its unit, the direction is `F / (|F| + 0.02 mean |F|)`.

    Parameters
    ----------
    response, cost : ndarray of shape (n_samples, n_treatments)
        Expected response and cost of every arm.
    scale : EffectScale
        Units of the effects.

    Returns
    -------
    directions : ndarray of shape (n_samples, 2 * n_treatments)
        Of length below one, in the dtype of `response`.
    size : ndarray of shape (n_samples,)
        The denominator: how much is at stake.
    """
    effects = _in_units(response, cost, scale.units)
    size = _size(effects) + SMALL_EFFECT * scale.size
    return (effects / size[:, None]).astype(response.dtype, copy=False), size


def fit_decision_map(hidden, directions, weight, random_state):
    """Regress directions on the hidden representation and random features of it.

    Parameters
    ----------
    hidden : ndarray of shape (n_samples, n_hidden)
        Hidden representation.
    directions : ndarray of shape (n_samples, n_directions)
        What to predict.
    weight : ndarray of shape (n_samples,)
        Positive weights.
    random_state : RandomState
        Draws the features.

    Returns
    -------
    decision_map : DecisionMap
        Ridge regression, its penalties by generalised cross-validation. Slopes
        are zero where there are too few rows for any.
    """
    n_hidden = hidden.shape[1]
    spread = add(empty(1, n_hidden, cross=False), _one_group(hidden), hidden, weight)
    mean = spread.mean[0]
    # All coordinates in one unit: the leading ones decide where the features bend.
    unit = np.sqrt(spread.scatter.sum() / spread.weight[0])
    if unit <= ROUNDING * np.abs(mean).max():
        unit = 1.0
    weights = random_state.normal(size=(n_hidden, N_FEATURES)) / unit
    bias = random_state.normal(size=N_FEATURES) - mean @ weights
    n_columns = n_hidden + N_FEATURES
    moments = empty(1, n_columns + directions.shape[1])
    for rows in chunks(len(hidden), MAP_ROWS):
        columns = [_features(hidden[rows], weights, bias), directions[rows]]
        moments = add(moments, _one_group(directions[rows]), columns, weight[rows])
    covariance = moments.scatter[0] / moments.weight[0]
    spread = np.sqrt(np.diagonal(covariance)[:n_columns])
    # In its own unit, a feature that bends in a few rows would get any slope.
    spread[n_hidden:] = np.maximum(spread[n_hidden:], LEAST_SPREAD * _root_mean(spread[n_hidden:]))
    slopes = ridge_slopes(covariance, n_columns, effective_rows(moments)[0], spread)
    mean = moments.mean[0]
    return DecisionMap(weights, bias, slopes, mean[n_columns:] - mean[:n_columns] @ slopes)


def map_hidden(hidden, decision_map):
    """Return the fitted directions, (n_samples, n_directions), in the dtype of `hidden`."""
    weights, bias, slopes, intercept = (
        array.astype(hidden.dtype, copy=False) for array in decision_map
    )
    mapped = np.empty((len(hidden), len(intercept)), dtype=hidden.dtype)
    for rows in chunks(len(hidden), MAP_ROWS):
        mapped[rows] = _features(hidden[rows], weights, bias) @ slopes + intercept
    return mapped


def _effects(values):
    return values - values.mean(axis=1, keepdims=True)


def _in_units(response, cost, units):
    """Effects on response, then on cost. Zero where arms do not differ."""
    effects = [
        _effects(values) / unit if unit > 0 else np.zeros_like(values)
        for values, unit in zip((response, cost), units)
    ]
    return np.hstack(effects)


def _size(effects):
    return np.linalg.norm(effects, axis=1)


def _features(hidden, weights, bias):
    return np.hstack([hidden, np.maximum(hidden @ weights + bias, 0)])


def _root_mean(values):
    return np.sqrt(np.square(values).mean())


def _one_group(rows):
    return np.zeros(len(rows), dtype=np.intp)
