"""Who may get which arm, and the best arm of those that one may get."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = [
    "allowed_matrix",
    "allowed_one",
    "best_allowed",
    "labels_of_one",
    "labels_of_rows",
    "masks_of",
]


def allowed_one(eligible: Collection[Any] | None, treatments: list[Any]) -> list[bool] | None:
    """Return whether one individual may get each arm, None where all are allowed."""
    if eligible is None:
        return None
    # An iterator can be read once only, so its labels are kept.
    labels = eligible if isinstance(eligible, str) else list(eligible)
    if isinstance(labels, str) or (unknown := [e for e in labels if e not in treatments]):
        found = labels if isinstance(labels, str) else unknown
        raise ValueError(
            f"eligible is expected to hold labels of treatments {treatments}, got {found!r}."
        )
    if not labels:
        raise ValueError("eligible is expected to hold a treatment at least, got none.")
    return [label in labels for label in treatments]


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


def labels_of_one(allowed: Sequence[bool] | None, treatments: list[Any]) -> tuple[Any, ...] | None:
    """Return the labels that one individual may get, None where all are allowed."""
    if allowed is None or all(allowed):
        return None
    return tuple(label for label, may in zip(treatments, allowed) if may)


def labels_of_rows(
    masks: Mapping[Any, np.ndarray] | None, n_rows: int
) -> list[tuple[Any, ...] | None]:
    """Return the labels that each row may get, None where all are allowed."""
    if masks is None:
        return [None] * n_rows
    return [labels_of_one(row, list(masks)) for row in zip(*masks.values())]


def masks_of(allowed: np.ndarray | None, treatments: list[Any]) -> dict[Any, np.ndarray] | None:
    """Return which rows may get each treatment, None where all are allowed."""
    if allowed is None or allowed.all():
        return None
    return dict(zip(treatments, allowed.T.copy()))


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
