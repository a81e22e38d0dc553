"""Notebooks show short values, and a link only where the pages have an address."""

import re

import numpy as np
import pytest
from helpers.small_experiments import small_experiment

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer
from sklearn_hrc._notebook import DOCS_VARIABLE, brief
from sklearn_hrc.rules import MaxShare


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.zeros(6), "array([0., 0., 0., 0., 0., 0.])"),
        (np.zeros(7), "7 values"),
        (np.zeros((2, 3)), "2 x 3 values"),
        ([1, 2, 3], "[1, 2, 3]"),
        (["a"] * 7, "7 entries"),
        ([[1], [2]], "2 entries"),
        ({"a": np.zeros(3), "b": 1}, "2 entries"),
        ({"none": 0.0, "mail": 0.5}, "{'none': 0.0, 'mail': 0.5}"),
        ("euclidean metric", "'euclidean metric'"),
        (np.int64(3), "3"),
        (None, "None"),
        (MaxShare(20, 0.1), "MaxShare(arm=20, share=0.1)"),
    ],
)
def test_long_values_are_said_in_words(value, shown):
    assert repr(brief(value)) == shown


def test_a_series_shows_its_labels():
    pd = pytest.importorskip("pandas")
    assert (
        repr(brief(pd.Series([0.0, 1.0], index=["none", "mail"]))) == "{'none': 0.0, 'mail': 1.0}"
    )
    assert repr(brief(pd.DataFrame({"a": [1, 2, 3]}))) == "3 x 1 values"


def test_the_diagram_holds_no_long_array():
    X, _, _ = small_experiment()
    html = HiddenClusterer(n_clusters=3, metric="euclidean", random_state=0).fit(X)._repr_html_()
    assert f"<td>{len(X)} values</td>" in html
    assert re.search(r"<td>3 x \d+ values</td>", html)
    assert "<td>&#x27;euclidean&#x27;</td>" in html
    prices = ClusterBudgetAllocator(arm_cost=np.arange(1000) / 7)
    assert '<td class="value">1000 values</td>' in prices._repr_html_()
    assert prices.arm_cost[7] == 1


def test_no_link_without_an_address(monkeypatch):
    monkeypatch.delenv(DOCS_VARIABLE, raising=False)
    assert ClusterBudgetAllocator()._get_doc_link() == ""
    assert "Documentation" not in ClusterBudgetAllocator()._repr_html_()


def test_link_to_the_page_of_the_public_module(monkeypatch):
    pytest.importorskip("pandas")
    from sklearn_hrc.tables import TableCleaner

    monkeypatch.setenv(DOCS_VARIABLE, "https://pages.example/hrc/")
    start = "https://pages.example/hrc/generated/sklearn_hrc"
    assert HiddenClusterer()._get_doc_link() == f"{start}.HiddenClusterer.html"
    assert TableCleaner()._get_doc_link() == f"{start}.tables.TableCleaner.html"
    html = ClusterBudgetAllocator()._repr_html_()
    assert f'href="{start}.ClusterBudgetAllocator.html"' in html
    # With a page to link to, scikit-learn shows what the docstring says of each parameter.
    assert "param-doc-description" in html


def test_a_class_of_another_package_has_no_page(monkeypatch):
    class Theirs(ClusterBudgetAllocator):
        __module__ = "their_package.policies"

    monkeypatch.setenv(DOCS_VARIABLE, "https://pages.example")
    assert Theirs()._get_doc_link() == ""
