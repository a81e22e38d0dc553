"""Budgets that are not known yet."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_hrc._experiment import as_numbers

__all__ = ["UncertainBudget"]


@dataclass(frozen=True)
class UncertainBudget:
    """Several possible budgets, one of which will be the budget.

    One allocation is made for all of them. The allocation keeps the budget in the way that `risk`
    says: for the mean budget, with a probability, on average over the worst cases, or for the
    smallest budget. Once the budget is known,
    :meth:`~sklearn_hrc.ClusterBudgetAllocator.set_budget` plans for it.

    Parameters
    ----------
    values : list of float
        Mean costs per individual.
    weights : list of float, default=None
        Probabilities of the budgets, up to a factor. None for equal ones.

    Raises
    ------
    ValueError
        If `values` holds no finite numbers, or `weights` has not a number that is not negative
        for each of them.

    Examples
    --------
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.budgets import UncertainBudget
    >>> budget = UncertainBudget([0.8, 1.0, 1.3], weights=[1, 2, 1])
    >>> budget.mean
    1.025
    >>> allocator = ClusterBudgetAllocator(budget, risk="cvar")
    """

    values: Any
    weights: Any = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        values = as_numbers(self.values, "values of UncertainBudget")
        if values.ndim != 1 or not len(values):
            raise ValueError(
                f"values of UncertainBudget is expected to be a list of finite numbers, got "
                f"{self.values!r}."
            )
        # Tuples of floats can be compared and hashed, whatever was given.
        object.__setattr__(self, "values", tuple(values.tolist()))
        if self.weights is None:
            return
        weights = as_numbers(self.weights, "weights of UncertainBudget")
        if weights.shape != values.shape or weights.min() < 0 or not weights.sum():
            raise ValueError(
                f"weights of UncertainBudget is expected to hold {len(values)} numbers that are "
                f"not negative, one for each budget, got {self.weights!r}."
            )
        object.__setattr__(self, "weights", tuple(weights.tolist()))

    def resolve(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the budgets and their probabilities.

        Returns
        -------
        values, weights : ndarray of shape (n_budgets,)
            Weights sum to one.
        """
        values = np.asarray(self.values, dtype=np.float64)
        if self.weights is None:
            return values, np.full(len(values), 1 / len(values))
        weights = np.asarray(self.weights, dtype=np.float64)
        return values, weights / weights.sum()

    @property
    def mean(self) -> float:
        """Expected budget."""
        values, weights = self.resolve()
        return float(values @ weights)
