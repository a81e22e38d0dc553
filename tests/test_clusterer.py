"""The clusterer: which columns it clusters, weights, dtypes, inputs of every kind."""

import pickle

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from small_experiments import assert_same_state, small_experiment

from sklearn_hrc import HiddenClusterer, MultiTaskRepresenter, _clusterer
from sklearn_hrc._clusterer import resolve_n_clusters

RAW, Y, ROWS = small_experiment()
# two hidden columns in three groups, then expected outcomes: 3 arms x (2 outcomes + cost)
GROUP = np.arange(len(RAW)) % 3
RNG = np.random.default_rng(0)
H = np.column_stack([GROUP == 1, GROUP == 2]) * 10 + RNG.normal(size=(len(RAW), 2))
Z = np.hstack([H, 1e6 * RNG.normal(size=(len(RAW), 9))])


def fitted(X=Z, y=Y, rows=ROWS, **parameters):
    return HiddenClusterer(**{"n_clusters": 3, "random_state": 0, **parameters}).fit(X, y, **rows)


def assert_finds_groups(labels):
    assert len({*zip(labels, GROUP)}) == 3


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


def test_centres_are_those_of_kmeans():
    kmeans = KMeans(3, n_init=1, random_state=0).fit(H)
    clusterer = fitted(H, None, {})
    assert_allclose(clusterer.cluster_centers_, kmeans.cluster_centers_)
    assert_array_equal(clusterer.predict(H), kmeans.predict(H))


@pytest.mark.parametrize("rows", [ROWS, {}])
def test_fit_and_the_training_rows_agree(rows):
    clusterer = fitted(rows=rows, n_clusters=20)
    again = clone(clusterer)
    assert_array_equal(clusterer.predict(Z), clusterer.labels_)
    assert_array_equal(again.fit_predict(Z, Y, **rows), clusterer.labels_)
    assert_array_equal(again.fit_transform(Z, Y, **rows), clusterer.transform(Z))
    assert_array_equal(pickle.loads(pickle.dumps(clusterer)).predict(Z), clusterer.labels_)
    assert_array_equal(FrozenEstimator(clusterer).fit(-Z, Y).predict(Z), clusterer.labels_)
    alone = [clusterer.predict(Z[[row]])[0] for row in range(30)]
    assert_array_equal(alone, clusterer.labels_[:30])


@pytest.mark.parametrize("fit_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes(fit_dtype, dtype):
    clusterer = fitted(Z.astype(fit_dtype))
    assert clusterer.cluster_centers_.dtype == fit_dtype
    out = clusterer.transform(Z.astype(dtype))
    assert out.dtype == dtype
    assert_finds_groups(out[:, 0])
    assert_array_equal(out[:, 1:], Z.astype(dtype))
    assert np.issubdtype(clusterer.predict(Z.astype(dtype)).dtype, np.integer)


def test_labels_are_exact_in_float32(monkeypatch):
    assert np.float32(_clusterer.MAX_FLOAT32_LABEL) == _clusterer.MAX_FLOAT32_LABEL
    assert np.float32(_clusterer.MAX_FLOAT32_LABEL + 1) == _clusterer.MAX_FLOAT32_LABEL
    monkeypatch.setattr(_clusterer, "MAX_FLOAT32_LABEL", 2)
    with pytest.raises(ValueError, match="at most 2 for float32 X"):
        fitted(Z.astype(np.float32))
    assert fitted().n_clusters_ == 3


def test_rows_without_weight_have_no_influence():
    rng = np.random.default_rng(1)
    places = np.sort(rng.choice(2 * len(Z), len(Z), replace=False))
    many = rng.normal(size=(2 * len(Z), 2)) * 50
    weight = np.zeros(2 * len(Z))
    many[places], weight[places] = H, 0.5
    expected = fitted(H, None, {}, n_clusters=15)
    clusterer = fitted(many, None, {"sample_weight": weight}, n_clusters=15)
    assert_allclose(clusterer.cluster_centers_, expected.cluster_centers_)
    assert_array_equal(clusterer.labels_[places], expected.labels_)
    assert len(clusterer.labels_) == 2 * len(Z)  # every row has its nearest cluster
    weight[places[20:]] = 0
    with pytest.raises(ValueError, match="at most the number of rows with weight, n_samples=20"):
        fitted(many, None, {"sample_weight": weight}, n_clusters=21)


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


def test_set_output():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(Z, columns=[f"c{i}" for i in range(11)])
    out = fitted(frame).set_output(transform="pandas").transform(frame)
    assert out.columns.tolist() == ["cluster", *frame.columns]
    assert_array_equal(out["cluster"], fitted().labels_)


def test_metadata_is_requested_by_default():
    names = ["treatment", "cost", "propensity", "sample_weight"]
    requests = HiddenClusterer().get_metadata_routing().fit.requests
    assert requests == dict.fromkeys(names, True)


def test_with_and_without_routing():
    pipeline = make_pipeline(
        MultiTaskRepresenter(n_networks=1, n_components=4, max_epochs=1, random_state=0),
        HiddenClusterer(5, random_state=0),
    )
    prefixed = {f"{step}__{name}": ROWS[name] for step, _ in pipeline.steps for name in ROWS}
    with sklearn.config_context(enable_metadata_routing=False):
        expected = pipeline.fit_transform(RAW, Y, **prefixed)
    with sklearn.config_context(enable_metadata_routing=True):
        assert_array_equal(pipeline.fit_transform(RAW, Y, **ROWS), expected)
    assert pipeline[-1].cluster_centers_.shape == (5, 4)
    assert pipeline.get_feature_names_out().tolist()[:2] == ["cluster", "hidden0"]


@pytest.mark.parametrize("labels", [["a", "b", "c"], [0.5, 1.5, 2.5]])
def test_other_labels_and_read_only_arrays(labels):
    arrays = [Z.copy(), Y.copy(), np.array(labels)[ROWS["treatment"]], ROWS["cost"].copy()]
    for array in arrays:
        array.flags.writeable = False
    rows = {"treatment": arrays[2], "cost": arrays[3]}
    assert_array_equal(fitted(arrays[0], arrays[1], rows).labels_, fitted().labels_)


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
    "metric": ["manhattan", None],
    "outcomes": ["yes", 2],
    "random_state": ["seed"],
}


@pytest.mark.parametrize(("message", "changes"), BAD, ids=lambda value: str(value)[:30])
def test_bad_input_leaves_a_fitted_estimator_alone(message, changes):
    clusterer = fitted()
    before = dict(vars(clusterer))
    given = {"X": Z, "y": Y, **ROWS, **changes}
    for fit in (clusterer.fit, clusterer.fit_predict, clusterer.fit_transform):
        arguments = dict(given)
        with pytest.raises(ValueError, match=message):
            fit(arguments.pop("X"), arguments.pop("y"), **arguments)
        assert_same_state(clusterer, before)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in BAD_PARAMETERS for value in BAD_PARAMETERS[name]]
)
def test_bad_parameters(name, value):
    clusterer = fitted().set_params(**{name: value})
    before = dict(vars(clusterer))
    with pytest.raises(ValueError, match=name):
        clusterer.fit(Z, Y, **ROWS)
    assert_same_state(clusterer, before)


def test_every_parameter_has_bad_values():
    assert BAD_PARAMETERS.keys() == HiddenClusterer().get_params().keys()
