"""The text of a pacer: days before the year 0 of their clock, and texts that nobody wrote."""

import json

import pytest

from sklearn_hrc.serving import BudgetPacer


def pacer_of(day_start, day_end):
    """A pacer in the middle of its day, with an open and a redeemed offer."""
    pacer = BudgetPacer(100.0, day_start, day_end, [10, 10], delay=[(0.0, 0.0), (1.0, 1.0)])
    pacer.budget(day_start)
    for name in ("a", "b"):
        pacer.decided(name, day_start, 2.0)
    pacer.redeemed("a", 3.0)
    pacer.budget((day_start + day_end) / 2)
    return pacer


@pytest.mark.parametrize("day", [(-24.0, -1.0), (-12.0, 12.0), (0.0, 1.0), (1.7e9, 1.7e9 + 86_400)])
def test_a_day_of_any_times_goes_on(day):
    pacer = pacer_of(*day)
    again = BudgetPacer.from_json(pacer.to_json())
    assert again.to_json() == pacer.to_json()
    assert again.budget(day[0]) == pacer.budget(day[0])


@pytest.mark.parametrize(
    ("part", "name", "content"),
    [
        ("offers", "spent", "-1"),
        ("offers", "spent", "1e999"),
        ("offers", "spent", '"5"'),
        ("offers", "spent", "1" + "0" * 400),
        ("offers", "latest", "1e999"),
        ("offers", "latest", "-1"),
        ("offers", "redeemed", str([-1.0] * 288)),
        ("offers", "open", '[["a", -1e5, 1]]'),
        ("offers", "open", '[["a", 24, 1]]'),
        ("offers", "open", '[["a", 1e999, 1]]'),
        ("offers", "open", '[["a", 1, -5]]'),
        ("offers", "open", "[[null, 1, 1]]"),
        ("offers", "seen", '[["a", "1"]]'),
        ("offers", "seen", "[[[], 1]]"),
        ("offers", "settled", '[["a", 24]]'),
        ("offers", "settled", "[[null, 1]]"),
        ("offers", "settled", "null"),
        ("counters", "clock", "-1"),
        ("settings", "traffic", "1" + "0" * 400),
        ("settings", "traffic", "[" * 100_000),
    ],
)
def test_a_text_that_nobody_wrote_is_refused(part, name, content):
    state = json.loads(pacer_of(0.0, 24.0).to_json())
    state[part][name] = "here"
    text = json.dumps(state).replace('"here"', content)
    with pytest.raises(ValueError, match="text is expected to be what to_json of a BudgetPacer"):
        BudgetPacer.from_json(text)
