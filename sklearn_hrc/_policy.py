"""What every policy does: predict, predict at several budgets, score, and sum itself up."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._allocator_rows import held_out_rows
from sklearn_hrc._assignment import arms_of_members
from sklearn_hrc._html import Summary, SummaryMixin, Table, number
from sklearn_hrc._labels import check_groups
from sklearn_hrc._metadata import PolicyMetadataMixin
from sklearn_hrc.metrics._curves import arm_means, realised_curve
from sklearn_hrc.metrics._evaluation_rows import evaluation_rows

__all__ = ["ClusterPolicyMixin", "PolicyMixin", "policy_summary", "score_budgets"]

SCORE_BUDGETS = 20


class PolicyMixin(PolicyMetadataMixin):
    """Methods of an estimator with a `_fitted_allocator`, which keeps the plan in use.

    It has three methods more: `_check_unchanged()` refuses parameters that a new plan would
    pass over. `_check_X(X)` checks what comes in and returns a matrix.
    `_codes(X, assignments)` gives, for such a matrix, the arm of each row by each assignment of
    the allocator, as indices of shape (n_assignments, n_samples).
    """

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Choose an arm for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Columns as in `fit`.

        Returns
        -------
        arms : ndarray of shape (n_samples,)
            Treatment labels, the same in every batch and process. Rows that are alike get the
            same arm. Policies of clusters give the rows of `fit` what was planned for them, and
            decide by covariates in a cluster that is split.
        """
        check_is_fitted(self)
        allocator = self._fitted_allocator
        assignment = allocator._in_use.assignment
        return allocator.treatments_[self._codes(self._check_X(X), [assignment])[0]]

    def predict_budgets(self, X: ArrayLike, budgets: ArrayLike) -> NDArray[Any]:
        """Choose an arm for each row at several budgets. The policy stays as it is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Columns as in `fit`.
        budgets : array-like of shape (n_budgets,)
            Mean costs per individual.

        Returns
        -------
        arms : ndarray of shape (n_budgets, n_samples)
            Treatment labels.
        """
        check_is_fitted(self)
        self._check_unchanged()
        allocator = self._fitted_allocator
        X = self._check_X(X)
        assignments = [allocator._assign(budget) for budget in np.ravel(budgets).tolist()]
        if not assignments:
            return np.empty((0, len(X)), dtype=allocator.treatments_.dtype)
        return allocator.treatments_[self._codes(X, assignments)]

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        treatment: ArrayLike | None = None,
        cost: ArrayLike | None = None,
        propensity: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> float:
        """Return the area under the realised budget curve, on held-out rows.

        The policy is solved at 20 equally spaced budgets up to the largest
        mean cost of an arm. Its gain over control at its *realised* spend,
        both by Hajek weights, is averaged over spends, so that overspending is
        not rewarded. See :func:`sklearn_hrc.metrics.budget_curve`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Columns as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
            Outcomes. Columns are matched by name where they have names.
        treatment : array-like of shape (n_samples,), default=None
            Received arm. Every arm of `fit` must occur.
        cost : array-like of shape (n_samples,), default=None
            Realised cost of the received arm. Not needed with `arm_cost`.
        propensity : array-like of shape (n_samples,), default=None
            Probability of the received arm. By default the share of its rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows.
        groups : array-like of shape (n_samples,), default=None
            Checked only: the area does not depend on which rows belong together.

        Returns
        -------
        score : float
            Mean gain in response per individual; 0 with one arm.
        """
        check_is_fitted(self)
        self._check_unchanged()
        allocator = self._fitted_allocator
        aligned_with = {"X": X, "groups": groups}
        X = self._check_X(X)
        check_groups(groups, len(X))
        rows = (y, treatment, cost, propensity, sample_weight)
        experiment = held_out_rows(allocator, len(X), *rows, aligned_with=aligned_with)
        if len(allocator.treatments_) == 1:
            return 0.0
        budgets = score_budgets(allocator, experiment)
        assignments = [allocator._assign(budget) for budget in budgets]
        codes = self._codes(X, assignments)
        return realised_curve(codes, _evaluation_rows(allocator, experiment)).area


class ClusterPolicyMixin(SummaryMixin, PolicyMixin):
    """A policy whose allocator is a :class:`ClusterBudgetAllocator`.

    Its method `_locate(X)` gives, for a checked matrix, the index of the cluster of each row and
    the columns that tell members of a cluster apart.
    """

    def _summary(self) -> Summary:
        return policy_summary(self._fitted_allocator)

    def _codes(self, X, assignments):
        """Arm of each row by each assignment, as indices, (n_assignments, n_samples)."""
        allocator = self._fitted_allocator
        cluster, columns = self._locate(X)
        return arms_of_members(
            cluster, columns, assignments, allocator._direction, allocator._control
        )


def score_budgets(allocator, experiment):
    """Return equal budgets up to the largest mean cost of an arm on held-out rows.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Fitted.
    experiment : Experiment
        From `held_out_rows`.

    Returns
    -------
    budgets : ndarray of shape (SCORE_BUDGETS,)
        Mean costs per individual, none below the cheapest plan.
    """
    mean_cost = arm_means(_evaluation_rows(allocator, experiment))[:, 1]
    budgets = np.linspace(mean_cost[allocator._control], max(mean_cost), SCORE_BUDGETS + 1)[1:]
    return np.maximum(budgets, allocator._cheapest_budget())


def policy_summary(allocator):
    """Summarise the allocation in use.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Fitted.

    Returns
    -------
    summary : Summary
        Budget, spend and response, facts of the programme, and arms.
    """
    population = allocator.allocation_.sum()
    # Nothing is gained exactly where everyone gets control, without an error of rounding.
    effect = allocator.response_ - allocator.response_[:, [allocator._control]]
    gain = (allocator.allocation_ * effect).sum() / population
    amounts = {
        "budget": allocator.budget_,
        "expected spend": allocator.expected_cost_,
        "expected response": allocator.expected_response_,
        "gain over control": gain,
    }
    facts = {
        "clusters": number(len(allocator.clusters_)),
        "shadow price": number(allocator.shadow_price_),
        "programme": allocator.status_,
    }
    return Summary(
        f"clusters {len(allocator.clusters_)}, budget {number(allocator.budget_)} "
        f"({number(allocator.budget_ * population)} in all), "
        f"spend {number(allocator.expected_cost_)}, gain {number(gain)}",
        [
            Table(
                [(name, number(x), number(x * population)) for name, x in amounts.items()],
                ("", "per individual", "in all"),
            ),
            Table(list(facts.items())),
            _arm_table(allocator),
        ],
    )


def _evaluation_rows(allocator, experiment):
    values = np.column_stack([experiment.outcomes[:, 0], experiment.cost])
    return evaluation_rows(experiment, values, control=allocator._control)


def _arm_table(allocator):
    """Share of the individuals of each arm, and what one of them is expected to cost."""
    members = allocator.allocation_.sum(axis=0)
    costs = (allocator.allocation_ * allocator.cost_).sum(axis=0)
    rows = [
        (
            str(arm),
            f"{100 * count / members.sum():.1f} %",
            number(cost / count) if count else "",
        )
        for arm, count, cost in zip(allocator.treatments_, members, costs)
    ]
    return Table(rows, ("arm", "individuals", "mean spend"))
