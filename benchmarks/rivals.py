"""Methods that the package is compared with.

Each is fitted by a function of an experiment and a seed that returns a policy,
`decide(X, budgets)`: the arms at each budget. All but the two that know arms only
predict the response and cost of every individual under every arm and decide one by
one. Where an outcome is the same for all rows of an arm, as the cost of control or a
fixed price is, all of them take it for known.
"""

import copy
import functools

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sklearn_hrc._programme.hull import hull_path

MAX_EPOCHS = 60
PATIENCE = 6
BATCH_SIZE = 512
# From so many zeros on, an amount is modelled in two parts.
MANY_ZEROS = 0.05
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


def ridge_outcomes(train, seed):
    """Predict by ridge regressions, each with the penalty that predicts left-out rows best."""

    def fit(X, outcome):
        return make_pipeline(StandardScaler(), RidgeCV(RIDGE_ALPHAS)).fit(X, outcome).predict

    return t_learner(fit, train)


def ridge(train, seed):
    """T-learner: a ridge regression for each arm and outcome."""
    return individual(ridge_outcomes(train, seed), train)


def squared_error_boosting(train, seed):
    """S-learner: a boosted regression of response, and one of cost, on features and arm."""
    parameters = boosting_parameters(train, seed)

    def fit(X, outcome):
        return HistGradientBoostingRegressor(**parameters).fit(X, outcome).predict

    return individual(s_learner(fit, train), train)


def boosting_of_arms(train, seed):
    """T-learner: boosted regressions of response and of cost in each arm."""

    def fit(X, outcome):
        return HistGradientBoostingRegressor(random_state=seed).fit(X, outcome).predict

    return individual(t_learner(fit, train), train)


def typed_boosting_outcomes(train, seed):
    """Predict by boosted trees whose losses suit the outcome.

    An amount that is often zero is P(positive) times a gamma mean if positive. One
    with both signs, or that is hardly ever zero, is regressed with squared error.
    """
    parameters = boosting_parameters(train, seed)

    def fit(X, outcome):
        positive = outcome > 0
        if outcome.min() < 0 or np.mean(~positive) < MANY_ZEROS:
            return HistGradientBoostingRegressor(**parameters).fit(X, outcome).predict
        share = HistGradientBoostingClassifier(**parameters).fit(X, positive)
        amount = HistGradientBoostingRegressor(loss="gamma", **parameters)
        amount.fit(X[positive], outcome[positive])
        return lambda X: share.predict_proba(X)[:, 1] * amount.predict(X)

    return s_learner(fit, train)


def typed_boosting(train, seed):
    """S-learner whose losses suit the outcome."""
    return individual(typed_boosting_outcomes(train, seed), train)


def boosting_parameters(train, seed):
    """Of an S-learner by boosted trees, which can part arms in any way."""
    n_features = train.data.shape[1]
    categorical = [n_features] if len(train.treatments) > 2 else None
    return {"categorical_features": categorical, "random_state": seed}


def squared_error_network(train, seed):
    """Multi-task network with two shared layers, one linear head and squared error."""
    tasks = np.column_stack([train.target, train.cost])
    to_features, to_targets = StandardScaler().fit(train.data), StandardScaler().fit(tasks)
    torch.manual_seed(seed)
    n_arms, n_tasks = len(train.treatments), tasks.shape[1]
    net = nn.Sequential(
        *(nn.Linear(train.data.shape[1], 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()),
        *(nn.Linear(32, n_arms * n_tasks), nn.Unflatten(1, (n_arms, n_tasks))),
    )
    train_network(
        net,
        torch.tensor(to_features.transform(train.data), dtype=torch.float32),
        torch.tensor(arm_codes(train)),
        torch.tensor(to_targets.transform(tasks), dtype=torch.float32),
    )

    @torch.no_grad()
    def predict(X):
        scaled = net(torch.tensor(to_features.transform(X), dtype=torch.float32)).numpy()
        outcomes = scaled.astype(np.float64) * to_targets.scale_ + to_targets.mean_
        return outcomes[..., 0], outcomes[..., -1]

    return individual(with_constants(predict, train), train)


def train_network(net, features, arm, targets):
    """Train until the error on a held-out fifth stops falling; keep the best weights."""

    def loss(rows):
        received = net(features[rows])[torch.arange(len(rows)), arm[rows]]
        return nn.functional.mse_loss(received, targets[rows])

    n_held_out = len(arm) // 5
    held_out, rest = torch.randperm(len(arm)).split([n_held_out, len(arm) - n_held_out])
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    best, misses = float("inf"), 0
    for _ in range(MAX_EPOCHS):
        for rows in rest[torch.randperm(len(rest))].split(BATCH_SIZE):
            optimizer.zero_grad()
            loss(rows).backward()
            optimizer.step()
        with torch.no_grad():
            error = loss(held_out).item()
        misses += 1
        if error < best:
            best, misses, weights = error, 0, copy.deepcopy(net.state_dict())
        if misses == PATIENCE:
            break
    net.load_state_dict(weights)


def best_single_arm(train, seed):
    """Give the best arm to as many, drawn at random, as the budget pays for."""
    response, cost = arm_means(train)

    def decide(X, budgets):
        places = random_places(len(X), seed)
        for budget in budgets:
            share = np.minimum(1.0, budget / np.maximum(cost, 1e-12))
            best = (share * (response - response[0])).argmax()
            yield np.where(places < share[best], train.treatments[best], train.treatments[0])

    return decide


def best_mix(train, seed):
    """Give everyone one of the two arms whose mixture at random is best for the budget."""
    response, cost = arm_means(train)
    path = hull_path(response[None], cost[None], np.ones(1))
    vertices = train.treatments[np.append(path.start, path.target)]

    def decide(X, budgets):
        places = random_places(len(X), seed)
        for position in np.interp(budgets, path.cost, np.arange(len(vertices))):
            lower, share = int(position), position % 1
            upper = min(lower + 1, len(vertices) - 1)
            yield np.where(places < share, vertices[upper], vertices[lower])

    return decide


def arm_means(train):
    """Mean response and cost of the rows that received each arm."""
    code = arm_codes(train)
    return (np.bincount(code, outcome) / np.bincount(code) for outcome in modelled(train))


def random_places(n_rows, seed):
    """Place of each row in a random order, in [0, 1): a share of them is below that share."""
    return np.random.default_rng(seed).permutation(n_rows) / n_rows


RIVALS = {
    "ridge for each arm": ridge,
    "squared-error network": squared_error_network,
    "squared-error boosting": squared_error_boosting,
    "boosting for each arm": boosting_of_arms,
    "typed boosting": typed_boosting,
    "best single arm": best_single_arm,
    "best mix of arms": best_mix,
}
