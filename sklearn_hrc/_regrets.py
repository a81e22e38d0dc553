"""Regrets: what each arm loses an individual, at several prices of the budget.

A budget acts on decisions by its shadow price alone: the response that one more unit of money
would buy. At a price an individual's best arm is that with the largest expected response less its
priced cost, and any other arm loses the difference. So individuals whose regrets are the same get
the same arm under every budget, and whoever shares an arm with others loses what the regrets say.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._chunks import chunks
from sklearn_hrc._programme.hull import hull_path

__all__ = ["RegretScale", "choice_scores", "fit_regret_scale", "regrets"]

# Prices at least and at most. Few arms need more, since prices alone tell their choices apart.
MIN_PRICES, MAX_PRICES = 16, 64
# Regrets count up to so many times the largest mean regret of an arm in use: one that is best for
# this share of individuals. Else a dear arm that is good for nobody would set the scale.
LARGEST, IN_USE = 3.0, 1e-3
# Regrets below so many units of rounding are none.
ROUNDING = 8
# Numbers that are made at once.
_BLOCK = 500_000
# What a squared distance of regrets counts beside a regret. Ten times as much costs 0.001 of the
# efficiency, and nothing at all 0.002 where budgets are small.
CLOSENESS = 0.003


class RegretScale(NamedTuple):
    """What response and cost count in the regrets at each price.

    Attributes
    ----------
    of_response, of_cost : ndarray of shape (n_prices,)
        An arm is worth `of_response * response - of_cost * cost` at a price. The price itself is
        `of_cost / of_response`.
    largest : ndarray of shape (n_prices,)
        Largest regret. What an arm loses beyond it does not count.
    """

    of_response: np.ndarray
    of_cost: np.ndarray
    largest: np.ndarray


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
    response, cost = response.astype(np.float64), cost.astype(np.float64)
    weight = weight / weight.sum()
    if units.all():
        wanted = n_clusters // (response.shape[1] - 1)
        n_prices = min(max(MIN_PRICES, wanted), MAX_PRICES)
        worth = _prices_of_budgets(response, cost, weight, n_prices)
    else:
        worth = (units > 0)[:, None].astype(np.float64)
    scale = RegretScale(*worth, np.full(len(worth[0]), np.inf))
    scale = scale._replace(largest=_largest(regrets(response, cost, scale), weight, len(worth[0])))
    length = np.sqrt(weight @ np.square(regrets(response, cost, scale)).sum(axis=1))
    # Without any regret all individuals are the same, in any unit.
    return RegretScale(*(each / (length or 1.0) for each in scale))


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
        Not negative, and at most `largest` of the price; the arms of the first price, then those
        of the next. In the dtype of `response`.
    """
    scale = [each.astype(response.dtype)[:, None] for each in scale]
    found = np.empty((len(response), len(scale[0]) * response.shape[1]), dtype=response.dtype)
    for rows in chunks(len(response), max(_BLOCK // found.shape[1], 1)):
        of_chunk = _regrets_of_chunk(response[rows, None], cost[rows, None], *scale)
        found[rows] = of_chunk.reshape(-1, found.shape[1])
    return found


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


def _regrets_of_chunk(response, cost, of_response, of_cost, largest):
    worth = of_response * response - of_cost * cost
    lost = worth.max(axis=2, keepdims=True) - worth
    rounding = ROUNDING * np.finfo(worth.dtype).eps * np.abs(worth).max(axis=2, keepdims=True)
    return np.where(lost > rounding, np.minimum(lost, largest), 0)


def _largest(rows, weight, n_prices):
    """Largest regret that counts at each price."""
    at_prices = rows.reshape(len(rows), n_prices, -1)
    mean = np.tensordot(weight, at_prices, 1)
    best = np.tensordot(weight, at_prices == 0, 1)
    # The two best arms are always in use: somebody may have to take the second one.
    second = np.sort(mean, axis=1)[:, [1]]
    return LARGEST * np.where((best >= IN_USE) | (mean <= second), mean, 0).max(axis=1)


def _prices_of_budgets(response, cost, weight, n_prices):
    """What response and cost count at prices whose best decisions spend small to large budgets."""
    path = hull_path(response, cost, weight)
    if not len(path.slope):  # the cheapest arm is the best one for everybody
        return np.ones(1), np.zeros(1)
    # Closer together where budgets are small: they are about the few best.
    share = np.square((np.arange(n_prices) + 0.5) / n_prices)
    spend = path.cost[0] + share * (path.cost[-1] - path.cost[0])
    bought = np.searchsorted(path.cost[1:], spend, side="right")
    prices, first = np.unique(np.append(path.slope, 0.0)[bought], return_index=True)
    # What is lost counts as a share of what can be gained, but for the root: the smallest budgets
    # would decide alone.
    gain = np.interp(spend[first], path.cost, path.response) - path.response[0]
    of_response = 1 / np.sqrt(gain)
    return of_response, prices * of_response
