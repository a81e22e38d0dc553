"""The clusterer: which columns it clusters, metrics, weights, dtypes, inputs of every kind."""

import copy
import functools
import pickle

import numpy as np
import pytest
import sklearn
from helpers.small_experiments import assert_same_state, small_experiment
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline

from sklearn_hrc import HiddenClusterer, MultiTaskRepresenter, _clusterer
from sklearn_hrc._clusterer import resolve_n_clusters

RAW, Y, ROWS = small_experiment()
# two hidden columns in three groups, then expected outcomes: 3 arms x (2 outcomes + cost)
GROUP = np.arange(len(RAW)) % 3
RNG = np.random.default_rng(0)
H = np.column_stack([GROUP == 1, GROUP == 2]) * 10 + RNG.normal(size=(len(RAW), 2))
Z = np.hstack([H, 1e6 * RNG.normal(size=(len(RAW), 9))])
# and their numbers of coordinates: 16 prices x 3 arms, or 3 arms x (response, cost)
METRICS = {"regret": 48, "decision": 6, "euclidean": 2, "effects": 6}
# the best arm is that of the group
EFFECTS = np.zeros((len(RAW), 3, 3))
EFFECTS[np.arange(len(RAW)), GROUP, 0] = 10
EFFECTS += 5 + RNG.normal(size=EFFECTS.shape)
Q = EFFECTS.reshape(len(RAW), 9)
# expected outcomes that depend on the hidden columns
D = np.hstack([H, Q])
ANY_METRIC = pytest.mark.parametrize("metric", METRICS)
BY_EFFECTS = pytest.mark.parametrize("metric", ["regret", "decision", "effects"])


def fitted(X=Z, y=Y, rows=ROWS, **parameters):
    """Euclidean by default: most promises are about the hidden columns."""
    defaults = {"n_clusters": 3, "metric": "euclidean", "random_state": 0}
    return HiddenClusterer(**{**defaults, **parameters}).fit(X, y, **rows)


@functools.cache
def fitted_once(metric):
    return fitted(D, metric=metric)


def with_effects(effects):
    return np.hstack([H, effects.reshape(len(H), -1)])


def assert_finds_groups(labels):
    assert len({*zip(labels, GROUP)}) == 3


def assert_same_partition(labels, others):
    assert adjusted_rand_score(labels, others) == 1


def test_outcomes_are_passed_on_and_not_clustered():
    clusterer = fitted()
    assert clusterer.cluster_centers_.shape == (3, 2)
    assert_finds_groups(clusterer.labels_)
    assert_array_equal(clusterer.transform(Z), np.column_stack([clusterer.labels_, Z]))
    names = clusterer.get_feature_names_out().tolist()
    assert names == ["cluster", *(f"x{i}" for i in range(11))]
    other = np.hstack([H, np.zeros((len(Z), 9))])
    assert_array_equal(fitted(other).labels_, clusterer.labels_)


@pytest.mark.parametrize(
    ("n_columns", "y", "rows"),
    [
        (6, Y, {"treatment": ROWS["treatment"]}),  # 3 arms x 2 outcomes
        (3, Y[:, 0], {"treatment": ROWS["treatment"]}),
        (6, Y[:, :1], ROWS),
        (2, Y[:, 0], {"treatment": ROWS["treatment"] > 0}),
    ],
)
def test_number_of_outcome_columns(n_columns, y, rows):
    clusterer = fitted(Z[:, : 2 + n_columns], y, rows)
    assert clusterer.cluster_centers_.shape == (3, 2)
    assert_finds_groups(clusterer.labels_)


def test_all_columns_are_clustered():
    expected = fitted(H, None, {}).labels_
    assert_finds_groups(expected)
    # without treatment it is an ordinary clusterer, and ignores y as such
    assert_array_equal(fitted(H, ["some label"] * len(H), {}).labels_, expected)
    assert_array_equal(fitted(H, outcomes=False).labels_, expected)
    assert_array_equal(fitted(H, None, outcomes=False).labels_, expected)
    assert fitted(Z, Y, {}).cluster_centers_.shape == (3, 11)


