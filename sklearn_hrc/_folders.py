"""Write a folder as a whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["folder_written_whole"]


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """Make a folder beside the path, which takes its place if all goes well.

    After an error nothing is left behind, and an older folder is as it was. The new folder is made
    at once, so a path that cannot be written is told before any work is done.

    Parameters
    ----------
    folder : Path
        Where the folder shall be, in one that exists. What is there is replaced.

    Yields
    ------
    part : Path
        Folder to write to.
    """
    folder = Path(os.path.realpath(folder))
    # No number of a process, since a container that starts again has the same one.
    part = folder.with_name(f".{folder.name[:100]}.{secrets.token_hex(8)}.part")
    try:
        part.mkdir()
    except OSError as error:
        raise type(error)(
            error.errno,
            f"a folder is expected to be writable at {str(folder)!r}, got: {error.strerror}",
        ) from error
    try:
        yield part
        _take_place(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _take_place(part, folder):
    """Put a folder in the place of another one, which comes back after an error."""
    old = part.with_suffix(".old")
    if folder.exists():
        os.rename(folder, old)
    try:
        os.rename(part, folder)
    except BaseException:
        if old.exists() and not folder.exists():
            os.rename(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
