"""The rows that policies are evaluated on, checked once for every measure."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import _safe_indexing, check_array
from sklearn.utils.validation import _num_samples

from sklearn_hrc._compat import Interval, StrOptions
from sklearn_hrc._validation import (
    as_numbers,
    check_experiment,
    check_labels,
    take_rows,
    unseen_labels,
)
from sklearn_hrc._warning import warn
from sklearn_hrc.exceptions import OverlapWarning
from sklearn_hrc.metrics._curves import arms_with_weight
from sklearn_hrc.metrics._estimators import METHODS, evaluation_rows, match_weights
from sklearn_hrc.metrics._outcomes import cross_fit_outcomes

__all__ = [
    "CURVE_ROWS",
    "ESTIMATION",
    "INTERVALS",
    "ROWS",
    "check_budgets",
    "check_control",
    "check_given",
    "check_rows",
    "check_spend",
    "index_arms",
]

# What so few rows would do matters to no value, and often none of them matches by chance.
_NEGLIGIBLE_SHARE = 0.01
# Constraints of the parameters that measures share.
ROWS = {
    "y": ["array-like"],
    "treatment": ["array-like"],
    "cost": ["array-like", None],
    "propensity": ["array-like", None],
    "sample_weight": ["array-like", None],
}
CURVE_ROWS = {**ROWS, "cost": ["array-like"], "control": "no_validation"}
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

    Returns
    -------
    rows : EvaluationRows
        The rows of positive weight: others have no part in any measure.
    kept : ndarray of shape (n_samples,), bool
        Which these are.
    """
    experiment = check_experiment(
        y,
        treatment=treatment,
        cost=cost,
        propensity=propensity,
        sample_weight=sample_weight,
        n_samples=n_samples,
    )
    kept = experiment.sample_weight > 0
    unit = None if groups is None else _check_units(groups, kept)
    _check_sources(method, X, outcomes)
    values = experiment.outcomes
    if cost is not None:
        values = np.column_stack([values, experiment.cost])
    if outcomes is not None:
        outcomes = _check_outcomes(outcomes, (len(kept), len(experiment.treatments)), values)[kept]
    experiment, values = take_rows(experiment, kept), values[kept]
    if X is not None:
        outcomes = _fit_outcomes(X, kept, values, experiment, unit, random_state)
    return evaluation_rows(experiment, values, method, outcomes, unit), kept


def index_arms(arms, rows, kept, name="arms"):
    """Return the index of the arm that a policy gives to each row that counts.

    Parameters
    ----------
    arms : array-like of shape (n_samples,)
        Labels.
    rows : EvaluationRows
        From `check_rows`.
    kept : ndarray of shape (n_samples,), bool
        From `check_rows`.
    name : str, default="arms"
        What errors call the labels.

    Returns
    -------
    given : ndarray of shape (n_kept,), int
        Index into the treatments.
    """
    treatments = rows.experiment.treatments
    labels = check_labels(arms, len(kept), name)
    lacking = unseen_labels(labels, treatments)
    if len(lacking):
        raise ValueError(
            f"{name} is expected to hold labels of treatment, {treatments.tolist()}, "
            f"got {lacking.tolist()}, which no row received."
        )
    return np.searchsorted(treatments, labels[kept])


def check_given(arms, rows, kept, name="arms"):
    """Return what `index_arms` does, for a policy that rows speak of.

    Raises ValueError where no row received the arm that it is given, and warns with
    OverlapWarning where this is so for one of the arms and more than a few rows.
    """
    given = index_arms(arms, rows, kept, name)
    match_weights(given, rows, name)
    without = np.setdiff1d(given, given[given == rows.experiment.arm])
    share = np.average(np.isin(given, without), weights=rows.experiment.sample_weight)
    if share > _NEGLIGIBLE_SHARE:
        warn(
            f"{name} gives {rows.experiment.treatments[without].tolist()} to {share:.2g} of the "
            "rows, and none of these received it: the experiment says nothing about that part of "
            "the policy.",
            OverlapWarning,
        )
    return given


def check_budgets(arms, rows, kept, name):
    """Return what `check_given` does for each budget, (n_budgets, n_kept)."""
    arms = np.asarray(arms)
    if arms.ndim != 2 or not len(arms):
        raise ValueError(
            f"{name} is expected to have the shape (n_budgets, n_samples), got {arms.shape}."
        )
    return np.stack([check_given(row, rows, kept, name) for row in arms])


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


def check_spend(spend):
    """Return spends at which curves are read, (n_points,)."""
    spend = check_array(spend, dtype=np.float64, ensure_2d=False, input_name="spend")
    if spend.ndim != 1:
        raise ValueError(f"spend is expected to be one-dimensional, got shape {spend.shape}.")
    if (spend < 0).any():
        raise ValueError(f"spend is expected to be non-negative, got {spend.min():g}.")
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
    return cross_fit_outcomes(
        _safe_indexing(X, np.flatnonzero(kept)),
        values,
        treatment=treatments[experiment.arm],
        cv=min(5, *count),
        groups=unit,
        random_state=random_state,
    )
