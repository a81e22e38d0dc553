"""Rules on what an allocation costs and gives."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_hrc._parameters import outcome_index
from sklearn_hrc._programme.constraints import Requirement, at_least, at_most, dense_constraint
from sklearn_hrc.rules._numbers import ArmRule
from sklearn_hrc.rules._rule import Rule, Setting, check_number, indicator

__all__ = ["MaxSpend", "MinOutcome", "MinReturn"]


@dataclass(frozen=True)
class MaxSpend(ArmRule):
    """At most an amount is spent on a treatment.

    Parameters
    ----------
    arm : label or list of labels
        Treatment. Several count together.
    spend : float, default=None
        Spend on the treatment divided by the number of all individuals, in the unit of `budget`.
    total_spend : float, default=None
        Spend in all, in the unit of `total_budget`, in place of `spend`.

    Raises
    ------
    ValueError
        If not exactly one of `spend` and `total_spend` is given, as a finite number.

    Examples
    --------
    >>> from sklearn_hrc.rules import MaxSpend
    >>> MaxSpend("20_off", total_spend=5_000)
    MaxSpend(arm='20_off', spend=None, total_spend=5000)
    """

    arm: Any
    spend: float | None = None
    total_spend: float | None = None

    def __post_init__(self) -> None:
        """Check the amounts."""
        super().__post_init__()
        given = [amount for amount in (self.spend, self.total_spend) if amount is not None]
        if len(given) != 1:
            raise ValueError(
                "MaxSpend is expected to have either spend or total_spend, got "
                f"{'both' if given else 'neither'}; spend is a mean over all individuals."
            )
        check_number(
            given[0], f"{'spend' if self.total_spend is None else 'total_spend'} of MaxSpend"
        )

    def requirement(self, setting: Setting) -> Requirement:
        """State the rule as a constraint on costs."""
        cost = indicator(self.arm, setting, "MaxSpend") * setting.cost
        if self.total_spend is not None:
            return at_most(self.name, self.total_spend, cost, 1)
        return at_most(self.name, self.spend, cost, setting.population)


@dataclass(frozen=True)
class MinReturn(Rule):
    """The response gained over control is at least a multiple of the cost beyond control's.

    Parameters
    ----------
    minimum : float
        Response gained for each unit of cost, over all individuals.

    Raises
    ------
    ValueError
        If `minimum` is no finite number.

    Examples
    --------
    >>> from sklearn_hrc.rules import MinReturn
    >>> MinReturn(2.0)
    MinReturn(minimum=2.0)
    """

    minimum: float

    def __post_init__(self) -> None:
        """Check the number."""
        super().__post_init__()
        check_number(self.minimum, "minimum of MinReturn")

    def check(self, treatments: np.ndarray, outcome_names: list[str], has_order: bool) -> None:
        """Nothing is named."""

    def requirement(self, setting: Setting) -> Requirement:
        """State the rule as a constraint on response and cost together."""
        gain, extra = (
            values - values[:, [setting.control]] for values in (setting.response, setting.cost)
        )
        constraint = dense_constraint(self.minimum * extra - gain, 0.0)
        # The minimum is a factor of costs, and moves no limit.
        return Requirement(self.name, float(self.minimum), 0, constraint, math.nan)

    @property
    def name(self) -> str:
        """The rule, as errors name it."""
        return "MinReturn"


@dataclass(frozen=True)
class MinOutcome(Rule):
    """The mean of an outcome is at least a number, whatever the response is.

    Parameters
    ----------
    outcome : str or int
        Column of `y`, by name or index.
    mean : float
        Per individual.

    Raises
    ------
    ValueError
        If `mean` is no finite number.

    Examples
    --------
    >>> from sklearn_hrc.rules import MinOutcome
    >>> MinOutcome("orders", 0.31)  # while the objective is money
    MinOutcome(outcome='orders', mean=0.31)
    """

    outcome: str | int
    mean: float

    def __post_init__(self) -> None:
        """Check the number."""
        super().__post_init__()
        check_number(self.mean, "mean of MinOutcome")

    def check(self, treatments: np.ndarray, outcome_names: list[str], has_order: bool) -> None:
        """Check the name of the outcome."""
        outcome_index(self.outcome, outcome_names, "MinOutcome")

    def requirement(self, setting: Setting) -> Requirement:
        """State the rule as a constraint on the outcome."""
        index = outcome_index(self.outcome, setting.outcome_names, "MinOutcome")
        means = setting.mean_outcome(index)
        return at_least(self.name, self.mean, means, setting.population)

    @property
    def name(self) -> str:
        """The rule and its outcome, as errors name them."""
        return f"MinOutcome of {self.outcome}"
