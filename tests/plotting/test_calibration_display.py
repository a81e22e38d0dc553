"""The figure of calibration: what is drawn, and what is refused."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import matplotlib.pyplot as plt
from sklearn.utils import Bunch

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.plotting import CalibrationDisplay


def segments(e):
    return (e.data[:, :2] > [118.0, 21.0]) @ np.array([[1], [2]])


@pytest.fixture(scope="module")
def allocator():
    e = make_coupon_experiment(2000, random_state=0)
    allocator = ClusterBudgetAllocator(random_state=0)
    return allocator.fit(segments(e), e.target, treatment=e.treatment, cost=e.cost)


@pytest.fixture(scope="module")
def held_out():
    e = make_coupon_experiment(2000, random_state=1)
    return {"X": segments(e), "y": e.target, "treatment": e.treatment, "cost": e.cost}


def test_points_are_cells_beside_held_out_means(allocator, held_out):
    display = CalibrationDisplay.from_estimator(allocator, **held_out, n_bins=4)
    points = display.points["response"]
    cluster = np.searchsorted(allocator.clusters_, held_out["X"][:, 0])
    arm = np.searchsorted(allocator.treatments_, held_out["treatment"])
    for index in range(len(allocator.treatments_)):
        at = points.arm == index
        rows = arm == index
        cells = allocator.response_[cluster[rows], index]
        np.testing.assert_allclose(
            np.sum(points.expected[at] * points.weight[at]) / points.weight[at].sum(), cells.mean()
        )
        observed = np.sum(points.observed[at] * points.weight[at]) / points.weight[at].sum()
        assert observed == pytest.approx(held_out["y"][rows, 0].mean())


def test_both_quantities_are_drawn(allocator, held_out):
    display = CalibrationDisplay.from_estimator(allocator, **held_out)
    assert [ax.get_xlabel() for ax in display.axes_] == [
        "expected response per individual",
        "expected cost per individual",
    ]
    assert all(len(lines) == len(allocator.treatments_) for lines in display.lines_.values())
    labels = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert labels[0].startswith("0 (")
    assert "±" in labels[0]


def test_known_prices_have_no_figure(held_out):
    e = make_coupon_experiment(2000, random_state=0)
    priced = ClusterBudgetAllocator(arm_cost=np.arange(5.0), random_state=0)
    priced.fit(segments(e), e.target, treatment=e.treatment)
    without = {name: values for name, values in held_out.items() if name != "cost"}
    display = CalibrationDisplay.from_estimator(priced, **without)
    assert list(display.points) == ["response"]
    assert len(display.axes_) == 1


def test_rows_of_new_clusters_are_left_out(allocator, held_out):
    X = held_out["X"].copy()
    X[::2] = 9
    display = CalibrationDisplay.from_estimator(allocator, **{**held_out, "X": X})
    half = {name: values[1::2] for name, values in held_out.items()}
    expected = CalibrationDisplay.from_estimator(allocator, **half)
    for name in ("expected", "observed", "standard_error"):
        np.testing.assert_allclose(display.points["cost"][name], expected.points["cost"][name])
    with pytest.raises(ValueError, match="got only new clusters"):
        CalibrationDisplay.from_estimator(allocator, **{**held_out, "X": np.full_like(X, 9)})


def test_many_arms_share_a_line_in_the_legend():
    arm = np.repeat(np.arange(13), 2)
    values = np.linspace(1, 2, 26)
    points = Bunch(
        arm=arm,
        expected=values,
        observed=values,
        standard_error=np.full(26, 0.1),
        weight=np.full(26, 1 / 26),
    )
    display = CalibrationDisplay(points={"response": points}, treatments=np.arange(13)).plot()
    labels = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert len(labels) == 11
    assert labels[-1] == "3 others"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_bins": 0}, "^n_bins is expected to be a positive whole number, got 0"),
        ({"treatment": None}, "^treatment is expected in score"),
        ({"axes": plt}, "axes"),
    ],
)
def test_refuses(allocator, held_out, given, message):
    if "axes" in given:
        given = {"axes": [plt.subplots()[1]]}
    with pytest.raises(ValueError, match=message):
        CalibrationDisplay.from_estimator(allocator, **{**held_out, **given})
