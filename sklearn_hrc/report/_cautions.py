"""What to keep in mind, and how figures came about, in plain words."""

import re

from sklearn_hrc._version import __version__
from sklearn_hrc.evaluation._draw import draw_is_off
from sklearn_hrc.report._numbers import count
from sklearn_hrc.report._wording import one_line

__all__ = ["bounded", "cautions", "how_computed", "targeting"]

# So many sentences, each of so many letters, leave the printed page on two sheets.
_MOST = 6
_LONGEST = 220
_NOTES_THAT_MATTER = (
    "it was taken as 0",
    "recorded after the treatment",
    "is negative in",
    "Several arms are called",
)
_METHODS = {
    "no expected outcomes": (
        "as the weighted mean over those who, by the draw, had received what the policy gives them"
    ),
    "policy": (
        "from those who, by the draw, had received what the policy gives them, corrected by what "
        "the policy expects of each (a doubly robust estimate)"
    ),
    "ridge": (
        "from those who, by the draw, had received what the policy gives them, corrected by a "
        "simple regression (a doubly robust estimate)"
    ),
}


def cautions(evaluation, plan, rows, words):
    """Return what to keep in mind, a sentence each.

    Parameters
    ----------
    evaluation, plan, rows : Evaluation, ListPlan and Rows, each may be None
        As given to the report.
    words : Wording
        What things are called.

    Returns
    -------
    sentences : list of str
        The gravest first.
    """
    said = []
    if evaluation is None:
        said.append(
            f"Nothing on this page was checked on {words.people} that the policy has not seen. "
            "What it expects is often too good."
        )
    else:
        said += [one_line(sentence) for sentence in evaluation.cautions()]
        said += _promise(evaluation, words)
    if plan is not None and plan.status != "optimal":
        said.append("It is not proven that no better plan for the list exists.")
    return said + ([] if rows is None else _notes(rows))


def bounded(sentences):
    """Return what the page has room for, and how many sentences there are beside.

    Parameters
    ----------
    sentences : list of str
        The gravest first.

    Returns
    -------
    shown : list of str
        The first ones, each of bounded length, and the number of the others.
    """
    shown = [
        text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rsplit(' ', 1)[0]}…"
        for text in sentences[:_MOST]
    ]
    further = len(sentences) - _MOST
    if further > 0:
        things = "thing is" if further == 1 else "things are"
        shown.append(f"{further} further {things} not shown here; ask whoever made this page.")
    return shown


def _notes(rows):
    """Return what was noted of the table and bears on the decision.

    How numbers and dates are written, and which ids were left out, is no news to those who decide.
    """
    return [
        one_line(note) for note in rows.notes if any(words in note for words in _NOTES_THAT_MATTER)
    ]


def _promise(evaluation, words):
    """Say where less came true than the policy expected."""
    promise = evaluation.promise
    place = list(promise.quantity).index("response")
    if not promise.difference_high[place] < 0:
        return []
    error = promise.difference_se[place]
    promised = words.of_response(promise.promised[place], error)
    realised = words.of_response(promise.realised[place], error)
    return [
        f"When it was made the policy expected {promised} {words.response} per {words.person}; "
        f"{words.people} it had not seen gave {realised}. Trust the second figure."
    ]


def targeting(evaluation):
    """Say whether it pays to choose people, without figures that need an explanation.

    Nothing is said where nothing was checked, or where features tell the arm.
    """
    if evaluation is None or draw_is_off(evaluation.randomisation):
        return None
    return re.sub(r" \(slope [^()]*\)", "", one_line(evaluation.conclusion))


def how_computed(allocator, evaluation, plan, words):
    """Return one paragraph on where the figures come from.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        The allocator of the policy.
    evaluation, plan : Evaluation and ListPlan, each may be None
        As given to the report.
    words : Wording
        What things are called.

    Returns
    -------
    text : str
        Sentences.
    """
    said = [
        f"{words.people.capitalize()} were put into {count(len(allocator.clusters_))} groups of "
        "similar ones, and an integer programme chose how many of each group get what, so that "
        f"{words.response} is as large as possible within the budget."
    ]
    if evaluation is not None:
        said.append(
            f"To judge it fairly, the policy was made several times, each time without a part of "
            f"the {count(evaluation.n_individuals)} {words.people}, and decided for the part it "
            f"had not seen. What it brings was measured {_METHODS[evaluation.method]}. The simple "
            "rules were chosen and judged in the same way. Intervals are for these decisions."
        )
    if plan is not None:
        said.append("The totals of the list are what the policy expects, and were not measured.")
    said.append(f"Made with sklearn-hrc {__version__}.")
    return " ".join(said)
