"""What a policy gives to each row, checked against the experiment."""

import numpy as np

from sklearn_hrc._experiment import as_numbers
from sklearn_hrc._labels import check_labels, find_labels, unseen_labels
from sklearn_hrc._warning import warn
from sklearn_hrc.exceptions import OverlapWarning
from sklearn_hrc.metrics._weighting import chance_of_received, match_weights

__all__ = ["check_budgets", "check_policy", "index_arms", "probabilities_of"]

# So few rows matter little to a value, and it is often by chance that none of them matches.
_NEGLIGIBLE_SHARE = 0.01
# Probabilities of single precision sum to 1 within this.
_SUM_TOLERANCE = 1e-6


def check_policy(arms, rows, name="arms"):
    """Return what a policy gives to each kept row: an arm, or probabilities of arms.

    Raises ValueError where no row received what the policy gives it. Warns with OverlapWarning
    where the policy gives an arm to more than a few rows and none of them received it.

    Parameters
    ----------
    arms : array-like of shape (n_samples,) or (n_samples, n_treatments)
        Labels, or the probability of each arm.
    rows : EvaluationRows
        From `check_rows`.
    name : str, default="arms"
        What errors call the policy.

    Returns
    -------
    given : ndarray of shape (n_kept,), int, or (n_kept, n_treatments), float
        As in `policy_terms`.
    """
    shape = np.shape(arms)
    is_matrix = len(shape) == 2 and shape[1] != 1
    given = (_check_probabilities if is_matrix else index_arms)(arms, rows, name)
    match_weights(given, rows, name)
    _warn_of_overlap(given, rows, name)
    return given


def check_budgets(arms, rows, name):
    """Check the arms of a policy at each budget, (n_budgets, n_kept), as `check_policy` does."""
    arms = np.asarray(arms)
    if arms.ndim != 2 or not len(arms):
        raise ValueError(
            f"{name} is expected to have the shape (n_budgets, n_samples), got {arms.shape}."
        )
    return np.stack([check_policy(row, rows, name) for row in arms])


def index_arms(arms, rows, name="arms"):
    """Return the index of the arm that a policy gives to each kept row.

    Parameters
    ----------
    arms : array-like of shape (n_samples,)
        Labels.
    rows : EvaluationRows
        From `check_rows`.
    name : str, default="arms"
        What errors call the labels.

    Returns
    -------
    given : ndarray of shape (n_kept,), int
        Index into the treatments.
    """
    treatments = rows.experiment.treatments
    labels = check_labels(arms, len(rows.kept), name)
    lacking = unseen_labels(labels, treatments)
    if len(lacking):
        raise ValueError(
            f"{name} is expected to hold labels of treatment, {treatments.tolist()}, "
            f"got {lacking.tolist()}, which no row received."
        )
    return find_labels(labels[rows.kept], treatments)


def probabilities_of(given, n_treatments):
    """Return a policy as probabilities, (n_samples, n_treatments), also where it gives arms."""
    return np.eye(n_treatments)[given] if given.ndim == 1 else given


def _check_probabilities(arms, rows, name):
    """Return the probabilities of the arms for each kept row, (n_kept, n_treatments)."""
    labels, n_samples = rows.experiment.treatments.tolist(), len(rows.kept)
    if hasattr(arms, "columns") and set(arms.columns) == set(labels):
        arms = arms[labels]
    # A matrix of whole numbers may hold the labels of several budgets instead.
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
    return chance[rows.kept]


def _warn_of_overlap(given, rows, name):
    """Warn where a policy gives an arm to rows of which none received it."""
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
