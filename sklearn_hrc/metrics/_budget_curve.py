"""What a policy gains for what it spends, over its budgets, and the rule to beat."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from sklearn_hrc._compat import validate_params
from sklearn_hrc.metrics._curves import (
    areas_of_draws,
    arms_with_weight,
    realised_curve,
    resampled_curves,
)
from sklearn_hrc.metrics._intervals import normal_interval, percentile_interval
from sklearn_hrc.metrics._rows import (
    CURVE_ROWS,
    ESTIMATION,
    INTERVALS,
    check_budgets,
    check_control,
    check_rows,
    check_spend,
)

__all__ = ["best_single_arm", "budget_curve"]


@validate_params(
    {"arms": ["array-like"], **CURVE_ROWS, **ESTIMATION, **INTERVALS},
    prefer_skip_nested_validation=True,
)
def budget_curve(
    arms: ArrayLike,
    y: ArrayLike,
    *,
    treatment: ArrayLike,
    cost: ArrayLike,
    control: Any,
    propensity: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    method: str = "hajek",
    X: ArrayLike | None = None,
    outcomes: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    interval: str = "normal",
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Compare policies at their realised spend, from the experiment alone.

    For each assignment the gain in response and the spend, both above those of
    giving everyone the control, are estimated as in :func:`policy_value`. A policy
    that overspends moves right on the curve, it does not move up.

    Parameters
    ----------
    arms : array-like of shape (n_budgets, n_samples)
        Arm of each row at each budget.
    y : array-like of shape (n_samples,)
        Observed response.
    treatment : array-like of shape (n_samples,)
        Received arm.
    cost : array-like of shape (n_samples,)
        Realised cost of the received arm.
    control : label
        Arm that gains are counted from.
    propensity : array-like of shape (n_samples,), default=None
        Probability of the received arm; by default the share of its rows.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the rows.
    method, X, outcomes, groups : str and array-like
        The estimator, as in :func:`policy_value`; `outcomes` has the columns
        response and cost.
    interval, confidence, n_resamples, random_state : str and numbers
        The intervals, as in :func:`policy_value`; that of the area needs the
        bootstrap.

    Returns
    -------
    curve : Bunch
        Arrays `spend`, `gain`, `spend_se`, `gain_se`, one entry a budget and
        per individual; `spend_interval` and `gain_interval` of shape (2, n_budgets),
        pointwise; `max_spend`, the largest mean cost of an arm above that
        of control; `area`: the mean of the gain over all spends from 0 to
        `max_spend`, the gain being piecewise linear between the points of positive spend
        and flat after the last, and starting at 0 or, where there are budgets at which
        nothing is spent, at the largest gain of these; and `area_interval`, a pair, None
        with `interval="normal"`.

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
    rows, kept = check_rows(
        np.shape(y)[0],
        *(y, treatment, cost, propensity, sample_weight),
        *(method, X, outcomes, groups, random_state),
    )
    baseline = check_control(rows, control)
    given = check_budgets(arms, rows, kept, "arms")
    curve = realised_curve(given, rows, baseline)
    if interval == "normal":
        for name in ("gain", "spend"):
            curve[f"{name}_interval"] = normal_interval(
                curve[name], curve[f"{name}_se"], confidence
            )
        curve.area_interval = None
        return curve
    (points,), max_spend = resampled_curves([given], rows, baseline, n_resamples, random_state)
    bounds = percentile_interval(points, confidence)
    curve.gain_interval, curve.spend_interval = bounds[..., 0], bounds[..., 1]
    areas = areas_of_draws(points, max_spend)
    curve.area_interval = tuple(percentile_interval(areas, confidence).tolist())
    return curve


@validate_params(
    {
        "spend": ["array-like"],
        **CURVE_ROWS,
        **{name: ESTIMATION[name] for name in ("method", "X", "outcomes", "random_state")},
    },
    prefer_skip_nested_validation=True,
)
def best_single_arm(
    spend: ArrayLike,
    y: ArrayLike,
    *,
    treatment: ArrayLike,
    cost: ArrayLike,
    control: Any,
    propensity: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    method: str = "hajek",
    X: ArrayLike | None = None,
    outcomes: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Find what the best single arm gains at a spend: the rule to beat.

    At a spend that is lower than what an arm costs, the arm is given to as
    many individuals, drawn at random, as the spend pays for. The best arm is
    chosen with hindsight on the same rows, which flatters this rule.

    Parameters
    ----------
    spend : array-like of shape (n_points,)
        Mean spend per individual above that of control, not negative.
    y, treatment, cost, control, propensity, sample_weight : array-like
        As in :func:`budget_curve`.
    method, X, outcomes, random_state : str, array-like and int
        The estimator, as in :func:`budget_curve`.

    Returns
    -------
    best : Bunch
        Arrays with an entry a point: `gain` over control per individual, and
        `treatment`, the arm that reaches it.
    """
    rows, _ = check_rows(
        np.shape(y)[0],
        *(y, treatment, cost, propensity, sample_weight),
        *(method, X, outcomes, None, check_random_state(random_state)),
    )
    baseline = check_control(rows, control)
    spend = check_spend(spend)
    arms = arms_with_weight(rows.experiment)
    everyone = np.repeat(arms[:, None], len(rows.values), axis=1)
    single = realised_curve(everyone, rows, baseline)
    paid = single.spend > 0
    ratio = spend[:, None] / np.where(paid, single.spend, 1.0)
    share = np.where(paid, np.minimum(ratio, 1.0), 1.0)
    gain = share * single.gain
    best = gain.argmax(axis=1)
    return Bunch(
        gain=gain[np.arange(len(spend)), best],
        treatment=rows.experiment.treatments[arms[best]],
    )
