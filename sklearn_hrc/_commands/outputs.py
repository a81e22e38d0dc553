"""Outputs that can be written: told before any work is done."""

import os
import tempfile
from importlib import import_module
from pathlib import Path

__all__ = ["check_output_file", "writable_parent"]


def writable_parent(output: str) -> Path:
    """Return where an output shall be, if its folder is there and can be written."""
    path = Path(os.path.realpath(output))
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"output is expected to be in a folder that exists, got {output!r}; make "
            f"{str(path.parent)!r} first."
        )
    try:
        # Only trying tells: some folders cannot be written whatever their permissions say.
        with tempfile.TemporaryFile(dir=path.parent):
            return path
    except OSError as error:
        raise PermissionError(
            f"output is expected to be in a folder that can be written, got {output!r}."
        ) from error


def check_output_file(output: str, suffixes: tuple[str, ...], inputs: tuple[str, ...] = ()) -> Path:
    """Return the path of a file that can be written and is none of the inputs.

    Parameters
    ----------
    output : str
        Path as given.
    suffixes : tuple of str
        Endings that it may have.
    inputs : tuple of str
        Paths that are read.

    Returns
    -------
    path : Path
        Without links.
    """
    path = writable_parent(output)
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"output is expected to end in {' or '.join(suffixes)}, got {output!r}.")
    if path.is_dir() or (path.exists() and not os.access(path, os.W_OK)):
        raise PermissionError(
            f"output is expected to be a file that can be written, got {output!r}."
        )
    if any(path == Path(os.path.realpath(one)) for one in inputs):
        raise ValueError(f"output is expected to be a new file, got {output!r}, which is read.")
    if path.suffix.lower() == ".parquet":
        _check_parquet(output)
    return path


def _check_parquet(output):
    try:
        import_module("pyarrow")
    except ImportError as error:
        raise ImportError(
            f"output requires pyarrow to write {output!r}: install it with pip install pyarrow, "
            "or write a CSV file."
        ) from error
