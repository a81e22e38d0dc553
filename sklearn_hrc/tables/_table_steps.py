"""The steps from a raw table to numbers, with skrub."""

from typing import Any

from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from sklearn_hrc.tables._frames import import_extra
from sklearn_hrc.tables._table_cleaner import TableCleaner

__all__ = ["table_steps"]

# A category has a column of its own if it is among the most frequent and in this many rows.
_CATEGORIES = 40
_ROWS_A_CATEGORY = 10


def table_steps(keep: Any) -> list[tuple[str, Any]]:
    """Return named steps that turn a raw table into finite numbers of like size.

    Parameters
    ----------
    keep : str or sequence of labels
        Columns that are kept though they look like ids.

    Returns
    -------
    steps : list of (str, transformer)
        "clean", "encode", "impute" and "scale".
    """
    skrub = import_extra("skrub", "make_policy")
    # Categories that are new in a list count as rare ones, and as none where there were no rare.
    categories = OneHotEncoder(
        max_categories=_CATEGORIES,
        min_frequency=_ROWS_A_CATEGORY,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
        dtype="float32",
    )
    encoder = skrub.TableVectorizer(
        low_cardinality=categories,
        high_cardinality=categories,
        # Seconds since 1970 alone: months and days made decisions no better.
        datetime=skrub.DatetimeEncoder(resolution=None),
        drop_if_constant=True,
    )
    imputer = SimpleImputer(strategy="median", add_indicator=True)
    return [
        ("clean", TableCleaner(keep=keep)),
        ("encode", encoder),
        ("impute", imputer.set_output(transform="pandas")),
        ("scale", skrub.SquashingScaler().set_output(transform="pandas")),
    ]
