"""The figure shows the numbers of the metrics, whatever the policy comes wrapped in."""

import numpy as np
import pytest
from helpers.small_policies import (
    NEEDS_EXTRA,
    WRAPS,
    distilled_policy,
    hide_matplotlib,
    rows_of,
    segment_policy,
    segments,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.goals import LeastCost, Profit
from sklearn_hrc.metrics import best_single_arm, budget_curve, cross_fit_outcomes
from sklearn_hrc.plotting import BudgetCurveDisplay

pd = pytest.importorskip("pandas")
plt = pytest.importorskip("matplotlib.pyplot")

CURVE = ("spend", "gain", "spend_se", "gain_se", "area")
BUDGETS = [0.2, 0.5, 0.8]


@pytest.fixture(scope="module")
def held_out():
    return make_coupon_experiment(3000, n_treatments=3, random_state=1)


@pytest.fixture(scope="module")
def policy():
    return segment_policy(make_coupon_experiment(3000, n_treatments=3, random_state=0))


@pytest.fixture
def curve():
    """Three points of a display, out of order."""
    return {
        "spend": np.array([2.0, 1.0, 3.0]),
        "gain": np.array([5.0, 3.0, 6.0]),
        "spend_se": np.array([0.2, 0.1, 0.3]),
        "gain_se": np.array([0.5, 0.4, 0.6]),
    }


def draw(policy, held_out, **kwargs):
    return BudgetCurveDisplay.from_estimator(
        policy, segments(held_out.data), held_out.target, **rows_of(held_out), **kwargs
    )


def labels_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# The numbers


def test_arrays_are_those_of_budget_curve(policy, held_out):
    Z, y = segments(held_out.data), held_out.target[:, 0]
    display = draw(policy, held_out, budgets=BUDGETS)
    rows = {**rows_of(held_out), "control": 0}
    expected = budget_curve(policy.predict_budgets(Z, BUDGETS), y, **rows)
    for name in CURVE:
        assert_array_equal(getattr(display, name), expected[name])
    assert_array_equal(display.budgets, BUDGETS)
    current = budget_curve([policy.predict(Z)], y, **rows)
    assert display.current_spend == current.spend[0]
    assert display.current_gain == current.gain[0]
    best = best_single_arm(display.reference_spend, y, **rows)
    assert_array_equal(display.reference_gain, best.gain)
    assert_allclose(display.reference_spend[[0, -1]], [0.0, expected.max_spend])


def test_default_budgets_are_those_of_score(policy, held_out):
    display = draw(policy, held_out)
    score = policy.score(segments(held_out.data), held_out.target, **rows_of(held_out))
    assert display.area == score
    assert len(display.gain) == 20
    assert_allclose(display.budgets, np.linspace(0, display.budgets[-1], 21)[1:])


def test_from_predictions_agrees_with_from_estimator(policy, held_out):
    Z = segments(held_out.data)
    ours = draw(policy, held_out, budgets=BUDGETS)
    theirs = BudgetCurveDisplay.from_predictions(
        policy.predict_budgets(Z, BUDGETS),
        held_out.target[:, 0],
        **rows_of(held_out),
        control=0,
        current=policy.predict(Z),
    )
    for name in (*CURVE, "reference_spend", "reference_gain", "current_spend", "current_gain"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_weights_and_propensity_reach_the_numbers(policy, held_out):
    Z, y = segments(held_out.data), held_out.target[:, 0]
    rng = np.random.default_rng(0)
    extra = {
        "propensity": rng.uniform(0.2, 0.6, len(y)),
        "sample_weight": rng.uniform(0.5, 2, len(y)),
    }
    display = draw(policy, held_out, budgets=BUDGETS, **extra)
    arms = policy.predict_budgets(Z, BUDGETS)
    expected = budget_curve(arms, y, **rows_of(held_out), control=0, **extra)
    assert_array_equal(display.gain, expected.gain)
    assert_array_equal(display.gain_se, expected.gain_se)


def test_estimator_and_groups_reach_the_numbers(policy, held_out):
    Z, y, rows = segments(held_out.data), held_out.target[:, 0], rows_of(held_out)
    groups = np.arange(len(y)) // 3
    outcomes = cross_fit_outcomes(held_out.data, y, **rows, groups=groups, random_state=0)
    how = {"method": "doubly-robust", "outcomes": outcomes}
    display = draw(policy, held_out, budgets=BUDGETS, groups=groups, **how)
    arms = policy.predict_budgets(Z, BUDGETS)
    expected = budget_curve(arms, y, **rows, control=0, groups=groups, **how)
    assert_array_equal(display.gain, expected.gain)
    assert_array_equal(display.gain_se, expected.gain_se)
    best = best_single_arm(display.reference_spend, y, **rows, control=0, **how)
    assert_array_equal(display.reference_gain, best.gain)


def test_known_prices_need_no_cost(held_out):
    y, Z = held_out.target[:, 0], segments(held_out.data)
    policy = ClusterBudgetAllocator(budget=3.0, arm_cost=[0, 5, 10])
    policy.fit(Z, y, treatment=held_out.treatment)
    display = BudgetCurveDisplay.from_estimator(policy, Z, y, treatment=held_out.treatment)
    assert_allclose(display.reference_spend[-1], 10.0)


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_wrapped_policies_draw_the_same(wrap, policy, held_out):
    rows = rows_of(held_out)
    display = BudgetCurveDisplay.from_estimator(
        wrap(policy), held_out.data, held_out.target, **rows, budgets=BUDGETS
    )
    assert_array_equal(display.gain, draw(policy, held_out, budgets=BUDGETS).gain)
    assert display.name == "ClusterBudgetAllocator"


def test_distilled_policy(held_out):
    policy = distilled_policy(held_out, max_depth=3)
    X, y, rows = held_out.data, held_out.target, rows_of(held_out)
    display = BudgetCurveDisplay.from_estimator(policy, X, y, **rows)
    assert display.name == "DistilledAllocator"
    assert display.area == policy.score(X, y, **rows)


def test_search_draws_its_best_policy(policy, held_out):
    search = GridSearchCV(policy, {"estimation": ["pooled"]})
    search.best_estimator_ = policy  # as a search leaves it, without the time it takes
    display = draw(search, held_out, budgets=BUDGETS)
    assert_array_equal(display.gain, draw(policy, held_out, budgets=BUDGETS).gain)


def test_policy_stays_as_it_is(policy, held_out):
    before = policy.allocation_.copy()
    draw(policy, held_out)
    assert_array_equal(policy.allocation_, before)
    assert policy.budget_ == 0.5


# The artists


def test_artists_hold_the_arrays_in_order_of_spend(curve):
    display = BudgetCurveDisplay(**curve, confidence=0.9).plot()
    assert_array_equal(display.line_.get_xdata(), [0, 1, 2, 3])
    assert_array_equal(display.line_.get_ydata(), [0, 3, 5, 6])
    reach = norm.ppf(0.95) * np.array([0, 0.4, 0.5, 0.6])
    corners = display.band_.get_paths()[0].vertices
    for spend, gain, half in zip([0, 1, 2, 3], [0, 3, 5, 6], reach):
        here = corners[corners[:, 0] == spend, 1]
        assert_allclose([here.min(), here.max()], [gain - half, gain + half])
    assert display.ax_.figure is display.figure_
    assert display.current_ is None
    assert display.reference_ is None
    # Nothing that was stored has moved.
    assert_array_equal(display.spend, [2.0, 1.0, 3.0])


def test_reference_and_current_budget_are_drawn(policy, held_out):
    display = draw(policy, held_out)
    assert_array_equal(display.reference_.get_xdata(), display.reference_spend)
    assert_array_equal(display.reference_.get_ydata(), display.reference_gain)
    assert display.reference_.get_linestyle() == "--"
    assert_array_equal(
        np.ravel(display.current_.get_data()), [display.current_spend, display.current_gain]
    )
    assert labels_of(display.ax_) == [
        f"ClusterBudgetAllocator (area = {display.area:.3g})",
        f"budget 0.5, slope: shadow price {policy.shadow_price_:.3g}",
        "95 % confidence",
        "best single arm, at random",
    ]


def test_tangent_rises_by_the_shadow_price(curve):
    point = {"current_spend": 1.0, "current_gain": 3.0, "current_budget": 1.25}
    for price in (2.0, 0.0, 50.0):
        display = BudgetCurveDisplay(**curve, **point, shadow_price=price).plot()
        spend, gain = display.tangent_.get_data()
        assert_allclose([spend.mean(), gain.mean()], [1.0, 3.0])
        assert_allclose(gain[1] - gain[0], price * (spend[1] - spend[0]), atol=1e-12)
        # In units of the curve's extent, 3 by 6, steep lines are as long as flat ones.
        assert_allclose(np.hypot(np.ptp(spend) / 3, np.ptp(gain) / 6), 0.24)
        assert labels_of(display.ax_)[1] == f"budget 1.25, slope: shadow price {price:.3g}"
    assert display.tangent_.get_zorder() < display.current_.get_zorder()


@pytest.mark.parametrize(
    ("known", "label"),
    [
        ({}, "current budget"),
        ({"current_budget": 1.25}, "current budget 1.25"),
        ({"shadow_price": 0.5}, "current budget, slope: shadow price 0.5"),
    ],
)
def test_ring_says_what_is_known(known, label, curve):
    point = {"current_spend": 1.0, "current_gain": 3.0}
    display = BudgetCurveDisplay(**curve, **point, **known).plot()
    assert label in labels_of(display.ax_)
    assert (display.tangent_ is None) == ("shadow_price" not in known)
    assert BudgetCurveDisplay(**curve, **known).plot().tangent_ is None


def test_budgets_follow_their_curves(curve):
    _, ax = plt.subplots()
    for name, budget in {"small": 1.0, "large": 2.0}.items():
        point = {"current_spend": budget, "current_gain": 3.0, "current_budget": budget}
        BudgetCurveDisplay(**curve, **point, shadow_price=0.5, name=name).plot(ax)
    assert labels_of(ax) == [
        "small",
        "budget 1, slope: shadow price 0.5",
        "large",
        "budget 2, slope: shadow price 0.5",
        "95 % confidence",
    ]


def test_budget_and_price_are_those_of_the_policy(policy, held_out):
    display = draw(policy, held_out)
    assert (display.current_budget, display.shadow_price) == (0.5, policy.shadow_price_)
    # Money that a unit of budget buys is no slope of the response.
    worth = segment_policy(held_out, goal=Profit(2.0))
    display = draw(worth, held_out)
    assert (display.shadow_price, display.tangent_) == (None, None)
    aimed = segment_policy(held_out, goal=LeastCost(worth.expected_response_))
    assert draw(aimed, held_out).shadow_price == aimed.shadow_price_ > 0


def test_band_and_reference_can_be_left_out(policy, held_out):
    display = draw(policy, held_out, confidence=None, plot_reference=False)
    assert display.band_ is None
    assert display.reference_ is None
    assert len(labels_of(display.ax_)) == 2


def test_several_policies_share_axes_and_reference(policy, held_out):
    _, ax = plt.subplots()
    shown = [
        draw(policy, held_out, ax=ax, budgets=budgets, name=name)
        for name, budgets in {"few": [0.5], "some": BUDGETS, "many": None}.items()
    ]
    assert all(display.ax_ is ax and display.figure_ is ax.figure for display in shown)
    assert len({id(display.reference_) for display in shown}) == 1
    lines = [display.line_ for display in shown]
    assert len({line.get_marker() for line in lines}) == 3
    # The other artists take no colour from the cycle.
    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert [line.get_color() for line in lines] == cycle[:3]
    labels = labels_of(ax)
    assert [label.split(" (")[0] for label in labels[:6:2]] == ["few", "some", "many"]
    assert labels[6:] == ["95 % confidence", "best single arm, at random"]


def test_other_rows_have_their_own_reference(policy, held_out):
    _, ax = plt.subplots()
    other = make_coupon_experiment(2000, n_treatments=3, random_state=2)
    first, second = draw(policy, held_out, ax=ax), draw(policy, other, ax=ax)
    assert first.reference_ is not second.reference_
    assert labels_of(ax).count("best single arm, at random") == 1


def test_keywords_reach_their_artists_by_any_alias(policy, held_out):
    display = draw(
        policy,
        held_out,
        line_kwargs={"c": "red", "ls": ":"},
        band_kwargs={"fc": "yellow"},
        reference_kwargs={"lw": 3},
        current_kwargs={"ms": 20},
        tangent_kwargs={"c": "green"},
    )
    assert (display.line_.get_color(), display.line_.get_linestyle()) == ("red", ":")
    assert_allclose(display.band_.get_facecolor()[0, :3], [1, 1, 0])
    assert display.reference_.get_linewidth() == 3
    assert display.current_.get_markersize() == 20
    assert display.tangent_.get_color() == "green"


def test_names(curve):
    display = BudgetCurveDisplay(**curve, area=1.5, name="stored", response_name="sales")
    assert labels_of(display.plot().ax_)[0] == "stored (area = 1.5)"
    assert labels_of(display.plot(name="given").ax_)[0] == "given (area = 1.5)"
    assert display.ax_.get_ylabel() == "gain in sales over control,\nper individual"
    assert display.ax_.get_xlabel() == "spend above control, per individual"
    bare = BudgetCurveDisplay(**curve).plot()
    assert labels_of(bare.ax_)[0] == "policy"
    assert bare.ax_.get_ylabel() == "gain over control,\nper individual"


@pytest.mark.parametrize(
    ("objective", "name"),
    [(None, "gmv"), ("orders", "orders"), (["gmv", "orders"], None), ({"gmv": 0.5}, None)],
)
def test_response_is_named_where_it_is_one_column(objective, name, held_out):
    frame = make_coupon_experiment(3000, n_treatments=3, random_state=1, as_frame=True)
    policy = segment_policy(frame, objective=objective, budget=None)
    assert draw(policy, frame).response_name == name


def test_column_without_a_name_is_no_name(policy, held_out):
    assert draw(policy, held_out).response_name is None
    assert draw(policy, held_out, response_name="money").response_name == "money"


def test_series_names_the_response():
    pandas = pytest.importorskip("pandas")
    rows = {"treatment": [0, 1, 0, 1], "cost": [0.0, 1.0, 0.0, 3.0], "control": 0}
    y = pandas.Series([1.0, 2.0, 1.0, 4.0], name="sales")
    for values in (y, y.to_frame()):
        display = BudgetCurveDisplay.from_predictions([[0, 1, 0, 1]], values, **rows)
        assert display.response_name == "sales"


# What goes wrong


@pytest.mark.parametrize("confidence", [0, 1, 95, "high", float("nan")])
def test_confidence_out_of_range(confidence, policy, held_out):
    with pytest.raises(ValueError, match=r"^confidence is expected to be None or in \(0, 1\)"):
        draw(policy, held_out, confidence=confidence)
    assert not plt.get_fignums()


def test_estimators_that_are_no_policies(policy, held_out):
    with pytest.raises(ValueError, match=r"^estimator is expected to end in a policy"):
        draw(FunctionTransformer(), held_out)
    with pytest.raises(NotFittedError):
        draw(ClusterBudgetAllocator(), held_out)


def test_rows_of_different_number(policy, held_out):
    with pytest.raises(ValueError, match="y is expected to have one entry"):
        BudgetCurveDisplay.from_estimator(
            policy, segments(held_out.data)[:-1], held_out.target, **rows_of(held_out)
        )


@pytest.mark.parametrize("name", ["y", "treatment", "cost", "groups", "sample_weight"])
def test_rows_of_pandas_in_another_order_are_refused(name, policy, held_out):
    rows = {"y": held_out.target, **rows_of(held_out), "groups": np.arange(3000) // 2}
    rows["sample_weight"] = np.arange(1.0, 3001.0)
    X = pd.DataFrame(segments(held_out.data))
    rows[name] = pd.DataFrame(rows[name]).iloc[::-1]
    with pytest.raises(ValueError, match=r"^\w+ is expected to have its rows in the order of"):
        BudgetCurveDisplay.from_estimator(policy, X, budgets=BUDGETS, **rows)
    rows[name] = rows[name].sort_index()
    BudgetCurveDisplay.from_estimator(policy, X, budgets=BUDGETS, **rows)


def test_current_arms_in_another_order_are_refused():
    rows = {"treatment": [0, 1, 0, 1], "cost": [0.0, 1.0, 0.0, 3.0], "control": 0}
    y, current = pd.Series([1.0, 2.0, 1.0, 4.0]), pd.Series([0, 0, 1, 1])
    turned = current.iloc[::-1]
    with pytest.raises(ValueError, match="^current is expected to have its rows in the order of y"):
        BudgetCurveDisplay.from_predictions([[0, 1, 0, 1]], y, current=turned, **rows)
    # By position they are taken as they stand: row 1 got the arm that it is given now.
    given = {"current": turned.to_numpy(), **rows}
    display = BudgetCurveDisplay.from_predictions([[0, 1, 0, 1]], y, **given)
    assert (display.current_gain, display.current_spend) == (0.5, 0.5)


@pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.MissingTreatmentWarning")
def test_policy_with_one_arm(held_out):
    policy = ClusterBudgetAllocator(arm_cost=[0.0], budget=1.0)
    policy.fit(segments(held_out.data), held_out.target)
    with pytest.raises(ValueError, match=r"^estimator is expected to choose between several"):
        draw(policy, held_out)


@pytest.mark.parametrize("method", ["plot", "from_estimator", "from_predictions"])
def test_missing_matplotlib_names_the_extra(method, curve, policy, held_out, monkeypatch):
    hide_matplotlib(monkeypatch)
    calls = {
        "plot": lambda: BudgetCurveDisplay(**curve).plot(),
        "from_estimator": lambda: draw(policy, held_out),
        "from_predictions": lambda: BudgetCurveDisplay.from_predictions(
            [[0, 1]], [1.0, 2.0], treatment=[0, 1], cost=[0.0, 1.0], control=0
        ),
    }
    with pytest.raises(ImportError, match=method + NEEDS_EXTRA):
        calls[method]()
