"""Sums over rows on machines without scikit-learn, by plain arrays."""

from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc._cells.table import summarise
from sklearn_hrc._columns import Columns
from sklearn_hrc._experiment import Experiment
from sklearn_hrc._labels import find_labels
from sklearn_hrc._positions import positions_of_rows
from sklearn_hrc.large._checks import as_floats, check_batch
from sklearn_hrc.large._portable_arrays import from_bytes, to_bytes
from sklearn_hrc.large._portable_policy import loaded_policy
from sklearn_hrc.large._roles import Roles
from sklearn_hrc.large._rows import without_decimals
from sklearn_hrc.large._sums import Sums, merge_sums

__all__ = ["Cells", "PortableSumming"]


class Cells(NamedTuple):
    """How an allocator sums rows up.

    Attributes
    ----------
    treatments : ndarray of shape (n_treatments,)
        Labels of the arms.
    order : ndarray or None
        Order of labels that are not sorted.
    outcome_names : list of str
        Names of the outcomes.
    estimation : str
        How cells are estimated.
    prices : ndarray of shape (n_treatments,) or None
        Known prices of the arms.
    columns : Columns or None
        Layout of the columns after the cluster.
    direction : ndarray of shape (n_covariates,)
        Of the line on which members stand.
    """

    treatments: np.ndarray
    order: np.ndarray | None
    outcome_names: list
    estimation: str
    prices: np.ndarray | None
    columns: Columns | None
    direction: np.ndarray


class PortableSumming(NamedTuple):
    """How to sum rows up, as bytes and names.

    Attributes
    ----------
    roles : Roles
        What each column is.
    policy : bytes
        Fitted policy, from `dump_policy`.
    cells : Cells
        How its allocator sums rows up.
    """

    roles: Roles
    policy: bytes
    cells: Cells

    def start(self):
        """Return what is known before any row has been seen."""
        return None

    def add(self, sums, batch):
        """Return what is known after the rows of a batch."""
        if not batch.num_rows:
            return sums
        check_batch(batch, self.roles)
        Z, told_apart_by = loaded_policy(self.policy).matrix(without_decimals(batch))
        experiment = self._experiment(batch)
        cells = self.cells
        table = summarise(Z, experiment, cells.estimation, cells.prices, cells.columns)
        weight = experiment.sample_weight
        positions = positions_of_rows(Z[:, 0], told_apart_by, weight, cells.direction)
        return self.merge(sums, Sums(table, positions))

    def merge(self, first, second):
        """Return what is known of the rows of both."""
        return merge_sums(first, second, self.cells.order)

    def finish(self, sums):
        """Return the sums, for `adopt_sums` where the policy is."""
        return sums

    def dump(self, sums):
        """Return sums as bytes."""
        return to_bytes(None if sums is None else tuple(sums))

    def load(self, content):
        """Return sums from bytes."""
        sums = from_bytes(content)
        return None if sums is None else Sums(*sums)

    def _experiment(self, batch):
        cells, roles = self.cells, self.roles
        numbers: dict[str, Any] = {}
        for name, parameter in roles.numbers:
            values = as_floats(batch.column(name), name, parameter)
            numbers.setdefault(parameter, []).append(values)
        given = {parameter: values[0] for parameter, values in numbers.items()}
        return Experiment(
            np.column_stack(numbers["outcome"]),
            cells.outcome_names,
            self._arms(batch),
            cells.treatments,
            given.get("cost"),
            given.get("propensity"),
            given.get("sample_weight", np.ones(batch.num_rows)),
            cells.order,
        )

    def _arms(self, batch):
        """Place of the arm of each row among the arms of the policy."""
        name = self.roles.metadata["treatment"]
        labels = np.asarray(batch.column(name).to_pylist())
        arms = find_labels(labels, self.cells.treatments).astype(np.intp, copy=False)
        if (arms < 0).any():
            raise ValueError(
                f"treatment {name!r} is expected to hold {self.cells.treatments.tolist()}, as "
                f"before, got {labels[arms.argmin()].item()!r}; call again on a table that stays."
            )
        return arms
