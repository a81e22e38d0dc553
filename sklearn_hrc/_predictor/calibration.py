"""Calibration of link-scale predictions, from predictions of rows not trained on.

Networks overfit, and effects of arms more than what arms have in common. With
`base` the mean of a row's links over the arms and `effect_j` what arm `j` adds,
both less their means over the rows, the calibrated link of a component is

    level_j + base_slope * base + common_slope * common_j + own_slope * own_j,

a generalised linear model of the received arm's outcome, fitted by iteratively
reweighted least squares to predictions that each row gets from the network
that did not see it. `common_j` is the part of the effects along their first
principal direction over the arms, `own_j` the rest: mostly, all arms move an
individual in proportion, and what is particular to an arm is noise; the slopes
say how far. An amount that does not depend on the arm gets slopes near 0 by
itself.

What is calibrated is the mean of the networks. Some of their noise cancels in it, so
that its parts spread less than those of one network: they are stretched to the same
standard deviations. Else effects would be too small, and so would be the mean of a
convex function of the links, such as a rare chance.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from sklearn_hrc._predictor.tasks import AMOUNT, INDICATOR, POSITIVE
from sklearn_hrc._statistics import add, empty

__all__ = ["Calibration", "calibrate", "fit_calibration"]

# Slopes are kept in this range: a larger one would blow up the noise of
# predictions that say next to nothing, a negative one would turn them around.
SLOPES = (0.0, 1.5)
MAX_STEPS = 100
MAX_HALVINGS = 20
TOLERANCE = 1e-8
# An own effect of at most this share of the effects' variance is rounding, as of two arms.
ROUNDING = 1e-9


class Calibration(NamedTuple):
    """A generalised linear model on the link scale for each component.

    Attributes
    ----------
    level : ndarray of shape (n_treatments, n_components)
        Link of an arm where base and effect are at their means.
    slopes : ndarray of shape (3, n_components)
        What base, common effect and own effect are multiplied with.
    base_mean : ndarray of shape (n_components,)
        Mean over individuals, of the mean over the networks.
    effect_mean : ndarray of shape (n_treatments, n_components)
        Mean over individuals, of the mean over the networks.
    direction : ndarray of shape (n_treatments, n_components)
        Unit vector along which effects are common; 0 where an arm is known.
    share : ndarray of shape (n_treatments, n_components)
        Weight of an arm in the base: equal for those where the component is learnt.
    """

    level: np.ndarray
    slopes: np.ndarray
    base_mean: np.ndarray
    effect_mean: np.ndarray
    direction: np.ndarray
    share: np.ndarray


def fit_calibration(chunks, arm, targets, weights, sample_weight, components):
    """Fit the calibration of link-scale predictions.

    Parameters
    ----------
    chunks : iterable of (ndarray, ndarray)
        Links of consecutive rows, of shape (n_chunk, n_treatments,
        n_components): by the network that did not see the row, and the mean
        over the networks.
    arm : ndarray of shape (n_samples,), int
        Arm of each row.
    targets, weights : ndarray of shape (n_samples, n_components)
        As the losses have them.
    sample_weight : ndarray of shape (n_samples,)
        Positive weights.
    components : Components
        Description of the tasks.

    Returns
    -------
    calibration : Calibration
        To be applied to the mean of the networks' links.
    """
    learnt = components.source >= 0
    share = learnt / np.maximum(learnt.sum(axis=0), 1)
    held_out, *moments = _moments(chunks, share, sample_weight)
    one, mean = (_uncalibrated(part, share) for part in moments)
    columns = _received_columns(held_out, arm, one)
    level, slopes = one.level.copy(), one.slopes.copy()
    for c, kind in enumerate(components.kind):
        rows = weights[:, c] > 0
        level[:, c], slopes[:, c] = _fit_component(
            columns[rows, :, c],
            arm[rows],
            targets[rows, c],
            weights[rows, c],
            kind,
            level[:, c],
        )
    slopes = np.clip(slopes * _stretch(*moments, one), *SLOPES)
    return mean._replace(level=level, slopes=slopes, direction=one.direction)


def calibrate(links, calibration):
    """Return calibrated links.

    Parameters
    ----------
    links : ndarray of shape (n_samples, n_treatments, n_components)
        Mean over the networks.
    calibration : Calibration
        As fitted.

    Returns
    -------
    calibrated : ndarray of shape (n_samples, n_treatments, n_components)
        In the dtype of `links`.
    """
    calibration = Calibration(*(array.astype(links.dtype) for array in calibration))
    calibrated = calibration.level
    for slope, column in zip(calibration.slopes, _columns(links, calibration)):
        calibrated = calibrated + slope * column
    return calibrated


def _moments(chunks, share, sample_weight):
    """Return the held-out links, and moments of base and effects of these and of mean links."""
    moments = [empty(1, share.size + share.shape[1])] * 2
    held_out, first = [], 0
    for pair in chunks:
        held_out.append(pair[0])
        weight = sample_weight[first : first + len(pair[0])]
        first += len(weight)
        group = np.zeros(len(weight), dtype=np.intp)
        for i, links in enumerate(pair):
            parts = [part.reshape(len(links), -1) for part in _split(links, share)]
            moments[i] = add(moments[i], group, parts, weight)
    return held_out, *moments


def _scatter(moments, n_components):
    """Scatter of base and effects of each component, of shape (n_components, 1 + n_arms, same)."""
    n_parts = moments.mean.shape[1] // n_components
    scatter = moments.scatter[0].reshape(2 * (n_parts, n_components))
    return np.array([scatter[:, c, :, c] for c in range(n_components)])


def _uncalibrated(moments, share):
    """Means and direction of the effects, with levels and slopes that leave links as they are."""
    n_components = share.shape[1]
    mean = moments.mean[0].reshape(-1, n_components)
    direction = [
        _direction(scatter[1:, 1:], learnt)
        for scatter, learnt in zip(_scatter(moments, n_components), share.T > 0)
    ]
    slopes = np.ones((3, n_components))
    return Calibration(
        mean[0] + mean[1:], slopes, mean[0], mean[1:], np.transpose(direction), share
    )


def _stretch(moments_of_one, moments_of_mean, calibration):
    """Standard deviations of the three parts of one network's links, over those of the mean."""
    of_one, of_mean = (
        _part_scatter(moments, calibration) for moments in (moments_of_one, moments_of_mean)
    )
    both_vary = (of_one > 0) & (of_mean > 0)
    return np.sqrt(np.divide(of_one, of_mean, out=np.ones_like(of_one), where=both_vary))


