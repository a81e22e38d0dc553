"""Expected outcomes of every arm, by models that have not seen the row."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from sklearn_hrc._compat import HasMethods, validate_params
from sklearn_hrc._experiment import check_experiment, check_labels
from sklearn_hrc.metrics._folds import check_folds

__all__ = ["cross_fit_outcomes"]

# For standardised features: from hardly any shrinkage to little but the mean of the arm.
_PENALTIES = np.logspace(-1, 5, 13)
# Fewer rows cannot choose a penalty.
_LEAST_ROWS = 5


@validate_params(
    {
        "y": ["array-like"],
        "treatment": ["array-like"],
        "cost": ["array-like", None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "cv": ["cv_object"],
        "groups": ["array-like", None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def cross_fit_outcomes(
    X: ArrayLike,
    y: ArrayLike,
    *,
    treatment: ArrayLike,
    cost: ArrayLike | None = None,
    estimator: BaseEstimator | None = None,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> NDArray[np.float64]:
    """Predict what each row would bring, and cost, under every arm.

    For each fold, arm and outcome a model is fitted to the rows of the other folds that
    received the arm. All rows have the same weight. The doubly robust value of a policy
    (:func:`policy_value`) is unbiased whatever the models are, on two conditions: propensities
    are right, and no model has seen the row that it predicts, nor another row of its group.
    The better the models are, the smaller is the error of the value.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Features, as `estimator` takes them.
    y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
        Observed outcomes.
    treatment : array-like of shape (n_samples,)
        Received arm.
    cost : array-like of shape (n_samples,), default=None
        Realised cost of the received arm, which becomes the last outcome.
    estimator : regressor, default=None
        Cloned for each model. None is ridge regression on standardised features, with a
        penalty chosen by leave-one-out validation. Where an arm has fewer than five rows, None
        is their mean.
    cv : int, splitter or iterable, default=5
        Folds. An integer is their number, and None is five. Such folds are shuffled, and each
        has its share of every arm. Every row must be in one test part, and every arm in all
        training parts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rows that belong together, such as a household. An integer `cv` keeps them
        in one fold, and a splitter gets the labels.
    random_state : int, RandomState instance or None, default=None
        Draws the folds of an integer `cv`.

    Returns
    -------
    outcomes : ndarray of shape (n_samples, n_treatments, n_columns), float64
        Expected outcomes, with the arms in sorted order. The columns are those of `y`
        and, if it is given, the cost.

    Raises
    ------
    ValueError
        If the test parts of `cv` are no partition of the rows, or a training part lacks
        an arm.

    References
    ----------
    Chernozhukov et al. (2018), Double/debiased machine learning, `arXiv:1608.00060
    <https://arxiv.org/abs/1608.00060>`_.

    Examples
    --------
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.metrics import cross_fit_outcomes
    >>> e = make_coupon_experiment(1000, n_treatments=3, random_state=0)
    >>> cross_fit_outcomes(
    ...     e.data, e.target, treatment=e.treatment, cost=e.cost, random_state=0).shape
    (1000, 3, 3)
    """
    n_samples = _num_samples(X)
    experiment = check_experiment(
        y, treatment=treatment, cost=cost, propensity=None, sample_weight=None, n_samples=n_samples
    )
    if groups is not None:
        groups = check_labels(groups, n_samples, "groups")
    values = experiment.outcomes
    if cost is not None:
        values = np.column_stack([values, experiment.cost])
    if estimator is not None and is_classifier(estimator):
        raise ValueError(
            "estimator is expected to be a regressor, which predicts means, got "
            f"{type(estimator).__name__}."
        )
    folds = check_folds(cv, experiment, groups, random_state)
    expected = np.empty((n_samples, len(experiment.treatments), values.shape[1]))
    for train, test in folds:
        held_out = _safe_indexing(X, test)
        for j in range(expected.shape[1]):
            rows = train[experiment.arm[train] == j]
            received = _safe_indexing(X, rows)
            for k in range(expected.shape[2]):
                model = _default_model(len(rows)) if estimator is None else clone(estimator)
                expected[test, j, k] = model.fit(received, values[rows, k]).predict(held_out)
    return expected


def _default_model(n_rows):
    if n_rows < _LEAST_ROWS:
        return DummyRegressor()
    return make_pipeline(StandardScaler(), RidgeCV(alphas=_PENALTIES))
