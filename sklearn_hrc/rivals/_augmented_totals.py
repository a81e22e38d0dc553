"""Totals of policies by predictions, put right by what was observed."""

import numpy as np

from sklearn_hrc.rivals._rows import observed_totals

__all__ = ["augmented_totals"]


def augmented_totals(expected, values, rows):
    """Return what a row adds to the total of a policy that gives it an arm.

    The sum over rows estimates the total by predictions plus the inverse propensity times
    what was observed beyond the prediction. It has the right mean whatever is predicted for a
    row, if the row's own outcome has no part in the prediction.

    Parameters
    ----------
    expected : ndarray of shape (n_samples, n_treatments)
        Predictions.
    values : ndarray of shape (n_samples,)
        Observed response or cost.
    rows : ExperimentRows
        Rows.

    Returns
    -------
    totals : ndarray of shape (n_samples, n_treatments), float64
        Parts of totals.
    """
    beyond = values - expected[np.arange(len(values)), rows.arm]
    return rows.weight[:, None] * expected + observed_totals(beyond, rows)
