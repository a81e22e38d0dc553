"""A random sample of rows, stratified by arm, that does not depend on how a table is divided.

Each row has a number of 64 bits (`_hashes.py`). The sample has the rows of each arm with the
smallest numbers, as many as the share of the arm in the table says. While rows are read, nobody
knows these shares yet. So all rows are kept whose number is below a limit that falls as rows come
in, with some to spare. Of every arm the first ones are kept whatever the limit, as a rare arm has
few rows below it.

Rows that share a key have the same number, and are drawn together or not at all. Where so many
share one that they cannot be held, those are kept whose columns together have the smallest numbers.
"""

import json
from typing import NamedTuple

import numpy as np

from sklearn_hrc._extras import import_from_extra
from sklearn_hrc._warning import warn
from sklearn_hrc.exceptions import SharedKeyWarning
from sklearn_hrc.large._checks import check_batch, check_key
from sklearn_hrc.large._hashes import row_numbers
from sklearn_hrc.large._roles import Roles
from sklearn_hrc.large._rows import without_categories

__all__ = ["Kept", "Sampling"]

# Rows below the limit, as a share of the sample: spare rows, since shares of arms vary by chance.
SPARE = 1.2
# So many rows of every arm are kept whatever the limit. With more rows in the sample than these,
# the share of an arm below the limit varies by less than a sixth of what is to spare.
LEAST_ROWS = 1000
# A number that more than this share of an arm's sample has in common stands for rows that are
# alike. They are drawn together or not at all.
MOST_ALIKE = 0.01
_NUMBER, _ORDER, _KNOWN = "__number__", "__order__", b"known"


class Kept(NamedTuple):
    """Rows that may be in the sample.

    Attributes
    ----------
    counts : dict of int
        Rows that were seen of each arm.
    rows : list of Table
        Kept rows, with their numbers in two more columns.
    limit : float
        Rows with larger numbers were left out,
    floors : dict of float
        unless their number is at most that of their arm.
    """

    counts: dict
    rows: list
    limit: float
    floors: dict


