"""Arms that are typed as words, found among the labels of an experiment."""

import difflib
from collections.abc import Sequence
from typing import Any

__all__ = ["arm_of", "nearest", "prices_of"]


def arm_of(word: str, arms: Sequence[Any], parameter: str) -> Any:
    """Return the label that a word means.

    Parameters
    ----------
    word : str
        Text of a label. A number may be written in another way, such as 5.0 for 5.
    arms : sequence of labels
        Labels of the experiment.
    parameter : str
        Option, for the error.

    Returns
    -------
    arm : label
        As it is in the experiment.
    """
    for label in arms:
        if str(label) == word or _is_number(label, word):
            return label
    raise ValueError(
        f"{parameter} is expected to name an arm, got {word!r}; {nearest(word, arms, 'arms')}."
    )


def _is_number(label, word):
    if isinstance(label, str | bool):
        return False
    try:
        return bool(float(word) == label)
    except ValueError:
        return False


def nearest(word: str, names: Sequence[Any], kind: str) -> str:
    """Say which names are nearest to a word, or which ones there are."""
    texts = [str(name) for name in names]
    lower = {text.lower(): text for text in reversed(texts)}
    near = difflib.get_close_matches(word.lower(), lower, n=2)
    if near:
        named = " and ".join(repr(lower[text]) for text in near)
        return f"the nearest {'is' if len(near) == 1 else 'are'} {named}"
    more = f" and {len(texts) - 12} more" if len(texts) > 12 else ""
    return f"the {kind} are {', '.join(map(repr, texts[:12]))}{more}"


def prices_of(words: Sequence[str], arms: Sequence[Any]) -> dict[Any, float]:
    """Return the price of each arm from words such as letter=0.8."""
    prices = {}
    for word in words:
        name, equals, price = word.rpartition("=")
        try:
            prices[arm_of(name, arms, "arm-cost")] = float(price)
        except ValueError as error:
            if equals and "name an arm" in str(error):
                raise
            raise ValueError(
                f"arm-cost is expected to be like letter=0.8 for every arm, got {word!r}."
            ) from error
    return prices
