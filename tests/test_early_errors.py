"""What is wrong with the last step of a pipeline is said before the first one is trained."""

import re

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.cluster import KMeans
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.rules import Forbid, MaxShare, MaxSpend, MinOutcome, Monotone

PRICES = {"none": 0.0, "mail": 0.1, "letter": 0.8}
MISTAKES = [
    ({}, "control is expected to name the control"),
    ({"control": "non"}, "control is expected to be one of"),
    ({"control": "none", "rules": [MaxShare("leter", 0.1)]}, "MaxShare .*'leter'"),
    ({"control": "none", "rules": MaxShare("letter", 0.1)}, "rules is expected to be a list"),
    ({"control": "none", "rules": "x"}, "rules is expected to be a list"),
    ({"control": "none", "rules": [1]}, "rules is expected to be a list"),
    ({"control": "none", "rules": [MaxSpend("leter", 0.1)]}, "MaxSpend .*'leter'"),
    ({"control": "none", "rules": [MinOutcome("salse", 1.0)]}, "MinOutcome .*'salse'"),
    ({"control": "none", "rules": [Forbid("letter", where="age < 18")]}, "plan_list"),
    ({"control": "none", "goal": 12.0}, "goal"),
    ({"control": "none", "arm_cost": {"none": 0.0, "mail": 0.1}}, "arm_cost"),
    ({"control": "none", "arm_cost": None}, "cost .* or arm_cost"),
    ({"control": "none", "objective": "salse"}, "objective"),
    ({"control": "none", "budget": [0.1, 0.2]}, "budget .* UncertainBudget"),
    ({"control": "none", "risk_level": 2.0}, "risk_level"),
]
ON_CLUSTERS = [
    Forbid("letter", clusters=3),
    Forbid(["mail", "letter"], clusters=[0, 1]),
    Monotone([0, 1, 2]),
]


class Untrained(MultiTaskRepresenter):
    """A representer that must not be reached."""

    def fit(self, X, y, **rows):
        raise AssertionError("The representer was fitted.")


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    treatment = rng.choice(list(PRICES), 200)
    y = pd.DataFrame({"sales": rng.normal(size=200), "orders": rng.normal(size=200)})
    return rng.normal(size=(200, 3)), y, treatment


def policy_of(parameters):
    parameters = {"budget": 0.1, "arm_cost": PRICES} | parameters
    return make_pipeline(
        StandardScaler(), Untrained(), HiddenClusterer(4), ClusterBudgetAllocator(**parameters)
    )


@pytest.mark.parametrize(("parameters", "message"), MISTAKES)
def test_pipeline_says_it_first(rows, parameters, message):
    X, y, treatment = rows
    policy = policy_of(parameters)
    with pytest.raises(ValueError, match=message):
        policy.fit(X, y, treatment=treatment)
    with pytest.raises(ValueError, match=message):
        DistilledAllocator(policy).fit(X, y, treatment=treatment)


@pytest.mark.parametrize("rule", ON_CLUSTERS, ids=repr)
def test_clusters_that_a_step_makes_have_no_names(rows, rule):
    """Their labels change with every fit: a rule on them would hold for anybody."""
    X, y, treatment = rows
    arms = pd.Series(pd.Categorical(treatment, list(PRICES), ordered=True))
    policy = policy_of({"control": "none", "rules": [MaxShare("letter", 0.5), rule]})
    got = re.escape(f"got {rule!r}")
    match = rf"^rules is expected to speak of people where HiddenClusterer makes .*{got}"
    with pytest.raises(ValueError, match=match):
        policy.fit(X, y, treatment=arms)
    with pytest.raises(ValueError, match=match):
        DistilledAllocator(policy).fit(X, y, treatment=arms)
    with pytest.raises(ValueError, match=match):
        DistilledAllocator(make_pipeline(Untrained(), policy[2:])).fit(X, y, treatment=arms)
    # Clusters of any other maker are no better.
    policy.set_params(hiddenclusterer=KMeans(3))
    with pytest.raises(ValueError, match="where KMeans makes the clusters"):
        policy.fit(X, y, treatment=arms)


@pytest.mark.parametrize("nothing", ["passthrough", None])
def test_a_step_that_is_left_out_makes_no_clusters(rows, nothing):
    X, y, treatment = rows
    policy = policy_of({"control": "none", "rules": [Forbid("letter", clusters=3)]})
    policy.set_params(hiddenclusterer=nothing)
    with pytest.raises(AssertionError, match="was fitted"):
        policy.fit(X, y, treatment=treatment)


def test_a_search_refuses_rules_on_clusters_that_it_sets(rows):
    X, y, treatment = rows
    search = GridSearchCV(
        policy_of({"control": "none"}),
        {"clusterbudgetallocator__rules": [[Forbid("letter", clusters=3)]]},
        error_score="raise",
    )
    for policy in (search, DistilledAllocator(search)):
        with pytest.raises(ValueError, match="where HiddenClusterer makes the clusters"):
            policy.fit(X, y, treatment=treatment)


def test_segments_of_the_user_have_names(rows):
    X, y, treatment = rows
    segments = np.column_stack([np.arange(200) % 4, X])
    policy = make_pipeline(
        FunctionTransformer(),
        ClusterBudgetAllocator(
            0.1,
            control="none",
            arm_cost=PRICES,
            estimation="raw",
            rules=[Forbid(["mail", "letter"], clusters=3)],
        ),
    )
    arms = policy.fit(segments, y, treatment=treatment).predict(segments)
    assert set(arms[segments[:, 0] == 3]) == {"none"}
    assert set(arms) > {"none"}


def test_a_right_pipeline_goes_on_to_its_first_step(rows):
    X, y, treatment = rows
    with pytest.raises(AssertionError, match="was fitted"):
        policy_of({"control": "none"}).fit(X, y, treatment=treatment)


def test_a_search_judges_what_it_sets(rows):
    X, y, treatment = rows
    # The pipeline itself lacks a control, which the search sets.
    search = GridSearchCV(
        policy_of({}), {"clusterbudgetallocator__control": ["none"]}, error_score="raise"
    )
    with pytest.raises(AssertionError, match="was fitted"):
        search.fit(X, y, treatment=treatment)
    search.set_params(param_grid={"clusterbudgetallocator__control": ["non"]})
    with pytest.raises(ValueError, match="control is expected to be one of"):
        search.fit(X, y, treatment=treatment)


def test_an_allocator_in_a_search_is_judged_by_what_the_search_sets(rows):
    X, y, treatment = rows
    search = GridSearchCV(
        ClusterBudgetAllocator(arm_cost=PRICES, estimation="raw"), {"control": ["none"]}, cv=2
    )
    search.fit((X[:, :1] > 0).astype(float), y, treatment=treatment)
    assert search.best_estimator_.control_ == "none"


def test_metadata_under_names_of_their_own(rows):
    X, y, treatment = rows
    allocator = ClusterBudgetAllocator(0.1, control="non", estimation="raw")
    allocator.set_fit_request(treatment="arm", cost="bill")
    policy = make_pipeline(Untrained().set_fit_request(treatment="arm", cost="bill"), allocator)
    bill = np.ones(200)
    with pytest.raises(ValueError, match="control is expected to be one of"):
        policy.fit(X, y, arm=treatment, bill=bill)
    allocator.set_params(control="none")
    with pytest.raises(AssertionError, match="was fitted"):
        policy.fit(X, y, arm=treatment, bill=bill)
