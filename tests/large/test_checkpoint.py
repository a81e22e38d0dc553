"""What is kept of a run is whole, of the same call, and removed at the end."""

import os
import pickle

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.large._checkpoint import open_checkpoint


@pytest.fixture
def kept(tmp_path):
    return open_checkpoint(tmp_path / "deep" / "kept", "call", 1)


def test_things_come_back(kept):
    kept.save("a thing", {"x": np.arange(3)})
    np.testing.assert_array_equal(kept.load("a thing")["x"], [0, 1, 2])
    assert kept.load("another", "default") == "default"


def test_a_thing_is_made_once(kept):
    made = iter([1, 2])
    assert [kept.remember("number", lambda: next(made)) for _ in range(2)] == [1, 1]


def test_no_folder_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nothing = open_checkpoint(None, "call")
    nothing.save("thing", 1)
    assert nothing.load("thing") is None
    nothing.clear()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_goes_but_for_what_is_foreign(kept):
    kept.save("thing", 1)
    kept.clear()
    assert not kept.folder.exists()
    kept.folder.mkdir()
    kept.save("thing", 1)
    (kept.folder / "notes.txt").write_text("mine")
    kept.clear()
    assert [path.name for path in kept.folder.iterdir()] == ["notes.txt"]


def test_an_interrupted_write_leaves_the_old_file(kept, monkeypatch):
    kept.save("thing", "old")

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            kept.save("thing", "new")
    assert kept.load("thing") == "old"
    kept.save("thing", "new")
    assert kept.load("thing") == "new"
    kept.clear()
    assert not kept.folder.exists()


DAMAGES = {
    "truncated": lambda content: content[:-1],
    "empty": lambda content: b"",
    "a turned bit": lambda content: content[:-3] + bytes([content[-3] ^ 1]) + content[-2:],
    "longer": lambda content: content + b"x",
    "foreign": lambda content: pickle.dumps(("call", 1)),
    "of another version": lambda content: content.replace(b"checkpoint 1", b"checkpoint 2"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_refuses_a_damaged_file_before_it_is_unpickled(kept, damage, monkeypatch):
    kept.save("thing", [1, 2, 3])
    path = kept.folder / "thing.checkpoint"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    monkeypatch.setattr(pickle, "loads", None)
    with pytest.raises(ValueError, match=r"checkpoint is expected .* damaged file .*thing\.ch"):
        kept.load("thing")


def test_refuses_another_call(kept):
    kept.save("thing", 1)
    other = open_checkpoint(kept.folder, "call", 2)
    with pytest.raises(ValueError, match="checkpoint is expected to be of the same call, got that"):
        other.load("thing")
    assert open_checkpoint(kept.folder, "call", 1).load("thing") == 1


def test_refuses_a_file_in_the_place_of_the_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(NotADirectoryError, match="checkpoint is expected to be a folder, got the"):
        open_checkpoint(path, "call")
    assert path.read_text() == "mine"


def test_a_call_is_told_by_its_parameters_and_not_by_addresses():
    from sklearn_hrc.large._fit_large import _facts_of

    def call(step, **params):
        policy = make_pipeline(FunctionTransformer(step), ClusterBudgetAllocator(**params))
        return open_checkpoint(None, _facts_of(policy)).call

    steps = [eval("lambda X: X") for _ in range(2)]
    assert repr(steps[0]) != repr(steps[1])
    assert call(steps[0], budget=1.0) == call(steps[1], budget=1.0)
    assert call(steps[0], budget=1.0) != call(steps[0], budget=2.0)
    assert call(np.log, budget=1.0) != call(np.exp, budget=1.0)
    states = [np.random.RandomState(0) for _ in range(2)]
    assert call(None, random_state=states[0]) == call(None, random_state=states[1])
    prices = np.zeros((2, 2000))
    prices[1, 1000] = 1
    assert call(None, arm_cost=prices[0]) != call(None, arm_cost=prices[1])
