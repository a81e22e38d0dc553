"""Rows in chunks, so that what is made of a chunk fits into memory or a cache."""

from collections.abc import Iterator

__all__ = ["chunks"]


def chunks(n_rows: int, size: int) -> Iterator[slice]:
    """Yield slices of `size` rows, the last of which may be shorter.

    Machines that only apply a policy have no scikit-learn, whose `gen_batches` does the same.
    """
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))
