"""Profiles of clusters are readable, also of many clusters with long names."""

import numpy as np
import pytest
from drawn import assert_readable, long_name

from sklearn_hrc.plotting import ClusterProfileDisplay

pytest.importorskip("matplotlib")
pandas = pytest.importorskip("pandas")


def profile(n_arms, n_clusters, name=str, n_columns=12, n_features=8, most=8):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(4000) % n_clusters)
    X = pandas.DataFrame({name(f"col{j}"): rng.normal(size=4000) for j in range(n_columns)})
    X += labels[:, None] % 3
    X[name("city")] = np.where(X.iloc[:, 0] > 1, name("north"), name("south"))
    arms = np.array([name(f"arm{j}") for j in range(n_arms)])[labels % n_arms]
    names = np.array([name(f"c{k}") for k in range(n_clusters)])[labels]
    return ClusterProfileDisplay.from_predictions(
        names, X, arms=arms, n_features=n_features, n_clusters=most
    )


@pytest.mark.parametrize("name", [str, long_name], ids=["short", "long"])
@pytest.mark.parametrize(("n_arms", "n_clusters"), [(2, 3), (10, 64), (1, 1)])
def test_profiles_are_readable(n_arms, n_clusters, name):
    display = profile(n_arms, n_clusters, name)
    assert_readable(display.figure_)


def test_profiles_of_many_clusters_and_features_are_bounded():
    display = profile(10, 64, long_name, 60, n_features=99, most=64)
    assert display.mean.shape == (61, 64)
    assert display.text_.shape == (30, 18)
    width, height = display.figure_.get_size_inches()
    assert width <= 20
    assert height <= 14
    assert_readable(display.figure_)
    assert "shown: 16 of 64 clusters, 30 of 61 features" in display.ax_.get_xlabel()


def test_clusters_that_are_not_shown_are_summed():
    labels, x = np.array([0, 0, 0, 1, 1, 2, 3]), np.array([[0.0, 0, 0, 1, 1, 5, 7]]).T
    display = ClusterProfileDisplay.from_predictions(labels, x, n_clusters=2)
    assert display.rest["n_clusters"] == 2
    assert display.rest["share"] == pytest.approx(2 / 7)
    np.testing.assert_allclose(display.rest["mean"], [6])
    assert display.ax_.get_xticklabels()[-1].get_text() == "2 others\n28.6 %"
    assert display.text_[0, -1].get_text() == "6.0 ▲"
    assert "shown: 2 of 4 clusters, 1 of 1 features" in display.ax_.get_xlabel()
    # Chosen clusters are all that was asked for.
    chosen = ClusterProfileDisplay.from_predictions(labels, x, clusters=[0])
    assert chosen.text_.shape == (1, 2)


def test_signs_are_explained_in_the_picture():
    label = profile(2, 3, n_columns=3).ax_.get_xlabel()
    assert "▲ ▼: at least 0.5 standard deviations from all" in label
    assert "%: share of ones, or of the most frequent category" in label


def test_tiny_cluster_does_not_choose_the_features():
    labels = np.repeat([0, 1, 2], [500, 499, 1])
    odd, common = np.random.default_rng(0).normal(size=(2, 1000))
    odd[-1], common[:500] = 3, common[:500] + 1
    X = np.column_stack([odd, common])
    display = ClusterProfileDisplay.from_predictions(labels, X, n_features=1)
    assert display.feature_names == ["x1"]
