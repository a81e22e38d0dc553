"""An evaluation in plain sentences, by stated rules."""

import numpy as np
from scipy.stats import norm

from sklearn_hrc.evaluation._draw import draw_sentences
from sklearn_hrc.evaluation._rules_to_beat import BEST_MIX
from sklearn_hrc.evaluation._targeting import ALL_ARMS, LEVEL
from sklearn_hrc.evaluation._valuation import HAJEK, METHODS

__all__ = ["cautions", "conclusion", "figure", "range_of", "sentences"]

# Fewer matched rows than this do not support an arm that gets more than a negligible share.
LEAST_MATCHED = 30
NEGLIGIBLE_SHARE = 0.01
# A row with more of the weight than this decides much of the value.
LARGEST_WEIGHT = 0.05
# Standard errors by which a policy must beat the best mix where no slope speaks for it. Errors of
# folds are correlated where people do not differ, so two standard errors would not be enough.
CERTAIN = 3.0
# Share of a budget that may be left over before a sentence says so.
_LEFT_OVER = 0.02
_MOST_NAMED = 3


def sentences(evaluation):
    """Return all sentences about an evaluation.

    A draw that is off comes first, for then no figure holds. What else is off comes last.
    """
    return [
        *draw_sentences(evaluation.randomisation),
        *_of_value(evaluation),
        *_of_rules(evaluation),
        conclusion(evaluation),
        *_of_promise(evaluation),
        _of_method(evaluation),
        *_of_overlap(evaluation.by_arm),
        *_of_spend(evaluation),
    ]


def cautions(evaluation):
    """Return what is off, the gravest first."""
    return [
        *draw_sentences(evaluation.randomisation),
        *_of_overlap(evaluation.by_arm),
        *_of_spend(evaluation),
    ]


def conclusion(evaluation):
    """Say whether people differ in what the arms do to them, and else what to do.

    1. People differ where the slope of a predicted effect is above zero at the 5 % level, of which
       all arms together have half and the arms share half.
    2. Otherwise they differ in cost by the same rule, for arms that the policy gives to more than
       1 %. Of these arms those count that bring more than control for everybody, as in 4. All of
       them count where the policy brings more, by its interval.
    3. Otherwise choosing people pays if the policy brings more than the best mix of arms by three
       standard errors.
    4. Otherwise arms differ where one of them brings more than control for everybody, two-sided at
       5 % shared by the arms.
    """
    effects = evaluation.effects
    found = effects.borne_out & (effects.outcome == "response")
    if found.any():
        return f"People differ in what {_slopes(effects, found, 'does', 'do')} to them" + _end(
            effects, found
        )
    better = _better(evaluation)
    found = effects.borne_out & (effects.outcome == "cost") & _costs_that_count(evaluation, better)
    if found.any():
        return (
            "People do not measurably differ in what arms bring, but they do in what "
            f"{_slopes(effects, found, 'costs', 'cost')}{_end(effects, found)[:-1]}: choosing whom "
            "to give them saves money."
        )
    (mix,) = np.flatnonzero(evaluation.rules.rule == BEST_MIX)
    if evaluation.rules.difference[mix] > CERTAIN * evaluation.rules.difference_se[mix]:
        return (
            f"The policy brings more than the {BEST_MIX}, so that choosing people pays, though no "
            "slope tells in which arm they differ."
        )
    if not better.any() or evaluation.best_arm.treatment == evaluation.control:
        return (
            f"No arm measurably brings more than {evaluation.control}, and people do not "
            f"measurably differ in what arms bring: give everybody {evaluation.control}."
        )
    label, share = evaluation.best_arm
    whom = "everybody" if share > 0.995 else f"{100 * share:.0f} % of people, drawn at random,"
    return f"Arms differ, people do not measurably: give {whom} {label}."


def _better(evaluation):
    """Return which arms measurably bring more than control if everybody gets them."""
    arms = evaluation.by_arm
    others = arms.treatment != evaluation.control
    reach = norm.isf(LEVEL / 2 / max(others.sum(), 1))
    return others & (arms.gain > reach * arms.gain_se)


def _costs_that_count(evaluation, better):
    """Return for which rows of the effects a difference between people saves money.

    Where an arm is worth nothing, giving it to nobody saves more. The row of all arms together
    counts where each arm that has a slope of costs counts.
    """
    arms, effects = evaluation.by_arm, evaluation.effects
    counts = (arms.share > NEGLIGIBLE_SHARE) & (better | (evaluation.gain_interval[0] > 0))
    of_arm = dict(zip(arms.treatment.tolist(), counts.tolist()))
    single = np.array([label is not ALL_ARMS for label in effects.treatment])
    told = effects.treatment[single & (effects.outcome == "cost") & np.isfinite(effects.slope_se)]
    of_arm[ALL_ARMS] = all(of_arm[label] for label in told)
    return np.array([of_arm[label] for label in effects.treatment])


def figure(value, error=None, *, sign=False):
    """Write a value with two digits of its error, or with four digits where it has none."""
    if error is None or not np.isfinite(error) or error <= 0:
        text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
        return f"+{text}" if sign and value > 0 else text
    digits = int(np.clip(1 - np.floor(np.log10(error)), 0, 12))
    return f"{value:{'+' if sign else ''},.{digits}f}"


def range_of(interval, error, *, sign=False):
    """Write the two ends of an interval."""
    return " to ".join(figure(end, error, sign=sign) for end in interval)


def _response(evaluation):
    """Name the response, whatever the column of the outcome is called."""
    name = evaluation.response_name
    return "response" if name == "response" else f"response ({name})"


