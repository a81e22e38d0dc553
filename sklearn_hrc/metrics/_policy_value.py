"""The value of a policy."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from sklearn_hrc._compat import validate_params
from sklearn_hrc.metrics._arms import check_policy
from sklearn_hrc.metrics._checks import ESTIMATION, INTERVALS, ROWS, check_rows, count_rows
from sklearn_hrc.metrics._intervals import estimate_with_bounds
from sklearn_hrc.metrics._overlap import effective_sample_size
from sklearn_hrc.metrics._weighting import match_weights, policy_terms

__all__ = ["name_columns", "policy_value"]


@validate_params(
    {"arms": ["array-like"], **ROWS, **ESTIMATION, **INTERVALS},
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
    X: ArrayLike | None = None,
    outcomes: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    arm_cost: ArrayLike | dict[Any, float] | None = None,
    interval: str = "normal",
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Estimate what a policy would bring, and cost, per individual.

    The rows that happened to receive the arm that the policy gives them are
    weighted by the inverse of the probability of that arm. With
    `w_i = sample_weight_i * [t_i = arms_i] / propensity_i` and `N` the total
    sample weight, Horvitz-Thompson is `sum(w y) / N`, unbiased; Hajek is
    `sum(w y) / sum(w)`, which moves with a shift of `y` and is usually less variable.
    The doubly robust form takes the expected outcome `m_i` of the arm that the
    policy gives, and corrects it by the rows that received it:
    `sum(sample_weight m + w (y - m)) / N`. It is unbiased for any `m` that has not
    seen the row, and the less variable the better `m` predicts.

    For a policy that draws the arm, `[t_i = arms_i]` is the probability with which it
    gives the received arm, and `m_i` the expectation over the arms that it draws from.

    The policy must not have been fitted to these rows.

    Parameters
    ----------
    arms : array-like of shape (n_samples,) or (n_samples, n_treatments)
        Arm that the policy gives to each row; or, as a matrix of floats, the probability
        with which it gives each arm, in the order of the treatments: sorted, or that of
        an ordered Categorical. A frame whose columns are the treatments may have them in any order.
    y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
        Observed outcomes.
    treatment : array-like of shape (n_samples,)
        Received arm.
    propensity : array-like of shape (n_samples,), default=None
        Probability of the received arm, in (0, 1]; by default the share of the
        total weight that received it.
    cost : array-like of shape (n_samples,), default=None
        Realised cost of the received arm.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the rows.
    method : {"hajek", "horvitz-thompson", "doubly-robust"}, default="hajek"
        Estimator.
    X : array-like of shape (n_samples, n_features), default=None
        Numeric features, to fit expected outcomes for the doubly robust form with the
        default model of :func:`cross_fit_outcomes`, on the rows of positive weight,
        which count alike. To value several policies, call that once and give `outcomes`.
    outcomes : array-like of shape (n_samples, n_treatments, n_columns), default=None
        Expected outcomes of each row under every arm in sorted order, from any model
        that has not seen the row; the columns are those of `y` and then `cost`, if it is
        given. One column may come as (n_samples, n_treatments).
    groups : array-like of shape (n_samples,), default=None
        Labels of rows that belong together, such as a household. Errors and
        resamples take these for independent, not the rows.
    arm_cost : dict or array-like of shape (n_treatments,), default=None
        Known price of each arm, in place of `cost`: by label, or in the order of
        the treatments where they are numbers. The cost is then the mean price of the
        arms that the policy gives, whoever received them. Its error is that of another
        sample of rows.
    interval : {"normal", "bootstrap"}, default="normal"
        Intervals from the standard error, or from the quantiles of the estimate on
        resampled rows (or groups), which need no symmetry. Propensities and
        expected outcomes are not estimated anew.
    confidence : float, default=0.95
        Level of the intervals, in (0, 1).
    n_resamples : int, default=1000
        Number of resamples, at least 2.
    random_state : int, RandomState instance or None, default=None
        Draws resamples, and the folds of the outcome model.

    Returns
    -------
    value : Bunch
        `response` and `response_se` (floats, or arrays of shape (n_outcomes,)
        for a two-dimensional `y`) and `response_interval` (a pair of these);
        `cost`, `cost_se` and `cost_interval` (None without `cost` and `arm_cost`); and
        `effective_sample_size`, `sum(w)**2 / sum(w**2)`. Standard errors
        take propensities as known; they and the intervals are NaN where a single row (or
        group) matches.

    Raises
    ------
    ValueError
        If `arms` holds a label that no row received, if no row received
        the arm that the policy gives it, if the doubly robust form has not
        exactly one of `X` and `outcomes`, or if both `cost` and `arm_cost` are given.

    Warns
    -----
    OverlapWarning
        If an arm is given to rows of which none received it, more than 1 % of them all.
    UserWarning
        If `propensity` cannot be the probability of the received arm: its inverse does not
        sum to about the number of rows over those of each arm.

    See Also
    --------
    compare_policies : The difference between two policies.
    policy_overlap : How many rows speak for each arm of a policy.
    budget_curve : Values at several budgets.

    References
    ----------
    Horvitz and Thompson (1952), `doi:10.1080/01621459.1952.10483446
    <https://doi.org/10.1080/01621459.1952.10483446>`_; Hajek (1971); Dudik, Langford
    and Li (2011), Doubly robust policy evaluation and learning, `arXiv:1103.4601
    <https://arxiv.org/abs/1103.4601>`_.

    Examples
    --------
    >>> from sklearn_hrc.metrics import policy_value
    >>> value = policy_value(
    ...     ["mail", "mail", "none", "none"], [3.0, 0.0, 1.0, 2.0],
    ...     treatment=["mail", "none", "none", "mail"], cost=[1.0, 0.0, 0.0, 1.0])
    >>> value.response, value.cost
    (2.0, 0.5)
    """
    random_state = check_random_state(random_state)
    rows, kept = check_rows(
        count_rows(arms, "arms"),
        *(y, treatment, cost, propensity, sample_weight),
        *(method, X, outcomes, groups, random_state),
        arm_cost=arm_cost,
        aligned_with={"arms": arms},
    )
    given = check_policy(arms, rows, kept)
    center, error, bounds = estimate_with_bounds(
        [policy_terms(given, rows)], rows, interval, confidence, n_resamples, random_state
    )
    has_cost = cost is not None or arm_cost is not None
    return Bunch(
        **name_columns(center, error, bounds, np.ndim(y), has_cost),
        effective_sample_size=effective_sample_size(match_weights(given, rows)),
    )


def name_columns(center, error, bounds, n_dimensions, has_cost) -> dict[str, Any]:
    """Name the columns of an estimate: those of the response, and the last for the cost."""
    response = slice(None, -1 if has_cost else None)
    parts = {"": center, "_se": error, "_interval": bounds}
    named = {f"response{part}": array[..., response] for part, array in parts.items()}
    if n_dimensions == 1:
        named = {name: _plain(array[..., 0]) for name, array in named.items()}
    costs = {
        f"cost{part}": _plain(array[..., -1]) if has_cost else None for part, array in parts.items()
    }
    return {**named, **costs}


def _plain(array):
    """Return a float, or a tuple of floats."""
    return tuple(array.tolist()) if array.ndim else float(array)
