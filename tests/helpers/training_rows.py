"""Rows of planted experiments, as the members of the predictor learn from them."""

import numpy as np
from scipy.special import expit

from sklearn_hrc._predictor.encoding import fit_encoding
from sklearn_hrc._predictor.rows import TrainingRows
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR, POSITIVE, Components

KINDS = [INDICATOR, AMOUNT, POSITIVE, CONTINUOUS]


def components_of(kind, n_arms, known=()):
    """Components of which some (arm, component) are known."""
    source = np.zeros((n_arms, len(kind)), dtype=int)
    for place in known:
        source[place] = -1
    fields = dict.fromkeys(Components._fields)
    return Components(**{**fields, "kind": np.asarray(kind), "source": source})


def draw(links, kind, rng):
    """Targets whose expectation has these links."""
    if kind == INDICATOR:
        return (rng.random(links.shape) < expit(links)).astype(float)
    if kind == AMOUNT:
        return np.exp(links) * rng.gamma(3.0, 1 / 3, links.shape)
    if kind == POSITIVE:
        return rng.poisson(np.exp(links)).astype(float)
    return links + rng.normal(size=links.shape)


def rows_of(
    features,
    arm,
    targets,
    kind,
    *,
    fold=None,
    n_models=2,
    weights=None,
    sample_weight=None,
    known=(),
    encoding=None,
    n_arms=3,
):
    """Return training rows; targets of one kind may do without an axis for components."""
    kind = np.atleast_1d(kind)
    targets = np.asarray(targets, dtype=float).reshape(len(arm), len(kind))
    sample_weight = np.ones(len(arm)) if sample_weight is None else sample_weight
    return TrainingRows(
        features,
        fit_encoding(features, sample_weight) if encoding is None else encoding,
        arm,
        np.arange(len(arm)) % n_models if fold is None else fold,
        n_models,
        targets,
        np.ones(targets.shape) if weights is None else weights,
        sample_weight,
        components_of(kind, n_arms, known),
    )
