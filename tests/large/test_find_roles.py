"""Columns by what they are: names are checked, and features are what is left."""

import pytest

from sklearn_hrc.large._find_roles import find_roles

COLUMNS = ["age", "spend", "coupon", "gmv", "orders", "paid", "id", "__index_level_0__"]


def roles(metadata=None, **wanted):
    wanted = {"outcome": "gmv", "features": None, "ignore": (), "key": None} | wanted
    return find_roles(COLUMNS, wanted, {"treatment": "coupon", "cost": "paid"} | (metadata or {}))


def test_features_are_what_is_left():
    found = roles(outcome=["gmv", "orders"], ignore="age", key="id")
    assert found.features == ["spend"]
    assert found.columns == ["spend", "gmv", "orders", "coupon", "paid", "id"]


def test_features_are_those_of_any_order_of_the_columns():
    wanted = {"outcome": "gmv", "features": None, "ignore": (), "key": "id"}
    for columns in (COLUMNS, COLUMNS[::-1]):
        found = find_roles(columns, wanted, {"treatment": "coupon"})
        assert found.features == ["age", "orders", "paid", "spend"]


def test_named_features_keep_their_order():
    assert roles(features=["spend", "age"]).features == ["spend", "age"]


def test_a_key_may_be_a_feature_or_an_outcome():
    found = roles(features=["age"], key=["age", "gmv"])
    assert found.columns == ["age", "gmv", "coupon", "paid"]


def test_columns_of_numbers():
    found = roles({"sample_weight": "spend", "groups": "id"})
    assert found.numbers == [("gmv", "outcome"), ("paid", "cost"), ("spend", "sample_weight")]


BAD = {
    "unknown outcome": ({"outcome": "gvm"}, "outcome is .* got 'gvm'; the nearest name is 'gmv'"),
    "unknown feature": ({"features": ["agee"]}, "features is .* 'agee'; the nearest name is 'age'"),
    "unknown ignored": ({"ignore": "x"}, "ignore is expected .* 'x'; the columns are 'age', 'spe"),
    "unknown key": ({"key": "idd"}, "key is expected to name a column .* 'idd'"),
    "a feature twice": ({"features": ["age", "age"]}, "features is expected to name every column "),
    "an outcome as feature": ({"features": ["age", "gmv"]}, "features is .* of its own, got 'gmv'"),
    "two roles": ({"outcome": "paid"}, "cost is .* its own, got 'paid', which is that of outcome"),
    "no outcome": ({"outcome": []}, "outcome is expected to name one column at least, got none"),
    "no features": ({"features": []}, "features are expected to be one column at least, got none"),
    "all ignored": (
        {"ignore": ["age", "spend", "orders", "id"]},
        "features are expected to be one",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses(case):
    wanted, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        roles(**wanted)


def test_refuses_an_unknown_column_of_an_array():
    with pytest.raises(
        ValueError, match="cost is expected .* got 'payd'; the nearest name is 'pai"
    ):
        roles({"cost": "payd"})
