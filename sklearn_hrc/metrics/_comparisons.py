"""The difference between two policies on the same rows, and at equal realised spend."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from sklearn_hrc._compat import validate_params
from sklearn_hrc.metrics._arms import check_budgets, check_policy, probabilities_of
from sklearn_hrc.metrics._checks import (
    CURVE_ROWS,
    ESTIMATION,
    INTERVALS,
    ROWS,
    check_curve_rows,
    check_rows,
    check_spend,
)
from sklearn_hrc.metrics._curves import (
    areas_of_draws,
    gain_at_spend,
    realised_curve,
    resampled_curves,
)
from sklearn_hrc.metrics._intervals import (
    IntervalSettings,
    estimate_with_bounds,
    known_bounds,
    percentile_interval,
)
from sklearn_hrc.metrics._policy_value import name_columns
from sklearn_hrc.metrics._weighting import policy_terms

__all__ = ["compare_budget_curves", "compare_policies"]


@validate_params(
    {"arms": ["array-like"], "other_arms": ["array-like"], **ROWS, **ESTIMATION, **INTERVALS},
    prefer_skip_nested_validation=True,
)
def compare_policies(
    arms: ArrayLike,
    other_arms: ArrayLike,
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
    """Estimate the difference in value between two policies on the same rows.

    Both values come from the same rows. Where the policies mostly agree, most of their errors
    cancel, and the difference is known better than either value. A policy that brings more
    and costs more is not better for that. Look at both differences, or compare at equal spend
    with :func:`compare_budget_curves`.

    Parameters
    ----------
    arms, other_arms : array-like of shape (n_samples,) or (n_samples, n_treatments)
        Arms that the two policies give to each row, or probabilities of the arms, as in
        :func:`policy_value`.
    y, treatment, propensity, cost, sample_weight : array-like
        The rows, as in :func:`policy_value`.
    method, X, outcomes, groups : str and array-like
        The estimator, as in :func:`policy_value`.
    arm_cost : dict or array-like of shape (n_treatments,), default=None
        Known price of each arm, in place of `cost`, as in :func:`policy_value`.
    interval, confidence, n_resamples, random_state : str and numbers
        The intervals, as in :func:`policy_value`. Both policies have the same resamples.

    Returns
    -------
    difference : Bunch
        `arms` less `other_arms`: `response`, `response_se`, `response_interval`,
        `cost`, `cost_se` and `cost_interval`, in the shapes of :func:`policy_value`.
        `differing_share` is the share of the total weight where the arms differ. Policies
        that draw arms differ in a row by half the sum of the absolute differences of
        their probabilities.

    Examples
    --------
    >>> from sklearn_hrc.metrics import compare_policies
    >>> difference = compare_policies(
    ...     [1, 1, 1, 1], [0, 1, 0, 1], [1.0, 2.0, 1.0, 4.0], treatment=[0, 1, 0, 1],
    ...     cost=[0.0, 1.0, 0.0, 3.0])
    >>> difference.response, difference.cost, difference.differing_share
    (1.0, 1.0, 0.5)
    """
    random_state = check_random_state(random_state)
    policies = {"arms": arms, "other_arms": other_arms}
    rows = check_rows(
        policies,
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
    given = [check_policy(policy, rows, name) for name, policy in policies.items()]
    settings = IntervalSettings(interval, confidence, n_resamples, random_state)
    estimates = estimate_with_bounds([policy_terms(one, rows) for one in given], rows, settings)
    return Bunch(
        **name_columns(estimates, np.ndim(y), rows.has_cost),
        differing_share=_differing_share(given[0], given[1], rows),
    )


@validate_params(
    {
        "arms": ["array-like"],
        "other_arms": ["array-like"],
        **CURVE_ROWS,
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
    cost: ArrayLike | None = None,
    control: Any,
    propensity: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    spend: ArrayLike | None = None,
    method: str = "hajek",
    X: ArrayLike | None = None,
    outcomes: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    arm_cost: ArrayLike | dict[Any, float] | None = None,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Compare two policies at equal realised spend, on the same rows.

    The curve of a policy is a straight line between two of its budgets. A coin tossed for each
    individual between the arms of the two budgets is a policy, too, and its spend and gain lie
    on that line. Beyond the largest spend of a policy the curve is flat, since the policy has
    no use for more money. Intervals come from resampled rows (or groups), on which both curves
    are computed again.

    Parameters
    ----------
    arms, other_arms : array-like of shape (n_budgets, n_samples)
        Arms that the two policies give to each row at each budget. Each policy has
        budgets of its own. A single row with everyone's arm is the rule that gives
        this arm to a random share.
    y, treatment, cost, control, propensity, sample_weight : array-like
        The rows, as in :func:`budget_curve`.
    spend : array-like of shape (n_points,), default=None
        Mean spends per individual at which the gains are compared: what a policy costs
        above control, not negative. None is ten equal steps to the largest spend that
        both policies reach.
    method, X, outcomes, groups : str and array-like
        The estimator, as in :func:`budget_curve`.
    arm_cost : dict or array-like of shape (n_treatments,), default=None
        Known price of each arm, in place of `cost`, as in :func:`policy_value`.
    confidence, n_resamples, random_state : numbers
        The intervals, as in :func:`policy_value`.

    Returns
    -------
    difference : Bunch
        Arrays with an entry for each point: `spend`, the gains over control `gain` and
        `other_gain`, and `gain_difference`, the first less the second.
        `gain_difference_interval` has the shape (2, n_points) and is pointwise.
        `area_difference` is that of the areas of :func:`budget_curve`, and
        `area_difference_interval` is a pair. Intervals are NaN where a policy at one of
        its budgets matches a single row (or group).

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
    policies = {"arms": arms, "other_arms": other_arms}
    given = [check_budgets(policy, rows, name) for name, policy in policies.items()]
    curves = [realised_curve(policy, rows) for policy in given]
    spend = _common_spends(curves) if spend is None else check_spend(spend)
    gain, other_gain = (gain_at_spend(curve.spend, curve.gain, spend) for curve in curves)
    draws, max_spend = resampled_curves(given, rows, n_resamples, random_state)
    gains = [_gains_of_draws(points, spend) for points in draws]
    areas = [areas_of_draws(points, max_spend) for points in draws]
    # Where one point of a curve has no error, the curve between its points has none either.
    error = np.sum([curve.gain_se.sum() for curve in curves])
    bounds = [
        known_bounds(percentile_interval(first - second, confidence), error)
        for first, second in (gains, areas)
    ]
    return Bunch(
        spend=spend,
        gain=gain,
        other_gain=other_gain,
        gain_difference=gain - other_gain,
        gain_difference_interval=bounds[0],
        area_difference=curves[0].area - curves[1].area,
        area_difference_interval=tuple(bounds[1].tolist()),
    )


def _differing_share(given, other, rows):
    """Return the share of the total weight where two policies differ."""
    if given.ndim == other.ndim == 1:
        differing = given != other
    else:
        n_treatments = len(rows.experiment.treatments)
        chances = probabilities_of(given, n_treatments), probabilities_of(other, n_treatments)
        differing = np.abs(chances[0] - chances[1]).sum(axis=1) / 2
    return float(np.average(differing, weights=rows.experiment.sample_weight))


def _gains_of_draws(points, spend):
    """Return the gain of each resampled curve at each spend, (n_complete, n_points)."""
    gains = [gain_at_spend(draw[:, 1], draw[:, 0], spend) for draw in points]
    return np.reshape(gains, (len(points), len(spend)))


def _common_spends(curves):
    """Return ten equal steps to the largest spend that all curves reach, (10,)."""
    largest = min(curve.spend.max() for curve in curves)
    if not largest > 0:
        raise ValueError(
            "spend is expected to be given where the two policies share no positive spend, got "
            f"{largest:g} as the largest that both reach."
        )
    return np.linspace(0.0, largest, 11)[1:]
