"""The four estimators together, as a user composes them."""

import pickle

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.datasets import make_coupon_experiment

pd = pytest.importorskip("pandas")


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(scope="module")
def experiment():
    bunch = make_coupon_experiment(
        2400, n_treatments=3, order_rate=0.3, as_frame=True, random_state=0
    )
    names = {0: "none", 5: "five", 10: "ten"}
    bunch.update(treatment=bunch.treatment.map(names).astype("category"))
    return bunch


def representer():
    return MultiTaskRepresenter(n_networks=2, max_epochs=4, random_state=0)


def policy(**parameters):
    return make_pipeline(
        StandardScaler(),
        representer(),
        HiddenClusterer(n_clusters=8, random_state=0),
        ClusterBudgetAllocator(budget=0.8, control="none", random_state=0),
    ).set_params(**parameters)


def quick_policy(**parameters):
    """A policy of networks alone, for what does not depend on how well it learns."""
    quick = {"multitaskrepresenter__members": (), "multitaskrepresenter__max_epochs": 2}
    return policy(**quick, **parameters)


def rows_of(experiment):
    return {"treatment": experiment.treatment, "cost": experiment.cost}


@pytest.fixture(scope="module")
def fitted(experiment):
    with sklearn.config_context(enable_metadata_routing=True):
        return policy().fit(experiment.data, experiment.target, **rows_of(experiment))


def test_fit_and_predict_string_labels(fitted, experiment):
    arms = fitted.predict(experiment.data)
    assert set(arms) <= {"none", "five", "ten"}
    assert fitted[-1].estimation_ == "outcomes"
    assert fitted[-1].expected_cost_ <= 0.8
    assert fitted[-1].outcome_names_ == ["gmv", "orders"]
    realised = experiment.expected_cost[
        np.arange(len(arms)), [["none", "five", "ten"].index(arm) for arm in arms]
    ]
    # So few rows and epochs leave an error of some 0.1; a wrong label costs more than 1.
    assert abs(realised.mean() - 0.8) < 0.4


def test_grid_search_over_the_number_of_clusters(experiment):
    grid = {"hiddenclusterer__n_clusters": [2, 8]}
    search = GridSearchCV(quick_policy(), grid, cv=2)
    search.fit(experiment.data, experiment.target, **rows_of(experiment))
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert scores[0] != scores[1]
    assert set(search.predict(experiment.data)) <= {"none", "five", "ten"}
    assert np.isfinite(search.score(experiment.data, experiment.target, **rows_of(experiment)))


@pytest.mark.slow
def test_a_search_in_two_processes_has_the_same_scores(experiment):
    grid = {"hiddenclusterer__n_clusters": [2, 8]}
    scores = []
    for n_jobs in (1, 2):
        search = GridSearchCV(quick_policy(), grid, cv=2, refit=False, n_jobs=n_jobs)
        search.fit(experiment.data, experiment.target, **rows_of(experiment))
        scores.append(search.cv_results_["mean_test_score"])
    assert_array_equal(*scores)


def test_memory_trains_the_networks_once_a_fold(experiment, tmp_path):
    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    splits = list(folds.split(experiment.data, experiment.treatment))
    grid = {"hiddenclusterer__n_clusters": [2, 8]}
    results = []
    for memory in (None, str(tmp_path)):
        search = GridSearchCV(quick_policy(memory=memory), grid, cv=splits, refit=False)
        search.fit(experiment.data, experiment.target, **rows_of(experiment))
        results.append(search.cv_results_["mean_test_score"])
    assert_array_equal(*results)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_networks_disagreement_reaches_teacher_and_student(experiment, dtype):
    X = experiment.data.to_numpy(dtype=dtype)
    student = DistilledAllocator(policy(), random_state=0)
    student.fit(X, experiment.target, **rows_of(experiment))
    teacher = student.teacher_
    assert teacher[:-1].transform(X).dtype == dtype
    names = teacher[:-1].get_feature_names_out()
    assert teacher[2].cluster_centers_.shape[1] == 48  # regrets of 3 arms at 16 prices
    n_hidden = sum(name.startswith("hidden") for name in names)
    assert teacher[2]._clustering.columns.n_hidden == n_hidden
    for allocator in (teacher[-1], student.allocator_):
        assert allocator._estimates.factors.shape == (*allocator.response_.shape, 2, 2)
        assert (np.ptp(allocator.response_se_, axis=0) > 0).all()
        control = list(allocator.treatments_).index("none")
        assert (allocator.cost_se_[:, control] == 0).all()  # free


