"""Values of a budget curve, and how they are drawn."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_hrc.plotting import _artists, _evaluation
from sklearn_hrc.plotting import _curve_artists as artists
from sklearn_hrc.plotting._curve_legend import draw_legend
from sklearn_hrc.plotting._text import amount, gain_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CurveDrawing"]


class CurveDrawing:
    """Stores and draws a curve. The ways to one are those of `BudgetCurveDisplay`."""

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

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        name: str | None = None,
        plot_reference: bool = True,
        sum_to: float | None = None,
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
            Axes to draw on. None makes a new figure.
        name : str, default=None
            Name in the legend. None stands for the stored name.
        plot_reference : bool, default=True
            Whether to draw the best single arm, if it is stored. Curves of the same
            rows on the same axes share one line.
        sum_to : float, default=None
            Number of individuals, such as 20,000. Spend, gain and budget are then the
            totals of so many. None draws them per individual.
        line_kwargs, band_kwargs, reference_kwargs : dict, default=None
            Keywords for matplotlib's `plot` or, for the band, `fill_between`.
        current_kwargs, tangent_kwargs : dict, default=None
            Keywords of the ring and of the line through it, for matplotlib's `plot`.

        Returns
        -------
        display : BudgetCurveDisplay
            This object.
        """
        plt = _artists.require_matplotlib(f"{type(self).__name__}.plot")
        _evaluation.check_confidence(self.confidence)
        _artists.check_sum_to(sum_to)
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        factor = 1.0 if sum_to is None else float(sum_to)
        spend, gain, error = factor * self._points()
        area = "" if self.area is None else f" (area = {amount(factor * self.area)})"
        label = f"{name or self.name or 'policy'}{area}"
        self.line_ = artists.draw_curve(ax, spend, gain, label, line_kwargs)
        self.band_ = self.current_ = self.tangent_ = self.reference_ = None
        if self.confidence is not None:
            self.band_ = artists.draw_band(ax, self.line_, error, self.confidence, band_kwargs)
        if self.current_spend is not None:
            self._draw_current(factor, current_kwargs, tangent_kwargs)
        if plot_reference and self.reference_spend is not None:
            points = factor * np.array([self.reference_spend, self.reference_gain])
            self.reference_ = artists.draw_reference(ax, points[0], points[1], reference_kwargs)
        of_whom = "per individual" if sum_to is None else f"of {sum_to:,.0f} individuals"
        ax.set_xlabel(f"spend above control, {of_whom}")
        ax.set_ylabel(gain_label(self.response_name, sum_to), parse_math=False)
        if sum_to is not None:
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_formatter("{x:,.10g}")
        draw_legend(ax)
        return self

    def _draw_current(self, factor, current_kwargs, tangent_kwargs):
        """Draw the ring and, if the shadow price is known, the line through it."""
        point = factor * self.current_spend, factor * self.current_gain
        budget = None if self.current_budget is None else factor * self.current_budget
        label = artists.current_label(budget, self.shadow_price)
        self.current_ = artists.draw_current(self.ax_, self.line_, *point, label, current_kwargs)
        if self.shadow_price is not None:
            extent = np.ptp(self.line_.get_data(), axis=1)
            self.tangent_ = artists.draw_tangent(
                self.ax_, self.current_, self.shadow_price, extent, tangent_kwargs
            )

    def _points(self):
        """Origin and points in the order of their spend, with errors of the gain."""
        points = np.array([self.spend, self.gain, self.gain_se], dtype=np.float64)
        points = np.column_stack([np.zeros(3), points])
        return points[:, np.argsort(points[0], kind="stable")]
