"""Every example runs as it stands."""

import runpy
from pathlib import Path

import pytest
import sklearn

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))
REAL_DATA = {"plot_hillstrom", "plot_karlan_list", "plot_thornton"}
SERVED = {"plot_ab_test"}
LARGE = {"plot_large_table"}


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path):
    plt = pytest.importorskip("matplotlib.pyplot")
    pytest.importorskip("pandas")
    if path.stem in REAL_DATA:
        pytest.importorskip("skrub")
    if path.stem in SERVED:
        pytest.importorskip("onnxruntime")
    if path.stem in LARGE:
        pytest.importorskip("pyarrow")
    with sklearn.config_context():
        try:
            runpy.run_path(str(path))
        except OSError as error:
            if path.stem not in REAL_DATA:
                raise
            pytest.skip(f"REAL DATA SKIPPED: {error}")
    assert plt.get_fignums()
    plt.close("all")
