"""What the plans of a folder are: by hand, beside the allocator, and in folders of format 1.0."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("pandas")
pytest.importorskip("skrub")

import pandas as pd
from helpers.served_policies import number_policy

from sklearn_hrc.export import export_policy
from sklearn_hrc.serving import PolicyFolderError, ServedPolicy, load
from sklearn_hrc.serving._manifest import parse_manifest, version_of

BUDGETS = [0.1, 0.2, 0.5]


def plan_of(budget, cost, response, price, arms, shares):
    figures = {"budget": budget, "cost": cost, "response": response, "shadow_price": price}
    return {**figures, "arm_shares": shares, "first": arms, "cuts": []}


def content_by_hand(**changes):
    """Two clusters of equal size and an offer of which a quarter of the experiment had one."""
    content = {
        "format_version": [1, 1],
        "treatments": ["none", "offer"],
        "control": 0,
        "propensity": [0.75, 0.25],
        "features": [],
        "cluster_shares": [0.5, 0.5],
        "value": [[1.0, 2.0], [1.0, 5.0]],
        "response": [[1.0, 2.0], [1.0, 5.0]],
        "cost": [[0.0, 2.0], [0.0, 4.0]],
        "plans": [
            plan_of(0.0, 0.0, 1.0, 1.0, [0, 0], [1.0, 0.0]),
            plan_of(2.5, 2.0, 3.0, 0.5, [0, 1], [0.5, 0.5]),
        ],
        "plan_in_use": 0,
    }
    content |= changes
    return content | {"policy_version": version_of(content)}


def served(content, **params):
    """A policy that can tell what its plans are, and decides for nobody."""
    return ServedPolicy(parse_manifest(content), None, **params)


def test_columns_by_hand():
    table = served(content_by_hand()).budget_table()
    assert {name: column.tolist() for name, column in table.items()} == {
        "budget": [0.0, 2.5],
        "expected_cost": [0.0, 2.0],
        "expected_response": [1.0, 3.0],
        "shadow_price": [1.0, 0.5],
        "share of none": [1.0, 0.5],
        "share of offer": [0.0, 0.5],
    }
    assert pd.DataFrame(table).loc[1, "expected_response"] == 3.0


def test_random_decisions_cost_and_bring_what_the_shares_of_the_experiment_do():
    policy = served(content_by_hand(), exploration=0.2)
    table = policy.budget_table()
    # By chance a quarter gets the offer: it costs (2 + 4) / 2 / 4 = 0.75, and brings 1.625 in all.
    expected = {
        "budget": [0.15, 2.15],
        "expected_cost": [0.15, 1.75],
        "expected_response": [1.125, 2.725],
        "shadow_price": [1.0, 0.5],
        "share of none": [0.95, 0.55],
        "share of offer": [0.05, 0.45],
    }
    assert list(table) == list(expected)
    for name, column in expected.items():
        assert table[name] == pytest.approx(column)
    for budget, cost in zip(table["budget"], table["expected_cost"]):
        assert policy.set_budget(budget) == cost
        assert policy.budget_with_exploration == budget


def test_folder_without_shares_says_that_it_does_not_know_them():
    content = content_by_hand(format_version=[1, 0])
    for plan in content["plans"]:
        del plan["arm_shares"]
    content["policy_version"] = version_of(content)
    table = served(content).budget_table()
    assert table["expected_response"].tolist() == [1.0, 3.0]
    assert np.isnan([table["share of none"], table["share of offer"]]).all()


@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.6], [1.5, -0.5], [None, 1.0], "none", None])
def test_shares_that_cannot_be_are_refused(shares):
    plan = plan_of(0.0, 0.0, 1.0, 1.0, [0, 0], shares)
    with pytest.raises(PolicyFolderError, match=r"policy\.json is expected to be as export_policy"):
        served(content_by_hand(plans=[plan]))


def test_shares_of_format_1_1_and_the_response_have_to_be_there():
    plan = plan_of(0.0, 0.0, 1.0, 1.0, [0, 0], [1.0, 0.0])
    del plan["arm_shares"]
    with pytest.raises(PolicyFolderError, match="KeyError: 'arm_shares'"):
        served(content_by_hand(plans=[plan]))
    with pytest.raises(PolicyFolderError, match="value, cost and response"):
        served(content_by_hand(response=[[1.0, 2.0]]))


def test_budgets_that_were_chosen_are_those_of_the_allocator(tmp_path):
    policy, X = number_policy("linear")
    table = load(export_policy(policy, tmp_path / "policy", X, budgets=BUDGETS)).budget_table()
    assert table["budget"].tolist() == [0.1, 0.2, 0.3, 0.5]  # 0.3 is in use
    allocator = policy.allocator_
    for place, budget in enumerate(table["budget"]):
        allocator.set_budget(budget)
        assert table["expected_cost"][place] == pytest.approx(allocator.expected_cost_)
        assert table["expected_response"][place] == pytest.approx(allocator.expected_response_)
        assert table["shadow_price"][place] == pytest.approx(allocator.shadow_price_)
        counts = allocator.allocation_.sum(axis=0)
        for label, count in zip(allocator.treatments_, counts):
            assert table[f"share of {label}"][place] == pytest.approx(count / 600)
