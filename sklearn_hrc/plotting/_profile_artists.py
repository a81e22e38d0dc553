"""Artists of cluster profiles. matplotlib is imported only when one is drawn."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc.plotting._artists import ink_on
from sklearn_hrc.plotting._text import wrap

__all__ = ["Fit", "figure_size", "fit_of", "write_cells", "write_heads", "write_names"]

# Right end of the names of the lines in the heads, left of the column of all rows.
LEFT = -1.6
# Inches of the narrowest and widest column, of a row, of the widest figure, of the scale of
# colours beside the cells and of gaps above them, of a line of text and of a letter.
NARROWEST, WIDEST, ROW, WIDEST_FIGURE = 0.8, 1.4, 0.36, 20.0
SCALE, ABOVE, LINE, LETTER = 1.5, 0.5, 0.15, 0.08
# Letters of a name, and lines of a name beside a row and in a head.
NAME, NAME_LINES, HEAD_LINES = 24, 2, 2
# Letters of the widest text that the font gets smaller for, and of heads, which can be wrapped, and
# the smallest size in points.
LETTERS, SHORT, SMALLEST = 11, 7, 4.0


class Fit(NamedTuple):
    """Letters and lines that fit into a column, a row and a note, and the font size."""

    letters: int
    lines: int
    note: int
    size: float


def figure_size(cells):
    """Inches of a new figure in which texts do not touch."""
    n_rows, n_columns = cells.difference.shape
    column = float(np.clip(LETTER * (_longest(cells) + 1), NARROWEST, WIDEST))
    width = min(column * (1 + n_columns) + _beside(cells), WIDEST_FIGURE)
    n_lines = sum(_lines_of(line, int(column / LETTER)) for line in cells.heads)
    beside = ABOVE + LINE * (n_lines + len(cells.notes))
    return width, ROW * (1 + n_rows) + beside


def fit_of(cells, size, place):
    """Fit texts to the place of the axes.

    Parameters
    ----------
    cells : Cells
        What is drawn.
    size : tuple of float
        Inches that the cells would like to have.
    place : ndarray of shape (2,)
        Inches of the axes with their labels.

    Returns
    -------
    fit : Fit
        Letters, lines and font size.
    """
    from matplotlib import rcParams

    n_columns = cells.difference.shape[1]
    width, height = np.minimum(size, place)
    column = max(width - _beside(cells), width / 3) / (1 + n_columns)
    row = ROW * height / size[1]
    letters = column / LETTER
    scale = min(1.0, letters / min(LETTERS, _longest(cells, SHORT) + 1), 1.1 * row / ROW)
    points = max(SMALLEST, 0.833 * rcParams["font.size"] * scale)
    scale = points / (0.833 * rcParams["font.size"])
    note = max(30, int(column * (n_columns - LEFT) / (0.9 * LETTER * scale)))
    return Fit(max(4, int(letters / scale)), NAME_LINES if row > 0.3 * scale else 1, note, points)


def _longest(cells, limit=np.inf):
    """Letters of the longest line in a cell or a head, of which only a limit may count."""
    lines = [line for text in cells.texts.flat for line in text.split("\n")]
    heads = max(len(text) for line in cells.heads for text in line[1:])
    return int(max([min(heads, limit), *map(len, lines)]))


def _beside(cells):
    """Inches of names and of the scale of colours."""
    longest = max((len(name) for name in cells.names), default=0)
    return SCALE + LETTER * float(np.clip(longest + 1, 10, NAME))


def _lines_of(line, letters):
    return max(wrap(text, letters, HEAD_LINES).count("\n") for text in line[1:]) + 1


def write_cells(ax, image, cells, fit, given):
    """Write the texts of all rows in a column before the image, and of the clusters on it.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to write on.
    image : matplotlib AxesImage
        Colours of the clusters' cells.
    cells : Cells
        Differences that the colours show, and the texts.
    fit : Fit
        Font size.
    given : dict or None
        The user's keywords.

    Returns
    -------
    texts : ndarray of shape (n_rows, 1 + n_columns), object
        Artists.
    """
    from matplotlib import cbook
    from matplotlib.text import Text

    # Names of categories may hold dollars.
    default = {"ha": "center", "va": "center", "size": fit.size, "parse_math": False}
    given = cbook.normalize_kwargs(given, Text)
    default = {**cbook.normalize_kwargs(default, Text), **given}
    texts = np.empty(cells.texts.shape, dtype=object)
    for (row, column), text in np.ndenumerate(cells.texts):
        look = {"color": "black"}
        if column and np.isfinite(cells.difference[row, column - 1]):
            look["color"] = ink_on(image.to_rgba(cells.difference[row, column - 1]))
        texts[row, column] = ax.text(column - 1, row, text, **{**look, **default})
    for column in cells.breaks:
        ax.axvline(column - 0.5, color="white", linewidth=4)
    return texts


def write_heads(ax, cells, fit):
    """Write the head of each column above it, and the notes below all.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to write on.
    cells : Cells
        Heads and notes.
    fit : Fit
        Letters that fit, and font size.
    """
    columns = []
    for line in cells.heads:
        n_lines = _lines_of(line, fit.letters)
        texts = [line[0], *(wrap(text, fit.letters, HEAD_LINES) for text in line[1:])]
        columns.append([text + "\n" * (n_lines - 1 - text.count("\n")) for text in texts])
    heads = ["\n".join(column) for column in zip(*columns)]
    ax.set_xlim(LEFT, len(heads) - 2.5)
    ax.xaxis.tick_top()
    ax.set_xticks([LEFT, *range(-1, len(heads) - 2)], heads, size=fit.size, parse_math=False)
    ax.get_xticklabels()[0].set_ha("right")
    notes = "\n".join(wrap(note, fit.note, 3) for note in cells.notes)
    ax.set_xlabel(notes, size=fit.size, labelpad=6)


def write_names(ax, cells, fit):
    """Write the names of the features beside their rows."""
    names = [wrap(name, NAME, fit.lines) for name in cells.names]
    size = fit.size if any("\n" in name for name in names) else 1.2 * fit.size
    ax.set_yticks(range(len(names)), names, parse_math=False, size=size)
