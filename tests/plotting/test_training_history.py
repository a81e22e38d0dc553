"""The figure shows the losses of the networks, wherever the representer is."""

import subprocess
import sys

import numpy as np
import pytest
import sklearn
from helpers.small_policies import NEEDS_EXTRA, hide_matplotlib, rows_of
from numpy.testing import assert_array_equal
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.plotting import TrainingHistoryDisplay

plt = pytest.importorskip("matplotlib.pyplot")

NAN = np.nan
from_estimator = TrainingHistoryDisplay.from_estimator


@pytest.fixture(scope="module")
def experiment():
    return make_coupon_experiment(300, n_treatments=2, random_state=0)


@pytest.fixture(scope="module")
def policy(experiment):
    """A pipeline whose second step is a representer of two networks."""
    pipeline = make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(n_networks=2, max_epochs=2, random_state=0),
        HiddenClusterer(n_clusters=2, random_state=0),
        ClusterBudgetAllocator(random_state=0),
    )
    return fit(pipeline, experiment)


@pytest.fixture
def losses():
    """Two networks: one is trained for four epochs, one for three, whose best is tied."""
    return {
        "train_loss": np.array([[5.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.5, NAN]]),
        "valid_loss": np.array([[4.0, 2.5, 2.0, 2.1], [3.5, 3.0, 3.0, NAN]]),
    }


def fit(estimator, experiment):
    with sklearn.config_context(enable_metadata_routing=True):
        return estimator.fit(experiment.data, experiment.target, **rows_of(experiment))


def points_of(lines):
    return [np.array(line.get_data()).tolist() for line in lines]


# The artists


def test_lines_end_with_their_network(losses):
    display = TrainingHistoryDisplay(**losses).plot()
    assert points_of(display.train_lines_) == [
        [[1, 2, 3, 4], [5.0, 3.0, 2.0, 1.0]],
        [[1, 2, 3], [4.0, 3.0, 2.5]],
    ]
    assert points_of(display.valid_lines_) == [
        [[1, 2, 3, 4], [4.0, 2.5, 2.0, 2.1]],
        [[1, 2, 3], [3.5, 3.0, 3.0]],
    ]
    assert display.ax_.figure is display.figure_


def test_rings_are_at_the_first_lowest_held_out_loss(losses):
    display = TrainingHistoryDisplay(**losses).plot()
    assert points_of([display.kept_]) == [[[3, 2], [2.0, 3.0]]]


def test_losses_differ_in_more_than_colour(losses):
    display = TrainingHistoryDisplay(**losses).plot()
    for training, held_out in zip(display.train_lines_, display.valid_lines_):
        assert (training.get_linestyle(), held_out.get_linestyle()) == ("--", "-")
        assert training.get_linewidth() < held_out.get_linewidth()
        assert training.get_zorder() < held_out.get_zorder() < display.kept_.get_zorder()


