"""What an allocator needs to know of rows: sums that merge, and do not grow with the rows."""

from typing import NamedTuple

from sklearn_hrc._cells.table import CellTable, merge_tables
from sklearn_hrc._positions import Positions, merge_positions

__all__ = ["Sums", "merge_sums"]


class Sums(NamedTuple):
    """What is known of rows.

    Attributes
    ----------
    table : CellTable
        Sums by cluster and arm.
    positions : Positions
        Where the members of each cluster stand.
    """

    table: CellTable
    positions: Positions


def merge_sums(first, second, order=None):
    """Return what is known of the rows of both. Either may be None: of no rows.

    Arms are sorted, or stand as in an order of their labels.
    """
    if first is None or second is None:
        return second if first is None else first
    return Sums(
        merge_tables(first.table, second.table, order),
        merge_positions(first.positions, second.positions),
    )
