"""What comes in from the user: the rows of an experiment, checked once."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from sklearn_hrc._compat import get_feature_names

__all__ = [
    "Experiment",
    "as_numbers",
    "check_experiment",
    "check_groups",
    "of_one_type",
    "restore_on_error",
    "take_rows",
    "unseen_labels",
]

Method = TypeVar("Method", bound=Callable[..., Any])


class Experiment(NamedTuple):
    """The checked rows of an experiment, as plain arrays.

    Attributes
    ----------
    outcomes : ndarray of shape (n_samples, n_outcomes), float64
        The columns of `y`.
    outcome_names : list of str
        Their names.
    arm : ndarray of shape (n_samples,), intp
        Index into `treatments` of the arm that each row received.
    treatments : ndarray of shape (n_treatments,)
        Sorted treatment labels; `[0]` where no treatment was given.
    cost : ndarray of shape (n_samples,), float64, or None
        Realised cost of the received arm.
    propensity : ndarray of shape (n_samples,), float64, or None
        Probability of the received arm.
    sample_weight : ndarray of shape (n_samples,), float64
        Weights, ones where none were given.
    """

    outcomes: np.ndarray
    outcome_names: list
    arm: np.ndarray
    treatments: np.ndarray
    cost: np.ndarray | None
    propensity: np.ndarray | None
    sample_weight: np.ndarray


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
):
    """Check the rows of an experiment against each other.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
        Outcomes.
    treatment, cost, propensity, sample_weight : array-like of shape (n_samples,) or None
        As in every `fit` of the package.
    n_samples : int
        Rows of `X`.
    known_treatments : ndarray of shape (n_treatments,), default=None
        Sorted labels of an earlier fit. Given: `treatment` may hold no others,
        and the arms are numbered as there.
    min_treatments : int, default=2
        Different labels that a given `treatment` must have.

    Returns
    -------
    experiment : Experiment
        The checked arrays.
    """
    outcomes, outcome_names = check_outcomes(y, n_samples)
    if treatment is None:
        treatments = np.zeros(1, dtype=np.int64) if known_treatments is None else known_treatments
        arm = np.zeros(n_samples, dtype=np.intp)
    else:
        labels = check_labels(treatment, n_samples)
        treatments = check_treatments(labels, known_treatments, min_treatments)
        arm = np.searchsorted(treatments, labels).astype(np.intp, copy=False)
    return Experiment(
        outcomes=outcomes,
        outcome_names=outcome_names,
        arm=arm,
        treatments=treatments,
        cost=check_row_values(cost, "cost", n_samples),
        propensity=check_propensity(propensity, n_samples),
        sample_weight=check_sample_weight(sample_weight, n_samples),
    )


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
    names = get_feature_names(y) if hasattr(y, "columns") else None
    if names is None and getattr(y, "name", None) is not None:
        names = [str(y.name)]
    if y is None:
        # scikit-learn's own words for a missing target
        raise ValueError("An experiment requires y to be passed, but the target y is None.")
    outcomes = as_numbers(y, "y")
    if outcomes.ndim not in (1, 2) or 0 in outcomes.shape[1:]:
        raise ValueError(
            "y is expected to be a vector or a matrix with at least one column, got an array "
            f"of shape {outcomes.shape}."
        )
    _check_length(outcomes, "y", n_samples)
    outcomes = outcomes.reshape(n_samples, -1)
    if names is None:
        names = default_names(outcomes.shape[1])
    return outcomes, [str(name) for name in names]


def default_names(n_outcomes):
    """Return the names of outcomes that came without."""
    return ["y"] if n_outcomes == 1 else [f"y{j}" for j in range(n_outcomes)]


def check_labels(treatment, n_samples, name="treatment"):
    """Return treatment labels as an array of one sortable type without gaps."""
    labels = np.asarray(treatment)
    if labels.dtype.kind in "US" and not hasattr(treatment, "dtype"):
        # numpy makes strings of the numbers and NaNs in a list: look at what was given.
        labels = np.asarray(treatment, dtype=object)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(
            f"{name} is expected to be one-dimensional, got an array of shape {labels.shape}."
        )
    _check_length(labels, name, n_samples)
    missing = _missing_labels(labels)
    if missing.any():
        raise ValueError(
            f"{name} is expected to have a label in every row, got {missing.sum()} "
            f"missing, the first in row {int(np.argmax(missing))}."
        )
    if labels.dtype.kind == "O":
        labels = _labels_of_one_type(labels, name)
    return labels


def check_groups(groups, n_samples):
    """Return groups as numbers 0, 1, ...; None where there are none."""
    if groups is None:
        return None
    return np.unique(check_labels(groups, n_samples, "groups"), return_inverse=True)[1]


def check_treatments(labels, known_treatments, min_treatments):
    """Return the sorted treatments, or check labels against those known."""
    treatments = np.unique(labels)
    if known_treatments is None:
        if len(treatments) < min_treatments:
            raise ValueError(
                f"treatment is expected to have at least two different labels, got only "
                f"{treatments.tolist()[0]!r}; leave treatment=None for an experiment with one arm."
            )
        return treatments
    unseen = unseen_labels(labels, known_treatments)
    if len(unseen):
        raise ValueError(
            f"treatment is expected to hold labels seen in fit, {known_treatments.tolist()}, "
            f"got {unseen.tolist()}."
        )
    return known_treatments


def unseen_labels(labels, known):
    """Return the labels that are not among those known; a number is never a string."""
    if not of_one_type(labels, known):
        return np.unique(labels)
    return np.setdiff1d(labels, known)


def of_one_type(labels, known):
    """Tell whether two arrays of labels can be compared: numpy takes 5 and "5" for equal."""
    return (labels.dtype.kind in "US") == (known.dtype.kind in "US")


def as_numbers(values, name):
    """Return finite float64 numbers; a string is none, even if it reads like one."""
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
    numbers = array.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} is expected to be finite, got NaN or infinity.")
    return numbers


def check_row_values(values, name, n_samples):
    """Return a float64 vector with one finite value a row, or None."""
    if values is None:
        return None
    values = as_numbers(values, name)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"{name} is expected to be one-dimensional, got an array of shape {values.shape}."
        )
    _check_length(values, name, n_samples)
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
    """Return weights that are not negative and not all zero; ones for None."""
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
    """Leave an estimator as it was where one of its methods raises.

    `validate_data` and `fit` set attributes early; a failed call must not turn
    a fitted estimator into half of another one.
    """

    @functools.wraps(method)
    def restoring(self, *args, **kwargs):
        before = dict(vars(self))
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return cast(Method, restoring)


def _check_length(values, name, n_samples):
    if len(values) != n_samples:
        raise ValueError(
            f"{name} is expected to have one entry for each of the {n_samples} rows, "
            f"got {len(values)}."
        )


def _missing_labels(labels):
    if labels.dtype.kind == "f":
        return np.isnan(labels)
    if labels.dtype.kind in "mM":
        return np.isnat(labels)
    if labels.dtype.kind != "O":
        return np.zeros(len(labels), dtype=bool)
    return np.fromiter((_is_missing(label) for label in labels), dtype=bool, count=len(labels))


def _is_missing(label):
    # pandas' NA cannot be compared, and pandas is not a dependency.
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(label, float | np.generic) and label != label


def _labels_of_one_type(labels, name):
    if all(isinstance(label, str) for label in labels):
        return labels.astype(str)
    kinds = sorted({type(label).__name__ for label in labels})
    # Tuples and the like would make a matrix, or none.
    sequences = any(isinstance(label, tuple | list | np.ndarray) for label in labels)
    converted = labels if sequences else np.array(labels.tolist())
    if converted.dtype.kind not in "biufmM" or any(isinstance(label, str) for label in labels):
        raise ValueError(
            f"{name} is expected to hold labels of one sortable type, got {', '.join(kinds)}."
        )
    return converted
