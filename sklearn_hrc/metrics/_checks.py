"""Checks of what measures share: the rows, the control, and where curves are read."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import _safe_indexing, check_array
from sklearn.utils.validation import _num_samples

from sklearn_hrc._compat import Interval, StrOptions
from sklearn_hrc._experiment import as_numbers, check_experiment, check_labels, take_rows
from sklearn_hrc._labels import find_labels
from sklearn_hrc._parameters import resolve_arm_cost
from sklearn_hrc._propensity import warn_of_propensity
from sklearn_hrc.metrics._cross_fit import cross_fit_outcomes
from sklearn_hrc.metrics._evaluation_rows import evaluation_rows
from sklearn_hrc.metrics._weighting import METHODS

__all__ = [
    "CURVE_ROWS",
    "ESTIMATION",
    "INTERVALS",
    "ROWS",
    "check_cost_sources",
    "check_curve_rows",
    "check_one_outcome",
    "check_rows",
    "check_spend",
    "count_rows",
    "place_of_control",
]

# Constraints of the parameters that measures share.
ROWS = {
    "y": ["array-like"],
    "treatment": ["array-like"],
    "cost": ["array-like", None],
    "arm_cost": [dict, "array-like", None],
    "propensity": ["array-like", None],
    "sample_weight": ["array-like", None],
}
CURVE_ROWS = {**ROWS, "control": "no_validation"}
ESTIMATION = {
    "method": [StrOptions(set(METHODS))],
    "X": "no_validation",
    "outcomes": ["array-like", None],
    "groups": ["array-like", None],
    "random_state": ["random_state"],
}
INTERVALS = {
    "interval": [StrOptions({"normal", "bootstrap"})],
    "confidence": [Interval(Real, 0, 1, closed="neither")],
    "n_resamples": [Interval(Integral, 2, None, closed="left")],
}


def check_rows(
    policies=None,
    *,
    y,
    treatment,
    cost=None,
    arm_cost=None,
    propensity=None,
    sample_weight=None,
    method="hajek",
    X=None,
    outcomes=None,
    groups=None,
    random_state=None,
    needs_cost=False,
):
    """Check the rows of an evaluation, and fit the outcome model of the doubly robust form.

    Parameters
    ----------
    policies : dict, default=None
        Policies with an entry for each row, by the name of their parameter. The first one, or
        else `y`, says how many rows there are.
    y, treatment, cost, arm_cost, propensity, sample_weight : array-like
        As in `policy_value`.
    method, X, outcomes, groups, random_state : str, array-like and RandomState
        As in `policy_value`.
    needs_cost : bool, default=False
        Whether `cost` or `arm_cost` must be given.

    Returns
    -------
    rows : EvaluationRows
        The rows of positive weight, without a control.
    """
    policies = policies or {}
    name, first = next(iter({**policies, "y": y}.items()))
    n_samples = count_rows(first, name)
    if not n_samples:
        raise ValueError("y is expected to have at least one row, got none.")
    check_cost_sources(cost, arm_cost, needs_cost)
    experiment = check_experiment(
        y,
        treatment=treatment,
        cost=cost,
        propensity=propensity,
        sample_weight=sample_weight,
        n_samples=n_samples,
        aligned_with={**policies, "X": X, "groups": groups},
    )
    kept = experiment.sample_weight > 0
    unit = None if groups is None else _check_units(groups, kept)
    _check_sources(method, X, outcomes)
    price = resolve_arm_cost(arm_cost, experiment.treatments, ordered=experiment.order is not None)
    values = experiment.outcomes
    if cost is not None:
        values = np.column_stack([values, experiment.cost])
    if outcomes is not None:
        outcomes = _check_outcomes(outcomes, experiment, values)[kept]
    experiment, values = take_rows(experiment, kept), values[kept]
    warn_of_propensity(experiment, unit)
    rows = evaluation_rows(
        experiment, values, method=method, expected=outcomes, unit=unit, price=price, kept=kept
    )
    return rows if X is None else rows._replace(expected=_fit_outcomes(X, rows, random_state))


def check_curve_rows(*, control, **given):
    """Check the rows of a curve: one response, a cost, and a control with rows.

    The other parameters are those of `check_rows`, by name.
    """
    rows = check_rows(**given, needs_cost=True)
    check_one_outcome(rows.experiment)
    labels = rows.experiment.treatments[rows.arms].tolist()
    return rows._replace(control=int(rows.arms[place_of_control(control, labels)]))


def count_rows(values, name):
    """Return the number of rows of an array. A set or a dict has none."""
    shape = np.shape(values)
    if not shape:
        raise ValueError(
            f"{name} is expected to be an array with an entry for each row, got a "
            f"{type(values).__name__}."
        )
    return shape[0]


def check_one_outcome(experiment):
    """Raise where the response is not one column."""
    if experiment.outcomes.shape[1] != 1:
        raise ValueError(f"y is expected to have one column, got {experiment.outcomes.shape[1]}.")


def place_of_control(control, labels):
    """Return the place of the control in a list of labels."""
    if control not in labels:
        raise ValueError(
            f"control is expected to be one of the treatments {labels}, got {control!r}."
        )
    return labels.index(control)


def check_spend(spend, name="spend"):
    """Return the spends at which a curve is read, (n_points,)."""
    spend = check_array(spend, dtype=np.float64, ensure_2d=False, input_name=name)
    if spend.ndim != 1:
        raise ValueError(f"{name} is expected to be one-dimensional, got shape {spend.shape}.")
    if (spend < 0).any():
        raise ValueError(f"{name} is expected to be non-negative, got {spend.min():g}.")
    return spend


def check_cost_sources(cost, arm_cost, needs_cost):
    """Raise where costs are both observed and known, or missing but needed."""
    if cost is not None and arm_cost is not None:
        raise ValueError(
            "arm_cost is expected to be None where cost is given, got both; give the known "
            "prices, or the observed costs."
        )
    if needs_cost and cost is None and arm_cost is None:
        raise ValueError(
            "cost is expected to be given, with the observed costs, or arm_cost, with known "
            "prices, got neither."
        )


def _check_units(groups, kept):
    """Return the index of the group of each row that is kept, (n_kept,)."""
    labels = check_labels(groups, len(kept), "groups")
    names, unit = np.unique(labels[kept], return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            "groups is expected to have at least two different labels, got only "
            f"{names.tolist()[0]!r}."
        )
    return unit


def _check_sources(method, X, outcomes):
    """The doubly robust form has one source of expected outcomes, other forms have none."""
    given = [name for name, value in (("X", X), ("outcomes", outcomes)) if value is not None]
    if method == "doubly-robust" and len(given) != 1:
        got = "both" if given else "neither"
        raise ValueError(
            "method='doubly-robust' is expected with either X, to fit expected outcomes, or "
            f"outcomes, got {got}."
        )
    if method != "doubly-robust" and given:
        raise ValueError(
            f"{given[0]} is expected to be None unless method is 'doubly-robust', got it with "
            f"method={method!r}."
        )


def _check_outcomes(outcomes, experiment, values):
    """Return expected outcomes, (n_samples, n_treatments, n_columns)."""
    outcomes = as_numbers(outcomes, "outcomes")
    shape = (len(values), len(experiment.treatments), values.shape[1])
    if outcomes.shape == shape[:2] and shape[2] == 1:
        return outcomes[..., None]
    if outcomes.shape != shape:
        raise ValueError(
            "outcomes is expected to have a column for each outcome and, last, for cost if it is "
            f"given, so the shape {shape}, got {outcomes.shape}."
        )
    return outcomes


def _fit_outcomes(X, rows, random_state):
    """Return expected outcomes of the rows, (n_samples, n_treatments, n_columns)."""
    if _num_samples(X) != len(rows.kept):
        raise ValueError(
            f"X is expected to have one row for each of the {len(rows.kept)} rows, "
            f"got {_num_samples(X)}."
        )
    arm, treatments = rows.experiment.arm, rows.experiment.treatments
    unit = np.arange(len(arm)) if rows.unit is None else rows.unit
    count = [len(np.unique(unit[arm == j])) for j in range(len(treatments))]
    if min(count) < 2:
        what = "rows of positive weight" if rows.unit is None else "groups of positive weight"
        raise ValueError(
            f"treatment is expected to have at least two {what} of every label where X is given, "
            f"got {min(count)} of {treatments.tolist()[int(np.argmin(count))]!r}."
        )
    by_label = cross_fit_outcomes(
        _safe_indexing(X, np.flatnonzero(rows.kept)),
        rows.values,
        treatment=treatments[arm],
        cv=min(5, *count),
        groups=rows.unit,
        random_state=random_state,
    )
    # `cross_fit_outcomes` sorts the labels. An ordered Categorical has an order of its own.
    return by_label[:, find_labels(treatments, np.sort(treatments))]
