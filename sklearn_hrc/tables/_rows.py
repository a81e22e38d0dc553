"""The rows of an experiment as `fit` takes them, and what they say of themselves."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sklearn_hrc.tables._rows_report import Reading, reading_html, reading_text

if TYPE_CHECKING:
    from pandas import DataFrame, Series

__all__ = ["Rows"]


@dataclass(frozen=True, repr=False, eq=False)
class Rows:
    """The rows of an experiment, as `fit` takes them; made by `rows_of`.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
        Features as they are in the table, without columns that look like ids.
    y : Series of shape (n_rows,) or DataFrame of shape (n_rows, n_outcomes)
        Outcomes.
    metadata : dict of Series
        `treatment`, and what else was named of `cost`, `groups`, `propensity` and
        `sample_weight`.
    notes : tuple of str
        What was decided where the table is not plain, a sentence each.
    _reading : Reading
        Figures for `describe`.
    """

    X: "DataFrame"
    y: "Series | DataFrame"
    metadata: "dict[str, Series]"
    notes: tuple[str, ...]
    _reading: Reading = field(kw_only=True)

    def describe(self) -> str:
        """Say what was read.

        Returns
        -------
        text : str
            Arms, outcomes, missing values, whether the arms look as if drawn at random, what is
            enough, and the notes.
        """
        return reading_text(self._reading)

    def __repr__(self) -> str:
        """Say what was read, as `describe`."""
        return self.describe()

    def _repr_html_(self) -> str:
        """Show what was read in a notebook."""
        return reading_html(self._reading)
