"""Figure of what a policy expects, beside what held-out rows gave."""

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_hrc._allocator_rows import held_out_rows
from sklearn_hrc._labels import check_groups
from sklearn_hrc._propensity import inverse_propensity
from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.metrics._calibration import calibration_points, calibration_slope
from sklearn_hrc.metrics._evaluation_rows import received_propensity
from sklearn_hrc.plotting import _artists
from sklearn_hrc.plotting._evaluation import objective_name
from sklearn_hrc.plotting._text import fitted_names, one_line, shorten

if TYPE_CHECKING:
    pass

__all__ = ["CalibrationDisplay"]

# Arms that have a colour and a line in the legend of their own, and letters of their names.
MOST_ARMS, LONGEST_ARM, LONGEST_RESPONSE = 10, 18, 28
# Standard errors of the bars.
NORMAL_95 = 1.959964


class CalibrationDisplay:
    """What a policy expects of cells, beside what held-out rows of these cells gave.

    A point stands for held-out individuals who received one arm, in clusters of which the
    policy expects about the same. On the dashed line, they gave what was expected. Bars are 95 %
    intervals of the held-out means. The legend has the slope of each arm: below 1, the policy
    expects its clusters to differ more than they do. One figure is for the response. Another
    one is for the cost, where it is not a known price. Use `from_estimator`. The parameters are
    stored as they are.

    Parameters
    ----------
    points : dict of str to Bunch
        For "response", and for "cost" where it is estimated: arrays `arm` (index), `expected`,
        `observed`, `standard_error` and `weight` with an entry for each point.
    treatments : ndarray of shape (n_treatments,)
        Labels of the arms.
    response_name : str, default=None
        Of the response, for the label.

    Attributes
    ----------
    lines_ : dict of str to list of matplotlib ErrorbarContainer
        Points of each quantity, a container for each arm that has points.
    axes_ : ndarray of matplotlib Axes
        One for each quantity.
    figure_ : matplotlib Figure
        Figure with the axes.

    See Also
    --------
    sklearn_hrc.evaluation.evaluate : Says of *effects* whether held-out rows bear them out.

    Examples
    --------
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.plotting import CalibrationDisplay
    >>> fit, new = (make_coupon_experiment(4000, random_state=seed) for seed in range(2))
    >>> segments = [(e.data[:, :2] > [100, 10]) @ [[1], [2]] for e in (fit, new)]
    >>> allocator = ClusterBudgetAllocator(random_state=0).fit(
    ...     segments[0], fit.target, treatment=fit.treatment, cost=fit.cost)
    >>> display = CalibrationDisplay.from_estimator(
    ...     allocator, segments[1], new.target, treatment=new.treatment, cost=new.cost)
    >>> sorted(display.points)
    ['cost', 'response']
    """

    def __init__(
        self,
        *,
        points: dict[str, Bunch],
        treatments: NDArray[Any],
        response_name: str | None = None,
    ) -> None:
        self.points = points
        self.treatments = treatments
        self.response_name = response_name

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        treatment: ArrayLike | None = None,
        cost: ArrayLike | None = None,
        propensity: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        n_bins: int = 5,
        response_name: str | None = None,
        axes: "NDArray[Any] | None" = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Draw what a fitted policy expects beside held-out rows.

        Parameters
        ----------
        estimator : estimator
            A fitted policy of clusters, or a pipeline, search or frozen estimator of one.
        X : array-like of shape (n_samples, n_features)
            Held-out rows.
        y, treatment, cost, propensity, sample_weight : array-like
            As in `score` of the policy.
        groups : array-like of shape (n_samples,), default=None
            Label of the group of each row. Rows of a group count as one for the bars.
        n_bins : int, default=5
            Points of an arm, at most. All of one cell are in one point.
        response_name : str, default=None
            Of the response. None is the name of its column, if it has one.
        axes : array-like of matplotlib Axes, default=None
            Axes for response and cost, or for the response alone. None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : CalibrationDisplay
            Display with the points and the artists.

        Raises
        ------
        NotFittedError
            If the policy is not fitted.
        ValueError
            If a row or a parameter cannot be used.
        """
        _artists.require_matplotlib(f"{cls.__name__}.from_estimator")
        if not isinstance(n_bins, Integral) or n_bins < 1:
            raise ValueError(f"n_bins is expected to be a positive whole number, got {n_bins!r}.")
        steps, policy = unwrap_policy(estimator)
        check_is_fitted(policy)
        allocator = policy._fitted_allocator
        rows = (y, treatment, cost, propensity, sample_weight)
        given = {"X": X, "groups": groups}
        experiment = held_out_rows(allocator, _num_samples(X), *rows, aligned_with=given)
        unit = check_groups(groups, _num_samples(X))
        located = policy._locate(policy._check_X(transform_through(steps, X)))[0]
        return cls(
            points=_points(allocator, located, experiment, unit, n_bins),
            treatments=allocator.treatments_,
            response_name=response_name or objective_name(allocator),
        ).plot(axes, **plot_kwargs)

    def plot(
        self,
        axes: "NDArray[Any] | None" = None,
        *,
        point_kwargs: dict[str, Any] | None = None,
        line_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the points.

        Parameters
        ----------
        axes : array-like of matplotlib Axes, default=None
            Axes for each quantity of `points`. None makes a new figure.
        point_kwargs, line_kwargs : dict, default=None
            Keywords for matplotlib's `errorbar` of the points, and for the dashed line.

        Returns
        -------
        display : CalibrationDisplay
            This object.
        """
        plt = _artists.require_matplotlib(f"{type(self).__name__}.plot")
        n_axes = len(self.points)
        if axes is None:
            size = (4.6 * n_axes, 4.4)
            axes = plt.subplots(1, n_axes, figsize=size, layout="constrained", squeeze=False)[1][0]
        self.axes_ = np.ravel(axes)
        if len(self.axes_) != n_axes:
            raise ValueError(
                f"axes is expected to hold {n_axes}, one for each of {list(self.points)}, got "
                f"{len(self.axes_)}."
            )
        self.figure_ = self.axes_[0].figure
        self.lines_ = {
            quantity: self._draw(ax, quantity, point_kwargs, line_kwargs)
            for ax, quantity in zip(self.axes_, self.points)
        }
        return self

    def _draw(self, ax, quantity, point_kwargs, line_kwargs):
        """Draw the points of one quantity, and the line of what was expected."""
        from matplotlib.lines import Line2D

        points = self.points[quantity]
        names = fitted_names(self.treatments.tolist(), LONGEST_ARM)
        drawn = np.unique(points.arm)
        n_others = max(len(drawn) - MOST_ARMS, 0)
        lines = []
        for place, index in enumerate(drawn):
            default = {"fmt": "o", "markersize": 5, "elinewidth": 1, "color": f"C{place % 10}"}
            default["label"] = f"{names[index]} {_slope_text(points, index)}".rstrip()
            if place >= MOST_ARMS:
                first = f"{n_others} others" if place == MOST_ARMS else "_nolegend_"
                default |= {"label": first, "color": "0.75", "markerfacecolor": "white"}
            at = points.arm == index
            errors = NORMAL_95 * np.nan_to_num(points.standard_error[at])
            keywords = {**default, **(point_kwargs or {})}
            lines.append(ax.errorbar(points.expected[at], points.observed[at], errors, **keywords))
        ends = _ends(points)
        dashed = {"color": "0.4", "linestyle": "--", "linewidth": 1, "zorder": 1}
        ax.plot(ends, ends, **_artists.merge(dashed, line_kwargs, Line2D))
        name = quantity
        if quantity == "response" and self.response_name:
            name = shorten(one_line(self.response_name), LONGEST_RESPONSE)
        ax.set_xlabel(f"expected {name} per individual", parse_math=False)
        ax.set_ylabel(f"{name} of held-out rows", parse_math=False)
        ax.legend(title="arm (slope)", fontsize="small", title_fontsize="small")
        return lines


def _points(allocator, located, experiment, unit, n_bins):
    """Points of response and, where it is estimated, of cost. Rows of new clusters are left out."""
    known = located >= 0
    if not known.any():
        raise ValueError(
            "X is expected to have rows in clusters that fit has seen, got only new clusters."
        )
    arm = experiment.arm[known]
    weight = inverse_propensity(received_propensity(experiment), experiment.sample_weight)[known]
    observed = {"response": experiment.outcomes[:, 0]}
    if allocator._arm_cost is None and experiment.cost is not None:
        observed["cost"] = experiment.cost
    units = None if unit is None else unit[known]
    return {
        name: calibration_points(
            getattr(allocator, f"{name}_")[located[known], arm],
            values[known],
            arm,
            len(allocator.treatments_),
            weight,
            units,
            n_bins,
        )
        for name, values in observed.items()
    }


def _slope_text(points, index):
    """Slope of an arm with its error, or nothing where there is none."""
    slope, error = calibration_slope(points, index)
    return f"({slope:.2f} ± {error:.2f})" if np.isfinite(slope) else ""


def _ends(points):
    """Ends of the dashed line: the range of all points."""
    both = np.r_[points.expected, points.observed]
    return np.array([both.min(), both.max()])
