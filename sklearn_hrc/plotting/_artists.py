"""The artists of a budget curve; matplotlib is imported only when one is drawn."""

import numpy as np
from scipy.stats import norm

__all__ = [
    "current_label",
    "draw_band",
    "draw_current",
    "draw_curve",
    "draw_legend",
    "draw_reference",
    "draw_tangent",
    "ink_on",
    "label_text",
    "require_matplotlib",
]

# Curves differ in marker and dash, not only in colour; plain dashes are those
# of the reference.
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", "-.", (0, (5, 1, 1, 1, 1, 1)), ":")
# Identities by which later curves on the same axes find earlier artists.
CURVE, BAND, REFERENCE, RING, TANGENT = (
    "budget-curve",
    "confidence-band",
    "best-single-arm",
    "current-budget",
    "shadow-price",
)
# What the ring of a policy says where nothing is known of its budget.
CURRENT = "current budget"
# Length of a tangent to either side, as a part of the curve's extent.
TANGENT_REACH = 0.12


def require_matplotlib(caller):
    """Return pyplot, or raise where matplotlib is not installed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{caller} requires matplotlib: pip install "sklearn-hrc[plot]".'
        ) from error
    return plt


def ink_on(color):
    """Return the colour, black or white, of text that is read on a colour."""
    from matplotlib.colors import to_rgb

    return "black" if np.dot(to_rgb(color), (0.299, 0.587, 0.114)) > 0.5 else "white"


def label_text(label):
    """Return a label as text; those of clusters are often whole numbers among floats."""
    return f"{label:g}" if isinstance(label, float) else str(label)


def draw_curve(ax, spend, gain, label, given):
    """Draw a policy, unlike those that are on the axes already.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    spend, gain : ndarray of shape (n_points,)
        Points in the order of their spend.
    label : str
        Entry of the legend.
    given : dict or None
        The user's keywords.

    Returns
    -------
    line : matplotlib Line2D
        The curve.
    """
    from matplotlib.lines import Line2D

    place = _count(ax, CURVE)
    default = {
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": DASHES[place % len(DASHES)],
        "markersize": 4.5,
        "gid": f"{CURVE}-{place}",
        "label": label,
    }
    return ax.plot(spend, gain, **_merge(default, given, Line2D))[0]


def draw_band(ax, line, error, confidence, given):
    """Draw the confidence band of a curve.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    line : matplotlib Line2D
        The curve.
    error : ndarray of shape (n_points,)
        Standard errors of its points.
    confidence : float
        Level.
    given : dict or None
        The user's keywords.

    Returns
    -------
    band : matplotlib PolyCollection
        The band.
    """
    from matplotlib.collections import PolyCollection

    default = {
        "facecolor": line.get_color(),
        "alpha": 0.18,
        "linewidth": 0,
        "zorder": line.get_zorder() - 0.5,
        "gid": f"{BAND}-{_count(ax, BAND)}",
        "label": _first(ax, f"{100 * confidence:g} % confidence"),
    }
    spend, gain = line.get_data()
    reach = norm.ppf((1 + confidence) / 2) * error
    return ax.fill_between(
        spend, gain - reach, gain + reach, **_merge(default, given, PolyCollection)
    )


def draw_current(ax, line, spend, gain, label, given):
    """Draw a ring where a policy stands.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    line : matplotlib Line2D
        Curve of the policy.
    spend, gain : float
        The point.
    label : str
        Entry of the legend; `CURRENT` is shared by all policies.
    given : dict or None
        The user's keywords.

    Returns
    -------
    ring : matplotlib Line2D
        The ring.
    """
    from matplotlib.lines import Line2D

    default = {
        "linestyle": "none",
        "marker": "o",
        "markersize": 12,
        "color": "black",
        "markerfacecolor": "none",
        "markeredgewidth": 1.3,
        "zorder": line.get_zorder() + 0.5,
        "gid": f"{RING}-{_count(ax, RING)}",
        "label": _first(ax, label) if label == CURRENT else label,
    }
    return ax.plot([spend], [gain], **_merge(default, given, Line2D))[0]


def current_label(budget, shadow_price):
    """Say what is known of the current budget.

    Parameters
    ----------
    budget, shadow_price : float or None
        Mean cost per individual, and response for a further unit of it.

    Returns
    -------
    label : str
        `CURRENT` where nothing is known.
    """
    label = CURRENT if budget is None else f"{CURRENT} {budget:.3g}"
    return label if shadow_price is None else f"{label}, shadow price {shadow_price:.3g}"


def draw_tangent(ax, ring, slope, extent, given):
    """Draw a short line through a ring, with the slope of the shadow price.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    ring : matplotlib Line2D
        Ring at the current budget.
    slope : float
        Shadow price.
    extent : tuple of float
        Range of the curve in spend and in gain; steep lines are as long as flat ones.
    given : dict or None
        The user's keywords.

    Returns
    -------
    tangent : matplotlib Line2D
        The line.
    """
    from matplotlib.lines import Line2D

    default = {
        "linestyle": "-",
        "color": "black",
        "linewidth": 1.8,
        "solid_capstyle": "butt",
        "zorder": ring.get_zorder() - 0.1,
        "gid": f"{TANGENT}-{ring.get_gid()}",
        "label": "_nolegend_",
    }
    width, height = (each if each > 0 else 1.0 for each in extent)
    reach = TANGENT_REACH * width / np.hypot(1.0, slope * width / height)
    spend, gain = (float(each[0]) for each in ring.get_data())
    ends = np.array([-reach, reach])
    return ax.plot(spend + ends, gain + slope * ends, **_merge(default, given, Line2D))[0]


def draw_reference(ax, spend, gain, given):
    """Draw the best single arm; policies on the same rows share one line.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    spend, gain : ndarray of shape (n_points,)
        Points of the line.
    given : dict or None
        The user's keywords.

    Returns
    -------
    line : matplotlib Line2D
        The line, or the one that is there.
    """
    from matplotlib.lines import Line2D

    for line in ax.get_lines():
        if _is_a(line, REFERENCE) and np.array_equal(line.get_data(), (spend, gain)):
            return line
    default = {
        "linestyle": "--",
        "color": "0.35",
        "linewidth": 1.3,
        "zorder": 1.9,
        "gid": f"{REFERENCE}-{_count(ax, REFERENCE)}",
        "label": _first(ax, "best single arm"),
    }
    return ax.plot(spend, gain, **_merge(default, given, Line2D))[0]


def draw_legend(ax):
    """Draw the legend: curves first, each with its budget, then what they have in common."""
    from matplotlib.patches import Patch

    handles, labels = ax.get_legend_handles_labels()
    shared = [
        label == CURRENT or _is_a(handle, REFERENCE) or _is_a(handle, BAND)
        for handle, label in zip(handles, labels)
    ]
    tangents = {line.get_gid(): line for line in ax.get_lines() if _is_a(line, TANGENT)}
    keys = []
    for handle in handles:
        tangent = tangents.get(f"{TANGENT}-{handle.get_gid()}")
        # The band of no policy in particular, where there are several.
        band = Patch(color="0.8") if _is_a(handle, BAND) and _count(ax, BAND) > 1 else handle
        keys.append(band if tangent is None else (tangent, handle))
    order = sorted(range(len(handles)), key=shared.__getitem__)
    ax.legend([keys[i] for i in order], [labels[i] for i in order])


def _is_a(artist, kind):
    return str(artist.get_gid()).startswith(kind)


def _count(ax, kind):
    return sum(_is_a(artist, kind) for artist in ax.get_children())


def _merge(default, given, artist):
    """Keywords of an artist, the user's first, whichever aliases they use."""
    from matplotlib import cbook

    return {**default, **cbook.normalize_kwargs(given, artist)}


def _first(ax, label):
    """A label for the legend, once on each axes."""
    return "_nolegend_" if label in ax.get_legend_handles_labels()[1] else label
