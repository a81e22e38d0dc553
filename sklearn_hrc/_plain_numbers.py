"""Any table as finite numbers, for tests and simple models that need no good encoding."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["codes_of", "numbers_of_table", "plain_numbers"]

# Levels of a category that get a column of their own.
_LEVELS = 10
_MICROSECONDS_A_DAY = 86_400e6


def numbers_of_table(X: Any) -> tuple[np.ndarray | None, list[str]]:
    """Return the features of a table as a matrix, whatever they hold.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Features, as a policy takes them.

    Returns
    -------
    features : ndarray of shape (n_samples, n_numbers), float64, or None
        Finite numbers. None where `X` is no table of single values, or holds none.
    names : list of str
        What each column is. Columns of an array are called x0, x1, ...
    """
    if hasattr(X, "columns"):
        columns = {name: X[name] for name in X.columns}
    else:
        try:
            array = np.asarray(X)
        except ValueError:  # ragged
            return None, []
        if array.ndim != 2:
            return None, []
        columns = {f"x{place}": column for place, column in enumerate(array.T)}
    if any(np.ndim(column) != 1 for column in columns.values()):
        return None, []
    numbers = plain_numbers(columns)
    if not numbers:
        return None, []
    return np.column_stack(list(numbers.values())), list(numbers)


def plain_numbers(columns: Mapping[Any, Any]) -> dict[str, np.ndarray]:
    """Return finite numbers: the largest categories as indicators, and where values are missing.

    Parameters
    ----------
    columns : mapping of array-like of shape (n_rows,)
        Columns by name. Text is a category.

    Returns
    -------
    numbers : dict of ndarray of shape (n_rows,), float64
        Columns by a name that says what they are. A missing number is the median of its column. A
        column without values is left out.
    """
    numbers: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        codes, levels = _coded(values)
        missing = np.isnan(codes)
        if missing.all():
            continue
        for place, level in enumerate(levels[:_LEVELS]):
            numbers[f"{name} = {level}"] = (codes == place) * 1.0
        if not levels:
            numbers[str(name)] = np.where(missing, np.nanmedian(codes), codes)
        if missing.any():
            numbers[f"{name} is missing"] = missing * 1.0
    return numbers


def codes_of(values: Any) -> np.ndarray:
    """Return a column as numbers, NaN where it is missing.

    Parameters
    ----------
    values : array-like of shape (n_rows,)
        The column.

    Returns
    -------
    codes : ndarray of shape (n_rows,), float64
        Numbers. Dates are days since 1970, and periods the day of their start. A category is its
        place by number of rows, the largest first.
    """
    return _coded(values)[0]


def _coded(values):
    """Return the codes of a column, and the levels of a category; none of other columns."""
    column = _as_array(values)
    if column.dtype.kind == "M":
        days = column.astype("datetime64[us]").astype(np.float64) / _MICROSECONDS_A_DAY
        return np.where(np.isnat(column), np.nan, days), []
    if column.dtype.kind == "m":
        return np.where(np.isnat(column), np.nan, column.astype(np.float64)), []
    given = np.ones(len(column), dtype=bool)
    if column.dtype.kind == "O":
        given = np.array([not _is_missing(value) for value in column], dtype=bool)
    if column.dtype.kind != "O" or not any(isinstance(value, str) for value in column[given]):
        try:
            numbers = np.full(len(column), np.nan)
            numbers[given] = column[given].astype(np.float64)
            return np.where(np.isfinite(numbers), numbers, np.nan), []
        except (TypeError, ValueError):
            pass
    return _places(column, given)


def _as_array(values):
    """Return a column as an array. Times of pandas with a zone, and its periods, become dates."""
    if hasattr(getattr(values, "dt", None), "to_timestamp"):
        values = values.dt.to_timestamp()
    if getattr(getattr(values, "dtype", None), "tz", None) is not None:
        values = values.dt.tz_convert(None)
    return np.asarray(values)


def _is_missing(value):
    """Tell whether a value is None, or equals not even itself, as NaN does."""
    try:
        return value is None or not value == value
    except TypeError:  # whether NA of pandas equals NA is unknown
        return True
    except ValueError:  # an array in a cell
        return False


def _places(column, given):
    """Return the place of each label by number of rows, and the labels. Ties are sorted."""
    labels = [str(value) if is_given else None for value, is_given in zip(column, given)]
    counts = Counter(label for label in labels if label is not None)
    levels = sorted(counts, key=lambda label: (-counts[label], label))
    place = {None: np.nan, **{label: float(k) for k, label in enumerate(levels)}}
    return np.array([place[label] for label in labels], dtype=np.float64), levels
