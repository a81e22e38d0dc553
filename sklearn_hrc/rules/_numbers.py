"""Rules on how many individuals get an arm."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_hrc._programme.constraints import Requirement, at_least, at_most
from sklearn_hrc.rules._rule import Rule, Setting, as_list, check_number, columns_of, indicator

__all__ = ["MaxIndividuals", "MaxShare", "MinShare"]


class ArmRule(Rule):
    """A rule on one treatment, or on several together."""

    arm: Any

    def check(self, treatments: np.ndarray, outcome_names: list[str], has_order: bool) -> None:
        """Check the label of the treatment."""
        columns_of(self.arm, treatments, type(self).__name__)

    @property
    def name(self) -> str:
        """The rule and its treatment, as errors name them."""
        return f"{type(self).__name__} of {' + '.join(map(str, as_list(self.arm)))}"


@dataclass(frozen=True)
class MinShare(ArmRule):
    """At least a share of all individuals gets a treatment.

    Parameters
    ----------
    arm : label or list of labels
        Treatment. Several count together.
    share : float
        From 0 to 1.

    Raises
    ------
    ValueError
        If `share` is no such number.

    Examples
    --------
    >>> from sklearn_hrc.rules import MinShare
    >>> MinShare("letter", 0.05)
    MinShare(arm='letter', share=0.05)
    """

    arm: Any
    share: float

    def __post_init__(self) -> None:
        """Check the share."""
        super().__post_init__()
        check_number(self.share, "share of MinShare", is_share=True)

    def requirement(self, setting: Setting) -> Requirement:
        """State the rule as a constraint on individuals."""
        cells = indicator(self.arm, setting, "MinShare")
        whole = setting.counts_are_whole
        return at_least(self.name, self.share, cells, setting.population, whole=whole)


@dataclass(frozen=True)
class MaxShare(ArmRule):
    """At most a share of all individuals gets a treatment.

    Parameters
    ----------
    arm : label or list of labels
        Treatment. Several count together.
    share : float
        From 0 to 1.

    Raises
    ------
    ValueError
        If `share` is no such number.

    Examples
    --------
    >>> from sklearn_hrc.rules import MaxShare
    >>> MaxShare(["10_off", "20_off"], 0.2)  # discounts of any kind
    MaxShare(arm=('10_off', '20_off'), share=0.2)
    """

    arm: Any
    share: float

    def __post_init__(self) -> None:
        """Check the share."""
        super().__post_init__()
        check_number(self.share, "share of MaxShare", is_share=True)

    def requirement(self, setting: Setting) -> Requirement:
        """State the rule as a constraint on individuals."""
        cells = indicator(self.arm, setting, "MaxShare")
        whole = setting.counts_are_whole
        return at_most(self.name, self.share, cells, setting.population, whole=whole)


@dataclass(frozen=True)
class MaxIndividuals(ArmRule):
    """At most a number of individuals gets a treatment: a stock, or hands to make calls.

    On a list (:func:`~sklearn_hrc.planning.plan_list`) they are rows of it. In
    :class:`~sklearn_hrc.ClusterBudgetAllocator` they are individuals of `population`.

    Parameters
    ----------
    arm : label or list of labels
        Treatment. Several count together.
    individuals : int
        Not negative.

    Raises
    ------
    ValueError
        If `individuals` is no such number.

    Examples
    --------
    >>> from sklearn_hrc.rules import MaxIndividuals
    >>> MaxIndividuals("call", 300)
    MaxIndividuals(arm='call', individuals=300)
    """

    arm: Any
    individuals: int

    def __post_init__(self) -> None:
        """Check the number."""
        super().__post_init__()
        check_number(self.individuals, "individuals of MaxIndividuals")
        if self.individuals < 0 or self.individuals != int(self.individuals):
            raise ValueError(
                "individuals of MaxIndividuals is expected to be a whole number that is not "
                f"negative, got {self.individuals!r}."
            )

    def requirement(self, setting: Setting) -> Requirement:
        """State the rule as a constraint on individuals."""
        cells = indicator(self.arm, setting, "MaxIndividuals")
        whole = setting.counts_are_whole
        return at_most(self.name, self.individuals, cells, 1, whole=whole)
