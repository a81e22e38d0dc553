"""Where rows come from: files, data sets, frames, readers, and what cannot be read."""

import weakref

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pandas")

import pandas as pd  # noqa: E402
import pyarrow.dataset as ds  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from helpers.large_tables import large_table, write_parts  # noqa: E402

from sklearn_hrc.large import _source  # noqa: E402
from sklearn_hrc.large._passes import read_batches  # noqa: E402
from sklearn_hrc.large._source import find_source  # noqa: E402

TABLE = large_table(90)
NAMES = ["age", "coupon"]


def read(data, names=NAMES):
    batches = [batch for _, batch in read_batches(find_source(data), names)]
    return pa.Table.from_batches(batches)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("files"), TABLE, 3)


def polars():
    return pytest.importorskip("polars")


SOURCES = {
    "folder": lambda folder: folder,
    "text": lambda folder: str(folder),
    "file": lambda folder: (
        pq.write_table(TABLE, folder.parent / "one.parquet") or folder.parent / "one.parquet"
    ),
    "list": lambda folder: sorted(folder.iterdir()),
    "dataset": lambda folder: ds.dataset(folder),
    "dataset in memory": lambda folder: ds.dataset(TABLE),
    "table": lambda folder: TABLE,
    "batch": lambda folder: TABLE.combine_chunks().to_batches()[0],
    "pandas": lambda folder: TABLE.to_pandas(),
    "polars": lambda folder: polars().DataFrame(TABLE),
    "lazy": lambda folder: polars().DataFrame(TABLE).lazy(),
    "scan": lambda folder: polars().scan_parquet(folder),
    "reader": lambda folder: lambda: TABLE.to_reader(max_chunksize=40),
    "function of a frame": lambda folder: lambda: polars().DataFrame(TABLE).lazy(),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_all_sources_give_the_same_rows_twice(kind, folder):
    source = find_source(SOURCES[kind](folder))
    assert [*source.schema.names] == TABLE.column_names
    for _ in range(2):
        batches = [batch for _, batch in read_batches(source, NAMES)]
        assert pa.Table.from_batches(batches).equals(TABLE.select(NAMES))
    assert source.n_rows in (None, 90)


def test_batches_are_small(monkeypatch):
    monkeypatch.setattr(_source, "BATCH_ROWS", 40)
    assert [batch.num_rows for _, batch in read_batches(find_source(TABLE), NAMES)] == [40, 40, 10]


def test_files_are_read_by_name(folder):
    source = find_source(ds.dataset(sorted(folder.iterdir(), reverse=True)))
    assert [part.name[-10:] for part in source.parts] == [f"{i:02}.parquet" for i in range(3)]


def test_an_index_of_pandas_is_a_column_where_it_has_a_name(tmp_path):
    frame = pd.DataFrame({"age": [1.0, 2.0], "coupon": [0, 5]}, index=pd.Index([7, 3], name="id"))
    frame.to_parquet(tmp_path / "frame.parquet")
    assert read(tmp_path, ["id", "age"]).to_pydict() == {"id": [7, 3], "age": [1.0, 2.0]}


def test_columns_of_folders_are_read(tmp_path):
    parts = ds.partitioning(pa.schema([("coupon", pa.int64())]), flavor="hive")
    ds.write_dataset(TABLE, tmp_path / "by", format="parquet", partitioning=parts)
    source = ds.dataset(tmp_path / "by", partitioning="hive")
    found = read(source).sort_by([("coupon", "ascending"), ("age", "ascending")])
    expected = TABLE.select(NAMES).sort_by([("coupon", "ascending"), ("age", "ascending")])
    assert found.column("coupon").to_pylist() == expected.column("coupon").to_pylist()
    np.testing.assert_array_equal(found.column("age"), expected.column("age"))


def test_refuses_a_reader_that_can_be_read_once():
    with pytest.raises(TypeError, match="readable more than once, got a RecordBatchReader; pass a"):
        find_source(TABLE.to_reader())


@pytest.mark.parametrize("data", [None, 3, [], [1, 2], {"a": [1]}, np.zeros((2, 2))], ids=repr)
def test_refuses_what_is_no_table(data):
    with pytest.raises(TypeError, match="data is expected to be a path, a Dataset, a table .* got"):
        find_source(data)


def test_refuses_a_filter(folder):
    with pytest.raises(TypeError, match="a Dataset of whole files, got one with a filter; pass"):
        find_source(ds.dataset(folder).filter(ds.field("age") > 0))
    kept = read(lambda: ds.dataset(folder).filter(ds.field("age") > 0).scanner().to_reader())
    assert 0 < kept.num_rows < 90
    assert min(kept.column("age").to_pylist()) > 0


def test_refuses_a_folder_without_files(tmp_path):
    with pytest.raises(ValueError, match="data is expected to have one file at least, got none"):
        find_source(tmp_path)


@pytest.mark.parametrize("many", [False, True])
def test_refuses_paths_of_nothing(tmp_path, many):
    path = tmp_path / "nothing.parquet"
    with pytest.raises(ValueError, match=r"got .*nothing\.parquet'\]?: there is no such"):
        find_source([path] if many else path)


def test_refuses_other_files(tmp_path):
    (tmp_path / "words.txt").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"data is expected to be the path of .*words\.txt'"):
        find_source(tmp_path)