def test_all_four_in_one_pipeline_and_nested_search(experiment):
    served = make_pipeline(
        StandardScaler(),
        DistilledAllocator(
            make_pipeline(
                representer().set_params(members=(), max_epochs=2),
                HiddenClusterer(n_clusters=4, random_state=0),
                ClusterBudgetAllocator(budget=0.8, control="none", random_state=0),
            ),
            random_state=0,
        ),
    )
    name = "distilledallocator__estimator__hiddenclusterer__n_clusters"
    search = GridSearchCV(served, {name: [2, 4]}, cv=2)
    search.fit(experiment.data, experiment.target, **rows_of(experiment))
    best = search.best_estimator_[-1]
    assert best.estimator[1].n_clusters == search.best_params_[name]
    assert set(search.predict(experiment.data)) <= {"none", "five", "ten"}


def test_same_arm_alone_in_a_batch_and_after_pickling(fitted, experiment, tmp_path):
    arms = fitted.predict(experiment.data)
    alone = [fitted.predict(experiment.data.iloc[i : i + 1])[0] for i in range(150)]
    assert_array_equal(arms[:150], alone)
    joblib.dump(fitted, tmp_path / "policy.joblib")
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "policy.joblib")):
        assert_array_equal(copy.predict(experiment.data), arms)


def test_float32_features_give_the_same_arms_in_any_batch(experiment):
    X = experiment.data.to_numpy(dtype=np.float32)
    fitted = policy().fit(X, experiment.target, **rows_of(experiment))
    assert fitted[:-1].transform(X).dtype == np.float32
    batch = fitted.predict(X)
    parts = np.concatenate([fitted.predict(part) for part in np.array_split(X, 97)])
    # rounding may move one row in 100,000 across the cut of a split cluster
    assert (batch != parts).sum() <= 1


def test_the_clusterer_passes_on_the_clusters_that_fit_saw(fitted, experiment):
    Z = fitted[:-1].transform(experiment.data)
    assert_array_equal(Z[:, 0], fitted[2].labels_)


def test_pandas_output_and_names(experiment):
    frames = policy().set_output(transform="pandas")
    frames.fit(experiment.data, experiment.target, **rows_of(experiment))
    Z = frames[:-1].transform(experiment.data)
    assert list(Z.columns[:2]) == ["cluster", "hidden0"]
    assert list(Z.columns[-9:-6]) == ["gmv@five", "orders@five", "cost@five"]
    assert_array_equal(frames[:-1].get_feature_names_out(), Z.columns)
    assert_array_equal(frames[-1].feature_names_in_, Z.columns)


def test_a_frozen_representer_is_not_trained_again(fitted, experiment):
    frozen = make_pipeline(
        FrozenEstimator(fitted[:2]),
        HiddenClusterer(n_clusters=4, random_state=0),
        ClusterBudgetAllocator(budget=0.8, control="none", random_state=0),
    )
    grid = GridSearchCV(frozen, {"hiddenclusterer__n_clusters": [2, 4]}, cv=2)
    grid.fit(experiment.data, experiment.target, **rows_of(experiment))
    networks = grid.best_estimator_[0].estimator[1].networks_
    assert networks is fitted[1].networks_


def test_sample_weight_and_propensity_reach_every_step(experiment):
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    weighted = make_pipeline(scaler, *(step for _, step in policy().steps[1:]))
    weight = np.random.default_rng(0).integers(0, 3, 2400).astype(float)
    rows = rows_of(experiment) | {"propensity": np.full(2400, 1 / 3)}
    weighted.fit(experiment.data, experiment.target, sample_weight=weight, **rows)
    labels = weighted[2].labels_
    # rows of weight zero are no rows; sizes are shares of the weight of the others
    quota = np.bincount(labels, weights=weight, minlength=8) * (weight > 0).sum() / weight.sum()
    assert np.abs(weighted[-1].cluster_sizes_ - quota).max() < 1
    score = weighted.score(experiment.data, experiment.target, sample_weight=weight, **rows)
    assert np.isfinite(score)


def test_without_routing_steps_take_prefixed_arrays(experiment):
    with sklearn.config_context(enable_metadata_routing=False):
        rows = {
            f"{step}__{name}": values
            for step in ("multitaskrepresenter", "hiddenclusterer", "clusterbudgetallocator")
            for name, values in rows_of(experiment).items()
        }
        plain = policy().fit(experiment.data, experiment.target, **rows)
        with pytest.raises(ValueError, match="enable_metadata_routing"):
            plain.score(experiment.data, experiment.target)
    routed = policy().fit(experiment.data, experiment.target, **rows_of(experiment))
    assert_array_equal(plain.predict(experiment.data), routed.predict(experiment.data))


def test_clone_is_unfitted_and_equal(fitted):
    copy = clone(fitted)
    assert not hasattr(copy[-1], "treatments_")
    assert repr(copy) == repr(policy())
