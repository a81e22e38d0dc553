"""What all rules have in common."""

import math
from collections.abc import Callable
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc._programme.constraints import Requirement

__all__ = ["Rule", "Setting", "as_list", "check_number", "check_rules", "columns_of", "indicator"]


class Setting(NamedTuple):
    """What a rule is stated for: clusters, treatments and their cells.

    Attributes
    ----------
    treatments : ndarray of shape (n_treatments,)
        Labels, in their order.
    control : int
        Index of the control.
    has_order : bool
        The order of the treatments means something: they are numbers, or an ordered Categorical.
    clusters : ndarray of shape (n_clusters,)
        Labels.
    sizes : ndarray of shape (n_clusters,)
        Individuals.
    response, cost : ndarray of shape (n_clusters, n_treatments)
        Expected values per individual.
    outcome_names : list of str
        Columns of `y`.
    mean_outcome : callable
        Expected values per individual, (n_clusters, n_treatments), of the outcome with an index.
    """

    treatments: np.ndarray
    control: int
    has_order: bool
    clusters: np.ndarray
    sizes: np.ndarray
    response: np.ndarray
    cost: np.ndarray
    outcome_names: list[str]
    mean_outcome: Callable[[int], np.ndarray]

    @property
    def population(self) -> float:
        """Individuals in all."""
        return self.sizes.sum().item()

    @property
    def counts_are_whole(self) -> bool:
        """Clusters hold whole individuals."""
        return self.sizes.dtype.kind == "i"


class Rule:
    """A demand on an allocation, stated once it is known what for.

    Subclasses are frozen dataclasses: that gives them a `repr`, equality and pickles, and lets
    them stand in grids of parameters. They check their values when they are made.
    """

    def __post_init__(self) -> None:
        """Keep tuples in place of lists, arrays and series: those can be compared and hashed."""
        for name, value in vars(self).items():
            plain = value.tolist() if hasattr(value, "tolist") else value
            plain = tuple(plain) if isinstance(plain, list) else plain
            object.__setattr__(self, name, plain)

    @property
    def clusters_named(self) -> list[Any]:
        """Cluster labels that the rule speaks of."""
        return []

    @property
    def is_for_lists(self) -> bool:
        """Whether the rule speaks of people, so that it needs a list of them."""
        return False

    def check(self, treatments: np.ndarray, outcome_names: list[str], has_order: bool) -> None:
        """Check what the rule names against an experiment, before clusters are known.

        Parameters
        ----------
        treatments : ndarray of shape (n_treatments,)
            Labels, in their order.
        outcome_names : list of str
            Columns of `y`.
        has_order : bool
            The order of the treatments means something.
        """
        raise NotImplementedError

    def requirement(self, setting: Setting) -> Requirement:
        """State the rule as linear constraints.

        Parameters
        ----------
        setting : Setting
            What it is stated for.

        Returns
        -------
        requirement : Requirement
            Constraints, and what a conflict says of them.
        """
        raise NotImplementedError

    def rows(self, X: Any, n_samples: int) -> np.ndarray:
        """Return which rows of a list the rule speaks of, where it is one for lists.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The list.
        n_samples : int
            Its rows.

        Returns
        -------
        rows : ndarray of shape (n_samples,), bool
            These do not get the treatments of `columns`.
        """
        raise NotImplementedError

    def columns(self, treatments: np.ndarray) -> list[int]:
        """Return the indices of the treatments that these rows do not get.

        Parameters
        ----------
        treatments : ndarray of shape (n_treatments,)
            Labels.

        Returns
        -------
        columns : list of int
            Indices.
        """
        raise NotImplementedError

    @property
    def name(self) -> str:
        """What errors call the rule, without its number."""
        raise NotImplementedError


def check_rules(rules: Any) -> list[Rule]:
    """Return rules as a list, and refuse anything else."""
    # An iterator would be empty when it is read again.
    if not isinstance(rules, list | tuple) or not all(isinstance(rule, Rule) for rule in rules):
        raise ValueError(
            "rules is expected to be a list of rules from sklearn_hrc.rules, such as "
            f"[MaxShare(arm, 0.2)], got {rules!r}."
        )
    return list(rules)


def check_number(value: Any, name: str, *, is_share: bool = False) -> None:
    """Refuse what is no finite number, or no share."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(float(value)):
        raise ValueError(f"{name} is expected to be a finite number, got {value!r}.")
    if is_share and not 0 <= float(value) <= 1:
        raise ValueError(f"{name} is expected to be a share from 0 to 1, got {value!r}.")


def as_list(labels: Any) -> list[Any]:
    """Return one label or several as a list."""
    if isinstance(labels, str | bytes) or not np.iterable(labels):
        return [labels]
    return list(labels)


def columns_of(arm: Any, treatments: np.ndarray, name: str) -> list[int]:
    """Return the indices of a treatment label, or of several."""
    places = {label: place for place, label in enumerate(treatments.tolist())}
    labels = as_list(arm)
    if not labels:
        raise ValueError(f"{name} is expected to name at least one treatment, got none.")
    for label in labels:
        if np.ndim(label) or label not in places:
            raise ValueError(
                f"{name} is expected to name treatments, {treatments.tolist()}, got {label!r}."
            )
    return [places[label] for label in labels]


def indicator(arm: Any, setting: Setting, name: str) -> np.ndarray:
    """Return 1 in the cells of some treatments, (n_clusters, n_treatments), 0 elsewhere."""
    cells = np.zeros(setting.cost.shape)
    cells[:, columns_of(arm, setting.treatments, name)] = 1.0
    return cells
