"""What is wrong with the last step of a pipeline is said before the first one is trained."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)

PRICES = {"none": 0.0, "mail": 0.1, "letter": 0.8}
MISTAKES = [
    ({}, "control is expected to name the control"),
    ({"control": "non"}, "control is expected to be one of"),
    ({"control": "none", "max_share": {"leter": 0.1}}, "max_share"),
    ({"control": "none", "min_share": [0.1, 0.1, 0.1]}, "min_share"),
    ({"control": "none", "forbidden_arms": {3: "leter"}}, "forbidden_arms"),
    ({"control": "none", "arm_cost": {"none": 0.0, "mail": 0.1}}, "arm_cost"),
    ({"control": "none", "arm_cost": None}, "cost .* or arm_cost"),
    ({"control": "none", "objective": "salse"}, "objective"),
    ({"control": "none", "min_outcomes": {"salse": 1.0}}, "min_outcomes"),
    ({"control": "none", "budget": [0.1, np.nan]}, "budget"),
    ({"control": "none", "risk_level": 2.0}, "risk_level"),
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
