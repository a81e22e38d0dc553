"""The integer programme against enumeration, linear and integer solvers, and by hand."""

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from sklearn_hrc import _enumeration, _programme
from sklearn_hrc._hull import hull_path
from sklearn_hrc._programme import cheapest_cost, is_within_budget, solve
from sklearn_hrc.exceptions import BudgetError

both_modes = pytest.mark.parametrize("split", [True, False])
thorough = settings(deadline=None, derandomize=True, max_examples=400)


def count_vectors(size, n_arms, split):
    """All ways to give `size` individuals `n_arms` arms."""
    if not split:
        return size * np.eye(n_arms, dtype=int)
    if n_arms == 1:
        return np.array([[size]])
    return np.vstack(
        [
            np.insert(count_vectors(size - first, n_arms - 1, split), 0, first, axis=1)
            for first in range(size + 1)
        ]
    )


def enumerate_all(response, cost, sizes, split):
    """Response, cost and sum of absolute costs of every allocation."""
    totals = np.zeros((3, 1))
    for k, size in enumerate(sizes):
        options = count_vectors(int(size), cost.shape[1], split)
        own = np.stack([options @ response[k], options @ cost[k], options @ np.abs(cost[k])])
        totals = (totals[:, :, None] + own[:, None, :]).reshape(3, -1)
    return totals


def excess(counts, cost, budget):
    """By how much the cost exceeds the budget and its tolerance, in exact arithmetic."""
    spent = [int(n) * Fraction(float(c)) for n, c in zip(counts.ravel(), cost.ravel())]
    tolerance = Fraction(1.001e-12) * sum(map(abs, spent))
    return sum(spent) - Fraction(float(budget)) * int(counts.sum()) - tolerance


def assert_sound(allocation, response, cost, sizes, budget, split):
    counts = allocation.counts
    assert counts.dtype == np.int64
    assert counts.min() >= 0
    np.testing.assert_array_equal(counts.sum(axis=1), sizes)
    assert split or np.all((counts == 0) | (counts == np.reshape(sizes, (-1, 1))))
    assert excess(counts, cost, budget) <= 0
    assert is_within_budget(counts, cost, int(np.sum(sizes)), budget)
    assert allocation.response == pytest.approx(np.sum(counts * response), rel=1e-9, abs=1e-300)
    assert allocation.cost == pytest.approx(np.sum(counts * cost), rel=1e-9, abs=1e-9)
    assert allocation.bound >= allocation.response
    assert allocation.shadow_price >= 0


def assert_optimal(response, cost, sizes, budget, split):
    """Compare with all allocations; those at the very edge of the tolerance may go either way."""
    value, spent, moved = enumerate_all(response, cost, sizes, split)
    limit = budget * int(np.sum(sizes))
    inside, outside = (value[spent <= limit + t * moved] for t in (0.9e-12, 1.1e-12))
    try:
        allocation = solve(response, cost, sizes, budget, split_clusters=split)
    except BudgetError:
        assert not len(inside)
        return
    assert_sound(allocation, response, cost, sizes, budget, split)
    assert allocation.proven
    slack = 1e-9 * np.abs(value).max()
    assert allocation.response <= outside.max() + slack
    if len(inside):
        assert allocation.response >= inside.max() - slack


def random_programme(seed, n_clusters, n_arms, n_individuals):
    """Clusters of uneven sizes whose response is concave in the cost up to noise."""
    rng = np.random.default_rng(seed)
    share = rng.lognormal(0, 1, n_clusters)
    sizes = np.floor(share / share.sum() * n_individuals).astype(int)
    sizes[0] += n_individuals - sizes.sum()
    cost = np.sort(rng.gamma(2, 1, (n_clusters, n_arms)), axis=1)
    response = rng.gamma(2, 1, (n_clusters, 1)) * np.sqrt(cost)
    return response + rng.normal(0, 0.3, cost.shape), cost, sizes


def between(cost, sizes, share):
    """Budget that lies `share` of the way from the cheapest to the dearest allocation."""
    low, high = (sizes @ f(cost, axis=1) / sizes.sum() for f in (np.min, np.max))
    return low + share * (high - low)


