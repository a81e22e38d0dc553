"""The mean budget that spends what is left of a day's money evenly over what is left of the day."""

from functools import lru_cache

import numpy as np

__all__ = ["cost_ratios", "mean_budget", "pending_cost", "redeemed_share", "shrunk_ratio"]

# Estimates start at 1, as if a share of the day had been seen to go as planned.
# The shares are those of the planned traffic, of the budget and of the budget.
_TRAFFIC_WEIGHT = 0.3
_COST_WEIGHT = 0.05
_MIX_WEIGHT = 0.05
# Within this share of the day offers count half as near, and how much of the budget of near
# offers balances all others.
_HALF_LIFE = 0.2
_NEAR_WEIGHT = 0.05


def redeemed_share(ages, delay):
    """Return which share of the cost of offers has come by their ages.

    Parameters
    ----------
    ages : ndarray of shape (n_buckets,)
        Time since the offers.
    delay : ndarray of shape (n_points, 2) or None
        Ages and shares. None: not known, so nothing is taken to have come.

    Returns
    -------
    share : ndarray of shape (n_buckets,)
        From 0 to 1.
    """
    return np.zeros(len(ages)) if delay is None else np.interp(ages, delay[:, 0], delay[:, 1])


def shrunk_ratio(seen, planned, weight):
    """Return what was seen as a multiple of the plan, drawn towards 1 by a weight."""
    return (seen + weight) / (planned + weight)


def cost_ratios(spent, due, total_budget):
    """Return true cost as a multiple of expected cost, by the time of the offers.

    The ratio of a time is that of the offers near to it, drawn towards that of all, which is
    drawn towards 1.

    Parameters
    ----------
    spent : ndarray of shape (n_buckets,)
        True cost of the offers redeemed so far.
    due : ndarray of shape (n_buckets,)
        Their expected cost that should have come by now.
    total_budget : float
        Of the day.

    Returns
    -------
    ratios : ndarray of shape (n_buckets,)
        1 where nothing is due yet.
    """
    of_all = shrunk_ratio(spent.sum(), due.sum(), _COST_WEIGHT * total_budget)
    near = _nearness(len(due))
    weight = _NEAR_WEIGHT * total_budget
    return (near @ spent + weight * of_all) / (near @ due + weight)


def pending_cost(offered, unsettled, share):
    """Return the expected cost that the offers of each bucket still bring.

    Those who redeem early leave the others less likely to redeem. So the sum over all offers of a
    bucket falls with their age, whoever redeemed. It is never above that of the unsettled offers.

    Parameters
    ----------
    offered, unsettled : ndarray of shape (n_buckets,)
        Expected cost of all offers, and of those neither redeemed nor expired.
    share : ndarray of shape (n_buckets,)
        From `redeemed_share`.

    Returns
    -------
    pending : ndarray of shape (n_buckets,)
        At the costs that were expected.

    Examples
    --------
    >>> import numpy as np
    >>> offered, unsettled = np.array([4.0, 4.0]), np.array([3.0, 1.0])
    >>> pending_cost(offered, unsettled, np.array([0.5, 0.5]))
    array([2., 1.])
    >>> pending_cost(offered, unsettled, np.zeros(2))
    array([3., 1.])
    """
    return np.minimum(offered * (1 - share), unsettled)


def mean_budget(left, remaining, *, traffic, mix, ratio, total_budget):
    """Return the mean budget per individual that spends what is left by the end of the day.

    Parameters
    ----------
    left : float
        Budget less what is spent or pending.
    remaining : float
        Individuals that the plan expects until the end of the day.
    traffic : tuple of float
        Individuals so far, individuals that the plan expected so far and over the day.
    mix : tuple of float
        Expected cost of decisions so far, and what their mean budgets allowed.
    ratio : float
        True cost as a multiple of expected cost.
    total_budget : float
        Of the day.

    Returns
    -------
    budget : float
        Not yet within the budgets that a policy has plans for.
    """
    seen, planned, of_day = traffic
    level = shrunk_ratio(seen, planned, _TRAFFIC_WEIGHT * of_day)
    used = shrunk_ratio(*mix, _MIX_WEIGHT * total_budget)
    # The plan may expect nobody for the rest of a day in which somebody comes.
    return max(left, 0.0) / (max(level * remaining, 1.0) * used * ratio)


@lru_cache(maxsize=1)
def _nearness(n_buckets):
    """Weights of the offers of each bucket for the ratio of each other."""
    place = np.arange(n_buckets) / n_buckets
    return np.exp2(-np.abs(place[:, None] - place) / _HALF_LIFE)
