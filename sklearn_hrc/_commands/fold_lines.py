"""Progress of an evaluation, fold by fold, with the time that is left."""

import re
import time

from sklearn_hrc._commands.terminal import progress

__all__ = ["FoldLines", "duration"]


class FoldLines:
    """A stream that turns what `evaluate` prints of a fold into a line of progress.

    Parameters
    ----------
    n_folds : int
        Number of folds.
    """

    def __init__(self, n_folds):
        self.n_folds = n_folds
        self.started = time.perf_counter()

    def write(self, text):
        """Take what is printed."""
        if found := re.search(r"fold (\d+),", text):
            done = int(found[1]) + 1
            seconds = (time.perf_counter() - self.started) / done * (self.n_folds - done)
            left = f", {duration(seconds)} left" if done < self.n_folds else ""
            progress(f"  fold {done} of {self.n_folds} done{left}")
        return len(text)

    def flush(self):
        """Nothing is kept back."""


def duration(seconds):
    """Write a rough time."""
    if seconds < 90:
        return f"about {max(round(seconds), 1)} s"
    return f"about {round(seconds / 60)} min"
