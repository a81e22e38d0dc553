"""A plan for a list of people: who gets which arm, within a total budget, in whole numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_hrc._compat import HasMethods, validate_params
from sklearn_hrc._eligibility import (
    apply_rules,
    check_eligible,
    check_units,
    only_control,
    units_allowed,
)
from sklearn_hrc._list_cells import cells_of_units, undivided
from sklearn_hrc._list_plan import ListPlan
from sklearn_hrc._parameters import as_finite
from sklearn_hrc._positions import project
from sklearn_hrc._problem import (
    campaign_of_list,
    check_steps,
    has_order,
    needs_no_budget,
    plan_for_budget,
    plan_for_goal,
)
from sklearn_hrc._programme.campaign import risk_of
from sklearn_hrc._programme.plan import plan_budget
from sklearn_hrc._tables import columns_by_name, is_pandas
from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.rules._rule import Rule, check_rules

__all__ = ["ListPlan", "plan_list"]

# Turns of the circle on which the members of a cell stand, for a unit of the line.
_TURNS = 10.0


@validate_params(
    {
        "policy": [HasMethods(["fit"])],
        "X": "no_validation",
        "total_budget": "no_validation",
        "budget": "no_validation",
        "rules": "no_validation",
        "eligible": "no_validation",
        "same_arm_within": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def plan_list(
    policy: BaseEstimator,
    X: ArrayLike,
    *,
    total_budget: float | None = None,
    budget: float | UncertainBudget | None = None,
    rules: Sequence[Rule] = (),
    eligible: Any = None,
    same_arm_within: Any = None,
) -> ListPlan:
    """Plan for the people on a list, with the estimates of a fitted policy.

    A policy's budget is a mean over people like those of its experiment. A list has its own
    mix of them. Its members are counted by cluster, and by the arms that they may get. The
    programme is solved for these numbers, exactly and without training. The goal, the rules and the
    risk of the policy hold for the list. With `split_clusters=False`, people of a cluster who
    may get the same arms get one arm.

    Parameters
    ----------
    policy : estimator
        Fitted :class:`~sklearn_hrc.ClusterBudgetAllocator` or
        :class:`~sklearn_hrc.DistilledAllocator`, a pipeline that ends in one, or a search over
        it.
    X : array-like of shape (n_samples, n_features)
        The list, with the columns of `fit`. A data frame may have them in another order, and
        further ones.
    total_budget : float, default=None
        Largest expected cost of all rows together.
    budget : float or UncertainBudget, default=None
        Largest expected mean cost per row, in place of `total_budget`. Without both, the
        budget is the one that the policy has in use.
    rules : list of rules, default=()
        What the plan keeps beside the budget and the rules of the policy, from
        :mod:`sklearn_hrc.rules`. Numbers and shares are those of the list.
    eligible : array-like of shape (n_samples, n_treatments) or dict, default=None
        Who may get which arm: a boolean column for each treatment, in the order of `treatments_`
        or a data frame with labels, or a dict with a boolean mask for some treatments. None: all
        may get all.
    same_arm_within : array-like of shape (n_samples,) or str, default=None
        Label of the household of each row, or the name of a column of `X` that holds it. The
        members of a household get the same arm, one that each of them may get.

    Returns
    -------
    plan : ListPlan
        Arms, and what is expected of them. A row whose cluster the policy does not know gets
        control, and counts with the means of control.

    Raises
    ------
    BudgetError
        If no plan keeps the budget.
    RuleConflictError
        If the budget and the rules cannot be kept together on this list.
    ValueError
        If the list, `eligible` or `same_arm_within` leaves somebody without an arm.

    See Also
    --------
    sklearn_hrc.ClusterBudgetAllocator.set_budget : A budget for people like those of the fit.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.planning import plan_list
    >>> from sklearn_hrc.rules import MaxIndividuals
    >>> segment = np.repeat([0, 1], 40)
    >>> mail = np.tile([0, 1], 40)
    >>> policy = ClusterBudgetAllocator(0.2, arm_cost=[0, 2], estimation="raw").fit(
    ...     segment[:, None], 1.0 + segment * mail, treatment=mail)
    >>> plan = plan_list(policy, [[0], [1], [1], [1]], total_budget=5)
    >>> plan.total_cost, plan.total_response, int((plan.arms == 1).sum())
    (4.0, 6.0, 2)
    >>> plan_list(
    ...     policy, [[0], [1], [1], [1]], total_budget=5, rules=[MaxIndividuals(1, 1)]
    ... ).total_cost
    2.0
    """
    if total_budget is not None and budget is not None:
        raise ValueError(
            "budget is expected to be None where total_budget is given, got both; total_budget is "
            "budget times the number of rows."
        )
    if not _num_samples(X):
        raise ValueError("X is expected to have at least one row, got none.")
    steps, last = unwrap_policy(policy, name="policy")
    check_is_fitted(last)
    last._check_unchanged()
    allocator = last._fitted_allocator
    rules = _check_list_rules(rules, allocator, [*steps, *last._teaching_steps])
    first = steps[0] if steps else last
    features = columns_by_name(X, getattr(first, "feature_names_in_", None))
    cluster, columns = last._locate(last._check_X(transform_through(steps, features)))
    allowed = check_eligible(eligible, len(cluster), allocator.treatments_, X)
    apply_rules(allowed, rules, allocator.treatments_, X)
    only_control(allowed, cluster < 0, allocator._control, allocator.control_)
    unit, labels = check_units(same_arm_within, len(cluster), X)
    allowed = units_allowed(allowed, unit, labels)
    # One cluster more, an average one, holds the rows whose cluster nobody knows.
    cluster = np.where(cluster < 0, len(allocator.clusters_), cluster)
    estimates = allocator._estimates.with_average(_shares(allocator))
    blocks, cell = cells_of_units(cluster, unit, allowed, estimates.mean[..., 1])
    per_unit = blocks.per_unit
    if not allocator.split_clusters:
        blocks = undivided(blocks)
    on_clusters = [rule for rule in rules if not rule.is_for_lists]
    campaign = campaign_of_list(allocator, estimates, blocks, on_clusters)
    plan, rule, limit = _solve(allocator, campaign, total_budget, budget)
    turn = _turn(project(columns, allocator._direction), unit)
    counts = plan.of_blocks // per_unit
    arm = _arms(cell, turn, counts, blocks.spread(campaign.cost))[unit]
    solved = campaign, plan, rule
    return _list_plan(allocator, estimates, cluster, arm, solved, limit, X, rules)


def _shares(allocator):
    """Share of each cluster in the population of the policy."""
    return allocator._in_use.campaign.sizes / allocator._in_use.population


def _check_list_rules(rules, allocator, steps):
    """Return the rules of the list and those of the policy."""
    rules = check_rules(rules)
    check_steps(rules, steps)
    ordered = has_order(allocator.treatments_, allocator._order is not None)
    for rule in rules:
        rule.check(allocator.treatments_, allocator.outcome_names_, ordered)
    return [*check_rules(allocator.rules), *rules]


def _solve(allocator, campaign, total_budget, budget):
    """Plan for a budget of the list, or the goal and the budget of the policy.

    Returns
    -------
    plan : Plan
        On the cells of the list.
    rule : BudgetRisk
        How it keeps the budget.
    limit : float
        Total budget.
    """
    population = campaign.sizes.sum().item()
    if total_budget is not None:
        total = as_finite(total_budget, "total_budget")
        plan = plan_budget(campaign, total / population, total=total)
        return plan, risk_of(campaign, [total / population], np.ones(1)), total
    budget = allocator._in_use.given if budget is None else budget
    if budget is None and needs_no_budget(allocator):
        plan, rule = plan_for_goal(campaign, allocator.goal)
        return plan, rule, plan.cost
    if budget is None:
        budget = allocator.budget_ if allocator.budget is None else allocator.budget
    plan, rule, mean = plan_for_budget(campaign, budget)
    return plan, rule, mean * population


def _turn(place, unit):
    """Where a unit stands on the circle: with the first of its members."""
    turn = np.full(unit.max() + 1, np.inf)
    np.minimum.at(turn, unit, np.mod(_TURNS * place, 1.0))
    return turn


def _arms(cell, turn, counts, cost):
    """Give the units of each cell its arms, from the cheapest arm, around the circle."""
    order = np.lexsort((turn, cell))
    arms = np.argsort(cost, axis=1, kind="stable")
    runs = np.take_along_axis(counts, arms, axis=1)
    arm = np.empty(len(cell), dtype=np.intp)
    arm[order] = np.repeat(arms.ravel(), runs.ravel())
    return arm


def _list_plan(allocator, estimates, cluster, arm, solved, limit, X, rules):
    """Put a plan together with what is expected of each row."""
    campaign, plan, _ = solved
    errors = estimates.standard_error()
    covariance = estimates.total_covariance(plan.counts)
    response_se, cost_se = np.sqrt(np.diagonal(covariance)).tolist()
    response, cost = campaign.response[cluster, arm], campaign.cost[cluster, arm]
    return ListPlan(
        arms=allocator.treatments_[arm],
        response=response,
        cost=cost,
        response_se=errors[cluster, arm, 0],
        cost_se=errors[cluster, arm, 1],
        total_response=float(response.sum()),
        total_cost=float(cost.sum()),
        total_response_se=response_se,
        total_cost_se=cost_se,
        total_budget=float(limit),
        shadow_price=plan.shadow_price,
        status="optimal" if plan.optimal else "feasible",
        treatments=allocator.treatments_,
        clusters=allocator.clusters_,
        index=getattr(X, "index", None) if is_pandas(X) else None,
        rules=tuple(rules),
        _solved=solved,
    )
