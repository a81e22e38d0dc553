"""What an allocation is for, where that is not the largest response within a budget."""

from dataclasses import dataclass

from sklearn_hrc._parameters import as_finite

__all__ = ["LeastCost", "Profit"]


@dataclass(frozen=True)
class Profit:
    """The largest profit: what the response is worth, less the cost.

    Parameters
    ----------
    response_value : float
        Money that a unit of response is worth, in the unit of `cost`. Not negative.

    Raises
    ------
    ValueError
        If `response_value` is no such number.

    Notes
    -----
    Without a budget, everybody gets the arm with the largest profit. With a budget, the allocation
    keeps the budget and has the largest profit within it.

    Examples
    --------
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.goals import Profit
    >>> allocator = ClusterBudgetAllocator(goal=Profit(response_value=30.0))
    """

    response_value: float

    def __post_init__(self) -> None:
        """Check the number."""
        if as_finite(self.response_value, "response_value of Profit") < 0:
            raise ValueError(
                "response_value of Profit is expected not to be negative, got "
                f"{self.response_value!r}."
            )


@dataclass(frozen=True)
class LeastCost:
    """The lowest expected cost that reaches a response, whatever the budget and `risk`.

    Parameters
    ----------
    target_response : float
        Mean response per individual that is to be reached.

    Raises
    ------
    ValueError
        If `target_response` is no finite number.

    Examples
    --------
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.goals import LeastCost
    >>> allocator = ClusterBudgetAllocator(goal=LeastCost(target_response=0.31))
    """

    target_response: float

    def __post_init__(self) -> None:
        """Check the number."""
        as_finite(self.target_response, "target_response of LeastCost")
