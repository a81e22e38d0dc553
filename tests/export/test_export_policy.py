"""A policy as a folder decides as the policy does, and says what it cannot hold."""

import json

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, PowerTransformer, RobustScaler, StandardScaler

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("pandas")
pytest.importorskip("skrub")

import pandas as pd
from helpers.served_policies import (
    ARMS,
    STUDENTS,
    distil,
    mixed_policy,
    number_policy,
    number_rows,
    outcome_of,
    table_policy,
    table_rows,
)

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator, HiddenClusterer
from sklearn_hrc.export import export_policy
from sklearn_hrc.rules import MaxShare
from sklearn_hrc.serving import load
from sklearn_hrc.tables._table_steps import table_steps


def columns_of(X):
    return {name: X[name].to_numpy() for name in X.columns}


@pytest.mark.parametrize(
    ("student", "dtype"),
    [*((name, np.float64) for name in (*STUDENTS, None)), ("network", np.float32)],
)
def test_decides_as_the_policy_on_rows_that_it_has_not_seen(student, dtype, tmp_path):
    policy, X = number_policy(student, dtype)
    served = load(export_policy(policy, tmp_path / "policy", X))
    new = number_rows(5_000, seed=7, dtype=dtype)
    assert (served.decide(new).treatment != policy.predict(new)).mean() <= 1e-3
    assert len(np.unique(served.decide(new).treatment)) > 1


@pytest.mark.parametrize("make", [mixed_policy, table_policy])
def test_tables_decide_as_the_policy_with_gaps_and_new_categories(make, tmp_path):
    policy, X = make()
    served = load(export_policy(policy, tmp_path / "policy", X))
    new = table_rows(3_000, seed=5)[list(X.columns)]
    new.loc[::7, "country"] = "never seen"
    new.loc[::11, "age"] = np.nan
    assert (served.decide(columns_of(new)).treatment == policy.predict(new)).all()
    kinds = {feature.name: feature.kind for feature in served.features}
    assert kinds["country"] == "category"
    assert kinds["age"] == "number"


def test_ids_that_a_policy_leaves_out_are_not_asked_for(tmp_path):
    X = table_rows().assign(customer_id=[f"customer {place}" for place in range(600)])
    steps = [step for _, step in table_steps(())]
    with pytest.warns(UserWarning, match="'customer_id' look"):
        policy = distil(*steps, X=X, size=X["spend"], student=LogisticRegression())
    served = load(export_policy(policy, tmp_path / "policy", X))
    assert [feature.name for feature in served.features] == list(table_rows().columns)
    assert (served.decide(X).treatment == policy.predict(X)).all()


def test_each_budget_of_the_folder_decides_as_the_policy_at_it(tmp_path):
    policy, X = number_policy("linear")
    served = load(export_policy(policy, tmp_path / "policy", X, budgets=[0.1, 0.25, 0.5]))
    assert served.budgets == [0.1, 0.25, 0.3, 0.5]
    assert (served.decide(X).treatment == policy.predict(X)).all()
    for budget, arms in zip(served.budgets, policy.predict_budgets(X, served.budgets)):
        assert served.set_budget(budget) <= budget
        assert (served.decide(X).treatment == arms).all()


def test_every_row_alone_gets_what_it_gets_in_a_batch(tmp_path):
    policy, X = mixed_policy()
    served = load(export_policy(policy, tmp_path / "policy", X))
    rows = X.astype(object).where(X.notna(), None).to_dict("records")
    alone = [served.decide_one(row) for row in rows]
    together = served.decide(rows)
    assert [decision.treatment for decision in alone] == together.treatment.tolist()
    assert [decision.cluster for decision in alone] == together.cluster.tolist()


@pytest.mark.parametrize(
    "scaler", [RobustScaler(), MaxAbsScaler(), FrozenEstimator(StandardScaler().fit(number_rows()))]
)
def test_scalers_of_every_kind(scaler, tmp_path):
    X = number_rows()
    policy = distil(scaler, X=X, size=X[:, 0], student=LogisticRegression())
    served = load(export_policy(policy, tmp_path / "policy", X))
    assert (served.decide(X).treatment == policy.predict(X)).all()


def test_one_cluster_is_a_policy_as_well(tmp_path):
    X = number_rows()
    policy = distil(StandardScaler(), X=X, size=X[:, 0], student=None, n_clusters=1)
    served = load(export_policy(policy, tmp_path / "policy", X))
    assert (served.decide(X).treatment == policy.predict(X)).all()
    assert len(np.unique(served.decide(X).treatment)) > 1


