"""Expected response and cost under every arm by ordinary regressions."""

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

__all__ = ["expect_outcomes", "fit_of_all_arms", "fit_per_arm", "fit_weighted"]


def fit_of_all_arms(estimator, X, y, rows, known):
    """Fit one regression of an outcome whose last feature is the index of the arm (S-learner).

    Parameters
    ----------
    estimator : regressor
        Cloned.
    X : ndarray of shape (n_samples, n_features)
        Features.
    y : ndarray of shape (n_samples,)
        Outcome.
    rows : ExperimentRows
        Arms and weights.
    known : ndarray of shape (n_treatments,)
        The outcome of arms where it is constant, else NaN. Their rows are left out.

    Returns
    -------
    models : list
        For each arm None where it is constant, else a function of features.
    """
    unknown = np.isnan(known)
    learn = unknown[rows.arm] & (rows.weight > 0)
    if not learn.any():
        return [None] * len(known)
    with_arm = np.column_stack([X, rows.arm])[learn]
    model = fit_weighted(estimator, with_arm, y[learn], rows.weight[learn])
    return [_OfArm(model, arm) if unknown[arm] else None for arm in range(len(known))]


def fit_per_arm(estimator, X, y, rows, known):
    """Fit a regression of an outcome to the rows of each arm (T-learner).

    Parameters and result are those of `fit_of_all_arms`.
    """
    models = []
    for arm, value in enumerate(known):
        learn = (rows.arm == arm) & (rows.weight > 0)
        is_known = not np.isnan(value)
        given = (X[learn], y[learn], rows.weight[learn])
        models.append(None if is_known else fit_weighted(estimator, *given).predict)
    return models


def expect_outcomes(models, known, X):
    """Return the expected outcome of every row under every arm.

    Parameters
    ----------
    models : list
        From one of the functions above.
    known : ndarray of shape (n_treatments,)
        As there.
    X : ndarray of shape (n_samples, n_features)
        Features.

    Returns
    -------
    expected : ndarray of shape (n_samples, n_treatments), float64
        Means.
    """
    expected = np.empty((len(X), len(known)))
    for arm, model in enumerate(models):
        expected[:, arm] = known[arm] if model is None else model(X)
    return expected


class _OfArm:
    """A regression at one arm. A class, so that it can be pickled."""

    def __init__(self, model, arm):
        self.model, self.arm = model, arm

    def __call__(self, X):
        return self.model.predict(np.column_stack([X, np.full(len(X), self.arm)]))


def fit_weighted(estimator, X, y, weight):
    """Fit a clone, without weights where all are equal."""
    model = clone(estimator)
    if np.ptp(weight) == 0:
        return model.fit(X, y)
    if isinstance(model, Pipeline):
        step = model[-1]
        if has_fit_parameter(step, "sample_weight"):
            # Step by step, which works with metadata routing and without.
            before = model[:-1].fit_transform(X, y) if len(model) > 1 else X
            step.fit(before, y, sample_weight=weight)
            return model
    elif has_fit_parameter(model, "sample_weight"):
        return model.fit(X, y, sample_weight=weight)
    raise ValueError(
        f"estimator is expected to take sample_weight in fit where weights differ, got a "
        f"{type(model).__name__}; leave sample_weight out, or use another estimator."
    )
