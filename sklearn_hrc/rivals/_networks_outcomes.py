"""Networks that predict response and cost of every arm, and are then tuned for decisions."""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler

from sklearn_hrc._predictor.folds import deal_folds, resolve_batch_size, resolve_n_networks
from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.network_module import TORCH
from sklearn_hrc._predictor.networks import one_thread
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR
from sklearn_hrc.rivals._decision_losses import received_part
from sklearn_hrc.rivals._networks_decisions import DecisionLosses
from sklearn_hrc.rivals._networks_training import SharedLayers, train_networks
from sklearn_hrc.rivals._outcome_kinds import OutcomeNetworks, describe_outcome

__all__ = ["TrainingTensors", "fit_outcome_networks", "prediction_loss", "training_tensors"]


# Rows in a step by which decisions teach: more than in one of predictions, as they are noisier.
DECISION_BATCH = 2048


class TrainingTensors(NamedTuple):
    """Rows of an experiment as tensors.

    Attributes
    ----------
    features : Tensor of shape (n_samples, n_features)
        Scaled features.
    arm, folds : Tensor of shape (n_samples,), int64
        Received arms, and folds of the rows.
    outcomes : Tensor of shape (2, 1, n_samples)
        Response and cost, with an axis for networks.
    weight, inverse : Tensor of shape (n_samples,)
        As in `ExperimentRows`.
    """

    features: torch.Tensor
    arm: torch.Tensor
    folds: torch.Tensor
    outcomes: torch.Tensor
    weight: torch.Tensor
    inverse: torch.Tensor


@one_thread()
def fit_outcome_networks(rows, policy, rng):
    """Fit networks that predict, and tune them for the decisions that are made of predictions.

    Parameters
    ----------
    rows : ExperimentRows
        Rows.
    policy : NetworkPolicy
        Its parameters say how.
    rng : RandomState
        Deals rows to folds and seeds the networks.

    Returns
    -------
    networks : OutcomeNetworks
        Fitted networks.
    folds : ndarray of shape (n_samples,), int
        Fold of each row. Network `m` has not seen fold `m`.
    """
    n_networks = resolve_n_networks(policy.n_networks, len(rows.arm))
    scaler = StandardScaler().fit(rows.X)
    folds = deal_folds(rows.arm, n_networks, rng, rows.unit)
    data = training_tensors(rows, scaler, folds)
    kinds = [
        describe_outcome(y, rows.arm, rows.weight, known)
        for y, known in zip((rows.response, rows.cost), rows.constants)
    ]
    order, tuning_order, draws, *seeds = _seeds(rng, 3 + n_networks)
    start = np.column_stack([kind.start for kind in kinds])
    module = SharedLayers(rows.X.shape[1], policy.hidden_layer_sizes, start, seeds)
    if any(kind.is_learnt for kind in kinds):
        _learn_to_predict(module, data, kinds, policy, order)
        if policy.loss != "prediction":
            _learn_to_decide(module, data, kinds, policy, tuning_order, draws)
    return OutcomeNetworks(scaler, module.unpack(), kinds), folds


def training_tensors(rows, scaler, folds):
    """Return rows as tensors.

    Parameters
    ----------
    rows : ExperimentRows
        Rows.
    scaler : StandardScaler
        Of the features.
    folds : ndarray of shape (n_samples,), int
        Fold of each row.

    Returns
    -------
    data : TrainingTensors
        In float32.
    """
    features = scaler.transform(rows.X.astype(np.float64))
    outcomes = np.stack([rows.response, rows.cost])[:, None]
    features, outcomes, weight, inverse = (
        torch.from_numpy(values.astype(np.float32))
        for values in (features, outcomes, rows.weight, rows.inverse)
    )
    arm, folds = torch.from_numpy(rows.arm), torch.from_numpy(folds)
    return TrainingTensors(features, arm, folds, outcomes, weight, inverse)


def prediction_loss(kind, outputs, values, is_unknown):
    """Return the loss of predictions of an outcome: half of a deviance, in units of its spread.

    Parameters
    ----------
    kind : OutcomeKind
        Of the outcome.
    outputs : Tensor of shape (..., n_rows, 2)
        Output of the chance and of the amount for the received arms.
    values : Tensor of shape (n_rows,)
        Outcome.
    is_unknown : Tensor of shape (n_rows,), bool
        Whether the outcome of the received arm is not constant.

    Returns
    -------
    losses : Tensor of shape (..., n_rows)
        0 where there is nothing to learn.
    """
    chance, amount = outputs[..., 0], outputs[..., 1]
    positive, losses = values > 0, torch.zeros_like(chance)
    if kind.has_chance:
        loss = LOSSES[INDICATOR].loss(chance, positive.float(), TORCH)
        losses = losses + loss / kind.spread[0]
    if kind.amount == AMOUNT:
        target = torch.where(positive, values, kind.scale) / kind.scale
        loss = LOSSES[AMOUNT].loss(amount, target, TORCH)
        losses = losses + positive * loss / kind.spread[1]
    elif kind.amount == CONTINUOUS:
        losses = LOSSES[CONTINUOUS].loss(amount, (values - kind.location) / kind.scale, TORCH)
    return losses * is_unknown


def _learn_to_predict(module, data, kinds, policy, seed):
    unknown = [torch.from_numpy(np.isnan(kind.known))[data.arm] for kind in kinds]

    def losses(outputs, index):
        received = received_part(outputs.movedim(3, 0), data.arm[index])
        parts = received.movedim(0, -1).split(2, dim=-1)
        return data.weight[index] * sum(
            prediction_loss(kind, part, y[0, index], is_unknown[index])
            for kind, part, y, is_unknown in zip(kinds, parts, data.outcomes, unknown)
        )

    train_networks(
        module,
        data.features,
        losses,
        data.folds,
        lr=policy.lr,
        batch_size=resolve_batch_size(policy.batch_size, len(data.arm)),
        max_epochs=policy.max_epochs,
        seed=seed,
    )


def _learn_to_decide(module, data, kinds, policy, seed, draws):
    decisions = DecisionLosses(policy.loss, data, kinds, module, policy.temperature, draws)
    if not decisions.has_decisions:
        return
    train_networks(
        module,
        data.features,
        decisions.teach,
        data.folds,
        lr=policy.decision_lr,
        batch_size=DECISION_BATCH,
        max_epochs=policy.decision_epochs,
        seed=seed,
        judge=decisions.judge,
        prepare=decisions.refresh if policy.loss == "primal" else None,
    )


def _seeds(rng, size):
    return rng.randint(np.iinfo(np.int32).max, size=size).tolist()
