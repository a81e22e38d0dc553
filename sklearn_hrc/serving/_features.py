"""From rows as they come in to the matrix of numbers that a graph takes.

A number stands as it is, a date as its seconds since 1970, a category as its code. NaN stands
for a missing value.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc.serving._exceptions import FeatureError

__all__ = ["Feature", "as_matrix", "as_vector", "is_gap"]

# A graph computes in float32, whose sums overflow beyond it, which would give any arm.
_LARGEST = 1e30


class Feature(NamedTuple):
    """A feature, and what its values may be.

    Attributes
    ----------
    name : str
        Its name in a row.
    kind : {"number", "date", "category"}
        What it holds.
    gaps : bool
        Whether its value may be missing.
    codes : dict
        Code of each category.
    unknown : float or None
        Code of any other category. None: there may be no other.
    missing : float
        What stands for a missing value.
    as_text : bool
        Whether categories are text, whatever the type of a value is.
    """

    name: str
    kind: str
    gaps: bool
    codes: dict[Any, float]
    unknown: float | None
    missing: float
    as_text: bool

    def read(self, value: Any) -> float:
        """Return a value as a number, or raise a `FeatureError`."""
        if is_gap(value):
            if not self.gaps:
                raise self._wrong(value, "be there")
            return self.missing
        return _READERS[self.kind](self, value)

    def _wrong(self, value, what):
        shown = repr(value) if len(repr(value)) < 60 else f"{repr(value)[:57]}..."
        return FeatureError(self.name, f"{self.name!r} is expected to {what}, got {shown}.")


def is_gap(value: Any) -> bool:
    """Return whether a value is missing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating) and value != value


_NUMBERS = (int, float, np.integer, np.floating, np.bool_)
_NUMBER = "be a finite number up to 1e30"


def _read_number(feature, value):
    # A duration of numpy is a kind of whole number there.
    if isinstance(value, _NUMBERS) and not isinstance(value, np.timedelta64):
        try:
            number = float(value)
        except OverflowError:
            number = np.inf
        if abs(number) <= _LARGEST:
            return number
    raise feature._wrong(value, _NUMBER)


def _read_date(feature, value):
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            pass
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[us]").astype(np.int64) / 1e6
    raise feature._wrong(value, 'be a date such as "2026-01-31" or "2026-01-31T12:00:00"')


def _read_category(feature, value):
    try:
        hash(value)
        code = feature.codes.get(_text(value) if feature.as_text else value)
    except TypeError:  # a list, say
        raise _no_category(feature, value) from None
    if code is not None:
        return code
    # A new category is one of the kind of the known ones: 10115 is none of "10115" and others.
    alike = (isinstance(known, str) == isinstance(value, str) for known in feature.codes)
    other = feature.codes and not feature.as_text and not any(alike)
    if feature.unknown is None or other:
        raise _no_category(feature, value)
    return feature.unknown


def _no_category(feature, value):
    known = ", ".join(repr(category) for category in list(feature.codes)[:5])
    return feature._wrong(value, f"be one of its categories ({known}, ...)")


def _text(value):
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


_READERS: dict[str, Callable[[Feature, Any], float]] = {
    "number": _read_number,
    "date": _read_date,
    "category": _read_category,
}


def as_vector(row: Mapping[str, Any], features: list[Feature]) -> np.ndarray:
    """Return one row as a matrix with one row.

    Parameters
    ----------
    row : mapping
        Value of each feature by its name. Further names are passed over.
    features : list of Feature
        In the order of the columns.

    Returns
    -------
    rows : ndarray of shape (1, n_features), float64
        The row.

    Raises
    ------
    FeatureError
        If a feature is missing, or its value is of another kind.
    TypeError
        If the row is no mapping.
    """
    try:
        get = row.get
    except AttributeError:
        raise TypeError(
            "row is expected to be a mapping from names of features to values, got a "
            f"{type(row).__name__}."
        ) from None
    values = []
    for feature in features:
        value = get(feature.name, _ABSENT)
        # Most values are numbers, which need no more than this.
        if type(value) is float and feature.kind == "number" and -_LARGEST <= value <= _LARGEST:
            values.append(value)
        elif value is _ABSENT:
            raise _absent(feature, row)
        else:
            values.append(feature.read(value))
    return np.array([values], dtype=np.float64)


