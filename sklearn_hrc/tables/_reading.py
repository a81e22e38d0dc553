"""Read a table from a CSV or Parquet file, and say how it was read."""

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sklearn_hrc.tables._frames import import_extra
from sklearn_hrc.tables._text_values import is_code

__all__ = ["read_file"]

# A larger file is refused, as its table may not fit into memory.
MAX_BYTES = 1_000_000_000
_TEXT = {".csv", ".tsv", ".txt"}
_PARQUET = {".parquet", ".pq"}
_COMPRESSED = {".gz", ".bz2", ".xz", ".zip"}
_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 200
# Noughts in front are looked for in so many rows, as text is slower to read than numbers.
_CODE_ROWS = 50_000
# What stands for a missing value in files. "None" is left out, since an arm may have this name.
_MISSING = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "NULL", "null", "<NA>"]


def read_file(
    path: str | os.PathLike, name: str, text: Sequence[str] = ()
) -> tuple[Any, list[str]]:
    """Read a table from a file.

    Parameters
    ----------
    path : str or path-like
        CSV (also .tsv, .txt, compressed) or Parquet file.
    name : str
        Name of the parameter, for errors.
    text : sequence of str, default=()
        Columns of a CSV file whose text stays as it is. Columns of digits that begin with
        noughts stay text, too.

    Returns
    -------
    frame : DataFrame
        The table.
    notes : list of str
        What was found out about the file, a sentence each.
    """
    path = Path(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix not in _COMPRESSED), "")
    if kind not in _TEXT | _PARQUET:
        raise ValueError(
            f"{name} is expected to be a file that ends in .csv, .tsv, .txt or .parquet, got "
            f"{path.name!r}; read other files by pandas and pass the frame."
        )
    if not path.is_file():
        raise FileNotFoundError(f"{name} is expected to be a file that exists, got {str(path)!r}.")
    _check_size(path, name)
    is_parquet = kind in _PARQUET
    frame, notes = _read_parquet(path, name) if is_parquet else _read_text(path, name, text)
    if not len(frame):
        raise ValueError(f"{name} is expected to hold rows, got none in {path.name!r}.")
    return frame, notes


def _check_size(path, name):
    size = path.stat().st_size
    if not size:
        raise ValueError(f"{name} is expected to hold rows, got the empty file {path.name!r}.")
    if size > MAX_BYTES:
        raise ValueError(
            f"{name} is expected to be a file of at most {MAX_BYTES / 1e9:g} GB, got "
            f"{size / 1e9:.3g} GB in {path.name!r}; read a sample of its rows or the columns that "
            "are needed, as by pandas.read_csv(path, usecols=[...], nrows=...), and pass the frame."
        )


def _read_parquet(path, name):
    pandas = import_extra("pandas", name)
    try:
        return pandas.read_parquet(path), []
    except ImportError as error:
        raise ImportError(
            f"{name} requires pyarrow to read the Parquet file {path.name!r}: install it with pip "
            "install pyarrow, or pass a frame."
        ) from error
    except (ValueError, OSError) as error:
        raise _unreadable(path, name, "Parquet", error) from error


def _read_text(path, name, text):
    """Read text in UTF-8, or in the encoding of Windows where it is no UTF-8."""
    try:
        return _read_encoded(path, name, "utf-8-sig", text)
    except UnicodeDecodeError:
        pass
    try:
        frame, notes = _read_encoded(path, name, "cp1252", text)
    except UnicodeDecodeError as error:
        raise _no_text(path, name) from error
    return frame, [f"{path.name!r} is not UTF-8; it was read as Windows-1252.", *notes]


