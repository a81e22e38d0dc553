"""Columns that look like ids are left out, and leaks are told."""

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pandas")
pytest.importorskip("skrub")

from helpers.large_tables import large_table  # noqa: E402

from sklearn_hrc.large._features import without_ids  # noqa: E402
from sklearn_hrc.large._roles import Roles  # noqa: E402

ROLES = Roles(["gmv"], {"treatment": "coupon", "cost": "paid"}, [], ["spend", "age"])


def with_also(name, values):
    table = large_table(300).append_column(name, pa.array(values))
    return table, ROLES._replace(features=[*ROLES.features, name])


def test_plain_features_are_kept_in_silence():
    assert without_ids(large_table(300), ROLES) == ROLES


def test_an_id_is_left_out_and_told():
    table, roles = with_also("customer", [f"c{i:05}" for i in range(300)])
    with pytest.warns(UserWarning, match="look like ids were left out: 'customer', .*; name all"):
        assert without_ids(table, roles).features == ["spend", "age"]


def test_only_ids_are_no_features():
    table, roles = with_also("customer", [f"c{i:05}" for i in range(300)])
    with pytest.raises(ValueError, match=r"got only what looks like ids: \['customer'\]; name"):
        without_ids(table, roles._replace(features=["customer"]))


def test_a_leak_is_told_and_kept():
    gmv = large_table(300).column("gmv").to_numpy()
    table, roles = with_also("gross", np.round(1.2 * gmv, 6))
    with pytest.warns(UserWarning, match=r"got 'gross', .*; leave out .* by ignore=\['gross'\]"):
        assert without_ids(table, roles).features == roles.features
