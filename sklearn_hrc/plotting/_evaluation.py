"""The numbers of a budget curve, from a fitted policy or its assignments."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_hrc._allocator_rows import held_out_rows
from sklearn_hrc._experiment import default_names
from sklearn_hrc._policy import PolicyMixin, score_budgets
from sklearn_hrc._tables import check_aligned
from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.goals import Profit
from sklearn_hrc.metrics import best_single_arm, budget_curve

__all__ = ["assign_arms", "check_confidence", "column_name", "evaluate_arms"]

REFERENCE_POINTS = 201


def check_confidence(confidence):
    """Raise where the level of a band is neither None nor in (0, 1)."""
    if confidence is None or (isinstance(confidence, Real) and 0 < confidence < 1):
        return
    raise ValueError(f"confidence is expected to be None or in (0, 1), got {confidence!r}.")


def column_name(y):
    """Return the name of a series or of the only column of a frame, or None."""
    names = getattr(y, "columns", [getattr(y, "name", None)])
    return str(names[0]) if len(names) == 1 and names[0] is not None else None


def assign_arms(estimator, X, y, budgets, treatment, cost, propensity, sample_weight, groups):
    """Let a fitted policy choose arms for held-out rows.

    Parameters
    ----------
    estimator : estimator
        A fitted policy, or a pipeline, search or frozen estimator of one.
    X, y : array-like
        Held-out rows.
    budgets : array-like of shape (n_budgets,) or None
        Mean costs per individual. None is what `score` uses.
    treatment, cost, propensity, sample_weight : array-like
        As in `score`.
    groups : array-like of shape (n_samples,) or None
        Labels of rows that belong together. They are checked against the order of the other rows.

    Returns
    -------
    values : dict
        Keywords of `BudgetCurveDisplay.from_predictions`, without `ax` and the keywords
        of artists.

    Raises
    ------
    ValueError
        If rows of pandas have the same index in another order.
    """
    steps, policy = unwrap_policy(estimator, PolicyMixin)
    check_is_fitted(policy)
    allocator = policy._fitted_allocator
    if len(allocator.treatments_) == 1:
        raise ValueError(
            "estimator is expected to choose between several treatments, got a policy with one."
        )
    rows = (y, treatment, cost, propensity, sample_weight)
    given = {"X": X, "groups": groups}
    experiment = held_out_rows(allocator, _num_samples(X), *rows, aligned_with=given)
    if budgets is None:
        budgets = score_budgets(allocator, experiment)
    Z = transform_through(steps, X)
    return {
        "arms": policy.predict_budgets(Z, budgets),
        "y": experiment.outcomes[:, 0],
        "treatment": allocator.treatments_[experiment.arm],
        "cost": experiment.cost,
        "control": allocator.control_,
        "propensity": experiment.propensity,
        "sample_weight": experiment.sample_weight,
        "groups": groups,
        "budgets": budgets,
        "current": policy.predict(Z),
        "current_budget": allocator.budget_,
        "shadow_price": _price_in_response(allocator),
        "name": type(policy).__name__,
        "response_name": objective_name(allocator),
    }


def evaluate_arms(arms, y, current, rows, groups):
    """Compute the arrays of a display.

    Parameters
    ----------
    arms : array-like of shape (n_budgets, n_samples)
        Arm of each row at each budget.
    y : array-like of shape (n_samples,)
        Response.
    current : array-like of shape (n_samples,) or None
        Arm of each row at the current budget.
    rows : dict
        Arguments that `budget_curve` and `best_single_arm` share.
    groups : array-like of shape (n_samples,) or None
        Labels of rows that belong together.

    Returns
    -------
    values : dict
        Keywords of `BudgetCurveDisplay`.
    """
    # A series of current arms becomes a row of arms, and a row has no index to compare.
    check_aligned({"y": y, **rows, "groups": groups, "current": current})
    curve = budget_curve(arms, y, groups=groups, **rows)
    values = {name: curve[name] for name in ("spend", "gain", "spend_se", "gain_se", "area")}
    spend = np.linspace(0.0, max(curve.max_spend, 0.0), REFERENCE_POINTS)
    values["reference_spend"] = spend
    values["reference_gain"] = best_single_arm(spend, y, **rows).gain
    if current is not None:
        point = budget_curve(np.asarray(current)[None], y, **rows)
        values["current_spend"] = float(point.spend[0])
        values["current_gain"] = float(point.gain[0])
    return values


def objective_name(allocator):
    """Return the name of the outcome that is the response.

    None where the response is a sum of outcomes, or its outcome has no name.
    """
    names = allocator.outcome_names_
    chosen = np.flatnonzero(allocator._objective)
    if len(chosen) != 1 or names == default_names(len(names)):
        return None
    return names[chosen[0]] if allocator._objective[chosen[0]] == 1 else None


def _price_in_response(allocator):
    """The shadow price, None where it is money that a unit of budget buys, not response."""
    is_money = isinstance(getattr(allocator, "goal", None), Profit)
    return None if is_money else allocator.shadow_price_
