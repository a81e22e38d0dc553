"""A number for each row that depends on what the row holds, and on nothing else.

The number of a row is the same whatever file, batch or process the row is in. So rows with the
smallest numbers are a random sample that does not depend on how a table is divided.
"""

from hashlib import blake2b

import numpy as np

from sklearn_hrc._extras import import_from_extra

__all__ = ["row_numbers"]

# Odd constants of splitmix64, a bijection of 64 bits whose output passes tests of randomness
# (Steele, Lea and Flood, doi:10.1145/2660193.2660195).
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
# What a missing value counts as.
_MISSING = np.uint64(0x5851F42D4C957F2D)


def row_numbers(batch, names, seed):
    """Return a number for each row.

    Parameters
    ----------
    batch : RecordBatch or Table of shape (n_rows, n_columns)
        Rows.
    names : sequence of str
        Columns that count. Their order does not.
    seed : int
        Another seed gives other numbers.

    Returns
    -------
    numbers : ndarray of shape (n_rows,), uint64
        Uniform over all whole numbers of 64 bits. Rows that are alike have the same number.
    """
    numbers = np.full(batch.num_rows, seed, dtype=np.uint64)
    for name in sorted(names):
        salt = np.frombuffer(blake2b(name.encode(), digest_size=8).digest(), dtype=np.uint64)
        numbers = _mixed(numbers ^ _mixed(_bits_of(batch.column(name), name) ^ salt))
    return numbers


def _mixed(values):
    with np.errstate(over="ignore"):
        values = values + _STEP
        values = (values ^ (values >> np.uint64(30))) * _FIRST
        values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))


def _bits_of(column, name):
    """Return a value of 64 bits for each value of a column; equal values have equal bits."""
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    kind = pa.types
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if kind.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if kind.is_boolean(column.type) or kind.is_integer(column.type):
        return _filled(column.cast(pa.int64(), safe=False), np.int64)
    if kind.is_floating(column.type):
        return _bits_of_floats(column.cast(pa.float64()))
    if kind.is_temporal(column.type) and not kind.is_interval(column.type):
        whole = pa.int32() if column.type.bit_width == 32 else pa.int64()
        return _filled(column.view(whole).cast(pa.int64()), np.int64)
    if kind.is_decimal(column.type):
        column = column.cast(pa.string())
    if _is_text(kind, column.type):
        return _bits_of_text(column)
    raise TypeError(
        f"column {name!r} is expected to hold numbers, dates or text, got {column.type}; make a "
        f"column of each of its parts, or leave it out of the features, as by ignore=[{name!r}]."
    )


def _filled(column, dtype):
    bits = column.fill_null(0).to_numpy(zero_copy_only=False).astype(dtype, copy=False)
    bits = bits.view(np.uint64)
    if column.null_count:
        bits = np.where(column.is_null().to_numpy(zero_copy_only=False), _MISSING, bits)
    return bits


def _bits_of_floats(column):
    values = column.fill_null(np.nan).to_numpy(zero_copy_only=False)
    # Zero has two signs, and NaN many bits; adding 0 makes a zero positive.
    return np.where(np.isnan(values), _MISSING, (values + 0.0).view(np.uint64))


def _bits_of_text(column):
    """Hash each different text once."""
    encoded = column.dictionary_encode()
    different = encoded.dictionary.to_pylist()
    digests = b"".join(blake2b(_as_bytes(text), digest_size=8).digest() for text in different)
    bits = np.append(np.frombuffer(digests, dtype=np.uint64), _MISSING)
    places = encoded.indices.fill_null(len(different)).to_numpy(zero_copy_only=False)
    return bits[places]


def _as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def _is_text(kind, of):
    tests = ("is_string", "is_large_string", "is_binary", "is_large_binary")
    views = ("is_string_view", "is_binary_view", "is_fixed_size_binary")
    return any(getattr(kind, test)(of) for test in tests + views if hasattr(kind, test))
