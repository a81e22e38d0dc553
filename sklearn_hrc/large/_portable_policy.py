"""A fitted policy that travels as bytes and is applied with numpy and onnxruntime alone.

On the machines of a cluster there is neither scikit-learn nor torch nor a solver. What is needed
there is `[cluster | H | D | Q]` of rows, from which sums are made that merge.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_hrc._chunks import chunks
from sklearn_hrc._nearest_cluster import cluster_of
from sklearn_hrc._predictor.representation import represent
from sklearn_hrc.large._policy_parts import PolicyParts
from sklearn_hrc.large._portable_arrays import PortableBytesError, from_bytes, to_bytes
from sklearn_hrc.serving._features import as_matrix
from sklearn_hrc.serving._manifest import parse_feature
from sklearn_hrc.serving._model import start_session

__all__ = ["PortablePolicy", "dump_policy", "load_policy", "loaded_policy"]

# Rows that the graph is given at once, so that its layers stay in the cache.
_GRAPH_ROWS = 8_192


def dump_policy(policy: Any, X: ArrayLike) -> bytes:
    """Write a fitted policy as bytes.

    Parameters
    ----------
    policy : Pipeline or DistilledAllocator
        Fitted pipeline of preprocessing, :class:`~sklearn_hrc.MultiTaskRepresenter`,
        :class:`~sklearn_hrc.HiddenClusterer` and :class:`~sklearn_hrc.ClusterBudgetAllocator`, or
        a fitted :class:`~sklearn_hrc.DistilledAllocator` of one. Preprocessing and student are
        such as :func:`~sklearn_hrc.export.export_policy` takes.
    X : array-like of shape (n_samples, n_features)
        Rows like those of `fit`, of which one is enough. They tell names and types of features.

    Returns
    -------
    content : bytes
        For `load_policy`.

    Raises
    ------
    ImportError
        If onnx is missing: it comes with the extra `serving`.
    TypeError
        If the policy has other steps, or a graph cannot express its preprocessing.
    """
    # What takes a policy apart imports scikit-learn, which is not there where bytes are loaded.
    from sklearn_hrc.large._taken_apart import parts_of

    return to_bytes(parts_of(policy, X))


def load_policy(content: bytes) -> "PortablePolicy":
    """Read a policy that `dump_policy` wrote.

    Parameters
    ----------
    content : bytes
        The whole of it. Nothing in it is executed but a graph of ONNX.

    Returns
    -------
    policy : PortablePolicy
        Tells clusters and expected outcomes.

    Raises
    ------
    ImportError
        If onnxruntime is missing: it comes with the extra `serving`.
    PortableBytesError
        If the bytes are damaged, or are no policy.
    """
    parts = from_bytes(content)
    if not isinstance(parts, PolicyParts):
        raise PortableBytesError(
            "content is expected to be written by dump_policy, got bytes of a "
            f"{type(parts).__name__}."
        )
    return PortablePolicy(parts)


@lru_cache(maxsize=2)
def loaded_policy(content: bytes) -> "PortablePolicy":
    """Return `load_policy` of the bytes, which a process reads once for all its batches."""
    return load_policy(content)


class PortablePolicy:
    """A policy on a machine that has numpy and onnxruntime; made by `load_policy`.

    Parameters
    ----------
    parts : PolicyParts
        What it is made of.

    Attributes
    ----------
    features : list of str
        Names of the columns that rows have to have.
    """

    def __init__(self, parts: PolicyParts) -> None:
        self._parts = parts
        self._features = [parse_feature(feature) for feature in parts.features]
        self.features = [feature.name for feature in self._features]
        try:
            self._session = start_session(parts.graph, "load_policy")
        except ValueError as error:
            raise PortableBytesError(
                "content is expected to hold a graph that onnxruntime can load, got another; use "
                "one version of onnxruntime everywhere."
            ) from error

    def matrix(self, columns: Any) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return clusters and expected outcomes of rows, and what tells members of one apart.

        Parameters
        ----------
        columns : mapping of columns, data frame or RecordBatch
            Columns are found by name, and further ones are passed over.

        Returns
        -------
        Z : ndarray of shape (n_rows, 1 + n_columns)
            `[cluster | H | D | Q]`, as the allocator of the policy was given it.
        told_apart : ndarray of shape (n_rows, n_covariates)
            Columns that tell the members of a cluster apart: those of `Z` after the cluster, or
            what the student is given.

        Raises
        ------
        FeatureError
            If a feature is missing, or a value is of another kind.
        ValueError
            If preprocessing does not give finite numbers.
        """
        parts = self._parts
        inputs, served = self._through_graph(as_matrix(columns, self._features))
        represented = represent(inputs, parts.representation)
        if parts.labels is None:
            cluster = cluster_of(represented, parts.clustering)
        else:
            cluster = parts.labels[served]
        Z = np.column_stack([cluster.astype(represented.dtype), represented])
        return Z, Z[:, 1:] if served is None else inputs

    def clusters(self, columns: Any) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return the cluster of rows, and what tells members of one apart.

        Parameters
        ----------
        columns : mapping of columns, data frame or RecordBatch
            As in `matrix`.

        Returns
        -------
        cluster : ndarray of shape (n_rows,)
            Labels.
        told_apart : ndarray of shape (n_rows, n_covariates)
            As in `matrix`.
        """
        if self._parts.labels is None:
            Z, told_apart = self.matrix(columns)
            return Z[:, 0], told_apart
        # A student needs no representation.
        inputs, served = self._through_graph(as_matrix(columns, self._features))
        return self._parts.labels[served], inputs

    def _through_graph(self, rows):
        """Matrix of the representer, and the class that a student tells, or None."""
        outputs = ["matrix"] if self._parts.labels is None else ["matrix", "cluster"]
        found = [
            self._session.run(outputs, {"rows": rows[chunk]})
            for chunk in chunks(len(rows), _GRAPH_ROWS)
        ] or [self._session.run(outputs, {"rows": rows})]
        matrix, *served = (np.concatenate(part) for part in zip(*found))
        with np.errstate(over="ignore"):  # it is infinite then
            matrix = matrix.astype(self._parts.dtype, copy=False)
        finite = np.isfinite(matrix).all(axis=1)
        if not finite.all():
            raise ValueError(
                "columns is expected to have finite numbers after preprocessing, got others in "
                f"row {int(np.argmin(finite))}; fill its gaps as in the rows of fit."
            )
        return matrix, served[0] if served else None
