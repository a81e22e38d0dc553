"""What all rivals share: the contract of a policy that keeps a budget."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch, Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._allocator_rows import first_rows
from sklearn_hrc._changes import check_unchanged, fingerprints
from sklearn_hrc._compat import fit_context
from sklearn_hrc._experiment import restore_on_error
from sklearn_hrc._labels import check_groups
from sklearn_hrc._parameters import as_finite, resolve_parameters
from sklearn_hrc._policy import PolicyMixin
from sklearn_hrc._propensity import warn_of_propensity
from sklearn_hrc._tables import check_features
from sklearn_hrc.exceptions import BudgetError
from sklearn_hrc.rivals._rows import experiment_rows

__all__ = ["SHARED_CONSTRAINTS", "BudgetedPolicy", "Plan"]

# Of the parameters that all rivals have. What they mean is checked against the rows.
SHARED_CONSTRAINTS: dict = {
    "budget": "no_validation",
    "control": "no_validation",
    "objective": "no_validation",
    "arm_cost": "no_validation",
    "random_state": ["random_state"],
}


class Plan(NamedTuple):
    """What a budget sets.

    Attributes
    ----------
    assignment : Any
        What the rival decides by, such as a price.
    response, cost : float
        Expected means per individual over the rows of fit.
    price : float
        Response for a further unit of cost, 0 where the budget does not bind.
    """

    assignment: Any
    response: float
    cost: float
    price: float


class PlanInUse(NamedTuple):
    """A plan, and the budget that it is for."""

    budget: float
    plan: Plan

    @property
    def assignment(self):
        """What the rival decides by."""
        return self.plan.assignment


class BudgetedPolicy(PolicyMixin, BaseEstimator):
    """A policy that decides for each individual by itself, within a budget.

    A subclass has the parameters `budget`, `control`, `objective`, `arm_cost` and
    `random_state` among its own, and four methods. `_learn(rows, rng)` learns from
    `ExperimentRows`. `_least_cost()` is the mean cost of its cheapest plan. `_plan(budget)` makes
    a plan. `_codes(X, assignments)` says who gets which arm, as in `PolicyMixin`.
    """

    budget_ = property(lambda self: self._use().budget)
    expected_response_ = property(lambda self: self._use().plan.response)
    expected_cost_ = property(lambda self: self._use().plan.cost)
    shadow_price_ = property(lambda self: self._use().plan.price)

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        treatment: ArrayLike | None = None,
        cost: ArrayLike | None = None,
        propensity: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Learn from a randomised experiment, and plan for the budget.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
            Outcomes.
        treatment : array-like of shape (n_samples,), default=None
            Received arm. None means that there is one, with a warning.
        cost : array-like of shape (n_samples,), default=None
            Realised cost of the received arm. Not needed with `arm_cost`.
        propensity : array-like of shape (n_samples,), default=None
            Probability of the received arm. By default the share of its rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows.
        groups : array-like of shape (n_samples,), default=None
            Label of the group of each row, such as a household. Its rows are held out together.

        Returns
        -------
        self : BudgetedPolicy
            Fitted policy.

        Raises
        ------
        BudgetError
            If the budget is below the cost of the cheapest plan.
        """
        given = {"X": X, "groups": groups}
        X = check_features(self, X, reset=True)
        has_prices = self.arm_cost is not None
        experiment = first_rows(
            len(X),
            *(y, treatment, cost, propensity, sample_weight),
            has_prices=has_prices,
            aligned_with=given,
        )
        unit = check_groups(groups, len(X))
        warn_of_propensity(experiment, unit)
        self._resolve(experiment)
        given = (self._objective, self._arm_cost, self._control, unit)
        rows = experiment_rows(X, experiment, *given)
        self._learn(rows, check_random_state(self.random_state))
        self._fitted_with = fingerprints(self, tuple(self.get_params(deep=False)))
        del self._fitted_with["budget"]
        if self.budget is not None:
            return self._adopt(self.budget)
        spent = float(np.average(rows.cost, weights=rows.weight))
        return self._adopt(max(spent, self._least_cost()))

    def set_budget(self, budget: float) -> Self:
        """Plan for another budget, without learning anything.

        Parameters
        ----------
        budget : float
            Mean cost per individual. The parameter `budget` stays as it is.

        Returns
        -------
        self : BudgetedPolicy
            With `budget_`, `expected_response_`, `expected_cost_` and `shadow_price_` of this
            budget.

        Raises
        ------
        BudgetError
            If the budget is below the cost of the cheapest plan. The policy is as before.
        """
        check_is_fitted(self)
        self._check_unchanged()
        return self._adopt(budget)

    def budget_curve(self, budgets: ArrayLike) -> Bunch:
        """Show what budgets buy, by what was learnt in `fit`.

        Parameters
        ----------
        budgets : array-like of shape (n_budgets,)
            Mean costs per individual.

        Returns
        -------
        curve : Bunch
            Arrays `budget`, `response`, `cost` and `shadow_price`, per individual over the rows
            of `fit`. They have no standard errors: the same rows were learnt from.
        """
        check_is_fitted(self)
        self._check_unchanged()
        budgets = [as_finite(budget, "budgets") for budget in np.ravel(budgets).tolist()]
        points = [
            (b, p.response, p.cost, p.price) for b in budgets for p in [self._checked_plan(b)]
        ]
        names = ("budget", "response", "cost", "shadow_price")
        return Bunch(**dict(zip(names, np.array(points, dtype=np.float64).reshape(-1, 4).T)))

    def __sklearn_tags__(self) -> Tags:
        """Tags: a target is required and may have several columns."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    @property
    def _fitted_allocator(self):
        return self

    def _use(self):
        try:
            return vars(self)["_in_use"]
        except KeyError:
            raise AttributeError("The policy is not fitted, so that it has no plan.") from None

    def _resolve(self, experiment):
        """Resolve the parameters against the arms and outcomes."""
        if self.budget is not None:
            as_finite(self.budget, "budget")
        self._control, self._arm_cost, self._objective = resolve_parameters(
            self,
            experiment.treatments,
            experiment.outcome_names,
            ordered=experiment.order is not None,
        )
        self.treatments_ = experiment.treatments
        self.control_ = experiment.treatments[self._control]
        self.outcome_names_ = experiment.outcome_names

    def _check_X(self, X):
        return check_features(self, X, reset=False)

    def _check_unchanged(self):
        check_unchanged(self, self._fitted_with)

    def _cheapest_budget(self):
        return self._least_cost()

    def _assign(self, budget):
        return self._checked_plan(budget).assignment

    def _checked_plan(self, budget):
        budget, least = as_finite(budget, "budget"), self._least_cost()
        if budget < least - 1e-12 * abs(least):
            raise BudgetError(
                f"budget is expected to be at least {least:g}, the cost per individual of the "
                f"cheapest plan, got {budget:g}."
            )
        return self._plan(budget)

    def _adopt(self, budget):
        plan = self._checked_plan(budget)
        self._in_use = PlanInUse(float(budget), plan)
        return self
