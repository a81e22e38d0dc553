"""Check a policy before rows are read, and fit it to the sample."""

import warnings
from typing import Any

import sklearn
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sklearn_hrc._allocator import ClusterBudgetAllocator
from sklearn_hrc._clusterer import HiddenClusterer
from sklearn_hrc._distiller import DistilledAllocator
from sklearn_hrc._parameters import check_budget, resolve_objective
from sklearn_hrc._problem import check_is_for_clusters, check_steps
from sklearn_hrc._representer import MultiTaskRepresenter
from sklearn_hrc._unwrap import is_search, unwrap_policy
from sklearn_hrc.rules._rule import check_rules
from sklearn_hrc.tables._named_columns import as_names
from sklearn_hrc.tables._table_cleaner import TableCleaner

__all__ = ["check_policy", "fit_to_sample", "keep_features"]

# Clusters are fitted to so many rows of the sample at most, some thousands for each cluster.
# Their columns for all rows would take many times the memory of the features.
CLUSTER_ROWS = 200_000
# Begin of the warning that networks give when their training has been interrupted.
_INTERRUPTED = "Interrupted in epoch"


def check_policy(policy: BaseEstimator, outcome: list, *, has_cost: bool) -> None:
    """Say what is wrong with the parameters of a policy as far as no row is needed to tell.

    Parameters
    ----------
    policy : estimator
        Not fitted yet. A search sets parameters itself, so those below it are passed over.
    outcome : list of str
        Names of the outcomes.
    has_cost : bool
        Whether the table has a column of costs.
    """
    steps, allocator = _steps_of(policy)
    parts = [policy, *policy.get_params(deep=True).values()]
    if any(is_search(part) for part in parts):
        return
    for part in parts:
        if isinstance(part, BaseEstimator) and hasattr(part, "_parameter_constraints"):
            part._validate_params()
    if not isinstance(allocator, ClusterBudgetAllocator):
        return
    check_budget(allocator.budget)
    resolve_objective(allocator.objective, outcome)
    check_steps(allocator.rules, steps)
    for rule in check_rules(allocator.rules):
        check_is_for_clusters(rule)
    if not has_cost and allocator.arm_cost is None:
        raise ValueError(
            "cost is expected to name a column where the allocator has no arm_cost, a price for "
            "each arm, got neither; give one of them."
        )


def keep_features(policy: BaseEstimator, features: list) -> BaseEstimator:
    """Have a policy for raw tables keep all features: which are ids has been decided before."""
    steps, _ = _steps_of(policy)
    if steps and isinstance(steps[0], TableCleaner):
        further = [name for name in as_names(steps[0].keep, "keep") if name not in features]
        steps[0].set_params(keep=[*features, *further])
    return policy


def fit_to_sample(policy: BaseEstimator, X: Any, y: Any, metadata: dict[str, Any]) -> BaseEstimator:
    """Fit a policy to rows in random order.

    Parameters
    ----------
    policy : estimator
        Not fitted yet.
    X : DataFrame of shape (n_rows, n_features)
        Features.
    y : Series or DataFrame
        Outcomes.
    metadata : dict
        Treatment, cost, ..., each of shape (n_rows,).

    Returns
    -------
    policy : estimator
        The same, fitted. In a pipeline with a representer, a clusterer and an allocator at
        its end, clusters are those of the first rows.

    Raises
    ------
    KeyboardInterrupt
        If the training of networks was interrupted, since that could not be repeated.
    """
    with sklearn.config_context(enable_metadata_routing=True), warnings.catch_warnings():
        warnings.filterwarnings("always", message=_INTERRUPTED)
        # A filter that makes an error of it would not do: a search goes on after an error.
        warnings.showwarning = _stopping(warnings.showwarning)
        if len(X) <= CLUSTER_ROWS or not _is_in_three(policy):
            return policy.fit(X, y, **metadata)
        return _fit_in_parts(policy, X, y, metadata)


def _steps_of(policy):
    """Return all steps of a policy and its allocator, or the last step where that has its own."""
    steps, last = unwrap_policy(policy, name="policy")
    if isinstance(last, DistilledAllocator) and last.estimator is not None:
        taught, last = unwrap_policy(last.estimator)
        steps = [*steps, *taught]
    return steps, last


def _stopping(show):
    """Return a function that shows warnings, but stops at that of an interrupted training."""

    def show_or_stop(message, *where):
        if str(message).startswith(_INTERRUPTED):
            raise KeyboardInterrupt(str(message))
        show(message, *where)

    return show_or_stop


def _is_in_three(policy):
    """Tell whether a policy ends in a representer, a clusterer and another step."""
    if not isinstance(policy, Pipeline) or len(policy.steps) < 3:
        return False
    return isinstance(policy[-3], MultiTaskRepresenter) and isinstance(policy[-2], HiddenClusterer)


def _fit_in_parts(policy, X, y, metadata):
    before, after = policy[:-2], policy[-2:]
    before.fit(X, y, **metadata)
    first = slice(0, CLUSTER_ROWS)
    rows = {name: values[first] for name, values in metadata.items()}
    after.fit(before.transform(X[first]), y[first], **rows)
    # A pipeline with a memory fits clones of its steps.
    policy.steps = [*before.steps, *after.steps]
    return policy
