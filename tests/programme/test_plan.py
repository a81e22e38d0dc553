"""Plans of a campaign, against enumeration, plain terms and each other."""

import re

import numpy as np
import pytest
from helpers.programmes import all_allocations, between, random_programme
from helpers.risks import dense_covariance
from helpers.rule_settings import setting_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from sklearn_hrc._programme.blocks import whole_clusters
from sklearn_hrc._programme.campaign import Campaign
from sklearn_hrc._programme.one_budget import solve
from sklearn_hrc._programme.plan import (
    cheapest_budget,
    plan_budget,
    plan_response,
    plan_without_budget,
)
from sklearn_hrc._programme.risk import CostErrors, risk_factor
from sklearn_hrc._programme.solver import ask_solver
from sklearn_hrc.exceptions import BudgetError, RuleConflictError
from sklearn_hrc.rules import (
    Forbid,
    MaxShare,
    MaxSpend,
    MinOutcome,
    MinReturn,
    MinShare,
    Monotone,
)

thorough = settings(deadline=None, derandomize=True, max_examples=30)
NO_ERRORS = CostErrors(np.zeros((1, 1)), np.zeros(1), np.zeros((1, 1, 0)))
both_modes = pytest.mark.parametrize("split", [True, False])


def campaign_of(response, cost, sizes, rules=(), split=True, errors=NO_ERRORS, orders=None):
    setting = setting_of(sizes, cost, response, outcomes={"orders": orders})
    requirements = [rule.requirement(setting) for rule in rules]
    return Campaign(
        *(response, cost, response, sizes, whole_clusters(sizes, divisible=split)),
        *(errors, requirements, "mean", 0.9, None),
    )


def with_rules_of(campaign, *rules):
    """The campaign under other rules, which name no outcomes."""
    setting = setting_of(campaign.sizes, campaign.cost, campaign.response)
    return campaign._replace(requirements=[rule.requirement(setting) for rule in rules])


@st.composite
def campaigns(draw, with_rules=True):
    """Small campaigns, and which of their allocations keep the rules in plain terms."""
    split, n_clusters = draw(st.booleans()), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = rng.integers(1, 5 if split else 40, n_clusters)
    # Eighths, so that all sums are exact.
    response, cost, orders = rng.integers(-8, 30, (3, n_clusters, 3)) / 8
    every = all_allocations(sizes, 3, split)
    kinds = ("shares", "spend", "forbidden", "return", "monotone", "orders")
    chosen = draw(st.sets(st.sampled_from(kinds), min_size=1, max_size=3)) if with_rules else []
    rules, keeps = [], np.ones(len(every), dtype=bool)
    for kind in sorted(chosen):
        more, also = drawn_rules(kind, rng, every, sizes, (response, cost, orders))
        rules += more
        keeps &= also
    return campaign_of(response, cost, sizes, rules, split, orders=orders), every, keeps, rng


def drawn_rules(kind, rng, every, sizes, cells):
    """Rules of a kind, and which allocations keep them in plain terms."""
    response, cost, orders = cells
    population, of_arms = sizes.sum(), every.sum(axis=1)
    if kind == "shares":
        least, most = rng.uniform(0, 0.5), rng.uniform(0.3, 1)
        keeps = of_arms[:, 1] >= least * population - 1e-6
        keeps &= of_arms[:, 2] <= most * population + 1e-6
        return [MinShare("mail", least), MaxShare("call", most)], keeps
    if kind == "spend":
        most = rng.integers(0, 8) / 8
        return [MaxSpend("call", most)], every[:, :, 2] @ cost[:, 2] <= most * population
    if kind == "forbidden":
        return [Forbid("call", clusters=0)], every[:, 0, 2] == 0
    if kind == "return":
        gain, extra = ((every * (part - part[:, :1])).sum(axis=(1, 2)) for part in (response, cost))
        return [MinReturn(0.5)], gain >= 0.5 * extra
    if kind == "monotone":
        tails, keeps = every[:, :, ::-1].cumsum(axis=2), np.ones(len(every), dtype=bool)
        for one in range(len(sizes) - 1):
            before, after = tails[:, one] * sizes[one + 1], tails[:, one + 1] * sizes[one]
            keeps &= (before <= after).all(axis=1)
        return [Monotone(list(range(len(sizes))))], keeps
    least = rng.integers(0, 20) / 8
    keeps = (every * orders).sum(axis=(1, 2)) >= least * population
    return [MinOutcome("orders", least)], keeps


