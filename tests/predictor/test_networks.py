"""Training of networks side by side, and their forward pass in numpy."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit

from sklearn_hrc._predictor import network_callbacks, network_graph, networks
from sklearn_hrc._predictor.forward import hidden_layer, link_predictions
from sklearn_hrc._predictor.network_callbacks import AverageWeights, HeldOut, KeepBest
from sklearn_hrc._predictor.network_graph import DeviceRows, GraphNet, HostRows
from sklearn_hrc._predictor.network_module import (
    RowLosses,
    SideBySide,
    first_direction,
    unpack,
)
from sklearn_hrc._predictor.network_steps import Net, Rows, SlicingIterator
from sklearn_hrc._predictor.networks import train_side_by_side
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR, POSITIVE
from sklearn_hrc.exceptions import DivergenceError

N_ROWS, N_ARMS = 120, 3
KIND = np.array([INDICATOR, CONTINUOUS])
# Five folds of 24 rows; those that no network leaves out.
FOLDS, NO_FOLDS = np.repeat(np.arange(5), 24), np.full(N_ROWS, 9)


def rows_of(seed=0, noise=0.5):
    """Return features, arms, and targets and weights of an indicator and a continuous component."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(N_ROWS, 4)).astype(np.float32)
    arm = rng.integers(0, N_ARMS, N_ROWS)
    score = features[:, 0] + arm * features[:, 1] + noise * rng.normal(size=N_ROWS)
    target = np.column_stack([score > 0, score])
    return features, arm, np.hstack([target, np.ones((N_ROWS, 2))]).astype(np.float32)


def train_several(arrays=None, n_networks=3, *, seed=0, folds=FOLDS, **changes):
    settings = {
        "n_treatments": N_ARMS,
        "kind": KIND,
        "hidden_layer_sizes": (8, 6),
        "max_epochs": 3,
        "batch_size": 32,
        "lr": 1e-2,
        "device": "cpu",
        "seeds": range(10 * seed, 10 * seed + n_networks + 1),
    }
    arrays = rows_of() if arrays is None else arrays
    fitted, history, is_interrupted = train_side_by_side(*arrays, folds, **{**settings, **changes})
    assert not is_interrupted
    assert len(fitted) == len(history) == n_networks
    return fitted, history


def train(arrays=None, **changes):
    """Train one network and return it and its history."""
    (network,), (history,) = train_several(arrays, 1, **changes)
    return network, history


def weights_of(network):
    return [array for layer in (*network.trunk, network.base, network.effect) for array in layer]


def assert_same_weights(network, other):
    assert all(map(np.array_equal, weights_of(network), weights_of(other)))


def held_out_loss(network, arrays, fold=0):
    """The loss in numpy, from what the docstrings say."""
    features, arm, target_and_weight = (array[fold == FOLDS] for array in arrays)
    target, weight = target_and_weight[:, :2], target_and_weight[:, 2:]
    links = link_predictions(hidden_layer(features.astype(float), network), network)
    link = links[np.arange(len(arm)), arm]
    logistic = np.logaddexp(0, link) - target * link
    loss = weight * np.where(KIND == INDICATOR, logistic, 0.5 * (link - target) ** 2)
    return loss.sum(axis=1).mean()


def module_of(widths=(8, 6), n_networks=3):
    """A module of which no weight is zero."""
    module = SideBySide(4, widths, np.zeros((n_networks, N_ARMS, 2)), range(n_networks))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(generator=generator)
    return module


def parameters_of(module, m):
    return [parameter[m] for parameter in module.parameters()]


