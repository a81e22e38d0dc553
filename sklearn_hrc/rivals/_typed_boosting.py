"""Boosted trees whose losses suit the outcome."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_hrc._experiment import restore_on_error

__all__ = ["TypedBoostingRegressor"]

# From so many zeros on, an amount is modelled in two parts.
MANY_ZEROS = 0.05
# With fewer positive outcomes than this a classifier has too little to hold out.
FEWEST_POSITIVE = 10


class TypedBoostingRegressor(RegressorMixin, BaseEstimator):
    """Regression by boosted trees whose losses suit the outcome.

    An outcome of zeros and ones gets the probability of a classifier. An amount that is never
    negative and often zero gets the probability that it is positive times its mean if it is, by
    trees of the gamma deviance. Any other outcome, or one that is hardly ever positive, gets trees
    of the squared error.

    Parameters
    ----------
    learning_rate : float, default=0.1
        Shrinkage of each tree.
    max_iter : int, default=100
        Trees at most.
    max_leaf_nodes : int, default=31
        Leaves of a tree at most.
    min_samples_leaf : int, default=20
        Rows of a leaf at least.
    l2_regularization : float, default=0.0
        Penalty on leaves.
    early_stopping : bool or "auto", default="auto"
        As in :class:`~sklearn.ensemble.HistGradientBoostingRegressor`.
    categorical_features : array-like, default=None
        As there.
    random_state : int, RandomState instance or None, default=None
        Draws the rows that stop the training.

    Attributes
    ----------
    occurrence_ : HistGradientBoostingClassifier or None
        Of the outcome being positive. None where the squared error is used.
    amount_ : HistGradientBoostingRegressor or None
        Of the outcome, given that it is positive where there is an `occurrence_`. None where it
        is one whenever it is positive.
    n_iter_ : int
        Trees, or trees of the longer of both parts.
    n_features_in_ : int
        Number of columns seen in `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hrc.rivals import TypedBoostingRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 2))
    >>> spend = (rng.random(2000) < 0.3) * rng.gamma(2, 10 * np.exp(X[:, 0]))
    >>> model = TypedBoostingRegressor(random_state=0).fit(X, spend)
    >>> model.predict([[2.0, 0.0]]) > model.predict([[-2.0, 0.0]])
    array([ True])
    """

    def __init__(
        self,
        *,
        learning_rate: float = 0.1,
        max_iter: int = 100,
        max_leaf_nodes: int = 31,
        min_samples_leaf: int = 20,
        l2_regularization: float = 0.0,
        early_stopping: bool | str = "auto",
        categorical_features: ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.early_stopping = early_stopping
        self.categorical_features = categorical_features
        self.random_state = random_state

    @restore_on_error
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the trees.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Outcome.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        self : TypedBoostingRegressor
            Fitted regression.
        """
        X, y = validate_data(self, X, y, y_numeric=True, dtype=[np.float64, np.float32])
        weight = None if sample_weight is None else np.asarray(sample_weight)
        parameters = self.get_params() | {"random_state": check_random_state(self.random_state)}
        positive = y > 0
        self.occurrence_ = self.amount_ = None
        if y.min() < 0 or np.mean(~positive) < MANY_ZEROS or positive.sum() < FEWEST_POSITIVE:
            self.amount_ = HistGradientBoostingRegressor(**parameters).fit(X, y, weight)
            self.n_iter_ = self.amount_.n_iter_
            return self
        self.occurrence_ = HistGradientBoostingClassifier(**parameters).fit(X, positive, weight)
        if np.any(y[positive] != 1):
            amount = HistGradientBoostingRegressor(loss="gamma", **parameters)
            self.amount_ = amount.fit(
                X[positive], y[positive], None if weight is None else weight[positive]
            )
        parts = (self.occurrence_, self.amount_)
        self.n_iter_ = max(part.n_iter_ for part in parts if part is not None)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the mean of the outcome.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Columns as in `fit`.

        Returns
        -------
        mean : ndarray of shape (n_samples,), float64
            Expected outcome of each row.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        mean = np.ones(len(X))
        if self.occurrence_ is not None:
            mean *= self.occurrence_.predict_proba(X)[:, 1]
        if self.amount_ is not None:
            mean *= self.amount_.predict(X)
        return mean
