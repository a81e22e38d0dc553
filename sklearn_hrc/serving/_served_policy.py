"""A policy as it is served: numpy and a runtime of ONNX, nothing else."""

import warnings
from bisect import bisect_right
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from sklearn_hrc._assignment import arms_of_rows
from sklearn_hrc.exceptions import BudgetError, BudgetWarning
from sklearn_hrc.serving._budget_table import budget_table
from sklearn_hrc.serving._decisions import Decision, Decisions
from sklearn_hrc.serving._eligible import (
    allowed_matrix,
    allowed_one,
    best_allowed,
    labels_of_one,
    masks_of,
)
from sklearn_hrc.serving._exploration import Exploration
from sklearn_hrc.serving._features import as_matrix, as_vector
from sklearn_hrc.serving._manifest import Manifest
from sklearn_hrc.serving._model import Model

__all__ = ["ServedPolicy"]

# Share of a budget by which two budgets are the same.
_SAME = 1e-9


class ServedPolicy:
    """A policy that decides online; made by `load`.

    Threads may share it. A budget is set in one step, so that each decision is by the old plan
    or by the new one.

    Parameters
    ----------
    manifest : Manifest
        What the folder says.
    model : Model
        Tells clusters.
    exploration : float, default=0.0
        Share of decisions that are drawn by chance.
    random_state : int, default=None
        Seed of these draws.

    Attributes
    ----------
    treatments : list
        Labels of the arms.
    control : label
        The arm that means "nothing".
    features : list of Feature
        What a row has to have.
    budgets : list of float
        Mean budgets that there are plans for.
    policy_version : str
        Version of the policy.
    """

    def __init__(
        self,
        manifest: Manifest,
        model: Model,
        *,
        exploration: float = 0.0,
        random_state: int | None = None,
    ) -> None:
        if not 0 <= exploration < 1:
            raise ValueError(f"exploration is expected to be in [0, 1), got {exploration}.")
        self.treatments = manifest.treatments
        self.control = manifest.treatments[manifest.control]
        self.features = manifest.features
        self.budgets = [plan.budget for plan in manifest.plans]
        self.policy_version = manifest.version
        self._manifest, self._model = manifest, model
        self._labels = np.array(manifest.treatments)
        self._exploration = Exploration(exploration, manifest.propensity, random_state)
        self._random_cost = float(manifest.shares @ manifest.cost @ manifest.propensity)
        self._plan = manifest.plans[manifest.in_use]

    @property
    def budget(self) -> float:
        """Mean budget of the plan in use, without what random decisions cost."""
        return self._plan.budget

    @property
    def budget_with_exploration(self) -> float:
        """Mean budget with what random decisions cost: `set_budget` of it keeps the plan."""
        return self._with_random(self._plan.budget)

    @property
    def shadow_price(self) -> float:
        """Response that a further unit of the budget buys."""
        return self._plan.shadow_price

    @property
    def expected_cost(self) -> float:
        """Expected mean cost per individual, with what random decisions cost."""
        return self._with_random(self._plan.cost)

    @property
    def budget_range(self) -> tuple[float, float]:
        """Least and largest mean budget of the plans, with what random decisions cost."""
        return self._with_random(self.budgets[0]), self._with_random(self.budgets[-1])

    def set_budget(self, budget: float) -> float:
        """Use the plan of another budget: the dearest one within it.

        Parameters
        ----------
        budget : float
            Mean cost per individual, with what random decisions cost.

        Returns
        -------
        expected_cost : float
            Expected mean cost per individual, at most the budget.

        Raises
        ------
        BudgetError
            If no plan of the folder is within the budget. The old plan stays.

        Warns
        -----
        BudgetWarning
            If the budget is above that of the dearest plan, which is used then.
        """
        budget = _finite(budget)
        place = self._place_of(budget)
        least, largest = self.budget_range
        if place < 0:
            raise BudgetError(
                f"budget is expected to be at least {least:.6g}, that of the cheapest plan in the "
                f"folder, got {budget:.6g}."
            )
        self._plan = plan = self._manifest.plans[place]
        if budget > largest + _SAME * abs(largest):
            warnings.warn(
                f"budget (got {budget:.6g}) is a mean per individual, and the largest plan in the "
                f"folder has {largest:.6g}; divide a total by the number of individuals.",
                BudgetWarning,
                stacklevel=2,
            )
        return self._with_random(plan.cost)

    def decide_one(
        self, row: Mapping[str, Any], *, eligible: Collection[Any] | None = None
    ) -> Decision:
        """Decide for one individual.

        Parameters
        ----------
        row : mapping
            Value of each feature by its name. Further names are passed over.
        eligible : collection of labels, default=None
            Treatments that the individual may get. None: all. If the planned one is not among
            them, the best of them at the shadow price is given.

        Returns
        -------
        decision : Decision
            The arm, and how it came about.

        Raises
        ------
        FeatureError
            If a feature is missing, or its value is of another kind.
        """
        rows, plan = as_vector(row, self.features), self._plan
        allowed = allowed_one(eligible, self.treatments)
        cluster = self._model.cluster_of_one(rows)
        arm, cuts, arms = plan.of_one[cluster]
        if cuts and (passed := bisect_right(cuts, self._model.place_of_one(rows))):
            arm = arms[passed - 1]
        if allowed is not None and not allowed[arm]:
            arm = int(best_allowed(self._worth(plan, [cluster]), np.array([allowed]))[0])
        arm, propensity, explored = self._exploration.draw_one(arm, allowed)
        figures = propensity, cluster, explored, plan.budget, self.policy_version
        return Decision(self.treatments[arm], *figures, labels_of_one(allowed, self.treatments))

    def decide(self, rows: Any, *, eligible: Any = None) -> Decisions:
        """Decide for many individuals.

        Parameters
        ----------
        rows : data frame, dict of columns, list of mappings or array-like
            Columns are found by name, and further ones are passed over. A matrix without names
            has numbers in the order of `features`.
        eligible : array-like of shape (n_rows, n_treatments) or dict, default=None
            Who may get which treatment: boolean columns in the order of `treatments`, or a dict
            with a mask for some of them. None: all may get all.

        Returns
        -------
        decisions : Decisions
            The arms, and how they came about.

        Raises
        ------
        FeatureError
            If a feature is missing, or a value is of another kind.
        """
        matrix, plan = as_matrix(rows, self.features), self._plan
        allowed = allowed_matrix(eligible, self.treatments, len(matrix))
        cluster = self._model.clusters(matrix)
        place = np.zeros(len(matrix))
        split = np.flatnonzero(plan.assignment.is_split[cluster])
        place[split] = self._model.places(matrix[split])
        arm = arms_of_rows(cluster, place, plan.assignment, 0)
        if allowed is not None:
            barred = np.flatnonzero(~allowed[np.arange(len(arm)), arm])
            arm[barred] = best_allowed(self._worth(plan, cluster[barred]), allowed[barred])
        arm, propensity, explored = self._exploration.draw(arm, allowed)
        figures = propensity, cluster, explored, plan.budget, self.policy_version
        return Decisions(self._labels[arm], *figures, masks_of(allowed, self.treatments))

    def budget_table(self) -> dict[str, np.ndarray]:
        """Return what each budget of the folder buys, and who would get what.

        Returns
        -------
        table : dict of ndarray of shape (n_budgets,)
            Columns, such as for `pandas.DataFrame`, with one plan a row. `budget` rises, and
            `set_budget` takes it. `expected_cost` and `expected_response` are means per individual,
            `shadow_price` is the response that a further unit of the budget buys, and
            `share of <treatment>` are the shares of the arms. All are estimates of the fit, for
            its individuals, with what random decisions cost and bring. A folder of format 1.0
            does not say the shares of arms. They are NaN then.
        """
        return budget_table(self._manifest, self._exploration)

    def cost_of(self, decision: Decision | Decisions) -> Any:
        """Return what a decision is expected to cost.

        Parameters
        ----------
        decision : Decision or Decisions
            By this policy.

        Returns
        -------
        cost : float, or ndarray of shape (n_rows,)
            Expected cost of the arm in the cluster.
        """
        arm = (np.asarray(decision.treatment)[..., None] == self._labels).argmax(axis=-1)
        return self._manifest.cost[decision.cluster, arm]

    def _worth(self, plan, cluster):
        """What each arm is worth in clusters, at the price of the budget."""
        value, cost = self._manifest.value[cluster], self._manifest.cost[cluster]
        return value - plan.shadow_price * cost

    def _with_random(self, cost):
        """Mean of a cost and that of random decisions, by their shares."""
        return self._exploration.mean(cost, self._random_cost)

    def _place_of(self, budget):
        """Place of the dearest plan within a budget, or -1."""
        share = self._exploration.share
        left = (budget - share * self._random_cost) / (1 - share)
        return bisect_right(self.budgets, left + _SAME * abs(left)) - 1


def _finite(budget):
    """Return a budget as a float, which a whole number may be too large for."""
    try:
        number = float(budget) if isinstance(budget, int | float | np.number) else np.nan
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        raise ValueError(f"budget is expected to be a finite number, got {budget!r:.60}.")
    return number
