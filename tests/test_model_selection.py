"""Held-out decisions: who was fitted to what, and what comes out."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.model_selection import cross_fit_arms
from sklearn_hrc.rules import MinShare

BUDGETS = [0.3, 0.8]


@pytest.fixture(scope="module")
def experiment():
    return make_coupon_experiment(1200, n_treatments=3, as_frame=True, random_state=0)


def rows_of(e):
    return {"treatment": e.treatment, "cost": e.cost}


def segments(e):
    return ((e.data > 0) @ [1, 2, *[0] * (e.data.shape[1] - 2)]).to_numpy()[:, None]


def test_every_row_is_decided_by_the_policy_of_the_other_folds(experiment):
    e, X = experiment, segments(experiment)
    policy = ClusterBudgetAllocator(random_state=0)
    folds = list(StratifiedKFold(3, shuffle=True, random_state=1).split(X, e.treatment))
    arms = cross_fit_arms(policy, X, e.target, budgets=BUDGETS, cv=folds, **rows_of(e))
    assert arms.shape == (2, 1200)
    for train, test in folds:
        other = ClusterBudgetAllocator(random_state=0).fit(
            X[train],
            e.target.iloc[train],
            treatment=e.treatment.iloc[train],
            cost=e.cost.iloc[train],
        )
        assert_array_equal(arms[:, test], other.predict_budgets(X[test], BUDGETS))
    assert not hasattr(policy, "treatments_")
    again = cross_fit_arms(policy, X, e.target, budgets=BUDGETS, cv=3, random_state=1, **rows_of(e))
    assert_array_equal(arms, again)


def test_whole_pipelines_and_searches_with_routing_off(experiment):
    e = experiment
    pipeline = make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(n_networks=1, members=(), max_epochs=2, random_state=0),
        HiddenClusterer(4, random_state=0),
        ClusterBudgetAllocator(random_state=0),
    )
    search = GridSearchCV(pipeline, {"hiddenclusterer__n_clusters": [4]}, cv=2)
    assert not sklearn.get_config()["enable_metadata_routing"]
    both = [
        cross_fit_arms(
            policy, e.data, e.target, budgets=BUDGETS, cv=2, random_state=0, **rows_of(e)
        )
        for policy in (pipeline, search)
    ]
    assert_array_equal(*both)
    assert set(np.unique(both[0])) <= set(e.treatments)


def test_groups_stay_together_and_other_arrays_reach_the_fit(experiment):
    e, X = experiment, segments(experiment)
    groups = np.arange(1200) // 4
    seen = []

    class Recording(ClusterBudgetAllocator):
        def fit(self, X, y, **rows):
            seen.append(rows)
            return super().fit(X, y, **rows)

    extra = {"propensity": np.full(1200, 1 / 3), "sample_weight": np.arange(1.0, 1201)}
    cross_fit_arms(
        Recording(random_state=0),
        X,
        e.target,
        budgets=BUDGETS,
        groups=groups,
        cv=3,
        random_state=0,
        **rows_of(e),
        **extra,
    )
    fitted = [set(rows["sample_weight"].astype(int) - 1) for rows in seen]
    assert len(fitted) == 3
    for rows in fitted:
        assert {row // 4 for row in rows}.isdisjoint({row // 4 for row in set(range(1200)) - rows})
    # Each row is missing in one fit.
    assert sum(len(rows) for rows in fitted) == 2 * 1200
    names = {"treatment", "cost", "propensity", "sample_weight", "groups"}
    assert all(set(rows) == names for rows in seen)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": StandardScaler()}, r"^policy is expected to end in a policy"),
        ({"policy": 3}, r"^The 'policy' parameter of cross_fit_arms must be"),
        ({"treatment": [0, 1]}, r"^treatment is expected to have one entry"),
        ({"groups": [0, 1]}, r"^groups is expected to have one entry"),
        ({"cv": [(np.arange(600), np.arange(600, 1200))]}, r"^cv is expected to have every row"),
        ({"budgets": 1.0}, r"^The 'budgets' parameter of cross_fit_arms must be"),
        ({"budgets": [-1.0]}, r"^budget"),
    ],
)
def test_bad_input(experiment, change, message):
    e = experiment
    given = {
        "policy": ClusterBudgetAllocator(),
        "X": segments(e),
        "y": e.target,
        "budgets": BUDGETS,
        "random_state": 0,
        **rows_of(e),
    }
    with pytest.raises(ValueError, match=message):
        cross_fit_arms(**{**given, **change})


def household_rows(experiment):
    """Rows of 300 households, of four each."""
    return experiment, np.arange(1200) // 4


class Spy(MultiTaskRepresenter):
    """Keeps what groups each fit was given."""

    seen = []

    def fit(self, X, y, **rows):
        Spy.seen.append(rows["groups"])
        return super().fit(X, y, **rows)


def test_groups_reach_every_fit_and_the_folds_of_a_search(experiment):
    e, household = household_rows(experiment)
    pipeline = make_pipeline(
        Spy(n_networks=2, members=(), max_epochs=1, random_state=0),
        HiddenClusterer(4, random_state=0),
        ClusterBudgetAllocator(random_state=0),
    )
    search = GridSearchCV(pipeline, {"hiddenclusterer__n_clusters": [4]}, cv=GroupKFold(3))
    Spy.seen.clear()
    rows = rows_of(e) | {"groups": household}
    arms = cross_fit_arms(search, e.data, e.target, budgets=[0.5], cv=2, random_state=0, **rows)
    assert arms.shape == (1, 1200)
    # One candidate on three folds, and once again on all of them, in each of two folds.
    assert len(Spy.seen) == 2 * (3 + 1)
    inner = [set(groups) for groups in Spy.seen[:3]]
    assert all(len(groups) == pytest.approx(100, abs=2) for groups in inner)
    assert set.union(*inner).isdisjoint(set(household) - set(Spy.seen[3]))


@pytest.mark.slow
def test_folds_in_several_processes_decide_the_same(experiment, capsys):
    e, X = experiment, segments(experiment)
    options = {"budgets": BUDGETS, "cv": 3, "random_state": 0, **rows_of(e)}
    policy = ClusterBudgetAllocator(random_state=0)
    both = cross_fit_arms(policy, X, e.target, n_jobs=2, **options)
    assert capsys.readouterr().out == ""
    # Processes print where they were started, so what is printed is looked at here.
    alone = cross_fit_arms(policy, X, e.target, verbose=1, **options)
    assert_array_equal(alone, both)
    assert "fold 2, 400 rows decided" in capsys.readouterr().out


def test_an_error_names_its_fold(experiment):
    e, X = experiment, segments(experiment)
    policy = ClusterBudgetAllocator(rules=[MinShare("fax", 0.2)], random_state=0)
    with pytest.raises(ValueError, match="MinShare") as error:
        cross_fit_arms(policy, X, e.target, budgets=[0.5], cv=3, random_state=0, **rows_of(e))
    assert error.value.__notes__ == ["This was fold 0 of cv (counted from 0) in cross_fit_arms."]
