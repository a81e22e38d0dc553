"""Features of any table as a matrix of finite numbers, for tests and simple models."""

import numpy as np

__all__ = ["plain_features"]


def plain_features(X):
    """Return features as finite numbers, whatever kind they are of.

    A label becomes its place among the sorted labels of its column, and a missing value the mean of
    its column. That is good enough to ask whether features tell the arm, and for a model of
    outcomes that need not be right.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Features, as a policy takes them.

    Returns
    -------
    features : ndarray of shape (n_samples, n_features), float64, or None
        None where `X` is no table of single values.
    names : list of str or None
        Names of the columns, if `X` has names.
    """
    names = None
    if hasattr(X, "columns"):
        names = [str(name) for name in X.columns]
        columns = [np.asarray(X[name]) for name in X.columns]
    else:
        try:
            array = np.asarray(X)
        except ValueError:  # ragged
            return None, None
        if array.ndim != 2:
            return None, None
        columns = list(array.T)
    if not columns or any(column.ndim != 1 for column in columns):
        return None, None
    return np.column_stack([_as_numbers(column) for column in columns]), names


def _as_numbers(column):
    """Return a column as finite float64 numbers."""
    try:
        # Dates are numbers, too, and the conversion of one that is missing is a large one.
        numbers = column.astype(np.float64) if column.dtype.kind != "M" else _days(column)
    except (TypeError, ValueError):
        labels = np.array([str(label) for label in column])
        numbers = np.unique(labels, return_inverse=True)[1].astype(np.float64)
    known = np.isfinite(numbers)
    return np.where(known, numbers, numbers[known].mean() if known.any() else 0.0)


def _days(column):
    """Return dates as days, and NaN where one is missing."""
    days = column.astype("datetime64[s]").astype(np.int64) / 86_400
    return np.where(np.isnat(column), np.nan, days)
