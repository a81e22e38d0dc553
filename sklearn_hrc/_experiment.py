"""The rows of an experiment, checked once where they come in from the user."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from sklearn_hrc._labels import (
    check_groups,
    check_labels,
    check_length,
    check_treatments,
    find_labels,
    label_order,
    of_one_type,
    unseen_labels,
)
from sklearn_hrc._tables import check_aligned, check_columns, check_container, names_of_columns

__all__ = [
    "Experiment",
    "as_numbers",
    "check_experiment",
    "check_groups",
    "check_labels",
    "check_row_values",
    "of_one_type",
    "restore_on_error",
    "take_rows",
    "unseen_labels",
]

Method = TypeVar("Method", bound=Callable[..., Any])


class Experiment(NamedTuple):
    """Checked rows of an experiment, as plain arrays.

    Attributes
    ----------
    outcomes : ndarray of shape (n_samples, n_outcomes), float64
        Columns of `y`.
    outcome_names : list of str
        Names of the columns.
    arm : ndarray of shape (n_samples,), intp
        Index into `treatments` of the arm that each row received.
    treatments : ndarray of shape (n_treatments,)
        Treatment labels, sorted or in the given order. `[0]` if no treatment was given.
    cost : ndarray of shape (n_samples,), float64, or None
        Realised cost of the received arm.
    propensity : ndarray of shape (n_samples,), float64, or None
        Probability of the received arm.
    sample_weight : ndarray of shape (n_samples,), float64
        Weights, ones if none were given.
    order : ndarray of shape (n_categories,) or None
        Categories of an ordered Categorical, in whose order the treatments stand.
    """

    outcomes: np.ndarray
    outcome_names: list
    arm: np.ndarray
    treatments: np.ndarray
    cost: np.ndarray | None
    propensity: np.ndarray | None
    sample_weight: np.ndarray
    order: np.ndarray | None = None


def check_experiment(
    y,
    *,
    treatment,
    cost,
    propensity,
    sample_weight,
    n_samples,
    known_treatments=None,
    min_treatments=2,
    aligned_with=None,
):
    """Check the rows of an experiment against each other.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
        Outcomes.
    treatment, cost, propensity, sample_weight : array-like of shape (n_samples,) or None
        As in every `fit` of the package.
    n_samples : int
        Number of rows of `X`.
    known_treatments : ndarray of shape (n_treatments,), default=None
        Labels of an earlier fit. With these, `treatment` may hold no other labels, and the arms
        are numbered as in that fit.
    min_treatments : int, default=2
        Least number of different labels of a given `treatment`.
    aligned_with : dict, default=None
        Other inputs with the same rows, by the name of the parameter: `X` as it was
        given, with its index, and `groups`.

    Returns
    -------
    experiment : Experiment
        The checked arrays.
    """
    given = {"y": y, "treatment": treatment, "cost": cost, "propensity": propensity}
    check_aligned({**(aligned_with or {}), **given, "sample_weight": sample_weight})
    outcomes, outcome_names = check_outcomes(y, n_samples)
    labels = order = None
    if treatment is None:
        treatments = np.zeros(1, dtype=np.int64) if known_treatments is None else known_treatments
        arm = np.zeros(n_samples, dtype=np.intp)
    else:
        labels, order = check_labels(treatment, n_samples), label_order(treatment)
        treatments = check_treatments(labels, known_treatments, min_treatments, order)
        arm = find_labels(labels, treatments).astype(np.intp, copy=False)
    experiment = Experiment(
        outcomes=outcomes,
        outcome_names=outcome_names,
        arm=arm,
        treatments=treatments,
        cost=check_row_values(cost, "cost", n_samples, labels),
        propensity=check_propensity(propensity, n_samples),
        sample_weight=check_sample_weight(sample_weight, n_samples),
        order=order,
    )
    _check_squares(experiment)
    return experiment


def take_rows(experiment, rows):
    """Return the rows of an experiment that an index or mask selects."""
    per_row = ("outcomes", "arm", "cost", "propensity", "sample_weight")
    taken = {
        name: value[rows]
        for name, value in experiment._asdict().items()
        if name in per_row and value is not None
    }
    return experiment._replace(**taken)


def check_outcomes(y, n_samples):
    """Return `y` as a float64 matrix and the names of its columns."""
    check_columns(y, "y")
    names = names_of_columns(y)
    if names is None and getattr(y, "name", None) is not None:
        names = [str(y.name)]
    if y is None:
        # scikit-learn's own words for a missing target
        raise ValueError("An experiment requires y to be passed, but the target y is None.")
    outcomes = _read_numbers(y, "y")
    if outcomes.ndim not in (1, 2) or 0 in outcomes.shape[1:]:
        raise ValueError(
            "y is expected to be a vector or a matrix with at least one column, got an array "
            f"of shape {outcomes.shape}."
        )
    check_length(outcomes, "y", n_samples)
    _check_finite(outcomes, "y", "row")
    outcomes = outcomes.reshape(n_samples, -1)
    if names is None:
        names = default_names(outcomes.shape[1])
    return outcomes, [str(name) for name in names]


def default_names(n_outcomes):
    """Return names for outcomes that came without names."""
    return ["y"] if n_outcomes == 1 else [f"y{j}" for j in range(n_outcomes)]


def as_numbers(values, name):
    """Return finite float64 numbers. A string is refused, even if it reads like a number."""
    numbers = _read_numbers(values, name)
    _check_finite(numbers, name, "entry")
    return numbers


def check_row_values(values, name, n_samples, labels=None):
    """Return a float64 vector with one finite value for each row, or None.

    With the labels of the arms of the rows an error names the arm.
    """
    if values is None:
        return None
    values = _read_numbers(values, name)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"{name} is expected to be one-dimensional, got an array of shape {values.shape}."
        )
    check_length(values, name, n_samples)
    _check_finite(values, name, "row", labels)
    return values


def check_propensity(propensity, n_samples):
    """Return the probabilities of the received arms, or None."""
    propensity = check_row_values(propensity, "propensity", n_samples)
    if propensity is not None and not ((propensity > 0) & (propensity <= 1)).all():
        raise ValueError(
            f"propensity is expected to be in (0, 1], got values from {propensity.min():g} "
            f"to {propensity.max():g}."
        )
    return propensity


def check_sample_weight(sample_weight, n_samples):
    """Return weights that are not negative and not all zero, or ones for None."""
    sample_weight = check_row_values(sample_weight, "sample_weight", n_samples)
    if sample_weight is None:
        return np.ones(n_samples)
    if (sample_weight < 0).any():
        raise ValueError(
            f"sample_weight is expected to be non-negative, got {sample_weight.min():g}."
        )
    if not sample_weight.sum() > 0:
        raise ValueError("sample_weight is expected to have a positive total, got zero.")
    return sample_weight


def restore_on_error(method: Method) -> Method:
    """Leave an estimator as it was if one of its methods raises.

    `validate_data` and `fit` set attributes early. A failed call must not turn
    a fitted estimator into half of another one.
    """

    @functools.wraps(method)
    def restoring(self, *args, **kwargs):
        before = dict(vars(self))
        try:
            return method(self, *args, **kwargs)
        # An interrupt must restore the estimator, too.
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return cast(Method, restoring)


def _read_numbers(values, name):
    check_container(values, name)
    array = np.asarray(values)
    if array.dtype.kind == "c":
        # The first words are scikit-learn's.
        raise ValueError(f"Complex data not supported: {name} is expected to be real.")
    if array.dtype.kind not in "biufO":
        raise ValueError(f"{name} is expected to be numeric, got values of type {array.dtype}.")
    if array.dtype.kind == "O":
        for value in array.flat:
            if isinstance(value, str) or not hasattr(value, "__float__"):
                kind = type(value).__name__
                raise ValueError(f"{name} is expected to be numeric, got {value!s} of type {kind}.")
    return array.astype(np.float64)


def _check_finite(numbers, name, item, labels=None):
    """Refuse numbers that are not finite, or have no finite sum."""
    bad = np.atleast_1d(~np.isfinite(numbers))
    if bad.any():
        first = int(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))
        place = f"the first in {item} {first}"
        if labels is not None:
            place += f", of the arm {labels[first].item()!r}"
        if name == "cost":
            place += "; give 0 where the arm costs nothing"
        raise ValueError(
            f"{name} is expected to be finite, got NaN or infinity in {bad.sum()} of {bad.size} "
            f"values, {place}."
        )
    with np.errstate(over="ignore"):
        total = np.abs(numbers).sum()
    if not np.isfinite(total):
        raise ValueError(
            f"{name} is expected to have a finite sum in float64, got values up to "
            f"{np.abs(numbers).max():g}; divide them all by a constant."
        )


def _check_squares(experiment):
    """Refuse numbers whose weighted sums of squares overflow, since statistics need these sums."""
    with np.errstate(over="ignore", invalid="ignore"):
        weight = experiment.sample_weight
        squares = {"sample_weight": weight @ weight}
        if experiment.propensity is not None:
            weight = weight / experiment.propensity
            squares["sample_weight / propensity"] = weight @ weight
        squares["y"] = weight @ np.square(experiment.outcomes)
        if experiment.cost is not None:
            squares["cost"] = weight @ np.square(experiment.cost)
    for name, total in squares.items():
        if not np.isfinite(total).all():
            advice = "give larger propensities" if "/" in name else "divide it by a constant"
            raise ValueError(
                f"{name} is expected to have a finite sum of squares in float64, got values that "
                f"are too large; {advice}."
            )
