"""What a policy gains for what it spends, over its budgets."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from sklearn_hrc._compat import validate_params
from sklearn_hrc.metrics._arms import check_budgets
from sklearn_hrc.metrics._checks import CURVE_ROWS, ESTIMATION, INTERVALS, check_curve_rows
from sklearn_hrc.metrics._curves import add_intervals, realised_curve
from sklearn_hrc.metrics._intervals import IntervalSettings

__all__ = ["budget_curve"]


@validate_params(
    {"arms": ["array-like"], **CURVE_ROWS, **ESTIMATION, **INTERVALS},
    prefer_skip_nested_validation=True,
)
def budget_curve(
    arms: ArrayLike,
    y: ArrayLike,
    *,
    treatment: ArrayLike,
    cost: ArrayLike | None = None,
    control: Any,
    propensity: ArrayLike | None = None,
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
    """Compare policies at their realised spend, from the experiment alone.

    The policy at each budget has a gain in response and a spend. Both are differences to
    control for everyone, estimated as in :func:`policy_value`. A policy that overspends
    moves right on the curve, not up.

    Parameters
    ----------
    arms : array-like of shape (n_budgets, n_samples)
        Arm of each row at each budget.
    y : array-like of shape (n_samples,)
        Observed response.
    treatment : array-like of shape (n_samples,)
        Received arm.
    cost : array-like of shape (n_samples,), default=None
        Realised cost of the received arm. Needed without `arm_cost`.
    control : label
        Arm that gains are counted from.
    propensity : array-like of shape (n_samples,), default=None
        Probability of the received arm. The default is the share of its rows.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the rows.
    method, X, outcomes, groups : str and array-like
        The estimator, as in :func:`policy_value`. The columns of `outcomes` are the
        response and, if it is given, `cost`.
    arm_cost : dict or array-like of shape (n_treatments,), default=None
        Known price of each arm, in place of `cost`, as in :func:`policy_value`.
    interval, confidence, n_resamples, random_state : str and numbers
        The intervals, as in :func:`policy_value`. The interval of the area needs the
        bootstrap.

    Returns
    -------
    curve : Bunch
        Arrays with an entry for each budget, per individual: `spend`, `gain`, `spend_se`
        and `gain_se`. `spend_interval` and `gain_interval` have the shape (2, n_budgets)
        and are pointwise. `max_spend` is the largest mean cost of an arm above that of
        control. `area` is the mean gain over all spends from 0 to `max_spend`: the curve is
        piecewise linear between the points of positive spend and flat after the last. It
        starts at 0 or, if that is larger, at the largest gain of the budgets that spend
        nothing. `area_interval` is a pair, None with `interval="normal"`. Standard errors
        and intervals are NaN where a single row (or group) matches.

    See Also
    --------
    compare_budget_curves : The difference between the curves of two policies.
    sklearn_hrc.plotting.BudgetCurveDisplay : The figure.

    Examples
    --------
    >>> from sklearn_hrc.metrics import budget_curve
    >>> curve = budget_curve(
    ...     [[0, 0, 0, 0], [0, 1, 0, 1]], [1.0, 2.0, 1.0, 4.0],
    ...     treatment=[0, 1, 0, 1], cost=[0.0, 1.0, 0.0, 3.0], control=0)
    >>> curve.spend.tolist(), curve.gain.tolist(), curve.area
    ([0.0, 1.0], [0.0, 1.0], 0.75)
    """
    random_state = check_random_state(random_state)
    rows = check_curve_rows(
        control=control,
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
    given = check_budgets(arms, rows, "arms")
    settings = IntervalSettings(interval, confidence, n_resamples, random_state)
    return add_intervals(realised_curve(given, rows), given, rows, settings)
