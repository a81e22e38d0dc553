"""The figure shows the allocation that a policy makes, whatever it comes wrapped in."""

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
from sklearn.preprocessing import FunctionTransformer

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.exceptions import BudgetError
from sklearn_hrc.plotting import AllocationDisplay

pytestmark = pytest.mark.filterwarnings("ignore:budget .* does not bind")

plt = pytest.importorskip("matplotlib.pyplot")

from_estimator = AllocationDisplay.from_estimator


@pytest.fixture(scope="module")
def experiment():
    return make_coupon_experiment(3000, n_treatments=3, random_state=0, as_frame=True)


@pytest.fixture(scope="module")
def policy(experiment):
    return segment_policy(experiment)


@pytest.fixture
def values():
    """Four clusters of 200 individuals; the second is split between the first two arms."""
    return {
        "allocation": np.array([[60, 0, 0], [10, 30, 0], [0, 0, 50], [0, 50, 0]]),
        "response": np.array([[1, 1.5, 9], [2, 5, 9], [1, 2, 7], [1, 6, 9]]),
        "cost": np.array([[0.5, 1, 2], [0.5, 2.5, 4], [0.5, 1, 3.5], [0.5, 1.5, 2]]),
        "treatments": np.array([0, 5, 10]),
        "control": 0,
    }


def boxes(bars):
    """Left end, width and height of the bars of each arm."""
    return [[(bar.get_x(), bar.get_width(), bar.get_height()) for bar in arm] for arm in bars]


def assert_boxes(bars, expected):
    assert [len(arm) for arm in bars] == [len(arm) for arm in expected]
    for arm, wanted in zip(boxes(bars), expected):
        assert_allclose(arm, np.reshape(wanted, (-1, 3)), atol=1e-12)


def table_of(display):
    """Words of the table, line by line."""
    return [text.get_text().split() for text in display.legend_.get_texts()]


# The artists


def test_blocks_have_the_width_of_the_cluster_and_the_height_of_its_gain(values):
    display = AllocationDisplay(**values).plot()
    assert_boxes(
        display.gain_bars_,
        [[(0, 30, 0), (30, 5, 0)], [(35, 25, 5), (60, 15, 3)], [(75, 25, 6)]],
    )
    assert_boxes(
        display.cost_bars_,
        [[(0, 30, 0), (30, 5, 0)], [(35, 25, 1), (60, 15, 2)], [(75, 25, 3)]],
    )
    assert_boxes(display.arm_bars_, [[(0, 35, 1)], [(35, 40, 1)], [(75, 25, 1)]])


def test_table_sums_the_areas_by_arm(values):
    display = AllocationDisplay(**values, budget=1.8).plot()
    assert table_of(display) == [
        ["budget", "1.8", "share", "cost", "gain"],
        ["0", "(control)", "35", "%", "0.00", "0.00"],
        ["5", "40", "%", "0.55", "1.70"],
        ["10", "25", "%", "0.75", "1.50"],
        ["all", "100", "%", "1.30", "3.20"],
    ]
    lengths = {len(text.get_text()) for text in display.legend_.get_texts()}
    assert len(lengths) == 1  # columns are aligned
    assert table_of(AllocationDisplay(**values).plot())[0][0] == "share"


def test_table_shows_three_digits_of_the_total_and_no_negative_zero(values):
    values["response"] = values["response"] / 1000
    values["cost"] = 100 * values["cost"]
    values["allocation"] = np.array([[60, 0, 0], [40, 0, 0], [0, 0, 50], [0, 50, 0]])
    values["cost"][3, 1] = 49.9
    assert table_of(AllocationDisplay(**values).plot())[1:] == [
        ["0", "(control)", "50", "%", "0.0", "0.00000"],
        ["5", "25", "%", "0.0", "0.00125"],
        ["10", "25", "%", "75.0", "0.00150"],
        ["all", "100", "%", "75.0", "0.00275"],
    ]


def test_control_stands_first_wherever_its_label_sorts(values):
    last_first = {name: values[name][:, [1, 2, 0]] for name in ("allocation", "response", "cost")}
    named = {"treatments": np.array(["letter", "mail", "nothing"]), "control": "nothing"}
    display = AllocationDisplay(**{**values, **last_first, **named}).plot()
    expected = AllocationDisplay(**values).plot()
    assert boxes(display.gain_bars_) == boxes(expected.gain_bars_)
    assert [line[0] for line in table_of(display)[1:]] == ["nothing", "letter", "mail", "all"]


