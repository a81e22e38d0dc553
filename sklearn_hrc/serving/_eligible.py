"""Who may get which arm, and the best arm of those that one may get."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

__all__ = ["allowed_matrix", "allowed_one", "best_allowed"]


def allowed_one(eligible: Collection[Any] | None, treatments: list[Any]) -> list[bool] | None:
    """Return whether one individual may get each arm, None where all are allowed."""
    if eligible is None:
        return None
    if isinstance(eligible, str) or (unknown := [e for e in eligible if e not in treatments]):
        found = eligible if isinstance(eligible, str) else unknown
        raise ValueError(
            f"eligible is expected to hold labels of treatments {treatments}, got {found!r}."
        )
    if not eligible:
        raise ValueError("eligible is expected to hold a treatment at least, got none.")
    return [label in eligible for label in treatments]


def allowed_matrix(eligible: Any, treatments: list[Any], n_rows: int) -> np.ndarray | None:
    """Return whether each row may get each arm, None where all are allowed.

    Parameters
    ----------
    eligible : array-like of shape (n_rows, n_treatments) or dict or None
        Boolean columns in the order of the treatments, or a mask for some of them.
    treatments : list
        Labels.
    n_rows : int
        Number of rows.

    Returns
    -------
    allowed : ndarray of shape (n_rows, n_treatments), bool, or None
        At least one arm for each row.
    """
    if eligible is None:
        return None
    if isinstance(eligible, Mapping):
        allowed = np.ones((n_rows, len(treatments)), dtype=bool)
        for label, mask in eligible.items():
            if label not in treatments:
                raise ValueError(
                    f"eligible is expected to name treatments {treatments}, got {label!r}."
                )
            allowed[:, treatments.index(label)] = _mask(mask, (n_rows,))
    else:
        allowed = _mask(eligible, (n_rows, len(treatments)))
    nobody = ~allowed.any(axis=1)
    if nobody.any():
        raise ValueError(
            "eligible is expected to leave every row a treatment, got none in row "
            f"{int(np.argmax(nobody))}."
        )
    return allowed


def _mask(values, shape):
    mask = np.asarray(values)
    if mask.shape != shape or mask.dtype != bool:
        raise ValueError(
            f"eligible is expected to be boolean of shape {shape}, got {mask.dtype} of shape "
            f"{mask.shape}."
        )
    return mask


def best_allowed(worth: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Return the arm of the largest worth of those allowed, the first of equal ones.

    Parameters
    ----------
    worth : ndarray of shape (n_rows, n_treatments)
        Value less the price of the cost.
    allowed : ndarray of shape (n_rows, n_treatments), bool
        At least one arm for each row.

    Returns
    -------
    arm : ndarray of shape (n_rows,), int
        Index.
    """
    return np.where(allowed, worth, -np.inf).argmax(axis=1)
