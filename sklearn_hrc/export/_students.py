"""Students as nodes of the graph: what they are given, and the class that they tell."""

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from sklearn_hrc.export._steps import add_step

__all__ = ["add_student"]

_LINEAR = (LogisticRegression, RidgeClassifier, SGDClassifier)
_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}


def add_student(graph, flow, student):
    """Add a fitted classifier.

    Parameters
    ----------
    graph : Graph
        Grows.
    flow : Flow
        What the student is given.
    student : classifier
        Fitted. Its classes are 0, 1, ...

    Returns
    -------
    tensor : str
        Class of each row, int64.
    """
    if isinstance(student, Pipeline):
        for _, step in student.steps[:-1]:
            flow = add_step(graph, flow, step)
        student = student.steps[-1][1]
    # The networks and trees of scikit-learn compare in float32, or may as well.
    flow = graph.to_dtype(flow, np.float32)
    if isinstance(student, MLPClassifier):
        return _network(graph, flow, student)
    if isinstance(student, _LINEAR):
        scores = _layer(graph, flow.tensor, student.coef_.T, student.intercept_)
        return _largest(graph, scores, len(student.classes_))
    if isinstance(student, DecisionTreeClassifier):
        return _tree(graph, flow, student)
    if isinstance(student, DummyClassifier) and len(student.classes_) == 1:
        return _always_first(graph, flow)
    kinds = ", ".join(kind.__name__ for kind in (MLPClassifier, *_LINEAR, DecisionTreeClassifier))
    raise TypeError(
        f"policy is expected to have a student that a graph can hold ({kinds}), got a "
        f"{type(student).__name__}; distil the policy with one of these."
    )


def _network(graph, flow, student):
    tensor = flow.tensor
    for place, (weights, bias) in enumerate(zip(student.coefs_, student.intercepts_)):
        tensor = _layer(graph, tensor, weights, bias)
        inner = place < len(student.coefs_) - 1
        if inner and student.activation != "identity":
            tensor = graph.add(_ACTIVATIONS[student.activation], tensor)
    # The last activation, softmax or logistic, does not change which class is largest.
    return _largest(graph, tensor, len(student.classes_))


def _layer(graph, tensor, weights, bias):
    weights, bias = (graph.constant(array, np.float32) for array in (weights, bias))
    return graph.add("Gemm", tensor, weights, bias)


def _largest(graph, scores, n_classes):
    if n_classes > 2:
        return graph.add("ArgMax", scores, axis=1, keepdims=0)
    # Of two classes there is one score, positive for the second.
    positive = graph.add("Greater", scores, graph.constant(0.0, np.float32))
    column = graph.add("Squeeze", positive, graph.constant([1], np.int64))
    return graph.cast(column, np.int64)


def _tree(graph, flow, student):
    """Add a tree, each of whose leaves tells one class."""
    tree = student.tree_
    n_nodes, leaf = tree.node_count, tree.children_left < 0
    told = np.argmax(tree.value[:, 0, :], axis=1)
    leaves = np.flatnonzero(leaf)
    # Features are float32. The largest float32 below a threshold divides them as it does.
    threshold = tree.threshold.astype(np.float32)
    above = threshold.astype(np.float64) > tree.threshold
    threshold[above] = np.nextafter(threshold[above], np.float32(-np.inf))
    missing = getattr(tree, "missing_go_to_left", np.zeros(n_nodes, dtype=np.uint8))
    label, _ = graph.add(
        "TreeEnsembleClassifier",
        flow.tensor,
        n_outputs=2,
        domain="ai.onnx.ml",
        nodes_treeids=[0] * n_nodes,
        nodes_nodeids=list(range(n_nodes)),
        nodes_featureids=np.where(leaf, 0, tree.feature).tolist(),
        nodes_values=np.where(leaf, 0, threshold).astype(np.float32).tolist(),
        nodes_modes=["LEAF" if is_leaf else "BRANCH_LEQ" for is_leaf in leaf],
        nodes_truenodeids=np.where(leaf, 0, tree.children_left).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, tree.children_right).tolist(),
        nodes_missing_value_tracks_true=missing.astype(int).tolist(),
        class_treeids=[0] * len(leaves),
        class_nodeids=leaves.tolist(),
        class_ids=told[leaves].tolist(),
        class_weights=[1.0] * len(leaves),
        classlabels_int64s=list(range(len(student.classes_))),
        post_transform="NONE",
    )
    return label


def _always_first(graph, flow):
    """Add the class 0 for every row."""
    first = graph.add("Gather", flow.tensor, graph.constant([0], np.int64), axis=1)
    column = graph.add("Squeeze", first, graph.constant([1], np.int64))
    zero = graph.add("ConstantOfShape", graph.add("Shape", column))
    return graph.cast(zero, np.int64)
