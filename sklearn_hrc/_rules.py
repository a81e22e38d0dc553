"""The rules of a campaign as rows of the programme.

A rule is what a parameter of the allocator demands: a share, a spend, a return,
an outcome. Every rule knows how much room a unit of its parameter gives, so that
a conflict can be told in the terms in which the rules were given.
"""

import itertools
from collections.abc import Mapping
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from sklearn_hrc._labels import as_labelled
from sklearn_hrc._programme.relaxation import Rows, dense_row
from sklearn_hrc._warning import warn

__all__ = [
    "Rule",
    "budget_rule",
    "forbidden_rule",
    "limit_rules",
    "monotone_rule",
    "outcome_rule",
    "resolve_limits",
    "return_rule",
]

# A share of the population is a whole number of individuals up to this rounding.
_ROUNDING = 1e-12


class Rule(NamedTuple):
    """A rule and its rows.

    Attributes
    ----------
    name : str
        What demands it, as an error names it.
    value : float
        What it demands, in the unit of the parameter; NaN where it is no number.
    easier : int
        Whether a larger (1) or a smaller (-1) value is easier to keep; 0 if no number.
    rows : Rows
        On totals; one more unit of `value` moves the limits by the population.
    """

    name: str
    value: float
    easier: int
    rows: Rows


def budget_rule(cost, sizes, budget):
    """Mean cost per individual of at most a budget."""
    return Rule("budget", float(budget), 1, dense_row(cost, float(budget) * sizes.sum()))


def limit_rules(name, limits, treatments, sizes, cost=None):
    """Shares of arms of at least or at most their limits, or spends of at most them.

    Parameters
    ----------
    name : {"min_share", "max_share", "max_arm_spend"}
        Parameter.
    limits : ndarray of shape (n_treatments,)
        NaN for an arm without a limit.
    treatments : ndarray of shape (n_treatments,)
        Labels.
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    cost : ndarray of shape (n_clusters, n_treatments), default=None
        Cost per individual, for a spend.

    Returns
    -------
    rules : list of Rule
        One for each arm with a limit.
    """
    sign = -1 if name == "min_share" else 1
    rules, population = [], sizes.sum().item()
    for arm in np.flatnonzero(~np.isnan(limits)):
        coefficients = np.zeros((len(sizes), len(treatments)))
        coefficients[:, arm] = sign if cost is None else cost[:, arm]
        total = sign * limits[arm] * population
        whole = cost is None and sizes.dtype.kind == "i"
        if whole:
            total = np.floor(total + _ROUNDING * population)
        row = dense_row(coefficients, total, whole=whole)
        rules.append(Rule(f"{name} of {treatments[arm]}", float(limits[arm]), sign, row))
    return rules


def forbidden_rule(forbidden, clusters, treatments):
    """Return the rule that clusters may not have certain arms.

    Parameters
    ----------
    forbidden : mapping of cluster label to a treatment label or a list of them
        What is not allowed.
    clusters, treatments : ndarray
        Known labels.

    Returns
    -------
    rule : Rule
        A single row.
    """
    if not isinstance(forbidden, Mapping):
        raise ValueError(
            "forbidden_arms is expected to be a dict of lists of treatments by cluster, got "
            f"{forbidden!r}."
        )
    coefficients = np.zeros((len(clusters), len(treatments)))
    for label, arms in forbidden.items():
        arms = [arms] if isinstance(arms, (str, bytes)) or not np.iterable(arms) else list(arms)
        columns = _places(arms, treatments, "forbidden_arms")
        for row in _known_places([label], clusters, "forbidden_arms"):
            coefficients[row, columns] = 1.0
    return Rule("forbidden_arms", np.nan, 0, dense_row(coefficients, 0.0, whole=True))


def return_rule(response, cost, control, minimum):
    """Response gained over control of at least `minimum` for each unit of cost beyond control."""
    gain, extra = (values - values[:, [control]] for values in (response, cost))
    return Rule("min_return", float(minimum), 0, dense_row(minimum * extra - gain, 0.0))


def outcome_rule(name, mean, sizes, minimum):
    """Mean of an outcome per individual of at least `minimum`."""
    row = dense_row(-mean, -float(minimum) * sizes.sum())
    return Rule(f"min_outcomes of {name}", float(minimum), -1, row)


