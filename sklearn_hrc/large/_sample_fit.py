"""Fit a policy to the sample."""

import warnings
from typing import Any

import sklearn
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sklearn_hrc._clusterer import HiddenClusterer
from sklearn_hrc._representer import MultiTaskRepresenter

__all__ = ["fit_to_sample"]

# Clusters are fitted to so many rows of the sample at most, some thousands for each cluster.
# Their columns for all rows would take many times the memory of the features.
CLUSTER_ROWS = 200_000
# Begin of the warning that networks give when their training has been interrupted.
_INTERRUPTED = "Interrupted in epoch"


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
