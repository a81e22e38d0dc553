"""Take features, outcomes and what else a row has out of a table, and sum them up."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc._labels import check_labels, check_treatments, find_labels, label_order
from sklearn_hrc._plain_numbers import codes_of, plain_numbers
from sklearn_hrc._warning import warn
from sklearn_hrc.tables._column_kinds import Kind, convert
from sklearn_hrc.tables._column_leaks import find_leaks
from sklearn_hrc.tables._frames import import_extra
from sklearn_hrc.tables._named_columns import (
    read_arm,
    read_cost,
    read_groups,
    read_numeric,
    read_probability,
    read_weight,
)
from sklearn_hrc.tables._rows_report import Reading, smallest_differences, summarise
from sklearn_hrc.tables._table_cleaner import look_at_columns

__all__ = ["Features", "leaks_of", "read_features", "read_roles", "sum_up"]

# The randomisation check looks at this many rows and columns at most, so that it takes seconds.
_CHECKED_ROWS = 10_000
_CHECKED_COLUMNS = 200
_PERMUTATIONS = 199


class Features(NamedTuple):
    """Features of a table.

    Attributes
    ----------
    X : DataFrame of shape (n_rows, n_features)
        As they are in the table.
    columns : dict of Series
        As numbers, dates and text.
    kinds : dict of Kind
        What each holds.
    notes : list of str
        What was decided, a sentence each.
    """

    X: Any
    columns: dict[Any, Any]
    kinds: dict[Any, Kind]
    notes: list[str]


def read_roles(frame: Any, roles: dict[str, list]) -> tuple[Any, dict[str, Any], list[str]]:
    """Return outcomes, arrays of rows and notes, by the names of columns.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The table.
    roles : dict of list
        Names of columns by parameter.

    Returns
    -------
    y : DataFrame of shape (n_rows, n_outcomes)
        Outcomes.
    metadata : dict of Series
        Treatment, cost, ...
    notes : list of str
        How text was read.
    """
    pandas = import_extra("pandas", "rows_of")
    arm = read_arm(frame[roles["treatment"][0]])
    notes = _alike(arm)
    outcomes = {}
    for name in roles["outcome"]:
        outcomes[name], told = read_numeric(frame[name], "outcome")
        notes += told
    metadata = {"treatment": arm}
    readers = {
        "cost": lambda values: read_cost(values, arm),
        "groups": lambda values: (read_groups(values), []),
        "propensity": read_probability,
        "sample_weight": read_weight,
    }
    for parameter, reader in readers.items():
        if parameter in roles:
            (name,) = roles[parameter]
            values, told = reader(frame[name])
            metadata[parameter] = pandas.Series(values, index=frame.index, name=name)
            notes += told
    return pandas.DataFrame(outcomes, index=frame.index), metadata, notes


def _alike(arm):
    """Note arms whose labels differ by spaces or capitals only."""
    labels = Counter(str(label).strip().casefold() for label in arm.unique())
    twice = [label for label, count in labels.items() if count > 1]
    if not twice:
        return []
    return [
        f"Several arms are called {twice[0]!r} but for capitals and spaces; make them one if they "
        "are one."
    ]


def read_features(frame: Any, roles: dict[str, list], y: Any, metadata: dict[str, Any]) -> Features:
    """Return the features of a table: all columns without another role, but ids.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The table.
    roles : dict of list
        Names of columns by parameter.
    y : DataFrame of shape (n_rows, n_outcomes)
        Outcomes.
    metadata : dict of Series
        Treatment, cost, ...

    Returns
    -------
    features : Features
        With notes of ids and leaks. Leaks are warned of, too.
    """
    named = {name for role, names in roles.items() if role != "keep" for name in names}
    X = frame[[name for name in frame.columns if name not in named]]
    kinds, ids, notes = look_at_columns(X, roles["keep"])
    told = [
        f"{name!r} looks like an id ({reason}) and was left out; keep it by keep=[{name!r}] if it "
        "is a feature."
        for name, reason in ids.items()
    ]
    if not kinds:
        raise ValueError(
            "frame is expected to have a column of features beside those that are named, got none"
            f"{' but ids' if ids else ''}."
        )
    columns = {name: convert(X[name], kind, str(name)) for name, kind in kinds.items()}
    empty = [name for name, values in columns.items() if values.isna().all()]
    told += [f"{name!r} is empty in all rows; it says nothing." for name in empty]
    leaks = _notes_of_leaks(leaks_of(columns, roles, y, metadata))
    return Features(X[list(kinds)], columns, kinds, [*leaks, *told, *notes])


def leaks_of(
    columns: dict[Any, Any], roles: dict[str, list], y: Any, metadata: dict[str, Any]
) -> dict[Any, str]:
    """Find features that may have been recorded after the treatment.

    Parameters
    ----------
    columns : dict of Series
        Features as numbers, dates and text.
    roles : dict of list
        Names of columns by parameter.
    y : DataFrame of shape (n_rows, n_outcomes)
        Outcomes.
    metadata : dict of Series
        Treatment, cost, ...

    Returns
    -------
    leaks : dict of str
        Why, by the name of the feature.
    """
    outcomes = {name: y[name].to_numpy() for name in y}
    if "cost" in metadata:
        outcomes[roles["cost"][0]] = metadata["cost"].to_numpy()
    codes = {
        name: codes_of(values)
        for name, values in columns.items()
        if name not in roles["keep"] and not values.isna().all()
    }
    arm = metadata["treatment"].astype(object).map(str).factorize()[0]
    unit = metadata["groups"].factorize()[0] if "groups" in metadata else None
    return find_leaks(
        *(codes, arm, outcomes, [*outcomes, *roles["treatment"]]),
        unit=unit,
        one_draw="propensity" not in metadata,
    )


def _notes_of_leaks(leaks):
    """Warn of leaks, and return a note of each."""
    if leaks:
        told = "; ".join(f"{name!r}, {reason}" for name, reason in leaks.items())
        names = list(leaks)
        warn(
            f"features are expected to be known before the treatment, got {told}; leave out what "
            f"was not, by ignore={names}, and name the others in keep."
        )
    return [
        f"{name!r} may have been recorded after the treatment ({reason}); leave it out by "
        f"ignore=[{name!r}], or keep it by keep=[{name!r}] if it was known before."
        for name, reason in leaks.items()
    ]


def sum_up(features: Features, y: Any, metadata: dict[str, Any], notes: list[str]) -> Reading:
    """Return the figures of the rows that were read.

    Parameters
    ----------
    features : Features
        From `read_features`.
    y : DataFrame of shape (n_rows, n_outcomes)
        Outcomes.
    metadata : dict of Series
        Treatment, cost, ...
    notes : list of str
        All notes.

    Returns
    -------
    reading : Reading
        Figures.
    """
    treatment, cost = metadata["treatment"], metadata.get("cost")
    labels = check_labels(treatment, len(treatment))
    treatments = check_treatments(labels, None, 2, label_order(treatment))
    arm = find_labels(labels, treatments)
    groups = metadata.get("groups")
    unit = None if groups is None else groups.factorize()[0]
    finds = smallest_differences(y.iloc[:, 0].to_numpy(), arm, len(treatments), unit)
    arms = [
        (
            label,
            int(mine.sum()),
            None if cost is None else float(cost.to_numpy()[mine].mean()),
            least,
        )
        for k, (label, least) in enumerate(zip(treatments.tolist(), finds))
        for mine in [arm == k]
    ]
    outcomes = [(name, *summarise(y[name])) for name in y]
    if cost is not None:
        outcomes.append((cost.name, *summarise(cost)))
    missing = {name: float(values.isna().mean()) for name, values in features.columns.items()}
    counts = Counter(kind.name for kind in features.kinds.values())
    return Reading(
        n_rows=len(treatment),
        arms=arms,
        outcomes=outcomes,
        kinds={name: counts[name] for name in ("number", "date", "category")},
        missing=sorted(
            ((name, share) for name, share in missing.items() if share), key=lambda pair: -pair[1]
        ),
        randomisation=_randomisation(features, metadata),
        notes=notes,
    )


def _randomisation(features, metadata):
    """Say whether the features tell the arm, on a sample of the rows."""
    # Here, as metrics import all that policies need.
    from sklearn_hrc.metrics import check_randomisation

    pandas = import_extra("pandas", "rows_of")
    numbers = plain_numbers(features.columns)
    if not numbers:
        return "Not checked, since no feature has values."
    names = list(numbers)[:_CHECKED_COLUMNS]
    X = pandas.DataFrame({name: numbers[name] for name in names})
    rows = np.sort(np.random.default_rng(0).permutation(len(X))[:_CHECKED_ROWS])
    given = {
        name: metadata[name].iloc[rows].to_numpy()
        for name in ("treatment", "propensity", "groups")
        if name in metadata
    }
    try:
        check = check_randomisation(
            X.iloc[rows], n_permutations=_PERMUTATIONS, random_state=0, **given
        )
    except (ValueError, np.linalg.LinAlgError) as error:
        return f"Not checked: {' '.join(str(error).split())}"
    sample = f" Checked on {len(rows):,} of the rows." if len(rows) < len(X) else ""
    return check.conclusion + sample
