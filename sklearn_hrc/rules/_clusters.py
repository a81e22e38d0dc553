"""Rules on who gets a treatment: clusters that the user named, or people with some features."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sklearn_hrc._programme.constraints import Requirement, dense_constraint, monotone
from sklearn_hrc._tables import as_booleans, check_aligned
from sklearn_hrc._warning import warn
from sklearn_hrc.rules._numbers import ArmRule
from sklearn_hrc.rules._rule import Rule, Setting, as_list, columns_of

__all__ = ["Forbid", "Monotone"]


@dataclass(frozen=True)
class Forbid(ArmRule):
    """Some people, or some clusters, do not get a treatment.

    Parameters
    ----------
    arm : label or list of labels
        Treatment.
    clusters : label or list of labels, default=None
        Segments of the user. Labels that :class:`~sklearn_hrc.HiddenClusterer` makes change with
        every fit, and are refused.
    where : str or callable, default=None
        Condition on the features of the people on a list, for the `rules` of
        :func:`~sklearn_hrc.planning.plan_list`, in place of `clusters`. An expression for
        `DataFrame.eval`, or a function of the list that returns a boolean for each row.

    Raises
    ------
    ValueError
        If not exactly one of `clusters` and `where` is given.

    Examples
    --------
    >>> from sklearn_hrc.rules import Forbid
    >>> Forbid("letter", where="age < 18 or not consent")
    Forbid(arm='letter', clusters=None, where='age < 18 or not consent')
    """

    arm: Any
    clusters: Any = field(default=None, kw_only=True)
    where: str | Callable[[Any], Any] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Check that the rule says for whom."""
        super().__post_init__()
        if (self.clusters is None) == (self.where is None):
            raise ValueError(
                "Forbid is expected to have either clusters or where, got "
                f"{'neither' if self.where is None else 'both'}."
            )
        if self.where is not None and not isinstance(self.where, str) and not callable(self.where):
            raise ValueError(
                "where of Forbid is expected to be an expression or a function, got "
                f"{self.where!r}."
            )

    @property
    def clusters_named(self) -> list[Any]:
        """Cluster labels that the rule speaks of."""
        return [] if self.clusters is None else as_list(self.clusters)

    @property
    def is_for_lists(self) -> bool:
        """Whether the rule speaks of features, which only a list has."""
        return self.where is not None

    def columns(self, treatments: np.ndarray) -> list[int]:
        """Return the indices of the treatments that the rule forbids.

        Parameters
        ----------
        treatments : ndarray of shape (n_treatments,)
            Labels, in their order.

        Returns
        -------
        columns : list of int
            Indices.
        """
        return columns_of(self.arm, treatments, "Forbid")

    def rows(self, X: Any, n_samples: int) -> np.ndarray:
        """Return which rows of a list do not get the treatment."""
        found = self.where(X) if callable(self.where) else self._evaluated(X)
        check_aligned({"X": X, "where of Forbid": found})
        mask = as_booleans(found)
        if mask.shape != (n_samples,) or mask.dtype != bool:
            raise ValueError(
                f"where of Forbid is expected to give True or False for each of the {n_samples} "
                f"rows, got {mask.dtype} of shape {mask.shape}; compare numbers, as in "
                "'consent == 0'."
            )
        return mask

    def _evaluated(self, X):
        """Evaluate an expression on the columns of a data frame."""
        if not hasattr(X, "eval"):
            raise ValueError(
                f"X is expected to be a pandas data frame for where={self.where!r} of Forbid, got "
                f"a {type(X).__name__}; give a function of X instead."
            )
        try:
            return X.eval(self.where)
        except Exception as error:  # whatever an expression of the user does
            reason = " ".join(str(error).split())
            raise ValueError(
                "where of Forbid is expected to be an expression on the columns of X, got "
                f"{self.where!r}: {reason}."
            ) from error

    def requirement(self, setting: Setting) -> Requirement:
        """State the rule as a constraint that allows nobody."""
        cells = np.zeros(setting.cost.shape)
        columns = self.columns(setting.treatments)
        for place in _places_of(self.clusters_named, setting.clusters, "Forbid"):
            cells[place, columns] = 1.0
        constraint = dense_constraint(cells, 0.0, whole=True)
        return Requirement(self.name, math.nan, 0, constraint)


@dataclass(frozen=True)
class Monotone(Rule):
    """Arms never step down along clusters, in the order of the treatments.

    In split clusters, neither does the share that gets an arm or a later one.

    Parameters
    ----------
    clusters : list of labels
        Segments of the user, each once. Labels that :class:`~sklearn_hrc.HiddenClusterer` makes
        change with every fit, and are refused.

    Raises
    ------
    ValueError
        If a cluster is named twice.

    Examples
    --------
    >>> from sklearn_hrc.rules import Monotone
    >>> Monotone([0, 2, 1])  # bronze, silver, gold, as an encoder numbered them
    Monotone(clusters=(0, 2, 1))
    """

    clusters: Any

    def __post_init__(self) -> None:
        """Check that no cluster is named twice."""
        super().__post_init__()
        labels = as_list(self.clusters)
        if any(label in labels[:place] for place, label in enumerate(labels)):
            raise ValueError(f"Monotone is expected to name every cluster once, got {labels}.")

    @property
    def clusters_named(self) -> list[Any]:
        """Cluster labels that the rule speaks of."""
        return as_list(self.clusters)

    def check(self, treatments: np.ndarray, outcome_names: list[str], has_order: bool) -> None:
        """Check that there is a step from arm to arm."""
        if not has_order:
            raise ValueError(
                "treatment is expected to be an ordered Categorical along with Monotone where "
                f"treatments are strings, got {treatments.tolist()}, whose alphabetical order "
                "means nothing."
            )

    def requirement(self, setting: Setting) -> Requirement:
        """State the rule as constraints on each pair of clusters."""
        self.check(setting.treatments, setting.outcome_names, setting.has_order)
        places = _places_of(self.clusters_named, setting.clusters, "Monotone")
        constraints = monotone(places, setting.sizes, len(setting.treatments))
        return Requirement(self.name, math.nan, 0, constraints)

    @property
    def name(self) -> str:
        """The rule, as errors name it."""
        return "Monotone"


def _places_of(labels, clusters, name):
    """Return the indices of cluster labels. One without rows has nobody to be ruled."""
    places = {label: place for place, label in enumerate(clusters.tolist())}
    for label in labels:
        if np.ndim(label):
            raise ValueError(f"{name} is expected to name clusters, got {label!r}.")
        if isinstance(label, str) != (clusters.dtype.kind in "US"):
            raise ValueError(
                f"{name} is expected to name clusters by their labels, such as "
                f"{clusters.tolist()[0]!r}, got {label!r}."
            )
    unknown = [label for label in labels if label not in places]
    if unknown:
        warn(f"{name} names clusters that no row is in: {unknown}.")
    return [places[label] for label in labels if label in places]
