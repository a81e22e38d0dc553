"""Partitioning clustering of individuals, by regrets or by the hidden representation."""

from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._cells.estimates import to_response_and_cost
from sklearn_hrc._columns import Columns, find_columns
from sklearn_hrc._compat import Interval, StrOptions, check_feature_names_in, fit_context
from sklearn_hrc._experiment import check_experiment, restore_on_error
from sklearn_hrc._find_clusters import find_clusters
from sklearn_hrc._html import Summary, SummaryMixin, Table, number
from sklearn_hrc._labels import check_groups
from sklearn_hrc._metadata import FitMetadataMixin
from sklearn_hrc._nearest_cluster import cluster_of
from sklearn_hrc._parameters import resolve_arm_cost, resolve_objective
from sklearn_hrc._tables import check_features

__all__ = ["HiddenClusterer"]

DEFAULT_CLUSTERS = 64
# With n_clusters=None, a cluster has at least this many rows on average.
ROWS_A_CLUSTER = 50
# A whole number is exact in float32 up to here.
MAX_FLOAT32_LABEL = 2**24


class HiddenClusterer(
    SummaryMixin, FitMetadataMixin, ClusterMixin, TransformerMixin, BaseEstimator
):
    """Cluster individuals by what is expected of them, or by their hidden representation.

    Clusters of the hidden representation H are the second step of HRC [1]_. A
    cluster later shares an arm, or is split between arms.

    The metric is ours. At a shadow price of the budget an individual loses by any arm but
    the one with the largest expected response less its priced cost. `metric="regret"` takes
    what all arms lose, at prices that spend small to large budgets, as coordinates. A cluster
    chooses at each price the arm that its members regret least together, and each individual
    belongs to the cluster whose choices lose it least. So those share a cluster who should
    get the same arm whatever the budget.

    Parameters
    ----------
    n_clusters : int, default=None
        Number of clusters; None is 64, or fewer on few rows. "regret" finds fewer where further
        ones would tell nothing apart: see `n_clusters_`.
    metric : {"regret", "decision", "euclidean", "effects"}, default="regret"
        What is clustered. "regret": expected outcomes, by what a shared choice of arms loses.
        The others are k-means. "euclidean": H as it is, the closest to the paper. "effects":
        directions of effects, `F / |F|` with `F` the expected effects of all arms on response
        and cost, against the mean over the arms and in units of their mean size; individuals
        count by `|F|`. "decision": these directions as H tells them, by a regression
        on H and random features `max(0, H a + b)` of it. All but "euclidean" need expected
        outcomes in `X` and `treatment` in `fit`. See `metric_`.
    objective : int, str, list or dict, default=None
        What the response is, as in :class:`ClusterBudgetAllocator`.
    arm_cost : array-like of shape (n_treatments,), Series or dict, default=None
        Known price of each arm per individual, as in
        :class:`ClusterBudgetAllocator`. It takes the place of the expected cost.
    outcomes : bool, default=True
        The last columns of `X` are expected outcomes, arms x tasks, as
        :class:`MultiTaskRepresenter` appends them, after those by which its
        networks deviate from their mean. All these are passed on, and H is what stands before
        them. Without `treatment` in `fit`, or with False, all columns are H.
    random_state : int, RandomState instance or None, default=None
        Initial centres, random features, and the rows that are enough to find clusters of
        least regret where there are more.

    Attributes
    ----------
    n_clusters_ : int
        Number of clusters. With "regret" there is one where all individuals lose the same.
    metric_ : str
        The metric in use. It is "euclidean" where no outcomes are expected, where
        arms do not differ in any, and for "decision" where there are too few
        rows for a regression. Where arms do not differ in cost, the response
        decides alone.
    cluster_centers_ : ndarray of shape (n_clusters, n_coordinates)
        Centres in the coordinates of the metric, in the dtype of the `X` of `fit`: regrets of
        the arms at the first price, then at the next; H; or directions, effects on response, then
        on cost.
    labels_ : ndarray of shape (n_samples,)
        Cluster of each row of `fit`, as `predict` gives it.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if `X` has string names.

    See Also
    --------
    MultiTaskRepresenter : Makes the representation.
    ClusterBudgetAllocator : Chooses an arm for every cluster.

    References
    ----------
    .. [1] Hidden Representation Clustering for marketing budget allocation,
       `arXiv:2506.00959 <https://arxiv.org/abs/2506.00959>`_.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hrc import HiddenClusterer
    >>> X = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> clusterer = HiddenClusterer(n_clusters=2, random_state=0).fit(X)
    >>> bool(clusterer.labels_[0] == clusterer.labels_[1] != clusterer.labels_[2])
    True
    >>> clusterer.transform(X).shape  # the label, then the columns of X
    (4, 2)
    """

    _parameter_constraints: dict = {
        "n_clusters": [None, Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions({"regret", "decision", "euclidean", "effects"})],
        "objective": [None, Integral, str, list, dict],
        "arm_cost": [None, dict, "array-like"],
        "outcomes": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        metric: Literal["regret", "decision", "euclidean", "effects"] = "regret",
        objective: int | str | list[Any] | dict[Any, float] | None = None,
        arm_cost: ArrayLike | dict[Any, float] | None = None,
        outcomes: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.objective = objective
        self.arm_cost = arm_cost
        self.outcomes = outcomes
        self.random_state = random_state

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        treatment: ArrayLike | None = None,
        cost: ArrayLike | None = None,
        propensity: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Find the clusters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
            Hidden representation, then, if `outcomes=True`, deviations of
            networks, which may be missing, and the expected outcomes.
        y : array-like of shape (n_samples,) or (n_samples, n_outcomes), default=None
            Outcomes. With `treatment` and `cost` they tell how many columns of
            `X` are expected outcomes.
        treatment : array-like of shape (n_samples,), default=None
            Received arm.
        cost : array-like of shape (n_samples,), default=None
            Realised cost of the received arm.
        propensity : array-like of shape (n_samples,), default=None
            Probability of the received arm. Checked only: a cluster has the
            size that it has, whatever its members received.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows.
        groups : array-like of shape (n_samples,), default=None
            Label of the group of each row, as in :class:`MultiTaskRepresenter`. Checked only.

        Returns
        -------
        self : HiddenClusterer
            Fitted clusterer.
        """
        aligned_with = {"X": X, "groups": groups}
        X = check_features(self, X)
        arrays = (y, treatment, cost, propensity, sample_weight)
        check_groups(groups, len(X))
        sample_weight, outcomes = self._check_rows(X, aligned_with, *arrays)
        weighted = sample_weight > 0
        n_clusters = resolve_n_clusters(self.n_clusters, int(weighted.sum()))
        if X.dtype == np.float32 and n_clusters > MAX_FLOAT32_LABEL:
            raise ValueError(
                f"n_clusters is expected to be at most {MAX_FLOAT32_LABEL} for float32 X, "
                f"whose labels are not exact above, got {n_clusters}."
            )
        # Rows without weight would take part in the choice of the first centres.
        rows = X if weighted.all() else X[weighted]
        rng = check_random_state(self.random_state)
        self._clustering = find_clusters(
            rows, outcomes, self.metric, n_clusters, sample_weight[weighted], rng
        )
        self.metric_, self.cluster_centers_ = self._clustering.metric, self._clustering.centres
        self.n_clusters_ = len(self.cluster_centers_)
        self.labels_ = cluster_of(X, self._clustering)
        return self

    def fit_predict(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        treatment: ArrayLike | None = None,
        cost: ArrayLike | None = None,
        propensity: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> NDArray[np.integer]:
        """Find the clusters and return the cluster of each row.

        Parameters
        ----------
        X, y, treatment, cost, propensity, sample_weight, groups : array-like
            As in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Cluster of each row.
        """
        # ClusterMixin's own drops y, which tells where the outcomes are.
        return self.fit(
            X,
            y,
            treatment=treatment,
            cost=cost,
            propensity=propensity,
            sample_weight=sample_weight,
            groups=groups,
        ).labels_

    def predict(self, X: ArrayLike) -> NDArray[np.integer]:
        """Return the cluster of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
            Columns as in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Clusters, from 0 to `n_clusters_ - 1`.
        """
        return cluster_of(self._check_columns(X), self._clustering)

    def transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Put the cluster before the columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
            Columns as in `fit`.

        Returns
        -------
        Z : ndarray of shape (n_samples, 1 + n_columns)
            `[cluster | X]`, in the dtype of `X`.
        """
        X = self._check_columns(X)
        return np.column_stack([cluster_of(X, self._clustering).astype(X.dtype), X])

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name the columns of `transform`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of `X`. By default those seen in `fit`.

        Returns
        -------
        names : ndarray of shape (1 + n_columns,), object
            `cluster`, then the names of the columns.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        return np.concatenate([np.array(["cluster"], dtype=object), names])

    def __sklearn_tags__(self) -> Tags:
        """Tags: floats are preserved, the first centres are random."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.non_deterministic = self.random_state is None
        return tags

    def _summary(self) -> Summary:
        sizes = np.bincount(self.labels_, minlength=self.n_clusters_)
        low, middle, high = map(number, (sizes.min(), np.median(sizes), sizes.max()))
        facts = [
            ("clusters", number(self.n_clusters_)),
            ("metric", self.metric_),
            ("rows of a cluster", f"{low} to {high}, median {middle}"),
        ]
        return Summary(f"clusters {self.n_clusters_}", [Table(facts)])

    def _check_rows(self, X, aligned_with, y, treatment, cost, propensity, sample_weight):
        """Check the experiment, and return the weights and where outcomes are expected."""
        if y is None and treatment is not None and self.outcomes:
            raise ValueError(
                "y is expected along with treatment, since both tell which columns of X are "
                "expected outcomes; set outcomes=False to cluster all columns."
            )
        # An ordinary clusterer ignores y, whatever it is.
        ignored = y is None or treatment is None
        experiment = check_experiment(
            np.zeros(len(X)) if ignored else y,
            treatment=treatment,
            cost=cost,
            propensity=propensity,
            sample_weight=sample_weight,
            n_samples=len(X),
            aligned_with=aligned_with,
        )
        outcomes = Columns(X.shape[1]), None, None
        if self.outcomes and treatment is not None:
            outcomes = self._find_outcomes(X, experiment)
        return experiment.sample_weight, outcomes

    def _find_outcomes(self, X, experiment):
        """Return the layout of X, the coefficients of response and cost, and known prices."""
        columns = find_columns(X, experiment)
        n_hidden, n_networks, n_treatments, n_tasks = columns
        if n_hidden < 1:
            blocks = f" and of deviations of {n_networks} networks" if n_networks else ""
            raise ValueError(
                f"X is expected to have more than {columns.n_predicted} columns "
                f"({n_treatments} arms x {n_tasks} tasks of expected outcomes{blocks} "
                f"after the hidden representation), got {X.shape[1]}; set outcomes=False "
                "to cluster all columns."
            )
        objective = resolve_objective(self.objective, experiment.outcome_names)
        coefficients = to_response_and_cost(objective)[:, :n_tasks]
        ordered = experiment.order is not None
        prices = resolve_arm_cost(self.arm_cost, experiment.treatments, ordered=ordered)
        return columns, coefficients, prices

    def _check_columns(self, X):
        check_is_fitted(self)
        return check_features(self, X, reset=False)


def resolve_n_clusters(n_clusters, n_rows):
    """Return the number of clusters, or raise where there are fewer rows."""
    if n_clusters is None:
        return int(np.clip(n_rows // ROWS_A_CLUSTER, 1, DEFAULT_CLUSTERS))
    if n_clusters > n_rows:
        raise ValueError(
            f"n_clusters is expected to be at most the number of rows with weight, "
            f"n_samples={n_rows}, got {n_clusters}."
        )
    return int(n_clusters)
