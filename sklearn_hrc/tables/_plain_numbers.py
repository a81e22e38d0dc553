"""Features as plain numbers, for tests that need no good encoding."""

from typing import Any

import numpy as np

from sklearn_hrc.tables._column_kinds import Kind

__all__ = ["codes_of", "plain_numbers"]

# Levels of a category that get a column of their own.
_LEVELS = 10


def codes_of(values: Any) -> np.ndarray:
    """Return a converted column as numbers, NaN where it is missing.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        From `convert`.

    Returns
    -------
    codes : ndarray of shape (n_rows,), float64
        Numbers; days since 1970 for dates; for categories their place by number of rows.
    """
    kind = getattr(values.dtype, "kind", "O")
    if kind == "M":
        days = values.to_numpy().astype("datetime64[us]").astype(np.float64) / 86_400e6
        return np.where(values.isna(), np.nan, days)
    if kind == "O":
        place = {level: k for k, level in enumerate(values.value_counts().index)}
        return values.map(place).to_numpy(dtype=np.float64)
    return values.to_numpy(dtype=np.float64)


def plain_numbers(columns: dict[Any, Any], kinds: dict[Any, Kind]) -> dict[str, np.ndarray]:
    """Return finite numbers: the largest categories as indicators, and where values are missing.

    Parameters
    ----------
    columns : dict of Series
        Converted columns.
    kinds : dict of Kind
        What they hold.

    Returns
    -------
    numbers : dict of ndarray of shape (n_rows,)
        Columns, by a name that says what they are.
    """
    numbers: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        codes = codes_of(values)
        missing = np.isnan(codes)
        if kinds[name].name == "category":
            levels = values.value_counts().index[:_LEVELS]
            numbers |= {f"{name} = {level}": (codes == k) * 1.0 for k, level in enumerate(levels)}
        elif not missing.all():
            numbers[str(name)] = np.where(missing, np.nanmedian(codes), codes)
        if missing.any() and not missing.all():
            numbers[f"{name} is missing"] = missing * 1.0
    return numbers
