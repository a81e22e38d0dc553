"""All that a pacer knows as a text of JSON, and back."""

import json
import math
from typing import Any

__all__ = ["read_state", "text_of"]

_FORMAT = "sklearn_hrc.serving.BudgetPacer/1"


def text_of(settings: dict[str, Any], counters: dict[str, float], offers: dict[str, Any]) -> str:
    """Return parameters, counters and offers as a text."""
    lowest, highest = settings["budget_range"]
    # JSON has no infinite numbers.
    bounds = [lowest, highest if math.isfinite(highest) else None]
    state = {
        "format": _FORMAT,
        "settings": settings | {"budget_range": bounds},
        "counters": counters,
        "offers": offers,
    }
    return json.dumps(state, allow_nan=False, default=lambda array: array.tolist())


def read_state(text: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return what `text_of` was given, or raise an error of Python for another text."""
    state = json.loads(text, parse_constant=_refuse)
    if state["format"] != _FORMAT:
        raise ValueError("format")
    settings = dict(state["settings"])
    lowest, highest = settings["budget_range"]
    settings["budget_range"] = lowest, math.inf if highest is None else highest
    return settings, state["counters"], state["offers"]


def _refuse(constant):
    raise ValueError(constant)
