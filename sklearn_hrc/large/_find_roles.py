"""Names of columns against the columns of a table."""

from collections.abc import Hashable, Sequence
from typing import Any

from sklearn_hrc.large._roles import Roles
from sklearn_hrc.tables._named_columns import as_names, missing_column

__all__ = ["check_there", "find_roles"]

# pandas writes an index without a name as a column that begins so.
_INDEX = "__index_level_"


def find_roles(columns: Sequence[str], wanted: dict[str, Any], metadata: dict[str, Any]) -> Roles:
    """Check names against the columns of a table.

    Parameters
    ----------
    columns : sequence of str
        Columns of the table.
    wanted : dict
        "outcome", "features", "ignore" and "key" as in `fit_large`: a name, several or None.
    metadata : dict of str
        Column of each array of `fit`.

    Returns
    -------
    roles : Roles
        All names are columns. `features` are all columns without another role if none are named,
        in the order of their names, since files may have them in any order.
    """
    named = {parameter: as_names(given, parameter) for parameter, given in wanted.items()}
    check_there(named | {parameter: [name] for parameter, name in metadata.items()}, columns)
    roles = Roles(named["outcome"], metadata, named["key"], named["features"])
    _check_apart(roles)
    if wanted["features"] is None:
        taken = {*roles.outcome, *metadata.values(), *roles.key, *named["ignore"]}
        names = sorted(name for name in columns if name not in taken)
        roles = roles._replace(features=[name for name in names if not name.startswith(_INDEX)])
    if not roles.features:
        raise ValueError(
            "features are expected to be one column at least, got none beside those of other roles."
        )
    return roles


def check_there(named: dict[str, list], columns: Sequence[str]) -> None:
    """Refuse names that are no columns. `named` has a list of names for each parameter."""
    for parameter, names in named.items():
        for name in names:
            if name not in columns:
                raise missing_column(name, columns, parameter)


def _check_apart(roles):
    """Refuse a column that is two of outcome, treatment, cost, ... or one of them and a feature."""
    taken: dict[Hashable, str] = {}
    for name, parameter in roles.named:
        if name in taken:
            raise ValueError(
                f"{parameter} is expected to name a column of its own, got {name!r}, which is "
                f"that of {taken[name]}."
            )
        taken[name] = parameter
    if not roles.outcome:
        raise ValueError("outcome is expected to name one column at least, got none.")