@ANY_METRIC
@pytest.mark.parametrize("n_networks", [2, 5])
def test_deviations_of_networks_are_passed_on_and_not_clustered(metric, n_networks):
    deviations = RNG.normal(size=(n_networks, len(D), 9)) * 1e3
    X = np.hstack([H, *(deviations - deviations.mean(axis=0)), Q])
    clusterer = fitted(X, metric=metric)
    assert_array_equal(clusterer.labels_, fitted_once(metric).labels_)
    assert_array_equal(clusterer.cluster_centers_, fitted_once(metric).cluster_centers_)
    assert_array_equal(clusterer.transform(X), np.column_stack([clusterer.labels_, X]))
    message = rf"more than {9 * (1 + n_networks)} columns .* deviations of {n_networks} networks"
    with pytest.raises(ValueError, match=message):
        fitted(X[:, 2:], metric=metric)


def test_centres_are_those_of_kmeans():
    kmeans = KMeans(3, n_init=1, random_state=0).fit(H)
    clusterer = fitted(H, None, {})
    assert_allclose(clusterer.cluster_centers_, kmeans.cluster_centers_)
    assert_array_equal(clusterer.predict(H), kmeans.predict(H))


@ANY_METRIC
@pytest.mark.parametrize("rows", [ROWS, {}])
def test_fit_and_the_training_rows_agree(rows, metric):
    clusterer = fitted(D, rows=rows, metric=metric, n_clusters=20)
    again = clone(clusterer)
    assert len(set(clusterer.labels_)) == 20
    assert_array_equal(clusterer.predict(D), clusterer.labels_)
    assert_array_equal(clusterer.transform(D)[:, 0], clusterer.labels_)
    assert_array_equal(again.fit_predict(D, Y, **rows), clusterer.labels_)
    assert_array_equal(again.fit_transform(D, Y, **rows), clusterer.transform(D))
    assert_array_equal(pickle.loads(pickle.dumps(clusterer)).predict(D), clusterer.labels_)
    assert_array_equal(FrozenEstimator(clusterer).fit(-D, Y).predict(D), clusterer.labels_)
    alone = [clusterer.predict(D[[row]])[0] for row in range(30)]
    assert_array_equal(alone, clusterer.labels_[:30])


