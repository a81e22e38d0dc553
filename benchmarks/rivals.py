"""Methods that the package is compared with.

Each is fitted by a function of an experiment and a seed that returns a policy,
`decide(X, budgets)`: the arms at each budget. All but the single arm predict the
response and cost of every individual under every arm and decide one by one.
"""

import copy
import functools

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.preprocessing import StandardScaler
from torch import nn

from sklearn_hrc._hull import hull_path

MAX_EPOCHS = 60
PATIENCE = 6
BATCH_SIZE = 512


def individual(predict, train):
    """Decide one by one: the arm of the largest response less its priced cost.

    The price is that at which the decisions for the rows of fit spend the
    budget, by the same predictions `predict(X)` of response and cost.
    """

    # When first needed: prices are no part of a fit.
    @functools.cache
    def prices(budgets):
        response, cost = predict(train.data)
        path = hull_path(response, cost, np.ones(len(cost)))
        bought = np.searchsorted(path.cost[1:], np.multiply(budgets, len(cost)), side="right")
        return np.append(path.slope, 0.0)[bought]

    def decide(X, budgets):
        response, cost = predict(X)
        return [
            train.treatments[(response - price * cost).argmax(axis=1)]
            for price in prices(tuple(budgets))
        ]

    return decide


def squared_error_boosting(train, seed):
    """S-learner: a boosted regression of response, and one of cost, on features and arm."""

    def fit(X, outcome):
        return HistGradientBoostingRegressor(random_state=seed).fit(X, outcome).predict

    return individual(s_learner(fit, train), train)


def two_part_boosting(train, seed):
    """S-learner for amounts that are often zero: P(positive) times a gamma mean if positive."""

    def fit(X, outcome):
        positive = outcome > 0
        share = HistGradientBoostingClassifier(random_state=seed).fit(X, positive)
        amount = HistGradientBoostingRegressor(loss="gamma", random_state=seed)
        amount.fit(X[positive], outcome[positive])
        return lambda X: share.predict_proba(X)[:, 1] * amount.predict(X)

    return individual(s_learner(fit, train), train)


def s_learner(fit, train):
    """Fit one model of each of response and cost, with the arm as a further feature."""
    X = np.column_stack([train.data, train.treatment])
    models = [fit(X, outcome) for outcome in (train.target[:, 0], train.cost)]

    def predict(X):
        arms = [np.column_stack([X, np.full(len(X), label)]) for label in train.treatments]
        return [np.column_stack([model(rows) for rows in arms]) for model in models]

    return predict


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
        torch.tensor(np.searchsorted(train.treatments, train.treatment)),
        torch.tensor(to_targets.transform(tasks), dtype=torch.float32),
    )

    @torch.no_grad()
    def predict(X):
        scaled = net(torch.tensor(to_features.transform(X), dtype=torch.float32)).numpy()
        outcomes = scaled.astype(np.float64) * to_targets.scale_ + to_targets.mean_
        return outcomes[..., 0], outcomes[..., -1]

    return individual(predict, train)


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
    response, cost = (
        np.array([values[train.treatment == label].mean() for label in train.treatments])
        for values in (train.target[:, 0], train.cost)
    )

    def decide(X, budgets):
        for budget in budgets:
            share = np.minimum(1.0, budget / np.maximum(cost, 1e-12))
            best = (share * (response - response[0])).argmax()
            treated = np.random.default_rng(seed).random(len(X)) < share[best]
            yield np.where(treated, train.treatments[best], train.treatments[0])

    return decide


RIVALS = {
    "squared-error network": squared_error_network,
    "squared-error boosting": squared_error_boosting,
    "two-part boosting": two_part_boosting,
    "best single arm": best_single_arm,
}
