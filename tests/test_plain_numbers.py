"""Columns of any kind as finite numbers, by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc._plain_numbers import codes_of, numbers_of_table, plain_numbers

pd = pytest.importorskip("pandas")

NAN = np.nan


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([1, 2], [1, 2]),
        ([1.5, np.inf, NAN], [1.5, NAN, NAN]),
        ([True, False], [1, 0]),
        (np.array([True, None], dtype=object), [1, NAN]),
        (pd.Series([3, None], dtype="Int64"), [3, NAN]),
        (["b", "a", "b"], [0, 1, 0]),  # the largest first
        (["b", "a"], [1, 0]),  # ties are sorted
        (pd.Series(["b", None, "a", "b"]), [0, NAN, 1, 0]),
        (pd.Series(["01", "2", "01"], dtype=object), [0, 1, 0]),  # text is a category
        (pd.Series(["b", pd.NA, "b"], dtype="string"), [0, NAN, 0]),
        (pd.Categorical(["x", None, "x"]), [0, NAN, 0]),
        (np.array(["1.5", "2"]), [1.5, 2]),  # numbers in an array with text
        (pd.Series([[1, 2], None, [1, 2]]), [0, NAN, 0]),
        (np.array(["1970-01-03", "NaT"], dtype="datetime64[D]"), [2, NAN]),
        (np.array([3, "NaT"], dtype="timedelta64[D]"), [3, NAN]),
        (pd.Series(pd.to_datetime(["1970-01-02T12:00", None], utc=True)), [1.5, NAN]),
        (pd.Series(pd.PeriodIndex(["1970-02", "1971-01", None], freq="M")), [31, 365, NAN]),
    ],
)
def test_codes(values, codes):
    found = codes_of(values)
    assert found.dtype == np.float64
    assert_array_equal(found, codes)


def test_numbers_by_hand():
    frame = pd.DataFrame(
        {
            "kind": ["b", "a", "b", None],
            "when": pd.to_datetime(["1970-01-01", None, "1970-01-03", "1970-01-09"]),
            "age": [1.0, NAN, 3.0, 8.0],
            "new": [True, False, True, False],
            "empty": [None] * 4,
        }
    )
    expected = {
        "kind = b": [1, 0, 1, 0],
        "kind = a": [0, 1, 0, 0],
        "kind is missing": [0, 0, 0, 1],
        "when": [0, 2, 2, 8],  # the median of 0, 2 and 8
        "when is missing": [0, 1, 0, 0],
        "age": [1, 3, 3, 8],
        "age is missing": [0, 1, 0, 0],
        "new": [1, 0, 1, 0],
    }
    features, names = numbers_of_table(frame)
    assert names == list(expected)
    assert features.dtype == np.float64
    assert_array_equal(features, np.column_stack(list(expected.values())))


def test_only_the_largest_categories_have_a_column():
    values = [f"c{level}" for level in range(30) for _ in range(30 - level)]
    assert list(plain_numbers({"c": values})) == [f"c = c{level}" for level in range(10)]


def test_order_of_rows_does_not_matter():
    rng = np.random.default_rng(0)
    table = {"word": rng.choice(["a", "b", None], 50), "x": rng.choice([1.0, 2.0, NAN], 50)}
    order = rng.permutation(50)
    numbers = plain_numbers(table)
    moved = plain_numbers({name: values[order] for name, values in table.items()})
    assert list(moved) == list(numbers)
    for name, values in numbers.items():
        assert_array_equal(moved[name], values[order])


def test_columns_of_an_array_are_numbered():
    X = np.random.default_rng(0).normal(size=(5, 2))
    features, names = numbers_of_table(X.tolist())
    assert names == ["x0", "x1"]
    assert_allclose(features, X, rtol=0)


@pytest.mark.parametrize(
    "X", [[1, 2], [[1], [1, 2]], np.ones((2, 2, 2)), np.full((3, 1), NAN), np.ones((3, 0))]
)
def test_what_holds_no_numbers(X):
    assert numbers_of_table(X) == (None, [])