def totals(campaign, every):
    return ((every * part).sum(axis=(1, 2)) for part in (campaign.response, campaign.cost))


def assert_plan(plan, campaign, every, allowed, worth):
    """The best of the allowed allocations, to a little of what is at stake."""
    counts, stake = plan.counts, campaign.sizes @ np.ptp(campaign.value, axis=1)
    place = np.flatnonzero((every == counts).all(axis=(1, 2)))
    assert len(place) == 1
    assert allowed[place[0]]
    best = worth[allowed].max()
    assert plan.objective == pytest.approx(worth[place[0]])
    assert plan.objective >= best - 1e-6 * stake
    assert plan.bound >= best - 1e-6 * stake
    assert plan.optimal
    assert plan.response == pytest.approx(np.sum(counts * campaign.response))
    assert plan.cost == pytest.approx(np.sum(counts * campaign.cost))
    assert plan.shadow_price >= 0


@pytest.mark.parametrize("split", [True, False])
def test_no_rules_is_the_plain_programme(split):
    response, cost, sizes = random_programme(2, 50, 4, 2000)
    for share in (0.1, 0.4, 0.9):
        budget = between(cost, sizes, share)
        expected = solve(response, cost, sizes, budget, split_clusters=split)
        plan = plan_budget(campaign_of(response, cost, sizes, split=split), budget)
        np.testing.assert_array_equal(plan.counts, expected.counts)
        assert plan.response == plan.objective == pytest.approx(expected.response)
        assert plan.cost == pytest.approx(expected.cost)
        assert plan.shadow_price == expected.shadow_price
        assert plan.bound == pytest.approx(expected.bound)
        assert plan.optimal == (expected.status == "optimal")


@thorough
@given(campaigns(), st.floats(0, 1))
def test_plans_keep_budget_and_rules(drawn, share):
    campaign, every, keeps, _ = drawn
    response, cost = totals(campaign, every)
    budget = round(8 * between(campaign.cost, campaign.sizes, share)) / 8
    allowed = keeps & (cost <= budget * campaign.sizes.sum())
    if not allowed.any():
        with pytest.raises(BudgetError):
            plan_budget(campaign, budget)
        return
    assert_plan(plan_budget(campaign, budget), campaign, every, allowed, response)
    money = campaign._replace(value=2 * campaign.response - campaign.cost)
    assert_plan(plan_budget(money, budget), money, every, allowed, 2 * response - cost)


@thorough
@given(campaigns())
def test_plans_without_budget(drawn):
    campaign, every, keeps, _ = drawn
    response, _ = totals(campaign, every)
    if not keeps.any():
        with pytest.raises(BudgetError):
            plan_without_budget(campaign)
        return
    plan = plan_without_budget(campaign)
    assert_plan(plan, campaign, every, keeps, response)
    assert plan.shadow_price == 0
    free = campaign._replace(requirements=[])
    plan = plan_without_budget(free)
    assert_plan(plan, free, every, np.ones(len(every), dtype=bool), response)
    assert (plan.gap, plan.bound) == (0, plan.objective)


@thorough
@given(campaigns(), st.booleans(), st.floats(0, 1))
def test_lowest_cost_of_a_response(drawn, with_rules, share):
    campaign, every, keeps, _ = drawn
    if not with_rules:
        campaign, keeps = campaign._replace(requirements=[]), np.ones(len(every), dtype=bool)
    response, cost = totals(campaign, every)
    target = round(8 * between(campaign.response, campaign.sizes, share)) / 8
    allowed = keeps & (response >= target * campaign.sizes.sum())
    if not allowed.any():
        with pytest.raises(BudgetError) as error:
            plan_response(campaign, target)
        assert with_rules or type(error.value) is BudgetError
        assert with_rules or "target_response is expected to be at most" in str(error.value)
        return
    plan = plan_response(campaign, target)
    place = np.flatnonzero((every == plan.counts).all(axis=(1, 2)))
    assert allowed[place].all()
    stake = campaign.sizes @ np.ptp(campaign.cost, axis=1)
    assert plan.cost == plan.objective == pytest.approx(cost[place[0]])
    assert plan.cost <= cost[allowed].min() + 1e-6 * stake
    assert plan.bound <= cost[allowed].min() + 1e-6 * stake
    assert plan.response >= target * campaign.sizes.sum() - 1e-9