_ABSENT = object()


def _absent(feature, names):
    return FeatureError(
        feature.name,
        f"rows is expected to have the feature {feature.name!r}, got {sorted(map(str, names))}.",
    )


def as_matrix(rows: Any, features: list[Feature]) -> np.ndarray:
    """Return rows as a matrix.

    Parameters
    ----------
    rows : mapping of columns, data frame, sequence of mappings or array-like
        Columns are found by name, and further ones are passed over. Without names, columns are
        numbers and stand in the order of the features.
    features : list of Feature
        In the order of the columns.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_features), float64
        The rows.

    Raises
    ------
    FeatureError
        As `as_vector`, with the row.
    """
    names = _names(rows)
    if names is not None:
        columns = []
        for feature in features:
            if feature.name not in names:
                raise _absent(feature, names)
            columns.append(_column(_as_array(rows[feature.name]), feature))
        lengths = {len(column) for column in columns}
        if len(lengths) > 1:
            raise ValueError(f"rows is expected to have columns of one length, got {lengths}.")
        return np.column_stack(columns)
    if isinstance(rows, list | tuple) and rows and isinstance(rows[0], Mapping):
        return np.concatenate([_numbered(row, features, place) for place, row in enumerate(rows)])
    return _plain_matrix(rows, features)


def _names(rows):
    if isinstance(rows, Mapping):
        return rows.keys()
    # Arrow has names of columns, others have columns of names.
    return getattr(rows, "column_names", getattr(rows, "columns", None))


def _numbered(row, features, place):
    try:
        return as_vector(row, features)
    except FeatureError as error:
        raise FeatureError(error.feature, f"Row {place}: {error}") from None


def _as_array(values):
    # numpy would turn a list of text and NaN into text alone.
    return np.array(values, dtype=object) if isinstance(values, list) else np.asarray(values)


def _column(values, feature):
    """Return a column as numbers; at once if its type says that they are."""
    if values.ndim != 1:
        raise FeatureError(
            feature.name,
            f"{feature.name!r} is expected to be a column, got an array of shape {values.shape}.",
        )
    if feature.kind == "number" and values.dtype.kind in "biuf":
        numbers = values.astype(np.float64)
    elif feature.kind == "date" and values.dtype.kind == "M":
        numbers = values.astype("datetime64[us]").astype(np.int64) / 1e6
        numbers[np.isnat(values)] = np.nan
    else:
        return np.array([_read_in_row(feature, value, i) for i, value in enumerate(values)])
    _check_column(numbers, feature)
    return numbers


def _read_in_row(feature, value, place):
    try:
        return feature.read(value)
    except FeatureError as error:
        raise FeatureError(error.feature, f"Row {place}: {error}") from None


def _check_column(numbers, feature):
    wrong = ~(np.abs(numbers) <= _LARGEST)
    if feature.gaps:
        wrong &= ~np.isnan(numbers)
    if wrong.any():
        place = int(np.argmax(wrong))
        raise FeatureError(
            feature.name,
            f"Row {place}: {feature.name!r} is expected to {_NUMBER}, got {numbers[place]}.",
        )


def _plain_matrix(rows, features):
    for feature in features:
        if feature.kind != "number":
            raise FeatureError(
                feature.name,
                f"rows is expected to have names of columns, since {feature.name!r} is a "
                f"{feature.kind}, got a {type(rows).__name__}.",
            )
    matrix = np.asarray(rows)
    if matrix.ndim != 2 or matrix.shape[1] != len(features) or matrix.dtype.kind not in "biuf":
        raise ValueError(
            f"rows is expected to be a matrix of numbers with {len(features)} columns, got an "
            f"array of shape {matrix.shape} and type {matrix.dtype}."
        )
    matrix = matrix.astype(np.float64, copy=False)
    # The ends are read in the order of memory, and are NaN where a number is.
    if not (matrix.min(initial=0.0) >= -_LARGEST and matrix.max(initial=0.0) <= _LARGEST):
        for column, feature in zip(matrix.T, features):
            _check_column(column, feature)
    return matrix
