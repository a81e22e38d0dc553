"""Names as text that fits into a figure: on one line, cut, wrapped, with their per cents."""

import textwrap

__all__ = [
    "amount",
    "fitted_names",
    "gain_label",
    "label_text",
    "one_line",
    "percent",
    "shorten",
    "wrap",
]

# Letters of the name of the response, also beside low axes, and those that leave the label of
# gains in two lines.
LONGEST_RESPONSE, LOW_RESPONSE, SHORT_RESPONSE = 24, 12, 10


def label_text(label):
    """Return a label as text. Labels of clusters are often whole numbers stored as floats."""
    return one_line(f"{label:g}" if isinstance(label, float) else label)


def one_line(name):
    """Return a name without line breaks, which would run into the rows above and below."""
    return " ".join(str(name).split())


def shorten(name, limit):
    """Cut the end of a text that is longer than the limit."""
    return name if len(name) <= limit else f"{name[: limit - 1].rstrip()}…"


def fitted_names(names, limit):
    """Cut names to a limit, and keep them apart.

    Parameters
    ----------
    names : list
        Names, each of its own.
    limit : int
        Largest number of letters, four or more.

    Returns
    -------
    texts : list of str
        The names on one line, their ends cut. Where this would make two names
        alike, the middle is cut. Where that does not help either, they are numbered.
    """
    whole = [label_text(name) for name in names]
    tail = limit // 2
    middle = [
        name if len(name) <= limit else f"{name[: limit - tail - 1]}…{name[-tail:]}"
        for name in whole
    ]
    for texts in ([shorten(name, limit) for name in whole], middle):
        if len(set(texts)) == len(set(whole)):
            return texts
    return [
        name if len(name) <= limit else f"{name[: limit - len(f'{k}') - 1]}…{k}"
        for k, name in enumerate(whole)
    ]


def wrap(name, width, n_lines):
    """Break a name into lines, also inside of a word, and cut what is left.

    Parameters
    ----------
    name : object
        The name.
    width : int
        Largest number of letters of a line.
    n_lines : int
        Largest number of lines.

    Returns
    -------
    text : str
        Lines, divided by line breaks.
    """
    lines = textwrap.wrap(one_line(name), width) or [""]
    if len(lines) > n_lines:
        last = lines[n_lines - 1][: width - 1]
        lines = [*lines[: n_lines - 1], f"{last}…"]
    return "\n".join(lines)


def percent(share, decimals=0):
    """Write a share as per cent. A little is not written as nothing, nor almost all as all."""
    least, share = 10.0**-decimals, round(float(share), 12)
    text = f"{100 * share:.{decimals}f}"
    if 0 < share and float(text) == 0:
        return f"<{least:g} %"
    if share < 1 and float(text) == 100:
        return f">{100 - least:g} %"
    return f"{text} %"


def amount(value):
    """Write an amount with three digits, or whole where it is large."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def gain_label(response_name, sum_to=None, is_low=False):
    """Label of gains, in lines that fit beside the axes, or beside low axes."""
    of_whom = "per individual" if sum_to is None else f"of {sum_to:,.0f} individuals"
    if not response_name:
        return f"gain over control,\n{of_whom}"
    name = shorten(one_line(response_name), LOW_RESPONSE if is_low else LONGEST_RESPONSE)
    space = " " if len(name) <= SHORT_RESPONSE and not is_low else "\n"
    return f"gain in {name}{space}over control,\n{of_whom}"
