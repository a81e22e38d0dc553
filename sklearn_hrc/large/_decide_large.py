"""Decide for a table that does not fit in memory."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._folders import folder_written_whole
from sklearn_hrc.large._checks import located
from sklearn_hrc.large._find_roles import check_there
from sklearn_hrc.large._passes import read_batches
from sklearn_hrc.large._rows import features_of
from sklearn_hrc.large._source import find_source
from sklearn_hrc.large._spark import (
    FIRST_ROWS,
    decide_on_spark,
    is_spark,
    portable_deciding,
    select,
)
from sklearn_hrc.large._writer import Writer, is_written
from sklearn_hrc.tables._named_columns import as_names

__all__ = ["decide_large"]

_ARM = "treatment"


def decide_large(
    policy: Any,
    data: Any,
    output: str | os.PathLike | None = None,
    *,
    keep: str | Sequence[str] = (),
    verbose: int = 0,
) -> Any:
    """Write the arm of every row of a table of any length, batch by batch.

    Parameters
    ----------
    policy : estimator or ServedPolicy
        A fitted policy whose features have names, or one that
        :func:`sklearn_hrc.serving.load` has read from a folder.
    data : path, sequence of paths, Dataset, table, callable or DataFrame of Spark
        A table as in :func:`fit_large`, with the features of the policy. Further columns are
        not read.
    output : path, default=None
        Folder to write, with one Parquet file for each file of `data` that has rows. A folder that
        is there is replaced, once all rows have been decided. It may not hold files of `data`.
        This is checked where `data` is a path, several or a Dataset.
        For a DataFrame of Spark it is None.
    keep : str or sequence of str, default=()
        Columns that are written beside `treatment`, such as an id.
    verbose : int, default=0
        1 shows a progress bar over the rows.

    Returns
    -------
    counts : dict of int or DataFrame of Spark
        Individuals that get each arm. Where `data` is a DataFrame of Spark, another one with
        `keep` and `treatment`. It is computed when it is asked for, with the plan of now.

    Raises
    ------
    ImportError
        If pyarrow or pandas is missing: they come with the extra `arrow`.
    NotADirectoryError
        If `output` is a file.
    ValueError
        If a column is missing, or a row is not as the policy expects it. Errors name the file and
        its rows. Then nothing is written. On Spark an error of a row comes when arms are asked
        for. It is an exception of Spark whose last line names the partition.

    See Also
    --------
    fit_large : Fits to a table of any length.
    sklearn_hrc.planning.plan_list : Plans for a list that fits in memory, exactly within a total.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pyarrow as pa, pyarrow.parquet as pq
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.large import decide_large
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"segment": [0, 0, 1, 1]})
    >>> policy = ClusterBudgetAllocator(budget=2.5, random_state=0).fit(
    ...     rows, [1, 1, 1, 9], treatment=[0, 5, 0, 5], cost=[0, 5, 0, 5])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     people = pa.table({"customer": ["a", "b", "c"], "segment": [0, 1, 1]})
    ...     counts = decide_large(policy, people, pathlib.Path(folder) / "arms", keep="customer")
    ...     written = pq.read_table(pathlib.Path(folder) / "arms").to_pydict()
    >>> counts, written["treatment"]
    ({0: 1, 5: 2}, [0, 5, 5])
    """
    kept = [str(name) for name in as_names(keep, "keep")]
    if _ARM in kept:
        raise ValueError(f"keep is expected not to name {_ARM!r}, which is written, got {kept}.")
    if is_spark(data):
        return _on_spark(policy, data, output, kept)
    if output is None:
        raise ValueError("output is expected to be a folder to write, got None.")
    source = find_source(data)
    features, decide = _decider(policy)
    check_there({"keep": kept, "data": features}, source.schema.names)
    _check_output(Path(output), source)
    names = list(dict.fromkeys([*features, *kept]))
    counts: Counter = Counter()
    with folder_written_whole(Path(output)) as folder, Writer(folder, _ARM) as writer:
        for place, batch in read_batches(source, names, verbose=verbose):
            with located(source.parts[place.part], place, batch.num_rows):
                arms = np.asarray(decide(features_of(batch, features)))
            writer.write(place.part, batch.select(kept), arms)
            labels, found = np.unique(arms, return_counts=True)
            counts.update(dict(zip(labels.tolist(), found.tolist())))
        if not counts:
            raise ValueError("data is expected to hold rows, got none.")
    return {label: counts[label] for label in sorted(counts)}


def _on_spark(policy, data, output, keep):
    if output is not None:
        raise ValueError(
            f"output is expected to be None for a DataFrame of Spark, got {str(output)!r}; write "
            "the DataFrame that is returned by its write.parquet."
        )
    if hasattr(policy, "decide"):
        raise TypeError(
            "policy is expected to be a fitted estimator for a DataFrame of Spark, got a "
            f"{type(policy).__name__}; pass the policy that the folder was exported from."
        )
    features = _decider(policy)[0]
    check_there({"keep": keep, "data": features}, data.columns)
    first_rows = features_of(select(data, features).limit(FIRST_ROWS).toArrow(), features)
    return decide_on_spark(data, portable_deciding(policy, first_rows), features, keep, _ARM)


def _check_output(output, source):
    """Refuse a file, and a folder whose content would be lost, as it is replaced."""
    if output.exists() and not output.is_dir():
        raise NotADirectoryError(
            f"output is expected to be a folder, got the file {str(output)!r}; name another path."
        )
    for part in source.parts:
        if Path(part.name).exists() and output.resolve() in Path(part.name).resolve().parents:
            raise ValueError(
                f"output is expected to be another folder than that of data, got {str(output)!r}, "
                f"which holds {part.name}; name another folder."
            )
    others = [path.name for path in output.glob("*") if not is_written(path.name)]
    if others:
        raise ValueError(
            f"output is expected to be a new folder or one of arms, got {str(output)!r} with "
            f"{others[0]!r} in it, which would be lost; name another folder."
        )


def _decider(policy):
    """Return names of the features of a policy, and a function from a frame to arms."""
    if hasattr(policy, "decide"):
        names = [feature.name for feature in policy.features]
        return names, lambda rows: policy.decide(rows).treatment
    check_is_fitted(policy)
    names = getattr(policy, "feature_names_in_", None)
    if names is None:
        raise ValueError(
            "policy is expected to know its features by name, got one that was fitted to rows "
            "without names; fit it to a data frame."
        )
    return list(names), policy.predict
