"""Write a folder as a whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replaced_whole"]


@contextmanager
def replaced_whole(folder: Path, mark: str) -> Iterator[Path]:
    """Make a folder beside the path, which takes its place if all goes well.

    After an error nothing is left behind. The folder is made at once, so a path that cannot be
    written is told before any work is done.

    Parameters
    ----------
    folder : Path
        Where the folder shall be. One that is there is replaced if it is empty or holds `mark`.
    mark : str
        Name of a file that tells such a folder from others.

    Yields
    ------
    part : Path
        Folder to write to.
    """
    folder = Path(os.path.realpath(folder))
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(
            f"folder is expected to be a folder, got the file {str(folder)!r}."
        )
    if folder.exists() and any(folder.iterdir()) and not (folder / mark).is_file():
        raise FileExistsError(
            f"folder is expected to be new, empty or a folder of this kind, got {str(folder)!r} "
            f"without {mark}."
        )
    if not folder.parent.is_dir():
        raise FileNotFoundError(
            f"folder is expected to be in a folder that exists, got {str(folder)!r}."
        )
    part = folder.with_name(f".{folder.name[:100]}.{os.getpid()}.part")
    part.mkdir()
    try:
        yield part
        _put(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put(part, folder):
    """Put a folder in the place of another one."""
    if not folder.exists():
        os.rename(part, folder)
        return
    old = part.with_suffix(".old")
    os.rename(folder, old)
    try:
        os.rename(part, folder)
    except BaseException:
        os.rename(old, folder)
        raise
    shutil.rmtree(old)
