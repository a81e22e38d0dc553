"""Parameters of the allocator against the data: what the defaults and names mean."""

from numbers import Integral, Real

import numpy as np

from sklearn_hrc._experiment import as_numbers, default_names
from sklearn_hrc._labels import as_labelled
from sklearn_hrc.budgets import UncertainBudget

__all__ = [
    "align_outcomes",
    "as_finite",
    "check_budget",
    "outcome_index",
    "resolve_arm_cost",
    "resolve_control",
    "resolve_estimation",
    "resolve_objective",
    "resolve_parameters",
]


def as_finite(value, name):
    """Return a parameter as a finite float."""
    try:
        number = float(value) if isinstance(value, Real) else np.nan
    except OverflowError:  # a whole number that is too large
        number = np.inf
    if not np.isfinite(number):
        raise ValueError(f"{name} is expected to be a finite number, got {value!r:.60}.")
    return number


def check_budget(budget):
    """Refuse a budget that is neither None nor finite nor an UncertainBudget."""
    if isinstance(budget, Real):
        as_finite(budget, "budget")
    elif budget is not None and not isinstance(budget, UncertainBudget):
        raise ValueError(
            "budget is expected to be a number, None, or an UncertainBudget of several, got "
            f"{budget!r}."
        )


def resolve_parameters(allocator, treatments, outcome_names, *, ordered=False):
    """Resolve what does not depend on the columns, and check the budget.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Its parameters, whether it is fitted or not.
    treatments : ndarray of shape (n_treatments,)
        Labels.
    outcome_names : list of str
        Columns of `y`.
    ordered : bool, default=False
        An ordered Categorical said the order of the treatments.

    Returns
    -------
    control : int
        Index of the control.
    arm_cost : ndarray of shape (n_treatments,) or None
        Price of each arm.
    objective : ndarray of shape (n_outcomes,)
        Weight of each outcome.
    """
    check_budget(allocator.budget)
    return (
        resolve_control(allocator.control, treatments),
        resolve_arm_cost(allocator.arm_cost, treatments, ordered=ordered),
        resolve_objective(allocator.objective, outcome_names),
    )


def resolve_control(control, treatments):
    """Return the index of the control among the treatments."""
    if control is None:
        # Of numbers in an order of their own nobody knows whether the first or the least is meant.
        if len(treatments) == 1 or (treatments.dtype.kind in "biuf" and not treatments.argmin()):
            return 0
        raise ValueError(
            "control is expected to name the control where treatments are no rising numbers, "
            f"one of {treatments.tolist()}, got None."
        )
    place = [i for i, label in enumerate(treatments.tolist()) if label == control]
    if not place:
        raise ValueError(
            f"control is expected to be one of the treatments {treatments.tolist()}, "
            f"got {control!r}."
        )
    return place[0]


def resolve_arm_cost(arm_cost, treatments, *, ordered=False):
    """Return the price of each arm as a vector in the order of the treatments, or None."""
    if arm_cost is None:
        return None
    by_label = as_labelled(arm_cost, treatments, "arm_cost", ordered=ordered)
    if by_label is not None:
        labels = treatments.tolist()
        unknown = [label for label in by_label if label not in labels]
        missing = [label for label in labels if label not in by_label]
        if unknown or missing:
            got = [f"none for {missing}"] * bool(missing) + [f"unknown {unknown}"] * bool(unknown)
            raise ValueError(
                f"arm_cost is expected to have a price for each of the treatments {labels}, "
                f"got {' and '.join(got)}."
            )
        arm_cost = [by_label[label] for label in labels]
    prices = as_numbers(arm_cost, "arm_cost")
    if prices.shape != (len(treatments),):
        raise ValueError(
            f"arm_cost is expected to have {len(treatments)} entries, one for each treatment, "
            f"got an array of shape {prices.shape}."
        )
    return prices


def resolve_objective(objective, outcome_names):
    """Return the weight of each outcome in the response."""
    weights = np.zeros(len(outcome_names))
    if objective is None:
        objective = 0
    if isinstance(objective, (Integral, str)):
        objective = [objective]
    if not len(objective):
        raise ValueError(f"objective is expected to name a column of y, got {objective!r}.")
    is_dict = isinstance(objective, dict)
    for name in objective:
        weight = objective[name] if is_dict else 1.0
        if not isinstance(weight, Real) or not np.isfinite(weight):
            raise ValueError(f"objective is expected to have finite weights, got {objective!r}.")
        weights[outcome_index(name, outcome_names, "objective")] += weight
    return weights


def resolve_estimation(estimation, n_covariates, n_treatments, n_tasks):
    """Return how cells are estimated, and check that the columns can serve it.

    Parameters
    ----------
    estimation : str
        The parameter.
    n_covariates : int
        Columns after the label.
    n_treatments, n_tasks : int
        Arms, and outcomes plus one if a cost was given.

    Returns
    -------
    estimation : {"outcomes", "pooled", "raw"}
        Resolved.
    """
    if estimation == "auto":
        estimation = "outcomes" if n_covariates else "pooled"
    needed = n_treatments * n_tasks
    if estimation == "outcomes" and n_covariates < needed:
        raise ValueError(
            f"X is expected to end in {needed} columns of expected outcomes ({n_treatments} arms "
            f"x {n_tasks} tasks) for estimation='outcomes', got {n_covariates} columns after the "
            "label; use estimation='pooled' or estimation='raw' for other covariates."
        )
    return estimation


def align_outcomes(experiment, outcome_names):
    """Order the columns of `y` as in an earlier fit: by name, or by place without names."""
    names = experiment.outcome_names
    if len(names) == len(outcome_names):
        if set(names) == set(outcome_names):
            columns = [names.index(name) for name in outcome_names]
            return experiment._replace(
                outcomes=experiment.outcomes[:, columns], outcome_names=list(outcome_names)
            )
        if default_names(len(names)) in (names, list(outcome_names)):
            return experiment._replace(outcome_names=list(outcome_names))
    raise ValueError(
        f"y is expected to have the columns {list(outcome_names)} of fit, got {names}."
    )


def outcome_index(name, outcome_names, parameter):
    """Return the column of `y` that a parameter names, or gives the index of."""
    if isinstance(name, Integral) and -len(outcome_names) <= name < len(outcome_names):
        return name
    if name in outcome_names:
        return outcome_names.index(name)
    raise ValueError(
        f"{parameter} is expected to name columns of y, {outcome_names}, or their indices, "
        f"got {name!r}."
    )
