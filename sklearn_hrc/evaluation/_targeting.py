"""Whether there is anything to target: do people differ in what the arms do to them.

For an arm and control, each policy predicts the effect on rows that it has not seen. Among the rows
of the arm, and among those of control, the outcome is regressed on the predicted effect. The
difference of the two slopes is the slope of the true effect on the predicted one, since chance
drew the arms: 1 if effects differ between people as predicted, 0 if what is predicted of
people is noise. What the arms have in common for a person only makes the error smaller.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

__all__ = ["ALL_ARMS", "LEVEL", "Slopes", "slopes_of_effects"]

# People are said to differ at this level: half of it is for all arms together, and the arms share
# the other half.
LEVEL = 0.05
# A spread of predicted effects below this share of their size is rounding.
_ROUNDING = 1e-9
ALL_ARMS = None


class Slopes(NamedTuple):
    """Slopes of held-out effects on predicted effects, of one outcome.

    Attributes
    ----------
    slope, error, p_value : ndarray of shape (n_treatments + 1,)
        Slope, its standard error, and the one-sided p-value of no slope. The last entry is for all
        arms together. NaN for control, and where the same is predicted for everybody.
    borne_out : ndarray of shape (n_treatments + 1,), bool
        Where people are said to differ.
    """

    slope: np.ndarray
    error: np.ndarray
    p_value: np.ndarray
    borne_out: np.ndarray


def slopes_of_effects(outcome, expected, arm, control, weight, fold, groups):
    """Estimate how far held-out rows bear out predicted differences between people.

    Parameters
    ----------
    outcome : ndarray of shape (n_samples,)
        Observed outcome.
    expected : ndarray of shape (n_samples, n_treatments)
        Its expectation under every arm by a policy that has not seen the row.
    arm : ndarray of shape (n_samples,), int
        Received arm.
    control : int
        Index of control.
    weight : ndarray of shape (n_samples,)
        Weight of each row over the propensity of its arm.
    fold : ndarray of shape (n_samples,), int
        Rows of a fold have their predictions from one policy, and are compared with one another.
    groups : ndarray of shape (n_samples,), int, or None
        Independent units. None makes each row a unit.

    Returns
    -------
    slopes : Slopes
        Standard errors hold whatever the variances of the rows are.
    """
    n_arms = expected.shape[1]
    unit = np.arange(len(outcome)) if groups is None else groups
    base = expected.mean(axis=1)
    slope, error = np.full((2, n_arms + 1), np.nan)
    information = np.zeros(n_arms)
    contribution = np.zeros((n_arms, unit.max() + 1))
    for j in np.delete(np.arange(n_arms), control):
        own = np.flatnonzero(((arm == j) | (arm == control)) & (weight > 0))
        effect = expected[own, j] - expected[own, control]
        rows = outcome[own], effect, base[own], arm[own] == j, weight[own], fold[own]
        slope[j], influence, information[j] = _slope(*rows)
        contribution[j] = np.bincount(unit[own], influence, contribution.shape[1])
        error[j] = _error(contribution[j])
    told = np.flatnonzero(information > 0)
    if len(told):
        share = information[told] / information[told].sum()
        slope[-1] = share @ slope[told]
        error[-1] = _error(share @ contribution[told])
    return _judge(slope, error, len(told))


def _judge(slope, error, n_told):
    """Return slopes with p-values and what is borne out at the level."""
    known = error > 0
    ratio = np.divide(slope, error, out=np.full(slope.shape, np.nan), where=known)
    p_value = norm.sf(ratio)
    limit = np.full(slope.shape, LEVEL / 2 / max(n_told, 1))
    limit[-1] = LEVEL / 2
    return Slopes(slope, np.where(known, error, np.nan), p_value, known & (p_value <= limit))


def _slope(outcome, effect, base, treated, weight, fold):
    """Return a slope, what each row adds to its error, and how much the rows tell of it."""
    outcome = outcome - _fitted_base(outcome, base, weight, 2 * fold + treated)
    total, influence, information = 0.0, np.zeros(len(outcome)), []
    for sign, side in ((1.0, treated), (-1.0, ~treated)):
        own = _centred(effect[side], weight[side], fold[side])
        spread = weight[side] @ own**2
        if not spread > 0:
            return np.nan, influence, 0.0
        rest = _centred(outcome[side], weight[side], fold[side])
        slope = weight[side] @ (own * rest) / spread
        total += sign * slope
        influence[side] = sign * weight[side] * own * (rest - slope * own) / spread
        information.append(spread / weight[side].max())
    return total, influence, min(information)


def _fitted_base(outcome, base, weight, cell):
    """Return the part of outcomes that follows from the base, within cells of fold and arm."""
    own = _centred(base, weight, cell)
    spread = weight @ own**2
    return own * (weight @ (own * outcome) / spread) if spread > 0 else np.zeros(len(base))


def _centred(values, weight, cell):
    """Return values less their weighted means in cells, and zeros where they are the same."""
    total = np.bincount(cell, weight)
    mean = np.bincount(cell, weight * values) / np.where(total > 0, total, 1.0)
    centred = values - mean[cell]
    return np.where(np.abs(centred).max() > _ROUNDING * np.abs(values).max(), centred, 0.0)


def _error(contribution):
    """Return the standard error of a sum of independent contributions."""
    n_units = np.count_nonzero(contribution)
    if n_units < 2:
        return np.nan
    return float(np.sqrt(n_units / (n_units - 1) * contribution @ contribution))
