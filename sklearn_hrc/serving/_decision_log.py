"""A log of decisions, one line each, that survives a crash and a full disk."""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn_hrc.serving._decisions import Decision, Decisions
from sklearn_hrc.serving._eligible import labels_of_rows
from sklearn_hrc.serving._log_records import as_line, as_record

__all__ = ["DecisionLog"]


class DecisionLog:
    """Appends decisions to a file; threads may share it.

    Each decision is one line: a checksum, and a JSON object with `timestamp` (UTC), `decision_id`,
    `policy_version`, `context` (the row), `action` (the arm), `pscore` (its propensity),
    `explored` and `budget`. Where the individual might not get every arm, `eligible` has those that
    it might get. A line is handed to the operating system before `write` returns, so
    that the death of the process loses none. A crash of the machine may lose those since the last
    fsync. Several processes on one machine may append to one file.

    Parameters
    ----------
    path : str or path-like
        File to append to. It is made if it is not there, and its folder has to be there.
    sync_every : int, default=1000
        Number of records after which the file is synchronised with the disk.
    sync_seconds : float, default=1.0
        Seconds after which a record that is written synchronises the file. `sync` does so when
        no record is written.

    Attributes
    ----------
    n_lost : int
        Records that could not be written.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If `sync_every` is below 1, or `sync_seconds` is negative.

    See Also
    --------
    read_log : Reads the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_hrc.serving import Decision, DecisionLog, read_log
    >>> decision = Decision("10 off", 0.95, 3, False, 0.8, "4f1d0c")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "decisions.log"
    ...     with DecisionLog(path) as log:
    ...         log.write("visit-1", {"age": 41.0}, decision)
    ...     (record,) = read_log(path).records
    >>> record["decision_id"], record["action"], record["pscore"]
    ('visit-1', '10 off', 0.95)
    """

    def __init__(
        self, path: str | os.PathLike, *, sync_every: int = 1000, sync_seconds: float = 1.0
    ) -> None:
        if sync_every < 1:
            raise ValueError(f"sync_every is expected to be at least 1, got {sync_every}.")
        if not sync_seconds >= 0:
            raise ValueError(f"sync_seconds is expected to be at least 0, got {sync_seconds}.")
        self.n_lost = 0
        self._write_error: str | None = None
        self._sync_error: str | None = None
        self._every, self._seconds = sync_every, sync_seconds
        # The first is held for a write, the second for as long as a disk takes. A thread that
        # holds the first never waits for the second.
        self._lock, self._sync_lock = threading.Lock(), threading.Lock()
        self._file = _opened(path)
        self._torn = _ends_torn(self._file)
        self._unsynced, self._synced_at = 0, time.monotonic()

    @property
    def error(self) -> str | None:
        """Why the last write, or the last fsync, failed. None: neither did."""
        return self._write_error or self._sync_error

    def __enter__(self) -> "DecisionLog":
        """Return the log."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the log."""
        self.close()

    def write(self, decision_id: str, row: Mapping[str, Any], decision: Decision) -> None:
        """Append one decision.

        Parameters
        ----------
        decision_id : str
            By what outcomes are joined.
        row : mapping
            Value of each feature by its name.
        decision : Decision
            From `decide_one`.

        Raises
        ------
        OSError
            If the record cannot be written, or the file not be synchronised. The next write
            starts on a new line.
        """
        arm, propensity, _, explored, budget, version, eligible = decision
        given = arm, propensity, explored
        self._append([as_record(decision_id, row, given, budget, version, eligible)])

    def write_many(
        self, decision_ids: Sequence[str], rows: Sequence[Mapping[str, Any]], decisions: Decisions
    ) -> None:
        """Append the decisions of several rows, in one write.

        Parameters
        ----------
        decision_ids : sequence of str of length n_rows
            By what outcomes are joined.
        rows : sequence of mapping of length n_rows
            Value of each feature by its name.
        decisions : Decisions
            From `decide`, for these rows.

        Raises
        ------
        OSError
            As `write`. The records before the one that failed are kept.
        ValueError
            If there is not one id and one row for each decision.
        """
        arms, propensity, _, explored, budget, version, eligible = decisions
        if not len(decision_ids) == len(rows) == len(arms):
            raise ValueError(
                f"decision_ids and rows are expected to have one entry for each of {len(arms)} "
                f"decisions, got {len(decision_ids)} and {len(rows)}."
            )
        given = zip(arms, propensity, explored)
        of_each = zip(decision_ids, rows, given, labels_of_rows(eligible, len(arms)))
        self._append(
            [as_record(name, row, one, budget, version, may) for name, row, one, may in of_each]
        )

    def sync(self) -> None:
        """Synchronise what has been written with the disk.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        with self._sync_lock:
            self._sync()

    def close(self) -> None:
        """Synchronise and close the file; nothing can be written afterwards."""
        with self._sync_lock:
            try:
                self._sync()
            finally:
                with self._lock:
                    if self._file >= 0:
                        os.close(self._file)
                        self._file = -1

    def _append(self, records):
        lines = [as_line(record) for record in records]
        with self._lock:
            if self._file < 0:
                raise ValueError("log is expected to be open, got one that has been closed.")
            start = b"\n" if self._torn else b""
            self._write_whole(start, lines)
            self._write_error, self._torn = None, False
            self._unsynced += len(lines)
            late = time.monotonic() - self._synced_at >= self._seconds
            due = late or self._unsynced >= self._every
        if due:
            self.sync()

    def _write_whole(self, start, lines):
        """Write all lines by one call, which other processes cannot come between."""
        content, written = start + b"".join(lines), 0
        try:
            written = os.write(self._file, content)
            if written < len(content):
                raise OSError(f"only {written} of {len(content)} bytes could be written")
        except OSError as error:
            self.n_lost += len(lines) - content[len(start) : written].count(b"\n")
            self._torn = not content[:written].endswith(b"\n") if written else self._torn
            self._write_error = str(error)
            raise

    def _sync(self):
        """Synchronise, while other threads may write."""
        with self._lock:
            pending, self._unsynced = self._unsynced, 0
            self._synced_at = time.monotonic()
        if pending:
            try:
                os.fsync(self._file)
            except OSError as error:
                with self._lock:
                    self._unsynced += pending
                    self._sync_error = str(error)
                raise
            self._sync_error = None


def _opened(path):
    try:
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OSError(
            f"path is expected to be a file that can be appended to, got {os.fspath(path)!r} "
            f"({error.strerror})."
        ) from error


def _ends_torn(file):
    """Whether the last line is not whole, as after a crash."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"
