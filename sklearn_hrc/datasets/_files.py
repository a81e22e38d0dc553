"""Data files that are not shipped: where they lie, and whether they are the right ones."""

import os
from pathlib import Path

import numpy as np

from sklearn_hrc.datasets._frames import import_pandas

__all__ = ["read_verified"]

_FOLDER_VARIABLE = "SKLEARN_HRC_DATA"


def locate(file_name, path):
    """Return the path of a data file.

    Parameters
    ----------
    file_name : str
        Name of the file in its folder.
    path : str, path-like or None
        The file itself or its folder. None: the folder that the environment names.

    Returns
    -------
    path : pathlib.Path
        An existing file.
    """
    folder = os.environ.get(_FOLDER_VARIABLE) if path is None else path
    candidate = Path(folder) if folder else None
    if candidate is not None and not candidate.is_file():
        candidate = candidate / file_name
    if candidate is None or not candidate.is_file():
        where = "any folder, as none was named" if candidate is None else candidate.parent
        raise FileNotFoundError(
            f"{file_name} was not found in {where}: pass its path, or name its folder in the "
            f"environment variable {_FOLDER_VARIABLE}; the data are not shipped with this package "
            "because they have no stated licence."
        )
    return candidate


def verify(frame, path, *, columns, n_rows, sums):
    """Raise ValueError unless a table is the published one.

    The content is compared, not the bytes: copies differ in their line ends.

    Parameters
    ----------
    frame : DataFrame
        The parsed file.
    path : path-like
        Where it came from, for the message.
    columns : list of str
        Names of the columns, in order.
    n_rows : int
        Number of rows.
    sums : dict of str to float
        Sums of numeric columns, without their missing values.
    """
    if list(frame.columns) != list(columns):
        raise ValueError(f"{path} must have the columns {columns}, got {list(frame.columns)}.")
    if len(frame) != n_rows:
        raise ValueError(f"{path} must have {n_rows} rows, got {len(frame)}.")
    for column, expected in sums.items():
        values = frame[column]
        total = values.sum() if values.dtype.kind in "bif" else np.nan
        if not np.isclose(total, expected, rtol=1e-9, atol=0):
            raise ValueError(
                f"The sum of column {column} in {path} must be {expected}, got {total}."
            )


def read_verified(file_name, path, *, caller, columns, n_rows, sums):
    """Read a published data file and verify its content.

    Parameters
    ----------
    file_name : str
        Name of the file in its folder.
    path : str, path-like or None
        As in `locate`.
    caller : str
        Name of the public function, for the message about pandas.
    columns, n_rows, sums
        As in `verify`.

    Returns
    -------
    frame : DataFrame
        The table as published.
    """
    pd = import_pandas(caller)
    path = locate(file_name, path)
    frame = pd.read_csv(path)
    verify(frame, path, columns=columns, n_rows=n_rows, sums=sums)
    return frame
