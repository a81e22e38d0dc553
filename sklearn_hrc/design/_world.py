"""What is taken for true while experiments are simulated."""

from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc._cells.estimates import CellEstimates
from sklearn_hrc.design._noise import NormalNoise, ValueNoise

__all__ = ["World", "draw_means", "exact_estimates"]


class World(NamedTuple):
    """Individuals, arms and their outcomes.

    Attributes
    ----------
    treatments : ndarray of shape (n_treatments,)
        Labels.
    control : int
        Index of control.
    sizes : ndarray of shape (n_clusters,)
        Shares of the clusters, which sum to 1.
    estimates : CellEstimates
        Mean response and cost of each cell, and their errors, which are zero where means are
        assumed.
    noise : NormalNoise or ValueNoise
        How rows scatter about the mean of their cell.
    budget : float
        Mean cost per individual.
    design_effect : float
        Rows that are worth one independent row.
    from_pilot : bool
        Whether the means come from a pilot.
    left_out : tuple of str
        What the policy of a pilot keeps and simulated plans do not.
    """

    treatments: np.ndarray
    control: int
    sizes: np.ndarray
    estimates: CellEstimates
    noise: NormalNoise | ValueNoise
    budget: float
    design_effect: float = 1.0
    from_pilot: bool = False
    left_out: tuple[Any, ...] = ()


def exact_estimates(mean):
    """Return means of cells, (n_clusters, n_treatments, 2), as estimates without errors."""
    n_treatments = mean.shape[1]
    return CellEstimates(
        mean, np.zeros((n_treatments, 2, 2)), np.zeros((*mean.shape, 2)), np.zeros((*mean.shape, 0))
    )


def draw_means(estimates, rng):
    """Draw means that the truth may be, given estimates and their errors.

    Parameters
    ----------
    estimates : CellEstimates
        Means with errors of arms' levels, factors and cells.
    rng : Generator
        Draws normal errors.

    Returns
    -------
    mean : ndarray of shape (n_clusters, n_treatments, 2)
        Response and cost. No cost is below both zero and the smallest estimate.
    """
    mean, shared, own, factors = estimates
    drawn = mean + _errors(shared, rng) + _errors(own, rng)
    drawn = drawn + factors @ rng.standard_normal(factors.shape[-1])
    drawn[..., 1] = np.maximum(drawn[..., 1], min(mean[..., 1].min(), 0.0))
    return drawn


def _errors(covariance, rng):
    """Draw a pair of errors for each covariance, of shape (..., 2)."""
    values, vectors = np.linalg.eigh(covariance)
    normal = np.sqrt(np.maximum(values, 0.0)) * rng.standard_normal(values.shape)
    return np.einsum("...ab,...b->...a", vectors, normal)
