"""Folds that hold out every row once, and have every arm in each training part."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv

__all__ = ["check_folds"]


def check_folds(cv, experiment, groups, random_state):
    """Return folds that hold out each row once, with every arm in each training part.

    Parameters
    ----------
    cv : int, splitter or iterable
        As in `cross_fit_outcomes`.
    experiment : Experiment
        Checked rows.
    groups : ndarray of shape (n_samples,) or None
        Checked labels of rows that an integer keeps together.
    random_state : int, RandomState instance or None
        Draws the folds of an integer.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Indices of the training and of the test part.
    """
    n_samples, n_arms = len(experiment.arm), len(experiment.treatments)
    cv = 5 if cv is None else cv
    if isinstance(cv, Integral):
        stratified = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = stratified(cv, shuffle=True, random_state=random_state)
    splits = check_cv(cv).split(np.zeros(n_samples), experiment.arm, groups)
    rows = np.arange(n_samples)
    folds = [(rows[train], rows[test]) for train, test in splits]
    tested = np.bincount(np.concatenate([test for _, test in folds]), minlength=n_samples)
    if (tested != 1).any():
        row = int(np.argmax(tested != 1))
        raise ValueError(
            "cv is expected to have every row in the test part of exactly one fold, got row "
            f"{row} in {tested[row]}."
        )
    for train, _ in folds:
        lacking = np.setdiff1d(np.arange(n_arms), experiment.arm[train])
        if len(lacking):
            raise ValueError(
                "cv is expected to have rows of every treatment in each training part, got one "
                f"without {experiment.treatments[lacking].tolist()}."
            )
    return folds
