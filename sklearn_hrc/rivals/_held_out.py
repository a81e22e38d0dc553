"""Expected outcomes of rows by models that have not seen them."""

import numpy as np

__all__ = ["deal_folds", "expect_held_out", "rows_at"]


def expect_held_out(predictor, rows, n_folds, rng):
    """Expect response and cost of every row under every arm without its fold.

    Parameters
    ----------
    predictor : TwoStagePolicy
        Its models are fitted to the other folds of each fold, and are then those of the last.
    rows : ExperimentRows
        Rows.
    n_folds : int
        Number of folds.
    rng : RandomState
        Deals rows to folds, and seeds the models.

    Returns
    -------
    expected : ndarray of shape (2, n_samples, n_treatments), float64
        Responses and costs.
    """
    fold = deal_folds(rows.arm, rows.weight > 0, n_folds, rng, rows.unit)
    _check_arms(rows, fold)
    expected = np.empty((2, len(fold), rows.n_arms))
    for k in np.unique(fold):
        held_out = fold == k
        predictor._fit_models(rows_at(rows, ~held_out), rng)
        expected[:, held_out] = predictor._scores(rows.X[held_out])
    return expected


def deal_folds(arm, counts, n_folds, rng, unit=None):
    """Deal rows to folds, so that each fold has its share of every arm.

    Parameters
    ----------
    arm : ndarray of shape (n_samples,), intp
        Index of the received arm.
    counts : ndarray of shape (n_samples,), bool
        Whether the row has a weight. These rows are dealt first.
    n_folds : int
        Number of folds.
    rng : RandomState
        Source of the draws.
    unit : ndarray of shape (n_samples,), int, default=None
        Groups 0, 1, ... of rows that stay together. A group is dealt as its first row.

    Returns
    -------
    fold : ndarray of shape (n_samples,), intp
        Index of the fold of each row.
    """
    if unit is not None:
        first = np.unique(unit, return_index=True)[1]
        return deal_folds(arm[first], counts[first], n_folds, rng)[unit]
    order = np.lexsort((rng.permutation(len(arm)), ~counts, arm))
    fold = np.empty(len(arm), dtype=np.intp)
    fold[order] = np.arange(len(arm)) % n_folds
    return fold


def rows_at(rows, index):
    """Return some of the rows, with what is known of the arms from all rows.

    Parameters
    ----------
    rows : ExperimentRows
        Rows.
    index : ndarray
        Which of them.

    Returns
    -------
    rows : ExperimentRows
        These rows.
    """
    columns = ("X", "arm", "response", "cost", "weight", "inverse")
    unit = None if rows.unit is None else np.unique(rows.unit[index], return_inverse=True)[1]
    return rows._replace(**{name: getattr(rows, name)[index] for name in columns}, unit=unit)


def _check_arms(rows, fold):
    """Refuse groups that keep all rows of an arm in one fold: nothing else tells what it gives."""
    unknown = np.isnan(rows.constants).any(axis=0)
    for k in np.unique(fold):
        seen = np.bincount(rows.arm[(fold != k) & (rows.weight > 0)], minlength=rows.n_arms)
        if rows.unit is not None and np.any((seen == 0) & unknown):
            raise ValueError(
                "groups is expected to leave rows of every treatment in each training part of the "
                f"folds, got a fold that has all rows of the arm at place "
                f"{np.flatnonzero((seen == 0) & unknown)[0]}; use smaller groups, or fewer folds."
            )
