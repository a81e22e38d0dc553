"""True values of a policy and of the best policy, for simulated experiments."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch, check_array, check_consistent_length, column_or_1d

from sklearn_hrc._programme.hull import hull_path
from sklearn_hrc.exceptions import BudgetError

__all__ = ["oracle_budget_curve", "oracle_policy_value"]


def check_truth(expected_response, expected_cost):
    """Return both expectations as float64 arrays of one shape (n_samples, n_treatments)."""
    response = check_array(expected_response, dtype=np.float64, input_name="expected_response")
    cost = check_array(expected_cost, dtype=np.float64, input_name="expected_cost")
    if response.shape != cost.shape:
        raise ValueError(
            "expected_response and expected_cost must have the same shape, "
            f"got {response.shape} and {cost.shape}."
        )
    return response, cost


def arm_codes(arms, treatments):
    """Return the column of each label.

    Parameters
    ----------
    arms : ndarray of shape (n_samples,)
        Labels.
    treatments : sequence of length n_treatments
        Label of each column, in any order.

    Returns
    -------
    codes : ndarray of shape (n_samples,), intp
        Indices into `treatments`.
    """
    column = {label: code for code, label in enumerate(np.asarray(treatments).tolist())}
    labels, inverse = np.unique(arms, return_inverse=True)
    unknown = [label for label in labels.tolist() if label not in column]
    if unknown:
        raise ValueError(f"arms holds {unknown[0]!r}, which is none of the treatments.")
    return np.array([column[label] for label in labels.tolist()], dtype=np.intp)[inverse]


def oracle_policy_value(
    arms: ArrayLike,
    expected_response: ArrayLike,
    expected_cost: ArrayLike,
    *,
    treatments: ArrayLike | None = None,
) -> Bunch:
    """Compute the true value of a policy from the true expectations.

    Parameters
    ----------
    arms : array-like of shape (n_samples,)
        Arm that the policy gives to each row: a label in `treatments`, or the index of
        a column if `treatments` is None.
    expected_response : array-like of shape (n_samples, n_treatments)
        True expected response of each row under each arm.
    expected_cost : array-like of shape (n_samples, n_treatments)
        True expected cost of each row under each arm.
    treatments : array-like of shape (n_treatments,), default=None
        Label of each column. None stands for 0, 1, ...

    Returns
    -------
    value : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the floats `response` and `cost`, means per individual.

    Raises
    ------
    ValueError
        If shapes do not fit together or `arms` holds an unknown label.

    See Also
    --------
    oracle_budget_curve : Response that the best policy reaches at each budget.

    Examples
    --------
    >>> from sklearn_hrc.datasets import oracle_policy_value
    >>> value = oracle_policy_value(
    ...     [0, 5], [[1.0, 3.0], [2.0, 4.0]], [[0.0, 1.0], [0.0, 2.0]], treatments=[0, 5]
    ... )
    >>> value.response, value.cost
    (2.5, 1.0)
    """
    response, cost = check_truth(expected_response, expected_cost)
    arms = column_or_1d(arms)
    check_consistent_length(arms, response)
    treatments = np.arange(response.shape[1]) if treatments is None else column_or_1d(treatments)
    if len(treatments) != response.shape[1]:
        raise ValueError(
            f"treatments must name the {response.shape[1]} columns of expected_response, "
            f"got {len(treatments)} labels."
        )
    chosen = np.arange(len(arms)), arm_codes(arms, treatments)
    return Bunch(response=float(response[chosen].mean()), cost=float(cost[chosen].mean()))


def oracle_budget_curve(
    budgets: ArrayLike, expected_response: ArrayLike, expected_cost: ArrayLike
) -> NDArray[np.float64]:
    """Compute the best mean response that any policy reaches at each budget.

    The response is the value of a linear programme. It gives every individual one arm (at most
    one individual a mixture of two arms) with mean expected cost within the budget. This value is
    an exact, concave, piecewise linear function of the budget. It is found by taking the steps on
    the individuals' hulls in the order of their return on spend [1]_. No policy reaches
    more in expectation, however well it knows the individuals.

    Parameters
    ----------
    budgets : float or array-like
        Mean costs per individual.
    expected_response : array-like of shape (n_samples, n_treatments)
        True expected response of each row under each arm.
    expected_cost : array-like of shape (n_samples, n_treatments)
        True expected cost of each row under each arm.

    Returns
    -------
    response : ndarray of the shape of `budgets`, float64
        Largest mean response per individual.

    Raises
    ------
    BudgetError
        If one of the `budgets` is less than the mean cost of the cheapest arms. It is a
        ValueError.
    ValueError
        If `budgets` holds NaN, or the shapes of the expectations differ.

    See Also
    --------
    oracle_policy_value : True value of a given policy.

    References
    ----------
    .. [1] E. Zemel (1980). "The linear multiple choice knapsack problem". Operations
           Research 28(6), 1412-1423. https://doi.org/10.1287/opre.28.6.1412

    Examples
    --------
    >>> from sklearn_hrc.datasets import oracle_budget_curve
    >>> oracle_budget_curve([0.0, 0.5, 1.0], [[1.0, 3.0], [2.0, 6.0]], [[0.0, 1.0], [0.0, 1.0]])
    array([1.5, 3.5, 4.5])
    """
    response, cost = check_truth(expected_response, expected_cost)
    budgets = np.asarray(budgets, dtype=np.float64)
    # Each individual is a cluster of its own.
    ones = np.ones(len(cost), dtype=np.int64)
    path = hull_path(response, cost, ones)
    # The mean of many costs is only as exact as their summation.
    tolerance = 1e-12 * np.abs(cost.min(axis=1)).mean()
    lowest = path.cost[0] / len(cost)
    if not np.all(budgets >= lowest - tolerance):
        raise BudgetError(
            f"budgets is expected to be at least {lowest:.6g}, the mean cost of the cheapest "
            f"arms, got {budgets.min():.6g}."
        )
    return np.interp(budgets * len(cost), path.cost, path.response) / len(cost)
