"""Realised gain against realised spend, on checked rows."""

import itertools

import numpy as np
from sklearn.utils import Bunch

from sklearn_hrc.metrics._intervals import (
    known_bounds,
    normal_interval,
    percentile_interval,
    resampled_estimates,
)
from sklearn_hrc.metrics._weighting import estimate, influence, policy_terms, standard_error

__all__ = [
    "add_intervals",
    "area_under_curve",
    "areas_of_draws",
    "arm_means",
    "gain_at_spend",
    "realised_curve",
    "resampled_curves",
]


def realised_curve(given, rows):
    """Estimate gain and spend over control of a policy at each of its budgets.

    Parameters
    ----------
    given : ndarray of shape (n_budgets, n_samples), int, or list of ndarray
        What the policy gives at each budget, as in `policy_terms`.
    rows : EvaluationRows
        Rows with a control, whose columns are the response and a cost or a price.

    Returns
    -------
    curve : Bunch
        As `budget_curve` returns it, without intervals.
    """
    base_terms = policy_terms(_everyone(rows.control, rows), rows)
    base, base_contribution = influence(base_terms)
    means, errors = np.empty((2, len(given), 2))
    for i, arm in enumerate(given):
        terms = policy_terms(arm, rows)
        mean, contribution = influence(terms)
        means[i] = mean - base
        # A row that counts for the policy and for control counts by its difference.
        errors[i] = standard_error(contribution - base_contribution, [terms, base_terms], rows.unit)
    max_spend = arm_means(rows)[:, 1].max() - base[1]
    return Bunch(
        spend=means[:, 1],
        gain=means[:, 0],
        spend_se=errors[:, 1],
        gain_se=errors[:, 0],
        max_spend=float(max_spend),
        area=area_under_curve(means[:, 1], means[:, 0], max_spend),
    )


def add_intervals(curve, given, rows, settings):
    """Add intervals to a curve, from its standard errors or from resampled units.

    Parameters
    ----------
    curve : Bunch
        From `realised_curve`.
    given, rows : ndarray and EvaluationRows
        What the curve was made of.
    settings : IntervalSettings
        How the intervals are made.

    Returns
    -------
    curve : Bunch
        The same, with `gain_interval`, `spend_interval` and `area_interval`.
    """
    confidence = settings.confidence
    if settings.interval == "normal":
        for name in ("gain", "spend"):
            curve[f"{name}_interval"] = normal_interval(
                curve[name], curve[f"{name}_se"], confidence
            )
        curve.area_interval = None
        return curve
    (points,), max_spend = resampled_curves(
        [given], rows, settings.n_resamples, settings.random_state
    )
    bounds = percentile_interval(points, confidence)
    curve.gain_interval = known_bounds(bounds[..., 0], curve.gain_se)
    curve.spend_interval = known_bounds(bounds[..., 1], curve.spend_se)
    areas = percentile_interval(areas_of_draws(points, max_spend), confidence)
    # Where one point has no error, the area has none either.
    curve.area_interval = tuple(known_bounds(areas, curve.gain_se.sum()).tolist())
    return curve


def resampled_curves(curves, rows, n_resamples, random_state):
    """Estimate several curves again, all on the same resampled units.

    Parameters
    ----------
    curves : list
        What the policy of each curve gives at each budget, as in `realised_curve`.
    rows : EvaluationRows
        As in `realised_curve`.
    n_resamples : int
        Number of resamples.
    random_state : RandomState
        Draws units.

    Returns
    -------
    points : list of ndarray of shape (n_complete, n_budgets, 2)
        Gain and spend over control, of each curve. A resample has no curve, and is left out,
        where it has no row of the control, of the dearest arm or of a policy at a budget.
    max_spend : ndarray of shape (n_complete,)
        Mean cost over control of the arm that is dearest on all rows.
    """
    dearest = rows.arms[np.argmax(arm_means(rows)[:, 1])]
    fixed = [_everyone(rows.control, rows), _everyone(dearest, rows)]
    terms = (policy_terms(arm, rows) for arm in (*fixed, *itertools.chain(*curves)))
    draws = resampled_estimates(terms, rows, n_resamples, random_state)
    draws = draws[~np.isnan(draws).any(axis=(1, 2))]
    above_control = draws[:, 1:] - draws[:, :1]
    ends = np.cumsum([len(curve) for curve in curves])[:-1]
    return np.split(above_control[:, 1:], ends, axis=1), above_control[:, 0, 1]


def gain_at_spend(spend, gain, at):
    """Return the gain of a curve at given spends.

    Points of the same spend are averaged. The curve starts at spend 0 with gain 0 or, where it
    is more, with the largest gain of the points that spend nothing or save: nobody has to spend.

    Parameters
    ----------
    spend, gain : ndarray of shape (n_points,)
        Points of the curve.
    at : ndarray of shape (n_spends,)
        Spends at which the gain is read.

    Returns
    -------
    gain : ndarray of shape (n_spends,)
        Gain of the piecewise linear curve, which is flat after its last point.
    """
    return np.interp(at, *_knots(spend, gain))


def area_under_curve(spend, gain, max_spend):
    """Return the mean gain over all spends from 0 to `max_spend`, or 0 where that is not positive.

    Parameters
    ----------
    spend, gain : ndarray of shape (n_points,)
        Points of the curve, as in `gain_at_spend`.
    max_spend : float
        End of the range.

    Returns
    -------
    area : float
        Integral of the curve, divided by `max_spend`.
    """
    if not max_spend > 0:
        return 0.0
    knots, heights = _knots(spend, gain)
    grid = np.r_[knots[knots < max_spend], max_spend]
    return float(np.trapezoid(np.interp(grid, knots, heights), grid) / max_spend)


def areas_of_draws(points, max_spend):
    """Return the area under the curve of each resample of `resampled_curves`, (n_complete,)."""
    return np.array(
        [area_under_curve(draw[:, 1], draw[:, 0], end) for draw, end in zip(points, max_spend)]
    )


def arm_means(rows):
    """Return the value of each arm in `rows.arms` for everyone, (n_arms, n_columns)."""
    return np.array([estimate(policy_terms(_everyone(arm, rows), rows)) for arm in rows.arms])


def _everyone(arm, rows):
    return np.full(len(rows.values), arm)


def _knots(spend, gain):
    """Return the spends of a curve from 0 on, each once, and the gains there."""
    positive = spend > 0
    start = gain[~positive].max(initial=0.0)
    knots, place = np.unique(spend[positive], return_inverse=True)
    heights = np.bincount(place, weights=gain[positive]) / np.bincount(place)
    return np.r_[0.0, knots], np.r_[start, heights]
