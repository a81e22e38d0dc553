"""The columns of a table that are named: outcomes, arm, cost and what else a row has."""

import difflib
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from sklearn_hrc._experiment import check_propensity, check_sample_weight
from sklearn_hrc.tables._column_kinds import numbers_of_text, text_of
from sklearn_hrc.tables._text_values import is_missing_text

__all__ = [
    "as_names",
    "check_names",
    "missing_column",
    "missing_features",
    "read_arm",
    "read_cost",
    "read_groups",
    "read_numeric",
    "read_probability",
    "read_weight",
]


_MOST_ARMS = 0.2  # as a share of the rows


def as_names(given: Any, parameter: str) -> list[Hashable]:
    """Return one name or several as a list without repetition."""
    if given is None:
        return []
    if isinstance(given, str) or not isinstance(given, Iterable):
        return [given]
    names = list(given)
    if len(set(names)) < len(names):
        raise ValueError(f"{parameter} is expected to name every column once, got {names}.")
    return names


def check_names(frame: Any, roles: dict[str, list[Hashable]]) -> None:
    """Check that named columns are there, and that none has two roles."""
    _check_divided(frame)
    taken: dict[Hashable, str] = {}
    for parameter, names in roles.items():
        for name in names:
            if name not in frame.columns:
                raise missing_column(name, frame.columns, parameter)
            if parameter in ("ignore", "keep"):
                continue
            if name in taken:
                raise ValueError(
                    f"{parameter} is expected to name a column of its own, got {name!r}, which is "
                    f"that of {taken[name]}."
                )
            taken[name] = parameter


def missing_column(name: Hashable, columns: Iterable[Hashable], parameter: str) -> ValueError:
    """Return the error for a column that is not there, with the nearest names."""
    return ValueError(
        f"{parameter} is expected to name a column of the table, got {name!r}; "
        f"{_nearest(name, columns)}."
    )