def test_arms_without_individuals_keep_their_colour(values):
    colors = [bars[0].get_facecolor() for bars in AllocationDisplay(**values).plot().arm_bars_]
    values["allocation"][:] = [[60, 0, 0], [40, 0, 0], [0, 0, 50], [0, 0, 50]]
    display = AllocationDisplay(**values).plot()
    assert [len(bars) for bars in display.gain_bars_] == [2, 0, 2]
    assert [bars[0].get_facecolor() for bars in display.arm_bars_] == colors
    assert display.gain_bars_[2][0].get_facecolor() == colors[2]


def test_arms_differ_in_grey_and_get_darker(values):
    n_arms = 6
    many = {name: np.ones((1, n_arms)) for name in ("allocation", "response", "cost")}
    display = AllocationDisplay(**many, treatments=np.arange(n_arms), control=0).plot()
    colors = np.array([bars[0].get_facecolor()[:3] for bars in display.arm_bars_])
    assert (np.diff(colors @ [0.299, 0.587, 0.114]) < -0.05).all()


def test_arms_are_named_where_there_is_room(values):
    assert [text.get_text() for text in AllocationDisplay(**values).plot().axes_[1].texts] == [
        "0",
        "5",
        "10",
    ]
    values["treatments"] = np.array(["a" * 20, "b" * 20, "c" * 20])
    values["control"] = "a" * 20
    texts = AllocationDisplay(**values).plot().axes_[1].texts
    assert [text.get_text() for text in texts] == ["a" * 20, "b" * 20]
    assert [text.get_position()[0] for text in texts] == [17.5, 55.0]


def names_above(display):
    return [text.get_text() for text in display.axes_[0].texts if text.get_text()]


def test_clusters_are_named_above_blocks_that_are_wide_enough(values):
    display = AllocationDisplay(**values, clusters=np.array([3.0, 7.0, 8.0, 12.0])).plot()
    assert names_above(display) == ["3", "7", "12", "7", "8"]  # arm by arm, falling gain
    assert display.axes_[2].get_xlabel().endswith("its label above it")
    # 5 % are not wide enough for the longest label, so not for a shorter one.
    long = AllocationDisplay(**values, clusters=np.array(["north", "s", "west", "east"])).plot()
    assert names_above(long) == ["north", "east", "s", "west"]
    assert names_above(AllocationDisplay(**values).plot()) == []


def test_gains_go_up_and_costs_down_above_the_same_individuals(values):
    gain_ax, _, cost_ax = AllocationDisplay(**values).plot().axes_
    assert not gain_ax.yaxis_inverted()
    assert cost_ax.yaxis_inverted()
    assert gain_ax.get_xlim() == cost_ax.get_xlim() == (0, 100)


def test_gaps_leave_room_for_many_blocks(values):
    ones = np.ones((500, 1))
    many = {"allocation": ones, "response": ones, "cost": ones}
    display = AllocationDisplay(**many, treatments=np.array([0]), control=0).plot()
    assert display.gain_bars_[0][0].get_linewidth() == 0.05
    assert AllocationDisplay(**values).plot().gain_bars_[0][0].get_linewidth() == 0.5


def test_several_displays_share_a_figure(values):
    figure, ax = plt.subplots(1, 2, layout="constrained")
    displays = [AllocationDisplay(**values).plot(place) for place in ax]
    for display, place in zip(displays, ax):
        assert display.ax_ is place
        assert display.figure_ is figure
    figure.draw_without_rendering()
    left, right = (display.axes_[0].get_position() for display in displays)
    assert left.x1 < right.x0


def test_table_is_inside_a_figure_of_its_own(values):
    display = AllocationDisplay(**values, budget=1.8).plot()
    display.figure_.draw_without_rendering()
    box = display.legend_.get_window_extent()
    inside = display.figure_.bbox
    assert inside.y0 < box.y0 < box.y1 <= inside.y1
    assert inside.x0 < box.x0 < box.x1 <= inside.x1


def test_keywords_reach_the_blocks_by_any_alias(values):
    to_rgba = plt.matplotlib.colors.to_rgba
    display = AllocationDisplay(**values).plot(bar_kwargs={"ec": "red", "lw": 2}, cmap="Greys")
    for bars in (*display.gain_bars_, *display.cost_bars_):
        assert bars[0].get_edgecolor() == to_rgba("red")
        assert bars[0].get_linewidth() == 2
    shade = display.arm_bars_[1][0].get_facecolor()
    assert shade[0] == shade[1] == shade[2]


def test_names(values):
    display = AllocationDisplay(**values, response_name="sales").plot()
    gain_ax, _, cost_ax = display.axes_
    assert gain_ax.get_ylabel() == "gain in sales over control,\nper individual"
    assert cost_ax.get_ylabel() == "cost above\ncontrol"
    assert cost_ax.get_xlabel() == "% of individuals; a block is a cluster"
    gain_ax = AllocationDisplay(**values).plot().axes_[0]
    assert gain_ax.get_ylabel() == "gain over control,\nper individual"


