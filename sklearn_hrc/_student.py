"""Students: small networks that tell the teacher's clusters from the features.

The cluster of a :class:`~sklearn_hrc.HiddenClusterer` is that of the highest score, and scores are
linear in some coordinates. A network that learns the coordinates learns more from a row than one
that learns its label, since it is told how far a row is from each border. The slopes of the scores
go into the last layer, so the student is a network that classifies.
"""

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import has_fit_parameter

__all__ = ["fit_student"]

# Rows of a step: ten thousand rows are too few steps with more.
BATCH_ROWS = 128
# First and last length of the steps of Adam, and passes with the last one.
LEARNING_RATE = 3e-3
LAST_LEARNING_RATE = 3e-4
LAST_PASSES = 10
# Passes at most, and passes without an improvement that end the training.
PASSES = 100
PATIENCE = 3
# Directions in which slopes spread less than this share of the largest spread do not count.
ROUNDING = 1e-6


def fit_student(student, lessons, scores, rng):
    """Fit a student.

    Parameters
    ----------
    student : classifier or None
        Cloned and fitted. None is a small network.
    lessons : Lessons
        What the student is given, and what the teacher says of it.
    scores : tuple of two ndarrays, or None
        Slopes, (n_coordinates, n_clusters), and bias, (n_clusters,), of the score of each code in
        the coordinates of the lessons. None where clusters have no scores.
    rng : RandomState
        Seeds a network.

    Returns
    -------
    student : classifier
        Fitted. It predicts codes.
    """
    inputs, codes, coordinates, weight = lessons
    if len(np.unique(codes)) == 1:
        return DummyClassifier().fit(inputs, codes)
    with warnings.catch_warnings():
        # What counts is the policy that is served, not the last digit of the student's loss.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if student is None and coordinates is not None:
            return coordinate_network(inputs, coordinates, weight, scores, rng)
        student = label_network(len(inputs), rng) if student is None else clone(student)
        weights = {"sample_weight": weight} if has_fit_parameter(student, "sample_weight") else {}
        return student.fit(inputs, codes, **weights)


def label_network(n_rows, rng):
    """Return a network for labels of clusters that have no scores."""
    return MLPClassifier(
        (128,),
        batch_size=min(BATCH_ROWS, n_rows),
        learning_rate_init=LEARNING_RATE,
        max_iter=PASSES,
        tol=1e-2,
        n_iter_no_change=PATIENCE,
        random_state=rng,
    )


def coordinate_network(inputs, coordinates, weight, scores, rng):
    """Fit a network that tells the highest score by learning the coordinates.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_inputs)
        What the network is given.
    coordinates : ndarray of shape (n_samples, n_coordinates)
        Where each row lies.
    weight : ndarray of shape (n_samples,)
        Weights of the rows.
    scores : tuple of two ndarrays
        Slopes and bias of at least two scores.
    rng : RandomState
        Seeds the network.

    Returns
    -------
    network : MLPClassifier
        Its classes are the numbers of the scores.
    """
    slopes, bias = (each.astype(np.float64) for each in scores)
    # What all scores have in common decides nothing, and neither do other directions than theirs.
    slopes = slopes - slopes.mean(axis=1, keepdims=True)
    axes, spread, _ = np.linalg.svd(slopes, full_matrices=False)
    axes = axes[:, spread > ROUNDING * spread[0]]
    targets, slopes = coordinates.astype(np.float64) @ axes, axes.T @ slopes
    mean = np.average(targets, axis=0, weights=weight)
    scale = np.sqrt(np.average((targets - mean) ** 2, axis=0, weights=weight).mean()) or 1.0
    targets, bias, slopes = (targets - mean) / scale, bias + mean @ slopes, scale * slopes
    network = _fit_targets(inputs, targets.astype(inputs.dtype), weight / weight.mean(), rng)
    return _with_scores(network, inputs, slopes, bias)


def _fit_targets(inputs, targets, weight, rng):
    """Fit a network to coordinates, the last passes by short steps."""
    network = MLPRegressor(
        hidden_layer_sizes=(128, 64),
        batch_size=min(BATCH_ROWS, len(inputs)),
        learning_rate_init=LEARNING_RATE,
        max_iter=PASSES,
        tol=1e-3,
        n_iter_no_change=PATIENCE,
        random_state=rng.randint(np.iinfo(np.int32).max),
        warm_start=True,
    )
    if targets.shape[1] == 1:
        targets = targets[:, 0]  # a column would be warned of
    network.fit(inputs, targets, sample_weight=weight)
    network.set_params(learning_rate_init=LAST_LEARNING_RATE, max_iter=LAST_PASSES)
    return network.fit(inputs, targets, sample_weight=weight)


def _with_scores(network, inputs, slopes, bias):
    """Turn a network that tells coordinates into one that tells the highest score."""
    if len(bias) == 2:  # one output, positive for the second class
        slopes, bias = slopes[:, 1:] - slopes[:, :1], bias[1:] - bias[:1]
    classes = np.arange(max(len(bias), 2))
    classifier = MLPClassifier(network.hidden_layer_sizes, random_state=network.random_state)
    # One row makes the layers, whose weights are replaced.
    classifier.partial_fit(inputs[:1], classes[:1], classes=classes)
    coefs = [*network.coefs_[:-1], network.coefs_[-1] @ slopes]
    intercepts = [*network.intercepts_[:-1], network.intercepts_[-1] @ slopes + bias]
    classifier.coefs_ = [array.astype(inputs.dtype) for array in coefs]
    classifier.intercepts_ = [array.astype(inputs.dtype) for array in intercepts]
    return classifier
