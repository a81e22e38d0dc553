"""What notebooks show of fitted estimators: numbers by hand, escapes, and where it appears."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import sklearn
from helpers.small_experiments import small_experiment
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
    _html,
)
from sklearn_hrc._html import Table, number, tables_html


class Cells(HTMLParser):
    """The text of the cells of the summaries in a page, a list for each row."""

    def __init__(self):
        super().__init__()
        self.depth, self.rows = 0, []

    def handle_starttag(self, tag, attrs):
        if tag == "div" and (self.depth or ("class", "hrc-summary") in attrs):
            self.depth += 1
        elif self.depth and tag == "tr":
            self.rows.append([])
        elif self.depth and tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag == "div" and self.depth:
            self.depth -= 1

    def handle_data(self, data):
        if self.depth:
            self.rows[-1][-1] += data


def summary_rows(html):
    cells = Cells()
    cells.feed(html)
    return cells.rows


def two_segments(labels=(0, 1)):
    """Allocator on two segments of four; the second arm lifts the second one from 1 to 3."""
    segment = np.repeat([0, 1], 4)
    treated = np.tile([0, 1], 4)
    allocator = ClusterBudgetAllocator(
        budget=1.0, control=labels[0], arm_cost=dict(zip(labels, [0, 2])), estimation="raw"
    )
    y = 1.0 + 2 * treated * segment
    return allocator.fit(segment[:, None], y, treatment=np.array(labels)[treated])


def test_allocator_shows_what_was_computed_by_hand():
    # All four of the second segment get the arm: they cost 8, which is the budget.
    # What a further unit of money buys there is nothing, the other segment gains none.
    assert summary_rows(two_segments()._repr_html_()) == [
        ["", "per individual", "in all"],
        ["budget", "1", "8"],
        ["expected spend", "1", "8"],
        ["expected response", "2", "16"],
        ["gain over control", "1", "8"],
        ["clusters", "2"],
        ["shadow price", number(two_segments().shadow_price_)],
        ["programme", "optimal"],
        ["arm", "individuals", "mean spend"],
        ["0", "50.0 %", "0"],
        ["1", "50.0 %", "2"],
    ]


def test_summary_follows_the_budget_in_use():
    allocator = two_segments().set_budget(0)
    rows = summary_rows(allocator._repr_html_())
    assert ["budget", "0", "0"] in rows
    assert ["gain over control", "0", "0"] in rows
    assert rows[-2:] == [["0", "100.0 %", "0"], ["1", "0.0 %", ""]]
    assert "clusters 2, budget 0 (0 in all), spend 0, gain 0" in allocator._repr_html_()


def test_population_scales_totals_only():
    allocator = two_segments().set_params(population=8000)
    segment, treated = np.repeat([0, 1], 4), np.tile([0, 1], 4)
    allocator.fit(segment[:, None], 1.0 + 2 * treated * segment, treatment=treated)
    assert ["expected response", "2", "16,000"] in summary_rows(allocator._repr_html_())


def test_labels_are_escaped():
    html = two_segments(("<none>", "<script>&"))._repr_html_()
    assert "<script>&" not in html
    assert "&lt;script&gt;&amp;" in html
    assert [row[0] for row in summary_rows(html)[-2:]] == ["<none>", "<script>&"]


def test_heads_and_names_are_escaped():
    html = tables_html([Table([("<i>", "a<b")], ("<u>", "&"))])
    assert not {"<i>", "<u>", "a<b"} & {part for part in ("<i>", "<u>", "a<b") if part in html}
    assert summary_rows(html) == [["<u>", "&"], ["<i>", "a<b"]]


def test_tables_know_no_estimator():
    source = Path(_html.__file__).read_text()
    assert set(re.findall(r"from sklearn_hrc\.(\w+)", source)) == {"_compat", "_notebook"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1.23456, "1.235"), (-0.5, "-0.5"), (1000, "1,000"), (1234567.8, "1,234,568")],
)
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    "estimator",
    [MultiTaskRepresenter(), HiddenClusterer(), ClusterBudgetAllocator(), DistilledAllocator()],
    ids=lambda estimator: type(estimator).__name__,
)
def test_unfitted_shows_what_scikit_learn_shows(estimator):
    assert not hasattr(estimator, "_sk_visual_block_")
    html = estimator._repr_html_()
    assert "hrc-summary" not in html
    assert "Parameters" in html


def test_text_display_has_no_html():
    with sklearn.config_context(display="text"):
        allocator = two_segments()
        assert not hasattr(allocator, "_repr_html_")
        assert "text/html" not in allocator._repr_mimebundle_()


@pytest.fixture(scope="module")
def pipeline():
    X, y, arms = small_experiment()
    policy = make_pipeline(
        MultiTaskRepresenter(n_networks=2, max_epochs=1, random_state=0),
        HiddenClusterer(n_clusters=3, random_state=0),
        ClusterBudgetAllocator(budget=0.5, random_state=0),
    )
    with sklearn.config_context(enable_metadata_routing=True):
        return policy.fit(X, y, **arms)


def test_pipeline_shows_captions_and_the_summary_of_each_step(pipeline):
    html = pipeline._repr_html_()
    captions = ("networks 2, tasks 3", "clusters 3", "clusters 3, budget 0.5 (")
    assert all(f'<div class="caption">{caption}' in html for caption in captions)
    rows = summary_rows(html)
    sizes = np.sort(np.bincount(pipeline[1].labels_))
    assert rows[:9] == [
        ["networks", "2"],
        ["tasks", "y0, y1, cost"],
        ["arms", "0, 1, 2"],
        ["hidden components", "32"],
        *(["effects", sentence] for sentence in pipeline[0].describe_effects()),
        ["clusters", "3"],
        ["metric", pipeline[1].metric_],
    ]
    assert rows[9] == ["rows of a cluster", f"{sizes[0]} to {sizes[2]}, median {sizes[1]}"]
    assert rows[10:] == summary_rows(pipeline[-1]._repr_html_())


def test_distilled_policy_shows_the_allocation_that_it_serves(pipeline):
    X, y, arms = small_experiment()
    policy = DistilledAllocator(clone(pipeline), random_state=0).fit(X, y, **arms)
    html = policy._repr_html_()
    assert summary_rows(html) == summary_rows(policy.allocator_._repr_html_())
    # Open, as scikit-learn opens a single box only.
    assert html.count('type="checkbox" checked') == 1


def test_parameter_of_a_fitted_meta_estimator_is_not_fitted():
    class Search(GridSearchCV):
        _sk_visual_block_ = property()  # hides the one that shows `best_estimator_`

    X = np.arange(12.0)[:, None]
    search = Search(HiddenClusterer(random_state=0), {"n_clusters": [2]}, cv=2)
    search.set_params(scoring=lambda clusterer, X, y=None: 0.0)
    html = search.fit(X)._repr_html_()
    assert "hrc-summary" not in html
    assert "HiddenClusterer" in html
