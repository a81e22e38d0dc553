"""The integer programme against enumeration, integer solvers, and by hand."""

import gc
import resource
import time
from importlib import import_module

import numpy as np
import pytest
from helpers.programmes import (
    EDGES,
    EPSILONS,
    assert_optimal,
    assert_sound,
    between,
    count_vectors,
    excess,
    knife_edge,
    milp_response,
    programmes,
    random_programme,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_hrc._programme import enumeration, search
from sklearn_hrc._programme.one_budget import cheapest_cost, is_within_budget, solve
from sklearn_hrc.exceptions import BudgetError

both_modes = pytest.mark.parametrize("split", [True, False])
thorough = settings(deadline=None, derandomize=True, max_examples=400)


def test_by_hand_split():
    # The edges 0 -> 1 have slopes 3 and 2: all of the first cluster, then one individual.
    response, cost = np.array([[0.0, 3.0, 4.0], [1.0, 3.0, 3.5]]), np.array([[0.0, 1.0, 2.0]] * 2)
    allocation = solve(response, cost, [2, 3], 0.7)
    assert allocation.counts.tolist() == [[0, 2, 0], [2, 1, 0]]
    assert (allocation.response, allocation.cost) == (11.0, 3.0)
    assert allocation.linear_bound == pytest.approx(12.0)
    assert allocation.shadow_price == pytest.approx(2.0)
    assert (allocation.status, allocation.bound, allocation.gap) == ("optimal", 11.0, 0.0)


def test_by_hand_beyond_the_hull():
    # Hull and floor move one individual to the dear arm for 5; the middle arm is below the hull.
    allocation = solve([[0.0, 2.9, 5.0]], [[0.0, 3.0, 5.0]], [2], 3.0)
    assert allocation.counts.tolist() == [[0, 2, 0]]
    assert allocation.response == 5.8


def test_by_hand_whole_clusters():
    # The steepest cluster does not leave enough for the other two, which are worth more.
    response, cost = np.array([[0.0, 7.0], [0.0, 6.0], [0.0, 6.0]]), np.array([[0.0, 4.0]] * 3)
    allocation = solve(response, cost, [3, 2, 2], 16 / 7, split_clusters=False)
    assert allocation.counts.tolist() == [[3, 0], [0, 2], [0, 2]]
    assert allocation.response == 24.0


@both_modes
def test_budget_that_does_not_bind(split):
    response, cost = np.array([[0.0, 2.0, 1.0], [5.0, 4.0, 3.0]]), np.array([[0.0, 1.0, 2.0]] * 2)
    for budget in (0.5, 1.0, 1e12, 1e308):
        allocation = solve(response, cost, [4, 4], budget, split_clusters=split)
        assert allocation.counts.tolist() == [[0, 4, 0], [4, 0, 0]]
        assert allocation[1:] == (28.0, 4.0, 0.0, 28.0, 28.0, 0.0)


@both_modes
def test_ties_go_to_the_better_response(split):
    allocation = solve([[1.0, 3.0, 2.0]], [[0.0, 0.0, 0.0]], [4], 0.0, split_clusters=split)
    assert allocation.counts.tolist() == [[0, 4, 0]]
    equal = solve(np.ones((2, 3)), np.ones((2, 3)), [4, 1], 1.0, split_clusters=split)
    assert equal.response == equal.cost == equal.bound == 5.0


@both_modes
def test_one_arm_and_empty_clusters(split):
    allocation = solve([[2.0], [3.0]], [[1.0], [2.0]], [3, 0], 1.0, split_clusters=split)
    assert allocation.counts.tolist() == [[3], [0]]
    assert allocation.response == allocation.bound == 6.0


@both_modes
def test_negative_costs_and_budgets(split):
    allocation = solve([[0.0, 1.0]], [[-5.0, -1.0]], [4], -1.0, split_clusters=split)
    assert allocation.counts.tolist() == [[0, 4]]
    allocation = solve([[0.0, 1.0]], [[-5.0, -1.0]], [4], -1.1, split_clusters=split)
    assert allocation.counts.tolist() == ([[1, 3]] if split else [[4, 0]])


@both_modes
def test_budget_at_the_cheapest_allocation(split):
    response, cost, sizes = random_programme(0, 20, 4, 1000)
    cheapest = cheapest_cost(cost, sizes)
    assert cheapest == pytest.approx(sizes @ cost[:, 0])
    allocation = solve(response, cost, sizes, cheapest / 1000, split_clusters=split)
    np.testing.assert_array_equal(allocation.counts[:, 0], sizes)
    with pytest.raises(BudgetError, match=str(cheapest / 1000)) as error:
        solve(response, cost, sizes, cheapest / 1000 - 1e-6, split_clusters=split)
    assert "per individual" in str(error.value)


@both_modes
def test_budget_at_the_dearest_hull_vertex_is_used_in_full(split):
    response, cost, sizes = random_programme(1, 50, 5, 3000)
    best = solve(response, cost, sizes, 1e6, split_clusters=split)
    again = solve(response, cost, sizes, best.cost / 3000, split_clusters=split)
    np.testing.assert_array_equal(again.counts, best.counts)
    assert again.status == "optimal"


@pytest.mark.parametrize("name", ["response", "cost", "budget"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(name, value):
    arguments = {"response": np.ones((2, 2)), "cost": np.ones((2, 2)), "budget": 1.0}
    arguments[name] = arguments[name] * value
    with pytest.raises(ValueError, match=f"{name} must be finite"):
        solve(**arguments, sizes=[1, 1])


def test_no_individuals():
    with pytest.raises(ValueError, match="at least one individual"):
        solve(np.ones((2, 2)), np.ones((2, 2)), [0, 0], 1.0)


def test_budget_rule():
    counts, cost = np.array([[1, 2]]), np.array([[-4.0, 3.0]])
    assert is_within_budget(counts, cost, 3, 2 / 3)
    assert is_within_budget(counts, cost, 3, (2 - 9e-12) / 3)
    assert not is_within_budget(counts, cost, 3, (2 - 11e-12) / 3)


def test_brute_force():
    assert count_vectors(2, 2, True).tolist() == [[0, 2], [1, 1], [2, 0]]
    assert count_vectors(2, 2, False).tolist() == [[2, 0], [0, 2]]


@thorough
@given(programmes(), st.floats(-0.1, 1.1))
def test_optimum_of_small_programmes(programme, share):
    response, cost, sizes, split, _ = programme
    assert_optimal(response, cost, sizes, between(cost, sizes, share), split)


@thorough
@given(programmes(), st.sampled_from(EPSILONS), st.sampled_from(EDGES))
def test_optimum_at_the_knife_edge(programme, epsilon, kind):
    """Budgets at or just below the cost of an allocation, where solvers' tolerances decide."""
    response, cost, sizes, split, _ = programme
    assert_optimal(response, cost, sizes, knife_edge(programme, epsilon, kind), split)


@settings(thorough, max_examples=100)
@given(programmes(), st.integers(-9, 12), st.integers(-9, 12), st.floats(0.05, 0.95))
def test_scale_does_not_matter(programme, response_digits, cost_digits, share):
    response, cost, sizes, split, _ = programme
    budget = between(cost, sizes, share)
    base = solve(response, cost, sizes, budget, split_clusters=split)
    r, c = 10.0**response_digits, 10.0**cost_digits
    scaled = solve(r * response, c * cost, sizes, c * budget, split_clusters=split)
    assert scaled.response / r == pytest.approx(base.response, rel=1e-9, abs=1e-9)
    assert excess(scaled.counts, c * cost, c * budget) <= 0


@settings(thorough, max_examples=100)
@given(programmes(), st.floats(0.05, 0.95))
def test_order_does_not_matter(programme, share):
    response, cost, sizes, split, rng = programme
    budget = between(cost, sizes, share)
    base = solve(response, cost, sizes, budget, split_clusters=split)
    rows, columns = rng.permutation(len(sizes)), rng.permutation(cost.shape[1])
    moved = solve(
        response[rows][:, columns],
        cost[rows][:, columns],
        sizes[rows],
        budget,
        split_clusters=split,
    )
    assert moved.response == pytest.approx(base.response, rel=1e-9, abs=1e-12)
    assert moved.linear_bound == pytest.approx(base.linear_bound, rel=1e-9, abs=1e-12)


@both_modes
@pytest.mark.parametrize("unit", [5e-324, 1e-300, 1e-200, 1e200, 1e280])
def test_extreme_units(unit, split):
    response, cost = np.array([[0.0, 3.0], [0.0, 2.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    for r, c in ((unit, 1.0), (1.0, unit), (unit, unit)):
        allocation = solve(r * response, c * cost, [2, 2], c * 0.5, split_clusters=split)
        # Half of the smallest positive float rounds to zero.
        expected = 0.0 if c * 0.5 == 0 else 6.0 * r
        assert allocation.response == pytest.approx(expected, rel=1e-9)


@both_modes
def test_coefficients_of_very_different_sizes(split):
    response = np.array([[-1e300, 1.0, 2.0], [0.0, 3.0, 3.5], [0.0, 1.0, 1e280]])
    cost = np.array([[0.0, 1.0, 2.0], [0.0, 1e-290, 3.0], [0.0, 1e-280, 1e280]])
    sizes = np.array([3, 5, 7])
    for budget in (0.0, 1e-289, 0.3, 1.0, 5.0):
        allocation = solve(response, cost, sizes, budget, split_clusters=split)
        assert_sound(allocation, response, cost, sizes, budget, split)


@both_modes
def test_costs_and_responses_next_to_nothing(split):
    response = np.array([[0.0, 1e-310, 0.0], [0.0, 2e-310, 1.0], [0.0, 1e-312, 0.5]])
    cost = np.array([[0.0, 1e-312, 1.0], [0.0, 3e-312, 1.0], [0.0, 1e-310, 1e-309]])
    sizes = np.array([3, 5, 2])
    for budget in (0.0, 1e-312, 2e-311, 0.1, 2.0):
        for r, c in ((response, cost), (response, response), (cost, response)):
            allocation = solve(r, c, sizes, budget, split_clusters=split)
            assert_sound(allocation, r, c, sizes, budget, split)


def test_costs_that_cancel():
    # Zero is over a budget of -1e-10 although one part in 1e16 of the money at stake is less.
    for low, budget in ((-1e6, -1e-10), (-1.0, -5e-324)):
        cost = np.array([[low, 0.0], [low, 0.0]])
        allocation = solve([[0.0, 1.0]] * 2, cost, [3, 3], budget)
        assert excess(allocation.counts, cost, budget) <= 0
        assert allocation.response == 5.0


@pytest.mark.parametrize(("n_clusters", "n_individuals"), [(64, 30_000), (200, 1_000_000)])
def test_large_split_programmes_are_within_one_individual_of_the_bound(n_clusters, n_individuals):
    response, cost, sizes = random_programme(0, n_clusters, 5, n_individuals)
    gain = (response.max(axis=1) - response.min(axis=1)).max()
    for share in (0.1, 0.3, 0.6):
        budget = between(cost, sizes, share)
        allocation = solve(response, cost, sizes, budget)
        assert_sound(allocation, response, cost, sizes, budget, True)
        assert allocation.linear_bound - allocation.response <= gain


@both_modes
def test_agrees_with_another_solver(split):
    response, cost, sizes = random_programme(4, 30, 4, 600)
    for share in (0.1, 0.3, 0.6):
        budget = between(cost, sizes, share)
        allocation = solve(response, cost, sizes, budget, split_clusters=split)
        assert allocation.status == "optimal"
        expected = milp_response(response, cost, sizes, budget, split)
        assert allocation.response == pytest.approx(expected, rel=1e-6)
        assert allocation.response >= expected * (1 - 1e-9)


@pytest.fixture
def small_memory(monkeypatch):
    """Enumerations that run out of memory at once, so that CBC is asked."""
    monkeypatch.setattr(enumeration, "_MAX_STATES", 100)
    monkeypatch.setattr(enumeration, "_MIN_STATES", 10)
    monkeypatch.setattr(search, "_SOLVER_SECONDS", 0.3)


@pytest.mark.parametrize("kind", ["real", "no answer", "over budget"])
def test_the_solver_is_asked_and_its_answer_checked(monkeypatch, small_memory, kind):
    response, cost, sizes = random_programme(5, 30, 5, 2000)
    budget, asked, ask = between(cost, sizes, 0.3), [], search._solver_moves
    greedy = solve(response, cost, sizes, budget, split_clusters=False, time_limit=0)

    def solver(core, *rest):
        asked.append(kind)
        return {"real": ask, "no answer": lambda *_: None}.get(kind, lambda c, *_: c.limit)(
            core, *rest
        )

    monkeypatch.setattr(search, "_solver_moves", solver)
    allocation = solve(response, cost, sizes, budget, split_clusters=False)
    assert asked
    assert_sound(allocation, response, cost, sizes, budget, False)
    assert allocation.response >= greedy.response
    if kind == "real":
        expected = milp_response(response, cost, sizes, budget, False)
        assert allocation.response == pytest.approx(expected, rel=1e-6)


def flat_programme(seed, n_clusters=40):
    """Programme of which every allocation is about as good as its cost: the hardest to prove."""
    rng = np.random.default_rng(seed)
    cost = rng.random((n_clusters, 4))
    return cost + 1e-6 * rng.random(cost.shape), cost, rng.integers(1, 100, n_clusters)


@both_modes
def test_a_search_that_ends_early_says_so(small_memory, split):
    response, cost, sizes = flat_programme(0)
    allocation = solve(response, cost, sizes, 0.4, split_clusters=split)
    assert allocation.status == "feasible"
    assert allocation.response < allocation.bound <= allocation.linear_bound
    cheapest = solve(response, cost, sizes, cheapest_cost(cost, sizes) / sizes.sum())
    gain = allocation.bound - cheapest.response
    assert allocation.gap == pytest.approx((allocation.bound - allocation.response) / gain)
    assert_sound(allocation, response, cost, sizes, 0.4, split)


@pytest.fixture(scope="module")
def loaded_solver():
    """The solver, whose first import counts in no time limit."""
    import_module("mip.cbc")


@both_modes
@pytest.mark.parametrize("seconds", [0, 0.05, 0.5])
def test_time_limit(loaded_solver, split, seconds):
    response, cost, sizes = flat_programme(1, 2000)
    started = time.perf_counter()
    allocation = solve(response, cost, sizes, 0.4, split_clusters=split, time_limit=seconds)
    assert time.perf_counter() - started <= 1.1 * seconds + 0.2
    assert_sound(allocation, response, cost, sizes, 0.4, split)
    assert allocation.gap < 1e-4


def test_bound_of_a_search_that_ends_early_holds():
    response, cost, sizes = random_programme(7, 300, 5, 3000)
    budget = between(cost, sizes, 0.3)
    best = solve(response, cost, sizes, budget, split_clusters=False)
    for seconds in (0, 0.002, 0.004, 0.008):
        allocation = solve(response, cost, sizes, budget, split_clusters=False, time_limit=seconds)
        assert allocation.response <= best.response * (1 + 1e-12)
        assert allocation.bound >= best.response * (1 - 1e-12)


@pytest.mark.parametrize("seconds", [-1, np.nan])
def test_impossible_time_limit(seconds):
    with pytest.raises(ValueError, match="time_limit"):
        solve(np.ones((2, 2)), np.ones((2, 2)), [1, 1], 1.0, time_limit=seconds)


@both_modes
@pytest.mark.parametrize("n_clusters", [10, 200])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_responses_that_equal_costs(n_clusters, scale, split):
    """What is left of a budget between two multiples of the unit of all costs buys nothing."""
    rng = np.random.default_rng(0)
    cost = np.round(rng.integers(0, 1000, (n_clusters, 4)) * scale, 2)
    sizes = rng.integers(1, 100, n_clusters)
    budget = between(cost, sizes, 0.30031)
    allocation = solve(cost, cost, sizes, budget, split_clusters=split)
    assert allocation.status == "optimal"
    left = budget * sizes.sum() - allocation.cost
    assert (0 <= left < scale) or not split


@both_modes
def test_prices_of_few_kinds(split):
    """The multiples of 5 below the budget, not the budget itself, are what can be spent."""
    response, _, sizes = random_programme(3, 60, 4, 2000)
    cost = np.broadcast_to([0.0, 5.0, 10.0, 20.0], response.shape)
    budgets = between(cost, sizes, 0.3) + np.array([0.0, 1e-3])
    for budget in budgets:
        allocation = solve(response, cost, sizes, budget, split_clusters=split)
        assert allocation.status == "optimal"
        expected = milp_response(response, cost, sizes, budget, split)
        assert allocation.response >= expected * (1 - 1e-9)


@both_modes
def test_nothing_is_printed(capfd, small_memory, split):
    for seed in range(3):
        response, cost, sizes = random_programme(seed, 30, 5, 300)
        solve(response, cost, sizes, between(cost, sizes, 0.3), split_clusters=split)
    assert capfd.readouterr() == ("", "")


@both_modes
def test_same_answer_every_time(split):
    response, cost, sizes = random_programme(6, 60, 5, 600)
    budget = between(cost, sizes, 0.4)
    first, second = (solve(response, cost, sizes, budget, split_clusters=split) for _ in range(2))
    np.testing.assert_array_equal(first.counts, second.counts)
    assert first[1:] == second[1:]


@pytest.mark.slow
@settings(thorough, max_examples=10_000)
@given(programmes(), st.sampled_from(EPSILONS), st.sampled_from(EDGES))
def test_optimum_at_many_knife_edges(programme, epsilon, kind):
    response, cost, sizes, split, _ = programme
    assert_optimal(response, cost, sizes, knife_edge(programme, epsilon, kind), split)


@pytest.mark.slow
@settings(thorough, max_examples=2000)
@given(programmes(), st.floats(-0.1, 1.1))
def test_optimum_of_many_small_programmes(programme, share):
    response, cost, sizes, split, _ = programme
    assert_optimal(response, cost, sizes, between(cost, sizes, share), split)


@pytest.mark.slow
def test_memory_does_not_grow(small_memory, monkeypatch):
    """A thousand solves, each with a model of CBC."""
    monkeypatch.setattr(search, "_SOLVER_SECONDS", 0.02)
    response, cost, sizes = flat_programme(2)
    peaks = []
    for _ in range(3):
        for _ in range(500):
            solve(response, cost, sizes, 0.4, split_clusters=False)
        gc.collect()
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    assert peaks[2] - peaks[0] < 60


@pytest.mark.slow
@both_modes
@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_another_solver_on_many(seed, split):
    response, cost, sizes = random_programme(seed, 60, 5, 2000)
    budget = between(cost, sizes, 0.05 + 0.04 * seed)
    allocation = solve(response, cost, sizes, budget, split_clusters=split)
    expected = milp_response(response, cost, sizes, budget, split)
    assert allocation.response >= expected * (1 - 1e-9)
    assert allocation.response == pytest.approx(expected, rel=1e-5)
