"""From estimates, a budget and the rules of a campaign to a plan.

One budget in expectation and no other rule is the programme of `one_budget`, and
so is the lowest cost of a wanted response, with response and cost in each other's
place. Everything else is a programme with several constraints.
"""

import contextlib
import math

import numpy as np
from scipy.special import ndtr

from sklearn_hrc._programme.blocks import (
    RiskOfBlocks,
    constraints_in_blocks,
)
from sklearn_hrc._programme.campaign import (
    is_as_given,
    plan_of,
    risk_of,
)
from sklearn_hrc._programme.conflicts import can_be_kept, describe_conflict, safe_figure
from sklearn_hrc._programme.constraints import (
    at_least,
    at_most,
    join_constraints,
    no_constraints,
)
from sklearn_hrc._programme.one_budget import solve
from sklearn_hrc._programme.relaxation import Infeasible
from sklearn_hrc._programme.risk import (
    affordable_cost,
    deviation_and_slope,
    risk_factor,
)
from sklearn_hrc._programme.with_constraints import solve_constrained
from sklearn_hrc._programme.with_risk import CONVEX_GAP, solve_convex
from sklearn_hrc.exceptions import BudgetError, RuleConflictError

__all__ = ["cheapest_budget", "plan_budget", "plan_response", "plan_without_budget"]


# Seconds for a plan with rules or risk where no limit is given.
TIME_LIMIT = 10.0
# Where units are fractions of individuals of many sizes, proofs are sums of subsets.
FRACTIONS_LIMIT = 1.0
# What a plan is made for; everything else that it keeps is a rule.
_AIMS = ("budget", "total_budget", "target_response")


def plan_budget(campaign, budgets, weights=None, *, total=None):
    """Plan for a budget, or for several that are possible while the plan must be made now.

    Parameters
    ----------
    campaign : Campaign
        Estimates and rules.
    budgets : float or ndarray of shape (n_scenarios,)
        Mean costs per individual.
    weights : ndarray of shape (n_scenarios,), default=None
        Probabilities of the budgets; None for equal ones.
    total : float, default=None
        Total budget that the user gave in place of a mean, for errors.

    Returns
    -------
    plan : Plan
        Within the budget, in the way that `risk` says, and the rules.

    Raises
    ------
    BudgetError
        If no plan is within the budget.
    RuleConflictError
        If the rules and the budget cannot be kept together.
    """
    budgets = np.atleast_1d(np.asarray(budgets, dtype=np.float64))
    weights = np.full(len(budgets), 1 / len(budgets)) if weights is None else weights
    budgets, weights = budgets[weights > 0], weights[weights > 0]
    expected = float(budgets @ weights)
    known = not any(part.any() for part in campaign.errors)
    if campaign.risk == "mean" or known:
        # With known prices there is nothing that a reserve is for.
        risk = campaign.risk, campaign.risk_level, budgets, weights
        budget, _ = affordable_cost(0.0, *risk, campaign.errors.n_shared)
        if campaign.requirements:
            demanded = _budget_requirement(campaign, budget, total)
            return _plan_constrained(campaign, [demanded, *campaign.requirements])
        try:
            return _plan_single(campaign, campaign.value, campaign.cost, budget)
        except BudgetError:
            if total is None:
                raise
            needed = cheapest_budget(campaign) * campaign.sizes.sum()
            raise BudgetError(
                f"total_budget is expected to be at least {safe_figure(needed, 1)}, the cost of "
                f"the cheapest plan for the {campaign.sizes.sum()} individuals, got {total:.6g}."
            ) from None
    if campaign.risk == "chance" and len(budgets) > 1:
        return _plan_chance(campaign, budgets, weights)
    demanded = _budget_requirement(campaign, expected, total)
    risk = risk_of(campaign, budgets, weights)
    return _plan_constrained(campaign, campaign.requirements, risk, demanded)


