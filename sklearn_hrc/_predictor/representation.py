"""From features to `[H | D | Q]`: hidden representation, deviations and expected outcomes.

All that is needed are plain arrays and numpy, so a fitted representation can be applied where there
is neither torch nor scikit-learn.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._chunks import chunks
from sklearn_hrc._columns import Columns, take_apart
from sklearn_hrc._predictor.encoding import Encoding, encode
from sklearn_hrc._predictor.predictor import (
    Predictor,
    deviations_and_outcomes,
    predict,
    representation,
)
from sklearn_hrc._predictor.projection import Projection, project

__all__ = ["FORWARD_ROWS", "Representation", "represent"]

# Rows in a forward pass: bounds the memory of the hidden layers of all networks.
FORWARD_ROWS = 16_384


class Representation(NamedTuple):
    """All that a fitted representer knows of how to represent individuals.

    Attributes
    ----------
    encoding : Encoding
        From features to the columns that the members see.
    predictor : Predictor
        Members and their weights.
    projection : Projection
        From hidden layers and combined links to H.
    columns : Columns
        Layout of the result.
    """

    encoding: Encoding
    predictor: Predictor
    projection: Projection
    columns: Columns


def represent(features, fitted):
    """Represent individuals.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Finite values.
    fitted : Representation
        What was fitted.

    Returns
    -------
    matrix : ndarray of shape (n_samples, n_columns)
        `[H | D | Q]` in the dtype of `features`, or H where the layout has no outcomes.
    """
    encoding, predictor, projection, columns = fitted
    matrix = np.empty((len(features), columns.n_columns), dtype=features.dtype)
    for rows in chunks(len(features), FORWARD_ROWS):
        hidden, deviations, outcomes = take_apart(matrix[rows], columns)
        prediction = predict(encode(features[rows], encoding), predictor)
        hidden[:] = project(representation(prediction), projection)
        if columns.n_outcomes:
            deviations[:], outcomes[:] = deviations_and_outcomes(prediction, predictor)
    return matrix
