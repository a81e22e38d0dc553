"""Figure of the losses of a representer's networks."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._distiller import DistilledAllocator
from sklearn_hrc._representer import MultiTaskRepresenter
from sklearn_hrc._unwrap import unwrap_policy
from sklearn_hrc.plotting import _artists
from sklearn_hrc.plotting._scale import loss_limit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TrainingHistoryDisplay"]

# Dots of a line, since those of very many epochs would look like a broad line.
MOST_DOTS = 50


class TrainingHistoryDisplay:
    """Losses of the networks of a representer, epoch by epoch.

    For every network a line is the loss on its held-out rows, and a thin dashed grey line
    is the loss on the rows that it learnt from. A ring is where the held-out loss is
    lowest. The weights of this epoch are kept. Each network holds out other rows, so
    compare the shapes of the lines, not their levels. Where a few losses are very large,
    as in a first epoch, they are cut, and the axis says so. Use `from_estimator`. The
    parameters are stored as they are.

    Parameters
    ----------
    train_loss : ndarray of shape (n_networks, n_epochs)
        Training loss of every network and epoch, NaN after the last epoch of a network.
    valid_loss : ndarray of shape (n_networks, n_epochs), default=None
        Held-out loss, or None if no rows were held out.

    Attributes
    ----------
    train_lines_ : list of matplotlib Line2D
        Training loss of each network.
    valid_lines_ : list of matplotlib Line2D
        Held-out loss of each network, empty without held-out rows.
    kept_ : matplotlib Line2D or None
        Rings at the epochs that are kept.
    ax_ : matplotlib Axes
        Axes with the lines.
    figure_ : matplotlib Figure
        Figure with the axes.

    See Also
    --------
    sklearn_hrc.MultiTaskRepresenter : Trains the networks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hrc.plotting import TrainingHistoryDisplay
    >>> display = TrainingHistoryDisplay(
    ...     train_loss=np.array([[1.5, 1.2, 1.0]]), valid_loss=np.array([[1.4, 1.3, 1.35]]))
    >>> display.plot().kept_.get_xdata()
    array([2.])
    """

    def __init__(self, *, train_loss: NDArray[Any], valid_loss: NDArray[Any] | None = None) -> None:
        self.train_loss = train_loss
        self.valid_loss = valid_loss

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, *, ax: "Axes | None" = None, **plot_kwargs: Any
    ) -> Self:
        """Draw the history of a fitted representer.

        Parameters
        ----------
        estimator : estimator
            A fitted :class:`~sklearn_hrc.MultiTaskRepresenter`, or a fitted
            pipeline, search, frozen estimator or
            :class:`~sklearn_hrc.DistilledAllocator` (its teacher) that contains one.
            The first is drawn, if there are several.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : TrainingHistoryDisplay
            Display with the losses and the artists.

        Raises
        ------
        ValueError
            If there is no representer in the estimator.
        NotFittedError
            If the representer is not fitted.

        Examples
        --------
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_hrc import MultiTaskRepresenter
        >>> from sklearn_hrc.datasets import make_coupon_experiment
        >>> from sklearn_hrc.plotting import TrainingHistoryDisplay
        >>> e = make_coupon_experiment(500, n_treatments=2, random_state=0)
        >>> representer = MultiTaskRepresenter(n_networks=2, max_epochs=3, random_state=0)
        >>> representer = representer.fit(scale(e.data), e.target, treatment=e.treatment)
        >>> TrainingHistoryDisplay.from_estimator(representer).train_loss.shape
        (2, 3)
        """
        _artists.require_matplotlib(f"{cls.__name__}.from_estimator")
        representer = next(_representers(estimator), None)
        if representer is None:
            raise ValueError(
                "estimator is expected to be a MultiTaskRepresenter or to contain one, got a "
                f"{type(estimator).__name__} without."
            )
        check_is_fitted(representer)
        train_loss, valid_loss = (
            _losses(representer.history_, name) for name in ("train_loss", "valid_loss")
        )
        if np.isnan(valid_loss).all():
            valid_loss = None
        return cls(train_loss=train_loss, valid_loss=valid_loss).plot(ax, **plot_kwargs)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        train_kwargs: dict[str, Any] | None = None,
        valid_kwargs: dict[str, Any] | None = None,
        kept_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        train_kwargs, valid_kwargs, kept_kwargs : dict, default=None
            Keywords for matplotlib's `plot`, of the lines of training and
            held-out losses, and of the rings.

        Returns
        -------
        display : TrainingHistoryDisplay
            This object.
        """
        plt = _artists.require_matplotlib(f"{type(self).__name__}.plot")
        from matplotlib.ticker import MaxNLocator

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        # All networks look alike. Ten colours would hide that held-out losses stop
        # falling while training losses go on.
        thin = {"color": "0.65", "linestyle": "--", "linewidth": 0.9, "zorder": 1.9}
        self.train_lines_ = _draw_lines(ax, self.train_loss, thin, train_kwargs, "training rows")
        self.valid_lines_, self.kept_ = [], None
        if self.valid_loss is not None:
            thick = {"color": "C0", "linestyle": "-", "linewidth": 1.6}
            self.valid_lines_ = _draw_lines(
                ax, self.valid_loss, thick, valid_kwargs, "held-out rows"
            )
            self.kept_ = _draw_kept(ax, self.valid_lines_, kept_kwargs)
        ax.set_xlabel("epoch")
        ax.set_ylabel(f"loss of each network{self._cut_scale()}")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.legend()
        return self

    def _cut_scale(self):
        """Leave a few very large losses out of the scale, and say so."""
        losses = [line.get_ydata() for line in (*self.train_lines_, *self.valid_lines_)]
        losses = np.concatenate(losses)
        limit = loss_limit(losses)
        if limit is None:
            return ""
        least, most = losses[np.isfinite(losses)].min(), losses[np.isfinite(losses)].max()
        self.ax_.set_ylim(least - 0.05 * (limit - least), limit)
        return f"\n(cut: some are up to {most:.3g})"


