"""Networks tuned by decisions: what each loss does, and the contract of a policy."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from sklearn_hrc._predictor.folds import deal_folds
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.exceptions import MissingTreatmentWarning
from sklearn_hrc.rivals._network_policy import NetworkPolicy
from sklearn_hrc.rivals._networks_decisions import (
    DecisionLosses,
    predict_means,
    spreads_of_effects,
)
from sklearn_hrc.rivals._networks_outcomes import prediction_loss, training_tensors
from sklearn_hrc.rivals._networks_training import SharedLayers
from sklearn_hrc.rivals._outcome_kinds import describe_outcome
from sklearn_hrc.rivals._price_path import price_of_budget, price_path
from sklearn_hrc.rivals._rows import ExperimentRows

LOSSES = ["prediction", "policy_learning", "maximum_entropy", "primal"]
QUICK = {"n_networks": 2, "max_epochs": 3, "decision_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def experiment():
    return make_coupon_experiment(400, random_state=0)


def fit(experiment, **parameters):
    policy = NetworkPolicy(**QUICK | parameters)
    return policy.fit(
        experiment.data, experiment.target, treatment=experiment.treatment, cost=experiment.cost
    )


@pytest.fixture(scope="module")
def policies(experiment):
    return {loss: fit(experiment, loss=loss) for loss in LOSSES}


@pytest.fixture(scope="module")
def rows():
    """Three arms at fixed costs, whose response is normal."""
    rng = np.random.default_rng(0)
    arm = np.arange(90) % 3
    X = rng.normal(size=(90, 2))
    response = X[:, 0] * arm + rng.normal(size=90)
    cost, ones = arm * 1.0, np.ones(90)
    constants = np.array([[np.nan] * 3, [0.0, 1.0, 2.0]])
    return ExperimentRows(X, arm, response, cost, ones, 3 * ones, constants, 0)


@pytest.fixture
def untrained(rows):
    """Tensors, kinds and networks of these rows before anything is learnt."""
    folds = deal_folds(rows.arm, 2, np.random.RandomState(0))
    data = training_tensors(rows, StandardScaler().fit(rows.X), folds)
    kinds = [
        describe_outcome(y, rows.arm, rows.weight, known)
        for y, known in zip((rows.response, rows.cost), rows.constants)
    ]
    start = np.column_stack([kind.start for kind in kinds])
    module = SharedLayers(2, (4,), start, [0, 1])
    with torch.no_grad():
        module.own.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
    return data, kinds, module


@pytest.mark.parametrize("loss", LOSSES)
def test_plans_keep_budgets_and_use_them(policies, experiment, loss):
    policy = policies[loss]
    curve = policy.budget_curve([0.3, 0.6, 1.2])
    assert (curve.cost <= curve.budget + 1e-9).all()
    assert curve.cost[1] > 0.9 * 0.6
    assert (np.diff(curve.shadow_price) <= 0).all()
    arms = policy.predict_budgets(experiment.data, [0.3, 1.2])
    assert (arms[0] == policy.control_).mean() > (arms[1] == policy.control_).mean()


@pytest.mark.parametrize("loss", LOSSES[:3])
def test_the_second_stage_learns_decisions_that_the_first_one_does_not_know(loss):
    rng = np.random.default_rng(0)
    X, arm = rng.normal(size=(900, 3)), np.arange(900) % 2
    # Individuals above a mean gain 3 from the arm, others 1, and it costs 1.
    y = arm * (2 + np.sign(X[:, 0])) + 0.3 * rng.normal(size=900)
    policy = NetworkPolicy(
        loss,
        n_networks=1,
        hidden_layer_sizes=(8,),
        max_epochs=1,
        lr=1e-6,
        decision_lr=0.03,
        random_state=0,
    )
    policy.fit(X, y, treatment=arm, cost=arm * 1.0)
    right = (policy.set_budget(0.5).predict(X) == (X[:, 0] > 0)).mean()
    assert right < 0.85 if loss == "prediction" else right > 0.9


def test_tiny_steps_leave_the_predictions(policies, experiment):
    tuned = fit(experiment, loss="policy_learning", decision_lr=1e-12)
    for values, first in zip(
        tuned._scores(experiment.data), policies["prediction"]._scores(experiment.data)
    ):
        np.testing.assert_allclose(values, first, rtol=1e-4)


def test_a_row_alone_is_decided_as_in_a_batch_and_after_pickling(policies, experiment):
    policy, X = policies["maximum_entropy"], experiment.data
    arms = policy.predict(X)
    alone = np.concatenate([policy.predict(X[[i]]) for i in range(20)])
    np.testing.assert_array_equal(alone, arms[:20])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(policy)).predict(X), arms)


def test_seeds_decide(policies, experiment):
    again = fit(experiment, loss="primal")
    for one, two in zip(
        again._scores(experiment.data), policies["primal"]._scores(experiment.data)
    ):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("loss", ["maximum_entropy", "primal"])
def test_rows_of_weight_zero_do_not_count(experiment, loss):
    weight = (np.arange(400) % 7 > 0) * 1.0
    seen = experiment.target, experiment.cost
    changed = (np.where((weight > 0).reshape(-1, *[1] * (y.ndim - 1)), y, 40.0) for y in seen)
    one, two = (
        NetworkPolicy(loss, **QUICK).fit(
            experiment.data,
            y,
            treatment=experiment.treatment,
            cost=cost,
            sample_weight=weight,
        )
        for y, cost in (seen, changed)
    )
    for values, other in zip(one._scores(experiment.data), two._scores(experiment.data)):
        np.testing.assert_array_equal(values, other)


def test_known_outcomes_are_given_as_they_are(experiment):
    prices = np.arange(len(np.unique(experiment.treatment))) * 1.5
    policy = NetworkPolicy(**QUICK, arm_cost=prices)
    policy.fit(experiment.data, experiment.target, treatment=experiment.treatment)
    priced = policy._scores(experiment.data)[1]
    np.testing.assert_array_equal(priced, np.broadcast_to(prices, priced.shape))


def test_prices_are_those_of_the_path_of_the_first_stage(rows, untrained):
    data, kinds, module = untrained
    decisions = DecisionLosses("primal", data, kinds, module, 0.5, 0)
    means = predict_means(module, data.features, kinds).mean(dim=0).double().numpy()
    response, cost = means[..., 0], means[..., 1]
    path = price_path(response, cost, response, cost)
    prices = [price_of_budget(path, budget)[0] for budget in decisions.budgets]
    np.testing.assert_allclose(decisions.prices.price, prices, rtol=1e-6)
    assert len(set(prices)) > 3
    spread = (response - prices[2] * cost) - (response - prices[2] * cost).mean(axis=1)[:, None]
    np.testing.assert_allclose(decisions.prices.spread[2], spread.std(), rtol=1e-6)
    # Networks that expect twice the response put the prices up.
    with torch.no_grad():
        module.base.mul_(2), module.own.mul_(2), module.level.mul_(2)
    decisions.refresh(module)
    assert (decisions.prices.price > 1.2 * decisions.first.price).all()


def test_losses_are_those_of_the_formulas(untrained):
    data, kinds, module = untrained
    decisions = {loss: DecisionLosses(loss, data, kinds, module, 0.5, 0) for loss in LOSSES[1:]}
    index = torch.arange(10)
    with torch.no_grad():
        outputs = module(data.features[index])
        given = {loss: of.teach(outputs, index).numpy() for loss, of in decisions.items()}
    one = decisions["primal"]
    drawn = torch.randint(8, (10,), generator=torch.Generator().manual_seed(0)).numpy()
    price, spread = (values.numpy()[drawn] for values in one.first)
    means = predict_means(module, data.features, kinds).numpy()
    worth = (means[:, :10, :, 0] - price[:, None] * means[:, :10, :, 1]) / (0.5 * spread[:, None])
    shares = np.exp(worth) / np.exp(worth).sum(axis=2, keepdims=True)
    received = shares[:, np.arange(10), np.arange(10) % 3]
    response, cost = (data.outcomes.numpy() - means.mean(axis=2).transpose(2, 0, 1))[:, :, :10]
    np.testing.assert_allclose(
        given["primal"], -3 * response * received / spread, rtol=1e-3, atol=1e-5
    )
    learnt = -3 * (response - price * cost) * received / spread
    np.testing.assert_allclose(given["policy_learning"], learnt, rtol=1e-3, atol=1e-5)
    entropy = -(shares * np.log(shares)).sum(axis=2)
    np.testing.assert_allclose(
        given["maximum_entropy"], learnt - 0.5 * entropy, rtol=1e-3, atol=1e-5
    )


def test_spreads_of_effects_by_hand():
    # At a price of 1 the arms are worth 0 and 2, then 0 and -2. At none 0 and 3, then 0 and -1.
    means = np.array([[[0.0, 0.0], [3.0, 1.0]], [[0.0, 0.0], [-1.0, 1.0]]])
    spreads = spreads_of_effects(means, [1.0, 0.0])
    np.testing.assert_allclose(spreads, [1.0, np.sqrt(5 / 4)])
    # At a price of 1 the arms are worth the same: a tenth of the spread at none.
    np.testing.assert_allclose(spreads_of_effects(means[:, :, [1, 1]], [1.0]), [0.05])


def test_prediction_losses_by_hand():
    values = np.array([0, 0, 2, 4, 0, 0, 6, 8.0])
    kind = describe_outcome(values, np.zeros(8, dtype=int), np.ones(8), np.array([np.nan]))
    variation = np.mean((np.array([2, 4, 6, 8]) / 5 - 1) ** 2)
    outputs, seen = torch.tensor([[0.0, 1.0], [0.0, 1.0]]), torch.tensor([0.0, 10.0])
    # A chance of a half costs ln 2 on either side, an amount `target / e + 1`.
    expected = [1, 1 + (2 / np.e + 1) / variation]
    given = prediction_loss(kind, outputs, seen, torch.tensor([True, True]))
    np.testing.assert_allclose(given, expected, rtol=1e-5)
    none = prediction_loss(kind, outputs, seen, torch.tensor([False, True]))
    np.testing.assert_allclose(none, [0, expected[1]], rtol=1e-5)


def test_one_arm_is_given_to_all():
    X = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.warns(MissingTreatmentWarning):
        policy = NetworkPolicy(**QUICK).fit(X, X[:, 0])
    assert set(policy.predict(X)) == {policy.control_}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_layer_sizes": (8, 0)}, "hidden_layer_sizes is expected to hold positive"),
        ({"loss": "regret"}, "loss"),
        ({"temperature": 0.0}, "temperature"),
        ({"decision_lr": -1.0}, "decision_lr"),
    ],
)
def test_bad_parameters_are_named(experiment, parameters, message):
    with pytest.raises(ValueError, match=message):
        fit(experiment, **parameters)


@pytest.mark.slow
def test_predicts_from_a_file_without_torch(policies, experiment, tmp_path):
    path = tmp_path / "policy.pickle"
    path.write_bytes(pickle.dumps((policies["primal"], experiment.data[:5])))
    code = (
        "import pickle, sys; "
        f"policy, X = pickle.load(open({str(path)!r}, 'rb')); "
        "print(*policy.predict(X)); assert not {'torch', 'skorch'} & set(sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == [
        str(x) for x in policies["primal"].predict(experiment.data[:5])
    ]
