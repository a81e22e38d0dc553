"""Data files that are not shipped: how they are found and verified."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sklearn_hrc.datasets._frames import import_pandas

__all__ = ["PublishedTable", "find_file", "not_found", "read_verified", "verify"]

_FOLDER_VARIABLE = "SKLEARN_HRC_DATA"


class PublishedTable(NamedTuple):
    """A table that others published, and the figures that identify it.

    Parameters
    ----------
    file_name : str
        Name of the file in its folder.
    columns : list of str
        Names of the columns, in order.
    n_rows : int
        Number of rows.
    n_missing : int
        Number of empty entries, which tells a file that was cut in a last row of zeros.
    sums : dict of str to float
        Sums of numeric columns, without their missing values.
    counts : dict of str to dict
        Number of rows for each level of columns of text.
    """

    file_name: str
    columns: list[str]
    n_rows: int
    n_missing: int
    sums: dict[str, float]
    counts: dict[str, dict[str, int]]


def find_file(file_name, path):
    """Return the path of a data file, or None if there is no such file.

    Parameters
    ----------
    file_name : str
        Name of the file in its folder.
    path : str, path-like or None
        The file itself or its folder. None stands for the folder that the environment names.

    Returns
    -------
    path : pathlib.Path or None
        Path of an existing file.
    """
    folder = os.environ.get(_FOLDER_VARIABLE) if path is None else path
    if not folder:
        return None
    return next((file for file in (Path(folder), Path(folder, file_name)) if file.is_file()), None)


def not_found(file_name, path, advice):
    """Return the error for a file that `find_file` did not find.

    Parameters
    ----------
    file_name, path
        As in `find_file`.
    advice : str
        Another way to the data, which completes "pass its path, ..., or".

    Returns
    -------
    error : FileNotFoundError
        Error with a message of one sentence.
    """
    folder = os.environ.get(_FOLDER_VARIABLE) if path is None else path
    return FileNotFoundError(
        f"{file_name} was not found in {folder or 'any folder, as none was named'}: pass its path, "
        f"name its folder in the environment variable {_FOLDER_VARIABLE}, or {advice}; the data "
        "are not shipped with this package because they have no stated licence."
    )


def verify(frame, source, table):
    """Raise ValueError unless a frame is the published table.

    The content is compared, not the bytes, since copies differ in their line ends.

    Parameters
    ----------
    frame : DataFrame
        The frame that was read.
    source : str or path-like
        Origin of the frame, for the message.
    table : PublishedTable
        Expected content.
    """
    columns = list(frame.columns)
    if columns != table.columns:
        raise ValueError(
            f"{source} is expected to have the columns {table.columns}, got {columns}."
        )
    if len(frame) != table.n_rows:
        raise ValueError(f"{source} is expected to have {table.n_rows} rows, got {len(frame)}.")
    n_missing = int(frame.isna().to_numpy().sum())
    if n_missing != table.n_missing:
        raise ValueError(
            f"{source} is expected to have {table.n_missing} empty entries, got {n_missing}."
        )
    for column, expected in table.sums.items():
        values = frame[column]
        total = values.sum() if values.dtype.kind in "bif" else np.nan
        if not np.isclose(total, expected, rtol=1e-9, atol=0):
            raise ValueError(
                f"The sum of column {column} in {source} is expected to be {expected}, got {total}."
            )
    for column, expected in table.counts.items():
        found = frame[column].value_counts().to_dict()
        if found != expected:
            raise ValueError(
                f"Column {column} in {source} is expected to have the levels {expected}, "
                f"got {found}."
            )


def read_verified(path, table, *, caller, source=None):
    """Read a published data file and verify its content.

    Parameters
    ----------
    path : path-like
        Path of an existing file.
    table : PublishedTable
        Expected content.
    caller : str
        Name of the public function, for the message about pandas.
    source : str, default=None
        Origin of the file, for messages. None stands for `path`.

    Returns
    -------
    frame : DataFrame
        The table as published.

    Raises
    ------
    ValueError
        If the file is not the published table, or is no table.
    """
    pd = import_pandas(caller)
    source = path if source is None else source
    try:
        frame = pd.read_csv(path)
    except ValueError as error:  # pandas' parser errors and those of the encoding
        reason = " ".join(str(error).split())
        raise ValueError(f"{source} is expected to be a CSV file, got: {reason}") from error
    verify(frame, source, table)
    return frame
