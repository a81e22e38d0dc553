"""The value of a policy as the ratio of two sums over rows, whichever its form."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._experiment import Experiment
from sklearn_hrc._propensity import inverse_propensity

__all__ = [
    "METHODS",
    "EvaluationRows",
    "Terms",
    "chance_of_received",
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
        What is to be valued: the outcomes and, if it was observed, the cost as the last.
    inverse : ndarray of shape (n_samples,), float64
        `sample_weight / propensity` of the received arm.
    method : {"hajek", "horvitz-thompson", "doubly-robust"}
        Estimator.
    expected : ndarray of shape (n_samples, n_treatments, n_columns) or None
        Expectation of `values` under every arm, for the doubly robust form.
    unit : ndarray of shape (n_samples,), int, or None
        Index of the independent unit that a row belongs to; None is a unit a row.
    price : ndarray of shape (n_treatments,) or None
        Known cost of each arm, in place of the observed cost.
    """

    experiment: Experiment
    values: np.ndarray
    inverse: np.ndarray
    method: str
    expected: np.ndarray | None
    unit: np.ndarray | None
    price: np.ndarray | None = None


class Terms(NamedTuple):
    """What each row adds to the two sums whose ratio is the value of a policy.

    Attributes
    ----------
    numerator : ndarray of shape (n_samples, n_columns)
        Weighted outcomes, and the cost as the last, if there is one.
    denominator : ndarray of shape (n_samples, n_columns) or (n_samples, 1)
        Weights; one column serves all where they are the same.
    """

    numerator: np.ndarray
    denominator: np.ndarray


def evaluation_rows(experiment, values, method="hajek", expected=None, unit=None, price=None):
    """Return the rows with their inverse propensities, which no policy changes."""
    inverse = inverse_propensity(received_propensity(experiment), experiment.sample_weight)
    # Columns are summed again and again, which is faster where each lies in one piece.
    values = np.asfortranarray(values)
    return EvaluationRows(experiment, values, inverse, method, expected, unit, price)


def policy_terms(given, rows):
    """Return the terms of the policy that gives these arms.

    Parameters
    ----------
    given : ndarray of shape (n_samples,), int, or (n_samples, n_treatments), float
        Index of the arm that the policy gives to each row, or the probability of each arm.
    rows : EvaluationRows
        What it is evaluated on.

    Returns
    -------
    terms : Terms
        Of the method that `rows` names. A known price is that of the arms given, and needs
        no weights.
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
    # Where a row received what it is never given its weight is zero, and only this stays.
    correction = weight[:, None] * (rows.values - rows.expected[place, rows.experiment.arm])
    return Terms(sample_weight * expected + correction, sample_weight)


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


def chance_of_received(given, arm):
    """Return the probability with which a policy gives each row the arm that it received.

    Parameters
    ----------
    given : ndarray of shape (n_samples,), int, or (n_samples, n_treatments), float
        As in `policy_terms`.
    arm : ndarray of shape (n_samples,), int
        Index of the received arm.

    Returns
    -------
    chance : ndarray of shape (n_samples,), float64
        0 or 1 where the policy gives one arm to each row.
    """
    if given.ndim == 1:
        return (given == arm).astype(np.float64)
    return given[np.arange(len(arm)), arm]


def match_weights(given, rows, name="arms"):
    """Return the weights of the rows that received the arm they are given.

    Parameters
    ----------
    given : ndarray of shape (n_samples,), int, or (n_samples, n_treatments), float
        As in `policy_terms`.
    rows : EvaluationRows
        What it is evaluated on.
    name : str, default="arms"
        What an error calls the policy.

    Returns
    -------
    weight : ndarray of shape (n_samples,)
        `sample_weight / propensity` times the probability that the policy gives the received
        arm, which is 1 where the arms match and else 0.
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
        Its columns sum to zero; the root of the sum of squares over independent units
        is the standard error.
    """
    center = estimate(terms)
    deviation = terms.numerator - terms.denominator * center
    return center, deviation / terms.denominator.sum(axis=0)


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
        units that have weight; NaN where only one has weight for one of the policies,
        which says nothing of its error.
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
