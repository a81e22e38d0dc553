"""A plan for a list of people: who gets which arm, within a total budget, in whole numbers."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._compat import HasMethods, validate_params
from sklearn_hrc._eligibility import check_eligible, stand_ins
from sklearn_hrc._parameters import as_finite
from sklearn_hrc._positions import project
from sklearn_hrc._problem import campaign_of
from sklearn_hrc._programme.blocks import Blocks
from sklearn_hrc._programme.plan import cheapest_budget, plan_budget
from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.exceptions import BudgetError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ListPlan", "plan_list"]

# Turns of the circle on which the members of a cell stand, for a unit of the line.
_TURNS = 10.0


class ListPlan(NamedTuple):
    """What everybody on a list gets, and what is expected of it; made by `plan_list`.

    Parameters
    ----------
    arms : ndarray of shape (n_samples,)
        Treatment label of each row.
    response, cost : ndarray of shape (n_samples,)
        Expected response and cost of each row under its arm.
    total_response, total_cost : float
        Their sums.
    total_response_se, total_cost_se : float
        Standard errors of the sums, from those of the cells of the policy.
    total_budget : float
        Limit of the total cost.
    shadow_price : float
        Response that one further unit of budget buys; 0 if the budget does not bind.
    status : {"optimal", "feasible"}
        Whether it is proven that no plan is better, as `status_` of the allocator.
    treatments : ndarray of shape (n_treatments,)
        Labels of all arms.
    index : Any
        Index of the list where it is a data frame, else None.
    """

    arms: NDArray[Any]
    response: NDArray[np.floating]
    cost: NDArray[np.floating]
    total_response: float
    total_cost: float
    total_response_se: float
    total_cost_se: float
    total_budget: float
    shadow_price: float
    status: str
    treatments: NDArray[Any]
    index: Any

    def to_frame(self) -> "DataFrame":
        """Return a data frame with the index of the list and a row for everybody.

        Returns
        -------
        frame : DataFrame
            Columns `treatment`, `response` and `cost`.
        """
        columns = {"treatment": self.arms, "response": self.response, "cost": self.cost}
        return _pandas().DataFrame(columns, index=self.index)

    def summary(self) -> "DataFrame":
        """Return a data frame with a row for each arm and their total.

        Returns
        -------
        frame : DataFrame
            Columns `individuals`, `share`, `cost` and `response`, the last two in all.
        """
        rows = [self.arms == label for label in self.treatments]
        rows.append(np.ones(len(self.arms), dtype=bool))
        columns = {
            "individuals": [int(mine.sum()) for mine in rows],
            "share": [float(_share(mine)) for mine in rows],
            "cost": [float(self.cost[mine].sum()) for mine in rows],
            "response": [float(self.response[mine].sum()) for mine in rows],
        }
        return _pandas().DataFrame(columns, index=[*self.treatments.tolist(), "total"])


@validate_params(
    {
        "policy": [HasMethods(["fit"])],
        "X": "no_validation",
        "total_budget": "no_validation",
        "budget": "no_validation",
        "eligible": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def plan_list(
    policy: BaseEstimator,
    X: ArrayLike,
    *,
    total_budget: float | None = None,
    budget: float | None = None,
    eligible: Any = None,
) -> ListPlan:
    """Plan for the people on a list, with the estimates of a fitted policy.

    A policy's budget is a mean over people like those of its experiment. A list has its own
    mix of them. Its members are counted by cluster, and by the arms that they may get, and the
    programme is solved for these numbers, exactly and without training. Rules and risk of the
    policy hold for the list.

    Parameters
    ----------
    policy : estimator
        Fitted :class:`~sklearn_hrc.ClusterBudgetAllocator` or
        :class:`~sklearn_hrc.DistilledAllocator`, a pipeline that ends in one, or a search over
        it.
    X : array-like of shape (n_samples, n_features)
        The list, with the columns of `fit`.
    total_budget : float, default=None
        Largest expected cost of all rows together.
    budget : float, default=None
        Largest expected mean cost per row. Without both it is the budget that the policy has in
        use.
    eligible : array-like of shape (n_samples, n_treatments) or dict, default=None
        Who may get which arm: a boolean column for each treatment, in the order of `treatments_`
        or a data frame with labels; or a dict with a boolean mask for some treatments. None: all
        may get all.

    Returns
    -------
    plan : ListPlan
        Arms, and what is expected of them. A row whose cluster the policy does not know gets
        control, at control's mean cost.

    Raises
    ------
    BudgetError
        If no plan keeps the budget.
    RuleConflictError
        If the budget and the rules of the policy cannot be kept together on this list.

    See Also
    --------
    sklearn_hrc.ClusterBudgetAllocator.set_budget : A budget for people like those of the fit.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.planning import plan_list
    >>> segment = np.repeat([0, 1], 40)
    >>> mail = np.tile([0, 1], 40)
    >>> policy = ClusterBudgetAllocator(0.2, arm_cost=[0, 2], estimation="raw").fit(
    ...     segment[:, None], 1.0 + segment * mail, treatment=mail)
    >>> plan = plan_list(policy, [[0], [1], [1], [1]], total_budget=5)
    >>> plan.total_cost, plan.total_response, int((plan.arms == 1).sum())
    (4.0, 6.0, 2)
    """
    if total_budget is not None and budget is not None:
        raise ValueError(
            "budget is expected to be None where total_budget is given, got both; total_budget is "
            "budget times the number of rows."
        )
    steps, last = unwrap_policy(policy, name="policy")
    check_is_fitted(last)
    allocator = last._fitted_allocator
    checked = last._check_X(transform_through(steps, X))
    cluster, columns = last._locate(checked)
    allowed = check_eligible(eligible, len(cluster), allocator.treatments_, X)
    limit = _limit(total_budget, budget, allocator, len(cluster))
    arm, plan = _plan_rows(allocator, cluster, columns, allowed, limit)
    return _list_plan(allocator, cluster, arm, plan, limit, getattr(X, "index", None))


def _limit(total_budget, budget, allocator, n_rows):
    """Return the total budget that is meant."""
    if total_budget is not None:
        return as_finite(total_budget, "total_budget")
    mean = allocator.budget_ if budget is None else as_finite(budget, "budget")
    return mean * n_rows


def _plan_rows(allocator, cluster, columns, allowed, limit):
    """Return the arm of each row, and the plan of those whose cluster is known."""
    known = np.flatnonzero(cluster >= 0)
    unknown = np.flatnonzero(cluster < 0)
    control = allocator._control
    if len(unknown) and not allowed[unknown, control].all():
        row = int(unknown[np.argmin(allowed[unknown, control])])
        raise ValueError(
            f"eligible is expected to allow control, {allocator.control_!s}, where the policy does "
            f"not know the cluster of a row, got row {row} without."
        )
    arm = np.full(len(cluster), control)
    if not len(known):
        return arm, None
    allocator._current_campaign()  # says what has changed since the fit
    blocks, cell = _cells(cluster[known], allowed[known], allocator.cost_)
    campaign = campaign_of(allocator, allocator._estimates, blocks, None, allocator._mean_outcome)
    left = limit - len(unknown) * _mean_cost(allocator)[control]
    try:
        plan = plan_budget(campaign, left / len(known))
    except BudgetError as error:
        needed = cheapest_budget(campaign) * len(known) + limit - left
        if needed <= limit:
            raise
        raise BudgetError(
            f"total_budget is expected to be at least {needed:.6g}, the cost of the cheapest plan "
            f"for the {len(cluster)} rows of the list, got {limit:.6g}."
        ) from error
    place = project(columns[known], allocator._direction)
    arm[known] = _arms(cell, place, plan.of_blocks, allocator.cost_[blocks.cluster])
    return arm, plan


def _cells(cluster, allowed, cost):
    """Count rows by cluster and by the arms that they may get.

    Returns
    -------
    blocks : Blocks
        A block for each cell.
    cell : ndarray of shape (n_samples,), int
        Cell of each row.
    """
    patterns, pattern = np.unique(allowed, axis=0, return_inverse=True)
    key, cell, sizes = np.unique(
        cluster * len(patterns) + pattern.ravel(), return_inverse=True, return_counts=True
    )
    of_cluster, of_pattern = np.divmod(key, len(patterns))
    stand_in = stand_ins(patterns[of_pattern], cost[of_cluster])
    return Blocks(of_cluster, sizes, sizes, stand_in), cell


def _arms(cell, place, counts, cost):
    """Give the rows of each cell its arms, from the cheapest, around the circle."""
    order = np.lexsort((np.mod(_TURNS * place, 1.0), cell))
    arms = np.argsort(cost, axis=1, kind="stable")
    runs = np.take_along_axis(counts, arms, axis=1)
    arm = np.empty(len(cell), dtype=np.intp)
    arm[order] = np.repeat(arms.ravel(), runs.ravel())
    return arm


def _mean_cost(allocator):
    """Mean cost of each arm over the population of the policy."""
    share = allocator._in_use.campaign.sizes / allocator._in_use.population
    return share @ allocator.cost_


def _list_plan(allocator, cluster, arm, plan, limit, index):
    """Put a plan together with what is expected of each row."""
    share = allocator._in_use.campaign.sizes / allocator._in_use.population
    response, cost = (
        np.where(cluster >= 0, values[cluster, arm], (share @ values)[arm])
        for values in (allocator.response_, allocator.cost_)
    )
    response_se = cost_se = 0.0
    if plan is not None:
        covariance = allocator._estimates.total_covariance(plan.counts)
        response_se, cost_se = np.sqrt(np.diagonal(covariance)).tolist()
    return ListPlan(
        arms=allocator.treatments_[arm],
        response=response,
        cost=cost,
        total_response=float(response.sum()),
        total_cost=float(cost.sum()),
        total_response_se=response_se,
        total_cost_se=cost_se,
        total_budget=float(limit),
        shadow_price=0.0 if plan is None else plan.shadow_price,
        status="optimal" if plan is None or plan.optimal else "feasible",
        treatments=allocator.treatments_,
        index=index,
    )


def _share(mask):
    """Return the share of rows in a mask, 0 of no rows."""
    return mask.mean() if len(mask) else 0.0


def _pandas():
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "Tables need pandas: install it, or sklearn-hrc with the extra 'plot'."
        ) from error
    return pandas
