"""The parameters of an allocator against what it estimated: the problem that is solved."""

import numpy as np
from sklearn.base import is_clusterer

from sklearn_hrc._parameters import as_finite, resolve_parameters
from sklearn_hrc._programme.blocks import sum_to_clusters
from sklearn_hrc._programme.campaign import Campaign, risk_of, spending_of
from sklearn_hrc._programme.plan import plan_budget, plan_response, plan_without_budget
from sklearn_hrc._programme.risk import CostErrors
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.goals import LeastCost, Profit
from sklearn_hrc.rules._rule import Setting, check_rules

__all__ = [
    "campaign_of",
    "campaign_of_list",
    "check_is_for_clusters",
    "check_parameters",
    "check_steps",
    "cost_errors",
    "has_order",
    "needs_no_budget",
    "plan_for_budget",
    "plan_for_goal",
]


def check_parameters(allocator, experiment):
    """Check the parameters of an allocator against the rows of an experiment.

    What takes clusters or their estimates is left: labels of clusters, and whether a budget
    and rules can be kept.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Its parameters, whether it is fitted or not.
    experiment : Experiment
        Checked rows.
    """
    treatments, names = experiment.treatments, experiment.outcome_names
    ordered = experiment.order is not None
    resolve_parameters(allocator, treatments, names, ordered=ordered)
    for rule in check_rules(allocator.rules):
        rule.check(treatments, names, has_order(treatments, ordered))
        check_is_for_clusters(rule)


def check_steps(rules, steps):
    """Refuse rules on clusters where a step makes them, whose labels change with every fit.

    Parameters
    ----------
    rules : list of Rule
        From the user.
    steps : list of estimators
        Those before the allocator.
    """
    # A step may be "passthrough", or None.
    makers = [type(step).__name__ for step in steps if hasattr(step, "fit") and is_clusterer(step)]
    for rule in check_rules(rules):
        if rule.clusters_named and makers:
            raise ValueError(
                f"rules is expected to speak of people where {makers[0]} makes the clusters, whose "
                f"labels change with every fit, got {rule!r}; use Forbid(arm, where=...) for "
                "people with certain features, in the rules of plan_list."
            )


def check_is_for_clusters(rule):
    """Refuse a rule that takes a list of people."""
    if rule.is_for_lists:
        raise ValueError(
            f"rules of an allocator is expected to hold rules on clusters and arms, got {rule!r}, "
            "which speaks of the features of people; give it to plan_list(..., rules=[...])."
        )


def has_order(treatments, ordered):
    """Tell whether the order of the treatments means something."""
    return ordered or len(treatments) == 1 or treatments.dtype.kind not in "US"


def campaign_of(allocator, blocks, members):
    """Return what plans of an allocator are made of.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Fitted, or about to plan for the first time.
    blocks : Blocks
        Units of its clusters.
    members : Members or None
        Who they are.

    Returns
    -------
    campaign : Campaign
        Estimates and requirements.
    """
    rules = check_rules(allocator.rules)
    for rule in rules:
        check_is_for_clusters(rule)
    given = rules, allocator._mean_outcome
    return _campaign(allocator, allocator._estimates, blocks, *given)._replace(members=members)


def campaign_of_list(allocator, estimates, blocks, rules):
    """Return what plans for a list of people are made of.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Fitted.
    estimates : CellEstimates
        Those of the allocator, and of an average cluster.
    blocks : Blocks
        Cells of the list.
    rules : list of Rule
        On clusters and arms.

    Returns
    -------
    campaign : Campaign
        Estimates and requirements.
    """
    use = allocator._in_use
    share = use.campaign.sizes / use.population

    def mean_outcome(index):
        means = allocator._mean_outcome(index)
        return np.vstack([means, share @ means])

    return _campaign(allocator, estimates, blocks, rules, mean_outcome)


def _campaign(allocator, estimates, blocks, rules, mean_outcome):
    """Put estimates and parameters together."""
    response, cost = np.moveaxis(estimates.mean, -1, 0)
    sizes = sum_to_clusters(blocks.sizes[:, None], blocks, len(response))[:, 0]
    value = response
    if isinstance(allocator.goal, Profit):
        value = float(allocator.goal.response_value) * response - cost
    setting = Setting(
        allocator.treatments_,
        allocator._control,
        has_order(allocator.treatments_, allocator._order is not None),
        allocator.clusters_,
        sizes,
        response,
        cost,
        allocator.outcome_names_,
        mean_outcome,
    )
    return Campaign(
        response=response,
        cost=cost,
        value=value,
        sizes=sizes,
        blocks=blocks,
        errors=cost_errors(estimates),
        requirements=[rule.requirement(setting) for rule in rules],
        risk=allocator.risk,
        risk_level=allocator.risk_level,
        time_limit=allocator.time_limit,
    )


def cost_errors(estimates):
    """Return the errors of the costs among those of the cells."""
    return CostErrors(
        own=estimates.own[..., 1, 1],
        level=np.sqrt(estimates.shared[:, 1, 1]),
        factors=estimates.factors[:, :, 1],
    )


def needs_no_budget(allocator):
    """Tell whether the goal of an allocator says by itself what to spend."""
    goal = allocator.goal
    return isinstance(goal, LeastCost) or (isinstance(goal, Profit) and allocator.budget is None)


def plan_for_goal(campaign, goal):
    """Plan for a goal that needs no budget.

    Parameters
    ----------
    campaign : Campaign
        Estimates and requirements.
    goal : Profit or LeastCost
        What the plan is for.

    Returns
    -------
    plan : Plan
        Within the requirements.
    rule : BudgetRisk
        No more is spent than by the plan.
    """
    if isinstance(goal, LeastCost):
        plan = plan_response(campaign, float(goal.target_response))
    else:
        plan = plan_without_budget(campaign)
    return plan, spending_of(campaign, plan)


def plan_for_budget(campaign, budget):
    """Plan for a budget, or for one that is not known yet.

    Parameters
    ----------
    campaign : Campaign
        Estimates and requirements.
    budget : float or UncertainBudget
        Mean cost per individual.

    Returns
    -------
    plan : Plan
        Within the budget and the requirements.
    rule : BudgetRisk
        How the plan keeps the budget.
    mean : float
        Expected budget.
    """
    if not isinstance(budget, UncertainBudget):
        budget = as_finite(budget, "budget")
        return plan_budget(campaign, budget), risk_of(campaign, [budget], np.ones(1)), budget
    plan = plan_budget(campaign, *budget.resolve())
    if campaign.risk == "chance":
        # The plan is made for one of the budgets: what it keeps is what it spends.
        return plan, spending_of(campaign, plan), budget.mean
    return plan, risk_of(campaign, *budget.resolve()), budget.mean
