"""Two stages whose first one is a causal forest."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from sklearn_hrc._compat import HasMethods, Interval
from sklearn_hrc._extras import import_from_extra
from sklearn_hrc.rivals._budgeted import SHARED_CONSTRAINTS
from sklearn_hrc.rivals._forest_effects import expect_by_forest, fit_forest
from sklearn_hrc.rivals._priced import PricedPolicy
from sklearn_hrc.rivals._typed_boosting import TypedBoostingRegressor

__all__ = ["CausalForestPolicy"]


class CausalForestPolicy(PricedPolicy):
    """Predict the effects of every arm by forests, and solve the knapsack of individuals.

    TSM-CF in the papers on marketing budgets: generalised random forests (Athey, Tibshirani and
    Wager 2019, `doi:10.1214/18-AOS1709 <https://doi.org/10.1214/18-AOS1709>`_) of the response
    and of the cost, honest and with all arms at once, by `econml`. Outcomes are centred by
    regressions that have not seen the row, arms by their known propensities. Ours are the
    prices of budgets: they are found by predictions from trees and folds that have not
    seen the row, augmented by what was observed beyond them.

    Take it instead of HRC where effects, with little of the level of the outcome, are wanted for
    other uses, too. It needs the extra `econml`.

    Parameters
    ----------
    n_estimators : int, default=100
        Trees of a forest.
    min_samples_leaf : int, default=50
        Rows of a leaf, at least.
    max_samples : float, default=0.45
        Share of the rows that a tree is grown from. Half of them choose splits.
    max_rows : int, default=10000
        Rows that a tree is grown from, at most. With more rows than that a tree takes a smaller
        share, which keeps the time in hand.
    max_features : float, default=None
        Share of the features that are tried at a split. None is a third, with at least 20
        features or all.
    estimator : regressor, default=None
        Cloned to centre outcomes, and for the outcome of the control. None is
        :class:`TypedBoostingRegressor`.
    budget : float, default=None
        Mean cost per individual. None is what the experiment spent.
    control : label, default=None
        The treatment that means "nothing". None is the first of numeric labels.
    objective : int, str, list or dict, default=None
        What the response is, as in :class:`~sklearn_hrc.ClusterBudgetAllocator`.
    arm_cost : array-like of shape (n_treatments,), Series or dict, default=None
        Known price of each arm, in place of `cost`.
    n_jobs : int, default=1
        Threads of a forest.
    random_state : int, RandomState instance or None, default=None
        Grows forests, deals folds, and tells rows apart that are worth the same.

    Attributes
    ----------
    treatments_ : ndarray of shape (n_treatments,)
        Treatment labels.
    control_ : label
        Resolved control.
    outcome_names_ : list of str
        Names of the columns of `y`.
    budget_, expected_response_, expected_cost_, shadow_price_ : float
        Of the plan in use, per individual over the rows of `fit`.
    n_features_in_ : int
        Number of columns seen in `fit`.

    See Also
    --------
    TwoStagePolicy : The same with any regression.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.rivals import CausalForestPolicy
    >>> e = make_coupon_experiment(1000, random_state=0)
    >>> policy = CausalForestPolicy(
    ...     n_estimators=8, estimator=Ridge(), budget=1.0, random_state=0)
    >>> policy = policy.fit(e.data, e.target, treatment=e.treatment, cost=e.cost)
    >>> bool(policy.expected_cost_ <= 1.0)
    True
    """

    _parameter_constraints: dict = SHARED_CONSTRAINTS | {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Real, 0, 1, closed="right")],
        "max_rows": [Interval(Integral, 2, None, closed="left")],
        "max_features": [Interval(Real, 0, 1, closed="right"), None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_jobs": [Integral],
    }

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        min_samples_leaf: int = 50,
        max_samples: float = 0.45,
        max_rows: int = 10_000,
        max_features: float | None = None,
        estimator: RegressorMixin | None = None,
        budget: float | None = None,
        control: Any = None,
        objective: int | str | list[Any] | dict[Any, float] | None = None,
        arm_cost: ArrayLike | dict[Any, float] | None = None,
        n_jobs: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.max_samples = max_samples
        self.max_rows = max_rows
        self.max_features = max_features
        self.estimator = estimator
        self.budget = budget
        self.control = control
        self.objective = objective
        self.arm_cost = arm_cost
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_scores(self, rows, rng):
        regression = self.estimator
        if regression is None:
            regression = TypedBoostingRegressor(random_state=rng.randint(2**31))
        outcomes = zip((rows.response, rows.cost), rows.constants)
        fits = [
            fit_forest(regression, self._forest(rows, rng), y, known, rows, rng)
            for y, known in outcomes
        ]
        self._models = [model for model, _ in fits]
        return tuple(expected for _, expected in fits)

    def _forest(self, rows, rng):
        grf = import_from_extra("econml.grf", "CausalForestPolicy", "econml")
        n_samples, n_features = rows.X.shape
        share = self.max_features
        if share is None:
            share = min(1.0, max(1 / 3, 20 / n_features))
        return grf.CausalForest(
            self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            min_samples_split=2 * self.min_samples_leaf,
            max_samples=max(2, int(min(self.max_samples * n_samples, self.max_rows))),
            max_features=max(1, round(share * n_features)),
            inference=False,
            n_jobs=self.n_jobs,
            random_state=rng.randint(2**31),
        )

    def _scores(self, X):
        return tuple(expect_by_forest(model, X) for model in self._models)
