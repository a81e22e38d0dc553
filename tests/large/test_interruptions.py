"""A fit that is interrupted goes on by the same call, to the same policy bit for bit."""

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from sklearn.model_selection import GridSearchCV

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pandas")

from helpers.large_tables import (  # noqa: E402
    FEATURES,
    ROLES,
    Reading,
    assert_same_policy,
    cluster_policy,
    large_table,
    segment_policy,
    write_parts,
)

from sklearn_hrc import HiddenClusterer  # noqa: E402
from sklearn_hrc.large import _passes, fit_large  # noqa: E402
from sklearn_hrc.large._sample import Sampling  # noqa: E402
from sklearn_hrc.large._summing import Summing  # noqa: E402

TABLE = large_table(900)
HELPERS = Path(__file__).resolve().parents[1]


def fit(data, policy=None, **params):
    params = {**ROLES, "features": FEATURES, "sample": 300, "random_state": 0} | params
    return fit_large(segment_policy() if policy is None else policy, data, **params)


@pytest.fixture(scope="module")
def batchwise():
    """A policy of batches of 100 rows, whose fit nothing interrupts."""
    return fit(Reading(TABLE))


def interrupt(*args, **params):
    raise KeyboardInterrupt


@pytest.mark.parametrize("opening", [1, 2], ids=["sample", "all rows"])
@pytest.mark.parametrize("batch", [0, 5])
def test_an_interrupted_pass_goes_on(opening, batch, batchwise, tmp_path):
    kept = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        fit(Reading(TABLE, opening, batch, interrupt), checkpoint=kept)
    assert_same_policy(fit(Reading(TABLE), checkpoint=kept), batchwise)
    assert not kept.exists()


def parts_of(folder):
    return write_parts(folder, TABLE, 3)


def test_an_interrupted_pass_over_files_reads_no_row_twice(tmp_path, monkeypatch):
    folder, kept = parts_of(tmp_path / "rows"), tmp_path / "kept"
    expected, usual, rows = fit(folder), Summing.add, []

    def add(self, sums, batch):
        rows.append(batch.num_rows)
        if len(rows) == 2:
            raise KeyboardInterrupt
        return usual(self, sums, batch)

    monkeypatch.setattr(Summing, "add", add)
    with pytest.raises(KeyboardInterrupt):
        fit(folder, checkpoint=kept)
    assert_same_policy(fit(folder, checkpoint=kept), expected)
    assert rows == [300, 300, 300, 300]  # the second file was not counted the first time


