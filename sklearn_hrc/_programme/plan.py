"""From estimates, a budget and the rules of a campaign to a plan.

One budget in expectation and no other rule is the programme of `_programme`, and
so is the lowest cost of a wanted response, with response and cost in each other's
place. Everything else is a programme of several rows.
"""

import contextlib
import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from sklearn_hrc._assignment import Members, arms_of_units
from sklearn_hrc._programme.blocks import (
    Blocks,
    RiskOfBlocks,
    rows_in_blocks,
    sum_to_clusters,
)
from sklearn_hrc._programme.conflicts import can_be_kept, describe_conflict
from sklearn_hrc._programme.one_budget import solve
from sklearn_hrc._programme.relaxation import InfeasibleRows, dense_row, empty_rows, join_rows
from sklearn_hrc._programme.risk import (
    BudgetRisk,
    CostErrors,
    affordable_cost,
    deviation_and_slope,
    risk_factor,
)
from sklearn_hrc._programme.with_constraints import solve_rows
from sklearn_hrc._programme.with_risk import CONVEX_GAP, solve_convex
from sklearn_hrc._rules import Rule, budget_rule
from sklearn_hrc.exceptions import BudgetError, RuleConflictError

__all__ = [
    "Campaign",
    "Plan",
    "cheapest_budget",
    "plan_budget",
    "plan_response",
    "plan_without_budget",
    "risk_of",
    "spending_of",
]


# Seconds for a plan with rules or risk where no limit is given.
TIME_LIMIT = 10.0
# Where units are fractions of individuals of many sizes, proofs are sums of subsets.
FRACTIONS_LIMIT = 1.0


class Campaign(NamedTuple):
    """What a plan is made of, beside the budget.

    Attributes
    ----------
    response, cost : ndarray of shape (n_clusters, n_arms)
        Expected values per individual.
    value : ndarray of shape (n_clusters, n_arms)
        What is made as large as possible: the response, or money.
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster; no whole numbers where rows stand for fractions of them.
    blocks : Blocks
        Units of the clusters that get one arm each.
    errors : CostErrors
        Errors of the costs.
    rules : list of Rule
        Beside the budget.
    risk : {"mean", "cvar", "chance", "robust"}
        How the budget must hold.
    risk_level : float
        With which probability.
    time_limit : float or None
        Seconds for one plan.
    members : Members or None
        Who the units are; None where nothing tells the members of a cluster apart.
    round_up : bool
        A unit that would be divided gets the dearer of its arms: a response is to be reached.
    """

    response: np.ndarray
    cost: np.ndarray
    value: np.ndarray
    sizes: np.ndarray
    blocks: Blocks
    errors: CostErrors
    rules: list
    risk: str
    risk_level: float
    time_limit: float | None
    members: Members | None = None
    round_up: bool = False


class Plan(NamedTuple):
    """How many individuals of each cluster get each arm.

    Attributes
    ----------
    counts : ndarray of shape (n_clusters, n_arms)
        Individuals; rows sum to the sizes of the clusters.
    of_blocks : ndarray of shape (n_blocks, n_arms)
        Individuals of each block.
    response, cost : float
        Expected totals.
    shadow_price : float
        Value of one more unit of budget in the linear relaxation; 0 where it does not bind.
    objective, bound : float
        Total of what was optimised, and the best that it could be.
    gap : float
        Difference between the two, as a share of what is at stake.
    optimal : bool
        The difference is within the tolerance of a proof: 2e-12 for a budget alone, 1e-7
        with rules, 1e-4 with risk.
    round_up : bool
        As in the campaign that it was made for.
    """

    counts: np.ndarray
    of_blocks: np.ndarray
    response: float
    cost: float
    shadow_price: float
    objective: float
    bound: float
    gap: float
    optimal: bool
    round_up: bool


