"""What a terminal shows: results on stdout, progress and notes on stderr."""

import os
import sys
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

__all__ = ["WIDTH", "aligned", "note", "notes_of_warnings", "progress", "say", "wrapped"]

WIDTH = 80
# Letters of a label, by the number of columns that are labels.
_LETTERS = {1: 26, 2: 20}


def say(text: str = "") -> None:
    """Print a result at once."""
    _write(sys.stdout, text)


def progress(text: str) -> None:
    """Say what is being done."""
    _write(sys.stderr, text)


def note(text: str) -> None:
    """Say what the user should know, on one line."""
    _write(sys.stderr, f"note: {' '.join(text.split())}")


def _write(stream, text):
    """Write a line. A reader that has left, as `head` does, does not stop the work."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def notes_of_warnings() -> Iterator[None]:
    """Show each warning that is meant for the user once, as a note; others as Python does."""
    shown = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("default", RuntimeWarning)
        as_usual = warnings.showwarning

        def show(message, category, *where, **more):
            if not issubclass(category, UserWarning):
                as_usual(message, category, *where, **more)
            elif str(message) not in shown:
                shown.add(str(message))
                note(str(message))

        warnings.showwarning = show
        yield


def wrapped(sentences: Iterable[str]) -> str:
    """Return sentences as a list that fits a terminal."""
    return "\n".join(
        textwrap.fill(
            " ".join(sentence.split()),
            WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        for sentence in sentences
    )


def aligned(heads: Sequence[str], rows: Iterable[Sequence[str]], n_labels: int = 1) -> str:
    """Return a table for a terminal.

    Parameters
    ----------
    heads : sequence of str
        Name of each column.
    rows : iterable of sequence of str
        Cells.
    n_labels : int, default=1
        Columns from the left that are labels. Labels stand to the left, and long ones are cut in
        the middle. Numbers stand to the right.

    Returns
    -------
    text : str
        A line for the heads and for each row.
    """
    cells = [
        [*(_cut(cell, _LETTERS[n_labels]) for cell in row[:n_labels]), *row[n_labels:]]
        for row in (heads, *rows)
    ]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = []
    for row in cells:
        placed = [cell.ljust(width) for cell, width in zip(row[:n_labels], widths)]
        placed += [cell.rjust(width) for cell, width in zip(row[n_labels:], widths[n_labels:])]
        lines.append("  ".join(placed).rstrip())
    return "\n".join(lines)


def _cut(text, most):
    text = " ".join(text.split())
    half = most // 2
    return text if len(text) <= most else f"{text[: half - 1]}...{text[-(half - 2) :]}"
