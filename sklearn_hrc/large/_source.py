"""Where batches of rows come from: Parquet files, a data set of Arrow, or another table.

A source is read several times, so something that can be read once only is refused.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sklearn_hrc._extras import import_from_extra

__all__ = ["Part", "Source", "find_source", "read_part"]

# Rows of a batch: bounds what is in memory at once.
BATCH_ROWS = 65_536


class Part(NamedTuple):
    """A part of a table that is read in one go, as a file.

    Attributes
    ----------
    name : str
        For errors.
    schema : Schema
        Columns and types of this part.
    open : callable
        Takes names of columns and returns batches.
    """

    name: str
    schema: Any
    open: Callable[[list], Iterator]


class Source(NamedTuple):
    """A table in parts.

    Attributes
    ----------
    schema : Schema
        Columns and types of the table.
    parts : list of Part
        Parts in the order in which they are read.
    n_rows : int or None
        Number of rows, if it is known without reading them.
    has_order : bool
        Whether rows come in the same order each time, as those of files do. A query may give
        them in any order.
    """

    schema: Any
    parts: list
    n_rows: int | None
    has_order: bool = True

    @property
    def facts(self):
        """What tells this table from another one."""
        return [str(self.schema), self.n_rows, [_of_file(part.name) for part in self.parts]]


def find_source(data: Any) -> Source:
    """Return what batches of a table can be read from.

    Parameters
    ----------
    data : path, sequence of paths, Dataset, table or callable
        As in `fit_large`.

    Returns
    -------
    source : Source
        Parts of the table, which has one at least.
    """
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    dataset = import_from_extra("pyarrow.dataset", "sklearn_hrc.large", "arrow")
    if isinstance(data, str | os.PathLike) or _is_paths(data):
        return _of_dataset(_open_files(dataset, data), all_columns=True)
    if isinstance(data, dataset.Dataset):
        return _of_dataset(data)
    if isinstance(data, pa.RecordBatchReader):
        raise TypeError(
            "data is expected to be readable more than once, got a RecordBatchReader; pass a "
            "function that makes one, or write Parquet files and pass their folder."
        )
    # A connection to a database takes no other query while a reader of it is open.
    with _stream(pa, data) as reader:
        schema = reader.schema
    n_rows = len(data) if hasattr(data, "__len__") else None
    part = Part("the table", schema, lambda names: _selected(_stream(pa, data), names))
    return Source(schema, [part], n_rows, has_order=False)


def read_part(part: Part, names: list) -> Iterator:
    """Read a part, with errors that name it.

    Parameters
    ----------
    part : Part
        Part of a table.
    names : list of str
        Columns to read.

    Yields
    ------
    batch : RecordBatch
        Rows, in the order of the part.
    """
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    n_rows = 0
    try:
        for batch in part.open(names):
            yield _without_views(pa, batch)
            n_rows += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"{part.name} is expected to be readable to its end, got an error after {n_rows:,} "
            f"rows: {_reason(error)}; write it again, or leave it out."
        ) from error


def _of_file(name):
    """Name, and size and time of the last change if it is a file here."""
    try:
        found = os.stat(name)
    except OSError:
        return name
    return name, found.st_size, found.st_mtime_ns


def _is_paths(data):
    is_list = isinstance(data, list | tuple)
    return is_list and len(data) > 0 and all(isinstance(path, str | os.PathLike) for path in data)


def _open_files(dataset, data):
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    paths = [os.fspath(path) for path in data] if _is_paths(data) else os.fspath(data)
    try:
        found = dataset.dataset(paths, format="parquet")
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"data is expected to be the path of a Parquet file or of a folder of them, got "
            f"{paths!r:.200}: {_reason(error)}."
        ) from error
    if isinstance(paths, str):
        _check_folders(found.files, paths)
    return found


def _check_folders(files, folder):
    """Refuse folders that stand for a value of a column, which would be lost."""
    for path in files:
        inside = os.path.dirname(os.path.relpath(path, folder))
        if "=" in inside:
            raise ValueError(
                f"data is expected to be a folder whose files have all columns, got {inside!r} in "
                "it, which stands for the value of a column; pass "
                "pyarrow.dataset.dataset(folder, partitioning='hive')."
            )


def _of_dataset(data, *, all_columns=False):
    """Return a part for each file. Arrow takes the columns of the first file for those of all."""
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    # A folder has its files in any order, so they are read in that of their names.
    fragments = sorted(_fragments(data), key=lambda one: getattr(one, "path", ""))
    if not fragments:
        raise ValueError("data is expected to have one file at least, got none.")
    names = [getattr(one, "path", f"part {place}") for place, one in enumerate(fragments)]
    schemas = [_schema_of(data, *named) for named in zip(fragments, names)]
    schema = _united([data.schema, *schemas])
    if not all_columns:
        schema = pa.schema([field for field in schema if field.name in data.schema.names])
    parts = [_of_fragment(*part, schema) for part in zip(names, schemas, fragments)]
    return Source(schema, parts, data.count_rows())


def _fragments(data):
    try:
        return list(data.get_fragments())
    except ValueError as error:
        raise TypeError(
            "data is expected to be a Dataset of whole files, got one with a filter; pass a "
            "function that makes its reader, as lambda: data.scanner().to_reader()."
        ) from error


def _schema_of(data, fragment, name):
    """Return columns and types of a file, with those that its folder stands for."""
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    dataset = import_from_extra("pyarrow.dataset", "sklearn_hrc.large", "arrow")
    try:
        schema = fragment.physical_schema
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"{name} is expected to be a file that can be read, got an error: {_reason(error)}; "
            "write it again, or leave it out."
        ) from error
    of_folder = dataset.get_partition_keys(fragment.partition_expression)
    return _united([schema, pa.schema([data.schema.field(name) for name in of_folder])])


def _united(schemas):
    """Return all columns, each with its first type that has values."""
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    fields = list(schemas[0])
    for schema in schemas[1:]:
        names = {field.name for field in fields}
        fields += [field for field in schema if field.name not in names]
    types: dict = {}
    for field in (field for schema in schemas for field in schema):
        if not pa.types.is_null(field.type):
            types.setdefault(field.name, field.type)
    return pa.schema([field.with_type(types.get(field.name, field.type)) for field in fields])


def _reason(error):
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    return str(error).split("\n")[0].rstrip(".")


def _of_fragment(name, here, fragment, schema):
    def read(names):
        return fragment.to_batches(
            schema=schema,
            columns=names,
            batch_size=BATCH_ROWS,
            # Two batches ahead keep the processor busy, and more would only take memory.
            batch_readahead=2,
            fragment_readahead=1,
        )

    return Part(name, here, read)


def _stream(pa, data):
    """Begin to read a table from its first row."""
    if callable(data):
        data = data()
    if hasattr(data, "collect_batches"):  # a lazy frame of Polars
        return _of_polars(pa, data)
    if isinstance(data, pa.RecordBatchReader):
        return data
    if hasattr(data, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(data)
    raise TypeError(
        "data is expected to be a path, a Dataset, a table with __arrow_c_stream__ or a function "
        f"that makes one, got a {type(data).__name__}."
    )


def _without_views(pa, batch):
    """Return a batch without views of text, as Polars has them: Arrow can hardly filter them."""
    for place, (name, column) in enumerate(zip(batch.schema.names, batch.columns)):
        if pa.types.is_dictionary(column.type):
            values = _without_view(pa, column.dictionary)
            batch = batch.set_column(
                place, name, pa.DictionaryArray.from_arrays(column.indices, values)
            )
        else:
            batch = batch.set_column(place, name, _without_view(pa, column))
    return batch


def _without_view(pa, column):
    plain = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
    return column.cast(plain.get(column.type, column.type))


def _of_polars(pa, frame):
    schema = pa.schema(frame.head(0).collect().to_arrow().schema)

    def batches():
        # The query begins with the first batch, not where only its columns are asked for.
        for part in frame.collect_batches():
            yield from part.to_arrow().to_batches()

    return pa.RecordBatchReader.from_batches(schema, batches())


def _selected(reader, names):
    """Give columns of a stream in batches that are small enough."""
    with reader:
        for batch in reader:
            batch = batch.select(names)
            for start in range(0, batch.num_rows, BATCH_ROWS):
                yield batch.slice(start, BATCH_ROWS)
