"""Fitted policies of several kinds load with the types that are trusted, and decide as before."""

from importlib import import_module

import numpy as np
import pytest
import sklearn
from helpers.command_cases import campaign

from sklearn_hrc._commands.policy_folder import _load
from sklearn_hrc._commands.trusted import EVALUATION_TYPES, POLICY_TYPES
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.goals import LeastCost, Profit
from sklearn_hrc.planning import plan_list
from sklearn_hrc.rules import (
    MaxIndividuals,
    MaxShare,
    MaxSpend,
    MinOutcome,
    MinReturn,
    MinShare,
)
from sklearn_hrc.tables import make_policy, rows_of

RULES = [
    MaxShare("5 off", 0.9),
    MinShare(["none", "5 off"], 0.01),
    MaxIndividuals("5 off", 390),
    MaxSpend("5 off", 1.9),
    MinOutcome("orders", 0.01),
    MinReturn(-50.0),
]
KINDS = {
    "rules": {"rules": RULES, "budget": 0.5},
    "risk": {"budget": UncertainBudget([0.4, 0.6], weights=[1, 2]), "risk": "cvar"},
    "profit": {"goal": Profit(2.0)},
    "least cost": {"goal": LeastCost(5.0)},
    "whole clusters": {"split_clusters": False, "budget": 0.5, "n_clusters": 8},
    "pooled": {"estimation": "pooled", "budget": 0.1},
    "cell means": {"estimation": "raw", "budget": 0.1, "arm_cost": [0.5, 0.25, 0.0]},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_policy_decides_as_before(kind, tmp_path):
    import skops.io

    parameters = dict(KINDS[kind])
    frame = campaign(300, 3).drop(columns="id")
    if "arm_cost" in parameters:
        labels = sorted(frame["arm"].unique())
        parameters["arm_cost"] = dict(zip(labels, parameters["arm_cost"]))
    rows = rows_of(frame, outcome=["gmv", "orders"], treatment="arm", cost="paid", groups="house")
    with sklearn.config_context(enable_metadata_routing=True):
        policy = make_policy(control="none", random_state=0, **parameters)
        policy.set_params(represent__max_epochs=1).fit(rows.X, rows.y, **rows.metadata)
    skops.io.dump(policy, tmp_path / "policy.skops")
    loaded = _load(tmp_path, "policy.skops")
    people = campaign(90, 4)
    np.testing.assert_array_equal(loaded.predict(people), policy.predict(people))
    before, after = (plan_list(one, people, budget=0.7) for one in (policy, loaded))
    np.testing.assert_array_equal(after.arms, before.arms)
    np.testing.assert_array_equal(after.response, before.response)
    np.testing.assert_array_equal(after.cost_se, before.cost_se)


def test_trusted_types_are_where_their_names_say():
    for name in [*POLICY_TYPES, *EVALUATION_TYPES]:
        module, _, kind = name.rpartition(".")
        assert callable(getattr(import_module(module), kind)), name
