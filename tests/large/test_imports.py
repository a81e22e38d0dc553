"""What is loaded when, and what a missing package is told by."""

import subprocess
import sys

import pytest

from sklearn_hrc.large import decide_large, fit_large

# scikit-learn itself loads pandas where it is installed.
LOADED = {
    "import sklearn_hrc": {"pyarrow", "pandas", "torch", "mip"},
    "from sklearn_hrc.large import decide_large, fit_large": {"torch", "mip", "polars"},
}


@pytest.mark.parametrize("statement", LOADED)
def test_import_loads_little(statement):
    code = f"{statement}; import sys; print(*sorted({LOADED[statement]!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", ["pyarrow", "pandas"])
def test_a_missing_package_names_the_extra(name, monkeypatch, tmp_path):
    pytest.importorskip("pyarrow")
    from helpers.large_tables import FEATURES, ROLES, fit_in_memory, large_table, segment_policy

    table = large_table(60)
    policy = fit_in_memory(segment_policy(), table)
    monkeypatch.setitem(sys.modules, name, None)
    message = rf'sklearn_hrc\.large requires {name}: install it with .*"sklearn-hrc\[arrow\]"'
    with pytest.raises(ImportError, match=message):
        fit_large(segment_policy(), table, **ROLES, features=FEATURES)
    with pytest.raises(ImportError, match=message):
        decide_large(policy, table, tmp_path / "arms")
    assert list(tmp_path.iterdir()) == []
