"""Docstrings of the public names follow numpydoc, by the checks of setup.cfg."""

import importlib
import inspect
import shutil
from pathlib import Path

import pytest

from sklearn_hrc.rules._rule import Rule

ROOT = Path(__file__).resolve().parents[1]
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


def described_at(cls, method, name):
    """Dotted name where a method of a class is described: rules do what `Rule` says."""
    is_of_rules = issubclass(cls, Rule) and method in vars(Rule)
    return f"sklearn_hrc.rules._rule.Rule.{method}" if is_of_rules else f"{name}.{method}"


def public_names():
    """Dotted names of public functions, classes and their own methods."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, str):
                continue
            yield f"{module_name}.{name}"
            if inspect.isclass(value):
                yield from (
                    described_at(value, method, f"{module_name}.{name}")
                    for method, function in inspect.getmembers(value, callable)
                    if not method.startswith("_")
                    and (getattr(function, "__module__", None) or "").startswith("sklearn_hrc")
                )


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    hook = pytest.importorskip("numpydoc.hooks.validate_docstrings")
    folder = tmp_path_factory.mktemp("config")
    shutil.copy(ROOT / "setup.cfg", folder)
    return hook.parse_config(folder)["checks"]


@pytest.mark.parametrize("name", sorted(set(public_names())))
def test_docstring(name, checks):
    from numpydoc.validate import validate

    errors = [error for error in validate(name)["errors"] if error[0] in checks]
    assert not errors, "\n".join(f"{name}: {code} {text}" for code, text in errors)
