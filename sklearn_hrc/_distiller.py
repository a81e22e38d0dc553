"""A policy distilled into one multi-class model for serving."""

import warnings
from collections.abc import Sequence
from typing import Self

import numpy as np
import sklearn
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch, Tags, check_array, check_random_state
from sklearn.utils.validation import _num_samples, check_is_fitted, has_fit_parameter, validate_data

from sklearn_hrc._allocator import ClusterBudgetAllocator
from sklearn_hrc._allocator_rows import first_rows
from sklearn_hrc._changes import FIT_PARAMETERS, PLAN_PARAMETERS, fingerprints
from sklearn_hrc._clusterer import HiddenClusterer
from sklearn_hrc._compat import fit_context
from sklearn_hrc._experiment import restore_on_error
from sklearn_hrc._labels import find_labels
from sklearn_hrc._policy import PolicyMixin
from sklearn_hrc._problem import check_parameters, check_steps
from sklearn_hrc._representer import MultiTaskRepresenter
from sklearn_hrc._tables import columns_by_name
from sklearn_hrc._unwrap import (
    is_search,
    split_preprocessing,
    transform_through,
    unwrap_policy,
)
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.exceptions import BudgetWarning, MissingTreatmentWarning
from sklearn_hrc.rules._rule import Rule

__all__ = ["DistilledAllocator"]


class DistilledAllocator(PolicyMixin, BaseEstimator):
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
        :class:`~sklearn.neural_network.MLPClassifier`.
    random_state : int, RandomState instance or None, default=None
        Seeds the default teacher and student, and chooses the members of a
        split cluster that get each of its arms. A teacher or student that is
        given keeps its own.

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
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        student: BaseEstimator | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.student = student
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
        inputs = _as_inputs(features)
        # The steps know the names of features that come as a frame.
        Z = check_array(transform_through(clustering, features))
        # Classifiers want 0, 1, ...; labels of clusters may be any numbers.
        self._labels, codes = np.unique(Z[:, 0], return_inverse=True)
        taught = inputs, codes, weight
        if X_unlabelled is not None:
            taught = self._with_unlabelled(clustering, X_unlabelled, *taught)
        self.student_ = self._fit_student(*taught, rng)
        served = self._served(inputs)
        served = np.column_stack([served, Z[:, 1:]])
        self.allocator_ = clone(allocator)._fit_served(served, y, inputs, rng, **given)
        if allocator._in_use.given is not None:
            # The teacher's budget of today is not its parameter.
            self.allocator_.set_budget(allocator._in_use.given)

    def _with_unlabelled(self, clustering, X, inputs, codes, weight):
        """Add rows whose clusters the teacher tells. Without a cell, a cluster has no plan."""
        features = transform_through(self._preprocessing, X)
        cluster = check_array(transform_through(clustering, features))[:, 0]
        place = find_labels(cluster, self._labels)
        known = place >= 0
        return (
            np.concatenate([inputs, _as_inputs(features)[known]]),
            np.concatenate([codes, place[known]]),
            np.concatenate([weight, np.full(known.sum(), weight.mean())]),
        )

    def _inputs(self, X):
        """What the student sees: the features as preprocessed for the teacher."""
        return _as_inputs(transform_through(self._preprocessing, X))

    def _fit_student(self, inputs, clusters, weight, rng):
        if len(np.unique(clusters)) == 1:
            return DummyClassifier().fit(inputs, clusters)
        student = default_student(len(inputs), rng) if self.student is None else clone(self.student)
        weights = {"sample_weight": weight} if has_fit_parameter(student, "sample_weight") else {}
        with warnings.catch_warnings():
            # What counts is the policy that is served, not the last digit of the student's loss.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return student.fit(inputs, clusters, **weights)

    def _served(self, inputs):
        """Cluster of each row by the student."""
        return self._labels[self.student_.predict(inputs)]

    def _check_X(self, X):
        inputs = self._inputs(X)
        # Whether further columns are a fault is for the first step to say, which has taken them.
        known = columns_by_name(X, getattr(self, "feature_names_in_", None))
        validate_data(self, known if self._preprocessing else X, skip_check_array=True, reset=False)
        return inputs

    def _locate(self, inputs):
        """Cluster of each row, as an index, and the columns that tell its members apart."""
        return self.allocator_._cluster_index(self._served(inputs)), inputs


def default_student(n_rows, random_state):
    """Return a classifier that is small to serve and quick to train."""
    # It keeps the gain of its teacher within 1 % (benchmarks/student.py). Labels softened
    # over the three nearest clusters gained 0.2 % in one run and took 1.5 times as long.
    return MLPClassifier(
        (128,),
        batch_size=min(128, n_rows),
        learning_rate_init=3e-3,
        max_iter=100,
        tol=1e-2,
        n_iter_no_change=3,
        random_state=random_state,
    )


def _as_inputs(features):
    return check_array(features, dtype=[np.float64, np.float32], input_name="X")
