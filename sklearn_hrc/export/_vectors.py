"""Rows with their arms, by which a reader of the folder proves itself."""

import numpy as np

from sklearn_hrc._tables import is_pandas

__all__ = ["as_rows", "may_be_missing", "nudged"]


def as_rows(X, names, kinds):
    """Return rows as dicts that JSON can hold.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_features)
        Rows.
    names : list of str
        Names of features.
    kinds : dict
        Kind of each feature.

    Returns
    -------
    rows : list of dict
        Dates as text, missing values as None.
    """
    columns = {}
    for place, name in enumerate(names):
        values = X[name].tolist() if is_pandas(X) else X[:, place].tolist()
        columns[name] = [_plain(value) for value in values]
    return [dict(zip(names, row)) for row in zip(*columns.values())]


def _plain(value):
    if value is None or value != value:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def nudged(rows, kinds, factor):
    """Return rows whose numbers are multiplied by a factor."""
    return [
        {
            name: factor * value if kinds[name] == "number" and value is not None else value
            for name, value in row.items()
        }
        for row in rows
    ]


def may_be_missing(transform, X, names):
    """Find which features may be missing, by leaving out one at a time.

    Parameters
    ----------
    transform : callable
        From rows to the numbers that the student is given. It raises where it refuses a gap.
    X : DataFrame or ndarray of shape (n_rows, n_features)
        Rows.
    names : list of str
        Names of features.

    Returns
    -------
    gaps : ndarray of shape (n_features,), bool
        Whether the student gets finite numbers without the feature.
    """
    return np.array(
        [_passes(transform, _without(X, place, name)) for place, name in enumerate(names)]
    )


def _without(X, place, name):
    if is_pandas(X):
        return X.iloc[:1].assign(**{name: X[name].iloc[:1].where([False])})
    row = np.array(X[:1], dtype=np.float64)
    row[0, place] = np.nan
    return row


def _passes(transform, row):
    try:
        return bool(np.isfinite(np.asarray(transform(row))).all())
    except ValueError:
        return False
