"""All that a pacer knows as a text of JSON, and back."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["one_sentence", "read_state", "text_of"]

# Errors of Python that a text raises which `text_of` did not write.
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
_FORMAT = "sklearn_hrc.serving.BudgetPacer/2"


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


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn the errors of Python for another text into one sentence."""
    try:
        yield
    except _UNREADABLE as error:
        raise ValueError(
            "text is expected to be what to_json of a BudgetPacer returned, got another content "
            f"({type(error).__name__}: {error}); start a new pacer for the rest of the day."
        ) from error


def _refuse(constant):
    raise ValueError(constant)
