"""What a plan is made of, and what it is: who gets what, and what it is expected to give."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._assignment import Members, arms_of_units
from sklearn_hrc._programme.blocks import Blocks, sum_to_clusters
from sklearn_hrc._programme.risk import BudgetRisk, CostErrors

__all__ = ["Campaign", "Plan", "is_as_given", "plan_of", "risk_of", "spending_of"]


class Campaign(NamedTuple):
    """What a plan is made of, beside the budget.

    Attributes
    ----------
    response, cost : ndarray of shape (n_clusters, n_arms)
        Expected values per individual.
    value : ndarray of shape (n_clusters, n_arms)
        What is made as large as possible: the response, or money.
    sizes : ndarray of shape (n_clusters,)
        Individuals of each cluster. No whole numbers where rows stand for fractions of them.
    blocks : Blocks
        Units of the clusters that get one arm each.
    errors : CostErrors
        Errors of the costs.
    requirements : list of Requirement
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
    requirements: list
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
        Individuals. Rows sum to the sizes of the clusters.
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


def plan_of(campaign, given, price, bound, optimal):
    given = campaign.blocks.meant(given)
    counts = _of_clusters(campaign, given)
    # Where units differ in size, what was proven is a plan for units of the mean size.
    optimal = optimal and is_as_given(counts, given, campaign)
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


def _of_clusters(campaign, given):
    """Individuals of clusters, as units get the arms that individuals of blocks were given."""
    blocks, members = campaign.blocks, campaign.members
    if blocks.sizes.dtype.kind == "i" or members is None:
        return sum_to_clusters(given, blocks, len(campaign.sizes))
    counts = np.zeros(campaign.value.shape)
    arm = arms_of_units(members, given, campaign.cost, round_up=campaign.round_up)
    np.add.at(counts, (members.units.cluster, arm), members.size)
    return counts


def is_as_given(counts, given, campaign):
    """Tell whether clusters get exactly what was planned for their blocks."""
    total = sum_to_clusters(given, campaign.blocks, len(counts))
    return bool(np.allclose(counts, total, rtol=1e-12, atol=1e-9))