def test_pipeline_around_a_distilled_policy(tmp_path):
    X = pd.DataFrame(number_rows(), columns=list("abcd"))
    scaler = StandardScaler().set_output(transform="pandas").fit(X)
    inner = distil(X=scaler.transform(X), size=X["a"], student=LogisticRegression())
    policy = make_pipeline(scaler, inner)
    served = load(export_policy(policy, tmp_path / "policy", X))
    assert [feature.name for feature in served.features] == list("abcd")
    shuffled = {name: X[name].to_numpy() for name in "dbca"}
    assert (served.decide(shuffled).treatment == policy.predict(X)).all()


def test_rules_hold_in_every_plan(tmp_path):
    policy, X = number_policy("linear", rules=[MaxShare("5 off", 0.1)])
    served = load(export_policy(policy, tmp_path / "policy", X, budgets=np.linspace(0.05, 0.8, 5)))
    for budget in served.budgets:
        served.set_budget(budget)
        assert (served.decide(X).treatment == "5 off").mean() <= 0.1


def test_same_policy_gives_the_same_folder(tmp_path):
    policy, X = number_policy("linear")
    folders = [export_policy(policy, tmp_path / name, X) for name in ("first", "second")]
    for name in ("model.onnx", "policy.json", "vectors.json"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_stored_rows_are_those_of_nobody(tmp_path):
    policy, X = number_policy("linear")
    vectors = json.loads((export_policy(policy, tmp_path / "p", X) / "vectors.json").read_text())
    people = set(map(tuple, X.tolist()))
    stored = [tuple(vector["row"].values()) for vector in vectors]
    assert len(stored) == 1_000
    assert not people & set(stored)
    assert {row[0] for row in stored} <= {person[0] for person in people}


def test_older_policy_is_replaced_and_other_folders_are_not(tmp_path):
    policy, X = number_policy("linear")
    folder = export_policy(policy, tmp_path / "policy", X)
    before = load(folder).budgets
    assert load(export_policy(policy, folder, X, budgets=[0.3])).budgets != before
    foreign = tmp_path / "photos"
    foreign.mkdir()
    (foreign / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(FileExistsError, match=r"folder is expected to be new, empty .*photos"):
        export_policy(policy, foreign, X)
    with pytest.raises(FileNotFoundError, match="folder is expected to be in a folder"):
        export_policy(policy, tmp_path / "nowhere" / "policy", X)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["photos", "policy"]
    assert [entry.name for entry in foreign.iterdir()] == ["cat.jpg"]


def test_what_a_graph_cannot_hold_is_one_sentence(tmp_path):
    X = number_rows()
    step = distil(PowerTransformer(), X=X, size=X[:, 0], student=LogisticRegression())
    with pytest.raises(TypeError, match=r"preprocessing that a graph can hold .* PowerTransformer"):
        export_policy(step, tmp_path / "policy", X)
    forest = RandomForestClassifier(3, random_state=0)
    student = distil(StandardScaler(), X=X, size=X[:, 0], student=forest)
    with pytest.raises(TypeError, match=r"student that a graph can hold .* RandomForestClassifier"):
        export_policy(student, tmp_path / "policy", X)
    with pytest.raises(ValueError, match="policy is expected to end in a DistilledAllocator"):
        export_policy(student.teacher_, tmp_path / "policy", X)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("unit", ["D", "ns"])
def test_arms_that_json_cannot_hold_are_one_sentence(unit, tmp_path):
    days = np.array(["2026-01-01", "2026-02-01", "2026-03-01"], dtype=f"datetime64[{unit}]")
    X = number_rows()
    y, rows = outcome_of(X[:, 0])
    arms = days[np.argmax(rows["treatment"][:, None] == ARMS, axis=1)]
    # A control in nanoseconds is looked for as a number.
    control = days.tolist()[2] if unit == "ns" else days[2]
    teacher = make_pipeline(
        HiddenClusterer(n_clusters=2, outcomes=False, random_state=0),
        ClusterBudgetAllocator(0.3, control=control, estimation="pooled", random_state=0),
    )
    policy = DistilledAllocator(teacher, student=LogisticRegression(), random_state=0)
    policy.fit(X, y, treatment=arms, cost=rows["cost"])
    message = r"labelled by text, whole numbers, numbers or booleans .* got .*2026-01-01"
    with pytest.raises(TypeError, match=message):
        export_policy(policy, tmp_path / "policy", X)
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_after_an_error_in_mid_work(tmp_path, monkeypatch):
    policy, X = number_policy("linear")
    folder = export_policy(policy, tmp_path / "policy", X)
    before = {entry.name: entry.read_bytes() for entry in folder.iterdir()}

    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("sklearn_hrc.export._export_policy._vectors", fail)
    with pytest.raises(KeyboardInterrupt):
        export_policy(policy, folder, X, budgets=[0.2])
    assert {entry.name: entry.read_bytes() for entry in folder.iterdir()} == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["policy"]
