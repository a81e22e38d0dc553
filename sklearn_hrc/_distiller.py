"""A policy distilled into one multi-class model for serving."""

import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Self

import numpy as np
import sklearn
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch, Tags, check_array, check_random_state
from sklearn.utils.validation import _num_samples, check_is_fitted, validate_data

from sklearn_hrc._allocator import ClusterBudgetAllocator
from sklearn_hrc._allocator_rows import first_rows
from sklearn_hrc._changes import FIT_PARAMETERS, PLAN_PARAMETERS, fingerprints
from sklearn_hrc._clusterer import HiddenClusterer
from sklearn_hrc._compat import Interval, fit_context
from sklearn_hrc._experiment import restore_on_error
from sklearn_hrc._lessons import (
    as_inputs,
    further_lessons,
    join_lessons,
    lessons_of,
    n_rows_to_make,
    rows_to_teach,
)
from sklearn_hrc._nearest_cluster import cluster_scores
from sklearn_hrc._policy import ClusterPolicyMixin
from sklearn_hrc._problem import check_parameters, check_steps
from sklearn_hrc._representer import MultiTaskRepresenter
from sklearn_hrc._student import fit_student
from sklearn_hrc._tables import columns_by_name
from sklearn_hrc._unwrap import (
    fitted_clusterer,
    is_search,
    split_preprocessing,
    transform_through,
    unwrap_policy,
)
from sklearn_hrc._warning import warn
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.exceptions import BudgetWarning, MissingTreatmentWarning
from sklearn_hrc.rules._rule import Rule

__all__ = ["DistilledAllocator"]


