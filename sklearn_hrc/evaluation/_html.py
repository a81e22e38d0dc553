"""An evaluation as tables of text, for a notebook."""

import numpy as np

from sklearn_hrc._html import Table
from sklearn_hrc.evaluation._parts import POLICY
from sklearn_hrc.evaluation._sentences import figure, range_of, sentences
from sklearn_hrc.evaluation._targeting import ALL_ARMS

__all__ = ["evaluation_tables"]

_LONGEST_LABEL = 40


def evaluation_tables(evaluation):
    """Return the tables that a notebook shows of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        What was found.

    Returns
    -------
    tables : list of Table
        Sentences, value, rules, arms, and the curve.
    """
    return [
        Table([(sentence,) for sentence in sentences(evaluation)]),
        _value_table(evaluation),
        _rule_table(evaluation.rules),
        _arm_table(evaluation),
        _curve_table(evaluation.curve),
    ]


def _value_table(evaluation):
    """Response, cost, gain and promise, per individual and in all."""
    e, n = evaluation, evaluation.n_individuals
    names = {"response": e.response_name, "cost": "cost", "gain": f"gain over {_cut(e.control)}"}
    promised = dict(zip(e.promise.quantity, e.promise.promised))
    rows = []
    for key, name in names.items():
        value, error = getattr(e, key), getattr(e, f"{key}_se")
        low, high = getattr(e, f"{key}_interval")
        rows.append(
            (
                name,
                figure(value, error),
                range_of((low, high), error),
                figure(promised[key], error) if key in promised else "",
                figure(n * value, n * error),
                range_of((n * low, n * high), n * error),
            )
        )
    heads = ("policy", "per individual", "95 %", "promised at fit", f"in all ({n:,})", "95 %")
    return Table(rows, heads)


def _rule_table(rules):
    rows = [
        (
            name,
            figure(gain, error),
            figure(difference, error, sign=True),
            range_of((low, high), error, sign=True),
        )
        for name, gain, difference, error, low, high in zip(*rules.values())
    ]
    return Table(rows, ("rule at equal spend", "gain", "policy brings more", "95 %"))


def _arm_table(evaluation):
    """What each arm brings for everybody, who gets it, and whether people differ in it."""
    arms, effects = evaluation.by_arm, evaluation.effects
    slopes = {
        label: f"{figure(slope, error)} +- {figure(error, error)}"
        for label, outcome, slope, error in zip(
            effects.treatment, effects.outcome, effects.slope, effects.slope_se
        )
        if outcome == "response" and np.isfinite(error)
    }
    rows = [
        (
            _cut(label),
            figure(arms.response[j], arms.response_se[j]),
            figure(arms.cost[j], arms.cost_se[j]),
            f"{100 * arms.share[j]:.1f} %",
            f"{arms.n_matched[j]:,}",
            slopes.get(label, ""),
        )
        for j, label in enumerate(arms.treatment.tolist())
    ]
    if ALL_ARMS in slopes:
        rows.append(("all arms", "", "", "", "", slopes[ALL_ARMS]))
    names = (f"{evaluation.response_name} for everybody", "cost", "gets it", "rows that support it")
    return Table(rows, ("arm", *names, "slope of effects"))


def _curve_table(curve):
    """Gain and spend of the policy, and gains of the rules, at each budget."""
    rules = list(dict.fromkeys(curve.rule))
    own = curve.rule == POLICY
    others = [name for name in rules if name != POLICY]
    rows = []
    for place in np.flatnonzero(own):
        error = curve.gain_se[place]
        row = [
            figure(curve.budget[place]),
            figure(curve.spend[place], curve.spend_se[place]),
            figure(curve.gain[place], error),
            range_of((curve.gain_low[place], curve.gain_high[place]), error),
        ]
        for name in others:
            (at,) = np.flatnonzero((curve.rule == name) & (curve.budget == curve.budget[place]))
            error = curve.difference_se[at]
            ends = curve.difference_low[at], curve.difference_high[at]
            row.append(
                f"{figure(curve.difference[at], error, sign=True)} "
                f"({range_of(ends, error, sign=True)})"
            )
        rows.append(tuple(row))
    heads = ("budget", "spend", "gain", "95 %", *(f"more than {name}" for name in others))
    return Table(rows, heads)


def _cut(label):
    """Return a label as text of bounded length: long ones often differ at their ends only."""
    text = str(label)
    if len(text) <= _LONGEST_LABEL:
        return text
    half = _LONGEST_LABEL // 2
    return f"{text[:half]}…{text[-half + 1 :]}"
