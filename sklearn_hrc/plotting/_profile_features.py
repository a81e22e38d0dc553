"""One feature in every cluster, in the unit in which it was measured, on plain arrays."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc.plotting._text import fitted_names, percent

__all__ = ["Profile", "profile_feature"]

LONGEST_CATEGORY = 12
# Letters of a mean in full. Longer ones have four digits and a power of ten.
LONGEST_NUMBER = 11


class Profile(NamedTuple):
    """One feature in every cluster.

    Attributes
    ----------
    mean : ndarray of shape (n_clusters,)
        Mean in each cluster, or of categories the share of the most frequent category. NaN
        without a known value.
    overall_mean : float
        Mean or share of all rows.
    difference : ndarray of shape (n_clusters,)
        Mean in the cluster less that of all rows, in standard deviations of all rows. Of
        categories, the difference for the category that is most frequent in the cluster.
    label : list of str
        Mean or share as text, for all rows, then for each cluster.
    """

    mean: np.ndarray
    overall_mean: float
    difference: np.ndarray
    label: list


def profile_feature(column, cluster, n_clusters):
    """Describe one feature in every cluster.

    Parameters
    ----------
    column : Series or ndarray of shape (n_samples,)
        Numbers, or categories as strings or a categorical series.
        Missing values are left out.
    cluster : ndarray of shape (n_samples,), int
        Index of the cluster of each row, or -1 for none. Rows of no cluster count in all rows only.
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


def _as_numbers(column):
    """Column as floats with NaN, or None if it has categories."""
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
    # Deviations have averages of their own, since they would lose digits beside a large mean.
    mean, deviation = (
        np.divide(
            np.bincount(cluster[inside], weights=each[inside], minlength=n_clusters),
            count,
            out=np.full(n_clusters, np.nan),
            where=count > 0,
        )
        for each in (values, values - overall)
    )
    # Rounding would give a constant some spread, so test its range.
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
    texts = fitted_names(names.tolist(), LONGEST_CATEGORY)
    label = [f"{texts[i]}\n{percent(each)}" if each > 0 else "" for i, each in zip(most, shares)]
    return Profile(share, float(everyone.max()), difference, label)


def _standardise(deviation, spread):
    """Deviations in units of a spread, 0 where the spread is zero."""
    spread = np.broadcast_to(spread, deviation.shape)
    return np.divide(deviation, spread, out=deviation * 0.0, where=spread > 0)


def _number_labels(means, spread, is_share):
    """Means as percentages, or with as many decimals as show a tenth of the spread."""
    decimals = max(0, 1 - int(np.floor(np.log10(spread)))) if spread > 0 else 2
    if is_share:
        texts = [percent(mean) for mean in means]
    else:
        # Adding zero removes the sign of a negative mean that is rounded to zero.
        texts = [f"{round(mean, decimals) + 0.0:,.{decimals}f}" for mean in means.tolist()]
        if max(map(len, texts)) > LONGEST_NUMBER:
            texts = [f"{mean:.4g}" for mean in means.tolist()]
    return ["" if np.isnan(mean) else text for mean, text in zip(means, texts)]
