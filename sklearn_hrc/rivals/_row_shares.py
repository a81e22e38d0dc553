"""A share of the rows, by a function of their features that is all but independent of outcomes.

A random projection puts rows on a line, as in a split cluster. The line is wound around a circle,
several turns for its spread. An arc of the circle has rows of all parts of the line.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._assignment import TURNS
from sklearn_hrc._positions import draw_direction, project

__all__ = ["Circle", "cut_of_share", "draw_circle", "on_circle"]

# Places on the circle closer than this are one place.
ROUNDING = 1e-9
# Cuts that are kept.
MOST_CUTS = 1024


class Circle(NamedTuple):
    """Where rows stand, and where the circle can be cut.

    Attributes
    ----------
    direction : ndarray of shape (n_features,)
        Of the line.
    centre, spread : float
        Mean and standard deviation of the places on the line.
    cut : ndarray of shape (n_cuts,)
        Rising places between rows.
    share : ndarray of shape (n_cuts,)
        Share of the weight of the rows below each cut.
    """

    direction: np.ndarray
    centre: float
    spread: float
    cut: np.ndarray
    share: np.ndarray


def draw_circle(X, weight, rng):
    """Draw a direction, and find where the circle can be cut between rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features.
    weight : ndarray of shape (n_samples,)
        Non-negative weights.
    rng : RandomState
        Draws the direction.

    Returns
    -------
    circle : Circle
        The first cut has no rows below it, and the last one all of them.
    """
    direction = draw_direction(X.shape[1], rng)
    line = project(X, direction)
    spread = line.std()
    # Without a spread all rows stand at one place.
    spread = spread if spread > ROUNDING * (1 + np.abs(line).max()) else np.inf
    circle = Circle(direction, line.mean(), spread, np.empty(0), np.empty(0))
    place = on_circle(circle, X)
    order = np.argsort(place, kind="stable")
    place, below = place[order], np.cumsum(weight[order]) / weight.sum()
    between = np.flatnonzero(np.diff(place) > ROUNDING)
    wanted = np.searchsorted(below[between], np.linspace(0, 1, MOST_CUTS + 1)[1:-1])
    between = between[np.unique(wanted[wanted < len(between)])]
    middle = place[between] + (place[between + 1] - place[between]) / 2
    return circle._replace(cut=np.r_[-1.0, middle, 2.0], share=np.r_[0.0, below[between], 1.0])


def on_circle(circle, X):
    """Return the place of each row on the circle, in [0, 1]."""
    turns = TURNS * (project(X, circle.direction) - circle.centre) / circle.spread + 0.5
    return turns - np.floor(turns)


def cut_of_share(circle, share):
    """Return the index of the last cut that has at most a share of the rows below it."""
    return int(np.searchsorted(circle.share, share + 1e-12, side="right")) - 1
