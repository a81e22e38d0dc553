"""Preprocessing of scikit-learn as nodes of the graph, a function for each kind of step."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from sklearn_hrc.export._categories import add_one_hot
from sklearn_hrc.export._graph import Flow

__all__ = ["add_step"]


def add_step(graph, flow, step):
    """Add a fitted transformer.

    Parameters
    ----------
    graph : Graph
        Grows.
    flow : Flow
        What the step is given.
    step : transformer or {"passthrough", "drop"}
        Fitted.

    Returns
    -------
    flow : Flow
        What the step gives.

    Raises
    ------
    TypeError
        If the graph cannot express the step.
    """
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return flow
    for kind, add in _KINDS.items():
        if isinstance(step, kind):
            return add(graph, flow, step)
    if type(step).__name__ == "SquashingScaler":
        return _squashing(graph, flow, step)
    kinds = ", ".join(kind.__name__ for kind in _KINDS)
    raise TypeError(
        f"policy is expected to have preprocessing that a graph can hold ({kinds}, and the steps "
        f"of make_policy), got a {type(step).__name__}; leave that step to the caller by fitting "
        "the policy on its output."
    )


def _frozen(graph, flow, step):
    return add_step(graph, flow, step.estimator)


def _pipeline(graph, flow, pipeline):
    for _, step in pipeline.steps:
        flow = add_step(graph, flow, step)
    return flow


def _standard(graph, flow, step):
    return _affine(graph, flow, step.mean_ if step.with_mean else None, step.scale_)


def _robust(graph, flow, step):
    return _affine(graph, flow, step.center_, step.scale_)


def _max_abs(graph, flow, step):
    return _affine(graph, flow, None, step.scale_)


def _min_max(graph, flow, step):
    scaled = graph.add("Mul", flow.tensor, graph.constant(step.scale_, flow.dtype))
    moved = graph.add("Add", scaled, graph.constant(step.min_, flow.dtype))
    if step.clip:
        low, high = (graph.constant(end, flow.dtype) for end in step.feature_range)
        moved = graph.add("Clip", moved, low, high)
    return _changed(flow, moved)


def _affine(graph, flow, centre, scale):
    tensor = flow.tensor
    if centre is not None:
        tensor = graph.add("Sub", tensor, graph.constant(centre, flow.dtype))
    if scale is not None:
        tensor = graph.add("Div", tensor, graph.constant(scale, flow.dtype))
    return _changed(flow, tensor)


def _changed(flow, tensor):
    return flow._replace(tensor=tensor, sources=[-1] * len(flow.names))


def _imputer(graph, flow, step):
    """Fill gaps, drop columns that were nothing but gaps, and tell where gaps were."""
    if not (isinstance(step.missing_values, float) and np.isnan(step.missing_values)):
        raise TypeError(
            "missing_values of SimpleImputer is expected to be NaN in a policy that is exported, "
            f"got {step.missing_values!r}; fit the policy on rows whose gaps are NaN."
        )
    fill = np.asarray(step.statistics_, dtype=flow.dtype)
    kept = np.flatnonzero(~np.isnan(fill))
    shown = graph.take(flow, kept)
    gap = graph.add("IsNaN", shown.tensor)
    filled = graph.add("Where", gap, graph.constant(fill[kept], flow.dtype), shown.tensor)
    imputed = _changed(shown, filled)
    if not step.add_indicator or not len(step.indicator_.features_):
        return imputed
    watched = graph.take(flow, step.indicator_.features_)
    told = graph.cast(graph.add("IsNaN", watched.tensor), flow.dtype)
    names = [f"missingindicator_{name}" for name in watched.names]
    return graph.side_by_side([imputed, Flow(told, flow.dtype, names, [-1] * len(names))])


def _columns(graph, flow, transformer):
    """Add each transformer to its columns."""
    parts = []
    for _, step, columns in transformer.transformers_:
        places = _places(columns, flow.names)
        if len(places) and not (isinstance(step, str) and step == "drop"):
            parts.append(add_step(graph, graph.take(flow, places), step))
    return graph.side_by_side(parts)


def _places(columns, names):
    """Places of columns that are given by name, number, mask or slice."""
    if isinstance(columns, slice):
        if isinstance(columns.start or columns.stop, str):
            first = names.index(columns.start) if columns.start is not None else 0
            last = names.index(columns.stop) if columns.stop is not None else len(names) - 1
            return np.arange(first, last + 1)
        return np.arange(len(names))[columns]
    columns = np.atleast_1d(np.asarray(columns, dtype=object if _has_text(columns) else None))
    if _has_text(columns):
        return np.array([names.index(name) for name in columns], dtype=np.int64)
    return np.arange(len(names))[columns] if len(columns) else np.zeros(0, dtype=np.int64)


def _has_text(columns):
    return isinstance(columns, str) or any(isinstance(name, str) for name in np.ravel(columns))


def _squashing(graph, flow, step):
    """Scale by quartiles or range, then squash: z / sqrt(1 + (z / bound)^2)."""
    centre, factor = np.zeros((2, len(flow.names)))
    divisor = np.ones(len(flow.names))
    if step.robust_scaler_ is not None:
        centre[step.robust_cols_] = step.robust_scaler_.center_
        divisor[step.robust_cols_] = step.robust_scaler_.scale_
        factor[step.robust_cols_] = 1.0
    if step.minmax_scaler_ is not None:
        centre[step.minmax_cols_] = step.minmax_scaler_.median_
        factor[step.minmax_cols_] = step.minmax_scaler_.scale_
    moved = graph.add("Sub", flow.tensor, graph.constant(centre, flow.dtype))
    # Divided in float64, as numpy does, so that a value that many rows have stays one value.
    divided = graph.add("Div", graph.cast(moved, np.float64), graph.constant(divisor, np.float64))
    z = graph.add("Mul", graph.cast(divided, flow.dtype), graph.constant(factor, flow.dtype))
    bound = graph.constant(step.max_absolute_value, flow.dtype)
    share = graph.add("Div", z, bound)
    square = graph.add("Mul", share, share)
    root = graph.add("Sqrt", graph.add("Add", square, graph.constant(1.0, flow.dtype)))
    return _changed(flow, graph.add("Div", z, root))


_KINDS = {
    FrozenEstimator: _frozen,
    Pipeline: _pipeline,
    ColumnTransformer: _columns,
    StandardScaler: _standard,
    MinMaxScaler: _min_max,
    MaxAbsScaler: _max_abs,
    RobustScaler: _robust,
    SimpleImputer: _imputer,
    OneHotEncoder: add_one_hot,
}
