"""The rows that policies are evaluated on: one type, which every measure takes."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._experiment import Experiment
from sklearn_hrc._propensity import inverse_propensity

__all__ = ["EvaluationRows", "evaluation_rows", "received_propensity"]


class EvaluationRows(NamedTuple):
    """The rows that policies are evaluated on, and the estimator of their value.

    `check_rows` and `check_curve_rows` make it from what a user gives. Both keep the rows of
    positive weight only, since other rows have no part in any measure.

    Attributes
    ----------
    experiment : Experiment
        Checked rows.
    values : ndarray of shape (n_samples, n_columns), float64
        What is valued: the outcomes and, as the last column, the cost if it was observed.
    inverse : ndarray of shape (n_samples,), float64
        `sample_weight / propensity` of the received arm.
    method : {"hajek", "horvitz-thompson", "doubly-robust"}
        Estimator.
    expected : ndarray of shape (n_samples, n_treatments, n_columns) or None
        Expected `values` under every arm, for the doubly robust form.
    unit : ndarray of shape (n_samples,), int, or None
        Index of the independent unit that a row belongs to. None makes each row a unit.
    price : ndarray of shape (n_treatments,) or None
        Known cost of each arm, in place of the observed cost.
    kept : ndarray of shape (n_given,), bool, or None
        Which of the given rows these are. None is all of them.
    control : int or None
        Index of the control. None where no measure asks for it.
    """

    experiment: Experiment
    values: np.ndarray
    inverse: np.ndarray
    method: str = "hajek"
    expected: np.ndarray | None = None
    unit: np.ndarray | None = None
    price: np.ndarray | None = None
    kept: np.ndarray | None = None
    control: int | None = None

    @property
    def arms(self) -> np.ndarray:
        """Indices of the arms that have a row of positive weight, (n_arms,)."""
        return np.unique(self.experiment.arm[self.experiment.sample_weight > 0])

    @property
    def has_cost(self) -> bool:
        """Whether a cost was observed, or prices are known."""
        return self.experiment.cost is not None or self.price is not None


def evaluation_rows(experiment, values, **fields):
    """Return rows with their inverse propensities, which no policy changes.

    Further fields of `EvaluationRows` are passed by name.
    """
    inverse = inverse_propensity(received_propensity(experiment), experiment.sample_weight)
    # Measures sum columns again and again. A sum is faster where a column lies in one piece.
    return EvaluationRows(experiment, np.asfortranarray(values), inverse, **fields)


def received_propensity(experiment):
    """Return the probability of each row's arm: as given, or else the arm's share."""
    if experiment.propensity is not None:
        return experiment.propensity
    total = np.bincount(experiment.arm, weights=experiment.sample_weight)
    return (total / total.sum())[experiment.arm]
