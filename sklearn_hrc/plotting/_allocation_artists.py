"""Artists of an allocation. matplotlib is imported only when one is drawn."""

import numpy as np

from sklearn_hrc.plotting._artists import ink_on, size_of
from sklearn_hrc.plotting._text import fitted_names, one_line

__all__ = [
    "arm_colors",
    "arm_hatches",
    "divide",
    "draw_arms",
    "draw_blocks",
    "flat",
    "name_blocks",
    "place_blocks",
]

CONTROL_COLOR = "0.85"
# Part of the colour map for the other arms, in their order. The arms get darker, so
# they also differ in grey, and none is as light as the control.
LIGHTEST, DARKEST = 0.8, 0.0
# Widths of the gap between blocks and of all gaps. Many gaps must not hide the blocks.
GAP, GAPS_IN_ALL = 0.5, 25.0
# Hatches that neighbours take in turn where their shades are too near for a grey print: none of
# few arms, two of some, four of many.
HATCHES = (None,), (None, "////"), (None, "////", "xxxx", "....")
FEW_ARMS, SOME_ARMS = 6, 14
# Inches of a letter in the strip of arms and above a block.
LETTER, SMALL_LETTER = 0.084, 0.067
# Inches that labels and ticks take beside the blocks.
BESIDE = 0.8
# Letters of a cluster's label above its block.
LONGEST_CLUSTER = 10


def arm_colors(n_arms, cmap):
    """Colours of the control and of the other arms."""
    shades = np.linspace(DARKEST, LIGHTEST, n_arms - 1)[::-1]
    return [CONTROL_COLOR, *map(tuple, cmap(shades))]


def arm_hatches(n_arms):
    """Hatches of the control and of the other arms."""
    few, some = n_arms <= FEW_ARMS, n_arms <= SOME_ARMS
    turns = HATCHES[0 if few else 1 if some else 2]
    return [None, *(turns[k % len(turns)] for k in range(n_arms - 1))]


def divide(ax):
    """Axes of gains, arms and costs, one below the other, in the place of `ax`."""
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


def place_blocks(share, gain):
    """Clusters of each arm by falling gain, and the left ends and widths of their blocks."""
    blocks, start = [], 0.0
    for part, height in zip(share.T, gain.T):
        clusters = np.flatnonzero(part)
        clusters = clusters[np.argsort(-height[clusters], kind="stable")]
        width = part[clusters]
        blocks.append((clusters, start + np.cumsum(width) - width, width))
        start += width.sum()
    return blocks


def flat(blocks, heights):
    """Left ends, heights and widths of the blocks of all arms."""
    parts = [
        (left, height[clusters], width)
        for (clusters, left, width), height in zip(blocks, heights.T)
    ]
    return tuple(map(np.concatenate, zip(*parts)))


def draw_blocks(ax, blocks, heights, looks, given):
    """Draw the blocks of each arm."""
    from matplotlib import cbook
    from matplotlib.patches import Rectangle

    n_blocks = sum(len(clusters) for clusters, _, _ in blocks)
    gap = {"edgecolor": "white", "linewidth": min(GAP, GAPS_IN_ALL / n_blocks)}
    given = cbook.normalize_kwargs(given, Rectangle)
    return [
        ax.bar(left, height[clusters], width, align="edge", **{**look, **gap, **given})
        for (clusters, left, width), height, look in zip(blocks, heights.T, looks)
    ]


def name_blocks(ax, bars, blocks, labels):
    """Write the label of its cluster above each block that is wide enough."""
    names = fitted_names(np.asarray(labels).tolist(), LONGEST_CLUSTER)
    # All labels have one limit, since short labels alone would look like a choice of clusters.
    enough = _in_percent(ax, SMALL_LETTER) * max(map(len, names))
    for arm, (clusters, _, widths) in zip(bars, blocks):
        texts = [
            names[cluster] if width >= enough else "" for cluster, width in zip(clusters, widths)
        ]
        ax.bar_label(arm, texts, padding=1, size="x-small", parse_math=False)


def draw_arms(ax, arms, share, looks):
    """Draw the strip of arms, with labels where there is room."""
    ax.set_ylim(0, 1)
    bars, letter = [], _in_percent(ax, LETTER)
    for arm, left, width, look in zip(map(one_line, arms), np.cumsum(share) - share, share, looks):
        bars.append(ax.bar(left, 1, width, align="edge", edgecolor="white", **look))
        if width >= letter * (len(arm) + 1):
            _name_arm(ax, arm, left + width / 2, look)
    return bars


def _name_arm(ax, arm, place, look):
    text = {"size": "small", "color": ink_on(look["color"]), "parse_math": False}
    if look["hatch"]:  # Letters are not readable on a hatch.
        text["bbox"] = {"facecolor": look["color"], "linewidth": 0, "pad": 0.8}
    ax.text(place, 0.5, arm, ha="center", va="center_baseline", **text)


def _in_percent(ax, inches):
    """Inches along the blocks as per cent of the individuals."""
    return 100 * inches / max(size_of(ax)[0] - BESIDE, BESIDE)
