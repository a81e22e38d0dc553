"""The page: everything on it as text, and the template that it goes into."""

import re
from importlib.resources import files

from sklearn_hrc.report._cautions import bounded, cautions, how_computed, targeting
from sklearn_hrc.report._curve import curve_of_evaluation, curve_of_policy
from sklearn_hrc.report._decision import Decision, decide, totals_of_list
from sklearn_hrc.report._facts import arms_tried, facts
from sklearn_hrc.report._next_budget import next_tenth
from sklearn_hrc.report._numbers import NO_BREAK, per_cent
from sklearn_hrc.report._value import comparisons, value_picture
from sklearn_hrc.report._who import memberships, who_gets_what

__all__ = ["page"]

_TEMPLATE = "page.html.jinja"


def page(policy, allocator, given, words, title, date):
    """Return the page as HTML.

    Parameters
    ----------
    policy : estimator
        The fitted policy.
    allocator : ClusterBudgetAllocator
        The fitted allocator inside.
    given : dict
        `evaluation`, `plan` and `rows`, each may be None.
    words : Wording
        What things are called.
    title, date : str or None
        Heading, and the date below it.

    Returns
    -------
    html : str
        The whole file.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    evaluation, plan, rows = given["evaluation"], given["plan"], given["rows"]
    if evaluation is None:
        curve = curve_of_policy(allocator, words)
    else:
        curve = curve_of_evaluation(evaluation, words)
    off = cautions(evaluation, plan, rows, words)
    parts = {
        "title": title,
        "date": date,
        "words": words,
        "decision": _decision(allocator, evaluation, plan, words),
        "on_list": None if plan is None else totals_of_list(plan, allocator.control_, words),
        "facts": facts(allocator, evaluation, plan, rows, words),
        "arms": arms_tried(allocator, evaluation, rows, words),
        "curve": curve,
        "targeting": targeting(evaluation),
        "next_tenth": next_tenth(allocator, plan, words),
        "cautions": bounded(off),
        "n_cautions": len(off),
        "how": how_computed(allocator, evaluation, plan, words),
        **_who(policy, allocator, plan, rows, words),
        **_value(evaluation, words),
    }
    # What goes in is escaped, except for the pictures, which are escaped already.
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_unbroken,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"picture": Markup, "share": per_cent}
    source = files("sklearn_hrc.report").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(source).render(parts)


def _unbroken(value):
    """Keep a per cent sign on the line of its number."""
    return re.sub(r"(\d) %", rf"\1{NO_BREAK}%", value) if type(value) is str else value


def _decision(allocator, evaluation, plan, words):
    """Return the decision, which is open where nothing was checked."""
    if evaluation is not None:
        return decide(evaluation, words)
    control = words.arm(allocator.control_)
    what = "The list is planned" if plan is not None else "The policy is made"
    return Decision(
        f"{what}, but what it brings is not checked.",
        f"Before you decide, let it be judged on {words.people} that it has not seen, beside "
        f"“{control}” for everybody and beside simple rules.",
        "open",
    )


def _who(policy, allocator, plan, rows, words):
    """Return who gets what, and on whom traits were looked at."""
    weights, stand_for_list = memberships(policy, plan, rows)
    recipients, unused = who_gets_what(allocator, plan, rows, weights, words)
    note = None
    if stand_for_list:
        note = (
            "Numbers are those of the list. How groups differ is told by those in the experiment "
            f"who are like the {words.people} on the list."
        )
    return {"recipients": recipients, "unused": unused, "who_note": note}


def _value(evaluation, words):
    """Return the comparisons with other ways to decide, and their picture."""
    if evaluation is None or (evaluation.arms == evaluation.control).all():
        return {"comparisons": [], "picture": None, "n_individuals": None}
    found = comparisons(evaluation, words)
    return {
        "comparisons": found,
        "picture": value_picture(found),
        "n_individuals": f"{evaluation.n_individuals:,}",
    }
