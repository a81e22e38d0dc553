"""What an evaluation is asked for, checked before anything is fitted."""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import _num_samples

from sklearn_hrc._allocator import ClusterBudgetAllocator
from sklearn_hrc._allocator_rows import first_rows
from sklearn_hrc._distiller import DistilledAllocator
from sklearn_hrc._experiment import Experiment, as_numbers
from sklearn_hrc._labels import check_groups
from sklearn_hrc._parameters import as_finite, resolve_parameters
from sklearn_hrc._problem import check_parameters
from sklearn_hrc._unwrap import is_search, unwrap_policy
from sklearn_hrc.exceptions import BudgetError
from sklearn_hrc.metrics._folds import check_folds

__all__ = ["EvaluationSetting", "check_evaluation"]

N_BUDGETS = 10


class EvaluationSetting(NamedTuple):
    """Checked rows, and what the policy makes of them.

    Attributes
    ----------
    experiment : Experiment
        All rows.
    response : ndarray of shape (n_samples,)
        What the objective of the policy makes of the outcomes.
    response_name : str
        Name of the response.
    rows : dict
        `treatment`, `propensity`, `sample_weight` and `groups`, as metrics take them. Arms are
        numbered, since labels may be long and are compared again and again.
    control : int
        Index of control.
    prices : dict or None
        Known prices by number of the arm.
    folds : list of (ndarray, ndarray)
        Training and test parts.
    budgets : ndarray of shape (n_budgets,)
        Budgets of the curve.
    """

    experiment: Experiment
    response: np.ndarray
    response_name: str
    rows: dict[str, Any]
    control: int
    prices: dict[int, float] | None
    folds: list
    budgets: np.ndarray


def check_evaluation(policy, X, y, given, *, budget, budgets, cv, random_state):
    """Check the parameters of `evaluate`, and draw the folds.

    Parameters
    ----------
    policy, X, y, budget, budgets, cv, random_state : estimator, array-like and so on
        As in `evaluate`.
    given : dict
        Arrays with an entry for each row, or None, by the names of `evaluate`.

    Returns
    -------
    setting : EvaluationSetting
        What the evaluation works with.
    """
    allocator = _allocator_of(policy)
    names = ("treatment", "cost", "propensity", "sample_weight")
    has_prices = allocator.arm_cost is not None
    experiment = first_rows(
        *(_num_samples(X), y, *(given[name] for name in names)),
        has_prices=has_prices,
        aligned_with={"X": X, "groups": given["groups"]},
    )
    groups = check_groups(given["groups"], _num_samples(X))
    if not is_search(policy):
        check_parameters(allocator, experiment)
    control, prices, objective = resolve_parameters(
        allocator,
        experiment.treatments,
        experiment.outcome_names,
        ordered=experiment.order is not None,
    )
    _check_counts(experiment, groups, cv)
    return EvaluationSetting(
        experiment,
        experiment.outcomes @ objective,
        _name(objective, experiment.outcome_names, hasattr(y, "columns") or hasattr(y, "name")),
        {
            "treatment": experiment.arm,
            "propensity": experiment.propensity,
            "sample_weight": experiment.sample_weight,
            "groups": groups,
        },
        control,
        None if prices is None else dict(enumerate(prices.tolist())),
        check_folds(cv, experiment, groups, random_state),
        _curve_budgets(experiment, prices, control, budget, budgets),
    )


def _allocator_of(policy):
    """Return the allocator whose parameters say what the response and the control are."""
    _, last = unwrap_policy(policy, name="policy")
    if not isinstance(last, DistilledAllocator):
        return last
    if last.estimator is None:
        return ClusterBudgetAllocator()
    return unwrap_policy(last.estimator, ClusterBudgetAllocator)[1]


def _check_counts(experiment, groups, cv):
    """Raise where an integer number of folds is more than the rows of an arm, or the groups."""
    cv = 5 if cv is None else cv
    if not isinstance(cv, Integral):
        return
    if groups is not None and groups.max() + 1 < cv:
        raise ValueError(
            f"groups is expected to have at least as many labels as there are folds, {cv}, got "
            f"{groups.max() + 1}; lower cv."
        )
    weighted = experiment.sample_weight > 0
    count = np.bincount(experiment.arm[weighted], minlength=len(experiment.treatments))
    if count.min() < cv:
        label = experiment.treatments.tolist()[int(count.argmin())]
        raise ValueError(
            f"treatment is expected to have at least as many rows of every arm as there are "
            f"folds, {cv}, got {count.min()} of {label!r}; lower cv, or leave this arm out."
        )


def _curve_budgets(experiment, prices, control, budget, budgets):
    """Return the budgets of the curve, and check that of the plan."""
    cost = experiment.cost if prices is None else prices[experiment.arm]
    if budget is not None:
        _check_reach("budget", as_finite(budget, "budget"), cost)
    if budgets is None:
        return _default_budgets(experiment, cost, control)
    budgets = _check_budgets(budgets)
    _check_reach("budgets", budgets.min(), cost)
    return budgets


def _check_budgets(budgets):
    """Return the budgets of the curve in rising order, each once."""
    budgets = as_numbers(budgets, "budgets")
    if budgets.ndim != 1 or not len(budgets):
        raise ValueError(
            f"budgets is expected to hold at least one number, got the shape {budgets.shape}."
        )
    return np.unique(budgets)


def _check_reach(name, budget, cost):
    """Raise where a budget is below what every row costs, so that no policy can keep it."""
    if budget < cost.min():
        raise BudgetError(
            f"{name} is expected to be at least the smallest cost of a row, {cost.min():g}, got "
            f"{budget:g}; budgets are mean costs per individual."
        )


def _default_budgets(experiment, cost, control):
    """Return equal steps from the mean cost of control to that of the dearest arm."""
    weight = experiment.sample_weight
    if experiment.propensity is not None:
        weight = weight / experiment.propensity
    n_arms = len(experiment.treatments)
    means = np.bincount(experiment.arm, weight * cost, n_arms)
    means /= np.bincount(experiment.arm, weight, n_arms)
    if not means.max() > means[control]:
        return means[[control]]
    return np.linspace(means[control], means.max(), N_BUDGETS + 1)[1:]


def _name(objective, outcome_names, has_names):
    """Return the name of a single outcome that is the response, or "response"."""
    (used,) = np.nonzero(objective)
    return outcome_names[used[0]] if has_names and len(used) == 1 else "response"