def test_loss_by_hand():
    # of two networks, the second of which predicts zeros
    links = torch.tensor([[[0.0, np.log(3)], [3.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    target_and_weight = torch.tensor([[1.0, 1.0, 2.0, 1.0], [0.0, 1.0, 1.0, 5.0]])
    losses = RowLosses(KIND)(links, target_and_weight)
    # 2 log 2 + 0.5 * 2^2 and log 4 + 0
    expected = [
        [2 * np.log(2) + 2, np.log(4)],
        [2 * np.log(2) + 0.5, np.log(2) + 2.5],
    ]
    assert_allclose(losses, expected, rtol=1e-6)
    losses = RowLosses(np.array([CONTINUOUS, CONTINUOUS]))(links[:1], target_and_weight)
    assert_allclose(losses, [[1 + 2, np.log(3) ** 2 / 2]], rtol=1e-6)


def test_every_kind_has_its_loss():
    link, target = torch.full((1, 1, 1), np.log(2)), torch.full((1, 1), 3.0)
    expected = {
        INDICATOR: np.log(3) - 3 * np.log(2),
        AMOUNT: 3 / 2 + np.log(2),
        POSITIVE: 2 - 3 * np.log(2),
        CONTINUOUS: 0.5 * (3 - np.log(2)) ** 2,
    }
    for kind, value in expected.items():
        loss = RowLosses(np.array([kind]))(link, torch.hstack([target, torch.ones(1, 1)]))
        assert_allclose(loss.item(), value, rtol=1e-6)
    # side by side, some of them twice, each with its own weight
    kinds = np.array([INDICATOR, INDICATOR, AMOUNT, POSITIVE, POSITIVE, CONTINUOUS])
    weight = np.arange(1.0, 7.0, dtype=np.float32)
    rows = torch.hstack([target.repeat(1, 6), torch.from_numpy(weight)[None]])
    loss = RowLosses(kinds)(link.repeat(1, 6, 1), rows)
    assert_allclose(loss.item(), weight @ [expected[kind] for kind in kinds], rtol=1e-6)


def test_effects_start_at_zero():
    module = SideBySide(4, (8, 6), np.ones((2, N_ARMS, 2)), [0, 1])
    features = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        links = [module(features, torch.full((5,), arm)) for arm in range(N_ARMS)]
    assert torch.equal(links[0], links[1])
    assert torch.equal(links[0], links[2])
    assert not torch.equal(links[0][0], links[0][1])


def test_layers_start_as_those_of_torch():
    torch.manual_seed(0)  # standard deviations of 100 draws differ by 15 % once in 100 pairs
    module = SideBySide(4, (300, 100), np.ones((2, N_ARMS, 200)), [0, 1])
    layers = torch.nn.Linear(4, 300), torch.nn.Linear(300, 100), torch.nn.Linear(100, 200)
    drawn = [*module.trunk, module.base_weight, module.base_bias]
    for layer, weight, bias in zip(layers, drawn[::2], drawn[1::2], strict=True):
        for ours, theirs in ((weight, layer.weight), (bias[..., 0], layer.bias)):
            assert ours[0].shape == theirs.shape
            assert_allclose(ours.detach().abs().max(), theirs.detach().abs().max(), rtol=0.05)
            for m in range(2):
                assert_allclose(ours[m].detach().std(), theirs.detach().std(), rtol=0.15)
    # a network's weights do not depend on how many there are
    alone = SideBySide(4, (300, 100), np.ones((1, N_ARMS, 200)), [1])
    assert all(map(torch.equal, parameters_of(alone, 0), parameters_of(module, 1)))


@pytest.mark.parametrize("widths", [(7,), (8, 6), (5, 4, 3)])
def test_forward_in_numpy_equals_torch(widths):
    module = module_of(widths)
    features, arm, _ = rows_of()
    with torch.no_grad():
        expected = module(torch.from_numpy(features), torch.from_numpy(arm)).numpy()
    assert expected.shape == (3, 2, N_ROWS)
    for m in range(3):
        network = unpack(parameters_of(module, m))
        for dtype in (np.float32, np.float64):
            layer = hidden_layer(features.astype(dtype), network)
            links = link_predictions(layer, network)
            assert layer.dtype == links.dtype == dtype
            assert layer.shape == (N_ROWS, widths[-1])
            assert links.shape == (N_ROWS, N_ARMS, 2)
            received = links[np.arange(N_ROWS), arm]
            assert_allclose(received, expected[m].T, rtol=1e-4, atol=1e-4)


LINKS_OF_MEANS = {INDICATOR: logit, AMOUNT: np.log, POSITIVE: np.log, CONTINUOUS: np.asarray}


@pytest.mark.parametrize("kind", LINKS_OF_MEANS)
@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_direction_starts_at_the_mean_effects(kind, unit):
    mean = np.array([0.25, 0.5, 0.75])
    arm = np.repeat([0, 1, 2], 4000)
    # a fifth of the rows has no weight and says nonsense
    silent = np.arange(12_000) % 5 == 0
    target = np.where(np.arange(12_000) % 4 < 4 * mean[arm], 1.0, 0.0)
    target[silent] = 9.0
    weight = np.where(silent, 0, unit)
    rows = np.column_stack([target, weight]).astype(np.float32)
    direction = first_direction(arm, rows, 3, np.array([kind]))
    effect = LINKS_OF_MEANS[kind](mean) - LINKS_OF_MEANS[kind](mean).mean()
    assert_allclose(direction[:, 0], effect / np.sqrt(np.mean(effect**2)), atol=2e-3)
    assert_allclose(np.mean(direction**2), 1)


def test_direction_of_arms_that_teach_nothing():
    arm = np.repeat([0, 1, 2, 3], 50)
    target = np.tile([0.0, 1.0], 100)
    target[arm == 1] = 0.0  # nobody bought: no infinite effect
    weight = np.where(arm == 3, 0.0, 1.0)
    rows = np.column_stack([target, target, weight, 0 * weight]).astype(np.float32)
    kind = np.array([INDICATOR, AMOUNT])
    direction = first_direction(arm, rows, 5, kind)
    # the last arms have no weight, or no rows; the last component has nothing at all
    assert_array_equal(direction[3:], 0)
    assert_array_equal(direction[:, 1], 0)
    assert_allclose(direction[0], direction[2])
    assert_allclose(direction[:3, 0] / direction[0, 0], [1, -2, 1])
    # a single arm has no effect
    alone = first_direction(np.zeros(200, dtype=int), rows, 1, kind)
    assert_array_equal(alone, 0)


def test_common_effect_is_learnt_slowly_from_many_rows(monkeypatch):
    commons = []
    monkeypatch.setattr(networks, "unpack", lambda weights: commons.append(weights[3]))
    n_rows = N_ROWS - 24
    for common_rows in (0, n_rows // 4, n_rows, 100 * n_rows):
        monkeypatch.setattr(networks, "COMMON_ROWS", common_rows)
        train(max_epochs=1)
    sizes = [float(common.abs().max()) for common in commons]
    # as if the rows were no more than those; fewer rows are no reason to hurry
    assert sizes[0] == 0
    assert_allclose(sizes[1] / sizes[2], 0.25, rtol=0.2)
    assert torch.equal(commons[2], commons[3])


def test_effects_are_learnt_in_proportion():
    rng = np.random.default_rng(0)
    features, arm = rng.normal(size=(2000, 4)).astype(np.float32), rng.integers(0, 3, 2000)
    proportion = np.array([0.0, 1.0, 3.0])
    effect = 1 + np.tanh(features[:, 1])
    score = features[:, 0] + proportion[arm] * effect + rng.normal(size=2000)
    arrays = features, arm, np.column_stack([score, np.ones(2000)]).astype(np.float32)
    fitted, _ = train_several(
        arrays, 2, folds=np.repeat(np.arange(5), 400), kind=np.array([CONTINUOUS]),
        hidden_layer_sizes=(16, 8), max_epochs=30, batch_size=64,
    )  # fmt: skip
    for network in fitted:
        links = link_predictions(hidden_layer(features.astype(float), network), network)[..., 0]
        effects = links - links.mean(axis=1, keepdims=True)
        _, sizes, directions = np.linalg.svd(effects - effects.mean(axis=0), full_matrices=False)
        assert sizes[1] < 0.1 * sizes[0]
        expected = proportion - proportion.mean()
        assert_allclose(np.abs(directions[0] @ expected), np.linalg.norm(expected), rtol=0.02)


def test_iterator_gives_each_row_once():
    index = torch.arange(7)
    data = Rows(index[:, None].float(), index, index[:, None], index)
    iterator = SlicingIterator(data, 3, torch.Generator().manual_seed(0))
    assert [len(batch.arm) for batch in iterator] == [3, 3, 1]
    epochs = [torch.cat([batch.arm for batch in iterator]).tolist() for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(7))
    assert epochs[0] != epochs[1]
    for batch in iterator:
        assert_array_equal(batch.features[:, 0], batch.arm)
        assert_array_equal(batch.target_and_weight[:, 0], batch.arm)
        assert_array_equal(batch.folds, batch.arm)


def test_a_network_learns_from_so_many_rows_in_a_step(monkeypatch):
    learnt = []
    train_step = Net.train_step

    def recorded(self, batch):
        learnt.append([int((batch.folds != m).sum()) for m in range(3)])
        train_step(self, batch)

    monkeypatch.setattr(Net, "train_step", recorded)
    train_several(max_epochs=1)
    # 40 of the rows in a step, of which a fifth is held out
    assert np.sum(learnt, axis=0).tolist() == [96, 96, 96]
    assert len(learnt) == 3
    learnt.clear()
    train_several(max_epochs=1, folds=NO_FOLDS)
    assert learnt == [[32] * 3] * 3 + [[24] * 3]


def test_reproducible_to_the_bit():
    first, again, other = (train_several(seed=seed)[0] for seed in (0, 0, 1))
    for network, same, different in zip(first, again, other):
        assert_same_weights(network, same)
        assert not any(map(np.array_equal, weights_of(network), weights_of(different)))


def averaged(steps):
    """Moving average of the weights after each step, from what the docstring says."""
    average = steps[0]
    for n, weights in enumerate(steps[1:], start=1):
        decay = min(0.99, n / (9 + n))
        average = [decay * old + (1 - decay) * new for old, new in zip(average, weights)]
    return average


def test_kept_weights_are_the_moving_average(monkeypatch):
    # one step an epoch, without early stopping
    settings = {"folds": NO_FOLDS, "batch_size": N_ROWS}

    def parameters(weights):
        return [weight.numpy().copy() for weight in weights]

    # what is averaged, of which the effects are made
    monkeypatch.setattr(networks, "unpack", parameters)
    with monkeypatch.context() as patch:
        patch.setattr(network_callbacks, "AVERAGE_DECAY", 0.0)  # the weights themselves
        steps = [train_several(max_epochs=n, **settings)[0] for n in range(1, 7)]
    kept = train_several(max_epochs=6, **settings)[0]
    for m, network in enumerate(kept):
        average = averaged([step[m] for step in steps])
        for array, expected, last in zip(network, average, steps[-1][m], strict=True):
            assert_allclose(array, expected, rtol=1e-5, atol=1e-6)
            assert not np.allclose(array, last, rtol=1e-3, atol=1e-4)


def test_training_goes_on_without_the_average(monkeypatch):
    _, history = train(max_epochs=4)
    monkeypatch.setattr(network_callbacks, "AVERAGE_DECAY", 0.0)
    _, other = train(max_epochs=4)
    # the same steps, until the held-out loss has a say in the rate
    assert [epoch["train_loss"] for epoch in history] == [epoch["train_loss"] for epoch in other]
    assert [epoch["valid_loss"] for epoch in history] != [epoch["valid_loss"] for epoch in other]


def test_average_of_many_steps():
    net = SimpleNamespace(module_=torch.nn.Linear(1, 2, bias=False))
    start = torch.tensor([[0.0], [10.0]])
    callback = AverageWeights()
    net.module_.weight.data.copy_(start)
    callback.on_train_begin(net)
    steps = []
    for _ in range(180):
        net.module_.weight.data += 1  # a step of the optimizer
        callback.on_batch_end(net)
        steps.append(net.module_.weight.detach().numpy().copy())
    # of two networks that have a weight each
    for m in range(2):
        (average,) = callback.weights_of(m)
        assert_allclose(average, averaged([[step[m]] for step in steps])[0], rtol=1e-5)
    assert_array_equal(steps[-1], start + 180)


@pytest.mark.parametrize("lr", [1e-2, 1e30])
def test_global_state_is_left_alone(monkeypatch, lr):
    n_threads = [7]
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads[-1])
    monkeypatch.setattr(torch, "set_num_threads", n_threads.append)
    torch.manual_seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    try:
        train(lr=lr)
    except DivergenceError:
        assert lr == 1e30
    assert torch.equal(before[0], torch.get_rng_state())
    assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert n_threads == [7, 1, 7]


def test_data_is_left_alone():
    arrays = rows_of()
    copies = [array.copy() for array in arrays]
    network, _ = train(arrays)
    for array, copy in zip(arrays, copies):
        assert_array_equal(array, copy)
    assert all(array.flags.owndata and array.flags.writeable for array in weights_of(network))


def test_loss_falls():
    _, histories = train_several(max_epochs=20)
    for history in histories:
        assert [epoch["epoch"] for epoch in history] == list(range(1, len(history) + 1))
        assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]
        assert min(epoch["valid_loss"] for epoch in history) < 0.8 * history[0]["valid_loss"]


def test_training_loss_is_that_of_the_networks_own_rows():
    arrays = rows_of()
    # a rate at which nothing is learnt
    fitted, histories = train_several(arrays, max_epochs=1, lr=1e-12)
    for m, (network, history) in enumerate(zip(fitted, histories)):
        losses = [held_out_loss(network, arrays, fold) for fold in range(5) if fold != m]
        assert_allclose(history[0]["train_loss"], np.mean(losses), rtol=1e-4)
        assert_allclose(history[0]["valid_loss"], held_out_loss(network, arrays, m), rtol=1e-4)


def test_stops_early_and_keeps_the_best_weights_of_each():
    arrays = rows_of(seed=2, noise=1.5)
    fitted, histories = train_several(arrays, max_epochs=200)
    losses = np.array([[epoch["valid_loss"] for epoch in history] for history in histories])
    best = losses.argmin(axis=1)
    assert len(set(best)) == 3
    # all train on until the last one has not got better for so long
    assert losses.shape[1] == best.max() + 1 + network_callbacks.STOP_PATIENCE < 200
    for m, network in enumerate(fitted):
        assert_allclose(held_out_loss(network, arrays, m), losses[m].min(), rtol=1e-5)
    # also where training ends before the patience does
    fitted, histories = train_several(arrays, max_epochs=best.max() + 3)
    assert len(histories[0]) == best.max() + 3
    for m, network in enumerate(fitted):
        assert_allclose(held_out_loss(network, arrays, m), losses[m].min(), rtol=1e-5)


def test_held_out_loss_halves_the_rate(monkeypatch):
    rates = []
    on_epoch_end = KeepBest.on_epoch_end

    def recorded(self, net, **kwargs):
        rates.append([group["lr"] for group in net.optimizer_.param_groups])
        on_epoch_end(self, net, **kwargs)

    monkeypatch.setattr(KeepBest, "on_epoch_end", recorded)
    _, histories = train_several(rows_of(noise=5.0), max_epochs=200)
    held_out, learnt = (
        np.mean([[epoch[name] for epoch in history] for history in histories], axis=0)
        for name in ("valid_loss", "train_loss")
    )
    # the training loss goes on falling; it is the other that asks for smaller steps
    assert learnt[-1] < learnt[held_out.argmin()]
    assert rates[0] == [1e-2] * 5
    stalled = held_out.argmin() + 1 + network_callbacks.RATE_PATIENCE
    assert np.ptp(rates[: held_out.argmin() + 1]) == 0
    assert rates[stalled] == [5e-3] * 5
    assert rates[-1] <= rates[stalled]


@pytest.mark.parametrize("folds", [NO_FOLDS, np.full(N_ROWS, 3)])
def test_without_held_out_rows(folds):
    _, histories = train_several(folds=folds, max_epochs=9)
    for history in histories:
        assert len(history) == 9
        assert all(set(epoch) == {"epoch", "train_loss"} for epoch in history)


def test_held_out_rows_do_not_train():
    features, arm, target_and_weight = rows_of()
    other = target_and_weight.copy()
    other[FOLDS == 1] = 0.5
    fitted, changed = (
        train_several((features, arm, targets), max_epochs=1)[0]
        for targets in (target_and_weight, other)
    )
    assert_same_weights(fitted[1], changed[1])
    for m in (0, 2):
        assert not any(map(np.array_equal, weights_of(fitted[m]), weights_of(changed[m])))


def test_networks_do_not_depend_on_each_other():
    fitted, histories = train_several(n_networks=5)
    alone, history = train_several(n_networks=1)
    for array, other in zip(weights_of(fitted[0]), weights_of(alone[0])):
        assert_allclose(array, other, rtol=1e-4, atol=1e-6)
    for epoch, other in zip(histories[0], history[0], strict=True):
        assert epoch == pytest.approx(other, rel=1e-5)


def test_as_if_trained_one_after_the_other():
    # all rows in a step: the batches of a network are those that it would have alone
    fitted, histories = train_several(max_epochs=6, batch_size=N_ROWS)
    for m, network in enumerate(fitted):
        best = int(np.argmin([epoch["valid_loss"] for epoch in histories[m]]))
        own = [array[m != FOLDS] for array in rows_of()]
        settings = {"folds": NO_FOLDS[m != FOLDS], "batch_size": N_ROWS, "seeds": (0, m + 1)}
        alone, history = train(own, max_epochs=best + 1, **settings)
        for array, other in zip(weights_of(network), weights_of(alone)):
            assert_allclose(array, other, rtol=1e-3, atol=1e-5)
        for epoch, other in zip(histories[m], history):
            assert_allclose(epoch["train_loss"], other["train_loss"], rtol=1e-5)


def test_held_out_loss_is_judged_in_chunks(monkeypatch):
    _, whole = train_several()
    monkeypatch.setattr(network_callbacks, "HELD_OUT_BATCH", 7)
    _, chunked = train_several()
    for history, other in zip(whole, chunked):
        for epoch, same in zip(history, other):
            assert epoch == pytest.approx(same, rel=1e-5)


def test_targets_without_weight_do_not_train():
    features, arm, target_and_weight = rows_of()
    target_and_weight[arm == 1, 3] = 0
    other = target_and_weight.copy()
    other[arm == 1, 1] = 99.0
    fitted = [train((features, arm, targets))[0] for targets in (target_and_weight, other)]
    assert_same_weights(*fitted)


def test_arm_without_rows_has_no_effect():
    features, arm, target_and_weight = rows_of()
    fitted, _ = train_several((features, np.minimum(arm, 1), target_and_weight))
    for network in fitted:
        weights, bias = (array.reshape(N_ARMS, 2, -1) for array in network.effect)
        assert (weights[2] == 0).all()
        assert (bias[2] == 0).all()
        assert (weights[:2] != 0).any()


def test_divergence_names_the_cause():
    with pytest.raises(DivergenceError, match=r"train_loss became .* lower lr, got lr=1e\+30"):
        train(lr=1e30)
    features, *others = rows_of()
    with pytest.raises(DivergenceError, match="lower lr"):
        train((features * np.float32(1e30), *others))
    # of one network alone, by the rows that it did not see
    features[3] = 1e30
    with pytest.raises(DivergenceError, match="became .* in epoch 1: lower lr"):
        train_several((features, *others))


def interrupt(monkeypatch, owner, name, n_calls):
    """Press Ctrl-C in a call of a method, after so many calls."""
    method, calls = getattr(owner, name), []

    def interrupted(*args, **kwargs):
        calls.append(None)
        if len(calls) > n_calls:
            raise KeyboardInterrupt
        return method(*args, **kwargs)

    monkeypatch.setattr(owner, name, interrupted)


@pytest.mark.parametrize(
    ("owner", "name", "n_calls"), [(Net, "train_step", 2), (HeldOut, "on_epoch_end", 0)]
)
def test_interruption_goes_on_in_the_first_epoch(monkeypatch, owner, name, n_calls):
    interrupt(monkeypatch, owner, name, n_calls)
    with pytest.raises(KeyboardInterrupt):
        train_several()


@pytest.mark.parametrize(
    ("owner", "name", "n_calls"), [(Net, "train_step", 11), (HeldOut, "on_epoch_end", 3)]
)
def test_interruption_keeps_the_best_so_far(monkeypatch, owner, name, n_calls):
    expected, histories = train_several(max_epochs=3)
    interrupt(monkeypatch, owner, name, n_calls)
    arrays = *rows_of(), FOLDS
    fitted, interrupted, is_interrupted = train_side_by_side(
        *arrays, n_treatments=N_ARMS, kind=KIND, hidden_layer_sizes=(8, 6), max_epochs=60,
        batch_size=32, lr=1e-2, device="cpu", seeds=range(4),
    )  # fmt: skip
    assert is_interrupted
    assert interrupted == histories
    for network, other in zip(fitted, expected, strict=True):
        assert_same_weights(network, other)


def test_progress_is_shown(capsys):
    train(max_epochs=4, verbose=1)
    assert "epochs: 100%" in capsys.readouterr().err
    train(max_epochs=4)
    assert capsys.readouterr() == ("", "")


def test_unknown_device():
    with pytest.raises(ValueError, match="device is expected to be 'auto' or .* got 'abacus'"):
        train(device="abacus")
    assert networks._resolve_device("auto").type in ("cpu", "cuda")


def test_device_that_cannot_train():
    with pytest.raises(ValueError, match="device is expected to be .* got 'meta'"):
        train(device="meta")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_missing_gpu():
    with pytest.raises(ValueError, match="device is expected to be .* got 'cuda'"):
        train(device="cuda")


def assert_same_training(trained, other):
    """Up to the rounding of sums in another order."""
    for network, same in zip(trained[0], other[0], strict=True):
        for array, expected in zip(weights_of(network), weights_of(same), strict=True):
            assert_allclose(array, expected, rtol=1e-3, atol=1e-5)
    for history, same in zip(trained[1], other[1], strict=True):
        for epoch, expected in zip(history, same, strict=True):
            assert epoch == pytest.approx(expected, rel=1e-5)


def on_device(*tensors, device):
    return DeviceRows(*tensors)


def replay_on_the_cpu(monkeypatch, rows):
    """Train on the CPU as on a GPU, and return how many rows each replayed step has."""
    n_rows = []

    def captured(step):
        net = step.__self__
        groups = net.optimizer_.param_groups
        assert all(group["capturable"] for group in groups)
        # What a captured step goes on reading.
        rates = [group["lr"] for group in groups]

        def replay():
            assert not any(group["capturable"] for group in groups)
            assert all(group["lr"] is rate for group, rate in zip(groups, rates, strict=True))
            step()
            n_rows.append(len(net.input_.batch().arm))

        return replay

    def place_rows(arrays, device):
        return rows(*map(torch.from_numpy, arrays), device=device)

    monkeypatch.setattr(network_graph, "captured", captured)
    monkeypatch.setattr(networks, "_rows", place_rows)
    monkeypatch.setattr(networks, "Net", GraphNet)
    return n_rows


@pytest.mark.parametrize("rows", [on_device, HostRows])
# Batches of 40 rows; of 30 without a network's fold, 50 and 20, 80 and 40, all in one.
@pytest.mark.parametrize(
    ("settings", "n_replayed"),
    [
        ({}, 15 - 3),
        ({"batch_size": 30, "folds": NO_FOLDS}, 20 - 3),
        ({"batch_size": 40}, 10 - 2),
        ({"batch_size": 64}, 5 - 2),
        ({"batch_size": 200}, 0),
    ],
)
def test_replayed_steps_are_those_of_the_cpu(monkeypatch, rows, settings, n_replayed):
    expected = train_several(max_epochs=5, **settings)
    replayed = replay_on_the_cpu(monkeypatch, rows)
    assert_same_training(train_several(max_epochs=5, **settings), expected)
    assert len(replayed) == n_replayed
    assert len(set(replayed)) == (n_replayed > 0)


def test_replayed_steps_follow_the_rate(monkeypatch):
    # halved several times before the training stops early
    settings = {"arrays": rows_of(noise=5.0), "max_epochs": 200}
    expected = train_several(**settings)
    replay_on_the_cpu(monkeypatch, on_device)
    assert_same_training(train_several(**settings), expected)


def test_rows_stay_in_the_hosts_memory_where_a_gpu_has_no_room(monkeypatch):
    free = []
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 300)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 100)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free[-1], 10**9))
    arrays = [np.zeros((50, 3), dtype=np.float32), *np.zeros((3, 50), dtype=np.int64)]
    # 600 and three times 400 bytes
    for room, kind in ((3400, DeviceRows), (3399, HostRows)):
        free.append(room)
        rows = network_graph.place_rows(arrays, torch.device("cpu"))
        assert type(rows) is kind
        assert len(rows) == 50
        index = torch.tensor([2, 4])
        for part, array in zip(rows.batch(index), arrays):
            assert_array_equal(part, array[index])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("share", [0.5, 0.0])
@pytest.mark.parametrize("batch_size", [32, 40])
def test_gpu_trains_as_the_cpu(monkeypatch, share, batch_size):
    monkeypatch.setattr(network_graph, "ROWS_SHARE", share)
    # a rate of its own for the common effect
    monkeypatch.setattr(networks, "COMMON_ROWS", 48)
    settings = {"max_epochs": 5, "batch_size": batch_size}
    trained = train_several(device="cuda", **settings)
    assert_same_training(trained, train_several(**settings))
    again = train_several(device="cuda", **settings)
    assert again[1] == trained[1]
    for network, same in zip(again[0], trained[0], strict=True):
        assert_same_weights(network, same)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_gpu_names_divergence_and_trains_on():
    with pytest.raises(DivergenceError, match="lower lr"):
        train(device="cuda", lr=1e30)
    settings = {"arrays": rows_of(noise=5.0), "max_epochs": 200}
    (first, *_), (same, *_) = (train_several(device=d, **settings)[1] for d in ("cuda", "cpu"))
    # Far apart epochs differ by rounding that grows.
    for epoch, expected in zip(first[:10], same[:10], strict=True):
        assert epoch == pytest.approx(expected, rel=1e-3)
