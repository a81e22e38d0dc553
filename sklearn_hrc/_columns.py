"""Columns that hold expected outcomes: where they are, and whether they can be that.

Expected outcomes Q, arm by arm, are the last columns. Before them may stand one
block of the same layout for each of several networks: by how much the outcomes
that it alone expects differ from the mean over the networks. These blocks sum
to zero, by which they are found.
"""

import numpy as np
from sklearn.utils import gen_batches

from sklearn_hrc._warning import warn
from sklearn_hrc.exceptions import ExpectedOutcomesWarning

__all__ = ["count_networks", "expected_of_received", "warn_if_far"]

# A sum of blocks is zero if it is below this share of the sum of their sizes, times
# their number: rounding of float32, of which float64 columns may have been made.
ROUNDING = 1e-6
# What is smaller is subnormal in float32, which rounds without regard to the size.
TINY = np.finfo(np.float32).tiny
# Rows that are looked at together: bounds the memory of the sums.
CHUNK_ROWS = 16_384

# Expected outcomes whose mean misses the observed one by more than this many
# standard errors, and by this share of it, are hardly expectations of it.
FAR_ERRORS = 6.0
FAR_SHARE = 0.5


def count_networks(columns, n_outcomes, weight):
    """Find the deviations of networks from their mean.

    Parameters
    ----------
    columns : ndarray of shape (n_samples, n_columns)
        Columns before the expected outcomes.
    n_outcomes : int
        Columns of expected outcomes: arms x tasks.
    weight : ndarray of shape (n_samples,)
        Weights of the rows; those without weight are not looked at.

    Returns
    -------
    n_networks : int
        So many blocks of `n_outcomes` columns, two at least, stand last and
        sum to zero in every row; 0 where none do, or all are zero, which no
        block can be told by. Of several such numbers the smallest: blocks of
        zeros before the others are not deviations.
    """
    n_blocks = columns.shape[1] // n_outcomes
    blocks = columns[:, columns.shape[1] - n_blocks * n_outcomes :]
    sums_to_zero = np.arange(n_blocks) > 0
    largest = np.zeros(n_blocks)
    for rows in gen_batches(len(blocks), CHUNK_ROWS):
        chunk = blocks[rows][weight[rows] > 0].astype(np.float64)
        residue, size = _sums_from_last(chunk.reshape(len(chunk), n_blocks, n_outcomes))
        allowed = ROUNDING * np.arange(1, n_blocks + 1)[:, None] * size + TINY
        sums_to_zero &= (residue <= allowed).all(axis=(0, 2))
        if not sums_to_zero.any():
            return 0
        largest = np.maximum(largest, size.max(axis=(0, 2), initial=0.0))
    found = np.flatnonzero(sums_to_zero & (largest > TINY))
    return int(found[0]) + 1 if len(found) else 0


def _sums_from_last(blocks):
    """Sizes of the sums of the last one, two, ... blocks, and sums of their sizes."""
    backwards = blocks[:, ::-1]
    return np.abs(backwards.cumsum(axis=1)), np.abs(backwards).cumsum(axis=1)


def expected_of_received(covariates, experiment):
    """Return the expected outcomes and cost of the arm that each row received.

    Parameters
    ----------
    covariates : ndarray of shape (n_samples, n_covariates)
        Their last columns are expected outcomes, arm by arm.
    experiment : Experiment
        Checked rows.

    Returns
    -------
    expected : ndarray of shape (n_samples, n_outcomes + 1)
        Zero for a cost that was not given.
    """
    n_rows, n_outcomes = experiment.outcomes.shape
    n_tasks = n_outcomes + (experiment.cost is not None)
    columns = (experiment.arm * n_tasks)[:, None] + np.arange(n_tasks)
    columns += covariates.shape[1] - len(experiment.treatments) * n_tasks
    expected = np.zeros((n_rows, n_outcomes + 1))
    expected[:, :n_tasks] = np.take_along_axis(covariates, columns, axis=1)
    return expected


def warn_if_far(tasks, expected, weight, names):
    """Warn where the mean of expected outcomes is far from that of the outcomes.

    Parameters
    ----------
    tasks, expected : ndarray of shape (n_samples, n_tasks)
        Outcomes and cost, observed and expected.
    weight : ndarray of shape (n_samples,)
        Weights.
    names : list of str
        Names of the tasks.
    """
    share = weight / weight.sum()
    residual = tasks - expected
    mean, level = share @ residual, share @ tasks
    error = np.sqrt(share**2 @ (residual - mean) ** 2)
    far = np.abs(mean) > np.maximum(FAR_ERRORS * error, FAR_SHARE * np.abs(level))
    for task in np.flatnonzero(far):
        warn(
            f"The last columns of X are taken for expected outcomes, but for {names[task]} "
            f"their mean is {level[task] - mean[task]:.4g} where {level[task]:.4g} was observed; "
            "use estimation='pooled' if they are other covariates.",
            ExpectedOutcomesWarning,
        )
