"""A world of assumed effects, for those who have no experiment yet."""

from numbers import Real

import numpy as np

from sklearn_hrc._experiment import as_numbers
from sklearn_hrc._labels import as_labelled
from sklearn_hrc._parameters import as_finite, resolve_arm_cost, resolve_control
from sklearn_hrc.design._noise import NormalNoise, values_by_cell, zero_or_gamma
from sklearn_hrc.design._world import World, exact_estimates
from sklearn_hrc.exceptions import BudgetError

__all__ = ["assumed_world", "check_budget"]

# A deviation that is below the least possible one by this share is rounding.
_ROUNDING = 1e-9


def assumed_world(effects, *, sizes, noise, zeros, cost, budget, control):
    """Return a world whose means are taken as they are given.

    Parameters
    ----------
    effects, sizes, noise, zeros, cost, budget, control : array-like and so on
        As in `design_experiment`.

    Returns
    -------
    world : World
        Segments are its clusters.
    """
    response, treatments = _responses(effects)
    place = resolve_control(control, treatments)
    shares = _shares(sizes, len(response))
    if cost is None:
        raise ValueError(
            "cost is expected to have the mean cost of each arm where effects is given, got None."
        )
    mean = np.stack([response, _costs(cost, response, treatments)], axis=-1)
    if budget is None:
        raise ValueError("budget is expected where effects is given, got None.")
    budget = check_budget(budget, mean[..., 1], shares)
    scatter = _noise(response, noise, zeros)
    return World(treatments, place, shares, exact_estimates(mean), scatter, budget)


def check_budget(budget, cost, sizes):
    """Return a budget that pays for the cheapest plan.

    Parameters
    ----------
    budget : float
        Mean cost per individual.
    cost : ndarray of shape (n_clusters, n_treatments)
        Mean cost of each cell.
    sizes : ndarray of shape (n_clusters,)
        Shares of the clusters.
    """
    budget, cheapest = as_finite(budget, "budget"), float(sizes @ cost.min(axis=1))
    if budget < cheapest - 1e-9 * abs(cheapest):
        raise BudgetError(
            "budget is expected to be at least the mean cost of the cheapest plan, "
            f"{cheapest:g}, got {budget:g}."
        )
    return budget


def _responses(effects):
    """Return mean responses of the cells, and the labels of the arms."""
    response = as_numbers(effects, "effects")
    if response.ndim != 2 or not len(response) or response.shape[1] < 2:
        raise ValueError(
            "effects is expected to have a row for each segment and a column for each of at least "
            f"two arms, got an array of shape {response.shape}."
        )
    labels = getattr(effects, "columns", np.arange(response.shape[1]))
    treatments = np.asarray(list(labels))
    if len(np.unique(treatments)) < len(treatments):
        raise ValueError(f"effects is expected to name each arm once, got {treatments.tolist()}.")
    return response, treatments


def _shares(sizes, n_segments):
    """Return the shares of the segments, which are equal where no sizes are given."""
    if sizes is None:
        return np.full(n_segments, 1 / n_segments)
    shares = as_numbers(sizes, "sizes")
    if shares.shape != (n_segments,) or (shares < 0).any() or not shares.sum() > 0:
        raise ValueError(
            f"sizes is expected to have a share of at least 0 for each of the {n_segments} "
            f"segments of effects and a positive total, got {shares.tolist()}."
        )
    return shares / shares.sum()


def _costs(cost, response, treatments):
    """Return the mean cost of each cell. Costs of arms hold for every segment."""
    # The order of the columns of effects is that of the arms.
    labelled = as_labelled(cost, treatments, "cost", ordered=True)
    costs = (
        resolve_arm_cost(cost, treatments, ordered=True) if labelled else as_numbers(cost, "cost")
    )
    if costs.shape not in (response.shape, response.shape[1:]):
        raise ValueError(
            f"cost is expected to have the shape of effects, {response.shape}, or an entry for "
            f"each of its {len(treatments)} arms, got an array of shape {costs.shape}."
        )
    return np.broadcast_to(costs, response.shape)


def _noise(response, noise, zeros):
    """Return how rows scatter about the means of their cells."""
    if isinstance(noise, str):
        if noise != "chance" or zeros is not None:
            raise ValueError(
                'noise is expected to be a standard deviation, or "chance" without zeros for '
                f"outcomes of 0 and 1, got {noise!r} and zeros={zeros!r}."
            )
        if not ((response > 0) & (response < 1)).all():
            raise ValueError(
                'effects is expected to hold chances between 0 and 1 for noise="chance", got '
                f"values from {response.min():g} to {response.max():g}."
            )
        return _values(response, np.sqrt(response * (1 - response)), 1 - response)
    deviation = _by_cell(noise, response, "noise")
    if not (deviation > 0).all():
        raise ValueError(
            f"noise is expected to be a positive standard deviation, got {deviation.min():g}."
        )
    if zeros is None:
        return NormalNoise(deviation)
    return _values(response, deviation, _checked_zeros(response, deviation, zeros))


def _checked_zeros(response, deviation, zeros):
    """Return the share of zeros of each cell, which leaves room for the deviation."""
    zeros = _by_cell(zeros, response, "zeros")
    if not ((zeros >= 0) & (zeros < 1)).all():
        raise ValueError(
            "zeros is expected to be in [0, 1), the share of individuals whose response is zero, "
            f"got values from {zeros.min():g} to {zeros.max():g}."
        )
    if not (response > 0).all():
        raise ValueError(
            f"effects is expected to be positive where zeros is given, got {response.min():g}."
        )
    least = response * np.sqrt(zeros / (1 - zeros))
    if (deviation < least * (1 - _ROUNDING)).any():
        place = int((deviation - least).argmin())
        raise ValueError(
            f"noise is expected to be at least {least.flat[place]:g} where a share of "
            f"{zeros.flat[place]:g} of the responses is zero, got {deviation.flat[place]:g}."
        )
    return zeros


def _by_cell(values, response, name):
    """Return a number, an entry for each arm or one for each cell, by cell."""
    array = as_numbers([values] if isinstance(values, Real) else values, name)
    if array.shape not in ((1,), response.shape, response.shape[1:]):
        raise ValueError(
            f"{name} is expected to be a number, or to have the shape of effects, "
            f"{response.shape}, or an entry for each arm, got an array of shape {array.shape}."
        )
    return np.broadcast_to(array, response.shape)


def _values(response, deviation, zeros):
    cells = [
        [zero_or_gamma(*cell) for cell in zip(*segment)]
        for segment in zip(response.tolist(), deviation.tolist(), zeros.tolist())
    ]
    return values_by_cell(cells)
