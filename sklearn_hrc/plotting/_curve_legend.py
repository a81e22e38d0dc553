"""The legend of budget curves, which must not hide them."""

from sklearn_hrc.plotting import _curve_artists as curves
from sklearn_hrc.plotting._artists import size_of
from sklearn_hrc.plotting._text import fitted_names, wrap

__all__ = ["draw_legend"]

# Share of the axes that a legend inside may cover, and of the height that one below may take.
LARGEST_PART, LARGEST_HEIGHT = 0.15, 0.36
# Shares of the width and the height of a legend inside, where none below would be seen.
LARGEST_INSIDE = 0.5, 0.6
# Size of letters by place, as a share of the usual size, with matplotlib's name for it.
SMALL, SMALLER = (0.833, "small"), (0.694, "x-small")
# Width of a letter and height of a line in sizes of the font, and sizes of the sample of a line.
WIDE, HIGH, SAMPLE = 0.54, 1.55, 4.5
# Curves from which all rings share one entry, and inches for two columns.
MANY_CURVES, TWO_COLUMNS = 4, 5.0
# Inches that labels and ticks take beside and below the curves.
BESIDE = 0.7
# Start of the area in the label of a curve.
AREA = " (area = "


def draw_legend(ax):
    """Draw the legend inside where it is small, else below the axes, in columns."""
    from matplotlib import rcParams

    keys, labels = _entries(ax, curves.count(ax, curves.CURVE) >= MANY_CURVES)
    inches = [max(each - BESIDE, BESIDE) for each in size_of(ax)]
    width, height = (72 * each / rcParams["font.size"] for each in inches)
    longest = WIDE * max(map(len, labels)) + SAMPLE
    area = longest * HIGH * len(labels)
    if longest < 0.8 * width and area <= LARGEST_PART * width * height:
        legend = ax.legend(keys, labels)
    elif ax.figure.get_figure(root=True).get_layout_engine() is None:
        legend = _inside(ax, keys, labels, width, height)
    else:
        legend = _below(ax, keys, labels, width, height)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _inside(ax, keys, labels, width, height):
    """Small letters inside. Without a layout nothing outside of the axes would be seen."""
    part, name = SMALLER
    n_letters = (LARGEST_INSIDE[0] * width / part - SAMPLE) / WIDE
    n_lines = LARGEST_INSIDE[1] * height / part / HIGH
    return ax.legend(*_cut(keys, labels, int(n_letters), int(n_lines)), fontsize=name)


def _below(ax, keys, labels, width, height):
    """Columns below the label of the horizontal axis."""
    from matplotlib import rcParams
    from matplotlib.transforms import ScaledTranslation

    part, name = SMALL
    n_columns = 2 if width * rcParams["font.size"] / 72 >= TWO_COLUMNS else 1
    n_letters = (width / part / n_columns - SAMPLE) / WIDE
    n_lines = n_columns * int(LARGEST_HEIGHT * height / part / HIGH)
    keys, labels = _cut(keys, labels, int(n_letters), n_lines)
    # Ticks, their labels and the label of the axis stand between.
    under = ScaledTranslation(
        0, -(18 + 2.4 * rcParams["font.size"]) / 72, ax.figure.dpi_scale_trans
    )
    return ax.legend(
        keys,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=ax.transAxes + under,
        borderaxespad=0,
        fontsize=name,
        ncols=n_columns if len(labels) > 2 else 1,
        columnspacing=1.0,
        frameon=False,
    )


def _cut(keys, labels, n_letters, n_lines):
    """Entries that fit: names are cut, and of too many curves the last are counted."""
    from matplotlib.patches import Rectangle

    n_left = len(labels) - max(n_lines, 4)
    if n_left > 0:
        shared = sum(not curves.is_a(key, curves.CURVE) for key in map(_main, keys))
        end = max(len(labels) - shared - n_left - 1, 1)
        over = len(labels) - shared - end
        more = Rectangle((0, 0), 1, 1, visible=False)
        keys = [*keys[:end], more, *keys[end + over :]]
        labels = [*labels[:end], f"and {over} more", *labels[end + over :]]
    names, areas = zip(*(_apart(label) for label in labels))
    limit = max(n_letters - max(map(len, areas)), 8)
    fitted = fitted_names(names, limit)
    texts = []
    for key, label, name, area in zip(keys, labels, fitted, areas):
        if len(label) > n_letters:
            is_curve = curves.is_a(_main(key), curves.CURVE)
            label = f"{name}{area}" if is_curve else wrap(label, max(n_letters, 12), 3)
        texts.append(label)
    return keys, texts


def _apart(label):
    """Name of a curve and its area, so that only the name is cut."""
    place = label.rfind(AREA)
    return (label, "") if place < 0 else (label[:place], label[place:])


def _main(key):
    return key[-1] if isinstance(key, tuple) else key


def _entries(ax, one_ring):
    """Keys and labels: curves first, each with its budget, then their common entries."""
    from matplotlib.patches import Patch

    handles, labels = ax.get_legend_handles_labels()
    rings = [handle for handle in handles if curves.is_a(handle, curves.RING)]
    tangents = {
        line.get_gid(): line for line in ax.get_lines() if curves.is_a(line, curves.TANGENT)
    }
    entries = []
    for handle, label in zip(handles, labels):
        is_ring, is_band = (curves.is_a(handle, kind) for kind in (curves.RING, curves.BAND))
        if is_ring and one_ring:
            if handle is not rings[0]:
                continue
            label = f"{curves.CURRENT}, slope: shadow price" if tangents else curves.CURRENT
        shared = is_band or (is_ring and (one_ring or label == curves.CURRENT))
        shared = shared or curves.is_a(handle, curves.REFERENCE)
        tangent = tangents.get(f"{curves.TANGENT}-{handle.get_gid()}")
        # With several bands a grey patch stands for the band of any policy.
        band = Patch(color="0.8") if is_band and curves.count(ax, curves.BAND) > 1 else handle
        entries.append((shared, band if tangent is None else (tangent, handle), label))
    entries.sort(key=lambda entry: entry[0])
    return [key for _, key, _ in entries], [label for _, _, label in entries]
