"""Draws of the errors that estimates of cells may have."""

import numpy as np

__all__ = ["draw_errors"]


def draw_errors(estimates, rng):
    """Draw errors of all cells together.

    Parameters
    ----------
    estimates : CellEstimates
        Means and errors.
    rng : RandomState
        Source of the draws.

    Returns
    -------
    error : ndarray of shape (n_clusters, n_treatments, 2)
        Errors of response and cost, with the covariances that the estimates say: a level of each
        arm, factors that move many cells, and an error of each cell.
    """
    n_clusters, n_arms = estimates.mean.shape[:2]
    own = np.einsum(
        "kjab,kjb->kja", _roots(estimates.own), rng.normal(size=(n_clusters, n_arms, 2))
    )
    level = np.einsum("jab,jb->ja", _roots(estimates.shared), rng.normal(size=(n_arms, 2)))
    factors = estimates.factors @ rng.normal(size=estimates.factors.shape[-1])
    return own + level + factors


def _roots(covariances):
    """Square roots of covariance matrices, also of those without full rank."""
    values, vectors = np.linalg.eigh(covariances)
    return vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