def monotone_rule(order, clusters, treatments, sizes):
    """Return the rule that arms never step down along a list of clusters.

    For every arm, the share of a cluster that gets it or a later one is at least
    that of the cluster before.

    Parameters
    ----------
    order : list of cluster labels
        At least two different ones.
    clusters, treatments : ndarray
        Known labels; arms step up in the order of `treatments`.
    sizes : ndarray of shape (n_clusters,)
        Individuals; empty clusters are passed over.

    Returns
    -------
    rule : Rule
        Rows in whole numbers.
    """
    places = _known_places(order, clusters, "monotone_clusters")
    if len(set(places)) < len(places):
        raise ValueError(
            f"monotone_clusters is expected to name every cluster once, got {list(order)}."
        )
    places = [place for place in places if sizes[place]]
    is_whole = sizes.dtype.kind == "i"
    n_arms = len(treatments)
    data, row, column = [], [], []
    for before, after in itertools.pairwise(places):
        # Whole numbers where sizes are, so that rows need no tolerance.
        divisor = np.gcd(sizes[before], sizes[after]) if is_whole else sizes[[before, after]].max()
        for arm in range(1, n_arms):
            number = len(row) and row[-1] + 1
            for place, weight in ((before, sizes[after]), (after, -sizes[before])):
                columns = range(place * n_arms + arm, (place + 1) * n_arms)
                data += [float(weight / divisor)] * len(columns)
                column += columns
                row += [number] * len(columns)
    n_rows = row[-1] + 1 if row else 0
    matrix = csr_array((data, (row, column)), (n_rows, len(clusters) * n_arms))
    rows = Rows(matrix, np.zeros(n_rows), np.full(n_rows, is_whole))
    return Rule("monotone_clusters", np.nan, 0, rows)


def resolve_limits(limits, treatments, name, *, share, ordered=False):
    """Return the limit of each arm, NaN where there is none.

    Parameters
    ----------
    limits : array-like of shape (n_treatments,), or dict or Series by label
        A dict may leave arms out, an array may hold NaN.
    treatments : ndarray of shape (n_treatments,)
        Labels.
    name : str
        Parameter, for errors.
    share : bool
        Limits are shares, from 0 to 1.
    ordered : bool, default=False
        An ordered Categorical said the order of the treatments.

    Returns
    -------
    limits : ndarray of shape (n_treatments,)
        Numbers.
    """
    by_label = as_labelled(limits, treatments, name, ordered=ordered)
    if by_label is not None:
        resolved = np.full(len(treatments), np.nan)
        places = _places(by_label, treatments, name)
        resolved[places] = [_number(value, name) for value in by_label.values()]
    else:
        try:
            resolved = np.asarray(limits, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"{name} is expected to hold numbers, got {limits!r}.") from None
        if resolved.shape != (len(treatments),):
            raise ValueError(
                f"{name} is expected to have {len(treatments)} entries, one for each treatment, "
                f"got an array of shape {resolved.shape}."
            )
    given = resolved[~np.isnan(resolved)]
    if np.isinf(given).any() or (share and np.any((given < 0) | (given > 1))):
        what = "shares from 0 to 1" if share else "finite numbers"
        raise ValueError(f"{name} is expected to hold {what}, got {limits!r}.")
    return resolved


def _number(value, name):
    if not isinstance(value, Real):
        raise ValueError(f"{name} is expected to hold numbers, got {value!r}.")
    return float(value)


def _places(labels, treatments, name):
    """Indices of treatment labels."""
    positions = {label: place for place, label in enumerate(treatments.tolist())}
    for label in labels:
        if np.ndim(label) or label not in positions:
            raise ValueError(
                f"{name} is expected to name treatments, {treatments.tolist()}, got {label!r}."
            )
    return [positions[label] for label in labels]


def _known_places(labels, clusters, name):
    """Indices of cluster labels; one without rows has nobody to be ruled."""
    positions = {label: place for place, label in enumerate(clusters.tolist())}
    for label in labels:
        if np.ndim(label):
            raise ValueError(f"{name} is expected to name clusters, got {label!r}.")
    unknown = [label for label in labels if label not in positions]
    if unknown:
        warn(f"{name} names clusters that no row is in: {unknown}.")
    return [positions[label] for label in labels if label in positions]