@both_modes
def test_response_and_budget_are_inverse(split):
    response, cost, sizes = random_programme(5, 60, 4, 3000)
    campaign = campaign_of(response, cost, sizes, split=split)
    for share in (0.2, 0.5):
        there = plan_budget(campaign, between(cost, sizes, share))
        back = plan_response(campaign, there.response / 3000)
        assert back.cost <= there.cost * (1 + 1e-9)
        assert back.response >= there.response * (1 - 1e-9)
        again = plan_budget(campaign, back.cost / 3000)
        assert again.response == pytest.approx(there.response, rel=1e-9)
        # The price is what a unit of budget buys, either way.
        assert back.shadow_price == pytest.approx(there.shadow_price, rel=0.05)


def test_target_that_costs_nothing():
    campaign = campaign_of(np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 1.0, 2.0]]), np.array([4]))
    plan = plan_response(campaign, 0.5)
    assert plan.counts.tolist() == [[4, 0, 0]]
    assert (plan.objective, plan.bound, plan.shadow_price) == (0, 0, 0)
    plan = plan_response(campaign, 1.5)
    assert (plan.objective, plan.shadow_price) == (2, pytest.approx(1))
    with pytest.raises(BudgetError, match="at most 3, .*, got 3.1"):
        plan_response(campaign, 3.1)


def risky(seed=0, n_clusters=20, n_individuals=2000):
    response, cost, sizes = random_programme(seed, n_clusters, 3, n_individuals)
    rng = np.random.default_rng(seed)
    errors = CostErrors(
        (0.1 * cost) ** 2, np.array([0.0, 0.1, 0.3]), 0.1 * rng.normal(size=(*cost.shape, 1))
    )
    return campaign_of(response, cost, sizes, errors=errors)


def test_several_budgets():
    campaign = risky()
    low, high = (between(campaign.cost, campaign.sizes, share) for share in (0.3, 0.7))
    budgets, weights = np.array([low, high]), np.array([0.25, 0.75])
    for chances, expected in ((None, (low + high) / 2), (weights, 0.25 * low + 0.75 * high)):
        several, one = plan_budget(campaign, budgets, chances), plan_budget(campaign, expected)
        np.testing.assert_array_equal(several.counts, one.counts)
    robust = campaign._replace(risk="robust")
    several, one = plan_budget(robust, budgets, weights), plan_budget(robust, low)
    np.testing.assert_array_equal(several.counts, one.counts)
    assert several.gap <= 5e-4
    for risk in ("chance", "cvar"):
        some = plan_budget(campaign._replace(risk=risk), budgets, weights)
        assert several.cost < some.cost < 2000 * high


@pytest.mark.parametrize("risk", ["chance", "cvar", "robust"])
def test_risk_keeps_a_reserve(risk):
    campaign = risky()
    budget = between(campaign.cost, campaign.sizes, 0.5)
    plain = plan_budget(campaign, budget)
    plan = plan_budget(campaign._replace(risk=risk), budget)
    flat = plan.counts.ravel()
    deviation = np.sqrt(flat @ dense_covariance(campaign.errors) @ flat)
    kept = 2000 * budget - plan.cost
    reserve = risk_factor(risk, 0.9, campaign.errors.n_shared) * deviation
    # To within one individual.
    assert reserve * (1 - 1e-9) <= kept <= reserve + np.ptp(campaign.cost, axis=1).max()
    assert plan.response < plain.response
    assert plan.shadow_price > 0
    # Errors of size zero change nothing.
    sure = campaign._replace(
        risk=risk, errors=CostErrors(*(np.zeros_like(part) for part in campaign.errors))
    )
    again = plan_budget(sure, budget)
    stake = campaign.sizes @ np.ptp(campaign.response, axis=1)
    assert again.response == pytest.approx(plain.response, abs=1e-9 * stake)
    assert again.shadow_price == pytest.approx(plain.shadow_price, rel=1e-3)


