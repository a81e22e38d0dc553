"""The representer: layout, reproducibility, dtypes, persistence, resolved sizes."""

import subprocess
import sys

import joblib
import numpy as np
import pytest
from helpers.small_experiments import small_experiment
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import MultiTaskRepresenter
from sklearn_hrc._columns import count_networks
from sklearn_hrc._predictor import networks
from sklearn_hrc._predictor.encoding import encode
from sklearn_hrc._predictor.folds import deal_folds, resolve_batch_size
from sklearn_hrc._predictor.pooled import fit_pooled
from sklearn_hrc._predictor.stack import combine
from sklearn_hrc._predictor.tasks import to_outcomes
from sklearn_hrc.datasets import make_coupon_experiment

X, Y, ROWS = small_experiment()
SMALL = {"n_networks": 2, "n_components": 5, "max_epochs": 3, "random_state": 0}


def fitted(X=X, y=Y, rows=ROWS, **parameters):
    return MultiTaskRepresenter(**{**SMALL, **parameters}).fit(X, y, **rows)


@pytest.fixture(scope="module")
def representer():
    return fitted()


def test_layout(representer):
    Z, outcomes = representer.transform(X), representer.predict_outcomes(X)
    assert outcomes.shape == (len(X), 3, 3)
    assert Z.shape == (len(X), 5 + 2 * 9 + 9)
    assert_array_equal(Z[:, -9:], outcomes.reshape(len(X), -1))
    assert representer.task_names_ == ["y0", "y1", "cost"]
    assert_array_equal(representer.treatments_, [0, 1, 2])
    names = ["hidden0", "hidden1", "hidden2", "hidden3", "hidden4"]
    outcomes = [f"{task}@{arm}" for arm in range(3) for task in ("y0", "y1", "cost")]
    names += [f"{name}-network{network}" for network in range(2) for name in outcomes] + outcomes
    assert representer.get_feature_names_out().tolist() == names


def links_of(model, rows):
    """Links of the pooled model, the trees and the networks."""
    predictor, columns = model._predictor, encode(rows, model._encoding)
    return [member.links(columns) for member in (*predictor.others, predictor.networks)]


def outcomes_of(links, model):
    return to_outcomes(combine(links, model._predictor.stack), model._predictor.components)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_deviations_are_those_of_models_alone(dtype):
    model = fitted(n_networks=3)
    rows = X.astype(dtype)
    deviations = model.transform(rows)[:, 5:-9].reshape(len(X), 3, 3, 3)
    alone = [outcomes_of([part[m] for part in links_of(model, rows)], model) for m in range(3)]
    rounding = 1e-4 if dtype == np.float32 else 1e-12
    expected = np.array(alone) - np.mean(alone, axis=0)
    assert_allclose(np.moveaxis(deviations, 1, 0), expected, rtol=rounding, atol=rounding)
    assert_array_equal(deviations[:, :, 0, 2], 0.0)  # the free arm
    assert (np.ptp(deviations[:, :, 1:], axis=0) > 0).all()
    assert count_networks(model.transform(rows)[:, :-9], 9, np.ones(len(X))) == 3


def test_one_network_does_not_deviate():
    alone = fitted(n_networks=1)
    assert alone.transform(X).shape == (len(X), 5 + 9)
    assert len(alone.get_feature_names_out()) == 5 + 9


def test_without_outcomes(representer):
    hidden = fitted(outcomes=False)
    assert hidden.get_feature_names_out().tolist() == [f"hidden{i}" for i in range(5)]
    assert_array_equal(hidden.transform(X), representer.transform(X)[:, :5])


def test_hidden_columns_are_principal_components(representer):
    H = representer.transform(X)[:, :5]
    assert_allclose(H.mean(axis=0), 0, atol=1e-9)
    covariance = np.cov(H.T, bias=True)
    assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-9)
    share = representer.explained_variance_ratio_
    assert (np.diff(share) <= 0).all()
    assert_allclose(share / share[0], np.diag(covariance) / covariance[0, 0])
    # two hidden layers, and the combined links
    full = fitted(n_components=1000)
    assert full.n_components_ == 2 * 32 + full._predictor.components.source.size
    assert_allclose(full.explained_variance_ratio_.sum(), 1)
    assert (full.explained_variance_ratio_ >= 0).all()


def test_reproducible_to_the_bit(representer):
    Z = representer.transform(X)
    assert_array_equal(fitted().transform(X), Z)
    assert_array_equal(clone(representer).fit(X, Y, **ROWS).transform(X), Z)
    assert_array_equal(fitted(random_state=np.random.RandomState(0)).transform(X), Z)
    assert not np.allclose(fitted(random_state=1).transform(X), Z)


