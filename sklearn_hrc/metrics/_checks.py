"""The rows that policies are evaluated on, checked once for every measure."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import _safe_indexing, check_array
from sklearn.utils.validation import _num_samples

from sklearn_hrc._compat import Interval, StrOptions
from sklearn_hrc._experiment import as_numbers, check_experiment, check_labels, take_rows
from sklearn_hrc._labels import find_labels
from sklearn_hrc._parameters import resolve_arm_cost
from sklearn_hrc._propensity import check_inverse_propensity
from sklearn_hrc.metrics._cross_fit import cross_fit_outcomes
from sklearn_hrc.metrics._curves import arms_with_weight
from sklearn_hrc.metrics._weighting import METHODS, evaluation_rows

__all__ = [
    "CURVE_ROWS",
    "ESTIMATION",
    "INTERVALS",
    "ROWS",
    "check_control",
    "check_cost_sources",
    "check_rows",
    "check_spend",
    "count_rows",
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
    n_samples,
    y,
    treatment,
    cost,
    propensity,
    sample_weight,
    method="hajek",
    X=None,
    outcomes=None,
    groups=None,
    random_state=None,
    *,
    arm_cost=None,
    needs_cost=False,
    aligned_with=None,
):
    """Check rows, and fit the outcome model of the doubly robust form.

    Parameters
    ----------
    n_samples : int
        Rows that policies were given for.
    y, treatment, cost, propensity, sample_weight : array-like
        As in `policy_value`.
    method, X, outcomes, groups : str and array-like
        As in `policy_value`.
    random_state : RandomState, default=None
        Draws the folds of the model.
    arm_cost : dict or array-like, default=None
        As in `policy_value`.
    needs_cost : bool, default=False
        Whether one of `cost` and `arm_cost` must be given.
    aligned_with : dict, default=None
        Policies as they were given, by the name of the parameter.

    Returns
    -------
    rows : EvaluationRows
        The rows of positive weight: others have no part in any measure.
    kept : ndarray of shape (n_samples,), bool
        Which these are.
    """
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
        aligned_with={**(aligned_with or {}), "X": X, "groups": groups},
    )
    kept = experiment.sample_weight > 0
    unit = None if groups is None else _check_units(groups, kept)
    _check_sources(method, X, outcomes)
    values = experiment.outcomes
    if cost is not None:
        values = np.column_stack([values, experiment.cost])
    ordered = experiment.order is not None
    price = resolve_arm_cost(arm_cost, experiment.treatments, ordered=ordered)
    if outcomes is not None:
        outcomes = _check_outcomes(outcomes, (len(kept), len(experiment.treatments)), values)[kept]
    experiment, values = take_rows(experiment, kept), values[kept]
    check_inverse_propensity(
        experiment.arm,
        experiment.treatments,
        experiment.propensity,
        experiment.sample_weight,
        unit,
    )
    if X is not None:
        outcomes = _fit_outcomes(X, kept, values, experiment, unit, random_state)
    return evaluation_rows(experiment, values, method, outcomes, unit, price), kept


def count_rows(values, name):
    """Return the number of rows of what has an entry for each; a set or a dict has none."""
    shape = np.shape(values)
    if not shape:
        raise ValueError(
            f"{name} is expected to be an array with an entry for each row, got a "
            f"{type(values).__name__}."
        )
    return shape[0]


def check_control(rows, control):
    """Return the index of the control; the response is expected to be one column."""
    experiment = rows.experiment
    if experiment.outcomes.shape[1] != 1:
        raise ValueError(f"y is expected to have one column, got {experiment.outcomes.shape[1]}.")
    arms = arms_with_weight(experiment)
    labels = experiment.treatments[arms].tolist()
    baseline = [arm for arm, label in zip(arms, labels) if label == control]
    if not baseline:
        raise ValueError(
            f"control is expected to be one of the treatments {labels}, got {control!r}."
        )
    return int(baseline[0])


def check_spend(spend, name="spend"):
    """Return spends at which curves are read, (n_points,)."""
    spend = check_array(spend, dtype=np.float64, ensure_2d=False, input_name=name)
    if spend.ndim != 1:
        raise ValueError(f"{name} is expected to be one-dimensional, got shape {spend.shape}.")
    if (spend < 0).any():
        raise ValueError(f"{name} is expected to be non-negative, got {spend.min():g}.")
    return spend


def _check_units(groups, kept):
    labels = check_labels(groups, len(kept), "groups")
    names, unit = np.unique(labels[kept], return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            "groups is expected to have at least two different labels, got only "
            f"{names.tolist()[0]!r}."
        )
    return unit


def check_cost_sources(cost, arm_cost, needs_cost):
    """Costs are observed or known, not both."""
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


def _check_sources(method, X, outcomes):
    """The doubly robust form has one source of expected outcomes, other forms none."""
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


def _check_outcomes(outcomes, shape, values):
    """Return expected outcomes as (n_samples, n_treatments, n_columns)."""
    outcomes = as_numbers(outcomes, "outcomes")
    n_columns = values.shape[1]
    if outcomes.shape == shape and n_columns == 1:
        return outcomes[..., None]
    if outcomes.shape != (*shape, n_columns):
        raise ValueError(
            "outcomes is expected to have a column for each outcome and, last, for cost if it is "
            f"given, so the shape {(*shape, n_columns)}, got {outcomes.shape}."
        )
    return outcomes


def _fit_outcomes(X, kept, values, experiment, unit, random_state):
    if _num_samples(X) != len(kept):
        raise ValueError(
            f"X is expected to have one row for each of the {len(kept)} rows, "
            f"got {_num_samples(X)}."
        )
    treatments = experiment.treatments
    units = np.arange(len(values)) if unit is None else unit
    count = [len(np.unique(units[experiment.arm == arm])) for arm in range(len(treatments))]
    if min(count) < 2:
        what = "rows of positive weight" if unit is None else "groups of positive weight"
        raise ValueError(
            f"treatment is expected to have at least two {what} of every label where X is given, "
            f"got {min(count)} of {treatments.tolist()[int(np.argmin(count))]!r}."
        )
    by_label = cross_fit_outcomes(
        _safe_indexing(X, np.flatnonzero(kept)),
        values,
        treatment=treatments[experiment.arm],
        cv=min(5, *count),
        groups=unit,
        random_state=random_state,
    )
    # It sorts the labels, which may stand in an order of their own.
    return by_label[:, find_labels(treatments, np.sort(treatments))]
