"""From a table as it is, with dates, categories and gaps, to a policy."""

import os
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn
from sklearn.pipeline import Pipeline

from sklearn_hrc._allocator import ClusterBudgetAllocator
from sklearn_hrc._clusterer import HiddenClusterer
from sklearn_hrc._representer import MultiTaskRepresenter
from sklearn_hrc._warning import warn
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.rules._rule import Rule
from sklearn_hrc.tables._frames import as_frame
from sklearn_hrc.tables._named_columns import as_names, check_names
from sklearn_hrc.tables._reading import read_file
from sklearn_hrc.tables._rows import Rows
from sklearn_hrc.tables._rows_reading import read_features, read_roles, sum_up
from sklearn_hrc.tables._table_steps import table_steps

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["make_policy", "read_table", "rows_of"]


def read_table(path: str | os.PathLike) -> "DataFrame":
    r"""Read a table from a CSV or Parquet file.

    The delimiter (comma, semicolon, tab or bar), a decimal comma and the encoding of a CSV file
    are found out. "None" is text here, since an arm may have this name. A column of digits, some
    of which begin with a nought within its first 50,000 rows, stays text, so that ids and
    postcodes such as 01067 keep their noughts.

    Parameters
    ----------
    path : str or path-like
        File that ends in .csv, .tsv, .txt or .parquet. Text may be compressed. Parquet needs
        pyarrow.

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_columns)
        The table.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If pandas is missing, or pyarrow for Parquet.
    ValueError
        If the file is empty, larger than 1 GB or no table, if its text is neither UTF-8 nor
        Windows-1252, or if two columns have one name.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_hrc.tables import read_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "list.csv"
    ...     _ = path.write_text("name;spend\nAnn;12,50\nBob;8,00\n")
    ...     read_table(path)
      name  spend
    0  Ann   12.5
    1  Bob    8.0
    """
    return read_file(path, "path")[0]


def rows_of(
    frame: Any,
    *,
    outcome: Hashable | Sequence[Hashable],
    treatment: Hashable,
    cost: Hashable | None = None,
    groups: Hashable | None = None,
    propensity: Hashable | None = None,
    sample_weight: Hashable | None = None,
    ignore: Hashable | Sequence[Hashable] = (),
    keep: Hashable | Sequence[Hashable] = (),
) -> Rows:
    """Take the rows of an experiment out of a table, by the names of its columns.

    All columns that are not named are features. Columns that look like ids are left out. A
    warning names columns that may have been recorded after the treatment, since a policy that
    learns from them fails on people who are not treated yet. The `notes` of the result say what
    was decided, and `describe` says what was read.

    Parameters
    ----------
    frame : frame, str or path-like
        A pandas, Polars or Arrow table with a row for each individual, or the path of a file that
        :func:`read_table` reads.
    outcome : label or sequence of labels
        Columns of `y`. The first one is the response, if nothing else is said.
    treatment : label
        Column of the received arm.
    cost : label, default=None
        Column of what the received arm cost, in the unit of the budget. If it is empty in all
        rows of one arm and no other arm is free, that arm costs 0.
    groups : label, default=None
        Column of the household, or of whatever else rows have in common.
    propensity : label, default=None
        Column of the probability with which a row received its arm.
    sample_weight : label, default=None
        Column of the weight of each row.
    ignore : label or sequence of labels, default=()
        Columns that are no features.
    keep : label or sequence of labels, default=()
        Columns that are features, though they look like ids or leaks.

    Returns
    -------
    rows : Rows
        `policy.fit(rows.X, rows.y, **rows.metadata)` takes them.

    Raises
    ------
    ImportError
        If pandas is missing.
    TypeError
        If `frame` is no table.
    ValueError
        If a column is not there, if a row has no arm, outcome or cost, or if text that should be a
        number is none.

    Warns
    -----
    UserWarning
        If columns may have been recorded after the treatment.

    See Also
    --------
    make_policy : A policy for such features.
    sklearn_hrc.metrics.check_randomisation : The test that `describe` reports.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_hrc.tables import rows_of
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"customer": np.arange(300), "age": rng.integers(18, 90, 300)})
    >>> table["coupon"] = rng.choice(["none", "mail"], 300)
    >>> table["orders"] = rng.poisson(1, 300)
    >>> table["cost"] = np.where(table["coupon"] == "mail", 0.5 * table["orders"], 0)
    >>> rows = rows_of(table, outcome="orders", treatment="coupon", cost="cost")
    >>> list(rows.X), list(rows.metadata)
    (['age'], ['treatment', 'cost'])
    >>> rows.notes
    ("'customer' looks like an id (100 % of its values are different) and was left out; ...",)
    """
    notes: list[str] = []
    if isinstance(frame, str | os.PathLike):
        frame, notes = read_file(frame, "frame")
    frame = as_frame(frame, "frame")
    optional = {
        "cost": cost,
        "groups": groups,
        "propensity": propensity,
        "sample_weight": sample_weight,
    }
    roles = {"outcome": as_names(outcome, "outcome"), "treatment": [treatment]}
    roles |= {name: [column] for name, column in optional.items() if column is not None}
    roles |= {"ignore": as_names(ignore, "ignore"), "keep": as_names(keep, "keep")}
    check_names(frame, roles)
    y, metadata, told = read_roles(frame, roles)
    features = read_features(frame, roles, y, metadata)
    notes = [*notes, *told, *features.notes]
    return Rows(
        features.X,
        y[roles["outcome"][0]] if len(roles["outcome"]) == 1 else y,
        metadata,
        tuple(notes),
        _reading=sum_up(features, y, metadata, notes),
    )


