"""A response or a cost as a chance times an amount, and its mean from outputs of a network."""

from typing import NamedTuple

import numpy as np
from sklearn.preprocessing import StandardScaler

from sklearn_hrc._predictor.forward import hidden_layer, link_predictions
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS

__all__ = ["OutcomeKind", "OutcomeNetworks", "describe_outcome", "means_of_outputs"]

# From so many zeros on, an amount that is never negative is modelled in two parts.
MANY_ZEROS = 0.05
# No chance is less than that of this output, whose exponential float32 can hold.
LARGEST_OUTPUT = 80.0
# Least spread that a part is scaled by.
LEAST_SPREAD = 0.05


class OutcomeKind(NamedTuple):
    """How an outcome follows from two outputs of a network: that of a chance and of an amount.

    Attributes
    ----------
    has_chance : bool
        Whether the outcome is zero or an amount. If not, it is an amount.
    amount : int or None
        `AMOUNT`, whose mean is `scale * exp(output)`, or `CONTINUOUS`, whose mean is `location +
        scale * output`. None where the amount is `scale` whenever it is not zero.
    location, scale : float
        Of the amount.
    upper : float
        Largest output of an amount, so that no mean is above the largest amount that was seen.
    spread : tuple of float
        What the losses of the two parts are divided by.
    start : ndarray of shape (n_treatments, 2)
        Outputs that give the mean of each arm.
    known : ndarray of shape (n_treatments,)
        The outcome of arms where it is constant, else NaN.
    """

    has_chance: bool
    amount: int | None
    location: float
    scale: float
    upper: float
    spread: tuple[float, float]
    start: np.ndarray
    known: np.ndarray

    @property
    def is_learnt(self):
        """Whether an output says anything of the outcome."""
        return self.has_chance or self.amount is not None


class OutcomeNetworks(NamedTuple):
    """Fitted networks that predict response and cost under every arm, applied without torch.

    Attributes
    ----------
    scaler : StandardScaler
        Of the features.
    networks : list of Network
        Their means are averaged.
    kinds : list of OutcomeKind
        Of response and cost.
    """

    scaler: StandardScaler
    networks: list
    kinds: list

    def predict(self, X):
        """Return response and cost, each of shape (n_samples, n_treatments)."""
        return self._predict(X, np.ones((len(self.networks), len(X))))

    def predict_held_out(self, X, folds):
        """Predict the rows of fit, each of fold `m` by network `m` alone, which has not seen it."""
        networks = np.arange(len(self.networks))[:, None]
        return self._predict(X, (folds == networks) | (folds >= len(networks)))

    def _predict(self, X, counts):
        """Average the networks that count for a row."""
        features = self.scaler.transform(np.asarray(X, dtype=np.float64))
        total = 0.0
        for network, weight in zip(self.networks, counts):
            outputs = link_predictions(hidden_layer(features, network), network)
            total = total + means_of_outputs(self.kinds, outputs) * weight[:, None, None]
        means = total / counts.sum(axis=0)[:, None, None]
        return means[..., 0], means[..., 1]


def describe_outcome(values, arm, weight, known):
    """Find out of what kind an outcome is.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Of the received arms.
    arm : ndarray of shape (n_samples,), int
        Indices.
    weight : ndarray of shape (n_samples,)
        Of the rows.
    known : ndarray of shape (n_treatments,)
        The outcome of arms where it is constant, else NaN.

    Returns
    -------
    kind : OutcomeKind
        Of zeros and ones a chance. Of amounts that are never negative and often zero a chance and
        a positive amount. Of all else an amount of either sign.
    """
    learn = np.isnan(known)[arm] & (weight > 0)
    values, arm, weight = values[learn], arm[learn], weight[learn]
    start = np.zeros((len(known), 2))
    if not len(values):
        return OutcomeKind(False, None, 0.0, 1.0, 0.0, (1.0, 1.0), start, known)
    positive = values > 0
    if values.min() < 0 or np.average(~positive, weights=weight) < MANY_ZEROS:
        location = np.average(values, weights=weight)
        scale = np.sqrt(np.average((values - location) ** 2, weights=weight))
        start[:, 1] = _of_arms((values - location) / scale, arm, weight, len(known))
        return OutcomeKind(False, CONTINUOUS, location, scale, np.inf, (1.0, 1.0), start, known)
    chances = _of_arms(positive, arm, weight, len(known))
    start[:, 0] = np.log(chances / (1 - chances))
    chance = np.average(positive, weights=weight)
    spread = -chance * np.log(chance) - (1 - chance) * np.log1p(-chance)
    amounts, arm, weight = values[positive], arm[positive], weight[positive]
    scale = np.average(amounts, weights=weight)
    if np.ptp(amounts) == 0:
        return OutcomeKind(True, None, 0.0, scale, 0.0, (spread, 1.0), start, known)
    start[:, 1] = np.log(_of_arms(amounts / scale, arm, weight, len(known)))
    variation = np.average((amounts / scale - 1) ** 2, weights=weight)
    upper = np.log(amounts.max() / scale)
    spread = (spread, max(variation, LEAST_SPREAD))
    return OutcomeKind(True, AMOUNT, 0.0, scale, upper, spread, start, known)


def means_of_outputs(kinds, outputs, library=np):
    """Return the means that outputs of networks stand for.

    Parameters
    ----------
    kinds : sequence of OutcomeKind
        Of each outcome.
    outputs : array of shape (..., n_treatments, 2 * n_outcomes)
        Output of the chance and of the amount of each outcome in turn.
    library : module, default=numpy
        numpy or torch, whatever the outputs are of.

    Returns
    -------
    means : array of shape (..., n_treatments, n_outcomes)
        What is known is given as it is.
    """
    means = []
    for place, kind in enumerate(kinds):
        chance, amount = outputs[..., 2 * place], outputs[..., 2 * place + 1]
        mean = library.full_like(chance, kind.scale)
        if kind.amount == CONTINUOUS:
            mean = kind.location + kind.scale * amount
        elif kind.amount == AMOUNT:
            mean = kind.scale * library.exp(amount.clip(max=kind.upper))
        if kind.has_chance:
            mean = mean / (1 + library.exp(-chance.clip(min=-LARGEST_OUTPUT)))
        known = library.asarray(kind.known, dtype=mean.dtype)
        means.append(library.where(library.isnan(known), mean, known))
    return library.stack(means, -1)


def _of_arms(values, arm, weight, n_arms):
    """Mean of each arm, with one average row added, so that none is 0 or 1."""
    overall = np.average(values, weights=weight)
    total = np.bincount(arm, weight * values, minlength=n_arms) + overall
    return total / (np.bincount(arm, weight, minlength=n_arms) + 1)
