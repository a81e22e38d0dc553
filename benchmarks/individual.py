"""Policies of given predictions: one by one, at the price that spends the budget.

The package's own rivals (`sklearn_hrc.rivals`) find prices by predictions for rows that no model
has seen. Here anything may predict: another package, or regressions that a shop may have, and
the price is that of the rows of fit. Where an outcome is the same for all rows of an arm, as the
cost of control or a fixed price is, it is taken for known.
"""

import functools

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc._programme.hull import hull_path
from sklearn_hrc.rivals import TypedBoostingRegressor

RIDGE_ALPHAS = np.logspace(0, 6, 13)
# Relative difference in cost that puts individuals in random order for whom arms are worth
# the same. Larger than rounding, and too small to matter where they differ.
TIE_BREAK = 1e-6


def individual(predict, train):
    """Decide one by one: the arm of the largest response less its priced cost.

    The price is that at which the decisions for the rows of fit spend the
    budget, by the same predictions `predict(X)` of response and cost.
    """

    def predict_without_ties(X):
        # A price alone would move all of those at once for whom an arm is worth the same.
        response, cost = predict(X)
        draws = np.random.default_rng(0).random((len(X), 1))
        return response, cost * (1 + TIE_BREAK * draws)

    # When first needed: prices are no part of a fit.
    @functools.cache
    def prices(budgets):
        response, cost = predict_without_ties(train.data)
        path = hull_path(response, cost, np.ones(len(cost)))
        bought = np.searchsorted(path.cost[1:], np.multiply(budgets, len(cost)), side="right")
        return np.append(path.slope, 0.0)[bought]

    def decide(X, budgets):
        response, cost = predict_without_ties(X)
        return [
            train.treatments[(response - price * cost).argmax(axis=1)]
            for price in prices(tuple(budgets))
        ]

    return decide


def arm_codes(train):
    """Column of the received arm; treatments are sorted, numbers or strings."""
    return np.searchsorted(train.treatments, train.treatment)


def modelled(train):
    """Outcomes that decisions are based on: the response and the cost."""
    return train.target[:, 0], train.cost


def constant_outcomes(train):
    """Response and cost where they are the same for all rows of an arm, else NaN, (2, arms)."""
    code, n_arms = arm_codes(train), len(train.treatments)
    arms = [[outcome[code == arm] for arm in range(n_arms)] for outcome in modelled(train)]
    return np.array([[y[0] if np.ptp(y) == 0 else np.nan for y in row] for row in arms])


def with_constants(predict, train):
    """Predict what is constant in an arm as that constant, and the rest by `predict`."""
    constants = constant_outcomes(train)

    def predict_all(X):
        return [
            np.where(np.isnan(known), predicted, known)
            for known, predicted in zip(constants, predict(X))
        ]

    return predict_all


def s_learner(fit, train):
    """Fit one model to each of response and cost; the last feature is the code of the arm."""
    code = arm_codes(train)
    X = np.column_stack([train.data, code])
    models = []
    for outcome, known in zip(modelled(train), constant_outcomes(train)):
        rows = np.isnan(known)[code]
        models.append(fit(X[rows], outcome[rows]) if rows.any() else lambda X: np.zeros(len(X)))

    def predict(X):
        arms = [np.column_stack([X, np.full(len(X), arm)]) for arm in range(len(train.treatments))]
        return [np.column_stack([model(rows) for rows in arms]) for model in models]

    return with_constants(predict, train)


def t_learner(fit, train):
    """Fit one model to each of response and cost in each arm."""
    code, n_arms = arm_codes(train), len(train.treatments)
    models = [
        [fit(train.data[code == arm], outcome[code == arm]) for arm in range(n_arms)]
        for outcome in modelled(train)
    ]

    def predict(X):
        return [np.column_stack([model(X) for model in arms]) for arms in models]

    return with_constants(predict, train)


def ridge_regression():
    """Ridge regression with the penalty that predicts left-out rows best."""
    return make_pipeline(StandardScaler(), RidgeCV(RIDGE_ALPHAS))


def ridge_outcomes(train, seed):
    """Predict by a ridge regression for each arm and outcome."""
    return t_learner(lambda X, outcome: ridge_regression().fit(X, outcome).predict, train)


def typed_boosting_outcomes(train, seed):
    """Predict by boosted trees whose losses suit the outcome, one for all arms."""
    # As categories, so that trees can part several arms in any way.
    arm = [train.data.shape[1]] if len(train.treatments) > 2 else None
    trees = {"categorical_features": arm, "random_state": seed}
    return s_learner(
        lambda X, outcome: TypedBoostingRegressor(**trees).fit(X, outcome).predict, train
    )


def arm_means(train):
    """Mean response and cost of the rows that received each arm."""
    code = arm_codes(train)
    return (np.bincount(code, outcome) / np.bincount(code) for outcome in modelled(train))
