"""The paired comparison of a policy with a rule at equal spend, from sums of cells.

It gives what `compare_policies` of `metrics` gives with Hajek's weights and the shares of the arms
as propensities, and the rule spends what the policy spends as in `evaluate`. Sums of cells are
enough, since a policy treats all rows of a cell of a fold alike.
"""

import numpy as np

from sklearn_hrc.design._plans import rule_shares

__all__ = ["actual_sums", "measured_gain", "net_difference"]

# Budgets of the rule beside that of the plan, from the cost of control to that of the dearest arm.
_N_BUDGETS = 10
# Points of a rule whose spends differ by less than this share of their range have no slope.
_LEAST_STEP = 0.01


def actual_sums(sums, mean):
    """Return sums of response and cost themselves, where they were counted from the mean."""
    n, y, c, yy, yc, cc = np.moveaxis(sums, -1, 0)
    response, cost = mean[..., 0], mean[..., 1]
    return np.stack(
        [
            n,
            y + n * response,
            c + n * cost,
            yy + 2 * response * y + n * response**2,
            yc + response * c + cost * y + n * response * cost,
            cc + 2 * cost * c + n * cost**2,
        ],
        axis=-1,
    )


def measured_gain(test, train, plans, budget, rule, control):
    """Compare plans with a rule at equal spend, on rows that have chosen neither.

    Parameters
    ----------
    test : ndarray of shape (n_folds, n_clusters, n_treatments, 6)
        Sums of the rows that judge.
    train : ndarray of shape (n_folds, n_clusters, n_treatments, 6)
        Sums of the rows that the rule is chosen on, for each fold.
    plans : ndarray of shape (n_folds, n_clusters, n_treatments)
        Shares of the clusters that get each arm, by the same rows.
    budget : float
        Mean cost per individual.
    rule : str
        As in `rule_shares`.
    control : int
        Index of control.

    Returns
    -------
    difference, error : float
        What the policy brings more, per individual, and its standard error.
    """
    arms = test.sum(axis=1)
    means = _means(arms.sum(axis=0))
    budgets = np.linspace(means[control, 1], max(means[:, 1]), _N_BUDGETS + 1)[1:]
    budgets = np.unique([*budgets, budget])
    chances = np.stack(
        [_rule_of_fold(fold.sum(axis=0), budgets, rule, control) for fold in train], axis=1
    )
    points = np.array([_value(arms, one) for one in chances]) - means[control]
    spend = _value(test, plans)[1] - means[control, 1]
    other, price = _at_spend(chances, points, spend)
    difference, variance = net_difference(test, plans, other[:, None], price)
    return difference, np.sqrt(variance)


def net_difference(sums, given, other, price):
    """Return the difference in response less a price of money, and the square of its error.

    Parameters
    ----------
    sums : ndarray of shape (n_folds, n_clusters, n_treatments, 6)
        Sums of the rows.
    given, other : ndarray that broadcast to (n_folds, n_clusters, n_treatments)
        Chances of the arms by two policies.
    price : float
        Response that a unit of money buys.

    Returns
    -------
    difference, variance : float
        NaN where a policy matches no row.
    """
    n, y, c, yy, yc, cc = np.moveaxis(sums, -1, 0)
    net, square = y - price * c, yy - 2 * price * yc + price**2 * cc
    inverse = n.sum() / n.sum(axis=(0, 1))
    parts = []
    for chances in (given, other):
        weight = chances * inverse
        weight = weight / (weight * n).sum()
        parts.append((weight, (weight * net).sum()))
    (first, value), (second, other_value) = parts
    slope, level = first - second, first * value - second * other_value
    variance = (slope**2 * square - 2 * slope * level * net + level**2 * n).sum()
    n_rows = (n * ((first > 0) | (second > 0))).sum()
    return value - other_value, variance * n_rows / max(n_rows - 1, 1.0)


def _means(arms):
    """Return mean response and cost of each arm, (n_treatments, 2)."""
    return arms[:, 1:3] / arms[:, :1]


def _rule_of_fold(arms, budgets, rule, control):
    """Return the shares of the arms at each budget by the sums of the arms."""
    means = _means(arms)
    spend = np.maximum(budgets - means[control, 1], 0.0)
    return rule_shares(rule, means - means[control], spend, control)


def _value(sums, chances):
    """Return Hajek's response and cost of a policy, from sums of cells or of arms."""
    n = sums[..., 0]
    weight = chances * (n.sum() / n.reshape(-1, n.shape[-1]).sum(axis=0))
    return (weight[..., None] * sums[..., 1:3]).reshape(-1, 2).sum(axis=0) / (weight * n).sum()


def _at_spend(chances, points, spend):
    """Return chances of the rule that spends as much, and the response that money buys there.

    Parameters
    ----------
    chances : ndarray of shape (n_budgets, n_folds, n_treatments)
        Chances of the arms at each budget.
    points : ndarray of shape (n_budgets, 2)
        Gain and spend of the rule at each budget.
    spend : float
        Spend of the policy.

    Returns
    -------
    other : ndarray of shape (n_folds, n_treatments)
        Between two budgets a coin is tossed. Beyond the largest spend money buys nothing.
    price : float
        Slope of the gain.
    """
    order = np.argsort(points[:, 1], kind="stable")
    least = _LEAST_STEP * np.ptp(points[:, 1])
    kept = [order[0]]
    for place in order[1:]:
        if points[place, 1] - points[kept[-1], 1] > least:
            kept.append(place)
    spends = points[kept, 1]
    after = int(np.searchsorted(spends, spend))
    if after in (0, len(kept)):
        return chances[kept[min(after, len(kept) - 1)]], 0.0
    low, high = kept[after - 1], kept[after]
    gain, step = points[high] - points[low]
    share = (spend - spends[after - 1]) / step
    return (1 - share) * chances[low] + share * chances[high], gain / step
