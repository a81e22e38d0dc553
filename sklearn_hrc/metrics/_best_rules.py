"""The rules to beat: the best single arm, and the best mix of arms, for random individuals."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from sklearn_hrc._compat import validate_params
from sklearn_hrc.metrics._checks import (
    CURVE_ROWS,
    ESTIMATION,
    INTERVALS,
    check_control,
    check_rows,
    check_spend,
    count_rows,
)
from sklearn_hrc.metrics._curves import add_intervals, arms_with_weight, realised_curve
from sklearn_hrc.metrics._shares import (
    arm_points,
    cross_fit_shares,
    mix_shares,
    single_arm_shares,
)

__all__ = ["best_mix", "best_single_arm"]

_PARAMETERS = {
    "spend": ["array-like", None],
    **CURVE_ROWS,
    "budgets": ["array-like", None],
    "cv": ["cv_object", None],
    **ESTIMATION,
    **INTERVALS,
}


@validate_params(_PARAMETERS, prefer_skip_nested_validation=True)
def best_single_arm(
    spend: ArrayLike | None,
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
    budgets: ArrayLike | None = None,
    cv: Any = None,
    interval: str = "normal",
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Find what the best single arm gains at a spend: the rule to beat.

    At a spend that is lower than what an arm costs, the arm is given to as
    many individuals, drawn at random, as the spend pays for. By default the best arm is
    chosen with hindsight on the same rows, which flatters this rule; with `cv` it is chosen,
    and its share, on the other folds.

    Parameters
    ----------
    spend : array-like of shape (n_points,) or None
        Mean spend per individual above that of control, not negative. None with `budgets`.
    y, treatment, cost, control, propensity, sample_weight : array-like
        As in :func:`budget_curve`.
    method, X, outcomes, groups, arm_cost : str and array-like
        The estimator, as in :func:`budget_curve`.
    budgets : array-like of shape (n_points,), default=None
        Mean costs per individual, that of control included, in place of `spend`; as
        :func:`~sklearn_hrc.model_selection.cross_fit_arms` has them.
    cv : int, splitter or iterable, default=None
        Folds, as in :func:`cross_fit_outcomes`; rows of a group stay together. Hajek's weights
        choose on the other folds, with any `method`. None chooses with hindsight.
    interval, confidence, n_resamples : str and numbers
        The intervals, as in :func:`policy_value`. There are none with hindsight.
    random_state : int, RandomState instance or None, default=None
        Draws folds and resamples.

    Returns
    -------
    best : Bunch
        Arrays with an entry a point: `gain` over control per individual, realised `spend` above
        that of control, and `cost`, which has the control's in it, as budgets have;
        `gain_se`, `spend_se`, and `gain_interval` and `spend_interval` of shape
        (2, n_points), None without `cv`. `treatment`, the arm that all rows together
        choose, and `shares`, of shape (n_points, n_treatments), of the arms in sorted order.

    See Also
    --------
    best_mix : Up to two arms at once, which is never worse.

    Examples
    --------
    >>> from sklearn_hrc.metrics import best_single_arm
    >>> best = best_single_arm(
    ...     [0.5, 4.0], [0.0, 2.0, 3.0, 0.0, 2.0, 3.0], treatment=[0, 1, 2, 0, 1, 2],
    ...     arm_cost=[0.0, 1.0, 4.0], control=0)
    >>> best.gain.tolist(), best.treatment.tolist(), best.spend.tolist()
    ([1.0, 3.0], [1, 2], [0.5, 4.0])
    """
    random_state = check_random_state(random_state)
    rows, _ = check_rows(
        count_rows(y, "y"),
        *(y, treatment, cost, propensity, sample_weight),
        *(method, X, outcomes, groups, random_state),
        arm_cost=arm_cost,
        needs_cost=True,
    )
    baseline = check_control(rows, control)
    arms = arms_with_weight(rows.experiment)
    place = arms.tolist().index(baseline)
    rule = _judge_rule(
        lambda points, at: single_arm_shares(points, at, place)[0],
        *(spend, budgets, rows, baseline, cv),
        *(interval, confidence, n_resamples, random_state),
    )
    points, control_cost = arm_points(rows, baseline)
    _, best = single_arm_shares(points, _spends(spend, budgets, control_cost), place)
    return Bunch(**rule, treatment=rows.experiment.treatments[arms[best]])


