"""Decisions at a price against all assignments, and against hand-computed paths."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklearn_hrc.rivals._price_path import arms_at_price, price_of_budget, price_path

VALUE = np.array([[0.0, 3.0, 4.0], [0.0, 1.0, 1.5]])
COST = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 3.0]])


def test_path_by_hand():
    path = price_path(VALUE, COST, VALUE, COST)
    assert path.slope.tolist() == [3.0, 1.0, 1.0, 0.25]
    assert (path.cost * 2).tolist() == [0.0, 1.0, 2.0, 3.0, 5.0]
    assert (path.response * 2).tolist() == [0.0, 3.0, 4.0, 5.0, 5.5]


@pytest.mark.parametrize(
    ("budget", "cost"), [(0.0, 0.0), (0.4, 0.0), (0.5, 0.5), (1.0, 0.5), (1.5, 1.5), (9.0, 2.5)]
)
def test_what_a_budget_buys_is_what_the_price_decides(budget, cost):
    # Two rows move at the price of 1: with 1.0 for each there is no price for only one of them.
    path = price_path(VALUE, COST, VALUE, COST)
    price, step = price_of_budget(path, budget)
    arms = arms_at_price(VALUE, COST, price)
    assert COST[[0, 1], arms].mean() == path.cost[step] == cost


def test_of_equal_arms_the_cheapest_is_given():
    assert arms_at_price(np.array([[1.0, 1.0]]), np.array([[2.0, 1.0]]), 0.0) == 1


def test_totals_may_be_other_than_what_is_priced():
    observed = np.array([[0.0, 0.0, 9.0], [0.0, 5.0, 0.0]])
    path = price_path(VALUE, COST, VALUE, observed)
    # The second row moves on to an arm of which nothing was observed, from 14 back to 9.
    assert (path.cost * 2).tolist() == [0.0, 0.0, 5.0, 11.5, 11.5]


def test_no_money_buys_nothing_though_noise_says_that_it_is_cheap():
    observed = np.array([[0.0, -3.0, 9.0], [0.0, 5.0, 0.0]])
    path = price_path(VALUE, COST, VALUE, observed)
    assert path.cost.min() == path.cost[0] == 0.0
    price, step = price_of_budget(path, 0.0)
    assert step == 0
    assert arms_at_price(VALUE, COST, price).tolist() == [0, 0]


NUMBERS = st.floats(0, 8, width=16)


@given(arrays(float, (4, 3), elements=NUMBERS), arrays(float, (4, 3), elements=NUMBERS))
def test_decisions_are_the_best_for_what_they_cost(value, cost):
    path = price_path(value, cost, value, cost)
    everyone = np.arange(4)
    choices = np.array(list(itertools.product(range(3), repeat=4)))
    values = value[everyone, choices].sum(axis=1)
    costs = cost[everyone, choices].sum(axis=1)
    for budget in np.linspace(path.cost[0], cost.max(), 7):
        price, step = price_of_budget(path, budget)
        arms = arms_at_price(value, cost, price)
        spent = cost[everyone, arms].sum()
        assert spent / 4 <= budget + 1e-9
        np.testing.assert_allclose(spent, 4 * path.cost[step], atol=1e-9)
        best = values[costs <= spent + 1e-9].max()
        np.testing.assert_allclose(value[everyone, arms].sum(), best, atol=1e-9)
