"""Rows of a request against the features of the policy."""

from typing import Any

import numpy as np
from errors import RequestError

from sklearn_hrc.serving import Decisions, FeatureError, ServedPolicy

__all__ = ["decided", "row_schema"]


def decided(
    policy: ServedPolicy, rows: list[dict[str, Any]], eligible: list[Any] | None, max_rows: int
) -> Decisions:
    """Check rows and decide for them, by one plan.

    Parameters
    ----------
    policy : ServedPolicy
        In use.
    rows : list of dict
        Value of each feature by its name.
    eligible : list of labels or None
        Treatments that these individuals may get. None: all.
    max_rows : int
        Most rows.

    Returns
    -------
    decisions : Decisions
        One for each row.

    Raises
    ------
    RequestError
        With the field that is wrong.
    """
    if not 0 < len(rows) <= max_rows:
        raise RequestError(
            422, f"rows is expected to hold 1 to {max_rows} rows, got {len(rows)}.", "rows"
        )
    names = {feature.name for feature in policy.features}
    for place, row in enumerate(rows):
        _check_values(place, row, names)
    try:
        return policy.decide(rows, eligible=_masks(eligible, policy.treatments, len(rows)))
    except FeatureError as error:
        raise RequestError(422, str(error), error.feature) from error


def _check_values(place, row, names):
    """Refuse what the policy would pass over or take for text."""
    if extra := sorted(row.keys() - names):
        raise RequestError(
            422,
            f"Row {place}: row is expected to have the features {sorted(names)} and no others, "
            f"got {extra[0]!r}.",
            extra[0],
        )
    for name, value in row.items():
        # Python reads NaN and Infinity, which are no JSON.
        if isinstance(value, float) and not np.isfinite(value):
            raise RequestError(
                422, f"Row {place}: {name!r} is expected to be finite or null, got {value}.", name
            )
        if isinstance(value, list | dict):
            raise RequestError(
                422, f"Row {place}: {name!r} is expected to be one value, got several.", name
            )


def _masks(eligible, treatments, n_rows):
    """Return the same eligibility for all rows."""
    if eligible is None:
        return None
    if not eligible or any(label not in treatments for label in eligible):
        raise RequestError(
            422,
            f"eligible is expected to hold one or more of the treatments {treatments}, got "
            f"{eligible}.",
            "eligible",
        )
    return np.tile([label in eligible for label in treatments], (n_rows, 1))


def row_schema(policy: ServedPolicy) -> dict[str, Any]:
    """Return the schema of a row in the OpenAPI document."""
    properties = {feature.name: _value_schema(feature) for feature in policy.features}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _value_schema(feature):
    if feature.kind == "number":
        schema = {"type": ["number", "boolean"]}
    elif feature.kind == "date":
        schema = {"type": ["string"], "examples": ["2026-01-31"]}
    elif feature.unknown is None:
        return {"enum": [*feature.codes, *([None] if feature.gaps else [])]}
    else:
        schema = {"type": ["string", "number", "boolean"], "examples": list(feature.codes)[:5]}
    return schema | {"type": [*schema["type"], "null"]} if feature.gaps else schema
