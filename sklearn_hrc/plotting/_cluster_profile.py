"""Figure of what distinguishes clusters, in the original features and their units."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.plotting import _artists, _profile_artists
from sklearn_hrc.plotting._profile_table import cells_of
from sklearn_hrc.plotting._profiles import profile_clusters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["ClusterProfileDisplay"]

# Standard deviations at which colours are full, the same in all figures.
FULL_COLOR = 1.5


class ClusterProfileDisplay:
    """Profiles of clusters, in the original features and their units.

    A column is a cluster. Above it stand the cluster's share of the rows and its
    treatments. A row is a feature. A cell has the cluster's mean in the unit of the
    feature. For a feature of zeros and ones it has the share of ones, and for
    categories the most frequent category and its share. The colour says by how many
    standard deviations the cluster is above or below all rows, which stand in the
    first column. From half a standard deviation on, there is an arrow.
    Clusters are made by what individuals do under treatments, not to differ in
    features, so two clusters may look alike here. The last column sums the clusters that
    are not shown. At most 16 clusters, the largest, and 30 features are drawn, whatever
    the arrays hold, and a line below says how many there are. Use `from_estimator` or
    `from_predictions`. The parameters are stored as they are.

    Parameters
    ----------
    mean, difference : ndarray of shape (n_features, n_clusters)
        Mean (of categories, the largest share) in each cluster, and its
        difference to all rows, in standard deviations of all rows. NaN where
        nothing is known.
    overall_mean : ndarray of shape (n_features,)
        Mean (of categories, the largest share) of all rows.
    cell_labels : ndarray of shape (n_features, 1 + n_clusters), object
        Texts for all rows, then for each cluster.
    feature_names : list
        Names of the features.
    clusters : ndarray of shape (n_clusters,)
        Labels of the clusters.
    shares : ndarray of shape (n_clusters,)
        Share of the rows in each cluster, from 0 to 1.
    arms : list of lists, default=None
        Treatments of each cluster, the most frequent treatment first.
    rest : dict, default=None
        The clusters that are not drawn, as one: their number `n_clusters`, their `share`,
        `mean`, `difference` and `cell_labels` of each feature, and the number of features
        that are not shown, `n_features`.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        Colours of the cells.
    text_ : ndarray of shape (n_rows, 1 + n_columns), object
        The matplotlib Text of each cell that is drawn.
    ax_ : matplotlib Axes
        Axes with the cells.
    figure_ : matplotlib Figure
        Figure with the axes.

    See Also
    --------
    AllocationDisplay : Arms of the clusters, with their costs and gains.

    Examples
    --------
    >>> from sklearn_hrc.plotting import ClusterProfileDisplay
    >>> age = [[20.0], [30.0], [50.0], [60.0]]
    >>> display = ClusterProfileDisplay.from_predictions([0, 0, 1, 1], age)
    >>> display.mean, display.overall_mean
    (array([[25., 55.]]), array([40.]))

    Clusters that are not drawn are one column, "2 others":

    >>> display = ClusterProfileDisplay.from_predictions([0, 0, 1, 2], age, n_clusters=1)
    >>> display.rest["n_clusters"], display.rest["share"], display.rest["mean"]
    (2, 0.5, array([55.]))
    """

    def __init__(
        self,
        *,
        mean: NDArray[Any],
        difference: NDArray[Any],
        overall_mean: NDArray[Any],
        cell_labels: NDArray[Any],
        feature_names: list[Any],
        clusters: NDArray[Any],
        shares: NDArray[Any],
        arms: list[list[Any]] | None = None,
        rest: dict[str, Any] | None = None,
    ) -> None:
        self.mean = mean
        self.difference = difference
        self.overall_mean = overall_mean
        self.cell_labels = cell_labels
        self.feature_names = feature_names
        self.clusters = clusters
        self.shares = shares
        self.arms = arms
        self.rest = rest

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        *,
        features: ArrayLike | None = None,
        clusters: ArrayLike | None = None,
        n_features: int = 8,
        n_clusters: int = 8,
        ax: "Axes | None" = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Draw the clusters of a fitted policy.

        Parameters
        ----------
        estimator : estimator
            A fitted policy: :class:`~sklearn_hrc.ClusterBudgetAllocator`,
            :class:`~sklearn_hrc.DistilledAllocator`, a pipeline that ends in
            one, a search over it, or a frozen one. It does not change.
        X : DataFrame or array-like of shape (n_samples, n_features)
            Rows as in the `predict` of the policy, with features in their own units.
        features : array-like of names or indices, default=None
            Columns of `X` to show, in this order. None chooses the `n_features` columns
            that distinguish the shown clusters most, by mean square difference, in
            which clusters count by their size.
        clusters : array-like of cluster labels, default=None
            Clusters to show, in this order. None chooses `n_clusters` clusters, ordered by
            treatment: first the largest cluster of each treatment, the control among
            them, then the next largest of each. The others are summed in a column.
        n_features, n_clusters : int, default=8
            Largest numbers of features and clusters that are chosen.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : ClusterProfileDisplay
            Display with the arrays and the artists.

        Raises
        ------
        ValueError
            If the estimator is no policy, or has no such cluster, or `X` no such
            feature.

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer
        >>> from sklearn_hrc.datasets import make_coupon_experiment
        >>> from sklearn_hrc.plotting import ClusterProfileDisplay
        >>> e = make_coupon_experiment(2000, n_treatments=3, random_state=0)
        >>> policy = make_pipeline(
        ...     HiddenClusterer(n_clusters=3, metric="euclidean", random_state=0),
        ...     ClusterBudgetAllocator(budget=0.5, estimation="pooled"))
        >>> rows = {"hiddenclusterer__treatment": e.treatment,
        ...         "clusterbudgetallocator__treatment": e.treatment,
        ...         "clusterbudgetallocator__cost": e.cost}
        >>> policy = policy.fit(e.data, e.target, **rows)
        >>> ClusterProfileDisplay.from_estimator(policy, e.data, features=[0, 6]).mean.shape
        (2, 3)
        """
        _artists.require_matplotlib(f"{cls.__name__}.from_estimator")
        steps, policy = unwrap_policy(estimator)
        check_is_fitted(policy)
        allocator = policy._fitted_allocator
        cluster, _ = policy._locate(policy._check_X(transform_through(steps, X)))
        first = np.argsort(allocator.treatments_ != allocator.control_, kind="stable")
        given = allocator.allocation_[:, first], allocator.treatments_[first]
        values = profile_clusters(
            X, cluster, allocator.clusters_, given, features, clusters, n_features, n_clusters
        )
        return cls(**values).plot(ax, **plot_kwargs)

    @classmethod
    def from_predictions(
        cls,
        labels: ArrayLike,
        X: ArrayLike,
        *,
        arms: ArrayLike | None = None,
        features: ArrayLike | None = None,
        clusters: ArrayLike | None = None,
        n_features: int = 8,
        n_clusters: int = 8,
        ax: "Axes | None" = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Draw the clusters of any clusterer.

        Parameters
        ----------
        labels : array-like of shape (n_samples,)
            Cluster of each row.
        X : DataFrame or array-like of shape (n_samples, n_features)
            The rows, with features in their own units.
        arms : array-like of shape (n_samples,), default=None
            Treatment that each row gets, shown above the clusters.
        features, clusters, n_features, n_clusters : optional
            As in `from_estimator`. Without `arms` the largest clusters are shown.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : ClusterProfileDisplay
            Display with the arrays and the artists.
        """
        _artists.require_matplotlib(f"{cls.__name__}.from_predictions")
        check_consistent_length(labels, X, arms)
        known, cluster = np.unique(np.asarray(labels), return_inverse=True)
        given = None
        if arms is not None:
            treatments, arm = np.unique(np.asarray(arms), return_inverse=True)
            shape = len(known), len(treatments)
            cell = np.ravel_multi_index((cluster, arm), shape)
            given = np.bincount(cell, minlength=np.prod(shape)).reshape(shape), treatments
        values = profile_clusters(
            X, cluster, known, given, features, clusters, n_features, n_clusters
        )
        return cls(**values).plot(ax, **plot_kwargs)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        cmap: "str | Colormap" = "RdBu_r",
        colorbar: bool = True,
        image_kwargs: dict[str, Any] | None = None,
        text_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the cells.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on, which need an inch of width for each cluster. None
            makes a new figure of the right size.
        cmap : str or matplotlib Colormap, default="RdBu_r"
            Colours of differences, symmetric about zero.
        colorbar : bool, default=True
            Whether to draw the scale of the colours.
        image_kwargs : dict, default=None
            Keywords for matplotlib's `imshow`. `vmin` and `vmax` are -1.5 and 1.5
            standard deviations unless given.
        text_kwargs : dict, default=None
            Keywords of the cells for matplotlib's `text`.

        Returns
        -------
        display : ClusterProfileDisplay
            This object.
        """
        plt = _artists.require_matplotlib(f"{type(self).__name__}.plot")
        cells = cells_of(self)
        size = _profile_artists.figure_size(cells)
        if ax is None:
            _, ax = plt.subplots(figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        fit = _profile_artists.fit_of(cells, size, _artists.size_of(ax))
        look = {"vmin": -FULL_COLOR, "vmax": FULL_COLOR, "aspect": "auto"}
        self.image_ = ax.imshow(cells.difference, cmap=cmap, **{**look, **(image_kwargs or {})})
        self.text_ = _profile_artists.write_cells(ax, self.image_, cells, fit, text_kwargs)
        _profile_artists.write_heads(ax, cells, fit)
        _profile_artists.write_names(ax, cells, fit)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        if colorbar:
            bar = ax.figure.colorbar(self.image_, ax=ax, extend="both")
            bar.set_label("mean or share above that of all,\nin standard deviations")
        return self