def _representers(estimator):
    """Yield every representer in an estimator, whatever it is wrapped in."""
    steps, last = unwrap_policy(estimator, object)
    for step in steps:
        yield from _representers(step)
    if isinstance(last, DistilledAllocator):
        check_is_fitted(last)
        yield from _representers(last.teacher_)
    elif isinstance(last, MultiTaskRepresenter):
        yield last


def _losses(history, name):
    """One loss of all networks, NaN where a network has none or has stopped."""
    losses = np.full((len(history), max(map(len, history))), np.nan)
    for row, epochs in zip(losses, history):
        row[: len(epochs)] = [epoch.get(name, np.nan) for epoch in epochs]
    return losses


def _draw_lines(ax, losses, default, given, label):
    """Draw one line for each network, with one entry in the legend for all lines."""
    from matplotlib import cbook
    from matplotlib.lines import Line2D

    # The dots show the epochs, and make a network of a single epoch visible.
    losses = np.asarray(losses)
    often = -(-losses.shape[1] // MOST_DOTS)
    default = {"marker": ".", "markersize": 3, "markevery": often, "label": label, **default}
    keywords = {**default, **cbook.normalize_kwargs(given, Line2D)}
    lines = []
    for row in losses:
        epochs = np.flatnonzero(~np.isnan(row))
        lines += ax.plot(epochs + 1, row[epochs], **keywords)
        keywords["label"] = "_nolegend_"
    return lines


def _draw_kept(ax, lines, given):
    """Draw rings at the first of the lowest losses of each line."""
    from matplotlib import cbook
    from matplotlib.lines import Line2D

    drawn = [line.get_data() for line in lines if len(line.get_xdata())]
    points = [(epochs[np.argmin(losses)], losses.min()) for epochs, losses in drawn]
    default = {
        "linestyle": "none",
        "marker": "o",
        "markersize": 8,
        "color": "black",
        "markerfacecolor": "white",
        "markeredgewidth": 1.3,
        "zorder": 2.5,
        "label": "epoch that is kept: lowest held-out loss",
    }
    keywords = {**default, **cbook.normalize_kwargs(given, Line2D)}
    return ax.plot(*np.reshape(points, (-1, 2)).T, **keywords)[0]
