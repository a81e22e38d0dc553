"""Training of a network, and its forward pass in numpy."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit

from sklearn_hrc._predictor import networks
from sklearn_hrc._predictor.forward import hidden_layer, link_predictions
from sklearn_hrc._predictor.networks import (
    BaseAndEffects,
    ComponentLoss,
    Rows,
    SlicingIterator,
    train_network,
)
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR, POSITIVE
from sklearn_hrc.exceptions import DivergenceError

N_ROWS, N_ARMS = 120, 3
KIND = np.array([INDICATOR, CONTINUOUS])


def rows_of(seed=0, noise=0.5):
    """Return features, arms, and targets and weights of an indicator and a continuous component."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(N_ROWS, 4)).astype(np.float32)
    arm = rng.integers(0, N_ARMS, N_ROWS)
    score = features[:, 0] + arm * features[:, 1] + noise * rng.normal(size=N_ROWS)
    target = np.column_stack([score > 0, score])
    return features, arm, np.hstack([target, np.ones((N_ROWS, 2))]).astype(np.float32)


def train(arrays=None, *, held_out=24, **changes):
    settings = {
        "n_treatments": N_ARMS,
        "kind": KIND,
        "hidden_layer_sizes": (8, 6),
        "max_epochs": 3,
        "batch_size": 32,
        "lr": 1e-2,
        "device": "cpu",
        "seed": 0,
    }
    index = np.arange(N_ROWS)
    arrays = rows_of() if arrays is None else arrays
    return train_network(*arrays, index[held_out:], index[:held_out], **{**settings, **changes})


def weights_of(network):
    return [array for layer in (*network.trunk, network.base, network.effect) for array in layer]


def held_out_loss(network, arrays, n_held_out=24):
    """The loss in numpy, from what the docstrings say."""
    features, arm, target_and_weight = (array[:n_held_out] for array in arrays)
    target, weight = target_and_weight[:, :2], target_and_weight[:, 2:]
    links = link_predictions(hidden_layer(features.astype(float), network), network)
    link = links[np.arange(n_held_out), arm]
    logistic = np.logaddexp(0, link) - target * link
    loss = weight * np.where(KIND == INDICATOR, logistic, 0.5 * (link - target) ** 2)
    return loss.sum(axis=1).mean()


def test_loss_by_hand():
    link = torch.tensor([[0.0, 3.0], [np.log(3), 1.0]])
    target_and_weight = torch.tensor([[1.0, 1.0, 2.0, 1.0], [0.0, 1.0, 1.0, 5.0]])
    loss = ComponentLoss(KIND)(link, target_and_weight)
    # 2 log 2 + 0.5 * 2^2 and log 4 + 0, mean of the rows
    assert_allclose(loss.item(), (2 * np.log(2) + 2 + np.log(4)) / 2, rtol=1e-6)
    loss = ComponentLoss(np.array([CONTINUOUS, CONTINUOUS]))(link, target_and_weight)
    assert_allclose(loss.item(), (1 + 2 + np.log(3) ** 2 / 2) / 2, rtol=1e-6)


def test_every_kind_has_its_loss():
    link, target = torch.full((1, 1), np.log(2)), torch.full((1, 1), 3.0)
    expected = {
        INDICATOR: np.log(3) - 3 * np.log(2),
        AMOUNT: 3 / 2 + np.log(2),
        POSITIVE: 2 - 3 * np.log(2),
        CONTINUOUS: 0.5 * (3 - np.log(2)) ** 2,
    }
    for kind, value in expected.items():
        loss = ComponentLoss(np.array([kind]))(link, torch.hstack([target, torch.ones(1, 1)]))
        assert_allclose(loss.item(), value, rtol=1e-6)
    # side by side, some of them twice, each with its own weight
    kinds = np.array([INDICATOR, INDICATOR, AMOUNT, POSITIVE, POSITIVE, CONTINUOUS])
    weight = np.arange(1.0, 7.0, dtype=np.float32)
    rows = torch.hstack([target.repeat(1, 6), torch.from_numpy(weight)[None]])
    loss = ComponentLoss(kinds)(link.repeat(1, 6), rows)
    assert_allclose(loss.item(), weight @ [expected[kind] for kind in kinds], rtol=1e-6)


