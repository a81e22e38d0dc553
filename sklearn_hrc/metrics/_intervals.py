"""Confidence intervals: from standard errors, or from resampled units."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from sklearn_hrc.metrics._weighting import influence, standard_error, sum_by_unit

__all__ = [
    "IntervalSettings",
    "estimate_with_bounds",
    "known_bounds",
    "normal_interval",
    "percentile_interval",
    "resampled_estimates",
]

# Counts of units in the resamples that are held at once.
_BATCH = 2**22


class IntervalSettings(NamedTuple):
    """How intervals are made, with the parameters of `policy_value`."""

    interval: str
    confidence: float
    n_resamples: int
    random_state: np.random.RandomState


def estimate_with_bounds(terms, rows, settings):
    """Estimate the value of a policy, or the difference between the first of two and the second.

    Parameters
    ----------
    terms : list of Terms
        Terms of one policy, or of two.
    rows : EvaluationRows
        Rows that the terms come from.
    settings : IntervalSettings
        How the interval is made.

    Returns
    -------
    center, error : ndarray of shape (n_columns,)
        Estimate and standard error.
    bounds : ndarray of shape (2, n_columns)
        Interval.
    """
    center, contribution = influence(terms[0])
    for other in terms[1:]:
        other_center, other_contribution = influence(other)
        center, contribution = center - other_center, contribution - other_contribution
    error = standard_error(contribution, terms, rows.unit)
    if settings.interval == "normal":
        return center, error, normal_interval(center, error, settings.confidence)
    draws = resampled_estimates(terms, rows, settings.n_resamples, settings.random_state)
    draws = draws[:, 0] - draws[:, 1:].sum(axis=1)
    return center, error, known_bounds(percentile_interval(draws, settings.confidence), error)


def normal_interval(center, error, confidence):
    """Return the bounds `center -+ z * error`, stacked first, (2, ...)."""
    reach = norm.ppf((1 + confidence) / 2) * np.asarray(error)
    return np.stack([center - reach, center + reach])


def percentile_interval(draws, confidence):
    """Return the bounds that leave out equal shares of the draws, (2, ...).

    A resample in which a policy matches no row has no estimate. The bounds leave it out.
    """
    tail = (1 - confidence) / 2
    if not len(draws):
        return np.full((2, *draws.shape[1:]), np.nan)
    return np.nanquantile(draws, [tail, 1 - tail], axis=0)


def known_bounds(bounds, error):
    """Return resampled bounds, (2, n_columns), with NaN where the standard error is NaN.

    A policy with a single matched unit has no standard error. Its resamples hold that unit
    again and again, so their interval would have width zero.
    """
    return np.where(np.isnan(error), np.nan, bounds)


def resampled_estimates(terms, rows, n_resamples, random_state):
    """Estimate several policies again, all on the same resampled units.

    Propensities, expected outcomes and policies stay as they are. So the interval is that of
    these policies, not of policies that are fitted anew.

    Parameters
    ----------
    terms : iterable of Terms
        Terms of each policy.
    rows : EvaluationRows
        Rows that the terms come from.
    n_resamples : int
        Number of resamples.
    random_state : RandomState
        Draws units.

    Returns
    -------
    draws : ndarray of shape (n_resamples, n_policies, n_columns)
        NaN where the units of a resample have no weight for a policy.
    """
    # One product of counts and sums serves all policies and columns. scipy's bootstrap would
    # gather the rows of every resample for each of them.
    columns = [
        sum_by_unit(np.column_stack([one.numerator, one.denominator]), rows.unit) for one in terms
    ]
    n_policies, n_units = len(columns), len(columns[0])
    sums = np.concatenate(columns, axis=1)
    totals = [
        _unit_counts(n_units, size, random_state) @ sums for size in _batches(n_resamples, n_units)
    ]
    totals = np.concatenate(totals).reshape(n_resamples, n_policies, -1)
    n_columns = rows.values.shape[1] + (rows.price is not None)
    numerator, denominator = totals[..., :n_columns], totals[..., n_columns:]
    draws = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=draws, where=denominator > 0)


def _batches(n_resamples, n_units):
    """Return the numbers of resamples that are held at once."""
    size = max(_BATCH // n_units, 1)
    return [min(size, n_resamples - start) for start in range(0, n_resamples, size)]


def _unit_counts(n_units, n_resamples, random_state):
    """Return how often each resample draws each unit, (n_resamples, n_units)."""
    return np.stack(
        [
            np.bincount(random_state.randint(n_units, size=n_units), minlength=n_units)
            for _ in range(n_resamples)
        ]
    ).astype(np.float64)
