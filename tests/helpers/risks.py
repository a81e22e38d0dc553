"""Errors of estimates, their dense covariance, and spends over all cases."""

import numpy as np
from scipy.special import ndtri

from sklearn_hrc._programme.risk import CostErrors


def random_errors(rng, n_clusters, n_arms):
    """Errors of which some parts are missing."""
    own = rng.gamma(1, 1, (n_clusters, n_arms)) * rng.integers(0, 2)
    level = rng.gamma(1, 1, n_arms) * rng.integers(0, 2, n_arms)
    return CostErrors(own, level, rng.normal(size=(n_clusters, n_arms, rng.integers(0, 3))))


def dense_covariance(errors):
    """Covariance of the costs of all cells, entry by entry."""
    n_clusters, n_arms = errors.own.shape
    covariance = np.zeros((n_clusters, n_arms, n_clusters, n_arms))
    for k in range(n_clusters):
        for j in range(n_arms):
            covariance[k, j, k, j] += errors.own[k, j]
            for m in range(n_clusters):
                covariance[k, j, m, j] += errors.level[j] ** 2
                for n in range(n_arms):
                    covariance[k, j, m, n] += errors.factors[k, j] @ errors.factors[m, n]
    return covariance.reshape(n_clusters * n_arms, -1)


def random_budgets(rng, several):
    budgets = 5 + rng.normal(size=rng.integers(2, 6) if several else 1)
    weights = rng.random(len(budgets)) + 0.05
    return budgets, weights / weights.sum()


def excess_cases(cost, deviation, budgets, weights, n_errors=100_001):
    """Cost beyond the budget in evenly likely errors and every budget; and the probabilities."""
    error = deviation * ndtri((np.arange(n_errors) + 0.5) / n_errors)
    cases = cost + error - budgets[:, None]
    return cases.ravel(), np.repeat(weights / n_errors, n_errors)


def mean_of_worst(cases, chances, share):
    """Mean of the largest cases that make up a share, a part of the last one of them."""
    order = np.argsort(-cases)
    taken = np.diff(np.minimum(np.cumsum(chances[order]), share), prepend=0.0)
    return taken @ cases[order] / share
