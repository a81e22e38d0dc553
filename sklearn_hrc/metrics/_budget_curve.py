"""Realised gain against realised spend, over the budgets of a policy."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_array

from sklearn_hrc._compat import validate_params
from sklearn_hrc._validation import check_experiment, check_labels
from sklearn_hrc.metrics._policy_value import check_assigned, hajek_influence, match_weights

__all__ = ["area_under_curve", "arm_costs", "best_single_arm", "budget_curve", "realised_curve"]

_ROWS = {
    "y": ["array-like"],
    "treatment": ["array-like"],
    "cost": ["array-like"],
    "control": "no_validation",
    "propensity": ["array-like", None],
    "sample_weight": ["array-like", None],
}


@validate_params({"arms": ["array-like"], **_ROWS}, prefer_skip_nested_validation=True)
def budget_curve(
    arms: ArrayLike,
    y: ArrayLike,
    *,
    treatment: ArrayLike,
    cost: ArrayLike,
    control: Any,
    propensity: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Bunch:
    """Compare policies at their realised spend, from the experiment alone.

    For each assignment the gain in response and the spend, both above those of
    giving everyone the control, are estimated with Hajek weights (see
    :func:`policy_value`). A policy that overspends moves right on the curve,
    it does not move up.

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

    Returns
    -------
    curve : Bunch
        Arrays `spend`, `gain`, `spend_se`, `gain_se`, one entry a budget and
        per individual; `max_spend`, the largest mean cost of an arm above that
        of control; and `area`: the mean of the gain over all spends from 0 to
        `max_spend`, the gain being piecewise linear through the origin and the
        points of positive spend, and flat after the last.

    Examples
    --------
    >>> from sklearn_hrc.metrics import budget_curve
    >>> curve = budget_curve(
    ...     [[0, 0, 0, 0], [0, 1, 0, 1]], [1.0, 2.0, 1.0, 4.0],
    ...     treatment=[0, 1, 0, 1], cost=[0.0, 1.0, 0.0, 3.0], control=0)
    >>> curve.spend.tolist(), curve.gain.tolist(), curve.area
    ([0.0, 1.0], [0.0, 1.0], 0.75)
    """
    experiment, baseline = _check_rows(y, treatment, cost, control, propensity, sample_weight)
    arms = np.asarray(arms)
    if arms.ndim != 2 or not len(arms):
        raise ValueError(
            f"arms is expected to have the shape (n_budgets, n_samples), got {arms.shape}."
        )
    labels = np.stack([check_labels(row, len(experiment.arm), "arms") for row in arms])
    check_assigned(labels.ravel(), experiment.treatments)
    return realised_curve(np.searchsorted(experiment.treatments, labels), experiment, baseline)


@validate_params({"spend": ["array-like"], **_ROWS}, prefer_skip_nested_validation=True)
def best_single_arm(
    spend: ArrayLike,
    y: ArrayLike,
    *,
    treatment: ArrayLike,
    cost: ArrayLike,
    control: Any,
    propensity: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Bunch:
    """Find what the best single arm gains at a spend: the rule to beat.

    At a spend that is lower than what an arm costs, the arm is given to as
    many individuals, drawn at random, as the spend pays for. The best arm is
    chosen with hindsight on the same rows, which flatters this rule.

    Parameters
    ----------
    spend : array-like of shape (n_points,)
        Mean spend per individual above that of control.
    y, treatment, cost, control, propensity, sample_weight : array-like
        As in :func:`budget_curve`.

    Returns
    -------
    best : Bunch
        Arrays with an entry a point: `gain` over control per individual, and
        `treatment`, the arm that reaches it.
    """
    experiment, baseline = _check_rows(y, treatment, cost, control, propensity, sample_weight)
    spend = check_array(spend, dtype=np.float64, ensure_2d=False, input_name="spend")
    if spend.ndim != 1:
        raise ValueError(f"spend is expected to be one-dimensional, got shape {spend.shape}.")
    arms = _arms_with_weight(experiment)
    everyone = np.repeat(arms[:, None], len(experiment.arm), axis=1)
    single = realised_curve(everyone, experiment, baseline)
    paid = single.spend > 0
    ratio = spend[:, None] / np.where(paid, single.spend, 1.0)
    share = np.where(paid, np.clip(ratio, 0.0, 1.0), 1.0)
    gain = share * single.gain
    best = gain.argmax(axis=1)
    return Bunch(
        gain=gain[np.arange(len(spend)), best], treatment=experiment.treatments[arms[best]]
    )


def realised_curve(given, experiment, control):
    """Estimate gain and spend over control of several assignments.

    Parameters
    ----------
    given : ndarray of shape (n_budgets, n_samples), int
        Index of the arm of each row at each budget.
    experiment : Experiment
        Checked rows with one outcome and a cost.
    control : int
        Index of the control.

    Returns
    -------
    curve : Bunch
        As `budget_curve` returns it.
    """
    values = np.column_stack([experiment.outcomes[:, 0], experiment.cost])
    base = np.full(len(values), control)
    base_mean, base_influence = hajek_influence(values, match_weights(base, experiment))
    means, errors = np.empty((2, len(given), 2))
    for i, arm in enumerate(given):
        mean, influence = hajek_influence(values, match_weights(arm, experiment))
        means[i] = mean - base_mean
        # A row that both use counts by its difference.
        errors[i] = np.sqrt(((influence - base_influence) ** 2).sum(axis=0))
    max_spend = max(arm_costs(experiment)) - base_mean[1]
    return Bunch(
        spend=means[:, 1],
        gain=means[:, 0],
        spend_se=errors[:, 1],
        gain_se=errors[:, 0],
        max_spend=float(max_spend),
        area=area_under_curve(means[:, 1], means[:, 0], max_spend),
    )


def area_under_curve(spend, gain, max_spend):
    """Return the mean gain over all spends from 0 to `max_spend`; 0 where that is 0.

    Parameters
    ----------
    spend, gain : ndarray of shape (n_points,)
        Points of the curve; those that coincide in spend are averaged, those without a
        positive spend left out.
    max_spend : float
        End of the range.

    Returns
    -------
    area : float
        Of the piecewise linear curve through the origin, flat after its last
        point, divided by `max_spend`.
    """
    if not max_spend > 0:
        return 0.0
    positive = spend > 0
    knots, place = np.unique(spend[positive], return_inverse=True)
    heights = np.bincount(place, weights=gain[positive]) / np.bincount(place)
    knots, heights = np.r_[0.0, knots], np.r_[0.0, heights]
    grid = np.r_[knots[knots < max_spend], max_spend]
    return float(np.trapezoid(np.interp(grid, knots, heights), grid) / max_spend)


def arm_costs(experiment):
    """Return the mean cost of everyone under each arm that has rows of positive weight.

    Parameters
    ----------
    experiment : Experiment
        Checked rows with a cost.

    Returns
    -------
    costs : list of float
        Hajek means, in the order of `treatments`.
    """
    cost = experiment.cost[:, None]
    return [
        hajek_influence(cost, match_weights(np.full(len(cost), j), experiment))[0][0]
        for j in _arms_with_weight(experiment)
    ]


def _arms_with_weight(experiment):
    """Indices of the arms with a row that counts."""
    return np.unique(experiment.arm[experiment.sample_weight > 0])


def _check_rows(y, treatment, cost, control, propensity, sample_weight):
    experiment = check_experiment(
        y,
        treatment=treatment,
        cost=cost,
        propensity=propensity,
        sample_weight=sample_weight,
        n_samples=len(y),
    )
    if experiment.outcomes.shape[1] != 1:
        raise ValueError(f"y is expected to have one column, got {experiment.outcomes.shape[1]}.")
    arms = _arms_with_weight(experiment)
    labels = experiment.treatments[arms].tolist()
    baseline = [arm for arm, label in zip(arms, labels) if label == control]
    if not baseline:
        raise ValueError(
            f"control is expected to be one of the treatments {labels}, got {control!r}."
        )
    return experiment, int(baseline[0])
