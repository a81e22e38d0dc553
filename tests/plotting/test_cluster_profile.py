"""The figure shows means of clusters in original units, whatever makes the clusters."""

import numpy as np
import pytest
from helpers.small_policies import (
    NEEDS_EXTRA,
    WRAPS,
    distilled_policy,
    hide_matplotlib,
    segment_policy,
    segments,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.plotting import ClusterProfileDisplay
from sklearn_hrc.plotting._profiles import profile_feature, rank_clusters, rank_features

plt = pytest.importorskip("matplotlib.pyplot")
pandas = pytest.importorskip("pandas")

NAN = np.nan
from_estimator = ClusterProfileDisplay.from_estimator
from_predictions = ClusterProfileDisplay.from_predictions
# Two rows in each of two clusters, none in a third, and one row in no cluster.
CLUSTER = np.array([0, 0, 1, 1, -1])


@pytest.fixture(scope="module")
def experiment():
    return make_coupon_experiment(3000, n_treatments=3, random_state=0, as_frame=True)


@pytest.fixture(scope="module")
def policy(experiment):
    return segment_policy(experiment)


@pytest.fixture(scope="module")
def pipeline(policy):
    return WRAPS["pipeline"](policy)


@pytest.fixture
def values():
    """Three features of two clusters; of one feature nothing is known in the second."""
    return {
        "mean": np.array([[10.0, 30.0], [0.2, 0.5], [1.0, NAN]]),
        "difference": np.array([[-2.0, 0.5], [-0.4, 0.2], [0.0, NAN]]),
        "overall_mean": np.array([25.0, 0.4, 1.0]),
        "cell_labels": np.array(
            [["25", "10", "30"], ["40 %", "20 %", "50 %"], ["1", "1", ""]], dtype=object
        ),
        "feature_names": ["age", "member", "price in $ of $"],
        "clusters": np.array([3.0, 11.0]),
        "shares": np.array([0.021, 0.5]),
        "arms": [["nothing"], ["$5", "$10"]],
    }


def heads_of(display):
    return [label.get_text().split("\n") for label in display.ax_.get_xticklabels()]


def texts_of(display):
    return [[text.get_text() for text in row] for row in display.text_]


# The numbers


def test_means_differences_and_labels_of_numbers():
    profile = profile_feature(np.array([1.0, 3.0, 5.0, NAN, 11.0]), CLUSTER, 3)
    assert_allclose(profile.mean, [2, 5, NAN])
    assert profile.overall_mean == 5  # the row in no cluster counts
    assert_allclose(profile.difference, [-3 / np.sqrt(14), 0, NAN])
    assert profile.label == ["5.0", "2.0", "5.0", ""]


def test_ones_and_zeros_are_shares():
    for column in (np.array([True, False, True, True, True]), np.array([1, 0, 1, 1, 1])):
        profile = profile_feature(column, CLUSTER, 2)
        assert_allclose(profile.mean, [0.5, 1])
        assert_allclose(profile.difference, [-0.3 / 0.4, 0.2 / 0.4])
        assert profile.label == ["80 %", "50 %", "100 %"]


def test_share_of_nothing_has_no_sign():
    column = np.tile([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], 100)
    profile = profile_feature(column, column.astype(int), 2)
    assert_array_equal(profile.mean, [0, 1])
    assert profile.label == ["57 %", "0 %", "100 %"]


def test_most_frequent_category_of_each_cluster():
    column = np.array(["a", "a", "b", None, "a"], dtype=object)
    profile = profile_feature(column, CLUSTER, 3)
    assert_allclose(profile.mean, [1, 1, NAN])
    assert profile.overall_mean == 0.75
    # "b" is a quarter of all rows that are known.
    assert_allclose(profile.difference, [0.25 / np.sqrt(3 / 16), 0.75 / np.sqrt(3 / 16), NAN])
    assert profile.label == ["a\n75 %", "a\n100 %", "b\n100 %", ""]


@pytest.mark.parametrize("value", [0.1, 7, 0.0, 1e9 + 0.1, "x"])
def test_constant_features_differ_nowhere(value):
    profile = profile_feature(np.array([value] * 5), CLUSTER, 2)
    assert_array_equal(profile.difference, [0, 0])
    assert_allclose(profile.mean, profile.overall_mean)


@pytest.mark.parametrize(
    "column",
    [
        np.full(5, NAN),
        np.array([None] * 5, dtype=object),
        pandas.Series([None] * 5, dtype="category"),
    ],
    ids=["float", "object", "category"],
)
def test_feature_of_which_nothing_is_known(column):
    profile = profile_feature(column, CLUSTER, 2)
    assert np.isnan([*profile.mean, *profile.difference, profile.overall_mean]).all()
    assert profile.label == ["", "", ""]


@pytest.mark.parametrize("dtype", ["float64", "Int64", "Float64", "object", "int8"])
def test_types_of_numbers_agree(dtype):
    values = [4, 2, 8, 8, 3]
    expected = profile_feature(np.array(values, dtype=float), CLUSTER, 2)
    profile = profile_feature(pandas.Series(values, dtype=dtype), CLUSTER, 2)
    assert_allclose(profile.difference, expected.difference)
    assert profile.label == expected.label
    if dtype != "int8":
        gap = pandas.Series([None, *values[1:]], dtype=dtype)
        assert_allclose(profile_feature(gap, CLUSTER, 2).mean, [2, 8])


@pytest.mark.parametrize("dtype", ["object", "string", "category", "str"])
def test_strings_of_digits_are_categories(dtype):
    column = pandas.Series(["101", "101", "20", "20", "7"], dtype=dtype)
    assert profile_feature(column, CLUSTER, 2).label[1:] == ["101\n100 %", "20\n100 %"]


@pytest.mark.parametrize(
    ("scale", "label"), [(1e4, "20,000"), (10, "20.0"), (1, "2.00"), (1e-3, "0.00200")]
)
def test_labels_show_a_tenth_of_the_spread(scale, label):
    column = scale * np.array([1.5, 2.5, 1.5, 2.5])  # its spread is half of the scale
    assert profile_feature(column, np.array([0, 0, 1, 1]), 2).label[0] == label


def test_labels_have_no_negative_zero_and_long_categories_are_cut():
    column = np.array([-3.0, 3.0 - 1e-9, 2.0, -2.0])
    assert profile_feature(column, np.array([0, 0, 1, 1]), 2).label == ["0.0", "0.0", "0.0"]
    column = np.array(["metropolitan region"] * 2)
    assert profile_feature(column, np.zeros(2, int), 1).label[0] == "metropolita…\n100 %"


def test_means_agree_with_pandas(experiment):
    X = experiment.data.mask(experiment.data > 60)
    labels = segments(experiment.data)[:, 0]
    groups = X.groupby(labels)
    display = from_predictions(labels, X, clusters=[2, 0], features=[0, 3])
    assert_allclose(display.mean.T, groups.mean().loc[[2, 0]].iloc[:, [0, 3]])
    expected = (groups.mean() - X.mean()) / X.std(ddof=0)
    assert_allclose(display.difference.T, expected.loc[[2, 0]].iloc[:, [0, 3]])
    assert_allclose(display.shares, (groups.size() / len(X)).loc[[2, 0]])


def test_features_are_ranked_by_their_mean_square_difference():
    assert_array_equal(
        rank_features(np.array([[0.1, 0], [-3, 0], [2, 2.5], [NAN, 1]])), [2, 1, 3, 0]
    )


def test_largest_clusters_of_each_arm_are_chosen_in_turn():
    sizes, arm = np.array([5, 9, 3, 0, 7, 2]), np.array([0, 0, 0, 1, 1, 2])
    assert_array_equal(rank_clusters(sizes, arm, 3), [1, 4, 5])
    assert_array_equal(rank_clusters(sizes, arm, 4), [1, 0, 4, 5])
    assert_array_equal(rank_clusters(sizes, arm, 99), [1, 0, 2, 4, 5])  # 3 has no rows
    assert_array_equal(rank_clusters(sizes, 0 * arm, 2), [1, 4])


# The artists


def test_cells_say_the_means_and_point_at_large_differences(values):
    display = ClusterProfileDisplay(**values).plot()
    assert_array_equal(display.image_.get_array().filled(NAN), values["difference"])
    assert texts_of(display) == [
        ["25", "10 ▼", "30 ▲"],
        ["40 %", "20 %", "50 %"],
        ["1", "1", "\N{EN DASH}"],
    ]
    assert display.text_[1, 2].get_position() == (1, 1)
    assert display.text_[0, 0].get_position() == (-1, 0)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == values["feature_names"]
    assert display.ax_.figure is display.figure_


def test_heads_say_label_share_and_treatments(values):
    assert heads_of(ClusterProfileDisplay(**values).plot()) == [
        ["cluster", "share", "gets", ""],
        ["all", "", "", ""],
        ["3", "2.1 %", "nothing", ""],
        ["11", "50.0 %", "$5", "$10"],
    ]
    values["arms"] = None
    assert heads_of(ClusterProfileDisplay(**values).plot())[2] == ["3", "2.1 %"]


def test_colours_are_symmetric_and_text_is_read_on_them(values):
    display = ClusterProfileDisplay(**values).plot()
    assert display.image_.get_clim() == (-1.5, 1.5)
    assert [text.get_color() for text in display.text_[0]] == ["black", "white", "black"]


def test_clusters_of_different_treatments_are_divided(values):
    lines = ClusterProfileDisplay(**values).plot().ax_.get_lines()
    assert [line.get_xdata()[0] for line in lines] == [0.5]
    values["arms"] = [["$5"], ["$5", "$10"]]
    assert not ClusterProfileDisplay(**values).plot().ax_.get_lines()


def test_everything_is_inside_a_figure_of_its_own(values):
    values["feature_names"] = ["a rather long name of a feature", "b", "$c$"]
    display = ClusterProfileDisplay(**values).plot()
    display.figure_.draw_without_rendering()
    box, inside = display.ax_.get_tightbbox(), display.figure_.bbox
    assert inside.x0 <= box.x0 < box.x1 <= inside.x1
    assert inside.y0 <= box.y0 < box.y1 <= inside.y1


def test_heads_with_long_names_do_not_touch(values):
    values["arms"] = [["a letter and a mail"], ["a mail and a letter"]]
    display = ClusterProfileDisplay(**values).plot()
    display.figure_.draw_without_rendering()
    left, right = (label.get_window_extent() for label in display.ax_.get_xticklabels()[2:])
    assert left.x1 < right.x0


def test_keywords_reach_their_artists(values):
    _, ax = plt.subplots()
    display = ClusterProfileDisplay(**values).plot(
        ax,
        cmap="PuOr",
        colorbar=False,
        image_kwargs={"vmax": 3, "vmin": -3},
        text_kwargs={"c": "red", "fontsize": 5},
    )
    assert display.ax_ is ax
    assert len(display.figure_.axes) == 1
    assert display.image_.get_cmap().name == "PuOr"
    assert display.image_.get_clim() == (-3, 3)
    assert {(text.get_color(), text.get_fontsize()) for text in display.text_.flat} == {("red", 5)}
    assert len(ClusterProfileDisplay(**values).plot().figure_.axes) == 2


# The estimators


def test_clusters_and_treatments_are_those_of_the_policy(experiment):
    policy = segment_policy(experiment, budget=0.2)
    display = from_estimator(WRAPS["pipeline"](policy), experiment.data)
    label = segments(experiment.data)[:, 0]
    assert sorted(display.clusters) == [0, 1, 2, 3]
    assert_allclose(display.shares, [(label == each).mean() for each in display.clusters])
    for each, arms in zip(display.clusters, display.arms):
        counts = policy.allocation_[policy.clusters_ == each][0]
        assert set(arms) == set(policy.treatments_[counts > 0])
        assert arms[0] == policy.treatments_[counts.argmax()]
    mostly = [arms[0] for arms in display.arms]
    assert mostly == sorted(mostly)
    assert len(set(mostly)) > 1
    # Segments are made of two features, which distinguish them most.
    assert set(display.feature_names[:2]) == {"past_spend", "recency_days"}
    assert len(display.feature_names) == 8


def test_control_stands_first_wherever_its_label_sorts(experiment):
    names = np.array(["nothing", "letter", "mail"])[experiment.treatment // 5]
    policy = ClusterBudgetAllocator(budget=0.2, control="nothing").fit(
        segments(experiment.data), experiment.target, treatment=names, cost=experiment.cost
    )
    display = from_estimator(WRAPS["pipeline"](policy), experiment.data)
    assert display.arms[0][0] == "nothing"
    assert display.arms[-1][0] == "letter"


def test_budget_of_the_day_changes_the_treatments(experiment):
    policy = segment_policy(experiment).set_budget(0)
    display = from_estimator(WRAPS["pipeline"](policy), experiment.data)
    assert display.arms == [[0]] * 4
    assert policy.budget_ == 0


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_wrapped_policies_draw_the_same(wrap, pipeline, policy, experiment):
    expected = from_estimator(pipeline, experiment.data)
    display = from_estimator(wrap(policy), experiment.data)
    assert_array_equal(display.mean, expected.mean)
    assert display.arms == expected.arms


def test_search_draws_its_best_policy(pipeline, experiment):
    search = GridSearchCV(pipeline, {"clusterbudgetallocator__estimation": ["pooled"]})
    search.best_estimator_ = pipeline  # as a search leaves it, without the time it takes
    expected = from_estimator(pipeline, experiment.data).mean
    assert_array_equal(from_estimator(search, experiment.data).mean, expected)


def test_distilled_policy_draws_the_clusters_that_it_serves(experiment):
    policy = distilled_policy(experiment, max_depth=1)
    X = experiment.data.to_numpy()
    served = policy.student_.predict(X)
    display = from_estimator(policy, X, clusters=np.unique(served), features=[0])
    assert display.feature_names == ["x0"]
    expected = [X[served == each, 0].mean() for each in np.unique(served)]
    assert_allclose(display.mean[0], expected)


def test_missing_values_are_left_to_the_pipeline(policy, experiment):
    X = experiment.data.copy()
    X.loc[::3, "age"] = NAN
    X["city"] = np.where(X["age"] > 40, "north", "south")
    numbers = FunctionTransformer(lambda X: X.drop(columns="city").fillna(0))
    pipeline = make_pipeline(numbers, FunctionTransformer(segments), policy)
    display = from_estimator(pipeline, X, features=["city", "age"], clusters=[1.0])
    label = segments(X.drop(columns="city"))[:, 0]
    assert_allclose(display.mean[1], X["age"][label == 1].mean())
    assert display.cell_labels[0, 1].startswith("south\n")


def test_predictions_agree_with_the_estimator(pipeline, experiment):
    label = segments(experiment.data)[:, 0]
    arms = pipeline.predict(experiment.data)
    ours = from_estimator(pipeline, experiment.data, clusters=[0, 1, 2, 3])
    theirs = from_predictions(label, experiment.data, arms=arms, clusters=[0, 1, 2, 3])
    for name in ("mean", "difference", "overall_mean", "cell_labels", "shares"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))
    whole = [k for k, arms in enumerate(ours.arms) if len(arms) == 1]
    assert whole
    assert [ours.arms[k] for k in whole] == [theirs.arms[k] for k in whole]


def test_labels_may_be_strings_and_arms_unknown():
    display = from_predictions(["b", "a", "b"], [[1.0], [2.0], [3.0]])
    assert display.clusters.tolist() == ["b", "a"]
    assert display.arms is None
    assert_allclose(display.mean, [[2, 2]])


def test_numbers_of_clusters_and_features_are_limits():
    rng = np.random.default_rng(0)
    labels, X = rng.integers(0, 30, 500), rng.normal(size=(500, 12))
    assert from_predictions(labels, X).mean.shape == (8, 8)
    assert from_predictions(labels, X, n_features=3, n_clusters=2).mean.shape == (3, 2)
    assert from_predictions(labels, X, n_features=99, n_clusters=99).mean.shape == (12, 30)
    assert from_predictions(labels, X, features=range(10)).mean.shape == (10, 8)
    assert from_predictions(np.zeros(500), X).mean.shape == (8, 1)


def test_cluster_without_rows_and_rows_without_a_cluster(policy, pipeline, experiment):
    X = experiment.data[experiment.data["past_spend"] > 118]
    assert sorted(from_estimator(pipeline, X).clusters) == [2, 3]
    display = from_estimator(pipeline, X, clusters=[0, 2], features=["age"])
    assert np.isnan(display.mean[0, 0])
    assert display.shares[0] == 0
    assert display.cell_labels[0, 1] == ""
    # A label that fit never saw is in no cluster, but in all rows.
    Z = np.array([[0.0], [0.0], [9.0], [2.0]])
    display = from_estimator(policy, Z, clusters=[0, 2])
    assert_allclose(display.shares, [0.5, 0.25])
    assert display.overall_mean == 2.75


def test_names_of_columns_come_before_indices():
    X = pandas.DataFrame({1: [0.0, 2.0], 0: [5.0, 5.0]})
    display = from_predictions([0, 1], X, features=[0, 1])
    assert_allclose(display.overall_mean, [5, 1])


# What goes wrong


def test_estimators_that_are_no_policies(experiment):
    with pytest.raises(ValueError, match=r"^estimator is expected to end in a policy"):
        from_estimator(StandardScaler(), experiment.data)
    with pytest.raises(NotFittedError):
        from_estimator(ClusterBudgetAllocator(), experiment.data)
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"clusters": [0, 9]}, "^clusters is expected to hold labels of clusters, got 9"),
        ({"features": ["x7"]}, "^features is expected to hold names or indices .* got 'x7'"),
        ({"features": [2]}, "^features is expected to hold names or indices .* got 2"),
        ({"X": [1.0, 2.0]}, "^X is expected to have two dimensions, got 1"),
        ({"X": [[1.0]]}, "inconsistent numbers of samples"),
        ({"arms": [1]}, "inconsistent numbers of samples"),
    ],
)
def test_what_is_not_there_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        from_predictions(**{"labels": [0, 1], "X": [[1.0, 2.0], [3.0, 4.0]], **given})
    assert not plt.get_fignums()


@pytest.mark.parametrize("method", ["plot", "from_estimator", "from_predictions"])
def test_missing_matplotlib_names_the_extra(method, values, pipeline, experiment, monkeypatch):
    hide_matplotlib(monkeypatch)
    calls = {
        "plot": lambda: ClusterProfileDisplay(**values).plot(),
        "from_estimator": lambda: from_estimator(pipeline, experiment.data),
        "from_predictions": lambda: from_predictions([0], [[1.0]]),
    }
    with pytest.raises(ImportError, match=method + NEEDS_EXTRA):
        calls[method]()
