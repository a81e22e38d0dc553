"""Numbers and dates in text, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklearn_hrc.tables._text_values import (
    date_formats,
    day_comes_first,
    is_code,
    number_style,
    read_dates,
    read_numbers,
)

pd = pytest.importorskip("pandas")


@pytest.mark.parametrize(
    ("texts", "style", "numbers"),
    [
        (["12.50", "-3", "1e3", ".5"], "point", [12.5, -3, 1000, 0.5]),
        (["12,50", "3", "1.234,5", "1.000"], "comma", [12.5, 3, 1234.5, 1000]),
        (["1,250.50", "1,250", "7"], "thousands", [1250.5, 1250, 7]),
        (["1,250", "7"], "unclear", [1250, 7]),
        (["1,250", "12,5"], "comma", [1.25, 12.5]),
        (["1,250", "1,250,000"], "thousands", [1250, 1_250_000]),
        (["12,50 EUR", "abc"], "point", [np.nan, np.nan]),
        ([], "point", []),
    ],
)
def test_styles_of_numbers(texts, style, numbers):
    assert number_style(texts) == style
    assert_array_equal(read_numbers(texts, style), numbers)


@pytest.mark.parametrize("text", ["01067", "0000089", "00"])
def test_codes_begin_with_a_nought(text):
    assert is_code(text)


@pytest.mark.parametrize("text", ["0", "10", "0.5", "-01", "0x1", ""])
def test_numbers_are_no_codes(text):
    assert not is_code(text)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1))
def test_a_decimal_comma_changes_no_number(cents):
    points = [f"{value / 100:.2f}" for value in cents]
    commas = [text.replace(".", ",") for text in points]
    assert number_style(commas) == "comma"
    assert_array_equal(read_numbers(commas, "comma"), read_numbers(points, "point"))


def test_dates_in_several_formats_are_read_each_by_its_own():
    texts = ["2024-05-03", "03.05.2024", "May 3, 2024", "3 May 2024", "2024-05-03T10:00", "soon"]
    for day_first in (False, True):
        read = read_dates(pd, texts, day_first).astype("datetime64[D]")
        assert_array_equal(read, np.array(["2024-05-03"] * 5 + ["NaT"], dtype="datetime64[D]"))
    assert date_formats(texts) == {"2024-05-31", "31.05.2024", "31 May 2024"}


def test_the_order_of_day_and_month_is_found_where_the_dates_tell():
    assert day_comes_first(["03/05/2024", "31/05/2024"]) is True
    assert day_comes_first(["03/05/2024", "05/31/2024"]) is False
    assert day_comes_first(["03/05/2024"]) is None
    assert day_comes_first(["31/05/2024", "05/31/2024"]) is None
    assert read_dates(pd, ["03/05/2024"], True)[0] == np.datetime64("2024-05-03")
    assert read_dates(pd, ["03/05/2024"], False)[0] == np.datetime64("2024-03-05")


def test_times_of_another_zone_are_in_utc():
    read = read_dates(pd, ["2024-05-03T01:00:00+02:00"], False)
    assert read[0] == np.datetime64("2024-05-02T23:00:00")