class Sampling(NamedTuple):
    """How to draw a sample.

    Attributes
    ----------
    roles : Roles
        What each column is.
    size : int
        Rows of the sample, about.
    seed : int
        Another seed draws another sample.
    n_rows : int or None
        Rows of the whole table, if they are known: then a part of it keeps few rows.
    """

    roles: Roles
    size: int
    seed: int
    n_rows: int | None = None

    def start(self):
        """Return what is kept before any row has been seen."""
        return Kept({}, [], np.inf, {})

    def add(self, kept, batch):
        """Return what is kept after the rows of a batch."""
        check_batch(batch, self.roles)
        check_key(batch, self._told_apart_by())
        pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
        rows = without_categories(pa.Table.from_batches([batch]))
        number = row_numbers(rows, self._told_apart_by() or self.roles.columns, self.seed)
        labels, arm = self._arms(rows)
        seen = dict(zip(labels, np.bincount(arm, minlength=len(labels)).tolist()))
        counts = _sums(kept.counts, seen)
        most = np.array([max(kept.limit, kept.floors.get(label, np.inf)) for label in labels])
        near = number <= most[arm]
        rows = rows.filter(pa.array(near))
        alike = row_numbers(rows, self.roles.columns, self.seed)
        rows = rows.append_column(_NUMBER, pa.array(number[near]))
        rows = rows.append_column(_ORDER, pa.array(alike))
        return self._shrunken(kept._replace(counts=counts, rows=[*kept.rows, rows]))

    def merge(self, first, second):
        """Return what is kept of the rows of both."""
        counts = _sums(first.counts, second.counts)
        rows = [*first.rows, *second.rows]
        # Without a floor, all rows of an arm are there.
        floors = {
            label: min(first.floors.get(label, np.inf), second.floors.get(label, np.inf))
            for label in counts
        }
        return self._shrunken(Kept(counts, rows, min(first.limit, second.limit), floors))

    def finish(self, kept):
        """Return the sample as a table of Arrow, in an order that depends on its rows alone."""
        pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
        if not kept.counts:
            raise ValueError("data is expected to hold rows, got none.")
        # Which rows are left depends on the last limit alone, and not on when rows came.
        (rows,) = self._cut(kept).rows
        number, order = (rows.column(name).to_numpy() for name in (_NUMBER, _ORDER))
        labels, arm = self._arms(rows)
        n_rows = sum(kept.counts.values())
        chosen, are_shared = [], []
        for place, label in enumerate(labels):
            mine = np.flatnonzero(arm == place)
            quota = round(min(self.size / n_rows, 1.0) * kept.counts[label])
            n_drawn, is_shared = self._drawn(number[mine], quota, label)
            chosen.append(mine[_first(number[mine], order[mine], n_drawn)])
            are_shared.append(is_shared)
        found = np.concatenate(chosen)
        self._warn_of_shared_keys(len(found), min(self.size, n_rows), any(are_shared))
        found = found[np.lexsort((order[found], number[found]))]
        return rows.drop_columns([_NUMBER, _ORDER]).take(pa.array(found)).combine_chunks()

    def dump(self, kept):
        """Return what is kept as bytes, without rows that are known to be too many."""
        pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
        kept = self._cut(kept) if kept.rows else kept
        counts, floors = (list(known.items()) for known in (kept.counts, kept.floors))
        known = json.dumps({"counts": counts, "limit": kept.limit, "floors": floors})
        if not kept.rows:
            return known.encode()
        rows = pa.concat_tables(kept.rows).replace_schema_metadata({_KNOWN: known})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        return sink.getvalue().to_pybytes()

    def load(self, content):
        """Return what was kept from bytes."""
        pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
        rows = []
        if content[:1] == b"{":
            known = json.loads(content)
        else:
            table = pa.ipc.open_stream(content).read_all()
            known = json.loads(table.schema.metadata[_KNOWN])
            rows = [table.replace_schema_metadata(None)]
        return Kept(dict(known["counts"]), rows, known["limit"], dict(known["floors"]))

    def _told_apart_by(self):
        """Columns by which rows are drawn: those of a group together."""
        groups = self.roles.metadata.get("groups")
        return self.roles.key if groups is None else [groups]

    def _arms(self, rows):
        """Labels of the arms of some rows, and the place of the arm of each row among them."""
        encoded = rows.column(self.roles.metadata["treatment"]).combine_chunks().dictionary_encode()
        return encoded.dictionary.to_pylist(), encoded.indices.to_numpy()

    def _drawn(self, number, quota, label):
        """How many rows of an arm are drawn, and whether too many of them have one number."""
        if quota >= len(number):
            return len(number), False
        counts = np.unique(number, return_counts=True)[1]
        if counts.max() > max(MOST_ALIKE * quota, 1) and not self._told_apart_by():
            warn(
                f"Rows are expected to differ, got {counts.max():,} that are alike among those of "
                f"{label!r}, which are drawn together or not at all; name a column that tells "
                "individuals apart in key."
            )
        most, upto = max(quota, LEAST_ROWS), np.cumsum(counts)
        # Each arm is in the sample, so the first ones are, too, or some of them.
        whole = np.searchsorted(upto, quota, side="right")
        return upto[whole - 1] if whole else min(upto[0], most), counts.max() > most

    def _warn_of_shared_keys(self, n_drawn, n_wanted, are_shared):
        names = self._told_apart_by()
        if names and (are_shared or n_drawn < n_wanted / 2):
            warn(
                f"sample is expected to have about {n_wanted:,} rows with many values of {names}, "
                f"got {n_drawn:,} rows, as a value is shared by too many; name columns that tell "
                "more rows apart, or take a larger sample.",
                SharedKeyWarning,
            )

    def _shrunken(self, kept):
        """Leave rows out once there are too many."""
        n_kept = sum(rows.num_rows for rows in kept.rows)
        seen = sum(kept.counts.values())
        share = seen / max(seen, self.n_rows or 1)
        most = 1.25 * SPARE * self.size * share + LEAST_ROWS * (len(kept.counts) + 1)
        if np.isfinite(kept.limit) and kept.rows[0].num_rows > most:
            # The last cut left too many, as rows share a number, so the next one waits for more.
            most = 1.25 * kept.rows[0].num_rows
        return kept if n_kept <= most else self._cut(kept)

    def _cut(self, kept):
        """Lower the limit to what the rows that were seen allow."""
        pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
        n_rows = max(sum(kept.counts.values()), self.n_rows or 1)
        limit = min(kept.limit, SPARE * self.size / n_rows * 2.0**64)
        rows = pa.concat_tables(kept.rows)
        number, order = (rows.column(name).to_numpy() for name in (_NUMBER, _ORDER))
        labels, arm = self._arms(rows)
        floors, left = {}, np.zeros(len(number), dtype=bool)
        for place, label in enumerate(labels):
            mine = np.flatnonzero(arm == place)
            floor = np.inf
            if len(mine) > LEAST_ROWS:
                floor = float(np.partition(number[mine], LEAST_ROWS)[LEAST_ROWS])
            floors[label] = min(floor, kept.floors.get(label, np.inf))
            mine = mine[number[mine] <= max(limit, floors[label])]
            # One row more than an arm can have in the sample tells that its number has to stay out.
            left[mine[_first(number[mine], order[mine], max(self.size, LEAST_ROWS) + 1)]] = True
        rows = rows.filter(pa.array(left)).combine_chunks()
        return kept._replace(rows=[rows], limit=limit, floors=floors)


def _first(number, order, n_rows):
    """Places of the rows with the smallest numbers. Their order tells those of one number apart."""
    if n_rows >= len(number):
        return np.arange(len(number))
    return np.lexsort((order, number))[:n_rows]


def _sums(first, second):
    """Counts of both, label by label."""
    labels = dict.fromkeys([*first, *second])
    return {label: first.get(label, 0) + second.get(label, 0) for label in labels}