def test_global_random_state_is_left_alone():
    import torch

    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    fitted(max_epochs=1)
    assert torch.equal(before[0], torch.get_rng_state())
    assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_free_arm_is_predicted_as_free(representer):
    outcomes = representer.predict_outcomes(X)
    assert (outcomes[:, 0, 2] == 0).all()
    assert (np.ptp(outcomes[:, 1:], axis=0) > 0).all()
    assert ((outcomes[:, :, 1] > 0) & (outcomes[:, :, 1] < 1)).all()  # a probability


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_tasks_are_exact(dtype):
    y = np.column_stack([Y[:, 0], np.full(len(X), 0.1)])
    with pytest.warns(UserWarning, match=r"^Nothing is learnt of y1: it has one value in all"):
        constant = fitted(y=y, n_networks=3, max_epochs=1)
    outcomes = constant.predict_outcomes(X.astype(dtype))
    assert (outcomes[:, :, 1] == dtype(0.1)).all()


def test_only_constant_tasks():
    rows = {"treatment": ROWS["treatment"], "cost": ROWS["treatment"] * 0.3}
    with pytest.warns(UserWarning, match="Nothing is learnt of y:"):
        outcomes = fitted(y=np.zeros(len(X)), rows=rows, max_epochs=1).predict_outcomes(X)
    assert_array_equal(outcomes, np.broadcast_to([[0, 0.0], [0, 0.3], [0, 0.6]], (len(X), 3, 2)))


def test_expected_outcomes_combine_the_members(representer):
    links = links_of(representer, X)
    assert [part.shape[:3] for part in links] == [(2, len(X), 3)] * 3
    expected = outcomes_of([part.mean(axis=0) for part in links], representer)
    assert_allclose(representer.predict_outcomes(X), expected, rtol=1e-12)
    assert_array_equal(
        representer.transform(X)[:, -9:],
        representer.predict_outcomes(X).reshape(len(X), -1),
    )
    for part in links:
        alone = to_outcomes(part.mean(axis=0), representer._predictor.components)
        assert not np.allclose(expected, alone)


def test_networks_alone():
    model = fitted(members=())
    assert model._predictor.others == []
    (links,) = links_of(model, X)
    assert_allclose(model.predict_outcomes(X), outcomes_of([links.mean(axis=0)], model))
    for network, other in zip(model.networks_, fitted().networks_):
        assert_array_equal(network.base[0], other.base[0])


def test_members_learn_from_the_same_folds(monkeypatch):
    seen = []

    def recorded(rows):
        seen.append(rows)
        return fit_pooled(rows)

    monkeypatch.setattr("sklearn_hrc._predictor.predictor.fit_pooled", recorded)
    fitted()
    (rows,) = seen
    assert_array_equal(rows.fold, deal_folds(ROWS["treatment"], 2, np.random.RandomState(0)))


def test_failing_member_is_left_out_with_a_warning(monkeypatch):
    def failing(rows):
        raise np.linalg.LinAlgError("It did not converge.")

    monkeypatch.setattr("sklearn_hrc._predictor.predictor.fit_pooled", failing)
    message = "Left out: the partially pooled model failed. It did not conv"
    with pytest.warns(UserWarning, match=message) as caught:
        model = fitted()
    assert caught[0].filename == __file__
    expected = fitted(members=()).predict_outcomes(X)
    # Networks train in single precision, and not to the same bits everywhere.
    assert_allclose(model.predict_outcomes(X), expected, rtol=1e-6, atol=1e-6)


def test_without_held_out_rows_the_prior_combines():
    few, y, rows = small_experiment(9)
    stack = fitted(few, y, rows)._predictor.stack
    # the pooled model, the trees and the networks
    n_components = stack.base_weight.shape[1]
    assert_array_equal(stack.base_weight, np.tile([[0.5], [0.0], [0.5]], n_components))
    assert_array_equal(stack.effect_weight, np.tile([[1.0], [0.0], [0.0]], n_components))


def test_groups_are_held_out_as_a_whole():
    households = np.arange(len(X)) // 3
    labels = np.array([f"H{household:03d}" for household in households])
    model, other = fitted(rows={**ROWS, "groups": labels}), fitted()
    folds = deal_folds(ROWS["treatment"], 2, np.random.RandomState(0), households)
    assert (folds.reshape(-1, 3) == folds[::3, None]).all()
    assert not np.array_equal(model.predict_outcomes(X), other.predict_outcomes(X))
    # groups of one row are the same as none
    single = fitted(rows={**ROWS, "groups": np.arange(len(X))[::-1]})
    assert single.predict_outcomes(X).shape == other.predict_outcomes(X).shape


