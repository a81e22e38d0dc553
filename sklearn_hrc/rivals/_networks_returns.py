"""Networks whose outputs are returns on cost."""

import numpy as np
import torch

from sklearn_hrc._predictor.folds import deal_folds, resolve_batch_size, resolve_n_networks
from sklearn_hrc._predictor.networks import one_thread
from sklearn_hrc.rivals._decision_losses import direct_return_loss
from sklearn_hrc.rivals._networks_training import SharedLayers, train_networks

__all__ = ["fit_return_networks"]


@one_thread()
def fit_return_networks(features, rows, observed, start, policy, rng):
    """Train networks to give the return of every step, by the loss of the returns alone.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Scaled features.
    rows : ExperimentRows
        Their arms and groups.
    observed : tuple of ndarray
        `response, cost, sign`, as in `direct_return_loss`.
    start : ndarray of shape (n_steps,)
        Scores before anything is learnt.
    policy : DirectReturnPolicy
        Its parameters say how.
    rng : RandomState
        Deals rows to folds and seeds the networks.

    Returns
    -------
    networks : list of Network
        Their outputs are scores, whose sigmoid is the return.
    folds : ndarray of shape (n_samples,), int
        Fold of each row. Network `m` has not seen fold `m`.
    """
    n_networks = resolve_n_networks(policy.n_networks, len(rows.arm))
    folds = deal_folds(rows.arm, n_networks, rng, rows.unit)
    order, *seeds = rng.randint(np.iinfo(np.int32).max, size=1 + n_networks).tolist()
    module = SharedLayers(features.shape[1], policy.hidden_layer_sizes, start[:, None], seeds)
    features, *observed = (
        torch.from_numpy(values.astype(np.float32)) for values in (features, *observed)
    )

    def losses(outputs, index):
        return direct_return_loss(outputs[..., 0], *(values[index] for values in observed))

    train_networks(
        module,
        features,
        losses,
        torch.from_numpy(folds),
        lr=policy.lr,
        batch_size=resolve_batch_size(policy.batch_size, len(rows.arm)),
        max_epochs=policy.max_epochs,
        seed=order,
    )
    return module.unpack(), folds
