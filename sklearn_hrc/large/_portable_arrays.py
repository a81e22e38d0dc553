"""Trees of plain things and arrays as bytes that are read without trust.

A tree is made of arrays, text, bytes, numbers, None, lists, tuples, dicts and the named tuples of
`CLASSES`. Its arrays stand in an npz file, and its structure beside them as JSON, in which an array
is a number. Nothing is pickled. A checksum stands first, so that whatever was changed on the way is
one error.
"""

import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from sklearn_hrc._cells.moments import Moments
from sklearn_hrc._cells.table import CellTable
from sklearn_hrc._columns import Columns
from sklearn_hrc._decision_coordinates import DecisionMap, EffectScale
from sklearn_hrc._nearest_cluster import Clustering
from sklearn_hrc._positions import Positions
from sklearn_hrc._predictor.encoding import Encoding
from sklearn_hrc._predictor.fitted_trees import EffectTrees, PlainTree
from sklearn_hrc._predictor.forward import Network
from sklearn_hrc._predictor.lending import Lending
from sklearn_hrc._predictor.pooled import PooledModel
from sklearn_hrc._predictor.predictor import NetworkModel, Predictor
from sklearn_hrc._predictor.projection import Projection
from sklearn_hrc._predictor.representation import Representation
from sklearn_hrc._predictor.stack import Stack
from sklearn_hrc._predictor.tasks import Components
from sklearn_hrc._regrets import RegretScale
from sklearn_hrc.large._policy_parts import PolicyParts

__all__ = ["CLASSES", "PortableBytesError", "from_bytes", "to_bytes"]

_MARK = b"sklearn-hrc arrays 1\n"
_DIGEST = hashlib.sha256().digest_size
CLASSES = {
    kind.__name__: kind
    for kind in (
        CellTable,
        Clustering,
        Columns,
        Components,
        DecisionMap,
        EffectScale,
        EffectTrees,
        Encoding,
        Lending,
        Moments,
        Network,
        NetworkModel,
        PlainTree,
        PolicyParts,
        PooledModel,
        Positions,
        Predictor,
        Projection,
        RegretScale,
        Representation,
        Stack,
    )
}
_LABELS = (str, bool, int, float, type(None))


class PortableBytesError(ValueError):
    """Bytes are not what this version has written."""


def to_bytes(tree: Any) -> bytes:
    """Write a tree.

    Parameters
    ----------
    tree : object
        What may occur in it stands at the top of this file.

    Returns
    -------
    content : bytes
        For `from_bytes`.

    Raises
    ------
    TypeError
        If something else is in it.
    """
    arrays: list[np.ndarray] = []
    structure = json.dumps(_packed(tree, arrays)).encode()
    file = io.BytesIO()
    places: dict[str, Any] = {str(place): array for place, array in enumerate(arrays)}
    np.savez(file, structure=np.frombuffer(structure, dtype=np.uint8), **places)
    content = file.getvalue()
    return _MARK + hashlib.sha256(content).digest() + content


def from_bytes(content: bytes) -> Any:
    """Read a tree that `to_bytes` wrote.

    Parameters
    ----------
    content : bytes
        The whole of it.

    Returns
    -------
    tree : object
        Arrays have their type and order in memory.

    Raises
    ------
    PortableBytesError
        If a byte is missing or another, or the bytes were written by something else.
    """
    start = len(_MARK) + _DIGEST
    content = bytes(content)
    mark, digest, rest = content[: len(_MARK)], content[len(_MARK) : start], content[start:]
    if mark != _MARK or hashlib.sha256(rest).digest() != digest:
        raise _wrong("others")
    try:
        with np.load(io.BytesIO(rest), allow_pickle=False) as arrays:
            return _unpacked(json.loads(arrays["structure"].tobytes()), arrays)
    # Another version has written them, and files in zip raise many kinds of errors.
    except Exception as error:
        raise _wrong(f"another content ({type(error).__name__})") from error


def _wrong(got):
    return PortableBytesError(
        f"content is expected to hold bytes as this version of sklearn-hrc writes them, got {got}; "
        "send them again, and use one version everywhere."
    )


def _packed(value, arrays):
    """Structure of a value as JSON holds it; arrays go to the list."""
    if isinstance(value, np.ndarray | np.generic | bytes):
        return _packed_array(value, arrays)
    if value is None or type(value) in (bool, int, float, str):
        return value
    kind = type(value)
    if kind is dict:
        parts = [part for pair in value.items() for part in pair]
    elif kind in (list, tuple) or kind is CLASSES.get(kind.__name__):
        parts = value
    else:
        raise TypeError(
            "policy is expected to be made of arrays, plain numbers and text, got a "
            f"{kind.__module__}.{kind.__name__}."
        )
    return [kind.__name__, *(_packed(part, arrays) for part in parts)]


def _packed_array(value, arrays):
    if isinstance(value, bytes):
        kind, array = "bytes", np.frombuffer(value, dtype=np.uint8)
    else:
        kind, array = ("ndarray" if isinstance(value, np.ndarray) else "scalar"), np.asarray(value)
    if array.dtype.hasobject:
        labels = array.ravel().tolist()
        if not all(type(label) in _LABELS for label in labels):
            raise TypeError(
                "policy is expected to have arrays of numbers or text, got an array of objects."
            )
        return ["labels", list(array.shape), labels]
    arrays.append(array)
    return [kind, len(arrays) - 1]


def _unpacked(node, arrays):
    """Return what `_packed` was given."""
    if not isinstance(node, list):
        return node
    kind, *parts = node
    if kind in _READERS:
        return _READERS[kind](arrays[str(parts[0])])
    if kind == "labels":
        shape, labels = parts
        array = np.empty(len(labels), dtype=object)
        array[:] = labels
        return array.reshape(shape)
    values = [_unpacked(part, arrays) for part in parts]
    if kind in ("list", "tuple"):
        return values if kind == "list" else tuple(values)
    if kind == "dict":
        return dict(zip(values[::2], values[1::2], strict=True))
    return CLASSES[kind](*values)


_READERS: dict[str, Callable[[np.ndarray], Any]] = {
    "bytes": np.ndarray.tobytes,
    "ndarray": np.asarray,
    # A number of numpy keeps its type, which says in what type sums with it are made.
    "scalar": lambda array: array[()],
}
