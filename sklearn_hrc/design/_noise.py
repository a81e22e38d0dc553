"""How rows scatter about the mean of their cell, and sums over rows that are drawn.

Sums are additive: those of a larger experiment are those of a smaller one plus those of the
further rows. The last axis of an array of sums holds the number of rows, the sums of the response
and of the cost, and the sums of their products: response squared, response times cost, cost
squared. All are counted from the mean of the cell.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import gamma

__all__ = ["NormalNoise", "ValueNoise", "values_by_cell", "zero_or_gamma"]

# Rows that are drawn at once, so that the values in use stay in the memory.
_ROWS_AT_ONCE = 2_000_000
# A cell with fewer rows has the values of its arm: its own ones show too little of the tail.
LEAST_ROWS = 30
# Values that stand for a distribution that is given by its parameters.
_N_QUANTILES = 2000


class NormalNoise(NamedTuple):
    """Normal responses at known costs. Sums are drawn without drawing rows.

    Attributes
    ----------
    deviation : ndarray of shape (n_clusters, n_treatments)
        Standard deviation of the response of a row.
    """

    deviation: np.ndarray

    def draw(self, counts, rng):
        """Return the sums of rows of each cell, (..., n_clusters, n_treatments, 6)."""
        sums = np.zeros((*counts.shape, 6))
        sums[..., 0] = counts
        sums[..., 1] = self.deviation * np.sqrt(counts) * rng.standard_normal(counts.shape)
        # The scatter about the mean of the rows is independent of this mean.
        scatter = rng.chisquare(np.maximum(counts - 1, 1)) * (counts > 1)
        mean_square = np.divide(
            sums[..., 1] ** 2, counts, out=np.zeros(counts.shape), where=counts > 0
        )
        sums[..., 3] = self.deviation**2 * scatter + mean_square
        return sums

    def expected(self):
        """Return the expected sums of one row of each cell, (n_clusters, n_treatments, 6)."""
        sums = np.zeros((*self.deviation.shape, 6))
        sums[..., 0] = 1.0
        sums[..., 3] = self.deviation**2
        return sums


class ValueNoise(NamedTuple):
    """Rows drawn with replacement from the values of their cell.

    Attributes
    ----------
    terms : list of 5 ndarray of shape (n_values,)
        What each value adds to the sums beside the number of rows, cell by cell.
    start, size : ndarray of shape (n_clusters, n_treatments), int
        First value and number of values of each cell.
    """

    terms: list
    start: np.ndarray
    size: np.ndarray

    def draw(self, counts, rng):
        """Return the sums of rows of each cell, (..., n_clusters, n_treatments, 6)."""
        n_rows = int(counts.sum())
        if n_rows > _ROWS_AT_ONCE:
            first = counts // 2
            return self.draw(first, rng) + self.draw(counts - first, rng)
        sums = np.zeros((counts.size, 6))
        flat = counts.ravel()
        sums[:, 0] = flat
        (filled,) = np.nonzero(flat)
        if len(filled):
            size, start = (
                np.broadcast_to(a, counts.shape).ravel() for a in (self.size, self.start)
            )
            row = (rng.random(n_rows) * np.repeat(size, flat)).astype(np.intp)
            row += np.repeat(start, flat)
            first = (np.cumsum(flat) - flat)[filled]
            for place, term in enumerate(self.terms, start=1):
                sums[filled, place] = np.add.reduceat(term[row], first)
        return sums.reshape(*counts.shape, 6)

    def expected(self):
        """Return the expected sums of one row of each cell, (n_clusters, n_treatments, 6)."""
        totals = [np.concatenate([[0.0], np.cumsum(term)]) for term in self.terms]
        ends = self.start + self.size
        means = [(total[ends] - total[self.start]) / self.size for total in totals]
        return np.stack([np.ones(self.size.shape), *means], axis=-1)


def values_by_cell(values):
    """Return noise from the values of each cell.

    Parameters
    ----------
    values : list of list of ndarray of shape (n_values, 2)
        Response and cost less the mean of the cell, by cluster and arm.

    Returns
    -------
    noise : ValueNoise
        Every value of a cell has the same chance.
    """
    flat = [array for cluster in values for array in cluster]
    shape = len(values), len(values[0])
    size = np.array([len(array) for array in flat])
    response, cost = np.concatenate(flat).T.astype(np.float64)
    terms = [response, cost, response**2, response * cost, cost**2]
    return ValueNoise(terms, (np.cumsum(size) - size).reshape(shape), size.reshape(shape))


def zero_or_gamma(mean, deviation, zeros):
    """Return values that are zero or follow a gamma distribution, less their mean.

    Parameters
    ----------
    mean, deviation : float
        Mean and standard deviation of all values, with the zeros.
    zeros : float
        Share of zeros, in [0, 1).

    Returns
    -------
    values : ndarray of shape (n_values, 2)
        Quantiles of the response with the given standard deviation, and a cost of zero.
    """
    n_zeros = min(round(zeros * _N_QUANTILES), _N_QUANTILES - 1)
    amount = mean / (1 - zeros)
    variance = max((deviation**2 + mean**2) / (1 - zeros) - amount**2, 0.0)
    chance = (np.arange(_N_QUANTILES - n_zeros) + 0.5) / (_N_QUANTILES - n_zeros)
    amounts = np.full(len(chance), amount)
    # A variance that is rounding leaves one amount.
    if variance > 1e-9 * amount**2:
        amounts = gamma.ppf(chance, amount**2 / variance, scale=variance / amount)
    response = np.concatenate([np.zeros(n_zeros), amounts])
    response -= response.mean()
    spread = response.std()
    if spread > 0:
        response *= deviation / spread
    return np.column_stack([response, np.zeros(_N_QUANTILES)])
