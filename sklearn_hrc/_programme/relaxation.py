"""Linear rules of an allocation, and the linear programme that they leave.

In the relaxation individuals may be divided. Its dual prices say what each limit
is worth, and with them how much every arm loses against the best one of its cluster.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack, kron, vstack

from sklearn_hrc._programme.hull import hull_path

__all__ = [
    "InfeasibleRows",
    "Relaxation",
    "Rows",
    "dense_row",
    "empty_rows",
    "in_shares",
    "join_rows",
    "keeps_rows",
    "linear_optimum",
    "relax_rows",
    "relieve_rows",
    "scale_rows",
]

# Share of the money moved by which rounding may break a row, as in `_programme`.
_TOLERANCE = 1e-12
# Arms beside the best ones that are looked at where prices are known, and how often others
# are added before all of them are.
_FEW, _PRICINGS = 300, 30
# What it costs to break a row there, in values of the dearest cluster.
_PENALTY = 1e3


class InfeasibleRows(ArithmeticError):
    """No allocation keeps all rows, or none was found in time.

    Attributes
    ----------
    reason : {"fractions", "whole", "time"}
        Not even fractions of individuals keep them; no whole numbers do; unknown.
    cuts : list of Rows
        What was demanded for the convex rule.
    """

    def __init__(self, reason, cuts=()):
        super().__init__(f"no allocation found: {reason}")
        self.reason = reason
        self.cuts = list(cuts)


class Rows(NamedTuple):
    """Linear rules `matrix @ counts.ravel() <= limit`.

    Attributes
    ----------
    matrix : sparse array of shape (n_rows, n_clusters * n_arms)
        Coefficients per individual.
    limit : ndarray of shape (n_rows,)
        Upper limits of the totals.
    whole : ndarray of shape (n_rows,), bool
        All numbers of the row are whole, so that it needs no tolerance.
    """

    matrix: csr_array
    limit: np.ndarray
    whole: np.ndarray


class Relaxation(NamedTuple):
    """Optimum of the linear relaxation: counts, and the price of each row."""

    counts: np.ndarray
    price: np.ndarray


def dense_row(coefficients, limit, *, whole=False):
    """Return one row as `Rows`."""
    matrix = csr_array(np.asarray(coefficients, dtype=np.float64).reshape(1, -1))
    return Rows(matrix, np.array([float(limit)]), np.array([whole]))


def empty_rows(n_columns):
    """Return no rows at all."""
    return Rows(csr_array((0, n_columns)), np.zeros(0), np.zeros(0, dtype=bool))


def join_rows(parts):
    """Return several `Rows` as one."""
    matrices, limits, wholes = zip(*parts)
    return Rows(csr_array(vstack(matrices)), np.concatenate(limits), np.concatenate(wholes))


def relax_rows(value, sizes, rows, price=None):
    """Solve the linear relaxation, in which individuals may be divided.

    Parameters
    ----------
    value, sizes, rows
        As in `solve_rows`.
    price : ndarray of shape (n_rows,), default=None
        Guess of the prices of the rows: only arms that it leaves close to the best ones of
        their clusters are looked at first, and others as the prices that come out ask for
        them. None: the price that the most broken row would have alone.

    Returns
    -------
    relaxation : Relaxation
        Counts, which are no whole numbers, and prices.

    Raises
    ------
    InfeasibleRows
        If nothing keeps the rows.
    """
    weight, matrix, scale, clusters = in_shares(sizes, rows)
    objective = weight * value.ravel()
    unit = np.abs(objective).max() or 1.0
    worth, limit, ones = objective / unit, rows.limit / scale, np.ones(len(sizes))
    if price is None:
        price = _first_price(value, sizes, rows)
    found = _from_few_arms(worth, matrix, limit, clusters, price * scale / unit)
    if found is None:
        result = linear_optimum(-worth, matrix, limit, clusters, ones)
        if result is None:
            raise InfeasibleRows("fractions")
        found = result.x, np.maximum(-result.ineqlin.marginals, 0.0)
    shares, price = found
    return Relaxation((weight * shares).reshape(value.shape), price * unit / scale)


def _first_price(value, sizes, rows):
    """Prices of the rows where only the one counts that the best arms break the most."""
    price = np.zeros(len(rows.limit))
    if len(price):
        best = (value == value.max(axis=1, keepdims=True)) * sizes[:, None]
        _, scale = scale_rows(rows.matrix)
        row = int(np.argmax((rows.matrix @ best.ravel() - rows.limit) / scale))
        cost = rows.matrix[[row]].toarray().reshape(value.shape)
        path = hull_path(value, cost, sizes)
        edge = np.searchsorted(path.cost[1:], rows.limit[row], side="right")
        price[row] = np.append(path.slope, 0.0)[edge]
    return price


def _from_few_arms(worth, matrix, limit, clusters, price):
    """Optimum from the arms that prices ask for; None where they are not enough."""
    n_clusters = clusters.shape[0]
    shape = n_clusters, len(worth) // n_clusters
    loss = _loss(worth - price @ matrix, shape)
    close = np.sort(loss, axis=None)[: n_clusters + _FEW][-1]
    active = (loss <= close).ravel()
    # Few arms may not keep the rows: breaking them has a price far above any other.
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


def in_shares(sizes, rows):
    """State rows in shares of clusters, scaled.

    Returns
    -------
    weight : ndarray of shape (n_columns,)
        Individuals of the cluster of each column.
    matrix : sparse array of shape (n_rows, n_columns)
        Rows with a largest coefficient of one.
    scale : ndarray of shape (n_rows,)
        What the rows were divided by.
    clusters : sparse array of shape (n_clusters, n_columns)
        Sums of the shares of each cluster.
    """
    n_arms = rows.matrix.shape[1] // len(sizes)
    weight = np.repeat(sizes, n_arms).astype(np.float64)
    matrix, scale = scale_rows(rows.matrix.multiply(weight[None, :]))
    return weight, matrix, scale, kron(eye_array(len(sizes)), np.ones((1, n_arms)), format="csr")


def relieve_rows(sizes, soft, firm):
    """Return the least by which some rows must give for others to stand beside them.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    soft : Rows
        Rows that give, all of them by as much.
    firm : Rows
        Rows that stand.

    Returns
    -------
    relief : float
        Per individual; infinite if no relief helps.
    counts : ndarray of shape (n_clusters, n_arms) or None
        Counts, which are no whole numbers, that are left.
    """
    joined, n_soft = join_rows([soft, firm]), len(soft.limit)
    weight, matrix, scale, clusters = in_shares(sizes, joined)
    # Counted in a unit that leaves coefficients of about one.
    unit = scale[:n_soft].max() / sizes.sum()
    gives = np.zeros((len(joined.limit), 1))
    gives[:n_soft, 0] = -unit * sizes.sum()
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


def keeps_rows(counts, rows):
    """Tell which rows whole counts keep, up to rounding in float64."""
    flat = counts.ravel().astype(np.float64)
    kept = np.empty(len(rows.limit), dtype=bool)
    for row, (first, last) in enumerate(itertools.pairwise(rows.matrix.indptr.tolist())):
        spent = rows.matrix.data[first:last] * flat[rows.matrix.indices[first:last]]
        tolerance = _TOLERANCE * math.fsum(np.abs(spent))
        kept[row] = math.fsum(spent) <= rows.limit[row] + tolerance
    return kept


def scale_rows(matrix):
    """Rows with a largest coefficient of one, and what they were divided by."""
    matrix = csr_array(matrix)
    matrix.eliminate_zeros()
    scale = np.ones(matrix.shape[0])
    if matrix.nnz:
        largest = np.ravel(abs(matrix).max(axis=1).toarray())
        scale = np.where(largest > 0, largest, 1.0)
    return csr_array(matrix.multiply(1 / scale[:, None])), scale
