"""The decision in a sentence: what to do, what it brings, and what is the simplest rival."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc.evaluation._draw import draw_is_off, telling_columns, what_tells, what_to_do
from sklearn_hrc.report._numbers import count, per_cent
from sklearn_hrc.report._wording import one_line

__all__ = ["REACH", "Decision", "best_rule", "decide", "rule_in_words", "totals_of_list"]

REACH = 1.959963984540054  # standard errors of a 95 % interval to either side
RULES = {
    "best single arm": "one option for as many {people} as the money allows, drawn at random",
    "best mix of arms": "the best mix of options, handed out at random",
    "ranking by predicted response": "one option for those with the highest predicted {response}",
}


class Decision(NamedTuple):
    """What to do.

    Attributes
    ----------
    verdict : str
        A few words.
    sentence : str
        What it brings, beside the best simple rule.
    kind : {"yes", "rule", "no", "open"}
        Which colour it has.
    """

    verdict: str
    sentence: str
    kind: str


def best_rule(rules):
    """Return the place of the simple rule that comes nearest to the policy, or beats it most."""
    return int(np.argmin(rules.difference))


def rule_in_words(name, words):
    """Return what a simple rule does."""
    return RULES.get(name, "{name}").format(name=name, people=words.people, response=words.response)


def decide(evaluation, words):
    """Say what to do, by the value on held-out rows.

    0. Nothing is recommended where features tell the arm, for then no figure holds.
    1. A policy is not for use if its interval does not say that it brings more than control for
       everybody.
    2. It is for use if it brings more, and the interval of the difference says that it brings more
       than the best simple rule.
    3. Otherwise the simple rule is enough, or better.

    Parameters
    ----------
    evaluation : Evaluation
        The value, and the rules.
    words : Wording
        What things are called.

    Returns
    -------
    decision : Decision
        With intervals.
    """
    e, rules = evaluation, evaluation.rules
    if draw_is_off(e.randomisation):
        return _undecided(e.randomisation, words)
    if (e.arms == e.control).all():
        return _nobody(e, words)
    low, high = e.gain_interval
    place = best_rule(rules)
    control = words.arm(e.control)
    brings = f"The policy brings {_more(e.gain, e.gain_se, words)} per {words.person} than "
    brings += (
        f"“{control}” for everybody (95 % interval: {_ends(e.gain_interval, e.gain_se, words)})"
    )
    paid = f", for {words.of_cost(e.cost, e.cost_se)} of {words.cost} per {words.person}"
    if high < 0:
        return Decision(f"Do not use this policy; stay with “{control}”.", f"{brings}.", "no")
    if low <= 0:
        sentence = (
            f"It is not clear that the policy brings anything: per {words.person} "
            f"{_more(e.gain, e.gain_se, words)} than “{control}” for everybody, but with a 95 % "
            f"interval from {_ends(e.gain_interval, e.gain_se, words)}, which includes nothing "
            "at all."
        )
        return Decision(f"Stay with “{control}” for now.", sentence, "open")
    return _beside_rule(brings + paid, rules, place, _advice(e, rules.rule[place], words), words)


def _undecided(randomisation, words):
    """Recommend nothing, and say which columns are why."""
    columns = telling_columns(randomisation)
    told = one_line(what_tells([words.column(name) for name in columns]))
    return Decision(
        f"Do not decide by this page: {told}.",
        f"The figures below may be wrong. {one_line(what_to_do(columns))}",
        "open",
    )


def _nobody(evaluation, words):
    """Decide where the policy itself gives everybody control."""
    return Decision(
        f"Stay with “{words.arm(evaluation.control)}” for everybody.",
        f"For nobody is another option expected to bring more {words.response} within the budget.",
        "no",
    )


def _beside_rule(lead, rules, place, advice, words):
    """Decide between a policy that brings more than control and the best simple rule."""
    error = rules.difference_se[place]
    ends = rules.difference_low[place], rules.difference_high[place]
    rule = f"the best simple rule ({rule_in_words(rules.rule[place], words)})"
    beside = f"{_more(rules.difference[place], error, words)} than {rule} at equal spending"
    range_ = f"(95 % interval: {_ends(ends, error, words)})"
    if ends[0] > 0:
        return Decision("Use this policy.", f"{lead}, and {beside} {range_}.", "yes")
    if ends[1] < 0:
        return Decision(
            f"Use the simple rule instead{advice}.", f"{lead}, but {beside} {range_}.", "rule"
        )
    return Decision(
        f"A simple rule is enough{advice}.",
        f"{lead}, but it is not clear that it beats {rule}: at equal spending the policy brings "
        f"{_more(rules.difference[place], error, words)} {range_}.",
        "rule",
    )


def _advice(evaluation, rule, words):
    """Say which arm a simple rule would give, and to whom; nothing of a mix of arms."""
    whom = {
        "best single arm": "{people}, drawn at random",
        "ranking by predicted response": "{people}, those with the highest predicted {response}",
    }
    label, share = evaluation.best_arm
    if rule not in whom:
        return ""
    if share > 0.995:
        return f": “{words.arm(label)}” for everybody"
    others = whom[rule].format(people=words.people, response=words.response)
    return f": “{words.arm(label)}” for {per_cent(share)} of the {others}"


def _more(value, error, words):
    """Write how much more or less of the response."""
    direction = "more" if value >= 0 else "less"
    return f"{words.of_response(abs(value), error)} {direction} {words.response}"


def _ends(ends, error, words):
    """Write an interval whose ends may be losses."""
    sign = ends[0] < 0
    return words.range_of_response(ends, error, sign=sign)


def totals_of_list(plan, control, words):
    """Say what a plan for a list gives, costs and is expected to bring.

    Parameters
    ----------
    plan : ListPlan
        The plan.
    control : label
        Who gets it is not treated.
    words : Wording
        What things are called.

    Returns
    -------
    sentence : str
        With the interval of the total response.
    """
    error = plan.total_response_se
    ends = [plan.total_response + side * REACH * error for side in (-1, 1)]
    treated = int((plan.arms != control).sum())
    return (
        f"Of the {count(len(plan.arms))} {words.people} on the list, {count(treated)} get "
        f"something other than “{words.arm(control)}”. That is planned to cost "
        f"{words.of_cost(plan.total_cost, plan.total_cost_se)} in all, of a budget of "
        f"{words.of_cost(plan.total_budget)}, and {words.of_response(plan.total_response, error)} "
        f"{words.response} in all is expected of the list (95 % interval: "
        f"{words.range_of_response(ends, error)}). That is "
        f"{_more(_gain_of_list(plan, control), error, words)} than is expected if everybody on the "
        f"list gets “{words.arm(control)}”."
    )


def _gain_of_list(plan, control):
    """Return the expected total response of a list beyond that of control for everybody."""
    campaign, solved, _ = plan._solved
    place = plan.treatments.tolist().index(control)
    sizes = np.asarray(solved.counts, dtype=np.float64).sum(axis=1)
    return plan.total_response - float(sizes @ campaign.response[:, place])
