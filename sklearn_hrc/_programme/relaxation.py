"""The linear programme that constraints leave, in which individuals may be divided.

Its dual prices say what each limit is worth, and so how much every arm loses against the best arm
of its cluster.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack, kron

from sklearn_hrc._programme.constraints import (
    join_constraints,
    scale_constraints,
)
from sklearn_hrc._programme.decomposition import best_mixture
from sklearn_hrc._programme.hull import hull_path

__all__ = [
    "Infeasible",
    "Relaxation",
    "in_shares",
    "is_long",
    "linear_optimum",
    "relax",
    "relieve",
]

# Arms beside the best ones that are looked at where prices are known, and how often others
# are added before all of them are.
_FEW, _PRICINGS = 300, 30
# Clusters from which the relaxation is solved by columns, and constraints up to which.
_LONG, _NARROW = 1500, 60
# What it costs to break a constraint there, in values of the dearest cluster.
_PENALTY = 1e3


class Infeasible(ArithmeticError):
    """No allocation keeps all constraints, or none was found in time.

    Attributes
    ----------
    reason : {"fractions", "whole", "time"}
        Not even fractions of individuals keep them, or no whole numbers do, or it is unknown.
    cuts : list of LinearConstraints
        What was demanded for the convex rule.
    """

    def __init__(self, reason, cuts=()):
        super().__init__(f"no allocation found: {reason}")
        self.reason = reason
        self.cuts = list(cuts)


class Relaxation(NamedTuple):
    """Optimum of the linear relaxation: counts, and the price of each constraint."""

    counts: np.ndarray
    price: np.ndarray


def relax(value, sizes, constraints, price=None):
    """Solve the linear relaxation, in which individuals may be divided.

    Parameters
    ----------
    value, sizes, constraints
        As in `solve_constrained`.
    price : ndarray of shape (n_constraints,), default=None
        Guess of the prices of the constraints: only arms that it leaves close to the best ones of
        their clusters are looked at first, and others as the prices that come out ask for
        them. None: the price that the most broken constraint would have alone.

    Returns
    -------
    relaxation : Relaxation
        Counts, which are no whole numbers, and prices.

    Raises
    ------
    Infeasible
        If nothing keeps the constraints.
    """
    weight, matrix, scale, clusters = in_shares(sizes, constraints)
    objective = weight * value.ravel()
    unit = np.abs(objective).max() or 1.0
    worth, limit, ones = objective / unit, constraints.limit / scale, np.ones(len(sizes))
    if is_long(len(sizes), len(limit)):
        shares, price, _ = best_mixture(worth.reshape(value.shape), matrix, limit)
        if shares is None:
            raise Infeasible("fractions")
        return Relaxation(weight.reshape(value.shape) * shares, price * unit / scale)
    if price is None:
        price = _first_price(value, sizes, constraints)
    found = _from_few_arms(worth, matrix, limit, clusters, price * scale / unit)
    if found is None:
        result = linear_optimum(-worth, matrix, limit, clusters, ones)
        if result is None:
            raise Infeasible("fractions")
        found = result.x, np.maximum(-result.ineqlin.marginals, 0.0)
    shares, price = found
    return Relaxation((weight * shares).reshape(value.shape), price * unit / scale)


def is_long(n_clusters, n_constraints):
    """Tell whether columns are quicker than a linear programme with a row for each cluster."""
    return n_clusters >= _LONG and n_constraints <= _NARROW


def _first_price(value, sizes, constraints):
    """Prices of the constraints where only the one counts that the best arms break the most."""
    price = np.zeros(len(constraints.limit))
    if len(price):
        best = (value == value.max(axis=1, keepdims=True)) * sizes[:, None]
        _, scale = scale_constraints(constraints.matrix)
        constraint = int(np.argmax((constraints.matrix @ best.ravel() - constraints.limit) / scale))
        cost = constraints.matrix[[constraint]].toarray().reshape(value.shape)
        path = hull_path(value, cost, sizes)
        edge = np.searchsorted(path.cost[1:], constraints.limit[constraint], side="right")
        price[constraint] = np.append(path.slope, 0.0)[edge]
    return price


def _from_few_arms(worth, matrix, limit, clusters, price):
    """Optimum from the arms that prices ask for; None where they are not enough."""
    n_clusters = clusters.shape[0]
    shape = n_clusters, len(worth) // n_clusters
    loss = _loss(worth - price @ matrix, shape)
    close = np.sort(loss, axis=None)[: n_clusters + _FEW][-1]
    active = (loss <= close).ravel()
    # Few arms may not keep the constraints: breaking them has a price far above any other.
    short = np.full(len(limit), _PENALTY * max(1.0, price.max(initial=0.0)))
    for _ in range(_PRICINGS):
        columns = np.flatnonzero(active)
        result = linprog(
            np.concatenate([-worth[columns], short]),
            csr_array(hstack([matrix[:, columns], -eye_array(len(limit))])),
            limit,
            csr_array(hstack([clusters[:, columns], csr_array((n_clusters, len(limit)))])),
            np.ones(n_clusters),
            method="highs-ds",
        )
        if result.status != 0:
            return None
        price = np.maximum(-result.ineqlin.marginals, 0.0)
        reduced = (worth - price @ matrix).reshape(shape)
        best = np.where(active.reshape(shape), reduced, -np.inf).max(axis=1, keepdims=True)
        better = (reduced - best).ravel()
        missing = np.flatnonzero(better > 1e-9)
        if not len(missing):
            if result.x[len(columns) :].max(initial=0.0) > 1e-9:
                return None
            shares = np.zeros(len(worth))
            shares[columns] = result.x[: len(columns)]
            return shares, price
        # Wrong prices ask for arms of no use: the most wanted ones set them right.
        wanted = np.argsort(-better[missing], kind="stable")[: n_clusters + _FEW]
        active[missing[wanted]] = True
    return None


def _loss(worth, shape):
    worth = worth.reshape(shape)
    return worth.max(axis=1, keepdims=True) - worth


def in_shares(sizes, constraints):
    """State constraints in shares of clusters, scaled.

    Returns
    -------
    weight : ndarray of shape (n_columns,)
        Individuals of the cluster of each column.
    matrix : sparse array of shape (n_constraints, n_columns)
        Constraints with a largest coefficient of one.
    scale : ndarray of shape (n_constraints,)
        What the constraints were divided by.
    clusters : sparse array of shape (n_clusters, n_columns)
        Sums of the shares of each cluster.
    """
    n_arms = constraints.matrix.shape[1] // len(sizes)
    weight = np.repeat(sizes, n_arms).astype(np.float64)
    matrix, scale = scale_constraints(constraints.matrix.multiply(weight[None, :]))
    return weight, matrix, scale, kron(eye_array(len(sizes)), np.ones((1, n_arms)), format="csr")


def relieve(sizes, soft, firm):
    """Return the least by which some constraints must give for others to stand beside them.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    soft : LinearConstraints
        Constraints that give, all of them by as much.
    firm : LinearConstraints
        Constraints that stand.

    Returns
    -------
    relief : float
        Per individual. Infinite if no relief helps.
    counts : ndarray of shape (n_clusters, n_arms) or None
        Counts, which are no whole numbers, that are left.
    """
    joined, n_soft = join_constraints([soft, firm]), len(soft.limit)
    weight, matrix, scale, clusters = in_shares(sizes, joined)
    # Counted in a unit that leaves coefficients of about one.
    unit = scale[:n_soft].max() / sizes.sum()
    gives = np.zeros((len(joined.limit), 1))
    gives[:n_soft, 0] = -unit * sizes.sum()
    if is_long(len(sizes), len(joined.limit)):
        worth = np.zeros((len(sizes), matrix.shape[1] // len(sizes)))
        give = -gives[:, 0] / scale
        shares, _, relief = best_mixture(worth, matrix, joined.limit / scale, give)
        if shares is None:
            return np.inf, None
        return relief * unit, weight.reshape(worth.shape) * shares
    result = linear_optimum(
        np.append(np.zeros(matrix.shape[1]), 1.0),
        csr_array(hstack([matrix, csr_array(gives / scale[:, None])])),
        joined.limit / scale,
        csr_array(hstack([clusters, csr_array((len(sizes), 1))])),
        np.ones(len(sizes)),
    )
    if result is None:
        return np.inf, None
    return float(result.fun * unit), (weight * result.x[:-1]).reshape(len(sizes), -1)


def linear_optimum(*programme):
    """Solve a linear programme, given as to `scipy.optimize.linprog`; None if infeasible."""
    # With thousands of clusters the simplex method takes ten times as long, but its
    # verdict on what has no answer is the sharper one.
    for method in ("highs-ipm", "highs-ds"):
        result = linprog(*programme, method=method)
        if result.status == 0:
            return result
    return None