# The estimators


def test_arrays_are_those_of_the_policy(policy):
    display = from_estimator(policy)
    assert_array_equal(display.allocation, policy.allocation_)
    assert_array_equal(display.response, policy.response_)
    assert_array_equal(display.cost, policy.cost_)
    assert_array_equal(display.treatments, [0, 5, 10])
    assert_array_equal(display.clusters, [0, 1, 2, 3])
    assert (display.control, display.budget, display.response_name) == (0, 0.5, "gmv")
    assert from_estimator(policy, response_name="money").response_name == "money"


def test_areas_are_the_expected_cost_and_gain(policy):
    display = from_estimator(policy)
    cost, gain = (
        sum(width * height / 100 for arm in boxes(bars) for _, width, height in arm)
        for bars in (display.cost_bars_, display.gain_bars_)
    )
    share = policy.cluster_sizes_ / policy.cluster_sizes_.sum()
    assert_allclose(cost, policy.expected_cost_ - share @ policy.cost_[:, 0])
    assert_allclose(gain, policy.expected_response_ - share @ policy.response_[:, 0])


def test_another_budget_leaves_the_policy_as_it_is(policy):
    before = {name: np.copy(value) for name, value in vars(policy).items() if name.endswith("_")}
    display = from_estimator(policy, budget=0.2)
    for name, value in before.items():
        assert_array_equal(getattr(policy, name), value)
    policy.set_budget(0.2)
    expected = policy.allocation_
    policy.set_budget(0.5)
    assert_array_equal(display.allocation, expected)
    assert display.budget == 0.2
    assert (display.allocation != policy.allocation_).any()


def test_current_budget_is_that_of_set_budget(experiment):
    policy = segment_policy(experiment).set_budget(0.1)
    display = from_estimator(policy)
    assert display.budget == 0.1
    assert_array_equal(display.allocation, policy.allocation_)


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_wrapped_policies_draw_the_same(wrap, policy):
    for budget in (None, 0.2):
        expected = from_estimator(policy, budget=budget).allocation
        assert_array_equal(from_estimator(wrap(policy), budget=budget).allocation, expected)


def test_search_draws_its_best_policy(policy):
    search = GridSearchCV(policy, {"estimation": ["pooled"]})
    search.best_estimator_ = policy  # as a search leaves it, without the time it takes
    assert_array_equal(from_estimator(search).allocation, policy.allocation_)


def test_distilled_policy_draws_what_it_serves(experiment):
    policy = distilled_policy(experiment, max_depth=1)
    assert_array_equal(from_estimator(policy).allocation, policy.allocator_.allocation_)
    from_estimator(policy, budget=0.2)
    assert policy.allocator_.budget_ == 0.5


@pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.MissingTreatmentWarning")
def test_policy_with_one_arm(experiment):
    policy = ClusterBudgetAllocator(arm_cost=[0.0], budget=1.0)
    policy.fit(segments(experiment.data), experiment.target)
    display = from_estimator(policy)
    assert [len(bars) for bars in display.gain_bars_] == [4]
    assert table_of(display)[-1] == ["all", "100", "%", "0.00", "0.00"]


# What goes wrong


def test_estimators_that_are_no_policies():
    with pytest.raises(ValueError, match=r"^estimator is expected to end in a policy"):
        from_estimator(FunctionTransformer())
    for estimator in (ClusterBudgetAllocator(), DistilledAllocator()):
        with pytest.raises(NotFittedError):
            from_estimator(estimator)
    assert not plt.get_fignums()


def test_budgets_that_cannot_be(policy):
    with pytest.raises(BudgetError):
        from_estimator(policy, budget=-1.0)
    with pytest.raises(ValueError, match="^budget is expected"):
        from_estimator(policy, budget=np.nan)
    assert policy.budget_ == 0.5


def test_axes_outside_a_grid(values):
    ax = plt.figure().add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match=r"^ax is expected to be in a grid of subplots, got axes"):
        AllocationDisplay(**values).plot(ax)
    assert ax.axison


@pytest.mark.parametrize("method", ["plot", "from_estimator"])
def test_missing_matplotlib_names_the_extra(method, values, policy, monkeypatch):
    hide_matplotlib(monkeypatch)
    calls = {
        "plot": lambda: AllocationDisplay(**values).plot(),
        "from_estimator": lambda: from_estimator(policy),
    }
    with pytest.raises(ImportError, match=method + NEEDS_EXTRA):
        calls[method]()