def _of_value(evaluation):
    """Say response and cost, per individual and in all."""
    e, n = evaluation, evaluation.n_individuals
    totals = [
        f"{figure(n * value, n * error)} ({range_of((n * low, n * high), n * error)})"
        for value, error, (low, high) in (
            (e.response, e.response_se, e.response_interval),
            (e.cost, e.cost_se, e.cost_interval),
        )
    ]
    return [
        f"At a budget of {figure(e.budget)} per individual the {_response(e)} is "
        f"{figure(e.response, e.response_se)} ({range_of(e.response_interval, e.response_se)}) "
        f"and the cost {figure(e.cost, e.cost_se)} ({range_of(e.cost_interval, e.cost_se)}), with "
        "95 % intervals.",
        f"For {n:,} individuals that is a response of {totals[0]} at a cost of {totals[1]}.",
        f"The policy brings {figure(e.gain, e.gain_se, sign=True)} "
        f"({range_of(e.gain_interval, e.gain_se, sign=True)}) more than {e.control} for everybody.",
    ]


def _of_rules(evaluation):
    """Say for each rule whether the policy brings more at the same spend."""
    rules = evaluation.rules
    said = []
    for place, name in enumerate(rules.rule):
        error = rules.difference_se[place]
        ends = rules.difference_low[place], rules.difference_high[place]
        written = (
            f"{figure(rules.difference[place], error, sign=True)} "
            f"({range_of(ends, error, sign=True)})"
        )
        if ends[0] > 0:
            said.append(f"At equal spend it brings more than the {name}: {written}.")
        elif ends[1] < 0:
            said.append(f"At equal spend it brings less than the {name}: {written}; use the rule.")
        else:
            said.append(f"At equal spend it cannot be told from the {name}: {written}.")
    return said


def _of_promise(evaluation):
    """Say what was promised at fit, and whether held-out rows gave it."""
    promise, said = evaluation.promise, []
    for place, name in enumerate(promise.quantity):
        error = promise.difference_se[place]
        low, high = promise.difference_low[place], promise.difference_high[place]
        written = [figure(promise[key][place], error) for key in ("promised", "realised")]
        lead = f"At fit a {name} of {written[0]} was promised, and held-out rows gave {written[1]}"
        difference = figure(promise.difference[place], error, sign=True)
        if high < 0:
            said.append(f"{lead}, less than was promised by {difference[1:]}.")
        elif low > 0:
            said.append(f"{lead}, more than was promised by {difference[1:]}.")
        else:
            said.append(f"{lead}: chance explains the difference of {difference}.")
    return said


def _of_method(evaluation):
    """Say which estimator was used and why."""
    errors = evaluation.standard_errors
    if evaluation.method == HAJEK:
        return (
            "The value uses weights alone (Hajek), since expected outcomes did not make its "
            "standard error 2 % smaller."
        )
    share = 1 - errors[evaluation.method] / errors[HAJEK]
    return (
        f"The value uses {METHODS[evaluation.method]}, with a standard error {100 * share:.0f} % "
        "smaller than that by weights alone."
    )


def _of_spend(evaluation):
    """Say where the policy spends more than its budget, or has no use for it."""
    e = evaluation
    spent = f"{figure(e.cost, e.cost_se)} ({range_of(e.cost_interval, e.cost_se)})"
    if e.cost_interval[0] > e.budget + 1e-9 * abs(e.budget):
        return [
            f"The policy costs {spent}, which is more than its budget of {figure(e.budget)}: plan "
            "with a smaller budget or with risk."
        ]
    planned = e.promise.promised[1]
    if planned < e.budget - _LEFT_OVER * abs(e.budget):
        return [
            f"The budget of {figure(e.budget)} is not used up: the plans cost {figure(planned)}."
        ]
    return []


def _of_overlap(arms):
    """Say which arms of the policy few rows support, and where one row decides much."""
    said = []
    for place, label in enumerate(arms.treatment.tolist()):
        share, matched = arms.share[place], int(arms.n_matched[place])
        if share > NEGLIGIBLE_SHARE and matched < LEAST_MATCHED:
            rows = "row" if matched == 1 else "rows"
            said.append(
                f"Only {matched} {rows} received {label} where the policy gives it, to "
                f"{100 * share:.0f} % of people: the value of this part is hardly known."
            )
    largest = arms.largest_weight_share.max()
    if largest > LARGEST_WEIGHT:
        said.append(
            f"A single row has {100 * largest:.0f} % of the weight: the value hangs on few rows."
        )
    return said


def _slopes(effects, found, one, many):
    """Name the arms whose slopes are borne out, with the verb for one of them or for many."""
    labels = [label for label in effects.treatment[found] if label is not ALL_ARMS]
    if not labels:
        return f"the arms together {many}"
    if len(labels) == 1:
        return f"arm {labels[0]} {one}"
    named = [str(label) for label in labels[:_MOST_NAMED]]
    if len(labels) > _MOST_NAMED:
        named.append(f"{len(labels) - _MOST_NAMED} more")
    return f"arms {', '.join(named[:-1])} and {named[-1]} {many}"


def _end(effects, found):
    """Say the slope of a single arm, or else that of all arms together."""
    labels = effects.treatment[found]
    single = [place for place, label in zip(np.flatnonzero(found), labels) if label is not ALL_ARMS]
    place = single[0] if len(single) == 1 else None
    if place is None:
        outcome = effects.outcome[found][0]
        (place,) = np.flatnonzero(
            (effects.outcome == outcome) & np.array([t is ALL_ARMS for t in effects.treatment])
        )
    slope, error = effects.slope[place], effects.slope_se[place]
    which = "slope" if len(single) == 1 else "slope of all arms"
    return f" ({which} {figure(slope, error)} +- {figure(error, error)}, 1 if as predicted)."