@st.composite
def programmes(draw):
    """Small programmes, with integer, decimal, equal and random coefficients."""
    split = draw(st.booleans())
    n_clusters, n_arms = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    most = 3 if split and n_arms == 4 else 5 if split else 300
    sizes = np.array(draw(st.lists(st.integers(0, most), min_size=n_clusters, max_size=n_clusters)))
    if not sizes.sum():
        sizes[0] = 1
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = n_clusters, n_arms
    kind = draw(st.sampled_from(["integer", "normal", "correlated", "cents", "offset"]))
    if kind == "integer":
        response, cost = rng.integers(-5, 10, shape), rng.integers(-3, 8, shape)
    elif kind == "normal":
        response, cost = rng.normal(size=shape), rng.normal(size=shape)
    elif kind == "correlated":
        cost = 10 * rng.random(shape)
        response = cost + 0.1 * rng.normal(size=shape)
    elif kind == "cents":
        cost = np.round(20 * rng.random(shape), 2)
        response = np.sqrt(cost) * rng.random((n_clusters, 1))
    else:
        cost, response = 1000 + rng.random(shape), 1e-3 * rng.random(shape)
    return response.astype(float), cost.astype(float), sizes, split, rng


def test_by_hand_split():
    # The edges 0 -> 1 have slopes 3 and 2: all of the first cluster, then one individual.
    response, cost = np.array([[0.0, 3.0, 4.0], [1.0, 3.0, 3.5]]), np.array([[0.0, 1.0, 2.0]] * 2)
    allocation = solve(response, cost, [2, 3], 0.7)
    assert allocation.counts.tolist() == [[0, 2, 0], [2, 1, 0]]
    assert (allocation.response, allocation.cost) == (11.0, 3.0)
    assert allocation.bound == pytest.approx(12.0)
    assert allocation.shadow_price == pytest.approx(2.0)
    assert allocation.proven


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
        assert allocation[1:] == (28.0, 4.0, 0.0, 28.0, True)


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
    assert again.proven


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


@thorough
@given(programmes(), st.floats(-0.1, 1.1))
def test_optimum_of_small_programmes(programme, share):
    response, cost, sizes, split, _ = programme
    assert_optimal(response, cost, sizes, between(cost, sizes, share), split)


@thorough
@given(
    programmes(),
    st.sampled_from([0, 1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 2e-6, 1e-5, 1e-4]),
    st.sampled_from(["absolute", "relative", "ulp"]),
)
def test_optimum_at_the_knife_edge(programme, epsilon, kind):
    """Budgets at or just below the cost of an allocation, where solvers' tolerances decide."""
    response, cost, sizes, split, rng = programme
    _, spent, _ = enumerate_all(response, cost, sizes, split)
    budget = float(rng.choice(spent)) / int(sizes.sum())
    if kind == "ulp":
        budget = math.nextafter(budget, -math.inf)
    else:
        budget -= epsilon * (1.0 if kind == "absolute" else abs(budget))
    assert_optimal(response, cost, sizes, budget, split)


@settings(thorough, max_examples=60)
@given(programmes(), st.integers(-9, 12), st.integers(-9, 12), st.floats(0.05, 0.95))
def test_scale_does_not_matter(programme, response_digits, cost_digits, share):
    response, cost, sizes, split, _ = programme
    budget = between(cost, sizes, share)
    base = solve(response, cost, sizes, budget, split_clusters=split)
    r, c = 10.0**response_digits, 10.0**cost_digits
    scaled = solve(r * response, c * cost, sizes, c * budget, split_clusters=split)
    assert scaled.response / r == pytest.approx(base.response, rel=1e-9, abs=1e-9)
    assert excess(scaled.counts, c * cost, c * budget) <= 0


@settings(thorough, max_examples=60)
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
    assert moved.bound == pytest.approx(base.bound, rel=1e-9, abs=1e-12)


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


@pytest.mark.parametrize("seed", range(5))
def test_bound_is_the_linear_programme(seed):
    response, cost, sizes = random_programme(seed, 15, 4, 500)
    rows = np.kron(np.eye(15), np.ones(4))
    for share in (0.0, 0.01, 0.1, 0.3, 0.6, 0.9, 1.0):
        budget = between(cost, sizes, share)
        expected = linprog(-response.ravel(), [cost.ravel()], [budget * 500], rows, sizes)
        allocation = solve(response, cost, sizes, budget)
        assert allocation.bound == pytest.approx(-expected.fun, rel=1e-9)
        if 0 < share < 1:
            price = -expected.ineqlin.marginals[0]
            assert allocation.shadow_price == pytest.approx(price, rel=1e-6, abs=1e-9)


def test_path_is_the_value_of_every_budget():
    response, cost, sizes = random_programme(3, 40, 6, 2000)
    path = hull_path(response, cost, sizes)
    assert path.cost[0] == pytest.approx(cheapest_cost(cost, sizes))
    assert path.response[-1] == pytest.approx(sizes @ response.max(axis=1))
    assert np.all(np.diff(path.slope) <= 0)
    for share in (0.1, 0.4, 0.7):
        total = path.cost[0] + share * (path.cost[-1] - path.cost[0])
        bound = solve(response, cost, sizes, total / 2000).bound
        assert np.interp(total, path.cost, path.response) == pytest.approx(bound, rel=1e-9)


