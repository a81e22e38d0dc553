"""Write a file as a whole or not at all."""

import os
from contextlib import contextmanager
from pathlib import Path

__all__ = ["written_whole"]


@contextmanager
def written_whole(path):
    """Open a file beside the path, which takes its place if all goes well.

    Whoever reads the path meanwhile sees the old file. After an error nothing is left behind. The
    file is opened at once, so a path that cannot be written is told before any work is done.

    Parameters
    ----------
    path : str or path-like
        Where the file shall be.

    Yields
    ------
    file : binary file
        What is written to.
    """
    path = Path(os.path.realpath(os.fspath(path)))
    _check(path)
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}.part")
    try:
        file = open(part, "wb")
    except OSError as error:
        raise type(error)(
            error.errno, f"path is expected to be a file that can be written ({error.strerror})"
        ) from error
    try:
        with file:
            yield file
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _check(path):
    """Raise where a file cannot be at this path."""
    if path.is_dir():
        raise IsADirectoryError(f"path is expected to be a file, got the folder {str(path)!r}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"path is expected to be in a folder that exists, got {str(path)!r}."
        )
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(
            f"path is expected to be a file that can be written, got {str(path)!r}."
        )
