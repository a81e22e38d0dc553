"""What an allocation must keep: linear constraints on its counts, and what demands them.

A requirement carries the name and the value that the user gave. Its unit says how far
the limit moves with that value, so that a conflict is told in the user's own figures.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack

__all__ = [
    "LinearConstraints",
    "Requirement",
    "are_kept",
    "at_least",
    "at_most",
    "dense_constraint",
    "join_constraints",
    "monotone",
    "no_constraints",
    "scale_constraints",
]

# Share of the money moved by which rounding may break a constraint, as in `one_budget`.
_TOLERANCE = 1e-12
# A limit in individuals is a whole number up to this share of them.
_ROUNDING = 1e-12


class LinearConstraints(NamedTuple):
    """Linear constraints `matrix @ counts.ravel() <= limit`.

    Attributes
    ----------
    matrix : sparse array of shape (n_constraints, n_clusters * n_arms)
        Coefficients per individual.
    limit : ndarray of shape (n_constraints,)
        Upper limits of the totals.
    whole : ndarray of shape (n_constraints,), bool
        All numbers of the constraint are whole, so that it needs no tolerance.
    """

    matrix: csr_array
    limit: np.ndarray
    whole: np.ndarray


class Requirement(NamedTuple):
    """What is demanded of an allocation, in the user's figures.

    Attributes
    ----------
    name : str
        What demands it, as an error names it.
    value : float
        What it demands; NaN where that is no number.
    easier : int
        Whether a larger (1) or a smaller (-1) value is easier to keep; 0 if neither.
    constraints : LinearConstraints
        On totals.
    per_unit : float
        How far the limit moves when the value rises by one: the population for a mean or a
        share, 1 for a total or a number of individuals.
    """

    name: str
    value: float
    easier: int
    constraints: LinearConstraints
    per_unit: float = math.nan


def dense_constraint(coefficients, limit, *, whole=False):
    """Return one constraint as `LinearConstraints`."""
    matrix = csr_array(np.asarray(coefficients, dtype=np.float64).reshape(1, -1))
    return LinearConstraints(matrix, np.array([float(limit)]), np.array([whole]))


def no_constraints(n_columns):
    """Return no constraints at all."""
    return LinearConstraints(csr_array((0, n_columns)), np.zeros(0), np.zeros(0, dtype=bool))


def join_constraints(parts):
    """Return several `LinearConstraints` as one."""
    matrices, limits, wholes = zip(*parts)
    return LinearConstraints(
        csr_array(vstack(matrices)), np.concatenate(limits), np.concatenate(wholes)
    )


def at_most(name, value, coefficients, per_unit, *, whole=False):
    """Require `sum(coefficients * counts) <= value * per_unit`.

    Parameters
    ----------
    name : str
        What demands it.
    value : float
        In the user's unit.
    coefficients : ndarray of shape (n_clusters, n_arms)
        Per individual.
    per_unit : float
        What a unit of the value is in the total.
    whole : bool, default=False
        Coefficients and counts are whole numbers, so that the limit is one, too.

    Returns
    -------
    requirement : Requirement
        One constraint.
    """
    return Requirement(
        name, float(value), 1, _limited(coefficients, value, per_unit, whole), float(per_unit)
    )


def at_least(name, value, coefficients, per_unit, *, whole=False):
    """Require `sum(coefficients * counts) >= value * per_unit`. See `at_most`."""
    constraints = _limited(-coefficients, -value, per_unit, whole)
    return Requirement(name, float(value), -1, constraints, float(per_unit))


def _limited(coefficients, value, per_unit, whole):
    limit = float(value) * per_unit
    if whole:
        # 0.3 of 10 individuals are three, although 0.3 * 10 may be a hair less.
        limit = np.floor(limit + _ROUNDING * per_unit)
    return dense_constraint(coefficients, limit, whole=whole)


def monotone(places, sizes, n_arms):
    """Return constraints by which arms never step down along clusters.

    For every arm, the share of a cluster that gets it or a later one is at least that of the
    cluster before.

    Parameters
    ----------
    places : list of int
        Indices of different clusters.
    sizes : ndarray of shape (n_clusters,)
        Individuals. Empty clusters are passed over.
    n_arms : int
        Arms, which step up in their order.

    Returns
    -------
    constraints : LinearConstraints
        In whole numbers where sizes are, so that they need no tolerance.
    """
    places = [place for place in places if sizes[place]]
    is_whole = sizes.dtype.kind == "i"
    data, row, column = [], [], []
    for before, after in itertools.pairwise(places):
        divisor = np.gcd(sizes[before], sizes[after]) if is_whole else sizes[[before, after]].max()
        for arm in range(1, n_arms):
            number = len(row) and row[-1] + 1
            for place, weight in ((before, sizes[after]), (after, -sizes[before])):
                columns = range(place * n_arms + arm, (place + 1) * n_arms)
                data += [float(weight / divisor)] * len(columns)
                column += columns
                row += [number] * len(columns)
    n_constraints = row[-1] + 1 if row else 0
    matrix = csr_array((data, (row, column)), (n_constraints, len(sizes) * n_arms))
    return LinearConstraints(matrix, np.zeros(n_constraints), np.full(n_constraints, is_whole))


def are_kept(counts, constraints):
    """Tell which constraints whole counts keep, up to rounding in float64."""
    flat = counts.ravel().astype(np.float64)
    kept = np.empty(len(constraints.limit), dtype=bool)
    for constraint, (first, last) in enumerate(
        itertools.pairwise(constraints.matrix.indptr.tolist())
    ):
        spent = constraints.matrix.data[first:last] * flat[constraints.matrix.indices[first:last]]
        tolerance = _TOLERANCE * math.fsum(np.abs(spent))
        kept[constraint] = math.fsum(spent) <= constraints.limit[constraint] + tolerance
    return kept


def scale_constraints(matrix):
    """Constraints with a largest coefficient of one, and what they were divided by."""
    matrix = csr_array(matrix)
    matrix.eliminate_zeros()
    scale = np.ones(matrix.shape[0])
    if matrix.nnz:
        largest = np.ravel(abs(matrix).max(axis=1).toarray())
        scale = np.where(largest > 0, largest, 1.0)
    return csr_array(matrix.multiply(1 / scale[:, None])), scale
