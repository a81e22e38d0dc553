"""A figure of matplotlib as an element of a page that is light or dark."""

import io
import re
from contextlib import contextmanager
from html import escape

__all__ = ["COLOURS", "drawing", "figure_axes", "figure_svg", "plain_text"]

# Colours that nothing else has; the page says what they are in the light and in the dark.
COLOURS = {
    "ink": "#000001",
    "muted": "#000002",
    "grid": "#000003",
    "policy": "#000010",
    "rule-0": "#000011",
    "rule-1": "#000012",
    "rule-2": "#000013",
}
# Of the width of a phone: letters are as large there as those of the text.
WIDTH = 5.0
_SIZE = 12


@contextmanager
def drawing():
    """Draw alike whatever the settings of matplotlib are; they come back at the end."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "sklearn-hrc"})
        yield


def figure_axes(height):
    """Return a figure and its axes, in the width of a phone.

    Parameters
    ----------
    height : float
        In inches.

    Returns
    -------
    figure : matplotlib Figure
        Without pyplot, which would keep it.
    axes : matplotlib Axes
        Two spines, in the colours of the page.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(COLOURS["grid"])
    axes.tick_params(colors=COLOURS["muted"], labelsize=_SIZE, length=0)
    axes.set_axisbelow(True)
    return figure, axes


def plain_text(axes, x, y, text, **style):
    """Write text that may hold any characters: a dollar sign starts no formula."""
    given = {"fontsize": _SIZE, "color": COLOURS["ink"], **style}
    return axes.text(x, y, text, parse_math=False, **given)


def figure_svg(figure, name, description):
    """Return a figure as an SVG element.

    Parameters
    ----------
    figure : matplotlib Figure
        The figure, in `COLOURS`.
    name : str
        Letters that set its ids apart from those of other figures.
    description : str
        What it shows, for those who cannot see it.

    Returns
    -------
    svg : str
        The element, without references to anything outside.
    """
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    for needless in ("<metadata>.*?</metadata>", "<!--.*?-->", "<style .*?</style>"):
        svg = re.sub(needless, "", svg, flags=re.S)
    # Only tags: the same letters in a text are somebody's words. Text holds no angle brackets.
    svg = re.sub("<[^>]*>", lambda tag: _for_page(tag[0], name), svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1)


def _for_page(tag, name):
    """Return a tag with ids of its own and the colours of the page."""
    tag = re.sub(r' xmlns(:\w+)?="[^"]*"', "", tag).replace("xlink:href", "href")
    if tag.startswith("<svg"):
        tag = re.sub(r' (width|height)="[^"]*"', "", tag)
    tag = re.sub(r'\bid="', f'id="{name}-', tag)
    tag = tag.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    for colour, code in COLOURS.items():
        tag = tag.replace(code, f"var(--{colour})")
    return tag
