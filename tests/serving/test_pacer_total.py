"""The total budget of a day changes in mid-day: days by hand, restarts, and bad input."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_hrc.serving import BudgetPacer

IDS = st.integers(0, 9)
EVENTS = st.one_of(
    st.tuples(st.just("decided"), IDS, st.floats(0, 9.99), st.sampled_from([0.0, 1.0, 7.5])),
    st.tuples(st.just("redeemed"), IDS, st.sampled_from([0.0, 1.0, 7.5])),
    st.tuples(st.just("expired"), IDS),
    st.tuples(st.just("budget"), st.floats(-1, 11)),
)
# Half of the cost comes at once, all of it after 2 hours.
DELAY = [(0.0, 0.5), (2.0, 1.0)]


def make_pacer(total=1000.0, **params):
    return BudgetPacer(total, 0.0, 10.0, (100,) * 10, **params)


def tell(pacer, events):
    """Give events to a pacer, and return what it said."""
    return [getattr(pacer, name)(*values) for name, *values in events]


def half_a_day():
    """A pacer of a day that went as planned until noon: 500 individuals at 1.0."""
    pacer = make_pacer(budget_range=(0.25, 4.0))
    for hour in range(5):
        budget = pacer.budget(hour)
        for place in range(100):
            pacer.decided(f"{hour} {place}", hour + place / 100, budget)
            pacer.redeemed(f"{hour} {place}", budget)
    assert pacer.spent == pytest.approx(500)
    return pacer


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=30), st.floats(0.5, 1e6), st.sampled_from([None, DELAY]))
def test_total_set_before_any_event_is_that_of_the_constructor(events, total, delay):
    changed, made = make_pacer(delay=delay), make_pacer(total, delay=delay)
    changed.set_total(total)
    assert tell(changed, events) == tell(made, events)
    assert changed.to_json() == made.to_json()


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=20), st.lists(EVENTS, max_size=20))
def test_total_that_is_set_and_set_back_leaves_no_trace(before, after):
    pacer, other = make_pacer(delay=DELAY), make_pacer(delay=DELAY)
    tell(pacer, before)
    tell(other, before)
    pacer.set_total(7.0)
    pacer.set_total(1000.0)
    assert tell(pacer, after) == tell(other, after)


@pytest.mark.parametrize(
    ("total", "budget"), [(1500.0, 2.0), (1000.0, 1.0), (750.0, 0.5), (1e6, 4.0)]
)
def test_what_is_left_of_another_total_is_for_those_still_expected(total, budget):
    pacer = half_a_day()
    pacer.set_total(total)
    # The day is as planned, so 500 individuals share what is left, within the range.
    assert pacer.budget(5.0) == pytest.approx(budget)
    assert pacer.total_budget == total


@pytest.mark.parametrize("total", [500.0, 499.0, 1e-9])
def test_total_that_is_spent_leaves_the_cheapest_plan_until_there_is_more(total):
    pacer = half_a_day()
    pacer.set_total(total)
    assert pacer.budget(5.0) == 0.25
    pacer.set_total(1500)
    assert pacer.budget(5.0) == pytest.approx(2.0)


def test_total_that_falls_believes_few_costs_no_more_than_before():
    pacer = make_pacer(delay=DELAY)
    for place in range(10):
        pacer.decided(place, 0.0, 10.0)
    # 50 of 100 are due and none came, drawn towards 1 by a twentieth of the first total, twice.
    pending = 50 * (50 * 50 / (50 + 50)) / (50 + 50)
    middle = 10 / 288 / 2
    assert pacer.pending(middle) == pytest.approx(pending)
    for total in (pending - 0.1, 1e-9):
        pacer.set_total(total)
        assert (pacer.pending(middle), pacer.budget(middle)) == (pytest.approx(pending), 0.0)
    again = BudgetPacer.from_json(pacer.to_json())
    assert again.pending(middle) == pytest.approx(pending)
    again.set_total(2000.0)
    # A larger total draws more: (100 * 100 / (50 + 100)) / (50 + 100).
    assert again.pending(middle) == pytest.approx(50 * (100 * 100 / 150) / 150)


def test_open_offers_count_against_another_total():
    pacer = half_a_day()
    pacer.decided("open", 4.99, 100.0)
    pacer.set_total(1500.0)
    # 501 came where 500 were planned, and decisions cost 600 where 501 were allowed.
    level, used = (501 + 300) / (500 + 300), (600 + 75) / (501 + 75)
    assert pacer.budget(5.0) == pytest.approx(900 / (500 * level) / used)
    assert (pacer.spent, pacer.pending(5.0)) == (pytest.approx(500), 100.0)


def test_costs_are_corrected_in_proportion_to_the_new_total():
    pacer = make_pacer(delay=[(0.0, 1.0)])
    for place in range(10):
        pacer.decided(place, 0.0, 10.0)
        pacer.redeemed(place, 20.0)
    pacer.set_total(2000.0)
    # 100 were due and 200 came, drawn towards 1 by a twentieth of the total, twice.
    ratio = (200 + 100 * (200 + 100) / (100 + 100)) / (100 + 100)
    assert pacer.budget(0.0) == pytest.approx((2000 - 200) / (1000 * 310 / 300) / ratio)


def test_restart_keeps_the_total_that_was_set_last():
    pacer = half_a_day()
    pacer.set_total(1500.0)
    again = BudgetPacer.from_json(pacer.to_json())
    assert again.total_budget == 1500.0
    assert again.budget(5.0) == pacer.budget(5.0) == pytest.approx(2.0)
    again.set_total(400.0)
    once_more = BudgetPacer.from_json(again.to_json())
    assert once_more.budget(6.0) == 0.25


@pytest.mark.parametrize("total", [0.0, 0, -1.0, math.nan, math.inf, "1000", None, True])
def test_total_that_cannot_be_changes_nothing(total):
    pacer = half_a_day()
    before = pacer.to_json()
    message = r"total_budget is expected to be a finite number and above 0, got "
    with pytest.raises(ValueError, match=message):
        pacer.set_total(total)
    with pytest.raises(ValueError, match=message):
        make_pacer(total)
    assert pacer.to_json() == before
