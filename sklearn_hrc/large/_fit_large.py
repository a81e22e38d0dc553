"""Fit a policy to a table that does not fit in memory."""

import os
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state

from sklearn_hrc._version import __version__
from sklearn_hrc.large._checkpoint import open_checkpoint
from sklearn_hrc.large._checks import check_columns
from sklearn_hrc.large._features import without_ids
from sklearn_hrc.large._find_roles import find_roles
from sklearn_hrc.large._passes import run_pass
from sklearn_hrc.large._rows import features_of, rows_for_fit
from sklearn_hrc.large._sample import Sampling
from sklearn_hrc.large._sample_fit import check_policy, fit_to_sample, keep_features
from sklearn_hrc.large._source import find_source
from sklearn_hrc.large._spark import (
    FIRST_ROWS,
    SparkTable,
    find_spark,
    is_spark,
    portable_summing,
    run_on_spark,
)
from sklearn_hrc.large._summing import Summing, adopt_sums

__all__ = ["fit_large"]


def fit_large(
    policy: BaseEstimator,
    data: Any,
    *,
    outcome: Hashable | Sequence[Hashable],
    treatment: Hashable,
    cost: Hashable | None = None,
    propensity: Hashable | None = None,
    sample_weight: Hashable | None = None,
    groups: Hashable | None = None,
    features: Sequence[Hashable] | None = None,
    ignore: Hashable | Sequence[Hashable] = (),
    key: Hashable | Sequence[Hashable] | None = None,
    sample: int = 500_000,
    checkpoint: str | os.PathLike | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
) -> BaseEstimator:
    """Fit a policy to a table of any length, in memory that does not grow with it.

    Networks, clusters and student are fitted to a random sample. Response and cost of each arm in
    each cluster, sizes of clusters and the default budget come from all rows, and so does the plan.

    Parameters
    ----------
    policy : estimator
        A pipeline that ends in a :class:`~sklearn_hrc.ClusterBudgetAllocator`, a search over one,
        or a :class:`~sklearn_hrc.DistilledAllocator`. A clone of it is fitted.
    data : path, sequence of paths, Dataset, table, callable or DataFrame of Spark
        A Parquet file, a folder of them or a list of them, a ``pyarrow.dataset.Dataset``, a lazy
        frame of Polars, a table with ``__arrow_c_stream__`` (Arrow, Polars, pandas, DuckDB), or a
        function that makes one of the last two. It is read twice, batch by batch. A function is
        called once more, for names and types of columns. Or a DataFrame of Spark, on whose
        executors rows are summed up.
    outcome : str or sequence of str
        Columns of `y`.
    treatment : str
        Column of the received arm. Arms are sorted: categories lose an order of their own.
    cost, propensity, sample_weight, groups : str, default=None
        Columns of the further arrays of `fit`.
    features : sequence of str, default=None
        Columns of `X`, in this order. None: all others but `ignore`, and but those that look like
        ids, in the order of their names, since files may have them in any. A
        :class:`~sklearn_hrc.tables.TableCleaner` that begins the policy keeps all of them.
    ignore : str or sequence of str, default=()
        Columns that are no features, where `features` is None.
    key : str or sequence of str, default=None
        Columns that tell a row from all others, such as an id. Which rows are in the sample depends
        on them, or on `groups`: rows of a group with the same arm are drawn together. None: on all
        columns, so that rows that are alike are drawn together. No row may lack its key.
    sample : int, default=500_000
        Rows of the sample, about. With fewer rows in all, the sample is all of them. It is held in
        memory.
    checkpoint : path, default=None
        Folder in which the work is saved each minute and when it is interrupted. The same call goes
        on from there, and removes the folder when it is done. Files must be as they were. What is
        no file may give its rows in another order, so a pass that was interrupted begins anew. The
        folder is read by pickle, so it must be your own. On Spark only the fit to the sample is
        saved.
    random_state : int, RandomState instance or None, default=None
        Which rows are in the sample. The policy has its own.
    verbose : int, default=0
        1 shows progress bars over the rows.

    Returns
    -------
    policy : estimator
        Fitted, as by its `fit`. The same rows give the same policy, in whatever files and
        order they are, but for rounding of sums.

    Raises
    ------
    ImportError
        If pyarrow or pandas is missing: they come with the extra `arrow`.
    TypeError
        If `data` can be read once only, or is no table, or if arms are neither text nor numbers.
    ValueError
        If a parameter of the policy is wrong, if a column has no values, is missing in a file or
        has another type there, if a file cannot be read, if a row has no arm, outcome or cost, or
        if a checkpoint is damaged or of another call. Errors name the file and its rows, but for
        those of the fit to the sample.

    Warns
    -----
    SharedKeyWarning
        If so many rows share a key, or a group, that they cannot be in the sample together.
    UserWarning
        If columns that look like ids are left out, features may have been recorded after the
        treatment, or rows that are alike are drawn together.

    See Also
    --------
    decide_large : Decides for a table of any length.

    Notes
    -----
    Sums of all rows differ by rounding with the order of rows. The hidden representation of a row
    differs by rounding with the batch that it is in, so about one row in 100,000 may be counted in
    a neighbouring cluster. Where several plans are equally good, rounding may choose between them.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pyarrow as pa, pyarrow.parquet as pq
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.large import fit_large
    >>> rct = make_coupon_experiment(2000, order_rate=0.3, as_frame=True, random_state=0)
    >>> table = rct.data.assign(coupon=rct.treatment, gmv=rct.target["gmv"], paid=rct.cost)
    >>> policy = make_pipeline(
    ...     HiddenClusterer(n_clusters=4, outcomes=False, random_state=0),
    ...     ClusterBudgetAllocator(budget=1.0, estimation="pooled", random_state=0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, rows in ("a.parquet", table[:1500]), ("b.parquet", table[1500:]):
    ...         pq.write_table(pa.table(rows), pathlib.Path(folder) / name)
    ...     policy = fit_large(
    ...         policy, folder, outcome="gmv", treatment="coupon", cost="paid", sample=1000,
    ...         random_state=0)
    >>> int(policy[-1].cluster_sizes_.sum())
    2000
    """
    named = {
        "cost": cost,
        "propensity": propensity,
        "sample_weight": sample_weight,
        "groups": groups,
    }
    _check_sample(sample)
    rng = check_random_state(random_state)
    source = find_spark(data) if is_spark(data) else find_source(data)
    roles = find_roles(
        source.schema.names,
        {"outcome": outcome, "features": features, "ignore": ignore, "key": key},
        {"treatment": treatment} | {name: one for name, one in named.items() if one is not None},
    )
    check_columns(source, roles, are_named=features is not None)
    check_policy(policy, roles.outcome, has_cost=cost is not None)
    how = _facts_of(policy), roles, sample, random_state
    kept = open_checkpoint(checkpoint, __version__, *how, *source.facts)
    seed = kept.remember("seed", lambda: int(rng.randint(2**31)))
    run = partial(_run, source, names=roles.columns, checkpoint=kept, verbose=verbose)

    def fitted_to_sample():
        rows = run(Sampling(roles, sample, seed, source.n_rows), title="sample")
        chosen = roles if features is not None else without_ids(rows, roles)
        new = keep_features(clone(policy), chosen.features)
        fitted = fit_to_sample(new, *rows_for_fit(rows, chosen))
        return chosen, fitted, features_of(rows.slice(0, FIRST_ROWS), chosen.features)

    roles, fitted, first_rows = kept.remember("policy", fitted_to_sample)
    summing = _summing(source, roles, fitted, first_rows)
    fitted = adopt_sums(fitted, run(summing, title="all rows"))
    kept.clear()
    return fitted


def _run(source, verb, *, names, title, checkpoint, verbose):
    """Add all rows of a table up, here or on Spark."""
    if isinstance(source, SparkTable):
        return run_on_spark(source, verb, names)
    return run_pass(source, verb, names, title, checkpoint, verbose=verbose)


def _summing(source, roles, policy, first_rows):
    """How rows are summed up, here or on Spark."""
    if isinstance(source, SparkTable):
        return portable_summing(roles, policy, first_rows)
    return Summing(roles, policy)


def _check_sample(sample):
    if not isinstance(sample, int | np.integer) or isinstance(sample, bool) or sample < 1:
        raise ValueError(f"sample is expected to be a number of rows, at least 1, got {sample!r}.")


def _facts_of(estimator):
    """Return what tells an estimator from others, the same in another process."""
    return {name: _fact(value) for name, value in sorted(estimator.get_params(deep=True).items())}


def _fact(value):
    if isinstance(value, BaseEstimator):
        return type(value).__qualname__
    if callable(value):
        return getattr(value, "__qualname__", type(value).__qualname__)
    # What is shown of a long array is not all of it.
    return value.tolist() if isinstance(value, np.ndarray) else value
