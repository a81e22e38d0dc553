"""Find the steps and the final policy inside pipelines, searches and frozen estimators."""

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sklearn_hrc._clusterer import HiddenClusterer
from sklearn_hrc._policy import ClusterPolicyMixin, PolicyMixin
from sklearn_hrc._representer import MultiTaskRepresenter

__all__ = [
    "fitted_clusterer",
    "is_search",
    "split_preprocessing",
    "transform_through",
    "unwrap_policy",
]

# What errors call classes that users do not know.
_KINDS = {PolicyMixin: "policy", ClusterPolicyMixin: "policy of clusters"}


def unwrap_policy(estimator, kind=ClusterPolicyMixin, name="estimator"):
    """Return the steps of a policy and its last step.

    Parameters
    ----------
    estimator : estimator
        A policy, or a pipeline, search or frozen estimator of one, fitted or not.
    kind : type, default=ClusterPolicyMixin
        Required class of the last step. `PolicyMixin` is any policy.
    name : str, default="estimator"
        Parameter that the error names.

    Returns
    -------
    steps : list of transformers
        Steps before the last, in order.
    policy : estimator
        The last step.
    """
    inner = _unpack(estimator)
    if isinstance(inner, Pipeline):
        steps, policy = unwrap_policy(inner.steps[-1][1], kind, name)
        before = [step for _, step in inner.steps[:-1] if step not in (None, "passthrough")]
        return before + steps, policy
    if not isinstance(inner, kind):
        raise ValueError(
            f"{name} is expected to end in a {_KINDS.get(kind, kind.__name__)}, "
            f"got a {type(inner).__name__}."
        )
    return [], inner


def split_preprocessing(steps):
    """Divide steps into those before the representation and the rest.

    Without a representer or clusterer of this package, the last step makes the clusters.
    """
    for place, step in enumerate(steps):
        if isinstance(_unpack(step), (MultiTaskRepresenter, HiddenClusterer)):
            return steps[:place], steps[place:]
    return steps[:-1], steps[-1:]


def transform_through(steps, X):
    """Apply fitted transformers one after the other."""
    for step in steps:
        X = step.transform(X)
    return X


def fitted_clusterer(steps):
    """Return the last step if it is a clusterer of this package, else None."""
    last = _unpack(steps[-1]) if steps else None
    return last if isinstance(last, HiddenClusterer) else None


def is_search(estimator):
    """Tell whether an estimator searches the parameters of another one."""
    return hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions")


def _unpack(estimator):
    if isinstance(estimator, FrozenEstimator):
        return _unpack(estimator.estimator)
    if hasattr(estimator, "best_estimator_"):
        return _unpack(estimator.best_estimator_)
    if is_search(estimator):
        return _unpack(estimator.estimator)  # a search that is not fitted yet
    return estimator
