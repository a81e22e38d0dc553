"""What a column holds, and the column as that, by hand."""

import datetime
from decimal import Decimal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_hrc.tables._column_ids import looks_like_id
from sklearn_hrc.tables._column_kinds import Kind, convert, find_kind

pd = pytest.importorskip("pandas")

DAY = datetime.date(2024, 5, 3)


@pytest.mark.parametrize(
    ("values", "kind", "converted"),
    [
        ([1, 2], "number", [1.0, 2.0]),
        ([1.5, np.inf], "number", [1.5, np.nan]),
        ([True, None], "number", [1.0, np.nan]),
        ([Decimal("1.5"), None], "number", [1.5, np.nan]),
        (["1,5", "2,25", ""], "number", [1.5, 2.25, np.nan]),
        (["true", "maybe"], "category", ["true", "maybe"]),
        (["01234", "98765"], "category", ["01234", "98765"]),  # postcodes
        ([" DE", "DE ", ""], "category", ["DE", "DE", None]),
        ([1, "b", 2.5], "category", ["1", "b", "2.5"]),
        ([None, None], "number", [np.nan, np.nan]),
        (pd.Series([1, None], dtype="Int64"), "number", [1.0, np.nan]),
        (pd.Categorical([3, 1]), "category", ["3", "1"]),
        (pd.to_timedelta([36, 12], unit="h"), "number", [1.5, 0.5]),
    ],
)
def test_kinds(values, kind, converted):
    series = pd.Series(values, name="column")
    found, _ = find_kind(series, "column")
    assert found.name == kind
    result = convert(series, found, "column")
    expected = np.array(converted, dtype=object if kind == "category" else float)
    assert_array_equal(result.to_numpy(), expected)


@pytest.mark.parametrize(
    "values",
    [
        [DAY, None],
        ["2024-05-03", "?"],
        ["03.05.2024", None],
        pd.to_datetime(["2024-05-03", None]),
        pd.to_datetime(["2024-05-03", None], utc=True),
        pd.PeriodIndex(["2024-05-03", None], freq="D"),
    ],
)
def test_kinds_of_dates(values):
    series = pd.Series(values)
    kind, _ = find_kind(series, "day")
    dates = convert(series, kind, "day")
    assert kind.name == "date"
    assert dates[0] == pd.Timestamp("2024-05-03")
    assert dates.isna().tolist() == [False, True]


def test_months_are_dates_of_their_first_day():
    months = pd.Series(pd.PeriodIndex(["2024-05", None, "2023-12"], freq="M"))
    kind, notes = find_kind(months, "since")
    assert (kind, notes) == (Kind("date"), [])
    expected = pd.to_datetime(["2024-05-01", None, "2023-12-01"])
    assert_array_equal(convert(months, kind, "since").to_numpy(), expected.to_numpy())
    # A list may hold them where the experiment held text.
    text = find_kind(pd.Series(["2024-05-01"]), "since")[0]
    assert_array_equal(convert(months, text, "since").to_numpy(), expected.to_numpy())
    assert looks_like_id(months, kind, "since") is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1,5", "2,5"], "decimal comma"),
        (["1,250", "2,500"], "1,250 is 1250"),
        (["1"] * 99 + ["many"], "'many', counts as missing"),
        (["1"] * 50 + ["many"] * 50, "numbers (50 %) and text"),
        (["03/05/2024", "04/05/2024"], "month first"),
        (["2024-05-03", "03.05.2024"], "several formats, like 2024-05-31, 31.05.2024"),
    ],
)
def test_what_is_decided_is_noted(values, words):
    _, notes = find_kind(pd.Series(values), "column")
    assert words in " ".join(notes)
    assert all("'column'" in note for note in notes)