class DistilledAllocator(ClusterPolicyMixin, BaseEstimator):
    """Distil a policy into one classifier, and allocate on what it serves.

    The teacher, a pipeline that ends in a :class:`ClusterBudgetAllocator`, is
    fitted. A classifier, the student, learns to tell the teacher's clusters
    from the features alone. Then response and cost are estimated again on the
    clusters as the student assigns them, so that the budget holds for what is
    served. This is the last step of HRC (arXiv:2506.00959).

    Parameters
    ----------
    estimator : estimator, default=None
        The teacher: a policy pipeline, a search over one, or a
        :class:`~sklearn.frozen.FrozenEstimator` of a fitted one. None is the
        default pipeline of representer, clusterer and allocator.
    student : classifier, default=None
        Learns the clusters. It sees what the teacher's steps before the
        representer give. None is a small
        :class:`~sklearn.neural_network.MLPClassifier`. Where the teacher has a
        :class:`HiddenClusterer`, it learns the coordinates in which scores of the
        clusters are linear, and its last layer tells the highest score.
    n_mixed : int, default=None
        Rows to make for the student, each with half of its values from one row of
        `X` and each other value from a row of its own. The teacher tells their
        clusters. They count for nothing else. None is up to four for each row that
        the student has, and no more than 40,000 with those. A student that is given
        gets none by default.
    random_state : int, RandomState instance or None, default=None
        Seeds the default teacher and student, draws the rows to mix, and chooses the
        members of a split cluster that get each of its arms. A teacher or student
        that is given keeps its own.

    Attributes
    ----------
    teacher_ : estimator
        Fitted teacher.
    student_ : classifier
        Fitted student. It predicts the place of a cluster among the sorted
        labels of the teacher's clusters.
    allocator_ : ClusterBudgetAllocator
        The teacher's allocator fitted on the student's clusters.
    treatments_ : ndarray of shape (n_treatments,)
        Treatment labels, sorted or in the order of an ordered pandas Categorical.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features, if `X` has string names.

    See Also
    --------
    ClusterBudgetAllocator : What is distilled.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator, HiddenClusterer
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> experiment = make_coupon_experiment(2000, n_treatments=2, order_rate=0.3, random_state=0)
    >>> teacher = make_pipeline(
    ...     HiddenClusterer(n_clusters=4, outcomes=False, random_state=0),
    ...     ClusterBudgetAllocator(budget=0.15, estimation="pooled", random_state=0))
    >>> policy = DistilledAllocator(teacher, random_state=0).fit(
    ...     experiment.data, experiment.target,
    ...     treatment=experiment.treatment, cost=experiment.cost)
    >>> policy.allocator_.expected_cost_ <= 0.15
    True
    """

    _parameter_constraints: dict = {
        "estimator": "no_validation",
        "student": "no_validation",
        "n_mixed": [None, Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        student: BaseEstimator | None = None,
        n_mixed: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.student = student
        self.n_mixed = n_mixed
        self.random_state = random_state

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=False)
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
        X_unlabelled: ArrayLike | None = None,
    ) -> Self:
        """Fit the teacher, the student, and the allocator on the student's clusters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, as the teacher takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
            Outcomes.
        treatment : array-like of shape (n_samples,), default=None
            Received arm; None means that there is one, with a warning.
        cost : array-like of shape (n_samples,), default=None
            Realised cost of the received arm.
        propensity : array-like of shape (n_samples,), default=None
            Probability of the received arm, in (0, 1].
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows.
        groups : array-like of shape (n_samples,), default=None
            Label of the group of each row, for the teacher, as in
            :class:`MultiTaskRepresenter`.
        X_unlabelled : array-like of shape (n_unlabelled, n_features), default=None
            Further rows of which nothing but the features is known, such as those of all
            customers. The teacher tells their clusters, and the student learns from them, too.

        Returns
        -------
        self : DistilledAllocator
            Fitted policy.

        Raises
        ------
        BudgetError
            If the teacher's budget is below the cost of the cheapest
            allocation of the student's clusters.
        """
        validate_data(self, X, skip_check_array=True)
        rng = check_random_state(self.random_state)
        teacher = self._new_teacher(rng)
        steps, allocator = unwrap_policy(teacher, ClusterBudgetAllocator)
        rows = {
            "treatment": treatment,
            "cost": cost,
            "propensity": propensity,
            "sample_weight": sample_weight,
        }
        has_prices = allocator.arm_cost is not None
        beside = {"X": X, "groups": groups}
        experiment = first_rows(
            _num_samples(X), y, **rows, has_prices=has_prices, aligned_with=beside
        )
        if not is_search(teacher):  # a search may set them
            check_parameters(allocator, experiment)
            check_steps(allocator.rules, steps)
        given = {name: values for name, values in rows.items() if values is not None}
        with warnings.catch_warnings():
            # It has just been said.
            warnings.simplefilter("ignore", MissingTreatmentWarning)
            grouped = given if groups is None else {**given, "groups": groups}
            self._fit_teacher(teacher, X, y, grouped)
            self._fit_served(X, y, given, experiment.sample_weight, rng, X_unlabelled)
        self.treatments_ = self.allocator_.treatments_
        self._fitted_with = self._fingerprints()
        return self

    def set_budget(self, budget: float | UncertainBudget) -> Self:
        """Allocate another budget, without training anything.

        Parameters
        ----------
        budget : float or UncertainBudget
            Mean cost per individual.

        Returns
        -------
        self : DistilledAllocator
            With the allocation of this budget in `allocator_`.
        """
        check_is_fitted(self)
        self._check_unchanged()
        self.allocator_.set_budget(budget)
        return self

    def set_rules(self, rules: Sequence[Rule]) -> Self:
        """Allocate by other rules, without training anything.

        Parameters
        ----------
        rules : list of rules
            From :mod:`sklearn_hrc.rules`, as in :meth:`ClusterBudgetAllocator.set_rules`.

        Returns
        -------
        self : DistilledAllocator
            With the allocation by these rules in `allocator_`.
        """
        check_is_fitted(self)
        self._check_unchanged()
        check_steps(rules, self._teaching_steps)
        self.allocator_.set_rules(rules)
        return self

    def budget_curve(self, budgets: ArrayLike) -> Bunch:
        """Show what budgets buy, by the estimates of `fit`.

        Parameters
        ----------
        budgets : array-like of shape (n_budgets,)
            Mean costs per individual.

        Returns
        -------
        curve : Bunch
            As :meth:`ClusterBudgetAllocator.budget_curve`.
        """
        check_is_fitted(self)
        self._check_unchanged()
        return self.allocator_.budget_curve(budgets)

    def __sklearn_tags__(self) -> Tags:
        """Tags: a target is required and may have several columns."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.non_deterministic = self.random_state is None
        return tags

    @property
    def _fitted_allocator(self):
        return self.allocator_

    @property
    def _teaching_steps(self):
        """Steps of the teacher before its allocator."""
        return unwrap_policy(self.teacher_, ClusterBudgetAllocator)[0]

    def _fingerprints(self):
        """Tell whether the teacher's allocator is as it was, of which another one was fitted."""
        if self.estimator is None:
            return {}
        return fingerprints(
            unwrap_policy(self.estimator, ClusterBudgetAllocator)[1],
            FIT_PARAMETERS + PLAN_PARAMETERS,
        )

    def _check_unchanged(self):
        now = self._fingerprints()
        changed = [name for name in now if now[name] != self._fitted_with.get(name)]
        if changed:
            raise ValueError(
                f"{', '.join(changed)} of the teacher is expected to be as in fit, got another "
                "value: call fit again, or set the parameter of allocator_."
            )

    def _new_teacher(self, rng):
        if self.estimator is not None:
            return clone(self.estimator)
        return make_pipeline(
            MultiTaskRepresenter(random_state=rng),
            HiddenClusterer(random_state=rng),
            ClusterBudgetAllocator(random_state=rng),
        )

    def _fit_teacher(self, teacher, X, y, given):
        # The steps request these arrays themselves; so it works with routing off, too.
        with sklearn.config_context(enable_metadata_routing=True), warnings.catch_warnings():
            # The allocator that serves says it of its own plan.
            warnings.simplefilter("ignore", BudgetWarning)
            self.teacher_ = teacher.fit(X, y, **given)

    def _fit_served(self, X, y, given, weight, rng, X_unlabelled):
        """Fit the student, and the allocator on the clusters that it serves."""
        steps, allocator = unwrap_policy(self.teacher_, ClusterBudgetAllocator)
        self._preprocessing, clustering = split_preprocessing(steps)
        features = transform_through(self._preprocessing, X)
        inputs = as_inputs(features)
        # The steps know the names of features that come as a frame.
        Z = check_array(transform_through(clustering, features))
        # Labels of clusters may be any numbers.
        self._labels = np.unique(Z[weight > 0, 0])
        lessons = lessons_of(inputs, Z, self._labels, weight, clustering)
        if X_unlabelled is not None:
            lessons = self._with_further(lessons, X_unlabelled, clustering)
        lessons = self._with_mixed(lessons, X, weight, clustering, rng)
        clusterer = fitted_clusterer(clustering)
        scores = None
        if clusterer is not None:
            has_cell = self._labels.astype(int)
            scores = [each[..., has_cell] for each in cluster_scores(clusterer._clustering)]
        self.student_ = fit_student(self.student, lessons, scores, rng)
        served = np.column_stack([self._served(inputs), Z[:, 1:]])
        self.allocator_ = clone(allocator)._fit_served(served, y, inputs, rng, **given)
        if allocator._in_use.given is not None:
            # The teacher's budget of today is not its parameter.
            self.allocator_.set_budget(allocator._in_use.given)

    def _with_further(self, lessons, X, clustering):
        """Add rows of which the teacher tells the clusters."""
        weight = lessons.weight.mean()
        further = further_lessons(X, self._preprocessing, clustering, self._labels, weight)
        return join_lessons(lessons, further)

    def _with_mixed(self, lessons, X, weight, clustering, rng):
        """Add rows made of the values of several rows of fit."""
        is_default = self.student is None
        n_rows = n_rows_to_make(self.n_mixed, len(lessons.inputs), is_default=is_default)
        try:
            mixed = rows_to_teach(X, weight, n_rows, rng)
            return lessons if mixed is None else self._with_further(lessons, mixed, clustering)
        except ValueError as error:
            warn(
                "n_mixed is expected to be 0 where a step of the teacher refuses rows whose values "
                f"come from several rows, so the student goes without them, got: {error}"
            )
            return lessons

    def _inputs(self, X):
        """What the student sees: the features as preprocessed for the teacher."""
        return as_inputs(transform_through(self._preprocessing, X))

    def _served(self, inputs):
        """Cluster of each row by the student."""
        return self._labels[self.student_.predict(inputs)]

    def _check_X(self, X):
        inputs = self._inputs(X)
        # Whether further columns are a fault is for the first step to say, which has taken them.
        known = columns_by_name(X, getattr(self, "feature_names_in_", None))
        validate_data(self, known if self._preprocessing else X, skip_check_array=True, reset=False)
        return inputs

    def _rows_to_sum(self, X):
        """Checked rows with the student's clusters, and what tells members of one apart."""
        features = transform_through(self._preprocessing, X)
        clustering = split_preprocessing(self._teaching_steps)[1]
        Z = check_array(transform_through(clustering, features))
        inputs = as_inputs(features)
        return np.column_stack([self._served(inputs), Z[:, 1:]]), inputs

    def _locate(self, inputs):
        """Cluster of each row, as an index, and the columns that tell its members apart."""
        return self.allocator_._cluster_index(self._served(inputs)), inputs
