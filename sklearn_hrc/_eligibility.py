"""Who on a list may get which arm, and who gets the same one."""

from collections.abc import Mapping

import numpy as np

from sklearn_hrc._labels import check_labels
from sklearn_hrc._tables import as_booleans, check_aligned

__all__ = [
    "apply_rules",
    "check_eligible",
    "check_units",
    "only_control",
    "stand_ins",
    "units_allowed",
]


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


def apply_rules(allowed, rules, treatments, X):
    """Take arms away from people by rules that speak of their features.

    Parameters
    ----------
    allowed : ndarray of shape (n_samples, n_treatments), bool
        Changed in place.
    rules : list of Rule
        Those that are not for lists have no part in it.
    treatments : ndarray of shape (n_treatments,)
        Labels.
    X : array-like
        The list.
    """
    for rule in rules:
        if rule.is_for_lists:
            allowed[np.ix_(rule.rows(X, len(allowed)), rule.columns(treatments))] = False
            _check_left(allowed, f"{rule.name} on the list", "row {}", None)


def only_control(allowed, unknown, control, label):
    """Leave nothing but control to people whose cluster the policy does not know.

    Parameters
    ----------
    allowed : ndarray of shape (n_samples, n_treatments), bool
        Changed in place.
    unknown : ndarray of shape (n_samples,), bool
        Who they are.
    control : int
        Index of control.
    label : label
        Label of control, for the error.
    """
    allowed[unknown] &= np.arange(allowed.shape[1]) == control
    if not allowed[unknown, control].all():
        row = int(np.flatnonzero(unknown & ~allowed[:, control])[0])
        raise ValueError(
            f"eligible is expected to allow control, {label!s}, where the policy does "
            f"not know the cluster of a row, got row {row} without."
        )


def check_units(same_arm_within, n_samples, X):
    """Return who gets the same arm.

    Parameters
    ----------
    same_arm_within : array-like of shape (n_samples,), str or None
        As in `plan_list`.
    n_samples : int
        Rows of the list.
    X : array-like
        The list.

    Returns
    -------
    unit : ndarray of shape (n_samples,), int
        Unit of each row: 0, 1, ...
    labels : ndarray of shape (n_units,)
        Labels of the units.
    """
    if same_arm_within is None:
        return np.arange(n_samples), np.arange(n_samples)
    if isinstance(same_arm_within, str):
        if not hasattr(X, "columns") or same_arm_within not in X.columns:
            raise ValueError(
                "same_arm_within is expected to name a column of X or to hold a label for each "
                f"row, got {same_arm_within!r}."
            )
        same_arm_within = X[same_arm_within]
    check_aligned({"X": X, "same_arm_within": same_arm_within})
    labels = check_labels(same_arm_within, n_samples, "same_arm_within")
    labels, unit = np.unique(labels, return_inverse=True)
    return unit, labels


def units_allowed(allowed, unit, labels):
    """Return the arms that all members of a unit may get.

    Parameters
    ----------
    allowed : ndarray of shape (n_samples, n_treatments), bool
        Arms of each row.
    unit : ndarray of shape (n_samples,), int
        Unit of each row: 0, 1, ...
    labels : ndarray of shape (n_units,)
        Labels of the units.

    Returns
    -------
    allowed : ndarray of shape (n_units, n_treatments), bool
        At least one arm of each unit.
    """
    order = np.argsort(unit, kind="stable")
    first = np.flatnonzero(np.diff(unit[order], prepend=-1))
    allowed = np.logical_and.reduceat(allowed[order], first, axis=0)
    _check_left(allowed, "same_arm_within", "household {!r}", labels)
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
    mask = as_booleans(values)
    if mask.shape != shape:
        raise ValueError(f"eligible is expected to have the shape {shape}, got {mask.shape}.")
    if mask.dtype != bool:
        raise ValueError(f"eligible is expected to hold True and False, got {mask.dtype}.")
    return mask


def _check_left(allowed, name, unit, names):
    """Refuse people without any arm."""
    nothing = np.flatnonzero(~allowed.any(axis=1))
    if len(nothing):
        first = nothing[0] if names is None else names[nothing[0]]
        raise ValueError(
            f"{name} is expected to leave everybody an arm that eligible and the rules allow, got "
            f"{len(nothing)} without, the first is {unit.format(first.item())}; allow control."
        )