@ANY_METRIC
@pytest.mark.parametrize("fit_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes(fit_dtype, dtype, metric):
    clusterer = fitted(D.astype(fit_dtype), metric=metric)
    assert clusterer.metric_ == metric
    assert clusterer.cluster_centers_.shape == (3, METRICS[metric])
    assert clusterer.cluster_centers_.dtype == fit_dtype
    out = clusterer.transform(D.astype(dtype))
    assert out.dtype == dtype
    if metric != "regret":  # which goes by costs, too
        assert_finds_groups(out[:, 0])
    assert_array_equal(out[:, 1:], D.astype(dtype))
    assert np.issubdtype(clusterer.predict(D.astype(dtype)).dtype, np.integer)


def test_labels_are_exact_in_float32(monkeypatch):
    assert np.float32(_clusterer.MAX_FLOAT32_LABEL) == _clusterer.MAX_FLOAT32_LABEL
    assert np.float32(_clusterer.MAX_FLOAT32_LABEL + 1) == _clusterer.MAX_FLOAT32_LABEL
    monkeypatch.setattr(_clusterer, "MAX_FLOAT32_LABEL", 2)
    with pytest.raises(ValueError, match="at most 2 for float32 X"):
        fitted(Z.astype(np.float32))
    assert fitted().n_clusters_ == 3


@ANY_METRIC
def test_rows_without_weight_have_no_influence(metric):
    rng = np.random.default_rng(1)
    places = np.sort(rng.choice(2 * len(D), len(D), replace=False))
    many = rng.normal(size=(2 * len(D), 11)) * 50
    outcomes, rows = np.zeros((2 * len(D), 2)), {"treatment": np.arange(2 * len(D)) % 3}
    rows |= {"cost": np.ones(2 * len(D)), "sample_weight": np.zeros(2 * len(D))}
    many[places], outcomes[places], rows["sample_weight"][places] = D, Y, 0.5
    expected = fitted(D, metric=metric, n_clusters=15)
    clusterer = fitted(many, outcomes, rows, metric=metric, n_clusters=15)
    assert_allclose(clusterer.cluster_centers_, expected.cluster_centers_, atol=1e-6)
    assert_array_equal(clusterer.labels_[places], expected.labels_)
    assert len(clusterer.labels_) == 2 * len(D)  # every row has its nearest cluster
    rows["sample_weight"][places[20:]] = 0
    with pytest.raises(ValueError, match="at most the number of rows with weight, n_samples=20"):
        fitted(many, outcomes, rows, metric=metric, n_clusters=21)


def test_weights_pull_the_centres():
    weight = np.where(H[:, 0] > 0, 100.0, 1.0)
    pulled = fitted(H, None, {"sample_weight": weight}, n_clusters=1).cluster_centers_
    assert_allclose(pulled[0], np.average(H, axis=0, weights=weight))


def test_n_clusters():
    assert [resolve_n_clusters(None, n) for n in (1, 99, 100, 3200, 10**6)] == [1, 1, 2, 64, 64]
    assert resolve_n_clusters(7, 7) == 7
    assert fitted(n_clusters=None).n_clusters_ == len(Z) // 50
    with pytest.raises(ValueError, match=r"n_clusters is expected .* n_samples=240, got 241\.$"):
        fitted(n_clusters=241)


@ANY_METRIC
def test_set_output(metric):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(D, columns=[f"c{i}" for i in range(11)])
    out = fitted(frame, metric=metric).set_output(transform="pandas").transform(frame)
    assert out.columns.tolist() == ["cluster", *frame.columns]
    assert_array_equal(out["cluster"], fitted_once(metric).labels_)


def test_metadata_is_requested_by_default():
    names = ["treatment", "cost", "propensity", "sample_weight", "groups"]
    requests = HiddenClusterer().get_metadata_routing().fit.requests
    assert requests == dict.fromkeys(names, True)


@ANY_METRIC
def test_with_and_without_routing(metric):
    pipeline = make_pipeline(
        MultiTaskRepresenter(n_networks=1, n_components=4, max_epochs=1, random_state=0),
        HiddenClusterer(5, metric=metric, random_state=0),
    )
    prefixed = {f"{step}__{name}": ROWS[name] for step, _ in pipeline.steps for name in ROWS}
    with sklearn.config_context(enable_metadata_routing=False):
        expected = pipeline.fit_transform(RAW, Y, **prefixed)
    with sklearn.config_context(enable_metadata_routing=True):
        assert_array_equal(pipeline.fit_transform(RAW, Y, **ROWS), expected)
    assert pipeline[-1].metric_ == metric
    # Some of the 16 prices may be equal.
    width = {**METRICS, "euclidean": 4}[metric]
    assert 0.8 * width <= pipeline[-1].cluster_centers_.shape[1] <= width
    assert pipeline.get_feature_names_out().tolist()[:2] == ["cluster", "hidden0"]


@ANY_METRIC
@pytest.mark.parametrize("labels", [["a", "b", "c"], [0.5, 1.5, 2.5]])
def test_other_labels_and_read_only_arrays(labels, metric):
    arrays = [D.copy(), Y.copy(), np.array(labels)[ROWS["treatment"]], ROWS["cost"].copy()]
    for array in arrays:
        array.flags.writeable = False
    rows = {"treatment": arrays[2], "cost": arrays[3]}
    found = fitted(arrays[0], arrays[1], rows, metric=metric).labels_
    assert_array_equal(found, fitted_once(metric).labels_)


@BY_EFFECTS
def test_metric_is_euclidean_where_nothing_decides(metric):
    same = EFFECTS.copy()
    same[:] = EFFECTS[:, :1]  # every arm does the same
    cases = [
        (D, Y, ROWS, {"outcomes": False}),
        (D, Y, {}, {}),
        (D, None, {}, {}),
        (with_effects(same), Y, ROWS, {}),
        (with_effects(0 * EFFECTS), Y, ROWS, {}),
        (with_effects(same).astype(np.float32), Y, ROWS, {}),
        (with_effects(same), Y, ROWS, {"arm_cost": [1.0, 1.0, 1.0]}),
    ]
    for X, y, rows, parameters in cases:
        clusterer = fitted(X, y, rows, metric=metric, **parameters)
        assert clusterer.metric_ == "euclidean"
        expected = fitted(X, y, rows, **parameters)
        assert_array_equal(clusterer.labels_, expected.labels_)
        assert_array_equal(clusterer.cluster_centers_, expected.cluster_centers_)


def test_default_metric_is_regret():
    assert HiddenClusterer().fit(D, Y, **ROWS).metric_ == "regret"


def test_refit_forgets_the_metric_before():
    clusterer = fitted(D, metric="decision")
    clusterer.set_params(metric="effects").fit(D, Y, **ROWS)
    assert_array_equal(clusterer.labels_, fitted_once("effects").labels_)
    clusterer.set_params(metric="decision").fit(H, Y)
    assert clusterer.metric_ == "euclidean"
    assert_array_equal(clusterer.predict(H), fitted(H, Y, {}).labels_)


@BY_EFFECTS
def test_response_decides_alone_where_costs_are_equal(metric):
    def labels(costs, rows=ROWS):
        effects = EFFECTS.copy()
        effects[:, :, 2] = costs
        clusterer = fitted(with_effects(effects), Y, rows, metric=metric, n_clusters=8)
        assert clusterer.metric_ == metric
        assert_array_equal(clusterer.cluster_centers_[:, 3:], 0)
        return clusterer.labels_

    expected = labels(0.0)
    assert_array_equal(labels(123.4), expected)
    assert_array_equal(labels(RNG.normal(size=(len(D), 1))), expected)
    X = with_effects(EFFECTS[:, :, :2])
    rows = {"treatment": ROWS["treatment"]}
    assert_array_equal(fitted(X, Y, rows, metric=metric, n_clusters=8).labels_, expected)


@pytest.mark.parametrize("n_clusters", [3, 8])
def test_order_of_arms_does_not_matter(n_clusters):
    order = np.array([2, 0, 1])
    rows = {**ROWS, "treatment": np.argsort(order)[ROWS["treatment"]]}
    permuted = with_effects(EFFECTS[:, order])
    expected = fitted(D, metric="effects", n_clusters=n_clusters)
    found = fitted(permuted, Y, rows, metric="effects", n_clusters=n_clusters)
    assert_same_partition(found.labels_, expected.labels_)


@BY_EFFECTS
def test_objective_is_index_name_list_or_dict(metric):
    def labels(objective, effects=EFFECTS, y=Y):
        return fitted(
            with_effects(effects), y, metric=metric, objective=objective, n_clusters=8
        ).labels_

    def one_column(values):
        effects = np.stack([values, EFFECTS[:, :, 2]], axis=2)
        return labels(None, effects, Y[:, 0])

    second = labels(None, EFFECTS[:, :, [1, 0, 2]], Y[:, ::-1])
    assert adjusted_rand_score(second, labels(None)) < 0.5
    for objective in (1, -1, "y1", ["y1"], {"y1": 1.0}, {1: 2.0}, {"y1": 3, "y0": 0}):
        assert_array_equal(labels(objective), second)
    assert_array_equal(labels(None), labels(0))
    total = one_column(EFFECTS[:, :, 0] + EFFECTS[:, :, 1])
    assert_same_partition(labels(["y0", 1]), total)
    weighted = one_column(EFFECTS[:, :, 0] - 3 * EFFECTS[:, :, 1])
    assert_same_partition(labels({"y0": 1, "y1": -3}), weighted)


def test_objective_names_columns_of_a_frame():
    pd = pytest.importorskip("pandas")
    y = pd.DataFrame(Y, columns=["amount", "bought"])
    named = fitted(D, y, metric="effects", objective="bought").labels_
    assert_array_equal(named, fitted(D, metric="effects", objective=1).labels_)
    with pytest.raises(ValueError, match="objective is expected to name columns of y, .*'amount'"):
        fitted(D, y, objective="y0")


@BY_EFFECTS
def test_arm_cost_wins_over_expected_cost(metric):
    def fit(X, arm_cost, rows=ROWS):
        return fitted(X, Y, rows, metric=metric, n_clusters=8, arm_cost=arm_cost)

    expected = fit(D, [0.0, 1.0, 5.0])
    effects = EFFECTS.copy()
    effects[:, :, 2] = 100 * RNG.normal(size=(len(D), 3))
    other = with_effects(effects)
    assert_array_equal(fit(other, [0.0, 1.0, 5.0]).labels_, expected.labels_)
    assert_array_equal(expected.predict(other), expected.labels_)
    assert_array_equal(fit(other, {2: 5.0, 0: 0.0, 1: 1.0}).labels_, expected.labels_)
    without = fit(
        with_effects(EFFECTS[:, :, :2]), [0.0, 1.0, 5.0], {"treatment": ROWS["treatment"]}
    )
    assert_array_equal(without.labels_, expected.labels_)
    assert adjusted_rand_score(fit(D, None).labels_, expected.labels_) < 0.9


def planted(n_samples, leading, seed):
    """Return X, y, rows and groups: four directions of effects, two arms with cost.

    The groups are a function of two small hidden columns; `leading` is the spread
    of four that have nothing to do with effects.
    """
    rng = np.random.default_rng(seed)
    group = rng.integers(4, size=n_samples)
    small = np.column_stack([group % 2, group // 2]) * 2 - 1 + 0.1 * rng.normal(size=(n_samples, 2))
    hidden = np.hstack([leading * rng.normal(size=(n_samples, 4)), small])
    angle = np.pi / 2 * group + 0.1 * rng.normal(size=n_samples)
    size = rng.lognormal(size=n_samples)
    outcomes = rng.normal(size=(n_samples, 1, 2)) * np.ones((1, 2, 1))
    outcomes[:, 1] += (size * np.array([np.cos(angle), np.sin(angle)])).T
    rows = {"treatment": rng.integers(2, size=n_samples), "cost": rng.random(n_samples)}
    X = np.hstack([hidden, outcomes.reshape(n_samples, 4)])
    return X, rng.normal(size=n_samples), rows, group


@pytest.mark.parametrize("seed", range(3))
def test_effects_recovers_groups_that_hidden_does_not_show(seed):
    X, y, rows, group = planted(1500, 1.0, seed)
    X[:, :6] = np.random.default_rng(seed).normal(size=(1500, 6))
    score = {m: adjusted_rand_score(fit_four(X, y, rows, m).labels_, group) for m in METRICS}
    assert score["effects"] > 0.95
    assert max(score["euclidean"], score["decision"]) < 0.1


@pytest.mark.parametrize("seed", range(3))
def test_decision_recovers_groups_that_the_leading_hidden_columns_hide(seed):
    X, y, rows, group = planted(1500, 3.0, seed)
    clusterer = fit_four(X, y, rows, "decision")
    assert adjusted_rand_score(clusterer.labels_, group) > 0.9
    assert adjusted_rand_score(fit_four(X, y, rows, "euclidean").labels_, group) < 0.1
    fresh, _, _, fresh_group = planted(1500, 3.0, seed + 100)
    assert adjusted_rand_score(clusterer.predict(fresh), fresh_group) > 0.9


def fit_four(X, y, rows, metric):
    return fitted(X, y, rows, metric=metric, n_clusters=4)


def test_metrics_use_their_columns_only():
    other_outcomes, other_hidden = D.copy(), D.copy()
    other_outcomes[:, 2:] = D[::-1, 2:]
    other_hidden[:, :2] = D[::-1, :2]
    for metric in METRICS:
        clusterer = fitted_once(metric)
        same, other = other_outcomes, other_hidden
        if metric in ("regret", "effects"):
            same, other = other, same
        assert_array_equal(clusterer.predict(same), clusterer.labels_)
        assert (clusterer.predict(other) != clusterer.labels_).mean() > 0.3


def test_rows_count_by_what_is_at_stake():
    # one direction has large effects, the other small ones: a single centre is near the former
    effects = np.zeros((len(D), 3, 3))
    large = np.arange(len(D)) % 2 == 0
    effects[large, 0, 0], effects[~large, 1, 0] = 100.0, 1.0
    (center,) = fitted(with_effects(effects), metric="effects", n_clusters=1).cluster_centers_
    directions = effects[:, :, 0] - effects[:, :, 0].mean(axis=1, keepdims=True)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert_allclose(center[:3], directions[0], atol=0.05)


ONES = np.ones(len(Z))
BAD = [
    ("NaN", {"X": Z * np.nan}),
    (r"X is expected to have more than 9 columns \(3 arms x 3 tasks .* got 9;", {"X": Z[:, 2:]}),
    ("y is expected along with treatment", {"y": None}),
    ("y is expected to be numeric", {"y": ["a"] * len(Z)}),
    ("y is expected to be finite", {"y": ONES * np.inf}),
    ("y is expected to have one entry", {"y": Y[1:]}),
    ("treatment is expected to have at least two", {"treatment": ONES}),
    ("treatment is expected to have a label", {"treatment": [None] * len(Z)}),
    ("treatment is expected to have one entry", {"treatment": [0, 1]}),
    ("cost is expected to be finite", {"cost": ONES * np.nan}),
    ("propensity is expected to be in", {"propensity": 0 * ONES}),
    ("sample_weight is expected to be non-neg", {"sample_weight": -ONES}),
    ("sample_weight is expected to have a positive", {"sample_weight": 0 * ONES}),
    ("propensity is expected to be in", {"treatment": None, "propensity": 0 * ONES}),
    ("cost is expected to be numeric", {"treatment": None, "cost": ["a"] * len(Z)}),
]
BAD_PARAMETERS = {
    "n_clusters": [0, -1, 2.5, "many", 241],
    "metric": ["manhattan", None, 1],
    "objective": [99, "nope", [], {"y0": np.nan}, 0.5],
    "arm_cost": [[1.0], {"a": 1}, [0.0, 1.0, np.nan], 3.0],
    "outcomes": ["yes", 2],
    "random_state": ["seed"],
}


@ANY_METRIC
@pytest.mark.parametrize(("message", "changes"), BAD, ids=lambda value: str(value)[:30])
def test_bad_input_leaves_a_fitted_estimator_alone(message, changes, metric):
    clusterer = copy.deepcopy(fitted_once(metric))
    before = dict(vars(clusterer))
    given = {"X": D, "y": Y, **ROWS, **changes}
    for fit in (clusterer.fit, clusterer.fit_predict, clusterer.fit_transform):
        arguments = dict(given)
        with pytest.raises(ValueError, match=message):
            fit(arguments.pop("X"), arguments.pop("y"), **arguments)
        assert_same_state(clusterer, before)


@ANY_METRIC
@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in BAD_PARAMETERS for value in BAD_PARAMETERS[name]]
)
def test_bad_parameters(name, value, metric):
    clusterer = copy.deepcopy(fitted_once(metric)).set_params(**{name: value})
    before = dict(vars(clusterer))
    with pytest.raises(ValueError, match=name):
        clusterer.fit(D, Y, **ROWS)
    assert_same_state(clusterer, before)


def test_every_parameter_has_bad_values():
    assert BAD_PARAMETERS.keys() == HiddenClusterer().get_params().keys()


@pytest.mark.parametrize("n_rows", [3, 4, 5])
def test_too_few_rows_for_a_decision_metric(n_rows):
    rows = {name: values[:n_rows] for name, values in ROWS.items()}
    clusterer = fitted(Z[:n_rows], Y[:n_rows], rows, metric="decision")
    assert clusterer.metric_ == "euclidean"
    assert len(set(clusterer.labels_)) == 3
