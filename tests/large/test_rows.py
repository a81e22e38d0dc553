"""Rows of Arrow as arrays and frames: numbers, labels, categories, and what is refused."""

import datetime
import decimal

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")

from sklearn_hrc.large._checkpoint import Place  # noqa: E402
from sklearn_hrc.large._checks import as_floats, check_batch, located  # noqa: E402
from sklearn_hrc.large._roles import Roles  # noqa: E402
from sklearn_hrc.large._rows import features_of, rows_for_fit  # noqa: E402
from sklearn_hrc.large._source import Part  # noqa: E402

ROLES = Roles(["gmv"], {"treatment": "arm", "cost": "paid"}, [], ["x"])


def rows(**columns):
    made = {"x": [1.0, 2.0], "gmv": [3, 4], "arm": ["a", "b"], "paid": [0.0, 1.5]} | columns
    return pa.table(made).combine_chunks().to_batches()[0]


def test_rows_of_a_fit():
    X, y, metadata = rows_for_fit(rows(), ROLES)
    pd.testing.assert_frame_equal(X, pd.DataFrame({"x": [1.0, 2.0]}))
    pd.testing.assert_series_equal(y, pd.Series([3.0, 4.0], name="gmv"))
    assert metadata["treatment"].tolist() == ["a", "b"]
    np.testing.assert_array_equal(metadata["cost"], [0.0, 1.5])


def test_several_outcomes_are_a_frame():
    y = rows_for_fit(rows(orders=[True, False]), ROLES._replace(outcome=["orders", "gmv"]))[1]
    pd.testing.assert_frame_equal(y, pd.DataFrame({"orders": [1.0, 0.0], "gmv": [3.0, 4.0]}))


@pytest.mark.parametrize(
    "arm",
    [
        pa.array([0, 5]),
        pa.array([0, 5], pa.int8()),
        pa.array([0.5, 2.0]),
        pa.array([True, False]),
        pa.array(["a", "b"]),
        pa.array(["a", "b"], pa.string_view()),
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array([5, 7]).dictionary_encode(),
    ],
    ids=lambda arm: str(arm.type),
)
def test_labels_are_what_categories_stand_for(arm):
    labels = rows_for_fit(rows(arm=arm), ROLES)[2]["treatment"]
    assert labels.tolist() == arm.to_pylist()
    assert labels.dtype.kind in "biufO"


def test_features_are_plain():
    batch = rows(
        x=pa.array(["u", None]).dictionary_encode(),
        money=pa.array([decimal.Decimal("1.25"), None]),
        day=pa.array([19_000, None], pa.date32()),
    )
    frame = features_of(batch, ["money", "x", "day"])
    assert [*frame.columns] == ["money", "x", "day"]
    assert not isinstance(frame["x"].dtype, pd.CategoricalDtype)
    assert frame["x"].isna().tolist() == [False, True]
    np.testing.assert_array_equal(frame["money"], [1.25, np.nan])
    assert frame["day"].dtype.kind == "M"


def test_an_index_of_pandas_is_a_feature_like_others():
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=pd.Index(["u", "v"], name="shop"))
    batch = pa.Table.from_pandas(frame).to_batches()[0]
    assert features_of(batch, ["shop", "x"]).to_dict("list") == {"shop": ["u", "v"], "x": [1, 2]}


def test_numbers_of_all_types():
    for column in (
        pa.array([1, None, 0], pa.uint8()),
        pa.array([True, None, False]),
        pa.array([decimal.Decimal(1), None, decimal.Decimal(0)]),
        pa.array([1.0, np.nan, 0.0], pa.float32()),
    ):
        np.testing.assert_array_equal(as_floats(column, "x", "outcome"), [1.0, np.nan, 0.0])


@pytest.mark.parametrize("column", [pa.array(["1", "2"]), pa.array([1, 2], pa.date32())], ids=str)
def test_refuses_what_is_no_number(column):
    with pytest.raises(TypeError, match="outcome 'gmv' is expected to hold numbers, got"):
        check_batch(rows(gmv=column), ROLES)


GAPS = {
    "outcome": {"gmv": pa.array([1.0, None])},
    "outcome NaN": {"gmv": [1.0, np.nan]},
    "cost": {"paid": pa.array([1, None])},
    "cost infinite": {"paid": [1.0, -np.inf]},
    "treatment": {"arm": pa.array(["a", None])},
    "treatment category": {"arm": pa.array(["a", None]).dictionary_encode()},
    "treatment NaN": {"arm": [1.0, np.nan]},
}


@pytest.mark.parametrize("case", GAPS)
def test_refuses_a_gap_and_says_where(case):
    parameter, (column,) = case.split()[0], GAPS[case]
    with pytest.raises(
        ValueError, match=f"{parameter} '{column}' is expected .* got none in 1 of "
    ):
        check_batch(rows(**GAPS[case]), ROLES)
    check_batch(rows(), ROLES)


def test_places_of_gaps_are_counted_from_the_rows_before():
    gaps = rows(gmv=pa.array([None, None], pa.float64()))
    with pytest.raises(ValueError, match="got none in 2 of these rows, .* has 0 before it; fill"):
        check_batch(gaps, ROLES)


def test_refuses_rows_without_a_group():
    roles = ROLES._replace(metadata=ROLES.metadata | {"groups": "shop"})
    with pytest.raises(ValueError, match="groups 'shop' is expected to hold a label in every row"):
        check_batch(rows(shop=pa.array(["u", None])), roles)


@pytest.mark.parametrize("kind", [ValueError, TypeError])
def test_errors_are_located(kind):
    part = Part("b.parquet", None, None)
    with pytest.raises(kind, match=r"^b\.parquet, rows 2,000 to 2,999: no$"):
        with located(part, Place(0, 3000, 9000), 1000):
            raise kind("no")
    with pytest.raises(KeyError, match="^'no'$"):
        with located(part, Place(0, 1, 1), 1):
            raise KeyError("no")


@pytest.mark.parametrize(
    "arm", [decimal.Decimal("1.5"), datetime.date(2025, 1, 1), [1], b"a"], ids=repr
)
def test_refuses_arms_that_are_neither_text_nor_numbers(arm):
    roles = Roles(["y"], {"treatment": "arm"}, [], [])
    batch = pa.RecordBatch.from_pydict({"y": [1.0], "arm": [arm]})
    with pytest.raises(TypeError, match="treatment 'arm' is expected to hold text, numbers or"):
        check_batch(batch, roles)
