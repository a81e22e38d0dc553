"""What rivals learn from: rows with one response and one cost, as plain arrays."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._predictor.constants import constants_of_arms
from sklearn_hrc._propensity import inverse_propensity

__all__ = ["ExperimentRows", "arm_means", "experiment_rows", "observed_totals"]


class ExperimentRows(NamedTuple):
    """Rows of an experiment whose response and cost are one number each.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features.
    arm : ndarray of shape (n_samples,), intp
        Index of the received arm.
    response, cost : ndarray of shape (n_samples,), float64
        Of the received arm.
    weight : ndarray of shape (n_samples,), float64
        Weights of the rows. Their mean is one.
    inverse : ndarray of shape (n_samples,), float64
        Weights over the propensities of the received arms, scaled in each arm so that its rows
        stand for all rows: their sum is `n_samples`.
    constants : ndarray of shape (2, n_treatments), float64
        Response and cost of an arm where all its rows have the same, else NaN. So the cost of the
        control and fixed prices are known. A response that is the same by chance is not.
    control : int
        Index of the control.
    unit : ndarray of shape (n_samples,), int, or None
        Index of the group of each row. Rows of a group are held out together. None makes each row a
        group.
    """

    X: np.ndarray
    arm: np.ndarray
    response: np.ndarray
    cost: np.ndarray
    weight: np.ndarray
    inverse: np.ndarray
    constants: np.ndarray
    control: int
    unit: np.ndarray | None = None

    @property
    def n_arms(self):
        """Number of arms."""
        return self.constants.shape[1]


def experiment_rows(X, experiment, objective, arm_cost, control, unit=None):
    """Make rows with one response and one cost.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features.
    experiment : Experiment
        Checked rows.
    objective : ndarray of shape (n_outcomes,)
        Weight of each outcome in the response.
    arm_cost : ndarray of shape (n_treatments,) or None
        Prices that take the place of the observed costs.
    control : int
        Index of the control.
    unit : ndarray of shape (n_samples,), int, default=None
        Index of the group of each row.

    Returns
    -------
    rows : ExperimentRows
        Without a cost, as with one arm, costs are zero.
    """
    arm, n_arms = experiment.arm, len(experiment.treatments)
    response, cost = experiment.outcomes @ objective, experiment.cost
    if arm_cost is not None:
        cost = arm_cost[arm]
    elif cost is None:
        cost = np.zeros(len(arm))
    weight = experiment.sample_weight / experiment.sample_weight.mean()
    propensity = experiment.propensity
    inverse = weight if propensity is None else inverse_propensity(propensity, weight)
    in_arm = np.bincount(arm, weights=inverse, minlength=n_arms)
    constants = _constants((response, cost), arm, weight, n_arms)
    inverse = inverse * (len(arm) / in_arm)[arm]
    return ExperimentRows(X, arm, response, cost, weight, inverse, constants, control, unit)


def arm_means(rows):
    """Estimate the mean response and cost of every arm.

    Parameters
    ----------
    rows : ExperimentRows
        Rows.

    Returns
    -------
    means : ndarray of shape (2, n_treatments)
        Over all rows, by inverse propensities.
    """
    totals = [
        np.bincount(rows.arm, rows.inverse * values, minlength=rows.n_arms)
        for values in (rows.response, rows.cost)
    ]
    return np.array(totals) / len(rows.arm)


def observed_totals(values, rows):
    """Return what a row stands for in the total of the arm that it received, and zero elsewhere.

    The sum over the rows that a policy gives the arm that they received estimates the total of
    the policy over all rows, in the way of Horvitz and Thompson.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Observed response or cost.
    rows : ExperimentRows
        Rows.

    Returns
    -------
    totals : ndarray of shape (n_samples, n_treatments), float64
        Parts of totals.
    """
    totals = np.zeros((len(values), rows.n_arms))
    totals[np.arange(len(values)), rows.arm] = rows.inverse * values
    return totals


def _constants(outcomes, arm, weight, n_arms):
    """Response and cost of each arm where nothing is to be learnt, else NaN, (2, n_arms)."""
    counts = weight > 0
    arm = arm[counts]
    known = [
        constants_of_arms(values[counts], arm, n_arms, is_cost=is_cost)
        for values, is_cost in zip(outcomes, (False, True))
    ]
    # A model of one row says no more than the row.
    for row in np.flatnonzero(np.bincount(arm, minlength=n_arms)[arm] == 1):
        for constants, values in zip(known, outcomes):
            constants[arm[row]] = values[counts][row]
    return np.array(known)
