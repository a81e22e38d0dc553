"""Warnings that point at the user's own line."""

import sys
import warnings

__all__ = ["warn"]

# Packages whose frames lie between a user's line and the warning.
_INSIDE = {
    "contextlib",
    "functools",
    "joblib",
    "numpy",
    "scipy",
    "sklearn",
    "sklearn_hrc",
    "skorch",
}


def warn(message, category=UserWarning):
    """Issue a warning at the nearest line outside the packages that lie between.

    Parameters
    ----------
    message : str
        Text of the warning, one sentence.
    category : type, default=UserWarning
        Class of the warning.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_inside(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_inside(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0] in _INSIDE