@pytest.mark.parametrize("kind", [INDICATOR, AMOUNT, POSITIVE, CONTINUOUS])
def test_losses_are_least_at_the_mean(kind):
    target = torch.tensor([0.0, 1, 1]) if kind == INDICATOR else torch.tensor([0.5, 1.0, 4.5])
    mean = target.double().mean()
    at = torch.logit(mean) if kind == INDICATOR else mean if kind == CONTINUOUS else mean.log()
    link = at.clone().requires_grad_()
    loss = networks.LOSSES[kind](link, target.double()).sum()
    (slope,) = torch.autograd.grad(loss, link)
    assert_allclose(slope.item(), 0, atol=1e-12)
    for other in (at - 0.1, at + 0.1):
        assert networks.LOSSES[kind](other, target.double()).sum() > loss


def test_effects_start_at_zero():
    module = BaseAndEffects(4, (8, 6), np.ones((N_ARMS, 2)))
    features = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        links = [module(features, torch.full((5,), arm)) for arm in range(N_ARMS)]
    assert torch.equal(links[0], links[1])
    assert torch.equal(links[0], links[2])


@pytest.mark.parametrize("widths", [(7,), (8, 6), (5, 4, 3)])
def test_forward_in_numpy_equals_torch(widths):
    module = BaseAndEffects(4, widths, np.zeros((N_ARMS, 2)))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(generator=generator)
    features, arm, _ = rows_of()
    network = networks._weights(module)
    with torch.no_grad():
        expected = module(torch.from_numpy(features), torch.from_numpy(arm)).numpy()
        hidden = module.trunk(torch.from_numpy(features)).numpy()
    for dtype in (np.float32, np.float64):
        layer = hidden_layer(features.astype(dtype), network)
        links = link_predictions(layer, network)
        assert layer.dtype == links.dtype == dtype
        assert links.shape == (N_ROWS, N_ARMS, 2)
        assert_allclose(layer, hidden, rtol=1e-4, atol=1e-4)
        assert_allclose(links[np.arange(N_ROWS), arm], expected, rtol=1e-4, atol=1e-4)


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
    direction = networks._first_direction(arm, rows, 3, np.array([kind]))
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
    direction = networks._first_direction(arm, rows, 5, kind)
    # the last arms have no weight, or no rows; the last component has nothing at all
    assert_array_equal(direction[3:], 0)
    assert_array_equal(direction[:, 1], 0)
    assert_allclose(direction[0], direction[2])
    assert_allclose(direction[:3, 0] / direction[0, 0], [1, -2, 1])
    # a single arm has no effect
    alone = networks._first_direction(np.zeros(200, dtype=int), rows, 1, kind)
    assert_array_equal(alone, 0)


