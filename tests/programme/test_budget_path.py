"""The path of the linear relaxation against a solver, at every budget, and by hand."""

import numpy as np
import pytest
from helpers.programmes import between, coefficients, random_programme
from scipy.optimize import linprog

from sklearn_hrc._programme.budget_path import greedy_counts, path_allocation
from sklearn_hrc._programme.hull import _descending, cheapest_arms, hull_path
from sklearn_hrc._programme.one_budget import cheapest_cost, solve


def linear_programme(response, cost, sizes, total):
    """Optimum of HiGHS and its price of the budget."""
    n_clusters, n_arms = cost.shape
    rows = np.kron(np.eye(n_clusters), np.ones(n_arms))
    result = linprog(-response.ravel(), [cost.ravel()], [total], rows, sizes)
    return -result.fun, -result.ineqlin.marginals[0]


def path_totals(allocation, place, values, sizes):
    """Total of the values of an allocation along the path."""
    rows = np.arange(len(sizes))
    total = np.sum(sizes * values[rows, allocation.arms[place]])
    k, arm = allocation.cluster[place], allocation.target[place]
    if k < 0:
        return total
    step = values[k, arm] - values[k, allocation.arms[place, k]]
    return total + allocation.share[place] * sizes[k] * step


@pytest.mark.parametrize("kind", ["integer", "normal", "equal", "cents", "concave"])
@pytest.mark.parametrize("seed", range(4))
def test_whole_path_is_the_linear_programme(kind, seed):
    """Negative costs, ties and dominated arms included."""
    rng = np.random.default_rng(seed)
    if kind == "concave":
        response, cost, sizes = random_programme(seed, 15, 4, 500)
    else:
        response, cost = coefficients(kind, (12, 4), rng)
        sizes = rng.integers(0, 9, 12)
    path = hull_path(response, cost, sizes)
    assert np.all(np.diff(path.slope) <= 0)
    middle = (path.cost[1:] + path.cost[:-1]) / 2
    totals = np.concatenate([path.cost[:1] + 1e-9, middle, path.cost[-1:] + [1.0]])
    allocation = path_allocation(path, totals)
    assert np.all(path.start == cheapest_arms(response, cost))
    for place, total in enumerate(totals):
        value, price = linear_programme(response, cost, sizes, total)
        assert np.interp(total, path.cost, path.response) == pytest.approx(value, abs=1e-6)
        assert path_totals(allocation, place, response, sizes) == pytest.approx(value, abs=1e-6)
        spent = path_totals(allocation, place, cost, sizes)
        assert spent == pytest.approx(min(total, path.cost[-1]), abs=1e-8)
        if 0 < place <= len(middle) and path.cost[place] - path.cost[place - 1] > 1e-6:
            assert path.slope[place - 1] == pytest.approx(price, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_bound_of_solve_is_the_linear_programme(seed):
    response, cost, sizes = random_programme(seed, 15, 4, 500)
    for share in (0.0, 0.01, 0.1, 0.3, 0.6, 0.9, 1.0):
        budget = between(cost, sizes, share)
        value, price = linear_programme(response, cost, sizes, budget * 500)
        allocation = solve(response, cost, sizes, budget)
        assert allocation.linear_bound == pytest.approx(value, rel=1e-9)
        if 0 < share < 1:
            assert allocation.shadow_price == pytest.approx(price, rel=1e-6, abs=1e-9)


def test_by_hand_two_units_and_three_arms():
    # Unit 0 climbs 2 for 1, then 1 for 1; unit 1 skips its middle arm, which is below the hull:
    # 6 for 4. In the order of return: 2, 1.5, 1.
    response = np.array([[0.0, 2.0, 3.0], [0.0, 1.0, 6.0]])
    cost = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 4.0]])
    path = hull_path(response, cost, np.array([1, 1]))
    assert path.slope.tolist() == [2.0, 1.5, 1.0]
    assert path.cost.tolist() == [0.0, 1.0, 5.0, 6.0]
    assert path.response.tolist() == [0.0, 2.0, 8.0, 9.0]
    assert (path.cluster.tolist(), path.target.tolist()) == ([0, 1, 0], [1, 2, 2])
    allocation = path_allocation(path, [6.0, 0.0, 2.0, 0.5, 1.0, 5.75])
    assert allocation.arms.tolist() == [[2, 2], [0, 0], [1, 0], [0, 0], [1, 0], [1, 2]]
    assert allocation.cluster.tolist() == [-1, -1, 1, 0, -1, 0]
    assert allocation.target.tolist() == [-1, -1, 2, 1, -1, 2]
    assert allocation.share.tolist() == [0.0, 0.0, 0.25, 0.5, 0.0, 0.75]


