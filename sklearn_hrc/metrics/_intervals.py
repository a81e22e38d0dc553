"""Confidence intervals: from standard errors, or from resampled units."""

import numpy as np
from scipy.stats import norm

from sklearn_hrc.metrics._weighting import influence, standard_error, sum_by_unit

__all__ = [
    "estimate_with_bounds",
    "known_bounds",
    "normal_interval",
    "percentile_interval",
    "resampled_estimates",
]

# Counts of a batch of resamples that are held at once.
_BATCH = 2**22


def estimate_with_bounds(terms, rows, interval, confidence, n_resamples, random_state):
    """Estimate the value of a policy, or what the first of two has above the second.

    Parameters
    ----------
    terms : list of Terms
        Of one policy or of two.
    rows : EvaluationRows
        What they come from.
    interval, confidence, n_resamples : str and numbers
        As in `policy_value`.
    random_state : RandomState
        Draws units.

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
    if interval == "normal":
        return center, error, normal_interval(center, error, confidence)
    draws = resampled_estimates(terms, rows, n_resamples, random_state)
    draws = draws[:, 0] - draws[:, 1:].sum(axis=1)
    return center, error, known_bounds(percentile_interval(draws, confidence), error)


def normal_interval(center, error, confidence):
    """Return the bounds `center -+ z * error`, stacked first, (2, ...)."""
    reach = norm.ppf((1 + confidence) / 2) * np.asarray(error)
    return np.stack([center - reach, center + reach])


def percentile_interval(draws, confidence):
    """Return the bounds that leave out equal shares of the draws, (2, ...).

    A resample in which a policy matched nobody has no estimate and is left out.
    """
    tail = (1 - confidence) / 2
    if not len(draws):
        return np.full((2, *draws.shape[1:]), np.nan)
    return np.nanquantile(draws, [tail, 1 - tail], axis=0)


def known_bounds(bounds, error):
    """Return bounds that are NaN where the error is: where no resample could tell it either.

    Parameters
    ----------
    bounds : ndarray of shape (2, n_columns)
        From resamples.
    error : ndarray of shape (n_columns,)
        Standard errors.

    Returns
    -------
    bounds : ndarray of shape (2, n_columns)
        One matched row, drawn again and again, would make an interval of width zero.
    """
    return np.where(np.isnan(error), np.nan, bounds)


def resampled_estimates(terms, rows, n_resamples, random_state):
    """Estimate several policies again on resampled units, all on the same.

    Propensities, expected outcomes and the policies stay as they are: the interval is
    that of these policies, not of policies fitted anew.

    Parameters
    ----------
    terms : iterable of Terms
        Of each policy.
    rows : EvaluationRows
        What they come from.
    n_resamples : int
        Number of resamples.
    random_state : RandomState
        Draws units.

    Returns
    -------
    draws : ndarray of shape (n_resamples, n_policies, n_columns)
        NaN where the units of a resample have no weight for a policy.
    """
    # A product of counts and sums serves all policies and columns at once; scipy's bootstrap
    # gathers the rows of every resample for each of them.
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
    size = max(_BATCH // n_units, 1)
    return [min(size, n_resamples - start) for start in range(0, n_resamples, size)]


def _unit_counts(n_units, n_resamples, random_state):
    """How often each unit is drawn, with replacement, (n_resamples, n_units)."""
    return np.stack(
        [
            np.bincount(random_state.randint(n_units, size=n_units), minlength=n_units)
            for _ in range(n_resamples)
        ]
    ).astype(np.float64)
