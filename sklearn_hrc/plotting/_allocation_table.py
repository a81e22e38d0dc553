"""The table of an allocation: what each arm costs and brings, and what its colour is."""

import numpy as np

from sklearn_hrc.plotting._artists import size_of
from sklearn_hrc.plotting._text import amount, fitted_names, percent

__all__ = ["draw_table", "figure_size", "layout_of", "table"]

# Arms from which the table has two columns, side by side.
MANY_ARMS = 6
# Share of the height that the table takes at most, and inches of a row and a letter in it.
LARGEST_PART, ROW, LETTER = 0.36, 0.175, 0.0697
# Letters of the sample of a colour and of its gap, of a name, and of all figures of an arm, means
# and totals.
SAMPLE, SHORTEST, LONGEST = 7, 9, 34
MEANS, TOTALS = 22, 34
# Inches beside the blocks.
BESIDE = 0.85


def figure_size(size, n_arms):
    """Inches of a new figure: a little higher for many arms."""
    return size[0], size[1] + 0.2 * float(np.clip(n_arms - MANY_ARMS + 1, 0, 5))


def layout_of(ax, n_arms, sum_to):
    """Decide how many columns, lines of arms and letters of a line a table has.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes above which the table stands, before they are divided.
    n_arms : int
        Number of arms in use.
    sum_to : int or None
        Number of individuals whose totals are shown.

    Returns
    -------
    n_columns, n_lines, n_letters : int
        Columns side by side, the largest number of lines of arms, and letters of a line.
    """
    width, height = size_of(ax)
    n_rows = max(5, int(LARGEST_PART * height / ROW))
    letters = int((width - BESIDE) / LETTER)
    least = SAMPLE + SHORTEST + (MEANS if sum_to is None else TOTALS)
    n_columns = 2 if n_arms >= MANY_ARMS and letters // 2 >= least else 1
    # Each column has a line of heads, and the last has a line of all arms.
    return n_columns, n_columns * (n_rows - 1) - 1, letters // n_columns - SAMPLE


def table(arms, share, cost, gain, budget, *, n_lines, n_letters, sum_to=None):
    """Make the rows of the table: the heads, the arms in use, and all arms.

    Parameters
    ----------
    arms : ndarray of shape (n_treatments,)
        Labels, with the control first.
    share, cost, gain : ndarray of shape (n_clusters, n_treatments)
        Percentages of individuals, and cost and gain per individual.
    budget : float or None
        Budget per individual.
    n_lines, n_letters : int
        Largest numbers of lines of arms, and of letters of a line.
    sum_to : int or None
        Number of individuals whose totals are shown. None shows means.

    Returns
    -------
    rows : list of tuple
        Four texts each.
    shown : ndarray of int
        Indices of the arms that have a row. The others are summed in one row.
    """
    sums = np.array([(share * each).sum(axis=0) / 100 for each in (100.0, cost, gain)])
    shown, others = _choose_arms(sums[0], n_lines)
    columns = [sums[:, shown], sums.sum(axis=1, keepdims=True)]
    if len(others):
        columns.insert(1, sums[:, others].sum(axis=1, keepdims=True))
    figures = _figures(*np.hstack(columns), sum_to)
    left = n_letters - 2 - sum(2 + max(map(len, column)) for column in figures)
    names = fitted_names(
        [f"{arms[j]} (control)" if j == 0 else str(arms[j]) for j in shown],
        int(np.clip(left, SHORTEST, LONGEST)),
    )
    if len(others):
        names.append(f"{len(others)} others")
    first = "" if budget is None else f"budget {amount(budget * (sum_to or 1))}"
    return list(zip([first, *names, "all"], *figures)), shown


def _figures(part, cost, gain, sum_to):
    """Columns of texts below their heads: shares or numbers, costs and gains."""
    if sum_to is None:
        people = ["share", *(percent(each / 100) for each in part)]
    else:
        people = ["number", *(f"{each * sum_to / 100:,.0f}" for each in part)]
    factor = 1 if sum_to is None else sum_to
    return people, ["cost", *_rounded(factor * cost)], ["gain", *_rounded(factor * gain)]


def _choose_arms(share, n_lines):
    """Arms in use with a row of their own, and the smallest ones that share a row."""
    used = np.flatnonzero(share)
    if len(used) <= n_lines:
        return used, used[:0]
    order = used[np.lexsort((-share[used], used != 0))]
    return np.sort(order[: n_lines - 1]), order[n_lines - 1 :]


def _rounded(values):
    """Values with as many decimals as show three digits of the last value."""
    size = abs(values[-1])
    decimals = max(0, 2 - int(np.floor(np.log10(size)))) if size > 0 else 2
    # Adding zero removes the sign of a negative value that is rounded to zero.
    return [f"{round(float(each), decimals) + 0.0:,.{decimals}f}" for each in values]


def draw_table(ax, rows, bars, n_columns, title):
    """Draw rows of text as a legend, with the colours of the arms.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes above which the table stands.
    rows : list of tuple
        The heads, the arms, and all arms.
    bars : list of matplotlib BarContainer
        Bars in the colours of the first rows after the heads.
    n_columns : int
        Columns side by side. Each has the heads.
    title : str or None
        Heading of the table.

    Returns
    -------
    legend : matplotlib Legend
        The table.
    """
    from matplotlib.patches import Rectangle

    widths = [max(map(len, column)) + 2 for column in zip(*rows)]
    lines = [row[0].ljust(widths[0]) + "".join(map(str.rjust, row[1:], widths[1:])) for row in rows]
    nothing = Rectangle((0, 0), 1, 1, visible=False)
    keys = [nothing, *(bar[0] for bar in bars)]
    keys += [nothing] * (len(lines) - len(keys))
    if n_columns == 2:
        half = 1 + len(lines) // 2
        heads = lines[0] if half < len(lines) else ""
        lines, keys = [*lines[:half], heads, *lines[half:]], [*keys[:half], nothing, *keys[half:]]
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    font = {"family": "monospace", "size": "small"}
    # A space before an underscore, since matplotlib leaves out labels that begin with one.
    lines = [f" {line}" if line.startswith("_") else line for line in lines]
    legend = ax.legend(
        keys,
        lines,
        prop=font,
        frameon=False,
        alignment="left",
        ncols=n_columns,
        title=title,
        **place,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return legend
