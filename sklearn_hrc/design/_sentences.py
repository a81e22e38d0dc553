"""A design in plain sentences."""

import numpy as np

from sklearn_hrc.design._plans import BEST_SINGLE_ARM
from sklearn_hrc.evaluation._sentences import figure

__all__ = ["sentences"]

# An overspend below this share of the budget is not spoken of.
_NEGLIGIBLE = 0.001


def sentences(design, power):
    """Return what a design found, and what it takes for granted."""
    return [
        *_of_rows(design, power),
        *_of_policy(design, power),
        *_of_assumptions(design),
    ]


def odds(power):
    """Write a power as a number of experiments."""
    if np.isclose(power * 10, round(power * 10)):
        return f"{round(power * 10)} of 10"
    return f"{power * 1000:.0f} of 1,000" if power > 0.99 else f"{power * 100:.0f} of 100"


def _of_rows(design, power):
    """Say how many rows are needed, or that no number would do."""
    rule = _name_of_rule(design)
    if design.nothing_to_target:
        return [
            "There is nothing to target: with all effects known, the best plan brings no more "
            f"than {rule} at equal spend, and no number of rows shows a gain that is not there."
        ]
    needed = design.rows_needed(power)
    if needed is None:
        rows, told = design.by_rows.rows[-1], design.by_rows.power[-1]
        return [
            f"More than {rows:,} rows, the largest number tried, are needed: so many tell the gain "
            f"over {rule} from nothing in {100 * told:.0f} of 100 experiments, fewer than "
            f"{odds(power)}."
        ]
    gain, error = (design.at_rows(name, needed) for name in ("gain", "gain_se"))
    lead = "Already with" if needed == design.by_rows.rows[0] else "With"
    return [
        f"{lead} {needed:,} rows ({_of_arms(design, needed)}) the gain over {rule}, "
        f"{figure(gain, error)} per individual, is told from nothing in {odds(power)} experiments."
    ]


def _of_policy(design, power):
    """Say what a policy from so many rows brings, how well that is measured, and what it spends."""
    if design.nothing_to_target:
        return []
    rows = design.rows_needed(power) or int(design.by_rows.rows[-1])
    gain, error, width, over = (
        design.at_rows(name, rows) for name in ("gain", "gain_se", "width", "overspend")
    )
    said = [
        f"A policy learnt from {rows:,} rows brings {figure(gain, error)} of the "
        f"{figure(design.possible_gain, error)} that would be possible if all effects were known.",
        f"The 95 % interval of the measured gain is then {figure(width)} wide.",
    ]
    if over > _NEGLIGIBLE * abs(design.budget):
        said.append(
            f"Costs are learnt, too: on average such a policy spends {figure(over)} more than its "
            f"budget of {figure(design.budget)} allows."
        )
    return said


def _of_assumptions(design):
    """Say what was taken for granted."""
    if not design.from_pilot:
        said = ["The assumed effects are taken for true."]
    elif design.draw_effects:
        said = [
            "True effects are drawn anew for each simulated experiment, from the shrunken "
            "estimates of the pilot and their errors."
        ]
    else:
        said = ["The shrunken estimates of the pilot are taken for true."]
    if design.from_pilot:
        said.append(
            f"The {design.n_clusters} clusters of the pilot are kept: what networks would learn "
            "from more rows is not simulated."
        )
    if design.left_out:
        kept = " and ".join(design.left_out)
        said.append(f"Plans keep the budget alone, without the {kept} of the policy.")
    if design.design_effect > 1:
        said.append(
            f"Groups are as in the pilot, so that {design.design_effect:.3g} rows are worth one "
            "independent row."
        )
    else:
        said.append("Rows are taken for independent.")
    return [*said, _of_judging(design.cv)]


def _of_judging(cv):
    """Say which rows judge."""
    if cv is None:
        return "The policy is learnt from one half of the rows and judged on the other half."
    return (
        f"The policy is judged in {cv} folds, as evaluate does: where nothing is to be targeted, "
        "too, an interval is above zero in 5 to 12 of 100 experiments."
    )


def _of_arms(design, rows):
    """Say how many rows each arm gets."""
    given = design.arm_rows(rows)
    if np.ptp(design.arm_shares) < 1e-9:
        return f"{next(iter(given.values())):,} an arm"
    return ", ".join(f"{label} {count:,}" for label, count in given.items())


def _name_of_rule(design):
    """Name the rule, and the arm where it is a single one."""
    if design.rule != BEST_SINGLE_ARM:
        return f"the {design.rule}"
    label, share = design.best_arm
    whom = "everybody" if share > 0.995 else f"{100 * share:.0f} % of individuals"
    return f"{label} for {whom}"