def coupons():
    """Orders and gmv, and coupons whose face value is paid where there is an order."""
    rng = np.random.default_rng(1)
    orders = (rng.random(len(X)) < 1 / (1 + np.exp(-X[:, 2]))).astype(float)
    y = np.column_stack([orders, orders * rng.lognormal(3, 0.5, len(X))])
    face_value = np.array([0.0, 5.0, 10.0])
    return y, {**ROWS, "cost": face_value[ROWS["treatment"]] * orders}, face_value


def test_face_value_times_chance_is_the_cost():
    y, rows, face_value = coupons()
    model = fitted(y=y, rows=rows)
    outcomes = model.predict_outcomes(X)
    assert_array_equal(outcomes[:, 0, 2], 0)
    assert_allclose(outcomes[..., 2], outcomes[..., 0] * face_value, rtol=1e-12)
    # an order is an order also in the gmv: the amount given an order is what is left
    amount = outcomes[..., 1] / outcomes[..., 0]
    bought = y[:, 1][y[:, 0] == 1]
    assert ((amount > bought.min()) & (amount < bought.max())).all()


def test_discount_is_a_share_of_the_basket():
    y, rows, _ = coupons()
    share = np.array([0.0, 0.05, 0.2])
    rows["cost"] = np.round(share[ROWS["treatment"]] * y[:, 1], 2)
    outcomes = fitted(y=y, rows=rows).predict_outcomes(X)
    assert_array_equal(outcomes[:, 0, 2], 0)
    ratio = outcomes[:, 1:, 2] / outcomes[:, 1:, 1]
    assert_allclose(ratio, np.tile(share[1:], (len(X), 1)), rtol=2e-3)
    assert (np.ptp(ratio, axis=0) < 1e-12).all()


def test_arm_in_which_nothing_is_learnt():
    y, rows, _ = coupons()
    y[ROWS["treatment"] == 2] = 0
    rows["cost"] = np.where(ROWS["treatment"] == 2, 1.5, rows["cost"])
    model = fitted(y=y, rows=rows)
    outcomes = model.predict_outcomes(X)
    assert_array_equal(outcomes[:, 2], np.tile([0, 0, 1.5], (len(X), 1)))
    assert_array_equal(outcomes[:, 0, 2], 0)
    assert_allclose(outcomes[:, 1, 2], 5 * outcomes[:, 1, 0], rtol=1e-12)
    assert (np.ptp(outcomes[:, :2, 0], axis=0) > 0).all()
    # no effect was learnt there, and the other arms' base is theirs alone
    for network in model.networks_:
        assert all((array.reshape(3, -1)[2] == 0).all() for array in network.effect)
    assert (model._predictor.stack.share[2] == 0).all()
    assert np.isfinite(model.transform(X)).all()


def test_dtype_is_kept():
    single = fitted(X.astype(np.float32))
    double = fitted(X.astype(np.float32).astype(np.float64))
    for one in (single, double):
        for dtype in (np.float32, np.float64):
            assert one.transform(X.astype(dtype)).dtype == dtype
            assert one.predict_outcomes(X.astype(dtype)).dtype == dtype
    # the networks are the same, and so is what they predict up to rounding
    assert_allclose(
        single.predict_outcomes(X.astype(np.float32)),
        double.predict_outcomes(X),
        rtol=1e-4,
        atol=1e-6,
    )


def test_batch_and_alone_agree(representer, monkeypatch):
    # a coordinate near zero is a difference of larger numbers
    near = {"rtol": 1e-9, "atol": 1e-10}
    Z, outcomes = representer.transform(X), representer.predict_outcomes(X)
    for row in (0, 17):
        assert_allclose(representer.transform(X[row : row + 1]), Z[row : row + 1], **near)
        assert_allclose(representer.predict_outcomes(X[[row]])[0], outcomes[row], rtol=1e-9)
    for module in ("_representer", "_predictor.representation"):
        monkeypatch.setattr(f"sklearn_hrc.{module}.FORWARD_ROWS", 50)
    assert_allclose(representer.transform(X), Z, **near)
    assert_allclose(representer.predict_outcomes(X), outcomes, rtol=1e-9)
    assert_allclose(np.abs(fitted().transform(X)), np.abs(Z), rtol=1e-6)


def test_set_output(representer):
    pytest.importorskip("pandas")
    frame = fitted(max_epochs=1).set_output(transform="pandas").transform(X)
    assert frame.columns.tolist() == representer.get_feature_names_out().tolist()


