"""Why the requirements of a campaign cannot all be kept.

Requirements are in conflict if no allocation keeps all of them. The smallest such set
is searched by size in the linear relaxation. Each of its requirements then says by how
much it would have to give for the others to stand.
"""

import itertools

import numpy as np

from sklearn_hrc._programme.constraints import join_constraints, no_constraints
from sklearn_hrc._programme.relaxation import Infeasible, relax, relieve

__all__ = [
    "can_be_kept",
    "describe_conflict",
    "least_relief",
    "safe_figure",
    "smallest_conflict",
]

# Sets of more requirements than this are only searched for by leaving requirements out one by one.
_MAX_SEARCHED = 3


def smallest_conflict(sizes, requirements):
    """Return the smallest set of requirements that cannot be kept together.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    requirements : list of Requirement
        Requirements that cannot all be kept in the linear relaxation.

    Returns
    -------
    conflict : list of Requirement
        No proper subset of it is in conflict. Nor is a smaller set, up to three requirements.
    """
    left = list(requirements)
    for one in requirements:
        others = [other for other in left if other is not one]
        if not can_be_kept(sizes, others):
            left = others
    for size in range(1, min(len(left), _MAX_SEARCHED + 1)):
        for chosen in itertools.combinations(requirements, size):
            if not can_be_kept(sizes, list(chosen)):
                return list(chosen)
    return left


def least_relief(sizes, requirements, one):
    """Return the least by which a requirement's value must give so that the others can be kept.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    requirements : list of Requirement
        Rules in conflict.
    one : Requirement
        The one that gives.

    Returns
    -------
    relief : float
        Per individual, in the unit of the requirement's constraints. Infinite if no relief helps.
    """
    firm = [other.constraints for other in requirements if other is not one]
    firm.append(no_constraints(one.constraints.matrix.shape[1]))
    return relieve(sizes, one.constraints, join_constraints(firm))[0]


def describe_conflict(sizes, requirements):
    """Say in a sentence which requirements are in conflict and what each would have to give.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    requirements : list of Requirement
        All requirements.

    Returns
    -------
    sentence : str
        For an error.
    """
    if can_be_kept(sizes, requirements):
        return (
            f"{_names(requirements)} are expected to leave an allocation of whole numbers, but "
            "only fractions keep all of them; loosen one of them a little, or let clusters or "
            "households be split."
        )
    conflict = smallest_conflict(sizes, requirements)
    if len(conflict) == 1:
        return _alone(sizes, requirements, conflict[0])
    ways = " or ".join(_relieved(sizes, conflict, requirements, one) for one in conflict)
    return (
        f"{', '.join(map(_stated, conflict))} are expected to be kept by some allocation, but are "
        f"in conflict: it takes {ways}."
    )


def can_be_kept(sizes, requirements):
    """Tell whether fractions of individuals could keep some requirements together."""
    if not requirements:
        return True
    constraints = join_constraints([one.constraints for one in requirements])
    try:
        relax(np.zeros((len(sizes), constraints.matrix.shape[1] // len(sizes))), sizes, constraints)
    except Infeasible:
        return False
    return True


def _names(requirements):
    return ", ".join(one.name for one in requirements)


def _stated(one):
    return one.name if np.isnan(one.value) else f"{one.name} ({_figure(one.value)})"


def _figure(value):
    """Six digits, or all of the whole ones: totals are large."""
    return f"{value:.0f}" if abs(value) >= 1e5 else f"{value:.6g}"


def _alone(sizes, requirements, one):
    """What is expected of a requirement that no allocation keeps."""
    needed = _needed(sizes, [one], requirements, one)
    if needed is None:
        return f"{one.name} is expected to leave an allocation, but no allocation keeps it."
    return f"{one.name} is expected to be {needed}, got {_figure(one.value)}."


def _relieved(sizes, conflict, requirements, one):
    """What a requirement would have to become for the rest of the conflict to stand."""
    needed = _needed(sizes, conflict, requirements, one)
    return f"no {one.name}" if needed is None else f"{one.name} {needed}"


def _needed(sizes, conflict, requirements, one):
    """Limit of a requirement's value with which the others can be kept; None if it is no number."""
    relief = least_relief(sizes, requirements, one)
    if not np.isfinite(relief):
        # Others are in conflict as well: then as far as this conflict goes.
        relief = least_relief(sizes, conflict, one)
    if one.easier == 0 or not np.isfinite(relief):
        return None
    population = float(sizes.sum())
    needed = one.value + one.easier * relief * population / one.per_unit
    if one.constraints.whole.all():
        limit = one.constraints.limit[0] + np.ceil(relief * population - 1e-6)
        needed = one.easier * limit / one.per_unit
    if abs(needed) <= 1e-9 * relief * population / one.per_unit:
        needed = 0.0
    # The cuts of a convex constraint are known to fewer digits.
    digits = 6 if len(one.constraints.limit) == 1 else 4
    return (
        f"{'at least' if one.easier > 0 else 'at most'} {safe_figure(needed, one.easier, digits)}"
    )


def safe_figure(value, easier, digits=6):
    """Write a number that is rounded to the side on which it is enough.

    Parameters
    ----------
    value : float
        What is just enough.
    easier : int
        1 to round up, -1 to round down.
    digits : int, default=6
        That count.

    Returns
    -------
    figure : str
        For an error.
    """
    if value == 0:
        return "0"
    unit = 10.0 ** (np.floor(np.log10(abs(value))) + 1 - digits)
    # Rounding of the division is no reason for a step.
    return _figure(easier * np.ceil(easier * value / unit - 1e-6) * unit + 0.0)
