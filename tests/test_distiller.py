"""The distilled policy: what is served keeps the budget of what it serves."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator, HiddenClusterer
from sklearn_hrc.datasets import make_coupon_experiment, oracle_policy_value
from sklearn_hrc.exceptions import BudgetError


@pytest.fixture(scope="module")
def experiment():
    return make_coupon_experiment(3000, n_treatments=3, order_rate=0.3, random_state=0)


def rows_of(experiment):
    return {"treatment": experiment.treatment, "cost": experiment.cost}


def teacher(n_clusters=6):
    return make_pipeline(
        StandardScaler(),
        HiddenClusterer(n_clusters=n_clusters, outcomes=False, random_state=0),
        ClusterBudgetAllocator(budget=0.8, estimation="pooled", random_state=0),
    )


@pytest.fixture(scope="module")
def distilled(experiment):
    policy = DistilledAllocator(teacher(), student=LogisticRegression(), random_state=0)
    return policy.fit(experiment.data, experiment.target, **rows_of(experiment))


def test_allocator_counts_the_students_clusters(distilled, experiment):
    inputs = distilled.teacher_[0].transform(experiment.data)
    served = distilled.student_.predict(inputs)
    labels, sizes = np.unique(served, return_counts=True)
    assert_array_equal(distilled.allocator_.clusters_, labels)
    assert_array_equal(distilled.allocator_.cluster_sizes_, sizes)
    taught = distilled.teacher_[:-1].transform(experiment.data)[:, 0]
    assert (served == taught).mean() > 0.9


def test_spend_follows_set_budget(distilled, experiment):
    allocator = distilled.allocator_
    inputs = distilled.teacher_[0].transform(experiment.data)
    cluster = np.searchsorted(allocator.clusters_, distilled.student_.predict(inputs))
    for budget in (0.3, 0.8, 1.5):
        assert distilled.set_budget(budget) is distilled
        arm = np.searchsorted(distilled.treatments_, distilled.predict(experiment.data))
        spent = allocator.cost_[cluster, arm].mean()
        assert allocator.expected_cost_ <= budget * (1 + 1e-12)
        assert_allclose(spent, allocator.expected_cost_, rtol=0.03)
    distilled.set_budget(0.8)


def test_the_default_student_keeps_its_teachers_gain_and_spend_on_new_rows():
    train, new = (
        make_coupon_experiment(2_500, n_treatments=3, order_rate=0.3, random_state=seed)
        for seed in (0, 1000)
    )
    taught = teacher(n_clusters=24)
    with sklearn.config_context(enable_metadata_routing=True):
        taught.fit(train.data, train.target, **rows_of(train))
    policy = DistilledAllocator(FrozenEstimator(taught), random_state=0)
    policy.fit(train.data, train.target, **rows_of(train))
    budgets = np.linspace(0.1, 0.8, 6) * train.expected_cost.mean(axis=0).max()
    plans = (
        taught[-1].predict_budgets(taught[:-1].transform(new.data), budgets),
        policy.predict_budgets(new.data, budgets),
    )
    truth = {"treatments": new.treatments}
    values = [
        [
            oracle_policy_value(arms, new.expected_response, new.expected_cost, **truth)
            for arms in plan
        ]
        for plan in plans
    ]
    spent, gained = (
        np.array([[value[name] for value in row] for row in values])
        for name in ("cost", "response")
    )
    gained -= new.expected_response[:, 0].mean()
    assert_allclose(spent[1], spent[0], rtol=0.05)
    assert_allclose((spent[1] / spent[0]).mean(), 1, atol=0.02)
    assert gained[1].sum() > 0.98 * gained[0].sum()


class Fussy(StandardScaler):
    """A step that takes only rows whose first value tells the second one."""

    def transform(self, X):
        if not (np.isfinite(X[:, 1]) & (X[:, 1] == 2 * X[:, 0])).all():
            raise ValueError("the second value is not twice the first")
        return super().transform(X)


def test_a_step_that_refuses_mixed_rows_is_told_and_goes_without(experiment):
    size = experiment.data[:400, :1]
    X = np.column_stack([size, 2 * size])
    rows = {name: values[:400] for name, values in rows_of(experiment).items()}
    steps = Fussy(), *[step for _, step in teacher(n_clusters=3).steps[1:]]
    tree = DecisionTreeClassifier(random_state=0)
    policy = DistilledAllocator(make_pipeline(*steps), student=tree, n_mixed=50, random_state=0)
    with pytest.warns(UserWarning, match="n_mixed is expected to be 0 .* not twice the first"):
        policy.fit(X, experiment.target[:400], **rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        without = clone(policy).set_params(n_mixed=0).fit(X, experiment.target[:400], **rows)
    inputs = policy._inputs(X)
    assert_array_equal(policy.student_.apply(inputs), without.student_.apply(inputs))


def test_mixed_rows_teach_the_student_and_count_for_nothing_else(experiment):
    rows = rows_of(experiment)
    seen = []

    class Watcher(DecisionTreeClassifier):
        def fit(self, X, y, sample_weight=None):
            seen.append(X)
            return super().fit(X, y, sample_weight)

    weight = np.where(np.arange(3000) % 3 == 0, 0.0, 2.0)
    with sklearn.config_context(enable_metadata_routing=True):
        taught = teacher()
        taught[0].set_fit_request(sample_weight=True)
        policy = DistilledAllocator(taught, student=Watcher(), n_mixed=500, random_state=0)
        policy.fit(experiment.data, experiment.target, **rows, sample_weight=weight)
    assert len(seen[0]) == 2000 + 500
    own = policy.teacher_[0].transform(experiment.data)
    assert_allclose(seen[0][:2000], own[weight > 0])
    # Each value is one that a row with weight has in the same column.
    for column, values in enumerate(seen[0][2000:].T):
        assert np.isin(values, own[weight > 0, column]).all()
    assert policy.allocator_.cluster_sizes_.sum() == 2000


def test_the_default_student_draws_rows_by_its_seed(experiment):
    X, y = experiment.data[:300], experiment.target[:300]
    rows = {name: values[:300] for name, values in rows_of(experiment).items()}
    first, again, other = (
        DistilledAllocator(teacher(n_clusters=3), random_state=seed).fit(X, y, **rows)
        for seed in (0, 0, 1)
    )
    assert_array_equal(first.student_.coefs_[0], again.student_.coefs_[0])
    assert not np.allclose(first.student_.coefs_[0], other.student_.coefs_[0])
    # Its classes are places of clusters, also where their labels are others.
    assert set(first._served(first._inputs(X))) <= set(first._labels)


def test_alone_in_a_batch_and_after_pickling(distilled, experiment):
    arms = distilled.predict(experiment.data)
    alone = [distilled.predict(row[None])[0] for row in experiment.data[:100]]
    assert_array_equal(arms[:100], alone)
    assert_array_equal(pickle.loads(pickle.dumps(distilled)).predict(experiment.data), arms)


def test_budget_curve_score_and_predict_budgets(distilled, experiment):
    curve = distilled.budget_curve([0.5, 1.0])
    assert_array_equal(curve.budget, [0.5, 1.0])
    arms = distilled.predict_budgets(experiment.data, [0.8])
    assert_array_equal(arms[0], distilled.predict(experiment.data))
    score = distilled.score(experiment.data, experiment.target, **rows_of(experiment))
    own = distilled.teacher_[-1].score(
        distilled.teacher_[:-1].transform(experiment.data),
        experiment.target,
        **rows_of(experiment),
    )
    assert abs(score - own) < 0.25 * own


def test_frozen_teachers_and_searches(experiment):
    rows = rows_of(experiment)
    policy = teacher()
    for step in range(2):  # without routing: step by step
        transformed = policy[:step].transform(experiment.data) if step else experiment.data
        policy[step].fit(transformed, experiment.target)
    policy[-1].fit(policy[:-1].transform(experiment.data), experiment.target, **rows)
    policy[-1].set_budget(0.5)
    student = LogisticRegression()
    frozen = DistilledAllocator(FrozenEstimator(policy), student=student, random_state=0)
    frozen.fit(experiment.data, experiment.target, **rows)
    assert frozen.teacher_.estimator is policy
    assert frozen.allocator_.budget_ == 0.5  # the budget of today, not the parameter

    search = GridSearchCV(teacher(), {"hiddenclusterer__n_clusters": [2, 8]}, cv=2)
    found = DistilledAllocator(search, student=student, random_state=0)
    found.fit(experiment.data, experiment.target, **rows)
    assert found.teacher_.best_params_["hiddenclusterer__n_clusters"] in (2, 8)


def test_raw_features_may_be_strings(experiment):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"city": rng.choice(["A", "B", "C"], 3000)})
    policy = make_pipeline(
        OneHotEncoder(sparse_output=False),
        HiddenClusterer(n_clusters=3, outcomes=False, random_state=0),
        ClusterBudgetAllocator(budget=0.8, estimation="pooled"),
    )
    served = DistilledAllocator(policy, student=DecisionTreeClassifier(), random_state=0)
    served.fit(frame, experiment.target, **rows_of(experiment))
    assert set(served.predict(frame)) <= set(experiment.treatments)
    assert_array_equal(served.feature_names_in_, ["city"])


class Rounder(TransformerMixin, BaseEstimator):
    """Hand-made segments: the first feature, rounded."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.round(X[:, :1])


