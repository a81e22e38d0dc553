"""Settings that hold for every test."""

import os
import sys

import pytest

# Two thread pools on few cores run many times slower than one thread each;
# the variables must be set before numpy and torch load.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(autouse=True)
def closed_figures():
    """Close what a test has drawn, where it has drawn."""
    yield
    if plt := sys.modules.get("matplotlib.pyplot"):
        plt.close("all")
