"""One pass over a table, batch by batch."""

import time
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

from sklearn_hrc.large._checkpoint import Checkpoint, Place
from sklearn_hrc.large._checks import check_part, located
from sklearn_hrc.large._source import Source, read_part

__all__ = ["read_batches", "run_pass"]

# Seconds between two checkpoints. To write one takes far less.
SAVED_EVERY = 60.0
START = Place()


def run_pass(
    source: Source, verb: Any, names: list, title: str, checkpoint: Checkpoint, *, verbose: int = 0
) -> Any:
    """Add all rows of a table up.

    Parameters
    ----------
    source : Source
        The table.
    verb : Sampling or Summing
        How rows are added up: it has `start`, `add` and `finish`.
    names : list of str
        Columns to read.
    title : str
        Name of the pass.
    checkpoint : Checkpoint
        Where the pass goes on, and where it is saved now and then.
    verbose : int, default=0
        1 shows a progress bar over the rows.

    Returns
    -------
    result : Any
        What `finish` of the verb returns.
    """
    n_parts = len(source.parts)
    done = checkpoint.load(title, (START, verb.start()))
    if not source.has_order and done[0].part < n_parts:
        # Where rows may come in another order, those that have been read cannot be told.
        done = (START, verb.start())
    saved = time.monotonic()
    try:
        for place, batch in read_batches(source, names, done[0], title=title, verbose=verbose):
            with located(source.parts[place.part], place, batch.num_rows):
                # Both change at once, so an interrupt finds a state that fits its place.
                done = (place, verb.add(done[1], batch))
            if time.monotonic() - saved > SAVED_EVERY:
                checkpoint.save(title, done)
                saved = time.monotonic()
    except KeyboardInterrupt:
        checkpoint.save(title, done)
        raise
    done = (done[0]._replace(part=n_parts, row=0), done[1])
    checkpoint.save(title, done)
    return verb.finish(done[1])


def read_batches(
    source: Source, names: list, since: Place = START, *, title: str = "rows", verbose: int = 0
) -> Iterator[tuple[Place, Any]]:
    """Read a table from a place on.

    Parameters
    ----------
    source : Source
        The table.
    names : list of str
        Columns to read.
    since : Place, default=START
        Where to begin.
    title : str, default="rows"
        Stands before the progress bar.
    verbose : int, default=0
        1 shows it.

    Yields
    ------
    place : Place
        The end of the batch.
    batch : RecordBatch
        Rows, one at least.
    """
    n_rows = since.n_rows
    for part in source.parts[since.part :]:
        check_part(part, source.schema, names)
    with tqdm(
        total=source.n_rows, initial=n_rows, desc=title, unit=" rows", disable=not verbose
    ) as bar:
        for number, part in enumerate(source.parts[since.part :], since.part):
            start, read = 0, since.row if number == since.part else 0
            for batch in read_part(part, names):
                end = start + batch.num_rows
                if end > max(start, read):
                    # Batches may end elsewhere than in the run that was interrupted.
                    fresh = batch.slice(max(read - start, 0))
                    n_rows += fresh.num_rows
                    yield Place(number, end, n_rows), fresh
                    bar.update(fresh.num_rows)
                start = end
