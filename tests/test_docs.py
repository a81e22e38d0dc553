"""The pages speak of every public name, and of files that exist."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MODULES = [
    "sklearn_hrc",
    "sklearn_hrc.budgets",
    "sklearn_hrc.datasets",
    "sklearn_hrc.evaluation",
    "sklearn_hrc.exceptions",
    "sklearn_hrc.goals",
    "sklearn_hrc.metrics",
    "sklearn_hrc.model_selection",
    "sklearn_hrc.planning",
    "sklearn_hrc.plotting",
    "sklearn_hrc.report",
    "sklearn_hrc.rules",
    "sklearn_hrc.tables",
]


def listed_names(text):
    """Dotted names that the autosummary tables of a page list, under its current modules."""
    module, listed = None, set()
    for line in text.splitlines():
        if found := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif found := re.fullmatch(r"   (\w+)", line):
            listed.add(f"{module}.{found[1]}")
    return listed


def test_names_are_read_under_their_module():
    text = ".. currentmodule:: a.b\n\n.. autosummary::\n   :toctree: made/\n\n   First\n   second\n"
    assert listed_names(text) == {"a.b.First", "a.b.second"}


@pytest.mark.parametrize("module", MODULES)
def test_api_page_lists_the_public_names_and_no_others(module):
    listed = {
        name.rpartition(".")[2]
        for name in listed_names((DOCS / "api.rst").read_text())
        if name.rpartition(".")[0] == module
    }
    public = set(importlib.import_module(module).__all__) - {"__version__"}
    assert listed == public


def test_table_of_files_names_every_file_and_no_others():
    text = (DOCS / "architecture.md").read_text()
    named = set(re.findall(r"`(_\w+\.py)`", text))
    present = {path.name for path in (ROOT / "sklearn_hrc").glob("_*.py")}
    assert named == present - {"__init__.py", "__main__.py", "_version.py"}


@pytest.mark.parametrize("wing", ["_cells", "_predictor", "_programme"])
def test_tables_of_files_name_every_file_of_a_wing(wing):
    rows = re.findall(r"^\|.*\|$", (DOCS / "architecture.md").read_text(), re.M)
    named = set(re.findall(r"`(\w+\.py)`", "".join(rows)))
    present = {path.name for path in (ROOT / "sklearn_hrc" / wing).glob("*.py")}
    assert present - {"__init__.py"} - named == set()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_to_files_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_pages_of_a_contents_table_exist(page):
    made = {"auto_examples/index", "auto_examples/plot_ten_minute_start"}
    for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), re.S):
        entries = {line for line in block.splitlines() if line and not line.startswith(":")}
        missing = [
            entry
            for entry in entries - made
            if not any((page.parent / f"{entry}.{kind}").exists() for kind in ("md", "rst"))
        ]
        assert missing == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_no_line_is_taken_for_a_comment(page):
    # A line that starts with a percent sign is a comment, and vanishes with its paragraph.
    assert not re.search(r"^\s*%", page.read_text(), re.M)
