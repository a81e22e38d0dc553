"""Boosted trees on features and arm, for what only several features together tell.

A thin segment, where three features meet, is flat for an additive model and too small for
the networks; a tree comes to it in three cuts. A component has one model for all arms, so
that effects are found only where they pay for a cut. Amounts given that they are
positive are left out: few rows teach them, and their trees found nothing that the other members
do not know.
"""

from typing import NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from sklearn_hrc._predictor.encoding import Encoding, encode_own, own_columns
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR, POSITIVE

__all__ = ["BoostedModel", "fit_boosted"]

# Few, small trees, until the held-out fold has not got better five times.
SETTINGS = {
    "max_iter": 100,
    "learning_rate": 0.15,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "max_bins": 63,
}
PATIENCE = 5
# With fewer rows than this no tree finds what others do not.
LEAST_ROWS = 200
# scikit-learn's limit on categories.
MOST_CATEGORIES = 255
# A mean is not expected below this share of what is usual.
LEAST_MEAN = 1e-6


class BoostedModel(NamedTuple):
    """Fitted trees.

    Attributes
    ----------
    encoding : Encoding
        Says which of the columns are features of the trees.
    trees : list of list
        For each fold and component an estimator, None where it is not learnt.
    kind : ndarray of shape (n_components,), int
        Kinds of the components.
    n_treatments : int
        Number of arms.
    """

    encoding: Encoding
    trees: list
    kind: np.ndarray
    n_treatments: int

    def prior(self):
        """Return the prior means of its weights: it counts as far as held-out rows show."""
        return 0.0, 0.0

    def links(self, columns):
        """Return links of shape (n_models, n_samples, n_treatments, n_components)."""
        features = own_columns(columns, self.encoding)
        n_rows = len(features)
        arms = np.repeat(np.arange(self.n_treatments, dtype=features.dtype), n_rows)
        rows = np.column_stack([np.tile(features, (self.n_treatments, 1)), arms])
        shape = len(self.trees), n_rows, self.n_treatments, len(self.kind)
        links = np.zeros(shape, dtype=columns.dtype)
        for m, by_component in enumerate(self.trees):
            for c, trees in enumerate(by_component):
                if trees is not None:
                    values = _links(trees, rows, self.kind[c])
                    links[m, :, :, c] = values.reshape(self.n_treatments, n_rows).T
        return links


def fit_boosted(rows, random_state):
    """Fit the trees.

    Parameters
    ----------
    rows : TrainingRows
        Rows in folds.
    random_state : int
        Seed of the choice of rows that tell where features are cut, of many.

    Returns
    -------
    model : BoostedModel
        One model for each fold and component.
    """
    features = encode_own(rows.features, rows.encoding, np.float32)
    features = np.column_stack([features, rows.arm.astype(np.float32)])
    n_components = len(rows.components.kind)
    trees = [
        [_fit(features, rows, m, c, random_state) for c in range(n_components)]
        for m in range(rows.n_models)
    ]
    n_treatments = len(rows.components.source)
    return BoostedModel(rows.encoding, trees, rows.components.kind, n_treatments)


def _fit(features, rows, m, c, random_state):
    """Fit the trees of a component on all folds but one, which stops them."""
    kind, taught = rows.components.kind[c], rows.weights[:, c] > 0
    train = np.flatnonzero(taught & (rows.fold != m))
    held_out = np.flatnonzero(taught & (rows.fold == m))
    target, weight = rows.targets[:, c], rows.weights[:, c]
    if kind == AMOUNT or len(train) < LEAST_ROWS or np.ptp(target[train]) == 0:
        return None
    trees = _untrained(kind, len(rows.components.source), features.shape[1], random_state)
    # Weighted bins take ten times as long: equal weights are left out.
    weigh = np.ptp(weight[taught]) > 0
    arrays = {"sample_weight": weight[train]} if weigh else {}
    if len(held_out):
        trees.set_params(early_stopping=True, n_iter_no_change=PATIENCE)
        arrays |= {"X_val": features[held_out], "y_val": target[held_out]}
        if weigh:
            arrays["sample_weight_val"] = weight[held_out]
    return trees.fit(features[train], target[train], **arrays)


def _untrained(kind, n_treatments, n_columns, random_state):
    settings = {**SETTINGS, "early_stopping": False, "random_state": random_state}
    if 2 < n_treatments <= MOST_CATEGORIES:
        settings["categorical_features"] = [n_columns - 1]
    if kind == INDICATOR:
        return HistGradientBoostingClassifier(**settings)
    return HistGradientBoostingRegressor(
        loss="poisson" if kind == POSITIVE else "squared_error", **settings
    )


def _links(trees, rows, kind):
    if kind == INDICATOR:
        return trees.decision_function(rows)
    means = trees.predict(rows)
    return means if kind == CONTINUOUS else np.log(np.maximum(means, LEAST_MEAN))
