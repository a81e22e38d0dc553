"""Realised gain against realised spend as a figure."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sklearn_hrc.plotting import _artists, _evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BudgetCurveDisplay"]


class BudgetCurveDisplay:
    """What a policy gains for what it spends, on held-out rows.

    The gain in response over giving everyone the control is drawn against the
    spend above that, both realised and per individual, with a pointwise
    confidence band of the gain. The reference is the best single arm, given
    to as many individuals as the spend pays for. A ring marks the current budget;
    the short line through it rises by the shadow price. That is what the policy
    *expects* of a further unit of budget, by the estimates of its fit, and the
    curve what was *realised*: where the line is steeper, the policy expects too
    much, or the curve is off by chance. Use `from_estimator` or
    `from_predictions`, with the same `ax` to compare policies; the parameters
    are stored as they are.

    Parameters
    ----------
    spend, gain, spend_se, gain_se : ndarray of shape (n_budgets,)
        From :func:`~sklearn_hrc.metrics.budget_curve`.
    area : float, default=None
        Mean gain over spends, shown in the legend.
    reference_spend, reference_gain : ndarray of shape (n_points,), default=None
        The best single arm, from :func:`~sklearn_hrc.metrics.best_single_arm`.
    current_spend, current_gain : float, default=None
        Where the policy stands at its current budget.
    current_budget, shadow_price : float, default=None
        That budget, and the response that a further unit of it is expected to buy.
    budgets : ndarray of shape (n_budgets,), default=None
        Budgets of the points.
    confidence : float, default=0.95
        Level of the band, in (0, 1); None is no band.
    name : str, default=None
        Name of the policy.
    response_name : str, default=None
        What is gained.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve: the origin and the points in the order of their spend.
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
    sklearn_hrc.metrics.budget_curve : The numbers.

    Examples
    --------
    >>> from sklearn_hrc.plotting import BudgetCurveDisplay
    >>> display = BudgetCurveDisplay.from_predictions(
    ...     [[0, 1, 0, 1], [1, 1, 1, 1]], [1.0, 2.0, 1.0, 4.0],
    ...     treatment=[0, 1, 0, 1], cost=[0.0, 1.0, 0.0, 3.0], control=0)
    >>> display.gain
    array([1., 2.])
    """

    def __init__(
        self,
        *,
        spend: NDArray[Any],
        gain: NDArray[Any],
        spend_se: NDArray[Any],
        gain_se: NDArray[Any],
        area: float | None = None,
        reference_spend: NDArray[Any] | None = None,
        reference_gain: NDArray[Any] | None = None,
        current_spend: float | None = None,
        current_gain: float | None = None,
        current_budget: float | None = None,
        shadow_price: float | None = None,
        budgets: NDArray[Any] | None = None,
        confidence: float | None = 0.95,
        name: str | None = None,
        response_name: str | None = None,
    ) -> None:
        self.spend = spend
        self.gain = gain
        self.spend_se = spend_se
        self.gain_se = gain_se
        self.area = area
        self.reference_spend = reference_spend
        self.reference_gain = reference_gain
        self.current_spend = current_spend
        self.current_gain = current_gain
        self.current_budget = current_budget
        self.shadow_price = shadow_price
        self.budgets = budgets
        self.confidence = confidence
        self.name = name
        self.response_name = response_name

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
            one, a search over it, or a frozen one. It stays as it is.
        X : array-like of shape (n_samples, n_features)
            Held-out rows, as in its `predict`.
        y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
            Their outcomes, as in its `score`.
        treatment : array-like of shape (n_samples,)
            Received arm; every arm of `fit` must occur.
        cost : array-like of shape (n_samples,), default=None
            Realised cost of the received arm; not needed with `arm_cost`.
        propensity : array-like of shape (n_samples,), default=None
            Probability of the received arm; by default the share of its rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows.
        method : str, default="hajek"
            Estimator, as in :func:`~sklearn_hrc.metrics.policy_value`.
        outcomes : array-like of shape (n_samples, n_treatments, 2), default=None
            Expected response and cost, for the doubly robust form.
        groups : array-like of shape (n_samples,), default=None
            Labels of rows that belong together, for the band.
        budgets : array-like of shape (n_budgets,), default=None
            Mean costs per individual. None is what `score` uses: 20 equal
            ones, up to the largest mean cost of an arm.
        confidence : float, default=0.95
            Level of the band, in (0, 1); None is no band.
        name : str, default=None
            Name in the legend; None is the class of the policy.
        response_name : str, default=None
            What is gained; None is the name of the column of `y`, if it is
            the only one in the objective.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : BudgetCurveDisplay
            With the computed values and the artists.

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
            estimator, X, y, budgets, treatment, cost, propensity, sample_weight
        )
        values["name"] = name or values["name"]
        values["response_name"] = response_name or values["response_name"]
        values.update(method=method, outcomes=outcomes, groups=groups, confidence=confidence)
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
        """Evaluate assignments, one for each budget, and draw them.

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
            Stored with the points.
        current : array-like of shape (n_samples,), default=None
            Arm of each row at the current budget, which is marked.
        current_budget, shadow_price : float, default=None
            That budget and the response that a further unit of it is expected to
            buy, which are shown at the mark.
        confidence : float, default=0.95
            Level of the band, in (0, 1); None is no band.
        name : str, default=None
            Name in the legend.
        response_name : str, default=None
            What is gained; None is the name of `y`, if it has one.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : BudgetCurveDisplay
            With the computed values and the artists.
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

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        name: str | None = None,
        plot_reference: bool = True,
        line_kwargs: dict[str, Any] | None = None,
        band_kwargs: dict[str, Any] | None = None,
        reference_kwargs: dict[str, Any] | None = None,
        current_kwargs: dict[str, Any] | None = None,
        tangent_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        name : str, default=None
            Name in the legend; None is the stored one.
        plot_reference : bool, default=True
            Draw the best single arm, if it is stored. Curves of the same rows
            on the same axes share one line.
        line_kwargs, band_kwargs, reference_kwargs : dict, default=None
            Keywords for matplotlib's `plot` or, for the band, `fill_between`.
        current_kwargs, tangent_kwargs : dict, default=None
            Keywords for matplotlib's `plot`: of the ring and the line through it.

        Returns
        -------
        display : BudgetCurveDisplay
            This object.
        """
        plt = _artists.require_matplotlib(f"{type(self).__name__}.plot")
        _evaluation.check_confidence(self.confidence)
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        spend, gain, error = self._points()
        area = "" if self.area is None else f" (area = {self.area:.3g})"
        label = f"{name or self.name or 'policy'}{area}"
        self.line_ = _artists.draw_curve(ax, spend, gain, label, line_kwargs)
        self.band_ = self.current_ = self.tangent_ = self.reference_ = None
        if self.confidence is not None:
            self.band_ = _artists.draw_band(ax, self.line_, error, self.confidence, band_kwargs)
        if self.current_spend is not None:
            self._draw_current(current_kwargs, tangent_kwargs)
        if plot_reference and self.reference_spend is not None:
            points = self.reference_spend, self.reference_gain
            self.reference_ = _artists.draw_reference(ax, *points, reference_kwargs)
        of_what = f" in {self.response_name}" if self.response_name else ""
        ax.set_xlabel("spend above control, per individual")
        ax.set_ylabel(f"gain{of_what} over control, per individual")
        _artists.draw_legend(ax)
        return self

    def _draw_current(self, current_kwargs, tangent_kwargs):
        """Draw the ring and, where the shadow price is known, the line through it."""
        point = self.current_spend, self.current_gain
        label = _artists.current_label(self.current_budget, self.shadow_price)
        self.current_ = _artists.draw_current(self.ax_, self.line_, *point, label, current_kwargs)
        if self.shadow_price is not None:
            extent = np.ptp(self.line_.get_data(), axis=1)
            self.tangent_ = _artists.draw_tangent(
                self.ax_, self.current_, self.shadow_price, extent, tangent_kwargs
            )

    def _points(self):
        """Origin and points in the order of their spend, with errors of the gain."""
        points = np.array([self.spend, self.gain, self.gain_se], dtype=np.float64)
        points = np.column_stack([np.zeros(3), points])
        return points[:, np.argsort(points[0], kind="stable")]
