"""What held-out decisions are worth, and how they differ, by one estimator for all of them."""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import norm
from sklearn.utils import Bunch

from sklearn_hrc.metrics import compare_policies, cross_fit_outcomes, policy_value

__all__ = ["METHODS", "Valuation", "choose_method", "interval", "level_reach"]

CONFIDENCE = 0.95
# Expected outcomes must make the standard error smaller by this share to be used.
_LEAST_GAIN = 0.02

HAJEK = "no expected outcomes"
METHODS = {
    HAJEK: "weights alone (Hajek)",
    "policy": "the policy's own expected outcomes (doubly robust)",
    "ridge": "ridge regressions of the outcomes (doubly robust)",
}


def level_reach(confidence=CONFIDENCE):
    """Return how many standard errors an interval reaches to either side."""
    return float(norm.ppf((1 + confidence) / 2))


def interval(estimate, error):
    """Return the lower and the upper end of the 95 % interval, two floats."""
    return float(estimate - level_reach() * error), float(estimate + level_reach() * error)


class Valuation(NamedTuple):
    """The rows of an experiment and how policies are valued on them.

    Arms are numbered. A policy is given as by `policy_value`: an arm for each row, or
    probabilities of the arms.

    Attributes
    ----------
    response : ndarray of shape (n_samples,)
        Observed response.
    rows : dict
        `treatment`, `propensity`, `sample_weight` and `groups`.
    cost : ndarray of shape (n_samples,) or None
        Observed cost.
    arm_cost : dict or None
        Known prices by arm, in place of `cost`.
    control : int
        What gains are counted from.
    method : {"hajek", "doubly-robust"}
        Estimator.
    outcomes : ndarray of shape (n_samples, n_treatments, n_columns) or None
        Expected response and, where it is observed, cost, for the doubly robust form.
    """

    response: np.ndarray
    rows: dict[str, Any]
    cost: np.ndarray | None
    arm_cost: dict[int, float] | None
    control: int
    method: str = "hajek"
    outcomes: np.ndarray | None = None

    def value(self, given) -> Bunch:
        """Value a policy, as `policy_value` does."""
        return policy_value(given, self.response, **self._keywords)

    def compare(self, given, other) -> Bunch:
        """Return the difference between two policies, as `compare_policies` does."""
        return compare_policies(given, other, self.response, **self._keywords)

    def above_control(self, given) -> Bunch:
        """Return the difference between a policy and control for everybody."""
        return self.compare(given, np.full(len(self.response), self.control))

    def compare_net(self, given, other, price):
        """Return the difference in response less a price of money, and its standard error.

        `price` is the response that a unit of money buys. Where the two policies spend the same
        but for their errors, this is the difference in response at equal spend, and its error
        contains that of the spends.
        """
        if self.cost is None:
            found = self.compare(given, other)
            return found.response - price * found.cost, found.response_se
        outcomes = None
        if self.outcomes is not None:
            outcomes = self.outcomes[..., 0] - price * self.outcomes[..., 1]
        net = self.response - price * self.cost
        found = compare_policies(
            given, other, net, method=self.method, outcomes=outcomes, **self.rows
        )
        return found.response, found.response_se

    @property
    def _keywords(self):
        return {
            **self.rows,
            "cost": self.cost,
            "arm_cost": self.arm_cost,
            "method": self.method,
            "outcomes": self.outcomes,
        }


def choose_method(valuation, arms, expected, features, folds):
    """Choose the estimator whose standard error of the response of a policy is smallest.

    Parameters
    ----------
    valuation : Valuation
        By weights alone.
    arms : ndarray of shape (n_samples,)
        Held-out decisions.
    expected : ndarray of shape (n_samples, n_treatments, 2)
        Expected response and cost by policies that have not seen the row.
    features : ndarray of shape (n_samples, n_features) or None
        Features of the ridge regressions. None does without these regressions.
    folds : list of (ndarray, ndarray)
        Folds of the policies, which are those of the regressions.

    Returns
    -------
    valuation : Valuation
        With the chosen method.
    name : str
        Its key in `METHODS`.
    errors : dict
        Standard error by the names of the methods that were tried.
    """
    n_columns = 1 if valuation.cost is None else 2
    tried = {HAJEK: valuation}
    outcomes = {"policy": expected[..., :n_columns]}
    if features is not None:
        outcomes["ridge"] = cross_fit_outcomes(
            features,
            valuation.response,
            treatment=valuation.rows["treatment"],
            cost=valuation.cost,
            cv=folds,
        )
    for name, array in outcomes.items():
        tried[name] = valuation._replace(method="doubly-robust", outcomes=array)
    errors = {name: float(one.value(arms).response_se) for name, one in tried.items()}
    best = min(errors, key=lambda name: errors[name])
    if not errors[best] < (1 - _LEAST_GAIN) * errors[HAJEK]:
        best = HAJEK
    return tried[best], best, errors
