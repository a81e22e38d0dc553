"""A graph of ONNX that is built node by node, and what flows through it."""

from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc._extras import import_from_extra

__all__ = ["Flow", "Graph"]

# Old enough for runtimes of recent years, new enough for all operators that are used.
_OPSET, _OPSET_ML, _IR = 17, 3, 8


class Flow(NamedTuple):
    """A matrix at some place of the graph.

    Attributes
    ----------
    tensor : str
        Its name in the graph.
    dtype : dtype
        float32 or float64.
    names : list of str
        Names of its columns.
    sources : list of int
        For each column the feature that it is, as it comes in, or -1.
    """

    tensor: str
    dtype: np.dtype
    names: list[str]
    sources: list[int]


class Graph:
    """Nodes and constants of a graph with one input, the rows.

    Attributes
    ----------
    vocabularies : dict
        How features that are categories are coded in the rows, by their place.
    """

    def __init__(self) -> None:
        self.vocabularies: dict[int, Any] = {}
        self._onnx = import_from_extra("onnx", "export_policy", "serving")
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._count = 0

    def constant(self, values: Any, dtype: Any) -> str:
        """Add an array and return its name."""
        name = self._name("c")
        array = np.ascontiguousarray(values, dtype=dtype)
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, *inputs: str, n_outputs: int = 1, **attributes: Any) -> Any:
        """Add a node and return the name of its output, or their list."""
        outputs = [self._name("t") for _ in range(n_outputs)]
        node = self._onnx.helper.make_node(operator, list(inputs), outputs, **attributes)
        self._nodes.append(node)
        return outputs[0] if n_outputs == 1 else outputs

    def cast(self, tensor: str, dtype: Any) -> str:
        """Add a change of type."""
        return self.add("Cast", tensor, to=self._type(dtype))

    def to_dtype(self, flow: Flow, dtype: Any) -> Flow:
        """Return a flow in another type, or itself."""
        if flow.dtype == dtype:
            return flow
        return flow._replace(tensor=self.cast(flow.tensor, dtype), dtype=np.dtype(dtype))

    def take(self, flow: Flow, places: Any) -> Flow:
        """Return some columns of a flow."""
        places = np.asarray(places, dtype=np.int64)
        if np.array_equal(places, np.arange(len(flow.names))):
            return flow
        return Flow(
            self.add("Gather", flow.tensor, self.constant(places, np.int64), axis=1),
            flow.dtype,
            [flow.names[place] for place in places],
            [flow.sources[place] for place in places],
        )

    def side_by_side(self, flows: list[Flow]) -> Flow:
        """Return the columns of several flows beside each other, in their common type."""
        if len(flows) == 1:
            return flows[0]
        dtype = np.result_type(*(flow.dtype for flow in flows))
        flows = [self.to_dtype(flow, dtype) for flow in flows]
        return Flow(
            self.add("Concat", *(flow.tensor for flow in flows), axis=1),
            dtype,
            [name for flow in flows for name in flow.names],
            [source for flow in flows for source in flow.sources],
        )

    def model(self, outputs: dict[str, tuple[str, Any, int]], n_features: int) -> bytes:
        """Return the whole as bytes.

        Parameters
        ----------
        outputs : dict
            From the name of an output to a tensor, its type, and how many dimensions it has.
        n_features : int
            Columns of the input "rows", in float64.

        Returns
        -------
        model : bytes
            A checked model.
        """
        helper, checker = self._onnx.helper, self._onnx.checker
        for name, (tensor, _, _) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [tensor], [name]))
        rows = helper.make_tensor_value_info("rows", self._type(np.float64), [None, n_features])
        given = [
            helper.make_tensor_value_info(name, self._type(dtype), [None] * n_dimensions)
            for name, (_, dtype, n_dimensions) in outputs.items()
        ]
        graph = helper.make_graph(self._nodes, "policy", [rows], given, self._constants)
        versions = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _OPSET_ML)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=_IR)
        checker.check_model(model)
        return model.SerializeToString()

    def _name(self, prefix):
        self._count += 1
        return f"{prefix}{self._count}"

    def _type(self, dtype):
        return self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
