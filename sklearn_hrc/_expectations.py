"""Columns that hold expected outcomes: where they are, and whether they can be that."""

import warnings

import numpy as np

from sklearn_hrc.exceptions import ExpectedOutcomesWarning

__all__ = ["expected_of_received", "warn_if_far"]

# Expected outcomes whose mean misses the observed one by more than this many
# standard errors, and by this share of it, are hardly expectations of it.
FAR_ERRORS = 6.0
FAR_SHARE = 0.5


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
        warnings.warn(
            f"The last columns of X are taken for expected outcomes, but for {names[task]} "
            f"their mean is {level[task] - mean[task]:.4g} where {level[task]:.4g} was observed; "
            "use estimation='pooled' if they are other covariates.",
            ExpectedOutcomesWarning,
            stacklevel=7,
        )
