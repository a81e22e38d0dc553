"""What was read, as text for a terminal and as HTML for a notebook."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from sklearn_hrc.tables._rows_report import (
    Reading,
    reading_html,
    reading_text,
    smallest_differences,
)

MARKUP = "<script>alert('x')</script> & \"more\""
READING = Reading(
    n_rows=1300,
    arms=[("none", 1200, 0.0, None), (MARKUP, 99, 1234.5, 0.25), ("gift", 1, 2.0, np.nan)],
    outcomes=[("sales", 9.2281, 0.809, 0.0, 737.7)],
    kinds={"number": 2, "date": 0, "category": 1},
    missing=[(f"column {k}", 0.5 - 0.01 * k) for k in range(14)],
    randomisation="Nothing in the features tells the received arm (p = 0.5).",
    notes=["'customer' looks like an id.", MARKUP],
)


def test_text_has_the_figures():
    text = reading_text(READING)
    assert text.startswith("1,300 rows, 3 features (2 numbers, 1 category)\n")
    assert re.search(r"^none +1,200 +92.3 % +0$", text, re.M)
    assert re.search(r"^gift +1 +0.1 % +2 +unknown$", text, re.M)
    assert re.search(r"^sales +9.228 +80.9 % +0 +737.7$", text, re.M)
    assert re.search(r"^2 further columns +less$", text, re.M)
    assert "Arm 'gift' has 1 row, too few" in text
    assert "(p = 0.5)." in text


def test_lines_fit_a_terminal():
    long = READING._replace(
        arms=[("a very long name of an arm " * 5, 1300, 1.0, None)],
        notes=["a long sentence " * 30],
        missing=[("x" * 200, 0.5)],
    )
    assert max(map(len, reading_text(long).splitlines())) <= 100


def test_without_cost_there_is_no_column_of_costs():
    text = reading_text(READING._replace(arms=[("a", 9, None, None), ("b", 9, None, 1.0)]))
    assert "mean cost" not in text


def test_markup_in_names_is_text():
    class Texts(HTMLParser):
        tags, texts = set(), []

        def handle_starttag(self, tag, attrs):
            self.tags.add(tag)

        def handle_data(self, data):
            self.texts.append(data)

    page = Texts()
    page.feed(reading_html(READING))
    assert "script" not in page.tags
    assert page.texts.count(MARKUP) == 2


def test_smallest_differences_by_hand():
    outcome = np.array([0.0, 2.0, 0.0, 2.0, 1.0, 3.0, 5.0])
    arm = np.array([0, 0, 0, 0, 1, 1, 2])
    unit = np.array([0, 0, 1, 1, 2, 2, 3])
    first = smallest_differences(outcome, arm, 3, None)
    assert first[0] is None
    assert first[1] == pytest.approx(2.8 * np.sqrt(4 / 3 / 4 + 2 / 2))
    assert np.isnan(first[2])
    # Two groups in the first arm, one in the second.
    grouped = smallest_differences(outcome, arm, 3, unit)
    assert np.isnan(grouped[1])
