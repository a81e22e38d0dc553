"""Every example runs as it stands."""

import runpy
from pathlib import Path

import pytest
import sklearn

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path):
    plt = pytest.importorskip("matplotlib.pyplot")
    pytest.importorskip("pandas")
    with sklearn.config_context():
        runpy.run_path(str(path))
    assert plt.get_fignums()
    plt.close("all")
