"""Decisions one by one at a price of the budget, along the exact path of the programme."""

from typing import NamedTuple

import numpy as np
from sklearn.isotonic import isotonic_regression

from sklearn_hrc._programme.hull import hull_path

__all__ = ["PricePath", "arms_at_price", "price_of_budget", "price_path"]

# A price above that of a step by this share leaves the step out, whatever the rounding.
ROUNDING = 1e-12


class PricePath(NamedTuple):
    """What falling prices buy for the rows of fit.

    Attributes
    ----------
    slope : ndarray of shape (n_steps,)
        Prices at which rows move to a dearer arm, falling.
    response, cost : ndarray of shape (n_steps + 1,)
        Means per individual before the first step and after each step. The cost never falls: where
        an estimate of it does, steps share their mean. A running maximum of noisy sums would be
        too large. None is cheaper than the cheapest arms.
    """

    slope: np.ndarray
    response: np.ndarray
    cost: np.ndarray


def price_path(value, priced, response, cost):
    """Follow the decisions `argmax value - price * priced` over all prices.

    Parameters
    ----------
    value, priced : ndarray of shape (n_samples, n_treatments)
        What decisions are made by.
    response, cost : ndarray of shape (n_samples, n_treatments), float64
        What an arm adds to the totals. Rows count by the weights that are in these numbers.

    Returns
    -------
    path : PricePath
        Per individual.
    """
    n_samples = len(value)
    path = hull_path(value, priced, np.ones(n_samples))
    before = _arm_before(path)
    totals = []
    for outcome in (response, cost):
        start = outcome[np.arange(n_samples), path.start].sum()
        steps = outcome[path.cluster, path.target] - outcome[path.cluster, before]
        totals.append(np.cumsum(np.append(start, steps)) / n_samples)
    spent = np.maximum(isotonic_regression(totals[1]), totals[1][0])
    return PricePath(path.slope, totals[0], spent)


def price_of_budget(path, budget):
    """Return the least price at which the rows of fit keep the budget.

    Parameters
    ----------
    path : PricePath
        From `price_path`.
    budget : float
        Mean cost per individual, at least `path.cost[0]`.

    Returns
    -------
    price : float
        0 where the budget does not bind.
    step : int
        Point of the path.
    """
    slack = ROUNDING * max(abs(budget), np.abs(path.cost[[0, -1]]).max())
    if budget <= path.cost[0] + slack:
        # Steps that seem to cost nothing are noise, where no money is left for them.
        return (float(path.slope[0] * (1 + ROUNDING)) if len(path.slope) else 0.0), 0
    step = int(np.searchsorted(path.cost, budget + slack, side="right")) - 1
    if step == len(path.slope):
        return 0.0, step
    price = path.slope[step] * (1 + ROUNDING)
    # Rows that move at one price move together.
    return float(price), int(np.searchsorted(-path.slope, -price, side="left"))


def arms_at_price(value, priced, price):
    """Return the arm of the largest value less its price, the cheapest one of equal arms.

    Parameters
    ----------
    value, priced : ndarray of shape (n_samples, n_treatments)
        As in `price_path`.
    price : float
        Of a unit of what is priced.

    Returns
    -------
    arm : ndarray of shape (n_samples,)
        Indices.
    """
    net = value - price * priced
    best = net == net.max(axis=1, keepdims=True)
    return np.where(best, priced, np.inf).argmin(axis=1)


def _arm_before(path):
    """Arm from which each step of a path moves its row."""
    order = np.argsort(path.cluster, kind="stable")
    row, target = path.cluster[order], path.target[order]
    before = np.append(0, target[:-1])
    is_first = np.append(True, row[1:] != row[:-1])[: len(row)]
    before[: len(row)][is_first] = path.start[row[is_first]]
    arm = np.empty(len(row), dtype=np.intp)
    arm[order] = before[: len(row)]
    return arm
