"""Propensities where the odds of the arms differ between strata."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _num_samples

from sklearn_hrc._compat import validate_params
from sklearn_hrc._experiment import check_sample_weight
from sklearn_hrc._labels import check_labels, check_treatments
from sklearn_hrc._tables import check_aligned
from sklearn_hrc._warning import warn
from sklearn_hrc.exceptions import OverlapWarning

__all__ = ["stratum_propensity"]


@validate_params(
    {
        "treatment": ["array-like"],
        "strata": ["array-like"],
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def stratum_propensity(
    treatment: ArrayLike,
    strata: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the share of each row's arm in its stratum, to be passed as `propensity`.

    The odds of the arms may differ between strata, such as sites, days or two lotteries. If
    outcomes differ between strata, too, the shares of all rows make estimates biased. The shares
    in the strata do not. Strata are what the draw was made in, not what rows happen to have in
    common. Join several columns to one label.

    Parameters
    ----------
    treatment : array-like of shape (n_samples,)
        Received arm.
    strata : array-like of shape (n_samples,)
        Label of the stratum of each row.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the rows.

    Returns
    -------
    propensity : ndarray of shape (n_samples,)
        Share of the stratum's total weight that received the arm of the row, in (0, 1]. Where
        this arm has no weight in the stratum, it is the share of the rows.

    Raises
    ------
    ValueError
        If there is a single treatment, or no stratum has more than one.

    Warns
    -----
    OverlapWarning
        If an arm does not occur in a stratum, as happens in tiny strata. Nothing is known of
        this arm there, and estimates leave the stratum out of the arm's mean.

    See Also
    --------
    check_randomisation : Whether these propensities explain who received what.

    Examples
    --------
    >>> from sklearn_hrc.metrics import stratum_propensity
    >>> stratum_propensity([0, 1, 0, 1, 1, 1], ["a", "a", "b", "b", "b", "b"]).tolist()
    [0.5, 0.5, 0.25, 0.75, 0.75, 0.75]
    """
    check_aligned({"treatment": treatment, "strata": strata, "sample_weight": sample_weight})
    n_samples = _num_samples(treatment)
    labels = check_labels(treatment, n_samples)
    treatments = check_treatments(labels, known_treatments=None, min_treatments=2)
    names, stratum = np.unique(check_labels(strata, n_samples, "strata"), return_inverse=True)
    weight = check_sample_weight(sample_weight, n_samples)
    shape = (len(names), len(treatments))
    cell = stratum * shape[1] + np.searchsorted(treatments, labels)
    rows = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    _check_cells(rows, names.tolist(), treatments.tolist())
    share = _shares(rows).ravel()[cell]
    weighted = _shares(np.bincount(cell, weight, rows.size).reshape(shape)).ravel()[cell]
    return np.where(weighted > 0, weighted, share)


def _shares(cells):
    """Return the share of each treatment in its stratum, (n_strata, n_treatments)."""
    total = cells.sum(axis=1, keepdims=True)
    return cells / np.where(total > 0, total, 1.0)


def _check_cells(rows, names, treatments):
    """Warn where a stratum lacks a treatment, and raise where every stratum has only one."""
    missing = rows == 0
    if (missing.sum(axis=1) == len(treatments) - 1).all():
        raise ValueError(
            "strata is expected to have strata with rows of several treatments, got "
            f"{len(names)} strata with a single treatment each."
        )
    lacking = missing.any(axis=1)
    if lacking.any():
        first = int(np.argmax(lacking))
        label = treatments[int(missing[first].argmax())]
        warn(
            f"strata is expected to have every treatment in each stratum, but in {lacking.sum()} "
            f"of {len(names)}, with {rows[lacking].sum() / rows.sum():.2g} of the rows, one does "
            f"not occur, the first {names[first]!r} without {label!r}: nothing is known of this "
            "treatment there; join small strata, or leave these rows out.",
            OverlapWarning,
        )
