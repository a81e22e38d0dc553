"""What the cells, heads and notes of cluster profiles say, before they are drawn."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc.plotting._profiles import MOST_FEATURES, largest
from sklearn_hrc.plotting._text import label_text, one_line, percent

__all__ = ["Cells", "cells_of"]

# Standard deviations from which a cell has an arrow, since colours vanish in grey prints.
ARROW = 0.5
# Treatments in a head. The others are counted.
MOST_ARMS = 3


class Cells(NamedTuple):
    """The rows and columns that are drawn.

    Attributes
    ----------
    difference : ndarray of shape (n_rows, n_columns)
        Differences that the colours show.
    texts : ndarray of shape (n_rows, 1 + n_columns), object
        Texts of all rows, then of the columns.
    names : list of str
        Names of the features.
    heads : list of list
        Lines of the heads: a name, then a text for all rows and each column.
    breaks : list of int
        Columns that stand apart from the column before.
    notes : list of str
        What signs mean, and what is not drawn.
    """

    difference: np.ndarray
    texts: np.ndarray
    names: list
    heads: list
    breaks: list
    notes: list


def cells_of(display):
    """Choose what of a display is drawn, and write it.

    Parameters
    ----------
    display : ClusterProfileDisplay
        Display with its parameters.

    Returns
    -------
    cells : Cells
        Rows and columns.
    """
    shares = np.asarray(display.shares)
    shown, n_rows = largest(shares), min(len(display.feature_names), MOST_FEATURES)
    difference = np.asarray(display.difference)[:n_rows, shown]
    labels = np.asarray(display.cell_labels)[:n_rows][:, np.append(0, 1 + shown)]
    heads = [
        [
            "cluster",
            "all",
            *(label_text(each) for each in np.asarray(display.clusters)[shown].tolist()),
        ],
        ["share", "", *(percent(each, 1) for each in shares[shown])],
    ]
    arms = None if display.arms is None else [display.arms[k] for k in shown]
    breaks = []
    if arms is not None:
        heads += _arm_lines(arms)
        breaks = [k for k in range(1, len(arms)) if arms[k][:1] != arms[k - 1][:1]]
    rest = display.rest or {}
    if rest.get("n_clusters"):
        difference = np.column_stack([difference, rest["difference"][:n_rows]])
        labels = np.column_stack([labels, rest["cell_labels"][:n_rows]])
        ends = [f"{rest['n_clusters']} others", percent(rest["share"], 1)]
        heads = [[*line, end] for line, end in zip(heads, [*ends, *[""] * len(heads)])]
        breaks.append(len(shown))
    names = [one_line(name) for name in display.feature_names[:n_rows]]
    notes = _notes(display, difference, labels, len(shown))
    return Cells(difference, _with_arrows(labels, difference), names, heads, breaks, notes)


def _arm_lines(arms):
    """A line for each treatment, and as many lines in all heads, keep heads apart and level."""
    lines = []
    for place in range(min(MOST_ARMS, max(map(len, arms)))):
        names = [label_text(each[place]) if place < len(each) else "" for each in arms]
        if place == MOST_ARMS - 1:
            over = [len(each) - place for each in arms]
            names = [f"{n} more" if n > 1 else name for n, name in zip(over, names)]
        lines.append(["" if place else "gets", "", *names])
    return lines


def _with_arrows(labels, difference):
    texts = np.empty(labels.shape, dtype=object)
    for (row, column), label in np.ndenumerate(labels):
        value = difference[row, column - 1] if column else 0.0
        arrow = " \u25b2" if value >= ARROW else " \u25bc" if value <= -ARROW else ""
        # A dash says that nothing is known. An empty cell would look like a fault.
        texts[row, column] = f"{label}{arrow}" if label else "\u2013"
    return texts


def _notes(display, difference, labels, n_shown):
    notes, rest = [], display.rest or {}
    if (np.abs(np.nan_to_num(difference)) >= ARROW).any():
        notes.append(f"\u25b2 \u25bc: at least {ARROW:g} standard deviations from all")
    if any("%" in label for label in labels.flat):
        notes.append("%: share of ones, or of the most frequent category")
    n_clusters = n_shown + (rest.get("n_clusters") or len(display.shares) - n_shown)
    n_rows, n_features = len(difference), len(display.feature_names) + rest.get("n_features", 0)
    if n_clusters > n_shown or n_features > n_rows:
        notes.append(
            f"shown: {n_shown} of {n_clusters} clusters, {n_rows} of {n_features} features"
        )
    return notes