def test_codes_of_a_list_are_those_of_the_experiment():
    # A gap makes floats of whole numbers; their text must stay that of the integers.
    category = Kind("category")
    assert convert(pd.Series([3, 1]), category, "shop").tolist() == ["3", "1"]
    assert convert(pd.Series([3, np.nan]), category, "shop").tolist() == ["3", None]


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("number", ["old", "old", "3", None], "hold numbers, .* got 'old' .* in 2 of 3 given"),
        ("date", ["?", "soon"], "hold dates, .* got 'soon' .* in 1 of 1 given"),
        ("date", [20240503, 20240504], "hold dates, .* got '20240503' .* in 2 of 2 given"),
    ],
)
def test_a_list_of_another_kind_is_refused(name, values, words):
    with pytest.raises(ValueError, match="column 'age' .* " + words) as error:
        convert(pd.Series(values), Kind(name), "age")
    assert "\n" not in str(error.value)


def test_half_of_the_values_and_gaps_may_be_unread():
    numbers = convert(pd.Series(["old", "3", None, "?"]), Kind("number"), "age")
    assert_array_equal(numbers, [np.nan, 3, np.nan, np.nan])


def test_text_that_was_missing_in_the_experiment_is_missing_in_a_list_of_one():
    kind, _ = find_kind(pd.Series(["1"] * 97 + ["rare", "unknown", "unknown"]), "tickets")
    assert kind.others == ("unknown", "rare")
    assert convert(pd.Series(["unknown"]), kind, "tickets").isna().all()


@pytest.mark.parametrize(
    ("style", "values", "numbers"),
    [
        ("point", ["12,50", "3,1", "7"], [12.5, 3.1, 7]),
        ("point", ["1,250.5", "7"], [1250.5, 7]),
        ("comma", ["12.50", "3.1"], [12.5, 3.1]),
        ("thousands", ["12,50", "7"], [12.5, 7]),
        # What both styles read is read as in the experiment.
        ("comma", ["1.250", "2,500"], [1250, 2.5]),
        ("thousands", ["1,250", "2,500"], [1250, 2500]),
        ("point", ["1.250", "7"], [1.25, 7]),
    ],
)
def test_a_list_may_be_written_in_another_style(style, values, numbers):
    kind = Kind("number", style)
    assert_array_equal(convert(pd.Series(values), kind, "spend"), numbers)


@pytest.mark.parametrize(
    ("values", "numbers", "words"),
    [
        (["1.250", "2,5"], [1250, 2.5], "'1.250' was read as 1250 and not as 1.25;"),
        (["1,250", "7"], [1250, 7], "'1,250' was read as 1250 and not as 1.25;"),
    ],
)
def test_a_list_that_reads_in_two_ways_is_warned_of(values, numbers, words):
    with pytest.warns(UserWarning, match="column 'spend' .* " + words):
        read = convert(pd.Series(values), Kind("number"), "spend")
    assert_array_equal(read, numbers)


def test_lists_in_cells_are_refused():
    with pytest.raises(TypeError, match="column 'tags' .* got a list"):
        find_kind(pd.Series([["a"], ["b"]]), "tags")


ROWS = 200


@pytest.mark.parametrize(
    ("name", "values", "is_id"),
    [
        ("row", np.arange(ROWS), True),
        ("customer_id", np.random.default_rng(0).permutation(10**6)[:ROWS], True),
        ("income", np.random.default_rng(0).permutation(10**6)[:ROWS], False),
        ("spend", np.random.default_rng(0).normal(size=ROWS), False),
        ("email", [f"a{row}@b.org" for row in range(ROWS)], True),
        ("household", [f"H{row // 3:04d}" for row in range(ROWS)], True),
        ("city", [f"town {chr(97 + row // 3 % 26)} {row // 3}" for row in range(ROWS)], False),
        ("since", pd.date_range("2020-01-01", periods=ROWS), False),
        ("day", [f"2020-{1 + row % 12:02d}-{1 + row % 28:02d}" for row in range(ROWS)], False),
        ("age", np.arange(ROWS) % 70, False),
    ],
)
def test_ids(name, values, is_id):
    series = pd.Series(values, name=name)
    kind, _ = find_kind(series, name)
    assert (looks_like_id(series, kind, name) is not None) == is_id


def test_few_rows_have_no_ids():
    series = pd.Series(range(10))
    assert looks_like_id(series, find_kind(series, "id")[0], "id") is None
