"""Clusters of least regret: both steps lower it, and planted ones are found."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score

from sklearn_hrc import HiddenClusterer, _regret_clusters
from sklearn_hrc._nearest_cluster import highest_score
from sklearn_hrc._regret_clusters import regret_centres
from sklearn_hrc._regrets import CLOSENESS, RegretScale, choice_scores, regrets


def rows_of(response, cost, prices):
    prices = np.asarray(prices, dtype=float)
    scale = RegretScale(np.ones(len(prices)), prices, np.full(len(prices), np.inf))
    rows = regrets(response, cost, scale)
    return rows / np.sqrt((rows**2).sum(axis=1).mean())


def random_rows(n_samples, n_treatments=3, seed=0, prices=(0.3, 1.0, 2.0)):
    rng = np.random.default_rng(seed)
    cost = np.tile(np.arange(float(n_treatments)), (n_samples, 1))
    return rows_of(rng.normal(size=(n_samples, n_treatments)) + np.sqrt(cost), cost, prices)


def fitted(rows, n_clusters, n_treatments=3, weight=None, seed=0):
    weight = np.ones(len(rows)) if weight is None else weight
    centres = regret_centres(rows, n_clusters, n_treatments, weight, np.random.RandomState(seed))
    return centres, highest_score(rows, *choice_scores(centres, n_treatments))


def total_loss(rows, members, n_treatments=3):
    """Regret and closeness of a partition whose clusters choose as they should."""
    total = 0.0
    for k in np.unique(members):
        own = rows[members == k]
        arms = own.sum(axis=0).reshape(-1, n_treatments).min(axis=1)
        total += arms.sum() + CLOSENESS * ((own - own.mean(axis=0)) ** 2).sum()
    return total


@pytest.mark.parametrize("seed", range(5))
def test_beside_the_best_of_all_partitions(seed):
    rows = random_rows(9, seed=seed)
    partitions = itertools.product(range(3), repeat=8)
    best = min(total_loss(rows, np.array([0, *rest])) for rest in partitions)
    # As k-means, it stops at partitions that no single step betters.
    losses = [total_loss(rows, fitted(rows, 3, seed=s)[1]) for s in range(60)]
    assert min(losses) == pytest.approx(best, rel=1e-9)
    assert np.median(losses) < 1.6 * best


def test_every_step_lowers_the_loss(monkeypatch):
    rows, losses = random_rows(2_000, 5, prices=np.linspace(0.1, 2, 12)), []
    for steps in range(8):
        monkeypatch.setattr(_regret_clusters, "MAX_ITERATIONS", steps)
        losses.append(total_loss(rows, fitted(rows, 6, 5)[1], 5))
    assert (np.diff(losses) <= 1e-9).all()
    assert losses[-1] < losses[0]


def test_less_regret_than_k_means_of_directions():
    rng = np.random.default_rng(0)
    outcomes = rng.normal(size=(3_000, 4, 2)) + np.sqrt(np.arange(4.0))[:, None]
    outcomes[..., 1] = np.arange(4.0)
    X = np.column_stack([rng.normal(size=(3_000, 2)), outcomes.reshape(3_000, 8)])
    rows = {"treatment": np.arange(3_000) % 4, "cost": rng.random(3_000)}
    loss = {}
    for metric in ("regret", "effects"):
        labels = HiddenClusterer(32, metric=metric, random_state=0).fit(X, X[:, 0], **rows).labels_
        of_prices = rows_of(*np.moveaxis(outcomes, 2, 0), np.linspace(0.1, 2, 20))
        loss[metric] = total_loss(of_prices, labels, 4)
    assert loss["regret"] < 0.7 * loss["effects"]


def test_clusters_of_two_arms_are_intervals_of_the_price_that_pays():
    rng = np.random.default_rng(0)
    price, size = rng.random(2_000), rng.lognormal(size=2_000)
    response = np.column_stack([np.zeros(2_000), price * size])
    cost = np.column_stack([np.zeros(2_000), size])
    rows = rows_of(response, cost, np.linspace(0.05, 0.95, 19))
    members = fitted(rows, 20, 2)[1]
    widths = [np.ptp(price[members == k]) for k in range(20)]
    # Prices are 0.05 apart.
    assert np.mean(widths) < 0.08
    assert max(widths) < 0.11


def test_an_arm_that_is_good_for_nobody_costs_nothing():
    rng = np.random.default_rng(0)
    size = rng.lognormal(size=(4_000, 3)) * [0, 1e-3, 10]
    response = np.column_stack([np.zeros(4_000), rng.lognormal(size=4_000), np.zeros(4_000)])
    kept = {}
    for n_arms in (2, 3):
        outcomes = np.stack([response[:, :n_arms], size[:, :n_arms]], axis=2)
        X = np.column_stack([rng.normal(size=4_000), outcomes.reshape(4_000, -1)])
        rows = {"treatment": np.arange(4_000) % n_arms, "cost": rng.random(4_000)}
        labels = HiddenClusterer(32, random_state=0).fit(X, X[:, 0], **rows).labels_
        sums = [np.bincount(labels, values) for values in (response[:, 1], size[:, 1])]
        order = np.argsort(-sums[0] / sums[1])
        gain, spend = (np.cumsum(each[order]) for each in sums)
        kept[n_arms] = np.interp(0.1 * spend[-1], spend, gain)
    assert kept[3] > 0.98 * kept[2]


def test_planted_choices_are_found():
    rng = np.random.default_rng(0)
    group = rng.integers(4, size=1_000)
    response = rng.normal(size=(1_000, 4)) * 0.1
    response[np.arange(1_000), group] += rng.lognormal(size=1_000) + 1
    rows = rows_of(response, np.zeros((1_000, 4)), [0.0])
    assert adjusted_rand_score(fitted(rows, 4, 4)[1], group) > 0.99


def test_weights_are_rows():
    rows, weight = random_rows(12), np.repeat([1, 20], 6)
    repeated = np.repeat(rows, weight, axis=0)

    def least(given, weights, times):
        members = [fitted(given, 3, weight=weights, seed=seed)[1] for seed in range(60)]
        return min(total_loss(repeated, np.repeat(each, times)) for each in members)

    of_repeated = least(repeated, np.ones(len(repeated)), 1)
    assert least(rows, weight.astype(float), weight) == pytest.approx(of_repeated)
    centres, members = fitted(rows, 3, weight=weight.astype(float))
    for k, centre in enumerate(centres):
        own = members == k
        assert_allclose(centre, np.average(rows[own], axis=0, weights=weight[own]))


def test_no_more_clusters_than_rows_that_differ():
    rows = np.repeat(random_rows(5), 20, axis=0)
    centres, members = fitted(rows, 8)
    assert len(centres) == 5
    assert_array_equal(members.reshape(5, 20), np.repeat(members[::20, None], 20, axis=1))
    assert len(set(members)) == 5


def test_clusterer_has_as_many_clusters_as_rows_that_differ():
    outcomes = np.repeat(np.arange(12.0).reshape(3, 4) ** 2 % 7, 20, axis=0)
    X = np.column_stack([np.ones(60), outcomes])
    rows = {"treatment": np.arange(60) % 2, "cost": np.arange(60) % 2}
    clusterer = HiddenClusterer(8, random_state=0).fit(X, np.ones(60), **rows)
    assert clusterer.n_clusters_ == len(clusterer.cluster_centers_) == 3
    assert clusterer.metric_ == "regret"


def test_many_rows_are_sampled(monkeypatch):
    X = np.random.default_rng(0).normal(size=(3_000, 8))
    rows = {"treatment": np.arange(3_000) % 3, "cost": np.arange(3_000) % 3}
    sizes = []
    find = _regret_clusters.regret_centres

    def spy(given, *rest):
        sizes.append(len(given))
        return find(given, *rest)

    monkeypatch.setattr("sklearn_hrc._find_clusters.regret_centres", spy)
    clusterer = HiddenClusterer(2, random_state=0).fit(X, X[:, 0], **rows)
    assert sizes == [1_000]
    assert len(clusterer.labels_) == 3_000
