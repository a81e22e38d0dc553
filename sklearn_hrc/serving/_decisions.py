"""What is decided, and what a log has to keep of it."""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Decision", "Decisions"]


class Decision(NamedTuple):
    """What one individual gets.

    Parameters
    ----------
    treatment : label
        The arm.
    propensity : float
        Probability with which this individual gets it.
    cluster : int
        Place of the individual's cluster in the folder.
    explored : bool
        Whether the arm was drawn by chance.
    budget : float
        Mean budget of the plan in use.
    policy_version : str
        Version of the policy.
    eligible : tuple of labels, default=None
        Treatments that the individual might get. None: all.
    """

    treatment: Any
    propensity: float
    cluster: int
    explored: bool
    budget: float
    policy_version: str
    eligible: tuple[Any, ...] | None = None


class Decisions(NamedTuple):
    """What each row gets.

    Parameters
    ----------
    treatment : ndarray of shape (n_rows,)
        Arms.
    propensity : ndarray of shape (n_rows,)
        Probability with which a row gets its arm.
    cluster : ndarray of shape (n_rows,), int
        Place of the row's cluster in the folder.
    explored : ndarray of shape (n_rows,), bool
        Whether the arm was drawn by chance.
    budget : float
        Mean budget of the plan in use.
    policy_version : str
        Version of the policy.
    eligible : dict of ndarray of shape (n_rows,), bool, default=None
        Which rows might get each treatment, by its label. None: all might get all.
    """

    treatment: np.ndarray
    propensity: np.ndarray
    cluster: np.ndarray
    explored: np.ndarray
    budget: float
    policy_version: str
    eligible: dict[Any, np.ndarray] | None = None
