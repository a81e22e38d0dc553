"""The graph of a policy in a runtime of ONNX: clusters of rows, and places in split clusters."""

from typing import Any

import numpy as np

from sklearn_hrc._extras import import_from_extra
from sklearn_hrc.serving._exceptions import PolicyFolderError

__all__ = ["Model", "start_session"]

# Rows that the graph is given at once, so that its layers stay in the cache.
_CHUNK = 8_192


class Model:
    """A session that threads may share.

    Parameters
    ----------
    content : bytes
        The graph.
    n_features : int
        Columns of its rows.
    n_clusters : int
        Clusters that it may tell.
    """

    def __init__(self, content: bytes, n_features: int, n_clusters: int) -> None:
        try:
            self._session = start_session(content)
        except ValueError as error:
            raise PolicyFolderError(
                "model.onnx is expected to hold a graph that onnxruntime can load, got another "
                "content; export the policy again."
            ) from error
        self._n_clusters = n_clusters
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shapes = [(node.name, node.type, node.shape[1:]) for node in inputs]
        given = {node.name: node.type for node in outputs}
        if shapes != [("rows", "tensor(double)", [n_features])] or given != {
            "cluster": "tensor(int64)",
            "place": "tensor(double)",
        }:
            raise PolicyFolderError(
                "model.onnx is expected to take the features of policy.json and give clusters, "
                "got another graph; export the policy again."
            )

    def clusters(self, rows: np.ndarray) -> np.ndarray:
        """Return the cluster of each row of a float64 matrix."""
        return self._checked(self._in_chunks("cluster", rows, np.int64))

    def cluster_of_one(self, row: np.ndarray) -> int:
        """Return the cluster of a matrix with one row."""
        (found,) = self._session.run(["cluster"], {"rows": row})
        cluster = int(found[0])
        if not 0 <= cluster < self._n_clusters:
            self._checked(found)
        return cluster

    def place_of_one(self, row: np.ndarray) -> float:
        """Return the place of a matrix with one row."""
        return float(self._session.run(["place"], {"rows": row})[0][0])

    def places(self, rows: np.ndarray) -> np.ndarray:
        """Return where each row stands on the line on which split clusters are cut."""
        return self._in_chunks("place", rows, np.float64)

    def _in_chunks(self, output, rows, dtype):
        found = np.empty(len(rows), dtype=dtype)
        for start in range(0, len(rows), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            (found[chunk],) = self._session.run([output], {"rows": rows[chunk]})
        return found

    def _checked(self, clusters):
        if len(clusters) and not (0 <= clusters.min() and clusters.max() < self._n_clusters):
            raise PolicyFolderError(
                f"model.onnx is expected to tell one of {self._n_clusters} clusters, got others; "
                "export the policy again."
            )
        return clusters


def start_session(content: bytes, caller: str = "load") -> Any:
    """Start a session on one thread, which does not spin while it waits.

    Parameters
    ----------
    content : bytes
        A graph. A `ValueError` is raised if the runtime cannot load it.
    caller : str, default="load"
        What requires the runtime, for the error where it is missing.

    Returns
    -------
    session : InferenceSession
        Threads may share it.
    """
    runtime = import_from_extra("onnxruntime", caller, "serving")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has many kinds of errors, without a common class
        raise ValueError("onnxruntime cannot load the graph.") from error
