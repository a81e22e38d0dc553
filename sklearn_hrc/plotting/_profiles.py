"""What clusters are like in features as they were measured, on plain arrays."""

from typing import NamedTuple

import numpy as np

__all__ = [
    "Profile",
    "columns_of",
    "profile_clusters",
    "profile_feature",
    "rank_clusters",
    "rank_features",
]

LONGEST_CATEGORY = 12


class Profile(NamedTuple):
    """One feature in every cluster.

    Attributes
    ----------
    mean : ndarray of shape (n_clusters,)
        Mean in each cluster, of categories the share of its most frequent one; NaN
        without a known value.
    overall_mean : float
        The same of all rows.
    difference : ndarray of shape (n_clusters,)
        Mean in the cluster less that of all rows, in standard deviations of all rows; of
        categories, for the category that is most frequent in the cluster.
    label : list of str
        The same as text: all rows, then each cluster.
    """

    mean: np.ndarray
    overall_mean: float
    difference: np.ndarray
    label: list


def profile_clusters(X, cluster, labels, given, features, clusters, n_features, n_clusters):
    """Compute the arrays of a display.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
        Features.
    cluster : ndarray of shape (n_samples,), int
        Index of the cluster of each row; -1 is none.
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
    order = range(len(names)) if features is not None else rank_features(difference)[:n_features]
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


def profile_feature(column, cluster, n_clusters):
    """Describe one feature in every cluster.

    Parameters
    ----------
    column : Series or ndarray of shape (n_samples,)
        Numbers, or what is taken for categories: strings and categorical series.
        Missing values are left out.
    cluster : ndarray of shape (n_samples,), int
        Index of the cluster of each row; -1 is none, and counts in all rows only.
    n_clusters : int
        Number of clusters.

    Returns
    -------
    profile : Profile
        Means, differences and texts.
    """
    numbers = _as_numbers(column)
    if numbers is None:
        return _profile_categories(column, cluster, n_clusters)
    known = ~np.isnan(numbers)
    return _profile_numbers(numbers[known], cluster[known], n_clusters)


def rank_features(difference):
    """Order features by how much they distinguish clusters.

    Parameters
    ----------
    difference : ndarray of shape (n_features, n_clusters)
        Standardised differences of the clusters that are to be told apart.

    Returns
    -------
    order : ndarray of shape (n_features,)
        Indices, those with the largest mean square difference first.
    """
    return np.argsort(-(np.nan_to_num(difference) ** 2).sum(axis=1), kind="stable")


def rank_clusters(sizes, arm, limit):
    """Choose clusters to show: the largest of every arm, then the next largest of each.

    Parameters
    ----------
    sizes : ndarray of shape (n_clusters,)
        Rows in each cluster; those without are left out.
    arm : ndarray of shape (n_clusters,), int
        Index of the arm that most of the cluster gets.
    limit : int
        How many clusters.

    Returns
    -------
    chosen : ndarray of shape (n_chosen,)
        Indices, arm by arm, in an arm the largest first.
    """
    by_arm = np.lexsort((-sizes, arm))
    by_arm = by_arm[sizes[by_arm] > 0]
    # Place of each cluster within its arm.
    turn = np.arange(len(by_arm)) - np.searchsorted(arm[by_arm], arm[by_arm])
    first = np.lexsort((-sizes[by_arm], turn))[:limit]
    return by_arm[np.sort(first)]


def _find(wanted, places, name, what):
    """Places of what is wanted, by a dictionary of what there is."""
    for each in wanted:
        if each not in places:
            raise ValueError(f"{name} is expected to hold {what}, got {each!r}.")
    return np.array([places[each] for each in wanted], dtype=int)


def _choose_columns(X, features):
    """Names and columns of the features that are given, or all."""
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


def _as_numbers(column):
    """A column as floats with NaN, or None where it has categories."""
    if hasattr(column, "cat"):
        return None
    values = np.asarray(column)
    if values.dtype.kind not in "biuf":
        known = _is_known(column)
        if values.dtype.kind != "O" or any(isinstance(value, str) for value in values[known]):
            return None
        numbers = np.full(len(values), np.nan)
        numbers[known] = values[known]
        return numbers
    return values.astype(np.float64)


def _is_known(column):
    if hasattr(column, "notna"):
        return column.notna().to_numpy()
    # NaN is the only value that differs from itself.
    return np.array([value is not None and value == value for value in np.asarray(column)])


def _profile_numbers(values, cluster, n_clusters):
    inside = cluster >= 0
    count = np.bincount(cluster[inside], minlength=n_clusters)
    overall = values.mean() if len(values) else np.nan
    # Deviations are averaged apart: beside a large mean, they would lose digits.
    mean, deviation = (
        np.divide(
            np.bincount(cluster[inside], weights=each[inside], minlength=n_clusters),
            count,
            out=np.full(n_clusters, np.nan),
            where=count > 0,
        )
        for each in (values, values - overall)
    )
    # Rounding would give a constant some spread.
    spread = values.std() if len(values) and np.ptp(values) > 0 else 0.0
    is_share = bool(np.isin(values, (0, 1)).all())
    label = _number_labels(np.append(overall, mean), spread, is_share)
    return Profile(mean, float(overall), _standardise(deviation, spread), label)


def _profile_categories(column, cluster, n_clusters):
    known = _is_known(column)
    names, code = np.unique(
        np.asarray(column, dtype=object)[known].astype(str), return_inverse=True
    )
    cluster = cluster[known]
    everyone = np.bincount(code, minlength=len(names)) / max(len(code), 1)
    inside = cluster >= 0
    cells = np.bincount(
        cluster[inside] * len(names) + code[inside], minlength=n_clusters * len(names)
    ).reshape(n_clusters, -1)
    if not len(names):
        nothing = np.full(n_clusters, np.nan)
        return Profile(nothing, np.nan, nothing, [""] * (n_clusters + 1))
    count = cells.sum(axis=1)
    share = np.full(n_clusters, np.nan)
    np.divide(cells.max(axis=1), count, out=share, where=count > 0)
    usual = everyone[cells.argmax(axis=1)]
    difference = _standardise(share - usual, np.sqrt(usual * (1 - usual)))
    most = np.append(everyone.argmax(), cells.argmax(axis=1))
    shares = np.append(everyone.max(), share)
    label = [
        f"{_shorten(names[i])}\n{100 * each:.0f} %" if each > 0 else ""
        for i, each in zip(most, shares)
    ]
    return Profile(share, float(everyone.max()), difference, label)


def _standardise(deviation, spread):
    """Deviations in units of a spread; 0 where there is none."""
    spread = np.broadcast_to(spread, deviation.shape)
    return np.divide(deviation, spread, out=deviation * 0.0, where=spread > 0)


def _number_labels(means, spread, is_share):
    """Means with as many decimals as show a tenth of the spread, or as percentages."""
    decimals = max(0, 1 - int(np.floor(np.log10(spread)))) if spread > 0 else 2
    if is_share:
        texts = [f"{100 * mean:.0f} %" for mean in means]
    else:
        # Adding zero takes the sign from what is rounded to it.
        texts = [f"{round(mean, decimals) + 0.0:,.{decimals}f}" for mean in means.tolist()]
    return ["" if np.isnan(mean) else text for mean, text in zip(means, texts)]


def _shorten(name):
    return name if len(name) <= LONGEST_CATEGORY else f"{name[: LONGEST_CATEGORY - 1]}…"
