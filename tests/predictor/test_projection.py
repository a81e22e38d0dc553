"""Principal axes from moments are those of scikit-learn's PCA on the rows."""

import numpy as np
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA

from sklearn_hrc._cells.moments import add, empty
from sklearn_hrc._predictor.projection import fit_projection, project


def moments_of(rows, weight):
    return add(empty(1, rows.shape[1]), np.zeros(len(rows), dtype=int), rows, weight)


def test_equals_pca_up_to_the_sign():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6)) + 10
    projection = fit_projection(moments_of(rows, np.ones(300)), 4)
    pca = PCA(4).fit(rows)
    assert_allclose(np.abs(project(rows, projection)), np.abs(pca.transform(rows)), rtol=1e-8)
    assert_allclose(projection.variance_ratio, pca.explained_variance_ratio_)
    assert (projection.axes[np.abs(projection.axes).argmax(axis=0), range(4)] > 0).all()


def test_weights_are_repeats():
    rows = np.random.default_rng(1).normal(size=(50, 3))
    weight = np.arange(50) % 3
    repeated = np.repeat(rows, weight, axis=0)
    weighted = fit_projection(moments_of(rows, weight.astype(float)), 3)
    plain = fit_projection(moments_of(repeated, np.ones(len(repeated))), 3)
    assert_allclose(weighted.axes, plain.axes, atol=1e-9)


def test_constant_columns_and_float32():
    projection = fit_projection(moments_of(np.full((5, 2), 7.0), np.ones(5)), 2)
    assert_allclose(projection.variance_ratio, 0)
    components = project(np.full((5, 2), 7.0, dtype=np.float32), projection)
    assert components.dtype == np.float32
    assert_allclose(components, 0)


def test_links_have_their_share_of_the_variance():
    rng = np.random.default_rng(2)
    hidden = rng.normal(size=(400, 3)) * [1, 2, 3]
    links = rng.normal(size=(400, 2)) * [1e-3, 50] + 7
    constant = np.full((400, 1), 5.0)
    rows = np.hstack([hidden, links, constant])
    projection = fit_projection(moments_of(rows, np.ones(400)), 6, n_links=3)
    size = hidden.var(axis=0).sum() / 2
    scaled = links * np.sqrt(size) / links.std(axis=0)
    pca = PCA(5).fit(np.hstack([hidden, scaled]))
    components = project(rows, projection)
    expected = pca.transform(np.hstack([hidden, scaled]))
    assert_allclose(np.abs(components[:, :5]), np.abs(expected), atol=1e-5)
    # a link that is the same for everybody says nothing
    assert_allclose(components[:, 5], 0, atol=1e-9)
    assert_allclose(projection.axes[5], 0)
    alone = np.hstack([0 * hidden, links])
    projection = fit_projection(moments_of(alone, np.ones(400)), 2, n_links=2)
    assert_allclose(project(alone, projection).var(axis=0).sum(), 2)
