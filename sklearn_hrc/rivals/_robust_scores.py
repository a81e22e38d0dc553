"""Doubly robust scores of every arm, by models that have not seen the row."""

from sklearn_hrc.rivals._augmented_totals import augmented_totals
from sklearn_hrc.rivals._held_out import expect_held_out

__all__ = ["robust_scores"]


def robust_scores(predictor, rows, n_folds, rng):
    """Return what every arm of a row adds to the total response and cost.

    The score is the expected outcome, and for the received arm also the error of this
    expectation over the propensity. So the mean score of an arm is unbiased for the mean outcome if
    everyone got the arm, whatever the models are.

    Parameters
    ----------
    predictor : TwoStagePolicy
        Its models expect responses and costs.
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
    expected = expect_held_out(predictor, rows, n_folds, rng)
    response, cost = (
        augmented_totals(mean, observed, rows)
        for mean, observed in zip(expected, (rows.response, rows.cost))
    )
    return response, cost
