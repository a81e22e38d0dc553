"""What must hold for every part and batch of a table, said with the name of the part."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sklearn_hrc._extras import import_from_extra
from sklearn_hrc.large._checkpoint import Place

__all__ = ["as_floats", "check_batch", "check_columns", "check_key", "check_part", "located"]


def check_columns(source: Any, roles: Any, *, are_named: bool) -> None:
    """Refuse columns without values, and features that nobody named and some parts lack."""
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    empty = [field.name for field in source.schema if pa.types.is_null(field.type)]
    for name, parameter in [*roles.named, *((name, "key") for name in roles.key)]:
        if name in empty and (parameter != "features" or are_named):
            raise ValueError(
                f"{parameter} {name!r} is expected to hold values, got a column of the type null, "
                "which has none; name another column, or write its values with their type."
            )
    if without := [name for name in roles.features if name in empty]:
        raise ValueError(
            f"features are expected to hold values, got {without} of the type null, which has "
            f"none; leave them out by ignore={without}."
        )
    for part in () if are_named else source.parts:
        if lacking := [name for name in roles.features if name not in part.schema.names]:
            raise ValueError(
                f"{part.name} is expected to have the columns of other parts, got none called "
                f"{lacking}; leave them out of the features by ignore={lacking}, or write the "
                "part with them."
            )


def check_part(part: Any, schema: Any, names: list) -> None:
    """Refuse a part whose columns are not those of the table."""
    for name in names:
        places = part.schema.get_all_field_indices(name)
        if not places:
            raise ValueError(
                f"{part.name} is expected to have the column {name!r}, as other parts have, got "
                "none; write it with this column, or leave the part out."
            )
        if len(places) > 1:
            raise ValueError(
                f"{part.name} is expected to have the column {name!r} once, got {len(places)} "
                "columns of this name; rename them."
            )
        here, there = part.schema.field(places[0]).type, schema.field(name).type
        if not _same_type(here, there):
            raise ValueError(
                f"{part.name} is expected to have {there} in column {name!r}, as other parts have, "
                f"got {here}; write all parts with one type."
            )


def check_batch(batch: Any, roles: Any) -> None:
    """Refuse rows without an arm, an outcome or another number that is needed."""
    _check_labels(batch.column(roles.metadata["treatment"]).type, roles.metadata["treatment"])
    for parameter in ("treatment", "groups"):
        if parameter in roles.metadata:
            _check_filled(batch.column(roles.metadata[parameter]), parameter, roles)
    for name, parameter in roles.numbers:
        numbers = as_floats(batch.column(name), name, parameter)
        bad = ~np.isfinite(numbers)
        if bad.any():
            raise ValueError(
                f"{parameter} {name!r} is expected to have a number in every row, got none in "
                f"{_told(bad)}; fill them where a value is known, or leave these rows out."
            )


def check_key(batch: Any, names: list) -> None:
    """Refuse rows that have no key. They would be drawn together or not at all."""
    gaps = [batch.column(name).is_null().to_numpy(zero_copy_only=False) for name in names]
    missing = np.logical_and.reduce(gaps) if gaps else np.zeros(batch.num_rows, dtype=bool)
    if missing.any():
        raise ValueError(
            f"key {names} is expected to hold a value in every row, got none in {_told(missing)}; "
            "give each of these rows a key of its own, or name another column."
        )


def as_floats(column: Any, name: str, parameter: str) -> np.ndarray:
    """Return a column of Arrow as float64, with NaN where a value is missing."""
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    kind, of = pa.types, column.type
    if not (kind.is_floating(of) or kind.is_integer(of) or kind.is_boolean(of)):
        if not kind.is_decimal(of):
            raise TypeError(
                f"{parameter} {name!r} is expected to hold numbers, got {of}; write it as numbers."
            )
    if kind.is_boolean(of):
        column = column.cast(pa.int8())
    return column.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)


@contextmanager
def located(part: Any, place: Place, n_rows: int) -> Iterator[None]:
    """Name the part and rows in errors that a batch raises, whose end is a place in the part."""
    try:
        yield
    except (ValueError, TypeError) as error:
        start = place.row - n_rows
        rows = f"{part.name}, rows {start:,} to {start + max(n_rows, 1) - 1:,}"
        # Subclasses may take other arguments than a sentence.
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{rows}: {error}") from error


def _check_labels(of, name):
    """Refuse an arm that is neither text nor a number, before all rows have been read."""
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    of = of.value_type if pa.types.is_dictionary(of) else of
    text = pa.string(), pa.large_string(), pa.string_view(), pa.bool_()
    if not (of in text or pa.types.is_integer(of) or pa.types.is_floating(of)):
        raise TypeError(
            f"treatment {name!r} is expected to hold text, numbers or booleans, got {of}; write "
            "arms as one of these."
        )


def _check_filled(column, parameter, roles):
    missing = column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    if missing.any():
        raise ValueError(
            f"{parameter} {roles.metadata[parameter]!r} is expected to hold a label in every row, "
            f"got none in {_told(missing)}; give a label of its own to rows without one."
        )


def _told(bad):
    """Say how many rows of a batch are bad, and which comes first."""
    return f"{bad.sum():,} of these rows, the first of which has {int(bad.argmax()):,} before it"


def _same_type(here, there):
    """Tell whether a type holds values of another one. Text may be categories, and all may lack."""
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")

    def values(of):
        of = of.value_type if pa.types.is_dictionary(of) else of
        return pa.string() if of in (pa.large_string(), pa.string_view()) else of

    return pa.types.is_null(here) or values(here) == values(there)
