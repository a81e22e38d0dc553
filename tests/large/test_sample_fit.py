"""A policy is checked before rows are read, keeps what are features, and is fitted to a sample."""

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pandas")

from helpers.large_tables import (  # noqa: E402
    FEATURES,
    ROLES,
    large_table,
    network_policy,
    segment_policy,
    with_column,
)

from sklearn_hrc import DistilledAllocator, MultiTaskRepresenter  # noqa: E402
from sklearn_hrc.large import _sample_fit, decide_large, fit_large  # noqa: E402
from sklearn_hrc.large._sample_fit import check_policy, keep_features  # noqa: E402
from sklearn_hrc.rules import Forbid  # noqa: E402
from sklearn_hrc.tables import TableCleaner  # noqa: E402

TABLE = large_table(900)


def fit(data, policy, **params):
    return fit_large(policy, data, **{**ROLES, "features": FEATURES, "sample": 300} | params)


def unread():
    """A table that tells names and types, but whose rows cannot be read."""
    readers = iter([TABLE.to_reader()])
    return lambda: next(readers)


def test_parameters_are_checked_before_rows_are_read():
    policy = network_policy().set_params(hiddenclusterer__n_clusters=0)
    with pytest.raises(ValueError, match="'n_clusters' parameter of HiddenClusterer must be"):
        fit(unread(), policy)
    with pytest.raises(RuntimeError, match="StopIteration"):
        fit(unread(), network_policy())


@pytest.mark.parametrize("is_distilled", [False, True])
@pytest.mark.parametrize("wrong", [{"control": 7}, {"arm_cost": {0: 0, 5: 5, 7: 7}}], ids=list)
def test_arms_are_checked_before_anything_is_trained(wrong, is_distilled, monkeypatch):
    monkeypatch.setattr(MultiTaskRepresenter, "fit", None)
    policy = network_policy()
    policy[-1].set_params(**wrong)
    policy = DistilledAllocator(policy) if is_distilled else policy
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))} is expected .* \[0, 5, 10\], got"):
        fit(TABLE, policy)


WRONG = {
    "budget": ({"budget": np.inf}, "budget is expected to be a finite number, got inf"),
    "kind of budget": ({"budget": "2"}, "budget is expected to be a number, None, or an"),
    "objective": ({"objective": "orders"}, r"objective is .* columns of y, \['gmv'\], .* got 'ord"),
    "rules": ({"rules": [3]}, "rules is expected"),
    "rule for lists": ({"rules": [Forbid(5, where="age > 3")]}, "rules of an allocator is expect"),
    "estimation": ({"estimation": "best"}, "'estimation' parameter of ClusterBudgetAllocator must"),
    "random state": ({"random_state": "x"}, "'random_state' parameter of ClusterBudgetAllocator"),
}


@pytest.mark.parametrize("is_distilled", [False, True])
@pytest.mark.parametrize("case", WRONG)
def test_refuses_what_no_row_is_needed_to_tell(case, is_distilled):
    params, message = WRONG[case]
    policy = segment_policy()
    policy[-1].set_params(**params)
    policy = DistilledAllocator(policy) if is_distilled else policy
    with pytest.raises(ValueError, match=message):
        check_policy(policy, ["gmv"], has_cost=True)


def test_refuses_neither_costs_nor_prices():
    with pytest.raises(ValueError, match="cost is expected to name a column where the allocator "):
        check_policy(segment_policy(), ["gmv"], has_cost=False)
    check_policy(segment_policy(arm_cost=[0, 5, 10]), ["gmv"], has_cost=False)


def test_a_search_sets_what_it_searches():
    policy = GridSearchCV(segment_policy(budget="?"), {"clusterbudgetallocator__budget": [1, 2]})
    for one in (policy, DistilledAllocator(policy), DistilledAllocator()):
        check_policy(one, ["gmv"], has_cost=True)


def with_cleaner(keep=()):
    def of_ids(X):
        return np.column_stack([X["id"] > "c00450", X["age"]]).astype(float)

    steps = TableCleaner(keep=keep), FunctionTransformer(of_ids), *segment_policy()[1:]
    return make_pipeline(*steps)


def test_an_id_that_is_named_as_a_feature_decides(tmp_path):
    pytest.importorskip("skrub")
    table = with_column(TABLE, "id", [f"c{number:05}" for number in range(900)])
    policy = fit(table, with_cleaner(), features=["age", "id"])
    assert [*policy[0].kinds_] == ["age", "id"]
    assert policy[0].left_out_ == {}
    arms = policy.predict(table.select(["age", "id"]).to_pandas())
    counts = decide_large(policy, table, tmp_path / "arms", keep="id")
    assert counts == {arm: (arms == arm).sum() for arm in sorted(set(arms.tolist()))}


WRAPPED = {
    "policy": lambda policy: policy,
    "search": lambda policy: GridSearchCV(policy, {}),
    "student": DistilledAllocator,
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_a_cleaner_keeps_all_features(kind):
    policy = with_cleaner(keep="idd")
    keep_features(WRAPPED[kind](policy), ["age", "id"])
    # A wrong name stays, for the cleaner to refuse.
    assert policy[0].keep == ["age", "id", "idd"]


def test_policies_without_a_cleaner_stay_as_they_are():
    for policy in (segment_policy(), DistilledAllocator()):
        before = policy.get_params(deep=True)
        assert keep_features(policy, ["age"]).get_params(deep=True) == before


@pytest.mark.parametrize("memory", [False, True])
def test_clusters_of_a_large_sample_are_those_of_its_first_rows(memory, monkeypatch, tmp_path):
    monkeypatch.setattr(_sample_fit, "CLUSTER_ROWS", 120)
    X, y = TABLE.select(FEATURES).to_pandas()[:300], TABLE["gmv"].to_pandas()[:300]
    rows = {name: TABLE[ROLES[name]].to_numpy()[:300] for name in ("treatment", "cost")}
    policy = make_pipeline(StandardScaler(), *network_policy())
    policy.set_params(memory=str(tmp_path) if memory else None)
    policy = _sample_fit.fit_to_sample(policy, X, y, rows)
    alone = make_pipeline(StandardScaler(), network_policy()[0])
    with sklearn.config_context(enable_metadata_routing=True):
        H = alone.fit(X, y, **rows).transform(X)
        first = {name: values[:120] for name, values in rows.items()}
        after = network_policy()[1:].fit(H[:120], y[:120], **first)
    np.testing.assert_array_equal(policy[:-2].transform(X), H)
    np.testing.assert_array_equal(policy[-2].cluster_centers_, after[0].cluster_centers_)
    np.testing.assert_array_equal(policy[-1].cluster_sizes_, after[1].cluster_sizes_)
