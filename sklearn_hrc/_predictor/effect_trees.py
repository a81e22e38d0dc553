"""Boosted effect trees, for what arms do only where several features meet.

A thin segment, where three features meet, is flat for an additive model and too small for the
networks; a tree comes to it in three cuts. A tree whose features include the arm needs
a fourth, and spends its first ones on what is the same under all arms. So a
tree here cuts by how the *arms* differ between individuals, and nothing else: its outcome for
a row of arm j has an entry for each arm k,

    r * (1[j = k] / sqrt(p_k) - sqrt(p_k)),

with r the row's step towards its outcome and p the shares of the arms. The squared lengths of a
leaf's mean, times its weight, are the likelihood gained by effects of its own. Steps start from
the base of the networks. Trees are added until those of the fold that is left out get
no better, and are kept if they are better there than chance makes them.
"""

from typing import NamedTuple

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from sklearn_hrc._predictor.encoding import Encoding, encode, encode_own, own_columns
from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.tasks import INDICATOR

__all__ = ["EffectTrees", "fit_effect_trees"]

# Four leaves: three features meet in the last one.
SETTINGS = {"max_leaf_nodes": 4, "min_samples_leaf": 40}
MOST_TREES, PATIENCE = 40, 4
RATE = 0.3
# Information for no effect, in units of the dispersion, that an arm has in each leaf.
LEAF_PRIOR = 10.0
# Twice the gain in likelihood in the fold that is left out, from which on trees are kept.
LEAST_GAIN = 4.0
# With fewer rows than this no tree finds what others do not; more find no more.
LEAST_ROWS, MOST_ROWS = 200, 100_000
# Rows that say where a tree cuts, drawn anew for each; all say what its leaves hold.
CUT_ROWS = 20_000
# A cut is sought among so many features, and for so many contrasts of arms.
MOST_FEATURES, MOST_CONTRASTS = 64, 8
# Features are cut at so many of their quantiles.
CUTS = np.linspace(0, 1, 65)[1:-1]
LEAST_CURVATURE = 1e-3


class EffectTrees(NamedTuple):
    """Fitted trees.

    Attributes
    ----------
    encoding : Encoding
        Says which of the columns are features of the trees.
    cuts : list of ndarray
        Values at which each feature may be cut.
    trees : list of list of list
        For each fold and component the trees, each with the effects of the arms in its leaves,
        an array of shape (n_nodes, n_treatments).
    n_treatments : int
        Number of arms.
    """

    encoding: Encoding
    cuts: list
    trees: list
    n_treatments: int

    def prior(self):
        """Return the prior means of its weights: it counts as far as held-out rows show."""
        return 0.0, 0.0

    def links(self, columns):
        """Return effects of shape (n_models, n_samples, n_treatments, n_components)."""
        features = _binned(own_columns(columns, self.encoding), self.cuts)
        shape = len(self.trees), len(features), self.n_treatments, len(self.trees[0])
        links = np.zeros(shape, dtype=columns.dtype)
        for m, by_component in enumerate(self.trees):
            for c, trees in enumerate(by_component):
                for tree, effects in trees:
                    links[m, :, :, c] += effects[tree.apply(features, check_input=False)]
        return links


class _Task(NamedTuple):
    """What the trees of one fold and component are grown on.

    Attributes
    ----------
    features : ndarray of shape (n_rows, n_features), float32
        Binned.
    arm : ndarray of shape (n_rows,), int
        Received arm.
    target, weight : ndarray of shape (n_rows,)
        As the losses have them.
    start : ndarray of shape (n_rows,)
        Links without any tree.
    seen : ndarray of shape (n_rows,), bool
        Whether trees are fitted to the row; the others stop them.
    share : ndarray of shape (n_treatments,)
        Shares of the arms in the weight; zero where they teach nothing.
    """

    features: np.ndarray
    arm: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    start: np.ndarray
    seen: np.ndarray
    share: np.ndarray


def fit_effect_trees(rows, networks, random_state):
    """Fit the trees.

    Parameters
    ----------
    rows : TrainingRows
        Rows in folds.
    networks : object
        Member of the predictor that has the base.
    random_state : int
        Seed of the choice of rows, features and contrasts where there are very many.

    Returns
    -------
    model : EffectTrees
        Trees for each fold and component; none where they find nothing.
    """
    rng = np.random.RandomState(random_state)
    index = np.flatnonzero(rows.fold < rows.n_models)
    if len(index) > MOST_ROWS:
        index = np.sort(rng.choice(index, MOST_ROWS, replace=False))
    n_treatments, n_components = rows.components.source.shape
    trees = [[[] for _ in range(n_components)] for _ in range(rows.n_models)]
    if not len(index):
        return EffectTrees(rows.encoding, [], trees, n_treatments)
    own = encode_own(rows.features[index], rows.encoding, np.float32)
    cuts = [_cuts(values) for values in own.T]
    features, start = _binned(own, cuts), _starts(rows, networks, index)
    for m, c in np.ndindex(rows.n_models, n_components):
        task = _task(rows, features, start[m], index, m, c)
        if _teaches(task):
            kind = rows.components.kind[c]
            trees[m][c] = _grow(task, LOSSES[kind], kind == INDICATOR, rng)
    return EffectTrees(rows.encoding, cuts, trees, n_treatments)


def _cuts(values):
    """Middles between a quantile and the next larger value: rounding changes no bin."""
    distinct = np.unique(values).astype(np.float64)
    quantiles = np.quantile(values, CUTS, method="inverted_cdf")
    below = np.unique(np.searchsorted(distinct, quantiles))
    below = below[below < len(distinct) - 1]
    return (distinct[below] + distinct[below + 1]) / 2


