"""Shrinkage of the effects of arms that few rows received."""

import numpy as np

from sklearn_hrc._warning import warn
from sklearn_hrc.exceptions import RareTreatmentWarning

__all__ = ["hold_back", "mean_effects"]

# An arm is rare if its share of the rows is below this part of an equal share.
RARE = 0.2
# The effect of a rare arm counts as far as it exceeds this many standard errors. An arm without
# effect then passes in one experiment of 40.
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
        Index of the arm that effects are counted from.

    Returns
    -------
    effect, error : ndarray of shape (n_treatments,)
        Effect and error per individual, zero for control.
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
    """Shrink the effects of rare arms towards control, and warn where none is left.

    All effects of a rare arm on the response are multiplied by `1 - (2 error / effect)**2`, with
    the mean effect of the arm and its standard error. A negative factor becomes zero. The factor
    has the form of James and Stein (1961). Arms that many rows received stay as they are.

    Parameters
    ----------
    estimates : CellEstimates
        Response and cost of the cells.
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    rows : ndarray of shape (n_treatments,), int
        Number of rows that received each arm.
    control : int
        Index of the arm that effects are counted from.
    treatments : ndarray of shape (n_treatments,)
        Labels.

    Returns
    -------
    estimates : CellEstimates
        Estimates with shrunken effects and the errors as before.

    Warns
    -----
    RareTreatmentWarning
        If the mean effect of a rare arm is smaller than twice its standard error, or that of
        every arm if control is rare.
    """
    rare = rows < RARE * rows.sum() / len(rows)
    if not rare.any():
        return estimates
    effect, error = mean_effects(estimates, sizes, control)
    error = ERRORS * error
    # An unknown error counts as infinite.
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
