"""Decisions as lines with a checksum, and back."""

import json
import math
import os
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc.serving._features import is_gap

__all__ = ["LoggedDecisions", "as_line", "as_record", "read_log"]

_CHECKSUM = 8  # hexadecimal digits of a CRC-32


def as_record(
    decision_id: str,
    row: Mapping[str, Any],
    given: tuple[Any, float, bool],
    budget: float,
    version: str,
    eligible: Iterable[Any] | None = None,
) -> dict[str, Any]:
    """Return a decision as JSON has it.

    Parameters
    ----------
    decision_id : str
        By what outcomes are joined.
    row : mapping
        Value of each feature by its name.
    given : tuple of label, float and bool
        Arm, its propensity, and whether it was drawn.
    budget : float
        Of the plan in use.
    version : str
        Of the policy.
    eligible : iterable of labels, default=None
        Arms that the individual might get. None: all, which the record does not say.

    Returns
    -------
    record : dict
        With the time of now.
    """
    arm, propensity, explored = given
    record = {
        "timestamp": datetime.now(UTC).isoformat(timespec="microseconds"),
        "decision_id": decision_id,
        "policy_version": version,
        "context": {name: _plain(value) for name, value in row.items()},
        "action": _plain(arm),
        "pscore": float(propensity),
        "explored": bool(explored),
        "budget": float(budget),
    }
    return record if eligible is None else record | {"eligible": [_plain(arm) for arm in eligible]}


def _plain(value):
    """Return a value as JSON has it: a date as text, a gap as null."""
    if is_gap(value):
        return None
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        value = value.item()
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def as_line(record: dict[str, Any]) -> bytes:
    """Return a record as a line with its checksum."""
    text = json.dumps(record, separators=(",", ":"), allow_nan=False).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


class LoggedDecisions(NamedTuple):
    """What a log holds.

    Parameters
    ----------
    records : list of dict
        Decisions in the order of the file.
    n_torn : int
        Lines that are not whole, and were passed over.
    """

    records: list[dict[str, Any]]
    n_torn: int


def read_log(path: str | os.PathLike) -> LoggedDecisions:
    """Read a log of decisions.

    A line whose checksum does not agree was torn by a crash or by a full disk. It is counted and
    passed over. A log may be read while it is written.

    Parameters
    ----------
    path : str or path-like
        File that a `DecisionLog` wrote.

    Returns
    -------
    logged : LoggedDecisions
        The records, and how many lines are torn.

    Raises
    ------
    OSError
        If the file cannot be read.

    See Also
    --------
    DecisionLog : Writes the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_hrc.serving import read_log
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "decisions.log"
    ...     _ = path.write_text('7b2f4c1d {"decision_id":"vis')
    ...     read_log(path)
    LoggedDecisions(records=[], n_torn=1)
    """
    with open(path, "rb") as file:
        return _sorted_out(file)


def _sorted_out(lines: Iterable[bytes]) -> LoggedDecisions:
    records, n_torn = [], 0
    for line in lines:
        text = line[_CHECKSUM + 1 : -1]
        if line.endswith(b"\n") and line[: _CHECKSUM + 1] == b"%08x " % zlib.crc32(text):
            records.append(json.loads(text))
        elif line != b"\n":
            n_torn += 1
    return LoggedDecisions(records, n_torn)
