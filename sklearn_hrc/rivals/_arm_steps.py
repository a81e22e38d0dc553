"""Steps from one arm to the next dearer one, and what they return on their cost in the mean."""

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc._programme.hull import hull_path

__all__ = ["ArmSteps", "signs_of_steps", "steps_of_means", "without_base"]

# Parts of the rows, each predicted by the others.
N_PARTS = 3
PENALTIES = np.logspace(0, 6, 13)
# With fewer rows their mean takes the place of predictions.
FEW_ROWS = 100


class ArmSteps(NamedTuple):
    """Arms in the order of their mean cost, and the steps between them.

    Attributes
    ----------
    arms : ndarray of shape (n_steps + 1,)
        Indices.
    cost : ndarray of shape (n_steps + 1,)
        Mean cost of these arms.
    returns : ndarray of shape (n_steps,)
        Mean response of a step over its mean cost.
    """

    arms: np.ndarray
    cost: np.ndarray
    returns: np.ndarray


def steps_of_means(response, cost):
    """Find the arms that a mean individual would be given at some price.

    Parameters
    ----------
    response, cost : ndarray of shape (n_treatments,)
        Means of the arms.

    Returns
    -------
    steps : ArmSteps
        From the cheapest arm. Costs rise, and returns are positive and fall.
    """
    path = hull_path(response[None], cost[None], np.ones(1))
    arms = np.append(path.start, path.target)
    return ArmSteps(arms, cost[arms], np.diff(response[arms]) / np.diff(cost[arms]))


def signs_of_steps(arm, inverse, steps):
    """Return how rows count in the difference that each step makes.

    Parameters
    ----------
    arm : ndarray of shape (n_samples,), intp
        Received arms.
    inverse : ndarray of shape (n_samples,)
        Inverse propensities.
    steps : ArmSteps
        Steps.

    Returns
    -------
    sign : ndarray of shape (n_samples, n_steps)
        `inverse` where the row received the arm after the step, `-inverse` where it received
        that before it, else 0.
    """
    after = (arm[:, None] == steps.arms[1:]).astype(np.float64)
    before = arm[:, None] == steps.arms[:-1]
    return inverse[:, None] * (after - before)


def without_base(rows, rng):
    """Take from the response what individuals like these have in the mean of the arms.

    Parameters
    ----------
    rows : ExperimentRows
        Rows.
    rng : RandomState
        Deals the rows to parts.

    Returns
    -------
    response : ndarray of shape (n_samples,)
        Less the prediction of a ridge regression that has not seen the row.
    """
    if np.count_nonzero(rows.weight) < FEW_ROWS:
        return rows.response - np.average(rows.response, weights=rows.inverse)
    base = np.empty(len(rows.arm))
    model = make_pipeline(StandardScaler(), RidgeCV(PENALTIES))
    # Shuffled, as rows may be in the order of their arms.
    for learn, rest in KFold(N_PARTS, shuffle=True, random_state=rng).split(rows.X):
        learn = learn[rows.weight[learn] > 0]
        base[rest] = model.fit(rows.X[learn], rows.response[learn]).predict(rows.X[rest])
    return rows.response - base
