"""What distinguishes clusters, in the original features and their units, as a figure."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.plotting import _artists, _profile_artists
from sklearn_hrc.plotting._profiles import profile_clusters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["ClusterProfileDisplay"]

# Standard deviations at which colours are full: the same in all figures.
FULL_COLOR = 1.5
# Inches of a column, of a row, of what is beside and above them, and of a letter.
CELL, BESIDE, LETTER = (0.8, 0.36), (3.0, 1.1), 0.08


class ClusterProfileDisplay:
    """What distinguishes clusters, in the original features and their units.

    A column is a cluster, with its share of the rows and the treatments that
    it gets above it; a row is a feature. A cell says the cluster's mean in the
    unit of the feature (the share of ones of a feature of zeros and ones; the
    most frequent category and its share where there are categories), and its
    colour by how many standard deviations this is above or below all rows,
    which stand in the first column; from half of one on, there is an arrow.
    Clusters are made by what individuals do under treatments, not to differ in
    features: two may look alike here. Use `from_estimator` or
    `from_predictions`; the parameters are stored as they are.

    Parameters
    ----------
    mean, difference : ndarray of shape (n_features, n_clusters)
        Mean (of categories, the largest share) in each cluster, and what it
        is above that of all rows, in standard deviations of all rows. NaN where
        nothing is known.
    overall_mean : ndarray of shape (n_features,)
        Mean (of categories, the largest share) of all rows.
    cell_labels : ndarray of shape (n_features, 1 + n_clusters), object
        Texts: all rows, then each cluster.
    feature_names : list
        Names of the features.
    clusters : ndarray of shape (n_clusters,)
        Labels of the clusters.
    shares : ndarray of shape (n_clusters,)
        Share of the rows in each cluster, from 0 to 1.
    arms : list of lists, default=None
        Treatments of each cluster, the one that most of it gets first.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        Colours of the cells.
    text_ : ndarray of shape (n_features, 1 + n_clusters), object
        Their matplotlib Text.
    ax_ : matplotlib Axes
        Axes with the cells.
    figure_ : matplotlib Figure
        Figure with the axes.

    See Also
    --------
    AllocationDisplay : What the clusters get, and what it brings.

    Examples
    --------
    >>> from sklearn_hrc.plotting import ClusterProfileDisplay
    >>> age = [[20.0], [30.0], [50.0], [60.0]]
    >>> display = ClusterProfileDisplay.from_predictions([0, 0, 1, 1], age)
    >>> display.mean, display.overall_mean
    (array([[25., 55.]]), array([40.]))
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
    ) -> None:
        self.mean = mean
        self.difference = difference
        self.overall_mean = overall_mean
        self.cell_labels = cell_labels
        self.feature_names = feature_names
        self.clusters = clusters
        self.shares = shares
        self.arms = arms

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
            one, a search over it, or a frozen one. It stays as it is.
        X : DataFrame or array-like of shape (n_samples, n_features)
            Rows as in its `predict`, with features in their own units.
        features : array-like of names or indices, default=None
            Columns of `X` to show, in this order; None is the `n_features` that
            distinguish the shown clusters most, by mean square difference.
        clusters : array-like of cluster labels, default=None
            Clusters to show, in this order; None is `n_clusters` of them: the
            largest of those that mostly get the control, the largest of each other
            treatment, then the next largest of each; ordered by treatment.
        n_features, n_clusters : int, default=8
            Largest numbers that are chosen.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : ClusterProfileDisplay
            With the arrays and the artists.

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
            As in `from_estimator`; without `arms`, the largest clusters are shown.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        display : ClusterProfileDisplay
            With the arrays and the artists.
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
            Axes to draw on, which want an inch of width for each cluster; None
            makes a new figure of the right size.
        cmap : str or matplotlib Colormap, default="RdBu_r"
            Colours of differences, symmetric about no difference.
        colorbar : bool, default=True
            Draw the scale of the colours.
        image_kwargs : dict, default=None
            Keywords for matplotlib's `imshow`; `vmin` and `vmax` are -1.5 and 1.5
            standard deviations unless given.
        text_kwargs : dict, default=None
            Keywords for matplotlib's `text` of the cells.

        Returns
        -------
        display : ClusterProfileDisplay
            This object.
        """
        plt = _artists.require_matplotlib(f"{type(self).__name__}.plot")
        if ax is None:
            _, ax = plt.subplots(figsize=self._size(), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        look = {"vmin": -FULL_COLOR, "vmax": FULL_COLOR, "aspect": "auto"}
        self.image_ = ax.imshow(self.difference, cmap=cmap, **{**look, **(image_kwargs or {})})
        self.text_ = _profile_artists.write_cells(
            ax, self.image_, self.difference, self.cell_labels, text_kwargs
        )
        _profile_artists.write_heads(ax, self.clusters, self.shares, self.arms)
        names = list(map(str, self.feature_names))
        ax.set_yticks(range(len(names)), names, parse_math=False)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        if colorbar:
            bar = ax.figure.colorbar(self.image_, ax=ax, extend="both")
            bar.set_label("mean above that of all,\nin standard deviations")
        return self

    def _size(self):
        """Inches of a figure of its own, in which names of treatments do not touch."""
        n_features, n_clusters = np.shape(self.difference)
        longest = max((len(str(arm)) for arms in self.arms or [] for arm in arms), default=0)
        cell = max(CELL[0], LETTER * (longest + 1))
        return cell * (1 + n_clusters) + BESIDE[0], CELL[1] * (1 + n_features) + BESIDE[1]
