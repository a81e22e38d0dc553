"""Arms in which an outcome is the same for everybody."""

import numpy as np

__all__ = ["constants_of_arms"]

# An arm counts as constant if chance would make it constant with at most this probability.
CHANCE_LEVEL = 0.01


def constants_of_arms(values, arm, n_treatments, *, is_cost):
    """Find the arms in which an outcome is known without its being learnt.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Outcome of the received arms. NaN is missing.
    arm : ndarray of shape (n_samples,), int
        Received arms.
    n_treatments : int
        Number of arms.
    is_cost : bool
        Whether a few equal values say that all are equal, as those of a price do. A response can
        be the same in few rows by chance.

    Returns
    -------
    constants : ndarray of shape (n_treatments,)
        Value of each arm, NaN where values differ, may differ, or are missing.
    """
    present = ~np.isnan(values)
    values, arm = values[present], arm[present]
    constants = np.full(n_treatments, np.nan)
    if len(values) and (values == values[0]).all():
        constants[:] = values[0]
        return constants
    for j in range(n_treatments):
        rows, others = values[arm == j], values[arm != j]
        # One row does not say whether others would be the same.
        if len(rows) > 1 and (rows == rows[0]).all():
            likely = np.mean(others == rows[0]) ** len(rows)
            if is_cost or likely <= CHANCE_LEVEL:
                constants[j] = rows[0]
    return constants
