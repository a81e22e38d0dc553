"""What decisions at the prices of several budgets teach networks that predict outcomes."""

from typing import NamedTuple

import numpy as np
import torch

from sklearn_hrc.rivals._decision_losses import (
    entropy_of,
    policy_learning_loss,
    primal_loss,
    received_part,
    shares_at_price,
)
from sklearn_hrc.rivals._outcome_kinds import means_of_outputs
from sklearn_hrc.rivals._price_path import price_of_budget, price_path

__all__ = ["DecisionLosses", "Prices", "predict_means", "spreads_of_effects"]

# Budgets whose prices teach, equally spaced between the cheapest plan and the dearest one.
N_BUDGETS = 8
# Rows that are predicted at a time.
PREDICTED_ROWS = 16_384
# Least spread at a price, as a share of the largest one at any price: where all arms are worth
# the same at a price, nothing else says what a difference is.
LEAST_SPREAD = 0.1


class Prices(NamedTuple):
    """Prices, and how far what arms are worth differs at each, both of shape (n_prices,)."""

    price: torch.Tensor
    spread: torch.Tensor


class DecisionLosses:
    """Losses of the decisions that networks make at the prices of several budgets.

    Outcomes are taken less what the first stage expects of the individual in the mean of the
    arms. Each row of a batch is decided at a price drawn from all.

    Parameters
    ----------
    loss : {"policy_learning", "maximum_entropy", "primal"}
        What a decision is judged by.
    data : TrainingTensors
        Rows.
    kinds : sequence of OutcomeKind
        Of response and cost.
    module : SharedLayers
        As the first stage left it.
    temperature : float
        Of the shares, in units of the spread of what arms are worth.
    seed : int
        Of the drawn prices.
    """

    def __init__(self, loss, data, kinds, module, temperature, seed):
        self.loss, self.data, self.kinds, self.temperature = loss, data, kinds, temperature
        self.generator = torch.Generator().manual_seed(seed)
        means = predict_means(module, data.features, kinds)
        self.centred = data.outcomes - means.mean(dim=2).movedim(2, 0)
        self.counted = _mean_of_networks(means)
        self.path = self._path_of(self.counted)
        least, most = self.path.cost[[0, -1]]
        self.budgets = least + (most - least) * (np.arange(N_BUDGETS) + 0.5) / N_BUDGETS
        self.first = self.prices = self._prices_on(self.path)

    @property
    def has_decisions(self):
        """Whether a budget changes any decision of the first stage."""
        return self.path.cost[-1] > self.path.cost[0]

    def refresh(self, average):
        """Find the prices at which the networks, as they are now, keep the budgets."""
        means = predict_means(average, self.data.features, self.kinds)
        self.prices = self._prices_on(self._path_of(_mean_of_networks(means)))

    def teach(self, outputs, index):
        """Return the loss of each network in each row, at one of the prices."""
        drawn = torch.randint(len(self.budgets), (len(index),), generator=self.generator)
        price, spread = (values[drawn] for values in self.prices)
        shares, received = self._decide(outputs, index, price, spread)
        response, cost = self.centred[:, :, index]
        inverse = self.data.inverse[index]
        if self.loss == "primal":
            return primal_loss(received, response, inverse) / spread
        worth = policy_learning_loss(received, response, cost, inverse, price) / spread
        if self.loss == "maximum_entropy":
            worth = worth - self.temperature * self.data.weight[index] * entropy_of(shares)
        return worth

    def judge(self, outputs, index):
        """Return the same at all prices of the first stage, without the entropy.

        A policy that spends more is charged for it, also where it learns from the response alone.
        """
        response, cost = self.centred[:, :, index]
        total = 0.0
        for price, spread in zip(*self.first):
            received = self._decide(outputs, index, price, spread)[1]
            worth = (received, response, cost, self.data.inverse[index], price)
            total = total + policy_learning_loss(*worth) / spread
        return total / len(self.budgets)

    def _decide(self, outputs, index, price, spread):
        means = means_of_outputs(self.kinds, outputs, torch)
        shares = shares_at_price(means[..., 0], means[..., 1], price, self.temperature * spread)
        return shares, received_part(shares, self.data.arm[index])

    def _path_of(self, means):
        """Follow the decisions by means, whose response and cost are those of the first stage."""
        weight = self.data.weight.double().numpy()[:, None]
        counted = (self.counted[..., outcome] * weight for outcome in (0, 1))
        return price_path(means[..., 0], means[..., 1], *counted)

    def _prices_on(self, path):
        prices = [price_of_budget(path, budget)[0] for budget in self.budgets]
        spreads = spreads_of_effects(self.counted, prices)
        return Prices(torch.tensor(prices).float(), torch.from_numpy(spreads).float())


@torch.no_grad()
def predict_means(module, features, kinds):
    """Return the expected outcomes of rows.

    Parameters
    ----------
    module : SharedLayers
        Networks.
    features : Tensor of shape (n_samples, n_features)
        Scaled features.
    kinds : sequence of OutcomeKind
        Of each outcome.

    Returns
    -------
    means : Tensor of shape (n_networks, n_samples, n_treatments, n_outcomes)
        Means.
    """
    parts = [
        means_of_outputs(kinds, module(part), torch) for part in features.split(PREDICTED_ROWS)
    ]
    return torch.cat(parts, dim=1)


def spreads_of_effects(means, prices):
    """Return the standard deviation of what arms are worth, around the mean of each row.

    Parameters
    ----------
    means : ndarray of shape (n_samples, n_treatments, 2)
        Expected response and cost.
    prices : sequence of float
        Of a unit of cost.

    Returns
    -------
    spreads : ndarray of shape (n_prices,)
        In units of response, none much less than the largest one at these prices and at none.
    """
    effect = means - means.mean(axis=1, keepdims=True)
    worth = [effect[..., 0] - price * effect[..., 1] for price in (0.0, *prices)]
    spreads = np.std(worth, axis=(1, 2))
    return np.maximum(spreads, LEAST_SPREAD * spreads.max())[1:]


def _mean_of_networks(means):
    return means.mean(dim=0).double().numpy()