def missing_features(names: list[Hashable], columns: Iterable[Hashable]) -> ValueError:
    """Return the error for a list without columns of the experiment, with the nearest names."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    told = ", ".join(map(repr, names[:5])) + more
    return ValueError(
        f"X is expected to have the columns of the experiment, got none called {told}; "
        f"{_nearest(names[0], columns)}; a column that a list cannot have is no feature, so name "
        "it in ignore of rows_of."
    )


def _nearest(name, columns):
    texts = [str(column) for column in columns]
    lower = {text.lower(): text for text in reversed(texts)}
    near = difflib.get_close_matches(str(name).lower(), list(lower), n=3, cutoff=0.6)
    if near:
        names = ", ".join(repr(lower[text]) for text in near)
        return f"the nearest {'name is' if len(near) == 1 else 'names are'} {names}"
    more = f" and {len(texts) - 8} more" if len(texts) > 8 else ""
    return "the columns are " + ", ".join(map(repr, texts[:8])) + more


def _check_divided(frame):
    """Refuse a table of one column whose name holds the delimiter of several."""
    if len(frame.columns) == 1:
        name = str(frame.columns[0])
        delimiter = next((mark for mark in ";\t|," if mark in name), None)
        if delimiter is not None:
            raise ValueError(
                f"frame is expected to have several columns, got one that is called {name[:60]!r}; "
                f"read the file with pandas.read_csv(path, sep={delimiter!r})."
            )
    if not len(frame):
        raise ValueError("frame is expected to hold rows, got none.")


def read_numeric(values: Any, parameter: str) -> tuple[np.ndarray, list[str]]:
    """Return a column as finite numbers.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        The column.
    parameter : str
        What it is: "outcome", "cost", ...

    Returns
    -------
    numbers : ndarray of shape (n_rows,), float64
        Its numbers.
    notes : list of str
        How its text was read.
    """
    numbers, notes = _numbers(values, parameter)
    if (bad := ~np.isfinite(numbers)).any():
        raise ValueError(
            f"{parameter} {values.name!r} is expected to have a number in every row, got none in "
            f"{_rows(bad)}; fill them where a value is known, or leave these rows out."
        )
    return numbers, notes


def _numbers(values, parameter):
    """Return numbers, NaN where they are missing, or refuse what is no number."""
    label = values.name
    kind = getattr(values.dtype, "kind", "O")
    if getattr(values.dtype, "ordered", None) is None and kind in "biuf":
        return values.to_numpy(dtype=np.float64, na_value=np.nan), []
    if kind in "mM":
        raise ValueError(
            f"{parameter} {label!r} is expected to hold numbers, got dates or times; turn them "
            "into numbers, such as days."
        )
    codes, texts, raw = text_of(values, label)
    if all(isinstance(value, bool | np.bool_) for value in raw):
        return np.append(raw.astype(np.float64), np.nan)[codes], []
    numbers, style = numbers_of_text(values, label)
    given = np.append([not is_missing_text(text) for text in texts], False).astype(bool)[codes]
    if (unread := given & np.isnan(numbers)).any():
        raise ValueError(
            f"{parameter} {label!r} is expected to hold numbers, got "
            f"{texts[codes[np.argmax(unread)]][:40]!r} in {_rows(unread)}; turn it into numbers."
        )
    if style == "unclear":
        example = next(text for text in texts if "," in text)
        raise ValueError(
            f"{parameter} {label!r} is expected to hold numbers, got text such as {example!r}, "
            "whose comma may stand for decimals or thousands; turn it into numbers."
        )
    notes = {
        "comma": [f"Text in {label!r} was read as numbers with a decimal comma."],
        "thousands": [f"Text in {label!r} was read as numbers with commas between thousands."],
    }
    return numbers, notes.get(style, [])


def read_arm(values: Any) -> Any:
    """Return the column of arms, which has two arms at least and none missing."""
    label = values.name
    codes, texts, _ = text_of(values, label)
    missing = np.append([not text for text in texts], True)[codes]
    if missing.any():
        raise ValueError(
            f"treatment {label!r} is expected to hold an arm in every row, got none in "
            f"{_rows(missing)}; if an empty cell means control, give control a name, as by "
            f"frame[{label!r}].fillna('none')."
        )
    if len(texts) < 2:
        raise ValueError(
            f"treatment {label!r} is expected to hold at least two arms, got only {texts[0]!r}; an "
            "experiment has rows without treatment, too."
        )
    if len(texts) > max(10, _MOST_ARMS * len(values)):
        raise ValueError(
            f"treatment {label!r} is expected to hold a few arms, got {len(texts):,} different "
            f"values in {len(values):,} rows; name the column that says what each row received."
        )
    if getattr(values.dtype, "ordered", None) is not None or values.dtype.kind in "biu":
        return values
    if values.dtype.kind == "f":
        whole = (values == values.round()).all()
        return values.astype("int64") if whole else values
    return values.astype(object)


def read_cost(values: Any, arm: Any) -> tuple[np.ndarray, list[str]]:
    """Return costs. An arm whose cost is missing in all its rows, and no other arm is, is free."""
    label = values.name
    cost, notes = _numbers(values, "cost")
    missing = np.isnan(cost)
    if missing.all():
        raise ValueError(
            f"cost {label!r} is expected to hold what the received arm cost, got no number in "
            "any row; give 0 where an arm costs nothing, or leave cost out and give arm_cost."
        )
    if missing.any():
        free = _arm_without_cost(cost, arm)
        if free is None:
            raise ValueError(
                f"cost {label!r} is expected to have a number in every row, got none in "
                f"{_rows(missing)}; give 0 where nothing was charged, as by "
                f"frame[{label!r}].fillna(0)."
            )
        _check_costs_beside(cost, arm.to_numpy() == free, free, label)
        notes.append(f"The cost of {free!r} was empty in all its rows; it was taken as 0.")
        cost = np.where(missing, 0.0, cost)
    if (negative := cost < 0).any():
        notes.append(
            f"The cost {label!r} is negative in {_rows(negative)}; check that a cost is meant, and "
            "no refund or change of a balance."
        )
    if np.isinf(cost).any():
        raise ValueError(f"cost {label!r} is expected to be finite, got infinity.")
    return cost, notes


def _arm_without_cost(cost, arm):
    """Return the only arm without costs of 0 or more if no other arm has zeros only, or None."""
    arms = arm.to_numpy()
    paid = {label: cost[arms == label] for label in set(arms.tolist())}
    without = [label for label, costs in paid.items() if not (costs >= 0).any()]
    if len(without) != 1 or not np.isnan(paid[without[0]]).any():
        return None
    (only,) = without
    others = [costs for label, costs in paid.items() if label != only]
    return None if any((costs[~np.isnan(costs)] == 0).all() for costs in others) else only


def _check_costs_beside(cost, is_free, free, label):
    """Refuse gaps beside those of the arm without costs, and negative costs of this arm."""
    if (negative := is_free & (cost < 0)).any():
        raise ValueError(
            f"cost {label!r} is expected to be empty in all rows of {free!r} or in none, got "
            f"{cost[np.argmax(negative)]:g} in {_rows(negative)} and nothing in the others; "
            "correct the negative cost, or leave these rows out."
        )
    if (gaps := ~is_free & np.isnan(cost)).any():
        raise ValueError(
            f"cost {label!r} is expected to have a number in every row but those of {free!r}, got "
            f"none in {_rows(gaps)}; give their cost, or leave these rows out."
        )


def read_groups(values: Any) -> Any:
    """Return the column of groups, which has a label in every row."""
    missing = values.isna().to_numpy()
    if missing.any():
        raise ValueError(
            f"groups {values.name!r} is expected to hold a label in every row, got none in "
            f"{_rows(missing)}; give a row that stands alone a label of its own."
        )
    return values if values.dtype.kind in "biu" else values.astype(object).map(str)


def read_probability(values: Any) -> tuple[np.ndarray, list[str]]:
    """Return the probabilities of the received arms."""
    numbers, notes = read_numeric(values, "propensity")
    return check_propensity(numbers, len(numbers)), notes


def read_weight(values: Any) -> tuple[np.ndarray, list[str]]:
    """Return the weights of the rows."""
    numbers, notes = read_numeric(values, "sample_weight")
    return check_sample_weight(numbers, len(numbers)), notes


def _rows(mask):
    """Say how many rows, and which ones come first."""
    places = np.flatnonzero(mask)
    first = ", ".join(map(str, places[:5].tolist()))
    if len(places) == 1:
        return f"row {first}"
    more = ", ..." if len(places) > 5 else ""
    return f"{len(places):,} rows ({first}{more})"
