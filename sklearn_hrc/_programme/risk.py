"""Budgets that hold although the cost of every cell is known only with an error.

The errors of the cells are normal and have three parts: the level of an arm, which
all clusters share, further factors that cells share, and a cell's own error.
The error of a total is then normal as well. Its standard deviation is a norm of the
allocation, so nothing has to be sampled. A budget may hold in conditional value at
risk, with a probability, or for every error within an ellipsoid. All three are the
same convex constraint,

    mean cost + factor x standard deviation <= budget,

with a factor for each (Ben-Tal and Nemirovski 1999,
doi:10.1016/S0167-6377(99)00016-4, Rockafellar and Uryasev 2000,
doi:10.21314/JOR.2000.038). If the budget itself is uncertain, given by
scenarios, the mean cost that it allows is a function of the standard deviation.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import chi2

__all__ = [
    "BudgetRisk",
    "CostErrors",
    "affordable_cost",
    "deviation_and_slope",
    "risk_factor",
]


class CostErrors(NamedTuple):
    """Errors of the expected cost per individual of every cell.

    Attributes
    ----------
    own : ndarray of shape (n_clusters, n_arms)
        Variance of a cell's own error.
    level : ndarray of shape (n_arms,)
        Standard deviation of an arm's level, which all its cells share.
    factors : ndarray of shape (n_clusters, n_arms, n_factors)
        Loadings on further factors that cells share, each with variance one.
    """

    own: np.ndarray
    level: np.ndarray
    factors: np.ndarray

    @property
    def n_shared(self):
        """Number of errors that cells share."""
        return int(np.sum(self.level > 0)) + self.factors.shape[2]


def deviation_and_slope(counts, errors):
    """Return the standard deviation of a total cost, and its gradient by the counts.

    Parameters
    ----------
    counts : ndarray of shape (n_clusters, n_arms)
        Individuals in each cell.
    errors : CostErrors
        Errors per individual.

    Returns
    -------
    deviation : float
        Standard deviation of the total.
    slope : ndarray of shape (n_clusters, n_arms)
        Gradient of the deviation. `(slope * counts).sum()` is the deviation. For any
        other counts it is at most their deviation, since the deviation is a norm.

    Examples
    --------
    >>> import numpy as np
    >>> errors = CostErrors(np.array([[0.0, 0.01]]), np.array([0.0, 0.0]), np.zeros((1, 2, 0)))
    >>> deviation, slope = deviation_and_slope(np.array([[5, 10]]), errors)
    >>> round(deviation, 12), slope.round(12).tolist()
    (1.0, [[0.0, 0.1]])
    """
    of_factors = np.einsum("kjf,kj->f", errors.factors, counts)
    product = (
        errors.own * counts + errors.level**2 * counts.sum(axis=0) + errors.factors @ of_factors
    )
    deviation = float(np.sqrt(max(np.sum(product * counts), 0.0)))
    return deviation, product / deviation if deviation > 0 else np.zeros(counts.shape)


def affordable_cost(deviation, risk, level, budgets, weights, n_shared):
    """Return the largest mean cost for which the budget holds, and its derivative.

    Parameters
    ----------
    deviation : float
        Standard deviation of the cost.
    risk : {"mean", "cvar", "chance", "robust"}
        The budget holds in expectation ("mean"), on average over the worst `1 - level`
        of cases ("cvar"), with probability `level` ("chance"), or for every error in an
        ellipsoid ("robust"). This ellipsoid holds the shared errors with probability
        `level`, for every allocation.
    level : float
        Level between 0 and 1.
    budgets, weights : ndarray of shape (n_scenarios,)
        Possible budgets and their probabilities. "robust" takes the smallest budget.
        "chance" needs a single budget unless the deviation is zero, since the constraint
        is not convex otherwise.
    n_shared : int
        Number of shared errors, which are the dimensions of the ellipsoid.

    Returns
    -------
    cost : float
        Largest mean cost.
    slope : float
        Derivative by the deviation, which is never positive.

    Examples
    --------
    Half a standard normal's worst cases are 0.8 above its mean on average.

    >>> import numpy as np
    >>> cost, slope = affordable_cost(1.0, "cvar", 0.5, np.array([2.0]), np.array([1.0]), 1)
    >>> round(cost, 3), round(slope, 3)
    (1.202, -0.798)
    """
    if risk == "mean":
        return float(budgets @ weights), 0.0
    if len(budgets) == 1 or risk == "robust":
        factor = risk_factor(risk, level, n_shared)
        return float(budgets.min()) - factor * deviation, -factor
    if deviation <= 1e-12 * np.abs(budgets).max():
        lowest = _largest_sure if risk == "chance" else _mean_of_lowest
        return lowest(level, budgets, weights), 0.0
    quantile = _quantile(deviation, level, budgets, weights)
    at = (quantile + budgets) / deviation
    density = weights * _density(at)
    tail = 1 - level
    # CVaR minimises over the place that the excess is counted from. The quantile is the minimum,
    # so an error of the quantile changes the result least.
    beyond = deviation * density.sum() - (weights * ndtr(-at)) @ (quantile + budgets)
    worst = quantile + beyond / tail
    return -float(worst), -float(density.sum() / tail)


def risk_factor(risk, level, n_shared):
    """Return the number of standard deviations that a known budget keeps in reserve.

    Parameters
    ----------
    risk, level, n_shared
        As in `affordable_cost`.

    Returns
    -------
    factor : float
        Number of standard deviations, zero for "mean".

    Examples
    --------
    >>> round(risk_factor("chance", 0.9, 0), 3), round(risk_factor("cvar", 0.9, 0), 3)
    (1.282, 1.755)
    """
    if risk == "mean":
        return 0.0
    if risk == "robust":
        return float(np.sqrt(chi2.ppf(level, max(n_shared, 1))))
    quantile = float(ndtri(level))
    return quantile if risk == "chance" else float(_density(quantile) / (1 - level))


class BudgetRisk(NamedTuple):
    """A budget that holds in spite of errors, as a convex constraint on counts.

    Attributes
    ----------
    cost : ndarray of shape (n_clusters, n_arms)
        Expected cost per individual.
    errors : CostErrors
        Errors of the costs.
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster.
    risk, level, budgets, weights
        As in `affordable_cost`, with budgets per individual.
    """

    cost: np.ndarray
    errors: CostErrors
    sizes: np.ndarray
    risk: str
    level: float
    budgets: np.ndarray
    weights: np.ndarray

    @property
    def allowed(self):
        """Counts of the cheapest allocation."""
        counts = np.zeros(self.cost.shape)
        counts[np.arange(len(self.sizes)), self.cost.argmin(axis=1)] = self.sizes
        return counts

    def cut(self, counts):
        """Return the excess of counts over the constraint, and a linear constraint that cuts it.

        Parameters
        ----------
        counts : ndarray of shape (n_clusters, n_arms)
            Allocation.

        Returns
        -------
        excess : float
            Excess of the total, not positive if the constraint holds.
        coefficients : ndarray of shape (n_clusters, n_arms)
            Coefficients of a linear constraint. Every allocation within the budget keeps it.
        limit : float
            Limit of the linear constraint.
        """
        population = float(self.sizes.sum())
        deviation, slope = deviation_and_slope(counts, self.errors)
        affordable, change = affordable_cost(
            deviation / population,
            self.risk,
            self.level,
            self.budgets,
            self.weights,
            self.errors.n_shared,
        )
        excess = float(np.sum(self.cost * counts)) - population * affordable
        return excess, self.cost - change * slope, population * affordable - change * deviation


def _largest_sure(level, budgets, weights):
    """Largest budget that is available with probability `level`, up to rounding of the weights."""
    order = np.argsort(-budgets)
    enough = np.cumsum(weights[order]) >= level * (1 - 1e-12)
    return float(budgets[order][np.argmax(enough)])


def _mean_of_lowest(level, budgets, weights):
    """Mean of the lowest `1 - level` of budgets."""
    order = np.argsort(budgets)
    tail = 1 - level
    taken = np.diff(np.minimum(np.cumsum(weights[order]), tail), prepend=0.0)
    return float(taken @ budgets[order] / tail)


def _quantile(deviation, level, budgets, weights):
    """Value that `deviation * Z - budget` stays below with probability `level`."""
    reach, at = float(ndtri(level)), budgets / deviation
    low, high = reach - at.max(), reach - at.min()
    # If one budget is certain, an end is the quantile itself, up to rounding.
    margin = 1e-6 + 1e-15 * np.abs(at).max()
    ends = low - margin, high + margin
    return deviation * brentq(lambda q: weights @ ndtr(q + at) - level, *ends)


def _density(at):
    """Density of a standard normal."""
    return np.exp(-0.5 * np.square(at)) / np.sqrt(2 * np.pi)