def plan_budget(campaign, budgets, weights=None):
    """Plan for a budget, or for several that are possible while the plan must be made now.

    Parameters
    ----------
    campaign : Campaign
        Estimates and rules.
    budgets : float or ndarray of shape (n_scenarios,)
        Mean costs per individual.
    weights : ndarray of shape (n_scenarios,), default=None
        Probabilities of the budgets; None for equal ones.

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
        if campaign.rules:
            rule = budget_rule(campaign.cost, campaign.sizes, budget)
            return _plan_rows(campaign, [rule, *campaign.rules])
        return _plan_single_row(campaign, campaign.value, campaign.cost, budget)
    rule = budget_rule(campaign.cost, campaign.sizes, expected)
    if campaign.risk == "chance" and len(budgets) > 1:
        return _plan_chance(campaign, budgets, weights)
    return _plan_rows(campaign, campaign.rules, risk_of(campaign, budgets, weights), rule)


def risk_of(campaign, budgets, weights):
    """Return the rule that budgets with these probabilities hold in the campaign's risk."""
    return BudgetRisk(
        campaign.cost,
        campaign.errors,
        campaign.sizes,
        campaign.risk,
        campaign.risk_level,
        np.asarray(budgets, dtype=np.float64),
        weights,
    )


def spending_of(campaign, plan):
    """Return the rule that no more is spent than by a plan, in expectation."""
    spent = plan.cost / campaign.sizes.sum()
    return risk_of(campaign._replace(risk="mean"), [spent], np.ones(1))