def _budget_requirement(campaign, budget, total):
    """Require that the budget is kept in expectation, in the user's figure."""
    demanded = at_most("budget", budget, campaign.cost, campaign.sizes.sum().item())
    if total is None:
        return demanded
    return demanded._replace(name="total_budget", value=float(total), per_unit=1.0)


def _plan_chance(campaign, budgets, weights):
    """Plan for a probability where the budget is uncertain, too: the rule is not convex.

    A cost within a budget `b` with probability `level / P(budget >= b)` is within the
    budget with probability `level`. That is a convex rule for each `b`, of which the best
    is taken. The largest budget with the level itself bounds what any plan can reach.
    """
    plans = []
    for budget in np.unique(budgets):
        level = campaign.risk_level / weights[budgets >= budget].sum()
        # All of the probability may be needed for the budget, and none left for the cost.
        if level < 1 - 1e-9:
            with contextlib.suppress(BudgetError):
                plans.append(plan_budget(campaign._replace(risk_level=level), budget))
    if not plans:
        # What is demanded is enough, but not necessary: the cheapest plan may do.
        plan = plan_without_budget(campaign._replace(value=-campaign.cost))
        if _chance_of(campaign, plan, budgets, weights) < campaign.risk_level:
            raise BudgetError(
                f"budget is expected to leave an allocation that is within it with probability "
                f"{campaign.risk_level}, but none was found for {budgets.tolist()}."
            )
        plans = [plan_of(campaign, plan.of_blocks, 0.0, -np.inf, False)]
    best = max(plans, key=lambda plan: plan.objective)
    bound = plan_budget(campaign, budgets.max()).bound
    stake = campaign.sizes @ np.ptp(campaign.value, axis=1)
    gap = (bound - best.objective) / stake if stake else 0.0
    return best._replace(bound=bound, gap=gap, optimal=gap <= CONVEX_GAP)


def _chance_of(campaign, plan, budgets, weights):
    """Probability with which a plan is within the budget."""
    population = float(campaign.sizes.sum())
    deviation, _ = deviation_and_slope(plan.counts, campaign.errors)
    left = budgets - plan.cost / population
    if deviation == 0:
        return float(weights @ (left >= 0))
    return float(weights @ ndtr(left * population / deviation))


def plan_without_budget(campaign):
    """Plan for the largest value, within the rules alone."""
    if campaign.requirements:
        return _plan_constrained(campaign, campaign.requirements)._replace(shadow_price=0.0)
    value, sizes = campaign.blocks.spread(campaign.value), campaign.blocks.sizes
    given = np.zeros(value.shape, dtype=sizes.dtype)
    given[np.arange(len(sizes)), value.argmax(axis=1)] = sizes
    return plan_of(campaign, given, price=0.0, bound=-np.inf, optimal=True)


def plan_response(campaign, target):
    """Plan for a mean response per individual at the lowest cost.

    Parameters
    ----------
    campaign : Campaign
        Estimates and rules. `risk` and `value` have no part in it.
    target : float
        Mean response per individual.

    Returns
    -------
    plan : Plan
        Its objective is the cost.

    Raises
    ------
    BudgetError
        If no plan reaches the response.
    RuleConflictError
        If the rules and the response cannot be kept together.
    """
    cheapest = campaign._replace(value=-campaign.cost, round_up=True)
    if campaign.requirements:
        population = campaign.sizes.sum().item()
        demanded = at_least("target_response", target, campaign.response, population)
        plan = _plan_constrained(cheapest, [demanded, *campaign.requirements])
    else:
        try:
            plan = _plan_single(cheapest, -campaign.cost, -campaign.response, -target)
        except BudgetError:
            best = campaign.sizes @ campaign.response.max(axis=1) / campaign.sizes.sum()
            raise BudgetError(
                f"target_response is expected to be at most {safe_figure(best, -1)}, the "
                f"response per individual of the best allocation, got {target:.6g}."
            ) from None
    # The price of a unit of response, in budget; wanted is what a unit of budget buys.
    price = 1 / plan.shadow_price if plan.shadow_price > 0 else 0.0
    return plan._replace(objective=-plan.objective, bound=-plan.bound, shadow_price=price)


