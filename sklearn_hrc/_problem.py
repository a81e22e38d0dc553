"""The parameters of an allocator against what it estimated: its campaign."""

import numpy as np

from sklearn_hrc._experiment import as_numbers
from sklearn_hrc._parameters import as_finite, outcome_index, resolve_parameters
from sklearn_hrc._programme.blocks import sum_to_clusters
from sklearn_hrc._programme.plan import Campaign
from sklearn_hrc._programme.risk import CostErrors
from sklearn_hrc._rules import (
    forbidden_rule,
    limit_rules,
    monotone_rule,
    outcome_rule,
    resolve_limits,
    return_rule,
)

__all__ = ["campaign_of", "check_parameters", "cost_errors", "resolve_budgets"]


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
    if allocator.budget is not None and np.ndim(allocator.budget):
        resolve_budgets(allocator.budget, allocator.budget_weight)
    for name in ("min_share", "max_share", "max_arm_spend"):
        limits = getattr(allocator, name)
        if limits is not None:
            is_share = name != "max_arm_spend"
            resolve_limits(limits, treatments, name, share=is_share, ordered=ordered)
    if allocator.forbidden_arms is not None:
        # Its clusters are not known yet.
        clusters = np.array([*allocator.forbidden_arms], dtype=object)
        forbidden_rule(allocator.forbidden_arms, clusters, treatments)
    for name, minimum in (allocator.min_outcomes or {}).items():
        outcome_index(name, names, "min_outcomes")
        as_finite(minimum, "min_outcomes")
    for name in ("min_return", "response_value", "target_response"):
        if getattr(allocator, name) is not None:
            as_finite(getattr(allocator, name), name)


def campaign_of(allocator, estimates, blocks, members, mean_outcome):
    """Return what plans of an allocator are made of.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        With its parameters, and its arms, clusters and sizes resolved.
    estimates : CellEstimates
        Response and cost of its cells.
    blocks : Blocks
        Units of its clusters.
    members : Members or None
        Who they are.
    mean_outcome : callable
        Estimated means, (n_clusters, n_treatments), of the outcome with an index.

    Returns
    -------
    campaign : Campaign
        Estimates and rules.
    """
    response, cost = np.moveaxis(estimates.mean, -1, 0)
    sizes = sum_to_clusters(blocks.sizes[:, None], blocks, len(response))[:, 0]
    value = response
    if allocator.response_value is not None:
        value = as_finite(allocator.response_value, "response_value") * response - cost
    return Campaign(
        response=response,
        cost=cost,
        value=value,
        sizes=sizes,
        blocks=blocks,
        errors=cost_errors(estimates),
        rules=_rules(allocator, response, cost, sizes, mean_outcome),
        risk=allocator.risk,
        risk_level=allocator.risk_level,
        time_limit=allocator.time_limit,
        members=members,
    )


def cost_errors(estimates):
    """Return the errors of the costs among those of the cells."""
    return CostErrors(
        own=estimates.own[..., 1, 1],
        level=np.sqrt(estimates.shared[:, 1, 1]),
        factors=estimates.factors[:, :, 1],
    )


def resolve_budgets(budget, weights):
    """Return possible budgets and their probabilities.

    Parameters
    ----------
    budget : array-like of shape (n_scenarios,)
        Mean costs per individual.
    weights : array-like of shape (n_scenarios,) or None
        Not negative, not all zero; None for equal ones.

    Returns
    -------
    budgets, weights : ndarray of shape (n_scenarios,)
        Weights sum to one.
    """
    budgets = as_numbers(budget, "budget")
    if budgets.ndim != 1 or not len(budgets) or not np.all(np.isfinite(budgets)):
        raise ValueError(
            f"budget is expected to be a finite number, or a list of them, got {budget!r}."
        )
    if weights is None:
        return budgets, np.full(len(budgets), 1 / len(budgets))
    chances = as_numbers(weights, "budget_weight")
    if chances.shape != budgets.shape or not (
        np.all(np.isfinite(chances)) and np.all(chances >= 0) and chances.sum() > 0
    ):
        raise ValueError(
            f"budget_weight is expected to hold {len(budgets)} numbers that are not negative, one "
            f"for each budget, got {weights!r}."
        )
    return budgets, chances / chances.sum()


def _rules(allocator, response, cost, sizes, mean_outcome):
    """Rules of the parameters that are given."""
    treatments, rules = allocator.treatments_, []
    ordered = allocator._order is not None
    for name, of_cost in (("min_share", None), ("max_share", None), ("max_arm_spend", cost)):
        limits = getattr(allocator, name)
        if limits is not None:
            is_share = of_cost is None
            limits = resolve_limits(limits, treatments, name, share=is_share, ordered=ordered)
            rules += limit_rules(name, limits, treatments, sizes, of_cost)
    if allocator.forbidden_arms is not None:
        rules.append(forbidden_rule(allocator.forbidden_arms, allocator.clusters_, treatments))
    if allocator.min_return is not None:
        minimum = as_finite(allocator.min_return, "min_return")
        rules.append(return_rule(response, cost, allocator._control, minimum))
    if allocator.monotone_clusters is not None:
        order = list(allocator.monotone_clusters)
        rules.append(monotone_rule(order, allocator.clusters_, treatments, sizes))
    for name, minimum in (allocator.min_outcomes or {}).items():
        index = outcome_index(name, allocator.outcome_names_, "min_outcomes")
        minimum = as_finite(minimum, "min_outcomes")
        rules.append(outcome_rule(name, mean_outcome(index), sizes, minimum))
    return rules