@pytest.mark.parametrize(("n_clusters", "n_individuals"), [(64, 30_000), (200, 1_000_000)])
def test_large_split_programmes_are_within_one_individual_of_the_bound(n_clusters, n_individuals):
    response, cost, sizes = random_programme(0, n_clusters, 5, n_individuals)
    gain = (response.max(axis=1) - response.min(axis=1)).max()
    for share in (0.1, 0.3, 0.6):
        budget = between(cost, sizes, share)
        allocation = solve(response, cost, sizes, budget)
        assert_sound(allocation, response, cost, sizes, budget, True)
        assert allocation.bound - allocation.response <= gain


@both_modes
def test_agrees_with_another_solver(split):
    response, cost, sizes = random_programme(4, 30, 4, 600)
    for share in (0.1, 0.3, 0.6):
        budget = between(cost, sizes, share)
        allocation = solve(response, cost, sizes, budget, split_clusters=split)
        assert allocation.proven
        expected = milp_response(response, cost, sizes, budget, split)
        assert allocation.response == pytest.approx(expected, rel=1e-6)
        assert allocation.response >= expected * (1 - 1e-9)


def milp_response(response, cost, sizes, budget, split):
    """Optimum of HiGHS, with its row tightened by more than the violation that it accepts."""
    n_arms = cost.shape[1]
    weight = np.ones_like(sizes) if split else np.maximum(sizes, 1)
    rows = np.kron(np.eye(len(sizes)), np.ones(n_arms))
    limit = (budget * sizes.sum()) - 1e-6 * np.abs(weight[:, None] * cost).max()
    result = milp(
        -(weight[:, None] * response).ravel(),
        integrality=np.ones(cost.size),
        bounds=Bounds(0, np.repeat(sizes if split else np.ones_like(sizes), n_arms)),
        constraints=[
            LinearConstraint(rows, sizes // weight, sizes // weight),
            LinearConstraint((weight[:, None] * cost).reshape(1, -1), ub=limit),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return -result.fun


def test_the_solver_is_asked_and_its_answer_checked(monkeypatch):
    """The optimum survives a solver without an answer and one that is over the budget."""
    response, cost, sizes = random_programme(5, 30, 5, 2000)
    budget, asked = between(cost, sizes, 0.3), []
    expected = solve(response, cost, sizes, budget, split_clusters=False)
    for answer in (lambda core: None, lambda core: core.limit * (core.extra > 0)):

        def solver(core, start, gap, answer=answer):
            asked.append(len(core.loss))
            return answer(core)

        monkeypatch.setattr(_programme, "_solver_moves", solver)
        allocation = solve(response, cost, sizes, budget, split_clusters=False)
        assert allocation.response == pytest.approx(expected.response, rel=1e-12)
        assert allocation.proven
    assert len(asked) == 2


@both_modes
def test_a_search_that_ends_early_says_so(monkeypatch, split):
    rng = np.random.default_rng(0)
    cost = rng.integers(0, 1000, (40, 4)).astype(float)
    sizes = rng.integers(1, 100, 40)
    monkeypatch.setattr(_enumeration, "_MAX_STATES", 1000)
    monkeypatch.setattr(_enumeration, "_MIN_STATES", 10)
    monkeypatch.setattr(_programme, "_MAX_SECONDS", 0.1)
    allocation = solve(cost, cost, sizes, 400.003, split_clusters=split)
    assert not allocation.proven
    assert_sound(allocation, cost, cost, sizes, 400.003, split)


@both_modes
def test_nothing_is_printed(capfd, split):
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


def test_import_does_not_load_the_solver():
    code = "import sys, sklearn_hrc._programme; sys.exit('mip' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.slow
@settings(thorough, max_examples=5000)
@given(
    programmes(),
    st.sampled_from([0, 1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 2e-6, 1e-5, 1e-4]),
    st.booleans(),
)
def test_optimum_at_many_knife_edges(programme, epsilon, relative):
    response, cost, sizes, split, rng = programme
    _, spent, _ = enumerate_all(response, cost, sizes, split)
    budget = float(rng.choice(spent)) / int(sizes.sum())
    budget -= epsilon * (abs(budget) if relative else 1.0)
    assert_optimal(response, cost, sizes, budget, split)


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
