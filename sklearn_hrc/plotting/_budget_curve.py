"""Figure of realised gain against realised spend."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sklearn_hrc.plotting import _artists, _evaluation
from sklearn_hrc.plotting._curve_drawing import CurveDrawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BudgetCurveDisplay"]


class BudgetCurveDisplay(CurveDrawing):
    """Gain of a policy against its spend, on held-out rows.

    The figure draws the gain in response over giving everyone the control, against
    the spend above that of the control. Both are realised and per individual. The
    band is a pointwise confidence band of the gain. The reference is the best single
    arm, given to as many individuals as the spend pays for. A ring marks the current
    budget. The slope of the short line through the ring is the shadow price, which the
    policy *expects* from a further unit of budget by the estimates of its fit. The
    curve is what was *realised*. Where the line is steeper, the policy expects too
    much, or the curve is wrong by chance. Use `from_estimator` or
    `from_predictions`, with the same `ax` to compare policies. The parameters
    are stored as they are.

    Parameters
    ----------
    spend, gain, spend_se, gain_se : ndarray of shape (n_budgets,)
        Points and standard errors from :func:`~sklearn_hrc.metrics.budget_curve`.
    area : float, default=None
        Mean gain over spends, shown in the legend.
    reference_spend, reference_gain : ndarray of shape (n_points,), default=None
        The best single arm, from :func:`~sklearn_hrc.metrics.best_single_arm`.
    current_spend, current_gain : float, default=None
        Point of the policy at its current budget.
    current_budget, shadow_price : float, default=None
        Current budget, and the response that a further unit of budget is expected to buy.
    budgets : ndarray of shape (n_budgets,), default=None
        Budgets of the points.
    confidence : float, default=0.95
        Level of the band, in (0, 1). None draws no band.
    name : str, default=None
        Name of the policy.
    response_name : str, default=None
        Name of the response.

    Attributes
    ----------
    line_ : matplotlib Line2D
        Curve through the origin and the points in the order of their spend.
    band_ : matplotlib PolyCollection or None
        Confidence band.
    reference_ : matplotlib Line2D or None
        Best single arm.
    current_ : matplotlib Line2D or None
        Ring around the current budget.
    tangent_ : matplotlib Line2D or None
        Line through the ring whose slope is the shadow price.
    ax_ : matplotlib Axes
        Axes with the curve.
    figure_ : matplotlib Figure
        Figure with the axes.

    See Also
    --------
    sklearn_hrc.metrics.budget_curve : The numbers of the curve.

    Examples
    --------
    >>> from sklearn_hrc.plotting import BudgetCurveDisplay
    >>> display = BudgetCurveDisplay.from_predictions(
    ...     [[0, 1, 0, 1], [1, 1, 1, 1]], [1.0, 2.0, 1.0, 4.0],
    ...     treatment=[0, 1, 0, 1], cost=[0.0, 1.0, 0.0, 3.0], control=0)
    >>> display.gain
    array([1., 2.])
    """

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        treatment: ArrayLike,
        cost: ArrayLike | None = None,
        propensity: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        method: str = "hajek",
        outcomes: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        budgets: ArrayLike | None = None,
        confidence: float | None = 0.95,
        name: str | None = None,
        response_name: str | None = None,
        ax: "Axes | None" = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Evaluate a fitted policy at several budgets and draw it.

        Parameters
        ----------
        estimator : estimator
            A fitted policy: :class:`~sklearn_hrc.ClusterBudgetAllocator`,
            :class:`~sklearn_hrc.DistilledAllocator`, a pipeline that ends in
            one, a search over it, or a frozen one. It does not change.
        X : array-like of shape (n_samples, n_features)
            Held-out rows, as in the `predict` of the policy.
        y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
            Outcomes of these rows, as in the `score` of the policy.
        treatment : array-like of shape (n_samples,)
            Received arm. Every arm of `fit` must occur.
        cost : array-like of shape (n_samples,), default=None
            Realised cost of the received arm, not needed with `arm_cost`.
        propensity : array-like of shape (n_samples,), default=None
            Probability of the received arm, by default the share of its rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows.
        method : str, default="hajek"
            Estimator, as in :func:`~sklearn_hrc.metrics.policy_value`.
        outcomes : array-like of shape (n_samples, n_treatments, 2), default=None
            Expected response and cost, for the doubly robust form.
        groups : array-like of shape (n_samples,), default=None
            Labels of rows that belong together, for the band.
        budgets : array-like of shape (n_budgets,), default=None
            Mean costs per individual. None stands for the budgets of `score`: 20 equally
            spaced budgets, up to the largest mean cost of an arm.
        confidence : float, default=0.95
            Level of the band, in (0, 1). None draws no band.
        name : str, default=None
            Name in the legend. None stands for the class of the policy.
        response_name : str, default=None
            Name of the response. None stands for the name of the column of `y`, if it is
            the only column in the objective.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : BudgetCurveDisplay
            Display with the computed values and the artists.

        Examples
        --------
        >>> from sklearn_hrc import ClusterBudgetAllocator
        >>> from sklearn_hrc.datasets import make_coupon_experiment
        >>> from sklearn_hrc.plotting import BudgetCurveDisplay
        >>> e = make_coupon_experiment(4000, n_treatments=3, random_state=0)
        >>> segment = (e.data[:, :1] > 1).astype(int) + 2 * (e.data[:, 1:2] > 1)
        >>> rows = {"treatment": e.treatment, "cost": e.cost}
        >>> policy = ClusterBudgetAllocator(budget=0.5).fit(segment, e.target, **rows)
        >>> display = BudgetCurveDisplay.from_estimator(policy, segment, e.target, **rows)

        Another policy on the same axes:

        >>> other = ClusterBudgetAllocator(budget=0.5).fit(segment[:, :1] % 2, e.target, **rows)
        >>> display = BudgetCurveDisplay.from_estimator(
        ...     other, segment[:, :1] % 2, e.target, **rows, name="two", ax=display.ax_)
        """
        _artists.require_matplotlib(f"{cls.__name__}.from_estimator")
        values = _evaluation.assign_arms(
            estimator, X, y, budgets, treatment, cost, propensity, sample_weight, groups
        )
        values["name"] = name or values["name"]
        values["response_name"] = response_name or values["response_name"]
        values.update(method=method, outcomes=outcomes, confidence=confidence)
        return cls.from_predictions(**values, ax=ax, **plot_kwargs)

    @classmethod
    def from_predictions(
        cls,
        arms: ArrayLike,
        y: ArrayLike,
        *,
        treatment: ArrayLike,
        cost: ArrayLike,
        control: Any,
        propensity: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        method: str = "hajek",
        outcomes: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        budgets: ArrayLike | None = None,
        current: ArrayLike | None = None,
        current_budget: float | None = None,
        shadow_price: float | None = None,
        confidence: float | None = 0.95,
        name: str | None = None,
        response_name: str | None = None,
        ax: "Axes | None" = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Evaluate assignments, one for each budget, and draw their curve.

        Parameters
        ----------
        arms : array-like of shape (n_budgets, n_samples)
            Arm of each row at each budget, from any policy.
        y, treatment, cost, control, propensity, sample_weight : array-like
            Held-out rows and the control, as in
            :func:`~sklearn_hrc.metrics.budget_curve`.
        method, outcomes, groups : str and array-like
            The estimator, as in :func:`~sklearn_hrc.metrics.budget_curve`.
        budgets : array-like of shape (n_budgets,), default=None
            Budgets, which are stored with the points.
        current : array-like of shape (n_samples,), default=None
            Arm of each row at the current budget, which is marked.
        current_budget, shadow_price : float, default=None
            Current budget, and the response that a further unit of budget is expected
            to buy. Both are shown at the mark.
        confidence : float, default=0.95
            Level of the band, in (0, 1). None draws no band.
        name : str, default=None
            Name in the legend.
        response_name : str, default=None
            Name of the response. None stands for the name of `y`, if it has one.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : BudgetCurveDisplay
            Display with the computed values and the artists.
        """
        _artists.require_matplotlib(f"{cls.__name__}.from_predictions")
        _evaluation.check_confidence(confidence)
        rows = {
            "treatment": treatment,
            "cost": cost,
            "control": control,
            "propensity": propensity,
            "sample_weight": sample_weight,
            "method": method,
            "outcomes": outcomes,
        }
        display = cls(
            **_evaluation.evaluate_arms(arms, y, current, rows, groups),
            current_budget=current_budget,
            shadow_price=shadow_price,
            budgets=None if budgets is None else np.ravel(budgets),
            confidence=confidence,
            name=name,
            response_name=response_name or _evaluation.column_name(y),
        )
        return display.plot(ax, **plot_kwargs)
