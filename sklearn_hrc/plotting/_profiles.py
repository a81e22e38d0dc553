"""Profiles of clusters in features as they were measured, on plain arrays."""

import numpy as np

from sklearn_hrc.plotting._profile_features import profile_feature

__all__ = [
    "MOST_CLUSTERS",
    "MOST_FEATURES",
    "columns_of",
    "largest",
    "profile_clusters",
    "rank_clusters",
    "rank_features",
]

# Clusters and features that a figure shows at most.
MOST_CLUSTERS, MOST_FEATURES = 16, 30


def profile_clusters(X, cluster, labels, given, features, clusters, n_features, n_clusters):
    """Compute the arrays of a display.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
        Features.
    cluster : ndarray of shape (n_samples,), int
        Index of the cluster of each row, or -1 for none.
    labels : ndarray of shape (n_labels,)
        Labels of all clusters.
    given : None or tuple of ndarrays
        Individuals of each cluster that get each treatment, (n_labels, n_treatments), and
        the labels of the treatments, in the order in which clusters are shown.
    features, clusters, n_features, n_clusters
        As in `ClusterProfileDisplay.from_estimator`.

    Returns
    -------
    values : dict
        Keywords of `ClusterProfileDisplay`.
    """
    sizes = np.bincount(cluster[cluster >= 0], minlength=len(labels))
    if clusters is None:
        mostly = np.zeros(len(labels), dtype=int) if given is None else given[0].argmax(axis=1)
        shown = rank_clusters(sizes, mostly, n_clusters)
    else:
        places = {label: k for k, label in enumerate(labels.tolist())}
        shown = _find(clusters, places, "clusters", "labels of clusters")
    names, columns = _choose_columns(X, features)
    profiles = [profile_feature(column, cluster, len(labels)) for column in columns]
    difference = np.array([profile.difference[shown] for profile in profiles])
    order = range(len(names))
    if features is None:
        order = rank_features(difference, sizes[shown])[:n_features]
    texts = np.array([profile.label for profile in profiles], dtype=object)
    return {
        "mean": np.array([profiles[j].mean[shown] for j in order]),
        "difference": difference[order],
        "overall_mean": np.array([profiles[j].overall_mean for j in order]),
        "cell_labels": texts[np.ix_(order, np.append(0, 1 + shown))],
        "feature_names": [names[j] for j in order],
        "clusters": labels[shown],
        "shares": sizes[shown] / len(cluster),
        "arms": None if given is None else [_by_count(given[0][k], given[1]) for k in shown],
        "rest": {
            **_summarise_rest([columns[j] for j in order], cluster, sizes, shown, clusters),
            "n_features": len(columns) - len(order) if features is None else 0,
        },
    }


def largest(shares, limit=MOST_CLUSTERS):
    """Indices of the largest clusters, in their order."""
    return np.sort(np.argsort(-np.asarray(shares), kind="stable")[:limit])


def _summarise_rest(columns, cluster, sizes, shown, chosen):
    """Describe the clusters that a figure does not show as one, or nothing if some were chosen."""
    is_rest = sizes > 0
    is_rest[shown[largest(sizes[shown])]] = False
    if chosen is not None and len(chosen) <= MOST_CLUSTERS:
        is_rest[:] = False
    # The last entry is for rows of no cluster, whose index is -1.
    inside = np.append(is_rest, False)[cluster]
    parts = [profile_feature(column, inside.astype(int) - 1, 1) for column in columns]
    return {
        "n_clusters": int(is_rest.sum()),
        "share": float(inside.mean()),
        "mean": np.array([part.mean[0] for part in parts]),
        "difference": np.array([part.difference[0] for part in parts]),
        "cell_labels": [part.label[1] for part in parts],
    }


def columns_of(X):
    """Return the names and the columns of a frame or an array.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
        Features.

    Returns
    -------
    names : list
        Names of the columns, `x0`, `x1`, ... for an array.
    columns : list
        Series or one-dimensional arrays.
    """
    if hasattr(X, "iloc"):
        return list(X.columns), [X.iloc[:, j] for j in range(X.shape[1])]
    X = np.asarray(X)
    if X.ndim != 2:
        raise ValueError(f"X is expected to have two dimensions, got {X.ndim}.")
    return [f"x{j}" for j in range(X.shape[1])], list(X.T)


def rank_features(difference, sizes=None):
    """Order features by how much they distinguish clusters.

    Parameters
    ----------
    difference : ndarray of shape (n_features, n_clusters)
        Standardised differences of the clusters.
    sizes : ndarray of shape (n_clusters,), default=None
        Weights of the clusters. The mean of a tiny cluster differs by chance.

    Returns
    -------
    order : ndarray of shape (n_features,)
        Indices, the largest mean square difference first.
    """
    sizes = np.ones(difference.shape[1]) if sizes is None else sizes
    return np.argsort(-(np.nan_to_num(difference) ** 2) @ sizes, kind="stable")


def rank_clusters(sizes, arm, limit):
    """Choose clusters to show: the largest of every arm, then the next largest of each.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Rows in each cluster. Clusters without rows are left out.
    arm : ndarray of shape (n_clusters,), int
        Index of the arm that most of the cluster gets.
    limit : int
        Largest number of clusters.

    Returns
    -------
    chosen : ndarray of shape (n_chosen,)
        Indices, arm by arm, with the largest cluster of an arm first.
    """
    by_arm = np.lexsort((-sizes, arm))
    by_arm = by_arm[sizes[by_arm] > 0]
    # Place of each cluster within its arm.
    turn = np.arange(len(by_arm)) - np.searchsorted(arm[by_arm], arm[by_arm])
    first = np.lexsort((-sizes[by_arm], turn))[:limit]
    return by_arm[np.sort(first)]


def _find(wanted, places, name, what):
    """Places of wanted items, by a dictionary of all items."""
    for each in wanted:
        if each not in places:
            raise ValueError(f"{name} is expected to hold {what}, got {each!r}.")
    return np.array([places[each] for each in wanted], dtype=int)


def _choose_columns(X, features):
    """Names and columns of the given features, or of all features."""
    names, columns = columns_of(X)
    if features is None:
        return names, columns
    places = {j: j for j in range(len(names))} | {name: j for j, name in enumerate(names)}
    chosen = _find(features, places, "features", "names or indices of columns of X")
    return [names[j] for j in chosen], [columns[j] for j in chosen]


def _by_count(counts, treatments):
    """Treatments that a cluster gets, the most frequent first."""
    order = np.argsort(-counts, kind="stable")
    return treatments[order[counts[order] > 0]].tolist()
