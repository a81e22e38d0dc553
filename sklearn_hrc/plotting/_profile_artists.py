"""The artists of cluster profiles; matplotlib is imported only when one is drawn."""

import numpy as np

from sklearn_hrc.plotting._artists import ink_on, label_text

__all__ = ["write_cells", "write_heads"]

# Standard deviations from which an arrow says what in grey the colour does not.
ARROW = 0.5
# Where what the lines of the heads say ends, left of the column of all rows.
LEFT = -1.6


def write_cells(ax, image, difference, labels, given):
    """Write all rows in a column before the image, and the clusters on it.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to write.
    image : matplotlib AxesImage
        Colours of the clusters' cells.
    difference : ndarray of shape (n_features, n_clusters)
        What they show.
    labels : ndarray of shape (n_features, 1 + n_clusters)
        The texts.
    given : dict or None
        The user's keywords.

    Returns
    -------
    texts : ndarray of shape (n_features, 1 + n_clusters), object
        Artists.
    """
    from matplotlib import cbook
    from matplotlib.text import Text

    # Names of categories may hold dollars.
    default = {"ha": "center", "va": "center", "size": "small", "parse_math": False}
    given = cbook.normalize_kwargs(given, Text)
    default = {**cbook.normalize_kwargs(default, Text), **given}
    texts = np.empty(labels.shape, dtype=object)
    for (row, column), label in np.ndenumerate(labels):
        look, arrow = {"color": "black"}, ""
        if column and np.isfinite(difference[row, column - 1]):
            value = difference[row, column - 1]
            look["color"] = ink_on(image.to_rgba(value))
            arrow = " \u25b2" if value >= ARROW else " \u25bc" if value <= -ARROW else ""
        texts[row, column] = ax.text(column - 1, row, f"{label}{arrow}", **{**look, **default})
    return texts


def write_heads(ax, clusters, shares, arms):
    """Write what each column is above it, and divide those of different treatments.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to write.
    clusters : ndarray of shape (n_clusters,)
        Labels of the clusters.
    shares : ndarray of shape (n_clusters,)
        Their shares of the rows.
    arms : list of lists or None
        Treatments of each cluster.
    """
    clusters = np.asarray(clusters).tolist()
    lines = [
        ["cluster", "all", *map(label_text, clusters)],
        ["share", "", *(f"{100 * each:.1f} %" for each in shares)],
    ]
    if arms is not None:
        # Lines below each other, in all heads as many, keep them apart and level.
        for place in range(max(map(len, arms))):
            names = [label_text(each[place]) if place < len(each) else "" for each in arms]
            lines.append(["" if place else "gets", "", *names])
        for k in range(1, len(arms)):
            if arms[k][:1] != arms[k - 1][:1]:
                ax.axvline(k - 0.5, color="white", linewidth=4)
    heads = ["\n".join(column) for column in zip(*lines)]
    ax.set_xlim(LEFT, len(clusters) - 0.5)
    ax.xaxis.tick_top()
    ax.set_xticks([LEFT, *range(-1, len(clusters))], heads, size="small", parse_math=False)
    ax.get_xticklabels()[0].set_ha("right")
