"""Answer of a programme with constraints, linear ones or a convex one beside them."""

from typing import NamedTuple

import numpy as np

__all__ = ["Solution"]


class Solution(NamedTuple):
    """Best allocation found.

    Attributes
    ----------
    counts : ndarray of shape (n_clusters, n_arms), int64
        Individuals of every cluster in every arm.
    value, bound : float
        Its total, and an upper bound of any total.
    price : ndarray of shape (n_constraints,)
        What one unit of each limit is worth in the linear relaxation.
    proven : bool
        The bound is reached, to within 1e-7 of what is at stake (1e-4 beside a convex
        rule).
    convex_price : float
        What one unit of the limit of a convex rule is worth.
    """

    counts: np.ndarray
    value: float
    bound: float
    price: np.ndarray
    proven: bool
    convex_price: float = 0.0
