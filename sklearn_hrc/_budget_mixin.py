"""What an allocator with estimates does with budgets: plan, compare, explain."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._assignment import assign, assign_whole
from sklearn_hrc._changes import FIT_PARAMETERS, PLAN_PARAMETERS, check_unchanged, fingerprints
from sklearn_hrc._explanations import marginal_moves, plan_table
from sklearn_hrc._parameters import as_finite
from sklearn_hrc._plan_in_use import PlanInUse, of_plan, warn_if_idle
from sklearn_hrc._problem import (
    campaign_of,
    check_is_for_clusters,
    needs_no_budget,
    plan_for_budget,
    plan_for_goal,
)
from sklearn_hrc._programme.blocks import whole_clusters
from sklearn_hrc._programme.budget_path import path_allocation, path_shares
from sklearn_hrc._programme.campaign import risk_of
from sklearn_hrc._programme.hull import hull_path
from sklearn_hrc._programme.plan import cheapest_budget
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.exceptions import BudgetError
from sklearn_hrc.rules._rule import Rule, check_rules

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["BudgetMixin"]

# Steps of `explain_budget` where none is given, as a share of the largest cost.
STEP = 0.001


class BudgetMixin:
    """Plans of an allocator that has estimated its cells.

    It has `_estimates`, and `_mean_outcome(index)` estimates the means of an
    outcome in all cells.
    """

    budget_ = of_plan(lambda use: use.budget)
    allocation_ = of_plan(lambda use: use.allocation)
    expected_response_ = of_plan(lambda use: use.plan.response / use.population)
    expected_cost_ = of_plan(lambda use: use.plan.cost / use.population)
    shadow_price_ = of_plan(lambda use: use.plan.shadow_price)
    status_ = of_plan(lambda use: "optimal" if use.plan.optimal else "feasible")
    mip_gap_ = of_plan(lambda use: use.plan.gap)
    bound_ = of_plan(lambda use: use.plan.bound / use.population)

    def set_budget(self, budget: float | UncertainBudget) -> Self:
        """Plan for another budget, without fitting anything.

        Parameters
        ----------
        budget : float or UncertainBudget
            Mean cost per individual: a total divided by the number of individuals. The parameter
            `budget` stays as it is. Other parameters of the plan that `set_params` has
            changed take part.

        Returns
        -------
        self : ClusterBudgetAllocator
            With `budget_`, `allocation_`, `expected_response_`, `expected_cost_`,
            `shadow_price_`, `status_`, `mip_gap_` and `bound_` of this budget.

        Raises
        ------
        BudgetError
            If no allocation is within the budget. The allocator is as before.
        RuleConflictError
            If the budget and the rules cannot be kept together. The allocator is as before.
        ValueError
            If a parameter that cells were estimated with is not as in `fit`.

        Warns
        -----
        BudgetWarning
            If the budget does not bind, as a total would not.
        """
        check_is_fitted(self)
        return self._adopt_budget(budget, is_set=True)

    def set_rules(self, rules: Sequence[Rule]) -> Self:
        """Plan by other rules, without fitting anything.

        Parameters
        ----------
        rules : list of rules
            From :mod:`sklearn_hrc.rules`, in place of the parameter `rules`, which they become.
            None are `()`. The budget is that of the last `set_budget`, else the parameter.

        Returns
        -------
        self : ClusterBudgetAllocator
            With the attributes that `set_budget` sets.

        Raises
        ------
        RuleConflictError
            If the budget and the rules cannot be kept together. The allocator is as before.
        ValueError
            If a rule does not fit the experiment, likewise, or takes a list of people.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_hrc import ClusterBudgetAllocator
        >>> from sklearn_hrc.rules import MaxShare
        >>> segment, mail = np.repeat([0, 1], 40), np.tile([0, 1], 40)
        >>> allocator = ClusterBudgetAllocator(
        ...     0.5, arm_cost=[0, 2], population=100, estimation="raw")
        >>> allocator = allocator.fit(segment[:, None], 1.0 + segment * mail, treatment=mail)
        >>> allocator.set_rules([MaxShare(1, 0.15)]).allocation_
        array([[50,  0],
               [35, 15]])
        """
        check_is_fitted(self)
        before = {name: vars(self)[name] for name in ("rules", "_made_campaign", "_in_use")}
        given = self._in_use.given
        try:
            self.rules = rules
            for rule in check_rules(rules):
                check_is_for_clusters(rule)
            if given is not None:
                return self._adopt_budget(given, is_set=True)
            return self._plan_by_parameters()
        except BaseException:
            vars(self).update(before)
            raise

    def budget_curve(self, budgets: ArrayLike) -> Bunch:
        """Show what budgets buy, by the estimates of `fit`.

        Parameters
        ----------
        budgets : array-like of shape (n_budgets,)
            Mean costs per individual.

        Returns
        -------
        curve : Bunch
            Arrays `budget`, `response`, `cost`, `shadow_price`, `response_se`,
            `cost_se`, all per individual.
        """
        check_is_fitted(self)
        population = self._current_campaign().sizes.sum().item()
        points = []
        for budget in np.ravel(budgets).tolist():
            plan = self._plan(as_finite(budget, "budgets"))
            covariance = self._estimates.total_covariance(plan.counts / population)
            totals = plan.response / population, plan.cost / population, plan.shadow_price
            points.append((budget, *totals, *np.sqrt(np.diagonal(covariance))))
        names = ("budget", "response", "cost", "shadow_price", "response_se", "cost_se")
        return Bunch(**dict(zip(names, np.array(points, dtype=np.float64).reshape(-1, 6).T)))

    def budget_path(self, budgets: ArrayLike = ()) -> Bunch:
        """Show what every budget buys, from the cheapest allocation to the best one.

        The path is the linear relaxation of the programme, in which individuals may be
        divided: an upper bound of what whole numbers reach, and exact at its corners.
        Neither `risk` nor other rules have a part in it.

        Parameters
        ----------
        budgets : array-like of shape (n_budgets,), default=()
            Mean costs per individual whose allocations are wanted.

        Returns
        -------
        path : Bunch
            Corners and the steps between them. `budget` and `objective`, of shape
            (n_steps + 1,), are means per individual. In between, the objective is linear.
            Step i, from corner i to the next, moves everyone in the cluster `cluster[i]` to
            the treatment `target[i]`, and `shadow_price[i]` is what a unit of budget
            buys on it. `start`, of shape (n_clusters,), has the treatments of the first
            corner. `share`, of shape (n_budgets, n_clusters, n_treatments), has the share of
            each cluster that gets each treatment at each of the budgets.

        Raises
        ------
        BudgetError
            If a budget is below the cost of the cheapest allocation.
        """
        check_is_fitted(self)
        campaign = self._current_campaign()
        path = hull_path(campaign.value, campaign.cost, campaign.sizes)
        population = campaign.sizes.sum()
        totals = (
            np.asarray([as_finite(budget, "budgets") for budget in np.ravel(budgets)]) * population
        )
        if np.any(totals < path.cost[0]):
            raise BudgetError(
                f"budgets are expected to be at least {path.cost[0] / population}, the cost per "
                f"individual of the cheapest allocation, got {totals.min() / population}."
            )
        return Bunch(
            budget=path.cost / population,
            objective=path.response / population,
            shadow_price=path.slope,
            cluster=self.clusters_[path.cluster],
            target=self.treatments_[path.target],
            start=self.treatments_[path.start],
            share=path_shares(path_allocation(path, totals), len(self.treatments_)),
        )

    def allocation_table(self) -> "DataFrame":
        """Show who gets what, as a table.

        Returns
        -------
        table : DataFrame
            A row for every cluster and each of its treatments. `individuals` is their
            number. `response`, `cost` and their standard errors are per individual, and
            `marginal_return` is the response (profit, if that is the goal) for a unit of cost
            that this treatment adds to the cheaper one before it on the cluster's hull (NaN
            for the first, or off the hull).
        """
        check_is_fitted(self)
        return plan_table(self)

    def explain_budget(
        self, budget: float | None = None, *, step: float | None = None
    ) -> "DataFrame":
        """Show what the last and the next step of a budget buy, and where.

        Parameters
        ----------
        budget : float, default=None
            Mean cost per individual; None is the plan in use, with what it was made of.
        step : float, default=None
            Mean cost per individual; None is a thousandth of the largest cost of a cell.

        Returns
        -------
        moves : DataFrame
            A row for each move of individuals of a cluster from one treatment to another.
            Nothing is moved where the budget does not bind. `step` is "last" for what a
            smaller budget would have to give up, "next" for what a larger one would buy, by
            the linear relaxation. `individuals` may be fractions. `response` and `cost` are
            totals of the move, `marginal_return` is their ratio.
        """
        check_is_fitted(self)
        campaign, counts, rule = self._in_use.campaign, self._in_use.plan.counts, self._in_use.rule
        if budget is not None:
            budget = as_finite(budget, "budget")
            campaign, counts = self._current_campaign(), self._plan(budget).counts
            rule = risk_of(campaign, [budget], np.ones(1))
        if step is None:
            step = STEP * float(np.abs(self.cost_).max())
        elif as_finite(step, "step") <= 0:
            raise ValueError(f"step is expected to be positive, got {step}.")
        blocks = whole_clusters(campaign.sizes, divisible=True)
        labels = self.clusters_, self.treatments_
        return marginal_moves(campaign, blocks, counts, rule, step, *labels)

    def _current_campaign(self):
        """Return what plans are made of, with the parameters as they are now."""
        check_unchanged(self, self._fitted_with)
        made_with, campaign = self._made_campaign
        if made_with != fingerprints(self, PLAN_PARAMETERS):
            self._validate_params()
            self._made_campaign = _, campaign = self._make_campaign()
        return campaign

    def _make_campaign(self):
        """Return the fingerprints of the parameters, and the campaign that they make."""
        made_with = fingerprints(self, PLAN_PARAMETERS)
        blocks = self._blocks()
        return made_with, campaign_of(self, *blocks)

    def _plan(self, budget):
        return plan_for_budget(self._current_campaign(), budget)[0]

    def _assign(self, budget):
        return self._assignment_of(self._plan(budget))

    def _assignment_of(self, plan):
        """Who gets which arm by a plan."""
        if self._current_campaign().members is None:
            return assign_whole(plan.counts, self.cost_, self._control)
        given = plan.of_blocks, self.cost_, self._control
        return assign(self._current_campaign().members, *given, round_up=plan.round_up)

    def _cheapest_budget(self):
        return cheapest_budget(self._current_campaign())

    def _make_plans(self, mean_spent):
        """Plan as the parameters say, after estimates have changed."""
        self._made_campaign = self._make_campaign()
        self._fitted_with = fingerprints(self, FIT_PARAMETERS)
        self._mean_spent = mean_spent
        return self._plan_by_parameters()

    def _plan_by_parameters(self):
        """Plan for the goal and the budget of the constructor."""
        if needs_no_budget(self):
            campaign = self._current_campaign()
            plan, rule = plan_for_goal(campaign, self.goal)
            return self._adopt(plan, rule, plan.cost / campaign.sizes.sum())
        if self.budget is not None:
            return self._adopt_budget(self.budget)
        budget = max(self._mean_spent, self._cheapest_budget())
        return self._adopt(*plan_for_budget(self._current_campaign(), budget))

    def _adopt_budget(self, budget, *, is_set=False):
        """Plan for a budget that the user gave, and put the plan to use."""
        planned = plan_for_budget(self._current_campaign(), budget)
        # By rules, a budget may be left over.
        warn = not isinstance(budget, UncertainBudget) and not self._current_campaign().requirements
        return self._adopt(*planned, warn=warn, given=budget if is_set else None)

    def _adopt(self, plan, rule, budget, *, warn=False, given=None):
        """Put a plan to use, with the rule by which it keeps a budget."""
        use = PlanInUse(
            float(budget),
            plan,
            rule,
            self._whole(plan.counts),
            self._assignment_of(plan),
            self._current_campaign(),
            given,
        )
        if warn:
            warn_if_idle(use)
        self._in_use = use
        return self

    def _whole(self, counts):
        """Whole individuals of each cluster. Fractions of dearer arms go to its cheapest one."""
        if counts.dtype.kind == "i":
            return counts
        whole = np.floor(counts).astype(np.int64)
        cheapest = np.where(counts > 0, self.cost_, np.inf).argmin(axis=1)
        whole[np.arange(len(whole)), cheapest] += self.cluster_sizes_ - whole.sum(axis=1)
        return whole
