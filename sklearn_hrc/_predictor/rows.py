"""The rows that every member of the predictor learns from."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._predictor.encoding import Encoding, encode_own
from sklearn_hrc._predictor.folds import deal_folds
from sklearn_hrc._predictor.tasks import Components, describe_tasks, targets_and_weights

__all__ = ["TrainingRows", "network_arrays", "training_rows"]


class TrainingRows(NamedTuple):
    """Rows of an experiment, taken apart into components and dealt to folds.

    Model `m` of a member does without the rows of fold `m`. A function of these rows fits a
    member. What the function returns has two methods. `links(columns)` gives links of shape
    (n_models, n_samples, n_treatments, n_components) for columns of the encoding. `prior()` gives
    the prior means of the member's weights.

    Attributes
    ----------
    features : ndarray of shape (n_samples, n_features)
        Features.
    encoding : Encoding
        Columns that members make of the features.
    arm : ndarray of shape (n_samples,), int
        Arm of each row.
    fold : ndarray of shape (n_samples,), int
        Fold of each row. No model leaves out folds from `n_models` on.
    n_models : int
        Number of models of a member.
    targets, weights : ndarray of shape (n_samples, n_components)
        Result of `targets_and_weights`.
    sample_weight : ndarray of shape (n_samples,)
        Positive weights.
    components : Components
        Description of the tasks.
    """

    features: np.ndarray
    encoding: Encoding
    arm: np.ndarray
    fold: np.ndarray
    n_models: int
    targets: np.ndarray
    weights: np.ndarray
    sample_weight: np.ndarray
    components: Components


def training_rows(features, tasks, experiment, groups, encoding, n_models, rng):
    """Take the tasks apart and deal the rows to folds.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Features.
    tasks : ndarray of shape (n_samples, n_tasks)
        Outcomes, then the cost if it was given.
    experiment : Experiment
        Checked rows, all with positive weight.
    groups : ndarray of shape (n_samples,), int, or None
        Groups of rows. Rows of a group are in one fold.
    encoding : Encoding
        Encoding fitted to the features.
    n_models : int
        Number of models of a member.
    rng : RandomState
        Deals the rows.

    Returns
    -------
    rows : TrainingRows
        Rows that members learn from.
    """
    arm, weight = experiment.arm, experiment.sample_weight
    has_cost = experiment.cost is not None
    components = describe_tasks(tasks, arm, len(experiment.treatments), weight, has_cost=has_cost)
    targets, weights = targets_and_weights(tasks, arm, weight, components)
    folds = deal_folds(arm, n_models, rng, groups)
    return TrainingRows(
        features, encoding, arm, folds, n_models, targets, weights, weight, components
    )


def network_arrays(rows):
    """Return inputs, arms, and targets beside weights in the loss, in the types for torch."""
    in_loss = rows.weights * rows.components.importance
    return (
        encode_own(rows.features, rows.encoding, np.float32),
        rows.arm.astype(np.int64, copy=False),
        np.hstack([rows.targets, in_loss], dtype=np.float32, casting="same_kind"),
    )
