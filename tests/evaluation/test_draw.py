"""Columns that tell the arm: which ones are named, and what is said of them."""

import numpy as np
import pytest
from sklearn.utils import Bunch

from sklearn_hrc.evaluation._draw import draw_is_off, draw_sentences, telling_columns, what_tells


def check(p_value, **features):
    """A check of the draw with p-values of features."""
    return Bunch(
        p_value=p_value,
        conclusion="It is off.",
        features={
            "feature": np.array([name.replace("_", " ") for name in features], dtype=object),
            "p_value": np.array(list(features.values())),
        },
    )


@pytest.mark.parametrize(
    ("p_value", "off", "said"),
    [(0.01, False, 0), (0.009, False, 1), (1e-4, False, 1), (9e-5, True, 3)],
)
def test_clear_cases_are_apart_from_doubts(p_value, off, said):
    found = check(p_value, a=0.5)
    assert draw_is_off(found) is off
    assert len(draw_sentences(found)) == said


def test_nothing_is_said_where_nothing_was_checked():
    assert not draw_is_off(None)
    assert draw_sentences(None) == []


def test_columns_are_named_at_a_level_that_they_share():
    # Four features share 0.01: 0.0024 is below a quarter of it, and 0.0026 is not.
    assert telling_columns(check(1e-9, a=1e-9, b=0.0024, c=0.0026, d=0.5)) == ["a", "b"]


def test_values_of_a_category_are_one_column():
    features = {"plan = a": 1e-9, "plan = b": 1e-9, "plan is missing": 1e-9, "age is missing": 1e-9}
    assert telling_columns(check(1e-9, **features)) == ["plan", "age"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([], "the columns together tell which arm a person got, so the arms were not"),
        (["a"], "'a' tells which arm a person got, so it was recorded afterwards"),
        (["a", "b"], "'a' and 'b' tell which arm a person got, so they were recorded"),
        (list("abcde"), "'a', 'b', 'c' and 2 more tell which arm a person got"),
    ],
)
def test_words(columns, words):
    assert what_tells(columns).startswith(words)


def test_sentences_say_what_to_leave_out():
    first, second, third = draw_sentences(check(1e-9, flag=1e-9, age=0.5))
    assert first.startswith("Do not decide by these figures: 'flag' tells")
    assert "by ignore=['flag'], and evaluate again" in second
    assert third == "It is off."
    assert "that were not known before the treatment" in draw_sentences(check(1e-9, a=0.5))[1]
