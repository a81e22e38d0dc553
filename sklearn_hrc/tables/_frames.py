"""Any table as a pandas frame: pandas, Polars, Arrow, a dict of columns or a matrix."""

from collections import Counter
from typing import Any

import numpy as np
from scipy.sparse import issparse

from sklearn_hrc._extras import import_from_extra

__all__ = ["as_frame", "import_extra"]


def import_extra(name: str, caller: str) -> Any:
    """Return a module of the extra `table`, or raise an error that says how to install it."""
    return import_from_extra(name, caller, "table")


def as_frame(table: Any, name: str) -> Any:
    """Return a table as a pandas frame whose columns have names of their own.

    Parameters
    ----------
    table : frame, Arrow table, dict of columns or array-like of shape (n_rows, n_columns)
        A table.
    name : str
        Name of the parameter, for errors.

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_columns)
        The table itself where it is a pandas frame.
    """
    pandas = import_extra("pandas", name)
    frame = table
    if hasattr(frame, "collect") and not hasattr(frame, "iloc"):  # a lazy frame of Polars
        frame = frame.collect()
    if not isinstance(frame, pandas.DataFrame):
        frame = _to_pandas(pandas, frame, name)
    for column, count in Counter(frame.columns).items():
        if count > 1:
            raise ValueError(
                f"{name} is expected to have a name of its own for every column, got {column!r} "
                f"{count} times; rename or drop the others."
            )
    return frame


def _to_pandas(pandas, table, name):
    """Convert a table that is no pandas frame."""
    if type(table).__module__.partition(".")[0] == "polars" and hasattr(table, "columns"):
        # DataFrame.to_pandas of Polars would need pyarrow.
        return pandas.DataFrame({column: table[column].to_numpy() for column in table.columns})
    if hasattr(table, "to_pandas") and hasattr(table, "column_names"):
        return table.to_pandas()
    if isinstance(table, dict):
        return pandas.DataFrame(table)
    shape = np.shape(table) if not issparse(table) else ()
    if len(shape) != 2:
        raise TypeError(
            f"{name} is expected to be a data frame, an Arrow table or the path of a CSV or "
            f"Parquet file, got a {type(table).__name__}."
        )
    return pandas.DataFrame(np.asarray(table), columns=[f"x{k}" for k in range(shape[1])])