def refused(kind, match, ask, *arguments):
    with pytest.raises(BudgetError, match=match) as error:
        ask(*arguments)
    assert type(error.value) is kind
    return str(error.value)


@pytest.mark.parametrize("risk", ["mean", "chance", "cvar", "robust"])
def test_errors_say_what_is_needed(risk, capfd):
    campaign = risky(0, 8, 2000)._replace(risk=risk)
    cheapest = cheapest_budget(campaign._replace(risk="mean"))
    said = refused(BudgetError, "budget is expected to be at least", plan_budget, campaign, 0.01)
    needed = float(re.search(r"at least (-?[\d.e+-]+\d)", said).group(1))
    assert needed >= cheapest * (1 - 1e-12)
    # In spite of errors, a figure has four digits.
    digits = 1e-5 if risk == "mean" else 1e-3
    assert needed <= cheapest_budget(campaign) * (1 + digits)
    plan_budget(campaign, needed * (1 + 1e-12))
    ruled = with_rules_of(campaign, MinShare("call", 0.5))
    enough = 1.01 * cheapest_budget(campaign)
    said = refused(RuleConflictError, "budget .*MinShare of call", plan_budget, ruled, enough)
    needed = float(re.search(r"budget at least (-?[\d.e+-]+\d)", said).group(1))
    assert needed <= cheapest_budget(ruled) * (1 + digits)
    # Whole numbers cost a little more than the fractions that the figure is from.
    plan_budget(ruled, needed * (1 + 1e-3))
    alone = refused(BudgetError, "^budget is expected", plan_budget, ruled, 0.01)
    told = float(re.search(r"at least (-?[\d.e+-]+\d)", alone).group(1))
    assert told <= cheapest_budget(ruled) * (1 + digits)
    if risk == "mean":
        share = float(re.search(r"MinShare of call at most ([\d.e+-]+\d)", said).group(1))
        plan_budget(with_rules_of(campaign, MinShare("call", share - 1e-3)), enough)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("risk", ["mean", "chance", "cvar", "robust"])
def test_a_total_is_told_as_a_total(risk):
    campaign = risky(0, 8, 2000)._replace(risk=risk)
    ruled = with_rules_of(campaign, MinShare("call", 0.5))
    enough = 1.01 * cheapest_budget(campaign)
    of_mean = refused(RuleConflictError, "budget", plan_budget, ruled, enough)
    needed = float(re.search(r"takes budget at least (\S+) or", of_mean).group(1))
    with pytest.raises(RuleConflictError, match=r"^total_budget \(.*\), MinShare of") as error:
        plan_budget(ruled, enough, total=2000 * enough)
    told = re.search(r"^\S+ \((\S+)\).*takes total_budget at least (\S+) or", str(error.value))
    assert float(told.group(1)) == pytest.approx(2000 * enough, rel=1e-4)
    assert float(told.group(2)) == pytest.approx(
        2000 * needed, rel=2e-5 if risk == "mean" else 2e-3
    )
    with pytest.raises(BudgetError, match=r"^total_budget is expected to be at least .* got 20\.$"):
        plan_budget(ruled, 0.01, total=20)


def test_conflicts_that_do_not_need_the_budget(capfd):
    campaign = risky()
    ruled = with_rules_of(campaign, MinShare("none", 0.6), MinShare("call", 0.6))
    for risk in ("mean", "cvar"):
        risky_too = ruled._replace(risk=risk)
        said = refused(RuleConflictError, "MinShare of none", plan_budget, risky_too, 1e3)
        assert "MinShare of call" in said
        assert "budget" not in said
    refused(RuleConflictError, "MinShare of none.*MinShare of call", plan_without_budget, ruled)
    said = refused(RuleConflictError, "MinShare of none", plan_response, ruled, -1e3)
    assert "target_response" not in said
    ruled = with_rules_of(campaign, MinShare("none", 0.6))
    refused(BudgetError, "target_response", plan_response, ruled, 9)
    assert capfd.readouterr() == ("", "")


