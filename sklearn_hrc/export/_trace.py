"""From the steps of a policy to its graph."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc.export._graph import Flow, Graph
from sklearn_hrc.export._steps import add_step
from sklearn_hrc.export._students import add_student
from sklearn_hrc.export._table_steps import add_table_encoder, kinds_of_features

__all__ = ["Traced", "trace", "trace_matrix"]


class Traced(NamedTuple):
    """A graph and what its rows hold.

    Attributes
    ----------
    model : bytes
        Input "rows", float64. Outputs of `trace`: "cluster", int64, and "place", float64, of
        each row. Outputs of `trace_matrix`: "matrix", and "cluster" if there is a student.
    names : list of str
        Features, in the order of the columns of the rows.
    kinds : dict
        Kind of each feature: "number", "date" or "category".
    vocabularies : dict of Vocabulary
        By the place of a feature that is a category.
    """

    model: bytes
    names: list[str]
    kinds: dict[str, str]
    vocabularies: dict


def trace(steps, student, direction, X):
    """Turn fitted steps and a student into a graph.

    Parameters
    ----------
    steps : list of transformers
        What comes before the student.
    student : classifier
        Fitted.
    direction : ndarray of shape (n_columns,)
        On which members of a split cluster are told apart.
    X : DataFrame or ndarray of shape (n_rows, n_features)
        Rows as the first step takes them.

    Returns
    -------
    traced : Traced
        The graph.
    """
    graph, flow, kinds = _through(steps, X, np.float64)
    outputs = {
        "cluster": (add_student(graph, flow, student), np.int64, 1),
        "place": (_place(graph, flow, direction), np.float64, 1),
    }
    return _traced(graph, outputs, kinds)


def trace_matrix(steps, student, X):
    """Turn fitted steps into a graph that gives the matrix after them.

    Parameters
    ----------
    steps : list of transformers
        Preprocessing.
    student : classifier or None
        Fitted. It is given the matrix.
    X : DataFrame or ndarray of shape (n_rows, n_features)
        Rows as the first step takes them.

    Returns
    -------
    traced : Traced
        The graph.
    """
    # Steps round numbers of float32 as they go, and the matrix is to be theirs.
    dtype = np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64
    graph, flow, kinds = _through(steps, X, dtype)
    outputs = {"matrix": (flow.tensor, flow.dtype, 2)}
    if student is not None:
        outputs["cluster"] = (add_student(graph, flow, student), np.int64, 1)
    return _traced(graph, outputs, kinds)


def _through(steps, X, dtype):
    """Return a graph, what flows out of its last step, and the kinds of the features."""
    graph = Graph()
    cleaner = steps[0] if steps and type(steps[0]).__name__ == "TableCleaner" else None
    if cleaner is None:
        names = _names(steps, X)
        kinds = dict.fromkeys(names, "number")
        flow = Flow("rows", np.dtype(np.float64), names, list(range(len(names))))
        flow = graph.to_dtype(flow, dtype)
    else:
        kinds = kinds_of_features(cleaner)
        names = list(kinds)
        flow = Flow("rows", np.dtype(np.float64), names, list(range(len(names))))
        flow = add_table_encoder(graph, flow, steps[1], kinds)
        steps = steps[2:]
    for step in steps:
        flow = add_step(graph, flow, step)
    return graph, flow, kinds


def _traced(graph, outputs, kinds):
    names = list(kinds)
    kinds = kinds | {names[place]: "category" for place in graph.vocabularies}
    return Traced(graph.model(outputs, len(names)), names, kinds, graph.vocabularies)


def _names(steps, X):
    given = getattr(steps[0], "feature_names_in_", None) if steps else getattr(X, "columns", None)
    if given is not None:
        return [str(name) for name in given]
    return [f"x{place}" for place in range(np.shape(X)[1])]


def _place(graph, flow, direction):
    """Place of each row on the line: its inverse hyperbolic sines along a direction."""
    if flow.dtype == np.float32:
        sines = graph.cast(graph.add("Asinh", flow.tensor), np.float64)
    else:
        sines = _arcsinh(graph, flow.tensor)
    column = graph.add("MatMul", sines, graph.constant(direction[:, None], np.float64))
    return graph.add("Squeeze", column, graph.constant([1], np.int64))


def _arcsinh(graph, x):
    """Inverse hyperbolic sine in float64, sign(x) log(|x| + sqrt(x^2 + 1))."""
    size = graph.add("Abs", x)
    one = graph.constant(1.0, np.float64)
    root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", x, x), one))
    logarithm = graph.add("Log", graph.add("Add", size, root))
    return graph.add("Mul", graph.add("Sign", x), logarithm)
