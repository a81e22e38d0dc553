"""How far held-out rows bear out the expected differences between individuals.

For a task and the rows that received arm `j`, the outcome is regressed on two predictions by
models that did not see the row: what the arms have in common for the individual, and what arm
`j` adds. The slope of the second is 1 if expected effects differ between individuals as true
effects do. It is 0 if the expected differences are noise. An arm that does the same for everybody
has only a level and no slope.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._chunks import chunks
from sklearn_hrc._predictor.encoding import encode
from sklearn_hrc._predictor.stack import combine
from sklearn_hrc._predictor.tasks import to_outcomes

__all__ = ["EffectSlopes", "describe_slopes", "effect_slopes", "held_out_outcomes"]

# Effects that vary less than this share of the expected base count as constant.
ROUNDING = 1e-6
# A slope is called borne out from this many standard errors above zero.
CERTAIN = 2.0
SLOPE_ROWS = 8192


class EffectSlopes(NamedTuple):
    """Slopes of held-out outcomes on expected effects.

    Attributes
    ----------
    slope, error : ndarray of shape (n_treatments, n_tasks)
        Slope in the rows of each arm and its standard error. NaN where an arm is expected to
        add the same for everybody.
    overall_slope, overall_error : ndarray of shape (n_tasks,)
        One slope for all arms.
    """

    slope: np.ndarray
    error: np.ndarray
    overall_slope: np.ndarray
    overall_error: np.ndarray


def held_out_outcomes(rows, members, stack):
    """Return the expected outcomes of held-out rows, by models that did not see them.

    Parameters
    ----------
    rows : TrainingRows
        Rows in folds.
    members : list
        Fitted members.
    stack : Stack
        Weights of the members.

    Returns
    -------
    index : ndarray of shape (n_held_out,), int
        The held-out rows.
    base, effect : ndarray of shape (n_held_out, n_tasks)
        Mean of the expected outcomes over the arms, and what the received arm adds to this mean.
    """
    index = np.flatnonzero(rows.fold < rows.n_models)
    n_tasks = len(rows.components.low)
    base, effect = np.empty((2, len(index), n_tasks))
    for chunk in chunks(len(index), SLOPE_ROWS):
        own = index[chunk]
        place = np.arange(len(own))
        columns = encode(rows.features[own], rows.encoding)
        # Each row has the links of the model that did not see it.
        links = [member.links(columns)[rows.fold[own], place] for member in members]
        outcomes = to_outcomes(combine(links, stack), rows.components)
        base[chunk] = outcomes.mean(axis=1)
        effect[chunk] = outcomes[place, rows.arm[own]] - base[chunk]
    return index, base, effect


def effect_slopes(base, effect, outcomes, arm, weight, groups, n_treatments):
    """Regress outcomes on expected effects.

    Parameters
    ----------
    base, effect, outcomes : ndarray of shape (n_samples, n_tasks)
        Expected base, expected effect of the received arm, and observed outcomes.
    arm : ndarray of shape (n_samples,), int
        Received arm.
    weight : ndarray of shape (n_samples,)
        Positive weights.
    groups : ndarray of shape (n_samples,), int, or None
        Groups of rows. Rows of a group are not independent.
    n_treatments : int
        Number of arms.

    Returns
    -------
    slopes : EffectSlopes
        Slopes, with standard errors that hold whatever the variances of the rows (HC0, by groups).
    """
    n_tasks = base.shape[1]
    slope, error = np.full((2, n_treatments, n_tasks), np.nan)
    overall, overall_error = np.full((2, n_tasks), np.nan)
    groups = np.arange(len(arm)) if groups is None else groups
    for task in range(n_tasks):
        own, outcome = np.zeros((2, len(arm)))
        for j in range(n_treatments):
            received = np.flatnonzero(arm == j)
            columns = [part[received, task] for part in (base, effect, outcomes)]
            own[received], outcome[received] = _beside_base(*columns, weight[received])
            rows = own[received], outcome[received], weight[received], groups[received]
            slope[j, task], error[j, task] = _slope(*rows)
        overall[task], overall_error[task] = _slope(own, outcome, weight, groups)
    return EffectSlopes(slope, error, overall, overall_error)


def describe_slopes(slopes, names):
    """Return a sentence for each task whose effects may differ between individuals.

    Parameters
    ----------
    slopes : EffectSlopes
        As fitted.
    names : list of str
        Names of the tasks.

    Returns
    -------
    sentences : list of str
        In the order of the tasks.
    """
    sentences = []
    for name, slope, error in zip(names, slopes.overall_slope, slopes.overall_error):
        if np.isnan(slope):
            sentences.append(f"{name}: the arms are expected to do the same for everybody.")
        elif slope < CERTAIN * error:
            sentences.append(
                f"{name}: held-out rows do not bear out that the arms do more for some than for "
                f"others (slope {slope:.2f} +- {error:.2f}, 1 if it is as expected)."
            )
        else:
            sentences.append(
                f"{name}: held-out rows bear out that the arms do more for some than for others "
                f"(slope {slope:.2f} +- {error:.2f}, 1 if it is as expected)."
            )
    return sentences


def _beside_base(base, effect, outcome, weight):
    """Effect and outcome less their weighted regressions on the base."""
    # By Frisch, Waugh and Lovell the slope on these residuals is that of the full regression.
    if not len(base):
        return effect, outcome
    root = np.sqrt(weight)[:, None]
    design = np.column_stack([np.ones(len(base)), base])
    both = np.column_stack([effect, outcome])
    fitted = design @ np.linalg.lstsq(root * design, root * both, rcond=None)[0]
    own, outcome = (both - fitted).T
    scale = np.abs(effect).max() + np.abs(base).max()
    return np.where(np.abs(own).max() > ROUNDING * scale, own, 0.0), outcome


def _slope(own, outcome, weight, groups):
    """Slope through the origin and its standard error."""
    information = weight @ own**2
    if not information > 0:
        return np.nan, np.nan
    slope = weight @ (own * outcome) / information
    # Scores of a group are summed before they are squared, since its rows are not independent.
    scores = np.bincount(groups, weight * own * (outcome - slope * own))
    return slope, np.sqrt(scores @ scores) / information
