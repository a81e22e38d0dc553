"""Decisions, their log and their outcomes are the next experiment."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("pandas")

from helpers.served_policies import ARMS, table_rows
from sklearn.base import clone

from sklearn_hrc.metrics import policy_value
from sklearn_hrc.serving import DecisionLog, load, read_log

SERVING = Path(__file__).resolve().parents[2] / "examples" / "serving"
RECORDS = [
    {"decision_id": "a", "context": {"x": 1.0}, "action": "none", "pscore": 0.1},
    {"decision_id": "b", "context": {"x": 2.0}, "action": "mail", "pscore": 0.9},
    {"decision_id": "a", "context": {"x": 3.0}, "action": "mail", "pscore": 0.5},
]


@pytest.fixture
def experiment_of(monkeypatch):
    monkeypatch.syspath_prepend(str(SERVING))
    import experiment

    return experiment.experiment_of


def test_the_last_decision_of_an_id_gets_its_outcome(experiment_of):
    joined = experiment_of(RECORDS, {"a": (5.0, 2.0)}, without=(0.0, 0.5))
    assert joined.X["x"].tolist() == [3.0, 2.0]
    assert (joined.y.tolist(), joined.cost.tolist()) == ([5.0, 0.0], [2.0, 0.5])
    assert joined.treatment.tolist() == ["mail", "mail"]
    assert joined.propensity.tolist() == [0.5, 0.9]


def test_a_decision_without_an_outcome_is_not_guessed(experiment_of):
    with pytest.raises(ValueError, match="got none for 'b' and 0 others; give without="):
        experiment_of(RECORDS, {"a": (5.0, 2.0)})
    with pytest.raises(ValueError, match="a decision at least"):
        experiment_of([], {})


def test_who_might_get_what_is_a_mask_of_the_arms_asked_for(experiment_of):
    records = [RECORDS[1] | {"eligible": ["mail", "call"]}, RECORDS[2]]
    joined = experiment_of(records, {}, without=(0.0, 0.0), treatments=["none", "mail"])
    assert joined.eligible.tolist() == [[False, True], [True, True]]
    assert experiment_of(RECORDS, {}, without=(0.0, 0.0)).eligible is None
    with pytest.raises(ValueError, match="where 'b' and 0 others might not get every arm; give tr"):
        experiment_of(records, {}, without=(0.0, 0.0))


def true_response(arms, X):
    """Expected responses in the world of `outcome_of`."""
    strength = np.array([1.0, 2.0, 0.0])[[ARMS.tolist().index(arm) for arm in arms]]
    return 3 + strength * (X["spend"] > X["spend"].median()).to_numpy(), strength


def test_the_circle_is_closed(experiment_of, mixed, exported, tmp_path):
    policy, X = mixed[0], table_rows(2000, seed=5)[list(mixed[1])]
    rows = X.astype(object).where(X.notna(), None).to_dict("records")
    ids = [f"visit-{place}" for place in range(len(rows))]
    served = load(exported["first"], exploration=0.1, random_state=0)
    with DecisionLog(tmp_path / "decisions.log") as log:
        log.write_many(ids, rows, served.decide(rows))
    records = read_log(tmp_path / "decisions.log").records
    mean, strength = true_response([record["action"] for record in records], X)
    y = mean + np.random.default_rng(1).normal(size=len(X))
    joined = experiment_of(records, dict(zip(ids, zip(y, strength / 2))))

    assert joined.X.equals(X.reset_index(drop=True)[list(joined.X)])
    given = {"treatment": joined.treatment, "propensity": joined.propensity, "cost": joined.cost}
    planned = load(exported["first"]).decide(rows).treatment
    for arms in (planned, np.full(len(X), "none")):
        value = policy_value(arms, joined.y, **given)
        assert abs(value.response - true_response(arms, X)[0].mean()) < 4 * value.response_se
    again = clone(policy).fit(joined.X[list(X)], joined.y, **given)
    # Those whom an arm helps are found again: the next policy gains over giving nothing.
    assert true_response(again.predict(X), X)[0].mean() > 3.1


def test_a_policy_that_keeps_to_who_was_eligible_is_valued_right(experiment_of, exported, tmp_path):
    X = table_rows(2000, seed=6)[["country", "age", "plan", "spend"]]
    rows = X.astype(object).where(X.notna(), None).to_dict("records")
    ids = [f"visit-{place}" for place in range(len(rows))]
    # Most of those whom the dearest arm helps may not get it.
    barred = (X["spend"] > X["spend"].median()).to_numpy() & (np.arange(len(X)) % 4 > 0)
    served = load(exported["first"], exploration=0.5, random_state=0)
    with DecisionLog(tmp_path / "decisions.log") as log:
        log.write_many(ids, rows, served.decide(rows, eligible={ARMS[1]: ~barred}))
    records = read_log(tmp_path / "decisions.log").records
    mean, strength = true_response([record["action"] for record in records], X)
    y = mean + np.random.default_rng(2).normal(size=len(X))
    outcomes = dict(zip(ids, zip(y, strength / 2)))
    another = load(exported["second"])
    joined = experiment_of(records, outcomes, treatments=another.treatments)
    assert (joined.eligible[:, another.treatments.index(ARMS[1])] == ~barred).all()

    given = {"treatment": joined.treatment, "propensity": joined.propensity, "cost": joined.cost}
    kept = another.decide(joined.X, eligible=joined.eligible).treatment
    dearest = np.where(barred, ARMS[0], ARMS[1])
    for arms in (kept, dearest):
        with pytest.warns(UserWarning, match="some rows could never get this arm"):
            value = policy_value(arms, joined.y, **given)
        assert abs(value.response - true_response(arms, X)[0].mean()) < 4 * value.response_se
    # The dearest arm for all is beyond what these rows tell.
    with pytest.warns(UserWarning, match="some rows could never get this arm"):
        value = policy_value(np.full(len(X), ARMS[1]), joined.y, **given)
    truth = true_response([ARMS[1]] * len(X), X)[0].mean()
    assert value.response < truth - 4 * value.response_se
