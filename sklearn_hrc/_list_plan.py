"""What everybody on a list gets, as arrays, tables and HTML."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_hrc._explanations import frame_of, marginal_moves
from sklearn_hrc._html import Table, number, tables_html
from sklearn_hrc._parameters import as_finite
from sklearn_hrc._programme.campaign import Campaign, Plan
from sklearn_hrc._programme.risk import BudgetRisk

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ListPlan"]

# Step of `explain` where none is given, as a share of the total cost.
STEP = 0.01


@dataclass(frozen=True, repr=False, eq=False)
class ListPlan:
    """What everybody on a list gets, and what is expected of it, as `plan_list` says.

    Parameters
    ----------
    arms : ndarray of shape (n_samples,)
        Treatment label of each row.
    response, cost : ndarray of shape (n_samples,)
        Expected response and cost of each row under its arm.
    response_se, cost_se : ndarray of shape (n_samples,)
        Standard errors of these expectations. Rows of a cell have theirs in common.
    total_response, total_cost : float
        Sums over the rows.
    total_response_se, total_cost_se : float
        Standard errors of the sums, from the errors that cells share, too.
    total_budget : float
        Limit of the total cost. With an uncertain budget, the mean of the possible ones.
    shadow_price : float
        Response that one further unit of budget buys; 0 if the budget does not bind.
    status : {"optimal", "feasible"}
        Whether it is proven that no plan is better, as `status_` of the allocator.
    treatments : ndarray of shape (n_treatments,)
        Labels of all arms.
    clusters : ndarray of shape (n_clusters,)
        Labels of the clusters of the policy.
    index : Any
        Index of the list where the list is a data frame, else None.
    rules : tuple of rules
        What the plan keeps beside the budget: rules of the policy, then those of the list.
    _solved : tuple
        Problem, solution and how the solution keeps the budget, for `explain`.
    """

    arms: NDArray[Any]
    response: NDArray[np.floating]
    cost: NDArray[np.floating]
    response_se: NDArray[np.floating]
    cost_se: NDArray[np.floating]
    total_response: float
    total_cost: float
    total_response_se: float
    total_cost_se: float
    total_budget: float
    shadow_price: float
    status: str
    treatments: NDArray[Any]
    clusters: NDArray[Any]
    index: Any
    rules: tuple[Any, ...] = field(default=(), kw_only=True)
    _solved: tuple[Campaign, Plan, BudgetRisk] = field(kw_only=True)

    @property
    def allocation(self) -> NDArray[np.integer]:
        """Individuals of each cluster that get each arm, of shape (n_clusters, n_treatments).

        Members of a household stand in their own clusters. Individuals of no known cluster are
        left out.
        """
        _, plan, _ = self._solved
        return plan.counts[: len(self.clusters)]

    def to_frame(self) -> "DataFrame":
        """Return a data frame with the index of the list and a row for everybody.

        Returns
        -------
        frame : DataFrame
            Columns `treatment`, `response`, `response_se`, `cost` and `cost_se`.
        """
        names = ("response", "response_se", "cost", "cost_se")
        columns = {"treatment": self.arms, **{name: getattr(self, name) for name in names}}
        return frame_of(columns, index=self.index)

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
            "share": [float(mine.mean()) for mine in rows],
            "cost": [float(self.cost[mine].sum()) for mine in rows],
            "response": [float(self.response[mine].sum()) for mine in rows],
        }
        return frame_of(columns, index=[*self.treatments.tolist(), "total"])

    def explain(self, step: float | None = None) -> "DataFrame":
        """Show what a little less and a little more budget would change.

        Parameters
        ----------
        step : float, default=None
            Total cost by which the budget changes. None is 1 % of the total cost.

        Returns
        -------
        moves : DataFrame
            A row for each move of people of a cluster from one arm to another. `step` is
            "last" for what a smaller budget would have to give up, "next" for what a larger budget
            would buy, by the linear relaxation: `individuals` may be fractions. `cluster` is None
            for households with members in several clusters. `response` and `cost` are totals of
            the move, `marginal_return` is their ratio.
        """
        campaign, plan, rule = self._solved
        population = campaign.sizes.sum().item()
        if step is None:
            step = STEP * (abs(self.total_cost) or population * float(np.abs(campaign.cost).max()))
        elif as_finite(step, "step") <= 0:
            raise ValueError(f"step is expected to be positive, got {step}.")
        labels = np.array([*self.clusters.tolist(), None, None], dtype=object)
        given = plan.of_blocks, rule, step / population
        return marginal_moves(campaign, campaign.blocks, *given, labels, self.treatments)

    def __repr__(self) -> str:
        """Say how many rows, and the totals."""
        return (
            f"ListPlan({len(self.arms)} rows, total_cost={self.total_cost:.6g} of "
            f"{self.total_budget:.6g}, total_response={self.total_response:.6g}, {self.status})"
        )

    def _repr_html_(self) -> str:
        """Show the totals and the arms in a notebook."""
        totals = [
            ("total budget", number(self.total_budget), ""),
            ("expected cost", number(self.total_cost), number(self.total_cost_se)),
            ("expected response", number(self.total_response), number(self.total_response_se)),
            ("shadow price", number(self.shadow_price), ""),
            ("programme", self.status, ""),
        ]
        table = self.summary()
        arms = [
            (
                str(label),
                number(row.individuals),
                f"{100 * row.share:.1f} %",
                number(row.cost),
                number(row.response),
            )
            for label, row in zip(table.index, table.itertuples())
        ]
        heads = ("arm", "individuals", "share", "cost", "response")
        tables = [Table(totals, ("", "in all", "standard error")), Table(arms, heads)]
        return f'<div class="sk-global">{tables_html(tables)}</div>'
