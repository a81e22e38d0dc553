"""Two stages: predict what every arm would give, then spend the budget on the predictions."""

from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin, clone

from sklearn_hrc._compat import HasMethods, Interval, StrOptions
from sklearn_hrc.rivals._budgeted import SHARED_CONSTRAINTS
from sklearn_hrc.rivals._held_out import expect_held_out
from sklearn_hrc.rivals._outcome_models import expect_outcomes, fit_of_all_arms, fit_per_arm
from sklearn_hrc.rivals._priced import PricedPolicy
from sklearn_hrc.rivals._typed_boosting import TypedBoostingRegressor

__all__ = ["TwoStagePolicy"]


class TwoStagePolicy(PricedPolicy):
    """Predict response and cost of every arm, and solve the knapsack of individuals.

    The usual way, TSM in the papers on marketing budgets (arXiv:2407.13664): regressions
    predict, and the programme takes the predictions for true. Nothing tells the regressions
    which errors change a decision. Ours are the prices of budgets. They are found by predictions
    for rows that models have not seen, augmented by what was observed beyond these predictions.
    By predictions for the rows of fit, trees overspend. Models of folds have fewer rows than the
    one that decides, so small budgets are not quite spent.

    Take it instead of HRC where a plain model predicts well already, and where its predictions
    are wanted for other uses, too.

    Parameters
    ----------
    estimator : regressor, default=None
        Cloned for each outcome. None is :class:`TypedBoostingRegressor`.
    learner : {"s", "t"}, default="s"
        "s": one regression of all rows, whose last feature is the index of the arm. "t": a
        regression of the rows of each arm.
    cost_estimator : regressor, default=None
        Of the cost. None is `estimator`.
    n_folds : int, default=5
        Folds in which predictions are made to find prices, so that there are as many more fits.
        None finds prices by predictions of the rows of fit.
    budget : float, default=None
        Mean cost per individual. None is what the experiment spent.
    control : label, default=None
        The treatment that means "nothing". None is the first of numeric labels.
    objective : int, str, list or dict, default=None
        What the response is, as in :class:`~sklearn_hrc.ClusterBudgetAllocator`.
    arm_cost : array-like of shape (n_treatments,), Series or dict, default=None
        Known price of each arm, in place of `cost`.
    random_state : int, RandomState instance or None, default=None
        Seeds the default regression, deals folds, and tells rows apart that are worth the same.

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
    CausalForestPolicy : The same with a forest that is grown for effects.

    Examples
    --------
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.rivals import TwoStagePolicy
    >>> e = make_coupon_experiment(2000, random_state=0)
    >>> policy = TwoStagePolicy(RidgeCV(), learner="t", budget=1.0, random_state=0)
    >>> policy = policy.fit(e.data, e.target, treatment=e.treatment, cost=e.cost)
    >>> bool(policy.expected_cost_ <= 1.0)
    True
    >>> policy.set_budget(0.5).predict(e.data).shape
    (2000,)
    """

    _parameter_constraints: dict = SHARED_CONSTRAINTS | {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "learner": [StrOptions({"s", "t"})],
        "cost_estimator": [HasMethods(["fit", "predict"]), None],
        "n_folds": [Interval(Integral, 2, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator: RegressorMixin | None = None,
        *,
        learner: Literal["s", "t"] = "s",
        cost_estimator: RegressorMixin | None = None,
        n_folds: int | None = 5,
        budget: float | None = None,
        control: Any = None,
        objective: int | str | list[Any] | dict[Any, float] | None = None,
        arm_cost: ArrayLike | dict[Any, float] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.learner = learner
        self.cost_estimator = cost_estimator
        self.n_folds = n_folds
        self.budget = budget
        self.control = control
        self.objective = objective
        self.arm_cost = arm_cost
        self.random_state = random_state

    def _fit_scores(self, rows, rng):
        expected = None
        if self.n_folds is not None:
            expected = expect_held_out(self, rows, self.n_folds, rng)
        self._fit_models(rows, rng)
        return expected

    def _fit_models(self, rows, rng):
        fit = fit_of_all_arms if self.learner == "s" else fit_per_arm
        first = self._default(rows, rng) if self.estimator is None else self.estimator
        second = first if self.cost_estimator is None else self.cost_estimator
        self._known = rows.constants
        self._models = [
            fit(clone(estimator), rows.X, y, rows, known)
            for estimator, y, known in zip(
                (first, second), (rows.response, rows.cost), rows.constants
            )
        ]

    def _default(self, rows, rng):
        """Boosted trees, which may part the arms in any way."""
        as_categories = self.learner == "s" and rows.n_arms > 2
        return TypedBoostingRegressor(
            categorical_features=[rows.X.shape[1]] if as_categories else None,
            random_state=rng.randint(2**31),
        )

    def _scores(self, X):
        return tuple(
            expect_outcomes(models, known, X) for models, known in zip(self._models, self._known)
        )
