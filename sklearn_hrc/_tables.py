"""Checks of users' tables: entries that are no numbers, and rows in different orders."""

import datetime
from collections import Counter

import numpy as np
from scipy.sparse import issparse

__all__ = [
    "as_booleans",
    "check_aligned",
    "check_columns",
    "check_container",
    "check_features",
    "columns_by_name",
    "is_pandas",
    "names_of_columns",
]

_PAGE = "the page 'Preparing tables' of the guide shows how"
_TIMES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


def check_features(estimator, X, *, reset=True):
    """Return `X` as a matrix of floats, or say in one sentence how to make one of it.

    Parameters
    ----------
    estimator : estimator
        Keeps the number and names of the columns.
    X : array-like of shape (n_samples, n_features)
        Features.
    reset : bool, default=True
        Whether these are the columns of a first fit. Otherwise they must match those of the fit.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float64 or float32
        Finite numbers.
    """
    # Other functions of this file are used where there is no scikit-learn.
    from sklearn.utils.validation import validate_data

    check_container(X, "X")
    check_columns(X, "X")
    _check_kinds(X)
    return validate_data(estimator, X, dtype=[np.float64, np.float32], reset=reset)


def check_container(values, name):
    """Refuse masked entries, as numpy drops the mask, and sparse matrices."""
    if np.ma.isMaskedArray(values) and np.ma.is_masked(values):
        raise ValueError(
            f"{name} is expected to have no masked entries, got {np.ma.count_masked(values)}; "
            "leave their rows out, or fill them with .filled()."
        )
    if issparse(values):
        advice = "call .toarray()"
        if name == "X":
            advice = (
                "set sparse_output=False of OneHotEncoder and sparse_threshold=0 of "
                "ColumnTransformer, or call .toarray()"
            )
        raise TypeError(f"{name} is expected to be dense, got a sparse matrix; {advice}.")


def check_columns(values, name):
    """Refuse names that several columns of a table share."""
    if not hasattr(values, "columns"):
        return
    for column, count in Counter(values.columns).items():
        if count > 1:
            raise ValueError(
                f"{name} is expected to have a name of its own for every column, got {column!r} "
                f"{count} times; rename or drop the others."
            )


def check_aligned(inputs):
    """Refuse pandas inputs whose indexes hold the same labels in different orders.

    Indexes with different labels are allowed, since a frame of a split keeps its index beside
    a newly made series.

    Parameters
    ----------
    inputs : dict
        Inputs by the name of the parameter.
    """
    different = []
    for name, values in inputs.items():
        if not is_pandas(values):
            continue
        for other_name, other in different:
            if values.index.equals(other):
                break
            if _same_labels(values.index, other):
                raise ValueError(
                    f"{name} is expected to have its rows in the order of {other_name}, got the "
                    "same index in another order; align them by .loc, or pass .to_numpy() where "
                    "rows belong together by position."
                )
        else:
            different.append((name, values.index))


def as_booleans(values):
    """Return an array of booleans where values are, also objects as nullable ones are."""
    array = np.asarray(values)
    if array.dtype == object and all(isinstance(value, bool) for value in array.flat):
        return array.astype(bool)
    return array


def is_pandas(values):
    """Tell whether values have an index. pandas is not a dependency, so it is not imported."""
    return hasattr(values, "iloc") and hasattr(values, "index")


def columns_by_name(X, names):
    """Return the columns of a data frame that have these names, in their order.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_columns)
        Anything without names of columns is returned as it is.
    names : array-like of str or None
        Wanted columns. None: all. Those that are missing are left for a later step to name.

    Returns
    -------
    X : array-like of shape (n_samples, n_found)
        A frame of the same library.
    """
    if names is None or not hasattr(X, "columns"):
        return X
    # Arrow has names of columns, others have columns of names.
    present = set(getattr(X, "column_names", X.columns))
    wanted = [name for name in names if name in present]
    return X.select(wanted) if hasattr(X, "column_names") else X[wanted]


def names_of_columns(values):
    """Return the names of the columns of a data frame, or None if there are none."""
    if not hasattr(values, "columns"):
        return None
    from sklearn_hrc._compat import get_feature_names

    return get_feature_names(values)


def _check_kinds(X):
    """Refuse strings and times. scikit-learn refuses whatever else is no number."""
    if is_pandas(X) and hasattr(X, "columns"):
        kinds = [getattr(dtype, "kind", "O") for dtype in X.dtypes]
        columns = [
            (repr(name), X.iloc[:, place])
            for place, (name, kind) in enumerate(zip(X.columns, kinds))
            if kind not in "biufc"
        ]
    else:
        try:
            array = np.asarray(X)
        except ValueError:  # ragged
            return
        if array.ndim != 2 or array.dtype.kind in "biufc":
            return
        columns = list(enumerate(array.T))
    for name, values in columns:
        kind = getattr(values.dtype, "kind", "O")
        if kind == "O":
            kind = _kind_of_objects(np.asarray(values, dtype=object))
        if kind in "US":
            raise ValueError(
                f"X is expected to be numeric, got strings in column {name}, which could not "
                "convert to numbers: encode labels of clusters by OrdinalEncoder and other "
                f"categories by OneHotEncoder(sparse_output=False); {_PAGE}."
            )
        if kind in "mM":
            raise ValueError(
                f"X is expected to be numeric, got dates or times in column {name}: turn them "
                f"into numbers, such as days since a date; {_PAGE}."
            )


def _kind_of_objects(values):
    """Return "U" or "M" if a string or a time is among objects, else "O"."""
    for value in values:
        if isinstance(value, str | bytes):
            return "U"
        if isinstance(value, _TIMES):
            return "M"
    return "O"


def _same_labels(index, other):
    if len(index) != len(other) or not index.isin(other).all():
        return False
    # Labels may repeat, so compare how often each occurs.
    return Counter(index) == Counter(other)
