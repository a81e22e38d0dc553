"""Arms of rows at several budgets, by any fitted policy."""

from typing import Any

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sklearn_hrc._compat import HasMethods, validate_params
from sklearn_hrc._experiment import as_numbers

__all__ = ["predict_budgets"]


@validate_params(
    {"policy": [HasMethods(["fit"])], "X": "no_validation", "budgets": ["array-like"]},
    prefer_skip_nested_validation=True,
)
def predict_budgets(policy: BaseEstimator, X: ArrayLike, budgets: ArrayLike) -> NDArray[Any]:
    """Choose an arm for each row at several budgets, and leave the policy as it is.

    Parameters
    ----------
    policy : estimator
        Fitted :class:`~sklearn_hrc.ClusterBudgetAllocator` or
        :class:`~sklearn_hrc.DistilledAllocator`, a pipeline that ends in one, a search over it,
        or any of these frozen.
    X : array-like of shape (n_samples, n_features)
        Columns as in the `fit` of `policy`.
    budgets : array-like of shape (n_budgets,)
        Mean costs per individual.

    Returns
    -------
    arms : ndarray of shape (n_budgets, n_samples)
        Treatment labels, as :func:`budget_curve` takes them.

    Raises
    ------
    ValueError
        If `policy` does not end in a policy, or a budget is too small for it.

    See Also
    --------
    sklearn_hrc.model_selection.cross_fit_arms : By policies that have not seen the row.

    Examples
    --------
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.metrics import predict_budgets
    >>> e = make_coupon_experiment(2000, n_treatments=3, random_state=0)
    >>> segment = (e.data[:, :1] > 0).astype(int)
    >>> policy = ClusterBudgetAllocator(budget=1.0).fit(
    ...     segment, e.target, treatment=e.treatment, cost=e.cost)
    >>> predict_budgets(policy, segment, [0.5, 1.0]).shape
    (2, 2000)
    """
    # Imported here, since the policies import this package.
    from sklearn_hrc._policy import PolicyMixin
    from sklearn_hrc._unwrap import transform_through, unwrap_policy

    budgets = as_numbers(budgets, "budgets")
    if budgets.ndim != 1:
        raise ValueError(f"budgets is expected to be one-dimensional, got shape {budgets.shape}.")
    steps, last = unwrap_policy(policy, PolicyMixin, "policy")
    return last.predict_budgets(transform_through(steps, X), budgets)
