"""A share of decisions by chance, which the next experiment is made of."""

import random
from bisect import bisect_right
from itertools import accumulate
from typing import Any

import numpy as np

__all__ = ["Exploration"]


class Exploration:
    """Draws arms by chance; threads may share it.

    Parameters
    ----------
    share : float
        Share of decisions that are drawn, in [0, 1).
    propensity : ndarray of shape (n_treatments,)
        With which probability each arm is drawn then.
    random_state : int or None
        Seed.
    """

    def __init__(self, share: float, propensity: np.ndarray, random_state: int | None) -> None:
        self.share = share
        self._propensity = propensity
        # One call of its method cannot be interrupted by another thread.
        self._random = random.Random(random_state)

    def draw_one(self, planned: int, allowed: list[bool] | None) -> tuple[int, float, bool]:
        """Return the arm of one individual, its propensity, and whether it was drawn.

        Parameters
        ----------
        planned : int
            Arm by the plan.
        allowed : list of bool or None
            Arms that the individual may get; None where it may get all.

        Returns
        -------
        arm, propensity, explored : int, float, bool
            What is given.
        """
        if not self.share:
            return planned, 1.0, False
        row = None if allowed is None else np.array([allowed])
        chance = self._chances(1, row)[0].tolist()
        arm, explored = planned, self._random.random() < self.share
        if explored:
            arm = _drawn(chance, self._random.random())
        return arm, self.share * chance[arm] + (1 - self.share) * (arm == planned), explored

    def draw(
        self, planned: np.ndarray, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the arms of rows, their propensities, and which of them were drawn.

        Parameters
        ----------
        planned : ndarray of shape (n_rows,), int
            Arms by the plan.
        allowed : ndarray of shape (n_rows, n_treatments), bool, or None
            Arms that each row may get; None where each may get all.

        Returns
        -------
        arm, propensity, explored : ndarray of shape (n_rows,)
            What is given.
        """
        n_rows = len(planned)
        if not self.share:
            return planned, np.ones(n_rows), np.zeros(n_rows, dtype=bool)
        draws = np.random.default_rng(self._random.getrandbits(64))
        explored = draws.random(n_rows) < self.share
        chance = self._chances(n_rows, allowed)
        upto = np.cumsum(chance, axis=1)
        passed = (draws.random(n_rows)[:, None] * upto[:, -1:] >= upto).sum(axis=1)
        arm = np.where(explored, passed, planned)
        propensity = self.share * chance[np.arange(n_rows), arm]
        return arm, propensity + (1 - self.share) * (arm == planned), explored

    def mean(self, planned: Any, drawn: Any) -> Any:
        """Return the mean of a figure of the plan and that of random decisions, by their shares."""
        return (1 - self.share) * planned + self.share * drawn

    def _chances(self, n_rows, allowed):
        """Probabilities of arms that are drawn, among those allowed."""
        if allowed is None:
            return np.broadcast_to(self._propensity, (n_rows, len(self._propensity)))
        chance = np.where(allowed, self._propensity, 0.0)
        total = chance.sum(axis=1, keepdims=True)
        # Arms that the experiment never drew are drawn alike where there are no others.
        alike = allowed / allowed.sum(axis=1, keepdims=True)
        return np.divide(chance, total, out=alike, where=total > 0)


def _drawn(chance, draw):
    upto = list(accumulate(chance))
    return min(bisect_right(upto, draw * upto[-1]), len(chance) - 1)
