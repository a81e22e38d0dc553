"""The tables of an evaluation, as arrays by name."""

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

from sklearn_hrc._explanations import frame_of
from sklearn_hrc.evaluation._rules_to_beat import beat
from sklearn_hrc.evaluation._targeting import ALL_ARMS, slopes_of_effects
from sklearn_hrc.evaluation._valuation import interval
from sklearn_hrc.metrics import policy_overlap

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "POLICY",
    "Arrays",
    "arms_part",
    "curve_part",
    "effects_part",
    "promise_part",
    "rules_part",
    "value_part",
]

POLICY = "policy"


class Arrays(Bunch):
    """Arrays of one length by name, which are the columns of a table."""

    def to_frame(self) -> "DataFrame":
        """Return a data frame with a column for each array."""
        return frame_of(dict(self))


def value_part(valuation, arms):
    """Return response, cost and gain of a policy with errors and intervals, by name."""
    value, gain = valuation.value(arms), valuation.above_control(arms)
    figures = {
        "response": (value.response, value.response_se),
        "cost": (value.cost, value.cost_se),
        "gain": (gain.response, gain.response_se),
        "spend": (gain.cost, gain.cost_se),
    }
    part = {}
    for name, (estimate, error) in figures.items():
        part[name], part[f"{name}_se"] = float(estimate), float(error)
        part[f"{name}_interval"] = interval(estimate, error)
    return part


def rules_part(valuation, arms, rules):
    """Return what the policy brings more than each rule at the spend of the policy."""
    gain = valuation.above_control(arms).response
    found = np.array([beat(valuation, arms, rule) for rule in rules])
    difference, error = found.T
    return Arrays(
        rule=np.array([rule.name for rule in rules], dtype=object),
        gain=gain - difference,
        **_with_interval("difference", difference, error),
    )


def curve_part(valuation, held_out, rules, budgets, grid):
    """Return gain and spend of the policy and of each rule at each budget.

    `difference` is what the policy brings more than the rule at the realised spend of the policy
    at this budget.
    """
    names, rows, differences = [], [], []
    points = [valuation.above_control(arms) for arms in held_out.curve_arms]
    at = np.searchsorted(grid, budgets)
    curves = {POLICY: points, **{rule.name: [rule.points[i] for i in at] for rule in rules}}
    for name, curve in curves.items():
        names += [name] * len(curve)
        rows += [(one.cost, one.cost_se, one.response, one.response_se) for one in curve]
    for rule in rules:
        differences += [beat(valuation, arms, rule) for arms in held_out.curve_arms]
    spend, spend_se, gain, gain_se = np.array(rows).T
    unknown = np.full((len(budgets), 2), np.nan)
    difference, error = np.concatenate([unknown, differences]).T
    return Arrays(
        rule=np.array(names, dtype=object),
        budget=np.tile(budgets, len(curves)),
        **_with_interval("spend", spend, spend_se),
        **_with_interval("gain", gain, gain_se),
        **_with_interval("difference", difference, error),
    )


def arms_part(valuation, arms, treatments):
    """Return what each arm brings and costs for everybody, and who gets it by the policy."""
    values, gains = [], []
    for arm in range(len(treatments)):
        everybody = np.full(len(arms), arm)
        value, gain = valuation.value(everybody), valuation.above_control(everybody)
        values.append((value.response, value.response_se, value.cost, value.cost_se))
        gains.append((gain.response, gain.response_se))
    rows = ("treatment", "propensity", "sample_weight")
    overlap = policy_overlap(arms, **{name: valuation.rows[name] for name in rows})
    names = ("response", "response_se", "cost", "cost_se")
    gain, gain_se = np.array(gains).T
    return Arrays(
        treatment=treatments,
        **dict(zip(names, np.array(values).T)),
        **_with_interval("gain", gain, gain_se),
        share=overlap.assigned_share,
        n_matched=overlap.n_matched,
        effective_sample_size=overlap.effective_sample_size,
        largest_weight_share=overlap.largest_weight_share,
    )


def effects_part(setting, held_out):
    """Return slopes of held-out effects on predicted ones, for response and cost, by arm.

    `treatment` is None in the row of all arms together. Control has no row.
    """
    experiment = setting.experiment
    share = np.bincount(experiment.arm, experiment.sample_weight)
    received = (share / share.sum())[experiment.arm]
    if experiment.propensity is not None:
        received = experiment.propensity
    weight = experiment.sample_weight / received
    outcomes = {"response": setting.response}
    if setting.prices is None:
        outcomes["cost"] = experiment.cost
    kept = [j for j in range(len(experiment.treatments) + 1) if j != setting.control]
    labels = [*experiment.treatments.tolist(), ALL_ARMS]
    parts = []
    for column, outcome in enumerate(outcomes.values()):
        expected = held_out.expected[..., column]
        rows = experiment.arm, setting.control, weight, held_out.fold, setting.rows["groups"]
        parts.append(slopes_of_effects(outcome, expected, *rows))
    return Arrays(
        outcome=np.repeat(np.array(list(outcomes), dtype=object), len(kept)),
        treatment=np.array([labels[j] for j in kept] * len(parts), dtype=object),
        slope=np.concatenate([part.slope[kept] for part in parts]),
        slope_se=np.concatenate([part.error[kept] for part in parts]),
        p_value=np.concatenate([part.p_value[kept] for part in parts]),
        borne_out=np.concatenate([part.borne_out[kept] for part in parts]),
    )


def promise_part(held_out, value):
    """Return what policies promised at fit, beside what held-out rows gave.

    The promise is taken as given, so the error of the difference is that of the held-out rows.
    """
    promised = held_out.promises[:, 1:].mean(axis=0)
    realised = np.array([value["response"], value["cost"]])
    error = np.array([value["response_se"], value["cost_se"]])
    return Arrays(
        quantity=np.array(["response", "cost"], dtype=object),
        promised=promised,
        realised=realised,
        **_with_interval("difference", realised - promised, error),
    )


def _with_interval(name, estimate, error):
    """Return an estimate, its standard error and the ends of its interval, by name."""
    ends = [interval(*pair) for pair in zip(estimate, error)]
    low, high = np.array(ends).T
    return {name: estimate, f"{name}_se": error, f"{name}_low": low, f"{name}_high": high}
