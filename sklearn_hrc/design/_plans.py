"""Plans for a budget, rules to beat, and what both are truly worth."""

import numpy as np

from sklearn_hrc._programme.budget_path import path_allocation, path_shares
from sklearn_hrc._programme.hull import hull_path
from sklearn_hrc.evaluation._rules_to_beat import BestArm
from sklearn_hrc.metrics._shares import mix_shares, single_arm_shares

__all__ = [
    "BEST_MIX",
    "BEST_SINGLE_ARM",
    "best_arm",
    "known_rule",
    "plan_shares",
    "rule_shares",
    "true_gain",
    "value_of",
]

BEST_SINGLE_ARM = "best single arm"
BEST_MIX = "best mix of arms"


def plan_shares(mean, sizes, budget):
    """Return the share of each cluster that gets each arm, (n_clusters, n_treatments).

    The plan is that of the linear relaxation: as many individuals are far more than whole numbers
    matter for. A budget below the cheapest plan buys the cheapest plan.
    """
    path = hull_path(mean[..., 0], mean[..., 1], sizes)
    allocation = path_allocation(path, [max(budget, path.cost[0])])
    return path_shares(allocation, mean.shape[1])[0]


def rule_shares(rule, points, spend, control):
    """Return the shares of random individuals that get each arm, (n_points, n_treatments).

    Parameters
    ----------
    rule : {"best single arm", "best mix of arms"}
        What is chosen.
    points : ndarray of shape (n_treatments, 2)
        Gain and spend of each arm for everybody, above those of control.
    spend : ndarray of shape (n_points,)
        Spends above control, not negative.
    control : int
        Index of control.
    """
    if rule == BEST_MIX:
        return mix_shares(points, spend)
    return single_arm_shares(points, spend, control)[0]


def value_of(plan, mean, sizes):
    """Return mean response and cost of a plan, of shape (2,)."""
    return np.einsum("k,kj,kja->a", sizes, plan, mean)


def true_gain(plan, world, mean, rule):
    """Return what a plan brings more than the rule that spends the same, and what it costs.

    Parameters
    ----------
    plan : ndarray of shape (n_clusters, n_treatments)
        Shares of the clusters.
    world : World
        Sizes and control.
    mean : ndarray of shape (n_clusters, n_treatments, 2)
        True response and cost.
    rule : str
        As in `rule_shares`. The rule is chosen with the truth known.

    Returns
    -------
    gain, cost : float
        Per individual.
    """
    points, base = _points(world, mean)
    response, cost = value_of(plan, mean, world.sizes) - base
    shares = known_rule(world, mean, rule, cost)
    return float(response - shares @ points[:, 0]), float(cost + base[1])


def known_rule(world, mean, rule, spend):
    """Return the shares of the arms by the rule at a spend above control, with the truth known."""
    spends = np.array([max(spend, 0.0)])
    return rule_shares(rule, _points(world, mean)[0], spends, world.control)[0]


def best_arm(world):
    """Return the best single arm at the budget by the estimates, and the share that gets it."""
    points, base = _points(world, world.estimates.mean)
    spend = np.array([max(world.budget - base[1], 0.0)])
    shares, best = single_arm_shares(points, spend, world.control)
    return BestArm(world.treatments.tolist()[best[0]], float(shares[0, best[0]]))


def _points(world, mean):
    """Return gain and spend of each arm for everybody, and response and cost of control."""
    arms = np.einsum("k,kja->ja", world.sizes, mean)
    return arms - arms[world.control], arms[world.control]