def _plan_chance(campaign, budgets, weights):
    """Plan for a probability where the budget is uncertain, too: the rule is not convex.

    A cost within a budget `b` with probability `level / P(budget >= b)` is within the
    budget with probability `level`. That is a convex rule for each `b`, of which the best
    is taken; the largest budget with the level itself bounds what any plan can reach.
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
        plans = [_plan_of(campaign, plan.of_blocks, 0.0, -np.inf, False)]
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
    if campaign.rules:
        return _plan_rows(campaign, campaign.rules)._replace(shadow_price=0.0)
    value, sizes = campaign.blocks.spread(campaign.value), campaign.blocks.sizes
    given = np.zeros(value.shape, dtype=sizes.dtype)
    given[np.arange(len(sizes)), value.argmax(axis=1)] = sizes
    return _plan_of(campaign, given, price=0.0, bound=-np.inf, optimal=True)


def plan_response(campaign, target):
    """Plan for a mean response per individual at the lowest cost.

    Parameters
    ----------
    campaign : Campaign
        Estimates and rules; `risk` and `value` have no part in it.
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
    if campaign.rules:
        rows = dense_row(-campaign.response, -target * campaign.sizes.sum())
        rule = Rule("target_response", float(target), -1, rows)
        plan = _plan_rows(cheapest, [rule, *campaign.rules])
    else:
        try:
            plan = _plan_single_row(cheapest, -campaign.cost, -campaign.response, -target)
        except BudgetError:
            best = campaign.sizes @ campaign.response.max(axis=1) / campaign.sizes.sum()
            raise BudgetError(
                f"target_response is expected to be at most {best:.6g}, the response per "
                f"individual of the best allocation, got {target:.6g}."
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


def _plan_single_row(campaign, value, cost, limit):
    """One row and nothing else: exact."""
    blocks = campaign.blocks
    options = {"split_clusters": blocks.units, "time_limit": campaign.time_limit}
    found = solve(blocks.spread(value), blocks.spread(cost), blocks.sizes, limit, **options)
    optimal = found.status == "optimal"
    plan = _plan_of(campaign, found.counts, found.shadow_price, found.bound, optimal)
    if _is_as_given(plan.counts, plan.of_blocks, campaign):
        return plan._replace(gap=found.gap)
    # The bound is one for units of their mean size: the linear one holds for all.
    return _plan_of(campaign, found.counts, found.shadow_price, found.linear_bound, False)


def _plan_rows(campaign, rules, risk=None, budget=None):
    """Several rules; the first of them prices the plan, or the budget that must hold in a risk."""
    blocks, n_clusters = campaign.blocks, len(campaign.sizes)
    rules = [_in_blocks(rule, blocks, n_clusters) for rule in rules]
    value = blocks.spread(campaign.value)
    rows = join_rows([rule.rows for rule in rules]) if rules else empty_rows(value.size)
    time_limit = campaign.time_limit
    if time_limit is None:
        time_limit = TIME_LIMIT if blocks.sizes.dtype.kind == "i" else FRACTIONS_LIMIT
    options = {"split_clusters": blocks.units, "time_limit": time_limit}
    # What all arms of a block have in common only costs digits.
    common = value.min(axis=1, keepdims=True)
    value = value - common
    try:
        if risk is None:
            solution = solve_rows(value, blocks.sizes, rows, **options)
        else:
            convex = RiskOfBlocks(risk, blocks)
            solution = solve_convex(value, blocks.sizes, rows, convex, **options)
    except InfeasibleRows as error:
        if error.reason == "time":
            raise RuleConflictError(
                f"time_limit is expected to leave time for a first allocation within all rules, "
                f"got {time_limit} seconds, in which none was found."
            ) from None
        if risk is not None:
            # The budget, in spite of errors, as far as it was demanded: that is sharp where the
            # budget gives, so that only its own figure can be told.
            demanded = _in_blocks(budget, blocks, n_clusters)
            demanded = demanded._replace(rows=join_rows(error.cuts or [demanded.rows]))
            rules = [demanded, *(rule._replace(easier=0) for rule in rules)]
        conflict = describe_conflict(blocks.sizes, rules)
        # The budget, or the response, stands first where there is one.
        aim = [rule for rule in rules[:1] if rule.name in ("budget", "target_response")]
        alone = not can_be_kept(blocks.sizes, aim)
        raise (BudgetError if alone else RuleConflictError)(conflict) from None
    price = solution.convex_price
    if risk is None and len(solution.price):
        price = solution.price[0]
    bound = solution.bound + float(blocks.sizes @ common[:, 0])
    return _plan_of(campaign, solution.counts, price, bound, solution.proven)


def _in_blocks(rule, blocks, n_clusters):
    return rule._replace(rows=rows_in_blocks(rule.rows, blocks, n_clusters))


def _of_clusters(campaign, given):
    """Individuals of clusters, as units get the arms that individuals of blocks were given."""
    blocks, members = campaign.blocks, campaign.members
    if blocks.sizes.dtype.kind == "i" or members is None:
        return sum_to_clusters(given, blocks, len(campaign.sizes))
    counts = np.zeros(campaign.value.shape)
    arm = arms_of_units(members, given, campaign.cost, round_up=campaign.round_up)
    np.add.at(counts, (members.units.cluster, arm), members.size)
    return counts


def _is_as_given(counts, given, campaign):
    """Tell whether clusters get exactly what was planned for their blocks."""
    total = sum_to_clusters(given, campaign.blocks, len(counts))
    return bool(np.allclose(counts, total, rtol=1e-12, atol=1e-9))


def _plan_of(campaign, given, price, bound, optimal):
    given = campaign.blocks.meant(given)
    counts = _of_clusters(campaign, given)
    # Where units differ in size, what was proven is a plan for units of the mean size.
    optimal = optimal and _is_as_given(counts, given, campaign)
    objective = float(np.sum(counts * campaign.value))
    bound = max(float(bound), objective)
    stake = float(campaign.sizes @ np.ptp(campaign.value, axis=1))
    return Plan(
        counts,
        given,
        float(np.sum(counts * campaign.response)),
        float(np.sum(counts * campaign.cost)),
        float(price),
        objective,
        bound,
        (bound - objective) / stake if stake else 0.0,
        optimal,
        campaign.round_up,
    )