def _read_encoded(path, name, encoding, text):
    pandas = import_extra("pandas", name)
    read = {"encoding": encoding, "keep_default_na": False, "na_values": _MISSING}
    try:
        head = _first_rows(pandas, path, encoding)
        if "\0" in head:
            raise _no_text(path, name)
        delimiter = _find_delimiter(head)
        header, *rows = csv.reader(io.StringIO(head), delimiter=delimiter)
        _check_header(header, name)
        decimal = _find_decimal(rows, delimiter)
        read |= {"sep": delimiter, "decimal": decimal, "low_memory": False}
        codes = _columns_of_codes(partial(pandas.read_csv, path, nrows=_CODE_ROWS, **read))
        dtype = dict.fromkeys([*text, *codes], str)
        frame = pandas.read_csv(path, dtype=dtype, **read)
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError, csv.Error) as error:
        raise _unreadable(path, name, "CSV", error) from error
    except OSError as error:
        raise _unreadable(path, name, "CSV", error) from error
    notes = []
    if delimiter != ",":
        notes.append(f"Columns of {path.name!r} are separated by {_named(delimiter)}.")
    if decimal == ",":
        notes.append(f"Numbers of {path.name!r} have a decimal comma.")
    return frame, notes


def _columns_of_codes(read):
    """Return the columns whose texts hold digits only, some of which begin with a nought.

    The function `read` returns the first rows of the file. As text are read only those columns that
    hold whole numbers, since this takes longer.
    """
    numbers = read().select_dtypes("number")
    given = {name: numbers[name].dropna() for name in numbers}
    whole = [name for name, values in given.items() if ((values >= 0) & (values % 1 == 0)).all()]
    if not whole:
        return []
    texts = read(dtype=dict.fromkeys(whole, object))
    return [name for name in whole if _holds_codes(texts[name].dropna().unique())]


def _holds_codes(texts):
    if not any(is_code(text.strip()) for text in texts):
        return False
    return all(text.strip().isdigit() for text in texts)


def _first_rows(pandas, path, encoding):
    """Return the first lines of a text, decompressed where the file is compressed."""
    from pandas.io.common import get_handle

    with get_handle(path, "r", encoding=encoding, compression="infer") as handles:
        lines = [line for _, line in zip(range(_SAMPLE_ROWS), handles.handle)]
    if not any(line.strip() for line in lines):
        raise pandas.errors.EmptyDataError("no line")
    return "".join(lines)


def _find_delimiter(head):
    """Return the delimiter that divides the header most, into as many parts as the next rows."""
    best, most = ",", 1
    for delimiter in _DELIMITERS:
        header, *rows = csv.reader(io.StringIO(head), delimiter=delimiter)
        # A quoted field may be cut at the end of the sample.
        agree = sum(len(row) == len(header) for row in rows)
        if len(header) > most and agree >= 0.8 * (len(rows) - 1):
            best, most = delimiter, len(header)
    return best


def _check_header(header, name):
    for column, count in Counter(header).items():
        if count > 1 and column:
            raise ValueError(
                f"{name} is expected to have a name of its own for every column, got {column!r} "
                f"{count} times; rename or drop the others."
            )


def _find_decimal(rows, delimiter):
    """Return a comma where fields are like 12,50 and none is like 12.50."""
    if delimiter == ",":
        return "."
    fields = [field.strip() for row in rows for field in row]
    commas = any(re.fullmatch(r"[+-]?\d+,\d+", field) for field in fields)
    points = any(re.fullmatch(r"[+-]?\d+\.\d+", field) for field in fields)
    return "," if commas and not points else "."


def _no_text(path, name):
    return ValueError(
        f"{name} is expected to be a CSV file in UTF-8 or Windows-1252, got {path.name!r}, which "
        "is neither; save it as UTF-8, or read it by pandas with its encoding and pass the frame."
    )


def _unreadable(path, name, kind, error):
    why = " ".join(str(error).split()).rstrip(".")
    return ValueError(
        f"{name} is expected to be a {kind} file, got {path.name!r}, which cannot be read as one "
        f"({why}); read it by pandas and pass the frame."
    )


def _named(delimiter):
    return "tabs" if delimiter == "\t" else repr(delimiter)
