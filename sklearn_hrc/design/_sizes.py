"""Which numbers of rows are tried, and with which shares of the arms."""

import numpy as np

from sklearn_hrc._cells.rare_arms import RARE
from sklearn_hrc._experiment import as_numbers
from sklearn_hrc._labels import as_labelled
from sklearn_hrc._parameters import resolve_arm_cost
from sklearn_hrc.design._judging import actual_sums, net_difference
from sklearn_hrc.design._plans import known_rule, plan_shares, true_gain
from sklearn_hrc.evaluation._valuation import level_reach

__all__ = ["check_arm_shares", "check_rows", "default_rows"]

# Rows of each arm that are expected in the smallest experiment.
LEAST_OF_ARM = 20
# Largest number of rows that is tried unless it is asked for.
LARGEST = 500_000
# Standard errors beyond the end of an interval that give a power of 0.8.
_BEYOND = 0.8416
_STEPS = 2.0 ** np.arange(-2, 4)


def check_arm_shares(arm_shares, treatments):
    """Return the chances of the arms, which are equal where none are given."""
    n_arms = len(treatments)
    if arm_shares is None:
        return np.full(n_arms, 1 / n_arms)
    if as_labelled(arm_shares, treatments, "arm_shares", ordered=True):
        shares = resolve_arm_cost(arm_shares, treatments, ordered=True)
    else:
        shares = as_numbers(arm_shares, "arm_shares")
    if shares.shape != (n_arms,) or not np.isclose(shares.sum(), 1, atol=1e-6):
        raise ValueError(
            f"arm_shares is expected to have a share for each of the arms {treatments.tolist()} "
            f"and the total 1, got {shares.tolist()}."
        )
    if shares.min() < RARE / n_arms:
        raise ValueError(
            f"arm_shares is expected to give every arm at least {RARE / n_arms:g}, a fifth of an "
            f"equal share, got {shares.min():g}; leave the arm out."
        )
    return shares / shares.sum()


def check_rows(rows, arm_shares, design_effect):
    """Return numbers of rows in rising order, each once."""
    given = as_numbers(np.atleast_1d(rows), "rows")
    least = int(np.ceil(LEAST_OF_ARM * design_effect / arm_shares.min()))
    if given.ndim != 1 or not len(given) or (given != np.floor(given)).any() or given.min() < least:
        raise ValueError(
            f"rows is expected to hold whole numbers of at least {least}, which is "
            f"{LEAST_OF_ARM} independent rows of the rarest arm, got {given.tolist()}."
        )
    return np.unique(given).astype(np.int64)


def default_rows(world, arm_shares, rule, halves):
    """Return numbers of rows around the one that would do if nothing had to be learnt.

    Parameters
    ----------
    world : World
        What is true.
    arm_shares : ndarray of shape (n_treatments,)
        Chances of the arms.
    rule : str
        As in `rule_shares`.
    halves : bool
        Only half of the rows judge.

    Returns
    -------
    rows : ndarray of shape (n_sizes,), int
        Numbers with two digits, in rising order.
    """
    mean, sizes = world.estimates.mean, world.sizes
    plan = plan_shares(mean, sizes, world.budget)
    gain, cost = true_gain(plan, world, mean, rule)
    centre = LARGEST / _STEPS[-1]
    if gain > 0:
        variance = _variance_of_a_row(world, arm_shares, plan, cost, rule)
        needed = (level_reach() + _BEYOND) ** 2 * variance / gain**2
        centre = min((1 + halves) * needed * world.design_effect, centre)
    least = LEAST_OF_ARM * world.design_effect / arm_shares.min()
    rows = np.maximum(centre, least / _STEPS[0]) * _STEPS
    unit = 10.0 ** (np.floor(np.log10(rows)) - 1)
    return np.unique(np.ceil(rows / unit) * unit).astype(np.int64)


def _variance_of_a_row(world, arm_shares, plan, cost, rule):
    """Return what one row adds to the variance of the difference of a known plan and the rule."""
    mean, sizes = world.estimates.mean, world.sizes
    share = sizes[:, None] * arm_shares
    sums = share[..., None] * actual_sums(world.noise.expected(), mean)
    spend = cost - mean[:, world.control, 1] @ sizes
    other = known_rule(world, mean, rule, spend)
    # The variance for one row has no correction for degrees of freedom.
    return net_difference(sums[None], plan[None], other, 0.0)[1]
