"""Mixed rows hold values of each column, and keep the kind of the table."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_hrc._mixed_rows import mixed_rows


def frames():
    """The same table as three kinds of frames, each with a way to the values of a column."""
    columns = {"age": [20.5, 30.5, 40.5], "city": ["A", "B", "C"], "on": [True, False, True]}
    pd = pytest.importorskip("pandas")
    kinds = [(pd.DataFrame(columns), lambda frame, name: frame[name].tolist())]
    for library, make in (("polars", "DataFrame"), ("pyarrow", "table")):
        try:
            module = __import__(library)
        except ImportError:
            continue
        kinds.append((getattr(module, make)(columns), lambda frame, name: frame[name].to_pylist()))
        if library == "polars":
            kinds[-1] = kinds[-1][0], lambda frame, name: frame[name].to_list()
    return columns, kinds


def test_frames_keep_their_kind_and_the_columns_their_values():
    columns, kinds = frames()
    made = []
    for frame, values in kinds:
        mixed = mixed_rows(frame, 50, np.random.RandomState(0), kept=0.5)
        assert type(mixed) is type(frame)
        assert mixed.shape == (50, 3)
        made.append([values(mixed, name) for name in columns])
        for name, mixed_values in zip(columns, made[-1]):
            assert set(mixed_values) == set(columns[name])
    # The library makes no difference to which values are drawn.
    assert all(rows == made[0] for rows in made)


def test_pandas_keeps_types_of_columns():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "plan": pd.Categorical(["free", "plus", None], categories=["plus", "free", "old"]),
            "since": pd.to_datetime(["2024-01-01", "2024-02-01", None]),
            "orders": pd.array([1, None, 3], dtype="Int64"),
        },
        index=[7, 7, 9],
    )
    mixed = mixed_rows(frame, 20, np.random.RandomState(0))
    assert (mixed.dtypes == frame.dtypes).all()
    assert_array_equal(mixed.index, np.arange(20))


def test_the_share_kept_comes_from_one_row():
    X = np.repeat(np.arange(1000.0)[:, None], 200, axis=1)
    most = [
        [np.unique(row, return_counts=True)[1].max() for row in mixed_rows(X, 50, rng, kept=kept)]
        for rng, kept in ((np.random.RandomState(0), kept) for kept in (0.0, 0.5, 1.0))
    ]
    assert max(most[0]) <= 10
    # 200 draws with probability one half: 100, and a standard deviation of 7.
    assert abs(np.mean(most[1]) - 100) < 5
    assert min(most[2]) == 200


def test_every_row_is_drawn_alike():
    X = np.arange(5.0)[:, None]
    counts = np.bincount(mixed_rows(X, 5000, np.random.RandomState(0), kept=0.5)[:, 0].astype(int))
    assert abs(counts - 1000).max() < 120  # four standard deviations
