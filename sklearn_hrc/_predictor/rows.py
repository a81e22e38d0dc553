"""The rows that every member of the predictor learns from."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._predictor.encoding import Encoding
from sklearn_hrc._predictor.tasks import Components

__all__ = ["TrainingRows"]


class TrainingRows(NamedTuple):
    """Rows of an experiment, taken apart into components and dealt to folds.

    Model `m` of a member does without the rows of fold `m`. A member is fitted by a
    function of these rows; what it returns has a method `links(columns)` that gives
    links of shape (n_models, n_samples, n_treatments, n_components), for columns as the
    encoding gives them, and a method `prior()` for the prior means of its weights.

    Attributes
    ----------
    features : ndarray of shape (n_samples, n_features)
        Features.
    encoding : Encoding
        Columns that members make of them.
    arm : ndarray of shape (n_samples,), int
        Arm of each row.
    fold : ndarray of shape (n_samples,), int
        Fold of each row; no model leaves out those from `n_models` on.
    n_models : int
        Models of a member.
    targets, weights : ndarray of shape (n_samples, n_components)
        As `targets_and_weights` gives them.
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
