"""Networks side by side: what each learns from, which weights are kept, and the way to numpy."""

import itertools

import numpy as np
import pytest
import torch

from sklearn_hrc._predictor.forward import hidden_layer, link_predictions
from sklearn_hrc.exceptions import DivergenceError
from sklearn_hrc.rivals._networks_training import SharedLayers, train_networks

SETTINGS = {"lr": 0.01, "batch_size": 32, "max_epochs": 3, "seed": 0}


def make_module(n_networks=2, seed=0):
    start = np.array([[0.5, -1.0], [2.0, 0.0], [0.0, 3.0]])
    return SharedLayers(4, (8, 5), start, [seed + m for m in range(n_networks)])


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(100, 4)).astype(np.float32))


@pytest.fixture
def folds():
    return torch.arange(100) % 5


def squared_error(target):
    """Losses of the first output of the first head."""

    def losses(outputs, index):
        return (outputs[:, :, 0, 0] - target[index]) ** 2

    return losses


def test_numpy_gives_what_torch_gives(features):
    module = make_module()
    with torch.no_grad():
        module.own.uniform_(-1, 1)
        outputs = module(features)
    assert outputs.shape == (2, 100, 3, 2)
    for m, network in enumerate(module.unpack()):
        x = features.numpy().astype(np.float64)
        given = link_predictions(hidden_layer(x, network), network)
        np.testing.assert_allclose(given, outputs[m], atol=1e-5)


def test_heads_start_at_their_levels_and_differ_by_nothing_else(features):
    with torch.no_grad():
        outputs = make_module()(features)
    effect = outputs - outputs[:, :, :1]
    np.testing.assert_allclose(effect[:, :, 1], np.broadcast_to([1.5, 1.0], (2, 100, 2)), atol=1e-6)


def test_networks_learn(features, folds):
    target, module = features[:, 0] * 2, make_module()
    settings = SETTINGS | {"max_epochs": 40}
    history = train_networks(module, features, squared_error(target), folds, **settings)
    assert min(history) < history[0] / 20
    with torch.no_grad():
        loss = squared_error(target)(module(features), torch.arange(100))
    # The mean of the networks' losses in their own folds is that of the best epoch.
    kept = (loss[0][folds == 0].sum() + loss[1][folds == 1].sum()) / 40
    np.testing.assert_allclose(kept, min(history), rtol=1e-5)


def test_a_network_does_not_learn_from_its_own_fold(features, folds):
    def heads(target):
        module = make_module()
        judged = iter(range(10, 0, -1))
        # Held-out losses that fall, so that the last epoch is kept.
        judge = lambda outputs, index: outputs.new_full(outputs.shape[:2], next(judged))  # noqa: E731
        train_networks(module, features, squared_error(target), folds, judge=judge, **SETTINGS)
        return module.base.detach()

    target = features[:, 0]
    plain, other = heads(target), heads(torch.where(folds == 0, 99.0, target))
    assert torch.equal(plain[0], other[0])
    assert not torch.equal(plain[1], other[1])


def test_initial_weights_stay_if_no_epoch_is_better(features, folds):
    module, untrained = make_module(), make_module()
    judged = iter(range(10))
    train_networks(
        module,
        features,
        squared_error(features[:, 0]),
        folds,
        judge=lambda outputs, index: outputs.new_full(outputs.shape[:2], next(judged)),
        **SETTINGS,
    )
    for kept, first in zip(module.parameters(), untrained.parameters()):
        assert torch.equal(kept, first)


def test_without_a_fold_that_is_left_out_the_last_epoch_counts(features):
    module, folds = make_module(1), torch.ones(100, dtype=torch.int64)
    target = features[:, 0] * 2
    history = train_networks(module, features, squared_error(target), folds, **SETTINGS)
    assert history == [0.0] * 4
    assert not torch.equal(module.base, make_module(1).base)


def test_seeds_decide_and_the_global_generator_is_left_alone(features, folds):
    before, target = torch.get_rng_state(), features[:, 0]

    def trained(**settings):
        module = make_module()
        train_networks(module, features, squared_error(target), folds, **SETTINGS | settings)
        return module.base.detach()

    assert torch.equal(trained(), trained())
    assert not torch.equal(trained(), trained(seed=1))
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_prepared_is_told_of_every_epoch(features, folds):
    seen = []
    train_networks(
        make_module(),
        features,
        squared_error(features[:, 0]),
        folds,
        prepare=lambda average: seen.append(average.base.clone()),
        **SETTINGS,
    )
    assert len(seen) == 4
    assert all(not torch.equal(one, two) for one, two in itertools.pairwise(seen))


def test_a_loss_that_is_no_number_is_named(features, folds):
    with pytest.raises(DivergenceError, match="lower lr"):
        train_networks(
            make_module(),
            features,
            lambda outputs, index: outputs[..., 0, 0] / 0,
            folds,
            **SETTINGS,
        )
