"""From a fitted policy to its parts."""

from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._clusterer import HiddenClusterer
from sklearn_hrc._distiller import DistilledAllocator
from sklearn_hrc._representer import MultiTaskRepresenter
from sklearn_hrc._unwrap import split_preprocessing, transform_through, unwrap_policy
from sklearn_hrc.export._export_policy import as_fitted
from sklearn_hrc.export._manifest import features_of
from sklearn_hrc.export._trace import trace_matrix
from sklearn_hrc.export._vectors import may_be_missing
from sklearn_hrc.large._policy_parts import PolicyParts

__all__ = ["parts_of"]


def parts_of(policy: Any, X: Any) -> PolicyParts:
    """Take a fitted policy apart.

    Parameters
    ----------
    policy : Pipeline or DistilledAllocator
        As in `dump_policy`.
    X : array-like of shape (n_samples, n_features)
        As in `dump_policy`.

    Returns
    -------
    parts : PolicyParts
        Plain arrays and bytes.
    """
    steps, last = unwrap_policy(policy, name="policy")
    check_is_fitted(last)
    student = labels = None
    if isinstance(last, DistilledAllocator):
        # Its teacher has the preprocessing once more.
        student, labels = last.student_, last._labels
        steps = [*steps, *last._teaching_steps]
    preprocessing, rest = split_preprocessing(steps)
    representer, clusterer = _two_steps(rest)
    X = as_fitted(X, preprocessing, policy)
    traced = trace_matrix(preprocessing, student, X)
    gaps = may_be_missing(lambda rows: transform_through(preprocessing, rows), X, traced.names)
    matrix = transform_through(preprocessing, X[:1])
    return PolicyParts(
        traced.model,
        features_of(traced, gaps),
        check_array(matrix, dtype=[np.float64, np.float32]).dtype.name,
        representer._representation,
        clusterer._clustering if student is None else None,
        labels,
    )


def _two_steps(steps):
    """Representer and clusterer, the only steps that plain arrays hold."""
    steps = [getattr(step, "estimator", step) for step in steps]  # frozen ones
    kinds = [type(step) for step in steps]
    if kinds != [MultiTaskRepresenter, HiddenClusterer]:
        got = ", ".join(kind.__name__ for kind in kinds) or "none"
        raise TypeError(
            "policy is expected to have a MultiTaskRepresenter and a HiddenClusterer after its "
            f"preprocessing, got {got}; fit a policy with these steps."
        )
    return steps