def _part_scatter(moments, calibration):
    """Scatter of base, common effect and own effect, of shape (3, n_components)."""
    parts = []
    for c, scatter in enumerate(_scatter(moments, calibration.share.shape[1])):
        direction, learnt = calibration.direction[:, c], calibration.share[:, c] > 0
        effects = scatter[1:, 1:]
        total = np.diag(effects)[learnt].sum()
        common = direction @ effects @ direction
        own = total - common
        parts.append([scatter[0, 0], common, own if own > ROUNDING * total else 0.0])
    return np.transpose(parts)


def _received_columns(chunks, arm, calibration):
    """Columns of the received arms, of shape (n_samples, 3, n_components)."""
    received, first = [], 0
    for links in chunks:
        rows = np.arange(len(links))
        chosen = arm[first : first + len(links)]
        first += len(links)
        columns = _columns(links, calibration)
        received.append(np.stack([column[rows, chosen] for column in columns], axis=1))
    return np.concatenate(received)


def _split(links, share):
    """Mean over the arms that teach a component, and what each arm adds to it."""
    base = np.einsum("ijc,jc->ic", links, share)
    return base, links - base[:, None]


def _direction(scatter, learnt):
    """First principal direction of the effects over the arms where they are learnt."""
    both = np.outer(learnt, learnt)
    return np.linalg.eigh(np.where(both, scatter, 0.0))[1][:, -1] * learnt


def _columns(links, calibration):
    """Base, common and own effect of every arm, each of the shape of `links`."""
    base, effect = _split(links, calibration.share)
    base = np.broadcast_to((base - calibration.base_mean)[:, None], links.shape)
    effect = effect - calibration.effect_mean
    common = np.einsum("ijc,jc->ic", effect, calibration.direction)
    common = common[:, None] * calibration.direction
    return base, common, effect - common


def _fit_component(columns, arm, target, weight, kind, level):
    """Return the level of each arm and the slopes of the columns.

    Levels are fitted again where a slope is out of range, so that the means of
    the arms stay right.
    """
    arms = np.zeros((len(arm), len(level)))
    arms[np.arange(len(arm)), arm] = 1.0
    start = np.append(level, np.ones(columns.shape[1]))
    fitted = _minimise(np.hstack([arms, columns]), target, weight, kind, start)
    free = fitted[len(level) :]
    slopes = np.clip(free, *SLOPES)
    level = fitted[: len(level)]
    if (slopes != free).any():
        level = _minimise(arms, target, weight, kind, start[: len(level)], columns @ slopes)
    return level, slopes


def _minimise(design, target, weight, kind, start, offset=0.0):
    """Penalised maximum likelihood of a generalised linear model.

    The penalty, that of a normal prior of unit variance around `start`, the
    predictions as they are, keeps what no rows speak of where it was.
    """

    def objective(coefficients):
        loss = (weight * _loss(offset + design @ coefficients, target, kind)).sum()
        return loss + 0.5 * np.square(coefficients - start).sum()

    coefficients, best = start, objective(start)
    for _ in range(MAX_STEPS):
        slope, curvature = _derivatives(offset + design @ coefficients, target, kind)
        gradient = design.T @ (weight * slope) + coefficients - start
        hessian = design.T @ (design * (weight * curvature)[:, None]) + np.eye(len(start))
        step = np.linalg.solve(hessian, gradient)
        for _ in range(MAX_HALVINGS):
            value = objective(coefficients - step)
            if value <= best:
                break
            step = step / 2
        else:
            break
        coefficients, best = coefficients - step, value
        if np.abs(step).max() < TOLERANCE:
            break
    return coefficients


# A step too far overflows in one of these, and is halved.
@np.errstate(over="ignore")
def _loss(link, target, kind):
    """Half the deviance up to a constant, as the networks minimise it."""
    if kind == INDICATOR:
        return np.logaddexp(0, link) - target * link
    if kind == AMOUNT:
        return target * np.exp(-link) + link
    if kind == POSITIVE:
        return np.exp(link) - target * link
    return 0.5 * (target - link) ** 2


@np.errstate(over="ignore")
def _derivatives(link, target, kind):
    """Slope of the loss, and a curvature that is large enough for a step."""
    if kind == INDICATOR:
        chance = expit(link)
        return chance - target, chance * (1 - chance)
    if kind == AMOUNT:
        relative = target * np.exp(-link)
        # Expected to be 1; far from the minimum the loss is steeper than that.
        return 1 - relative, np.maximum(relative, 1)
    if kind == POSITIVE:
        mean = np.exp(link)
        return mean - target, mean
    return link - target, np.ones_like(link)
