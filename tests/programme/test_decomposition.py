"""The relaxation by columns, beside the whole linear programme."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, kron

from sklearn_hrc._programme import relaxation
from sklearn_hrc._programme.constraints import at_least, at_most, join_constraints
from sklearn_hrc._programme.decomposition import best_mixture

thorough = settings(deadline=None, derandomize=True, max_examples=150)


@st.composite
def programmes(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n_clusters, n_arms, n_limits = (draw(st.integers(1, n)) for n in (12, 4, 4))
    worth = rng.normal(size=(n_clusters, n_arms))
    matrix = rng.normal(size=(n_limits, n_clusters * n_arms)) + 0.3
    inside = rng.dirichlet(np.ones(n_arms), n_clusters).ravel()
    room = draw(st.sampled_from([0.0, 0.1, -1.5]))
    return worth, csr_array(matrix), matrix @ inside + room


def whole_programme(worth, matrix, limit, give=None):
    ones = kron(eye_array(len(worth)), np.ones((1, worth.shape[1])))
    extra = np.zeros((len(limit), 1)) if give is None else -give[:, None]
    return linprog(
        np.append(-worth.ravel(), 1.0),
        np.hstack([matrix.toarray(), extra]),
        limit,
        np.hstack([ones.toarray(), np.zeros((len(worth), 1))]),
        np.ones(len(worth)),
    )


@thorough
@given(programmes())
def test_optimum_is_that_of_the_whole_programme(programme):
    worth, matrix, limit = programme
    expected = whole_programme(worth, matrix, limit)
    shares, price, relief = best_mixture(worth, matrix, limit)
    if expected.status == 2:
        assert shares is None
        assert relief == np.inf
        return
    assert relief == 0
    assert_allclose(shares.sum(axis=1), 1)
    assert (shares >= 0).all()
    assert (matrix @ shares.ravel() <= limit + 1e-6).all()
    stake = np.ptp(worth, axis=1).sum() or 1.0
    assert np.sum(shares * worth) == pytest.approx(-expected.fun, abs=1e-6 * stake)
    net = worth - (price @ matrix).reshape(worth.shape)
    bound = net.max(axis=1).sum() + price @ limit
    assert bound == pytest.approx(-expected.fun, abs=1e-6 * stake)


@thorough
@given(programmes(), st.integers(0, 2**4 - 1))
def test_least_relief(programme, soft):
    worth, matrix, limit = programme
    give = ((soft >> np.arange(len(limit))) & 1) * 1.0
    nothing = np.zeros_like(worth)
    expected = whole_programme(nothing, matrix, limit, give)
    shares, _, relief = best_mixture(nothing, matrix, limit, give)
    if expected.status == 2:
        assert shares is None
        return
    assert relief == pytest.approx(expected.fun, abs=1e-6)
    assert (matrix @ shares.ravel() <= limit + give * relief + 1e-6).all()


def test_by_hand():
    # Two clusters gain 3 and 1 by an arm that takes 1 of the limit, of which there is 1.5.
    worth, matrix = np.array([[0.0, 3.0], [0.0, 1.0]]), csr_array([[0.0, 1.0, 0.0, 1.0]])
    shares, price, _ = best_mixture(worth, matrix, np.array([1.5]))
    assert_allclose(shares, [[0, 1], [0.5, 0.5]], atol=1e-9)
    assert_allclose(price, [1.0])
    # The limit may rise: 0.5 more and both get the arm in full, but it must take at least 2.5.
    both = csr_array([[0.0, 1.0, 0.0, 1.0], [0.0, -2.0, 0.0, 0.0]])
    give = np.array([1.0, 0.0])
    shares, _, relief = best_mixture(0 * worth, both, np.array([0.25, -1.0]), give)
    assert relief == pytest.approx(0.25)
    assert shares[0, 1] == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(3))
def test_long_programmes_are_relaxed_by_columns(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    n_clusters, sizes = 2000, rng.integers(0, 9, 2000)
    cost = np.sort(rng.gamma(2, 1, (n_clusters, 3)), axis=1)
    value = cost**0.7 * rng.gamma(2, 1, (n_clusters, 1))
    last = np.zeros(cost.shape)
    last[:, 2] = 1.0
    population = sizes.sum()
    demanded = [
        at_most("budget", float(cost.mean()), cost, population),
        at_least("share", 0.3, last, population),
    ]
    constraints = join_constraints([one.constraints for one in demanded])
    by_columns = relaxation.relax(value, sizes, constraints)
    cheap = at_most("budget", 0.2, cost, population)
    relief, _ = relaxation.relieve(sizes, cheap.constraints, demanded[1].constraints)
    monkeypatch.setattr(relaxation, "_LONG", 10**9)
    whole = relaxation.relax(value, sizes, constraints)
    assert np.sum(by_columns.counts * value) == pytest.approx(np.sum(whole.counts * value))
    assert_allclose(by_columns.price, whole.price, rtol=1e-3)
    expected, _ = relaxation.relieve(sizes, cheap.constraints, demanded[1].constraints)
    assert relief == pytest.approx(expected, rel=1e-6)
    with pytest.raises(relaxation.Infeasible):
        relaxation.relax(value, sizes, join_constraints([cheap.constraints, constraints]))
