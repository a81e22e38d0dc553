"""What policies gain for what they spend, over budgets and beside each other."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_array, check_random_state

from sklearn_hrc._compat import validate_params
from sklearn_hrc.metrics._curves import (
    area_under_curve,
    arms_with_weight,
    gain_at_spend,
    realised_curve,
    resampled_curves,
)
from sklearn_hrc.metrics._intervals import normal_interval, percentile_interval
from sklearn_hrc.metrics._rows import ESTIMATION, INTERVALS, ROWS, check_given, check_rows

__all__ = ["best_single_arm", "budget_curve", "compare_budget_curves"]

_ROWS = {**ROWS, "cost": ["array-like"], "control": "no_validation"}


@validate_params(
    {"arms": ["array-like"], **_ROWS, **ESTIMATION, **INTERVALS},
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
        y=y,
        treatment=treatment,
        cost=cost,
        propensity=propensity,
        sample_weight=sample_weight,
        method=method,
        X=X,
        outcomes=outcomes,
        groups=groups,
        random_state=random_state,
    )
    baseline = _check_control(rows, control)
    given = _check_arms(arms, rows, kept, "arms")
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
    areas = _areas(points, max_spend)
    curve.area_interval = tuple(percentile_interval(areas, confidence).tolist())
    return curve


@validate_params(
    {
        "arms": ["array-like"],
        "other_arms": ["array-like"],
        **_ROWS,
        "spend": ["array-like", None],
        **ESTIMATION,
        **{name: INTERVALS[name] for name in ("confidence", "n_resamples")},
    },
    prefer_skip_nested_validation=True,
)
def compare_budget_curves(
    arms: ArrayLike,
    other_arms: ArrayLike,
    y: ArrayLike,
    *,
    treatment: ArrayLike,
    cost: ArrayLike,
    control: Any,
    propensity: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    spend: ArrayLike | None = None,
    method: str = "hajek",
    X: ArrayLike | None = None,
    outcomes: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Compare two policies at equal realised spend, on the same rows.

    Each policy is interpolated between its budgets: to toss a coin for each individual
    between the arms of two budgets is a policy, too, and its spend and gain lie on the
    line between theirs. Beyond the largest spend of a policy its gain stays as it is: money
    that it has no use for is left. Intervals come from resampled rows (or groups), on which both
    curves are computed again.

    Parameters
    ----------
    arms, other_arms : array-like of shape (n_budgets, n_samples)
        Arms that the two policies give to each row at each budget, each policy at
        budgets of its own. A single row with everyone's arm is the rule that gives
        this arm to a random share.
    y, treatment, cost, control, propensity, sample_weight : array-like
        The rows, as in :func:`budget_curve`.
    spend : array-like of shape (n_points,), default=None
        Mean spends per individual above that of control at which the gains are
        compared, not negative. None is ten equal steps to the largest spend that both
        reach.
    method, X, outcomes, groups : str and array-like
        The estimator, as in :func:`budget_curve`.
    confidence, n_resamples, random_state : numbers
        The intervals, as in :func:`policy_value`.

    Returns
    -------
    difference : Bunch
        Arrays with an entry a point: `spend`; `gain` and `other_gain` over control;
        `gain_difference`, the first less the second, and `gain_difference_interval` of
        shape (2, n_points), pointwise. `area_difference`, of the areas of
        :func:`budget_curve`, and `area_difference_interval`, a pair.

    See Also
    --------
    budget_curve : The curve of one policy.
    compare_policies : The difference at the spends that policies have.

    Examples
    --------
    >>> from sklearn_hrc.metrics import compare_budget_curves
    >>> difference = compare_budget_curves(
    ...     [[0, 0, 1, 1]], [[1, 1, 1, 1]], [1.0, 2.0, 1.0, 4.0], spend=[0.5, 1.0],
    ...     treatment=[0, 1, 0, 1], cost=[0.0, 1.0, 0.0, 1.0], control=0, random_state=0)
    >>> difference.gain.tolist(), difference.other_gain.tolist()
    ([1.5, 1.5], [1.0, 2.0])
    """
    random_state = check_random_state(random_state)
    rows, kept = check_rows(
        np.shape(y)[0],
        y=y,
        treatment=treatment,
        cost=cost,
        propensity=propensity,
        sample_weight=sample_weight,
        method=method,
        X=X,
        outcomes=outcomes,
        groups=groups,
        random_state=random_state,
    )
    baseline = _check_control(rows, control)
    given = [
        _check_arms(arms, rows, kept, "arms"),
        _check_arms(other_arms, rows, kept, "other_arms"),
    ]
    curves = [realised_curve(policy, rows, baseline) for policy in given]
    spend = _common_spends(curves) if spend is None else _check_spend(spend)
    gain, other_gain = (gain_at_spend(curve.spend, curve.gain, spend) for curve in curves)
    draws, max_spend = resampled_curves(given, rows, baseline, n_resamples, random_state)
    gains = [np.stack([_gain_of_points(point, spend) for point in points]) for points in draws]
    areas = [_areas(points, max_spend) for points in draws]
    return Bunch(
        spend=spend,
        gain=gain,
        other_gain=other_gain,
        gain_difference=gain - other_gain,
        gain_difference_interval=percentile_interval(gains[0] - gains[1], confidence),
        area_difference=curves[0].area - curves[1].area,
        area_difference_interval=tuple(
            percentile_interval(areas[0] - areas[1], confidence).tolist()
        ),
    )


