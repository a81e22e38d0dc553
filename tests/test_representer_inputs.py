"""The representer: inputs of every kind, weights, interruptions and failed fits."""

import copy
import warnings

import numpy as np
import pytest
import sklearn
from helpers.small_experiments import assert_same_state, small_experiment
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import MultiTaskRepresenter
from sklearn_hrc._predictor.network_steps import Net
from sklearn_hrc.exceptions import DivergenceError

X, Y, ROWS = small_experiment()
SMALL = {"n_networks": 2, "n_components": 5, "max_epochs": 2, "random_state": 0}


def fitted(X=X, y=Y, rows=ROWS, **parameters):
    return MultiTaskRepresenter(**{**SMALL, **parameters}).fit(X, y, **rows)


@pytest.fixture(scope="module")
def trained():
    return fitted(max_epochs=1)


@pytest.fixture(scope="module")
def outcomes():
    return fitted().predict_outcomes(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_read_only_arrays(dtype, order):
    arrays = [np.array(X, dtype=dtype, order=order), Y.copy(), *(v.copy() for v in ROWS.values())]
    for array in arrays:
        array.flags.writeable = False
    rows = dict(zip(ROWS, arrays[2:]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fitted(arrays[0], arrays[1], rows)
    assert_array_equal(
        model.transform(arrays[0]), fitted(X.astype(dtype)).transform(X.astype(dtype))
    )


def test_frames(outcomes):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    y = pd.DataFrame(Y, columns=["spend", "visit"])
    model = fitted(frame, y, {name: pd.Series(values) for name, values in ROWS.items()})
    assert model.feature_names_in_.tolist() == list("abcd")
    assert model.task_names_ == ["spend", "visit", "cost"]
    assert model.get_feature_names_out()[-1] == "cost@2"
    assert_array_equal(model.predict_outcomes(frame), outcomes)
    with pytest.raises(ValueError, match="feature names should match"):
        model.transform(frame[list("dcba")])


def test_string_treatments(outcomes):
    labels = np.array(["a-none", "b-mail", "c-call"])
    model = fitted(rows={**ROWS, "treatment": labels[ROWS["treatment"]].tolist()})
    assert_array_equal(model.treatments_, labels)
    assert model.get_feature_names_out()[-1] == "cost@c-call"
    assert_array_equal(model.predict_outcomes(X), outcomes)


def test_one_arm_without_treatment_or_cost():
    model = fitted(y=Y[:, 1], rows={})
    assert model.predict_outcomes(X).shape == (len(X), 1, 1)
    assert model.get_feature_names_out()[-1] == "y@0"


def test_propensity_is_checked_only(outcomes):
    model = fitted(rows={**ROWS, "propensity": np.linspace(0.1, 1, len(X))})
    assert_array_equal(model.predict_outcomes(X), outcomes)


def test_rows_without_weight_have_no_influence(outcomes):
    rng = np.random.default_rng(0)
    places = np.sort(rng.choice(2 * len(X), len(X), replace=False))
    many, y = rng.normal(size=(2 * len(X), 4)) * 9, rng.normal(size=(2 * len(X), 2)) * 9
    rows = {
        "treatment": rng.integers(0, 3, 2 * len(X)),
        "cost": rng.random(2 * len(X)),
        "sample_weight": np.zeros(2 * len(X)),
    }
    many[places], y[places] = X, Y
    for name in ROWS:
        rows[name][places] = ROWS[name]
    rows["sample_weight"][places] = 2.0
    assert_allclose(fitted(many, y, rows).predict_outcomes(X), outcomes, rtol=1e-12)


def test_weights_have_influence(outcomes):
    weight = np.where(ROWS["treatment"] == 1, 5.0, 1.0)
    assert not np.allclose(
        fitted(rows={**ROWS, "sample_weight": weight}).predict_outcomes(X), outcomes
    )


def test_metadata_is_requested_by_default():
    names = ["treatment", "cost", "propensity", "sample_weight", "groups"]
    requests = MultiTaskRepresenter().get_metadata_routing().fit.requests
    assert requests == dict.fromkeys(names, True)


def test_with_and_without_routing():
    pipeline = make_pipeline(StandardScaler(), MultiTaskRepresenter(**SMALL))
    prefixed = {f"multitaskrepresenter__{name}": values for name, values in ROWS.items()}
    with sklearn.config_context(enable_metadata_routing=False):
        expected = pipeline.fit_transform(X, Y, **prefixed)
    with sklearn.config_context(enable_metadata_routing=True):
        assert_array_equal(pipeline.fit_transform(X, Y, **ROWS), expected)
    assert expected.shape == (len(X), 5 + 3 * 9)


def interrupt(monkeypatch, n_epochs):
    """Press Ctrl-C while networks train, after some epochs."""
    run_single_epoch, calls = Net.run_single_epoch, []

    def interrupted(self, iterator, *args, **kwargs):
        calls.append(iterator)
        if len([call for call in calls if call is not None]) > n_epochs:
            raise KeyboardInterrupt
        return run_single_epoch(self, iterator, *args, **kwargs)

    monkeypatch.setattr(Net, "run_single_epoch", interrupted)


def test_interruption_of_the_first_epoch(monkeypatch):
    model = fitted()
    before = dict(vars(model))
    interrupt(monkeypatch, 0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(-X, Y, **ROWS)
    assert_same_state(model, before)
    new = MultiTaskRepresenter(**SMALL)
    before = dict(vars(new))
    with pytest.raises(KeyboardInterrupt):
        new.fit(X, Y, **ROWS)
    assert_same_state(new, before)


def test_interruption_of_a_later_epoch(monkeypatch):
    whole = fitted(max_epochs=2)
    interrupt(monkeypatch, 2)
    message = r"^Interrupted in epoch 3 of 60: the networks are used as they are\.$"
    with pytest.warns(UserWarning, match=message) as caught:
        model = MultiTaskRepresenter(**{**SMALL, "max_epochs": 60}).fit(X, Y, **ROWS)
    assert caught[0].filename == __file__
    assert model.history_ == whole.history_
    assert_array_equal(model.transform(X), whole.transform(X))


NAN, INF, MISSING = X.copy(), X.copy(), ROWS["treatment"].astype(float)
NAN[3, 1], INF[3, 1], MISSING[3] = np.nan, np.inf, np.nan
ONES = np.ones(len(X))
BAD = [
    ("NaN", {"X": NAN}),
    ("infinity", {"X": INF}),
    ("X has 1 sample|y is expected", {"X": X[:1]}),
    ("2D array", {"X": X[0]}),
    ("y is expected to be finite", {"y": Y * np.nan}),
    ("y is expected to be numeric", {"y": ["a"] * len(X)}),
    ("y is expected to have one entry", {"y": Y[1:]}),
    ("requires y to be passed", {"y": None}),
    ("treatment is expected to have a label", {"treatment": MISSING}),
    ("treatment is expected to have at least two", {"treatment": ONES}),
    ("treatment is expected to have one entry", {"treatment": [0, 1]}),
    ("cost is expected to be finite", {"cost": ONES * np.inf}),
    ("propensity is expected to be in", {"propensity": ONES * 1.5}),
    ("sample_weight is expected to be non-neg", {"sample_weight": -ONES}),
    ("sample_weight is expected to have a positive", {"sample_weight": 0 * ONES}),
]
BAD_PARAMETERS = {
    "hidden_layer_sizes": [64, "64", (), (0,), (8, -1), (8.5,), [[8], [8]]],
    "n_networks": [0, 1.5, None],
    "n_components": [0, -1, 2.0],
    "outcomes": ["yes", 2],
    "members": ["pooled", ["forest"], ["pooled", "pooled"], None],
    "max_epochs": [0, None, 1.5],
    "batch_size": [0, "large", 1.5],
    "lr": [0, -1.0, "auto", np.nan],
    "device": [None, 0, "abacus"],
    "random_state": ["seed", -1],
    "verbose": ["yes", -1],
}


@pytest.mark.parametrize(("message", "changes"), BAD, ids=lambda value: str(value)[:30])
def test_bad_input_leaves_a_fitted_estimator_alone(trained, message, changes):
    model = copy.deepcopy(trained)
    before = dict(vars(model))
    given = {"X": X, "y": Y, **ROWS, **changes}
    with pytest.raises(ValueError, match=message):
        model.fit(given.pop("X"), given.pop("y"), **given)
    assert_same_state(model, before)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in BAD_PARAMETERS for value in BAD_PARAMETERS[name]]
)
def test_bad_parameters(trained, name, value):
    model = copy.deepcopy(trained).set_params(**{name: value})
    before = dict(vars(model))
    with pytest.raises(
        ValueError, match=name if name != "random_state" else "random_state|[Ss]eed"
    ):
        model.fit(X, Y, **ROWS)
    assert_same_state(model, before)


def test_every_parameter_has_bad_values():
    assert BAD_PARAMETERS.keys() == MultiTaskRepresenter().get_params().keys()


def test_divergence_leaves_a_fitted_estimator_alone():
    model = fitted()
    before = dict(vars(model), lr=1e30)
    with pytest.raises(DivergenceError, match="lower lr, got lr="):
        model.set_params(lr=1e30).fit(X, Y, **ROWS)
    assert_same_state(model, before)


def test_an_outcome_may_not_be_called_cost_beside_a_cost():
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="no column named 'cost'"):
        fitted(y=pd.DataFrame({"cost": np.arange(len(X))}))


def test_an_arm_with_fewer_rows_than_folds_is_named():
    labels = np.array(["none", "small", "large"])[ROWS["treatment"]]
    rare = np.flatnonzero(labels == "small")
    kept = np.setdiff1d(np.arange(len(X)), rare[4:])
    message = r"^treatment is expected to have at least 5 rows of every arm, .* got 4 of 'small'\.$"
    with pytest.raises(ValueError, match=message):
        MultiTaskRepresenter(n_networks=2).fit(X[kept], Y[kept], treatment=labels[kept])