def _binned(own, cuts):
    """Number of the bin of each value."""
    binned = np.zeros((len(own), own.shape[1]), dtype=np.float32)
    for k, values in enumerate(cuts):
        binned[:, k] = np.searchsorted(values, own[:, k])
    return binned


def _starts(rows, networks, index):
    """Links of shape (n_models, n_rows, n_components) by the networks if effects were constant.

    An arm has its mean effect: the base is that of the row.
    """
    learnt = rows.components.source >= 0
    share = learnt / np.maximum(learnt.sum(axis=0), 1)
    links = [
        networks.links(encode(rows.features[part], rows.encoding))
        for part in np.array_split(index, 1 + len(index) // 8192)
    ]
    base = np.concatenate([np.einsum("mnjc,jc->mnc", part, share) for part in links], axis=1)
    total = sum(part.sum(axis=1, dtype=np.float64) for part in links)
    effect = total / len(index) - base.mean(axis=1, dtype=np.float64)[:, None]
    return base + effect[:, rows.arm[index]]


def _task(rows, features, start, index, m, c):
    """Rows that teach component `c`, for model `m`."""
    weight = rows.weights[index, c]
    used = np.flatnonzero(weight > 0)
    chosen = index[used]
    seen = rows.fold[chosen] != m
    n_treatments = len(rows.components.source)
    total = np.bincount(rows.arm[chosen][seen], weight[used][seen], n_treatments)
    return _Task(
        features[used],
        rows.arm[chosen],
        rows.targets[chosen, c].astype(np.float64),
        weight[used].astype(np.float64),
        start[used, c].astype(np.float64),
        seen,
        total / max(total.sum(), np.finfo(float).tiny),
    )


def _teaches(task):
    """Whether there are rows enough, of two arms at least, and some that stop the trees."""
    many = task.seen.sum() >= LEAST_ROWS and not task.seen.all()
    return many and (task.share > 0).sum() > 1 and np.ptp(task.target[task.seen]) > 0


@np.errstate(over="ignore", invalid="ignore")
def _grow(task, loss, is_indicator, rng):
    """Add trees as long as they make the held-out loss less."""
    held_out, links = ~task.seen, task.start.copy()

    def held_out_loss():
        return task.weight[held_out] @ loss.loss(links[held_out], task.target[held_out])

    trees, losses = [], [held_out_loss()]
    scale = 1.0 if is_indicator else _dispersion(task, links, loss)
    best = 0
    while len(trees) < MOST_TREES and len(trees) - best < PATIENCE:
        grown = _effect_tree(task, links, loss, scale, rng)
        if grown is None:
            break
        tree, effects = grown
        trees.append(grown)
        links += effects[tree.apply(task.features, check_input=False), task.arm]
        losses.append(held_out_loss())
        if losses[-1] < losses[best]:
            best = len(trees)
    return trees[:best] if 2 * (losses[0] - losses[best]) > LEAST_GAIN * scale else []


def _dispersion(task, links, loss):
    """Pearson's estimate by the rows that trees are fitted to."""
    links, target, weight = links[task.seen], task.target[task.seen], task.weight[task.seen]
    misfit = loss.slope(links, target) ** 2
    misfit = misfit / np.maximum(loss.curvature(links, target), LEAST_CURVATURE)
    return (weight @ misfit + 1) / (weight.sum() + 1)


def _effect_tree(task, links, loss, dispersion, rng):
    """Return a tree and the effects in its leaves; None where a link is no number."""
    seen, arms = task.seen, np.flatnonzero(task.share)
    slope = loss.slope(links[seen], task.target[seen])
    curvature = np.maximum(loss.curvature(links[seen], task.target[seen]), LEAST_CURVATURE)
    mass = task.weight[seen] * curvature
    place, features = np.searchsorted(arms, task.arm[seen]), task.features[seen]
    outcome = (-slope / curvature)[:, None] * _contrasts(task.share[arms], rng)[place]
    # Links may have run away.
    if not (np.isfinite(outcome).all() and 0 < mass.sum() < np.inf):
        return None
    drawn = slice(None)
    if len(mass) > CUT_ROWS:
        drawn = rng.choice(len(mass), CUT_ROWS, replace=False)
    tree = DecisionTreeRegressor(
        **SETTINGS,
        max_features=min(features.shape[1], MOST_FEATURES),
        random_state=rng.randint(np.iinfo(np.int32).max),
    ).fit(features[drawn], outcome[drawn], sample_weight=mass[drawn])
    # A Newton step for each arm in each leaf, less what is the same for all arms.
    shape = tree.tree_.node_count, len(arms)
    cell = np.ravel_multi_index((tree.apply(features, check_input=False), place), shape)
    gain, own = (
        np.bincount(cell, values, np.prod(shape)).reshape(shape)
        for values in (-task.weight[seen] * slope, mass)
    )
    total = np.maximum(own.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    gain = gain - own * gain.sum(axis=1, keepdims=True) / total
    effects = np.zeros((shape[0], len(task.share)))
    effects[:, arms] = RATE * gain / (own + LEAF_PRIOR * dispersion)
    return tree, effects


def _contrasts(share, rng):
    """Rows of shape (n_arms, n_contrasts) that a step is multiplied with."""
    root = np.sqrt(share)
    contrasts = np.diag(1 / root) - root
    if len(share) <= MOST_CONTRASTS:
        return contrasts
    # Random directions keep lengths in the mean.
    return contrasts @ rng.normal(size=(len(share), MOST_CONTRASTS)) / np.sqrt(MOST_CONTRASTS)
