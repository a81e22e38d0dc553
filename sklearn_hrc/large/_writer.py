"""Parquet files of arms, one for each part of the table that was decided."""

import re
from pathlib import Path
from typing import Any, Self

import numpy as np

from sklearn_hrc._extras import import_from_extra

__all__ = ["Writer", "is_written"]


def is_written(name: str) -> bool:
    """Tell whether a file has a name that a `Writer` gives."""
    return re.fullmatch(r"part-\d{5,}\.parquet", name) is not None


class Writer:
    """Write batches to the file of their part.

    Parameters
    ----------
    folder : Path
        Folder of the files.
    name : str
        Name of the column of arms.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._part = -1
        self._file: Any = None

    def write(self, part: int, beside: Any, arms: np.ndarray) -> None:
        """Write rows.

        Parameters
        ----------
        part : int
            Part of the table. Parts come one after the other.
        beside : RecordBatch of shape (n_rows, n_columns)
            Columns to write beside the arms.
        arms : ndarray of shape (n_rows,)
            Arm of each row.
        """
        pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
        rows = pa.Table.from_batches([beside]).append_column(self._name, pa.array(arms))
        if part != self._part:
            self._open(part, rows.schema)
        self._file.write_table(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        if self._file is not None:
            self._file.close()

    def _open(self, part, schema):
        parquet = import_from_extra("pyarrow.parquet", "sklearn_hrc.large", "arrow")
        if self._file is not None:
            self._file.close()
        self._part = part
        self._file = parquet.ParquetWriter(self._folder / f"part-{part:05}.parquet", schema)
