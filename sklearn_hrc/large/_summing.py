"""Sums over all rows, from which an allocator makes its cells: a table of cells and positions."""

import warnings
from typing import Any, NamedTuple

from sklearn_hrc._allocator_rows import further_rows
from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.exceptions import ExpectedOutcomesWarning
from sklearn_hrc.large._roles import Roles
from sklearn_hrc.large._rows import rows_for_fit
from sklearn_hrc.large._sums import Sums, merge_sums

__all__ = ["Summing", "adopt_sums"]


class Summing(NamedTuple):
    """How to sum rows up.

    Attributes
    ----------
    roles : Roles
        What each column is.
    policy : estimator
        Policy that was fitted to a sample.
    """

    roles: Roles
    policy: Any

    def start(self):
        """Return what is known before any row has been seen."""
        return None

    def add(self, sums, batch):
        """Return what is known after the rows of a batch."""
        if not batch.num_rows:
            return sums
        return self.merge(sums, self._summarise(batch))

    def merge(self, first, second):
        """Return what is known of the rows of both."""
        allocator = unwrap_policy(self.policy)[1]._fitted_allocator
        return merge_sums(first, second, allocator._order)

    def finish(self, sums):
        """Return the sums, for `adopt_sums`."""
        return sums

    def _summarise(self, batch):
        steps, last = unwrap_policy(self.policy)
        allocator = last._fitted_allocator
        X, y, metadata = rows_for_fit(batch, self.roles)
        metadata.pop("groups", None)
        Z, told_apart_by = last._rows_to_sum(transform_through(steps, X))
        rows = (metadata.get(name) for name in ("treatment", "cost", "propensity", "sample_weight"))
        experiment = further_rows(allocator, len(Z), y, *rows)
        with warnings.catch_warnings():
            # The fit to the sample has looked at all of it. A batch of few rows is far by chance.
            warnings.simplefilter("ignore", ExpectedOutcomesWarning)
            table = allocator._summarise(Z, experiment)
        return Sums(table, allocator._place(Z, experiment, told_apart_by))


def adopt_sums(policy, sums):
    """Plan from sums of all rows in the place of those of the sample."""
    if sums is None:
        raise ValueError(
            "data is expected to give its rows each time it is read, got none the second time; "
            "pass a function that begins anew."
        )
    unwrap_policy(policy)[1]._fitted_allocator._take(sums.table, sums.positions)
    return policy