def test_predicts_from_a_file_without_torch(representer, tmp_path):
    import pickle

    (tmp_path / "model.pkl").write_bytes(pickle.dumps(representer))
    joblib.dump(representer, tmp_path / "model.joblib")
    np.save(tmp_path / "X.npy", X)
    code = (
        "import joblib, numpy, pickle, sys; X = numpy.load('X.npy');"
        "models = [pickle.load(open('model.pkl', 'rb')), joblib.load('model.joblib')];"
        "numpy.save('Z.npy', [model.transform(X) for model in models]);"
        "assert not {'torch', 'skorch', 'mip'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    for Z in np.load(tmp_path / "Z.npy"):
        assert_allclose(Z, representer.transform(X), rtol=1e-12)


def test_frozen(representer):
    frozen = FrozenEstimator(representer).fit(X[:10], Y[:10])
    assert_array_equal(frozen.transform(X), representer.transform(X))


@pytest.mark.parametrize(
    ("n_samples", "n_networks", "n_components", "held_out"),
    [(2, 1, 2, False), (9, 1, 9, False), (15, 1, 12, True), (45, 2, 12, True), (90, 3, 12, True)],
)
def test_sizes_shrink_to_the_rows(n_samples, n_networks, n_components, held_out):
    X, y, rows = small_experiment(n_samples)
    small = fitted(X, y, rows, hidden_layer_sizes=(6,), n_networks=3, n_components=12, max_epochs=1)
    assert small.n_networks_ == len(small.networks_) == len(small.history_) == n_networks
    assert small.n_components_ == n_components
    assert all(("valid_loss" in epoch) == held_out for epoch in small.history_[0])
    assert small.transform(X).shape[1] == small.get_feature_names_out().size


def test_folds():
    arm = np.repeat([0, 1, 2], [50, 30, 21])
    folds = deal_folds(arm, 5, np.random.RandomState(0))
    table = np.array([[np.sum((arm == j) & (folds == m)) for m in range(5)] for j in range(3)])
    assert (np.ptp(table, axis=1) <= 1).all()
    assert np.ptp(table.sum(axis=0)) <= 1
    assert resolve_batch_size("auto", 59_999) == 512
    assert resolve_batch_size("auto", 60_000) == 1024
    assert resolve_batch_size(7, 60_000) == 7


def test_networks_see_ranks_with_tails(monkeypatch):
    seen = []
    train_side_by_side = networks.train_side_by_side

    def recorded(features, *args, **kwargs):
        seen.append(features)
        return train_side_by_side(features, *args, **kwargs)

    monkeypatch.setattr(networks, "train_side_by_side", recorded)
    fitted(X)
    for unit in (1e-6, 1e30):
        fitted(unit * X)
    fitted(np.exp(3 * X))
    for inputs in seen:
        assert inputs.dtype == np.float32
        assert_allclose(inputs.mean(axis=0), 0, atol=1e-3)
        # Half of it is the normal score, whose largest value stands for a share of 0.003.
        assert_allclose(inputs.std(axis=0), 1, atol=0.02)
        assert_allclose(np.abs(inputs).max(axis=0), (np.sqrt(3) + 2.748) / 2, rtol=0.01)
    first, *scaled, bent = seen
    for inputs in scaled:
        assert_allclose(inputs, first, atol=1e-5)
    # Between two quantiles a rank is linear.
    assert_allclose(bent, first, atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_recovers_planted_effects(seed):
    experiment = make_coupon_experiment(20_000, random_state=seed)
    X = StandardScaler().fit_transform(experiment.data)
    train, test = train_test_split(np.arange(len(X)), random_state=0)
    arm = np.searchsorted(experiment.treatments, experiment.treatment)
    representer = MultiTaskRepresenter(n_networks=3, random_state=0).fit(
        X[train], experiment.target[train], treatment=arm[train], cost=experiment.cost[train]
    )
    outcomes = representer.predict_outcomes(X[test])
    truths = (experiment.expected_orders, experiment.expected_cost)
    for task, truth, observed in zip((1, 2), truths, (experiment.target[:, 1], experiment.cost)):
        means = np.array([observed[train][arm[train] == j].mean() for j in range(5)])
        effects = truth[test] - truth[test, :1]
        errors = [
            np.mean((predicted - predicted[:, :1] - effects) ** 2)
            for predicted in (outcomes[:, :, task], np.tile(means, (len(test), 1)))
        ]
        assert errors[0] < 0.75 * errors[1]
