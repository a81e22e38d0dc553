"""Combination of members on the link scale, fitted to held-out rows.

For a component let `base` be the mean of a member's links over the arms that teach the component,
and `effect_j` what arm `j` adds, both less their means over the rows. The combined link is

    level_j + sum over members of (base_weight * base + effect_weight * effect_j),

a generalised linear model of the received arm's outcome. Each row has the links of the
model that did not see it. No weight is negative, so useless predictions get the weight zero. The
prior of the weights leans on the pooled model, whose effects are shrunk already. A weight moves
away from its prior as far as held-out rows show that it should. The levels of the arms are drawn
towards those of the leading member, by a variance that is learnt (empirical Bayes).

For new rows a member's links are the mean over its models. Some of the models' noise
cancels in this mean, so its parts spread less than those of one model. They are stretched
to the same standard deviations, because effects would be too small otherwise.

In a second layer components learn from each other (`lending.py`).
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._cells.moments import Moments, add, empty
from sklearn_hrc._chunks import chunks
from sklearn_hrc._predictor.encoding import encode
from sklearn_hrc._predictor.lending import Lending, fit_lending, lend, no_lending
from sklearn_hrc._predictor.weights import Problem, fit_weights

__all__ = ["Stack", "combine", "default_stack", "fit_stack"]

# Prior precisions of the weights, in units of the information of independent rows.
BASE_PRECISION, EFFECT_PRECISION = 1.0, 5.0
LARGEST_STRETCH = 2.0
# Mean parts whose variance is below this share of that of the held-out parts count as constant.
ROUNDING = 1e-9
# Number of rows whose links are in memory at once.
STACK_ROWS = 8192


class Stack(NamedTuple):
    """Weights of the members, which `combine` applies.

    Attributes
    ----------
    level : ndarray of shape (n_treatments, n_components)
        Link of an arm where bases and effects are zero.
    base_weight, effect_weight : ndarray of shape (n_members, n_components)
        Weights of the parts of the members' mean links.
    share : ndarray of shape (n_treatments, n_components)
        Weight of an arm in the base, equal for all arms that teach the component.
    lending : Lending
        Second layer, in which components learn from each other.
    """

    level: np.ndarray
    base_weight: np.ndarray
    effect_weight: np.ndarray
    share: np.ndarray
    lending: Lending


class _Parts(NamedTuple):
    """Bases and effects of one member.

    Attributes
    ----------
    base, effect : ndarray of shape (n_samples, n_components), float32
        Parts of the held-out links. The effect is that of the received arm.
    own, mean : Moments of one group
        Moments of bases, then of the effects of all arms: those of the held-out links, and those
        of the mean over the models.
    """

    base: np.ndarray
    effect: np.ndarray
    own: Moments
    mean: Moments


def combine(links, stack):
    """Return combined links.

    Parameters
    ----------
    links : list of ndarray of shape (..., n_treatments, n_components)
        Links of each member, by one model or the mean of all.
    stack : Stack
        As fitted.

    Returns
    -------
    combined : ndarray of shape (..., n_treatments, n_components)
        Combined links in the dtype of `links`.
    """
    dtype = links[0].dtype
    level, base_weight, effect_weight, share = (part.astype(dtype) for part in stack[:4])
    combined = np.broadcast_to(level, links[0].shape).copy()
    for member, base_slope, effect_slope in zip(links, base_weight, effect_weight):
        base, effect = _split(member, share)
        combined += base_slope * base[..., None, :] + effect_slope * effect
    base, effect = _split(combined, share)
    return lend(base, effect * (share > 0), stack.lending)


def default_stack(members, source):
    """Return a stack by the prior alone, for the case that no rows were held out.

    Parameters
    ----------
    members : list
        Fitted members.
    source : ndarray of shape (n_treatments, n_components), int
        As in `Components`.

    Returns
    -------
    stack : Stack
        Stack with the prior means of the weights.
    """
    n_components = source.shape[1]
    base, effect = (np.repeat(mean[:, None], n_components, axis=1) for mean in _prior(members))
    lending = no_lending(*source.shape)
    return Stack(np.zeros(source.shape), base, effect, _shares(source), lending)


def fit_stack(members, rows):
    """Fit the weights of the members.

    Parameters
    ----------
    members : list
        Fitted members. `prior` gives the prior means of the weights of a member: that of the base,
        in relation to those of the other members, and that of the effects.
    rows : TrainingRows
        Rows in folds, some of them held out.

    Returns
    -------
    stack : Stack
        Stack for the mean of each member's links, or for those of its models.
    alone : Stack
        The same stack without the stretch, for rows that a model did not see.
    """
    held_out = np.flatnonzero(rows.fold < rows.n_models)
    share = _shares(rows.components.source)
    parts = _parts(members, rows, held_out, share)
    weights = np.zeros((2, len(members), share.shape[1]))
    level = np.zeros(share.shape)
    for c in np.flatnonzero(share.any(axis=0)):
        arms = np.flatnonzero(share[:, c])
        level[arms, c], fitted = fit_weights(
            _problem(parts, _prior(members), rows, held_out, arms, c)
        )
        weights[..., c] = fitted.reshape(2, -1)
    lending = _lending(parts, weights, level, share, rows, held_out)
    stretch = np.array([_stretch(part, share > 0) for part in parts]).swapaxes(0, 1)
    # Held-out links come from single models, so they need no stretch.
    alone = _counted(level, weights, [part.own for part in parts], share, lending)
    mean = [part.mean for part in parts]
    return _counted(level, weights * stretch, mean, share, lending), alone


def _counted(level, weights, moments, share, lending):
    """Return the stack for links that are counted from zero instead of from these means."""
    means = np.array([part.mean[0] for part in moments])
    base_mean, effect_mean = np.split(means, [share.shape[1]], axis=1)
    base, effect = weights
    level = level - (base * base_mean).sum(axis=0)
    shift = (effect[:, None] * effect_mean.reshape(-1, *share.shape)).sum(axis=0)
    return Stack(level - shift * (share > 0), base, effect, share, lending)


def _lending(parts, weights, level, share, rows, held_out):
    """Combine the parts of held-out rows and fit the second layer to them."""
    received, learnt = rows.arm[held_out], share > 0
    base, effect = np.zeros((2, len(held_out), share.shape[1]))
    for part, base_weight, effect_weight in zip(parts, *weights):
        base_mean, effect_mean = np.split(part.own.mean[0], [share.shape[1]])
        base += base_weight * (part.base - base_mean)
        own = part.effect - effect_mean.reshape(share.shape)[received]
        effect += effect_weight * own * learnt[received]
    return fit_lending(base, effect, level, share, rows, held_out)


def _prior(members):
    """Prior means of the weights of bases and effects."""
    base, effect = np.array([member.prior() for member in members]).T
    # Each member predicts the whole base, so the prior means of the base weights sum to one.
    base = base / base.sum()
    # If no member leads, all effects count like bases.
    return base, effect if effect.any() else base


def _shares(source):
    learnt = source >= 0
    return learnt / np.maximum(learnt.sum(axis=0), 1)


def _split(links, share):
    """Mean over the arms that teach a component, and what each arm adds to it."""
    base = np.einsum("...jc,jc->...c", links, share)
    return base, links - base[..., None, :]


def _parts(members, rows, held_out, share):
    """Go over the held-out rows once and split the links of each member into parts."""
    n_components = share.shape[1]
    shape = len(members), 2, len(held_out), n_components
    received = np.empty(shape, dtype=np.float32)
    moments = [
        [empty(1, share.size + n_components, cross=False) for _ in range(2)] for _ in members
    ]
    for chunk in chunks(len(held_out), STACK_ROWS):
        index = held_out[chunk]
        place = np.arange(len(index))
        columns = encode(rows.features[index], rows.encoding)
        for m, member in enumerate(members):
            links = member.links(columns)
            # Held-out links have the noise of one model. Their mean over all models has less.
            pair = links[rows.fold[index], place], links.mean(axis=0)
            for i, values in enumerate(pair):
                split = [part.reshape(len(index), -1) for part in _split(values, share)]
                moments[m][i] = add(moments[m][i], 0 * place, split, rows.sample_weight[index])
            received[m, 0, chunk], effects = _split(pair[0], share)
            received[m, 1, chunk] = effects[place, rows.arm[index]]
    return [_Parts(*own, *both) for own, both in zip(received, moments)]


def _stretch(part, learnt):
    """Ratio of a member's standard deviations, held out over mean, of both parts, at least 1."""
    variances = []
    for moments in (part.own, part.mean):
        base, effect = np.split(moments.scatter[0], [learnt.shape[1]])
        variances.append([base, (effect.reshape(learnt.shape) * learnt).sum(axis=0)])
    own, mean = np.array(variances)
    ratio = np.divide(own, mean, out=np.ones_like(own), where=mean > ROUNDING * own)
    return np.clip(np.sqrt(ratio), 1.0, LARGEST_STRETCH)


def _problem(parts, prior, rows, held_out, arms, c):
    """Put together the problem that the weights of component `c` solve."""
    n_treatments, n_components = rows.components.source.shape
    used = np.flatnonzero(rows.weights[held_out, c] > 0)
    index = held_out[used]
    received = rows.arm[index]
    bases, effects, base_means, levels = [], [], [], []
    for part in parts:
        base_mean, effect_mean = np.split(part.own.mean[0], [n_components])
        levels.append(effect_mean.reshape(n_treatments, -1)[:, c])
        base_means.append(base_mean[c])
        bases.append(part.base[used, c] - base_mean[c])
        effects.append(part.effect[used, c] - levels[-1][received])
    base, effect = prior
    return Problem(
        np.column_stack(bases + effects),
        np.searchsorted(arms, received),
        rows.targets[index, c],
        rows.weights[index, c],
        rows.components.kind[c],
        np.concatenate([base, effect]),
        np.repeat([BASE_PRECISION, EFFECT_PRECISION], len(parts)),
        base @ base_means + levels[effect.argmax()][arms],
    )
