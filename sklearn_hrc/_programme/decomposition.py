"""The linear relaxation of very many clusters under few constraints, by columns.

A column is a whole allocation: the best arm of every cluster at some prices of the
constraints. A small linear programme mixes the columns within the limits, and its prices ask for
the next column (Dantzig and Wolfe 1960, doi:10.1287/opre.8.1.101). It has a row for each
constraint, where the relaxation has one for each cluster, too.
"""

import numpy as np
from scipy.optimize import linprog

__all__ = ["best_mixture"]

# Columns at most, and the gain of a further one, as a share of what is at stake, that is none.
_COLUMNS, _GAIN = 400, 1e-8
# Excess over the limits, in units of their largest coefficients, that is none.
_EXCESS = 1e-9


def best_mixture(worth, matrix, limit, give=None):
    """Mix allocations for the largest worth within limits.

    Parameters
    ----------
    worth : ndarray of shape (n_clusters, n_arms)
        Of each arm, if all of the cluster gets it.
    matrix : sparse array of shape (n_constraints, n_clusters * n_arms)
        What it takes of each limit.
    limit : ndarray of shape (n_constraints,)
        Limits.
    give : ndarray of shape (n_constraints,), default=None
        By how much limits rise with a relief that costs one a unit. None: there is no relief.

    Returns
    -------
    shares : ndarray of shape (n_clusters, n_arms) or None
        Of the clusters. None where nothing keeps the limits.
    price : ndarray of shape (n_constraints,)
        Worth of a unit of each limit.
    relief : float
        Relief that is taken.
    """
    columns = _Columns(worth, matrix)
    columns.add(np.zeros(len(limit)), 1.0)
    stake = float(np.ptp(worth, axis=1).sum())
    excess, price, _, _ = _mixed(columns, limit, give, None, _EXCESS)
    if excess > _EXCESS * max(1.0, np.abs(limit).max(initial=0.0)):
        return None, price, np.inf
    start = max(excess, 0.0)
    tolerance = _GAIN * (stake or 1.0)
    _, price, mixture, relief = _mixed(columns, limit + start, give, worth, tolerance)
    return columns.shares(mixture), price, relief


class _Columns:
    """Whole allocations, each with its worth and what it takes."""

    def __init__(self, worth, matrix):
        self.worth, self.matrix = worth, matrix
        self.places = np.arange(len(worth)) * worth.shape[1]
        self.arms, self.values, self.taken = [], [], []

    def add(self, price, weight):
        """Add the best allocation at prices, where worth has a weight. Return its value there."""
        net = weight * self.worth - (price @ self.matrix).reshape(self.worth.shape)
        arm = net.argmax(axis=1)
        chosen = self.places + arm
        self.arms.append(arm.astype(np.int32))
        self.values.append(float(self.worth.ravel()[chosen].sum()))
        self.taken.append(np.asarray(self.matrix[:, chosen].sum(axis=1)).ravel())
        return float(net.ravel()[chosen].sum())

    def shares(self, mixture):
        """Mix the allocations."""
        shares = np.zeros(self.worth.shape)
        rows = np.arange(len(shares))
        for share, arm in zip(mixture, self.arms):
            if share > 0:
                shares[rows, arm] += share
        return shares


def _mixed(columns, limit, give, worth, tolerance):
    """Add columns until none gains. Without `worth`, until the limits are kept.

    Returns the optimum (or the excess over the limits), prices, mixture and relief.
    """
    is_first = worth is None
    weight = 0.0 if is_first else 1.0
    while True:
        objective, price, value, mixture, relief = _master(columns, limit, give, is_first)
        if (is_first and objective <= tolerance) or len(columns.arms) >= _COLUMNS:
            return objective, price, mixture, relief
        found = columns.add(price, weight)
        if found - value <= tolerance:
            return objective, price, mixture, relief


def _master(columns, limit, give, is_first):
    """Solve the small programme.

    Returns the optimum, the prices, the value of the mixture at the prices, the mixture and the
    relief.
    """
    n_columns, n_limits = len(columns.arms), len(limit)
    taken = np.array(columns.taken).T
    relief = np.zeros(n_limits) if give is None else give
    matrix = [taken, -relief[:, None]]
    cost = [np.zeros(n_columns) if is_first else -np.array(columns.values), [float(not is_first)]]
    if is_first:
        matrix.append(-np.ones((n_limits, 1)))
        cost.append([1.0])
    equal = np.zeros((1, sum(part.shape[1] for part in matrix)))
    equal[0, :n_columns] = 1.0
    result = linprog(np.concatenate(cost), np.hstack(matrix), limit, equal, [1.0])
    if result.status != 0:
        raise ArithmeticError(f"The programme of columns has no answer: {result.message}")
    price = np.maximum(-result.ineqlin.marginals, 0.0)
    value = float(-result.eqlin.marginals[0])
    return float(result.fun), price, value, result.x[:n_columns], float(result.x[n_columns])