def test_fractions_alone():
    rules = [MinShare("mail", 0.5), MaxShare("mail", 0.5)]
    costs = np.array([[0.0, 1.0, 2.0], [0.0, 3.0, 1.0]])
    campaign = campaign_of(costs, costs, np.array([2, 2]), rules, split=False)
    # Whole clusters of three cannot be halved; of two they can.
    assert plan_budget(campaign, 9.0).counts[:, 1].sum() == 2
    sizes = np.array([1, 3])
    campaign = campaign._replace(sizes=sizes, blocks=whole_clusters(sizes, divisible=False))
    refused(RuleConflictError, "only fractions keep all of them", plan_budget, campaign, 9.0)


def test_rule_without_constraints():
    campaign = campaign_of(
        *(np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 1.0, 2.0]]), np.array([4])), [Monotone([0])]
    )
    plan = plan_without_budget(campaign)
    assert plan.counts.tolist() == [[0, 0, 4]]
    assert plan.shadow_price == 0


def test_programme_that_crashed_the_solver():
    """Preprocessing made CBC end the whole process."""
    change = [
        [2 / 11, 7 / 11, -1, -3 / 11],
        [0.75, 0.75, 1, 0],
        [0, 0.75, 0, -1],
        [-1, 0, 1, 1],
        [0, 1, 0, 1],
    ]
    left = np.array([-23 / 11 - 2e-6, 3.125, 0.125, 2.5, 5.5])
    harm = np.array([10, 10, -55, 35]) * (1000 / 31)
    cluster, most = np.array([0, 0, 1, 1]), np.array([4, 4, 3, 3])
    rows = csr_array(change), left
    moves, _ = ask_solver(harm, most, cluster, most, rows, None, 5e-4, 10.0)
    assert moves is None or np.all(change @ moves <= left + 3e-6)


@settings(thorough, max_examples=20)
@given(campaigns(), st.booleans())
def test_cheapest_budget(drawn, with_rules):
    campaign, every, keeps, _ = drawn
    if not with_rules:
        campaign, keeps = campaign._replace(requirements=[]), np.ones(len(every), dtype=bool)
    if not keeps.any():
        with pytest.raises(BudgetError):
            cheapest_budget(campaign)
        return
    _, cost = totals(campaign, every)
    budget = cheapest_budget(campaign)
    assert budget * campaign.sizes.sum() == pytest.approx(cost[keeps].min())
    assert plan_budget(campaign, budget).cost == pytest.approx(cost[keeps].min())
    with pytest.raises(BudgetError):
        plan_budget(campaign, budget - 1e-6 * max(abs(budget), 1.0))


@pytest.mark.parametrize("with_rules", [True, False])
@pytest.mark.parametrize("risk", ["mean", "chance", "cvar", "robust"])
@both_modes
def test_cheapest_budget_of_many(risk, with_rules, split):
    campaign = risky(0, 10, 500)._replace(risk=risk)
    campaign = campaign._replace(blocks=whole_clusters(campaign.sizes, divisible=split))
    if with_rules:
        campaign = with_rules_of(campaign, MinShare("mail", 0.1), MinShare("call", 0.1))
    budget = cheapest_budget(campaign)
    plan = plan_budget(campaign, budget)
    assert plan.cost <= 500 * budget * (1 + 1e-9)
    if risk == "mean":
        with pytest.raises(BudgetError):
            plan_budget(campaign, budget * (1 - 1e-6))


def test_chance_of_several_budgets():
    """The rule is not convex: the last arm breaks it, but must not take the second one along."""
    factors = np.array([[[0.0], [0.1], [1.0]]])
    cost, response = np.array([[0.0, 1.83, 0.7]]), np.array([[0.0, 1.25, 1.3]])
    errors = CostErrors(np.zeros((1, 3)), np.zeros(3), factors)
    campaign = campaign_of(response, cost, np.array([100]), split=False, errors=errors)
    campaign = campaign._replace(risk="chance", risk_level=0.9)
    plan = plan_budget(campaign, np.array([1.0, 2.0]), np.array([0.05, 0.95]))
    assert plan.counts.tolist() == [[0, 100, 0]]
    assert plan.bound >= plan.objective
    with pytest.raises(BudgetError):
        plan_budget(campaign, np.array([-1.0, 2.0]), np.array([0.3, 0.7]))
