"""Rules that are typed as words, such as `max_share 10_off 0.2`."""

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sklearn_hrc._commands.arm_words import arm_of, nearest
from sklearn_hrc.rules import (
    Forbid,
    MaxIndividuals,
    MaxShare,
    MaxSpend,
    MinOutcome,
    MinReturn,
    MinShare,
)
from sklearn_hrc.rules._rule import Rule

__all__ = ["rules_of"]


class _Grammar(NamedTuple):
    """Words that a rule takes, and what makes the rule of them."""

    words: str
    make: Callable[..., Rule]


_GRAMMARS = {
    "max_share": _Grammar("ARM ... SHARE", MaxShare),
    "min_share": _Grammar("ARM ... SHARE", MinShare),
    "max_individuals": _Grammar("ARM ... NUMBER", MaxIndividuals),
    "max_spend": _Grammar("ARM ... AMOUNT", MaxSpend),
    "max_total_spend": _Grammar(
        "ARM ... AMOUNT", lambda arms, amount: MaxSpend(arms, total_spend=amount)
    ),
    "min_return": _Grammar("NUMBER", MinReturn),
    "min_outcome": _Grammar("OUTCOME MEAN", MinOutcome),
    "forbid": _Grammar("ARM ... where CONDITION", lambda arms, where: Forbid(arms, where=where)),
}


def rules_of(texts: Sequence[str], arms: Sequence[Any], outcomes: Sequence[str]) -> list[Rule]:
    """Return the rules that texts state.

    Parameters
    ----------
    texts : sequence of str
        A rule each: its name, arms and a number, as words of a shell.
    arms : sequence of labels
        Labels of the experiment.
    outcomes : sequence of str
        Names of its outcomes.

    Returns
    -------
    rules : list of Rule
        In the same order.
    """
    return [_rule(text, arms, outcomes) for text in texts]


def _rule(text, arms, outcomes):
    name, _, rest = text.strip().partition(" ")
    if name not in _GRAMMARS:
        raise ValueError(
            "rule is expected to begin with the name of one, such as in max_share "
            f"{shlex.quote(str(arms[-1]))} 0.2, got {text!r}; "
            f"{nearest(name, list(_GRAMMARS), 'names')}."
        )
    grammar = _GRAMMARS[name]
    if name == "forbid":
        words, where = _before_where(rest, text)
        return grammar.make(_arms(words, text, arms), where)
    words = _words(rest, text)
    n_least = len(grammar.words.replace(" ...", "").split())
    if len(words) < n_least or (len(words) > n_least and "..." not in grammar.words):
        raise _unlike(text)
    number = _number(words.pop(), text)
    if name == "min_return":
        return grammar.make(number)
    if name == "min_outcome":
        return grammar.make(_outcome(words[0], outcomes), number)
    return grammar.make(_arms(words, text, arms), number)


def _words(rest, text):
    try:
        return shlex.split(rest)
    except ValueError as error:
        raise ValueError(
            f"rule is expected to have quotes in pairs, got {text!r}; put an arm that has a quote "
            "into quotes of the other kind."
        ) from error


def _before_where(rest, text):
    """Divide the words before `where` from the condition, which keeps its quotes."""
    before, where, condition = rest.partition(" where ")
    if not where or not condition.strip() or not before.strip():
        raise _unlike(text)
    return _words(before, text), condition.strip()


def _arms(words, text, arms):
    found = [arm_of(word, arms, f"rule {text!r}") for word in words]
    return found[0] if len(found) == 1 else found


def _outcome(word, outcomes):
    if word not in outcomes:
        raise ValueError(
            f"rule min_outcome is expected to name an outcome, got {word!r}; "
            f"{nearest(word, outcomes, 'outcomes')}."
        )
    return word


def _number(word, text):
    if re.fullmatch(r"[+-]?\d+", word):
        return int(word)
    try:
        return float(word)
    except ValueError as error:
        raise _unlike(text) from error


def _unlike(text):
    name = text.split()[0]
    return ValueError(
        f"rule is expected to be like '{name} {_GRAMMARS[name].words}', got {text!r}; an arm with "
        "spaces stands in quotes."
    )