def make_policy(
    *,
    control: Any = None,
    budget: float | UncertainBudget | None = None,
    rules: Sequence[Rule] = (),
    objective: Any = None,
    arm_cost: Any = None,
    n_clusters: int | None = None,
    keep: str | Sequence[Hashable] = (),
    random_state: int | np.random.RandomState | None = None,
    **allocator: Any,
) -> Pipeline:
    """Make a policy for raw tables, as an ordinary pipeline.

    Its steps have these names.

    clean
        :class:`TableCleaner` takes the columns of the fit out of any table, reads numbers and
        dates that stand in text, and leaves ids out.
    encode
        ``skrub.TableVectorizer`` makes a column of 0 and 1 of each frequent category and seconds
        of dates, and drops constant columns.
    impute
        :class:`~sklearn.impute.SimpleImputer` fills missing numbers by the median, and says where
        they were.
    scale
        ``skrub.SquashingScaler`` scales by quartiles, so that outliers do not count.
    represent, cluster, allocate
        :class:`~sklearn_hrc.MultiTaskRepresenter`, :class:`~sklearn_hrc.HiddenClusterer` and
        :class:`~sklearn_hrc.ClusterBudgetAllocator`.

    Each parameter of a step can be set, as by ``policy.set_params(represent__max_epochs=30)``.

    Parameters
    ----------
    control : label, default=None
        The treatment that means "nothing"; arms that are strings need it.
    budget : float or UncertainBudget, default=None
        Mean cost per individual. None is what the experiment spent.
    rules : sequence of rules, default=()
        What the policy keeps beside the budget, from :mod:`sklearn_hrc.rules`.
    objective : int, str, list or dict, default=None
        What the response is, as in :class:`~sklearn_hrc.ClusterBudgetAllocator`.
    arm_cost : array-like of shape (n_treatments,), Series or dict, default=None
        Known price of each arm per individual, in place of `cost` of `fit`.
    n_clusters : int, default=None
        Number of clusters; None is 64, or fewer on few rows.
    keep : str or sequence of labels, default=()
        Columns that are kept though they look like ids.
    random_state : int, RandomState instance or None, default=None
        Seed of all steps. With an int each fit gives the same policy.
    **allocator : Any
        Further parameters of :class:`~sklearn_hrc.ClusterBudgetAllocator`, such as `goal` and
        `risk`.

    Returns
    -------
    policy : Pipeline
        Not fitted yet. `fit` takes `treatment`, `cost` and other arrays of rows if metadata
        routing is on, by ``sklearn.set_config(enable_metadata_routing=True)``.

    Raises
    ------
    ImportError
        If skrub is missing.

    Warns
    -----
    UserWarning
        If metadata routing is off.

    See Also
    --------
    rows_of : Takes the rows for `fit` out of a table.
    sklearn_hrc.planning.plan_list : Plans for a list of people.

    Examples
    --------
    >>> import sklearn
    >>> from sklearn_hrc.tables import make_policy
    >>> with sklearn.config_context(enable_metadata_routing=True):
    ...     policy = make_policy(control="none", budget=1.5, random_state=0)
    >>> list(policy.named_steps)
    ['clean', 'encode', 'impute', 'scale', 'represent', 'cluster', 'allocate']
    """
    steps = table_steps(keep)
    known = ClusterBudgetAllocator().get_params()
    for name in allocator:
        if name not in known:
            raise TypeError(
                f"make_policy is expected to get parameters of ClusterBudgetAllocator, got {name!r}"
                "; set those of other steps by set_params, as in represent__max_epochs=30."
            )
    if not sklearn.get_config()["enable_metadata_routing"]:
        warn(
            "fit of this policy takes treatment= and cost= only with metadata routing, which is "
            "off; call sklearn.set_config(enable_metadata_routing=True)."
        )
    response = {"objective": objective, "arm_cost": arm_cost, "random_state": random_state}
    return Pipeline(
        [
            *steps,
            ("represent", MultiTaskRepresenter(random_state=random_state)),
            ("cluster", HiddenClusterer(n_clusters, **response)),
            (
                "allocate",
                ClusterBudgetAllocator(
                    budget, control=control, rules=rules, **response, **allocator
                ),
            ),
        ]
    )
