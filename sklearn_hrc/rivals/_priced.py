"""Rivals that give each individual the arm of the largest value less its price."""

import numpy as np

from sklearn_hrc._positions import draw_direction, project
from sklearn_hrc.rivals._augmented_totals import augmented_totals
from sklearn_hrc.rivals._budgeted import BudgetedPolicy, Plan
from sklearn_hrc.rivals._price_path import arms_at_price, price_of_budget, price_path
from sklearn_hrc.rivals._rows import arm_means

__all__ = ["PricedPolicy"]

# Share by which what is priced differs between rows, so that those who are worth the same do not
# all move at one price. Larger than rounding, and too small to matter where rows differ.
TIE_BREAK = 1e-6
# Share of the mean cost of an arm beyond that of the cheapest arm, that it is expected to cost
# everybody at least. Regressions expect some rows to cost less than nothing, and would give them
# the arm at any price.
LEAST_SHARE = 0.05
# Points of the distribution of places that are kept.
QUANTILES = 1025


class PricedPolicy(BudgetedPolicy):
    """A policy `argmax value - price * priced`, with one price for all.

    A subclass has two methods. `_scores(X)` returns `value` and `priced`, each of shape
    (n_samples, n_treatments). `_fit_scores(rows, rng)` learns. It may return scores of the rows of
    fit by models that have not seen them. Prices are found by these, and what was observed beyond
    them counts. `_expected(value, priced)` is the expected response and cost, where these are
    not the scores.
    """

    def _learn(self, rows, rng):
        self._direction = draw_direction(rows.X.shape[1], rng)
        places = project(rows.X, self._direction)
        self._places = np.quantile(places, np.linspace(0, 1, QUANTILES))
        scores = self._fit_scores(rows, rng)
        value, priced = self._scores(rows.X) if scores is None else scores
        expected = self._expected(value, priced)
        if scores is None:
            totals = tuple(means * rows.weight[:, None] for means in expected)
        else:
            observed = zip(expected, (rows.response, rows.cost))
            totals = tuple(augmented_totals(means, values, rows) for means, values in observed)
        self._cheapest, self._floor = _least_costs(rows)
        self._path = price_path(value, self._as_priced(rows.X, priced), *totals)

    def _expected(self, value, priced):
        return value, priced

    def _as_priced(self, X, priced):
        """Keep costs above those of the cheapest arm, and let them differ a little between rows.

        The differences are a function of the features.
        """
        priced = np.maximum(priced, priced[:, [self._cheapest]] + self._floor)
        place = np.interp(project(X, self._direction), self._places, np.linspace(0, 1, QUANTILES))
        return priced * (1 + TIE_BREAK * place[:, None])

    def _least_cost(self):
        return float(self._path.cost[0])

    def _plan(self, budget):
        price, step = price_of_budget(self._path, budget)
        response, cost = self._path.response[step].item(), self._path.cost[step].item()
        return Plan(price, response, cost, price)

    def _codes(self, X, assignments):
        value, priced = self._scores(X)
        priced = self._as_priced(X, priced)
        return np.stack([arms_at_price(value, priced, price) for price in assignments])


def _least_costs(rows):
    """Index of the arm of the least mean cost, and what others are expected to cost beyond it."""
    mean = arm_means(rows)[1]
    cheapest = int(mean.argmin())
    return cheapest, LEAST_SHARE * (mean - mean[cheapest])
