"""Rows of Arrow as what `fit` of an estimator takes."""

from collections.abc import Iterable
from typing import Any

from sklearn_hrc._extras import import_from_extra
from sklearn_hrc.large._checks import as_floats
from sklearn_hrc.large._roles import Roles

__all__ = ["features_of", "rows_for_fit", "without_categories", "without_decimals"]


def rows_for_fit(batch: Any, roles: Roles) -> tuple[Any, Any, dict[str, Any]]:
    """Return features, outcomes and further arrays of rows.

    Parameters
    ----------
    batch : RecordBatch or Table of shape (n_rows, n_columns)
        Rows that `check_batch` has found in order.
    roles : Roles
        What each column is.

    Returns
    -------
    X : DataFrame of shape (n_rows, n_features)
        Features.
    y : Series or DataFrame
        Outcomes.
    metadata : dict
        "treatment", "cost", ..., each of shape (n_rows,).
    """
    pandas = import_from_extra("pandas", "sklearn_hrc.large", "arrow")
    numbers = {
        (name, parameter): as_floats(batch.column(name), name, parameter)
        for name, parameter in roles.numbers
    }
    y = pandas.DataFrame({name: numbers[name, "outcome"] for name in roles.outcome})
    metadata = {}
    for parameter, name in roles.metadata.items():
        if (name, parameter) in numbers:
            metadata[parameter] = numbers[name, parameter]
        else:
            metadata[parameter] = _labels(batch.column(name))
    X = features_of(batch, roles.features)
    return X, y[roles.outcome[0]] if len(roles.outcome) == 1 else y, metadata


def features_of(batch: Any, names: Iterable[str]) -> Any:
    """Return columns of Arrow as a frame of pandas."""
    import_from_extra("pandas", "sklearn_hrc.large", "arrow")
    rows = without_decimals(without_categories(batch.select(list(names))))
    # What pandas wrote about an index would take this column out of the features.
    return rows.to_pandas(date_as_object=False, ignore_metadata=True)


def without_categories(rows: Any) -> Any:
    """Return rows of Arrow with categories as what they stand for: each batch has its own."""
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    plain = {of: of.value_type for of in rows.schema.types if pa.types.is_dictionary(of)}
    return rows.cast(pa.schema([_with_type(field, plain) for field in rows.schema]))


def without_decimals(rows: Any) -> Any:
    """Return rows of Arrow with decimals as floats: Python would make objects of them."""
    pa = import_from_extra("pyarrow", "sklearn_hrc.large", "arrow")
    floats = {of: pa.float64() for of in rows.schema.types if pa.types.is_decimal(of)}
    return rows.cast(pa.schema([_with_type(field, floats) for field in rows.schema]))


def _with_type(field, other):
    return field.with_type(other.get(field.type, field.type))


def _labels(column):
    """Labels of arms or groups. Categories are what they stand for."""
    values = column.to_pandas()
    if hasattr(values, "cat"):
        values = values.astype(values.cat.categories.dtype)
    return values if values.dtype.kind in "biuf" else values.astype(object)
