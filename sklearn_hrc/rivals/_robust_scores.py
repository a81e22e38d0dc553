"""Doubly robust scores of every arm, by models that have not seen the row."""

import numpy as np

from sklearn_hrc.rivals._augmented_totals import augmented_totals

__all__ = ["deal_folds", "robust_scores", "rows_at"]


def robust_scores(predictor, rows, n_folds, rng):
    """Return what every arm of a row adds to the total response and cost.

    The score is the expected outcome, and for the received arm also the error of this
    expectation over the propensity. So the mean score of an arm is unbiased for the mean outcome if
    everyone got the arm, whatever the models are.

    Parameters
    ----------
    predictor : PricedPolicy
        Its scores are expected responses and costs. It is fitted to each training part.
    rows : ExperimentRows
        Rows.
    n_folds : int
        Folds for which models are fitted to the other folds.
    rng : RandomState
        Deals rows to folds, and seeds the models.

    Returns
    -------
    response, cost : ndarray of shape (n_samples, n_treatments), float64
        Scores with the weights of the rows in them. Where an arm has a constant outcome, its
        score is the constant times the weight.
    """
    fold = deal_folds(rows.arm, rows.weight > 0, n_folds, rng)
    expected = np.empty((2, len(fold), rows.n_arms))
    for k in np.unique(fold):
        held_out = fold == k
        predictor._fit_scores(rows_at(rows, ~held_out), rng)
        expected[:, held_out] = predictor._scores(rows.X[held_out])
    response, cost = (
        augmented_totals(mean, observed, rows)
        for mean, observed in zip(expected, (rows.response, rows.cost))
    )
    return response, cost


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
