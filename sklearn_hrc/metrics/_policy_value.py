"""The value of a policy."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from sklearn_hrc._compat import validate_params
from sklearn_hrc.metrics._arms import check_policy
from sklearn_hrc.metrics._checks import ESTIMATION, INTERVALS, ROWS, check_rows
from sklearn_hrc.metrics._intervals import IntervalSettings, estimate_with_bounds
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

    Some rows happened to receive the arm that the policy gives them. They are weighted by
    the inverse of the propensity: `w_i = sample_weight_i * [t_i = arms_i] / propensity_i`.
    Let `N` be the total sample weight. Horvitz-Thompson is `sum(w y) / N`, which is unbiased.
    Hajek is `sum(w y) / sum(w)`, which moves with a shift of `y` and is usually less variable.
    The doubly robust form starts from the expected outcome `m_i` of the arm that the policy
    gives. The rows that received this arm correct it: `sum(sample_weight m + w (y - m)) / N`.
    This is unbiased for any `m` that has not seen the row. Its error is the smaller, the
    better `m` predicts.

    A policy may draw the arm. Then `[t_i = arms_i]` is the probability with which the policy
    gives the received arm, and `m_i` is the mean over the arms that it draws from.

    The policy must not have been fitted to these rows.

    Parameters
    ----------
    arms : array-like of shape (n_samples,) or (n_samples, n_treatments)
        Arm that the policy gives to each row. A matrix of floats holds the probability
        with which the policy gives each arm instead, in the order of the treatments: sorted,
        or that of an ordered Categorical. A frame may have the treatments as columns in any
        order.
    y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
        Observed outcomes.
    treatment : array-like of shape (n_samples,)
        Received arm.
    propensity : array-like of shape (n_samples,), default=None
        Probability of the received arm, in (0, 1]. The default is the share of the
        total weight that received this arm.
    cost : array-like of shape (n_samples,), default=None
        Realised cost of the received arm.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the rows.
    method : {"hajek", "horvitz-thompson", "doubly-robust"}, default="hajek"
        Estimator.
    X : array-like of shape (n_samples, n_features), default=None
        Numeric features. The doubly robust form fits expected outcomes to them with the
        default model of :func:`cross_fit_outcomes`. Rows of positive weight count alike
        there. To value several policies, call that function once and pass `outcomes`.
    outcomes : array-like of shape (n_samples, n_treatments, n_columns), default=None
        Expected outcomes of each row under every arm in sorted order, from any model
        that has not seen the row. The columns are those of `y`, followed by `cost` if it is
        given. One column may have the shape (n_samples, n_treatments).
    groups : array-like of shape (n_samples,), default=None
        Labels of rows that belong together, such as a household. Standard errors and
        resamples take the groups, not the rows, for independent.
    arm_cost : dict or array-like of shape (n_treatments,), default=None
        Known price of each arm, in place of `cost`: by label, or in the order of
        the treatments where they are numbers. The cost is then the mean price of the
        arms that the policy gives, whatever the rows received. Its standard error is that
        of a mean over a sample of rows.
    interval : {"normal", "bootstrap"}, default="normal"
        Intervals from the standard error, or from the quantiles of the estimate on
        resampled rows (or groups). The bootstrap does not assume symmetry. It does not
        estimate propensities or expected outcomes anew.
    confidence : float, default=0.95
        Level of the intervals, in (0, 1).
    n_resamples : int, default=1000
        Number of resamples, at least 2.
    random_state : int, RandomState instance or None, default=None
        Draws resamples, and the folds of the outcome model.

    Returns
    -------
    value : Bunch
        `response` and `response_se` are floats, or arrays of shape (n_outcomes,) for a
        two-dimensional `y`. `response_interval` is a pair of these. `cost`, `cost_se` and
        `cost_interval` are None without `cost` and `arm_cost`. `effective_sample_size` is
        `sum(w)**2 / sum(w**2)`. Standard errors take propensities as known. Standard errors
        and intervals are NaN where a single row (or group) matches.

    Raises
    ------
    ValueError
        If `arms` holds a label that no row received, or no row received the arm that
        the policy gives it. If the doubly robust form has not exactly one of `X` and
        `outcomes`. If both `cost` and `arm_cost` are given.

    Warns
    -----
    OverlapWarning
        If the policy gives an arm to more than 1 % of the rows and none of them received it.
    UserWarning
        If `propensity` cannot be the probability of the received arm. The inverse of this
        probability sums, over the rows of each arm, to about the number of all rows.

    See Also
    --------
    compare_policies : The difference between two policies.
    policy_overlap : How many rows support each arm of a policy.
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
    rows = check_rows(
        {"arms": arms},
        y=y,
        treatment=treatment,
        cost=cost,
        arm_cost=arm_cost,
        propensity=propensity,
        sample_weight=sample_weight,
        method=method,
        X=X,
        outcomes=outcomes,
        groups=groups,
        random_state=random_state,
    )
    given = check_policy(arms, rows)
    settings = IntervalSettings(interval, confidence, n_resamples, random_state)
    estimates = estimate_with_bounds([policy_terms(given, rows)], rows, settings)
    return Bunch(
        **name_columns(estimates, np.ndim(y), rows.has_cost),
        effective_sample_size=effective_sample_size(match_weights(given, rows)),
    )


def name_columns(estimates, n_dimensions, has_cost) -> dict[str, Any]:
    """Name the columns of `estimate_with_bounds`, as `policy_value` returns them.

    The last column is the cost if there is one. Where `y` has one dimension a response is a float.
    """
    response = slice(None, -1 if has_cost else None)
    parts = dict(zip(("", "_se", "_interval"), estimates))
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
