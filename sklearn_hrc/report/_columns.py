"""Original columns as parts that can be compared: numbers, dates, and shares of values."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc.tables._column_kinds import convert, find_kind

__all__ = ["Part", "dates_in", "parts_of"]

# The values of a column that most rows have; of the rest too little is known.
_MOST_VALUES = 20
_SECONDS = np.timedelta64(1, "s")


class Part(NamedTuple):
    """One number for each row, whose means are told.

    Attributes
    ----------
    column : label
        Name of the column.
    kind : {"number", "date", "share"}
        Dates are seconds; of a share the numbers are 0 and 1.
    value : str
        What the rows of a share have in the column.
    numbers : ndarray of shape (n_rows,)
        NaN where the value is missing.
    """

    column: object
    kind: str
    value: str
    numbers: np.ndarray


def parts_of(frame):
    """Return the parts of all columns.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Features as they are in the table.

    Returns
    -------
    parts : list of Part
        One for a column of numbers or dates, one for each frequent value of the others, and one for
        missing values.
    """
    parts = []
    for name in frame.columns:
        kind, values = _converted(frame, name)
        missing = values.isna().to_numpy()
        if kind == "category":
            parts += _shares(name, values)
        else:
            parts += _numbers(name, kind, values, missing)
        if missing.any():
            parts.append(Part(name, "share", "not known", missing.astype(np.float64)))
    return parts


def dates_in(rows):
    """Return first and last day of each column of dates, as (name, first, last)."""
    if rows is None:
        return []
    found = []
    for name in rows.X.columns:
        kind, values = _converted(rows.X, name)
        if kind == "date" and values.notna().any():
            found.append((name, f"{values.min():%Y-%m-%d}", f"{values.max():%Y-%m-%d}"))
    return found


def _converted(frame, name):
    """Return what a column holds, and the column as that."""
    kind, _ = find_kind(frame[name], str(name))
    return kind.name, convert(frame[name], kind, str(name))


def _numbers(name, kind, values, missing):
    if kind == "date":
        seconds = (values.to_numpy().astype("datetime64[s]") - np.datetime64(0, "s")) / _SECONDS
        return [Part(name, "date", "", np.where(missing, np.nan, seconds))]
    numbers = values.to_numpy(dtype=np.float64)
    known = numbers[~missing]
    if len(known) and np.isin(known, [0, 1]).all():
        return [Part(name, "share", "yes", numbers)]
    return [Part(name, "number", "", numbers)]


def _shares(name, values):
    texts = values.to_numpy()
    frequent = values.value_counts().sort_index(key=lambda index: index.astype(str))
    frequent = frequent.sort_values(ascending=False, kind="stable").index[:_MOST_VALUES]
    return [Part(name, "share", value, (texts == value).astype(np.float64)) for value in frequent]
