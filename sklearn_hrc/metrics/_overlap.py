"""How many rows of an experiment support a policy."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from sklearn_hrc._compat import validate_params
from sklearn_hrc.metrics._arms import index_arms
from sklearn_hrc.metrics._checks import ROWS, check_rows, count_rows
from sklearn_hrc.metrics._evaluation_rows import received_propensity

__all__ = ["effective_sample_size", "policy_overlap"]


@validate_params(
    {
        "arms": ["array-like"],
        **{name: ROWS[name] for name in ("treatment", "propensity", "sample_weight")},
    },
    prefer_skip_nested_validation=True,
)
def policy_overlap(
    arms: ArrayLike,
    *,
    treatment: ArrayLike,
    propensity: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Bunch:
    """Count the rows that support a policy, arm by arm.

    The value of a policy rests on the rows that received the arm that the policy gives.
    Where these rows are few, or few of them carry most of the weight, neither the value nor
    its standard error can be trusted.

    Parameters
    ----------
    arms : array-like of shape (n_samples,)
        Arm that the policy gives to each row.
    treatment : array-like of shape (n_samples,)
        Received arm.
    propensity : array-like of shape (n_samples,), default=None
        Probability of the received arm, in (0, 1]. The default is the share of the
        total weight that received this arm.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the rows.

    Returns
    -------
    overlap : Bunch
        Arrays with an entry for each arm, as a data frame takes them. `treatment` is the
        label, and `assigned_share` the share of the total weight to which the policy gives
        this arm. `n_matched` is the number of these rows that received it.
        `effective_sample_size` of the matched rows is `sum(w)**2 / sum(w**2)`, and
        `largest_weight_share` is the largest part of one of them in the sum of `w` over all
        arms. Both are 0 without a matched row. `smallest_propensity` is that of the matched
        rows, NaN without one. Rows of weight zero do not count.

    Examples
    --------
    >>> from sklearn_hrc.metrics import policy_overlap
    >>> overlap = policy_overlap(
    ...     ["mail", "mail", "none", "none"], treatment=["mail", "none", "none", "none"])
    >>> overlap.treatment.tolist(), overlap.n_matched.tolist()
    (['mail', 'none'], [1, 2])
    >>> overlap.effective_sample_size.tolist()
    [1.0, 2.0]
    """
    rows = check_rows(
        {"arms": arms},
        y=np.zeros(count_rows(arms, "arms")),
        treatment=treatment,
        propensity=propensity,
        sample_weight=sample_weight,
    )
    experiment, given = rows.experiment, index_arms(arms, rows)
    received = received_propensity(experiment)
    weight = np.where(given == experiment.arm, rows.inverse, 0.0)
    total = weight.sum()
    assigned = np.bincount(given, experiment.sample_weight, len(experiment.treatments))
    matched = [(given == j) & (weight > 0) for j in range(len(experiment.treatments))]
    largest = np.array([weight[own].max(initial=0.0) for own in matched])
    return Bunch(
        treatment=experiment.treatments,
        assigned_share=assigned / assigned.sum(),
        n_matched=np.array([own.sum() for own in matched]),
        effective_sample_size=np.array([effective_sample_size(weight[own]) for own in matched]),
        largest_weight_share=largest / (total if total > 0 else 1.0),
        smallest_propensity=np.array(
            [received[own].min() if own.any() else np.nan for own in matched]
        ),
    )


def effective_sample_size(weight):
    """Return the number of rows of equal weight that would be as variable, 0 without weight."""
    total = weight.sum()
    return float(1.0 / ((weight / total) ** 2).sum()) if total > 0 else 0.0
