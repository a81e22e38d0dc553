"""Arms of rows on machines without scikit-learn, by plain arrays."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._assignment import Assignment, arms_of_members
from sklearn_hrc._labels import find_labels
from sklearn_hrc.large._portable_policy import loaded_policy
from sklearn_hrc.large._rows import without_decimals

__all__ = ["PortableDeciding"]


class PortableDeciding(NamedTuple):
    """How arms are chosen, as bytes and arrays.

    Attributes
    ----------
    policy : bytes
        Fitted policy, from `dump_policy`.
    treatments : ndarray of shape (n_treatments,)
        Labels of the arms.
    control : int
        Arm of rows of unknown clusters.
    clusters : ndarray of shape (n_clusters,)
        Labels of the clusters.
    assignment : Assignment
        Arms of the clusters.
    direction : ndarray of shape (n_covariates,)
        Of the line on which members stand.
    """

    policy: bytes
    treatments: np.ndarray
    control: int
    clusters: np.ndarray
    assignment: Assignment
    direction: np.ndarray

    def decide(self, columns):
        """Return the arm of each row of a RecordBatch, as a label."""
        cluster, told_apart = loaded_policy(self.policy).clusters(without_decimals(columns))
        place = find_labels(cluster, self.clusters)
        (arms,) = arms_of_members(
            place, told_apart, [self.assignment], self.direction, self.control
        )
        return self.treatments[arms]
