"""Text that fits a terminal."""

from sklearn_hrc._commands.fold_lines import duration
from sklearn_hrc._commands.terminal import aligned, wrapped


def test_labels_stand_left_and_numbers_right():
    text = aligned(("arm", "n"), [("a", "5"), ("b  c", "1,000")])
    assert text == "arm      n\na        5\nb c  1,000"


def test_long_labels_are_cut_in_the_middle_so_that_ten_arms_fit():
    rows = [(f"a very long name of an arm, number {k}", *["1,234,567"] * 4) for k in range(10)]
    lines = aligned(("arm", "people", "share", "cost", "response"), rows).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(set(lines)) == 11


def test_two_labels_beside_three_numbers_fit():
    label = "a very long name of an arm, number {}"
    rows = [(label.format(k), label.format(k + 1), *["1,234,567"] * 3) for k in range(10)]
    lines = aligned(("from", "to", "people", "cost", "response"), rows, 2).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(set(lines)) == 11


def test_sentences_are_wrapped_at_words():
    told = wrapped(["one two " * 12, "three"]).splitlines()
    assert told[0].startswith("- one two")
    assert told[1].startswith("  ")
    assert told[-1] == "- three"
    assert max(map(len, told)) <= 80


def test_rough_times():
    assert [duration(seconds) for seconds in (0.2, 42.4, 300)] == [
        "about 1 s",
        "about 42 s",
        "about 5 min",
    ]