def test_common_effect_is_learnt_slowly_from_many_rows(monkeypatch):
    commons = []
    monkeypatch.setattr(
        networks, "_weights", lambda module: commons.append(module.common.weight.detach().clone())
    )
    n_rows = N_ROWS - 24
    for common_rows in (0, n_rows // 4, n_rows, 100 * n_rows):
        monkeypatch.setattr(networks, "COMMON_ROWS", common_rows)
        train(max_epochs=1, held_out=24)
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
    rows = np.column_stack([score, np.ones(2000)]).astype(np.float32)
    index = np.arange(2000)
    network, _ = train_network(
        features, arm, rows, index[400:], index[:400], n_treatments=3, kind=np.array([CONTINUOUS]),
        hidden_layer_sizes=(16, 8), max_epochs=30, batch_size=64, lr=1e-2, device="cpu", seed=0,
    )  # fmt: skip
    links = link_predictions(hidden_layer(features.astype(float), network), network)[..., 0]
    effects = links - links.mean(axis=1, keepdims=True)
    _, sizes, directions = np.linalg.svd(effects - effects.mean(axis=0), full_matrices=False)
    assert sizes[1] < 0.1 * sizes[0]
    expected = proportion - proportion.mean()
    assert_allclose(np.abs(directions[0] @ expected), np.linalg.norm(expected), rtol=0.02)


def test_iterator_gives_each_row_once():
    features = torch.arange(10.0)[:, None]
    data = Rows(features, torch.arange(10), torch.arange(10)[:, None], torch.arange(2, 9))
    batches = list(SlicingIterator(data, 3))
    assert [len(target) for _, target in batches] == [3, 3, 1]
    assert torch.cat([inputs["arm"] for inputs, _ in batches]).tolist() == list(range(2, 9))
    shuffled = SlicingIterator(data, 3, torch.Generator().manual_seed(0))
    epochs = [torch.cat([inputs["arm"] for inputs, _ in shuffled]).tolist() for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(2, 9))
    assert epochs[0] != epochs[1]
    for inputs, target in shuffled:
        assert_array_equal(inputs["features"][:, 0], inputs["arm"])
        assert_array_equal(target[:, 0], inputs["arm"])


def test_reproducible_to_the_bit():
    first, again, other = train()[0], train()[0], train(seed=1)[0]
    assert all(map(np.array_equal, weights_of(first), weights_of(again)))
    assert not any(map(np.array_equal, weights_of(first), weights_of(other)))


def averaged(steps):
    """Moving average of the weights after each step, from what the docstring says."""
    average = steps[0]
    for n, weights in enumerate(steps[1:], start=1):
        decay = min(0.99, n / (9 + n))
        average = [decay * old + (1 - decay) * new for old, new in zip(average, weights)]
    return average


def test_kept_weights_are_the_moving_average(monkeypatch):
    # one step an epoch, without early stopping
    settings = {"held_out": 0, "batch_size": N_ROWS}

    def parameters(module):
        return [parameter.detach().numpy().copy() for parameter in module.parameters()]

    # what is averaged, of which the effects are made
    monkeypatch.setattr(networks, "_weights", parameters)
    with monkeypatch.context() as patch:
        patch.setattr(networks, "AVERAGE_DECAY", 0.0)  # the weights themselves
        steps = [train(max_epochs=n, **settings)[0] for n in range(1, 7)]
    kept = train(max_epochs=6, **settings)[0]
    for array, average, last in zip(kept, averaged(steps), steps[-1], strict=True):
        assert_allclose(array, average, rtol=1e-5, atol=1e-6)
        assert not np.allclose(array, last, rtol=1e-3, atol=1e-4)


def test_training_goes_on_without_the_average(monkeypatch):
    _, history = train(max_epochs=4)
    monkeypatch.setattr(networks, "AVERAGE_DECAY", 0.0)
    _, other = train(max_epochs=4)
    # the same steps, until the held-out loss has a say in the rate
    assert [epoch["train_loss"] for epoch in history] == [epoch["train_loss"] for epoch in other]
    assert [epoch["valid_loss"] for epoch in history] != [epoch["valid_loss"] for epoch in other]


def test_average_is_judged_and_weights_are_trained():
    net = SimpleNamespace(module_=torch.nn.Linear(1, 1, bias=False))
    weight = net.module_.weight

    def set_to(value):
        with torch.no_grad():
            weight.fill_(value)

    set_to(0.0)
    callback = networks.AverageWeights()
    callback.on_train_begin(net)
    steps = []
    for _ in range(3):
        callback.on_epoch_begin(net)
        for _ in range(60):
            callback.on_batch_begin(net, training=True)
            set_to(weight.item() + 1)  # a step of the optimizer
            callback.on_batch_end(net, training=True)
            steps.append([weight.item()])
        for _ in range(2):
            callback.on_batch_begin(net, training=False)
            assert_allclose(weight.item(), averaged(steps)[0], rtol=1e-5)
            callback.on_batch_end(net, training=False)
    callback.on_train_end(net)
    assert steps == [[n] for n in range(1, 181)]
    assert_allclose(weight.item(), averaged(steps)[0], rtol=1e-5)


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
    _, history = train(max_epochs=20)
    assert [epoch["epoch"] for epoch in history] == list(range(1, len(history) + 1))
    assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]
    assert min(epoch["valid_loss"] for epoch in history) < 0.8 * history[0]["valid_loss"]


