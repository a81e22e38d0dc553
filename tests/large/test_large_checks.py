"""Columns are looked at before rows are read: types without values, and columns of some parts."""

import pytest

pa = pytest.importorskip("pyarrow")

from sklearn_hrc.large._checks import check_columns  # noqa: E402
from sklearn_hrc.large._roles import Roles  # noqa: E402
from sklearn_hrc.large._source import Part, Source  # noqa: E402

ROLES = Roles(["gmv"], {"treatment": "arm", "groups": "shop"}, ["id"], ["age", "spend"])
COLUMNS = ["gmv", "arm", "shop", "id", "age", "spend"]


def source_of(*parts, empty=()):
    """A table of parts, each with some columns, of which some have no values."""
    types = {name: pa.null() if name in empty else pa.float64() for name in COLUMNS}
    schemas = [pa.schema([(name, types[name]) for name in names]) for names in parts]
    made = [Part(f"part {place}", schema, None) for place, schema in enumerate(schemas)]
    return Source(pa.schema(list(types.items())), made, None)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [("gmv", "outcome"), ("arm", "treatment"), ("shop", "groups"), ("id", "key")],
)
@pytest.mark.parametrize("are_named", [False, True])
def test_a_column_without_values_is_told_by_its_parameter(name, parameter, are_named):
    message = f"^{parameter} '{name}' is expected to hold values, got a column of the type null"
    with pytest.raises(ValueError, match=message):
        check_columns(source_of(COLUMNS, empty=[name]), ROLES, are_named=are_named)


def test_features_without_values_are_told_by_what_leaves_them_out():
    source = source_of(COLUMNS, empty=["age", "spend"])
    with pytest.raises(
        ValueError, match=r"got \['age', 'spend'\] .*by ignore=\['age', 'spend'\]\.$"
    ):
        check_columns(source, ROLES, are_named=False)
    with pytest.raises(ValueError, match="features 'age' is expected .*; name another column, or"):
        check_columns(source, ROLES, are_named=True)


def test_features_that_a_part_lacks_are_told_by_what_leaves_them_out():
    source = source_of(COLUMNS, COLUMNS[:5], COLUMNS[:4])
    with pytest.raises(
        ValueError, match=r"^part 1 is expected .* by ignore=\['spend'\], or write "
    ):
        check_columns(source, ROLES, are_named=False)
    # A pass tells of named ones that they are missing.
    check_columns(source, ROLES, are_named=True)


def test_columns_without_a_role_may_be_empty_or_missing():
    roles = ROLES._replace(features=["age"])
    check_columns(source_of(COLUMNS, COLUMNS[:5], empty=["spend"]), roles, are_named=False)
