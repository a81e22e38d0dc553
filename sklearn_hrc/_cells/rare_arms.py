"""Arms that few rows received: their effects are held back by their own error."""

import numpy as np

from sklearn_hrc._warning import warn
from sklearn_hrc.exceptions import RareTreatmentWarning

__all__ = ["hold_back", "mean_effects"]

# An arm with a smaller share of the rows than this part of an equal share is rare.
RARE = 0.2
# Its effect counts as far as it is larger than so many standard errors: an arm without
# effect passes in one experiment of 40.
ERRORS = 2.0


def mean_effects(estimates, sizes, control):
    """Return the mean effect of each arm on the response, and its standard error.

    Parameters
    ----------
    estimates : CellEstimates
        Response and cost of the cells.
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    control : int
        What effects are counted from.

    Returns
    -------
    effect, error : ndarray of shape (n_treatments,)
        Per individual; zero for control.
    """
    share = sizes / sizes.sum()
    effect = share @ (estimates.mean[..., 0] - estimates.mean[:, [control], 0])
    error = np.zeros(len(effect))
    for arm in range(len(effect)):
        contrast = np.zeros(estimates.mean.shape[:2])
        contrast[:, arm] += share
        contrast[:, control] -= share
        error[arm] = np.sqrt(max(estimates.total_covariance(contrast)[0, 0], 0.0))
    return effect, error


def hold_back(estimates, sizes, rows, control, treatments):
    """Shrink the effects of rare arms towards control, and warn where little is left.

    The effects of such an arm on the response are multiplied by `1 - (2 error / effect)**2` of its
    mean effect, or by zero where that is negative, in the form of James and Stein (1961). The
    arms that many rows received stay as they are.

    Parameters
    ----------
    estimates : CellEstimates
        Response and cost of the cells.
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    rows : ndarray of shape (n_treatments,), int
        Rows that received each arm.
    control : int
        What effects are counted from.
    treatments : ndarray of shape (n_treatments,)
        Labels.

    Returns
    -------
    estimates : CellEstimates
        Errors are as before.

    Warns
    -----
    RareTreatmentWarning
        If the mean effect of a rare arm, or of every arm where control is rare, is smaller than
        twice its standard error.
    """
    rare = rows < RARE * rows.sum() / len(rows)
    if not rare.any():
        return estimates
    effect, error = mean_effects(estimates, sizes, control)
    error = ERRORS * error
    # An error that is not known is one that nothing is beside.
    unknown = ~np.isfinite(error)
    kept = np.where(unknown | (np.abs(effect) <= error), 0.0, 1.0)
    certain = ~unknown & (kept > 0) & (error > 0)
    kept[certain] = 1 - (error[certain] / effect[certain]) ** 2
    kept[control] = 1.0
    for arm in np.flatnonzero(rare & (kept == 0)):
        told = _told(treatments[arm], rows[arm], effect[arm], error[arm] / ERRORS)
        warn(told, RareTreatmentWarning)
    others = np.arange(len(rows)) != control
    if rare[control] and not np.any(np.abs(effect[others]) > error[others]):
        warn(
            f"control {treatments[control]!s} was received by {rows[control]} rows only, so that "
            "the mean effect of every treatment is smaller than twice its standard error.",
            RareTreatmentWarning,
        )
    mean = estimates.mean.copy()
    base = mean[:, [control], 0]
    mean[..., 0] = base + np.where(rare, kept, 1.0) * (mean[..., 0] - base)
    return estimates._replace(mean=mean)


def _told(label, rows, effect, error):
    return (
        f"treatment {label!s} was received by {rows} rows only: its mean effect on the response "
        f"per individual, {effect:.4g}, is smaller than twice its standard error, {error:.4g}, so "
        "that it counts as none; leave the arm out, or give it to more individuals."
    )