@validate_params(
    {
        "spend": ["array-like"],
        **_ROWS,
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
        y=y,
        treatment=treatment,
        cost=cost,
        propensity=propensity,
        sample_weight=sample_weight,
        method=method,
        X=X,
        outcomes=outcomes,
        random_state=check_random_state(random_state),
    )
    baseline = _check_control(rows, control)
    spend = _check_spend(spend)
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


def _gain_of_points(points, spend):
    return gain_at_spend(points[:, 1], points[:, 0], spend)


def _areas(draws, max_spend):
    """Area under the curve of each resample, (n_resamples,)."""
    return np.array(
        [area_under_curve(draw[:, 1], draw[:, 0], end) for draw, end in zip(draws, max_spend)]
    )


def _check_arms(arms, rows, kept, name):
    """Return the index of the arm of each row that counts, (n_budgets, n_kept)."""
    arms = np.asarray(arms)
    if arms.ndim != 2 or not len(arms):
        raise ValueError(
            f"{name} is expected to have the shape (n_budgets, n_samples), got {arms.shape}."
        )
    return np.stack([check_given(row, rows, kept, name) for row in arms])


def _check_control(rows, control):
    """Return the index of the control; the response is expected to be one column."""
    experiment = rows.experiment
    if experiment.outcomes.shape[1] != 1:
        raise ValueError(f"y is expected to have one column, got {experiment.outcomes.shape[1]}.")
    arms = arms_with_weight(experiment)
    labels = experiment.treatments[arms].tolist()
    baseline = [arm for arm, label in zip(arms, labels) if label == control]
    if not baseline:
        raise ValueError(
            f"control is expected to be one of the treatments {labels}, got {control!r}."
        )
    return int(baseline[0])


def _check_spend(spend):
    spend = check_array(spend, dtype=np.float64, ensure_2d=False, input_name="spend")
    if spend.ndim != 1:
        raise ValueError(f"spend is expected to be one-dimensional, got shape {spend.shape}.")
    if (spend < 0).any():
        raise ValueError(f"spend is expected to be non-negative, got {spend.min():g}.")
    return spend


def _common_spends(curves):
    """Ten equal steps to the largest spend that all curves reach."""
    largest = min(curve.spend.max() for curve in curves)
    if not largest > 0:
        raise ValueError(
            "spend is expected to be given where the two policies share no positive spend, got "
            f"{largest:g} as the largest that both reach."
        )
    return np.linspace(0.0, largest, 11)[1:]
