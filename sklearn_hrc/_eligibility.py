"""Who may get which arm."""

from collections.abc import Mapping

import numpy as np

from sklearn_hrc._tables import check_aligned

__all__ = ["check_eligible", "stand_ins"]


def check_eligible(eligible, n_samples, treatments, X=None):
    """Return who may get which arm, as a matrix.

    Parameters
    ----------
    eligible : array-like of shape (n_samples, n_treatments), dict of masks, or None
        As in `plan_list`.
    n_samples : int
        Rows of the list.
    treatments : ndarray of shape (n_treatments,)
        Labels.
    X : array-like, default=None
        The list, for the index of its rows.

    Returns
    -------
    allowed : ndarray of shape (n_samples, n_treatments), bool
        At least one arm in each row.
    """
    labels = treatments.tolist()
    allowed = np.ones((n_samples, len(labels)), dtype=bool)
    if eligible is None:
        return allowed
    if isinstance(eligible, Mapping) or hasattr(eligible, "columns"):
        named = list(eligible.keys() if isinstance(eligible, Mapping) else eligible.columns)
        unknown = [name for name in named if name not in labels]
        if unknown:
            raise ValueError(f"eligible is expected to name treatments, {labels}, got {unknown}.")
        for name in named:
            check_aligned({"X": X, f"eligible of {name}": eligible[name]})
            allowed[:, labels.index(name)] = _mask(eligible[name], (n_samples,))
    else:
        allowed = _mask(eligible, allowed.shape)
    nothing = np.flatnonzero(~allowed.any(axis=1))
    if len(nothing):
        raise ValueError(
            f"eligible is expected to allow at least one treatment in each row, got {len(nothing)} "
            f"rows without, the first is row {int(nothing[0])}; allow control for these."
        )
    return allowed


def stand_ins(allowed, cost):
    """Return the arm that is meant where a block is given an arm that it may not get.

    The programme sees such an arm as a copy of the cheapest arm that is allowed, and loses nothing.

    Parameters
    ----------
    allowed : ndarray of shape (n_blocks, n_treatments), bool
        At least one arm in each row.
    cost : ndarray of shape (n_blocks, n_treatments)
        Expected cost.

    Returns
    -------
    stand_in : ndarray of shape (n_blocks, n_treatments), int
        The arm itself where it is allowed.
    """
    cheapest = np.where(allowed, cost, np.inf).argmin(axis=1)
    return np.where(allowed, np.arange(allowed.shape[1]), cheapest[:, None])


def _mask(values, shape):
    mask = np.asarray(values)
    if mask.shape != shape:
        raise ValueError(f"eligible is expected to have the shape {shape}, got {mask.shape}.")
    if mask.dtype != bool:
        raise ValueError(f"eligible is expected to hold True and False, got {mask.dtype}.")
    return mask
