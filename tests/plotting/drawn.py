"""Pictures as they are drawn: where texts and legends stand, and how grey a colour is."""

from itertools import combinations

import numpy as np

GREY = np.array([0.299, 0.587, 0.114])


def long_name(start):
    """Sixty letters without a space, with signs that matplotlib could read as mathematics."""
    return (f"{start}_$a$" + "x" * 60)[:60]


def texts_of(figure):
    """Boxes of all texts that are seen, by the text."""
    figure.draw_without_rendering()
    seen = []
    for ax in figure.axes:
        seen += ax.texts
        if ax.axison:
            seen += [ax.xaxis.label, ax.yaxis.label, *_labels(ax.xaxis), *_labels(ax.yaxis)]
        if ax.get_legend() is not None:
            seen += [*ax.get_legend().get_texts(), ax.get_legend().get_title()]
    shown = [text for text in seen if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent()) for text in shown]


def _labels(axis):
    """Labels of the ticks that are on the axes."""
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [label for tick in ticks for label in (tick.label1, tick.label2)]


def assert_readable(figure):
    """No text covers another one, and none is outside of the figure."""
    boxes, inside = texts_of(figure), figure.bbox
    for text, box in boxes:
        outside = max(-box.x0, -box.y0, box.x1 - inside.x1, box.y1 - inside.y1)
        assert outside <= 1, text
    for (text, box), (other, rival) in combinations(boxes, 2):
        width = min(box.x1, rival.x1) - max(box.x0, rival.x0)
        height = min(box.y1, rival.y1) - max(box.y0, rival.y0)
        assert min(width, height) <= 1, (text, other)


def part_of(legend, ax):
    """Share of the axes that a legend covers."""
    ax.figure.draw_without_rendering()
    box, place = legend.get_window_extent(), ax.get_window_extent()
    width = min(box.x1, place.x1) - max(box.x0, place.x0)
    height = min(box.y1, place.y1) - max(box.y0, place.y0)
    return max(width, 0) * max(height, 0) / (place.width * place.height)
