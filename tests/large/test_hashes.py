"""Numbers of rows: pinned, uniform, and the same for the same values however they are stored."""

import datetime
import decimal

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")

from sklearn_hrc.large._hashes import row_numbers  # noqa: E402

MASK = 2**64 - 1
# What a missing value counts as.
GAP = 0x5851F42D4C957F2D


def numbers(values, name="x", seed=0):
    return row_numbers(pa.table({name: values}), [name], seed)


def splitmix(value):
    """The published generator, on whole numbers of Python."""
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def test_mixing_is_that_of_the_published_generator():
    from sklearn_hrc.large._hashes import _mixed

    # First outputs of splitmix64 from the seeds 0 and 1234567, as its authors' program gives them.
    assert _mixed(np.array([0, 1234567], dtype=np.uint64)).tolist() == [
        16294208416658607535,
        6457827717110365317,
    ]
    assert splitmix(0) == 16294208416658607535


def test_numbers_are_pinned():
    # A change of these numbers changes every sample, and what checkpoints hold.
    table = pa.table({"b": ["x", None, ""], "a": [1, -1, None]})
    assert row_numbers(table, ["a", "b"], 7).tolist() == [
        13812613749686302137,
        13326186035912332120,
        17792588824028248377,
    ]


def test_number_of_a_row_by_hand():
    from hashlib import blake2b

    salt = int.from_bytes(blake2b(b"x", digest_size=8).digest(), "little")
    expected = [splitmix(3 ^ splitmix(bits ^ salt)) for bits in (5, MASK, GAP)]
    assert numbers(pa.array([5, -1, None]), seed=3).tolist() == expected


def test_numbers_are_uniform():
    share = np.sort(numbers(np.arange(20_000))) / 2.0**64
    # Kolmogorov's distance, whose 0.1 % quantile is 1.95 / sqrt(n).
    assert np.abs(share - (np.arange(20_000) + 0.5) / 20_000).max() < 1.95 / np.sqrt(20_000)
    # Each bit is set in half of the rows.
    bits = (numbers(np.arange(20_000))[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 4 * 0.5 / np.sqrt(20_000)


def test_order_of_columns_does_not_count_but_their_names_do():
    table = pa.table({"a": [1, 2, 3], "b": [1, 5, 3]})
    first = row_numbers(table, ["a", "b"], 0)
    np.testing.assert_array_equal(row_numbers(table.select(["b", "a"]), ["b", "a"], 0), first)
    swapped = row_numbers(table.rename_columns(["b", "a"]), ["a", "b"], 0)
    # Rows with the same value in both columns are not told apart by a swap.
    np.testing.assert_array_equal(swapped == first, [True, False, True])
    assert not (numbers([1, 2, 3], "a") == numbers([1, 2, 3], "b")).any()


def test_seeds_give_other_numbers():
    assert not np.isin(numbers(np.arange(100), seed=1), numbers(np.arange(100), seed=2)).any()


def test_numbers_do_not_depend_on_the_chunks():
    chunked = pa.chunked_array([["a", "b"], [], ["a"]])
    np.testing.assert_array_equal(numbers(chunked), numbers(["a", "b", "a"]))


DAYS = [datetime.date(2024, 2, 29), None, datetime.date(1969, 12, 31)]
TEXTS = ["ab", None, "", "ä"]
SAME = {
    "widths of whole numbers": (pa.array([1, None, -3], pa.int8()), pa.array([1, None, -3])),
    "truth and whole numbers": (pa.array([True, None, False]), pa.array([1, None, 0])),
    "widths of floats": (pa.array([np.float16(0.5), None], pa.float16()), pa.array([0.5, None])),
    "zeros of both signs": (pa.array([-0.0]), pa.array([0.0])),
    "NaN and null": (pa.array([np.nan]), pa.array([None], pa.float64())),
    "texts": (pa.array(TEXTS), pa.array(TEXTS, pa.large_string())),
    "categories": (pa.array(TEXTS), pa.array(TEXTS).dictionary_encode()),
    "views": (pa.array(TEXTS), pa.array(TEXTS, pa.string_view())),
    "bytes": (pa.array(TEXTS), pa.array(TEXTS).cast(pa.binary())),
    "large bytes": (pa.array(TEXTS), pa.array(TEXTS).cast(pa.large_binary())),
    "bytes of one length": (pa.array(["ab"]), pa.array([b"ab"], pa.binary(2))),
    "dates": (pa.array(DAYS), pa.array([19_782, None, -1])),
    "times": (pa.array([1, None], pa.timestamp("ms")), pa.array([1, None])),
    "zones": (pa.array([1, None], pa.timestamp("us", "UTC")), pa.array([1, None])),
    "durations": (pa.array([1, None], pa.duration("s")), pa.array([1, None])),
    "hours": (pa.array([1, None], pa.time32("s")), pa.array([1, None])),
    "decimals": (pa.array([decimal.Decimal("1.50"), None]), pa.array(["1.50", None])),
}


@pytest.mark.parametrize("case", SAME)
def test_same_values_have_the_same_number(case):
    first, second = SAME[case]
    np.testing.assert_array_equal(numbers(first), numbers(second))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([0, None, 1, -1]),
        pa.array([0.0, None, 1.0, -1.0, np.inf, -np.inf]),
        pa.array([False, None, True]),
        pa.array(["", None, "a", "A", "None", "aa"]),
        pa.array([2**64 - 1, 0, None, 2**63], pa.uint64()),
        pa.array(DAYS),
    ],
    ids=str,
)
def test_other_values_have_other_numbers(values):
    assert len(np.unique(numbers(values))) == len(values)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1], [2]]),
        pa.array([{"a": 1}]),
        pa.nulls(2),
        pa.array([pa.MonthDayNano([1, 2, 3])]),
    ],
    ids=lambda values: str(values.type),
)
def test_refuses_what_holds_no_values(values):
    with pytest.raises(TypeError, match="'x' is expected to hold numbers, dates or text, got"):
        numbers(values)
