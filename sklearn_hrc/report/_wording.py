"""What things are called on the page, in the words of whoever asked for it."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sklearn_hrc.report._numbers import amount, interval

__all__ = ["Wording", "clean", "one_line", "wording_of"]

_TEXTS = ("response", "cost", "person", "people", "response_unit", "cost_unit")
_TABLES = ("arms", "columns")
_LONGEST = 120


@dataclass(frozen=True)
class Wording:
    """What things are called.

    Attributes
    ----------
    response, cost : str
        What was to be raised, and what is spent.
    person, people : str
        One and many of those who are treated.
    response_unit, cost_unit : str
        Units of amounts, or nothing.
    arms, columns : dict
        Words for labels of arms and names of columns.
    """

    response: str
    cost: str = "cost"
    person: str = "person"
    people: str = "people"
    response_unit: str = ""
    cost_unit: str = ""
    arms: Mapping[Any, str] = field(default_factory=dict)
    columns: Mapping[Any, str] = field(default_factory=dict)

    def arm(self, label):
        """Return an arm in words."""
        return clean(self.arms.get(label, label))

    def column(self, name):
        """Return a column in words."""
        return clean(self.columns.get(name, name))

    def of_response(self, value, error=None, *, sign=False):
        """Write an amount of the response."""
        return amount(value, error, self.response_unit, sign=sign)

    def of_cost(self, value, error=None, *, sign=False):
        """Write an amount of the cost."""
        return amount(value, error, self.cost_unit, sign=sign)

    def range_of_response(self, ends, error=None, *, sign=False):
        """Write an interval of the response."""
        return interval(ends, error, self.response_unit, sign=sign)

    def range_of_cost(self, ends, error=None, *, sign=False):
        """Write an interval of the cost."""
        return interval(ends, error, self.cost_unit, sign=sign)


def wording_of(names, response):
    """Check `names` of `write_report` and return what things are called.

    Parameters
    ----------
    names : dict or None
        As given.
    response : str
        Name of the response where `names` has none.

    Returns
    -------
    wording : Wording
        All words, on one line each.
    """
    names = {} if names is None else names
    if not isinstance(names, Mapping):
        raise TypeError(f"names is expected to be None or a dict, got {type(names).__name__}.")
    if unknown := [key for key in names if key not in _TEXTS + _TABLES]:
        raise ValueError(
            f"names is expected to have keys of {', '.join(_TEXTS + _TABLES)}, got {unknown[0]!r}."
        )
    for key, value in names.items():
        kind = str if key in _TEXTS else Mapping
        if not isinstance(value, kind):
            wanted = "a text" if kind is str else "a dict"
            raise TypeError(
                f"names[{key!r}] is expected to be {wanted}, got {type(value).__name__}."
            )
    texts = {key: clean(names[key]) for key in _TEXTS if key in names}
    tables = {key: dict(names[key]) for key in _TABLES if key in names}
    return Wording(**{"response": clean(response), **texts}, **tables)


def clean(text):
    """Return the text of a name: on one line, of bounded length, and never empty."""
    text = one_line(f"{text:g}" if isinstance(text, float) else text)
    if not text:
        return "(no name)"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"


def one_line(text):
    """Return text on one line, without characters that print as nothing.

    Marks of writing direction could turn the rest of a sentence around.
    """
    text = " ".join(str(text).split())
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
