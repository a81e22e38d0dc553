"""The plan that an allocator follows: one object, replaced as a whole."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._assignment import Assignment
from sklearn_hrc._programme.campaign import Campaign, Plan
from sklearn_hrc._programme.risk import BudgetRisk
from sklearn_hrc._warning import warn
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.exceptions import BudgetWarning

__all__ = ["PlanInUse", "of_plan", "warn_if_idle"]

# Share of a spend by which a budget may be above it and still be used up.
_EQUAL = 1e-9


class PlanInUse(NamedTuple):
    """What a budget sets: other threads see the old one or the new one.

    Attributes
    ----------
    budget : float
        Mean cost per individual.
    plan : Plan
        Who gets what.
    rule : BudgetRisk
        How the plan keeps the budget.
    allocation : ndarray of shape (n_clusters, n_arms), int64
        Its counts in whole individuals.
    assignment : Assignment
        Arms of rows.
    campaign : Campaign
        What it is made of.
    given : float or UncertainBudget or None
        Budget of `set_budget`; None where the parameters said it.
    """

    budget: float
    plan: Plan
    rule: BudgetRisk
    allocation: np.ndarray
    assignment: Assignment
    campaign: Campaign
    given: float | UncertainBudget | None

    @property
    def population(self):
        """Individuals in all."""
        return self.campaign.sizes.sum().item()


def of_plan(read):
    """Return a fitted attribute that is read from the plan in use."""

    def attribute(self):
        try:
            return read(vars(self)["_in_use"])
        except KeyError:
            raise AttributeError("The allocator is not fitted, so that it has no plan.") from None

    return property(attribute)


def warn_if_idle(use):
    """Warn where a budget is above what the best allocation costs, as a total would be."""
    spent = use.plan.cost / use.population
    idle = use.plan.shadow_price == 0 and use.allocation.shape[1] > 1
    if idle and use.budget > spent + _EQUAL * abs(spent):
        individuals = f"{use.population:,.0f} individuals"
        warn(
            f"budget ({use.budget:.6g} per individual, {use.budget * use.population:,.6g} for "
            f"{individuals}) does not bind: the best allocation costs {spent:.6g} per individual, "
            f"{use.plan.cost:,.6g} in all; budget is a mean, so divide a total by the number of "
            "individuals.",
            BudgetWarning,
        )
