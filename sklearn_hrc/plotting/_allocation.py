"""Figure of an allocation: who gets which arm, at which cost and gain."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._unwrap import unwrap_policy
from sklearn_hrc.plotting import _allocation_artists as artists
from sklearn_hrc.plotting import _allocation_table, _artists, _scale
from sklearn_hrc.plotting._evaluation import objective_name
from sklearn_hrc.plotting._text import gain_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["AllocationDisplay"]

# Inches of height below which labels have more and shorter lines.
LOW = 4.3


class AllocationDisplay:
    """Allocation within a budget: who gets which arm, at which cost and gain.

    A block is a cluster. A split cluster has a block in each of its arms. The
    width of a block is the share of individuals. Its height above the strip of arms
    is the expected gain in response over the control, per individual. Its height
    below the strip is the expected cost above that of the control. So areas are what
    a cluster adds to the means over all individuals, and the table sums them by arm.
    The control stands first, then the other arms in their order. Within an arm the
    clusters that gain most stand first. Use `from_estimator`. The parameters are
    stored as they are.

    The figure shows the estimates by which the policy chose, which flatters the
    policy. :class:`BudgetCurveDisplay` shows the gain on held-out rows.

    Parameters
    ----------
    allocation : ndarray of shape (n_clusters, n_treatments)
        Individuals of each cluster that get each arm.
    response, cost : ndarray of shape (n_clusters, n_treatments)
        Expected response and cost per individual.
    treatments : ndarray of shape (n_treatments,)
        Labels of the arms.
    control : label
        The treatment that means "nothing".
    budget : float, default=None
        Budget, the largest mean cost per individual.
    response_name : str, default=None
        Name of the response.
    clusters : ndarray of shape (n_clusters,), default=None
        Labels of the clusters, which stand above blocks that are wide enough.

    Attributes
    ----------
    gain_bars_, cost_bars_, arm_bars_ : list of matplotlib BarContainer
        Blocks of each arm, in the order of drawing, and the arm's part of the
        strip.
    legend_ : matplotlib Legend
        Table with the share of individuals by arm, and what they add to the
        mean cost and the mean gain. `set_title` gives the table a heading.
    axes_ : ndarray of shape (3,), object
        Axes of gains, of the strip of arms, and of costs.
    ax_ : matplotlib Axes
        Axes that the three axes divide.
    figure_ : matplotlib Figure
        Figure with the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hrc.plotting import AllocationDisplay
    >>> display = AllocationDisplay(
    ...     allocation=np.array([[60, 0], [10, 30]]), response=np.array([[1.0, 1.5], [2.0, 5.0]]),
    ...     cost=np.array([[0.0, 1.0], [0.0, 2.0]]), treatments=np.array([0, 5]), control=0)
    >>> [bar.get_width() for bar in display.plot().arm_bars_[1]]  # % of individuals
    [np.float64(30.0)]

    Totals of 20,000 individuals in place of shares and means:

    >>> display = display.plot(sum_to=20_000)
    >>> display.legend_.get_title().get_text()
    'totals of 20,000 individuals'
    """

    def __init__(
        self,
        *,
        allocation: NDArray[Any],
        response: NDArray[Any],
        cost: NDArray[Any],
        treatments: NDArray[Any],
        control: Any,
        budget: float | None = None,
        response_name: str | None = None,
        clusters: NDArray[Any] | None = None,
    ) -> None:
        self.allocation = allocation
        self.response = response
        self.cost = cost
        self.treatments = treatments
        self.control = control
        self.budget = budget
        self.response_name = response_name
        self.clusters = clusters

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        budget: float | None = None,
        response_name: str | None = None,
        ax: "Axes | None" = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Draw the allocation of a fitted policy.

        Parameters
        ----------
        estimator : estimator
            A fitted policy: :class:`~sklearn_hrc.ClusterBudgetAllocator`,
            :class:`~sklearn_hrc.DistilledAllocator`, a pipeline that ends in
            one, a search over it, or a frozen one. It does not change.
        budget : float, default=None
            Mean cost per individual. None stands for the current budget.
        response_name : str, default=None
            Name of the response. None stands for the name of the column of `y` in
            `fit`, if it is the only column in the objective.
        ax : matplotlib Axes, default=None
            Axes that `plot` divides. None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : AllocationDisplay
            Display with the arrays and the artists.

        Raises
        ------
        BudgetError
            If the budget is below the cost of the cheapest allocation.
        ValueError
            If the estimator is no policy.

        Examples
        --------
        >>> from sklearn_hrc import ClusterBudgetAllocator
        >>> from sklearn_hrc.datasets import make_coupon_experiment
        >>> from sklearn_hrc.plotting import AllocationDisplay
        >>> e = make_coupon_experiment(4000, n_treatments=3, random_state=0)
        >>> segment = (e.data[:, :1] > 1).astype(int) + 2 * (e.data[:, 1:2] > 1)
        >>> policy = ClusterBudgetAllocator(budget=0.5)
        >>> policy = policy.fit(segment, e.target, treatment=e.treatment, cost=e.cost)
        >>> display = AllocationDisplay.from_estimator(policy, budget=0.2)
        >>> policy.budget_
        0.5
        """
        _artists.require_matplotlib(f"{cls.__name__}.from_estimator")
        _, policy = unwrap_policy(estimator)
        check_is_fitted(policy)
        allocator = policy._fitted_allocator
        allocation = allocator.allocation_
        if budget is not None:
            allocation = allocator._plan(budget).counts
        display = cls(
            allocation=allocation,
            response=allocator.response_,
            cost=allocator.cost_,
            treatments=allocator.treatments_,
            control=allocator.control_,
            budget=allocator.budget_ if budget is None else budget,
            response_name=response_name or objective_name(allocator),
            clusters=allocator.clusters_,
        )
        return display.plot(ax, **plot_kwargs)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        cmap: "str | Colormap" = "viridis",
        sum_to: float | None = None,
        bar_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the blocks, the strip of arms and the table.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes of a grid, such as `subplots` makes, which are divided in three. The
            table above them needs some 5 inches of width and a figure with
            `layout="constrained"`. None makes a new figure.
        cmap : str or matplotlib Colormap, default="viridis"
            Colours of the arms other than the control. Of seven arms or more, neighbours
            have different hatches, which also differ in a grey print.
        sum_to : float, default=None
            Number of individuals, such as 20,000. The table then shows their totals:
            how many get an arm, and what all of them cost and gain. None shows
            shares, and means over all individuals.
        bar_kwargs : dict, default=None
            Keywords of the blocks for matplotlib's `bar`.

        Returns
        -------
        display : AllocationDisplay
            This object.

        Raises
        ------
        ValueError
            If `ax` is in no grid.
        """
        plt = _artists.require_matplotlib(f"{type(self).__name__}.plot")
        _artists.check_sum_to(sum_to)
        arms, share, gain, cost = self._in_order()
        n_used = np.count_nonzero(share.sum(axis=0))
        if ax is None:
            size = _allocation_table.figure_size(plt.rcParams["figure.figsize"], n_used)
            _, ax = plt.subplots(figsize=size, layout="constrained")
        layout = _allocation_table.layout_of(ax, n_used, sum_to)
        self.axes_ = artists.divide(ax)
        self.ax_, self.figure_ = ax, ax.figure
        shades = artists.arm_colors(len(arms), plt.get_cmap(cmap))
        hatches = artists.arm_hatches(len(arms))
        looks = [{"color": color, "hatch": hatch} for color, hatch in zip(shades, hatches)]
        self._draw_blocks(share, gain, cost, looks, bar_kwargs)
        self.arm_bars_ = artists.draw_arms(self.axes_[1], arms, share.sum(axis=0), looks)
        self._draw_table(arms, share, cost, gain, layout, sum_to)
        return self

    def _draw_blocks(self, share, gain, cost, looks, given):
        """Draw gains and costs, and say what is on the axes."""
        gain_ax, _, cost_ax = self.axes_
        blocks = artists.place_blocks(share, gain)
        self.gain_bars_ = artists.draw_blocks(gain_ax, blocks, gain, looks, given)
        self.cost_bars_ = artists.draw_blocks(cost_ax, blocks, cost, looks, given)
        of_blocks, notes = "", []
        is_low = _artists.size_of(self.ax_)[1] < LOW
        for each, heights, what in ((gain_ax, gain, "gain"), (cost_ax, cost, "cost")):
            places, high, wide = artists.flat(blocks, heights)
            notes += _scale.cut_blocks(each, places, high, wide, what)
        if self.clusters is not None:
            of_blocks = ", its label above it"
            artists.name_blocks(gain_ax, self.gain_bars_, blocks, self.clusters)
        note = f"% of individuals; a block is a cluster{of_blocks}"
        cost_ax.set_xlabel("\n".join([note, *notes]))
        gain_ax.set_ylabel(gain_label(self.response_name, is_low=is_low), parse_math=False)
        cost_ax.set_ylabel("cost above\ncontrol")

    def _draw_table(self, arms, share, cost, gain, layout, sum_to):
        """Draw the table above the gains."""
        n_columns, n_lines, n_letters = layout
        fit = {"n_lines": n_lines, "n_letters": n_letters, "sum_to": sum_to}
        rows, shown = _allocation_table.table(arms, share, cost, gain, self.budget, **fit)
        bars = [self.arm_bars_[j] for j in shown]
        title = None if sum_to is None else f"totals of {sum_to:,.0f} individuals"
        self.legend_ = _allocation_table.draw_table(self.axes_[0], rows, bars, n_columns, title)

    def _in_order(self):
        """Labels, percentages of individuals, gains and costs, with the control first."""
        treatments = np.asarray(self.treatments)
        order = np.argsort(treatments != self.control, kind="stable")
        counts, response, cost = (
            np.asarray(each)[:, order] for each in (self.allocation, self.response, self.cost)
        )
        share = 100 * counts / counts.sum()
        return treatments[order], share, response - response[:, :1], cost - cost[:, :1]
