"""Find clusters: coordinates of the metric, and centres in them."""

from sklearn.cluster import KMeans

from sklearn_hrc._columns import take_apart
from sklearn_hrc._decision_coordinates import (
    decision_directions,
    fit_decision_map,
    fit_effect_scale,
)
from sklearn_hrc._nearest_cluster import Clustering, coordinates_of, response_and_cost
from sklearn_hrc._regret_clusters import ROWS_A_CENTRE, regret_centres
from sklearn_hrc._regrets import fit_regret_scale

__all__ = ["find_clusters"]

# k-means stops here at the latest. On 30,000 rows x 32 columns, K = 64 and 256,
# the inertia is then within 0.1 % of that after convergence (which takes two to
# four times as long) and 4 % below that of mini-batches, which save 40 % of the
# time but draw rows whatever their weights. More initialisations gain 0.1 %.
MAX_ITERATIONS = 50


def find_clusters(X, outcomes, metric, n_clusters, weight, random_state):
    """Fit the coordinates, and find the centres in them.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
        Rows `[H | D | Q]`, or other columns.
    outcomes : tuple
        Layout of `X`, coefficients of response and cost, and known prices of the arms, as in
        `Clustering`.
    metric : {"regret", "decision", "euclidean", "effects"}
        As in :class:`~sklearn_hrc.HiddenClusterer`.
    n_clusters : int
        Number of clusters, at most `n_samples`.
    weight : ndarray of shape (n_samples,)
        Positive weights.
    random_state : RandomState
        Random features, first centres, and rows that are enough for regrets.

    Returns
    -------
    clustering : Clustering
        With its centres. Its metric is "euclidean" where nothing else tells rows apart.
    """
    scale = None
    if metric != "euclidean" and outcomes[0].n_outcomes:
        scale = fit_effect_scale(*response_and_cost(X, *outcomes), weight)
    if scale is None or scale.size == 0:
        return _by_k_means(X, _of_hidden(outcomes), n_clusters, weight, random_state)
    if metric == "regret":
        return _by_regret(X, outcomes, scale.units, n_clusters, weight, random_state)
    clustering, weight = _directions(X, outcomes, metric, scale, weight, random_state)
    return _by_k_means(X, clustering, n_clusters, weight, random_state)


def _of_hidden(outcomes):
    return Clustering("euclidean", outcomes[0], None, None, None, None)


def _by_k_means(X, clustering, n_clusters, weight, random_state):
    kmeans = KMeans(n_clusters, n_init=1, max_iter=MAX_ITERATIONS, random_state=random_state)
    kmeans.fit(coordinates_of(X, clustering), sample_weight=weight)
    return clustering._replace(centres=kmeans.cluster_centers_)


def _by_regret(X, outcomes, units, n_clusters, weight, random_state):
    """Find prices and clusters of least regret, of as many rows as they need."""
    if len(X) > ROWS_A_CENTRE * n_clusters:
        drawn = random_state.choice(len(X), ROWS_A_CENTRE * n_clusters, replace=False)
        X, weight = X[drawn], weight[drawn]
    scale = fit_regret_scale(*response_and_cost(X, *outcomes), weight, units, n_clusters)
    clustering = Clustering("regret", *outcomes, scale, None)
    rows = coordinates_of(X, clustering)
    centres = regret_centres(rows, n_clusters, outcomes[0].n_treatments, weight, random_state)
    return clustering._replace(centres=centres)


def _directions(X, outcomes, metric, scale, weight, random_state):
    """Fit coordinates of directions, and return them with the weights of rows in the clustering."""
    directions, size = decision_directions(*response_and_cost(X, *outcomes), scale)
    by_size = weight * size
    if metric == "effects":
        return Clustering("effects", *outcomes, scale, None), by_size
    hidden = take_apart(X, outcomes[0])[0]
    decision_map = fit_decision_map(hidden, directions, by_size, random_state)
    if not decision_map.slopes.any():
        return _of_hidden(outcomes), weight
    return _of_hidden(outcomes)._replace(metric="decision", decision_map=decision_map), by_size
