"""The pages speak of every public name, and of files and parameters that exist."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MODULES = [
    "sklearn_hrc",
    "sklearn_hrc.budgets",
    "sklearn_hrc.datasets",
    "sklearn_hrc.design",
    "sklearn_hrc.export",
    "sklearn_hrc.evaluation",
    "sklearn_hrc.exceptions",
    "sklearn_hrc.goals",
    "sklearn_hrc.metrics",
    "sklearn_hrc.model_selection",
    "sklearn_hrc.planning",
    "sklearn_hrc.plotting",
    "sklearn_hrc.report",
    "sklearn_hrc.rivals",
    "sklearn_hrc.rules",
    "sklearn_hrc.large",
    "sklearn_hrc.serving",
    "sklearn_hrc.tables",
]
# A decimal without its nought. Formats and lengths of style sheets have letters behind.
BARE_DECIMAL = re.compile(r"(?<![^\s(\[{|,=*+\-\u2212±~/<>≤≥$^])\.\d+(?![\w%])(?!\.\d)")
WRITTEN = (
    "*.md",
    "docs/*.md",
    "docs/guide/*.md",
    "docs/*.rst",
    "examples/*",
    "sklearn_hrc/**/*.py",
)


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


@pytest.mark.parametrize("wing", ["_cells", "_commands", "_predictor", "_programme"])
def test_tables_of_files_name_every_file_of_a_wing(wing):
    rows = re.findall(r"^\|.*\|$", (DOCS / "architecture.md").read_text(), re.M)
    named = set(re.findall(r"`(\w+\.py)`", "".join(rows)))
    present = {path.name for path in (ROOT / "sklearn_hrc" / wing).glob("*.py")}
    assert present - {"__init__.py"} - named == set()


@pytest.mark.parametrize("wing", ["large", "rivals"])
def test_table_of_a_public_wing_names_every_file_and_no_others(wing):
    named = set(re.findall(rf"`{wing}/(_\w+\.py)`", (DOCS / "architecture.md").read_text()))
    present = {path.name for path in (ROOT / "sklearn_hrc" / wing).glob("_*.py")}
    assert named == present - {"__init__.py"}


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


@pytest.mark.parametrize("text", ["of .5,", "(.25 to 1)", "| .9 |", "+.1", r"\mu + .02\, x", ".3"])
def test_a_decimal_without_its_nought_is_found(text):
    assert BARE_DECIMAL.search(text)


@pytest.mark.parametrize(
    "text", ["0.5", "v1.5", "f'{x:.2f}'", "margin: .4em", "a.0", "3.11", "'.1%'"]
)
def test_formats_lengths_and_versions_are_no_such_decimals(text):
    assert not BARE_DECIMAL.search(text)


@pytest.mark.parametrize("pattern", WRITTEN)
def test_decimals_have_their_nought(pattern):
    paths = sorted(path for path in ROOT.glob(pattern) if path.is_file())
    assert paths
    lines = [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if BARE_DECIMAL.search(line)
    ]
    assert lines == []


def unknown_parameters(text):
    """Calls of public names in the Python blocks of a page, with keywords that they do not take."""
    public = {}
    for module in map(importlib.import_module, MODULES):
        public |= {name: getattr(module, name) for name in module.__all__}
    for block in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
        for call in ast.walk(ast.parse(block)):
            name = getattr(getattr(call, "func", None), "id", None)
            if name in public:
                known = inspect.signature(public[name]).parameters
                given = {keyword.arg for keyword in call.keywords} - {None}
                yield from (f"{name}({each}=)" for each in sorted(given - set(known)))


def test_a_parameter_that_is_gone_is_found():
    text = "```python\nClusterBudgetAllocator(budget=1, max_share=2)\nprint(a, sep='')\n```\n"
    assert list(unknown_parameters(text)) == ["ClusterBudgetAllocator(max_share=)"]


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda page: page.stem
)
def test_code_of_pages_gives_parameters_that_exist(page):
    assert list(unknown_parameters(page.read_text())) == []
