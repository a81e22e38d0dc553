"""Expected outcomes of all arms by a causal forest: a level, and effects over the control."""

from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc.rivals._held_out import deal_folds
from sklearn_hrc.rivals._outcome_models import fit_weighted

__all__ = ["ForestModel", "centred_arms", "expect_by_forest", "fit_forest", "held_out_mean"]

N_FOLDS = 5


class ForestModel(NamedTuple):
    """What predicts one outcome.

    Attributes
    ----------
    known : ndarray of shape (n_treatments,)
        The outcome of arms where it is constant, else NaN.
    control : int
        Index of the control.
    treated : ndarray of shape (n_treated,)
        Other arms, whose outcome is not known.
    level : regressor or None
        Of the mean over the control and `treated`, all equally likely. None where it is not
        needed, as the control is known.
    forest : CausalForest or None
        Of the effects of `treated`.
    """

    known: np.ndarray
    control: int
    treated: np.ndarray
    level: Any
    forest: Any


def fit_forest(regression, forest, y, known, rows, rng):
    """Fit the level and the effects of one outcome.

    Parameters
    ----------
    regression : regressor
        Cloned for the mean of the outcome.
    forest : CausalForest
        Not fitted.
    y : ndarray of shape (n_samples,)
        Outcome.
    known : ndarray of shape (n_treatments,)
        As in `ForestModel`. Rows of arms that are known are left out, but for the control.
    rows : ExperimentRows
        Rows.
    rng : RandomState
        Deals rows to folds.

    Returns
    -------
    model : ForestModel
        For new rows.
    expected : ndarray of shape (n_samples, n_treatments), float64
        Expected outcomes of these rows, by folds and trees that have not seen the row.
    """
    unknown = np.flatnonzero(np.isnan(known))
    treated = unknown[unknown != rows.control]
    if not len(unknown):
        model = ForestModel(known, rows.control, treated, None, None)
        return model, expect_by_forest(model, rows.X)
    learn = np.isin(rows.arm, [rows.control, *treated]) & (rows.inverse > 0)
    X, arm, weight = rows.X[learn], rows.arm[learn], rows.inverse[learn]
    unit = None if rows.unit is None else np.unique(rows.unit[learn], return_inverse=True)[1]
    fold = deal_folds(arm, weight > 0, N_FOLDS, rng, unit)
    mean = held_out_mean(regression, X, y[learn], weight, fold)
    if len(treated):
        error = y[learn] - mean
        forest.fit(X, centred_arms(arm, treated), error, sample_weight=weight / weight.mean())
    level = fit_weighted(regression, X, y[learn], weight) if rows.control in unknown else None
    model = ForestModel(known, rows.control, treated, level, forest if len(treated) else None)
    effects = _out_of_bag(forest, X) if len(treated) else np.empty((len(X), 0))
    expected = np.empty((len(learn), len(known)))
    expected[learn] = _in_parts(model, mean, effects)
    if not learn.all():
        expected[~learn] = expect_by_forest(model, rows.X[~learn])
    return model, expected


def expect_by_forest(model, X):
    """Return the expected outcome of every row under every arm.

    Parameters
    ----------
    model : ForestModel
        From `fit_forest`.
    X : ndarray of shape (n_samples, n_features)
        Features.

    Returns
    -------
    expected : ndarray of shape (n_samples, n_treatments), float64
        Means.
    """
    effects = np.empty((len(X), 0)) if model.forest is None else model.forest.predict(X)
    mean = np.zeros(len(X)) if model.level is None else model.level.predict(X)
    return _in_parts(model, mean, effects)


def held_out_mean(regression, X, y, weight, fold):
    """Return the mean of an outcome given the features, by models that have not seen the row.

    Parameters
    ----------
    regression : regressor
        Cloned for each fold, and fitted to the others.
    X : ndarray of shape (n_samples, n_features)
        Features.
    y : ndarray of shape (n_samples,)
        Outcome.
    weight : ndarray of shape (n_samples,)
        Weights.
    fold : ndarray of shape (n_samples,)
        Index of the fold of each row.

    Returns
    -------
    mean : ndarray of shape (n_samples,), float64
        Predictions.
    """
    mean = np.empty(len(y))
    for k in np.unique(fold):
        held_out = fold == k
        model = fit_weighted(regression, X[~held_out], y[~held_out], weight[~held_out])
        mean[held_out] = model.predict(X[held_out])
    return mean


def centred_arms(arm, treated):
    """Return indicators of arms less their probabilities among rows of inverse propensities.

    Parameters
    ----------
    arm : ndarray of shape (n_samples,)
        Received arm: the control, or one of the others. By their weights all are equally likely.
    treated : ndarray of shape (n_treated,)
        The arms that are not the control.

    Returns
    -------
    centred : ndarray of shape (n_samples, n_treated), float64
        Their weighted mean is zero.
    """
    return (arm[:, None] == treated) - 1 / (len(treated) + 1)


def _in_parts(model, mean, effects):
    """Expected outcome of every arm from the mean over arms and the effects."""
    expected = np.tile(model.known, (len(mean), 1))
    if model.level is not None:
        expected[:, model.control] = mean - effects.sum(axis=1) / (effects.shape[1] + 1)
    expected[:, model.treated] = expected[:, [model.control]] + effects
    return expected


def _out_of_bag(forest, X):
    """Effects by the trees that have not seen the row, or by all trees where all have."""
    effects = forest.oob_predict(X)
    seen = np.isnan(effects).any(axis=1)
    if seen.any():
        effects[seen] = forest.predict(X[seen])
    return effects
