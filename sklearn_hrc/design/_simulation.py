"""Experiments of rising size, drawn, planned on and judged as a real one would be."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc.design._cell_means import pooled_means
from sklearn_hrc.design._judging import actual_sums, measured_gain
from sklearn_hrc.design._plans import plan_shares, true_gain
from sklearn_hrc.design._world import draw_means
from sklearn_hrc.evaluation._valuation import level_reach

__all__ = ["Simulated", "Trial", "simulate"]


class Trial(NamedTuple):
    """How an experiment is made and judged.

    Attributes
    ----------
    rows : ndarray of shape (n_sizes,), int
        Independent rows, in rising order.
    arm_shares : ndarray of shape (n_treatments,)
        Chances of the arms.
    rule : str
        What the policy has to beat.
    n_folds : int or None
        Folds of the cross-fit. None learns from one half and judges on the other.
    draw_effects : bool
        Draw the truth of each simulation from the errors of the estimates.
    """

    rows: np.ndarray
    arm_shares: np.ndarray
    rule: str
    n_folds: int | None
    draw_effects: bool


class Simulated(NamedTuple):
    """What simulated experiments found, each an array of shape (n_simulations, n_sizes).

    Attributes
    ----------
    told : ndarray
        Whether the interval of the difference is above zero.
    width : ndarray
        Width of the interval.
    gain, cost : ndarray
        What the plan of all rows truly brings more than the rule at equal spend, and its cost.
    possible : ndarray of shape (n_simulations,)
        What the plan brings more if the truth is known.
    """

    told: np.ndarray
    width: np.ndarray
    gain: np.ndarray
    cost: np.ndarray
    possible: np.ndarray


def simulate(world, trial, n_simulations, rng):
    """Simulate experiments.

    Within a simulation a larger experiment has the rows of the smaller ones, so that sizes are
    compared with the same luck.

    Parameters
    ----------
    world : World
        What is true.
    trial : Trial
        How experiments are made.
    n_simulations : int
        Number of experiments of each size.
    rng : Generator
        Draws everything.

    Returns
    -------
    found : Simulated
        Arrays.
    """
    shape = n_simulations, len(trial.rows)
    shape = n_simulations, len(trial.rows)
    found = Simulated(*(np.empty(shape) for _ in range(4)), np.empty(n_simulations))
    for number in range(n_simulations):
        truth = draw_means(world.estimates, rng) if trial.draw_effects else world.estimates.mean
        best = plan_shares(truth, world.sizes, world.budget)
        found.possible[number] = true_gain(best, world, truth, trial.rule)[0]
        train, test = _parts(_draw_rows(world, trial, rng), trial.n_folds)
        plans = _plans(train, truth, world.budget)
        for size, plan in enumerate(plans):
            parts = actual_sums(test[size], truth), actual_sums(train[size, :-1], truth)
            how = world.budget, trial.rule, world.control
            difference, error = measured_gain(*parts, plan[:-1], *how)
            reach = level_reach() * error
            place = number, size
            found.told[place], found.width[place] = difference > reach, 2 * reach
            found.gain[place], found.cost[place] = true_gain(plan[-1], world, truth, trial.rule)
    return found


def _draw_rows(world, trial, rng):
    """Return sums of rows, (n_sizes, n_folds, n_clusters, n_treatments, 6), or of two halves."""
    chance = world.sizes[:, None] * trial.arm_shares
    further = np.diff(trial.rows, prepend=0)[:, None]
    n_folds = trial.n_folds or 2
    in_fold = further // n_folds + (np.arange(n_folds) < further % n_folds)
    counts = rng.multinomial(in_fold, chance.ravel()).reshape(*in_fold.shape, *chance.shape)
    return world.noise.draw(counts, rng).cumsum(axis=0)


def _parts(sums, n_folds):
    """Return the sums of training parts, with all rows as the last one, and of test parts."""
    everything = sums.sum(axis=1, keepdims=True)
    test = sums[:, 1:] if n_folds is None else sums
    return np.concatenate([everything - test, everything], axis=1), test


def _plans(train, truth, budget):
    """Return the plan of each training part, (n_sizes, n_parts, n_clusters, n_treatments)."""
    flat = train.reshape(-1, *train.shape[2:])
    sizes = flat[..., 0].sum(axis=2)
    plans = [
        plan_shares(mean, size / size.sum(), budget)
        for mean, size in zip(pooled_means(flat, truth), sizes)
    ]
    return np.reshape(plans, train.shape[:-1])
