"""The budget allocation over clusters as a scikit-learn predictor."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils.metadata_routing import MetadataRequest
from sklearn.utils.validation import _num_samples

from sklearn_hrc._allocator_rows import first_rows, further_rows
from sklearn_hrc._assignment import Members, stand_before
from sklearn_hrc._budget_mixin import BudgetMixin
from sklearn_hrc._cells.estimates import estimate_cells
from sklearn_hrc._cells.rare_arms import hold_back
from sklearn_hrc._cells.table import CellTable, allotted_sizes, merge_tables, summarise
from sklearn_hrc._changes import check_unchanged
from sklearn_hrc._columns import count_tasks, find_columns
from sklearn_hrc._compat import CheckingRequest, Interval, StrOptions, fit_context
from sklearn_hrc._experiment import restore_on_error
from sklearn_hrc._labels import check_exact, check_groups, find_labels
from sklearn_hrc._metadata import REQUESTS
from sklearn_hrc._parameters import resolve_estimation, resolve_parameters
from sklearn_hrc._policy import ClusterPolicyMixin
from sklearn_hrc._positions import (
    Positions,
    draw_direction,
    merge_positions,
    positions_of_rows,
    units_of,
)
from sklearn_hrc._problem import check_parameters, check_steps
from sklearn_hrc._programme.blocks import blocks_of_units, individuals, whole_clusters
from sklearn_hrc._propensity import warn_of_propensity
from sklearn_hrc._tables import check_features
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.goals import LeastCost, Profit
from sklearn_hrc.rules._rule import Rule, check_rules

__all__ = ["ClusterBudgetAllocator"]


class ClusterBudgetAllocator(BudgetMixin, ClusterPolicyMixin, BaseEstimator):
    """Choose a treatment arm for every cluster, within a budget.

    The expected response and cost of every cell (cluster x arm) are estimated
    from a randomised experiment. Then an integer programme allocates arms to
    the members of each cluster so that the total expected response is largest
    and the total expected cost within the budget: the third step of HRC
    (arXiv:2506.00959).

    Parameters
    ----------
    budget : float or UncertainBudget, default=None
        Mean cost per individual, in the unit of `cost`: a total budget divided by the number of
        individuals. None is what the experiment spent, or the cheapest allocation if that
        costs more (no budget, with a `goal` of :class:`~sklearn_hrc.goals.Profit`). Where the
        budget is not known yet, :class:`~sklearn_hrc.budgets.UncertainBudget` holds what it
        may be.
    control : label, default=None
        The treatment that means "nothing". Rows of unknown clusters get it and
        gains are counted from it. None is the first of numeric labels. Several
        string labels need it, since their order means nothing.
    objective : int, str, list or dict, default=None
        What the response is: one column of `y` by index or name, the sum of
        several, or a weighted sum. None is the first column.
    arm_cost : array-like of shape (n_treatments,), Series or dict, default=None
        Known price of each arm per individual, by label or in the order of
        `treatments_`, but for strings, whose order means nothing unless an ordered
        Categorical gave it. It takes the place of `cost`.
    estimation : {"auto", "outcomes", "pooled", "raw"}, default="auto"
        How cells are estimated. "outcomes": the mean of the expected outcomes
        that the last columns of `X` hold, as :class:`MultiTaskRepresenter`
        makes them. Errors come from the deviations of its networks, which
        stand before them, or from residuals where there are none. "pooled":
        cell means of the rows, shrunken towards a ridge regression on the
        covariates. "raw": cell means of the rows. "auto" is "pooled" where `X`
        is a label alone, else "outcomes".
    split_clusters : bool, default=True
        Let a cluster be split between arms. Otherwise all of it gets one. Rows that
        the covariates do not tell apart always get the same arm.
    population : int, default=None
        Number of individuals that allocations are counted in; None is the
        number of rows seen in `fit`. Where `X` is a label alone, clusters are split
        by number only if it is given: `predict` cannot tell their members apart.
    risk : {"mean", "cvar", "chance", "robust"}, default="mean"
        How the budget must hold, given that costs are known with errors only. "mean": in
        expectation. "cvar": on average over the worst `1 - risk_level` of cases. "chance":
        with probability `risk_level`. "robust": for all values of the shared errors in their
        joint confidence ellipsoid of level `risk_level`.
    risk_level : float, default=0.9
        From 0.5 up to, not including, 1.
    goal : Profit or LeastCost, default=None
        What the allocation is for, from :mod:`sklearn_hrc.goals`. None is the largest response
        within the budget.
    rules : list of rules, default=()
        What the allocation keeps beside the budget, from :mod:`sklearn_hrc.rules`: smallest
        and largest shares of arms, spends, returns, outcomes.
    time_limit : float, default=None
        Seconds for one allocation, after which the best one so far is taken.
        See `mip_gap_`. None is no limit for a budget without further rules, and
        10 seconds with rules or risk, where the linear relaxation is always
        solved first.
    random_state : int, RandomState instance or None, default=None
        Chooses the members of a split cluster that get each of its arms.

    Attributes
    ----------
    treatments_ : ndarray of shape (n_treatments,)
        Treatment labels, sorted or in the order of an ordered pandas Categorical.
    control_ : label
        Resolved control.
    outcome_names_ : list of str
        Names of the columns of `y`.
    clusters_ : ndarray of shape (n_clusters,)
        Sorted cluster labels.
    cluster_sizes_ : ndarray of shape (n_clusters,), int64
        Individuals of the population in each cluster.
    response_, cost_ : ndarray of shape (n_clusters, n_treatments), float64
        Expected response and cost per individual in each cell.
    response_se_, cost_se_ : ndarray of shape (n_clusters, n_treatments), float64
        Their standard errors.
    estimation_ : str
        How the cells were estimated.
    budget_ : float
        Resolved budget.
    allocation_ : ndarray of shape (n_clusters, n_treatments), int64
        Individuals of each cluster that get each arm.
    expected_response_, expected_cost_ : float
        Of the allocation, per individual.
    shadow_price_ : float
        Response that one further unit of budget buys, or profit if that is the goal. 0 if the
        budget does not bind.
    status_ : {"optimal", "feasible"}
        Whether it is proven that no allocation is better: by more than 2e-12 of
        what is at stake for a budget alone, 1e-7 with rules, 1e-4 with `risk`
        (where the search ends at 5e-4).
    mip_gap_ : float
        What may be missing, as a share of what is at stake.
    bound_ : float
        Best objective per individual (response, profit or cost, by the goal) that is
        possible.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if `X` has string names.

    See Also
    --------
    HiddenClusterer : Makes the clusters.
    DistilledAllocator : Serves the policy with one classifier.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> rng = np.random.default_rng(0)
    >>> segment = rng.integers(0, 2, 4000)
    >>> coupon = rng.choice([0, 5], 4000)
    >>> order = rng.random(4000) < 0.2 + 0.1 * (coupon > 0) * (1 + 2 * segment)
    >>> allocator = ClusterBudgetAllocator(budget=1.3)
    >>> allocator = allocator.fit(
    ...     segment[:, None], order, treatment=coupon, cost=coupon * order)
    >>> allocator.predict([[0], [1]])  # coupons go where they change more
    array([0, 5])
    >>> allocator.set_budget(0).predict([[0], [1]])
    array([0, 0])
    """

    __metadata_request__partial_fit = REQUESTS

    _table: CellTable
    _positions: Positions

    _parameter_constraints: dict = {
        "budget": "no_validation",
        "control": "no_validation",
        "objective": [None, Integral, str, list, dict],
        "arm_cost": [None, dict, "array-like"],
        "estimation": [StrOptions({"auto", "outcomes", "pooled", "raw"})],
        "split_clusters": ["boolean"],
        # Floats count individuals up to here.
        "population": [None, Interval(Integral, 1, 2**53, closed="both")],
        "risk": [StrOptions({"mean", "cvar", "chance", "robust"})],
        "risk_level": [Interval(Real, 0.5, 1, closed="left")],
        "goal": [None, Profit, LeastCost],
        "rules": "no_validation",
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        budget: float | UncertainBudget | None = None,
        *,
        control: Any = None,
        objective: int | str | list[Any] | dict[Any, float] | None = None,
        arm_cost: ArrayLike | dict[Any, float] | None = None,
        estimation: Literal["auto", "outcomes", "pooled", "raw"] = "auto",
        split_clusters: bool = True,
        population: int | None = None,
        risk: Literal["mean", "cvar", "chance", "robust"] = "mean",
        risk_level: float = 0.9,
        goal: Profit | LeastCost | None = None,
        rules: Sequence[Rule] = (),
        time_limit: float | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.budget = budget
        self.control = control
        self.objective = objective
        self.arm_cost = arm_cost
        self.estimation = estimation
        self.split_clusters = split_clusters
        self.population = population
        self.risk = risk
        self.risk_level = risk_level
        self.goal = goal
        self.rules = rules
        self.time_limit = time_limit
        self.random_state = random_state

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        treatment: ArrayLike | None = None,
        cost: ArrayLike | None = None,
        propensity: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Estimate the cells and allocate the budget.

        Parameters
        ----------
        X : array-like of shape (n_samples, 1 + n_covariates)
            The cluster of each row, any number, then covariates.
        y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
            Outcomes.
        treatment : array-like of shape (n_samples,), default=None
            Received arm; None means that there is one, with a warning. An ordered
            pandas Categorical says the order of the arms.
        cost : array-like of shape (n_samples,), default=None
            Realised cost of the received arm.
        propensity : array-like of shape (n_samples,), default=None
            Probability of the received arm, in (0, 1].
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows.
        groups : array-like of shape (n_samples,), default=None
            Label of the group of each row, as in :class:`MultiTaskRepresenter`. Checked only.

        Returns
        -------
        self : ClusterBudgetAllocator
            Fitted allocator.

        Raises
        ------
        BudgetError
            If the budget is below the cost of the cheapest allocation.
        """
        given = {"X": X, "groups": groups}
        X = self._check_X(X, reset=True)
        rows = (y, treatment, cost, propensity, sample_weight)
        has_prices = self.arm_cost is not None
        experiment = first_rows(len(X), *rows, has_prices=has_prices, aligned_with=given)
        warn_of_propensity(experiment, check_groups(groups, len(X)))
        return self._fit_rows(X, experiment, X[:, 1:], check_random_state(self.random_state))

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        treatment: ArrayLike | None = None,
        cost: ArrayLike | None = None,
        propensity: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Add rows to what earlier fits saw, then estimate and allocate again.

        The result is that of one fit on all rows, whatever their order. New
        clusters and arms enlarge the table. With `estimation="outcomes"` the
        first call must have all arms, since they determine the columns, and
        networks are looked for in its rows.

        Parameters
        ----------
        X, y, treatment, cost, propensity, sample_weight, groups : array-like
            As in `fit`. Whether `cost` is given may not change.

        Returns
        -------
        self : ClusterBudgetAllocator
            Updated allocator.
        """
        if not hasattr(self, "_table"):
            return self.fit(
                X,
                y,
                treatment=treatment,
                cost=cost,
                propensity=propensity,
                sample_weight=sample_weight,
                groups=groups,
            )
        given = {"X": X, "groups": groups}
        X = self._check_X(X)
        check_groups(groups, len(X))
        rows = (y, treatment, cost, propensity, sample_weight)
        experiment = further_rows(self, len(X), *rows, aligned_with=given)
        estimation = self.estimation_
        self._resolve(experiment.treatments, experiment)
        if self.estimation_ != estimation:
            raise ValueError(
                f"estimation is expected to stay {estimation!r} in partial_fit, as in fit, got "
                f"{self.estimation!r}."
            )
        further = self._summarise(X, experiment)
        self._table = merge_tables(self._table, further, self._order)
        self._positions = merge_positions(self._positions, self._place(X, experiment, X[:, 1:]))
        return self._solve()

    def get_metadata_routing(self) -> MetadataRequest:
        """Say which metadata are requested. A pipeline that fits has them checked at once.

        Returns
        -------
        routing : MetadataRequest
            Requests of the methods.
        """
        return CheckingRequest(super().get_metadata_routing(), self._check_early)

    def _check_early(self, y, metadata, steps):
        """Say what is wrong with the parameters before earlier steps of a pipeline are trained."""
        check_steps(self.rules, steps)
        treatment = metadata.get("treatment")
        if y is None or treatment is None:
            return
        self._validate_params()
        rows = (metadata.get(name) for name in ("cost", "propensity", "sample_weight"))
        experiment = first_rows(
            _num_samples(y), y, treatment, *rows, has_prices=self.arm_cost is not None
        )
        check_parameters(self, experiment)

    def __sklearn_tags__(self) -> Tags:
        """Tags: a target is required and may have several columns."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    @property
    def _fitted_allocator(self):
        return self

    @property
    def _teaching_steps(self):
        """Steps of a teacher, of which there is none."""
        return []

    def _check_unchanged(self):
        check_unchanged(self, self._fitted_with)

    def _check_X(self, X, *, reset=False):
        X = check_features(self, X, reset=reset)
        check_exact(X[:, 0], "X")
        return X

    def _fit_rows(self, X, experiment, told_apart_by, rng):
        """Fit to checked rows, and to the columns that tell members of a cluster apart."""
        self._direction = draw_direction(told_apart_by.shape[1], rng)
        self._resolve(experiment.treatments, experiment)
        self._columns = self._find_columns(X, experiment)
        self._table = self._summarise(X, experiment)
        self._positions = self._place(X, experiment, told_apart_by)
        return self._solve()

    def _fit_served(self, X, y, told_apart_by, rng, **rows):
        """Fit where other columns than those of `X` are there when an arm is to be chosen."""
        X = self._check_X(X, reset=True)
        names = ("treatment", "cost", "propensity", "sample_weight")
        arrays = (rows.get(name) for name in names)
        experiment = first_rows(len(X), y, *arrays, has_prices=self.arm_cost is not None)
        return self._fit_rows(X, experiment, told_apart_by, rng)

    def _rows_to_sum(self, X):
        """Checked rows, and the columns that tell members of a cluster apart."""
        X = self._check_X(X)
        return X, X[:, 1:]

    @restore_on_error
    def _take(self, table, positions):
        """Plan from sums that were made elsewhere of further or other rows."""
        self._check_unchanged()
        self._table, self._positions = table, positions
        return self._solve()

    def _place(self, X, experiment, told_apart_by):
        return positions_of_rows(X[:, 0], told_apart_by, experiment.sample_weight, self._direction)

    def _resolve(self, treatments, experiment):
        """Resolve the parameters against the arms, outcomes and columns."""
        self._order = experiment.order
        self._control, self._arm_cost, self._objective = resolve_parameters(
            self, treatments, experiment.outcome_names, ordered=self._order is not None
        )
        self.estimation_ = resolve_estimation(
            self.estimation, self.n_features_in_ - 1, len(treatments), count_tasks(experiment)
        )
        self.outcome_names_ = experiment.outcome_names
        self._has_cost = experiment.cost is not None
        self.treatments_ = treatments
        self.control_ = treatments[self._control]

    def _find_columns(self, X, experiment):
        """Layout of the columns after the label; None where nothing is read from it."""
        return find_columns(X[:, 1:], experiment) if self.estimation_ == "outcomes" else None

    def _summarise(self, X, experiment):
        return summarise(X, experiment, self.estimation_, self._arm_cost, self._columns)

    def _solve(self):
        """From statistics to an allocation of the default budget."""
        table = self._table
        self.clusters_ = table.clusters
        self.cluster_sizes_ = allotted_sizes(table.members.weight, self._population())
        self._estimates = hold_back(
            self._estimate(self._objective),
            table.members.weight,
            table.arms.count,
            self._control,
            self.treatments_,
        )
        self.response_, self.cost_ = np.moveaxis(self._estimates.mean, -1, 0)
        self.response_se_, self.cost_se_ = np.moveaxis(self._estimates.standard_error(), -1, 0)
        return self._make_plans(table.mean_spent)

    def _population(self):
        if self.population is None:
            return int(self._table.members.count.sum())
        return self.population

    def _blocks(self):
        """Units of the programme, and who they are; None where nothing tells members apart."""
        if self.population is not None and not len(self._direction):
            # Segments of a population that is not here: what is planned is how many.
            return whole_clusters(self.cluster_sizes_, divisible=self.split_clusters), None
        weight = self._table.members.weight
        scale = self._population(), weight.sum()
        if not self.split_clusters:
            return whole_clusters(individuals(weight, *scale), divisible=False), None
        units = units_of(self._positions, self.clusters_)
        size = individuals(units.weight, *scale)
        blocks, block = blocks_of_units(units.cluster, size, ruled=bool(check_rules(self.rules)))
        return blocks, Members(units, block, size, stand_before(units, block, size))

    def _mean_outcome(self, index):
        """Estimate the means of one outcome in all cells."""
        objective = np.zeros(len(self.outcome_names_))
        objective[index] = 1.0
        return self._estimate(objective).mean[..., 0]

    def _estimate(self, objective):
        return estimate_cells(
            self._table,
            objective,
            self.estimation_,
            arm_cost=self._arm_cost,
            columns=self._columns,
        )

    def _cluster_index(self, labels):
        """Place of each label in `clusters_`, -1 for one that fit never saw."""
        return find_labels(labels, self.clusters_)

    def _locate(self, X):
        """Cluster of each row, as an index, and the columns that tell its members apart."""
        return self._cluster_index(X[:, 0]), X[:, 1:]