@validate_params(_PARAMETERS, prefer_skip_nested_validation=True)
def best_mix(
    spend: ArrayLike | None,
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
    budgets: ArrayLike | None = None,
    cv: Any = 5,
    interval: str = "normal",
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Find what the best mix of arms for random individuals gains at a spend.

    Gain and spend of a mix lie on the line between those of its arms, so that the best mixes are
    the upper hull of the arms, and no more than two arms are needed at a spend. It is the
    best that can be done without a look at the individuals: a policy that has no more
    gain at that spend targets nothing. The mix is chosen on other rows than those that judge it.

    Parameters
    ----------
    spend : array-like of shape (n_points,) or None
        Mean spend per individual above that of control, not negative. None with `budgets`.
    y, treatment, cost, control, propensity, sample_weight : array-like
        As in :func:`budget_curve`.
    method, X, outcomes, groups, arm_cost : str and array-like
        The estimator, as in :func:`budget_curve`.
    budgets : array-like of shape (n_points,), default=None
        Mean costs per individual, that of control included, in place of `spend`; as
        :func:`~sklearn_hrc.model_selection.cross_fit_arms` has them.
    cv : int, splitter or iterable, default=5
        Folds, as in :func:`cross_fit_outcomes`; rows of a group stay together. Hajek's weights
        choose on the other folds, with any `method`. None chooses with hindsight, on the
        same rows, which flatters the mix.
    interval, confidence, n_resamples : str and numbers
        The intervals, as in :func:`policy_value`. There are none with hindsight.
    random_state : int, RandomState instance or None, default=None
        Draws folds and resamples.

    Returns
    -------
    best : Bunch
        Arrays as in :func:`best_single_arm`, without `treatment`: `gain`, `spend`, `cost`,
        `gain_se`, `spend_se`, `gain_interval`, `spend_interval`, and the `shares` that all rows
        together choose.

    See Also
    --------
    best_single_arm : One arm at a time.
    compare_budget_curves : A policy against a rule at equal realised spend.

    Examples
    --------
    >>> from sklearn_hrc.metrics import best_mix
    >>> best = best_mix(
    ...     [0.5, 2.5], [0.0, 2.0, 3.0, 0.0, 2.0, 3.0], treatment=[0, 1, 2, 0, 1, 2],
    ...     arm_cost=[0.0, 1.0, 4.0], control=0, cv=None)
    >>> best.gain.tolist(), best.shares.tolist()
    ([1.0, 2.5], [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    """
    random_state = check_random_state(random_state)
    rows, _ = check_rows(
        count_rows(y, "y"),
        *(y, treatment, cost, propensity, sample_weight),
        *(method, X, outcomes, groups, random_state),
        arm_cost=arm_cost,
        needs_cost=True,
    )
    return _judge_rule(
        *(mix_shares, spend, budgets, rows, check_control(rows, control), cv),
        *(interval, confidence, n_resamples, random_state),
    )


def _judge_rule(
    choose, spend, budgets, rows, control, cv, interval, confidence, n_resamples, random_state
):
    """Return what shares gain and spend, judged with hindsight or on other rows."""
    points, control_cost = arm_points(rows, control)
    chosen = choose(points, _spends(spend, budgets, control_cost))
    shares = np.zeros((len(chosen), len(rows.experiment.treatments)))
    shares[:, arms_with_weight(rows.experiment)] = chosen
    names = [f"{name}_{part}" for name in ("gain", "spend") for part in ("se", "interval")]
    if cv is None:
        gain, realised = (chosen @ points).T
        rule = Bunch(gain=gain, spend=realised, **dict.fromkeys(names))
    else:
        given = cross_fit_shares(
            choose,
            # Control may cost more in other folds than a budget has.
            lambda base: _spends(spend, budgets, base, check=False),
            *(rows, control, cv, random_state),
        )
        curve = add_intervals(
            realised_curve(given, rows, control),
            *(given, rows, control, interval, confidence, n_resamples, random_state),
        )
        rule = Bunch(**{name: curve[name] for name in ("gain", "spend", *names)})
    return Bunch(**rule, cost=control_cost + rule.spend, shares=shares)


def _spends(spend, budgets, control_cost, check=True):
    """Return spends above control; budgets have what control costs in them."""
    if (spend is None) == (budgets is None):
        got = "neither" if spend is None else "both"
        raise ValueError(f"spend is expected to be given, or budgets, one of them, got {got}.")
    if budgets is None:
        return check_spend(spend)
    above = check_spend(budgets, "budgets") - control_cost
    # The rounding of a mean is no lack of money.
    if check and (above < -1e-9 * abs(control_cost)).any():
        raise ValueError(
            "budgets is expected to be at least the mean cost of control, "
            f"{control_cost:g}, got {above.min() + control_cost:g}."
        )
    return np.maximum(above, 0.0)
