"""Which columns are features, where the user names none: all others, but ids."""

from typing import Any

from sklearn_hrc._warning import warn
from sklearn_hrc.large._roles import Roles
from sklearn_hrc.large._rows import features_of, rows_for_fit
from sklearn_hrc.tables._column_kinds import convert
from sklearn_hrc.tables._rows_reading import leaks_of
from sklearn_hrc.tables._table_cleaner import look_at_columns

__all__ = ["without_ids"]

# Rows that are looked at. An id shows in far fewer.
LOOKED_AT = 50_000


def without_ids(sample: Any, roles: Roles) -> Roles:
    """Leave columns out that look like ids, and warn of those that may be leaks.

    Parameters
    ----------
    sample : Table of shape (n_rows, n_columns)
        Rows in random order.
    roles : Roles
        Its features are all columns without another role.

    Returns
    -------
    roles : Roles
        With features, one at least.

    Warns
    -----
    UserWarning
        If columns are left out, or may have been recorded after the treatment.
    """
    rows = sample.slice(0, LOOKED_AT)
    X = features_of(rows, roles.features)
    kinds, ids, _ = look_at_columns(X, ())
    if not kinds:
        raise ValueError(
            f"data is expected to have a column of features, got only what looks like ids: "
            f"{list(ids)}; name columns in features."
        )
    if ids:
        told = "; ".join(f"{name!r}, {reason}" for name, reason in ids.items())
        warn(
            f"Columns that look like ids were left out: {told}; name all columns that are "
            "features in features."
        )
    _warn_of_leaks(
        rows, {name: convert(X[name], kind, name) for name, kind in kinds.items()}, roles
    )
    return roles._replace(features=list(kinds))


def _warn_of_leaks(rows, columns, roles):
    y, metadata = rows_for_fit(rows, roles._replace(features=[]))[1:]
    given = {"outcome": roles.outcome, "keep": []}
    given |= {parameter: [name] for parameter, name in roles.metadata.items()}
    pandas = type(next(iter(columns.values())))
    series = {name: pandas(values) for name, values in metadata.items()}
    y = y.to_frame() if hasattr(y, "to_frame") else y
    leaks = leaks_of(columns, given, y, series)
    if leaks:
        told = "; ".join(f"{name!r}, {reason}" for name, reason in leaks.items())
        warn(
            f"features are expected to be known before the treatment, got {told}; leave out what "
            f"was not, by ignore={list(leaks)}."
        )