def test_stops_early_and_keeps_the_best_weights():
    arrays = rows_of(noise=5.0)
    network, history = train(arrays, max_epochs=200)
    losses = [epoch["valid_loss"] for epoch in history]
    best = int(np.argmin(losses))
    assert len(history) == best + 1 + networks.STOP_PATIENCE < 200
    assert_allclose(held_out_loss(network, arrays), losses[best], rtol=1e-5)
    # also where training ends before the patience does
    network, history = train(arrays, max_epochs=best + 3)
    assert len(history) == best + 3
    assert_allclose(held_out_loss(network, arrays), losses[best], rtol=1e-5)


def test_held_out_loss_halves_the_rate(monkeypatch):
    histories = []
    monkeypatch.setattr(networks, "_losses", histories.append)
    train(rows_of(noise=5.0), max_epochs=200)
    (history,) = histories
    rates, held_out, learnt = (
        history[:, name] for name in ("event_lr", "valid_loss", "train_loss")
    )
    # the training loss goes on falling; it is the other that asks for smaller steps
    assert learnt[-1] < learnt[int(np.argmin(held_out))]
    assert rates[0] == 1e-2
    assert rates[-1] <= 5e-3


def test_without_held_out_rows():
    _, history = train(held_out=0, max_epochs=9)
    assert len(history) == 9
    assert all(set(epoch) == {"epoch", "train_loss"} for epoch in history)


def test_held_out_rows_do_not_train():
    features, arm, target_and_weight = rows_of()
    other = target_and_weight.copy()
    other[:24] = 0.5
    networks = [
        train((features, arm, targets), max_epochs=1)[0] for targets in (target_and_weight, other)
    ]
    assert all(map(np.array_equal, *map(weights_of, networks)))


def test_targets_without_weight_do_not_train():
    features, arm, target_and_weight = rows_of()
    target_and_weight[arm == 1, 3] = 0
    other = target_and_weight.copy()
    other[arm == 1, 1] = 99.0
    networks = [train((features, arm, targets))[0] for targets in (target_and_weight, other)]
    assert all(map(np.array_equal, *map(weights_of, networks)))


def test_arm_without_rows_has_no_effect():
    features, arm, target_and_weight = rows_of()
    network, _ = train((features, np.minimum(arm, 1), target_and_weight))
    weights, bias = (array.reshape(N_ARMS, 2, -1) for array in network.effect)
    assert (weights[2] == 0).all()
    assert (bias[2] == 0).all()
    assert (weights[:2] != 0).any()


def test_divergence_names_the_cause():
    with pytest.raises(DivergenceError, match=r"train_loss became .* lower lr, got lr=1e\+30"):
        train(lr=1e30)
    features, *others = rows_of()
    with pytest.raises(DivergenceError, match="scale X"):
        train((features * np.float32(1e30), *others))


@pytest.mark.parametrize("training", [True, False])
def test_interruption_goes_on(monkeypatch, training):
    forward = ComponentLoss.forward

    def interrupted(self, link, target_and_weight):
        if link.requires_grad == training:
            raise KeyboardInterrupt
        return forward(self, link, target_and_weight)

    monkeypatch.setattr(ComponentLoss, "forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train()


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
