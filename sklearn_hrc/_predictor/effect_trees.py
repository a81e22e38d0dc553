"""Boosted effect trees, for effects of arms that appear only where several features meet.

A thin segment, where three features meet, is flat for an additive model and too small for the
networks. A tree reaches the segment in three cuts. A tree whose features include the arm needs
a fourth cut, and spends its first cuts on what is the same under all arms. So a tree here cuts
only by how the *arms* differ between individuals. Its outcome for a row of arm j has an entry
for each arm k,

    r * (1[j = k] / sqrt(p_k) - sqrt(p_k)),

with r the row's step towards its outcome and p the shares of the arms in the curvature of the
loss. The squared length of a leaf's mean, times the leaf's curvature, is the gain in likelihood
from effects of the leaf's own. Steps start from the base of the networks and a level for each arm.

The folds grow together, a tree each at a time, until the loss of all held-out rows stops falling.
The trees are kept if this loss has improved by more than twice its standard error. If each fold
stopped by its own held-out rows, folds would stop where chance favours them, and the stack, which
learns from the same rows, would trust trees that found nothing.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._predictor.effect_cuts import cut
from sklearn_hrc._predictor.encoding import encode, encode_own
from sklearn_hrc._predictor.fitted_trees import EffectTrees, binned
from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.tasks import INDICATOR

__all__ = ["fit_effect_trees"]

MOST_TREES, PATIENCE = 40, 4
RATE = 0.3
# Standard errors by which held-out losses must improve.
CERTAIN = 2.0
# Prior information, in units of the dispersion, that an arm has no effect in a leaf.
LEAF_PRIOR = 10.0
# Newton steps for the levels of the arms, and the largest change of a level in a step.
LEVEL_STEPS, LONGEST_STEP = 10, 1.0
# A component with fewer rows than the first has no trees. No more rows than the second are drawn.
LEAST_ROWS, MOST_ROWS = 200, 100_000
# Rows drawn anew for the cuts of each tree. All rows count for the values of its leaves.
CUT_ROWS = 20_000
# Largest number of contrasts of arms that a cut is sought for.
MOST_CONTRASTS = 8
# Quantiles at which features may be cut.
CUTS = np.linspace(0, 1, 65)[:-1]
LEAST_CURVATURE = 1e-3


class _Task(NamedTuple):
    """Rows on which the trees of one fold and component are grown.

    Attributes
    ----------
    features : ndarray of shape (n_rows, n_features), float32
        Binned.
    place : ndarray of shape (n_rows,), int
        Place of the received arm among the arms that teach the component.
    target, weight : ndarray of shape (n_rows,)
        Targets and weights of the loss.
    base : ndarray of shape (n_rows,)
        Links without levels of the arms.
    seen : ndarray of shape (n_rows,), bool
        Whether trees are fitted to the row. The other rows, held out, stop the trees.
    """

    features: np.ndarray
    place: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    base: np.ndarray
    seen: np.ndarray


def fit_effect_trees(rows, networks, random_state):
    """Fit the trees.

    Parameters
    ----------
    rows : TrainingRows
        Rows in folds.
    networks : object
        Member of the predictor that gives the base.
    random_state : int
        Seed of the choice of rows, features and contrasts where there are very many.

    Returns
    -------
    model : EffectTrees
        Trees for each fold and component, none where trees find nothing.
    """
    rng = np.random.RandomState(random_state)
    taught = [_draw(rows, c, rng) for c in range(len(rows.components.kind))]
    index = np.unique(np.concatenate(taught))
    n_treatments = len(rows.components.source)
    trees = [[[] for _ in taught] for _ in range(rows.n_models)]
    if not len(index):
        return EffectTrees(rows.encoding, [], trees, n_treatments)
    own = encode_own(rows.features[index], rows.encoding, np.float32)
    cuts = [_cuts(values) for values in own.T]
    features, base = binned(own, cuts), _bases(rows, networks, index)
    for c, (drawn, kind) in enumerate(zip(taught, rows.components.kind)):
        arms = np.flatnonzero(rows.components.source[:, c] >= 0)
        place = np.searchsorted(index, drawn)
        own_features, own_base = features[place], base[:, place, c]
        tasks = [
            _task(rows, drawn, own_features, own_base[m], arms, m, c) for m in range(rows.n_models)
        ]
        models = [m for m, task in enumerate(tasks) if _teaches(task)]
        tasks = [tasks[m] for m in models]
        forests = _grow(tasks, LOSSES[kind], kind == INDICATOR, len(arms), rng)
        for m, forest in zip(models, forests):
            trees[m][c] = [(tree, _of_all(effects, arms, n_treatments)) for tree, effects in forest]
    return EffectTrees(rows.encoding, cuts, trees, n_treatments)


def _draw(rows, c, rng):
    """Rows that teach component `c`, sorted."""
    index = np.flatnonzero((rows.weights[:, c] > 0) & (rows.fold < rows.n_models))
    if len(index) > MOST_ROWS:
        index = np.sort(rng.choice(index, MOST_ROWS, replace=False))
    return index


def _of_all(effects, arms, n_treatments):
    """Effects of all arms, zero where an arm does not teach the component."""
    every = np.zeros((len(effects), n_treatments))
    every[:, arms] = effects
    return every


def _cuts(values):
    """Middles between a quantile and the next larger value, so that rounding changes no bin."""
    distinct = np.unique(values).astype(np.float64)
    quantiles = np.quantile(values, CUTS, method="inverted_cdf")
    below = np.unique(np.searchsorted(distinct, quantiles))
    below = below[below < len(distinct) - 1]
    return (distinct[below] + distinct[below + 1]) / 2


def _bases(rows, networks, index):
    """Means of the networks' links over the arms, (n_models, n_rows, n_components)."""
    learnt = rows.components.source >= 0
    share = learnt / np.maximum(learnt.sum(axis=0), 1)
    bases = []
    for part in np.array_split(index, 1 + len(index) // 8192):
        links = networks.links(encode(rows.features[part], rows.encoding))
        bases.append(np.einsum("mnjc,jc->mnc", links, share))
    return np.concatenate(bases, axis=1)


def _task(rows, index, features, base, arms, m, c):
    """Rows that teach component `c`, for model `m`."""
    return _Task(
        features,
        np.searchsorted(arms, rows.arm[index]),
        rows.targets[index, c].astype(np.float64),
        rows.weights[index, c].astype(np.float64),
        base.astype(np.float64),
        rows.fold[index] != m,
    )


def _teaches(task):
    """Whether there are enough rows, of at least two arms, and held-out rows to stop the trees."""
    many = task.seen.sum() >= LEAST_ROWS and not task.seen.all()
    return many and np.ptp(task.place[task.seen]) > 0 and np.ptp(task.target[task.seen]) > 0


@np.errstate(over="ignore", invalid="ignore")
def _grow(tasks, loss, is_indicator, n_arms, rng):
    """Add trees to all folds as long as they lower the held-out loss, and return those of each."""
    links = [task.base + _levels(task, loss, n_arms)[task.place] for task in tasks]
    dispersions = [
        1.0 if is_indicator else _dispersion(task, own, loss) for task, own in zip(tasks, links)
    ]
    forests, n_trees, best = [[] for _ in tasks], 0, 0
    losses = _held_out_losses(tasks, links, loss)
    # A row whose loss overflows judges no tree.
    judges = np.isfinite(losses)
    start = least = losses[judges]
    while n_trees < MOST_TREES and n_trees - best < PATIENCE:
        n_trees += 1
        for task, own, dispersion, forest in zip(tasks, links, dispersions, forests):
            grown = _effect_tree(task, own, loss, dispersion, n_arms, rng)
            forest.append(grown)
            if grown is not None:
                tree, effects = grown
                own += effects[tree.leaves(task.features), task.place]
        if all(forest[-1] is None for forest in forests):
            break
        losses = _held_out_losses(tasks, links, loss)[judges]
        if losses.sum() < least.sum():
            best, least = n_trees, losses
    # The held-out loss also chose the number of trees, so a small gain may be chance.
    gain = start - least
    if not gain.sum() > CERTAIN * np.sqrt(gain @ gain):
        best = 0
    return [[grown for grown in forest[:best] if grown is not None] for forest in forests]


def _held_out_losses(tasks, links, loss):
    """Weighted losses of the held-out rows of all folds."""
    parts = [np.empty(0)]
    for task, own in zip(tasks, links):
        held_out = ~task.seen
        parts.append(task.weight[held_out] * loss.loss(own[held_out], task.target[held_out]))
    return np.concatenate(parts)


def _sums(task, links, loss, cell, shape):
    """Sums of steps times curvature, and of curvature, over the seen rows of each cell."""
    target, weight = task.target[task.seen], task.weight[task.seen]
    curvature = np.maximum(loss.curvature(links[task.seen], target), LEAST_CURVATURE)
    values = -weight * loss.slope(links[task.seen], target), weight * curvature
    return [np.bincount(cell, part, np.prod(shape)).reshape(shape) for part in values]


def _levels(task, loss, n_arms):
    """Level of each arm beside the base, so that no tree has to correct the level."""
    level, place = np.zeros(n_arms), task.place[task.seen]
    for _ in range(LEVEL_STEPS):
        gain, mass = _sums(task, task.base + level[task.place], loss, place, (n_arms,))
        step = np.divide(gain, mass, out=np.zeros(n_arms), where=mass > 0)
        level = level + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
    return level


def _dispersion(task, links, loss):
    """Pearson's estimate of the dispersion from the rows that trees are fitted to."""
    links, target, weight = links[task.seen], task.target[task.seen], task.weight[task.seen]
    misfit = loss.slope(links, target) ** 2
    misfit = misfit / np.maximum(loss.curvature(links, target), LEAST_CURVATURE)
    return (weight @ misfit + 1) / (weight.sum() + 1)


def _effect_tree(task, links, loss, dispersion, n_arms, rng):
    """Return a tree and the effects in its leaves, or None if the tree has no cut."""
    seen = task.seen
    place, features = task.place[seen], task.features[seen]
    slope = loss.slope(links[seen], task.target[seen])
    curvature = np.maximum(loss.curvature(links[seen], task.target[seen]), LEAST_CURVATURE)
    mass = task.weight[seen] * curvature
    share = np.bincount(place, mass, n_arms) / mass.sum()
    outcome = (-slope / curvature)[:, None] * _contrasts(share, rng)[place]
    # Links may have diverged.
    if not np.isfinite(outcome).all():
        return None
    drawn = slice(None)
    if len(mass) > CUT_ROWS:
        drawn = rng.choice(len(mass), CUT_ROWS, replace=False)
    tree = cut(features[drawn], outcome[drawn], mass[drawn], rng)
    shape = len(tree.feature), n_arms
    if shape[0] == 1:
        return None
    # A Newton step for each arm in each leaf. What all arms share is subtracted: it is no effect.
    cell = np.ravel_multi_index((tree.leaves(features), place), shape)
    gain, own = _sums(task, links, loss, cell, shape)
    total = np.maximum(own.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    gain = gain - own * gain.sum(axis=1, keepdims=True) / total
    return tree, RATE * gain / (own + LEAF_PRIOR * dispersion)


def _contrasts(share, rng):
    """Factors of shape (n_arms, n_contrasts) that turn a step into a tree's outcome."""
    root = np.sqrt(share)
    # An arm without rows has no contrast.
    contrasts = np.diag(np.divide(1, root, out=np.zeros_like(root), where=root > 0)) - root
    if len(share) <= MOST_CONTRASTS:
        return contrasts
    # Fewer outcomes are faster. Random directions keep squared lengths in the mean.
    return contrasts @ rng.normal(size=(len(share), MOST_CONTRASTS)) / np.sqrt(MOST_CONTRASTS)