def test_legend_has_one_entry_for_all_networks(losses):
    ax = TrainingHistoryDisplay(**losses).plot().ax_
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == [
        "training rows",
        "held-out rows",
        "epoch that is kept: lowest held-out loss",
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss of each network")


def test_ticks_are_whole_epochs(losses):
    short = {name: values[:, :1] for name, values in losses.items()}
    for values in (losses, short):
        ax = TrainingHistoryDisplay(**values).plot().ax_
        assert_array_equal(ax.get_xticks() % 1, 0)


def test_without_held_out_losses_nothing_is_marked(losses):
    display = TrainingHistoryDisplay(train_loss=losses["train_loss"]).plot()
    assert (display.valid_lines_, display.kept_) == ([], None)
    assert len(display.train_lines_) == 2


def test_network_without_held_out_losses_has_no_ring(losses):
    losses["valid_loss"][1] = NAN
    display = TrainingHistoryDisplay(**losses).plot()
    assert points_of(display.valid_lines_)[1] == [[], []]
    assert_array_equal(display.kept_.get_xdata(), [3])


def test_keywords_reach_their_artists_by_any_alias(losses):
    _, ax = plt.subplots()
    display = TrainingHistoryDisplay(**losses).plot(
        ax, train_kwargs={"c": "red"}, valid_kwargs={"lw": 4}, kept_kwargs={"ms": 20}
    )
    assert display.ax_ is ax
    assert {line.get_color() for line in display.train_lines_} == {"red"}
    assert {line.get_linewidth() for line in display.valid_lines_} == {4}
    assert display.kept_.get_markersize() == 20


# The estimators


def test_arrays_are_those_of_the_history(policy):
    representer = policy[1]
    display = from_estimator(representer)
    for name in ("train_loss", "valid_loss"):
        expected = [[epoch[name] for epoch in network] for network in representer.history_]
        assert_array_equal(getattr(display, name), expected)


def test_history_of_different_lengths_is_filled_with_nan(policy):
    representer = sklearn.clone(policy[1])
    representer.history_ = [
        [{"epoch": 1, "train_loss": 2.0, "valid_loss": 1.0}],
        [{"epoch": 1, "train_loss": 3.0}, {"epoch": 2, "train_loss": 2.5}],
    ]
    display = from_estimator(representer)
    assert_array_equal(display.train_loss, [[2.0, NAN], [3.0, 2.5]])
    assert_array_equal(display.valid_loss, [[1.0, NAN], [NAN, NAN]])


def test_history_without_held_out_rows(policy):
    representer = sklearn.clone(policy[1])
    representer.history_ = [[{"epoch": 1, "train_loss": 2.0}]]
    display = from_estimator(representer)
    assert display.valid_loss is None
    assert display.kept_ is None


@pytest.mark.parametrize(
    "wrap",
    [
        lambda policy: policy,
        FrozenEstimator,
        lambda policy: make_pipeline(policy[0], FrozenEstimator(policy[1:])),
        lambda policy: make_pipeline(policy[:2], policy[2], policy[3]),
        lambda policy: make_pipeline("passthrough", FrozenEstimator(policy[1])),
        lambda policy: policy[:2],
    ],
    ids=["pipeline", "frozen", "frozen end", "nested", "frozen step", "last step"],
)
def test_representer_is_found_in_what_contains_it(wrap, policy):
    expected = from_estimator(policy[1]).train_loss
    assert_array_equal(from_estimator(wrap(policy)).train_loss, expected)


def test_search_shows_its_best_estimator(policy):
    search = GridSearchCV(policy, {"hiddenclusterer__n_clusters": [2]})
    search.best_estimator_ = policy  # as a search leaves it, without the time it takes
    expected = from_estimator(policy).train_loss
    assert_array_equal(from_estimator(search).train_loss, expected)


def test_distilled_policy_shows_its_teacher(policy, experiment):
    student = DecisionTreeClassifier(max_depth=2, random_state=0)
    distilled = DistilledAllocator(FrozenEstimator(policy), student=student, random_state=0)
    fit(distilled, experiment)
    expected = from_estimator(policy).train_loss
    assert_array_equal(from_estimator(distilled).train_loss, expected)
    assert_array_equal(from_estimator(FrozenEstimator(distilled)).train_loss, expected)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (StandardScaler(), "StandardScaler"),
        (make_pipeline(StandardScaler(), KMeans()), "Pipeline"),
        (FrozenEstimator(HiddenClusterer()), "FrozenEstimator"),
        (None, "NoneType"),
    ],
    ids=["transformer", "pipeline", "frozen", "none"],
)
def test_estimators_without_a_representer(estimator, name):
    message = f"^estimator is expected to be a MultiTaskRepresenter .*, got a {name} without.$"
    with pytest.raises(ValueError, match=message):
        from_estimator(estimator)
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    "estimator",
    [
        MultiTaskRepresenter(),
        make_pipeline(StandardScaler(), MultiTaskRepresenter()),
        DistilledAllocator(),
        GridSearchCV(MultiTaskRepresenter(), {"lr": [1e-3]}),
    ],
    ids=["representer", "pipeline", "distilled", "search"],
)
def test_estimators_that_are_not_fitted(estimator):
    with pytest.raises(NotFittedError):
        from_estimator(estimator)


@pytest.mark.parametrize("method", ["plot", "from_estimator"])
def test_missing_matplotlib_names_the_extra(method, losses, policy, monkeypatch):
    hide_matplotlib(monkeypatch)
    calls = {
        "plot": lambda: TrainingHistoryDisplay(**losses).plot(),
        "from_estimator": lambda: from_estimator(policy),
    }
    with pytest.raises(ImportError, match=method + NEEDS_EXTRA):
        calls[method]()


def test_drawing_needs_no_torch():
    code = (
        "import sys, numpy as np; from sklearn_hrc.plotting import TrainingHistoryDisplay; "
        "TrainingHistoryDisplay(train_loss=np.ones((1, 2))).plot(); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
