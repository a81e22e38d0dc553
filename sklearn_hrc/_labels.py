"""Labels of treatments and groups: their checks, their order and their places."""

from collections.abc import Mapping

import numpy as np

from sklearn_hrc._tables import check_container, is_pandas

__all__ = [
    "as_labelled",
    "check_exact",
    "check_groups",
    "check_labels",
    "check_length",
    "check_treatments",
    "common_order",
    "find_labels",
    "label_order",
    "of_one_type",
    "unite_labels",
    "unseen_labels",
]


def check_labels(treatment, n_samples, name="treatment"):
    """Return treatment labels as an array of one sortable type without gaps."""
    check_container(treatment, name)
    labels = np.asarray(treatment)
    if labels.dtype.kind in "US" and not hasattr(treatment, "dtype"):
        # numpy makes strings of numbers and NaNs in a list, so keep the given objects.
        labels = np.asarray(treatment, dtype=object)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(
            f"{name} is expected to be one-dimensional, got an array of shape {labels.shape}."
        )
    check_length(labels, name, n_samples)
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
    """Return groups as numbers 0, 1, ..., or None if there are none."""
    if groups is None:
        return None
    return np.unique(check_labels(groups, n_samples, "groups"), return_inverse=True)[1]


def check_treatments(labels, known_treatments, min_treatments, order=None):
    """Return the treatments that occur, in their order, or check labels against known ones.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        From `check_labels`.
    known_treatments : ndarray of shape (n_treatments,) or None
        Labels of an earlier fit, in their order.
    min_treatments : int
        Least number of different labels if none are known.
    order : ndarray of shape (n_categories,), default=None
        From `label_order`. With None the labels are sorted.

    Returns
    -------
    treatments : ndarray of shape (n_treatments,)
        Labels.
    """
    treatments = np.unique(labels)
    if known_treatments is None:
        if len(treatments) < min_treatments:
            raise ValueError(
                f"treatment is expected to have at least two different labels, got only "
                f"{treatments.tolist()[0]!r}; leave treatment=None for an experiment with one arm."
            )
        check_exact(treatments, "treatment")
        return treatments if order is None else _sorted_by(treatments, order)
    unseen = unseen_labels(treatments, known_treatments)
    if len(unseen):
        raise ValueError(
            f"treatment is expected to hold labels seen in fit, {known_treatments.tolist()}, "
            f"got {unseen.tolist()}."
        )
    return known_treatments


def check_exact(labels, name):
    """Refuse labels so large that floats do not tell neighbours apart."""
    if labels.dtype.kind not in "iuf":
        return
    dtype = labels.dtype if labels.dtype.kind == "f" else np.dtype(np.float64)
    # Whole numbers are exact up to this limit, and the next number is rounded to it.
    limit = 2 ** (np.finfo(dtype).nmant + 1)
    for label in (labels.max(), labels.min()):
        if not -limit < label < limit:
            advice = "smaller numbers" if dtype == np.float64 else "float64"
            raise ValueError(
                f"{name} is expected to have labels of at most {limit - 1} in {dtype}, which is "
                f"not exact above, got {label:.0f}; use {advice}."
            )


def label_order(treatment):
    """Return the categories of an ordered pandas Categorical, None for anything else."""
    if is_pandas(treatment) and treatment.ndim == 2 and treatment.shape[1] == 1:
        treatment = treatment.iloc[:, 0]
    dtype = getattr(treatment, "dtype", None)
    if not getattr(dtype, "ordered", False):
        return None
    categories = np.asarray(dtype.categories)
    return check_labels(categories, len(categories))


def common_order(first, second):
    """Return the longer of two orders if it holds the shorter in the same order, else None."""
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    place = find_labels(shorter, longer)
    return longer if (place >= 0).all() and (np.diff(place) > 0).all() else None


def find_labels(labels, known):
    """Return the place of each label among known labels in any order, or -1."""
    if not of_one_type(labels, known):
        return np.full(len(labels), -1)
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known, labels, sorter=order)
    place[place == len(known)] = 0
    found = order[place]
    return np.where(known[found] == labels, found, -1)


def unite_labels(first, second, order=None):
    """Return the labels of both arguments, sorted or in an order that holds all of them."""
    united = np.union1d(first, second)
    return united if order is None else _sorted_by(united, order)


def unseen_labels(labels, known):
    """Return the labels that are not known. A number never equals a string."""
    return np.unique(labels[find_labels(labels, known) < 0])


def of_one_type(labels, known):
    """Tell whether two arrays of labels can be compared, as numpy takes 5 and "5" for equal."""
    return (labels.dtype.kind in "US") == (known.dtype.kind in "US")


def as_labelled(values, treatments, name, *, ordered):
    """Return values of arms as a mapping by label, or None if they come by position.

    Parameters
    ----------
    values : mapping, Series or array-like
        Value of a parameter.
    treatments : ndarray of shape (n_treatments,)
        Labels.
    name : str
        Name of the parameter, for errors.
    ordered : bool
        Whether an ordered Categorical gave the order of the treatments.

    Returns
    -------
    labelled : mapping or None
        Values by label.
    """
    if isinstance(values, Mapping):
        return values
    if is_pandas(values) and values.ndim == 1:
        labels = values.index.tolist()
        if len(set(labels)) < len(labels):
            raise ValueError(f"{name} is expected to have every label once, got {labels}.")
        return dict(zip(labels, values.tolist()))
    if treatments.dtype.kind in "US" and len(treatments) > 1 and not ordered:
        raise ValueError(
            f"{name} is expected to be a dict or a Series by label where treatments are strings, "
            f"{treatments.tolist()}, got values without labels; or give treatment as an ordered "
            "Categorical, whose order is theirs."
        )
    return None


def check_length(values, name, n_samples):
    """Refuse arrays without exactly one entry for each row."""
    if len(values) != n_samples:
        raise ValueError(
            f"{name} is expected to have one entry for each of the {n_samples} rows, "
            f"got {len(values)}."
        )


def _sorted_by(labels, order):
    return labels[np.argsort(find_labels(labels, order))]


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
    # numpy would make a matrix of tuples, or fail.
    sequences = any(isinstance(label, tuple | list | np.ndarray) for label in labels)
    converted = labels if sequences else np.array(labels.tolist())
    if converted.dtype.kind not in "biufmM" or any(isinstance(label, str) for label in labels):
        raise ValueError(
            f"{name} is expected to hold labels of one sortable type, got {', '.join(kinds)}."
        )
    return converted
