"""Why the rules of a campaign cannot all be kept.

Rules are in conflict if no allocation keeps all of them. The smallest such set
is searched by size in the linear relaxation; each of its rules then says by how
much it would have to give for the others to stand.
"""

import itertools

import numpy as np

from sklearn_hrc._programme.relaxation import (
    InfeasibleRows,
    empty_rows,
    join_rows,
    relax_rows,
    relieve_rows,
)

__all__ = ["can_be_kept", "describe_conflict", "least_relief", "smallest_conflict"]

# Sets of more rules than this are only searched for by leaving rules out one by one.
_MAX_SEARCHED = 3


def smallest_conflict(sizes, rules):
    """Return the smallest set of rules that cannot be kept together.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    rules : list of Rule
        Rules that cannot all be kept in the linear relaxation.

    Returns
    -------
    conflict : list of Rule
        No proper subset of it is in conflict; up to three rules, no smaller set is.
    """
    left = list(rules)
    for rule in rules:
        others = [other for other in left if other is not rule]
        if not can_be_kept(sizes, others):
            left = others
    for size in range(1, min(len(left), _MAX_SEARCHED + 1)):
        for chosen in itertools.combinations(rules, size):
            if not can_be_kept(sizes, list(chosen)):
                return list(chosen)
    return left


def least_relief(sizes, rules, rule):
    """Return the least by which a rule's value must give so that the others can be kept.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    rules : list of Rule
        Rules in conflict.
    rule : Rule
        The one that gives.

    Returns
    -------
    relief : float
        Per individual, in the unit of the rule's rows; infinite if no relief helps.
    """
    firm = [other.rows for other in rules if other is not rule]
    firm.append(empty_rows(rule.rows.matrix.shape[1]))
    return relieve_rows(sizes, rule.rows, join_rows(firm))[0]


def describe_conflict(sizes, rules):
    """Say in a sentence which rules are in conflict and what each would have to give.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    rules : list of Rule
        All rules.

    Returns
    -------
    sentence : str
        For an error.
    """
    if can_be_kept(sizes, rules):
        return (
            f"{_names(rules)} are expected to leave an allocation of whole numbers, but only "
            "fractions keep all of them; loosen one of them a little, or let clusters be split."
        )
    conflict = smallest_conflict(sizes, rules)
    if len(conflict) == 1:
        return _alone(sizes, rules, conflict[0])
    ways = " or ".join(_relieved(sizes, conflict, rules, rule) for rule in conflict)
    return (
        f"{', '.join(map(_stated, conflict))} are expected to be kept by some allocation, but are "
        f"in conflict: it takes {ways}."
    )


def can_be_kept(sizes, rules):
    """Tell whether fractions of individuals could keep some rules together."""
    if not rules:
        return True
    rows = join_rows([rule.rows for rule in rules])
    try:
        relax_rows(np.zeros((len(sizes), rows.matrix.shape[1] // len(sizes))), sizes, rows)
    except InfeasibleRows:
        return False
    return True


def _names(rules):
    return ", ".join(rule.name for rule in rules)


def _stated(rule):
    return rule.name if np.isnan(rule.value) else f"{rule.name} ({rule.value:.6g})"


def _alone(sizes, rules, rule):
    """What is expected of a rule that no allocation keeps."""
    needed = _needed(sizes, [rule], rules, rule)
    if needed is None:
        return f"{rule.name} is expected to leave an allocation, but no allocation keeps it."
    return f"{rule.name} is expected to be {needed}, got {rule.value:.6g}."


def _relieved(sizes, conflict, rules, rule):
    """What a rule would have to become for the rest of the conflict to stand."""
    needed = _needed(sizes, conflict, rules, rule)
    return f"no {rule.name}" if needed is None else f"{rule.name} {needed}"


def _needed(sizes, conflict, rules, rule):
    """Limit of a rule's value with which the others can be kept; None if it is no number."""
    relief = least_relief(sizes, rules, rule)
    if not np.isfinite(relief):
        # Others are in conflict as well: then as far as this conflict goes.
        relief = least_relief(sizes, conflict, rule)
    if rule.easier == 0 or not np.isfinite(relief):
        return None
    needed = rule.value + rule.easier * relief
    if rule.rows.whole.all():
        population = float(sizes.sum())
        limit = rule.rows.limit[0] + np.ceil(relief * population - 1e-6)
        needed = rule.easier * limit / population
    if abs(needed) <= 1e-9 * relief:
        needed = 0.0
    # A figure that is rounded the wrong way would not be enough.
    digits = 10.0 ** (np.floor(np.log10(max(abs(needed), 1e-300))) - 5)
    rounded = rule.easier * np.ceil(rule.easier * needed / digits - 1e-6) * digits + 0.0
    return f"{'at least' if rule.easier > 0 else 'at most'} {rounded:.6g}"
