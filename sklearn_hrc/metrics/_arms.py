"""What a policy gives to each row, checked against the experiment."""

import numpy as np

from sklearn_hrc._experiment import as_numbers
from sklearn_hrc._labels import check_labels, find_labels, unseen_labels
from sklearn_hrc._warning import warn
from sklearn_hrc.exceptions import OverlapWarning
from sklearn_hrc.metrics._weighting import chance_of_received, match_weights

__all__ = ["check_budgets", "check_given", "check_policy", "index_arms", "probabilities_of"]

# What so few rows would do matters to no value, and often none of them matches by chance.
_NEGLIGIBLE_SHARE = 0.01
# Probabilities of single precision sum to 1 within this.
_SUM_TOLERANCE = 1e-6


def check_policy(arms, rows, kept, name="arms"):
    """Return what a policy gives to each row that counts: an arm, or probabilities of arms.

    Parameters
    ----------
    arms : array-like of shape (n_samples,) or (n_samples, n_treatments)
        Labels, or the probability of each arm.
    rows : EvaluationRows
        From `check_rows`.
    kept : ndarray of shape (n_samples,), bool
        From `check_rows`.
    name : str, default="arms"
        What errors call the policy.

    Returns
    -------
    given : ndarray of shape (n_kept,), int, or (n_kept, n_treatments), float
        As in `policy_terms`.
    """
    shape = np.shape(arms)
    if len(shape) != 2 or shape[1] == 1:
        return check_given(arms, rows, kept, name)
    given = _check_probabilities(arms, rows.experiment.treatments, len(kept), name)[kept]
    match_weights(given, rows, name)
    _warn_of_overlap(given, rows, name)
    return given


def check_given(arms, rows, kept, name="arms"):
    """Return what `index_arms` does, for a policy that rows speak of.

    Raises ValueError where no row received the arm that it is given, and warns with
    OverlapWarning where this is so for one of the arms and more than a few rows.
    """
    given = index_arms(arms, rows, kept, name)
    match_weights(given, rows, name)
    _warn_of_overlap(given, rows, name)
    return given


def check_budgets(arms, rows, kept, name):
    """Return what `check_given` does for each budget, (n_budgets, n_kept)."""
    arms = np.asarray(arms)
    if arms.ndim != 2 or not len(arms):
        raise ValueError(
            f"{name} is expected to have the shape (n_budgets, n_samples), got {arms.shape}."
        )
    return np.stack([check_given(row, rows, kept, name) for row in arms])


def index_arms(arms, rows, kept, name="arms"):
    """Return the index of the arm that a policy gives to each row that counts.

    Parameters
    ----------
    arms : array-like of shape (n_samples,)
        Labels.
    rows : EvaluationRows
        From `check_rows`.
    kept : ndarray of shape (n_samples,), bool
        From `check_rows`.
    name : str, default="arms"
        What errors call the labels.

    Returns
    -------
    given : ndarray of shape (n_kept,), int
        Index into the treatments.
    """
    treatments = rows.experiment.treatments
    labels = check_labels(arms, len(kept), name)
    lacking = unseen_labels(labels, treatments)
    if len(lacking):
        raise ValueError(
            f"{name} is expected to hold labels of treatment, {treatments.tolist()}, "
            f"got {lacking.tolist()}, which no row received."
        )
    return find_labels(labels[kept], treatments)


def probabilities_of(given, n_treatments):
    """Return a policy as probabilities, (n_samples, n_treatments), also where it gives arms."""
    return np.eye(n_treatments)[given] if given.ndim == 1 else given


def _check_probabilities(arms, treatments, n_samples, name):
    labels = treatments.tolist()
    if hasattr(arms, "columns") and set(arms.columns) == set(labels):
        arms = arms[labels]
    # Whole numbers may as well be labels of several budgets.
    if np.asarray(arms).dtype.kind != "f":
        raise ValueError(
            f"{name} is expected to be one-dimensional, with a label for each row, or a matrix of "
            "floats, with the probability of each treatment, got a matrix of type "
            f"{np.asarray(arms).dtype}."
        )
    chance = as_numbers(arms, name)
    if chance.shape != (n_samples, len(labels)):
        raise ValueError(
            f"{name} is expected to have the shape {(n_samples, len(labels))} where it holds "
            f"probabilities, a column for each of the treatments {labels}, got {chance.shape}."
        )
    if (chance < 0).any():
        raise ValueError(
            f"{name} is expected to hold probabilities, not negative, got {chance.min():g}."
        )
    total = chance.sum(axis=1)
    off = np.abs(total - 1) > _SUM_TOLERANCE
    if off.any():
        raise ValueError(
            f"{name} is expected to hold probabilities that sum to 1 in each row, got "
            f"{total[off][0]:g} in row {int(np.argmax(off))}."
        )
    return chance


def _warn_of_overlap(given, rows, name):
    """Warn where the rows that are given an arm did not receive it, none of them."""
    experiment = rows.experiment
    n_treatments = len(experiment.treatments)
    matched = np.bincount(experiment.arm, chance_of_received(given, experiment.arm), n_treatments)
    if given.ndim == 1:
        assigned = np.bincount(given, experiment.sample_weight, n_treatments)
    else:
        assigned = experiment.sample_weight @ given
    without = (assigned > 0) & ~(matched > 0)
    share = assigned[without].sum() / experiment.sample_weight.sum()
    if share > _NEGLIGIBLE_SHARE:
        warn(
            f"{name} gives {experiment.treatments[without].tolist()} to {share:.2g} of the "
            "rows, and none of these received it: the experiment says nothing about that part of "
            "the policy.",
            OverlapWarning,
        )
