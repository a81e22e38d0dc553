"""Money that is spent counts once, whatever the pacer knows of its offer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_hrc.serving import BudgetPacer

IDS = st.integers(0, 9)
COSTS = st.sampled_from([0.0, 0.25, 7.5])
EVENTS = st.one_of(
    st.tuples(st.just("decided"), IDS, st.floats(0, 9.99), COSTS),
    st.tuples(st.just("redeemed"), IDS, COSTS),
)
# All of the cost of an offer has come at once.
AT_ONCE = [(0.0, 1.0)]


def make_pacer(**params):
    return BudgetPacer(1000.0, 0.0, 10.0, (100,) * 10, **params)


def tell(pacer, events):
    """Give events to a pacer, and return what it said."""
    return [getattr(pacer, name)(*values) for name, *values in events]


@pytest.mark.parametrize(
    "before",
    [
        [],
        [("decided", "a", 1.0, 0.0)],
        [("decided", "a", 1.0, 30.0), ("expired", "a")],
        [("decided", "a", 1.0, 30.0), ("decided", "b", 9.0, 0.0), ("expired", "a")],
    ],
    ids=["lost", "no expected cost", "expired", "forgotten"],
)
def test_a_cost_counts_once_whatever_is_known_of_its_offer(before):
    pacer = make_pacer()
    tell(pacer, before)
    assert tell(pacer, [("redeemed", "a", 40.0), ("redeemed", "a", 40.0)]) == [True, False]
    pacer = BudgetPacer.from_json(pacer.to_json())
    assert tell(pacer, [("redeemed", "a", 40.0), ("expired", "a")]) == [False, False]
    assert (pacer.spent, pacer.pending(9.0)) == (40.0, 0.0)


def test_a_redemption_before_its_decision_is_not_expected_as_well():
    pacer = make_pacer()
    events = [("redeemed", "a", 40.0), ("decided", "a", 5.0, 30.0), ("redeemed", "a", 40.0)]
    assert tell(pacer, events) == [True, True, False]
    assert (pacer.spent, pacer.pending(5.0)) == (40.0, 0.0)


def test_costs_are_corrected_by_what_is_known_of_their_offers():
    lost, known, expired = (make_pacer(delay=AT_ONCE) for _ in range(3))
    lost.redeemed("lost", 100.0)
    # Nothing was expected of it, so it says nothing of what others will cost.
    assert lost.budget(0.0) == pytest.approx(900 / 1000)
    for pacer in (known, expired):
        tell(pacer, [("decided", place, 0.0, 1.0) for place in range(100)])
    tell(expired, [("expired", place) for place in range(100)])
    for pacer in (known, expired):
        tell(pacer, [("redeemed", place, 2.0) for place in range(100)])
    assert expired.budget(1.0) == known.budget(1.0) < 0.9 * 800 / 900


def test_redeemed_ids_are_forgotten_with_time():
    pacer = make_pacer(memory=1.0)
    tell(pacer, [("decided", "a", 1.0, 2.0), ("redeemed", "a", 3.0), ("decided", "b", 2.0, 0.0)])
    assert json.loads(pacer.to_json())["offers"]["settled"] == [["a", 1.0]]
    assert not pacer.redeemed("a", 3.0)
    pacer.decided("c", 2.1, 0.0)
    assert json.loads(pacer.to_json())["offers"]["settled"] == []
    # The pacer cannot tell a repeat that comes so late.
    assert pacer.redeemed("a", 3.0)
    assert pacer.spent == 6.0


def test_an_id_decided_after_it_was_redeemed_is_known_for_longer():
    pacer = make_pacer(memory=1.0)
    tell(pacer, [("redeemed", "a", 1.0), ("decided", "b", 0.5, 0.0), ("redeemed", "b", 1.0)])
    tell(pacer, [("decided", "a", 0.8, 0.0), ("decided", "c", 1.6, 0.0)])
    assert json.loads(pacer.to_json())["offers"]["settled"] == [["a", 0.8]]


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=30), st.data())
def test_restart_with_repeated_events_is_as_if_there_was_none(events, data):
    saved = data.draw(st.integers(0, len(events)))
    repeated = data.draw(st.integers(0, saved))
    whole, killed = make_pacer(memory=10.0), make_pacer(memory=10.0)
    tell(whole, events)
    tell(killed, events[:saved])
    again = BudgetPacer.from_json(killed.to_json())
    tell(again, events[repeated:])
    assert again.to_json() == whole.to_json()
    assert again.spent == sum({e[1]: e[2] for e in events[::-1] if e[0] == "redeemed"}.values())


def test_a_text_without_redeemed_ids_counts_none_of_them_again():
    pacer = make_pacer()
    tell(pacer, [("decided", name, 1.0, 2.0) for name in ("a", "b")])
    pacer.redeemed("a", 3.0)
    state = json.loads(pacer.to_json())
    del state["offers"]["settled"]
    old = BudgetPacer.from_json(json.dumps(state))
    assert tell(old, [("redeemed", "a", 3.0), ("redeemed", "b", 4.0)]) == [False, True]
    assert (old.spent, old.pending(1.0)) == (7.0, 0.0)
