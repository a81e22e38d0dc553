"""Pictures are readable: nothing overlaps or runs out, also with many arms and long names.

Positions are those of the drawn figure.
"""

import numpy as np
import pytest
from drawn import GREY, assert_readable, long_name, part_of

from sklearn_hrc.plotting import AllocationDisplay, BudgetCurveDisplay, TrainingHistoryDisplay

plt = pytest.importorskip("matplotlib.pyplot")


def allocation(n_arms, n_clusters, name=str, seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(20, 300, n_clusters)
    counts = np.zeros((n_clusters, n_arms))
    counts[np.arange(n_clusters), np.arange(n_clusters) % n_arms] = sizes
    steps = rng.uniform(0.2, 2.0, (2, n_clusters, n_arms))
    steps[:, :, 0] = 0
    response, cost = steps.cumsum(axis=2)
    arms = np.array([name(f"arm{j}") for j in range(n_arms)])
    labels = np.array([name(f"c{k}") for k in range(n_clusters)])
    return {
        "allocation": counts,
        "response": response,
        "cost": cost,
        "treatments": arms,
        "control": arms[0],
        "budget": 1.2,
        "response_name": name("sales"),
        "clusters": labels,
    }


def curve(name="policy", **kwargs):
    spend = np.linspace(0, 2, 21)[1:]
    return {
        "spend": spend,
        "gain": 3 * np.sqrt(spend),
        "spend_se": 0.02 * spend,
        "gain_se": 0.3 * np.sqrt(spend),
        "area": 2.345,
        "reference_spend": spend,
        "reference_gain": spend,
        "current_spend": 1.2,
        "current_gain": 3.3,
        "current_budget": 1.2,
        "shadow_price": 1.5,
        "name": name,
        **kwargs,
    }


def draw_curves(names, ax=None, **kwargs):
    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    return [BudgetCurveDisplay(**curve(name, **kwargs)).plot(ax) for name in names]


def grey_of(bars):
    return [np.dot(arm[0].get_facecolor()[:3], GREY) for arm in bars]


# Allocations


@pytest.mark.parametrize("name", [str, long_name], ids=["short", "long"])
@pytest.mark.parametrize(("n_arms", "n_clusters"), [(2, 3), (10, 64), (30, 200), (3, 1)])
def test_allocations_are_readable(n_arms, n_clusters, name):
    display = AllocationDisplay(**allocation(n_arms, n_clusters, name)).plot()
    assert_readable(display.figure_)
    assert display.figure_.get_figheight() <= 6
    legend = display.legend_.get_window_extent()
    assert legend.height < 0.4 * display.figure_.bbox.height
    assert display.axes_[0].get_window_extent().height > 0.25 * display.figure_.bbox.height


def test_table_of_totals_of_many_arms_is_readable():
    display = AllocationDisplay(**allocation(10, 64, long_name)).plot(sum_to=3_000_000)
    assert_readable(display.figure_)


def test_table_lists_arms_in_use_and_sums_the_smallest():
    values = allocation(30, 200)
    values["allocation"][:, 3:20] = 0
    display = AllocationDisplay(**values).plot()
    assert not {"arm3", "arm19"} & {text.get_text().split()[0] for text in _lines(display)}
    values = allocation(30, 200)
    display = AllocationDisplay(**values).plot()
    words = [text.get_text().split() for text in _lines(display)]
    others = next(line for line in words if line[1:2] == ["others"])
    shares = values["allocation"].sum(axis=0) / values["allocation"].sum()
    assert float(others[2]) == round(100 * np.sort(shares[1:])[: int(others[0])].sum())


def _lines(display):
    return [text for text in display.legend_.get_texts() if text.get_text().strip()]


def test_totals_are_those_of_so_many_individuals():
    values = allocation(2, 2)
    values["allocation"] = np.array([[30, 0], [0, 10]])
    display = AllocationDisplay(**values).plot(sum_to=20_000)
    gain, cost = (
        5_000 * (values[name][1, 1] - values[name][1, 0]) for name in ("response", "cost")
    )
    last = _lines(display)[-1].get_text().split()
    assert last == ["all", "20,000", f"{cost:,.0f}", f"{gain:,.0f}"]
    assert display.legend_.get_title().get_text() == "totals of 20,000 individuals"
    assert _lines(display)[0].get_text().split()[:2] == ["budget", "24,000"]


@pytest.mark.parametrize("n_arms", [2, 5, 10, 14, 30])
def test_neighbours_differ_in_a_grey_print(n_arms):
    display = AllocationDisplay(**allocation(n_arms, 60)).plot()
    grey = grey_of(display.arm_bars_)
    hatch = [arm[0].get_hatch() for arm in display.arm_bars_]
    for k in range(1, n_arms):
        assert abs(grey[k] - grey[k - 1]) > 0.1 or hatch[k] != hatch[k - 1]
    assert [arm[0].get_hatch() for arm in display.gain_bars_] == hatch


def test_tiny_cluster_does_not_set_the_scale():
    values = allocation(2, 4)
    values["allocation"] = np.array([[5000, 0], [0, 3000], [0, 2000], [0, 1]])
    values["response"][:, 1] = values["response"][:, 0] + [1, 4, 3, 900]
    values["cost"][:, 1] = values["cost"][:, 0] + [1, 1, 1, 90]
    gain_ax, _, cost_ax = AllocationDisplay(**values).plot().axes_
    assert 4 < gain_ax.get_ylim()[1] < 5
    assert cost_ax.yaxis_inverted()
    assert 1 < cost_ax.get_ylim()[0] < 1.5
    label = cost_ax.get_xlabel()
    assert "▲ cut: <0.1 % of individuals, gain up to 900" in label
    assert "▼ cut: <0.1 % of individuals, cost up to 90" in label
    values["response"][3, 1] = values["response"][3, 0] - 900
    gain_ax = AllocationDisplay(**values).plot().axes_[0]
    assert -1 < gain_ax.get_ylim()[0] < 0
    values["allocation"][3, 1] = 500  # no tiny cluster any more
    gain_ax, _, cost_ax = AllocationDisplay(**values).plot().axes_
    assert gain_ax.get_ylim()[0] < -900
    assert "cut" not in cost_ax.get_xlabel()


def test_allocations_are_readable_on_given_axes():
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    AllocationDisplay(**allocation(10, 64)).plot(axes[0])
    AllocationDisplay(**allocation(6, 5, long_name)).plot(axes[1])
    assert_readable(figure)
    assert figure.get_size_inches().tolist() == [9, 4]


# Curves


@pytest.mark.parametrize("name", [str, long_name], ids=["short", "long"])
@pytest.mark.parametrize("n_curves", [1, 2, 5, 12, 40])
def test_curves_are_readable(n_curves, name):
    names = [name(f"policy {k}") for k in range(n_curves)]
    display = draw_curves(names, response_name=name("sales"))[-1]
    assert_readable(display.figure_)
    assert part_of(display.ax_.get_legend(), display.ax_) < 0.25
    assert display.ax_.get_window_extent().height > 0.4 * display.figure_.bbox.height


def test_legend_inside_is_bounded_where_there_is_no_room_outside():
    figure, axes = plt.subplots(1, 2, figsize=(8, 4))
    for ax in axes:
        draw_curves([f"policy {k} of a long name" for k in range(12)], ax)
        assert part_of(ax.get_legend(), ax) < 0.45
    assert figure.get_size_inches().tolist() == [8, 4]


def test_curves_differ_in_a_grey_print():
    lines = [display.line_ for display in draw_curves([str(k) for k in range(12)])]
    looks = {(line.get_marker(), line.get_linestyle(), str(line._dash_pattern)) for line in lines}
    assert len(looks) == 12


def test_one_bad_point_does_not_flatten_the_curve():
    display = BudgetCurveDisplay(**curve())
    display.gain_se = np.append(display.gain_se[:-1], 300.0)
    low, high = display.plot().ax_.get_ylim()
    assert display.gain.max() > 0.25 * (high - low)


def test_markers_of_many_budgets_do_not_merge():
    spend = np.linspace(0, 2, 201)[1:]
    values = {"spend": spend, "gain": spend, "spend_se": 0 * spend, "gain_se": 0 * spend}
    line = BudgetCurveDisplay(**values).plot().line_
    assert len(spend) / line.get_markevery() <= 25


def test_names_are_shown_as_they_are():
    display = BudgetCurveDisplay(**curve("_a $b$ c_d\ne")).plot()
    text = display.ax_.get_legend().get_texts()[0]
    assert text.get_text().strip() == "_a $b$ c_d e (area = 2.35)"
    assert not text.get_parse_math()


def test_curve_of_totals():
    display = BudgetCurveDisplay(**curve()).plot(sum_to=1000)
    np.testing.assert_allclose(display.line_.get_ydata()[1:], 1000 * display.gain)
    np.testing.assert_allclose(display.reference_.get_xdata(), 1000 * display.reference_spend)
    np.testing.assert_allclose(display.current_.get_xdata(), [1200])
    slope = np.divide(*np.diff(display.tangent_.get_data(), axis=1)[::-1])
    np.testing.assert_allclose(slope, 1.5)
    assert "budget 1,200" in display.ax_.get_legend().get_texts()[1].get_text()
    assert display.ax_.get_xlabel() == "spend above control, of 1,000 individuals"


@pytest.mark.parametrize("sum_to", [0, -1, np.inf, "all"])
def test_totals_of_no_number(sum_to):
    for display in (BudgetCurveDisplay(**curve()), AllocationDisplay(**allocation(2, 2))):
        with pytest.raises(ValueError, match="^sum_to is expected to be None or a positive"):
            display.plot(sum_to=sum_to)
    assert not plt.get_fignums()


# Losses


def test_few_large_losses_do_not_set_the_scale():
    epochs = np.arange(40)
    losses = np.tile(1 + 2 * np.exp(-epochs / 8), (3, 1))
    usual = TrainingHistoryDisplay(train_loss=losses, valid_loss=losses + 0.1).plot().ax_
    assert "cut" not in usual.get_ylabel()
    losses[:, 0] = 500
    ax = TrainingHistoryDisplay(train_loss=losses, valid_loss=losses + 0.1).plot().ax_
    assert ax.get_ylim()[1] < 10
    assert ax.get_ylabel().endswith("(cut: some are up to 500)")


def test_losses_differ_in_a_grey_print():
    display = TrainingHistoryDisplay(train_loss=np.ones((1, 3)), valid_loss=np.ones((1, 3))).plot()
    to_rgb = plt.matplotlib.colors.to_rgb
    train, valid = (
        np.dot(to_rgb(lines[0].get_color()), GREY)
        for lines in (display.train_lines_, display.valid_lines_)
    )
    assert train - valid > 0.15
