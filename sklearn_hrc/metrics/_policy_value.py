"""Inverse-propensity value of a policy."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from sklearn_hrc._compat import StrOptions, validate_params
from sklearn_hrc._validation import check_experiment, check_labels, unseen_labels

__all__ = ["hajek_influence", "match_weights", "policy_value", "received_propensity"]


@validate_params(
    {
        "arms": ["array-like"],
        "y": ["array-like"],
        "treatment": ["array-like"],
        "propensity": ["array-like", None],
        "cost": ["array-like", None],
        "sample_weight": ["array-like", None],
        "method": [StrOptions({"hajek", "horvitz-thompson"})],
    },
    prefer_skip_nested_validation=True,
)
def policy_value(
    arms: ArrayLike,
    y: ArrayLike,
    *,
    treatment: ArrayLike,
    propensity: ArrayLike | None = None,
    cost: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    method: str = "hajek",
) -> Bunch:
    """Estimate what a policy would bring, and cost, per individual.

    The rows that happened to receive the arm that the policy gives them are
    weighted by the inverse of the probability of that arm. With
    `w_i = sample_weight_i * [t_i = arms_i] / propensity_i` and `N` the total
    sample weight, Horvitz-Thompson is `sum(w y) / N`, unbiased; Hajek is
    `sum(w y) / sum(w)`, invariant to a shift of `y` and usually less variable.

    Parameters
    ----------
    arms : array-like of shape (n_samples,)
        Arm that the policy gives to each row.
    y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
        Observed outcomes.
    treatment : array-like of shape (n_samples,)
        Received arm.
    propensity : array-like of shape (n_samples,), default=None
        Probability of the received arm, in (0, 1]; by default the share of the
        rows that received it.
    cost : array-like of shape (n_samples,), default=None
        Realised cost of the received arm.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the rows.
    method : {"hajek", "horvitz-thompson"}, default="hajek"
        Estimator.

    Returns
    -------
    value : Bunch
        `response` and `response_se` (floats, or arrays of shape (n_outcomes,)
        for a two-dimensional `y`), `cost` and `cost_se` (None without `cost`),
        and `effective_sample_size`, `sum(w)**2 / sum(w**2)`. Standard errors
        take propensities as known.

    Raises
    ------
    ValueError
        If `arms` holds a label that no row received, or if no row received
        the arm that the policy gives it.

    References
    ----------
    Horvitz and Thompson (1952), `doi:10.1080/01621459.1952.10483446
    <https://doi.org/10.1080/01621459.1952.10483446>`_; Hajek (1971).

    Examples
    --------
    >>> from sklearn_hrc.metrics import policy_value
    >>> value = policy_value(
    ...     ["mail", "mail", "none", "none"], [3.0, 0.0, 1.0, 2.0],
    ...     treatment=["mail", "none", "none", "mail"], cost=[1.0, 0.0, 0.0, 1.0])
    >>> value.response, value.cost
    (2.0, 0.5)
    """
    labels = check_labels(arms, np.shape(arms)[0], "arms")
    experiment = check_experiment(
        y,
        treatment=treatment,
        cost=cost,
        propensity=propensity,
        sample_weight=sample_weight,
        n_samples=len(labels),
    )
    check_assigned(labels, experiment.treatments)
    given = np.searchsorted(experiment.treatments, labels)
    weight = match_weights(given, experiment)
    values = experiment.outcomes
    if cost is not None:
        values = np.column_stack([values, experiment.cost])
    estimate, error = _ESTIMATORS[method](values, weight, experiment.sample_weight)
    n_outcomes = experiment.outcomes.shape[1]
    response, response_se = estimate[:n_outcomes], error[:n_outcomes]
    if np.ndim(y) == 1:
        response, response_se = float(response[0]), float(response_se[0])
    return Bunch(
        response=response,
        response_se=response_se,
        cost=None if cost is None else float(estimate[-1]),
        cost_se=None if cost is None else float(error[-1]),
        effective_sample_size=float(1.0 / ((weight / weight.sum()) ** 2).sum()),
    )


def check_assigned(labels, treatments):
    """Raise where a policy gives an arm that no row received."""
    lacking = unseen_labels(labels, treatments)
    if len(lacking):
        raise ValueError(
            f"arms is expected to hold labels of treatment, {treatments.tolist()}, "
            f"got {lacking.tolist()}, which no row received."
        )


def received_propensity(experiment):
    """Return the probability of each row's arm: as given, or the arm's share."""
    if experiment.propensity is not None:
        return experiment.propensity
    total = np.bincount(experiment.arm, weights=experiment.sample_weight)
    return (total / total.sum())[experiment.arm]


def match_weights(given, experiment):
    """Return the weights of the rows that received the arm they are given.

    Parameters
    ----------
    given : ndarray of shape (..., n_samples), int
        Index of the arm that a policy gives to each row.
    experiment : Experiment
        Checked rows.

    Returns
    -------
    weight : ndarray of shape (..., n_samples)
        `sample_weight / propensity` where the arms match, else zero.
    """
    sample_weight = experiment.sample_weight
    inverse = np.zeros_like(sample_weight)
    # The share of an arm whose rows all have weight zero is zero, too.
    np.divide(sample_weight, received_propensity(experiment), out=inverse, where=sample_weight > 0)
    weight = np.where(given == experiment.arm, inverse, 0.0)
    if not (weight.sum(axis=-1) > 0).all():
        raise ValueError(
            "arms is expected to agree with treatment in some rows of positive weight, got none."
        )
    return weight


def hajek_influence(values, weight):
    """Return the Hajek mean and what each row contributes to its error.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        Outcomes.
    weight : ndarray of shape (n_samples,)
        From `match_weights`.

    Returns
    -------
    mean : ndarray of shape (n_columns,)
        Weighted mean.
    influence : ndarray of shape (n_samples, n_columns)
        Sums to zero; the root of its sum of squares is the standard error.
    """
    share = weight / weight.sum()
    mean = share @ values
    return mean, share[:, None] * (values - mean)


def _hajek(values, weight, sample_weight):
    mean, influence = hajek_influence(values, weight)
    return mean, np.sqrt((influence**2).sum(axis=0))


def _horvitz_thompson(values, weight, sample_weight):
    # A weighted mean of `values / propensity` where the arms match, else of 0:
    # its error is about that mean, and rows of weight zero have no part in it.
    share = (sample_weight / sample_weight.sum())[:, None]
    terms = (weight / sample_weight.sum())[:, None] * values
    mean = terms.sum(axis=0)
    n_rows = np.count_nonzero(sample_weight)
    deviation = terms - share * mean
    return mean, np.sqrt((deviation**2).sum(axis=0) * (n_rows / max(n_rows - 1, 1)))


_ESTIMATORS = {"hajek": _hajek, "horvitz-thompson": _horvitz_thompson}
