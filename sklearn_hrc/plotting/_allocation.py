"""Who gets what within a budget, what it costs and what it brings, as a figure."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._unwrap import unwrap_policy
from sklearn_hrc.plotting import _allocation_artists as artists
from sklearn_hrc.plotting import _artists
from sklearn_hrc.plotting._evaluation import objective_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["AllocationDisplay"]


class AllocationDisplay:
    """Who gets what within a budget, what it costs and what it brings.

    A block is a cluster; a split cluster has one in each of its arms. Its
    width is the share of individuals, its height above the strip of arms the
    expected gain in response over the control, per individual, and below it
    the expected cost above that of the control. So areas are what a cluster
    adds to the means over all individuals, which the table sums by arm. The
    control stands first, then the other arms in their order, and in an arm the
    clusters that gain most. Use `from_estimator`; the parameters are stored as
    they are.

    These are the estimates by which the policy chose, which flatters it; what
    it brings on held-out rows is shown by :class:`BudgetCurveDisplay`.

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
        Mean cost per individual that was allowed.
    response_name : str, default=None
        What is gained.
    clusters : ndarray of shape (n_clusters,), default=None
        Labels of the clusters, which stand above blocks that are wide enough.

    Attributes
    ----------
    gain_bars_, cost_bars_, arm_bars_ : list of matplotlib BarContainer
        For each arm, in the order in which they are drawn: its blocks and its
        part of the strip.
    legend_ : matplotlib Legend
        The table: by arm, the share of individuals and what they add to the
        mean cost and the mean gain. Its `set_title` gives it a heading.
    axes_ : ndarray of shape (3,), object
        Axes of gains, of the strip of arms, and of costs.
    ax_ : matplotlib Axes
        The axes that these divide.
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
            one, a search over it, or a frozen one. It stays as it is.
        budget : float, default=None
            Mean cost per individual; None is its current budget.
        response_name : str, default=None
            What is gained; None is the name of the column of `y` in `fit`, if
            it is the only one in the objective.
        ax : matplotlib Axes, default=None
            Axes to divide, as `plot` does; None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : AllocationDisplay
            With the arrays and the artists.

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
        bar_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the blocks, the strip of arms and the table.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes of a grid, such as `subplots` makes, to divide in three; the
            table above them wants some 5 inches of width and a figure with
            `layout="constrained"`. None makes a new figure.
        cmap : str or matplotlib Colormap, default="viridis"
            Colours of the arms other than the control.
        bar_kwargs : dict, default=None
            Keywords for matplotlib's `bar`: of the blocks.

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
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.axes_ = artists.divide(ax)
        self.ax_, self.figure_ = ax, ax.figure
        gain_ax, arm_ax, cost_ax = self.axes_
        arms, share, gain, cost = self._in_order()
        colors = artists.arm_colors(len(arms), plt.get_cmap(cmap))
        blocks = artists.place_blocks(share, gain)
        self.gain_bars_ = artists.draw_blocks(gain_ax, blocks, gain, colors, bar_kwargs)
        if self.clusters is not None:
            artists.name_blocks(gain_ax, self.gain_bars_, blocks, self.clusters)
        self.cost_bars_ = artists.draw_blocks(cost_ax, blocks, cost, colors, bar_kwargs)
        self.arm_bars_ = artists.draw_arms(arm_ax, arms, share.sum(axis=0), colors)
        cells = artists.table(arms, share, cost, gain, self.budget)
        self.legend_ = artists.draw_table(gain_ax, cells, self.arm_bars_)
        of_what = f" in {self.response_name}" if self.response_name else ""
        gain_ax.set_ylabel(f"gain{of_what} over control,\nper individual")
        cost_ax.set_ylabel("cost above\ncontrol")
        of_blocks = "" if self.clusters is None else ", its label above it"
        cost_ax.set_xlabel(f"% of individuals; a block is a cluster{of_blocks}")
        return self

    def _in_order(self):
        """Labels, percentages of individuals, gains and costs, the control in front."""
        treatments = np.asarray(self.treatments)
        order = np.argsort(treatments != self.control, kind="stable")
        counts, response, cost = (
            np.asarray(each)[:, order] for each in (self.allocation, self.response, self.cost)
        )
        share = 100 * counts / counts.sum()
        return treatments[order], share, response - response[:, :1], cost - cost[:, :1]
