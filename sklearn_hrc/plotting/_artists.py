"""What all figures need of matplotlib, which is imported only when one is drawn."""

from numbers import Real

import numpy as np

__all__ = ["check_sum_to", "ink_on", "merge", "require_matplotlib", "size_of"]

# Shares of a figure that the axes of a grid take by default, without margins and gaps.
USUAL_PART = 0.775, 0.77


def require_matplotlib(caller):
    """Return pyplot, or raise if matplotlib is not installed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{caller} requires matplotlib: pip install "sklearn-hrc[plot]".'
        ) from error
    return plt


def ink_on(color):
    """Return black or white, the colour of text that is readable on a colour."""
    from matplotlib.colors import to_rgb

    return "black" if np.dot(to_rgb(color), (0.299, 0.587, 0.114)) > 0.5 else "white"


def merge(default, given, artist):
    """Keywords of an artist. The user's keywords, also by aliases, go before the defaults."""
    from matplotlib import cbook

    return {**default, **cbook.normalize_kwargs(given, artist)}


def size_of(ax):
    """Inches of the place of axes, with room for their labels."""
    place, figure = ax.get_position(original=True), ax.figure.get_figure(root=True)
    whole = figure.get_size_inches()
    parts = np.divide((place.width, place.height), USUAL_PART)
    return np.minimum(whole, whole * parts)


def check_sum_to(sum_to):
    """Raise where the number of individuals is neither None nor positive."""
    if sum_to is None or (isinstance(sum_to, Real) and 0 < sum_to < np.inf):
        return
    raise ValueError(f"sum_to is expected to be None or a positive number, got {sum_to!r}.")
