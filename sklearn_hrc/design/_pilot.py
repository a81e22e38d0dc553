"""A world that is like a pilot: its clusters, its shrunken estimates and its outcomes."""

import numpy as np
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_hrc._allocator_rows import held_out_rows
from sklearn_hrc._cells.estimates import pooled_estimates
from sklearn_hrc._cells.moments import add, empty
from sklearn_hrc._cells.shrinkage import arm_moments
from sklearn_hrc._labels import check_groups
from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.design._assumed import check_budget
from sklearn_hrc.design._noise import LEAST_ROWS, values_by_cell
from sklearn_hrc.design._world import World

__all__ = ["pilot_world"]


def pilot_world(policy, X, y, given, budget):
    """Return a world that is like a pilot.

    Parameters
    ----------
    policy, X, y, budget : estimator, array-like and float
        As in `design_experiment`.
    given : dict
        `treatment`, `cost`, `propensity`, `sample_weight` and `groups`.

    Returns
    -------
    world : World
        Its clusters are those of the policy.
    """
    steps, last = unwrap_policy(policy, name="policy")
    check_is_fitted(last)
    allocator = last._fitted_allocator
    names = ("treatment", "cost", "propensity", "sample_weight")
    n_samples = _num_samples(X)
    experiment = held_out_rows(
        *(allocator, n_samples, y, *(given[name] for name in names)),
        aligned_with={"X": X, "groups": given["groups"]},
    )
    groups = check_groups(given["groups"], n_samples)
    cluster = last._locate(last._check_X(transform_through(steps, X)))[0]
    values = np.column_stack([experiment.outcomes[:, 0], experiment.cost])
    weight = experiment.sample_weight
    if experiment.propensity is not None:
        weight = weight / experiment.propensity
    shape = allocator.response_.shape
    # Rows of clusters that the policy never saw say nothing of its cells.
    known = (cluster >= 0) & (weight > 0)
    cell = (cluster * shape[1] + experiment.arm)[known]
    cells = add(empty(shape[0] * shape[1], 2), cell, values[known], weight[known])
    residuals = values[known] - cells.mean[cell]
    sizes = allocator.cluster_sizes_ / allocator.cluster_sizes_.sum()
    estimates = _shrunken(allocator, cells, shape)
    budget = allocator.budget_ if budget is None else budget
    return World(
        allocator.treatments_,
        allocator._control,
        sizes,
        estimates,
        values_by_cell(_values(cell, residuals, weight[known], shape)),
        check_budget(budget, estimates.mean[..., 1], sizes),
        _design_effect(residuals[:, 0], groups, experiment.arm, known),
        from_pilot=True,
        left_out=_left_out(allocator),
    )


def _shrunken(allocator, cells, shape):
    """Return estimates whose spread is not enlarged by their noise.

    Raw means of cells spread more than the truth does: what looks best is partly luck.
    """
    if allocator.estimation_ != "raw":
        return allocator._estimates
    level = np.broadcast_to(arm_moments(cells, shape[1]).mean, (*shape, 2))
    return pooled_estimates(cells, level, level)


def _values(cell, residuals, weight, shape):
    """Return residuals by cluster and arm. Cells of few rows have those of their arm."""
    n_clusters, n_treatments = shape
    arm = cell % n_treatments
    of_arm = [_equal_chances(residuals[arm == j], weight[arm == j]) for j in range(n_treatments)]
    count = np.bincount(cell, minlength=n_clusters * n_treatments).reshape(shape)

    def of_cell(k, j):
        if count[k, j] < LEAST_ROWS:
            return of_arm[j]
        own = cell == k * n_treatments + j
        # Deviations from their own mean are a little too small.
        return _equal_chances(residuals[own], weight[own]) * np.sqrt(1 + 1 / (count[k, j] - 1))

    return [[of_cell(k, j) for j in range(n_treatments)] for k in range(n_clusters)]


def _equal_chances(values, weight):
    """Return values with the mean zero that all have the same chance, as the weights say."""
    if np.ptp(weight) > 1e-9 * weight.max():
        n_values = max(4 * len(values), 1000)
        at = (np.arange(n_values) + 0.5) / n_values * weight.sum()
        values = values[np.minimum(np.searchsorted(np.cumsum(weight), at), len(values) - 1)]
    return values - values.mean(axis=0)


def _design_effect(residual, groups, arm, known):
    """Return how many rows are worth one independent row, by rows of a group with the same arm.

    It is the variance of sums by group as a multiple of what independent rows would have.
    """
    if groups is None:
        return 1.0
    unit = np.unique(groups * (arm.max() + 1) + arm, return_inverse=True)[1][known]
    square = np.square(residual).sum()
    if not square > 0:
        return 1.0
    return max(float(np.square(np.bincount(unit, residual)).sum() / square), 1.0)


def _left_out(allocator):
    """Name what the policy keeps beside its budget."""
    kept = {
        "rules": bool(len(allocator.rules)),
        "risk": allocator.risk != "mean",
        "goal": allocator.goal is not None,
    }
    return tuple(name for name, is_kept in kept.items() if is_kept)