def test_by_hand_negative_cost_and_a_dominated_start():
    # Arm 0 earns money; arm 1 costs as much as arm 2 and gives less.
    path = hull_path(np.array([[1.0, 2.0, 4.0]]), np.array([[-2.0, 1.0, 1.0]]), np.array([3]))
    assert (path.start.tolist(), path.target.tolist()) == ([0], [2])
    assert (path.cost.tolist(), path.response.tolist()) == ([-6.0, 3.0], [3.0, 12.0])


def test_no_edges():
    path = hull_path(np.array([[3.0, 1.0]]), np.array([[0.0, 1.0]]), np.array([2]))
    assert (len(path.slope), path.cost.tolist(), path.response.tolist()) == (0, [0.0], [6.0])
    assert path_allocation(path, [0.0, 9.0]).arms.tolist() == [[0], [0]]


def test_budget_below_the_path():
    path = hull_path(np.array([[0.0, 1.0]]), np.array([[1.0, 2.0]]), np.array([2]))
    with pytest.raises(ValueError, match=r"at least 2\.0, got 1\.0"):
        path_allocation(path, [3.0, 1.0])


def test_path_is_the_bound_of_every_budget():
    response, cost, sizes = random_programme(3, 40, 6, 2000)
    path = hull_path(response, cost, sizes)
    assert path.cost[0] == pytest.approx(cheapest_cost(cost, sizes))
    assert path.response[-1] == pytest.approx(sizes @ response.max(axis=1))
    for share in (0.1, 0.4, 0.7):
        total = path.cost[0] + share * (path.cost[-1] - path.cost[0])
        bound = solve(response, cost, sizes, total / 2000).linear_bound
        assert np.interp(total, path.cost, path.response) == pytest.approx(bound, rel=1e-9)


def test_blocks_of_clusters_make_no_difference(monkeypatch):
    response, cost, sizes = random_programme(0, 300, 4, 5000)
    whole = hull_path(response, cost, sizes)
    monkeypatch.setattr("sklearn_hrc._programme.hull._BLOCK", 40)
    for expected, got in zip(whole, hull_path(response, cost, sizes)):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("spread", [0.0, 1e-15, 1e-11, 1e-6, 1e100])
def test_order_of_slopes(spread):
    """Ties keep their order; what differs in its last bits only is told apart."""
    rng = np.random.default_rng(0)
    slope = 1 + spread * rng.integers(0, 50, 3000)
    order, ordered = _descending(slope)
    np.testing.assert_array_equal(order, np.argsort(-slope, kind="stable"))
    np.testing.assert_array_equal(ordered, slope[order])


def test_greedy_counts_spend_no_more_than_the_limit():
    response, cost, sizes = random_programme(1, 50, 5, 900)
    path = hull_path(response, cost, sizes)
    for limit in np.linspace(path.cost[0], path.cost[-1], 30):
        counts = greedy_counts(path, cost, sizes, limit)
        np.testing.assert_array_equal(counts.sum(axis=1), sizes)
        assert np.sum(counts * cost) <= limit * (1 + 1e-12)
        missing = np.interp(limit, path.cost, path.response) - np.sum(counts * response)
        assert missing <= np.ptp(response, axis=1).max()
