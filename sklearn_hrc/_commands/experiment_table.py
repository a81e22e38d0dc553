"""The table of an experiment, by the columns that a command line or a manifest names."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sklearn_hrc.tables import Rows, rows_of
from sklearn_hrc.tables._reading import read_file

__all__ = ["Experiment", "read_experiment"]

_SINGLE = ("treatment", "cost", "groups", "propensity")
_SEVERAL = ("outcome", "ignore", "keep")


class Experiment(NamedTuple):
    """What was read.

    Attributes
    ----------
    path : Path
        File of the table.
    columns : dict
        Names of columns by parameter of `rows_of`.
    rows : Rows
        As `rows_of` gives them.
    ids : list of str
        Columns that look like ids, and are left out.
    """

    path: Path
    columns: dict[str, Any]
    rows: Rows
    ids: list[str]


def read_experiment(path: str, named: Mapping[str, Any], parameter: str) -> Experiment:
    """Read the table of an experiment.

    Parameters
    ----------
    path : str
        File of the table.
    named : mapping
        Names of columns by parameter of `rows_of`; further entries have no part in it.
    parameter : str
        What the command calls the file, for errors.

    Returns
    -------
    experiment : Experiment
        Rows that are equal to ``rows_of(path, ...)``.
    """
    frame, notes = read_file(path, parameter)
    columns: dict[str, Any] = {
        name: named.get(name) for name in _SINGLE if named.get(name) is not None
    }
    columns |= {name: list(named.get(name) or ()) for name in _SEVERAL}
    rows = rows_of(frame, **columns)
    reading = rows._reading._replace(notes=[*notes, *rows._reading.notes])
    rows = replace(rows, notes=(*notes, *rows.notes), _reading=reading)
    taken = {columns[name] for name in _SINGLE if name in columns}
    taken |= {*columns["outcome"], *columns["ignore"], *rows.X.columns}
    ids = [name for name in frame.columns if name not in taken]
    return Experiment(Path(path), columns, rows, ids)
