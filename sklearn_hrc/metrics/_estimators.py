"""The value of a policy as the ratio of two sums over rows, whichever its form."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._validation import Experiment

__all__ = [
    "METHODS",
    "EvaluationRows",
    "Terms",
    "estimate",
    "evaluation_rows",
    "influence",
    "match_weights",
    "policy_terms",
    "received_propensity",
    "standard_error",
    "sum_by_unit",
]


class EvaluationRows(NamedTuple):
    """Rows that policies are evaluated on, and how.

    Attributes
    ----------
    experiment : Experiment
        Checked rows.
    values : ndarray of shape (n_samples, n_columns), float64
        What is to be valued: the outcomes and, if there is one, the cost as the last.
    inverse : ndarray of shape (n_samples,), float64
        `sample_weight / propensity` of the received arm.
    method : {"hajek", "horvitz-thompson", "doubly-robust"}
        Estimator.
    expected : ndarray of shape (n_samples, n_treatments, n_columns) or None
        Expectation of `values` under every arm, for the doubly robust form.
    unit : ndarray of shape (n_samples,), int, or None
        Index of the independent unit that a row belongs to; None is a unit a row.
    """

    experiment: Experiment
    values: np.ndarray
    inverse: np.ndarray
    method: str
    expected: np.ndarray | None
    unit: np.ndarray | None


class Terms(NamedTuple):
    """What each row adds to the two sums whose ratio is the value of a policy.

    Attributes
    ----------
    numerator : ndarray of shape (n_samples, n_columns)
        Weighted outcomes.
    denominator : ndarray of shape (n_samples,)
        Weights.
    """

    numerator: np.ndarray
    denominator: np.ndarray


def evaluation_rows(experiment, values, method="hajek", expected=None, unit=None):
    """Return the rows with their inverse propensities, which no policy changes."""
    sample_weight = experiment.sample_weight
    inverse = np.zeros_like(sample_weight)
    # The share of an arm whose rows all have weight zero is zero, too.
    np.divide(sample_weight, received_propensity(experiment), out=inverse, where=sample_weight > 0)
    # Columns are summed again and again, which is faster where each lies in one piece.
    values = np.asfortranarray(values)
    return EvaluationRows(experiment, values, inverse, method, expected, unit)


def policy_terms(given, rows):
    """Return the terms of the policy that gives these arms.

    Parameters
    ----------
    given : ndarray of shape (n_samples,), int
        Index of the arm that the policy gives to each row.
    rows : EvaluationRows
        What it is evaluated on.

    Returns
    -------
    terms : Terms
        Of the method that `rows` names.
    """
    return METHODS[rows.method](given, match_weights(given, rows), rows)


def _hajek(given, weight, rows):
    return Terms(weight[:, None] * rows.values, weight)


def _horvitz_thompson(given, weight, rows):
    return Terms(weight[:, None] * rows.values, rows.experiment.sample_weight)


def _doubly_robust(given, weight, rows):
    sample_weight = rows.experiment.sample_weight
    # Where a row received another arm its weight is zero, and only the expectation stays.
    expected = rows.expected[np.arange(len(given)), given]
    correction = weight[:, None] * (rows.values - expected)
    return Terms(sample_weight[:, None] * expected + correction, sample_weight)


METHODS = {
    "hajek": _hajek,
    "horvitz-thompson": _horvitz_thompson,
    "doubly-robust": _doubly_robust,
}


def received_propensity(experiment):
    """Return the probability of each row's arm: as given, or the arm's share."""
    if experiment.propensity is not None:
        return experiment.propensity
    total = np.bincount(experiment.arm, weights=experiment.sample_weight)
    return (total / total.sum())[experiment.arm]


def match_weights(given, rows, name="arms"):
    """Return the weights of the rows that received the arm they are given.

    Parameters
    ----------
    given : ndarray of shape (n_samples,), int
        Index of the arm that a policy gives to each row.
    rows : EvaluationRows
        What it is evaluated on.
    name : str, default="arms"
        What an error calls the policy.

    Returns
    -------
    weight : ndarray of shape (n_samples,)
        `sample_weight / propensity` where the arms match, else zero.
    """
    weight = np.where(given == rows.experiment.arm, rows.inverse, 0.0)
    if not weight.sum() > 0:
        raise ValueError(
            f"{name} is expected to agree with treatment in some rows of positive weight, got none."
        )
    return weight


def estimate(terms):
    """Return the ratio of the two sums, (n_columns,)."""
    return terms.numerator.sum(axis=0) / terms.denominator.sum()


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
        Its columns sum to zero; the root of the sum of squares over independent units
        is the standard error.
    """
    center = estimate(terms)
    deviation = terms.numerator - terms.denominator[:, None] * center
    return center, deviation / terms.denominator.sum()


def standard_error(contribution, terms, unit):
    """Return the standard error of an estimate or of a difference of estimates.

    Parameters
    ----------
    contribution : ndarray of shape (n_samples, n_columns)
        From `influence`, or a difference of two.
    terms : list of Terms
        Of the one policy or of both.
    unit : ndarray of shape (n_samples,), int, or None
        Index of the independent unit of each row; None is a unit a row.

    Returns
    -------
    error : ndarray of shape (n_columns,)
        With the factor `m / (m - 1)` of the variance of a mean, `m` being the number of
        units that have weight; NaN where this is one, which says nothing of its error.
    """
    variance = (sum_by_unit(contribution, unit) ** 2).sum(axis=0)
    has_weight = np.any([one.denominator > 0 for one in terms], axis=0)
    n_units = np.count_nonzero(has_weight) if unit is None else len(np.unique(unit[has_weight]))
    return (
        np.sqrt(variance * n_units / (n_units - 1))
        if n_units > 1
        else np.full_like(variance, np.nan)
    )


def sum_by_unit(columns, unit):
    """Sum the rows of each independent unit, (n_units, n_columns)."""
    if unit is None:
        return columns
    return np.column_stack([np.bincount(unit, weights=column) for column in columns.T])
