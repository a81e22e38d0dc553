"""The same verbs on a DataFrame of Spark, by `mapInArrow`: sums of partitions, then sums of sums.

Executors need this package, numpy, pyarrow and onnxruntime. What travels to them are names, numbers
and bytes. An error of an executor comes back as a sentence, not as a traceback of the JVM.
"""

from typing import Any, NamedTuple

from sklearn_hrc._extras import import_from_extra
from sklearn_hrc.large._portable_decisions import PortableDeciding
from sklearn_hrc.large._portable_sums import Cells, PortableSumming

__all__ = [
    "FIRST_ROWS",
    "SparkTable",
    "decide_on_spark",
    "find_spark",
    "is_spark",
    "portable_deciding",
    "portable_summing",
    "run_on_spark",
    "select",
]

# Sums of partitions are added up in so many tasks, and theirs on the driver.
MERGE_TASKS = 8
# Rows that show the names and types of the features, and where values may be missing.
FIRST_ROWS = 1000
_ANSWER = "content binary, error string"


class SparkTable(NamedTuple):
    """A table of Spark.

    Attributes
    ----------
    schema : Schema
        Columns and types, in Arrow.
    n_rows : int
        Number of rows.
    frame : DataFrame
        The table.
    """

    schema: Any
    n_rows: int
    frame: Any

    @property
    def parts(self):
        """Parts with columns of their own, of which there are none."""
        return []

    @property
    def facts(self):
        """What tells this table from another one."""
        return [str(self.schema), self.n_rows]


def is_spark(data: Any) -> bool:
    """Tell whether data is a DataFrame of Spark, classic or by Connect."""
    return type(data).__module__.startswith("pyspark.sql") and hasattr(data, "mapInArrow")


def find_spark(data: Any) -> SparkTable:
    """Look at a DataFrame of Spark."""
    import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    return SparkTable(data.limit(0).toArrow().schema, data.count(), data)


def select(frame: Any, names: list) -> Any:
    """Return columns of a DataFrame of Spark, whose `mapInArrow` finds no name with a dot."""
    for name in names:
        if "." in name or "`" in name:
            raise ValueError(
                "data is expected to have columns without dots and backticks in their names, as "
                f"Spark takes a part after a dot for a field, got {name!r}; rename it by "
                "withColumnRenamed."
            )
    return frame.select(*names)


def run_on_spark(table: SparkTable, verb: Any, names: list) -> Any:
    """Add all rows of a table up.

    Parameters
    ----------
    table : SparkTable
        The table.
    verb : Sampling or PortableSumming
        How rows are added up: it has `start`, `add`, `merge`, `finish`, `dump` and `load`.
    names : list of str
        Columns to read.

    Returns
    -------
    result : Any
        What `finish` of the verb returns.
    """
    sums = select(table.frame, names).mapInArrow(_adder(verb), _ANSWER)
    merged = sums.repartition(MERGE_TASKS).mapInArrow(_merger(verb), _ANSWER)
    state = verb.start()
    for content, error in _answers(merged.toArrow()):
        if error:
            raise ValueError(error)
        state = verb.merge(state, verb.load(content))
    return verb.finish(state)


def portable_summing(roles: Any, policy: Any, first_rows: Any) -> PortableSumming:
    """Return how a fitted policy sums rows up, as plain arrays and bytes.

    Parameters
    ----------
    roles : Roles
        What each column is.
    policy : estimator
        Policy that was fitted to a sample.
    first_rows : DataFrame of shape (n_rows, n_features)
        Some features, as in `dump_policy`.

    Returns
    -------
    verb : PortableSumming
        For `run_on_spark`.
    """
    # These import scikit-learn, which executors need not have.
    from sklearn_hrc._unwrap import unwrap_policy
    from sklearn_hrc.large._portable_policy import dump_policy

    allocator = unwrap_policy(policy)[1]._fitted_allocator
    cells = Cells(
        allocator.treatments_,
        allocator._order,
        allocator.outcome_names_,
        allocator.estimation_,
        allocator._arm_cost,
        allocator._columns,
        allocator._direction,
    )
    return PortableSumming(roles, dump_policy(policy, first_rows), cells)


def decide_on_spark(frame: Any, deciding: Any, features: list, keep: list, arm: str) -> Any:
    """Return a DataFrame of arms, which is computed when it is asked for.

    Parameters
    ----------
    frame : DataFrame of Spark
        The table.
    deciding : PortableDeciding
        How arms are chosen.
    features : list of str
        Columns that decide.
    keep : list of str
        Columns to return beside the arms.
    arm : str
        Name of the column of arms.

    Returns
    -------
    arms : DataFrame of Spark
        A row for each row of the table.
    """
    # Spark does not widen numbers: it reads what the schema says.
    kinds = {"U": ("string", "string"), "f": ("double", "float64"), "b": ("boolean", "bool")}
    of_spark, of_arrow = kinds.get(deciding.treatments.dtype.kind, ("long", "int64"))
    schema = select(frame, keep).schema.add(arm, of_spark)

    def decide(batches):
        pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
        try:
            for batch in batches:
                arms = pa.array(deciding.decide(batch)).cast(of_arrow)
                columns = [*(batch.column(name) for name in keep), arms]
                yield pa.RecordBatch.from_arrays(columns, names=[*keep, arm])
        except (ValueError, TypeError) as error:
            # Arms are computed when nobody is there to make an answer an error again.
            raise ValueError(f"{_partition()}: {error}") from None

    names = list(dict.fromkeys([*features, *keep]))
    return select(frame, names).mapInArrow(decide, schema)


def portable_deciding(policy: Any, first_rows: Any) -> PortableDeciding:
    """Return how a fitted policy decides, as plain arrays and bytes.

    Parameters
    ----------
    policy : estimator
        Fitted policy.
    first_rows : DataFrame of shape (n_rows, n_features)
        Some features, as in `dump_policy`.

    Returns
    -------
    deciding : PortableDeciding
        For `decide_on_spark`.
    """
    from sklearn_hrc._unwrap import unwrap_policy
    from sklearn_hrc.large._portable_policy import dump_policy

    allocator = unwrap_policy(policy)[1]._fitted_allocator
    return PortableDeciding(
        dump_policy(policy, first_rows),
        allocator.treatments_,
        allocator._control,
        allocator.clusters_,
        allocator._in_use.assignment,
        allocator._direction,
    )


def _adder(verb):
    """Return a function of the batches of a partition."""

    def add(batches):
        state = verb.start()
        try:
            for batch in batches:
                state = verb.add(state, batch)
        except (ValueError, TypeError) as error:
            yield _answer(b"", f"{_partition()}: {error}")
        else:
            yield _answer(verb.dump(state), "")

    return add


def _merger(verb):
    """Return a function of the answers of several partitions."""

    def merge(batches):
        state = verb.start()
        for batch in batches:
            for content, error in _answers(batch):
                if error:
                    # The sums of other partitions are of no use then.
                    yield _answer(b"", error)
                    return
                state = verb.merge(state, verb.load(content))
        yield _answer(verb.dump(state), "")

    return merge


def _answer(content, error):
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    return pa.RecordBatch.from_pydict({"content": [content], "error": [error]})


def _answers(batch):
    return zip(batch.column("content").to_pylist(), batch.column("error").to_pylist())


def _partition():
    from pyspark import TaskContext

    context = TaskContext.get()
    return "a partition" if context is None else f"partition {context.partitionId()}"