def cheapest_budget(campaign):
    """Return a budget per individual that the cheapest plan within the rules just keeps."""
    plan = plan_without_budget(campaign._replace(value=-campaign.cost))
    deviation, _ = deviation_and_slope(plan.counts, campaign.errors)
    factor = risk_factor(campaign.risk, campaign.risk_level, campaign.errors.n_shared)
    needed = math.fsum((plan.counts * campaign.cost)[plan.counts > 0]) + factor * deviation
    # A hair more where the reserve is rounded.
    return (needed + 1e-9 * factor * deviation) / campaign.sizes.sum().item()


def _plan_single(campaign, value, cost, limit):
    """One constraint and nothing else: exact."""
    blocks = campaign.blocks
    options = {"split_clusters": blocks.units, "time_limit": campaign.time_limit}
    found = solve(blocks.spread(value), blocks.spread(cost), blocks.sizes, limit, **options)
    optimal = found.status == "optimal"
    plan = plan_of(campaign, found.counts, found.shadow_price, found.bound, optimal)
    if is_as_given(plan.counts, plan.of_blocks, campaign):
        return plan._replace(gap=found.gap)
    # The bound is one for units of their mean size: the linear one holds for all.
    return plan_of(campaign, found.counts, found.shadow_price, found.linear_bound, False)


def _plan_constrained(campaign, requirements, risk=None, budget=None):
    """Plan under several constraints, the first of which has the shadow price.

    With a risk, `budget` must hold in spite of errors, and has the shadow price.
    """
    blocks = campaign.blocks
    requirements = [_in_blocks(one, campaign) for one in requirements]
    value = blocks.spread(campaign.value)
    constraints = no_constraints(value.size)
    if requirements:
        constraints = join_constraints([one.constraints for one in requirements])
    time_limit = campaign.time_limit
    if time_limit is None:
        time_limit = TIME_LIMIT if blocks.sizes.dtype.kind == "i" else FRACTIONS_LIMIT
    options = {"split_clusters": blocks.units, "time_limit": time_limit}
    # What all arms of a block have in common only costs digits.
    common = value.min(axis=1, keepdims=True)
    value = value - common
    try:
        if risk is None:
            solution = solve_constrained(value, blocks.sizes, constraints, **options)
        else:
            convex = RiskOfBlocks(risk, blocks)
            solution = solve_convex(value, blocks.sizes, constraints, convex, **options)
    except Infeasible as error:
        raise _conflict(campaign, requirements, budget, error, time_limit) from None
    price = solution.convex_price
    if risk is None and len(solution.price):
        price = solution.price[0]
    bound = solution.bound + float(blocks.sizes @ common[:, 0])
    return plan_of(campaign, solution.counts, price, bound, solution.proven)


def _conflict(campaign, requirements, budget, error, time_limit):
    """Return the error that says why there is no plan."""
    if error.reason == "time":
        return RuleConflictError(
            f"time_limit is expected to leave time for a first allocation within all rules, "
            f"got {time_limit} seconds, in which none was found."
        )
    if budget is not None:
        # The budget, in spite of errors, as far as it was demanded: that is sharp where the
        # budget gives, so that only its own figure can be told.
        budget = _in_blocks(budget, campaign)
        budget = budget._replace(constraints=join_constraints(error.cuts or [budget.constraints]))
        requirements = [budget, *(one._replace(easier=0) for one in requirements)]
    sizes = campaign.blocks.sizes
    # The budget, or the response, stands first where there is one.
    alone = not can_be_kept(sizes, [one for one in requirements[:1] if one.name in _AIMS])
    return (BudgetError if alone else RuleConflictError)(describe_conflict(sizes, requirements))


def _in_blocks(requirement, campaign):
    blocks, n_clusters = campaign.blocks, len(campaign.sizes)
    constraints = constraints_in_blocks(requirement.constraints, blocks, n_clusters)
    return requirement._replace(constraints=constraints)
