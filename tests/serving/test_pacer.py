"""A pacer keeps the total: days by hand, ids that count once, restarts, and bad input."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("pandas")
pytest.importorskip("skrub")

from helpers.served_policies import number_policy, number_rows

from sklearn_hrc.exceptions import BudgetError
from sklearn_hrc.export import export_policy
from sklearn_hrc.serving import BudgetPacer, load

# Half of the cost comes at once, all of it after 2 hours.
DELAY = [(0.0, 0.5), (2.0, 1.0)]
IDS = st.integers(0, 9)
COSTS = st.sampled_from([0.0, 0.25, 1.0, 7.5])
EVENTS = st.one_of(
    st.tuples(st.just("decided"), IDS, st.floats(0, 9.99), COSTS),
    st.tuples(st.just("redeemed"), IDS, COSTS),
    st.tuples(st.just("expired"), IDS),
    st.tuples(st.just("budget"), st.floats(-1, 11)),
)


def make_pacer(total=1000.0, day_start=0.0, day_end=10.0, traffic=(100,) * 10, **params):
    return BudgetPacer(total, day_start, day_end, traffic, **params)


def tell(pacer, events):
    """Give events to a pacer, and return what it said."""
    return [getattr(pacer, name)(*values) for name, *values in events]


def test_a_day_as_planned_keeps_its_budget():
    pacer, spent = make_pacer(), 0.0
    for hour in range(10):
        budget = pacer.budget(hour)
        assert budget == pytest.approx(1.0)
        for place in range(100):
            assert pacer.decided(f"{hour} {place}", hour + place / 100, budget)
            assert pacer.redeemed(f"{hour} {place}", budget)
            spent += budget
    assert pacer.spent == pytest.approx(spent) == pytest.approx(1000)


def test_what_is_left_is_for_those_still_expected():
    pacer = make_pacer(memory=10.0)
    for place in range(300):
        pacer.decided(place, place / 300, 0.0)
    # 300 came where 100 were planned: (300 + 300) / (100 + 300) = 1.5 times the 900 still planned.
    assert pacer.budget(1.0) == pytest.approx(1000 / 1350)
    pacer.decided("dear", 1.0, 100.0)
    # Past decisions were allowed 1000 / 1350 and cost 100: (100 + 50) / (1000 / 1350 + 50).
    used = 150 / (1000 / 1350 + 50)
    level = (301 + 300) / (100 + 300)
    assert pacer.budget(1.0) == pytest.approx(900 / (900 * level) / used)


def test_spend_says_when_individuals_are_dear():
    pacer = make_pacer(traffic=[100, 100], spend=[1, 3])
    assert pacer.budget(0.0) == 5.0
    for place in range(100):
        # Until noon they cost half of the mean, and so only a quarter of the budget.
        pacer.decided(place, 2.5, 2.5)
    assert pacer.budget(5.0) == pytest.approx(750 / 150)


def test_part_of_an_hour_is_part_of_its_traffic():
    pacer = make_pacer(traffic=[100, 300], total=400.0)
    # 50 are planned until a quarter of the day: (0 + 120) / (50 + 120) times the other 350.
    assert pacer.budget(2.5) == pytest.approx(400 / (350 * 120 / 170))


def test_pending_is_the_expected_cost_of_open_offers():
    pacer = make_pacer()
    tell(pacer, [("decided", "a", 1.0, 3.0), ("decided", "b", 1.0, 2.0), ("decided", 1, 2.0, 0.5)])
    assert (pacer.pending(3.0), pacer.spent) == (5.5, 0.0)
    assert pacer.redeemed("a", 10.0)
    assert (pacer.pending(3.0), pacer.spent) == (2.5, 10.0)
    assert pacer.expired("b")
    assert (pacer.pending(3.0), pacer.spent) == (0.5, 10.0)
    assert tell(pacer, [("redeemed", "a", 10.0), ("expired", "b"), ("expired", "1")]) == [False] * 3
    assert (pacer.pending(3.0), pacer.spent) == (0.5, 10.0)


def test_delay_takes_off_what_should_have_come():
    pacer = make_pacer(delay=DELAY)
    # The middle of the first of 288 parts of the day is where its offers are.
    middle = 10 / 288 / 2
    tell(pacer, [("decided", place, middle, 10.0) for place in range(10)])
    tell(pacer, [("redeemed", place, 25.0) for place in range(2)])
    # Half is due and came: no correction, and half is still to come.
    assert pacer.pending(middle) == pytest.approx(50)
    # An hour later 75 are due and 50 came. All are near each other.
    of_all = (50 + 50) / (75 + 50)
    ratio = (50 + 50 * of_all) / (75 + 50)
    assert pacer.pending(middle + 1) == pytest.approx(25 * ratio)
    assert pacer.pending(middle + 2) == 0
    tell(pacer, [("expired", place) for place in range(2, 10)])
    assert pacer.pending(middle) == 0


def test_true_costs_correct_the_next_budget():
    dear, as_expected = make_pacer(delay=[(0, 1)]), make_pacer(delay=[(0, 1)])
    for pacer, cost in ((dear, 2.0), (as_expected, 1.0)):
        pacer.budget(0.0)
        for place in range(200):
            pacer.decided(place, place / 100, 1.0)
            pacer.redeemed(place, cost)
    assert as_expected.budget(2.0) == pytest.approx(1.0)
    # 600 of 800 are left, for individuals that cost nearly twice as much.
    assert 0.5 * 0.75 < dear.budget(2.0) < 0.6 * 0.75


def test_budget_stays_in_its_range_and_never_below_zero():
    pacer = make_pacer(budget_range=(0.25, 4.0))
    pacer.decided("all", 1.0, 2000.0)
    assert pacer.budget(1.0) == 0.25
    pacer.expired("all")
    assert pacer.budget(9.999) == 4.0
    assert pacer.budget(10.0) == pacer.budget(99.0) == 0.25
    spent = make_pacer()
    spent.decided("all", 1.0, 2000.0)
    assert spent.budget(1.0) == 0.0


def test_a_clock_that_goes_back_stands_still():
    pacer = make_pacer()
    later = pacer.budget(5.0)
    assert pacer.budget(4.0) == pacer.budget(-1.0) == later
    assert later > make_pacer().budget(4.0)


def test_redemptions_count_after_the_day_and_decisions_do_not():
    pacer = make_pacer()
    pacer.decided("a", 9.9, 5.0)
    pacer.budget(10.0)
    with pytest.raises(ValueError, match=r"time is expected .* at least 0 and before 10, got 10"):
        pacer.decided("b", 10.0, 5.0)
    with pytest.raises(ValueError, match="time is expected .* got -0.1"):
        pacer.decided("b", -0.1, 5.0)
    assert pacer.redeemed("a", 6.0)
    assert (pacer.spent, pacer.pending(12.0)) == (6.0, 0.0)


def test_ids_are_forgotten_with_time_and_old_decisions_not_counted():
    pacer = make_pacer(memory=1.0)
    assert tell(pacer, [("decided", "a", 1.0, 0.0), ("decided", "b", 2.5, 2.0)]) == [True, True]
    assert json.loads(pacer.to_json())["offers"]["seen"] == [["b", 2.5]]
    # A repeat has its old time, which is now too far back; so has a decision that comes late.
    assert tell(pacer, [("decided", "a", 1.0, 0.0), ("decided", "c", 1.4, 2.0)]) == [False, False]
    # An open offer is known for as long as it is open.
    assert tell(pacer, [("decided", "d", 9.0, 0.0), ("decided", "b", 9.0, 2.0)]) == [True, False]
    assert pacer.pending(9.0) == 2.0


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=40))
def test_each_id_counts_once(events):
    pacer, known, costs = make_pacer(memory=10.0), {}, {}
    for name, *values in events:
        got = getattr(pacer, name)(*values)
        if name == "decided":
            event_id, _, cost = values
            assert got == (event_id not in known)
            known.setdefault(event_id, 0.0 if event_id in costs else cost)
        elif name == "redeemed":
            event_id, cost = values
            assert got == (event_id not in costs)
            costs.setdefault(event_id, cost)
        elif name == "expired":
            assert got == bool(known.get(*values))
        else:
            assert 0 <= got < math.inf
        if name in ("redeemed", "expired") and values[0] in known:
            known[values[0]] = 0.0
        assert pacer.spent == sum(costs.values())
        assert pacer.pending(0.0) == pytest.approx(sum(known.values()))


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=20), st.lists(EVENTS, max_size=20), st.sampled_from([None, DELAY]))
def test_restart_at_any_moment_has_the_same_future(before, after, delay):
    pacer = make_pacer(delay=delay, budget_range=(0.0, 50.0), memory=3.0)
    tell(pacer, before)
    again = BudgetPacer.from_json(pacer.to_json())
    assert tell(again, after) == tell(pacer, after)
    assert (again.to_json() == pacer.to_json()) is True
    assert again.budget(9.0) == pacer.budget(9.0)


def test_restart_in_mid_day_with_repeated_events_counts_none_twice():
    events = [("budget", 0.0)]
    for place in range(60):
        events.append(("decided", place, place / 10, 2.0))
        if place % 3 == 0:
            events.append(("redeemed", place, 5.0))
        if place % 20 == 19:
            events.append(("expired", place))
    whole, killed = (make_pacer(delay=DELAY, memory=10.0) for _ in range(2))
    tell(whole, events)
    tell(killed, events[:50])
    saved = killed.to_json()
    tell(killed, events[50:60])
    del killed
    restarted = BudgetPacer.from_json(saved)
    # Some of what the file knows is told again, and so is part of the rest.
    tell(restarted, events[20:60] + events[40:])
    assert restarted.spent == whole.spent == 100.0
    assert restarted.pending(6.0) == whole.pending(6.0)
    assert restarted.budget(6.0) == pytest.approx(whole.budget(6.0), rel=1e-12)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"total": 0.0}, "total_budget is expected to be a finite number and above 0, got 0.0"),
        ({"total": math.nan}, "total_budget is expected .* got nan"),
        ({"total": "1000"}, "total_budget is expected .* got '1000'"),
        ({"total": 10**400}, "total_budget is expected .* got 1000"),
        ({"day_end": 0.0}, "day_end is expected to be a finite number and above 0, got 0.0"),
        ({"day_start": math.inf}, "day_start is expected .* got inf"),
        ({"traffic": []}, r"traffic is expected .* got \[\]"),
        ({"traffic": [0, 0]}, "traffic is expected"),
        ({"traffic": [1, -1]}, "traffic is expected"),
        ({"traffic": [1, math.nan]}, "traffic is expected"),
        ({"traffic": [[1, 2]]}, "traffic is expected"),
        ({"traffic": ["many"]}, "traffic is expected"),
        ({"spend": [1, 2]}, "each of the 10 parts of traffic, got 2"),
        ({"spend": [-1] * 10}, "spend is expected"),
        ({"delay": [0.5]}, "delay is expected"),
        ({"delay": [(0, 0.5), (0, 1)]}, "delay is expected"),
        ({"delay": [(0, 0.5), (1, 0.4)]}, "delay is expected"),
        ({"delay": [(0, 0.5), (1, 1.1)]}, "delay is expected"),
        ({"budget_range": (1.0, 0.5)}, r"budget_range\[1\] is expected .* at least 1, got 0.5"),
        ({"budget_range": 1.0}, "budget_range is expected to be two numbers, got 1.0"),
        ({"budget_range": (math.nan, 1.0)}, r"budget_range\[0\] is expected"),
        ({"memory": -1}, "memory is expected to be a finite number and at least 0, got -1"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        make_pacer(**params)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (("decided", "b", 2.0, -1.0), "expected_cost is expected .* at least 0, got -1"),
        (("decided", "b", 2.0, math.nan), "expected_cost is expected .* got nan"),
        (("decided", "b", 2.0, math.inf), "expected_cost is expected .* got inf"),
        (("decided", "b", math.nan, 1.0), "time is expected"),
        (("decided", None, 2.0, 1.0), "event_id is expected .* got None"),
        (("decided", True, 2.0, 1.0), "event_id is expected .* got True"),
        (("redeemed", "a", -1.0), "cost is expected .* at least 0, got -1"),
        (("redeemed", "a", math.nan), "cost is expected .* got nan"),
        (("redeemed", ["a"], 1.0), "event_id is expected"),
        (("expired", 1.5), "event_id is expected"),
        (("budget", math.nan), "time is expected .* got nan"),
        (("pending", "noon"), "time is expected .* got 'noon'"),
    ],
)
def test_bad_events_change_nothing(event, message):
    pacer = make_pacer()
    tell(pacer, [("budget", 1.0), ("decided", "a", 1.0, 3.0)])
    before = pacer.to_json()
    with pytest.raises(ValueError, match=message):
        tell(pacer, [event])
    assert pacer.to_json() == before


@pytest.mark.parametrize("change", ["format", "settings", "counters", "offers", "nan", "cut", "id"])
def test_text_that_is_not_its_own_is_one_sentence(change):
    pacer = make_pacer()
    pacer.decided("a", 1.0, 3.0)
    text = pacer.to_json()
    if change == "cut":
        text = text[:-9]
    elif change == "nan":
        text = text.replace("3.0", "NaN")
    elif change == "id":
        text = text.replace('"a"', "[1]")
    else:
        text = json.dumps(json.loads(text) | {change: None})
    with pytest.raises(ValueError, match="text is expected to be what to_json of a BudgetPacer"):
        BudgetPacer.from_json(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    policy, X = number_policy("linear")
    return export_policy(policy, tmp_path_factory.mktemp("paced") / "policy", X)


@pytest.mark.parametrize("exploration", [0.0, 0.2])
def test_range_of_a_policy_is_what_it_takes(exploration, folder):
    policy = load(folder, exploration=exploration, random_state=0)
    least, largest = policy.budget_range
    assert policy.set_budget(least) <= least < policy.set_budget(largest) <= largest
    with pytest.raises(BudgetError, match=f"at least {least:.6g}" if least else "at least 0"):
        policy.set_budget(least - 0.01)


def test_cost_of_decisions_is_that_of_their_cells(folder):
    policy = load(folder)
    policy.set_budget(policy.budget_range[1] / 2)
    cost = json.loads((folder / "policy.json").read_text())["cost"]
    decisions = policy.decide(number_rows(50))
    one = policy.decide_one(dict(zip([each.name for each in policy.features], number_rows(1)[0])))
    arms = [policy.treatments.index(each) for each in decisions.treatment]
    expected = [cost[cluster][arm] for cluster, arm in zip(decisions.cluster, arms)]
    assert policy.cost_of(decisions).tolist() == expected
    assert policy.cost_of(one) == cost[one.cluster][policy.treatments.index(one.treatment)]
    assert len(set(expected)) > 2


def test_pacer_leads_a_policy_through_a_day(folder):
    policy = load(folder)
    least, largest = policy.budget_range
    total = 600 * 0.4 * largest
    pacer = BudgetPacer(total, 0.0, 10.0, [60] * 10, budget_range=policy.budget_range)
    rows, used = number_rows(900, seed=5), set()
    for start in range(0, 900, 30):
        # Half as many again come as were planned.
        policy.set_budget(pacer.budget(start / 90))
        used.add(policy.budget)
        costs = policy.cost_of(policy.decide(rows[start : start + 30]))
        for place, cost in enumerate(costs, start):
            pacer.decided(place, place / 90, cost)
    assert 0.95 * total < pacer.pending(10.0) <= 1.02 * total
    assert len(used) > 2
    assert least <= min(used) < max(used) <= largest
