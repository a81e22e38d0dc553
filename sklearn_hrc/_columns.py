"""Columns of a matrix `[H | D | Q]`: which they are, and whether the last can be expectations.

Expected outcomes Q, arm by arm, are the last columns. Before them may stand
deviations D, one block of the same layout for each of several networks: by how
much the outcomes that it alone expects differ from the mean over the networks.
These blocks sum to zero, by which they are found. What stands before both is the
hidden representation H, or other covariates.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._chunks import chunks
from sklearn_hrc._warning import warn
from sklearn_hrc.exceptions import ExpectedOutcomesWarning

__all__ = [
    "Columns",
    "column_names",
    "count_networks",
    "count_tasks",
    "find_columns",
    "take_apart",
    "warn_if_far",
]

# A sum of blocks is zero if it is below this share of the sum of their sizes, times
# their number: rounding of float32, of which float64 columns may have been made.
ROUNDING = 1e-6
# What is smaller is subnormal in float32, which rounds without regard to the size.
TINY = np.finfo(np.float32).tiny
# Rows that are looked at together: bounds the memory of the sums.
CHUNK_ROWS = 4_096

# Expected outcomes whose mean misses the observed one by more than this many
# standard errors, and by this share of it, are hardly expectations of it.
FAR_ERRORS = 6.0
FAR_SHARE = 0.5


class Columns(NamedTuple):
    """Layout of a matrix `[H | D | Q]`, or of H alone.

    Attributes
    ----------
    n_hidden : int
        Columns of the hidden representation H, or of other covariates.
    n_networks : int
        Networks whose deviations D stand before Q, each in a block as wide as Q.
    n_treatments, n_tasks : int
        Q has the tasks of the first arm, then those of the second, and so on. Both are 0
        where H is all there is.
    """

    n_hidden: int
    n_networks: int = 0
    n_treatments: int = 0
    n_tasks: int = 0

    @property
    def n_outcomes(self) -> int:
        """Columns of Q, and of each block of D."""
        return self.n_treatments * self.n_tasks

    @property
    def n_predicted(self) -> int:
        """Columns of D and Q."""
        return (self.n_networks + 1) * self.n_outcomes

    @property
    def n_columns(self) -> int:
        """Columns of H, D and Q."""
        return self.n_hidden + self.n_predicted


def take_apart(matrix, columns):
    """Take the columns of a matrix apart.

    Parameters
    ----------
    matrix : ndarray of shape (n_samples, n_columns)
        Rows, or means of rows.
    columns : Columns
        Its layout.

    Returns
    -------
    hidden : ndarray of shape (n_samples, n_hidden)
        A view, as the others are: what is written to it is in the matrix.
    deviations : ndarray of shape (n_samples, n_networks, n_treatments, n_tasks)
        By how much the expected outcomes of each network differ from their mean.
    outcomes : ndarray of shape (n_samples, n_treatments, n_tasks)
        Expected outcomes.
    """
    n_hidden, n_networks, *shape = columns
    blocks = matrix[:, n_hidden:].reshape(len(matrix), n_networks + 1, *shape)
    return matrix[:, :n_hidden], blocks[:, :-1], blocks[:, -1]


def column_names(columns, treatments, task_names):
    """Name the columns.

    Parameters
    ----------
    columns : Columns
        Layout.
    treatments : ndarray of shape (n_treatments,)
        Labels.
    task_names : list of str
        Names of the tasks.

    Returns
    -------
    names : list of str
        `hidden0`, ..., then `task@arm-network0`, ... and `task@arm` where there are such columns.
    """
    hidden = [f"hidden{i}" for i in range(columns.n_hidden)]
    if not columns.n_outcomes:
        return hidden
    outcomes = [f"{task}@{arm}" for arm in treatments for task in task_names]
    networks = range(columns.n_networks)
    return [*hidden, *(f"{name}-network{m}" for m in networks for name in outcomes), *outcomes]


def count_tasks(experiment):
    """Count what is expected of each arm: the outcomes, and the cost where it was given."""
    return experiment.outcomes.shape[1] + (experiment.cost is not None)


def find_columns(matrix, experiment):
    """Find the layout of a matrix that ends in expected outcomes.

    Parameters
    ----------
    matrix : ndarray of shape (n_samples, n_columns)
        Columns.
    experiment : Experiment
        Checked rows. Its arms and tasks say how many columns are expected outcomes.

    Returns
    -------
    columns : Columns
        `n_hidden` is negative where the matrix has fewer columns than are expected.
    """
    last = Columns(0, 0, len(experiment.treatments), count_tasks(experiment))
    before = matrix[:, : max(matrix.shape[1] - last.n_outcomes, 0)]
    n_networks = count_networks(before, last.n_outcomes, experiment.sample_weight)
    columns = last._replace(n_networks=n_networks)
    return columns._replace(n_hidden=matrix.shape[1] - columns.n_predicted)


def count_networks(columns, n_outcomes, weight):
    """Find the deviations of networks from their mean.

    Parameters
    ----------
    columns : ndarray of shape (n_samples, n_columns)
        Columns before the expected outcomes.
    n_outcomes : int
        Columns of expected outcomes: arms x tasks.
    weight : ndarray of shape (n_samples,)
        Weights of the rows. Those without weight are not looked at.

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
    for rows in chunks(len(blocks), CHUNK_ROWS):
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
