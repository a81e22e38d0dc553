"""Who gets what, in words of the original columns."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.report._columns import parts_of
from sklearn_hrc.report._numbers import amount, count, per_cent
from sklearn_hrc.report._wording import clean

__all__ = ["Recipients", "memberships", "who_gets_what"]

# A trait is told if the mean is so many standard deviations from that of all, and so many standard
# errors, so that a few people make no trait.
_LEAST_DIFFERENCE = 0.1
_LEAST_ERRORS = 3.0
_MOST_TRAITS = 3


class Recipients(NamedTuple):
    """Those who get an arm.

    Attributes
    ----------
    arm : str
        The arm in words.
    share : float
        Share of all people.
    numbers : str
        How many they are, and what they cost.
    traits : list of str
        How they differ from all.
    """

    arm: str
    share: float
    numbers: str
    traits: list[str]


def memberships(policy, plan, rows):
    """Return how far each row stands for those who get each arm.

    A plan for another list says how many of each cluster get an arm. Then the rows of a cluster
    stand for its people on the list, in equal parts.

    Parameters
    ----------
    policy : estimator
        The fitted policy.
    plan : ListPlan or None
        A plan for a list.
    rows : Rows or None
        Rows with the columns as they are.

    Returns
    -------
    weights : ndarray of shape (n_rows, n_treatments) or None
        0 and 1 where the arms of the rows themselves are told.
    stand_for_list : bool
        Whether the rows stand for people on a list.
    """
    if rows is None:
        return None, False
    steps, last = unwrap_policy(policy, name="policy")
    allocator = last._fitted_allocator
    if plan is None:
        return _one_hot(policy.predict(rows.X), allocator), False
    cluster, _ = last._locate(last._check_X(transform_through(steps, rows.X)))
    if _is_list(allocator, cluster, plan):
        return _one_hot(plan.arms, allocator), False
    known = cluster >= 0
    size = np.bincount(cluster[known], minlength=len(allocator.clusters_))
    counts = plan.allocation / np.maximum(size, 1)[:, None]
    return np.where(known[:, None], counts[cluster], 0.0), True


def _one_hot(arms, allocator):
    return (np.asarray(arms)[:, None] == allocator.treatments_).astype(np.float64)


def _is_list(allocator, cluster, plan):
    """Tell whether a plan is one for these rows: it expects of each what the policy does."""
    if len(plan.arms) != len(cluster):
        return False
    arm = _one_hot(plan.arms, allocator).argmax(axis=1)
    known = cluster >= 0
    expected = allocator.response_[cluster[known], arm[known]]
    return bool(np.allclose(expected, plan.response[known]))


def who_gets_what(allocator, plan, rows, weights, words):
    """Return who gets each arm that somebody gets, and the arms that nobody gets.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        The allocator of the policy.
    plan : ListPlan or None
        A plan for a list.
    rows : Rows or None
        Rows with the columns as they are.
    weights : ndarray of shape (n_rows, n_treatments) or None
        From `memberships`.
    words : Wording
        What things are called.

    Returns
    -------
    recipients : list of Recipients
        In the order of the arms.
    unused : list of str
        Arms in words.
    """
    parts = None if rows is None else parts_of(rows.X)
    recipients, unused = [], []
    for place, label in enumerate(allocator.treatments_.tolist()):
        share, numbers = _numbers(allocator, plan, weights, place, words)
        if share == 0:
            unused.append(words.arm(label))
            continue
        traits = []
        if parts is not None:
            traits = _traits(parts, weights[:, place], weights.sum(axis=1), words)
        recipients.append(Recipients(words.arm(label), share, numbers, traits))
    return recipients, unused


def _numbers(allocator, plan, weights, place, words):
    """Return the share of those who get an arm, and a text with their number."""
    if plan is not None:
        mine = plan.arms == allocator.treatments_[place]
        cost = words.of_cost(float(plan.cost[mine].sum()))
        return float(mine.mean()), f"{count(mine.sum())} {words.people}, {words.cost} {cost}"
    if weights is not None:
        mine = weights[:, place]
        return float(mine.mean()), f"{count(mine.sum())} of the experiment"
    share = allocator.allocation_[:, place].sum() / allocator.cluster_sizes_.sum()
    return float(share), ""


def _traits(parts, mine, every, words):
    """Say by what those of a group differ most from all, one sentence a column."""
    if np.array_equal(mine, every):
        return ["everybody"]
    found = {}
    for part in parts:
        known = np.isfinite(part.numbers)
        numbers, inside, all_ = part.numbers[known], mine[known], every[known]
        if not inside.any():
            continue
        means = np.average(numbers, weights=inside), np.average(numbers, weights=all_)
        deviation = np.sqrt(np.average((numbers - means[1]) ** 2, weights=all_))
        size = abs(means[0] - means[1]) / deviation if deviation > 0 else 0.0
        # As many rows of equal weight would have the same error.
        n_rows = inside.sum() ** 2 / (inside**2).sum()
        if size < max(_LEAST_DIFFERENCE, _LEAST_ERRORS / np.sqrt(n_rows)):
            continue
        if size > found.get(part.column, (0.0,))[0]:
            found[part.column] = size, _sentence(part, means, deviation, words)
    best = sorted(found.values(), key=lambda one: -one[0])[:_MOST_TRAITS]
    return [text for _, text in best] or ["much like all, in every column"]


def _sentence(part, means, deviation, words):
    """Say the mean or share of a group beside that of all."""
    name = words.column(part.column)
    if part.kind == "share":
        value = "" if part.value == "yes" else f" is {clean(part.value)}"
        told, every = (per_cent(mean) for mean in means)
        return f"{name}{value}: {told} of them ({every} of all)"
    if part.kind == "date":
        told, every = (
            f"{np.datetime64(round(mean), 's').astype('datetime64[D]')}" for mean in means
        )
    else:
        told, every = (amount(mean, deviation / 10) for mean in means)
    return f"{name}: {told} on average (all: {every})"
