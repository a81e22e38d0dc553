"""Tables as users hand them in: one sentence for what no number can be read from."""

import datetime

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc._tables import check_aligned
from sklearn_hrc.metrics import policy_value

X = np.arange(8.0).reshape(4, 2)
ROWS = {"treatment": [0, 0, 1, 1], "cost": [0, 0, 1, 1.0]}
FRAME = pd.DataFrame({"old": X[:, 0], "city": ["a", "b", "a", "b"]})
DAY = pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-03", "2024-01-01"])
ESTIMATORS = [MultiTaskRepresenter(), HiddenClusterer(), ClusterBudgetAllocator()]
LABELS = ["c", "a", "d", "b"]


def sentence(error, function, *args, **keywords):
    with pytest.raises(error) as raised:
        function(*args, **keywords)
    text = str(raised.value)
    assert text.endswith(".")
    assert ". " not in text
    assert "is expected to" in text
    assert "got" in text
    return text


BAD = {
    "masked": (np.ma.masked_greater(X, 6), "no masked entries, got 1; leave their rows out"),
    "sparse": (csr_array(X), "dense, got a sparse matrix; set sparse_output=False"),
    "strings": (X.astype(str), "strings in column 0, which could not convert"),
    "a list": ([[0, "a"], [1, "b"], [0, "a"], [1, "b"]], "strings in column 0"),
    "column": (
        FRAME,
        "strings in column 'city'.*OrdinalEncoder.*OneHotEncoder.*'Preparing tables'",
    ),
    "category": (FRAME.astype({"city": "category"}), "strings in column 'city'"),
    "dates": (FRAME.assign(city=DAY), "dates or times in column 'city': turn them into numbers"),
    "zone": (FRAME.assign(city=DAY.tz_localize("UTC")), "dates or times in column 'city'"),
    "durations": (FRAME.assign(city=DAY - DAY[0]), "dates or times in column 'city'"),
    "days": (FRAME.assign(city=[datetime.date(2024, 1, 1)] * 4), "dates or times"),
    "array": (np.column_stack([DAY.to_numpy()] * 2), "dates or times in column 0"),
    "twice": (pd.DataFrame(X, columns=["a", "a"]), "name of its own for every column, got 'a' 2"),
}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
@pytest.mark.parametrize("kind", BAD)
def test_tables_that_hold_no_numbers(estimator, kind):
    table, message = BAD[kind]
    error = TypeError if kind == "sparse" else ValueError
    text = sentence(error, estimator.fit, table, [0.0, 1, 2, 3], **ROWS)
    assert text.startswith("X is expected")
    with pytest.raises(error, match=message):
        estimator.fit(table, [0.0, 1, 2, 3], **ROWS)


def test_tables_that_hold_numbers():
    for table in (
        FRAME.assign(city=[1, 2, 1, 2]).convert_dtypes(),
        FRAME.assign(city=[True, False] * 2),
        FRAME.assign(city=[1, 2, 1, 2]).astype({"city": "category"}),
        X.astype(object),
        np.ma.masked_array(X, False),
    ):
        HiddenClusterer(1).fit(table)


@pytest.mark.parametrize("name", ["y", "treatment", "cost", "propensity", "sample_weight"])
def test_masked_and_sparse_rows(name):
    given = {"y": [0.0, 1, 2, 3], **ROWS}
    given[name] = np.ma.masked_array([1.0, 1, 1, 1], [0, 1, 0, 1])
    text = sentence(ValueError, ClusterBudgetAllocator().fit, X, **given)
    assert text.startswith(f"{name} is expected to have no masked entries, got 2")
    given[name] = csr_array([[1.0], [0], [1], [0]])
    text = sentence(TypeError, ClusterBudgetAllocator().fit, X, **given)
    assert text.startswith(f"{name} is expected to be dense")


def test_columns_of_y_of_one_name():
    y = pd.DataFrame(X, columns=["orders", "orders"])
    text = sentence(ValueError, ClusterBudgetAllocator().fit, X, y, **ROWS)
    assert text.startswith("y is expected to have a name of its own for every column, got 'orders'")


@pytest.mark.parametrize("name", ["y", "treatment", "cost", "propensity", "sample_weight"])
def test_rows_in_another_order_than_those_of_X(name):
    frame = pd.DataFrame({"cluster": [0, 0, 0, 0]}, index=LABELS)
    given = {"y": [0.0, 1, 2, 3], **ROWS, "propensity": [0.5] * 4, "sample_weight": [1] * 4}
    given[name] = pd.Series(given[name], index=LABELS).sort_index()
    text = sentence(ValueError, ClusterBudgetAllocator(estimation="raw").fit, frame, **given)
    assert text.startswith(f"{name} is expected to have its rows in the order of X, got the same")
    given[name] = given[name].to_numpy()
    ClusterBudgetAllocator(estimation="raw").fit(frame, **given)


def test_groups_in_another_order():
    groups = pd.Series([0, 1, 2, 3], index=LABELS).sort_index()
    y = pd.Series([0.0, 1, 2, 3], index=LABELS)
    text = sentence(ValueError, MultiTaskRepresenter().fit, X, y, groups=groups, **ROWS)
    assert text.startswith("y is expected to have its rows in the order of groups")


def test_measured_rows_in_another_order():
    y, treatment = pd.Series([0.0, 1, 2, 3]), pd.Series([0, 0, 1, 1]).sort_index(ascending=False)
    text = sentence(ValueError, policy_value, [0, 0, 1, 1], y, treatment=treatment)
    assert text.startswith("treatment is expected to have its rows in the order of y")


def test_indexes_that_are_no_mistake():
    series = pd.Series([1, 2, 3, 4])
    for index in (
        [3, 1, 9, 7],
        [0, 1, 2, 3],
        [0, 1, 2, 2],
        LABELS,
        pd.date_range("2024", periods=4),
    ):
        check_aligned({"X": series, "y": series.set_axis(index), "cost": [1, 2, 3, 4]})


def test_repeated_labels_in_another_order():
    one, other = pd.Series([1, 2, 3], [0, 0, 1]), pd.Series([1, 2, 3], [0, 1, 0])
    with pytest.raises(ValueError, match="cost is expected to have its rows in the order of X"):
        check_aligned({"X": one, "y": None, "cost": other})
