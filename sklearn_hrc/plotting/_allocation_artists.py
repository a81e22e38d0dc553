"""The artists of an allocation; matplotlib is imported only when one is drawn."""

import numpy as np

from sklearn_hrc.plotting._artists import ink_on, label_text

__all__ = [
    "arm_colors",
    "divide",
    "draw_arms",
    "draw_blocks",
    "draw_table",
    "name_blocks",
    "place_blocks",
    "table",
]

CONTROL_COLOR = "0.85"
# Part of the colour map for the other arms, in their order: they get darker, so
# that they differ in grey, and none is as light as the control.
LIGHTEST, DARKEST = 0.8, 0.0
# Gaps between blocks must not eat the blocks, however many there are.
GAP, GAPS_IN_ALL = 0.5, 25.0
# Percentage of individuals that a letter in the strip of arms, or above a block, is as wide as.
LETTER, SMALL_LETTER = 1.5, 1.2


def arm_colors(n_arms, cmap):
    """Colours of the control and of the other arms."""
    shades = np.linspace(DARKEST, LIGHTEST, n_arms - 1)[::-1]
    return [CONTROL_COLOR, *map(tuple, cmap(shades))]


def divide(ax):
    """Axes of gains, arms and costs, one below the other, in the place of one."""
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


def draw_blocks(ax, blocks, heights, colors, given):
    """Draw the blocks of each arm."""
    from matplotlib import cbook
    from matplotlib.patches import Rectangle

    n_blocks = sum(len(clusters) for clusters, _, _ in blocks)
    gap = {"edgecolor": "white", "linewidth": min(GAP, GAPS_IN_ALL / n_blocks)}
    given = cbook.normalize_kwargs(given, Rectangle)
    return [
        ax.bar(left, height[clusters], width, align="edge", **{"color": color, **gap, **given})
        for (clusters, left, width), height, color in zip(blocks, heights.T, colors)
    ]


def name_blocks(ax, bars, blocks, labels):
    """Write the label of its cluster above each block that is wide enough."""
    names = [label_text(label) for label in np.asarray(labels).tolist()]
    # One limit for all: otherwise short labels would look like a choice of clusters.
    enough = SMALL_LETTER * max(map(len, names))
    for arm, (clusters, _, widths) in zip(bars, blocks):
        texts = [
            names[cluster] if width >= enough else "" for cluster, width in zip(clusters, widths)
        ]
        ax.bar_label(arm, texts, padding=1, size="x-small")


def draw_arms(ax, arms, share, colors):
    """Draw the strip of arms, with their labels where there is room."""
    ax.set_ylim(0, 1)
    bars = []
    for arm, left, width, color in zip(arms, np.cumsum(share) - share, share, colors):
        bars.append(ax.bar(left, 1, width, align="edge", color=color, edgecolor="white"))
        if width >= LETTER * (len(str(arm)) + 1):
            look = {"size": "small", "color": ink_on(color)}
            ax.text(left + width / 2, 0.5, str(arm), ha="center", va="center_baseline", **look)
    return bars


def table(arms, share, cost, gain, budget):
    """Rows of the table: what the columns are, each arm, all of them."""
    names = [f"{arms[0]} (control)", *map(str, arms[1:]), "all"]
    parts = (each.sum(axis=0) for each in (share, share * cost / 100, share * gain / 100))
    share, cost, gain = (np.append(part, part.sum()) for part in parts)
    first = "" if budget is None else f"budget {budget:g}"
    return [
        (first, "share", "cost", "gain"),
        *zip(names, (f"{each:.0f} %" for each in share), _rounded(cost), _rounded(gain)),
    ]


def _rounded(values):
    """Values with as many decimals as show three digits of the last."""
    size = abs(values[-1])
    decimals = max(0, 2 - int(np.floor(np.log10(size)))) if size > 0 else 2
    # Adding zero takes the sign from what is rounded to it.
    return [f"{round(float(each), decimals) + 0.0:.{decimals}f}" for each in values]


def draw_table(ax, cells, bars):
    """Draw rows of text as a legend, those between the first and the last with a colour."""
    from matplotlib.patches import Rectangle

    widths = [max(map(len, column)) + 2 for column in zip(*cells)]
    lines = [
        row[0].ljust(widths[0]) + "".join(map(str.rjust, row[1:], widths[1:])) for row in cells
    ]
    nothing = Rectangle((0, 0), 1, 1, visible=False)
    colors = [nothing, *(bar[0] for bar in bars), nothing]
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    font = {"family": "monospace", "size": "small"}
    return ax.legend(colors, lines, prop=font, frameon=False, alignment="left", **place)
