"""Tasks and the scale on which a network predicts them.

A task is an outcome or the cost. The network predicts each on a link scale:
the log odds of a task with two values, the standardised task else. Where a
task is constant in an arm (the cost of a free control, a fixed price) there is
nothing to learn: the arm is masked for this task and predicted as that value.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

__all__ = ["Tasks", "describe_tasks", "loss_weights", "to_link_targets", "to_outcomes"]

# Weight of a rare binary task: half the inverse of its entropy, but not more
# than this floor allows, else some rows would rule all others.
ENTROPY_FLOOR = 0.05


class Tasks(NamedTuple):
    """How tasks are predicted.

    Attributes
    ----------
    binary : ndarray of shape (n_tasks,), bool
        Two values: logistic loss, else squared error.
    location, scale : ndarray of shape (n_tasks,)
        A task is `location + scale * v`, with `v` in {0, 1} or standardised.
    importance : ndarray of shape (n_tasks,)
        Weight of the task in the loss.
    masked : ndarray of shape (n_treatments, n_tasks), bool
        The task is constant in the arm.
    constant : ndarray of shape (n_treatments, n_tasks)
        That constant; zero where not masked.
    """

    binary: np.ndarray
    location: np.ndarray
    scale: np.ndarray
    importance: np.ndarray
    masked: np.ndarray
    constant: np.ndarray


def describe_tasks(tasks, arm, n_treatments, sample_weight):
    """Find out how each task is predicted.

    Parameters
    ----------
    tasks : ndarray of shape (n_samples, n_tasks)
        Outcomes and cost.
    arm : ndarray of shape (n_samples,), int
        Arm of each row.
    n_treatments : int
        Number of arms.
    sample_weight : ndarray of shape (n_samples,)
        Positive weights.

    Returns
    -------
    description : Tasks
        Masks, types, scales and weights.
    """
    masked, constant = _constant_arms(tasks, arm, n_treatments)
    binary, location, scale, importance = [], [], [], []
    for task, values in enumerate(tasks.T):
        learnt = ~masked[arm, task]
        described = _describe(values[learnt], sample_weight[learnt])
        for column, value in zip((binary, location, scale, importance), described):
            column.append(value)
    return Tasks(
        np.array(binary, dtype=bool),
        np.array(location, dtype=np.float64),
        np.array(scale, dtype=np.float64),
        np.array(importance, dtype=np.float64),
        masked,
        constant,
    )


def to_link_targets(tasks, description):
    """Return what the loss compares with: 0 and 1, or standardised values."""
    return (tasks - description.location) / description.scale


def loss_weights(arm, sample_weight, description):
    """Return the weight of every row and task in the loss.

    Masked arms have none. Weights are scaled to a mean of one, so that the
    learning rate does not depend on their unit.
    """
    rows = sample_weight / sample_weight.mean()
    return rows[:, None] * description.importance * ~description.masked[arm]


def to_outcomes(links, description):
    """Return expected outcomes, in the tasks' units: the mean of what networks predict.

    Parameters
    ----------
    links : list of ndarray of shape (n_samples, n_treatments, n_tasks)
        Predictions of each network on the link scale.
    description : Tasks
        As fitted.

    Returns
    -------
    outcomes : ndarray of shape (n_samples, n_treatments, n_tasks)
        Expected outcomes, in the dtype of `links`.
    """
    values = sum(np.where(description.binary, expit(link), link) for link in links)
    values = description.location + description.scale * (values / len(links))
    # Constants come last: the mean of equal numbers is not always that number.
    outcomes = np.where(description.masked, description.constant, values)
    return outcomes.astype(links[0].dtype, copy=False)


def _constant_arms(tasks, arm, n_treatments):
    masked = np.zeros((n_treatments, tasks.shape[1]), dtype=bool)
    constant = np.zeros(masked.shape)
    for j in range(n_treatments):
        rows = tasks[arm == j]
        # One row says nothing about whether others would be the same.
        if len(rows) > 1:
            masked[j] = (rows == rows[0]).all(axis=0)
            constant[j] = np.where(masked[j], rows[0], 0.0)
    return masked, constant


def _describe(values, weight):
    """Return (binary, location, scale, importance) of a task."""
    if len(values) == 0:
        return False, 0.0, 1.0, 1.0
    low, high = values.min(), values.max()
    if low < high and ((values == low) | (values == high)).all():
        rate = np.average(values == high, weights=weight)
        entropy = -(rate * np.log(rate) + (1 - rate) * np.log1p(-rate))
        return True, low, high - low, 0.5 / max(entropy, ENTROPY_FLOOR)
    mean = np.average(values, weights=weight)
    variance = np.average((values - mean) ** 2, weights=weight)
    return False, mean, np.sqrt(variance) if variance > 0 else 1.0, 1.0
