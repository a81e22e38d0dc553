"""The mean budget that spends what is left of a day's money evenly over what is left of the day."""

from functools import lru_cache

import numpy as np

__all__ = [
    "budget_at",
    "cost_ratios",
    "mean_budget",
    "pending_and_ratio",
    "pending_cost",
    "redeemed_share",
    "shrunk_ratio",
]

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


def cost_ratios(spent, due, scale):
    """Return true cost as a multiple of expected cost, by the time of the offers.

    The ratio of a time is that of the offers near to it, drawn towards that of all, which is
    drawn towards 1.

    Parameters
    ----------
    spent : ndarray of shape (n_buckets,)
        True cost of the offers redeemed so far.
    due : ndarray of shape (n_buckets,)
        Their expected cost that should have come by now.
    scale : float
        Total budget, by which the ratio is drawn towards 1.

    Returns
    -------
    ratios : ndarray of shape (n_buckets,)
        1 where nothing is due yet.
    """
    of_all = shrunk_ratio(spent.sum(), due.sum(), _COST_WEIGHT * scale)
    near = _nearness(len(due))
    weight = _NEAR_WEIGHT * scale
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


def pending_and_ratio(offers, now, delay, scale):
    """Return the cost that offers still bring, and true cost as a multiple of expected cost.

    Parameters
    ----------
    offers : Offers
        Of the day so far.
    now : float
        Time.
    delay : ndarray of shape (n_points, 2) or None
        As in `redeemed_share`. None: costs are taken to be as expected.
    scale : float
        Total budget, by which the ratio is drawn towards 1.

    Returns
    -------
    pending, ratio : float
        The ratio is that of offers made now.
    """
    share = redeemed_share(offers.ages(now), delay)
    pending = pending_cost(offers.offered, offers.unsettled, share)
    if delay is None:
        return float(pending.sum()), 1.0
    ratios = cost_ratios(offers.redeemed, offers.offered * share, scale)
    return float(ratios @ pending), float(ratios[offers.bucket(now)])


def mean_budget(left, remaining, *, traffic, mix, ratio, scale):
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
    scale : float
        Total budget, by which the cost of decisions is drawn towards what was allowed.

    Returns
    -------
    budget : float
        Not yet within the budgets that a policy has plans for.
    """
    seen, planned, of_day = traffic
    level = shrunk_ratio(seen, planned, _TRAFFIC_WEIGHT * of_day)
    used = shrunk_ratio(*mix, _MIX_WEIGHT * scale)
    # The plan may expect nobody for the rest of a day in which somebody comes.
    return max(left, 0.0) / (max(level * remaining, 1.0) * used * ratio)


def budget_at(time, plan, offers, individuals, mix, delay, total_budget, scale):
    """Return the mean budget at a time of the day, not yet within the budgets of a policy.

    Parameters
    ----------
    time : float
        Now.
    plan : DayPlan
        Of the day.
    offers : Offers
        Of the day so far.
    individuals : float
        Who came so far.
    mix : tuple of float
        As in `mean_budget`.
    delay : ndarray of shape (n_points, 2) or None
        As in `redeemed_share`.
    total_budget : float
        Of the day.
    scale : float
        As in `mean_budget`.

    Returns
    -------
    budget : float
        0 from the day's end on.
    """
    if time >= plan.end:
        return 0.0
    pending, ratio = pending_and_ratio(offers, time, delay, scale)
    of_traffic, of_spend = plan.passed(time)
    of_day = plan.individuals
    return mean_budget(
        total_budget - offers.spent - pending,
        of_day * (1 - of_spend),
        traffic=(individuals, of_day * of_traffic, of_day),
        mix=mix,
        ratio=ratio,
        scale=scale,
    )


@lru_cache(maxsize=1)
def _nearness(n_buckets):
    """Weights of the offers of each bucket for the ratio of each other."""
    place = np.arange(n_buckets) / n_buckets
    return np.exp2(-np.abs(place[:, None] - place) / _HALF_LIFE)
