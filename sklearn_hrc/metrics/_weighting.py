"""The value of a policy as the ratio of two sums over rows, by any of three estimators."""

from typing import NamedTuple

import numpy as np

__all__ = [
    "METHODS",
    "Terms",
    "chance_of_received",
    "estimate",
    "influence",
    "match_weights",
    "policy_terms",
    "standard_error",
    "sum_by_unit",
]


class Terms(NamedTuple):
    """What each row adds to the two sums whose ratio is the value of a policy.

    Attributes
    ----------
    numerator : ndarray of shape (n_samples, n_columns)
        Weighted outcomes and, as the last column, the weighted cost if there is one.
    denominator : ndarray of shape (n_samples, n_columns) or (n_samples, 1)
        Weights. One column serves all columns of the numerator where they are the same.
    """

    numerator: np.ndarray
    denominator: np.ndarray


def policy_terms(given, rows):
    """Return the terms of a policy.

    Parameters
    ----------
    given : ndarray of shape (n_samples,), int, or (n_samples, n_treatments), float
        Index of the arm that the policy gives to each row, or the probability of each arm.
    rows : EvaluationRows
        Rows that the policy is evaluated on.

    Returns
    -------
    terms : Terms
        Terms of the method that `rows` names. A known price is that of the given arm, whatever
        the row received, so its column has no weights but those of the rows.
    """
    terms = METHODS[rows.method](given, match_weights(given, rows), rows)
    if rows.price is None:
        return terms
    sample_weight = rows.experiment.sample_weight
    price = rows.price[given] if given.ndim == 1 else given @ rows.price
    numerator = np.column_stack([terms.numerator, sample_weight * price])
    weights = np.repeat(terms.denominator, terms.numerator.shape[1], axis=1)
    return Terms(numerator, np.column_stack([weights, sample_weight]))


def _hajek(given, weight, rows):
    return Terms(weight[:, None] * rows.values, weight[:, None])


def _horvitz_thompson(given, weight, rows):
    return Terms(weight[:, None] * rows.values, rows.experiment.sample_weight[:, None])


def _doubly_robust(given, weight, rows):
    sample_weight = rows.experiment.sample_weight[:, None]
    place = np.arange(len(given))
    if given.ndim == 1:
        expected = rows.expected[place, given]
    else:
        expected = np.einsum("ij,ijk->ik", given, rows.expected)
    # A row that received what the policy never gives it has weight zero: no correction.
    correction = weight[:, None] * (rows.values - rows.expected[place, rows.experiment.arm])
    return Terms(sample_weight * expected + correction, sample_weight)


METHODS = {
    "hajek": _hajek,
    "horvitz-thompson": _horvitz_thompson,
    "doubly-robust": _doubly_robust,
}


def chance_of_received(given, arm):
    """Return the probability with which a policy gives each row the arm that it received.

    It has the shape (n_samples,), and is 0 or 1 where the policy gives one arm to each row.
    """
    if given.ndim == 1:
        return (given == arm).astype(np.float64)
    return given[np.arange(len(arm)), arm]


def match_weights(given, rows, name="arms"):
    """Return the weights of the rows that received the arm that a policy gives them.

    Parameters
    ----------
    given : ndarray of shape (n_samples,), int, or (n_samples, n_treatments), float
        As in `policy_terms`.
    rows : EvaluationRows
        Rows that the policy is evaluated on.
    name : str, default="arms"
        What an error calls the policy.

    Returns
    -------
    weight : ndarray of shape (n_samples,)
        `sample_weight / propensity` times `chance_of_received`.
    """
    weight = chance_of_received(given, rows.experiment.arm) * rows.inverse
    if not weight.sum() > 0:
        raise ValueError(
            f"{name} is expected to agree with treatment in some rows of positive weight, got none."
        )
    return weight


def estimate(terms):
    """Return the ratio of the two sums, (n_columns,)."""
    return terms.numerator.sum(axis=0) / terms.denominator.sum(axis=0)


def influence(terms):
    """Return the estimate and what each row contributes to its error.

    Parameters
    ----------
    terms : Terms
        From `policy_terms`.

    Returns
    -------
    center : ndarray of shape (n_columns,)
        From `estimate`.
    contribution : ndarray of shape (n_samples, n_columns)
        Each column sums to zero. The root of its sum of squares over independent units is the
        standard error, but for a factor near 1.
    """
    center = estimate(terms)
    deviation = terms.numerator - terms.denominator * center
    return center, deviation / terms.denominator.sum(axis=0)


def standard_error(contribution, terms, unit):
    """Return the standard error of an estimate, or of a difference of two estimates.

    Parameters
    ----------
    contribution : ndarray of shape (n_samples, n_columns)
        From `influence`, or the difference of two.
    terms : list of Terms
        Terms of the one policy, or of both.
    unit : ndarray of shape (n_samples,), int, or None
        Index of the independent unit of each row. None makes each row a unit.

    Returns
    -------
    error : ndarray of shape (n_columns,)
        The variance has the factor `m / (m - 1)` of the variance of a mean, where `m` is the
        number of units with weight. NaN where a single unit has weight for one of the policies,
        since one unit says nothing of an error.
    """
    variance = (sum_by_unit(contribution, unit) ** 2).sum(axis=0)
    has_weight = [sum_by_unit(one.denominator, unit) > 0 for one in terms]
    n_units = np.any(has_weight, axis=0).sum(axis=0)
    fewest = np.min([units.sum(axis=0) for units in has_weight], axis=0)
    factor = np.full(n_units.shape, np.nan)
    np.divide(n_units, n_units - 1, out=factor, where=fewest > 1)
    return np.sqrt(variance * factor)


def sum_by_unit(columns, unit):
    """Sum the rows of each independent unit, (n_units, n_columns)."""
    if unit is None:
        return columns
    return np.column_stack([np.bincount(unit, weights=column) for column in columns.T])
