"""The rules to beat: the best single arm, and the best mix of arms, for random individuals."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from sklearn_hrc._compat import validate_params
from sklearn_hrc.metrics._checks import (
    CURVE_ROWS,
    ESTIMATION,
    INTERVALS,
    check_curve_rows,
    check_spend,
)
from sklearn_hrc.metrics._curves import add_intervals, realised_curve
from sklearn_hrc.metrics._intervals import IntervalSettings
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

    Where an arm costs more than the spend, as many individuals get the arm as the spend pays
    for. They are drawn at random. By default the arm is chosen with hindsight on the same
    rows, which flatters this rule. With `cv` the arm and its share are chosen on the other
    folds.

    Parameters
    ----------
    spend : array-like of shape (n_points,) or None
        Mean spend per individual above that of control, not negative. None with `budgets`.
    y, treatment, cost, control, propensity, sample_weight : array-like
        The rows, as in :func:`budget_curve`.
    method, X, outcomes, groups, arm_cost : str and array-like
        The estimator, as in :func:`budget_curve`.
    budgets : array-like of shape (n_points,), default=None
        Mean costs per individual, in place of `spend`. They include what control costs, as
        those of :func:`~sklearn_hrc.model_selection.cross_fit_arms` do.
    cv : int, splitter or iterable, default=None
        Folds, as in :func:`cross_fit_outcomes`. Rows of a group stay together. Hajek's weights
        choose on the other folds, whatever the `method`. None chooses with hindsight.
    interval, confidence, n_resamples : str and numbers
        The intervals, as in :func:`policy_value`. There are none with hindsight.
    random_state : int, RandomState instance or None, default=None
        Draws folds and resamples.

    Returns
    -------
    best : Bunch
        Arrays with an entry for each point. `gain` is that over control per individual, and
        `spend` the realised spend above that of control. `cost` includes what control costs,
        as budgets do. `gain_se`, `spend_se`, `gain_interval` and `spend_interval`, the last two
        of shape (2, n_points), are None without `cv`. `treatment` is the arm that all rows
        together choose. `shares`, of shape (n_points, n_treatments), are those that all rows
        together choose, with the arms in sorted order.

    See Also
    --------
    best_mix : Up to two arms at once, which are never worse with hindsight.

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
    settings = IntervalSettings(interval, confidence, n_resamples, random_state)
    place = np.searchsorted(rows.arms, rows.control)
    spend_of = partial(_spends, spend, budgets)
    rule = _judge_rule(
        lambda points, at: single_arm_shares(points, at, place)[0], spend_of, rows, cv, settings
    )
    points, control_cost = arm_points(rows)
    _, best = single_arm_shares(points, spend_of(control_cost), place)
    return Bunch(**rule, treatment=rows.experiment.treatments[rows.arms[best]])


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

    Gain and spend of a mix lie on the line between those of its arms. So the best mixes are the
    upper hull of the arms, and no more than two arms are needed at a spend. The best mix is the
    best that can be done without a look at the individuals: a policy that gains no more at that
    spend targets nothing. The mix is chosen on other rows than those that judge it.

    Parameters
    ----------
    spend, y, treatment, cost, control, propensity, sample_weight : array-like
        Spends and rows, as in :func:`best_single_arm`.
    method, X, outcomes, groups, arm_cost : str and array-like
        The estimator, as in :func:`budget_curve`.
    budgets : array-like of shape (n_points,), default=None
        In place of `spend`, as in :func:`best_single_arm`.
    cv : int, splitter or iterable, default=5
        Folds, as in :func:`best_single_arm`. None chooses with hindsight on the same rows,
        which flatters the mix.
    interval, confidence, n_resamples, random_state : str and numbers
        The intervals and folds, as in :func:`best_single_arm`.

    Returns
    -------
    best : Bunch
        Arrays as in :func:`best_single_arm`, without `treatment`: `gain`, `spend`, `cost`,
        `gain_se`, `spend_se`, `gain_interval`, `spend_interval` and `shares`.

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
    settings = IntervalSettings(interval, confidence, n_resamples, random_state)
    return _judge_rule(mix_shares, partial(_spends, spend, budgets), rows, cv, settings)


def _judge_rule(choose, spend_of, rows, cv, settings):
    """Return what the chosen shares gain and spend, as `best_mix` does.

    `choose` and `spend_of` are as in `cross_fit_shares`.
    """
    points, control_cost = arm_points(rows)
    chosen = choose(points, spend_of(control_cost))
    shares = np.zeros((len(chosen), len(rows.experiment.treatments)))
    shares[:, rows.arms] = chosen
    names = [f"{name}_{part}" for name in ("gain", "spend") for part in ("se", "interval")]
    if cv is None:
        gain, realised = (chosen @ points).T
        rule = Bunch(gain=gain, spend=realised, **dict.fromkeys(names))
    else:
        # Control may cost more on the other folds than a budget allows.
        unchecked = partial(spend_of, check=False)
        given = cross_fit_shares(choose, unchecked, rows, cv, settings.random_state)
        curve = add_intervals(realised_curve(given, rows), given, rows, settings)
        rule = Bunch(**{name: curve[name] for name in ("gain", "spend", *names)})
    return Bunch(**rule, cost=control_cost + rule.spend, shares=shares)


def _spends(spend, budgets, control_cost, check=True):
    """Return spends above control. Budgets include what control costs, spends do not."""
    if (spend is None) == (budgets is None):
        got = "neither" if spend is None else "both"
        raise ValueError(f"spend is expected to be given, or budgets, one of them, got {got}.")
    if budgets is None:
        return check_spend(spend)
    above = check_spend(budgets, "budgets") - control_cost
    # A budget of just what control costs may miss that mean by rounding.
    if check and (above < -1e-9 * abs(control_cost)).any():
        raise ValueError(
            "budgets is expected to be at least the mean cost of control, "
            f"{control_cost:g}, got {above.min() + control_cost:g}."
        )
    return np.maximum(above, 0.0)