def test_a_checkpoint_of_files_that_have_changed_is_refused(tmp_path, monkeypatch):
    folder, kept = parts_of(tmp_path / "rows"), tmp_path / "kept"
    with monkeypatch.context() as patched:
        patched.setattr(Summing, "add", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fit(folder, checkpoint=kept)
    os.utime(folder / "part_01.parquet", (1, 1))
    with pytest.raises(ValueError, match="checkpoint is expected to be of the same call"):
        fit(folder, checkpoint=kept)


def test_rows_in_another_order_are_all_read_again(tmp_path):
    """A query gives its rows in any order, so nobody knows which rows were read."""
    kept = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        fit(Reading(TABLE, 2, 5, interrupt), checkpoint=kept)
    backwards = TABLE.take(list(range(899, -1, -1)))
    assert_same_policy(fit(Reading(backwards), checkpoint=kept), fit(TABLE), rtol=1e-9)


def test_an_interrupted_fit_to_the_sample_begins_anew_without_a_pass(tmp_path, monkeypatch):
    expected, kept = fit(TABLE, cluster_policy()), tmp_path / "kept"
    with monkeypatch.context() as patched:
        patched.setattr(HiddenClusterer, "fit", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fit(TABLE, cluster_policy(), checkpoint=kept)
    monkeypatch.setattr(Sampling, "add", interrupt)
    assert_same_policy(fit(TABLE, cluster_policy(), checkpoint=kept), expected)


@pytest.mark.parametrize("in_search", [False, True])
def test_an_interrupted_training_is_no_fit(in_search, tmp_path, monkeypatch):
    def interrupted(self, X, y=None, **params):
        warnings.warn("Interrupted in epoch 3 of 60: they are used.", stacklevel=2)
        return self

    policy, kept = cluster_policy(), tmp_path / "kept"
    if in_search:
        policy = GridSearchCV(policy, {"hiddenclusterer__n_clusters": [2, 3]}, cv=2)
    monkeypatch.setattr(HiddenClusterer, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt, match="Interrupted in epoch 3"):
        fit(TABLE, policy, checkpoint=kept)
    assert {path.stem for path in kept.iterdir()} == {"seed", "sample"}


def test_other_warnings_of_a_fit_are_shown(monkeypatch):
    usual = HiddenClusterer.fit

    def warning(self, X, y=None, **params):
        warnings.warn("something else", stacklevel=2)
        return usual(self, X, y, **params)

    monkeypatch.setattr(HiddenClusterer, "fit", warning)
    with pytest.warns(UserWarning, match="something else"):
        fit(TABLE, cluster_policy())
    as_errors = warnings.catch_warnings(action="error")
    with as_errors, pytest.raises(UserWarning, match="something else"):
        fit(TABLE, cluster_policy())


def test_a_checkpoint_keeps_the_seed_that_was_drawn(tmp_path):
    kept = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        fit(Reading(TABLE, 1, 5, interrupt), random_state=None, checkpoint=kept)
    policy = fit(Reading(TABLE), random_state=None, checkpoint=kept)
    assert policy[-1].cluster_sizes_.sum() == 900


OTHER_CALLS = {
    "policy": {"policy": segment_policy(budget=2.0)},
    "sample": {"sample": 301},
    "random state": {"random_state": 1},
    "outcome": {"outcome": "paid", "cost": "gmv"},
    "features": {"features": ["age", "spend"]},
}


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A checkpoint of a call that was interrupted in its second pass."""
    kept = tmp_path_factory.mktemp("kept")
    with pytest.raises(KeyboardInterrupt):
        fit(Reading(TABLE, 2, 5, interrupt), checkpoint=kept)
    return kept


@pytest.mark.parametrize("case", OTHER_CALLS)
def test_refuses_the_checkpoint_of_another_call(case, interrupted):
    before = {path.name: path.read_bytes() for path in interrupted.iterdir()}
    with pytest.raises(ValueError, match="checkpoint is expected to be of the same call, got that"):
        fit(Reading(TABLE), checkpoint=interrupted, **OTHER_CALLS[case])
    assert {path.name: path.read_bytes() for path in interrupted.iterdir()} == before


def test_refuses_the_checkpoint_of_another_table(interrupted):
    with pytest.raises(ValueError, match="checkpoint is expected to be of the same call, got that"):
        fit(TABLE, checkpoint=interrupted)


@pytest.mark.parametrize("name", ["seed", "policy", "all rows"])
def test_refuses_a_damaged_checkpoint(name, interrupted, tmp_path):
    for path in interrupted.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / f"{name}.checkpoint"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="checkpoint is expected to be as it was written, got a d"):
        fit(Reading(TABLE), checkpoint=tmp_path)


KILLED = """
import os, signal, sys
from helpers.large_tables import FEATURES, ROLES, cluster_policy
from sklearn_hrc.large import _passes, fit_large

name, file, folder, kept = sys.argv[1:]
usual, read = _passes.read_part, []

def read_part(part, names):
    read.append(part)
    if len(read) == int(file):
        os.kill(os.getpid(), getattr(signal, name))
    return usual(part, names)

_passes.SAVED_EVERY, _passes.read_part = -1.0, read_part
fit_large(
    cluster_policy(), folder, **ROLES, features=FEATURES, sample=300, random_state=0,
    checkpoint=kept)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("file", "n_left"), [(6, 13), (15, 4)], ids=["sample", "all rows"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_killed_process_goes_on(name, file, n_left, tmp_path, monkeypatch):
    folder, kept = write_parts(tmp_path / "rows", TABLE, 9), tmp_path / "kept"
    command = [sys.executable, "-c", KILLED, name, str(file), str(folder), str(kept)]
    paths = os.pathsep.join([str(HELPERS), str(HELPERS.parent)])
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert done.returncode == -getattr(signal, name), done.stderr
    expected, seen = fit(folder, cluster_policy()), []
    usual = _passes.located
    monkeypatch.setattr(_passes, "located", lambda *where: seen.append(where) or usual(*where))
    assert_same_policy(fit(folder, cluster_policy(), checkpoint=kept), expected)
    # Rows of files before the interruption are not added again.
    assert len(seen) == n_left
    assert not kept.exists()
