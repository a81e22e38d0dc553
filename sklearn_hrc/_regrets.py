"""Regrets: what each arm loses an individual, at several prices of the budget.

A budget acts on decisions by its shadow price alone: the response that one more unit of money
would buy. At a price an individual's best arm is that with the largest expected response less its
priced cost, and any other arm loses the difference. So individuals whose regrets are the same get
the same arm under every budget, and whoever shares an arm with others loses what the regrets say.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._programme.hull import hull_path

__all__ = ["RegretScale", "choice_scores", "fit_regret_scale", "regrets"]

# Prices at least; there are more for two or three arms, whose choices they alone tell apart.
MIN_PRICES = 16
# What a squared distance of regrets counts beside a regret. Ten times as much costs 0.001 of the
# efficiency, and so does a tenth where budgets are small.
CLOSENESS = 0.003


class RegretScale(NamedTuple):
    """What response and cost count in the regrets at each price.

    Attributes
    ----------
    of_response, of_cost : ndarray of shape (n_prices,)
        An arm is worth `of_response * response - of_cost * cost` at a price. The price itself is
        `of_cost / of_response`.
    """

    of_response: np.ndarray
    of_cost: np.ndarray


def fit_regret_scale(response, cost, weight, units, n_clusters):
    """Find prices at which the best decisions for individuals spend small to large budgets.

    Parameters
    ----------
    response, cost : ndarray of shape (n_samples, n_treatments)
        Expected response and cost of every arm.
    weight : ndarray of shape (n_samples,)
        Positive weights.
    units : ndarray of shape (2,)
        Mean size of the effects on response and on cost; 0 where arms do not differ.
    n_clusters : int
        Number of clusters that the regrets are to tell apart.

    Returns
    -------
    scale : RegretScale
        The mean square length of the regrets of `weight` individuals is one. There is one price
        where arms do not differ in response or in cost: money decides nothing.
    """
    if units.all():
        n_prices = max(MIN_PRICES, n_clusters // (response.shape[1] - 1))
        scale = _prices_of_budgets(response, cost, weight, n_prices)
    else:
        scale = RegretScale(*(units > 0)[:, None].astype(np.float64))
    square = np.square(regrets(response, cost, scale), dtype=np.float64).sum(axis=1)
    length = np.sqrt(np.average(square, weights=weight))
    return RegretScale(*(each / length for each in scale))


def regrets(response, cost, scale):
    """Return what each arm is worth less than the best one at each price.

    Parameters
    ----------
    response, cost : ndarray of shape (n_samples, n_treatments)
        Expected response and cost of every arm.
    scale : RegretScale
        Prices.

    Returns
    -------
    regrets : ndarray of shape (n_samples, n_prices * n_treatments)
        Not negative; the arms of the first price, then those of the next. In the dtype of
        `response`.
    """
    of_response, of_cost = (each.astype(response.dtype)[:, None] for each in scale)
    worth = of_response * response[:, None] - of_cost * cost[:, None]
    return (worth.max(axis=2, keepdims=True) - worth).reshape(len(response), -1)


def choice_scores(centres, n_treatments):
    """Return slopes and bias of a score that is largest for the cluster of a row.

    A cluster chooses, at each price, the arm that its mean member regrets least. A row belongs
    where the choices lose it least. Choices leave ties, so that the squared distance from the
    centre counts a little, too. With `d` the indicators of the choices, `c` the centre and `z` the
    row, the score is

        -d.z - CLOSENESS |z - c|^2  =  (2 CLOSENESS c - d).z - CLOSENESS |c|^2  + const.

    Parameters
    ----------
    centres : ndarray of shape (n_clusters, n_prices * n_treatments)
        Mean regrets of the members.
    n_treatments : int
        Number of arms.

    Returns
    -------
    slopes : ndarray of shape (n_prices * n_treatments, n_clusters)
        Of the score, in the dtype of `centres`.
    bias : ndarray of shape (n_clusters,)
        Of the score.
    """
    at_prices = centres.reshape(len(centres), -1, n_treatments)
    chosen = at_prices.argmin(axis=2)[..., None] == np.arange(n_treatments)
    slopes = 2 * CLOSENESS * centres - chosen.reshape(centres.shape)
    return slopes.T.astype(centres.dtype), -CLOSENESS * np.einsum("ij,ij->i", centres, centres)


def _prices_of_budgets(response, cost, weight, n_prices):
    path = hull_path(response.astype(np.float64), cost.astype(np.float64), weight)
    if not len(path.slope):  # the cheapest arm is the best one for everybody
        return RegretScale(np.ones(1), np.zeros(1))
    # Closer together where budgets are small: they are about the few best.
    share = np.square((np.arange(n_prices) + 0.5) / n_prices)
    spend = path.cost[0] + share * (path.cost[-1] - path.cost[0])
    bought = np.searchsorted(path.cost[1:], spend, side="right")
    prices, first = np.unique(np.append(path.slope, 0.0)[bought], return_index=True)
    # What is lost counts as a share of what can be gained, but for the root: the smallest budgets
    # would decide alone.
    gain = np.interp(spend[first], path.cost, path.response) - path.response[0]
    of_response = 1 / np.sqrt(gain)
    return RegretScale(of_response, prices * of_response)