def test_hand_made_segments_can_be_distilled(experiment):
    policy = make_pipeline(
        StandardScaler(), Rounder(), ClusterBudgetAllocator(budget=0.8, random_state=0)
    )
    served = DistilledAllocator(policy, student=DecisionTreeClassifier(), random_state=0)
    served.fit(experiment.data, experiment.target, **rows_of(experiment))
    inputs = served.teacher_[0].transform(experiment.data)
    assert_array_equal(served._served(inputs), np.round(inputs[:, 0]))


def test_errors(distilled, experiment):
    rows = rows_of(experiment)
    with pytest.raises(ValueError, match="estimator is expected to end in a ClusterBudget"):
        DistilledAllocator(make_pipeline(StandardScaler())).fit(
            experiment.data, experiment.target, **rows
        )
    with pytest.raises(ValueError, match="estimator is expected to end in a ClusterBudget"):
        DistilledAllocator(GridSearchCV(LogisticRegression(), {"C": [1.0]})).fit(
            experiment.data, experiment.target, **rows
        )
    before = dict(vars(distilled))
    with pytest.raises(ValueError, match="y to be passed"):
        distilled.fit(experiment.data, None, **rows)
    bad = experiment.data.copy()
    bad[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        distilled.fit(bad, experiment.target, **rows)
    with pytest.raises(ValueError, match="'n_mixed' parameter"):
        DistilledAllocator(teacher(), n_mixed=-1).fit(experiment.data, experiment.target, **rows)
    with pytest.raises(BudgetError):
        distilled.set_budget(-1.0)
    assert vars(distilled).keys() == before.keys()
    assert all(value is before[name] for name, value in vars(distilled).items())


def test_clone_keeps_nested_parameters():
    policy = clone(DistilledAllocator(teacher()))
    policy.set_params(estimator__hiddenclusterer__n_clusters=3)
    assert policy.estimator[1].n_clusters == 3


def test_hand_made_labels_may_be_any_numbers(experiment):
    segment = np.floor(experiment.data[:, :1] / 10) + 0.5
    allocator = ClusterBudgetAllocator(budget=0.8, estimation="pooled", random_state=0)
    policy = DistilledAllocator(allocator, student=DecisionTreeClassifier(), random_state=0)
    policy.fit(segment, experiment.target, **rows_of(experiment))
    assert_array_equal(policy.allocator_.clusters_, np.unique(segment))
    assert_array_equal(policy.predict(segment), policy.teacher_.predict(segment))


def test_frames_go_through_the_teacher_with_their_names(experiment):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(experiment.data).add_prefix("x")
    # the clusterer is the first step, or follows one that gives frames: names are known there
    scaled = teacher()
    scaled[:-1].set_output(transform="pandas")
    served = [
        DistilledAllocator(policy, student=DecisionTreeClassifier(max_depth=3), random_state=0)
        .fit(X, experiment.target, **rows_of(experiment))
        .predict(X)
        for policy in (scaled, teacher())
    ]
    assert_array_equal(*served)
    bare = DistilledAllocator(teacher()[1:], student=LogisticRegression(), random_state=0)
    bare.fit(X / X.std(), experiment.target, **rows_of(experiment)).predict(X / X.std())


class NeverFitted(Rounder):
    """A step that costs hours."""

    def fit(self, X, y=None):
        raise RuntimeError("fitted before the arguments were checked")


@pytest.mark.parametrize(
    ("message", "parameters", "changes"),
    [
        ("cost .* or arm_cost", {}, {"cost": None}),
        ("treatment is expected where cost", {}, {"treatment": None}),
        ("control is expected", {"control": 7}, {}),
        ("arm_cost is expected", {"arm_cost": [0.0, 1.0]}, {}),
        ("objective is expected", {"objective": "profit"}, {}),
        ("budget is expected", {"budget": float("nan")}, {}),
        ("cost is expected to have one entry", {}, {"cost": [1.0]}),
    ],
)
def test_arguments_are_checked_before_the_teacher_is_fitted(
    experiment, message, parameters, changes
):
    policy = make_pipeline(NeverFitted(), ClusterBudgetAllocator(**parameters))
    with pytest.raises(ValueError, match=message):
        DistilledAllocator(policy).fit(
            experiment.data, experiment.target, **(rows_of(experiment) | changes)
        )


def test_a_budget_that_the_students_clusters_cannot_keep_is_an_error(experiment):
    rows = rows_of(experiment) | {"cost": experiment.cost + 1.0}  # every arm costs something
    policy = teacher().set_params(clusterbudgetallocator__budget=0.9)
    with pytest.raises(BudgetError, match="budget is expected to be at least"):
        DistilledAllocator(policy, random_state=0).fit(experiment.data, experiment.target, **rows)


def test_rows_without_outcomes_teach_the_student_and_count_for_nothing_else(experiment):
    rows, further = rows_of(experiment), make_coupon_experiment(9000, random_state=3).data
    policy = DistilledAllocator(teacher(), student=LogisticRegression(), random_state=0)
    policy.fit(experiment.data, experiment.target, **rows, X_unlabelled=further)
    scale, cluster = policy.teacher_[0].transform, policy.teacher_[:-1].transform
    everybody = np.concatenate([experiment.data, further])
    expected = LogisticRegression().fit(scale(everybody), cluster(everybody)[:, 0])
    assert_allclose(policy.student_.coef_, expected.coef_, rtol=1e-3, atol=1e-4)
    assert policy.allocator_.cluster_sizes_.sum() == len(experiment.data)
