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
    fold = deal_folds(rows.arm, rows.weight > 0, n_folds, rng)
    expected = np.empty((2, len(fold), rows.n_arms))
    for k in np.unique(fold):
        held_out = fold == k
        predictor._fit_models(rows_at(rows, ~held_out), rng)
        expected[:, held_out] = predictor._scores(rows.X[held_out])
    return expected


def deal_folds(arm, counts, n_folds, rng):
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

    Returns
    -------
    fold : ndarray of shape (n_samples,), intp
        Index of the fold of each row.
    """
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
    return rows._replace(**{name: getattr(rows, name)[index] for name in columns})
