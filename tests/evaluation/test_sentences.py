"""When differences of costs between people are said to save money."""

import dataclasses

import numpy as np
import pytest

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.evaluation import evaluate
from sklearn_hrc.evaluation._targeting import ALL_ARMS

COSTS_COUNT = "People do not measurably differ in what arms bring, but they do in what"


@pytest.fixture(scope="module")
def plain():
    """An evaluation of three arms whose costs differ by chance."""
    rng = np.random.default_rng(0)
    arm, segment = np.arange(120) % 3, np.arange(120) // 3 % 2
    return evaluate(
        ClusterBudgetAllocator(0.5, control=0, estimation="raw"),
        segment[:, None],
        rng.normal(size=120),
        treatment=arm,
        cost=arm * rng.uniform(0.5, 1.5, 120),
        cv=2,
        budgets=[0.5],
        random_state=0,
    )


def changed(plain, *, better=(), given=(), policy_brings=-1.0, differ=(1,)):
    """The evaluation with other findings: arms are better, given, or have costs that differ."""
    arms, effects = type(plain.by_arm)(**plain.by_arm), type(plain.effects)(**plain.effects)
    rules = type(plain.rules)(**plain.rules)
    arms.update(
        gain=np.isin(arms.treatment, better) * 5.0,
        gain_se=np.ones(3),
        share=np.where(np.isin(arms.treatment, given), 0.5, 0.005),
    )
    effects.update(
        borne_out=(effects.outcome == "cost") & [label in differ for label in effects.treatment],
        slope=np.ones(len(effects.slope)),
        slope_se=np.full(len(effects.slope), 0.1),
    )
    rules.update(difference=np.zeros(3), difference_se=np.ones(3))
    return dataclasses.replace(
        plain,
        by_arm=arms,
        effects=effects,
        rules=rules,
        best_arm=plain.best_arm._replace(treatment=better[0] if better else 0, share=1.0),
        gain_interval=(policy_brings, policy_brings + 1.0),
    )


@pytest.mark.parametrize(
    "findings",
    [
        {"better": [1], "given": [0, 1]},
        {"given": [0, 1], "policy_brings": 0.1},
        {"better": [1, 2], "given": [0, 1, 2], "differ": [ALL_ARMS]},
    ],
)
def test_costs_count_for_arms_that_are_worth_giving(plain, findings):
    assert changed(plain, **findings).conclusion.startswith(COSTS_COUNT)


def test_no_arm_that_brings_anything_means_control_for_everybody(plain):
    # The policy gives the arm whose costs differ, but neither of them measurably brings anything.
    assert changed(plain, given=[0, 1]).conclusion == (
        "No arm measurably brings more than 0, and people do not measurably differ in what arms "
        "bring: give everybody 0."
    )


@pytest.mark.parametrize("differ", [[1], [ALL_ARMS], [1, ALL_ARMS]])
def test_nothing_is_said_of_an_arm_that_nobody_gets(plain, differ):
    found = changed(plain, better=[2, 1], given=[2], policy_brings=0.1, differ=differ)
    assert found.conclusion == "Arms differ, people do not measurably: give everybody 2."
