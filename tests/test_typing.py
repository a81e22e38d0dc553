"""Public functions and methods are annotated, and a type checker may rely on it."""

import importlib
import inspect
from importlib.resources import files

import pytest
from test_docstrings import MODULES


def own_functions():
    """Dotted names and functions: public functions, own methods and constructors."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value):
                yield f"{module_name}.{name}", value
            elif inspect.isclass(value):
                for method, member in inspect.getmembers_static(value):
                    # A class method holds the function; others are functions.
                    function = inspect.unwrap(getattr(member, "__func__", member))
                    if (
                        inspect.isfunction(function)
                        and function.__module__.startswith("sklearn_hrc")
                        and (method == "__init__" or not method.startswith("_"))
                    ):
                        yield f"{module_name}.{name}.{method}", function


FUNCTIONS = dict(own_functions())


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_signature_is_annotated(name):
    function = FUNCTIONS[name]
    parameters = set(inspect.signature(function).parameters) - {"self", "cls"}
    bare = (parameters | {"return"}) - inspect.get_annotations(function).keys()
    assert not bare, f"{name}: {sorted(bare)}"


def test_what_is_walked_has_methods_of_mixins_and_functions():
    assert {
        "sklearn_hrc.ClusterBudgetAllocator.__init__",
        "sklearn_hrc.ClusterBudgetAllocator.predict",
        "sklearn_hrc.ClusterBudgetAllocator.set_budget",
        "sklearn_hrc.DistilledAllocator.fit",
        "sklearn_hrc.metrics.policy_value",
        "sklearn_hrc.plotting.BudgetCurveDisplay.from_estimator",
    } <= FUNCTIONS.keys()
    assert "sklearn_hrc.ClusterBudgetAllocator.get_params" not in FUNCTIONS


def test_package_says_that_it_has_types():
    assert files("sklearn_hrc").joinpath("py.typed").is_file()
