"""What a long run has done so far, in a folder, so that an interrupted run can go on."""

import contextlib
import hashlib
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Checkpoint", "Place", "open_checkpoint"]

_MAGIC = b"sklearn-hrc checkpoint 1\n"
_DIGEST_BYTES = hashlib.sha256().digest_size
_SUFFIX = ".checkpoint"


class Place(NamedTuple):
    """Where a pass stands.

    Attributes
    ----------
    part : int
        Part of the table that is being read.
    row : int
        First row of this part that has not been read.
    n_rows : int
        Rows that have been read in all parts.
    """

    part: int = 0
    row: int = 0
    n_rows: int = 0


class Checkpoint(NamedTuple):
    """A folder of things by name, or nothing at all.

    Attributes
    ----------
    folder : Path or None
        None keeps nothing.
    call : str
        Digest of the call that things belong to.
    """

    folder: Path | None
    call: str

    def save(self, name: str, thing: Any) -> None:
        """Keep a thing. The file is replaced as a whole, also if the machine stops meanwhile."""
        if self.folder is None:
            return
        content = pickle.dumps((self.call, thing), protocol=5)
        path = self.folder / f"{name}{_SUFFIX}"
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(_MAGIC + hashlib.sha256(content).digest() + content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)

    def load(self, name: str, default: Any = None) -> Any:
        """Return a thing that was kept, or the default if there is none."""
        path = None if self.folder is None else self.folder / f"{name}{_SUFFIX}"
        if path is None or not path.exists():
            return default
        call, thing = pickle.loads(_checked(path))
        if call != self.call:
            raise ValueError(
                f"checkpoint is expected to be of the same call, got that of another policy, table "
                f"or parameter in {str(self.folder)!r}; call as before, or name another folder."
            )
        return thing

    def remember(self, name: str, make: Callable[[], Any]) -> Any:
        """Return a thing that was kept, or make and keep it."""
        thing = self.load(name)
        if thing is None:
            thing = make()
            self.save(name, thing)
        return thing

    def clear(self) -> None:
        """Remove all that was kept, and the folder if nothing else is in it."""
        if self.folder is None:
            return
        for path in self.folder.glob(f"*{_SUFFIX}"):
            path.unlink()
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def open_checkpoint(folder: str | os.PathLike | None, *facts: Any) -> Checkpoint:
    """Make a folder for a call.

    Parameters
    ----------
    folder : path or None
        Folder, which may be there.
    *facts : Any
        What tells this call from others, by `repr`.

    Returns
    -------
    checkpoint : Checkpoint
        The folder of the call.

    Raises
    ------
    NotADirectoryError
        If the path is that of a file.
    """
    # Where a thing is in memory differs between processes.
    told = re.sub(r" at 0x[0-9a-fA-F]+", "", "\n".join(map(repr, facts)))
    call = hashlib.sha256(told.encode()).hexdigest()
    if folder is None:
        return Checkpoint(None, call)
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(
            f"checkpoint is expected to be a folder, got the file {str(path)!r}; name another path."
        )
    path.mkdir(parents=True, exist_ok=True)
    return Checkpoint(path, call)


def _checked(path):
    """Return the content of a file that is whole."""
    found = path.read_bytes()
    head, content = found[: len(_MAGIC) + _DIGEST_BYTES], found[len(_MAGIC) + _DIGEST_BYTES :]
    if head != _MAGIC + hashlib.sha256(content).digest():
        raise ValueError(
            f"checkpoint is expected to be as it was written, got a damaged file {str(path)!r}; "
            "remove it, and the work since then is done again."
        )
    return content