def test_refuses_a_truncated_file(tmp_path):
    write_parts(tmp_path, TABLE, 3)
    path = tmp_path / "part_01.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"part_01\.parquet is expected to be a file that can be"):
        find_source(tmp_path)


def test_names_the_file_that_is_damaged(tmp_path):
    write_parts(tmp_path, TABLE, 3)
    path = tmp_path / "part_01.parquet"
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"part_01\.parquet is expected to be readable to its end"):
        read(tmp_path, TABLE.column_names)


def test_names_the_file_that_has_gone(tmp_path):
    source = find_source(write_parts(tmp_path, TABLE, 2))
    (tmp_path / "part_01.parquet").unlink()
    with pytest.raises(ValueError, match=r"part_01\.parquet is expected to be readable to its end"):
        list(read_batches(source, NAMES))


@pytest.mark.parametrize("place", ["part_0", "part_1"])
def test_names_the_file_without_a_column(tmp_path, place):
    write_parts(tmp_path, TABLE, 3, **{place: lambda rows: rows.drop_columns("age")})
    source = find_source(tmp_path)
    assert "age" in source.schema.names
    message = rf"{place[:-1]}0{place[-1]}\.parquet is expected to have the column 'age', as other"
    with pytest.raises(ValueError, match=message):
        list(read_batches(source, NAMES))
    assert len(list(read_batches(source, ["coupon"]))) == 3


def test_refuses_two_columns_of_one_name():
    twice = TABLE.append_column("age", TABLE["age"])
    with pytest.raises(
        ValueError, match="the table is expected to have the column 'age' once, got 2"
    ):
        read(twice)
    assert read(twice, ["coupon"]).num_rows == 90


def test_names_the_file_with_another_type(tmp_path):
    def as_text(rows):
        return rows.set_column(1, "age", rows.column("age").cast(pa.string()))

    write_parts(tmp_path, TABLE, 3, part_2=as_text)
    message = r"part_02\.parquet is expected to have double in column 'age', .* got string; write"
    with pytest.raises(ValueError, match=message):
        read(tmp_path)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("as_dataset", [False, True])
def test_a_file_may_lack_all_values_of_a_column(place, as_dataset, tmp_path):
    def without(rows):
        return rows.set_column(1, "age", pa.nulls(30))

    write_parts(tmp_path, TABLE, 3, **{f"part_{place}": without})
    data = ds.dataset(tmp_path) if as_dataset else tmp_path
    assert find_source(data).schema.field("age").type == pa.float64()
    found = read(data).column("age").to_pylist()
    assert found[30 * place : 30 * (place + 1)] == [None] * 30
    assert found[60:] == TABLE.column("age").to_pylist()[60:]


def test_text_may_be_stored_as_categories_in_some_files(tmp_path):
    text = TABLE.set_column(1, "age", pa.array(["x", "y", "z"] * 30))
    parts = {"part_1": lambda rows: rows.set_column(1, "age", rows["age"].dictionary_encode())}
    write_parts(tmp_path, text, 3, **parts)
    assert read(tmp_path).column("age").to_pylist() == ["x", "y", "z"] * 30


def test_a_file_without_rows_is_passed_over(tmp_path):
    write_parts(tmp_path, TABLE, 3, part_1=lambda rows: rows.slice(0, 0))
    assert read(tmp_path).num_rows == 60


def test_text_of_polars_can_be_filtered():
    frame = polars().DataFrame({"arm": ["a", "b", "a"], "city": ["x", None, "y"]})
    frame = frame.with_columns(polars().col("city").cast(polars().Categorical))
    found = read(frame, ["arm", "city"]).filter(pa.array([True, True, False]))
    found = found.set_column(1, "city", found.column("city").cast(pa.large_string()))
    assert found.to_pydict() == {"arm": ["a", "b"], "city": ["x", None]}


def test_a_relation_of_duckdb_is_read_twice():
    duckdb = pytest.importorskip("duckdb")
    source = find_source(duckdb.from_arrow(TABLE))
    for _ in range(2):
        batches = [batch for _, batch in read_batches(source, NAMES)]
        assert pa.Table.from_batches(batches).equals(TABLE.select(NAMES))


class Relation:
    """A table of a connection that takes no query while a reader is open, as that of DuckDB."""

    def __init__(self):
        self._readers = []

    def __len__(self):
        assert not any(reader() for reader in self._readers)
        return 90

    def __arrow_c_stream__(self, requested_schema=None):
        len(self)
        batches = (batch for batch in TABLE.to_batches())
        self._readers.append(weakref.ref(batches))
        return pa.RecordBatchReader.from_batches(TABLE.schema, batches).__arrow_c_stream__()


def test_a_reader_is_closed_before_the_next_one():
    source = find_source(Relation())
    assert source.n_rows == 90
    interrupted = read_batches(source, NAMES)
    next(interrupted)
    interrupted.close()
    assert [batch.num_rows for _, batch in read_batches(source, NAMES)] == [90]


def test_refuses_a_path_whose_folders_stand_for_a_column(tmp_path):
    parts = ds.partitioning(pa.schema([("coupon", pa.int64())]), flavor="hive")
    folder = tmp_path / "day=3"
    ds.write_dataset(TABLE, folder, format="parquet", partitioning=parts)
    with pytest.raises(ValueError, match="got 'coupon=0' in it, .*; pass pyarrow.dataset.dataset"):
        find_source(folder)
    # What the folder itself stands for is not the matter of its files.
    assert find_source(folder / "coupon=5").n_rows == 30
