"""Columns that number the rows, such as a customer's id."""

import re
from typing import Any

import numpy as np

from sklearn_hrc.tables._column_kinds import Kind, text_of

__all__ = ["looks_like_id"]

# Share of different values from which a column tells rows apart.
_NEARLY_ALL = 0.95
# Codes such as H000123 say nothing but whom they name, also where a household has several rows.
_MANY_CODES = 0.2
_FEWEST_ROWS = 20
_CODE = re.compile(r"[A-Za-z]{0,4}[-_#]?\d{2,}|[0-9a-fA-F]{8,}|[0-9a-fA-F]{4,}(-[0-9a-fA-F]{4,})+")
_NAMES = {"id", "ids", "key", "uuid", "guid", "index", "number", "nr", "no", "unnamed", "hash"}


def looks_like_id(values: Any, kind: Kind, label: str) -> str | None:
    """Return why a column looks like an id, or None.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        The column.
    kind : Kind
        What it holds.
    label : str
        Its name.

    Returns
    -------
    reason : str or None
        Words for a note.
    """
    dtype_kind = getattr(values.dtype, "kind", "O")
    if len(values) < _FEWEST_ROWS or kind.name == "date" or dtype_kind in "fbmM":
        return None
    different = values.astype(object).map(str).nunique() / len(values)
    reason = f"{100 * different:.0f} % of its values are different"
    if kind.name == "number":
        return reason if different >= _NEARLY_ALL and _numbers_rows(values, label) else None
    if different >= _NEARLY_ALL:
        return reason
    if different >= _MANY_CODES:
        texts = text_of(values, label)[1]
        if all(_CODE.fullmatch(text) for text in texts[:1000]):
            return f"it holds codes, {100 * different:.0f} % of them different"
    return None


def _numbers_rows(values, label):
    """Tell whether whole numbers that differ are ids, and no amounts such as an income."""
    numbers = np.array(text_of(values, label)[1], dtype=object)
    try:
        numbers = numbers.astype(np.float64)
    except ValueError:  # a decimal comma
        return False
    if (numbers != np.round(numbers)).any():
        return False
    words = set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", label).lower()))
    in_order = (np.diff(numbers) > 0).all() or (np.diff(numbers) < 0).all()
    dense = np.ptp(numbers) < 2 * len(numbers)
    return bool(words & _NAMES) or in_order or dense
