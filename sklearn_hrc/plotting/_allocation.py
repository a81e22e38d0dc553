"""Who gets what within a budget, what it costs and what it brings, as a figure."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._unwrap import unwrap_policy
from sklearn_hrc.plotting import _artists
from sklearn_hrc.plotting._evaluation import objective_name

__all__ = ["AllocationDisplay"]

CONTROL_COLOR = "0.85"
# Part of the colour map for the other arms, in their order: they get darker, so
# that they differ in grey, and none is as light as the control.
LIGHTEST, DARKEST = 0.8, 0.0
# Gaps between blocks must not eat the blocks, however many there are.
GAP, GAPS_IN_ALL = 0.5, 25.0
# Percentage of individuals that a letter in the strip of arms is as wide as, about.
LETTER = 1.5


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
        self, *, allocation, response, cost, treatments, control, budget=None, response_name=None
    ):
        self.allocation = allocation
        self.response = response
        self.cost = cost
        self.treatments = treatments
        self.control = control
        self.budget = budget
        self.response_name = response_name

    @classmethod
    def from_estimator(cls, estimator, *, budget=None, response_name=None, ax=None, **plot_kwargs):
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
        )
        return display.plot(ax, **plot_kwargs)

    def plot(self, ax=None, *, cmap="viridis", bar_kwargs=None):
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
        self.axes_ = _divide(ax)
        self.ax_, self.figure_ = ax, ax.figure
        gain_ax, arm_ax, cost_ax = self.axes_
        arms, share, gain, cost = self._in_order()
        shades = np.linspace(DARKEST, LIGHTEST, len(arms) - 1)[::-1]
        colors = [CONTROL_COLOR, *map(tuple, plt.get_cmap(cmap)(shades))]
        blocks = _place_blocks(share, gain)
        self.gain_bars_ = _draw_blocks(gain_ax, blocks, gain, colors, bar_kwargs)
        self.cost_bars_ = _draw_blocks(cost_ax, blocks, cost, colors, bar_kwargs)
        self.arm_bars_ = _draw_arms(arm_ax, arms, share.sum(axis=0), colors)
        cells = _table(arms, share, cost, gain, self.budget)
        self.legend_ = _draw_table(gain_ax, cells, self.arm_bars_)
        of_what = f" in {self.response_name}" if self.response_name else ""
        gain_ax.set_ylabel(f"gain{of_what} over control,\nper individual")
        cost_ax.set_ylabel("cost above\ncontrol")
        cost_ax.set_xlabel("% of individuals; a block is a cluster")
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


def _divide(ax):
    """Axes of gains, arms and costs, one below the other, in the place of one."""
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError("ax is expected to be in a grid of subplots, got axes placed by hand.")
    ax.set_axis_off()
    axes = place.subgridspec(3, 1, height_ratios=(5, 0.4, 2.5), hspace=0.06).subplots(sharex=True)
    axes[0].set_xlim(0, 100)
    axes[0].tick_params(bottom=False)
    axes[1].set_axis_off()
    axes[2].invert_yaxis()
    for each in axes[[0, 2]]:
        each.spines[["top", "right", "bottom"]].set_visible(False)
        each.axhline(0, color="black", linewidth=0.8, clip_on=False)
    return axes


def _place_blocks(share, gain):
    """Clusters of each arm by falling gain, and the left ends and widths of their blocks."""
    blocks, start = [], 0.0
    for part, height in zip(share.T, gain.T):
        clusters = np.flatnonzero(part)
        clusters = clusters[np.argsort(-height[clusters], kind="stable")]
        width = part[clusters]
        blocks.append((clusters, start + np.cumsum(width) - width, width))
        start += width.sum()
    return blocks


def _draw_blocks(ax, blocks, heights, colors, given):
    """Draw the blocks of each arm."""
    from matplotlib import cbook
    from matplotlib.patches import Rectangle

    n_blocks = sum(len(clusters) for clusters, _, _ in blocks)
    gap = {"edgecolor": "white", "linewidth": min(GAP, GAPS_IN_ALL / n_blocks)}
    given = cbook.normalize_kwargs(given, Rectangle)
    return [
        ax.bar(left, height[clusters], width, align="edge", **{"color": color, **gap, **given})
        for (clusters, left, width), height, color in zip(blocks, heights.T, colors)
    ]


def _draw_arms(ax, arms, share, colors):
    """Draw the strip of arms, with their labels where there is room."""
    from matplotlib.colors import to_rgb

    ax.set_ylim(0, 1)
    bars = []
    for arm, left, width, color in zip(arms, np.cumsum(share) - share, share, colors):
        bars.append(ax.bar(left, 1, width, align="edge", color=color, edgecolor="white"))
        if width >= LETTER * (len(str(arm)) + 1):
            is_light = np.dot(to_rgb(color), (0.299, 0.587, 0.114)) > 0.5
            look = {"size": "small", "color": "black" if is_light else "white"}
            ax.text(left + width / 2, 0.5, str(arm), ha="center", va="center_baseline", **look)
    return bars


def _table(arms, share, cost, gain, budget):
    """Rows of the table: what the columns are, each arm, all of them."""
    names = [f"{arms[0]} (control)", *map(str, arms[1:]), "all"]
    parts = (each.sum(axis=0) for each in (share, share * cost / 100, share * gain / 100))
    share, cost, gain = (np.append(part, part.sum()) for part in parts)
    first = "" if budget is None else f"budget {budget:g}"
    return [
        (first, "share", "cost", "gain"),
        *zip(names, (f"{each:.0f} %" for each in share), _rounded(cost), _rounded(gain)),
    ]


def _rounded(values):
    """Values with as many decimals as show three digits of the last."""
    size = abs(values[-1])
    decimals = max(0, 2 - int(np.floor(np.log10(size)))) if size > 0 else 2
    # Adding zero takes the sign from what is rounded to it.
    return [f"{round(float(each), decimals) + 0.0:.{decimals}f}" for each in values]


def _draw_table(ax, cells, bars):
    """Draw rows of text as a legend, those between the first and the last with a colour."""
    from matplotlib.patches import Rectangle

    widths = [max(map(len, column)) + 2 for column in zip(*cells)]
    lines = [
        row[0].ljust(widths[0]) + "".join(map(str.rjust, row[1:], widths[1:])) for row in cells
    ]
    nothing = Rectangle((0, 0), 1, 1, visible=False)
    colors = [nothing, *(bar[0] for bar in bars), nothing]
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    font = {"family": "monospace", "size": "small"}
    return ax.legend(colors, lines, prop=font, frameon=False, alignment="left", **place)
