"""Artists of a budget curve. matplotlib is imported only when one is drawn."""

import numpy as np
from scipy.stats import norm

from sklearn_hrc.plotting._artists import merge
from sklearn_hrc.plotting._text import amount, one_line

__all__ = [
    "BAND",
    "CURRENT",
    "CURVE",
    "REFERENCE",
    "RING",
    "TANGENT",
    "count",
    "current_label",
    "draw_band",
    "draw_current",
    "draw_curve",
    "draw_reference",
    "draw_tangent",
    "is_a",
]

# Curves differ in marker and dash, not only in colour. Plain dashes are kept for
# the reference.
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
# Label of the ring of a policy whose budget is not known.
CURRENT = "current budget"
# Markers of a curve, since those of very many budgets would hide it.
MOST_MARKERS = 25
# Height of the picture, in extents of the curves, that a band can take above and below them.
BAND_REACH = 1.0
# Length of a tangent to either side, as a share of the curve's extent.
TANGENT_REACH = 0.12


def draw_curve(ax, spend, gain, label, given):
    """Draw a policy in another style than the curves that are on the axes already.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to draw on.
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

    place, label = count(ax, CURVE), one_line(label)
    default = {
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": DASHES[place % len(DASHES)],
        "markersize": 4.5,
        "markevery": -(-len(spend) // MOST_MARKERS),
        "gid": f"{CURVE}-{place}",
        # matplotlib leaves out labels that begin with an underscore.
        "label": f" {label}" if label.startswith("_") else label,
    }
    return ax.plot(spend, gain, **merge(default, given, Line2D))[0]


def draw_band(ax, line, error, confidence, given):
    """Draw the confidence band of a curve.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to draw on.
    line : matplotlib Line2D
        The curve.
    error : ndarray of shape (n_points,)
        Standard errors of the points of the curve.
    confidence : float
        Level of the band.
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
        # Of many bands the later ones are paler, since together they would hide the curves.
        "alpha": max(0.06, 0.18 / max(1.0, count(ax, BAND) / 2)),
        "linewidth": 0,
        "zorder": line.get_zorder() - 0.5,
        "gid": f"{BAND}-{count(ax, BAND)}",
        "label": _first(ax, f"{100 * confidence:g} % confidence"),
    }
    spend, gain = line.get_data()
    reach = norm.ppf((1 + confidence) / 2) * error
    before = ax.dataLim.frozen()
    band = ax.fill_between(
        spend, gain - reach, gain + reach, **merge(default, given, PolyCollection)
    )
    _limit_scale(ax, before, gain)
    return band


def _limit_scale(ax, before, gain):
    """Let a band scale the axes up to a limit. One bad point would flatten all curves."""
    after = ax.dataLim.get_points()
    room = BAND_REACH * np.ptp(gain)
    if room > 0:
        low = min(before.y0, max(after[0, 1], gain.min() - room))
        high = max(before.y1, min(after[1, 1], gain.max() + room))
        ax.dataLim.set_points(np.array([[after[0, 0], low], [after[1, 0], high]]))
        ax.autoscale_view()


def draw_current(ax, line, spend, gain, label, given):
    """Draw a ring at the point of a policy.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to draw on.
    line : matplotlib Line2D
        Curve of the policy.
    spend, gain : float
        The point.
    label : str
        Entry of the legend. All policies share the entry `CURRENT`.
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
        "gid": f"{RING}-{count(ax, RING)}",
        "label": _first(ax, label) if label == CURRENT else label,
    }
    return ax.plot([spend], [gain], **merge(default, given, Line2D))[0]


def current_label(budget, shadow_price):
    """Return the label of the current budget.

    Parameters
    ----------
    budget, shadow_price : float or None
        Mean cost per individual, and response for a further unit of budget.

    Returns
    -------
    label : str
        Label, which is `CURRENT` if both are None.
    """
    if shadow_price is None:
        return CURRENT if budget is None else f"{CURRENT} {amount(budget)}"
    label = CURRENT if budget is None else f"budget {amount(budget)}"
    return f"{label}, slope: shadow price {shadow_price:.3g}"


def draw_tangent(ax, ring, slope, extent, given):
    """Draw a short line through a ring, with the slope of the shadow price.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to draw on.
    ring : matplotlib Line2D
        Ring at the current budget.
    slope : float
        Shadow price.
    extent : tuple of float
        Range of the curve in spend and in gain, by which steep and flat lines look equally long.
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
    # Measure the length in shares of the curve's extent, so that it is the same for all slopes.
    reach = TANGENT_REACH * width / np.hypot(1.0, slope * width / height)
    spend, gain = (float(each[0]) for each in ring.get_data())
    ends = np.array([-reach, reach])
    return ax.plot(spend + ends, gain + slope * ends, **merge(default, given, Line2D))[0]


def draw_reference(ax, spend, gain, given):
    """Draw the best single arm, one line for all policies on the same rows.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to draw on.
    spend, gain : ndarray of shape (n_points,)
        Points of the line.
    given : dict or None
        The user's keywords.

    Returns
    -------
    line : matplotlib Line2D
        The line, or the same line if it is on the axes already.
    """
    from matplotlib.lines import Line2D

    for line in ax.get_lines():
        if is_a(line, REFERENCE) and np.array_equal(line.get_data(), (spend, gain)):
            return line
    default = {
        "linestyle": "--",
        "color": "0.35",
        "linewidth": 1.3,
        "zorder": 1.9,
        "gid": f"{REFERENCE}-{count(ax, REFERENCE)}",
        "label": _first(ax, "best single arm, at random"),
    }
    return ax.plot(spend, gain, **merge(default, given, Line2D))[0]


def is_a(artist, kind):
    """Whether an artist was drawn here as this kind."""
    return str(artist.get_gid()).startswith(kind)


def count(ax, kind):
    """Number of artists of a kind on the axes."""
    return sum(is_a(artist, kind) for artist in ax.get_children())


def _first(ax, label):
    """Label for the legend, shown once on each axes."""
    return "_nolegend_" if label in ax.get_legend_handles_labels()[1] else label
