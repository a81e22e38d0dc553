"""Trees of arrays as bytes: all comes back, and damage is one sentence."""

import hashlib
import io
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_hrc._cells.moments import add, empty
from sklearn_hrc._columns import Columns
from sklearn_hrc._predictor.fitted_trees import PlainTree
from sklearn_hrc.large import _portable_arrays as module
from sklearn_hrc.large._portable_arrays import PortableBytesError, from_bytes, to_bytes

TREE = {
    "none": None,
    3: [True, 1, -0.1, float("inf"), "Ä'\0", b"\x00\xff"],
    "arrays": (np.arange(6, dtype=np.float32).reshape(2, 3), np.array([], dtype=bool)),
    "named": [Columns(2, 0, 3, 1), (PlainTree(*[np.array([-1])] * 4), np.zeros((1, 3)))],
    "empty": [(), [], {}],
}


def signed(content):
    """Bytes with the mark and the checksum that the reader asks for."""
    return module._MARK + hashlib.sha256(content).digest() + content


def test_all_comes_back_with_its_type():
    tree = from_bytes(to_bytes(TREE))
    assert repr(tree) == repr(TREE)
    assert type(tree["named"][0]) is Columns
    assert type(tree["named"][1][0]) is PlainTree
    assert tree["arrays"][0].dtype == np.float32


@pytest.mark.parametrize("order", "CF")
def test_arrays_keep_their_values_type_and_order(order):
    values = np.array([[1.5, np.nan, -0.0], [np.inf, 5e-324, 0.1]], order=order)
    (back,) = from_bytes(to_bytes([values]))
    assert back.tobytes("A") == values.tobytes("A")
    assert back.flags.f_contiguous == values.flags.f_contiguous
    texts = np.array(["one", "zwölf"])
    assert_array_equal(from_bytes(to_bytes(texts)), texts)


def test_a_number_of_numpy_keeps_its_type():
    # float32 rows times a float64 of numpy are float64, and times a plain number float32
    back = from_bytes(to_bytes([np.float64(0.1), 0.1, np.int32(3), np.bool_(True)]))
    assert [type(number) for number in back] == [np.float64, float, np.int32, np.bool_]
    assert back == [0.1, 0.1, 3, True]


def test_labels_that_are_objects_come_back():
    labels = np.array([["a", None], [5, 0.5]], dtype=object)
    back = from_bytes(to_bytes(labels))
    assert back.dtype == object
    assert back.tolist() == labels.tolist()


def test_sums_come_back():
    moments = add(empty(2, 1), np.array([0, 1, 1]), np.array([[1.0], [2.0], [5.0]]), np.ones(3))
    back = from_bytes(to_bytes(moments))
    assert type(back) is type(moments)
    assert all(np.array_equal(one, other) for one, other in zip(back, moments, strict=True))


@pytest.mark.parametrize(
    "value", [{1, 2}, object(), np.array([{}], dtype=object), pytest.raises, 1j, slice(3)]
)
def test_anything_else_is_refused(value):
    with pytest.raises(TypeError, match="policy is expected to "):
        to_bytes({"deep": [value]})


def test_a_tuple_with_the_name_of_a_known_one_is_refused():
    other = type("Columns", (tuple,), {})
    with pytest.raises(TypeError, match="Columns"):
        to_bytes(other((1, 2)))


def test_each_missing_or_changed_byte_is_one_error():
    content = to_bytes([np.arange(3.0), "text"])
    for end in range(len(content)):
        with pytest.raises(PortableBytesError):
            from_bytes(content[:end])
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        with pytest.raises(PortableBytesError):
            from_bytes(bytes(changed))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pickle.dumps(TREE), module._MARK])
def test_foreign_bytes_are_one_sentence(content):
    with pytest.raises(PortableBytesError, match=r"^content is expected .*[^.]\.$"):
        from_bytes(content)


def written(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return signed(file.getvalue())


@pytest.mark.parametrize(
    "content",
    [
        signed(b"no zip"),
        written(other=np.arange(3)),
        written(structure=np.frombuffer(b"{", dtype=np.uint8)),
        written(structure=np.frombuffer(b'["Estimator", 1]', dtype=np.uint8)),
        written(structure=np.frombuffer(b'["Columns"]', dtype=np.uint8)),
        written(structure=np.frombuffer(b'["ndarray", 7]', dtype=np.uint8)),
        written(structure=np.frombuffer(b'["dict", 1]', dtype=np.uint8)),
        written(structure=np.frombuffer(b"[" * 10_000 + b"]" * 10_000, dtype=np.uint8)),
        written(structure=np.array([print], dtype=object)),
    ],
)
def test_another_content_with_its_checksum_is_one_sentence(content):
    with pytest.raises(PortableBytesError, match=r"^content is expected .*[^.]\.$"):
        from_bytes(content)
