"""What a plan may be expected to bring, given that it was chosen for looking best."""

from numbers import Integral

import numpy as np
from scipy.special import ndtri
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._cells.error_draws import draw_errors
from sklearn_hrc._parameters import as_finite
from sklearn_hrc._problem import needs_no_budget, plan_for_budget, plan_for_goal
from sklearn_hrc._programme.budget_path import path_allocation, path_shares
from sklearn_hrc._programme.hull import hull_path
from sklearn_hrc._unwrap import unwrap_policy
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.exceptions import BudgetError, RuleConflictError
from sklearn_hrc.goals import Profit

__all__ = ["promised_value"]

# Share of the luck of drawn errors that choosing really takes. Expected outcomes are shrunken
# already, so that what looks best is less lucky than in the draws. And the factor of the errors of
# costs, as features of those who buy are not all known. Both were fitted to simulated experiments
# (benchmarks/promise.py --development).
LUCK = 0.4
COST_ERRORS = 1.25
# Draws that have to have a plan, at least.
FEWEST_DRAWS = 20


def promised_value(
    policy: BaseEstimator,
    *,
    budget: float | None = None,
    confidence: float = 0.9,
    n_draws: int = 200,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Say what a plan may be expected to bring and cost, corrected for having been chosen.

    A plan takes what looks best, and part of what looks best is luck: the winner's curse. So
    `expected_response_` is too large on average. Here estimates of cells are drawn again, with the
    errors that they are said to have. The plan is made again from each draw, and each of these
    plans looks better by its own draw than by the estimates. The mean difference of responses,
    times a factor below one, is taken off. Differences also say how far off a promise can be. Of
    the 90 % intervals in seven kinds of simulated experiments, 79 to 98 % held the true response
    and 83 to 100 % the true cost, both 90 % in the mean.

    No row is needed. Held-out rows say more: see :func:`evaluate`.

    Parameters
    ----------
    policy : estimator
        A fitted policy of clusters, or a pipeline, search or frozen estimator of one.
    budget : float, default=None
        Mean cost per individual. None is the plan in use.
    confidence : float, default=0.9
        Level of the intervals, in (0, 1).
    n_draws : int, default=200
        Number of draws, at least 20. Plans with rules or risk take longer.
    random_state : int, RandomState instance or None, default=None
        Draws errors.

    Returns
    -------
    value : Bunch
        Means per individual of the population of the plan: `planned_response` and
        `planned_cost`, by the estimates; `response`, corrected, and `cost`, which is not biased in
        the mean and is as planned; `response_interval` and `cost_interval`, tuples that hold the
        true means of the plan with the probability `confidence`, as far as the errors of the
        estimates are known.

    Raises
    ------
    BudgetError
        If the budget is below the cost of the cheapest plan.
    RuleConflictError
        If the budget and the rules cannot be kept together.
    ValueError
        If a parameter is not as described, or hardly any draw has a plan.

    References
    ----------
    .. [1] Andrews, Kitagawa and McCloskey (2024), Inference on winners. Quarterly Journal of
       Economics 139(1). doi:10.1093/qje/qjad043
    .. [2] Smith and Winkler (2006), The optimizer's curse. Management Science 52(3).
       doi:10.1287/mnsc.1050.0451

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.evaluation import promised_value
    >>> rng = np.random.default_rng(0)
    >>> segment, mail = rng.integers(0, 20, 2000), rng.integers(0, 2, 2000)
    >>> visits = rng.poisson(1.0, 2000)  # the mail changes nothing
    >>> policy = ClusterBudgetAllocator(0.5, arm_cost=[0, 1], estimation="raw", random_state=0)
    >>> policy = policy.fit(segment[:, None], visits, treatment=mail)
    >>> value = promised_value(policy, random_state=0)
    >>> value.planned_response > value.response > 1.0
    True
    """
    allocator = unwrap_policy(policy, name="policy")[1]
    check_is_fitted(allocator)
    allocator = allocator._fitted_allocator
    _check(confidence, n_draws)
    replan = _planner(allocator, budget)
    campaign, estimates = allocator._current_campaign(), allocator._estimates
    share = replan(campaign)
    planned = np.einsum("kj,kja->a", share, estimates.mean)
    rng = check_random_state(random_state)
    luck = _luck_of_draws(campaign, estimates, replan, allocator.goal, n_draws, rng)
    deviation = luck.std(axis=0, ddof=1) * np.array([1.0, COST_ERRORS])
    value = planned - np.array([LUCK, 0.0]) * luck.mean(axis=0)
    half = ndtri(0.5 + confidence / 2) * deviation
    names = ("response", "cost")
    return Bunch(
        **{f"planned_{name}": planned[i].item() for i, name in enumerate(names)},
        **{name: value[i].item() for i, name in enumerate(names)},
        **{
            f"{name}_interval": ((value - half)[i].item(), (value + half)[i].item())
            for i, name in enumerate(names)
        },
    )


def _check(confidence, n_draws):
    if not 0 < as_finite(confidence, "confidence") < 1:
        raise ValueError(f"confidence is expected to be in (0, 1), got {confidence!r}.")
    if not isinstance(n_draws, Integral) or n_draws < FEWEST_DRAWS:
        raise ValueError(
            f"n_draws is expected to be a whole number of at least {FEWEST_DRAWS}, got {n_draws!r}."
        )


def _planner(allocator, budget):
    """Return the function that plans for a campaign as the allocator does, as shares of all."""
    budget = _budget_in_use(allocator) if budget is None else as_finite(budget, "budget")
    # Without anything beside a budget the relaxation is exact, but for one cluster that is divided.
    is_plain = isinstance(budget, float) and allocator.goal is None and allocator.split_clusters
    if is_plain and not allocator.rules and allocator.risk == "mean":
        return lambda campaign: _relaxed_shares(campaign, budget)

    def replan(campaign):
        if budget is None:
            plan = plan_for_goal(campaign, allocator.goal)[0]
        else:
            plan = plan_for_budget(campaign, budget)[0]
        return plan.counts / campaign.sizes.sum()

    return replan


def _budget_in_use(allocator):
    """Return the budget of the plan in use, or None where the goal needs none."""
    given = allocator._in_use.given
    if given is None and needs_no_budget(allocator):
        return None
    given = allocator.budget if given is None else given
    return given if isinstance(given, UncertainBudget) else allocator.budget_


def _relaxed_shares(campaign, budget):
    """Share of all individuals in each cell, where clusters can be divided as one likes."""
    path, population = (
        hull_path(campaign.value, campaign.cost, campaign.sizes),
        campaign.sizes.sum(),
    )
    if budget * population < path.cost[0] * (1 - 1e-12):
        raise BudgetError(
            f"budget is expected to be at least {path.cost[0] / population:g}, the cost per "
            f"individual of the cheapest allocation, got {budget:g}."
        )
    total = max(budget * population, path.cost[0])
    share = path_shares(path_allocation(path, [total]), campaign.cost.shape[1])[0]
    return share * (campaign.sizes / population)[:, None]


def _luck_of_draws(campaign, estimates, replan, goal, n_draws, rng):
    """What plans of drawn estimates promise beyond the estimates, (n_planned, 2)."""
    luck = []
    for _ in range(n_draws):
        error = draw_errors(estimates, rng)
        response, cost = np.moveaxis(estimates.mean + error, -1, 0)
        value = response
        if isinstance(goal, Profit):
            value = float(goal.response_value) * response - cost
        try:
            share = replan(campaign._replace(response=response, cost=cost, value=value))
        except (BudgetError, RuleConflictError):
            continue  # no plan is within the budget if costs are as drawn
        luck.append(np.einsum("kj,kja->a", share, error))
    if len(luck) < FEWEST_DRAWS:
        raise ValueError(
            f"budget is expected to leave a plan within the errors of the costs, got one in "
            f"{len(luck)} of {n_draws} draws; raise the budget, or relax the rules."
        )
    return np.array(luck)
