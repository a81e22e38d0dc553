"""Held-out decisions for every row of an experiment, and choice among candidates."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _num_samples

from sklearn_hrc._compat import HasMethods, validate_params
from sklearn_hrc._experiment import check_experiment, check_labels
from sklearn_hrc._fold_fits import ask_fold
from sklearn_hrc._one_standard_error import one_standard_error
from sklearn_hrc._policy import PolicyMixin
from sklearn_hrc._unwrap import unwrap_policy
from sklearn_hrc.metrics._folds import check_folds

__all__ = ["cross_fit_arms", "one_standard_error"]


@validate_params(
    {
        "policy": [HasMethods(["fit"])],
        "y": ["array-like"],
        "budgets": ["array-like"],
        "treatment": ["array-like"],
        "cost": ["array-like", None],
        "propensity": ["array-like", None],
        "sample_weight": ["array-like", None],
        "cv": ["cv_object"],
        "groups": ["array-like", None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def cross_fit_arms(
    policy: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    budgets: ArrayLike,
    treatment: ArrayLike,
    cost: ArrayLike | None = None,
    propensity: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> NDArray[Any]:
    """Let policies choose arms for the rows that they were not fitted to.

    For each fold a clone of the policy is fitted to the other folds and decides the rows
    of this fold at every budget. So all rows of an experiment judge the policy
    (:func:`~sklearn_hrc.metrics.budget_curve`), not only those of a test part. The result
    judges policies that are fitted to such a part of the rows, on average. The folds
    are random, too, so repeat with other values of `random_state`.

    Parameters
    ----------
    policy : estimator
        :class:`~sklearn_hrc.ClusterBudgetAllocator`,
        :class:`~sklearn_hrc.DistilledAllocator`, a pipeline that ends in one, or a
        search over it. The policy is cloned and does not change. Metadata are routed even if
        routing is off. A frozen step is not fitted anew and has seen all rows.
    X : array-like of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
        Observed outcomes.
    budgets : array-like of shape (n_budgets,)
        Mean costs per individual.
    treatment : array-like of shape (n_samples,)
        Received arm.
    cost, propensity, sample_weight : array-like of shape (n_samples,), default=None
        Arrays that are passed to `fit` if they are given.
    cv : int, splitter or iterable, default=5
        Folds. An integer is the number of shuffled folds, each with its share of every arm.
        None stands for five. Every row must be in one test part, and every arm in all training
        parts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rows that belong together, such as a household, and are kept in one
        fold. A splitter gets the groups. Each `fit` gets them, too, and keeps groups together in
        its own folds. Inner folds of a search need a splitter that groups, such as
        :class:`~sklearn.model_selection.GroupKFold`.
    random_state : int, RandomState instance or None, default=None
        Draws the folds of an integer `cv`.
    n_jobs : int, default=None
        Number of folds that are fitted at the same time, as in :class:`joblib.Parallel`. Set
        `OMP_NUM_THREADS=1` along with it, since processes with a pool of threads each hinder
        one another.
    verbose : int, default=0
        If not zero, prints a line for each fold that is done.

    Returns
    -------
    arms : ndarray of shape (n_budgets, n_samples)
        Treatment labels.

    Raises
    ------
    ValueError
        If the test parts of `cv` are no partition of the rows, or an arm is missing
        in a training part. Errors of a `fit` or a plan have a note that names the fold.

    See Also
    --------
    sklearn_hrc.metrics.cross_fit_outcomes : Expected outcomes, in the same manner.
    sklearn_hrc.metrics.budget_curve : Gain and cost of these decisions.

    Examples
    --------
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.metrics import budget_curve
    >>> from sklearn_hrc.model_selection import cross_fit_arms
    >>> e = make_coupon_experiment(2000, n_treatments=3, random_state=0)
    >>> segment = (e.data[:, :1] > 0).astype(int)
    >>> rows = {"treatment": e.treatment, "cost": e.cost}
    >>> arms = cross_fit_arms(
    ...     ClusterBudgetAllocator(), segment, e.target, budgets=[0.5, 1.0],
    ...     random_state=0, **rows)
    >>> curve = budget_curve(arms, e.target[:, 0], control=0, **rows)
    """
    n_samples = _num_samples(X)
    metadata = {
        "treatment": treatment,
        "cost": cost,
        "propensity": propensity,
        "sample_weight": sample_weight,
    }
    aligned_with = {"X": X, "groups": groups}
    experiment = check_experiment(y, n_samples=n_samples, aligned_with=aligned_with, **metadata)
    if groups is not None:
        groups = check_labels(groups, n_samples, "groups")
    unwrap_policy(policy, PolicyMixin, "policy")
    budgets = np.ravel(budgets)
    given = {**metadata, "groups": groups}
    given = {name: values for name, values in given.items() if values is not None}
    folds = check_folds(cv, experiment, groups, random_state)
    decided = Parallel(n_jobs=n_jobs)(
        delayed(_decide_fold)(clone(policy), X, y, given, budgets, fold, number, verbose)
        for number, fold in enumerate(folds)
    )
    arms = np.empty((len(budgets), n_samples), dtype=experiment.treatments.dtype)
    for (_, test), chosen in zip(folds, decided):
        arms[:, test] = chosen
    return arms


def _decide_fold(policy, X, y, given, budgets, fold, number, verbose):
    """Fit a policy to the training part of a fold, and decide the rows of its test part."""

    def decide(last, Z):
        return last.predict_budgets(Z, budgets)

    how = {"caller": "cross_fit_arms", "verbose": verbose}
    return ask_fold(policy, X, y, given, fold, number, decide, **how)
